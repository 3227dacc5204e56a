"""Who may open the board, and who has logged in to it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, select

from mappings.names import as_seen
from sync.clock import from_ms, to_ms
from sync.storage.tables import board_sessions, board_users
from sync.storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class BoardUser:
    """Somebody who may open the board. `password` is hashed; None: a proxy says who it is, no password is asked for."""

    name: str
    password: str | None
    may_write: bool
    made_at: datetime


_ALL = select(board_users).order_by(board_users.c.id)
_ONE = select(board_users).where(board_users.c.id == bindparam("wanted"))
_PUT = upsert(board_users)
_REMOVE = board_users.delete().where(board_users.c.id == bindparam("gone"))


def find(connection: Connection) -> list[BoardUser]:
    """List everybody who may open it, by name."""
    return [_user(row) for row in connection.execute(_ALL)]


def get(connection: Connection, name: str) -> BoardUser | None:
    """Read the user of this name, however it is spelled; None: there is none."""
    row = connection.execute(_ONE, {"wanted": as_seen(name)}).one_or_none()
    return None if row is None else _user(row)


def put(connection: Connection, user: BoardUser) -> None:
    """Keep this user, in the place of one who is called the same; whoever is logged in as that one is so no more."""
    close_all(connection, user.name)
    row = {
        "id": as_seen(user.name),
        "name": user.name,
        "password": user.password,
        "may_write": int(user.may_write),
        "made_at": to_ms(user.made_at),
    }
    connection.execute(_PUT, row)


def remove(connection: Connection, name: str) -> bool:
    """Forget the user of this name, and whoever is logged in as that; False: there is none."""
    close_all(connection, name)
    return connection.execute(_REMOVE, {"gone": as_seen(name)}).rowcount > 0


# -- who is logged in


_OF = (
    select(board_users)
    .join(board_sessions, board_sessions.c.user == board_users.c.id)
    .where(board_sessions.c.digest == bindparam("wanted"), board_sessions.c.expires_at > bindparam("now"))
)
_NEW = board_sessions.insert()
_OLD = board_sessions.delete().where(board_sessions.c.expires_at <= bindparam("now"))
_CLOSE = board_sessions.delete().where(board_sessions.c.digest == bindparam("gone"))
_CLOSE_ALL = board_sessions.delete().where(board_sessions.c.user == bindparam("gone"))


def open_session(connection: Connection, digest: str, name: str, now: datetime, expires_at: datetime) -> None:
    """Remember that this user has logged in, by the digest of the cookie. Sessions that have expired are forgotten."""
    connection.execute(_OLD, {"now": to_ms(now)})
    connection.execute(_NEW, {"digest": digest, "user": as_seen(name), "expires_at": to_ms(expires_at)})


def of_session(connection: Connection, digest: str, now: datetime) -> BoardUser | None:
    """Read who has logged in with a cookie of this digest; None: nobody, or it has expired."""
    row = connection.execute(_OF, {"wanted": digest, "now": to_ms(now)}).one_or_none()
    return None if row is None else _user(row)


def close_session(connection: Connection, digest: str) -> None:
    """Forget that somebody has logged in with a cookie of this digest."""
    connection.execute(_CLOSE, {"gone": digest})


def close_all(connection: Connection, name: str) -> None:
    """Forget every log-in of this user."""
    connection.execute(_CLOSE_ALL, {"gone": as_seen(name)})


def _user(row: Row[tuple[object, ...]]) -> BoardUser:
    return BoardUser(row.name, row.password, bool(row.may_write), from_ms(row.made_at))
