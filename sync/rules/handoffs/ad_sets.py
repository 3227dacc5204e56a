"""The Ad Sets of the current cycle."""

from collections.abc import Callable, Iterable, Sequence

from mappings.slips import slips
from mappings.vocabulary import Stage
from sync.rules.context import Context, ticket_variables
from sync.rules.model import LookAlike, Ticket, UnreadTicket


def ad_sets(context: Context) -> dict[str, list[Ticket]]:
    """The Ad Sets of the current cycle by their folder's key, each with its open tickets by rising id."""
    sets: dict[str, list[Ticket]] = {}
    for ticket in sorted(context.current_tickets, key=lambda t: int(t.id)):
        if ticket.folder_key:
            sets.setdefault(ticket.folder_key, []).append(ticket)
    return dict(sorted(sets.items()))


def name_of_set(members: Sequence[Ticket]) -> str:
    """How a set is called: as the oldest of its tickets spells it."""
    return " ".join(members[0].folder.split())


def look_alikes(context: Context) -> list[LookAlike]:
    """Each two sets of the current cycle whose names differ by a typing slip (docs/process.md 5.22)."""
    sets = ad_sets(context) if context.portfolio.inside else {}
    return [_look_alike(sets[one], sets[other]) for one, other in slips(sets)]


def _look_alike(one: Sequence[Ticket], other: Sequence[Ticket]) -> LookAlike:
    tickets = {name_of_set(members): tuple(ticket.id for ticket in members) for members in (one, other)}
    return LookAlike(name_of_set(one), name_of_set(other), tickets)


def is_in_review(ticket: Ticket) -> bool:
    return ticket.stage is Stage.PENDING_APPROVAL


def by_readiness(
    tickets: Iterable[Ticket],
    is_ready: Callable[[Ticket], bool] = is_in_review,
    *,
    unread: Iterable[UnreadTicket] = (),
) -> dict[str, list[dict[str, str]]]:
    """Split tickets for a text: `tickets` are those that are ready, `unfinished` the other open ones, each by rising id.

    Nobody knows of the `unread` whether they are ready: they stand at the end, and it is said.
    """
    parts: dict[str, list[dict[str, str]]] = {"tickets": [], "unfinished": []}
    for ticket in sorted(tickets, key=lambda t: int(t.id)):
        ready = is_ready(ticket)
        if ready or ticket.is_open:
            parts["tickets" if ready else "unfinished"].append(ticket_variables(ticket))
    parts["unfinished"] += [unread_variables(ticket) for ticket in unread if ticket.may_count]
    return parts


def unread_variables(ticket: UnreadTicket) -> dict[str, str]:
    """What a text says of a ticket that came incomplete, like `ticket_variables`."""
    subject = f"{ticket.subject or f'ticket {ticket.id}'} (could not be read: please look whether it is ready)"
    return {"id": ticket.id, "subject": subject, "folder": ticket.folder or "", "url": ticket.url}
