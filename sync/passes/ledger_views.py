"""What the ledger knows of the records of a group, as the rules are given it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sync.crm import Kind, RecordRef
from sync.passes.snapshot import Group
from sync.rules.model import Former, LedgerView, RecordedOccurrence
from sync.storage import backfills, identities, ledger
from sync.storage.database import Connection


def merged_into(connection: Connection, group: Group) -> tuple[Former, ...]:
    """What the records of the group were made of: as the database knows it, and as the CRM shows it now."""
    known = identities.find(connection, group.present | group.unread)
    return (*known, *unknown_merges(group, known))


def unknown_merges(group: Group, known: Sequence[Former]) -> list[Former]:
    """The merges that the CRM shows and the database does not know of yet."""
    named = {one.record for one in known}
    return [
        Former(old, record)
        for record, absorbed in sorted(group.absorbed.items())
        for old in (RecordRef(record.kind, i) for i in absorbed)
        if old not in named
    ]


@dataclass(frozen=True)
class Known:
    """The occurrences of a group, and what its records were made of."""

    recorded: Sequence[RecordedOccurrence]
    former: tuple[Former, ...]


def recorded_occurrences(connection: Connection, group: Group, former: tuple[Former, ...] | None = None) -> Known:
    """Read every occurrence of the group's portfolios and tickets, whatever became of it, under any id they had.

    `former`: what they were made of; None: it is looked up.
    """
    if former is None:
        former = merged_into(connection, group)
    portfolios = [record.id for record in group.snapshots if record.kind is Kind.PORTFOLIO]
    tickets = [ticket for snapshot in group.snapshots.values() for ticket in snapshot.ticket_ids]
    portfolios += [one.record.id for one in former if one.record.kind is Kind.PORTFOLIO]
    tickets += [one.record.id for one in former if one.record.kind is Kind.TICKET]
    return Known(ledger.load(connection, portfolios, tickets), former)


def ledger_views(connection: Connection, group: Group, known: Known) -> dict[RecordRef, LedgerView]:
    """Give each record of the group its share of what is known, with the closings and backfills of it."""
    portfolios = [record.id for record in group.snapshots if record.kind is Kind.PORTFOLIO]
    once = [one.record.id for one in known.former if one.record.kind is Kind.PORTFOLIO]
    closings = ledger.closings_of(connection, [*portfolios, *once])
    since = backfills.reaching_back(connection, portfolios, known.former)
    found: dict[RecordRef, LedgerView] = {}
    for record, snapshot in group.snapshots.items():
        mine = record.id if record.kind is Kind.PORTFOLIO else None
        refs = {record, *(RecordRef(Kind.TICKET, i) for i in snapshot.ticket_ids)}
        former = _of(known.former, refs)
        all_refs = refs | {one.record for one in former}
        ledger_view = ledger.view_of(
            known.recorded,
            [ref.id for ref in all_refs if ref.kind is Kind.PORTFOLIO],
            (ref.id for ref in all_refs if ref.kind is Kind.TICKET),
            closings.get(mine or "", ()),
        )
        ledger_view = replace(ledger_view, backfilled_since=since.get(mine or ""))
        if former:
            seen = identities.seen(connection, all_refs)
            ledger_view = replace(
                ledger_view,
                former=former,
                former_closings={
                    one.record: tuple(closings.get(one.record.id, ()))
                    for one in former
                    if one.record.kind is Kind.PORTFOLIO
                },
                seen=seen.versions,
                names=seen.names,
            )
        found[record] = ledger_view
    return found


def _of(known: Sequence[Former], records: set[RecordRef]) -> tuple[Former, ...]:
    """What was merged into these records, and into what was."""
    found: list[Former] = []
    wanted = set(records)
    for _ in known:
        more = [one for one in known if one.into in wanted and one.record not in wanted]
        found += more
        wanted |= {one.record for one in more}
    return tuple(found)
