"""The Ad Sets of the current cycle."""

from sync.rules.context import Context
from sync.rules.model import Ticket


def current_tickets(context: Context) -> list[Ticket]:
    """The open tickets of the current cycle."""
    return [ticket for ticket in context.snapshot.tickets if ticket.is_open and context.in_cycle(ticket)]


def ad_sets(context: Context) -> dict[str, list[Ticket]]:
    """The Ad Sets of the current cycle by their folder's key, each with its open tickets by rising id."""
    sets: dict[str, list[Ticket]] = {}
    for ticket in sorted(current_tickets(context), key=lambda t: int(t.id)):
        if ticket.folder_key:
            sets.setdefault(ticket.folder_key, []).append(ticket)
    return dict(sorted(sets.items()))
