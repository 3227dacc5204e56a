"""Handoff 7 as people live it: the client approves."""

from tests.story.handoffs.steps import SAS, approved, due, in_review, of, the
from tests.world import World


def test_7_approved_goes_to_the_social_ad_specialist(world: World) -> None:
    portfolio = approved(world)
    task = the(world, "implement")
    assert task.subject == "Implement New Creatives for Refresh"
    assert task.owner == world.people.owner(SAS)
    assert task.associations == {"portfolio": (portfolio,)}
    assert due(task) == "2026-11-04 17:00"
    assert "https://lab.example/acme" in task.body
    assert world.emails()[-1] == (SAS, "Client approved: please implement the new creatives of Acme")
    assert world.status(portfolio) == "Creatives Completed & Approved"


def test_7_what_is_not_in_pending_approval_is_named_apart(world: World) -> None:
    portfolio, _ = in_review(world)
    world.people.create_ticket("Ad 3", "Winter", portfolio)
    world.work()
    world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    ready, _, unfinished = the(world, "implement").body.partition("Not finished")
    assert [name for name in ("Ad 1", "Ad 2", "Ad 3") if name in ready] == ["Ad 1", "Ad 2"]
    assert [name for name in ("Ad 1", "Ad 2", "Ad 3") if name in unfinished] == ["Ad 3"]


def test_7_set_again_while_the_task_is_open(world: World) -> None:
    portfolio = approved(world)
    for status in ("Creatives Pending Approval", "Creatives Completed & Approved"):
        world.minutes(5)
        world.people.set_status(portfolio, status)
        world.work()
    assert len(of(world, "implement")) == 1
    assert [s for _, s in world.emails() if s.startswith("Client approved")] == [world.emails()[-1][1]]
