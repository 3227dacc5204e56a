"""Handoff 6 · Account Manager → Creative Team: revisions.

The rungs of this ladder: docs/process.md 6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mappings.names import same_to_the_eye
from mappings.vocabulary import Handoff, Revision, Role, Stage, TaskKind
from mappings.words import REVISIONS
from sync.crm import Kind
from sync.rules import keys
from sync.rules.context import Context, UnreadError, ticket_variables
from sync.rules.handoffs.endings import tasks_to_end
from sync.rules.handoffs.revision_notes import is_awaited, late_notes, lines, notes_may_come, notes_until
from sync.rules.handoffs.rounds import ROLES_OF, Round, has_delivered, last_delivery, rounds, tasks_of
from sync.rules.handoffs.verdicts import done, due, not_applicable, recorded_superseded, undecided, unread
from sync.rules.handoffs.wording import FORGOTTEN, name_of, time_text, word
from sync.rules.handoffs.work import not_recovered
from sync.rules.keys import EffectKind, RevisionClearedKey, RevisionKey
from sync.rules.model import (
    AWAITED,
    OPEN_EFFECTS,
    QUOTED,
    RECOVERED,
    ROUNDS,
    STANDS,
    UNRESOLVED,
    CloseTask,
    Effect,
    EffectState,
    NewTask,
    RecordedEffect,
    RecordedOccurrence,
    State,
    Ticket,
    Verdict,
    Version,
    Write,
)
from sync.rules.process import Work


def revisions(context: Context) -> list[Verdict]:
    """Once a version of Needs Revisions: back to In Progress, approvals reset, tasks for the roles concerned."""
    verdicts: list[Verdict] = []
    for ticket in context.snapshot.tickets:
        try:
            verdicts += _revisions_of(context, ticket)
        except UnreadError as why:  # of one ticket; the others go on
            verdicts.append(undecided(context, Handoff.REVISIONS, why, ticket))
    verdicts += [unread(Handoff.REVISIONS, ticket) for ticket in context.snapshot.unread]
    if verdicts:
        return verdicts
    return [not_applicable(context, Handoff.REVISIONS, "no ticket needs revisions")]


def _revisions_of(context: Context, ticket: Ticket) -> list[Verdict]:
    if ticket.came_in is None:
        return []
    if ticket.revision is Revision.UNMAPPED:
        value = ticket.raw.get(context.mapping.ticket.properties.needs_revisions, "")
        reason = f"{name_of(ticket)}: {word(context, 'needs_revisions')} is “{value}”, which the mapping does not name"
        return [Verdict(Handoff.REVISIONS, State.BLOCKED, reason, ticket.ref)]
    verdicts: list[Verdict] = []
    asked: set[TaskKind] = set()
    for version in reversed(ticket.revision_history):
        if version.value in {None, Revision.UNMAPPED}:
            continue
        recorded = context.ledger.settled(RevisionKey(ticket.id, version.ms))
        if recorded is not None:
            found, kinds = _revised(context, ticket, version, asked, recorded)
        elif context.counts(version, ticket.revision_history):
            found, kinds = _revise(context, ticket, version, asked)
        else:
            continue
        asked |= kinds
        verdicts = [v for v in verdicts if v.occurrence is not None or v.state is State.WAITING] + found
    decided = (verdict.occurrence for verdict in verdicts if verdict.occurrence is not None)
    if not any(isinstance(keys.parse(occurrence.key), RevisionKey) for occurrence in decided):
        verdicts += _clear_revision(context, ticket)
    return verdicts


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a version asks of one role. `fresh`: it opens a round, so that the approval is reset with the task."""

    kind: TaskKind
    role: Role
    round: Round
    fresh: bool


def _revise(
    context: Context, ticket: Ticket, version: Version[Revision | None], asked: set[TaskKind]
) -> tuple[list[Verdict], set[TaskKind]]:
    """What a version asks for, and the tasks among it."""
    assert version.value is not None
    decline = None if context.snapshot.portfolio is None else context.declined_after(version.at)
    if decline is not None:
        reason = f"{name_of(ticket)}: asked for before the client declined on {time_text(context, decline.at)}"
        return [recorded_superseded(context, RevisionKey(ticket.id, version.ms), reason, version.at)], set()
    if context.is_forgotten(version.at):
        reason = f"{name_of(ticket)}: its revision of {time_text(context, version.at)} {FORGOTTEN}"
        return [recorded_superseded(context, RevisionKey(ticket.id, version.ms), reason, version.at)], set()
    # A ledger since lost may have answered it by nothing that carries its key.
    lost = context.times.is_older_than_ledger(version.at)
    new = _new_tasks(context, ticket, version, ROLES_OF[version.value], asked, lost=lost)
    back = lost and ticket.left_in_progress is not None and ticket.left_in_progress > version.at
    write = None if back else _kick_back(context, ticket, {one.kind for one in new if one.fresh})
    return _revision(context, ticket, version, new, write)


def _revised(
    context: Context,
    ticket: Ticket,
    version: Version[Revision | None],
    asked: set[TaskKind],
    recorded: RecordedOccurrence,
) -> tuple[list[Verdict], set[TaskKind]]:
    """A version that was answered: done, but for a task that waits, and what a ledger since lost had not come to."""
    assert version.value is not None
    if context.bypassed(version.at):
        return [done(recorded)], set()
    work = ROLES_OF[version.value]
    new = _awaited(context, ticket, version, recorded)
    new += _new_tasks(context, ticket, version, not_recovered([recorded], work), asked, lost=True)
    if new:  # it was kicked back then
        found, kinds = _revision(context, ticket, version, new, None, kept=recorded.detail)
        over = context.has_come(notes_until(version))
        return [*found, *(late_notes(context, ticket, version, recorded) if over else ())], kinds
    if RECOVERED in recorded.detail:
        left = [one for kind, role in work for one in _left_open(context, ticket, version, kind, role)]
        if left:
            key, at = RevisionKey(ticket.id, version.ms), version.at
            verdict = due(
                context, key, recorded.reason, left, cause_at=at, cycle=recorded.cycle, detail=recorded.detail
            )
            return [verdict], set()
    return [done(recorded), *late_notes(context, ticket, version, recorded)], set()


def _awaited(
    context: Context, ticket: Ticket, version: Version[Revision | None], recorded: RecordedOccurrence
) -> list[_Asked]:
    """The tasks of a version that wait for a Note, unless the next round has come meanwhile."""
    assert version.value is not None
    found = []
    for kind, role in ROLES_OF[version.value]:
        if not _is_still_awaited(recorded, kind):
            continue
        newest = rounds(context, ticket, kind, role)[-1]
        if version.ms in newest.versions:
            found.append(_Asked(kind, role, newest, fresh=newest.opened == version.ms))
    return found


def _is_still_awaited(recorded: RecordedOccurrence, kind: TaskKind) -> bool:
    made = {effect.task_kind for effect in recorded.effects}
    return kind.value in recorded.detail.get(AWAITED, ()) and kind not in made


def _left_open(
    context: Context, ticket: Ticket, version: Version[Revision | None], kind: TaskKind, role: Role
) -> list[Effect]:
    """The tasks of the round before that were still to be closed when the ledger was lost, the new one being there."""
    key = RevisionKey(ticket.id, version.ms)
    made = tasks_of(context, ticket, kind, since=version.ms, before=version.ms + 1)
    if not made or not tasks_of(context, ticket, kind, before=version.ms):
        return []
    newest = rounds(context, ticket, kind, role)[-1]
    if newest.opened != version.ms:
        return []
    after = keys.effect_key(context.ledger.text_of(key), keys.task_slot(kind))
    return _closings(context, ticket, version, _Asked(kind, role, newest, fresh=True), after=after)


def _new_tasks(
    context: Context, ticket: Ticket, version: Version[Revision | None], work: Work, asked: set[TaskKind], *, lost: bool
) -> list[_Asked]:
    """Of this work, what gets a task: where a round is opened, or nothing of the open one stands any more."""
    found = []
    for kind, role in work:
        if kind in asked:
            continue
        all_rounds = rounds(context, ticket, kind, role)
        mine = next((one for one in all_rounds if version.ms in one.versions), None)
        if mine is None or mine is not all_rounds[-1]:
            continue  # it is over: what is asked for now is the newest round
        fresh = mine.opened == version.ms
        over = lost and has_delivered(context, ticket, kind, role, mine)
        if not over and (fresh or not _stands(context, ticket, kind, mine, version, lost=lost)):
            found.append(_Asked(kind, role, mine, fresh))
    return found


def _stands(
    context: Context, ticket: Ticket, kind: TaskKind, mine: Round, version: Version[Revision | None], *, lost: bool
) -> bool:
    """Whether an earlier version of the round has its task, or is still to get it; a deleted one stands for nothing.

    `lost`: the ledger was, and whether a task that is deleted now was so when the version came is not known.
    """
    earlier = [context.ledger.settled(RevisionKey(ticket.id, ms)) for ms in mine.versions if ms < version.ms]
    if any(recorded is not None and _is_still_awaited(recorded, kind) for recorded in earlier):
        return True
    effects = tasks_of(context, ticket, kind, since=mine.opened, before=version.ms)
    made = [effect.crm_id for effect in effects if effect.crm_id is not None]
    if made and lost:
        return True
    if any(effect.crm_id is None and effect.state in OPEN_EFFECTS for effect in effects):
        return True
    closing = _about_to_be_closed(context)
    return any(task.exists and task.id not in closing for task in context.tasks(made))


def _revision(
    context: Context,
    ticket: Ticket,
    version: Version[Revision | None],
    new: Sequence[_Asked],
    write: Write | None,
    *,
    kept: Mapping[str, Any] | None = None,
) -> tuple[list[Verdict], set[TaskKind]]:
    """The write, a task for each role that need not wait for a Note, and what becomes of the round before.

    `kept`: what the ledger remembers of it already; None: it is decided for the first time.
    """
    assert version.value is not None
    key = RevisionKey(ticket.id, version.ms)
    waiting = [one for one in new if is_awaited(context, ticket, version, _bound(context, ticket, one))]
    ready = [one for one in new if one not in waiting]
    label = context.mapping.ticket.revisions[version.value]
    asked_for = word(context, REVISIONS[version.value])
    reason = f"{name_of(ticket)}: “{asked_for}” was asked for on {time_text(context, version.at)}"
    verdicts = _wait(context, ticket, version, reason) if waiting else notes_may_come(context, ticket, version)
    if kept is not None and not ready:
        return verdicts, {one.kind for one in new}
    added, quoted = lines(context, ticket, version) if kept is None else ([], {})
    effects: list[Effect] = [write] if write is not None else []
    effects += [*(_task(context, ticket, label, one) for one in ready), *added]
    for one in ready:
        after = keys.effect_key(context.ledger.text_of(key), keys.task_slot(one.kind))
        effects += _closings(context, ticket, version, one, after=after)
        quoted[one.kind.value] = [note.id for note in context.notes_since(ticket.ref, _bound(context, ticket, one))]
    detail = dict(kept or {})
    # With nothing to write and nobody to do it, nothing would be tried: the ticket is back already, and may move on.
    if kept is None and write is None and (effects or waiting):
        detail[STANDS] = True
    detail[ROUNDS] = {**detail.get(ROUNDS, {}), **{one.kind.value: one.round.number for one in new if one.fresh}}
    detail[AWAITED] = sorted({*detail.get(AWAITED, ()), *(one.kind.value for one in waiting)})
    detail[QUOTED] = {**detail.get(QUOTED, {}), **quoted}
    verdict = due(context, key, reason, effects,
        cause_at=version.at, cycle=context.cycle_of(version.at), detail=detail,
        overtakes=[effect.key for one in new for effect in _round_before(context, ticket, version, one)],
    )  # fmt: skip
    return [verdict, *verdicts], {one.kind for one in new}


def _wait(context: Context, ticket: Ticket, version: Version[Revision | None], reason: str) -> list[Verdict]:
    until = notes_until(version)
    said = f"{reason}; without a Note since the last delivery the task waits for one until {time_text(context, until)}"
    key = context.ledger.text_of(RevisionKey(ticket.id, version.ms))
    return [Verdict(Handoff.REVISIONS, State.WAITING, said, ticket.ref, when=context.comes_at(until), key=key)]


def _bound(context: Context, ticket: Ticket, asked: _Asked) -> datetime:
    return last_delivery(context, ticket, asked.kind, asked.role, asked.round)


def _task(context: Context, ticket: Ticket, label: str, asked: _Asked) -> NewTask:
    """The task of a role, with its round and the Notes since the role's last delivery."""
    variables = context.variables(
        ticket=ticket_variables(ticket), folder=ticket.folder, revision=label, round=asked.round.number,
        **context.quoted(ticket.ref, _bound(context, ticket, asked)),
    )  # fmt: skip
    owner, blocked = context.owner(asked.role, ticket)
    return NewTask(asked.kind, asked.role, owner, variables, blocked)


def _round_before(
    context: Context, ticket: Ticket, version: Version[Revision | None], asked: _Asked
) -> list[RecordedEffect]:
    """The tasks that the rounds before had, or were still to get; nothing of a version that opens none."""
    return tasks_of(context, ticket, asked.kind, before=version.ms) if asked.fresh else []


def _closings(
    context: Context, ticket: Ticket, version: Version[Revision | None], asked: _Asked, *, after: str
) -> list[Effect]:
    """The tasks of the round before that nobody has ticked: once the new one is there, they are closed.

    Not one that a person has opened again since the new round was asked for.
    """
    before = _round_before(context, ticket, version, asked)
    made = [task for effect in before if (task := effect.own_task) is not None]
    reason = f"a new round of revisions was asked for on {time_text(context, version.at)}"
    return [CloseTask(task.id, reason, after) for task in context.tasks_open_since(made, version.at)]


def _about_to_be_closed(context: Context) -> set[str]:
    """The tasks that a cycle's end closes, in this pass or in one that was cut off: they are not open any more."""
    found: set[str] = set()
    for ending in context.pending if context.mapping.rules.close_leftovers else context.pending_declines:
        found.update(tasks_to_end(context, ending))
    on_the_way = {EffectState.PLANNED} | UNRESOLVED
    for recorded in [*context.ledger.of(Handoff.DECLINED), *context.ledger.of(Handoff.CLOSE)]:
        found.update(e.slot.of for e in recorded.effects if e.kind is EffectKind.CLOSE and e.state in on_the_way)
    return found


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
    if newest.inherited and ticket.merged_at is not None and ticket.stage_since <= ticket.merged_at:
        return []  # asked for on the one, brought there on the other: nobody has sent this one back yet
    names = context.mapping.ticket.properties
    key = RevisionClearedKey(ticket.id, newest.ms)
    if context.ledger.settled(key) is not None:
        return []
    expects = {name: ticket.raw.get(name, "") for name in (names.needs_revisions, names.stage)}
    write = Write(ticket.ref, {names.needs_revisions: ""}, expects)
    reason = f"{name_of(ticket)} is ready for approval again: {word(context, 'needs_revisions')} is emptied"
    return [
        due(context, key, reason, [write],
            cause_at=ticket.stage_since, cycle=context.cycle_of(newest.at),
        )
    ]  # fmt: skip
