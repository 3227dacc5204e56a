"""Handoff 1 · Automation → Account Manager: kickoff.

The rungs of this ladder: docs/process.md 1.
"""

from datetime import date

from mappings.vocabulary import EmailKind, Handoff, Role, Status, TaskKind
from sync.clock import start_of_day
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.handoffs.endings import after_ending
from sync.rules.handoffs.verdicts import done, due, not_applicable, status_write, superseded, waiting
from sync.rules.handoffs.wording import current_status, day_text, distance_text, unmapped_status
from sync.rules.keys import KickoffKey
from sync.rules.model import Effect, Email, NewTask, RecordedOccurrence, Verdict


def kickoff(context: Context) -> list[Verdict]:
    """Once a cycle, when the Refresh Date comes within the window."""
    portfolio, today = context.portfolio, context.times.today
    when = portfolio.refresh_date
    if when is None:
        return [not_applicable(context, Handoff.KICKOFF, "the portfolio has no Refresh Date")]
    if context.pending:
        return [after_ending(context, Handoff.KICKOFF)]
    days = (when - today).days
    if days > context.window:
        opens = start_of_day(date.fromordinal(when.toordinal() - context.window), context.mapping.zone)
        reason = f"the Refresh Date {day_text(when)} is {days} days away; the kickoff comes at {context.window}"
        return [waiting(context, Handoff.KICKOFF, reason, opens)]
    anchor = _window_anchor(context)
    before = [recorded for recorded in context.ledger.of(Handoff.KICKOFF, context.cycle) if recorded.settled]
    if before and _anchor_of(before[-1]) >= anchor:
        return [done(before[-1])]
    if portfolio.status is Status.UNMAPPED:
        return [not_applicable(context, Handoff.KICKOFF, unmapped_status(context))]
    if portfolio.status not in {None, Status.NO_REFRESH_REQUESTED}:
        return [superseded(context, Handoff.KICKOFF, f"the status has already moved on to {current_status(context)}")]
    owner, blocked = context.owner(Role.ACCOUNT_MANAGER)
    variables = context.variables()
    effects: list[Effect] = []
    if portfolio.status is Status.NO_REFRESH_REQUESTED:
        effects.append(status_write(context, None))
    effects.append(NewTask(TaskKind.KICKOFF, Role.ACCOUNT_MANAGER, owner, (portfolio.ref,), variables, blocked))
    effects.append(Email(EmailKind.KICKOFF, Role.ACCOUNT_MANAGER, owner, variables, None, blocked))
    reason = f"the Refresh Date {day_text(when)} is {distance_text(days)}"
    key = KickoffKey(portfolio.id, context.cycle, anchor)
    return [due(context, key, reason, effects)]


def _window_anchor(context: Context) -> int:
    """What the kickoff of this cycle hangs on: the newest date of the cycle that was out of the window, or 0."""
    started, history = context.cycle_started, context.portfolio.date_history
    return max(
        (
            version.ms
            for version in history
            if (started is None or version.at >= started)
            and context.out_of_window(version)
            and not context.passed_outside(version, history)
        ),
        default=0,
    )


def _anchor_of(recorded: RecordedOccurrence) -> int:
    key = keys.parse(recorded.key)
    assert isinstance(key, KickoffKey)
    return key.anchor
