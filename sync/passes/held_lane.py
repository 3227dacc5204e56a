"""The right to run passes, which `sync.service.lanes` alone gives.

A pass works in one lane. Where a record was merged, or a ticket has moved, what was begun for it may stand in another lane,
and another worker may be in the middle of it: then the pass takes that lane too, until it is through, or puts the record off.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from sync.storage.lane_locks import LaneLock, LocksTogether, lost

PATIENCE: Final = 5.0
"""Seconds that a pass waits for a lane that it needs too. Only for one of a higher number: two can never wait for each other."""

AGAIN: Final = timedelta(seconds=2)
"""When a record is looked at again that waits for another lane's pass."""

LockOf = Callable[[int], LaneLock]
"""Gives the lock of a lane, for one holding."""


class HeldLane:
    """Says that nobody else runs passes on a lane, and that the ledger knows all that the CRM shows as done.

    `Reconciler.run` asks for it. It ends with the context manager that gave it. `number`: the lane's; None: all lanes are
    held. `count`: how many lanes there are, which does not change meanwhile.
    """

    def __init__(self, locks: LocksTogether, number: int | None, count: int, lock_of: LockOf) -> None:
        self._locks = locks
        self.number = number
        self.count = count
        self._lock_of = lock_of
        self._more: dict[int, LaneLock] = {}
        self._ended = False

    @property
    def is_alone(self) -> bool:
        """Whether no other pass can run meanwhile, in whatever lane."""
        return self.number is None or self.count == 1

    def lacking(self, lanes: Iterable[int]) -> set[int]:
        """Those of these lanes that are not held."""
        return set() if self.is_alone else set(lanes) - {self.number} - self._more.keys()

    def take_too(self, lanes: Iterable[int]) -> set[int]:
        """Take these lanes too, until `only_own`; those of them that are still not held, because another worker has them.

        Raises `StoreError`.
        """
        for lane in sorted(self.lacking(lanes)):
            lock = self._lock_of(lane)
            try:
                taken = lock.take(PATIENCE if self._is_above(lane) else 0.0)
            except BaseException:
                lock.free()
                raise
            if taken:
                self._more[lane] = lock
                self._locks.add(lock)
            else:
                lock.free()
        return self.lacking(lanes)

    def _is_above(self, lane: int) -> bool:
        """Whether it has a higher number than every lane that is held."""
        return self.number is not None and lane > max(self.number, *self._more, self.number)

    def only_own(self) -> None:
        """Give up what was taken too."""
        while self._more:
            _, lock = self._more.popitem()
            self._locks.remove(lock)
            lock.free()

    def end(self) -> None:
        """Take the right back: the lane is given up."""
        self.only_own()
        self._ended = True

    def require(self) -> None:
        """Raise `RuntimeError` if the lane has been given up, and `LaneLostError` if its lock was lost.

        The lock is lost with the connection to the database: another worker may run passes on the lane by then.
        """
        if self._ended:
            raise RuntimeError("the lane has been given up: no pass may run on it")
        if not self._locks.is_mine():
            raise lost(self._locks.name)
