"""A clock that stands until somebody sleeps."""

from datetime import UTC, datetime, timedelta


class StandingClock:
    """Time passes only by `sleep`, which is remembered."""

    def __init__(self, start: datetime = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)) -> None:
        self.moment = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)

    def shift(self, seconds: float) -> None:
        """Time passes, or somebody sets the clock."""
        self.moment += timedelta(seconds=seconds)
