"""Handoff 5 · Creative Team → Account Manager: the Ad Set is ready.

The rungs of this ladder: docs/process.md 5.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from mappings.slips import differ_by_a_slip
from mappings.texts import ordinal
from mappings.vocabulary import EmailKind, Handoff, Role, Status, TaskKind
from sync.clock import to_ms
from sync.rules import keys
from sync.rules.context import Context, ticket_variables
from sync.rules.handoffs.ad_sets import ad_sets, is_in_review, name_of_set, unread_variables
from sync.rules.handoffs.advancing import advances, approved_since, only_to_be_moved
from sync.rules.handoffs.announcements import (
    Announcement,
    announcements,
    closings,
    earlier_than,
    from_ended_cycles,
    made_late,
    of_same_set,
)
from sync.rules.handoffs.endings import until_settled
from sync.rules.handoffs.verdicts import EARLY, done, due, not_applicable, replacing, status_write, unread, waiting
from sync.rules.handoffs.wording import current_status, duration_text, name_of, unmapped_status, word
from sync.rules.keys import Entry, OccurrenceKey, SetReadyKey
from sync.rules.model import (
    ANNOUNCEMENT,
    FOLDER,
    CloseTask,
    Effect,
    Email,
    NewTask,
    RecordedOccurrence,
    Ticket,
    Verdict,
)

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
    homeless = [ticket for ticket in context.current_tickets if not ticket.folder_key]
    verdicts = [
        not_applicable(
            context, Handoff.SET_READY, f"{name_of(t)} has no {word(context, 'folder')}: it belongs to no Ad Set", t
        )
        for t in homeless
    ]
    verdicts += advances(context)
    for ad_set in [_AdSet(context, sets, folder, homeless) for folder in sets]:
        verdicts += [*_left_open(context, ad_set), _one_set(context, ad_set)]
    verdicts += [unread(Handoff.SET_READY, ticket) for ticket in context.snapshot.unread if ticket.may_count]
    if not verdicts:
        verdicts.append(not_applicable(context, Handoff.SET_READY, "this cycle has no open ticket"))
    return verdicts


class _AdSet:
    """One set of the cycle, among the others, and with what was announced of it before."""

    def __init__(
        self, context: Context, sets: Mapping[str, Sequence[Ticket]], folder: str, homeless: Sequence[Ticket]
    ) -> None:
        self.members = sets[folder]
        self.name = name_of_set(self.members)
        self.folder = folder
        self.entries = {Entry(ticket.id, to_ms(ticket.stage_since)): ticket for ticket in self.members}
        self.ready_since = max(ticket.stage_since for ticket in self.members)
        self._context = context
        self._sets = sets
        self._homeless = homeless

    @property
    def behind(self) -> list[Ticket]:
        return [ticket for ticket in self.members if not is_in_review(ticket)]

    def of_it(self, earlier: Iterable[Announcement]) -> list[Announcement]:
        """The announcements of this set among these."""
        return of_same_set(self._context, earlier, self.folder, {ticket.id for ticket in self.members})

    def variables(self, before: Sequence[Announcement]) -> dict[str, Any]:
        """What the texts of an announcement say; `before`: those of this set that came earlier."""
        known = {entry for one in before for entry in one.entries}
        fresh = [ticket for entry, ticket in self.entries.items() if entry not in known]
        return self._context.variables(
            folder=self.name,
            tickets=[ticket_variables(ticket) for ticket in self.members],
            announcement=len(before) + 1 if before else None,
            fresh=[ticket_variables(ticket) for ticket in fresh] if before else [],
            no_folder=[ticket_variables(ticket) for ticket in self._homeless]
            + [unread_variables(ticket) for ticket in self._context.snapshot.unread if ticket.may_be_in("")],
            other_sets=list(self._others()),
        )

    def closings(
        self, before: Sequence[Announcement], key: OccurrenceKey, number: int, since: datetime
    ) -> list[CloseTask]:
        """The end of the open tasks of these announcements, once the one of this key, which is the `number`th, has its task.

        `since`: when the set was ready for that one.
        """
        task = keys.effect_key(self._context.ledger.text_of(key), keys.task_slot(TaskKind.SHARE_DELIVERABLES))
        reason = f"the Ad Set “{self.name}” was announced again ({ordinal(number)} announcement)"
        return closings(self._context, before, since, task, reason)

    def _others(self) -> Iterator[dict[str, object]]:
        """The other sets that are not ready, or whose name differs from this one's by a typing slip."""
        unread = self._context.snapshot.unread
        named = {ticket.folder_key: ticket.folder for ticket in unread if ticket.may_count and ticket.folder_key}
        names = {**named, **{folder: name_of_set(members) for folder, members in self._sets.items()}}
        for folder, name in sorted(names.items()):
            members = self._sets.get(folder, ())
            ready = sum(1 for ticket in members if is_in_review(ticket))
            # Nobody knows of a ticket that came incomplete whether it is ready.
            of = len(members) + sum(ticket.may_be_in(folder) for ticket in unread)
            alike = differ_by_a_slip(folder, self.folder)
            if folder != self.folder and (alike or ready < of):
                yield {"folder": " ".join((name or "").split()), "ready": ready, "of": of, "alike": alike}


def _one_set(context: Context, ad_set: _AdSet) -> Verdict:
    portfolio, folder, members = context.portfolio, ad_set.name, ad_set.members
    behind = ad_set.behind
    if behind:
        names = ", ".join(_behind(context, ticket) for ticket in behind[:5])
        are = "are" if len(members) > 1 else "is"
        reason = f"Ad Set “{folder}”: {len(members) - len(behind)} of {len(members)} {are} ready; waiting for {names}"
        return waiting(context, Handoff.SET_READY, reason, None)
    incomplete = [ticket for ticket in context.snapshot.unread if ticket.may_be_in(ad_set.folder)]
    if incomplete:
        names = ", ".join(f"ticket {ticket.id}" for ticket in incomplete[:5])
        reason = f"Ad Set “{folder}”: it cannot be told whether it is ready before this is read whole: {names}"
        return replace(waiting(context, Handoff.SET_READY, reason, None), undecided=True)
    before, ended = announcements(context), from_ended_cycles(context)
    announced = {entry for one in (*before, *ended) if one.was_made for entry in one.entries}
    fresh = [
        ticket
        for entry, ticket in ad_set.entries.items()
        if entry not in announced and ticket.stage_since >= context.times.go_live
    ]
    if not fresh:
        held, once = ([one for one in of if one.entries & set(ad_set.entries)] for of in (before, ended))
        return done(once[-1].recorded) if once and not held else _known_set(context, ad_set, held)
    sure = portfolio.status in {Status.DELIVERABLES_SUBMITTED, Status.CREATIVES_PENDING_APPROVAL}
    complete_at = max(ticket.created_at for ticket in members) + context.barrier
    if not sure and not context.has_come(complete_at):
        young = f"younger than {duration_text(context.barrier)}"
        reason = f"Ad Set “{folder}” is ready, but its newest ticket is {young}: more may come"
        return waiting(context, Handoff.SET_READY, reason, context.comes_at(complete_at))
    ready = f"all {len(members)} tickets" if len(members) > 1 else "the one ticket"
    reason = f"{ready} of Ad Set “{folder}” {'are' if len(members) > 1 else 'is'} ready for approval"
    key = SetReadyKey(portfolio.id, context.cycle, tuple(sorted(ad_set.entries, key=str)))
    return _announcement(context, ad_set, key, reason, ad_set.of_it(before))


def _left_open(context: Context, ad_set: _AdSet) -> list[Verdict]:
    """Close what a repeat has left open, of a set that is not ready any more: it may not be announced again for long."""
    made = ad_set.of_it(announcements(context)) if ad_set.behind else []
    if not made:
        return []
    last, before = made[-1].recorded, made[:-1]
    closing = _closing(context, ad_set, last, before, last.cause_at or last.decided_at)
    return [] if closing is None else [closing]


def _closing(
    context: Context, ad_set: _AdSet, last: RecordedOccurrence, before: Sequence[Announcement], since: datetime
) -> Verdict | None:
    """The end of what `last`, which stands, has left open of those before it; None: nothing. `since`: see `_AdSet.closings`."""
    late = made_late(context, last, before)
    key = keys.parse(last.key)
    closing = ad_set.closings(late, key, len(before) + 1, since) if late else []
    return due(context, key, last.reason, closing, cause_at=last.cause_at, detail=last.detail) if closing else None


def _behind(context: Context, ticket: Ticket) -> str:
    """A ticket that a set waits for; where it only has to be moved, that is said."""
    moved = approved_since(context, ticket) is not None
    return f"{name_of(ticket)} ({only_to_be_moved(context)})" if moved else name_of(ticket)


def _known_set(context: Context, ad_set: _AdSet, held: Sequence[Announcement]) -> Verdict:
    """Nothing of a ready set is new: `held` are the announcements that have held it, the newest last."""
    if not held:
        return not_applicable(context, Handoff.SET_READY, f"Ad Set “{ad_set.name}” was ready before going live")
    last = held[-1].recorded
    before = earlier_than(context, last)
    if not last.settled and context.portfolio.status in SUBMITTED:
        # Announced, but the CRM refused the status: that is still to be done, and whatever waits for a person.
        return _announcement(context, ad_set, keys.parse(last.key), last.reason, before, last)
    return _closing(context, ad_set, last, before, ad_set.ready_since) or done(last)


def _announcement(
    context: Context,
    ad_set: _AdSet,
    key: OccurrenceKey,
    reason: str,
    before: Sequence[Announcement],
    stands: RecordedOccurrence | None = None,
) -> Verdict:
    """The status where it is to advance, the task, and the two emails; and the end of the tasks to share the same set.

    Each set of several asks for the status, which is written once: another's may be withdrawn before it is written.
    `before`: the announcements of this set that came earlier. `stands`: this very one, where it stands already.
    """
    am, sas = Role.ACCOUNT_MANAGER, Role.SOCIAL_AD_SPECIALIST
    manager, no_manager = context.owner(am)
    specialist, no_specialist = context.owner(sas)
    variables, number = ad_set.variables(before), len(before) + 1
    effects: list[Effect] = []
    if context.portfolio.status in SUBMITTED:
        effects.append(status_write(context, Status.CREATIVES_PENDING_APPROVAL))
    effects += [
        NewTask(TaskKind.SHARE_DELIVERABLES, am, manager, variables, no_manager),
        *ad_set.closings(before, key, number, ad_set.ready_since),
        Email(EmailKind.SET_READY_ACCOUNT_MANAGER, am, manager, variables, None, no_manager),
        Email(EmailKind.SET_READY_SOCIAL_AD_SPECIALIST, sas, specialist, variables, None, no_specialist),
    ]
    if stands is not None:
        return due(context, key, reason, effects, cause_at=stands.cause_at, detail=stands.detail)
    if before:
        reason = f"{reason} ({ordinal(number)} announcement)"
    detail = {FOLDER: ad_set.name, ANNOUNCEMENT: number}
    verdict = due(context, key, reason, effects, cause_at=ad_set.ready_since, detail=detail)
    return replacing(verdict, [one.recorded.key for one in before])
