"""What goes over the wire: tokens, timeouts, redirects, and answers that break off."""

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses
from requests.adapters import HTTPAdapter
from structlog.testing import capture_logs

from sync.crm import (
    Applied,
    Kind,
    NotSent,
    Outcome,
    Unknown,
)
from sync.errors import (
    AuthenticationError,
    CRMUnavailableError,
)
from sync.hubspot import Call, HubSpot
from tests.contract.fakes import StandingClock
from tests.contract.hubspot.answers import (
    BASE,
    CORRELATION,
    TICKETS,
    TOKEN,
    FreeBudget,
    Reply,
    error,
    kinds,
    listing,
    make,
    raw,
    refused,
    reset,
    updates,
)
from tests.patience import PATIENCE


class TestOnTheWire:
    def test_a_redirect_is_not_followed(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=302, headers={"Location": "https://elsewhere.test/x"}, body="{}")
        api.get("https://elsewhere.test/x", json=listing(raw("1")))
        with pytest.raises(CRMUnavailableError, match=r"elsewhere\.test"):
            hubspot.read(Kind.TICKET, ["1"], [])
        assert [urlsplit(call.request.url or "").netloc for call in api.calls] == ["crm.test"]

    def test_netrc_does_not_replace_the_token(
        self, api: responses.RequestsMock, hubspot: HubSpot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine crm.test login somebody password secret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        api.post(TICKETS, json=listing(raw("1")))
        hubspot.read(Kind.TICKET, ["1"], [])
        assert api.calls[0].request.headers["Authorization"] == f"Bearer {TOKEN}"

    def test_proxies_and_certificates_of_the_environment_are_gone_by(
        self, clock: StandingClock, budget: FreeBudget, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[dict[str, Any]] = []

        class Recorder(HTTPAdapter):
            def send(self, request: requests.PreparedRequest, *_: object, **options: Any) -> requests.Response:
                given.append({**options, "headers": dict(request.headers)})
                response = requests.Response()
                response.status_code, response.url, response.request = 200, request.url or "", request
                response._content = json.dumps(listing(raw("1"))).encode()
                return response

        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/own.pem")
        with requests.Session() as session:
            session.mount(BASE, Recorder())
            hubspot = make(clock, budget, session=session)
            for _ in range(2):
                hubspot.read(Kind.TICKET, ["1"], [])
        assert [one["proxies"]["https"] for one in given] == ["http://proxy.test:3128"] * 2
        assert [one["verify"] for one in given] == ["/etc/own.pem"] * 2
        assert all("gzip" in one["headers"]["Accept-Encoding"] for one in given)

    def test_every_call_has_a_timeout_and_the_given_session(self, clock: StandingClock, budget: FreeBudget) -> None:
        class Recorder(HTTPAdapter):
            timeouts: list[object] = []  # noqa: RUF012

            def send(self, request: requests.PreparedRequest, *_: object, **given: Any) -> requests.Response:
                self.timeouts.append(given["timeout"])
                response = requests.Response()
                response.status_code, response.url, response.request = 200, request.url or "", request
                response._content = json.dumps(listing(raw("1"))).encode()
                return response

        with requests.Session() as session:
            session.mount(BASE, Recorder())
            make(clock, budget, session=session, connect_timeout=2, read_timeout=9).read(Kind.TICKET, ["1"], [])
        assert Recorder.timeouts == [(2, 9)]

    @pytest.mark.parametrize("token", ["pat\nx", "pat x", "pät"])
    def test_a_token_that_cannot_be_one(self, clock: StandingClock, budget: FreeBudget, token: str) -> None:
        with pytest.raises(AuthenticationError, match="HUBSPOT_ACCESS_TOKEN") as info:
            make(clock, budget, token=token)
        assert token not in str(info.value)

    def test_one_event_a_call_without_token_or_bodies(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=503, json=error("a secret text"))
        api.post(TICKETS, json=listing(raw("1", subject="a secret text")))
        with capture_logs() as logs:
            hubspot.read(Kind.TICKET, ["1"], [])
        assert [(line["event"], line["status"], line["attempt"], line["correlation_id"]) for line in logs] == [
            ("crm.call", 503, 1, CORRELATION),
            ("crm.call", 200, 2, None),
        ]
        assert logs[0]["path"] == "/crm/objects/2026-09/0-5/batch/read"
        assert TOKEN not in str(logs)
        assert "secret" not in str(logs)

    def test_each_call_is_told_of(self, api: responses.RequestsMock, clock: StandingClock, budget: FreeBudget) -> None:
        told: list[Call] = []
        client = make(clock, budget, on_call=told.append)
        Reply(failure=reset).add(api, TICKETS)
        api.post(TICKETS, json=listing(raw("1")))
        client.read(Kind.TICKET, ["1"], [])
        assert [(call.method, call.endpoint, call.status, call.error, call.attempt) for call in told] == [
            ("POST", "ticket/read", None, "ConnectionError", 1),
            ("POST", "ticket/read", 200, None, 2),
        ]


class Server:
    """A socket on loopback that gives every request the same answer, byte for byte (None: none at all), and closes.

    `drips`: after so many bytes it gives one a time, each sooner than any patience for a part ends.
    """

    def __init__(self, answer: bytes | None, *, drips: int | None = None) -> None:
        self.answer = answer
        self.drips = drips
        self.requests = 0
        self.done = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://{}:{}".format(*self.listener.getsockname())
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            with connection:
                if self.done.is_set():
                    return
                head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += connection.recv(65_536)
                self.requests += 1
                if self.answer is None:
                    self.done.wait(5)
                elif self.drips is None:
                    connection.sendall(self.answer)
                else:
                    self.drip(connection, self.answer, self.drips)

    def drip(self, connection: socket.socket, answer: bytes, after: int) -> None:
        with suppress(OSError):  # nobody reads any more
            connection.sendall(answer[:after])
            for place in range(after, len(answer)):
                if self.done.wait(0.05):
                    return
                connection.sendall(answer[place : place + 1])

    def __enter__(self) -> "Server":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        socket.create_connection(self.listener.getsockname()).close()
        self.thread.join(5)
        self.listener.close()


def http(body: bytes, length: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (length or len(body), body)


class TestOverASocket:
    """What `requests` makes of real failures, on which it hangs whether a write may be sent again."""

    def update(self, url: str, budget: FreeBudget) -> list[Outcome]:
        client = make(StandingClock(), budget, base_url=url, read_timeout=0.1)
        try:
            return client.update(Kind.TICKET, updates("1"))
        finally:
            client.close()

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(b"", id="closed without a word"),
            pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="cut off in the headers"),
            pytest.param(http(json.dumps(listing(raw("1"))).encode(), 5_000), id="cut off in the body"),
            pytest.param(b"\x00\x01 not HTTP\r\n\r\n", id="not HTTP"),
            pytest.param(None, id="no answer in time"),
        ],
    )
    def test_a_lost_answer_is_unknown_and_sent_once(self, budget: FreeBudget, answer: bytes | None) -> None:
        with Server(answer) as server:
            assert kinds(self.update(server.url, budget)) == [Unknown]
            assert server.requests == 1

    @pytest.mark.parametrize("after", [0, 20, 80], ids=["in its first line", "in its headers", "in its body"])
    def test_an_answer_that_drips_is_given_up(self, budget: FreeBudget, after: int) -> None:
        """Seen: a byte every 5 s held a call for as long as it liked, for no part of the answer was late."""
        body = json.dumps(listing(raw("1"))).encode() + b" " * 100
        with Server(http(body), drips=after) as server:
            client = make(StandingClock(), budget, base_url=server.url, read_timeout=PATIENCE, answer_seconds=0.2)
            assert kinds(client.update(Kind.TICKET, updates("1"))) == [Unknown]
            client.close()
            assert server.requests == 1

    def test_an_answer_that_is_slow_and_comes_in_time_is_one(self, budget: FreeBudget) -> None:
        answer = http(json.dumps(listing(raw("1"))).encode())
        with Server(answer, drips=len(answer) - 5) as server:
            assert self.update(server.url, budget) == [Applied("1")]

    def test_an_answer_is_an_answer(self, budget: FreeBudget) -> None:
        with Server(http(json.dumps(listing(raw("1"))).encode())) as server:
            assert self.update(server.url, budget) == [Applied("1")]

    def test_no_connection_is_not_sent(self, budget: FreeBudget) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closing:
            port = closing.getsockname()[1]
        assert kinds(self.update(f"http://127.0.0.1:{port}", budget)) == [NotSent]

    def test_what_the_caller_was_handling_does_not_count(self, budget: FreeBudget) -> None:
        with Server(b"") as server:
            try:
                raise refused()
            except requests.ConnectionError:
                assert kinds(self.update(server.url, budget)) == [Unknown]
