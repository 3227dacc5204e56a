"""The real service on a sandbox's clock: `python -m sync.sandbox.service`, with the settings that `handoffs serve` reads.

Production code does not know the sandbox, so what the two have to share is brought together here: the time. A webhook is
signed with the sandbox's, and refused when it is older than five minutes; the timer sweeps when the sandbox's day begins.
The sandbox is the one at HUBSPOT_BASE_URL, and its control API tells the time.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import requests

from sync.errors import ConfigurationError, HandoffsError
from sync.settings import read_settings

RECEIVER = "sync.sandbox.receiver"
LIFELINE = "SANDBOX_LIFELINE"
"""Set in the environment, this process and its receiver end once their standard input is closed: their starter is gone."""

LAST_WORDS = 5.0
"""Seconds for an orderly end, once the starter is gone."""

FRESH_FOR = 0.05
"""Seconds for which a reading serves the worker, which asks for the time often."""

TIMEOUT = 5.0


class SandboxClock:
    """The clock of the sandbox at `url`. One that ticks is this machine's own clock moved, so all processes agree exactly.

    `fresh_for` is how many real seconds a reading serves; 0 asks each time. A sandbox that no longer answers leaves the
    last reading standing. Raises `ConfigurationError` if there never was an answer.
    """

    def __init__(self, url: str, *, fresh_for: float = FRESH_FOR) -> None:
        self._address = url.rstrip("/")
        self._url = f"{self._address}/_sandbox/clock"
        self._fresh_for = fresh_for
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False
        self._read_at: float | None = None
        self._offset: timedelta | None = None  # None: the clock stands still, at `_stands_at`
        self._stands_at = datetime.now(UTC)

    def now(self) -> datetime:
        with self._lock:
            if self._read_at is None or time.monotonic() - self._read_at >= self._fresh_for:
                self._read()
            return self._stands_at if self._offset is None else datetime.now(UTC) + self._offset

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def _read(self) -> None:
        try:
            answer = self._session.get(self._url, timeout=TIMEOUT).json()["result"]
        except (requests.RequestException, ValueError, KeyError) as error:
            if self._read_at is None:
                raise ConfigurationError(
                    f"no sandbox tells the time at {self._address}: start one with `handoffs sandbox`, or say where it is "
                    "(SANDBOX_URL)"
                ) from error
            return
        self._stands_at = datetime.fromisoformat(answer["now"])
        self._offset = timedelta(seconds=answer["offset"]) if answer["ticking"] else None
        self._read_at = time.monotonic()


def main(url: str | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C, by the clock of the sandbox at `url` (None: HUBSPOT_BASE_URL); the exit code."""
    from sync.log import configure
    from sync.service.bootstrap import build
    from sync.service.serve import serve

    hold_lifeline(_end_itself)
    try:
        settings = read_settings()
        configure(settings.log_format)
        service = build(settings, clock=SandboxClock(url or settings.hubspot_base_url))
        try:
            serve(service, receiver=RECEIVER, host="127.0.0.1")
        finally:
            service.close()
    except HandoffsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _end_itself() -> None:
    """Not later than `LAST_WORDS`: the sandbox has gone with the starter, and may be asked again and again in vain."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_WORDS)
    os._exit(1)


def hold_lifeline(end: Callable[[], None]) -> None:
    """If asked to, call `end` once standard input is closed, which also happens when the starter is killed."""
    if LIFELINE not in os.environ:
        return

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin: a thread that holds its lock spoils the interpreter's end
            pass
        end()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
