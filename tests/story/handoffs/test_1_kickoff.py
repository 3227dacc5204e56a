"""Handoff 1 as people live it: the kickoff."""

import pytest

from tests.story.handoffs.steps import AM, due, the
from tests.world import World


def test_1_kickoff_is_a_task_and_an_email_for_the_account_manager(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(15))
    world.work()
    (task,) = world.tasks()
    assert task.subject == "Contact Client About Creative Refresh: Acme"
    assert task.owner == world.people.owner(AM)
    assert task.associations == {"portfolio": (portfolio,)}
    assert task.open
    assert due(task) == "2026-11-05 17:00"
    assert "<strong>Tue 17 Nov 2026</strong> (in 15 days)" in task.body
    assert "Refresh Request Submitted" in task.body
    assert world.emails() == [(AM, "Creative refresh of Acme: please ask the client (Tue 17 Nov 2026)")]
    assert world.status(portfolio) == ""


def test_1_fifteen_daily_sweeps_make_one_kickoff(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(16))
    world.work()
    assert world.tasks() == []
    world.next_day(15)
    assert world.kinds() == ["kickoff"]
    assert world.receivers() == [AM]


def test_1_moved_out_of_the_window_and_back_is_a_new_kickoff(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    for ahead in (9, 14):
        world.minutes(5)
        world.people.set_refresh_date(portfolio, world.day(ahead))
        world.work()
    assert world.kinds() == ["kickoff"]
    world.minutes(5)
    world.people.set_refresh_date(portfolio, world.day(30))
    world.minutes(5)
    world.people.set_refresh_date(portfolio, world.day(12))
    world.work()
    assert world.kinds() == ["kickoff", "kickoff"]
    assert world.receivers() == [AM, AM]


def test_1_the_status_had_moved_on(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(20), status="Refresh Request Submitted")
    world.work()
    world.next_day(10)
    assert world.tasks() == []
    assert world.emails() == []
    assert world.status(portfolio) == "Refresh Request Submitted"


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(3, "2026-11-05 17:00"), (1, "2026-11-03 17:00"), (0, "2026-11-02 17:00"), (-5, "2026-11-02 17:00")],
)
def test_1_the_task_is_due_no_later_than_the_refresh_date(world: World, ahead: int, expected: str) -> None:
    """docs/process.md 1.11: and never before today."""
    world.people.create_portfolio("Acme", world.day(ahead))
    world.work()
    assert due(the(world, "kickoff")) == expected
    assert ahead != 0 or due(the(world, "create_tickets")) == "2026-11-03 17:00"  # the Refresh Date is nothing to it
