"""What a decision changes in the ledger. Pure: the ledger writes the answer down, a dry run and the tests apply it.

So what `plan` shows is what a pass does, by construction.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mappings.vocabulary import Handoff
from sync.crm import Kind
from sync.rules import keys
from sync.rules.keys import EffectKind
from sync.rules.model import (
    MISSING,
    NOT_YET,
    Closing,
    Decision,
    Effect,
    EffectState,
    Email,
    LedgerView,
    NewTask,
    Occurrence,
    OccurrenceState,
    Reassigned,
    RecordedEffect,
    RecordedOccurrence,
    may_be_dropped,
)

CAUSE_GONE = "what caused it no longer holds"
DECLINED = "the client declined the refresh"
REPLACED = "the Ad Set was announced again"
COVERED = "the ticket that was merged with this one has this task"
NO_LONGER_NEEDED = "no longer needed when it was decided anew"
OVERTAKEN = "a later version asked for it anew"


@dataclass(frozen=True, slots=True)
class Transition:
    """What is to be written down.

    `occurrences`: each new or changed one by its key, as it stands afterwards. `decided`: the keys of those among them that
    are new, or decided anew because nothing of them had been tried. `planned`: by effect key, what a new or fresher effect
    is to do. `owners`: by effect key, who does an effect that waited for a person; None: still nobody, for another reason.
    `closings`: those that the ledger did not know.
    """

    occurrences: Mapping[str, RecordedOccurrence]
    decided: frozenset[str]
    planned: Mapping[str, Effect]
    owners: Mapping[str, str | None]
    closings: tuple[Closing, ...]

    def apply(self, view: LedgerView) -> LedgerView:
        """The ledger's view afterwards."""
        closings = sorted({*view.closings, *self.closings}, key=lambda closing: closing.at)
        return replace(view, recorded={**view.recorded, **self.occurrences}, closings=tuple(closings))


def transition(
    decision: Decision, view: LedgerView, now: datetime, portfolio: str | None, *, retry_failed: bool = False
) -> Transition:
    """What this decision, made on this view of the ledger, changes in it.

    New occurrences with their effects; fresher effects of those that were not tried yet; what a rule no longer asks for;
    what a newer announcement or a decline has made pointless; who does now what waited for a person. `portfolio`: the id
    of the one that was decided, None for a ticket without one. `retry_failed`: what the CRM has refused may be decided
    anew.
    """
    work = _Work(view, now, portfolio, retry_failed=retry_failed)
    for occurrence in decision.occurrences:
        work.plan(occurrence)
    decided = {occurrence.key for occurrence in decision.occurrences}
    for key, recorded in view.recorded.items():
        if key not in decided and recorded.state is OccurrenceState.OPEN and not _is_left(decision, recorded):
            work.cancel(recorded)
    asked_anew = {key for occurrence in decision.occurrences for key in occurrence.overtakes}
    for overtaken, reason in (
        (asked_anew, OVERTAKEN), (decision.replaced, REPLACED), (decision.covered, COVERED), (decision.bypassed, DECLINED),
    ):  # fmt: skip
        for key in sorted(overtaken):
            work.overtake(key, reason)
    for key, who in decision.reassigned.items():
        work.reassign(key, who)
    for occurrence in decision.occurrences:
        if occurrence.handoff is Handoff.DECLINED and occurrence.effects:
            work.cancel_cycle(occurrence)
    return work.result(decision.closings)


def _is_left(decision: Decision, recorded: RecordedOccurrence) -> bool:
    """Whether this stays as it is, because its rule could not decide.

    What was not begun is withdrawn all the same, unless it is of a ticket that came incomplete: its cause may be gone, and
    it comes back if it is not.
    """
    undecided = [verdict for verdict in decision.verdicts if verdict.undecided]
    unread = {verdict.record for verdict in undecided if verdict.unread}
    of_all = (v.handoff for v in undecided if v.record.kind is not Kind.TICKET)
    handoffs = {*decision.undecided, *of_all, *(v.handoff for v in undecided if v.record == recorded.record)}
    return recorded.record in unread or (recorded.committed and recorded.handoff in handoffs)


class _Work:
    """Collects the changes of one transition."""

    def __init__(self, view: LedgerView, now: datetime, portfolio: str | None, *, retry_failed: bool) -> None:
        self._view = view
        self._now = now
        self._portfolio = portfolio
        self._retry_failed = retry_failed
        self._changed: dict[str, RecordedOccurrence] = {}
        self._decided: set[str] = set()
        self._planned: dict[str, Effect] = {}
        self._owners: dict[str, str | None] = {}

    def plan(self, occurrence: Occurrence) -> None:
        """A new occurrence, or a known one with what may still change of it."""
        before = self._view.recorded.get(occurrence.key)
        stands = before is not None and before.committed
        known = {effect.key: effect for effect in before.effects} if before is not None else {}
        effects = []
        for effect in occurrence.effects:
            key = occurrence.effect_key(effect)
            recorded = known.pop(key, None)
            if recorded is None or self._may_change(recorded):
                self._planned[key] = effect
                recorded = self._new(key, effect, recorded)
            effects.append(recorded)
        # Of one that stands only its writes are decided anew: its other effects go on waiting for what they wait for.
        effects += [
            self._superseded(effect, NO_LONGER_NEEDED) if effect.kind is EffectKind.WRITE or not stands else effect
            for effect in known.values()
        ]
        if before is None or not stands:
            self._decided.add(occurrence.key)
            self._changed[occurrence.key] = RecordedOccurrence(
                key=occurrence.key,
                handoff=occurrence.handoff,
                record=occurrence.record,
                cycle=occurrence.cycle,
                cause_at=occurrence.cause_at,
                decided_at=self._now,
                state=_state_of(occurrence),
                reason=occurrence.reason,
                detail=occurrence.detail,
                effects=tuple(effects),
                portfolio=self._portfolio,
            )
        elif occurrence.effects:  # a write that was refused is decided anew, and so is what hangs on it
            self._changed[occurrence.key] = replace(
                before, state=OccurrenceState.OPEN, detail=occurrence.detail, effects=tuple(effects)
            )
        else:
            self._changed[occurrence.key] = replace(before, effects=tuple(effects))

    def cancel(self, recorded: RecordedOccurrence) -> None:
        """What its own rule no longer asks for: all of it if nothing was tried yet, else only its writes."""
        if not recorded.committed:
            recorded = replace(recorded, state=OccurrenceState.CANCELLED)
            self._change(recorded, lambda effect: self._superseded(effect, CAUSE_GONE))
        else:
            self._change(
                recorded,
                lambda effect: self._superseded(effect, CAUSE_GONE) if effect.kind is EffectKind.WRITE else effect,
            )

    def overtake(self, key: str, reason: str) -> None:
        """An effect that waited, or was refused, and that a later occurrence does instead."""
        recorded = self._now_standing(keys.occurrence_of(key))
        if recorded is not None:
            self._change(recorded, lambda effect: self._superseded(effect, reason) if effect.key == key else effect)

    def reassign(self, key: str, who: Reassigned) -> None:
        """Somebody is found for an effect that waited for a person, or there is another reason why nobody is."""
        recorded = self._now_standing(keys.occurrence_of(key))
        if recorded is None:
            return

        def changed(effect: RecordedEffect) -> RecordedEffect:
            if effect.key != key or effect.state is not EffectState.BLOCKED or who.blocked == (effect.reason or ""):
                return effect
            self._owners[key] = who.owner
            if who.blocked is not None:  # it has been blocked since it first was
                return replace(effect, reason=who.blocked)
            return replace(effect, state=EffectState.PLANNED, state_at=self._now, reason=None)

        self._change(recorded, changed)

    def cancel_cycle(self, decline: Occurrence) -> None:
        """After a decline nothing more happens for the cycle that it ended; tasks that are being closed are closed.

        So it is with what waits on a record that is deleted now, and may be restored.
        """
        for key, before in self._view.recorded.items():
            alive = before.state in {OccurrenceState.OPEN, OccurrenceState.GONE}
            if before.cycle == decline.cycle and key != decline.key and alive:
                self._change(
                    self._now_standing(key) or before,
                    lambda effect: effect if effect.kind is EffectKind.CLOSE else self._superseded(effect, DECLINED),
                )

    def result(self, closings: Iterable[Closing]) -> Transition:
        changed = {
            key: after
            for key, after in self._changed.items()
            if after != self._view.recorded.get(key) or any(effect.key in self._planned for effect in after.effects)
        }
        fresh = sorted(set(closings) - set(self._view.closings), key=lambda closing: closing.at)
        return Transition(changed, frozenset(self._decided), self._planned, self._owners, tuple(fresh))

    # -- one effect

    def _may_change(self, effect: RecordedEffect) -> bool:
        """Whether deciding anew may still change an effect: it was not tried, or it certainly was not applied."""
        if effect.state in NOT_YET:
            return True
        if effect.state is EffectState.SUPERSEDED:
            return not effect.attempted
        return effect.state is EffectState.FAILED and self._retry_failed

    def _new(self, key: str, effect: Effect, before: RecordedEffect | None) -> RecordedEffect:
        state = EffectState.BLOCKED if effect.blocked else EffectState.PLANNED
        # What stays blocked has been so since it first was, however often it is decided anew.
        still = before is not None and before.state is EffectState.BLOCKED and state is EffectState.BLOCKED
        state_at = before.state_at if before is not None and still else self._now
        if before is not None:
            return replace(before, state=state, state_at=state_at, reason=effect.blocked)
        return RecordedEffect(
            key=key,
            slot=effect.slot,
            role=effect.role if isinstance(effect, NewTask | Email) else None,
            state=state,
            state_at=state_at,
            task_kind=effect.kind if isinstance(effect, NewTask) else None,
            reason=effect.blocked,
        )

    def _superseded(self, effect: RecordedEffect, reason: str) -> RecordedEffect:
        if not may_be_dropped(effect.kind, effect.state):
            return effect
        return replace(effect, state=EffectState.SUPERSEDED, state_at=self._now, reason=reason)

    def _now_standing(self, key: str) -> RecordedOccurrence | None:
        return self._changed.get(key) or self._view.recorded.get(key)

    def _change(self, recorded: RecordedOccurrence, change: Callable[[RecordedEffect], RecordedEffect]) -> None:
        self._changed[recorded.key] = replace(recorded, effects=tuple(change(effect) for effect in recorded.effects))


def _state_of(occurrence: Occurrence) -> OccurrenceState:
    if occurrence.superseded:
        return OccurrenceState.SUPERSEDED
    return OccurrenceState.OPEN if occurrence.effects else OccurrenceState.DONE


# -- what else changes a ledger, as its queries do


def retried(view: LedgerView, now: datetime) -> LedgerView:
    """The view once tasks, closings and emails that were refused may be tried again (`ledger.retry_failed`).

    What a role is to do is blocked until it is decided who does it now: the old owner may have been the cause.
    """

    def again(effect: RecordedEffect) -> RecordedEffect:
        if effect.state is not EffectState.FAILED or effect.kind is EffectKind.WRITE:
            return effect
        state = EffectState.PLANNED if effect.role is None else EffectState.BLOCKED
        return replace(effect, state=state, state_at=now)

    recorded = {
        key: replace(each, effects=tuple(again(effect) for effect in each.effects))
        if each.state is OccurrenceState.OPEN
        else each
        for key, each in view.recorded.items()
    }
    return replace(view, recorded=recorded)


def finished(recorded: RecordedOccurrence) -> RecordedOccurrence:
    """The occurrence, done if it is open and nothing of it is left to do (`ledger.mark_done`)."""
    if recorded.state is not OccurrenceState.OPEN or any(effect.is_unfinished for effect in recorded.effects):
        return recorded
    return replace(recorded, state=OccurrenceState.DONE)


def reopened(recorded: RecordedOccurrence, since: datetime) -> RecordedOccurrence:
    """An occurrence that was adopted without its tasks, as it is once causes count from `since` on: to be decided anew."""
    if MISSING not in recorded.detail or recorded.cause_at is None or recorded.cause_at < since:
        return recorded
    return replace(recorded, state=OccurrenceState.CANCELLED)


# -- what it would come to


def effects_ahead(decision: Decision, view: LedgerView) -> int:
    """How many effects a decision would try: what the breaker counts before anything is written down."""
    decided = sum(len(untried(occurrence, view)) for occurrence in decision.occurrences)
    return decided + sum(1 for who in decision.reassigned.values() if who.blocked is None)


def untried(occurrence: Occurrence, view: LedgerView) -> tuple[Effect, ...]:
    """The effects of an occurrence that would be tried: those that never were, the blocked ones left out."""
    recorded = view.recorded.get(occurrence.key)
    tried = {effect.key for effect in recorded.effects if effect.attempted} if recorded is not None else set()
    return tuple(e for e in occurrence.effects if e.blocked is None and occurrence.effect_key(e) not in tried)
