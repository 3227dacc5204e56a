"""The process in one table: each handoff with the record that it is about, and the tasks that it makes.

Who a task is for stands with its texts (`mappings.texts.TASK_READER`). What a handoff does, and when, is its own module's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mappings.texts import TASK_READER
from mappings.vocabulary import Handoff, Role, TaskKind
from sync.crm import Kind
from sync.rules import keys
from sync.rules.keys import OccurrenceKey


@dataclass(frozen=True, slots=True)
class Step:
    """One handoff. `tasks`: the kinds that it makes, none for one that makes no task."""

    record: Kind = Kind.PORTFOLIO
    tasks: tuple[TaskKind, ...] = ()


PROCESS: Final[Mapping[Handoff, Step]] = {
    Handoff.KICKOFF: Step(tasks=(TaskKind.KICKOFF,)),
    Handoff.DECLINED: Step(),
    Handoff.CONFIRMED: Step(),
    Handoff.DATE_ARRIVED: Step(tasks=(TaskKind.CREATE_TICKETS,)),
    Handoff.TICKETS: Step(Kind.TICKET, (TaskKind.WRITE_COPY, TaskKind.DESIGN_GRAPHICS)),
    Handoff.SET_READY: Step(tasks=(TaskKind.SHARE_DELIVERABLES,)),
    Handoff.REVISIONS: Step(Kind.TICKET, (TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS)),
    Handoff.APPROVED: Step(tasks=(TaskKind.IMPLEMENT,)),
    Handoff.CLOSE: Step(),
    Handoff.CONFIRMATION: Step(),
}
"""In the order of the teams' article."""

HANDOFF_OF: Final[Mapping[TaskKind, Handoff]] = {
    kind: handoff for handoff, step in PROCESS.items() for kind in step.tasks
}
"""Which handoff makes each kind of task."""

Work = tuple[tuple[TaskKind, Role], ...]
"""Tasks, each with the role that it is for."""


def work_of(handoff: Handoff) -> Work:
    """The tasks that a handoff makes, each with the role that it is for."""
    return tuple((kind, TASK_READER[kind]) for kind in PROCESS[handoff].tasks)


def read_task_key(key: str) -> tuple[OccurrenceKey, TaskKind] | None:
    """The occurrence and the kind of task that the key of a task tells; None where no handoff makes such a key."""
    found = keys.parse_task(key)
    if found is None or HANDOFF_OF[found[1]] is not found[0].handoff:
        return None
    return found
