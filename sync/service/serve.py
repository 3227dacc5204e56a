"""`handoffs serve`: receiver, worker and timer under one command, ended together.

The receiver is gunicorn in a process of its own: webhooks are stored and answered however busy a pass is, and even
while the CRM is unreachable or refuses the token. The worker runs in this process.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from sync.errors import ConfigurationError, HandoffsError
from sync.service.bootstrap import Service
from sync.service.ending import Ending, ending
from sync.service.worker import Worker
from webhooks.wsgi import LIFELINE

RECEIVER = "webhooks.wsgi:app()"
"""What gunicorn serves: a factory, so that the app is built in the process that serves it."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - HubSpot, or a proxy on another host, calls it
"""The address that the receiver listens on: every interface."""

THREADS = 8
"""Threads of the one receiver process: HubSpot sends up to 10 requests at a time, and each waits for one commit."""

ENDS_WITHIN = 7.0
"""Seconds for the current group, once the service was told to end: whoever runs it kills it after ten to thirty."""

RECEIVER_ENDS_WITHIN = 5
"""Seconds for the deliveries that the receiver is answering then."""

BACKLOG = 2048
"""Connections that may wait to be accepted: gunicorn's own default."""

log = structlog.get_logger()


def serve(
    service: Service,
    *,
    receiver: str = RECEIVER,
    host: str = EVERYWHERE,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run until SIGTERM or Ctrl-C; the current group is finished first, if that takes no longer than `ENDS_WITHIN`.

    Raises `ConfigurationError` if the port cannot be had, and `HandoffsError` if the receiver ends by itself: half a
    service is none.
    """
    worker = Worker(service)
    # Signals first: one that came between the two would end this process and leave the receiver behind.
    with (
        ending() as told,
        _listening(host, service.settings.port) as listener,
        _receiver(listener, receiver, environment) as process,
    ):
        port = listener.getsockname()[1]
        log.info("service.listening", url=f"http://{host}:{port}", public_url=service.settings.public_url)
        threading.Thread(target=_watch, args=(process, told), name="watch", daemon=True).start()
        _work_until_told(worker, told, process)
        ended = process.poll() if not told.is_set() else None
    if ended is not None and ended not in {0, -signal.SIGTERM, -signal.SIGINT}:
        raise HandoffsError(f"the receiver ended with code {ended}: see above why")


def work(service: Service) -> None:
    """Run a worker alone, beside a receiver in another process, until SIGTERM or Ctrl-C."""
    with ending() as told:
        _work_until_told(Worker(service), told)


def _work_until_told(worker: Worker, told: Ending, receiver: subprocess.Popen[bytes] | None = None) -> None:
    """Run the worker in a thread, so that whatever it waits for, this one hears of a signal.

    A group that is not finished in time is left as a killed process leaves it: what it has begun is in the ledger, and the
    next start looks in the CRM for what came of it. Raises what the worker raises.
    """
    failed: list[BaseException] = []

    def run() -> None:
        try:
            worker.run()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for this thread
            failed.append(error)
        finally:
            told.wake()

    thread = threading.Thread(target=run, name="worker", daemon=True)
    thread.start()
    told.wait()
    if told.is_set():
        log.info("service.stopping", signal=told.signal_name)
    worker.stop()
    if receiver is not None:
        receiver.terminate()  # both end at once, not one after the other
    thread.join(ENDS_WITHIN)
    if thread.is_alive():
        log.warning("service.left_mid_group", waited=ENDS_WITHIN)
    if failed:
        raise failed[0]


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """The port, taken before anything starts on it; 0: any that is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except OSError as error:
            raise ConfigurationError(
                f"PORT {port} cannot be listened on ({error.strerror}): end the program that uses it, or set another PORT"
            ) from error
        yield listener


@contextmanager
def _receiver(
    listener: socket.socket, app: str, environment: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--workers", "1"),
        *("--worker-class", "gthread", "--threads", str(THREADS), "--graceful-timeout", str(RECEIVER_ENDS_WITHIN)),
        *("--log-level", "warning", "--no-control-socket", app),
    ]
    lifeline, our_end = os.pipe()  # our end is inherited by nobody: it closes with this process, even at a kill -9
    try:
        # A group of its own: Ctrl-C reaches this process only, which then ends both in order.
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
            command,
            env={**os.environ, **(environment or {}), LIFELINE: str(lifeline)},
            start_new_session=True,
            pass_fds=[listener.fileno(), lifeline],
        )
    except OSError as error:
        os.close(our_end)
        raise ConfigurationError(f"the receiver cannot be started: {error}") from error
    finally:
        os.close(lifeline)
    try:
        yield process
    finally:
        os.close(our_end)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=RECEIVER_ENDS_WITHIN + 2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _watch(process: subprocess.Popen[bytes], told: Ending) -> None:
    process.wait()
    told.wake()
