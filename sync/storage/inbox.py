"""Deliveries as they came, once, and the records that they tell to look at: one transaction, no call to the CRM."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.storage import service_state, work_queue
from sync.storage.database import Store, in_parts, to_json
from sync.storage.tables import deliveries, events

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
class Event:
    """One event of a delivery, as far as the service reads it; `raw` is all of it."""

    identity: str
    subscription: str  # `ticket.propertyChange`, `object.associationChange`, …
    ends: tuple[End, ...]  # none: a kind that is not known, stored and acknowledged
    occurred_at: int | None  # ms; None where the event gave none
    change_source: str
    source_id: str
    moves: bool  # may change which portfolio a ticket belongs to: association, merge, restore, creation
    test: bool  # HubSpot's test button
    raw: dict[str, object]


_NEW_DELIVERY = deliveries.insert()
_NEW_EVENT = events.insert()


def receive(store: Store, body: bytes, received: Sequence[Event], now: datetime, app_id: str | None) -> int:
    """Store what is new in a delivery and mark its records, all or nothing; the number of new events.

    A change that the service made itself (`app_id`) is stored and marks nothing: the pass that made it has seen it.
    A delivery without events, as `handoffs check` sends one, leaves no trace.
    Raises `StoreError` if it could not be stored: nothing was.
    """
    if not received:
        return 0
    unique = {event.identity: event for event in received}
    rows = {identity: _row(event, now, app_id) for identity, event in unique.items()}  # before others must wait
    with store.write() as connection:
        service_state.put(connection, service_state.LAST_WEBHOOK, now)
        known = _known(connection, list(rows))
        fresh = [event for identity, event in unique.items() if identity not in known]
        if not fresh:
            return 0
        portfolio_type = service_state.get(connection, service_state.PORTFOLIO_TYPE_ID)
        key = connection.execute(_NEW_DELIVERY, {"received_at": to_ms(now), "body": body}).inserted_primary_key
        assert key is not None
        connection.execute(_NEW_EVENT, [rows[event.identity] | {"delivery": int(key[0])} for event in fresh])
        look = [event for event in fresh if not event.test and not _is_own(event, app_id)]
        for moved in (False, True):
            records = {record for event in look if event.moves is moved for record in records_of(event, portfolio_type)}
            work_queue.enqueue_related(connection, records, now, "webhook", moved=moved)
        return len(fresh)


def records_of(event: Event, portfolio_type: str | None) -> set[RecordRef]:
    """The records that an event names and the service knows.

    While the portfolio's type id is not known yet, every custom object counts as one: a look at a stranger finds
    nothing and costs nothing more.
    """
    found = set()
    for end in event.ends:
        kind = _KINDS.get(end.object_type.lower())
        if kind is None and end.object_type.startswith("2-") and portfolio_type in {None, end.object_type}:
            kind = Kind.PORTFOLIO
        if kind is not None:
            found.add(RecordRef(kind, end.id))
    return found


_KNOWN = select(events.c.identity).where(events.c.identity.in_(bindparam("identities", expanding=True)))


def _known(connection: Connection, identities: Sequence[str]) -> set[str]:
    """Which of these are stored already. Nobody else can store one before this transaction ends."""
    found: set[str] = set()
    for part in in_parts(identities):
        found.update(connection.scalars(_KNOWN, {"identities": part}))
    return found


def _row(event: Event, now: datetime, app_id: str | None) -> dict[str, object]:
    first = event.ends[0] if event.ends else End("", "")
    return {
        "identity": event.identity,
        "received_at": to_ms(now),
        "occurred_at": event.occurred_at,
        "subscription": event.subscription,
        "object_type": first.object_type,
        "object_id": first.id,
        "own": int(_is_own(event, app_id)),
        "raw": to_json(event.raw),
    }


def _is_own(event: Event, app_id: str | None) -> bool:
    return app_id is not None and event.change_source == "INTEGRATION" and event.source_id == app_id
