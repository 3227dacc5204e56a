"""Handoff 3 as people live it: the date arrives."""

from datetime import timedelta

from tests.conftest import MakeWorld
from tests.story.handoffs.steps import AM, SAS, begun, due, of, on, the
from tests.world import World


def test_3_the_date_arrives_with_the_newest_note(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(2))
    world.people.note("portfolio", portfolio, "<p>Old idea</p>")
    world.clock.advance(timedelta(minutes=5))
    world.people.note("portfolio", portfolio, "<p>Green &amp; bold</p>")
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    assert world.tasks() == []
    world.next_day(2)
    (task,) = world.tasks()
    assert task.subject == "Create Deliverable Tickets for Refresh: Acme"
    assert task.owner == world.people.owner(SAS)
    assert task.associations == {"portfolio": (portfolio,)}
    assert due(task) == "2026-11-05 17:00"
    assert "Green &amp; bold" in task.body
    assert "Old idea" not in task.body
    assert "not noted" not in task.body
    assert "Open the Note" in task.body
    assert world.emails() == [(SAS, "Creative refresh of Acme: time to create the tickets")]
    assert world.status(portfolio) == "Refresh Request Submitted"


def test_3_without_a_note_it_says_so(world: World) -> None:
    portfolio = begun(world)
    body = the(world, "create_tickets").body
    assert "No Note was left" in body
    assert "yes is not noted" in body
    assert body.count("ask the Account Manager (Amelia Marsh)") == 2
    assert world.kinds(on(portfolio)) == ["kickoff", "create_tickets"]
    assert sorted(world.receivers()) == [AM, SAS]


def test_3_the_service_was_away_on_the_day(make_world: MakeWorld) -> None:
    world = make_world()
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    world.work()
    world.clock.advance(timedelta(days=6))  # silence: nothing ran for six days
    world.sweep()
    assert world.kinds(on(portfolio)) == ["kickoff", "create_tickets"]
    world.next_day(3)
    assert world.kinds(on(portfolio)) == ["kickoff", "create_tickets"]


def test_3_again_only_if_the_date_moved_later_and_the_task_is_done(world: World) -> None:
    portfolio = begun(world)
    world.minutes(5)
    world.people.set_refresh_date(portfolio, world.day(1))
    world.work()
    world.next_day()
    assert len(of(world, "create_tickets")) == 1  # the first was still open when the date came
    world.people.complete_task(the(world, "create_tickets").id)
    world.people.set_refresh_date(portfolio, world.day(2))
    world.work()
    world.next_day(2)
    assert [task.open for task in of(world, "create_tickets")] == [False, True]
    assert world.receivers().count(SAS) == 2
