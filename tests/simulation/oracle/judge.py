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

from sync.sandbox.process import Process
from tests.simulation.event_log import (
    Archived,
    Checked,
    Created,
    DatabaseLost,
    Ended,
    Event,
    Lacked,
    Linked,
    Looked,
    Mailed,
    Merged,
    OwnerChanged,
    PassBegan,
    PassEnded,
    Ref,
    Remapped,
    Restored,
    Sent,
    Updated,
)
from tests.simulation.oracle.audit import Audit
from tests.simulation.oracle.due_looks import DueLooks
from tests.simulation.oracle.effects import Effects
from tests.simulation.oracle.finding import Finding, Verdict
from tests.simulation.oracle.handoffs import Handoffs, Offer
from tests.simulation.oracle.notes import Notes
from tests.simulation.oracle.record import Rec
from tests.simulation.oracle.records import Records
from tests.simulation.oracle.terms import terms_of
from tests.simulation.oracle.words import Reread, in_packaged_words

LOOKED_AGAIN = 60_000
"""Within how long after a closing version counts the service must have looked again: its time is told in whole seconds."""


class Oracle:
    """`judge` an event log once."""

    def __init__(
        self,
        process: Process,
        emails: Mapping[str, str],
        inactive: Iterable[str] = (),
        names: Mapping[str, str] | None = None,
    ) -> None:
        """`emails`: owner ids by address. `inactive`: owners who had left before the beginning. `names`: by owner id."""
        self.findings: list[Finding] = []
        self._crm = Records(process, inactive)
        self._handoffs = Handoffs(self._crm)
        self._due_looks = DueLooks(self._crm)
        self._audit = Audit(self._crm, self._find)
        notes = Notes(self._crm, self._handoffs, names or {}, process.users, self._find)
        self._effects = Effects(self._crm, self._handoffs, self._audit, notes, emails, self._find)
        self._looked: set[Ref] = set()
        self._looked_at = 0
        self._deleted_in_pass: set[Ref] = set()  # what was just being made on them may have been refused
        self._ended = False
        self._passing = False

    def judge(self, events: Sequence[Event]) -> list[Finding]:  # noqa: C901 - the specification, sentence by sentence
        events = in_packaged_words(events)
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
                case Reread():
                    self._crm.reread(event)
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
                    self._handoffs.merged(event)
                    self._crm.merged(event)
                    self._looked = {event.new if ref in {event.primary, event.other} else ref for ref in self._looked}
                case Mailed():
                    self._effects.mailed(event)
                case DatabaseLost():
                    self._database_lost()
                    self._due_looks.forget()
                case Remapped(values=values):
                    self._crm.remapped(terms_of(values))
                case OwnerChanged(owner=owner, active=active):
                    self._crm.owner_changed(owner, active=active)
                case PassBegan():
                    self._due_looks.began(event)
                    self._audit.began()
                    self._passing = True
                    self._effects.ledger_began = self._effects.ledger_began or event.at
                    self._looked.clear()
                    self._crm.moving.clear()
                    self._effects.approvals_reset.clear()
                case Looked(refs=refs):
                    self._crm.seen_at.update(dict.fromkeys(refs, event.number))
                    self._crm.seen_ms.update(dict.fromkeys(refs, event.at))
                    self._effects.note_reading(refs)
                    self._due_looks.looked(refs)
                    for ref in sorted(refs):
                        self._look(ref)
                case Checked(refs=refs):
                    self._effects.note_reading(refs)
                    self._audit.checked(refs)
                case Lacked():
                    self._effects.lacked.append(event.at)
                case Sent():
                    self._audit.sent(event)
                case PassEnded(settled=settled):
                    for ref in sorted(self._looked):
                        if ref.kind == "portfolio" and (rec := self._crm.rec(ref)) is not None:
                            self._effects.date_stands_already(rec)
                    if settled:
                        self._crm.kept(self._looked)
                        self._rest(self._looked)
                        for ref in sorted(self._due_looks.overlooked(event) - self._looked):
                            self._check_overlooked(ref)
                    self._passing = False
                case Ended():
                    self._ended = True
                    self._rest({rec.ref for rec in self._crm.all.values() if rec.ref.kind in {"portfolio", "ticket"}})
            if isinstance(event, PassBegan | Looked | Checked | Lacked | Sent | Mailed | Remapped | Reread) or getattr(
                event, "own", False
            ):
                continue
            self._due_looks.by_person(event)
            if self._passing:
                self._look_again()  # a person in mid-pass: what is read after this sees it
        return self.findings

    # -- what happens

    def _created(self, event: Created, events: Sequence[Event], place: int) -> None:
        rec = self._crm.created(event)
        if event.own:
            self._effects.made(rec, [one.far for one in _links_of(events, place)], event.editions, late=event.late)

    def _updated(self, event: Updated) -> None:
        rec = self._crm.all.get(event.ref)
        if rec is None:
            return
        if event.own:
            self._audit.written(rec, event)
            self._effects.written(rec, event)
            if self._handoffs.has_carried_out_what_settles(rec):
                self._due_looks.counted(rec.ref)
        self._crm.updated(rec, event)

    def _database_lost(self) -> None:
        """A task in the CRM stands for its occurrence's emails, a date written for the email of 9; else nothing does."""
        self._effects.ledger_began = 0
        self._crm.forget_mappings()
        self._crm.lost_at = self._crm.now.number
        self._crm.uncertain |= set(self._crm.merged_at)  # only what the keys of tasks name is known to be whose
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
                offer.forgotten |= {slot for slot in told if slot.startswith("email")}

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
            if self._handoffs.rounds.stands(rec, role, version.number)
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

    # -- rest: what must have been done

    def _rest(self, looked: set[Ref]) -> None:
        read = [rec for ref in sorted(looked) if (rec := self._crm.rec(ref)) is not None]
        # A ticket that was read with one portfolio, and turned out to be on another, is decided with that one.
        recs = [
            rec
            for rec in read
            if _is_portfolio(rec) or (parent := self._crm.parent(rec)) is None or parent.ref in looked
        ]
        # While a value stands that the mapping does not name, no rule fires: what was begun may wait with them.
        recs = [rec for rec in recs if not self._crm.is_strange(rec)]
        for rec in recs:
            self._check_due(rec)
        for rec in recs:
            for missing in self._handoffs.notes_missing(rec):
                self._find("missing", missing)
        for rec in recs:
            self._check_begun(rec)
            self._conclude(rec)
        for ticket, role, asked in self._effects.approvals_reset:
            found = self._crm.all.get(ticket)
            if found is None or ticket in self._crm.uncertain:
                continue
            if self._crm.merged_at.get(ticket, -1) > asked:
                continue  # it was reset on the one that it was asked of, and a merge alone writes nothing (M.7)
            given = any(not v.own and v.number > asked for v in found.history.get(self._crm.approvals[role], ()))
            if found[self._crm.approvals[role]] != "" and not given:
                self._find("missing", f"handoff 6: {ticket}: {self._crm.approvals[role]} was not reset")
        self._effects.approvals_reset.clear()

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
        if not self._crm.is_inside(rec):
            for offer in self._offers_to_finish(rec):
                offer.left = True
            return
        closings = self._crm.closings(rec) if _is_portfolio(rec) else []
        for offer in self._offers_to_finish(rec):
            end = next((closing for closing in closings if closing.number > offer.cycle), None)
            # Whether a ticket that had left the portfolio before its decline is bypassed with it is not said.
            elsewhere = offer.ticket is not None and not self._is_on(offer.ticket, rec)
            bypassed = offer.key[0] not in {"2a", "8", "6", "6c"} and end is not None and end.declined and not elsewhere
            for slot, role in list(offer.slots.items()):
                if self._waits(offer, slot, role) and not bypassed:
                    continue
                kept = slot.startswith(("task", "email")) or (
                    slot in {"write", "clear"} and not self._touched(rec, offer)
                )
                # Handoff 5 may have taken the leftover with it.
                kept = kept and (
                    slot != "clear" or rec[self._crm.names.status] in {self._crm.declined, self._crm.implemented}
                )
                # One advance of the status answers every set that was ready: which of them has begun it does not tell.
                begun = offer.told if offer.key[0] == "5" else bool(offer.filled)
                must = begun and not bypassed and kept and offer.key[0] in {"1", "3", "5", "7"}
                must = must and not self._handoffs.is_repeated(offer)
                must = must or self._is_to_be_closed(offer, slot, bypassed=bypassed)
                # What the CRM does not show of it is known to nobody any more.
                must = must and not offer.lost and not offer.left
                if (
                    (must and rec.archived)
                    or self._was_deleted_in_pass(offer.parent)
                    or self._was_deleted_in_pass(offer.ticket)
                ):
                    continue  # it goes on if the record is restored, and what was refused at the next sweep
                if must and rec.ref not in self._crm.uncertain:
                    self._missing(offer, slot)
                offer.slots.pop(slot, None)
            self._drop_or_keep(offer)

    def _is_on(self, ticket: Ref, rec: Rec) -> bool:
        found = self._crm.rec(ticket)
        return rec.ref.kind == "ticket" or found is None or self._crm.parent(found) is rec

    def _drop_or_keep(self, offer: Offer) -> None:
        """What was not begun is decided anew at each look; but what waits for a person is not dropped."""
        if not offer.filled and not offer.decided:
            if offer.slots and all(role is not None for role in offer.slots.values()):
                offer.decided = True
            elif not offer.slots:
                del self._handoffs.offers[offer.key]

    def _offers_to_finish(self, rec: Rec) -> list[Offer]:
        """Those of a record; what hangs on the status is left as it is until a closing version counts, or was a slip (C.14)."""
        settling = _is_portfolio(rec) and self._crm.settling(rec) is not None
        return [
            offer
            for offer in self._handoffs.offers.values()
            if self._crm.same(offer.ticket if rec.ref.kind == "ticket" else offer.parent, rec.ref)
            and not (settling and offer.key[0] in {"1", "3", "5", "7"})
        ]

    def _waits(self, offer: Offer, slot: str, role: str | None) -> bool:
        """Whether it waits for a person, or the end of an older task to share a set (5) for the new one."""
        follows = offer.key[0] == "5" and slot.startswith("close ") and "task" not in offer.filled
        return follows or (role is not None and self._is_blocked(offer, role))

    def _is_to_be_closed(self, offer: Offer, slot: str, *, bypassed: bool) -> bool:
        """Whether an older task to share the same set (5) is still open, and nobody but the service was to close it."""
        if (offer.key, slot) not in self._handoffs.to_close or bypassed:
            return False
        task = self._crm.tasks.get(Ref("task", slot.removeprefix("close ")))
        made = offer.filled["task"]
        return task is not None and task.open and not task.completed_since(made) and task.rec.lived_since(task.number)

    def _touched(self, rec: Rec, offer: Offer) -> bool:
        """Whether a person has set the status since: then what was to replace it is looked at anew."""
        return any(v.number > offer.read and not v.own for v in rec.history.get(self._crm.names.status, ()))

    def _conclude(self, rec: Rec) -> None:
        """What a look settles without an effect."""
        if rec.archived or not self._crm.is_inside(rec):
            return
        if rec.ref.kind == "ticket":
            if self._crm.in_pipeline(rec):
                self._conclude_revisions(rec)
            return
        self._put_off(rec)
        closings = self._crm.closings(rec)
        for one in closings:
            if one.unsure:
                break
            if one.declined or one.number in self._crm.resets:
                self._handoffs.swept_up.add(one.number)
            if not self._handoffs.is_carried_out(rec, one):
                break  # what comes after an ending that is blocked waits for it
        if (approval := self._approval_with_task(rec)) is not None:
            self._handoffs.task_of.setdefault(*approval)

    def _put_off(self, rec: Rec) -> None:
        """Note when the service must have looked again: an Ad Set is complete by then, or something counts."""
        complete, counts = self._handoffs.complete_at(rec), self._handoffs.counts_at(rec)
        if counts is not None and self._crm.calendar.terms.period(rec[self._crm.names.cadence]) is None:
            counts = None  # it is blocked once it counts, and looked at again much later
        if counts is not None and (complete is None or counts < complete):
            self._due_looks.put_off(rec.ref, counts, LOOKED_AGAIN)
        elif complete is not None:
            self._due_looks.put_off(rec.ref, complete)
        else:
            self._due_looks.waits_for_nothing(rec.ref)

    def _conclude_revisions(self, rec: Rec) -> None:
        self._handoffs.open_revisions_stand(rec)
        for version in rec.history.get(self._crm.names.needs_revisions, ()):
            roles = self._crm.revisions.get(version.value, ())
            served = any((rec.ref, version.number, role) in self._handoffs.served for role in roles)
            (self._handoffs.kicked if served else self._handoffs.waiting).add((rec.ref, version.number))
        if (moment := self._handoffs.notes_until(rec)) is not None:
            self._due_looks.put_off(rec.ref, moment)

    def _approval_with_task(self, rec: Rec) -> tuple[int, Ref] | None:
        """Handoff 7: the approval that stands, with the newest task of its cycle that is open."""
        if rec.archived or rec[self._crm.names.status] != self._crm.approved:
            return None
        closings = self._crm.closings(rec)
        cycle = closings[-1].number if closings else 0
        tasks = [t for t in self._crm.tasks_on(rec, "7") if t.open and self._crm.cycle(closings, t.began) == cycle]
        return (self._crm.run_began(rec, self._crm.names.status).number, tasks[-1].rec.ref) if tasks else None

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
