"""The poll: what changed since the last one, by search; each record found is then read by its pass."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from mappings.schema import ProcessMapping
from sync.clock import CLOCKS_APART, Clock, to_ms
from sync.crm import MODIFIED, TASK_COMPLETED, TASK_STATUS, CRMReader, Filter, Kind, Record, RecordRef, moment_of
from sync.errors import CRMRejectedError
from sync.passes.portal import Portal
from sync.storage import changes, memberships, service_state, work_queue
from sync.storage.database import Connection, Store
from sync.storage.ledger import queries

OVERLAP = timedelta(minutes=30)
"""How far a poll reaches back before the last one: the search index lags by seconds, at times by many minutes, and
the change may be newer than the index. What was seen before is dropped."""

ADOPTED_AT_MOST = 400
"""Adopted tasks carry no key and are polled by id; the newest so many."""

log = structlog.get_logger()


def poll(store: Store, crm: CRMReader, mapping: ProcessMapping, clock: Clock, portal: Portal) -> int:
    """Enqueue the portfolios whose records have changed since the last poll; how many records had changed.

    The very first poll reaches back to going live: of what changed before a database was lost, or before this ledger
    began, nobody else may tell. A record that was read after its last change is known already. Tickets of other pipelines
    than the deliverables' are none of the service's. Raises the port's errors and `StoreError`.

    The cursor goes by the CRM's clock, as the changes do that are asked for: ours may be wrong by any time.
    """
    began = clock.now()
    with store.read() as connection:
        last = service_state.get(connection, service_state.POLLED_TO)
        last = last or service_state.get(connection, service_state.GO_LIVE) or began
        adopted = queries.adopted_tasks(connection, ADOPTED_AT_MOST)
    told = crm.time()
    if told is not None:
        last = min(last, told)  # the cursor of an earlier release went by our clock
    since = last - OVERLAP
    changed = list(crm.search(Kind.PORTFOLIO, [[_modified(since)]], [MODIFIED]))
    told = crm.time()
    cursor = began - CLOCKS_APART if told is None else told - max(timedelta(), clock.now() - began)
    names = mapping.ticket.properties
    tickets = list(crm.search(Kind.TICKET, [[_modified(since)]], [MODIFIED, names.pipeline]))
    completed = [_modified(since), Filter(TASK_STATUS, "EQ", TASK_COMPLETED)]
    groups = [[*completed, *mine] for mine in portal.task_keys.searches()] or [completed]
    if adopted:
        groups.append([*completed, Filter("hs_object_id", "IN", values=tuple(adopted))])
    tasks = _tasks(crm, groups, completed)
    with store.write() as connection:
        known = memberships.parents(connection, [ticket.id for ticket in tickets])
        # One of which the answer does not say the pipeline may be ours.
        mine = [
            t
            for t in tickets
            if t.id in known or t.properties.get(names.pipeline, portal.pipeline.id) == portal.pipeline.id
        ]
        fresh = _unread(connection, [*changed, *mine, *tasks])
        records = {RecordRef(record.kind, record.id) for record in fresh}
        work_queue.enqueue_related(connection, records, began, "poll")
        # A pass reads a task only if a rule asks for it; what it is enqueued for stays in the queue.
        changes.remember(connection, modified_at(tasks), cursor)
        service_state.put(connection, service_state.POLLED_TO, cursor)
        if told is not None:
            service_state.put(connection, service_state.CLOCK_AHEAD, began - cursor)
        service_state.put(connection, service_state.LAST_POLL, clock.now())
    log.info("poll.marked", portfolios=len(changed), tickets=len(mine), tasks=len(tasks), fresh=len(records))
    return len(records)


def _tasks(crm: CRMReader, groups: Sequence[Sequence[Filter]], completed: Sequence[Filter]) -> list[Record]:
    """The service's tasks that were completed; everybody's, where the portal cannot search for the service's alone."""
    try:
        return list(crm.search(Kind.TASK, groups, [MODIFIED]))
    except CRMRejectedError as error:
        log.warning("poll.all_tasks", error=str(error))
        return list(crm.search(Kind.TASK, [completed], [MODIFIED]))


def _modified(since: datetime) -> Filter:
    return Filter(MODIFIED, "GTE", str(to_ms(since)))


def _unread(connection: Connection, records: Sequence[Record]) -> list[Record]:
    """Those that were not read since their last change."""
    modified = modified_at(records)
    fresh = changes.unread(connection, modified)
    return [one for one in records if (ref := RecordRef(one.kind, one.id)) in fresh or ref not in modified]


def modified_at(records: Sequence[Record]) -> dict[RecordRef, datetime]:
    """Tell when each was last changed, as far as its answer says."""
    return {
        RecordRef(record.kind, record.id): at
        for record in records
        if (at := moment_of(record.properties.get(MODIFIED, "")) or record.updated_at) is not None
    }
