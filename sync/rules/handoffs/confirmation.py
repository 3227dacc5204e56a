"""Handoff 9 · System → Account Manager: confirmation.

The rungs of this ladder: docs/process.md 9.
"""

from datetime import datetime

from mappings.vocabulary import EmailKind, Handoff, Role, Stage, Status
from sync.clock import from_ms
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.handoffs.ad_sets import by_readiness
from sync.rules.handoffs.closed import closed
from sync.rules.handoffs.verdicts import done, due, not_applicable, waiting
from sync.rules.keys import ClosedKey, ConfirmationKey, EffectKind
from sync.rules.model import NEXT_DATE, EffectState, Email, Occurrence, RecordedOccurrence, State, Ticket, Verdict

AFTER_APPROVAL = "after_approval"
"""What texts call those of `tickets` that came into Pending Approval only after the client's approval."""


def confirmation(context: Context) -> list[Verdict]:
    """Once a closing, after the reset has been written: an email that the creatives are live, and the next date."""
    verdicts: list[Verdict] = []
    confirmed: RecordedOccurrence | None = None
    for recorded in context.ledger.of(Handoff.CLOSE):
        closing = keys.parse(recorded.key)
        if not isinstance(closing, ClosedKey) or not _is_reset(recorded):
            continue
        mine = context.ledger.settled(_key_for(closing))
        if mine is not None:
            confirmed = mine
        else:
            verdicts.append(_confirm(context, closing, str(recorded.detail[NEXT_DATE]), recorded.cycle))
    for verdict in closed(context):
        if verdict.occurrence is not None:
            closing = keys.parse(verdict.occurrence.key)
            if isinstance(closing, ClosedKey):
                verdicts.append(_confirm_with(context, closing, verdict.occurrence, verdict.state))
    if verdicts:
        return verdicts
    if confirmed is not None:
        return [done(confirmed)]
    return [not_applicable(context, Handoff.CONFIRMATION, "no cycle has been closed")]


def _is_reset(recorded: RecordedOccurrence) -> bool:
    """Whether a closing's reset has been written, so that somebody is to be told."""
    written = any(e.kind is EffectKind.WRITE and e.state is EffectState.DONE for e in recorded.effects)
    return recorded.settled and written and NEXT_DATE in recorded.detail


def _key_for(closing: ClosedKey) -> ConfirmationKey:
    return ConfirmationKey(closing.portfolio, closing.ms)


def _confirm_with(context: Context, closing: ClosedKey, occurrence: Occurrence, state: State) -> Verdict:
    """What follows from a closing that is decided now."""
    if NEXT_DATE not in occurrence.detail:
        return not_applicable(context, Handoff.CONFIRMATION, "the closing was before this ledger began")
    if state is State.BLOCKED:
        return waiting(context, Handoff.CONFIRMATION, "handoff 8 is blocked", None)
    return _confirm(context, closing, str(occurrence.detail[NEXT_DATE]), occurrence.cycle)


def _confirm(context: Context, closing: ClosedKey, next_day: str, cycle: str) -> Verdict:
    owner, blocked = context.owner(Role.ACCOUNT_MANAGER)
    cause = from_ms(closing.ms)
    # The next cycle has begun by now: every link is older than that one, and it is not that one's that is asked for.
    is_old = context.link_is_older_than(context.refresh_at(from_ms(closing.ms - 1)))
    variables = context.variables(next_date=next_day, ad_lab_link_old=is_old, **_published(context, cause, cycle))
    written = keys.effect_key(context.ledger.text_of(closing), keys.WRITE)
    email = Email(EmailKind.REFRESH_LIVE, Role.ACCOUNT_MANAGER, owner, variables, written, blocked)
    return due(context, _key_for(closing), "the reset is written", [email], cause_at=cause, cycle=cycle)


def _published(context: Context, closed_at: datetime, cycle: str) -> dict[str, list[dict[str, str]]]:
    """The tickets of the cycle that ended: those that are live, those of them that nobody approved, and what was not finished."""
    # One of an earlier cycle, where this cycle has none, is older than whatever its tickets did: it leaves none out.
    approvals = [v.at for v in context.portfolio.status_history if v.value is Status.CREATIVES_APPROVED]
    approved_at = next((at for at in approvals if at < closed_at), None)
    of_cycle = [
        ticket
        for ticket in context.snapshot.tickets
        if ticket.came_in is not None and context.cycle_of(ticket.came_in) == cycle
    ]
    unread = context.snapshot.unread
    parts = by_readiness(of_cycle, lambda ticket: _is_live(ticket, approved_at, closed_at), unread=unread)
    if approved_at is not None and context.cycle_of(approved_at) == cycle:
        late = {ticket.id for ticket in of_cycle if _came_after(ticket, approved_at, closed_at)}
        parts[AFTER_APPROVAL] = [one for one in parts["tickets"] if one["id"] in late]
    return parts


def _came_after(ticket: Ticket, approved_at: datetime, closed_at: datetime) -> bool:
    """Whether it came into Pending Approval for good only after the approval: neither announced since nor in the SAS's task."""
    came = next((at for at in ticket.came_to_review if at <= closed_at), None)
    return came is not None and came > approved_at


def _is_live(ticket: Ticket, approved_at: datetime | None, closed_at: datetime) -> bool:
    """Whether it was in Pending Approval when the cycle was closed, or was moved on from there once the client approved."""
    if ticket.stage is Stage.PENDING_APPROVAL:
        return ticket.stage_since <= closed_at
    left = ticket.left_pending_approval
    if left is None or (approved_at is not None and left < approved_at):
        return False
    return left > closed_at or ticket.stage is not Stage.IN_PROGRESS
