"""How the pages write moments, days and durations: in the portal's time zone, as short as can be read at a glance."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

_SHORT = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


class Words:
    """Writes times as of one moment, `now`, in one zone."""

    def __init__(self, now: datetime, zone: ZoneInfo) -> None:
        self.now = now
        self._zone = zone

    def moment(self, at: datetime | None) -> str:
        """`Mon 2 Nov 2026 09:00`; `–` for None."""
        if at is None:
            return "–"
        local = at.astimezone(self._zone)
        return f"{local:%a} {local.day} {local:%b %Y %H:%M}"

    def iso(self, at: datetime) -> str:
        """The moment for machines, in the zone."""
        return at.astimezone(self._zone).isoformat(timespec="minutes")

    def ago(self, at: datetime | None) -> str:
        """How long it has lasted: `9 days`, `3 hours`, `a moment`; `–` for None."""
        if at is None:
            return "–"
        seconds = (self.now - at).total_seconds()
        for length, name in _SHORT:
            if seconds >= length:
                count = int(seconds // length)
                return f"{count:,} {name}{'' if count == 1 else 's'}"
        return "a moment"

    def day(self, day: date | None) -> str:
        """`Mon 2 Nov`, with the year where it is another one; `–` for None."""
        if day is None:
            return "–"
        year = "" if day.year == self.now.astimezone(self._zone).year else f" {day.year}"
        return f"{day:%a} {day.day} {day:%b}{year}"
