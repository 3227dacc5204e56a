"""`serve` or a part of it killed with -9: nothing is left behind that would keep it from starting again."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import requests

from sync.sandbox.sandbox import Sandbox
from sync.sandbox.server import SandboxServer
from sync.service.serve import KEPT_ALIVE_FROM
from tests.patience import PATIENCE
from tests.story.killing import children


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def becomes(port: int, *, alive: bool) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answers(port) is alive:
            return True
        time.sleep(0.1)
    return False


def start(directory: Path, port: int, crm: str | None = None) -> subprocess.Popen[bytes]:
    """`handoffs serve` with the CRM at this address; by default nobody listens there: the CRM is unreachable."""
    environment = {
        "PATH": os.environ["PATH"],
        "HUBSPOT_ACCESS_TOKEN": Sandbox().token,
        "HUBSPOT_BASE_URL": crm or f"http://127.0.0.1:{free_port()}",
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "sync", "serve"]
    with (directory / "serve.log").open("ab") as log:
        return subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log)


def test_the_receiver_ends_with_a_killed_service_and_the_port_is_free_again(tmp_path: Path) -> None:
    port = free_port()
    for _ in range(2):
        process = start(tmp_path, port)
        try:
            assert becomes(port, alive=True), (tmp_path / "serve.log").read_text()
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert becomes(port, alive=False), "the receiver outlived its service"


def test_the_service_ends_with_a_receiver_that_cannot_serve(tmp_path: Path) -> None:
    """Half a service is none: whoever supervises it starts all of it again."""
    port = free_port()
    with SandboxServer(Sandbox(ticking=True, with_task_property=True), pump=False) as server:
        process = start(tmp_path, port, server.url)
        try:
            assert becomes(port, alive=True), (tmp_path / "serve.log").read_text()
            with sqlite3.connect(tmp_path / "handoffs.db") as database:
                database.execute("UPDATE alembic_version SET version_num = '9999'")  # by a newer version
            time.sleep(KEPT_ALIVE_FROM)
            (receiver,) = children(process.pid)
            os.kill(receiver, signal.SIGKILL)
            assert process.wait(PATIENCE) == 1
        finally:
            process.kill()
            process.wait()
    said = (tmp_path / "serve.log").read_text()
    assert "the receiver ended with code 4" in said
    assert "was made by a newer version" in said
    assert becomes(port, alive=False), "a part of the receiver outlived its service"


def test_a_killed_receiver_is_replaced(tmp_path: Path) -> None:
    """Its port is kept meanwhile: who calls waits, and is refused by nobody."""
    port = free_port()
    process = start(tmp_path, port)
    try:
        for _ in range(3):
            assert becomes(port, alive=True), (tmp_path / "serve.log").read_text()
            time.sleep(KEPT_ALIVE_FROM)
            (receiver,) = children(process.pid)
            os.kill(receiver, signal.SIGKILL)
            assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).status_code == 200
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert becomes(port, alive=False), "the receiver outlived its service"
