"""The port: what the service asks of a CRM, in the service's own words. `sync.hubspot` is its one implementation.

`CRMReader` is the half that changes nothing; whatever only reads is given that and no more. `CRM` is all of it. A read
by id either answers for every id or raises: an id that is missing from an answer does not exist (any more), it is never
one that could not be read. A record of the answer has all that was asked for: absent is not empty. Whoever can go on
without a faulty record asks by `read_each` or `associated_each`, and is told of it apart.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Generic, Literal, Protocol, TypeVar

from mappings.names import meant
from sync.clock import from_ms

LONGEST_TEXT = 65_536
"""Characters that a text property holds at most (docs/hubspot.md 4.17)."""

TASK_STATUS = "hs_task_status"
TASK_SUBJECT = "hs_task_subject"
TASK_BODY = "hs_task_body"
TASK_COMPLETED = "COMPLETED"
TASK_COMPLETED_AT = "hs_task_completion_date"
NOTE_BODY = "hs_note_body"
NOTE_FILES = "hs_attachment_ids"
OWNER = "hubspot_owner_id"
CREATED_BY = "hs_created_by_user_id"
TIMESTAMP = "hs_timestamp"
MODIFIED = "hs_lastmodifieddate"
MERGED = "hs_merged_object_ids"
CREATED = "hs_createdate"
SOURCE = "hs_object_source"
SOURCE_ID = "hs_object_source_id"
"""HubSpot's own names, the same in every portal; what an admin may rename stands in the mapping.

`MERGED`: in which a survivor names the records that were merged into it."""

LANDED_AFTER = timedelta(seconds=90)
"""How long after a lost answer a write may still land; only then its absence means something (docs/hubspot.md 8.5)."""


T = TypeVar("T")


class Kind(StrEnum):
    """The objects of the CRM that the service touches."""

    PORTFOLIO = "portfolio"
    TICKET = "ticket"
    TASK = "task"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """One record of the CRM; `id` is HubSpot's, in decimal."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    def as_json(self) -> dict[str, str]:
        """The record as every JSON answer of the commands names it."""
        return {"kind": self.kind.value, "id": self.id}


@dataclass(frozen=True, slots=True)
class RawVersion:
    """One entry of a property's history; an emptied property has the value ''."""

    value: str
    at: datetime
    source_type: str = ""
    source_id: str = ""
    user_id: str = ""  # who did it, where the CRM says so; a user's id is not an owner's

    @property
    def by_merge(self) -> bool:
        """Whether a merge of records wrote it (docs/hubspot.md 4.12)."""
        return self.source_type.startswith("MERGE")


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read. Values are strings, empty ones ''; histories are newest first."""

    kind: Kind
    id: str
    properties: Mapping[str, str]
    history: Mapping[str, tuple[RawVersion, ...]] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    absorbed: tuple[str, ...] = ()
    """The ids of the records that were merged into it, or that it was made of, as far as it says."""
    read_at: datetime | None = None
    """A moment by the CRM's own clock, at which the record stood so or was older; None where the CRM tells no time."""


class Lack(StrEnum):
    """What an answer about a record that exists lacks. The values are kept in the database."""

    PROPERTY = "property"  # asked for, and absent: archived, hidden, or the answer is partial. Empty would be null
    HISTORY = "history"  # a property's history is absent, or cannot be read
    LATE = "late history"  # its newest version is not the value that stands
    ASSOCIATIONS = "associations"  # the list of far ends is absent, or cannot be read
    ENDLESS = "endless list"  # the pages of a list of associations go in circles, or on and on
    UNREADABLE = "unreadable"  # a call that names it fails, and one that names others does not
    RECORD = "record"  # the whole record: the answer neither shows it nor says that it does not exist


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that an answer lacks. `name`: the property's, or the far ends' kind; of a whole record what the CRM says."""

    lack: Lack
    name: str = ""

    def __str__(self) -> str:
        match self.lack:
            case Lack.PROPERTY:
                return f"the CRM's answer lacks the property “{self.name}”"
            case Lack.HISTORY:
                return f"the CRM's answer lacks the history of “{self.name}”"
            case Lack.LATE:
                return f"the history of “{self.name}” does not show the value that stands yet"
            case Lack.ASSOCIATIONS:
                return f"the CRM's answer lacks the list of its {self.name}s"
            case Lack.ENDLESS:
                return f"the pages of its list of {self.name}s do not end: open it in HubSpot, and see what it is associated to"
            case Lack.UNREADABLE:
                return (
                    f"the CRM fails each call for it, and answers for others ({self.name}): open it in HubSpot; if it is "
                    "whole there, give the correlation id to HubSpot's support"
                )
            case Lack.RECORD:
                return f"the CRM's answer leaves it out{f': {self.name}' if self.name else ''}"


@dataclass(frozen=True, slots=True)
class Faulty:
    """A record of which an answer lacks something: nothing may be decided on it. `shown`: what came; None: nothing."""

    record: RecordRef
    gaps: tuple[Gap, ...]
    shown: Record | None = None

    @property
    def is_late(self) -> bool:
        """Whether nothing is wrong with it but that its history is behind its values."""
        return all(gap.lack is Lack.LATE for gap in self.gaps)

    @property
    def why(self) -> str:
        return "; ".join(map(str, self.gaps))

    def __str__(self) -> str:
        return f"{self.record}: {self.why}"


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What a read by id gave, by the ids asked for. An id in neither does not exist (any more)."""

    found: Mapping[str, T]
    faulty: Mapping[str, Faulty]


@dataclass(frozen=True, slots=True)
class Association:
    """The far end of an association, with every type and label of it."""

    to: str
    type_ids: frozenset[int]
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class AssociationType:
    """What an inline association of a create call names."""

    category: str
    type_id: int


@dataclass(frozen=True, slots=True)
class Update:
    """Set these properties of one record; '' clears."""

    id: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Create:
    """Make one record, associated to `to` from its first moment. `trace` names it in the answer; it is no idempotency key."""

    trace: str
    properties: Mapping[str, str]
    to: tuple[RecordRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """The CRM confirmed the write. `id` is the record's, new or updated."""

    id: str
    message: str | None = None
    """What a person should know of it all the same; None: nothing."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The CRM refused this one: it was certainly not applied, and the same write will be refused again."""

    message: str
    category: str = ""
    correlation_id: str | None = None
    missing: bool = False  # the record does not exist (any more)
    holder: str | None = None
    """The id of the record that has a unique value already which this one was to have, '' where the CRM does not say it."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly not applied, but worth another try later (rate limit, locked record, no connection)."""

    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer, or one that cannot be trusted: it may have been applied, or may still be a little later.

    `answers_within`: for how long an answer may still come; None: none comes any more.
    """

    message: str
    answers_within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """An email was handed over. `to`: its address; `status_id`: by what to ask what became of it."""

    to: str
    status_id: str


Outcome = Applied | Rejected | NotSent | Unknown | Taken


class EmailEnd(StrEnum):
    """What the CRM tells of an email that it has taken."""

    SENT = "sent"
    REFUSED = "refused"  # for good: it is certainly not sent
    PENDING = "pending"
    NOT_TOLD = "not told"  # it tells nothing of this email: no such status, or the app may not read it


@dataclass(frozen=True, slots=True)
class EmailFate:
    """What the CRM tells of an email that it has taken, and in which words."""

    end: EmailEnd
    words: str


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition of a search; `values` for IN, `value` for the comparisons, neither for HAS_PROPERTY."""

    property: str
    operator: Literal["EQ", "GTE", "GT", "LTE", "LT", "IN", "NEQ", "HAS_PROPERTY", "NOT_HAS_PROPERTY"]
    value: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """A person of the CRM. An archived owner is deactivated: no work may be given to them."""

    id: str
    email: str
    first_name: str
    last_name: str
    archived: bool
    user_id: str = ""  # also of one who is deactivated; '' for one who cannot log in
    is_queue: bool = False  # no person: it has no address

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email


@dataclass(frozen=True, slots=True)
class PipelineStage:
    id: str
    label: str
    closed: bool
    read_only: bool = False  # nobody can move a record into it


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    label: str
    stages: tuple[PipelineStage, ...]


@dataclass(frozen=True, slots=True)
class PropertyDefinition:
    """A property as the portal defines it.

    `options` are the internal values of an enumeration and `labels` what people see for them, in the same order.
    `owner`: its values are owners' ids. `read_only`: the CRM computes it. `group`: where people find it on a record.
    `external`: its options stand elsewhere, and may not be listed here. `sensitive`: only an app with a scope of its own reads
    it.
    """

    name: str
    label: str
    type: str
    field_type: str
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    owner: bool = False
    read_only: bool = False
    group: str = ""
    external: bool = False
    sensitive: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The internal values that it can have, as far as the portal lists them."""
        return ("true", "false") if self.type == "bool" else self.options

    @property
    def is_closed(self) -> bool:
        """Whether it can have the listed values only."""
        return self.type == "bool" or (self.type == "enumeration" and not self.owner and not self.external)

    def takes(self, value: str) -> bool:
        """Whether it can have this value, by whatever spelling a person sees the same in; every property can be ''."""
        return not value or not self.is_closed or meant(value, self.values) is not None


@dataclass(frozen=True, slots=True)
class ValueRule:
    """An admin's validation rule of a property, which writes must keep: HubSpot's name of its type, and its arguments."""

    property: str
    type: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.type, *self.arguments))


@dataclass(frozen=True, slots=True)
class Account:
    """The portal: its id, its time zone (IANA) and the host of its web pages; `kind`: STANDARD, SANDBOX, DEVELOPER_TEST …"""

    portal_id: str
    time_zone: str
    ui_domain: str
    kind: str = ""


def moment_of(text: str) -> datetime | None:
    """Read a moment as the CRM writes it: ISO 8601, or milliseconds since the epoch; None for anything else.

    A moment without a zone is in UTC. The answer is aware, in UTC.
    """
    try:
        if text.removeprefix("-").isdecimal():
            return from_ms(int(text))
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class CRMReader(Protocol):
    """What can be asked of the CRM without changing anything in it.

    Every method may raise `AuthenticationError`, `CRMUnavailableError` or `CRMRejectedError`. A search and a list raise
    while they are iterated over.
    """

    def read(
        self, kind: Kind, ids: Sequence[str], properties: Sequence[str], history: Sequence[str] = ()
    ) -> dict[str, Record]:
        """Read records by id, with these properties and the histories of some, in batches of 100 (50 with history).

        The keys are the ids asked for; a record that does not exist has no key. A merged record answers under the id
        asked for, with the survivor's id in `Record.id`. Raises `FaultyRecordError` where one is faulty.
        """

    def read_each(
        self, kind: Kind, ids: Sequence[str], properties: Sequence[str], history: Sequence[str] = ()
    ) -> Reading[Record]:
        """Read the same, but give the faulty ones apart: for what can go on without them."""

    def time(self) -> datetime | None:
        """Tell the CRM's own time now, not later than it is, by its last answer; None: no answer has told it. Asks nothing."""

    def associated(self, source: Kind, target: Kind, ids: Sequence[str]) -> dict[str, tuple[Association, ...]]:
        """Read the associations of each source record, all pages. A record that does not exist has no key.

        Raises `FaultyRecordError` where the list of one is missing.
        """

    def associated_each(self, source: Kind, target: Kind, ids: Sequence[str]) -> Reading[tuple[Association, ...]]:
        """Read the same, but give those apart whose list is missing."""

    def search(
        self, kind: Kind, groups: Sequence[Sequence[Filter]], properties: Sequence[str] = ()
    ) -> Iterator[Record]:
        """Find every match of any group (each an AND), by rising id, however many.

        The index lags by seconds: candidates, not facts.
        """

    def deleted(self, kind: Kind, properties: Sequence[str]) -> Iterator[Record]:
        """List every record in the recycle bin (90 days), page by page: many calls, for what is asked seldom.

        Raises `FaultyRecordError` for one that lacks a property.
        """

    def owners(self, known: Mapping[str, Owner] | None = None) -> dict[str, Owner]:
        """Read all owners by id, the archived ones too.

        `known`: what was read before. The archived ones of it are kept, and read anew only where somebody who was active is
        so no more; whoever came and left in between is then not among them. None: all are read.
        """

    def pipelines(self) -> tuple[Pipeline, ...]:
        """Read the ticket pipelines with their stages."""

    def properties(self, kind: Kind) -> dict[str, PropertyDefinition]:
        """Read the property definitions of one object, by name; archived ones are left out."""

    def sensitive_properties(self, kind: Kind) -> dict[str, PropertyDefinition]:
        """Read the definitions of sensitive properties of one object, by name; they are not among the others.

        Raises `AuthenticationError` where the app lacks the scope for it.
        """

    def value_rules(self, kind: Kind) -> list[ValueRule]:
        """Read the admin's validation rules of the properties of one object."""

    def required_properties(self, kind: Kind) -> frozenset[str]:
        """Read the names of the properties without which no record of one object can be created."""

    def archived_properties(self, kind: Kind) -> frozenset[str]:
        """Read the names of the properties of one object that somebody has archived; they can be restored."""

    def association_type(self, source: Kind, target: Kind) -> AssociationType:
        """Read the unlabelled type by which records of one kind are associated to another.

        Raises `MappingMisfitError` where they cannot be.
        """

    def account(self) -> Account:
        """Read portal id, time zone and host of its pages."""

    def type_id(self, kind: Kind) -> str:
        """Read the object type id (`0-5`, `2-…`); the portfolio's is found by the mapping's name for it.

        Raises `MappingMisfitError` where the portal has no such object.
        """

    def label(self, kind: Kind) -> str:
        """Read what people call one record of the kind; '' where the portal does not tell. It raises as `type_id`."""

    def check_write_access(self, kind: Kind) -> None:
        """Ask, by an update of no records, whether the app may write; raise `AuthenticationError` where it may not."""


class CRM(CRMReader, Protocol):
    """A CRM that can be read and changed. What changes it raises as what reads it does, except as said."""

    def take_token(self, token: str, require: Callable[[Account], None]) -> bool:
        """Go by another token from now on, in every thread; False where it is the one that calls go with already.

        It has to read its account first, and `require` to raise nothing on that: until then nothing changes.
        """

    def update(self, kind: Kind, updates: Sequence[Update]) -> list[Outcome]:
        """Patch records in batches of 100; one outcome for each update, in the order given.

        Raises only `AuthenticationError`, and then certainly nothing was applied.
        """

    def create(self, kind: Kind, creates: Sequence[Create]) -> list[Outcome]:
        """Create records in batches of 100; one outcome for each, in the order given.

        Raises only `AuthenticationError`, and then certainly nothing was created. Never sends a create twice: after an
        unknown outcome the caller looks for the record before it repeats.
        """

    def create_property(self, kind: Kind, definition: Mapping[str, object]) -> None:
        """Create a property from HubSpot's own definition of it (`name`, `label`, `type`, `fieldType`, `groupName`…)."""

    def create_object(self, definition: Mapping[str, object]) -> None:
        """Create the portfolio's custom object from HubSpot's own definition of a schema (`name`, `labels`, `properties`…)."""

    def create_pipeline(self, definition: Mapping[str, object]) -> None:
        """Create a ticket pipeline from HubSpot's own definition of it (`label`, `stages`…)."""

    def create_association(self, source: Kind, target: Kind, name: str) -> None:
        """Let records of two kinds be associated, by a type without a label."""

    def send_single_email(self, email_id: str, send_id: str, to: str, properties: Mapping[str, str]) -> str | None:
        """Send a transactional single-send email; the CRM sends one per `send_id`, ever, so that this may be repeated.

        Gives the status id by which `email_fate` asks what became of it; None: it is sent, or the CRM names none.
        Raises `CRMUnavailableError` where the outcome is unknown, `CRMRejectedError` where it will never be sent.
        """

    def email_fate(self, status_id: str) -> EmailFate:
        """Ask what became of an email that `send_single_email` has handed over. Raises `CRMUnavailableError`."""
