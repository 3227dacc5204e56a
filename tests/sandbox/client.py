"""A bare client of the CRM's API for these tests: it knows paths and JSON, and hides nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests

from sync.sandbox import Sandbox
from sync.sandbox.transport import URL

NOW = datetime(2026, 9, 1, 14, 0, tzinfo=UTC)
PORTFOLIO, TICKET, TASK, NOTE = "2-1234567", "0-5", "0-27", "0-46"


@dataclass(slots=True)
class Client:
    """Calls a sandbox; `url` is the transport's or a server's."""

    session: requests.Session
    url: str = URL
    timeout: float = 10.0

    def send(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, f"{self.url}{path}", json=body, timeout=self.timeout)

    def ok(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        response = self.send(method, path, body)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    def batch(self, kind: str, operation: str, inputs: list[Any], status: int = 200, **more: Any) -> Any:
        path = f"/crm/objects/2026-09/{kind}/batch/{operation}"
        return self.ok("POST", path, {"inputs": inputs, **more}, status)

    def read(self, kind: str, *ids: str, status: int = 200, **more: Any) -> Any:
        return self.batch(kind, "read", [{"id": one} for one in ids], status, **more)

    def search(self, kind: str, *filters: Any, status: int = 200, **more: Any) -> Any:
        body = {"filterGroups": [{"filters": list(filters)}] if filters else [], **more}
        return self.ok("POST", f"/crm/objects/2026-09/{kind}/search", body, status)

    def associated(self, kind: str, to: str, *ids: str, status: int = 200, inputs: Any = None) -> Any:
        path = f"/crm/associations/2026-09/{kind}/{to}/batch/read"
        return self.ok("POST", path, {"inputs": inputs or [{"id": one} for one in ids]}, status)


def make(**more: Any) -> tuple[Sandbox, Client]:
    """A sandbox at `NOW` on a manual clock, and a client of it."""
    sandbox = Sandbox(start=NOW, **more)
    return sandbox, Client(sandbox.session())


def ids(body: Any) -> list[str]:
    return [row["id"] for row in body["results"]]


def where(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **({} if value is None else {"value": value}), **more}
