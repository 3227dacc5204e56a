"""The weekly letter: put together once a week, kept, and sent to each address once."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from mappings.letter import Letter, render
from mappings.problems import MappingError
from mappings.schema import ProcessMapping
from sync.clock import Clock
from sync.errors import ConfigurationError
from sync.observe import status
from sync.passes.effects import Letters
from sync.reports.letter import read_letter
from sync.rules.letter import Week, next_due, week_of
from sync.service.bootstrap import Service
from sync.settings import Settings
from sync.storage import letters, service_state, sweeps, work_queue
from sync.storage.database import Connection, StoreReader

WAITS_FOR: Final = timedelta(hours=2)
"""How long a letter that is due waits for today's sweep, and for what is due to be looked at: so that it tells how things stand.
After that it goes out with what is known."""

log = structlog.get_logger()


def write_letter(store: StoreReader, mapping: ProcessMapping, settings: Settings, clock: Clock) -> Letter:
    """Write the letter of this moment's week, without keeping it. Raises `ConfigurationError` and `StoreError`."""
    now = clock.now()
    found = status.read(store, clock, settings)
    with store.read() as connection:
        context = read_letter(connection, mapping, found, now)
    try:
        return render(mapping, context)
    except MappingError as error:
        raise ConfigurationError(str(error)) from None


def letter_by(store: StoreReader, mapping: ProcessMapping, now: datetime, until: datetime | None) -> datetime | None:
    """Say when the next letter is due that goes out by then, if nobody acts; `until` None: now. None: there is none.

    Raises `StoreError`.
    """
    to = mapping.letter.to
    week = week_of(now, mapping)
    if not to:
        return None
    with store.read() as connection:
        open_now = week.is_on(now) and not _is_settled(connection, week, to)
    due = week.due if open_now else next_due(now, mapping)
    return due if due <= (until or now) else None


class WeeklyLetter:
    """What a worker does for the letter: `write_if_due` by the timer, `send` where emails are sent."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._letters = Letters(service.crm, service.store, service.mailer, service.clock, service.failpoint)
        self._written: date | None = None  # the week whose letter is known to be there, or never to be
        self._sent: date | None = None  # the week of whose letter nothing is left to be sent

    def write_if_due(self) -> None:
        """Write this week's letter and keep it with a copy for each address, once it is due, until the end of its time.

        Nothing is done where nobody is to get it. Raises `ConfigurationError` and `StoreError`.
        """
        service, now = self._service, self._service.clock.now()
        to = service.mapping.letter.to
        if not to or service.mailer is None:
            return
        week = week_of(now, service.mapping)
        if not week.is_on(now) or week.monday == self._written:
            return
        with service.store.read() as connection:
            done = _is_settled(connection, week, to)
            ready = done or self._tells_how_things_stand(connection, week, now)
        if not done and ready:
            letter = write_letter(service.store.reader, service.mapping, service.settings, service.clock)
            with service.store.write() as connection:
                letters.keep(connection, week.monday, letter, to, now)
            log.info("letter.written", week=week.monday.isoformat(), copies=len(to))
        if done or ready:
            self._written = week.monday

    def send(self) -> None:
        """Send what is to be sent of this week's letter by now. Raises `StoreError`."""
        to = self._service.mapping.letter.to
        if not to:
            return
        now = self._service.clock.now()
        week = week_of(now, self._service.mapping)
        if week.is_on(now) and week.monday != self._sent and self._letters.send(week.monday, to):
            self._sent = week.monday

    def _tells_how_things_stand(self, connection: Connection, week: Week, now: datetime) -> bool:
        started = service_state.get(connection, service_state.STARTED_AT)
        if now - max(week.due, started or week.due) >= WAITS_FOR:
            return True
        swept = sweeps.find(connection, self._service.today)
        return swept is not None and swept.finished_at is not None and not work_queue.backlog(connection, now).due


def _is_settled(connection: Connection, week: Week, to: Collection[str]) -> bool:
    """Whether every address has its copy already, or nobody can know whether it had: the ledger is younger."""
    began = service_state.get(connection, service_state.LEDGER_BEGAN)
    if began is None or week.due < began:
        return True
    have = {copy.address.casefold() for copy in letters.copies(connection, week.monday)}
    return have >= {address.casefold() for address in to}
