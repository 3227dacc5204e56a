"""Does the ledger know each task that carries a key, and does the history show its cause?"""

from collections.abc import Iterator, Mapping

from mappings.vocabulary import Handoff, TaskKind
from sync.admin.inventory import ExistingTask
from sync.admin.verify.causes import unexplained
from sync.admin.verify.evidence import Evidence
from sync.admin.verify.finding import Finding, Sort
from sync.admin.verify.history import NotJudgedError
from sync.crm import RecordRef
from sync.passes.recovery import read_key

KINDS_OF: Mapping[Handoff, frozenset[TaskKind]] = {
    Handoff.KICKOFF: frozenset({TaskKind.KICKOFF}),
    Handoff.DATE_ARRIVED: frozenset({TaskKind.CREATE_TICKETS}),
    Handoff.TICKETS: frozenset({TaskKind.WRITE_COPY, TaskKind.DESIGN_GRAPHICS}),
    Handoff.SET_READY: frozenset({TaskKind.SHARE_DELIVERABLES}),
    Handoff.REVISIONS: frozenset({TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS}),
    Handoff.APPROVED: frozenset({TaskKind.IMPLEMENT}),
}
"""Which tasks each handoff makes."""


def count(evidence: Evidence) -> int:
    """Count the tasks on this portfolio and its tickets whose key some handoff makes."""
    read = (_read(task) for task in _keyed(evidence))
    return sum(one is not None and evidence.has(one[1]) for one in read)


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Judge every task that carries a key. Raises the port's errors."""
    for task in _keyed(evidence):
        found = _finding(evidence, task)
        if found is not None:
            yield found


def _keyed(evidence: Evidence) -> Iterator[ExistingTask]:
    return (task for task in evidence.tasks.values() if task.key and evidence.counts(task.made_at))


def _read(task: ExistingTask) -> tuple[Handoff, RecordRef, TaskKind] | None:
    """Handoff, record and kind by the task's key; None where no handoff makes such a key."""
    read = read_key(task.key)
    if read is None or read[3] not in KINDS_OF.get(read[0], ()):
        return None
    handoff, record, _, kind = read
    return handoff, record, kind


def _finding(evidence: Evidence, task: ExistingTask) -> Finding | None:
    read = _read(task)
    if read is None:
        return evidence.finding(Sort.UNEXPLAINED, None, task.key, "no handoff makes such a key", [task.id])
    handoff, record, kind = read
    here = evidence.has(record)
    if task.key not in evidence.known_keys:
        if not here and evidence.times.recovering:
            return None
        cause = "the ledger does not know the key of this task"
        return evidence.finding(Sort.UNEXPLAINED, handoff, task.key, cause, [task.id])
    if not here:  # its ticket was deleted, or is on another portfolio now
        return None
    other = evidence.known_keys[task.key]
    if other is not None and other != task.id and evidence.task_exists(other):
        known = evidence.tasks.get(other)
        if known is not None and known.key == task.key:
            return None  # two that carry one key are found as copies
        cause = f"task {other} stands for this already"
        return evidence.finding(Sort.DOUBLED, handoff, task.key, cause, [other, task.id])
    try:
        why = unexplained(evidence, handoff, task, kind)
    except NotJudgedError as error:
        return evidence.finding(Sort.NOT_JUDGED, handoff, task.key, str(error), [task.id])
    return None if why is None else evidence.finding(Sort.UNEXPLAINED, handoff, task.key, why, [task.id])
