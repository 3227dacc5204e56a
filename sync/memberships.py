"""Which ticket is on which portfolio, as far as was seen: what a deleted or moved ticket leaves to be looked at again.

An event that says that a ticket left may be lost. So every pass over a portfolio also asks what it once had and has no
more: `strays`.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from sync import ledger
from sync.store import in_parts, memberships

_HOME_OF = select(memberships.c.portfolio).where(memberships.c.ticket == bindparam("wanted"))


def home_of(connection: Connection, ticket: str) -> str | None:
    """The portfolio that a ticket was last seen on; None: on none, or never seen."""
    return connection.execute(_HOME_OF, {"wanted": ticket}).scalar_one_or_none()


_NEW = insert(memberships)
_REMEMBER = _NEW.on_conflict_do_update(
    index_elements=[memberships.c.ticket], set_={"portfolio": _NEW.excluded.portfolio}
)


def remember(connection: Connection, on: Mapping[str, str]) -> None:
    """These tickets are on these portfolios."""
    if on:
        rows = [{"ticket": ticket, "portfolio": portfolio} for ticket, portfolio in sorted(on.items())]
        connection.execute(_REMEMBER, rows)


def forget(connection: Connection, tickets: Iterable[str]) -> None:
    """These tickets are on no portfolio, or no longer there."""
    for ticket in tickets:
        connection.execute(memberships.delete().where(memberships.c.ticket == ticket))


_SEEN_ON = select(memberships.c.ticket).where(memberships.c.portfolio.in_(bindparam("portfolios", expanding=True)))


def strays(connection: Connection, portfolios: Iterable[str], seen: Iterable[str]) -> set[str]:
    """The tickets that were on these portfolios, or have something open there, and were not `seen` on them now."""
    wanted = list(portfolios)
    found = set(ledger.tickets_of(connection, wanted))
    for part in in_parts(wanted):
        found.update(connection.scalars(_SEEN_ON, {"portfolios": part}))
    return found.difference(seen)
