"""Whom each portfolio waits for, as its last pass saw it: so that `status` knows who is late without asking the CRM.

Every pass writes it down, and the daily sweep looks at every portfolio that is written down here.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from mappings.schema import Party
from mappings.vocabulary import Handoff
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.model import Portfolio, Wait
from sync.storage import work_queue
from sync.storage.database import in_parts
from sync.storage.forgetting import forget_portfolios
from sync.storage.lists import is_among
from sync.storage.tables import waits
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
    """Record whom each of these portfolios waits for; None: for nobody."""
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
    """Record that these are gone, or wait for nobody. Tickets have no row, and are passed over."""
    forget_portfolios(connection, _FORGOTTEN, records)


_KNOWN = select(waits.c.portfolio)
_ALL = select(waits)
_OF = select(waits).where(is_among(waits.c.portfolio, "ids"))


def known(connection: Connection) -> set[RecordRef]:
    """List every portfolio that waits for somebody."""
    return {RecordRef(Kind.PORTFOLIO, portfolio) for portfolio in connection.scalars(_KNOWN)}


_FOR_MANAGERS = _KNOWN.where(waits.c.party == Party.ACCOUNT_MANAGER.value, waits.c.since <= bindparam("until"))


def for_managers(connection: Connection, until: datetime) -> set[RecordRef]:
    """List every portfolio that has waited for its Account Manager since then or longer."""
    found = connection.scalars(_FOR_MANAGERS, {"until": to_ms(until)})
    return {RecordRef(Kind.PORTFOLIO, portfolio) for portfolio in found}


_STUCK = select(waits).where(
    waits.c.stuck_at <= bindparam("now"), ~work_queue.is_put_aside(Kind.PORTFOLIO, waits.c.portfolio)
)
_COUNT = _STUCK.with_only_columns(waits.c.party, func.count()).group_by(waits.c.party)


def find(connection: Connection, now: datetime) -> list[Stuck]:
    """List what is stuck, the longest first. What is parked or held waits for an admin, and is left out."""
    rows = connection.execute(_STUCK.order_by(waits.c.since, waits.c.portfolio), {"now": to_ms(now)})
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


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is, since when, to do what, as the last pass saw it. `stuck_at`: from then on they are late."""

    party: Party
    who: str
    after: Handoff
    what: str
    since: datetime
    stuck_at: datetime


def turns(connection: Connection, portfolios: Collection[str] | None = None) -> dict[str, Turn]:
    """Read whose turn it is, by the portfolio's id, of these or (None) of all; one that waits for nobody is left out."""
    if portfolios is None:
        rows = connection.execute(_ALL).all()
    else:
        rows = [row for part in in_parts(sorted(portfolios)) for row in connection.execute(_OF, {"ids": part})]
    return {
        row.portfolio: Turn(
            Party(row.party), row.who, Handoff(row.after), row.what, from_ms(row.since), from_ms(row.stuck_at)
        )
        for row in rows
    }


def count(connection: Connection, now: datetime) -> dict[Party, int]:
    """Count the stuck portfolios by the party that they wait for; 0 where there is none."""
    rows = connection.execute(_COUNT, {"now": to_ms(now)})
    return dict.fromkeys(Party, 0) | {Party(party): int(number) for party, number in rows}
