"""Draining a lane: what is due in it is looked at, group by group. `sweep` and `poll` by hand do so to the end."""

from collections.abc import Callable

from sync.clock import local_date
from sync.passes.held_lane import HeldLane
from sync.passes.reconcile import GROUP
from sync.passes.tally import Tally
from sync.service.bootstrap import Service
from sync.service.lanes import never
from sync.storage import sweeps, work_queue


def drain(service: Service, *, lane: int = 0, stop: Callable[[], bool] = never) -> Tally:
    """Look at everything that is due in a lane, group by group, until nothing is or `stop` says so.

    The lane is given up between two groups. Raises what concerns every record.
    """
    total = Tally()
    while not stop():
        with service.lane(lane, stop) as held:
            if held is None or not _next_group(service, held, lane, total):
                break
    return total


def _next_group(service: Service, held: HeldLane, lane: int, total: Tally) -> bool:
    """Look at one group of a lane that is held; False if nothing was due."""
    with service.store.read() as connection:
        items = work_queue.lease(connection, lane, service.clock.now(), GROUP)
    service.failpoint("taken")
    if items:
        total += service.reconciler.run(held, items)
    return bool(items)


Progress = Callable[[Tally], None]
"""Hears after each group what all of them came to so far."""


def no_progress(_tally: Tally) -> None:
    """Nobody looks on."""


def run_sweep(
    service: Service, *, stop: Callable[[], bool] = never, progress: Progress = no_progress
) -> tuple[int, Tally]:
    """The daily sweep by hand: mark, then look at all of it. How many records, and what came of it."""
    return _to_the_end(service, lambda: _swept(service), stop, progress)


def run_poll(
    service: Service, *, stop: Callable[[], bool] = never, progress: Progress = no_progress
) -> tuple[int, Tally]:
    """One poll, and a look at all that it found."""
    return _to_the_end(service, service.poll, stop, progress)


def _to_the_end(
    service: Service, mark: Callable[[], int], stop: Callable[[], bool], progress: Progress, *, lane: int = 0
) -> tuple[int, Tally]:
    """Mark, and look at all that is due, keeping the lane: a worker beside it would take part unseen, on its own date."""
    total = Tally()
    with service.lane(lane, stop) as held:
        marked = 0 if held is None else mark()
        while held is not None and not stop() and _next_group(service, held, lane, total):
            progress(total)
    service.alerts.review()
    return marked, total


def _swept(service: Service) -> int:
    marked = service.sweep()
    if service.today == local_date(service.clock.now(), service.mapping.zone):  # another day's sweep is still to come
        with service.store.write() as connection:
            sweeps.record(connection, service.today, service.clock.now())
    return marked
