"""How many requests to the CRM were made in each hour of late, by bucket, as a worker notes it every few minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, bindparam, select

from sync.clock import from_ms, to_ms
from sync.storage import budget
from sync.storage.tables import budget_hours
from sync.storage.upsert import upsert

KEPT = timedelta(days=8)
"""How long an hour is kept."""

_HOUR_MS = 3_600_000

_NOTE = upsert(budget_hours)
_FORGET = budget_hours.delete().where(budget_hours.c.hour < bindparam("before"))
_FOUND = (
    select(budget_hours)
    .where(budget_hours.c.hour >= bindparam("first"))
    .order_by(budget_hours.c.hour, budget_hours.c.name)
)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour, by its beginning, and the requests made in it by bucket; None: nobody noted them."""

    began: datetime
    used: Mapping[str, int] | None

    @property
    def sum(self) -> int | None:
        """The requests of all buckets together."""
        return None if self.used is None else sum(self.used.values())


def note(connection: Connection, now: datetime) -> None:
    """Note how many requests were ever made, as of this hour, and forget the hours that are not kept any more."""
    hour = to_ms(now) // _HOUR_MS
    rows = [{"hour": hour, "name": name, "used": used} for name, used in budget.used(connection).items()]
    if rows:
        connection.execute(_NOTE, rows)
    connection.execute(_FORGET, {"before": to_ms(now - KEPT) // _HOUR_MS})


def find(connection: Connection, now: datetime, hours: int) -> list[Hour]:
    """Tell the last so many hours, this one last. An hour of which nothing was noted counts in the next one that was."""
    last = to_ms(now) // _HOUR_MS
    noted: dict[int, dict[str, int]] = {}
    for row in connection.execute(_FOUND, {"first": to_ms(now - KEPT) // _HOUR_MS}):
        noted.setdefault(row.hour, {})[row.name] = row.used
    made = {
        hour: {name: max(0, used - noted[before].get(name, 0)) for name, used in noted[hour].items()}
        for before, hour in pairwise(noted)
    }
    return [Hour(from_ms(hour * _HOUR_MS), made.get(hour)) for hour in range(last - hours + 1, last + 1)]
