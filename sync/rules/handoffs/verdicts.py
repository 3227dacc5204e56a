"""How a rule says what it found: the verdicts, and the occurrences that they carry."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from mappings.vocabulary import Handoff, Status
from sync.crm import Kind
from sync.rules.context import Context, UnreadError, state_of
from sync.rules.keys import OccurrenceKey
from sync.rules.model import (
    Effect,
    Occurrence,
    OccurrenceState,
    RecordedOccurrence,
    State,
    Ticket,
    UnreadTicket,
    Verdict,
    Version,
    Write,
)

EARLY = frozenset({None, Status.REFRESH_REQUEST_SUBMITTED, Status.NO_REFRESH_REQUESTED})
"""Statuses that do not yet say that the SAS has acted; No Refresh Requested is left over from the cycle before."""


def versions_of(context: Context, status: Status) -> Iterable[Version[Status | None]]:
    """The versions of one status that may cause something, newest first."""
    history = context.portfolio.status_history
    return (version for version in history if version.value is status and context.counts(version, history))


def status_write(context: Context, status: Status | None) -> Write:
    mapping = context.mapping.portfolio
    name, raw = mapping.properties.status, mapping.raw_status(status)
    new = context.spelled(Kind.PORTFOLIO, name, raw)
    # Where the portal has no option for it, one that only looks the same may be what the mapping gives another status.
    if mapping.status(new) is not status:
        new = raw
    return Write(context.portfolio.ref, {name: new}, {name: context.portfolio.raw.get(name, "")})


def due(
    context: Context,
    key: OccurrenceKey,
    reason: str,
    effects: Iterable[Effect],
    *,
    cause_at: datetime | None = None,
    cycle: str | None = None,
    detail: Mapping[str, object] | None = None,
    overtakes: Iterable[str] = (),
) -> Verdict:
    """It is to be done now; blocked where nothing of it can be done.

    `cause_at`: when the cause came to stand in the CRM, where it has a time. `cycle`: the one that it belongs to, where that
    is not the current one. `detail`: what the ledger is to remember of it. `overtakes`: the keys of other effects that are
    pointless now, where they are still to be made.
    """
    text, record = context.ledger.text_of(key), context.ledger.current(key.record)
    occurrence = Occurrence(
        text,
        key.handoff,
        record,
        context.cycle if cycle is None else cycle,
        reason,
        cause_at,
        tuple(effects),
        detail or {},
        overtakes=frozenset(overtakes),
    )
    blocks = [effect.blocked for effect in occurrence.effects]
    state = state_of(blocks)
    why = "; ".join(dict.fromkeys(block for block in blocks if block))
    said = f"{reason}; blocked: {why}" if why else reason
    return Verdict(key.handoff, state, said, record, occurrence, key=text)


def with_block(verdict: Verdict, write: Write) -> Verdict:
    """The same verdict; blocked as a whole where its write is, which the rest of it follows."""
    if write.blocked is None:
        return verdict
    return Verdict(verdict.handoff, State.BLOCKED, write.blocked, verdict.record, verdict.occurrence, key=verdict.key)


def replacing(verdict: Verdict, occurrences: Iterable[str]) -> Verdict:
    """The same verdict; once it stands, what is undone of these occurrences (keys) is pointless."""
    assert verdict.occurrence is not None
    return replace(verdict, occurrence=replace(verdict.occurrence, replaces=frozenset(occurrences)))


def recorded_as_done(context: Context, key: OccurrenceKey, reason: str, cause_at: datetime) -> Verdict:
    """It is written down, and nothing is to be done for it."""
    text = context.ledger.text_of(key)
    occurrence = Occurrence(text, key.handoff, key.record, context.cycle_of(cause_at), reason, cause_at)
    return Verdict(key.handoff, State.DONE, reason, key.record, occurrence, when=cause_at, key=text)


def recorded_superseded(context: Context, key: OccurrenceKey, reason: str, cause_at: datetime | None = None) -> Verdict:
    """It is written down so that it is never done: what came after it made it pointless."""
    cycle = context.cycle if cause_at is None else context.cycle_of(cause_at)
    text = context.ledger.text_of(key)
    occurrence = Occurrence(text, key.handoff, key.record, cycle, reason, cause_at, superseded=True)
    return Verdict(key.handoff, State.SUPERSEDED, reason, key.record, occurrence, key=text)


def done(recorded: RecordedOccurrence) -> Verdict:
    """It has been done, or was recorded as superseded."""
    state = State.SUPERSEDED if recorded.state is OccurrenceState.SUPERSEDED else State.DONE
    return Verdict(
        recorded.handoff, state, recorded.reason, recorded.record, when=recorded.decided_at, key=recorded.key
    )


def not_applicable(context: Context, handoff: Handoff, reason: str, ticket: Ticket | None = None) -> Verdict:
    return Verdict(handoff, State.NOT_APPLICABLE, reason, ticket.ref if ticket else context.snapshot.ref)


def unread(handoff: Handoff, ticket: UnreadTicket) -> Verdict:
    """Nothing is said of a ticket that came incomplete."""
    reason = f"ticket {ticket.id} could not be read whole: {ticket.why}"
    return Verdict(handoff, State.WAITING, reason, ticket.ref, undecided=True, unread=True)


def undecided(context: Context, handoff: Handoff, why: UnreadError, ticket: Ticket | None = None) -> Verdict:
    """Nothing is said of a ticket, or of the whole portfolio, before a task or Note that it hangs on is read whole."""
    reason = f"it cannot be decided before this is read whole: {why}"
    return Verdict(handoff, State.WAITING, reason, ticket.ref if ticket else context.snapshot.ref, undecided=True)


def superseded(context: Context, handoff: Handoff, reason: str) -> Verdict:
    return Verdict(handoff, State.SUPERSEDED, reason, context.snapshot.ref)


def waiting(context: Context, handoff: Handoff, reason: str, until: datetime | None) -> Verdict:
    return Verdict(handoff, State.WAITING, reason, context.snapshot.ref, when=until)
