"""What a portal is made of besides its records: object types, properties, pipelines, owners, association types."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

TICKET = "0-5"
TASK = "0-27"
NOTE = "0-46"
CONTACT = "0-1"
CREATED_BY = "hs_created_by_user_id"

PropertyType = Literal["string", "number", "date", "datetime", "enumeration", "bool"]
Category = Literal["HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED"]


@dataclass(frozen=True, slots=True)
class Property:
    """A property definition. `options` are (internal value, label) pairs; `owner` makes it an owner property."""

    name: str
    label: str = ""
    type: PropertyType = "string"
    field_type: str = "text"
    group: str = ""
    options: tuple[tuple[str, str], ...] = ()
    owner: bool = False
    unique: bool = False
    hidden: bool = False
    read_only: bool = False
    hubspot_defined: bool = False
    description: str = ""
    external: bool = False
    """Its options stand elsewhere, and are not listed (docs/hubspot.md 7.5)."""
    sensitivity: Literal["non_sensitive", "sensitive", "highly_sensitive"] = "non_sensitive"

    def as_json(self, *, archived: bool = False) -> dict[str, object]:
        return {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "fieldType": self.field_type,
            "groupName": self.group,
            "description": self.description,
            "options": [
                {"label": label, "value": value, "displayOrder": n, "hidden": False}
                for n, (value, label) in enumerate(self.options)
            ],
            "displayOrder": -1,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "formField": False,
            "calculated": False,
            "externalOptions": self.owner or self.external,
            **({"referencedObjectType": "OWNER"} if self.owner else {}),
            "hubspotDefined": self.hubspot_defined,
            "archived": archived,
            "dataSensitivity": self.sensitivity,
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyValue": self.read_only,
            },
        }


COMPUTED = (
    Property("hs_object_id", "Record ID", "number", "number", read_only=True, hubspot_defined=True),
    Property("hs_createdate", "Object create date", "datetime", "date", read_only=True, hubspot_defined=True),
    Property("hs_lastmodifieddate", "Last modified", "datetime", "date", read_only=True, hubspot_defined=True),
    Property("hs_object_source", "Record source", read_only=True, hubspot_defined=True),
    Property("hs_object_source_id", "Record source ID", read_only=True, hubspot_defined=True),
    Property("hs_merged_object_ids", "Merged record IDs", read_only=True, hubspot_defined=True),
)
"""What every object has."""

OWNER = Property("hubspot_owner_id", "Owner", "enumeration", "select", owner=True, hubspot_defined=True)
"""What every object that belongs to somebody has."""


@dataclass(slots=True)
class ObjectType:
    """A type of record: `id` is `0-5` or `2-…`, `name` the singular of a standard or the name of a custom object."""

    id: str
    name: str
    plural: str
    label: str
    custom: bool = False
    properties: dict[str, Property] = field(default_factory=dict)
    archived_properties: dict[str, Property] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    required: tuple[str, ...] = ()
    default_properties: tuple[str, ...] = ()
    display_property: str = ""
    created_property: str = "hs_createdate"
    fully_qualified_name: str = ""
    plural_label: str = ""
    legacy_webhooks: bool = False
    shows_sensitive: bool = False
    """Whether the app has the scopes for its sensitive properties; without them no answer shows their values."""

    def is_shown(self, name: str) -> bool:
        """Whether answers to the app show this property."""
        known = self.properties.get(name)
        return known is not None and (self.shows_sensitive or known.sensitivity == "non_sensitive")


WritePermissions = Literal["CRM_PERMISSIONS_ENFORCEMENT", "READ_ONLY", "INTERNAL_ONLY"]
ENFORCED: WritePermissions = "CRM_PERMISSIONS_ENFORCEMENT"
"""What every stage has unless somebody changed it: whoever may write the record may move it there."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a pipeline. Nobody can move a record into one whose `write_permissions` are others than the default."""

    id: str
    label: str
    closed: bool = False
    write_permissions: WritePermissions = ENFORCED


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    label: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Owner:
    """A person, or a queue, which has no address. `id` is what owner properties hold; histories name the `user_id`."""

    id: str
    email: str
    first_name: str
    last_name: str
    user_id: int
    archived: bool = False
    type: Literal["PERSON", "QUEUE"] = "PERSON"


@dataclass(frozen=True, slots=True)
class AssociationType:
    """One direction of an association between two object types; `inverse` is the id of the other direction."""

    from_type: str
    to_type: str
    category: Category
    id: int
    label: str | None
    inverse: int
    primary: bool = False


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """An admin's rule, enforced on API writes from 2026-09 (docs/hubspot.md 4.11).

    A write that sets `property` to a value that does not fully match `pattern` is refused.
    """

    name: str
    type: str
    property: str
    pattern: str
    message: str = "The value does not meet the validation rules of this property"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, as histories and webhooks name it."""

    source_type: str
    source_id: str
    user_id: int | None = None

    @classmethod
    def app(cls, app_id: int) -> "Actor":
        return cls("INTEGRATION", str(app_id))

    @classmethod
    def user(cls, user_id: int) -> "Actor":
        return cls("CRM_UI", f"userId:{user_id}", user_id)

    @classmethod
    def workflow(cls, workflow_id: int) -> "Actor":
        return cls("AUTOMATION_PLATFORM", f"enrollmentId:{workflow_id}")


@dataclass(frozen=True, slots=True)
class Account:
    portal_id: int = 48_000_001
    app_id: int = 9_000_001
    time_zone: str = "America/New_York"
    ui_domain: str = "app.hubspot.com"
    kind: Literal["STANDARD", "SANDBOX", "DEVELOPER_TEST", "APP_DEVELOPER"] = "STANDARD"


def pipeline_from_json(raw: Mapping[str, object], new_id: Callable[[], str]) -> Pipeline:
    """A definition as `POST /crm/pipelines/…` takes it. Raises `KeyError` or `ValueError` naming what is wrong."""
    stages = raw["stages"]
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise ValueError("stages: not a list of stages")
    if len({str(stage["label"]).casefold() for stage in stages}) < len(stages):
        raise ValueError("stages: two have the same label")
    return Pipeline(
        id=new_id(),
        label=str(raw["label"]),
        stages=tuple(
            Stage(new_id(), str(stage["label"]), closed=(stage.get("metadata") or {}).get("ticketState") == "CLOSED")
            for stage in sorted(stages, key=lambda stage: int(stage["displayOrder"]))
        ),
    )


def property_from_json(raw: Mapping[str, object]) -> Property:
    """A definition as `POST /crm/properties/…` takes it. Raises `KeyError` or `ValueError` naming what is wrong."""
    kind = str(raw["type"])
    if kind not in ("string", "number", "date", "datetime", "enumeration", "bool"):
        raise ValueError(f"type: {json.dumps(kind)} is not one of the property types")
    options = raw.get("options") or []
    if not isinstance(options, list):
        raise ValueError("options: not a list")  # noqa: TRY004  # becomes a 400, not a type error
    return Property(
        name=str(raw["name"]),
        label=str(raw["label"]),
        type=kind,  # type: ignore[arg-type]  # checked above
        field_type=str(raw["fieldType"]),
        group=str(raw["groupName"]),
        options=tuple((str(option["value"]), str(option["label"])) for option in options),
        owner=raw.get("referencedObjectType") == "OWNER",
        unique=bool(raw.get("hasUniqueValue")),
        hidden=bool(raw.get("hidden")),
        description=str(raw.get("description") or ""),
    )
