"""Old deliveries are forgotten after a while; the ledger never is: it is what makes every effect happen once."""

from dataclasses import dataclass
from datetime import datetime

from sync.storage import inbox
from sync.storage.database import Store, in_parts

AT_A_TIME = 500
"""Deliveries of one transaction: the receiver must never wait long for its turn to write."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many were removed, or would be."""

    deliveries: int
    events: int


def prune(store: Store, before: datetime, *, really: bool = True) -> Pruned:
    """Remove the deliveries received before this moment, with their events; without `really` only count them."""
    with store.read() as connection:
        ids, events = inbox.deliveries_before(connection, before)
    if really:
        for part in in_parts(ids, AT_A_TIME):
            with store.write() as connection:
                inbox.remove_deliveries(connection, part)
    return Pruned(len(ids), events)
