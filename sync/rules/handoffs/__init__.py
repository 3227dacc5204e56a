"""The ten handoffs, in the order of the teams' article: a module each, pure, a ladder of early returns.

Each rule says for the record before it what is true, and what is to be done; its rungs are those of docs/process.md, in
the same order, and its reasons are what `explain` prints. Nothing here reads, writes, or knows the time but through the
`Context`.
"""

from mappings.vocabulary import Handoff
from sync.rules.handoffs import (
    approved,
    closed,
    confirmation,
    confirmed,
    date_arrived,
    declined,
    kickoff,
    revisions,
    set_ready,
    tickets,
)

RULES = (
    kickoff.kickoff,
    declined.declined,
    confirmed.confirmed,
    date_arrived.date_arrived,
    tickets.tickets,
    set_ready.set_ready,
    revisions.revisions,
    approved.approved,
    closed.closed,
    confirmation.confirmation,
)

HANDOFF_OF = dict(zip(RULES, Handoff, strict=True))

TICKET_RULES = (tickets.tickets, revisions.revisions)
"""The rules that also speak of a ticket without a portfolio."""
