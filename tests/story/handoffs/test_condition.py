"""Portfolios outside the mapping's condition, and those that come back into it."""

from typing import Any

from sync.sandbox.schema import Property
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import SAS, ready, with_tickets
from tests.world import World


def gold_only(make_world: MakeWorld) -> World:
    world = make_world(mapping="portfolio: {condition: [{property: tier, in: [Gold]}]}")
    portal, type_id = world.sandbox.portal, world.people.process.names.object_type_id
    portal.define_property(type_id, Property("tier", "Tier"))
    if world.webhooks:
        world.sandbox.delivery.subscribe("propertyChange", type_id, "tier")
    return world


def test_nothing_at_all_outside_the_condition(make_world: MakeWorld) -> None:
    world = gold_only(make_world)
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(0), tier="Bronze")
    tickets = with_tickets(world, portfolio)
    people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    people.request_revisions(tickets[0], "Copy Revisions Only", note="Warmer, please")
    world.work()
    for status in ("Creatives Completed & Approved", "Creatives Implemented", "", "No Refresh Requested"):
        world.minutes(5)
        people.set_status(portfolio, status)
        world.next_day()
    assert (world.tasks(), world.emails()) == ([], [])
    assert (world.status(portfolio), world.date(portfolio)) == ("No Refresh Requested", "2026-11-02")
    assert people.ticket(tickets[0])["needs_revisions"] == "Copy Revisions Only"
    changes = [v for name in ("creative_refresh_status", "creative_refresh_date") for v in history(world, name)]
    assert all(version.source_type == "CRM_UI" for version in changes)


def history(world: World, name: str) -> list[Any]:
    return [v for one in world.people.portfolios() for v in world.people.history("portfolio", one.id, name)]


def test_one_that_comes_back_in_is_judged_as_it_then_stands(make_world: MakeWorld) -> None:
    world = gold_only(make_world)
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(-1), tier="Bronze")
    for status in ("No Refresh Requested", "Creatives Completed & Approved", "Refresh Request Submitted"):
        people.set_status(portfolio, status)
        world.minutes(5)
    people.set("portfolio", portfolio, {"tier": "Gold"})
    world.work()
    assert world.date(portfolio) == "2026-11-01"  # the decline came and went while it was outside
    assert world.kinds() == ["create_tickets"]
    assert world.receivers() == [SAS]
