"""How reasons name things: statuses, tickets, days."""

from datetime import date, datetime

from mappings.vocabulary import Status
from sync.rules.context import Context
from sync.rules.model import Ticket


def status_name(context: Context, status: Status) -> str:
    return f"“{context.mapping.portfolio.raw_status(status)}”"


def current_status(context: Context) -> str:
    return f"“{context.portfolio.raw.get(context.mapping.portfolio.properties.status, '')}”"


def unmapped_status(context: Context) -> str:
    return f"the status {current_status(context)} is not in the mapping"


def name_of(ticket: Ticket) -> str:
    """How reasons call a ticket."""
    return f"ticket {ticket.id} “{ticket.subject}”"


def day_text(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def time_text(context: Context, moment: datetime) -> str:
    local = moment.astimezone(context.mapping.zone)
    return f"{day_text(local.date())} {local:%H:%M}"


def distance_text(days: int) -> str:
    if days == 0:
        return "today"
    if days < 0:
        return f"{-days} day{'s' if days < -1 else ''} past"
    return f"{days} day{'s' if days > 1 else ''} away"
