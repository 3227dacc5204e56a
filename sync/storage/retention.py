"""What is forgotten after a while, and what never is.

Forgotten are webhook deliveries and their events: they are kept to look into, and to know a delivery that comes twice
(HubSpot repeats within a day, docs/hubspot.md 2.2). One that is not unpacked yet stays, however old it is. Never forgotten
is what makes every effect happen once: the ledger with its cycles, merges and versions that were seen, the mappings in
force, and where each ticket is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sync.storage import inbox, raw_deliveries
from sync.storage.database import Store, in_parts

AT_A_TIME = 100
"""Deliveries of one transaction, of up to 100 events each: the receiver must never wait long for its turn to write."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many were removed, or would be."""

    deliveries: int
    events: int


def count(store: Store, before: datetime) -> Pruned:
    """Count the deliveries received before this moment, and their events. Raises `StoreError`."""
    with store.read() as connection:
        ids = raw_deliveries.unpacked_before(connection, before)
        return Pruned(len(ids), inbox.count_before(connection, before))


def prune(store: Store, before: datetime, stop: Callable[[], bool] = lambda: False) -> Pruned:
    """Remove the deliveries received before this moment, with their events, until `stop` says so. Raises `StoreError`.

    The newest go last: what is cut off, or stopped, goes on the next time.
    """
    with store.read() as connection:
        ids = raw_deliveries.unpacked_before(connection, before)
    deliveries = events = 0
    for part in in_parts(ids, AT_A_TIME):
        if stop():
            break
        with store.write() as connection:
            events += inbox.remove_events(connection, part)
            raw_deliveries.remove(connection, part)
        deliveries += len(part)
    return Pruned(deliveries, events)
