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
