"""Ad Sets that are called almost the same, as each portfolio's last pass saw them: `status` asks people to look at them.

Every pass writes it down, and the daily sweep looks at every portfolio that is written down here.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.model import LookAlike, Portfolio
from sync.storage.database import to_json
from sync.storage.forgetting import forget_portfolios
from sync.storage.tables import look_alikes


@dataclass(frozen=True, slots=True)
class WorthALook:
    """Two Ad Sets of a portfolio whose names differ by a typing slip. `seen_at`: when they were last found so."""

    portfolio: str
    name: str
    url: str
    found: LookAlike
    seen_at: datetime

    def as_json(self) -> dict[str, object]:
        return {
            "portfolio": {"id": self.portfolio, "name": self.name, "url": self.url},
            **self.found.as_json(),
            "seen_at": self.seen_at.isoformat(),
        }


_NEW = look_alikes.insert()
_FORGOTTEN = look_alikes.delete().where(look_alikes.c.portfolio == bindparam("gone"))
_FOUND = select(look_alikes).order_by(
    look_alikes.c.name, look_alikes.c.portfolio, look_alikes.c.one, look_alikes.c.other
)
_KNOWN = select(look_alikes.c.portfolio).distinct()


def remember(connection: Connection, found: Iterable[tuple[Portfolio, Sequence[LookAlike]]], now: datetime) -> None:
    """Record what was found in each of these portfolios, in the place of what was known of it."""
    pairs = list(found)
    before = known(connection)
    forget(connection, [portfolio.ref for portfolio, _ in pairs if portfolio.ref in before])
    rows = [
        {
            "portfolio": portfolio.id,
            "one": pair.one,
            "other": pair.other,
            "name": portfolio.name,
            "url": portfolio.url,
            "tickets": to_json(pair.tickets),
            "seen_at": to_ms(now),
        }
        for portfolio, pairs_of_it in pairs
        for pair in pairs_of_it
    ]
    if rows:
        connection.execute(_NEW, rows)


def forget(connection: Connection, records: Iterable[RecordRef]) -> None:
    """Record that these are gone, or have none. Tickets have no row, and are passed over."""
    forget_portfolios(connection, _FORGOTTEN, records)


def known(connection: Connection) -> set[RecordRef]:
    """List every portfolio that has some."""
    return {RecordRef(Kind.PORTFOLIO, portfolio) for portfolio in connection.scalars(_KNOWN)}


def find(connection: Connection) -> list[WorthALook]:
    """List them all, by the portfolio's name."""
    return [
        WorthALook(
            row.portfolio, row.name, row.url, LookAlike(row.one, row.other, _tickets(row.tickets)), from_ms(row.seen_at)
        )
        for row in connection.execute(_FOUND)
    ]


def _tickets(text: str) -> Mapping[str, Sequence[str]]:
    return {folder: tuple(tickets) for folder, tickets in json.loads(text).items()}
