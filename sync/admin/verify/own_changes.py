"""Does the ledger know each change that the service's app has made, of portfolios and of tickets?"""

from collections.abc import Iterator, Sequence
from typing import Any

from sync.admin.verify.evidence import Evidence, written_on_tickets
from sync.admin.verify.finding import Finding, Sort
from sync.clock import CLOCKS_APART
from sync.crm import RecordRef
from sync.rules.keys import EffectKind
from sync.rules.model import Version
from sync.storage.ledger import AttemptedEffect


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Report every version of the service's own that is not of exactly one write in the ledger.

    Nothing is found where the service cannot tell its own changes from those of others. Raises the port's errors.
    """
    if not evidence.times.knows_itself:
        return
    names, own = evidence.context.mapping.portfolio.properties, evidence.context.mapping.ticket.properties
    yield from _of(evidence, evidence.portfolio.ref, names.status, evidence.portfolio.status_history)
    yield from _of(evidence, evidence.portfolio.ref, names.refresh_date, evidence.portfolio.date_history)
    for ticket in evidence.tickets.values():
        yield from _of(evidence, ticket.ref, own.needs_revisions, ticket.revision_history)
        for name in written_on_tickets(evidence.context.mapping) if not ticket.absorbed else ():
            yield from _of(evidence, ticket.ref, name, evidence.raw_history(ticket.id, name))


def _of(evidence: Evidence, record: RecordRef, name: str, history: Sequence[Version[Any]]) -> Iterator[Finding]:
    writes = [
        effect
        for effect in evidence.tried
        if effect.kind is EffectKind.WRITE
        and evidence.context.ledger.current(effect.record) == record
        and name in effect.payload["values"]
    ]
    # What a ledger since lost had sent may have landed when this one had begun.
    first = evidence.times.ledger_began + CLOCKS_APART
    used: set[str] = set()
    for version in reversed(history):
        if not version.own or version.at < first or not evidence.counts(version.at):
            continue
        fitting = [effect for effect in writes if _wrote(evidence, effect, record, name, version)]
        fresh = [effect for effect in fitting if effect.key not in used]
        what = f"the service's app changed “{name}” of {record} on {evidence.local(version.at)}"
        if fresh:
            used.add(fresh[0].key)
        elif fitting:
            cause = f"{what}, a second time"
            yield evidence.finding(Sort.DOUBLED, fitting[0].handoff, fitting[0].key, cause)
        else:
            cause = f"{what}, but the ledger knows of no such write"
            yield evidence.finding(Sort.UNEXPLAINED, None, None, cause)


def _wrote(evidence: Evidence, effect: AttemptedEffect, record: RecordRef, name: str, version: Version[Any]) -> bool:
    """Whether this write may have made the version, by time and value."""
    if not effect.first_at - CLOCKS_APART <= version.at <= effect.state_at + CLOCKS_APART:
        return False
    history = evidence.history(record, name, effect)
    return history is not None and history[1] == version.value
