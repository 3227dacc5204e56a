"""`/crm/pipelines`: pipelines and their stages (docs/hubspot.md 7.3, 7.4)."""

from sync.sandbox.call import Call, answer, listing
from sync.sandbox.schema import Pipeline, Stage, pipeline_from_json
from sync.sandbox.wire import ApiError, Response

MADE = {"createdAt": "2024-01-08T09:00:00Z", "updatedAt": "2025-06-02T09:00:00Z", "archived": False}


def pipelines(call: Call) -> Response:
    known = call.portal.pipelines.get(call.type().id, {})
    return answer(200, listing(shown(call, one, n) for n, one in enumerate(known.values())))


def pipeline(call: Call) -> Response:
    known, order = found(call)
    return answer(200, shown(call, known, order))


def stages(call: Call) -> Response:
    known, _ = found(call)
    return answer(200, listing(_stages(call, known)))


def stage(call: Call) -> Response:
    known, _ = found(call)
    for one in _stages(call, known):
        if one["id"] == call.parameters["stage"]:
            return answer(200, one)
    raise ApiError(404, "OBJECT_NOT_FOUND", f"Stage {call.parameters['stage']} does not exist")


def create_pipeline(call: Call) -> Response:
    object_type = call.type()
    known = call.portal.pipelines.get(object_type.id, {})
    try:
        pipeline = pipeline_from_json(call.body(), lambda: str(call.portal.new_definition()))
    except (KeyError, TypeError, ValueError) as error:
        raise ApiError(400, "VALIDATION_ERROR", f"Invalid pipeline definition: {error}") from error
    if pipeline.label.casefold() in {one.label.casefold() for one in known.values()}:
        raise ApiError(409, "CONFLICT", f"A pipeline with the label '{pipeline.label}' already exists.")
    call.portal.define_pipeline(object_type.id, pipeline)
    return answer(201, shown(call, pipeline, len(known)))


def found(call: Call) -> tuple[Pipeline, int]:
    """The pipeline that the path names, and its place among those of the object."""
    for order, one in enumerate(call.portal.pipelines.get(call.type().id, {}).values()):
        if one.id == call.parameters["pipeline"]:
            return one, order
    raise ApiError(404, "OBJECT_NOT_FOUND", f"Pipeline {call.parameters['pipeline']} does not exist")


def shown(call: Call, one: Pipeline, order: int) -> dict[str, object]:
    return {"id": one.id, "label": one.label, "displayOrder": order, "stages": _stages(call, one), **MADE}


def _stages(call: Call, one: Pipeline) -> list[dict[str, object]]:
    """In no promised order: `displayOrder` tells it."""
    told = [shown_stage(call, stage, order) for order, stage in enumerate(one.stages)]
    call.random.shuffle(told)
    return told


def shown_stage(call: Call, one: Stage, order: int) -> dict[str, object]:
    facts = call.portal.quirks.stage_metadata
    metadata = {"ticketState": "CLOSED" if one.closed else "OPEN", "isClosed": str(one.closed).lower()}
    return {
        "id": one.id,
        "label": one.label,
        "displayOrder": order,
        "metadata": metadata if facts == "both" else {facts: metadata[facts]},
        "writePermissions": one.write_permissions,
        **MADE,
    }
