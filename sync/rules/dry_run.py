"""A dry run: what would come of a record's context, worked out without touching anything. `plan` looks ahead with it.

Pure. Every decision is applied to the snapshot and the ledger's view that it was made on, as the CRM and the ledger would
have them after it, each effect done at once; deciding again then tells what the service's own writes lead to, and deciding at
a later moment what the days bring. Nobody else acts: tasks stay open, statuses as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from mappings.vocabulary import Handoff
from sync.clock import local_date, start_of_day, to_ms
from sync.crm import RecordRef
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.decide import decide
from sync.rules.keys import EffectKind
from sync.rules.model import (
    NOT_YET,
    UNRESOLVED,
    CloseTask,
    Decision,
    Effect,
    EffectState,
    Email,
    Needed,
    OccurrenceState,
    OwnTask,
    RecordedEffect,
    RecordedOccurrence,
    Snapshot,
    State,
    Verdict,
    Write,
)
from sync.rules.transition import finished, retried, transition
from sync.rules.written import versions_at, written

ROUNDS = 8
"""How often a decision may lead to another at one moment; the process itself needs three."""

FIRST_TASK = 9_000_000_000_000
"""Ids of tasks that do not exist yet; HubSpot's own are shorter."""

MORNING = timedelta(hours=9)
"""When a later day is looked at: its sweep has run."""

LATER = "~"
"""Stands in a key for the time of a write that is still to be made."""


class Prospect(StrEnum):
    """What would become of an effect."""

    DUE = "due"  # it would be tried
    BLOCKED = "blocked"  # it waits for a person, or for what waits for one
    UNKNOWN = "unknown"  # tried before, without an answer: looked for in the CRM before it is tried again


@dataclass(frozen=True, slots=True)
class ExpectedEffect:
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
class Round:
    """One decision on the way: the context that it was made on, and what came of it."""

    context: Context
    effects: tuple[ExpectedEffect, ...]

    @property
    def due(self) -> tuple[ExpectedEffect, ...]:
        return tuple(one for one in self.effects if one.prospect is Prospect.DUE)


@dataclass(frozen=True, slots=True)
class DryRun:
    """What is foreseen, decision by decision; or, where it is not complete, what has to be read first."""

    rounds: tuple[Round, ...]
    needed: Needed = field(default_factory=Needed)

    @property
    def complete(self) -> bool:
        return not self.needed

    @property
    def effects(self) -> tuple[ExpectedEffect, ...]:
        return tuple(one for each in self.rounds for one in each.effects)


def dry_run(context: Context, until: date | None = None) -> DryRun:
    """What would be done for this record at the context's moment, and from there to the end of `until`.

    It is what the sweep of each day does, and what its own writes lead to: what the CRM had refused is tried again.
    """
    projection = Projection(context)
    while True:
        decision = projection.settle()
        if not decision.complete:
            return DryRun((), decision.needed)
        moment = None if until is None else projection.next_moment(decision)
        if moment is None or until is None or local_date(moment, context.mapping.zone) > until:
            return DryRun(tuple(projection.rounds))
        projection.move_to(moment)


@dataclass
class Projection:
    """One record's context on its way through time."""

    context: Context
    rounds: list[Round] = field(default_factory=list)
    _expected: list[ExpectedEffect] = field(default_factory=list)  # of the round that is being made
    _stamps: set[int] = field(default_factory=set)  # the times (ms) of writes that are still to be made
    _listed: set[str] = field(default_factory=set)  # what waits is listed once
    _tasks: int = FIRST_TASK

    def __post_init__(self) -> None:
        view = retried(self.context.ledger_as_read, self.context.times.now)
        self.context = replace(self.context, ledger_as_read=view)
        for recorded in self.context.ledger.recorded.values():
            if recorded.state is OccurrenceState.OPEN:
                for effect in recorded.effects:
                    if effect.state in UNRESOLVED:
                        self._add(recorded, effect, Prospect.UNKNOWN, None, None, effect.reason)

    def settle(self) -> Decision:
        """Decide, and do what is decided, until nothing more follows; the last decision, or one that is incomplete."""
        for _ in range(ROUNDS):
            decision = decide(self.context)
            if not decision.complete or not self.apply(decision):
                return decision
        return decide(self.context)

    def apply(self, decision: Decision) -> bool:
        """Do what this decision asks for, as one round. Whether anything was tried or recorded."""
        context, portfolio = self.context, self.context.snapshot.portfolio
        moved = (portfolio is None or portfolio.inside) and _Execution(self, decision).carry_out()
        for verdict in decision.verdicts:
            if verdict.state is State.BLOCKED and verdict.occurrence is None and verdict.key is None:
                self._list_blocked(verdict)
        self.rounds.append(Round(context, tuple(self._expected)))
        self._expected.clear()
        return moved

    def next_moment(self, decision: Decision) -> datetime | None:
        """When something that this decision waits for comes; None: it waits for no moment."""
        now = self.context.times.now
        waits = (v.when for v in decision.verdicts if v.state is State.WAITING and v.when is not None and v.when > now)
        moment = min(waits, default=None)
        if moment is None:
            return None
        zone = self.context.mapping.zone
        midnight = start_of_day(local_date(moment, zone), zone)
        return midnight + MORNING if moment == midnight else moment

    def move_to(self, moment: datetime) -> None:
        """Go on to a later moment, at which nobody else has acted."""
        today = local_date(moment, self.context.mapping.zone)
        times = replace(self.context.times, now=moment, today=today)
        self.context = replace(self.context, snapshot=_read_later(self.context, moment), times=times)

    # -- what the rounds use

    def stamp(self) -> datetime:
        """The moment of a write: later than everything that the snapshot shows."""
        newest = max(versions_at(self.context.snapshot), default=self.context.times.now)
        at = max(self.context.times.now, newest) + timedelta(milliseconds=1)
        self._stamps.add(to_ms(at))
        return at

    def new_task(self) -> str:
        """The id of a task that does not exist yet."""
        self._tasks += 1
        return str(self._tasks)

    def masked(self, key: str) -> str:
        """The key of an occurrence with `LATER` for every time that is not known before it has come."""
        return keys.parse(key).masked(self._stamps, LATER)

    def masked_effect(self, key: str) -> str:
        """The same for the key of an effect."""
        return keys.effect_key(self.masked(keys.occurrence_of(key)), keys.slot_of(key))

    def list_effect(
        self,
        recorded: RecordedOccurrence,
        known: RecordedEffect,
        prospect: Prospect,
        effect: Effect | None,
        owner: str | None,
    ) -> None:
        """Add an effect to the round; one that waits only once, however many rounds it waits."""
        blocked = None
        if prospect is Prospect.BLOCKED:
            blocked = known.reason or "it follows a change that is not made"
            if known.key in self._listed:
                return
        self._listed.add(known.key)
        self._add(recorded, known, prospect, effect, owner, blocked)

    def _list_blocked(self, verdict: Verdict) -> None:
        """A rule that cannot even say what is to be done."""
        if verdict.reason not in self._listed:
            self._listed.add(verdict.reason)
            expected = ExpectedEffect(
                self.context.times.today, verdict.handoff, verdict.record, "", "", "", "", "", Prospect.BLOCKED, None, None,
                verdict.reason,
            )  # fmt: skip
            self._expected.append(expected)

    def _add(
        self,
        recorded: RecordedOccurrence,
        known: RecordedEffect,
        prospect: Prospect,
        effect: Effect | None,
        owner: str | None,
        blocked: str | None,
    ) -> None:
        if isinstance(effect, CloseTask | Email) and effect.after is not None:
            effect = replace(effect, after=self.masked_effect(effect.after))
        expected = ExpectedEffect(
            self.context.times.today, recorded.handoff, recorded.record, self.masked(recorded.key), recorded.reason,
            self.masked_effect(known.key), known.kind, str(known.slot), prospect, effect, owner, blocked,
        )  # fmt: skip
        self._expected.append(expected)


class _Execution:
    """One decision, written down by its transition, and carried out as a pass would."""

    def __init__(self, projection: Projection, decision: Decision) -> None:
        self._projection = projection
        self._context = projection.context
        self._now = projection.context.times.now
        portfolio = self._context.snapshot.portfolio
        self._transition = transition(
            decision, self._context.ledger, self._now, None if portfolio is None else portfolio.id, retry_failed=True
        )
        self._recorded: dict[str, RecordedOccurrence] = {
            **self._context.ledger.recorded,
            **self._transition.occurrences,
        }
        self._snapshot = self._context.snapshot
        self._stamp: datetime | None = None  # of this round's writes; None: there was none
        self._done: set[str] = set()

    def carry_out(self) -> bool:
        """Whether anything was tried or recorded that was not before."""
        before = self._context.ledger.recorded
        self._perform()
        self._recorded = {key: finished(recorded) for key, recorded in self._recorded.items()}
        self._list()
        view = replace(self._transition.apply(self._context.ledger_as_read), recorded=self._recorded)
        later = self._context.times
        if self._stamp is not None:  # the next decision comes after these writes: it must not be older than them
            later = replace(later, now=self._stamp)
            self._snapshot = replace(self._snapshot, read_at=_read_later(self._context, self._stamp).read_at)
        self._projection.context = replace(self._context, snapshot=self._snapshot, ledger_as_read=view, times=later)
        return bool(self._done) or any(
            key not in before or (not before[key].committed and recorded.committed)
            for key, recorded in self._recorded.items()
        )

    def _perform(self) -> None:
        """Writes first, then tasks, lines, closings, and emails; what follows a write that is not made waits."""
        present = {self._snapshot.ref, *(ticket.ref for ticket in self._snapshot.tickets)}
        for kind in EffectKind:
            for recorded, effect in list(self._planned(kind)):
                free = (
                    effect.key in self._transition.planned
                    if kind is EffectKind.WRITE
                    else self._is_free(recorded, effect)
                )
                if recorded.record in present and free:
                    self._do(recorded, effect)

    def _planned(self, kind: EffectKind) -> Iterator[tuple[RecordedOccurrence, RecordedEffect]]:
        for recorded in self._recorded.values():
            if recorded.state is OccurrenceState.OPEN:
                for effect in recorded.effects:
                    if effect.kind is kind and effect.state is EffectState.PLANNED:
                        yield recorded, effect

    def _is_free(self, recorded: RecordedOccurrence, known: RecordedEffect) -> bool:
        states = {effect.key: effect.state for each in self._recorded.values() for effect in each.effects}
        own = states.get(keys.effect_key(recorded.key, keys.WRITE))
        effect = self._transition.planned.get(known.key)
        after = effect.after if isinstance(effect, CloseTask | Email) else None
        if after is not None and states.get(after) is not EffectState.DONE:
            return False
        return own not in {EffectState.PLANNED, *UNRESOLVED}

    def _do(self, recorded: RecordedOccurrence, known: RecordedEffect) -> None:
        """Do it at once; an email changes nothing that a rule could see."""
        effect, crm_id = self._transition.planned.get(known.key), known.crm_id
        match known.kind:
            case EffectKind.WRITE:
                assert isinstance(effect, Write)  # a write is always decided anew
                self._stamp = self._stamp or self._projection.stamp()
                self._snapshot = written(self._context, self._snapshot, effect, self._stamp)
                crm_id = effect.record.id
            case EffectKind.TASK:
                crm_id = self._projection.new_task()
                self._put(OwnTask(crm_id, exists=True, completed=False))
            case EffectKind.CLOSE:
                crm_id = known.slot.of
                self._put(OwnTask(crm_id, exists=True, completed=True, completed_at=self._now))
            case EffectKind.LINE:
                crm_id = known.slot.of
            case EffectKind.EMAIL:
                pass
        done = replace(known, state=EffectState.DONE, state_at=self._now, crm_id=crm_id, attempted=True, reason=None)
        effects = tuple(done if each.key == known.key else each for each in self._recorded[recorded.key].effects)
        self._recorded[recorded.key] = replace(self._recorded[recorded.key], effects=effects)
        self._done.add(known.key)

    def _put(self, task: OwnTask) -> None:
        self._snapshot = replace(self._snapshot, tasks={**self._snapshot.tasks, task.id: task})

    def _list(self) -> None:
        """What was done, and what of it waits."""
        for recorded in self._recorded.values():
            for known in recorded.effects:
                effect = self._transition.planned.get(known.key)
                owner = self._transition.owners.get(known.key)
                if known.key in self._done:
                    self._projection.list_effect(recorded, known, Prospect.DUE, effect, owner)
                elif recorded.state is OccurrenceState.OPEN and known.state in NOT_YET:
                    self._projection.list_effect(recorded, known, Prospect.BLOCKED, effect, owner)


def _read_later(context: Context, moment: datetime) -> Snapshot:
    """The same snapshot, as if it were read at that moment: what stands has stood for longer."""
    return replace(context.snapshot, read_at=context.read_at + (moment - context.times.now))
