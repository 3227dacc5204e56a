"""The connections to HubSpot: a pool of them, on which every answer has a deadline and only its builder's headers.

requests' timeout is for each part of an answer that arrives: a server (or a proxy on the way) that sends a byte now and then
holds a call for ever. No setting of requests or urllib3 bounds the whole, so the one that reads from the socket does, status
line and headers included. The handshake of TLS and the sending of a body are bounded as wholes already, by the standard library.
"""

import http.client
import io
import socket
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ANSWER_SECONDS: Final = 45.0
"""Seconds within which the whole of an answer must be there. The largest ones (a thousand associations, fifty records with
history: some megabytes) take a few; a call that has not ended by then fails as one without an answer."""


def pooled_session(size: int, answer_seconds: float = ANSWER_SECONDS) -> requests.Session:
    """Make a session that keeps so many connections open, and reads no answer for longer than that."""
    session = requests.Session()
    adapter = _Adapter(answer_seconds, size)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class Sender:
    """Sends by a session, to one host. What requests finds out anew for each call is found out once for all of them.

    That is how a URL is to be quoted, and what the environment says of proxies and certificates. `Session.request` also looks
    into ~/.netrc, and would replace the builder's token by what stands there; this does not.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._environment: Mapping[str, Any] | None = None  # None: not known yet

    def send(
        self, method: str, url: str, headers: Mapping[str, str], data: str | None, timeout: tuple[float, float]
    ) -> requests.Response:
        """Send it and read the whole answer; a redirect is an answer too. Raises what requests raises."""
        request = requests.PreparedRequest()
        request.method, request.url = method, _quoted(url)
        request.prepare_headers({**self._session.headers, **headers})
        request.prepare_cookies(self._session.cookies)
        request.prepare_body(data, None)
        environment = self._environment
        if environment is None:
            environment = {**self._session.merge_environment_settings(request.url, {}, None, None, None)}
            self._environment = environment
        # The token goes to no other host.
        return self._session.send(request, timeout=timeout, allow_redirects=False, **environment)

    def close(self) -> None:
        """Close the connections; they open again when needed."""
        self._session.close()


@lru_cache(maxsize=256)  # most calls are batches, whose URLs have no ids in them
def _quoted(url: str) -> str:
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    assert request.url is not None
    return request.url


class _Adapter(HTTPAdapter):
    """Speaks over connections whose answers have a deadline; through a proxy too."""

    def __init__(self, answer_seconds: float, size: int) -> None:
        self._pools = _pools(answer_seconds)
        super().__init__(pool_connections=2, pool_maxsize=size, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(answer_seconds: float) -> dict[str, type[HTTPConnectionPool]]:
    """The pools of connections whose answers must be there within so many seconds, by scheme."""

    class Answer(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
            super().__init__(sock, *args, **options)
            parts = self.fp
            self.fp = io.BufferedReader(_Timed(sock, answer_seconds))
            parts.close()

    class Plain(HTTPConnection):
        response_class = Answer

    class Secure(HTTPSConnection):
        response_class = Answer

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _Timed(io.RawIOBase):
    """What arrives on a socket until a deadline; after it reading raises `TimeoutError`, as for a part that does not come."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._socket = sock
        self._parts: Any = sock.makefile(
            "rb", buffering=0
        )  # its reference keeps the socket open until the answer is read
        self._patience = sock.gettimeout()  # seconds for one part; None: for ever
        self._ends = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read what has arrived, at most until the deadline."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long as a whole")
        self._socket.settimeout(left if self._patience is None else min(left, self._patience))
        read: int | None = self._parts.readinto(buffer)
        return read

    def close(self) -> None:
        """Let go of the socket."""
        self._parts.close()
        super().close()
