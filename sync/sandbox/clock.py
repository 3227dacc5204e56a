"""Virtual time: the sandbox's own clock, still until moved, or running with an offset."""

import threading
import time
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """A `sync.clock.Clock` that tests, people and the control API can move forward, never back.

    Manual: `now()` moves only by `advance`, `set` and `sleep`. Ticking: real time plus an offset that `advance`
    and `set` change, while `sleep` really sleeps.
    """

    def __init__(self, start: datetime | None = None, *, ticking: bool = False) -> None:
        real = datetime.now(UTC)
        begin = real if start is None else _aware(start)
        self._lock = threading.Lock()
        self._ticking = ticking
        self._offset = begin - real
        self._now = begin

    @classmethod
    def manual(cls, start: datetime) -> "VirtualClock":
        return cls(start)

    @classmethod
    def running(cls, start: datetime | None = None) -> "VirtualClock":
        """A ticking clock; without `start` it shows real time."""
        return cls(start, ticking=True)

    @property
    def ticking(self) -> bool:
        return self._ticking

    @property
    def offset(self) -> timedelta:
        """What a ticking clock adds to the machine's own: with it another process shows the very same time."""
        return self._offset

    def now(self) -> datetime:
        if self._ticking:
            return datetime.now(UTC) + self._offset
        return self._now

    def sleep(self, seconds: float) -> None:
        if self._ticking:
            time.sleep(seconds)
        else:
            self.advance(timedelta(seconds=max(0.0, seconds)))

    def seconds(self) -> float:
        """A monotonic reading for rate limits: real seconds when ticking, virtual ones when manual."""
        return time.monotonic() if self._ticking else self._now.timestamp()

    def now_seconds(self) -> float:
        """Virtual time as seconds since the epoch."""
        return self.now().timestamp()

    def advance(self, delta: timedelta) -> datetime:
        """Move forward by `delta`; the new now. Raises `ValueError` for a negative step."""
        if delta < timedelta(0):
            raise ValueError("the clock moves forward only")
        with self._lock:
            self._offset += delta
            self._now += delta
        return self.now()

    def set(self, moment: datetime) -> datetime:
        """Move forward to `moment`; the new now. Raises `ValueError` for a moment that has passed."""
        return self.advance(_aware(moment) - self.now())

    def freeze(self) -> None:
        """Stand still from now on."""
        with self._lock:
            if self._ticking:
                self._now = datetime.now(UTC) + self._offset
                self._ticking = False

    def run(self) -> None:
        """Tick from now on."""
        with self._lock:
            if not self._ticking:
                self._offset = self._now - datetime.now(UTC)
                self._ticking = True


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC)
