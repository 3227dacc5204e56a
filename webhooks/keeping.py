"""One writer keeps the deliveries: all that wait at a moment are one commit, and each is answered after it.

Whoever delivers waits for a thread that may be held up by the database, and never longer than `WITHIN`: whatever the
database does, HubSpot has its answer before it gives up.
"""

import threading
from datetime import datetime
from time import sleep

from sync.errors import StoreError
from sync.storage.database import Store
from sync.storage.raw_deliveries import append

WITHIN = 4.0
"""Seconds after which a delivery that is not kept yet is given up. HubSpot gives up after 5, and sends it again."""

IDLE = 30.0
"""Seconds for which the writer waits for a delivery before it ends; the next one begins another."""


GATHERS = 0.002
"""Seconds for which the writer waits after a commit of several deliveries: whoever was answered together delivers the next
ones within that time, and they are one commit again. Alone, a delivery waits for nobody."""


class _Waiting:
    """A delivery on its way: its `done` is released once it is kept, or could not be (`error`)."""

    __slots__ = ("at", "body", "done", "error")

    def __init__(self, body: bytes, at: datetime) -> None:
        self.body = body
        self.at = at
        self.done = threading.Lock()
        self.done.acquire()
        self.error: Exception | None = None  # None: it is kept, or still waits


class Keeper:
    """Keeps deliveries for the threads of one process. It begins with the first of them, after any fork."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._arrived = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._writes = False  # whether the writer lives

    def keep(self, body: bytes, at: datetime) -> None:
        """Return once it is durable. Raises `StoreError` if that was not possible in time; it may still be kept then."""
        mine = _Waiting(body, at)
        with self._arrived:
            if not self._writes:  # it waits for the lock, and so cannot end before this is written down
                threading.Thread(target=self._write, name="keeping", daemon=True).start()
                self._writes = True  # after it has begun: where no thread is to be had, the next delivery tries again
            self._waiting.append(mine)
            self._arrived.notify()
        if not mine.done.acquire(timeout=WITHIN):
            self._give_up(mine)
            raise StoreError(f"the database has not taken it within {WITHIN:g} s")
        if mine.error is not None:
            raise mine.error

    def _give_up(self, mine: _Waiting) -> None:
        with self._arrived:
            if mine in self._waiting:  # else it is being written
                self._waiting.remove(mine)

    def _write(self) -> None:
        while taken := self._take():
            error: Exception | None = None
            try:
                with self._store.write() as connection:
                    append(connection, [(one.body, one.at) for one in taken])
            except Exception as failed:  # noqa: BLE001 - raised again by whoever waits for it
                error = failed
            for one in taken:
                one.error = error
                one.done.release()
            if len(taken) > 1:
                sleep(GATHERS)

    def _take(self) -> list[_Waiting]:
        """Take all that wait; nothing: none came for a while, and the writer ends."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting, IDLE)
            taken, self._waiting = self._waiting, []
            self._writes = bool(taken)
        return taken
