"""Handoff 9 as people live it: the AM is told that the new creatives are live."""

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
