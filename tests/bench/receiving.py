"""What it costs to receive: signed deliveries to the receiver, and to the least app that could check them.

Both are served by the receiver's own server, each in a process of its own, and take turns. Processor time is the whole
process's: server, app, database, log. `python -m tests.bench.receiving` is the process of the least app.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from flask import Flask, Response, jsonify, request

from sync.clock import SystemClock, to_ms
from sync.sandbox import signing
from sync.storage.database import open_store
from tests.bench.figures import Figure
from tests.bench.receiving_parts import parts
from webhooks.app import PATH
from webhooks.server import main as serve
from webhooks.signature import SignatureCheck, verify
from webhooks.unpacking import Unpacker

PUBLIC = "https://handoffs.example.com"
SECRET = "a-secret"
ROOT = Path(__file__).parents[2]

CLIENTS = (1, 8)
"""Deliveries on their way at a time: alone, and as a busy HubSpot sends them (up to 10)."""

ROUNDS = 7
"""The two take turns so often; the ratio of each round is taken, and their median told."""

WANTED = {100: 0.5, 1: 0.7}

COMMANDS = {"bare": ("-m", "tests.bench.receiving"), "ours": ("-m", "sync", "receiver")}


def bare() -> Flask:
    """The least that a receiver can do: check the signature of a body, and answer."""
    app = Flask("bare", static_folder=None)
    clock = SystemClock()

    @app.post(PATH)
    def webhook() -> Response:
        verdict = verify(
            method=request.method, uri=PUBLIC + request.path, body=request.get_data(cache=False),
            headers=dict(request.headers.items()), secrets=(SECRET,), now=clock.now(),
        )  # fmt: skip
        response = jsonify(received=1)
        response.status_code = 200 if verdict is SignatureCheck.GENUINE else 401
        return response

    return app


@dataclass(frozen=True)
class Spent:
    """What one delivery took in the mean, in milliseconds, and the slowest answer of all."""

    processor: float
    wall: float
    slowest: float


def receiving(events: int, posts: int) -> Figure:
    """The share of the least app's speed at which deliveries of so many events are received, each new and durable."""
    number = count(1)
    took: dict[tuple[str, int], list[Spent]] = {(name, clients): [] for name in COMMANDS for clients in CLIENTS}
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        apps = {name: stack.enter_context(_served(Path(directory), name)) for name in COMMANDS}
        store = stack.enter_context(closing(open_store(f"sqlite:///{directory}/handoffs.db")))
        unpacker = Unpacker(store, SystemClock(), None)
        for app in apps.values():  # what a first request loads counts for neither
            app.spend([_delivery(number, events) for _ in range(posts)], CLIENTS[-1])
        for _ in range(ROUNDS):
            for clients in CLIENTS:
                for name, app in apps.items():
                    took[name, clients].append(app.spend([_delivery(number, events) for _ in range(posts)], clients))
                    unpacker.run()  # as a worker does, in a process of its own

    def ratios(clients: int, of: Callable[[Spent], float]) -> list[float]:
        pairs = zip(took["bare", clients], took["ours", clients], strict=True)
        return sorted(of(least) / of(ours) for least, ours in pairs)

    def median(name: str, clients: int, of: Callable[[Spent], float]) -> float:
        return round(statistics.median(map(of, took[name, clients])), 3)

    bodies = [_body(number, events) for _ in range(posts)]
    details: dict[str, object] = {"parts_in_milliseconds": parts(bodies, SECRET, PUBLIC + PATH)}
    for clients in CLIENTS:
        details[f"at_a_time_{clients}"] = {
            "ratios": [round(one, 3) for one in ratios(clients, lambda one: one.processor)],
            "ratios_of_wall_time": [round(one, 3) for one in ratios(clients, lambda one: one.wall)],
            "milliseconds": {name: median(name, clients, lambda one: one.processor) for name in COMMANDS},
            "milliseconds_of_wall_time": {name: median(name, clients, lambda one: one.wall) for name in COMMANDS},
            "slowest_milliseconds": {name: max(one.slowest for one in took[name, clients]) for name in COMMANDS},
        }
    return Figure(
        f"receiver, a signed POST of {events} {'event' if events == 1 else 'events'}, processor time", "of the bare app",
        ours=statistics.median(ratios(CLIENTS[-1], lambda one: one.processor)), wanted=WANTED[events], bound=1,
        at_least=True, details=details,
    )  # fmt: skip


class _Served:
    """An app that is served by a process of its own."""

    def __init__(self, process: int, port: int) -> None:
        self._clock = (~process << 3) | 2  # Linux's clock of a process's processor time
        self._port = port

    def spend(self, requests: Sequence[bytes], clients: int) -> Spent:
        """Send these, so many at a time."""
        with ExitStack() as stack:
            lines = [
                stack.enter_context(socket.create_connection(("127.0.0.1", self._port), 30)) for _ in range(clients)
            ]
            shares = [requests[first::clients] for first in range(clients)]
            spent, began = time.clock_gettime(self._clock), time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                slowest = max(pool.map(_send, lines, shares))
            wall, processor = time.perf_counter() - began, time.clock_gettime(self._clock) - spent
        return Spent(1000 * processor / len(requests), 1000 * wall / len(requests), round(1000 * slowest, 1))


def _send(line: socket.socket, requests: Sequence[bytes]) -> float:
    """Send these one after the other; the seconds that the slowest answer took."""
    slowest = 0.0
    for one in requests:
        began = time.perf_counter()
        line.sendall(one)
        answer = b""
        while not answer.endswith(b"}\n"):
            answer += line.recv(65_536)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise AssertionError(f"a delivery was answered with {answer!r}")
        slowest = max(slowest, time.perf_counter() - began)
    return slowest


@contextmanager
def _served(directory: Path, name: str) -> Iterator[_Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener, (directory / f"{name}.log").open("wb") as log:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HUBSPOT_CLIENT_SECRET": SECRET,
            "PUBLIC_URL": PUBLIC,
            "HANDOFFS_LISTENER": str(listener.fileno()),
            "LOG_FORMAT": "json",
        }
        process = subprocess.Popen(
            [sys.executable, *COMMANDS[name]], cwd=directory, env=environment, pass_fds=[listener.fileno()],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield _Served(process.pid, listener.getsockname()[1])
        finally:
            process.terminate()
            process.wait()


def _delivery(number: "count[int]", events: int) -> bytes:
    """A whole request."""
    body = _body(number, events)
    signed = signing.headers(SECRET, "POST", PUBLIC + PATH, body, to_ms(SystemClock().now()))
    head = {"Host": "handoffs.example.com", "Content-Length": str(len(body)), **signed}
    return "".join([f"POST {PATH} HTTP/1.1\r\n", *(f"{k}: {v}\r\n" for k, v in head.items()), "\r\n"]).encode() + body


def _body(number: "count[int]", events: int) -> bytes:
    at = to_ms(SystemClock().now())
    return json.dumps([_event(next(number), at) for _ in range(events)]).encode()


def _event(number: int, at: int) -> dict[str, object]:
    return {
        "eventId": number, "subscriptionId": 1, "portalId": 2, "appId": 3, "occurredAt": at + number,
        "subscriptionType": "ticket.propertyChange", "attemptNumber": 0, "objectId": 1 + number % 2000,
        "propertyName": "hs_pipeline_stage", "propertyValue": "1", "changeSource": "CRM_UI", "sourceId": "userId:1",
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(serve(bare))
