"""The receiver: a delivery is bounded, verified, checked for its shape, kept as it came, then answered.

What it holds is unpacked after the answer (`webhooks.unpacking`), most often by a worker. The answer comes after the
commit: a 200 means that the events are safe, and HubSpot never sends them again. Every error is JSON, and none tells a
caller more than it needs.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock
from urllib.parse import quote

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from sync.clock import Clock
from sync.errors import StoreError
from sync.log import where
from sync.observe import health
from sync.observe.metrics import Metrics
from sync.observe.running import Finding
from sync.settings import SettingError, Settings
from sync.storage.database import Store, StoreReader
from webhooks.events import MalformedBodyError, kinds_of
from webhooks.keeping import Keeper
from webhooks.signature import SignatureCheck, verify

PATH = "/webhooks/hubspot"

AT_A_TIME = 12
"""Deliveries that may be in the making at a time: HubSpot sends up to 10. Further ones are answered at once, so that some
of the server's threads are always free for health."""

PROBED_EVERY = timedelta(seconds=5)
"""How often `/readyz` writes at most, to see that it can: strangers may ask it too."""

Look = Callable[[StoreReader, datetime, Settings], list[Finding]]

NOTHING = b"[]"
"""A delivery of no events: it would do nothing even if it were believed."""

OF_A_CHECK = "a delivery of no events: `handoffs check` sends one to see that a wrong signature is refused"

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


def create_app(*, store: Store, settings: Settings, clock: Clock, look: Look = health.look) -> Flask:
    """Make the WSGI app, over an open and migrated store. Build it in the process that serves it, after any fork.

    Without HUBSPOT_CLIENT_SECRET and PUBLIC_URL the service lives by polling alone: webhooks are answered with 503.
    With only one of the two no delivery could ever be verified: a `SettingError` names the other.
    """
    app = Flask(__name__, static_folder=None)
    # One byte more than allowed: Werkzeug silently cuts a body of unknown length there, and its size then tells.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes + 1
    app.url_map.merge_slashes = False  # another path is another signed URI: 404, no redirect
    metrics = Metrics(store, clock)
    probe = _Probe(store)
    keeper = app.extensions["keeper"] = Keeper(store)
    receiver = _Receiver(keeper, clock, metrics, settings.max_body_bytes, trust_of(settings))
    if receiver.trust is None:
        _log.info("webhooks.off", reason="HUBSPOT_CLIENT_SECRET and PUBLIC_URL are not set")

    @app.post(PATH, provide_automatic_options=False)
    def webhook() -> Response:
        with metrics.receive_seconds.time():
            return receiver.answer()

    @app.get("/healthz", provide_automatic_options=False)
    def healthz() -> Response:
        return _json(200, alive=True)

    @app.get("/readyz", provide_automatic_options=False)
    def readyz() -> Response:
        now = clock.now()
        findings = [*probe.findings(now), *look(store, now, settings)]
        reasons = list(dict.fromkeys(one.text for one in findings if one.stops_work))
        needs_a_person = [one.text for one in findings if not one.stops_work]
        return _json(503 if reasons else 200, ready=not reasons, reasons=reasons, needs_a_person=needs_a_person)

    @app.get("/metrics", provide_automatic_options=False)
    def scrape() -> Response:
        return Response(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        response = _json(error.code or 500, error=error.name.lower())
        response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        if request.endpoint == webhook.__name__:
            return receiver.unstorable(type(error).__name__, stack=where(error))
        _log.error("request.failed", path=request.path, error=type(error).__name__, stack=where(error))
        return _json(500, error="internal error")

    return app


class _Probe:
    """Writes into the database to see that it takes what is written, and remembers for a moment whether it did."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._at: datetime | None = None
        self._found: Finding | None = None

    def findings(self, now: datetime) -> list[Finding]:
        """Tell what is wrong with writing; empty: nothing."""
        with self._lock:
            if self._at is None or not timedelta() <= now - self._at < PROBED_EVERY:
                self._at, self._found = now, health.probe(self._store, now)
            return [] if self._found is None else [self._found]


@dataclass(frozen=True, slots=True)
class Trust:
    """What a genuine delivery is recognised by."""

    public_url: str
    secrets: tuple[str, ...]
    accept_v1: bool


def trust_of(settings: Settings) -> Trust | None:
    """Read it from the settings; None: the service runs without webhooks. Raises `SettingError` if only half is set."""
    secrets = tuple(secret.get_secret_value() for secret in settings.hubspot_client_secret)
    if settings.public_url is None and not secrets:
        return None
    if not secrets:
        raise SettingError(
            "HUBSPOT_CLIENT_SECRET is not set, but PUBLIC_URL is: set the HubSpot app's client secret to receive "
            "webhooks, or unset PUBLIC_URL to run without them"
        )
    if settings.public_url is None:
        raise SettingError(
            "PUBLIC_URL is not set, but HUBSPOT_CLIENT_SECRET is: HubSpot signs the address that it calls, so set that "
            "(https://handoffs.example.com), or unset HUBSPOT_CLIENT_SECRET to run without webhooks"
        )
    return Trust(settings.public_url, secrets, settings.accept_signature_v1)


@dataclass(frozen=True, slots=True)
class _Receiver:
    """What becomes of one POST. Each way out counts itself and leaves one line in the log, without body or secret."""

    keeper: Keeper
    clock: Clock
    metrics: Metrics
    max_body_bytes: int
    trust: Trust | None
    room: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_A_TIME))

    def answer(self) -> Response:
        """Verify, read and store the request at hand, and answer it."""
        if not self.room.acquire(blocking=False):
            return self._refused(503, "busy", "too many deliveries at a time; send it again")
        try:
            return self._answer()
        finally:
            self.room.release()

    def _answer(self) -> Response:
        if self.trust is None:
            return self._refused(503, "webhooks_off", "webhooks are not set up: HUBSPOT_CLIENT_SECRET, PUBLIC_URL")
        try:
            body = request.get_data(cache=False)
        except RequestEntityTooLarge:
            return self._too_large()
        if len(body) > self.max_body_bytes:
            return self._too_large()
        now = self.clock.now()
        verdict = verify(
            method=request.method,
            uri=self.trust.public_url + _target(),
            body=body,
            headers=dict(request.headers.items()),
            secrets=self.trust.secrets,
            now=now,
            accept_v1=self.trust.accept_v1,
        )
        if verdict is not SignatureCheck.GENUINE:
            self.metrics.refused.labels(verdict.value).inc()
            note = OF_A_CHECK if body == NOTHING else ""
            return self._refused(401, verdict.value, "the signature is missing, wrong, or not recent", note)
        try:
            kinds = kinds_of(body)
        except MalformedBodyError as error:
            self._count("malformed")
            _log.warning("delivery.malformed", reason=error.reason.value, bytes=len(body))
            return _json(400, error=str(error))
        try:
            if kinds:  # `handoffs check` sends none, and leaves no trace
                self.keeper.keep(body, now)
        except StoreError as error:
            return self.unstorable(str(error))
        self._count("received")
        for kind, count in Counter(kinds).items():
            self.metrics.events.labels(kind.value).inc(count)
        _log.info("delivery.received", events=len(kinds))
        return _json(200, received=len(kinds))

    def unstorable(self, cause: str, **details: object) -> Response:
        """Answer that it was not stored. HubSpot sends it again; if it was stored all the same, its events count once."""
        self._count("unstorable")
        self.metrics.store_failures.inc()
        _log.error("delivery.unstorable", error=cause, **details)
        return _json(503, error="the delivery could not be stored; send it again")

    def _too_large(self) -> Response:
        return self._refused(413, "too_large", f"the body is larger than {self.max_body_bytes} bytes")

    def _refused(self, status: int, reason: str, message: str, note: str = "") -> Response:
        """`note`: why it is nothing to worry about."""
        self._count("too_large" if status == 413 else "refused")
        if note:
            _log.info("delivery.refused", reason=reason, remote=request.remote_addr, note=note)
        else:
            _log.warning("delivery.refused", reason=reason, remote=request.remote_addr)
        return _json(status, error=message)

    def _count(self, outcome: str) -> None:
        self.metrics.deliveries.labels(outcome).inc()


def _target() -> str:
    """Path and query exactly as received: waitress, gunicorn and Werkzeug hand them on; elsewhere they are built again."""
    environ = request.environ
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:
        return re.sub(r"^https?://[^/?]*", "", str(raw), flags=re.IGNORECASE)  # some proxies send the whole address
    path = quote(f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}", encoding="latin-1")
    query = environ.get("QUERY_STRING")
    return f"{path}?{query}" if query else path


def _json(status: int, **fields: object) -> Response:
    response = jsonify(fields)
    response.status_code = status
    return response
