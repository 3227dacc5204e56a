"""A service that goes by another mapping, or another clock, than whoever asks: it is said, and nobody is told to kill it."""

from datetime import timedelta
from pathlib import Path

import pytest

from mappings.digest import digest_of
from mappings.load import load
from sync.observe import health, status
from sync.observe.heartbeat import Heartbeat
from sync.sandbox.clock import VirtualClock
from sync.storage.processes import Part
from tests.alive import give_signs
from tests.conftest import MakeWorld
from tests.terminal import Terminal
from tests.world import World

OURS = "time_zone: America/New_York\n"
TITLED = OURS + "tasks: {kickoff: {subject: 'Ring {{ portfolio.name }}'}}\n"


def start(world: World) -> Heartbeat:
    """A worker of the service, as far as its signs of life go."""
    worker = Heartbeat(
        world.service.store, world.clock, Part.WORKER, mapping=digest_of(world.service.mapping), machine=world.clock
    )
    worker.beat_if_due()
    return worker


def reasons(world: World) -> list[str]:
    return list(status.read(world.service.store, world.clock, world.settings).reasons)


def test_a_mapping_changed_under_a_running_service(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(mapping=OURS)
    client = world.people.create_portfolio(name="Acme Shoes")
    terminal = Terminal(world, monkeypatch, served=False)
    worker = start(world)
    assert not any("another mapping" in one for one in reasons(world))
    assert "another mapping" not in terminal.run("explain", client).stderr

    (world.directory / "mapping.yaml").write_text(f"# a comment is no change\n{OURS}", encoding="utf-8")
    assert not any("another mapping" in one for one in reasons(world))
    (world.directory / "mapping.yaml").write_text(TITLED, encoding="utf-8")
    (reason,) = (one for one in reasons(world) if "another mapping" in one)
    assert "mapping.yaml" in reason
    assert "at its start, 2026-11-02" in reason
    assert "Restart `handoffs serve`" in reason
    assert reason in terminal.run("explain", client).stderr
    shown = terminal.run("status")
    assert shown.exit_code == 1
    assert "goes by another mapping" in " ".join(shown.stdout.split())

    worker.end()
    world.restart()
    start(world)
    assert not any("another mapping" in one for one in reasons(world))
    assert "another mapping" not in terminal.run("explain", client).stderr


def test_a_mapping_that_can_no_longer_be_read(make_world: MakeWorld) -> None:
    world = make_world(mapping=OURS)
    start(world)
    (world.directory / "mapping.yaml").write_text("time_zoe: Europe/Berlin\n", encoding="utf-8")
    (reason,) = (one for one in reasons(world) if "cannot be read" in one)
    assert "mapping.yaml:1: time_zoe" in reason
    assert "goes on by the one that it has read" in reason


def test_texts_in_a_file_of_their_own_count(tmp_path: Path) -> None:
    (tmp_path / "kickoff.txt.j2").write_text("Please ring {{ portfolio.name }}.", encoding="utf-8")
    (tmp_path / "ours.yaml").write_text("emails: {kickoff: {body: kickoff.txt.j2}}\n", encoding="utf-8")
    before = digest_of(load(tmp_path / "ours.yaml"))
    assert digest_of(load(tmp_path / "ours.yaml")) == before != digest_of(load())
    (tmp_path / "kickoff.txt.j2").write_text("Please call {{ portfolio.name }}.", encoding="utf-8")
    assert digest_of(load(tmp_path / "ours.yaml")) != before


def test_asked_by_the_machines_clock_in_a_rehearsal(world: World) -> None:
    """The worker is well: it goes by the sandbox's clock, and whoever asks forgot `sandbox now`."""
    machine = VirtualClock(world.clock.now() + timedelta(days=28))
    give_signs(world.service.store, world.clock)
    Heartbeat(world.service.store, world.clock, Part.WORKER, machine=machine).beat_if_due()

    def told(by: VirtualClock, on_machine: VirtualClock) -> str:
        found = health.look(world.service.store.reader, by.now(), world.settings, on_machine=on_machine.now())
        return "\n".join(one.text for one in found)

    plainly = told(machine, machine)
    assert "works by another clock, 28 days behind this command's" in plainly
    assert "handoffs sandbox now status" in plainly
    assert "kill" not in plainly
    assert "no sweep" not in plainly
    assert told(VirtualClock(world.clock.now()), machine) == ""

    machine.advance(timedelta(minutes=5))  # and with it, that nobody gives a sign any more
    assert "has given no sign of life" in told(machine, machine)


def test_one_that_was_killed_before_the_clock_was_moved(world: World) -> None:
    """Its end is not noted; the one that was started after it goes by the right clock."""
    machine = VirtualClock(world.clock.now() + timedelta(days=28))
    Heartbeat(world.service.store, world.clock, Part.RECEIVER, machine=machine).beat_if_due()
    world.clock.advance(timedelta(hours=1))
    for part in Part:
        Heartbeat(world.service.store, world.clock, part, machine=machine).beat_if_due()
    found = health.look(world.service.store.reader, world.clock.now(), world.settings, on_machine=machine.now())
    assert not any("another clock" in one.text for one in found)


def test_asked_by_the_sandboxs_clock_of_a_service_that_was_started_without(world: World) -> None:
    machine = VirtualClock(world.clock.now() + timedelta(days=28))
    Heartbeat(world.service.store, machine, Part.WORKER, machine=machine).beat_if_due()
    found = health.look(world.service.store.reader, world.clock.now(), world.settings, on_machine=machine.now())
    assert "28 days ahead of this command's: it was started by the machine's" in found[0].text


def test_a_clock_that_stands_still_stops_no_sign_of_life(world: World) -> None:
    machine = VirtualClock(world.clock.now())
    worker = Heartbeat(world.service.store, world.clock, Part.WORKER, machine=machine)
    worker.beat_if_due()
    for _ in range(10):
        machine.advance(timedelta(minutes=1))
        worker.beat_if_due()
    plainly = health.look(world.service.store.reader, machine.now(), world.settings, on_machine=machine.now())
    assert "works by another clock, 10 minutes behind" in plainly[0].text
