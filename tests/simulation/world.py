"""The world of `tests.world`, fast and deterministic, with an event log beside it and a hook before every call.

What is short-cut is what the simulation is not about, and only here: the mapping is read once a process, a database is a
copy of a migrated one without waits for the disk, SQLAlchemy keeps what it has compiled from one start to the next,
`requests` hands over without building a connection's worth of objects, retries draw their jitter from the seed, what is
blocked is looked at twice a day instead of every hour, time spent inside a call is virtual, and request budget and lane
locks (which have tests of their own; here is one process) let everybody through. Everything from the receiver to the CRM
client is the real code.
"""

import io
import json
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote, urlsplit

import requests
import sqlalchemy
import structlog
from requests.structures import CaseInsensitiveDict
from sqlalchemy import Engine, Pool, create_engine, event
from werkzeug.test import run_wsgi_app

from mappings.load import load
from mappings.schema import ProcessMapping
from sync.clock import from_ms
from sync.hubspot.client import HubSpot
from sync.hubspot.session import Sender
from sync.passes import portal
from sync.passes.portal import Portal
from sync.sandbox.api import Api
from sync.sandbox.delivery import Delivery, DeliveryMode
from sync.sandbox.incomplete import MISSING
from sync.sandbox.portal import Event
from sync.sandbox.process import Names
from sync.sandbox.quirks import Quirks
from sync.sandbox.request_log import RequestLog
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.schema import Property
from sync.sandbox.transport import PATIENCE, URL, _suffer
from sync.sandbox.wire import Request
from sync.service.bootstrap import Service
from sync.storage.database import migrate, open_store
from sync.storage.lane_locks import LaneLock
from tests.databases import drop
from tests.simulation.event_log import EventLog
from tests.simulation.stages import define_stages, resolved
from tests.simulation.wording import define_words
from tests.world import World

EVENTS: tuple[Event, ...] = ("creation", "deletion", "restore", "merge", "associationChange")

TIER, LEAD = OFFICE = ("service_tier", "account_lead")
"""Properties of a portfolio that admins bring into the mapping's condition, and into who its people are."""

STAGES_FOR = timedelta(days=3)
"""How long pipelines are taken as known where nobody changes them."""

BLOCKED_AGAIN = timedelta(hours=12)
"""A blocked effect is looked at every hour; a simulation needs that less often."""

Hook = Callable[[str], None]
"""Called before and after every call to the CRM, with the name of the step."""


_free: list[Path] = []
"""Directories that were given back: an engine is kept for each path."""


def directory() -> Path:
    """A directory for databases: in memory where the machine has such a place."""
    if _free:
        again = _free.pop()
        again.mkdir(mode=0o700)
        return again
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="handoffs-simulation-", dir=memory if memory.is_dir() else None))


def _give_back(where: Path) -> None:
    shutil.rmtree(where, ignore_errors=True)
    _free.append(where)


_engines: dict[str, tuple[Engine, Pool]] = {}


def _kept_engine(url: sqlalchemy.URL, **options: Any) -> Engine:
    """What `create_engine` makes, once a file: a new engine would compile every statement anew.

    Its pool is a new one each time: who connects is told to the pool, and would be told once more by every start.
    """
    kept = _engines.get(str(url))
    if kept is None:
        engine = create_engine(url, **options)
        kept = _engines[str(url)] = engine, engine.pool
    engine, untouched = kept
    engine.dispose()
    engine.pool = untouched.recreate()
    return engine


class SimulationLog(RequestLog):
    """Counts calls and faults; keeps none of them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.faults: Counter[str] = Counter()
        self.last_fault: str | None = None
        self.lacked: Callable[[], None] = lambda: None
        """Called when something was taken out of an answer."""

    def add(
        self, at: datetime, seconds: float, endpoint: str, status: int, inputs: int, fault: str | None, *, metered: bool
    ) -> None:
        self.calls += 1
        self.last_fault = fault
        if fault is not None:
            self.faults[fault] += 1
            if fault in MISSING:
                self.lacked()


class DirectSession(requests.Session):
    """Hands each request to the sandbox's API, without preparing what only a socket needs."""

    def __init__(
        self,
        api: Api,
        hook: Hook,
        read: Callable[[str, list[str], bool], None],
        sent: Callable[[str, list[tuple[str, dict[str, str]]]], None],
    ) -> None:
        super().__init__()
        self._api = api
        self._hook = hook
        self._read = read
        self._sent = sent

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        method, url = request.method or "GET", request.url or ""
        path, _mark, query = url.removeprefix(URL).partition("?")
        assert isinstance(request.body, str | None)
        body = request.body or ""
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        self._hook("call")
        if path.endswith("/batch/update") and "/objects/" in path:
            self._sent(path.split("/")[-3], [(one["id"], one["properties"]) for one in json.loads(body)["inputs"]])
        answer = self._api.handle(Request(method, unquote(path), query, headers, body.encode()))
        _suffer(answer, self._api.portal.clock, _patience(options.get("timeout")), request)
        if answer.status in {200, 207} and path.endswith("/batch/read") and "/objects/" in path:
            asked = json.loads(body)
            ids = [one["id"] for one in asked["inputs"]]
            # Whose history is known is read without; what is read again before a write is read without its name.
            whole = bool(asked.get("propertiesWithHistory")) or "subject" in asked["properties"]
            self._read(path.split("/")[-3], ids, whole)
        self._hook("answer")
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.raw = io.BytesIO(answer.body)
        response._content = answer.body
        return response


def _patience(timeout: object) -> float:
    return float(timeout[1]) if isinstance(timeout, tuple) else PATIENCE


class _Unlimited:
    """A request budget that never makes anybody wait."""

    def __init__(self, *_: object, **__: object) -> None:
        """As the real one is made."""

    def take(self, *_: object) -> None:
        """At once."""

    def observe(self, *_: object) -> None:
        """Nothing to learn."""

    def back_off(self, *_: object) -> None:
        """The client itself waits before its next try."""


class _Lanes:
    """Lanes that are always free."""

    def __init__(self, _store: object) -> None:
        """As the real ones are made."""

    def held(self, _lane: int, _stop: object, _on_wait: object, **_: object) -> AbstractContextManager[LaneLock]:
        """At once."""
        return nullcontext(_FREE)

    def every(self, _stop: object, _on_wait: object) -> AbstractContextManager[LaneLock]:
        """At once."""
        return nullcontext(_FREE)


class _Free:
    """The lock of a lane that nobody else wants."""

    name = "lane 0"

    def take(self, _patience: float) -> bool:
        return True

    def holder(self) -> None:
        return None

    def is_mine(self) -> bool:
        return True

    def is_mine_in(self, _connection: object) -> bool:
        return True

    def free(self) -> None:
        """Nothing to give up."""


_FREE = _Free()


@lru_cache
def _template() -> bytes:
    """An empty database, its schema up to date."""
    where = directory()
    try:
        store = open_store(f"sqlite:///{where / 'template.db'}")
        migrate(store)
        store.close()  # the last connection: the file is whole
        return (where / "template.db").read_bytes()
    finally:
        _give_back(where)


def _mapping(path: Path | None) -> ProcessMapping:
    """Read a mapping, each text once a process."""
    return _mapping_of("{}" if path is None else path.read_text(encoding="utf-8"))


@lru_cache
def _mapping_of(text: str) -> ProcessMapping:
    where = directory()
    try:
        path = where / "mapping.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path)
    finally:
        _give_back(where)


def _quick(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


class SimulationWorld(World):
    """`hook` is called before and after each call to the CRM and at each checkpoint; it may raise, as a kill does."""

    def __init__(
        self,
        where: Path,
        *,
        seed: int,
        hook: Hook,
        start: datetime,
        quirks: Quirks,
        mode: DeliveryMode | None,
        names: Names | None = None,
        key_carrier: str = "property",
        admins: bool = False,
        words: bool = False,
        stages: bool = False,
    ) -> None:
        self._hook = hook
        self._new_terms: Mapping[str, Any] | None = None  # what no pass has gone by yet
        self._carrier = {} if key_carrier == "property" else {"task": {"key_carrier": key_carrier}}
        self._jitter = random.Random(f"jitter {seed}")
        self._seed = seed
        self.event_log: EventLog | None = None
        super().__init__(
            where,
            webhooks=False,
            seed=seed,
            quirks=quirks,
            names=names,
            mapping=json.dumps(self._carrier) if self._carrier else None,
            start=start,
            failpoint=hook,
            go_live=start.isoformat(),  # a lost database must not move it
        )
        self.log = SimulationLog()
        self.sandbox.api.log = self.log
        if admins:
            define_office(self.sandbox)
        if words:
            define_words(self.sandbox)
        if stages:
            define_stages(self.sandbox)
        self.event_log = EventLog(self.sandbox.portal, self.sandbox.process)
        self.log.lacked = self.event_log.lacked
        self.webhooks = mode is not None
        if mode is not None:
            self.sandbox.delivery.target = f"{self.settings.public_url}/webhooks/hubspot"
            self.sandbox.delivery.mode = mode
            subscribe(self.sandbox.delivery, self.sandbox.process.names, OFFICE if admins else ())

    def _start(self) -> Service:
        database = self.directory / "handoffs.db"
        if not database.exists():
            database.write_bytes(_template())
        # World mounts its own session; this one takes its place in the client.
        with ExitStack() as stack:
            stack.enter_context(patch("sync.service.bootstrap.migrate", _no_migration))
            stack.enter_context(patch("sync.service.bootstrap.load", _mapping))
            stack.enter_context(patch("sync.service.bootstrap.Budget", _Unlimited))
            stack.enter_context(patch("sync.storage.sqlite.create_engine", _kept_engine))
            service = super()._start()
        assert isinstance(service.crm, HubSpot)
        transport = service.crm._calls.transport
        transport._sender = Sender(DirectSession(self.sandbox.api, self._hook, self._looked, self._sent))
        transport._jitter = self._jitter
        note = service._note_mapping

        def noted(portal: Portal) -> None:
            note(portal)
            if self._new_terms is not None and self.event_log is not None:
                self.event_log.remapped(resolved(self.sandbox.portal, self._new_terms))
                self._new_terms = None

        object.__setattr__(service, "_note_mapping", noted)
        if service.store.path is not None:
            service.store.close()
            event.listen(service.store.engine, "connect", _quick)
        return service

    def _deliver(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """As `World` does, without what a test client builds around a request."""
        parts = urlsplit(url)
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": parts.hostname or "",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        }
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        _, status, _ = run_wsgi_app(self.app, environ, buffered=True)
        return int(status[:3])

    def _looked(self, type_name: str, ids: list[str], whole: bool) -> None:
        if self.event_log is None:
            return
        kind = self._kind(type_name)
        if not whole:
            self.event_log.checked(kind, ids)
        elif kind in {"portfolio", "ticket"}:
            self.event_log.looked(kind, ids)

    def _sent(self, type_name: str, updates: list[tuple[str, dict[str, str]]]) -> None:
        if self.event_log is not None:
            self.event_log.sent(self._kind(type_name), updates)

    def _kind(self, type_name: str) -> str:
        found = self.sandbox.portal.type(type_name)
        return "portfolio" if found.custom else found.name

    def start_anew(self, values: Mapping[str, Any], *, lose_database: bool = False) -> None:
        """End the service and start it with a mapping that differs by these values from the packaged one.

        From the first pass on it goes by that one.
        """
        self._new_terms = values
        self.remap(json.dumps({**values, **self._carrier}), lose_database=lose_database)

    def next_look(self) -> datetime | None:
        """When the next dirty record is to be looked at; None: none is dirty."""
        due = self._ask("SELECT min(look_at) FROM dirty WHERE parked_at IS NULL AND held_effects IS NULL")
        return None if due is None else from_ms(due)

    def unfinished(self) -> bool:
        """Whether the service still means to do something, or does not know what came of it, or backs off."""
        found = self._ask(
            "SELECT (SELECT count(*) FROM effect WHERE state IN ('planned', 'attempting', 'unknown'))"
            " + (SELECT count(*) FROM dirty WHERE attempts > 0)"
            " + (SELECT count(*) FROM faulty_record)"
        )
        return bool(found)

    def _ask(self, question: str) -> int | None:
        """One number from the database; between two passes, so that nothing is begun."""
        connection = self.service.store.engine.raw_connection()
        try:
            found = connection.cursor().execute(question).fetchone()
        finally:
            connection.close()
        return None if found is None or found[0] is None else int(found[0])

    def end(self) -> None:
        self.service.close()
        drop(self.settings.database_url)
        _give_back(self.directory)


def _no_migration(_store: object) -> None:
    """The database is a copy of a migrated one."""


def define_office(sandbox: Sandbox) -> None:
    """Give portfolios, and tickets, what admins bring into the mapping in mid-life."""
    portal, type_id = sandbox.portal, sandbox.process.names.object_type_id
    portal.define_property(type_id, Property(TIER, "Service Tier"))
    portal.define_property(type_id, Property(LEAD, "Account Lead", "enumeration", "select", owner=True))


def subscribe(delivery: Delivery, names: Names, others: Sequence[str] = ()) -> None:
    """To what the service's own subscriptions name: every property that the mapping speaks of, or may come to speak of."""
    owners = (names.account_manager, names.social_ad_specialist, names.copywriter, names.graphic_designer)
    properties: Mapping[str, tuple[str, ...]] = {
        names.object_name: (names.status, names.date, names.cadence, *owners, *others),
        "ticket": (
            "hs_pipeline",
            "hs_pipeline_stage",
            names.folder,
            names.needs_revisions,
            names.ticket_copywriter,
            names.ticket_graphic_designer,
        ),
        "task": ("hs_task_status",),
    }
    for name, watched in properties.items():
        for kind in EVENTS:
            if name != "task" or kind in {"creation", "deletion", "restore"}:
                delivery.subscribe(kind, name)
        for one in watched:
            delivery.subscribe("propertyChange", name, one)


@contextmanager
def quiet(clock_seconds: Callable[[], float], *, labels_change: bool = False) -> Iterator[None]:
    """Without logs, and with the client's stopwatch on virtual time."""
    structlog.configure(
        processors=[],
        wrapper_class=structlog.make_filtering_bound_logger(50),
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    stopwatch = SimpleNamespace(perf_counter=clock_seconds)
    with (
        patch("sync.hubspot.transport.time", stopwatch),
        patch("sync.service.lanes.Lanes", _Lanes),
        patch("sync.passes.portal.STAGES_FOR", portal.STAGES_FOR if labels_change else STAGES_FOR),
        patch("sync.rules.decide.BLOCKED_AGAIN", BLOCKED_AGAIN),
        patch("sync.passes.effects.attempts.BLOCKED_AGAIN", BLOCKED_AGAIN),
    ):
        yield
