"""A ticket of which both approvals are Approved and which is still In Progress: it only has to be moved (5.24 to 5.26)."""

from collections.abc import Iterator
from datetime import datetime

from mappings.names import same_to_the_eye
from mappings.vocabulary import Revision, Role, Stage
from sync.clock import to_ms
from sync.rules.context import Context
from sync.rules.handoffs.rounds import ROLES_OF
from sync.rules.handoffs.verdicts import due
from sync.rules.handoffs.wording import name_of, word
from sync.rules.keys import AdvancedKey, RevisionKey
from sync.rules.model import Ticket, Verdict, Write

APPROVERS = (Role.COPYWRITER, Role.GRAPHIC_DESIGNER)


def both_approved(context: Context) -> str:
    """Say that copy and graphics are approved, as people see it."""
    return f"both approvals are “{word(context, 'approved')}”"


def only_to_be_moved(context: Context) -> str:
    """Say of a ticket for which `approved_since` tells a time what is left to do with it."""
    return f"{both_approved(context)}: it only has to be moved to “{word(context, 'pending_approval')}”"


def approved_since(context: Context, ticket: Ticket) -> datetime | None:
    """When the newer approval of a ticket was given that only has to be moved; None: it has more to wait for.

    That it was in Pending Approval since then tells that somebody has moved it back, whatever a ledger remembers.
    """
    if not ticket.is_open or ticket.stage is not Stage.IN_PROGRESS or not _stand(context, ticket):
        return None
    given = {role: times[0] for role in APPROVERS if (times := ticket.approved.get(role))}
    if len(given) < len(APPROVERS):
        return None  # a merge alone has given it, or nobody knows when it was
    newer = max(given.values())
    if ticket.left_pending_approval is not None and ticket.left_pending_approval >= newer:
        return None
    if ticket.ref in context.ledger.ancestries and (ticket.merged_at is None or newer <= ticket.merged_at):
        return None
    asked_again = any(_asked_since(ticket, role, at) for role, at in given.items())
    return None if asked_again or _is_unanswered(context, ticket) else newer


def advances(context: Context) -> Iterator[Verdict]:
    """With `rules.advance_approved_tickets`: each ticket that only has to be moved, once a version of its newer approval."""
    if not context.mapping.rules.advance_approved_tickets:
        return
    for ticket in context.current_tickets:
        newer = approved_since(context, ticket)
        if newer is None or newer < context.times.go_live:
            continue
        key = AdvancedKey(ticket.id, to_ms(newer))
        if context.ledger.settled(key) is None:
            reason = f"{name_of(ticket)} is still “{word(context, 'in_progress')}”, and {both_approved(context)}"
            yield due(context, key, reason, [_move(context, ticket)], cause_at=newer)


def _stand(context: Context, ticket: Ticket) -> bool:
    """Whether both approvals read Approved, as a person sees it."""
    names, approved = context.mapping.ticket.properties, context.mapping.ticket.approved
    return all(
        same_to_the_eye(ticket.raw.get(name, ""), approved) for name in (names.copy_approval, names.graphic_approval)
    )


def _asked_since(ticket: Ticket, role: Role, given: datetime) -> bool:
    """Whether a role was asked for a revision after its approval, which then says nothing of that."""
    return any(
        version.at >= given and any(role is asked for _, asked in ROLES_OF.get(version.value, ()))
        for version in ticket.revision_history
        if version.value is not None
    )


def _is_unanswered(context: Context, ticket: Ticket) -> bool:
    """Whether handoff 6 comes first, or cannot tell what is asked for."""
    return ticket.revision is Revision.UNMAPPED or any(
        version.value in ROLES_OF
        and context.counts(version, ticket.revision_history)
        and context.ledger.settled(RevisionKey(ticket.id, version.ms)) is None
        for version in ticket.revision_history
    )


def _move(context: Context, ticket: Ticket) -> Write:
    names = context.mapping.ticket.properties
    read_again = (names.stage, names.copy_approval, names.graphic_approval, names.needs_revisions)
    expects = {name: ticket.raw.get(name, "") for name in read_again}
    return Write(ticket.ref, {names.stage: context.pending_approval}, expects)
