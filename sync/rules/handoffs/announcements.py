"""What was announced of the Ad Sets in this cycle, and which of it was of the same set. See docs/process.md 5.23 and 5.20."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mappings.names import as_seen
from mappings.vocabulary import Handoff
from sync.crm import Kind, RecordRef
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.keys import EffectKind, Entry, SetReadyKey, Slot, close_slot
from sync.rules.model import FOLDER, RECOVERED, CloseTask, RecordedEffect, RecordedOccurrence, may_be_dropped

JUST_BEFORE = timedelta(hours=1)
"""A task that was made so long before a database was lost may not have been followed by what comes after it."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One that stands in the ledger: each ticket as it was when the set was announced."""

    recorded: RecordedOccurrence
    entries: frozenset[Entry]

    @property
    def tickets(self) -> frozenset[str]:
        return frozenset(entry.ticket for entry in self.entries)

    @property
    def name(self) -> str:
        """The set's name as names are compared; '' where it is not known, as after a lost database."""
        return as_seen(str(self.recorded.detail.get(FOLDER, "")))

    @property
    def was_made(self) -> bool:
        """Whether anybody was told, or all that it writes is written: then what it held is announced."""
        told = (effect.attempted for effect in self.recorded.effects if effect.kind is not EffectKind.WRITE)
        return self.recorded.settled or any(told)

    @property
    def tasks(self) -> dict[str, RecordedEffect]:
        """The tasks that the service made for it, by their ids."""
        return {task: effect for effect in self.recorded.effects if (task := effect.own_task) is not None}


def announcements(context: Context) -> list[Announcement]:
    """All of this cycle, oldest first."""
    return _all(context, context.ledger.of(Handoff.SET_READY, context.cycle))


def from_ended_cycles(context: Context) -> list[Announcement]:
    """Those that merged portfolios made in cycles that are over, oldest first.

    A merge may have brought tickets of such a cycle into the running one (M.9); what they held is announced (M.11).
    """
    if not context.ledger.former:
        return []
    ended = [one for one in context.ledger.of(Handoff.SET_READY) if one.cycle != context.cycle]
    return [one for one in _all(context, ended) if one.was_made]


def _all(context: Context, recorded: Iterable[RecordedOccurrence]) -> list[Announcement]:
    return [Announcement(one, entries_of(context, one)) for one in recorded if is_announcement(one)]


def is_announcement(recorded: RecordedOccurrence) -> bool:
    """Whether it is of an Ad Set, and not of a ticket that was moved (5.25)."""
    return isinstance(keys.parse(recorded.key), SetReadyKey)


def entries_of(context: Context, recorded: RecordedOccurrence) -> frozenset[Entry]:
    """The entries that it held; those of merged tickets as of the ticket that answers for them."""
    key = keys.parse(recorded.key)
    assert isinstance(key, SetReadyKey)
    current = context.ledger.current
    return frozenset(Entry(current(RecordRef(Kind.TICKET, entry.ticket)).id, entry.ms) for entry in key.entries)


def of_same_set(
    context: Context, earlier: Iterable[Announcement], name: str, tickets: Collection[str]
) -> list[Announcement]:
    """Those among them that were of this set: of the same name, or all of whose tickets are in it.

    Tickets that are open in this cycle no more count for none.
    """
    current = {ticket.id for ticket in context.current_tickets}

    def is_same(one: Announcement) -> bool:
        left = one.tickets & current
        return (name != "" and one.name == name) or (bool(left) and left <= set(tickets))

    return [one for one in earlier if one.was_made and is_same(one)]


def closings(
    context: Context, earlier: Iterable[Announcement], since: datetime, after: str, reason: str
) -> list[CloseTask]:
    """Close the tasks of these that are still open, once the task of the effect `after` (a key) is made.

    One that a person has opened again after `since` is somebody's wish, and stays. `reason` stands in each one's line.
    """
    ids = sorted({task for one in earlier for task in one.tasks}, key=int)
    return [CloseTask(task.id, reason, after) for task in context.tasks_open_since(ids, since)]


def earlier_than(context: Context, last: RecordedOccurrence) -> list[Announcement]:
    """Those of the same set as this announcement, from before it."""
    everything = announcements(context)
    place = next(place for place, one in enumerate(everything) if one.recorded.key == last.key)
    return of_same_set(context, everything[:place], everything[place].name, everything[place].tickets)


def made_late(context: Context, last: RecordedOccurrence, earlier: Iterable[Announcement]) -> list[Announcement]:
    """Those of them whose task may have to be closed still, though `last` stands.

    It was made only after `last` was decided, or a ledger that was lost right then had perhaps not closed it yet.
    """
    closed = {effect.slot for effect in last.effects}
    recovered = RECOVERED in last.detail and last.decided_at >= context.times.ledger_began - JUST_BEFORE
    return [
        one
        for one in earlier
        if any(
            close_slot(task) not in closed and (recovered or made.state_at >= last.decided_at)
            for task, made in one.tasks.items()
        )
    ]


def replaced(context: Context) -> frozenset[str]:
    """The effects (by key) that are not to be done any more, as their set was announced again, and that one stands.

    So nobody who is named at last is given a task for each time.
    """
    found: set[str] = set()
    everything = announcements(context)
    for place, newer in enumerate(everything):
        if newer.was_made:
            slots = {effect.slot for effect in newer.recorded.effects}
            older = of_same_set(context, everything[:place], newer.name, newer.tickets)
            found |= {effect.key for one in older for effect in one.recorded.effects if _is_replaced(effect, slots)}
    return frozenset(found)


def _is_replaced(effect: RecordedEffect, slots: Collection[Slot]) -> bool:
    """Whether it is still to be done, and a newer announcement has the like of it among its `slots`."""
    if not may_be_dropped(effect.kind, effect.state) or effect.kind is EffectKind.WRITE:
        return False
    return effect.slot in slots or effect.kind is EffectKind.CLOSE
