"""What an admin has permitted beyond the breaker's limit: by whom, why, and how many effects."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from sync.clock import to_ms
from sync.storage.tables import releases

_NEW = releases.insert()
_PERMITTED = select(func.sum(releases.c.effects)).where(releases.c.at > bindparam("since"))


def permit(connection: Connection, effects: int, now: datetime, *, actor: str, reason: str) -> None:
    """Permit so many effects more."""
    connection.execute(_NEW, {"at": to_ms(now), "actor": actor, "reason": reason, "effects": effects})


def permitted_since(connection: Connection, moment: datetime) -> int:
    """Count the effects permitted after `moment`."""
    return int(connection.execute(_PERMITTED, {"since": to_ms(moment)}).scalar() or 0)
