"""What one cycle of one client costs, measured on the simulated CRM with the whole service in this process."""

import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import event

from sync.sandbox.wire import Request, Response
from sync.service.drain import run_poll
from tests.bench.capacity_model import Line, Measured
from tests.world import World

FEW, MANY = 2, 10
"""Tickets of the cycles that are measured; a line goes through the two."""

CLIENTS = 4
"""Clients played one after the other, each in passes of its own: the dearest way, and the usual one by day."""


def measure() -> Measured:
    """Play cycles with few and with many tickets, each with one round of revisions. Takes some seconds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    few, many = _played(FEW), _played(MANY)

    def line(name: str) -> Line:
        return Line.through((FEW, few[name]), (MANY, many[name]))

    return Measured(
        calls=line("calls"),
        uncounted=line("uncounted"),
        looks=line("looks"),
        events=line("events"),
        cpu=line("cpu"),
        bytes=line("bytes"),
        delivered=line("delivered"),
        writes=line("writes"),
        searches_a_poll=few["searches a poll"],
        searches_a_sweep=few["searches a sweep"],
    )


class _Meter:
    """Counts what a world's service does, apart from what the simulated CRM does in the same process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._handle = world.sandbox.api.handle
        self._in_crm = 0.0
        self.writes = 0
        self.looks = 0
        world.sandbox.api.handle = self._timed  # type: ignore[method-assign]
        event.listen(world.service.store.engine, "commit", self._wrote)
        self.mark()

    def _timed(self, request: Request) -> Response:
        began = time.process_time()
        try:
            return self._handle(request)
        finally:
            self._in_crm += time.process_time() - began

    def _wrote(self, _connection: object) -> None:
        self.writes += 1

    def mark(self) -> None:
        self._calls = self._world.sandbox.log.mark()
        self._began = time.process_time() - self._in_crm
        self._events = self._created()
        self.writes = self.looks = 0

    def read(self) -> Counter[str]:
        found: Counter[str] = Counter(_class_of(call.endpoint) for call in self._world.sandbox.log.since(self._calls))
        found["writes"] = self.writes
        found["looks"] = self.looks
        found["events"] = self._created() - self._events
        return found

    def _created(self) -> int:
        return int(str(self._world.sandbox.delivery.totals()["created"]))

    def cpu(self) -> float:
        return time.process_time() - self._in_crm - self._began


def _class_of(endpoint: str) -> str:
    if endpoint.endswith("/search"):
        return "searches"
    return "uncounted" if "/associations/" in endpoint and "/batch/" in endpoint else "calls"


def _played(tickets: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        _cycle(world, "Warm", tickets, None)  # owners, pipelines, properties are read, the code is warm
        before, before_all = _size(world, deliveries=False), _size(world, deliveries=True)
        meter = _Meter(world)
        for number in range(CLIENTS):
            _cycle(world, f"Client {number}", tickets, meter)
        cpu = meter.cpu()
        found: dict[str, float] = {name: count / CLIENTS for name, count in meter.read().items()}
        kept, everything = _size(world, deliveries=False) - before, _size(world, deliveries=True) - before_all
        found |= {"cpu": cpu / CLIENTS, "bytes": kept / CLIENTS, "delivered": (everything - kept) / CLIENTS}
        world.minutes(60)
        meter.mark()
        run_poll(world.service)
        found["searches a poll"] = meter.read()["searches"]
        meter.mark()
        world.service.sweep()
        found["searches a sweep"] = meter.read()["searches"]
        world.close()
    return {name: float(found.get(name, 0)) for name in ("calls", "uncounted", *found)}


def _cycle(world: World, name: str, tickets: int, meter: _Meter | None) -> None:
    """One client's cycle from its date to its end, step by step; the service does what is due after each."""
    people = world.people

    def on(minutes: float = 1) -> None:
        tally = world.minutes(minutes)
        if meter is not None:
            meter.looks += tally.looked

    client = people.create_portfolio(name, world.day(10), link="https://lab.example/")
    on()
    people.set_status(client, "Refresh Request Submitted")
    on()
    people.set_refresh_date(client, world.day(0))
    on()
    made = [people.create_ticket(f"{name} {n}", "Autumn", client) for n in range(tickets)]
    people.set_status(client, "Deliverables Submitted")
    on()
    for ticket in made:
        for task in world.tasks(("ticket", ticket)):
            people.complete_task(task.id)
        people.move_ticket(ticket, "Pending Approval")
        on(2)
    people.request_revisions(made[0], "Copy Revisions Only", note="Warmer, please")
    on()
    people.complete_task(world.tasks(("ticket", made[0]))[-1].id)
    people.move_ticket(made[0], "Pending Approval")
    on()
    people.set_status(client, "Creatives Completed & Approved")
    on()
    people.complete_task(world.tasks(("portfolio", client))[-1].id)
    on()
    if world.status(client):
        raise AssertionError(f"the cycle of {name} did not end: it stands at {world.status(client)}")


def _size(world: World, *, deliveries: bool) -> int:
    """Bytes of what the database keeps, with or without the deliveries, which are removed after RETENTION_DAYS."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "copy.db"
        with closing(sqlite3.connect(world.directory / "handoffs.db")) as own, closing(sqlite3.connect(copy)) as other:
            own.backup(other)
            if not deliveries:
                _execute(other, "DELETE FROM event", "DELETE FROM delivery")
                other.commit()
            _execute(other, "VACUUM")
        return copy.stat().st_size


def _execute(connection: sqlite3.Connection, *statements: str) -> None:
    cursor: Any = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
