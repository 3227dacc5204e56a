"""Was each ticket of an Ad Set that was announced in the stage of approval then, by the histories?"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mappings.names import as_seen
from sync.admin.verify.evidence import Evidence
from sync.admin.verify.finding import Finding, Sort
from sync.admin.verify.history import standing
from sync.clock import CLOCKS_APART, from_ms
from sync.crm import Kind, RecordRef
from sync.rules import keys
from sync.rules.keys import START, SetReadyKey, TicketKey
from sync.rules.model import RecordedOccurrence, Ticket, Version

JUST_BEFORE = timedelta(minutes=2)
"""How old what a decision was made on may be."""


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Report announcements that were made while a ticket of the set was behind. Raises the port's errors.

    Judged is a ticket that the service had dealt with on this portfolio before, and whose folder and stage the histories
    show for the whole time in question: of any other nobody can tell whether it was of the set then.
    """
    if evidence.portfolio.absorbed:
        return
    for recorded in evidence.context.ledger.recorded.values():
        key = keys.parse(recorded.key)
        if not isinstance(key, SetReadyKey) or not _is_judged(evidence, recorded):
            continue
        entries = {evidence.context.ledger.current(RecordRef(Kind.TICKET, entry.ticket)).id for entry in key.entries}
        as_then = entries & {entry.ticket for entry in key.entries} - _absorbing(evidence)
        folders = {folder for ticket in as_then for folder in _folders(evidence, ticket, recorded.decided_at)}
        begun = from_ms(0 if key.cycle == START else int(key.cycle))
        for ticket in evidence.tickets.values():
            if ticket.id in entries or not _was_there(evidence, ticket, recorded, begun):
                continue
            stages = _stages(evidence, ticket.id, recorded.decided_at)
            behind = bool(stages) and not stages & {evidence.histories.pending_approval, *evidence.histories.closed}
            if len(folders) == 1 and _folders(evidence, ticket.id, recorded.decided_at) == folders and behind:
                when = evidence.local(recorded.decided_at)
                cause = f"the Ad Set was announced on {when}, while ticket {ticket.id} “{ticket.subject}” of it was not ready"
                yield evidence.finding(Sort.UNEXPLAINED, recorded.handoff, recorded.key, cause, _tasks(recorded))


def _is_judged(evidence: Evidence, recorded: RecordedOccurrence) -> bool:
    fresh = recorded.decided_at >= evidence.times.ledger_began and evidence.counts(recorded.decided_at)
    same = len(evidence.context.past.mappings) <= 1  # another one may have had another stage of approval
    return fresh and same and not recorded.adopted and bool(_tasks(recorded))


def _tasks(recorded: RecordedOccurrence) -> list[str]:
    return [task for effect in recorded.effects if (task := effect.own_task) is not None]


def _absorbing(evidence: Evidence) -> set[str]:
    """The tickets that are two in one: the history of such a one's folder may be the other's, which was of another set."""
    return {ticket.id for ticket in evidence.tickets.values() if ticket.absorbed}


def _was_there(evidence: Evidence, ticket: Ticket, announced: RecordedOccurrence, begun: datetime) -> bool:
    """Whether it was on this portfolio, of this cycle, and known to the service when that was announced."""
    known = evidence.context.ledger.recorded.get(evidence.context.ledger.text_of(TicketKey(ticket.id)))
    if known is None or ticket.absorbed or ticket.came_in is None or not begun <= ticket.came_in:
        return False
    return known.portfolio == evidence.portfolio.id and known.decided_at < announced.decided_at - CLOCKS_APART


def _folders(evidence: Evidence, ticket: str, at: datetime) -> set[str]:
    """Every folder that it was in, as a person sees its name, at about that moment; empty: the history does not show it."""
    return {
        as_seen(value) for value in _values(evidence, ticket, evidence.context.mapping.ticket.properties.folder, at)
    }


def _stages(evidence: Evidence, ticket: str, at: datetime) -> set[str]:
    return _values(evidence, ticket, evidence.context.mapping.ticket.properties.stage, at)


def _values(evidence: Evidence, ticket: str, name: str, at: datetime) -> set[str]:
    history = tuple(Version(one.value, one.at) for one in evidence.histories.of(ticket, name))
    if not history or history[-1].at > at - JUST_BEFORE:
        return set()
    return set(standing(history, at - JUST_BEFORE, at + CLOCKS_APART))
