"""Portal by portal: each thing about HubSpot that nobody could confirm, both ways (docs/hubspot.md, marked "(?)").

Whichever way a portal is, `check` and then `sweep` work, and a month of it ends as the month of any other; or what is to be
done is said.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from sync.sandbox import Quirks
from sync.sandbox.schema import TASK, Property
from sync.service.drain import run_poll
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import DESIGNER, of, on, ready, with_tickets
from tests.story.handoffs.test_whole_cycle import CYCLE_KINDS, CYCLE_RECEIVERS, live_through_a_cycle
from tests.terminal import Terminal
from tests.world import World

ROOT = Path(__file__).parents[2]

FREE: dict[str, tuple[object, ...]] = {
    "history_limit": (None, 8),
    "missing_association_sub_category": ("crm.associations.FROM_OBJECT_NOT_FOUND", "OBJECT_NOT_FOUND"),
    "primary_label": (None,),
    "search_lag_seconds": (0.0, 240.0),
    "single_send_end": (),  # every email would end so: tests/story/test_what_became_of_an_email.py
    "single_send_seconds": (600.0,),
    "task_property_scope": (None, "crm.schemas.tasks.write"),
}
"""Other ways of the switches whose type does not list them."""

SET_UP = {"task_property_scope", "task_properties", "unique_task_property"}
"""Switches that matter to the set-up alone, which has stories of its own below."""


TOLD = {
    "archive_sends_association_events",
    "association_event_object_id",
    "cleared_event_value",
    "creation_sends_property_changes",
    "custom_object_webhooks",
    "date_event_values",
    "event_ids_collide",
    "merge_sends_deletion",
}
"""Switches that are about webhooks."""


def _ways(name: str, hint: Any, default: object) -> tuple[object, ...]:
    if name in FREE:
        return FREE[name]
    if hint is bool:
        return (not default,)
    assert get_origin(hint) is Literal, f"{name}: say in FREE which ways there are"
    return tuple(one for one in get_args(hint) if one != default)


def _portals() -> Iterator[dict[str, Any]]:
    hints = get_type_hints(Quirks)
    for field in fields(Quirks):
        for way in _ways(field.name, hints[field.name], field.default):
            yield {field.name: way}


PORTALS = list(_portals())


def _mixed(seed: int) -> dict[str, Any]:
    """A portal that is otherwise in about every second thing."""
    draws = random.Random(f"portal {seed}")
    return {name: way for one in PORTALS if draws.random() < 0.5 for name, way in one.items() if name not in SET_UP}


def called(one: dict[str, Any]) -> str:
    return " ".join(f"{name}={way}" for name, way in one.items()) if len(one) < 3 else f"{len(one)} at once"


def a_month(world: World, terminal: Terminal) -> None:
    """A client's whole cycle; then a declined one, a merge, a deleted ticket, a colleague who leaves."""
    people = world.people
    checked = terminal.run("check")
    assert checked.exit_code == 0, checked.output
    world.sweep()
    portfolio = live_through_a_cycle(world)
    assert world.kinds(on(portfolio)) == CYCLE_KINDS
    assert world.receivers() == CYCLE_RECEIVERS
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-22")

    one = people.create_portfolio("One", world.day(0))
    two = people.create_portfolio("Two", world.day(9))
    declined = people.create_portfolio("Declines", world.day(3))
    people.flush_search()
    run_poll(world.service)  # as it does every few minutes, for portals that tell nothing of portfolios
    world.work()
    people.set_status(declined, "No Refresh Requested")
    tickets = with_tickets(world, one, 3)
    people.associate("ticket", tickets[0], "portfolio", two)
    people.archive("ticket", tickets[2])
    people.set_status(one, "Deliverables Submitted")
    people.deactivate_owner(people.owner(DESIGNER))
    world.work()
    left = people.merge("portfolio", one, two)
    world.next_day(2)
    ready(world, *tickets[:2])
    world.next_day(1)
    assert world.status(left) == "Creatives Pending Approval"
    assert len(of(world, "share_deliverables", on(left))) == 1
    assert world.kinds(on(declined)) == ["kickoff"]
    assert world.date(declined) > world.day(3).isoformat()

    before = (world.tasks(), world.emails())
    world.sweep()
    world.work()
    assert (world.tasks(), world.emails()) == before, "a second look changes nothing"
    assert terminal.run("verify").exit_code == 0, terminal.run("verify").output
    status = terminal.json("status")
    assert (status["parked"], status["failed"], status["unknown"]) == (0, 0, 0), status


@pytest.mark.parametrize("portal", [one for one in PORTALS if not SET_UP & set(one)], ids=called)
def test_a_month_in_a_portal(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, portal: dict[str, Any]) -> None:
    """What is about webhooks is told by them; else every second portal has none, and poll and sweep tell everything."""
    world = make_world(quirks=Quirks(**portal), webhooks=bool(TOLD & set(portal)) or PORTALS.index(portal) % 2 == 0)
    a_month(world, Terminal(world, monkeypatch))


@pytest.mark.parametrize("seed", range(6))
def test_a_month_in_a_portal_that_is_otherwise_in_much(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    world = make_world(quirks=Quirks(**_mixed(seed)), webhooks=seed % 2 == 0)
    a_month(world, Terminal(world, monkeypatch))


@pytest.mark.parametrize("portal", [{}, *(one for one in PORTALS if SET_UP & set(one))], ids=called)
def test_setting_up_works_or_says_what_to_do(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, portal: dict[str, Any]
) -> None:
    world = make_world(quirks=Quirks(**portal), with_task_property=False)
    terminal = Terminal(world, monkeypatch)
    before = terminal.run("check")
    assert before.exit_code == 5
    assert "handoffs setup" in before.output
    done = terminal.run("setup", "--apply", "--yes")
    scope = portal.get("task_property_scope", "crm.schemas.contacts.write")
    if scope == "crm.schemas.tasks.write":
        assert done.exit_code == 4
        assert scope in done.output
        world.sandbox.portal.app.scopes.add(scope)
        done = terminal.run("setup", "--apply", "--yes")
    if portal.get("task_properties") == "refused":
        assert done.exit_code != 0
        assert "not supported for this object type" in done.output
        world.sandbox.portal.define_property(TASK, Property("handoff_key", "Handoff key"))  # by hand, in the UI
    else:
        assert done.exit_code == 0, done.output
    a_month(world, terminal)


ELSEWHERE = {
    "4.11": "tests/unit/check/test_portals.py",
    "4.17": "tests/story/test_full_texts.py",
    "4.21": "tests/unit/test_ticket_histories.py",
    "7.2": "tests/story/test_people_change.py",
    "7.8": "tests/story/test_people_change.py",
    "8.5": "tests/contract/hubspot/test_wire.py",
    "8.12": "tests/story/test_what_became_of_an_email.py",
    "8.13": "tests/contract/hubspot/test_isolation.py",
    "8.14": "tests/story/test_one_record.py",
}
"""Unconfirmed facts that no switch turns, and the tests that play both ways of each."""


def test_every_unconfirmed_fact_is_turned_or_said_to_be_open() -> None:
    """Each "(?)" of docs/hubspot.md names its switch, or is open; and each switch named there exists."""
    text = (ROOT / "docs" / "hubspot.md").read_text(encoding="utf-8")
    rows = re.findall(r'^- <a id="([\d.]+)"></a>(.*?)(?=^- <a|^#)', text, re.MULTILINE | re.DOTALL)
    names = {field.name for field in fields(Quirks)}
    unsure = {number: body for number, body in rows if "(?)" in body}
    assert unsure
    lacking = [
        number
        for number, body in unsure.items()
        if not names & set(re.findall(r"`(\w+)`", body)) and "*Open*" not in body
    ]
    assert set(lacking) == set(ELSEWHERE)
    assert all((ROOT / one).exists() for one in ELSEWHERE.values())
    assert {name for name in names if f"`{name}`" not in text} == set()
