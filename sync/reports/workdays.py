"""Lengths of time in days, and in working days: a Saturday and a Sunday are none. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SATURDAY = 5


def days(start: datetime, end: datetime) -> float:
    """How many days of 24 hours lie between two moments."""
    return (end - start) / _DAY


def working_days(start: datetime, end: datetime, zone: ZoneInfo) -> float:
    """How many working days lie between two moments: of each Monday to Friday in `zone`, the share that lies between them."""
    return sum(
        (min(end, after) - max(start, midnight)) / (after - midnight)
        for day, midnight, after in _days(start, end, zone)
        if day.weekday() < _SATURDAY
    )


def midnight_of(day: date, zone: ZoneInfo) -> datetime:
    """When this day begins in `zone`, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _days(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[date, datetime, datetime]]:
    day = start.astimezone(zone).date()
    midnight = midnight_of(day, zone)
    while midnight < end:
        following = day + _DAY
        after = midnight_of(following, zone)
        yield day, midnight, after
        day, midnight = following, after
