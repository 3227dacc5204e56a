"""People edit while the service works: what they say last stands."""

from collections.abc import Callable
from datetime import timedelta

from tests.conftest import MakeWorld
from tests.story.handoffs.steps import AM, approved, begun, of, ready, the, with_tickets
from tests.world import World


def test_a_person_approves_while_the_set_is_being_announced(make_world: MakeWorld) -> None:
    """What was decided on is no longer so: nothing is written, and it is decided anew (docs/process.md W.2)."""
    world = make_world()
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    at_the_step(world, "planned", lambda: world.people.set_status(portfolio, "Creatives Completed & Approved"))
    ready(world, *tickets)
    assert world.status(portfolio) == "Creatives Completed & Approved"
    assert of(world, "share_deliverables") == []
    assert len(of(world, "implement")) == 1
    statuses = [version.value for version in world.people.history("portfolio", portfolio, "creative_refresh_status")]
    assert "Creatives Pending Approval" not in statuses


def test_a_person_moves_the_date_while_the_decline_is_being_carried_out(make_world: MakeWorld) -> None:
    """docs/process.md W.2."""
    world = make_world()
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    at_the_step(world, "planned", lambda: world.people.set_refresh_date(portfolio, world.day(12)))
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2026-12-14"  # a month from where the person had put it


def test_a_person_takes_creatives_implemented_back_while_the_cycle_is_being_closed(make_world: MakeWorld) -> None:
    world = make_world()
    portfolio = approved(world)
    at_the_step(world, "planned", lambda: world.people.set_status(portfolio, "Creatives Pending Approval"))
    world.people.set_status(portfolio, "Creatives Implemented")
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("Creatives Pending Approval", "2026-11-02")
    assert the(world, "implement").open
    assert AM not in world.receivers()[4:]  # nobody is told that anything is live


def at_the_step(world: World, step: str, act: Callable[[], None]) -> None:
    """Somebody does this when the service next comes to that step, once."""

    def failpoint(reached: str) -> None:
        if reached == step:
            world.failpoint = lambda _: None
            world.clock.advance(timedelta(milliseconds=5))
            act()

    world.failpoint = failpoint


def test_what_people_wrote_on_a_task_stays_when_it_is_closed(make_world: MakeWorld) -> None:
    """A line is added at the end of its body, and nothing else is touched (docs/process.md W.3)."""
    world = make_world()
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    task = the(world, "kickoff")
    owner = world.sandbox.process.owners["second_account_manager"]
    written = {
        "hs_task_subject": "Call Acme",
        "hs_task_body": f"<p>Call after ten</p>{task.body}",
        "hubspot_owner_id": owner,
    }
    world.people.edit_task(task.id, **written)
    at_the_step(world, "reread", lambda: world.people.edit_task(task.id, hs_task_body=f"<p>Mine</p>{task.body}"))
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    closed = the(world, "kickoff")
    assert (closed.open, closed.subject, closed.owner, closed.due) == (False, "Call Acme", owner, task.due)
    assert closed.body.startswith(f"<p>Mine</p>{task.body}")
    assert closed.body.count("Closed automatically") == 1


def test_a_person_completes_the_task_that_a_decline_is_about_to_close(make_world: MakeWorld) -> None:
    """It is read before it is closed, and left as it is (docs/process.md W.3)."""
    world = make_world()
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    before = the(world, "kickoff")
    at_the_step(world, "reread", lambda: world.people.complete_task(before.id))
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    after = the(world, "kickoff")
    assert (before.open, after.open) == (True, False)
    assert after.body == before.body
    assert world.date(portfolio) == "2026-12-12"
