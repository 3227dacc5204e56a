"""Can the service do its work? Asked of the database only, so that receiver and `status` give the same answer."""

from datetime import datetime, timedelta

from sync.errors import StoreError
from sync.storage import service_state, work_queue
from sync.storage.database import Connection, StoreReader
from sync.storage.service_state import Entry

OLDEST_ALLOWED = timedelta(minutes=15)
SWEEP_WITHIN = timedelta(hours=26)  # a day, and two hours for a sweep that is late or long


def readiness(store: StoreReader, now: datetime) -> list[str]:
    """Tell why the service cannot do its whole work now, a line for its admin each; empty: it can."""
    try:
        with store.read() as connection:
            found = work_queue.backlog(connection, now)
            started = service_state.get(connection, service_state.STARTED_AT)
            swept = service_state.get(connection, service_state.LAST_SWEEP)
            refused = service_state.get(connection, service_state.TOKEN_REFUSED)
            missing = service_state.get(connection, service_state.TASK_PROPERTY_MISSING)
            misfit = service_state.get(connection, service_state.MAPPING_MISFIT)
            elsewhere = service_state.get(connection, service_state.WRONG_PORTAL)
    except StoreError as error:
        return [f"database: {error}"]
    reasons = []
    if refused is not None:
        reasons.append("token refused: HubSpot does not accept HUBSPOT_ACCESS_TOKEN; webhooks are still stored")
    if missing is not None:
        reasons.append("task property missing: run `handoffs setup --apply`")
    if misfit is not None:
        reasons.append(f"the mapping does not fit the portal: {misfit}")
    if elsewhere is not None:
        reasons.append(f"another portal's token: {elsewhere}")
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
    """Tell how long the daily sweep is late; nothing while it is not, or before the first start."""
    since = service_state.get(connection, service_state.LAST_SWEEP)
    since = since or service_state.get(connection, service_state.STARTED_AT)
    return timedelta(0) if since is None else max(timedelta(0), now - since - SWEEP_WITHIN)
