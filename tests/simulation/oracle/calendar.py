"""Days and dates as docs/process.md counts them: the agency's zone, midnights, cadences."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sync.clock import from_ms

ZONE = ZoneInfo("America/New_York")

DAYS = {
    "Weekly": 7,
    "Every 2 weeks": 14,
    "Every 3 weeks": 21,
    "Every 4 weeks": 28,
    "Every 6 weeks": 42,
    "Every 8 weeks": 56,
}
MONTHS = {"": 1, "Monthly": 1, "Every 2 months": 2, "Quarterly": 3}


def next_date(base: date | None, cadence: str, today: date, day: int | None = None) -> date | None:
    """docs/process.md D.1 and D.3; None: the cadence is not mapped. `day`: the chosen one, where it is known."""
    begin = base or today
    kept = day if base is not None and day is not None and is_of_day(base, day) else begin.day
    for n in range(1, 20_000):
        if cadence in MONTHS:
            found = _months_later(begin, n * MONTHS[cadence], kept)
        elif cadence in DAYS or cadence.isdecimal():
            found = begin + timedelta(days=n * (DAYS[cadence] if cadence in DAYS else int(cadence)))
        else:
            return None
        if found > today:
            return found
    raise AssertionError("no cadence is that short")


def is_of_day(found: date, day: int) -> bool:
    """docs/process.md D.12, of a mapping that keeps weekends: on that day of the month, or on the last of a shorter one."""
    return found == _months_later(found, 0, day)


def _months_later(begin: date, months: int, day: int) -> date:
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day, last))


def today_at(at: int) -> date:
    return from_ms(at).astimezone(ZONE).date()


def day_of(moment: str) -> date:
    """The day of a moment as the CRM's history tells it: milliseconds, or ISO."""
    return today_at(int(moment)) if moment.isdecimal() else datetime.fromisoformat(moment).astimezone(ZONE).date()


def midnight(day: date) -> int:
    start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return round(start.timestamp() * 1000)
