"""What would come of a decision, worked out without touching anything: `plan` looks ahead with it.

Pure. A decision is applied to the snapshot that it was made on, as if every effect had succeeded at once; deciding again
then tells what the service's own writes lead to, and deciding with a later moment what the days bring.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from mappings.vocabulary import Stage
from sync.case import Case, Moment
from sync.clock import local_date, start_of_day
from sync.crm import Kind
from sync.decide import decide
from sync.model import (
    CloseTask,
    Decision,
    Effect,
    EffectFact,
    EffectState,
    Email,
    Facts,
    Fired,
    NewTask,
    Occurrence,
    OwnTask,
    Portfolio,
    Snapshot,
    Ticket,
    Version,
    Write,
)

ROUNDS = 8
"""How often a decision may lead to another on the same day; the process itself needs three."""

FIRST_TASK = 9_000_000_000_000
"""Ids of tasks that do not exist yet; HubSpot's own are shorter."""

MORNING = timedelta(hours=9)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One occurrence that would fire, on which day, with the effects that would be tried then."""

    day: date
    occurrence: Occurrence
    effects: tuple[Effect, ...]


def foresee(case: Case, until: date) -> Iterator[Foreseen]:
    """What would be done for this record from the case's moment to the end of `until`, in order.

    Nobody acts in between: tasks stay open, statuses as they are. The case must be complete (tasks and notes read).
    Raises `NeededError` through `decide`'s incompleteness as `Incomplete`.
    """
    day = case.moment.today
    while True:
        yielded: set[str] = set()
        for _ in range(ROUNDS):
            decision = decide(case)
            if not decision.complete:
                raise IncompleteError(decision)
            fresh = [o for o in decision.occurrences if ahead(o, case.facts) and o.key not in yielded]
            yielded |= {occurrence.key for occurrence in fresh}
            for occurrence in fresh:
                yield Foreseen(day, occurrence, ahead(occurrence, case.facts))
            if not decision.occurrences:
                break
            case = applied(case, decision)
        if day >= until:
            return
        day += timedelta(days=1)
        case = replace(case, moment=_on(case, day))


class IncompleteError(Exception):
    """The snapshot lacks what a rule asks for; `decision` says what."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision


def ahead(occurrence: Occurrence, facts: Facts) -> tuple[Effect, ...]:
    """The effects of an occurrence that are still to be tried, the blocked ones left out."""
    fired = facts.fired.get(occurrence.key)
    tried = {effect.key for effect in fired.effects if effect.attempted} if fired is not None else set()
    return tuple(e for e in occurrence.effects if e.blocked is None and occurrence.effect_key(e) not in tried)


def applied(case: Case, decision: Decision) -> Case:
    """The case as it would stand if everything that this decision asks for were done."""
    now = case.moment.now
    snapshot, fired = case.snapshot, dict(case.known.fired)
    for occurrence in decision.occurrences:
        known = {effect.key: effect for effect in fired[occurrence.key].effects} if occurrence.key in fired else {}
        for effect in ahead(occurrence, case.facts):
            snapshot, crm_id = _done(case, snapshot, effect, now)
            fact = _fact(occurrence, effect, crm_id, now)
            known[fact.key] = fact
        for effect in occurrence.effects:
            if effect.blocked is not None:
                fact = _fact(occurrence, effect, None, now)
                known.setdefault(fact.key, replace(fact, state=EffectState.BLOCKED, attempted=False))
        state = "overtaken" if occurrence.overtaken else "open" if occurrence.effects else "done"
        fired[occurrence.key] = Fired(
            occurrence.key, occurrence.handoff, occurrence.record, occurrence.cycle, occurrence.cause_at, now, state,
            occurrence.reason, occurrence.detail, tuple(known.values()),
        )  # fmt: skip
    facts = Facts(fired, tuple(sorted({*case.known.closings, *decision.closings}, key=lambda closing: closing.at)))
    # The next decision comes after these writes: its versions must not be older than what it reads.
    later = replace(case.moment, now=now + timedelta(milliseconds=1))
    return Case(snapshot, facts, case.mapping, later, case.people, case.in_progress)


def _done(case: Case, snapshot: Snapshot, effect: Effect, now: datetime) -> tuple[Snapshot, str | None]:
    match effect:
        case Write(record) if record.kind is Kind.PORTFOLIO:
            assert snapshot.portfolio is not None
            return replace(snapshot, portfolio=_written(case, snapshot.portfolio, effect, now)), record.id
        case Write(record):
            tickets = tuple(
                _ticket_written(case, ticket, effect, now) if ticket.id == record.id else ticket
                for ticket in snapshot.tickets
            )
            return replace(snapshot, tickets=tickets), record.id
        case NewTask():
            task = OwnTask(str(FIRST_TASK + len(snapshot.tasks)), exists=True, completed=False)
            return replace(snapshot, tasks={**snapshot.tasks, task.id: task}), task.id
        case CloseTask(task_id):
            closed = OwnTask(task_id, exists=True, completed=True, completed_at=now)
            return replace(snapshot, tasks={**snapshot.tasks, task_id: closed}), task_id
        case Email():
            return snapshot, None


def _written(case: Case, portfolio: Portfolio, write: Write, now: datetime) -> Portfolio:
    names, raw = case.mapping.portfolio.properties, {**portfolio.raw, **write.values}
    changed = replace(portfolio, raw=raw)
    if names.status in write.values:
        status = case.mapping.portfolio.status(write.values[names.status])
        history = (Version(status, now, own=True), *portfolio.status_history)
        changed = replace(changed, status=status, status_history=history)
    if names.refresh_date in write.values:
        when = date.fromisoformat(write.values[names.refresh_date])
        dates = (Version[date | None](when, now, own=True), *portfolio.date_history)
        changed = replace(changed, refresh_date=when, date_history=dates)
    return changed


def _ticket_written(case: Case, ticket: Ticket, write: Write, now: datetime) -> Ticket:
    names, raw = case.mapping.ticket.properties, {**ticket.raw, **write.values}
    changed = replace(ticket, raw=raw)
    if names.stage in write.values:
        changed = replace(changed, stage=Stage.IN_PROGRESS, stage_since=now, is_open=True)
    if names.needs_revisions in write.values:
        revision = case.mapping.ticket.revision(write.values[names.needs_revisions])
        history = (Version(revision, now, own=True), *ticket.revision_history)
        changed = replace(changed, revision=revision, revision_history=history)
    return changed


def _fact(occurrence: Occurrence, effect: Effect, crm_id: str | None, now: datetime) -> EffectFact:
    kinds = {Write: "write", NewTask: "task", CloseTask: "close", Email: "email"}
    return EffectFact(
        key=occurrence.effect_key(effect),
        slot=effect.slot,
        kind=kinds[type(effect)],
        role=effect.role if isinstance(effect, NewTask | Email) else None,
        state=EffectState.DONE,
        state_at=now,
        crm_id=crm_id,
        task_kind=effect.kind if isinstance(effect, NewTask) else None,
        attempted=True,
    )


def _on(case: Case, day: date) -> Moment:
    now = start_of_day(day, case.mapping.zone) + MORNING
    assert local_date(now, case.mapping.zone) == day
    return replace(case.moment, now=now, today=day)
