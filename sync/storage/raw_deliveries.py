"""Webhook deliveries as they came: kept before they are answered, unpacked after that, removed once they are old.

A delivery is `pending` until its events are in `event` (`inbox.unpack`). One that cannot be unpacked is put aside with the
error, and stays until an admin has it tried again or drops it: the CRM was told that it is safe.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.sql.compiler import SQLCompiler

from sync.clock import from_ms, to_ms
from sync.errors import last_line
from sync.storage import wakeups
from sync.storage.tables import deliveries

TO_BE_UNPACKED, PUT_ASIDE = 1, 2
"""Values of `pending`."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery that is to be unpacked."""

    id: int
    received_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class PutAside:
    """One that could not be unpacked; `error` is a traceback, its last line the reason."""

    id: int
    received_at: datetime
    size: int  # bytes
    error: str

    @property
    def reason(self) -> str:
        """The last line of the error."""
        return last_line(self.error)


@dataclass(frozen=True, slots=True)
class Pending:
    """How many there are that are not unpacked, each counted once."""

    waiting: int
    oldest: datetime | None  # when the first of those was received; None: none waits
    put_aside: int


_NEW = deliveries.insert().values({name: bindparam(name) for name in ("received_at", "body", "pending")}).inline()
_IN_WORDS_OF: dict[str, SQLCompiler] = {}
_WAITS = deliveries.c.pending == TO_BE_UNPACKED
_SIZES = (
    select(deliveries.c.id, func.length(deliveries.c.body).label("size"))
    .where(_WAITS)
    .order_by(deliveries.c.id)
    .limit(bindparam("at_most"))
)
_DELIVERIES = select(deliveries.c.id, deliveries.c.received_at, deliveries.c.body).where(_WAITS)
_BETWEEN = _DELIVERIES.where(deliveries.c.id >= bindparam("first"), deliveries.c.id <= bindparam("last")).order_by(
    deliveries.c.id
)
_OLDEST = select(func.min(deliveries.c.received_at)).where(_WAITS)
_NEWEST = select(func.max(deliveries.c.received_at)).where(_WAITS)
_PENDING = (
    select(deliveries.c.pending, func.count().label("count"), func.min(deliveries.c.received_at).label("oldest"))
    .where(deliveries.c.pending.is_not(None))
    .group_by(deliveries.c.pending)
)
_PUT_ASIDE = (
    select(deliveries.c.id, deliveries.c.received_at, func.length(deliveries.c.body).label("size"), deliveries.c.error)
    .where(deliveries.c.pending == PUT_ASIDE)
    .order_by(deliveries.c.id)
)
_OF_ID = deliveries.c.id == bindparam("of_id")
_UNPACKED = update(deliveries).where(_OF_ID).values(pending=None, error=None)
_REMOVE = deliveries.delete().where(_OF_ID)
_SET_ASIDE = update(deliveries).where(_OF_ID, _WAITS).values(pending=PUT_ASIDE, error=bindparam("why"))
_AGAIN = update(deliveries).where(_OF_ID, deliveries.c.pending == PUT_ASIDE).values(pending=TO_BE_UNPACKED)
_ALL_AGAIN = update(deliveries).where(deliveries.c.pending == PUT_ASIDE).values(pending=TO_BE_UNPACKED)
_DROP = deliveries.delete().where(_OF_ID, deliveries.c.pending == PUT_ASIDE)


def append(connection: Connection, arrived: Sequence[tuple[bytes, datetime]]) -> None:
    """Keep these bodies, each with the moment at which it was received, to be unpacked; wake whoever does that."""
    rows = [{"received_at": to_ms(at), "body": body, "pending": TO_BE_UNPACKED} for body, at in arrived]
    # In the driver's own words: to have SQLAlchemy execute it takes longer than to insert a row.
    words = _appending(connection)
    if words.positiontup is None:
        connection.exec_driver_sql(words.string, rows)
    else:
        connection.exec_driver_sql(words.string, [tuple(row[name] for name in words.positiontup) for row in rows])
    wakeups.tell(connection)


def _appending(connection: Connection) -> SQLCompiler:
    """Compile the statement once for each driver."""
    driver = connection.dialect.driver
    if driver not in _IN_WORDS_OF:
        _IN_WORDS_OF[driver] = _NEW.compile(dialect=connection.dialect)
    return _IN_WORDS_OF[driver]


# -- to be unpacked


def oldest(connection: Connection) -> datetime | None:
    """When the oldest that is to be unpacked was received; None: there is none."""
    found = connection.scalar(_OLDEST)
    return None if found is None else from_ms(found)


def newest(connection: Connection) -> datetime | None:
    """When the newest that is to be unpacked was received; None: there is none."""
    found = connection.scalar(_NEWEST)
    return None if found is None else from_ms(found)


def waiting(connection: Connection, at_most: int, most_bytes: int) -> list[Delivery]:
    """List the next ones to unpack, the first that came first: at most so many, and so many bytes, but at least one."""
    ids: list[int] = []
    size = 0
    for row in connection.execute(_SIZES, {"at_most": at_most}):
        size += row.size
        if ids and size > most_bytes:
            break
        ids.append(row.id)
    if not ids:
        return []
    return [_delivery(*row) for row in connection.execute(_BETWEEN, {"first": ids[0], "last": ids[-1]})]


def all_waiting(connection: Connection) -> Iterator[Delivery]:
    """Read all that is to be unpacked, the first that came first."""
    return (_delivery(*row) for row in connection.execute(_DELIVERIES.order_by(deliveries.c.id)))


def still_waiting(connection: Connection, taken: Iterable[Delivery]) -> set[int]:
    """Which of these (their ids) nobody has unpacked, or put aside, meanwhile. Nobody else can before this transaction ends.

    An id alone does not tell: SQLite gives that of a removed row to the next one.
    """
    known = {one.id: one for one in taken}
    rows = connection.execute(_DELIVERIES.where(deliveries.c.id.in_(known)))
    return {one.id for one in (_delivery(*row) for row in rows) if one == known[one.id]}


def mark_unpacked(connection: Connection, ids: Collection[int], *, with_news: Collection[int]) -> None:
    """Note that these are unpacked. Of one in which nothing was new nothing is kept."""
    if kept := [{"of_id": one} for one in ids if one in with_news]:
        connection.execute(_UNPACKED, kept)
    if removed := [{"of_id": one} for one in ids if one not in with_news]:
        connection.execute(_REMOVE, removed)


def _delivery(id_: int, received_at: int, body: bytes) -> Delivery:
    return Delivery(id_, from_ms(received_at), bytes(body))


# -- what cannot be unpacked


def put_aside(connection: Connection, delivery: Delivery, error: str) -> bool:
    """Let nobody try to unpack it again by itself; whether it still waited. `error` is a traceback that says why."""
    mine = delivery.id in still_waiting(connection, [delivery])
    if mine:
        connection.execute(_SET_ASIDE, {"of_id": delivery.id, "why": error})
    return mine


def find_put_aside(connection: Connection) -> list[PutAside]:
    """List what could not be unpacked, the first that came first."""
    return [
        PutAside(row.id, from_ms(row.received_at), row.size, row.error or "") for row in connection.execute(_PUT_ASIDE)
    ]


def body_of(connection: Connection, delivery: int) -> bytes:
    """Read one as it came; empty where there is none of that id."""
    found = connection.scalar(select(deliveries.c.body).where(deliveries.c.id == delivery))
    return b"" if found is None else bytes(found)


def try_again(connection: Connection, ids: Collection[int] | None = None) -> None:
    """Have these, which were put aside, unpacked again; None: all of them."""
    if ids is None:
        connection.execute(_ALL_AGAIN)
    elif ids:
        connection.execute(_AGAIN, [{"of_id": one} for one in sorted(ids)])
    wakeups.tell(connection)


def drop(connection: Connection, ids: Collection[int]) -> None:
    """Remove these, which were put aside, for good."""
    if ids:
        connection.execute(_DROP, [{"of_id": one} for one in sorted(ids)])


def pending(connection: Connection) -> Pending:
    """Count what is not unpacked."""
    found = {row.pending: row for row in connection.execute(_PENDING)}
    waits, aside = found.get(TO_BE_UNPACKED), found.get(PUT_ASIDE)
    return Pending(
        0 if waits is None else waits[1],
        None if waits is None else from_ms(waits.oldest),
        0 if aside is None else aside[1],
    )


# -- what is old


def unpacked_before(connection: Connection, moment: datetime) -> list[int]:
    """Find the deliveries received before `moment` that are unpacked, the oldest first."""
    old = select(deliveries.c.id).where(deliveries.c.received_at < to_ms(moment), deliveries.c.pending.is_(None))
    return list(connection.scalars(old.order_by(deliveries.c.received_at, deliveries.c.id)))


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Remove these deliveries; their events went before."""
    connection.execute(deliveries.delete().where(deliveries.c.id.in_(ids)))
