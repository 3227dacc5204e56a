"""Searches whose matches come otherwise than HubSpot describes them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sync.sandbox.api import Api
from sync.sandbox.wire import Request, Response


def spoil_match(
    monkeypatch: pytest.MonkeyPatch, record: str, spoilt: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Let every search answer with what `spoilt` makes of this record's match (its id)."""
    answered = Api.handle

    def handle(api: Api, request: Request) -> Response:
        response = answered(api, request)
        if not request.path.endswith("/search") or response.status != 200:
            return response
        body = json.loads(response.body)
        body["results"] = [spoilt(match) if match["id"] == record else match for match in body["results"]]
        return replace(response, body=json.dumps(body).encode())

    monkeypatch.setattr(Api, "handle", handle)
