"""The calendar on a client's page: what comes, on its day, in months that a person and a screen reader can go through."""

import re
from datetime import date, timedelta

import pytest

from sync.board.pages.calendar import MOST, months
from tests.board.browser import visitor
from tests.world import World

TODAY = date(2026, 11, 2)


def laid(*coming: tuple[date, str]) -> dict[str, dict[int, tuple[str, ...]]]:
    """By month, the days on which something is."""
    return {
        month.name: {day.day.day: day.texts for week in month.weeks for day in week if day is not None and day.texts}
        for month in months(coming, TODAY)
    }


@pytest.mark.parametrize(
    ("coming", "shown"),
    [
        ((), {}),
        (((date(2026, 11, 30), "kickoff"),), {"November 2026": {30: ("kickoff",)}}),
        (
            ((date(2027, 1, 1), "Refresh Date"), (date(2026, 11, 2), "b"), (date(2026, 11, 2), "a")),
            {"November 2026": {2: ("a", "b")}, "January 2027": {1: ("Refresh Date",)}},
        ),
        (((date(2026, 10, 30), "late"), (date(2026, 12, 1), "x")), {"November 2026": {}, "December 2026": {1: ("x",)}}),
    ],
)
def test_what_comes_stands_on_its_day(
    coming: tuple[tuple[date, str], ...], shown: dict[str, dict[int, tuple[str, ...]]]
) -> None:
    assert laid(*coming) == shown


def test_a_month_begins_on_monday_and_has_its_own_days_alone() -> None:
    [month] = months([(TODAY, "x")], TODAY)
    assert all(len(week) == 7 for week in month.weeks)
    assert [day.day.weekday() for week in month.weeks for day in week if day is not None] == [
        (month.first + timedelta(days=n)).weekday() for n in range(30)
    ]
    assert [day.day for week in month.weeks for day in week if day is not None and day.is_today] == [TODAY]


def test_years_to_come_fill_no_page() -> None:
    assert len(months([(TODAY + timedelta(days=40 * n), "x") for n in range(50)], TODAY)) == MOST


def test_a_clients_page_has_it(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.work()
    page = visitor(world).get(f"/board/client/{acme}").text
    assert re.findall(r"<caption>(.*?)</caption>", page) == ["November 2026", "December 2026"]
    kickoff, day = world.day(25), world.day(40)
    for when, what in ((kickoff, "kickoff"), (day, "Refresh Date")):
        cell = f'<td class="on"><time datetime="{when.isoformat()}">{when.day}</time><br>{what}</td>'
        assert cell in page
    assert f'<td aria-current="date"><time datetime="{world.today.isoformat()}">' in page
    assert '<th scope="col" abbr="Monday">Mon</th>' in page


def coming(world: World, client: str) -> str:
    page = visitor(world).see(f"/board/client/{client}")
    return page[page.index("What comes") : page.index("The ten handoffs")]


def test_tasks_that_are_to_be_done_stand_on_the_day_on_which_they_are_due(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    [task] = world.people.tasks("portfolio", acme)
    assert task.due is not None
    day = task.due.astimezone(world.service.mapping.zone).date()
    assert f"{day:%a} {day.day} {day:%b} : task due: kickoff (Amelia Marsh)" in coming(world, acme)
    world.people.set_status(acme, "Refresh Request Submitted")
    world.work()
    assert "task due" not in coming(world, acme), "the work is another's"


def test_a_task_that_was_closed_is_not_due(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(0))
    world.work()
    assert "task due: create tickets (Sasha Adler)" in coming(world, acme)
    ticket = world.people.create_ticket("Banner", "Autumn", acme)
    world.work()
    assert "task due: write copy (Cody Wright)" in coming(world, acme)
    other = world.people.create_ticket("Video", "Autumn", acme)
    world.work()
    assert "2 tasks due: write copy (Cody Wright)" in coming(world, acme)
    assert "create tickets" not in coming(world, acme), "that work has passed on"
    world.people.set_status(acme, "Deliverables Submitted")
    world.people.move_ticket(other, "Pending Approval")
    world.work()
    assert "task due: write copy (Cody Wright)" in coming(world, acme), "of the other one nothing is to be done"
    world.people.move_ticket(ticket, "Pending Approval")
    world.work()
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Shorter")
    world.work()
    assert coming(world, acme).count("task due: revise copy") == 2, "in the list, and in the calendar"
    world.people.set("ticket", ticket, {"copy_approval": "Approved"})
    world.people.request_revisions(ticket, "Graphic Revisions Only")
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Shorter")
    world.work()
    assert coming(world, acme).count("task due: revise copy") == 2, "that of the round before was closed"


def test_the_kickoffs_task_is_due_before_the_date(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(1))
    world.work()
    [task] = world.people.tasks("portfolio", acme)
    assert task.due is not None
    day = task.due.astimezone(world.service.mapping.zone).date()
    assert day <= world.day(1)
    assert f"{day:%a} {day.day} {day:%b} : task due: kickoff" in coming(world, acme)
