"""Handoff 3 · Automation → Social Ad Specialist: the date arrives.

The rungs of this ladder: docs/process.md 3.
"""

from datetime import date

from mappings.vocabulary import EmailKind, Handoff, Role, Status, TaskKind
from sync.clock import start_of_day
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.handoffs.endings import after_ending, is_left_over, until_settled
from sync.rules.handoffs.verdicts import EARLY, done, due, not_applicable, recorded_superseded, superseded, waiting
from sync.rules.handoffs.wording import current_status, day_text, unmapped_status
from sync.rules.keys import DateArrivedKey
from sync.rules.model import Effect, Email, NewTask, RecordedOccurrence, Verdict


def date_arrived(context: Context) -> list[Verdict]:
    """Once a cycle, on the Refresh Date or as soon after it as anybody looks."""
    portfolio = context.portfolio
    when = portfolio.refresh_date
    if when is None:
        return [not_applicable(context, Handoff.DATE_ARRIVED, "the portfolio has no Refresh Date")]
    if (settling := until_settled(context, Handoff.DATE_ARRIVED)) is not None:
        return [settling]
    if context.pending:
        return [after_ending(context, Handoff.DATE_ARRIVED)]
    arrives = start_of_day(when, context.mapping.zone)
    before = [
        recorded
        for recorded in context.ledger.of(Handoff.DATE_ARRIVED, context.cycle)
        if recorded.settled and context.is_for_date(recorded)
    ]
    if before and when <= max(_day_of(recorded) for recorded in before):
        return [done(before[-1])]
    if when > context.times.today:
        return [waiting(context, Handoff.DATE_ARRIVED, f"the Refresh Date is {day_text(when)}", arrives)]
    if portfolio.status is Status.UNMAPPED:
        return [not_applicable(context, Handoff.DATE_ARRIVED, unmapped_status(context))]
    if portfolio.status not in EARLY and not is_left_over(context):
        reason = f"the status {current_status(context)} is later in the process: the deliverables are under way"
        return [superseded(context, Handoff.DATE_ARRIVED, reason)]
    key = DateArrivedKey(portfolio.id, context.cycle, when)
    made = context.tasks_made(Handoff.DATE_ARRIVED, context.cycle)
    came = max(arrives, context.date_since)  # one set to a day that was past already came when it was set
    if any(task.was_open_at(came) for task in context.tasks(effect.crm_id for effect in made if effect.crm_id)):
        reason = f"the date was moved to {day_text(when)}, and the task from before was still open when it came"
        return [recorded_superseded(context, key, reason)]
    owner, blocked = context.owner(Role.SOCIAL_AD_SPECIALIST)
    variables = context.variables(
        **context.quoted(portfolio.ref, context.refresh_began),
        unconfirmed=portfolio.status is not Status.REFRESH_REQUEST_SUBMITTED,
    )
    late = (context.times.today - when).days
    reason = (
        f"the Refresh Date {day_text(when)} is today" if not late else f"the Refresh Date {day_text(when)} has come"
    )
    role = Role.SOCIAL_AD_SPECIALIST
    effects: list[Effect] = [
        NewTask(TaskKind.CREATE_TICKETS, role, owner, variables, blocked),
        Email(EmailKind.DATE_ARRIVED, role, owner, variables, None, blocked),
    ]
    return [due(context, key, reason, effects)]


def _day_of(recorded: RecordedOccurrence) -> date:
    key = keys.parse(recorded.key)
    assert isinstance(key, DateArrivedKey)
    return key.day
