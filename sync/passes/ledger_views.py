"""What the ledger knows of the records of a group, as the rules are given it."""

from collections.abc import Sequence
from dataclasses import replace

from sync.crm import Kind, RecordRef
from sync.passes.snapshot import Group
from sync.rules.model import LedgerView, RecordedOccurrence
from sync.storage import ledger, runs
from sync.storage.database import Connection


def recorded_occurrences(connection: Connection, group: Group) -> list[RecordedOccurrence]:
    """Read every occurrence of the group's portfolios and tickets, whatever became of it."""
    portfolios = [record.id for record in group.snapshots if record.kind is Kind.PORTFOLIO]
    tickets = [ticket.id for snapshot in group.snapshots.values() for ticket in snapshot.tickets]
    return ledger.load(connection, portfolios, tickets)


def ledger_views(
    connection: Connection, group: Group, recorded: Sequence[RecordedOccurrence]
) -> dict[RecordRef, LedgerView]:
    """Give each record of the group its share of `recorded`, with the closings and backfills that are known of it."""
    portfolios = [record.id for record in group.snapshots if record.kind is Kind.PORTFOLIO]
    closings = ledger.closings_of(connection, portfolios)
    since = runs.backfilled_since(connection, portfolios)
    found: dict[RecordRef, LedgerView] = {}
    for record, snapshot in group.snapshots.items():
        mine = record.id if record.kind is Kind.PORTFOLIO else None
        theirs = (ticket.id for ticket in snapshot.tickets)
        ledger_view = ledger.view_of(recorded, mine, theirs, closings.get(mine or "", ()))
        found[record] = replace(ledger_view, backfilled_since=since.get(mine or ""))
    return found
