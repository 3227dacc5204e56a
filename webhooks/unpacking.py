"""Deliveries → events and work: what follows the answer. A worker does it before it looks for work, a command too.

A receiver whose deliveries nobody unpacks does it itself: no worker may be up, or only one of a version that does not know
how. Several at a time do no harm: a delivery is unpacked by one transaction, which the second to come finds done.
"""

import traceback
from collections.abc import Callable
from datetime import timedelta
from threading import Event as Flag
from threading import Thread

import structlog

from sync.clock import Clock
from sync.errors import StoreError
from sync.failpoints import Failpoint, no_failpoint
from sync.log import Seldom
from sync.storage import inbox, raw_deliveries
from sync.storage.database import Store, refuses_values
from sync.storage.inbox import Unpacked
from sync.storage.raw_deliveries import Delivery
from webhooks.events import parse

AT_A_TIME = 10
"""Deliveries of one transaction: a receiver that keeps new ones must not wait long for its turn to write."""

BYTES_AT_A_TIME = 300_000
"""Their bytes, of which a parsed one takes some ten times as many in memory."""

OVERDUE = timedelta(seconds=5)
"""How long a receiver leaves it to others: a worker takes a fraction of a second, or as long as a group that it is at."""

LOOKS = 1.0
"""Seconds between two looks of a receiver at whether something is overdue: one small read."""

SAYS_MORE = "it is kept, and `handoffs dead` says more; what it tells of is found by the next poll or sweep"

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Unpacker:
    """Unpacks whatever waits to be."""

    def __init__(self, store: Store, clock: Clock, app_id: str | None, failpoint: Failpoint = no_failpoint) -> None:
        self._store = store
        self._clock = clock
        self._app_id = app_id  # by which own changes are known; None: by nothing
        self._failpoint = failpoint

    def run(self, stop: Callable[[], bool] = lambda: False) -> Unpacked:
        """Unpack all that waits, until `stop` says so; what it held. Raises `StoreError`: the rest waits on.

        One that cannot be unpacked is put aside by itself, and keeps no other from it.
        """
        total = Unpacked()
        while not stop():
            with self._store.read() as connection:
                waits = raw_deliveries.waiting(connection, AT_A_TIME, BYTES_AT_A_TIME)
            if not waits:
                break
            self._failpoint("unpacking")
            total += self._together(waits)
            self._failpoint("unpacked")
        if total.deliveries:
            _log.info("deliveries.unpacked", **{name: getattr(total, name) for name in ("deliveries", "events", "new")})
        return total

    def is_overdue(self) -> bool:
        """Whether something has waited longer than it would if anybody else unpacked. Raises `StoreError`."""
        with self._store.read() as connection:
            since = raw_deliveries.oldest(connection)
        return since is not None and not timedelta() <= self._clock.now() - since < OVERDUE

    def _together(self, waits: list[Delivery]) -> Unpacked:
        """Unpack these in one transaction; where one of them makes that fail, each in its own."""
        try:
            parsed = {one: parse(one.body) for one in waits}  # before others must wait for the transaction
            with self._store.write() as connection:
                return inbox.unpack(connection, parsed, self._clock.now(), self._app_id)
        except Exception as error:  # the boundary: one delivery must not stop the others
            if isinstance(error, StoreError) and not refuses_values(error):
                raise  # the database takes nothing now: whatever waits goes on waiting
            if len(waits) == 1:
                self._put_aside(waits[0], error)
                return Unpacked()
        total = Unpacked()
        for one in waits:
            total += self._together([one])
        return total

    def _put_aside(self, delivery: Delivery, error: Exception) -> None:
        told = "".join(traceback.format_exception(error))
        with self._store.write() as connection:
            mine = raw_deliveries.put_aside(connection, delivery, told)
        if mine:  # without the error's words: they may quote the delivery
            _log.error("delivery.put_aside", delivery=delivery.id, error=type(error).__name__, note=SAYS_MORE)


class StandIn:
    """A receiver's: unpacks what nobody else does, in a thread of its own, as long as the process lives."""

    def __init__(self, unpacker: Unpacker) -> None:
        self._unpacker = unpacker
        self._ended = Flag()
        self._fails = Seldom()

    def start(self) -> None:
        """Begin to look, again and again."""
        Thread(target=self._keep_looking, name="unpacking", daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def look(self) -> None:
        """Unpack what is overdue, if anything is. Raises nothing."""
        try:
            if self._unpacker.is_overdue():
                self._unpacker.run(self._ended.is_set)
            self._fails.over()
        except StoreError as error:
            if self._fails.is_due():
                _log.warning("deliveries.not_unpacked", error=str(error), note="they are kept, and it is tried again")
        except Exception:  # noqa: BLE001 # a thread that ended would be missed by nobody
            _log.exception("deliveries.not_unpacked")

    def _keep_looking(self) -> None:
        while not self._ended.wait(LOOKS):
            self.look()
