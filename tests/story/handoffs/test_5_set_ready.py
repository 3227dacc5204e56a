"""Handoff 5 as people live it: an Ad Set is ready."""

from collections.abc import Callable

import pytest

from tests.story.handoffs.steps import AM, SAS, begun, due, in_review, of, on, ready, the, with_tickets
from tests.world import World


def test_5_the_ad_set_is_ready(world: World) -> None:
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, tickets[0])
    assert world.status(portfolio) == "Deliverables Submitted"
    ready(world, tickets[1])
    assert world.status(portfolio) == "Creatives Pending Approval"
    task = the(world, "share_deliverables")
    assert task.subject == "Share Deliverables With Client: Acme (Winter)"
    assert task.owner == world.people.owner(AM)
    assert task.associations == {"portfolio": (portfolio,)}
    assert due(task) == "2026-11-03 17:00"
    assert "Ad 1" in task.body
    assert "Ad 2" in task.body
    assert "https://lab.example/acme" in task.body
    assert world.emails()[-2:] == [
        (AM, "Ready for client review: Acme (Winter)"),
        (SAS, "In client review: Acme (Winter)"),
    ]


def test_5_the_link_is_given_with_the_day_of_its_last_change(world: World) -> None:
    """docs/process.md 5.18: and the Creative Team is told that it is older than this refresh."""
    portfolio = world.people.create_portfolio("Acme", world.day(20), link="https://lab.example/old")
    world.work()
    world.next_day(5)
    (ticket,) = with_tickets(world, portfolio, 1)
    for kind in ("write_copy", "design_graphics"):
        assert "It was last changed on Mon 2 Nov 2026, before this refresh." in the(world, kind).body
    world.people.set("portfolio", portfolio, {"most_recent_ad_lab_link": "https://lab.example/new"})
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, ticket)
    body = the(world, "share_deliverables").body
    assert "(last changed on Sat 7 Nov 2026)" in body
    assert "https://lab.example/new" in body
    assert "older than this refresh" not in body


def test_5_the_missing_link_is_said_plainly(world: World) -> None:
    """docs/process.md 5.17."""
    portfolio = world.people.create_portfolio("Acme", world.day(0))
    tickets = with_tickets(world, portfolio, 1)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    assert "The Most Recent Ad Lab Link is missing" in the(world, "share_deliverables").body


def test_5_a_young_set_waits_for_more_tickets(world: World) -> None:
    portfolio = begun(world)
    (first,) = with_tickets(world, portfolio, 1)
    ready(world, first)
    world.minutes(5)
    assert of(world, "share_deliverables") == []
    second = world.people.create_ticket("Ad 2", "winter ", portfolio)
    world.work()
    world.minutes(20)
    assert of(world, "share_deliverables") == []
    ready(world, second)
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert "Ad 2" in the(world, "share_deliverables").body


def test_5_and_is_looked_at_when_its_time_is_up(world: World) -> None:
    portfolio = begun(world)
    ready(world, *with_tickets(world, portfolio))
    world.minutes(14)
    assert world.status(portfolio) == ""
    world.minutes(2)
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert len(of(world, "share_deliverables")) == 1


def close_the_last(world: World, ticket: str, _: str) -> None:
    world.people.move_ticket(ticket, "Closed")


def delete_the_last(world: World, ticket: str, _: str) -> None:
    world.people.archive("ticket", ticket)


def rename_its_folder(world: World, ticket: str, _: str) -> None:
    world.people.set("ticket", ticket, {"deliverable_folder_name": "Spring"})


def move_it_to_another_pipeline(world: World, ticket: str, _: str) -> None:
    world.people.move_ticket(ticket, "1")


def take_it_off_the_portfolio(world: World, ticket: str, portfolio: str) -> None:
    world.people.dissociate("ticket", ticket, "portfolio", portfolio)


def put_it_on_another_portfolio(world: World, ticket: str, portfolio: str) -> None:
    other = begun(world)
    world.people.associate("ticket", ticket, "portfolio", other)
    world.people.dissociate("ticket", ticket, "portfolio", portfolio)


@pytest.mark.parametrize(
    "act",
    [
        close_the_last,
        delete_the_last,
        rename_its_folder,
        move_it_to_another_pipeline,
        take_it_off_the_portfolio,
        put_it_on_another_portfolio,
    ],
)
def test_5_what_can_complete_a_set(world: World, act: Callable[[World, str, str], None]) -> None:
    portfolio = begun(world)
    first, last = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, first)
    world.minutes(5)
    act(world, last, portfolio)
    world.work()
    if not world.webhooks:  # a search shows no deletion and no association: the sweep looks
        world.next_day()
    assert world.status(portfolio) == "Creatives Pending Approval"
    body = the(world, "share_deliverables", on(portfolio)).body
    assert "Ad 1" in body
    assert "Ad 2" not in body


def test_5_a_ticket_that_joins_from_another_portfolio_counts_there(world: World) -> None:
    here, there = begun(world), begun(world)
    (mine,) = with_tickets(world, here, 1)
    guest = world.people.create_ticket("Guest", "Winter", there)
    for portfolio in (here, there):
        world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    world.minutes(5)
    world.people.associate("ticket", guest, "portfolio", here)
    world.people.dissociate("ticket", guest, "portfolio", there)
    world.work()
    if not world.webhooks:
        world.next_day()
    ready(world, mine)
    assert of(world, "share_deliverables") == []
    ready(world, guest)
    assert world.status(here) == "Creatives Pending Approval"
    assert world.status(there) == "Deliverables Submitted"
    assert "Guest" in the(world, "share_deliverables", on(here)).body
    assert len(of(world, "write_copy", ("ticket", guest))) == 1


def test_5_a_folder_renamed_as_a_whole_is_not_announced_again(world: World) -> None:
    _portfolio, tickets = in_review(world)
    for ticket in tickets:
        world.people.set("ticket", ticket, {"deliverable_folder_name": "Winter sale"})
        world.work()
    world.next_day()
    assert len(of(world, "share_deliverables")) == 1


def test_5_two_sets_are_two_announcements(world: World) -> None:
    portfolio = begun(world)
    tickets = [*with_tickets(world, portfolio, 1, "Winter"), *with_tickets(world, portfolio, 1, "Spring")]
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    assert sorted(task.subject for task in of(world, "share_deliverables")) == [
        "Share Deliverables With Client: Acme (Spring)",
        "Share Deliverables With Client: Acme (Winter)",
    ]
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert world.receivers()[-4:] == [AM, SAS, AM, SAS]
