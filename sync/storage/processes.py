"""Which processes of the service run, as they say themselves: one row a start, with its last sign of life."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, inspect, select

from sync.clock import from_ms, iso, to_ms
from sync.storage.tables import processes

KEPT_FOR = timedelta(days=7)
"""How long a process that is silent, or was ended, is remembered."""


class Part(StrEnum):
    """What a process does for the service."""

    WORKER = "worker"
    RECEIVER = "receiver"


@dataclass(frozen=True, slots=True)
class Process:
    """One start of a part. `ended_at` None: it was not told to end, so it runs or was cut off."""

    id: int
    part: Part
    pid: int
    host: str
    started_at: datetime
    beat_at: datetime  # its last sign of life
    ended_at: datetime | None
    busy_since: datetime | None  # since when it is at its present group of records; None: at none
    waits_for: str | None  # whom it waits for, in words; None: nobody
    mapping: str | None  # the digest of the mapping that it goes by; None: by none, or it is not known
    clock_ahead: timedelta | None  # how far its clock is ahead of its machine's, negative: behind; None: not known

    def __str__(self) -> str:
        return f"{self.part} (pid {self.pid} on {self.host})"

    def as_json(self) -> dict[str, object]:
        return {
            "part": self.part.value,
            "pid": self.pid,
            "host": self.host,
            "started_at": iso(self.started_at),
            "last_sign_of_life": iso(self.beat_at),
            "ended_at": iso(self.ended_at),
            "busy_since": iso(self.busy_since),
            "waits_for": self.waits_for,
            "mapping": self.mapping,
            "clock_ahead_seconds": None if self.clock_ahead is None else self.clock_ahead.total_seconds(),
        }


_ALL = select(processes).order_by(processes.c.started_at, processes.c.id)
_OLD = processes.delete().where(processes.c.beat_at < bindparam("before"))
_BEAT = (
    processes.update()
    .where(processes.c.id == bindparam("of_id"))
    .values(
        beat_at=bindparam("at"),
        busy_since=bindparam("busy"),
        waits_for=bindparam("waits"),
        clock_ahead=bindparam("ahead"),
    )
)
_END = processes.update().where(processes.c.id == bindparam("of_id")).values(ended_at=bindparam("at"))


def begin(connection: Connection, part: Part, pid: int, host: str, now: datetime, *, mapping: str | None = None) -> int:
    """Write down that a part starts, with the digest of the mapping that it goes by; the id of its row.

    Starts of long ago are forgotten.
    """
    connection.execute(_OLD, {"before": to_ms(now - KEPT_FOR)})
    at = to_ms(now)
    row = {"part": part.value, "pid": pid, "host": host, "started_at": at, "beat_at": at, "mapping": mapping}
    key = connection.execute(processes.insert().values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def beat(
    connection: Connection,
    id_: int,
    now: datetime,
    *,
    busy_since: datetime | None,
    waits_for: str | None,
    clock_ahead: timedelta | None = None,
) -> bool:
    """Write down a sign of life; False if the row is gone."""
    row = {
        "of_id": id_,
        "at": to_ms(now),
        "busy": None if busy_since is None else to_ms(busy_since),
        "waits": waits_for,
        "ahead": None if clock_ahead is None else clock_ahead // timedelta(milliseconds=1),
    }
    return connection.execute(_BEAT, row).rowcount == 1


def end(connection: Connection, id_: int, now: datetime) -> None:
    """Write down that it was told to end."""
    connection.execute(_END, {"of_id": id_, "at": to_ms(now)})


def forget(connection: Connection) -> None:
    """Forget every start: one that runs writes itself down again at its next sign of life. Any schema will do."""
    if inspect(connection).has_table(processes.name):  # an early version's has none
        connection.execute(processes.delete())


def find(connection: Connection) -> list[Process]:
    """List every start of the last days, the oldest first."""
    return [
        Process(
            id=row.id,
            part=Part(row.part),
            pid=row.pid,
            host=row.host,
            started_at=from_ms(row.started_at),
            beat_at=from_ms(row.beat_at),
            ended_at=None if row.ended_at is None else from_ms(row.ended_at),
            busy_since=None if row.busy_since is None else from_ms(row.busy_since),
            waits_for=row.waits_for,
            mapping=row.mapping,
            clock_ahead=None if row.clock_ahead is None else timedelta(milliseconds=row.clock_ahead),
        )
        for row in connection.execute(_ALL)
    ]
