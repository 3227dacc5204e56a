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

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, or_, select, update

from mappings.vocabulary import TaskKind
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.model import unit_of
from sync.storage.database import in_parts
from sync.storage.tables import effects, memberships, occurrences, work_items
from sync.storage.upsert import least, upsert

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
class WorkItem:
    """A dirty row as a pass took it."""

    record: RecordRef
    generation: int
    origin: str
    attempts: int
    marked_at: datetime


def lane_of(record: RecordRef, lanes: int = LANES) -> int:
    """The lane of a record: stable over processes and versions."""
    return zlib.crc32(record.id.encode()) % lanes


_MARK = upsert(
    work_items,
    lambda new: {
        "generation": work_items.c.generation + 1,
        "priority": least(work_items.c.priority, new.priority),
        # What waits for a later moment keeps its age of now; what is due keeps the older one.
        "marked_at": case((work_items.c.look_at > new.marked_at, new.marked_at), else_=work_items.c.marked_at),
        # An origin that tries refused effects again stays until the record is done.
        "origin": case((or_(*(work_items.c.origin == one for one in _MENDING)), work_items.c.origin), else_=new.origin),
        "look_at": least(work_items.c.look_at, new.look_at),
        "parked_at": None,
    },
)


def enqueue(
    connection: Connection,
    records: Iterable[RecordRef],
    now: datetime,
    origin: str,
    *,
    priority: Priority = Priority.INTERACTIVE,
    not_before: datetime | None = None,
) -> None:
    """Say "look at these", not before `not_before` (default: now). A parked record gets one more try."""
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
            "look_at": ms if not_before is None else to_ms(not_before),
            "attempts": 0,
        }
        for record in sorted(set(records))  # in key order: two writers never wait for each other in a ring
    ]
    if rows:
        connection.execute(_MARK, rows)


def enqueue_related(
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
    enqueue(connection, parents(connection, records, moved=moved), now, origin, priority=priority)


def parents(connection: Connection, records: Iterable[RecordRef], *, moved: bool = False) -> set[RecordRef]:
    """What is to be looked at for these records: see `touch`."""
    found = set(records)
    portfolios = {record for record in found if record.kind is Kind.PORTFOLIO}
    tickets = {record.id for record in found if record.kind is Kind.TICKET}
    known = _parents(connection, tickets)
    lost = {RecordRef(Kind.TICKET, ticket) for ticket in tickets if moved or ticket not in known}
    portfolios |= {RecordRef(Kind.PORTFOLIO, parent) for parent in known.values()}
    tasks = [record.id for record in found if record.kind is Kind.TASK]
    return portfolios | lost | _owners_of_tasks(connection, tasks)


_PARENTS = select(memberships).where(memberships.c.ticket.in_(bindparam("tickets", expanding=True)))


def _parents(connection: Connection, tickets: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in in_parts(sorted(tickets)):
        rows = connection.execute(_PARENTS, {"tickets": part})
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
        found |= {unit_of(RecordRef(Kind(row.record_kind), row.record), row.portfolio) for row in rows}
    return found


_ORDER = (work_items.c.priority, work_items.c.marked_at, work_items.c.kind, work_items.c.id)


_DUE = (
    select(work_items)
    .where(
        work_items.c.lane == bindparam("lane_taken"),
        work_items.c.parked_at.is_(None),
        work_items.c.held_effects.is_(None),
        work_items.c.look_at <= bindparam("now"),
    )
    .order_by(*_ORDER)
    .limit(bindparam("at_most"))
)


def lease(connection: Connection, lane: int, now: datetime, limit: int) -> list[WorkItem]:
    """The next rows of a lane that are due, interactive ones first, then the oldest. Takes no lock: the lane has one."""
    rows = connection.execute(_DUE, {"lane_taken": lane, "now": to_ms(now), "at_most": limit})
    return [_work_item(row) for row in rows]


def items_of(connection: Connection, records: Iterable[RecordRef]) -> list[WorkItem]:
    """The rows of just these records, whenever they are due; those that are held or parked are left out."""
    wanted: dict[Kind, list[str]] = {}
    for record in sorted(set(records)):
        wanted.setdefault(record.kind, []).append(record.id)
    return [
        _work_item(row)
        for kind, ids in wanted.items()
        for part in in_parts(ids)
        for row in connection.execute(
            select(work_items)
            .where(work_items.c.kind == kind.value, work_items.c.id.in_(part))
            .where(work_items.c.parked_at.is_(None), work_items.c.held_effects.is_(None))
            .order_by(*_ORDER)
        )
    ]


def due_by_origin(connection: Connection, origin: str, now: datetime) -> list[RecordRef]:
    """What is due because this origin asked for it."""
    rows = connection.execute(
        select(work_items)
        .where(work_items.c.origin == origin, work_items.c.look_at <= to_ms(now))
        .where(work_items.c.parked_at.is_(None), work_items.c.held_effects.is_(None))
        .order_by(*_ORDER)
    )
    return [RecordRef(Kind(row.kind), row.id) for row in rows]


def _work_item(row: Row[tuple[object, ...]]) -> WorkItem:
    return WorkItem(RecordRef(Kind(row.kind), row.id), row.generation, row.origin, row.attempts, from_ms(row.marked_at))


_OF_RECORD = (work_items.c.kind == bindparam("of_kind"), work_items.c.id == bindparam("of_id"))
_AS_TAKEN = (*_OF_RECORD, work_items.c.generation == bindparam("as_taken"))
_THROUGH = work_items.delete().where(*_AS_TAKEN)
_LATER = (
    update(work_items).where(*_AS_TAKEN).values(look_at=bindparam("later"), marked_at=bindparam("later"), origin=WAITED)
)
_FAILS_NO_MORE = update(work_items).where(*_OF_RECORD).values(attempts=0, error=None, held_effects=None)


def ack(connection: Connection, items: Mapping[WorkItem, datetime | None]) -> None:
    """The pass is through with these; each is looked at again at its moment, or (None) when it is marked."""
    records = {item: {"of_kind": item.record.kind.value, "of_id": item.record.id} for item in items}
    taken = {item: {**record, "as_taken": item.generation} for item, record in records.items()}
    if through := [taken[item] for item, again in items.items() if again is None]:
        connection.execute(_THROUGH, through)
    if later := [{**taken[item], "later": to_ms(again)} for item, again in items.items() if again is not None]:
        connection.execute(_LATER, later)
    if failed := [record for item, record in records.items() if item.attempts]:
        connection.execute(_FAILS_NO_MORE, failed)  # where it was marked again meanwhile too: it stays due


def nack(connection: Connection, item: WorkItem, now: datetime, error: str) -> bool:
    """The pass failed on this record: it backs off, and is parked at the end. True if it was parked now.

    One that was marked again meanwhile stays due: what it failed on may be mended by now.
    """
    connection.execute(
        update(work_items)
        .where(work_items.c.kind == item.record.kind.value, work_items.c.id == item.record.id)
        .values(attempts=item.attempts + 1, error=error)
    )
    if item.attempts < len(BACKOFF):
        again = to_ms(now + BACKOFF[item.attempts])
        connection.execute(update(work_items).where(*_same(item)).values(look_at=again))
        return False
    put_aside = update(work_items).where(*_same(item)).values(parked_at=to_ms(now))
    return connection.execute(put_aside).rowcount == 1


def hold(connection: Connection, items: Iterable[WorkItem], effects_held: dict[RecordRef, int]) -> None:
    """The breaker holds these: they stay dirty, and are not taken until they are released."""
    for item in items:
        connection.execute(
            update(work_items)
            .where(work_items.c.kind == item.record.kind.value, work_items.c.id == item.record.id)
            .values(held_effects=effects_held.get(item.record, 0))
        )


def held(connection: Connection) -> list[tuple[RecordRef, int]]:
    """What the breaker holds, in the order in which it would be taken, with the number of effects of each."""
    rows = connection.execute(
        select(work_items)
        .where(work_items.c.held_effects.is_not(None), work_items.c.parked_at.is_(None))
        .order_by(*_ORDER)
    )
    return [(RecordRef(Kind(row.kind), row.id), row.held_effects) for row in rows]


def release_held(connection: Connection, records: Iterable[RecordRef], now: datetime) -> None:
    """Make these, which the breaker held, due again."""
    for record in records:
        connection.execute(
            update(work_items)
            .where(work_items.c.kind == record.kind.value, work_items.c.id == record.id)
            .values(held_effects=None, look_at=to_ms(now), origin="release")
        )


def enqueue_blocked(connection: Connection, now: datetime) -> None:
    """Make every record with a blocked effect due: a new mapping or setting may have mended the cause."""
    rows = connection.execute(
        select(occurrences.c.portfolio, occurrences.c.record_kind, occurrences.c.record)
        .join(effects, effects.c.occurrence == occurrences.c.key)
        .where(effects.c.state == "blocked", occurrences.c.state == "open")
        .distinct()
    ).all()
    records = {unit_of(RecordRef(Kind(row.record_kind), row.record), row.portfolio) for row in rows}
    enqueue(connection, records, now, "start", priority=Priority.BULK)


def _same(item: WorkItem) -> tuple[ColumnElement[bool], ...]:
    return (
        work_items.c.kind == item.record.kind.value,
        work_items.c.id == item.record.id,
        work_items.c.generation == item.generation,
    )
