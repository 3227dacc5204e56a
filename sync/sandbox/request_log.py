"""What the API was asked: every call in order, counts by endpoint, and the busiest ten seconds."""

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

KEEP = 100_000
"""Calls kept in full; counts go on beyond."""


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """`endpoint` is method and path with the type's name and `{id}` for ids; `inputs` the size of a batch, else 1."""

    number: int
    at: datetime
    endpoint: str
    status: int
    inputs: int
    fault: str | None = None

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "at": self.at.isoformat()}


class RequestLog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[LoggedCall] = deque(maxlen=KEEP)
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._window: deque[float] = deque()
        self._total = 0
        self._busiest = 0

    def add(
        self, at: datetime, seconds: float, endpoint: str, status: int, inputs: int, fault: str | None, *, metered: bool
    ) -> None:
        with self._lock:
            self._calls.append(LoggedCall(self._total, at, endpoint, status, inputs, fault))
            self._total += 1
            self._counts[endpoint] += 1
            self._statuses[status] += 1
            if metered:
                self._window.append(seconds)
                while not seconds - 10 < self._window[0] <= seconds:
                    self._window.popleft()
                self._busiest = max(self._busiest, len(self._window))

    def mark(self) -> int:
        """A place in the log, for `since`."""
        return self._total

    def since(self, mark: int = 0) -> Sequence[LoggedCall]:
        """The calls after a mark, oldest first."""
        with self._lock:
            return [call for call in self._calls if call.number >= mark]

    def counts(self) -> dict[str, int]:
        """Calls by endpoint, most frequent first."""
        with self._lock:
            return dict(self._counts.most_common())

    def statuses(self) -> dict[int, int]:
        with self._lock:
            return dict(self._statuses)

    @property
    def total(self) -> int:
        return self._total

    @property
    def busiest_ten_seconds(self) -> int:
        """The most calls that counted against the ten-second limit, refused ones included, in any ten seconds."""
        return self._busiest
