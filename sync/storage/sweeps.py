"""The daily sweep: one row a day is the guarantee that the timer does it once."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, select, update

from sync.clock import from_ms, to_ms
from sync.storage.tables import sweeps
from sync.storage.upsert import insert_new, upsert


@dataclass(frozen=True, slots=True)
class DailySweep:
    """The sweep of one day."""

    started_at: datetime
    finished_at: datetime | None  # None: it is being done, or failed


_OF_DAY = select(sweeps).where(sweeps.c.day == bindparam("of_day"))
_BEGIN = insert_new(sweeps)
_FINISH = update(sweeps).where(sweeps.c.day == bindparam("of_day")).values(finished_at=bindparam("at"))
_RECORD = upsert(sweeps, lambda new: {"finished_at": new.finished_at})


def find(connection: Connection, day: date) -> DailySweep | None:
    """Read the sweep of a day; None: nobody has begun it."""
    row = connection.execute(_OF_DAY, {"of_day": day.isoformat()}).one_or_none()
    if row is None:
        return None
    return DailySweep(from_ms(row.started_at), None if row.finished_at is None else from_ms(row.finished_at))


def begin(connection: Connection, day: date, now: datetime) -> DailySweep:
    """Begin the sweep of a day, where nobody has, and return it as it stands."""
    connection.execute(_BEGIN, {"day": day.isoformat(), "started_at": to_ms(now), "finished_at": None})
    found = find(connection, day)
    assert found is not None
    return found


def finish(connection: Connection, day: date, now: datetime) -> None:
    """Mark the sweep of a day done, which was begun before."""
    connection.execute(_FINISH, {"of_day": day.isoformat(), "at": to_ms(now)})


def record(connection: Connection, day: date, now: datetime) -> None:
    """Mark the sweep of a day done, begun before or not: somebody has swept by hand."""
    connection.execute(_RECORD, {"day": day.isoformat(), "started_at": to_ms(now), "finished_at": to_ms(now)})
