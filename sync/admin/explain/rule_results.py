"""What each rule says, with the ledger's effects beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mappings.vocabulary import Handoff
from sync.admin.explain.explanation import EffectLine, HandoffLine, RuleResult
from sync.clock import from_ms
from sync.crm import OWNER, TASK_COMPLETED, TASK_STATUS, Kind, Record
from sync.passes.deliverables import stage_label
from sync.passes.portal import Portal
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.keys import ClosedKey, ConfirmationKey, DeclinedKey, EffectKind, Slot
from sync.rules.model import (
    NOT_YET,
    Effect,
    EffectState,
    NewTask,
    OccurrenceState,
    RecordedEffect,
    RecordedOccurrence,
    State,
    Verdict,
    Write,
)  # fmt: skip
from sync.rules.model import Email as EmailEffect

_RECORDED = {
    OccurrenceState.DONE: State.DONE,
    OccurrenceState.OPEN: State.DONE,  # what of it is not done is said of its effects
    OccurrenceState.SUPERSEDED: State.SUPERSEDED,
}
"""What the state of an occurrence of an earlier cycle is called; what was withdrawn, or is gone, is left out."""


class RuleResults:
    """Puts the verdicts on one context together with the ledger's effects.

    `writes`: the values that each property write has set, `owners`: whose work each task and email is (an owner's id), both
    by the effect's key. `tasks`: the ledger's tasks in the CRM, by id.
    """

    def __init__(
        self,
        context: Context,
        portal: Portal,
        writes: Mapping[str, Mapping[str, str]],
        owners: Mapping[str, str],
        tasks: Mapping[str, Record],
    ) -> None:
        self._context = context
        self._portal = portal
        self._writes = writes
        self._owners = owners
        self._tasks = tasks
        self._names = {ticket.ref: ticket.subject for ticket in context.snapshot.tickets}

    def of(self, verdicts: Iterable[Verdict]) -> tuple[HandoffLine, ...]:
        """One line for each handoff that has a verdict, in the article's order.

        Of a record that was merged, also with the work of the other one that still stands open: no verdict speaks of it.
        """
        found: dict[Handoff, list[RuleResult]] = {handoff: [] for handoff in Handoff}
        told: set[str | None] = set()
        for verdict in verdicts:
            found[verdict.handoff].append(self._result(verdict))
            told.add(verdict.key)
        for recorded in self._brought_along():
            if recorded.key not in told:
                found[recorded.handoff].append(self._recorded(recorded, _RECORDED[recorded.state]))
        return tuple(HandoffLine(handoff, tuple(results)) for handoff, results in found.items() if results)

    def of_cycle(self, cycle: str) -> tuple[HandoffLine, ...]:
        """One line for each handoff, by what the ledger has recorded of an earlier cycle."""
        found: dict[Handoff, list[RuleResult]] = {handoff: [] for handoff in Handoff}
        for recorded in sorted(self._context.ledger.recorded.values(), key=lambda one: one.decided_at):
            state = _RECORDED.get(recorded.state)
            if state is not None and self._belongs_to(recorded, cycle):
                found[recorded.handoff].append(self._recorded(recorded, state))
        nothing = "nothing of it was recorded in that cycle"
        none = RuleResult(self._context.portfolio.ref, "", State.NOT_APPLICABLE, nothing, None, ())
        return tuple(HandoffLine(handoff, tuple(results) or (none,)) for handoff, results in found.items())

    def _recorded(self, recorded: RecordedOccurrence, state: State) -> RuleResult:
        """What the ledger has of an occurrence, whatever a rule would say of it now."""
        name = self._names.get(recorded.record, "")
        lines = tuple(map(self._known, recorded.effects))
        return _still_open(RuleResult(recorded.record, name, state, recorded.reason, recorded.decided_at, lines))

    def _brought_along(self) -> Iterable[RecordedOccurrence]:
        """What merged records have of this cycle of which a task is still open."""
        merged = {ticket.ref for ticket in self._context.snapshot.tickets if ticket.absorbed}
        if self._context.portfolio.absorbed:
            merged.add(self._context.portfolio.ref)
        for recorded in sorted(self._context.ledger.recorded.values(), key=lambda one: one.decided_at):
            mine = recorded.record in merged and recorded.state in _RECORDED and recorded.cycle == self._context.cycle
            if mine and any(self._known(effect).now == "open" for effect in recorded.effects):
                yield recorded

    def _belongs_to(self, recorded: RecordedOccurrence, cycle: str) -> bool:
        """Its cycle; what ended a cycle belongs to the one that it ended."""
        key = keys.parse(recorded.key)
        if isinstance(key, DeclinedKey | ClosedKey | ConfirmationKey):
            return self._context.cycle_of(from_ms(key.ms - 1)) == cycle
        return recorded.cycle == cycle

    def _result(self, verdict: Verdict) -> RuleResult:
        lines = tuple(self._effects(verdict))
        plain = RuleResult(
            verdict.record,
            self._names.get(verdict.record, ""),
            verdict.state,
            verdict.reason,
            verdict.when,
            lines,
        )
        return _still_open(plain) if verdict.state is State.DONE else plain

    def _effects(self, verdict: Verdict) -> Iterable[EffectLine]:
        """The ledger's effects of the occurrence; where deciding anew would still change one, as it would be now."""
        recorded = None if verdict.key is None else self._context.ledger.recorded.get(verdict.key)
        known = {} if recorded is None else {effect.key: effect for effect in recorded.effects}
        wanted = {} if verdict.occurrence is None else {
            verdict.occurrence.effect_key(effect): effect for effect in verdict.occurrence.effects
        }  # fmt: skip
        for key, recorded_effect in known.items():
            if key not in wanted or recorded_effect.state not in NOT_YET:
                yield self._known(recorded_effect)
        for key, effect in wanted.items():
            if key not in known or known[key].state in NOT_YET:
                yield self._wanted(key, effect)

    def _known(self, effect: RecordedEffect) -> EffectLine:
        task = effect.crm_id if effect.kind in {EffectKind.TASK, EffectKind.LINE, EffectKind.CLOSE} else None
        return EffectLine(
            effect.key,
            effect.kind,
            effect.role,
            self._summary(effect.slot, self._writes.get(effect.key, {})),
            effect.state.value,
            effect.state_at,
            effect.crm_id,
            None if task is None else self._portal.url(Kind.TASK, task),
            effect.reason,
            self._task_now(task) if effect.kind is EffectKind.TASK and task is not None else None,
            *self._people(effect, task),
        )

    def _people(self, effect: RecordedEffect, task: str | None) -> tuple[str | None, str | None]:
        """Name whose work it is; and who has the task now, where somebody has given it to another person."""
        given = self._owners.get(effect.key)
        record = self._tasks.get(task or "")
        has = (
            (record.properties.get(OWNER, "") or None)
            if record is not None and effect.kind is EffectKind.TASK
            else None
        )
        if given is None or effect.adopted:
            return self._name(has or given), None
        return self._name(given), self._name(has) if has not in {None, given} else None

    def _name(self, owner: str | None) -> str | None:
        if owner is None:
            return None
        person = self._portal.owners.get(owner)
        return f"owner {owner}" if person is None else person.name

    def _task_now(self, task: str) -> str:
        record = self._tasks.get(task)
        if record is None or record.id != task:
            return "deleted"
        return "completed" if record.properties.get(TASK_STATUS, "") == TASK_COMPLETED else "open"

    def _wanted(self, key: str, effect: Effect) -> EffectLine:
        values = effect.values if isinstance(effect, Write) else {}
        role = effect.role if isinstance(effect, NewTask | EmailEffect) else None
        state = EffectState.BLOCKED.value if effect.blocked else State.DUE.value
        return EffectLine(
            key,
            effect.slot.kind,
            role,
            self._summary(effect.slot, values),
            state,
            None,
            None,
            None,
            effect.blocked,
            None,
            self._name(effect.owner) if isinstance(effect, NewTask | EmailEffect) else None,
        )

    def _summary(self, slot: Slot, values: Mapping[str, str]) -> str:
        """`task kickoff`, `closing of task 4711`, `write creative_refresh_status = “…”`; a stage is named by its label."""
        if slot.kind is EffectKind.CLOSE:
            return f"closing of task {slot.of}"
        if slot.kind is EffectKind.LINE:
            return f"line in task {slot.of}"
        what = slot.of.replace("_", " ")
        if slot.kind is EffectKind.WRITE:
            stage = self._context.mapping.ticket.properties.stage
            shown = {
                name: stage_label(self._portal, value) if name == stage else value for name, value in values.items()
            }
            what = ", ".join(f"{name} = “{value}”" if value else f"{name} emptied" for name, value in shown.items())
        return f"{slot.kind} {what}".strip()


def _still_open(result: RuleResult) -> RuleResult:
    """Say so where an effect waits, for a person or another try: a rule is through with an occurrence once it stands."""
    waits = [line for line in result.effects if line.state not in {EffectState.DONE, EffectState.SUPERSEDED}]
    if not waits:
        return result
    blocked = any(line.state == EffectState.BLOCKED for line in waits)
    why = "; ".join(f"{line.summary} is {line.state}" + (f": {line.reason}" if line.reason else "") for line in waits)
    return replace(result, state=State.BLOCKED if blocked else State.DUE, reason=f"{result.reason}; {why}")
