"""HTTP without a socket: the requests that the simulated API takes and the answers it gives."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qs

Broken = Literal["reset", "cut", "hang", "refused"]
"""How an answer fails to come: connection reset; body cut off; no answer at all; the connection never made."""


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` by lower-case name; `query` without the question mark."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def parameters(self) -> Mapping[str, list[str]]:
        return _parameters(self.query) if self.query else {}


@lru_cache(maxsize=256)  # a request is asked for them several times, and many requests ask the same
def _parameters(query: str) -> Mapping[str, list[str]]:
    return parse_qs(query, keep_blank_values=True)


@dataclass(slots=True)
class Response:
    """`delay` and `broken` are for the transport: seconds until the answer, and how it gets lost."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    broken: Broken | None = None

    def json(self) -> object:
        return json.loads(self.body)


class ApiError(Exception):
    """An answer with HubSpot's error body (docs/hubspot.md 8.6)."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        sub_category: str | None = None,
        context: Mapping[str, object] | None = None,
        errors: list[dict[str, object]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.sub_category = sub_category
        self.context = context
        self.errors = errors

    def as_json(self, correlation_id: str) -> dict[str, object]:
        body: dict[str, object] = {"status": "error", "message": self.message, "correlationId": correlation_id}
        if self.context:
            body["context"] = self.context
        if self.errors:
            body["errors"] = self.errors
        body["category"] = self.category
        if self.sub_category:
            body["subCategory"] = self.sub_category
        return body

    def as_row(self, context: Mapping[str, object]) -> dict[str, object]:
        """The same as one entry of `errors` in a 207."""
        row: dict[str, object] = {"status": "error", "category": self.category, "message": self.message}
        if self.sub_category:
            row["subCategory"] = self.sub_category
        row["context"] = {**(self.context or {}), **context}
        if self.errors:
            row["errors"] = self.errors
        return row
