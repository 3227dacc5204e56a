"""What the service knows of the portal itself: people, stages, time zone, links. Cached, and refreshed now and then."""

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from mappings.names import same_to_the_eye
from mappings.schema import ProcessMapping
from mappings.vocabulary import Stage
from mappings.words import words_of
from sync.clock import Clock
from sync.crm import Account, CRMReader, Kind, Owner, Pipeline, PipelineStage, PropertyDefinition, RecordRef
from sync.errors import (
    AuthenticationError,
    CRMError,
    CRMRejectedError,
    CRMUnavailableError,
    MappingMisfitError,
    PeopleNotReadError,
)
from sync.passes.fit import missing_properties, missing_values
from sync.passes.task_keys import TaskKeys, task_keys
from sync.passes.words import labels_of, words_in
from sync.rules.context import Choices
from sync.rules.unlisted import Unlisted

OWNERS_FOR = timedelta(minutes=10)

SOUGHT_FOR = timedelta(seconds=15)
"""How long somebody who was not found among the active owners is not looked for again."""

STAGES_FOR = timedelta(hours=1)

DOUBTED_AFTER = timedelta(minutes=1)
"""How old the definitions must be to be read anew because a record came without a property."""

KEPT_FOR = timedelta(days=1)
"""How old a part of this view may become while the CRM does not answer for it: one endpoint must not keep all else from its
work. What an old view may miss shows elsewhere: a property that is gone in each record, a stage in the refusal of its write, and
for whoever has left what was given to them is looked at once that is known (docs/process.md P.9)."""

NOT_ASKED_FOR = timedelta(minutes=1)
"""How long what the CRM did not answer is not asked again: each try takes a call's patience."""

Labelled = TypeVar("Labelled", Pipeline, PipelineStage)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Portal:
    """One view of the portal."""

    account: Account
    type_ids: Mapping[Kind, str]
    pipeline: Pipeline
    pipeline_property: str  # the ticket's property that names its pipeline
    in_progress: str
    pending_approval: str
    owners: Mapping[str, Owner]
    people: Mapping[str, str]  # id or lower-cased email of every active owner → id
    task_keys: TaskKeys
    absent: frozenset[str] = field(default_factory=frozenset)  # properties of the ticket that the portal does not have
    on_portfolios: frozenset[str] = field(default_factory=frozenset)  # every property that a portfolio has
    choices: Choices = field(default_factory=dict)  # what the properties that the service writes may be set to
    status_labels: Mapping[str, str] = field(default_factory=dict)  # what people see for each value of the status
    words: Mapping[str, str] = field(default_factory=dict)  # what people call things, by the keys of `mappings.words`
    options: Choices = field(default_factory=dict)  # see `Context.options`

    def stage(self, stage_id: str) -> Stage:
        """Which of the stages that the process knows this is."""
        if stage_id == self.in_progress:
            return Stage.IN_PROGRESS
        if stage_id == self.pending_approval:
            return Stage.PENDING_APPROVAL
        return Stage.OTHER

    def employs(self, one: str) -> bool:
        """Whether this, an owner's id or email, is somebody whom work may be given to."""
        return one in self.people or one.lower() in self.people

    @property
    def acquainted(self) -> set[str]:
        """The ids of all owners, deactivated ones too, and of their users."""
        return {*self.owners, *(owner.user_id for owner in self.owners.values())}

    def is_closed(self, stage_id: str) -> bool:
        """Whether a ticket in this stage is closed; one that the pipeline does not have is not."""
        return any(stage.closed for stage in self.pipeline.stages if stage.id == stage_id)

    def note_url(self, on: RecordRef, note: str) -> str:
        """Where a person opens a Note: the page of the record that it is on, with this one unfolded."""
        return f"{self.url(on.kind, on.id)}?engagement={note}"

    def url(self, kind: Kind, record: str) -> str:
        """Where a person opens the record."""
        return (
            f"https://{self.account.ui_domain}/contacts/{self.account.portal_id}/record/{self.type_ids[kind]}/{record}"
        )


class PortalCache:
    """Gives the current `Portal`, reading only what has aged.

    `app_id` is HUBSPOT_APP_ID, where it is set. `require_own` is called with the account before anything else is read of it,
    and raises where it is the wrong one.
    """

    def __init__(
        self,
        crm: CRMReader,
        mapping: ProcessMapping,
        clock: Clock,
        require_own: Callable[[Account], None],
        app_id: str | None = None,
    ) -> None:
        self._crm = crm
        self._app_id = app_id
        self._require_own = require_own
        self._mapping = mapping
        self._clock = clock
        self._account: Account | None = None
        self._type_ids: dict[Kind, str] = {}
        self._pipelines: tuple[Pipeline, ...] = ()
        self._owners: dict[str, Owner] = {}
        self._on_tasks: frozenset[str] = frozenset()
        self._absent: frozenset[str] = frozenset()
        self._on_portfolios: frozenset[str] = frozenset()
        self._choices: Choices = {}
        self._options: Choices = {}
        self._status_labels: dict[str, str] = {}
        self._words: dict[str, str] = {}
        self._stages_at: datetime | None = None
        self._owners_at: datetime | None = None
        self._sought: dict[str, datetime] = {}
        self._doubted = False  # whether the definitions are to be read anew, however old they are
        self._unlisted: set[tuple[Kind, str, str]] = set()  # for which they were read anew, and are no options still
        # What was not answered, and when it was asked.
        self._unread: dict[str, tuple[CRMUnavailableError, datetime]] = {}
        self._portal: Portal | None = None  # None: something was read since it was put together

    def get(self) -> Portal:
        """Give the portal, read anew as far as it has aged; as it was where the CRM does not answer, for `KEPT_FOR` at most.

        Raises `MappingMisfitError` where the mapping names what the portal has not, what `require_own` raises, and the
        port's errors.
        """
        now = self._clock.now()
        account = self.account()
        if not self._type_ids:
            self._type_ids = {kind: self._crm.type_id(kind) for kind in Kind}
        if self._doubted or not _is_within(STAGES_FOR, self._stages_at, now):
            self._renew(self._read_definitions, self._stages_at, now)
        if not _is_within(OWNERS_FOR, self._owners_at, now):
            self._renew(self._read_owners, self._owners_at, now)
        if self._portal is None:
            self._portal = self._put_together(account)
        return self._portal

    def require_fresh(self) -> None:
        """Raise the error for which a part of this view is older than it should be, if any is: passes go by it meanwhile."""
        for error, _ in self._unread.values():
            raise error

    def _renew(self, read: Callable[[datetime], None], read_at: datetime | None, now: datetime) -> None:
        """Read a part anew; keep what was read at `read_at` (None: nothing that may be gone by) where there is no answer."""
        name = read.__name__
        usable = _is_within(KEPT_FOR, read_at, now)
        if usable and name in self._unread and _is_within(NOT_ASKED_FOR, self._unread[name][1], now):
            return
        try:
            read(now)
        except CRMUnavailableError as error:
            if not usable:
                raise
            self._unread[name] = (error, self._clock.now())
            log.warning("portal.not_read", error=str(error), goes_by=str(read_at))
        except (CRMError, MappingMisfitError):
            self.forget()  # whatever is wrong with it, what was read before is not to be gone by
            raise
        else:
            self._unread.pop(name, None)

    def _read_definitions(self, now: datetime) -> None:
        pipelines = self._crm.pipelines()
        known = {kind: read_definitions(self._crm, self._mapping, kind) for kind in (Kind.PORTFOLIO, Kind.TICKET)}
        known[Kind.TASK] = self._crm.properties(Kind.TASK)
        # HubSpot reads a property that it does not have as nothing at all: an empty status would fire.
        if missing := missing_properties(self._mapping, known, self._archived):
            raise MappingMisfitError("\n".join(missing))
        if impossible := missing_values(self._mapping, known):
            raise MappingMisfitError("\n".join(impossible))
        words = words_in(self._mapping, known, self._crm.label(Kind.PORTFOLIO))
        self._pipelines = pipelines
        self._on_tasks = frozenset(known[Kind.TASK])
        self._on_portfolios = frozenset(known[Kind.PORTFOLIO])
        self._absent = frozenset(self._mapping.ticket.owners.values()) - known[Kind.TICKET].keys()
        self._choices = _choices(self._mapping, known)
        self._options = _options(self._mapping, known)
        status = known[Kind.PORTFOLIO][self._mapping.portfolio.properties.status]
        self._status_labels = dict(zip(status.options, status.labels, strict=False))
        self._words = words
        self._stages_at = now
        self._doubted = False
        self._portal = None

    def with_people(self, portal: Portal, work_for: Iterable[str] = (), authors: Iterable[str] = ()) -> Portal:
        """Give this view of the portal with its people read anew, where one who is named is not known.

        `work_for` (owners' ids or emails) are those whom work is to be given to: they must be known as active. `authors`
        (ids of owners or of users) may have left since. Who was not found a few seconds ago is not looked for again.
        Raises `PeopleNotReadError` where there is no answer, and the port's other errors: then nothing may be decided for
        those who name them.
        """
        now = self._clock.now()
        strange = {one for one in work_for if not portal.employs(one)} | set(authors) - portal.acquainted
        lately = {one: at for one, at in self._sought.items() if timedelta(0) <= now - at < SOUGHT_FOR}
        if strange - lately.keys():
            self._seek(now)
            self._sought = {**lately, **dict.fromkeys(strange, now)}
        if portal.owners is self._owners:
            return portal
        return replace(portal, owners=self._owners, people=_people(self._owners))

    def _seek(self, now: datetime) -> None:
        """Read the people. What was not answered lately is not asked again: each who names a stranger would wait for it."""
        name = self._read_owners.__name__
        error, at = self._unread.get(name, (None, None))
        if error is None or not _is_within(NOT_ASKED_FOR, at, now):
            try:
                self._read_owners(now, anew=True)
            except CRMUnavailableError as failed:
                error = failed
                self._unread[name] = (failed, self._clock.now())
            else:
                self._unread.pop(name, None)
                return
        raise PeopleNotReadError(
            f"somebody who is named is not known yet, and people cannot be read: {error}"
        ) from error

    def _read_owners(self, now: datetime, *, anew: bool = False) -> None:
        """Read who works here. Who has left is read again if somebody has, or `anew`."""
        self._owners = self._crm.owners(None if anew or self._owners_at is None else self._owners)
        self._owners_at = now
        self._portal = None

    def account(self) -> Account:
        """Give the account alone, read once. Raises what `require_own` raises, and the port's errors."""
        if self._account is None:
            account = self._crm.account()
            self._require_own(account)
            self._account = account
        return self._account

    def _put_together(self, account: Account) -> Portal:
        pipeline = find_pipeline(self._mapping.ticket.pipeline, self._pipelines)
        in_progress = find_stage(self._mapping.ticket.in_progress, pipeline, "ticket.in_progress")
        pending_approval = find_stage(self._mapping.ticket.pending_approval, pipeline, "ticket.pending_approval")
        return Portal(
            account=account,
            type_ids=self._type_ids,
            pipeline=pipeline,
            pipeline_property=self._mapping.ticket.properties.pipeline,
            in_progress=in_progress.id,
            pending_approval=pending_approval.id,
            owners=self._owners,
            people=_people(self._owners),
            task_keys=task_keys(self._mapping, self._on_tasks, self._app_id),
            absent=self._absent,
            on_portfolios=self._on_portfolios,
            choices=self._choices,
            status_labels=self._status_labels,
            words={
                **words_of(self._mapping),
                **self._words,
                **labels_of({"in_progress": in_progress, "pending_approval": pending_approval}),
            },
            options={
                **self._options,
                (Kind.TICKET, self._mapping.ticket.properties.stage): tuple(stage.id for stage in pipeline.stages),
            },
        )

    def doubt(self) -> Portal:
        """Give the portal with its definitions read anew, for a record that came without a property of the mapping.

        Not more than once a minute: a property that is only hidden stays defined. Raises as `get`; then somebody has
        archived it.
        """
        if self._stages_at is not None and not _is_within(DOUBTED_AFTER, self._stages_at, self._clock.now()):
            self._doubted = True
        return self.get()

    def with_options(self, portal: Portal, unlisted: Collection[Unlisted]) -> Portal:
        """Give the portal with its definitions read anew, where a record has a value that is no option of them.

        Somebody may have added it since. Once for each value: one that is no option all the same is told. Raises as `get`.
        """
        if not unlisted:
            return portal
        new = {one.choice for one in unlisted} - self._unlisted
        self._doubted |= bool(new)
        # Also where they are read already: a pass begins each of its rounds by the view that it has got.
        fresh = self.get()
        if not self._doubted:
            self._unlisted |= new
        return portal if fresh.options == portal.options else fresh

    def _archived(self, kind: Kind) -> Container[str]:
        try:
            return self._crm.archived_properties(kind)
        except CRMRejectedError:  # it only makes the sentence better
            return ()

    def forget(self) -> None:
        """Read everything anew next time: something in the portal or the settings may have been mended."""
        self._stages_at = self._owners_at = None
        self._unread.clear()


def _is_within(age: timedelta, at: datetime | None, now: datetime) -> bool:
    """Whether something was at most so long ago; None: it never was. A clock that was put back tells nothing."""
    return at is not None and timedelta(0) <= now - at < age


def _people(owners: Mapping[str, Owner]) -> dict[str, str]:
    active = [owner for owner in owners.values() if not owner.archived]
    return {owner.email.lower(): owner.id for owner in active if owner.email} | {owner.id: owner.id for owner in active}


def _choices(mapping: ProcessMapping, known: Mapping[Kind, Mapping[str, PropertyDefinition]]) -> Choices:
    """The internal values of each property that the service writes a value of the mapping to, as the portal spells them."""
    ticket = mapping.ticket.properties
    written = {
        Kind.PORTFOLIO: (mapping.portfolio.properties.status,),
        Kind.TICKET: (ticket.copy_approval, ticket.graphic_approval),
    }
    return {(kind, name): known[kind][name].values for kind, names in written.items() for name in names}


def _options(mapping: ProcessMapping, known: Mapping[Kind, Mapping[str, PropertyDefinition]]) -> Choices:
    """The internal values of each property that rules go by, where the portal lists all that it can have."""
    ticket = mapping.ticket.properties
    judged_by = {
        Kind.PORTFOLIO: (mapping.portfolio.properties.status,),
        Kind.TICKET: (ticket.needs_revisions, ticket.copy_approval, ticket.graphic_approval),
    }
    return {
        (kind, name): known[kind][name].values
        for kind, names in judged_by.items()
        for name in names
        if known[kind][name].is_closed
    }


def read_definitions(crm: CRMReader, mapping: ProcessMapping, kind: Kind) -> dict[str, PropertyDefinition]:
    """Read the definitions of an object's properties by name, with the sensitive ones where the mapping needs one of them.

    What the app may not see is left out. Raises the port's errors otherwise.
    """
    known = crm.properties(kind)
    if not missing_properties(mapping, {kind: known}):
        return known
    try:
        return {**crm.sensitive_properties(kind), **known}
    except CRMRejectedError:
        return known
    except AuthenticationError as error:
        if error.status != 403:
            raise
        return known


def find_by_name(name: str, candidates: Iterable[Labelled]) -> list[Labelled]:
    """Find the one with this id, else all that are labelled just so, else all whose label looks the same to a person."""
    candidates = list(candidates)
    return (
        [one for one in candidates if one.id == name]
        or [one for one in candidates if one.label == name]
        or [one for one in candidates if same_to_the_eye(one.label, name)]
    )


def find_pipeline(name: str, pipelines: tuple[Pipeline, ...]) -> Pipeline:
    """Find the pipeline with this id or label. Raises `MappingMisfitError` where there is none, or several."""
    named = find_by_name(name, pipelines)
    if len(named) == 1:
        return named[0]
    known = ", ".join(f"“{pipeline.label}” ({pipeline.id})" for pipeline in pipelines) or "none"
    problem = "several ticket pipelines are called" if named else "the portal has no ticket pipeline"
    raise MappingMisfitError(f"ticket.pipeline: {problem} “{name}”. It has: {known}. Change the mapping (MAPPING).")


def find_stage(name: str, pipeline: Pipeline, key: str) -> PipelineStage:
    """Find the stage with this id or label; `key` is the mapping's. Raises `MappingMisfitError` as `find_pipeline`."""
    named = find_by_name(name, pipeline.stages)
    if len(named) == 1:
        return named[0]
    known = ", ".join(f"“{stage.label}” ({stage.id})" for stage in pipeline.stages) or "none"
    problem = "has several stages called" if named else "has no stage"
    raise MappingMisfitError(
        f"{key}: the pipeline “{pipeline.label}” {problem} “{name}”. It has: {known}. Change the mapping (MAPPING)."
    )
