"""`replay` looks again at what deliveries named, or where something is the matter; it is harmless, and mends."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sync.clock import to_ms
from sync.sandbox.faults import Fault
from sync.storage.tables import effects, events, runs, work_items
from tests.terminal import Terminal, dump
from tests.world import World

RULE = {"name": "none", "type": "task", "property": "hs_task_subject", "pattern": "x", "message": "no tasks today"}


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def looked_at(terminal: Terminal, *filters: str) -> set[str]:
    """The records that a replay would look at."""
    result = terminal.run("replay", *filters, "--dry-run")
    assert (result.exit_code, result.stdout) == (0, ""), result.output
    if "Nothing matches." in result.stderr:
        return set()
    return set(result.stderr.strip().rsplit(": ", 1)[1].split(", "))


def lose_marks(world: World) -> None:
    """What was delivered is stored, and forgotten before it was looked at."""
    world.receive()
    with world.service.store.write() as connection:
        connection.execute(work_items.delete())


def newest_event(world: World) -> Any:
    with world.service.store.read() as connection:
        return connection.execute(select(events).order_by(events.c.received_at.desc())).first()


def test_a_delivery_that_was_lost_on_the_way_to_a_look(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    lose_marks(world)
    raw = json.loads(newest_event(world).raw)
    result = terminal.run("replay", "--event", str(raw["eventId"]))
    assert result.exit_code == 0, result.output
    assert f"Looking again at 1 record named by 1 event: portfolio {portfolio}" in result.stderr
    assert f"portfolio {portfolio}: done (2 done)" in result.stdout
    assert world.kinds() == ["kickoff"]
    before = dump(world)
    again = terminal.run("replay", "--event", newest_event(world).identity)
    assert (again.exit_code, "1 skipped" in again.stdout) == (0, True)
    noted = {"run", "fact", "wait", "look"}  # each look notes when it was, and whom it saw the portfolio wait for
    assert {name: rows for name, rows in dump(world).items() if name not in noted} == {
        name: rows for name, rows in before.items() if name not in noted
    }


def test_what_came_within_a_time(world: World, terminal: Terminal) -> None:
    first = world.people.create_portfolio("First", world.day(40))
    world.work()
    world.minutes(60)
    second = world.people.create_portfolio("Second", world.day(40))
    world.work()
    world.minutes(60)
    third = world.people.create_portfolio("Third", world.day(40))
    world.work()
    names = {f"portfolio {one}" for one in (first, second, third)}
    assert looked_at(terminal, "--since", "2026-11-02") == names
    assert looked_at(terminal, "--since", "2026-11-02T09:30") == names - {f"portfolio {first}"}
    assert looked_at(terminal, "--since", "2026-11-02T09:30", "--until", "2026-11-02T10:30") == {f"portfolio {second}"}
    assert looked_at(terminal, "--since", "2026-11-02T14:30+00:00") == names - {f"portfolio {first}"}
    assert looked_at(terminal, "--until", "2026-11-01") == set()


def test_a_ticket_is_found_through_its_portfolio(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    world.work()
    ticket = world.people.create_ticket("Ad", "Autumn", portfolio)
    lose_marks(world)
    result = terminal.run("replay", "--since", "2026-11-02", "--json")
    assert result.exit_code == 0, result.output
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]


def test_what_was_refused_is_tried_again(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    world.people.set_rules(RULE)
    world.work()
    assert looked_at(terminal, "--failed") == {f"portfolio {portfolio}"}
    still = terminal.run("replay", "--failed")
    assert still.exit_code == 1
    assert f"portfolio {portfolio}: failed" in still.stdout
    world.people.set_rules()
    assert terminal.run("replay", "--failed").exit_code == 0
    assert world.kinds() == ["kickoff"]
    assert looked_at(terminal, "--failed") == set()


def test_what_was_parked_is_looked_at_again(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    world.receive()
    with world.service.store.write() as connection:
        connection.execute(
            work_items.update().values(parked_at=to_ms(world.clock.now()), attempts=8, error="ValueError: x")
        )
    assert looked_at(terminal, "--outcome", "parked") == {f"portfolio {portfolio}"}
    assert terminal.run("replay", "--failed").exit_code == 0
    assert world.kinds() == ["kickoff"]


def test_the_filters_must_all_hold(world: World, terminal: Terminal) -> None:
    people = world.people
    unnamed = people.create_portfolio("Unnamed", world.day(40), copywriter="")
    named = people.create_portfolio("Named", world.day(40))
    kicked = people.create_portfolio("Kicked", world.day(3))
    world.work()
    for portfolio in (unnamed, named):
        people.create_ticket("Ad", "Autumn", portfolio)
    world.work()
    people.flush_search()
    blocked, all_of_4 = {f"portfolio {unnamed}"}, {f"portfolio {unnamed}", f"portfolio {named}"}
    assert looked_at(terminal, "--outcome", "blocked") == blocked
    assert looked_at(terminal, "--handoff", "4") == all_of_4
    assert looked_at(terminal, "--handoff", "1", "--handoff", "4") == {*all_of_4, f"portfolio {kicked}"}
    assert looked_at(terminal, "--owner", "cody.wright@agency.example") == {f"portfolio {named}"}
    assert looked_at(terminal, "--handoff", "1", "--outcome", "blocked") == set()
    assert looked_at(terminal, "--portfolio", "Named", "--handoff", "4") == {f"portfolio {named}"}
    assert looked_at(terminal, "--portfolio", named, "--portfolio", "Kicked") == {
        f"portfolio {named}",
        f"portfolio {kicked}",
    }


def test_an_answer_that_was_lost(world: World, terminal: Terminal) -> None:
    world.people.create_portfolio("Acme", world.day(3))
    world.sandbox.faults.add(Fault("lost", "POST */batch/create", times=1))
    world.work()
    assert len(looked_at(terminal, "--outcome", "unknown")) == 1
    world.clock.advance(timedelta(minutes=5))
    assert terminal.run("replay", "--outcome", "unknown").exit_code == 0
    assert world.kinds() == ["kickoff"]
    assert looked_at(terminal, "--outcome", "unknown") == set()


def test_a_dry_run_changes_nothing(world: World, terminal: Terminal) -> None:
    world.people.create_portfolio("Acme", world.day(3))
    lose_marks(world)
    before = dump(world)
    looked_at(terminal, "--since", "2026-11-02")
    assert dump(world) == before


def test_nothing_else_is_looked_at(world: World, terminal: Terminal) -> None:
    first = world.people.create_portfolio("First", world.day(3))
    world.people.create_portfolio("Second", world.day(3))
    world.receive()
    assert terminal.run("replay", "--portfolio", first).exit_code == 0
    assert len(world.kinds()) == 1


def test_the_run_is_kept(world: World, terminal: Terminal) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    lose_marks(world)
    terminal.run("replay", "--portfolio", portfolio)
    with world.service.store.read() as connection:
        row = connection.execute(select(runs)).one()
        states = [one.state for one in connection.execute(select(effects.c.state))]
    assert (row.command, json.loads(row.counts)["effects"], states) == ("replay", {"done": 2}, ["done", "done"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "say what to look at again"),
        (["--event", "4711"], 1, "no event “4711” was delivered"),
        (["--portfolio", "nobody"], 1, "there is no portfolio with the id or name “nobody”"),
        (["--since", "soon"], 2, "'soon' is no date and no time"),
        (["--since", "2026-11-03"], 2, "2026-11-03 is still to come"),
        (["--since", "2026-11-02", "--until", "2026-11-01"], 2, "2026-11-01 is before 2026-11-02"),
        (["--owner", "nobody@nowhere.example"], 2, "nobody in the portal is “nobody@nowhere.example”"),
        (["--outcome", "sad"], 2, "--outcome"),
        (["--failed"], 0, "Nothing matches."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_is_one_clear_line(
    world: World, terminal: Terminal, arguments: Sequence[str], code: int, message: str
) -> None:
    result = terminal.run("replay", *arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(("fault", "code"), [("token", 4), ("unreachable", 1), ("database", 1)])
def test_what_it_needs_is_not_there(world: World, terminal: Terminal, fault: str, code: int) -> None:
    world.people.create_portfolio("Acme", world.day(3))
    lose_marks(world)
    environment = {}
    match fault:
        case "token":
            environment["HUBSPOT_ACCESS_TOKEN"] = "pat-wrong"
        case "database":
            environment["DATABASE_URL"] = f"sqlite:///{world.directory / 'nowhere.db'}"
        case _:
            world.sandbox.faults.add(Fault("refused"))
    result = terminal.run("replay", "--since", "2026-11-02", **environment)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert "Error: " in result.stderr
