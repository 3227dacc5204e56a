"""Says, from handoffs.md alone, what must and must not have come of what people did. It shares no code with the rules.

Its method. It walks once through the chronicle: every change of every record in the order in which it happened, with
the whole history, and the moments at which the service read a record ("looks") and went to rest. It never asks the
service what it thought, nor reads its ledger or the keys on its tasks: a task is known by its subject, its owner and
the records it is on, an email by its subject and receiver, a write by the property and value.

* At each look it works out, by the sentences of handoffs.md, what may now be done: **offers**. Each has a cause (handoff,
  record, cycle or version) and one slot for each effect of it (`task`, `email`, `write`…).
* Each effect of the service must fill an empty slot of an offer. One whose slot was filled before is **doubled**; one
  that no look offers is **unexplained**. Dates written, owners and the records that a task is on are checked with it.
* When the service goes to rest undisturbed, and at the very end, what must be done of the records that it looked at is
  worked out once more: a slot that is due and empty is **missing**. Offers that were not taken up lapse.

So timing is allowed for where it matters: between a disturbance (a fault, a kill, a person's act in mid-pass) and the
next undisturbed rest, what was due at any look in between *may* be done, and what is still due at the rest *must* be.
What a person overtook before any look happened was never offered, and must not be done; what stands in the history
(a decline, a closing, a revision) is offered by it, however late the look. Where handoffs.md leaves something open, the
slot is a *may* (`must=False`) and the place says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from sync.clock import from_ms
from sync.sandbox.seed import Names, Process
from tests.simulation.chronicle import (
    Archived,
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

ZONE = ZoneInfo("America/New_York")
WINDOW = 15
BARRIER = 15 * 60_000
OWNERS_CACHED = 15 * 60_000
"""Owners are cached and refreshed (design.md): for so long a change of them may not have been noticed."""
IN_FLIGHT = 60_000
"""How long a write may be under way: what people change meanwhile it cannot know."""

NOBODY = Ref("portfolio", "?")
"""No portfolio has the name that an email names: it was merged away, or never was."""

AM, SAS, CW, GD = "account_manager", "social_ad_specialist", "copywriter", "graphic_designer"

Verdict = Literal["missing", "doubled", "unexplained"]


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    at: int
    text: str

    def __str__(self) -> str:
        return f"{self.verdict} at {from_ms(self.at).astimezone(ZONE):%Y-%m-%d %H:%M:%S}: {self.text}"


class Version(NamedTuple):
    number: int
    at: int
    value: str
    own: bool


@dataclass(slots=True)
class Rec:
    """One record, with every version of its properties."""

    ref: Ref
    number: int
    at: int
    values: dict[str, str]
    archived: bool = False
    history: dict[str, list[Version]] = field(default_factory=lambda: defaultdict(list))
    links: dict[Ref, set[str]] = field(default_factory=lambda: defaultdict(set))
    lives: list[tuple[int, bool]] = field(default_factory=list)
    """When it was archived (False) and restored (True)."""

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def as_of(self, name: str, number: int) -> str:
        value = ""
        for version in self.history.get(name, ()):
            if version.number > number:
                break
            value = version.value
        return value

    def lived_at(self, number: int) -> bool:
        alive = True
        for when, lives in self.lives:
            if when <= number:
                alive = lives
        return alive


@dataclass(slots=True)
class Task:
    """A task that the service made."""

    rec: Rec
    kind: str
    home: Ref | None
    """The portfolio that it is on; None: made on a ticket that has none."""
    ticket: Ref | None
    number: int
    cause: int = 0
    """What it was made for, where that is older: a version of Needs Revisions, or the beginning of its cycle."""

    @property
    def open(self) -> bool:
        return not self.rec.archived and self.rec["hs_task_status"] != "COMPLETED"

    def open_at(self, number: int) -> bool:
        return self.rec.lived_at(number) and self.rec.as_of("hs_task_status", number) != "COMPLETED"


class Closing(NamedTuple):
    number: int
    at: int
    declined: bool


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
    home: Ref | None
    ticket: Ref | None
    cycle: int
    number: int
    at: int
    slots: dict[str, str | None] = field(default_factory=dict)
    """The empty ones, with the role that each is for."""
    filled: dict[str, int] = field(default_factory=dict)
    decided: bool = False
    """Nothing of it could be done for want of a person. While its cause holds it must be done once there is one;
    whether it must when the cause is gone ("never dropped", or overtaken) is taken as open."""
    last: int = 0
    """The newest look that offered it."""
    lost: bool = False
    """The database was lost after it had begun: what the CRM does not show of it, its emails, is not done any more."""

    @property
    def told(self) -> bool:
        """Whether anybody was given a task or an email of it."""
        return any(slot.startswith(("task", "email")) for slot in self.filled)

    @property
    def fired(self) -> bool:
        return bool(self.filled) or (self.decided and bool(self.slots))


TASKS = {
    "Contact Client About Creative Refresh: ": ("1", AM),
    "Create Deliverable Tickets for Refresh: ": ("3", SAS),
    "Write Copy: ": ("4", CW),
    "Design Graphics: ": ("4", GD),
    "Share Deliverables With Client: ": ("5", AM),
    "Revise Copy: ": ("6", CW),
    "Revise Graphics: ": ("6", GD),
    "Implement New Creatives for Refresh": ("7", SAS),
}
"""How the subject of each task begins: its handoff and its role (mappings/creative_refresh.yaml, `tasks`)."""

EMAILS = (
    ("Creative refresh of ", ": please ask the client (", "1", "email", AM),
    ("Creative refresh of ", ": time to create the tickets", "3", "email", SAS),
    ("Ready for client review: ", " (", "5", "email am", AM),
    ("In client review: ", " (", "5", "email sas", SAS),
    ("Client approved: please implement the new creatives of ", "", "7", "email", SAS),
    ("The new creatives of ", " are live", "8", "email", AM),
)
"""What stands before and after the portfolio's name, the handoff, the slot and the receiver's role."""

DAYS = {
    "Weekly": 7,
    "Every 2 weeks": 14,
    "Every 3 weeks": 21,
    "Every 4 weeks": 28,
    "Every 6 weeks": 42,
    "Every 8 weeks": 56,
}
MONTHS = {"": 1, "Monthly": 1, "Every 2 months": 2, "Quarterly": 3}


def next_date(base: date | None, cadence: str, today: date) -> date | None:
    """handoffs.md, "The next date"; None: the cadence is not mapped."""
    begin = base or today
    for n in range(1, 20_000):
        if cadence in MONTHS:
            found = _months_later(begin, n * MONTHS[cadence])
        elif cadence in DAYS or cadence.isdecimal():
            found = begin + timedelta(days=n * (DAYS[cadence] if cadence in DAYS else int(cadence)))
        else:
            return None
        if found > today:
            return found
    raise AssertionError("no cadence is that short")


def _months_later(begin: date, months: int) -> date:
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(begin.day, last))


def today_at(at: int) -> date:
    return from_ms(at).astimezone(ZONE).date()


def midnight(day: date) -> int:
    start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return round(start.timestamp() * 1000)


def folder_of(raw: str) -> str:
    return " ".join(raw.split()).casefold()


class Oracle:
    """`judge` a chronicle once."""

    def __init__(self, process: Process, emails: Mapping[str, str], inactive: Iterable[str] = ()) -> None:
        """`emails`: owner ids by address. `inactive`: owners who had left before the beginning."""
        names: Names = process.names
        self._names = names
        (
            self.requested, self.declined, self.submitted, self.pending, self.approved, self.implemented,
        ) = (value for value, _ in names.statuses)  # fmt: skip
        self._stages = [value for value, _ in names.stages]
        self._in_progress, self._in_review, self._closed = self._stages[1], self._stages[2], self._stages[-1]
        copy, graphic, both = (value for value, _ in names.revisions)
        self._revisions = {copy: (CW,), graphic: (GD,), both: (CW, GD)}
        self._approvals = {CW: names.copy_approval, GD: names.graphic_approval}
        self._owner_of = dict(emails)
        self._owner_changes: dict[str, list[tuple[int, bool]]] = {one: [(0, False)] for one in inactive}
        self.findings: list[Finding] = []
        self.offers: dict[Key, Offer] = {}
        self._recs: dict[Ref, Rec] = {}
        self._alias: dict[Ref, Ref] = {}
        self._tasks: dict[Ref, Task] = {}
        self._resets: set[int] = set()  # closings (their numbers) whose reset was written
        self._swept_up: set[int] = set()  # closings after which open tasks were looked through
        self._task_of: dict[int, Ref] = {}  # handoff 7: a version of the status → the task that stands for it
        self._served: set[tuple[Ref, int, str]] = set()  # handoff 6: ticket, version, role
        self._kicked: set[tuple[Ref, int]] = set()  # handoff 6: ticket, version
        self._seen_back: set[tuple[Ref, int]] = set()  # handoff 6: looked at while the ticket was In Progress anyway
        self._waiting: set[tuple[Ref, int]] = set()  # handoff 6: a version whose every role is nobody
        self._homes: dict[Ref, set[Ref]] = defaultdict(set)  # every portfolio that a ticket was ever on
        self._murky: set[Ref] = set()  # merged: too much is open to say what must be
        self._reborn = -1  # when the service first looked after it had lost its database; 0: it has not yet
        self._looked: set[Ref] = set()
        self._looked_at = 0
        self._moving: set[Ref] = set()  # tickets that a person associates in mid-pass
        self._reset_of_role: list[tuple[Ref, str, int]] = []
        self._now = Event(0, 0)
        self._passing = False

    def judge(self, events: Sequence[Event]) -> list[Finding]:  # noqa: C901 - the specification, sentence by sentence
        for place, event in enumerate(events):
            self._now = event
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
                    self._live(ref, lives=False)
                    if event.own:
                        self._find("unexplained", f"the service deleted {ref}")
                case Restored(ref=ref):
                    self._live(ref, lives=True)
                case Linked():
                    self._linked(event)
                case Merged():
                    self._merged(event)
                case Mailed():
                    self._mailed(event)
                case DatabaseLost():
                    self._database_lost()
                case OwnerChanged(owner=owner, active=active):
                    self._owner_changes.setdefault(owner, []).append((event.at, active))
                case PassBegan():
                    self._passing = True
                    self._reborn = self._reborn or event.at
                    self._looked.clear()
                    self._moving.clear()
                    self._reset_of_role.clear()
                case Looked(refs=refs):
                    for ref in sorted(refs):
                        self._look(ref)
                case PassEnded(settled=settled):
                    if settled:
                        self._rest(self._looked)
                    self._passing = False
                case Ended():
                    self._rest({rec.ref for rec in self._recs.values() if rec.ref.kind in {"portfolio", "ticket"}})
            if (
                self._passing
                and not isinstance(event, PassBegan | Looked | Mailed)
                and not getattr(event, "own", False)
            ):
                self._look_again()  # a person in mid-pass: what is read after this sees it
        return self.findings

    def _look_again(self) -> None:
        for ref in sorted(self._looked):
            self._look(ref)

    # -- what happened to records

    def _created(self, event: Created, events: Sequence[Event], place: int) -> None:
        rec = Rec(event.ref, event.number, event.at, dict(event.values))
        for name, value in event.values.items():
            rec.history[name].append(Version(event.number, event.at, value, event.own))
        self._recs[event.ref] = rec
        if event.own:
            self._made(rec, [one.far for one in _links_of(events, place)])

    def _updated(self, event: Updated) -> None:
        rec = self._recs.get(event.ref)
        if rec is None:
            return
        if event.own:
            self._written(rec, event)
        for name, value in event.values.items():
            rec.values[name] = value
            rec.history[name].append(Version(event.number, event.at, value, event.own))

    def _live(self, ref: Ref, *, lives: bool) -> None:
        rec = self._recs[ref]
        rec.archived = not lives
        rec.lives.append((self._now.number, lives))

    def _linked(self, event: Linked) -> None:
        near, far = self._recs.get(event.near), self._recs.get(event.far)
        if near is None or far is None:
            return
        label = "primary" if event.primary else ""
        if not event.removed:
            if event.near.kind == "ticket" and event.far.kind == "portfolio":
                self._homes[event.near].add(event.far)
                self._moving.add(event.near)
            near.links[event.far].add(label)
            if label:
                near.links[event.far].add("")
        elif label:
            near.links.get(event.far, set()).discard(label)
        else:
            near.links.pop(event.far, None)

    def _merged(self, event: Merged) -> None:
        gone = self._recs.pop(event.gone, None)
        self._alias[event.gone] = event.survivor
        self._murky |= {event.gone, event.survivor}
        if gone is None:
            return
        for task in self._tasks.values():
            if task.ticket == event.gone:
                task.ticket = event.survivor
            if task.home == event.gone:
                task.home = event.survivor

    def _database_lost(self) -> None:
        """A task in the CRM stands for its occurrence's emails, a date written for the email of 9; else nothing does."""
        self._reborn = 0
        for offer in self.offers.values():
            offer.lost = offer.lost or offer.fired
            if offer.key[0] != "8" and not any(slot.startswith("task") for slot in offer.filled):
                for slot in [slot for slot in offer.filled if slot.startswith("email")]:
                    del offer.filled[slot]

    # -- what the CRM shows

    def _rec(self, ref: Ref | None) -> Rec | None:
        while ref in self._alias:
            ref = self._alias[ref]
        return None if ref is None else self._recs.get(ref)

    def _home(self, ticket: Rec) -> Rec | None:
        """The portfolio that a ticket counts for (handoff 4)."""
        on = {
            far: labels
            for far, labels in ticket.links.items()
            if far.kind == "portfolio" and (rec := self._recs.get(far)) is not None and not rec.archived
        }
        primary = [far for far, labels in on.items() if "primary" in labels]
        found = min(primary or on, key=lambda ref: int(ref.id), default=None)
        return None if found is None else self._recs[found]

    def _tickets(self, portfolio: Rec) -> list[Rec]:
        return [
            rec
            for rec in self._recs.values()
            if rec.ref.kind == "ticket" and not rec.archived and self._home(rec) is portfolio
        ]

    def _in_pipeline(self, ticket: Rec) -> bool:
        return ticket["hs_pipeline"] == self._names.pipeline[0]

    def _is_open(self, ticket: Rec) -> bool:
        return self._in_pipeline(ticket) and ticket["hs_pipeline_stage"] != self._closed

    @staticmethod
    def _run_began(rec: Rec, name: str) -> Version:
        """The version that brought the value that stands now."""
        versions = rec.history[name]
        began = versions[-1]
        for version in reversed(versions):
            if version.value != versions[-1].value:
                break
            began = version
        return began

    def _closings(self, portfolio: Rec) -> list[Closing]:
        """The versions that ended a cycle. Implemented that a person moved to another status was a slip."""
        versions = portfolio.history.get(self._names.status, [])
        found = []
        before = ""
        for place, version in enumerate(versions):
            if version.value != before and version.value == self.declined:
                found.append(Closing(version.number, version.at, declined=True))
            elif version.value != before and version.value == self.implemented:
                after = versions[place + 1].value if place + 1 < len(versions) else ""
                if after == "" or version.number in self._resets:
                    found.append(Closing(version.number, version.at, declined=False))
            before = version.value
        return found

    @staticmethod
    def _cycle(closings: Sequence[Closing], number: int) -> int:
        """The cycle that a moment belongs to, named by the closing that began it; 0: the first."""
        return max((one.number for one in closings if one.number <= number), default=0)

    def _day(self, portfolio: Rec) -> date | None:
        raw = portfolio[self._names.date]
        return date.fromisoformat(raw) if raw else None

    def _tasks_on(self, portfolio: Rec, handoff: str) -> list[Task]:
        """Of one handoff, on the portfolio itself, by age."""
        found = [
            task
            for task in self._tasks.values()
            if TASKS[task.kind][0] == handoff and self._rec(task.home) is portfolio and task.ticket is None
        ]
        return sorted(found, key=lambda task: task.number)

    def _owner(self, role: str, portfolio: Rec | None, ticket: Rec | None) -> tuple[str | None, bool]:
        """Who a role is now (None: nobody, so that its effects are blocked), and whether that is beyond doubt."""
        own = ticket[self._role_property(role, ticket)] if ticket is not None and role in {CW, GD} else ""
        named = own or ("" if portfolio is None else portfolio[self._role_property(role, portfolio)])
        if not named:
            return None, True
        active, sure = self._active(named)
        # A ticket's own person who has left: whether the portfolio's stands in is not said.
        sure = sure and not (own and not active and portfolio is not None and portfolio[role] != "")
        return (named if active else None), sure

    def _role_property(self, role: str, rec: Rec) -> str:
        if rec.ref.kind == "ticket":
            return {CW: self._names.ticket_copywriter, GD: self._names.ticket_graphic_designer}[role]
        return str(getattr(self._names, role))

    def _active(self, owner: str) -> tuple[bool, bool]:
        changes = self._owner_changes.get(owner, [])
        active = changes[-1][1] if changes else True
        sure = not changes or changes[-1][0] == 0 or self._now.at - changes[-1][0] > OWNERS_CACHED
        return active, sure

    # -- looks: what may be done

    def _look(self, ref: Ref) -> None:
        rec = self._rec(ref)
        if rec is None:
            return
        self._looked.add(rec.ref)
        self._looked_at = self._now.at
        if rec["hs_pipeline_stage"] == self._in_progress:
            versions = rec.history.get(self._names.needs_revisions, ())
            self._seen_back |= {(rec.ref, version.number) for version in versions}
        for due in self._due(rec):
            offer = self._offered(due, rec)
            if due.slot not in offer.filled:
                offer.slots[due.slot] = due.role

    def _offered(self, due: Due, rec: Rec) -> Offer:
        offer = self.offers.get(due.key)
        home = rec if rec.ref.kind == "portfolio" else self._home(rec)
        if offer is None:
            is_ticket = due.key[0] in {"4", "6", "6c"}
            ticket = Ref("ticket", str(due.key[1])) if is_ticket else None
            cycle = 0 if home is None else self._cycle(self._closings(home), self._now.number)
            offer = Offer(due.key, None, ticket, cycle, self._now.number, self._now.at)
            self.offers[due.key] = offer
        if not offer.fired:
            offer.home = None if home is None else home.ref
        offer.last = self._now.number
        return offer

    def _due(self, rec: Rec) -> Iterator[Due]:
        if rec.archived:
            return
        if rec.ref.kind == "ticket":
            yield from self._revisions_due(rec)
            return
        closings = self._closings(rec)
        cycle = closings[-1].number if closings else 0
        yield from self._closings_due(rec, closings)
        if not self._is_pending(rec, closings):
            yield from self._kickoff_due(rec, cycle)
            yield from self._tickets_due(rec, closings, cycle)
        tickets = self._tickets(rec)
        yield from self._creative_work_due(rec, tickets, closings)
        yield from self._sets_due(rec, tickets, closings, cycle)
        yield from self._implementation_due(rec, closings, cycle)

    def _fired(self, handoff: str, rec: Rec, cycle: int) -> list[Offer]:
        found = [o for o in self.offers.values() if o.key[:3] == (handoff, rec.ref.id, cycle) and o.fired]
        return sorted(found, key=lambda offer: offer.number)

    def _filled(self, key: Key, slot: str) -> bool:
        offer = self.offers.get(key)
        return offer is not None and slot in offer.filled

    # 2a, and 8: the end of a cycle

    def _closings_due(self, rec: Rec, closings: Sequence[Closing]) -> Iterator[Due]:
        mapped = next_date(None, rec[self._names.cadence], date(2026, 1, 1)) is not None
        for place, closing in enumerate(closings):
            before = closings[place - 1].number if place else 0
            key: Key = ("2a" if closing.declined else "8", rec.ref.id, closing.number)
            slot = "date" if closing.declined else "reset"
            done = self._filled(key, slot)
            if not done and mapped:
                yield Due(key, slot, None, must=True)
            if not closing.declined and (mapped or done):
                yield Due(key, "email", AM, must=done)
            if closing.number not in self._swept_up:
                yield from self._open_tasks_due(rec, closing, before, key, must=mapped or done)

    def _is_pending(self, rec: Rec, closings: Sequence[Closing]) -> bool:
        """Whether a closing has not moved the date yet: until then the old date starts nothing."""
        return not all(self._is_carried_out(rec, one) for one in closings)

    def _is_carried_out(self, rec: Rec, one: Closing) -> bool:
        return self._filled(
            ("2a" if one.declined else "8", rec.ref.id, one.number), "date" if one.declined else "reset"
        )

    def _open_tasks_due(self, rec: Rec, closing: Closing, before: int, key: Key, *, must: bool) -> Iterator[Due]:
        """2a: what the service made in the cycle and is still open. 8: an open task of handoff 7."""
        lost = key in self.offers and self.offers[key].lost  # then nobody knows which tickets were on it at that time
        for task in self._tasks.values():
            on_ticket = task.ticket is not None and (found := self._rec(task.ticket)) is not None
            near = self._rec(task.home) is rec or (on_ticket and found is not None and self._home(found) is rec)
            if not near or not task.open or (not closing.declined and TASKS[task.kind][0] != "7"):
                continue
            # Made in an earlier cycle: not this one's. Made after the closing: it was on its way, and may be closed.
            # Made in this one for a ticket or a revision of an earlier one, or for a ticket that has left: that is open.
            if task.number > before:
                sure = before < (task.cause or task.number) and task.number < closing.number
                sure = sure and task.open_at(closing.number) and self._rec(task.home) is rec
                sure = sure and not (lost and task.ticket is not None)
                sure = sure and (
                    task.ticket is None or (on_ticket and found is not None and self._came_since(found, rec, before))
                )
                yield Due(key, f"close {task.rec.ref.id}", None, must and sure)

    def _came_since(self, ticket: Rec, portfolio: Rec, number: int) -> bool:
        came_in = self._run_began(ticket, "hs_pipeline").number
        return self._home(ticket) is portfolio and self._in_pipeline(ticket) and came_in > number

    # 1

    def _kickoff_due(self, rec: Rec, cycle: int) -> Iterator[Due]:
        """The date is 15 or fewer days away, and the status is empty or the previous cycle's No Refresh Requested."""
        day = self._day(rec)
        status = rec[self._names.status]
        if day is None or (day - today_at(self._now.at)).days > WINDOW or status not in {"", self.declined}:
            return
        fired = self._fired("1", rec, cycle)
        if fired and not self._left_window(rec, fired[-1].number):
            return
        key: Key = ("1", rec.ref.id, cycle, len(fired))
        yield Due(key, "task", AM, must=True)
        yield Due(key, "email", AM, must=True)
        if status == self.declined:
            yield Due(key, "clear", None, must=True)

    def _left_window(self, rec: Rec, since: int) -> bool:
        """By the history alone: a version more than 15 days ahead of the day on which it was set, or a cleared date."""
        return any(
            version.value == "" or (date.fromisoformat(version.value) - today_at(version.at)).days > WINDOW
            for version in rec.history.get(self._names.date, ())
            if version.number > since
        )

    # 3

    def _tickets_due(self, rec: Rec, closings: Sequence[Closing], cycle: int) -> Iterator[Due]:
        """The date has come, and the status is empty, Refresh Request Submitted, or a leftover."""
        day = self._day(rec)
        status = rec[self._names.status]
        if day is None or day > today_at(self._now.at) or status not in {"", self.requested, self.declined}:
            return
        fired = self._fired("3", rec, cycle)
        must = True
        if fired:
            moved = self._run_began(rec, self._names.date)
            fired_for = rec.as_of(self._names.date, fired[-1].number)
            before = rec.as_of(self._names.date, moved.number - 1)
            if moved.number <= fired[-1].number or not (moved.value > fired_for or (before and moved.value > before)):
                return
            # Later than when it fired, or only than the version before: handoffs.md says "moved later".
            must = moved.value > fired_for and (not before or moved.value > before)
            came = max(moved.at, midnight(day))
            number = max((v.number for v in self._all_numbers(came)), default=moved.number)
            number = max(number, moved.number)
            still = [task for task in self._tasks_on(rec, "3") if task.number <= number and task.open_at(number)]
            stands = any(self._cycle(closings, task.number) == cycle and not task.rec.archived for task in still)
            if stands and rec.ref not in self._murky:
                return  # whether one that was deleted since counts is not said, nor one that a merge brought along
            must = must and not still  # one that an earlier cycle left open: whether it is "such a task" is not said
        key: Key = ("3", rec.ref.id, cycle, len(fired))
        yield Due(key, "task", SAS, must)
        yield Due(key, "email", SAS, must)

    def _all_numbers(self, at: int) -> list[Version]:
        """Versions of tasks up to a moment: enough to say how tasks stood then."""
        return [
            version
            for task in self._tasks.values()
            for version in task.rec.history["hs_task_status"]
            if version.at <= at
        ]

    # 4

    def _creative_work_due(self, rec: Rec, tickets: Sequence[Rec], closings: Sequence[Closing]) -> Iterator[Due]:
        for ticket in tickets:
            if not self._is_open(ticket):
                continue
            came_in = self._run_began(ticket, "hs_pipeline").number
            later = [one for one in closings if one.number > came_in]
            moved = len(self._homes[ticket.ref]) > 1 or rec.ref in self._murky
            if later and later[0].declined and not moved:
                continue  # everything later in that cycle is bypassed; of another portfolio's cycle that is open
            # A cycle that was closed by implementing: whether its tickets still ask for work is not said.
            must = not later and ticket.ref not in self._murky and not self._declined_elsewhere(ticket, rec, came_in)
            for role in (CW, GD):
                yield Due(("4", ticket.ref.id, role), "task", role, must)

    def _declined_elsewhere(self, ticket: Rec, home: Rec | None, number: int) -> bool:
        """Whether a portfolio that it was on before had declined since: whether what was bypassed there is due is open."""
        before = [rec for ref in self._homes[ticket.ref] if (rec := self._rec(ref)) is not None and rec is not home]
        return any(one.declined and one.number > number for rec in before for one in self._closings(rec))

    # 5

    def _sets_due(self, rec: Rec, tickets: Sequence[Rec], closings: Sequence[Closing], cycle: int) -> Iterator[Due]:
        status = rec[self._names.status]
        if status in {self.approved, self.implemented}:
            return
        sets: dict[str, list[Rec]] = defaultdict(list)
        for ticket in tickets:
            folder = folder_of(ticket[self._names.folder])
            came_in = self._run_began(ticket, "hs_pipeline").number if self._in_pipeline(ticket) else -1
            if folder and self._is_open(ticket) and self._cycle(closings, came_in) == cycle:
                sets[folder].append(ticket)
        announced = {
            entry
            for offer in self.offers.values()
            if offer.key[:3] == ("5", rec.ref.id, cycle) and (offer.told if offer.lost else offer.filled)
            for entry in offer.key[4]  # type: ignore[union-attr]
        }
        for folder, members in sorted(sets.items()):
            if any(ticket["hs_pipeline_stage"] != self._in_review for ticket in members):
                continue
            complete = status in {self.submitted, self.pending}
            if not complete and self._now.at - max(ticket.at for ticket in members) < BARRIER:
                continue
            entries = frozenset((t.ref.id, self._run_began(t, "hs_pipeline_stage").number) for t in members)
            if entries <= announced:
                continue
            key: Key = ("5", rec.ref.id, cycle, folder, entries)
            yield Due(key, "task", AM, must=True)
            yield Due(key, "email am", AM, must=True)
            yield Due(key, "email sas", SAS, must=True)
            if status != self.pending:
                # Announced to nobody for want of people, and a person has set the status back since: that is open.
                waits = key in self.offers and self.offers[key].decided
                yield Due(key, "write", None, must=not waits)

    # 6

    def _revisions_due(self, ticket: Rec) -> Iterator[Due]:
        if not self._in_pipeline(ticket):
            return
        home = self._home(ticket)
        closings = [] if home is None else self._closings(home)
        versions = ticket.history.get(self._names.needs_revisions, [])
        for version in versions:
            roles = self._revisions.get(version.value, ())
            # Set before a decline that came before any look: "a person asked for it", and "everything later is bypassed".
            murky = ticket.ref in self._murky or (home is not None and home.ref in self._murky)
            must = not murky and not any(c.declined and c.number > version.number for c in closings)
            must = must and not self._declined_elsewhere(ticket, home, version.number)
            key: Key = ("6", ticket.ref.id, version.number)
            for role in roles:
                if (ticket.ref, version.number, role) not in self._served and not self._open_revision(ticket, role):
                    yield Due(key, f"task {role}", role, must)
            away = ticket["hs_pipeline_stage"] != self._in_progress
            if roles and away and (ticket.ref, version.number) not in self._kicked:
                # Nobody was there to do it, and the ticket has moved on by itself: whether it goes back is open.
                seen = (ticket.ref, version.number) in self._waiting | self._seen_back
                yield Due(key, "write", None, must and not seen)
        if not versions or versions[-1].value not in self._revisions:
            return
        newest = versions[-1]
        stage = self._run_began(ticket, "hs_pipeline_stage")
        if stage.value != self._in_review or stage.number < newest.number:
            return
        roles = self._revisions[newest.value]
        handled = all((ticket.ref, newest.number, role) in self._served for role in roles)
        kicked = (ticket.ref, newest.number) in self._kicked
        if kicked or handled or (ticket.ref, newest.number) in self._seen_back or ticket.ref in self._murky:
            yield Due(("6c", ticket.ref.id, newest.number), "clear", None, handled and kicked)

    def _open_revision(self, ticket: Rec, role: str) -> bool:
        """Whether the role has one on this ticket. What a merge brought along is not said to be on this ticket or not."""
        if ticket.ref in self._murky:
            return False
        kind = "Revise Copy: " if role == CW else "Revise Graphics: "
        return any(t.open and t.kind == kind and t.ticket == ticket.ref for t in self._tasks.values())

    # 7, and 8 by a task

    def _implementation_due(self, rec: Rec, closings: Sequence[Closing], cycle: int) -> Iterator[Due]:
        if rec[self._names.status] != self.approved:
            return
        version = self._run_began(rec, self._names.status)
        tasks = [task for task in self._tasks_on(rec, "7") if self._cycle(closings, task.number) == cycle]
        key: Key = ("7", rec.ref.id, version.number)
        fired = key in self.offers and self.offers[key].fired
        stands = self._task_of.get(version.number)
        murky = rec.ref in self._murky  # whether an open task that a merge brought along stands is not said
        if not fired and stands is None and (murky or not any(task.open for task in tasks)):
            yield Due(key, "task", SAS, must=True)
            yield Due(key, "email", SAS, must=True)
        if tasks and not tasks[-1].rec.archived and not tasks[-1].open:
            # Until the service has rested, which version the task stands for may be open.
            must = stands == tasks[-1].rec.ref
            if must or not fired:
                yield Due(("8t", rec.ref.id, version.number), "write", None, must)

    # -- effects: what they answer

    def _take(
        self, handoff: str, slot: str, home: Ref | None, ticket: Ref | None = None, folder: str = ""
    ) -> Offer | None:
        """Fill the slot of the newest offer that has it empty; of one that has begun before all others."""
        found = [
            offer
            for offer in self.offers.values()
            if offer.key[0] == handoff
            and slot in offer.slots
            and (ticket is None or self._same(offer.ticket, ticket))
            and (home is None or ticket is not None or self._same(offer.home, home))
            and (not folder or offer.key[3] == folder)
        ]
        if not found:
            return None
        best = max(found, key=lambda offer: (not offer.lost, bool(offer.filled), offer.last))
        self._fill(best, slot)
        return best

    def _fill(self, offer: Offer, slot: str) -> None:
        del offer.slots[slot]
        offer.filled[slot] = self._now.number
        offer.lost = offer.lost or self._now.at < self._reborn  # it landed late: the process that knew of it was gone

    def _same(self, one: Ref | None, other: Ref | None) -> bool:
        first, second = self._rec(one), self._rec(other)
        return one == other or (first is not None and first is second)

    def _was_done(self, handoff: str, slot: str, home: Ref | None, ticket: Ref | None = None) -> bool:
        return any(
            offer.key[0] == handoff
            and slot in offer.filled
            and (self._same(offer.ticket, ticket) if ticket is not None else self._same(offer.home, home))
            and (home is None or offer.cycle == self._cycle_now(home))
            for offer in self.offers.values()
        )

    def _cycle_now(self, home: Ref) -> int:
        rec = self._rec(home)
        return 0 if rec is None else self._cycle(self._closings(rec), self._now.number)

    def _not_offered(self, what: str, handoff: str, slot: str, home: Ref | None, ticket: Ref | None = None) -> None:
        verdict: Verdict = "doubled" if self._was_done(handoff, slot, home, ticket) else "unexplained"
        self._find(verdict, f"handoff {handoff}: {what}")

    def _made(self, rec: Rec, on: Sequence[Ref]) -> None:
        subject = rec["hs_task_subject"]
        kind = next((one for one in TASKS if subject.startswith(one)), None)
        if rec.ref.kind != "task" or kind is None:
            self._find("unexplained", f"the service made {rec.ref} “{subject}”")
            return
        handoff, role = TASKS[kind]
        home = next((ref for ref in on if ref.kind == "portfolio"), None)
        ticket = next((ref for ref in on if ref.kind == "ticket"), None)
        what = f"{rec.ref} “{subject}” on {', '.join(map(str, sorted(on)))}"
        task = Task(rec, kind, home, ticket if handoff in {"4", "6"} else None, self._now.number)
        slot = f"task {role}" if handoff == "6" else "task"
        folder = folder_of(subject.rpartition("(")[2].removesuffix(")")) if handoff == "5" else ""
        offer = (
            self._take_role(ticket, role) if handoff == "4" else self._take(handoff, slot, home, task.ticket, folder)
        )
        self._tasks[rec.ref] = task
        if offer is None:
            self._not_offered(what, handoff, slot, home, task.ticket)
            return
        self._check_places(offer, home, ticket, handoff, what)
        self._check_owner(offer, rec["hubspot_owner_id"], role, what)
        if handoff == "6" and ticket is not None:
            task.cause = int(str(offer.key[2]))
            self._revision_answered(ticket, role)
            self._reset_of_role.append((ticket, role, task.cause))
        if handoff in {"1", "3"} and home is not None and (cycle := int(str(offer.key[2]))) < self._cycle_now(home):
            task.cause = max(cycle, 1)  # the cycle ended while it was being made
        if handoff == "7":
            self._task_of[int(str(offer.key[2]))] = rec.ref

    def _take_role(self, ticket: Ref | None, role: str) -> Offer | None:
        found = self.offers.get(("4", "" if ticket is None else ticket.id, role))
        if found is None or "task" not in found.slots:
            return None
        self._fill(found, "task")
        return found

    def _revision_answered(self, ticket: Ref, role: str) -> None:
        for offer in self.offers.values():
            if offer.key[:2] == ("6", ticket.id) and (f"task {role}" in offer.slots or f"task {role}" in offer.filled):
                self._served.add((ticket, int(str(offer.key[2])), role))
                offer.slots.pop(f"task {role}", None)
                offer.filled.setdefault(f"task {role}", self._now.number)

    def _check_places(self, offer: Offer, home: Ref | None, ticket: Ref | None, handoff: str, what: str) -> None:
        wanted = offer.ticket if handoff in {"4", "6"} else None
        if not self._same(wanted, ticket):
            self._find("unexplained", f"handoff {handoff}: {what}: is not on {wanted}")
        elif offer.home is not None and not self._same(offer.home, home):
            rec = self._rec(ticket)
            now = None if rec is None else self._home(rec)
            if not self._same(None if now is None else now.ref, home) and ticket not in self._moving:
                self._find("unexplained", f"handoff {handoff}: {what}: is not on {offer.home}")

    def _check_owner(self, offer: Offer, owner: str, role: str, what: str) -> None:
        """Whoever had the role at some moment since the offer's first look, and had not left long before."""
        ticket, home = self._rec(offer.ticket), self._rec(offer.home)
        recs = [rec for rec in (ticket, home, self._home(ticket) if ticket is not None else None) if rec is not None]
        named = set()
        for rec in recs:
            if rec.ref.kind == "ticket" and role not in {CW, GD}:
                continue
            name = self._role_property(role, rec)
            named |= {rec.as_of(name, offer.number)}
            named |= {v.value for v in rec.history.get(name, ()) if v.number >= offer.number}
        changes = self._owner_changes.get(owner, [])
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
            home = self._portfolio_named(name)
            folder = folder_of(rest[len(name) :].strip().strip("()")) if handoff == "5" else ""
            offer = self._take(handoff, slot, home, None, folder)
            if offer is None:
                if home not in self._murky and not (home == NOBODY and self._murky):  # else merged in mid-pass
                    self._not_offered(what, handoff, slot, home)
            else:
                self._check_owner(offer, self._owner_of.get(event.to, ""), role, what)
                if handoff == "8" and int(str(offer.key[2])) not in self._resets:
                    self._find("unexplained", f"handoff 9: {what}: before the reset was written")
            return
        self._find("unexplained", what)

    def _portfolio_named(self, name: str) -> Ref | None:
        for rec in self._recs.values():
            if rec.ref.kind == "portfolio" and rec[self._names.name] == name:
                return rec.ref
        return NOBODY

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
        names, values = self._names, dict(event.values)
        status, day = values.pop(names.status, None), values.pop(names.date, None)
        what = f"{rec.ref} ← {event.values}"
        if values:
            self._find("unexplained", f"the service wrote {what}")
        if status == self.implemented and day is None:
            self._need("8t", "write", rec, what)
        elif status == self.pending and day is None:
            self._advanced(rec, what)
        elif status == "" and day is None:
            self._need("1", "clear", rec, what)
        elif day is not None and status == self.pending:  # 2a, and a set of the new cycle that is ready, in one write
            self._advanced(rec, what)
            self._dated(rec, date.fromisoformat(day) if day else None, None, what)
        elif day is not None and status in {None, ""}:
            self._dated(rec, date.fromisoformat(day) if day else None, status, what)
        elif status is not None or day is not None:
            self._find("unexplained", f"the service wrote {what}")

    def _need(self, handoff: str, slot: str, rec: Rec, what: str) -> Offer | None:
        offer = self._take(handoff, slot, rec.ref)
        if offer is None:
            self._not_offered(what, handoff, slot, rec.ref)
        return offer

    def _advanced(self, rec: Rec, what: str) -> None:
        """One advance answers every set that was ready."""
        if rec[self._names.status] in {self.approved, self.implemented}:
            self._find("unexplained", f"handoff 5: {what}: the status went backwards")
        offer = self._need("5", "write", rec, what)
        for other in self.offers.values():
            if offer is not None and other.key[:3] == offer.key[:3] and "write" in other.slots:
                self._fill(other, "write")

    def _dated(self, rec: Rec, day: date | None, status: str | None, what: str) -> None:
        """The date was moved: by a decline (2a), or by a closing (8), whose write clears the status too."""
        slots = {"8": "reset"} if status is not None else {"2a": "date", "8": "reset"}
        still = {
            closing.number for closing in self._closings(rec)
        }  # the other ones were a slip, seen before it was one
        oldest = min(
            (
                one
                for one in self.offers.values()
                if slots.get(str(one.key[0])) in one.slots and self._same(one.home, rec.ref)
            ),
            key=lambda one: (int(str(one.key[2])) not in still, int(str(one.key[2]))),
            default=None,
        )
        handoff = None if oldest is None else str(oldest.key[0])
        offer = None if handoff is None else self._take(handoff, slots[handoff], rec.ref)
        if offer is not None and handoff == "8":
            self._resets.add(int(str(offer.key[2])))
            if status is None and rec[self._names.status] == self.implemented:
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
        names = self._names
        cadences = {rec.as_of(names.cadence, offer.number), rec[names.cadence]}
        cadences |= {v.value for v in rec.history.get(names.cadence, ()) if v.number > offer.number}
        first, last = today_at(offer.at), today_at(self._now.at)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        moved = [v.number for v in rec.history.get(names.date, ()) if v.at > self._now.at - IN_FLIGHT]
        dates = {rec[names.date], *(rec.as_of(names.date, number - 1) for number in moved)}
        froms = [date.fromisoformat(raw) if raw else None for raw in dates]
        return {next_date(day, cadence, today) for day in froms for cadence in cadences for today in days} - {None}

    def _ticket_written(self, ticket: Rec, event: Updated) -> None:
        names, values = self._names, dict(event.values)
        what = f"{ticket.ref} ← {event.values}"
        offers = [o for o in self.offers.values() if o.key[:2] == ("6", ticket.ref.id)]
        if values.pop("hs_pipeline_stage", None) == self._in_progress:
            self._take_all(offers, "write", what)
            self._kicked |= {(ticket.ref, int(str(offer.key[2]))) for offer in offers}
        for role, name in self._approvals.items():
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
            since = self._run_began(rec, "hs_task_status")
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
        read = [rec for ref in sorted(looked) if (rec := self._rec(ref)) is not None]
        # A ticket that was read with one portfolio, and turned out to be on another, is decided with that one.
        recs = [rec for rec in read if _is_portfolio(rec) or (home := self._home(rec)) is None or home.ref in looked]
        for rec in recs:
            self._check_due(rec)
        for rec in recs:
            self._check_begun(rec)
            self._conclude(rec)
        for ticket, role, asked in self._reset_of_role:
            found = self._recs.get(ticket)
            if found is None or ticket in self._murky:
                continue
            given = any(not v.own and v.number > asked for v in found.history.get(self._approvals[role], ()))
            if found[self._approvals[role]] != "" and not given:
                self._find("missing", f"handoff 6: {ticket}: {self._approvals[role]} was not reset")
        self._reset_of_role.clear()

    def _check_due(self, rec: Rec) -> None:
        for due in self._due(rec):
            offer = self._offered(due, rec)
            if due.slot in offer.filled:
                continue
            offer.slots[due.slot] = due.role
            forgotten = offer.lost and due.slot.startswith("email")
            if due.must and not forgotten and rec.ref not in self._murky and not self._is_blocked(offer, due.role):
                self._missing(offer, due.slot)

    def _missing(self, offer: Offer, slot: str) -> None:
        where = offer.ticket or offer.home
        key = ", ".join(str(part) if not isinstance(part, frozenset) else str(sorted(part)) for part in offer.key[2:])
        self._find("missing", f"handoff {offer.key[0]}: {slot} for {where} (cause {key})")
        offer.slots.pop(slot, None)
        offer.filled[slot] = self._now.number  # told once

    def _is_blocked(self, offer: Offer, role: str | None) -> bool:
        """Whether there is nobody, or may be nobody, to do it."""
        if role is None:
            return False
        ticket = self._rec(offer.ticket)
        home = self._rec(offer.home) if ticket is None else self._home(ticket)  # where it is now
        owner, sure = self._owner(role, home, ticket)
        return owner is None or not sure

    def _check_begun(self, rec: Rec) -> None:
        """All of an occurrence is written down before the first of it is tried: what has begun is finished."""
        closings = self._closings(rec) if _is_portfolio(rec) else []
        for offer in list(self.offers.values()):
            if not self._same(offer.ticket if rec.ref.kind == "ticket" else offer.home, rec.ref):
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
                kept = kept and (slot != "clear" or rec[self._names.status] == self.declined)
                # One advance of the status answers every set that was ready: which of them has begun it does not tell.
                begun = offer.told if offer.key[0] == "5" else bool(offer.filled)
                must = begun and not bypassed and kept and offer.key[0] in {"1", "3", "5", "7"}
                must = must and not (offer.lost and slot.startswith("email"))
                if must and rec.ref not in self._murky:
                    self._missing(offer, slot)
                offer.slots.pop(slot, None)
            if not offer.filled and not offer.decided:
                if offer.slots and all(role is not None for role in offer.slots.values()):
                    offer.decided = True
                elif not offer.slots:
                    del self.offers[offer.key]

    def _touched(self, rec: Rec, offer: Offer) -> bool:
        """Whether a person has set the status since: then what was to replace it is looked at anew."""
        return any(v.number > offer.number and not v.own for v in rec.history.get(self._names.status, ()))

    def _conclude(self, rec: Rec) -> None:
        """What a look settles without an effect."""
        if rec.ref.kind == "ticket":
            if not rec.archived and self._in_pipeline(rec):
                for version in rec.history.get(self._names.needs_revisions, ()):
                    roles = self._revisions.get(version.value, ())
                    self._served |= {
                        (rec.ref, version.number, role) for role in roles if self._open_revision(rec, role)
                    }
                    served = any((rec.ref, version.number, role) in self._served for role in roles)
                    (self._kicked if served else self._waiting).add((rec.ref, version.number))
            return
        if rec.archived:
            return
        closings = self._closings(rec)
        for one in closings:
            if one.declined or one.number in self._resets:
                self._swept_up.add(one.number)
            if not self._is_carried_out(rec, one):
                break  # what comes after an ending that is blocked waits for it
        if rec[self._names.status] == self.approved:
            version = self._run_began(rec, self._names.status)
            cycle = closings[-1].number if closings else 0
            tasks = [t for t in self._tasks_on(rec, "7") if t.open and self._cycle(closings, t.number) == cycle]
            if tasks:
                self._task_of.setdefault(version.number, tasks[-1].rec.ref)

    def _find(self, verdict: Verdict, text: str) -> None:
        self.findings.append(Finding(verdict, self._now.at, text))


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
