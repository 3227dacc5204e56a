"""What was tried and what came of it, for whoever counts or compares."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, literal_column, select

from mappings.vocabulary import Handoff
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState, OccurrenceState
from sync.storage.database import in_parts
from sync.storage.tables import effect_counts, effects, occurrences


@dataclass(frozen=True, slots=True)
class AttemptedEffect:
    """An effect that was attempted at least once, with all that the ledger knows of it."""

    key: str
    handoff: Handoff
    portfolio: str
    record: RecordRef  # the occurrence's
    kind: EffectKind
    payload: Mapping[str, Any]
    state: EffectState
    first_at: datetime
    state_at: datetime
    crm_id: str | None
    reason: str | None
    stands: bool  # its occurrence is neither withdrawn nor gone
    origin: str
    mapping: str | None  # the digest of the one that decided its occurrence; None: an earlier release did


def attempted(connection: Connection, portfolios: Iterable[str]) -> list[AttemptedEffect]:
    """Every effect of these portfolios and of their tickets that was ever attempted, oldest first."""
    found: list[AttemptedEffect] = []
    for part in in_parts(list(portfolios)):
        rows = connection.execute(
            select(effects, occurrences)
            .join(occurrences, effects.c.occurrence == occurrences.c.key)
            .where(occurrences.c.portfolio.in_(part), effects.c.attempted_at.is_not(None))
            .order_by(effects.c.attempted_at, effects.c.key)
        )
        found += [_attempted_row(row) for row in rows]
    return found


def _attempted_row(row: Row[Any]) -> AttemptedEffect:
    known = row._mapping
    return AttemptedEffect(
        key=known[effects.c.key],
        handoff=Handoff(row.handoff),
        portfolio=row.portfolio,
        record=RecordRef(Kind(row.record_kind), row.record),
        kind=EffectKind(row.kind),
        payload=json.loads(row.payload),
        state=EffectState(known[effects.c.state]),
        first_at=from_ms(row.attempted_at),
        state_at=from_ms(row.state_at),
        crm_id=row.crm_id,
        reason=known[effects.c.reason],
        stands=known[occurrences.c.state] in {OccurrenceState.OPEN, OccurrenceState.DONE},
        origin=row.origin,
        mapping=row.mapping,
    )


def task_of(connection: Connection, keys: Iterable[str]) -> dict[str, str | None]:
    """The task that the ledger has for each of these keys; None where it was not made yet. Unknown keys are left out."""
    found: dict[str, str | None] = {}
    for part in in_parts(list(keys)):
        rows = connection.execute(select(effects.c.key, effects.c.crm_id).where(effects.c.key.in_(part)))
        found.update({row.key: row.crm_id for row in rows})
    return found


_ALL = select(effect_counts.c.state, effect_counts.c.number)
_GONE = (
    select(effects.c.state)
    .join(occurrences, effects.c.occurrence == occurrences.c.key)
    # Written out, so that SQLite sees that the index of just these serves.
    .where(occurrences.c.state == literal_column(f"'{OccurrenceState.GONE.value}'"))
)


def known_tasks(connection: Connection, tasks: Iterable[str]) -> set[str]:
    """Those of these tasks (ids) that the ledger has as made by an effect."""
    found: set[str] = set()
    for part in in_parts(list(tasks)):
        made = select(effects.c.crm_id).where(effects.c.crm_id.in_(part), effects.c.kind == EffectKind.TASK.value)
        found.update(connection.scalars(made))
    return found


def count(connection: Connection) -> dict[EffectState, int]:
    """How many effects are in each state, those of records that are gone left out: nobody can do anything about them.

    It costs the same however long the ledger is: the database keeps the counts (`tables.effect_counts`).
    """
    found = dict.fromkeys(EffectState, 0)
    found |= {EffectState(state): int(number) for state, number in connection.execute(_ALL)}
    for state in connection.scalars(_GONE):
        found[EffectState(state)] -= 1
    return found


_ATTEMPTED = (
    select(func.count())
    .select_from(effects.join(occurrences, effects.c.occurrence == occurrences.c.key))
    .where(effects.c.attempted_at > bindparam("since"), occurrences.c.origin.not_in(["recovery", "adopt"]))
)


def attempted_since(connection: Connection, moment: datetime) -> int:
    """How many effects were first attempted since `moment`, those taken back or adopted not counted."""
    return int(connection.execute(_ATTEMPTED, {"since": to_ms(moment)}).scalar_one())
