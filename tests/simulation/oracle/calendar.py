"""Days and dates as docs/process.md counts them: the agency's zone, midnights, cadences."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sync.clock import from_ms

ZONE = ZoneInfo("America/New_York")
WINDOW = 15

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


class Calendar:
    """Days as they were counted: by the time zone, and the window, of the mapping that was in force at the time."""

    def __init__(self) -> None:
        self._in_force: list[tuple[int, int, ZoneInfo]] = [(0, WINDOW, ZONE)]
        self._unsure: list[tuple[int, int | None]] = []
        """From a start with another mapping to the first rest after it: when in that time it began to be used is not seen."""

    def remapped(self, at: int, window: int, zone: str) -> None:
        """The service was started with another mapping."""
        self._in_force.append((at, window, ZoneInfo(zone)))
        self._unsure.append((at, None))

    def rested(self, at: int) -> None:
        """The service has certainly used its mapping by now."""
        if self._unsure and self._unsure[-1][1] is None:
            self._unsure[-1] = (self._unsure[-1][0], at)

    def forget(self) -> None:
        """The database was lost, and with it which mapping was in force before (docs/process.md F.3)."""
        _, window, zone = self._in_force[-1]
        self._in_force = [(0, window, zone)]
        self._unsure.clear()

    def zone_at(self, at: int) -> ZoneInfo:
        return self._then(at)[2]

    def window_at(self, at: int) -> int:
        return self._then(at)[1]

    def today_at(self, at: int) -> date:
        return from_ms(at).astimezone(self.zone_at(at)).date()

    def day_of(self, moment: str, at: int) -> date:
        """The day of a moment as the CRM's history tells it (milliseconds, or ISO), for whoever reads it then."""
        read = from_ms(int(moment)) if moment.isdecimal() else datetime.fromisoformat(moment)
        return read.astimezone(self.zone_at(at)).date()

    def midnight(self, day: date, at: int) -> int:
        """When this day begins, as it is counted at that time."""
        return round(datetime(day.year, day.month, day.day, tzinfo=self.zone_at(at)).timestamp() * 1000)

    def left_window(self, value: str, at: int) -> set[bool]:
        """Whether a date that was set then was further ahead than the window, or cleared; both where it is not sure."""
        if value == "":
            return {True}
        mappings = [self._then(at)]
        if any(begun <= at and (used is None or at <= used) for begun, used in self._unsure):
            mappings += [one for one in self._in_force if one[0] < mappings[0][0]][-1:]
        days = date.fromisoformat(value)
        return {(days - from_ms(at).astimezone(zone).date()).days > window for _, window, zone in mappings}

    def _then(self, at: int) -> tuple[int, int, ZoneInfo]:
        return next(one for one in reversed(self._in_force) if one[0] <= at)
