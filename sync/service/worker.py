"""The worker: drains its lane, polls and sweeps until it is stopped."""

from datetime import date, datetime, timedelta
from threading import Event

import structlog

from sync.errors import (
    AuthenticationError,
    CRMRejectedError,
    CRMUnavailableError,
    HandoffsError,
    MappingMisfitError,
    RefusedError,
    StoreError,
    TaskPropertyMissingError,
)
from sync.observe import health
from sync.service.bootstrap import Service
from sync.service.drain import drain
from sync.storage import service_state, sweeps, work_queue
from sync.storage.service_state import Entry

TICK = 0.5
"""Seconds between two reads of the work queue while there is nothing to do: one small read."""

REFUSED_FOR = timedelta(seconds=60)
"""How long the worker waits after a refused token or a mapping that does not fit, before it tries again."""

UNREACHABLE_FOR = (5.0, 15.0, 30.0, 60.0)
"""Seconds that the worker waits while the CRM cannot be reached, by the number of tries in a row."""

REVIEWED_EVERY = timedelta(minutes=1)
"""How often the worker reviews which alerts are to be sent, while it finds nothing to do."""

SWEEP_FAILS_FOR = timedelta(minutes=15)
"""How long today's sweep may fail before the admin is alerted: a CRM that is down for a moment is no news."""

log = structlog.get_logger()


class Worker:
    """Drains, polls and sweeps until it is stopped; an unreachable CRM or a refused token does not end it."""

    def __init__(self, service: Service, *, lane: int = 0) -> None:
        self._service = service
        self._lane = lane
        self._stop = Event()
        self._unreachable = 0
        self._reviewed_at: datetime | None = None  # None: not yet

    def stop(self) -> None:
        """Let `run` finish the current group and return. For signal handlers and other threads."""
        self._stop.set()

    def run(self) -> None:
        """Work until `stop` is called. Raises only what nobody could foresee; every `HandoffsError` is waited out."""
        service = self._service
        with service.store.write() as connection:
            service_state.put(connection, service_state.STARTED_AT, service.clock.now())
            # What waits for a person may have been mended by the change that this start brings.
            work_queue.enqueue_blocked(connection, service.clock.now())
        log.info("worker.started", lane=self._lane)
        while not self._stop.is_set():
            pause = self._step()
            self._stop.wait(pause)
        log.info("worker.stopped", lane=self._lane)

    def _step(self) -> float:
        """One turn: what the timer asks for, then what is due in the work queue. How long to pause, in seconds."""
        try:
            self._timer()
            tally = drain(self._service, lane=self._lane, stop=self._stop.is_set)
        except HandoffsError as error:
            return self._put_off(error)
        self._note_success()
        self._review(at_once=tally.looked > 0)
        if tally.looked:
            log.info("lane.drained", **vars(tally))
        return TICK

    # -- the timer

    def _timer(self) -> None:
        service = self._service
        with service.store.read() as connection:
            last_poll = service_state.get(connection, service_state.LAST_POLL)
            swept = sweeps.find(connection, service.today)
        if swept is None:
            self._alert_if_missed()
        if swept is None or swept.finished_at is None:
            self._sweep(service.today)
        every = timedelta(seconds=service.settings.poll_seconds)
        if last_poll is None or not timedelta(0) <= service.clock.now() - last_poll < every:
            service.poll()

    def _sweep(self, today: date) -> None:
        """Today's sweep, if nobody has done it: the row of the day is the guarantee that it is one."""
        service = self._service
        now = service.clock.now()
        with service.store.write() as connection:
            started = sweeps.begin(connection, today, now).started_at
        try:
            service.sweep()
        except (AuthenticationError, MappingMisfitError):  # the admin hears of these apart: nothing at all is done
            raise
        except HandoffsError as error:
            if now - started >= SWEEP_FAILS_FOR:
                self._alert("sweep_failed", _sweep_fails(started, error))
            raise
        with service.store.write() as connection:
            sweeps.finish(connection, today, service.clock.now())

    def _alert_if_missed(self) -> None:
        """A day begins, or the service does: was the last sweep longer ago than a sweep a day may be?"""
        now = self._service.clock.now()
        with self._service.store.read() as connection:
            swept = service_state.get(connection, service_state.LAST_SWEEP)
        if swept is not None and now - swept > health.SWEEP_WITHIN:
            self._alert("sweep_missed", _sweep_missed(swept, now))

    def _review(self, *, at_once: bool) -> None:
        now = self._service.clock.now()
        before = self._reviewed_at
        if at_once or before is None or not timedelta(0) <= now - before < REVIEWED_EVERY:
            self._reviewed_at = now
            self._service.alerts.review()

    # -- what goes wrong for every record

    def _put_off(self, error: HandoffsError) -> float:
        """Tell the log, and the admin where they must mend it; how long to pause, in seconds."""
        match error:
            case AuthenticationError():
                return self._refuse(service_state.TOKEN_REFUSED, error)
            case TaskPropertyMissingError():
                return self._refuse(service_state.TASK_PROPERTY_MISSING, error)
            case MappingMisfitError():
                return self._refuse(service_state.MAPPING_MISFIT, error)
            case CRMUnavailableError() | CRMRejectedError():
                pause = UNREACHABLE_FOR[min(self._unreachable, len(UNREACHABLE_FOR) - 1)]
                self._unreachable += 1
                log.warning("crm.unavailable", error=str(error), again_in=pause)
                if self._unreachable == len(UNREACHABLE_FOR):
                    self._alert("unreachable", str(error))
                return pause
            case RefusedError() | StoreError():
                log.error("worker.put_off", error=str(error))
                return UNREACHABLE_FOR[0]
            case _:
                log.error("worker.put_off", error=str(error))
                return REFUSED_FOR.total_seconds()

    def _refuse(self, entry: Entry[str | None], error: HandoffsError) -> float:
        log.error("worker.refused", kind=entry.name, error=str(error))
        self._service.portals.forget()
        self._alert(entry.name, str(error))
        with self._service.store.write() as connection:
            service_state.put(connection, entry, str(error))
        return REFUSED_FOR.total_seconds()

    def _note_success(self) -> None:
        self._unreachable = 0
        store = self._service.store
        with store.read() as connection:
            mended = [entry for entry, stands in health.refusals(connection).items() if stands]
        if mended:
            with store.write() as connection:
                for entry in mended:
                    service_state.put(connection, entry, None)

    def _alert(self, kind: str, message: str) -> None:
        try:
            self._service.alerts(kind, message)
        except StoreError as error:
            log.warning("admin.alert_not_kept", error=str(error))


def _sweep_fails(since: datetime, error: HandoffsError) -> str:
    return (
        f"Today's sweep has failed since {since:%Y-%m-%d %H:%M} UTC: {error}\n\nUntil it succeeds nothing happens that "
        "a date makes due: kickoffs, and dates that have come. It is tried again all the time; what is late is then done."
    )


def _sweep_missed(last: datetime, now: datetime) -> str:
    hours = (now - last) // timedelta(hours=1)
    return (
        f"The last daily sweep was on {last:%Y-%m-%d at %H:%M} UTC, {hours} hours ago: the service was off, or could not "
        "work. A sweep is being done now. What came due meanwhile is done late, but nothing is left out."
    )
