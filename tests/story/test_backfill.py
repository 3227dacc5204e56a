"""`backfill` acts on what is older than going live, once, within its limits, and goes on where it stopped."""

import json
import random
import re
import signal
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import func, select

from sync.admin import bulk
from sync.admin.backfill import carry_out, propose
from sync.crm import Kind, RecordRef
from sync.sandbox.faults import Fault, FaultKind
from sync.sandbox.situations import populate
from sync.storage.tables import backfills, effects, runs, work_items
from sync.storage.work_queue import enqueue
from tests.conftest import MakeWorld
from tests.terminal import Terminal, dump
from tests.world import World

SINCE = "2026-10-01"
APPLY = ("backfill", "--since", SINCE, "--apply", "--yes")


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def portal(world: World, count: int = 44) -> dict[str, list[int]]:
    """A portal in use, gone live on just now; what is due by its dates is done."""
    made = populate(world.sandbox.portal, world.sandbox.process, count, random.Random(3))
    world.sweep()
    world.minutes(15)
    return made


def old_ones(world: World) -> list[str]:
    """What the rules would do if causes of before counted."""
    found = propose(world.service.reading, world.clock.now() - timedelta(days=32))
    return [step.key for step in found.plan.due]


def test_without_apply_it_shows_and_changes_nothing(world: World, terminal: Terminal) -> None:
    portal(world)
    before = dump(world)
    result = terminal.run("backfill", "--since", SINCE)
    assert result.exit_code == 0, result.output
    assert "+ task “Write Copy: " in result.stdout
    assert "`handoffs backfill … --apply` does it." in result.stderr
    assert dump(world) == before


def test_it_does_what_is_older_and_the_second_time_nothing(world: World, terminal: Terminal) -> None:
    """docs/process.md G.6."""
    made = portal(world)
    submitted = [str(one) for one in made["deliverables submitted"]]
    assert not any("write_copy" in kind for kind in world.kinds())
    planned = sorted(old_ones(world))
    result = terminal.run(*APPLY, "--reason", "tickets of before")
    assert result.exit_code == 0, result.output
    assert planned_done(world, planned)
    for portfolio in submitted:
        tickets = world.people.tickets(portfolio)
        assert world.kinds(*[("ticket", ticket.id) for ticket in tickets]) == ["write_copy", "design_graphics"] * len(
            tickets
        )
    before = dump(world)
    again = terminal.run(*APPLY)
    assert (again.exit_code, "Nothing to do." in again.stdout) == (0, True), again.output
    assert dump(world) == before


def planned_done(world: World, keys: Sequence[str]) -> bool:
    with world.service.store.read() as connection:
        rows = connection.execute(select(effects.c.key).where(effects.c.state == "done")).all()
    return set(keys) <= {row.key for row in rows}


def test_the_run_is_kept_with_reason_and_actor(world: World, terminal: Terminal) -> None:
    portal(world)
    terminal.run(*APPLY, "--reason", "tickets of before")
    with world.service.store.read() as connection:
        row = connection.execute(select(runs)).one()
    assert (row.command, row.reason, bool(row.actor)) == ("backfill", "tickets of before", True)
    assert row.started <= row.finished
    assert json.loads(row.counts)["records"]["done"] > 5


def test_later_passes_know_it_too(world: World, terminal: Terminal) -> None:
    """What was blocked is healed by the service itself, once a person has mended it."""
    made = portal(world, 11)
    portfolio = str(made["deliverables submitted"][0])
    world.people.set("portfolio", portfolio, {"copywriter": ""})
    world.work()
    result = terminal.run(*APPLY, portfolio)
    assert result.exit_code == 0, result.output
    ticket = world.people.tickets(portfolio)[0].id
    assert world.kinds(("ticket", ticket)) == ["design_graphics"]
    world.minutes(70)
    assert world.kinds(("ticket", ticket)) == ["design_graphics"]
    world.people.set("portfolio", portfolio, {"copywriter": world.people.owner("copywriter")})
    world.work()
    assert sorted(world.kinds(("ticket", ticket))) == ["design_graphics", "write_copy"]
    world.next_day(2)
    assert sorted(world.kinds(("ticket", ticket))) == ["design_graphics", "write_copy"]


def test_others_stay_as_they_are(world: World, terminal: Terminal) -> None:
    made = portal(world)
    first, second = (str(one) for one in made["deliverables submitted"][:2])
    terminal.run(*APPLY, first)
    world.next_day(3)
    assert world.kinds(*[("ticket", ticket.id) for ticket in world.people.tickets(second)]) == []
    with world.service.store.read() as connection:
        assert [row.portfolio for row in connection.execute(select(backfills))] == [first]


# -- chosen


def test_a_handoff_chooses_the_portfolios(world: World, terminal: Terminal) -> None:
    portal(world)
    everything = terminal.json("backfill", "--since", SINCE)["effects"]
    revised = terminal.json("backfill", "--since", SINCE, "--handoff", "6")["effects"]
    concerned = {one["portfolio"] for one in everything if one["handoff"] == "6"}
    assert concerned
    assert {one["portfolio"] for one in revised} == concerned


def test_an_owner_chooses_the_portfolios(world: World, terminal: Terminal) -> None:
    made = portal(world)
    portfolio = str(made["deliverables submitted"][0])
    world.people.set("portfolio", portfolio, {"copywriter": world.people.owner("second_designer")})
    world.work()
    found = terminal.json("backfill", "--since", SINCE, "--owner", "dana.gray@agency.example")["effects"]
    assert {one["portfolio"] for one in found} == {portfolio}


def test_a_day_within_the_past_divides_it(world: World, terminal: Terminal) -> None:
    portal(world)
    all_of_it = terminal.json("backfill", "--since", SINCE)["effects"]
    yesterday = terminal.json("backfill", "--since", "2026-11-01")["effects"]
    assert 0 < len(yesterday) < len(all_of_it)


# -- limits


def test_no_more_than_so_many_effects_and_the_rest_in_further_runs(world: World, terminal: Terminal) -> None:
    portal(world)
    total = len(old_ones(world))
    assert total > 30
    done = 0
    for _ in range(30):
        before = count_done(world)
        result = terminal.run(*APPLY, "--max-effects", "12")
        done += count_done(world) - before
        assert count_done(world) - before <= 12
        if result.exit_code == 0:
            break
        assert result.exit_code == 3, result.output
        assert " beyond --max-effects: run it again." in result.stderr
    assert done == total


def count_done(world: World) -> int:
    with world.service.store.read() as connection:
        count = connection.execute(select(func.count()).select_from(effects).where(effects.c.state == "done"))
        return int(count.scalar_one())


def test_the_breaker_holds_and_what_was_released_goes_on(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(mapping="rules: {effects_per_hour: 60}\n")
    terminal = Terminal(world, monkeypatch)
    portal(world)
    world.minutes(61)
    planned = old_ones(world)
    assert len(planned) > 60
    result = terminal.run(*APPLY)
    assert result.exit_code == 3, result.output
    assert "handoffs release" in result.stderr
    assert terminal.run("release", "--reason", "looked through", "--all").exit_code == 0
    world.work()
    assert planned_done(world, planned), "the service knows how far back they count"


def test_a_share_of_the_budget(world: World, terminal: Terminal) -> None:
    """Of 190 calls in ten seconds a tenth: never more than 19 in any ten."""
    portal(world)
    mark = world.sandbox.log.mark()
    result = terminal.run(*APPLY, "--share", "0.1")
    assert result.exit_code == 0, result.output
    metered = [call for call in world.sandbox.log.since(mark) if "associations" not in call.endpoint]
    assert len(metered) > 25
    for call in metered:
        window = [one for one in metered if call.at <= one.at < call.at + timedelta(seconds=10)]
        assert len(window) <= 20


# -- stopped, cut off, failing


def test_it_is_stopped_after_the_group_and_goes_on_with_the_same_command(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(mapping="rules: {effects_per_hour: 9000}\n")
    terminal = Terminal(world, monkeypatch)
    portal(world, 330)
    proposal = propose(world.service.reading, world.clock.now() - timedelta(days=32))
    assert len(proposal.chosen) > 60
    summary = bulk.Summary()
    asked: list[None] = []

    def stop() -> bool:
        asked.append(None)
        return len(asked) > 2  # before a group, and while it waits for its lane

    results = list(carry_out(world.service, proposal, summary, reason=None, stop=stop))
    assert len(results) == 50
    assert summary.left == len(proposal.chosen) - 50
    rest = propose(world.service.reading, proposal.since)
    assert list(rest.chosen) == list(proposal.chosen[50:])
    assert terminal.run(*APPLY).exit_code == 0
    assert old_ones(world) == []
    keys = [task.key for task in world.tasks() if task.key]
    assert len(keys) == len(set(keys))


def test_one_that_is_cut_off_is_taken_up(world: World) -> None:
    portal(world)
    planned = old_ones(world)
    proposal = propose(world.service.reading, world.clock.now() - timedelta(days=32))

    class Crash(BaseException):
        """The end of the process."""

    def failpoint(step: str) -> None:
        if step == "sent":
            raise Crash

    world.failpoint = failpoint
    with pytest.raises(Crash):
        list(carry_out(world.service, proposal, bulk.Summary(), reason=None))
    world.failpoint = lambda _step: None
    world.restart()
    world.minutes(5)
    list(carry_out(world.service, propose(world.service.reading, proposal.since), bulk.Summary(), reason=None))
    world.minutes(5)
    assert planned_done(world, planned)
    keys = [task.key for task in world.tasks() if task.key]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("disturb", "outcome", "code"),
    [("", "done", 0), ("rule", "failed", 1), ("lost", "unknown", 1), ("refused", "failed", 1)],
)
def test_each_record_is_told_with_its_outcome(
    world: World, terminal: Terminal, disturb: str, outcome: str, code: int
) -> None:
    made = portal(world, 11)
    portfolio = str(made["deliverables submitted"][0])
    if disturb == "rule":
        rule = {"name": "none", "type": "task", "property": "hs_task_subject", "pattern": "x", "message": "no tasks"}
        world.people.set_rules(rule)
    elif disturb:
        world.sandbox.faults.add(Fault(cast("FaultKind", disturb), "POST */batch/create"))
    result = terminal.run(*APPLY, portfolio, "--json")
    *records, total = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["record"]["id"], one["outcome"]) for one in records] == [(portfolio, outcome)], result.output
    assert (result.exit_code, total["summary"], total["records"][outcome]) == (code, True, 1)


def test_one_that_the_breaker_holds_already_is_skipped(world: World, terminal: Terminal) -> None:
    made = portal(world, 11)
    portfolio = str(made["deliverables submitted"][0])
    with world.service.store.write() as connection:
        enqueue(connection, [RecordRef(Kind.PORTFOLIO, portfolio)], world.clock.now(), "webhook")
        connection.execute(work_items.update().values(held_effects=3))
    lines = terminal.lines(*APPLY, portfolio)
    assert (lines[0]["outcome"], lines[0]["reason"]) == ("skipped", "the breaker holds 3 effects: `handoffs release`")


# -- the question, and wrong input


def test_it_asks_with_the_numbers(world: World, terminal: Terminal) -> None:
    made = portal(world, 11)
    portfolio = str(made["deliverables submitted"][0])
    tickets = [("ticket", ticket.id) for ticket in world.people.tickets(portfolio)]
    asking = ("backfill", "--since", SINCE, "--apply", portfolio)
    nobody = terminal.run(*asking)
    assert nobody.exit_code == 3
    assert "nobody can be asked without a terminal: add --yes" in nobody.stderr
    no = terminal.run(*asking, typed="n\n")
    assert (no.exit_code, "nothing was done" in no.stderr) == (3, True)
    assert re.search(r"Do \d+ effects on 1 portfolio, with about \d+ calls to the CRM\? \[y/N\]", no.stderr)
    assert world.kinds(*tickets) == []
    assert terminal.run(*asking, typed="y\n").exit_code == 0
    assert world.kinds(*tickets) != []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "--since"),
        (["--since", "yesterday"], 2, "'yesterday' is no date and no time"),
        (["--since", "1026-11-01"], 2, "too far away"),
        (["--since", "2026-11-03"], 2, "went live on 2026-11-02"),
        (["--since", SINCE, "nobody"], 1, "there is no portfolio with the id or name “nobody”"),
        (
            ["--since", SINCE, "--owner", "nobody@nowhere.example"],
            2,
            "nobody in the portal is “nobody@nowhere.example”",
        ),
        (["--since", SINCE, "--share", "2"], 2, "--share"),
        (["--since", SINCE, "--max-effects", "0"], 2, "--max-effects"),
        (["--since", SINCE, "--handoff", "11"], 2, "--handoff"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_is_one_clear_line(
    world: World, terminal: Terminal, arguments: Sequence[str], code: int, message: str
) -> None:
    result = terminal.run("backfill", *arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(("fault", "code"), [("token", 4), ("unreachable", 1)])
def test_a_portal_that_does_not_answer(world: World, terminal: Terminal, fault: str, code: int) -> None:
    environment = {"HUBSPOT_ACCESS_TOKEN": "pat-wrong"} if fault == "token" else {}
    if fault == "unreachable":
        world.sandbox.faults.add(Fault("refused"))
    result = terminal.run("backfill", "--since", SINCE, **environment)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert result.stderr.strip()


# -- after adopting


def test_what_was_adopted_without_its_tasks_can_be_acted_on(world: World, terminal: Terminal) -> None:
    """`adopt` fires nothing and lists what it could not match; for chosen ones it is made up for, once (docs/process.md G.6)."""
    made = populate(world.sandbox.portal, world.sandbox.process, 22, random.Random(3))
    first, second = (str(one) for one in made["deliverables submitted"])
    tickets = {one: [("ticket", ticket.id) for ticket in world.people.tickets(one)] for one in (first, second)}
    copywriter = world.people.owner("copywriter")
    subject = world.people.ticket(tickets[first][0][1])["subject"]
    world.people.create_task(f"Write Copy: {subject}", on=[tickets[first][0]], owner=copywriter)
    world.people.flush_search()
    assert terminal.run("adopt", "--apply", "--yes").exit_code == 0
    world.sweep()
    assert world.kinds(*tickets[first], *tickets[second]) == []
    result = terminal.run(*APPLY, first)
    assert result.exit_code == 0, result.output
    assert world.kinds(tickets[first][0]) == ["design_graphics"], "somebody had made the other"
    assert world.kinds(*tickets[first][1:]) == ["write_copy", "design_graphics"] * len(tickets[first][1:])
    assert world.kinds(*tickets[second]) == []
    assert terminal.run(*APPLY, first).stdout.endswith("Nothing to do.\n")
    world.next_day(2)
    assert world.kinds(tickets[first][0]) == ["design_graphics"]


def test_what_was_silenced_stays_silent(world: World, terminal: Terminal) -> None:
    made = populate(world.sandbox.portal, world.sandbox.process, 11, random.Random(3))
    terminal.run("adopt", "--apply", "--yes", "--silence-due")
    portfolio = str(made["in window"][0])
    assert terminal.run(*APPLY, portfolio).stdout.endswith("Nothing to do.\n")
    world.sweep()
    assert world.kinds(("portfolio", portfolio)) == []


def test_ctrl_c_ends_after_the_group(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    world = make_world(mapping="rules: {effects_per_hour: 9000}\n")
    terminal = Terminal(world, monkeypatch)
    portal(world, 330)
    total = len(old_ones(world))
    interrupted: list[str] = []

    def failpoint(step: str) -> None:
        if step == "sent" and not interrupted:
            interrupted.append(step)
            signal.raise_signal(signal.SIGINT)

    world.failpoint = failpoint
    before = count_done(world)
    result = terminal.run(*APPLY)
    assert result.exit_code == 130
    assert "Finishing the current group" in capfd.readouterr().err, "by the signal's handler itself"
    assert "left: the same command goes on with them" in result.stderr
    assert 0 < count_done(world) - before < total
    assert terminal.run(*APPLY).exit_code == 0
    assert count_done(world) - before == total
