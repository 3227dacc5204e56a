"""Handoff 2b as people live it: the client confirms."""

from tests.story.handoffs.conftest import everything
from tests.world import World


def test_2b_confirmed_is_notation_only(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    before = everything(world)[1:]
    world.people.note("portfolio", portfolio, "<p>Green this time</p>")
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    world.next_day()
    assert everything(world)[1:] == before
    assert world.status(portfolio) == "Refresh Request Submitted"
