"""What do the rules ask for now that is neither done nor on its way?"""

from collections.abc import Iterator
from datetime import timedelta

from mappings.vocabulary import Handoff
from sync.admin.inventory import Inventory
from sync.admin.verify.evidence import Evidence
from sync.admin.verify.finding import Finding, Sort
from sync.clock import from_ms, start_of_day
from sync.crm import RecordRef
from sync.rules.decide import decide
from sync.rules.model import Occurrence, OccurrenceState
from sync.rules.transition import untried
from sync.storage import work_queue
from sync.storage.database import Connection


def enqueued(connection: Connection, inventory: Inventory) -> dict[RecordRef, str]:
    """Say for each portfolio that is enqueued, itself or one of its tickets, when it is looked at, or why not."""
    parent = {
        ticket.ref: record for record, context in inventory.contexts.items() for ticket in context.snapshot.tickets
    }
    parent |= {record: record for record in inventory.contexts}
    found: dict[RecordRef, str] = {}
    for record, queued in work_queue.find(connection, parent).items():
        if queued.parked_at is not None:
            text = f"parked after {queued.attempts} failed looks: {queued.error}"
        elif queued.held_effects is not None:
            text = "held by the breaker"
        else:
            text = f"to be looked at from {queued.not_before.isoformat(timespec='seconds')} on"
        found[parent[record]] = text
    return found


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Decide with the real ledger, and report what would be done: as missing where nobody is about to do it."""
    for verdict in decide(evidence.context).verdicts:
        occurrence = verdict.occurrence
        if occurrence is None or not evidence.counts(occurrence.cause_at):
            continue
        effects = untried(occurrence, evidence.context.ledger)
        if not effects:
            blocks = [effect.blocked for effect in occurrence.effects if effect.blocked]
            if blocks:
                cause = f"blocked: {blocks[0]}"
                yield evidence.finding(Sort.WAITING, occurrence.handoff, occurrence.key, cause)
            continue
        what = " and ".join(dict.fromkeys(str(effect.slot) for effect in effects))
        on_its_way = _on_its_way(evidence, occurrence)
        if on_its_way is not None:
            cause = f"{occurrence.reason}: {on_its_way}"
            yield evidence.finding(Sort.WAITING, occurrence.handoff, occurrence.key, cause)
        else:
            cause = f"{occurrence.reason}; not done, and nobody is about to: {what}"
            yield evidence.finding(Sort.MISSING, occurrence.handoff, occurrence.key, cause)


def _on_its_way(evidence: Evidence, occurrence: Occurrence) -> str | None:
    """Say what will get it done; None if nothing will."""
    recorded = evidence.context.ledger.recorded.get(occurrence.key)
    if recorded is not None and recorded.state is OccurrenceState.OPEN:
        return "it is planned"
    if evidence.enqueued is not None:
        return evidence.enqueued
    if occurrence.cause_at is not None:
        return evidence.times.still_to_come(changed=occurrence.cause_at, comes=None)
    portfolio = evidence.portfolio
    days = evidence.context.window if occurrence.handoff is Handoff.KICKOFF else 0
    comes = None
    if portfolio.refresh_date is not None:
        comes = start_of_day(portfolio.refresh_date - timedelta(days=days), evidence.context.mapping.zone)
    histories = (portfolio.date_history, portfolio.status_history)
    changed = max((history[0].at for history in histories if history), default=from_ms(0))
    return evidence.times.still_to_come(changed=changed, comes=comes)
