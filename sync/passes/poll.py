"""The poll: what changed since the last one, by search; each record found is then read by its pass."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, bindparam, select

from mappings.schema import ProcessMapping
from mappings.vocabulary import TaskKind
from sync.clock import Clock, to_ms
from sync.crm import MODIFIED, TASK_COMPLETED, TASK_STATUS, CRMReader, Filter, Kind, Record, RecordRef, moment_of
from sync.storage import service_state, work_queue
from sync.storage.database import Store, in_parts
from sync.storage.tables import effects, memberships, seen

OVERLAP = timedelta(minutes=2)
"""How far a poll reaches back before the last one: the search index lags by seconds, and clocks differ."""

ADOPTED_AT_MOST = 400
"""Adopted tasks carry no key and are polled by id; the newest so many."""

log = structlog.get_logger()


def poll(store: Store, crm: CRMReader, mapping: ProcessMapping, clock: Clock, pipeline: str) -> int:
    """Mark the portfolios whose records changed since the last poll; how many records had changed.

    The very first poll reaches back to going live: of what changed before a database was lost, or before this ledger
    began, nobody else may tell. A record that was read after its last change is known already and marks nothing.
    """
    began = clock.now()
    with store.read() as connection:
        last = service_state.get(connection, service_state.POLLED_TO)
        last = last or service_state.get(connection, service_state.GO_LIVE) or began
        adopted = _adopted(connection)
    since = last - OVERLAP
    changed = list(crm.search(Kind.PORTFOLIO, [[_modified(since)]], [MODIFIED]))
    names = mapping.ticket.properties
    tickets = list(crm.search(Kind.TICKET, [[_modified(since)]], [MODIFIED, names.pipeline]))
    completed = [_modified(since), Filter(TASK_STATUS, "EQ", TASK_COMPLETED)]
    groups = [[*completed, Filter(mapping.task.key_property, "HAS_PROPERTY")]]
    if adopted:
        groups.append([*completed, Filter("hs_object_id", "IN", values=tuple(adopted))])
    tasks = list(crm.search(Kind.TASK, groups, [MODIFIED]))
    with store.write() as connection:
        known = _known_tickets(connection, [ticket.id for ticket in tickets])
        mine = [t for t in tickets if t.id in known or t.properties.get(names.pipeline, "") == pipeline]
        fresh = _not_seen(connection, [*changed, *mine])
        records = {RecordRef(record.kind, record.id) for record in [*fresh, *tasks]}
        work_queue.enqueue_related(connection, records, began, "poll")
        service_state.put(connection, service_state.POLLED_TO, began)
        service_state.put(connection, service_state.LAST_POLL, clock.now())
    log.info("poll.marked", portfolios=len(changed), tickets=len(mine), tasks=len(tasks), fresh=len(records))
    return len(records)


def _modified(since: datetime) -> Filter:
    return Filter(MODIFIED, "GTE", str(to_ms(since)))


_ADOPTED = (
    select(effects.c.crm_id)
    .where(
        effects.c.key.endswith(f"/task:{TaskKind.IMPLEMENT}"),
        effects.c.crm_id.is_not(None),
        effects.c.payload.contains('"adopted":true'),
    )
    .order_by(effects.c.state_at.desc())
    .limit(ADOPTED_AT_MOST)
)


def _adopted(connection: Connection) -> list[str]:
    return [str(task) for task in connection.scalars(_ADOPTED)]


def _known_tickets(connection: Connection, ids: list[str]) -> set[str]:
    found: set[str] = set()
    for part in in_parts(ids):
        found |= {row.ticket for row in connection.execute(select(memberships).where(memberships.c.ticket.in_(part)))}
    return found


_SEEN = select(seen).where(seen.c.id.in_(bindparam("ids", expanding=True)))


def _not_seen(connection: Connection, records: Sequence[Record]) -> list[Record]:
    """Those that were not read since their last change."""
    known: dict[tuple[str, str], int] = {}
    for part in in_parts([record.id for record in records]):
        known.update({(row.kind, row.id): row.modified_at for row in connection.execute(_SEEN, {"ids": part})})
    fresh = []
    for record in records:
        modified = moment_of(record.properties.get(MODIFIED, "")) or record.updated_at
        if modified is None or known.get((record.kind.value, record.id), -1) < to_ms(modified):
            fresh.append(record)
    return fresh
