"""`/crm/objects`: single records and batches (docs/hubspot.md 4)."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sync.sandbox.call import JSON, Call, id_of, internal_error, number, refused
from sync.sandbox.portal import Link, PortalError
from sync.sandbox.records import Record
from sync.sandbox.schema import ObjectType
from sync.sandbox.wire import ApiError, Response

BATCH = 100
BATCH_WITH_HISTORY = 50
PAGE = 100


def get(call: Call) -> Response:
    object_type = call.type()
    record = _identified(call, object_type, call.parameters["id"], call.query("idProperty") or None)
    if record is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", "resource not found")
    text = record.as_json(call.names("properties"), call.names("propertiesWithHistory"), call.portal.quirks)
    return Response(200, _with_ends(call, record, text).encode(), {"Content-Type": JSON})


def page(call: Call) -> Response:
    """All records of a type by rising id, 100 a page (50 with history)."""
    object_type = call.type()
    history = call.names("propertiesWithHistory")
    most = BATCH_WITH_HISTORY if history else PAGE
    limit = number(call.query("limit", "10"))
    if not 0 < limit <= most:
        raise ApiError(400, "VALIDATION_ERROR", f"The requested limit {limit} is not between 1 and {most}")
    after = number(call.query("after", "0"))
    records = [r for r in call.portal.records(object_type.id, archived=call.archived) if r.id >= after]
    records.sort(key=lambda record: record.id)
    names = call.names("properties")
    shown = ",".join(_with_ends(call, r, r.as_json(names, history, call.portal.quirks)) for r in records[:limit])
    paging = ""
    if len(records) > limit:
        paging = f',"paging":{{"next":{{"after":"{records[limit].id}","link":"?after={records[limit].id}"}}}}'
    return Response(200, f'{{"results":[{shown}]{paging}}}'.encode(), {"Content-Type": JSON})


def create(call: Call) -> Response:
    object_type = call.type()
    try:
        record = _make(call, object_type, call.body())
    except PortalError as error:
        raise refused(error, call.portal, object_type) from error
    return _one(call, 201, record, tuple(record.values))


def update(call: Call) -> Response:
    object_type = call.type()
    properties = _properties(call.body())
    found = _identified(call, object_type, call.parameters["id"], call.query("idProperty") or None)
    if found is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"Object not found: {object_type.name} {call.parameters['id']}")
    try:
        record = call.portal.update(object_type.id, found.id, properties, call.actor)
    except PortalError as error:
        raise refused(error, call.portal, object_type) from error
    return _one(call, 200, record, tuple(properties))


def archive(call: Call) -> Response:
    """204, also for what is archived already or never was: a deletion can be repeated."""
    object_type = call.type()
    with suppress(PortalError):
        call.portal.archive(object_type.id, number(call.parameters["id"]), call.actor)
    return Response(204)


def merge(call: Call) -> Response:
    """Merge one record into another; the answer is the one that is left (docs/hubspot.md 4.12)."""
    object_type = call.type()
    body = call.body()
    try:
        made = call.portal.merge(
            object_type.id, number(body.get("primaryObjectId")), number(body.get("objectIdToMerge")), call.actor
        )
    except PortalError as error:
        raise refused(error, call.portal, object_type) from error
    return _one(call, 200, made, ())


def batch_read(call: Call) -> Response:
    object_type = call.type()
    body = call.body()
    history = tuple(body.get("propertiesWithHistory") or ())
    if history:
        inputs = call.inputs(body, BATCH_WITH_HISTORY, "a batch request for property histories")
    else:
        inputs = call.inputs(body, BATCH)
    names = tuple(body.get("properties") or ())
    _unknown_properties(call, object_type, (*names, *history))
    found: dict[int, list[Record]] = {}
    missing: list[str] = []
    spoilt = call.spoilt(len(inputs))
    failed = [str(inputs[index].get("id")) for index in sorted(spoilt)]
    wanted = dict.fromkeys(str(one.get("id")) for index, one in enumerate(inputs) if index not in spoilt)
    for one in wanted:
        record = _identified(call, object_type, one, body.get("idProperty"))
        if record is None:
            missing.append(one)
        elif call.portal.quirks.merged_read_duplicates:
            found.setdefault(record.id, []).append(record)
        else:
            found[record.id] = [record]
    errors = [internal_error().as_row({"ids": failed})] if failed else []
    quirks = call.portal.quirks
    shown = [record.as_json(names, history, quirks) for records in found.values() for record in records]
    return call.read(shown, errors, _missing(call, object_type, missing))


def batch_create(call: Call) -> Response:
    """A 207 only if every input has its own `objectWriteTraceId`; else one bad row fails the whole call."""
    object_type = call.type()
    rows = call.inputs(call.body(), BATCH)
    errors = {
        index: problem
        for index, row in enumerate(rows)
        if (problem := _cannot_make(call, object_type, row)) is not None
    }
    errors |= {index: internal_error() for index in call.spoilt(len(rows))}
    _whole_or_rows(call.portal.quirks.create_partial_failure, rows, errors)
    results: list[str] = []
    for index, row in enumerate(rows):
        if index in errors:
            continue
        try:
            record = _make(call, object_type, row)
        except PortalError as error:  # two rows of one batch may claim one unique value
            errors[index] = refused(error, call.portal, object_type)
        else:
            results.append(_with_trace(call, record, row, tuple(record.values)))
    return call.written(201, results, [errors[index].as_row(_trace(rows[index])) for index in sorted(errors)])


def batch_update(call: Call) -> Response:
    """Missing ids are 207 errors, one naming several; other bad rows follow the rule of create (a quirk)."""
    object_type = call.type()
    rows = call.inputs(call.body(), BATCH)
    ids = [str(row.get("id")) for row in rows]
    if len(set(ids)) != len(ids):
        raise ApiError(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input. IDs must be unique")
    records = {index: call.portal.find(object_type.id, number(one)) for index, one in enumerate(ids)}
    missing = [ids[index] for index, record in records.items() if record is None]
    errors: dict[int, ApiError] = {}
    for index, record in records.items():
        if record is not None:
            try:
                call.portal.validate(object_type, record, _properties(rows[index]), call.actor)
            except PortalError as error:
                errors[index] = refused(error, call.portal, object_type)
    errors |= {index: internal_error() for index in call.spoilt(len(rows)) if records[index] is not None}
    _whole_or_rows(call.portal.quirks.update_partial_failure, rows, errors)
    results: list[str] = []
    for index, record in records.items():
        if record is not None and index not in errors:
            properties = _properties(rows[index])
            call.portal.update(object_type.id, record.id, properties, call.actor)
            results.append(_with_trace(call, record, rows[index], tuple(properties)))
    told = [errors[index].as_row({**_trace(rows[index]), "ids": [ids[index]]}) for index in sorted(errors)]
    return call.written(200, results, [*_missing(call, object_type, missing), *told])


def batch_upsert(call: Call) -> Response:
    """Update the records that have a value of a unique property, and create those that none has."""
    object_type = call.type()
    rows = call.inputs(call.body(), BATCH)
    wanted = []
    for row in rows:
        name = row.get("idProperty")
        held = _identified(call, object_type, str(row.get("id")), name)
        if held is None and name in (None, "hs_object_id"):
            raise ApiError(404, "OBJECT_NOT_FOUND", f"Object not found: {object_type.name} {row.get('id')}")
        properties = _properties(row) if held else {str(name): row.get("id"), **_properties(row)}
        wanted.append((held, properties))
    try:
        for held, properties in wanted:
            call.portal.validate(object_type, held, properties, call.actor)
        results = [_put(call, object_type, held, properties) for held, properties in wanted]
    except PortalError as error:
        raise refused(error, call.portal, object_type) from error
    return call.batch(200, results)


def batch_archive(call: Call) -> Response:
    object_type = call.type()
    for one in call.inputs(call.body(), BATCH):
        with suppress(PortalError):
            call.portal.archive(object_type.id, id_of(one), call.actor)
    return Response(204)


def _put(call: Call, object_type: ObjectType, held: Record | None, properties: Mapping[str, Any]) -> str:
    if held is None:
        record = call.portal.create(object_type.id, properties, call.actor)
    else:
        record = call.portal.update(object_type.id, held.id, properties, call.actor)
    text = record.as_json(tuple(properties), (), call.portal.quirks)
    return f'{text[:-1]},"new":{json.dumps(held is None)}}}'


def _with_ends(call: Call, record: Record, text: str) -> str:
    """The record with what the query's `associations` asks for: ids and kinds of association, by object."""
    told = {}
    for name in call.names("associations"):
        other = call.portal.type(name)
        kinds = f"{record.type.name}_to_{other.name}"
        found = [{"id": str(one), "type": kinds} for one in call.portal.linked(record, other.id)]
        if found:
            told[other.fully_qualified_name or other.plural] = {"results": found}
    return f'{text[:-1]},"associations":{json.dumps(told)}}}' if told else text


def _one(call: Call, status: int, record: Record, names: tuple[str, ...], history: tuple[str, ...] = ()) -> Response:
    text = record.as_json(names, history, call.portal.quirks)
    return Response(status, text.encode(), {"Content-Type": JSON})


def _unknown_properties(call: Call, object_type: ObjectType, names: Iterable[str]) -> None:
    unknown = [name for name in names if name not in object_type.properties]
    if unknown and call.portal.quirks.unknown_property_read == "refused":
        raise ApiError(400, "VALIDATION_ERROR", f"Properties that do not exist: {', '.join(unknown)}")


def _identified(call: Call, object_type: ObjectType, one: str, id_property: str | None) -> Record | None:
    """The record of that id, or of that value of a unique property; with `archived=true`, of the archived ones."""
    if id_property is None or id_property == "hs_object_id":
        return call.portal.find(object_type.id, number(one), archived=call.archived)
    definition = object_type.properties.get(id_property)
    if definition is None or not definition.unique:
        raise ApiError(400, "VALIDATION_ERROR", f"{id_property} is not a unique property")
    return call.portal.by_unique(object_type.id, id_property, one)


def _properties(row: Mapping[str, Any]) -> dict[str, object]:
    properties = row.get("properties") or {}
    if not isinstance(properties, dict):
        raise ApiError(400, "VALIDATION_ERROR", "Invalid input JSON: properties must be an object")
    return properties


def _links(call: Call, object_type: ObjectType, row: Mapping[str, Any]) -> list[Link]:
    links = []
    for one in row.get("associations") or ():
        types = []
        to_type = ""
        for named in one.get("types") or ():
            kind = call.portal.association_type(object_type.id, number(named.get("associationTypeId")))
            if kind is None or kind.category != named.get("associationCategory"):
                message = (
                    f"No association type {named.get('associationCategory')} {named.get('associationTypeId')} "
                    f"from {object_type.name.upper()}"
                )
                raise ApiError(400, "VALIDATION_ERROR", message, sub_category="crm.associations.INVALID_TYPE")
            to_type = kind.to_type
            types.append(kind.id)
        if not types:
            raise ApiError(400, "VALIDATION_ERROR", "associations: types must not be empty")
        links.append(Link(to_type, id_of(one.get("to")), tuple(types)))
    return links


def _make(call: Call, object_type: ObjectType, row: Mapping[str, Any]) -> Record:
    return call.portal.create(object_type.id, _properties(row), call.actor, _links(call, object_type, row))


def _cannot_make(call: Call, object_type: ObjectType, row: Mapping[str, Any]) -> ApiError | None:
    try:
        links = _links(call, object_type, row)
        call.portal.validate(object_type, None, _properties(row), call.actor)
    except ApiError as error:
        return error
    except PortalError as error:
        return refused(error, call.portal, object_type)
    if call.portal.quirks.inline_association_to_missing == "reject":
        for link in links:
            if call.portal.find(link.to_type, link.to_id) is None:
                return ApiError(
                    404, "OBJECT_NOT_FOUND", f"{call.portal.types[link.to_type].name} {link.to_id} not found"
                )
    return None


def _whole_or_rows(rule: str, rows: list[dict[str, Any]], errors: Mapping[int, ApiError]) -> None:
    """Raise the first error for the whole call, unless the rows may fail one by one."""
    traces = [row.get("objectWriteTraceId") for row in rows]
    distinct = None not in traces and len(set(traces)) == len(traces)
    if errors and not (rule == "always" or (rule == "trace" and distinct)):
        first = errors[min(errors)]
        status = 400 if first.status == 404 else first.status
        raise ApiError(status, first.category, first.message, context=first.context, errors=first.errors)


def _trace(row: Mapping[str, Any]) -> dict[str, object]:
    trace = row.get("objectWriteTraceId")
    return {} if trace is None else {"objectWriteTraceId": [trace]}


def _with_trace(call: Call, record: Record, row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    text = record.as_json(names, (), call.portal.quirks)
    trace = row.get("objectWriteTraceId")
    return text if trace is None else f'{text[:-1]},"objectWriteTraceId":{json.dumps(trace)}}}'


def _missing(call: Call, object_type: ObjectType, ids: list[str]) -> list[dict[str, object]]:
    message = (
        f"Could not get some {object_type.name.upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid."
    )
    error = ApiError(404, "OBJECT_NOT_FOUND", message)
    if not ids:
        return []
    if call.portal.quirks.group_missing_ids:
        return [error.as_row({"ids": ids})]
    return [error.as_row({"ids": [one]}) for one in ids]
