"""What do the rules ask for now that is neither done nor on its way?"""

from collections.abc import Iterator
from datetime import timedelta, tzinfo

from mappings.vocabulary import Handoff
from sync.admin.inventory import Inventory
from sync.admin.verify.evidence import Enqueued, Evidence, moment_text
from sync.admin.verify.finding import Finding, Sort
from sync.clock import from_ms, start_of_day
from sync.crm import RecordRef
from sync.observe import health
from sync.rules.decide import decide
from sync.rules.model import Decision, EffectState, Occurrence, OccurrenceState
from sync.rules.transition import untried
from sync.storage import work_queue
from sync.storage.database import Connection

FOR_WANT_OF = "fallback_owner"
"""What every reason says of an effect that waits for a person, and not for an address or a text."""

LEFT = (EffectState.PLANNED, EffectState.BLOCKED, EffectState.FAILED)
"""What is known, and not done."""


def enqueued(connection: Connection, inventory: Inventory, zone: tzinfo) -> dict[RecordRef, Enqueued]:
    """Say for each portfolio that is enqueued, itself or one of its tickets, when it is looked at, or why not."""
    parent = {
        ticket.ref: record for record, context in inventory.contexts.items() for ticket in context.snapshot.tickets
    }
    parent |= {record: record for record in inventory.contexts}
    found: dict[RecordRef, Enqueued] = {}
    for record, queued in work_queue.find(connection, parent).items():
        if queued.parked_at is not None:
            text = f"parked after {queued.attempts} failed looks: {queued.error}"
        elif queued.held_effects is not None:
            text = "held by the breaker"
        else:
            text = f"to be looked at from {moment_text(queued.not_before, zone)} on"
        known, here = (
            found.get(parent[record]),
            Enqueued(text, queued.not_before, queued.parked_at is not None, queued.held_effects is not None),
        )
        if known is None or here.parked or (here.held and not known.parked):  # what an admin must hear of
            found[parent[record]] = here
    return found


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Decide with the real ledger, and report what would be done: as missing where nobody is about to do it."""
    decision = decide(evidence.context)
    for verdict in decision.verdicts:
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
            cause = f"{occurrence.reason}; not done, and nobody is about to: {what}{_parked(evidence)}"
            yield evidence.finding(Sort.MISSING, occurrence.handoff, occurrence.key, cause)
    yield from _known_and_left(evidence, decision)


def count_blocked(evidence: Evidence) -> int:
    """Count what waits for a person: effects that are written down as blocked, and those that a pass would block."""
    ledger = evidence.context.ledger
    found = {
        effect.key
        for recorded in ledger.recorded.values()
        if recorded.state is OccurrenceState.OPEN
        for effect in recorded.effects
        if effect.state is EffectState.BLOCKED and evidence.counts(effect.state_at)
    }
    for occurrence in decide(evidence.context).occurrences:
        if occurrence.key not in ledger.recorded and evidence.counts(occurrence.cause_at):
            found |= {occurrence.effect_key(effect) for effect in occurrence.effects if effect.blocked}
    return len(found)


def _known_and_left(evidence: Evidence, decision: Decision) -> Iterator[Finding]:
    """Report what the ledger has to do of occurrences that no rule asks for any more, and who or what it waits for."""
    asked = {occurrence.key for occurrence in decision.occurrences}
    for recorded in evidence.context.ledger.recorded.values():
        if recorded.state is not OccurrenceState.OPEN or recorded.key in asked:
            continue
        for effect in recorded.effects:
            if effect.state not in LEFT or not evidence.counts(effect.state_at):
                continue
            if effect.state is EffectState.FAILED and effect.attempted:
                continue  # told as refused
            waits = str(effect.slot) + (f", {effect.state.value}" if effect.state is not EffectState.PLANNED else "")
            waits += f" since {evidence.local(effect.state_at)}" + (f": {effect.reason}" if effect.reason else "")
            who = decision.reassigned.get(effect.key)
            given = who is not None and who.owner is not None and FOR_WANT_OF in (effect.reason or "")
            waits += "; there is somebody now, and nobody has looked since" if given else ""
            on_its_way = _is_looked_at(evidence) if not given else _is_just_looked_at(evidence)
            sort = Sort.WAITING if on_its_way else Sort.MISSING
            yield evidence.finding(sort, recorded.handoff, effect.key, waits + _parked(evidence))


def _is_looked_at(evidence: Evidence) -> bool:
    """Whether somebody looks at this portfolio again: what it has open, a sweep finds."""
    return evidence.times.swept_lately if evidence.enqueued is None else not _is_left_lying(evidence)


def _is_just_looked_at(evidence: Evidence) -> bool:
    """Whether somebody is about to look: to name a person asks for a look at once, and not for one in an hour."""
    queued = evidence.enqueued
    return queued is not None and not queued.parked and queued.not_before <= evidence.times.now


def _is_left_lying(evidence: Evidence) -> bool:
    """Whether nobody looks at it, though it is enqueued: it is parked, or was due long ago and no worker has taken it."""
    queued = evidence.enqueued
    if queued is None or queued.held:
        return False
    return queued.parked or evidence.times.now - queued.not_before > health.OLDEST_ALLOWED


def _parked(evidence: Evidence) -> str:
    if evidence.enqueued is None or not _is_left_lying(evidence):
        return ""
    return f" ({evidence.enqueued.text}{'' if evidence.enqueued.parked else ', and no worker has: is one up?'})"


def _on_its_way(evidence: Evidence, occurrence: Occurrence) -> str | None:
    """Say what will get it done; None if nothing will."""
    if _is_left_lying(evidence):
        return None
    recorded = evidence.context.ledger.recorded.get(occurrence.key)
    if recorded is not None and recorded.state is OccurrenceState.OPEN:
        return "it is planned"
    if evidence.enqueued is not None:
        return evidence.enqueued.text
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
