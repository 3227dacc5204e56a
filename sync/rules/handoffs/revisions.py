"""Handoff 6 · Account Manager → Creative Team: revisions.

The rungs of this ladder: docs/process.md 6.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from mappings.names import same_to_the_eye
from mappings.vocabulary import Handoff, Revision, Stage, TaskKind
from sync.crm import Kind
from sync.rules import keys
from sync.rules.context import Context, note_variables, ticket_variables
from sync.rules.handoffs.endings import tasks_of_cycle
from sync.rules.handoffs.verdicts import done, due, not_applicable, recorded_superseded
from sync.rules.handoffs.wording import name_of, time_text
from sync.rules.handoffs.work import not_recovered
from sync.rules.keys import EffectKind, RevisionClearedKey, RevisionKey
from sync.rules.model import (
    STANDS,
    UNRESOLVED,
    Effect,
    EffectState,
    NewTask,
    OwnTask,
    RecordedOccurrence,
    State,
    Ticket,
    Verdict,
    Version,
    Write,
)
from sync.rules.process import Work, work_of

_KINDS: Mapping[Revision, Collection[TaskKind]] = {
    Revision.COPY: {TaskKind.REVISE_COPY},
    Revision.GRAPHIC: {TaskKind.REVISE_GRAPHICS},
    Revision.COPY_AND_GRAPHIC: {TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS},
}

ROLES_OF: Mapping[Revision, Work] = {
    revision: tuple((kind, role) for kind, role in work_of(Handoff.REVISIONS) if kind in kinds)
    for revision, kinds in _KINDS.items()
}
"""What each value of Needs Revisions asks for."""


def revisions(context: Context) -> list[Verdict]:
    """Once a version of Needs Revisions: back to In Progress, approvals reset, tasks for the roles concerned."""
    verdicts = [verdict for ticket in context.snapshot.tickets for verdict in _revisions_of(context, ticket)]
    if verdicts:
        return verdicts
    return [not_applicable(context, Handoff.REVISIONS, "no ticket needs revisions")]


def _revisions_of(context: Context, ticket: Ticket) -> list[Verdict]:
    if ticket.came_in is None:
        return []
    if ticket.revision is Revision.UNMAPPED:
        value = ticket.raw.get(context.mapping.ticket.properties.needs_revisions, "")
        reason = f"{name_of(ticket)}: Needs Revisions is “{value}”, which the mapping does not name"
        return [Verdict(Handoff.REVISIONS, State.BLOCKED, reason, ticket.ref)]
    verdicts: list[Verdict] = []
    asked: set[TaskKind] = set()
    for version in reversed(ticket.revision_history):
        if version.value in {None, Revision.UNMAPPED}:
            continue
        recorded = context.ledger.settled(RevisionKey(ticket.id, version.ms))
        if recorded is not None:
            verdict, kinds = _revised(context, ticket, version, asked, recorded)
        elif context.counts(version, ticket.revision_history):
            verdict, kinds = _revise(context, ticket, version, asked)
        else:
            continue
        asked |= kinds
        verdicts = [v for v in verdicts if v.occurrence is not None] + [verdict]
    if not any(verdict.occurrence for verdict in verdicts):
        verdicts += _clear_revision(context, ticket)
    return verdicts


def _revise(
    context: Context, ticket: Ticket, version: Version[Revision | None], asked: set[TaskKind]
) -> tuple[Verdict, set[TaskKind]]:
    """What a version asks for, and the tasks among it."""
    assert version.value is not None
    decline = None if context.snapshot.portfolio is None else context.declined_after(version.at)
    if decline is not None:
        reason = f"{name_of(ticket)}: asked for before the client declined on {time_text(context, decline.at)}"
        return recorded_superseded(context, RevisionKey(ticket.id, version.ms), reason, version.at), set()
    # A ledger since lost may have answered it by nothing that carries its key.
    lost = version.at < context.times.ledger_began
    under_way = asked | _revisions_under_way(context, ticket, version) if lost else asked
    new = _revisions_due(context, ticket, version, ROLES_OF[version.value], under_way)
    back = lost and ticket.left_in_progress is not None and ticket.left_in_progress > version.at
    write = None if back else _kick_back(context, ticket, {kind for kind, _ in new})
    return _revision(context, ticket, version, new, write)


def _revised(
    context: Context,
    ticket: Ticket,
    version: Version[Revision | None],
    asked: set[TaskKind],
    recorded: RecordedOccurrence,
) -> tuple[Verdict, set[TaskKind]]:
    """A version that was answered: done, but for what was not found of one that was taken back in part."""
    assert version.value is not None
    missing = not_recovered(recorded, ROLES_OF[version.value])
    if not missing or (context.snapshot.portfolio is not None and context.declined_after(version.at) is not None):
        return done(recorded), set()
    under_way = asked | _revisions_under_way(context, ticket, version)
    new = _revisions_due(context, ticket, version, missing, under_way)
    if not new:
        return done(recorded), set()
    return _revision(context, ticket, version, new, None)  # it was kicked back then


def _revisions_due(
    context: Context, ticket: Ticket, version: Version[Revision | None], work: Work, asked: set[TaskKind]
) -> Work:
    """Of this work, what no task that is still to be done stands for already."""
    wanted = [(kind, role) for kind, role in work if kind not in asked]
    still_open = _open_revisions(
        context, ticket, [kind for kind, _ in wanted], but=str(RevisionKey(ticket.id, version.ms))
    )
    return tuple((kind, role) for kind, role in wanted if kind not in still_open)


def _revision(
    context: Context, ticket: Ticket, version: Version[Revision | None], new: Work, write: Write | None
) -> tuple[Verdict, set[TaskKind]]:
    """The write, and a task for each role."""
    assert version.value is not None
    effects: list[Effect] = [write] if write is not None else []
    note = note_variables(context.newest_note(ticket.ref)) if new else None
    label = context.mapping.ticket.revisions[version.value]
    variables = context.variables(ticket=ticket_variables(ticket), folder=ticket.folder, note=note, revision=label)
    on = (ticket.ref,) if context.snapshot.portfolio is None else (ticket.ref, context.portfolio.ref)
    for kind, role in new:
        owner, blocked = context.owner(role, ticket)
        effects.append(NewTask(kind, role, owner, on, variables, blocked))
    reason = f"{name_of(ticket)}: {label} was asked for on {time_text(context, version.at)}"
    # With nothing to write and nobody to do it, nothing would be tried: the ticket is back already, and may move on.
    detail = {STANDS: True} if write is None and effects else {}
    verdict = due(context, RevisionKey(ticket.id, version.ms), reason, effects,
        cause_at=version.at, cycle=context.cycle_of(version.at), detail=detail,
    )  # fmt: skip
    return verdict, {kind for kind, _ in new}


def _open_revisions(context: Context, ticket: Ticket, kinds: Iterable[TaskKind], *, but: str) -> set[TaskKind]:
    """The revision tasks of this ticket that are still to be done, be they in the CRM or only planned."""
    wanted = set(kinds)
    found: set[TaskKind] = set()
    made: dict[str, TaskKind] = {}
    for recorded in context.ledger.of(Handoff.REVISIONS, record=ticket.id):
        for effect in recorded.effects:
            if effect.task_kind not in wanted or effect.task_kind is None or recorded.key == but:
                continue
            if effect.crm_id is not None:
                made[effect.crm_id] = effect.task_kind
            elif effect.state in {"planned", "blocked", "failed"}:
                found.add(effect.task_kind)
    closing = _about_to_be_closed(context)
    return found | {made[task.id] for task in context.tasks(made) if task.is_open and task.id not in closing}


def _about_to_be_closed(context: Context) -> set[str]:
    """The tasks that a decline closes, in this pass or in one that was cut off: they are not open any more."""
    found: set[str] = set()
    for ending in context.pending_declines:
        found.update(tasks_of_cycle(context, context.cycle_ended_by(ending)))
    on_the_way = {EffectState.PLANNED} | UNRESOLVED
    for recorded in context.ledger.of(Handoff.DECLINED):
        found.update(e.slot.of for e in recorded.effects if e.kind is EffectKind.CLOSE and e.state in on_the_way)
    return found


def _revisions_under_way(context: Context, ticket: Ticket, version: Version[Revision | None]) -> set[TaskKind]:
    """What an earlier version had asked for, and was not done when this one was set: so it asked for no second task."""
    earlier = [
        effect
        for recorded in context.ledger.of(Handoff.REVISIONS, record=ticket.id)
        if isinstance(key := keys.parse(recorded.key), RevisionKey) and key.ms < version.ms
        for effect in recorded.effects
        if effect.crm_id is not None
    ]
    tasks = {task.id: task for task in context.tasks(effect.crm_id for effect in earlier if effect.crm_id)}
    return {
        effect.task_kind
        for effect in earlier
        if effect.task_kind is not None
        and effect.crm_id is not None
        and not _completed_before(tasks[effect.crm_id], version.at)
    }


def _completed_before(task: OwnTask, moment: datetime) -> bool:
    return task.exists and task.completed and task.completed_at is not None and task.completed_at < moment


def _kick_back(context: Context, ticket: Ticket, kinds: set[TaskKind]) -> Write | None:
    names, reset = context.mapping.ticket.properties, context.mapping.ticket.approval_reset
    approvals = {TaskKind.REVISE_COPY: names.copy_approval, TaskKind.REVISE_GRAPHICS: names.graphic_approval}
    changed = {
        name: context.spelled(Kind.TICKET, name, reset)
        for kind, name in approvals.items()
        if kind in kinds and not same_to_the_eye(ticket.raw.get(name, ""), reset)
    }
    if ticket.raw.get(names.stage, "") != context.in_progress:
        changed = {names.stage: context.in_progress, **changed}
    if not changed:
        return None
    return Write(ticket.ref, changed, {name: ticket.raw.get(name, "") for name in changed})


def _clear_revision(context: Context, ticket: Ticket) -> list[Verdict]:
    """Needs Revisions is emptied once its newest version was handled and the ticket is back in Pending Approval."""
    if ticket.revision is None or ticket.stage is not Stage.PENDING_APPROVAL or not ticket.revision_history:
        return []
    newest = ticket.revision_history[0]
    if context.ledger.settled(RevisionKey(ticket.id, newest.ms)) is None or ticket.stage_since <= newest.at:
        return []
    names = context.mapping.ticket.properties
    key = RevisionClearedKey(ticket.id, newest.ms)
    if context.ledger.settled(key) is not None:
        return []
    expects = {name: ticket.raw.get(name, "") for name in (names.needs_revisions, names.stage)}
    write = Write(ticket.ref, {names.needs_revisions: ""}, expects)
    reason = f"{name_of(ticket)} is ready for approval again: Needs Revisions is emptied"
    return [
        due(context, key, reason, [write],
            cause_at=ticket.stage_since, cycle=context.cycle_of(newest.at),
        )
    ]  # fmt: skip
