"""The sweep alone: what no search and no webhook shows."""

from tests.conftest import MakeWorld


def test_a_ticket_deleted_without_a_webhook_completes_its_set_at_the_next_sweep(make_world: MakeWorld) -> None:
    """The status is empty and the date is far off: nothing but the ledger knows of this portfolio's tickets."""
    world = make_world(webhooks=False)
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(90))
    ready = people.create_ticket("Video", "Spring", portfolio)
    behind = people.create_ticket("Banner", "Spring", portfolio)
    world.work()
    people.move_ticket(ready, "Pending Approval")
    world.minutes(20)
    assert world.kinds(("portfolio", portfolio)).count("share_deliverables") == 0
    people.archive("ticket", behind)
    world.work()
    world.next_day()
    assert world.kinds(("portfolio", portfolio)).count("share_deliverables") == 1
    assert world.status(portfolio) == "Creatives Pending Approval"
