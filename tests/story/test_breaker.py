"""No more than a set number of effects an hour without an admin's word; nothing is lost by it (docs/process.md G.9)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from sync.clock import to_ms
from sync.observe import status
from sync.passes import breaker
from sync.passes.breaker import Released
from sync.passes.reconcile import GROUP
from sync.storage import ledger
from sync.storage.tables import effects, occurrences, releases, work_items
from tests.conftest import MakeWorld
from tests.world import World

LIMIT = 10
LIMITED = f"rules: {{effects_per_hour: {LIMIT}}}\n"
ADMIN = "admin@agency.example"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A world that may do ten effects an hour: five kickoffs of a task and an email each."""
    return make_world(mapping=LIMITED, admin_email=ADMIN)


def _due(world: World, count: int, **more: Any) -> list[str]:
    """Portfolios whose kickoff is due: two effects each."""
    return [world.people.create_portfolio(f"Client {n}", world.day(10), **more) for n in range(count)]


def _release(world: World, *, everything: bool = False) -> Released:
    return breaker.release(
        world.service.store, world.clock, "amy", "it is meant", everything=everything, limit=LIMIT
    )  # fmt: skip


def _held(world: World) -> tuple[int, int]:
    """Records and effects that `status` shows as held."""
    with world.service.store.read() as connection:
        holding = status.held(connection)
    return holding.records, holding.effects


def _done(world: World) -> tuple[int, int]:
    return len(world.tasks()), len([to for to, _ in world.emails() if to != ADMIN])


def _told(world: World) -> list[str]:
    return [subject for to, subject in world.emails() if to == ADMIN]


def _count(world: World, table: Any) -> int:
    with world.service.store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_up_to_the_limit_nothing_is_held(world: World) -> None:
    _due(world, 5)
    assert world.work().held == 0
    assert _done(world) == (5, 5)
    assert _told(world) == []


def test_a_group_beyond_the_limit_is_not_begun(world: World) -> None:
    portfolios = _due(world, 6)
    tally = world.work()
    assert (tally.held, tally.tried) == (12, 0)
    assert _done(world) == (0, 0)
    assert _held(world) == (6, 12)
    assert _count(world, occurrences) == 0, "nothing is written down"
    with world.service.store.read() as connection:
        rows = connection.execute(select(work_items.c.id, work_items.c.held_effects)).all()
    assert {(row.id, row.held_effects) for row in rows} == {(portfolio, 2) for portfolio in portfolios}


def test_a_group_larger_than_the_limit_is_held_whole_however_quiet_the_hour(world: World) -> None:
    _due(world, GROUP)
    world.work()
    assert _done(world) == (0, 0)
    assert _held(world) == (GROUP, 2 * GROUP)


def test_groups_are_done_until_the_limit_is_reached(make_world: MakeWorld) -> None:
    world = make_world(mapping=f"rules: {{effects_per_hour: {3 * GROUP}}}\n")
    _due(world, GROUP + 20)
    assert world.work().held == 0
    _due(world, 6)
    assert world.work().held == 12, f"{2 * GROUP + 40} were done, {3 * GROUP - 2 * GROUP - 40} more may be"
    assert len(world.tasks()) == GROUP + 20


def test_what_begins_nothing_is_not_held_with_the_group(world: World) -> None:
    """A record of the group that has nothing new to do is carried through: what it waits for is not forgotten."""
    quiet = world.people.create_portfolio("Quiet", world.day(40))
    world.work()
    _due(world, 6)
    world.people.set_status(quiet, "Refresh Request Submitted")
    world.work()
    assert _held(world) == (6, 12)
    with world.service.store.read() as connection:
        assert connection.scalars(select(occurrences.c.handoff)).all() == ["2b"]


def test_the_admin_is_told_once_an_hour(world: World) -> None:
    _due(world, 6)
    world.work()
    assert _told(world) == ["Creative Refresh handoffs: work is held"]
    (mail,) = world.people.emails()
    assert "12 effects on 6 records are held" in str(mail.properties["body"])
    _due(world, 6)
    world.minutes(20)
    assert len(_told(world)) == 1
    _due(world, 6)
    world.minutes(60)
    assert len(_told(world)) == 2


def test_without_an_admin_or_a_mailer_it_holds_all_the_same(make_world: MakeWorld) -> None:
    world = make_world(mapping=LIMITED, admin_email=ADMIN, email_url=None)
    _due(world, 11)
    assert world.work().held == 11 * 2
    assert world.emails() == []


def test_events_and_sweeps_do_not_let_it_go(world: World) -> None:
    portfolios = _due(world, 6)
    world.work()
    world.people.set_status(portfolios[0], "Refresh Request Submitted")
    world.minutes(1)
    world.sweep()
    world.restart()
    world.work()
    assert _done(world) == (0, 0)
    assert _held(world) == (6, 12)


def test_an_hour_later_it_is_still_held_and_other_work_goes_on(world: World) -> None:
    """The limit is not a rate at which a mistake is carried out: what is held waits for a word."""
    _due(world, 6)
    world.work()
    world.minutes(61)
    assert _held(world) == (6, 12)
    _due(world, 3)
    world.minutes(1)
    assert _done(world) == (3, 3)


def test_what_was_done_counts_for_an_hour(world: World) -> None:
    _due(world, 4)
    world.work()
    _due(world, 2)
    world.minutes(30)
    assert _held(world) == (2, 4)
    _due(world, 1)
    world.minutes(29)
    assert _done(world) == (5, 5)
    _due(world, 3)
    world.minutes(5)
    assert _done(world) == (8, 8), "the first four are more than an hour old"


def test_release_lets_go_as_much_as_it_permits(world: World) -> None:
    """docs/process.md G.10."""
    _due(world, 24)
    world.work()
    assert _held(world) == (24, 48)
    done = _release(world)
    assert (done.permitted, done.records, done.effects) == (LIMIT, 10, 20), "the hour's own ten, and ten more"
    assert (done.records_kept, done.effects_kept) == (14, 28)
    world.work()
    assert _done(world) == (10, 10)
    assert _held(world) == (14, 28)
    _release(world)
    world.work()
    assert _done(world) == (15, 15)
    _release(world, everything=True)
    world.work()
    assert _done(world) == (24, 24)
    assert _held(world) == (0, 0)


def test_release_is_kept_with_who_and_why(world: World) -> None:
    _due(world, 6)
    world.work()
    _release(world)
    with world.service.store.read() as connection:
        (row,) = connection.execute(select(releases)).all()
    assert (row.at, row.actor, row.reason, row.effects) == (to_ms(world.clock.now()), "amy", "it is meant", LIMIT)


def test_release_all_permits_all_that_is_held_now_and_no_more(world: World) -> None:
    """docs/process.md G.10."""
    _due(world, 30)
    world.work()
    done = _release(world, everything=True)
    assert (done.permitted, done.effects, done.effects_kept) == (60, 60, 0)
    world.work()
    assert _done(world) == (30, 30)
    _due(world, 6)
    world.minutes(5)
    assert _held(world) == (6, 12), "the hour's own ten are left, and these are twelve"


def test_release_permits_for_an_hour(world: World) -> None:
    _release(world)
    world.clock.advance(timedelta(minutes=61))
    _due(world, 6)
    world.work()
    assert _held(world) == (6, 12)


def test_a_word_that_has_expired_does_not_use_up_the_next(world: World) -> None:
    """What it had let go was done late in its hour: it still counts when the word itself does no more."""
    _due(world, 30)
    world.work()
    _release(world, everything=True)
    world.clock.advance(timedelta(minutes=55))
    world.work()
    _due(world, 6)
    world.minutes(10)
    assert _held(world) == (6, 12)
    done = _release(world, everything=True)
    assert done.effects_kept == 0
    world.work()
    assert _done(world) == (36, 36)


def test_what_is_released_is_decided_anew(world: World) -> None:
    """While it was held the client was asked already, and one date was moved."""
    portfolios = _due(world, 6)
    world.work()
    world.people.set_status(portfolios[0], "Refresh Request Submitted")
    world.people.set_refresh_date(portfolios[1], world.day(60))
    world.minutes(1)
    _release(world, everything=True)
    world.work()
    assert _done(world) == (4, 4)
    assert _held(world) == (0, 0)


def test_a_record_that_cannot_be_let_go_alone_stays_visible(make_world: MakeWorld) -> None:
    world = make_world(mapping="rules: {effects_per_hour: 1}\n")
    world.people.create_portfolio("Acme", world.day(0))
    world.work()
    assert _held(world) == (1, 4)
    done = breaker.release(world.service.store, world.clock, "amy", "why", everything=False, limit=1)
    assert (done.records, done.records_kept, done.effects_kept) == (0, 1, 4)
    breaker.release(world.service.store, world.clock, "amy", "why", everything=True, limit=1)
    world.work()
    assert _held(world) == (0, 0)
    assert len(world.tasks()) == 2


def test_nothing_held_is_nothing_to_let_go(world: World) -> None:
    done = _release(world)
    assert (done.records, done.records_kept) == (0, 0)


def test_a_limit_is_a_limit_for_what_follows_too(make_world: MakeWorld) -> None:
    """A decline with a short cadence begins the next cycle in the same pass: that is weighed as well."""
    world = make_world(mapping="rules: {effects_per_hour: 4}\n")
    acme = world.people.create_portfolio("Acme", world.day(1), cadence="Weekly")
    world.work()
    world.people.set_status(acme, "No Refresh Requested")
    world.minutes(1)
    assert world.date(acme) == world.day(8).isoformat()
    assert world.kinds() == ["kickoff"], "write, closing; the next kickoff would be the fifth to seventh effect"
    assert _held(world) == (1, 3)
    breaker.release(world.service.store, world.clock, "amy", "why", everything=True, limit=4)
    world.work()
    assert world.kinds() == ["kickoff", "kickoff"]
    assert world.receivers() == ["account_manager"] * 2


def test_blocked_and_repeated_effects_use_nothing_up(make_world: MakeWorld) -> None:
    world = make_world(mapping="rules: {effects_per_hour: 2}\n", email_url=None)
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    assert _states(world) == ["blocked", "done"]
    for _ in range(4):
        world.minutes(61)
    with world.service.store.read() as connection:
        assert ledger.attempted_since(connection, world.clock.now() - timedelta(days=1)) == 1


def _states(world: World) -> Sequence[str]:
    with world.service.store.read() as connection:
        return sorted(connection.scalars(select(effects.c.state)).all())
