"""Find what the portal lacks for the service, and create it: the task property that carries each task's key."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from mappings.schema import ProcessMapping
from mappings.vocabulary import KeyCarrier
from sync.crm import CRM, CRMReader, Kind
from sync.errors import AuthenticationError, CRMRejectedError, MappingMisfitError
from sync.passes.fit import missing_properties, missing_values
from sync.passes.portal import find_pipeline, find_stage, read_definitions
from sync.storage import service_state
from sync.storage.database import Store

GROUP = "task_information"
"""HubSpot's own group of task properties."""

LABEL = "Handoff key"

SCOPE, OTHER_SCOPE = "crm.schemas.contacts.write", "crm.schemas.tasks.write"
"""The scopes by which a property of tasks is made: which of them a portal asks for is not known (docs/hubspot.md 1.5)."""

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Provision:
    """What is missing. `misfits` are sentences: what the mapping names and only a person can mend."""

    key_property: str  # its internal name, by the mapping
    key_carrier: KeyCarrier  # what carries the keys, by the mapping
    lacks_property: bool  # `create` makes it
    misfits: tuple[str, ...]


def find_missing(crm: CRMReader, mapping: ProcessMapping) -> Provision:
    """Find what is missing. Reads only; raises `AuthenticationError`, `CRMUnavailableError` and `CRMRejectedError`."""
    name = mapping.task.key_property
    lacks = mapping.task.key_carrier is KeyCarrier.PROPERTY and name not in crm.properties(Kind.TASK)
    return Provision(name, mapping.task.key_carrier, lacks, tuple(_misfits(crm, mapping)))


def create(crm: CRM, mapping: ProcessMapping) -> bool:
    """Create the task property; if it is there already, nothing happens. Says whether it is hidden from people.

    It is made unique and hidden where the portal can do that; nothing depends on either.
    Raises `AuthenticationError` where the app lacks the scope, and `CRMRejectedError` where the portal will not have it: both
    say the ways out.
    """
    name = mapping.task.key_property
    definition: dict[str, object] = {
        "name": name,
        "label": LABEL,
        "description": "Set by the Creative Refresh handoffs service. Do not edit: it tells which task is which.",
        "groupName": GROUP,
        "type": "string",
        "fieldType": "text",
        "formField": False,
    }
    hidden, unique = {"hidden": True}, {"hasUniqueValue": True}
    refused: CRMRejectedError | None = None
    for extra in ({**hidden, **unique}, hidden, {**unique, "hidden": False}, {"hidden": False}):
        try:
            crm.create_property(Kind.TASK, {**definition, **extra})
        except AuthenticationError as error:
            raise AuthenticationError(
                f"{error}\n{ways_out(mapping)}",
                status=error.status,
                correlation_id=error.correlation_id,
                scopes=error.scopes,
            ) from error
        except CRMRejectedError as error:
            if name in crm.properties(Kind.TASK):
                return True  # somebody else was quicker
            refused = refused or error
            log.info("setup.refused", property=name, options=sorted(extra), reason=str(error))
        else:
            return "hidden" not in extra or bool(extra["hidden"])
    assert refused is not None
    raise CRMRejectedError(
        f"the portal does not take the task property “{name}”: {refused}\n{ways_out(mapping)}",
        status=refused.status,
        correlation_id=refused.correlation_id,
    ) from refused


def ways_out(mapping: ProcessMapping) -> str:
    """Say what an admin can do where the task property cannot be made, in lines: any one of them will do."""
    name = mapping.task.key_property
    return (
        "What to do (any one of these will do):\n"
        f"- give the app the scope {SCOPE}, or {OTHER_SCOPE} (which of the two a portal asks for, and offers, differs): add it "
        "to `requiredScopes` of the app, upload and install it again, then run `handoffs setup --apply` once more;\n"
        "- make the property by hand in HubSpot, as a super admin (Settings > Properties > Task properties > Create property): "
        f"label “{LABEL}”, internal name {name}, group {GROUP}, field type “Single-line text”; it may be visible;\n"
        "- do without: write `task: {key_carrier: body}` in the mapping (MAPPING). Each task then carries its key in a small "
        "mark at the end of its text, and no property is needed."
    )


def _misfits(crm: CRMReader, mapping: ProcessMapping) -> list[str]:
    found: list[str] = []
    _asked(lambda: crm.type_id(Kind.PORTFOLIO), found)
    if not found:
        known = {kind: read_definitions(crm, mapping, kind) for kind in (Kind.PORTFOLIO, Kind.TICKET)}
        found += missing_properties(mapping, known) or missing_values(mapping, known)
    pipelines = crm.pipelines()
    pipeline = _asked(lambda: find_pipeline(mapping.ticket.pipeline, pipelines), found)
    if pipeline is not None:
        _asked(lambda: find_stage(mapping.ticket.in_progress, pipeline, "ticket.in_progress"), found)
        _asked(lambda: find_stage(mapping.ticket.pending_approval, pipeline, "ticket.pending_approval"), found)
    return found


def _asked(ask: Callable[[], T], misfits: list[str]) -> T | None:
    """Ask; None where the answer is that something is missing, which is then noted."""
    try:
        return ask()
    except MappingMisfitError as error:
        misfits.append(str(error))
        return None


def mended(store: Store) -> None:
    """Note that tasks can carry their key now: a running service finds it out only when it tries again. Raises `StoreError`."""
    with store.write() as connection:
        if service_state.get(connection, service_state.TASK_PROPERTY_MISSING) is not None:
            service_state.put(connection, service_state.TASK_PROPERTY_MISSING, None)
