"""The poll: what changed since the last one, by search; each record found is then read by its pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from mappings.schema import ProcessMapping
from sync.clock import CLOCKS_APART, Clock, to_ms
from sync.crm import MODIFIED, TASK_COMPLETED, TASK_STATUS, CRMReader, Filter, Kind, Record, RecordRef, moment_of
from sync.errors import AuthenticationError, CRMError, CRMRejectedError, UnnamedMatchError
from sync.passes.portal import Portal
from sync.passes.snapshot.records import Translator, mark_of_values
from sync.storage import changes, mappings_in_force, memberships, service_state, ticket_histories, work_queue
from sync.storage.changes import READ_TOO_SOON
from sync.storage.database import Connection, Store
from sync.storage.ledger import queries

OVERLAP = timedelta(minutes=30)
"""How far a poll reaches back before the last one: the search index lags by seconds, at times by many minutes, and
the change may be newer than the index. What was seen before is dropped."""

SEARCHED = (Kind.PORTFOLIO, Kind.TICKET, Kind.TASK)

ADOPTED_AT_MOST = 400
"""Adopted tasks carry no key and are polled by id; the newest so many."""

log = structlog.get_logger()


@dataclass(frozen=True)
class _Search:
    """What one search has shown.

    `until`: when it began, by the CRM's clock; `error`: what went wrong, and `records` are those found all the same; None:
    nothing did.
    """

    records: list[Record]
    until: datetime
    error: CRMError | None = None

    @property
    def ended(self) -> bool:
        """Whether it came to its end: what has no id is not told by asking for ever longer, only by `OVERLAP`."""
        return self.error is None or isinstance(self.error, UnnamedMatchError)


def poll(store: Store, crm: CRMReader, mapping: ProcessMapping, clock: Clock, portal: Portal) -> int:
    """Enqueue the portfolios whose records have changed since the last poll; how many records had changed.

    The very first poll reaches back to going live: of what changed before a database was lost, or before this ledger
    began, nobody else may tell. A record that was read after its last change is known already. Tickets of other pipelines
    than the deliverables' are none of the service's.

    Portfolios, tickets and tasks are each searched apart, and each search has a cursor of its own: what one has found is
    enqueued though another fails, and the next poll asks again from where that one stood; not so where it has found all but
    what has no id. Raises the first error of a search then, and `StoreError`. A cursor goes by the CRM's clock, as the
    changes do that are asked for: ours may be wrong by any time.
    """
    began = clock.now()
    with store.read() as connection:
        cursors = {kind: _cursor(connection, kind, began) for kind in SEARCHED}
        adopted = queries.adopted_tasks(connection, ADOPTED_AT_MOST)
        past = mappings_in_force.history(connection)
    translator = Translator(mapping, None)
    names = {kind: translator.told_apart_by(kind, portal, past) for kind in (Kind.PORTFOLIO, Kind.TICKET)}
    searches: dict[Kind, Callable[[datetime], Iterator[Record]]] = {
        Kind.PORTFOLIO: lambda since: _changed(crm, Kind.PORTFOLIO, names, since),
        Kind.TICKET: lambda since: _changed(crm, Kind.TICKET, names, since),
        Kind.TASK: lambda since: completed_tasks(crm, portal, adopted, since),
    }
    shown = {kind: _shown(crm, clock, cursors[kind], search) for kind, search in searches.items()}
    with store.write() as connection:
        fresh = _enqueue(connection, shown, names, portal, began)
        _move_cursors(connection, cursors, shown)
        whole = [one for one in shown.values() if one.ended]
        if whole and crm.time() is not None:
            service_state.put(connection, service_state.CLOCK_AHEAD, began - whole[0].until)
        if len(whole) == len(shown):
            service_state.put(connection, service_state.LAST_POLL, clock.now())
    log.info("poll.marked", **{f"{kind.value}s": len(one.records) for kind, one in shown.items()}, fresh=fresh)
    for one in shown.values():
        if one.error is not None:
            raise one.error
    return fresh


def _cursor(connection: Connection, kind: Kind, began: datetime) -> datetime:
    """From when on this kind's changes are not known yet. Earlier releases kept one moment for all kinds."""
    cursor = service_state.get(connection, service_state.polled_to(kind))
    cursor = cursor or service_state.get(connection, service_state.POLLED_TO)
    return cursor or service_state.get(connection, service_state.GO_LIVE) or began


def _shown(crm: CRMReader, clock: Clock, cursor: datetime, search: Callable[[datetime], Iterator[Record]]) -> _Search:
    """Search for what has changed since the cursor. Raises `AuthenticationError` where the token is refused."""
    told, began = crm.time(), clock.now()
    since = cursor if told is None else min(cursor, told)  # that of an earlier release went by our clock
    records: list[Record] = []
    error = None
    try:
        records.extend(search(since - OVERLAP))
    except CRMError as failed:
        if isinstance(failed, AuthenticationError) and failed.status == 401:
            raise  # the token is refused: no other search fares better
        error = failed
        log.warning("poll.search_failed", error=str(failed))
    told = crm.time()
    until = began - CLOCKS_APART if told is None else told - max(timedelta(), clock.now() - began)
    return _Search(records, until, error)


def _enqueue(
    connection: Connection,
    shown: Mapping[Kind, _Search],
    names: Mapping[Kind, Sequence[str]],
    portal: Portal,
    now: datetime,
) -> int:
    """Enqueue what was not read since its last change; how many records that are. `names`: as in `_unread`."""
    tickets = shown[Kind.TICKET].records
    known = memberships.parents(connection, [ticket.id for ticket in tickets])
    # One of which the answer does not say the pipeline may be ours.
    mine = [
        ticket
        for ticket in tickets
        if ticket.id in known
        or ticket.properties.get(portal.pipeline_property, portal.pipeline.id) == portal.pipeline.id
    ]
    tasks = shown[Kind.TASK]
    fresh = _unread(connection, [*shown[Kind.PORTFOLIO].records, *mine, *tasks.records], names)
    records = {RecordRef(record.kind, record.id) for record in fresh}
    # They have changed: to read them without their histories first would be a call for nothing.
    ticket_histories.forget(connection, sorted(record.id for record in records if record.kind is Kind.TICKET))
    work_queue.enqueue_related(connection, records, now, "poll")
    # A pass reads a task only if a rule asks for it; what it is enqueued for stays in the queue.
    certain = {one: at for one, at in modified_at(tasks.records).items() if at <= tasks.until - READ_TOO_SOON}
    changes.remember(connection, certain)
    return len(records)


def _move_cursors(connection: Connection, cursors: Mapping[Kind, datetime], shown: Mapping[Kind, _Search]) -> None:
    now = {kind: one.until if one.ended else cursors[kind] for kind, one in shown.items()}
    for kind, cursor in now.items():
        service_state.put(connection, service_state.polled_to(kind), cursor)
    service_state.put(connection, service_state.POLLED_TO, min(now.values()))


def completed_tasks(crm: CRMReader, portal: Portal, adopted: Sequence[str], since: datetime) -> Iterator[Record]:
    """Find the service's tasks that were changed since then and are completed, and these adopted ones (ids).

    Everybody's, where the portal cannot search for the service's alone.
    """
    completed = [modified_since(since), Filter(TASK_STATUS, "EQ", TASK_COMPLETED)]
    groups = [[*completed, *mine] for mine in portal.task_keys.searches()] or [completed]
    if adopted:
        groups.append([*completed, Filter("hs_object_id", "IN", values=tuple(adopted))])
    try:
        yield from crm.search(Kind.TASK, groups, [MODIFIED])
    except CRMRejectedError as error:
        log.warning("poll.all_tasks", error=str(error))
        yield from crm.search(Kind.TASK, [completed], [MODIFIED])


def _changed(crm: CRMReader, kind: Kind, names: Mapping[Kind, Sequence[str]], since: datetime) -> Iterator[Record]:
    return crm.search(kind, [[modified_since(since)]], [MODIFIED, *names[kind]])


def modified_since(since: datetime) -> Filter:
    """Ask for what was changed then or later."""
    return Filter(MODIFIED, "GTE", str(to_ms(since)))


def _unread(connection: Connection, records: Sequence[Record], names: Mapping[Kind, Sequence[str]]) -> list[Record]:
    """Those that were not read since their last change; `names`: the properties by which two answers are told apart."""
    modified = modified_at(records)
    shows = {RecordRef(one.kind, one.id): mark_of_values(one, names[one.kind]) for one in records if one.kind in names}
    fresh = changes.unread(connection, modified, shows)
    return [one for one in records if (ref := RecordRef(one.kind, one.id)) in fresh or ref not in modified]


def modified_at(records: Sequence[Record]) -> dict[RecordRef, datetime]:
    """Tell when each was last changed, as far as its answer says."""
    return {
        RecordRef(record.kind, record.id): at
        for record in records
        if (at := moment_of(record.properties.get(MODIFIED, "")) or record.updated_at) is not None
    }
