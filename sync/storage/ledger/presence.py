"""Where a record has gone: deleted, restored, on another portfolio, or merged into another record."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, update

from sync.crm import Kind, RecordRef
from sync.rules.model import OccurrenceState
from sync.storage.ledger.selection import OF_EITHER, OF_THESE, portfolios_and_tickets
from sync.storage.tables import occurrences

_SUSPEND = (
    update(occurrences)
    .where(OF_EITHER, occurrences.c.state == OccurrenceState.OPEN.value)
    .values(state=OccurrenceState.GONE.value)
)


def suspend(connection: Connection, records: Iterable[RecordRef]) -> None:
    """These were deleted, or merged into others: nothing is to be done for them, or for what was to be done on them."""
    for wanted in portfolios_and_tickets(records):
        connection.execute(_SUSPEND, wanted)


_RESUME = (
    update(occurrences)
    .where(OF_THESE, occurrences.c.state == OccurrenceState.GONE.value)
    .values(state=OccurrenceState.OPEN.value)
)


def resume(connection: Connection, records: Iterable[RecordRef]) -> None:
    """These are there: what was set aside with them goes on."""
    for wanted in portfolios_and_tickets(records):
        connection.execute(_RESUME, wanted)


_OF_MERGED = (
    update(occurrences)
    .where(occurrences.c.record_kind == bindparam("of_kind"), occurrences.c.record == bindparam("old"))
    .values(record=bindparam("new"))
)
_ON_MERGED = update(occurrences).where(occurrences.c.portfolio == bindparam("old")).values(portfolio=bindparam("new"))


def hand_over(connection: Connection, merged: Mapping[RecordRef, RecordRef]) -> None:
    """What is to be done for these records, and was done, is the business of those that answer for them now.

    The keys go on naming the old ids.
    """
    rows = [{"of_kind": old.kind.value, "old": old.id, "new": new.id} for old, new in sorted(merged.items())]
    if rows:
        connection.execute(_OF_MERGED, rows)
    if portfolios := [{"old": row["old"], "new": row["new"]} for row in rows if row["of_kind"] == Kind.PORTFOLIO.value]:
        connection.execute(_ON_MERGED, portfolios)


_SET_PORTFOLIO = (
    update(occurrences)
    .where(
        occurrences.c.record_kind == Kind.TICKET.value,
        occurrences.c.record == bindparam("ticket"),
        occurrences.c.portfolio.is_distinct_from(bindparam("home")),
    )
    .values(portfolio=bindparam("home"))
)


def set_portfolio(connection: Connection, tickets: Mapping[str, str | None]) -> None:
    """A ticket's occurrences belong to the portfolio that the ticket is on; None: to none."""
    if tickets:
        connection.execute(_SET_PORTFOLIO, [{"ticket": ticket, "home": parent} for ticket, parent in tickets.items()])
