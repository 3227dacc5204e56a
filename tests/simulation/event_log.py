"""What happened, in one order: every change in the CRM with all its history, every email, every look of the service.

It listens to the portal's own changes, so it knows the versions that the CRM forgets and the records that were deleted. A
number orders what happens within one millisecond of virtual time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sync.sandbox.portal import Change, Portal
from sync.sandbox.process import Process
from sync.sandbox.schema import Actor


class Ref(NamedTuple):
    """A record: `portfolio`, `ticket`, `task`, `note`… and its id."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True)
class Event:
    number: int
    at: int
    """Virtual milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Created(Event):
    """`late`: by a call that was made long before."""

    ref: Ref
    values: Mapping[str, str]
    own: bool
    late: bool
    editions: tuple[int, ...] = ()
    """Of which edition the texts of a task are, its subject's first; told by the oracle's reading alone."""


@dataclass(frozen=True, slots=True)
class Updated(Event):
    """One write: all that it changed. `own`: by the service's app. `late`: it lands long after it was sent."""

    ref: Ref
    values: dict[str, str]
    own: bool
    source: str
    late: bool
    edition: int = 0
    """Of which edition the last line of a task's body is; told by the oracle's reading alone."""


@dataclass(frozen=True, slots=True)
class Archived(Event):
    ref: Ref
    own: bool


@dataclass(frozen=True, slots=True)
class Restored(Event):
    ref: Ref


@dataclass(frozen=True, slots=True)
class Merged(Event):
    """Two records became one: `new`, which may be the primary itself. What the merge itself writes follows."""

    new: Ref
    primary: Ref
    other: Ref


@dataclass(frozen=True, slots=True)
class Linked(Event):
    """One association type between two records came (or, `removed`, went). Told once from each side."""

    near: Ref
    far: Ref
    primary: bool
    removed: bool


@dataclass(frozen=True, slots=True)
class Mailed(Event):
    to: str
    subject: str
    text: str = ""
    editions: tuple[int, ...] = ()
    """Of which edition subject and text are; told by the oracle's reading alone."""


@dataclass(frozen=True, slots=True)
class OwnerChanged(Event):
    owner: str
    active: bool


@dataclass(frozen=True, slots=True)
class DatabaseLost(Event):
    """The service began again on an empty database."""


@dataclass(frozen=True, slots=True)
class Remapped(Event):
    """From now on passes go by another mapping, which differs by these values from the packaged one."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Looked(Event):
    """The service read these records with their history, and got an answer."""

    refs: frozenset[Ref]


@dataclass(frozen=True, slots=True)
class Checked(Event):
    """The service read what stands in these records now, before it writes to them, and got an answer."""

    refs: frozenset[Ref]


@dataclass(frozen=True, slots=True)
class Sent(Event):
    """The service sends a write: what of which records it asks to change, whatever comes of it."""

    updates: tuple[tuple[Ref, Mapping[str, str]], ...]


@dataclass(frozen=True, slots=True)
class Lacked(Event):
    """An answer to the service lacked something: what it decided on may be less than there is."""


@dataclass(frozen=True, slots=True)
class PassBegan(Event):
    """`what`: `drain`, `poll` or `sweep`."""

    what: str


@dataclass(frozen=True, slots=True)
class PassEnded(Event):
    """The service went to rest. `settled`: undisturbed, and nothing that it began is still open.

    `delivered`: the kinds of records of which every change that people have made so far has been delivered to it.
    """

    settled: bool
    delivered: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The end, after the faults stopped and a poll and a sweep were done: everything due must be done."""


class EventLog:
    """Listens to a portal from its first record on."""

    def __init__(self, portal: Portal, process: Process) -> None:
        self.events: list[Event] = []
        self._portal = portal
        self._custom = process.names.object_type_id
        self._app = str(portal.account.app_id)
        self._mails = 0
        self._fresh: tuple[Ref, int] | None = None
        portal.listeners.append(self._record)

    def looked(self, kind: str, ids: Iterable[str]) -> None:
        self._catch_up()
        self.events.append(Looked(*self._next(), frozenset(Ref(kind, i) for i in ids)))

    def checked(self, kind: str, ids: Iterable[str]) -> None:
        self._catch_up()
        self.events.append(Checked(*self._next(), frozenset(Ref(kind, i) for i in ids)))

    def sent(self, kind: str, updates: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        self._catch_up()
        asked = tuple((Ref(kind, i), dict(values)) for i, values in updates)
        self.events.append(Sent(*self._next(), asked))

    def lacked(self) -> None:
        self._catch_up()
        self.events.append(Lacked(*self._next()))

    def owner_changed(self, owner: str, *, active: bool) -> None:
        self._catch_up()
        self.events.append(OwnerChanged(*self._next(), owner, active))

    def database_lost(self) -> None:
        self._catch_up()
        self.events.append(DatabaseLost(*self._next()))

    def remapped(self, values: Mapping[str, Any]) -> None:
        self._catch_up()
        self.events.append(Remapped(*self._next(), values))

    def pass_began(self, what: str) -> None:
        self._catch_up()
        self.events.append(PassBegan(*self._next(), what))

    def pass_ended(self, *, settled: bool, delivered: frozenset[str]) -> None:
        self._catch_up()
        self.events.append(PassEnded(*self._next(), settled, delivered))

    def ended(self) -> None:
        self._catch_up()
        self.events.append(Ended(*self._next()))

    def catch_up(self) -> None:
        """Note the emails sent since the last event; the portal tells of everything else by itself."""
        self._catch_up()

    def _catch_up(self) -> None:
        sent = self._portal.emails
        while self._mails < len(sent):
            mail = sent[self._mails]
            self._mails += 1
            subject, text = (str(mail.properties.get(name, "")) for name in ("subject", "body"))
            self.events.append(Mailed(len(self.events), mail.at, mail.to, subject, text))

    def _next(self) -> tuple[int, int]:
        return len(self.events), self._portal.now_ms()

    def _ref(self, type_id: str, record: int) -> Ref:
        return Ref("portfolio" if type_id == self._custom else self._portal.types[type_id].name, str(record))

    def _is_own(self, actor: Actor) -> bool:
        return actor.source_type == "INTEGRATION" and actor.source_id == self._app

    def _record(self, change: Change) -> None:
        self._catch_up()
        ref = self._ref(change.type.id, change.id)
        own = self._is_own(change.actor)
        number = len(self.events)
        match change.event:
            case "creation":
                record = self._portal.find(change.type.id, change.id)
                assert record is not None
                self.events.append(Created(number, change.at, ref, dict(record.values), own, self._portal.settling))
                self._fresh = (ref, change.at)
                return
            case "propertyChange":
                if self._fresh == (ref, change.at):
                    return  # the values of the creation
                last = self.events[-1] if self.events else None
                if isinstance(last, Updated) and (last.ref, last.at, last.own) == (ref, change.at, own):
                    last.values[change.property] = change.value
                else:
                    values = {change.property: change.value}
                    source, late = change.actor.source_type, self._portal.settling
                    self.events.append(Updated(number, change.at, ref, values, own, source, late))
            case "deletion":
                self.events.append(Archived(number, change.at, ref, own))
            case "restore":
                self.events.append(Restored(number, change.at, ref))
            case "merge":
                new = ref if change.new_id is None else self._ref(change.type.id, change.new_id)
                for gone in change.merged:
                    self.events.append(Merged(number, change.at, new, ref, self._ref(change.type.id, gone)))
            case "associationChange":
                assert change.link is not None
                far = self._ref(change.link.to_type, change.link.to_id)
                primary = change.link.association.primary
                self.events.append(Linked(number, change.at, ref, far, primary, change.link.removed))
                return
        self._fresh = None
