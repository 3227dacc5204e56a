"""The dead man's switch: while the service works, an address of the admin's monitor is pinged; silence is the alarm.

The convention is that of healthchecks.io (and of many that follow it): a POST to the address says that all is well, one to
the address with `/fail` behind its path that it is not; the body says what there is to say. `/start` is not used: it begins
a job that ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from urllib.parse import urlsplit, urlunsplit

import requests
import structlog

from sync.observe import health
from sync.service.bootstrap import Service

EVERY = 60.0
"""Seconds between two pings, and from the start to the first: what piled up while the service was off is no failure."""

TIMEOUT = (5.0, 10.0)
"""Seconds to connect, and to wait for an answer."""

LONGEST = 10_000
"""Characters of a ping's body."""

ENDS_WITHIN = 1.0
"""Seconds that the end waits for a ping that is under way."""

log = structlog.get_logger()


class Ping:
    """Pings HEARTBEAT_URL; does nothing where that is not set. An address that does not answer is logged, and no more."""

    def __init__(self, service: Service) -> None:
        self._service = service
        url = service.settings.heartbeat_url
        self._url = None if url is None else url.get_secret_value()
        self._stop = Event()
        self._failed = False

    @contextmanager
    def running(self, every: float = EVERY) -> Iterator[None]:
        """Ping in a thread of its own: whatever the worker is at, and however long the monitor takes to answer."""
        if self._url is None:
            yield
            return
        thread = Thread(target=self._keep_pinging, args=(every,), name="ping", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(ENDS_WITHIN)

    def ping(self) -> None:
        """Ping once: success while nothing stops the service. What needs a person besides is told in the body. Raises nothing."""
        if self._url is None:
            return
        service = self._service
        findings = health.look(service.store.reader, service.clock.now(), service.settings)
        fails = any(one.stops_work for one in findings)
        body = "\n".join(one.text for one in findings) or "All is well."
        try:
            answer = requests.post(
                _failing(self._url) if fails else self._url,
                data=body[:LONGEST].encode(errors="replace"),
                timeout=TIMEOUT,
            )
            error = None if answer.ok else f"status {answer.status_code}"
        except requests.RequestException as failure:
            error = type(failure).__name__  # its text names the address, which is a secret
        if error is not None and not self._failed:
            log.warning("ping.failed", error=error, setting="HEARTBEAT_URL")
        self._failed = error is not None

    def _keep_pinging(self, every: float) -> None:
        while not self._stop.wait(every):
            try:
                self.ping()
            except Exception:  # a thread that ended would be an alarm for nothing
                log.exception("ping.broken")


def _failing(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail"))
