"""An association that shows in one direction only (docs/hubspot.md 5.4): no ticket is passed over for it."""

from datetime import timedelta

import pytest

from sync.admin.verify import FAULTS, Sort, verify
from sync.sandbox import Quirks
from sync.storage import faulty_records, work_queue
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import begun, of, ready, with_tickets
from tests.story.one_cycle import PAST
from tests.story.test_incomplete_answers import PARENTS, lacks, whole_again
from tests.world import World


@pytest.fixture(params=[True, False], ids=["webhooks", "polls"])
def world(request: pytest.FixtureRequest, make_world: MakeWorld) -> World:
    return make_world(webhooks=request.param, go_live=PAST)


def submitted(world: World) -> tuple[str, list[str]]:
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    return portfolio, tickets


def unlist(world: World, portfolio: str, ticket: str) -> None:
    """The portfolio's own list has the ticket no more; the ticket's has the portfolio."""
    portal = world.sandbox.portal
    kind = world.sandbox.process.names.object_type_id
    portal.unlist(kind, int(portfolio), portal.type("ticket").id, int(ticket))


def goes_on_well(world: World, portfolio: str, one: str, other: str) -> None:
    """The set waits for the ticket that its portfolio does not list, and is announced once, with both."""
    ready(world, one)
    for _ in range(12):
        world.minutes(5)
    world.next_day()
    assert world.status(portfolio) == "Deliverables Submitted"
    assert of(world, "share_deliverables") == []
    ready(world, other)
    world.next_day()
    assert world.status(portfolio) == "Creatives Pending Approval"
    (task,) = of(world, "share_deliverables")
    assert "Ad 1" in task.body
    assert "Ad 2" in task.body
    assert [finding for finding in verify(world.service.reading).findings if finding.sort in FAULTS] == []


def test_a_ticket_that_its_portfolio_lists_no_more(world: World) -> None:
    portfolio, (one, other) = submitted(world)
    unlist(world, portfolio, other)
    goes_on_well(world, portfolio, one, other)


def test_a_ticket_that_its_portfolio_has_never_listed(world: World) -> None:
    portfolio = begun(world)
    (one,) = with_tickets(world, portfolio, 1)
    other = world.people.create_ticket("Ad 2", "Winter", portfolio)
    unlist(world, portfolio, other)
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    assert len(of(world, "write_copy")) == 2
    goes_on_well(world, portfolio, one, other)


def test_a_lost_database_finds_it_too(world: World) -> None:
    portfolio, (one, other) = submitted(world)
    unlist(world, portfolio, other)
    world.restart(lose_database=True)
    world.clock.advance(timedelta(hours=2))
    world.sweep()
    goes_on_well(world, portfolio, one, other)


def test_nobody_asks_again_and_again_where_it_has_gone(world: World) -> None:
    portfolio, (_, other) = submitted(world)
    world.minutes(5)
    unlist(world, portfolio, other)
    world.people.set("portfolio", portfolio, {"name": "Acme Ltd."})
    world.minutes(5)
    with world.service.store.read() as connection:
        assert work_queue.due_by_origin(connection, "moved", world.clock.now() + timedelta(days=1)) == []


def test_one_that_was_moved_is_of_the_other_portfolio(world: World) -> None:
    """What its old portfolio's list has lost it has lost: a ticket's own list says where it is."""
    portfolio, (one, other) = submitted(world)
    elsewhere = world.people.create_portfolio("Bravo", world.day(40))
    world.people.dissociate("ticket", other, "portfolio", portfolio)
    world.people.associate("ticket", other, "portfolio", elsewhere)
    world.work()
    ready(world, one)
    assert world.status(portfolio) == "Creatives Pending Approval"


def test_while_nobody_can_tell_where_it_is_its_set_waits(world: World) -> None:
    """The portfolio's list has it no more, and its own cannot be read."""
    portfolio, (one, other) = submitted(world)
    unlist(world, portfolio, other)
    lacks(world, "no-list", PARENTS, other)
    ready(world, one)
    world.minutes(5)
    assert of(world, "share_deliverables") == []
    ready(world, other)
    assert of(world, "share_deliverables") == []
    whole_again(world)
    world.next_day()
    (task,) = of(world, "share_deliverables")
    assert "Ad 2" in task.body


@pytest.mark.parametrize("told", ["207", "200", "left out"])
@pytest.mark.parametrize("none", ["problem", "empty list"])
def test_a_ticket_that_was_deleted_holds_up_nothing(make_world: MakeWorld, told: str, none: str) -> None:
    """However the portal tells of a list of associations that there is none of, or that nobody knows the record."""
    world = make_world(quirks=Quirks(batch_read_problems=told, no_associations=none), go_live=PAST)  # type: ignore[arg-type]
    portfolio, (one, other) = submitted(world)
    ready(world, one)
    world.people.archive("ticket", other)
    for _ in range(12):
        world.minutes(5)
    assert world.status(portfolio) == "Creatives Pending Approval"
    with world.service.store.read() as connection:
        assert faulty_records.find(connection) == []
    report = verify(world.service.reading)
    assert [found.cause for found in report.of(*FAULTS, Sort.NOT_READ)] == []
