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
        occurrences.c.state == OccurrenceState.OPEN.value,
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
) -> None:
    """Write down what came of an effect. Its occurrence is not touched: `mark_done` closes those that are through.

    `crm_id`: the task made, the record written or the address mailed; None keeps what is there.
    """
    values = {"of_effect": key, "to_state": state.value, "now": to_ms(now), "because": reason, "found": crm_id}
    connection.execute(_SETTLE, values)


_RELEASE = (
    update(effects)
    .where(OF_EFFECT)
    .values(
        state=EffectState.PLANNED.value,
        state_at=bindparam("now"),
        reason=bindparam("because"),
        attempts=case((effects.c.attempts > 1, effects.c.attempts - 1), else_=0),
        attempted_at=case((effects.c.attempts > 1, effects.c.attempted_at)),
    )
)


def release_claim(connection: Connection, key: str, now: datetime, reason: str) -> None:
    """It was certainly not sent: it is as if it had not been attempted, and may still be decided anew."""
    connection.execute(_RELEASE, {"of_effect": key, "now": to_ms(now), "because": reason})


_PENDING = select(effects.c.occurrence).where(
    effects.c.occurrence == occurrences.c.key,
    is_one_of(effects.c.state, [*OPEN, *TRIED_AND_UNKNOWN, EffectState.FAILED.value]),
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
