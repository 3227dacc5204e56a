"""Lanes on one machine: each is drained under a file lock, so that `serve` and commands share the work safely."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sync.errors import StoreError
from sync.passes.held_lane import HeldLane
from sync.service import holder
from sync.service.holder import OnWait
from sync.storage.database import Store
from sync.storage.work_queue import LANES

STOP_POLL = 0.2
"""How often a command that waits for a lane asks whether it should stop, in seconds."""


class Lanes:
    """One lock file a lane, beside the database: a lane is drained by one worker at a time, whatever its process."""

    def __init__(self, store: Store) -> None:
        path = (store.path or Path("handoffs")).resolve()  # one lock, by whatever link the database is reached
        self._directory, self._name = path.parent, path.name

    @contextmanager
    def held(self, lane: int, stop: Callable[[], bool], on_wait: OnWait = holder.say) -> Iterator[bool]:
        """Wait for the lane and hold it; False if `stop` said so first. A dead process frees its lane at once.

        A frozen one keeps it: `on_wait` is told for whom one waits. Raises `StoreError` where the lock file cannot be
        written. Passes hold a lane by `PreparedLanes`.
        """
        # A lock object of its own each time: one that is kept would let its holder in a second time.
        lock = FileLock(self._directory / f".{self._name}.lane-{lane}.lock")
        noted = self._directory / f".{self._name}.lane-{lane}.holder"
        got = False
        began = time.monotonic()
        said_at = began - holder.SAID_AGAIN_AFTER
        while not got and not stop():
            try:
                lock.acquire(timeout=STOP_POLL)
                got = True
                holder.note(noted)
            except Timeout:
                now = time.monotonic()
                if now - began >= holder.FIRST_SAID_AFTER and now - said_at >= holder.SAID_AGAIN_AFTER:
                    said_at = now
                    on_wait(lane, holder.read(noted), now - began)
            except OSError as error:
                raise StoreError(f"the lane's lock {lock.lock_file} cannot be written: {error}") from error
        try:
            yield got
        finally:
            if got:
                lock.release()


def never() -> bool:
    """Never stop: for a caller that waits for as long as it takes."""
    return False


@contextmanager
def every_lane_held(store: Store, stop: Callable[[], bool] = never) -> Iterator[bool]:
    """Hold all lanes, so that no pass runs meanwhile in this process or in another; False if `stop` said so first."""
    lanes = Lanes(store)
    with ExitStack() as held:
        yield all(held.enter_context(lanes.held(lane, stop)) for lane in range(LANES))


class PreparedLanes:
    """The lanes for one run of passes. Before its first hold it calls `prepare`, so that nobody can forget to.

    Not under the lock: it may ask the CRM for minutes what was done before this database was there.
    """

    def __init__(self, store: Store, prepare: Callable[[], None], on_wait: OnWait = holder.say) -> None:
        self._store = store
        self._on_wait = on_wait
        self._prepare = prepare
        self._is_prepared = False

    @contextmanager
    def one(self, lane: int, stop: Callable[[], bool] = never) -> Iterator[HeldLane | None]:
        """Hold one lane; None if `stop` said so first. Raises `StoreError`, and what the CRM's port raises."""
        self._prepare_once()
        with Lanes(self._store).held(lane, stop, self._on_wait) as mine, _right_to_pass(mine) as held:
            yield held

    @contextmanager
    def every(self, stop: Callable[[], bool] = never) -> Iterator[HeldLane | None]:
        """Hold all lanes, so that no other pass runs meanwhile; otherwise as `one`."""
        self._prepare_once()
        with every_lane_held(self._store, stop) as mine, _right_to_pass(mine) as held:
            yield held

    def _prepare_once(self) -> None:
        if not self._is_prepared:
            self._prepare()
            self._is_prepared = True


@contextmanager
def _right_to_pass(mine: bool) -> Iterator[HeldLane | None]:
    held = HeldLane() if mine else None
    try:
        yield held
    finally:
        if held is not None:
            held.end()
