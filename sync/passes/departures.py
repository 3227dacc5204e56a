"""Who has left, or come back: the portfolios that it concerns are looked at again, however far away their dates."""

import structlog

from mappings.schema import ProcessMapping
from sync.clock import Clock
from sync.passes.portal import Portal
from sync.storage import looks, portfolios, service_state, work_queue
from sync.storage.database import Store
from sync.storage.work_queue import Priority

log = structlog.get_logger()


def note_people(store: Store, mapping: ProcessMapping, clock: Clock, portal: Portal) -> None:
    """Keep who works here, and which of the mapping's stand-ins do not; enqueue whom a change concerns. Raises `StoreError`."""
    works = {owner.id: owner.name for owner in portal.owners.values() if not owner.archived}
    gone = tuple(
        f"{about.label}: the stand-in {one} does not work here. Name another in roles.{role.value}.fallback_owner of the mapping"
        for role, about in mapping.roles.items()
        if (one := about.fallback_owner) and not portal.employs(one)
    )
    with store.read() as connection:
        before = service_state.get(connection, service_state.WORKS_HERE)
        told = service_state.get(connection, service_state.STAND_INS_GONE)
    if before == works and told == gone:
        return
    before = works if before is None else before
    left = before.keys() - works.keys()
    named = left | {owner.email for one in left if (owner := portal.owners.get(one)) is not None and owner.email}
    with store.write() as connection:
        service_state.put(connection, service_state.WORKS_HERE, works)
        service_state.put(connection, service_state.STAND_INS_GONE, gone)
        concerned = portfolios.worked_on_by(connection, {before[one] for one in left})
        concerned |= looks.naming(connection, named)  # a ticket's own people do the work of no role of the portfolio
        if works.keys() - before.keys():
            concerned |= {one.ref for one in portfolios.with_vanished(connection)}
        work_queue.enqueue(connection, concerned, clock.now(), "people", priority=Priority.BULK)
    if concerned:
        log.info("people.changed", left=len(left), portfolios=len(concerned))
