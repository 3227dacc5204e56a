"""Proves from the CRM's own history what was done: nothing missing, nothing doubled, nothing unexplained.

Four questions of each portfolio, answered without changing anything:

- Does each task that carries a key stand there once, and does the history show the cause that its key names?
- Does the CRM show what the ledger says was done: tasks, closings, and each write in the history of its property?
- Does the ledger know each change that the service's app has made?
- What do the rules ask for now that is neither done nor on its way?

Where the visible history does not reach back far enough (HubSpot keeps about 20 versions) nothing is found, and that is
said. Emails leave no trace in the CRM: the ledger alone knows of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn

from sqlalchemy import Connection, select

from mappings.vocabulary import Handoff, Revision, Status, TaskKind
from sync.admin.inventory import SeenTask, Survey, everyone, in_groups, survey
from sync.clock import CLOCKS_APART, from_ms, start_of_day, to_ms
from sync.crm import CRM, Kind, RawVersion, RecordRef, moment_of
from sync.observe import health
from sync.passes.recovery import read_key
from sync.rules.context import Context
from sync.rules.cycle import START
from sync.rules.decide import decide
from sync.rules.dry_run import ahead
from sync.rules.handoffs.revisions import ROLES_OF
from sync.rules.model import UNRESOLVED, EffectState, History, Occurrence, RecordedEffect, Version
from sync.service.bootstrap import Service
from sync.storage import ledger, service_state
from sync.storage.ledger import Tried
from sync.storage.tables import work_items

AFTER_AN_END = timedelta(minutes=15)
"""How long after a decline a task of the cycle that it ended may still come: it was being made already."""

KINDS_OF: Mapping[Handoff, frozenset[TaskKind]] = {
    Handoff.KICKOFF: frozenset({TaskKind.KICKOFF}),
    Handoff.DATE_ARRIVED: frozenset({TaskKind.CREATE_TICKETS}),
    Handoff.TICKETS: frozenset({TaskKind.WRITE_COPY, TaskKind.DESIGN_GRAPHICS}),
    Handoff.SET_READY: frozenset({TaskKind.SHARE_DELIVERABLES}),
    Handoff.REVISIONS: frozenset({TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS}),
    Handoff.APPROVED: frozenset({TaskKind.IMPLEMENT}),
}
"""Which tasks each handoff makes."""

ONE_AT_A_TIME = frozenset({TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS, TaskKind.IMPLEMENT, TaskKind.CREATE_TICKETS})
"""Of these a record gets no second one while the first is open."""


class Sort(StrEnum):
    """What a finding says. The first three are faults; the others are told, so that nothing is passed over in silence."""

    MISSING = "missing"
    DOUBLED = "doubled"
    UNEXPLAINED = "unexplained"
    WAITING = "waiting"  # due, and on its way: planned, marked, held, or blocked by something that a person must mend
    DELETED = "deleted"  # a person deleted a task
    NOT_JUDGED = "not judged"  # the visible history does not reach back
    NOT_READ = "not read"


FAULTS = (Sort.MISSING, Sort.DOUBLED, Sort.UNEXPLAINED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `cause` says in words what is wrong, and by what it is known."""

    sort: Sort
    portfolio: str
    name: str
    handoff: Handoff | None
    key: str | None
    tasks: tuple[str, ...]
    cause: str

    def as_json(self) -> dict[str, object]:
        return {
            "finding": self.sort.value,
            "portfolio": self.portfolio,
            "name": self.name,
            "handoff": None if self.handoff is None else self.handoff.value,
            "key": self.key,
            "tasks": list(self.tasks),
            "cause": self.cause,
        }


@dataclass
class Report:
    """What was compared, and what was found."""

    since: datetime | None = None
    looked: int = 0
    tasks: int = 0  # the service's own, and adopted ones
    effects: int = 0  # writes and closings of the ledger that were looked for in the CRM
    findings: list[Finding] = field(default_factory=list)

    def of(self, *sorts: Sort) -> list[Finding]:
        return [finding for finding in self.findings if finding.sort in sorts]

    @property
    def ok(self) -> bool:
        return not self.of(*FAULTS, Sort.NOT_READ)

    @property
    def exit_code(self) -> int:
        return 0 if self.ok else 1

    def as_json(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "since": None if self.since is None else self.since.isoformat(),
            "looked": self.looked,
            "tasks": self.tasks,
            "effects": self.effects,
            **{sort.name.lower(): len(self.of(sort)) for sort in Sort},
            "findings": [finding.as_json() for finding in self.findings],
        }


def verify(
    service: Service,
    portfolios: Sequence[str] | None = None,
    *,
    since: datetime | None = None,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Compare the CRM with the rules and the ledger for these portfolios (None: for all). Writes nothing.

    `since`: only what was caused, made or tried then or later. Raises the port's errors.
    """
    report = Report(since=since)
    copies = _Copies()
    for group in in_groups(everyone(service) if portfolios is None else list(portfolios)):
        _group(service, survey(service, group), report, copies)
        progress(report)
    report.findings = list(dict.fromkeys([*report.findings, *copies.findings(since)]))
    report.findings.sort(key=lambda f: (list(Sort).index(f.sort), int(f.portfolio), f.key or "", f.cause))
    return report


class _Copies:
    """Every task by its key, over all groups: a copy may be on another portfolio."""

    def __init__(self) -> None:
        self._tasks: dict[str, dict[str, SeenTask]] = {}
        self._cases: dict[str, Context] = {}

    def note(self, context: Context, tasks: Iterable[SeenTask]) -> None:
        for task in tasks:
            if task.key:
                self._tasks.setdefault(task.key, {})[task.id] = task
                self._cases.setdefault(task.key, context)

    def findings(self, since: datetime | None) -> list[Finding]:
        found = []
        for key, tasks in self._tasks.items():
            if len(tasks) > 1 and (since is None or any(task.made_at >= since for task in tasks.values())):
                portfolio = self._cases[key].portfolio
                read, ids = read_key(key), tuple(sorted(tasks, key=int))
                cause = f"{len(ids)} tasks carry the same key"
                handoff = None if read is None else read[0]
                found.append(Finding(Sort.DOUBLED, portfolio.id, portfolio.name, handoff, key, ids, cause))
        return found


def _group(service: Service, seen: Survey, report: Report, copies: _Copies) -> None:
    ids = [record.id for record in seen.cases]
    keys = {task.key for tasks in seen.tasks.values() for task in tasks if task.key}
    with service.store.read() as connection:
        tried = ledger.tried(connection, ids)
        task_of = ledger.task_of(connection, sorted(keys))
        marks = _marks(connection, seen)
        known = _Service.read(connection, service)
    stages = _Stages(service.crm, service.mapping.ticket.properties.stage, seen)
    for record, context in sorted(seen.cases.items(), key=lambda each: int(each[0].id)):
        report.looked += 1
        if not context.portfolio.inside:
            continue
        mine = [effect for effect in tried if effect.portfolio == record.id]
        check = _Check(context, seen.tasks[record], mine, task_of, marks, known, stages, report)
        check.run()
        copies.note(context, seen.tasks[record])
    for record, why in {**seen.faulty, **dict.fromkeys(seen.gone, "it is no longer in the CRM")}.items():
        report.findings.append(Finding(Sort.NOT_READ, record.id, "", None, None, (), why))


# -- what is known of the service itself


def _marks(connection: Connection, seen: Survey) -> dict[RecordRef, str]:
    """For each portfolio that is to be looked at, itself or for one of its tickets: when, or why not."""
    parent = {ticket.ref: record for record, context in seen.cases.items() for ticket in context.snapshot.tickets}
    parent |= {record: record for record in seen.cases}
    found: dict[RecordRef, str] = {}
    for start in range(0, len(parent), 500):
        ids = [record.id for record in list(parent)[start : start + 500]]
        for row in connection.execute(select(work_items).where(work_items.c.id.in_(ids))):
            record = parent.get(RecordRef(Kind(row.kind), row.id))
            if record is None:
                continue
            if row.parked_at is not None:
                text = f"parked after {row.attempts} failed looks: {row.error}"
            elif row.held_effects is not None:
                text = "held by the breaker"
            else:
                text = f"to be looked at from {from_ms(row.look_at).isoformat(timespec='seconds')} on"
            found[record] = text
    return found


@dataclass(frozen=True, slots=True)
class _Service:
    """What is to be known of the service itself. None: it never did."""

    now: datetime
    ledger_began: datetime  # when this ledger began
    last_sweep: datetime | None
    polled_to: datetime | None
    poll: timedelta
    recovering: bool  # not everything from before this ledger has been taken back yet
    knows_itself: bool  # which changes are its own

    @classmethod
    def read(cls, connection: Connection, service: Service) -> "_Service":
        return cls(
            now=service.clock.now(),
            ledger_began=service_state.get(connection, service_state.LEDGER_BEGAN) or service.clock.now(),
            last_sweep=service_state.get(connection, service_state.LAST_SWEEP),
            polled_to=service_state.get(connection, service_state.POLLED_TO),
            poll=timedelta(seconds=service.settings.poll_seconds),
            recovering=service_state.get(connection, service_state.RECOVERED_FOR_GOOD) is None,
            knows_itself=service.settings.hubspot_app_id is not None,
        )

    def still_to_come(self, *, changed: datetime, comes: datetime | None) -> str | None:
        """Why what is due may not have been looked at yet; None if it should have been.

        `changed`: the newest change that it hangs on. `comes`: when the calendar made it due, where that does.
        """
        if comes is not None and (changed <= comes or changed < self.ledger_began):
            since = max(changed, comes)
            looked = self.last_sweep is not None and self.last_sweep >= since
            return (
                None
                if looked or self.now - max(since, self.ledger_began) >= health.SWEEP_WITHIN
                else "due at the next sweep"
            )
        polling = self.polled_to is not None and self.now - self.polled_to < 2 * self.poll
        return "due at the next poll" if polling and self.now - changed < self.poll else None


class _Stages:
    """The history of tickets' stages, read once for a group and only if a key names an entry that is past."""

    def __init__(self, crm: CRM, name: str, seen: Survey) -> None:
        self._crm = crm
        self._name = name
        self._ids = sorted({t.id for context in seen.cases.values() for t in context.snapshot.tickets}, key=int)
        self._read: dict[str, tuple[RawVersion, ...]] | None = None
        self.pending_approval = seen.pending_approval

    def of(self, ticket: str) -> tuple[RawVersion, ...]:
        """Newest first."""
        if self._read is None:
            records = self._crm.read(Kind.TICKET, self._ids, [self._name], [self._name])
            self._read = {i: tuple(record.history.get(self._name, ())) for i, record in records.items()}
        return self._read.get(ticket, ())


class _NotJudgedError(Exception):
    """The visible history does not reach back to what would have to be seen."""


# -- one portfolio


class _Check:
    """Compares one portfolio."""

    def __init__(
        self,
        context: Context,
        tasks: Sequence[SeenTask],
        tried: Sequence[Tried],
        task_of: Mapping[str, str | None],
        marks: Mapping[RecordRef, str],
        service: _Service,
        stages: _Stages,
        report: Report,
    ) -> None:
        self._context = context
        self._portfolio = context.portfolio
        self._tickets = {ticket.id: ticket for ticket in context.snapshot.tickets}
        self._tasks = {task.id: task for task in tasks}
        self._tried = tried
        self._mark = marks.get(context.snapshot.ref)
        self._service = service
        self._stages = stages
        self._report = report
        self._known: dict[str, RecordedEffect] = {
            effect.key: effect
            for recorded in context.ledger_as_read.recorded.values()
            for effect in recorded.effects
            if effect.kind == "task"
        }
        self._task_of = {**task_of, **{key: known_effect.crm_id for key, known_effect in self._known.items()}}

    def run(self) -> None:
        for task in self._tasks.values():
            if task.key and self._counts(task.made_at):
                self._keyed(task)
        self._one_at_a_time()
        self._taken_over_twice()
        for effect in self._tried:
            if effect.stands and self._counts(effect.first_at):
                self._carried_out(effect)
        if self._service.knows_itself:
            self._own_changes()
        self._due()

    def _counts(self, moment: datetime | None) -> bool:
        since = self._report.since
        return since is None or moment is None or moment >= since

    def _find(
        self, sort: Sort, handoff: Handoff | None, key: str | None, cause: str, tasks: Iterable[str] = ()
    ) -> None:
        self._report.findings.append(
            Finding(sort, self._portfolio.id, self._portfolio.name, handoff, key, tuple(tasks), cause)
        )

    # -- tasks that carry a key

    def _keyed(self, task: SeenTask) -> None:
        """Whether the ledger knows the task, and the history its cause."""
        read = read_key(task.key)
        if read is None or read[3] not in KINDS_OF.get(read[0], ()):
            self._find(Sort.UNEXPLAINED, None, task.key, "no handoff makes such a key", [task.id])
            return
        handoff, record, _, kind = read
        here = record == self._portfolio.ref or record in {ticket.ref for ticket in self._context.snapshot.tickets}
        if here:
            self._report.tasks += 1
        if task.key not in self._task_of:
            if here or not self._service.recovering:
                cause = "the ledger does not know the key of this task"
                self._find(Sort.UNEXPLAINED, handoff, task.key, cause, [task.id])
            return
        if not here:  # its ticket was deleted, or is on another portfolio now
            return
        other = self._task_of[task.key]
        if other is not None and other != task.id and self._exists(other):
            if (
                self._tasks.get(other) is None or self._tasks[other].key != task.key
            ):  # two of one key are found as copies
                cause = f"task {other} stands for this already"
                self._find(Sort.DOUBLED, handoff, task.key, cause, [other, task.id])
            return
        try:
            wrong = self._without_cause(handoff, task, kind) or self._after_decline(handoff, task)
        except _NotJudgedError as error:
            self._find(Sort.NOT_JUDGED, handoff, task.key, str(error), [task.id])
            return
        if wrong is not None:
            self._find(Sort.UNEXPLAINED, handoff, task.key, wrong, [task.id])

    def _exists(self, task: str) -> bool:
        found = self._context.snapshot.tasks.get(task)
        return found is not None and found.exists

    def _without_cause(self, handoff: Handoff, task: SeenTask, kind: TaskKind) -> str | None:
        """Why the history does not explain the task; None if it does. `_NotJudgedError` if it does not reach back."""
        parts = task.key.rpartition("/")[0].split(":", 3)
        match handoff:
            case Handoff.KICKOFF:
                return self._no_cycle(parts[2]) or self._no_anchor(int(parts[3]))
            case Handoff.DATE_ARRIVED:
                return self._no_cycle(parts[2]) or self._no_date(parts[3])
            case Handoff.TICKETS:
                came_in = self._tickets[parts[1]].came_in
                return None if came_in is not None else self._left_pipeline()
            case Handoff.SET_READY:
                return self._no_cycle(parts[2]) or self._no_entries(parts[3].split(","))
            case Handoff.REVISIONS:
                return self._no_revision(self._tickets[parts[1]].revision_history, int(parts[2]), kind)
            case Handoff.APPROVED:
                return self._no_approval(int(parts[2]))
            case _:
                return None

    def _left_pipeline(self) -> NoReturn:
        raise _NotJudgedError("the ticket has left the deliverables pipeline since")

    def _no_cycle(self, cycle: str) -> str | None:
        if cycle == START or any(str(to_ms(closing.at)) == cycle for closing in self._context.closings):
            return None
        ending = next((v for v in self._portfolio.status_history if str(v.ms) == cycle), None)
        if ending is not None and ending.value is Status.CREATIVES_IMPLEMENTED:
            return None  # moved on by a person in the very moment of its reset: the history shows a slip
        started = from_ms(int(cycle))
        _reaches(self._portfolio.status_history, started, "the status")
        return f"no cycle of this portfolio began on {_at(self._context, started)}"

    def _no_anchor(self, ms: int) -> str | None:
        history = self._portfolio.date_history
        if ms == 0 or any(version.ms == ms and self._context.out_of_window(version) for version in history):
            return None
        _reaches(history, from_ms(ms), "the Refresh Date")
        return f"the Refresh Date was not moved out of the window on {_at(self._context, from_ms(ms))}"

    def _no_date(self, day: str) -> str | None:
        history = self._portfolio.date_history
        if any(version.value is not None and version.value.isoformat() == day for version in history):
            return None
        _reaches(history, start_of_day(_day(day), self._context.mapping.zone), "the Refresh Date")
        return f"the Refresh Date never was {day}"

    def _no_entries(self, entries: Iterable[str]) -> str | None:
        for entry in entries:
            ticket, _, ms = entry.partition("@")
            found = self._tickets.get(ticket)
            if found is None:
                raise _NotJudgedError(f"ticket {ticket} is no longer on this portfolio")
            if ms in {str(to_ms(found.stage_since)), str(to_ms(found.created_at))}:
                continue
            history = self._stages.of(ticket)
            versions = [v for v in history if v.value == self._stages.pending_approval and str(to_ms(v.at)) == ms]
            if not versions:
                _reaches(history, from_ms(int(ms)), f"the stage of ticket {ticket}")
                return (
                    f"ticket {ticket} did not come into the stage of approval on {_at(self._context, from_ms(int(ms)))}"
                )
        return None

    def _no_revision(self, history: History[Revision | None], ms: int, kind: TaskKind) -> str | None:
        version = next((version for version in history if version.ms == ms), None)
        if version is None:
            _reaches(history, from_ms(ms), "Needs Revisions")
            return f"Needs Revisions was not set on {_at(self._context, from_ms(ms))}"
        asked = [] if version.value is None else [kind for kind, _ in ROLES_OF.get(version.value, ())]
        if kind not in asked:
            return f"what was set on {_at(self._context, version.at)} does not ask this role for a revision"
        return None

    def _no_approval(self, ms: int) -> str | None:
        history = self._portfolio.status_history
        if any(version.ms == ms and version.value is Status.CREATIVES_APPROVED for version in history):
            return None
        _reaches(history, from_ms(ms), "the status")
        return f"the client's approval was not set on {_at(self._context, from_ms(ms))}"

    def _after_decline(self, handoff: Handoff, task: SeenTask) -> str | None:
        """Nothing of a cycle that was declined may come after the decline.

        What a merge or a ticket brought along may be of a cycle of another portfolio, which the CRM does not tell.
        """
        parts = task.key.rpartition("/")[0].split(":")
        of_ticket = handoff in {Handoff.TICKETS, Handoff.REVISIONS}
        if self._portfolio.has_absorbed or (of_ticket and self._came_over(parts[1])):
            return None
        begun: datetime | None
        if handoff is Handoff.TICKETS:
            begun = self._tickets[parts[1]].came_in
        else:
            begun = from_ms(0 if parts[2] == START else int(parts[2]))
        decline = None if begun is None else self._context.declined_after(begun)
        if decline is None or task.made_at <= decline.at + AFTER_AN_END:
            return None
        made = _at(self._context, task.made_at)
        return f"it was made on {made}, after the client had declined on {_at(self._context, decline.at)}"

    def _came_over(self, ticket: str) -> bool:
        """Whether something was made on the ticket while it was on another portfolio, or on none."""
        on = (task.on for task in self._tasks.values())
        return any(RecordRef(Kind.TICKET, ticket) in records and self._portfolio.ref not in records for records in on)

    # -- two for one cause

    def _one_at_a_time(self) -> None:
        """Of what a record gets one at a time: was the second made while the first was open?"""
        made: dict[tuple[str, str, TaskKind], list[SeenTask]] = {}
        for recorded in self._context.ledger.recorded.values():
            for effect in recorded.effects:
                task = None if effect.crm_id is None else self._tasks.get(effect.crm_id)
                if effect.kind == "task" and task is not None and effect.task_kind in ONE_AT_A_TIME:
                    cycle = "" if recorded.record.kind is Kind.TICKET else recorded.cycle
                    made.setdefault((recorded.record.id, cycle, effect.task_kind), []).append(task)
        for (_, _, kind), tasks in made.items():
            tasks.sort(key=lambda task: (task.made_at, int(task.id)))
            for position, task in enumerate(tasks):
                # Two that carry one key are found as copies.
                open_then = [t for t in tasks[:position] if t.was_open_at(task.made_at) and t.key != (task.key or None)]
                # One that a decline is still to close, once it knows its next date, stands for nothing asked since.
                ends = {t.id: self._context.declined_after(t.made_at) for t in open_then}
                others = [t for t in open_then if (end := ends[t.id]) is None or end.at > task.made_at]
                if others and self._counts(task.made_at):
                    old = others[0].id
                    cause = f"task {task.id} was made while task {old} for the same work was still open"
                    cause += " (or deleted, and restored since: the CRM does not tell)"
                    handoff = next(handoff for handoff, kinds in KINDS_OF.items() if kind in kinds)
                    self._find(Sort.DOUBLED, handoff, task.key or None, cause, [old, task.id])

    def _taken_over_twice(self) -> None:
        """One task may stand for one thing only."""
        keys: dict[str, list[str]] = {}
        for key, known_effect in self._known.items():
            if known_effect.crm_id is not None and self._counts(known_effect.state_at):
                keys.setdefault(known_effect.crm_id, []).append(key)
        for task, of in keys.items():
            if len(of) > 1:
                cause = f"the ledger has task {task} for {len(of)} different things: {', '.join(sorted(of))}"
                self._find(Sort.UNEXPLAINED, None, min(of), cause, [task])

    # -- what the ledger says was done

    def _carried_out(self, effect: Tried) -> None:
        if effect.state in UNRESOLVED:
            self._find(Sort.WAITING, effect.handoff, effect.key, "tried, and the outcome is still to be found out")
        elif effect.state is EffectState.FAILED:
            cause = f"it was refused, and is tried again at each sweep: {effect.reason}"
            self._find(Sort.MISSING, effect.handoff, effect.key, cause)
        elif effect.state is EffectState.DONE and effect.kind == "task":
            self._task_there(effect)
        elif effect.state is EffectState.DONE and effect.kind == "close":
            self._task_closed(effect)
        elif effect.state is EffectState.DONE and effect.kind == "write":
            self._written(effect)

    def _task_there(self, effect: Tried) -> None:
        if effect.payload.get("adopted"):
            self._report.tasks += 1
        if effect.crm_id is None:
            if not any(task.key == effect.key for task in self._tasks.values()):
                cause = "the ledger says that this task was made, but names none, and the CRM has none of this key"
                self._find(Sort.MISSING, effect.handoff, effect.key, cause)
        elif not self._exists(effect.crm_id):
            cause = f"task {effect.crm_id} was deleted by somebody: it is not made again for the same cause"
            self._find(Sort.DELETED, effect.handoff, effect.key, cause, [effect.crm_id])

    def _task_closed(self, effect: Tried) -> None:
        self._report.effects += 1
        task = self._tasks.get(str(effect.payload.get("task")))
        if task is not None and not task.was_ever_completed:
            cause = f"the ledger says that task {task.id} was closed, but it never was"
            self._find(Sort.MISSING, effect.handoff, effect.key, cause, [task.id])

    def _written(self, effect: Tried) -> None:
        """Each value of the write has stood at about that time."""
        self._report.effects += 1
        kind, record = effect.payload["record"]
        for name, value in effect.payload["values"].items():
            history = self._history(RecordRef(Kind(kind), record), name, value)
            if history is None or self._overwritten(effect, name, value):
                continue
            versions, wanted = history
            stood = _stood(versions, wanted, effect.first_at - CLOCKS_APART, effect.state_at + CLOCKS_APART)
            if stood is None:
                self._find(Sort.NOT_JUDGED, effect.handoff, effect.key, _short(f"“{name}”"))
            elif not stood:
                when = _at(self._context, effect.state_at)
                cause = f"the ledger says that “{name}” of {kind} {record} became “{value}” on {when}, but it did not"
                self._find(Sort.MISSING, effect.handoff, effect.key, cause)

    def _history(self, record: RecordRef, name: str, value: str) -> tuple[Sequence[Version[Any]], object] | None:
        """The history of a property and the value as that history has it; None where none is read."""
        names, own = self._context.mapping.portfolio.properties, self._context.mapping.ticket.properties
        if record == self._portfolio.ref and name == names.status:
            return self._portfolio.status_history, self._context.mapping.portfolio.status(value)
        if record == self._portfolio.ref and name == names.refresh_date:
            return self._portfolio.date_history, _day(value) if value else None
        ticket = self._tickets.get(record.id)
        if record.kind is Kind.TICKET and ticket is not None and name == own.needs_revisions:
            return ticket.revision_history, self._context.mapping.ticket.revision(value)
        if record.kind is Kind.TICKET and ticket is not None and name == own.stage:
            return tuple(Version(version.value, version.at) for version in self._stages.of(record.id)), value
        return None

    def _overwritten(self, effect: Tried, name: str, value: str) -> bool:
        """Two different changes of one property in one write: the later one won."""
        return any(
            other.key != effect.key
            and other.kind == "write"
            and other.payload["record"] == effect.payload["record"]
            and other.payload["values"].get(name, value) != value
            and other.state is EffectState.DONE
            and abs(other.first_at - effect.first_at) < timedelta(seconds=1)
            for other in self._tried
        )

    # -- what the service's app has changed

    def _own_changes(self) -> None:
        """Every own version of status, date and Needs Revisions is of one write that the ledger knows, and of one only."""
        names, own = self._context.mapping.portfolio.properties, self._context.mapping.ticket.properties
        self._changes(self._portfolio.ref, names.status, self._portfolio.status_history)
        self._changes(self._portfolio.ref, names.refresh_date, self._portfolio.date_history)
        for ticket in self._tickets.values():
            self._changes(ticket.ref, own.needs_revisions, ticket.revision_history)

    def _changes(self, record: RecordRef, name: str, history: Sequence[Version[Any]]) -> None:
        writes = [
            effect
            for effect in self._tried
            if effect.kind == "write"
            and effect.payload["record"] == [record.kind.value, record.id]
            and name in effect.payload["values"]
        ]
        used: set[str] = set()
        for version in reversed(history):
            # What a ledger since lost had sent may have landed when this one had begun.
            if (
                not version.own
                or version.at < self._service.ledger_began + CLOCKS_APART
                or not self._counts(version.at)
            ):
                continue
            fitting = [effect for effect in writes if self._wrote(effect, record, name, version)]
            fresh = [effect for effect in fitting if effect.key not in used]
            what = f"the service's app changed “{name}” of {record} on {_at(self._context, version.at)}"
            if fresh:
                used.add(fresh[0].key)
            elif fitting:
                self._find(Sort.DOUBLED, fitting[0].handoff, fitting[0].key, f"{what}, a second time")
            else:
                self._find(Sort.UNEXPLAINED, None, None, f"{what}, but the ledger knows of no such write")

    def _wrote(self, effect: Tried, record: RecordRef, name: str, version: Version[Any]) -> bool:
        if not effect.first_at - CLOCKS_APART <= version.at <= effect.state_at + CLOCKS_APART:
            return False
        history = self._history(record, name, effect.payload["values"][name])
        return history is not None and history[1] == version.value

    # -- what is due

    def _due(self) -> None:
        """What the rules ask for now, with the real ledger, and that nobody is about to do."""
        for verdict in decide(self._context).verdicts:
            occurrence = verdict.occurrence
            if occurrence is None or not self._counts(occurrence.cause_at):
                continue
            effects = ahead(occurrence, self._context.ledger)
            if not effects:
                blocks = [effect.blocked for effect in occurrence.effects if effect.blocked]
                if blocks:
                    self._find(Sort.WAITING, occurrence.handoff, occurrence.key, f"blocked: {blocks[0]}")
                continue
            what = " and ".join(dict.fromkeys(effect.slot for effect in effects))
            waits = self._waits(occurrence)
            if waits is not None:
                self._find(Sort.WAITING, occurrence.handoff, occurrence.key, f"{occurrence.reason}: {waits}")
            else:
                cause = f"{occurrence.reason}; not done, and nobody is about to: {what}"
                self._find(Sort.MISSING, occurrence.handoff, occurrence.key, cause)

    def _waits(self, occurrence: Occurrence) -> str | None:
        """By what it will be done; None if by nothing."""
        recorded = self._context.ledger.recorded.get(occurrence.key)
        if recorded is not None and recorded.state == "open":
            return "it is planned"
        if self._mark is not None:
            return self._mark
        if occurrence.cause_at is not None:
            return self._service.still_to_come(changed=occurrence.cause_at, comes=None)
        when, histories = self._portfolio.refresh_date, (self._portfolio.date_history, self._portfolio.status_history)
        days = self._context.window if occurrence.handoff is Handoff.KICKOFF else 0
        comes = None if when is None else start_of_day(when - timedelta(days=days), self._context.mapping.zone)
        changed = max((history[0].at for history in histories if history), default=from_ms(0))
        return self._service.still_to_come(changed=changed, comes=comes)


def _reaches(history: Sequence[Version[Any] | RawVersion], moment: datetime, what: str) -> None:
    """Raises `_NotJudgedError` where the history does not reach back to that moment."""
    if not history or history[-1].at > moment:
        raise _NotJudgedError(_short(what))


def _short(what: str) -> str:
    return f"the visible history of {what} does not reach back that far"


def _stood(history: Sequence[Version[Any]], value: object, since: datetime, until: datetime) -> bool | None:
    """Whether the value stood at some time between the two moments; None: the history begins later. Newest first."""
    for version in history:
        if version.at <= until:
            if version.value == value:
                return True
            if version.at <= since:
                return False
    return None


def _day(text: str) -> Any:
    moment = moment_of(text)
    assert moment is not None
    return moment.date()


def _at(context: Context, moment: datetime) -> str:
    local = moment.astimezone(context.mapping.zone)
    return f"{local:%a} {local.day} {local:%b %Y} {local:%H:%M}"
