"""Handoff 2a · Account Manager → System: the client declines.

The rungs of this ladder: docs/process.md 2a.
"""

from mappings.vocabulary import Handoff, Status
from sync.rules.context import Context
from sync.rules.handoffs.endings import (
    after_ending,
    date_write,
    ended_before,
    slips,
    tasks_of_cycle,
    tasks_to_end,
    to_close,
    until_settled,
    was_recovered,
)
from sync.rules.handoffs.verdicts import done, due, not_applicable, with_block
from sync.rules.handoffs.wording import status_name, time_text
from sync.rules.keys import DeclinedKey
from sync.rules.model import CloseTask, Effect, OccurrenceState, Verdict


def declined(context: Context) -> list[Verdict]:
    """Once a closing version: the date moves on, and what the cycle had open is closed."""
    return [*slips(context, DeclinedKey), *_declined(context)]


def _declined(context: Context) -> list[Verdict]:
    mine = context.pending_declines
    if not mine:
        settling = until_settled(context, Handoff.DECLINED)
        if settling is not None and context.portfolio.status is Status.NO_REFRESH_REQUESTED:
            return [settling]
        carried_out = context.ledger.of(Handoff.DECLINED)
        before = [one for one in carried_out if one.settled and one.state is not OccurrenceState.SUPERSEDED]
        if before and context.portfolio.status is Status.NO_REFRESH_REQUESTED:
            return [done(before[-1])]
        return [not_applicable(context, Handoff.DECLINED, "the client has not declined in this cycle")]
    ending = mine[0]
    if ending is not context.pending[0]:
        return [after_ending(context, Handoff.DECLINED)]
    key = context.ending_key(ending)
    cycle = context.cycle_ended_by(ending)
    if was_recovered(context, ending):
        # Whether a ticket was on this portfolio at that time nobody knows any more: its tasks are left alone.
        tasks = tasks_of_cycle(context, cycle, on=(context.portfolio.ref,))
        return [ended_before(context, ending, "the date was moved", tasks)]
    declined_as = status_name(context, Status.NO_REFRESH_REQUESTED)
    reason = f"the client declined: {declined_as} was set on {time_text(context, ending.closing.at)}"
    values: dict[str, str] = {}
    stands = context.portfolio.status is Status.NO_REFRESH_REQUESTED and context.settling is None
    if context.mapping.rules.clear_declined_status and stands:
        values[context.mapping.portfolio.properties.status] = ""
    write, detail = date_write(context, values)
    close = [CloseTask(task.id, reason) for task in to_close(context, ending, tasks_to_end(context, ending))]
    effects: list[Effect] = [write, *close]
    verdict = due(context, key, reason, effects, cause_at=ending.closing.at, cycle=cycle, detail=detail)
    return [with_block(verdict, write)]
