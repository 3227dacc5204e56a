"""The process ends between any two steps, answers get lost, writes land late: every effect happens once all the same.

One busy morning is prepared once. Each test ends a copy of it in another way and compares what the CRM, the mailboxes
and the ledger hold with what an undisturbed morning leaves.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, cycle
from typing import Any, cast

import pytest

from sync.failpoints import no_failpoint
from sync.sandbox.faults import Fault, FaultKind
from sync.storage import tables
from tests.story import busy_day
from tests.story.copies import in_copy
from tests.world import World


class Crash(BaseException):
    """The end of the process: no code may catch it."""


@dataclass(frozen=True)
class Morning:
    """The prepared world, what its undisturbed end looks like, the steps of that run and the writes that it sends.

    `crashes` are the steps after which it makes a difference to end: between two others nothing was written anywhere.
    """

    world: World
    end: dict[str, Any]
    steps: list[str]
    crashes: list[int]
    writes: list[str]


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    world = World(tmp_path_factory.mktemp("morning"))
    busy_day.act(world, busy_day.prepare(world))
    world.sandbox.delivery.pump()
    end, steps, crashes, writes = in_copy(world, _undisturbed)
    assert {"task", "email", "write", "close"} == {kind for _, kind, _ in end["effects"]}, "the day is busy"
    yield Morning(world, end, steps, crashes, writes)
    world.service.close()


def _undisturbed(world: World) -> tuple[dict[str, Any], list[str], list[int], list[str]]:
    steps: list[str] = []
    states: list[int] = []

    def failpoint(step: str) -> None:
        steps.append(step)
        states.append(_what_would_be_left(world))

    world.failpoint = failpoint
    mark = world.sandbox.log.mark()
    world.work()
    calls = [call.endpoint for call in world.sandbox.log.since(mark)]
    world.failpoint = no_failpoint
    busy_day.calm_down(world)
    assert busy_day.unsettled(world) == []
    crashes = [n for n, state in enumerate(states) if n == 0 or state != states[n - 1]]
    return busy_day.end_state(world), steps, crashes, [call for call in calls if _writes(call)]


def _writes(endpoint: str) -> bool:
    return endpoint.endswith(("/batch/create", "/batch/update", "/single-email/send"))


def _what_would_be_left(world: World) -> int:
    """A fingerprint of all that outlives the process: the database but for the request budget, and the CRM."""
    written = sum(_writes(call.endpoint) for call in world.sandbox.log.since(0))
    mine = (
        tables.effects,
        tables.occurrences,
        tables.work_items,
        tables.cycles,
        tables.memberships,
        tables.service_state,
    )
    with world.service.store.read() as connection:
        return hash((written, *(tuple(connection.execute(table.select())) for table in mine)))


def crash_at(*hits: int) -> Callable[[str], None]:
    """A checkpoint that ends the process at the given steps, counted from 0 over all lives of the process."""
    seen = iter(range(1_000_000))

    def failpoint(step: str) -> None:
        if next(seen) in hits:
            raise Crash(step)

    return failpoint


def survive(world: World) -> dict[str, Any]:
    """Work; start anew after every crash; let time pass; the end."""
    rounds, lives = 0, 0
    while rounds < 6:
        try:
            if rounds + lives == 0:
                world.work()
            else:
                world.minutes(2)
            rounds += 1
        except Crash:
            world.restart()
            lives += 1
    assert busy_day.unsettled(world) == []
    return busy_day.end_state(world)


def _ends_well(morning: Morning, disturb: Callable[[World], None], what: str) -> None:
    def act(world: World) -> dict[str, Any]:
        disturb(world)
        return survive(world)

    assert not (found := busy_day.differences(in_copy(morning.world, act), morning.end)), f"{what}:\n" + "\n".join(
        found
    )


def _crashing(*hits: int) -> Callable[[World], None]:
    def disturb(world: World) -> None:
        world.failpoint = crash_at(*hits)

    return disturb


def test_a_crash_between_any_two_steps(morning: Morning) -> None:
    for hit in _emails_once(morning.steps, morning.crashes):
        _ends_well(morning, _crashing(hit), f"crash at step {hit}, “{morning.steps[hit]}”")


def _emails_once(steps: list[str], crashes: list[int]) -> Iterator[int]:
    """Without the inner ones of a row of emails, which are sent one by one in the same way."""
    one = ["mailing", "claiming", "claimed", "sent", "settled"]
    size = len(one)
    emails = {n for n in range(len(steps)) if steps[n : n + size] == one}
    inner = {n for n in emails if n - size in emails and n + size in emails}
    return (n for n in crashes if not any(first <= n < first + size for first in inner))


@pytest.mark.parametrize("seed", range(6))
def test_two_crashes_in_a_row(morning: Morning, seed: int) -> None:
    draw = random.Random(seed)
    first = draw.choice(morning.crashes)
    second = first + 1 + draw.randrange(12)
    _ends_well(morning, _crashing(first, second), f"crashes at steps {first} and {second}")


def test_a_write_whose_answer_is_lost(morning: Morning) -> None:
    """Applied at once or 20 s later, while the caller is told nothing, an error or half of it."""
    others = cycle(("lost", "lost-504", "cut", "truncated", "late-hang"))
    for number, write in _each_write(morning):
        for kind in ("late", next(others)):
            _ends_well(morning, _befallen(kind, write, number), f"{kind} at {write}, number {number}")


def test_a_crash_after_a_lost_answer(morning: Morning) -> None:
    ways = cycle((("lost", 1), ("late", 2), ("late-504", 1)))
    for (number, write), (kind, steps) in zip(_each_write(morning), ways, strict=False):
        what = f"{kind} at {write}, number {number}, and a crash {steps} steps later"
        _ends_well(morning, _befallen(kind, write, number, crash_after=steps), what)


def _each_write(morning: Morning) -> Iterator[tuple[int, str]]:
    """Each batch of the day by its endpoint and its number there; of single emails the first and the last."""
    seen: Counter[str] = Counter()
    last = Counter(morning.writes)
    for write in morning.writes:
        number = seen[write]
        seen[write] += 1
        if "single-email" not in write or number in {0, last[write] - 1}:
            yield number, write


def _befallen(kind: str, write: str, number: int, *, crash_after: int | None = None) -> Callable[[World], None]:
    """A fault at the given write; the process ends so many steps after it."""

    def disturb(world: World) -> None:
        fault = Fault(cast("FaultKind", kind), write, times=1, skip=number, delay=20)
        world.sandbox.faults.add(fault)
        if crash_after is None:
            return
        steps = count(1)

        def failpoint(step: str) -> None:
            if fault not in world.sandbox.faults.active() and next(steps) == crash_after:
                raise Crash(step)

        world.failpoint = failpoint

    return disturb


def test_a_try_that_was_sent_long_after_its_claim(world: World) -> None:
    """Its call had to wait for the rate limit; the process ends, and the write lands more than 90 s after the claim."""
    world.people.create_portfolio("Acme", world.day(10))
    create = "POST */tasks/batch/create"
    world.sandbox.faults.add(Fault("429-ten-secondly", create, lasts=45), Fault("late", create, times=1, delay=60))
    claimed: list[datetime] = []

    def failpoint(step: str) -> None:
        if step == "claimed":
            claimed.append(world.clock.now())
        if step == "sent":
            world.failpoint = no_failpoint
            raise Crash(step)

    world.failpoint = failpoint
    with pytest.raises(Crash):
        world.work()
    assert world.clock.now() - claimed[0] > timedelta(seconds=40)
    world.restart()
    world.work()
    world.clock.set(claimed[0] + timedelta(seconds=95))
    world.work()
    assert world.tasks() == [], "it has not landed yet"
    for _ in range(4):
        world.minutes(1)
    assert world.kinds() == ["kickoff"]
    assert world.receivers() == ["account_manager"]
    assert busy_day.unsettled(world) == []
