"""HubSpot's answers as tests make them up: where they are given, what stands in them, and a client to hear them."""

import json
import random
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import responses
import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from sync.crm import (
    CRM,
    Outcome,
    Update,
)
from sync.errors import (
    StoreError,
)
from sync.hubspot import HubSpot
from sync.storage.budget import Bucket, Observed, Priority
from tests.contract.fakes import StandingClock

BASE = "https://crm.test"


TOKEN = "pat-eu1-not-a-real-token"


OBJECTS = f"{BASE}/crm/objects/2026-09"


TICKETS = f"{OBJECTS}/0-5/batch/read"


TICKET_UPDATES = f"{OBJECTS}/0-5/batch/update"


TASK_CREATES = f"{OBJECTS}/0-27/batch/create"


TICKET_SEARCH = f"{OBJECTS}/0-5/search"


TASK_ENDS = f"{BASE}/crm/associations/2026-09/0-27/0-5/batch/read"


LABELS = f"{BASE}/crm/associations/2026-09/0-27/2-77/labels"


SCHEMAS = f"{BASE}/crm-object-schemas/2026-09/schemas"


OWNERS = f"{BASE}/crm/owners/2026-09"


EMAIL = f"{BASE}/marketing/transactional/2026-09/single-email/send"


HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


CORRELATION = "aaaa-bbbb"


PORTFOLIO_SCHEMA = {
    "objectTypeId": "2-77",
    "name": "creative_portfolio",
    "fullyQualifiedName": "p62515_creative_portfolio",
    "labels": {"singular": "Creative Portfolio", "plural": "Creative Portfolios"},
}


Json = dict[str, Any]


@dataclass
class FreeBudget:
    """Grants everything and remembers what it was told."""

    taken: list[tuple[Bucket, Priority]] = field(default_factory=list)
    seen: list[Observed] = field(default_factory=list)
    pauses: list[tuple[Bucket, float | None]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def take(self, bucket: Bucket, priority: Priority) -> None:
        self._check("take")
        self.taken.append((bucket, priority))

    def observe(self, bucket: Bucket, observed: Observed) -> None:
        self._check("observe")
        self.seen.append(observed)

    def back_off(self, bucket: Bucket, seconds: float | None) -> None:
        self._check("back_off")
        self.pauses.append((bucket, seconds))

    def _check(self, what: str) -> None:
        if what in self.broken:
            raise StoreError("the database is locked")


def make(clock: StandingClock, budget: FreeBudget, **more: Any) -> HubSpot:
    settings: Json = {"token": TOKEN, "base_url": BASE, "portfolio_object": "creative_portfolio"}
    return HubSpot(**{**settings, "budget": budget, "clock": clock, "jitter": random.Random(7), **more})


def _is_the_port(client: HubSpot) -> CRM:
    return client  # mypy compares every signature


def raw(id_: str, **properties: str | None) -> Json:
    return {"id": id_, "properties": properties, "createdAt": "2026-01-02T03:04:05.678Z", "archived": False}


def listing(*results: Json, errors: Sequence[Json] = (), **more: Any) -> Json:
    body: Json = {"status": "COMPLETE", "results": list(results), **more}
    return {**body, "numErrors": len(errors), "errors": list(errors)} if errors else body


def missing(*ids: str) -> Json:
    context = {"context": {"ids": list(ids)}} if ids else {}
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some TICKET objects, they may be deleted or not exist.",
        **context,
    }


def error(message: str = "went wrong", **more: object) -> Json:
    return {"status": "error", "message": message, "correlationId": CORRELATION, **more}


def sent(api: responses.RequestsMock, index: int = -1) -> Json:
    body = api.calls[index].request.body
    assert body is not None
    return dict(json.loads(body))


def sent_ids(api: responses.RequestsMock) -> list[list[str]]:
    return [[item["id"] for item in sent(api, index)["inputs"]] for index in range(len(api.calls))]


def connection_failure(cause: Callable[[HTTPSConnection], Exception]) -> requests.ConnectionError:
    pool = urllib3.HTTPSConnectionPool("crm.test")
    connection = HTTPSConnection("crm.test")
    return requests.ConnectionError(MaxRetryError(pool, "/", cause(connection)))


def refused() -> Exception:
    return connection_failure(lambda connection: NewConnectionError(connection, "Connection refused"))


def unresolved() -> Exception:
    return connection_failure(
        lambda connection: NameResolutionError("crm.test", connection, socket.gaierror("no such"))
    )


def reset() -> Exception:
    cause = ConnectionResetError(104, "Connection reset by peer")
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", cause))


@dataclass(frozen=True)
class Reply:
    """One answer, or one failure, that the network gives."""

    status: int = 200
    body: str | bytes | Json = ""
    headers: tuple[tuple[str, str], ...] = ()
    failure: Callable[[], Exception] | None = None

    def add(self, api: responses.RequestsMock, url: str, method: str = "POST") -> None:
        if self.failure is not None:
            api.add(method, url, body=self.failure())
        else:
            text = json.dumps(self.body) if isinstance(self.body, dict) else self.body
            api.add(method, url, body=text, status=self.status, headers=dict(self.headers))


NOBODY_KNOWS = {
    "500": Reply(500, error(category="INTERNAL_ERROR")),
    "502 from a gateway": Reply(502, HTML),
    "503": Reply(503, error()),
    "504": Reply(504, HTML),
    "521": Reply(521, HTML),
    "523": Reply(523, HTML),
    "524": Reply(524, ""),
    "408": Reply(408, error()),
    "HTML with 200": Reply(200, HTML),
    "cut off": Reply(200, '{"status": "COMPLETE", "results": [{"id": "1", "prop'),
    "a list": Reply(200, "[]"),
    "nothing with 200": Reply(200, ""),
    "no results": Reply(200, {"status": "COMPLETE"}),
    "not UTF-8": Reply(200, b'{"results": ["\xff"]}'),
    "HTML with 400": Reply(400, HTML),
    "HTML with 403": Reply(403, HTML),
    "HTML with 404": Reply(404, HTML),
    "read timeout": Reply(failure=lambda: requests.ReadTimeout("read timed out")),
    "reset": Reply(failure=reset),
    "cut off on the way": Reply(failure=lambda: requests.exceptions.ChunkedEncodingError("IncompleteRead")),
    "broken compression": Reply(failure=lambda: requests.exceptions.ContentDecodingError("gzip")),
}


NOTHING_DONE = {
    "429 of ten seconds": Reply(429, error(errorType="RATE_LIMIT", policyName="TEN_SECONDLY_ROLLING")),
    "429 of a second": Reply(429, error(policyName="SECONDLY")),
    "429 without fields": Reply(429, "{}"),
    "429 without a body": Reply(429, ""),
    "429 from a gateway": Reply(429, HTML),
    "423": Reply(423, error()),
    "477": Reply(477, error(), (("Retry-After", "3"),)),
    "refused": Reply(failure=refused),
    "no such host": Reply(failure=unresolved),
    "connect timeout": Reply(failure=lambda: requests.ConnectTimeout("connect timed out")),
}


def each(replies: dict[str, Reply]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("reply", replies.values(), ids=replies.keys())


def answer_all(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
    """Confirms every input of a batch, backwards; of a read each has all that is asked for, empty."""
    body = json.loads(request.body or "{}")
    nothing = dict.fromkeys(body.get("properties", ()))
    histories: dict[str, list[Json]] = {name: [] for name in body.get("propertiesWithHistory", ())}
    made = [
        {
            **raw(item.get("id", f"{7000 + place}"), **nothing),
            "objectWriteTraceId": item.get("objectWriteTraceId"),
            "propertiesWithHistory": histories,
        }
        for place, item in enumerate(body["inputs"])
    ]
    return 200, {}, json.dumps(listing(*reversed(made)))


def updates(*ids: str) -> list[Update]:
    return [Update(id_, {"subject": f"new {place}"}) for place, id_ in enumerate(ids)]


def kinds(outcomes: Sequence[Outcome]) -> list[type[Outcome]]:
    return [type(outcome) for outcome in outcomes]
