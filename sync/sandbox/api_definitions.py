"""What an admin changes of a portal, over HTTP: properties and their groups, pipelines and stages, labels of associations.

The service itself changes none of it; the official SDK can.
"""

from dataclasses import replace
from typing import Any

from sync.sandbox import api_pipelines
from sync.sandbox.api_properties import create
from sync.sandbox.call import Call, answer, listing, number
from sync.sandbox.portal import NotFoundError
from sync.sandbox.schema import Pipeline, Property, Stage
from sync.sandbox.values import iso
from sync.sandbox.wire import ApiError, Response

BATCH = 100


def update_property(call: Call) -> Response:
    """Change label, description, options or visibility."""
    object_type = call.type()
    name, body = call.parameters["name"], call.body()
    known = object_type.properties.get(name)
    if known is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist")
    if known.hubspot_defined:
        raise ApiError(400, "VALIDATION_ERROR", f"Property {name} is HubSpot's own: its definition is read only")
    changed = object_type.properties[name] = _redefined(known, body)
    return answer(200, changed.as_json())


def create_properties(call: Call) -> Response:
    """Make several, or none if one of them cannot be made."""
    made = [create(call, one) for one in call.inputs(call.body(), BATCH)]
    return _batch(call, 201, [one.as_json() for one in made])


def archive_properties(call: Call) -> Response:
    for one in call.inputs(call.body(), BATCH):
        try:
            call.portal.archive_property(call.type().id, str(one.get("name")))
        except NotFoundError as error:
            raise ApiError(404, "OBJECT_NOT_FOUND", f"{error} does not exist") from error
    return Response(204)


def group(call: Call) -> Response:
    return answer(200, _group(call, call.parameters["group"]))


def create_group(call: Call) -> Response:
    name = str(call.body().get("name") or "")
    if not name:
        raise ApiError(400, "VALIDATION_ERROR", "A group needs a name")
    if name in call.type().groups:
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"A property group named '{name}' already exists.")
    call.type().groups.add(name)
    return answer(201, _group(call, name))


def update_pipeline(call: Call) -> Response:
    """Change the label; `PUT` replaces the stages too."""
    known, order = api_pipelines.found(call)
    body = call.body()
    changed = replace(known, label=str(body.get("label", known.label)))
    if call.request.method == "PUT":
        rows = sorted(body.get("stages") or (), key=lambda one: int(one["displayOrder"]))
        changed = replace(changed, stages=tuple(_stage(call, one) for one in rows))
    return answer(200, api_pipelines.shown(call, _kept(call, changed), order))


def archive_pipeline(call: Call) -> Response:
    """204. One with records in it is refused."""
    known, _ = api_pipelines.found(call)
    for stage in known.stages:
        _refuse_if_used(call, stage)
    del call.portal.pipelines[call.type().id][known.id]
    return Response(204)


def create_stage(call: Call) -> Response:
    known, _ = api_pipelines.found(call)
    body = call.body()
    made = _stage(call, body)
    stages = list(known.stages)
    stages.insert(int(body.get("displayOrder", len(stages))), made)
    changed = _kept(call, replace(known, stages=tuple(stages)))
    return answer(201, api_pipelines.shown_stage(call, made, changed.stages.index(made)))


def update_stage(call: Call) -> Response:
    """Change label or state."""
    known, _ = api_pipelines.found(call)
    stage, body = _found_stage(call, known), call.body()
    changed = replace(stage, label=str(body.get("label", stage.label)), closed=_closed(body, stage.closed))
    stages = tuple(changed if one is stage else one for one in known.stages)
    _kept(call, replace(known, stages=stages))
    return answer(200, api_pipelines.shown_stage(call, changed, stages.index(changed)))


def archive_stage(call: Call) -> Response:
    """204. One with records in it is refused."""
    known, _ = api_pipelines.found(call)
    stage = _found_stage(call, known)
    _refuse_if_used(call, stage)
    _kept(call, replace(known, stages=tuple(one for one in known.stages if one is not stage)))
    return Response(204)


def create_label(call: Call) -> Response:
    """Make a label for the associations of two objects, both ways; a portal numbers it."""
    near, far = call.type("from"), call.type("to")
    body = call.body()
    label = str(body.get("label") or "")
    if not label or any(one.label == label for one in call.portal.association_types(near.id, far.id)):
        raise ApiError(400, "VALIDATION_ERROR", f"The label '{label}' is empty or taken")
    ids = call.portal.new_definition(), call.portal.new_definition()
    call.portal.define_association(near.id, far.id, ids, label=label, category="USER_DEFINED")
    back = str(body.get("inverseLabel") or label)
    told = [
        {"category": "USER_DEFINED", "typeId": one, "label": text} for one, text in zip(ids, (label, back), strict=True)
    ]
    return answer(200, listing(told))


def _redefined(known: Property, body: dict[str, Any]) -> Property:
    changed = replace(
        known,
        label=str(body.get("label", known.label)),
        description=str(body.get("description", known.description)),
        hidden=bool(body.get("hidden", known.hidden)),
    )
    if "options" in body:
        changed = replace(changed, options=tuple((str(one["value"]), str(one["label"])) for one in body["options"]))
    return changed


def _group(call: Call, name: str) -> dict[str, object]:
    names = sorted(call.type().groups)
    if name not in names:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"Property group {name} does not exist")
    return {"name": name, "label": name, "displayOrder": names.index(name), "archived": False}


def _batch(call: Call, status: int, results: list[dict[str, object]]) -> Response:
    now = iso(call.portal.now_ms())
    return answer(status, {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now})


def _kept(call: Call, pipeline: Pipeline) -> Pipeline:
    call.portal.define_pipeline(call.type().id, pipeline)
    return pipeline


def _stage(call: Call, raw: dict[str, Any]) -> Stage:
    made = number(raw.get("stageId"))
    return Stage(str(made if made > 0 else call.portal.new_definition()), str(raw["label"]), closed=_closed(raw, False))


def _closed(raw: dict[str, Any], known: bool) -> bool:
    metadata = raw.get("metadata") or {}
    return bool(metadata["ticketState"] == "CLOSED") if "ticketState" in metadata else known


def _found_stage(call: Call, pipeline: Pipeline) -> Stage:
    for one in pipeline.stages:
        if one.id == call.parameters["stage"]:
            return one
    raise ApiError(404, "OBJECT_NOT_FOUND", f"Stage {call.parameters['stage']} does not exist")


def _refuse_if_used(call: Call, stage: Stage) -> None:
    if any(one.value("hs_pipeline_stage") == stage.id for one in call.portal.records(call.type().id)):
        raise ApiError(400, "VALIDATION_ERROR", f"The stage {stage.label} ({stage.id}) has records in it")
