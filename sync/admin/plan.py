"""What would be done, record by record, now or on a day to come: worked out over the whole portal, and nothing changed.

A plan can be kept in a file and carried out later. It then holds for the portfolios for which the very same effects are
still what the rules ask for; for any other it is stale.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mappings.problems import MappingError
from mappings.texts import Texts
from mappings.vocabulary import EmailKind, Handoff, TaskKind
from sync.admin import cost
from sync.admin.inventory import all_portfolios, in_groups, take_inventory
from sync.clock import local_date
from sync.crm import Kind, RecordRef, moment_of
from sync.errors import ConfigurationError
from sync.passes import recovery
from sync.passes.portal import Portal
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.dry_run import LATER, DryRun, ExpectedEffect, Projection, Prospect, dry_run
from sync.rules.keys import EffectKind
from sync.rules.model import Decision, LedgerView, unit_of
from sync.rules.transition import reopened
from sync.service.reading import ReadingService
from sync.storage import ledger, work_queue
from sync.storage.database import to_json
from sync.storage.ledger import queries

VERSION = 1
"""The shape of a plan's JSON: keys are added, never renamed."""

KINDS = (EffectKind.TASK, EffectKind.WRITE, EffectKind.CLOSE, EffectKind.EMAIL)


class PlanFileError(ConfigurationError):
    """The file cannot be read, or holds no plan."""


@dataclass(frozen=True, slots=True)
class Step:
    """One effect that would be tried on `day`, or that cannot be. In words (`summary`) and exactly (`payload`)."""

    day: date
    portfolio: str | None  # the id; None: a ticket without one
    name: str  # the portfolio's, or the ticket's
    handoff: Handoff
    record: RecordRef
    reason: str  # why it is due, in the rule's words
    key: str  # '' where the rule cannot say what is to be done; `LATER` in it stands for a time that is not known yet
    kind: str  # write, task, close, email; '' as above
    prospect: Prospect
    summary: str
    blocked: str | None
    payload: Mapping[str, Any]

    @property
    def unit(self) -> RecordRef:
        """What a pass would look at for it."""
        return unit_of(self.record, self.portfolio)

    @property
    def what(self) -> str:
        """What two plans must agree on. What a write expects to replace is seen to by the write itself."""
        held = {name: value for name, value in self.payload.items() if name != "expects"}
        return to_json({"key": self.key, **held})

    def as_json(self) -> dict[str, object]:
        return {
            "portfolio": self.portfolio,
            "name": self.name,
            "handoff": self.handoff.value,
            "record": self.record.as_json(),
            "kind": self.kind,
            "key": self.key,
            "summary": self.summary,
            "reason": self.reason,
            "state": self.prospect.value,
            "blocked": self.blocked,
            "day": self.day.isoformat(),
        }


@dataclass(frozen=True)
class Plan:
    """All of it. `until`: the last day that was looked at, None: only the moment itself."""

    made_at: datetime
    today: date
    until: date | None
    steps: tuple[Step, ...]
    looked: int  # portfolios, and tickets without one
    calls: int
    faulty: Mapping[RecordRef, str]  # what could not be decided, and why
    dry_runs: Mapping[RecordRef, DryRun] = field(default_factory=dict)  # empty in one that was kept
    email_calls: int = 0  # for each email

    @property
    def due(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.prospect is Prospect.DUE)

    @property
    def waiting(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.prospect is not Prospect.DUE)

    def narrowed(self, units: Iterable[RecordRef]) -> "Plan":
        """The same plan for these records alone, with what they cost."""
        wanted = set(units)
        steps = tuple(step for step in self.steps if step.unit in wanted)
        dry_runs = {unit: forecast for unit, forecast in self.dry_runs.items() if unit in wanted}
        calls = cost.calls(dry_runs.values(), email_calls=self.email_calls)
        return replace(self, steps=steps, dry_runs=dry_runs, calls=calls)

    @cached_property
    def by_unit(self) -> Mapping[RecordRef, Sequence[Step]]:
        """What is due, by record."""
        found: dict[RecordRef, list[Step]] = {}
        for step in self.due:
            found.setdefault(step.unit, []).append(step)
        return found

    @property
    def units(self) -> list[RecordRef]:
        """The records with something to do, in the order of their ids."""
        return sorted(self.by_unit, key=lambda unit: (unit.kind, int(unit.id)))

    def count(self, kind: str) -> int:
        return sum(step.kind == kind for step in self.due)

    def as_json(self) -> dict[str, object]:
        return {
            "today": self.today.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "looked": self.looked,
            "effects": [step.as_json() for step in self.steps],
            "counts": {**{kind.value: self.count(kind) for kind in KINDS}, "waiting": len(self.waiting)},
            "calls": self.calls,
            "faulty": {str(record): text for record, text in self.faulty.items()},
        }


Progress = Callable[[int, int], None]
"""Hears how many of how many records have been looked at."""


def no_progress(_looked: int, _of: int) -> None:
    """Nobody looks on."""


def make(
    service: ReadingService,
    units: Iterable[RecordRef] | None = None,
    *,
    until: date | None = None,
    since: datetime | None = None,
    progress: Progress = no_progress,
) -> Plan:
    """What would be done for these portfolios and lone tickets (None: for all, and whatever waits to be looked at).

    `until` looks ahead to the end of that day; `since` lets causes count from then on, as `backfill` would. Reads only.
    Raises the port's errors and `StoreError`.
    """
    made_at = service.calendar.now()
    wanted = set(_everything(service) if units is None else units)
    portfolios = sorted((unit.id for unit in wanted if unit.kind is Kind.PORTFOLIO), key=int)
    lone = sorted((unit.id for unit in wanted if unit.kind is Kind.TICKET), key=int)
    groups: list[tuple[Sequence[str], Sequence[str]]] = [(group, ()) for group in in_groups(portfolios)]
    groups += [((), group) for group in in_groups(lone)]
    maker = _Maker(service, made_at, until, since)
    looked = 0
    for some, tickets in groups:
        maker.look(some, tickets)
        looked += len(some) + len(tickets)
        progress(looked, len(wanted))
    email_calls = int((service.settings.email_url or "").startswith("hubspot:"))  # elsewhere the CRM sends none
    return Plan(
        made_at,
        local_date(made_at, service.mapping.zone),
        until,
        tuple(maker.steps),
        looked,
        cost.calls(maker.dry_runs.values(), email_calls=email_calls),
        maker.faulty,
        maker.dry_runs,
        email_calls,
    )


def _everything(service: ReadingService) -> set[RecordRef]:
    """Every portfolio that a search shows, and what the database knows to be looked at besides."""
    with service.store.read() as connection:
        known = work_queue.records(connection) | queries.with_open_effects(connection)
    return known | {RecordRef(Kind.PORTFOLIO, i) for i in all_portfolios(service)}


class _Maker:
    """Collects the steps of one plan, group by group."""

    def __init__(self, service: ReadingService, now: datetime, until: date | None, since: datetime | None) -> None:
        self._service = service
        self._now = now
        self._until = until
        self._since = since
        self._lost = recovery.is_needed(service.store)
        self.steps: list[Step] = []
        self.dry_runs: dict[RecordRef, DryRun] = {}
        self.faulty: dict[RecordRef, str] = {}

    def look(self, portfolios: Sequence[str], tickets: Sequence[str]) -> None:
        service = self._service
        portal, group, cases = service.decider.read(portfolios, tickets)
        taken_back = take_inventory(service, portfolios).contexts if self._lost and portfolios else {}
        cases = {
            record: self._as_planned(
                context, taken_back[record].ledger_as_read if record in taken_back else context.ledger_as_read
            )
            for record, context in cases.items()
        }
        dry_runs, faulty = service.decider.judge(cases, portal, lambda context: dry_run(context, self._until))
        for record, text in {**group.faulty, **faulty}.items():
            self.faulty[record] = text.strip().rsplit("\n", 1)[-1]
        progress = Teller(service, portal)
        for record in sorted(dry_runs, key=lambda ref: (ref.kind, int(ref.id))):
            self.dry_runs[record] = dry_runs[record]
            self.steps += progress.steps(cases[record], dry_runs[record].effects)

    def _as_planned(self, context: Context, known: LedgerView) -> Context:
        """The case at the moment of the plan; one moment for all, so that their passes are counted together."""
        moment = replace(context.times, now=self._now, today=local_date(self._now, context.mapping.zone))
        if self._since is not None and context.snapshot.portfolio is not None:
            since = self._since
            moment = moment.counting_since(since)
            known = LedgerView({key: reopened(each, since) for key, each in known.recorded.items()}, known.closings)
        return replace(context, ledger_as_read=known, times=moment)


# -- kept in a file, and still true?


def write_file(plan: Plan, path: Path) -> None:
    """Keep the plan, to be carried out by `handoffs apply`. Raises `PlanFileError`."""
    effects = [{**step.as_json(), "payload": dict(step.payload)} for step in plan.steps]
    kept = {"version": VERSION, "made_at": plan.made_at.isoformat(), **plan.as_json(), "effects": effects}
    try:
        path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise PlanFileError(f"the plan cannot be written to {path}: {error.strerror}") from None


def read_file(path: Path) -> Plan:
    """A plan that was kept. Raises `PlanFileError`, also for one that looks ahead: that one cannot be carried out."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanFileError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise PlanFileError(f"{path} is no plan: `handoffs plan --out FILE` writes one") from None
    try:
        if kept["version"] != VERSION:
            raise PlanFileError(f"{path} is a plan of another version of this program: plan anew")
        until = kept["until"]
        return Plan(
            datetime.fromisoformat(kept["made_at"]),
            date.fromisoformat(kept["today"]),
            None if until is None else date.fromisoformat(until),
            tuple(_step(one) for one in kept["effects"]),
            int(kept["looked"]),
            int(kept["calls"]),
            {},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise PlanFileError(f"{path} is no plan: `handoffs plan --out FILE` writes one") from None


def _step(kept: Mapping[str, Any]) -> Step:
    return Step(
        day=date.fromisoformat(kept["day"]),
        portfolio=kept["portfolio"],
        name=kept["name"],
        handoff=Handoff(kept["handoff"]),
        record=RecordRef(Kind(kept["record"]["kind"]), kept["record"]["id"]),
        reason=kept["reason"],
        key=kept["key"],
        kind=kept["kind"],
        prospect=Prospect(kept["state"]),
        summary=kept["summary"],
        blocked=kept["blocked"],
        payload=dict(kept["payload"]),
    )


def stale(kept: Plan, fresh: Plan) -> dict[RecordRef, str]:
    """The records of a kept plan for which a fresh one asks for something else, and how they differ."""
    found: dict[RecordRef, str] = {}
    for unit in kept.units:
        if unit in fresh.faulty:
            found[unit] = fresh.faulty[unit]
            continue
        before, now = ({step.what: step for step in plan.by_unit.get(unit, ())} for plan in (kept, fresh))
        gone = [step.summary for what, step in before.items() if what not in now]
        come = [step.summary for what, step in now.items() if what not in before]
        if gone or come:
            changes = [f"no longer due: {gone[0]}"] if gone else []
            changes += [f"new: {come[0]}"] if come else []
            more = len(gone) + len(come) - len(changes)
            found[unit] = "; ".join(changes) + (f"; and {more} more" if more > 0 else "")
    return found


def only(kept: Plan, service: ReadingService) -> Callable[[Context, Decision], bool]:
    """A gate that lets a pass do what the plan holds and nothing else, whatever people change meanwhile."""
    allowed: dict[RecordRef, list[re.Pattern[str]]] = {}
    for step in kept.due:
        pattern = re.escape(step.what).replace(re.escape(LATER), rf"(?:{LATER}|\d{{13}})")  # or somebody's own ~
        allowed.setdefault(step.unit, []).append(re.compile(pattern))

    def permits(context: Context, decision: Decision) -> bool:
        projection = Projection(context)
        projection.apply(decision)
        steps = Teller(service, service.portals.get()).steps(
            context, (one for each in projection.rounds for one in each.due)
        )
        patterns = allowed.get(context.snapshot.ref, [])
        return all(
            any(pattern.fullmatch(step.what) for pattern in patterns) for step in steps if step.prospect is Prospect.DUE
        )

    return permits


# -- in words


class Teller:
    """Says in words what an effect would do, and notices what would keep it from being tried."""

    def __init__(self, service: ReadingService, portal: Portal) -> None:
        self._service = service
        self._mapping = service.mapping
        self._texts = Texts(service.mapping)
        self._portal = portal
        properties, ticket = self._mapping.portfolio.properties, self._mapping.ticket.properties
        self._labels = {
            properties.status: "status",
            properties.refresh_date: "date",
            ticket.stage: "stage",
            ticket.needs_revisions: "Needs Revisions",
            ticket.copy_approval: "copy approval",
            ticket.graphic_approval: "graphic approval",
        }

    def steps(self, context: Context, found: Iterable[ExpectedEffect]) -> Iterator[Step]:
        found = list(found)
        payloads = self._payloads(context, found)
        subjects = self._subjects(context, payloads)
        portfolio = context.snapshot.portfolio
        for one in found:
            payload = payloads.get(one.key, {})
            summary, obstacle = self._told(context, one, payload, subjects)
            yield Step(
                day=one.day,
                portfolio=None if portfolio is None else portfolio.id,
                name=portfolio.name if portfolio is not None else context.snapshot.tickets[0].subject,
                handoff=one.handoff,
                record=one.record,
                reason=one.reason,
                key=one.key,
                kind=one.kind,
                prospect=Prospect.BLOCKED if obstacle and one.prospect is Prospect.DUE else one.prospect,
                summary=summary,
                blocked=one.blocked or obstacle,
                payload=payload,
            )

    def _payloads(self, context: Context, found: Sequence[ExpectedEffect]) -> dict[str, Mapping[str, Any]]:
        """What each effect holds, by its key: as decided, or as the ledger keeps it."""
        kept = [one for one in found if one.effect is None and one.key]
        payloads: dict[str, Mapping[str, Any]] = {
            one.key: ledger.payload_of(one.effect) for one in found if one.effect is not None
        }
        if kept or any(one.kind == EffectKind.CLOSE for one in found):
            names = {one.key for one in kept} | {known_effect.key for known_effect in _tasks(context)}
            with self._service.store.read() as connection:
                payloads = {**ledger.payloads(connection, names), **payloads}
        for one in kept:
            if one.owner is not None:
                payloads[one.key] = {**payloads.get(one.key, {}), "owner": one.owner}
        return payloads

    def _subjects(self, context: Context, payloads: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """The subject of each task that the ledger knows, by the task's id."""
        subjects = {}
        for known_effect in _tasks(context):
            payload = payloads.get(known_effect.key, {})
            if known_effect.crm_id is not None and known_effect.task_kind is not None and "context" in payload:
                subjects[known_effect.crm_id] = self._task(known_effect.task_kind, payload["context"])[0]
        return subjects

    def _task(self, kind: TaskKind, variables: Mapping[str, Any]) -> tuple[str, str | None]:
        try:
            return self._texts.task(kind, variables)[0], None
        except MappingError as error:
            return str(kind), str(error)

    def _email(self, kind: EmailKind, variables: Mapping[str, Any]) -> tuple[str, str | None]:
        try:
            return self._texts.email(kind, variables)[0], None
        except MappingError as error:
            return str(kind), str(error)

    def _told(
        self, context: Context, one: ExpectedEffect, payload: Mapping[str, Any], subjects: Mapping[str, str]
    ) -> tuple[str, str | None]:
        """The effect in words, and why it could not be tried although a rule asks for it."""
        match one.kind:
            case "task" if "context" in payload:
                subject, fault = self._task(TaskKind(payload["task_kind"]), payload["context"])
                return f"task “{subject}”{self._for(payload)} on {self._place(context, payload['on'][0])}", fault
            case "email" if "context" in payload:
                subject, fault = self._email(EmailKind(payload["email_kind"]), payload["context"])
                return f"email “{subject}”{self._to(payload)}", fault or self._unsendable(payload)
            case "write" if "values" in payload:
                return self._changes(context, payload), None
            case "close":
                task = keys.slot_of(one.key).of
                return f"task closed {_quoted(subjects.get(task)) or task}", None
        return one.slot.replace(":", " ").replace("_", " ") or "not decided", None

    def _for(self, payload: Mapping[str, Any]) -> str:
        return f" for {self._person(payload)}" if payload.get("owner") else ""

    def _to(self, payload: Mapping[str, Any]) -> str:
        return f" to {self._person(payload)}" if payload.get("owner") else ""

    def _person(self, payload: Mapping[str, Any]) -> str:
        owner = self._portal.owners.get(str(payload["owner"]))
        return owner.name if owner is not None else f"owner {payload['owner']}"

    def _unsendable(self, payload: Mapping[str, Any]) -> str | None:
        if not self._service.sends_email:
            return "EMAIL_URL is not set"
        owner = self._portal.owners.get(str(payload.get("owner")))
        return None if owner is None or owner.email else f"{owner.name} has no email address"

    def _place(self, context: Context, place: Sequence[str]) -> str:
        kind, record = place
        if kind == Kind.TICKET:
            return f"ticket {record}"
        portfolio = context.snapshot.portfolio
        return f"portfolio {record}" if portfolio is None else portfolio.name

    def _changes(self, context: Context, payload: Mapping[str, Any]) -> str:
        kind, record = payload["record"]
        changes = ", ".join(
            f"{self._labels.get(name, name)} {self._value(name, payload['expects'].get(name, ''))} → "
            f"{self._value(name, value)}"
            for name, value in payload["values"].items()
        )
        return changes if kind == Kind.PORTFOLIO else f"{self._place(context, (kind, record))}: {changes}"

    def _value(self, name: str, value: str) -> str:
        if name == self._mapping.ticket.properties.stage:
            value = next((stage.label for stage in self._portal.pipeline.stages if stage.id == value), value)
        if name == self._mapping.portfolio.properties.refresh_date:
            day = moment_of(value)
            return "none" if day is None else day.date().isoformat()
        return _quoted(value) or "empty"


def _tasks(context: Context) -> Iterator[Any]:
    return (
        known_effect
        for recorded in context.ledger.recorded.values()
        for known_effect in recorded.effects
        if known_effect.kind is EffectKind.TASK
    )


def _quoted(text: str | None) -> str:
    return f"“{text}”" if text else ""
