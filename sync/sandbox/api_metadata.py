"""What a portal is made of, over HTTP: owners, schemas, the account; and the single email."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sync.sandbox.call import Call, answer, listing, number
from sync.sandbox.portal import UnknownTypeError
from sync.sandbox.schema import (
    COMPUTED,
    NOTE,
    OWNER,
    TASK,
    ObjectType,
    Owner,
    property_from_json,
)
from sync.sandbox.values import iso
from sync.sandbox.wire import ApiError, Response

OWNERS_PAGE = 500

_SCHEMAS_HAVE = {"allowsSensitiveProperties": bool, "searchableProperties": list, "secondaryDisplayProperties": list}
"""What a definition of a schema must have, beside what makes it one (docs/hubspot.md 1.10)."""


def owners(call: Call) -> Response:
    """The active owners, or with `archived=true` the deactivated ones."""
    limit = number(call.query("limit", "100"))
    if not 0 < limit <= OWNERS_PAGE:
        raise ApiError(400, "VALIDATION_ERROR", f"The limit must be between 1 and {OWNERS_PAGE}")
    email = call.query("email")
    chosen = [o for o in call.portal.owners.values() if o.archived is call.archived and email in ("", o.email)]
    start = max(0, number(call.query("after", "0")))
    page = chosen[start : start + limit]
    after = str(start + limit) if start + limit < len(chosen) else None
    return answer(200, listing((_owner(one) for one in page), after))


def owner(call: Call) -> Response:
    """By owner id or, with `idProperty=userId`, by user id."""
    asked, by = call.parameters["id"], call.query("idProperty", "id")
    if by not in ("id", "userId"):
        raise ApiError(400, "VALIDATION_ERROR", f"idProperty must be id or userId, not {by}")
    known = {one.id if by == "id" else str(one.user_id): one for one in call.portal.owners.values()}
    found = known.get(asked)
    if found is None or found.archived is not call.archived:
        raise ApiError(404, "OBJECT_NOT_FOUND", "resource not found")
    return answer(200, _owner(found))


def schemas(call: Call) -> Response:
    return answer(200, listing(_schema(call, one) for one in call.portal.types.values() if one.custom))


def schema(call: Call) -> Response:
    try:
        found = call.portal.type(call.parameters["type"])
    except UnknownTypeError:
        raise ApiError(404, "OBJECT_NOT_FOUND", "Unable to find the object type") from None
    return answer(200, _schema(call, found))


def create_schema(call: Call) -> Response:
    """A custom object with its properties; tasks and notes can be associated to every one, other objects if named."""
    body = call.body()
    portal = call.portal
    try:
        name, labels = str(body["name"]), body["labels"]
        group = f"{name}_information"
        properties = [property_from_json({"groupName": group, **raw}) for raw in body["properties"]]
        display = str(body["primaryDisplayProperty"])
        lacking = [wanted for wanted, kind in _SCHEMAS_HAVE.items() if not isinstance(body.get(wanted), kind)]
        required = tuple(str(one) for one in body["requiredProperties"])
        far = [portal.type(str(one)).id for one in body.get("associatedObjects") or ()]
        singular, plural = str(labels["singular"]), str(labels["plural"])
    except (KeyError, TypeError, ValueError) as error:
        raise ApiError(400, "VALIDATION_ERROR", f"Invalid schema: {error}") from error
    except UnknownTypeError as error:
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {error}") from None
    if lacking:
        raise ApiError(400, "VALIDATION_ERROR", f"Invalid schema: some required fields were not set: {lacking}")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ApiError(400, "VALIDATION_ERROR", f"{name} is not a valid name for an object")
    if not {display, *required} <= {one.name for one in properties}:
        raise ApiError(400, "VALIDATION_ERROR", "primaryDisplayProperty and requiredProperties must be properties")
    if any(name == one.name for one in portal.types.values()):
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"An object named '{name}' already exists.")
    made = portal.define_type(
        ObjectType(
            f"2-{portal.new_definition()}",
            name,
            name,
            singular,
            custom=True,
            plural_label=plural,
            groups={group},
            required=required,
            default_properties=(display,),
            display_property=display,
        )
    )
    made.properties.update({one.name: one for one in (*COMPUTED, OWNER, *properties)})
    for near in (TASK, NOTE):
        portal.define_association(near, made.id, (portal.new_definition(), portal.new_definition()))
    for other in far:
        _associate(call, made.id, other)
    return answer(201, _schema(call, made))


def create_association(call: Call) -> Response:
    body = call.body()
    try:
        near, far = call.portal.type(str(body["fromObjectTypeId"])), call.portal.type(str(body["toObjectTypeId"]))
    except (KeyError, UnknownTypeError) as error:
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {error}") from None
    if any(one.label is None for one in call.portal.association_types(near.id, far.id)):
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", "These objects are associated already")
    forward = _associate(call, near.id, far.id)
    told = {"id": str(forward), "fromObjectTypeId": near.id, "toObjectTypeId": far.id, "name": body.get("name")}
    return answer(201, told)


def _associate(call: Call, near: str, far: str) -> int:
    ids = call.portal.new_definition(), call.portal.new_definition()
    call.portal.define_association(near, far, ids, category="USER_DEFINED")
    return ids[0]


def account(call: Call) -> Response:
    details = call.portal.account
    offset = call.portal.clock.now().astimezone(ZoneInfo(details.time_zone)).utcoffset() or timedelta()
    return answer(
        200,
        {
            "portalId": details.portal_id,
            "accountType": details.kind,
            "timeZone": details.time_zone,
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "uiDomain": details.ui_domain,
            "dataHostingLocation": "na1",
            "utcOffset": _offset(offset),
            "utcOffsetMilliseconds": offset // timedelta(milliseconds=1),
        },
    )


def _offset(offset: timedelta) -> str:
    """As HubSpot writes it: `-05:00`."""
    minutes = offset // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def single_send(call: Call) -> Response:
    """One email per `sendId`, ever; a repeat is answered like the first."""
    if not call.portal.single_send:
        raise ApiError(403, "MISSING_SCOPES", "This account has no transactional email add-on")
    body = call.body()
    message: dict[str, Any] = body.get("message") or {}
    if not body.get("emailId") or not message.get("to"):
        raise ApiError(400, "VALIDATION_ERROR", "emailId and message.to are required")
    new = call.portal.send_email(
        str(body["emailId"]),
        str(message.get("sendId") or ""),
        str(message["to"]),
        message,
        body.get("customProperties") or {},
    )
    if not new and call.portal.quirks.single_send_repeat == "error":
        raise ApiError(400, "VALIDATION_ERROR", "An email with this sendId was sent before")
    now = iso(call.portal.now_ms())
    result = {"requestedAt": now, "statusId": f"status-{message.get('sendId') or now}", "status": "PENDING"}
    if not new:
        result |= {"status": "COMPLETE", "sendResult": "IDEMPOTENT_IGNORE"}
    return answer(200, result)


def email_status(call: Call) -> Response:
    """What has become of a single email, once that is told."""
    status_id = call.parameters["status"]
    quirks = call.portal.quirks
    taken = next((one for one in call.portal.emails if status_id == f"status-{one.send_id}"), None)
    if taken is None or quirks.single_send_status == "missing":
        raise ApiError(404, "OBJECT_NOT_FOUND", f"There is no status {status_id}")
    result: dict[str, object] = {"statusId": status_id, "requestedAt": iso(taken.at)}
    if call.portal.now_ms() < taken.told_at:
        return answer(200, {**result, "status": "PENDING"})
    ended = {"startedAt": iso(taken.at), "completedAt": iso(taken.told_at)}
    return answer(200, {**result, **ended, "status": "COMPLETE", "sendResult": taken.end})


def _owner(one: Owner) -> dict[str, object]:
    return {
        "id": one.id,
        "email": one.email,
        "type": one.type,
        "firstName": one.first_name,
        "lastName": one.last_name,
        "userId": None if one.archived else one.user_id,
        "userIdIncludingInactive": one.user_id,
        "createdAt": "2024-01-08T09:00:00Z",
        "updatedAt": "2025-06-02T09:00:00Z",
        "archived": one.archived,
    }


def _schema(call: Call, one: ObjectType) -> dict[str, object]:
    return {
        "id": one.id.rpartition("-")[2],
        "objectTypeId": one.id,
        "name": one.name,
        "fullyQualifiedName": one.fully_qualified_name or one.name.upper(),
        "labels": {"singular": one.label, "plural": one.plural_label or one.label},
        "primaryDisplayProperty": one.display_property,
        "requiredProperties": list(one.required),
        "searchableProperties": [one.display_property],
        "secondaryDisplayProperties": [],
        "allowsSensitiveProperties": False,
        "properties": [definition.as_json() for definition in one.properties.values()],
        "associations": [
            {
                "id": str(kind.id),
                "name": f"{one.name}_to_{other.name}",
                "fromObjectTypeId": one.id,
                "toObjectTypeId": other.id,
            }
            for other in call.portal.types.values()
            for kind in call.portal.association_types(one.id, other.id)
        ],
        "archived": False,
        "createdAt": "2024-01-08T09:00:00Z",
        "updatedAt": "2025-06-02T09:00:00Z",
    }
