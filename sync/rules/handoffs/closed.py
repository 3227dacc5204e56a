"""Handoff 8 · Social Ad Specialist → System: the cycle closes.

The rungs of this ladder: docs/process.md 8.
"""

from collections.abc import Sequence

from mappings.vocabulary import Handoff, Status
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.cycle import Ending
from sync.rules.handoffs.approved import approval_key, is_on_its_way
from sync.rules.handoffs.endings import (
    after_ending,
    date_write,
    ended_before,
    is_left_over,
    last_reset,
    newest_tasks,
    slips,
    tasks_of_cycle,
    tasks_to_end,
    to_close,
    until_settled,
    was_recovered,
)
from sync.rules.handoffs.verdicts import done, due, not_applicable, status_write, waiting, with_block
from sync.rules.handoffs.wording import duration_text, status_name, time_text
from sync.rules.keys import ClosedByTaskKey, ClosedKey, EffectKind
from sync.rules.model import CloseTask, Effect, OwnTask, Verdict


def closed(context: Context) -> list[Verdict]:
    """Once a closing version: date and status are reset in one write. A completed task sets the status first."""
    return [*slips(context, ClosedKey), *_closed(context)]


def _closed(context: Context) -> list[Verdict]:
    if (settling := until_settled(context, Handoff.CLOSE)) is not None:
        return [settling]
    pending = [ending for ending in context.pending if ending.closing.by is Status.CREATIVES_IMPLEMENTED]
    if pending:
        if pending[0] is not context.pending[0]:
            return [after_ending(context, Handoff.CLOSE)]
        return [_reset(context, pending[0])]
    status = context.portfolio.status
    if status is Status.CREATIVES_APPROVED:
        return [_by_task(context)]
    reset = last_reset(context)
    if reset is not None and (status is None or is_left_over(context)):
        return [done(reset)]
    if status is Status.CREATIVES_IMPLEMENTED:
        return [not_applicable(context, Handoff.CLOSE, "the cycle was closed before going live")]
    return [not_applicable(context, Handoff.CLOSE, "the creatives are not implemented in this cycle")]


def _by_task(context: Context) -> Verdict:
    """The newest task of handoff 7 in this cycle decides; an older one does not stand in for it.

    The newest of a record that was merged into this one decides as well: completed since, it closes the cycle too.
    """
    implemented = status_name(context, Status.CREATIVES_IMPLEMENTED)
    newest = newest_tasks(context, Handoff.APPROVED)
    if not newest:
        return waiting(context, Handoff.CLOSE, f"the status must reach {implemented}", None)
    tasks = context.tasks(newest)
    task = next((task for task in reversed(tasks) if _closes(context, task)), None)
    if task is None:
        return _waits_for(context, tasks)
    write = status_write(context, Status.CREATIVES_IMPLEMENTED)
    reason = f"the implementation task {task.id} is completed"
    return due(context, ClosedByTaskKey(context.portfolio.id, task.id), reason, [write], cause_at=task.completed_at)


def _closes(context: Context, task: OwnTask) -> bool:
    """Whether this task is completed, for the approval that stands, and has not closed a cycle yet."""
    if not task.exists or not task.completed or context.unsettled(task) is not None:
        return False
    if is_on_its_way(context, refused=True) or _approved_after(context, task):
        return False
    key = ClosedByTaskKey(context.portfolio.id, task.id)
    return context.ledger.settled(key) is None and not _was_done_before_merge(context, task)


def _was_done_before_merge(context: Context, task: OwnTask) -> bool:
    """Whether it is a merged record's, and was completed when that one was a record of its own."""
    ancestry = context.ledger.ancestries.get(context.portfolio.ref)
    if ancestry is None or ancestry.at is None or task.completed_at is None or task.completed_at >= ancestry.at:
        return False
    made = context.tasks_made(Handoff.APPROVED, context.cycle)
    occurrences = [keys.occurrence_of(effect.key) for effect in made if effect.crm_id == task.id]
    return all(context.ledger.is_other(occurrence) for occurrence in occurrences)


def _waits_for(context: Context, tasks: Sequence[OwnTask]) -> Verdict:
    """What the end of the cycle waits for, as none of these tasks closes it."""
    implemented = status_name(context, Status.CREATIVES_IMPLEMENTED)
    settling = [task for task in tasks if task.exists and context.unsettled(task) is not None]
    of_this_approval = [task for task in tasks if not _approved_after(context, task)] or tasks
    task = next((task for task in reversed(tasks) if task.is_open), of_this_approval[-1])
    if settling and (counts_at := context.unsettled(settling[-1])) is not None:
        stood = duration_text(context.settle)
        reason = f"the implementation task {settling[-1].id} is completed: it counts once it has been so for {stood}"
        return waiting(context, Handoff.CLOSE, reason, context.by_our_clock(counts_at))
    if not task.exists:
        reason = f"the implementation task {task.id} was deleted: set {implemented} by hand"
    elif not task.completed:
        reason = f"the implementation task {task.id} is open"
    elif _approved_after(context, task) or is_on_its_way(context, refused=True):
        reason = "the newest approval gets a task of its own first"
    else:
        reason = f"task {task.id} has closed a cycle already; set {implemented} by hand"
    return waiting(context, Handoff.CLOSE, reason, None)


def _approved_after(context: Context, task: OwnTask) -> bool:
    """Whether the task was completed for an earlier approval, and the one that stands gets, or has, its own from handoff 7.

    An open one that it found does for it (7.6). That it has one is told of merged records alone, where an older task counts
    beside the newest (docs/process.md M.12).
    """
    history = context.portfolio.status_history
    standing = history[0] if history else None
    if standing is None or task.completed_at is None or task.completed_at >= standing.at:
        return False
    recorded = context.ledger.settled(approval_key(context, standing))
    if recorded is not None:
        own = any(one.kind is EffectKind.TASK and one.crm_id not in {None, task.id} for one in recorded.effects)
        newest = context.tasks(newest_tasks(context, Handoff.APPROVED))
        return own or any(one.is_open for one in newest)
    return context.counts(standing, history)


def _reset(context: Context, ending: Ending) -> Verdict:
    key = context.ending_key(ending)
    portfolio = context.portfolio
    cycle = context.cycle_ended_by(ending)
    implementing = tasks_to_end(context, ending, Handoff.APPROVED)
    leftovers = context.mapping.rules.close_leftovers
    if was_recovered(context, ending):
        # Whether a ticket was on this portfolio at that time nobody knows any more: its tasks are left alone.
        own = tasks_of_cycle(context, cycle, on=(portfolio.ref,)) if leftovers else implementing
        return ended_before(context, ending, "it was reset", own)
    values: dict[str, str] = {}
    if portfolio.status is Status.CREATIVES_IMPLEMENTED:
        values[context.mapping.portfolio.properties.status] = ""
    write, detail = date_write(context, values)
    reason = f"{status_name(context, Status.CREATIVES_IMPLEMENTED)} was set on {time_text(context, ending.closing.at)}"
    effects: list[Effect] = [write]
    after = keys.effect_key(context.ledger.text_of(key), write.slot)
    own = tasks_to_end(context, ending) if leftovers else implementing
    effects += [
        CloseTask(task.id, reason if task.id in implementing else f"this refresh is completed, {reason}", after)
        for task in to_close(context, ending, own)
    ]
    verdict = due(context, key, reason, effects, cause_at=ending.closing.at, cycle=cycle, detail=detail)
    return with_block(verdict, write)
