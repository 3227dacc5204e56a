"""A process's signs of life: it writes into the database, again and again, that it runs, and what it is at."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread

import structlog

from sync.clock import Clock, SystemClock
from sync.errors import StoreError
from sync.observe.running import is_live
from sync.storage import processes
from sync.storage.database import Connection, Store
from sync.storage.processes import Part, Process

EVERY = timedelta(seconds=20)
"""How often a sign of life is written: one short transaction."""

LOOKS = 1.0
"""Seconds between two looks at the clock, which a rehearsal moves by days."""

ENDS_WITHIN = 1.0
"""Seconds that the end waits for the thread that beats."""

log = structlog.get_logger()


class Heartbeat:
    """One process's. A database that does not take it is logged, and raises nothing: silence says enough.

    `mapping` is the digest of the mapping that the process goes by; None: by none. `machine` is the machine's own clock,
    which in a rehearsal is not the one that the service goes by.
    `busy_since` and `waits_for` are set by whoever does the work, and stand in its next sign of life.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        part: Part,
        *,
        mapping: str | None = None,
        machine: Clock | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._part = part
        self._mapping = mapping
        self._machine = machine or SystemClock()
        self._pid = os.getpid()
        self._host = socket.gethostname()
        self._stop = Event()
        self._id: int | None = None  # None: not written down yet
        self._beat_at: tuple[datetime, datetime] | None = None  # by the clock, and by the machine's
        self._others: set[int] = set()  # of this part, told of already
        self.busy_since: datetime | None = None  # None: at no group of records
        self.waits_for: str | None = None  # None: for nobody

    @contextmanager
    def running(self) -> Iterator["Heartbeat"]:
        """Beat in a thread of its own, so that a pass that takes its time is not taken for dead; end in the end."""
        thread = self.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(ENDS_WITHIN)
            self.end()

    def start(self) -> Thread:
        """Beat in a thread of its own until the process ends."""
        self.beat_if_due()
        thread = Thread(target=self._keep_beating, name="heartbeat", daemon=True)
        thread.start()
        return thread

    def beat_if_due(self) -> None:
        """Write a sign of life if the last one is old enough, by the clock or by the machine's: a rehearsal's may stand still."""
        now, on_machine = self._clock.now(), self._machine.now()
        last = self._beat_at
        if last is None or not all(timedelta() <= a - b < EVERY for a, b in zip((now, on_machine), last, strict=True)):
            self._beat_at = now, on_machine
            self._noted(now, now - on_machine)

    def tell_of_others(self) -> None:
        """Log each other process that does the same on this machine's database, before this one begins. Raises `StoreError`."""
        with self._store.read() as connection:
            found = processes.find(connection)
        self._tell_of_others(found, self._clock.now())

    def end(self) -> None:
        """Write down that it was told to end: from now on nobody is to expect a sign of life."""
        self._stop.set()
        if self._id is None:
            return
        try:
            with self._store.write() as connection:
                processes.end(connection, self._id, self._clock.now())
        except StoreError as error:
            log.warning("heartbeat.end_not_noted", part=self._part, error=str(error))

    def _keep_beating(self) -> None:
        while not self._stop.wait(LOOKS):
            try:
                self.beat_if_due()
            except Exception:  # a thread that ended would look like a dead process
                log.exception("heartbeat.failed", part=self._part)

    def _noted(self, now: datetime, clock_ahead: timedelta) -> None:
        try:
            with self._store.write() as connection:
                if self._id is None or not self._beat(connection, self._id, now, clock_ahead):
                    self._id = processes.begin(
                        connection, self._part, self._pid, self._host, now, mapping=self._mapping
                    )
                    self._beat(connection, self._id, now, clock_ahead)
                found = processes.find(connection)
        except StoreError as error:
            log.warning("heartbeat.not_noted", part=self._part, error=str(error))
        else:
            self._tell_of_others(found, now)

    def _beat(self, connection: Connection, id_: int, now: datetime, clock_ahead: timedelta) -> bool:
        return processes.beat(
            connection,
            id_,
            now,
            busy_since=self.busy_since,
            waits_for=self.waits_for,
            clock_ahead=clock_ahead,
        )

    def _tell_of_others(self, found: list[Process], now: datetime) -> None:
        """Log each other process that does the same on this database, once; on a server's there may be any number."""
        if self._store.is_shared:
            return
        for other in found:
            mine = other.part is not self._part or other.id == self._id or other.id in self._others
            if mine or not is_live(other, now) or self._is_dead(other):
                continue
            self._others.add(other.id)
            log.warning(
                f"{self._part}.another",
                pid=other.pid,
                host=other.host,
                since=f"{other.started_at:%Y-%m-%d %H:%M:%S} UTC",
                note="it works on the same database: nothing is done twice, but one of the two is enough; end one",
            )

    def _is_dead(self, other: Process) -> bool:
        """Whether it ran on this machine, and no process has its number any more, or this one has."""
        if other.host != self._host:
            return False
        if other.pid == self._pid:
            return True
        try:
            os.kill(other.pid, 0)  # asks, and sends nothing
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False
