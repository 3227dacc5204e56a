"""A snapshot after a write of the service's own, as the CRM would show it. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

from mappings.vocabulary import Stage
from sync.crm import Kind
from sync.rules.context import Context
from sync.rules.model import Portfolio, Snapshot, Ticket, Version, Write


def versions_at(snapshot: Snapshot) -> Iterator[datetime]:
    """When each version came that a new one must be later than."""
    portfolio = snapshot.portfolio
    if portfolio is not None:
        yield from (version.at for version in portfolio.status_history[:1])
        yield from (version.at for version in portfolio.date_history[:1])
    for ticket in snapshot.tickets:
        yield from (version.at for version in ticket.revision_history[:1])
        yield ticket.stage_since
        yield from (times[0] for times in ticket.approved.values() if times)


def written(context: Context, snapshot: Snapshot, write: Write, at: datetime) -> Snapshot:
    if write.record.kind is Kind.PORTFOLIO:
        assert snapshot.portfolio is not None
        return replace(snapshot, portfolio=_portfolio_written(context, snapshot.portfolio, write, at))
    tickets = tuple(
        _ticket_written(context, ticket, write, at) if ticket.ref == write.record else ticket
        for ticket in snapshot.tickets
    )
    return replace(snapshot, tickets=tickets)


def _portfolio_written(context: Context, portfolio: Portfolio, write: Write, at: datetime) -> Portfolio:
    names = context.mapping.portfolio.properties
    changed = replace(portfolio, raw={**portfolio.raw, **write.values})
    if names.status in write.values:
        status = context.mapping.portfolio.status(write.values[names.status])
        history = (Version(status, at, own=True), *portfolio.status_history)
        changed = replace(changed, status=status, status_history=history)
    if names.refresh_date in write.values:
        when = date.fromisoformat(write.values[names.refresh_date])
        moved: Version[date | None] = Version(when, at, own=True)
        changed = replace(changed, refresh_date=when, date_history=(moved, *portfolio.date_history))
    return changed


def _ticket_written(context: Context, ticket: Ticket, write: Write, at: datetime) -> Ticket:
    names = context.mapping.ticket.properties
    changed = replace(ticket, raw={**ticket.raw, **write.values})
    if names.stage in write.values:  # the service moves a ticket to two stages only
        on = write.values[names.stage] == context.pending_approval
        stage = Stage.PENDING_APPROVAL if on else Stage.IN_PROGRESS
        left = at if ticket.stage is Stage.PENDING_APPROVAL else ticket.left_pending_approval
        changed = replace(changed, stage=stage, stage_since=at, is_open=True, left_pending_approval=left)
        if on:
            changed = replace(changed, left_in_progress=at, came_to_review=(at, *ticket.came_to_review))
    if names.needs_revisions in write.values:
        revision = context.mapping.ticket.revision(write.values[names.needs_revisions])
        history = (Version(revision, at, own=True), *ticket.revision_history)
        changed = replace(changed, revision=revision, revision_history=history)
    return changed
