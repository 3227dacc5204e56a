"""Handoff 4 · Social Ad Specialist → Creative Team: tickets created.

The rungs of this ladder: docs/process.md 4.
"""

from mappings.vocabulary import Handoff
from sync.rules.context import Context, ticket_variables
from sync.rules.handoffs.verdicts import done, due, not_applicable, unread
from sync.rules.handoffs.wording import FORGOTTEN, name_of, time_text
from sync.rules.handoffs.work import not_recovered
from sync.rules.keys import Slot, TicketKey
from sync.rules.model import OPEN_EFFECTS, Effect, EffectState, NewTask, RecordedEffect, State, Ticket, Verdict
from sync.rules.process import Work, work_of

CREATIVE_WORK = work_of(Handoff.TICKETS)
"""What a new ticket asks for."""


def tickets(context: Context) -> list[Verdict]:
    """Once a ticket and role: a task for the Copywriter and one for the Graphic Designer."""
    verdicts = [_ticket_made(context, ticket) for ticket in context.snapshot.tickets]
    verdicts += [unread(Handoff.TICKETS, ticket) for ticket in context.snapshot.unread]
    return verdicts or [not_applicable(context, Handoff.TICKETS, "the portfolio has no tickets")]


def _ticket_made(context: Context, ticket: Ticket) -> Verdict:
    recorded = context.ledger.settled(TicketKey(ticket.id))
    if recorded is None:
        return _creative_work(context, ticket, CREATIVE_WORK)
    missing = not_recovered(context.ledger.of_cause(TicketKey(ticket.id)), CREATIVE_WORK)
    verdict = _creative_work(context, ticket, missing) if missing else None
    return done(recorded) if verdict is None or verdict.occurrence is None else verdict


def covered(context: Context) -> frozenset[str]:
    """The effects (by key) that are not to be done any more, as a ticket that was merged with theirs has that task.

    Of several that wait the first one stays: once a ticket and role is once for all that the ticket was made of.
    """
    found: set[str] = set()
    for ticket in context.snapshot.tickets:
        by_slot: dict[Slot, list[RecordedEffect]] = {}
        for recorded in context.ledger.of_cause(TicketKey(ticket.id)):
            for effect in recorded.effects if recorded.committed else ():
                by_slot.setdefault(effect.slot, []).append(effect)
        for same in by_slot.values():
            alive = [effect for effect in same if effect.state is not EffectState.SUPERSEDED]
            stays = min(alive, key=lambda effect: effect.state in OPEN_EFFECTS, default=None)
            found |= {effect.key for effect in alive if effect is not stays and effect.state in OPEN_EFFECTS}
    return frozenset(found)


def _creative_work(context: Context, ticket: Ticket, work: Work) -> Verdict:
    if ticket.came_in is None:
        return not_applicable(
            context, Handoff.TICKETS, f"{name_of(ticket)} is not in the deliverables pipeline", ticket
        )
    if ticket.came_in < context.times.go_live:
        return not_applicable(context, Handoff.TICKETS, f"{name_of(ticket)} is older than going live", ticket)
    if not ticket.is_open:
        return not_applicable(context, Handoff.TICKETS, f"{name_of(ticket)} is closed", ticket)
    if context.snapshot.portfolio is None:
        reason = f"{name_of(ticket)} is not associated to a portfolio yet"
        return Verdict(Handoff.TICKETS, State.WAITING, reason, ticket.ref)
    decline = context.declined_after(ticket.came_in)
    if decline is not None:
        reason = f"{name_of(ticket)} belongs to a cycle that the client declined on {time_text(context, decline.at)}"
        return Verdict(Handoff.TICKETS, State.SUPERSEDED, reason, ticket.ref)
    if context.is_forgotten(ticket.came_in):
        return Verdict(Handoff.TICKETS, State.SUPERSEDED, f"{name_of(ticket)} {FORGOTTEN}", ticket.ref)
    notes = context.quoted(context.portfolio.ref, context.refresh_at(ticket.came_in))
    variables = context.variables(ticket=ticket_variables(ticket), folder=ticket.folder, **notes)
    effects: list[Effect] = []
    for kind, role in work:
        owner, blocked = context.owner(role, ticket)
        effects.append(NewTask(kind, role, owner, variables, blocked))
    reason = f"{name_of(ticket)} came on {time_text(context, ticket.came_in)}"
    return due(context, TicketKey(ticket.id), reason, effects,
        cause_at=ticket.came_in, cycle=context.cycle_of(ticket.came_in),
    )  # fmt: skip
