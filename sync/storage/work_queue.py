"""Which records are to be looked at: one row a record, however often it is marked.

The row is the only way to work: webhook, poll, sweep, replay and backfill all end in `mark` or `touch`. A pass takes rows,
looks, and `settle`s them; a row that was marked again meanwhile stays. Only portfolios, and tickets whose portfolio is
not known yet, have rows: a task is resolved to its portfolio through the ledger.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from mappings.vocabulary import TaskKind
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.storage.database import in_parts
from sync.storage.tables import dirty, effects, memberships, occurrences

# SQLite has one writer anyway, and one lane makes the fullest batches: a group of 50 portfolios costs the calls of one.
LANES = 1

BACKOFF = (
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
)
"""How long a record that fails waits for its next look; after the last of them it is parked."""

MENDED_BY_TIME = frozenset({"sweep", "replay", "release", "apply", "backfill"})
"""Origins of a look that also try again what the CRM has refused: a person may have mended the cause."""

_MENDING = sorted(MENDED_BY_TIME)  # one by one: a list cannot stand in a statement of many rows

WAITED = "waited"
"""The origin of a look that the one before has put off to a later moment."""


class Priority(IntEnum):
    """Interactive work goes first; bulk work takes what is left."""

    INTERACTIVE = 0
    BULK = 1


@dataclass(frozen=True, slots=True)
class Look:
    """A dirty row as a pass took it."""

    record: RecordRef
    generation: int
    origin: str
    attempts: int
    marked_at: datetime


def lane_of(record: RecordRef, lanes: int = LANES) -> int:
    """The lane of a record: stable over processes and versions."""
    return zlib.crc32(record.id.encode()) % lanes


_NEW = insert(dirty)
_MARK = _NEW.on_conflict_do_update(
    index_elements=[dirty.c.kind, dirty.c.id],
    set_={
        "generation": dirty.c.generation + 1,
        "priority": func.min(dirty.c.priority, _NEW.excluded.priority),
        # What waits for a later moment keeps its age of now; what is due keeps the older one.
        "marked_at": case(
            (dirty.c.look_at > _NEW.excluded.marked_at, _NEW.excluded.marked_at), else_=dirty.c.marked_at
        ),
        # A look that also mends stays one until it is done.
        "origin": case((or_(*(dirty.c.origin == one for one in _MENDING)), dirty.c.origin), else_=_NEW.excluded.origin),
        "look_at": func.min(dirty.c.look_at, _NEW.excluded.look_at),
        "parked_at": None,
    },
)


def mark(
    connection: Connection,
    records: Iterable[RecordRef],
    now: datetime,
    origin: str,
    *,
    priority: Priority = Priority.INTERACTIVE,
    look_at: datetime | None = None,
) -> None:
    """Say "look at these", not before `look_at` (default: now). A parked record gets one more try."""
    ms = to_ms(now)
    rows = [
        {
            "kind": record.kind.value,
            "id": record.id,
            "lane": lane_of(record),
            "generation": 1,
            "priority": int(priority),
            "marked_at": ms,
            "origin": origin,
            "look_at": ms if look_at is None else to_ms(look_at),
            "attempts": 0,
        }
        for record in sorted(set(records))  # in key order: two writers never wait for each other in a ring
    ]
    if rows:
        connection.execute(_MARK, rows)


def touch(
    connection: Connection,
    records: Iterable[RecordRef],
    now: datetime,
    origin: str,
    *,
    priority: Priority = Priority.INTERACTIVE,
    moved: bool = False,
) -> None:
    """Mark the portfolios that these records belong to, as far as the database knows them.

    A ticket of unknown portfolio is marked itself, and so is one that may have `moved`: its old portfolio and its new
    one are both looked at. Of tasks only those of handoff 7 count, ours or adopted: no other's completion moves anything.
    """
    mark(connection, homes(connection, records, moved=moved), now, origin, priority=priority)


def homes(connection: Connection, records: Iterable[RecordRef], *, moved: bool = False) -> set[RecordRef]:
    """What is to be looked at for these records: see `touch`."""
    found = set(records)
    portfolios = {record for record in found if record.kind is Kind.PORTFOLIO}
    tickets = {record.id for record in found if record.kind is Kind.TICKET}
    known = _homes(connection, tickets)
    lost = {RecordRef(Kind.TICKET, ticket) for ticket in tickets if moved or ticket not in known}
    portfolios |= {RecordRef(Kind.PORTFOLIO, home) for home in known.values()}
    tasks = [record.id for record in found if record.kind is Kind.TASK]
    return portfolios | lost | _owners_of_tasks(connection, tasks)


_HOMES = select(memberships).where(memberships.c.ticket.in_(bindparam("tickets", expanding=True)))


def _homes(connection: Connection, tickets: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in in_parts(sorted(tickets)):
        rows = connection.execute(_HOMES, {"tickets": part})
        found.update({row.ticket: row.portfolio for row in rows})
    return found


def _owners_of_tasks(connection: Connection, tasks: Sequence[str]) -> set[RecordRef]:
    found: set[RecordRef] = set()
    for part in in_parts(tasks):
        rows = connection.execute(
            select(occurrences.c.portfolio, occurrences.c.record_kind, occurrences.c.record)
            .join(effects, effects.c.occurrence == occurrences.c.key)
            .where(effects.c.crm_id.in_(part), effects.c.key.endswith(f"/task:{TaskKind.IMPLEMENT}"))
        )
        for row in rows:
            if row.portfolio is not None:
                found.add(RecordRef(Kind.PORTFOLIO, row.portfolio))
            else:
                found.add(RecordRef(Kind(row.record_kind), row.record))
    return found


_ORDER = (dirty.c.priority, dirty.c.marked_at, dirty.c.kind, dirty.c.id)


_DUE = (
    select(dirty)
    .where(
        dirty.c.lane == bindparam("lane_taken"),
        dirty.c.parked_at.is_(None),
        dirty.c.held_effects.is_(None),
        dirty.c.look_at <= bindparam("now"),
    )
    .order_by(*_ORDER)
    .limit(bindparam("at_most"))
)


def take(connection: Connection, lane: int, now: datetime, limit: int) -> list[Look]:
    """The next rows of a lane that are due, interactive ones first, then the oldest. Takes no lock: the lane has one."""
    rows = connection.execute(_DUE, {"lane_taken": lane, "now": to_ms(now), "at_most": limit})
    return [_look(row) for row in rows]


def looks_at(connection: Connection, records: Iterable[RecordRef]) -> list[Look]:
    """The rows of just these records, whenever they are due; those that are held or parked are left out."""
    wanted: dict[Kind, list[str]] = {}
    for record in sorted(set(records)):
        wanted.setdefault(record.kind, []).append(record.id)
    return [
        _look(row)
        for kind, ids in wanted.items()
        for part in in_parts(ids)
        for row in connection.execute(
            select(dirty)
            .where(dirty.c.kind == kind.value, dirty.c.id.in_(part))
            .where(dirty.c.parked_at.is_(None), dirty.c.held_effects.is_(None))
            .order_by(*_ORDER)
        )
    ]


def marked_by(connection: Connection, origin: str, now: datetime) -> list[RecordRef]:
    """What is due because this origin asked for it."""
    rows = connection.execute(
        select(dirty)
        .where(dirty.c.origin == origin, dirty.c.look_at <= to_ms(now))
        .where(dirty.c.parked_at.is_(None), dirty.c.held_effects.is_(None))
        .order_by(*_ORDER)
    )
    return [RecordRef(Kind(row.kind), row.id) for row in rows]


def _look(row: Row[tuple[object, ...]]) -> Look:
    return Look(RecordRef(Kind(row.kind), row.id), row.generation, row.origin, row.attempts, from_ms(row.marked_at))


_OF_RECORD = (dirty.c.kind == bindparam("of_kind"), dirty.c.id == bindparam("of_id"))
_AS_TAKEN = (*_OF_RECORD, dirty.c.generation == bindparam("as_taken"))
_THROUGH = dirty.delete().where(*_AS_TAKEN)
_LATER = update(dirty).where(*_AS_TAKEN).values(look_at=bindparam("later"), marked_at=bindparam("later"), origin=WAITED)
_FAILS_NO_MORE = update(dirty).where(*_OF_RECORD).values(attempts=0, error=None, held_effects=None)


def settle_done(connection: Connection, looks: Mapping[Look, datetime | None]) -> None:
    """The pass is through with these; each is looked at again at its moment, or (None) when it is marked."""
    records = {look: {"of_kind": look.record.kind.value, "of_id": look.record.id} for look in looks}
    taken = {look: {**record, "as_taken": look.generation} for look, record in records.items()}
    if through := [taken[look] for look, again in looks.items() if again is None]:
        connection.execute(_THROUGH, through)
    if later := [{**taken[look], "later": to_ms(again)} for look, again in looks.items() if again is not None]:
        connection.execute(_LATER, later)
    if failed := [record for look, record in records.items() if look.attempts]:
        connection.execute(_FAILS_NO_MORE, failed)  # where it was marked again meanwhile too: it stays due


def settle_failed(connection: Connection, look: Look, now: datetime, error: str) -> bool:
    """The pass failed on this record: it backs off, and is parked at the end. True if it was parked now.

    One that was marked again meanwhile stays due: what it failed on may be mended by now.
    """
    connection.execute(
        update(dirty)
        .where(dirty.c.kind == look.record.kind.value, dirty.c.id == look.record.id)
        .values(attempts=look.attempts + 1, error=error)
    )
    if look.attempts < len(BACKOFF):
        again = to_ms(now + BACKOFF[look.attempts])
        connection.execute(update(dirty).where(*_same(look)).values(look_at=again))
        return False
    put_aside = update(dirty).where(*_same(look)).values(parked_at=to_ms(now))
    return connection.execute(put_aside).rowcount == 1


def settle_held(connection: Connection, looks: Iterable[Look], effects_held: dict[RecordRef, int]) -> None:
    """The breaker holds these: they stay dirty, and are not taken until they are released."""
    for look in looks:
        connection.execute(
            update(dirty)
            .where(dirty.c.kind == look.record.kind.value, dirty.c.id == look.record.id)
            .values(held_effects=effects_held.get(look.record, 0))
        )


def held(connection: Connection) -> list[tuple[RecordRef, int]]:
    """What the breaker holds, in the order in which it would be taken, with the number of effects of each."""
    rows = connection.execute(
        select(dirty).where(dirty.c.held_effects.is_not(None), dirty.c.parked_at.is_(None)).order_by(*_ORDER)
    )
    return [(RecordRef(Kind(row.kind), row.id), row.held_effects) for row in rows]


def let_go(connection: Connection, records: Iterable[RecordRef], now: datetime) -> None:
    """Make these, which the breaker held, due again."""
    for record in records:
        connection.execute(
            update(dirty)
            .where(dirty.c.kind == record.kind.value, dirty.c.id == record.id)
            .values(held_effects=None, look_at=to_ms(now), origin="release")
        )


def let_blocked_go(connection: Connection, now: datetime) -> None:
    """Make every record with a blocked effect due: a new mapping or setting may have mended the cause."""
    rows = connection.execute(
        select(occurrences.c.portfolio, occurrences.c.record_kind, occurrences.c.record)
        .join(effects, effects.c.occurrence == occurrences.c.key)
        .where(effects.c.state == "blocked", occurrences.c.state == "open")
        .distinct()
    ).all()
    records = {
        RecordRef(Kind(row.record_kind), row.record)
        if row.portfolio is None
        else RecordRef(Kind.PORTFOLIO, row.portfolio)
        for row in rows
    }
    mark(connection, records, now, "start", priority=Priority.BULK)


def _same(look: Look) -> tuple[ColumnElement[bool], ...]:
    return (
        dirty.c.kind == look.record.kind.value,
        dirty.c.id == look.record.id,
        dirty.c.generation == look.generation,
    )
