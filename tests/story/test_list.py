"""`handoffs list`: every client, who has the next step, and what it costs to know."""

import random
from typing import Any

import pytest

from sync.sandbox.situations import populate
from tests.terminal import Terminal, dump
from tests.world import World


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def told(world: World, terminal: Terminal) -> dict[str, dict[str, Any]]:
    world.people.flush_search()
    return {one["portfolio"]["name"]: one for one in terminal.json("list")["clients"]}


def test_who_has_the_next_step(world: World, terminal: Terminal) -> None:
    people = world.people
    people.create_portfolio("Quiet", world.day(40))
    people.create_portfolio("Near", world.day(20))
    people.create_portfolio("Asked", world.day(5))
    people.create_portfolio("Blocked", world.day(5), account_manager=None)
    people.create_portfolio("Dateless", "")
    world.work()
    world.sweep()
    people.create_portfolio("Unseen", world.day(60))
    found = told(world, terminal)
    assert {name: one["state"] for name, one in found.items()} == {
        "Blocked": "blocked", "Asked": "waiting", "Dateless": "quiet", "Near": "quiet", "Quiet": "quiet", "Unseen": "quiet",
    }  # fmt: skip
    assert next(iter(found)) == "Blocked", "what needs an admin comes first"
    assert found["Blocked"]["what"].startswith("task kickoff, and 1 more: no Account Manager is named")
    assert found["Asked"]["turn"] == "the Account Manager (Amelia Marsh)"
    assert found["Asked"]["next"] == {"date": world.day(5).isoformat(), "what": "Refresh Date"}
    assert found["Near"]["next"] == {"date": world.day(5).isoformat(), "what": "kickoff"}
    assert (found["Dateless"]["turn"], found["Dateless"]["next"]) == ("nobody: no Refresh Date", None)
    world.next_day(5)
    world.people.set_refresh_date(found["Asked"]["portfolio"]["id"], world.day(3))
    world.work()
    late = told(world, terminal)["Asked"]
    assert (late["state"], late["what"]) == ("stuck", "to ask the client whether they want a refresh")
    assert "stuck: Account" in terminal.run("list", "asked").stdout


def test_what_is_refused_is_an_admins_turn(world: World, terminal: Terminal) -> None:
    rule = {"name": "r", "type": "task", "property": "hs_task_subject", "pattern": "^[^:]*$", "message": "No colons."}
    world.people.set_rules(rule)
    world.people.create_portfolio("Refused", world.day(5))
    world.work()
    refused = told(world, terminal)["Refused"]
    assert (refused["state"], refused["turn"]) == ("failed", "an admin")
    assert "No colons." in refused["what"]


def test_only_the_mappings_clients_are_listed(world: World, terminal: Terminal) -> None:
    world.people.create_portfolio("Acme", world.day(5))
    (world.directory / "own.yaml").write_text(
        "portfolio: {condition: [{property: creative_refresh_cadence, in: [Weekly]}]}\n", encoding="utf-8"
    )
    assert "Acme" in told(world, terminal)
    terminal.environment["MAPPING"] = "own.yaml"
    assert told(world, terminal) == {}
    assert terminal.run("list").stdout == "0 clients.\n"


def test_a_part_of_the_name_narrows_it(world: World, terminal: Terminal) -> None:
    for name in ("Acme Shoes", "Bolt Coffee"):
        world.people.create_portfolio(name, world.day(40))
    world.people.flush_search()
    world.sweep()
    assert "Acme Shoes" in terminal.run("list", "ACME").stdout
    assert "Bolt Coffee" not in terminal.run("list", "ACME").stdout
    nobody = terminal.run("list", "nobody")
    assert (nobody.exit_code, nobody.stderr) == (1, "No client has “nobody” in its name.\n")


def test_three_hundred_clients_cost_few_calls_and_change_nothing(world: World, terminal: Terminal) -> None:
    populate(world.sandbox.portal, world.sandbox.process, 300, random.Random(3))
    world.people.flush_search()
    world.sweep()
    before, mark = dump(world), world.sandbox.log.mark()
    assert len(terminal.json("list")["clients"]) == 300
    calls = [call.endpoint for call in world.sandbox.log.since(mark)]
    assert len(calls) <= 14, calls
    assert sum("/search" in call for call in calls) == 2
    assert dump(world) == before
