"""Did the record name whoever was given a task, when it was made? docs/process.md P.1 to P.3."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from mappings.digest import digest_of
from mappings.vocabulary import Role
from sync.admin.verify.evidence import FORGETFUL, Evidence
from sync.admin.verify.finding import Finding, Sort
from sync.admin.verify.history import standing
from sync.clock import CLOCKS_APART
from sync.crm import Kind, RawVersion
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState, Version
from sync.rules.people import people_in
from sync.storage.ledger import AttemptedEffect

BEFORE = timedelta(hours=1)
"""How old the answer may be by which a task was given to somebody."""


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Report tasks that were given to somebody whom neither record nor mapping names in that role. Raises the port's errors.

    Who has given a task away since is people's own business.
    """
    if evidence.portfolio.absorbed or len(evidence.context.past.mappings) > 1:
        return  # another mapping may have named another stand-in, or another property
    today = digest_of(evidence.context.mapping)
    for effect in evidence.tried:
        judged = effect.kind is EffectKind.TASK and effect.state is EffectState.DONE and effect.stands
        judged = judged and effect.mapping in {None, today}
        if not judged or effect.payload.get("adopted") or effect.first_at < evidence.times.ledger_began:
            continue
        owner, role = effect.payload.get("owner"), effect.payload.get("role")
        if owner is None or role is None or not evidence.counts(effect.first_at) or _was_elsewhere(evidence, effect):
            continue
        named = _named(evidence, effect, Role(role))
        if named is not None and owner not in named:
            label = evidence.context.mapping.roles[Role(role)].label
            known = evidence.context.snapshot.owners.get(owner)
            who = f"owner {owner}" if known is None else f"{known.name} ({owner})"
            cause = f"task {effect.crm_id} was given to {who} as {label}, whom neither the record nor the mapping named then"
            yield evidence.finding(
                Sort.UNEXPLAINED, effect.handoff, effect.key, cause, [effect.crm_id] if effect.crm_id else []
            )


def _was_elsewhere(evidence: Evidence, effect: AttemptedEffect) -> bool:
    """Whether the task was made while its ticket was with another portfolio, whose people counted then."""
    portfolio = effect.payload.get("context", {}).get("portfolio", {}).get("id", evidence.portfolio.id)
    return bool(portfolio != evidence.portfolio.id)


def _named(evidence: Evidence, effect: AttemptedEffect, role: Role) -> set[str] | None:
    """Everybody (owners' ids) who was named in a role then, or stands in; None: it cannot be told."""
    mapping, record = evidence.context.mapping, evidence.context.ledger.current(effect.record)
    since, until = effect.first_at - BEFORE, effect.state_at + CLOCKS_APART
    values: list[str] = []
    if record.kind is Kind.TICKET:
        if record.id not in evidence.tickets or evidence.tickets[record.id].absorbed:
            return None
        name = next((name for known, name in mapping.ticket.owners.items() if known is role), None)
        if name is not None:
            found = _stood(evidence.histories.of(record.id, name), since, until)
            if found is None:
                return None
            values += found
    found = _stood(evidence.of_portfolios.of(evidence.portfolio.id, mapping.portfolio.owners[role]), since, until)
    if found is None:
        return None
    named = {one for value in [*values, *found] for one in people_in(value)}
    named |= {stand_in} if (stand_in := mapping.roles[role].fallback_owner) else set()
    ids = {evidence.context.people.get(one) or evidence.context.people.get(one.lower()) or one for one in named}
    return ids | named


def _stood(history: Sequence[RawVersion], since: datetime, until: datetime) -> list[str] | None:
    """Every value between two moments; None: the visible history does not reach back."""
    if len(history) >= FORGETFUL and history[-1].at > since:
        return None
    return list(standing(tuple(Version(one.value, one.at) for one in history), since, until))
