"""What each portfolio was like when a pass last decided it to the end: the sweep passes over what is still so.

A portfolio that has no row is looked at by the next sweep that it concerns. So whatever is not certain keeps none, and to
forget too much costs a look, never a handoff.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, select

from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.storage.database import in_parts, to_json
from sync.storage.forgetting import forget_portfolios
from sync.storage.lists import is_among
from sync.storage.tables import looks
from sync.storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class Look:
    """A portfolio as it was decided to the end. The marks are digests: another mark, another content."""

    portfolio: str
    due_on: date | None  # the next day on which the clock alone may make something due; None: none is in sight
    decided_by: str  # a mark of mapping, pipeline, release and ledger
    tickets: str  # a mark of the tickets that it lists, whatever they are
    named: tuple[str, ...]  # everybody who is named on it and on its tickets, as the CRM names them
    people: str  # a mark of what the portal told of these


@dataclass(frozen=True, slots=True)
class Looked:
    """A look, and when it was."""

    look: Look
    at: datetime


_REMEMBER = upsert(looks)
_FORGET = looks.delete().where(looks.c.portfolio == bindparam("gone"))
_OF = select(looks).where(is_among(looks.c.portfolio, "ids"))
_DUE = select(looks.c.portfolio).where(looks.c.due_on <= bindparam("today"))


def remember(connection: Connection, decided: Iterable[Look], now: datetime) -> None:
    """Record that these were decided to the end by a look at them now."""
    rows = [
        {
            "portfolio": one.portfolio,
            "looked_at": to_ms(now),
            "due_on": None if one.due_on is None else one.due_on.isoformat(),
            "decided_by": one.decided_by,
            "tickets": one.tickets,
            "named": to_json({"named": list(one.named)}),
            "people": one.people,
        }
        for one in sorted(decided, key=lambda one: one.portfolio)
    ]
    if rows:
        connection.execute(_REMEMBER, rows)


def forget(connection: Connection, records: Iterable[RecordRef]) -> None:
    """Record that nothing certain is known of these any more. Tickets have no row, and are passed over."""
    forget_portfolios(connection, _FORGET, records)


def find(connection: Connection, portfolios: Sequence[str]) -> dict[str, Looked]:
    """Read the last look at each of these portfolios (ids); one of which nothing is certain is left out."""
    found: dict[str, Looked] = {}
    for part in in_parts(portfolios):
        for row in connection.execute(_OF, {"ids": part}):
            look = Look(
                row.portfolio,
                None if row.due_on is None else date.fromisoformat(row.due_on),
                row.decided_by,
                row.tickets,
                tuple(json.loads(row.named)["named"]),
                row.people,
            )
            found[row.portfolio] = Looked(look, from_ms(row.looked_at))
    return found


def due(connection: Connection, today: date) -> set[RecordRef]:
    """Find the portfolios for which a day has come, by `today`, on which the clock alone may make something due."""
    return {RecordRef(Kind.PORTFOLIO, one) for one in connection.scalars(_DUE, {"today": today.isoformat()})}


def naming(connection: Connection, people: Iterable[str]) -> set[RecordRef]:
    """Find the portfolios on which, or on whose tickets, one of these was named (owners' ids or emails) at the last look.

    An email is the same in capitals: people type it, and SQLite alone would take it so by itself.
    """
    found: set[RecordRef] = set()
    for one in people:
        named = json.dumps(one, ensure_ascii=False)  # as `to_json` has it
        of_them = select(looks.c.portfolio).where(looks.c.named.icontains(named, autoescape=True))
        found |= {RecordRef(Kind.PORTFOLIO, portfolio) for portfolio in connection.scalars(of_them)}
    return found
