"""How the service is doing, read from the database alone: no call to the CRM, so that it answers while that is down."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, not_, select

from mappings.vocabulary import Handoff
from sync.clock import Clock, from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.observe import health
from sync.rules.model import EffectState, unit_of
from sync.storage import budget, ledger, service_state, waits, work_queue
from sync.storage.database import StoreReader
from sync.storage.tables import alerts, effects, occurrences
from sync.storage.tables import work_items as marked
from sync.storage.waits import Stuck

ALERTS_SHOWN = timedelta(days=1)
"""How far back `status` shows the alerts that were sent."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An effect that has not been done, and why."""

    key: str
    handoff: Handoff
    record: RecordRef
    portfolio: str | None  # the id; None: a ticket without one
    name: str  # the portfolio's, where the effect knows it
    kind: str  # write, task, close, email
    slot: str  # what of it: `task:kickoff`
    state: EffectState
    since: datetime
    reason: str

    @property
    def unit(self) -> RecordRef:
        """The record that a pass looks at for this effect: the portfolio, or a ticket that has none."""
        return unit_of(self.record, self.portfolio)

    @property
    def what(self) -> str:
        """`task kickoff`, `email date arrived`, `close 4711`, `write`."""
        return self.slot.replace(":", " ").replace("_", " ")

    @property
    def where(self) -> str:
        """`handoff 1, portfolio 1001 “Acme”`, in one line."""
        place = str(self.record)
        if self.portfolio is not None and self.record.kind is not Kind.PORTFOLIO:
            place += f" of portfolio {self.portfolio}"
        return f"handoff {self.handoff.value}, {place}" + (f" “{self.name}”" if self.name else "")


@dataclass(frozen=True, slots=True)
class FailedLook:
    """A record at which looking failed, and what its last pass failed with."""

    record: RecordRef
    attempts: int
    parked_at: datetime | None  # set: it is not looked at any more until it changes, or a sweep finds it
    not_before: datetime  # else: when it is tried again
    error: str


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """All errors of one kind: effects by state and kind (`blocked task`), failed looks by the error's class."""

    kind: str
    count: int
    since: datetime | None  # the oldest; None: it is not kept of failed looks that are tried again
    example: str  # the reason of one of them

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind, "count": self.count, "since": _iso(self.since), "example": self.example}


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert that was sent to the admin."""

    kind: str
    at: datetime
    message: str

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind, "at": self.at.isoformat(), "message": self.message}


@dataclass(frozen=True, slots=True)
class Held:
    """What the breaker holds."""

    records: int
    effects: int


@dataclass(frozen=True, slots=True)
class Status:
    """All of it, at one moment. `reasons`: why it is not `ok`, in words for the admin.

    Whoever is waited for too long (`stuck`) is people's business: the service is well all the same.
    """

    at: datetime
    backlog: health.Backlog
    effects: dict[EffectState, int]
    held: Held
    last_sweep: datetime | None
    last_poll: datetime | None
    last_webhook: datetime | None
    budget: dict[str, object]
    reasons: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    failed_looks: tuple[FailedLook, ...]
    errors: tuple[ErrorKind, ...]  # the most frequent first
    stuck: tuple[Stuck, ...]  # the longest first
    alerts: tuple[SentAlert, ...]  # within the last day, the newest first

    @property
    def ok(self) -> bool:
        return not self.reasons

    def as_json(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "backlog": self.backlog.due,
            "oldest_seconds": self.backlog.oldest_seconds,
            "waiting": self.backlog.waiting,
            "parked": self.backlog.parked,
            "held": self.backlog.held,
            "planned": self.effects[EffectState.PLANNED],
            "attempting": self.effects[EffectState.ATTEMPTING],
            "unknown": self.effects[EffectState.UNKNOWN],
            "blocked": self.effects[EffectState.BLOCKED],
            "failed": self.effects[EffectState.FAILED],
            "last_sweep": _iso(self.last_sweep),
            "last_poll": _iso(self.last_poll),
            "last_webhook": _iso(self.last_webhook),
            "budget": self.budget,
            "reasons": list(self.reasons),
            "errors": [kind.as_json() for kind in self.errors],
            "stuck": [one.as_json() for one in self.stuck],
            "told": [one.as_json() for one in self.alerts],
            "at": self.at.isoformat(),
        }


def read(store: StoreReader, clock: Clock) -> Status:
    """How the service is doing now. Raises `StoreError`."""
    now = clock.now()
    found = health.readiness(store, now)
    with store.read() as connection:
        backlog = health.backlog(connection, now)
        counts = ledger.count(connection)
        holding = held(connection)
        last_sweep = service_state.get(connection, service_state.LAST_SWEEP)
        last_poll = service_state.get(connection, service_state.LAST_POLL)
        last_webhook = service_state.get(connection, service_state.LAST_WEBHOOK)
        listed = tuple(troubles(connection))
        failed_looks = tuple(_failed_looks(connection))
        waiting_long = tuple(waits.find(connection, now))
        sent = tuple(_sent_alerts(connection, now - ALERTS_SHOWN))
    if backlog.parked:
        found.append(f"{backlog.parked:,} parked: looking at them failed again and again")
    if len(failed_looks) > backlog.parked:
        found.append(f"{len(failed_looks) - backlog.parked:,} records could not be looked at; they are tried again")
    if holding.records:
        found.append(f"{holding.effects:,} effects held by the breaker: `handoffs release --reason …` lets them go")
    for state, text in _WAITS_FOR.items():
        if counts[state]:
            found.append(f"{counts[state]:,} {state.value}: {text}")
    put_off = sum(1 for trouble in listed if trouble.state is EffectState.PLANNED)
    if put_off:
        found.append(f"{put_off:,} not sent: neither CRM nor mail server took them; tried again in minutes")
    return Status(
        now,
        backlog,
        counts,
        holding,
        last_sweep,
        last_poll,
        last_webhook,
        budget.state(store, clock),
        tuple(found),
        listed,
        failed_looks,
        tuple(_by_kind(listed, failed_looks)),
        waiting_long,
        sent,
    )


_WAITS_FOR = {
    EffectState.FAILED: "refused by the CRM or the mail server; each sweep tries again",
    EffectState.BLOCKED: "waiting for a person; tried again at each look, at least hourly",
    EffectState.UNKNOWN: "without an answer; looked for in the CRM before it is tried again",
}
"""What keeps all from being well, and what becomes of it."""


def held(connection: Connection) -> Held:
    """What the breaker holds now."""
    found = work_queue.held(connection)
    return Held(len(found), sum(count for _, count in found))


_WORST_FIRST = [EffectState.FAILED, EffectState.BLOCKED, EffectState.UNKNOWN]
_WRONG = effects.c.state.in_([state.value for state in _WORST_FIRST])
_PUT_OFF = and_(effects.c.state == EffectState.PLANNED.value, effects.c.reason.is_not(None))
_TROUBLES = (
    select(effects, occurrences.c.handoff, occurrences.c.record_kind, occurrences.c.record, occurrences.c.portfolio)
    .join(occurrences, effects.c.occurrence == occurrences.c.key)
    .where(_WRONG | _PUT_OFF, effects.c.state_at >= bindparam("since"), occurrences.c.state != ledger.GONE)
    .order_by(not_(_WRONG), effects.c.state != EffectState.FAILED.value, effects.c.state, effects.c.state_at)
)


def troubles(connection: Connection, *, since: datetime | None = None) -> Iterator[Trouble]:
    """What is blocked, failed, unknown, or planned again after a try that did not go out; the worst first.

    Only what came to that `since` then, where a moment is given.
    """
    for row in connection.execute(_TROUBLES, {"since": 0 if since is None else to_ms(since)}):
        variables = json.loads(row.payload).get("context") or {}
        yield Trouble(
            key=row.key,
            handoff=Handoff(row.handoff),
            record=RecordRef(Kind(row.record_kind), row.record),
            portfolio=row.portfolio,
            name=str((variables.get("portfolio") or {}).get("name", "")),
            kind=row.kind,
            slot=row.key.rsplit("/", 1)[1],
            state=EffectState(row.state),
            since=from_ms(row.state_at),
            reason=row.reason or "no reason was given",
        )


def parked(connection: Connection) -> list[FailedLook]:
    """The records that are looked at no more, the first parked first."""
    return [look for look in _failed_looks(connection) if look.parked_at is not None]


_FAILED_LOOKS = (
    select(marked)
    .where(marked.c.parked_at.is_not(None) | (marked.c.attempts > 0))
    .order_by(marked.c.parked_at.is_(None), marked.c.parked_at, marked.c.look_at)
)


def _failed_looks(connection: Connection) -> Iterator[FailedLook]:
    for row in connection.execute(_FAILED_LOOKS):
        lines = (row.error or "").strip().splitlines() or ["no error was kept"]
        parked_at = None if row.parked_at is None else from_ms(row.parked_at)
        yield FailedLook(RecordRef(Kind(row.kind), row.id), row.attempts, parked_at, from_ms(row.look_at), lines[-1])


def _by_kind(troubles: Iterable[Trouble], looks: Iterable[FailedLook]) -> list[ErrorKind]:
    found: dict[str, list[tuple[datetime | None, str]]] = {}
    for trouble in troubles:
        state = "unsent" if trouble.state is EffectState.PLANNED else trouble.state.value
        found.setdefault(f"{state} {trouble.kind}", []).append((trouble.since, trouble.reason))
    for look in looks:
        found.setdefault(look.error.partition(":")[0], []).append((look.parked_at, look.error))
    kinds = [
        ErrorKind(kind, len(each), min((at for at, _ in each if at is not None), default=None), each[0][1])
        for kind, each in found.items()
    ]
    return sorted(kinds, key=lambda one: (-one.count, one.kind))


def _sent_alerts(connection: Connection, since: datetime) -> Iterator[SentAlert]:
    rows = connection.execute(select(alerts).where(alerts.c.at >= to_ms(since)).order_by(alerts.c.at.desc()))
    return (SentAlert(row.kind, from_ms(row.at), row.message) for row in rows)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
