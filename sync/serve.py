"""`handoffs serve`: receiver, worker and timer under one command, ended together.

The receiver is gunicorn in a process of its own: webhooks are stored and answered however busy a pass is, and even
while the CRM is unreachable or refuses the token. The worker runs in this process.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

import structlog

from sync.bootstrap import Service
from sync.engine.embedded import Worker
from sync.errors import ConfigurationError, HandoffsError

RECEIVER = "sync.receiver:app()"
"""What gunicorn serves: a factory, so that the app is built in the process that serves it."""

THREADS = 8
"""Threads of the one receiver process: HubSpot sends up to 10 requests at a time, and each waits for one commit."""

log = structlog.get_logger()


def serve(service: Service, *, receiver: str = RECEIVER, environment: Mapping[str, str] | None = None) -> None:
    """Run until SIGTERM or Ctrl-C; the current group is finished first.

    Raises `HandoffsError` if the receiver ends by itself (a port in use, say): half a service is none.
    """
    worker = Worker(service)
    with _receiver(service.settings.port, receiver, environment) as process, stopping(worker):
        watcher = threading.Thread(target=_watch, args=(process, worker), daemon=True)
        watcher.start()
        worker.run()
        ended = process.poll()
    if ended is not None and ended not in {0, -signal.SIGTERM, -signal.SIGINT}:
        raise HandoffsError(
            f"the receiver ended with code {ended} (see above): is PORT {service.settings.port} in use by another program?"
        )


def work(service: Service) -> None:
    """Run a worker alone, beside a receiver in another process, until SIGTERM or Ctrl-C."""
    worker = Worker(service)
    with stopping(worker):
        worker.run()


@contextmanager
def _receiver(port: int, app: str, environment: Mapping[str, str] | None) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"0.0.0.0:{port}", "--workers", "1"),
        *("--worker-class", "gthread", "--threads", str(THREADS), "--graceful-timeout", "10"),
        *("--log-level", "warning", "--no-control-socket", app),
    ]
    try:
        # A group of its own: Ctrl-C reaches this process only, which then ends both in order.
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
            command, env={**os.environ, **(environment or {})}, start_new_session=True
        )
    except OSError as error:
        raise ConfigurationError(f"the receiver cannot be started: {error}") from error
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def stopping(worker: Worker) -> Iterator[None]:
    """SIGTERM and Ctrl-C end the worker after its current group; a second Ctrl-C ends it at once."""

    def stop(number: int, _frame: FrameType | None) -> None:
        log.info("service.stopping", signal=signal.Signals(number).name)
        worker.stop()
        signal.signal(signal.SIGINT, before[signal.SIGINT])

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(process: subprocess.Popen[bytes], worker: Worker) -> None:
    process.wait()
    worker.stop()
