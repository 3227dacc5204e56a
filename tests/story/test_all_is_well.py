"""“All is well” is true: said while somebody works and can, and only then; and who is waited for is named."""

import json
import os
import signal
import threading
import time
from contextlib import closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from structlog.testing import capture_logs

from sync.observe import status
from sync.observe.running import WAITS_FOR
from sync.sandbox.faults import Fault
from sync.service import holder
from sync.service.lanes import Lanes, never
from sync.service.ping import Ping
from sync.service.worker import Worker
from sync.storage import processes, service_state
from sync.storage.database import open_store
from sync.storage.lane_locks import Holder
from sync.storage.processes import Part
from tests.alive import give_signs
from tests.conftest import MakeWorld
from tests.databases import ON_POSTGRESQL
from tests.patience import PATIENCE
from tests.story.frozen import held_by_a_frozen_process
from tests.terminal import Terminal
from tests.world import World


def reasons(world: World) -> list[str]:
    return list(status.read(world.service.store, world.clock, world.settings).reasons)


def receiver_lives(world: World) -> None:
    with world.service.store.write() as connection:
        processes.begin(connection, Part.RECEIVER, 4711, "here", world.clock.now())


def test_after_a_sweep_by_hand_nobody_works(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(world, monkeypatch, served=False)
    assert terminal.run("sweep").exit_code == 0
    told = terminal.run("status")
    assert told.exit_code == 1
    assert "no worker has ever run on this database" in " ".join(told.stdout.split())
    assert "Running  nothing" in told.stdout


def test_a_worker_gives_signs_of_life_and_says_when_it_ends(world: World) -> None:
    receiver_lives(world)
    worker = Worker(world.service)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    pause = threading.Event()
    assert any(not reasons(world) or pause.wait(0.05) for _ in range(int(PATIENCE / 0.05)))
    worker.stop()
    thread.join(PATIENCE)
    (reason,) = reasons(world)
    assert reason.startswith("no worker runs, so nothing is done by itself: the last one was told to end at ")


def test_a_crm_that_fails_is_said_and_forgotten(world: World) -> None:
    """By the worker that lives; a search that fails for a moment is no news."""
    give_signs(world.service.store, world.clock)
    worker = Worker(world.service)
    worker.turn()
    world.sandbox.faults.add(Fault("503", "POST */search"))
    world.clock.advance(timedelta(minutes=6))  # a poll is due
    for _ in range(4):
        worker.turn()
        world.clock.advance(timedelta(seconds=61))
    give_signs(world.service.store, world.clock)
    with world.service.store.write() as connection:  # each search is tried for a minute: beside that the real one beats
        for one in processes.find(connection):
            processes.beat(connection, one.id, world.clock.now(), busy_since=None, waits_for=None)
    (reason,) = [one for one in reasons(world) if "failed" in one]
    assert reason.startswith("poll failed ")
    assert "503" in reason
    world.sandbox.faults.clear()
    worker.turn()
    assert reasons(world) == []


@pytest.mark.skipif(ON_POSTGRESQL, reason="the lock of a lane is a file beside SQLite's alone")
def test_a_lane_whose_lock_cannot_be_written_is_said(world: World) -> None:
    """Seen: readiness said 200. As root may write any file, a directory stands in its place."""
    receiver_lives(world)
    (world.directory / ".handoffs.db.lane-0.lock").mkdir()
    worker = Worker(world.service)
    for _ in range(3):
        worker.turn()
        world.clock.advance(timedelta(seconds=40))
    answer = world.app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert any("the lane's lock" in reason for reason in answer.get_json()["reasons"])


def test_who_waits_says_for_whom(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder, "FIRST_SAID_AFTER", 0.0)
    with (
        closing(open_store(world.settings.database_url)) as store,
        held_by_a_frozen_process(world.settings.database_url) as pid,
        capture_logs() as logs,
    ):
        lanes = Lanes(store)
        end = time.monotonic() + PATIENCE / 4
        with lanes.held(
            0, stop=lambda: time.monotonic() > end or any(entry["event"] == "lane.waiting" for entry in logs)
        ) as mine:
            assert not mine
        (said,) = [entry for entry in logs if entry["event"] == "lane.waiting"]
        assert said["held_by"].startswith(f"handoffs sweep (pid {pid} on ")
        assert "which has held it since 20" in said["held_by"]
        os.kill(pid, signal.SIGKILL)
        with lanes.held(0, stop=lambda: False) as mine:
            assert mine, "a dead process frees its lane"


def test_a_worker_that_waits_is_not_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder, "FIRST_SAID_AFTER", 0.0)
    monkeypatch.setattr("sync.service.worker.WAITS_FOR", timedelta())
    receiver_lives(world)
    worker = Worker(world.service)
    thread = threading.Thread(target=worker.run, daemon=True)
    with held_by_a_frozen_process(world.settings.database_url) as pid:
        thread.start()
        pause = threading.Event()

        def told() -> bool:
            world.clock.advance(timedelta(seconds=21))  # a sign of life is due
            return any(f"waits for handoffs sweep (pid {pid} on " in reason for reason in reasons(world))

        assert any(told() or pause.wait(0.5) for _ in range(int(PATIENCE / 0.5)))
        worker.stop()
        thread.join(PATIENCE)


def test_the_next_sign_of_life_says_for_whom_the_worker_waits(world: World) -> None:
    receiver_lives(world)
    worker = Worker(world.service)
    worker.turn()
    frozen = Holder("handoffs sweep", 4712, "there", world.clock.now())
    worker._note_waiting(0, frozen, WAITS_FOR.total_seconds() / 2)  # as a lane's lock tells it
    world.clock.advance(timedelta(seconds=21))  # a sign of life is due
    worker.turn()
    assert not any("waits for" in reason for reason in reasons(world))
    worker._note_waiting(0, frozen, WAITS_FOR.total_seconds())
    world.clock.advance(timedelta(seconds=21))
    worker._heartbeat.beat_if_due()
    assert any("waits for handoffs sweep (pid 4712 on there)" in reason for reason in reasons(world))


def test_a_worker_that_waits_at_its_start_is_not_well(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all lanes, where `LANES` was changed: it does nothing before."""
    world = make_world(lanes=1)
    with world.service.store.write() as connection:
        service_state.put(connection, service_state.LANES, 2)
    monkeypatch.setattr(holder, "FIRST_SAID_AFTER", 0.0)
    monkeypatch.setattr(holder, "SAID_AGAIN_AFTER", 0.0)
    monkeypatch.setattr("sync.service.worker.WAITS_FOR", timedelta())
    worker = Worker(world.service)
    thread = threading.Thread(target=worker.run, daemon=True)
    with Lanes(world.service.store).held(0, never), capture_logs() as logs:
        thread.start()
        end = time.monotonic() + PATIENCE
        while sum(entry["event"] == "lane.waiting" for entry in logs) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        world.clock.advance(timedelta(seconds=21))  # a sign of life is due
        worker._heartbeat.beat_if_due()
        found = reasons(world)
        worker.stop()
        thread.join(PATIENCE)
    assert any(" waits for " in reason for reason in found)


class Monitor(BaseHTTPRequestHandler):
    """What a monitor is told: path and body."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.told.append((self.path, body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_ping_while_the_service_works(make_world: MakeWorld) -> None:
    """By healthchecks.io's convention; what needs a person, while the rest works, is no alarm but stands in the body."""
    with HTTPServer(("127.0.0.1", 0), Monitor) as monitor:
        told: list[tuple[str, str]] = []
        monitor.told = told  # type: ignore[attr-defined]
        threading.Thread(target=monitor.serve_forever, daemon=True).start()
        world = make_world(heartbeat_url=f"http://127.0.0.1:{monitor.server_port}/a-secret?x=1")
        ping = Ping(world.service)
        ping.ping()
        give_signs(world.service.store, world.clock)
        ping.ping()
        world.people.create_portfolio("Acme", world.day(5), account_manager=None)
        world.work()
        give_signs(world.service.store, world.clock)
        ping.ping()
        monitor.shutdown()
    assert [path for path, _ in told] == ["/a-secret/fail?x=1", "/a-secret?x=1", "/a-secret?x=1"]
    assert "no worker has ever run" in told[0][1]
    assert told[1][1] == "All is well."
    assert "blocked: waiting for a person" in told[2][1]
    with capture_logs() as logs:
        ping.ping()
        ping.ping()
    assert [entry["event"] for entry in logs] == ["ping.failed"], "once, until it answers again"
    assert "a-secret" not in json.dumps(logs)
