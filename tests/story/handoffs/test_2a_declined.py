"""Handoff 2a as people live it: the client declines."""

from datetime import timedelta

from tests.story.handoffs.steps import AM, SAS, begun, of, on, ready, the, with_tickets
from tests.world import World


def test_2a_declined_moves_the_date_and_ends_the_cycle(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2026-12-12"
    assert world.status(portfolio) == "No Refresh Requested"
    task = the(world, "kickoff")
    assert not task.open
    assert "Closed automatically on Mon 2 Nov 2026" in task.body
    assert "the client declined" in task.body
    assert world.receivers() == [AM]  # the kickoff's; nobody is told of the decline
    assert len(world.tasks()) == 1


def test_2a_everything_later_in_that_cycle_is_bypassed(world: World) -> None:
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    own = world.people.create_task("Call them anyway", [on(portfolio)])
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    before = world.kinds()
    ready(world, *tickets)
    world.minutes(20)
    assert world.kinds() == before
    assert [task.open for task in world.tasks() if task.key] == [False] * 6
    assert world.people.task(own).open
    assert world.receivers() == [AM, SAS]
    assert (world.status(portfolio), world.date(portfolio)) == ("No Refresh Requested", "2026-12-02")


def test_2a_a_ticket_that_came_from_another_portfolio_is_one_of_its_tickets(world: World) -> None:
    here, there = begun(world), begun(world)
    world.people.set_status(here, "No Refresh Requested")
    world.work()
    world.minutes(5)
    (guest,) = with_tickets(world, there, 1)
    world.people.associate("ticket", guest, "portfolio", here)
    world.people.dissociate("ticket", guest, "portfolio", there)
    world.minutes(5)
    world.people.set_status(here, "")
    world.work()
    assert all(task.open for task in world.tasks(("ticket", guest)))
    world.minutes(5)
    world.people.set_status(here, "No Refresh Requested")
    world.work()
    assert [task.open for task in world.tasks(("ticket", guest))] == [False, False]


def test_2a_the_next_kickoff_clears_the_leftover(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    world.next_day(25)  # 27 November: the new date is 12 December
    assert world.status(portfolio) == ""
    assert [task.open for task in of(world, "kickoff")] == [False, True]
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2027-01-12"
    assert world.receivers() == [AM, AM]


def test_2a_with_a_short_cadence_the_next_cycle_begins_at_once(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3), cadence="Weekly")
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2026-11-12"
    assert [task.open for task in of(world, "kickoff")] == [False, True]
    assert world.status(portfolio) == ""


def test_2a_a_decline_set_to_another_status_belongs_to_the_next_cycle(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(1))
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(10)
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("Refresh Request Submitted", "2026-12-03")
    world.next_day()
    assert world.kinds() == ["kickoff"]


def test_2a_and_a_set_of_the_next_cycle_are_written_at_once(world: World) -> None:
    """All changes of one record in one pass go in one write (docs/process.md W.2)."""
    portfolio = world.people.create_portfolio("Acme", world.day(20))
    world.people.set_status(portfolio, "No Refresh Requested")
    world.clock.advance(timedelta(minutes=10))
    world.people.create_ticket("Ad", "Winter", portfolio, stage="Pending Approval")
    world.clock.advance(timedelta(minutes=30))
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("Creatives Pending Approval", "2026-12-22")
    names = ("creative_refresh_status", "creative_refresh_date")
    assert len({world.people.history("portfolio", portfolio, name)[0].at for name in names}) == 1
