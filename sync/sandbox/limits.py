"""Rate limits (docs/hubspot.md 8.1): 190 calls per 10 s, 5 searches per s, a daily allowance."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Meter = Literal["calls", "search", "associations"]
"""What a call counts against: the ten-second window, the search rate, or the daily allowance alone."""
Policy = Literal["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"]


@dataclass(frozen=True, slots=True)
class Budget:
    """`enabled=False` counts, but refuses nothing."""

    per_ten_seconds: int = 190
    searches_per_second: int = 5
    per_day: int = 1_000_000
    enabled: bool = True


class RateLimiter:
    """Counts what was let through; what was refused costs nothing."""

    def __init__(self, budget: Budget, seconds: Callable[[], float]) -> None:
        self.budget = budget
        self._seconds = seconds
        self._calls: deque[float] = deque()
        self._searches: deque[float] = deque()
        self._day = 0
        self._today = 0

    def take(self, meter: Meter) -> Policy | None:
        """Count one call; the policy that refuses it, or None."""
        now = self._seconds()
        self._forget(now)
        if self.budget.enabled:
            if self._today >= self.budget.per_day:
                return "DAILY"
            if meter == "calls" and len(self._calls) >= self.budget.per_ten_seconds:
                return "TEN_SECONDLY_ROLLING"
            if meter == "search" and len(self._searches) >= self.budget.searches_per_second:
                return "SECONDLY"
        self._today += 1
        if meter == "calls":
            self._calls.append(now)
        elif meter == "search":
            self._searches.append(now)
        return None

    def headers(self, meter: Meter) -> dict[str, str]:
        """The rate limit headers of an answer; search sends none."""
        if meter == "search":
            return {}
        budget = self.budget
        return {
            "X-HubSpot-RateLimit-Max": str(budget.per_ten_seconds),
            "X-HubSpot-RateLimit-Remaining": str(max(0, budget.per_ten_seconds - len(self._calls))),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily": str(budget.per_day),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, budget.per_day - self._today)),
        }

    def _forget(self, now: float) -> None:
        """Drop what is out of the windows, and what lies ahead: another clock counted it (`VirtualClock.run`)."""
        while self._calls and not now - 10 < self._calls[0] <= now:
            self._calls.popleft()
        while self._searches and not now - 1 < self._searches[0] <= now:
            self._searches.popleft()
        day = int(now // 86_400)
        if day != self._day:
            self._day, self._today = day, 0
