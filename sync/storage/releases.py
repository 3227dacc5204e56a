"""What an admin has permitted beyond the breaker's limit: by whom, why, and how many effects."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from sync.clock import from_ms, to_ms
from sync.storage.tables import releases


@dataclass(frozen=True, slots=True)
class Release:
    """One word of an admin: so many effects more within the hour after it."""

    at: datetime
    actor: str
    reason: str
    effects: int


_NEW = releases.insert()
_BETWEEN = select(releases).where(releases.c.at >= bindparam("since"), releases.c.at < bindparam("until"))
_PERMITTED = select(func.sum(releases.c.effects)).where(releases.c.at > bindparam("since"))


def permit(connection: Connection, effects: int, now: datetime, *, actor: str, reason: str) -> None:
    """Permit so many effects more."""
    connection.execute(_NEW, {"at": to_ms(now), "actor": actor, "reason": reason, "effects": effects})


def permitted_since(connection: Connection, moment: datetime) -> int:
    """Count the effects permitted after `moment`."""
    return int(connection.execute(_PERMITTED, {"since": to_ms(moment)}).scalar() or 0)


def find(connection: Connection, since: datetime, until: datetime) -> list[Release]:
    """List what was permitted from `since` on and before `until`, in no order."""
    rows = connection.execute(_BETWEEN, {"since": to_ms(since), "until": to_ms(until)})
    return [Release(from_ms(row.at), row.actor, row.reason, row.effects) for row in rows]
