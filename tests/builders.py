"""A portal in miniature, for the pure rules: one portfolio, its tickets, and a ledger in memory.

A `Scene` is quiet until something is done to it. Its methods are what people do, can be chained, and each happens a
second after the one before; `look()` is what the service does: it decides, and what it decided is done.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, Self, TypeVar

from mappings.load import load
from mappings.schema import Condition, ProcessMapping, Weekend
from mappings.vocabulary import Handoff, Revision, Role, Stage, Status, TaskKind
from sync.crm import Faulty, Gap, Kind, Lack, Owner, RecordRef
from sync.rules import keys
from sync.rules.context import Context, Times
from sync.rules.cycle import CLOSING
from sync.rules.decide import decide
from sync.rules.identity import as_one, versions_of
from sync.rules.in_force import MappingHistory, PastMapping, past_mapping
from sync.rules.keys import EffectKind, RevisionKey
from sync.rules.model import (
    ADOPTED,
    NOT_YET,
    RECOVERED,
    AddLine,
    CloseTask,
    Closing,
    Decision,
    Effect,
    EffectState,
    Email,
    Former,
    LedgerView,
    NewTask,
    Note,
    OccurrenceState,
    OwnTask,
    Portfolio,
    RecordedEffect,
    RecordedOccurrence,
    Snapshot,
    Stay,
    Ticket,
    UnreadTicket,
    Verdict,
    Version,
    Write,
)
from sync.rules.transition import finished, transition

NOW = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)  # a Monday, 9:00 in New York
TODAY = date(2026, 11, 2)
PORTFOLIO = "101"
MERGED = "102"  # one that was merged into it
IN_PROGRESS = "stage-in-progress"
STAGES = {IN_PROGRESS: Stage.IN_PROGRESS, "stage-pending": Stage.PENDING_APPROVAL, "stage-new": Stage.OTHER}
STAGE_IDS = {stage: stage_id for stage_id, stage in STAGES.items()}
OWNERS = {
    Role.ACCOUNT_MANAGER: "am",
    Role.SOCIAL_AD_SPECIALIST: "sas",
    Role.COPYWRITER: "copy",
    Role.GRAPHIC_DESIGNER: "design",
}
STAND_IN = "stand-in"
PEOPLE = {owner: owner for owner in [*OWNERS.values(), STAND_IN, "own-copy", "own-design"]}

T = TypeVar("T")

_DEFAULT = load()


def day(ahead: int) -> date:
    return TODAY + timedelta(days=ahead)


@dataclass(frozen=True)
class Shift:
    """The moment at which scenes begin, and the time zone of their portal."""

    now: datetime
    zone: str


_shift = Shift(NOW, _DEFAULT.time_zone)


@contextmanager
def shifted(shift: Shift) -> Iterator[None]:
    """Have every scene that is begun meanwhile begin at another moment, in a portal of another time zone."""
    global _shift  # rows of the table make their scenes themselves, and take no clock
    before, _shift = _shift, shift
    try:
        yield
    finally:
        _shift = before


def mapping(*, zone: str | None = None, **switches: Any) -> ProcessMapping:
    """The default mapping, with one of its switches turned: see `_mapping`."""
    return _mapping(zone=zone or _shift.zone, **switches)


@cache
def _mapping(
    *,
    fallbacks: bool = False,
    clear_declined: bool = False,
    close_leftovers: bool = True,
    advance: bool = False,
    condition: bool = False,
    weekend: Weekend = "keep",
    window: int = 15,
    zone: str,
) -> ProcessMapping:
    """The default mapping, with one of its switches turned."""
    made = _DEFAULT.model_copy(update={"cadence": _DEFAULT.cadence.model_copy(update={"weekend": weekend})})
    if fallbacks:
        roles = {
            role: entry.model_copy(update={"fallback_owner": STAND_IN.upper()}) for role, entry in made.roles.items()
        }
        made = made.model_copy(update={"roles": roles})
    if window != made.rules.window_days or zone != made.time_zone:
        rules = made.rules.model_copy(update={"window_days": window})
        made = ProcessMapping(**{**_fields(made), "rules": rules, "time_zone": zone})
    if clear_declined or not close_leftovers or advance:
        switches = {
            "clear_declined_status": clear_declined,
            "close_leftovers": close_leftovers,
            "advance_approved_tickets": advance,
        }
        made = made.model_copy(update={"rules": made.rules.model_copy(update=switches)})
    if condition:
        conditions = (Condition.model_validate({"property": "tier", "in": ["Gold"]}),)
        portfolio = made.portfolio.model_copy(update={"condition": conditions})
        made = made.model_copy(update={"portfolio": portfolio})
    return made


def _fields(mapping_: ProcessMapping) -> dict[str, Any]:
    """Without what it has computed from them, which a copy would keep."""
    return {name: getattr(mapping_, name) for name in ProcessMapping.model_fields}


LACKS = "the CRM's answer lacks the property “needs_revisions”"


class Scene:
    """One portfolio and its tickets with the ledger beside them. Quiet at first: the date is 40 days ahead."""

    def __init__(self, mapping_: ProcessMapping | None = None, *, now: datetime | None = None) -> None:
        now = now or _shift.now
        self.mapping = mapping_ or mapping()
        self.now = now
        self.go_live = now - timedelta(days=90)
        self.ledger_began = self.go_live
        self.cadence = "Monthly"
        self.link = "https://lab.example/1"
        self.link_since: datetime | None = None
        self.owners: dict[Role, str] = dict(OWNERS)
        self.people: dict[str, str] = dict(PEOPLE)
        self.known: dict[str, Owner] = {}  # the people whose names the CRM tells, by id
        self.inside = True
        self.outside: tuple[Stay, ...] = ()
        self.left_at: datetime | None = None
        self.lone = False
        self.refused: set[str] = set()  # kinds of effects that the CRM refuses: write, task, email
        self.statuses: list[Version[Status | None]] = []  # newest first, as in a snapshot
        self.managers: list[Version[str]] = []  # who was named as Account Manager, newest first
        self.dates: list[Version[date | None]] = [Version(self.day(40), now - timedelta(days=80))]
        self.tickets: dict[str, Ticket] = {}
        self.unread: dict[str, UnreadTicket] = {}  # those that came incomplete, as far as the answer showed them
        self.ever: set[str] = set()  # every ticket that ever was: the CRM gives no id twice
        self.tasks: dict[str, OwnTask] = {}
        self.task_kinds: dict[str, str] = {}
        self.lines: list[tuple[str, list[str]]] = []  # each task with the Notes that were added to it, in order
        self.notes: dict[RecordRef, list[Note]] = {}
        self.faulty: dict[RecordRef, Faulty] = {}  # tasks, and records with Notes, that came incomplete
        self.recorded: dict[str, RecordedOccurrence] = {}
        self.closings: set[Closing] = set()
        self._planned: dict[str, Effect] = {}  # by effect key: what the ledger holds of it
        self.done: list[str] = []  # every effect that was carried out, in order
        self.former: list[Former] = []
        self.former_closings: dict[RecordRef, tuple[Closing, ...]] = {}
        self.seen: dict[RecordRef, dict[str, frozenset[int]]] = {}
        self._ids = count(1001)
        self.past = [self._in_force(self.go_live)]

    # -- what people do

    @property
    def today(self) -> date:
        return self.now.astimezone(self.mapping.zone).date()

    def day(self, ahead: int) -> date:
        return self.today + timedelta(days=ahead)

    def later(self, days: float = 0, *, hours: float = 0, minutes: float = 0) -> Self:
        self.now += timedelta(days=days, hours=hours, minutes=minutes)
        return self

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def date(self, ahead: int | None, *, own: bool = False) -> Self:
        """Set the Refresh Date to so many days from today; None clears it."""
        self.dates.insert(0, Version(None if ahead is None else self.day(ahead), self._tick(), own))
        return self

    def status(self, status: Status | None, *, own: bool = False, stands: float | None = None) -> Self:
        """Set the status. One that ends a cycle then stands, for so many seconds: by default until it counts."""
        self.statuses.insert(0, Version(status, self._tick(), own))
        if status in CLOSING and not own:
            self.now += timedelta(seconds=self.mapping.rules.settle_seconds if stands is None else stands)
        return self

    def ticket(
        self,
        ticket: str = "201",
        folder: str = "Spring",
        stage: Stage = Stage.OTHER,
        *,
        age: timedelta = timedelta(0),
        moved_in: timedelta | None = None,
        owners: Mapping[Role, str] | None = None,
    ) -> Self:
        """Create a ticket, or one of this `age`; `moved_in`: how long ago it came into the deliverables pipeline."""
        created = self._tick() - age
        self.ever.add(ticket)
        came_in = created if moved_in is None else self.now - moved_in
        self.tickets[ticket] = Ticket(
            id=ticket, subject=f"Ad {ticket}", url=f"https://crm.example/{ticket}", created_at=created, came_in=came_in,
            is_open=True, stage=stage, stage_since=came_in, folder=folder, revision=None, revision_history=(),
            owners=owners or {}, came_to_review=(came_in,) if stage is Stage.PENDING_APPROVAL else (),
            raw={"hs_pipeline_stage": STAGE_IDS[stage]},
        )  # fmt: skip
        return self

    def _change(self, ticket: str, raw: Mapping[str, str] | None = None, **changes: Any) -> Self:
        old = self.tickets[ticket]
        if "stage" in changes:
            left = old.left_pending_approval if old.stage is not Stage.PENDING_APPROVAL else changes["stage_since"]
            changes["left_pending_approval"] = None if changes["stage"] is Stage.PENDING_APPROVAL else left
            if changes["stage"] is Stage.PENDING_APPROVAL:
                changes["came_to_review"] = (changes["stage_since"], *old.came_to_review)
        self.tickets[ticket] = replace(old, raw={**old.raw, **(raw or {})}, **changes)
        return self

    def move(self, *tickets: str, to: Stage = Stage.PENDING_APPROVAL) -> Self:
        for ticket in tickets:
            at = self._tick()
            if self.tickets[ticket].stage is not to or not self.tickets[ticket].is_open:
                self._change(ticket, {"hs_pipeline_stage": STAGE_IDS[to]}, stage=to, stage_since=at, is_open=True)
        return self

    def put(self, ticket: str, stage: Stage) -> Self:
        return self.move(ticket, to=stage)

    def close(self, ticket: str) -> Self:
        raw = {"hs_pipeline_stage": "stage-closed"}
        return self._change(ticket, raw, stage=Stage.OTHER, stage_since=self._tick(), is_open=False)

    def lacking(self, ticket: str, *, folder: bool = True, closed: bool = False) -> Self:
        """From now on the ticket comes without one of its properties; `folder`: its folder name is shown all the same."""
        known = self.tickets[ticket]
        self.unread[ticket] = UnreadTicket(
            ticket, known.subject, known.url, known.folder if folder else None, not closed, placed=True, why=LACKS
        )
        return self

    def whole(self, *tickets: str) -> Self:
        """They come whole again."""
        for ticket in tickets:
            del self.unread[ticket]
        return self

    def lacking_task(self, kind: TaskKind) -> Self:
        """From now on the newest task of this kind comes without its status."""
        ref = RecordRef(Kind.TASK, self.newest_task(kind))
        self.faulty[ref] = Faulty(ref, (Gap(Lack.PROPERTY, "hs_task_status"),))
        return self

    def lacking_note(self, on: str = PORTFOLIO) -> Self:
        """From now on a Note on this record comes without its text."""
        record = RecordRef(Kind.PORTFOLIO if on == PORTFOLIO else Kind.TICKET, on)
        self.faulty[record] = Faulty(RecordRef(Kind.NOTE, "9"), (Gap(Lack.PROPERTY, "hs_note_body"),))
        return self

    def all_whole(self) -> Self:
        """Every task and Note comes whole again."""
        self.faulty.clear()
        return self

    def leave_pipeline(self, ticket: str) -> Self:
        raw = {"hs_pipeline_stage": "elsewhere"}
        return self._change(ticket, raw, stage=Stage.OTHER, stage_since=self._tick(), is_open=False, came_in=None)

    def rename(self, folder: str, *tickets: str) -> Self:
        for ticket in tickets:
            self._change(ticket, folder=folder)
        return self

    def delete(self, ticket: str) -> Self:
        del self.tickets[ticket]
        return self

    def revise(self, ticket: str, *values: Revision | None, note: str = "warmer") -> Self:
        """Leave a Note (unless it is empty), and set Needs Revisions, to one value after the other."""
        if note:
            self.note(note, on=ticket)
        for value in values:
            version = Version(value, self._tick())
            raw = "" if value is None else self.mapping.ticket.revisions.get(value, "Other Revisions")
            history = (version, *self.tickets[ticket].revision_history)
            self._change(ticket, {"needs_revisions": raw}, revision=value, revision_history=history)
        return self

    def approve(self, ticket: str, *roles: Role) -> Self:
        """Set the approvals of these roles, or both, to Approved."""
        names = {Role.COPYWRITER: "copy_approval", Role.GRAPHIC_DESIGNER: "graphic_approval"}
        at, before = self._tick(), self.tickets[ticket].approved
        given = {role: (at, *before.get(role, ())) for role in roles or names}
        return self._change(ticket, {names[role]: "Approved" for role in given}, approved={**before, **given})

    def approval(self, ticket: str, role: Role, value: str) -> Self:
        """Set the approval of a role to another value."""
        self._tick()
        return self._change(ticket, {"copy_approval" if role is Role.COPYWRITER else "graphic_approval": value})

    def note(
        self, text: str, *, on: str = PORTFOLIO, at: datetime | None = None, by: str = "am", files: int = 0
    ) -> Self:
        record = RecordRef(Kind.PORTFOLIO if on == PORTFOLIO else Kind.TICKET, on)
        moment = self._tick() if at is None else at
        note = Note(text, moment, f"https://crm.example/note/{text}", by, files, str(next(self._ids)))
        notes = [*self.notes.get(record, []), note]
        self.notes[record] = sorted(notes, key=lambda note: note.at, reverse=True)
        return self

    def come_from_elsewhere(self, ticket: str) -> Self:
        """It was on another portfolio when the service looked at it."""
        for key, recorded in self.recorded.items():
            if recorded.record.id == ticket:
                self.recorded[key] = replace(recorded, cycle="1700000000000")
        return self

    def nobody(self, *roles: Role) -> Self:
        for role in roles:
            del self.owners[role]
        return self

    def deactivate(self, owner: str) -> Self:
        del self.people[owner]
        return self

    def reactivate(self, owner: str) -> Self:
        self.people[owner] = owner
        return self

    def name(self, role: Role, owner: str) -> Self:
        self.owners[role] = owner
        return self

    def newest_task(self, kind: TaskKind) -> str:
        return max((task for task, found in self.task_kinds.items() if found == kind), key=int)

    def complete(self, kind: TaskKind, task: str | None = None, *, stands: float | None = None) -> Self:
        """Complete a task. An implementation task then stays so, for so many seconds: by default until it counts."""
        task = task or self.newest_task(kind)
        self.tasks[task] = OwnTask(task, exists=True, completed=True, completed_at=self._tick())
        if kind is TaskKind.IMPLEMENT:
            self.now += timedelta(seconds=self.mapping.rules.settle_seconds if stands is None else stands)
        return self

    def reopen(self, kind: TaskKind) -> Self:
        task = self.newest_task(kind)
        self.tasks[task] = OwnTask(task, exists=True, completed=False, reopened_at=self._tick())
        return self

    def not_closed(self, kind: TaskKind) -> Self:
        """The oldest task of this kind is open after all: whatever was to close it never came through."""
        task = min((task for task, found in self.task_kinds.items() if found == kind), key=int)
        self.tasks[task] = OwnTask(task, exists=True, completed=False)
        return self

    def delete_task(self, kind: TaskKind) -> Self:
        task = self.newest_task(kind)
        self.tasks[task] = OwnTask(task, exists=False, completed=False)
        return self

    def set_cadence(self, cadence: str) -> Self:
        self.cadence = cadence
        return self

    def leave(self) -> Self:
        """The mapping's condition holds no longer."""
        if self.inside:
            self.inside, self.left_at = False, self._tick()
        return self

    def come_back(self) -> Self:
        if not self.inside:
            self.inside, self.outside = True, (*self.outside, Stay(self.left_at, self._tick()))
        return self

    def only_came_in(self) -> Self:
        """The condition that is in force has not held until now, as far as it is known."""
        self.outside = (Stay(None, self._tick()),)
        return self

    def went_live(self) -> Self:
        """The service goes live now: whatever was done before is older."""
        self.go_live = self.ledger_began = self._tick()
        return self

    def lose_database(self) -> Self:
        """A new ledger knows what tasks in the CRM carry; go-live was set in the settings, so it stays."""
        self.ledger_began = self._tick()
        kept = {}
        for recorded in self.recorded.values():
            tasks = tuple(effect for effect in recorded.effects if effect.kind is EffectKind.TASK and effect.crm_id)
            if tasks:
                told = keys.parse(recorded.key).cycle_told
                kept[recorded.key] = replace(
                    recorded, effects=tasks, state=OccurrenceState.DONE, cycle=told, cause_at=None, decided_at=tasks[0].state_at,
                    detail={RECOVERED: True},
                )  # fmt: skip
        self.recorded, self.closings = kept, set()
        self.past = [self._in_force(self.now)]
        return self

    def absorb(self, other: "Scene", *, known: bool = True) -> Self:
        """Another portfolio is merged into this one, which stays the primary. `known`: both were looked at before."""
        if known:
            self._see(self.snapshot(), PORTFOLIO)
            self._see(other.snapshot(), MERGED)
        self.now = max(self.now, other.now)
        at, into = self._tick(), RecordRef(Kind.PORTFOLIO, PORTFOLIO)
        gone = RecordRef(Kind.PORTFOLIO, MERGED)
        self.former.append(Former(gone, into, primary=False, at=at))
        self.former_closings[gone] = tuple(other.closings)
        self.statuses = _one_history(self.statuses, other.statuses, at)
        self.dates = _one_history(self.dates, other.dates, at)
        for recorded in other.recorded.values():
            key = keys.parse(recorded.key)
            text = str(key.of(MERGED)) if recorded.record.kind is Kind.PORTFOLIO else recorded.key
            effects = tuple(
                replace(effect, key=keys.effect_key(text, effect.slot), crm_id=_renumbered(effect))
                for effect in recorded.effects
            )
            self.recorded[text] = replace(recorded, key=text, effects=effects, portfolio=MERGED)
        self.tasks |= {f"9{task}": replace(found, id=f"9{task}") for task, found in other.tasks.items()}
        self.task_kinds |= {f"9{task}": kind for task, kind in other.task_kinds.items()}
        self.tickets |= other.tickets
        return self

    def absorb_ticket(self, primary: str, gone: str) -> Self:
        """One ticket is merged into another, which stays."""
        self._see(self.snapshot(), PORTFOLIO)
        at = self._tick()
        kept, other = self.tickets[primary], self.tickets.pop(gone)
        self.former.append(Former(other.ref, kept.ref, primary=False, at=at))
        history = _one_history([*kept.revision_history], [*other.revision_history], at)
        value = history[0].value if history else None
        raw = {"needs_revisions": "" if value is None else self.mapping.ticket.revisions.get(value, "")}
        return self._change(primary, raw, revision=value, revision_history=tuple(history))

    def _see(self, snapshot: Snapshot, portfolio: str) -> None:
        for record, times in versions_of(snapshot).items():
            ref = RecordRef(Kind.PORTFOLIO, portfolio) if record.kind is Kind.PORTFOLIO else record
            self.seen[ref] = {name: frozenset(found) for name, found in times.items()}

    def forget_history(self, *, keep: int = 1) -> Self:
        """The CRM keeps only the newest versions of the status."""
        del self.statuses[keep:]
        return self

    def forget_dates(self, *, keep: int = 1) -> Self:
        """The CRM keeps only the newest versions of the Refresh Date."""
        del self.dates[keep:]
        return self

    def _in_force(self, since: datetime) -> PastMapping:
        return past_mapping(
            self.mapping,
            since,
            pipeline="0",
            in_progress=IN_PROGRESS,
            pending_approval=STAGE_IDS[Stage.PENDING_APPROVAL],
        )

    def remap(self, mapping_: ProcessMapping) -> Self:
        """An admin changes the mapping, and the service is started with it."""
        self.mapping = mapping_
        self.past.append(self._in_force(self._tick()))
        return self

    def named_at_last(self, status: Status) -> Self:
        """The mapping comes to name the word to which an admin had moved the record: it is what it was before (F.5)."""
        assert self.statuses[0].value is Status.UNMAPPED
        assert self.statuses[1].value is status
        del self.statuses[0]
        return self

    def refuse(self, *kinds: str) -> Self:
        """From now on the CRM refuses effects of these kinds (an admin's rule); none: it takes them again."""
        self.refused = set(kinds)
        return self

    def adopt(self, key: str, handoff: Handoff, kind: TaskKind, *, completed: bool = False) -> Self:
        """A person's own task is recorded as an occurrence of this handoff."""
        task = self._new_task(kind)
        if completed:
            self.complete(kind, task)
        known_effect = RecordedEffect(
            keys.effect_key(key, keys.task_slot(kind)), keys.task_slot(kind), None, EffectState.DONE, self.now, task, kind,
            adopted=True, attempted=True,
        )  # fmt: skip
        ref = RecordRef(Kind.PORTFOLIO, PORTFOLIO)
        self.recorded[key] = RecordedOccurrence(
            key,
            handoff,
            ref,
            self.context().cycle,
            None,
            self.now,
            OccurrenceState.DONE,
            "adopted",
            {ADOPTED: True},
            (known_effect,),
        )
        return self

    def adopt_revision(self, ticket: str) -> Self:
        """What Needs Revisions says is recorded as handled."""
        key = str(RevisionKey(ticket, self.tickets[ticket].revision_history[0].ms))
        ref = RecordRef(Kind.TICKET, ticket)
        self.recorded[key] = RecordedOccurrence(
            key,
            Handoff.REVISIONS,
            ref,
            self.context().cycle,
            None,
            self.now,
            OccurrenceState.DONE,
            "adopted",
            {ADOPTED: True},
        )
        return self

    # -- what the service sees and does

    def snapshot(self) -> Snapshot:
        status = self.statuses[0].value if self.statuses else None
        names = self.mapping.portfolio.properties
        raw_status = "Something Else" if status is Status.UNMAPPED else self.mapping.portfolio.raw_status(status)
        when = self.dates[0].value if self.dates else None
        portfolio = Portfolio(
            id=PORTFOLIO, name="Acme", url="https://crm.example/101", status=status,
            status_history=tuple(self.statuses), refresh_date=when, date_history=tuple(self.dates),
            cadence=self.cadence, ad_lab_link=self.link, owners=self.owners,
            raw={names.status: raw_status, names.refresh_date: when.isoformat() if when else ""},
            inside=self.inside, outside=self.outside, link_since=self.link_since,
            manager_history=tuple(self.managers),
        )  # fmt: skip
        tickets = tuple(self.tickets[i] for i in sorted(self.tickets, key=int) if i not in self.unread)
        refs = [portfolio.ref, *(ticket.ref for ticket in tickets)]
        notes = {ref: tuple(self.notes.get(ref, ())) for ref in refs}
        return Snapshot(
            None if self.lone else portfolio, tickets, dict(self.tasks), notes, dict(self.known),
            unread=tuple(self.unread.values()), faulty=dict(self.faulty),
        )  # fmt: skip

    def ledger(self) -> LedgerView:
        tickets = {*self.tickets, *(former.record.id for former in self.former)}
        mine = {k: f for k, f in self.recorded.items() if f.record.kind is Kind.PORTFOLIO or f.record.id in tickets}
        return LedgerView(
            mine,
            tuple(sorted(self.closings, key=lambda closing: closing.at)),
            former=tuple(self.former),
            former_closings=self.former_closings,
            seen=self.seen,
        )

    def context(self) -> Context:
        moment = Times(self.now, self.today, self.go_live, self.ledger_began)
        past = MappingHistory(tuple(self.past))
        snapshot, ledger = as_one(self.snapshot(), self.ledger())
        review = STAGE_IDS[Stage.PENDING_APPROVAL]
        return Context(
            snapshot, ledger, self.mapping, moment, self.people, IN_PROGRESS, past=past, pending_approval=review
        )

    def decide(self) -> Decision:
        return decide(self.context())

    def look(self, *, times: int = 1) -> Self:
        """The service looks: it decides and does, until its own writes leave nothing more to decide."""
        for _ in range(times):
            for _round in range(6):
                if not self._round():
                    break
            else:
                raise AssertionError(f"it does not come to rest: {self.done[-6:]}")
        return self

    def _round(self) -> bool:
        """Decide once and do it; whether a property was written, so that it must be decided anew."""
        decision = self.decide()
        assert decision.complete, "a scene holds every task and note that a rule may ask for"
        portfolio = None if self.lone else PORTFOLIO
        change = transition(decision, self.context().ledger, self.now, portfolio, retry_failed=True)
        self.recorded |= change.occurrences
        self.closings |= set(change.closings)
        self._planned |= change.planned
        named = [key for key, owner in change.owners.items() if owner is not None]
        wrote = [self._try(key, change.owners.get(key)) for key in dict.fromkeys([*named, *change.planned])]
        self.recorded = {key: finished(recorded) for key, recorded in self.recorded.items()}
        return any(wrote)

    def _try(self, key: str, owner: str | None) -> bool:
        """Try one effect if it is planned, and nothing that it follows is still to be done; whether it was a write."""
        occurrence = keys.occurrence_of(key)
        recorded = self.recorded[occurrence]
        known = next(effect for effect in recorded.effects if effect.key == key)
        effect = self._planned[key]
        after = effect.after if isinstance(effect, CloseTask | Email) else None
        if known.state is not EffectState.PLANNED or (after is not None and not self._is_done(after)):
            return False
        if owner is not None and isinstance(effect, NewTask | Email):
            effect = replace(effect, owner=owner, blocked=None)
        refused = known.kind.value in self.refused
        crm_id = None if refused else self._do(recorded.handoff, effect)
        state = EffectState.FAILED if refused else EffectState.DONE
        tried = replace(known, state=state, state_at=self.now, crm_id=crm_id or known.crm_id, attempted=True)
        effects = tuple(tried if each.key == key else each for each in recorded.effects)
        self.recorded[occurrence] = replace(recorded, effects=effects)
        return isinstance(effect, Write) and not refused

    def _is_done(self, key: str) -> bool:
        everywhere = (effect for recorded in self.recorded.values() for effect in recorded.effects)
        return any(effect.key == key and effect.state is EffectState.DONE for effect in everywhere)

    def _do(self, handoff: Handoff, effect: Effect) -> str | None:
        self.done.append(f"{handoff} {told(effect, self.task_kinds)}")
        match effect:
            case Write(record, values):
                self._write(record, values)
            case NewTask(kind):
                return self._new_task(kind)
            case AddLine(task, variables):
                self.lines.append((task, [note["body"] for note in variables["notes"]]))
            case CloseTask(task):
                self.tasks[task] = OwnTask(task, exists=True, completed=True, completed_at=self.now)
            case Email():
                pass
        return None

    def _new_task(self, kind: TaskKind) -> str:
        task = str(next(self._ids))
        self.tasks[task] = OwnTask(task, exists=True, completed=False)
        self.task_kinds[task] = kind.value
        return task

    def _write(self, record: RecordRef, values: Mapping[str, str]) -> None:
        at = self._tick()
        if record.kind is Kind.PORTFOLIO:
            names = self.mapping.portfolio.properties
            for name, value in values.items():
                if name == names.status:
                    self.statuses.insert(0, Version(self.mapping.portfolio.status(value), at, own=True))
                else:
                    self.dates.insert(0, Version(date.fromisoformat(value), at, own=True))
            return
        for name, value in values.items():
            if name == "hs_pipeline_stage":
                self._change(record.id, {name: value}, stage=STAGES[value], stage_since=at, is_open=True)
            elif name == "needs_revisions":
                history = (Version(None, at, own=True), *self.tickets[record.id].revision_history)
                self._change(record.id, {name: value}, revision=None, revision_history=history)
            else:
                self._change(record.id, {name: value})

    # -- what a test asks

    def would_do(self) -> list[str]:
        """Every effect that the next look would carry out or block, of all ten handoffs, in the order of the rules."""
        found = []
        known = {effect.key: effect for recorded in self.recorded.values() for effect in recorded.effects}
        decision = self.decide()
        blocked = {o.effect_key(e) for o in decision.occurrences for e in o.effects if e.blocked}
        for occurrence in decision.occurrences:
            before = self.recorded.get(occurrence.key)
            if not occurrence.effects and (before is None or not before.committed):
                found.append(f"{occurrence.handoff} {'overtaken' if occurrence.superseded else 'recorded'}")
            for effect in occurrence.effects:
                known_effect = known.get(occurrence.effect_key(effect))
                if known_effect is None or known_effect.state in {*NOT_YET, EffectState.SUPERSEDED, EffectState.FAILED}:
                    waits = isinstance(effect, CloseTask | Email) and effect.after in blocked
                    found.append(f"{occurrence.handoff} {told(effect, self.task_kinds)}{' (blocked)' * waits}")
        for key, who in decision.reassigned.items():
            handoff = self.recorded[keys.occurrence_of(key)].handoff
            found.append(f"{handoff} {keys.slot_of(key)} → {who.owner or 'nobody'}")
        return found

    def verdicts(self, handoff: str, record: str | None = None) -> list[Verdict]:
        found = [verdict for verdict in self.decide().verdicts if verdict.handoff == handoff]
        return [verdict for verdict in found if record is None or verdict.record.id == record]


def _one_history(mine: list[Version[T]], others: list[Version[T]], at: datetime) -> list[Version[T]]:
    """Both by time, newest first; the merge adds a version where the newest is not the value that is to stand."""
    history = sorted([*mine, *others], key=lambda version: version.at, reverse=True)
    value = next((versions[0].value for versions in (mine, others) if versions and versions[0].value is not None), None)
    if history and value is not None and history[0].value != value:
        history.insert(0, Version(value, at, by_merge=True))
    return history


def _renumbered(effect: RecordedEffect) -> str | None:
    """Of the other record's tasks, an id that none of this one's has."""
    return f"9{effect.crm_id}" if effect.kind is EffectKind.TASK and effect.crm_id is not None else effect.crm_id


def told(effect: Effect, task_kinds: Mapping[str, str] | None = None) -> str:
    """An effect in a few words, as the tables write it."""
    match effect:
        case Write(record, values, _, blocked):
            what = ", ".join(f"{name}={value}" for name, value in sorted(values.items()))
            text = f"write {record.id}: {what}"
        case NewTask(kind, _, owner, _, blocked):
            text = f"task {kind} for {owner}"
        case AddLine(task):
            text, blocked = f"line {(task_kinds or {}).get(task, task)}", None
        case CloseTask(task):
            text, blocked = f"close {(task_kinds or {}).get(task, task)}", None
        case Email(kind, _, owner, _, _, blocked):
            text = f"email {kind} to {owner}"
    return f"{text} (blocked)" if blocked else text


def effects_of(decision: Decision) -> Iterator[Effect]:
    for occurrence in decision.occurrences:
        yield from occurrence.effects
