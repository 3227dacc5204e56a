"""Can the service do its work? Asked of the database only, so that receiver and `status` give the same answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, func, not_, select

from sync.clock import to_ms
from sync.errors import StoreError
from sync.storage import service_state
from sync.storage.database import StoreReader
from sync.storage.service_state import Entry
from sync.storage.tables import work_items

OLDEST_ALLOWED = timedelta(minutes=15)
SWEEP_WITHIN = timedelta(hours=26)  # a day, and two hours for a sweep that is late or long


@dataclass(frozen=True, slots=True)
class Backlog:
    """The dirty rows, each counted once: parked, else held, else due, else waiting for its moment."""

    due: int
    oldest_seconds: float  # how long the oldest due row has been due; 0 if none is
    parked: int
    held: int
    waiting: int


def backlog(connection: Connection, now: datetime) -> Backlog:
    """What there is to look at, from the dirty table.

    A row's age counts from when it became due: one that backs off after a failure is not old, it waits.
    """
    parked = work_items.c.parked_at.is_not(None)
    held = and_(not_(parked), work_items.c.held_effects.is_not(None))
    free = and_(not_(parked), not_(held))
    due = and_(free, work_items.c.look_at <= to_ms(now))
    since = case((work_items.c.look_at > work_items.c.marked_at, work_items.c.look_at), else_=work_items.c.marked_at)
    row = connection.execute(
        select(
            _count(due).label("due"),
            func.min(case((due, since))).label("oldest"),
            _count(parked).label("parked"),
            _count(held).label("held"),
            _count(and_(free, not_(due))).label("waiting"),
        )
    ).one()
    seconds = 0.0 if row.oldest is None else max(0, to_ms(now) - int(row.oldest)) / 1000
    return Backlog(int(row.due), seconds, int(row.parked), int(row.held), int(row.waiting))


def readiness(store: StoreReader, now: datetime) -> list[str]:
    """Why the service cannot do its whole work now, in words for its admin; empty: it can."""
    try:
        with store.read() as connection:
            found = backlog(connection, now)
            started = service_state.get(connection, service_state.STARTED_AT)
            swept = service_state.get(connection, service_state.LAST_SWEEP)
            refused = service_state.get(connection, service_state.TOKEN_REFUSED)
            missing = service_state.get(connection, service_state.TASK_PROPERTY_MISSING)
            misfit = service_state.get(connection, service_state.MAPPING_MISFIT)
    except StoreError as error:
        return [f"database: {error}"]
    reasons = []
    if refused is not None:
        reasons.append("token refused: HubSpot does not accept HUBSPOT_ACCESS_TOKEN; webhooks are still stored")
    if missing is not None:
        reasons.append("task property missing: run `handoffs setup --apply`")
    if misfit is not None:
        reasons.append(f"the mapping does not fit the portal: {misfit}")
    if found.oldest_seconds > OLDEST_ALLOWED.total_seconds():
        minutes = int(found.oldest_seconds // 60)
        reasons.append(
            f"backlog too old: {found.due} records are due, the oldest for {minutes} minutes; is a worker up?"
        )
    # A service that has just started, or was off for days, is given its time to sweep.
    since = max((at for at in (started, swept) if at is not None), default=None)
    if since is not None and now - since > SWEEP_WITHIN:
        hours = (now - since) // timedelta(hours=1)
        reasons.append(f"no sweep for {hours} hours: is a worker up? `handoffs sweep` does one now")
    return reasons


def refusals(connection: Connection) -> dict[Entry[str | None], bool]:
    """Tell of each reason why no pass can run at all whether it stands."""
    return {entry: service_state.get(connection, entry) is not None for entry in service_state.REFUSALS}


def sweep_overdue(connection: Connection, now: datetime) -> timedelta:
    """How long the daily sweep is late; nothing while it is not, or before the first start."""
    since = service_state.get(connection, service_state.LAST_SWEEP)
    since = since or service_state.get(connection, service_state.STARTED_AT)
    return timedelta(0) if since is None else max(timedelta(0), now - since - SWEEP_WITHIN)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))
