"""The idempotency keys: what makes an occurrence, and each of its effects, happen once.

An occurrence is keyed by its cause. Its key is text in the ledger, and the key of each task stands in the CRM as well, so
the forms below are for good: databases and portals hold them. `str` writes a key, `parse` and `parse_effect` read one.

    occurrence = "1:"  portfolio ":" cycle ":" ms          kickoff; ms: the date that left the window, 0 for none
               | "2a:" portfolio ":" ms                    the version that declined
               | "2b:" portfolio ":" ms                    the version that confirmed
               | "3:"  portfolio ":" cycle ":" day         the Refresh Date that arrived
               | "4:"  ticket                              tickets created
               | "5:"  portfolio ":" cycle ":" entries     the Ad Set that is ready
               | "5m:" ticket ":" ms                       the newer approval of a ticket that only has to be moved
               | "6:"  ticket ":" ms                       the version of Needs Revisions
               | "6c:" ticket ":" ms                       the same version, when it is cleared
               | "6n:" ticket ":" ms                       the same version, when the Notes that came late are added
               | "7:"  portfolio ":" ms                    the version that approved
               | "8:"  portfolio ":" ms                    the version that closed the cycle
               | "8t:" portfolio ":" task                  the completed task that closes the cycle
               | "9:"  portfolio ":" ms                    the confirmation of that closing
    effect     = occurrence "/" slot
    slot       = "write" | "task:" task-kind | "line:" task | "close:" task | "email:" email-kind
    cycle      = "start" | ms                              the closing version that began it
    entries    = ticket "@" ms { "," ticket "@" ms }       each ticket with the version that made it ready, sorted
    day        = YYYY-MM-DD
    ms         = the version's time, milliseconds since the epoch
    portfolio, ticket, task = the record's id in the CRM, digits

The weekly letter is of no record, and its copies stand in a table of their own:

    copy       = "w:" monday "/email:" address             monday: the day that begins its week; address: casefolded
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, Final

from mappings.vocabulary import EmailKind, Handoff, TaskKind
from sync.crm import Kind, RecordRef

START = "start"
"""The cycle of a portfolio that no closing version is known of."""

TIME: Final = r"\d{13}"
"""A time in a key, as a regular expression."""


class EffectKind(StrEnum):
    """The five things that the service does, in the order in which they are tried."""

    WRITE = "write"
    TASK = "task"
    LINE = "line"
    CLOSE = "close"
    EMAIL = "email"


class MalformedKeyError(ValueError):
    """The text is no key: no handoff writes one like it."""


# -- occurrences


@dataclass(frozen=True, slots=True)
class Entry:
    """A ticket in an Ad Set, with the version (its time in ms) that brought it into Pending Approval."""

    ticket: str
    ms: int

    def __str__(self) -> str:
        return f"{self.ticket}@{self.ms}"


@dataclass(frozen=True, slots=True)
class OccurrenceKey:
    """The key of an occurrence: a prefix, then the fields of its form in their order, parted by colons."""

    prefix: ClassVar[str]
    handoff: ClassVar[Handoff]

    def __str__(self) -> str:
        return ":".join((self.prefix, *(_text(getattr(self, name)) for name in _FIELDS[self.prefix])))

    @property
    def record(self) -> RecordRef:
        """The record that the occurrence is of: the first field names it."""
        first = _FIELDS[self.prefix][0]
        return RecordRef(Kind(first), getattr(self, first))

    def of(self, record: str) -> "OccurrenceKey":
        """The key of the same cause on another record (an id)."""
        return replace(self, **{_FIELDS[self.prefix][0]: record})

    @property
    def cycle_told(self) -> str:
        """The cycle that the key tells; empty for a form that tells none."""
        return getattr(self, "cycle", "")

    @property
    def newest_ms(self) -> int:
        """The newest of the times (ms) that the key tells: its cause is not older; 0 for a form that tells none."""
        times = [0]
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                times += (entry.ms for entry in value)
            elif field.name in _TIMES and str(value).isdecimal():
                times.append(int(value))
        return max(times)

    def masked(self, unknown: Container[int], mask: str) -> str:
        """The key's text with `mask` in the place of each of its times (ms) that is among the `unknown`."""

        def masked(time: str) -> str:
            return mask if time.isdecimal() and int(time) in unknown else time

        parts = [self.prefix]
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                parts.append(",".join(f"{entry.ticket}@{masked(str(entry.ms))}" for entry in value))
            else:
                parts.append(masked(str(value)) if field.name in _TIMES else str(value))
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class KickoffKey(OccurrenceKey):
    """`anchor`: the time (ms) of the cycle's newest date that was out of the window; 0: there was none."""

    prefix: ClassVar[str] = "1"
    handoff: ClassVar[Handoff] = Handoff.KICKOFF
    portfolio: str
    cycle: str
    anchor: int


@dataclass(frozen=True, slots=True)
class DeclinedKey(OccurrenceKey):
    """`ms`: the closing version, No Refresh Requested."""

    prefix: ClassVar[str] = "2a"
    handoff: ClassVar[Handoff] = Handoff.DECLINED
    portfolio: str
    ms: int


@dataclass(frozen=True, slots=True)
class ConfirmedKey(OccurrenceKey):
    """`ms`: the version Refresh Request Submitted."""

    prefix: ClassVar[str] = "2b"
    handoff: ClassVar[Handoff] = Handoff.CONFIRMED
    portfolio: str
    ms: int


@dataclass(frozen=True, slots=True)
class DateArrivedKey(OccurrenceKey):
    """`day`: the Refresh Date that has come."""

    prefix: ClassVar[str] = "3"
    handoff: ClassVar[Handoff] = Handoff.DATE_ARRIVED
    portfolio: str
    cycle: str
    day: date


@dataclass(frozen=True, slots=True)
class TicketKey(OccurrenceKey):
    """Once a ticket, ever."""

    prefix: ClassVar[str] = "4"
    handoff: ClassVar[Handoff] = Handoff.TICKETS
    ticket: str


@dataclass(frozen=True, slots=True)
class SetReadyKey(OccurrenceKey):
    """`entries`: the tickets of the set as they became ready, in the order of their texts."""

    prefix: ClassVar[str] = "5"
    handoff: ClassVar[Handoff] = Handoff.SET_READY
    portfolio: str
    cycle: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class AdvancedKey(OccurrenceKey):
    """`ms`: the newer of the versions that gave the two approvals."""

    prefix: ClassVar[str] = "5m"
    handoff: ClassVar[Handoff] = Handoff.SET_READY
    ticket: str
    ms: int


@dataclass(frozen=True, slots=True)
class RevisionKey(OccurrenceKey):
    """`ms`: the version of Needs Revisions that asked for it."""

    prefix: ClassVar[str] = "6"
    handoff: ClassVar[Handoff] = Handoff.REVISIONS
    ticket: str
    ms: int


@dataclass(frozen=True, slots=True)
class RevisionClearedKey(OccurrenceKey):
    """`ms`: the version of Needs Revisions that is cleared once it was handled."""

    prefix: ClassVar[str] = "6c"
    handoff: ClassVar[Handoff] = Handoff.REVISIONS
    ticket: str
    ms: int


@dataclass(frozen=True, slots=True)
class LateNotesKey(OccurrenceKey):
    """`ms`: the version of Needs Revisions, some time after which the Notes that came late are added to its tasks."""

    prefix: ClassVar[str] = "6n"
    handoff: ClassVar[Handoff] = Handoff.REVISIONS
    ticket: str
    ms: int


@dataclass(frozen=True, slots=True)
class ApprovedKey(OccurrenceKey):
    """`ms`: the version Creatives Completed & Approved."""

    prefix: ClassVar[str] = "7"
    handoff: ClassVar[Handoff] = Handoff.APPROVED
    portfolio: str
    ms: int


@dataclass(frozen=True, slots=True)
class ClosedKey(OccurrenceKey):
    """`ms`: the closing version, Creatives Implemented."""

    prefix: ClassVar[str] = "8"
    handoff: ClassVar[Handoff] = Handoff.CLOSE
    portfolio: str
    ms: int


@dataclass(frozen=True, slots=True)
class ClosedByTaskKey(OccurrenceKey):
    """`task`: the completed implementation task that has the status set to Creatives Implemented."""

    prefix: ClassVar[str] = "8t"
    handoff: ClassVar[Handoff] = Handoff.CLOSE
    portfolio: str
    task: str


@dataclass(frozen=True, slots=True)
class ConfirmationKey(OccurrenceKey):
    """`ms`: that of the closing that is confirmed."""

    prefix: ClassVar[str] = "9"
    handoff: ClassVar[Handoff] = Handoff.CONFIRMATION
    portfolio: str
    ms: int


FORMS: Final[Mapping[str, type[OccurrenceKey]]] = {
    form.prefix: form
    for form in (
        KickoffKey, DeclinedKey, ConfirmedKey, DateArrivedKey, TicketKey, SetReadyKey, AdvancedKey, RevisionKey,
        RevisionClearedKey, LateNotesKey, ApprovedKey, ClosedKey, ClosedByTaskKey, ConfirmationKey,
    )
}  # fmt: skip
"""Every form by its prefix."""

# To read a class's fields costs more than all else that is done with a key.
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    prefix: tuple(field.name for field in fields(form)) for prefix, form in FORMS.items()
}


@lru_cache(maxsize=4096)  # a pass reads the same keys again and again
def parse(text: str) -> OccurrenceKey:
    """Read the key of an occurrence. Raises `MalformedKeyError`."""
    prefix, *parts = text.split(":")
    form = FORMS.get(prefix)
    names = _FIELDS.get(prefix, ())
    if form is None or len(parts) != len(names):
        raise MalformedKeyError(f"“{text}” is the key of no occurrence")
    try:
        return form(*(_READ[name](part) for name, part in zip(names, parts, strict=True)))
    except ValueError as error:
        raise MalformedKeyError(f"“{text}” is the key of no occurrence: {error}") from error


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _id(text: str) -> str:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"“{text}” is no id")
    return text


def _ms(text: str) -> int:
    if str(int(_id(text))) != text:
        raise ValueError(f"“{text}” is no time")
    return int(text)


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError(f"“{text}” is no day")
    return day


def _cycle(text: str) -> str:
    return text if text == START else _id(text)


def _entries(text: str) -> tuple[Entry, ...]:
    pairs = (entry.partition("@") for entry in text.split(","))
    return tuple(Entry(_id(ticket), _ms(ms)) for ticket, _, ms in pairs)


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "portfolio": _id,
    "ticket": _id,
    "task": _id,
    "cycle": _cycle,
    "anchor": _ms,
    "ms": _ms,
    "day": _day,
    "entries": _entries,
}  # by the name of a form's field


_TIMES: Final = frozenset({"anchor", "cycle", "ms"})
"""The fields that hold a time; the entries of an Ad Set hold one each."""


# -- effects


@dataclass(frozen=True, slots=True)
class Slot:
    """Which of an occurrence's effects it is.

    `of`: the kind of task or email, the task that is closed or gets a line; empty: the write.
    """

    kind: EffectKind
    of: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.of}" if self.of else self.kind.value


WRITE: Final = Slot(EffectKind.WRITE)
"""The one write of an occurrence: all properties of a record are changed in one."""


def task_slot(kind: TaskKind) -> Slot:
    return Slot(EffectKind.TASK, kind.value)


def line_slot(task: str) -> Slot:
    return Slot(EffectKind.LINE, task)


def close_slot(task: str) -> Slot:
    return Slot(EffectKind.CLOSE, task)


def email_slot(kind: EmailKind) -> Slot:
    return Slot(EffectKind.EMAIL, kind.value)


@dataclass(frozen=True, slots=True)
class EffectKey:
    """The key of an effect: its occurrence's, and its slot in that."""

    occurrence: OccurrenceKey
    slot: Slot

    def __str__(self) -> str:
        return effect_key(str(self.occurrence), self.slot)


@lru_cache(maxsize=4096)
def parse_effect(text: str) -> EffectKey:
    """Read the key of an effect. Raises `MalformedKeyError`."""
    return EffectKey(parse(occurrence_of(text)), slot_of(text))


def parse_task(text: str) -> tuple[OccurrenceKey, TaskKind] | None:
    """The occurrence and the kind of task that the key of a task tells; None for what is no such key."""
    try:
        key = parse_effect(text)
        return (key.occurrence, TaskKind(key.slot.of)) if key.slot.kind is EffectKind.TASK else None
    except ValueError:
        return None


def effect_key(occurrence: str, slot: Slot) -> str:
    """The key of the effect in this slot of an occurrence, given by the text of its key."""
    return f"{occurrence}/{slot}"


def occurrence_of(effect: str) -> str:
    """The text of the occurrence's key in that of an effect. Raises `MalformedKeyError`."""
    occurrence, slash, _ = effect.rpartition("/")
    if not slash:
        raise MalformedKeyError(f"“{effect}” is the key of no effect")
    return occurrence


def slot_of(effect: str) -> Slot:
    """The slot in the key of an effect. Raises `MalformedKeyError`."""
    kind, colon, of = effect.rpartition("/")[2].partition(":")
    try:
        found = Slot(EffectKind(kind), of)
    except ValueError:
        raise MalformedKeyError(f"“{effect}” is the key of no effect") from None
    if bool(colon) is (found == WRITE) or bool(of) is (found.kind is EffectKind.WRITE):
        raise MalformedKeyError(f"“{effect}” is the key of no effect")
    return found


def letter_copy(monday: date, address: str) -> str:
    """The key of the copy of a week's letter that goes to this address."""
    return f"{_LETTER}{monday.isoformat()}/{EffectKind.EMAIL}:{address.casefold()}"


def is_letter_copy(text: str) -> bool:
    """Whether this is the key of a copy of a letter."""
    return text.startswith(_LETTER)


_LETTER: Final = "w:"


def suffix_of(kind: TaskKind) -> str:
    """How the key of every effect ends that makes a task of this kind: what a query looks for."""
    return effect_key("", task_slot(kind))
