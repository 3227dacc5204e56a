"""Which portfolio each ticket was last seen on: when a ticket is deleted or moved, its old portfolio is looked at again.

An event that says that a ticket left may be lost. So every pass over a portfolio also asks which tickets it once had and
has no more.
"""

from collections.abc import Iterable, Mapping
from itertools import zip_longest

from sqlalchemy import Connection, bindparam, func, or_, select, update

from sync.storage.database import in_parts
from sync.storage.lists import is_among
from sync.storage.tables import memberships
from sync.storage.upsert import upsert

_PARENTS = select(memberships).where(is_among(memberships.c.ticket, "tickets"))
_TICKETS = select(memberships.c.ticket).where(is_among(memberships.c.portfolio, "portfolios"))


def parents(connection: Connection, tickets: Iterable[str]) -> dict[str, str]:
    """Find the portfolio that each of these tickets was last seen on; one on none, or never seen, is left out."""
    found: dict[str, str] = {}
    for part in in_parts(sorted(tickets)):
        found.update({row.ticket: row.portfolio for row in connection.execute(_PARENTS, {"tickets": part})})
    return found


def tickets_of(connection: Connection, portfolios: Iterable[str]) -> set[str]:
    """Find the tickets that were last seen on these portfolios."""
    found: set[str] = set()
    for part in in_parts(sorted(portfolios)):
        found.update(connection.scalars(_TICKETS, {"portfolios": part}))
    return found


_ON = select(memberships).where(is_among(memberships.c.portfolio, "portfolios"))


def on(connection: Connection, portfolios: Iterable[str]) -> dict[str, str]:
    """Find the tickets that were last seen on these portfolios: the portfolio's id by the ticket's."""
    found: dict[str, str] = {}
    for part in in_parts(sorted(portfolios)):
        found.update({row.ticket: row.portfolio for row in connection.execute(_ON, {"portfolios": part})})
    return found


_COUNTED = (
    select(memberships.c.portfolio, func.count().label("tickets"))
    .where(is_among(memberships.c.portfolio, "portfolios"))
    .group_by(memberships.c.portfolio)
)


def counted(connection: Connection, portfolios: Iterable[str]) -> dict[str, int]:
    """Count the tickets that were last seen on each of these portfolios; one with none is left out."""
    found: dict[str, int] = {}
    for part in in_parts(sorted(portfolios)):
        found.update({row.portfolio: row.tickets for row in connection.execute(_COUNTED, {"portfolios": part})})
    return found


_REMEMBER = upsert(memberships)

_OF_EITHER = select(memberships).where(
    or_(
        is_among(memberships.c.portfolio, "portfolios"),
        is_among(memberships.c.ticket, "tickets"),
    )
)


_HAND_OVER = update(memberships).where(memberships.c.portfolio == bindparam("old")).values(portfolio=bindparam("new"))


def hand_over(connection: Connection, merged: Mapping[str, str]) -> None:
    """Record that the tickets of portfolios that were merged are on the ones that answer for them; ids by old ids."""
    if merged:
        connection.execute(_HAND_OVER, [{"old": old, "new": new} for old, new in sorted(merged.items())])


_FORGET = memberships.delete().where(memberships.c.ticket == bindparam("gone"))


def remember(connection: Connection, portfolios: Iterable[str], on: Mapping[str, str]) -> set[str]:
    """Record which tickets are on these portfolios, and return the ids of those that were on one of them until now.

    `on` gives the portfolio of each ticket: all that are on one of `portfolios`, and others as far as they are known.
    """
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
    """Record that these tickets are on no portfolio, or no longer there."""
    for ticket in tickets:
        connection.execute(_FORGET, {"gone": ticket})
