"""The tickets of a portfolio as they stand now: which is ready, what another one lacks, and which count for no Ad Set."""

from mappings.names import same_to_the_eye
from mappings.vocabulary import Stage
from mappings.words import revision_word
from sync.passes.portal import Portal
from sync.rules.context import Context
from sync.rules.handoffs.advancing import approved_since, only_to_be_moved
from sync.rules.handoffs.wording import word
from sync.rules.model import Ticket


def stage_label(portal: Portal, stage: str) -> str:
    """The label of a stage of the deliverables pipeline, by its id; of any other the id."""
    return next((one.label for one in portal.pipeline.stages if one.id == stage), stage)


def stage_of(context: Context, portal: Portal, ticket: Ticket) -> str:
    """The ticket's stage, as people see it."""
    return stage_label(portal, ticket.raw.get(context.mapping.ticket.properties.stage, ""))


def lacking(context: Context, portal: Portal, ticket: Ticket) -> tuple[str, ...]:
    """What keeps the ticket's Ad Set waiting for it, in words; empty: it is ready."""
    names = context.mapping.ticket.properties
    review = stage_label(portal, portal.pending_approval)
    if approved_since(context, ticket) is not None:
        return (only_to_be_moved(context),)
    if ticket.stage is Stage.PENDING_APPROVAL:
        return ()
    found = [f"it is in “{stage_of(context, portal, ticket)}”, not in “{review}”"]
    asked = ticket.raw.get(names.needs_revisions, "")
    if asked:
        found.append(f"“{revision_word(context.mapping, portal.words, asked)}” was asked for")
    for what, name in (("copy is", names.copy_approval), ("graphics are", names.graphic_approval)):
        if not same_to_the_eye(ticket.raw.get(name, ""), context.mapping.ticket.approved):
            found.append(f"its {what} not approved")
    return tuple(found)


def why_left_out(context: Context, ticket: Ticket) -> str:
    """Why the ticket counts for no Ad Set of this cycle; '' where it counts."""
    if ticket.came_in is None:
        return "not in the deliverables pipeline"
    if not context.in_cycle(ticket):
        return "of an earlier cycle"
    if ticket not in context.current_tickets:
        return "closed"
    return "" if ticket.folder_key else f"with no {word(context, 'folder')}"
