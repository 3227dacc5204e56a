"""Create the whole process in an empty test portal: custom object, properties, ticket pipeline, under the mapping's names.

What is there already is left as it is, whatever its type or options: `handoffs check` says whether it fits. So a second
run creates nothing, and one that broke off is completed by the next. Definitions are HubSpot's own (its API reference
for object schemas, properties and pipelines).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mappings.schema import ProcessMapping
from mappings.vocabulary import KeyCarrier
from sync.admin import setup
from sync.crm import CRM, Kind
from sync.errors import MappingMisfitError
from sync.passes.portal import find_by_name

TICKET_GROUP = "ticketinformation"
"""HubSpot's own group of ticket properties."""

FIRST_STAGE = "New"
LAST_STAGE = "Closed"
"""What a pipeline has besides the mapping's two stages: where tickets begin, and where they end (closed)."""

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class MissingPart:
    """One thing that the portal lacks. `what` says it in words; `create` makes it, and raises the port's errors."""

    what: str
    create: Callable[[], None]


def missing_parts(crm: CRM, mapping: ProcessMapping) -> list[MissingPart]:
    """List what the portal lacks of the process, in the order in which it is to be created. Reads only.

    Raises `MappingMisfitError` where the mapping names something by an id, which only HubSpot can give, and the port's
    errors.
    """
    return [
        *_object(crm, mapping),
        *_missing(crm, Kind.TICKET, _ticket_properties(mapping), TICKET_GROUP),
        *_pipeline(crm, mapping),
        *_task_property(crm, mapping),
    ]


def _object(crm: CRM, mapping: ProcessMapping) -> list[MissingPart]:
    """The object with all that belongs to it or, where there is one, what it lacks."""
    wanted = _portfolio_properties(mapping)
    try:
        crm.type_id(Kind.PORTFOLIO)
    except MappingMisfitError:
        schema = _schema(crm, mapping, wanted)
        what = f"custom object {schema['name']}, with {len(wanted)} properties, associated to tickets"
        return [MissingPart(what, lambda: crm.create_object(schema))]
    known = crm.properties(Kind.PORTFOLIO)
    display = known.get(mapping.portfolio.properties.name) or next(one for one in known.values() if one.group)
    made = _missing(crm, Kind.PORTFOLIO, wanted, display.group)
    try:
        crm.association_type(Kind.PORTFOLIO, Kind.TICKET)
    except MappingMisfitError:
        pair = (Kind.PORTFOLIO, Kind.TICKET, f"{Kind.PORTFOLIO}_to_{Kind.TICKET}")
        made.append(MissingPart("association of portfolios and tickets", lambda: crm.create_association(*pair)))
    return made


def _missing(crm: CRM, kind: Kind, wanted: Sequence[Json], group: str) -> list[MissingPart]:
    known = crm.properties(kind)

    def part(definition: Json) -> MissingPart:
        return MissingPart(
            f"{kind} property {definition['name']}",
            lambda: crm.create_property(kind, {**definition, "groupName": group}),
        )

    return [part(definition) for definition in wanted if definition["name"] not in known]


def _pipeline(crm: CRM, mapping: ProcessMapping) -> list[MissingPart]:
    ticket = mapping.ticket
    if find_by_name(ticket.pipeline, crm.pipelines()):
        return []
    for key, name in (
        ("pipeline", ticket.pipeline),
        *((k, getattr(ticket, k)) for k in ("in_progress", "pending_approval")),
    ):
        if name.isdecimal():
            raise MappingMisfitError(f"ticket.{key}: {name} is an id, which only HubSpot can give: write a label")
    labels = list(dict.fromkeys((FIRST_STAGE, ticket.in_progress, ticket.pending_approval, LAST_STAGE)))
    definition: Json = {
        "label": ticket.pipeline,
        "displayOrder": 1,
        "stages": [
            {
                "label": label,
                "displayOrder": n,
                "metadata": {"ticketState": "CLOSED" if label == LAST_STAGE else "OPEN"},
            }
            for n, label in enumerate(labels)
        ],
    }
    return [
        MissingPart(f"ticket pipeline {ticket.pipeline}: {', '.join(labels)}", lambda: crm.create_pipeline(definition))
    ]


def _task_property(crm: CRM, mapping: ProcessMapping) -> list[MissingPart]:
    name = mapping.task.key_property
    if mapping.task.key_carrier is KeyCarrier.BODY or name in crm.properties(Kind.TASK):
        return []
    return [MissingPart(f"task property {name}, hidden", lambda: _make(crm, mapping))]


def _make(crm: CRM, mapping: ProcessMapping) -> None:
    setup.create(crm, mapping)


# --- definitions, as HubSpot takes them ------------------------------------------------------------------------------


def _schema(crm: CRM, mapping: ProcessMapping, properties: Sequence[Json]) -> Json:
    name, label = _object_name(crm, mapping.portfolio.object)
    singular = label.removesuffix("s")
    display = mapping.portfolio.properties.name
    return {
        "name": name,
        "labels": {"singular": singular, "plural": f"{singular}s"},
        "description": "One for each client and ad account.",
        "allowsSensitiveProperties": False,
        "primaryDisplayProperty": display,
        "secondaryDisplayProperties": [],
        "requiredProperties": [display],
        "searchableProperties": [display],
        "properties": list(properties),
        "associatedObjects": ["TICKET"],
    }


def _object_name(crm: CRM, wanted: str) -> tuple[str, str]:
    """Name and label for the object that the mapping will find again by what it says."""
    if re.fullmatch(r"[0-9]+-[0-9]+", wanted):
        raise MappingMisfitError(
            f"portfolio.object: {wanted} is an id, which only HubSpot can give: write the name that the object shall have"
        )
    full = re.fullmatch(r"p([0-9]+)_(\w+)", wanted, re.ASCII)
    if full is not None:
        portal = crm.account().portal_id
        if full[1] != portal:
            raise MappingMisfitError(f"portfolio.object: {wanted} is of another portal; this one is {portal}")
        return full[2], _label(full[2])
    if re.fullmatch(r"[A-Za-z]\w*", wanted, re.ASCII):
        return wanted, _label(wanted)
    name = re.sub(r"\W+", "_", wanted.lower(), flags=re.ASCII).strip("_")
    if not name[:1].isalpha():
        raise MappingMisfitError(
            f"portfolio.object: no name can be made of {wanted!r}: write one that begins with a letter"
        )
    return name, wanted


def _portfolio_properties(mapping: ProcessMapping) -> list[Json]:
    portfolio, names = mapping.portfolio, mapping.portfolio.properties
    return _once(
        [
            _text(names.name),
            _choice(names.status, portfolio.statuses.values()),
            _property(names.refresh_date, "date", "date"),
            _choice(names.cadence, mapping.cadence.values),
            _text(names.ad_lab_link),
            *(_owner(name) for name in portfolio.owners.values()),
            *(_choice(condition.property, filter(None, condition.values)) for condition in portfolio.condition),
        ]
    )


def _ticket_properties(mapping: ProcessMapping) -> list[Json]:
    """Subject, pipeline and stage are HubSpot's own."""
    ticket, names = mapping.ticket, mapping.ticket.properties
    approvals = [value for value in (ticket.approval_reset, ticket.approved) if value]
    return _once(
        [
            _text(names.folder),
            _choice(names.needs_revisions, ticket.revisions.values()),
            _choice(names.copy_approval, approvals),
            _choice(names.graphic_approval, approvals),
            *(_owner(name) for name in ticket.owners.values()),
        ]
    )


def _once(definitions: Iterable[Json]) -> list[Json]:
    """The first definition of each name."""
    by_name: dict[object, Json] = {}
    for definition in definitions:
        by_name.setdefault(definition["name"], definition)
    return list(by_name.values())


def _property(name: str, kind: str, field_type: str, more: Mapping[str, object] | None = None) -> Json:
    return {"name": name, "label": _label(name), "type": kind, "fieldType": field_type, **(more or {})}


def _text(name: str) -> Json:
    return _property(name, "string", "text")


def _choice(name: str, values: Iterable[str]) -> Json:
    options = [{"label": value, "value": value, "displayOrder": n, "hidden": False} for n, value in enumerate(values)]
    return _property(name, "enumeration", "select", {"options": options})


def _owner(name: str) -> Json:
    return _property(name, "enumeration", "select", {"referencedObjectType": "OWNER", "externalOptions": True})


def _label(name: str) -> str:
    """`creative_portfolios` → `Creative Portfolios`."""
    return name.replace("_", " ").strip().title()
