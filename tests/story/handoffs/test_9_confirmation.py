"""Handoff 9 as people live it: the AM is told that the new creatives are live."""

from tests.story.handoffs.steps import in_review, the
from tests.world import World


def test_9_a_missing_account_manager_blocks_the_email_not_the_reset(world: World) -> None:
    portfolio = world.people.create_portfolio(
        "Acme", world.day(-1), status="Deliverables Submitted", account_manager=None
    )
    world.work()
    world.people.set_status(portfolio, "Creatives Implemented")
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-01")
    assert world.emails() == []
    world.minutes(5)
    world.people.set("portfolio", portfolio, {"account_manager": world.people.owner("second_account_manager")})
    world.work()
    assert [mail.to for mail in world.people.emails()] == ["arthur.mills@agency.example"]


def test_9_the_email_names_what_is_live_so_that_the_client_can_be_told(world: World) -> None:
    """docs/process.md 9.7: also what left Pending Approval in the moment in which the cycle was closed."""
    portfolio, (first, _) = in_review(world)
    world.people.create_ticket("Ad 3", "Winter", portfolio)
    world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    world.minutes(5)
    world.people.move_ticket(first, "Closed")
    world.people.complete_task(the(world, "implement").id)
    world.work()
    body = world.people.emails()[-1].properties["body"]
    live, _, rest = body.partition("Not finished")
    assert [name for name in ("Ad 1", "Ad 2", "Ad 3") if name in live] == ["Ad 1", "Ad 2"]
    assert "Ad 3" in rest
    assert "Most Recent Ad Lab Link (last changed on " in rest
    assert "): https://lab.example/acme" in rest
