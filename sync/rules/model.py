"""What the rules see and say: portfolios, tickets, versions; occurrences, effects, verdicts. Frozen, without I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from mappings.names import as_seen
from mappings.schema import Party
from mappings.vocabulary import EmailKind, Handoff, Revision, Role, Stage, Status, TaskKind
from sync.clock import to_ms
from sync.crm import Faulty, Kind, Owner, RecordRef
from sync.rules import keys
from sync.rules.keys import EffectKind, OccurrenceKey, Slot

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Version(Generic[T]):
    """One entry of a property's history, read through the mapping. `own` is a change made by an integration."""

    value: T
    at: datetime
    own: bool = False
    by_merge: bool = False  # written by a merge of two records: no act of a person
    inherited: bool = False  # of a record that was merged into this one, and its value stands here too

    @property
    def ms(self) -> int:
        return to_ms(self.at)


History = tuple[Version[T], ...]  # newest first


class Stay(NamedTuple):
    """A time that a portfolio was outside of the mapping's condition. `begun` None: since before its history begins."""

    begun: datetime | None
    ended: datetime


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A portfolio as read. `raw` holds the CRM's own values, by the CRM's names, for what a write must replace."""

    id: str
    name: str
    url: str
    status: Status | None
    status_history: History[Status | None]
    refresh_date: date | None
    date_history: History[date | None]
    cadence: str
    ad_lab_link: str
    owners: Mapping[Role, str]
    raw: Mapping[str, str]
    inside: bool = True  # the mapping's condition holds
    outside: tuple[Stay, ...] = ()  # when it did not hold before, as far as the history shows, oldest first
    absorbed: tuple[str, ...] = ()  # the ids of those merged into it, or that it was made of
    link_since: datetime | None = None  # when the Ad Lab link came to be what it is; None: the history does not show it
    manager_history: History[str] = ()  # who was named as Account Manager

    @property
    def is_named(self) -> bool:
        """Whether its name is one that people gave it, and not the one that stands in for it."""
        return self.name != f"portfolio {self.id}"

    @property
    def ref(self) -> RecordRef:
        return RecordRef(Kind.PORTFOLIO, self.id)


class StageValue(NamedTuple):
    """A version of a ticket's stage: the stage's id, and what it is to the process."""

    id: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Ticket:
    """A deliverable as read. `came_in`: when it came into the deliverables pipeline; None while it is elsewhere."""

    id: str
    subject: str
    url: str
    created_at: datetime
    came_in: datetime | None
    is_open: bool
    stage: Stage
    stage_since: datetime  # when the version came that brought it into its stage
    folder: str
    revision: Revision | None
    revision_history: History[Revision | None]
    owners: Mapping[Role, str]
    raw: Mapping[str, str]
    left_in_progress: datetime | None = None  # when it last left In Progress; None: it has not, or never was there
    left_pending_approval: datetime | None = None  # the same of Pending Approval
    came_to_review: tuple[datetime, ...] = ()  # when it came into Pending Approval, newest first
    approved: Mapping[Role, tuple[datetime, ...]] = field(default_factory=dict)  # when each role's approval was given
    absorbed: tuple[str, ...] = ()  # the ids of those merged into it, or that it was made of
    merged_at: datetime | None = None  # when that last happened, as far as it is known
    stage_value: StageValue | None = None  # the stage that it is in; of a merged ticket no history need end in it
    stage_history: History[StageValue] = ()
    pipeline_history: History[bool] = ()  # whether it was in the deliverables pipeline

    @property
    def ref(self) -> RecordRef:
        return RecordRef(Kind.TICKET, self.id)

    @property
    def folder_key(self) -> str:
        """The folder's name as it is compared; '' where a person sees none."""
        return as_seen(self.folder)


@dataclass(frozen=True, slots=True)
class UnreadTicket:
    """A ticket that came without something that was asked for: nothing is decided on it, nor on its Ad Set.

    `folder`: its Deliverable Folder Name; None: the answer does not say, so that it may be of any set. `may_count`: whether
    it may be an open deliverable, as far as the answer shows. `placed`: whether it is known that it counts for this portfolio.
    """

    id: str
    subject: str
    url: str
    folder: str | None
    may_count: bool
    placed: bool
    why: str

    @property
    def ref(self) -> RecordRef:
        return RecordRef(Kind.TICKET, self.id)

    @property
    def folder_key(self) -> str:
        """The folder's name as it is compared; '' where there is none, or the answer does not say."""
        return as_seen(self.folder or "")

    def may_be_in(self, folder_key: str) -> bool:
        """Whether it may be an open ticket of the Ad Set of this name, as names are compared."""
        return self.may_count and (self.folder is None or as_seen(self.folder) == folder_key)


@dataclass(frozen=True, slots=True)
class Note:
    """A Note as read. `by`: the owner (an id) whose word it is: the Note's own, else who made it; '' for nobody known."""

    body: str  # HTML, as people left it
    at: datetime
    url: str
    by: str = ""
    files: int = 0  # how many are attached
    id: str = "0"


@dataclass(frozen=True, slots=True)
class OwnTask:
    """One of the service's tasks, or an adopted one, as it now stands in the CRM."""

    id: str
    exists: bool
    completed: bool
    completed_at: datetime | None = None
    reopened_at: datetime | None = None  # when a person opened it again; None: it was never completed, or still is
    is_whole: bool = True  # whether its past was read; else `reopened_at` is its last change, `completed_at` not known

    @property
    def is_open(self) -> bool:
        return self.exists and not self.completed

    def is_open_since(self, moment: datetime) -> bool:
        """Whether it is open, and was at `moment`: what is opened again after an end is somebody's wish."""
        return self.is_open and (self.reopened_at is None or self.reopened_at < moment)

    def was_open_at(self, moment: datetime) -> bool:
        """Whether it stood open at `moment`; one that a person deleted did not."""
        if not self.exists:
            return False
        return not self.completed or self.completed_at is None or self.completed_at >= moment


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One portfolio and its tickets, or one ticket without a portfolio, as read at one time.

    `tasks` and `notes` hold only what a rule has asked for; what of it came incomplete is in `faulty`, tasks by themselves,
    Notes by the record that they are on. `problems` are what a person should mend. `read_at` is a moment by the CRM's own
    clock that had come when it was read: how long its newest version has stood can be told by it. None: that is the moment
    at which it is decided. `clock_ahead`: how far our clock was ahead of the CRM's then; negative: behind it.
    """

    portfolio: Portfolio | None
    tickets: tuple[Ticket, ...] = ()
    tasks: Mapping[str, OwnTask] = field(default_factory=dict)
    notes: Mapping[RecordRef, tuple[Note, ...]] = field(default_factory=dict)  # newest first
    owners: Mapping[str, Owner] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    read_at: datetime | None = None
    unread: tuple[UnreadTicket, ...] = ()
    faulty: Mapping[RecordRef, Faulty] = field(default_factory=dict)
    clock_ahead: timedelta = timedelta()

    @property
    def ref(self) -> RecordRef:
        return self.portfolio.ref if self.portfolio is not None else self.tickets[0].ref

    @property
    def ticket_ids(self) -> list[str]:
        """The ids of its tickets, of those too that came incomplete."""
        return [*(ticket.id for ticket in self.tickets), *(ticket.id for ticket in self.unread)]


def unit_of(record: RecordRef, portfolio: str | None) -> RecordRef:
    """The record that a pass looks at for work on `record`: its portfolio (an id), or itself where that is None."""
    return record if portfolio is None else RecordRef(Kind.PORTFOLIO, portfolio)


# What a rule asks for


@dataclass(frozen=True, slots=True)
class Write:
    """Set properties of a portfolio or ticket, if `expects` still holds. Names and values are the CRM's."""

    record: RecordRef
    values: Mapping[str, str]
    expects: Mapping[str, str]
    blocked: str | None = None

    @property
    def slot(self) -> Slot:
        return keys.WRITE


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task for a role, on the record of its occurrence and, of a ticket, its portfolio; its texts are made of `variables`."""

    kind: TaskKind
    role: Role
    owner: str | None
    variables: Mapping[str, Any]
    blocked: str | None = None

    @property
    def slot(self) -> Slot:
        return keys.task_slot(self.kind)


@dataclass(frozen=True, slots=True)
class AddLine:
    """Add a line to the body of one of the service's own tasks, if it is still open; its text is made from `variables`."""

    task: str
    variables: Mapping[str, Any]

    @property
    def slot(self) -> Slot:
        return keys.line_slot(self.task)

    @property
    def blocked(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class CloseTask:
    """Complete one of the service's own tasks and say why in its body."""

    task: str
    reason: str
    after: str | None = None  # the key of a write or a task that must have been done before

    @property
    def slot(self) -> Slot:
        return keys.close_slot(self.task)

    @property
    def blocked(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class Email:
    """An email to a role. `after`: the key of a write that must have been done before."""

    kind: EmailKind
    role: Role
    owner: str | None
    variables: Mapping[str, Any]
    after: str | None = None
    blocked: str | None = None

    @property
    def slot(self) -> Slot:
        return keys.email_slot(self.kind)


Effect = Write | NewTask | AddLine | CloseTask | Email


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One firing of one handoff, keyed by its cause: the same key never fires twice."""

    key: str
    handoff: Handoff
    record: RecordRef
    cycle: str
    reason: str
    cause_at: datetime | None = None
    effects: tuple[Effect, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    superseded: bool = False  # recorded so that it is never done: what came after made it pointless
    overtakes: frozenset[str] = frozenset()  # effects of others (by key) that are pointless now, as far as not tried
    replaces: frozenset[str] = frozenset()  # occurrences (keys) whose undone tasks and emails it makes pointless

    def effect_key(self, effect: Effect) -> str:
        return keys.effect_key(self.key, effect.slot)


class State(StrEnum):
    """The closed set of what a rule may say of a handoff."""

    DONE = "done"
    DUE = "due"
    WAITING = "waiting"
    BLOCKED = "blocked"
    SUPERSEDED = "overtaken"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one record, and why. `due` and `overtaken` may carry the occurrence to be written down."""

    handoff: Handoff
    state: State
    reason: str
    record: RecordRef
    occurrence: Occurrence | None = None
    when: datetime | None = None  # done: when; waiting: until when, where that is known
    key: str | None = None  # the occurrence in the ledger that this speaks of
    undecided: bool = False  # nothing can be said before something is read whole: what was begun is left as it is
    unread: bool = False  # it is the record itself: what was not begun is left as it is too


# Whose turn it is


@dataclass(frozen=True, slots=True)
class Wait:
    """The process goes on once `party` has acted; `stuck_at`: when the mapping says that it has waited too long."""

    party: Party
    who: str  # as people call them: the role's label, and the person where the portfolio names one
    after: Handoff  # the handoff that passed the work to them
    what: str  # what they are to do: "to ask the client …"
    since: datetime  # the last change that this hangs on
    stuck_at: datetime


# What people should look at


@dataclass(frozen=True, slots=True)
class LookAlike:
    """Two Ad Sets of a cycle whose names differ by a typing slip. `tickets`: the ids of each one's, by its name."""

    one: str
    other: str
    tickets: Mapping[str, Sequence[str]]

    def __str__(self) -> str:
        return f"the Ad Sets {self._named(self.one)} and {self._named(self.other)} are called almost the same"

    def as_json(self) -> dict[str, object]:
        return {
            "what": str(self),
            "folders": [{"name": name, "tickets": list(self.tickets[name])} for name in (self.one, self.other)],
        }

    def _named(self, name: str) -> str:
        found = self.tickets[name]
        return f"“{name}” (ticket{'s' if len(found) > 1 else ''} {', '.join(found)})"


# What the ledger remembers


class EffectState(StrEnum):
    PLANNED = "planned"
    ATTEMPTING = "attempting"
    DONE = "done"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    FAILED = "failed"
    SUPERSEDED = "overtaken"
    SENDING = "sending"  # an email that was handed over, and whose end is not told yet
    UNPROVEN = "unproven"  # tried again and again without an answer: a person has to say whether it was done


NOT_YET = frozenset({EffectState.PLANNED, EffectState.BLOCKED})
"""States in which an effect has not been tried, so that deciding anew may still change it."""

UNRESOLVED = frozenset({EffectState.ATTEMPTING, EffectState.UNKNOWN})
"""States in which an effect was tried, and what came of it is not known."""

OPEN_EFFECTS = NOT_YET | {EffectState.FAILED}
"""States in which an effect has certainly not been applied, and may still be."""


_DOUBTFUL_EMAIL = frozenset({EffectState.UNKNOWN, EffectState.UNPROVEN})


def may_be_dropped(kind: EffectKind, state: EffectState) -> bool:
    """Whether what came after an effect may make it pointless: it was not applied, or it is an email that may have been sent.

    Such an email is not sent again, whatever became of it; of anything else the outcome has to be known first.
    """
    return state in OPEN_EFFECTS or (kind is EffectKind.EMAIL and state in _DOUBTFUL_EMAIL)


class OccurrenceState(StrEnum):
    """What has become of an occurrence. The ledger keeps the values."""

    OPEN = "open"
    DONE = "done"  # nothing of it is left to do
    SUPERSEDED = "overtaken"  # recorded so that it is never done
    CANCELLED = "withdrawn"  # its rule no longer asks for it, and nothing of it had been tried
    GONE = "gone"  # its record is not there: kept as it stands, should it be restored


@dataclass(frozen=True, slots=True)
class RecordedEffect:
    """An effect in the ledger. `role`: who is to do or to read it; None: nobody, it is a write or a closing."""

    key: str
    slot: Slot
    role: Role | None
    state: EffectState
    state_at: datetime
    crm_id: str | None = None
    task_kind: TaskKind | None = None
    adopted: bool = False
    attempted: bool = False
    reason: str | None = None
    refresh_date: date | None = None  # the one that its text speaks of; None: of none, or it is not known

    @property
    def kind(self) -> EffectKind:
        return self.slot.kind

    @property
    def own_task(self) -> str | None:
        """The task (its id) that the service itself has made by this; None: it made none. An adopted one is people's own."""
        return None if self.adopted or self.kind is not EffectKind.TASK else self.crm_id

    @property
    def is_unfinished(self) -> bool:
        """Whether it is still to be tried, or what came of it to be found out, or a person to mend why it was refused."""
        return self.state not in {EffectState.DONE, EffectState.SUPERSEDED}


STANDS = "stands"
"""In the detail of an occurrence: it stands from its decision on, though nothing of it could be tried yet."""


RECOVERED = "taken_back"
"""In the detail of an occurrence: its ledger was lost, and of its tasks only those that the CRM shows are known."""


NEXT_DATE = "next_date"
"""In the detail of a decline or a closing: the Refresh Date that it writes, as ISO."""


MONTH_DAY = "day"
"""In the same detail, where that date was counted in months: the day of the month that it keeps."""


ROUNDS = "rounds"
"""In the detail of a revision: the rounds that it opened, their number by the kind of task."""


FOLDER = "folder"
"""In the detail of an announcement: the folder name of its Ad Set, as it was shown. Those of 0.1 have none."""


ANNOUNCEMENT = "announcement"
"""In the same detail: which announcement of that set in its cycle it is, from 1. Adopted ones have none."""


AWAITED = "awaited"
"""In the detail of a revision: the kinds of tasks that wait some minutes for a Note."""


QUOTED = "quoted"
"""In the detail of a revision: the Notes (ids) that its tasks and lines quote, by the kind of task."""


ADOPTED = "adopted"
"""In the detail of an occurrence: `adopt` has recorded it, for what people or older automation had done."""


MISSING = "missing"
"""In the detail of an adopted occurrence: the tasks that nobody had made for it."""


@dataclass(frozen=True, slots=True)
class RecordedOccurrence:
    """An occurrence in the ledger."""

    key: str
    handoff: Handoff
    record: RecordRef
    cycle: str
    cause_at: datetime | None
    decided_at: datetime
    state: OccurrenceState
    reason: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    effects: tuple[RecordedEffect, ...] = ()
    portfolio: str | None = None  # None: a ticket without a portfolio, or one taken back and not yet placed
    joined_at: datetime | None = None  # it was of the running cycle of a record that was merged into this one then

    @property
    def adopted(self) -> bool:
        """Whether it was done by people or older automation; when that was is known of its tasks alone, if it has any."""
        return ADOPTED in self.detail

    @property
    def committed(self) -> bool:
        """Whether it stands: recorded for good, or with an effect that was tried. Before, deciding may change it."""
        if self.state in {OccurrenceState.DONE, OccurrenceState.SUPERSEDED}:
            return True
        return self.state is OccurrenceState.OPEN and (
            STANDS in self.detail or any(effect.attempted for effect in self.effects)
        )

    @property
    def settled(self) -> bool:
        """Whether the rule is through with it: it stands, and no write of it is still to be decided or found out."""
        through = {EffectState.DONE, EffectState.SUPERSEDED}
        return self.committed and all(e.state in through for e in self.effects if e.kind is EffectKind.WRITE)


@dataclass(frozen=True, slots=True)
class Closing:
    """A version that ended a cycle: the next one began there."""

    at: datetime
    by: Status


@dataclass(frozen=True, slots=True)
class Former:
    """A record that was merged: the one that answers for it now, and what is known of the merge."""

    record: RecordRef
    into: RecordRef
    primary: bool | None = None  # whether it was the primary of the merge; None: nobody has said
    at: datetime | None = None  # when; None: it is not known


@dataclass(frozen=True, slots=True)
class Ancestry:
    """What a record was made of. `line`: the record and the primaries that led to it; `others`: what was merged into those."""

    record: RecordRef
    line: tuple[RecordRef, ...]
    others: Mapping[RecordRef, datetime | None]  # each with when it was merged into the line
    at: datetime | None  # when the newest of these merges was; None: it is not known

    @property
    def former(self) -> tuple[RecordRef, ...]:
        """All that it was made of, the primaries first."""
        return (*(record for record in self.line if record != self.record), *self.others)


SeenVersions = Mapping[RecordRef, Mapping[str, frozenset[int]]]
"""The times (ms) of the versions that a pass has seen of a record as its own, by property."""


@dataclass(frozen=True, slots=True)
class LedgerView:
    """All that the ledger knows of one portfolio (or of one ticket without a portfolio)."""

    recorded: Mapping[str, RecordedOccurrence] = field(default_factory=dict)
    closings: tuple[Closing, ...] = ()  # oldest first
    backfilled_since: datetime | None = None  # since when a backfill has made its causes count
    former: tuple[Former, ...] = ()  # the records that were merged into these
    former_closings: Mapping[RecordRef, tuple[Closing, ...]] = field(default_factory=dict)
    seen: SeenVersions = field(default_factory=dict)
    names: Mapping[RecordRef, str] = field(default_factory=dict)  # what merged records were called when they were seen
    ancestries: Mapping[RecordRef, Ancestry] = field(default_factory=dict)  # of the records that were made by merges

    def settled(self, key: OccurrenceKey) -> RecordedOccurrence | None:
        """The occurrence of this key if the rule is through with it; under any identity that its record has had."""
        found = self.recorded.get(self.text_of(key))
        return found if found is not None and found.settled else None

    def text_of(self, key: OccurrenceKey) -> str:
        """The key as the ledger has it: of a record that was merged, an occurrence is kept under its old id."""
        known = self.of_cause(key)
        return next((one.key for one in known if one.committed), next((one.key for one in known), str(key)))

    def of_cause(self, key: OccurrenceKey) -> list[RecordedOccurrence]:
        """The occurrences of one cause: several, where it was met on each of two records before they were merged."""
        ancestry = self.ancestries.get(key.record) if self.ancestries else None
        if ancestry is None:
            found = self.recorded.get(str(key))
            return [] if found is None else [found]
        # A cycle is a portfolio's own: what tells one is the same for the primaries only.
        records = ancestry.line if key.cycle_told else (*ancestry.line, *ancestry.others)
        texts = [str(key.of(record.id)) for record in records]
        return [self.recorded[text] for text in texts if text in self.recorded]

    def current(self, record: RecordRef) -> RecordRef:
        """The record that answers for this one now."""
        return next((a.record for a in self.ancestries.values() if record in a.line or record in a.others), record)

    def is_other(self, key: str) -> bool:
        """Whether this occurrence is of a record that was merged into this one, and not of the primary."""
        record = keys.parse(key).record
        return any(record in ancestry.others for ancestry in self.ancestries.values())

    def of(self, handoff: Handoff, cycle: str | None = None, record: str | None = None) -> Iterable[RecordedOccurrence]:
        """The occurrences that stand, oldest first."""
        found = (
            recorded
            for recorded in self.recorded.values()
            if recorded.handoff is handoff
            and recorded.committed
            and (cycle is None or recorded.cycle == cycle)
            and (record is None or recorded.record.id == record)
        )
        return sorted(found, key=lambda recorded: (recorded.decided_at, recorded.key))


@dataclass(frozen=True, slots=True)
class Reassigned:
    """An effect that waited for a person: who does it now, or why there is still nobody."""

    owner: str | None
    blocked: str | None


@dataclass(frozen=True, slots=True)
class Needed:
    """What is to be read before a decision counts: tasks (ids), and the Notes of records.

    `states`: tasks of which it only matters whether they are open, and since when: their past may be left out.
    """

    tasks: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    notes: frozenset[RecordRef] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.tasks or self.states or self.notes)

    @classmethod
    def of_all(cls, several: Iterable["Needed"]) -> "Needed":
        """What any of them needs."""
        each = list(several)
        return cls(
            frozenset(task for one in each for task in one.tasks),
            frozenset(task for one in each for task in one.states),
            frozenset(record for one in each for record in one.notes),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done for one snapshot, and why everything else is not."""

    verdicts: tuple[Verdict, ...]
    reassigned: Mapping[str, Reassigned] = field(default_factory=dict)  # by effect key
    needed: Needed = field(default_factory=Needed)
    replaced: frozenset[str] = frozenset()  # effects (keys) that a newer announcement, which stands, makes pointless
    covered: frozenset[str] = (
        frozenset()
    )  # effects (keys) that were done, or are to be, for a record merged with theirs
    recheck_at: datetime | None = None
    closings: tuple[Closing, ...] = ()  # to be remembered: the CRM forgets old versions
    undecided: frozenset[Handoff] = frozenset()  # what stands of these is left as it is, and not gone on with
    bypassed: frozenset[str] = frozenset()  # effects (keys) of a cycle that was declined while their ticket was away

    @property
    def complete(self) -> bool:
        return not self.needed

    @property
    def occurrences(self) -> tuple[Occurrence, ...]:
        return tuple(v.occurrence for v in self.verdicts if v.occurrence is not None)
