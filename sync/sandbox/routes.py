"""Which paths the simulated API answers: those of the dated version, and those of v3 and v4 that the official SDKs call.

Both lead to the same endpoints. Where the answers of the two differ, `Call.dated` tells which is asked for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from sync.sandbox import api_associations as associations
from sync.sandbox import api_definitions as definitions
from sync.sandbox import api_metadata, api_objects, api_pipelines, api_properties, api_search
from sync.sandbox.call import Call
from sync.sandbox.limits import Meter
from sync.sandbox.wire import Response

VERSION = "2026-09"


@dataclass(frozen=True, slots=True)
class Route:
    """`scope` names what the token needs: a scope itself, or `read`/`write`/`define` of the object types in the path."""

    method: str
    template: str
    endpoint: Callable[[Call], Response]
    scope: str
    meter: Meter = "calls"
    dated: bool = True


@dataclass(frozen=True, slots=True)
class _Paths:
    """Where one generation of the API has what; `links` are associations in batches, `ends` those of one record."""

    dated: bool
    objects: str
    links: str
    ends: str
    properties: str
    validations: str
    pipelines: str
    owners: str
    schemas: str
    account: str
    single_send: str


_DATED = _Paths(
    dated=True,
    objects=f"/crm/objects/{VERSION}",
    links=f"/crm/associations/{VERSION}",
    ends=f"/crm/objects/{VERSION}",
    properties=f"/crm/properties/{VERSION}",
    validations=f"/crm/property-validations/{VERSION}",
    pipelines=f"/crm/pipelines/{VERSION}",
    owners=f"/crm/owners/{VERSION}",
    schemas=f"/crm-object-schemas/{VERSION}/schemas",
    account=f"/account-info/{VERSION}/details",
    single_send=f"/marketing/transactional/{VERSION}/single-email/send",
)
_NUMBERED = _Paths(
    dated=False,
    objects="/crm/v3/objects",
    links="/crm/v4/associations",
    ends="/crm/v4/objects",
    properties="/crm/v3/properties",
    validations="/crm/v3/property-validations",
    pipelines="/crm/v3/pipelines",
    owners="/crm/v3/owners",
    schemas="/crm-object-schemas/v3/schemas",
    account="/account-info/v3/details",
    single_send="/marketing/v3/transactional/single-email/send",
)


def _objects(at: _Paths) -> Iterator[Route]:
    base = f"{at.objects}/{{type}}"
    yield Route("GET", base, api_objects.page, "read")
    yield Route("POST", base, api_objects.create, "write")
    yield Route("POST", f"{base}/search", api_search.search, "read", "search")
    yield Route("POST", f"{base}/merge", api_objects.merge, "write")
    yield Route("POST", f"{base}/batch/read", api_objects.batch_read, "read")
    yield Route("POST", f"{base}/batch/create", api_objects.batch_create, "write")
    yield Route("POST", f"{base}/batch/update", api_objects.batch_update, "write")
    yield Route("POST", f"{base}/batch/upsert", api_objects.batch_upsert, "write")
    yield Route("POST", f"{base}/batch/archive", api_objects.batch_archive, "write")
    yield Route("GET", f"{base}/{{id}}", api_objects.get, "read")
    yield Route("PATCH", f"{base}/{{id}}", api_objects.update, "write")
    yield Route("DELETE", f"{base}/{{id}}", api_objects.archive, "write")


def _associations(at: _Paths) -> Iterator[Route]:
    base = f"{at.links}/{{from}}/{{to}}"
    yield Route("GET", f"{base}/labels", associations.labels, "read")
    yield Route("POST", f"{base}/batch/read", associations.batch_read, "read", "associations")
    yield Route("POST", f"{base}/batch/create", associations.batch_create, "write", "associations")
    yield Route("POST", f"{base}/batch/associate/default", associations.batch_default, "write", "associations")
    yield Route("POST", f"{base}/batch/archive", associations.batch_archive, "write", "associations")
    yield Route("POST", f"{base}/batch/labels/archive", associations.batch_archive_labels, "write", "associations")
    ends = f"{at.ends}/{{from}}/{{id}}/associations"
    yield Route("PUT", f"{ends}/default/{{to}}/{{end}}", associations.associate_default, "write")
    yield Route("PUT", f"{ends}/{{to}}/{{end}}", associations.associate, "write")
    yield Route("DELETE", f"{ends}/{{to}}/{{end}}", associations.dissociate, "write")


def _old_associations() -> Iterator[Route]:
    """What no dated version has: the associations of one record, and those of v3."""
    ends = f"{_NUMBERED.ends}/{{from}}/{{id}}/associations"
    yield Route("GET", f"{ends}/{{to}}", associations.page, "read")
    base = "/crm/v3/associations/{from}/{to}/batch"
    yield Route("POST", f"{base}/read", associations.batch_read_v3, "read", "associations")
    yield Route("POST", f"{base}/create", associations.batch_create_v3, "write", "associations")
    yield Route("POST", f"{base}/archive", associations.batch_archive, "write", "associations")


def _definitions(at: _Paths) -> Iterator[Route]:
    properties, pipelines = f"{at.properties}/{{type}}", f"{at.pipelines}/{{type}}"
    yield Route("GET", properties, api_properties.properties, "read")
    yield Route("POST", properties, api_properties.create_property, "define")
    yield Route("POST", f"{properties}/batch/read", api_properties.batch_read, "read")
    yield Route("GET", f"{properties}/groups", api_properties.groups, "read")
    yield Route("GET", f"{properties}/{{name}}", api_properties.property_named, "read")
    yield Route("DELETE", f"{properties}/{{name}}", api_properties.archive_property, "define")
    yield Route("GET", f"{at.validations}/{{type}}", api_properties.validations, "read")
    yield Route("GET", f"{at.validations}/{{type}}/{{name}}", api_properties.validations, "read")
    yield Route("GET", pipelines, api_pipelines.pipelines, "read")
    yield Route("POST", pipelines, api_pipelines.create_pipeline, "define")
    yield Route("GET", f"{pipelines}/{{pipeline}}", api_pipelines.pipeline, "read")
    yield Route("GET", f"{pipelines}/{{pipeline}}/stages", api_pipelines.stages, "read")
    yield Route("GET", f"{pipelines}/{{pipeline}}/stages/{{stage}}", api_pipelines.stage, "read")
    yield Route("GET", at.schemas, api_metadata.schemas, "crm.schemas.custom.read")
    yield Route("POST", at.schemas, api_metadata.create_schema, "crm.schemas.custom.write")
    yield Route("GET", f"{at.schemas}/{{type}}", api_metadata.schema, "crm.schemas.custom.read")
    yield Route(
        "POST", f"{at.schemas}/{{type}}/associations", api_metadata.create_association, "crm.schemas.custom.write"
    )


def _changed_definitions(at: _Paths) -> Iterator[Route]:
    """What an admin changes, and an SDK can."""
    properties, pipelines = f"{at.properties}/{{type}}", f"{at.pipelines}/{{type}}"
    yield Route("POST", f"{properties}/batch/create", definitions.create_properties, "define")
    yield Route("POST", f"{properties}/batch/archive", definitions.archive_properties, "define")
    yield Route("POST", f"{properties}/groups", definitions.create_group, "define")
    yield Route("GET", f"{properties}/groups/{{group}}", definitions.group, "read")
    yield Route("PATCH", f"{properties}/{{name}}", definitions.update_property, "define")
    for method in ("PATCH", "PUT"):
        yield Route(method, f"{pipelines}/{{pipeline}}", definitions.update_pipeline, "define")
        yield Route(method, f"{pipelines}/{{pipeline}}/stages/{{stage}}", definitions.update_stage, "define")
    yield Route("DELETE", f"{pipelines}/{{pipeline}}", definitions.archive_pipeline, "define")
    yield Route("POST", f"{pipelines}/{{pipeline}}/stages", definitions.create_stage, "define")
    yield Route("DELETE", f"{pipelines}/{{pipeline}}/stages/{{stage}}", definitions.archive_stage, "define")
    yield Route("POST", f"{at.links}/{{from}}/{{to}}/labels", definitions.create_label, "write")


def _portal(at: _Paths) -> Iterator[Route]:
    yield Route("GET", at.owners, api_metadata.owners, "crm.objects.owners.read")
    yield Route("GET", f"{at.owners}/", api_metadata.owners, "crm.objects.owners.read")  # as the SDKs call it
    yield Route("GET", f"{at.owners}/{{id}}", api_metadata.owner, "crm.objects.owners.read")
    yield Route("GET", at.account, api_metadata.account, "oauth")
    yield Route("POST", at.single_send, api_metadata.single_send, "transactional-email")


def _email_status() -> Route:
    """What no dated version has: what became of a single email."""
    return Route("GET", "/marketing/v3/email/send-statuses/{status}", api_metadata.email_status, "transactional-email")


def _all() -> Iterator[Route]:
    for at in (_DATED, _NUMBERED):
        for route in (*_objects(at), *_associations(at), *_definitions(at), *_changed_definitions(at), *_portal(at)):
            yield Route(route.method, route.template, route.endpoint, route.scope, route.meter, at.dated)
    for route in (*_old_associations(), _email_status()):
        yield Route(route.method, route.template, route.endpoint, route.scope, route.meter, dated=False)


ROUTES = tuple(_all())

_SPLIT: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
for _route in ROUTES:
    _parts = _route.template.split("/")
    _SPLIT.setdefault((_route.method, len(_parts)), []).append((_parts, _route))


@lru_cache(maxsize=8192)
def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a request, the first that fits, and what its path names; None: nothing is there."""
    given = path.split("/")
    for wanted, route in _SPLIT.get((method, len(given)), ()):
        pairs = list(zip(wanted, given, strict=True))
        if all(part == one or (part.startswith("{") and one) for part, one in pairs):
            return route, {part[1:-1]: one for part, one in pairs if part.startswith("{")}
    return None
