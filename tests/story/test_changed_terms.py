"""An admin changes cadences, people or condition in mid-life, with work open: docs/process.md F.8, F.9 and F.10."""

import json
from collections.abc import Iterable

import pytest

from sync.sandbox.faults import Fault
from sync.sandbox.schema import Property
from tests.conftest import MakeWorld
from tests.world import World

DECLINED, REQUESTED = "No Refresh Requested", "Refresh Request Submitted"
LEAD = "account_lead"
CADENCES = {"Monthly": "1 month", "Weekly": "1 week"}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(webhooks=False)


def cadences(**lengths: str) -> str:
    return json.dumps({"cadence": {"values": {**CADENCES, **lengths}}})


def days_pass(world: World, times: int = 2) -> None:
    for _ in range(times):
        world.next_day()
        world.minutes(61)


# -- another cadence (F.8)


def test_a_date_that_was_moved_stays_where_it_is(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(40), cadence="Weekly")
    world.people.set_status(portfolio, DECLINED)
    world.work()
    moved = world.date(portfolio)
    for length in ("10 days", "2 months", "1 week"):
        world.remap(cadences(Weekly=length))
        days_pass(world, 1)
    assert world.date(portfolio) == moved == "2026-12-19"


def test_an_ending_that_waited_for_its_cadence_is_carried_out_once_by_the_new_one(world: World) -> None:
    world.remap(json.dumps({"cadence": {"values": {"Monthly": "1 month"}}}))
    portfolio = world.people.create_portfolio("Acme", world.day(40), cadence="Weekly")
    world.people.set_status(portfolio, DECLINED)
    world.work()
    world.people.set_status(portfolio, REQUESTED)
    days_pass(world, 1)
    assert world.date(portfolio) == "2026-12-12"
    world.remap(cadences(Weekly="10 days"))
    days_pass(world)
    assert world.date(portfolio) == "2026-12-22"
    world.remap(cadences(Weekly="3 days"))
    days_pass(world)
    assert world.date(portfolio) == "2026-12-22"


@pytest.mark.parametrize("kind", ["lost", "late-504"], ids=["landed", "lands later"])
def test_a_write_without_an_answer_is_looked_for_under_the_date_that_was_tried(world: World, kind: str) -> None:
    """The new cadence would give another date: it is not added to the one that has landed."""
    portfolio = world.people.create_portfolio("Acme", world.day(40), cadence="Weekly")
    world.work()
    fault = {"kind": kind, "endpoint": "POST *_portfolios/batch/update", "times": 1, "delay": 20.0}
    world.sandbox.faults.add(Fault.from_json(fault))
    world.people.set_status(portfolio, DECLINED)
    world.work()
    world.remap(cadences(Weekly="10 days"))
    for _ in range(4):
        world.minutes(2)
    days_pass(world)
    assert world.date(portfolio) == "2026-12-19"


# -- other people (F.9)


@pytest.fixture
def led(world: World) -> World:
    """A portal in which portfolios have a lead beside the Account Manager."""
    lead = Property(LEAD, "Account Lead", "enumeration", "select", owner=True)
    world.sandbox.portal.define_property(world.people.process.names.object_type_id, lead)
    return world


def owners_of(world: World, kind: str) -> list[str]:
    names = {i: role for role, i in world.people.process.owners.items()}
    tasks = zip(world.kinds(), world.tasks(), strict=True)
    return [names[task.owner] for found, task in tasks if found == kind]


def remap_to(world: World, *parts: str) -> None:
    """`lead`: the lead is the Account Manager. `stand-in`: somebody does the SAS's work. `none`: tickets name nobody."""
    stand_in = world.people.process.owners["second_account_manager"]
    mapping: dict[str, object] = {}
    if "lead" in parts:
        mapping["portfolio"] = {"owners": {"account_manager": LEAD}}
    if "stand-in" in parts:
        mapping["roles"] = {"social_ad_specialist": {"fallback_owner": stand_in}}
    if "none" in parts:
        mapping["ticket"] = {"owners": {}}
    world.remap(json.dumps(mapping))


@pytest.mark.parametrize("parts", [("lead",), ("lead", "stand-in"), ("none",)], ids=str)
def test_nobody_gets_a_second_task_because_the_role_is_another_ones(led: World, parts: Iterable[str]) -> None:
    people, names = led.people, led.people.process.owners
    portfolio = people.create_portfolio("Acme", led.day(10), **{LEAD: names["second_account_manager"]})
    ticket = people.create_ticket("Ad", "Winter", portfolio, graphic_designer=names["second_designer"])
    people.request_revisions(ticket, "Copy and Graphic Revisions", note="Warmer")
    led.minutes(5)
    before = (led.kinds(), [task.owner for task in led.tasks()], led.receivers())
    assert before[0].count("kickoff") == 1
    assert "second_designer" in owners_of(led, "design_graphics")
    for mapping in (parts, ()):
        remap_to(led, *mapping)
        days_pass(led, 1)
        assert (led.kinds(), [task.owner for task in led.tasks()], led.receivers()) == before


def test_what_comes_next_goes_to_who_has_the_role_now(led: World) -> None:
    names = led.people.process.owners
    portfolio = led.people.create_portfolio("Acme", led.day(20), **{LEAD: names["second_account_manager"]})
    led.work()
    remap_to(led, "lead")
    days_pass(led, 6)
    assert owners_of(led, "kickoff") == ["second_account_manager"]
    led.people.set("portfolio", portfolio, {LEAD: ""})
    led.people.set_refresh_date(portfolio, led.day(30))
    led.work()
    led.people.set_refresh_date(portfolio, led.day(8))
    led.work()
    assert owners_of(led, "kickoff") == ["second_account_manager"]  # it waits for a lead
    remap_to(led)
    days_pass(led)
    assert owners_of(led, "kickoff") == ["second_account_manager", "account_manager"]


def test_what_waited_for_somebody_goes_ahead_with_the_stand_in_once(led: World) -> None:
    led.people.create_portfolio("Acme", led.day(0), status=REQUESTED, social_ad_specialist="")
    led.work()
    assert led.kinds() == []
    remap_to(led, "stand-in")
    days_pass(led)
    assert owners_of(led, "create_tickets") == ["second_account_manager"]
    remap_to(led)
    days_pass(led)
    assert led.kinds() == ["create_tickets"]


# -- out of the condition, and in again (F.10)


def test_what_was_begun_goes_on_once_it_is_inside_again(world: World) -> None:
    type_id = world.people.process.names.object_type_id
    world.sandbox.portal.define_property(type_id, Property("tier", "Tier"))
    refused = {"kind": "503", "endpoint": "POST */single-email/send", "lasts": 600.0}
    world.sandbox.faults.add(Fault.from_json(refused))
    world.people.create_portfolio("Acme", world.day(10), tier="Silver")
    world.work()
    assert (world.kinds(), world.receivers()) == (["kickoff"], [])
    world.remap("portfolio: {condition: [{property: tier, in: [Gold]}]}")
    days_pass(world)
    assert (world.kinds(), world.receivers()) == (["kickoff"], [])
    world.remap("{}")
    days_pass(world)
    assert (world.kinds(), world.receivers()) == (["kickoff"], ["account_manager"])


# -- another rule (F.14)


def test_a_ticket_that_only_has_to_be_moved_is_moved_once_the_mapping_asks_for_it(world: World) -> None:
    """docs/process.md 5.25: what was approved before is due then; one that a person moves back stays, whatever is set later."""
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    ticket = world.people.create_ticket("Ad 1", "Winter", portfolio, stage="In Progress")
    world.people.set("ticket", ticket, {"copy_approval": "Approved", "graphic_approval": "Approved"})
    days_pass(world)
    assert world.people.ticket(ticket)["hs_pipeline_stage"] == "880012"
    world.remap("rules: {advance_approved_tickets: true}")
    days_pass(world)
    assert world.people.ticket(ticket)["hs_pipeline_stage"] == "880013"
    world.people.move_ticket(ticket, "In Progress")
    for mapping in ("{}", "rules: {advance_approved_tickets: true}"):
        world.remap(mapping)
        days_pass(world)
        assert world.people.ticket(ticket)["hs_pipeline_stage"] == "880012"
