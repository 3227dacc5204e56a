"""The rounds of revisions: which version of Needs Revisions asked a role for which of them (docs/process.md 6.16).

A version opens a round if the role had delivered what was asked before it, or if a decline lies between; else it belongs
to the round that is open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mappings.vocabulary import Handoff, Revision, Role, Status, TaskKind
from sync.clock import from_ms
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.keys import RevisionClearedKey, RevisionKey
from sync.rules.model import ROUNDS, OccurrenceState, RecordedEffect, Ticket, Version
from sync.rules.process import Work, work_of

_KINDS: Mapping[Revision, frozenset[TaskKind]] = {
    Revision.COPY: frozenset({TaskKind.REVISE_COPY}),
    Revision.GRAPHIC: frozenset({TaskKind.REVISE_GRAPHICS}),
    Revision.COPY_AND_GRAPHIC: frozenset({TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS}),
}

ROLES_OF: Mapping[Revision, Work] = {
    revision: tuple((kind, role) for kind, role in work_of(Handoff.REVISIONS) if kind in kinds)
    for revision, kinds in _KINDS.items()
}
"""What each value of Needs Revisions asks for."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a role's revisions on a ticket. `versions`: the times (ms) of those that belong to it, oldest first."""

    number: int
    versions: tuple[int, ...]

    @property
    def opened(self) -> int:
        """The version (its time in ms) that opened it."""
        return self.versions[0]


def rounds(context: Context, ticket: Ticket, kind: TaskKind, role: Role, *, by_ledger: bool = True) -> list[Round]:
    """The rounds of this role on this ticket, oldest first.

    What the ledger has decided stands; of the rest the histories tell, as far as they reach back. `by_ledger` False: they
    tell of everything.
    """
    opened = _opened(context, ticket, kind) if by_ledger else {}
    found: list[Round] = []
    for ms in _asked(context, ticket, kind):
        last = found[-1] if found else None
        if last is not None and ms not in opened and not _is_over(context, ticket, kind, role, last, ms):
            found[-1] = replace(last, versions=(*last.versions, ms))
        else:
            found.append(Round(max(opened.get(ms, 1), 1 if last is None else last.number + 1), (ms,)))
    return found


def _opened(context: Context, ticket: Ticket, kind: TaskKind) -> dict[int, int]:
    """The versions (ms) of which the ledger has written down that they opened a round, with its number."""
    return {
        key.ms: int(recorded.detail[ROUNDS][kind.value])
        for recorded in context.ledger.of(Handoff.REVISIONS, record=ticket.id)
        if isinstance(key := keys.parse(recorded.key), RevisionKey) and kind.value in recorded.detail.get(ROUNDS, {})
    }


def _is_over(context: Context, ticket: Ticket, kind: TaskKind, role: Role, last: Round, ms: int) -> bool:
    """Whether the round had been delivered before this version (ms) came, or a decline had ended it."""
    declines = (one.at for one in context.closings if one.by is Status.NO_REFRESH_REQUESTED)
    if any(from_ms(last.opened) < at < from_ms(ms) for at in declines):
        return True
    return has_delivered(context, ticket, kind, role, last, from_ms(ms))


def _asked(context: Context, ticket: Ticket, kind: TaskKind) -> list[int]:
    """The versions (ms) that asked for this kind of task, oldest first; not those that a decline has bypassed."""
    known = {
        version.ms
        for version in ticket.revision_history
        if version.value is not None and kind in _KINDS.get(version.value, ()) and _stands(context, ticket, version)
    }
    made = {key.ms for key, effect in _tasks(context, ticket, kind) if effect.crm_id is not None}
    return sorted(known | made)


def _stands(context: Context, ticket: Ticket, version: Version[Revision | None]) -> bool:
    recorded = context.ledger.settled(RevisionKey(ticket.id, version.ms))
    if recorded is not None:
        return recorded.state is not OccurrenceState.SUPERSEDED
    if version.at < context.times.go_live:
        return True  # it was a round of the team's, though none of the service's
    return not context.bypassed(version.at) and context.counts(version, ticket.revision_history)


def has_delivered(
    context: Context, ticket: Ticket, kind: TaskKind, role: Role, of: Round, before: datetime | None = None
) -> bool:
    """Whether the role had delivered this round by then (None: by now)."""
    return delivered_at(context, ticket, kind, role, of, before) is not None


def delivered_at(
    context: Context, ticket: Ticket, kind: TaskKind, role: Role, of: Round, before: datetime | None = None
) -> datetime | None:
    """When the role had delivered this round, if by then (None: by now).

    Its approval was set to Approved, the ticket came into Pending Approval, or the task of the round was completed: the
    article asks nobody to tick a task.
    """
    since, until = from_ms(of.opened), before or datetime.max.replace(tzinfo=UTC)
    shown = [at for at in (*ticket.approved.get(role, ()), *ticket.came_to_review) if since < at < until]
    if shown:  # a task that was ticked before is not read for this: what was left until then belongs to that round
        return min(shown)
    if (emptied := _emptied_at(context, ticket, of)) is not None and emptied < until:
        return emptied
    tasks = [effect.crm_id for key, effect in _tasks(context, ticket, kind) if key.ms in of.versions]
    completed = (task.completed_at for task in context.tasks(i for i in tasks if i is not None) if task.exists)
    return min((moment for moment in completed if moment is not None and moment < until), default=None)


def _emptied_at(context: Context, ticket: Ticket, of: Round) -> datetime | None:
    """When the ticket had come back after a version of the round, by what the ledger emptied Needs Revisions for (6.12).

    The histories do not show it of a ticket that was merged into this one: they are the primary's (M.8).
    """
    cleared = (context.ledger.settled(RevisionClearedKey(ticket.id, ms)) for ms in of.versions)
    return min((one.cause_at for one in cleared if one is not None and one.cause_at is not None), default=None)


def last_delivery(context: Context, ticket: Ticket, kind: TaskKind, role: Role, now: Round) -> datetime:
    """Since when what is left on the ticket is for this round: the role's last delivery.

    Before its first one it is when the ticket first came into Pending Approval, else when it was created.
    """
    until = from_ms(now.opened)
    before = [one for one in rounds(context, ticket, kind, role) if one.opened < now.opened]
    for one in reversed(before):
        at = delivered_at(context, ticket, kind, role, one, until)
        if at is not None:
            return at
    return min((at for at in ticket.came_to_review if at < until), default=ticket.created_at)


def _tasks(context: Context, ticket: Ticket, kind: TaskKind) -> list[tuple[RevisionKey, RecordedEffect]]:
    """The ledger's tasks of this kind on this ticket, be they made or still to be made."""
    return [
        (key, effect)
        for recorded in context.ledger.of(Handoff.REVISIONS, record=ticket.id)
        if isinstance(key := keys.parse(recorded.key), RevisionKey)
        for effect in recorded.effects
        if effect.task_kind is kind
    ]


def tasks_of(context: Context, ticket: Ticket, kind: TaskKind, *, since: int = 0, before: int) -> list[RecordedEffect]:
    """The same, of the versions (ms) from `since` on and before `before`."""
    return [effect for key, effect in _tasks(context, ticket, kind) if since <= key.ms < before]
