"""The daily sweep: what a day has made due gets a pass, and what has changed with nobody telling of it."""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import structlog

from mappings.schema import Party, ProcessMapping
from sync.clock import CLOCKS_APART, Clock, local_date, to_ms
from sync.crm import MODIFIED, CRMReader, Filter, Kind, Pipeline, Record, RecordRef
from sync.errors import AuthenticationError, CRMError, UnnamedMatchError
from sync.passes.looks import mark_of_people, mark_of_rules, mark_of_tickets
from sync.passes.poll import ADOPTED_AT_MOST, completed_tasks, modified_at, modified_since
from sync.passes.portal import Portal
from sync.rules.waiting import LOOKED_AT_WITHIN
from sync.storage import changes, look_alikes, looks, portfolios, service_state, waits, work_queue
from sync.storage.database import Connection, Store
from sync.storage.ledger import queries
from sync.storage.looks import Looked
from sync.storage.service_state import Swept, SweptParts
from sync.storage.work_queue import Priority

TICKETS_LIVE_FOR = timedelta(days=60)
"""How long after a ticket came its portfolio is swept, whatever its status and date: a ticket deleted without a webhook
shows in no search, and may have completed an Ad Set."""

CLOSED_STAGES = 4
"""A search has six filters a group at most; one is the pipeline's, one the bound by which pages are turned."""

WEEK = 7
"""In how many days each portfolio of the window is looked at once, though nothing is known to have changed: each on its
own day of the week, so that not all are at once."""

LATELY = 3
"""How many days after a look that day of the week is passed over: so each is looked at within ten days."""

REACHES_BACK = timedelta(days=1)
"""How far before the last sweep one asks for changes: whatever the search index showed too late for that one."""


class Part(StrEnum):
    """Where a sweep's candidates come from."""

    PORTFOLIOS = "portfolios"
    LEDGER = "ledger"
    LISTS = "lists"
    TICKETS = "tickets"
    TASKS = "tasks"


log = structlog.get_logger()


@dataclass
class _Found:
    """What is to be looked at, each with the first reason that there is for it, and of which parts this is all."""

    why: dict[RecordRef, str] = field(default_factory=dict)
    parts: set[Part] = field(default_factory=set)
    errors: list[CRMError] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether each search came to its end: what has no id is not told by asking for ever more."""
        return all(isinstance(error, UnnamedMatchError) for error in self.errors)

    def add(self, reason: str, records: Iterable[RecordRef]) -> None:
        for record in records:
            self.why.setdefault(record, reason)

    @contextmanager
    def part(self, part: Part) -> Iterator[None]:
        """Do a part; put aside what a search fails with, but for a token that is refused: then no other fares better."""
        try:
            yield
            self.parts.add(part)
        except CRMError as error:
            if isinstance(error, AuthenticationError) and error.status == 401:
                raise
            log.warning("sweep.search_failed", error=str(error))
            self.errors.append(error)


class Sweep:
    """One sweep. `today`: the day that is asked about; `portal`: as it is now."""

    def __init__(
        self, store: Store, crm: CRMReader, mapping: ProcessMapping, clock: Clock, today: date, portal: Portal
    ) -> None:
        self._store = store
        self._crm = crm
        self._mapping = mapping
        self._clock = clock
        self._today = today
        self._portal = portal
        self._now = clock.now()
        self._last_day = today + timedelta(days=mapping.rules.window_days + 1)  # one more: a date is midnight UTC
        with store.read() as connection:
            began = service_state.get(connection, service_state.LEDGER_BEGAN) or self._now
            last = service_state.get(connection, service_state.SWEPT)
            self._adopted = queries.adopted_tasks(connection, ADOPTED_AT_MOST)
        self._rules = mark_of_rules(mapping, portal, began)
        self._last = last if last is not None and last.decided_by == self._rules else None
        # By whatever rules: what has been looked at by these since may have changed since.
        self._since = None if last is None else last.to - REACHES_BACK
        self._since_began = began - REACHES_BACK
        self._is_today = today == local_date(self._now, mapping.zone)
        week = timedelta(days=WEEK)
        recent = self._last is not None and timedelta() <= self._now - self._last.all_at < week
        self._whole = not recent or not self._is_today  # whether the whole window is asked for, whatever has changed

    def mark(self, origin: str = "sweep", *, resume: bool = False) -> int:
        """Enqueue what the day can have made due; how many records.

        Concerned are portfolios whose date is within the window or past or whose status is not empty, those whose party is
        waited for, whose Ad Sets are called almost the same or to which a ticket came lately. Of these a pass looks at each
        that is not as the last look at it left it, and at each for which a day has come (docs/process.md C.16); besides at
        what is still to be done, and at whatever has changed since it was read. Each is read afresh by its pass.

        What a part of it has found is enqueued though another part fails. Raises the first error of a search then, and
        `StoreError`; the next try, which is to `resume`, does the day's other parts only.
        """
        done = _done(self._store, self._today) if resume else frozenset()
        found = _Found()
        with self._store.read() as connection:
            concerned = self._concerned(connection)
            known = looks.find(connection, sorted(one.id for one in concerned))
            if Part.LEDGER not in done:
                with found.part(Part.LEDGER):
                    self._add_of_the_ledger(connection, found, concerned, known)
        told = self._add_by_searches(found, done)
        if Part.LISTS not in done:
            with found.part(Part.LISTS):
                self._add_by_their_lists(found, {_ref(one): looked for one, looked in known.items()})
        self._enqueue(found, done, origin, told)
        reasons = dict(sorted(Counter(found.why.values()).items()))
        log.info("sweep.marked", records=len(found.why), today=self._today.isoformat(), reasons=reasons)
        for error in found.errors:
            raise error
        return len(found.why)

    # -- what the CRM shows

    def _add_by_searches(self, found: _Found, done: frozenset[str]) -> datetime:
        """Add what has changed since it was read, as far as the last sweep reached; gives how far this one does.

        Where there was none, or it went by other rules, it is every portfolio of the window and every open ticket, too.
        """
        began, since = self._clock.now(), self._since
        if Part.PORTFOLIOS not in done:
            with found.part(Part.PORTFOLIOS):
                self._add_portfolios(found, list(self._crm.search(Kind.PORTFOLIO, self._groups(since), [MODIFIED])))
        told = self._crm.time()
        if Part.TICKETS not in done:
            with found.part(Part.TICKETS):
                groups = [] if since is None else [[modified_since(since)]]
                if self._last is None:
                    groups.append(_open_in(self._portal.pipeline, self._mapping))
                self._add_changed(found, list(self._crm.search(Kind.TICKET, groups, [MODIFIED])))
        if Part.TASKS not in done:
            with found.part(Part.TASKS):
                since = since or self._since_began  # a portfolio that a webhook named was looked at before any sweep
                tasks = list(completed_tasks(self._crm, self._portal, self._adopted, since))
                self._add_changed(found, tasks)
                self._add_done_by_managers(found, tasks)
        return began - CLOCKS_APART if told is None else told - max(timedelta(), self._clock.now() - began)

    def _groups(self, since: datetime | None) -> list[list[Filter]]:
        groups = [] if since is None else [[modified_since(since)]]
        if self._last is None or self._whole:
            return [*self._window(), *groups]
        return [_entering(self._mapping, self._last.window_to, self._last_day), *groups]

    def _window(self) -> list[list[Filter]]:
        names = self._mapping.portfolio.properties
        return [
            [Filter(names.refresh_date, "HAS_PROPERTY"), Filter(names.refresh_date, "LTE", _midnight(self._last_day))],
            [Filter(names.status, "HAS_PROPERTY")],
        ]

    def _add_portfolios(self, found: _Found, shown: Sequence[Record]) -> None:
        """Add those that have changed since they were read, and those that are not as their last look left them."""
        modified = modified_at(shown)
        refs = {_ref(one.id) for one in shown}
        with self._store.read() as connection:
            found.add("changed", changes.unread(connection, modified))
            known = looks.find(connection, sorted(one.id for one in refs))
        found.add("changed", refs - modified.keys())
        self._add_otherwise(found, refs, known)

    def _add_changed(self, found: _Found, shown: Sequence[Record]) -> None:
        """Add what these tickets or tasks belong to, if they were not read since: a poll misses what showed too late."""
        with self._store.read() as connection:
            found.add("changed", work_queue.units(connection, changes.unread(connection, modified_at(shown))))

    def _add_done_by_managers(self, found: _Found, tasks: Sequence[Record]) -> None:
        """Add those who wait for a manager who may be late, and has done a task."""
        days = self._mapping.rules.stuck_after_days
        soonest = timedelta(days=min(days[Party.ACCOUNT_MANAGER], days[Party.CLIENT]))
        until = self._now + LOOKED_AT_WITHIN - soonest
        with self._store.read() as connection:
            done = queries.portfolios_of_tasks(connection, [one.id for one in tasks])
            found.add("task done", done & waits.for_managers(connection, until))

    def _add_by_their_lists(self, found: _Found, known: Mapping[RecordRef, Looked]) -> None:
        """Add those that do not list the tickets of their last look: a link moves no record's last change.

        Nor does a deletion show in a search, of a ticket or of a portfolio.
        """
        asked = sorted(known.keys() - found.why.keys(), key=lambda one: int(one.id))
        if not asked:
            return
        reading = self._crm.associated_each(Kind.PORTFOLIO, Kind.TICKET, [one.id for one in asked])
        lists = {_ref(one): mark_of_tickets(end.to for end in ends) for one, ends in reading.found.items()}
        found.add("other tickets", (one for one in asked if lists.get(one) != known[one].look.tickets))

    # -- what the database knows

    def _concerned(self, connection: Connection) -> set[RecordRef]:
        found = portfolios.near(connection, self._last_day) | waits.known(connection) | look_alikes.known(connection)
        return found | queries.with_tickets_since(connection, self._now - TICKETS_LIVE_FOR)

    def _add_of_the_ledger(
        self, connection: Connection, found: _Found, concerned: Iterable[RecordRef], known: Mapping[str, Looked]
    ) -> None:
        """Add what is to be done, what has come due, and what is not as its last look left it."""
        found.add("to be done", queries.with_open_effects(connection))
        found.add("parked", (one.record for one in work_queue.parked(connection) if one.record.kind is Kind.PORTFOLIO))
        found.add("due", looks.due(connection, self._today))
        self._add_otherwise(found, concerned, known)

    def _add_otherwise(self, found: _Found, concerned: Iterable[RecordRef], known: Mapping[str, Looked]) -> None:
        found.add("not known", (one for one in concerned if one.id not in known))
        for one, looked in known.items():
            if (reason := self._is_otherwise(looked)) is not None:
                found.add(reason, [_ref(one)])

    def _is_otherwise(self, looked: Looked) -> str | None:
        """Why a portfolio is to be looked at though nothing has changed on it since; None: nothing speaks for it."""
        look = looked.look
        if look.decided_by != self._rules:
            return "other rules"
        if look.people != mark_of_people(self._portal, look.named):
            return "other people"
        days = (self._today - local_date(looked.at, self._mapping.zone)).days
        its_day = zlib.crc32(look.portfolio.encode()) % WEEK == self._today.toordinal() % WEEK
        if (its_day and days >= LATELY) or not 0 <= days < WEEK + LATELY:
            return "its day of the week"
        return None

    def _enqueue(self, found: _Found, done: frozenset[str], origin: str, to: datetime) -> None:
        with self._store.write() as connection:
            work_queue.enqueue(connection, found.why, self._now, origin, priority=Priority.BULK)
            parts = frozenset({*done, *found.parts})
            service_state.put(connection, service_state.SWEPT_PARTS, SweptParts(self._today, parts))
            if not found.ended:
                return
            service_state.put(connection, service_state.LAST_SWEEP, self._now)
            if self._is_today:
                all_at = self._now if self._last is None or self._whole else self._last.all_at
                swept = Swept(to, self._last_day, all_at, self._rules)
                service_state.put(connection, service_state.SWEPT, swept)


def _done(store: Store, today: date) -> frozenset[str]:
    """Which parts of the day's sweep are done."""
    with store.read() as connection:
        swept = service_state.get(connection, service_state.SWEPT_PARTS)
    return swept.parts if swept is not None and swept.day == today else frozenset()


def _ref(portfolio: str) -> RecordRef:
    return RecordRef(Kind.PORTFOLIO, portfolio)


def _midnight(day: date) -> str:
    """A day as the search compares dates: midnight UTC, in milliseconds."""
    return str(to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC)))


def _entering(mapping: ProcessMapping, before: date, until: date) -> list[Filter]:
    """Ask for the dates that have come into the window since it reached to `before`, whoever has changed anything."""
    name = mapping.portfolio.properties.refresh_date
    return [Filter(name, "GT", _midnight(before - timedelta(days=1))), Filter(name, "LTE", _midnight(until))]


def _open_in(pipeline: Pipeline, mapping: ProcessMapping) -> list[Filter]:
    """Ask for the tickets of a pipeline that are open; as many closed stages as one search may name are left out."""
    names = mapping.ticket.properties
    closed = [stage.id for stage in pipeline.stages if stage.closed][:CLOSED_STAGES]
    return [Filter(names.pipeline, "EQ", pipeline.id), *(Filter(names.stage, "NEQ", stage) for stage in closed)]
