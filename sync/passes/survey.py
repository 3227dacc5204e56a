"""The survey: every portfolio gets one pass, however far away its date, so that what is kept of the clients is whole."""

from collections.abc import Sequence

import structlog

from mappings.schema import Condition, all_hold
from sync.clock import Clock
from sync.crm import CRMReader, Kind, RecordRef
from sync.storage import portfolios, work_queue
from sync.storage.database import Store
from sync.storage.work_queue import Priority

log = structlog.get_logger()


def survey(store: Store, crm: CRMReader, clock: Clock, condition: Sequence[Condition], origin: str = "sweep") -> int:
    """Enqueue the portfolios that no pass has found yet, after all else; how many. What is in the work queue already stays so.

    Nor has one found those that the mapping's `condition` takes in by now and left out before: with a date far away, or none,
    no other search of the sweep shows them. So are those that the CRM shows no more: where no webhook told that one was
    deleted, nothing else looks at it, and it would be a client for ever. A search shows two hundred a call. Raises the port's
    errors and `StoreError`.
    """
    every: set[RecordRef] = set()
    inside: set[RecordRef] = set()
    names = {one.property for one in condition}
    for record in crm.search(Kind.PORTFOLIO, [], sorted(names)):
        every.add(RecordRef(Kind.PORTFOLIO, record.id))
        if not names <= record.properties.keys() or all_hold(condition, record.properties):
            inside.add(RecordRef(Kind.PORTFOLIO, record.id))
    now = clock.now()
    with store.write() as connection:
        strange = every ^ portfolios.known(connection)
        strange |= inside & portfolios.left_out(connection)
        strange -= work_queue.find(connection, strange).keys()
        work_queue.enqueue(connection, strange, now, origin, priority=Priority.BULK)
    if strange:
        log.info("survey.marked", records=len(strange))
    return len(strange)
