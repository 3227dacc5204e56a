"""The receiver in a process of its own, genuine deliveries to it, and callers who mean no good."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import requests

from sync.sandbox import signing
from tests.story.test_serve_killed import becomes, free_port

HUBSPOT_WAITS = 5.0
"""Seconds after which a delivery counts as failed."""

SECRET = "a-client-secret"
PUBLIC = "https://handoffs.example.com"
ROOT = Path(__file__).parents[2]


OURS = (sys.executable, "-m", "sync", "receiver")


class Receiver:
    """`handoffs receiver`, or another server of its app, with an empty database. The command is told PORT by the environment."""

    def __init__(self, directory: Path, command: Sequence[str] = OURS) -> None:
        self.port = free_port()
        self.directory = directory
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HUBSPOT_CLIENT_SECRET": SECRET,
            "PUBLIC_URL": PUBLIC,
            "PORT": str(self.port),
            "MAX_BODY_BYTES": "10000",
        }
        with (directory / "receiver.log").open("wb") as log:
            self.process = subprocess.Popen(
                [part.format(port=self.port) for part in command],
                cwd=directory,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert becomes(self.port, alive=True), self.said()

    def said(self) -> str:
        return (self.directory / "receiver.log").read_text()

    def deliver(self, number: int) -> int:
        """A genuine delivery of one event; its status. Raises where HubSpot would have given up."""
        body = json.dumps(
            [
                {
                    "eventId": number, "subscriptionId": 1, "portalId": 2, "appId": 3, "occurredAt": 1793628000000 + number,
                    "subscriptionType": "ticket.propertyChange", "attemptNumber": 0, "objectId": number,
                    "propertyName": "hs_pipeline_stage", "propertyValue": "1", "changeSource": "CRM",
                }
            ]
        ).encode()  # fmt: skip
        now = str(int(time.time() * 1000))
        headers = {
            "Content-Type": "application/json",
            "X-HubSpot-Request-Timestamp": now,
            "X-HubSpot-Signature-v3": signing.v3(SECRET, "POST", f"{PUBLIC}/webhooks/hubspot", body, now),
        }
        url = f"http://127.0.0.1:{self.port}/webhooks/hubspot"
        return requests.post(url, body, headers=headers, timeout=HUBSPOT_WAITS).status_code

    def healthy(self) -> bool:
        return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=HUBSPOT_WAITS).status_code == 200

    def connect(self, said: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(said)
        return connection

    def kill(self) -> None:
        """With all processes below it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


HEAD = b"POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

ATTACKS = {
    "silence": b"",
    "half a head": HEAD[:40],
    "a head and no body": HEAD + b"Content-Length: 5000\r\n\r\n",
    "half a body": HEAD + b"Content-Length: 5000\r\n\r\n" + b"x" * 2000,
    "half a body in chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n400\r\n" + b"x" * 500,
    "too much": HEAD + b"Content-Length: 900000\r\n\r\n" + b"x" * 60_000,
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50,
}
