"""Handoff 9 · System → Account Manager: confirmation."""

from mappings.vocabulary import EmailKind, Handoff, Role
from sync.clock import from_ms
from sync.rules.context import Context
from sync.rules.handoffs.closed import closed
from sync.rules.handoffs.verdicts import cause_of, done, due, not_applicable, waiting
from sync.rules.model import Email, RecordedOccurrence, State, Verdict


def confirmation(context: Context) -> list[Verdict]:
    """One email a closing, once the reset has been written: the creatives are live, and the next date."""
    verdicts: list[Verdict] = []
    told: RecordedOccurrence | None = None
    for recorded in context.ledger.of(Handoff.CLOSE):
        if not _is_reset(recorded):
            continue
        mine = context.ledger.settled(_confirmation_key(recorded.key))
        if mine is not None:
            told = mine
        else:
            verdicts.append(_confirm(context, recorded.key, str(recorded.detail["next_date"]), recorded.cycle))
    now = next((v for v in closed(context) if v.occurrence is not None and v.occurrence.key.startswith("8:")), None)
    if now is not None:
        verdicts.append(_confirm_with(context, now))
    if verdicts:
        return verdicts
    if told is not None:
        return [done(told)]
    return [not_applicable(context, Handoff.CONFIRMATION, "no cycle has been closed")]


def _is_reset(recorded: RecordedOccurrence) -> bool:
    """Whether a closing's reset has been written, so that somebody is to be told."""
    written = any(effect.kind == "write" and effect.state == "done" for effect in recorded.effects)
    return recorded.key.startswith("8:") and recorded.settled and written and "next_date" in recorded.detail


def _confirmation_key(closing_key: str) -> str:
    return closing_key.replace("8:", "9:", 1)


def _confirm_with(context: Context, closing: Verdict) -> Verdict:
    """What follows from a closing that is decided now."""
    occurrence = closing.occurrence
    assert occurrence is not None
    if "next_date" not in occurrence.detail:
        return not_applicable(context, Handoff.CONFIRMATION, "the closing was before this ledger began")
    if closing.state is State.BLOCKED:
        return waiting(context, Handoff.CONFIRMATION, "handoff 8 is blocked", None)
    return _confirm(context, occurrence.key, str(occurrence.detail["next_date"]), occurrence.cycle)


def _confirm(context: Context, closing_key: str, next_day: str, cycle: str) -> Verdict:
    owner, blocked = context.owner(Role.ACCOUNT_MANAGER)
    variables = context.variables(next_date=next_day)
    email = Email(EmailKind.REFRESH_LIVE, Role.ACCOUNT_MANAGER, owner, variables, f"{closing_key}/write", blocked)
    key = _confirmation_key(closing_key)
    cause = from_ms(cause_of(closing_key))
    return due(context, Handoff.CONFIRMATION, key, "the reset is written", [email], cause_at=cause, cycle=cycle)
