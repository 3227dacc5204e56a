"""What docs/process.md says may and must be done, sentence by sentence, of the records as they stand and were."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from tests.simulation.event_log import Merged, Ref
from tests.simulation.oracle.announcements import Other, Said, called_almost_the_same, ordinal
from tests.simulation.oracle.record import (
    AM,
    CW,
    GD,
    SAS,
    Closing,
    Rec,
    Task,
    folder_of,
)
from tests.simulation.oracle.records import SETTLE, TOLD, Records
from tests.simulation.oracle.rounds import Round, Rounds, are_left_out, notes_quoted

BARRIER = 15 * 60_000
NOTES_COME_WITHIN = 3 * 60_000
KEPT = 20
"""How many versions of a property the CRM keeps."""

Key = tuple[str | int | frozenset[tuple[str, int]], ...]


class Due(NamedTuple):
    """One effect that is due: its cause, its slot, whose it is (None: nobody's), and whether it must or only may be."""

    key: Key
    slot: str
    role: str | None
    must: bool


@dataclass(slots=True)
class Offer:
    key: Key
    parent: Ref | None
    ticket: Ref | None
    cycle: int
    number: int
    at: int
    read: int
    """The look that it was first due at: what was set after it, even just before it was due, was not known."""
    slots: dict[str, str | None] = field(default_factory=dict)
    """The empty ones, with the role that each is for."""
    filled: dict[str, int] = field(default_factory=dict)
    done_by: int = 0
    """The look that the first of it was done by; 0: nothing was."""
    done_at: int = 0
    """When the first of it was done (ms); 0: nothing was."""
    decided: bool = False
    """Nothing of it could be done for want of a person. While its cause holds it must be done once there is one;
    whether it must when the cause is gone ("never dropped", or overtaken) is taken as open."""
    last: int = 0
    """The newest look that offered it."""
    lost: bool = False
    """The database was lost after it had begun: what the CRM does not show of it, its emails, is not done any more."""
    forgotten: set[str] = field(default_factory=set)
    """The emails of it that were sent before the loss of a database that no task in the CRM told of."""
    told_again: bool = False
    """One of them was sent once more."""
    called: str | None = None
    """Of an announcement: what its task or first email calls it, as all others of it must."""
    left: bool = False
    """Its portfolio was outside of the mapping's condition since: whether what had begun is finished is not said."""

    @property
    def told(self) -> bool:
        """Whether anybody was given a task or an email of it."""
        return any(slot.startswith(("task", "email")) for slot in self.filled)

    @property
    def began_at(self) -> tuple[int, int]:
        """The look that began it is one of these, or lies between: when it was first due (it may have waited for a
        person), and the look by which the first of it was done (it may have been tried before, in vain)."""
        return self.number, self.done_by or self.number

    @property
    def fired(self) -> bool:
        return bool(self.filled) or (self.decided and bool(self.slots))


def _next(fired: Sequence[Offer]) -> int:
    """The number of the next offer of a handoff that may fire several times a cycle."""
    return 1 + max((int(str(offer.key[3])) for offer in fired), default=-1)


def _complete_at(members: Sequence[Rec]) -> int:
    """When a set is taken to be complete whatever the status says: its newest ticket is old enough."""
    return max(ticket.at for ticket in members) + BARRIER


def _entries(announcements: Iterable[Offer]) -> set[tuple[str, int]]:
    """The tickets of ready sets (5), each with the version that brought it into Pending Approval."""
    return {entry for one in announcements for part in one.key[4:] if isinstance(part, frozenset) for entry in part}


PORTFOLIO_HANDOFFS = frozenset({"1", "2a", "3", "5", "7", "8", "8t"})


def _renamed(key: Key, event: Merged) -> Key:
    """The key of an offer once its record, and the tickets of its entries, answer under another id."""
    old = {event.primary.id, event.other.id}
    of_portfolio = key[0] in PORTFOLIO_HANDOFFS
    if of_portfolio is (event.new.kind == "portfolio") and key[1] in old:
        return (key[0], event.new.id, *key[2:])
    if key[0] == "5" and event.new.kind == "ticket":
        return tuple(
            frozenset((event.new.id if ticket in old else ticket, number) for ticket, number in part)
            if isinstance(part, frozenset)
            else part
            for part in key
        )
    return key


class Handoffs:
    """What is due of each record, and what the answers to it have settled."""

    def __init__(self, records: Records) -> None:
        self._crm = records
        self.rounds = Rounds(records)
        self.openers: set[tuple[Ref, int, str]] = set()
        """Handoff 6: ticket, version, role: those that open a round."""
        self.offers: dict[Key, Offer] = {}
        self.lost_at = -1
        """When the database was last lost."""
        self.swept_up: set[int] = set()
        """Closings after which open tasks were looked through."""
        self.task_of: dict[int, Ref] = {}
        """Handoff 7: a version of the status → the task that stands for it."""
        self.served: set[tuple[Ref, int, str]] = set()
        """Handoff 6: ticket, version, role."""
        self.kicked: set[tuple[Ref, int]] = set()
        """Handoff 6: ticket, version."""
        self.seen_back: set[tuple[Ref, int]] = set()
        """Handoff 6: looked at while the ticket was In Progress anyway."""
        self.seen_open: set[tuple[Ref, int, str]] = set()
        """Handoff 6: looked at while the role had a revision task open."""
        self.seen_standing: set[int] = set()
        """Handoff 7: versions of the status, looked at while an implementation task of the cycle was open."""
        self.waiting: set[tuple[Ref, int]] = set()
        """Handoff 6: a version whose every role is nobody."""
        self.said: dict[Key, set[Said] | None] = defaultdict(set)
        """Handoff 5: what its texts may say, by what was seen at each look. None: too much is open to tell."""
        self.to_close: set[tuple[Key, str]] = set()
        """Handoff 5: tasks (slots) that are to be closed once the new one is made."""

    def offered(self, due: Due, rec: Rec) -> Offer:
        offer = self.offers.get(due.key)
        parent = rec if rec.ref.kind == "portfolio" else self._crm.parent(rec)
        if offer is None:
            is_ticket = due.key[0] in {"4", "6", "6c"}
            ticket = Ref("ticket", str(due.key[1])) if is_ticket else None
            cycle = 0 if parent is None else self._crm.cycle(self._crm.closings(parent), self._crm.now.number)
            number = self._crm.now.number
            offer = Offer(
                due.key, None, ticket, cycle, number, self._crm.now.at, self._crm.seen_at.get(rec.ref, number)
            )
            self.offers[due.key] = offer
        if not offer.fired:
            offer.parent = None if parent is None else parent.ref
        offer.last = self._crm.now.number
        return offer

    def merged(self, event: Merged) -> None:
        """What was done for either record is done for the new one (M.7). Called before the records are one."""
        primary, other = self._crm.all[event.primary], self._crm.all[event.other]
        mine, theirs = self._crm.closings(primary), self._crm.known_closings(other)
        cycle, running = (closings[-1].number if closings else 0 for closings in (mine, theirs))
        day = primary[self._crm.names.date] or other[self._crm.names.date]
        for offer in list(self.offers.values()):
            key = _renamed(offer.key, event)
            if event.new.kind == "portfolio" and offer.key[1] == event.other.id and offer.key[0] in PORTFOLIO_HANDOFFS:
                offer.cycle = cycle if offer.cycle == running else offer.cycle
                if offer.key[0] in {"1", "3", "5"}:
                    same = offer.key[2] == running and (
                        offer.key[0] == "5" or other.as_of(self._crm.names.date, offer.began_at[1]) == day
                    )
                    of = cycle if same else -1 - offer.number  # of a cycle that is nobody's
                    number = offer.key[3] if offer.key[0] == "5" else 1_000_000 + offer.number
                    key = (key[0], key[1], of, number, *key[4:])
            known = self.offers.get(key)
            del self.offers[offer.key]
            if known is not None and known is not offer:
                known.filled = {**offer.filled, **known.filled}
                known.slots = {slot: role for slot, role in known.slots.items() if slot not in known.filled}
                continue
            offer.key = key
            offer.parent = event.new if offer.parent in {event.primary, event.other} else offer.parent
            offer.ticket = event.new if offer.ticket in {event.primary, event.other} else offer.ticket
            self.offers[key] = offer
        old = {event.primary, event.other}
        for marks in (self.served, self.openers, self.kicked, self.seen_back, self.seen_open, self.waiting):
            for mark in [mark for mark in marks if mark[0] in old]:
                marks.add((event.new, *mark[1:]))

    def due(self, rec: Rec) -> Iterator[Due]:
        if rec.archived:
            return
        if not self._crm.is_inside(rec):
            return  # it is not touched (W.6)
        if rec.ref.kind == "ticket":
            yield from self._revisions_due(rec)
            return
        closings = self._crm.closings(rec)
        unsure = any(one.unsure for one in closings)
        for due in self._portfolio_due(rec, closings):
            yield due._replace(must=due.must and not unsure)

    def _portfolio_due(self, rec: Rec, closings: Sequence[Closing]) -> Iterator[Due]:
        cycle = closings[-1].number if closings else 0
        settling = self._crm.settling(rec)
        waits = settling is not None and self._crm.waits(settling.at)
        yield from self._closings_due(rec, closings, waits=waits)
        # Whether an ending counts is open too where it is open whose versions are whose (M.8, M.14).
        pending = self._is_pending(rec, closings) and rec.ref not in self._crm.uncertain
        if not pending and not waits:
            yield from self._kickoff_due(rec, closings, cycle)
            yield from self._tickets_due(rec, closings, cycle)
        tickets = self._crm.tickets(rec)
        yield from self._creative_work_due(rec, tickets, closings)
        if not waits:
            yield from self._sets_due(rec, tickets, closings, cycle)
            # One that came in mid-pass may not have been in the list when that was read.
            read = [ticket for ticket in tickets if ticket.ref not in self._crm.moving]
            if len(read) < len(tickets):
                yield from (due._replace(must=False) for due in self._sets_due(rec, read, closings, cycle))
            yield from self._implementation_due(rec, closings, cycle, pending=pending)

    def _recorded_occurrences(self, handoff: str, rec: Rec, cycle: int) -> list[Offer]:
        found = [o for o in self.offers.values() if o.key[:3] == (handoff, rec.ref.id, cycle) and o.fired]
        return sorted(found, key=lambda offer: offer.number)

    def filled(self, key: Key, slot: str) -> bool:
        offer = self.offers.get(key)
        return offer is not None and slot in offer.filled

    # 2a, and 8: the end of a cycle

    def _closings_due(self, rec: Rec, closings: Sequence[Closing], *, waits: bool) -> Iterator[Due]:
        """`waits`: a later closing version may still be taken back, and until then handoff 8 does nothing (C.14)."""
        mapped = self._crm.calendar.terms.period(rec[self._crm.names.cadence]) is not None
        for place, closing in enumerate(closings):
            before = max((one.number for one in closings[:place]), default=0)
            known = max((one.number for one in closings[:place] if one.number not in self._crm.unseen), default=0)
            key: Key = ("2a" if closing.declined else "8", rec.ref.id, closing.number)
            slot = "date" if closing.declined else "reset"
            done = self.filled(key, slot)
            if waits and not closing.declined and not done:
                continue
            if not done and mapped:
                yield Due(key, slot, None, must=True)
            if not closing.declined and (mapped or done):
                yield Due(key, "email", AM, must=done)
            if closing.number not in self.swept_up or closing.number < self.lost_at:
                yield from self._open_tasks_due(rec, closing, (before, known), key, must=mapped or done)

    def _is_pending(self, rec: Rec, closings: Sequence[Closing]) -> bool:
        """Whether a closing has not moved the date yet: until then the old date starts nothing."""
        return not all(self.is_carried_out(rec, one) for one in closings)

    def is_carried_out(self, rec: Rec, one: Closing) -> bool:
        return self.filled(("2a" if one.declined else "8", rec.ref.id, one.number), "date" if one.declined else "reset")

    def _open_tasks_due(
        self, rec: Rec, closing: Closing, began: tuple[int, int], key: Key, *, must: bool
    ) -> Iterator[Due]:
        """2a.7 and 8.20: what the service made in the cycle, by any handoff, and is still open.

        `began`: when the cycle began, and when it may have begun, as it is open which closings before it count (M.8).
        """
        before, earliest = began
        lost = key in self.offers and self.offers[key].lost  # then nobody knows which tickets were on it at that time
        for task in self._crm.tasks.values():
            on_ticket = task.ticket is not None and (found := self._crm.rec(task.ticket)) is not None
            near = self._crm.rec(task.parent) is rec or (
                on_ticket and found is not None and self._crm.parent(found) is rec
            )
            # A deleted ticket cannot be read: that it was taken off the portfolio meanwhile is known to nobody.
            near = near or (on_ticket and found is not None and found.archived and self._crm.was_on(found.ref, rec.ref))
            # After a loss nobody knows when a merge was that may have brought it into the running cycle, nor, where
            # neither keys nor values tell, which of the two was the primary, or what had ended the other one's cycle (M.14).
            undated = task.number < self._crm.merged_at.get(rec.ref, -1) < self._crm.lost_at
            # Looked through by a ledger that was lost: again, for what may have been of that cycle as far as is known now.
            swept_up = closing.number in self.swept_up
            if not near or ((task.ended or swept_up) and not undated) or not task.open:
                continue
            # Made in an earlier cycle: not this one's. Made after the closing: it was on its way, and may be closed.
            # Made in this one for a ticket or a revision of an earlier one, or for a ticket that has left: that is open.
            if task.since > earliest or undated:
                sure = before < task.began and task.number < closing.number and not undated
                # Completed after it, and opened again: it may be a person's own by now.
                sure = sure and task.open_at(closing.number) and not task.completed_since(closing.number)
                sure = sure and self._crm.rec(task.parent) is rec and not self._crm.is_forgotten(task)
                sure = sure and not (lost and task.ticket is not None)
                sure = sure and (
                    task.ticket is None
                    or (on_ticket and found is not None and self._is_its_own(found, rec, closing, before))
                )
                yield Due(key, f"close {task.rec.ref.id}", None, must and sure)

    def _is_its_own(self, ticket: Rec, rec: Rec, closing: Closing, before: int) -> bool:
        """Whether a ticket is beyond doubt one of the cycle's ("on its tickets"): not one that was deleted then or
        since, nor one that was ever on another portfolio."""
        there = ticket.lived_since(closing.number) and not self._crm.was_elsewhere(ticket)
        # What a merge has brought into the cycle after it was declined is not closed (2a.7).
        there = there and self._crm.brought.get(ticket.ref, 0) < closing.number
        return there and self._crm.came_since(ticket, rec, before)

    # 1

    def _is_left_over(self, rec: Rec, closings: Sequence[Closing]) -> bool:
        """The status is the previous cycle's, all of whose endings are carried out (1.8, 8.14)."""
        status, last = rec[self._crm.names.status], closings[-1] if closings else None
        implemented = last is not None and not last.declined and status == self._crm.implemented
        return status == self._crm.declined or implemented

    def _kickoff_due(self, rec: Rec, closings: Sequence[Closing], cycle: int) -> Iterator[Due]:
        """The date is within the window, and the status is empty or left over from the previous cycle."""
        day = self._crm.day(rec)
        status = rec[self._crm.names.status]
        if (
            day is None
            or (day - self._crm.today).days > self._crm.calendar.window_at(self._crm.now.at)
            or (status != "" and not self._is_left_over(rec, closings))
        ):
            return
        fired = self._recorded_occurrences("1", rec, cycle)
        again = [self._left_window(rec, look) for one in fired[-1:] for look in self._stands_since(one)]
        if fired and not any(again):
            return
        must = all(again)
        key: Key = ("1", rec.ref.id, cycle, _next(fired))
        yield Due(key, "task", AM, must)
        yield Due(key, "email", AM, must)
        if status != "":
            yield Due(key, "clear", None, must)

    @staticmethod
    def _stands_since(kickoff: Offer) -> set[int]:
        """Up to which look it may stand for what was set before; after a loss for all that was set before its task (F.3)."""
        return {*kickoff.began_at, *([kickoff.filled["task"]] if kickoff.lost and "task" in kickoff.filled else [])}

    def _left_window(self, rec: Rec, since: int) -> bool:
        """By the history alone: a version further ahead of the day on which it was set than the window, or a cleared date.

        Window and day are those that were in force when it was set (F.2).
        """
        return any(
            self._crm.calendar.left_window(version.value, version.at)
            for version in self._crm.counting(rec, self._crm.names.date)
            if version.number > since
        )

    # 3

    def _tickets_due(self, rec: Rec, closings: Sequence[Closing], cycle: int) -> Iterator[Due]:
        """The date has come, and the status is empty, Refresh Request Submitted, or a leftover."""
        day = self._crm.day(rec)
        status = rec[self._crm.names.status]
        early = status in {"", self._crm.requested} or self._is_left_over(rec, closings)
        if day is None or day > self._crm.today or not early:
            return
        fired = self._recorded_occurrences("3", rec, cycle)
        must = True
        if fired:
            moved = self._crm.run_began(rec, self._crm.names.date)
            before = rec.as_of(self._crm.names.date, moved.number - 1)
            # Later than when it fired, or only than the version before: docs/process.md 3.7 says "moved later".
            since = [rec.as_of(self._crm.names.date, look) for look in fired[-1].began_at if moved.number > look]
            later = [moved.value > day for day in (*since, *([before] if before else ()))]
            if not since or not any(later):
                return
            must = len(since) == len(fired[-1].began_at) and all(later)
            came = max(moved.at, self._crm.calendar.midnight(day, self._crm.now.at))
            number = max((v.number for v in self._crm.task_versions(came)), default=moved.number)
            number = max(number, moved.number)
            still = [task for task in self._crm.tasks_on(rec, "3") if task.number <= number and task.open_at(number)]
            stands = any(self._crm.cycle(closings, task.number) == cycle and not task.rec.archived for task in still)
            if stands and rec.ref not in self._crm.uncertain:
                return  # whether one that was deleted since counts is not said, nor one that a merge brought along
            # One that was completed then, and is open again by a person's hand: whether it stands is not said.
            must = must and not any(task.open for task in self._crm.tasks_on(rec, "3"))
            must = must and not still  # one that an earlier cycle left open: whether it is "such a task" is not said
        # One that a merge has brought along may have been open when the date came, and does for it then (M.10).
        must = must and not any(task.joined for task in self._crm.tasks_on(rec, "3"))
        key: Key = ("3", rec.ref.id, cycle, _next(fired))
        yield Due(key, "task", SAS, must)
        yield Due(key, "email", SAS, must)

    # 4

    def _creative_work_due(self, rec: Rec, tickets: Sequence[Rec], closings: Sequence[Closing]) -> Iterator[Due]:
        for ticket in tickets:
            if not self._crm.is_open(ticket):
                continue
            came_in = self._crm.run_began(ticket, "hs_pipeline").number
            later = [one for one in closings if one.number > came_in]
            moved = self._crm.was_elsewhere(ticket) or rec.ref in self._crm.uncertain
            if later and later[0].declined and not later[0].unsure and not moved:
                continue  # everything later in that cycle is bypassed; of another portfolio's cycle that is open
            # Bypassed with a declined cycle, and in the pipeline anew since: "once per ticket and role".
            first = next(v.number for v in ticket.history["hs_pipeline"] if v.value == ticket["hs_pipeline"])
            again = first < came_in and any(one.declined and first < one.number for one in closings)
            # A cycle that was closed by implementing: whether its tickets still ask for work is not said.
            must = (
                not later
                and not again
                and ticket.ref not in self._crm.uncertain | self._crm.bypassed
                and not self._crm.declined_elsewhere(ticket, rec, came_in)
                and not self._is_forgotten(rec, came_in)
            )
            for role in (CW, GD):
                yield Due(("4", ticket.ref.id, role), "task", role, must)

    def _is_forgotten(self, rec: Rec, moment: int) -> bool:
        """4.15, 6.22: since then the status has had as many versions as the CRM keeps, and the database was lost."""
        since = [one for one in rec.history.get(self._crm.names.status, ()) if one.number > moment]
        return self.lost_at > moment and len(since) >= KEPT

    # 5

    def _sets_due(self, rec: Rec, tickets: Sequence[Rec], closings: Sequence[Closing], cycle: int) -> Iterator[Due]:
        status = rec[self._crm.names.status]
        if status in {self._crm.approved, self._crm.implemented}:
            return
        of_cycle = [offer for offer in self.offers.values() if offer.key[:3] == ("5", rec.ref.id, cycle)]
        answered = _entries(offer for offer in of_cycle if (offer.told if offer.lost else offer.filled))
        told = _entries(offer for offer in of_cycle if offer.told)
        brought = [o for o in self.offers.values() if o.key[:2] == ("5", rec.ref.id) and int(str(o.key[2])) < 0]
        for folder, members in self._sets(tickets, closings, cycle):
            if folder and self._ready(members) < len(members):
                yield from self._left_open(folder, members, of_cycle)
        for folder, members in self._ready_sets(tickets, closings, cycle):
            complete = status in {self._crm.submitted, self._crm.pending}
            early = not complete and self._crm.now.at < _complete_at(members)
            # Set back by a person after it was read, and before the tickets were: tasks and emails need no re-read.
            torn = early and self._status_looked_at(rec) in {self._crm.submitted, self._crm.pending}
            if early and not torn:
                continue
            entries = frozenset(self._entries_now(members))
            key: Key = ("5", rec.ref.id, cycle, folder, entries)
            if entries <= told:
                yield from self._made_late(folder, members, of_cycle)
                continue
            # Announced by the other of two merged ones in a cycle since ended: it is announced (M.11).
            if (
                entries <= told | _entries(offer for offer in brought if offer.told)
                and rec.ref not in self._crm.uncertain
            ):
                continue
            self._note_texts(key, rec, folder, members, (tickets, closings, cycle), of_cycle)
            # The status was advanced for these, but nobody was there to be told: whether that has announced them is open.
            must = not entries <= answered and not torn
            # Announced under another name before a loss, by nothing that the CRM shows: what is known of it is open.
            must = must and not entries <= _entries(one for one in of_cycle if one.lost and one.key[3] != folder)
            must = must and not entries <= answered | _entries(brought)
            yield Due(key, "task", AM, must)
            yield from self._older_tasks(key, folder, members, of_cycle)
            yield Due(key, "email am", AM, must)
            yield Due(key, "email sas", SAS, must)
            if status != self._crm.pending and not torn:
                # Announced to nobody for want of people, and a person has set the status back since: that is open.
                waits = key in self.offers and self.offers[key].decided
                yield Due(key, "write", None, must and not waits)

    def _sets(self, tickets: Sequence[Rec], closings: Sequence[Closing], cycle: int) -> list[tuple[str, list[Rec]]]:
        """The folder and the open tickets of each set of the cycle; the tickets that have no folder stand under ''."""
        sets: dict[str, list[Rec]] = defaultdict(list)
        for ticket in tickets:
            folder = folder_of(ticket[self._crm.names.folder])
            came_in = self._crm.run_began(ticket, "hs_pipeline").number if self._crm.in_pipeline(ticket) else -1
            if self._crm.is_open(ticket) and self._crm.cycle(closings, came_in) == cycle:
                sets[folder].append(ticket)
        return sorted(sets.items())

    def _ready_sets(
        self, tickets: Sequence[Rec], closings: Sequence[Closing], cycle: int
    ) -> Iterator[tuple[str, list[Rec]]]:
        """Those of which every ticket is in Pending Approval."""
        for folder, members in self._sets(tickets, closings, cycle):
            if folder and self._ready(members) == len(members):
                yield folder, members

    def _ready(self, members: Iterable[Rec]) -> int:
        return sum(ticket["hs_pipeline_stage"] == self._crm.in_review for ticket in members)

    # 5, said and closed

    def _same_set(self, offer: Offer, folder: str, members: Sequence[Rec]) -> tuple[bool, bool]:
        """Whether an announcement was of this set (5.23), and whether that is beyond doubt.

        Tickets that are open in the cycle no more count for none.
        """
        parent = self._crm.rec(offer.parent)
        if parent is None:
            return False, False
        closings = self._crm.closings(parent)
        sets = self._sets(self._crm.tickets(parent), closings, int(str(offer.key[2])))
        left = {ticket.ref.id for _, of_it in sets for ticket in of_it} & {ticket for ticket, _ in _entries([offer])}
        inside = bool(left) and left <= {ticket.ref.id for ticket in members}
        named = offer.key[3] == folder
        # After a loss names are not known, nor is what no task tells of; one that wrote the status alone may not stand.
        sure = offer.told and not (offer.lost and (not inside or "task" not in offer.filled))
        return inside or named, sure or not (inside or named)

    def _note_texts(
        self,
        key: Key,
        rec: Rec,
        folder: str,
        members: Sequence[Rec],
        cycle: tuple[Sequence[Rec], Sequence[Closing], int],
        of_cycle: Sequence[Offer],
    ) -> None:
        """5.17, 5.23, 5.21: what the texts of an announcement that is decided on now say."""
        texts = self.said[key]
        earlier = [(one, *self._same_set(one, folder, members)) for one in of_cycle if one.filled and one.key != key]
        same = [(one, sure) for one, is_same, sure in earlier if is_same]
        open_to_doubt = [one for one, sure in same if not sure]
        merged = rec.ref in self._crm.uncertain or any(ticket.ref in self._crm.uncertain for ticket in cycle[0])
        if texts is None or merged or len(open_to_doubt) > 3:
            self.said[key] = None
            return
        sets = self._sets(*cycle)
        no_folder = frozenset(ticket.ref.id for other, of_it in sets for ticket in of_it if not other)
        others = frozenset(self._others(folder, sets))
        all_ids = frozenset(ticket.ref.id for ticket in members)
        for size in range(len(open_to_doubt) + 1):
            for doubtful in combinations(open_to_doubt, size):
                before = [one for one, sure in same if sure or one in doubtful]
                known = _entries(before)
                entries = [(t.ref.id, self._crm.run_began(t, "hs_pipeline_stage").number) for t in members]
                fresh = frozenset(entry[0] for entry in entries if entry not in known) if before else frozenset()
                texts.add(Said(ordinal(len(before) + 1), all_ids, fresh, no_folder, others))

    def _others(self, folder: str, sets: Sequence[tuple[str, list[Rec]]]) -> Iterator[Other]:
        for other, members in sets:
            ready = self._ready(members)
            alike = called_almost_the_same(folder, other)
            if other and other != folder and (alike or ready < len(members)):
                yield other, None if ready == len(members) else (ready, len(members)), alike

    def _older_tasks(self, key: Key, folder: str, members: Sequence[Rec], of_cycle: Sequence[Offer]) -> Iterator[Due]:
        """5.20: the tasks to share the same set that are still open. What must be closed is told when the new one is made."""
        ready = max(self._crm.run_began(ticket, "hs_pipeline_stage").number for ticket in members)
        for offer in of_cycle:
            is_same, sure = self._same_set(offer, folder, members)
            task = self._share_task(offer)
            if offer.key == key or not is_same or task is None or not task.open:
                continue
            slot = f"close {task.rec.ref.id}"
            sure = sure and not self._crm.is_forgotten(task)
            if sure and task.rec.lived_since(task.number) and not task.completed_since(ready):
                self.to_close.add((key, slot))
            yield Due(key, slot, None, must=False)

    def _made_late(self, folder: str, members: Sequence[Rec], of_cycle: Sequence[Offer]) -> Iterator[Due]:
        """5.20: one that was made all the same is closed at the next look; after a loss, what was not closed yet."""
        entries = self._entries_now(members)
        yield from self._after(
            [one for one in of_cycle if one.told and _entries([one]) & entries], folder, members, of_cycle
        )

    def _left_open(self, folder: str, members: Sequence[Rec], of_cycle: Sequence[Offer]) -> Iterator[Due]:
        """5.20: the next look closes it whether the set is ready then or not."""
        of_it = [one for one in of_cycle if one.told and self._same_set(one, folder, members)[0]]
        yield from self._after(of_it, folder, members, of_cycle)

    def _after(
        self, held: Sequence[Offer], folder: str, members: Sequence[Rec], of_cycle: Sequence[Offer]
    ) -> Iterator[Due]:
        for newest in sorted(held, key=lambda one: one.number)[-1:]:
            known = set(self.to_close)
            yield from self._older_tasks(newest.key, folder, members, [one for one in of_cycle if one is not newest])
            self.to_close = known  # whether one that was made late must be closed already is open

    def _entries_now(self, members: Sequence[Rec]) -> set[tuple[str, int]]:
        return {(ticket.ref.id, self._crm.run_began(ticket, "hs_pipeline_stage").number) for ticket in members}

    def _share_task(self, offer: Offer) -> Task | None:
        made = offer.filled.get("task")
        return next((task for task in self._crm.tasks.values() if made is not None and task.number == made), None)

    def is_repeated(self, offer: Offer) -> bool:
        """Whether its set was announced again since (5.20): then what it had still to do is dropped, or may be."""
        if offer.key[0] != "5":
            return False
        mine = {ticket for ticket, _ in _entries([offer])}
        return any(
            one.key[:3] == offer.key[:3]
            and one is not offer
            and one.told
            and max(one.filled.values()) > offer.number
            and (one.key[3] == offer.key[3] or mine & {ticket for ticket, _ in _entries([one])})
            for one in self.offers.values()
        )

    def complete_at(self, rec: Rec) -> int | None:
        """When the next of a portfolio's ready sets, young as it is, is taken to be complete; None: none waits for it.

        One that was announced, as the status said that it was complete, waits for nothing (5.6).
        """
        closings = self._crm.closings(rec)
        cycle = closings[-1].number if closings else 0
        sets = self._ready_sets(self._crm.tickets(rec), closings, cycle)
        told = _entries(one for one in self.offers.values() if one.key[:3] == ("5", rec.ref.id, cycle) and one.told)
        moments = [_complete_at(members) for _, members in sets if not self._entries_now(members) <= told]
        return min((moment for moment in moments if moment > self._crm.now.at), default=None)

    def has_carried_out_what_settles(self, rec: Rec) -> bool:
        """Whether a closing version that counts only just was carried out: then the service has counted it."""
        if rec.ref.kind != "portfolio":
            return False
        return any(one.unsure and self.is_carried_out(rec, one) for one in self._crm.closings(rec))

    def counts_at(self, rec: Rec) -> int | None:
        """When what may still be taken back counts for certain: a closing version, or a completed implementation task."""
        settling = self._crm.settling(rec)
        moments = [] if settling is None or self.has_carried_out_what_settles(rec) else [settling.at]
        closings = self._crm.closings(rec)
        cycle = closings[-1].number if closings else 0
        tasks = [task for task in self._crm.tasks_on(rec, "7") if self._crm.cycle(closings, task.began) == cycle]
        if rec[self._crm.names.status] == self._crm.approved and tasks and not tasks[-1].open:
            moments += [self._crm.run_began(tasks[-1].rec, "hs_task_status").at] * (not tasks[-1].rec.archived)
        return min((at + SETTLE + TOLD for at in moments if self._crm.now.at < at + SETTLE + TOLD), default=None)

    def _status_looked_at(self, rec: Rec) -> str:
        """What it was at the newest look, by which tasks and emails are decided."""
        return rec.as_of(self._crm.names.status, self._crm.seen_at.get(rec.ref, self._crm.now.number))

    # 6

    def _revisions_due(self, ticket: Rec) -> Iterator[Due]:
        if not self._crm.in_pipeline(ticket):
            return
        parent = self._crm.parent(ticket)
        closings = [] if parent is None else self._crm.closings(parent)
        versions = self._crm.counting(ticket, self._crm.names.needs_revisions)
        for version in versions:
            roles = self._crm.revisions.get(version.value, ())
            # Set before a decline that came before any look: "a person asked for it", and "everything later is bypassed".
            uncertain = ticket.ref in self._crm.uncertain or (parent is not None and parent.ref in self._crm.uncertain)
            must = not uncertain and not any(c.declined and c.number > version.number for c in closings)
            must = must and not self._crm.declined_elsewhere(ticket, parent, version.number)
            must = must and not self._crm.is_nobodys(ticket, self._crm.names.needs_revisions, version.number)
            must = must and not (parent is not None and self._is_forgotten(parent, version.number))
            key: Key = ("6", ticket.ref.id, version.number)
            for role in roles:
                yield from self._round_due(ticket, version.number, role, key, must=must)
            away = ticket["hs_pipeline_stage"] != self._crm.in_progress
            if roles and away and (ticket.ref, version.number) not in self.kicked:
                # Nobody was there to do it, and the ticket has moved on by itself: whether it goes back is open.
                seen = (ticket.ref, version.number) in self.waiting | self.seen_back
                yield Due(key, "write", None, must and not seen)
        if not versions or versions[-1].value not in self._crm.revisions:
            return
        newest = versions[-1]
        stage = self._crm.run_began(ticket, "hs_pipeline_stage")
        if ticket["hs_pipeline_stage"] != self._crm.in_review or stage.number < newest.number:
            return
        roles = self._crm.revisions[newest.value]
        handled = all((ticket.ref, newest.number, role) in self.served for role in roles)
        kicked = (ticket.ref, newest.number) in self.kicked
        # Asked for before a decline, and bypassed with it: whether it is emptied all the same is not said.
        bypassed = any(c.declined and c.number > newest.number for c in closings)
        open_to_doubt = (ticket.ref, newest.number) in self.seen_back or ticket.ref in self._crm.uncertain or bypassed
        # What one record brought into a merge, and the other one's coming into Pending Approval, are no occasion (M.7, M.13).
        merged_since = self._crm.merged_at.get(ticket.ref, -1) > stage.number
        if kicked or handled or open_to_doubt:
            must = handled and kicked and not bypassed and not merged_since
            yield Due(("6c", ticket.ref.id, newest.number), "clear", None, must)

    def _round_due(self, ticket: Rec, version: int, role: str, key: Key, *, must: bool) -> Iterator[Due]:
        """What one version asks of one role: a task where it opens a round, and the end of the one before."""
        everything = self.rounds.of(ticket, role)
        mine = next(one for one in everything if one.has(version))
        newest = mine is everything[-1]
        if mine.opened == version and self.rounds.tasks(ticket, mine):
            for task in self.rounds.left_open(ticket, mine):
                sure = newest and must and not mine.doubtful and not task.completed_since(version)
                sure = sure and not self._crm.is_forgotten(task)
                # A merge alone closes nothing (M.7), be it the task or what asked for the newer one that it has brought.
                sure = sure and not task.brought and version > self._crm.merged_at.get(ticket.ref, -1)
                yield Due(key, f"close {task.rec.ref.id}", None, sure)
        if (ticket.ref, version, role) in self.served:
            return
        if self.rounds.stands(ticket, role, version):
            if self._is_about_to_be_closed(ticket, mine, version):
                yield Due(key, f"task {role}", role, must=False)  # it counts as closed (6.9)
            return
        # Seen while its task was open, in a pass that was disturbed: that it stands may have been noted.
        must = must and newest and not mine.doubtful and (ticket.ref, version, role) not in self.seen_open
        if mine.opened == version:
            self.openers.add((ticket.ref, version, role))
            # Answered by a ledger since lost with nothing that shows, and delivered since: nothing is left to do.
            must = must and not (self.lost_at > version and self.rounds.is_delivered(ticket, mine))
            may, sure = self._need_not_wait(ticket, mine, version)
            if may:
                yield Due(key, f"task {role}", role, must and sure)
        elif made := self.rounds.tasks(ticket, mine):
            # Deleted after it was asked for again: whether it stood then is not seen. Nor is it after a loss.
            gone = not any(task.rec.lived_at(version) for task in made) and self.lost_at < version
            may, sure = self._need_not_wait(ticket, mine, version)
            if any(task.rec.archived for task in made) and may:
                gone = gone and sure
                yield Due(key, f"task {role}", role, must and gone)

    def _is_about_to_be_closed(self, ticket: Rec, mine: Round, version: int) -> bool:
        """Whether the cycle was closed between the making of the round's open task and this version, which need not wait."""
        if not self._need_not_wait(ticket, mine, version)[0]:
            return False
        parent = self._crm.parent(ticket)
        closings = [] if parent is None else self._crm.closings(parent)
        made = [task.number for task in self.rounds.tasks(ticket, mine) if task.open]
        return any(max(made) < one.number < version for one in closings if made and not one.declined)

    def _need_not_wait(self, ticket: Rec, mine: Round, version: int) -> tuple[bool, bool]:
        """Without a Note since the role's last delivery the task waits for three minutes: whether it may be made, and must."""
        until = next(one.at for one in mine.versions if one.number == version) + NOTES_COME_WITHIN
        may, sure = self.rounds.notes_since_delivery(ticket, mine)
        seen = self._crm.seen_at.get(ticket.ref, 0)
        looked_late = self._crm.seen_ms.get(ticket.ref, 0) >= until
        return bool(may) or self._crm.now.at >= until, looked_late or any(note.number <= seen for note in sure)

    def notes_until(self, ticket: Rec) -> int | None:
        """When a version's three minutes are up, and it is looked for late Notes: the next such moment."""
        versions = ticket.history.get(self._crm.names.needs_revisions, ())
        moments = [one.at + NOTES_COME_WITHIN for one in versions if one.value in self._crm.revisions]
        return min((moment for moment in moments if moment > self._crm.now.at), default=None)

    def notes_missing(self, ticket: Rec) -> Iterator[str]:
        """Every Note since the last delivery, up to three minutes after a version of the round, is in its open task."""
        if ticket.ref.kind != "ticket" or not self._crm.in_pipeline(ticket) or ticket.ref in self._crm.uncertain:
            return
        if not self._crm.is_inside(ticket):
            return
        seen_at, seen_ms = self._crm.seen_at.get(ticket.ref, 0), self._crm.seen_ms.get(ticket.ref, 0)
        for role in (CW, GD):
            now = self.rounds.of(ticket, role)[-1:]
            tasks = [task for task in self.rounds.tasks(ticket, now[0]) if self._is_told(task)] if now else []
            if not tasks or now[0].doubtful or max(tasks[-1].cause, now[0].versions[-1].number) < self.lost_at:
                continue
            until = max(
                (one.at + NOTES_COME_WITHIN for one in now[0].versions if one.at + NOTES_COME_WITHIN <= seen_ms),
                default=0,
            )
            _, sure = self.rounds.notes_since_delivery(ticket, now[0])
            # One that was left after those minutes with an earlier time has come when nobody looks for it any more (6.21).
            known = [note for note in sure if note.number <= seen_at and note.at <= until]
            known = [note for note in known if note.ref not in self._crm.notes_brought]
            due = {note.ref.id for note in known if self._crm.note_at(note) <= until}
            for task in tasks:
                if task.brought:
                    continue  # a merge alone adds nothing to it (M.7)
                body = task.rec["hs_task_body"]
                if due - notes_quoted(body) and not are_left_out(body):
                    yield f"handoff 6: notes {sorted(due - notes_quoted(body))} are not in {task.rec.ref}"

    def _is_told(self, task: Task) -> bool:
        """Whether a task has been open all the time, and its body is the service's own words."""
        body = task.rec.history["hs_task_body"]
        return task.open and not task.completed_since(0) and all(version.own for version in body)

    # 7, and 8 by a task

    def _implementation_due(self, rec: Rec, closings: Sequence[Closing], cycle: int, *, pending: bool) -> Iterator[Due]:
        if rec[self._crm.names.status] != self._crm.approved:
            return
        version = self._crm.run_began(rec, self._crm.names.status)
        tasks = [task for task in self._crm.tasks_on(rec, "7") if self._crm.cycle(closings, task.began) == cycle]
        key: Key = ("7", rec.ref.id, version.number)
        fired = key in self.offers and self.offers[key].fired
        stands = self.task_of.get(version.number)
        uncertain = rec.ref in self._crm.uncertain  # whether an open task that a merge brought along stands is not said
        # One that a person has deleted stood for it: whether that is known after a loss is open.
        forgotten = stands is not None and self._crm.tasks[stands].rec.archived and self.lost_at > version.number
        if forgotten and not fired:
            yield Due(key, "task", SAS, must=False)
            yield Due(key, "email", SAS, must=False)
        again = tasks[-1] if tasks and not tasks[-1].rec.archived and not tasks[-1].open else None
        completed = None if again is None else self._crm.run_began(again.rec, "hs_task_status")
        # Completed before this version, and it may be opened again (7.13).
        undone = completed is not None and completed.number < version.number and self._crm.waits(completed.at)
        if not fired and stands is None and not undone and (uncertain or not any(task.open for task in tasks)):
            # Set again and seen while a task was open, in a pass that was disturbed: that it stands may have been noted.
            must = version.number not in self.seen_standing
            must = must and (completed is None or self._crm.now.at - completed.at >= SETTLE + TOLD)
            yield Due(key, "task", SAS, must)
            yield Due(key, "email", SAS, must)
        if again is not None and completed is not None and not self._crm.waits(completed.at):
            # Until the service has rested, which version the task stands for may be open; not if it was done before it.
            must = stands == again.rec.ref
            if must or (not fired and completed.number > version.number):
                must = must and self._crm.now.at - completed.at >= SETTLE + TOLD
                must = (
                    must and again.joined <= completed.number
                )  # else completed before the merge that brought it (M.12)
                # Nothing comes before an ending that is blocked.
                yield Due(("8t", rec.ref.id, version.number), "write", None, must and not pending)
        elif any(self._closes_beside_the_newest(rec, task) for task in tasks[:-1]):
            yield Due(("8t", rec.ref.id, version.number), "write", None, must=False)

    def _closes_beside_the_newest(self, rec: Rec, task: Task) -> bool:
        """Of a merged record the newest task of either closes the cycle, if it is completed after the merge (M.12)."""
        merged, done = self._crm.merged_at.get(rec.ref), self._crm.run_began(task.rec, "hs_task_status")
        return merged is not None and not task.rec.archived and not task.open and done.number > merged

    def open_revisions_stand(self, ticket: Rec) -> None:
        """A role with an open revision task has that one for whatever was asked for until it was looked at."""
        looked = self._crm.seen_at.get(ticket.ref, 0)
        self.served |= {
            (ticket.ref, version.number, role)
            for version, role in self._crm.revisions_asked(ticket)
            if self.rounds.stands(ticket, role, version.number)
            or (version.number <= looked and self.rounds.stands(ticket, role, version.number, looked))
        }
