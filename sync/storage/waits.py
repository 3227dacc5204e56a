"""Whom each portfolio waits for, as its last pass saw it: so that `status` knows who is late without asking the CRM.

Every pass writes it down, and the daily sweep looks at every portfolio that is written down here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select

from mappings.schema import Party
from mappings.vocabulary import Handoff
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.model import Portfolio, Wait
from sync.storage.tables import waits, work_items
from sync.storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class Stuck:
    """A portfolio that has waited for the same party for longer than the mapping allows (rules.stuck_after_days)."""

    portfolio: str
    name: str
    url: str
    party: Party
    who: str
    after: Handoff
    what: str
    since: datetime
    seen_at: datetime  # when it was last found so

    def as_json(self) -> dict[str, object]:
        return {
            "portfolio": {"id": self.portfolio, "name": self.name, "url": self.url},
            "party": self.party.value,
            "who": self.who,
            "after": self.after.value,
            "what": self.what,
            "since": self.since.isoformat(),
            "seen_at": self.seen_at.isoformat(),
        }


_REMEMBERED = upsert(waits)
_FORGOTTEN = waits.delete().where(waits.c.portfolio == bindparam("gone"))


def remember(connection: Connection, found: Iterable[tuple[Portfolio, Wait | None]], now: datetime) -> None:
    """These wait for this; None: for nobody."""
    pairs = sorted(found, key=lambda pair: pair[0].id)
    rows = [
        {
            "portfolio": portfolio.id,
            "name": portfolio.name,
            "url": portfolio.url,
            "party": wait.party.value,
            "who": wait.who,
            "after": wait.after.value,
            "what": wait.what,
            "since": to_ms(wait.since),
            "stuck_at": to_ms(wait.stuck_at),
            "seen_at": to_ms(now),
        }
        for portfolio, wait in pairs
        if wait is not None
    ]
    if rows:
        connection.execute(_REMEMBERED, rows)
    forget(connection, [portfolio.ref for portfolio, wait in pairs if wait is None])


def forget(connection: Connection, records: Iterable[RecordRef]) -> None:
    """These are gone, or wait for nobody."""
    gone = [{"gone": record.id} for record in sorted(records) if record.kind is Kind.PORTFOLIO]
    if gone:
        connection.execute(_FORGOTTEN, gone)


_KNOWN = select(waits.c.portfolio)


def known(connection: Connection) -> set[RecordRef]:
    """Every portfolio that waits for somebody."""
    return {RecordRef(Kind.PORTFOLIO, portfolio) for portfolio in connection.scalars(_KNOWN)}


def find(connection: Connection, now: datetime) -> list[Stuck]:
    """What is stuck, the longest first. What is parked or held waits for an admin, and is left out."""
    rows = connection.execute(_stuck(now).order_by(waits.c.since, waits.c.portfolio))
    return [
        Stuck(
            row.portfolio,
            row.name,
            row.url,
            Party(row.party),
            row.who,
            Handoff(row.after),
            row.what,
            from_ms(row.since),
            from_ms(row.seen_at),
        )
        for row in rows
    ]


def count(connection: Connection, now: datetime) -> dict[Party, int]:
    """How many are stuck, by whom they wait for."""
    stuck = _stuck(now).subquery()
    rows = connection.execute(select(stuck.c.party, func.count()).group_by(stuck.c.party))
    return dict.fromkeys(Party, 0) | {Party(party): int(number) for party, number in rows}


def _stuck(now: datetime) -> Select[tuple[Any, ...]]:
    row = and_(work_items.c.kind == Kind.PORTFOLIO.value, work_items.c.id == waits.c.portfolio)
    put_aside = select(work_items.c.id).where(
        row, or_(work_items.c.parked_at.is_not(None), work_items.c.held_effects.is_not(None))
    )
    return select(waits).where(waits.c.stuck_at <= to_ms(now), ~put_aside.exists())
