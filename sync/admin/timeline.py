"""What happened in a cycle, in order: what people did, by the CRM's own history, and what the service did because of it.

The history is read for this alone, in three calls at most. A write of the service stands in both: the ledger tells of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from mappings.vocabulary import Handoff
from sync.clock import CLOCKS_APART
from sync.crm import (
    TASK_COMPLETED,
    TASK_STATUS,
    TASK_SUBJECT,
    CRMReader,
    Kind,
    RawVersion,
    Record,
    RecordRef,
    moment_of,
)
from sync.passes.portal import Portal
from sync.rules.context import Context
from sync.rules.model import EffectState, RecordedEffect, RecordedOccurrence

SERVICE = "the service"

TOGETHER = timedelta(minutes=1)
"""What the same person does to several records within this time is one event."""

OTHERS: Mapping[str, str] = {
    "INTEGRATION": "another integration",
    "API": "another integration",
    "AUTOMATION_PLATFORM": "a workflow",
    "WORKFLOWS": "a workflow",
    "IMPORT": "an import",
    "MERGE_OBJECTS": "a merge",
}
"""HubSpot's words for what changes a property where no person does."""


@dataclass(frozen=True, slots=True)
class Place:
    """A record that an event is about."""

    record: RecordRef
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody did something: `who` `before` the places `after`, such as Ada · moved · ticket 12 · to “In Progress”."""

    at: datetime
    who: str
    before: str
    after: str = ""
    places: tuple[Place, ...] = ()  # empty: the portfolio itself
    handoff: Handoff | None = None  # what the service did; None: what happened in the CRM
    trouble: bool = False  # it has not been done, or nobody knows whether it was

    @property
    def text(self) -> str:
        """What was done, in words."""
        on = "for" if self.handoff is not None and self.places else ""
        return " ".join(part for part in (self.before, on, _together(self.places), self.after) if part)

    def as_json(self) -> dict[str, object]:
        return {
            "at": self.at.isoformat(),
            "who": self.who,
            "text": self.text,
            "handoff": None if self.handoff is None else self.handoff.value,
            "trouble": self.trouble,
            "records": [
                {"kind": place.record.kind.value, "id": place.record.id, "name": place.name, "url": place.url}
                for place in self.places
            ],
        }


@dataclass(frozen=True)
class History:
    """What the CRM remembers of one portfolio, of its tickets and of the tasks that the ledger names."""

    portfolio: Record | None
    tickets: Mapping[str, Record]
    tasks: Mapping[str, Record]


def read(crm: CRMReader, context: Context) -> History:
    """Read it. Raises the port's errors."""
    mapping, portfolio = context.mapping, context.portfolio.id
    names, of_ticket = mapping.portfolio.properties, mapping.ticket.properties
    dates = [names.status, names.refresh_date, names.cadence]
    stages = [of_ticket.pipeline, of_ticket.stage, of_ticket.folder, of_ticket.needs_revisions]
    approvals = [of_ticket.copy_approval, of_ticket.graphic_approval]
    tickets = [ticket.id for ticket in context.snapshot.tickets]
    tasks = sorted(_tasks_named(context.ledger.recorded.values()), key=int)
    return History(
        crm.read(Kind.PORTFOLIO, [portfolio], [], dates).get(portfolio),
        crm.read(Kind.TICKET, tickets, [of_ticket.subject], [*stages, *approvals]) if tickets else {},
        crm.read(Kind.TASK, tasks, [TASK_SUBJECT, TASK_STATUS], [TASK_STATUS]) if tasks else {},
    )


def _tasks_named(recorded: Iterable[RecordedOccurrence]) -> set[str]:
    effects = (effect for one in recorded for effect in one.effects)
    return {effect.crm_id for effect in effects if effect.kind == "task" and effect.crm_id is not None}


def tell(
    context: Context, history: History, portal: Portal, app_id: str | None, writes: Mapping[str, Mapping[str, str]]
) -> tuple[Event, ...]:
    """The events of the current cycle, oldest first. `writes`: what each property write has set, by its key."""
    teller = _Teller(context, history, portal, app_id, writes)
    began = context.cycle_started
    events = [event for event in teller.events() if began is None or event.at >= began]
    return tuple(_joined(sorted(events, key=lambda event: (event.at, event.handoff is not None))))


class _Teller:
    def __init__(
        self,
        context: Context,
        history: History,
        portal: Portal,
        app_id: str | None,
        writes: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._context = context
        self._history = history
        self._portal = portal
        self._app_id = app_id
        self._writes = writes
        self._users = {owner.user_id: owner.name for owner in portal.owners.values() if owner.user_id}
        self._names = {ticket.ref: ticket.subject for ticket in context.snapshot.tickets}

    def events(self) -> Iterator[Event]:
        if self._history.portfolio is not None:
            yield from self._portfolio(self._history.portfolio)
        for ticket in self._history.tickets.values():
            yield from self._ticket(ticket)
        for task in self._history.tasks.values():
            yield from self._task(task)
        for recorded in self._context.ledger.recorded.values():
            yield from self._service(recorded)

    # -- what happened in the CRM

    def _portfolio(self, record: Record) -> Iterator[Event]:
        names = self._context.mapping.portfolio.properties
        for name, what in (
            (names.status, "the status"), (names.refresh_date, "the Refresh Date"), (names.cadence, "the cadence"),
        ):  # fmt: skip
            for version in self._not_told_by_the_ledger(record, name):
                value = _day(version.value) if name == names.refresh_date else f"“{version.value}”"
                text = f"set {what} to {value}" if version.value else f"emptied {what}"
                yield Event(version.at, self._who(version), text)

    def _ticket(self, record: Record) -> Iterator[Event]:
        names = self._context.mapping.ticket.properties
        place = self._place(RecordRef(Kind.TICKET, record.id))
        created = record.created_at
        entries = record.history.get(names.pipeline, ())
        if created is not None:
            first = entries[-1] if entries and entries[-1].at - created < TOGETHER else None
            yield Event(created, "somebody" if first is None else self._who(first), "created", "", (place,))
        told: dict[str, Callable[[str], tuple[str, str]]] = {
            names.pipeline: self._moved_in,
            names.stage: self._moved,
            names.folder: self._filed,
            names.needs_revisions: self._revision,
            names.copy_approval: lambda value: self._approval("copy", value),
            names.graphic_approval: lambda value: self._approval("graphic", value),
        }
        for name, words in told.items():
            for version in self._not_told_by_the_ledger(record, name):
                if created is not None and version.at - created < TOGETHER and name != names.needs_revisions:
                    continue  # what it was created with
                before, after = words(version.value)
                yield Event(version.at, self._who(version), before, after, (place,))

    def _moved_in(self, pipeline: str) -> tuple[str, str]:
        here = pipeline == self._portal.pipeline.id
        return "moved", f"{'into' if here else 'out of'} the pipeline “{self._portal.pipeline.label}”"

    def _moved(self, stage: str) -> tuple[str, str]:
        return "moved", f"to “{stage_label(self._portal, stage)}”"

    @staticmethod
    def _filed(folder: str) -> tuple[str, str]:
        return ("put", f"into the folder “{folder}”") if folder else ("took", "out of its folder")

    @staticmethod
    def _revision(value: str) -> tuple[str, str]:
        return (f"asked for “{value}” on", "") if value else ("emptied Needs Revisions of", "")

    @staticmethod
    def _approval(what: str, value: str) -> tuple[str, str]:
        return (f"set the {what} approval of", f"to “{value}”") if value else (f"emptied the {what} approval of", "")

    def _task(self, record: Record) -> Iterator[Event]:
        """Completed, or opened again; the other statuses of a task mean nothing to the process."""
        before = ""
        place = Place(
            RecordRef(Kind.TASK, record.id),
            record.properties.get(TASK_SUBJECT, ""),
            self._portal.url(Kind.TASK, record.id),
        )
        closed_by_us = {
            known_effect.slot.partition(":")[2]
            for recorded in self._context.ledger.recorded.values()
            for known_effect in recorded.effects
            if known_effect.kind == "close" and known_effect.state is EffectState.DONE
        }
        for version in reversed(record.history.get(TASK_STATUS, ())):
            done, was_done = version.value == TASK_COMPLETED, before == TASK_COMPLETED
            before = version.value
            if done == was_done or (record.id in closed_by_us and self._who(version) == SERVICE):
                continue
            yield Event(version.at, self._who(version), "completed" if done else "reopened", "", (place,))

    def _not_told_by_the_ledger(self, record: Record, name: str) -> Iterator[RawVersion]:
        """The versions of a property that say something new, the ones aside that the ledger has as written."""
        before = ""
        for version in reversed(record.history.get(name, ())):
            new, before = version.value != before, version.value
            own = self._who(version) == SERVICE
            if new and not (own and self._is_written(RecordRef(record.kind, record.id), name, version)):
                yield version

    def _is_written(self, record: RecordRef, name: str, version: RawVersion) -> bool:
        return any(
            recorded.record == record
            and effect.state is EffectState.DONE
            and name in (values := self._writes.get(effect.key, {}))
            and _same(values[name], version.value)
            and abs(effect.state_at - version.at) < CLOCKS_APART
            for recorded in self._context.ledger.recorded.values()
            for effect in recorded.effects
        )

    def _who(self, version: RawVersion) -> str:
        if version.source_type == "INTEGRATION" and self._app_id in {None, version.source_id}:
            return SERVICE
        user = version.user_id
        if not user and version.source_id.startswith("userId:"):
            user = version.source_id.removeprefix("userId:")
        if user:
            return self._users.get(user, f"user {user}")
        return OTHERS.get(version.source_type, "somebody")

    # -- what the service did

    def _service(self, recorded: RecordedOccurrence) -> Iterator[Event]:
        places = () if recorded.record.kind is Kind.PORTFOLIO else (self._place(recorded.record),)
        if recorded.state == "overtaken":
            yield Event(recorded.decided_at, SERVICE, "overtaken", "", places, recorded.handoff)
        elif not recorded.effects and recorded.state == "done":
            what = "noted" if recorded.handoff is Handoff.CONFIRMED else "recorded as done, without a task"
            yield Event(recorded.decided_at, SERVICE, what, "", places, recorded.handoff)
        for effect in recorded.effects:
            words = self._effect(effect)
            if words is not None:
                trouble = effect.state is not EffectState.DONE
                text = f"{words} is {effect.state}" if trouble else words
                yield Event(effect.state_at, SERVICE, text, "", places, recorded.handoff, trouble)

    def _effect(self, effect: RecordedEffect) -> str | None:
        """In words; None for what was never tried or is not to be any more."""
        if effect.state in {EffectState.PLANNED, EffectState.ATTEMPTING, EffectState.SUPERSEDED}:
            return None
        if effect.kind == "write":
            return self._write(self._writes.get(effect.key, {}))
        if effect.kind == "close":
            closed = self._history.tasks.get(effect.slot.partition(":")[2])
            subject = "" if closed is None else closed.properties.get(TASK_SUBJECT, "")
            return f"task “{subject}” closed" if subject else f"task {effect.slot.partition(':')[2]} closed"
        label = "" if effect.role is None else f" → {self._context.mapping.roles[effect.role].label}"
        what = effect.slot.partition(":")[2].replace("_", " ")
        return f"{'adopted ' if effect.adopted else ''}{effect.kind} {what}{label}"

    def _write(self, values: Mapping[str, str]) -> str:
        names, of_ticket = self._context.mapping.portfolio.properties, self._context.mapping.ticket.properties
        words = {
            names.status: "status",
            names.refresh_date: "Refresh Date",
            of_ticket.stage: "stage",
            of_ticket.needs_revisions: "Needs Revisions",
            of_ticket.copy_approval: "copy approval",
            of_ticket.graphic_approval: "graphic approval",
        }
        told = []
        for name, value in values.items():
            shown = stage_label(self._portal, value) if name == of_ticket.stage else value
            shown = _day(value) if name == names.refresh_date else f"“{shown}”"
            told.append(f"{words.get(name, name)} set to {shown}" if value else f"{words.get(name, name)} emptied")
        return ", ".join(told)

    def _place(self, record: RecordRef) -> Place:
        return Place(record, self._names.get(record, ""), self._portal.url(record.kind, record.id))


def stage_label(portal: Portal, stage: str) -> str:
    """What people call a stage of the deliverables pipeline; another's is told by its id."""
    return next((one.label for one in portal.pipeline.stages if one.id == stage), stage)


def _joined(events: Sequence[Event]) -> list[Event]:
    """Events of one kind on several records become one; so does what the service did at once for one handoff."""
    joined: list[Event] = []
    for event in events:
        before = next(
            (
                n
                for n in range(len(joined) - 1, -1, -1)
                if joined[n].at > event.at - TOGETHER and _alike(joined[n], event)
            ),
            None,
        )
        if before is None:
            joined.append(event)
        else:
            places = dict.fromkeys((*joined[before].places, *event.places))
            joined[before] = replace(joined[before], places=tuple(places))
    return _by_handoff(joined)


def _alike(one: Event, other: Event) -> bool:
    return bool(other.places) and replace(one, at=other.at, places=other.places) == other


def _by_handoff(events: Sequence[Event]) -> list[Event]:
    """All that the service did at one time for one handoff and the same records, in one event."""
    told: list[Event] = []
    for event in events:
        last = told[-1] if told else None
        if (
            last is not None
            and event.handoff is not None
            and (last.handoff, last.places, last.trouble) == (event.handoff, event.places, event.trouble)
            and event.at - last.at < TOGETHER
        ):
            told[-1] = replace(last, before=f"{last.before}, {event.before}")
        else:
            told.append(event)
    return told


def _together(places: Sequence[Place]) -> str:
    """`ticket 12 “Ad 1”`, `3 tickets (“Ad 1”, “Ad 2”, “Ad 3”)`."""
    if not places:
        return ""
    kind = places[0].record.kind
    if len(places) == 1:
        one = places[0]
        return f"{kind} {one.record.id}" + (f" “{one.name}”" if one.name else "")
    names = ", ".join(f"“{place.name}”" if place.name else place.record.id for place in places)
    return f"{len(places)} {kind}s ({names})"


def _day(raw: str) -> str:
    moment = moment_of(raw)
    if moment is None:
        return f"“{raw}”"
    day: date = moment.date()
    return f"{day:%a} {day.day} {day:%b %Y}"


def _same(one: str, other: str) -> bool:
    """Whether two values are one: a date may come back in milliseconds."""
    return one == other or (moment_of(one) is not None and moment_of(one) == moment_of(other))
