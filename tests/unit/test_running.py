"""Signs of life: who runs, who is dead, frozen, crashing or waiting, as `status` and `/readyz` tell it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from sync.observe import health
from sync.observe.heartbeat import EVERY, Heartbeat
from sync.observe.running import AT_ONE_GROUP_FOR, CRASHES, MISSED_FOR, SILENT_FOR, live
from sync.storage import processes, service_state
from sync.storage.copies import begin_anew
from sync.storage.database import Store, migrate, open_store
from sync.storage.processes import Part
from sync.storage.service_state import Failing
from tests.alive import give_signs
from tests.unit.receiver.deliveries import START, HandClock, settings_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'handoffs.db'}")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


Told = Callable[..., list[str]]


@pytest.fixture
def told(store: Store, clock: HandClock) -> Told:
    """Everything that keeps all from being well."""

    def told(**settings: object) -> list[str]:
        return [one.text for one in health.look(store, clock.now(), settings_of(**settings))]

    return told


def test_nothing_has_ever_run(told: Told) -> None:
    assert told() == [
        "no worker has ever run on this database, so nothing is done by itself: start `handoffs serve`",
        "no receiver has ever run on this database, so webhooks are not stored: start `handoffs serve`",
    ]


def test_without_webhooks_no_receiver_is_missed(told: Told) -> None:
    (reason,) = told(public_url=None, hubspot_client_secret="")
    assert reason.startswith("no worker has ever run")


def test_signs_of_life_are_enough(told: Told, store: Store, clock: HandClock) -> None:
    give_signs(store, clock)
    assert told() == []


def test_an_end_in_order_is_known_at_once(told: Told, store: Store, clock: HandClock) -> None:
    give_signs(store, clock)
    worker = Heartbeat(store, clock, Part.WORKER)
    clock.at += MISSED_FOR + timedelta(seconds=1)
    worker.beat_if_due()
    worker.end()
    (reason,) = [one for one in told() if "worker" in one]
    assert reason.startswith(
        f"no worker runs, so nothing is done by itself: the last one was told to end at {clock.at:%Y}-"
    )


@pytest.mark.parametrize("part", Part)
def test_a_death_is_known_within_three_minutes(told: Told, store: Store, clock: HandClock, part: Part) -> None:
    give_signs(store, clock)
    clock.at += SILENT_FOR + timedelta(seconds=1)
    with store.write() as connection:
        for one in processes.find(connection):
            if one.part is not part:
                processes.beat(connection, one.id, clock.now(), busy_since=None, waits_for=None)
    (reason,) = told()
    assert reason.startswith(f"the {part} (pid 4711 on here) has given no sign of life for 2 minutes, since ")
    assert "kill -9 4711" in reason
    assert timedelta(minutes=3) > SILENT_FOR + EVERY


def crash(store: Store, clock: HandClock, times: int) -> None:
    """A worker starts again and again, and dies."""
    for _ in range(times):
        Heartbeat(store, clock, Part.WORKER).beat_if_due()
        clock.at += timedelta(seconds=10)


def test_a_crash_loop_is_no_life(told: Told, store: Store, clock: HandClock) -> None:
    give_signs(store, clock)
    clock.at += MISSED_FOR
    crash(store, clock, CRASHES - 1)
    assert told() == [], "the row of `give_signs` is one of two that were cut off, and the last one lives"
    crash(store, clock, 1)
    assert told() == ["the worker was started 3 times within 30 minutes and cut off each time: its log says why"]
    clock.at += timedelta(minutes=31)
    assert len([one for one in told() if "cut off" in one]) == 0


def start(store: Store, clock: HandClock, pids: range) -> list[Heartbeat]:
    """Workers on a host each, one right after the other."""
    started = []
    for pid in pids:
        started.append(Heartbeat(store, clock, Part.WORKER))
        started[-1]._pid, started[-1]._host = pid, f"host-{pid}"
        started[-1].beat_if_due()
        clock.at += timedelta(milliseconds=300)
    return started


def test_workers_that_start_together_all_live(told: Told, store: Store, clock: HandClock) -> None:
    """Seen: until their next signs of life all but the last counted as cut off, and as a crash loop."""
    give_signs(store, clock)
    workers = start(store, clock, range(CRASHES + 2))
    for _ in range(4):
        with store.read() as connection:
            found = live(processes.find(connection), Part.WORKER, clock.now())
        assert [one.pid for one in found if one.host != "here"] == list(range(len(workers)))
        assert told() == []
        clock.at += timedelta(seconds=15)
        for one in workers:
            one.beat_if_due()


def test_who_ran_when_a_copy_was_made_did_not_crash(told: Told, store: Store, clock: HandClock) -> None:
    """Seen: four workers ran while `pg_dump` did; once that was restored, they were a crash loop."""
    start(store, clock, range(CRASHES + 1))
    clock.at += timedelta(minutes=10)
    begin_anew(store, clock.now())
    give_signs(store, clock)
    assert told() == []


def test_whoever_fell_silent_before_another_started_was_replaced(told: Told, store: Store, clock: HandClock) -> None:
    give_signs(store, clock)
    start(store, clock, range(2))
    clock.at += MISSED_FOR
    last = start(store, clock, range(2, 3))
    clock.at += SILENT_FOR - MISSED_FOR
    last[0].beat_if_due()
    give_signs(store, clock)
    assert told() == []


def test_a_worker_that_hangs(told: Told, store: Store, clock: HandClock) -> None:
    give_signs(store, clock)
    worker = Heartbeat(store, clock, Part.WORKER)
    worker.beat_if_due()
    worker.busy_since = clock.now()
    clock.at += AT_ONE_GROUP_FOR + timedelta(seconds=1)
    give_signs(store, clock)
    worker.beat_if_due()
    (reason,) = told()
    assert reason.startswith(f"the worker (pid {os.getpid()} on ")
    assert "has been at one group of records since " in reason


def test_a_worker_that_waits_for_somebody(told: Told, store: Store, clock: HandClock) -> None:
    give_signs(store, clock)
    worker = Heartbeat(store, clock, Part.WORKER)
    worker.beat_if_due()
    worker.waits_for = "handoffs sweep (pid 12 on here), which has held it since …"
    clock.at += EVERY
    worker.beat_if_due()
    (reason,) = told()
    assert reason.endswith("waits for handoffs sweep (pid 12 on here), which has held it since …")


@pytest.mark.parametrize("beats", [True, False])
def test_a_worker_that_waits_for_one_at_work(told: Told, store: Store, clock: HandClock, *, beats: bool) -> None:
    """Of several workers one may be at a group for minutes: that is its work, unless it gives no sign of life."""
    give_signs(store, clock)
    waiting, working = start(store, clock, range(2))
    for _ in range(8):
        clock.at += EVERY
        waiting.waits_for = (
            "handoffs worker (pid 1 on host), which has held it since …"  # the end of the host's name is cut
        )
        waiting.beat_if_due()
        if beats:
            working.beat_if_due()
    give_signs(store, clock)
    found = [one for one in told() if "the worker (pid 0 on host-0)" in one]
    assert found == ([] if beats else [f"the worker (pid 0 on host-0) waits for {waiting.waits_for}"])


def test_two_of_a_kind_are_told_to_the_second_once(store: Store, clock: HandClock) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        first = Heartbeat(store, clock, Part.WORKER)
        first._pid = other.pid
        first.beat_if_due()
        with capture_logs() as logs:
            second = Heartbeat(store, clock, Part.WORKER)
            second.tell_of_others()
            for _ in range(3):
                clock.at += EVERY
                first.beat_if_due()
                second.beat_if_due()
    assert [(entry["event"], entry["pid"]) for entry in logs if entry["event"] == "worker.another"] == [
        ("worker.another", other.pid),
        ("worker.another", os.getpid()),
    ], "each says it once of the other"


def test_who_came_before_in_the_same_container_is_dead(store: Store, clock: HandClock) -> None:
    """There every process has the number 1; one that is gone, on this machine, is dead too."""
    Heartbeat(store, clock, Part.WORKER).beat_if_due()
    gone = Heartbeat(store, clock, Part.WORKER)
    with subprocess.Popen([sys.executable, "-c", ""]) as other:
        gone._pid = other.pid
    gone.beat_if_due()
    with capture_logs() as logs:
        Heartbeat(store, clock, Part.WORKER).tell_of_others()
    assert logs == []


def test_a_database_that_takes_nothing_ends_no_heartbeat(store: Store, clock: HandClock) -> None:
    heartbeat = Heartbeat(store, clock, Part.WORKER)
    heartbeat.beat_if_due()
    assert store.path is not None
    store.path.rename(store.path.with_name("moved.db"))
    clock.at += EVERY
    with capture_logs() as logs:
        heartbeat.beat_if_due()
        heartbeat.end()
    assert [entry["event"] for entry in logs] == ["heartbeat.not_noted", "heartbeat.end_not_noted"]


def test_starts_of_long_ago_are_forgotten(store: Store, clock: HandClock) -> None:
    crash(store, clock, 5)
    clock.at += timedelta(days=8)
    crash(store, clock, 1)
    with store.read() as connection:
        assert len(processes.find(connection)) == 1


def failing(store: Store, since: datetime, **others: Any) -> None:
    with store.write() as connection:
        for chore in ("poll", "work queue"):
            entry = service_state.failing(chore)
            service_state.put(connection, entry, Failing(since, 7, f"no {chore}", **{"storage": False, **others}))


def test_chores_that_fail_are_said_after_a_minute(told: Told, store: Store, clock: HandClock) -> None:
    give_signs(store, clock)
    failing(store, START)
    assert told() == []
    clock.at += timedelta(minutes=1)
    (reason,) = told()
    assert reason.startswith(f"poll and work queue failed 7 times since {START:%Y-%m-%d %H:%M:%S} UTC; tried again")
    assert reason.endswith("no work queue")
    assert health.readiness(store, clock.now(), settings_of()) == [], "webhooks are stored, whatever the CRM does"
    failing(store, START, storage=True)
    assert len(health.readiness(store, clock.now(), settings_of())) == 1, "nothing is done without the database"


def test_the_age_of_the_last_poll(told: Told, store: Store, clock: HandClock) -> None:
    give_signs(store, clock)
    clock.at += timedelta(minutes=15)
    with store.write() as connection:
        for one in processes.find(connection):
            processes.beat(connection, one.id, clock.now(), busy_since=None, waits_for=None)
    assert told() == []
    clock.at += timedelta(seconds=1)
    (reason,) = told()
    assert reason.startswith("no poll for 15 minutes (POLL_SECONDS: every 300 s)")
    assert told(poll_seconds=600) == []


def test_little_room_on_the_disk(told: Told, store: Store, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    give_signs(store, clock)
    monkeypatch.setattr("sync.observe.health.shutil.disk_usage", lambda _path: type("Usage", (), {"free": 12_000_000}))
    (reason,) = told()
    assert reason.endswith("handoffs.db has 12 MB left: free some room before nothing can be stored")
    assert health.readiness(store, clock.now(), settings_of()) == []


def test_a_full_disk_before_the_first_sign_of_life(told: Told, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: “no receiver has ever run”, though it ran, and could not write so."""
    monkeypatch.setattr("sync.observe.health.shutil.disk_usage", lambda _path: type("Usage", (), {"free": 4_000}))
    (reason,) = told()
    assert "is full: nothing can be stored, not even that worker and receiver run" in reason


def test_what_is_not_written_is_not_ready(store: Store, clock: HandClock) -> None:
    """A read says nothing of a full disk, or of a database that is read-only."""
    assert health.probe(store, clock.now()) is None
    with store.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON fact BEGIN SELECT RAISE(ABORT, 'no room for this'); END"
        )
    found = health.probe(store, clock.now())
    assert found is not None
    assert found.stops_work
    assert "no room for this" in found.text


@pytest.mark.parametrize("part", Part)
def test_one_of_several_that_falls_silent_is_named(told: Told, store: Store, clock: HandClock, part: Part) -> None:
    """A host that vanished: the others do its work, but a frozen worker keeps what it holds, and nobody else would say so."""
    give_signs(store, clock)
    lost = Heartbeat(store, clock, part)
    lost.beat_if_due()
    for _ in range(10):
        clock.at += timedelta(seconds=20)
        give_signs(store, clock)
    (reason,) = told()
    assert reason.startswith(f"the {part}")
    assert "has given no sign of life since" in reason
    assert "The others go on" in reason
    lost.beat_if_due()  # it was frozen, and goes on
    assert told() == []
    lost.end()
    clock.at += SILENT_FOR * 2
    give_signs(store, clock)
    assert told() == []
