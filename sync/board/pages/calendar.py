"""A calendar of what comes, month by month, as tables: whoever does not see them hears each day with what is on it. Pure."""

from calendar import Calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

MOST = 3
"""Months that are shown: those with something on them, and this one."""

WEEKDAYS = (
    ("Mon", "Monday"), ("Tue", "Tuesday"), ("Wed", "Wednesday"), ("Thu", "Thursday"), ("Fri", "Friday"),
    ("Sat", "Saturday"), ("Sun", "Sunday"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a month, with what is on it."""

    day: date
    texts: tuple[str, ...]
    is_today: bool


@dataclass(frozen=True, slots=True)
class Month:
    """One month, week by week from Monday on; None: a day of another month."""

    first: date
    weeks: tuple[tuple[Day | None, ...], ...]

    @property
    def name(self) -> str:
        """`November 2026`."""
        return f"{self.first:%B %Y}"


def months(coming: Iterable[tuple[date, str]], today: date) -> list[Month]:
    """Lay out this month and the next ones in which something comes; none where nothing does."""
    on = {day: tuple(text for _, text in texts) for day, texts in groupby(sorted(coming), key=lambda one: one[0])}
    if not on:
        return []
    firsts = sorted({day.replace(day=1) for day in (today, *on) if day >= today.replace(day=1)})
    return [_month(first, on, today) for first in firsts[:MOST]]


def _month(first: date, on: dict[date, tuple[str, ...]], today: date) -> Month:
    weeks = Calendar().monthdatescalendar(first.year, first.month)
    return Month(first, tuple(tuple(_day(day, first, on, today) for day in week) for week in weeks))


def _day(day: date, first: date, on: dict[date, tuple[str, ...]], today: date) -> Day | None:
    return Day(day, on.get(day, ()), day == today) if day.month == first.month else None
