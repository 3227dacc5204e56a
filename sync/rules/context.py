"""One record's context, as a rule sees it: snapshot, ledger, mapping and times, with the questions that rules share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from mappings.names import meant
from mappings.schema import ProcessMapping
from mappings.texts import BLANK
from mappings.vocabulary import Handoff, Role, Status, TaskKind
from sync.clock import from_ms, local_date, start_of_day, to_ms
from sync.crm import Kind, RecordRef
from sync.rules import keys, notes
from sync.rules.cadence import next_date, stands_for
from sync.rules.cycle import ClosingVersions, Ending, Settled, all_closings, closing_versions, cycle_at, cycle_id
from sync.rules.in_force import MappingHistory
from sync.rules.keys import START, ClosedKey, DateArrivedKey, DeclinedKey, EffectKind
from sync.rules.model import (
    MONTH_DAY,
    NEXT_DATE,
    Closing,
    EffectState,
    LedgerView,
    Needed,
    Note,
    OccurrenceState,
    OwnTask,
    Portfolio,
    RecordedEffect,
    RecordedOccurrence,
    Snapshot,
    State,
    Ticket,
    Version,
)
from sync.rules.people import Staff, people_in

_LONG_AGO = date(1970, 1, 2)
"""No window opens before that, whatever date a person has typed."""

VERSIONS_KEPT = 20
"""How many versions a full history has (docs/hubspot.md 4.6). Where the CRM keeps more, one is taken for full early."""

Choices = Mapping[tuple[Kind, str], tuple[str, ...]]
"""The internal values that a choice of the portal can have, by object and property; none for a property of any text."""


class NeededError(Exception):
    """A rule asked for something that the snapshot does not hold yet: read it, then decide again."""

    def __init__(self, needed: Needed) -> None:
        self.needed = needed


class UnreadError(Exception):
    """A rule asked for something that came incomplete from the CRM: it cannot decide. The text says what is missing."""


@dataclass(frozen=True, slots=True)
class Times:
    """When it is decided, and since when the service counts. `ledger_began`: when this ledger itself began.

    `now` and `ledger_began` go by our clock, `go_live` and `settles_since` by the CRM's. `ledger_began_there`: when this
    ledger began by the CRM's clock; None: both tell the same. `settles_since`: what was replaced before that was judged
    without a settle time; None: nothing was.
    """

    now: datetime
    today: date
    go_live: datetime
    ledger_began: datetime
    settles_since: datetime | None = None
    ledger_began_there: datetime | None = None

    def is_older_than_ledger(self, moment: datetime) -> bool:
        """Whether a moment of the CRM's clock was before this ledger began."""
        return moment < (self.ledger_began_there or self.ledger_began)

    def counting_since(self, since: datetime) -> "Times":
        """The same moment for a portfolio whose causes count since then, where that is before going live."""
        return replace(self, go_live=min(self.go_live, since))


@dataclass(frozen=True, slots=True)
class NextRefresh:
    """The next Refresh Date. `month_day`: the day of the month that it keeps; None: the cadence does not count in months."""

    date: date
    month_day: int | None


@dataclass(frozen=True)
class Context:
    snapshot: Snapshot
    ledger_as_read: LedgerView
    mapping: ProcessMapping
    times: Times
    people: Mapping[str, str] = field(default_factory=dict)  # active owners by id and by lower-cased email → id
    in_progress: str = ""  # the id of the stage that a revision kicks a ticket back to
    choices: Choices = field(default_factory=dict)
    past: MappingHistory = field(default_factory=MappingHistory)  # which mapping was in force when
    as_read: tuple[Snapshot, LedgerView] | None = None  # before merged records were made one; None: none was merged
    pending_approval: str = ""  # the id of the stage that a ticket is moved on to
    words: Mapping[str, str] = field(default_factory=dict)  # what people call things, by the keys of `mappings.words`
    options: Choices = field(default_factory=dict)  # all that can be chosen in what rules go by, a ticket's stage too

    @cached_property
    def ledger(self) -> LedgerView:
        """What the ledger knows, each occurrence in its cycle.

        Time tells the cycle of a ticket's, which may have come from another portfolio, of a task that was taken back from
        the CRM and does not tell it, and of what a merge has brought along.
        """
        placed = {
            key: replace(recorded, cycle=self.cycle_of(recorded.joined_at or recorded.cause_at or recorded.decided_at))
            if recorded.record.kind is Kind.TICKET or not recorded.cycle or recorded.joined_at is not None
            else recorded
            for key, recorded in self.ledger_as_read.recorded.items()
        }
        return replace(self.ledger_as_read, recorded=placed)

    def spelled(self, kind: Kind, name: str, value: str) -> str:
        """Spell a value of the mapping as this property's choice does: the CRM takes no other spelling."""
        return (meant(value, self.choices.get((kind, name), ())) or value) if value else ""

    @property
    def portfolio(self) -> Portfolio:
        assert self.snapshot.portfolio is not None
        return self.snapshot.portfolio

    @cached_property
    def closing_versions(self) -> ClosingVersions:
        """What the closing versions of the status have come to, by the CRM's own clock and what was judged before."""
        if self.snapshot.portfolio is None:
            return ClosingVersions()
        return closing_versions(self.portfolio.status_history, self.settle, self.read_at, self._settled)

    @property
    def _settled(self) -> Settled:
        counted = {to_ms(closing.at) for closing in self.ledger_as_read.closings}
        slips: set[int] = set()
        for handoff in (Handoff.DECLINED, Handoff.CLOSE):
            for recorded in self.ledger_as_read.of(handoff):
                key = keys.parse(recorded.key)
                if isinstance(key, DeclinedKey | ClosedKey) and recorded.settled:
                    (slips if recorded.state is OccurrenceState.SUPERSEDED else counted).add(key.ms)
        return Settled(frozenset(counted), frozenset(slips - counted), self.times.settles_since)

    @cached_property
    def endings(self) -> tuple[Ending, ...]:
        """The versions of the visible history that ended a cycle, oldest first."""
        return tuple(ending for ending in self.closing_versions.counted if not self._passed_unseen(ending))

    def _passed_unseen(self, ending: Ending) -> bool:
        """Whether it came and went outside of the mapping's condition: then it has ended nothing.

        One that the ledger remembers, or that a key tells as the beginning of a cycle, was seen inside.
        """
        outside = self.passed_outside(ending.version, self.portfolio.status_history)
        if not outside and not self._was_passed_over(ending):
            return False
        told = {recorded.cycle for recorded in self.ledger_as_read.recorded.values()}
        return ending.closing not in self.ledger_as_read.closings and str(ending.version.ms) not in told

    def _was_passed_over(self, ending: Ending) -> bool:
        """Whether what came later was placed in a cycle before it: it counted for nothing then (docs/process.md M.8).

        Of a merged record the condition's past is that of both, and no longer tells when the primary was outside.
        """
        if self.portfolio.ref not in self.ledger_as_read.ancestries:
            return False
        return any(
            recorded.cause_at is not None
            and recorded.cause_at > ending.version.at
            and _is_before(recorded.cycle, ending)
            for recorded in self.ledger_as_read.recorded.values()
            if recorded.record == self.portfolio.ref and not self.ledger_as_read.is_other(recorded.key)
        )

    # -- the settle time

    @property
    def settle(self) -> timedelta:
        """How long what may be a wrong pick has to stand before it counts."""
        return timedelta(seconds=self.mapping.rules.settle_seconds)

    @property
    def read_at(self) -> datetime:
        """When this was read, by the CRM's own clock."""
        return self.snapshot.read_at or self.times.now

    @property
    def settling(self) -> Ending | None:
        """The closing version that stands, while it may still be taken back; None: there is none."""
        return self.closing_versions.settling

    def counts_at(self, since: datetime) -> datetime:
        """When what came to stand at `since` counts, by the CRM's own clock."""
        return since + self.settle

    def unsettled(self, task: OwnTask) -> datetime | None:
        """When the completion of a task will count, by the CRM's own clock; None: it counts, or the task is open."""
        if not task.completed or task.completed_at is None or not self.settle:
            return None
        if self.counts_at(task.completed_at) <= self.read_at:
            return None
        return self.counts_at(task.completed_at)

    def by_our_clock(self, moment: datetime) -> datetime:
        """When a moment of the CRM's clock will surely have come there: it tells its time in whole seconds."""
        return self.times.now + (moment - self.read_at) + timedelta(seconds=1)

    def has_come(self, moment: datetime) -> bool:
        """Whether a moment of the CRM's clock has come."""
        return self.times.now - self.snapshot.clock_ahead >= moment

    def comes_at(self, moment: datetime) -> datetime:
        """When a moment of the CRM's clock will have come by ours, if that one is not the same."""
        ahead = self.snapshot.clock_ahead
        return moment + ahead + (timedelta(seconds=1) if ahead else timedelta())  # it tells whole seconds

    # -- cycles

    @cached_property
    def closings(self) -> tuple[Closing, ...]:
        return all_closings(self.endings, self.ledger_as_read.closings)

    @property
    def cycle_started(self) -> datetime | None:
        return self.closings[-1].at if self.closings else None

    @property
    def cycle(self) -> str:
        return cycle_id(self.cycle_started)

    def cycle_of(self, moment: datetime) -> str:
        return cycle_at(moment, self.closings)

    def cycle_ended_by(self, ending: Ending) -> str:
        return self.cycle_of(from_ms(ending.version.ms - 1))

    def declined_after(self, moment: datetime) -> Closing | None:
        """The decline that ended the cycle of `moment`, where that is how it ended."""
        after = next((closing for closing in self.closings if closing.at > moment), None)
        return after if after is not None and after.by is Status.NO_REFRESH_REQUESTED else None

    def is_forgotten(self, moment: datetime) -> bool:
        """Whether nobody knows how the cycle of `moment` ended.

        This ledger is younger, and so is the oldest version of the status that is left of a history that is full.
        """
        if self.snapshot.portfolio is None or len(self.portfolio.status_history) < VERSIONS_KEPT:
            return False
        return moment < self.portfolio.status_history[-1].at and self.times.is_older_than_ledger(moment)

    def bypassed(self, moment: datetime) -> bool:
        """Whether what was asked for then is pointless: the client declined in its cycle, or nobody knows how that ended."""
        if self.snapshot.portfolio is None:
            return False
        return self.declined_after(moment) is not None or self.is_forgotten(moment)

    def in_cycle(self, ticket: Ticket) -> bool:
        started = self.cycle_started
        return ticket.came_in is not None and (started is None or ticket.came_in >= started)

    @cached_property
    def current_tickets(self) -> tuple[Ticket, ...]:
        """The open tickets of the current cycle."""
        return tuple(ticket for ticket in self.snapshot.tickets if ticket.is_open and self.in_cycle(ticket))

    @cached_property
    def pending(self) -> tuple[Ending, ...]:
        """Endings that the service has not carried out yet, oldest first: the date still has to move."""
        return tuple(
            ending
            for ending in self.endings
            if self.counts(ending.version, self.portfolio.status_history)
            and self.ledger.settled(self.ending_key(ending)) is None
        )

    @property
    def pending_declines(self) -> list[Ending]:
        return [ending for ending in self.pending if ending.closing.by is Status.NO_REFRESH_REQUESTED]

    def ending_key(self, ending: Ending) -> DeclinedKey | ClosedKey:
        form = DeclinedKey if ending.closing.by is Status.NO_REFRESH_REQUESTED else ClosedKey
        return form(self.portfolio.id, ending.version.ms)

    # -- causes

    def counts(self, version: Version[Any], history: Sequence[Version[Any]]) -> bool:
        """Whether a version may cause anything: not older than going live, and it did not come and go outside."""
        return version.at >= self.times.go_live and not self.passed_outside(version, history)

    def passed_outside(self, version: Version[Any], history: Sequence[Version[Any]]) -> bool:
        """Whether a version came and went while the portfolio was outside of the mapping's condition."""
        outside = () if self.snapshot.portfolio is None else self.portfolio.outside
        if not outside:
            return False
        replaced_at = min((later.at for later in history if later.at > version.at), default=None)
        return replaced_at is not None and any(
            (stay.begun is None or stay.begun <= version.at) and replaced_at < stay.ended for stay in outside
        )

    # -- dates

    @property
    def window(self) -> int:
        return self.mapping.rules.window_days

    def out_of_window(self, version: Version[date | None]) -> bool:
        """Whether a date was more than the window ahead of the day on which it was set, or was cleared.

        Window and day are those of the mapping that was in force then.
        """
        return self.past.out_of_window(version, self.mapping)

    @cached_property
    def refresh_began(self) -> datetime:
        """The moment from which on what people leave is for this refresh: the beginning of the cycle.

        In the first known one it is the day of its kickoff. Without one, or where that was adopted and no task tells an
        earlier day, it is the opening of the window, or as many days before today, whichever is earlier.
        """
        return self.cycle_started or self._first_refresh(self.times.today, self.portfolio.refresh_date)

    def refresh_at(self, moment: datetime) -> datetime:
        """The same for the cycle of `moment`, which may be over."""
        if self.cycle_of(moment) == self.cycle:
            return self.refresh_began
        started = max((closing.at for closing in self.closings if closing.at <= moment), default=None)
        return started or self._first_refresh(local_date(moment, self.mapping.zone), None)

    def link_is_older_than(self, moment: datetime) -> bool:
        """Whether the Ad Lab link was last changed before that; no where there is none, or its history does not show it."""
        since = self.portfolio.link_since
        return bool(self.portfolio.ad_lab_link.strip()) and since is not None and since < moment

    def _first_refresh(self, today: date, refresh_date: date | None) -> datetime:
        first = next(iter(self.ledger.of(Handoff.KICKOFF, START)), None)
        days = [] if first is None else [local_date(first.decided_at, self.mapping.zone)]
        if first is None or first.adopted:  # without a task it was decided when it was adopted: that tells no day
            soonest = min(today, refresh_date or today)
            days.append(date.fromordinal(max(soonest.toordinal() - self.window, _LONG_AGO.toordinal())))
        return start_of_day(min(days), self.mapping.zone)

    def is_for_date(self, recorded: RecordedOccurrence) -> bool:
        """Whether a kickoff or an arrived date is one of the date that this portfolio has, and not of a merged one's."""
        if not self.ledger.is_other(recorded.key):
            return True
        at = self.ledger.ancestries[self.portfolio.ref].at
        history = self.portfolio.date_history
        merged = next((v.value for v in history if at is None or v.at <= at), self.portfolio.refresh_date)
        key = keys.parse(recorded.key)
        if isinstance(key, DateArrivedKey):
            return key.day == merged
        dates = {effect.refresh_date for effect in recorded.effects if effect.refresh_date is not None}
        if dates:
            return merged in dates
        # Taken back or adopted: its task tells no date. It was for this one if this one was there, and in the window.
        ahead = None if merged is None else (merged - local_date(recorded.decided_at, self.mapping.zone)).days
        there = any(version.value == merged and version.at <= recorded.decided_at for version in history)
        return there and ahead is not None and ahead <= self.window

    @property
    def barrier(self) -> timedelta:
        return timedelta(minutes=self.mapping.rules.barrier_minutes)

    @property
    def date_since(self) -> datetime:
        """When the Refresh Date came to be what it is; going live where the history does not show it."""
        since = self.times.go_live
        for version in self.portfolio.date_history:
            if version.value != self.portfolio.refresh_date:
                break
            since = version.at
        return since

    @property
    def month_day(self) -> int:
        """The day of the month that a cadence of months keeps: the one that a person last chose, as far as it is known.

        A date that does not stand for that day keeps its own: a cadence of days, or somebody's integration, has moved it.
        """
        current = self.portfolio.refresh_date
        if current is None:
            return self.times.today.day
        for day in (self._day_in_history(), self._day_in_ledger(current)):
            if day is not None and stands_for(current, day) is not None:
                return day
        return current.day

    def _day_in_history(self) -> int | None:
        """The day of the newest date that the service did not write; None: it is forgotten, or the date was cleared."""
        chosen = next((version.value for version in self.portfolio.date_history if not version.own), None)
        return None if chosen is None else chosen.day

    def _day_in_ledger(self, current: date) -> int | None:
        """The day by which the service came to the date that stands: the CRM forgets the version that a person made."""
        moves = [
            recorded
            for handoff in (Handoff.DECLINED, Handoff.CLOSE)
            for recorded in self.ledger.of(handoff)
            if recorded.detail.get(NEXT_DATE) == current.isoformat()
            and any(e.kind is EffectKind.WRITE and e.state is EffectState.DONE for e in recorded.effects)
        ]
        newest = max(moves, key=lambda recorded: recorded.decided_at, default=None)
        return None if newest is None else newest.detail.get(MONTH_DAY)

    def next_refresh(self) -> NextRefresh | None:
        """The next Refresh Date by the portfolio's cadence; None where the mapping does not know the cadence."""
        interval = self.mapping.cadence.interval(self.portfolio.cadence)
        if interval is None:
            return None
        day = self.month_day if interval.months else None
        weekend = self.mapping.cadence.weekend
        following = next_date(self.portfolio.refresh_date, interval, self.times.today, weekend, day=day)
        return NextRefresh(following, day)

    # -- people

    @property
    def staff(self) -> Staff:
        """Who works here."""
        return Staff(self.people, self.snapshot.owners)

    def owner(self, role: Role, ticket: Ticket | None = None) -> tuple[str | None, str | None]:
        """Who does the work of a role: the owner's id, or the reason why there is nobody."""
        named: list[str] = []
        if ticket is not None and ticket.owners.get(role):
            named.append(ticket.owners[role])
        if self.snapshot.portfolio is not None and self.portfolio.owners.get(role):
            named.append(self.portfolio.owners[role])
        about = self.mapping.roles[role]
        return self.staff.assign(named, about.fallback_owner, about.label, f"roles.{role}.fallback_owner")

    def name_of(self, role: Role) -> str:
        """The name of whoever does the work of a role; empty where nobody does, or the name is not known."""
        return self._name(self.owner(role)[0] or "")

    def _name(self, owner: str) -> str:
        found = self.snapshot.owners.get(owner)
        return "" if found is None else found.name

    # -- what has to be read

    def tasks(self, ids: Iterable[str]) -> list[OwnTask]:
        """These of the service's tasks, with their past."""
        wanted = list(ids)
        self._require_read(wanted)
        found = [task for i in wanted if (task := self.snapshot.tasks.get(i)) is not None and task.is_whole]
        if len(found) < len(wanted):
            raise NeededError(Needed(tasks=frozenset(wanted) - {task.id for task in found}))
        return found

    def tasks_open_since(self, ids: Iterable[str], moment: datetime) -> list[OwnTask]:
        """Those of these tasks that are open, and were so at `moment`: of one not changed since then the past tells no more."""
        wanted = list(ids)
        self._require_read(wanted)
        found = [self.snapshot.tasks[i] for i in wanted if i in self.snapshot.tasks]
        doubtful = {task.id for task in found if task.is_open and not (task.is_whole or task.is_open_since(moment))}
        if doubtful or len(found) < len(wanted):
            raise NeededError(Needed(frozenset(doubtful), states=frozenset(wanted) - self.snapshot.tasks.keys()))
        return [task for task in found if task.is_open_since(moment)]

    def _require_read(self, tasks: Iterable[str]) -> None:
        faulty = self.snapshot.faulty
        unread = [faulty[ref] for task in tasks if (ref := RecordRef(Kind.TASK, task)) in faulty]
        if unread:
            raise UnreadError("; ".join(map(str, unread)))

    def notes_since(self, record: RecordRef, bound: datetime) -> list[Note]:
        """The Notes on a record that are not older than `bound`, newest first."""
        return notes.since(self._notes_on(record), bound)

    def quoted(self, record: RecordRef, bound: datetime) -> dict[str, Any]:
        """What a text may say of the Notes on a record since `bound`, as more `variables`: see `notes.quotation`."""
        return self.quoting(self._notes_on(record), bound)

    def quoting(self, found: Sequence[Note], bound: datetime) -> dict[str, Any]:
        """The same of these Notes alone."""
        return notes.quotation(found, bound, self._is_of_manager, self._name)

    def _notes_on(self, record: RecordRef) -> tuple[Note, ...]:
        if record in self.snapshot.faulty:
            raise UnreadError(f"the Notes on {record}: {self.snapshot.faulty[record]}")
        if record not in self.snapshot.notes:
            raise NeededError(Needed(notes=frozenset({record})))
        return self.snapshot.notes[record]

    def _is_of_manager(self, note: Note) -> bool:
        """Whether a Note is of whoever is the Account Manager, does that work now, or was named when it was left."""
        portfolio = self.snapshot.portfolio
        if portfolio is None or not note.by:
            return False
        then = next((version.value for version in portfolio.manager_history if version.at <= note.at), "")
        named = {*people_in(portfolio.owners.get(Role.ACCOUNT_MANAGER, "")), *people_in(then)}
        return note.by in named or note.by == self.owner(Role.ACCOUNT_MANAGER)[0]

    def tasks_made(
        self, handoff: Handoff, cycle: str | None = None, record: str | None = None, kind: TaskKind | None = None
    ) -> list[RecordedEffect]:
        """The tasks made (or adopted) by a handoff, oldest first."""
        return [
            effect
            for recorded in self.ledger.of(handoff, cycle, record)
            for effect in recorded.effects
            if effect.kind is EffectKind.TASK
            and effect.state is EffectState.DONE
            and effect.crm_id is not None
            and (kind is None or effect.task_kind is kind)
        ]

    def newest_tasks_made(self, handoff: Handoff, cycle: str) -> list[str]:
        """The newest task that a handoff made in this cycle, and that of each record merged into this one, oldest first."""
        newest = {
            self._made_for(effect): effect.crm_id
            for effect in self.tasks_made(handoff, cycle)
            if effect.crm_id is not None
        }
        return sorted(newest.values(), key=int)

    def _made_for(self, effect: RecordedEffect) -> RecordRef | None:
        """The merged record that a task was made for; None: it was made for this one."""
        occurrence = keys.occurrence_of(effect.key)
        return keys.parse(occurrence).record if self.ledger.is_other(occurrence) else None

    # -- texts

    def variables(self, **more: object) -> dict[str, Any]:
        """What every text of this record may say; plain values, so that the ledger can keep them."""
        portfolio = self.snapshot.portfolio
        when = None if portfolio is None else portfolio.refresh_date
        since = portfolio.link_since if portfolio is not None and portfolio.ad_lab_link.strip() else None
        known: dict[str, Any] = {
            "portfolio": {
                "id": "" if portfolio is None else portfolio.id,
                "name": "" if portfolio is None else portfolio.name,
                "url": "" if portfolio is None else portfolio.url,
            },
            "today": self.times.today.isoformat(),
            "refresh_date": when.isoformat() if when else None,
            "days_until": (when - self.times.today).days if when else None,
            "account_manager": "" if portfolio is None else self.name_of(Role.ACCOUNT_MANAGER),
            "ad_lab_link": "" if portfolio is None else portfolio.ad_lab_link,
            "ad_lab_link_since": since.isoformat() if since else None,
            "ad_lab_link_old": portfolio is not None and self.link_is_older_than(self.refresh_began),
        }
        blank = {key: value.copy() if isinstance(value, list) else value for key, value in BLANK.items()}
        return {**blank, **known, **more}


def ticket_variables(ticket: Ticket) -> dict[str, str]:
    return {"id": ticket.id, "subject": ticket.subject, "folder": ticket.folder, "url": ticket.url}


def _is_before(cycle: str, ending: Ending) -> bool:
    """Whether a cycle is one that had begun when this ending was set; not told for what was taken back, or is another's."""
    return cycle == START or (cycle.isdecimal() and int(cycle) < ending.version.ms)


def state_of(effects: Iterable[str | None]) -> State:
    """`due`, unless everything that is to be done is blocked."""
    reasons = list(effects)
    return State.BLOCKED if reasons and all(reasons) else State.DUE
