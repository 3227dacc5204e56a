"""`/crm/associations`: who belongs to whom (docs/hubspot.md 5)."""

import json
from collections.abc import Mapping
from typing import Any

from sync.sandbox.call import JSON, Call, answer, id_of, internal_error, listing, number
from sync.sandbox.portal import Link, NotFoundError
from sync.sandbox.records import Record
from sync.sandbox.schema import AssociationType, ObjectType
from sync.sandbox.wire import ApiError, Response

READ_INPUTS = 1000
WRITE_INPUTS = 2000


def labels(call: Call) -> Response:
    from_type, to_type = call.type("from"), call.type("to")
    return answer(200, listing(_told(one) for one in call.portal.association_types(from_type.id, to_type.id)))


def batch_read(call: Call) -> Response:
    """A record without associations is no empty result but an error; so is one that does not exist."""
    from_type, to_type = call.type("from"), call.type("to")
    inputs = call.inputs(call.body(), call.portal.quirks.association_inputs)
    spoilt = call.spoilt(len(inputs))
    results: list[str] = []
    empty: list[str] = []
    errors: list[dict[str, object]] = []
    gone: list[dict[str, object]] = []
    for index, one in enumerate(inputs):
        asked = str(one.get("id"))
        record = call.portal.find(from_type.id, number(asked))
        if index in spoilt:
            errors.append(internal_error().as_row({"fromObjectId": [asked]}))
        elif record is None:
            gone.append(_gone(call, from_type, asked))
        elif (links := call.portal.linked(record, to_type.id)) or call.portal.quirks.no_associations == "empty list":
            shown = asked if call.portal.quirks.merged_association_from == "asked" else str(record.id)
            results.append(_page(call, record, to_type, links, shown, number(one.get("after") or 0)))
        else:
            empty.append(asked)
    grouped = call.portal.quirks.group_no_associations
    named = [empty] if grouped and empty else [[one] for one in empty]
    absent = [*gone, *(_none_found(from_type, to_type, ids) for ids in named)]
    return call.read(results, errors, absent)


def batch_create(call: Call) -> Response:
    """Associate pairs, with the types named or the default one."""
    from_type, to_type = call.type("from"), call.type("to")
    rows = call.inputs(call.body(), WRITE_INPUTS)
    spoilt = call.spoilt(len(rows))
    results: list[str] = []
    errors: list[dict[str, object]] = []
    for index, row in enumerate(rows):
        near, far = _ends(row)
        context: dict[str, object] = {"fromObjectId": [str(near)], "toObjectId": [str(far)]}
        if index in spoilt:
            errors.append(internal_error().as_row(context))
            continue
        try:
            types = _types(call, from_type, row)
            call.portal.link(from_type.id, near, Link(to_type.id, far, types), call.actor)
        except NotFoundError as error:
            problem = ApiError(
                404, "VALIDATION_ERROR", f"{error} is not valid", sub_category="crm.associations.INVALID_OBJECT_IDS"
            )
            errors.append(problem.as_row(context))
        else:
            results.append(_made(call, from_type, near, to_type, far))
    return call.written(200 if call.dated else 201, results, errors)


def batch_default(call: Call) -> Response:
    """Associate pairs with the type that has no label."""
    results: list[str] = []
    errors: list[dict[str, object]] = []
    rows = call.inputs(call.body(), WRITE_INPUTS)
    spoilt = call.spoilt(len(rows))
    for index, row in enumerate(rows):
        near, far = _ends(row)
        context: dict[str, object] = {"fromObjectId": [str(near)], "toObjectId": [str(far)]}
        if index in spoilt:
            errors.append(internal_error().as_row(context))
            continue
        try:
            results.append(_default(call, near, far))
        except ApiError as error:
            errors.append(error.as_row(context))
    return call.batch(200, results, errors)


def associate_default(call: Call) -> Response:
    """Associate two records with the type that has no label."""
    return call.batch(200, [_default(call, number(call.parameters["id"]), number(call.parameters["end"]))])


def associate(call: Call) -> Response:
    """Associate two records with the types that the body lists."""
    from_type, to_type = call.type("from"), call.type("to")
    near, far = number(call.parameters["id"]), number(call.parameters["end"])
    types = _types(call, from_type, {"types": call.rows()})
    _link(call, from_type, near, Link(to_type.id, far, types))
    return Response(201, _made(call, from_type, near, to_type, far).encode(), {"Content-Type": JSON})


def dissociate(call: Call) -> Response:
    """Take all associations of two records away."""
    near, far = number(call.parameters["id"]), number(call.parameters["end"])
    call.portal.unlink(call.type("from").id, near, call.type("to").id, far, call.actor)
    return Response(204)


def page(call: Call) -> Response:
    """The associations of one record. None is an empty list here; a record that does not exist is a 404."""
    from_type, to_type = call.type("from"), call.type("to")
    record = call.portal.find(from_type.id, number(call.parameters["id"]))
    if record is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", "resource not found")
    start = number(call.query("after", "0"))
    told = json.loads(_page(call, record, to_type, call.portal.linked(record, to_type.id), str(record.id), start))
    following = told.get("paging", {}).get("next", {}).get("after")
    return answer(200, listing(told["to"], following))


def batch_read_v3(call: Call) -> Response:
    """The same as `batch_read`, as v3 tells it: ends with the name of their type, and none as an error."""
    from_type, to_type = call.type("from"), call.type("to")
    name = f"{from_type.name}_to_{to_type.name}"
    results: list[str] = []
    errors: list[dict[str, object]] = []
    for one in call.inputs(call.body(), READ_INPUTS):
        record = call.portal.find(from_type.id, number(one.get("id")))
        links = {} if record is None else call.portal.linked(record, to_type.id)
        if links:
            ends = [{"id": str(far), "type": name} for far in links]
            results.append(json.dumps({"from": {"id": str(one.get("id"))}, "to": ends}))
        else:
            errors.append(_none_found(from_type, to_type, [str(one.get("id"))]))
    return call.batch(200, results, errors)


def batch_create_v3(call: Call) -> Response:
    """Associate pairs with the type that has no label, whatever `type` says."""
    from_type, to_type = call.type("from"), call.type("to")
    results: list[str] = []
    for row in call.inputs(call.body(), WRITE_INPUTS):
        near, far = _ends(row)
        _link(call, from_type, near, Link(to_type.id, far, ()))
        told = {"from": {"id": str(near)}, "to": {"id": str(far)}, "type": f"{from_type.name}_to_{to_type.name}"}
        results.append(json.dumps(told))
    return call.batch(201, results)


def batch_archive(call: Call) -> Response:
    """Take all associations of these pairs away."""
    from_type, to_type = call.type("from"), call.type("to")
    for row in call.inputs(call.body(), WRITE_INPUTS):
        near = id_of(row.get("from"))
        ends = row.get("to", ())
        for end in ends if isinstance(ends, list) else [ends]:
            call.portal.unlink(from_type.id, near, to_type.id, id_of(end), call.actor)
    return _void(call)


def batch_archive_labels(call: Call) -> Response:
    """Take single types away, and leave the association."""
    from_type, to_type = call.type("from"), call.type("to")
    for row in call.inputs(call.body(), WRITE_INPUTS):
        near, far = _ends(row)
        for one in _types(call, from_type, row):
            call.portal.unlink(from_type.id, near, to_type.id, far, call.actor, one)
    return _void(call)


def _void(call: Call) -> Response:
    """Nothing to tell: an empty batch since the dated versions, and no body at all before."""
    return call.batch(200, []) if call.dated else Response(204)


def _default(call: Call, near: int, far: int) -> str:
    """Associate two records, and tell with which type."""
    from_type, to_type = call.type("from"), call.type("to")
    _link(call, from_type, near, Link(to_type.id, far, ()))
    kind = call.portal.default_association(from_type.id, to_type.id)
    spec = {"associationCategory": kind.category, "associationTypeId": kind.id}
    return json.dumps({"from": {"id": str(near)}, "to": {"id": str(far)}, "associationSpec": spec})


def _link(call: Call, from_type: ObjectType, near: int, link: Link) -> None:
    try:
        call.portal.link(from_type.id, near, link, call.actor)
    except NotFoundError as error:
        sub_category = "crm.associations.INVALID_OBJECT_IDS"
        raise ApiError(404, "VALIDATION_ERROR", f"{error} is not valid", sub_category=sub_category) from error


def _told(one: AssociationType) -> dict[str, object]:
    return {"category": one.category, "typeId": one.id, "label": one.label}


def _ends(row: Mapping[str, Any]) -> tuple[int, int]:
    return id_of(row.get("from")), id_of(row.get("to"))


def _types(call: Call, from_type: ObjectType, row: Mapping[str, Any]) -> tuple[int, ...]:
    named = row.get("types") or ()
    for one in named:
        kind = call.portal.association_type(from_type.id, number(one.get("associationTypeId")))
        if kind is None or kind.category != one.get("associationCategory"):
            raise ApiError(
                400, "VALIDATION_ERROR", f"{one} is no association type", sub_category="crm.associations.INVALID_TYPE"
            )
    return tuple(number(one.get("associationTypeId")) for one in named)


def _page(
    call: Call, record: Record, to_type: ObjectType, links: Mapping[int, set[int]], shown: str, start: int
) -> str:
    size = call.association_page
    ids = list(links)[start : start + size]
    call.random.shuffle(ids)
    quoted = call.portal.quirks.association_ids == "string"
    ends = []
    for to_id in ids:
        kinds = [call.portal.association_type(record.type.id, one) for one in sorted(links[to_id])]
        ends.append(
            {
                "toObjectId": str(to_id) if quoted else to_id,
                "associationTypes": [_told(kind) for kind in kinds if kind is not None],
            }
        )
    result: dict[str, object] = {"from": {"id": shown}, "to": ends}
    if start + size < len(links):
        after = str(start + size)
        link = f"/crm/objects/2026-09/{record.type.id}/{record.id}/associations/{to_type.id}?after={after}"
        result["paging"] = {"next": {"after": after, "link": link}}
    return json.dumps(result)


def _made(call: Call, from_type: ObjectType, near: int, to_type: ObjectType, far: int) -> str:
    record = call.portal.get(from_type.id, near)
    survivor = call.portal.get(to_type.id, far).id
    kinds = [
        call.portal.association_type(from_type.id, one)
        for one in sorted(call.portal.linked(record, to_type.id)[survivor])
    ]
    quoted = call.portal.quirks.association_ids == "string"
    return json.dumps(
        {
            "fromObjectTypeId": from_type.id,
            "fromObjectId": str(near) if quoted else near,
            "toObjectTypeId": to_type.id,
            "toObjectId": str(far) if quoted else far,
            "labels": [kind.label for kind in kinds if kind is not None and kind.label],
        }
    )


def _none_found(from_type: ObjectType, to_type: ObjectType, ids: list[str]) -> dict[str, object]:
    message = f"No {to_type.name} is associated with {from_type.name} {', '.join(ids)}."
    error = ApiError(404, "OBJECT_NOT_FOUND", message, sub_category="crm.associations.NO_ASSOCIATIONS_FOUND")
    return error.as_row({"fromObjectId": ids, "fromObjectType": [from_type.name], "toObjectType": [to_type.name]})


def _gone(call: Call, from_type: ObjectType, asked: str) -> dict[str, object]:
    error = ApiError(
        404,
        "OBJECT_NOT_FOUND",
        f"{from_type.name.upper()}={asked} is not valid",
        sub_category=call.portal.quirks.missing_association_sub_category,
    )
    return error.as_row({"fromObjectId": [asked], "fromObjectType": [from_type.name]})
