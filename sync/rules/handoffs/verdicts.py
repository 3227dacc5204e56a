"""How a rule says what it found: the verdicts, and the occurrences that they carry."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from mappings.vocabulary import Handoff, Status
from sync.crm import RecordRef
from sync.rules.context import Context, state_of
from sync.rules.model import Effect, Occurrence, RecordedOccurrence, State, Ticket, Verdict, Version, Write

EARLY = frozenset({None, Status.REFRESH_REQUEST_SUBMITTED, Status.NO_REFRESH_REQUESTED})
"""Statuses that do not yet say that the SAS has acted; No Refresh Requested is left over from the cycle before."""


def versions_of(context: Context, status: Status) -> Iterable[Version[Status | None]]:
    """The versions of one status that may cause something, newest first."""
    history = context.portfolio.status_history
    return (version for version in history if version.value is status and context.counts(version, history))


def status_write(context: Context, status: Status | None) -> Write:
    name = context.mapping.portfolio.properties.status
    new = context.mapping.portfolio.raw_status(status)
    return Write(context.portfolio.ref, {name: new}, {name: context.portfolio.raw.get(name, "")})


def occurrence_of(
    context: Context,
    handoff: Handoff,
    key: str,
    reason: str,
    effects: Iterable[Effect] = (),
    *,
    record: RecordRef | None = None,
    cause_at: datetime | None = None,
    cycle: str | None = None,
    detail: Mapping[str, object] | None = None,
    superseded: bool = False,
) -> Occurrence:
    return Occurrence(
        key=key,
        handoff=handoff,
        record=record or context.snapshot.ref,
        cycle=context.cycle if cycle is None else cycle,
        reason=reason,
        cause_at=cause_at,
        effects=tuple(effects),
        detail=detail or {},
        superseded=superseded,
    )


def due(
    context: Context,
    handoff: Handoff,
    key: str,
    reason: str,
    effects: Iterable[Effect],
    *,
    record: RecordRef | None = None,
    cause_at: datetime | None = None,
    cycle: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> Verdict:
    occurrence = occurrence_of(
        context, handoff, key, reason, effects, record=record, cause_at=cause_at, cycle=cycle, detail=detail
    )
    blocks = [effect.blocked for effect in occurrence.effects]
    state = state_of(blocks)
    why = "; ".join(dict.fromkeys(block for block in blocks if block))
    return Verdict(
        handoff, state, f"{reason}; blocked: {why}" if why else reason, occurrence.record, occurrence, key=key
    )


def with_block(verdict: Verdict, write: Write) -> Verdict:
    if write.blocked is None:
        return verdict
    return Verdict(verdict.handoff, State.BLOCKED, write.blocked, verdict.record, verdict.occurrence, key=verdict.key)


def recorded_as_done(context: Context, handoff: Handoff, key: str, reason: str, cause_at: datetime) -> Verdict:
    occurrence = occurrence_of(context, handoff, key, reason, cause_at=cause_at, cycle=context.cycle_of(cause_at))
    return Verdict(handoff, State.DONE, reason, occurrence.record, occurrence, when=cause_at, key=key)


def recorded_superseded(
    context: Context, handoff: Handoff, key: str, reason: str, cause_at: datetime | None = None
) -> Verdict:
    cycle = context.cycle if cause_at is None else context.cycle_of(cause_at)
    return superseded_occurrence(occurrence_of(context, handoff, key, reason, cause_at=cause_at, cycle=cycle))


def superseded_occurrence(occurrence: Occurrence) -> Verdict:
    final = Occurrence(
        occurrence.key,
        occurrence.handoff,
        occurrence.record,
        occurrence.cycle,
        occurrence.reason,
        occurrence.cause_at,
        superseded=True,
    )
    return Verdict(final.handoff, State.SUPERSEDED, final.reason, final.record, final, key=final.key)


def done(recorded: RecordedOccurrence) -> Verdict:
    state = State.SUPERSEDED if recorded.state == "overtaken" else State.DONE
    return Verdict(
        recorded.handoff, state, recorded.reason, recorded.record, when=recorded.decided_at, key=recorded.key
    )


def not_applicable(context: Context, handoff: Handoff, reason: str, ticket: Ticket | None = None) -> Verdict:
    return Verdict(handoff, State.NOT_APPLICABLE, reason, ticket.ref if ticket else context.snapshot.ref)


def superseded(context: Context, handoff: Handoff, reason: str) -> Verdict:
    return Verdict(handoff, State.SUPERSEDED, reason, context.snapshot.ref)


def waiting(context: Context, handoff: Handoff, reason: str, until: datetime | None) -> Verdict:
    return Verdict(handoff, State.WAITING, reason, context.snapshot.ref, when=until)


def cause_of(key: str) -> int:
    return int(key.rsplit(":", 1)[1])
