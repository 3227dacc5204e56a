"""The next date: by example, then by property."""

from calendar import monthrange
from datetime import date, timedelta
from itertools import pairwise

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import assume, given
from hypothesis import strategies as st

from mappings.schema import Interval, Weekend
from sync.rules import cadence
from sync.rules.cadence import next_date, stands_for

WEEK, MONTH, QUARTER = Interval(days=7), Interval(months=1), Interval(months=3)
DAYS = st.dates(date(1950, 1, 1), date(2150, 1, 1))
INTERVALS = st.one_of(
    st.integers(1, 3660).map(lambda days: Interval(days=days)),
    st.integers(1, 120).map(lambda months: Interval(months=months)),
)
WEEKENDS: st.SearchStrategy[Weekend] = st.sampled_from(["keep", "next", "previous"])


def step(start: date, interval: Interval, count: int) -> date:
    """`start` and `count` intervals, said as plainly as can be."""
    return start + timedelta(days=interval.days * count) + relativedelta(months=interval.months * count)


@pytest.mark.parametrize(
    ("current", "interval", "today", "expected"),
    [
        pytest.param("2026-11-01", WEEK, "2026-11-01", "2026-11-08", id="a week from a date that is today"),
        pytest.param("2026-11-01", WEEK, "2026-11-07", "2026-11-08", id="the day before counts as later"),
        pytest.param("2026-11-01", WEEK, "2026-11-08", "2026-11-15", id="today itself is not later than today"),
        pytest.param("2026-11-20", WEEK, "2026-11-01", "2026-11-27", id="an early close still moves on by one"),
        pytest.param("2026-01-31", MONTH, "2026-01-31", "2026-02-28", id="the 31st in a short month is its last day"),
        pytest.param("2026-01-31", MONTH, "2026-02-28", "2026-03-31", id="and the 31st again after it"),
        pytest.param("2026-01-31", MONTH, "2026-03-30", "2026-03-31", id="the month is this one, the day still ahead"),
        pytest.param("2026-01-31", MONTH, "2026-03-31", "2026-04-30", id="the month is this one, the day is today"),
        pytest.param("2024-02-29", Interval(months=12), "2025-03-01", "2026-02-28", id="a leap day, in other years"),
        pytest.param("2024-02-29", Interval(months=12), "2027-03-01", "2028-02-29", id="and in the next leap year"),
        pytest.param("2025-11-30", QUARTER, "2025-12-01", "2026-02-28", id="a quarter over the end of the year"),
        pytest.param("1960-01-31", MONTH, "2026-11-22", "2026-11-30", id="a date of decades ago"),
        pytest.param(None, MONTH, "2026-01-31", "2026-02-28", id="without a date, from today"),
        pytest.param(None, WEEK, "2026-11-22", "2026-11-29", id="without a date, a week from today"),
    ],
)
def test_the_next_date(current: str | None, interval: Interval, today: str, expected: str) -> None:
    start = date.fromisoformat(current) if current else None
    assert next_date(start, interval, date.fromisoformat(today)) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("current", "weekend", "today", "expected"),
    [
        pytest.param("2026-11-07", "keep", "2026-11-09", "2026-11-14", id="a Saturday is kept"),
        pytest.param("2026-11-07", "next", "2026-11-09", "2026-11-16", id="a Saturday moves to Monday"),
        pytest.param("2026-11-08", "next", "2026-11-09", "2026-11-16", id="a Sunday moves to Monday"),
        pytest.param("2026-11-07", "previous", "2026-11-09", "2026-11-13", id="a Saturday moves to Friday"),
        pytest.param("2026-11-08", "previous", "2026-11-09", "2026-11-13", id="a Sunday moves to Friday"),
        pytest.param("2026-11-06", "previous", "2026-11-09", "2026-11-13", id="a Friday stays"),
        pytest.param("2026-11-07", "previous", "2026-11-13", "2026-11-16", id="not to today: to Monday instead"),
        pytest.param("2026-11-08", "previous", "2026-11-14", "2026-11-16", id="not into the past: to Monday instead"),
    ],
)
def test_a_weekend(current: str, weekend: Weekend, today: str, expected: str) -> None:
    """docs/process.md D.7."""
    found = next_date(date.fromisoformat(current), WEEK, date.fromisoformat(today), weekend)
    assert found == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("current", "day", "today", "expected"),
    [
        pytest.param("2026-02-28", 31, "2026-02-28", "2026-03-31", id="after a February the 31st again"),
        pytest.param("2026-02-28", 29, "2026-02-28", "2026-03-29", id="or the 29th"),
        pytest.param("2028-02-29", 31, "2028-02-29", "2028-03-31", id="in a leap year too"),
        pytest.param("2026-02-28", 31, "2026-02-01", "2026-03-31", id="closed early: no month comes twice"),
        pytest.param("2026-02-28", 31, "2026-03-30", "2026-03-31", id="closed late: no month is skipped"),
        pytest.param("2026-02-28", 31, "2026-03-31", "2026-04-30", id="that day itself is not later"),
        pytest.param("2026-04-30", 31, "2026-09-10", "2026-09-30", id="closed months later"),
        pytest.param("2026-02-27", 31, "2026-02-27", "2026-03-31", id="a Friday for the Saturday that is the last"),
        pytest.param("2026-11-02", 31, "2026-11-02", "2026-11-30", id="a Monday for the Saturday of the month before"),
        pytest.param("2026-07-31", 1, "2026-07-31", "2026-09-01", id="a Friday for the Saturday of the month after"),
        pytest.param("2026-02-26", 31, "2026-02-26", "2026-03-26", id="not of that day: its own is kept"),
        pytest.param("2026-11-02", 30, "2026-11-02", "2026-12-02", id="a Monday that no weekend of that day is beside"),
    ],
)
def test_months_come_to_the_day_that_was_chosen(current: str, day: int, today: str, expected: str) -> None:
    """docs/process.md, rungs D.3 and D.12."""
    assert next_date(date.fromisoformat(current), MONTH, date.fromisoformat(today), day=day) == date.fromisoformat(
        expected
    )


def test_a_cadence_of_days_keeps_no_day_of_the_month() -> None:
    today = date(2026, 2, 28)
    assert next_date(today, WEEK, today, day=31) == date(2026, 3, 7)


@pytest.mark.parametrize("current", [date.min, date.max])
@pytest.mark.parametrize("day", range(1, 32))
def test_the_ends_of_the_calendar_stand_for_themselves_or_for_nothing(current: date, day: int) -> None:
    assert stands_for(current, day) in {current, None}


@given(DAYS, INTERVALS, DAYS)
def test_it_is_the_first_whole_number_of_intervals_after_today(start: date, interval: Interval, today: date) -> None:
    found = next_date(start, interval, today)
    assert found > today
    assert found > start
    distance = (found - start).days // interval.days if interval.days else _months(start, found) // interval.months
    count = next(n for n in (distance, distance + 1) if n and step(start, interval, n) == found)
    assert count == 1 or step(start, interval, count - 1) <= today


@given(st.one_of(st.none(), DAYS), INTERVALS, DAYS, WEEKENDS)
def test_it_is_always_later_than_today(start: date | None, interval: Interval, today: date, weekend: Weekend) -> None:
    found = next_date(start, interval, today, weekend)
    assert found > today
    assert weekend == "keep" or found.weekday() < 5
    assert abs(found - next_date(start, interval, today)) <= timedelta(days=2)


@given(DAYS, INTERVALS, DAYS, WEEKENDS)
def test_a_later_today_never_gives_an_earlier_date(
    start: date, interval: Interval, today: date, weekend: Weekend
) -> None:
    dates = [next_date(start, interval, today + timedelta(days=later), weekend) for later in range(12)]
    assert all(earlier <= later for earlier, later in pairwise(dates))


@given(st.dates(date(2000, 1, 29), date(2040, 12, 31)), st.integers(1, 24), st.integers(0, 6000))
def test_months_do_not_drift(start: date, months: int, later: int) -> None:
    found = next_date(start, Interval(months=months), start + timedelta(days=later))
    last_of_month = (found + timedelta(days=1)).day == 1
    assert found.day == start.day or (last_of_month and found.day < start.day)


@given(
    st.integers(1, 31),
    st.dates(date(1990, 1, 1), date(2060, 12, 31)),
    st.sampled_from([1, 2, 3, 12]),
    WEEKENDS,
    st.lists(st.integers(-25, 25), min_size=1, max_size=30),
)
def test_over_any_closings_each_month_comes_once_and_on_the_day_that_was_chosen(
    day: int, begin: date, months: int, weekend: Weekend, closings: list[int]
) -> None:
    """Each closing is so many days before or after its date, and before the next one."""
    meant = current = begin.replace(day=min(day, monthrange(begin.year, begin.month)[1]))
    for days in closings:
        current = next_date(current, Interval(months=months), current + timedelta(days=days), weekend, day=day)
        year, month = divmod(meant.year * 12 + meant.month - 1 + months, 12)
        meant = date(year, month + 1, min(day, monthrange(year, month + 1)[1]))
        assert stands_for(current, day) == meant
        assert current == meant or (meant.weekday() >= 5 and current.weekday() < 5 and weekend != "keep")


@given(DAYS, st.integers(1, 31), st.integers(1, 24), DAYS, WEEKENDS)
def test_a_day_that_the_date_does_not_stand_for_changes_nothing(
    start: date, day: int, months: int, today: date, weekend: Weekend
) -> None:
    assume(stands_for(start, day) is None)
    interval = Interval(months=months)
    assert next_date(start, interval, today, weekend, day=day) == next_date(start, interval, today, weekend)


def test_the_cost_does_not_depend_on_the_age_of_the_date(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    after = cadence._after

    def counted(start: date, interval: Interval, count: int, day: int | None) -> date:
        counts.append(count)
        return after(start, interval, count, day)

    monkeypatch.setattr(cadence, "_after", counted)
    for interval in (Interval(days=1), MONTH):
        next_date(date(1, 1, 1), interval, date(2026, 11, 22))
    assert len(counts) <= 4


@pytest.mark.parametrize("interval", [WEEK, MONTH])
@pytest.mark.parametrize("weekend", ["keep", "next", "previous"])
def test_the_end_of_the_calendar_is_said_plainly(interval: Interval, weekend: Weekend) -> None:
    with pytest.raises(ValueError, match="the calendar ends in the year 9999"):
        next_date(date(9999, 12, 28), interval, date(2026, 11, 22), weekend)


def _months(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month
