"""How reasons name things: statuses, tickets, days."""

from datetime import date, datetime, timedelta

from mappings.vocabulary import Status
from mappings.words import words_of
from sync.rules.context import Context
from sync.rules.model import Ticket


def word(context: Context, key: str) -> str:
    """What people see for this, see `mappings.words`; where no portal has told, the mapping's own name."""
    return context.words.get(key) or words_of(context.mapping)[key]


def status_name(context: Context, status: Status) -> str:
    return f"“{word(context, status.value)}”"


def current_status(context: Context) -> str:
    status = context.portfolio.status
    if status is None or status is Status.UNMAPPED:
        return f"“{context.portfolio.raw.get(context.mapping.portfolio.properties.status, '')}”"
    return status_name(context, status)


def unmapped_status(context: Context) -> str:
    return f"the status {current_status(context)} is not in the mapping"


def name_of(ticket: Ticket) -> str:
    """How reasons call a ticket."""
    return f"ticket {ticket.id} “{ticket.subject}”"


def day_text(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


FORGOTTEN = (
    "is older than this database and than the oldest version of the status that the CRM still shows: whether the client "
    "declined since is not known; make its tasks by hand if they are still needed"
)
"""Of a ticket or a revision: see `Context.is_forgotten`."""


def time_text(context: Context, moment: datetime) -> str:
    local = moment.astimezone(context.mapping.zone)
    return f"{day_text(local.date())} {local:%H:%M}"


def distance_text(days: int) -> str:
    if days == 0:
        return "today"
    if days < 0:
        return f"{-days} day{'s' if days < -1 else ''} past"
    return f"{days} day{'s' if days > 1 else ''} away"


def duration_text(duration: timedelta) -> str:
    """So many minutes where they are whole, or at least ten; else seconds."""
    seconds = round(duration.total_seconds())
    if seconds >= 600 or (seconds >= 60 and seconds % 60 == 0):
        minutes = round(seconds / 60)
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return "less than a second" if seconds == 0 else f"{seconds} second{'s' if seconds > 1 else ''}"
