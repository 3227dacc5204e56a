"""Every client in a line: where it stands, whose turn it is, since when, until when, and what date comes next.

Put together of what the database keeps: what each one's last pass has found, whom it waits for, and what an admin has to
do before anything goes on. `handoffs list` shows the CRM's own names, statuses and dates of this moment in their place.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from mappings.vocabulary import Role, Step
from sync.clock import iso
from sync.crm import Kind, RecordRef
from sync.storage import portfolios, waits, work_queue
from sync.storage.database import Connection
from sync.storage.ledger import queries
from sync.storage.ledger.queries import Trouble
from sync.storage.portfolios import AdSetCount, KeptPortfolio
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
class Shown:
    """What people see of a portfolio in the CRM: `status` by its label, '' where it is empty."""

    id: str
    name: str
    url: str
    status: str
    refresh_date: date | None


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
    due: datetime | None = None  # when a person's turn has lasted too long; None: it is no person's
    step: Step | None = None  # None: no pass has found it yet
    ad_sets: tuple[AdSetCount, ...] = ()
    problems: tuple[str, ...] = ()
    people: tuple[tuple[Role, str], ...] = ()

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
            "due": iso(self.due),
            "step": None if self.step is None else self.step.value,
            "ad_sets": [one.as_json() for one in self.ad_sets],
            "problems": list(self.problems),
            "people": {role.value: name for role, name in self.people},
        }


@dataclass(frozen=True)
class _Known:
    """What the database knows, by portfolio."""

    found: Mapping[str, KeptPortfolio]
    turns: Mapping[str, Turn]
    queued: Mapping[RecordRef, QueuedRecord]
    troubles: Mapping[str, list[Trouble]]


def kept(connection: Connection, now: datetime, today: date, window_days: int) -> list[Client]:
    """List every portfolio that passes have found and the mapping's condition takes in: what is urgent first, else by name.

    `today` is the date in the portal's time zone, `window_days` the mapping's.
    """
    found = portfolios.find(connection)
    shown = [Shown(one.id, one.name, one.url, one.status, one.refresh_date) for one in found]
    return _clients(connection, shown, found, now, today, window_days)


def some(connection: Connection, ids: Collection[str], now: datetime, today: date, window_days: int) -> list[Client]:
    """List these of `kept`, in the same order. It costs no more with the number of all."""
    found = portfolios.of(connection, ids)
    shown = [Shown(one.id, one.name, one.url, one.status, one.refresh_date) for one in found]
    return _clients(connection, shown, found, now, today, window_days, only=[one.id for one in found])


def as_shown(
    connection: Connection, shown: Iterable[Shown], now: datetime, today: date, window_days: int
) -> list[Client]:
    """List these portfolios as the CRM shows them, with what is kept of them; in the order of `kept`."""
    return _clients(connection, list(shown), portfolios.find(connection), now, today, window_days)


def _clients(
    connection: Connection,
    shown: list[Shown],
    found: list[KeptPortfolio],
    now: datetime,
    today: date,
    window_days: int,
    only: Sequence[str] | None = None,
) -> list[Client]:
    troubles: dict[str, list[Trouble]] = {}
    for one in queries.troubles(connection, portfolios=only):
        if one.portfolio is not None:
            troubles.setdefault(one.portfolio, []).append(one)
    refs = [RecordRef(Kind.PORTFOLIO, each.id) for each in shown]
    known = _Known(
        {one.id: one for one in found}, waits.turns(connection, only), work_queue.find(connection, refs), troubles
    )
    made = [_client(each, known, now, today, window_days) for each in shown]
    order = list(Standing)
    return sorted(made, key=lambda one: (order.index(one.standing), one.name.casefold(), int(one.id)))


def _client(shown: Shown, known: _Known, now: datetime, today: date, window_days: int) -> Client:
    when = shown.refresh_date
    standing, turn, what, since, due = _turn(shown.id, known, when, today, now)
    next_date, next_is = _next(when, today, window_days)
    client = Client(
        shown.id, shown.name, shown.url, shown.status, when, standing, turn, what, since, next_date, next_is, due
    )  # fmt: skip
    found = known.found.get(shown.id)
    if found is None:
        return client
    return replace(
        client,
        step=found.step,
        ad_sets=found.ad_sets,
        problems=found.problems,
        people=tuple(sorted(found.people.items())),
    )


def _turn(
    portfolio: str, known: _Known, when: date | None, today: date, now: datetime
) -> tuple[Standing, str, str, datetime | None, datetime | None]:
    """Who has the next step, to do what, since when, until when."""
    queued = known.queued.get(RecordRef(Kind.PORTFOLIO, portfolio))
    for_admin = _admins_turn(queued, known.troubles.get(portfolio, []))
    if for_admin is not None:
        return *for_admin, None
    turn = known.turns.get(portfolio)
    if turn is not None:
        standing = Standing.STUCK if turn.stuck_at <= now else Standing.WAITING
        return standing, turn.who, turn.what, turn.since, turn.stuck_at
    if queued is not None and queued.not_before <= now:
        return Standing.DUE, "the service", "to look at it", queued.not_before, None
    turn_of = "the calendar" if when is not None and when >= today else "nobody"
    return Standing.QUIET, turn_of if when is not None else "nobody: no Refresh Date", "", None, None


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
