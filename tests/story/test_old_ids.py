"""After a merge, `replay` and `backfill` are given ids of before, or meet them in the ledger and in what was delivered.

docs/process.md M.7, M.15, M.16, G.6. Each story for a merge that makes a new record and for one that leaves the primary its id.
"""

import json
import random
from collections.abc import Collection

import pytest
from sqlalchemy import select

from sync.sandbox.quirks import Quirks
from sync.sandbox.situations import populate
from sync.storage.tables import events
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import on
from tests.terminal import Terminal
from tests.world import World

SINCE = "2026-10-01"
RULE = {"name": "none", "type": "task", "property": "hs_task_subject", "pattern": "x", "message": "no tasks today"}
MADE = ["design_graphics", "write_copy"]


@pytest.fixture(params=[False, True], ids=["a new record", "the primary stays"])
def world(request: pytest.FixtureRequest, make_world: MakeWorld) -> World:
    return make_world(quirks=Quirks(merge_keeps_primary=request.param))


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def merge(world: World, primary: str, other: str, kind: str = "portfolio") -> str:
    world.minutes(5)
    new = world.people.merge(kind, primary, other)
    world.minutes(5)
    world.people.flush_search()
    return new


def looked_at(terminal: Terminal, *filters: str) -> set[str]:
    """The records that a replay would look at."""
    result = terminal.run("replay", *filters, "--dry-run")
    assert result.exit_code == 0, result.output
    if "Nothing matches." in result.stderr:
        return set()
    return set(result.stderr.strip().rsplit(": ", 1)[1].split(", "))


# -- replay


def test_replay_by_each_id_that_the_portfolio_had(world: World, terminal: Terminal) -> None:
    acme, bolt = (
        world.people.create_portfolio("Acme", world.day(10)),
        world.people.create_portfolio("Bolt", world.day(40)),
    )
    world.people.set_rules(RULE)
    world.work()
    new = merge(world, acme, bolt)
    for one in {acme, bolt, new}:
        assert looked_at(terminal, "--portfolio", one) == {f"portfolio {new}"}
        assert looked_at(terminal, "--portfolio", one, "--failed") == {f"portfolio {new}"}
    world.people.set_rules()
    result = terminal.run("replay", "--portfolio", bolt, "--failed")
    assert result.exit_code == 0, result.output
    assert world.kinds(on(new)) == ["kickoff"]


def test_replay_of_what_was_refused_before_a_merge_that_is_only_told_yet(world: World, terminal: Terminal) -> None:
    acme, bolt = (
        world.people.create_portfolio("Acme", world.day(9)),
        world.people.create_portfolio("Bolt", world.day(40)),
    )
    world.people.set_rules(RULE)
    world.work()
    world.minutes(5)
    new = world.people.merge("portfolio", acme, bolt)
    world.receive()
    assert looked_at(terminal, "--failed") == {f"portfolio {new}"}
    assert looked_at(terminal, "--portfolio", bolt, "--failed") == {f"portfolio {new}"}


def test_replay_of_what_was_delivered_before_the_merge(world: World, terminal: Terminal) -> None:
    """By its event and by its time, with the portfolio's name of now; nothing is made again."""
    acme, bolt = (
        world.people.create_portfolio("Acme", world.day(10)),
        world.people.create_portfolio("Bolt", world.day(40)),
    )
    world.work()
    world.minutes(1)
    before = world.clock.now().isoformat()
    with world.service.store.read() as connection:
        raws = [json.loads(row.raw) for row in connection.execute(select(events))]
    event = next(str(raw["eventId"]) for raw in raws if str(raw.get("objectId")) == bolt)
    new = merge(world, acme, bolt)
    assert looked_at(terminal, "--event", event) == {f"portfolio {new}"}
    assert looked_at(terminal, "--until", before) == {f"portfolio {new}"}
    assert looked_at(terminal, "--until", before, "--portfolio", "Acme") == {f"portfolio {new}"}
    for filters in (("--event", event), ("--until", before)):
        result = terminal.run("replay", *filters)
        assert result.exit_code == 0, result.output
        assert "1 skipped" in result.stdout
    assert world.kinds() == ["kickoff"]


def test_replay_of_a_ticket_that_was_merged(world: World, terminal: Terminal) -> None:
    """A delivery named it; by now another answers for it, and that one's portfolio is looked at."""
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    one, other = (world.people.create_ticket(f"Ad {n}", "Autumn", portfolio) for n in (1, 2))
    world.work()
    new = merge(world, one, other, "ticket")
    assert looked_at(terminal, "--since", "2026-11-02") == {f"portfolio {portfolio}", f"ticket {new}"}
    assert terminal.run("replay", "--since", "2026-11-02").exit_code == 0
    assert sorted(world.kinds(("ticket", new))) == sorted(MADE * 2)


# -- backfill


def of_before(world: World) -> tuple[str, str]:
    """Two portfolios with tickets from before going live, of which nothing was asked."""
    made = populate(world.sandbox.portal, world.sandbox.process, 22, random.Random(3))
    world.sweep()
    world.minutes(15)
    first, second = (str(one) for one in made["deliverables submitted"])
    return first, second


def kinds_of(world: World, tickets: Collection[str]) -> list[str]:
    return sorted(world.kinds(*[("ticket", ticket) for ticket in tickets]))


def tickets_of(world: World, portfolio: str) -> list[str]:
    return [ticket.id for ticket in world.people.tickets(portfolio)]


def backfill(terminal: Terminal, *portfolios: str, since: str = SINCE) -> str:
    result = terminal.run("backfill", "--since", since, *portfolios, "--apply", "--yes")
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("by", ["the primary's", "the other's"])
def test_backfill_by_an_old_id(world: World, terminal: Terminal, by: str) -> None:
    """It is the one record that is meant: the tickets of both get their tasks, once."""
    first, second = of_before(world)
    new = merge(world, first, second)
    tickets = tickets_of(world, new)
    assert kinds_of(world, tickets) == []
    old = first if by == "the primary's" else second
    backfill(terminal, old)
    assert kinds_of(world, tickets) == sorted(MADE * len(tickets))
    assert backfill(terminal, new).endswith("Nothing to do.\n")
    assert backfill(terminal, old).endswith("Nothing to do.\n")
    world.next_day(2)
    assert kinds_of(world, tickets) == sorted(MADE * len(tickets))


@pytest.mark.parametrize("primary", [0, 1], ids=["the backfilled one", "the other"])
def test_what_was_backfilled_goes_on_and_nothing_else_begins(world: World, terminal: Terminal, primary: int) -> None:
    first, second = of_before(world)
    theirs, others = tickets_of(world, first), tickets_of(world, second)
    world.people.set("portfolio", first, {"copywriter": ""})
    world.people.set("portfolio", second, {"copywriter": ""})
    world.work()
    backfill(terminal, first)
    assert kinds_of(world, theirs) == ["design_graphics"] * len(theirs)
    new = merge(world, *((first, second) if primary == 0 else (second, first)))
    world.minutes(70)
    assert kinds_of(world, others) == []
    world.people.set("portfolio", new, {"copywriter": world.people.owner("copywriter")})
    world.minutes(70)
    world.next_day(1)
    assert kinds_of(world, theirs) == sorted(MADE * len(theirs))
    assert kinds_of(world, others) == []


def test_after_the_merge_a_backfill_of_the_one_that_stays_reaches_both(world: World, terminal: Terminal) -> None:
    """As far back as it says, though an earlier one of the primary reached further."""
    first, second = of_before(world)
    theirs, others = tickets_of(world, first), tickets_of(world, second)
    backfill(terminal, first)
    new = merge(world, first, second)
    assert kinds_of(world, others) == []
    assert backfill(terminal, new, since="2026-11-01").endswith("Nothing to do.\n")  # no ticket is so young
    world.next_day(1)
    assert kinds_of(world, others) == []
    backfill(terminal, new)
    assert kinds_of(world, [*theirs, *others]) == sorted(MADE * len([*theirs, *others]))


def test_a_backfilled_approval_is_closed_by_its_task_after_a_merge(world: World, terminal: Terminal) -> None:
    """With a portfolio that was made by mistake a minute ago, and was never backfilled: nothing of its own is older."""
    made = populate(world.sandbox.portal, world.sandbox.process, 11, random.Random(3))
    world.sweep()
    world.minutes(15)
    portfolio = str(made["approved"][0])
    (ours,) = [task for task in world.people.tasks("portfolio", portfolio) if task.subject.startswith("Implement New")]
    world.people.delete_task(ours.id)
    backfill(terminal, portfolio)
    assert "implement" in world.kinds(on(portfolio))
    new = merge(world, portfolio, world.people.create_portfolio("By mistake"))
    before = world.date(new)
    (task,) = [task for task in world.tasks(on(new)) if task.key.endswith("/task:implement")]
    world.people.complete_task(task.id)
    world.minutes(5)
    world.minutes(5)
    assert world.status(new) == ""
    assert world.date(new) > before
