"""Draining a lane: what is due in it is looked at, group by group. `sweep` and `poll` by hand do so to the end."""

from collections.abc import Callable

from sync.clock import local_date
from sync.passes.poll import poll
from sync.passes.reconcile import GROUP, Tally
from sync.passes.sweep import sweep
from sync.service.bootstrap import Service
from sync.service.lanes import Lanes, never
from sync.storage import sweeps, work_queue


def drain(service: Service, *, lane: int = 0, stop: Callable[[], bool] = never) -> Tally:
    """Look at everything that is due in a lane, group by group, until nothing is or `stop` says so.

    The lane is given up between two groups. Raises what concerns every record.
    """
    total = Tally()
    lanes = Lanes(service.store)
    service.prepare()
    while not stop():
        with lanes.held(lane, stop) as mine:
            if not mine or not _next_group(service, lane, total):
                break
    return total


def _next_group(service: Service, lane: int, total: Tally) -> bool:
    """Look at one group of a lane that is held; False if nothing was due."""
    with service.store.read() as connection:
        items = work_queue.lease(connection, lane, service.clock.now(), GROUP)
    service.reconciler.failpoint("taken")
    if items:
        total += service.reconciler.run(items)
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
    return _to_the_end(service, lambda: _polled(service), stop, progress)


def _to_the_end(
    service: Service, mark: Callable[[], int], stop: Callable[[], bool], progress: Progress, *, lane: int = 0
) -> tuple[int, Tally]:
    """Mark, and look at all that is due, keeping the lane: a worker beside it would take part unseen, on its own date."""
    service.prepare()
    total = Tally()
    with Lanes(service.store).held(lane, stop) as mine:
        marked = mark() if mine else 0
        while mine and not stop() and _next_group(service, lane, total):
            progress(total)
    service.alerts.review()
    return marked, total


def _swept(service: Service) -> int:
    marked = sweep(service.store, service.crm, service.mapping, service.clock, service.today)
    if service.today == local_date(service.clock.now(), service.mapping.zone):  # another day's sweep is still to come
        with service.store.write() as connection:
            sweeps.record(connection, service.today, service.clock.now())
    return marked


def _polled(service: Service) -> int:
    pipeline = service.portals.get().pipeline.id
    return poll(service.store, service.crm, service.mapping, service.clock, pipeline)
