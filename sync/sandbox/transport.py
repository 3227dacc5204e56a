"""`requests` without a socket: an adapter that hands each request straight to `Api.handle`.

What goes wrong on the way raises what `requests` raises over a real socket, so that the client under test cannot tell.
"""

import io
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import IncompleteRead, NewConnectionError, ProtocolError, ReadTimeoutError

from sync.sandbox.api import Api
from sync.sandbox.clock import VirtualClock
from sync.sandbox.wire import Request, Response

URL = "https://api.hubapi.test"
PATIENCE = 60.0
"""Seconds that a call without a timeout waits for an answer that never comes."""


class SandboxAdapter(BaseAdapter):
    """Mount it on a session, or let `mount` do it."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self.api = api

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002  # the base class's signature
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,  # noqa: ARG002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        assert request.url is not None
        parts = urlsplit(request.url)
        body = request.body or b""
        asked = Request(
            request.method or "GET",
            unquote(parts.path),
            parts.query,
            {name.lower(): str(value) for name, value in request.headers.items()},
            body.encode() if isinstance(body, str) else bytes(body),
        )
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        answer = self.api.handle(asked)
        _suffer(answer, self.api.portal.clock, PATIENCE if patience is None else patience, request)
        return _built(answer, request)

    def close(self) -> None:
        """Nothing is open."""


def mount(session: requests.Session, api: Api, url: str = URL) -> requests.Session:
    """Send what this session sends to `url` to the API instead; proxies of the environment are left aside."""
    session.trust_env = False
    session.mount(url, SandboxAdapter(api))
    return session


def _suffer(answer: Response, clock: VirtualClock, patience: float, request: requests.PreparedRequest) -> None:
    """Wait, and raise what becomes of the connection."""
    if answer.broken == "hang" or answer.delay >= patience:
        clock.sleep(patience)
        error = ReadTimeoutError(None, request.url or "", f"Read timed out. (read timeout={patience:g})")  # type: ignore[arg-type]  # no pool
        raise requests.ReadTimeout(error, request=request)
    if answer.delay:
        clock.sleep(answer.delay)
    match answer.broken:
        case "refused":
            refused = NewConnectionError(None, "Failed to establish a new connection: [Errno 111] Connection refused")  # type: ignore[arg-type]
            raise requests.ConnectionError(refused, request=request)
        case "reset":
            reset = ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))
            raise requests.ConnectionError(reset, request=request)
        case "cut":
            half = len(answer.body) // 2
            cut = ProtocolError("Connection broken", IncompleteRead(half, len(answer.body) - half))
            raise requests.exceptions.ChunkedEncodingError(cut, request=request)


def _built(answer: Response, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    try:
        response.reason = HTTPStatus(answer.status).phrase
    except ValueError:
        response.reason = "Unknown"
    response.headers = CaseInsensitiveDict(answer.headers)
    response.headers["Content-Length"] = str(len(answer.body))
    response.encoding = "utf-8"
    response.url = request.url or ""
    response.request = request
    response.raw = io.BytesIO(answer.body)
    return response
