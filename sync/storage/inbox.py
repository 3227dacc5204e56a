"""The inbox: every event of the deliveries once, and the records that they name enqueued.

A delivery is kept as it came before it is answered (`raw_deliveries`); to unpack it is one transaction of its own, and no
call to the CRM.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.model import Former
from sync.storage import identities, raw_deliveries, service_state, work_queue
from sync.storage.database import in_parts, to_json
from sync.storage.lists import is_among
from sync.storage.raw_deliveries import Delivery
from sync.storage.tables import events

_KINDS = {
    "0-5": Kind.TICKET,
    "ticket": Kind.TICKET,
    "tickets": Kind.TICKET,
    "0-27": Kind.TASK,
    "task": Kind.TASK,
    "tasks": Kind.TASK,
}


@dataclass(frozen=True, slots=True)
class End:
    """One record that an event names: an object type as the event gave it (`ticket`, `0-5`, `2-…`), and an id."""

    object_type: str
    id: str


@dataclass(frozen=True, slots=True)
class Merge:
    """What an event tells of a merge. `into`: the record that is left, the primary itself or a new one."""

    primary: End
    others: tuple[End, ...]
    into: End


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a delivery, as far as the service reads it; `raw` is all of it."""

    identity: str
    subscription: str  # `ticket.propertyChange`, `object.associationChange`, …
    ends: tuple[End, ...]  # none: a kind that is not known, stored and acknowledged
    occurred_at: int | None  # ms; None where the event gave none
    change_source: str
    source_id: str
    merge: Merge | None  # who was merged into whom; None: it tells of no merge
    moves: bool  # may change which portfolio a ticket belongs to: association, merge, restore, creation
    test: bool  # HubSpot's test button
    raw: dict[str, object]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What some deliveries held: how many of them there were, their events, and how many of those were new."""

    deliveries: int = 0
    events: int = 0
    new: int = 0

    def __add__(self, other: "Unpacked") -> "Unpacked":
        return Unpacked(self.deliveries + other.deliveries, self.events + other.events, self.new + other.new)


_NEW_EVENT = events.insert()


def unpack(
    connection: Connection, parsed: Mapping[Delivery, Sequence[Event]], now: datetime, app_id: str | None
) -> Unpacked:
    """Store what is new in these deliveries, enqueue its records, and note that they are unpacked.

    One that somebody else has unpacked meanwhile is left alone. A change that the service made itself (`app_id`) is stored
    and enqueues nothing: the pass that made it has seen it. Of a delivery without a new event nothing is kept.
    """
    waits = raw_deliveries.still_waiting(connection, parsed)
    mine = {one: found for one, found in parsed.items() if one.id in waits}
    if not mine:
        return Unpacked()
    first: dict[str, tuple[Event, Delivery]] = {}
    for delivery, found in mine.items():
        for event in found:
            first.setdefault(event.identity, (event, delivery))
    known = _known(connection, list(first))
    fresh = {identity: each for identity, each in first.items() if identity not in known}
    done = Unpacked(len(mine), sum(len(found) for found in mine.values()), len(fresh))
    _note(connection, max(one.received_at for one in mine), done)
    if fresh:
        connection.execute(_NEW_EVENT, [_row(event, delivery, app_id) for event, delivery in fresh.values()])
        _enqueue(connection, [event for event, _ in fresh.values()], now, app_id)
    raw_deliveries.mark_unpacked(connection, waits, with_news={delivery.id for _, delivery in fresh.values()})
    return done


def _note(connection: Connection, received_at: datetime, done: Unpacked) -> None:
    """Remember when the last one came, and how many events have come again."""
    last = service_state.get(connection, service_state.LAST_WEBHOOK)
    service_state.put(connection, service_state.LAST_WEBHOOK, max(last or received_at, received_at))
    if done.new < done.events:
        before = service_state.get(connection, service_state.DUPLICATE_EVENTS) or 0
        service_state.put(connection, service_state.DUPLICATE_EVENTS, before + done.events - done.new)


def _enqueue(connection: Connection, fresh: Sequence[Event], now: datetime, app_id: str | None) -> None:
    portfolio_type = service_state.get(connection, service_state.PORTFOLIO_TYPE_ID)
    identities.tell(connection, (one for event in fresh for one in _merged(event, portfolio_type)))
    news = [event for event in fresh if not event.test and not _is_own(event, app_id)]
    for moved in (False, True):
        records = {record for event in news if event.moves is moved for record in records_of(event, portfolio_type)}
        work_queue.enqueue_related(connection, records, now, "webhook", moved=moved)


def last_webhook(connection: Connection) -> datetime | None:
    """Read when the last genuine webhook with an event came, unpacked or not; None: none ever did."""
    moments = (
        service_state.get(connection, service_state.LAST_WEBHOOK),
        raw_deliveries.newest(connection),
    )
    return max((at for at in moments if at is not None), default=None)


def records_of(event: Event, portfolio_type: str | None) -> set[RecordRef]:
    """Find the records that an event names and the service knows.

    While the portfolio's type id is not known yet, every custom object counts as one: a pass over a stranger finds
    nothing and costs nothing more.
    """
    found = (record_of(end, portfolio_type) for end in event.ends)
    return {record for record in found if record is not None}


def record_of(end: End, portfolio_type: str | None) -> RecordRef | None:
    """The record that an event names; None: of a type that the service does not know."""
    kind = _KINDS.get(end.object_type.lower())
    if kind is None and end.object_type.startswith("2-") and portfolio_type in {None, end.object_type}:
        kind = Kind.PORTFOLIO
    return None if kind is None else RecordRef(kind, end.id)


def _merged(event: Event, portfolio_type: str | None) -> Iterator[Former]:
    """The records that a merge has left behind, each with the one that answers for it now."""
    merge = event.merge
    into = None if merge is None else record_of(merge.into, portfolio_type)
    if merge is None or into is None:
        return
    at = None if event.occurred_at is None else from_ms(event.occurred_at)
    for end in (merge.primary, *merge.others):
        yield Former(RecordRef(into.kind, end.id), into, end == merge.primary, at)


_KNOWN = select(events.c.identity).where(is_among(events.c.identity, "identities"))


def _known(connection: Connection, identities: Sequence[str]) -> set[str]:
    """Which of these are stored already. Nobody else can store one before this transaction ends."""
    found: set[str] = set()
    for part in in_parts(identities):
        found.update(connection.scalars(_KNOWN, {"identities": part}))
    return found


# -- what was received


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it was received; `raw` is its JSON text."""

    received_at: datetime
    raw: str


def find(
    connection: Connection,
    *,
    event: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[StoredEvent]:
    """List the events received at or after `since` and before `until`, the oldest first.

    `event`: only that one, by the CRM's `eventId` or by the identity under which it is stored.
    """
    statement = select(events).order_by(events.c.received_at, events.c.delivery, events.c.identity)
    if since is not None:
        statement = statement.where(events.c.received_at >= to_ms(since))
    if until is not None:
        statement = statement.where(events.c.received_at < to_ms(until))
    if event is not None:
        like = events.c.raw.contains(f'"eventId":{event},', autoescape=True)
        statement = statement.where(or_(events.c.identity == event, like))
    for row in connection.execute(statement):
        if event in {None, row.identity} or str(json.loads(row.raw).get("eventId")) == event:
            yield StoredEvent(from_ms(row.received_at), row.raw)


def newest_of(connection: Connection, ids: Iterable[str], at_most: int) -> list[StoredEvent]:
    """List the newest events that named a record with one of these ids first, newest first."""
    rows = connection.execute(
        select(events.c.received_at, events.c.raw)
        .where(events.c.object_id.in_(sorted(ids)))
        .order_by(events.c.received_at.desc(), events.c.occurred_at.desc().nulls_last(), events.c.identity)
        .limit(at_most)
    )
    return [StoredEvent(from_ms(row.received_at), row.raw) for row in rows]


def count_before(connection: Connection, moment: datetime) -> int:
    """Count the events received before `moment`."""
    statement = select(func.count()).select_from(events).where(events.c.received_at < to_ms(moment))
    return connection.scalar(statement) or 0


def remove_events(connection: Connection, of: Sequence[int]) -> int:
    """Remove the events of these deliveries (their ids); return how many there were."""
    return connection.execute(events.delete().where(events.c.delivery.in_(of))).rowcount


def _row(event: Event, delivery: Delivery, app_id: str | None) -> dict[str, object]:
    first = event.ends[0] if event.ends else End("", "")
    return {
        "identity": event.identity,
        "delivery": delivery.id,
        "received_at": to_ms(delivery.received_at),
        "occurred_at": event.occurred_at,
        "subscription": event.subscription,
        "object_type": first.object_type,
        "object_id": first.id,
        "own": int(_is_own(event, app_id)),
        "raw": to_json(event.raw),
    }


def _is_own(event: Event, app_id: str | None) -> bool:
    return app_id is not None and event.change_source == "INTEGRATION" and event.source_id == app_id
