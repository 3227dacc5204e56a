"""A token that somebody rotates while the service runs: what stands in `.env` by then is taken up without a restart."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sync.errors import ConfigurationError
from sync.service.worker import Worker
from sync.settings import Settings
from sync.storage import service_state
from tests.world import World

NEW = "pat-na1-the-next-one"


@pytest.fixture
def write_env(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Let the settings be read with another token from now on; None: they cannot be read."""

    def write(token: str | None) -> None:
        def read() -> Settings:
            if token is None:
                raise ConfigurationError(".env is not UTF-8")
            return world.settings.model_validate({**world.settings.model_dump(), "hubspot_access_token": token})

        monkeypatch.setattr("sync.service.bootstrap.read_settings", read)

    return write


def refused(world: World) -> tuple[str | None, str | None]:
    with world.service.store.read() as connection:
        entries = (service_state.TOKEN_REFUSED, service_state.WRONG_PORTAL)
        token, portal = (service_state.get(connection, entry) for entry in entries)
    return token, portal


def later(world: World, worker: Worker) -> None:
    world.clock.advance(timedelta(minutes=6))
    world.receive()
    worker.turn()
    worker.turn()


def test_it_is_taken_up_without_a_restart(world: World, write_env: Callable[[str | None], None]) -> None:
    worker = Worker(world.service)
    worker.turn()
    world.sandbox.portal.app.token = NEW
    world.people.create_portfolio("Acme", world.day(10))
    write_env(world.settings.require_token())
    later(world, worker)
    assert world.tasks() == []
    assert "set HUBSPOT_ACCESS_TOKEN" in str(refused(world)[0])
    write_env(NEW)
    later(world, worker)
    later(world, worker)
    assert world.kinds() == ["kickoff"]
    assert refused(world) == (None, None)


@pytest.mark.parametrize("token", ["pat-wrong-too", "no token at all", None], ids=["refused", "nonsense", "unreadable"])
def test_another_bad_one_changes_nothing(
    world: World, write_env: Callable[[str | None], None], token: str | None
) -> None:
    worker = Worker(world.service)
    worker.turn()
    good = world.sandbox.portal.app.token
    world.sandbox.portal.app.token = NEW
    world.people.create_portfolio("Acme", world.day(10))
    write_env(token)
    later(world, worker)
    assert world.tasks() == []
    assert refused(world)[0] is not None
    world.sandbox.portal.app.token = good  # HubSpot takes the old one again
    later(world, worker)
    assert world.kinds() == ["kickoff"]


def test_another_portals_token_is_not_taken_up(world: World, write_env: Callable[[str | None], None]) -> None:
    """A pass may be under way in another thread: nothing at all may go to a portal that is not the database's."""
    worker = Worker(world.service)
    worker.turn()
    portal = world.sandbox.portal
    portal.app.token = NEW
    portal.account = replace(portal.account, portal_id=55_000_002)
    world.people.create_portfolio("Acme", world.day(10))
    write_env(NEW)
    before = portal.dump()["records"]
    later(world, worker)
    later(world, worker)
    assert portal.dump()["records"] == before
    token, wrong = refused(world)
    assert token is not None
    assert "belongs to portal 48000001" in str(wrong)
    assert "of portal 55000002" in str(wrong)
