"""The worker hears of a commit: it does not wait for its tick."""

import threading
import time
from pathlib import Path

import pytest

from sync.clock import SystemClock
from sync.crm import Kind, RecordRef
from sync.service import worker as worker_module
from sync.service.worker import Worker
from sync.storage import work_queue
from sync.storage.database import migrate, open_store
from tests.conftest import MakeWorld
from tests.patience import PATIENCE


def test_a_commit_of_another_connection_is_heard_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handoffs.db'}"
    store, other = open_store(url), open_store(url)
    migrate(store)
    listener = store.listener()
    assert listener is not None
    assert not listener.heard(), "it begins to listen"
    for writer in (store, other):
        with writer.write() as connection:
            work_queue.enqueue(connection, [RecordRef(Kind.PORTFOLIO, "1")], SystemClock().now(), "webhook")
        assert listener.heard()
        assert not listener.heard()
    with store.read() as connection:
        work_queue.records(connection)
    assert not listener.heard(), "who reads says nothing"
    listener.close()
    store.close()
    other.close()


def test_a_database_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    listener = open_store(f"sqlite:///{tmp_path / 'no' / 'handoffs.db'}").listener()
    assert listener is not None
    assert not listener.heard()
    assert not listener.heard()
    listener.close()


def test_in_memory_nobody_else_writes() -> None:
    assert open_store("sqlite://").listener() is None


def test_the_worker_is_woken_by_a_commit(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(webhooks=False)
    worker = Worker(world.service)
    rested = threading.Event()

    def rest() -> None:
        worker._rest(world.service.store.listener())
        rested.set()

    monkeypatch.setattr(worker_module, "TICK", 10 * PATIENCE)
    thread = threading.Thread(target=rest, daemon=True)
    thread.start()
    end = time.monotonic() + PATIENCE
    while not rested.wait(0.05) and time.monotonic() < end:  # it may not have begun to listen at the first one
        with world.service.store.write() as connection:
            work_queue.enqueue(connection, [RecordRef(Kind.PORTFOLIO, "1")], world.clock.now(), "webhook")
    woken = rested.is_set()
    worker.stop()
    thread.join(PATIENCE)
    assert woken
