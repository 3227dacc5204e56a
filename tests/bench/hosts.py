"""Several workers and receivers on one PostgreSQL, killed and frozen at random: `python -m tests.bench.hosts [--part …]`.

    storm      signed events over many portfolios by two receivers, while workers get kill -9 and SIGSTOP: prints what was
               lost, doubled, and whether two passes of a lane overlapped
    recovery   kill -9 of the worker that holds a lane, again and again: how long until another one holds that lane
    scale      the same work with 1, 2 and 4 workers, the CRM's limits off, as ratios; and what binds

All hosts are processes of this machine. Small by default; `--events 100000 --portfolios 2000 --recoveries 20` is the full
size. Exit code: 0 nothing was lost, doubled or overlapping; 1 something was.
"""

import argparse
import json
import os
import random
import signal
import statistics
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

from sync.clock import SystemClock, to_ms
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

PUBLIC = "https://handoffs.example.com"
LANES = 8
EVENTS_IN_A_POST = 100
GIVE_UP = 900.0
"""Seconds after which what is still to be done counts as lost."""


class Hosts:
    """A portal, a database, and the processes of the service on it."""

    def __init__(self, directory: Path, *, unlimited: bool = False) -> None:
        self.directory = directory
        self.sandbox = Sandbox(
            start=datetime.now(UTC), ticking=True, with_task_property=True, budget=Budget(enabled=not unlimited)
        )
        self._per_window = 100_000 if unlimited else 190
        if unlimited:
            self.sandbox.api.limiter.budget = Budget(per_ten_seconds=100_000, searches_per_second=1_000, enabled=False)
        self.url = fresh_postgresql()
        self.store: Store = open_store(self.url)
        set_number(self.store, LANES)
        (directory / "mapping.yaml").write_text("rules: {effects_per_hour: 1000000}\n", encoding="utf-8")
        self.server = SandboxServer(self.sandbox, pump=False).start()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.receivers: dict[int, subprocess.Popen[bytes]] = {}
        self._started = count(1)
        self._numbers = count(1)

    def start(self, command: str, **more: str) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"], "HUBSPOT_ACCESS_TOKEN": self.sandbox.token, "LOG_FORMAT": "json",
            "HUBSPOT_CLIENT_SECRET": self.sandbox.client_secret, "PUBLIC_URL": PUBLIC, "DATABASE_URL": self.url,
            "HUBSPOT_BASE_URL": self.server.url, "MAPPING": "mapping.yaml", "EMAIL_URL": "hubspot:777", **more,
        }  # fmt: skip
        with (self.directory / f"{next(self._started)}.{command}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "sync", command], cwd=self.directory, env=environment, stdout=log, stderr=log
            )

    def add_worker(self) -> None:
        self.workers.append(self.start("worker"))

    def add_receiver(self) -> None:
        port = free_port()
        self.receivers[port] = self.start("receiver", PORT=str(port))

    def populate(self, portfolios: int) -> list[str]:
        """Portfolios whose kickoff is due: a task and an email each."""
        due = (datetime.now(UTC) + timedelta(days=10)).date()
        return [self.sandbox.people.create_portfolio(f"Client {n}", due) for n in range(portfolios)]

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
            work_queue.enqueue(connection, records, SystemClock().now(), "bench")

    def is_idle(self) -> bool:
        with self.store.read() as connection:
            found = work_queue.backlog(connection, SystemClock().now())
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

    def overlapping(self) -> list[str]:
        """Passes of one lane that were under way at the same time, by what the workers' logs tell of each."""
        passes: dict[tuple[int, str], list[str]] = defaultdict(list)
        for log in self.directory.glob("*.worker.log"):
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, TypeError):
                    said = json.loads(line)
                    if "pass" in said:
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


def storm(events: int, portfolios: int, workers: int, receivers: int, seed: int) -> bool:
    chance = random.Random(seed)
    with hosts(workers, receivers) as run:
        ids = run.populate(portfolios)
        until(lambda: run.post([]), 60)
        began, told, refused, killed, frozen = time.monotonic(), 0, 0, 0, 0
        waking: list[tuple[float, subprocess.Popen[bytes]]] = []
        next_blow = began + 3
        while told < events or waking:
            now = time.monotonic()
            for at, process in [one for one in waking if one[0] <= now]:
                process.send_signal(signal.SIGCONT)
                waking.remove((at, process))
            if now >= next_blow:
                next_blow = now + chance.uniform(2, 5)
                place = chance.randrange(len(run.workers))
                victim = run.workers[place]
                if chance.random() < 0.5 or any(victim is one for _, one in waking):
                    waking = [one for one in waking if one[1] is not victim]
                    victim.kill()
                    victim.wait()
                    run.workers[place] = run.start("worker")
                    killed += 1
                else:
                    victim.send_signal(signal.SIGSTOP)
                    waking.append((now + chance.uniform(2, 20), victim))
                    frozen += 1
            if told < events and run.post(chance.choices(ids, k=min(EVENTS_IN_A_POST, events - told))):
                told += min(EVENTS_IN_A_POST, events - told)
            elif told < events:
                refused += 1
            time.sleep(0.05)
        run.post(ids)  # every client is named at least once
        until(lambda: run.is_idle() and len(run.done()[0]) == portfolios, every=1.0)
        seconds = time.monotonic() - began
        tasks, emails = run.done()
        overlapping = run.overlapping()
        lost = 2 * portfolios - len(tasks) - len(emails)
        doubled = sum(tasks.values()) - len(tasks) + sum(emails.values()) - len(emails)
        refused_calls = run.sandbox.log.statuses().get(429, 0)
        print(
            f"storm: {told:,d} events, {portfolios:,d} portfolios, {workers} workers, {receivers} receivers, seed {seed}"
        )
        print(f"  {killed} killed, {frozen} frozen, {run.passes:,d} passes in {seconds:.0f} s, posts refused {refused}")
        print(f"  calls refused by the CRM's limits {refused_calls}")
        print(f"  lost {lost}   doubled {doubled}   overlapping {len(overlapping)}")
        for one in overlapping[:10]:
            print(f"    {one}")
        return not lost and not doubled and not overlapping


def recovery(times: int, portfolios: int) -> bool:
    took: list[float] = []
    with hosts(3, unlimited=True) as run:
        busy = _Busy(run, run.populate(portfolios))
        until(lambda: busy.kept() and _up(run) and run.holders(), 120)
        while len(took) < times:
            busy.kept()
            mine = {process.pid: process for process in run.workers}
            held = {lane: pid for lane, pid in run.holders().items() if pid in mine}
            if not held:
                time.sleep(0.02)
                continue
            lane, pid = next(iter(held.items()))
            began = time.monotonic()
            mine[pid].kill()
            taken = until(lambda: busy.kept() and run.holders().get(lane, pid) != pid, 60, every=0.02)  # noqa: B023
            took.append(time.monotonic() - began if taken else 60.0)
            mine[pid].wait()
            run.workers.remove(mine[pid])
            run.add_worker()
    print(f"recovery: {times} × kill -9 of the worker that holds a lane, until another one holds it")
    print(f"  median {statistics.median(took):.2f} s   maximum {max(took):.2f} s")
    return max(took) < 30


class _Busy:
    """Enqueues every client again each second, so that no lane is without work."""

    def __init__(self, run: Hosts, ids: Sequence[str]) -> None:
        self._run = run
        self._ids = ids
        self._again = 0.0

    def kept(self) -> bool:
        if time.monotonic() >= self._again:
            self._again = time.monotonic() + 1
            self._run.enqueue(self._ids)
        return True


def scale(portfolios: int) -> bool:
    print(f"scale: {portfolios} kickoffs, the CRM's limits off")
    speeds: dict[int, float] = {}
    for workers in (1, 2, 4):
        with hosts(workers, unlimited=True) as run:
            ids = run.populate(portfolios)
            until(lambda: _up(run), 120)
            before, began = _processor(run), time.monotonic()
            run.enqueue(ids)
            until(lambda: sum(run.done()[1].values()) >= portfolios, every=0.5)
            seconds = time.monotonic() - began
            crm, ours = (after - one for after, one in zip(_processor(run), before, strict=True))
        speeds[workers] = portfolios / seconds
        print(
            f"  {workers} workers: {speeds[workers] / speeds[1]:.2f} of one ({speeds[workers]:.0f} a second); of "
            f"{os.cpu_count()} processors the simulated CRM took {crm / seconds:.2f}, the workers {ours / seconds:.2f}"
        )
    return True


def _up(run: Hosts) -> bool:
    logs = [one.read_text(encoding="utf-8", errors="replace") for one in run.directory.glob("*.worker.log")]
    return sum('"worker.started"' in one for one in logs) == len(run.workers)


def _processor(run: Hosts) -> tuple[float, float]:
    """Seconds of processor time of the CRM with this bench, and of the workers."""
    tick = os.sysconf("SC_CLK_TCK")
    stats = [Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split() for one in run.workers]
    return time.process_time(), sum(int(one[11]) + int(one[12]) for one in stats) / tick


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hosts", description="Several hosts on one PostgreSQL.")
    parser.add_argument("--part", choices=["storm", "recovery", "scale"], action="append")
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--portfolios", type=int, default=100)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--receivers", type=int, default=2)
    parser.add_argument("--recoveries", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    run: dict[str, Callable[[], bool]] = {
        "storm": lambda: storm(wanted.events, wanted.portfolios, wanted.workers, wanted.receivers, wanted.seed),
        "recovery": lambda: recovery(wanted.recoveries, wanted.portfolios),
        "scale": lambda: scale(wanted.portfolios),
    }
    well = [run[part]() for part in wanted.part or run]
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
