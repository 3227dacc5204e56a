"""The mapping as the service uses it: what the CRM calls things, and what people are to read.

`load.py` makes one from YAML. Everything here is frozen and checked on construction; a `ProcessMapping` that exists is
consistent in itself. Whether it fits a portal is for `handoffs check` to say.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mappings.names import as_seen, meant, same_to_the_eye
from mappings.vocabulary import EmailKind, KeyCarrier, Revision, Role, Status, TaskKind

SEVERAL = "mapping_rules"
"""Type of a validation error that stands for several: `ctx["problems"]` holds pairs of key path and sentence."""

_Key = TypeVar("_Key", bound=str)

LONGEST_DAYS = 3660
LONGEST_MONTHS = 120

Weekend = Literal["keep", "next", "previous"]
"""Where a date goes that falls on a Saturday or Sunday: nowhere, to Monday, or to Friday."""


class Party(StrEnum):
    """The four parties of the article, for telling who a portfolio waits for."""

    ACCOUNT_MANAGER = "account_manager"
    SOCIAL_AD_SPECIALIST = "social_ad_specialist"
    CREATIVE_TEAM = "creative_team"
    CLIENT = "client"


def _report(problems: Iterable[tuple[tuple[str, ...], str]]) -> None:
    """Raise every problem as one validation error, each with its path below the value being checked."""
    found = list(problems)
    if found:
        raise PydanticCustomError(SEVERAL, "{text}", {"text": " ".join(text for _, text in found), "problems": found})


def _shared(values: Mapping[_Key, str], what: str) -> list[tuple[tuple[str, ...], str]]:
    """A problem for each key whose value an earlier key already has."""
    first: dict[str, str] = {}
    return [
        ((key,), f"has the same {what} as `{first[value]}` ({value!r}): write a different one for each")
        for key, value in values.items()
        if first.setdefault(value, key) != key
    ]


def _named(by_value: Mapping[str, _Key], raw: str, unknown: _Key) -> _Key | None:
    """The key of the value that a record's means; None for one in which there is nothing to see."""
    known = meant(raw, by_value)
    if known is not None:
        return by_value[known]
    return unknown if as_seen(raw) else None


def _missing(given: Iterable[str], wanted: Iterable[str]) -> list[tuple[tuple[str, ...], str]]:
    have = set(given)
    return [((), f"lacks `{key}`: write a line for it") for key in wanted if key not in have]


def _written(value: str) -> str:
    if not as_seen(value):
        raise ValueError("is empty: write what the CRM calls it, or remove the line to keep the default")
    return value


def _property_name(value: str) -> str:
    if not re.fullmatch(r"[^\s.,]+", value):
        raise ValueError(
            f"{value!r} is not a property's internal name: write the name that HubSpot shows "
            "in the property's details, without spaces"
        )
    return value


def _trimmed(value: str) -> str:
    if value != value.strip() or not value:
        raise ValueError(f"{value!r} is empty or has spaces around it: write the bare name")
    return value


PropertyName = Annotated[
    str, Field(min_length=1), BeforeValidator(lambda v: _property_name(v) if isinstance(v, str) else v)
]
Name = Annotated[str, BeforeValidator(lambda v: _trimmed(v) if isinstance(v, str) else v)]
InternalValue = Annotated[str, BeforeValidator(lambda v: _written(v) if isinstance(v, str) else v)]


@dataclass(frozen=True, slots=True)
class Interval:
    """A length of time between two refreshes: days or months, exactly one of them positive."""

    days: int = 0
    months: int = 0

    def __post_init__(self) -> None:
        if min(self.days, self.months) != 0 or max(self.days, self.months) < 1:
            raise ValueError("an interval has either days or months, and at least one")
        if self.days > LONGEST_DAYS or self.months > LONGEST_MONTHS:
            raise ValueError("an interval is ten years at most")

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2 weeks`, `10 days`, `1 month`, `1 quarter`, `1 year` → an interval. `ValueError` says what to write."""
        match = re.fullmatch(r"([1-9][0-9]{0,3}) *(day|week|month|quarter|year)s?", text.strip())
        if match is None:
            raise ValueError(
                f"{text!r} is no interval: write a number and a unit, such as `10 days`, `2 weeks`, `1 month`, "
                "`1 quarter`, `1 year`"
            )
        count, unit = int(match[1]), match[2]
        days, months = {"day": (1, 0), "week": (7, 0), "month": (0, 1), "quarter": (0, 3), "year": (0, 12)}[unit]
        return cls(days=count * days, months=count * months)

    def __str__(self) -> str:
        count, unit = (self.days, "day") if self.days else (self.months, "month")
        return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _interval(value: object) -> object:
    if isinstance(value, str):
        return Interval.parse(value)
    if isinstance(value, int):
        raise ValueError(f"{value} lacks a unit: write `{value} days`, `{value} weeks` or `{value} months`")  # noqa: TRY004
    return value


def _clock_time(value: object) -> object:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and (match := re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", value)):
        return time(int(match[1]), int(match[2]))
    raise ValueError("is no time of day: write hours and minutes in quotes, such as '17:00'")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class PortfolioProperties(_Model):
    """Internal names of the portfolio's properties; the owners' stand in `PortfolioMapping.owners`."""

    name: PropertyName
    status: PropertyName
    refresh_date: PropertyName
    cadence: PropertyName
    ad_lab_link: PropertyName

    @model_validator(mode="after")
    def _one_property_each(self) -> Self:
        _report(_shared(self.model_dump(), "property"))
        return self


class Condition(_Model):
    """A portfolio is in scope only while this property has one of these values ('' stands for empty)."""

    property: PropertyName
    values: tuple[str, ...] = Field(validation_alias="in", min_length=1)

    def holds(self, raw: str) -> bool:
        """Whether a record with this value is in scope."""
        return meant(raw, self.values) is not None


def all_hold(conditions: Iterable[Condition], values: Mapping[str, str]) -> bool:
    """Whether a portfolio with these values of its properties is in scope; a property that is not among them is empty."""
    return all(one.holds(values.get(one.property, "")) for one in conditions)


class PortfolioMapping(_Model):
    """The Creative Portfolio. `object` is its schema's name, fullyQualifiedName or label."""

    object: Name
    properties: PortfolioProperties
    owners: Mapping[Role, PropertyName]
    statuses: Mapping[Status, InternalValue]
    condition: tuple[Condition, ...] = ()

    @field_validator("owners")
    @classmethod
    def _every_role(cls, owners: Mapping[Role, str]) -> Mapping[Role, str]:
        _report(_missing(owners, Role))
        return owners

    @field_validator("statuses")
    @classmethod
    def _every_status_once(cls, statuses: Mapping[Status, str]) -> Mapping[Status, str]:
        _report(
            [
                *[
                    ((key,), "is no status of the process: remove the line")
                    for key in statuses
                    if key is Status.UNMAPPED
                ],
                *_missing(statuses, (status for status in Status if status is not Status.UNMAPPED)),
                *_shared(statuses, "internal value"),
            ]
        )
        return statuses

    @cached_property
    def _by_value(self) -> dict[str, Status]:
        return {value: status for status, value in self.statuses.items()}

    def status(self, raw: str) -> Status | None:
        """The status that this internal value means; None for '', `UNMAPPED` for a value the mapping does not name."""
        return _named(self._by_value, raw, Status.UNMAPPED)

    def raw_status(self, status: Status | None) -> str:
        """The internal value to write for `status`; None clears ('')."""
        return "" if status is None else self.statuses[status]


class TicketProperties(_Model):
    """Internal names of the ticket's properties."""

    subject: PropertyName
    pipeline: PropertyName
    stage: PropertyName
    folder: PropertyName
    needs_revisions: PropertyName
    copy_approval: PropertyName
    graphic_approval: PropertyName

    @model_validator(mode="after")
    def _one_property_each(self) -> Self:
        _report(_shared(self.model_dump(), "property"))
        return self


class TicketMapping(_Model):
    """The deliverable. Pipeline and stages are given by id or by label.

    `owners` are optional and win over the portfolio's; `approval_reset` is what a reset writes ('' clears).
    """

    pipeline: Name
    in_progress: Name
    pending_approval: Name
    properties: TicketProperties
    owners: Mapping[Literal[Role.COPYWRITER, Role.GRAPHIC_DESIGNER], PropertyName] = Field(default_factory=dict)
    revisions: Mapping[Revision, InternalValue]
    approved: InternalValue
    approval_reset: str = ""

    @field_validator("revisions")
    @classmethod
    def _every_revision_once(cls, revisions: Mapping[Revision, str]) -> Mapping[Revision, str]:
        _report(
            [
                *[((key,), "is no revision: remove the line") for key in revisions if key is Revision.UNMAPPED],
                *_missing(revisions, (revision for revision in Revision if revision is not Revision.UNMAPPED)),
                *_shared(revisions, "internal value"),
            ]
        )
        return revisions

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        problems: list[tuple[tuple[str, ...], str]] = []
        if self.in_progress == self.pending_approval:
            problems.append(
                (
                    ("pending_approval",),
                    f"is the stage of `in_progress` too ({self.in_progress!r}): write two different stages",
                )
            )
        if same_to_the_eye(self.approved, self.approval_reset):
            problems.append((("approval_reset",), "is the value of `approved` too: a reset must write another one"))
        _report(problems)
        return self

    @cached_property
    def _by_value(self) -> dict[str, Revision]:
        return {value: revision for revision, value in self.revisions.items()}

    def revision(self, raw: str) -> Revision | None:
        """The revision that this internal value asks for; None for '', `UNMAPPED` for a value not named."""
        return _named(self._by_value, raw, Revision.UNMAPPED)


class TaskMapping(_Model):
    """The task object: what carries the key of the effect which made the task, and the property for it.

    With `key_carrier` body no property is needed; one that is there is read all the same.
    """

    key_carrier: KeyCarrier = KeyCarrier.PROPERTY
    key_property: PropertyName = "handoff_key"


class CadenceMapping(_Model):
    """How far apart refreshes are. `default` stands for an empty cadence."""

    default: InternalValue
    values: Mapping[InternalValue, Annotated[Interval, BeforeValidator(_interval)]]
    weekend: Weekend = "keep"

    @model_validator(mode="after")
    def _default_is_known(self) -> Self:
        if self.interval(self.default) is None:
            known = ", ".join(f"`{value}`" for value in self.values)
            _report(
                [(("default",), f"`{self.default}` is not among `values`: write one of {known}, or a number of days")]
            )
        return self

    def interval(self, raw: str) -> Interval | None:
        """The interval that a record's cadence means; None where neither the mapping nor a number of days says so.

        '' means the default. A whole number from 1 to 3660 (`30`, also as HubSpot's `30.0`) is that many days.
        """
        value = raw if as_seen(raw) else self.default
        if (known := meant(value, self.values)) is not None:
            return self.values[known]
        number = re.fullmatch(r"([0-9]{1,6})(?:\.0*)?", as_seen(value))
        if number is None or not 1 <= int(number[1]) <= LONGEST_DAYS:
            return None
        return Interval(days=int(number[1]))


def _default_stuck_after() -> dict[Party, int]:
    return {
        Party.ACCOUNT_MANAGER: 5,
        Party.SOCIAL_AD_SPECIALIST: 3,
        Party.CREATIVE_TEAM: 7,
        Party.CLIENT: 10,
    }


class RulesMapping(_Model):
    """The numbers and switches of the rules.

    `stuck_after_days`: after how many days without a change a portfolio counts as stuck, by whom it waits for.
    """

    window_days: Annotated[StrictInt, Field(ge=0, le=365)] = 15
    barrier_minutes: Annotated[StrictInt, Field(ge=0, le=10_080)] = 15
    settle_seconds: Annotated[StrictInt, Field(ge=0, le=86_400)] = 120
    clear_declined_status: StrictBool = False
    close_leftovers: StrictBool = True
    advance_approved_tickets: StrictBool = False
    effects_per_hour: Annotated[StrictInt, Field(ge=1)] = 1000
    stuck_after_days: Mapping[Party, Annotated[StrictInt, Field(ge=1, le=3650)]] = Field(
        default_factory=_default_stuck_after
    )

    @field_validator("stuck_after_days")
    @classmethod
    def _every_party(cls, days: Mapping[Party, int]) -> Mapping[Party, int]:
        _report(_missing(days, Party))
        return days


class RoleMapping(_Model):
    """What people call the role, and who stands in where a record names nobody: an owner's id or email.

    Without a fallback (None) such work waits until somebody is named.
    """

    label: Name
    fallback_owner: Name | None = None


class Due(_Model):
    """When a task is due, counted from the day on which it is made.

    With `working_days`, Saturdays and Sundays are not counted, and the due day is never one, but for want of a working
    day between the day on which the task is made and the latest that it may be due.
    """

    days: Annotated[StrictInt, Field(ge=0, le=365)]
    time: Annotated[time, BeforeValidator(_clock_time)]
    working_days: StrictBool = False

    def on(self, today: date, latest: date | None = None) -> date:
        """The calendar date on which a task made `today` is due: no later than `latest` (None: any), never before today."""
        day = self._counted(today)
        if latest is None or day <= latest:
            return day
        day = max(today, latest)
        while self.working_days and day.weekday() >= 5 and day > today:
            day -= timedelta(days=1)
        return day

    def _counted(self, today: date) -> date:
        if not self.working_days:
            return today + timedelta(days=self.days)
        day, left = today, self.days
        while left or day.weekday() >= 5:
            day += timedelta(days=1)
            left -= left > 0 and day.weekday() < 5
        return day


class TaskMappingEntry(_Model):
    """One kind of task. `subject` and `body` are Jinja2 sources; a body is HTML and escapes what it is given."""

    subject: InternalValue
    body: InternalValue
    due: Due
    priority: Literal["HIGH", "MEDIUM", "LOW", "NONE"] = "NONE"
    type: Literal["TODO"] = "TODO"


class EmailTexts(_Model):
    """One kind of email. `subject` and `body` are Jinja2 sources of plain text."""

    subject: InternalValue
    body: InternalValue


_ADDRESS = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+")


def _address(value: str) -> str:
    if not (value.isascii() and _ADDRESS.fullmatch(value)):
        raise ValueError(f"{value!r} is no email address: write one such as ops@agency.com, without a name")
    return value


EmailAddress = Annotated[str, BeforeValidator(lambda v: _address(v) if isinstance(v, str) else v)]


class LetterMapping(_Model):
    """The weekly letter: to whom it goes (nobody: there is none), and from when on Monday.

    `subject` and `text` are Jinja2 sources of plain text, `html` is one of a page that escapes what it is given.
    """

    to: tuple[EmailAddress, ...] = ()
    at: Annotated[time, BeforeValidator(_clock_time)]
    subject: InternalValue
    text: InternalValue
    html: InternalValue

    @field_validator("to")
    @classmethod
    def _each_once(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        seen = [one.casefold() for one in to]
        _report(
            ((str(n),), f"{one!r} stands here twice: remove one of them")
            for n, one in enumerate(to)
            if one.casefold() in seen[:n]
        )
        return to


class ProcessMapping(_Model):
    """Everything that differs from portal to portal. `closing_line` and `notes_line` are Jinja2 sources of HTML."""

    time_zone: Name
    portfolio: PortfolioMapping
    ticket: TicketMapping
    task: TaskMapping = Field(default_factory=TaskMapping)
    cadence: CadenceMapping
    rules: RulesMapping = Field(default_factory=RulesMapping)
    roles: Mapping[Role, RoleMapping]
    tasks: Mapping[TaskKind, TaskMappingEntry]
    emails: Mapping[EmailKind, EmailTexts]
    letter: LetterMapping
    closing_line: InternalValue
    notes_line: InternalValue

    @field_validator("time_zone")
    @classmethod
    def _time_zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError):  # the tz database's ways to say no: not found, a directory, '..'
            near = get_close_matches(name, available_timezones(), n=1, cutoff=0.5)
            hint = f"; did you mean `{near[0]}`?" if near else ", such as `America/New_York`"
            raise ValueError(f"{name!r} is no time zone: write the portal's, by its IANA name{hint}") from None
        return name

    @field_validator("roles")
    @classmethod
    def _every_role(cls, roles: Mapping[Role, RoleMapping]) -> Mapping[Role, RoleMapping]:
        _report(_missing(roles, Role))
        return roles

    @field_validator("tasks")
    @classmethod
    def _every_task(cls, tasks: Mapping[TaskKind, TaskMappingEntry]) -> Mapping[TaskKind, TaskMappingEntry]:
        _report(_missing(tasks, TaskKind))
        return tasks

    @field_validator("emails")
    @classmethod
    def _every_email(cls, emails: Mapping[EmailKind, EmailTexts]) -> Mapping[EmailKind, EmailTexts]:
        _report(_missing(emails, EmailKind))
        return emails

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which the process counts its days."""
        return ZoneInfo(self.time_zone)

    def party_label(self, party: Party) -> str:
        """What people call a party: a role's label, where the party is one role."""
        if party is Party.CREATIVE_TEAM:
            return "Creative Team"
        return "Client" if party is Party.CLIENT else self.roles[Role(party.value)].label

    def due(self, kind: TaskKind, today: date, latest: date | None = None) -> datetime:
        """The moment, in UTC, at which a task of this kind made `today` is due: on a day no later than `latest`.

        The time is a wall clock's in `zone`; one that a clock change skips falls an hour later, one that it repeats is
        the first of the two.
        """
        due = self.tasks[kind].due
        return datetime.combine(due.on(today, latest), due.time, tzinfo=self.zone).astimezone(UTC)
