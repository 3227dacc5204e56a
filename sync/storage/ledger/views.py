"""What the ledger knows of a group of records."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, select

from mappings.vocabulary import Handoff, Role, Status, TaskKind
from sync.clock import from_ms
from sync.crm import Kind, RecordRef
from sync.rules import keys
from sync.rules.model import Closing, EffectState, LedgerView, OccurrenceState, RecordedEffect, RecordedOccurrence
from sync.storage.database import in_parts
from sync.storage.ledger.selection import OF_EITHER, in_parts_of_both
from sync.storage.lists import is_among
from sync.storage.tables import cycles, effects, occurrences

_WITH_OCCURRENCE = select(effects).join(occurrences, effects.c.occurrence == occurrences.c.key)


_LOADED = select(occurrences).where(OF_EITHER)


_LOADED_EFFECTS = _WITH_OCCURRENCE.where(OF_EITHER).order_by(effects.c.position)


_REMEMBERED = select(cycles).where(is_among(cycles.c.portfolio, "ids"))


def load(connection: Connection, portfolios: Iterable[str], tickets: Iterable[str]) -> list[RecordedOccurrence]:
    """Every occurrence of these portfolios and tickets, with its effects."""
    found: dict[str, RecordedOccurrence] = {}
    for wanted in in_parts_of_both(list(portfolios), list(tickets)):
        rows = connection.execute(_LOADED, wanted).all()
        by_occurrence: dict[str, list[RecordedEffect]] = {}
        for effect in connection.execute(_LOADED_EFFECTS, wanted) if rows else ():
            by_occurrence.setdefault(effect.occurrence, []).append(_recorded_effect(effect))
        for row in rows:
            found[row.key] = _recorded_occurrence(row, tuple(by_occurrence.get(row.key, ())))
    return list(found.values())


def view_of(
    recorded: Sequence[RecordedOccurrence],
    portfolios: Collection[str],
    tickets: Iterable[str],
    closings: Iterable[Closing],
) -> LedgerView:
    """What concerns one portfolio: its own occurrences, and those of its tickets, of old ones and of new ones.

    `portfolios`: its id, with those of the ones that were merged into it; none for a ticket without a portfolio.
    """
    ids = set(tickets)
    mine = {
        each.key: each
        for each in recorded
        if each.portfolio in portfolios  # those of a ticket since deleted or moved too
        or (each.record.kind is Kind.TICKET and each.record.id in ids)
    }
    return LedgerView(mine, tuple(sorted(closings, key=lambda closing: closing.at)))


def closings_of(connection: Connection, portfolios: Iterable[str]) -> dict[str, list[Closing]]:
    """The closings that were seen of each portfolio."""
    found: dict[str, list[Closing]] = {}
    for part in in_parts(list(portfolios)):
        for row in connection.execute(_REMEMBERED, {"ids": part}):
            found.setdefault(row.portfolio, []).append(Closing(from_ms(row.started), Status(row.by)))
    return found


def _recorded_occurrence(row: Row[Any], found: tuple[RecordedEffect, ...]) -> RecordedOccurrence:
    return RecordedOccurrence(
        key=row.key,
        handoff=Handoff(row.handoff),
        record=RecordRef(Kind(row.record_kind), row.record),
        cycle=row.cycle,
        cause_at=None if row.cause_at is None else from_ms(row.cause_at),
        decided_at=from_ms(row.decided_at),
        state=OccurrenceState(row.state),
        reason=row.reason,
        detail=json.loads(row.detail),
        effects=found,
        portfolio=row.portfolio,
    )


def _refresh_date(payload: Mapping[str, Any]) -> date | None:
    told = (payload.get("context") or {}).get("refresh_date")
    return date.fromisoformat(told) if told else None


@lru_cache(maxsize=4096)  # every pass over a portfolio reads all its effects again, most of them done long ago
def _recorded_effect(row: Row[Any]) -> RecordedEffect:
    payload = json.loads(row.payload)
    task_kind = payload.get("task_kind")
    return RecordedEffect(
        key=row.key,
        slot=keys.slot_of(row.key),
        role=None if row.role is None else Role(row.role),
        state=EffectState(row.state),
        state_at=from_ms(row.state_at),
        crm_id=row.crm_id,
        task_kind=None if task_kind is None else TaskKind(task_kind),
        adopted=bool(payload.get("adopted")),
        attempted=row.attempted_at is not None,
        reason=row.reason,
        refresh_date=_refresh_date(payload),
    )
