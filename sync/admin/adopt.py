"""Takes over a portal in mid-process: what people and older automation have done is recorded as done, and nothing fires.

The keys are the rules' own: each portfolio is decided as if the service had been there since its cycle began, and what
the rules would then have done is written down as done, with the task that stands for it in the CRM where there is one.
What is left is decided once more as a pass would: that is due, and listed.

Only what is older than going live is taken over, or has a task already: the rest is the service's own work.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import structlog

from mappings.texts import Texts, one_line
from mappings.vocabulary import Handoff, Revision, Stage, Status, TaskKind
from sync.admin.inventory import ExistingTask, all_portfolios, in_groups, take_inventory, tasks_named
from sync.clock import from_ms
from sync.crm import RecordRef
from sync.rules.context import Context
from sync.rules.decide import decide
from sync.rules.dry_run import ahead
from sync.rules.handoffs.approved import approved
from sync.rules.handoffs.date_arrived import date_arrived
from sync.rules.handoffs.kickoff import kickoff
from sync.rules.handoffs.verdicts import EARLY
from sync.rules.model import (
    Decision,
    EffectState,
    History,
    LedgerView,
    NewTask,
    Occurrence,
    RecordedEffect,
    RecordedOccurrence,
    State,
    Ticket,
    Verdict,
    Version,
)
from sync.service.bootstrap import Service
from sync.service.lanes import every_lane_held
from sync.service.reading import ReadingService
from sync.storage import ledger

ORIGIN = "adopt"

HANDOFF_OF: Mapping[TaskKind, Handoff] = {
    TaskKind.KICKOFF: Handoff.KICKOFF,
    TaskKind.CREATE_TICKETS: Handoff.DATE_ARRIVED,
    TaskKind.WRITE_COPY: Handoff.TICKETS,
    TaskKind.DESIGN_GRAPHICS: Handoff.TICKETS,
    TaskKind.SHARE_DELIVERABLES: Handoff.SET_READY,
    TaskKind.REVISE_COPY: Handoff.REVISIONS,
    TaskKind.REVISE_GRAPHICS: Handoff.REVISIONS,
    TaskKind.IMPLEMENT: Handoff.APPROVED,
}

Match = tuple[NewTask, ExistingTask]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `task`: the task that stands for it, None for none; `key`: None for a task without cause."""

    portfolio: str
    name: str
    handoff: Handoff
    record: RecordRef
    key: str | None
    task: str | None
    reason: str

    def as_json(self) -> dict[str, object]:
        return {
            "portfolio": self.portfolio,
            "name": self.name,
            "handoff": self.handoff.value,
            "record": str(self.record),
            "key": self.key,
            "task": self.task,
            "reason": self.reason,
        }


@dataclass
class Adoption:
    """What was, or would be, taken over.

    `adopted`: recorded as done. `due`: left alone, so that the service does it at its next look. `unmatched`: what a
    person should know, because a task is missing, or stands there without a cause.
    """

    looked: int = 0
    adopted: list[Finding] = field(default_factory=list)
    due: list[Finding] = field(default_factory=list)
    unmatched: list[Finding] = field(default_factory=list)
    faulty: dict[str, str] = field(default_factory=dict)  # portfolios that could not be read, and why
    applied: bool = False

    @property
    def tasks(self) -> int:
        """How many tasks were matched."""
        return len({finding.task for finding in self.adopted if finding.task is not None})

    def as_json(self) -> dict[str, object]:
        return {
            "applied": self.applied,
            "looked": self.looked,
            "tasks": self.tasks,
            "adopted": [finding.as_json() for finding in self.adopted],
            "due": [finding.as_json() for finding in self.due],
            "unmatched": [finding.as_json() for finding in self.unmatched],
            "faulty": dict(self.faulty),
        }


def plan(
    service: ReadingService,
    portfolios: Sequence[str] | None = None,
    *,
    silence_due: bool = False,
    progress: Callable[[Adoption], None] = lambda _: None,
) -> Adoption:
    """What `apply` would record of these portfolios (None: of all). Writes nothing. Raises the port's errors."""
    found = Adoption()
    for group in in_groups(all_portfolios(service) if portfolios is None else list(portfolios)):
        _add(found, _group(service, group, silence_due=silence_due))
        progress(found)
    return found


def apply(
    service: Service,
    portfolios: Sequence[str] | None = None,
    *,
    silence_due: bool = False,
    progress: Callable[[Adoption], None] = lambda _: None,
) -> Adoption:
    """Record it; no task, email or property of the CRM changes. A second time records nothing new.

    Each group is read anew while no pass can run on it, so that a running service and this never decide the same.
    """
    service.prepare()
    found = Adoption(applied=True)
    for group in in_groups(all_portfolios(service.reading) if portfolios is None else list(portfolios)):
        with every_lane_held(service.store):
            adopters = _group(service.reading, group, silence_due=silence_due)
            with service.store.write() as connection:
                for adopter in adopters.portfolios:
                    for recorded in adopter.recorded:
                        ledger.record(connection, recorded, adopter.context.portfolio.id, ORIGIN)
        _add(found, adopters)
        log.info("adopt.recorded", looked=found.looked, adopted=len(found.adopted), tasks=found.tasks)
        progress(found)
    return found


@dataclass(frozen=True)
class _Group:
    portfolios: "list[_Adopter]"
    faulty: Mapping[str, str]


def _group(service: ReadingService, portfolios: Sequence[str], *, silence_due: bool) -> _Group:
    seen = take_inventory(service, portfolios)
    texts = Texts(service.mapping)
    adopters: list[_Adopter] = []
    faulty = {record.id: why for record, why in seen.faulty.items()}
    faulty |= {record.id: "it is no longer in the CRM" for record in seen.gone}
    for record, context in sorted(seen.contexts.items(), key=lambda each: int(each[0].id)):
        adopter = _Adopter(context, seen.tasks[record], texts)
        try:
            if context.portfolio.inside:
                adopter.adopt(silence_due=silence_due)
        except Exception as error:
            log.error("adopt.failed", record=str(record), exc_info=True)
            faulty[record.id] = f"{type(error).__name__}: {error}"
        else:
            adopters.append(adopter)
    return _Group(adopters, faulty)


def _add(found: Adoption, group: _Group) -> None:
    in_order = list(Handoff).index
    for adopter in group.portfolios:
        found.looked += 1
        found.adopted += sorted(adopter.adopted, key=lambda finding: in_order(finding.handoff))
        found.due += adopter.due
        found.unmatched += adopter.unmatched
    found.faulty |= group.faulty


class _Adopter:
    """Works out what of one portfolio is to be recorded. `case` knows what has been recorded so far."""

    def __init__(self, context: Context, tasks: Sequence[ExistingTask], texts: Texts) -> None:
        self.context = context
        self.recorded: list[RecordedOccurrence] = []
        self.adopted: list[Finding] = []
        self.due: list[Finding] = []
        self.unmatched: list[Finding] = []
        self._texts = texts
        known = tasks_named(context.ledger_as_read)
        self._free = [task for task in tasks if not task.key and task.id not in known]

    def adopt(self, *, silence_due: bool) -> None:
        if self.context.portfolio.status is Status.CREATIVES_IMPLEMENTED:
            self._closed_by_hand()
        else:
            self._dates()
            self._cycle()
        for ticket in self.context.snapshot.tickets:
            self._revisions(ticket)
        self._left(silence_due=silence_due)
        self._strays()

    # -- the dates: handoffs 1 and 3

    def _dates(self) -> None:
        portfolio, today = self.context.portfolio, self.context.times.today
        if portfolio.refresh_date is None:
            return
        occurrence = self._fresh(kickoff(self._early(portfolio.refresh_date)))
        if occurrence is not None:
            anchor = from_ms(int(occurrence.key.rsplit(":", 1)[1]))  # older ones were for a date that was moved away
            task = self._take(TaskKind.KICKOFF, lambda task: task.made_at >= max(anchor, self._cycle_started))
            near = (portfolio.refresh_date - today).days <= self.context.window
            self._date_done(occurrence, task, passed=near and portfolio.status is not Status.NO_REFRESH_REQUESTED)
        self._arrivals(portfolio.refresh_date)
        if portfolio.refresh_date <= today:
            occurrence = self._fresh(date_arrived(self._early(portfolio.refresh_date)))
            if occurrence is not None:
                self._date_done(occurrence, None, passed=portfolio.status not in EARLY)

    def _arrivals(self, current: date) -> None:
        """Each task for the SAS is of the date that stood when it was made."""
        unasked: list[ExistingTask] = []
        while (task := self._take(TaskKind.CREATE_TICKETS, lambda t: t.made_at >= self._cycle_started)) is not None:
            occurrence = self._fresh(date_arrived(self._early(self._date_at(task.made_at) or current)))
            if occurrence is None:
                unasked.append(task)
            else:
                self._date_done(occurrence, task, passed=False)
        self._free += unasked

    def _date_done(self, occurrence: Occurrence, task: ExistingTask | None, *, passed: bool) -> None:
        """With a task it is done; without one it is if the status that stood when going live says so."""
        if task is not None:
            effect = next(effect for effect in occurrence.effects if isinstance(effect, NewTask))
            self._record(occurrence, [(effect, task)], "its task was there already")
            return
        status, history = self.context.portfolio.status, self.context.portfolio.status_history
        if passed and status not in {None, Status.UNMAPPED} and history and self._is_old(history[0].at):
            raw = self.context.mapping.portfolio.raw_status(status)
            self._record(occurrence, [], f"the status had moved on to “{raw}”")

    def _early(self, when: date) -> Context:
        """The case as if the cycle had not gone on yet and its date were `when`, or past."""
        portfolio = replace(self.context.portfolio, status=None, refresh_date=when)
        moment = replace(self.context.times, go_live=self._cycle_began, today=max(when, self.context.times.today))
        return replace(self.context, snapshot=replace(self.context.snapshot, portfolio=portfolio), times=moment)

    def _date_at(self, moment: datetime) -> date | None:
        """The Refresh Date as it stood then; None where the history does not reach back, or there was none."""
        history = self.context.portfolio.date_history
        return next((version.value for version in history if version.at <= moment), None)

    # -- the cycle under way: handoffs 2b, 4, 5, 7 and a task of 7 that was completed already

    @property
    def _cycle_started(self) -> datetime:
        return self.context.cycle_started or from_ms(0)

    @property
    def _cycle_began(self) -> datetime:
        """From here on everything belongs to the current cycle."""
        started = self.context.cycle_started
        return from_ms(0) if started is None else started + timedelta(milliseconds=1)

    def _since_its_beginning(self) -> Context:
        """The case as if the service had been there since the cycle began."""
        return replace(self.context, times=replace(self.context.times, go_live=self._cycle_began))

    def _cycle(self) -> None:
        if self.context.portfolio.status is Status.CREATIVES_APPROVED:
            # The client has seen the Ad Sets: they were ready, whatever became of their tasks.
            for occurrence in self._of(decide(self._with_status(Status.CREATIVES_PENDING_APPROVAL)), Handoff.SET_READY):
                self._done(occurrence, passed=True)
        else:
            self._approved_before()
        decision = decide(self._since_its_beginning())
        for handoff in (Handoff.CONFIRMED, Handoff.TICKETS, Handoff.SET_READY, Handoff.APPROVED):
            for occurrence in self._of(decision, handoff):
                self._done(occurrence)
        for occurrence in self._of(decide(self._since_its_beginning()), Handoff.CLOSE):
            if occurrence.cause_at is None or self._is_old(occurrence.cause_at):
                implemented = self.context.mapping.portfolio.raw_status(Status.CREATIVES_IMPLEMENTED)
                why = f"{occurrence.reason} since before going live: set “{implemented}” by hand"
                self._record(occurrence, [], why)
                self.unmatched.append(self._finding(occurrence, occurrence.key, None, why))

    def _with_status(self, status: Status, history: History[Status | None] | None = None) -> Context:
        """The case as if the service had been there since the cycle began, and this were its status."""
        began = self._since_its_beginning()
        portfolio = replace(began.portfolio, status=status)
        if history is not None:
            portfolio = replace(portfolio, status_history=history)
        return replace(began, snapshot=replace(began.snapshot, portfolio=portfolio))

    def _approved_before(self) -> None:
        """An approval that was taken back may have left its task open: it will do for the next one too."""
        history = self.context.portfolio.status_history
        for position, version in enumerate(history):
            if version.value is Status.CREATIVES_APPROVED and version.at >= self._cycle_began:
                then = self._with_status(Status.CREATIVES_APPROVED, history[position:])
                for occurrence in self._of_all(approved(then)):
                    found = self._matches(occurrence, only_open=True)
                    if found:
                        self._record(occurrence, found, occurrence.reason)
                return

    def _done(self, occurrence: Occurrence, *, passed: bool = False) -> None:
        """Record it if it is older than going live, or if one of its tasks is there."""
        found = self._matches(occurrence)
        if not found and occurrence.cause_at is not None and not self._is_old(occurrence.cause_at):
            return
        matched = {effect.slot for effect, _ in found}
        over = passed or self._is_over(occurrence)
        missing = [e for e in occurrence.effects if isinstance(e, NewTask) and e.slot not in matched and not over]
        self._record(occurrence, found, occurrence.reason, missing)
        for effect in missing:
            subject = self._texts.task(effect.kind, effect.variables)[0]
            why = f"{occurrence.reason}; no task “{subject}” was found: recorded as done without one"
            self.unmatched.append(self._finding(occurrence, occurrence.effect_key(effect), None, why))

    def _is_over(self, occurrence: Occurrence) -> bool:
        """Whether the work of a ticket's occurrence is done: then nobody misses its task."""
        ticket = next((ticket for ticket in self.context.snapshot.tickets if ticket.ref == occurrence.record), None)
        if ticket is None:
            return False
        if self.context.portfolio.status is Status.CREATIVES_APPROVED:
            return True
        if occurrence.handoff is Handoff.TICKETS and any(version.value for version in ticket.revision_history):
            return True  # a first draft was there to be revised
        back = occurrence.cause_at is None or ticket.stage_since > occurrence.cause_at
        return ticket.stage is Stage.PENDING_APPROVAL and back

    def _closed_by_hand(self) -> None:
        history = self.context.portfolio.status_history
        if history and self._is_old(history[0].at) and not self.context.pending:
            portfolio, raw = (
                self.context.portfolio,
                self.context.mapping.portfolio.raw_status(Status.CREATIVES_IMPLEMENTED),
            )
            why = f"“{raw}” is older than going live: set the next Refresh Date and empty the status by hand"
            self.unmatched.append(
                Finding(portfolio.id, portfolio.name, Handoff.CLOSE, portfolio.ref, None, None, why)
            )  # fmt: skip

    # -- revisions: handoff 6, whatever the ticket's cycle

    def _revisions(self, ticket: Ticket) -> None:
        """The newest value asked for is handled if it still stands, or if a task for it is still open."""
        newest = next((v for v in ticket.revision_history if v.value not in {None, Revision.UNMAPPED}), None)
        if newest is None:
            return
        for occurrence in self._of(decide(self._as_of(ticket, newest)), Handoff.REVISIONS):
            if not occurrence.key.startswith("6:"):
                continue
            if ticket.revision_history[0] == newest:
                self._done(occurrence)
            elif found := self._matches(occurrence, only_open=True):
                self._record(occurrence, found, occurrence.reason)

    def _as_of(self, ticket: Ticket, version: Version[Revision | None]) -> Context:
        """The case of this ticket alone, as if this version were the first that the service saw."""
        snapshot = replace(self.context.snapshot, tickets=(ticket,))
        return replace(self.context, snapshot=snapshot, times=replace(self.context.times, go_live=version.at))

    # -- what is left

    def _left(self, *, silence_due: bool) -> None:
        """What the rules will do at the next look, now that the rest is recorded."""
        if silence_due:
            for handoff in (Handoff.KICKOFF, Handoff.DATE_ARRIVED):
                for occurrence in self._of(decide(self.context), handoff):
                    self._record(occurrence, [], f"{occurrence.reason}; silenced when the service was installed")
        for verdict in decide(self.context).verdicts:
            due = verdict.occurrence
            if due is not None and (verdict.state is State.BLOCKED or ahead(due, self.context.ledger)):
                self.due.append(self._finding(due, due.key, None, verdict.reason))

    def _strays(self) -> None:
        """Open tasks with a subject of ours that nothing in this cycle asks for."""
        portfolio = self.context.portfolio
        for task in self._free:
            kind = next((kind for kind in TaskKind if self._texts.is_subject_of(kind, task.subject)), None)
            if kind is not None and task.is_open:
                handoff = HANDOFF_OF[kind]
                why = f"the open task “{task.subject}” looks like handoff {handoff}'s, but nothing asks for it now"
                record = min(task.on & {portfolio.ref, *(ticket.ref for ticket in self.context.snapshot.tickets)})
                self.unmatched.append(Finding(portfolio.id, portfolio.name, handoff, record, None, task.id, why))

    # -- matching and recording

    def _is_old(self, moment: datetime) -> bool:
        return moment < self.context.times.go_live

    def _matches(self, occurrence: Occurrence, *, only_open: bool = False) -> list[Match]:
        """The tasks that stand for an occurrence's own."""
        cause = None if only_open else occurrence.cause_at
        return [
            (effect, task)
            for effect in occurrence.effects
            if isinstance(effect, NewTask) and (task := self._match(effect, cause, only_open=only_open)) is not None
        ]

    def _match(self, effect: NewTask, cause: datetime | None, *, only_open: bool) -> ExistingTask | None:
        """A task for this effect: not one that was completed before its cause, nor one of an older cycle."""
        subject = one_line(self._texts.task(effect.kind, effect.variables)[0]).casefold()

        def fits(task: ExistingTask) -> bool:
            if only_open and not task.is_open:
                return False
            if cause is not None and task.completed_at is not None and task.completed_at < cause:
                return False
            if effect.on[0] == self.context.portfolio.ref:
                return task.made_at >= self._cycle_started
            return effect.on[0] in task.on or one_line(task.subject).casefold() == subject

        return self._take(effect.kind, fits, subject)

    def _take(self, kind: TaskKind, fits: Callable[[ExistingTask], bool], subject: str = "") -> ExistingTask | None:
        """The best task that is still free: with the very subject, an open one, the newest. It is free no more."""
        found = [task for task in self._free if self._texts.is_subject_of(kind, task.subject) and fits(task)]
        if not found:
            return None
        best = max(found, key=lambda t: (one_line(t.subject).casefold() == subject, t.is_open, t.made_at, int(t.id)))
        self._free.remove(best)
        return best

    def _record(
        self, occurrence: Occurrence, found: Sequence[Match], reason: str, missing: Sequence[NewTask] = ()
    ) -> None:
        """Write it down as done; of what is `missing`, `backfill` may yet make a task."""
        made = [task.made_at for _, task in found]
        at = max(made, default=occurrence.cause_at or self.context.times.now)
        ledger_view = tuple(
            RecordedEffect(
                occurrence.effect_key(effect), effect.slot, "task", effect.role, EffectState.DONE, task.made_at,
                crm_id=task.id, task_kind=effect.kind, adopted=True, attempted=True,
            )
            for effect, task in found
        )  # fmt: skip
        detail: dict[str, object] = {"adopted": True}
        if missing:
            detail[ledger.MISSING] = [effect.slot for effect in missing]
        recorded = RecordedOccurrence(
            occurrence.key, occurrence.handoff, occurrence.record, occurrence.cycle, occurrence.cause_at, at,
            "overtaken" if occurrence.superseded else "done", reason, detail, ledger_view,
            self.context.portfolio.id,
        )  # fmt: skip
        self.recorded.append(recorded)
        self.context = replace(
            self.context,
            ledger_as_read=LedgerView(
                {**self.context.ledger_as_read.recorded, recorded.key: recorded}, self.context.ledger_as_read.closings
            ),
        )
        for effect, task in found:
            self.adopted.append(self._finding(occurrence, occurrence.effect_key(effect), task.id, reason))
        if not found:
            self.adopted.append(self._finding(occurrence, occurrence.key, None, reason))

    def _finding(self, occurrence: Occurrence, key: str, task: str | None, reason: str) -> Finding:
        portfolio = self.context.portfolio
        return Finding(portfolio.id, portfolio.name, occurrence.handoff, occurrence.record, key, task, reason)

    def _of(self, decision: Decision, handoff: Handoff) -> list[Occurrence]:
        return [o for o in self._of_all(decision.verdicts) if o.handoff is handoff]

    def _of_all(self, verdicts: Iterable[Verdict]) -> list[Occurrence]:
        """What the rules would write down and the ledger does not know: what it knows is left as it is."""
        known = self.context.ledger_as_read.recorded
        return [v.occurrence for v in verdicts if v.occurrence is not None and v.occurrence.key not in known]

    def _fresh(self, verdicts: Iterable[Verdict]) -> Occurrence | None:
        """What a rule would do, if anything."""
        return next((occurrence for occurrence in self._of_all(verdicts) if occurrence.effects), None)
