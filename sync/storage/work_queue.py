"""The work queue: the records that a pass is to look at, one row a record however often it is enqueued.

The row is the only way to work: webhook, poll, sweep, replay and backfill all end in `enqueue` or `enqueue_related`. A pass
leases rows, does its work, and acknowledges them (`ack`); a row that was enqueued again meanwhile stays. Only portfolios,
and tickets whose portfolio is not known yet, have rows: a task is resolved to its portfolio through the ledger.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, func, not_, or_, select, update

from sync.clock import from_ms, iso, to_ms
from sync.crm import Kind, RecordRef
from sync.errors import last_line
from sync.storage import memberships, raw_deliveries, service_state, wakeups
from sync.storage.database import in_parts
from sync.storage.ledger import queries
from sync.storage.lists import is_among
from sync.storage.tables import work_items
from sync.storage.upsert import least, upsert

BACKOFF = (
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
)
"""How long a record whose pass fails waits for its next one; after the last of these it is parked."""

MENDED_BY_TIME = frozenset({"sweep", "replay", "release", "apply", "backfill"})
"""Origins of work that also try again what the CRM has refused: a person may have mended the cause."""

_MENDING = sorted(MENDED_BY_TIME)  # one by one: a list cannot stand in a statement of many rows

WAITED = "waited"
"""The origin of work that the pass before has put off to a later moment."""


class Priority(IntEnum):
    """Interactive work goes first; bulk work takes what is left."""

    INTERACTIVE = 0
    BULK = 1


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A row as a pass leased it. `generation` counts how often the record was enqueued, so that `ack` tells of more."""

    record: RecordRef
    generation: int
    origin: str
    attempts: int  # failed passes in a row
    marked_at: datetime  # when it was enqueued, or the moment that it then waited for
    priority: Priority = Priority.INTERACTIVE


@dataclass(frozen=True, slots=True)
class QueuedRecord:
    """All that the queue holds of one record."""

    record: RecordRef
    origin: str  # webhook, poll, sweep, replay, …
    enqueued_at: datetime
    not_before: datetime
    attempts: int  # failed passes in a row
    parked_at: datetime | None  # None: not parked
    held_effects: int | None  # how many effects the breaker holds; None: it holds nothing
    error: str | None  # what the last pass failed with, a traceback; None: it did not fail

    @property
    def reason(self) -> str:
        """The last line of the error, in words where there is none."""
        return last_line(self.error)

    def as_json(self) -> dict[str, object]:
        return {
            "record": str(self.record),
            "attempts": self.attempts,
            "parked_at": iso(self.parked_at),
            "not_before": iso(self.not_before),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Backlog:
    """The rows of the queue, each counted once: parked, else held, else due, else waiting for its moment.

    A delivery that is not unpacked yet is due as well: nobody knows yet which records it names.
    """

    due: int
    oldest_seconds: float  # how long the oldest of what is due has been; 0 if nothing is
    parked: int
    held: int
    waiting: int
    deliveries: int  # how many of what is due are deliveries


def lane_of(record: RecordRef, lanes: int) -> int:
    """The lane of a record where there are so many: stable over processes and versions."""
    return zlib.crc32(record.id.encode()) % lanes


def lanes(connection: Connection) -> int:
    """How many lanes there are: one, as long as nobody has said otherwise."""
    return service_state.get(connection, service_state.LANES) or 1


_RECORDS = select(work_items.c.kind, work_items.c.id)
_MOVE = (
    update(work_items)
    .where(work_items.c.kind == bindparam("of_kind"), work_items.c.id == bindparam("of_id"))
    .values(lane=bindparam("new_lane"))
)


def spread(connection: Connection, lanes: int) -> None:
    """Let there be so many lanes, and have each record in its own. Only for who holds every lane there is."""
    service_state.put(connection, service_state.LANES, lanes)
    service_state.put(connection, service_state.RESERVED, {})  # nobody passes: what is left is of workers that died
    rows = [
        {"of_kind": record.kind.value, "of_id": record.id, "new_lane": lane_of(record, lanes)}
        for record in sorted(records(connection))
    ]
    if rows:
        connection.execute(_MOVE, rows)


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
    """Have a pass look at these records, not before `not_before` (default: now). A parked record gets one more try."""
    ms = to_ms(now)
    count = lanes(connection)
    rows = [
        {
            "kind": record.kind.value,
            "id": record.id,
            "lane": lane_of(record, count),
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
        wakeups.tell(connection)


def enqueue_related(
    connection: Connection,
    records: Iterable[RecordRef],
    now: datetime,
    origin: str,
    *,
    priority: Priority = Priority.INTERACTIVE,
    moved: bool = False,
) -> None:
    """Enqueue the portfolios that these records belong to, as far as the database knows them.

    A ticket of unknown portfolio is enqueued itself, and so is one that may have `moved`: a pass then looks at its old
    portfolio and at its new one. Of tasks only those of handoff 7 count, ours or adopted: no other's completion moves
    anything.
    """
    enqueue(connection, units(connection, records, moved=moved), now, origin, priority=priority)


def units(connection: Connection, records: Iterable[RecordRef], *, moved: bool = False) -> set[RecordRef]:
    """Resolve these records to those that a pass looks at for them: see `enqueue_related`."""
    found = set(records)
    portfolios = {record for record in found if record.kind is Kind.PORTFOLIO}
    tickets = {record.id for record in found if record.kind is Kind.TICKET}
    known = memberships.parents(connection, tickets)
    lost = {RecordRef(Kind.TICKET, ticket) for ticket in tickets if moved or ticket not in known}
    portfolios |= {RecordRef(Kind.PORTFOLIO, parent) for parent in known.values()}
    tasks = [record.id for record in found if record.kind is Kind.TASK]
    return portfolios | lost | queries.units_of_tasks(connection, tasks)


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
_DUE_OF_KIND = _DUE.where(work_items.c.kind == bindparam("kind_taken"))


def lease(connection: Connection, lane: int, now: datetime, limit: int, *, kind: Kind | None = None) -> list[WorkItem]:
    """List the next rows of a lane that are due, interactive ones first, then the oldest; at most `limit`.

    `kind`: only records of that kind; None: of any. Takes no lock and changes nothing: whoever calls this holds the lane.
    """
    values = {"lane_taken": lane, "now": to_ms(now), "at_most": limit}
    if kind is None:
        rows = connection.execute(_DUE, values)
    else:
        rows = connection.execute(_DUE_OF_KIND, values | {"kind_taken": kind.value})
    return [_work_item(row) for row in rows]


_IS_ANY_DUE = _DUE.with_only_columns(work_items.c.id).order_by(None).limit(1)


def is_due(connection: Connection, lane: int, now: datetime) -> bool:
    """Whether `lease` would list any row of this lane."""
    return connection.execute(_IS_ANY_DUE, {"lane_taken": lane, "now": to_ms(now)}).first() is not None


_DUE_LANES = (
    select(work_items.c.lane, func.min(work_items.c.priority).label("priority"))
    .where(
        work_items.c.parked_at.is_(None),
        work_items.c.held_effects.is_(None),
        work_items.c.look_at <= bindparam("now"),
    )
    .group_by(work_items.c.lane)
)


def due_lanes(connection: Connection, now: datetime) -> tuple[list[int], list[int]]:
    """List the lanes in which something is due: where any of it is interactive, and the others, each in their order.

    The first lane is always among them: it has more to do than this.
    """
    found = {row.lane: row.priority for row in connection.execute(_DUE_LANES, {"now": to_ms(now)})}
    urgent = {lane for lane, priority in found.items() if priority == Priority.INTERACTIVE}
    return sorted(urgent), sorted({0, *found} - urgent)


_NEXT_DUE = select(func.min(work_items.c.look_at)).where(
    work_items.c.parked_at.is_(None), work_items.c.held_effects.is_(None), work_items.c.look_at > bindparam("now")
)


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """Read when the next row becomes due that is not yet; None: no row waits for its moment."""
    found = connection.scalar(_NEXT_DUE, {"now": to_ms(now)})
    return None if found is None else from_ms(found)


def items_of(connection: Connection, records: Iterable[RecordRef]) -> list[WorkItem]:
    """List the rows of just these records, whenever they are due; those that are held or parked are left out."""
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
    """List the records that are due because this origin asked for them."""
    rows = connection.execute(
        select(work_items)
        .where(work_items.c.origin == origin, work_items.c.look_at <= to_ms(now))
        .where(work_items.c.parked_at.is_(None), work_items.c.held_effects.is_(None))
        .order_by(*_ORDER)
    )
    return [RecordRef(Kind(row.kind), row.id) for row in rows]


def _work_item(row: Row[tuple[object, ...]]) -> WorkItem:
    record = RecordRef(Kind(row.kind), row.id)
    return WorkItem(record, row.generation, row.origin, row.attempts, from_ms(row.marked_at), Priority(row.priority))


_OF_RECORD = (work_items.c.kind == bindparam("of_kind"), work_items.c.id == bindparam("of_id"))
_AS_TAKEN = (*_OF_RECORD, work_items.c.generation == bindparam("as_taken"))
_THROUGH = work_items.delete().where(*_AS_TAKEN)
_LATER = (
    update(work_items).where(*_AS_TAKEN).values(look_at=bindparam("later"), marked_at=bindparam("later"), origin=WAITED)
)
_FAILS_NO_MORE = update(work_items).where(*_OF_RECORD).values(attempts=0, error=None, held_effects=None)


def ack(connection: Connection, items: Mapping[WorkItem, datetime | None]) -> None:
    """Acknowledge these: their pass is done. Each is due again at its moment; None: once it is enqueued again.

    One that was enqueued meanwhile stays due as it is.
    """
    records = {item: {"of_kind": item.record.kind.value, "of_id": item.record.id} for item in items}
    taken = {item: {**record, "as_taken": item.generation} for item, record in records.items()}
    if through := [taken[item] for item, again in items.items() if again is None]:
        connection.execute(_THROUGH, through)
    if later := [{**taken[item], "later": to_ms(again)} for item, again in items.items() if again is not None]:
        connection.execute(_LATER, later)
    if failed := [record for item, record in records.items() if item.attempts]:
        connection.execute(_FAILS_NO_MORE, failed)  # where it was marked again meanwhile too: it stays due


_PUT_OFF = update(work_items).where(*_OF_RECORD).values(look_at=bindparam("later"))


def put_off(connection: Connection, records: Iterable[RecordRef], until: datetime) -> None:
    """Have a pass look at these later, as if this one had not taken them; also where they were enqueued meanwhile."""
    rows = [{"of_kind": one.kind.value, "of_id": one.id, "later": to_ms(until)} for one in sorted(records)]
    if rows:
        connection.execute(_PUT_OFF, rows)


def nack(connection: Connection, item: WorkItem, now: datetime, error: str) -> bool:
    """Record that the pass failed on this record: it backs off, and is parked at the end. True: it was parked now.

    One that was enqueued again meanwhile stays due: what it failed on may be mended by now.
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
    """Keep these in the queue, not to be leased until they are released; with the number of effects of each."""
    for item in items:
        connection.execute(
            update(work_items)
            .where(work_items.c.kind == item.record.kind.value, work_items.c.id == item.record.id)
            .values(held_effects=effects_held.get(item.record, 0))
        )


def held(connection: Connection) -> list[tuple[RecordRef, int]]:
    """List what the breaker holds, in the order in which it would be leased, with the number of effects of each."""
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
    wakeups.tell(connection)


def enqueue_blocked(connection: Connection, now: datetime) -> None:
    """Enqueue every record with a blocked effect: a new mapping or setting may have mended the cause."""
    enqueue(connection, queries.with_blocked_effects(connection), now, "start", priority=Priority.BULK)


# -- what it holds


_PARKED = work_items.c.parked_at.is_not(None)
_HELD = and_(not_(_PARKED), work_items.c.held_effects.is_not(None))
_FREE = and_(not_(_PARKED), not_(_HELD))
_IS_DUE = and_(_FREE, work_items.c.look_at <= bindparam("now"))
_DUE_SINCE = case((work_items.c.look_at > work_items.c.marked_at, work_items.c.look_at), else_=work_items.c.marked_at)
_BACKLOG = select(
    func.count(case((_IS_DUE, 1))).label("due"),
    func.min(case((_IS_DUE, _DUE_SINCE))).label("oldest"),
    func.count(case((_PARKED, 1))).label("parked"),
    func.count(case((_HELD, 1))).label("held"),
    func.count(case((and_(_FREE, not_(_IS_DUE)), 1))).label("waiting"),
)


def backlog(connection: Connection, now: datetime) -> Backlog:
    """Count what there is to do.

    A row's age counts from when it became due: one that backs off after a failure is not old, it waits.
    """
    row = connection.execute(_BACKLOG, {"now": to_ms(now)}).one()
    came = raw_deliveries.pending(connection)
    since = [
        to_ms(now) if came.oldest is None else to_ms(came.oldest),
        to_ms(now) if row.oldest is None else int(row.oldest),
    ]
    seconds = max(0, to_ms(now) - min(since)) / 1000
    return Backlog(int(row.due) + came.waiting, seconds, int(row.parked), int(row.held), int(row.waiting), came.waiting)


_OF_IDS = select(work_items).where(is_among(work_items.c.id, "ids"))
_FAILING = (
    select(work_items)
    .where(_PARKED | (work_items.c.attempts > 0))
    .order_by(
        work_items.c.parked_at.is_(None),
        work_items.c.parked_at,
        work_items.c.look_at,
        work_items.c.kind,
        work_items.c.id,
    )
)
_REMOVE_PARKED = work_items.delete().where(*_OF_RECORD, _PARKED)


def records(connection: Connection) -> set[RecordRef]:
    """List every record in the queue, whatever it waits for."""
    return {RecordRef(Kind(row.kind), row.id) for row in connection.execute(_RECORDS)}


def find(connection: Connection, wanted: Iterable[RecordRef]) -> dict[RecordRef, QueuedRecord]:
    """Read what the queue holds of these records; one that is not in it is left out."""
    asked = set(wanted)
    found: dict[RecordRef, QueuedRecord] = {}
    for part in in_parts(sorted({record.id for record in asked})):
        rows = map(_queued, connection.execute(_OF_IDS, {"ids": part}))
        found.update({queued.record: queued for queued in rows if queued.record in asked})
    return found


def failing(connection: Connection) -> list[QueuedRecord]:
    """List the records whose last pass failed: the parked ones first, the first parked first; then those tried again."""
    return [_queued(row) for row in connection.execute(_FAILING)]


def parked(connection: Connection) -> list[QueuedRecord]:
    """List the records that no pass looks at until they change, a sweep finds them, or an admin says so."""
    return [queued for queued in failing(connection) if queued.parked_at is not None]


def remove_parked(connection: Connection, records: Iterable[RecordRef]) -> None:
    """Remove these from the queue where they are parked."""
    rows = [{"of_kind": record.kind.value, "of_id": record.id} for record in records]
    if rows:
        connection.execute(_REMOVE_PARKED, rows)


def is_put_aside(kind: Kind, ids: ColumnElement[str]) -> ColumnElement[bool]:
    """Build the condition that the record of this kind, its id in the column `ids`, is parked or held by the breaker."""
    row = and_(work_items.c.kind == kind.value, work_items.c.id == ids)
    return select(work_items.c.id).where(row, or_(_PARKED, work_items.c.held_effects.is_not(None))).exists()


def _queued(row: Row[tuple[object, ...]]) -> QueuedRecord:
    return QueuedRecord(
        record=RecordRef(Kind(row.kind), row.id),
        origin=row.origin,
        enqueued_at=from_ms(row.marked_at),
        not_before=from_ms(row.look_at),
        attempts=row.attempts,
        parked_at=None if row.parked_at is None else from_ms(row.parked_at),
        held_effects=row.held_effects,
        error=row.error,
    )


def _same(item: WorkItem) -> tuple[ColumnElement[bool], ...]:
    return (
        work_items.c.kind == item.record.kind.value,
        work_items.c.id == item.record.id,
        work_items.c.generation == item.generation,
    )
