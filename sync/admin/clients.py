"""Every client in a line: where it stands, whose turn it is, since when, and what date comes next.

Two things are put together: what the portfolios say now, of which a search shows two hundred a call, and whom each waits
for, as its last pass has written it down. No history is read, and no rule decides: `explain` does both, for one client.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sync.clock import iso
from sync.crm import Kind, Record, RecordRef, moment_of
from sync.passes.portal import Portal
from sync.service.reading import ReadingService
from sync.storage import waits, work_queue
from sync.storage.ledger import queries
from sync.storage.ledger.queries import Trouble
from sync.storage.waits import Turn
from sync.storage.work_queue import QueuedRecord


class Standing(StrEnum):
    """Who has the next step, the most urgent first."""

    PARKED = "parked"  # an admin: looking at it failed again and again
    FAILED = "failed"  # an admin: the CRM or the mail server refuses what is due
    BLOCKED = "blocked"  # an admin: something waits for a person to be named, or for a setting
    HELD = "held"  # an admin: the breaker holds it
    STUCK = "stuck"  # a person, for longer than the mapping allows
    WAITING = "waiting"  # a person
    DUE = "due"  # the service
    QUIET = "quiet"  # the calendar, or nobody


@dataclass(frozen=True, slots=True)
class Client:
    """One portfolio. `next_date`: the next day on which the calendar makes something due, and `next_is` what."""

    id: str
    name: str
    url: str
    status: str  # as people see it; '' where it is empty
    refresh_date: date | None
    standing: Standing
    turn: str  # who has the next step, as people call them
    what: str  # to do what, or what is the matter
    since: datetime | None
    next_date: date | None
    next_is: str  # `kickoff` or `Refresh Date`; '' where there is none

    def as_json(self) -> dict[str, object]:
        return {
            "portfolio": {"id": self.id, "name": self.name, "url": self.url},
            "status": self.status,
            "refresh_date": None if self.refresh_date is None else self.refresh_date.isoformat(),
            "state": self.standing.value,
            "turn": self.turn,
            "what": self.what,
            "since": iso(self.since),
            "next": None if self.next_date is None else {"date": self.next_date.isoformat(), "what": self.next_is},
        }


@dataclass(frozen=True)
class _Known:
    """What the database knows, by portfolio."""

    turns: Mapping[str, Turn]
    queued: Mapping[RecordRef, QueuedRecord]
    troubles: Mapping[str, list[Trouble]]


def clients(service: ReadingService) -> list[Client]:
    """List every portfolio that the mapping's condition takes in: what is urgent first, else by name.

    Raises the port's errors and `StoreError`.
    """
    portal = service.portals.get()
    names = service.mapping.portfolio.properties
    conditions = service.mapping.portfolio.condition
    wanted = [names.name, names.status, names.refresh_date, *(one.property for one in conditions)]
    found = [
        record
        for record in service.crm.search(Kind.PORTFOLIO, [], list(dict.fromkeys(wanted)))
        if all(one.holds(record.properties.get(one.property, "")) for one in conditions)
    ]
    labels = _labels(service)
    known = _known(service, found)
    made = [_client(service, portal, record, labels, known) for record in found]
    order = list(Standing)
    return sorted(made, key=lambda one: (order.index(one.standing), one.name.casefold(), int(one.id)))


def _labels(service: ReadingService) -> dict[str, str]:
    """What people see for each value of the status."""
    definition = service.crm.properties(Kind.PORTFOLIO).get(service.mapping.portfolio.properties.status)
    return {} if definition is None else dict(zip(definition.options, definition.labels, strict=False))


def _known(service: ReadingService, found: Iterable[Record]) -> _Known:
    troubles: dict[str, list[Trouble]] = {}
    with service.store.read() as connection:
        for one in queries.troubles(connection):
            if one.portfolio is not None:
                troubles.setdefault(one.portfolio, []).append(one)
        refs = [RecordRef(Kind.PORTFOLIO, record.id) for record in found]
        return _Known(waits.turns(connection), work_queue.find(connection, refs), troubles)


def _client(
    service: ReadingService, portal: Portal, record: Record, labels: Mapping[str, str], known: _Known
) -> Client:
    names = service.mapping.portfolio.properties
    status = record.properties.get(names.status, "")
    moment = moment_of(record.properties.get(names.refresh_date, ""))
    when = None if moment is None else moment.date()
    now = service.calendar.now()
    standing, turn, what, since = _turn(record.id, known, when, service.today, now)
    next_date, next_is = _next(when, service.today, service.mapping.rules.window_days)
    return Client(
        record.id, record.properties.get(names.name, ""), portal.url(Kind.PORTFOLIO, record.id), labels.get(status, status),
        when, standing, turn, what, since, next_date, next_is,
    )  # fmt: skip


def _turn(
    portfolio: str, known: _Known, when: date | None, today: date, now: datetime
) -> tuple[Standing, str, str, datetime | None]:
    """Who has the next step, to do what, since when."""
    queued = known.queued.get(RecordRef(Kind.PORTFOLIO, portfolio))
    for_admin = _admins_turn(queued, known.troubles.get(portfolio, []))
    if for_admin is not None:
        return for_admin
    turn = known.turns.get(portfolio)
    if turn is not None:
        standing = Standing.STUCK if turn.stuck_at <= now else Standing.WAITING
        return standing, turn.who, turn.what, turn.since
    if queued is not None and queued.not_before <= now:
        return Standing.DUE, "the service", "to look at it", queued.not_before
    turn_of = "the calendar" if when is not None and when >= today else "nobody"
    return Standing.QUIET, turn_of if when is not None else "nobody: no Refresh Date", "", None


def _admins_turn(
    queued: QueuedRecord | None, troubles: list[Trouble]
) -> tuple[Standing, str, str, datetime | None] | None:
    """What waits for an admin; None: nothing does."""
    if queued is not None and queued.parked_at is not None:
        return Standing.PARKED, "an admin", f"looking at it failed: {queued.reason}", queued.parked_at
    for standing in (Standing.FAILED, Standing.BLOCKED):
        found = [one for one in troubles if one.state.value == standing.value]
        if found:
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            return standing, "an admin", f"{found[0].what}{more}: {found[0].reason}", found[0].since
    if queued is not None and queued.held_effects is not None:
        return Standing.HELD, "an admin", f"the breaker holds {queued.held_effects} effects", queued.enqueued_at
    return None


def _next(when: date | None, today: date, window: int) -> tuple[date | None, str]:
    """The next day on which the calendar makes something due, and what."""
    if when is None or when < today:
        return None, ""
    kickoff = when - timedelta(days=window)
    return (kickoff, "kickoff") if kickoff > today else (when, "Refresh Date")
