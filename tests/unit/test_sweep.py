"""The daily sweep: whatever a day can have made due, events or no events; and one a day."""

from contextlib import closing
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from sync.clock import from_ms
from sync.crm import Kind, RecordRef
from sync.errors import HandoffsError
from sync.passes.sweep import Sweep
from sync.sandbox.faults import Fault
from sync.service.worker import Worker
from sync.storage import service_state
from sync.storage.tables import looks, sweeps, waits, work_items
from sync.storage.work_queue import Priority, WorkItem, lease
from tests.conftest import MakeWorld
from tests.world import World


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(webhooks=False)


def _sweep(world: World) -> int:
    world.people.flush_search()
    service = world.service
    portal = service.portals.get()
    return Sweep(service.store, service.crm, service.mapping, service.clock, service.today, portal).mark()


def _due(world: World) -> list[WorkItem]:
    with world.service.store.read() as connection:
        return lease(connection, 0, world.clock.now(), 1_000)


def _found(world: World) -> set[str]:
    """The names of the portfolios that a sweep marks."""
    _sweep(world)
    return {world.people.portfolio(look.record.id)["name"] for look in _due(world)}


def test_dates_within_the_window_and_past(world: World) -> None:
    window = world.service.mapping.rules.window_days
    for name, ahead in (("past", -400), ("today", 0), ("edge", window), ("far", window + 30)):
        world.people.create_portfolio(name, world.day(ahead))
    world.people.create_portfolio("none", None)
    assert _found(world) == {"past", "today", "edge"}


@pytest.mark.parametrize("hour", [0, 4, 5, 12, 23])
def test_the_edge_of_the_window_at_any_hour(make_world: MakeWorld, hour: int) -> None:
    """A date is midnight UTC in the index, and today is New York's."""
    world = make_world(webhooks=False)
    world.clock.set(world.clock.now().replace(hour=hour) + timedelta(days=1))
    world.people.create_portfolio("edge", world.day(world.service.mapping.rules.window_days))
    assert _found(world) == {"edge"}


def test_every_status_counts_whatever_the_date(world: World) -> None:
    for status in ("No Refresh Requested", "Deliverables Submitted", "Creatives Implemented"):
        world.people.create_portfolio(status, None, status=status)
    assert len(_found(world)) == 3


def test_what_is_still_to_be_done_counts_whatever_the_date(world: World) -> None:
    """A task of a ticket is blocked; nothing of the portfolio itself would make a sweep look at it."""
    acme = world.people.create_portfolio("Acme", world.day(200), copywriter=None)
    world.people.create_ticket("t", "Autumn", acme)
    world.work()
    assert world.kinds() == ["design_graphics"]
    world.clock.advance(timedelta(minutes=1))
    with world.service.store.write() as connection:
        connection.execute(work_items.delete())
    assert _found(world) == {"Acme"}


def test_sets_that_are_called_almost_the_same_count_whatever_the_date(world: World) -> None:
    """docs/process.md 5.22: what holds no longer is to be forgotten."""
    portfolio = world.people.create_portfolio("Acme", world.day(200))
    for folder in ("Autumn 2026", "Autumn-2026"):
        world.people.create_ticket("Ad", folder, portfolio)
    world.work()
    world.next_day(61)
    for kind in ("write_copy", "design_graphics"):
        assert kind in world.kinds()
    with world.service.store.write() as connection:
        connection.execute(work_items.delete())
        connection.execute(waits.delete())
        connection.execute(looks.delete())  # nothing is certain of it
    assert _found(world) == {"Acme"}


def test_a_ticket_without_a_portfolio_with_something_to_do(world: World) -> None:
    ticket = world.people.create_ticket("lone", "Autumn")
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.work()
    _sweep(world)
    world.work()
    world.clock.advance(timedelta(days=3))  # no search shows it any more as changed
    with world.service.store.write() as connection:
        connection.execute(work_items.delete())
    _sweep(world)
    assert [look.record for look in _due(world)] == [RecordRef(Kind.TICKET, ticket)]


def test_it_waits_for_interactive_work(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(1))
    _sweep(world)
    with world.service.store.read() as connection:
        (row,) = connection.execute(select(work_items)).all()
    assert (row.priority, row.origin) == (Priority.BULK, "sweep")


def test_a_second_sweep_does_nothing(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(0))
    world.sweep()
    before = (len(world.tasks()), len(world.emails()))
    assert world.sweep().tried == 0
    assert (len(world.tasks()), len(world.emails())) == before == (2, 2)


def test_a_sweep_that_fails_marks_nothing_and_is_not_noted(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(0))
    world.prepare()
    world.sandbox.faults.add(Fault("503", "POST */search"))
    with pytest.raises(HandoffsError):
        _sweep(world)
    assert _due(world) == []
    with world.service.store.read() as connection:
        assert service_state.get(connection, service_state.LAST_SWEEP) is None


def test_a_search_that_fails_keeps_nothing_else_from_the_sweep(world: World) -> None:
    """docs/process.md R.13: kickoffs are made though tickets cannot be searched for, all day; and each once."""
    window = world.service.mapping.rules.window_days
    world.people.create_portfolio("Acme", world.day(window + 1))
    for hours in (1, 23):
        _turn(world)
        world.clock.advance(timedelta(hours=hours))
    with world.service.store.write() as connection:
        connection.execute(work_items.delete())
    world.sandbox.faults.add(Fault("503", "POST */tickets/search"))
    _turn(world)
    assert world.kinds() == ["kickoff"]
    assert _sweeps(world)[-1] == ("2026-11-03", False)
    for _ in range(3):
        before = world.sandbox.log.mark()
        world.clock.advance(timedelta(minutes=2))
        _turn(world)
        calls = [one.endpoint for one in world.sandbox.log.since(before)]
        assert not any("portfolios/batch/read" in call for call in calls), "what is done of the day is not done again"
    world.sandbox.faults.clear()
    world.clock.advance(timedelta(minutes=2))
    _turn(world)
    assert _sweeps(world)[-1] == ("2026-11-03", True)
    assert world.kinds() == ["kickoff"]


def test_what_the_database_knows_needs_no_search(world: World) -> None:
    """A ticket's task is blocked, and the search for portfolios fails: it is looked at all the same."""
    acme = world.people.create_portfolio("Acme", world.day(200), copywriter=None)
    world.people.create_ticket("t", "Autumn", acme)
    world.work()
    with world.service.store.write() as connection:
        connection.execute(work_items.delete())
    world.sandbox.faults.add(Fault("503", "POST *portfolios/search"))
    with pytest.raises(HandoffsError):
        _sweep(world)
    assert RecordRef(Kind.PORTFOLIO, acme) in {item.record for item in _due(world)}


# Once a day


def _turn(world: World) -> None:
    """One turn of the worker."""
    world.people.flush_search()
    with closing(Worker(world.service)) as worker:  # or the next one would not be the one that keeps the time
        worker.turn()


def _sweeps(world: World) -> list[tuple[str, bool]]:
    with world.service.store.read() as connection:
        rows = connection.execute(select(sweeps).order_by(sweeps.c.day))
        return [(row.day, row.finished_at is not None) for row in rows]


def _last_sweep(world: World) -> datetime:
    with world.service.store.read() as connection:
        return service_state.get(connection, service_state.LAST_SWEEP) or from_ms(0)


def test_the_timer_sweeps_at_its_start_and_once_a_day(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(0))
    _turn(world)
    assert len(world.tasks()) == 2, "a start sweeps at once"
    first = _last_sweep(world)
    world.clock.advance(timedelta(hours=2))
    world.restart()
    _turn(world)
    assert _last_sweep(world) == first
    world.clock.advance(timedelta(hours=24))
    _turn(world)
    assert _last_sweep(world) > first
    assert _sweeps(world) == [("2026-11-02", True), ("2026-11-03", True)]


def test_a_sweep_by_hand_is_the_day_s_sweep(world: World) -> None:
    world.sweep()
    first = _last_sweep(world)
    world.clock.advance(timedelta(minutes=10))
    _turn(world)
    assert _last_sweep(world) == first


def test_a_sweep_that_was_not_finished_is_done_again(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(0))
    world.people.flush_search()
    world.prepare()
    world.sandbox.faults.add(Fault("503", "POST *portfolios/search", lasts=600))
    _turn(world)
    assert _sweeps(world) == [("2026-11-02", False)]
    assert world.tasks() == []
    world.sandbox.faults.clear()
    world.clock.advance(timedelta(minutes=3))
    _turn(world)
    assert _sweeps(world) == [("2026-11-02", True)]
    assert len(world.tasks()) == 2


def test_a_refused_token_does_not_end_the_worker(make_world: MakeWorld) -> None:
    """Though the alert about it would go the same way, and is refused too."""
    world = make_world(webhooks=False, admin_email="admin@agency.example")
    world.sandbox.portal.app.token = "another"
    _turn(world)
    with world.service.store.read() as connection:
        assert service_state.get(connection, service_state.TOKEN_REFUSED)
    world.sandbox.portal.app.token = world.service.settings.require_token()
    world.people.create_portfolio("Acme", world.day(10))
    world.clock.advance(timedelta(minutes=2))
    _turn(world)
    assert world.kinds() == ["kickoff"]
    with world.service.store.read() as connection:
        assert not service_state.get(connection, service_state.TOKEN_REFUSED)


def test_open_tickets_that_nobody_has_read(world: World) -> None:
    """A ticket that the index showed too late for every poll is found by the next sweep, and once."""
    portfolio = world.people.create_portfolio("far", world.day(200))
    world.prepare()
    late = world.people.create_ticket("Ad 1", "Winter", portfolio)
    closed = world.people.create_ticket("Ad 2", "Winter", portfolio)
    world.people.move_ticket(closed, "Closed")
    with world.service.store.write() as connection:
        service_state.put(connection, service_state.POLLED_TO, world.clock.now() + timedelta(hours=1))
    _sweep(world)
    assert {str(item.record) for item in _due(world)} == {f"ticket {late}"}
    world.sweep()
    assert world.kinds() == ["write_copy", "design_graphics"]
    _sweep(world)
    assert f"ticket {late}" not in {str(item.record) for item in _due(world)}
