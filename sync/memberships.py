"""Which ticket is on which portfolio, as far as was seen: what a deleted or moved ticket leaves to be looked at again.

An event that says that a ticket left may be lost. So every pass over a portfolio also asks what it once had and has no
more: `strays`.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from sync import ledger
from sync.store import memberships


def home_of(connection: Connection, ticket: str) -> str | None:
    """The portfolio that a ticket was last seen on; None: on none, or never seen."""
    row = connection.execute(memberships.select().where(memberships.c.ticket == ticket)).one_or_none()
    return None if row is None else str(row.portfolio)


def remember(connection: Connection, on: Mapping[str, str]) -> None:
    """These tickets are on these portfolios."""
    if not on:
        return
    statement = insert(memberships)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[memberships.c.ticket], set_={"portfolio": statement.excluded.portfolio}
        ),
        [{"ticket": ticket, "portfolio": portfolio} for ticket, portfolio in sorted(on.items())],
    )


def forget(connection: Connection, tickets: Iterable[str]) -> None:
    """These tickets are on no portfolio, or no longer there."""
    for ticket in tickets:
        connection.execute(memberships.delete().where(memberships.c.ticket == ticket))


def strays(connection: Connection, portfolios: Iterable[str], seen: Iterable[str]) -> set[str]:
    """The tickets that were on these portfolios, or have something open there, and were not `seen` on them now."""
    wanted = list(portfolios)
    found = set(ledger.tickets_of(connection, wanted))
    for start in range(0, len(wanted), 500):  # SQLite takes a limited number of variables in one statement
        part = wanted[start : start + 500]
        found.update(connection.scalars(select(memberships.c.ticket).where(memberships.c.portfolio.in_(part))))
    return found.difference(seen)
