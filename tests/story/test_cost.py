"""What work costs in calls to the CRM, on a small scale; the figures themselves are the bench's (`python -m tests.bench`)."""

from datetime import timedelta

from sync.crm import Kind, RecordRef
from sync.sandbox.faults import Fault
from sync.storage import work_queue
from tests.bench import scenes
from tests.bench.figures import table
from tests.conftest import MakeWorld


def test_the_bench_plays_what_it_counts() -> None:
    """Each scene checks that what it has counted was really done."""
    figures = [scenes.kickoffs(4), scenes.nothing_due(4), scenes.whole_cycle(1, 2)]
    assert all(one.bound is not None and one.bound < one.ours for one in figures)
    assert "| a whole cycle of 1 portfolios × 2 tickets, polls alone |" in table(figures)


def test_many_new_tickets_of_one_portfolio_are_one_look(make_world: MakeWorld) -> None:
    world = make_world(webhooks=False)
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    world.work()
    for number in range(60):
        world.people.create_ticket(f"Ad {number}", "Winter", portfolio)
    world.clock.advance(timedelta(minutes=30))
    mark = world.sandbox.log.mark()
    world.work()
    read = [call for call in world.sandbox.log.since(mark) if call.endpoint.endswith("tickets/batch/read")]
    assert sum(call.inputs for call in read if "associations" not in call.endpoint) == 60
    assert len(world.kinds()) == 120


def test_a_ticket_of_which_nobody_can_tell_where_it_is_holds_up_no_other(make_world: MakeWorld) -> None:
    world = make_world(webhooks=False)
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    world.work()
    spoilt, *others = [world.people.create_ticket(f"Ad {n}", "Winter", portfolio) for n in range(8)]
    world.sandbox.faults.add(Fault("500", "POST */associations/*/tickets/creative_portfolios/*", holds=spoilt))
    world.clock.advance(timedelta(minutes=30))
    world.work()
    assert [world.kinds(("ticket", other)) for other in others] == [["write_copy", "design_graphics"]] * 7
    with world.service.store.read() as connection:
        (kept,) = work_queue.find(connection, [RecordRef(Kind.TICKET, spoilt)]).values()
    assert kept.attempts, "it backs off alone"
    world.sandbox.faults.clear()
    world.minutes(30)
    assert world.kinds(("ticket", spoilt)) == ["write_copy", "design_graphics"]
