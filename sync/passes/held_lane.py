"""The right to run passes, which `sync.service.lanes` alone gives."""


class HeldLane:
    """Says that nobody else runs passes on a lane, and that the ledger knows all that the CRM shows as done.

    `Reconciler.run` asks for it. It ends with the context manager that gave it.
    """

    def __init__(self) -> None:
        self._ended = False

    def end(self) -> None:
        """Take the right back: the lane is given up."""
        self._ended = True

    def require(self) -> None:
        """Raise `RuntimeError` if the lane has been given up."""
        if self._ended:
            raise RuntimeError("the lane has been given up: no pass may run on it")
