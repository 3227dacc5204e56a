"""The worker's chores: what keeps one from being done keeps no other from it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from sync.observe import health
from sync.sandbox.faults import Fault, FaultKind
from sync.service.worker import Worker
from sync.storage import service_state
from sync.storage.tables import deliveries, events
from tests.alive import give_signs
from tests.conftest import MakeWorld
from tests.patience import PATIENCE
from tests.world import World

ADMIN = "admin@agency.example"


@contextmanager
def at_work(worker: Worker) -> Iterator[None]:
    """The worker runs in its own threads, as `serve` runs it."""
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def becomes(true: Callable[[], bool], within: float = PATIENCE) -> bool:
    """Whether it comes true within so many seconds: before patience ends, unless a mutant is to be noticed sooner."""
    pause = threading.Event()
    return any(true() or pause.wait(0.05) for _ in range(int(within / 0.05)))


def a_ticket_is_told_of(world: World) -> None:
    """By webhook: it was answered, and nobody has unpacked it."""
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    world.people.create_ticket("Ad 1", "Winter", portfolio)
    world.sandbox.delivery.pump()


def test_a_search_that_fails_keeps_no_webhook_waiting(world: World) -> None:
    worker = Worker(world.service)
    worker.turn()
    world.clock.advance(timedelta(minutes=15))
    worker.turn()  # a young ledger would search for its tasks before it makes them
    a_ticket_is_told_of(world)
    world.sandbox.faults.add(Fault("503", "POST */search"))
    world.clock.advance(timedelta(days=1))  # a poll is due, and a sweep
    worker.turn()
    assert world.kinds() == ["write_copy", "design_graphics"]


def test_a_search_that_hangs_keeps_no_webhook_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go, hangs = threading.Event(), threading.Event()

    def search(*_: object, **__: object) -> list[Any]:
        hangs.set()
        let_go.wait(PATIENCE)
        return []

    worker = Worker(world.service)
    worker.turn()
    world.clock.advance(timedelta(minutes=15))
    worker.turn()  # a young ledger would search for its tasks before it makes them
    world.clock.advance(timedelta(days=1))  # a poll is due, and a sweep
    monkeypatch.setattr(type(world.service.reading.crm), "search", search)
    with at_work(worker):
        assert hangs.wait(PATIENCE)
        a_ticket_is_told_of(world)
        assert becomes(lambda: len(world.kinds()) == 2)
        assert not let_go.is_set()
        let_go.set()


@pytest.mark.parametrize("hanging", ["sync.service.bootstrap.poll", "sync.service.bootstrap.Sweep.mark"])
def test_a_poll_that_hangs_keeps_no_sweep_waiting_nor_a_sweep_a_poll(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, hanging: str
) -> None:
    let_go, hangs = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> int:
        hangs.set()
        let_go.wait()
        return 0

    world = make_world(webhooks=False)
    worker = Worker(world.service)
    worker.turn()
    world.clock.advance(timedelta(minutes=15))
    worker.turn()  # a young ledger would search for its tasks before it makes them
    world.people.create_portfolio("Acme", world.day(10))
    world.people.flush_search()
    world.clock.advance(timedelta(days=1))  # a poll is due, and a sweep
    monkeypatch.setattr(hanging, hang)
    with at_work(worker):
        assert hangs.wait(PATIENCE)
        came = becomes(lambda: world.kinds() == ["kickoff"], within=60.0)
        let_go.set()
    assert came


def test_what_nobody_foresaw_ends_no_worker(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the timer, nor in the review of alerts, nor where the trouble itself is told."""
    world = make_world(admin_email=ADMIN)
    worker = Worker(world.service)
    a_ticket_is_told_of(world)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nobody")

    monkeypatch.setattr("sync.passes.poll.changes.unread", broken)
    monkeypatch.setattr(type(world.service.alerts), "review", broken)
    worker.turn()
    assert world.kinds() == ["write_copy", "design_graphics"]
    (mail,) = [mail for mail in world.people.emails() if mail.to == ADMIN]
    assert mail.properties["subject"] == "Creative Refresh handoffs: something failed that nobody foresaw"
    assert "ZeroDivisionError: by nobody" in str(mail.properties["body"])
    monkeypatch.setattr(type(world.service.alerts), "__call__", broken)
    world.clock.advance(timedelta(hours=2))
    worker.turn()


def test_all_is_mended_once_every_chore_is_well(world: World) -> None:
    """A poll that the CRM forbids stands until a poll succeeds, however well the work queue is drained meanwhile."""
    worker = Worker(world.service)
    world.sandbox.faults.add(Fault("403", "POST */search", times=4))

    def stands() -> bool:
        with world.service.store.read() as connection:
            assert service_state.get(connection, service_state.TOKEN_REFUSED) is None
            said = service_state.get(connection, service_state.PERMISSION_REFUSED)
            assert said is None or "/search: the app of HUBSPOT_ACCESS_TOKEN" in said
            return said is not None

    worker.turn()
    assert stands()
    a_ticket_is_told_of(world)
    worker.turn()
    assert stands()
    for _ in range(5):
        world.clock.advance(timedelta(minutes=2))
        worker.turn()
    assert not stands()


def test_the_service_itself_removes_what_is_older_than_it_is_kept(make_world: MakeWorld) -> None:
    """Once a day, by RETENTION_DAYS; what was done stays, and is not done again."""
    world = make_world(retention_days=30, poll_seconds=365 * 24 * 3600)
    worker = Worker(world.service)
    a_ticket_is_told_of(world)
    worker.turn()
    assert world.kinds() == ["write_copy", "design_graphics"]

    def kept() -> int:
        with world.service.store.read() as connection:
            return len(connection.execute(deliveries.select()).all())

    assert kept()
    world.clock.advance(timedelta(days=29))
    worker.turn()
    assert kept()
    world.clock.advance(timedelta(days=1, minutes=1))
    worker.turn()
    assert kept() == 0
    with world.service.store.read() as connection:
        assert connection.execute(events.select()).all() == []
    a_ticket_is_told_of(world)
    world.clock.advance(timedelta(hours=23))
    worker.turn()
    assert kept(), "younger"
    assert len([kind for kind in world.kinds() if kind in {"write_copy", "design_graphics"}]) == 4


def test_what_cannot_be_noted_of_a_success_ends_no_worker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a failure that a later release has kept, in words of its own: who went back to this one had no polls any more."""
    worker = Worker(world.service)
    world.people.create_portfolio("Acme", world.day(10))
    world.people.flush_search()

    def unreadable(_connection: object) -> NoReturn:
        raise KeyError("since")

    with monkeypatch.context() as broken:
        broken.setattr("sync.service.chores.service_state.failing", unreadable)
        worker.turn()
    worker.turn()
    assert world.kinds() == ["kickoff"]


@pytest.mark.parametrize(
    ("fault", "says"), [("401", "token refused"), ("403", "a permission is missing")], ids=["token", "permission"]
)
def test_what_is_refused_is_told_alone(world: World, fault: FaultKind, says: str) -> None:
    """Seen: “poll failed 13 times …: no answer” stood beside it for as long as the refusal lasted."""
    worker = Worker(world.service)
    worker.turn()
    for one in (Fault("503"), Fault(fault)):
        world.sandbox.faults.clear()
        world.sandbox.faults.add(one)
        for _ in range(4):
            world.clock.advance(timedelta(minutes=6))
            worker.turn()
        give_signs(world.service.store, world.clock)
        told = [each.text for each in health.look(world.service.store, world.clock.now(), world.settings)]
        assert any("times since" in text for text in told) == (one.kind == "503")
    assert [text for text in told if text.startswith(says)]


def test_a_token_that_is_taken_again_is_not_told_as_refused(world: World) -> None:
    """Seen: both stood there once a new token lacked a permission."""
    worker = Worker(world.service)
    for fault, says in ((Fault("401"), "token refused"), (Fault("403"), "a permission is missing")):
        world.sandbox.faults.clear()
        world.sandbox.faults.add(fault)
        world.clock.advance(timedelta(minutes=6))
        worker.turn()
        told = [one.text for one in health.look(world.service.store, world.clock.now(), world.settings)]
        assert [one.partition(":")[0] for one in told if "refused" in one or "permission" in one] == [says]


class Textless(Exception):  # noqa: N818 - any error may be so
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_an_error_whose_text_fails_ends_no_worker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Textless

    worker = Worker(world.service)
    with monkeypatch.context() as broken:
        broken.setattr("sync.service.bootstrap.Sweep.mark", fail)
        worker.turn()
    with world.service.store.read() as connection:
        failing = service_state.get(connection, service_state.failing("daily sweep"))
    assert failing is not None
    assert failing.error == "Textless"
