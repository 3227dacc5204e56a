"""Slows down whoever guesses passwords: after some failures no log-in is tried for a while."""

from collections import deque
from datetime import datetime, timedelta
from threading import Lock

WINDOW = timedelta(minutes=15)
"""How long a failure counts."""

OF_ONE = 5
"""Failures for one name within the window, after which it is not tried."""

OF_ALL = 100
"""Failures for all names together, after which none is tried: whoever guesses a password for many names is slow too."""


class Throttle:
    """Counts failed log-ins. It is kept in this process alone: a start forgets it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures: deque[tuple[datetime, str]] = deque(maxlen=OF_ALL)

    def seconds_to_wait(self, name: str, now: datetime) -> int:
        """Tell for how long this name is not tried; 0: it may be tried now."""
        with self._lock:
            while self._failures and self._failures[0][0] <= now - WINDOW:
                self._failures.popleft()
            mine = [at for at, whose in self._failures if whose == name]
            ends = []
            if len(mine) >= OF_ONE:
                ends.append(mine[-OF_ONE] + WINDOW)
            if len(self._failures) >= OF_ALL:
                ends.append(self._failures[0][0] + WINDOW)
            return max((int((end - now).total_seconds()) + 1 for end in ends), default=0)

    def failed(self, name: str, now: datetime) -> None:
        """Count one failure for this name."""
        with self._lock:
            self._failures.append((now, name))

    def succeeded(self, name: str) -> None:
        """Forget the failures for this name."""
        with self._lock:
            self._failures = deque((one for one in self._failures if one[1] != name), maxlen=OF_ALL)
