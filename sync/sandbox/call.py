"""One call on its way through the API: what the endpoints get, and the answers they have in common."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sync.sandbox.portal import NotFoundError, Portal, PortalError, RefusedWriteError, UnknownTypeError
from sync.sandbox.schema import Actor, ObjectType
from sync.sandbox.values import iso
from sync.sandbox.wire import ApiError, Request, Response

JSON = "application/json;charset=utf-8"


@dataclass(slots=True)
class Call:
    """`spoil` is the share of a batch's inputs that a `partial` fault makes fail; `counted` the size of the batch.

    `dated`: the path is one of the version `2026-09`, not of v3 or v4.
    """

    portal: Portal
    request: Request
    parameters: Mapping[str, str]
    actor: Actor
    random: random.Random
    association_page: int
    correlation_id: str
    spoil: float = 0.0
    counted: int = 1
    dated: bool = True

    def type(self, name: str = "type") -> ObjectType:
        """The object type that the path names. Raises `ApiError` 400, as HubSpot does.

        A custom object is named by its type id or its fully qualified name, no longer by its name (docs/hubspot.md 1.7).
        """
        named = self.parameters[name]
        with suppress(UnknownTypeError):
            found = self.portal.type(named)
            if not found.custom or named.lower() in (found.id, found.fully_qualified_name.lower()):
                return found
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {named}")

    def query(self, name: str, default: str = "") -> str:
        return self.request.parameters().get(name, [default])[0]

    @property
    def archived(self) -> bool:
        """Whether archived things are asked for, and no others: `archived=true`."""
        return self.query("archived").lower() == "true"  # the SDK writes True

    def names(self, name: str) -> tuple[str, ...]:
        """A query parameter that lists property names, repeated or comma-separated."""
        given = self.request.parameters().get(name, [])
        return tuple(part.strip() for one in given for part in one.split(",") if part.strip())

    def body(self) -> dict[str, Any]:
        """The JSON object sent. Raises `ApiError` 400."""
        parsed = self._parsed()
        if not isinstance(parsed, dict):
            raise ApiError(400, "VALIDATION_ERROR", "Invalid input JSON: not an object")
        return parsed

    def rows(self) -> list[dict[str, Any]]:
        """The JSON list of objects sent. Raises `ApiError` 400."""
        parsed = self._parsed()
        if not isinstance(parsed, list) or not all(isinstance(one, dict) for one in parsed):
            raise ApiError(400, "VALIDATION_ERROR", "Invalid input JSON: not a list of objects")
        return parsed

    def _parsed(self) -> Any:
        try:
            return json.loads(self.request.body)
        except ValueError as error:
            raise ApiError(400, "VALIDATION_ERROR", f"Invalid input JSON: {error}") from None

    def inputs(self, body: Mapping[str, Any], most: int, what: str = "a batch request") -> list[dict[str, Any]]:
        """The inputs of a batch. Raises `ApiError` 400 beyond the limit, and for what is no list of objects."""
        inputs = body.get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise ApiError(400, "VALIDATION_ERROR", "Invalid input JSON: inputs must be a list of objects")
        self.counted = len(inputs)
        if len(inputs) > most:
            message = f"The maximum number of inputs supported in {what} is {most}, but received {len(inputs)}"
            raise ApiError(400, "VALIDATION_ERROR", message)
        return inputs

    def spoilt(self, count: int) -> set[int]:
        """Which inputs of a batch a `partial` fault makes fail."""
        if not self.spoil or not count:
            return set()
        return set(self.random.sample(range(count), max(1, min(count, round(count * self.spoil)))))

    def read(
        self, results: Sequence[str], failed: Sequence[Mapping[str, object]], absent: Sequence[Mapping[str, object]]
    ) -> Response:
        """A batch read's answer; `absent` are the errors for what is not there, which a quirk leaves out."""
        told = self.portal.quirks.batch_read_problems
        response = self.batch(200, results, failed if told == "left out" else [*absent, *failed])
        if told == "200":
            response.status = 200
        return response

    def written(self, status: int, results: Sequence[str], errors: Sequence[Mapping[str, object]]) -> Response:
        """A batch write's answer; a quirk says how it tells of `errors`."""
        told = self.portal.quirks.batch_write_problems
        response = self.batch(status, results, () if told == "left out" else errors)
        if told == "200":
            response.status = status
        return response

    def batch(self, status: int, results: Sequence[str], errors: Sequence[Mapping[str, object]] = ()) -> Response:
        """A batch's answer: `status`, or 207 where there are errors. The order of the results is no order."""
        shuffled = list(results)
        self.random.shuffle(shuffled)
        now = iso(self.portal.now_ms())
        text = f'{{"status":"COMPLETE","results":[{",".join(shuffled)}],"startedAt":"{now}","completedAt":"{now}"'
        if errors:
            text += f',"numErrors":{len(errors)},"errors":{json.dumps(list(errors))}'
        return Response(207 if errors else status, (text + "}").encode(), {"Content-Type": JSON})


def answer(status: int, body: object) -> Response:
    return Response(status, json.dumps(body).encode(), {"Content-Type": JSON})


def listing(results: Iterable[object], after: str | None = None) -> dict[str, object]:
    """A page of a collection."""
    body: dict[str, object] = {"results": list(results)}
    if after is not None:
        body["paging"] = {"next": {"after": after, "link": f"?after={after}"}}
    return body


def number(value: object) -> int:
    """A record id; what is not one gives -1, which no record has."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else -1


def id_of(end: object) -> int:
    """The record id of `{"id": …}`; -1 for anything else."""
    return number(end.get("id")) if isinstance(end, dict) else -1


def internal_error() -> ApiError:
    """What a spoilt input of a batch fails with: not the input's fault, and worth another try."""
    return ApiError(500, "INTERNAL_ERROR", "internal error")


def refused(error: PortalError, portal: Portal, object_type: ObjectType) -> ApiError:
    """HubSpot's answer to a write that the portal refuses."""
    if isinstance(error, NotFoundError):
        return ApiError(404, "OBJECT_NOT_FOUND", f"Object not found: {error}")
    if not isinstance(error, RefusedWriteError):
        return ApiError(400, "VALIDATION_ERROR", str(error))
    taken = [p for p in error.problems if p.code == "CONFLICTING_UNIQUE_VALUE"]
    if taken and portal.quirks.unique_refused_as == "409":
        holder = taken[0].message.partition(" ")[0]
        return ApiError(409, "CONFLICT", f"{object_type.name.capitalize()} already exists. Existing ID: {holder}")
    errors: list[dict[str, object]] = [
        {"message": p.message, "code": p.code, "context": {"propertyName": [p.property]}} for p in error.problems
    ]
    if error.missing and len(error.missing) == len(error.problems):
        message = f"Error creating {object_type.name.upper()}. Some required properties were not set."
        return ApiError(400, "VALIDATION_ERROR", message, context={"properties": list(error.missing)}, errors=errors)
    details = [
        {
            "isValid": False,
            "message": p.message,
            "error": p.code,
            "name": p.property,
            "localizedErrorMessage": p.message,
            "portalId": portal.account.portal_id,
        }
        for p in error.problems
    ]
    message = f"Property values were not valid: {json.dumps(details)}"
    return ApiError(400, "VALIDATION_ERROR", message, errors=errors)
