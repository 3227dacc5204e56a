"""Handoff 6 as people live it: the client wants revisions."""

from datetime import timedelta

import pytest

from tests.conftest import MakeWorld
from tests.story.handoffs.steps import AM, COPYWRITER, DESIGNER, due, in_review, of, ready, the
from tests.world import World


def test_6_a_revision_goes_back_to_the_creative_team(world: World) -> None:
    portfolio, (ticket, _other) = in_review(world)
    approvals = {"copy_approval": "Approved", "graphic_approval": "Approved"}
    world.people.set("ticket", ticket, approvals)
    world.people.request_revisions(ticket, "Graphic Revisions Only", note="<p>Warmer colours, please</p>")
    world.work()
    seen = world.people.ticket(ticket)
    assert seen["hs_pipeline_stage"] == world.people.process.stage("In Progress")
    assert (seen["copy_approval"], seen["graphic_approval"]) == ("Approved", "")
    assert seen["needs_revisions"] == "Graphic Revisions Only"
    task = the(world, "revise_graphics")
    assert task.subject == "Revise Graphics: Ad 1"
    assert task.owner == world.people.owner(DESIGNER)
    assert task.associations == {"portfolio": (portfolio,), "ticket": (ticket,)}
    assert due(task) == "2026-11-04 17:00"
    assert "Warmer colours, please" in task.body
    assert "This is round 1 of the changes to its graphics." in task.body
    assert of(world, "revise_copy") == []
    assert world.status(portfolio) == "Creatives Pending Approval"


def test_6_the_loop_repeats_until_the_client_signs_off(world: World) -> None:
    portfolio, (ticket, _other) = in_review(world)
    for rounds in (1, 2, 3):
        world.people.request_revisions(ticket, "Copy and Graphic Revisions", note="Warmer, please")
        world.work()
        assert len(of(world, "revise_copy")) == len(of(world, "revise_graphics")) == rounds
        world.minutes(30)
        for kind in ("revise_copy", "revise_graphics"):
            world.people.complete_task(of(world, kind)[-1].id)
        world.people.set("ticket", ticket, {"copy_approval": "Approved", "graphic_approval": "Approved"})
        ready(world, ticket)
        assert world.people.ticket(ticket)["needs_revisions"] == ""
        assert len(of(world, "share_deliverables")) == 1 + rounds
        world.minutes(30)
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert [role for role, subject in world.emails() if subject.startswith("Ready for client review")] == [AM] * 4


@pytest.mark.parametrize("delivered", [("approve", "move"), ("approve",), ("move",)], ids=" and ".join)
def test_6_nobody_ticks_a_task_and_each_round_is_a_round(world: World, delivered: tuple[str, ...]) -> None:
    """The article has the team set its approval to Approved, and move the ticket: a task is ticked by nobody."""
    _portfolio, (ticket, _other) = in_review(world)
    for number in (1, 2, 3, 4):
        world.minutes(30)
        world.people.request_revisions(ticket, "Copy Revisions Only", note=f"<p>Change number {number}</p>")
        world.work()
        tasks = of(world, "revise_copy", ("ticket", ticket))
        assert len(tasks) == number
        assert [task.status for task in tasks] == ["COMPLETED"] * (number - 1) + ["NOT_STARTED"]
        assert all("a new round of revisions was asked for on" in task.body for task in tasks[:-1])
        assert [f"Change number {n}" in tasks[-1].body for n in (1, 2, 3, 4)] == [n == number for n in (1, 2, 3, 4)]
        assert tasks[-1].subject == "Revise Copy: Ad 1" + (f" (round {number})" if number > 1 else "")
        seen = world.people.ticket(ticket)
        assert seen["hs_pipeline_stage"] == world.people.process.stage("In Progress")
        assert seen["copy_approval"] == ""
        world.minutes(30)
        if "approve" in delivered:
            world.people.set("ticket", ticket, {"copy_approval": "Approved"})
        if "move" in delivered:
            ready(world, ticket)
        else:  # Needs Revisions is not emptied, and the same value once more is no version
            world.people.set("ticket", ticket, {"needs_revisions": ""})


def test_6_copy_and_then_graphics_are_rounds_of_two_people(world: World) -> None:
    _portfolio, (ticket, _other) = in_review(world)
    for value in ("Copy Revisions Only", "Graphic Revisions Only", "Copy and Graphic Revisions"):
        world.minutes(30)
        world.people.request_revisions(ticket, value, note="Warmer, please")
        world.work()
        world.minutes(30)
        world.people.set("ticket", ticket, {"copy_approval": "Approved", "graphic_approval": "Approved"})
        ready(world, ticket)
    for kind in ("revise_copy", "revise_graphics"):
        assert [task.status for task in of(world, kind)] == ["COMPLETED", "NOT_STARTED"]


def test_6_the_task_of_the_round_before_is_closed_once_the_new_one_is_there(world: World) -> None:
    """Nobody is left without a task: the new one waits for a Copywriter (docs/process.md 6.17)."""
    portfolio, (ticket, _other) = in_review(world)
    world.minutes(30)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.work()
    world.minutes(30)
    ready(world, ticket)
    copywriter = world.people.owner(COPYWRITER)
    world.people.set("portfolio", portfolio, {"copywriter": ""})
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.work()
    assert [task.status for task in of(world, "revise_copy")] == ["NOT_STARTED"]
    world.minutes(5)
    world.people.set("portfolio", portfolio, {"copywriter": copywriter})
    world.work()
    assert [task.status for task in of(world, "revise_copy")] == ["COMPLETED", "NOT_STARTED"]


def test_6_a_note_that_comes_ten_seconds_after_the_field_reaches_the_task(world: World) -> None:
    _portfolio, (ticket, _other) = in_review(world)
    world.minutes(30)
    world.people.request_revisions(ticket, "Copy Revisions Only")
    world.work()
    assert of(world, "revise_copy") == []
    assert world.people.ticket(ticket)["hs_pipeline_stage"] == world.people.process.stage("In Progress")
    world.clock.advance(timedelta(seconds=10))
    world.people.note("ticket", ticket, "<p>Only the headline</p>")
    world.minutes(3)
    world.work()
    assert "Only the headline" in the(world, "revise_copy").body


def test_6_without_any_note_the_task_says_so_after_three_minutes(world: World) -> None:
    _portfolio, (ticket, _other) = in_review(world)
    world.minutes(30)
    world.people.request_revisions(ticket, "Copy Revisions Only")
    world.work()
    world.minutes(3)
    world.work()
    assert "No Note was left on the ticket since" in the(world, "revise_copy").body


def test_6_a_late_note_is_added_to_the_task_and_nothing_that_people_wrote_is_lost(world: World) -> None:
    _portfolio, (ticket, _other) = in_review(world)
    world.minutes(30)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="<p>Warmer</p>")
    world.work()
    task = the(world, "revise_copy")
    world.people.set("task", task.id, {"hs_task_body": task.body + "<p>I begin tomorrow.</p>"})
    world.people.note("ticket", ticket, "<p>And shorter</p>")
    world.minutes(3)
    world.work()
    body = the(world, "revise_copy").body
    assert body.startswith(task.body + "<p>I begin tomorrow.</p>")
    assert "a Note that was left on the ticket after this task was made" in body
    assert (body.count("Warmer"), body.count("And shorter")) == (1, 1)
    world.minutes(10)
    world.people.request_revisions(ticket, "Copy and Graphic Revisions", note="<p>No red</p>")
    world.work()
    body = the(world, "revise_copy").body
    assert [body.count(said) for said in ("Warmer", "And shorter", "No red")] == [1, 1, 1]


def test_6_a_round_that_widens_adds_the_missing_role(world: World) -> None:
    _portfolio, (ticket, _other) = in_review(world)
    world.minutes(5)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.work()
    world.minutes(5)
    world.people.set("ticket", ticket, {"copy_approval": "Team Lead QA", "graphic_approval": "Approved"})
    world.people.request_revisions(ticket, "Copy and Graphic Revisions", note="Warmer, please")
    world.work()
    assert world.kinds(("ticket", ticket))[-2:] == ["revise_copy", "revise_graphics"]
    seen = world.people.ticket(ticket)
    assert (seen["copy_approval"], seen["graphic_approval"]) == ("Team Lead QA", "")


def test_6_a_value_overwritten_before_it_was_seen_still_counts(world: World) -> None:
    _portfolio, (ticket, _other) = in_review(world)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.clock.advance(timedelta(seconds=30))
    world.people.set("ticket", ticket, {"copy_approval": "Approved", "graphic_approval": "Approved"})
    world.people.request_revisions(ticket, "Graphic Revisions Only", note="Warmer, please")
    world.work()
    assert world.kinds(("ticket", ticket))[-2:] == ["revise_copy", "revise_graphics"]
    names = ("hs_pipeline_stage", "copy_approval", "graphic_approval")
    written = {name: world.people.history("ticket", ticket, name)[0] for name in names}
    assert {version.source_type for version in written.values()} == {"INTEGRATION"}
    assert len({version.at for version in written.values()}) == 1  # one write


def test_6_a_closed_ticket_is_reopened(world: World) -> None:
    _portfolio, (ticket, _other) = in_review(world)
    world.people.move_ticket(ticket, "Closed")
    world.work()
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.work()
    assert world.people.ticket(ticket)["hs_pipeline_stage"] == world.people.process.stage("In Progress")
    assert len(of(world, "revise_copy")) == 1


def test_6_a_ticket_without_a_portfolio_uses_its_own_owners(world: World) -> None:
    designer = world.people.owner("second_designer")
    ticket = world.people.create_ticket("Loose", "Winter", graphic_designer=designer)
    world.work()
    world.minutes(5)
    world.people.request_revisions(ticket, "Graphic Revisions Only", note="Warmer, please")
    world.work()
    task = the(world, "revise_graphics")
    assert (task.owner, task.associations) == (designer, {"ticket": (ticket,)})
    assert world.people.ticket(ticket)["hs_pipeline_stage"] == world.people.process.stage("In Progress")


def test_6_a_task_that_a_decline_and_a_new_round_close_at_once_says_both(make_world: MakeWorld) -> None:
    """One update, not two of which the second forgets what the first has added (docs/process.md 2a.7, 6.17)."""
    world = make_world()
    portfolio, (ticket, _other) = in_review(world)
    world.minutes(30)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.work()
    world.minutes(30)
    world.people.set("ticket", ticket, {"copy_approval": "Approved"})
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.clock.advance(timedelta(minutes=4))
    world.people.set("ticket", ticket, {"needs_revisions": ""})
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Cooler, after all")
    world.work()
    first, second = of(world, "revise_copy", ("ticket", ticket))
    assert (first.open, second.open) == (False, True)
    assert first.body.count("a new round of revisions was asked for on") == 1
    assert first.body.count("the client declined: ") == 1
