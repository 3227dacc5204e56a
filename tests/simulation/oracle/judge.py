"""Says from docs/process.md alone what must and must not have come of people's acts. It shares no code with the rules.

Its method. It walks once through the event log: every change of every record in the order in which it happened, with
the whole history, and the moments at which the service read a record ("looks") and went to rest. It never asks the
service what it thought, nor reads its ledger or the keys on its tasks: a task is known by its subject, its owner and
the records it is on, an email by its subject and receiver, a write by the property and value.

* At each look it works out, by the sentences of docs/process.md, what may now be done: **offers**. Each has a cause
  (handoff, record, cycle or version) and one slot for each effect of it (`task`, `email`, `write`…).
* Each effect of the service must fill an empty slot of an offer. One whose slot was filled before is **doubled**; one
  that no look offers is **unexplained**. Dates written, owners and the records that a task is on are checked with it.
* When the service goes to rest undisturbed, and at the very end, what must be done of the records that it looked at is
  worked out once more: a slot that is due and empty is **missing**. Offers that were not taken up lapse.

So timing is allowed for where it matters: between a disturbance (a fault, a kill, a person's act in mid-pass) and the
next undisturbed rest, what was due at any look in between *may* be done, and what is still due at the rest *must* be.
What a person overtook before any look happened was never offered, and must not be done; what stands in the history
(a decline, a closing, a revision) is offered by it, however late the look. Where docs/process.md leaves something open,
the slot is a *may* (`must=False`) and the place says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sync.clock import from_ms
from sync.sandbox.seed import Process
from tests.simulation.event_log import (
    Archived,
    Checked,
    Created,
    DatabaseLost,
    Ended,
    Event,
    Linked,
    Looked,
    Mailed,
    Merged,
    OwnerChanged,
    PassBegan,
    PassEnded,
    Ref,
    Restored,
    Updated,
)
from tests.simulation.oracle.calendar import ZONE, next_date, today_at
from tests.simulation.oracle.due_looks import DueLooks
from tests.simulation.oracle.handoffs import Handoffs, Offer
from tests.simulation.oracle.records import AM, CW, GD, NOBODY, OWNERS_CACHED, SAS, TASKS, Rec, Records, Task, folder_of

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

Verdict = Literal["missing", "doubled", "unexplained"]


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    at: int
    text: str

    def __str__(self) -> str:
        return f"{self.verdict} at {from_ms(self.at).astimezone(ZONE):%Y-%m-%d %H:%M:%S}: {self.text}"


class Oracle:
    """`judge` an event log once."""

    def __init__(self, process: Process, emails: Mapping[str, str], inactive: Iterable[str] = ()) -> None:
        """`emails`: owner ids by address. `inactive`: owners who had left before the beginning."""
        self.findings: list[Finding] = []
        self._crm = Records(process, inactive)
        self._handoffs = Handoffs(self._crm)
        self._due_looks = DueLooks(self._crm)
        self._owner_of = dict(emails)
        self._ledger_began = -1  # when the service first looked after it had lost its database; 0: it has not yet
        self._looked: set[Ref] = set()
        self._looked_at = 0
        self._read_at: dict[Ref, int] = {}  # the number of the newest reading of each record, before a write too
        self._read_pending: dict[Ref, int] = {}  # the newest reading that showed Creatives Pending Approval
        self._deleted_in_pass: set[Ref] = set()  # deleted in mid-pass: what was just being made may have been refused
        self._ended = False
        self._reset_of_role: list[tuple[Ref, str, int]] = []
        self._passing = False

    def judge(self, events: Sequence[Event]) -> list[Finding]:  # noqa: C901 - the specification, sentence by sentence
        for place, event in enumerate(events):
            self._crm.now = event
            if (
                self._passing
                and event.at > self._looked_at
                and (isinstance(event, Mailed) or getattr(event, "own", False))
            ):
                self._look_again()  # it was decided on what was read, but later: a day may have begun, a barrier passed
            match event:
                case Created():
                    self._created(event, events, place)
                case Updated():
                    self._updated(event)
                case Archived(ref=ref):
                    self._crm.archive_or_restore(ref, lives=False)
                    if event.own:
                        self._find("unexplained", f"the service deleted {ref}")
                    elif self._passing:
                        self._deleted_in_pass.add(ref)
                case Restored(ref=ref):
                    self._crm.archive_or_restore(ref, lives=True)
                case Linked():
                    self._crm.linked(event)
                case Merged():
                    self._crm.merged(event)
                case Mailed():
                    self._mailed(event)
                case DatabaseLost():
                    self._database_lost()
                    self._due_looks.forget()
                case OwnerChanged(owner=owner, active=active):
                    self._crm.owner_changed(owner, active=active)
                case PassBegan():
                    self._due_looks.began(event)
                    self._passing = True
                    self._ledger_began = self._ledger_began or event.at
                    self._looked.clear()
                    self._crm.moving.clear()
                    self._reset_of_role.clear()
                case Looked(refs=refs):
                    self._crm.seen_at.update(dict.fromkeys(refs, event.number))
                    self._note_reading(refs)
                    self._due_looks.looked(refs)
                    for ref in sorted(refs):
                        self._look(ref)
                case Checked(refs=refs):
                    self._note_reading(refs)
                case PassEnded(settled=settled):
                    if settled:
                        self._rest(self._looked)
                        for ref in sorted(self._due_looks.overlooked(event) - self._looked):
                            self._check_overlooked(ref)
                    self._passing = False
                case Ended():
                    self._ended = True
                    self._rest({rec.ref for rec in self._crm.all.values() if rec.ref.kind in {"portfolio", "ticket"}})
            if isinstance(event, PassBegan | Looked | Checked | Mailed) or getattr(event, "own", False):
                continue
            self._due_looks.by_person(event)
            if self._passing:
                self._look_again()  # a person in mid-pass: what is read after this sees it
        return self.findings

    # -- what happens

    def _created(self, event: Created, events: Sequence[Event], place: int) -> None:
        rec = self._crm.created(event)
        if event.own:
            self._made(rec, [one.far for one in _links_of(events, place)], late=event.late)

    def _updated(self, event: Updated) -> None:
        rec = self._crm.all.get(event.ref)
        if rec is None:
            return
        if event.own:
            self._written(rec, event)
        self._crm.updated(rec, event)

    def _database_lost(self) -> None:
        """A task in the CRM stands for its occurrence's emails, a date written for the email of 9; else nothing does."""
        self._ledger_began = 0
        self._handoffs.lost_at = self._crm.now.number
        for offer in self._handoffs.offers.values():
            offer.lost = offer.lost or offer.fired
            if offer.key[0] != "8" and not any(slot.startswith("task") for slot in offer.filled):
                # A set announced by no task is announced anew, where a person has set the status back since.
                told = [
                    slot for slot in offer.filled if slot.startswith("email") or (offer.key[0], slot) == ("5", "write")
                ]
                for slot in told:
                    del offer.filled[slot]

    def _note_reading(self, refs: Iterable[Ref]) -> None:
        self._read_at.update(dict.fromkeys(refs, self._crm.now.number))
        for ref in refs:
            if (rec := self._crm.rec(ref)) is not None and rec[self._crm.names.status] == self._crm.pending:
                self._read_pending[rec.ref] = self._crm.now.number

    # -- looks: what may be done

    def _look(self, ref: Ref) -> None:
        rec = self._crm.rec(ref)
        if rec is None:
            return
        self._looked.add(rec.ref)
        self._looked_at = self._crm.now.at
        if rec["hs_pipeline_stage"] == self._crm.in_progress:
            versions = rec.history.get(self._crm.names.needs_revisions, ())
            self._handoffs.seen_back |= {(rec.ref, version.number) for version in versions}
        self._handoffs.seen_open |= {
            (rec.ref, version.number, role)
            for version, role in self._crm.revisions_asked(rec)
            if self._crm.open_revision(rec, role)
        }
        if (approval := self._approval_with_task(rec)) is not None:
            self._handoffs.seen_standing.add(approval[0])
        for due in self._handoffs.due(rec):
            offer = self._handoffs.offered(due, rec)
            if due.slot not in offer.filled:
                offer.slots[due.slot] = due.role

    def _look_again(self) -> None:
        for ref in sorted(self._looked):
            self._look(ref)

    # -- effects: what they answer

    def _take(
        self, handoff: str, slot: str, parent: Ref | None, ticket: Ref | None = None, folder: str = ""
    ) -> Offer | None:
        """Fill the slot of the newest offer that has it empty; of one that has begun before all others."""
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
        best = max(found, key=lambda offer: (not offer.lost, self._was_known(offer), bool(offer.filled), offer.last))
        self._fill(best, slot)
        return best

    def _was_known(self, offer: Offer) -> bool:
        """Whether the approval (7) was there at the newest look: one that came since is not what is answered."""
        parent = self._crm.rec(offer.parent)
        return offer.key[0] != "7" or parent is None or int(str(offer.key[2])) <= self._crm.seen_at.get(parent.ref, 0)

    def _fill(self, offer: Offer, slot: str) -> None:
        del offer.slots[slot]
        offer.filled[slot] = self._crm.now.number
        parent = self._crm.rec(offer.parent)
        offer.done_by = offer.done_by or (0 if parent is None else self._crm.seen_at.get(parent.ref, 0))
        if (
            self._ledger_began == 0 or self._crm.now.at < self._ledger_began
        ):  # it landed late: the process that knew of it was gone
            offer.lost = True

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

    def _made(self, rec: Rec, on: Sequence[Ref], *, late: bool) -> None:
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
        folder = folder_of(subject.rpartition("(")[2].removesuffix(")")) if handoff == "5" else ""
        offer = (
            self._take_role(ticket, role) if handoff == "4" else self._take(handoff, slot, parent, task.ticket, folder)
        )
        self._crm.tasks[rec.ref] = task
        if offer is None:
            self._not_offered(what, handoff, slot, parent, task.ticket)
            return
        self._check_advanced(offer, what)
        self._check_places(offer, parent, ticket, handoff, what, late=late)
        self._check_owner(offer, rec["hubspot_owner_id"], role, what, parent)
        if handoff == "6" and ticket is not None:
            task.cause = int(str(offer.key[2]))
            self._revision_answered(ticket, role)
            self._reset_of_role.append((ticket, role, task.cause))
        if handoff in {"1", "3", "5", "7"} and parent is not None:
            cause = int(str(offer.key[2]))
            if cause < self._crm.cycle_now(parent):  # its cycle ended before it was made
                task.cause = max(cause, 1)
        if handoff == "7":
            self._handoffs.task_of[int(str(offer.key[2]))] = rec.ref

    def _take_role(self, ticket: Ref | None, role: str) -> Offer | None:
        found = self._handoffs.offers.get(("4", "" if ticket is None else ticket.id, role))
        if found is None or "task" not in found.slots:
            return None
        self._fill(found, "task")
        return found

    def _revision_answered(self, ticket: Ref, role: str) -> None:
        for offer in self._handoffs.offers.values():
            if offer.key[:2] == ("6", ticket.id) and (f"task {role}" in offer.slots or f"task {role}" in offer.filled):
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
        named = set()
        for rec in recs:
            if rec.ref.kind == "ticket" and role not in {CW, GD}:
                continue
            name = self._crm.role_property(role, rec)
            named |= {rec.as_of(name, offer.number)}
            named |= {v.value for v in rec.history.get(name, ()) if v.number >= offer.number}
        changes = self._crm.owner_changes.get(owner, [])
        since = offer.at - OWNERS_CACHED
        ended = [at for at, active in changes if not active]
        back = [at for at, active in changes if active and ended and at >= ended[-1]]
        left_before = bool(ended) and ended[-1] < since and not back
        if owner not in named or left_before:
            self._find("unexplained", f"{what}: for owner {owner}, who is not the {role}")

    def _mailed(self, event: Mailed) -> None:
        what = f"email to {event.to} “{event.subject}”"
        for before, after, handoff, slot, role in EMAILS:
            if not event.subject.startswith(before) or after not in event.subject:
                continue
            rest = event.subject.removeprefix(before)
            name = rest[: rest.index(after)] if after else rest
            parent = self._crm.portfolio_named(name)
            folder = folder_of(rest[len(name) :].strip().strip("()")) if handoff == "5" else ""
            offer = self._take(handoff, slot, parent, None, folder)
            if offer is None:
                if parent not in self._crm.uncertain and not (
                    parent == NOBODY and self._crm.uncertain
                ):  # else merged in mid-pass
                    self._not_offered(what, handoff, slot, parent)
            else:
                self._check_advanced(offer, what)
                self._check_owner(offer, self._owner_of.get(event.to, ""), role, what, parent)
                if handoff == "8" and int(str(offer.key[2])) not in self._crm.resets:
                    self._find("unexplained", f"handoff 9: {what}: before the reset was written")
            return
        self._find("unexplained", what)

    def _written(self, rec: Rec, event: Updated) -> None:
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
        handoff = None if oldest is None else str(oldest.key[0])
        offer = None if handoff is None else self._take(handoff, slots[handoff], rec.ref)
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

    def _dates_expected(self, rec: Rec, offer: Offer) -> set[date | None]:
        """By what the record and the calendar said at some moment since the closing was first looked at."""
        names = self._crm.names
        cadences = {rec.as_of(names.cadence, offer.number), rec[names.cadence]}
        cadences |= {v.value for v in rec.history.get(names.cadence, ()) if v.number > offer.number}
        first, last = today_at(offer.at), today_at(self._crm.now.at)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        moved = [v.number for v in rec.history.get(names.date, ()) if v.at > self._crm.now.at - IN_FLIGHT]
        dates = {rec[names.date], *(rec.as_of(names.date, number - 1) for number in moved)}
        froms = [date.fromisoformat(raw) if raw else None for raw in dates]
        return {next_date(day, cadence, today) for day in froms for cadence in cadences for today in days} - {None}

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
            self._open_revisions_stand(ticket)
        for role, name in self._crm.approvals.items():
            if name in values:
                value = values.pop(name)
                if value != "" or not any(f"task {role}" in offer.slots for offer in offers):
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

    def _task_written(self, rec: Rec, event: Updated) -> None:
        what = f"{rec.ref} “{rec['hs_task_subject']}” ← {event.values.get('hs_task_status')}"
        status = event.values.get("hs_task_status")
        if status is None and rec["hs_task_status"] == "COMPLETED":
            since = self._crm.run_began(rec, "hs_task_status")
            status = "COMPLETED" if since.at > event.at - IN_FLIGHT else None  # a person was faster than the write
        if set(event.values) - {"hs_task_status", "hs_task_body"} or status != "COMPLETED":
            self._find("unexplained", f"the service wrote {what} {sorted(event.values)}")
            return
        slot = f"close {rec.ref.id}"
        offer = self._take("2a", slot, None) or self._take("8", slot, None)
        if offer is None:
            self._find("unexplained", f"the service closed {what}")

    # -- rest: what must have been done

    def _rest(self, looked: set[Ref]) -> None:
        read = [rec for ref in sorted(looked) if (rec := self._crm.rec(ref)) is not None]
        # A ticket that was read with one portfolio, and turned out to be on another, is decided with that one.
        recs = [
            rec
            for rec in read
            if _is_portfolio(rec) or (parent := self._crm.parent(rec)) is None or parent.ref in looked
        ]
        for rec in recs:
            self._check_due(rec)
        for rec in recs:
            self._check_begun(rec)
            self._conclude(rec)
        for ticket, role, asked in self._reset_of_role:
            found = self._crm.all.get(ticket)
            if found is None or ticket in self._crm.uncertain:
                continue
            given = any(not v.own and v.number > asked for v in found.history.get(self._crm.approvals[role], ()))
            if found[self._crm.approvals[role]] != "" and not given:
                self._find("missing", f"handoff 6: {ticket}: {self._crm.approvals[role]} was not reset")
        self._reset_of_role.clear()

    def _check_overlooked(self, ref: Ref) -> None:
        """What must be done of a record that should have been looked at and was not."""
        if (rec := self._crm.rec(ref)) is not None:
            self._check_due(rec, may_be=False)

    def _check_due(self, rec: Rec, *, may_be: bool = True) -> None:
        """`may_be`: note what may be done, too."""
        for due in self._handoffs.due(rec):
            if not (due.must or may_be):
                continue
            offer = self._handoffs.offered(due, rec)
            if due.slot in offer.filled:
                continue
            offer.slots[due.slot] = due.role
            forgotten = offer.lost and due.slot.startswith("email")
            waits = (
                self._was_deleted_in_pass(rec.ref)
                or self._was_deleted_in_pass(offer.ticket)
                or self._is_blocked(offer, due.role)
            )
            if due.must and not forgotten and rec.ref not in self._crm.uncertain and not waits:
                self._missing(offer, due.slot)

    def _was_deleted_in_pass(self, ref: Ref | None) -> bool:
        """What the CRM has refused, as its record was just being deleted, is tried again at the next sweep."""
        return ref in self._deleted_in_pass and not self._ended

    def _missing(self, offer: Offer, slot: str) -> None:
        where = offer.ticket or offer.parent
        key = ", ".join(str(part) if not isinstance(part, frozenset) else str(sorted(part)) for part in offer.key[2:])
        self._find("missing", f"handoff {offer.key[0]}: {slot} for {where} (cause {key})")
        offer.slots.pop(slot, None)
        offer.filled[slot] = self._crm.now.number  # told once

    def _is_blocked(self, offer: Offer, role: str | None) -> bool:
        """Whether there is nobody, or may be nobody, to do it."""
        if role is None:
            return False
        ticket = self._crm.rec(offer.ticket)
        parent = self._crm.rec(offer.parent) if ticket is None else self._crm.parent(ticket)  # where it is now
        owner, sure = self._crm.owner(role, parent, ticket)
        return owner is None or not sure

    def _check_begun(self, rec: Rec) -> None:
        """All of an occurrence is written down before the first of it is tried: what has begun is finished."""
        closings = self._crm.closings(rec) if _is_portfolio(rec) else []
        for offer in list(self._handoffs.offers.values()):
            if not self._crm.same(offer.ticket if rec.ref.kind == "ticket" else offer.parent, rec.ref):
                continue
            end = next((closing for closing in closings if closing.number > offer.cycle), None)
            bypassed = offer.key[0] not in {"2a", "8", "6", "6c"} and end is not None and end.declined
            for slot, role in list(offer.slots.items()):
                blocked = role is not None and self._is_blocked(offer, role)
                if blocked and not bypassed:
                    continue
                kept = slot.startswith(("task", "email")) or (
                    slot in {"write", "clear"} and not self._touched(rec, offer)
                )
                # Handoff 5 may have taken the leftover with it.
                kept = kept and (slot != "clear" or rec[self._crm.names.status] == self._crm.declined)
                # One advance of the status answers every set that was ready: which of them has begun it does not tell.
                begun = offer.told if offer.key[0] == "5" else bool(offer.filled)
                must = begun and not bypassed and kept and offer.key[0] in {"1", "3", "5", "7"}
                must = must and not offer.lost  # what the CRM does not show of it is known to nobody any more
                if (
                    (must and rec.archived)
                    or self._was_deleted_in_pass(offer.parent)
                    or self._was_deleted_in_pass(offer.ticket)
                ):
                    continue  # it goes on if the record is restored, and what was refused at the next sweep
                if must and rec.ref not in self._crm.uncertain:
                    self._missing(offer, slot)
                offer.slots.pop(slot, None)
            if not offer.filled and not offer.decided:
                if offer.slots and all(role is not None for role in offer.slots.values()):
                    offer.decided = True
                elif not offer.slots:
                    del self._handoffs.offers[offer.key]

    def _touched(self, rec: Rec, offer: Offer) -> bool:
        """Whether a person has set the status since: then what was to replace it is looked at anew."""
        return any(v.number > offer.read and not v.own for v in rec.history.get(self._crm.names.status, ()))

    def _conclude(self, rec: Rec) -> None:
        """What a look settles without an effect."""
        if rec.ref.kind == "ticket":
            if not rec.archived and self._crm.in_pipeline(rec):
                self._open_revisions_stand(rec)
                for version in rec.history.get(self._crm.names.needs_revisions, ()):
                    roles = self._crm.revisions.get(version.value, ())
                    served = any((rec.ref, version.number, role) in self._handoffs.served for role in roles)
                    (self._handoffs.kicked if served else self._handoffs.waiting).add((rec.ref, version.number))
            return
        if rec.archived:
            return
        if (moment := self._handoffs.complete_at(rec)) is not None:
            self._due_looks.put_off(rec.ref, moment)
        closings = self._crm.closings(rec)
        for one in closings:
            if one.declined or one.number in self._crm.resets:
                self._handoffs.swept_up.add(one.number)
            if not self._handoffs.is_carried_out(rec, one):
                break  # what comes after an ending that is blocked waits for it
        if (approval := self._approval_with_task(rec)) is not None:
            self._handoffs.task_of.setdefault(*approval)

    def _approval_with_task(self, rec: Rec) -> tuple[int, Ref] | None:
        """Handoff 7: the approval that stands, with the newest task of its cycle that is open."""
        if rec.archived or rec[self._crm.names.status] != self._crm.approved:
            return None
        closings = self._crm.closings(rec)
        cycle = closings[-1].number if closings else 0
        tasks = [t for t in self._crm.tasks_on(rec, "7") if t.open and self._crm.cycle(closings, t.began) == cycle]
        return (self._crm.run_began(rec, self._crm.names.status).number, tasks[-1].rec.ref) if tasks else None

    def _open_revisions_stand(self, ticket: Rec) -> None:
        """A role with an open revision task has that one for whatever was asked for until it was looked at."""
        looked = self._crm.seen_at.get(ticket.ref, 0)
        self._handoffs.served |= {
            (ticket.ref, version.number, role)
            for version, role in self._crm.revisions_asked(ticket)
            if self._crm.open_revision(ticket, role)
            or (version.number <= looked and self._crm.open_revision(ticket, role, looked))
        }

    def _find(self, verdict: Verdict, text: str) -> None:
        self.findings.append(Finding(verdict, self._crm.now.at, text))


def _is_portfolio(rec: Rec) -> bool:
    return rec.ref.kind == "portfolio"


def _links_of(events: Sequence[Event], place: int) -> Iterator[Linked]:
    """The associations that a record was created with: told right after its creation."""
    made = events[place]
    assert isinstance(made, Created)
    for event in events[place + 1 :]:
        if not isinstance(event, Linked) or event.at != made.at or made.ref not in {event.near, event.far}:
            return
        if event.near == made.ref and not event.removed:
            yield event
