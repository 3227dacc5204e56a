"""The survey: every portfolio gets one pass, however far away its date, so that what is kept of the clients is whole."""

import structlog

from sync.clock import Clock
from sync.crm import CRMReader, Kind, RecordRef
from sync.storage import portfolios, work_queue
from sync.storage.database import Store
from sync.storage.work_queue import Priority

log = structlog.get_logger()


def survey(store: Store, crm: CRMReader, clock: Clock, origin: str = "sweep") -> int:
    """Enqueue the portfolios that no pass has found yet, after all else; how many. What is in the work queue already stays so.

    A search shows two hundred a call. Raises the port's errors and `StoreError`.
    """
    every = {RecordRef(Kind.PORTFOLIO, record.id) for record in crm.search(Kind.PORTFOLIO, [])}
    now = clock.now()
    with store.write() as connection:
        strange = every - portfolios.known(connection)
        strange -= work_queue.find(connection, strange).keys()
        work_queue.enqueue(connection, strange, now, origin, priority=Priority.BULK)
    if strange:
        log.info("survey.marked", records=len(strange))
    return len(strange)
