"""A portal, a PostgreSQL, and processes of the service on it, as several hosts would have them."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path

import requests
from sqlalchemy import text

from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.sandbox import signing
from sync.sandbox.limits import Budget
from sync.sandbox.portal import ASSIGNMENT
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.server import SandboxServer
from sync.service.lanes import set_number
from sync.storage import work_queue
from sync.storage.database import Store, open_store
from tests.databases import fresh_postgresql
from tests.story.test_serve_killed import free_port

ROOT = Path(__file__).parents[2]
PUBLIC = "https://handoffs.example.com"
LANES = 8
GIVE_UP = 900.0
"""Seconds after which what is still to be done counts as lost."""


class Hosts:
    """A portal, a database, and the processes of the service on it."""

    def __init__(self, directory: Path, *, unlimited: bool = False, url: str | None = None) -> None:
        self.directory = directory
        self.sandbox = Sandbox(
            start=datetime.now(UTC), ticking=True, with_task_property=True, budget=Budget(enabled=not unlimited)
        )
        if unlimited:
            self.sandbox.api.limiter.budget = Budget(per_ten_seconds=100_000, searches_per_second=1_000, enabled=False)
        self.url = url or fresh_postgresql()
        self.store: Store = open_store(self.url)
        set_number(self.store, LANES)
        (directory / "mapping.yaml").write_text("rules: {effects_per_hour: 1000000}\n", encoding="utf-8")
        self.server = SandboxServer(self.sandbox, pump=False).start()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.receivers: dict[int, subprocess.Popen[bytes]] = {}
        self._started = count(1)
        self._logs: dict[int, Path] = {}  # by process
        self._said: dict[str, str] = {}
        self._numbers = count(1)
        self._clients = count(1)

    def say(self, **more: str) -> None:
        """Tell whoever is started from now on this too, in its environment."""
        self._said.update(more)

    def start(
        self, name: str, module: Sequence[str], enter: Sequence[str] = (), **more: str
    ) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HUBSPOT_ACCESS_TOKEN": self.sandbox.token,
            "LOG_FORMAT": "json", "HUBSPOT_CLIENT_SECRET": self.sandbox.client_secret, "PUBLIC_URL": PUBLIC,
            "DATABASE_URL": self.url, "HUBSPOT_BASE_URL": self.server.url, "MAPPING": "mapping.yaml",
            "EMAIL_URL": "hubspot:777", **self._said, **more,
        }  # fmt: skip
        path = self.directory / f"{next(self._started)}.{name}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                [*enter, sys.executable, "-m", *module], cwd=self.directory, env=environment, stdout=log, stderr=log
            )
        self._logs[process.pid] = path
        return process

    def add_worker(self) -> subprocess.Popen[bytes]:
        self.workers.append(self.start("worker", ("sync", "worker")))
        return self.workers[-1]

    def add_clocked_worker(self, enter: Sequence[str] = (), **more: str) -> subprocess.Popen[bytes]:
        """One by the sandbox's clock, which can be moved; `enter`: on another host, with what else it is told there."""
        self.workers.append(self.start("worker", ("tests.story.clocked_worker",), enter, **more))
        return self.workers[-1]

    def said_by(self, process: subprocess.Popen[bytes]) -> str:
        """All that it has logged."""
        return self._logs[process.pid].read_text(encoding="utf-8", errors="replace")

    def add_receiver(self) -> int:
        """Start one; its port."""
        port = free_port()
        self.receivers[port] = self.start("receiver", ("sync", "receiver"), PORT=str(port))
        return port

    def is_up(self, worker: subprocess.Popen[bytes]) -> bool:
        """Whether it has begun to work, by what it has logged."""
        return '"worker.started"' in self.said_by(worker)

    def are_up(self) -> bool:
        return all(map(self.is_up, self.workers))

    def populate(self, portfolios: int) -> list[str]:
        """Portfolios whose kickoff is due: a task and an email each."""
        due = (datetime.now(UTC) + timedelta(days=10)).date()
        return [self.sandbox.people.create_portfolio(f"Client {next(self._clients)}", due) for _ in range(portfolios)]

    def post(self, portfolios: Sequence[str]) -> bool:
        """Deliver an event of each, to one receiver or the other; whether it was taken."""
        at = to_ms(datetime.now(UTC))
        kind = self.sandbox.process.names.object_type_id
        events = [
            {
                "eventId": next(self._numbers), "subscriptionId": 1, "portalId": self.sandbox.portal.account.portal_id,
                "appId": self.sandbox.app_id, "occurredAt": at, "subscriptionType": "object.propertyChange",
                "attemptNumber": 0, "objectId": int(one), "objectTypeId": kind, "changeSource": "CRM_UI",
                "propertyName": self.sandbox.process.names.link, "propertyValue": "x", "sourceId": "userId:1",
            }
            for one in portfolios
        ]  # fmt: skip
        body = json.dumps(events).encode()
        headers = signing.headers(self.sandbox.client_secret, "POST", PUBLIC + "/webhooks/hubspot", body, at)
        for port in random.sample(list(self.receivers), len(self.receivers)):  # as a proxy does
            with suppress(requests.RequestException):
                if requests.post(f"http://127.0.0.1:{port}/webhooks/hubspot", body, headers=headers, timeout=10).ok:
                    return True
        return False

    def enqueue(self, portfolios: Sequence[str]) -> None:
        with self.store.write() as connection:
            records = [RecordRef(Kind.PORTFOLIO, one) for one in portfolios]
            work_queue.enqueue(connection, records, self.sandbox.clock.now(), "test")

    def due(self) -> int:
        """How many records are to be looked at by now."""
        with self.store.read() as connection:
            return work_queue.backlog(connection, self.sandbox.clock.now()).due

    def is_idle(self) -> bool:
        with self.store.read() as connection:
            found = work_queue.backlog(connection, self.sandbox.clock.now())
        return not found.due and not found.waiting

    def holders(self) -> dict[int, int]:
        """Which process holds each lane."""
        with self.store.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT l.objid, substring(a.application_name FROM '([0-9]+)@') FROM pg_locks l JOIN pg_stat_activity a "
                    "USING (pid) WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1279348293 AND l.objid < 64"
                )
            )
            return {int(lane): int(pid) for lane, pid in rows if pid}

    def close(self) -> None:
        for one in (*self.workers, *self.receivers.values()):
            with suppress(ProcessLookupError):
                one.send_signal(signal.SIGCONT)
            one.kill()
            one.wait()
        self.server.stop()
        self.store.close()

    # -- what came of it

    def done(self) -> tuple[Counter[str], Counter[str]]:
        """How often each client has a kickoff's task, and its email."""
        tasks = Counter(str(task.key).split(":")[1] for task in self.sandbox.people.all_tasks() if task.key)
        mails = [mail for mail in self.sandbox.people.emails() if mail.email_id != ASSIGNMENT]
        return tasks, Counter(str(mail.properties["subject"]) for mail in mails)

    def troubles(self) -> list[str]:
        """What workers and receivers have logged as an error."""
        logs = [*self.directory.glob("*.worker.log"), *self.directory.glob("*.receiver.log")]
        lines = [line for log in logs for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
        return [line for line in lines if '"level": "error"' in line or not line.startswith("{")]

    def overlapping(self) -> list[str]:
        """Passes of one lane that were under way at the same time, by what the workers' logs tell that each did.

        A warning is not counted: by one a pass tells that it has lost its lane, and does nothing more.
        """
        passes: dict[tuple[int, str], list[str]] = defaultdict(list)
        for log in self.directory.glob("*.worker.log"):
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, TypeError):
                    said = json.loads(line)
                    if "pass" in said and said["level"] == "info":
                        passes[(said["lane"], said["pass"])].append(said["timestamp"])
        found = []
        for lane in {lane for lane, _ in passes}:
            spans = sorted((min(each), max(each), name) for (of, name), each in passes.items() if of == lane)
            found += [
                f"lane {lane}: {first[2]} and {second[2]}" for first, second in pairwise(spans) if second[0] < first[1]
            ]
        self.passes = len(passes)
        return found


@contextmanager
def hosts(workers: int, receivers: int = 0, *, unlimited: bool = False) -> Iterator[Hosts]:
    """So many of each, at work."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        made = Hosts(Path(directory), unlimited=unlimited)
        stack.callback(made.close)
        for _ in range(workers):
            made.add_worker()
        for _ in range(receivers):
            made.add_receiver()
        yield made


def until(condition: Callable[[], object], seconds: float = GIVE_UP, every: float = 0.2) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True
