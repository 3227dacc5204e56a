"""Signs of life of a service that a test does not start: worker and receiver, as `handoffs serve` runs them."""

from sync.clock import Clock
from sync.storage import processes, service_state
from sync.storage.database import Store, open_store
from sync.storage.processes import Part


def alive(database_url: str, clock: Clock) -> None:
    """Have both give a sign of life, now. It holds for two minutes. Where there is no database, none is made."""
    store = open_store(database_url)
    if store.path is not None and not store.path.is_file():
        return
    try:
        give_signs(store, clock)
    finally:
        store.close()


def give_signs(store: Store, clock: Clock) -> None:
    """Do the same in an open database; and the worker has polled."""
    now = clock.now()
    with store.write() as connection:
        known = {one.part: one.id for one in reversed(processes.find(connection)) if not one.ended_at}
        for part in Part:
            id_ = known.get(part) or processes.begin(connection, part, 4711, "here", now)
            processes.beat(connection, id_, now, busy_since=None, waits_for=None)
        service_state.put(connection, service_state.LAST_POLL, now)
