"""Log-ins to the board that failed of late."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from sync.clock import from_ms, to_ms
from sync.storage.tables import board_failures

_SINCE = (
    select(board_failures.c.at, board_failures.c.name)
    .where(board_failures.c.at > bindparam("since"))
    .order_by(board_failures.c.at, board_failures.c.id)
)
_ADD = board_failures.insert()
_BEFORE = board_failures.delete().where(board_failures.c.at <= bindparam("before"))
_OF_NAME = board_failures.delete().where(board_failures.c.name == bindparam("of_name"))


def since(connection: Connection, moment: datetime) -> list[tuple[datetime, str]]:
    """List the failures after a moment, oldest first: when, and the digest of the name."""
    return [(from_ms(row.at), row.name) for row in connection.execute(_SINCE, {"since": to_ms(moment)})]


def add(connection: Connection, name: str, now: datetime) -> None:
    """Keep a failure for the name of this digest."""
    connection.execute(_ADD, {"name": name, "at": to_ms(now)})


def forget_before(connection: Connection, moment: datetime) -> None:
    """Forget the failures at this moment and before it."""
    connection.execute(_BEFORE, {"before": to_ms(moment)})


def forget(connection: Connection, name: str) -> None:
    """Forget the failures for the name of this digest."""
    connection.execute(_OF_NAME, {"of_name": name})
