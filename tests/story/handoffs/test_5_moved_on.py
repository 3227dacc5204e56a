"""Handoff 5 as people live it, where approved tickets are moved by the service: `rules.advance_approved_tickets`."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from sync.admin.adopt import apply
from sync.admin.plan import make
from sync.admin.verify import FAULTS, verify
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import begun, in_review, of, ready, with_tickets
from tests.story.handoffs.test_edits import at_the_step
from tests.terminal import Terminal
from tests.world import World

SWITCHED_ON = "rules: {advance_approved_tickets: true}"
BOTH = {"copy_approval": "Approved", "graphic_approval": "Approved"}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(mapping=SWITCHED_ON)


def at_work(world: World) -> tuple[str, str]:
    """One ticket of an Ad Set is ready, the other In Progress: the portfolio and that one."""
    portfolio = begun(world)
    ticket, other = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.people.move_ticket(ticket, "In Progress")
    ready(world, other)
    world.minutes(5)
    return portfolio, ticket


def stage(world: World, ticket: str) -> str:
    """The label of the stage that the ticket is in."""
    at = world.people.ticket(ticket)["hs_pipeline_stage"]
    return next(label for label in ("In Progress", "Pending Approval") if world.people.process.stage(label) == at)


def approve(world: World, ticket: str, values: Mapping[str, str] = BOTH) -> None:
    world.people.set("ticket", ticket, values)
    world.work()


def test_5_an_approved_ticket_is_moved_and_its_set_announced(world: World) -> None:
    portfolio, ticket = at_work(world)
    approve(world, ticket, {"copy_approval": "Approved"})
    assert stage(world, ticket) == "In Progress"
    approve(world, ticket, {"graphic_approval": "Approved"})
    assert stage(world, ticket) == "Pending Approval"
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert len(of(world, "share_deliverables")) == 1
    world.sweep()
    world.next_day()
    assert len(of(world, "share_deliverables")) == 1
    assert [finding for finding in verify(world.service.reading).findings if finding.sort in FAULTS] == []


@pytest.mark.parametrize("lost", [False, True], ids=["", "the database is lost"])
def test_5_who_moves_it_back_is_not_overruled(world: World, lost: bool) -> None:
    _portfolio, ticket = at_work(world)
    approve(world, ticket)
    world.minutes(10)
    world.people.move_ticket(ticket, "In Progress")
    world.work()
    if lost:
        world.minutes(30)
        world.restart(lose_database=True)
    world.sweep()
    world.next_day()
    assert stage(world, ticket) == "In Progress"
    approve(world, ticket, {"copy_approval": ""})
    approve(world, ticket)
    assert stage(world, ticket) == "Pending Approval"


def test_5_a_revision_goes_round_without_a_hand_on_the_stage(world: World) -> None:
    """The article's loop: the team sets its approval straight to Approved; the rest follows."""
    _portfolio, (ticket, _other) = in_review(world)
    approve(world, ticket)
    for number in (1, 2):
        world.minutes(30)
        world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
        world.work()
        assert (stage(world, ticket), world.people.ticket(ticket)["copy_approval"]) == ("In Progress", "")
        world.minutes(30)
        approve(world, ticket, {"copy_approval": "Approved"})
        assert (stage(world, ticket), world.people.ticket(ticket)["needs_revisions"]) == ("Pending Approval", "")
        assert len(of(world, "share_deliverables")) == 1 + number


def test_5_an_approval_taken_back_meanwhile_moves_nothing(world: World) -> None:
    """docs/process.md W.2."""
    _portfolio, ticket = at_work(world)
    world.people.set("ticket", ticket, BOTH)
    at_the_step(world, "planned", lambda: world.people.set("ticket", ticket, {"copy_approval": ""}))
    world.work()
    assert stage(world, ticket) == "In Progress"


def test_5_installing_it_in_mid_flight_moves_nothing(make_world: MakeWorld) -> None:
    """docs/process.md G.4."""
    world = make_world(mapping=SWITCHED_ON)
    with world.sandbox.portal.as_of(world.clock.now() - timedelta(days=3)):
        portfolio = world.people.create_portfolio("Acme", world.day(5), link="https://lab.example/acme")
        ticket = world.people.create_ticket("Ad 1", "Winter", portfolio)
        world.people.set_status(portfolio, "Deliverables Submitted")
    with world.sandbox.portal.as_of(world.clock.now() - timedelta(days=2)):
        world.people.move_ticket(ticket, "In Progress")
        world.people.set("ticket", ticket, BOTH)
    world.people.flush_search()
    apply(world.service)
    world.sweep()
    assert stage(world, ticket) == "In Progress"


def test_5_a_plan_sees_what_the_move_completes(world: World) -> None:
    _portfolio, ticket = at_work(world)
    world.people.set("ticket", ticket, BOTH)
    world.people.flush_search()
    planned = [step.key.partition("/")[2] for step in make(world.service.reading).due]
    assert planned[0] == planned[1] == "write"  # the stage, and then the status
    assert "task:share_deliverables" in planned
    world.work()
    assert stage(world, ticket) == "Pending Approval"


def test_5_without_the_switch_it_is_said_that_it_only_has_to_be_moved(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/process.md 5.24."""
    world = make_world()
    portfolio, ticket = at_work(world)
    approve(world, ticket)
    world.next_day()
    assert stage(world, ticket) == "In Progress"
    found = Terminal(world, monkeypatch).json("explain", portfolio)
    (ad_set,) = found["ad_sets"]
    lacks = {one["record"]["id"]: one["lacks"] for one in ad_set["tickets"]}
    assert lacks[ticket] == ["both approvals are “Approved”: it only has to be moved to “Pending Approval”"]
    assert "both approvals are “Approved”: it only has to be moved to “Pending Approval”" in str(found["handoffs"])
    assert "“Pending Approval”: both approvals are “Approved”" in str(found["waits_for"])
