"""What is played to count calls: kickoffs that are due together, a day on which nothing is, and a whole cycle by polls alone."""

import io
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import event

from sync.sandbox.request_log import LoggedCall
from tests.bench.baseline import per_record
from tests.bench.figures import Figure
from tests.world import World

SAMPLE = 20
"""Portfolios for which the script of one call a record is played; its cost is the same for each."""

POLLS_A_DAY = 288
"""One every five minutes."""

WITH_HISTORY, INPUTS, PAGE, ASSOCIATIONS = 50, 100, 200, 1_000
"""What one call takes at most: reads with history, other batches, a page of a search, reads of associations."""


@dataclass(frozen=True)
class Cost:
    """What something cost: calls to the CRM by endpoint, processor seconds of the whole run, and commits of the database."""

    calls: Mapping[str, int]
    inputs: Mapping[str, int]
    cpu_seconds: float
    commits: int

    @property
    def total(self) -> int:
        return sum(self.calls.values())

    def as_json(self) -> dict[str, object]:
        return {
            "calls": dict(self.calls),
            "inputs": dict(self.inputs),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "commits": self.commits,
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


@contextmanager
def playing() -> Iterator[World]:
    """A portal without webhooks, and the service beside it; emails cost no calls."""
    with tempfile.TemporaryDirectory() as directory, redirect_stderr(io.StringIO()):
        world = World(
            Path(directory), webhooks=False, mapping="rules: {effects_per_hour: 100000}\n", email_url="console:"
        )
        try:
            yield world
        finally:
            world.close()


def established(world: World) -> None:
    """Have the service run for a day, and start anew: a ledger that has just begun looks for what one before it had done."""
    world.sweep()
    world.clock.advance(timedelta(days=1))
    world.work()
    world.restart()


def cost_of(world: World, act: Callable[[], object]) -> Cost:
    """Do it, and count."""
    commits, engine = count(), world.service.store.engine

    def committed(_connection: object) -> None:
        next(commits)

    mark, began = world.sandbox.log.mark(), time.process_time()
    event.listen(engine, "commit", committed)
    try:
        act()
    finally:
        event.remove(engine, "commit", committed)
    seconds = time.process_time() - began
    made = world.sandbox.log.since(mark)
    return Cost(_counted(made), _inputs(made), seconds, next(commits))


def kickoffs(number: int) -> Figure:
    """Calls a handoff where so many kickoffs come due with one sweep, what a process asks at its start included."""
    with playing() as world:
        established(world)
        portfolios = [world.people.create_portfolio(f"Client {n}", world.day(10)) for n in range(number)]
        cost = cost_of(world, world.sweep)
        made = len(world.tasks())
        with per_record(world.sandbox) as script:
            for portfolio in portfolios[:SAMPLE]:
                script.look(portfolio)
                script.make_task(portfolio)
            baseline = script.calls / min(SAMPLE, number)
    if made != number:
        raise AssertionError(f"{made} of {number} kickoffs were made")
    bound = _in(number, WITH_HISTORY) + _in(number, ASSOCIATIONS) + _in(number, INPUTS) + _in(number, PAGE)
    return Figure(
        f"{number:,d} kickoffs due in one sweep", "calls a handoff",
        ours=cost.total / number, wanted=0.05, bound=bound / number, baseline=baseline,
        details={"due_together": number, **cost.as_json()},
    )  # fmt: skip


def nothing_due(number: int) -> Figure:
    """Calls of the next day's sweep where nothing has changed and nothing has come due."""
    with playing() as world:
        established(world)
        portfolios = [world.people.create_portfolio(f"Client {n}", world.day(10)) for n in range(number)]
        world.clock.advance(timedelta(minutes=1))  # what is read in the moment of its change is read again
        world.sweep()
        world.clock.advance(timedelta(days=1))
        cost = cost_of(world, world.sweep)
        with per_record(world.sandbox) as script:
            for portfolio in portfolios[:SAMPLE]:
                script.look(portfolio)
            baseline = script.calls * number / SAMPLE
    bound = _in(number, PAGE) + 1
    return Figure(
        f"the next sweep, nothing due, {number:,d} portfolios in the window", "calls a 1,000 portfolios",
        ours=cost.total * 1000 / number, wanted=10, bound=bound * 1000 / number, baseline=baseline * 1000 / number,
        details=cost.as_json(),
    )  # fmt: skip


def whole_cycle(number: int, each: int) -> Figure:
    """Calls a portfolio of a whole cycle of so many portfolios, with `each` tickets, carried by polls alone."""
    with playing() as world:
        portfolios = [world.people.create_portfolio(f"Client {n}", world.day(17)) for n in range(number)]
        established(world)
        mark = world.sandbox.log.mark()
        bound = _Bound()
        cost = cost_of(world, lambda: bound.add_all(_Cycle(world, portfolios, each).steps()))
        calls = world.sandbox.log.since(mark)
        with per_record(world.sandbox) as script:
            for portfolio in portfolios[:3]:
                script.look(portfolio)
            a_look = script.calls / 3
        writes = sum(call.inputs for call in calls if _writes(call))
        script_calls = bound.looks * a_look + writes + bound.searches
        kinds = Counter(world.kinds())
    expected = {"kickoff": number, "create_tickets": number, "write_copy": number * each, "implement": number}
    if any(kinds[kind] != made for kind, made in expected.items()):
        raise AssertionError(f"not the cycle that was meant: {dict(kinds)}")
    return Figure(
        f"a whole cycle of {number} portfolios × {each} tickets, polls alone", "calls a portfolio",
        ours=len(calls) / number, wanted=1.5, bound=bound.calls / number, baseline=script_calls / number,
        details={**cost.as_json(), "steps": bound.steps},
    )  # fmt: skip


def idle_day(number: int) -> Figure:
    """Calls of a whole day with so many portfolios in mid-cycle of which nobody changes anything: its sweep and its polls."""
    with playing() as world:
        portfolios = [world.people.create_portfolio(f"Client {n}", world.day(40)) for n in range(number)]
        for portfolio in portfolios:
            world.people.set_status(portfolio, "Refresh Request Submitted")
        established(world)
        world.next_day()

        def a_day() -> None:
            world.next_day()
            for _ in range(POLLS_A_DAY):
                world.clock.advance(timedelta(days=1) / POLLS_A_DAY)
                world.work(settle=False)

        cost = cost_of(world, a_day)
        with per_record(world.sandbox) as script:
            script.look(portfolios[0])
            baseline = script.calls * number * POLLS_A_DAY
    return Figure(
        f"an idle day with {number} portfolios in mid-cycle, polled every five minutes", "calls a day",
        ours=cost.total, wanted=1_500, bound=3 * POLLS_A_DAY + 3, baseline=baseline, details=cost.as_json(),
    )  # fmt: skip


def old_tickets(number: int, each: int) -> Figure:
    """Calls of a look at portfolios with so many tickets that were closed long ago, beside the same with none of them."""
    cost, _ = _look_at_all(number, each)
    without, script = _look_at_all(number, 0)
    return Figure(
        f"a look at {number} portfolios, each with {each} tickets closed a month ago", "calls a portfolio",
        ours=cost.total / number, wanted=without.total / number, bound=without.total / number, baseline=script + each,
        details=cost.as_json(),
    )  # fmt: skip


def _look_at_all(number: int, each: int) -> tuple[Cost, float]:
    """The cost of a poll that finds every portfolio changed, and that of a script for one of them without its tickets."""
    with playing() as world:
        portfolios = [world.people.create_portfolio(f"Client {n}", world.day(17)) for n in range(number)]
        closed = next(stage.id for stage in world.service.portals.get().pipeline.stages if stage.closed)
        for portfolio in portfolios:
            for one in range(each):
                ticket = world.people.create_ticket(f"Ad {one}", "Winter", portfolio)
                world.people.set("ticket", ticket, {"hs_pipeline_stage": closed})
        world.clock.advance(timedelta(days=31))
        established(world)

        def look() -> None:
            for portfolio in portfolios:
                world.people.set(
                    "portfolio", portfolio, {"most_recent_ad_lab_link": f"https://example.com/{world.clock.now()}"}
                )
            world.clock.advance(timedelta(minutes=30))
            world.people.flush_search()
            world.work()

        for _ in range(3):  # what the service has not seen twice it reads
            look()
        cost = cost_of(world, look)
        bare = world.people.create_portfolio("Bare", world.day(17))
        with per_record(world.sandbox) as script:
            script.look(bare)
            return cost, script.calls


@dataclass(frozen=True)
class _Step:
    """What people did between two polls: how many portfolios and tickets they changed, and the calls that it led to."""

    name: str
    portfolios: int
    tickets: int
    calls: tuple[LoggedCall, ...]


class _Bound:
    """What the steps cost at best: three searches a poll, what was changed read once, what is written in full batches."""

    def __init__(self) -> None:
        self.calls = 0
        self.searches = 0
        self.looks = 0
        self.steps: dict[str, int] = {}

    def add_all(self, steps: "Iterable[_Step]") -> None:
        for step in steps:
            self._add(step)

    def _add(self, step: _Step) -> None:
        self.steps[step.name] = len(step.calls)
        searches = max(1, _in(step.portfolios, PAGE)) + max(1, _in(step.tickets, PAGE)) + 1
        self.searches += searches
        self.looks += max(step.portfolios, 1 if step.tickets else 0)
        reads = _in(step.portfolios, WITH_HISTORY) + _in(step.tickets, WITH_HISTORY) + 2
        written = Counter[str]()
        for call in step.calls:
            if _writes(call):
                written[call.endpoint] += call.inputs
        self.calls += searches + reads + sum(_in(number, INPUTS) for number in written.values())


class _Cycle:
    """People play a cycle; after each of their steps there is a poll, or where a date has come a sweep."""

    def __init__(self, world: World, portfolios: Sequence[str], each: int) -> None:
        self._world = world
        self._people = world.people
        self._portfolios = portfolios
        self._each = each
        self._tickets: dict[str, list[str]] = {}

    def steps(self) -> Iterator[_Step]:
        """Play it, a step at a time."""
        number, tickets = len(self._portfolios), len(self._portfolios) * self._each
        self._world.clock.advance(timedelta(days=2))
        yield self._step("kickoff", number, 0, self._world.sweep)
        self._set_status("Refresh Request Submitted")
        yield self._step("confirmed", number, 0, self._polled)
        self._world.clock.advance(timedelta(days=14))
        yield self._step("the date has come", number, 0, self._world.sweep)
        for portfolio in self._portfolios:
            made = [self._people.create_ticket(f"Ad {n}", "Winter", portfolio) for n in range(self._each)]
            self._tickets[portfolio] = made
        yield self._step("tickets made", number, tickets, self._polled)
        self._set_status("Deliverables Submitted")
        yield self._step("submitted", number, 0, self._polled)
        for ticket in (one for mine in self._tickets.values() for one in mine):
            self._people.move_ticket(ticket, "Pending Approval")
        yield self._step("ready", number, tickets, self._polled)
        yield from self._revision_round()
        self._set_status("Creatives Completed & Approved")
        yield self._step("approved", number, 0, self._polled)
        for task in self._world.tasks():
            if task.open and "Implement" in task.subject:
                self._people.complete_task(task.id)
        yield self._step("implemented", number, 0, self._polled)

    def _revision_round(self) -> Iterator[_Step]:
        in_revision = [mine[0] for mine in list(self._tickets.values())[::5]]
        for ticket in in_revision:
            self._people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
        yield self._step("revisions asked for", len(in_revision), len(in_revision), self._polled)
        for ticket in in_revision:
            self._people.set("ticket", ticket, {"copy_approval": "Approved"})
            self._people.move_ticket(ticket, "Pending Approval")
        yield self._step("revisions delivered", len(in_revision), len(in_revision), self._polled)

    def _set_status(self, status: str) -> None:
        for portfolio in self._portfolios:
            self._people.set_status(portfolio, status)

    def _step(self, name: str, portfolios: int, tickets: int, look: Callable[[], object]) -> _Step:
        mark = self._world.sandbox.log.mark()
        look()
        return _Step(name, portfolios, tickets, tuple(self._world.sandbox.log.since(mark)))

    def _polled(self) -> None:
        self._world.clock.advance(timedelta(minutes=30))
        self._people.flush_search()
        self._world.work()


def _writes(call: LoggedCall) -> bool:
    return call.endpoint.endswith(("batch/create", "batch/update"))


def _counted(calls: Iterable[LoggedCall]) -> dict[str, int]:
    return dict(Counter(call.endpoint for call in calls).most_common())


def _inputs(calls: Iterable[LoggedCall]) -> dict[str, int]:
    found = Counter[str]()
    for call in calls:
        found[call.endpoint] += call.inputs
    return dict(found.most_common())


def _in(count: int, size: int) -> int:
    return -(-count // size)
