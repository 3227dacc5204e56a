"""Does the mapping fit the live portal, and can the service do its work there? Looks at everything, changes nothing.

Every finding says where its cause stands, in the mapping (file, line, key) or the settings, and how to mend it. An *error*
would make the service do wrong or stand still; a *warning* is worth a look. What the portal is compared with are the
places where the service relies on it: its rules, `snapshot.py`, `portal.py` and `effects.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from zoneinfo import ZoneInfo

from mappings.load import Places
from mappings.schema import PortfolioProperties, ProcessMapping, TicketProperties
from sync.admin.probe import Obstacle, target
from sync.clock import Clock
from sync.crm import CRM, Kind, Owner, Pipeline, PipelineStage, PropertyDefinition
from sync.errors import AuthenticationError, CRMRejectedError, CRMUnavailableError, EmailError, MappingMisfitError
from sync.passes.email import Mailer
from sync.passes.portal import called
from sync.settings import Settings

Path = tuple[str | int, ...]
"""A key of the mapping, part by part."""

Knock = Callable[[str, str, Clock], Obstacle | None]
"""`reach.obstacle`: what keeps webhooks from arriving at a public URL, by a client secret."""

NO_RECORD = "1"
"""An id for a read that is only to be permitted; whether the record exists does not matter."""

SHOWN = 8
"""So many names are listed before the rest is counted."""

_SEVERAL = "checkbox"
"""The field type of an enumeration that holds several values at once."""

_YES_OR_NO: tuple[tuple[str, ...], tuple[str, ...]] = (("true", "false"), ("Yes", "No"))
_ZONE_DAYS = 800


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Cause(StrEnum):
    """What kind of thing is wrong with an error; the command's exit code follows from it, the first one here first."""

    AUTHENTICATION = "authentication"
    UNREACHABLE = "unreachable"
    MISFIT = "misfit"
    FAILED = "failed"

    @property
    def exit_code(self) -> int:
        return {Cause.AUTHENTICATION: 4, Cause.MISFIT: 5}.get(self, 1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or may be. `where`: `file:line key` of the mapping, or the name of a setting."""

    severity: Severity
    where: str
    problem: str
    remedy: str
    cause: Cause = Cause.MISFIT
    packaged: bool = False  # it stands in the packaged default, which is not to be edited

    def as_json(self) -> dict[str, str]:
        return {
            "severity": self.severity.value,
            "where": self.where,
            "problem": self.problem,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Area:
    """One part of what was looked at, and what there is to say of it; None: it could not be looked at."""

    name: str
    note: str | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that was looked at, in the mapping's order."""

    areas: tuple[Area, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for area in self.areas for finding in area.findings)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def exit_code(self) -> int:
        causes = {finding.cause for finding in self.errors}
        return next((cause.exit_code for cause in Cause if cause in causes), 0)


def check(
    *,
    crm: CRM,
    mapping: ProcessMapping,
    places: Places,
    settings: Settings,
    mailer: Mailer | None,
    clock: Clock,
    knock: Knock,
) -> Report:
    """Look at everything. Raises only where nothing at all can be seen of the portal.

    That is an `AuthenticationError` for a refused token, and `CRMUnavailableError` where the first call gets no answer.
    """
    return _Check(crm, mapping, places, settings, mailer, clock, knock).report()


@dataclass(frozen=True, slots=True)
class _Named:
    """A property that the mapping names, and where; `definition` None: the portal does not have it."""

    key: Path
    definition: PropertyDefinition | None


class _SkippedError(Exception):
    """An area cannot be looked at, for a reason that is a finding already."""


class _Check:
    """One look: each method is an area, notes findings, and returns what there is to say where all is well."""

    def __init__(
        self,
        crm: CRM,
        mapping: ProcessMapping,
        places: Places,
        settings: Settings,
        mailer: Mailer | None,
        clock: Clock,
        knock: Knock,
    ) -> None:
        self._crm = crm
        self._mapping = mapping
        self._places = places
        self._settings = settings
        self._mailer = mailer
        self._clock = clock
        self._knock = knock
        self._found: list[Finding] = []
        self._refused: dict[
            str, list[str]
        ] = {}  # a missing scope ('' where HubSpot names none) → what it is needed for
        self._has_object = False

    def report(self) -> Report:
        areas: list[Area] = []
        looks: tuple[tuple[str, str, Callable[[], str]], ...] = (
            ("portal", "read the account's details", self._portal),
            ("object", "read the object's schema", self._object),
            ("portfolio", "read the portfolio's properties", self._portfolio),
            ("ticket", "read the ticket's properties", self._ticket),
            ("pipeline", "read the ticket pipelines", self._pipeline),
            ("task", "read the task's properties", self._task),
            ("associations", "read association types", self._associations),
            ("owners", "read owners", self._owners),
            ("scopes", "", self._scopes),  # after all that meets a missing one
            ("email", "", self._email),
            ("webhooks", "", self._webhooks),
        )
        for name, purpose, look in looks:
            note = self._looked(purpose, look, first=not areas)
            areas.append(Area(name, note, tuple(self._found)))
            self._found.clear()
        return Report(tuple(areas))

    def _looked(self, purpose: str, look: Callable[[], str], *, first: bool) -> str | None:
        try:
            return look()
        except AuthenticationError as error:
            self._not_permitted(purpose, error)
        except CRMUnavailableError as error:
            if first:
                raise
            self._setting("HUBSPOT_BASE_URL", str(error), "run the check again", cause=Cause.UNREACHABLE)
        except CRMRejectedError as error:
            self._setting("HUBSPOT_ACCESS_TOKEN", str(error), "ask HubSpot's support, with the correlation id")
        except _SkippedError:
            pass
        return None

    # -- the areas

    def _portal(self) -> str:
        account = self._crm.account()
        key: Path = ("time_zone",)
        mine = self._mapping.time_zone
        if not account.time_zone:
            self._warning(key, "HubSpot does not tell the portal's time zone", "compare it by hand (Account Defaults)")
        elif not _same_time(mine, account.time_zone, self._clock.now()):
            self._error(
                key,
                f"the portal's time zone is {account.time_zone}, not {mine}: the day would begin at another hour than "
                "people see",
                f"write {account.time_zone}, or change the portal's (Settings > Account Defaults)",
            )
        if self._settings.hubspot_app_id is None:
            self._setting(
                "HUBSPOT_APP_ID",
                "is not set: the service cannot tell its own changes from those of other integrations",
                "set it to the id of the HubSpot app",
                severity=Severity.WARNING,
            )
        return f"{account.portal_id}, {account.time_zone or 'time zone unknown'}"

    def _object(self) -> str:
        name = self._mapping.portfolio.object
        try:
            type_id = self._crm.type_id(Kind.PORTFOLIO)
        except MappingMisfitError as error:
            self._error(
                ("portfolio", "object"),
                str(error),
                "write the object's name, label or type id as HubSpot shows it (Settings > Objects)",
            )
            raise _SkippedError from None
        self._has_object = True
        return f"{name} is {type_id}"

    def _portfolio(self) -> str:
        if not self._has_object:
            raise _SkippedError
        mapping, names = self._mapping.portfolio, self._mapping.portfolio.properties
        known = self._crm.properties(Kind.PORTFOLIO)
        has = self._properties(Kind.PORTFOLIO, names, known)
        self._text(has[names.name])
        self._date(has[names.refresh_date])
        self._written(has[names.refresh_date])
        self._written(has[names.status])
        at: Path = ("portfolio", "statuses")
        if self._is_choice(has[names.status]):
            for status, value in mapping.statuses.items():
                self._option((*at, status.value), value, has[names.status])
            self._unnamed(at, has[names.status], mapping.statuses.values(), "while it is so, no rule fires")
        self._cadence(has[names.cadence])
        for role, name in mapping.owners.items():
            self._owner(self._property(Kind.PORTFOLIO, ("portfolio", "owners", role.value), name, known))
        for n, condition in enumerate(mapping.condition):
            at = ("portfolio", "condition", n)
            found = self._property(Kind.PORTFOLIO, (*at, "property"), condition.property, known)
            self._is_single(found)
            for m, value in enumerate(condition.values):
                self._option((*at, "in", m), value, found)
        count = len(has) + len(mapping.owners) + len(mapping.condition)
        return f"{count} properties, {len(mapping.statuses)} statuses"

    def _ticket(self) -> str:
        mapping, names = self._mapping.ticket, self._mapping.ticket.properties
        known = self._crm.properties(Kind.TICKET)
        has = self._properties(Kind.TICKET, names, known)
        self._text(has[names.subject])
        self._text(has[names.folder], or_choice=True)
        revisions = has[names.needs_revisions]
        self._written(revisions)
        at: Path = ("ticket", "revisions")
        if self._is_choice(revisions):
            for revision, value in mapping.revisions.items():
                self._option((*at, revision.value), value, revisions)
            self._unnamed(at, revisions, mapping.revisions.values(), "such a request is only reported")
        for approval in (has[names.copy_approval], has[names.graphic_approval]):
            self._written(approval)
            if self._is_choice(approval):
                self._option(("ticket", "approval_reset"), mapping.approval_reset, approval)
                # The service compares nothing with it: people set it, and the texts speak of it.
                self._option(("ticket", "approved"), mapping.approved, approval, severity=Severity.WARNING)
        for role, name in mapping.owners.items():
            at = ("ticket", "owners", role.value)
            if name in known:
                self._owner(_Named(at, known[name]))
            else:
                self._warning(
                    at,
                    f"tickets have no property “{name}”: the portfolio's {role.value} gets the work",
                    "if that is meant, write `owners: {}` under `ticket`; else create it in HubSpot, as a user property",
                )
        return f"{len(has)} properties, {len(mapping.revisions)} revisions"

    def _pipeline(self) -> str:
        name = self._mapping.ticket.pipeline
        pipelines = self._crm.pipelines()
        found = called(name, pipelines)
        if len(found) != 1:
            self._error(
                ("ticket", "pipeline"),
                f"{'several ticket pipelines are' if found else 'no ticket pipeline is'} called “{name}”",
                f"write the id or label of one: {_named(pipelines) or 'the portal has none'}",
            )
            raise _SkippedError
        pipeline = found[0]
        for key, stage in (
            ("in_progress", self._mapping.ticket.in_progress),
            ("pending_approval", self._mapping.ticket.pending_approval),
        ):
            stages = called(stage, pipeline.stages)
            if len(stages) != 1:
                self._error(
                    ("ticket", key),
                    f"{'several stages' if stages else 'no stage'} of “{pipeline.label}” "
                    f"{'are' if stages else 'is'} called “{stage}”",
                    f"write the id or label of one: {_named(pipeline.stages) or 'it has none'}",
                )
            elif stages[0].closed:
                self._error(
                    ("ticket", key),
                    f"the stage “{stages[0].label}” is closed, and a closed ticket takes part in nothing",
                    "set its ticket status to Open (Settings > Objects > Tickets > Pipelines), or write another stage",
                )
        return f"{pipeline.label} ({pipeline.id}), {len(pipeline.stages)} stages"

    def _task(self) -> str:
        name = self._mapping.task.key_property
        key: Path = ("task", "key_property")
        definition = self._crm.properties(Kind.TASK).get(name)
        if definition is None:
            self._error(key, f"tasks have no property “{name}” to carry their key", "run `handoffs setup --apply`")
        elif definition.type != "string":
            self._error(
                key,
                f"the task property “{name}” is of the type {definition.type}, and a key is text",
                "write a name that no property has yet, then run `handoffs setup --apply`",
            )
        return name

    def _associations(self) -> str:
        if not self._has_object:
            raise _SkippedError
        pairs = (
            (Kind.PORTFOLIO, Kind.TICKET),
            (Kind.TICKET, Kind.PORTFOLIO),
            (Kind.TASK, Kind.PORTFOLIO),
            (Kind.TASK, Kind.TICKET),
            (Kind.NOTE, Kind.PORTFOLIO),
            (Kind.NOTE, Kind.TICKET),
        )
        for source, target_ in pairs:
            try:
                self._crm.association_type(source, target_)
            except MappingMisfitError:
                self._error(
                    ("portfolio", "object"),
                    f"{source}s cannot be associated to {target_}s",
                    "allow it in HubSpot (Settings > Objects > the portfolio's object > Associations)",
                )
        return "portfolios, tickets, tasks and notes"

    def _owners(self) -> str:
        owners = self._crm.owners()
        for role, about in self._mapping.roles.items():
            if about.fallback_owner is None:
                continue
            named = about.fallback_owner
            found = _people(owners, named)
            key: Path = ("roles", role.value, "fallback_owner")
            near = get_close_matches(named.lower(), [owner.email.lower() for owner in owners.values()], n=1)
            if not found:
                self._error(
                    key,
                    f"the portal has no owner “{named}”",
                    f"write {near[0]}?" if near else "write the email or id of an owner (Settings > Users & Teams)",
                )
            elif all(owner.archived for owner in found):
                self._error(key, f"{found[0].name} ({named}) is deactivated", "write somebody who is active")
        active = sum(not owner.archived for owner in owners.values())
        return f"{active} active, {len(owners) - active} deactivated"

    def _scopes(self) -> str:
        tries: list[tuple[str, Callable[[], object]]] = [
            (f"{verb} {kind}s", act)
            for kind in (Kind.PORTFOLIO, Kind.TICKET, Kind.TASK, Kind.NOTE)
            if kind is not Kind.PORTFOLIO or self._has_object
            for verb, act in self._acts(kind)
        ]
        for purpose, act in tries:
            try:
                act()
            except AuthenticationError as error:
                self._not_permitted(purpose, error)
        for scope, purposes in self._refused.items():
            needed = ", ".join(dict.fromkeys(purposes))
            self._setting(
                "HUBSPOT_ACCESS_TOKEN",
                f"the app lacks the scope {scope}, needed to {needed}" if scope else f"the app may not {needed}",
                f"add {scope or 'the scope'} to `requiredScopes` of the app (`handoffs subscriptions` writes them all), "
                "upload it, and install it again",
                cause=Cause.AUTHENTICATION,
            )
        return "every kind of call is permitted"

    def _acts(self, kind: Kind) -> Iterable[tuple[str, Callable[[], object]]]:
        yield "read", lambda: self._crm.read(kind, [NO_RECORD], [])
        if kind is not Kind.NOTE:
            yield "change", lambda: self._crm.try_write(kind)

    def _email(self) -> str:
        """A server that does not answer is a warning only: emails wait for it, and all other work goes on."""
        if self._mailer is None:
            self._setting(
                "EMAIL_URL",
                "is not set: every email waits, shown as blocked",
                "set it: smtp://user:password@host:port, hubspot:EMAIL_ID, or console: to try things out",
                severity=Severity.WARNING,
            )
            return "not set"
        try:
            return self._mailer.check()
        except EmailError as error:
            if error.login_refused:
                self._setting("EMAIL_URL", str(error), "correct user and password, and check again", cause=Cause.FAILED)
            else:
                self._setting(
                    "EMAIL_URL",
                    f"{error}. Every email waits until it answers; all other work goes on",
                    "mend EMAIL_URL or the mail server, and check again",
                    severity=Severity.WARNING,
                )
            raise _SkippedError from None

    def _webhooks(self) -> str:
        """A warning only: the poll does the work of webhooks, and in a release step nothing may be running yet."""
        url, secrets = self._settings.public_url, self._settings.hubspot_client_secret
        if url is None and not secrets:
            self._setting(
                "PUBLIC_URL",
                f"is not set: no webhooks, changes are found by the poll every {self._settings.poll_seconds} s",
                "if that is not meant, set PUBLIC_URL and HUBSPOT_CLIENT_SECRET",
                severity=Severity.WARNING,
            )
            return "none"
        if url is None or not secrets:
            self._setting(
                "HUBSPOT_CLIENT_SECRET" if url else "PUBLIC_URL",
                f"is not set, but {'PUBLIC_URL' if url else 'HUBSPOT_CLIENT_SECRET'} is: the receiver does not start",
                "set both, or neither to live by the poll alone",
                cause=Cause.FAILED,
            )
            raise _SkippedError
        found = self._knock(url, secrets[0].get_secret_value(), self._clock)
        if found is not None:
            severity = Severity.ERROR if found.dangerous else Severity.WARNING
            self._setting("PUBLIC_URL", found.problem, found.remedy, severity=severity, cause=Cause.FAILED)
        return f"{target(url)} takes what HubSpot signs"

    # -- properties and values

    def _properties(
        self,
        kind: Kind,
        names: PortfolioProperties | TicketProperties,
        known: Mapping[str, PropertyDefinition],
    ) -> dict[str, _Named]:
        """Every property of a section, by its internal name."""
        return {
            name: self._property(kind, (kind.value, "properties", key), name, known)
            for key, name in names.model_dump().items()
        }

    def _property(self, kind: Kind, key: Path, name: str, known: Mapping[str, PropertyDefinition]) -> _Named:
        if name not in known:
            labelled = [one.name for one in known.values() if one.label.casefold() == name.casefold()]
            near = labelled or get_close_matches(name, known, n=1)
            if near:
                remedy = f"write {near[0]}" + (", its internal name" if labelled else "?")
            else:
                remedy = "create the property in HubSpot, or write the internal name of another"
            self._error(key, f"{kind}s have no property “{name}”", remedy)
        return _Named(key, known.get(name))

    def _text(self, named: _Named, *, or_choice: bool = False) -> None:
        key, definition = named.key, named.definition
        if definition is None or definition.type == "string" or (or_choice and definition.type == "enumeration"):
            return
        fits = "text or a choice" if or_choice else "text"
        self._error(key, f"“{definition.name}” is {_kind(definition)}, and {fits} is needed", "write another property")

    def _date(self, named: _Named) -> None:
        definition = named.definition
        if definition is not None and definition.type != "date":
            self._error(
                named.key,
                f"“{definition.name}” is {_kind(definition)}, and a date without a time is needed",
                "make a property of the field type “Date picker” in HubSpot, and write its internal name",
            )

    def _is_choice(self, named: _Named) -> bool:
        """Whether it holds one value at a time, so that its values can be looked at; else that is noted."""
        definition = named.definition
        if definition is None or not self._is_single(named):
            return False
        if definition.type in {"enumeration", "string", "bool"}:
            return True
        self._error(
            named.key,
            f"“{definition.name}” is {_kind(definition)}, and a choice is needed",
            "make a property of the field type “Dropdown select” in HubSpot, and write its internal name",
        )
        return False

    def _is_single(self, named: _Named) -> bool:
        """Whether it holds one value at a time; else that is noted."""
        definition = named.definition
        if definition is None or definition.type != "enumeration" or definition.field_type != _SEVERAL:
            return True
        self._error(
            named.key,
            f"“{definition.name}” is {_kind(definition)}, and only one value can hold at a time",
            "make it a dropdown select in HubSpot, or write another property",
        )
        return False

    def _owner(self, named: _Named) -> None:
        definition = named.definition
        if definition is None or definition.owner:
            return
        remedy = "make a property of the field type “HubSpot user” in HubSpot, and write its internal name"
        what = f"“{definition.name}” is {_kind(definition)}"
        if definition.type in {"string", "number", "enumeration"}:
            self._warning(named.key, f"{what}, not a user property: it must hold an owner's id or email", remedy)
        else:
            self._error(named.key, f"{what}, which can name nobody", remedy)

    def _written(self, named: _Named) -> None:
        if named.definition is not None and named.definition.read_only:
            self._error(
                named.key,
                f"“{named.definition.name}” is computed by HubSpot, and the service has to write it",
                "write another property",
            )

    def _cadence(self, named: _Named) -> None:
        """A number of days needs no values; of a choice, each side may have values that the other does not."""
        definition = named.definition
        if definition is None or definition.type in {"number", "string"} or not self._is_choice(named):
            return
        cadence, key = self._mapping.cadence, ("cadence", "values")
        unknown = [option for option in definition.options if cadence.interval(option) is None]
        if unknown:
            self._warning(
                key,
                f"“{definition.name}” can also be {_listed(unknown)}: how long is that? A portfolio with it is blocked "
                "when its next date is to be set",
                "write a line for each",
            )
        never = [value for value in cadence.values if value not in definition.options]
        if never:
            self._warning(
                key,
                f"nobody can choose {_listed(never)}: “{definition.name}” has no such option",
                f"compare with its options: {_listed(definition.options)}",
            )

    def _option(self, key: Path, value: str, named: _Named, *, severity: Severity = Severity.ERROR) -> None:
        """Whether a value of the mapping is one that the property can have; '' always is."""
        definition = named.definition
        if definition is None or not value:
            return
        if definition.type == "bool":
            options, labels = _YES_OR_NO
        elif definition.type == "enumeration" and not definition.owner:
            options, labels = definition.options, definition.labels
        else:
            return
        if value in options:
            return
        meant = [option for option, label in zip(options, labels, strict=False) if label.casefold() == value.casefold()]
        near = meant or get_close_matches(value, options, n=1)
        if meant:
            remedy = f"write `{meant[0]}`, the internal value of what people see as “{value}”"
        elif near:
            remedy = f"write `{near[0]}`?"
        else:
            remedy = f"add the option in HubSpot, or write one of {_listed(options)}"
        self._note(severity, key, f"“{definition.name}” has no option with the internal value “{value}”", remedy)

    def _unnamed(self, key: Path, named: _Named, values: Iterable[str], then: str) -> None:
        """Options of the portal that the mapping does not name."""
        if named.definition is None:
            return
        mapped = set(values)
        others = [option for option in named.definition.options if option not in mapped]
        if others:
            self._warning(
                key,
                f"“{named.definition.name}” can also be {_listed(others)}, which the mapping does not name: {then}",
                "nothing, if that is meant; else correct the internal values",
            )

    # -- findings

    def _error(self, key: Path, problem: str, remedy: str) -> None:
        self._note(Severity.ERROR, key, problem, remedy)

    def _warning(self, key: Path, problem: str, remedy: str) -> None:
        self._note(Severity.WARNING, key, problem, remedy)

    def _note(self, severity: Severity, key: Path, problem: str, remedy: str) -> None:
        place = self._places.of(*key)
        finding = Finding(severity, str(place), problem, remedy, packaged=place.packaged)
        if finding not in self._found:
            self._found.append(finding)

    def _setting(
        self,
        name: str,
        problem: str,
        remedy: str,
        *,
        severity: Severity = Severity.ERROR,
        cause: Cause = Cause.MISFIT,
    ) -> None:
        self._found.append(Finding(severity, name, problem, remedy, cause))

    def _not_permitted(self, purpose: str, error: AuthenticationError) -> None:
        """Keeps a missing scope for `_scopes`; a token that is refused altogether ends the check."""
        if error.status != 403:
            raise error
        for scope in error.scopes or ("",):
            self._refused.setdefault(scope, []).append(purpose)


def _same_time(one: str, other: str, now: datetime) -> bool:
    """Whether two zones show the same time, by whatever names: today and for the next two years."""
    if one == other:
        return True
    try:
        first, second = ZoneInfo(one), ZoneInfo(other)
    except (OSError, ValueError, KeyError):
        return False
    start = now.astimezone(UTC)
    days = (start + timedelta(days=n) for n in range(_ZONE_DAYS))
    return all(day.astimezone(first).utcoffset() == day.astimezone(second).utcoffset() for day in days)


def _people(owners: Mapping[str, Owner], named: str) -> list[Owner]:
    """Who is meant by an owner's id or email, as `portal.py` understands it."""
    return [owner for owner in owners.values() if owner.id == named or owner.email.lower() == named.lower()]


def _kind(definition: PropertyDefinition) -> str:
    """`of the type enumeration (checkbox)`: as HubSpot's API calls it."""
    return f"of the type {definition.type}" + (f" ({definition.field_type})" if definition.field_type else "")


def _listed(values: Sequence[str]) -> str:
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(f"“{value}”" for value in values[:SHOWN]) + more


def _named(candidates: Iterable[Pipeline | PipelineStage]) -> str:
    return ", ".join(sorted(f"“{one.label}” ({one.id})" for one in candidates))
