"""What people do and see, as plain JSON: the vocabulary that `People` speaks in-process and over the control API."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sync.sandbox.portal import Link, NotFoundError, Portal, stage_of
from sync.sandbox.process import Process
from sync.sandbox.records import Record
from sync.sandbox.schema import TASK, Actor, Owner, Property, ValidationRule, WritePermissions
from sync.sandbox.values import iso

Json = Any


class Acts:
    """Every public method is an act: keyword arguments and results are JSON. Raises `PortalError` or `ValueError`."""

    def __init__(self, portal: Portal, process: Process) -> None:
        self._portal = portal
        self._process = process

    def do(self, act: str, arguments: Mapping[str, Json]) -> Json:
        """Do one act by its name. Raises `ValueError` for an unknown one."""
        method: Callable[..., Json] | None = getattr(self, act, None) if not act.startswith("_") else None
        if method is None or act == "do":
            raise ValueError(f"people cannot {act}")
        self._portal.settle()
        with self._portal.lock:
            return method(**arguments)

    # --- doing

    def create(
        self,
        kind: str,
        properties: Mapping[str, Json],
        associations: list[Mapping[str, str]],
        by: str | None = None,
    ) -> str:
        type_id = self._type(kind)
        links = [self._link(type_id, one["kind"], one["id"], one.get("label")) for one in associations]
        return str(self._portal.create(type_id, properties, self._actor(by), links).id)

    def set(
        self,
        kind: str,
        record: str,
        properties: Mapping[str, Json],
        by: str | None = None,
        force: bool = False,
    ) -> None:
        type_id = self._type(kind)
        self._portal.update(type_id, int(record), self._placed(type_id, properties), self._actor(by), force=force)

    def archive(self, kind: str, record: str, by: str | None = None) -> None:
        self._portal.archive(self._type(kind), int(record), self._actor(by))

    def restore(self, kind: str, record: str, by: str | None = None) -> None:
        self._portal.restore(self._type(kind), int(record), self._actor(by))

    def merge(self, kind: str, primary: str, other: str, by: str | None = None) -> str:
        return str(self._portal.merge(self._type(kind), int(primary), int(other), self._actor(by)).id)

    def associate(
        self,
        kind: str,
        record: str,
        to_kind: str,
        to: str,
        label: str | None = None,
        by: str | None = None,
    ) -> None:
        type_id = self._type(kind)
        self._portal.link(type_id, int(record), self._link(type_id, to_kind, to, label), self._actor(by))

    def dissociate(
        self,
        kind: str,
        record: str,
        to_kind: str,
        to: str,
        label: str | None = None,
        by: str | None = None,
    ) -> None:
        type_id, to_type = self._type(kind), self._type(to_kind)
        only = None if label is None else self._labelled(type_id, to_type, label)
        self._portal.unlink(type_id, int(record), to_type, int(to), self._actor(by), only)

    def set_owner_archived(self, owner: str, archived: bool) -> None:
        if owner not in self._portal.owners:
            raise NotFoundError(f"owner {owner}")
        self._portal.define_owner(replace(self._portal.owners[owner], archived=archived))

    def add_owner(self, first_name: str, last_name: str, email: str | None = None, queue: bool = False) -> str:
        """Add a person, or a queue without an address, and give the owner id."""
        known = self._portal.owners.values()
        made = Owner(
            id=str(max((int(one.id) for one in known), default=51_000_000) + 7),
            email="" if queue else email or f"{first_name}.{last_name}@agency.example".lower(),
            first_name=first_name,
            last_name=last_name,
            user_id=max((one.user_id for one in known), default=60_000_000) + 1,
            type="QUEUE" if queue else "PERSON",
        )
        self._portal.define_owner(made)
        return made.id

    def redefine_property(self, kind: str, name: str, **changes: Json) -> None:
        """Change fields of a property's definition, as an admin may; values stay. Raises `NotFoundError`.

        Each of `options` is a value with its label, or one text that is both.
        """
        known = self._portal.types[self._type(kind)].properties
        if name not in known:
            raise NotFoundError(f"property {name}")
        if "options" in changes:
            changes["options"] = tuple(map(_option, changes["options"]))
        known[name] = replace(known[name], **changes)

    def define_property(self, kind: str, name: str, label: str = "") -> None:
        self._portal.define_property(self._type(kind), Property(name, label or name))

    def archive_property(self, kind: str, name: str, archived: bool = True) -> None:
        self._portal.archive_property(self._type(kind), name, archived=archived)

    def restrict_stage(self, kind: str, stage: str, permissions: WritePermissions) -> None:
        self._portal.restrict_stage(self._type(kind), stage, permissions)

    def set_rules(self, rules: list[Mapping[str, str]]) -> None:
        """Replace the admin's validation rules; `type` is a kind."""
        self._portal.rules = [ValidationRule(**{**rule, "type": self._type(rule["type"])}) for rule in rules]

    def advance(self, seconds: float) -> str:
        return self._portal.clock.advance(timedelta(seconds=seconds)).isoformat()

    def set_clock(self, moment: str) -> str:
        return self._portal.clock.set(datetime.fromisoformat(moment)).isoformat()

    def flush_search(self) -> None:
        self._portal.index.flush()

    # --- seeing

    def now(self) -> str:
        return self._portal.clock.now().isoformat()

    def read(self, kind: str, record: str) -> Json:
        type_id = self._type(kind)
        found = self._portal.find(type_id, int(record)) or self._portal.find(type_id, int(record), archived=True)
        if found is None:
            raise NotFoundError(f"{kind} {record}")
        return self._seen(found)

    def list(self, kind: str, archived: bool = False) -> Json:
        found = self._portal.records(self._type(kind), archived=archived)
        return [self._seen(record) for record in sorted(found, key=lambda record: record.id)]

    def associated(self, kind: str, record: str, to_kind: str) -> Json:
        to_type = self._type(to_kind)
        near = self._portal.get(self._type(kind), int(record))
        return [self._seen(self._portal.get(to_type, one)) for one in self._portal.linked(near, to_type)]

    def history(self, kind: str, record: str, name: str) -> Json:
        found = self._portal.get(self._type(kind), int(record))
        return [
            {
                "value": version.value,
                "timestamp": iso(version.at),
                "sourceType": version.actor.source_type,
                "sourceId": version.actor.source_id,
            }
            for version in found.versions(name)
        ]

    def emails(self) -> Json:
        return [
            {
                "emailId": sent.email_id,
                "sendId": sent.send_id,
                "to": sent.to,
                "at": iso(sent.at),
                "message": dict(sent.message),
                "properties": dict(sent.properties),
            }
            for sent in self._portal.emails
            if sent.is_sent
        ]

    def owners(self) -> Json:
        return [
            {
                "id": one.id,
                "email": one.email,
                "name": f"{one.first_name} {one.last_name}".strip(),
                "archived": one.archived,
            }
            for one in self._portal.owners.values()
        ]

    # --- inside

    def _type(self, kind: str) -> str:
        names = self._process.names
        return names.object_type_id if kind == "portfolio" else self._portal.type(kind).id

    def _actor(self, by: str | None) -> Actor:
        """The user of an owner id; `app` the service's own app, `app:ID` another one, `workflow` a workflow."""
        if by is None:
            return Actor.user(self._process.admin)
        if by == "app":
            return Actor.app(self._portal.account.app_id)
        if by.startswith("app:"):
            return Actor.app(int(by.removeprefix("app:")))
        if by == "workflow":
            return Actor.workflow(7_001)
        if by not in self._portal.owners:
            raise NotFoundError(f"owner {by}")
        return Actor.user(self._portal.owners[by].user_id)

    def _placed(self, type_id: str, properties: Mapping[str, Json]) -> Mapping[str, Json]:
        """The interface moves a record to the stage's pipeline along with the stage."""
        stage = properties.get("hs_pipeline_stage")
        found = stage_of(self._portal.pipelines.get(type_id, {}), stage) if stage else None
        return properties if found is None else {"hs_pipeline": found[0].id, **properties}

    def _link(self, type_id: str, to_kind: str, to: str, label: str | None) -> Link:
        to_type = self._type(to_kind)
        types = () if label is None else (self._labelled(type_id, to_type, label),)
        return Link(to_type, int(to), types)

    def _labelled(self, type_id: str, to_type: str, label: str) -> int:
        for one in self._portal.association_types(type_id, to_type):
            if one.label == label:
                return one.id
        raise NotFoundError(f"association label {label}")

    def _seen(self, record: Record) -> dict[str, Json]:
        names = self._process.names
        associations = {}
        for other in self._portal.types.values():
            linked = self._portal.linked(record, other.id)
            if linked:
                kind = "portfolio" if other.id == names.object_type_id else other.name
                associations[kind] = [str(one) for one in linked]
        return {
            "kind": "portfolio" if record.type.id == names.object_type_id else record.type.name,
            "id": str(record.id),
            "properties": {name: value for name, value in record.values.items() if value} | _source(record),
            "created": iso(record.created),
            "modified": iso(record.modified),
            "archived": record.archived_at is not None,
            "associations": associations,
        }


def _source(record: Record) -> dict[str, Json]:
    """What a task was made by: it tells one of the service's from a copy."""
    return {name: record.value(name) for name in ("hs_object_source",) if record.type.id == TASK}


def _option(told: Json) -> tuple[str, str]:
    if isinstance(told, str):
        return told, told
    match told:
        case [str(value), str(label)]:
            return value, label
    raise ValueError(f"an option is a value with its label, or one text: not {told!r}")
