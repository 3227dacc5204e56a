"""The real service, killed with -9 again and again while people work and the CRM loses answers.

The CRM is a sandbox in a process of its own; the service is what `handoffs serve` starts: a worker, and the receiver in
a process below it. A supervisor starts it again whenever it is gone, as systemd would. By default the service goes by the
CRM's clock (`sync.sandbox.service`), which is moved ahead in steps, so that the minutes that a lost answer takes to be
resolved pass in seconds; otherwise it is `handoffs serve` itself, on the machine's clock.
"""

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import requests

from sync.clock import to_ms
from sync.sandbox.control_client import ControlClient
from sync.sandbox.people import RemotePeople
from sync.sandbox.service import LIFELINE
from tests.story.workload import Client, View, start_of_day

ROOT = Path(__file__).parents[2]
MORNING = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)  # 9:00 in the portal's time zone

PATIENCE = 240.0
"""Real seconds after which something that should happen is given up."""

AHEAD = (5.0, 15.0)
"""Seconds of the CRM's clock by which it is moved ahead in one turn."""

POLL_SECONDS = 600
LANDS_AFTER = 70.0
"""Seconds of the CRM's clock after which a late write lands: with one turn's step, less than the service waits for it."""

Target = Literal["everything", "the worker", "the receiver"]
TARGETS: tuple[Target, ...] = ("everything", "everything", "the worker", "the receiver", "the receiver")

WRITES = ("POST */batch/create", "POST */batch/update", "POST */single-email/send")

FAULTS: tuple[Mapping[str, object], ...] = (
    *(
        {"kind": kind, "endpoint": endpoint, "probability": odds, "delay": LANDS_AFTER}
        for endpoint in WRITES
        for kind, odds in (("lost", 0.06), ("lost-504", 0.06), ("late", 0.1), ("late-504", 0.1), ("truncated", 0.04))
    ),
    # An answer that takes a while: a kill finds the write done and the ledger not knowing it.
    *({"kind": "slow", "endpoint": endpoint, "probability": 0.4, "delay": 0.4} for endpoint in WRITES),
    {"kind": "503", "endpoint": "*/batch/read", "probability": 0.02},
)

ROUGH = {
    "latency": [0, 5],
    "lost": 0.05,
    "doubled": 0.1,
    "late": 0.1,
    "late_seconds": [30, 300],
    "shuffled": True,
    "rebatched": True,
}
"""How webhooks fare. One that finds nobody comes again, as HubSpot does it."""


@dataclass
class Report:
    """What a run came to. `kills` by what was killed and what it was at; the last three must be empty."""

    kills: Counter[tuple[Target, str]] = field(default_factory=Counter)
    starts: int = 0
    steps: int = 0  # of people
    crm_time: timedelta = timedelta(0)
    seconds: float = 0.0
    tasks: int = 0
    emails: int = 0
    sends: int = 0  # calls that asked for an email, repeated ones too
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    deliveries: Mapping[str, Any] = field(default_factory=dict)
    after_poll: int = 0  # what was still missing or wrong before the sweep
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def run(
    directory: Path,
    *,
    kills: int,
    seed: int,
    clients: int = 12,
    real_time: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Report:
    """Kill the service so many times at moments drawn from `seed`, let it come to rest, and compare.

    `directory` keeps the database and the logs. Raises `AssertionError` where something does not happen at all.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        siege = Siege(stack, directory, random.Random(seed), clients, real_time=real_time)
        while siege.report.kills.total() < kills:
            siege.turn()
            if siege.maybe_kill() and (done := siege.report.kills.total()) % 10 == 0:
                told(f"{done} of {kills} kills, {siege.steps} steps of people")
        siege.come_to_rest()
        report = siege.report
    report.seconds = time.monotonic() - began
    return report


class Siege:
    """One run: the CRM, the service, the people, and who kills."""

    def __init__(self, stack: ExitStack, directory: Path, rng: random.Random, clients: int, *, real_time: bool) -> None:
        self.report = Report()
        self._rng = rng
        self._real_time = real_time
        self._database = directory / "handoffs.db"
        crm = stack.enter_context(_crm(directory, datetime.now(UTC) if real_time else MORNING))
        self._url = crm["url"]
        self._control = ControlClient(self._url)
        stack.callback(self._control.close)
        self._people = stack.enter_context(RemotePeople(crm["url"]))
        self._service = Service(directory, crm, real_time=real_time)
        stack.callback(self._service.end)
        self._began = self._people.now()
        types = ["ticket", "task", self._people.process.names.object_name]
        self._control.post("delivery/subscribe", types=types)
        self._control.post("delivery/target", url=f"{self._service.url}/webhooks/hubspot")
        self._control.post("delivery", **ROUGH)
        self._quiet_for(self._is_at_work)
        self._clients = [
            Client(self._people, f"Client {n:02}", random.Random(rng.random())) for n in range(1, clients + 1)
        ]
        self._add_faults()
        self._plan_kill()

    def _add_faults(self) -> None:
        for fault in FAULTS:
            self._control.post("faults", **fault)

    def _plan_kill(self) -> None:
        """Kill next while it starts, or once it has worked for a while."""
        self._calls_at_start = self._calls()
        self._heard_at_start = self._control.get("delivery")["statuses"].get("200", 0)
        starting = self._rng.random() < 0.15
        self._next_kill = time.monotonic() + self._rng.uniform(0.1, 1.5) if starting else None

    def _hears(self) -> bool:
        """Whether a delivery has come through since it was started, or none waits to: else none ever would."""
        delivery = self._control.get("delivery")
        return bool(delivery["statuses"].get("200", 0) > self._heard_at_start or not delivery["waiting"])

    def _calls(self) -> int:
        """How many calls the CRM has had."""
        return int(self._control.get("log/counts")["total"])

    # -- a turn

    def turn(self, *, acting: bool = True) -> View:
        """Some time passes; whoever has what he waited for goes on."""
        self._service.supervise()
        if not self._real_time:
            self._control.post("clock", advance=self._rng.uniform(*AHEAD))
        view = View.of(self._people)
        for client in self._clients if acting else ():
            if client.satisfied(view):
                client.step(view)
        time.sleep(0.1)
        return view

    def maybe_kill(self) -> bool:
        """Kill if it is time to, at a moment that owes nothing to what this process does; whether it did."""
        working = self._calls() > self._calls_at_start
        if self._next_kill is None and working and self._hears():
            self._next_kill = time.monotonic() + self._rng.uniform(0.2, 2.0)
        if self._next_kill is None or time.monotonic() < self._next_kill:
            return False
        time.sleep(self._rng.uniform(0, 0.2))
        target = self._rng.choice(TARGETS)
        if not self._service.kill(target):
            return False
        self.report.kills[target, self._what_it_was_at() if working else "starting"] += 1
        self._plan_kill()
        return True

    @property
    def steps(self) -> int:
        return sum(client.steps for client in self._clients)

    def _what_it_was_at(self) -> str:
        """What the database says that was going on."""
        states = dict(self._rows("SELECT state, count(*) FROM effect GROUP BY state"))
        if states.get("attempting"):
            return "effects being tried"
        if states.get("planned"):
            return "effects planned"
        now = to_ms(self._people.now())
        (due,) = self._rows("SELECT count(*) FROM dirty WHERE look_at <= ? AND parked_at IS NULL", now)
        return "records to look at" if due[0] else "nothing to do"

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self._database, timeout=30)) as connection:
            return connection.execute(sql, values).fetchall()

    # -- the end

    def come_to_rest(self) -> None:
        """People and faults stop; then one poll and one sweep, and what is there is compared with what should be."""
        report = self.report
        log = self._control.get("log")
        report.faults.update(call["fault"] for call in log["calls"] if call["fault"])
        requests.delete(f"{self._url}/_sandbox/faults", timeout=PATIENCE).raise_for_status()
        self._control.post("delivery", latency=[0, 0])
        stopped = self._people.now()
        self._quiet_for(lambda: self._people.now() - stopped > timedelta(seconds=120))
        polled = to_ms(self._people.now())
        if self._real_time:
            self._service.command("poll")
        self._quiet_for(lambda: self._fact("last_poll") > polled and self._is_idle())
        report.after_poll = self._missing(View.of(self._people))
        if self._real_time:
            self._service.command("sweep")
        else:
            self._people.set_clock(start_of_day(self._people.now()) + timedelta(minutes=1))
        swept = polled if self._real_time else to_ms(self._people.now())
        self._quiet_for(lambda: self._fact("last_sweep") > swept and self._is_idle())
        self._compare(View.of(self._people))

    def _quiet_for(self, there: Callable[[], bool]) -> None:
        """Turns without people until it is there."""
        end = time.monotonic() + PATIENCE
        while not there():
            assert time.monotonic() < end, f"waited {PATIENCE:.0f} s in vain; {self._service.last_words()}"
            self._service.supervise()
            if not self._real_time:
                self._control.post("clock", advance=AHEAD[1])
            time.sleep(0.1)

    def _is_at_work(self) -> bool:
        return self._database.exists() and self._fact("last_sweep") > 0

    def _fact(self, name: str) -> int:
        try:
            found = self._rows("SELECT value FROM fact WHERE name = ?", name)
        except sqlite3.OperationalError:  # not migrated yet
            return 0
        return int(found[0][0]) if found else 0

    def _is_idle(self) -> bool:
        """Nothing is due and nothing in the air; what is put off to a later moment does not count."""
        now = to_ms(self._people.now())
        (due,) = self._rows("SELECT count(*) FROM dirty WHERE look_at <= ?", now)
        (open_ones,) = self._rows("SELECT count(*) FROM effect WHERE state NOT IN ('done', 'overtaken')")
        return not due[0] and not open_ones[0]

    def _missing(self, view: View) -> int:
        return sum(len(client.missing(view)) + len(client.wrong(view)) for client in self._clients)

    def _compare(self, view: View) -> None:
        report = self.report
        for client in self._clients:
            report.lost += client.missing(view)
            report.doubled += client.doubled(view)
            report.wrong += client.wrong(view)
        keys = Counter(task.key for task in self._people.all_tasks() if task.key)
        sent = Counter(email.send_id for email in view.emails)
        report.doubled += [f"{name}: {times} times" for name, times in (keys + sent).items() if times > 1]
        counts = self._control.get("log/counts")
        report.steps = self.steps
        report.starts = self._service.starts
        report.crm_time = self._people.now() - self._began
        report.tasks, report.emails, report.calls = len(keys), len(sent), counts["total"]
        report.sends = sum(times for call, times in counts["endpoints"].items() if call.endswith("/single-email/send"))
        report.deliveries = self._control.get("delivery")


class Service:
    """The service's processes, and who starts them again."""

    def __init__(self, directory: Path, crm: Mapping[str, str], *, real_time: bool) -> None:
        self._directory = directory
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._module = ["sync", "serve"] if real_time else ["sync.sandbox.service"]
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HUBSPOT_ACCESS_TOKEN": crm["token"],
            "HUBSPOT_CLIENT_SECRET": crm["client_secret"],
            "HUBSPOT_APP_ID": crm["app_id"],
            "HUBSPOT_BASE_URL": crm["url"],
            "PUBLIC_URL": self.url,
            "DATABASE_URL": "sqlite:///handoffs.db",  # in the working directory
            "EMAIL_URL": "hubspot:777",
            "PORT": str(self._port),
            "POLL_SECONDS": "30" if real_time else str(POLL_SECONDS),
            LIFELINE: "1",  # however the test ends, nothing stays behind
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def supervise(self) -> None:
        """Start it again if it is gone."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            _close(self._process)
        with (self._directory / "service.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._module],
                cwd=self._directory, env=self._environment, stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.starts += 1

    def kill(self, target: Target) -> bool:
        """Kill -9 what is meant; False if that is not running."""
        if self._process is None or self._process.poll() is not None:
            return False
        receiver = children(self._process.pid)
        chosen = {
            "everything": [self._process.pid, *receiver],
            "the worker": [self._process.pid],
            "the receiver": receiver,
        }[target]
        for process in chosen:
            _kill(process)
        if self._process.pid in chosen:
            self._process.wait()
        return bool(chosen)

    def command(self, name: str) -> None:
        """Run a command of the service's beside it."""
        done = subprocess.run(
            [sys.executable, "-m", "sync", name],
            cwd=self._directory, env=self._environment, capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"`handoffs {name}` ended with {done.returncode}: {done.stderr.decode()}"

    def last_words(self) -> str:
        log = (self._directory / "service.log").read_text(encoding="utf-8", errors="replace")
        return f"the service's log ends:\n{log[-2000:]}"

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill("everything")
            _close(self._process)


def _close(process: subprocess.Popen[bytes]) -> None:
    """End the lifeline of what is left of a service."""
    if process.stdin is not None:
        process.stdin.close()


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (line.split() for line in listed.splitlines())
    return [int(pid) for pid, parent in pairs if int(parent) == process]


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):  # it may just have ended by itself
        os.kill(process, signal.SIGKILL)


@contextmanager
def _crm(directory: Path, start: datetime) -> Iterator[Mapping[str, str]]:
    """The sandbox in a process of its own; it ends when its standard input does."""
    address = directory / "crm.json"
    command = [sys.executable, "-m", "sync.sandbox.standalone", str(address), start.isoformat()]
    with (directory / "crm.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        end = time.monotonic() + PATIENCE
        while not address.exists():
            assert process.poll() is None, (directory / "crm.log").read_text()
            assert time.monotonic() < end, "the sandbox does not start"
            time.sleep(0.05)
        yield json.loads(address.read_text(encoding="utf-8"))
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
