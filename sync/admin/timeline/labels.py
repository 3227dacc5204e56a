"""What people call things of the portal, and where they find them."""

from sync.admin.timeline.event import Place
from sync.crm import RecordRef
from sync.passes.portal import Portal
from sync.rules.context import Context


def place_of(context: Context, portal: Portal, record: RecordRef) -> Place:
    """A record with its page, and its subject where it is one of the portfolio's tickets."""
    name = next((ticket.subject for ticket in context.snapshot.tickets if ticket.ref == record), "")
    return Place(record, name, portal.url(record.kind, record.id))
