"""One clock for all hosts: the database server's. Their own may differ by seconds, and the request budget by tenths."""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from sync.clock import Clock
from sync.errors import StoreError
from sync.storage.database import StoreReader

MEASURED_EVERY = 60.0
"""Seconds after which the difference is measured anew: clocks drift by less than a millisecond in that time."""

_NOW = text("SELECT clock_timestamp()")


class ServerClock:
    """The server's time: this host's clock, corrected by the difference as it was last measured.

    While the server cannot be asked the last difference stands; before it was ever asked there is none.
    """

    def __init__(self, store: StoreReader, own: Clock) -> None:
        self._store = store
        self._own = own
        self._ahead = timedelta()  # how far the server's clock is ahead of this host's
        self._measured: float | None = None  # by the monotonic clock; None: never

    def now(self) -> datetime:
        if self._measured is None or time.monotonic() - self._measured >= MEASURED_EVERY:
            self._measure()
        return self._own.now() + self._ahead

    def sleep(self, seconds: float) -> None:
        self._own.sleep(seconds)

    def _measure(self) -> None:
        self._measured = time.monotonic()  # before it: who cannot ask must not ask at every call
        try:
            with self._store.read() as connection:
                before = self._own.now()
                server = connection.scalar(_NOW)
                after = self._own.now()
        except StoreError:
            return
        assert isinstance(server, datetime)
        self._ahead = server.astimezone(UTC) - before - (after - before) / 2


def clock_for(store: StoreReader, own: Clock) -> Clock:
    """Choose the clock of a service on this database: a file's is its machine's own."""
    return ServerClock(store, own) if store.is_shared else own
