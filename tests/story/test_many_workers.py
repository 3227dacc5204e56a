"""Several workers on one PostgreSQL: woken by whoever enqueues, one of them keeps the time, and none is missed when it ends."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from sync.clock import SystemClock
from sync.crm import Kind, RecordRef
from sync.observe import status
from sync.service import worker as working
from sync.service.bootstrap import Service
from sync.service.drain import Turns
from sync.service.worker import Worker
from sync.storage import service_state, work_queue
from sync.storage.database import Connection, Store, open_store
from sync.storage.wakeups import Notifications, Ticks
from sync.storage.work_queue import WorkItem
from tests.databases import fresh_postgresql, server
from tests.patience import PATIENCE
from tests.story.frozen import held_by_a_frozen_process
from tests.world import World

LONG = 3.0
"""Seconds that nobody here waits for anything: what comes sooner was told."""

TAKEN_OVER_WITHIN = 30.0
"""Seconds within which others have what a dead worker had: the promise, not what is usual (docs/adr/0013-listen-and-locks.md)."""


def there(condition: Callable[[], bool], within: float = PATIENCE) -> bool:
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def url() -> str:
    return fresh_postgresql()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as opened:
        yield opened


def enqueue(store: Store) -> None:
    with store.write() as connection:
        work_queue.enqueue(connection, [RecordRef(Kind.PORTFOLIO, "1")], SystemClock().now(), "test")


def cut(store: Store, query: str) -> None:
    """Break the sessions whose last statement is so, as a network or a fail-over does."""
    with store.write() as connection:
        found = connection.scalars(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE :query AND datname = current_database()"
            ),
            {"query": query},
        ).all()
    assert found


class TestWakeups:
    @pytest.fixture
    def wakeups(self, store: Store) -> Iterator[Notifications]:
        found = store.wakeups()
        assert isinstance(found, Notifications)
        found.wait(lambda: 0)  # begins to listen
        yield found
        found.close()

    @staticmethod
    def waited(wakeups: Notifications, meanwhile: Callable[[], object], after: float = 0.1) -> float:
        timer = threading.Timer(after, meanwhile)
        timer.start()
        began = time.monotonic()
        wakeups.wait(lambda: LONG)
        took = time.monotonic() - began
        timer.join()
        return took

    def test_whoever_enqueues_wakes(self, store: Store, wakeups: Notifications) -> None:
        assert self.waited(wakeups, lambda: enqueue(store)) < LONG

    def test_what_was_enqueued_before_it_waits_is_not_missed(self, store: Store, wakeups: Notifications) -> None:
        enqueue(store)
        began = time.monotonic()
        wakeups.wait(lambda: LONG)
        assert time.monotonic() - began < LONG

    def test_nobody_is_woken_by_what_is_rolled_back(self, store: Store, wakeups: Notifications) -> None:
        def fails() -> None:
            with suppress(ZeroDivisionError), store.write() as connection:
                work_queue.enqueue(connection, [RecordRef(Kind.PORTFOLIO, "1")], SystemClock().now(), "test")
                raise ZeroDivisionError

        assert self.waited(wakeups, fails) >= LONG

    def test_whoever_stops_it_wakes_it(self, wakeups: Notifications) -> None:
        assert self.waited(wakeups, wakeups.wake) < LONG
        wakeups.wake()
        began = time.monotonic()
        wakeups.wait(lambda: LONG)
        assert time.monotonic() - began < LONG

    def test_a_broken_session_is_opened_again(self, store: Store, wakeups: Notifications) -> None:
        with capture_logs() as logs:
            assert self.waited(wakeups, lambda: cut(store, "LISTEN%")) < LONG
            enqueue(store)  # while nobody listens
            began = time.monotonic()
            wakeups.wait(lambda: LONG)  # listens again, and lets the caller look: it may have missed something
            wakeups.wait(lambda: LONG) if wakeups._session is None else None
            assert time.monotonic() - began < LONG
            assert self.waited(wakeups, lambda: enqueue(store)) < LONG
        assert [one["event"] for one in logs] == ["wakeups.lost"]

    def test_a_server_that_is_gone_ends_nothing(self) -> None:
        nowhere = open_store("postgresql://nobody@127.0.0.1:1/nothing")
        wakeups = nowhere.wakeups()
        with capture_logs() as logs:
            for _ in range(3):
                wakeups.wait(lambda: LONG)
                wakeups._tried_at = None  # type: ignore[attr-defined]  # a second later
                wakeups.wake()
        assert [one["event"] for one in logs] == ["wakeups.not_listening"]
        assert "every second" in logs[0]["note"]
        wakeups.close()
        nowhere.close()


def test_sqlite_ticks(tmp_path: Path) -> None:
    """No PostgreSQL, nothing to listen to: it looks again after a tick, and `wake` ends that."""
    with closing(open_store(f"sqlite:///{tmp_path / 'handoffs.db'}")) as store:
        ticks = store.wakeups()
        assert isinstance(ticks, Ticks)
        ticks.wake()
        began = time.monotonic()
        ticks.wait(lambda: LONG)
        assert time.monotonic() - began < 0.4
        keeper = store.timekeeper()
        assert keeper.is_mine()
        keeper.close()
        ticks.close()


class TestTimekeeper:
    def test_one_keeps_the_time_and_another_follows(
        self, url: str, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sync.storage.timekeeper._TRIED_EVERY", 0.0)
        with closing(store.timekeeper()) as first, closing(store.timekeeper()) as second:
            assert (first.is_mine(), second.is_mine()) == (True, False)
            assert (first.is_mine(), second.is_mine()) == (True, False)
            first.close()
            assert there(second.is_mine)  # the server notices within a moment that a session has ended
            assert not first.is_mine()

    def test_whoever_lost_its_session_keeps_it_no_more(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sync.storage.timekeeper._TRIED_EVERY", 0.0)
        with closing(store.timekeeper()) as first, closing(store.timekeeper()) as second:
            assert first.is_mine()
            cut(store, "SELECT pg_try_advisory_lock(%")
            assert there(second.is_mine)
            assert not first.is_mine()

    def test_whoever_cannot_ask_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Seen: of a server's connections the last was taken, and a worker neither polled nor swept, and told nobody."""
        monkeypatch.setattr("sync.storage.timekeeper._TRIED_EVERY", 0.0)
        with closing(open_store("postgresql://nobody@127.0.0.1:1/nothing")) as store, capture_logs() as logs:
            keeper = store.timekeeper()
            assert [keeper.is_mine() for _ in range(3)] == [False] * 3
        assert [one["event"] for one in logs] == ["timekeeper.not_asked"]
        assert "cannot be reached" in logs[0]["error"]

    def test_it_is_not_held_up_by_a_command_that_holds_every_lane(self, store: Store) -> None:
        lock = store.every_lane_lock(8)
        assert lock.take(1)
        with closing(store.timekeeper()) as keeper:
            assert keeper.is_mine()
        lock.free()


@contextmanager
def running(*services: Service) -> Iterator[list[Worker]]:
    """Workers at work, each in a thread, as processes on several hosts would be."""
    workers = [Worker(service) for service in services]
    threads = [threading.Thread(target=one.run, daemon=True) for one in workers]
    for thread in threads:
        thread.start()
    try:
        yield workers
    finally:
        for one in workers:
            one.stop()
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)


@pytest.fixture
def world(tmp_path: Path, url: str) -> Iterator[World]:
    made = World(tmp_path, wire=True, database_url=url, poll_seconds=3600)
    yield made
    made.close()


def test_workers_share_the_work_and_one_keeps_the_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by a tick: it is the webhook that wakes them, and nothing is done twice."""
    monkeypatch.setattr(working, "LOOKS_AGAIN", PATIENCE)
    with ExitStack() as stack, capture_logs() as logs:
        services = [stack.enter_context(closing(world._start())) for _ in range(2)]
        workers = stack.enter_context(running(world.service, *services))
        assert there(lambda: sum(one["event"] == "worker.started" for one in logs) == len(workers))
        ids = [world.people.create_portfolio(f"Client {n}", world.day(10)) for n in range(12)]
        world.sandbox.delivery.pump()
        assert there(lambda: len(world.tasks()) == len(ids))
        for one in ids:
            world.people.set_status(one, "Refresh Request Submitted")
        world.sandbox.delivery.pump()
        assert there(lambda: not _due(world))
    keys = [task.key for task in world.tasks()]
    assert len(keys) == len(set(keys)) == len(ids)
    swept = [one for one in logs if one["event"] == "sweep.done"]
    assert len(swept) <= 1
    assert not [one for one in logs if one["event"] in {"worker.another", "worker.unforeseen", "worker.put_off"}]


def _due(world: World) -> int:
    with world.service.store.read() as connection:
        return work_queue.backlog(connection, world.clock.now()).due


def test_a_dead_workers_lane_is_another_ones_and_a_frozen_ones_is_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came into the lane meanwhile, once more too, is done once, soon after `kill -9`, and not before."""
    monkeypatch.setattr(working, "DUE_ELSEWHERE", working.DUE_ELSEWHERE / 5)
    other_lane = 1
    with world.service.store.write() as connection:
        work_queue.spread(connection, 2)
    with ExitStack() as stack:
        keeper = stack.enter_context(closing(world.service.store.timekeeper()))
        assert keeper.is_mine()  # nobody polls or sweeps: that would wake the worker
        pid = stack.enter_context(held_by_a_frozen_process(world.settings.database_url))
        stack.enter_context(running(world.service))
        ids = [world.people.create_portfolio(f"Client {n}", world.day(10)) for n in range(8)]
        free = [one for one in ids if work_queue.lane_of(RecordRef(Kind.PORTFOLIO, one), 2) == other_lane]
        assert 0 < len(free) < len(ids)
        world.sandbox.delivery.pump()
        assert there(lambda: len(world.tasks()) == len(free))
        for one in ids:
            world.people.set("portfolio", one, {"most_recent_ad_lab_link": "https://lab.example/new"})
        world.sandbox.delivery.pump()
        assert there(lambda: _due(world) == len(ids) - len(free))
        time.sleep(3 * working.DUE_ELSEWHERE)
        assert [len(world.tasks(("portfolio", one))) for one in ids] == [int(one in free) for one in ids]
        os.kill(pid, signal.SIGKILL)
        assert there(lambda: len(world.tasks()) == len(ids), TAKEN_OVER_WITHIN)
        assert there(lambda: not _due(world))
    assert [len(world.tasks(("portfolio", one))) for one in ids] == [1] * len(ids)


def test_a_worker_that_does_not_keep_the_time_takes_it_over_when_it_is_late(world: World) -> None:
    """Whoever keeps the time is frozen, and keeps its lock: somebody else polls, rather late than never."""
    with ExitStack() as stack, closing(world.service.store.timekeeper()) as frozen:
        assert frozen.is_mine()
        worker = stack.enter_context(closing(Worker(world.service)))
        with world.service.store.write() as connection:
            service_state.put(connection, service_state.LAST_POLL, world.clock.now())
        world.clock.advance(timedelta(seconds=3600) + working.KEEPER_LATE - timedelta(seconds=1))
        before = world.sandbox.log.total
        worker._tick()
        assert world.sandbox.log.total == before
        world.clock.advance(timedelta(seconds=2))
        worker._tick()
        assert world.sandbox.log.total > before
        with world.service.store.read() as connection:
            assert service_state.get(connection, service_state.LAST_POLL) == world.clock.now()


def test_an_idle_worker_costs_no_call_and_says_nothing_is_well_that_it_has_not_tried(world: World) -> None:
    """The worker that keeps the time finds the token refused; the others, who call nobody, do not say that all works."""
    refused = service_state.TOKEN_REFUSED
    with closing(world.service.store.timekeeper()) as keeper:
        assert keeper.is_mine()
        world.work()
        with world.service.store.write() as connection:
            service_state.put(connection, refused, "the token is refused")
        with closing(Worker(world.service)) as worker:
            worker.turn()
            worker.turn()
        with world.service.store.read() as connection:
            assert service_state.get(connection, refused) == "the token is refused"


def test_a_long_backlog_in_one_lane_keeps_nobody_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker, several lanes: each has its turn after a group, and where somebody waits comes first."""
    monkeypatch.setattr("sync.service.drain._widest", lambda _service: 2)
    taken: list[tuple[int, int]] = []
    lease = work_queue.lease

    def noted(connection: Connection, lane: int, now: datetime, limit: int, **more: Any) -> list[WorkItem]:
        found = lease(connection, lane, now, limit, **more)
        if found:
            taken.append((lane, len(found)))
        return found

    monkeypatch.setattr(work_queue, "lease", noted)
    with world.service.store.write() as connection:
        work_queue.spread(connection, 4)
        records = [RecordRef(Kind.PORTFOLIO, str(10_000 + n)) for n in range(60)]
        bulk = [one for one in records if work_queue.lane_of(one, 4) in {1, 2}]
        urgent = [one for one in records if work_queue.lane_of(one, 4) == 3][:1]
        work_queue.enqueue(connection, bulk, world.clock.now(), "sweep", priority=work_queue.Priority.BULK)
        work_queue.enqueue(connection, urgent, world.clock.now(), "webhook")
    tally = Turns(world.service).drain()
    assert tally.looked == len(bulk) + 1
    assert taken[0] == (3, 1)
    assert {lane for lane, _ in taken[1:3]} == {1, 2}
    assert [lane for lane, _ in taken[1:7]] in ([1, 2] * 3, [2, 1] * 3)


def test_a_server_without_a_connection_left_for_a_lane_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the worker keeps open goes on working: by that it tells `status` what it lacks, and which limit to raise."""

    def refused() -> object:
        raise psycopg.OperationalError("connection failed: FATAL:  sorry, too many clients already")

    with closing(Worker(world.service)) as worker:
        worker.turn()
        world.service.store._dialect.close()  # ends the session that is kept for the next lane
        monkeypatch.setattr(world.service.store._dialect, "connect", refused)
        portfolio = world.people.create_portfolio("Acme Shoes", world.day(10))
        world.sandbox.delivery.pump()
        for _ in range(3):  # for a moment it is no news
            worker.turn()
            world.clock.advance(timedelta(seconds=40))
        found = status.read(world.service.store, world.clock, world.service.settings)
        assert not found.ok
        assert "raise max_connections" in json.dumps(found.as_json())
        monkeypatch.undo()
        world.clock.advance(timedelta(minutes=1))
        worker.turn()
    assert world.kinds(("portfolio", portfolio)) == ["kickoff"]


def test_a_restart_of_the_server_is_lived_through(world: World) -> None:
    """Receivers answer 503, so that HubSpot comes again; workers wait, and all goes on by itself."""
    here = server()
    with ExitStack() as stack, capture_logs() as logs:
        stack.enter_context(running(world.service, stack.enter_context(closing(world._start()))))
        assert there(lambda: sum(one["event"] == "worker.started" for one in logs) == 2)
        first = world.people.create_portfolio("Before", world.day(10))
        world.sandbox.delivery.pump()
        assert there(lambda: len(world.tasks()) == 1)
        here.stop("fast")
        try:
            second = world.people.create_portfolio("Meanwhile", world.day(10))
            world.sandbox.delivery.pump()
            assert world.sandbox.delivery.waiting
            time.sleep(1)  # the workers find nobody there
        finally:
            here.start()
        assert there(lambda: _deliver(world) and len(world.tasks()) == 2)
        assert there(lambda: not _due(world))
    assert [len(world.tasks(("portfolio", one))) for one in (first, second)] == [1, 1]
    assert not [one for one in logs if one["event"] == "worker.unforeseen"]


def _deliver(world: World) -> bool:
    """HubSpot comes again, later."""
    world.clock.advance(timedelta(minutes=1))
    world.sandbox.delivery.pump()
    return True
