"""The people of the agency: they work in the CRM, and look at what the service did there.

`People` acts on a portal in the same process, `RemotePeople` on a sandbox that runs elsewhere, over its control API.
Both have the same methods. `by` names who acts: an owner's id, `workflow`, `app` (the service's own app), `app:ID`
(another integration); nobody named is an admin.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sync.clock import to_ms
from sync.rules.task_marks import marks_in
from sync.sandbox.acts import Acts
from sync.sandbox.control_client import ControlClient
from sync.sandbox.portal import Portal
from sync.sandbox.process import ROLES, Process
from sync.sandbox.schema import WritePermissions

_COPIED = frozenset({"hs_task_subject", "hs_task_body", "hs_task_status", "hs_timestamp", "hubspot_owner_id"})
"""What a person sees of a task, and takes along when they copy it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as a person sees it. Empty properties read ''; `associations` are ids by kind."""

    kind: str
    id: str
    properties: Mapping[str, str]
    created: datetime
    modified: datetime
    archived: bool
    associations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.properties.get(name, "")


@dataclass(frozen=True, slots=True)
class SeenTask:
    id: str
    subject: str
    body: str
    owner: str
    status: str
    due: datetime | None
    key: str
    """The hidden property, '' where the task has none."""
    priority: str
    archived: bool
    created: datetime
    associations: Mapping[str, tuple[str, ...]]

    @property
    def open(self) -> bool:
        return self.status != "COMPLETED" and not self.archived


@dataclass(frozen=True, slots=True)
class SeenNote:
    id: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SeenVersion:
    value: str
    at: datetime
    source_type: str
    source_id: str


@dataclass(frozen=True, slots=True)
class SeenEmail:
    """A single-send email."""

    email_id: str
    send_id: str
    to: str
    at: datetime
    properties: Mapping[str, Any]


_DEFAULT = "default"
"""The process's own person for a role."""


class Agency(ABC):
    """What `People` and `RemotePeople` share."""

    process: Process

    @abstractmethod
    def _do(self, act: str, **arguments: Any) -> Any:
        """Do one act of `Acts`."""

    # --- portfolios and tickets

    def create_portfolio(
        self,
        name: str = "Acme",
        refresh_date: date | str | None = None,
        *,
        cadence: str = "",
        status: str = "",
        link: str = "",
        account_manager: str | None = _DEFAULT,
        social_ad_specialist: str | None = _DEFAULT,
        copywriter: str | None = _DEFAULT,
        graphic_designer: str | None = _DEFAULT,
        by: str | None = None,
        **properties: str,
    ) -> str:
        """Its id. Roles are the process's own people unless an owner id, or None for nobody, is given."""
        names = self.process.names
        given = dict(zip(ROLES, (account_manager, social_ad_specialist, copywriter, graphic_designer), strict=True))
        values = {
            names.name: name,
            names.date: str(refresh_date or ""),
            names.cadence: self.process.cadence(cadence),
            names.status: self.process.status(status),
            names.link: link,
            **{getattr(names, role): self._person(role, owner) for role, owner in given.items()},
            **names.inside,
            **properties,
        }
        return self.create("portfolio", values, by=by)

    def create_ticket(
        self,
        subject: str = "Deliverable",
        folder: str = "",
        portfolios: str | Sequence[str] = (),
        *,
        stage: str = "New",
        copywriter: str = "",
        graphic_designer: str = "",
        by: str | None = None,
        **properties: str,
    ) -> str:
        """Its id. Without `portfolios` it stands alone, to be associated later; of several none is primary."""
        names = self.process.names
        portfolios = [portfolios] if isinstance(portfolios, str) else portfolios
        values = {
            "subject": subject,
            "hs_pipeline": names.pipeline[0],
            "hs_pipeline_stage": self.process.stage(stage),
            names.folder: folder,
            **({names.ticket_copywriter: copywriter} if names.ticket_copywriter else {}),
            **({names.ticket_graphic_designer: graphic_designer} if names.ticket_graphic_designer else {}),
            **properties,
        }
        return self.create("ticket", values, [("portfolio", one) for one in portfolios], by=by)

    def set_status(self, portfolio: str, status: str, *, by: str | None = None, force: bool = False) -> None:
        """By label or internal value; '' clears. `force` makes a version even where nothing changes."""
        value = self.process.status(status)
        self.set("portfolio", portfolio, {self.process.names.status: value}, by=by, force=force)

    def set_refresh_date(self, portfolio: str, day: date | str | None, *, by: str | None = None) -> None:
        self.set("portfolio", portfolio, {self.process.names.date: str(day or "")}, by=by)

    def move_ticket(self, ticket: str, stage: str, *, by: str | None = None) -> None:
        """To a stage of the deliverables pipeline by label, or to any stage by id; the pipeline follows."""
        self.set("ticket", ticket, {"hs_pipeline_stage": self.process.stage(stage)}, by=by)

    def request_revisions(
        self, ticket: str, value: str, *, note: str = "", by: str | None = None, force: bool = False
    ) -> None:
        """Leave a Note that says what is wanted, unless it is empty, and set Needs Revisions to a value, by its label."""
        if note:
            self.note("ticket", ticket, note)
        wanted = self.process.revision(value)
        self.set("ticket", ticket, {self.process.names.needs_revisions: wanted}, by=by, force=force)

    # --- notes and tasks

    def note(
        self,
        kind: str,
        record: str,
        text: str,
        *,
        at: datetime | None = None,
        by: str | None = None,
        files: Iterable[str] = (),
    ) -> str:
        """Leave a Note on a record, with its own timestamp if `at` is given, and files (ids); its id."""
        moment = str(to_ms(self.now() if at is None else at))
        properties = {"hs_note_body": text, "hs_timestamp": moment, "hs_attachment_ids": ";".join(files)}
        return self.create("note", {n: v for n, v in properties.items() if v}, [(kind, record)], by=by)

    def create_task(
        self,
        subject: str,
        on: Iterable[tuple[str, str]],
        *,
        owner: str = "",
        body: str = "",
        status: str = "NOT_STARTED",
        by: str | None = None,
        **properties: str,
    ) -> str:
        """A task of someone's own; `on` are (kind, id) pairs. Its id."""
        values = {
            "hs_task_subject": subject,
            "hs_task_body": body,
            "hs_task_status": status,
            "hs_timestamp": str(to_ms(self.now())),
            "hubspot_owner_id": owner,
            **properties,
        }
        return self.create("task", values, on, by=by)

    def copy_task(self, task: str, *, by: str | None = None) -> str:
        """A task of someone's own that has all that a person sees of another one. Its id."""
        seen = self.read("task", task)
        values = {name: value for name, value in seen.properties.items() if name in _COPIED}
        return self.create(
            "task", values, [(kind, one) for kind, ids in seen.associations.items() for one in ids], by=by
        )

    def complete_task(self, task: str, *, by: str | None = None) -> None:
        self.set("task", task, {"hs_task_status": "COMPLETED"}, by=by)

    def reopen_task(self, task: str, *, by: str | None = None) -> None:
        self.set("task", task, {"hs_task_status": "NOT_STARTED"}, by=by)

    def edit_task(self, task: str, *, by: str | None = None, **properties: str) -> None:
        self.set("task", task, properties, by=by)

    def delete_task(self, task: str, *, by: str | None = None) -> None:
        self.archive("task", task, by=by)

    # --- any record

    def create(
        self,
        kind: str,
        properties: Mapping[str, str],
        on: Iterable[tuple[str, str]] = (),
        *,
        by: str | None = None,
    ) -> str:
        """A record of any kind (`portfolio`, `ticket`, `task`, `note`…), associated to (kind, id) pairs; its id."""
        associations = [{"kind": to_kind, "id": to} for to_kind, to in on]
        made: str = self._do("create", kind=kind, properties=dict(properties), associations=associations, by=by)
        return made

    def set(
        self,
        kind: str,
        record: str,
        properties: Mapping[str, str],
        *,
        by: str | None = None,
        force: bool = False,
    ) -> None:
        """Set properties in one save: one timestamp for all of them."""
        self._do("set", kind=kind, record=record, properties=dict(properties), by=by, force=force)

    def associate(
        self,
        kind: str,
        record: str,
        to_kind: str,
        to: str,
        *,
        label: str | None = None,
        by: str | None = None,
    ) -> None:
        """Associate two records, with `label="Primary"` as the primary one (the one before loses it)."""
        self._do("associate", kind=kind, record=record, to_kind=to_kind, to=to, label=label, by=by)

    def dissociate(
        self,
        kind: str,
        record: str,
        to_kind: str,
        to: str,
        *,
        label: str | None = None,
        by: str | None = None,
    ) -> None:
        """Take the association away, or with `label` that label alone."""
        self._do("dissociate", kind=kind, record=record, to_kind=to_kind, to=to, label=label, by=by)

    def archive(self, kind: str, record: str, *, by: str | None = None) -> None:
        self._do("archive", kind=kind, record=record, by=by)

    def restore(self, kind: str, record: str, *, by: str | None = None) -> None:
        self._do("restore", kind=kind, record=record, by=by)

    def merge(self, kind: str, primary: str, other: str, *, by: str | None = None) -> str:
        """The survivor's id, which both answer with from now on."""
        survivor: str = self._do("merge", kind=kind, primary=primary, other=other, by=by)
        return survivor

    # --- people, rules, time

    def add_owner(self, first_name: str, last_name: str, *, email: str | None = None, queue: bool = False) -> str:
        """Somebody new in HubSpot, or a queue, which has no address; the owner id."""
        made: str = self._do("add_owner", first_name=first_name, last_name=last_name, email=email, queue=queue)
        return made

    def deactivate_owner(self, owner: str) -> None:
        self._do("set_owner_archived", owner=owner, archived=True)

    def reactivate_owner(self, owner: str) -> None:
        self._do("set_owner_archived", owner=owner, archived=False)

    def redefine_property(self, kind: str, name: str, **changes: Any) -> None:
        """Change fields of a property's definition (`sync.sandbox.schema.Property`); values stay as they are."""
        self._do("redefine_property", kind=kind, name=name, **changes)

    def archive_property(self, kind: str, name: str) -> None:
        """Archive a property: no answer shows it any more, and its values stay where they are."""
        self._do("archive_property", kind=kind, name=name, archived=True)

    def restore_property(self, kind: str, name: str) -> None:
        self._do("archive_property", kind=kind, name=name, archived=False)

    def restrict_stage(self, kind: str, stage: str, permissions: WritePermissions) -> None:
        """Change who may move records into a stage, by its id."""
        self._do("restrict_stage", kind=kind, stage=stage, permissions=permissions)

    def set_rules(self, *rules: Mapping[str, str]) -> None:
        """Replace the admin's validation rules: `name`, `type` (a kind), `property`, `pattern`, `message`."""
        self._do("set_rules", rules=[dict(rule) for rule in rules])

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Let time pass; the new now."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return datetime.fromisoformat(self._do("advance", seconds=step.total_seconds()))

    def set_clock(self, moment: datetime) -> datetime:
        return datetime.fromisoformat(self._do("set_clock", moment=moment.isoformat()))

    def flush_search(self) -> None:
        """Let searches see everything at once."""
        self._do("flush_search")

    # --- seeing

    def now(self) -> datetime:
        return datetime.fromisoformat(self._do("now"))

    def read(self, kind: str, record: str) -> Seen:
        """A record, archived ones too. Raises `NotFoundError` (remote: `ValueError`)."""
        return _seen(self._do("read", kind=kind, record=record))

    def list(self, kind: str, *, archived: bool = False) -> tuple[Seen, ...]:
        """All records of a kind by rising id."""
        return tuple(_seen(one) for one in self._do("list", kind=kind, archived=archived))

    def portfolio(self, record: str) -> Seen:
        return self.read("portfolio", record)

    def portfolios(self) -> tuple[Seen, ...]:
        return self.list("portfolio")

    def ticket(self, record: str) -> Seen:
        return self.read("ticket", record)

    def tickets(self, portfolio: str) -> tuple[Seen, ...]:
        """The live tickets of a portfolio by rising id."""
        return tuple(_seen(one) for one in self._associated("portfolio", portfolio, "ticket"))

    def tasks(self, kind: str, record: str) -> tuple[SeenTask, ...]:
        """The tasks of a record that were not deleted, by rising id."""
        return tuple(self._task(_seen(one)) for one in self._associated(kind, record, "task"))

    def all_tasks(self, *, archived: bool = False) -> tuple[SeenTask, ...]:
        return tuple(self._task(one) for one in self.list("task", archived=archived))

    def task(self, task: str) -> SeenTask:
        return self._task(self.read("task", task))

    def notes(self, kind: str, record: str) -> tuple[SeenNote, ...]:
        """Newest first, by their own timestamps."""
        seen = [_seen(one) for one in self._associated(kind, record, "note")]
        found = [SeenNote(one.id, one["hs_note_body"], _moment(one["hs_timestamp"])) for one in seen]
        return tuple(sorted(found, key=lambda one: (one.at, int(one.id)), reverse=True))

    def history(self, kind: str, record: str, name: str) -> tuple[SeenVersion, ...]:
        """The versions of a property, newest first."""
        return tuple(
            SeenVersion(one["value"], _moment(one["timestamp"]), one["sourceType"], one["sourceId"])
            for one in self._do("history", kind=kind, record=record, name=name)
        )

    def emails(self) -> tuple[SeenEmail, ...]:
        """What was sent by single-send; mail over SMTP is in the sink (`mail.SmtpSink`)."""
        return tuple(
            SeenEmail(one["emailId"], one["sendId"], one["to"], _moment(one["at"]), one["properties"])
            for one in self._do("emails")
        )

    def persons(self) -> tuple[dict[str, Any], ...]:
        """Everybody of the portal, deactivated people too: `id`, `name`, `email`, `archived`."""
        return tuple(self._do("owners"))

    def owner(self, role: str) -> str:
        """The owner id of the process's own person for a role (or `deactivated`, `second_designer`…)."""
        return self.process.owners[role]

    # --- inside

    def _associated(self, kind: str, record: str, to_kind: str) -> Any:
        return self._do("associated", kind=kind, record=record, to_kind=to_kind)

    def _task(self, seen: Seen) -> SeenTask:
        return _task(seen, self.process.names.task_property)

    def _person(self, role: str, owner: str | None) -> str:
        return self.process.owners[role] if owner == _DEFAULT else owner or ""


class People(Agency):
    """People at work on a portal in this process."""

    def __init__(self, portal: Portal, process: Process) -> None:
        self.process = process
        self._acts = Acts(portal, process)

    def _do(self, act: str, **arguments: Any) -> Any:
        return self._acts.do(act, arguments)


class RemotePeople(Agency):
    """People at work on a sandbox server, by its URL. A refused act raises `ValueError` with the sandbox's reason."""

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self._control = ControlClient(url, timeout=timeout)
        self.process = Process.from_json(self._control.get("process"))

    def _do(self, act: str, **arguments: Any) -> Any:
        return self._control.post(f"people/{act}", **arguments)

    def close(self) -> None:
        self._control.close()

    def __enter__(self) -> "RemotePeople":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _seen(raw: Mapping[str, Any]) -> Seen:
    return Seen(
        raw["kind"],
        raw["id"],
        raw["properties"],
        _moment(raw["created"]),
        _moment(raw["modified"]),
        raw["archived"],
        {kind: tuple(ids) for kind, ids in raw["associations"].items()},
    )


def _marked(seen: Seen) -> str:
    """The key in the mark of a task's body, as far as the app has made the task; '' where there is none."""
    marks = marks_in(seen["hs_task_body"]) if seen["hs_object_source"] == "INTEGRATION" else ()
    return marks[-1] if marks else ""


def _task(seen: Seen, key_property: str) -> SeenTask:
    return SeenTask(
        seen.id,
        seen["hs_task_subject"],
        seen["hs_task_body"],
        seen["hubspot_owner_id"],
        seen["hs_task_status"],
        _moment(seen["hs_timestamp"]) if seen["hs_timestamp"] else None,
        seen[key_property] or _marked(seen),
        seen["hs_task_priority"],
        seen.archived,
        seen.created,
        seen.associations,
    )
