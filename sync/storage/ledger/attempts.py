"""Trying an effect: claimed before the call, settled after it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, func, or_, select, update

from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState, OccurrenceState, unit_of
from sync.storage.database import in_parts
from sync.storage.ledger.selection import (
    IS_OPEN,
    OF_EFFECT,
    OF_EITHER,
    OF_PORTFOLIOS,
    OF_TICKETS,
    OPEN,
    TRIED_AND_UNKNOWN,
    portfolios_and_tickets,
)
from sync.storage.lists import is_among, is_one_of
from sync.storage.tables import effects, occurrences


@dataclass(frozen=True, slots=True)
class LedgerEffect:
    """An effect as it stands in the ledger, ready to be attempted or looked after."""

    key: str
    occurrence: str
    record: RecordRef  # the occurrence's
    portfolio: str | None
    kind: EffectKind
    payload: Mapping[str, Any]
    state: EffectState
    state_at: datetime
    attempts: int
    tried_at: datetime | None  # since when it may have been done; None: never attempted
    unanswered: int = 0  # tries whose outcome nobody could tell
    refusals: int = 0  # tries that were refused for good
    not_before: datetime | None = None  # it is not tried, looked for or asked after earlier
    follow: str | None = None  # by what to ask what became of it: an email's status id
    crm_id: str | None = None  # the task that was made, the record that was written, the address that was mailed

    @property
    def unit(self) -> RecordRef:
        """The record that a pass looks at for this effect: the portfolio, or a ticket that has none."""
        return unit_of(self.record, self.portfolio)


def undone(connection: Connection, records: Iterable[RecordRef]) -> list[LedgerEffect]:
    """The effects of these portfolios (or lone tickets) that may be attempted now, and the unresolved ones, in their order."""
    return _effects(connection, records, (EffectState.PLANNED.value, *TRIED_AND_UNKNOWN))


def open_tasks(connection: Connection, records: Iterable[RecordRef]) -> list[LedgerEffect]:
    """The tasks of these portfolios (or lone tickets) that are not known to be made, those that wait for a person included."""
    found = _effects(connection, records, (*OPEN, *TRIED_AND_UNKNOWN))
    return [effect for effect in found if effect.kind is EffectKind.TASK]


def unresolved(connection: Connection, records: Iterable[RecordRef]) -> list[LedgerEffect]:
    """The effects that were attempted and whose outcome is not known: to be looked for in the CRM."""
    return _effects(connection, records, TRIED_AND_UNKNOWN)


_EFFECTS = (
    select(effects, occurrences.c.record_kind, occurrences.c.record, occurrences.c.portfolio)
    .join(occurrences, effects.c.occurrence == occurrences.c.key)
    .where(
        or_(OF_PORTFOLIOS, and_(occurrences.c.portfolio.is_(None), OF_TICKETS)),
        is_among(effects.c.state, "states"),
        IS_OPEN,
    )
    .order_by(occurrences.c.decided_at, occurrences.c.handoff, occurrences.c.key, effects.c.position)
)


def _effects(connection: Connection, records: Iterable[RecordRef], states: Sequence[str]) -> list[LedgerEffect]:
    return [
        _effect_row(row)
        for wanted in portfolios_and_tickets(records)
        for row in connection.execute(_EFFECTS, {**wanted, "states": states})
    ]


def _effect_row(row: Row[Any]) -> LedgerEffect:
    return LedgerEffect(
        row.key,
        row.occurrence,
        RecordRef(Kind(row.record_kind), row.record),
        row.portfolio,
        EffectKind(row.kind),
        json.loads(row.payload),
        EffectState(row.state),
        from_ms(row.state_at),
        row.attempts,
        None if row.attempted_at is None else from_ms(row.attempted_at),
        row.unanswered,
        row.refusals,
        None if row.not_before is None else from_ms(row.not_before),
        row.follow,
        row.crm_id,
    )


_STATES = select(effects.c.key, effects.c.state).where(is_among(effects.c.key, "keys"))


def states_of(connection: Connection, keys: Iterable[str]) -> dict[str, EffectState]:
    found: dict[str, EffectState] = {}
    for part in in_parts(list(keys)):
        rows = connection.execute(_STATES, {"keys": part})
        found.update({row.key: EffectState(row.state) for row in rows})
    return found


_CLAIM = (
    update(effects)
    .where(is_among(effects.c.key, "keys"), effects.c.state == EffectState.PLANNED.value)
    .values(
        state=EffectState.ATTEMPTING.value,
        state_at=bindparam("now"),
        attempts=effects.c.attempts + 1,
        attempted_at=func.coalesce(effects.c.attempted_at, bindparam("now")),
    )
    .returning(effects.c.key)
)


def claim(connection: Connection, keys: Iterable[str], now: datetime) -> set[str]:
    """Mark these as being attempted; the ones that this caller may try. Whoever claims second gets nothing."""
    claimed: set[str] = set()
    for part in in_parts(list(keys)):
        claimed.update(connection.scalars(_CLAIM, {"keys": part, "now": to_ms(now)}))
    return claimed


_SETTLE = (
    update(effects)
    .where(OF_EFFECT)
    .values(
        state=bindparam("to_state"),
        state_at=bindparam("now"),
        reason=bindparam("because"),
        crm_id=func.coalesce(bindparam("found"), effects.c.crm_id),
        unanswered=case(
            (bindparam("to_state") == EffectState.UNKNOWN.value, effects.c.unanswered + 1),
            (bindparam("to_state").in_([EffectState.DONE.value, EffectState.SENDING.value]), 0),
            else_=effects.c.unanswered,
        ),
        refusals=effects.c.refusals
        + case((bindparam("to_state") == EffectState.FAILED.value, bindparam("refused")), else_=0),
        not_before=bindparam("later"),
        follow=func.coalesce(bindparam("status_id"), effects.c.follow),
    )
)


def settle(
    connection: Connection,
    key: str,
    state: EffectState,
    now: datetime,
    *,
    crm_id: str | None = None,
    reason: str | None = None,
    follow: str | None = None,
    not_before: datetime | None = None,
    refused: bool = True,
) -> None:
    """Write down what came of an effect. Its occurrence is not touched: `mark_done` closes those that are through.

    `crm_id`: the task made, the record written or the address mailed; None keeps what is there. `follow` and `not_before`:
    by what, and from when on, it is asked after, looked for or tried again. `refused`: whether a failure is a refusal, which
    proves that nothing was done.
    """
    values = {
        "of_effect": key,
        "to_state": state.value,
        "now": to_ms(now),
        "because": reason,
        "found": crm_id,
        "status_id": follow,
        "later": None if not_before is None else to_ms(not_before),
        "refused": int(refused),
    }
    connection.execute(_SETTLE, values)


_IN_STATE = effects.c.state == bindparam("from_state")
_IS_IN_STATE = select(effects.c.key).where(OF_EFFECT, _IN_STATE)


def is_in(connection: Connection, key: str, state: EffectState) -> bool:
    """Whether an effect is in this state."""
    return connection.execute(_IS_IN_STATE, {"of_effect": key, "from_state": state.value}).first() is not None


_PUT_OFF = update(effects).where(OF_EFFECT).values(not_before=bindparam("later"))


def put_off(connection: Connection, key: str, until: datetime) -> None:
    """Ask after an effect, or try it, at this moment: nothing else of it changes."""
    connection.execute(_PUT_OFF, {"of_effect": key, "later": to_ms(until)})


_TO_FOLLOW = (
    select(effects, occurrences.c.record_kind, occurrences.c.record, occurrences.c.portfolio)
    .join(occurrences, effects.c.occurrence == occurrences.c.key)
    .where(effects.c.state == EffectState.SENDING.value, effects.c.not_before <= bindparam("now"))
    .order_by(effects.c.not_before, effects.c.key)
    .limit(bindparam("at_most"))
)


def to_follow(connection: Connection, now: datetime, at_most: int) -> list[LedgerEffect]:
    """The emails that were handed over, and whose end is to be asked for by now: the longest due first."""
    return [_effect_row(row) for row in connection.execute(_TO_FOLLOW, {"now": to_ms(now), "at_most": at_most})]


_DECIDED = (
    update(effects)
    .where(OF_EFFECT, effects.c.state == EffectState.UNPROVEN.value)
    .values(
        state=bindparam("to_state"),
        state_at=bindparam("now"),
        reason=bindparam("because"),
        unanswered=0,
        refusals=effects.c.refusals + bindparam("anew"),
        not_before=None,
        follow=None,
    )
)


def decide_unproven(connection: Connection, keys: Iterable[str], now: datetime, reason: str, *, sent: bool) -> None:
    """A person has said of these, which nobody could prove, whether they were `sent`; what was not is sent once more.

    That is under a new name: whoever has taken the old one would take it for a repeat.
    """
    said = {
        "to_state": (EffectState.DONE if sent else EffectState.PLANNED).value,
        "now": to_ms(now),
        "because": reason,
        "anew": int(not sent),
    }
    for key in keys:
        connection.execute(_DECIDED, {"of_effect": key, **said})


_RELEASE = (
    update(effects)
    .where(OF_EFFECT)
    .values(
        state=EffectState.PLANNED.value,
        state_at=bindparam("now"),
        reason=bindparam("because"),
        attempts=case((effects.c.attempts > 1, effects.c.attempts - 1), else_=0),
        attempted_at=case((effects.c.attempts > 1, effects.c.attempted_at)),
        not_before=bindparam("later"),
    )
)


def release_claim(
    connection: Connection, key: str, now: datetime, reason: str, not_before: datetime | None = None
) -> None:
    """It was certainly not sent: it is as if it had not been attempted, and may still be decided anew.

    `not_before`: from when on it may be tried again; None: at once.
    """
    later = None if not_before is None else to_ms(not_before)
    connection.execute(_RELEASE, {"of_effect": key, "now": to_ms(now), "because": reason, "later": later})


_UNFINISHED = [state.value for state in EffectState if state not in {EffectState.DONE, EffectState.SUPERSEDED}]
_PENDING = select(effects.c.occurrence).where(
    effects.c.occurrence == occurrences.c.key,
    is_one_of(effects.c.state, _UNFINISHED),
)


_MARK_DONE = (
    update(occurrences)
    .where(OF_EITHER, occurrences.c.state == OccurrenceState.OPEN.value, ~_PENDING.exists())
    .values(state=OccurrenceState.DONE.value)
)


def mark_done(connection: Connection, records: Iterable[RecordRef]) -> None:
    """Mark open occurrences of these records as done once each of their effects is done or superseded.

    A failed effect keeps its occurrence open: it may be tried again.
    """
    for wanted in portfolios_and_tickets(records):
        connection.execute(_MARK_DONE, wanted)


_MARK_DONE_OF = (
    update(occurrences)
    .where(
        occurrences.c.key.in_(select(effects.c.occurrence).where(OF_EFFECT)),
        occurrences.c.state == OccurrenceState.OPEN.value,
        ~_PENDING.exists(),
    )
    .values(state=OccurrenceState.DONE.value)
)


def mark_done_of(connection: Connection, key: str) -> None:
    """Mark the occurrence of this effect as done, if nothing of it is left to do."""
    connection.execute(_MARK_DONE_OF, {"of_effect": key})


_RETRY_FAILED = (
    update(effects)
    .where(
        effects.c.occurrence.in_(
            select(occurrences.c.key).where(OF_EITHER, occurrences.c.state == OccurrenceState.OPEN.value)
        ),
        effects.c.state == EffectState.FAILED.value,
        effects.c.kind != EffectKind.WRITE.value,
    )
    .values(
        state=case((effects.c.role.is_(None), EffectState.PLANNED.value), else_=EffectState.BLOCKED.value),
        state_at=bindparam("now"),
    )
)


def retry_failed(connection: Connection, records: Iterable[RecordRef], now: datetime) -> None:
    """Let tasks, closings and emails that the CRM refused be attempted once more; a person may have mended the cause.

    What a role is to do is blocked until it is decided who does it now: the old owner may have been the cause.
    """
    for wanted in portfolios_and_tickets(records):
        connection.execute(_RETRY_FAILED, {**wanted, "now": to_ms(now)})
