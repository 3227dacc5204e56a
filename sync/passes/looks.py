"""What a look at a portfolio rests on: marks of it, by which the sweep tells whether anything is otherwise now. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.metadata import version

from mappings.digest import digest_of
from mappings.schema import ProcessMapping
from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.marks import mark_of_text
from sync.passes.portal import Portal
from sync.passes.snapshot import Group
from sync.rules.context import Context
from sync.rules.model import Portfolio, Snapshot, Wait
from sync.rules.people import people_in
from sync.rules.waiting import day_of_the_clock
from sync.storage.looks import Look

_RELEASE = version("creative-refresh-handoffs")


def mark(*parts: object) -> str:
    """Name these by a digest: other parts, another name."""
    return mark_of_text(repr(parts))


def mark_of_tickets(tickets: Iterable[str]) -> str:
    """Name the tickets (ids) that a portfolio lists, in whatever order."""
    return mark(*sorted(set(tickets), key=int))


def mark_of_people(portal: Portal, named: Iterable[str]) -> str:
    """Name what the portal tells of these people (owners' ids or emails): who they are, and whether they work here."""
    return mark(*((one, portal.people.get(one) or portal.people.get(one.lower()), _told(portal, one)) for one in named))


def _told(portal: Portal, one: str) -> object:
    found = portal.people.get(one) or portal.people.get(one.lower()) or one
    owner = portal.owners.get(found)
    return None if owner is None else (owner.id, owner.name, owner.email, owner.archived, owner.is_queue)


def mark_of_rules(mapping: ProcessMapping, portal: Portal, ledger_began: datetime) -> str:
    """Name all that decides beside the records: the mapping, its stand-ins, pipeline and options, this release, this ledger.

    A database that was lost, or is an older state that was put back, has another beginning.
    """
    fallbacks = sorted({one for about in mapping.roles.values() if (one := about.fallback_owner)})
    return mark(
        digest_of(mapping),
        mark_of_people(portal, fallbacks),
        portal.pipeline.id,
        sorted((stage.id, stage.closed) for stage in portal.pipeline.stages),  # their order in an answer is no promise
        (portal.in_progress, portal.pending_approval),
        sorted((kind, name, sorted(values)) for (kind, name), values in portal.options.items()),
        _RELEASE,
        to_ms(ledger_began),
    )


def looks(
    contexts: Mapping[RecordRef, Context],
    decided: Iterable[RecordRef],
    waited_for: Iterable[tuple[Portfolio, Wait | None]],
    group: Group,
    portal: Portal,
) -> dict[RecordRef, Look]:
    """Take from what was read and decided what each look rests on; a portfolio that is not certain is left out.

    That is one whose wait is not known, one that came incomplete, and one that shares a ticket with another: which of them
    it counts for is told by that ticket's own list.
    """
    waits = {portfolio.ref: wait for portfolio, wait in waited_for}
    rules = {mark_of_rules(one.mapping, portal, one.times.ledger_began) for one in list(contexts.values())[:1]}
    found: dict[RecordRef, Look] = {}
    for record in decided:
        if record.kind is not Kind.PORTFOLIO or record not in waits or record in group.incomplete:
            continue
        context, snapshot = contexts[record], group.snapshots[record]
        listed = group.tickets_on.get(record.id, ())
        if context.snapshot.faulty or snapshot.problems or set(listed) != set(snapshot.ticket_ids):
            continue
        named = _named(snapshot)
        found[record] = Look(
            portfolio=record.id,
            due_on=day_of_the_clock(context, waits[record]),
            decided_by=min(rules),
            tickets=mark_of_tickets(listed),
            named=named,
            people=mark_of_people(portal, named),
        )
    return found


def _named(snapshot: Snapshot) -> tuple[str, ...]:
    owners = [ticket.owners for ticket in snapshot.tickets]
    if snapshot.portfolio is not None:
        owners.append(snapshot.portfolio.owners)
    return tuple(sorted({one for each in owners for value in each.values() for one in people_in(value)}))
