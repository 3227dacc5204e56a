"""The Ad Sets of the current cycle as they stand: which ticket lacks what, and which count for none."""

from collections.abc import Iterator

from mappings.names import same_to_the_eye
from mappings.vocabulary import Stage
from sync.admin.explain.explanation import AdSet, Deliverable, LeftOut
from sync.admin.timeline import stage_label
from sync.passes.portal import Portal
from sync.rules.context import Context
from sync.rules.handoffs.ad_sets import ad_sets, current_tickets, name_of_set
from sync.rules.handoffs.advancing import ONLY_TO_BE_MOVED, approved_since
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
    names = context.mapping.ticket.properties
    stage = stage_label(portal, ticket.raw.get(names.stage, ""))
    lacks: list[str] = []
    review = stage_label(portal, portal.pending_approval)
    if approved_since(context, ticket) is not None:
        lacks.append(f"{ONLY_TO_BE_MOVED} “{review}”")
    elif ticket.stage is not Stage.PENDING_APPROVAL:
        lacks.append(f"it is in “{stage}”, not in “{review}”")
        asked = ticket.raw.get(names.needs_revisions, "")
        if asked:
            lacks.append(f"“{asked}” was asked for")
        for what, name in (("copy", names.copy_approval), ("graphic", names.graphic_approval)):
            if not same_to_the_eye(ticket.raw.get(name, ""), context.mapping.ticket.approved):
                lacks.append(f"its {what} is not approved")
    return Deliverable(ticket.ref, ticket.subject, ticket.url, stage, ticket.stage_since, tuple(lacks))


def left_out(context: Context) -> Iterator[LeftOut]:
    """The tickets that count for no Ad Set, each with why."""
    current = current_tickets(context)
    for ticket in context.snapshot.tickets:
        if ticket.came_in is None:
            why = "not in the deliverables pipeline"
        elif not context.in_cycle(ticket):
            why = "of an earlier cycle"
        elif ticket not in current:
            why = "closed"
        elif not ticket.folder_key:
            why = "without a Deliverable Folder Name"
        else:
            continue
        yield LeftOut(ticket.ref, ticket.subject, ticket.url, why)
