"""Have records decided again: those that deliveries named, or that the ledger holds in some state. Only what is due is done."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mappings.vocabulary import Handoff
from sync.admin import bulk
from sync.crm import Kind, RecordRef
from sync.errors import HandoffsError
from sync.rules.model import EffectState
from sync.service.bootstrap import Service
from sync.service.lanes import never
from sync.storage import identities, inbox, raw_deliveries, runs, service_state, work_queue
from sync.storage.database import Connection, Store
from sync.storage.inbox import Event
from sync.storage.ledger import queries
from webhooks.events import parse

ORIGIN = "replay"


class NoSuchEventError(HandoffsError):
    """No event of that id was delivered."""


class Unfinished(StrEnum):
    """In what way the work on a record may be unfinished, so that somebody wants it decided again."""

    FAILED = "failed"
    BLOCKED = "blocked"
    PARKED = "parked"
    UNKNOWN = "unknown"


_STATES = {
    Unfinished.FAILED: (EffectState.FAILED,),
    Unfinished.BLOCKED: (EffectState.BLOCKED,),
    Unfinished.PARKED: (),
    Unfinished.UNKNOWN: (EffectState.UNKNOWN, EffectState.ATTEMPTING),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which records are meant; every filter that is given must hold. Ids are the CRM's."""

    event: str | None = None  # HubSpot's eventId, or the identity under which it is stored
    since: datetime | None = None  # received from then on
    until: datetime | None = None  # received before
    portfolios: frozenset[str] | None = None
    handoffs: frozenset[Handoff] = frozenset()
    owners: frozenset[str] = frozenset()
    unfinished: frozenset[Unfinished] = frozenset()

    @property
    def by_delivery(self) -> bool:
        return self.event is not None or self.since is not None or self.until is not None

    @property
    def by_ledger(self) -> bool:
        return bool(self.handoffs or self.owners or self.unfinished)

    @property
    def given(self) -> bool:
        return self.by_delivery or self.by_ledger or self.portfolios is not None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The records that were chosen, and how many events named them."""

    records: tuple[RecordRef, ...]
    events: int


def choose(store: Store, filters: Filters) -> Chosen:
    """Choose the records that these filters mean; none if no filter is given. Reads the database alone.

    Deliveries and the ledger may name records that were merged since: those are meant that answer for them now.
    """
    with store.read() as connection:
        found: set[RecordRef] | None = None
        count = 0
        if filters.by_delivery:
            named, count = _named(connection, filters)
            found = _now(connection, named)
        if filters.by_ledger:
            matching = _now(connection, _in_ledger(connection, filters))
            found = matching if found is None else found & matching
        if filters.portfolios is not None:
            portfolios = {RecordRef(Kind.PORTFOLIO, i) for i in filters.portfolios}
            found = portfolios if found is None else found & portfolios
    return Chosen(tuple(sorted(found or (), key=lambda ref: (ref.kind, int(ref.id)))), count)


def carry_out(
    service: Service,
    records: Sequence[RecordRef],
    command: str,
    summary: bulk.Summary,
    *,
    stop: Callable[[], bool] = never,
) -> Iterator[bulk.Result]:
    """Have these records decided again, group by group, and yield what came of each; `summary` fills meanwhile.

    The run is kept in the database under the name of the `command`. `stop` is asked between groups. Raises what
    concerns every record.
    """
    arguments = {"records": [str(record) for record in records]}
    with runs.kept(service.store, service.clock, command, None, arguments, summary.as_json):
        yield from bulk.carry_out(service, records, ORIGIN, summary, stop=stop)


# -- by delivery


def _named(connection: Connection, filters: Filters) -> tuple[set[RecordRef], int]:
    """The portfolios (and tickets of unknown portfolio) that the matching events name."""
    portfolio_type = service_state.get(connection, service_state.PORTFOLIO_TYPE_ID)
    records: set[RecordRef] = set()
    count = 0
    for event in _events(connection, filters):
        count += 1
        named = inbox.records_of(event, portfolio_type)
        records |= work_queue.units(connection, named, moved=event.moves)
    return records, count


def _events(connection: Connection, filters: Filters) -> Iterator[Event]:
    """The matching events, of deliveries that are still to be unpacked too."""
    for stored in inbox.find(connection, event=filters.event, since=filters.since, until=filters.until):
        yield from parse(f"[{stored.raw}]".encode())
    for waiting in raw_deliveries.all_waiting(connection):
        if (filters.since or waiting.received_at) <= waiting.received_at and (
            filters.until is None or waiting.received_at < filters.until
        ):
            named = {event.identity: event for event in parse(waiting.body)}
            yield from (
                event
                for identity, event in named.items()
                if filters.event in {None, identity, str(event.raw.get("eventId"))}
            )


def _now(connection: Connection, records: Iterable[RecordRef]) -> set[RecordRef]:
    """The records that answer for these, as far as the database knows of merges."""
    return set(identities.current(connection, records).values())


# -- by what the ledger holds


def _in_ledger(connection: Connection, filters: Filters) -> set[RecordRef]:
    handoffs, owners = filters.handoffs, filters.owners
    concerned = queries.with_effects(connection, handoffs=handoffs, owners=owners)
    if not filters.unfinished:
        return concerned
    states = {state for one in filters.unfinished for state in _STATES[one]}
    found: set[RecordRef] = set()
    if states:
        found |= queries.with_effects(connection, handoffs=handoffs, owners=owners, states=states)
    if Unfinished.PARKED in filters.unfinished:
        parked = {queued.record for queued in work_queue.parked(connection)}
        found |= parked & concerned if handoffs or owners else parked
    return found
