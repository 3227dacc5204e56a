"""Where a portfolio stands in the process, and what a person should mend about it. Pure.

Whose turn it is says `waiting`; this says in which step the cycle is, whoever has to act.
"""

from mappings.vocabulary import Role, Stage, Status, Step
from sync.crm import Kind
from sync.rules.context import Context
from sync.rules.model import Ticket
from sync.rules.people import people_in
from sync.rules.unlisted import Unlisted, unlisted_on_portfolio, unlisted_on_tickets


def step_of(context: Context) -> Step:
    """One rung a step, the last one first."""
    status = context.portfolio.status
    if context.settling is not None or context.pending or status is Status.CREATIVES_IMPLEMENTED:
        return Step.BETWEEN
    if status is Status.CREATIVES_APPROVED:
        return Step.IMPLEMENTATION
    behind = [ticket for ticket in context.current_tickets if ticket.stage is not Stage.PENDING_APPROVAL]
    if behind:
        return Step.REVISIONS if any(ticket.revision is not None for ticket in behind) else Step.PRODUCTION
    if context.current_tickets or status is Status.CREATIVES_PENDING_APPROVAL:
        return Step.REVIEW
    when, today = context.portfolio.refresh_date, context.times.today
    if status is Status.DELIVERABLES_SUBMITTED or (when is not None and when <= today):
        return Step.TICKETS
    if status is Status.REFRESH_REQUEST_SUBMITTED:
        return Step.CONFIRMED
    if when is not None and (when - today).days <= context.window:
        return Step.KICKOFF
    return Step.BETWEEN


def problems_of(context: Context) -> tuple[str, ...]:
    """What a person should mend, each in a sentence."""
    return (*misread_of(context), *vanished_of(context), *unlisted_of(context))


def misread_of(context: Context) -> tuple[str, ...]:
    """What the records say twice or not at all, and what came incomplete: each in a sentence."""
    found = list(context.snapshot.problems)
    waiting_for = "nothing is decided on it, nor on its Ad Set"
    found += [f"ticket {ticket.id}: {ticket.why}; {waiting_for}" for ticket in context.snapshot.unread]
    return (*found, *(f"{faulty}; what needs it waits" for faulty in context.snapshot.faulty.values()))


def vanished_of(context: Context) -> tuple[str, ...]:
    """Who is named for a role and has left, or never was: each in a sentence, with who does the work and where to name another.

    On the portfolio, and on the tickets of the cycle; a value that still names somebody who works here is none.
    """
    of_portfolio, of_ticket = context.mapping.portfolio.owners, dict(context.mapping.ticket.owners)
    found = [
        _vanished(context, role, None, value, of_portfolio[role], "the portfolio")
        for role, value in sorted(context.portfolio.owners.items())
    ]
    found += [
        _vanished(context, role, ticket, value, of_ticket[role], f"ticket {ticket.id}")
        for ticket in context.current_tickets
        for role, value in sorted(ticket.owners.items())
        if role in of_ticket
    ]
    return tuple(one for one in found if one)


def unlisted_of(context: Context) -> tuple[str, ...]:
    """What stands on the portfolio, or on a ticket of the cycle, and can no longer be chosen: each in a sentence."""
    stage = context.mapping.ticket.properties.stage
    found = [
        *unlisted_on_portfolio(context.portfolio, context.mapping, context.options),
        *unlisted_on_tickets(context.current_tickets, context.mapping, context.options),
    ]
    return tuple(_unlisted(one, "its pipeline's stages" if one.name == stage else "its options") for one in found)


def _unlisted(found: Unlisted, options: str) -> str:
    where = "its" if found.record.kind is Kind.PORTFOLIO else f"of ticket {found.record.id}"
    return (
        f"{where} “{found.name}” is “{found.value}”, which is none of {options} (any more): no handoff goes by it. Choose "
        "another value in HubSpot, or bring this one back there"
    )


def _vanished(context: Context, role: Role, ticket: Ticket | None, value: str, property_name: str, where: str) -> str:
    if not people_in(value) or any(context.staff.find(one) for one in people_in(value)):
        return ""
    owner = context.owner(role, ticket)[0]
    known = None if owner is None else context.snapshot.owners.get(owner)
    does = "nobody" if known is None else known.name
    return (
        f"{context.mapping.roles[role].label}: {context.staff.gone(value)}; {does} gets the work. "
        f"Name somebody in “{property_name}” of {where}"
    )
