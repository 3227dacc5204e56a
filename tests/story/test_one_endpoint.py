"""One endpoint must not starve the rest: what was read before serves while it does not answer (docs/process.md R.14)."""

from datetime import timedelta

import pytest

from sync.errors import CRMUnavailableError
from sync.passes.portal import KEPT_FOR, NOT_ASKED_FOR
from sync.passes.recovery import SEARCH_LAGS
from sync.sandbox import Fault
from sync.service.drain import run_poll
from sync.service.worker import Worker
from tests.story.handoffs.steps import on
from tests.terminal import Terminal
from tests.world import World

ENDPOINTS = ("GET */owners/*", "GET */properties/*", "GET */pipelines/*", "GET */schemas/*", "GET */account-info/*")


def kicked_off(world: World, name: str) -> bool:
    """Whether a client whose date is near is served."""
    portfolio = world.people.create_portfolio(name, world.day(3))
    world.sandbox.delivery.pump()
    Worker(world.service).turn()
    return world.kinds(on(portfolio)) == ["kickoff"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_list_that_is_not_answered_keeps_nobody_waiting(world: World, endpoint: str) -> None:
    world.sweep()
    world.sandbox.faults.add(Fault("503", endpoint))
    for hours in (2, 12):
        world.clock.advance(timedelta(hours=hours))
        assert kicked_off(world, f"After {hours} hours")


def test_status_tells_that_people_are_as_they_were(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sweep()
    world.sandbox.faults.add(Fault("503", "GET */owners/*"))
    world.clock.advance(timedelta(hours=2))
    assert kicked_off(world, "Acme")
    worker = Worker(world.service)
    for _ in range(4):
        world.clock.advance(timedelta(minutes=2))
        worker.turn()
    said = Terminal(world, monkeypatch).run("status").output
    assert "GET /crm/owners/2026-09: 503" in " ".join(said.split())
    world.sandbox.faults.clear()
    world.clock.advance(timedelta(minutes=6))
    Worker(world.service).turn()
    assert Terminal(world, monkeypatch).json("status")["ok"]


def test_it_is_not_asked_at_every_turn(world: World) -> None:
    """Each try takes a call's patience: a minute that the work queue waits."""
    world.sweep()
    world.clock.advance(timedelta(hours=2))
    world.service.portals.get()
    world.clock.advance(timedelta(minutes=20))
    world.sandbox.faults.add(Fault("503", "GET */owners/*"))
    world.service.portals.get()
    asked = world.sandbox.log.counts().get("GET /crm/owners/2026-09", 0)
    world.clock.advance(NOT_ASKED_FOR / 2)
    world.service.portals.get()
    assert world.sandbox.log.counts().get("GET /crm/owners/2026-09", 0) == asked


def test_after_a_day_nothing_is_decided_by_it(world: World) -> None:
    world.sweep()
    world.sandbox.faults.add(Fault("503", "GET */owners/*"))
    world.clock.advance(KEPT_FOR)
    world.people.create_portfolio("Acme", world.day(3))
    with pytest.raises(CRMUnavailableError):
        run_poll(world.service)
    assert world.tasks() == []


def test_a_search_that_fails_on_the_first_day_keeps_no_task_from_being_made(world: World) -> None:
    """Until it is asked a second time, a task is looked for before it is made, in case the database was lost."""
    world.work()
    world.sandbox.faults.add(Fault("503", "*/search"))
    assert kicked_off(world, "In the first minutes")
    world.clock.advance(SEARCH_LAGS * 3)
    assert kicked_off(world, "And later")


def test_after_a_lost_database_tasks_wait_for_the_search(world: World) -> None:
    """One may be on no record any more."""
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    world.work()
    world.people.flush_search()
    world.restart(lose_database=True)
    world.work()
    world.sandbox.faults.add(Fault("503", "*/search"))
    world.clock.advance(timedelta(minutes=3))
    assert not kicked_off(world, "Beta")
    world.sandbox.faults.clear()
    world.minutes(12)
    assert [world.kinds(on(one.id)) for one in world.people.portfolios()] == [["kickoff"], ["kickoff"]]
    assert len(world.tasks(on(portfolio))) == 1
