"""What would come of a case, worked out without touching anything: `plan` looks ahead with it.

Pure. Every decision is applied to the snapshot and the facts that it was made on, as the ledger and the CRM would have
them after it, each effect done at once; deciding again then tells what the service's own writes lead to, and deciding at
a later moment what the days bring. Nobody else acts: tasks stay open, statuses as they are.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from mappings.vocabulary import Handoff, Stage
from sync.clock import local_date, start_of_day, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.context import Context
from sync.rules.decide import decide
from sync.rules.model import (
    NOT_YET,
    UNRESOLVED,
    CloseTask,
    Decision,
    Effect,
    EffectState,
    Email,
    LedgerView,
    NewTask,
    Occurrence,
    OwnTask,
    Portfolio,
    RecordedEffect,
    RecordedOccurrence,
    Snapshot,
    State,
    Ticket,
    Verdict,
    Version,
    Write,
)

ROUNDS = 8
"""How often a decision may lead to another at one moment; the process itself needs three."""

FIRST_TASK = 9_000_000_000_000
"""Ids of tasks that do not exist yet; HubSpot's own are shorter."""

MORNING = timedelta(hours=9)
"""When a later day is looked at: its sweep has run."""

LATER = "~"
"""Stands in a key for the time of a write that is still to be made."""

_OPEN = frozenset({*NOT_YET, EffectState.FAILED})
_KINDS = {Write: "write", NewTask: "task", CloseTask: "close", Email: "email"}


class Prospect(StrEnum):
    """What would become of an effect."""

    DUE = "due"  # it would be tried
    BLOCKED = "blocked"  # it waits for a person, or for what waits for one
    UNKNOWN = "unknown"  # tried before, without an answer: looked for in the CRM before it is tried again


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One effect that would be tried on a day, or could not be. `reason` is the rule's, `blocked` why it waits."""

    day: date
    handoff: Handoff
    record: RecordRef  # the occurrence's
    occurrence: str  # its key, as `key`: with `LATER` for what is not known yet
    reason: str
    key: str
    kind: str  # write, task, close, email; '' where no effect can be named
    slot: str
    prospect: Prospect
    effect: Effect | None  # None: as the ledger holds it
    owner: str | None  # who does it instead of whom the ledger names; None: nobody else
    blocked: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One decision on the way: the case that it was made on, and what came of it."""

    context: Context
    effects: tuple[Foreseen, ...]

    @property
    def due(self) -> tuple[Foreseen, ...]:
        return tuple(one for one in self.effects if one.prospect is Prospect.DUE)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is foreseen, decision by decision; or, where it is not complete, what has to be read first."""

    turns: tuple[Turn, ...]
    needed_tasks: frozenset[str] = frozenset()
    needed_notes: frozenset[RecordRef] = frozenset()

    @property
    def complete(self) -> bool:
        return not self.needed_tasks and not self.needed_notes

    @property
    def effects(self) -> tuple[Foreseen, ...]:
        return tuple(one for turn in self.turns for one in turn.effects)


def foresee(context: Context, until: date | None = None) -> Forecast:
    """What would be done for this record at the case's moment, and from there to the end of `until`.

    It is what the sweep of each day does, and what its own writes lead to: what the CRM had refused is tried again.
    """
    course = Course(context)
    while True:
        decision = course.settle()
        if not decision.complete:
            return Forecast((), decision.needed_tasks, decision.needed_notes)
        turn = None if until is None else course.next_turn(decision)
        if turn is None or until is None or local_date(turn, context.mapping.zone) > until:
            return Forecast(tuple(course.turns))
        course.move_to(turn)


def ahead(occurrence: Occurrence, ledger_view: LedgerView) -> tuple[Effect, ...]:
    """The effects of an occurrence that are still to be tried, the blocked ones left out."""
    recorded = ledger_view.recorded.get(occurrence.key)
    tried = {effect.key for effect in recorded.effects if effect.attempted} if recorded is not None else set()
    return tuple(e for e in occurrence.effects if e.blocked is None and occurrence.effect_key(e) not in tried)


@dataclass
class Course:
    """One case on its way through time."""

    context: Context
    turns: list[Turn] = field(default_factory=list)
    _foreseen: list[Foreseen] = field(default_factory=list)  # of the turn that is being made
    _stamps: set[int] = field(default_factory=set)  # the times (ms) of writes that are still to be made
    _shown: set[str] = field(default_factory=set)  # what waits is told once
    _tasks: int = FIRST_TASK

    def __post_init__(self) -> None:
        self.context = _tried_again(self.context)
        for recorded in self.context.ledger.recorded.values():
            if recorded.state == "open":
                for known_effect in recorded.effects:
                    if known_effect.state in UNRESOLVED:
                        self._tell(recorded, known_effect, Prospect.UNKNOWN, None, None, known_effect.reason)

    def settle(self) -> Decision:
        """Decide, and do what is decided, until nothing more follows; the last decision, or one that is incomplete."""
        for _ in range(ROUNDS):
            decision = decide(self.context)
            if not decision.complete or not self.apply(decision):
                return decision
        return decide(self.context)

    def apply(self, decision: Decision) -> bool:
        """Do what this decision asks for, as one turn. Whether anything was tried or recorded."""
        context, portfolio = self.context, self.context.snapshot.portfolio
        moved = (portfolio is None or portfolio.inside) and _Round(self, decision).carry_out()
        for verdict in decision.verdicts:
            if verdict.state is State.BLOCKED and verdict.occurrence is None and verdict.key is None:
                self._tell_blocked(verdict)
        self.turns.append(Turn(context, tuple(self._foreseen)))
        self._foreseen.clear()
        return moved

    def next_turn(self, decision: Decision) -> datetime | None:
        """When something that this decision waits for comes; None: it waits for no moment."""
        now = self.context.times.now
        waits = (v.when for v in decision.verdicts if v.state is State.WAITING and v.when is not None and v.when > now)
        turn = min(waits, default=None)
        if turn is None:
            return None
        zone = self.context.mapping.zone
        midnight = start_of_day(local_date(turn, zone), zone)
        return midnight + MORNING if turn == midnight else turn

    def move_to(self, moment: datetime) -> None:
        today = local_date(moment, self.context.mapping.zone)
        self.context = replace(self.context, times=replace(self.context.times, now=moment, today=today))

    # -- what the rounds use

    def stamp(self) -> datetime:
        """The moment of a write: later than everything that the snapshot shows."""
        newest = max(_versions_at(self.context.snapshot), default=self.context.times.now)
        at = max(self.context.times.now, newest) + timedelta(milliseconds=1)
        self._stamps.add(to_ms(at))
        return at

    def new_task(self) -> str:
        self._tasks += 1
        return str(self._tasks)

    def symbolic(self, key: str) -> str:
        """The key with `LATER` for every time that is not known before it has come."""
        return re.sub(r"\d{13}", lambda found: LATER if int(found[0]) in self._stamps else found[0], key)

    def tell(
        self,
        recorded: RecordedOccurrence,
        known_effect: RecordedEffect,
        prospect: Prospect,
        effect: Effect | None,
        owner: str | None,
    ) -> None:
        blocked = None
        if prospect is Prospect.BLOCKED:
            blocked = known_effect.reason or "it follows a change that is not made"
            if known_effect.key in self._shown:
                return
        self._shown.add(known_effect.key)
        self._tell(recorded, known_effect, prospect, effect, owner, blocked)

    def _tell_blocked(self, verdict: Verdict) -> None:
        """A rule that cannot even say what is to be done."""
        if verdict.reason not in self._shown:
            self._shown.add(verdict.reason)
            told = Foreseen(
                self.context.times.today, verdict.handoff, verdict.record, "", "", "", "", "", Prospect.BLOCKED, None, None,
                verdict.reason,
            )  # fmt: skip
            self._foreseen.append(told)

    def _tell(
        self,
        recorded: RecordedOccurrence,
        known_effect: RecordedEffect,
        prospect: Prospect,
        effect: Effect | None,
        owner: str | None,
        blocked: str | None,
    ) -> None:
        if isinstance(effect, CloseTask | Email) and effect.after is not None:
            effect = replace(effect, after=self.symbolic(effect.after))
        told = Foreseen(
            self.context.times.today, recorded.handoff, recorded.record, self.symbolic(recorded.key), recorded.reason,
            self.symbolic(known_effect.key), known_effect.kind, known_effect.slot, prospect, effect, owner, blocked,
        )  # fmt: skip
        self._foreseen.append(told)


class _Round:
    """One decision, written down as `ledger.plan` writes it down, and carried out as `effects.perform` would."""

    def __init__(self, course: Course, decision: Decision) -> None:
        self._course = course
        self._context = course.context
        self._decision = decision
        self._now = course.context.times.now
        self._recorded_occurrences: dict[str, RecordedOccurrence] = dict(course.context.ledger.recorded)
        self._wanted: dict[str, Effect] = {}  # by effect key
        self._owners: dict[str, str] = {}
        self._snapshot = course.context.snapshot
        self._stamp: datetime | None = None
        self._done: set[str] = set()

    def carry_out(self) -> bool:
        """Whether anything was tried or recorded that was not before."""
        before = dict(self._recorded_occurrences)
        self._write_down()
        self._perform()
        self._finish()
        self._tell()
        closings = {*self._context.ledger_as_read.closings, *self._decision.closings}
        ledger_view = LedgerView(self._recorded_occurrences, tuple(sorted(closings, key=lambda closing: closing.at)))
        later = self._context.times
        if self._stamp is not None:  # the next decision comes after these writes: it must not be older than them
            later = replace(later, now=self._stamp)
        self._course.context = replace(self._context, snapshot=self._snapshot, ledger_as_read=ledger_view, times=later)
        return bool(self._done) or any(
            key not in before or (not before[key].committed and recorded.committed)
            for key, recorded in self._recorded_occurrences.items()
        )

    # -- as the ledger does

    def _write_down(self) -> None:
        yielded = {occurrence.key for occurrence in self._decision.occurrences}
        for occurrence in self._decision.occurrences:
            self._recorded_occurrences[occurrence.key] = self._planned(occurrence)
        for key, recorded in list(self._recorded_occurrences.items()):
            if key not in yielded and recorded.state == "open":
                self._recorded_occurrences[key] = _cancelled(recorded)
        for key, who in self._decision.reassigned.items():
            self._reassign(key, who.owner, who.blocked)
        for occurrence in self._decision.occurrences:
            if occurrence.handoff is Handoff.DECLINED and occurrence.effects:
                self._cancel_cycle(occurrence)

    def _planned(self, occurrence: Occurrence) -> RecordedOccurrence:
        before = self._context.ledger.recorded.get(occurrence.key)
        stands = before is not None and before.committed
        known = {known_effect.key: known_effect for known_effect in before.effects} if before is not None else {}
        ledger_view: list[RecordedEffect] = []
        for effect in occurrence.effects:
            key = occurrence.effect_key(effect)
            known_effect = known.pop(key, None)
            if known_effect is None or _may_change(known_effect):
                self._wanted[key] = effect
                known_effect = self._fact(key, effect)
            ledger_view.append(known_effect)
        ledger_view += [
            _superseded(known_effect) if known_effect.kind == "write" or not stands else known_effect
            for known_effect in known.values()
        ]
        state = "overtaken" if occurrence.superseded else "open" if occurrence.effects else "done"
        if before is not None and stands:
            state = "open" if occurrence.effects else before.state
            return replace(before, state=state, detail=occurrence.detail, effects=tuple(ledger_view))
        return RecordedOccurrence(
            occurrence.key, occurrence.handoff, occurrence.record, occurrence.cycle, occurrence.cause_at, self._now,
            state, occurrence.reason, occurrence.detail, tuple(ledger_view), self._context.snapshot.ref.id,
        )  # fmt: skip

    def _fact(self, key: str, effect: Effect) -> RecordedEffect:
        return RecordedEffect(
            key=key,
            slot=effect.slot,
            kind=_KINDS[type(effect)],
            role=effect.role if isinstance(effect, NewTask | Email) else None,
            state=EffectState.BLOCKED if effect.blocked else EffectState.PLANNED,
            state_at=self._now,
            task_kind=effect.kind if isinstance(effect, NewTask) else None,
            reason=effect.blocked,
        )

    def _reassign(self, key: str, owner: str | None, blocked: str | None) -> None:
        def changed(known_effect: RecordedEffect) -> RecordedEffect:
            if known_effect.key != key or known_effect.state is not EffectState.BLOCKED:
                return known_effect
            if blocked is None and owner is not None:
                self._owners[key] = owner
            return replace(known_effect, state=EffectState.BLOCKED if blocked else EffectState.PLANNED, reason=blocked)

        occurrence = key.rpartition("/")[0]
        self._change(occurrence, changed)

    def _cancel_cycle(self, decline: Occurrence) -> None:
        for key, recorded in self._recorded_occurrences.items():
            if recorded.cycle == decline.cycle and key != decline.key and recorded.state == "open":
                self._change(
                    key,
                    lambda known_effect: known_effect if known_effect.kind == "close" else _superseded(known_effect),
                )

    def _change(self, occurrence: str, change: Callable[[RecordedEffect], RecordedEffect]) -> None:
        recorded = self._recorded_occurrences[occurrence]
        self._recorded_occurrences[occurrence] = replace(
            recorded, effects=tuple(change(known_effect) for known_effect in recorded.effects)
        )

    # -- as a pass does

    def _perform(self) -> None:
        """Writes first, then tasks, closings, and emails; what follows a write that is not made waits."""
        present = {self._snapshot.ref, *(ticket.ref for ticket in self._snapshot.tickets)}
        for kind in ("write", "task", "close", "email"):
            for recorded, known_effect in list(self._planned_effects(kind)):
                if recorded.record in present and (kind == "write" or self._free(recorded, known_effect)):
                    self._do(recorded, known_effect)

    def _planned_effects(self, kind: str) -> Iterator[tuple[RecordedOccurrence, RecordedEffect]]:
        for recorded in self._recorded_occurrences.values():
            if recorded.state == "open":
                for known_effect in recorded.effects:
                    if known_effect.kind == kind and known_effect.state is EffectState.PLANNED:
                        yield recorded, known_effect

    def _free(self, recorded: RecordedOccurrence, known_effect: RecordedEffect) -> bool:
        states = {known.key: known.state for each in self._recorded_occurrences.values() for known in each.effects}
        own = states.get(f"{recorded.key}/write")
        effect = self._wanted.get(known_effect.key)
        after = effect.after if isinstance(effect, CloseTask | Email) else None
        if after is not None and states.get(after) is not EffectState.DONE:
            return False
        return own not in {EffectState.PLANNED, *UNRESOLVED}

    def _do(self, recorded: RecordedOccurrence, known_effect: RecordedEffect) -> None:
        effect, crm_id = self._wanted.get(known_effect.key), known_effect.crm_id
        match effect:
            case Write(record):
                self._stamp = self._stamp or self._course.stamp()
                self._snapshot = _written(self._context, self._snapshot, effect, self._stamp)
                crm_id = record.id
            case CloseTask() | None if known_effect.kind == "close":
                crm_id = known_effect.slot.removeprefix("close:")
                closed = OwnTask(crm_id, exists=True, completed=True, completed_at=self._now)
                self._snapshot = replace(self._snapshot, tasks={**self._snapshot.tasks, crm_id: closed})
            case NewTask() | None if known_effect.kind == "task":
                crm_id = self._course.new_task()
                task = OwnTask(crm_id, exists=True, completed=False)
                self._snapshot = replace(self._snapshot, tasks={**self._snapshot.tasks, crm_id: task})
            case _:
                pass  # an email changes nothing; a write comes from a decision always
        done = replace(
            known_effect, state=EffectState.DONE, state_at=self._now, crm_id=crm_id, attempted=True, reason=None
        )
        self._change(recorded.key, lambda each: done if each.key == known_effect.key else each)
        self._done.add(known_effect.key)

    def _finish(self) -> None:
        for key, recorded in self._recorded_occurrences.items():
            if recorded.state == "open" and not any(
                known_effect.state in {*_OPEN, *UNRESOLVED} for known_effect in recorded.effects
            ):
                self._recorded_occurrences[key] = replace(recorded, state="done")

    # -- what is told of it

    def _tell(self) -> None:
        for recorded in self._recorded_occurrences.values():
            for known_effect in recorded.effects:
                effect, owner = self._wanted.get(known_effect.key), self._owners.get(known_effect.key)
                if known_effect.key in self._done:
                    self._course.tell(recorded, known_effect, Prospect.DUE, effect, owner)
                elif recorded.state == "open" and known_effect.state in NOT_YET:
                    self._course.tell(recorded, known_effect, Prospect.BLOCKED, effect, owner)


def _tried_again(context: Context) -> Context:
    """The case once what the CRM had refused may be tried again, as `ledger.retry_failed` has it."""

    def again(known_effect: RecordedEffect) -> RecordedEffect:
        if known_effect.state is not EffectState.FAILED or known_effect.kind == "write":
            return known_effect
        return replace(known_effect, state=EffectState.PLANNED if known_effect.role is None else EffectState.BLOCKED)

    recorded = {
        key: replace(each, effects=tuple(again(known_effect) for known_effect in each.effects))
        if each.state == "open"
        else each
        for key, each in context.ledger_as_read.recorded.items()
    }
    return replace(context, ledger_as_read=LedgerView(recorded, context.ledger_as_read.closings))


def _may_change(known_effect: RecordedEffect) -> bool:
    """As in the ledger: what was not tried, and what certainly was not applied."""
    return known_effect.state in _OPEN or (known_effect.state is EffectState.SUPERSEDED and not known_effect.attempted)


def _superseded(known_effect: RecordedEffect) -> RecordedEffect:
    return replace(known_effect, state=EffectState.SUPERSEDED) if known_effect.state in _OPEN else known_effect


def _cancelled(recorded: RecordedOccurrence) -> RecordedOccurrence:
    if not recorded.committed:
        return replace(
            recorded, state="withdrawn", effects=tuple(_superseded(known_effect) for known_effect in recorded.effects)
        )
    effects = tuple(
        _superseded(known_effect) if known_effect.kind == "write" else known_effect for known_effect in recorded.effects
    )
    return replace(recorded, effects=effects)


# -- the snapshot after a write


def _versions_at(snapshot: Snapshot) -> Iterator[datetime]:
    """When each version came that a new one must be later than."""
    portfolio = snapshot.portfolio
    if portfolio is not None:
        yield from (version.at for version in portfolio.status_history[:1])
        yield from (version.at for version in portfolio.date_history[:1])
    for ticket in snapshot.tickets:
        yield from (version.at for version in ticket.revision_history[:1])
        yield ticket.stage_since


def _written(context: Context, snapshot: Snapshot, write: Write, at: datetime) -> Snapshot:
    if write.record.kind is Kind.PORTFOLIO:
        assert snapshot.portfolio is not None
        return replace(snapshot, portfolio=_portfolio_written(context, snapshot.portfolio, write, at))
    tickets = tuple(
        _ticket_written(context, ticket, write, at) if ticket.ref == write.record else ticket
        for ticket in snapshot.tickets
    )
    return replace(snapshot, tickets=tickets)


def _portfolio_written(context: Context, portfolio: Portfolio, write: Write, at: datetime) -> Portfolio:
    names = context.mapping.portfolio.properties
    changed = replace(portfolio, raw={**portfolio.raw, **write.values})
    if names.status in write.values:
        status = context.mapping.portfolio.status(write.values[names.status])
        history = (Version(status, at, own=True), *portfolio.status_history)
        changed = replace(changed, status=status, status_history=history)
    if names.refresh_date in write.values:
        when = date.fromisoformat(write.values[names.refresh_date])
        moved: Version[date | None] = Version(when, at, own=True)
        changed = replace(changed, refresh_date=when, date_history=(moved, *portfolio.date_history))
    return changed


def _ticket_written(context: Context, ticket: Ticket, write: Write, at: datetime) -> Ticket:
    names = context.mapping.ticket.properties
    changed = replace(ticket, raw={**ticket.raw, **write.values})
    if names.stage in write.values:  # the service moves a ticket to one stage only
        changed = replace(changed, stage=Stage.IN_PROGRESS, stage_since=at, is_open=True)
    if names.needs_revisions in write.values:
        revision = context.mapping.ticket.revision(write.values[names.needs_revisions])
        history = (Version(revision, at, own=True), *ticket.revision_history)
        changed = replace(changed, revision=revision, revision_history=history)
    return changed
