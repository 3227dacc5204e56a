"""A delivery that cannot be unpacked: the admin hears of it, and it is shown, tried again or dropped. Nothing is lost by it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from sync.service.worker import Worker
from sync.storage import raw_deliveries
from sync.storage.inbox import Event
from sync.storage.tables import runs
from tests.terminal import Terminal
from tests.world import World
from webhooks.events import parse


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


@contextmanager
def cannot_parse(monkeypatch: pytest.MonkeyPatch, what: bytes) -> Iterator[None]:
    """As by a fault of this version."""

    def broken(body: bytes) -> list[Event]:
        if what in body:
            raise ZeroDivisionError("an event that cannot be counted")
        return parse(body)

    with monkeypatch.context() as patch:
        patch.setattr("webhooks.unpacking.parse", broken)
        yield


def put_aside(world: World) -> list[int]:
    with world.service.store.read() as connection:
        return [one.id for one in raw_deliveries.find_put_aside(connection)]


@pytest.fixture
def delivery(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    with cannot_parse(monkeypatch, b"Acme"):
        world.people.create_portfolio("Acme", world.day(3))
        world.sandbox.delivery.pump()
        world.people.create_portfolio("Bolt", world.day(3))
        world.work()
    (number,) = put_aside(world)
    assert world.kinds() == ["kickoff"]  # Bolt's: the other delivery keeps nothing from it
    return f"delivery:{number}"


def test_it_is_told_and_shown(world: World, terminal: Terminal, delivery: str) -> None:
    status = terminal.run("status")
    assert status.exit_code == 1
    assert "webhook requests that could not be unpacked: 1. `handoffs dead` says which, and why" in " ".join(
        status.stdout.split()
    )
    with capture_logs() as logs:
        world.service.alerts.review()
    (alert,) = [one for one in logs if one["event"] == "admin.alert"]
    assert (alert["kind"], "ZeroDivisionError" in alert["message"]) == ("put_aside", True)
    listed = terminal.run("dead")
    assert listed.exit_code == 1
    assert "Not unpacked (1)" in listed.stdout
    assert delivery in listed.stdout
    assert "ZeroDivisionError: an event that cannot be counted" in listed.stdout
    (told,) = json.loads(terminal.run("dead", "--json").stdout)["deliveries"]
    assert (f"delivery:{told['delivery']}", told["reason"]) == (
        delivery,
        "ZeroDivisionError: an event that cannot be counted",
    )
    shown = terminal.run("dead", "show", delivery)
    assert shown.exit_code == 0
    assert "Traceback" in shown.stdout
    assert '"propertyValue":"Acme"' in shown.stdout.replace(": ", ":")
    assert terminal.run("dead", "show", "delivery:999").exit_code == 1


def test_a_sweep_finds_what_it_tells_of(world: World, delivery: str) -> None:
    world.sweep()
    assert world.kinds() == ["kickoff", "kickoff"]
    assert [f"delivery:{one}" for one in put_aside(world)] == [delivery]


def test_a_start_tries_again(world: World, delivery: str) -> None:
    """A newer version may read what an older one could not."""
    worker = Worker(world.service)
    worker._note_start()
    worker.turn()
    assert put_aside(world) == []
    assert world.kinds() == ["kickoff", "kickoff"]


@pytest.mark.parametrize("named", [True, False])
def test_it_is_tried_again(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, delivery: str, named: bool
) -> None:
    arguments = [delivery] if named else ["--all"]
    with cannot_parse(monkeypatch, b"Acme"):
        again = terminal.run("dead", "retry", *arguments)
    assert again.exit_code == 1
    assert f"{delivery} cannot be unpacked: ZeroDivisionError" in again.stderr
    mended = terminal.run("dead", "retry", *arguments)
    assert (mended.exit_code, put_aside(world)) == (0, [])
    assert "Unpacked 1 webhook request" in mended.stderr
    world.work()
    assert world.kinds() == ["kickoff", "kickoff"]
    assert terminal.run("dead").exit_code == 0


def test_it_is_dropped(world: World, terminal: Terminal, delivery: str) -> None:
    dropped = terminal.run("dead", "drop", delivery, "--reason", "seen by hand", "--yes")
    assert dropped.exit_code == 0, dropped.output
    assert "Dropped 0 effects and 0 parked records and 1 webhook request." in dropped.stdout
    assert put_aside(world) == []
    with world.service.store.read() as connection:
        (kept,) = connection.execute(select(runs)).all()
    assert "ZeroDivisionError" in kept.arguments
