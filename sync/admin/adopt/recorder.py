"""Collects what of one portfolio is to be recorded as done, and decides on with what has been collected so far."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from mappings.texts import Texts
from mappings.vocabulary import Handoff, Stage, Status
from sync.admin.adopt.adoption import AdoptionLine
from sync.admin.adopt.matching import FreeTasks, Match
from sync.admin.inventory import ExistingTask
from sync.rules.context import Context
from sync.rules.model import (
    ADOPTED,
    FOLDER,
    MISSING,
    Decision,
    EffectState,
    NewTask,
    Occurrence,
    OccurrenceState,
    RecordedEffect,
    RecordedOccurrence,
    Verdict,
)


class Recorder:
    """`context` knows what has been recorded so far; `recorded` is for the ledger, the lines are for the report."""

    def __init__(self, context: Context, tasks: Sequence[ExistingTask], texts: Texts) -> None:
        self.context = context
        self.texts = texts
        self.free = FreeTasks(context, tasks, texts)
        self.recorded: list[RecordedOccurrence] = []
        self.adopted: list[AdoptionLine] = []
        self.due: list[AdoptionLine] = []
        self.unmatched: list[AdoptionLine] = []

    # -- what is new

    def new(self, verdicts: Iterable[Verdict]) -> list[Occurrence]:
        """What the rules would write down and the ledger does not know: what it knows is left as it is."""
        known = self.context.ledger_as_read.recorded
        return [v.occurrence for v in verdicts if v.occurrence is not None and v.occurrence.key not in known]

    def new_of(self, decision: Decision, handoff: Handoff) -> list[Occurrence]:
        """The new occurrences of one handoff."""
        return [occurrence for occurrence in self.new(decision.verdicts) if occurrence.handoff is handoff]

    def first_new(self, verdicts: Iterable[Verdict]) -> Occurrence | None:
        """The first new occurrence that asks for something; None if there is none."""
        return next((occurrence for occurrence in self.new(verdicts) if occurrence.effects), None)

    def is_old(self, moment: datetime) -> bool:
        """Whether it was before the service went live."""
        return moment < self.context.times.go_live

    def matches(self, occurrence: Occurrence, *, only_open: bool = False) -> list[Match]:
        """Take the tasks that stand for an occurrence's own. `only_open`: of its open ones alone."""
        return self.free.matches(self.context, occurrence, only_open=only_open)

    # -- recording

    def done(self, occurrence: Occurrence, *, passed: bool = False) -> None:
        """Record it if it is older than going live, or if one of its tasks is there; report the tasks that are missing.

        `passed`: what it asked for is over, whatever became of its tasks, so that none is missing.
        """
        found = self.matches(occurrence)
        if not found and occurrence.cause_at is not None and not self.is_old(occurrence.cause_at):
            return
        matched = {effect.slot for effect, _ in found}
        over = passed or self._is_over(occurrence)
        missing = [e for e in occurrence.effects if isinstance(e, NewTask) and e.slot not in matched and not over]
        self.record(occurrence, found, occurrence.reason, missing)
        for effect in missing:
            subject = self.texts.task(effect.kind, effect.variables)[0]
            why = f"{occurrence.reason}; no task “{subject}” was found: recorded as done without one"
            self.unmatched.append(self.line(occurrence, occurrence.effect_key(effect), None, why))

    def _is_over(self, occurrence: Occurrence) -> bool:
        """Whether the work of a ticket's occurrence is done: then nobody misses its task."""
        ticket = next((ticket for ticket in self.context.snapshot.tickets if ticket.ref == occurrence.record), None)
        if ticket is None:
            return False
        if self.context.portfolio.status is Status.CREATIVES_APPROVED:
            return True
        if occurrence.handoff is Handoff.TICKETS and any(version.value for version in ticket.revision_history):
            return True  # a first draft was there to be revised
        back = occurrence.cause_at is None or ticket.stage_since > occurrence.cause_at
        return ticket.stage is Stage.PENDING_APPROVAL and back

    def record(
        self, occurrence: Occurrence, found: Sequence[Match], reason: str, missing: Sequence[NewTask] = ()
    ) -> None:
        """Record it as done with the tasks found; of what is `missing`, `backfill` may yet make a task."""
        made = [task.made_at for _, task in found]
        at = max(made, default=occurrence.cause_at or self.context.times.now)
        effects = tuple(
            RecordedEffect(
                occurrence.effect_key(effect), effect.slot, effect.role, EffectState.DONE, task.made_at,
                crm_id=task.id, task_kind=effect.kind, adopted=True, attempted=True,
            )
            for effect, task in found
        )  # fmt: skip
        detail: dict[str, object] = {ADOPTED: True}
        if FOLDER in occurrence.detail:
            detail[FOLDER] = occurrence.detail[FOLDER]
        if missing:
            detail[MISSING] = [str(effect.slot) for effect in missing]
        recorded = RecordedOccurrence(
            occurrence.key, occurrence.handoff, occurrence.record, occurrence.cycle, occurrence.cause_at, at,
            OccurrenceState.SUPERSEDED if occurrence.superseded else OccurrenceState.DONE, reason, detail, effects,
            self.context.portfolio.id,
        )  # fmt: skip
        self.recorded.append(recorded)
        known = self.context.ledger_as_read
        known = replace(known, recorded={**known.recorded, recorded.key: recorded})
        self.context = replace(self.context, ledger_as_read=known)
        for effect, task in found:
            self.adopted.append(self.line(occurrence, occurrence.effect_key(effect), task.id, reason))
        if not found:
            self.adopted.append(self.line(occurrence, occurrence.key, None, reason))

    def line(self, occurrence: Occurrence, key: str, task: str | None, reason: str) -> AdoptionLine:
        """A line of the report about this occurrence."""
        portfolio = self.context.portfolio
        return AdoptionLine(portfolio.id, portfolio.name, occurrence.handoff, occurrence.record, key, task, reason)
