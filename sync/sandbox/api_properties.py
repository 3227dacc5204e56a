"""`/crm/properties`: what the records of an object type can hold (docs/hubspot.md 7)."""

from collections.abc import Mapping

from sync.sandbox.call import Call, answer, listing
from sync.sandbox.portal import ConflictError
from sync.sandbox.schema import TASK, Property, property_from_json
from sync.sandbox.values import iso
from sync.sandbox.wire import ApiError, Response


def properties(call: Call) -> Response:
    """Those of one sensitivity; of the sensitive ones only where the app may read them (docs/hubspot.md 4.8)."""
    object_type = call.type()
    wanted = call.query("dataSensitivity") or "non_sensitive"
    if wanted != "non_sensitive" and not object_type.shows_sensitive:
        base = "crm.objects.custom" if object_type.custom else object_type.plural
        context = {"requiredGranularScopes": [f"{base}.{wanted}.read.v2"]}
        raise ApiError(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes.", context=context)
    shown = object_type.archived_properties if call.archived else object_type.properties
    told = (one for one in shown.values() if one.sensitivity == wanted)
    return answer(200, listing(one.as_json(archived=call.archived) for one in told))


def property_named(call: Call) -> Response:
    definition = _found(call, call.parameters["name"])
    if definition is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"Property {call.parameters['name']} does not exist")
    return answer(200, definition.as_json(archived=call.archived))


def create_property(call: Call) -> Response:
    return answer(201, create(call, call.body()).as_json())


def create(call: Call, raw: Mapping[str, object]) -> Property:
    """Define a property. Raises `ApiError`, as HubSpot does."""
    object_type = call.type()
    try:
        definition = property_from_json(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise ApiError(400, "VALIDATION_ERROR", f"Invalid property definition: {error}") from error
    if definition.group not in object_type.groups:
        raise ApiError(400, "VALIDATION_ERROR", f"Property group {definition.group} does not exist")
    allowed = call.portal.quirks.task_properties if object_type.id == TASK else "accepted"
    if allowed == "refused":
        raise ApiError(400, "VALIDATION_ERROR", "Custom properties are not supported for this object type")
    if allowed == "visible" and definition.hidden:
        raise ApiError(400, "VALIDATION_ERROR", "hidden is not supported for this object type")
    if definition.unique and object_type.id == TASK and not call.portal.quirks.unique_task_property:
        raise ApiError(400, "VALIDATION_ERROR", "hasUniqueValue is not supported for this object type")
    try:
        call.portal.define_property(object_type.id, definition)
    except ConflictError as error:
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"A property named '{error}' already exists.") from error
    return definition


def archive_property(call: Call) -> Response:
    """204; its values stay, and no answer shows them."""
    name = call.parameters["name"]
    if name not in call.type().properties:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist")
    call.portal.archive_property(call.type().id, name)
    return Response(204)


def batch_read(call: Call) -> Response:
    """Properties by name; one that does not exist is an error of its own."""
    body = call.body()
    found, errors = [], []
    for one in call.inputs(body, 100):
        definition = _found(call, str(one.get("name")), archived=body.get("archived") is True)
        if definition is None:
            error = ApiError(404, "OBJECT_NOT_FOUND", f"Property {one.get('name')} does not exist")
            errors.append(error.as_row({"name": [str(one.get("name"))]}))
        else:
            found.append(definition.as_json(archived=body.get("archived") is True))
    now = iso(call.portal.now_ms())
    told: dict[str, object] = {"status": "COMPLETE", "results": found, "startedAt": now, "completedAt": now}
    if errors:
        told |= {"numErrors": len(errors), "errors": errors}
    return answer(207 if errors else 200, told)


def groups(call: Call) -> Response:
    shown = (
        {"name": name, "label": name, "displayOrder": n, "archived": False} for n, name in enumerate(_groups(call))
    )
    return answer(200, listing(shown))


def validations(call: Call) -> Response:
    """The admin's validation rules of an object's properties (docs/hubspot.md 4.11)."""
    rules: dict[str, list[dict[str, object]]] = {}
    for rule in call.portal.rules:
        if rule.type == call.type().id:
            told = {"ruleType": "REGEX", "ruleArguments": [rule.pattern], "shouldApplyNormalization": False}
            rules.setdefault(rule.property, []).append(told)
    wanted = call.parameters.get("name")
    if wanted is not None:
        return answer(200, listing(rules.get(wanted, [])))
    return answer(200, listing({"propertyName": name, "propertyValidationRules": one} for name, one in rules.items()))


def _groups(call: Call) -> list[str]:
    return sorted(call.type().groups)


def _found(call: Call, name: str, *, archived: bool | None = None) -> Property | None:
    object_type = call.type()
    wanted = call.archived if archived is None else archived
    return (object_type.archived_properties if wanted else object_type.properties).get(name)
