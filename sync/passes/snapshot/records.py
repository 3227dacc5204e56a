"""A record of the CRM, through the mapping, as a portfolio or a ticket in the service's own words. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

from mappings.names import same_to_the_eye
from mappings.schema import ProcessMapping
from mappings.vocabulary import Role, Stage
from sync.crm import MERGED, Faulty, Kind, RawVersion, Record, moment_of
from sync.marks import mark_of_text
from sync.passes.portal import Portal
from sync.passes.snapshot.scope import scope
from sync.passes.snapshot.todays_words import portfolio_in_todays_words, ticket_in_todays_words
from sync.rules.histories import since
from sync.rules.identity import with_stages
from sync.rules.in_force import MappingHistory
from sync.rules.model import History, Portfolio, StageValue, Ticket, UnreadTicket, Version

T = TypeVar("T")
R = TypeVar("R", bound=Role)  # a mapping is invariant in its keys, and a ticket's has only two of the roles


class Translator:
    """Reads records through the mapping. `app_id` tells the service's own writes; None: any integration's count."""

    def __init__(self, mapping: ProcessMapping, app_id: str | None) -> None:
        self._mapping = mapping
        self._app_id = app_id

    # -- what has to be read of a record: its properties, and those with their history

    def portfolio_properties(self, portal: Portal, past: MappingHistory) -> tuple[list[str], list[str]]:
        """Name the properties that `portfolio` needs, and those of which it needs the history.

        Those of former conditions are among them as far as the portal still has them.
        """
        mapping = self._mapping.portfolio
        former = {c.property for one in past.mappings for c in one.condition} & portal.on_portfolios
        conditions = [*(condition.property for condition in mapping.condition), *sorted(former)]
        properties = [*mapping.properties.model_dump().values(), *mapping.owners.values(), *conditions]
        names = mapping.properties
        manager = mapping.owners[Role.ACCOUNT_MANAGER]
        history = [names.status, names.refresh_date, names.ad_lab_link, manager, *conditions]
        return list(dict.fromkeys(properties)), list(dict.fromkeys(history))

    def ticket_properties(self, portal: Portal) -> tuple[list[str], list[str]]:
        """Name the properties that `ticket` needs, and those of which it needs the history."""
        names = self._mapping.ticket.properties
        owners = [name for name in self._mapping.ticket.owners.values() if name not in portal.absent]
        properties = [*names.model_dump().values(), *owners]
        history = [names.pipeline, names.stage, names.needs_revisions, names.copy_approval, names.graphic_approval]
        return list(dict.fromkeys(properties)), history

    def told_apart_by(self, kind: Kind, portal: Portal, past: MappingHistory) -> list[str]:
        """Name the properties of a portfolio or a ticket by which two answers are told apart: all that anything goes by."""
        properties, history = (
            self.portfolio_properties(portal, past) if kind is Kind.PORTFOLIO else self.ticket_properties(portal)
        )
        return sorted({*properties, *history, MERGED})

    def is_out_of_play(self, ticket: Record, portal: Portal) -> bool:
        """Whether a ticket, as read, is closed or in another pipeline: no handoff asks for its stage."""
        names, values = self._mapping.ticket.properties, ticket.properties
        return values.get(names.pipeline) != portal.pipeline.id or portal.is_closed(values.get(names.stage, ""))

    # -- what it means

    def portfolio(self, record: Record, portal: Portal, past: MappingHistory, now: datetime) -> Portfolio:
        """Translate a portfolio. Raises `ValueError` where a value makes no sense; the text names record and property."""
        mapping = self._mapping.portfolio
        record = portfolio_in_todays_words(record, self._mapping, past)
        names, values = mapping.properties, record.properties
        link = values.get(names.ad_lab_link, "")
        where = f"portfolio {record.id}: {names.refresh_date}"
        inside, outside = scope(record, mapping.condition, past, now)
        return Portfolio(
            id=record.id,
            name=values.get(names.name, "") or f"portfolio {record.id}",
            url=portal.url(Kind.PORTFOLIO, record.id),
            status=mapping.status(values.get(names.status, "")),
            status_history=self._history(record, names.status, mapping.status),
            refresh_date=_date(values.get(names.refresh_date, ""), where),
            date_history=self._history(record, names.refresh_date, lambda raw: _date(raw, where)),
            cadence=values.get(names.cadence, ""),
            ad_lab_link=link,
            link_since=since(_by_people(record, names.ad_lab_link, link), lambda value: value == link, None),
            owners=_owners(mapping.owners, values),
            raw=values,
            inside=inside,
            outside=outside,
            absorbed=record.absorbed,
            manager_history=self._history(record, mapping.owners[Role.ACCOUNT_MANAGER], str),
        )

    def ticket(self, record: Record, portal: Portal, past: MappingHistory) -> Ticket:
        """Translate a ticket. Raises `ValueError` where it lacks the time of its creation; the text names it."""
        mapping = self._mapping.ticket
        record = ticket_in_todays_words(record, self._mapping, past, portal)
        names, values = mapping.properties, record.properties
        created = record.created_at
        if created is None:
            raise ValueError(f"ticket {record.id} was read without the time of its creation")
        stage_id = values.get(names.stage, "")
        here = values.get(names.pipeline, "") == portal.pipeline.id
        ticket = Ticket(
            id=record.id,
            subject=values.get(names.subject, ""),
            url=portal.url(Kind.TICKET, record.id),
            created_at=created,
            came_in=created if here else None,
            is_open=here and not portal.is_closed(stage_id),
            stage=portal.stage(stage_id) if here else Stage.OTHER,
            stage_since=created,
            folder=values.get(names.folder, ""),
            revision=mapping.revision(values.get(names.needs_revisions, "")),
            revision_history=self._history(record, names.needs_revisions, mapping.revision),
            owners=_owners(mapping.owners, values),
            raw=values,
            approved=self._approved(record),
            absorbed=record.absorbed,
        )
        stages = self._history(record, names.stage, lambda stage: StageValue(stage, portal.stage(stage)))
        pipelines = self._history(record, names.pipeline, lambda pipeline: pipeline == portal.pipeline.id)
        return with_stages(ticket, StageValue(stage_id, portal.stage(stage_id)), stages, pipelines)

    def _approved(self, record: Record) -> dict[Role, tuple[datetime, ...]]:
        """When each role's approval was set to Approved, newest first; set once more while it stood is set too."""
        names, approved = self._mapping.ticket.properties, self._mapping.ticket.approved
        properties = {Role.COPYWRITER: names.copy_approval, Role.GRAPHIC_DESIGNER: names.graphic_approval}
        return {
            role: tuple(
                version.at
                for version in record.history.get(name, ())
                if same_to_the_eye(version.value, approved) and not version.by_merge
            )
            for role, name in properties.items()
        }

    def unread_ticket(self, faulty: Faulty, portal: Portal, *, placed: bool) -> UnreadTicket:
        """Describe a ticket that came incomplete, by what came of it."""
        names = self._mapping.ticket.properties
        values: Mapping[str, str] = {} if faulty.shown is None else faulty.shown.properties
        doubtful = {gap.name for gap in faulty.gaps}
        pipeline, stage = (None if name in doubtful else values.get(name) for name in (names.pipeline, names.stage))
        elsewhere = pipeline is not None and pipeline != portal.pipeline.id
        return UnreadTicket(
            id=faulty.record.id,
            subject=values.get(names.subject, ""),
            url=portal.url(Kind.TICKET, faulty.record.id),
            folder=values.get(names.folder),
            may_count=not elsewhere and not (stage is not None and portal.is_closed(stage)),
            placed=placed,
            why=faulty.why,
        )

    def _history(self, record: Record, name: str, read: Callable[[str], T]) -> History[T]:
        return tuple(
            Version(read(version.value), version.at, self._is_own(version), version.by_merge)
            for version in record.history.get(name, ())
        )

    def _is_own(self, version: RawVersion) -> bool:
        return version.source_type == "INTEGRATION" and self._app_id in {None, version.source_id}


def _by_people(record: Record, name: str, value: str) -> list[RawVersion]:
    """The versions of a property, those left out that a merge wrote, and of a merged record those newer than `value`."""
    versions = [version for version in record.history.get(name, ()) if not version.by_merge]
    while record.absorbed and versions and versions[0].value != value:
        del versions[0]
    return versions


def mark_of_values(record: Record, names: Sequence[str]) -> str:
    """Name what a record shows of these properties: another value, or one more that is absent, another name."""
    return mark_of_text(repr([record.properties.get(name) for name in names]))


def _owners(properties: Mapping[R, str], values: Mapping[str, str]) -> dict[Role, str]:
    return {role: value for role, name in properties.items() if (value := values.get(name, ""))}


def _date(raw: str, where: str) -> date | None:
    """A HubSpot date: `YYYY-MM-DD`, or milliseconds at midnight UTC (docs/hubspot.md 4.2)."""
    if not raw:
        return None
    moment = moment_of(raw)
    if moment is None:
        raise ValueError(f"{where} is “{raw}”, which is no date: is the property of type date? (handoffs check)")
    return moment.astimezone(UTC).date()
