"""A database belongs to one portal: with the token of another nothing is done, in neither of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sync.errors import WrongPortalError
from sync.service.worker import Worker
from sync.storage import service_state, work_queue
from tests.conftest import MakeWorld
from tests.terminal import Terminal
from tests.world import World

ADMIN = "admin@agency.example"
OTHER = 55_000_002


@pytest.fixture
def moved(make_world: MakeWorld) -> World:
    """Rehearsed on a test portal; then the real one's token stands in the same directory."""
    world = make_world(admin_email=ADMIN)
    world.people.create_portfolio("Rehearsed", world.day(40))
    world.sweep()
    portal = world.sandbox.portal
    portal.account = replace(portal.account, portal_id=OTHER)
    world.people.create_portfolio("Real", world.day(0))
    world.restart()
    return world


def held(world: World) -> dict[str, object]:
    """All that the portal holds."""
    return {name: part for name, part in world.sandbox.portal.dump().items() if name != "now"}


def test_no_pass_is_run(moved: World) -> None:
    for act in (moved.sweep, moved.work):
        with pytest.raises(WrongPortalError, match=f"belongs to portal 48000001, and .* is of portal {OTHER}"):
            act()
    assert moved.tasks() == []
    assert moved.emails() == []


def test_a_running_service_does_nothing_and_says_so(moved: World, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(moved.service)
    for _ in range(3):
        worker.turn()
        moved.clock.advance(timedelta(minutes=5))
    assert moved.tasks() == []
    with moved.service.store.read() as connection:
        waiting = work_queue.backlog(connection, moved.clock.now())
    assert waiting.due == 0
    done = Terminal(moved, monkeypatch).run("status")
    assert done.exit_code == 1
    assert "another portal's token" in done.stdout
    assert str(OTHER) in done.stdout


@pytest.mark.parametrize(
    "command",
    ["check", "setup --apply --yes", "setup --sample --apply --yes", "plan", "sweep", "explain Real", "adopt"],
)
def test_every_command_names_both(moved: World, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    before = held(moved)
    done = Terminal(moved, monkeypatch).run(*command.split())
    assert done.exit_code == 5
    assert "portal 48000001" in done.stderr
    assert f"portal {OTHER}" in done.stderr
    assert held(moved) == before


def test_a_database_from_before_belongs_to_the_first_that_it_meets(world: World) -> None:
    world.prepare()
    with world.service.store.read() as connection:
        assert service_state.get(connection, service_state.PORTAL) == "48000001"
