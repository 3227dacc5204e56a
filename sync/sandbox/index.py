"""The search index: what a search sees, which is the portal of some seconds ago (docs/hubspot.md 6.2)."""

from collections import deque
from collections.abc import Iterable, Iterator

from sync.sandbox.records import Record


class SearchIndex:
    """Keeps, for each record, the values that a search shows; a write is seen once the lag has passed."""

    def __init__(self, lag_seconds: float) -> None:
        self.lag_ms = round(lag_seconds * 1000)
        self._pending: deque[tuple[int, Record, tuple[dict[str, str], int] | None]] = deque()

    def note(self, record: Record, now: int) -> None:
        """Take the record's state of now; searches see it later."""
        state = None if record.archived_at is not None else (record.values, record.modified)
        if self.lag_ms == 0:
            record.index_values = state
        else:
            self._pending.append((now + self.lag_ms, record, state))

    def drop(self, record: Record) -> None:
        """Forget a record that was merged away."""
        record.index_values = None
        self._pending = deque(entry for entry in self._pending if entry[1] is not record)

    def catch_up(self, now: int) -> None:
        """Show what has waited long enough."""
        while self._pending and self._pending[0][0] <= now:
            _, record, state = self._pending.popleft()
            record.index_values = state

    def flush(self) -> None:
        """Show everything at once: for tests that are not about the lag."""
        while self._pending:
            _, record, state = self._pending.popleft()
            record.index_values = state

    @staticmethod
    def visible(records: Iterable[Record]) -> Iterator[tuple[Record, dict[str, str], int]]:
        """The records that a search can find, with the values and modification time it knows of them."""
        for record in records:
            if record.index_values is not None:
                yield record, *record.index_values
