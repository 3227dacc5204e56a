"""The daily sweep: every portfolio whose date is near or whose cycle is open gets a pass, events or no events."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import structlog

from mappings.schema import ProcessMapping
from sync.clock import Clock, to_ms
from sync.crm import MODIFIED, CRMReader, Filter, Kind, Pipeline, RecordRef
from sync.errors import AuthenticationError, CRMError
from sync.passes.poll import modified_at
from sync.storage import changes, look_alikes, service_state, waits, work_queue
from sync.storage.database import Connection, Store
from sync.storage.ledger import queries
from sync.storage.service_state import SweptParts
from sync.storage.work_queue import Priority

TICKETS_LIVE_FOR = timedelta(days=60)
"""How long after a ticket came its portfolio is swept, whatever its status and date: a ticket deleted without a webhook
shows in no search, and may have completed an Ad Set."""

CLOSED_STAGES = 4
"""A search has six filters a group at most; one is the pipeline's, one the bound by which pages are turned."""


class Part(StrEnum):
    """Where a sweep's candidates come from."""

    PORTFOLIOS = "portfolios"
    LEDGER = "ledger"
    TICKETS = "tickets"


log = structlog.get_logger()


def sweep(
    store: Store,
    crm: CRMReader,
    mapping: ProcessMapping,
    clock: Clock,
    today: date,
    pipeline: Pipeline,
    origin: str = "sweep",
    *,
    resume: bool = False,
) -> int:
    """Enqueue what `today` can have made due; how many records.

    Candidates come from the search and from the ledger: a date within the window or past, a status that is not empty,
    an effect that is still to be done, a party that is waited for, Ad Sets called almost the same, a ticket that came
    lately, and open tickets of the `pipeline` that nobody has read since their last change. Each is then read afresh by
    its pass.

    What a part of it has found is enqueued though another part fails. Raises the first error of a search then, and
    `StoreError`; the next try, which is to `resume`, does the day's other parts only.
    """
    parts: dict[Part, Callable[[Connection], set[RecordRef]]] = {}
    done = _done(store, today) if resume else frozenset()
    errors: list[CRMError] = []
    if Part.PORTFOLIOS not in done:
        with _collecting(errors):
            found = {RecordRef(Kind.PORTFOLIO, one.id) for one in crm.search(Kind.PORTFOLIO, _due(mapping, today))}
            parts[Part.PORTFOLIOS] = lambda _connection: found
    if Part.LEDGER not in done:
        parts[Part.LEDGER] = lambda connection: _of_the_ledger(connection, clock.now())
    if Part.TICKETS not in done:
        with _collecting(errors):
            tickets = modified_at(list(crm.search(Kind.TICKET, [_open_in(pipeline, mapping)], [MODIFIED])))
            # A poll misses what the index showed too late.
            parts[Part.TICKETS] = lambda connection: work_queue.units(connection, changes.unread(connection, tickets))
    now = clock.now()
    with store.write() as connection:
        marked = set[RecordRef]().union(*(part(connection) for part in parts.values()))
        work_queue.enqueue(connection, marked, now, origin, priority=Priority.BULK)
        service_state.put(connection, service_state.SWEPT_PARTS, SweptParts(today, frozenset({*done, *parts})))
        if not errors:
            service_state.put(connection, service_state.LAST_SWEEP, now)
    log.info("sweep.marked", records=len(marked), today=today.isoformat())
    for error in errors:
        raise error
    return len(marked)


def _done(store: Store, today: date) -> frozenset[str]:
    """Which parts of the day's sweep are done."""
    with store.read() as connection:
        swept = service_state.get(connection, service_state.SWEPT_PARTS)
    return swept.parts if swept is not None and swept.day == today else frozenset()


@contextmanager
def _collecting(errors: list[CRMError]) -> Iterator[None]:
    """Put aside what a search fails with, but for a token that is refused: then no other fares better."""
    try:
        yield
    except CRMError as error:
        if isinstance(error, AuthenticationError) and error.status == 401:
            raise
        log.warning("sweep.search_failed", error=str(error))
        errors.append(error)


def _due(mapping: ProcessMapping, today: date) -> list[list[Filter]]:
    """Ask for the portfolios whose date is in the window or past, or that are in mid-cycle."""
    names = mapping.portfolio.properties
    last = today + timedelta(days=mapping.rules.window_days + 1)  # a day more: a date is midnight UTC, not local
    horizon = str(to_ms(datetime(last.year, last.month, last.day, tzinfo=UTC)))
    return [
        [Filter(names.refresh_date, "HAS_PROPERTY"), Filter(names.refresh_date, "LTE", horizon)],
        [Filter(names.status, "HAS_PROPERTY")],
    ]


def _of_the_ledger(connection: Connection, now: datetime) -> set[RecordRef]:
    """What the database itself says must be looked at."""
    found = queries.with_open_effects(connection) | waits.known(connection)
    found |= look_alikes.known(connection)  # where it holds no longer, it is forgotten
    return found | queries.with_tickets_since(connection, now - TICKETS_LIVE_FOR)


def _open_in(pipeline: Pipeline, mapping: ProcessMapping) -> list[Filter]:
    """Ask for the tickets of a pipeline that are open; as many closed stages as one search may name are left out."""
    names = mapping.ticket.properties
    closed = [stage.id for stage in pipeline.stages if stage.closed][:CLOSED_STAGES]
    return [Filter(names.pipeline, "EQ", pipeline.id), *(Filter(names.stage, "NEQ", stage) for stage in closed)]
