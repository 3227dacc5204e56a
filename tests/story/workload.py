"""Clients whose cycles people play round after round, each knowing what the CRM must show of it: no more and no less.

The people wait until what is due has come before they go on, as people do. What is due after each of their steps is
written down here, from docs/process.md, and shares nothing with the rules.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

from sync.rules import keys
from sync.sandbox.people import Agency, Seen, SeenEmail, SeenTask

ZONE = ZoneInfo("America/New_York")
"""The portal's."""

CADENCE, CADENCE_DAYS = "Every 4 weeks", 28

AM, SAS = "amelia.marsh@agency.example", "sasha.adler@agency.example"

EMAILS = {
    "ask": (AM, "please ask the client"),
    "arrived": (SAS, "time to create the tickets"),
    "ready": (AM, "Ready for client review"),
    "in review": (SAS, "In client review"),
    "approved": (SAS, "Client approved"),
    "live": (AM, "are live"),
}
"""Each email by its receiver and words of its subject."""


@dataclass(frozen=True)
class View:
    """What stands in the CRM and in the mailboxes at one time."""

    portfolios: Mapping[str, Seen]
    tickets: Mapping[str, Seen]
    tasks: tuple[SeenTask, ...]
    emails: tuple[SeenEmail, ...]

    @classmethod
    def of(cls, people: Agency) -> Self:
        return cls(
            {one.id: one for one in people.portfolios()},
            {one.id: one for one in people.list("ticket")},
            people.all_tasks(),
            people.emails(),
        )

    @cached_property
    def tasks_on(self) -> Mapping[str, Sequence[SeenTask]]:
        """The service's tasks by the record that each was made on."""
        found: dict[str, list[SeenTask]] = {}
        for task in self.tasks:
            if task.key:
                found.setdefault(_record_of(task), []).append(task)
        return found

    @cached_property
    def tickets_of(self) -> Mapping[str, Sequence[str]]:
        """The tickets (ids) of each client, by its name: their subjects begin with it."""
        found: dict[str, list[str]] = {}
        for ticket, seen in self.tickets.items():
            found.setdefault(seen["subject"].partition(", ")[0], []).append(ticket)
        return found

    @cached_property
    def mails(self) -> Sequence[tuple[str, str]]:
        """The subject and the receiver of each email."""
        return [(str(email.properties["subject"]), email.to) for email in self.emails]


def kind_of(task: SeenTask) -> str:
    """`kickoff`, `write_copy`, …; '' for a task of somebody's own."""
    return keys.slot_of(task.key).of if task.key else ""


class Client:
    """One portfolio and what is to be seen of it by now.

    `expected` are tasks and emails, each as often as it must be there; `values` are statuses, dates and the like.
    """

    def __init__(self, people: Agency, name: str, rng: random.Random) -> None:
        self.name = name
        self.expected: Counter[str] = Counter()
        self.values: dict[str, str] = {}
        self.steps = 0
        self._people = people
        self._rng = rng
        self._view: View | None = None
        self._rounds = 0
        self.portfolio = people.create_portfolio(name, cadence=CADENCE, link="https://lab.example/")
        self.tickets: list[str] = []
        self._script = self._cycles()
        self.step(None)

    def step(self, view: View | None) -> None:
        """Let its people do what they do next, having seen this."""
        self._view = view
        self.steps += 1
        next(self._script)

    # -- what people do, and what has to come of it

    def _cycles(self) -> Iterator[None]:
        while True:
            self._rounds += 1
            yield from self._kickoff()
            if self._rng.random() < 0.25:
                yield from self._decline()
            else:
                yield from self._confirm()
                yield from self._produce()
                if self._rng.random() < 0.4:
                    yield from self._revise()
                yield from self._finish()

    def _kickoff(self) -> Iterator[None]:
        self._set_date(self._today() + timedelta(days=10))
        self.values["status"] = ""
        self._due("kickoff", self._parent)
        self._mailed("ask")
        yield

    def _decline(self) -> Iterator[None]:
        self._status("No Refresh Requested")
        self.values["date"] = self._next_date()
        self._completed("kickoff", self._parent)
        yield

    def _confirm(self) -> Iterator[None]:
        self._people.note("portfolio", self.portfolio, "Warm colours, please.")
        self._complete("kickoff", self._parent)
        self._status("Refresh Request Submitted")
        self._set_date(self._today())
        self._due("create_tickets", self._parent)
        self._mailed("arrived")
        yield

    def _produce(self) -> Iterator[None]:
        folder = f"Set {self._rounds}"
        self.tickets = [
            self._people.create_ticket(f"{self.name}, {folder}, {n}", folder, self.portfolio) for n in (1, 2)
        ]
        self._complete("create_tickets", self._parent)
        self._status("Deliverables Submitted")
        for ticket in self.tickets:
            self._ticket(ticket, stage="New", revisions="", copy="")
            self._due("write_copy", f"ticket {ticket}")
            self._due("design_graphics", f"ticket {ticket}")
        yield
        for ticket in self.tickets:
            for kind in ("write_copy", "design_graphics"):
                self._complete(kind, f"ticket {ticket}")
            self._people.set("ticket", ticket, {self._people.process.names.copy_approval: "Approved"})
            self._people.move_ticket(ticket, "Pending Approval")
            self._ticket(ticket, stage="Pending Approval", revisions="", copy="Approved")
        self.values["status"] = "Creatives Pending Approval"
        self._announced()
        yield

    def _revise(self) -> Iterator[None]:
        ticket = self.tickets[0]
        self._people.note("ticket", ticket, "A shorter headline, please.")
        self._people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
        self._ticket(ticket, stage="In Progress", revisions="Copy Revisions Only", copy="")
        self._due("revise_copy", f"ticket {ticket}")
        yield
        self._complete("revise_copy", f"ticket {ticket}")
        self._people.set("ticket", ticket, {self._people.process.names.copy_approval: "Approved"})
        self._people.move_ticket(ticket, "Pending Approval")
        self._ticket(ticket, stage="Pending Approval", revisions="", copy="Approved")
        self._announced()
        yield

    def _finish(self) -> Iterator[None]:
        self._complete("share_deliverables", self._parent)
        self._status("Creatives Completed & Approved")
        self._due("implement", self._parent)
        self._mailed("approved")
        yield
        if self._rng.random() < 0.5:
            self._complete("implement", self._parent)
        else:
            self._status("Creatives Implemented")
            self._completed("implement", self._parent)
        self.values |= {"status": "", "date": self._next_date()}
        self._mailed("live")
        yield

    # -- one of these effects

    def _today(self) -> date:
        return self._people.now().astimezone(ZONE).date()

    def _next_date(self) -> str:
        return (date.fromisoformat(self.values["date"]) + timedelta(days=CADENCE_DAYS)).isoformat()

    def _set_date(self, day: date) -> None:
        self._people.set_refresh_date(self.portfolio, day)
        self.values["date"] = day.isoformat()

    def _status(self, status: str) -> None:
        self._people.set_status(self.portfolio, status)
        self.values["status"] = status

    def _ticket(self, ticket: str, **values: str) -> None:
        self.values |= {f"{name} of ticket {ticket}": value for name, value in values.items()}

    @property
    def _parent(self) -> str:
        return f"portfolio {self.portfolio}"

    def _due(self, kind: str, record: str) -> None:
        self.expected[f"task {kind} on {record}"] += 1

    def _mailed(self, what: str) -> None:
        self.expected[f"email “{what}”"] += 1

    def _announced(self) -> None:
        self._completed("share_deliverables", self._parent)  # those before: by people, or by this announcement
        self._due("share_deliverables", self._parent)
        self._mailed("ready")
        self._mailed("in review")

    def _complete(self, kind: str, record: str) -> None:
        """A person ticks every open task of that kind."""
        assert self._view is not None
        for task in self._view.tasks_on.get(record, ()):
            if task.open and kind_of(task) == kind:
                self._people.complete_task(task.id)
        self._completed(kind, record)

    def _completed(self, kind: str, record: str) -> None:
        total = self.expected[f"task {kind} on {record}"]
        self.values[f"completed {kind} on {record}"] = str(total)

    # -- what is there

    def found(self, view: View) -> tuple[Counter[str], dict[str, str]]:
        """The tasks and emails that are there, and the values that stand where one is expected."""
        tickets = view.tickets_of.get(self.name, ())
        mine = (self._parent, *(f"ticket {ticket}" for ticket in tickets))
        tasks = [(f"{kind_of(task)} on {record}", task) for record in mine for task in view.tasks_on.get(record, ())]
        effects = Counter(f"task {what}" for what, _ in tasks)
        effects.update(f"email “{what}”" for what in self._received(view.mails))
        completed = Counter(f"completed {what}" for what, task in tasks if not task.open)
        names = self._people.process.names
        portfolio = view.portfolios[self.portfolio]
        values = {"status": portfolio[names.status], "date": portfolio[names.date]}
        stages = dict(names.stages)
        for ticket in tickets:
            seen = view.tickets[ticket]
            values[f"stage of ticket {ticket}"] = stages[seen["hs_pipeline_stage"]]
            values[f"revisions of ticket {ticket}"] = seen[names.needs_revisions]
            values[f"copy of ticket {ticket}"] = seen[names.copy_approval]
        values |= {name: str(completed[name]) for name in self.values if name.startswith("completed ")}
        return effects, {name: values.get(name, "nothing") for name in self.values}

    def _received(self, mails: Iterable[tuple[str, str]]) -> Iterator[str]:
        for subject, receiver in mails:
            if self.name in subject:
                known = [what for what, (to, words) in EMAILS.items() if words in subject and receiver == to]
                yield known[0] if known else f"{subject} to {receiver}"

    def satisfied(self, view: View) -> bool:
        return self.found(view) == (self.expected, self.values)

    def missing(self, view: View) -> list[str]:
        """The tasks and emails that are missing."""
        return sorted(f"{self.name}: {thing}" for thing in (self.expected - self.found(view)[0]).elements())

    def doubled(self, view: View) -> list[str]:
        """The tasks and emails that are there too often, or should not be there at all."""
        return sorted(f"{self.name}: {thing}" for thing in (self.found(view)[0] - self.expected).elements())

    def wrong(self, view: View) -> list[str]:
        """The values that are not what they should be."""
        values = self.found(view)[1]
        return [
            f"{self.name}: {name} is {values[name]!r}, not {value!r}"
            for name, value in self.values.items()
            if values[name] != value
        ]


def _record_of(task: SeenTask) -> str:
    """The record that the task was made on: its ticket, else its portfolio."""
    near = ((kind, ids[0]) for kind in ("ticket", "portfolio") if (ids := task.associations.get(kind)))
    return " ".join(next(near, ()))


def start_of_day(moment: datetime) -> datetime:
    """The first moment of the portal's day after that of `moment`."""
    following = moment.astimezone(ZONE).date() + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=ZONE).astimezone(UTC)
