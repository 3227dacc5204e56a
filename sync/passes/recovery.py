"""A lost database: before the first pass of an empty ledger, what the CRM shows as done is recorded in it.

The CRM's search may not show yet what was done just before the loss. So it is asked a second time, once it must; until
then every task is looked for at its record before it is made (`effects`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from mappings.texts import TASK_READER
from mappings.vocabulary import KeyCarrier
from sync.clock import from_ms
from sync.crm import CREATED, LANDED_AFTER, CRMReader, Filter, Kind, Record, moment_of
from sync.errors import CRMRejectedError, CRMUnavailableError
from sync.failpoints import Failpoint, no_failpoint
from sync.passes.portal import Portal
from sync.rules.process import read_task_key
from sync.storage import ledger, service_state
from sync.storage.database import Store, StoreReader

SEARCH_LAGS = timedelta(minutes=10)
"""How far the search may be behind; seconds as a rule (docs/hubspot.md 6.2)."""

BEFORE = timedelta(hours=1)
"""How far before this ledger began the second time looks for tasks: the lag, and clocks that differ."""

log = structlog.get_logger()


def is_needed(store: StoreReader) -> bool:
    """Tell whether no pass may begin yet, as the CRM has not been asked what was done. Raises `StoreError`."""
    with store.read() as connection:
        return service_state.get(connection, service_state.RECOVERED) is None


def is_final(store: StoreReader) -> bool:
    """Tell whether the ledger holds every task from before it began: nothing is left to recover. Raises `StoreError`."""
    return service_state.is_set_for_good(store, service_state.RECOVERED_FOR_GOOD)


def took_any_back(store: StoreReader) -> bool:
    """Tell whether the CRM showed tasks of a ledger before this one. Raises `StoreError`."""
    with store.read() as connection:
        taken = service_state.get(connection, service_state.RECOVERED)
    return bool(taken)


def may_land_until(store: StoreReader) -> datetime | None:
    """Tell until when a task may appear that was on its way when the ledger before this one was lost; None: none was."""
    with store.read() as connection:
        taken = service_state.get(connection, service_state.RECOVERED)
        ledger_began = service_state.get(connection, service_state.LEDGER_BEGAN)
    return ledger_began + LANDED_AFTER if ledger_began is not None and taken else None


def ensure(store: Store, crm: CRMReader, portal: Portal, now: datetime, failpoint: Failpoint) -> None:
    """Recover what has to be before a pass begins; do nothing once that is done. Raises the port's errors and `StoreError`."""
    with store.read() as connection:
        asked = service_state.get(connection, service_state.RECOVERED)
        final = service_state.get(connection, service_state.RECOVERED_FOR_GOOD)
        began = service_state.get(connection, service_state.LEDGER_BEGAN) or now
        tried = service_state.get(connection, service_state.RECOVERY_TRIED)
    if final is not None or (asked is not None and now < max(began, tried or began) + SEARCH_LAGS):
        return
    if asked is None:
        recover_tasks(store, crm, portal, failpoint)
    elif not _asked_again(store, crm, portal, failpoint, since=began - BEFORE, now=now):
        return
    if now >= began + SEARCH_LAGS:
        with store.write() as connection:
            service_state.put(connection, service_state.RECOVERED_FOR_GOOD, True)


def _asked_again(
    store: Store, crm: CRMReader, portal: Portal, failpoint: Failpoint, *, since: datetime, now: datetime
) -> bool:
    """Ask the second time; whether there was an answer.

    A search that fails must not keep webhooks from their passes: until it has answered, each task is looked for at its
    record before it is made, and the search is tried again in `SEARCH_LAGS`.
    """
    try:
        recover_tasks(store, crm, portal, failpoint, since=since)
    except (CRMUnavailableError, CRMRejectedError) as error:
        log.warning("recovery.put_off", error=str(error))
        with store.write() as connection:
            service_state.put(connection, service_state.RECOVERY_TRIED, now)
        return False
    return True


def recover_tasks(
    store: Store,
    crm: CRMReader,
    portal: Portal,
    failpoint: Failpoint = no_failpoint,
    *,
    since: datetime | None = None,
) -> int:
    """Record every task in the CRM that carries a key as done, with the emails of its occurrence; how many.

    `since`: only if one was made then or later. Interrupted, it begins again: a row that is there already changes
    nothing. Raises the port's errors and `StoreError`.
    """
    keys = portal.task_keys
    found = _found(crm, portal, since)
    # One that a person has deleted was made all the same. Where no task carries a key there is nothing to take back.
    wanted = [*keys.names, CREATED]
    records = [*crm.read(Kind.TASK, found, wanted).values(), *deleted_tasks(crm, wanted)] if found else []
    carried = keys.assign(records)  # most of what people delete was never the service's
    parents = _parents(crm, carried)
    failpoint("searched")
    taken = 0
    with store.write() as connection:
        for key, record in carried.items():
            read = read_task_key(key)
            if read is None:
                log.warning("recovery.unknown_key", task=record.id, key=key)
                continue
            occurrence, kind = read
            at = occurrence.record
            made_at = moment_of(record.properties.get(CREATED, "")) or record.created_at
            ledger.record_recovered_task(
                connection,
                effect_key=key,
                handoff=occurrence.handoff,
                record=at,
                portfolio=at.id if at.kind is Kind.PORTFOLIO else parents.get(at.id),
                cycle=occurrence.cycle_told,
                task=record.id,
                task_kind=kind,
                role=TASK_READER[kind],
                made_at=made_at or from_ms(0),
                origin="recovery",
                reason="taken back from the CRM: the task carries this key",
                adopted=False,
            )
            taken += 1
        service_state.put(connection, service_state.RECOVERED, taken)
    failpoint("taken back")
    log.info("recovery.done", tasks=taken)
    return taken


def _found(crm: CRMReader, portal: Portal, since: datetime | None) -> list[str]:
    """The ids of the tasks that may carry a key, deleted ones not among them.

    Where a portal does not search by what a record was made by (docs/hubspot.md 4.19), they are read from the records on
    which they may be.
    """
    try:
        return [record.id for record in crm.search(Kind.TASK, portal.task_keys.searches(since))]
    except CRMRejectedError as error:
        log.warning("recovery.source_not_searched", error=str(error))
    by_property = portal.task_keys.searches(since, by_source=False)
    found = {record.id for record in crm.search(Kind.TASK, by_property)} if by_property else set()
    if portal.task_keys.carrier is KeyCarrier.PROPERTY:
        return sorted(found, key=int)
    places = {
        Kind.PORTFOLIO: crm.search(Kind.PORTFOLIO, []),
        Kind.TICKET: crm.search(Kind.TICKET, [[Filter(portal.pipeline_property, "EQ", portal.pipeline.id)]]),
    }
    on = (crm.associated(kind, Kind.TASK, [one.id for one in records]) for kind, records in places.items())
    return sorted(found | {end.to for near in on for ends in near.values() for end in ends}, key=int)


def _parents(crm: CRMReader, carried: Mapping[str, Record]) -> dict[str, str]:
    """The portfolio on which each ticket was when its newest task was made: the ticket itself may be deleted by now.

    It was on none if that task is on none, whatever older ones are on: it had left. A task that is on several tells nothing.
    """
    tickets = {
        task.id: read[0].record.id
        for key, task in carried.items()
        if (read := read_task_key(key)) is not None and read[0].record.kind is Kind.TICKET
    }
    if not tickets:
        return {}
    by_age = sorted(tickets, key=int)
    ends = crm.associated(Kind.TASK, Kind.PORTFOLIO, by_age)
    told = {tickets[task]: ends.get(task, ()) for task in by_age if len(ends.get(task, ())) <= 1}
    return {ticket: found[0].to for ticket, found in told.items() if found}


def deleted_tasks(crm: CRMReader, wanted: Sequence[str]) -> list[Record]:
    """List the tasks in the recycle bin, with these properties; none where the portal does not show them."""
    try:
        return list(crm.deleted(Kind.TASK, wanted))
    except CRMRejectedError as error:  # a portal that does not show them must not keep the service from its work
        log.warning("recovery.deleted_tasks_unknown", error=str(error))
        return []
