"""Did everything that belongs to an ending or an announcement come of it, by what the CRM shows?

What the ledger has is compared elsewhere; here is looked for what it should have and has not.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mappings.names import meant
from mappings.vocabulary import EmailKind, Handoff, Status
from sync.admin.inventory import ExistingTask
from sync.admin.verify.evidence import Evidence
from sync.admin.verify.finding import Finding, Sort
from sync.clock import CLOCKS_APART, from_ms
from sync.crm import LANDED_AFTER
from sync.rules import keys
from sync.rules.keys import ClosedKey, DeclinedKey, EffectKind, SetReadyKey
from sync.rules.model import RECOVERED, EffectState, RecordedOccurrence

EARLY = {None, Status.NO_REFRESH_REQUESTED, Status.REFRESH_REQUEST_SUBMITTED, Status.DELIVERABLES_SUBMITTED}
"""The statuses from which an announcement advances."""

JUST_BEFORE = timedelta(minutes=2)
"""How old what a decision was made on may be."""


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Report tasks that an ending should have closed, and statuses that should have been advanced or cleared.

    Nothing is found of a merged portfolio: its history is that of several.
    """
    if evidence.portfolio.absorbed:
        return
    for recorded in evidence.context.ledger.recorded.values():
        key = keys.parse(recorded.key)
        if evidence.counts(recorded.decided_at):
            yield from _nobody_told(evidence, recorded)
        if not recorded.settled or not evidence.counts(recorded.cause_at):
            continue
        if isinstance(key, DeclinedKey | ClosedKey):
            yield from _left_open(evidence, recorded, from_ms(key.ms))
            yield from _not_cleared(evidence, recorded)
        elif isinstance(key, SetReadyKey):
            yield from _not_advanced(evidence, recorded)


EMAILS = {
    Handoff.KICKOFF: {EmailKind.KICKOFF},
    Handoff.DATE_ARRIVED: {EmailKind.DATE_ARRIVED},
    Handoff.SET_READY: {EmailKind.SET_READY_ACCOUNT_MANAGER, EmailKind.SET_READY_SOCIAL_AD_SPECIALIST},
    Handoff.APPROVED: {EmailKind.CLIENT_APPROVED},
}
"""Which emails belong to a handoff that makes a task (docs/process.md 1, 3, 5, 7)."""


def _nobody_told(evidence: Evidence, recorded: RecordedOccurrence) -> Iterator[Finding]:
    """An email that belongs to a task that was made, and of which the ledger has not even a plan."""
    tried = {effect.key for effect in evidence.tried}  # without tasks that are still to be taken back
    made = [task for effect in recorded.effects if effect.key in tried and (task := effect.own_task) is not None]
    taken_back = RECOVERED in recorded.detail or recorded.decided_at < evidence.times.ledger_began
    if not made or taken_back or recorded.adopted:
        return
    known = {effect.slot.of for effect in recorded.effects if effect.kind is EffectKind.EMAIL}
    for kind in sorted(EMAILS.get(recorded.handoff, set()) - known):
        cause = f"task {made[0]} was made, and the email {kind.replace('_', ' ')} that belongs to it was never planned"
        yield evidence.finding(Sort.MISSING, recorded.handoff, recorded.key, cause, made)


def _left_open(evidence: Evidence, ending: RecordedOccurrence, at: datetime) -> Iterator[Finding]:
    """docs/process.md 2a.7, 8.16: of tasks on tickets nobody can tell any more whether they were on its tickets then."""
    written = any(e.kind is EffectKind.WRITE and e.state is EffectState.DONE for e in ending.effects)
    if at < evidence.times.ledger_began or not written:
        return  # carried out before this ledger began, or a slip
    everything = ending.handoff is Handoff.DECLINED or evidence.context.mapping.rules.close_leftovers
    known = {effect.slot.of for effect in ending.effects if effect.kind is EffectKind.CLOSE}
    for task in _own_tasks(evidence, ending.cycle, None if everything else Handoff.APPROVED):
        if task.id not in known and task.made_at < at - LANDED_AFTER and task.own.is_open_since(at):
            cause = f"task {task.id} was open when the cycle ended on {evidence.local(at)}, and is still open"
            cause += " (or deleted, and restored since: the CRM does not tell)"
            yield evidence.finding(Sort.MISSING, ending.handoff, ending.key, cause, [task.id])


def _own_tasks(evidence: Evidence, cycle: str, handoff: Handoff | None) -> Iterator[ExistingTask]:
    """The tasks that the service made on the portfolio itself in a cycle (by one handoff), and that are there."""
    for recorded in evidence.context.ledger.recorded.values():
        mine = recorded.record == evidence.portfolio.ref and recorded.cycle == cycle
        if not mine or handoff not in {None, recorded.handoff}:
            continue
        for effect in recorded.effects:
            own = effect.own_task
            if own is not None and (task := evidence.tasks.get(own)) is not None:
                yield task


def _not_cleared(evidence: Evidence, ending: RecordedOccurrence) -> Iterator[Finding]:
    """docs/process.md 8.3: date and status are written in one write, unless the status was another by then."""
    names = evidence.context.mapping.portfolio.properties
    for effect in evidence.tried:
        mine = effect.handoff is Handoff.CLOSE and keys.occurrence_of(effect.key) == ending.key
        if not mine or effect.kind is not EffectKind.WRITE or effect.state is not EffectState.DONE:
            continue
        stood = evidence.statuses_between(effect.first_at - CLOCKS_APART, effect.state_at + CLOCKS_APART)
        if not _named(evidence, effect.payload["expects"].get(names.status, ""), effect.first_at):
            continue  # a word that nothing named then is left as it is (8.14)
        if names.status not in effect.payload["values"] and stood == {Status.CREATIVES_IMPLEMENTED}:
            cause = f"the date was moved on {evidence.local(effect.state_at)}, and the status was not cleared with it"
            yield evidence.finding(Sort.MISSING, Handoff.CLOSE, effect.key, cause)


def _named(evidence: Evidence, status: str, at: datetime) -> bool:
    """Whether a status (its internal value) was named by the mapping that was in force then, as far as that is known."""
    then = evidence.context.past.at(at)
    return then is None or meant(status, then.statuses) is not None


def _not_advanced(evidence: Evidence, announced: RecordedOccurrence) -> Iterator[Finding]:
    """docs/process.md 5.13: a set that is announced advances the status, or it was later already when that was decided."""
    if announced.decided_at < evidence.times.ledger_began or any(e.kind is EffectKind.WRITE for e in announced.effects):
        return  # what is to be written is looked for, or told, as it stands
    told = [task for effect in announced.effects if (task := effect.own_task) is not None]
    stood = evidence.statuses_between(announced.decided_at - JUST_BEFORE, announced.decided_at + CLOCKS_APART)
    if told and stood and stood <= EARLY:
        cause = f"task {told[0]} announces an Ad Set, and the status was not advanced"
        yield evidence.finding(Sort.MISSING, Handoff.SET_READY, announced.key, cause, told)
