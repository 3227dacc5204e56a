"""Lanes: each is drained under its lock, so that workers and commands share the work safely, whatever their host."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from sync.passes.held_lane import HeldLane
from sync.service import holder
from sync.service.holder import OnWait
from sync.storage import service_state, work_queue
from sync.storage.database import Store, StoreReader
from sync.storage.lane_locks import LaneLock, LocksTogether

log = structlog.get_logger()

STOP_POLL = 0.2
"""How often a command that waits for a lane asks whether it should stop, in seconds."""

SHARED_LANES = 4
"""How many lanes there are on PostgreSQL where LANES was never set: so many workers can pass at the same time."""

EVERY = -1
"""The number by which whoever waits for all lanes is told of."""


def never() -> bool:
    """Never stop: for a caller that waits for as long as it takes."""
    return False


def number_of_lanes(store: StoreReader) -> int:
    """Read how many lanes there are now. Raises `StoreError`."""
    with store.read() as connection:
        return work_queue.lanes(connection)


class Lanes:
    """The lanes of one database: each is drained by one worker at a time, whatever its process and host."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def held(
        self, lane: int, stop: Callable[[], bool], on_wait: OnWait = holder.say, *, patient: bool = True
    ) -> Iterator[LaneLock | None]:
        """Wait for the lane and hold it; None if `stop` said so first. A dead process frees its lane at once.

        A frozen one keeps it: `on_wait` is told for whom one waits. Without patience nobody waits: where another has the
        lane `on_wait` is told at once, and the answer is None. Raises `StoreError` where the lock cannot be had at
        all. Passes hold a lane by `PreparedLanes`.
        """
        lock = self._store.lane_lock(lane)
        try:
            yield lock if (_wait if patient else _try)(lock, lane, stop, on_wait) else None
        finally:
            lock.free()

    @contextmanager
    def every(self, stop: Callable[[], bool] = never, on_wait: OnWait = holder.say) -> Iterator[LaneLock | None]:
        """Hold all lanes, so that no pass runs meanwhile in this process or in another; otherwise as `held`."""
        while True:
            count = number_of_lanes(self._store)
            lock = self._store.every_lane_lock(count)
            try:
                mine = _wait(lock, 0 if count == 1 else EVERY, stop, on_wait)
                if mine and number_of_lanes(self._store) != count:
                    continue  # it was changed while this waited: there are others by now
                yield lock if mine else None
                return
            finally:
                lock.free()


def _wait(lock: LaneLock, lane: int, stop: Callable[[], bool], on_wait: OnWait) -> bool:
    began = time.monotonic()
    said_at = began - holder.SAID_AGAIN_AFTER
    while not stop():
        if lock.take(STOP_POLL):
            return True
        now = time.monotonic()
        if now - began >= holder.FIRST_SAID_AFTER and now - said_at >= holder.SAID_AGAIN_AFTER:
            said_at = now
            on_wait(lane, lock.holder(), now - began)
    return False


def _try(lock: LaneLock, lane: int, stop: Callable[[], bool], on_wait: OnWait) -> bool:
    if stop():
        return False
    if lock.take(0):
        return True
    on_wait(lane, lock.holder(), 0.0)
    return False


@contextmanager
def every_lane_held(store: Store, stop: Callable[[], bool] = never) -> Iterator[bool]:
    """Hold all lanes, so that no pass runs meanwhile in this process or in another; False if `stop` said so first."""
    with Lanes(store).every(stop) as lock:
        yield lock is not None


def set_number(
    store: Store, wanted: int | None, stop: Callable[[], bool] = never, on_wait: OnWait = holder.say
) -> None:
    """Let there be so many lanes from now on (`LANES`), unless `stop` says so first; None: as many as there are.

    Where nobody has ever said how many, a database that several hosts share has `SHARED_LANES`. No pass runs meanwhile,
    and every record has its new lane before the next one: so no two passes of a record overlap. `on_wait` is told for whom
    one waits until then. Raises `StoreError`.
    """
    with store.read() as connection:
        known = service_state.get(connection, service_state.LANES)
    lanes = wanted or known or (SHARED_LANES if store.is_shared else 1)
    if lanes == (known or 1):
        return
    with Lanes(store).every(stop, on_wait) as held:
        if held is not None:
            with store.write() as connection:
                work_queue.spread(connection, lanes)
            log.info("lanes.changed", lanes=lanes, before=known or 1)


class PreparedLanes:
    """The lanes for one run of passes. Before its first hold it calls `prepare`, so that nobody can forget to.

    Not under the lock: it may ask the CRM for minutes what was done before this database was there.
    """

    def __init__(self, store: Store, prepare: Callable[[], None], on_wait: OnWait = holder.say) -> None:
        self._store = store
        self._lanes = Lanes(store)
        self._on_wait = on_wait
        self._prepare = prepare
        self._is_prepared = False

    @contextmanager
    def one(self, lane: int, stop: Callable[[], bool] = never, *, patient: bool = True) -> Iterator[HeldLane | None]:
        """Hold one lane; None if `stop` said so first, or without patience if another has it.

        Raises `StoreError`, and what the CRM's port raises.
        """
        self._prepare_once()
        with (
            self._lanes.held(lane, stop, self._on_wait, patient=patient) as lock,
            self._right_to_pass(lock, lane) as held,
        ):
            yield held

    @contextmanager
    def every(self, stop: Callable[[], bool] = never) -> Iterator[HeldLane | None]:
        """Hold all lanes, so that no other pass runs meanwhile; otherwise as `one`."""
        self._prepare_once()
        with self._lanes.every(stop, self._on_wait) as lock, self._right_to_pass(lock, None) as held:
            yield held

    def _prepare_once(self) -> None:
        if not self._is_prepared:
            self._prepare()
            self._is_prepared = True

    @contextmanager
    def _right_to_pass(self, lock: LaneLock | None, lane: int | None) -> Iterator[HeldLane | None]:
        if lock is None:
            yield None
            return
        locks = LocksTogether(lock)
        held = HeldLane(locks, lane, number_of_lanes(self._store), self._store.lane_lock)
        try:
            with self._store.fenced(locks):
                yield held
        finally:
            held.end()
