"""When the weekly letter is due. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from mappings.schema import ProcessMapping
from sync.clock import local_date, start_of_day

LAST_DAY: Final = 4
"""The last weekday (Monday is 0) on which a week's letter is still sent: on a Friday it is news, on a Sunday none."""


@dataclass(frozen=True, slots=True)
class Week:
    """A letter's week: its Monday, the moment from which on its letter is due, and the end of the time to send it."""

    monday: date
    due: datetime
    ends: datetime

    def is_on(self, moment: datetime) -> bool:
        """Whether its letter may be sent now."""
        return self.due <= moment < self.ends


def week_of(moment: datetime, mapping: ProcessMapping) -> Week:
    """Say which week's letter a moment belongs to, by the mapping's time zone.

    A wall clock's time that a change of the clocks skips is an hour later, one that it repeats the first of the two.
    """
    today = local_date(moment, mapping.zone)
    return _week(today - timedelta(days=today.weekday()), mapping)


def next_due(now: datetime, mapping: ProcessMapping) -> datetime:
    """Say when the next letter is due that is not due yet."""
    week = week_of(now, mapping)
    return week.due if now < week.due else _week(week.monday + timedelta(days=7), mapping).due


def _week(monday: date, mapping: ProcessMapping) -> Week:
    due = datetime.combine(monday, mapping.letter.at, tzinfo=mapping.zone).astimezone(UTC)
    return Week(monday, due, start_of_day(monday + timedelta(days=LAST_DAY + 1), mapping.zone))
