"""What stands behind one portfolio: what happened in its cycle, and for each handoff what the rules say of it now.

The verdicts are those of a pass, made in the same way; nothing is written down, marked or sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mappings.schema import ProcessMapping
from mappings.vocabulary import Handoff, Role, Stage
from sync.admin import timeline
from sync.crm import TASK_COMPLETED, TASK_STATUS, CRMReader, Filter, Kind, Record, RecordRef
from sync.errors import CRMRejectedError, HandoffsError
from sync.passes.decider import Preview
from sync.passes.portal import Portal
from sync.rules import waiting
from sync.rules.context import Context
from sync.rules.handoffs.ad_sets import ad_sets, current_tickets
from sync.rules.model import (
    NOT_YET,
    Effect,
    EffectState,
    NewTask,
    Portfolio,
    RecordedEffect,
    State,
    Ticket,
    Verdict,
    Wait,
    Write,
)
from sync.rules.model import Email as EmailEffect
from sync.service.reading import ReadingService
from sync.storage import ledger, work_queue
from sync.storage.database import Connection
from sync.storage.work_queue import QueuedRecord

TITLES: Mapping[Handoff, str] = {
    Handoff.KICKOFF: "Kickoff",
    Handoff.DECLINED: "The client declines",
    Handoff.CONFIRMED: "The client confirms",
    Handoff.DATE_ARRIVED: "The date arrives",
    Handoff.TICKETS: "Tickets created",
    Handoff.SET_READY: "The Ad Set is ready",
    Handoff.REVISIONS: "Revisions",
    Handoff.APPROVED: "The client approves",
    Handoff.CLOSE: "The cycle closes",
    Handoff.CONFIRMATION: "Confirmation",
}

URGENCY = (State.BLOCKED, State.DUE, State.WAITING, State.DONE, State.SUPERSEDED, State.NOT_APPLICABLE)
"""Of several verdicts of one handoff, the first of these speaks for it."""


@dataclass(frozen=True, slots=True)
class EffectLine:
    """One effect: as it stands in the ledger, or `due` while it is not written down."""

    key: str
    kind: str  # write, task, close, email
    role: Role | None
    summary: str
    state: str
    when: datetime | None  # since when it is so; None while it is not written down
    id: str | None  # the task made, the record written, the address mailed
    url: str | None
    reason: str | None
    now: str | None = None  # a task's own state in the CRM: open, completed, deleted; None: none was made


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one record."""

    record: RecordRef
    name: str  # a ticket's; '' for the portfolio itself
    state: State
    reason: str
    when: datetime | None  # done: when; waiting: until when, where that is known
    effects: tuple[EffectLine, ...]


@dataclass(frozen=True, slots=True)
class HandoffLine:
    """One handoff: its findings, of which the most urgent speaks for it."""

    handoff: Handoff
    findings: tuple[Finding, ...]

    @property
    def leading(self) -> Finding:
        return min(self.findings, key=lambda finding: URGENCY.index(finding.state))


@dataclass(frozen=True, slots=True)
class Deliverable:
    """A ticket as a part of its Ad Set. `lacks`: what keeps the set waiting for it; empty: it is ready."""

    record: RecordRef
    name: str
    url: str
    stage: str
    since: datetime  # in this stage
    lacks: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {
            **_record_json(self.record, self.name, self.url),
            "ready": not self.lacks,
            "stage": self.stage,
            "since": _iso(self.since),
            "lacks": list(self.lacks),
        }


@dataclass(frozen=True, slots=True)
class AdSet:
    """The open tickets of the cycle that share a folder."""

    folder: str
    tickets: tuple[Deliverable, ...]

    @property
    def ready(self) -> int:
        return sum(not ticket.lacks for ticket in self.tickets)

    def as_json(self) -> dict[str, object]:
        tickets = [ticket.as_json() for ticket in self.tickets]
        return {"folder": self.folder, "ready": self.ready, "of": len(tickets), "tickets": tickets}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A ticket of the portfolio that counts for no Ad Set."""

    record: RecordRef
    name: str
    url: str
    why: str

    def as_json(self) -> dict[str, object]:
        return {**_record_json(self.record, self.name, self.url), "why": self.why}


@dataclass(frozen=True, slots=True)
class Explanation:
    at: datetime
    portfolio: Portfolio
    cycle_started: datetime | None  # None: the first cycle that is known
    wait: Wait | None  # whose turn it is; None: nobody's, the service or the calendar has the next step
    timeline: tuple[timeline.Event, ...]  # of this cycle, oldest first
    handoffs: tuple[HandoffLine, ...]
    ad_sets: tuple[AdSet, ...]
    left_out: tuple[LeftOut, ...]
    mark: QueuedRecord | None  # None: nobody has asked to look at it
    problems: tuple[str, ...]  # what a person should mend

    @property
    def is_stuck(self) -> bool:
        """Whether the party whose turn it is has had it for longer than the mapping allows."""
        return self.wait is not None and self.wait.stuck_at <= self.at

    def as_json(self) -> dict[str, object]:
        mark = self.mark
        return {
            "portfolio": {"id": self.portfolio.id, "name": self.portfolio.name, "url": self.portfolio.url},
            "cycle": {"started": _iso(self.cycle_started)},
            "handoffs": [_handoff_json(line) for line in self.handoffs],
            "dirty": None
            if mark is None
            else {
                "origin": mark.origin,
                "marked_at": _iso(mark.enqueued_at),
                "look_at": _iso(mark.not_before),
                "attempts": mark.attempts,
                "parked_at": _iso(mark.parked_at),
                "held_effects": mark.held_effects,
                "error": None if mark.error is None else mark.reason,
            },
            "problems": list(self.problems),
            "waits_for": None if self.wait is None else _wait_json(self.wait, stuck=self.is_stuck),
            "timeline": [event.as_json() for event in self.timeline],
            "ad_sets": [one.as_json() for one in self.ad_sets],
            "left_out": [one.as_json() for one in self.left_out],
        }


# -- which portfolio


class NoSuchPortfolioError(HandoffsError):
    """Nothing in the CRM is called so."""


class AmbiguousNameError(HandoffsError):
    """Several portfolios are called so."""


def find(crm: CRMReader, mapping: ProcessMapping, wanted: str) -> str:
    """The id of the portfolio with this id or name.

    Raises `NoSuchPortfolioError`, and `AmbiguousNameError` with the candidates. A name is found by the search, whose
    index is some seconds behind, and compared with what the record says.
    """
    name = mapping.portfolio.properties.name
    text = wanted.strip()
    if text.isascii() and text.isdigit() and crm.read(Kind.PORTFOLIO, [text], [name]):
        return text
    found = _called(crm, name, text) if text else {}
    if not found:
        raise NoSuchPortfolioError(f"there is no portfolio with the id or name “{wanted}”")
    if len(found) > 1:
        lines = [f"  {i}  {called}" for i, called in sorted(found.items(), key=lambda pair: int(pair[0]))]
        raise AmbiguousNameError(
            "\n".join([f"{len(found)} portfolios are called “{wanted}”: give the id of one", *lines])
        )
    return next(iter(found))


def _called(crm: CRMReader, name: str, text: str) -> dict[str, str]:
    candidates = [record.id for record in crm.search(Kind.PORTFOLIO, [[Filter(name, "EQ", text)]], [name])]
    records = crm.read(Kind.PORTFOLIO, candidates, [name]) if candidates else {}
    return {
        record.id: record.properties.get(name, "")
        for record in records.values()
        if record.properties.get(name, "").strip().casefold() == text.casefold()
    }


# -- what of it


def explain(service: ReadingService, portfolio: str) -> Explanation:
    """Decide for this portfolio (an id) as a pass would, and put the ledger's effects beside each verdict."""
    outlook = service.decider.preview([portfolio])
    asked = RecordRef(Kind.PORTFOLIO, portfolio)
    if asked in outlook.group.merged:
        outlook = service.decider.preview([outlook.group.merged[asked].id])
    for record, text in outlook.faulty.items():
        raise CRMRejectedError(f"{record} cannot be decided: {text.strip().splitlines()[-1]}")
    for record, decision in outlook.decisions.items():
        context = outlook.contexts[record]
        with service.store.read() as connection:
            mark = work_queue.find(connection, [record]).get(record)
            writes = _written_values(connection, context)
        history = timeline.read(service.crm, context)
        app = service.settings.hubspot_app_id
        return Explanation(
            context.times.now,
            context.portfolio,
            context.cycle_started,
            _wait(service, outlook.portal, context, decision.verdicts),
            timeline.build(context, history, outlook.portal, app, writes),
            tuple(_Lines(context, outlook.portal, writes, history.tasks).of(decision.verdicts)),
            tuple(_ad_sets(context, outlook.portal)),
            tuple(_left_out(context)),
            mark,
            _problems(outlook, context),
        )
    raise NoSuchPortfolioError(f"there is no portfolio {portfolio}")


def _wait(service: ReadingService, portal: Portal, context: Context, verdicts: Sequence[Verdict]) -> Wait | None:
    judged, faulty = service.decider.judge(
        {context.snapshot.ref: context}, portal, lambda fuller: waiting.judge(fuller, verdicts, closely=True)
    )
    for record, text in faulty.items():
        raise CRMRejectedError(f"nobody can tell whom {record} waits for: {text.strip().splitlines()[-1]}")
    return judged[context.snapshot.ref].wait


def _ad_sets(context: Context, portal: Portal) -> Iterable[AdSet]:
    for members in ad_sets(context).values():
        folder = " ".join(members[0].folder.split())
        yield AdSet(folder, tuple(_deliverable(context, portal, ticket) for ticket in members))


def _deliverable(context: Context, portal: Portal, ticket: Ticket) -> Deliverable:
    names = context.mapping.ticket.properties
    stage = timeline.stage_label(portal, ticket.raw.get(names.stage, ""))
    lacks: list[str] = []
    if ticket.stage is not Stage.PENDING_APPROVAL:
        lacks.append(f"it is in “{stage}”, not in “{timeline.stage_label(portal, portal.pending_approval)}”")
        asked = ticket.raw.get(names.needs_revisions, "")
        if asked:
            lacks.append(f"“{asked}” was asked for")
        for what, name in (("copy", names.copy_approval), ("graphic", names.graphic_approval)):
            if ticket.raw.get(name, "") != context.mapping.ticket.approved:
                lacks.append(f"its {what} is not approved")
    return Deliverable(ticket.ref, ticket.subject, ticket.url, stage, ticket.stage_since, tuple(lacks))


def _left_out(context: Context) -> Iterable[LeftOut]:
    current = current_tickets(context)
    for ticket in context.snapshot.tickets:
        if ticket.came_in is None:
            why = "not in the deliverables pipeline"
        elif not context.in_cycle(ticket):
            why = "of an earlier cycle"
        elif ticket not in current:
            why = "closed"
        elif not ticket.folder_key:
            why = "without a Deliverable Folder Name"
        else:
            continue
        yield LeftOut(ticket.ref, ticket.subject, ticket.url, why)


def _problems(outlook: Preview, context: Context) -> tuple[str, ...]:
    found = list(context.snapshot.problems)
    if not outlook.portal.has_task_property:
        name = context.mapping.task.key_property
        found.append(f"the task property “{name}” is missing in the portal, so nothing is done: `handoffs setup`")
    return tuple(found)


class _Lines:
    """Turns the verdicts on one case into lines."""

    def __init__(
        self, context: Context, portal: Portal, writes: Mapping[str, Mapping[str, str]], tasks: Mapping[str, Record]
    ) -> None:
        self._context = context
        self._portal = portal
        self._writes = writes
        self._tasks = tasks
        self._names = {ticket.ref: ticket.subject for ticket in context.snapshot.tickets}

    def of(self, verdicts: Iterable[Verdict]) -> Iterable[HandoffLine]:
        found: dict[Handoff, list[Finding]] = {handoff: [] for handoff in Handoff}
        for verdict in verdicts:
            found[verdict.handoff].append(self._finding(verdict))
        return [HandoffLine(handoff, tuple(findings)) for handoff, findings in found.items() if findings]

    def _finding(self, verdict: Verdict) -> Finding:
        lines = tuple(self._effects(verdict))
        plain = Finding(
            verdict.record,
            self._names.get(verdict.record, ""),
            verdict.state,
            verdict.reason,
            verdict.when,
            lines,
        )
        return _still_open(plain) if verdict.state is State.DONE else plain

    def _effects(self, verdict: Verdict) -> Iterable[EffectLine]:
        """The ledger's effects of the occurrence; where deciding anew would still change one, as it would be now."""
        recorded = None if verdict.key is None else self._context.ledger.recorded.get(verdict.key)
        known = {known_effect.key: known_effect for known_effect in recorded.effects} if recorded is not None else {}
        wanted = {} if verdict.occurrence is None else {
            verdict.occurrence.effect_key(effect): effect for effect in verdict.occurrence.effects
        }  # fmt: skip
        for key, known_effect in known.items():
            if key not in wanted or known_effect.state not in NOT_YET:
                yield self._known(known_effect)
        for key, effect in wanted.items():
            if key not in known or known[key].state in NOT_YET:
                yield self._wanted(key, effect)

    def _known(self, known_effect: RecordedEffect) -> EffectLine:
        task = known_effect.crm_id if known_effect.kind in {"task", "close"} else None
        return EffectLine(
            known_effect.key,
            known_effect.kind,
            known_effect.role,
            self._summary(known_effect.slot, self._writes.get(known_effect.key, {})),
            known_effect.state.value,
            known_effect.state_at,
            known_effect.crm_id,
            None if task is None else self._portal.url(Kind.TASK, task),
            known_effect.reason,
            self._task_now(task) if known_effect.kind == "task" and task is not None else None,
        )

    def _task_now(self, task: str) -> str:
        record = self._tasks.get(task)
        if record is None or record.id != task:
            return "deleted"
        return "completed" if record.properties.get(TASK_STATUS, "") == TASK_COMPLETED else "open"

    def _wanted(self, key: str, effect: Effect) -> EffectLine:
        values = effect.values if isinstance(effect, Write) else {}
        role = effect.role if isinstance(effect, NewTask | EmailEffect) else None
        state = EffectState.BLOCKED.value if effect.blocked else State.DUE.value
        return EffectLine(
            key,
            effect.slot.partition(":")[0],
            role,
            self._summary(effect.slot, values),
            state,
            None,
            None,
            None,
            effect.blocked,
        )

    def _summary(self, slot: str, values: Mapping[str, str]) -> str:
        """`task kickoff`, `email date arrived`, `close 4711`, `write creative_refresh_status = “…”`."""
        kind, _, what = slot.partition(":")
        if kind == "write":
            what = ", ".join(f"{name} = “{value}”" if value else f"{name} emptied" for name, value in values.items())
        return f"{kind} {what.replace('_', ' ') if kind != 'write' else what}".strip()


def _still_open(finding: Finding) -> Finding:
    """A rule is through with an occurrence once it stands; one effect of it may yet wait for a person or another try."""
    waits = [line for line in finding.effects if line.state not in {EffectState.DONE, EffectState.SUPERSEDED}]
    if not waits:
        return finding
    blocked = any(line.state == EffectState.BLOCKED for line in waits)
    why = "; ".join(f"{line.summary} is {line.state}" + (f": {line.reason}" if line.reason else "") for line in waits)
    return replace(finding, state=State.BLOCKED if blocked else State.DUE, reason=f"{finding.reason}; {why}")


def _written_values(connection: Connection, context: Context) -> dict[str, dict[str, str]]:
    """What each property write of this case sets, by the effect's key."""
    keys = [
        known_effect.key
        for recorded in context.ledger.recorded.values()
        for known_effect in recorded.effects
        if known_effect.kind == "write"
    ]
    return {key: payload.get("values", {}) for key, payload in ledger.payloads(connection, keys).items()}


# -- as JSON


def _handoff_json(line: HandoffLine) -> dict[str, object]:
    leading = line.leading
    return {
        "handoff": line.handoff.value,
        "state": leading.state.value,
        "reason": leading.reason,
        "when": _iso(leading.when),
        "effects": [_effect_json(effect) for finding in line.findings for effect in finding.effects],
        "records": [
            {
                "record": {"kind": finding.record.kind.value, "id": finding.record.id, "name": finding.name},
                "state": finding.state.value,
                "reason": finding.reason,
                "when": _iso(finding.when),
                "effects": [effect.key for effect in finding.effects],
            }
            for finding in line.findings
        ],
    }


def _effect_json(effect: EffectLine) -> dict[str, object]:
    return {
        "key": effect.key,
        "kind": effect.kind,
        "role": None if effect.role is None else effect.role.value,
        "summary": effect.summary,
        "state": effect.state,
        "when": _iso(effect.when),
        "id": effect.id,
        "url": effect.url,
        "reason": effect.reason,
        "now": effect.now,
    }


def _record_json(record: RecordRef, name: str, url: str) -> dict[str, object]:
    return {"record": {"kind": record.kind.value, "id": record.id, "name": name}, "url": url}


def _wait_json(wait: Wait, *, stuck: bool) -> dict[str, object]:
    return {
        "party": wait.party.value,
        "who": wait.who,
        "after": wait.after.value,
        "what": wait.what,
        "since": _iso(wait.since),
        "stuck_at": _iso(wait.stuck_at),
        "stuck": stuck,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
