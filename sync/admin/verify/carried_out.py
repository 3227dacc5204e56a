"""Does the CRM show what the ledger says was done: tasks, closings, and each write in its property's history?"""

from collections.abc import Iterator
from datetime import timedelta

from sync.admin.verify.evidence import Evidence
from sync.admin.verify.finding import Finding, Sort
from sync.admin.verify.history import stood, too_short
from sync.clock import CLOCKS_APART
from sync.rules.keys import EffectKind
from sync.rules.model import UNRESOLVED, EffectState
from sync.storage.ledger import AttemptedEffect


def count_adopted(evidence: Evidence) -> int:
    """Count the adopted tasks of the ledger: they carry no key."""
    return sum(effect.kind is EffectKind.TASK and bool(effect.payload.get("adopted")) for effect in _done(evidence))


def count_changes(evidence: Evidence) -> int:
    """Count the writes and closings that are looked for."""
    return sum(effect.kind in {EffectKind.WRITE, EffectKind.CLOSE} for effect in _done(evidence))


def count_emails(evidence: Evidence) -> int:
    """Count the emails that went out, by the ledger's word alone."""
    return sum(effect.kind is EffectKind.EMAIL for effect in _done(evidence))


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Look for everything that the ledger has tried. Raises the port's errors."""
    for effect in _standing(evidence):
        if effect.state in UNRESOLVED or effect.state is EffectState.SENDING:
            cause = "tried, and the outcome is still to be found out"
            yield evidence.finding(Sort.WAITING, effect.handoff, effect.key, cause)
        elif effect.state is EffectState.FAILED:
            cause = f"it was refused, and is tried again at each sweep: {effect.reason}"
            yield evidence.finding(Sort.MISSING, effect.handoff, effect.key, cause)
        elif effect.state is EffectState.UNPROVEN:
            yield evidence.finding(Sort.NOT_JUDGED, effect.handoff, effect.key, effect.reason or "nobody can tell")
        elif effect.state is EffectState.DONE and effect.kind is EffectKind.TASK:
            yield from _task_made(evidence, effect)
        elif effect.state is EffectState.DONE and effect.kind is EffectKind.CLOSE:
            yield from _task_closed(evidence, effect)
        elif effect.state is EffectState.DONE and effect.kind is EffectKind.WRITE:
            yield from _written(evidence, effect)


def _standing(evidence: Evidence) -> Iterator[AttemptedEffect]:
    return (effect for effect in evidence.tried if effect.stands and evidence.counts(effect.first_at))


def _done(evidence: Evidence) -> Iterator[AttemptedEffect]:
    return (effect for effect in _standing(evidence) if effect.state is EffectState.DONE)


def _task_made(evidence: Evidence, effect: AttemptedEffect) -> Iterator[Finding]:
    if effect.crm_id is None:
        if not any(task.key == effect.key for task in evidence.tasks.values()):
            cause = "the ledger says that this task was made, but names none, and the CRM has none of this key"
            yield evidence.finding(Sort.MISSING, effect.handoff, effect.key, cause)
    elif not evidence.task_exists(effect.crm_id):
        cause = f"task {effect.crm_id} was deleted by somebody: it is not made again for the same cause"
        yield evidence.finding(Sort.DELETED, effect.handoff, effect.key, cause, [effect.crm_id])


def _task_closed(evidence: Evidence, effect: AttemptedEffect) -> Iterator[Finding]:
    task = evidence.tasks.get(str(effect.payload.get("task")))
    if task is not None and not task.was_ever_completed:
        cause = f"the ledger says that task {task.id} was closed, but it never was"
        yield evidence.finding(Sort.MISSING, effect.handoff, effect.key, cause, [task.id])


def _written(evidence: Evidence, effect: AttemptedEffect) -> Iterator[Finding]:
    """Each value of the write has stood at about that time."""
    record = evidence.context.ledger.current(effect.record)
    for name, value in effect.payload["values"].items():
        history = evidence.history(record, name, effect)
        if history is None or _overwritten(evidence, effect, name, value):
            continue
        versions, wanted = history
        seen = stood(versions, wanted, effect.first_at - CLOCKS_APART, effect.state_at + CLOCKS_APART)
        if seen is None:
            yield evidence.finding(Sort.NOT_JUDGED, effect.handoff, effect.key, too_short(f"“{name}”"))
        elif not seen:
            when = evidence.local(effect.state_at)
            cause = f"the ledger says that “{name}” of {record} became “{value}” on {when}, but it did not"
            yield evidence.finding(Sort.MISSING, effect.handoff, effect.key, cause)


def _overwritten(evidence: Evidence, effect: AttemptedEffect, name: str, value: str) -> bool:
    """Whether another write changed this property at the same moment to another value, and won."""
    return any(
        other.key != effect.key
        and other.kind is EffectKind.WRITE
        and other.record == effect.record
        and other.payload["values"].get(name, value) != value
        and other.state is EffectState.DONE
        and abs(other.first_at - effect.first_at) < timedelta(seconds=1)
        for other in evidence.tried
    )
