"""Find what the portal lacks for the service, and create it: the hidden task property that carries each task's key."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from mappings.schema import ProcessMapping
from sync.crm import CRM, CRMReader, Kind
from sync.errors import CRMRejectedError, MappingMisfitError
from sync.passes.fit import missing_properties, missing_values
from sync.passes.portal import find_pipeline, find_stage, read_definitions

GROUP = "task_information"
"""HubSpot's own group of task properties."""

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Provision:
    """What is missing. `misfits` are sentences: what the mapping names and only a person can mend."""

    key_property: str  # its internal name, by the mapping
    lacks_property: bool  # `create` makes it
    misfits: tuple[str, ...]


def find_missing(crm: CRMReader, mapping: ProcessMapping) -> Provision:
    """Find what is missing. Reads only; raises `AuthenticationError`, `CRMUnavailableError` and `CRMRejectedError`."""
    name = mapping.task.key_property
    return Provision(name, name not in crm.properties(Kind.TASK), tuple(_misfits(crm, mapping)))


def create(crm: CRM, mapping: ProcessMapping) -> None:
    """Create the task property; if it is there already, nothing happens.

    It is made unique where the portal can do that; nothing depends on it.
    Raises `AuthenticationError` where the app lacks the scope, and `CRMRejectedError` where the portal will not have it.
    """
    name = mapping.task.key_property
    definition: dict[str, object] = {
        "name": name,
        "label": "Handoff key",
        "description": "Set by the Creative Refresh handoffs service. Do not edit: it tells which task is which.",
        "groupName": GROUP,
        "type": "string",
        "fieldType": "text",
        "hidden": True,
        "formField": False,
    }
    try:
        crm.create_property(Kind.TASK, {**definition, "hasUniqueValue": True})
    except CRMRejectedError as error:
        if name in crm.properties(Kind.TASK):
            return  # somebody else was quicker
        log.info("setup.not_unique", property=name, reason=str(error))
        crm.create_property(Kind.TASK, definition)


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
