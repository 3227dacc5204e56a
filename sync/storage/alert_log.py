"""What the admin was alerted to: one row a kind and hour is the guarantee of one email."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from sync.clock import from_ms, to_ms
from sync.storage.tables import alerts
from sync.storage.upsert import insert_new

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert that was sent to the admin."""

    kind: str  # `parked`, `sweep_failed`, …
    at: datetime
    message: str

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind, "at": self.at.isoformat(), "message": self.message}


_NEW = insert_new(alerts)
_SINCE = select(alerts).where(alerts.c.at >= bindparam("since")).order_by(alerts.c.at.desc(), alerts.c.kind)
_COUNTS = select(alerts.c.kind, func.count()).group_by(alerts.c.kind)


def hour_of(now: datetime) -> int:
    """Number the hour of a moment: hours since the epoch."""
    return to_ms(now) // _HOUR_MS


def claim(connection: Connection, kind: str, message: str, now: datetime) -> bool:
    """Record an alert, unless there is one of its kind within this hour; True: whoever asked may send it."""
    row = {"kind": kind, "hour": hour_of(now), "at": to_ms(now), "message": message}
    return connection.execute(_NEW, row).rowcount == 1


def since(connection: Connection, moment: datetime) -> list[SentAlert]:
    """List the alerts at or after `moment`, the newest first."""
    rows = connection.execute(_SINCE, {"since": to_ms(moment)})
    return [SentAlert(row.kind, from_ms(row.at), row.message) for row in rows]


def counts(connection: Connection) -> dict[str, int]:
    """Count the alerts ever recorded, by kind."""
    return {kind: int(number) for kind, number in connection.execute(_COUNTS)}
