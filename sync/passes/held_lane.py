"""The right to run passes, which `sync.service.lanes` alone gives."""

from sync.storage.lane_locks import LaneLock, lost


class HeldLane:
    """Says that nobody else runs passes on a lane, and that the ledger knows all that the CRM shows as done.

    `Reconciler.run` asks for it. It ends with the context manager that gave it.
    """

    def __init__(self, lock: LaneLock) -> None:
        self._lock = lock
        self._ended = False

    def end(self) -> None:
        """Take the right back: the lane is given up."""
        self._ended = True

    def require(self) -> None:
        """Raise `RuntimeError` if the lane has been given up, and `LaneLostError` if its lock was lost.

        The lock is lost with the connection to the database: another worker may run passes on the lane by then.
        """
        if self._ended:
            raise RuntimeError("the lane has been given up: no pass may run on it")
        if not self._lock.is_mine():
            raise lost(self._lock.name)
