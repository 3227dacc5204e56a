"""Can the service do its work? Asked of the database only, so that receiver and `status` give the same answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, func, not_, select

from sync.clock import to_ms
from sync.errors import StoreError
from sync.storage.database import Store
from sync.storage.service_state import get_fact
from sync.storage.tables import work_items

# Facts, each the name of one value of the service's state. A moment is written in milliseconds since the epoch.
STARTED_AT = "started_at"
LAST_SWEEP = "last_sweep"
LAST_POLL = "last_poll"
LAST_WEBHOOK = "last_webhook"
# Set to anything but '' or '0' while it is so; a worker that finds it healed writes ''.
TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of a fact
TASK_PROPERTY_MISSING = "task_property_missing"
MAPPING_MISFIT = "mapping_misfit"
REFUSALS = (TOKEN_REFUSED, TASK_PROPERTY_MISSING, MAPPING_MISFIT)
"""Why no pass can run at all; each the error's own words while it is so."""

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


def moment(connection: Connection, name: str) -> int | None:
    """A fact that is a moment, in ms; None where it was never set."""
    value = get_fact(connection, name)
    return int(value) if value is not None and value.isdecimal() else None


def readiness(store: Store, now: datetime) -> list[str]:
    """Why the service cannot do its whole work now, in words for its admin; empty: it can."""
    try:
        with store.read() as connection:
            found = backlog(connection, now)
            started, swept = moment(connection, STARTED_AT), moment(connection, LAST_SWEEP)
            refused, missing = _is_set(connection, TOKEN_REFUSED), _is_set(connection, TASK_PROPERTY_MISSING)
            misfit = get_fact(connection, MAPPING_MISFIT) if _is_set(connection, MAPPING_MISFIT) else None
    except StoreError as error:
        return [f"database: {error}"]
    reasons = []
    if refused:
        reasons.append("token refused: HubSpot does not accept HUBSPOT_ACCESS_TOKEN; webhooks are still stored")
    if missing:
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
    if since is not None and to_ms(now) - since > SWEEP_WITHIN // timedelta(milliseconds=1):
        hours = (to_ms(now) - since) // 3_600_000
        reasons.append(f"no sweep for {hours} hours: is a worker up? `handoffs sweep` does one now")
    return reasons


def refusals(connection: Connection) -> dict[str, bool]:
    """Which of the refusals stand."""
    return {name: _is_set(connection, name) for name in REFUSALS}


def sweep_overdue(connection: Connection, now: datetime) -> timedelta:
    """How long the daily sweep is late; nothing while it is not, or before the first start."""
    started, swept = moment(connection, STARTED_AT), moment(connection, LAST_SWEEP)
    since = swept if swept is not None else started
    if since is None:
        return timedelta(0)
    return max(timedelta(0), timedelta(milliseconds=to_ms(now) - since) - SWEEP_WITHIN)


def _is_set(connection: Connection, fact: str) -> bool:
    return get_fact(connection, fact) not in {None, "", "0"}


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))
