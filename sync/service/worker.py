"""The worker: drains lanes, polls and sweeps until it is stopped."""

import time
from datetime import date, datetime, timedelta
from threading import Event, Thread

import structlog

from mappings.digest import digest_of
from sync.errors import AuthenticationError, HandoffsError, MappingMisfitError, StoreError
from sync.observe import health
from sync.observe.heartbeat import Heartbeat
from sync.observe.running import WAITS_FOR
from sync.service.bootstrap import Service
from sync.service.chores import Chore, Trouble
from sync.service.drain import Turns
from sync.service.holder import Holder, say
from sync.service.lanes import number_of_lanes, set_number
from sync.service.letters import WeeklyLetter
from sync.service.ping import Ping
from sync.storage import budget_hours, raw_deliveries, retention, service_state, sweeps, work_queue
from sync.storage.database import Listener
from sync.storage.processes import Part

TICK = 0.5
"""Seconds between two looks at whether it is time to poll, to sweep or to prune: small reads."""

SHARED_TICK = 2.0
"""The same where the database is on a server, for workers on several hosts."""

LOOKS_AGAIN = 5.0
"""Seconds after which a worker looks into the work queue again though nobody has told it to: a notification may be lost."""

DUE_ELSEWHERE = 1.0
"""Seconds between two looks while something is due that this worker could not do: another one has its lane, and may die."""

KEEPER_LATE = timedelta(minutes=5)
"""So long after a poll was due any worker polls and sweeps: whoever keeps the time is frozen, or does not reach the CRM."""

LISTENS = 0.02
"""Seconds between two questions whether something was committed: a receiver's delivery is looked at at once."""

REVIEWED_EVERY = timedelta(minutes=1)
"""How often the worker reviews which alerts are to be sent, while it finds nothing to do."""

PRUNED_EVERY = timedelta(days=1)
"""How often old deliveries are removed (`RETENTION_DAYS`)."""

REQUESTS_NOTED_EVERY = timedelta(minutes=5)
"""How often it is noted how many requests were made, for the board: an hour's are right but for so long at its end."""

SWEEP_FAILS_FOR = timedelta(minutes=15)
"""How long today's sweep may fail before the admin is alerted: a CRM that is down for a moment is no news."""

TIMERS_END_WITHIN = 1.0
"""Seconds that the end of the worker waits for its timers: what they enqueue is enqueued whole or not at all."""

log = structlog.get_logger()


class Worker:
    """Drains, polls and sweeps until it is stopped; an unreachable CRM or a refused token does not end it.

    Sweep and poll run in a thread each: a search that fails, or hangs, must not keep what a webhook has told from its pass,
    nor one of them the other. They only enqueue. A third, the timer, says whether they are due here, and does what asks the
    database alone: it writes the weekly letter, and removes old deliveries once a day.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._turns = Turns(service)
        self._stop = Event()
        self._wakeups = service.store.wakeups()
        self._timekeeper = service.store.timekeeper()
        self._trouble = trouble = Trouble(service)
        self._heartbeat = Heartbeat(service.store, service.clock, Part.WORKER, mapping=digest_of(service.mapping))
        self._ping = Ping(service)
        self._looked = False  # whether the last drain found something
        self._has_time = False  # whether this worker is the one that polls and sweeps
        self._reviewed_at: datetime | None = None  # None: not yet
        self._timed = (Chore("daily sweep", self._sweep_if_due, trouble), Chore("poll", self._poll_if_due, trouble))
        self._start = Chore("start", self._note_start, trouble)
        self._drain = Chore("work queue", self._drain_lane, trouble)
        self._fresh = Chore("reading of people and properties", service.portals.require_fresh, trouble)
        self._review = Chore("review of alerts", self._review_alerts, trouble)
        self._letter = WeeklyLetter(service)
        self._letter_written = Chore("writing of the weekly letter", self._letter.write_if_due, trouble)
        self._letter_sent = Chore("sending of the weekly letter", self._letter.send, trouble)
        self._requests_noted_at: datetime | None = None  # None: not yet
        self._requests = Chore("note of the requests used", self._note_requests, trouble)
        self._retention = Chore("removal of old deliveries", self._prune_if_due, trouble)
        self._mending = Chore("note that all works", self._note_mended, trouble)

    def tell_of_others(self) -> None:
        """Log whether another worker lives on this database. Raises `StoreError`."""
        self._heartbeat.tell_of_others()

    def stop(self) -> None:
        """Let `run` finish the current group and return. For other threads; not for signal handlers: it takes a lock."""
        self._stop.set()
        self._wakeups.wake()

    def run(self) -> None:
        """Work until `stop` is called. Raises nothing: a database that takes nothing is tried again, as the CRM is."""
        with self._heartbeat.running(), self._ping.running():
            timers = [Thread(target=self._keep_time, name="timer", daemon=True)]
            timers += [Thread(target=self._keep_doing, args=[one], name=one.name, daemon=True) for one in self._timed]
            while not self._stop.is_set():
                self._start.attempt()
                if self._start.well:
                    break
                self._stop.wait(TICK)
            for timer in timers:
                timer.start()
            listener = self._service.store.listener()
            while not self._stop.is_set():
                self._work()
                self._rest(listener)
            if listener is not None:
                listener.close()
            end = time.monotonic() + TIMERS_END_WITHIN
            for timer in timers:
                timer.join(max(0.0, end - time.monotonic()))
            self.close()
        log.info("worker.stopped")

    def _rest(self, listener: Listener | None) -> None:
        """Wait for a tick, or until somebody has committed something, or for the end; on a server until it is told.

        What was committed while the worker was at work was seen by it, or is at the next tick.
        """
        if listener is None:
            self._wakeups.wait(self._nothing_due_for)
            return
        listener.heard()
        end = time.monotonic() + TICK
        while time.monotonic() < end and not self._stop.wait(LISTENS):
            if listener.heard():
                return

    def close(self) -> None:
        """Let another worker keep the time, and listen no more; `run` does so at its end."""
        self._timekeeper.close()
        self._wakeups.close()

    def _note_start(self) -> None:
        service = self._service
        set_number(service.store, service.settings.lanes, self._stop.is_set, self._note_waiting)
        self._heartbeat.waits_for = None
        with service.store.write() as connection:
            service_state.put(connection, service_state.STARTED_AT, service.clock.now())
            # What waits for a person may have been mended by the change that this start brings.
            work_queue.enqueue_blocked(connection, service.clock.now())
            raw_deliveries.try_again(connection)
        log.info("worker.started", lanes=number_of_lanes(service.store))

    def turn(self) -> None:
        """Do once, in this thread, all that `run` does again and again: what the timer asks for, then what is due."""
        self._heartbeat.beat_if_due()
        self._tick()
        self._work()

    def _nothing_due_for(self) -> float:
        """Seconds until the work queue has something to do, as far as it tells now."""
        now = self._service.clock.now()
        try:
            with self._service.store.read() as connection:
                if work_queue.backlog(connection, now).due:
                    return DUE_ELSEWHERE
                later = work_queue.next_due(connection, now)
        except StoreError:  # the next drain tells of it
            return DUE_ELSEWHERE
        return LOOKS_AGAIN if later is None else min(LOOKS_AGAIN, (later - now).total_seconds())

    def _keep_time(self) -> None:
        while not self._stop.is_set():
            self._has_time = self._keeps_time()
            if self._has_time:
                self._keep_house()
            self._stop.wait(self._every)

    def _keep_doing(self, chore: Chore) -> None:
        while not self._stop.is_set():
            if self._has_time:
                chore.attempt()
            self._stop.wait(self._every)

    @property
    def _every(self) -> float:
        return SHARED_TICK if self._service.store.is_shared else TICK

    def _tick(self) -> None:
        if self._keeps_time():
            for chore in self._timed:
                chore.attempt()
            self._keep_house()

    def _keep_house(self) -> None:
        for chore in (self._letter_written, self._requests, self._retention):
            chore.attempt()

    def _keeps_time(self) -> bool:
        """Whether this worker is the one that polls and sweeps; any is, once that one is late. Raises nothing."""
        if self._timekeeper.is_mine():
            return True
        try:
            with self._service.store.read() as connection:
                last = service_state.get(connection, service_state.LAST_POLL)
        except StoreError:
            return False
        every = timedelta(seconds=self._service.settings.poll_seconds)
        return last is not None and self._service.clock.now() - last > every + KEEPER_LATE

    def _work(self) -> None:
        self._drain.attempt()
        self._letter_sent.attempt()
        self._fresh.attempt()
        if all(chore.well for chore in (*self._timed, self._drain)):
            self._mending.attempt()
        self._review.attempt()

    def _drain_lane(self) -> None:
        self._looked = False
        tally = self._turns.drain(stop=self._stop.is_set, watch=self._note_busy, on_wait=self._note_waiting)
        if tally.looked:
            self._looked = True
            log.info("lane.drained", **vars(tally))

    def _note_busy(self, held: bool) -> None:
        """Let the next sign of life tell since when it is at a group, and who keeps another lane in which something is due."""
        self._heartbeat.busy_since = self._service.clock.now() if held else None
        waits = self._turns.waits_for(WAITS_FOR.total_seconds())
        self._heartbeat.waits_for = _told(waits[0]) if waits else None

    def _note_waiting(self, lane: int, holder: Holder | None, waited: float) -> None:
        """Let the next sign of life tell for whom the worker waits."""
        say(lane, holder, waited)
        if waited >= WAITS_FOR.total_seconds():
            self._heartbeat.waits_for = _told(holder)

    def _note_mended(self) -> None:
        self._trouble.mended()

    def _review_alerts(self) -> None:
        now = self._service.clock.now()
        before = self._reviewed_at
        if self._looked or before is None or not timedelta(0) <= now - before < REVIEWED_EVERY:
            self._reviewed_at = now
            self._service.alerts.review()

    # -- the timer

    def _poll_if_due(self) -> None:
        service = self._service
        with service.store.read() as connection:
            last_poll = service_state.get(connection, service_state.LAST_POLL)
        every = timedelta(seconds=service.settings.poll_seconds)
        if last_poll is None or not timedelta(0) <= service.clock.now() - last_poll < every:
            service.poll()

    def _note_requests(self) -> None:
        now, before = self._service.clock.now(), self._requests_noted_at
        if before is not None and timedelta(0) <= now - before < REQUESTS_NOTED_EVERY:
            return
        with self._service.store.write() as connection:
            budget_hours.note(connection, now)
        self._requests_noted_at = now

    def _prune_if_due(self) -> None:
        service = self._service
        now = service.clock.now()
        with service.store.read() as connection:
            pruned = service_state.get(connection, service_state.LAST_PRUNED)
        if pruned is not None and timedelta(0) <= now - pruned < PRUNED_EVERY:
            return
        done = retention.prune(service.store, now - timedelta(days=service.settings.retention_days), self._stop.is_set)
        if done.deliveries:
            log.info("deliveries.pruned", deliveries=done.deliveries, events=done.events)
        if not self._stop.is_set():
            with service.store.write() as connection:
                service_state.put(connection, service_state.LAST_PRUNED, now)

    def _sweep_if_due(self) -> None:
        with self._service.store.read() as connection:
            swept = sweeps.find(connection, self._service.today)
        if swept is None:
            self._alert_if_missed()
        if swept is None or swept.finished_at is None:
            self._sweep(self._service.today)

    def _sweep(self, today: date) -> None:
        """Today's sweep, if nobody has done it: the row of the day is the guarantee that it is one."""
        service = self._service
        now = service.clock.now()
        with service.store.write() as connection:
            started = sweeps.begin(connection, today, now).started_at
        try:
            service.sweep(resume=True)
        except (AuthenticationError, MappingMisfitError):  # the admin hears of these apart: nothing at all is done
            raise
        except HandoffsError as error:
            if now - started >= SWEEP_FAILS_FOR:
                self._trouble.alert("sweep_failed", _sweep_fails(started, error))
            raise
        with service.store.write() as connection:
            sweeps.finish(connection, today, service.clock.now())
        service.survey()

    def _alert_if_missed(self) -> None:
        """A day begins, or the service does: was the last sweep longer ago than a sweep a day may be?"""
        now = self._service.clock.now()
        with self._service.store.read() as connection:
            swept = service_state.get(connection, service_state.LAST_SWEEP)
        if swept is not None and now - swept > health.SWEEP_WITHIN:
            self._trouble.alert("sweep_missed", _sweep_missed(swept, now))


def _told(holder: Holder | None) -> str:
    return str(holder or "a process that did not say who it is")


def _sweep_fails(since: datetime, error: HandoffsError) -> str:
    return (
        f"A part of today's sweep has failed since {since:%Y-%m-%d %H:%M} UTC: {error}\n\nUntil it succeeds, what it would "
        "find is not looked at: where portfolios cannot be searched for, kickoffs and dates that have come. It is tried "
        "again all the time; what is late is then done."
    )


def _sweep_missed(last: datetime, now: datetime) -> str:
    hours = (now - last) // timedelta(hours=1)
    return (
        f"The last daily sweep was on {last:%Y-%m-%d at %H:%M} UTC, {hours} hours ago: the service was off, or could not "
        "work. A sweep is being done now. What came due meanwhile is done late, but nothing is left out."
    )
