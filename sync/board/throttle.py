"""Slows down whoever guesses passwords: after some failures no log-in is tried for a while, by any process of the board."""

import hashlib
from datetime import datetime, timedelta

from sync.storage import board_failures
from sync.storage.database import Store

WINDOW = timedelta(minutes=15)
"""How long a failure counts."""

OF_ONE = 5
"""Failures for one name within the window, after which it is not tried."""

OF_ALL = 100
"""Failures for all names together, after which none is tried: whoever guesses a password for many names is slow too."""


class Throttle:
    """Counts failed log-ins in the database: neither a start nor another process forgets them. Methods raise `StoreError`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def seconds_to_wait(self, name: str, now: datetime) -> int:
        """Tell for how long this name is not tried; 0: it may be tried now."""
        with self._store.read() as connection:
            failures = board_failures.since(connection, now - WINDOW)
        mine = [at for at, whose in failures if whose == _digest(name)]
        ends = []
        if len(mine) >= OF_ONE:
            ends.append(mine[-OF_ONE] + WINDOW)
        if len(failures) >= OF_ALL:
            ends.append(failures[-OF_ALL][0] + WINDOW)
        return max((int((end - now).total_seconds()) + 1 for end in ends), default=0)

    def failed(self, name: str, now: datetime) -> None:
        """Count one failure for this name, and forget those that count no more."""
        with self._store.write() as connection:
            board_failures.add(connection, _digest(name), now)
            board_failures.forget_before(connection, now - WINDOW)

    def succeeded(self, name: str) -> None:
        """Forget the failures for this name."""
        with self._store.write() as connection:
            board_failures.forget(connection, _digest(name))


def _digest(name: str) -> str:
    """What stands for a name: people type their passwords there too, and anything else."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
