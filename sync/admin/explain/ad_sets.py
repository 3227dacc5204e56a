"""The Ad Sets of the current cycle as they stand: which ticket lacks what, and which count for none."""

from collections.abc import Iterator

from sync.admin.explain.explanation import AdSet, Deliverable, LeftOut
from sync.passes.deliverables import lacking, stage_of, why_left_out
from sync.passes.portal import Portal
from sync.rules.context import Context
from sync.rules.handoffs.ad_sets import ad_sets, name_of_set
from sync.rules.handoffs.announcements import announcements, of_same_set
from sync.rules.model import Ticket


def standing(context: Context, portal: Portal) -> Iterator[AdSet]:
    """Each Ad Set with its tickets, and when it was announced in this cycle."""
    for folder, members in ad_sets(context).items():
        before = of_same_set(context, announcements(context), folder, [ticket.id for ticket in members])
        yield AdSet(
            name_of_set(members),
            tuple(_deliverable(context, portal, ticket) for ticket in members),
            tuple(one.recorded.decided_at for one in before),
        )


def _deliverable(context: Context, portal: Portal, ticket: Ticket) -> Deliverable:
    stage, lacks = stage_of(context, portal, ticket), lacking(context, portal, ticket)
    return Deliverable(ticket.ref, ticket.subject, ticket.url, stage, ticket.stage_since, lacks)


def left_out(context: Context) -> Iterator[LeftOut]:
    """The tickets that count for no Ad Set, each with why."""
    for ticket in context.snapshot.tickets:
        if why := why_left_out(context, ticket):
            yield LeftOut(ticket.ref, ticket.subject, ticket.url, why)
