"""What there is to see in the CRM and in the mailboxes, and what of it is new: the demo shows what it saw, not what it hoped.

Everything comes from the CRM's records with their histories and from the mail server, never from the service.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from sync.clock import from_ms, local_date
from sync.sandbox.demo.stage import Stage
from sync.sandbox.process import TASK_PROPERTY, Names, Process
from sync.sandbox.schema import TICKET, Actor

SERVICE = "the service"
COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class Change:
    """One version of a property: what a person or the service made of it, and what it was before."""

    kind: str  # portfolio, ticket, task, note
    record: str
    of: str  # the record's name or subject
    property: str
    before: str
    after: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Task:
    id: str
    subject: str
    body: str
    owner: str
    on: tuple[str, ...]  # names of portfolios and subjects of tickets, sorted
    made: date
    made_by: str
    due: date | None
    key: str  # the service's own mark; '' on other people's tasks
    closed_by: str | None  # None: it is open

    @property
    def brief(self) -> str:
        return f"for {self.owner}, made on {self.made} by {self.made_by}"


@dataclass(frozen=True, slots=True)
class Mail:
    to: str
    subject: str
    body: str
    message_id: str
    sent: date

    @property
    def brief(self) -> str:
        return f"to {self.to}, sent on {self.sent}"


@dataclass(frozen=True, slots=True)
class Scene:
    """The CRM and the mailboxes at one moment. Deleted records are not in it."""

    names: Names
    portfolios: Mapping[str, Mapping[str, str]]  # by name: the properties
    tickets: Mapping[str, Mapping[str, str]]  # by subject
    notes: int
    tasks: tuple[Task, ...]
    mails: tuple[Mail, ...]
    changes: tuple[Change, ...] = field(repr=False)  # oldest first

    def by_service(self) -> list[Change]:
        """The service's own writes, those of its tasks left aside."""
        return [change for change in self.changes if change.by == SERVICE and change.kind != "task"]

    def history(self, of: str, name: str) -> list[Change]:
        """The versions of one property, the value that it was created with included."""
        return [change for change in self.changes if change.of == of and change.property == name]


@dataclass(frozen=True, slots=True)
class News:
    """What the service did between two scenes."""

    tasks: tuple[Task, ...] = ()
    closed: tuple[Task, ...] = ()
    mails: tuple[Mail, ...] = ()
    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tasks or self.closed or self.mails or self.changes)


class Witness:
    """Looks at the stage from outside."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._process: Process = stage.people.process
        owners = stage.control.post("people/owners")
        self._owners: Mapping[str, str] = {one["id"]: one["name"] for one in owners}
        self._addresses: Mapping[str, str] = {one["email"]: one["name"] for one in owners}
        users = {user: self._owners[owner] for owner, user in self._process.users.items()}
        self._people = {Actor.user(user).source_id: name for user, name in users.items()}
        self._app = stage.app_id
        self._before = self.look()

    def news(self) -> News:
        """What the service did since the last time this was asked."""
        before, self._before = self._before, self.look()
        old = {task.id: task for task in before.tasks}
        return News(
            tuple(task for task in self._before.tasks if task.id not in old and task.made_by == SERVICE),
            tuple(
                task
                for task in self._before.tasks
                if task.closed_by == SERVICE and (task.id not in old or old[task.id].closed_by is None)
            ),
            self._before.mails[len(before.mails) :],
            tuple(change for change in self._before.by_service() if change not in before.changes),
        )

    def look(self) -> Scene:
        dump = self._stage.control.get("dump")
        mail = self._stage.control.get("mail")
        names, records = self._process.names, dump["records"]
        zone = ZoneInfo(dump["account"]["timeZone"])
        alive = {kind: [one for one in found if one["archived"] is None] for kind, found in records.items()}
        portfolios, tickets = alive[names.object_name], alive["ticket"]
        called = {(names.object_type_id, str(one["id"])): one["properties"][names.name] for one in portfolios}
        called |= {(TICKET, str(one["id"])): one["properties"]["subject"] for one in tickets}
        changes = [
            *self._changes("portfolio", portfolios, names.name),
            *self._changes("ticket", tickets, "subject"),
            *self._changes("task", alive["task"], "hs_task_subject"),
            *self._changes("note", alive["note"], "hs_note_body"),
        ]
        return Scene(
            names,
            {one["properties"][names.name]: one["properties"] for one in portfolios},
            {one["properties"]["subject"]: one["properties"] for one in tickets},
            len(alive["note"]),
            tuple(self._task(one, called, zone) for one in alive["task"]),
            (
                *(self._mail(one, zone) for one in mail["smtp"]),
                *(self._sent_by_crm(one, zone) for one in mail["single_send"]),
            ),
            tuple(sorted(changes, key=lambda change: change.at)),
        )

    # --- one kind each

    def _changes(self, kind: str, records: Sequence[Mapping[str, Any]], title: str) -> Iterator[Change]:
        for one in records:
            for name, versions in one["history"].items():
                before = ""
                for value, at, source, source_id in versions:
                    by = self._who(source, source_id)
                    of = one["properties"].get(title, "")
                    yield Change(kind, str(one["id"]), of, name, before, value, from_ms(at), by)
                    before = value

    def _task(self, one: Mapping[str, Any], called: Mapping[tuple[str, str], str], zone: ZoneInfo) -> Task:
        properties, history = one["properties"], one["history"]
        *_, (status, _, source, source_id) = history["hs_task_status"]
        on = [
            called.get((kind, record), f"{kind} {record}")
            for kind, ends in one["associations"].items()
            for record in ends
        ]
        return Task(
            str(one["id"]),
            properties.get("hs_task_subject", ""),
            properties.get("hs_task_body", ""),
            self._owners.get(properties.get("hubspot_owner_id", ""), "nobody"),
            tuple(sorted(on)),
            local_date(datetime.fromisoformat(one["created"]), zone),
            self._who(*history["hs_task_subject"][0][2:]),
            local_date(datetime.fromisoformat(due), zone) if (due := properties.get("hs_timestamp")) else None,
            properties.get(TASK_PROPERTY, ""),
            self._who(source, source_id) if status == COMPLETED else None,
        )

    def _mail(self, one: Mapping[str, Any], zone: ZoneInfo) -> Mail:
        to = ", ".join(self._addresses.get(address, address) for address in one["to"])
        sent = parsedate_to_datetime(one["date"]).astimezone(UTC)
        return Mail(to, one["subject"], one["body"], one["messageId"], local_date(sent, zone))

    def _sent_by_crm(self, one: Mapping[str, Any], zone: ZoneInfo) -> Mail:
        """An email by HubSpot's single-send: in the demo there should be none."""
        to = self._addresses.get(one["to"], one["to"])
        subject = str(one["properties"].get("subject", ""))
        return Mail(to, subject, "", one["sendId"], local_date(datetime.fromisoformat(one["at"]), zone))

    def _who(self, source: str, source_id: str) -> str:
        if source == "INTEGRATION" and source_id == self._app:
            return SERVICE
        return self._people.get(source_id, "an admin" if source == "CRM_UI" else source)
