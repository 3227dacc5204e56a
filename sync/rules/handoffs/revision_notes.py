"""The Notes of a revision: how long its task waits for one, and what becomes of those that come late.

docs/process.md 6.19 to 6.21.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from mappings.vocabulary import Handoff, Revision, Role, TaskKind
from sync.rules import keys
from sync.rules.context import Context, ticket_variables
from sync.rules.handoffs.rounds import ROLES_OF, Round, last_delivery, rounds, tasks_of
from sync.rules.handoffs.verdicts import due
from sync.rules.handoffs.wording import name_of, time_text
from sync.rules.keys import LateNotesKey, RevisionKey
from sync.rules.model import (
    OPEN_EFFECTS,
    QUOTED,
    RECOVERED,
    AddLine,
    Note,
    OccurrenceState,
    RecordedOccurrence,
    State,
    Ticket,
    Verdict,
    Version,
)

COME_WITHIN = timedelta(minutes=3)
"""A Note that is left so long after the value was set still reaches the task."""

Quoted = dict[str, list[str]]
"""Notes (their ids) by the kind of task that quotes them."""


def notes_until(version: Version[Revision | None]) -> datetime:
    """Until when a Note still counts for this version, by the CRM's time of the version."""
    return version.at + COME_WITHIN


def is_awaited(context: Context, ticket: Ticket, version: Version[Revision | None], bound: datetime) -> bool:
    """Whether a task is still to wait for a Note: there is none since `bound`, and one may come."""
    return not context.has_come(notes_until(version)) and not context.notes_since(ticket.ref, bound)


def lines(context: Context, ticket: Ticket, version: Version[Revision | None]) -> tuple[list[AddLine], Quoted]:
    """What the open tasks of this version's rounds are to be told of the Notes that they do not quote yet."""
    assert version.value is not None
    found: list[AddLine] = []
    quoted: Quoted = {}
    for kind, role in ROLES_OF[version.value]:
        now = rounds(context, ticket, kind, role)[-1:]
        if not now or version.ms not in now[0].versions:
            continue
        made = tasks_of(context, ticket, kind, since=now[0].opened, before=now[0].versions[-1] + 1)
        ids = [task for effect in made if (task := effect.own_task) is not None]
        still_open = [task for task in context.tasks(ids) if task.is_open]
        bound = last_delivery(context, ticket, kind, role, now[0])
        notes = _unquoted(context, ticket, kind, now[0], bound, notes_until(version)) if still_open else []
        if notes:
            quoted[kind.value] = [note.id for note in notes]
            found += [_line(context, ticket, task.id, now[0], role, notes) for task in still_open]
    return found, quoted


def _line(context: Context, ticket: Ticket, task: str, now: Round, role: Role, notes: Sequence[Note]) -> AddLine:
    oldest = min(note.at for note in notes)
    variables = context.variables(
        ticket=ticket_variables(ticket), folder=ticket.folder, round=now.number, role=context.mapping.roles[role].label,
        **context.quoting(notes, oldest),
    )  # fmt: skip
    return AddLine(task, variables)


def _unquoted(
    context: Context, ticket: Ticket, kind: TaskKind, now: Round, bound: datetime, until: datetime
) -> list[Note]:
    """The Notes since `bound`, up to `until`, that neither a task of this round nor a line of one quotes."""
    known: set[str] = set()
    looked_at = None
    for recorded in context.ledger.of(Handoff.REVISIONS, record=ticket.id):
        key = keys.parse(recorded.key)
        if not isinstance(key, RevisionKey | LateNotesKey) or key.ms not in now.versions:
            continue
        quoted: Mapping[str, list[str]] = recorded.detail.get(QUOTED, {})
        known.update(quoted.get(kind.value, ()))
        # Of a task of version 0.2, or one that was taken back, only its time tells what it can quote.
        made = [e.state_at for e in recorded.effects if e.task_kind is kind and kind.value not in quoted]
        looked_at = max([*made, *([looked_at] if looked_at else [])], default=None)
    return [
        note
        for note in context.notes_since(ticket.ref, bound)
        if note.id not in known and note.at <= until and (looked_at is None or note.at > looked_at)
    ]


def notes_may_come(context: Context, ticket: Ticket, version: Version[Revision | None]) -> list[Verdict]:
    """That it is looked again when the version's minutes are up; nothing where they are."""
    until = notes_until(version)
    if context.has_come(until):
        return []
    reason = f"{name_of(ticket)}: a Note left until {time_text(context, until)} still reaches the task"
    return [Verdict(Handoff.REVISIONS, State.WAITING, reason, ticket.ref, when=context.comes_at(until))]


def late_notes(
    context: Context, ticket: Ticket, version: Version[Revision | None], recorded: RecordedOccurrence
) -> list[Verdict]:
    """Once a version, when its minutes are up: what came in them and is in no task yet is added to the open ones."""
    key = LateNotesKey(ticket.id, version.ms)
    if recorded.state is OccurrenceState.SUPERSEDED or context.ledger.settled(key) is not None:
        return []
    until = notes_until(version)
    counts = QUOTED in recorded.detail or (
        RECOVERED in recorded.detail and not context.times.is_older_than_ledger(until)
    )
    to_be_made = any(effect.task_kind is not None and effect.state in OPEN_EFFECTS for effect in recorded.effects)
    if not counts or to_be_made:
        return []
    if not context.has_come(until):
        return notes_may_come(context, ticket, version)
    added, quoted = lines(context, ticket, version)
    tasks = f"late Notes to be added to {len(added)} task{'' if len(added) == 1 else 's'}"
    reason = f"{name_of(ticket)}: {tasks if added else 'no late Note to be added to a task'}"
    return [
        due(context, key, reason, added,
            cause_at=until, cycle=context.cycle_of(version.at), detail={QUOTED: quoted},
        )
    ]  # fmt: skip
