"""Handoff 5 · Creative Team → Account Manager: the Ad Set is ready.

The rungs of this ladder: docs/process.md 5.
"""

from mappings.vocabulary import EmailKind, Handoff, Role, Stage, Status, TaskKind
from sync.clock import to_ms
from sync.rules import keys
from sync.rules.context import Context, ticket_variables
from sync.rules.handoffs.ad_sets import ad_sets, current_tickets
from sync.rules.handoffs.endings import until_settled
from sync.rules.handoffs.verdicts import EARLY, done, due, not_applicable, status_write, waiting
from sync.rules.handoffs.wording import current_status, name_of, unmapped_status
from sync.rules.keys import Entry, SetReadyKey
from sync.rules.model import Effect, Email, NewTask, RecordedOccurrence, Ticket, Verdict

SUBMITTED = EARLY | {Status.DELIVERABLES_SUBMITTED}
"""Statuses that a ready Ad Set advances."""


def set_ready(context: Context) -> list[Verdict]:
    """Once for what is new in a complete Ad Set: all its open tickets are in Pending Approval."""
    if (settling := until_settled(context, Handoff.SET_READY)) is not None:
        return [settling]
    status = context.portfolio.status
    sets = ad_sets(context)
    if status in {Status.CREATIVES_APPROVED, Status.CREATIVES_IMPLEMENTED}:
        return [
            not_applicable(
                context, Handoff.SET_READY, f"the status is {current_status(context)}: the client has seen it"
            )
        ]
    if status is Status.UNMAPPED:
        return [not_applicable(context, Handoff.SET_READY, unmapped_status(context))]
    homeless = [ticket for ticket in current_tickets(context) if not ticket.folder_key]
    verdicts = [
        not_applicable(
            context, Handoff.SET_READY, f"{name_of(t)} has no Deliverable Folder Name: it belongs to no Ad Set", t
        )
        for t in homeless
    ]
    verdicts += [_one_set(context, members) for members in sets.values()]
    if not verdicts:
        verdicts.append(not_applicable(context, Handoff.SET_READY, "this cycle has no open ticket"))
    return verdicts


def _was_announced(recorded: RecordedOccurrence) -> bool:
    return recorded.settled or any(effect.attempted for effect in recorded.effects if effect.kind != "write")


def _one_set(context: Context, members: list[Ticket]) -> Verdict:
    portfolio = context.portfolio
    folder = " ".join(members[0].folder.split())
    behind = [ticket for ticket in members if ticket.stage is not Stage.PENDING_APPROVAL]
    if behind:
        names = ", ".join(name_of(ticket) for ticket in behind[:5])
        reason = f"Ad Set “{folder}”: {len(members) - len(behind)} of {len(members)} are ready; waiting for {names}"
        return waiting(context, Handoff.SET_READY, reason, None)
    entries = {Entry(ticket.id, to_ms(ticket.stage_since)): ticket for ticket in members}
    before = list(context.ledger.of(Handoff.SET_READY, context.cycle))
    announced = {entry for recorded in before if _was_announced(recorded) for entry in _entries_of(recorded)}
    fresh = [
        ticket
        for entry, ticket in entries.items()
        if entry not in announced and ticket.stage_since >= context.times.go_live
    ]
    if not fresh:
        held = [recorded for recorded in before if _entries_of(recorded) & set(entries)]
        if held and not held[-1].settled and portfolio.status in SUBMITTED:
            # Announced, but the CRM refused the status: that is still to be done, and whatever waits for a person.
            effects = _announcement(context, folder, members)
            return due(context, keys.parse(held[-1].key), held[-1].reason, effects)
        if held:
            return done(held[-1])
        reason = f"Ad Set “{folder}” was ready before going live"
        return not_applicable(context, Handoff.SET_READY, reason)
    sure = portfolio.status in {Status.DELIVERABLES_SUBMITTED, Status.CREATIVES_PENDING_APPROVAL}
    complete_at = max(ticket.created_at for ticket in members) + context.barrier
    if not sure and context.times.now < complete_at:
        reason = f"Ad Set “{folder}” is ready, but its newest ticket is younger than {context.barrier}: more may come"
        return waiting(context, Handoff.SET_READY, reason, complete_at)
    effects = _announcement(context, folder, members)
    ready = f"all {len(members)} tickets" if len(members) > 1 else "the one ticket"
    reason = f"{ready} of Ad Set “{folder}” {'are' if len(members) > 1 else 'is'} ready for approval"
    key = SetReadyKey(portfolio.id, context.cycle, tuple(sorted(entries, key=str)))
    newest = max(ticket.stage_since for ticket in members)
    return due(context, key, reason, effects, cause_at=newest)


def _announcement(context: Context, folder: str, members: list[Ticket]) -> list[Effect]:
    """The status where it is to advance, the task, and the two emails.

    Each set of several asks for the status, which is written once: another's may be withdrawn before it is written.
    """
    am, sas = Role.ACCOUNT_MANAGER, Role.SOCIAL_AD_SPECIALIST
    manager, no_manager = context.owner(am)
    specialist, no_specialist = context.owner(sas)
    variables = context.variables(folder=folder, tickets=[ticket_variables(ticket) for ticket in members])
    effects: list[Effect] = []
    if context.portfolio.status in SUBMITTED:
        effects.append(status_write(context, Status.CREATIVES_PENDING_APPROVAL))
    effects += [
        NewTask(TaskKind.SHARE_DELIVERABLES, am, manager, (context.portfolio.ref,), variables, no_manager),
        Email(EmailKind.SET_READY_ACCOUNT_MANAGER, am, manager, variables, None, no_manager),
        Email(EmailKind.SET_READY_SOCIAL_AD_SPECIALIST, sas, specialist, variables, None, no_specialist),
    ]
    return effects


def _entries_of(recorded: RecordedOccurrence) -> set[Entry]:
    key = keys.parse(recorded.key)
    assert isinstance(key, SetReadyKey)
    return set(key.entries)
