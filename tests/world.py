"""The one world that tests play in: the sandbox and the whole service, in one process, on one clock.

The code is the real one from the receiver to the CRM client. Without `wire` only the transport under `requests` and the
way of a webhook to the Flask app are short-cut; with it, both go over sockets of this machine.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from sqlalchemy import Connection, event
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from mappings.vocabulary import TaskKind
from sync.clock import Clock, from_ms
from sync.crm import TASK_COMPLETED, TASK_STATUS, TASK_SUBJECT
from sync.failpoints import no_failpoint
from sync.passes.tally import Tally
from sync.rules import keys
from sync.sandbox.clock import VirtualClock
from sync.sandbox.delivery import DeliveryMode, HttpSender
from sync.sandbox.people import People, SeenTask
from sync.sandbox.portal import ASSIGNMENT
from sync.sandbox.process import Names
from sync.sandbox.quirks import Quirks
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.server import SandboxServer
from sync.sandbox.transport import URL, mount
from sync.service.bootstrap import Service, build
from sync.service.drain import Turns, run_poll, run_sweep
from sync.service.lanes import set_number
from sync.settings import Settings, read_settings
from sync.storage.database import Store
from tests.databases import drop, forget, url_in
from webhooks.app import create_app

PUBLIC = "https://handoffs.example.com"
NEW_YORK_MORNING = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)  # a Monday, 9:00 in New York
TODAY = date(2026, 11, 2)

SURELY = timedelta(seconds=3)
"""So much later than a closing counts the service looks at it: the CRM tells its time in whole seconds."""


def _skip_the_disk(store: Store) -> None:
    """Do not wait for the disk at each commit: a test may end a process, but never cuts the power."""

    def hurry(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    if store.path is None:  # the tests' server waits for no disk anyway
        return
    store.close()
    event.listen(store.engine, "connect", hurry)
    begin = store._dialect.begin_write

    def begin_write(connection: Connection, *, pauses: bool, lasting: bool) -> None:
        begin(connection, pauses=pauses, lasting=True)  # as it is by default: nothing is switched, and so none waits

    setattr(store._dialect, "begin_write", begin_write)  # noqa: B010 - mypy takes no method of another's


class _Quiet(WSGIRequestHandler):
    """Access logs are no part of a test's output."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the base class's signature
        pass


class _Receiver:
    """The Flask app behind a real socket, in a thread."""

    def __init__(self, app: Flask) -> None:
        self._server: BaseWSGIServer = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Ahead:
    """The service's clock, so far ahead of the CRM's."""

    def __init__(self, crm: VirtualClock, ahead: timedelta) -> None:
        self._crm = crm
        self._ahead = ahead

    def now(self) -> datetime:
        return self._crm.now() + self._ahead

    def sleep(self, seconds: float) -> None:
        self._crm.sleep(seconds)


class World:
    """An agency's portal with the service beside it. `webhooks=False`: poll and sweep alone carry everything.

    `empty`: the process is not in the portal yet, and nothing is subscribed to. `ahead`: how far the service's clock is ahead
    of the CRM's; negative: behind it.
    """

    def __init__(
        self,
        directory: Path,
        *,
        webhooks: bool = True,
        mode: DeliveryMode | None = None,
        seed: int = 0,
        mapping: str | None = None,
        names: Names | None = None,
        quirks: Quirks | None = None,
        with_task_property: bool = True,
        empty: bool = False,
        start: datetime = NEW_YORK_MORNING,
        failpoint: Callable[[str], None] = no_failpoint,
        wire: bool = False,
        ahead: timedelta = timedelta(),
        **settings: Any,
    ) -> None:
        self.directory = directory
        self.sandbox = Sandbox(
            seed=seed,
            start=start,
            names=names,
            quirks=quirks,
            mode=mode,
            target=f"{PUBLIC}/webhooks/hubspot" if webhooks else None,
            sender=self._deliver,
            with_task_property=with_task_property,
            empty=empty,
        )
        if webhooks and not empty:
            self.sandbox.delivery.subscribe_all(["ticket", "task", self.sandbox.process.names.object_name])
        self.webhooks = webhooks
        self._crm_server = SandboxServer(self.sandbox, pump=False).start() if wire else None
        self._receiver: _Receiver | None = None
        if mapping is not None:
            path = directory / "mapping.yaml"
            path.write_text(mapping, encoding="utf-8")
            settings["mapping"] = path
        values: dict[str, Any] = {
            "_env_file": None,
            "hubspot_access_token": self.sandbox.portal.app.token,
            "hubspot_client_secret": self.sandbox.portal.app.client_secret,
            "hubspot_app_id": str(self.sandbox.portal.account.app_id),
            "hubspot_base_url": URL if self._crm_server is None else self._crm_server.url,
            "public_url": PUBLIC,
            "database_url": url_in(directory),
            "email_url": "hubspot:777",
            **settings,
        }
        self.settings: Settings = read_settings(**values)
        self.failpoint = failpoint
        self.own_clock: Clock = _Ahead(self.clock, ahead) if ahead else self.clock
        self.service: Service = self._start()
        self._served = (self.service, Turns(self.service))

    # -- the service

    def _start(self) -> Service:
        service = build(
            self.settings,
            clock=self.own_clock,
            budget_clock=self.clock,
            session=mount(requests.Session(), self.sandbox.api) if self._crm_server is None else None,
            failpoint=lambda step: self.failpoint(step),
        )
        _skip_the_disk(service.store)
        set_number(service.store, self.settings.lanes or 1)
        self.app = create_app(store=service.store, settings=self.settings, clock=self.own_clock)
        if self._crm_server is not None:
            self._receiver = _Receiver(self.app)
            self.sandbox.delivery.sender = HttpSender(origin=self._receiver.url)
        return service

    def _turns(self) -> Turns:
        """The turns of the service that is here now: a test may set another in its place."""
        served, turns = self._served
        if served is not self.service:
            turns = Turns(self.service)
            self._served = (self.service, turns)
        return turns

    def close(self) -> None:
        """End the service, and with `wire` both servers."""
        self.service.close()
        if self._receiver is not None:
            self._receiver.close()
        if self._crm_server is not None:
            self._crm_server.stop()
        drop(self.settings.database_url)

    def restart(self, *, lose_database: bool = False) -> None:
        """End the service and start it anew."""
        self.service.close()
        if self._receiver is not None:
            self._receiver.close()
        if lose_database:
            forget(self.settings.database_url, self.directory)
        self.service = self._start()

    def remap(self, mapping: str, *, lose_database: bool = False) -> None:
        """End the service and start it with another mapping, which differs so from the packaged one."""
        path = self.directory / "mapping.yaml"
        path.write_text(mapping, encoding="utf-8")
        self.settings = self.settings.model_copy(update={"mapping": path})
        self.restart(lose_database=lose_database)

    def _deliver(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        parts = urlsplit(url)
        answer = self.app.test_client().open(
            parts.path, method=method, query_string=parts.query, headers=dict(headers), data=body
        )
        return answer.status_code

    def receive(self) -> None:
        """Deliveries arrive and are unpacked; no pass runs."""
        self.sandbox.delivery.pump()
        self.service.unpack()

    def work(self, *, settle: bool = True) -> Tally:
        """Everything that can happen now: deliveries arrive (or a poll runs), and what is dirty is looked at.

        `settle`: nobody takes back what may be a wrong pick, and time passes until it counts.
        """
        total = self._work()
        while settle and (ahead := self._counts_in()) is not None:
            self.clock.advance(ahead)
            total += self._work()
        return total

    def _counts_in(self) -> timedelta | None:
        """How long until the service will look at a closing version or completed implementation task that counts by then.

        None: there is none that waits.
        """
        settle = timedelta(seconds=self.service.mapping.rules.settle_seconds) + SURELY
        since = [at for at in self._may_be_taken_back() if self.clock.now() - at < settle]
        return min((at + settle - self.clock.now() for at in since), default=None)

    def _may_be_taken_back(self) -> Iterator[datetime]:
        """Since when each status that ends a cycle has stood, and each implementation task was completed, by people."""
        portal, names = self.sandbox.portal, self.sandbox.process.names
        closing = {names.statuses[1][0], names.statuses[-1][0]}
        implement = self.service.mapping.tasks[TaskKind.IMPLEMENT].subject
        found = [
            (one, names.status) for one in portal.records(names.object_type_id) if one.value(names.status) in closing
        ]
        found += [
            (task, TASK_STATUS)
            for task in portal.records(portal.type("task").id)
            if task.value(TASK_STATUS) == TASK_COMPLETED and task.value(TASK_SUBJECT) == implement
        ]
        for record, name in found:
            newest = record.history[name][-1]
            if newest.actor.source_type != "INTEGRATION":
                yield from_ms(newest.at)

    def _work(self) -> Tally:
        total = Tally()
        for _ in range(10):
            delivered = self.sandbox.delivery.pump() if self.webhooks else None
            if not self.webhooks:
                self.people.flush_search()
                _, tally = run_poll(self.service)
            else:
                tally = self._turns().drain()
            total += tally
            if not tally.tried and not (delivered and delivered.events):
                return total
        return total

    def prepare(self) -> None:
        """Do what is done before the first pass, and run none."""
        with self.service.lanes().one(0):
            pass

    def sweep(self) -> Tally:
        self.people.flush_search()
        return run_sweep(self.service)[1]

    def next_day(self, days: int = 1) -> Tally:
        """Nights pass: each morning at nine the sweep has run and everything has been looked at."""
        total = Tally()
        for _ in range(days):
            local = self.clock.now().astimezone(self.service.mapping.zone) + timedelta(days=1)
            self.clock.set(local.replace(hour=9, minute=0, second=0, microsecond=0).astimezone(UTC))
            total += self.sweep()
            total += self.work()
        return total

    def minutes(self, minutes: float) -> Tally:
        """Some minutes pass."""
        self.clock.advance(timedelta(minutes=minutes))
        return self.work()

    # -- what people see

    @property
    def clock(self) -> VirtualClock:
        return self.sandbox.clock

    @property
    def people(self) -> People:
        return self.sandbox.people

    @property
    def today(self) -> date:
        return self.service.today

    def day(self, ahead: int) -> date:
        return self.today + timedelta(days=ahead)

    def status(self, portfolio: str) -> str:
        return self.people.portfolio(portfolio)["creative_refresh_status"]

    def date(self, portfolio: str) -> str:
        return self.people.portfolio(portfolio)["creative_refresh_date"]

    def tasks(self, *records: tuple[str, str]) -> list[SeenTask]:
        """All tasks, or those of (kind, id) pairs, by rising id."""
        if not records:
            return sorted(self.people.all_tasks(), key=lambda task: int(task.id))
        found = {task.id: task for kind, record in records for task in self.people.tasks(kind, record)}
        return [found[i] for i in sorted(found, key=int)]

    def kinds(self, *records: tuple[str, str]) -> list[str]:
        """The kinds of the service's tasks, in order: `kickoff`, `write_copy`, …"""
        return [keys.slot_of(task.key).of for task in self.tasks(*records) if task.key]

    def emails(self) -> list[tuple[str, str]]:
        """(role of the receiver, subject) of every email that the service sent, in order; not HubSpot's own."""
        address = {owner.email: role for role, owner in self._owners().items()}
        ours = [mail for mail in self.people.emails() if mail.email_id != ASSIGNMENT]
        return [(address.get(mail.to, mail.to), str(mail.properties["subject"])) for mail in ours]

    def receivers(self) -> list[str]:
        return [role for role, _ in self.emails()]

    def _owners(self) -> dict[str, Any]:
        portal = self.sandbox.portal
        return {role: portal.owners[i] for role, i in self.sandbox.process.owners.items()}
