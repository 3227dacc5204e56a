"""Handoff 1 · Automation → Account Manager: kickoff.

The rungs of this ladder: docs/process.md 1.
"""

from collections.abc import Sequence
from datetime import date

from mappings.vocabulary import EmailKind, Handoff, Role, Status, TaskKind
from sync.clock import start_of_day, to_ms
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.handoffs.endings import after_ending, is_left_over, until_settled
from sync.rules.handoffs.verdicts import done, due, not_applicable, status_write, superseded, waiting
from sync.rules.handoffs.wording import current_status, day_text, distance_text, unmapped_status
from sync.rules.keys import KickoffKey
from sync.rules.model import Effect, Email, NewTask, RecordedOccurrence, Verdict, Version


def kickoff(context: Context) -> list[Verdict]:
    """Once a cycle, when the Refresh Date comes within the window."""
    portfolio, today = context.portfolio, context.times.today
    when = portfolio.refresh_date
    if when is None:
        return [not_applicable(context, Handoff.KICKOFF, "the portfolio has no Refresh Date")]
    if (settling := until_settled(context, Handoff.KICKOFF)) is not None:
        return [settling]
    if context.pending:
        return [after_ending(context, Handoff.KICKOFF)]
    days = (when - today).days
    left = _out_of_window(context)
    before = [
        recorded
        for recorded in context.ledger.of(Handoff.KICKOFF, context.cycle)
        if recorded.settled and context.is_for_date(recorded)
    ]
    if before and not any(_is_after(context, version, before) for version in left):
        return [done(before[-1])]
    if days > context.window:
        opens = start_of_day(date.fromordinal(when.toordinal() - context.window), context.mapping.zone)
        reason = f"the Refresh Date {day_text(when)} is {days} days away; the kickoff comes at {context.window}"
        return [waiting(context, Handoff.KICKOFF, reason, opens)]
    if portfolio.status is Status.UNMAPPED:
        return [not_applicable(context, Handoff.KICKOFF, unmapped_status(context))]
    left_over = is_left_over(context)
    if portfolio.status is not None and not left_over:
        return [superseded(context, Handoff.KICKOFF, f"the status has already moved on to {current_status(context)}")]
    owner, blocked = context.owner(Role.ACCOUNT_MANAGER)
    variables = context.variables()
    effects: list[Effect] = []
    if left_over:
        effects.append(status_write(context, None))
    effects.append(NewTask(TaskKind.KICKOFF, Role.ACCOUNT_MANAGER, owner, variables, blocked))
    effects.append(Email(EmailKind.KICKOFF, Role.ACCOUNT_MANAGER, owner, variables, None, blocked))
    reason = f"the Refresh Date {day_text(when)} is {distance_text(days)}"
    key = KickoffKey(portfolio.id, context.cycle, max((version.ms for version in left), default=0))
    return [due(context, key, reason, effects)]


def _out_of_window(context: Context) -> list[Version[date | None]]:
    """The dates of this cycle that were out of the window: a kickoff hangs on the newest of them."""
    started, history = context.cycle_started, context.portfolio.date_history
    return [
        version
        for version in history
        if (started is None or version.at >= started)
        and context.out_of_window(version)
        and not context.passed_outside(version, history)
    ]


def _is_after(context: Context, version: Version[date | None], before: Sequence[RecordedOccurrence]) -> bool:
    """Whether a date that was out of the window is none that these kickoffs stand for.

    Their keys tell up to which they do, by the mapping of their time. Where it is not known which one was in force, as
    after a lost database, no date from before a kickoff is taken to ask for another.
    """
    if version.ms <= max(_anchor_of(context, recorded) for recorded in before):
        return False
    return context.past.is_known(version.at) or version.at > before[-1].decided_at


def _anchor_of(context: Context, recorded: RecordedOccurrence) -> int:
    """What a kickoff hung on. One of a merged record hung on that one's date: it stands for all that came before it."""
    key = keys.parse(recorded.key)
    assert isinstance(key, KickoffKey)
    return max(key.anchor, to_ms(recorded.decided_at)) if context.ledger.is_other(recorded.key) else key.anchor
