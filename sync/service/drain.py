"""Draining a lane: a pass over each group of what is due in it. A sweep or a poll by hand keeps the lane to the end."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

from sync.clock import local_date
from sync.errors import CRMError, CRMRejectedError, CRMUnavailableError
from sync.passes.email import SingleSendMailer
from sync.passes.held_lane import HeldLane
from sync.passes.tally import Tally
from sync.service import grouping, holder
from sync.service.bootstrap import Service
from sync.service.holder import Holder, OnWait, say
from sync.service.lanes import never
from sync.storage import raw_deliveries, sweeps, work_queue

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
    service.unpack()
    more = True
    while more and not stop():
        with lanes.one(lane, stop) as held:
            if held is None:
                break
            with _watched(watch):
                had = _next_group(service, held, lane, total)
        more = had and _has_more(service, lane)
    return total


class Turns:
    """Drains whatever lane something is due in. Where there are several, one that another worker has is left to it.

    Of several lanes each gets one group, then the next: a lane with a long backlog keeps no other from its turn, and those in
    which something interactive is due come first.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._busy: dict[int, _Elsewhere] = {}  # the lanes in which something is due that another process has
        self._said: dict[int, float] = {}  # when it was told of each last, by the monotonic clock

    def drain(self, *, stop: Callable[[], bool] = never, watch: Watch = unwatched, on_wait: OnWait = say) -> Tally:
        """Run passes over all that is due. Raises what `Reconciler.run` raises."""
        with self._service.store.read() as connection:
            number = work_queue.lanes(connection)
        if number == 1:
            return drain(self._service, stop=stop, watch=watch, on_wait=on_wait)
        total = Tally()
        prepared = self._service.lanes(self._told(on_wait))
        goes_on = True
        while goes_on and not stop():
            self._service.unpack()
            with self._service.store.read() as connection:
                urgent, others = work_queue.due_lanes(connection, self._service.clock.now())
            lanes = [*_in_turn(urgent), *_in_turn(others)]
            self._busy = {lane: elsewhere for lane, elsewhere in self._busy.items() if lane in lanes}
            goes_on = False
            for lane in lanes:
                with prepared.one(lane, stop, patient=False) as held:
                    if held is not None:
                        with _watched(self._had(lane, watch)):
                            goes_on |= _next_group(self._service, held, lane, total)
        return total

    def _had(self, lane: int, watch: Watch) -> Watch:
        def watched(held: bool) -> None:
            if held:
                self._busy.pop(lane, None)
            watch(held)

        return watched

    def waits_for(self, seconds: float) -> tuple[Holder | None, ...]:
        """Who has had a lane for so long, without a break, in which something is due: the longest first. None: it did not say.

        Whoever gives it up after each group, as workers do, is none of them.
        """
        now = time.monotonic()
        kept = sorted(self._busy.values(), key=lambda one: one.since)
        return tuple(one.holder for one in kept if now - one.since >= seconds)

    def _told(self, on_wait: OnWait) -> OnWait:
        """Tell for whom one waits once a lane was with the same for long, and then every now and then."""

        def told(lane: int, who: Holder | None, _waited: float) -> None:
            now = time.monotonic()
            if lane not in self._busy or self._busy[lane].holder != who:
                self._busy[lane] = _Elsewhere(who, now)
            waited = now - self._busy[lane].since
            if waited >= holder.SAID_OF_WORKERS_AFTER and now - self._said.get(lane, -inf) >= holder.SAID_AGAIN_AFTER:
                self._said[lane] = now
                on_wait(lane, who, waited)

        return told


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """One holding of a lane by another process. A holder says since when it has it, so that its next holding is another."""

    holder: Holder | None
    since: float  # when it was found first, by the monotonic clock


def _in_turn(lanes: Sequence[int]) -> list[int]:
    """The same, beginning elsewhere in each process: workers that start together do not all ask for the same lane."""
    first = os.getpid() % max(1, len(lanes))
    return [*lanes[first:], *lanes[:first]]


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


def _has_more(service: Service, lane: int) -> bool:
    """Whether there is anything left to do in the lane: to see that needs no lock, which costs more than to look."""
    with service.store.read() as connection:
        told = raw_deliveries.oldest(connection) is not None
        found = work_queue.is_due(connection, lane, service.clock.now())
    if told:
        service.unpack()
        return True  # what it told of is found by whoever looks, or that it told of nothing
    if not found:
        service.failpoint("taken")
    return found


def _widest(service: Service) -> int:
    limit = service.mapping.rules.effects_per_hour
    return grouping.widest(limit, emails_cost_calls=isinstance(service.mailer, SingleSendMailer))


Progress = Callable[[Tally], None]
"""Called after each group with what all of them came to so far."""


def no_progress(_tally: Tally) -> None:
    """Report nothing."""


def run_sweep(
    service: Service, *, stop: Callable[[], bool] = never, progress: Progress = no_progress, survey: bool = False
) -> tuple[int, Tally]:
    """Sweep, and run passes over all that is due; how many records the sweep enqueued, and what the passes came to.

    `progress` is called after each group. `survey`: whoever no pass has found yet is looked at too, as the worker has it after
    the day's sweep. Raises what `Reconciler.run` raises.
    """
    return _to_the_end(service, lambda: _swept(service, survey=survey), stop, progress)


def run_poll(
    service: Service, *, stop: Callable[[], bool] = never, progress: Progress = no_progress
) -> tuple[int, Tally]:
    """Poll, and run passes over all that is due; otherwise as `run_sweep`."""
    return _to_the_end(service, service.poll, stop, progress)


def _to_the_end(
    service: Service, enqueue: Callable[[], int], stop: Callable[[], bool], progress: Progress
) -> tuple[int, Tally]:
    """Enqueue, and pass over all that is due, keeping the lanes: a worker beside it would take part unseen, on its own date.

    Where a search fails, what the others have found is done before its error is raised.
    """
    total, enqueued = Tally(), 0
    failed: CRMError | None = None
    with service.lanes().every(stop) as held:
        try:
            enqueued = 0 if held is None else enqueue()
        except (CRMRejectedError, CRMUnavailableError) as error:
            failed = error
        while held is not None and not stop() and any(_groups(service, held, total)):
            progress(total)
        if held is not None:
            service.reconciler.finish(held)
    service.alerts.review()
    if failed is not None:
        raise failed
    return enqueued, total


def _groups(service: Service, held: HeldLane, total: Tally) -> Iterator[bool]:
    """Run a pass over a group of each lane, one after the other, until there was one that had something due."""
    service.unpack()
    with service.store.read() as connection:
        urgent, others = work_queue.due_lanes(connection, service.clock.now())
    return (_next_group(service, held, lane, total) for lane in (*urgent, *others))


def _swept(service: Service, *, survey: bool) -> int:
    enqueued = service.sweep()
    if service.today == local_date(service.clock.now(), service.mapping.zone):  # another day's sweep is still to come
        with service.store.write() as connection:
            sweeps.record(connection, service.today, service.clock.now())
    return enqueued + (service.survey() if survey else 0)
