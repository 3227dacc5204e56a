"""A folder of OpenAPI 3.0 descriptions, as HubSpot publishes them, and which operation a request is one of.

The folder is read as it is, at any depth; what is no description is passed over. Two descriptions may describe one path.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker

Schema = Mapping[str, Any]

METHODS = frozenset({"get", "put", "post", "delete", "patch"})


@dataclass(frozen=True)
class Operation:
    """One method of one path. `document` is the whole description, in which references are resolved."""

    method: str
    template: str
    document: Mapping[str, Any] = field(repr=False, compare=False)
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = ("[^/]+" if part.startswith("{") else re.escape(part) for part in self.template.split("/"))
        return re.compile("/".join(parts))

    def matches(self, method: str, path: str) -> bool:
        return method == self.method and self._pattern.fullmatch(path) is not None

    @cached_property
    def literal(self) -> int:
        """How many parts of the path are fixed: the more, the closer the description."""
        return sum(not part.startswith("{") for part in self.template.split("/"))

    @cached_property
    def query(self) -> Mapping[str, Mapping[str, Any]]:
        """The query parameters, by name."""
        return {one["name"]: one for one in self.raw.get("parameters", ()) if one["in"] == "query"}

    @cached_property
    def body(self) -> Schema | None:
        """What the request's body must be; None: it has none."""
        return _json_schema(self.raw.get("requestBody"))

    @cached_property
    def good(self) -> Mapping[int, Schema | None]:
        """The answers that are no errors: status and body."""
        answers = {status: _json_schema(self._resolved(one)) for status, one in self.raw["responses"].items()}
        return {int(status): one for status, one in answers.items() if status.isdigit() and int(status) < 400}

    @cached_property
    def error(self) -> Schema | None:
        """The body of an error; None: nothing is said about it."""
        default = self.raw["responses"].get("default")
        return None if default is None else _json_schema(self._resolved(default))

    def validator(self, schema: Schema) -> OAS30Validator:
        """Validates a part of this description; references lead through the whole of it."""
        return OAS30Validator(
            {**schema, "components": self.document.get("components", {})}, format_checker=oas30_format_checker
        )

    def _resolved(self, one: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = one.get("$ref")
        if reference is None:
            return one
        found: Any = self.document
        for part in str(reference).removeprefix("#/").split("/"):
            found = found[part]
        return found  # type: ignore[no-any-return]


class Descriptions:
    """All operations of a folder. `files` is how many descriptions were found in it."""

    def __init__(self, folder: Path) -> None:
        self.files = 0
        self._operations: list[Operation] = []
        for path in sorted(folder.rglob("*.json")):
            document = _read(path)
            if document is not None:
                self.files += 1
                self._operations += _operations(_strict(document))

    def of(self, method: str, path: str) -> list[Operation]:
        """The operations that a request may be one of: of all that fit, those with the most fixed parts."""
        fitting = [one for one in self._operations if one.matches(method, path)]
        most = max((one.literal for one in fitting), default=0)
        return [one for one in fitting if one.literal == most]


def _read(path: Path) -> dict[str, Any] | None:
    """The description in a file; None for anything else."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    is_one = isinstance(document, dict) and str(document.get("openapi", "")).startswith("3.0") and "paths" in document
    return document if is_one else None


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for template, item in document["paths"].items():
        for method, raw in item.items():
            if method in METHODS:
                yield Operation(method.upper(), template, document, raw)


def _strict(document: dict[str, Any]) -> dict[str, Any]:
    """The same, with every object that lists its fields closed to others: a field that nobody described is a finding."""

    def closed(node: Any) -> Any:
        if isinstance(node, list):
            return [closed(one) for one in node]
        if not isinstance(node, dict):
            return node
        made = {key: closed(one) for key, one in node.items()}
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            made.setdefault("additionalProperties", False)
        return made

    # Paths may describe bodies in place; components hold the rest. Nothing else in a description is a schema.
    return {**document, "components": closed(document.get("components", {})), "paths": closed(document["paths"])}


def _json_schema(described: Mapping[str, Any] | None) -> Schema | None:
    """The schema of a request's or an answer's body; None where there is no body."""
    content: Mapping[str, Any] = (described or {}).get("content", {})
    found = content.get("application/json") or content.get("*/*")
    return None if found is None else found.get("schema")
