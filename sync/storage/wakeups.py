"""How a worker that has nothing to do learns that there is something.

On SQLite it looks into the work queue every half second: one small read of a file of its own machine. On PostgreSQL whoever
enqueues notifies (NOTIFY) in the same transaction, and the server tells every worker that listens once that is committed. A
notification that is lost, doubled or late does no harm: the work queue is what counts, and whoever waits looks into it
again after a while anyway.
"""

import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog
from sqlalchemy import Connection

from sync.errors import ConfigurationError
from sync.log import Seldom
from sync.storage.driver import driver

if TYPE_CHECKING:
    import psycopg

_CHANNEL: Final = "handoffs_work"

TICK: Final = 0.5
"""Seconds between two looks into SQLite's work queue while there is nothing to do."""

_WITHOUT_LISTENING: Final = 1.0
"""Seconds between two looks while the server cannot be listened to, and two tries to."""

_MEANWHILE: Final = "the work queue is looked into every second meanwhile"

log = structlog.get_logger()


def tell(connection: Connection) -> None:
    """Wake the workers once this transaction is committed, where they listen."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_notify('{_CHANNEL}', '')")


class Wakeups(Protocol):
    """One worker's. `wait` is for one thread, `wake` for any."""

    def wait(self, seconds: Callable[[], float]) -> None:
        """Wait until something was enqueued or somebody calls `wake`, so many seconds at the most. Raises nothing."""
        ...

    def wake(self) -> None:
        """Let `wait` return, now or at its next call."""
        ...

    def close(self) -> None:
        """Give up what it listens on."""
        ...


class Ticks:
    """Waits for a tick. It does not ask how long there is nothing to do: the next look costs no more than to ask."""

    def __init__(self) -> None:
        self._woken = Event()

    def wait(self, _seconds: Callable[[], float]) -> None:
        """Wait for a tick, or until somebody calls `wake`."""
        self._woken.wait(TICK)
        self._woken.clear()

    def wake(self) -> None:
        """Let `wait` return."""
        self._woken.set()

    def close(self) -> None:
        """Nothing is listened on."""


class Notifications:
    """Waits for a notification on a session of its own, which is opened again when it breaks.

    `connect` opens a session with the server; it goes past a pooler, where a session is another's after each commit.
    """

    def __init__(self, connect: "Callable[[], psycopg.Connection[Any]]") -> None:
        self._connect = connect
        self._session: psycopg.Connection[Any] | None = None  # None: not listening
        self._tried_at: float | None = None  # by the monotonic clock; None: not yet
        self._not_listening = Seldom()
        self._out, self._in = os.pipe()
        os.set_blocking(self._out, False)
        os.set_blocking(self._in, False)

    def wait(self, seconds: Callable[[], float]) -> None:
        """Wait for a notification or for `wake`; return at once where it began to listen only now: it may have missed one.

        `seconds` is asked when it already listens, so that nothing enqueued since then is missed.
        """
        if self._session is None:
            if self._listen():
                return
            self._wait_for([self._out], _WITHOUT_LISTENING)
            return
        try:
            if self._heard(self._session):
                return
            ready = self._wait_for([self._out, self._session.fileno()], max(0.0, seconds()))
            if self._session.fileno() in ready:
                self._heard(self._session)
        except (driver().Error, OSError, ValueError) as error:  # ValueError: a closed descriptor
            log.warning("wakeups.lost", error=" ".join(str(error).split()), note=_MEANWHILE)
            self._end()

    def wake(self) -> None:
        """Let `wait` return."""
        with suppress(OSError):  # full: it returns anyway; closed: nobody waits
            os.write(self._in, b".")

    def close(self) -> None:
        """End the session, for good; once more does nothing."""
        self._end()
        ends, self._out, self._in = (self._out, self._in), -1, -1  # their numbers may soon be another file's
        for descriptor in ends:
            if descriptor >= 0:
                os.close(descriptor)

    def _listen(self) -> bool:
        """Begin to listen; whether it did. After a failure it is not tried again for a second."""
        now = time.monotonic()
        if self._tried_at is not None and now - self._tried_at < _WITHOUT_LISTENING:
            return False
        self._tried_at = now
        try:
            self._session = self._connect()
            self._session.autocommit = True
            self._session.execute("SET idle_session_timeout = 0")  # it says nothing for hours
            self._session.execute(f"LISTEN {_CHANNEL}")
        except (driver().Error, ConfigurationError) as error:
            if self._not_listening.is_due():
                log.warning("wakeups.not_listening", error=" ".join(str(error).split()), note=_MEANWHILE)
            self._end()
            return False
        self._not_listening.over()
        return True

    @staticmethod
    def _heard(session: "psycopg.Connection[Any]") -> bool:
        """Take all notifications that have come. Raises the driver's errors where the session broke."""
        return bool(list(session.notifies(timeout=0)))

    def _wait_for(self, descriptors: list[int], seconds: float) -> list[int]:
        ready, _, _ = select.select(descriptors, [], [], seconds)
        if self._out in ready:
            os.read(self._out, 4096)
        return ready

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
