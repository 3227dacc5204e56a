"""Draining a lane: a pass over each group of what is due in it. A sweep or a poll by hand keeps the lane to the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sync.clock import local_date
from sync.passes.email import SingleSendMailer
from sync.passes.held_lane import HeldLane
from sync.passes.tally import Tally
from sync.service import grouping
from sync.service.bootstrap import Service
from sync.service.holder import OnWait, say
from sync.service.lanes import never
from sync.storage import sweeps

Watch = Callable[[bool], None]
"""Told when a lane is held, and when it is given up again."""


def unwatched(_held: bool) -> None:
    """Watch nothing."""


def drain(
    service: Service,
    *,
    lane: int = 0,
    stop: Callable[[], bool] = never,
    watch: Watch = unwatched,
    on_wait: OnWait = say,
) -> Tally:
    """Run passes over all that is due in a lane, group by group, until nothing is or `stop` says so.

    The lane is given up between two groups. `on_wait` is told for whom it waits. Raises what `Reconciler.run` raises.
    """
    total = Tally()
    lanes = service.lanes(on_wait)
    while not stop():
        with lanes.one(lane, stop) as held, _watched(watch):
            if held is None or not _next_group(service, held, lane, total):
                break
    return total


@contextmanager
def _watched(watch: Watch) -> Iterator[None]:
    watch(True)
    try:
        yield
    finally:
        watch(False)


def _next_group(service: Service, held: HeldLane, lane: int, total: Tally) -> bool:
    """Run a pass over one group of the lane; False if nothing was due."""
    with service.store.read() as connection:
        items = grouping.next_group(connection, lane, service.clock.now(), _widest(service))
    service.failpoint("taken")
    if items:
        total += service.reconciler.run(held, items)
    else:
        service.reconciler.follow(held)
    return bool(items)


def _widest(service: Service) -> int:
    limit = service.mapping.rules.effects_per_hour
    return grouping.widest(limit, emails_cost_calls=isinstance(service.mailer, SingleSendMailer))


Progress = Callable[[Tally], None]
"""Called after each group with what all of them came to so far."""


def no_progress(_tally: Tally) -> None:
    """Report nothing."""


def run_sweep(
    service: Service, *, stop: Callable[[], bool] = never, progress: Progress = no_progress
) -> tuple[int, Tally]:
    """Sweep, and run passes over all that is due; how many records the sweep enqueued, and what the passes came to.

    `progress` is called after each group. Raises what `Reconciler.run` raises.
    """
    return _to_the_end(service, lambda: _swept(service), stop, progress)


def run_poll(
    service: Service, *, stop: Callable[[], bool] = never, progress: Progress = no_progress
) -> tuple[int, Tally]:
    """Poll, and run passes over all that is due; otherwise as `run_sweep`."""
    return _to_the_end(service, service.poll, stop, progress)


def _to_the_end(
    service: Service, enqueue: Callable[[], int], stop: Callable[[], bool], progress: Progress, *, lane: int = 0
) -> tuple[int, Tally]:
    """Enqueue, and pass over all that is due, keeping the lane: a worker beside it would take part unseen, on its own date."""
    total = Tally()
    with service.lanes().one(lane, stop) as held:
        enqueued = 0 if held is None else enqueue()
        while held is not None and not stop() and _next_group(service, held, lane, total):
            progress(total)
        if held is not None:
            service.reconciler.finish(held)
    service.alerts.review()
    return enqueued, total


def _swept(service: Service) -> int:
    enqueued = service.sweep()
    if service.today == local_date(service.clock.now(), service.mapping.zone):  # another day's sweep is still to come
        with service.store.write() as connection:
            sweeps.record(connection, service.today, service.clock.now())
    return enqueued
