"""`/crm/objects/…/search` (docs/hubspot.md 6): candidates from an index that lags."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sync.sandbox.call import JSON, Call, number
from sync.sandbox.quirks import Quirks
from sync.sandbox.records import Record
from sync.sandbox.schema import ObjectType, Property
from sync.sandbox.values import moment_ms
from sync.sandbox.wire import ApiError, Response

PAGE = 200
ALL = 10_000
CHARACTERS = 3_000
GROUPS = 5
FILTERS_IN_GROUP = 6
FILTERS = 18

Entry = tuple[Record, dict[str, str], int]
Comparable = float | str
Reader = Callable[[Entry], Comparable | None]
Predicate = Callable[[Entry], bool]


def search(call: Call) -> Response:
    object_type = call.type()
    if len(call.request.body.decode(errors="replace")) > CHARACTERS:
        raise ApiError(400, "VALIDATION_ERROR", f"The request is longer than {CHARACTERS} characters")
    body = call.body()
    limit, after = number(body.get("limit", 10)), number(body.get("after") or 0)
    if not 0 < limit <= PAGE:
        raise ApiError(400, "VALIDATION_ERROR", f"The limit must be between 1 and {PAGE}")
    if after < 0 or after + limit > ALL:
        raise ApiError(400, "VALIDATION_ERROR", f"Paging beyond {ALL} results is not supported")
    groups = _groups(object_type, body, call.portal.quirks)
    entries = call.portal.indexed(object_type.id)
    found = [entry for entry in entries if not groups or any(all(p(entry) for p in group) for group in groups)]
    _sort(object_type, found, body.get("sorts") or [])
    names = tuple(body.get("properties") or ())
    shown = ",".join(_shown(entry, names, call) for entry in found[after : after + limit])
    paging = ""
    if after + limit < len(found):
        paging = f',"paging":{{"next":{{"after":"{after + limit}"}}}}'
    text = f'{{"total":{len(found)},"results":[{shown}]{paging}}}'
    return Response(200, text.encode(), {"Content-Type": JSON})


def _shown(entry: Entry, names: tuple[str, ...], call: Call) -> str:
    """The record as the index knows it: its values of some seconds ago."""
    record, values, modified = entry
    if values is record.values and modified == record.modified and record.archived_at is None:
        return record.as_json(names, (), call.portal.quirks)
    ghost = Record(record.type, record.id, record.created, record.made_by)
    ghost.values, ghost.modified, ghost.merged = values, modified, record.merged
    return ghost.as_json(names, (), call.portal.quirks)


def _groups(object_type: ObjectType, body: Mapping[str, Any], quirks: Quirks) -> list[list[Predicate]]:
    groups = body.get("filterGroups") or []
    if body.get("filters"):
        groups = [{"filters": body["filters"]}, *groups]
    counts = [len(group.get("filters") or ()) for group in groups]
    if len(groups) > GROUPS or max(counts, default=0) > FILTERS_IN_GROUP or sum(counts) > FILTERS:
        raise ApiError(
            400,
            "VALIDATION_ERROR",
            f"At most {GROUPS} filterGroups with {FILTERS_IN_GROUP} filters each, {FILTERS} in all",
        )
    return [[_predicate(object_type, one, quirks) for one in group.get("filters") or ()] for group in groups]


def _predicate(object_type: ObjectType, raw: Mapping[str, Any], quirks: Quirks) -> Predicate:
    name, operator = str(raw.get("propertyName")), str(raw.get("operator"))
    definition = object_type.properties.get(name)
    if definition is None:
        raise ApiError(400, "VALIDATION_ERROR", f"There was a problem with the request: no property {name}")
    if name.startswith("hs_object_source") and not quirks.search_by_source:
        raise ApiError(400, "VALIDATION_ERROR", f"There was a problem with the request: {name} cannot be searched")
    read = _reader(object_type, definition)
    match operator:
        case "HAS_PROPERTY":
            return lambda entry: read(entry) is not None
        case "NOT_HAS_PROPERTY":
            return lambda entry: read(entry) is None
        case "IN" | "NOT_IN":
            values = raw.get("values")
            if not isinstance(values, list) or not values:
                raise ApiError(400, "VALIDATION_ERROR", f"{operator} needs values")
            lowered = definition.type != "string" or not quirks.search_in_wants_lower_case
            allowed = {_operand(definition, v) if lowered or v == str(v).lower() else None for v in values}
            if operator == "IN":
                return lambda entry: (value := read(entry)) is not None and value in allowed
            return lambda entry: (value := read(entry)) is not None and value not in allowed
    if raw.get("value") is None:
        raise ApiError(400, "VALIDATION_ERROR", f"{operator} needs a value")
    if operator == "CONTAINS_TOKEN":
        return _contains(read, str(raw["value"]))
    return _comparison(read, operator, _operand(definition, raw["value"]), definition, raw)


def _comparison(
    read: Reader, operator: str, operand: Comparable, definition: Property, raw: Mapping[str, Any]
) -> Predicate:
    match operator:
        case "EQ":
            return lambda entry: read(entry) == operand
        case "NEQ":
            return lambda entry: (value := read(entry)) is not None and value != operand
        case "LT":
            return lambda entry: (value := read(entry)) is not None and value < operand  # type: ignore[operator]
        case "LTE":
            return lambda entry: (value := read(entry)) is not None and value <= operand  # type: ignore[operator]
        case "GT":
            return lambda entry: (value := read(entry)) is not None and value > operand  # type: ignore[operator]
        case "GTE":
            return lambda entry: (value := read(entry)) is not None and value >= operand  # type: ignore[operator]
        case "BETWEEN":
            high = _operand(definition, raw.get("highValue"))
            return lambda entry: (value := read(entry)) is not None and operand <= value <= high  # type: ignore[operator]
    raise ApiError(400, "VALIDATION_ERROR", f"{operator} is not an operator of the search")


def _contains(read: Reader, wanted: str) -> Predicate:
    pattern = re.compile(".*".join(re.escape(part) for part in wanted.lower().split("*")))

    def contains(entry: Entry) -> bool:
        value = read(entry)
        return value is not None and any(pattern.fullmatch(word) for word in re.findall(r"\w+", str(value)))

    return contains


def _reader(object_type: ObjectType, definition: Property) -> Reader:
    """How to get the comparable value of a property from an index entry; None where it is empty."""
    name = definition.name
    if name == "hs_object_id":
        return lambda entry: entry[0].id
    if name == "hs_lastmodifieddate":
        return lambda entry: entry[2]
    if name in ("hs_object_source", "hs_object_source_id"):
        return lambda entry: _operand(definition, entry[0].value(name))
    if name in ("hs_createdate", object_type.created_property):
        return lambda entry: entry[0].created

    def read(entry: Entry) -> Comparable | None:
        value = entry[1].get(name)
        return _operand(definition, value) if value else None

    return read


def _operand(definition: Property, raw: object) -> Comparable:
    """A value of a filter or of the index, made comparable; strings are compared without their case."""
    text = str(raw)
    try:
        match definition.type:
            case "number":
                return float(text)
            case "date" | "datetime":
                return moment_ms(text)
            case "string":
                return text.lower()
    except ValueError:
        raise ApiError(400, "VALIDATION_ERROR", f"{text} is not a {definition.type}") from None
    return text


def _sort(object_type: ObjectType, found: list[Entry], sorts: list[Any]) -> None:
    if not sorts:
        found.sort(key=lambda entry: entry[0].id * 2_654_435_761 % 2**32)  # one order for all pages, but no useful one
        return
    if len(sorts) > 1:
        raise ApiError(400, "VALIDATION_ERROR", "At most one sort is supported")
    one = sorts[0]
    if isinstance(one, str):
        one = {"propertyName": one.lstrip("-"), "direction": "DESCENDING" if one.startswith("-") else "ASCENDING"}
    definition = object_type.properties.get(str(one.get("propertyName")))
    if definition is None:
        raise ApiError(400, "VALIDATION_ERROR", f"There was a problem with the request: no property {one}")
    read = _reader(object_type, definition)
    found.sort(key=lambda entry: entry[0].id)
    down = one.get("direction") == "DESCENDING"

    def key(entry: Entry) -> tuple[bool, Any]:
        value = read(entry)
        return (value is not None, 0 if value is None else value)

    found.sort(key=key, reverse=down)
