"""Handoff 7 · Account Manager → Social Ad Specialist: the client approves.

The rungs of this ladder: docs/process.md 7.
"""

from mappings.vocabulary import EmailKind, Handoff, Role, Status, TaskKind
from sync.rules.context import Context
from sync.rules.handoffs.ad_sets import by_readiness
from sync.rules.handoffs.endings import newest_tasks, until_settled
from sync.rules.handoffs.verdicts import done, due, not_applicable, recorded_superseded, versions_of, waiting
from sync.rules.handoffs.wording import current_status, time_text
from sync.rules.keys import ApprovedKey, EffectKind, OccurrenceKey
from sync.rules.model import NOT_YET, UNRESOLVED, Effect, EffectState, Email, NewTask, Verdict, Version


def approved(context: Context) -> list[Verdict]:
    """Once a version of Creatives Completed & Approved, if it still stands when the service looks."""
    if (settling := until_settled(context, Handoff.APPROVED)) is not None:
        return [settling]
    portfolio = context.portfolio
    verdicts = []
    versions = list(versions_of(context, Status.CREATIVES_APPROVED))
    standing = versions[0] if versions and versions[0] is portfolio.status_history[0] else None
    for version in versions:
        key = approval_key(context, version)
        if version is not standing and context.ledger.settled(key) is None:
            reason = f"set on {time_text(context, version.at)}, but the status had moved on before the service looked"
            verdicts.append(recorded_superseded(context, key, reason, version.at))
    if standing is None:
        before = list(context.ledger.of(Handoff.APPROVED, context.cycle))
        if before:
            return [*verdicts, done(before[-1])]
        if verdicts:
            return verdicts
        if portfolio.status is Status.CREATIVES_APPROVED:
            return [not_applicable(context, Handoff.APPROVED, "the client's approval is older than going live")]
        return [not_applicable(context, Handoff.APPROVED, "the client has not approved in this cycle")]
    return [*verdicts, _approval(context, standing)]


def approval_key(context: Context, version: Version[Status | None]) -> ApprovedKey:
    return ApprovedKey(context.portfolio.id, version.ms)


def _approval(context: Context, version: Version[Status | None]) -> Verdict:
    key = approval_key(context, version)
    recorded = context.ledger.settled(key)
    if recorded is not None:
        return done(recorded)
    made = context.tasks(newest_tasks(context, Handoff.APPROVED))
    if any(task.was_open_at(version.at) for task in made):
        reason = "set again while the implementation task was still open: that task stands"
        return recorded_superseded(context, key, reason, version.at)
    for before in made:
        if (counts_at := context.unsettled(before)) is not None:
            reason = f"set again after the implementation task {before.id} was completed, which may be taken back"
            return waiting(context, Handoff.APPROVED, reason, context.by_our_clock(counts_at))
    if is_on_its_way(context, but=key):
        reason = "set again before the implementation task of the approval before could be made: that task stands"
        return recorded_superseded(context, key, reason, version.at)
    owner, blocked = context.owner(Role.SOCIAL_AD_SPECIALIST)
    variables = context.variables(**by_readiness(context.current_tickets, unread=context.snapshot.unread))
    role = Role.SOCIAL_AD_SPECIALIST
    effects: list[Effect] = [
        NewTask(TaskKind.IMPLEMENT, role, owner, variables, blocked),
        Email(EmailKind.CLIENT_APPROVED, role, owner, variables, None, blocked),
    ]
    reason = f"the client approved: {current_status(context)} was set on {time_text(context, version.at)}"
    return due(context, key, reason, effects, cause_at=version.at)


def is_on_its_way(context: Context, *, but: OccurrenceKey | None = None, refused: bool = False) -> bool:
    """Whether an approval of this cycle (`but` one) has begun, and its task is still to be made, or was `refused`."""
    to_come = NOT_YET | UNRESOLVED | ({EffectState.FAILED} if refused else set())
    return any(
        effect.kind is EffectKind.TASK and effect.crm_id is None and effect.state in to_come
        for recorded in context.ledger.of(Handoff.APPROVED, context.cycle)
        if but is None or recorded.key != context.ledger.text_of(but)
        for effect in recorded.effects
    )
