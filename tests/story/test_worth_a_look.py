"""Ad Sets that are called almost the same: `status` and `explain` ask people to look at them (docs/process.md 5.22)."""

import pytest

from tests.conftest import MakeWorld
from tests.terminal import Terminal
from tests.world import World


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def mistyped(world: World, *folders: str) -> tuple[str, list[str]]:
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    tickets = [world.people.create_ticket("Ad", folder, portfolio) for folder in folders]
    world.work()
    return portfolio, tickets


def test_names_that_differ_by_a_slip_are_shown(world: World, terminal: Terminal) -> None:
    portfolio, (one, other, _) = mistyped(world, "Autumn 2026", "Autumn-2026", "Autumn 2027")
    mark = world.sandbox.log.mark()
    told = terminal.json("status")
    assert told["ok"], "it is people's work: the service is well"
    [found] = told["worth_a_look"]
    assert found["portfolio"]["id"] == portfolio
    assert found["folders"] == [{"name": "Autumn 2026", "tickets": [one]}, {"name": "Autumn-2026", "tickets": [other]}]
    assert found["seen_at"] == world.clock.now().isoformat()
    text = terminal.run("status")
    assert text.exit_code == 0
    assert world.sandbox.log.since(mark) == [], "status reads the database alone"
    assert max(map(len, text.stdout.splitlines())) <= 80
    what = f"the Ad Sets “Autumn 2026” (ticket {one}) and “Autumn-2026” (ticket {other}) are called almost the same"
    assert f"Worth a look portfolio {portfolio} “Acme”: {what}: a typing slip?" in " ".join(text.stdout.split())
    told = terminal.json("explain", portfolio)
    assert [pair["what"] for pair in told["worth_a_look"]] == [what]
    assert f"Worth a look: {what}: a typing slip?" in " ".join(terminal.run("explain", portfolio).stdout.split())


def test_where_there_is_nothing_it_is_not_mentioned(world: World, terminal: Terminal) -> None:
    mistyped(world, "Set 1", "Set 2", "Plan A", "Plan B", "")
    assert terminal.json("status")["worth_a_look"] == []
    assert "Worth a look" not in terminal.run("status").stdout


def test_what_is_put_right_is_forgotten(world: World, terminal: Terminal) -> None:
    _, (_, other) = mistyped(world, "Summer sale", "Sumer sale")
    assert len(terminal.json("status")["worth_a_look"]) == 1
    world.people.set("ticket", other, {"deliverable_folder_name": "Summer sale"})
    world.work()
    assert terminal.json("status")["worth_a_look"] == []


def test_what_is_gone_is_forgotten(world: World, terminal: Terminal) -> None:
    portfolio, _ = mistyped(world, "Summer sale", "Sumer sale")
    world.people.archive("portfolio", portfolio)
    world.work()
    assert terminal.json("status")["worth_a_look"] == []


def test_a_cycle_that_ends_takes_it_along(world: World, terminal: Terminal) -> None:
    portfolio, _ = mistyped(world, "Summer sale", "Sumer sale")
    world.minutes(1)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(10)
    world.work()
    assert terminal.json("status")["worth_a_look"] == []


def test_explain_says_how_often_a_set_was_announced(world: World, terminal: Terminal) -> None:
    """docs/process.md 5.23."""
    portfolio = world.people.create_portfolio("Acme", world.day(0))
    ticket = world.people.create_ticket("Ad", "Autumn", portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    for times in ("announced on", "announced twice, last on", "announced 3 times, last on"):
        world.minutes(10)
        world.people.move_ticket(ticket, "Pending Approval")
        world.work()
        assert f"Ad Set “Autumn”: 1 of 1 ready; {times} " in " ".join(terminal.run("explain", portfolio).stdout.split())
        told = terminal.json("explain", portfolio)
        world.people.move_ticket(ticket, "In Progress")
        world.work()
    assert len(told["ad_sets"][0]["announced"]) == 3
    [ready] = [handoff for handoff in told["handoffs"] if handoff["handoff"] == "5"]
    assert ready["reason"] == "the one ticket of Ad Set “Autumn” is ready for approval (third announcement)"
