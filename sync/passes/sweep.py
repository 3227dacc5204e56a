"""The daily sweep: every portfolio whose date is near or whose cycle is open gets a pass, events or no events."""

from datetime import UTC, date, datetime, timedelta

import structlog

from mappings.schema import ProcessMapping
from sync.clock import Clock, to_ms
from sync.crm import MODIFIED, CRMReader, Filter, Kind, Pipeline, RecordRef
from sync.passes.poll import modified_at
from sync.storage import changes, look_alikes, service_state, waits, work_queue
from sync.storage.database import Store
from sync.storage.ledger import queries
from sync.storage.work_queue import Priority

TICKETS_LIVE_FOR = timedelta(days=60)
"""How long after a ticket came its portfolio is swept, whatever its status and date: a ticket deleted without a webhook
shows in no search, and may have completed an Ad Set."""

CLOSED_STAGES = 4
"""A search has six filters a group at most; one is the pipeline's, one the bound by which pages are turned."""

log = structlog.get_logger()


def sweep(
    store: Store,
    crm: CRMReader,
    mapping: ProcessMapping,
    clock: Clock,
    today: date,
    pipeline: Pipeline,
    origin: str = "sweep",
) -> int:
    """Enqueue what `today` can have made due; how many records. Raises the port's errors and `StoreError`.

    Candidates come from the search and from the ledger: a date within the window or past, a status that is not empty,
    an effect that is still to be done, a party that is waited for, Ad Sets called almost the same, a ticket that came
    lately, and open tickets of the `pipeline` that nobody has read since their last change. Each is then read afresh by
    its pass.
    """
    names = mapping.portfolio.properties
    last = today + timedelta(days=mapping.rules.window_days + 1)  # a day more: a date is midnight UTC, not local
    horizon = str(to_ms(datetime(last.year, last.month, last.day, tzinfo=UTC)))
    groups = [
        [Filter(names.refresh_date, "HAS_PROPERTY"), Filter(names.refresh_date, "LTE", horizon)],
        [Filter(names.status, "HAS_PROPERTY")],
    ]
    found = {RecordRef(Kind.PORTFOLIO, record.id) for record in crm.search(Kind.PORTFOLIO, groups)}
    tickets = list(crm.search(Kind.TICKET, [_open_in(pipeline, mapping)], [MODIFIED]))
    now = clock.now()
    with store.write() as connection:
        found |= queries.with_open_effects(connection) | waits.known(connection)
        found |= look_alikes.known(connection)  # where it holds no longer, it is forgotten
        found |= queries.with_tickets_since(connection, now - TICKETS_LIVE_FOR)
        work_queue.enqueue(connection, found, now, origin, priority=Priority.BULK)
        # A poll misses what the index showed too late.
        unread = changes.unread(connection, modified_at(tickets))
        work_queue.enqueue_related(connection, unread, now, origin, priority=Priority.BULK)
        service_state.put(connection, service_state.LAST_SWEEP, now)
    log.info("sweep.marked", records=len(found), today=today.isoformat())
    return len(found)


def _open_in(pipeline: Pipeline, mapping: ProcessMapping) -> list[Filter]:
    """Ask for the tickets of a pipeline that are open; as many closed stages as one search may name are left out."""
    names = mapping.ticket.properties
    closed = [stage.id for stage in pipeline.stages if stage.closed][:CLOSED_STAGES]
    return [Filter(names.pipeline, "EQ", pipeline.id), *(Filter(names.stage, "NEQ", stage) for stage in closed)]
