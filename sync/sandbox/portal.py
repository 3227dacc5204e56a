"""The state of a simulated portal, and every change that can be made to it.

Nothing here knows HTTP. Each change is made by an `Actor` at the clock's now, is validated as HubSpot does, and is
told to the listeners (webhook delivery). docs/hubspot.md 4 is the source of the behaviour; what is
uncertain is a switch in `Quirks`.
"""

import heapq
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from sync.clock import from_ms, to_ms
from sync.sandbox.clock import VirtualClock
from sync.sandbox.index import SearchIndex
from sync.sandbox.quirks import Quirks
from sync.sandbox.records import Record
from sync.sandbox.schema import (
    CREATED_BY,
    ENFORCED,
    NOTE,
    TASK,
    Account,
    Actor,
    AssociationType,
    Category,
    ObjectType,
    Owner,
    Pipeline,
    Property,
    Stage,
    ValidationRule,
    WritePermissions,
)
from sync.sandbox.values import InvalidValueError, Problem, iso, normalise

RESTORABLE = timedelta(days=90)
ASSIGNMENT = "task-assigned"
"""The `email_id` of the mails that HubSpot itself sends about tasks, where a quirk has it do so."""
FIRST_ID = 9_990
"""Every type counts from here: ids of different types collide, and soon differ in length, as they may in HubSpot."""
FIRST_DEFINITION = 7_700_001
"""Object types, association types, pipelines and stages that are made over the API count from here, all together."""

Event = Literal["creation", "deletion", "restore", "merge", "propertyChange", "associationChange"]


class PortalError(Exception):
    """A request that the portal refuses; `api` turns it into HubSpot's answer."""


class UnknownTypeError(PortalError):
    """No object type of that name or id."""


class NotFoundError(PortalError):
    """The record does not exist, or is archived."""


class RefusedWriteError(PortalError):
    """Values that were not valid: `problems` names each property."""

    def __init__(self, problems: Sequence[Problem], *, missing: Sequence[str] = ()) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)
        self.missing = tuple(missing)


class ConflictError(PortalError):
    """Something of that name exists already."""


@dataclass(frozen=True, slots=True)
class LinkChange:
    """The other end of an association change, and what was added or taken away."""

    to_type: str
    to_id: int
    association: AssociationType
    removed: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One change, as webhooks will tell it."""

    event: Event
    type: ObjectType
    id: int
    at: int
    actor: Actor
    property: str = ""
    value: str = ""
    link: LinkChange | None = None
    merged: tuple[int, ...] = ()
    new_id: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An association to make: the record at the far end and the type ids, seen from the near end."""

    to_type: str
    to_id: int
    type_ids: tuple[int, ...]


@dataclass(slots=True)
class App:
    """The project app that calls the API: its credentials can be rotated while everything runs."""

    token: str = "pat-sandbox-0000-4000-8000-creativerefresh"  # noqa: S105  # the sandbox's own
    client_secret: str = "sandbox-client-secret"  # noqa: S105
    scopes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class SentEmail:
    """A transactional single-send that was taken: once for each `send_id` (docs/hubspot.md 8.9).

    `end` is what becomes of it, which is told from `told_at` on (ms); any but SENT is never delivered.
    """

    email_id: str
    send_id: str
    to: str
    at: int
    message: Mapping[str, object]
    properties: Mapping[str, object]
    end: str = "SENT"
    told_at: int = 0

    @property
    def is_sent(self) -> bool:
        return self.end == "SENT"


class Portal:
    """One HubSpot account. Hold `lock` around several calls that belong together; single calls take it themselves."""

    def __init__(self, clock: VirtualClock, *, account: Account | None = None, quirks: Quirks | None = None) -> None:
        self.clock = clock
        self.account = account or Account()
        self.quirks = quirks or Quirks()
        self.app = App()
        self.lock = threading.RLock()
        self.types: dict[str, ObjectType] = {}
        self.pipelines: dict[str, dict[str, Pipeline]] = {}
        self.owners: dict[str, Owner] = {}
        self.rules: list[ValidationRule] = []
        self.emails: list[SentEmail] = []
        self.single_send = True
        self.listeners: list[Callable[[Change], None]] = []
        self.index = SearchIndex(self.quirks.search_lag_seconds)
        self._records: dict[str, dict[int, Record]] = {}
        self._aliases: dict[tuple[str, int], int] = {}
        self._links: dict[tuple[str, int], dict[str, dict[int, set[int]]]] = {}
        self._association_types: dict[tuple[str, str], list[AssociationType]] = {}
        self._association_by_id: dict[tuple[str, int], AssociationType] = {}
        self._names: dict[str, ObjectType] = {}
        self._unique: dict[tuple[str, str, str], int] = {}
        self._next_id: dict[str, int] = {}
        self._definitions = FIRST_DEFINITION
        self._late: list[tuple[int, int, Callable[[], None]]] = []
        self._late_count = 0
        self._at: int | None = None

    # --- time

    def now_ms(self) -> int:
        return to_ms(self.clock.now()) if self._at is None else self._at

    def schedule(self, after_seconds: float, action: Callable[[], None]) -> None:
        """Do this once so many virtual seconds have passed, with that moment as its time (a write that lands late)."""
        with self.lock:
            self._late_count += 1
            due = self.now_ms() + round(after_seconds * 1000)
            heapq.heappush(self._late, (due, self._late_count, action))

    def settle(self) -> None:
        """Do what was scheduled and is due by now; every entry to the portal calls this first."""
        if not self._late or self._at is not None:
            return
        with self.lock:
            now = self.now_ms()
            while self._late and self._late[0][0] <= now:
                due, _, action = heapq.heappop(self._late)
                self._at = due
                try:
                    action()
                finally:
                    self._at = None

    @property
    def settling(self) -> bool:
        """Whether what happens now was scheduled before."""
        return self._at is not None

    def next_due(self) -> datetime | None:
        """When the next scheduled write lands; None: nothing is scheduled."""
        return from_ms(self._late[0][0]) if self._late else None

    # --- what the portal is made of

    def define_type(self, object_type: ObjectType) -> ObjectType:
        if object_type.custom and not object_type.fully_qualified_name:
            object_type.fully_qualified_name = f"p{self.account.portal_id}_{object_type.name}"
        self.types[object_type.id] = object_type
        self._records[object_type.id] = {}
        self._next_id[object_type.id] = FIRST_ID
        for name in (object_type.id, object_type.name, object_type.plural, object_type.fully_qualified_name):
            if name:
                self._names[name.lower()] = object_type
        return object_type

    def type(self, name: str) -> ObjectType:
        """By type id, name (singular or plural), or fully qualified name; case is ignored."""
        found = self._names.get(name.lower())
        if found is None:
            raise UnknownTypeError(name)
        return found

    def define_property(self, type_id: str, definition: Property) -> None:
        """Add a property. Raises `ConflictError` where the name is taken."""
        with self.lock:
            known = self.types[type_id].properties
            if definition.name in known:
                raise ConflictError(definition.name)
            known[definition.name] = definition
            self.types[type_id].groups.add(definition.group)
            for record in self._records[type_id].values():
                record.changed()

    def archive_property(self, type_id: str, name: str, *, archived: bool = True) -> None:
        """Archive a property, or restore it; values and history stay. Raises `NotFoundError`."""
        with self.lock:
            object_type = self.types[type_id]
            source, target = object_type.properties, object_type.archived_properties
            if not archived:
                source, target = target, source
            if name not in source:
                raise NotFoundError(f"property {name}")
            target[name] = source.pop(name)
            for record in self._records[type_id].values():
                record.changed()

    def new_definition(self) -> int:
        """The id of the next object type, association type, pipeline or stage."""
        with self.lock:
            self._definitions += 1
            return self._definitions - 1

    def define_pipeline(self, type_id: str, pipeline: Pipeline) -> None:
        self.pipelines.setdefault(type_id, {})[pipeline.id] = pipeline

    def restrict_stage(self, type_id: str, stage_id: str, permissions: WritePermissions) -> None:
        """Say who may move records into a stage. Raises `NotFoundError`."""
        found = stage_of(self.pipelines.get(type_id, {}), stage_id)
        if found is None:
            raise NotFoundError(f"stage {stage_id}")
        pipeline, stage = found
        changed = replace(stage, write_permissions=permissions)
        stages = tuple(changed if one is stage else one for one in pipeline.stages)
        self.define_pipeline(type_id, replace(pipeline, stages=stages))

    def define_owner(self, owner: Owner) -> None:
        """Add an owner, or replace the one with that id."""
        self.owners[owner.id] = owner

    def define_association(
        self,
        from_type: str,
        to_type: str,
        ids: tuple[int, int],
        *,
        label: str | None = None,
        category: Category = "HUBSPOT_DEFINED",
        primary: bool = False,
    ) -> None:
        """Add a pair of association types; of a `primary` one, each `from_type` record has at most one."""
        forward = AssociationType(from_type, to_type, category, ids[0], label, ids[1], primary)
        back = AssociationType(to_type, from_type, category, ids[1], label, ids[0])
        for one in (forward, back):
            self._association_types.setdefault((one.from_type, one.to_type), []).append(one)
            self._association_by_id[one.from_type, one.id] = one

    def association_types(self, from_type: str, to_type: str) -> Sequence[AssociationType]:
        return self._association_types.get((from_type, to_type), ())

    def association_type(self, from_type: str, type_id: int) -> AssociationType | None:
        return self._association_by_id.get((from_type, type_id))

    def default_association(self, from_type: str, to_type: str) -> AssociationType:
        """The one without a label. Raises `NotFoundError` where the two types cannot be associated."""
        for one in self.association_types(from_type, to_type):
            if one.label is None:
                return one
        raise NotFoundError(f"no association from {from_type} to {to_type}")

    # --- reading

    def find(self, type_id: str, record_id: int, *, archived: bool = False) -> Record | None:
        """The record, or the survivor of a merge; None where there is none (or it is archived, or not, as asked)."""
        records = self._records[type_id]
        key = (type_id, record_id)
        while key in self._aliases:
            key = (type_id, self._aliases[key])
        record = records.get(key[1])
        if record is None or (record.archived_at is not None) is not archived:
            return None
        return record

    def get(self, type_id: str, record_id: int, *, archived: bool = False) -> Record:
        record = self.find(type_id, record_id, archived=archived)
        if record is None:
            raise NotFoundError(f"{self.types[type_id].name} {record_id}")
        return record

    def records(self, type_id: str, *, archived: bool = False) -> Iterator[Record]:
        """By rising id."""
        return (r for r in self._records[type_id].values() if (r.archived_at is not None) is archived)

    def indexed(self, type_id: str) -> Iterator[tuple[Record, dict[str, str], int]]:
        """What a search of this type looks through: records with the values and modification time it knows."""
        self.index.catch_up(self.now_ms())
        return self.index.visible(self._records[type_id].values())

    def by_unique(self, type_id: str, name: str, value: str) -> Record | None:
        record_id = self._unique.get((type_id, name, value))
        return None if record_id is None else self.find(type_id, record_id)

    def linked(self, record: Record, to_type: str) -> dict[int, set[int]]:
        """The live records of a type that a record is associated to, with the association type ids, by rising id."""
        links = self._links.get((record.type.id, record.id), {}).get(to_type, {})
        records = self._records[to_type]
        return {other: links[other] for other in sorted(links) if records[other].archived_at is None}

    # --- writing

    def create(
        self, type_id: str, properties: Mapping[str, object], actor: Actor, links: Iterable[Link] = ()
    ) -> Record:
        """Make a record. Raises `RefusedWriteError` or `NotFoundError`, having changed nothing."""
        with self.lock:
            object_type = self.types[type_id]
            values = {n: v for n, v in self.validate(object_type, None, properties, actor).items() if v}
            wanted = [link for link in links if self._linkable(type_id, link)]
            at = self.now_ms()
            record_id = self._next_id[type_id]
            self._next_id[type_id] += 1
            record = self._records[type_id][record_id] = Record(object_type, record_id, at, actor)
            values |= self._signed(object_type, values, actor)
            record.put({**values, **_derived(object_type, values, at)}, at, actor, self.quirks.history_limit)
            self._claim_unique(record, values)
            self._tell(Change("creation", object_type, record_id, at, actor))
            if self.quirks.creation_sends_property_changes:
                for name, value in values.items():
                    self._tell(Change("propertyChange", object_type, record_id, at, actor, name, value))
            self._indexed(record)
            self._mail_assignment(record, values, actor)
            for link in wanted:
                self.link(type_id, record_id, link, actor)
            return record

    def update(
        self,
        type_id: str,
        record_id: int,
        properties: Mapping[str, object],
        actor: Actor,
        *,
        force: bool = False,
    ) -> Record:
        """Patch a record: all that changes gets one timestamp. `force` makes versions of unchanged values too."""
        with self.lock:
            record = self.get(type_id, record_id)
            values = self.validate(record.type, record, properties, actor)
            force = force or self.quirks.unchanged_write_makes_version
            changes = {n: v for n, v in values.items() if force or v != record.values.get(n, "")}
            if changes:
                self._write(record, changes, actor)
                self._mail_assignment(record, changes, actor)
            elif values and self.quirks.unchanged_write_touches_modified:
                record.touch(self.now_ms())
                self._indexed(record)
            return record

    def archive(self, type_id: str, record_id: int, actor: Actor) -> None:
        """Archive a record; one that is archived already stays so. Raises `NotFoundError` for one that never was."""
        with self.lock:
            if self.find(type_id, record_id, archived=True) is not None:
                return
            record = self.get(type_id, record_id)
            if self.quirks.archive_sends_association_events:
                self._tell_links(record, actor, removed=True)
            record.archived_at = self.now_ms()
            record.changed()
            self._tell(Change("deletion", record.type, record.id, record.archived_at, actor))
            self._indexed(record)

    def restore(self, type_id: str, record_id: int, actor: Actor) -> Record:
        """Bring an archived record back, associations included, within 90 days."""
        with self.lock:
            record = self.get(type_id, record_id, archived=True)
            at = self.now_ms()
            assert record.archived_at is not None
            if at - record.archived_at > RESTORABLE // timedelta(milliseconds=1):
                raise NotFoundError(f"{record.type.name} {record_id} was archived more than 90 days ago")
            record.archived_at = None
            record.touch(at)
            self._tell(Change("restore", record.type, record.id, at, actor))
            if self.quirks.archive_sends_association_events:
                self._tell_links(record, actor, removed=False)
            self._indexed(record)
            return record

    def merge(self, type_id: str, primary_id: int, other_id: int, actor: Actor) -> Record:
        """Merge two records: the primary's values win, its empty ones are filled, both ids answer with the one that is left.

        It carries the histories of both, by time; where that does not end in the value that it is to have, the merge
        itself adds a version.
        """
        with self.lock:
            primary, other = self.get(type_id, primary_id), self.get(type_id, other_id)
            if primary is other:
                raise RefusedWriteError([Problem("", "INVALID_MERGE", "A record cannot be merged with itself")])
            made = primary if self.quirks.merge_keeps_primary else self._new_record(primary, other)
            gone = [other] if made is primary else [primary, other]
            new_id = None if made is primary else made.id
            self._tell(Change("merge", made.type, primary.id, self.now_ms(), actor, merged=(other.id,), new_id=new_id))
            self._take_over(made, primary, other, Actor("MERGE_OBJECTS", actor.source_id, actor.user_id))
            for record in gone:
                self._move_links(record, made, actor)
                del self._records[type_id][record.id]
                self._aliases[type_id, record.id] = made.id
                made.merged += [*record.merged, record.id]
                self.index.drop(record)
            for record in gone:
                if self.quirks.merge_sends_deletion:
                    self._tell(Change("deletion", record.type, record.id, self.now_ms(), actor))
            made.touch(self.now_ms())
            self._indexed(made)
            return made

    def link(self, type_id: str, record_id: int, link: Link, actor: Actor) -> None:
        """Associate two records; the association without a label is always there too."""
        with self.lock:
            near, far = self.get(type_id, record_id), self.get(link.to_type, link.to_id)
            for one in self._complete(type_id, link):
                if one.primary:
                    self._demote(near, one, far.id, actor)
                inverse = self._association_by_id[one.to_type, one.inverse]
                if inverse.primary:
                    self._demote(far, inverse, near.id, actor)
                self._add(near, far, one, actor)
                self._add(far, near, inverse, actor)
            if self.quirks.association_touches_modified:
                for record in (near, far):
                    record.touch(self.now_ms())
                    self._indexed(record)

    def unlink(
        self, type_id: str, record_id: int, to_type: str, to_id: int, actor: Actor, type_id_only: int | None = None
    ) -> None:
        """Take an association away, or with `type_id_only` one label of it; what is not there is no error."""
        with self.lock:
            near, far = self.find(type_id, record_id), self.find(to_type, to_id)
            if near is None or far is None:
                return
            present = self._links.get((type_id, near.id), {}).get(to_type, {}).get(far.id, set())
            for one in sorted(present) if type_id_only is None else [type_id_only]:
                if one in present:
                    self._drop(near, far, self._association_by_id[type_id, one], actor)
            if self.quirks.association_touches_modified and present:
                for record in (near, far):
                    record.touch(self.now_ms())
                    self._indexed(record)

    def unlist(self, type_id: str, record_id: int, to_type: str, to_id: int) -> None:
        """Leave an association in the other direction alone: this record's own list has it no more (docs/hubspot.md 5.4)."""
        with self.lock:
            self._links[type_id, record_id][to_type].pop(to_id)

    def validate(
        self, object_type: ObjectType, record: Record | None, properties: Mapping[str, object], actor: Actor
    ) -> dict[str, str]:
        """The values as they would be stored. Raises `RefusedWriteError` with every problem at once."""
        problems: list[Problem] = []
        values: dict[str, str] = {}
        for name, raw in properties.items():
            try:
                values[name] = self._valid(object_type, record, name, raw)
            except InvalidValueError as error:
                problems.append(Problem(name, error.code, str(error)))
        problems += self._misplaced_stage(object_type, record, values)
        if actor.source_type == "INTEGRATION":
            problems += self._against_rules(object_type, values)
        missing: list[str] = []
        if record is None:
            missing = [name for name in object_type.required if not properties.get(name)]
            problems += [Problem(name, "REQUIRED_FIELD", f"Property {name} is required") for name in missing]
        if problems:
            raise RefusedWriteError(problems, missing=missing)
        return values

    def send_email(
        self, email_id: str, send_id: str, to: str, message: Mapping[str, object], properties: Mapping[str, object]
    ) -> bool:
        """Take a single email; False where this `send_id` was used before and nothing is sent."""
        with self.lock:
            if send_id and any(sent.send_id == send_id for sent in self.emails):
                return False
            now, quirks = self.now_ms(), self.quirks
            told_at = now + round(quirks.single_send_seconds * 1000)
            self.emails.append(
                SentEmail(email_id, send_id, to, now, message, properties, quirks.single_send_end, told_at)
            )
            return True

    def dump(self) -> dict[str, object]:
        """The whole state, in one fixed order: equal states dump equally."""
        with self.lock:
            return {
                "now": iso(self.now_ms()),
                "account": {"portalId": self.account.portal_id, "timeZone": self.account.time_zone},
                "owners": [
                    {"id": o.id, "email": o.email, "userId": o.user_id, "archived": o.archived}
                    for o in self.owners.values()
                ],
                "records": {
                    object_type.name: [
                        _dumped(record, self._links.get((object_type.id, record.id), {}))
                        for record in self._records[object_type.id].values()
                    ]
                    for object_type in self.types.values()
                },
                "merged": {f"{kind}/{old}": new for (kind, old), new in self._aliases.items()},
                "emails": [
                    {"emailId": e.email_id, "sendId": e.send_id, "to": e.to, "at": iso(e.at)} for e in self.emails
                ],
            }

    # --- inside

    def _valid(self, object_type: ObjectType, record: Record | None, name: str, raw: object) -> str:
        definition = object_type.properties.get(name)
        if definition is None:
            raise InvalidValueError("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if definition.read_only:
            raise InvalidValueError("READ_ONLY_VALUE", f'"{name}" is a read only property')
        value = normalise(definition, raw, self.owners, archived_owners=not self.quirks.reject_archived_owner)
        if definition.unique and value:
            holder = self._unique.get((object_type.id, name, value))
            if holder is not None and (record is None or record.id != holder):
                raise InvalidValueError("CONFLICTING_UNIQUE_VALUE", f"{holder} already has that value.")
        return value

    def _misplaced_stage(
        self, object_type: ObjectType, record: Record | None, values: Mapping[str, str]
    ) -> Iterator[Problem]:
        pipelines = self.pipelines.get(object_type.id)
        if not pipelines or not ("hs_pipeline" in values or "hs_pipeline_stage" in values):
            return
        before = record.values if record else {}
        default = next(iter(pipelines))
        pipeline_id = values.get("hs_pipeline") or before.get("hs_pipeline") or default
        stage = values.get("hs_pipeline_stage") or before.get("hs_pipeline_stage", "")
        pipeline = pipelines.get(pipeline_id)
        if pipeline is None:
            yield Problem("hs_pipeline", "INVALID_OPTION", f"The pipeline {pipeline_id} does not exist")
            return
        found = next((one for one in pipeline.stages if one.id == stage), None)
        if found is None:
            yield Problem(
                "hs_pipeline_stage", "INVALID_OPTION", f"Stage {stage} is not valid for pipeline {pipeline_id}"
            )
        elif found.write_permissions != ENFORCED and stage != before.get("hs_pipeline_stage"):
            yield Problem("hs_pipeline_stage", "READ_ONLY_VALUE", f"Stage {found.label} ({stage}) is read only")

    def _against_rules(self, object_type: ObjectType, values: Mapping[str, str]) -> Iterator[Problem]:
        for rule in self.rules:
            value = values.get(rule.property) if rule.type == object_type.id else None
            if value is not None and not re.fullmatch(rule.pattern, value):
                yield Problem(rule.property, "VALIDATION_RULE_VIOLATION", rule.message)

    def _write(self, record: Record, changes: Mapping[str, str], actor: Actor) -> None:
        at = self.now_ms()
        for name in changes:
            versions = record.history.get(name)
            if versions and versions[-1].at >= at:
                at = versions[-1].at + 1
        self._claim_unique(record, changes)
        derived = _derived(record.type, changes, at)
        derived = {n: v for n, v in derived.items() if v != record.values.get(n, "")}
        record.put({**changes, **derived}, at, actor, self.quirks.history_limit)
        for name, value in changes.items():
            self._tell(Change("propertyChange", record.type, record.id, at, actor, name, value))
        self._indexed(record)

    def _mail_assignment(self, record: Record, changes: Mapping[str, str], actor: Actor) -> None:
        owner = self.owners.get(changes.get("hubspot_owner_id", ""))
        if self.quirks.assignment_email and owner and record.type.id == TASK and actor.user_id is None:
            message = {"to": owner.email, "subject": f"Task assigned: {record.value('hs_task_subject')}"}
            self.emails.append(SentEmail(ASSIGNMENT, "", owner.email, self.now_ms(), message, {}))

    def _signed(self, object_type: ObjectType, values: Mapping[str, str], actor: Actor) -> dict[str, str]:
        """Who a new Note says it is from: whoever logs it in HubSpot becomes its owner."""
        if object_type.id != NOTE or actor.user_id is None:
            return {}
        owner = next((o.id for o in self.owners.values() if o.user_id == actor.user_id), "")
        owned = values.get("hubspot_owner_id") or (owner if self.quirks.notes_have_owners else "")
        return {CREATED_BY: str(actor.user_id), **({"hubspot_owner_id": owned} if owned else {})}

    def _claim_unique(self, record: Record, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            if record.type.properties[name].unique:
                self._unique.pop((record.type.id, name, record.values.get(name, "")), None)
                if value:
                    self._unique[record.type.id, name, value] = record.id

    def _linkable(self, type_id: str, link: Link) -> bool:
        self._complete(type_id, link)
        if self.find(link.to_type, link.to_id) is not None:
            return True
        if self.quirks.inline_association_to_missing == "ignore":
            return False
        raise NotFoundError(f"{self.types[link.to_type].name} {link.to_id}")

    def _complete(self, type_id: str, link: Link) -> list[AssociationType]:
        wanted = [self.default_association(type_id, link.to_type)]
        for one in link.type_ids:
            found = self._association_by_id.get((type_id, one))
            if found is None or found.to_type != link.to_type:
                raise NotFoundError(f"association type {one} from {type_id} to {link.to_type}")
            if found not in wanted:
                wanted.append(found)
        return wanted

    def _demote(self, near: Record, primary: AssociationType, keep: int, actor: Actor) -> None:
        links = self._links.get((near.type.id, near.id), {}).get(primary.to_type, {})
        for other in [to for to, types in links.items() if primary.id in types and to != keep]:
            self._drop(near, self._records[primary.to_type][other], primary, actor)

    def _add(self, near: Record, far: Record, one: AssociationType, actor: Actor) -> None:
        links = self._links.setdefault((near.type.id, near.id), {}).setdefault(far.type.id, {})
        types = links.setdefault(far.id, set())
        if one.id not in types:
            types.add(one.id)
            self._tell_link(near, far.id, one, actor, removed=False)

    def _drop(self, near: Record, far: Record, one: AssociationType, actor: Actor) -> None:
        inverse = self._association_by_id[one.to_type, one.inverse]
        for here, there, kind in ((near, far, one), (far, near, inverse)):
            links = self._links.get((here.type.id, here.id), {}).get(there.type.id, {})
            if kind.id not in links.get(there.id, set()):
                continue  # it is there in the other direction alone
            links[there.id].discard(kind.id)
            if not links[there.id]:
                del links[there.id]
            self._tell_link(here, there.id, kind, actor, removed=True)

    def _move_links(self, gone: Record, survivor: Record, actor: Actor) -> None:
        for to_type, links in list(self._links.get((gone.type.id, gone.id), {}).items()):
            for to_id, types in list(links.items()):
                far = self._records[to_type][to_id]
                moved = sorted(types)
                for one in moved:
                    self._drop(gone, far, self._association_by_id[gone.type.id, one], actor)
                if far is not survivor:
                    for one in moved:
                        kind = self._association_by_id[gone.type.id, one]
                        self._add(survivor, far, kind, actor)
                        self._add(far, survivor, self._association_by_id[to_type, kind.inverse], actor)

    def _new_record(self, primary: Record, other: Record) -> Record:
        """What a merge makes: it is as old as the older of the two."""
        record_id = self._next_id[primary.type.id]
        self._next_id[primary.type.id] += 1
        record = Record(primary.type, record_id, min(primary.created, other.created), primary.made_by)
        self._records[primary.type.id][record_id] = record
        return record

    def _take_over(self, made: Record, primary: Record, other: Record, merging: Actor) -> None:
        """Give the record that a merge leaves the histories and values of both."""
        names = dict.fromkeys((*primary.history, *other.history))
        wanted = {name: primary.values.get(name, "") or other.values.get(name, "") for name in names}
        history = {
            name: sorted([*primary.history.get(name, ()), *other.history.get(name, ())], key=lambda version: version.at)
            for name in names
        }
        made.history, made.values = history, {name: versions[-1].value for name, versions in history.items()}
        limit = self.quirks.history_limit
        if limit is not None:
            for versions in history.values():
                del versions[:-limit]
        changes = {name: value for name, value in wanted.items() if value != made.values[name]}
        for name, value in wanted.items():
            if primary.type.properties[name].unique and value:
                self._unique[primary.type.id, name, value] = made.id
        if changes and self.quirks.merge_writes_version:
            self._write(made, changes, merging)
        else:
            made.values |= changes

    def _tell_links(self, record: Record, actor: Actor, *, removed: bool) -> None:
        for to_type, links in self._links.get((record.type.id, record.id), {}).items():
            for to_id, types in links.items():
                far = self._records[to_type][to_id]
                if far.archived_at is not None:
                    continue
                for one in sorted(types):
                    kind = self._association_by_id[record.type.id, one]
                    self._tell_link(record, to_id, kind, actor, removed=removed)
                    inverse = self._association_by_id[to_type, kind.inverse]
                    self._tell_link(far, record.id, inverse, actor, removed=removed)

    def _tell_link(self, near: Record, to_id: int, one: AssociationType, actor: Actor, *, removed: bool) -> None:
        link = LinkChange(one.to_type, to_id, one, removed)
        self._tell(Change("associationChange", near.type, near.id, self.now_ms(), actor, link=link))

    def _tell(self, change: Change) -> None:
        for listener in self.listeners:
            listener(change)

    def _indexed(self, record: Record) -> None:
        self.index.note(record, self.now_ms())

    @contextmanager
    def as_of(self, moment: datetime) -> Iterator[None]:
        """Make changes in the past: for seeding histories, before anything has read them."""
        with self.lock:
            before, self._at = self._at, to_ms(moment)
            try:
                yield
            finally:
                self._at = before


def stage_of(pipelines: Mapping[str, Pipeline], stage_id: str) -> tuple[Pipeline, Stage] | None:
    """The pipeline that has this stage; stage ids are unique in a portal."""
    for pipeline in pipelines.values():
        for stage in pipeline.stages:
            if stage.id == stage_id:
                return pipeline, stage
    return None


def _derived(object_type: ObjectType, changes: Mapping[str, str], at: int) -> dict[str, str]:
    """What HubSpot itself sets along with a change."""
    if object_type.name == "task" and "hs_task_status" in changes:
        return {"hs_task_completion_date": iso(at) if changes["hs_task_status"] == "COMPLETED" else ""}
    return {}


def _dumped(record: Record, links: Mapping[str, Mapping[int, set[int]]]) -> dict[str, object]:
    return {
        "id": record.id,
        "created": iso(record.created),
        "modified": iso(record.modified),
        "archived": None if record.archived_at is None else iso(record.archived_at),
        "properties": {name: value for name, value in sorted(record.values.items()) if value},
        "history": {
            name: [[v.value, v.at, v.actor.source_type, v.actor.source_id] for v in versions]
            for name, versions in sorted(record.history.items())
        },
        "associations": {
            to_type: {str(to): sorted(links[to_type][to]) for to in sorted(links[to_type])} for to_type in sorted(links)
        },
    }
