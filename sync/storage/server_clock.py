"""One clock for all hosts: the database server's. Their own may differ by seconds, and the request budget by tenths."""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from sync.clock import Clock
from sync.errors import StoreError
from sync.storage.database import StoreReader

MEASURED_EVERY = 60.0
"""Seconds after which the difference is measured anew: clocks drift by less than a millisecond in that time."""

ASKED_AGAIN_AFTER = 5.0
"""Seconds after which a server that did not answer is asked again."""

_NOW = text("SELECT clock_timestamp()")
_BEGUN = text("SELECT 1")  # the first statement of a transaction takes longer, and would be taken for the way


class ServerClock:
    """The server's time: this host's clock, corrected by the difference as it was last measured.

    While the server cannot be asked the last difference stands; before it was ever asked there is none.
    """

    def __init__(self, store: StoreReader, own: Clock) -> None:
        self._store = store
        self._own = own
        self._ahead = timedelta()  # how far the server's clock is ahead of this host's
        self._next = 0.0  # when it is measured next, by the monotonic clock

    def now(self) -> datetime:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + ASKED_AGAIN_AFTER  # before it: who cannot ask must not ask at every call
            try:
                with self._store.read() as connection:
                    connection.execute(_BEGUN)
                    self.now_in(connection)
            except StoreError:
                pass
        return self._own.now() + self._ahead

    def now_in(self, connection: Connection) -> datetime:
        """Ask the server in this transaction: of two that wait for each other the later one is given the later moment."""
        before = self._own.now()
        server = connection.scalar(_NOW)
        assert isinstance(server, datetime)
        after = self._own.now()
        self._ahead = server.astimezone(UTC) - before - (after - before) / 2
        self._next = time.monotonic() + MEASURED_EVERY
        return server.astimezone(UTC)

    def sleep(self, seconds: float) -> None:
        self._own.sleep(seconds)


def moment_in(connection: Connection, clock: Clock) -> datetime:
    """The present moment in a transaction: of a server's clock that which the server says, not what is reckoned of it."""
    return clock.now_in(connection) if isinstance(clock, ServerClock) else clock.now()


def clock_for(store: StoreReader, own: Clock) -> Clock:
    """Choose the clock of a service on this database: a file's is its machine's own."""
    return ServerClock(store, own) if store.is_shared else own
