"""Time comes in from outside: everything that needs `now` is given a `Clock`."""

import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

CLOCKS_APART = timedelta(minutes=5)
"""How far the CRM's clock may be from ours."""

TOLD_WITHIN = timedelta(seconds=2)
"""As much as another clock may seem behind ours though it is not: it tells whole seconds, and an answer takes its time."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The current moment, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait inside one call to the CRM (a retry, the request budget); never between passes."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ShiftedClock:
    """Another clock, moved so that its today is a given date: what `--today` asks for.

    The time of day stays, so that causes seen during the run keep their order.
    """

    def __init__(self, base: Clock, today: date, zone: ZoneInfo) -> None:
        self._base = base
        self._days = today - base.now().astimezone(zone).date()
        self._zone = zone

    def now(self) -> datetime:
        local = self._base.now().astimezone(self._zone)
        return (local + self._days).astimezone(UTC)

    def sleep(self, seconds: float) -> None:
        self._base.sleep(seconds)


def ahead_of(told: datetime | None, now: datetime) -> timedelta:
    """How far our clock (`now`) is ahead of the CRM's, which has told this for the same moment; negative: behind it.

    Nothing where it has told none, and where the two differ by less than can be told.
    """
    ahead = timedelta() if told is None else now - told
    return ahead if abs(ahead) > TOLD_WITHIN else timedelta()


def local_date(moment: datetime, zone: tzinfo) -> date:
    """The calendar date of `moment` in `zone`."""
    return moment.astimezone(zone).date()


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """The first moment of `day` in `zone`, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch: how HubSpot, keys and the database write a moment."""
    return (moment - _EPOCH) // _MILLISECOND


def iso(moment: datetime | None) -> str | None:
    """Write a moment as JSON answers have it: ISO 8601; None for one that is not known."""
    return None if moment is None else moment.isoformat()


def from_ms(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
