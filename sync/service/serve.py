"""`handoffs serve`: receiver, worker and timer under one command, ended together.

The receiver is a process of its own: webhooks are stored and answered however busy a pass is, and even while the CRM is
unreachable or refuses the token. The worker runs in this process.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from sync.ending import ENDED_AS_TOLD, Ending, ending
from sync.errors import ConfigurationError, HandoffsError
from sync.service.bootstrap import Service
from sync.service.worker import Worker
from webhooks import server

RECEIVER = "webhooks.server"
"""The module that is run as the receiver."""

GROUP_ENDS_WITHIN = 6.0
"""Seconds for the current group, and for what ends with the worker, from the signal by which the service was told to end."""

RECEIVER_ENDS_WITHIN = 7.5
"""Seconds after the signal at which a receiver that has not ended is killed: it was told when the worker was, and ends itself
after `server.ENDS_WITHIN`. The rest until `sync.ending.WITHIN` is for closing the database, and for the interpreter."""

KEPT_ALIVE_FROM = 2.0
"""Seconds from which on a receiver that ends by itself is started again: one that never got so far will not the next time."""

log = structlog.get_logger()


def serve(
    service: Service,
    *,
    receiver: str = RECEIVER,
    host: str = server.EVERYWHERE,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run until SIGTERM or Ctrl-C; the current group is finished first, if that takes no longer than `GROUP_ENDS_WITHIN`.

    A receiver that is killed is started again: callers meanwhile wait at its port. Raises `ConfigurationError` if the
    port cannot be had, and `HandoffsError` if the receiver cannot serve: half a service is none.
    """
    worker = Worker(service)
    worker.tell_of_others()  # before the port: what has it may well be this
    # Signals first: one that came between the two would end this process and leave the receiver behind.
    with (
        ending(surely=ENDED_AS_TOLD) as told,
        server.listen(host, service.settings.port) as listener,
        _Receiver(listener, receiver, environment, told).running() as process,
    ):
        port = listener.getsockname()[1]
        log.info("service.listening", url=f"http://{host}:{port}", public_url=service.settings.public_url)
        _work_until_told(worker, told, process)
    if process.failed_with is not None:
        raise HandoffsError(f"the receiver ended with code {process.failed_with}: see above why")


def work(service: Service) -> None:
    """Run a worker alone, beside a receiver in another process, until SIGTERM or Ctrl-C."""
    with ending(surely=ENDED_AS_TOLD) as told:
        _work_until_told(Worker(service), told)


class _Receiver:
    """The receiver's process, kept alive. `failed_with`: the exit code of one that cannot serve; None: it can."""

    def __init__(
        self, listener: socket.socket, module: str, environment: Mapping[str, str] | None, told: Ending
    ) -> None:
        self._listener = listener
        self._module = module
        self._environment = environment or {}
        self._told = told
        self._lifeline = -1
        self._ends = False
        self.failed_with: int | None = None

    @contextmanager
    def running(self) -> Iterator["_Receiver"]:
        """Run it, and end it at the end. Raises `ConfigurationError` where it cannot be started."""
        self._lifeline, our_end = os.pipe()  # our end is inherited by nobody: it closes with us, even at a kill -9
        try:
            self._process = self._start()
            threading.Thread(target=self._keep, name="receiver", daemon=True).start()
            yield self
        finally:
            self.end()
            try:
                self._wait()
            finally:  # not before: the receiver ends at once where the lifeline does, in the middle of an answer
                os.close(our_end)
                os.close(self._lifeline)

    def end(self) -> None:
        """Tell it to end, and do not wait for that."""
        self._ends = True
        if self._process.poll() is None:
            self._process.terminate()

    def _wait(self) -> None:
        try:
            self._process.wait(timeout=self._told.left(RECEIVER_ENDS_WITHIN))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        handed = {server.LISTENER: str(self._listener.fileno()), server.LIFELINE: str(self._lifeline)}
        self._started_at = time.monotonic()
        try:
            # A group of its own: Ctrl-C reaches this process only, which then ends both.
            return subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
                [sys.executable, "-m", self._module],
                env={**os.environ, **self._environment, **handed},
                start_new_session=True,
                pass_fds=[self._listener.fileno(), self._lifeline],
            )
        except OSError as error:
            raise ConfigurationError(f"the receiver cannot be started: {error}") from error

    def _keep(self) -> None:
        """Start it again whenever it ends by itself; where that is of no use, end the service."""
        while True:
            code = self._process.wait()
            if self._ends:
                return
            if code == server.CANNOT_SERVE or time.monotonic() - self._started_at < KEPT_ALIVE_FROM:
                self.failed_with = code
                self._told.wake()
                return
            log.error("receiver.ended", code=code, again=True)
            try:
                self._process = self._start()
            except ConfigurationError as error:
                log.error("receiver.not_started", error=str(error))  # noqa: TRY400 - it says what to do
                self.failed_with = code
                self._told.wake()
                return


def _work_until_told(worker: Worker, told: Ending, receiver: _Receiver | None = None) -> None:
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
        receiver.end()  # both end at once, not one after the other
    thread.join(told.left(GROUP_ENDS_WITHIN))
    if thread.is_alive():
        log.warning("service.left_mid_group", waited=GROUP_ENDS_WITHIN)
    if failed:
        raise failed[0]
