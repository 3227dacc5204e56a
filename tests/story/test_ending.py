"""SIGTERM and Ctrl-C: a command ends soon, whatever it waits for and whatever lock its main thread holds."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.ending import WITHIN, ending
from sync.service import serve
from tests.patience import PATIENCE
from tests.story.test_serve_killed import answers, becomes, free_port, start
from webhooks import server

SOON = 60.0
"""Seconds in which a command has ended on however busy a machine; ten is the promise, and the CRM here hangs for far longer."""


@contextmanager
def a_crm_that(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A CRM that takes each connection and does this with it; its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def hangs(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(PATIENCE * 5)


def drips(connection: socket.socket) -> None:
    """A byte now and then: no time-out between two of them is ever reached."""
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(1000):
            try:
                connection.sendall(b" ")
            except OSError:
                return
            time.sleep(0.5)


def refuses(connection: socket.socket) -> None:
    connection.close()


@pytest.mark.parametrize("answer", [hangs, drips, refuses])
def test_the_service_ends_whatever_the_crm_does(tmp_path: Path, answer: Callable[[socket.socket], None]) -> None:
    port = free_port()
    with a_crm_that(answer) as crm:
        process = start(tmp_path, port, crm)
        try:
            assert becomes(port, alive=True), (tmp_path / "serve.log").read_text()
            time.sleep(1)  # it is in the middle of its first call
            process.send_signal(signal.SIGTERM)
            code = process.wait(SOON)
        finally:
            process.kill()
            process.wait()
    said = (tmp_path / "serve.log").read_text()
    assert code == 0, said
    assert "service.stopping" in said
    assert "Traceback" not in said
    assert not answers(port)


def test_the_parts_of_an_end_fit_into_one_deadline() -> None:
    """All are counted from the signal; a second is left to a machine that is slow to tell of it, and ten are the promise."""
    assert server.ENDS_WITHIN + server.THREADS_END_WITHIN <= 5, "HubSpot gives up then; `receiver --help` says so"
    assert server.ENDS_WITHIN + server.THREADS_END_WITHIN < serve.RECEIVER_ENDS_WITHIN
    assert serve.GROUP_ENDS_WITHIN < serve.RECEIVER_ENDS_WITHIN < WITHIN <= 9


def test_what_is_left_is_counted_from_the_first_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with ending() as told:
        assert told.left(6) == 6, "nobody has told it yet"
        told.on_signal(signal.SIGTERM, None)
        now += 4
        told.on_signal(signal.SIGINT, None)
        assert told.left(6) == 2
        now += 4
        assert told.left(6) == 0


HELD_FOR_EVER = """
import signal, sqlite3, threading, time
from sync import ending

ending.WITHIN = 0.2
with ending.ending(surely={{signal.SIGTERM: 7}}) as told:
    threading.Thread(target=time.sleep, args=(600,)).start()
    print("ready", flush=True)
    {inside}
print("left", flush=True)
"""
IN_A_CALL = (
    "sqlite3.connect('').execute('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT max(i) FROM n')"
)
"""A call that lets no handler of Python run, and never ends."""


@pytest.mark.parametrize(
    ("inside", "first", "left"),
    [
        ("told.wait()", [], False),
        ("told.wait()", [signal.SIGINT], False),  # both at once: Python drops a signal whose handler just changes
        ("told.wait()", [signal.SIGINT], True),
        ("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]); told.wait()", [signal.SIGINT], True),
        (IN_A_CALL, [], False),
    ],
    ids=["told once", "after a Ctrl-C", "after a Ctrl-C that was heard", "by another thread", "in a call"],
)
def test_a_process_that_something_holds_is_ended_all_the_same(
    inside: str, first: list[signal.Signals], left: bool
) -> None:
    """A thread that the interpreter waits for stands for all: a database that is being closed, an exit handler."""
    for _ in range(5 if first else 1):
        with subprocess.Popen(
            [sys.executable, "-c", HELD_FOR_EVER.format(inside=inside)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline() == b"ready\n"
                for number in first:
                    process.send_signal(number)
                if left:
                    assert select.select([process.stdout], [], [], SOON)[0], "it has not heard of the Ctrl-C"
                    assert process.stdout.readline() == b"left\n"
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate(timeout=SOON)
            finally:
                process.kill()
        assert process.returncode == 7
        assert b"Ended in the middle" in err


LOGS_WITHOUT_PAUSE = """
import sys, threading
import click, structlog
from sync.log import configure
from sync.ending import ending

configure("json")
log = structlog.get_logger()
event = threading.Event()
with ending("Ending.\\n") as told:
    print("ready", flush=True)
    while not told.is_set():
        log.info("at work")
        click.echo("at work", err=True)
        event.set()
        event.clear()
log.info("ended", by=told.signal_name)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_process_that_logs_without_pause(number: signal.Signals, tmp_path: Path) -> None:
    """The main thread holds a log's lock most of the time: a handler that asks for it as well hangs for ever.

    It logs into a file, which takes everything: into a pipe that is full at the moment nothing is said to a person.
    """
    for n in range(8):
        log = tmp_path / f"{n}.log"
        with (
            log.open("wb") as written,
            subprocess.Popen(
                [sys.executable, "-c", LOGS_WITHOUT_PAUSE],
                cwd=Path(__file__).parents[2],
                stdout=subprocess.PIPE,
                stderr=written,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            ) as process,
        ):
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
                threading.Timer(0.05 + n / 100, process.send_signal, [number]).start()
                process.wait(SOON)
            finally:
                process.kill()
        err = log.read_bytes()
        assert process.returncode == 0
        assert b"Ending.\n" in err
        assert f'"by": "{number.name}"'.encode() in err
