"""Which ticket is on which portfolio, as far as was seen: what a deleted or moved ticket leaves to be looked at again.

An event that says that a ticket left may be lost. So every pass over a portfolio also asks what it once had and has no
more.
"""

from collections.abc import Iterable, Mapping
from itertools import zip_longest

from sqlalchemy import Connection, bindparam, or_, select

from sync.storage.database import in_parts
from sync.storage.tables import memberships
from sync.storage.upsert import upsert

_PARENT_OF = select(memberships.c.portfolio).where(memberships.c.ticket == bindparam("wanted"))


def parent_of(connection: Connection, ticket: str) -> str | None:
    """The portfolio that a ticket was last seen on; None: on none, or never seen."""
    return connection.execute(_PARENT_OF, {"wanted": ticket}).scalar_one_or_none()


_REMEMBER = upsert(memberships)

_OF_EITHER = select(memberships).where(
    or_(
        memberships.c.portfolio.in_(bindparam("portfolios", expanding=True)),
        memberships.c.ticket.in_(bindparam("tickets", expanding=True)),
    )
)


def remember(connection: Connection, portfolios: Iterable[str], on: Mapping[str, str]) -> set[str]:
    """These portfolios have just these tickets, `on` them; which others they had until now."""
    wanted = list(portfolios)
    before: dict[str, str] = {}
    for some, tickets in zip_longest(in_parts(wanted), in_parts(list(on)), fillvalue=()):
        rows = connection.execute(_OF_EITHER, {"portfolios": some, "tickets": tickets})
        before.update({row.ticket: row.portfolio for row in rows})
    moved = [
        {"ticket": ticket, "portfolio": parent} for ticket, parent in sorted(on.items()) if before.get(ticket) != parent
    ]
    if moved:
        connection.execute(_REMEMBER, moved)
    return {ticket for ticket, parent in before.items() if parent in wanted and ticket not in on}


def forget(connection: Connection, tickets: Iterable[str]) -> None:
    """These tickets are on no portfolio, or no longer there."""
    for ticket in tickets:
        connection.execute(memberships.delete().where(memberships.c.ticket == ticket))
