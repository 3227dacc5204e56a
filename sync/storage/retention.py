"""Old deliveries are forgotten after a while; the ledger never is: it is what makes every effect happen once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from sync.clock import to_ms
from sync.storage.database import Store
from sync.storage.tables import deliveries, events

AT_A_TIME = 500
"""Deliveries of one transaction: the receiver must never wait long for its turn to write."""


@dataclass(frozen=True, slots=True)
class Pruned:
    deliveries: int
    events: int


def prune(store: Store, before: datetime, *, really: bool = True) -> Pruned:
    """Remove the deliveries that came before this moment, with their events; or only count them."""
    limit = to_ms(before)
    with store.read() as connection:
        old = select(deliveries.c.id).where(deliveries.c.received_at < limit)
        ids = list(connection.scalars(old.order_by(deliveries.c.id)))
        of_them = select(func.count()).select_from(events).where(events.c.delivery.in_(old))
        found = Pruned(len(ids), connection.scalar(of_them) or 0)
    if really:
        for start in range(0, len(ids), AT_A_TIME):
            with store.write() as connection:
                connection.execute(deliveries.delete().where(deliveries.c.id.in_(ids[start : start + AT_A_TIME])))
    return found
