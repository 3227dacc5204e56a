"""`serve` killed with -9 leaves nothing behind that would keep it from starting again."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

PATIENCE = 30.0


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


def start(directory: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ["PATH"],
        "HUBSPOT_ACCESS_TOKEN": "pat-test",
        "HUBSPOT_BASE_URL": f"http://127.0.0.1:{free_port()}",  # nobody listens there: the CRM is unreachable
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
