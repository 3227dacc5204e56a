"""Handoff 4 as people live it: tickets are created."""

from datetime import timedelta

from mappings.richtext import plain_text
from tests.conftest import MakeWorld
from tests.story.handoffs.conftest import everything
from tests.story.handoffs.steps import AM, COPYWRITER, DESIGNER, begun, due, of, the, with_tickets
from tests.world import World


def test_4_a_ticket_brings_a_task_for_copywriter_and_designer(world: World) -> None:
    portfolio = begun(world)
    (ticket,) = with_tickets(world, portfolio, 1)
    copy, design = the(world, "write_copy"), the(world, "design_graphics")
    assert (copy.subject, design.subject) == ("Write Copy: Ad 1", "Design Graphics: Ad 1")
    assert (copy.owner, design.owner) == (world.people.owner(COPYWRITER), world.people.owner(DESIGNER))
    for task in (copy, design):
        assert task.associations == {"portfolio": (portfolio,), "ticket": (ticket,)}
        assert due(task) == "2026-11-05 17:00"
        assert "Deliverable folder: Winter" in task.body
    before = everything(world)[1:]
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    assert everything(world)[1:] == before  # notation only
    assert world.status(portfolio) == "Deliverables Submitted"


def test_4_both_tasks_quote_what_was_noted_on_the_portfolio(world: World) -> None:
    """docs/process.md 4.14."""
    portfolio = begun(world)
    world.people.note("portfolio", portfolio, "Shorter headlines", by=world.people.owner(AM))
    with_tickets(world, portfolio, 1)
    for kind in ("write_copy", "design_graphics"):
        told = plain_text(the(world, kind).body)
        assert (
            "Amelia Marsh (Account Manager), Mon 2 Nov 2026, 09:00:\nShorter headlines\nOpen the Note (https://" in told
        )


def test_4_the_association_is_made_later(world: World) -> None:
    portfolio = begun(world)
    ticket = world.people.create_ticket("Ad", "Winter")
    world.work()
    assert of(world, "write_copy") == []
    world.clock.advance(timedelta(minutes=2))
    world.people.associate("ticket", ticket, "portfolio", portfolio)
    world.minutes(5)
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]
    assert the(world, "write_copy").associations["portfolio"] == (portfolio,)


def test_4_a_ticket_moved_into_the_pipeline(world: World) -> None:
    portfolio = begun(world)
    ticket = world.people.create_ticket("Ad", "Winter", portfolio, stage="1", hs_pipeline="0")
    world.work()
    assert of(world, "write_copy") == []
    world.minutes(5)
    world.people.move_ticket(ticket, "New")
    world.work()
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]


def test_4_on_two_portfolios_it_counts_for_the_primary_one(world: World) -> None:
    """docs/process.md 4.10."""
    first, second = begun(world), begun(world)
    ticket = world.people.create_ticket("Ad", "Winter", [first])
    world.people.associate("ticket", ticket, "portfolio", second, label="Primary")
    world.work()
    assert the(world, "write_copy").associations["portfolio"] == (second,)
    both = world.people.create_ticket("Ad 2", "Winter", [second, first])
    world.work()
    assert {task.associations["portfolio"] for task in world.tasks(("ticket", both))} == {(first,)}


def test_4_a_deactivated_designer_blocks_only_that_role(world: World) -> None:
    portfolio = begun(world)
    world.people.deactivate_owner(world.people.owner(DESIGNER))
    world.minutes(11)  # owners are read every ten minutes
    (ticket,) = with_tickets(world, portfolio, 1)
    assert world.kinds(("ticket", ticket)) == ["write_copy"]
    world.next_day(2)
    assert world.kinds(("ticket", ticket)) == ["write_copy"]
    world.people.reactivate_owner(world.people.owner(DESIGNER))
    world.next_day()
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]
    assert the(world, "design_graphics").owner == world.people.owner(DESIGNER)


def test_4_a_fallback_of_the_mapping_stands_in(make_world: MakeWorld) -> None:
    mapping = "roles: {copywriter: {fallback_owner: cody.wright@agency.example}}"
    world = make_world(mapping=mapping)
    portfolio = begun(world, copywriter=world.people.owner("deactivated"))
    with_tickets(world, portfolio, 1)
    assert the(world, "write_copy").owner == world.people.owner(COPYWRITER)


def test_4_the_tickets_own_people_win(world: World) -> None:
    portfolio = begun(world)
    world.people.create_ticket("Ad", "Winter", portfolio, graphic_designer=world.people.owner("second_designer"))
    world.work()
    assert the(world, "design_graphics").owner == world.people.owner("second_designer")
    assert the(world, "write_copy").owner == world.people.owner(COPYWRITER)
