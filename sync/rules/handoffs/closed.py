"""Handoff 8 · Social Ad Specialist → System: the cycle closes.

The rungs of this ladder: docs/process.md 8.
"""

from mappings.vocabulary import Handoff, Status
from sync.clock import to_ms
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.cycle import Ending
from sync.rules.handoffs.approved import approval_key, is_on_its_way
from sync.rules.handoffs.endings import (
    after_ending,
    date_write,
    ended_before,
    slips,
    tasks_of_cycle,
    to_close,
    until_settled,
    was_recovered,
)
from sync.rules.handoffs.verdicts import done, due, not_applicable, status_write, waiting, with_block
from sync.rules.handoffs.wording import duration_text, status_name, time_text
from sync.rules.keys import ClosedByTaskKey, ClosedKey
from sync.rules.model import CloseTask, Effect, OwnTask, RecordedOccurrence, Verdict


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
    if status is Status.CREATIVES_IMPLEMENTED:
        return [not_applicable(context, Handoff.CLOSE, "the cycle was closed before going live")]
    reset = _last_reset(context)
    if reset is not None and status is None:
        return [done(reset)]
    return [not_applicable(context, Handoff.CLOSE, "the creatives are not implemented in this cycle")]


def _last_reset(context: Context) -> RecordedOccurrence | None:
    """The closing that began the current cycle, if handoff 8 carried it out."""
    last = context.closings[-1] if context.closings else None
    if last is None or last.by is not Status.CREATIVES_IMPLEMENTED:
        return None
    return context.ledger.settled(ClosedKey(context.portfolio.id, to_ms(last.at)))


def _by_task(context: Context) -> Verdict:
    """The newest task of handoff 7 in this cycle decides; an older one does not stand in for it."""
    implemented = status_name(context, Status.CREATIVES_IMPLEMENTED)
    made = context.tasks_made(Handoff.APPROVED, context.cycle)
    newest = made[-1].crm_id if made else None
    if newest is None:
        return waiting(context, Handoff.CLOSE, f"the status must reach {implemented}", None)
    task = context.tasks([newest])[0]
    if not task.exists:
        reason = f"the implementation task {newest} was deleted: set {implemented} by hand"
        return waiting(context, Handoff.CLOSE, reason, None)
    if not task.completed:
        return waiting(context, Handoff.CLOSE, f"the implementation task {newest} is open", None)
    if (counts_at := context.unsettled(task)) is not None:
        reason = (
            f"the implementation task {newest} is completed: it counts once it has been so for "
            f"{duration_text(context.settle)}"
        )
        return waiting(context, Handoff.CLOSE, reason, context.by_our_clock(counts_at))
    if _approved_after(context, task) or is_on_its_way(context, refused=True):
        return waiting(context, Handoff.CLOSE, "the newest approval gets a task of its own first", None)
    key = ClosedByTaskKey(context.portfolio.id, newest)
    if context.ledger.settled(key) is not None:
        reason = f"task {newest} has closed a cycle already; set {implemented} by hand"
        return waiting(context, Handoff.CLOSE, reason, None)
    write = status_write(context, Status.CREATIVES_IMPLEMENTED)
    reason = f"the implementation task {newest} is completed"
    return due(context, key, reason, [write], cause_at=task.completed_at)


def _approved_after(context: Context, task: OwnTask) -> bool:
    """Whether the task was completed for an earlier approval, and the one that stands gets its own from handoff 7."""
    history = context.portfolio.status_history
    standing = history[0] if history else None
    if standing is None or task.completed_at is None or task.completed_at >= standing.at:
        return False
    return context.counts(standing, history) and context.ledger.settled(approval_key(context, standing)) is None


def _reset(context: Context, ending: Ending) -> Verdict:
    key = context.ending_key(ending)
    portfolio = context.portfolio
    cycle = context.cycle_ended_by(ending)
    implementing = [
        e.crm_id for e in context.tasks_made(Handoff.APPROVED, cycle) if not e.adopted and e.crm_id is not None
    ]
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
    after = keys.effect_key(str(key), write.slot)
    made = tasks_of_cycle(context, cycle) if leftovers else implementing
    effects += [
        CloseTask(task.id, reason if task.id in implementing else f"this refresh is completed, {reason}", after)
        for task in to_close(context, ending, made)
    ]
    verdict = due(context, key, reason, effects, cause_at=ending.closing.at, cycle=cycle, detail=detail)
    return with_block(verdict, write)
