"""Say in words what an effect would do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mappings.problems import MappingError
from mappings.texts import Texts
from mappings.vocabulary import EmailKind, TaskKind
from mappings.words import revision_word
from sync.admin.plan.model import Step
from sync.crm import Kind, moment_of
from sync.passes.portal import Portal
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.dry_run import ExpectedEffect, Prospect
from sync.rules.keys import EffectKind
from sync.service.reading import ReadingService
from sync.storage import ledger


class Summarizer:
    """Turns effects into steps: says in words what each would do, and what would keep it from being tried."""

    def __init__(self, service: ReadingService, portal: Portal) -> None:
        self._service = service
        self._mapping = service.mapping
        self._texts = Texts(service.mapping, portal.words)
        self._portal = portal
        properties, ticket = self._mapping.portfolio.properties, self._mapping.ticket.properties
        self._labels = {
            properties.status: "status",
            properties.refresh_date: "date",
            ticket.stage: "stage",
            ticket.needs_revisions: portal.words["needs_revisions"],
            ticket.copy_approval: "copy approval",
            ticket.graphic_approval: "graphic approval",
        }

    def steps(self, context: Context, found: Iterable[ExpectedEffect]) -> Iterator[Step]:
        """The steps for these effects of one context, in the same order. Reads payloads from the database."""
        found = list(found)
        payloads = self._payloads(context, found)
        subjects = self._subjects(context, payloads)
        portfolio = context.snapshot.portfolio
        for one in found:
            payload = payloads.get(one.key, {})
            summary, obstacle = self._summary(context, one, payload, subjects)
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
        if kept or any(one.kind in {EffectKind.LINE, EffectKind.CLOSE} for one in found):
            names = {one.key for one in kept} | {effect.key for effect in _tasks(context)}
            with self._service.store.read() as connection:
                payloads = {**ledger.payloads(connection, names), **payloads}
        for one in kept:
            if one.owner is not None:
                payloads[one.key] = {**payloads.get(one.key, {}), "owner": one.owner}
        return payloads

    def _subjects(self, context: Context, payloads: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """The subject of each task that the ledger knows, by the task's id."""
        subjects = {}
        for effect in _tasks(context):
            payload = payloads.get(effect.key, {})
            if effect.crm_id is not None and effect.task_kind is not None and "context" in payload:
                subjects[effect.crm_id] = self._task(effect.task_kind, payload["context"])[0]
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

    def _summary(
        self, context: Context, one: ExpectedEffect, payload: Mapping[str, Any], subjects: Mapping[str, str]
    ) -> tuple[str, str | None]:
        """The effect in words, and why it could not be tried although a rule asks for it."""
        match one.kind:
            case "task" if "context" in payload:
                subject, fault = self._task(TaskKind(payload["task_kind"]), payload["context"])
                return (
                    f"task “{subject}”{self._for(payload)} on {self._place(context, (one.record.kind, one.record.id))}",
                    fault,
                )
            case "email" if "context" in payload:
                subject, fault = self._email(EmailKind(payload["email_kind"]), payload["context"])
                return f"email “{subject}”{self._to(payload)}", fault or self._unsendable(payload)
            case "write" if "values" in payload:
                return self._changes(context, payload), None
            case "line":
                task = keys.slot_of(one.key).of
                return f"Notes added to task {_quoted(subjects.get(task)) or task}", None
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
        if name == self._mapping.portfolio.properties.status:
            value = self._portal.status_labels.get(value, value)
        if name == self._mapping.ticket.properties.needs_revisions:
            value = str(revision_word(self._mapping, self._portal.words, value))
        if name == self._mapping.portfolio.properties.refresh_date:
            day = moment_of(value)
            return "none" if day is None else day.date().isoformat()
        return _quoted(value) or "empty"


def _tasks(context: Context) -> Iterator[Any]:
    return (
        effect
        for recorded in context.ledger.recorded.values()
        for effect in recorded.effects
        if effect.kind is EffectKind.TASK
    )


def _quoted(text: str | None) -> str:
    return f"“{text}”" if text else ""
