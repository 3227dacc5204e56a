"""Where an exchange differs from what is described."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from string import digits
from typing import Any, Literal

from jsonschema.exceptions import ValidationError

from tests.contract.openapi.descriptions import Descriptions, Operation, Schema
from tests.contract.openapi.exchanges import Exchange

VERSION = re.compile(r"v\d+|\d{4}-\d\d")
"""A part of a path that has digits, and is no id."""

Where = Literal["path", "query", "request", "status", "answer", "error"]


@dataclass(frozen=True)
class Difference:
    """One difference; two of them are the same wherever they were met.

    `at` is the place in query or body, `results[].to[].toObjectId`, with `*` for a key that is free; `what` the rule that it
    breaks, as `type` or `required links`. `sender`: whose request it was, the service's or another's (a test's, the SDK's).
    `seen` is an example, and no part of what it is.
    """

    operation: str
    where: Where
    at: str
    what: str
    seen: str = field(compare=False, default="")
    sender: Literal["service", "other"] = "other"

    def __str__(self) -> str:
        place = f" at {self.at}" if self.at else ""
        asked = " of the service" if self.where == "request" and self.sender == "service" else ""
        return f"{self.operation}: {self.where}{asked}{place}: {self.what} ({self.seen})"


def differences(exchange: Exchange, descriptions: Descriptions) -> set[Difference]:
    """All differences of an exchange. Where several descriptions fit, those to the closest one."""
    sender: Literal["service", "other"] = "service" if exchange.by_the_service else "other"
    return {replace(one, sender=sender) for one in _differences(exchange, descriptions)}


def _differences(exchange: Exchange, descriptions: Descriptions) -> set[Difference]:
    operations = descriptions.of(exchange.method, exchange.path)
    if not operations:
        if not exchange.was_meant or exchange.status == 404:
            return set()
        template = "/".join(
            "{}" if set(part) & set(digits) and not VERSION.fullmatch(part) else part
            for part in exchange.path.split("/")
        )
        return {Difference(f"{exchange.method} {template}", "path", "", "not described", exchange.path)}
    return min((set(_of(exchange, operation)) for operation in operations), key=len)


def _of(exchange: Exchange, operation: Operation) -> Iterator[Difference]:
    if exchange.was_meant:
        yield from _query(exchange, operation)
        yield from _request(exchange, operation)
    if exchange.fault is None:
        yield from _answer(exchange, operation)


def _query(exchange: Exchange, operation: Operation) -> Iterator[Difference]:
    for name, values in exchange.query.items():
        parameter = operation.query.get(name)
        if parameter is None:
            yield Difference(str(operation), "query", name, "unknown", values[0])
            continue
        schema = parameter["schema"]
        validator = operation.validator(schema)
        for error in validator.iter_errors(_cast(values, schema)):
            yield Difference(str(operation), "query", name, error.validator, error.message)
    for name, parameter in operation.query.items():
        if parameter.get("required") and name not in exchange.query:
            yield Difference(str(operation), "query", name, "required", "absent")


def _cast(values: Iterable[str], schema: Mapping[str, Any]) -> object:
    """The value of a query parameter, as its schema wants it; what cannot be cast stays a text, which the schema refuses."""
    given = list(values)
    match schema.get("type"):
        case "array":
            return [part for value in given for part in value.split(",")]
        case "integer" if given[-1].isdigit():
            return int(given[-1])
        case "boolean" if given[-1].lower() in ("true", "false"):
            return given[-1].lower() == "true"
    return given[-1]


def _request(exchange: Exchange, operation: Operation) -> Iterator[Difference]:
    if operation.body is None:
        if exchange.asked is not None:
            yield Difference(str(operation), "request", "", "no body described", _short(exchange.asked))
        return
    if not (exchange.content_type or "").startswith("application/json"):
        yield Difference(str(operation), "request", "", "content type", str(exchange.content_type))
    yield from _body("request", exchange.asked, operation, operation.body)


def _answer(exchange: Exchange, operation: Operation) -> Iterator[Difference]:
    if exchange.status >= 400:
        if operation.error is not None:
            yield from _body("error", exchange.answered, operation, operation.error)
        return
    if exchange.status not in operation.good:
        described = ", ".join(map(str, operation.good))
        yield Difference(str(operation), "status", str(exchange.status), "not described", f"described: {described}")
    schema = operation.good.get(exchange.status) or next(iter(operation.good.values()), None)
    if schema is not None and exchange.answered is not None:
        yield from _body("answer", exchange.answered, operation, schema)
    elif (schema is None) is not (exchange.answered is None):
        yield Difference(str(operation), "answer", "", "body", _short(exchange.answered))


def _body(where: Where, body: object, operation: Operation, schema: Schema) -> Iterator[Difference]:
    for error in operation.validator(schema).iter_errors(body):
        for what in _broken(error):
            yield Difference(str(operation), where, _place(error), what, error.message[:200])


def _broken(error: ValidationError) -> list[str]:
    """The rules that an error is about: fields that are missing or that nobody described are named."""
    instance: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "required":
            return [f"required {name}" for name in schema["required"] if name not in instance]
        case "additionalProperties" if schema["additionalProperties"] is False:
            known = schema["properties"]
            return [f"unknown {name}" for name in instance if name not in known]
    return [str(error.validator)]


def _place(error: ValidationError) -> str:
    """The place in the body, by what the schema calls it."""
    parts: list[str] = []
    steps = iter(list(error.absolute_schema_path)[:-1])
    for step in steps:
        match step:
            case "properties":
                parts.append(f".{next(steps)}")
            case "additionalProperties":
                parts.append(".*")
            case "items":
                parts.append("[]")
    return "".join(parts).lstrip(".")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
