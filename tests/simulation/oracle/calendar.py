"""Days and dates as docs/process.md counts them: the agency's zone, midnights, cadences."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sync.clock import from_ms
from tests.simulation.oracle.terms import Period, Terms


def next_date(base: date | None, period: Period | None, today: date, day: int | None = None) -> date | None:
    """docs/process.md D.1 and D.3; None: the cadence is not mapped. `day`: the chosen one, where it is known."""
    if period is None:
        return None
    unit, length = period
    begin = base or today
    kept = day if base is not None and day is not None and is_of_day(base, day) else begin.day
    for n in range(1, 20_000):
        found = _months_later(begin, n * length, kept) if unit == "months" else begin + timedelta(days=n * length)
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
    """What the mapping said at each time: days are counted by the time zone, and dates by the window, that were in force."""

    def __init__(self) -> None:
        self._in_force: list[tuple[int, Terms]] = [(0, Terms())]
        self._forgotten = False

    @property
    def terms(self) -> Terms:
        """What is in force now."""
        return self._in_force[-1][1]

    def remapped(self, at: int, terms: Terms) -> None:
        """Passes go by this mapping from now on. What was in force before a loss nobody knows (docs/process.md F.3)."""
        if self._forgotten:
            self._in_force = [(0, terms)]
            self._forgotten = False
        else:
            self._in_force.append((at, terms))

    def forget(self) -> None:
        """The database was lost: the first mapping that is in force after it is taken for what was so before."""
        self._forgotten = True

    def at(self, at: int) -> Terms:
        return next(terms for since, terms in reversed(self._in_force) if since <= at)

    def since(self, at: int) -> list[Terms]:
        """All that were in force then or later."""
        return [self.at(at), *(terms for since, terms in self._in_force if since > at)]

    def tiers(self) -> set[str]:
        """The properties of every condition that was ever in force."""
        return {name for _, terms in self._in_force for name, _ in terms.condition}

    def changes(self) -> list[int]:
        """When another mapping came into force."""
        return [since for since, _ in self._in_force[1:]]

    def zone_at(self, at: int) -> ZoneInfo:
        return self.at(at).zone

    def window_at(self, at: int) -> int:
        return self.at(at).window

    def today_at(self, at: int) -> date:
        return from_ms(at).astimezone(self.zone_at(at)).date()

    def day_of(self, moment: str, at: int) -> date:
        """The day of a moment as the CRM's history tells it (milliseconds, or ISO), for whoever reads it then."""
        read = from_ms(int(moment)) if moment.isdecimal() else datetime.fromisoformat(moment)
        return read.astimezone(self.zone_at(at)).date()

    def midnight(self, day: date, at: int) -> int:
        """When this day begins, as it is counted at that time."""
        return round(datetime(day.year, day.month, day.day, tzinfo=self.zone_at(at)).timestamp() * 1000)

    def left_window(self, value: str, at: int) -> bool:
        """Whether a date that was set then was further ahead than the window, or cleared."""
        return value == "" or (date.fromisoformat(value) - self.today_at(at)).days > self.window_at(at)
