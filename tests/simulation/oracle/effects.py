"""What the service did, effect by effect: each must fill an empty slot of an offer (see `judge`), and rightly."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta

from tests.simulation import editions
from tests.simulation.event_log import Mailed, Ref, Updated
from tests.simulation.oracle.announcements import read
from tests.simulation.oracle.audit import Audit, unmarked
from tests.simulation.oracle.calendar import next_date
from tests.simulation.oracle.finding import Verdict
from tests.simulation.oracle.handoffs import NOTES_COME_WITHIN, Handoffs, Offer
from tests.simulation.oracle.live import misplaced
from tests.simulation.oracle.notes import Notes
from tests.simulation.oracle.record import (
    AM,
    CW,
    GD,
    NOBODY,
    SAS,
    TASKS,
    Rec,
    Task,
    folder_of,
)
from tests.simulation.oracle.records import OWNERS_CACHED, Records, role_property
from tests.simulation.oracle.rounds import are_left_out, notes_quoted

LANDED_AFTER = 90_000
"""How long after a lost database a task may still come that was on its way (docs/process.md G.7 and G.11)."""

IN_FLIGHT = 60_000
"""How long a write may be under way: what people change meanwhile it cannot know."""

EMAILS = (
    ("Creative refresh of ", ": please ask the client (", "1", "email", AM),
    ("Creative refresh of ", ": time to create the tickets", "3", "email", SAS),
    ("Ready for client review: ", " (", "5", "email am", AM),
    ("In client review: ", " (", "5", "email sas", SAS),
    ("Client approved: please implement the new creatives of ", "", "7", "email", SAS),
    ("The new creatives of ", " are live", "8", "email", AM),
)
"""What stands before and after the portfolio's name, the handoff, the slot and the receiver's role."""


def _set_named(subject: str) -> tuple[str, str]:
    """The folder that the subject of an announcement names at its end, and which announcement it says it is; else nothing."""
    announced = subject.startswith((" (", "Share Deliverables With Client: "))
    found = re.search(r"\((.*)\)(?:, (\S+) announcement)?\s*$", subject) if announced else None
    return ("", "") if found is None else (folder_of(found[1]), found[2] or "")


def _cause_of(offer: Offer) -> int:
    """The version that caused it; of an announcement (5) the one that made the set ready."""
    entries = [entry for part in offer.key[4:] if isinstance(part, frozenset) for entry in part]
    return max((number for _, number in entries), default=int(str(offer.key[2])))


class Effects:
    """Tasks, emails and writes against the offers of them. What no offer explains is found `unexplained` or `doubled`."""

    def __init__(
        self,
        records: Records,
        handoffs: Handoffs,
        audit: Audit,
        notes: Notes,
        emails: Mapping[str, str],
        find: Callable[[Verdict, str], None],
    ) -> None:
        """`emails`: owner ids by address."""
        self._crm = records
        self._handoffs = handoffs
        self._audit = audit
        self._notes = notes
        self._owner_of = dict(emails)
        self._find = find
        self.ledger_began = -1  # when the service first looked after it had lost its database; 0: it has not yet
        self.approvals_reset: list[
            tuple[Ref, str, int]
        ] = []  # ticket, role and version of each revision's task of this pass
        self.lacked: list[int] = []  # when an answer lacked something
        self._read_at: dict[Ref, int] = {}  # the number of the newest reading of each record, before a write too
        self._read_pending: dict[Ref, int] = {}  # the newest reading that showed Creatives Pending Approval

    def note_reading(self, refs: Iterable[Ref]) -> None:
        self._read_at.update(dict.fromkeys(refs, self._crm.now.number))
        for ref in refs:
            if (rec := self._crm.rec(ref)) is not None and rec[self._crm.names.status] == self._crm.pending:
                self._read_pending[rec.ref] = self._crm.now.number

    def _take(
        self,
        handoff: str,
        slot: str,
        parent: Ref | None,
        ticket: Ref | None = None,
        folder: str = "",
        number: str = "",
        text: str = "",
    ) -> Offer | None:
        """Fill the slot of the newest offer that has it empty; of one that has begun before all others.

        Of announcements (5) of one set it is the one that may be called by this `number`: what an earlier one had still to
        do is dropped. Before that it is the one whose `text` this is: a ticket that came in mid-pass may be in it or not.
        """
        found = [
            offer
            for offer in self._handoffs.offers.values()
            if offer.key[0] == handoff
            and slot in offer.slots
            and (ticket is None or self._crm.same(offer.ticket, ticket))
            and (parent is None or ticket is not None or self._crm.same(offer.parent, parent))
            and (not folder or offer.key[3] == folder)
        ]
        if not found:
            return None
        best = max(
            found,
            key=lambda offer: (
                not offer.lost,
                self._was_known(offer),
                self._may_say(offer, text),
                self._may_be_called(offer, number),
                *_newest(offer),
            ),
        )
        self._fill(best, slot)
        if handoff == "5" and folder and best.called is None:
            best.called = number
        return best

    def _may_say(self, offer: Offer, text: str) -> bool:
        said = self._handoffs.said.get(offer.key, set()) if offer.key[0] == "5" and text else None
        return said is None or read(text) in said

    def _may_be_called(self, offer: Offer, number: str) -> bool:
        if offer.called is not None:
            return offer.called == number
        said = self._handoffs.said.get(offer.key, set())
        return said is None or any(one.number == number for one in said)

    def _was_known(self, offer: Offer) -> bool:
        """Whether the approval (7) or the revision (6) was there at the newest look: one that came since is not answered."""
        if offer.key[0] == "6":
            return offer.ticket is not None and int(str(offer.key[2])) <= self._crm.seen_at.get(offer.ticket, 0)
        parent = self._crm.rec(offer.parent)
        return offer.key[0] != "7" or parent is None or int(str(offer.key[2])) <= self._crm.seen_at.get(parent.ref, 0)

    def _fill(self, offer: Offer, slot: str) -> None:
        if not self._is_inside(offer):
            self._find(
                "unexplained", f"handoff {offer.key[0]}: {slot} for {offer.ticket or offer.parent}, which is outside"
            )
        del offer.slots[slot]
        offer.filled[slot] = self._crm.now.number
        offer.done_at = offer.done_at or self._crm.now.at
        parent = self._crm.rec(offer.parent)
        offer.done_by = offer.done_by or (0 if parent is None else self._crm.seen_at.get(parent.ref, 0))
        if (
            self.ledger_began == 0 or self._crm.now.at < self.ledger_began
        ):  # it landed late: the process that knew of it was gone
            offer.lost = True

    def _is_inside(self, offer: Offer) -> bool:
        """Whether the condition held for its portfolio (W.6): now, or when it was last read; a late write is of long before."""
        ticket = self._crm.rec(offer.ticket)
        parent = self._crm.rec(offer.parent) if ticket is None else self._crm.parent(ticket)
        if parent is None or getattr(self._crm.now, "late", False) or self._crm.is_inside(parent):
            return True
        names = [name for name, _ in self._crm.calendar.terms.condition]
        read = self._crm.seen_at.get(parent.ref, 0)
        return self._crm.calendar.terms.holds({name: parent.as_of(name, read) for name in names})

    def _was_done(self, handoff: str, slot: str, parent: Ref | None, ticket: Ref | None = None) -> bool:
        return any(
            offer.key[0] == handoff
            and slot in offer.filled
            and (self._crm.same(offer.ticket, ticket) if ticket is not None else self._crm.same(offer.parent, parent))
            and (parent is None or offer.cycle == self._crm.cycle_now(parent))
            for offer in self._handoffs.offers.values()
        )

    def _not_offered(self, what: str, handoff: str, slot: str, parent: Ref | None, ticket: Ref | None = None) -> None:
        verdict: Verdict = "doubled" if self._was_done(handoff, slot, parent, ticket) else "unexplained"
        self._find(verdict, f"handoff {handoff}: {what}")

    def _check_editions(self, offer: Offer, place: str, found: Sequence[int], what: str) -> None:
        """F.1, C.8: a text is of the mapping that was in force when it was first tried, or later; no older one."""
        for part, edition in zip(("subject", "body"), found, strict=True):
            in_force = {terms.editions.get(f"{place}.{part}", 0) for terms in self._crm.calendar.since(offer.at)}
            if edition not in in_force:
                self._find(
                    "unexplained", f"{what}: its {part} is edition {edition}, where {sorted(in_force)} is in force"
                )

    def made(self, rec: Rec, on: Sequence[Ref], of: Sequence[int], *, late: bool) -> None:
        """`of`: the editions of its subject and its body."""
        subject = rec["hs_task_subject"]
        kind = next((one for one in TASKS if subject.startswith(one)), None)
        if rec.ref.kind != "task" or kind is None:
            self._find("unexplained", f"the service made {rec.ref} “{subject}”")
            return
        handoff, role = TASKS[kind]
        parent = next((ref for ref in on if ref.kind == "portfolio"), None)
        ticket = next((ref for ref in on if ref.kind == "ticket"), None)
        what = f"{rec.ref} “{subject}” on {', '.join(map(str, sorted(on)))}"
        task = Task(rec, kind, parent, ticket if handoff in {"4", "6"} else None, self._crm.now.number)
        slot = f"task {role}" if handoff == "6" else "task"
        folder, number = _set_named(subject)
        offer = (
            self._take_role(ticket, role)
            if handoff == "4"
            else self._take(handoff, slot, parent, task.ticket, folder, number, rec["hs_task_body"])
        )
        self._crm.tasks[rec.ref] = task
        if offer is None:
            self._not_offered(what, handoff, slot, parent, task.ticket)
            return
        self._check_editions(offer, f"tasks.{editions.TASKS[kind]}", of, what)
        if late and offer.told_again and self._crm.now.at <= self.ledger_began + LANDED_AFTER:
            self._find("doubled", f"handoff {handoff}: {what}: lands after its emails were sent once more")
        self._check_advanced(offer, what)
        self._check_places(offer, parent, ticket, handoff, what, late=late)
        self._check_owner(offer, rec["hubspot_owner_id"], role, what, parent)
        self._check_text(offer, number, rec["hs_task_body"], what)
        if handoff == "1":
            self._check_due_day(offer, rec, what, late=late)
        self._check_notes(offer, rec, parent, ticket, what, late=late)
        if handoff == "6" and ticket is not None:
            task.cause = int(str(offer.key[2]))
            self._check_round(offer, ticket, role, rec)
            self._revision_answered(ticket, role, task.cause)
            if (ticket, task.cause, role) in self._handoffs.openers:
                self.approvals_reset.append((ticket, role, task.cause))
        if handoff in {"1", "3", "5", "7"} and parent is not None:
            cause = int(str(offer.key[2]))
            if cause < self._crm.cycle_now(parent):  # its cycle ended before it was made
                task.cause = max(cause, 1)
        if handoff == "7":
            self._handoffs.task_of[int(str(offer.key[2]))] = rec.ref

    def _check_notes(
        self, offer: Offer, task: Rec, parent: Ref | None, ticket: Ref | None, what: str, *, late: bool
    ) -> None:
        """3.13 and 4.14, unless too much is open: of what was merged or is on the move, or was sent long before."""
        on, near = self._crm.rec(parent), self._crm.rec(ticket)
        if offer.key[0] not in {"3", "4"} or on is None or late or on.ref in self._crm.merged_at:
            return
        if near is None:
            self._notes.check(offer, task, on, self._crm.now.number, what)
        elif near.ref not in self._crm.uncertain | self._crm.moving and not self._crm.was_elsewhere(near):
            self._notes.check(offer, task, on, self._crm.run_began(near, "hs_pipeline").number, what)

    def _check_round(self, offer: Offer, ref: Ref, role: str, rec: Rec) -> None:
        """6.11, 6.18: the task says which round it is, and quotes the Notes since the role's last delivery."""
        ticket = self._crm.rec(ref)
        if ticket is None or ticket.ref in self._crm.uncertain:
            return
        if 0 < offer.done_by < self._crm.merged_at.get(ticket.ref, -1):
            return  # decided for the ticket that it was asked of (C.8, M.7), whose rounds and Notes were not this one's
        rounds, cause = self._handoffs.rounds.of(ticket, role), int(str(offer.key[2]))
        mine = next(one for one in rounds if one.has(cause))
        made = len({one.number for one in rounds if one is not mine and self._handoffs.rounds.tasks(ticket, one)})
        # What a decline has bypassed was no round; whether those of another ticket that was merged into it count is not said.
        theirs = {task.cause for task in self._handoffs.rounds.all_tasks(ticket, role)}
        brought = sum(not any(one.has(version) for one in rounds) for version in theirs)
        numbers = range(1 + made, mine.number + brought + 1)
        if not any(f"This is round {number} of the changes" in rec["hs_task_body"] for number in numbers):
            self._find("unexplained", f"handoff 6: {rec.ref} “{rec['hs_task_subject']}”: is round {list(numbers)}")
        may, sure = self._handoffs.rounds.notes_since_delivery(ticket, mine)
        quoted = notes_quoted(rec["hs_task_body"])
        if older := quoted - {note.ref.id for note in may}:
            self._find("unexplained", f"handoff 6: {rec.ref} quotes notes {sorted(older)}, not since the last delivery")
        seen, version = self._crm.seen_at.get(ticket.ref, 0), next(v for v in mine.versions if v.number == cause)
        waited = offer.done_at < version.at + NOTES_COME_WITHIN and all(note.number > offer.done_by for note in sure)
        if offer.done_by and not waited:  # it stands as it was decided, from the first try of any of it on (C.8)
            seen = min(seen, offer.done_by)
        # When the other role's was made, this one's was decided as well, and waited for a person from then on.
        others = (number for slot, number in offer.filled.items() if slot.startswith("task"))
        seen = min([seen, *others])
        known = {note.ref.id for note in sure if note.number <= seen}
        if known - quoted and not are_left_out(rec["hs_task_body"]):
            self._find("missing", f"handoff 6: {rec.ref} does not quote notes {sorted(known - quoted)}")

    def _take_role(self, ticket: Ref | None, role: str) -> Offer | None:
        found = self._handoffs.offers.get(("4", "" if ticket is None else ticket.id, role))
        if found is None or "task" not in found.slots:
            return None
        self._fill(found, "task")
        return found

    def _revision_answered(self, ticket: Ref, role: str, cause: int) -> None:
        """A task answers all that the role was asked for until then: of several rounds the newest alone gets one."""
        for offer in self._handoffs.offers.values():
            if offer.key[:2] != ("6", ticket.id) or int(str(offer.key[2])) > cause:
                continue
            if f"task {role}" in offer.slots or f"task {role}" in offer.filled:
                self._handoffs.served.add((ticket, int(str(offer.key[2])), role))
                offer.slots.pop(f"task {role}", None)
                offer.filled.setdefault(f"task {role}", self._crm.now.number)

    def _check_places(
        self, offer: Offer, parent: Ref | None, ticket: Ref | None, handoff: str, what: str, *, late: bool
    ) -> None:
        wanted = offer.ticket if handoff in {"4", "6"} else None
        if not self._crm.same(wanted, ticket):
            self._find("unexplained", f"handoff {handoff}: {what}: is not on {wanted}")
        elif offer.parent is not None and not self._crm.same(offer.parent, parent):
            rec = self._crm.rec(ticket)
            now = None if rec is None else self._crm.parent(rec)
            moved = ticket in self._crm.moving or (late and self._crm.was_on(ticket, parent))
            if not self._crm.same(None if now is None else now.ref, parent) and not moved:
                self._find("unexplained", f"handoff {handoff}: {what}: is not on {offer.parent}")

    def _check_owner(self, offer: Offer, owner: str, role: str, what: str, on: Ref | None) -> None:
        """Whoever had the role at some moment since the offer's first look, and had not left long before.

        `on`: the portfolio that it was done on.
        """
        ticket = self._crm.rec(offer.ticket)
        parents = [
            self._crm.rec(offer.parent),
            self._crm.rec(on),
            self._crm.parent(ticket) if ticket is not None else None,
        ]
        recs = [rec for rec in (ticket, *parents) if rec is not None]
        # One that has been merged since it was looked at named its own people.
        merged = [rec.ref for rec in recs if self._crm.merged_at.get(rec.ref, -1) > offer.number]
        recs += [former for ref in merged for former in self._crm.former[ref]]
        in_force = self._crm.calendar.since(offer.at)
        named = {terms.stand_ins.get(role, "") for terms in in_force}
        for rec in recs:
            if rec.ref.kind == "ticket" and role not in {CW, GD}:
                continue
            for name in {role_property(terms, role, rec) for terms in in_force}:
                named |= {rec.as_of(name, offer.number)}
                named |= {v.value for v in rec.history.get(name, ()) if v.number >= offer.number}
        changes = self._crm.owner_changes.get(owner, [])
        since = offer.at - OWNERS_CACHED
        ended = [at for at, active in changes if not active]
        back = [at for at, active in changes if active and ended and at >= ended[-1]]
        left_before = bool(ended) and ended[-1] < since and not back
        if owner not in named or left_before:
            self._find("unexplained", f"{what}: for owner {owner}, who is not the {role}")

    def _check_due_day(self, offer: Offer, rec: Rec, what: str, *, late: bool) -> None:
        """1.11: no later than the Refresh Date, never before the day on which it was made.

        The date is any that stood since the offer's first look: from the first try on the task stands as it was decided.
        """
        parent, due = self._crm.rec(offer.parent), self._crm.calendar.day_of(rec["hs_timestamp"], self._crm.now.at)
        if parent is None:
            return
        name = self._crm.names.date
        dates = [parent.as_of(name, offer.read), *(v.value for v in parent.history[name] if v.number > offer.read)]
        latest = max((date.fromisoformat(one) for one in dates if one), default=date.max)
        if due > max(latest, self._crm.today):
            self._find("unexplained", f"{what}: is due on {due}, after the Refresh Date {latest}")
        made = min(
            self._crm.today, self._crm.calendar.today_at(self._crm.now.at - IN_FLIGHT)
        )  # in the zone of then, or of now
        if due < made and not late:
            self._find("unexplained", f"{what}: is due on {due}, before the day on which it was made")

    def mailed(self, event: Mailed) -> None:
        what = f"email to {event.to} “{event.subject}”"
        for before, after, handoff, slot, role in EMAILS:
            if not event.subject.startswith(before) or after not in event.subject:
                continue
            rest = event.subject.removeprefix(before)
            name = rest[: rest.index(after)] if after else rest
            parent = self._crm.portfolio_named(name)
            folder, number = _set_named(rest[len(name) :])
            offer = self._take(handoff, slot, parent, None, folder, number, event.text)
            if offer is None:
                if parent not in self._crm.uncertain and not (
                    parent == NOBODY and self._crm.uncertain
                ):  # else merged in mid-pass
                    self._not_offered(what, handoff, slot, parent)
            else:
                offer.told_again |= slot in offer.forgotten
                self._check_advanced(offer, what)
                self._check_owner(offer, self._owner_of.get(event.to, ""), role, what, parent)
                self._check_editions(offer, f"emails.{editions.EMAILS[handoff, slot]}", event.editions, what)
                self._check_text(offer, number, event.text, what)
                if handoff == "8":
                    self._check_live(offer, parent, event.text, what)
            return
        self._find("unexplained", what)

    def _check_live(self, offer: Offer, parent: Ref | None, text: str, what: str) -> None:
        closing, portfolio = int(str(offer.key[2])), self._crm.rec(parent)
        if closing not in self._crm.resets and (portfolio is None or portfolio.ref not in self._crm.uncertain):
            self._find("unexplained", f"handoff 9: {what}: before the reset was written")
        if portfolio is not None and not offer.lost and not self.lacked:
            for one in misplaced(self._crm, portfolio, closing, text):
                self._find("unexplained", f"handoff 9: {what}: {one}")

    def _check_text(self, offer: Offer, number: str, text: str, what: str) -> None:
        """Of an announcement (5.17, 5.23, 5.21): it stands as it was decided, at some look since it was first offered."""
        right, said = self._handoffs.said.get(offer.key), read(text)
        if offer.key[0] != "5" or right is None or offer.lost:
            return
        if any(at > offer.at - IN_FLIGHT for at in self.lacked):
            # A ticket that came incomplete counts for its set as one that is not ready (R.3, 5.21): which did is not seen.
            right, said = {one._replace(others=frozenset()) for one in right}, said._replace(others=frozenset())
        if offer.cycle < self._crm.lost_at:
            # What was told by emails alone before the loss shows in nothing but what came of it (5.23): it may be counted.
            right = {one._replace(number=said.number, fresh=said.fresh) for one in right}
        if said not in right:
            told = "; or ".join(str(one) for one in sorted(right, key=str))
            self._find("unexplained", f"handoff 5: {what}: it says {said}, where it should say {told}")
        elif said.number != number:
            self._find("unexplained", f"handoff 5: {what}: the text calls it the {said.number or 'first'}")

    def written(self, rec: Rec, event: Updated) -> None:
        match rec.ref.kind:
            case "portfolio":
                self._portfolio_written(rec, event)
            case "ticket":
                self._ticket_written(rec, event)
            case "task":
                self._task_written(rec, event)
            case _:
                self._find("unexplained", f"the service wrote {event.values} on {rec.ref}")

    def _portfolio_written(self, rec: Rec, event: Updated) -> None:
        names, values = self._crm.names, dict(event.values)
        status, day = values.pop(names.status, None), values.pop(names.date, None)
        what = f"{rec.ref} ← {event.values}"
        if values:
            self._find("unexplained", f"the service wrote {what}")
        if status == self._crm.implemented and day is None:
            self._need("8t", "write", rec, what)
        elif status == self._crm.pending and day is None:
            self._advanced(rec, what)
        elif status == "" and day is None:
            self._need("1", "clear", rec, what)
        elif day is not None and status == self._crm.pending:
            # 2a, and a set of the new cycle that is ready, in one write.
            self._advanced(rec, what)
            self._dated(rec, date.fromisoformat(day) if day else None, None, what, late=event.late)
        elif day is not None and status in {None, ""}:
            self._dated(rec, date.fromisoformat(day) if day else None, status, what, late=event.late)
        elif status is not None or day is not None:
            self._find("unexplained", f"the service wrote {what}")

    def _need(self, handoff: str, slot: str, rec: Rec, what: str) -> Offer | None:
        offer = self._take(handoff, slot, rec.ref)
        if offer is None:
            self._not_offered(what, handoff, slot, rec.ref)
        return offer

    def _advanced(self, rec: Rec, what: str) -> None:
        """One advance answers every set that was ready."""
        if self._status_read(rec) in {self._crm.approved, self._crm.implemented}:
            self._find("unexplained", f"handoff 5: {what}: the status went backwards")
        offer = self._need("5", "write", rec, what)
        for other in self._handoffs.offers.values():
            if offer is not None and other.key[:3] == offer.key[:3] and "write" in other.slots:
                self._fill(other, "write")

    def _check_advanced(self, offer: Offer, what: str) -> None:
        """Nobody is told of a set (5) whose status is still to be advanced: at the write a person may prove to have
        approved, and then it is bypassed."""
        parent = self._crm.rec(offer.parent)
        if parent is None or offer.key[0] != "5" or "write" not in offer.slots or offer.lost:
            return
        if parent[self._crm.names.status] == self._crm.pending:
            # A write of what stands already leaves no version: a person may have set it just before.
            self._fill(offer, "write")
        elif self._read_pending.get(parent.ref, -1) < offer.read:
            self._find("unexplained", f"handoff 5: {what}: the status was not advanced")

    def _status_read(self, rec: Rec) -> str:
        """What it was at the last reading: what a person sets between that and the write nobody can see."""
        return rec.as_of(self._crm.names.status, self._read_at.get(rec.ref, self._crm.now.number))

    def _dated(self, rec: Rec, day: date | None, status: str | None, what: str, *, late: bool) -> None:
        """The date was moved: by a decline (2a), or by a closing (8), whose write clears the status too."""
        slots = {"8": "reset"} if status is not None else {"2a": "date", "8": "reset"}
        # Those that are none any more were a slip, seen before it was one.
        still = {closing.number for closing in self._crm.closings(rec)}
        oldest = min(
            (
                one
                for one in self._handoffs.offers.values()
                if slots.get(str(one.key[0])) in one.slots and self._crm.same(one.parent, rec.ref)
            ),
            key=lambda one: (int(str(one.key[2])) not in still, int(str(one.key[2]))),
            default=None,
        )
        offer, handoff = oldest, None if oldest is None else str(oldest.key[0])
        if offer is not None:
            self._fill(offer, slots[str(offer.key[0])])
        if offer is not None and handoff == "8":
            self._crm.resets.add(int(str(offer.key[2])))
            if status == "" and self._status_read(rec) not in {self._crm.implemented, ""} and not late:
                self._find("unexplained", f"handoff 8: {what}: over the status that a person has set since")
            # A write of what stands already leaves no version: a person may have emptied it just before.
            if status is None and {self._status_read(rec), rec[self._crm.names.status]} == {self._crm.implemented}:
                self._find("missing", f"handoff 8: {what}: the status was not cleared in the same write")
        if offer is None:
            self._not_offered(what, "8" if status == "" else "2a", "reset" if status == "" else "date", rec.ref)
            return
        expected = self._dates_expected(rec, offer)
        if day not in expected:
            told = ", ".join(sorted(map(str, expected)))
            self._find("unexplained", f"handoff {offer.key[0]}: {what}: the next date is {told or 'none'}")

    def date_stands_already(self, rec: Rec) -> None:
        """A decline's move of the date to the very day that a person has set in mid-pass leaves no version: it may be done."""
        versions = rec.history.get(self._crm.names.date, ())
        newest = versions[-1] if versions else None
        if newest is None or newest.own or not newest.value or newest.at <= self._crm.now.at - IN_FLIGHT:
            return
        offers = [one for one in self._handoffs.offers.values() if one.key[0] == "2a" and "date" in one.slots]
        mine = [one for one in offers if self._crm.same(one.parent, rec.ref) and one.read < newest.number]
        oldest = min(mine, key=lambda one: int(str(one.key[2])), default=None)
        if oldest is not None and date.fromisoformat(newest.value) in self._dates_expected(rec, oldest):
            self._fill(oldest, "date")

    def _dates_expected(self, rec: Rec, offer: Offer) -> set[date | None]:
        """By what the record and the calendar said at some moment since the closing was first looked at."""
        names = self._crm.names
        cadences = {rec.as_of(names.cadence, offer.number), rec[names.cadence]}
        cadences |= {v.value for v in rec.history.get(names.cadence, ()) if v.number > offer.number}
        first, last = sorted(
            (self._crm.calendar.today_at(offer.at), self._crm.today)
        )  # another zone may turn them round
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        moved = [v.number for v in rec.history.get(names.date, ()) if v.at > self._crm.now.at - IN_FLIGHT]
        froms = {
            (rec.as_of(names.date, number), day)
            for number in (self._crm.now.number, *(number - 1 for number in moved))
            for day in self._chosen_days(rec, number)
        }
        periods = {terms.period(cadence) for terms in self._crm.calendar.since(offer.at) for cadence in cadences}
        return {
            next_date(date.fromisoformat(raw) if raw else None, period, today, day)
            for raw, day in froms
            for period in periods
            for today in days
        } - {None}

    def _chosen_days(self, rec: Rec, number: int) -> set[int | None]:
        """The day of the month that a person has chosen last as of then (docs/process.md D.9); None: nobody has.

        Where the date was cleared, the next one was counted from some day about the time of its write, whose day is kept as
        long as the ledger remembers it.
        """
        history = [version for version in rec.history.get(self._crm.names.date, ()) if version.number <= number]
        chosen = max((place for place, version in enumerate(history) if not version.own), default=None)
        if chosen is None:
            return {None}
        if history[chosen].value:
            return {date.fromisoformat(history[chosen].value).day}
        written = [self._crm.calendar.today_at(version.at) for version in history[chosen + 1 : chosen + 2]]
        return {None, *(found.day for day in written for found in (day, day - timedelta(days=1)))}

    def _ticket_written(self, ticket: Rec, event: Updated) -> None:
        names, values = self._crm.names, dict(event.values)
        what = f"{ticket.ref} ← {event.values}"
        offers = [o for o in self._handoffs.offers.values() if o.key[:2] == ("6", ticket.ref.id)]
        # What a person asked for after the last look is another kick-back.
        seen = self._crm.seen_at.get(ticket.ref, self._crm.now.number)
        known = [offer for offer in offers if int(str(offer.key[2])) <= seen]
        if values.pop("hs_pipeline_stage", None) == self._crm.in_progress:
            self._take_all(known, "write", what)
            self._handoffs.kicked |= {(ticket.ref, int(str(offer.key[2]))) for offer in known}
            self._handoffs.open_revisions_stand(ticket)
        for role, name in self._crm.approvals.items():
            if name in values:
                value = values.pop(name)
                unanswered = self._handoffs.openers - self._handoffs.served  # its task may wait for a Note
                if value != "" or not any((ref, of) == (ticket.ref, role) for ref, _, of in unanswered):
                    self._find("unexplained", f"handoff 6: {what}: {name} is not to be reset")
        if names.needs_revisions in values:
            value = values.pop(names.needs_revisions)
            if value != "" or self._take("6c", "clear", None, ticket.ref) is None:
                self._find("unexplained", f"handoff 6: {what}: Needs Revisions is not to be cleared yet")
        if values:
            self._find("unexplained", f"the service wrote {what}")

    def _take_all(self, offers: Sequence[Offer], slot: str, what: str) -> None:
        found = [offer for offer in offers if slot in offer.slots]
        if not found:
            self._find("unexplained", f"handoff 6: {what}: no revision asks for it")
        for offer in found:
            self._fill(offer, slot)

    def _line_added(self, rec: Rec, body: str) -> None:
        """6.20: to a task of revisions, with Notes that it does not quote yet; `audit` sees that nothing is lost."""
        task = self._crm.tasks.get(rec.ref)
        ticket = None if task is None else self._crm.rec(task.ticket)
        if task is None or ticket is None or not task.kind.startswith("Revise"):
            self._find("unexplained", f"the service adds to the body of {rec.ref}")
            return
        before, role = unmarked(rec["hs_task_body"]), TASKS[task.kind][1]
        versions = [version for version, of in self._crm.revisions_asked(ticket) if of == role]
        until = max((version.at for version in versions), default=0) + NOTES_COME_WITHIN
        added = notes_quoted(unmarked(body).removeprefix(before))
        late = {note.ref.id for note in self._crm.notes(ticket) if self._crm.note_at(note) <= until}
        if (not added or added - late or added & notes_quoted(before)) and ticket.ref not in self._crm.uncertain:
            self._find("unexplained", f"handoff 6: a line in {rec.ref} with notes {sorted(added)}")

    def _check_line(self, place: str, event: Updated, since: int, what: str) -> None:
        in_force = {terms.editions.get(place, 0) for terms in self._crm.calendar.since(since)}
        if editions.BODY in event.values and event.edition not in in_force:
            self._find(
                "unexplained", f"{what}: its line is edition {event.edition}, where {sorted(in_force)} is in force"
            )

    def _task_written(self, rec: Rec, event: Updated) -> None:
        what = f"{rec.ref} “{rec['hs_task_subject']}” ← {event.values.get('hs_task_status')}"
        status = event.values.get("hs_task_status")
        if event.values.keys() == {"hs_task_body"} and rec["hs_task_status"] != "COMPLETED":
            self._line_added(rec, event.values["hs_task_body"])
            return
        if status is None and rec["hs_task_status"] == "COMPLETED":
            since = self._crm.run_began(rec, "hs_task_status")
            status = "COMPLETED" if since.at > event.at - IN_FLIGHT else None  # a person was faster than the write
        if set(event.values) - {"hs_task_status", "hs_task_body"} or status != "COMPLETED":
            self._find("unexplained", f"the service wrote {what} {sorted(event.values)}")
            return
        offer = self._take_closing(f"close {rec.ref.id}")
        if offer is None:
            self._find("unexplained", f"the service closed {what}")
        else:
            self._check_line("closing_line", event, offer.at, what)
            self._audit.closed(rec, offer.parent, _cause_of(offer))

    def _take_closing(self, slot: str) -> Offer | None:
        """Fill the slot of whatever asked for it last: an ending of before may still offer what a later one has asked for."""
        offers = self._handoffs.offers.values()
        found = [offer for offer in offers if offer.key[0] in {"2a", "8", "6", "5"} and slot in offer.slots]
        if not found:
            return None
        best = max(found, key=lambda offer: (self._was_known(offer), _cause_of(offer), _newest(offer)))
        self._fill(best, slot)
        return best


def _newest(offer: Offer) -> tuple[bool | int, int]:
    """Of the offers of revisions (6) the newest version's; of others that which has begun, and was offered last."""
    return (int(str(offer.key[2])), 0) if offer.key[0] == "6" else (bool(offer.filled), offer.last)
