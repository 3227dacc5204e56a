"""Does the ledger know each task that carries a key, and does the history show its cause?"""

from collections.abc import Iterator

from sync.admin.inventory import ExistingTask
from sync.admin.verify.causes import unexplained
from sync.admin.verify.evidence import Evidence
from sync.admin.verify.finding import Finding, Sort
from sync.admin.verify.history import NotJudgedError
from sync.rules.process import read_task_key


def count(evidence: Evidence) -> int:
    """Count the tasks on this portfolio and its tickets whose key some handoff makes."""
    read = (read_task_key(task.key) for task in _keyed(evidence))
    return sum(one is not None and evidence.has(one[0].record) for one in read)


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Judge every task that carries a key. Raises the port's errors."""
    for task in _keyed(evidence):
        found = _finding(evidence, task)
        if found is not None:
            yield found


def _keyed(evidence: Evidence) -> Iterator[ExistingTask]:
    return (task for task in evidence.tasks.values() if task.key and evidence.counts(task.made_at))


def _finding(evidence: Evidence, task: ExistingTask) -> Finding | None:
    read = read_task_key(task.key)
    if read is None:
        return evidence.finding(Sort.UNEXPLAINED, None, task.key, "no handoff makes such a key", [task.id])
    key, kind = read
    handoff, here = key.handoff, evidence.has(key.record)
    key = key.of(evidence.context.ledger.current(key.record).id)
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
        why = unexplained(evidence, key, kind, task)
    except NotJudgedError as error:
        return evidence.finding(Sort.NOT_JUDGED, handoff, task.key, str(error), [task.id])
    return None if why is None else evidence.finding(Sort.UNEXPLAINED, handoff, task.key, why, [task.id])
