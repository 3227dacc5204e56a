"""`task.key_carrier: body`: a task is known by the mark at the end of its body (docs/process.md K.1 and after)."""

from collections.abc import Callable
from typing import Any

import pytest

from sync.passes import recovery
from sync.rules.task_marks import mark_of, marks_in
from sync.sandbox.faults import Fault
from sync.sandbox.quirks import Quirks
from tests.conftest import MakeWorld
from tests.story.copies import in_copy
from tests.story.one_cycle import BODY, PAST, STAGES, Story, lost, reach, seen
from tests.world import World

CREATE = "POST */tasks/batch/create"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A portal that takes no property of tasks."""
    return make_world(mapping=BODY, with_task_property=False, go_live=PAST)


def body_of(world: World, task: str) -> str:
    return world.people.task(task).body


# The cycle


@pytest.mark.parametrize("quirks", [{}, {"search_by_source": False}, {"task_properties": "refused"}], ids=str)
def test_the_whole_cycle_needs_no_property(make_world: MakeWorld, quirks: dict[str, Any]) -> None:
    undisturbed = make_world(go_live=PAST)
    reach(undisturbed, STAGES[-1])
    world = make_world(mapping=BODY, with_task_property=False, go_live=PAST, quirks=Quirks(**quirks))
    reach(world, STAGES[-1])
    assert world.kinds() == undisturbed.kinds()
    assert world.emails() == undisturbed.emails()
    assert "handoff_key" not in world.sandbox.portal.type("task").properties


@pytest.mark.parametrize("webhooks", [True, False], ids=["webhooks", "polls alone"])
@pytest.mark.parametrize("search_by_source", [True, False])
def test_a_completed_task_is_noticed(make_world: MakeWorld, *, webhooks: bool, search_by_source: bool) -> None:
    quirks = Quirks(search_by_source=search_by_source)
    world = make_world(mapping=BODY, with_task_property=False, go_live=PAST, webhooks=webhooks, quirks=quirks)
    story = reach(world, "approved")
    world.people.complete_task(world.tasks()[-1].id)
    world.minutes(5)
    assert world.status(story.portfolio) == ""


@pytest.mark.parametrize("quirks", [{}, {"search_by_source": False}], ids=str)
def test_an_empty_database_repeats_nothing(make_world: MakeWorld, quirks: dict[str, Any]) -> None:
    """Lost after each step of the cycle, at once, and when all is quiet."""
    world = make_world(mapping=BODY, with_task_property=False, go_live=PAST, quirks=Quirks(**quirks))
    story = Story(world)
    for name in STAGES:
        story.do(name)
        for at_once in (False, True):
            found = in_copy(world, lambda copy, at_once=at_once: lost(copy, at_once=at_once))  # type: ignore[misc]
            assert found == seen(world), f"{name}, {'at once' if at_once else 'later'}"


@pytest.mark.parametrize("quirks", [{}, {"search_by_source": False}], ids=str)
def test_a_decline_after_a_loss_closes_what_was_made(make_world: MakeWorld, quirks: dict[str, Any]) -> None:
    """The ledger knows the tasks again, and not only that none is to be made."""
    world = make_world(mapping=BODY, with_task_property=False, go_live=PAST, quirks=Quirks(**quirks))
    story = reach(world, "staffed")
    world.minutes(30)
    world.restart(lose_database=True)
    story.do("declined")
    world.minutes(5)
    assert [task.open for task in world.tasks()] == [False] * len(world.tasks())


# The mark


def test_the_mark_is_last_and_stays_so(world: World) -> None:
    story = reach(world, "revised")
    revision = world.tasks()[-1]
    assert revision.body.endswith(mark_of(revision.key))
    world.people.note("ticket", story.tickets[0], "And bluer")
    world.people.request_revisions(story.tickets[0], "Copy and Graphic Revisions")
    world.minutes(5)
    longer = body_of(world, revision.id)
    assert "And bluer" in longer
    assert longer.endswith(mark_of(revision.key))
    assert longer.count("[handoff ") == 1
    story.do("declined")
    closed = body_of(world, revision.id)
    assert "declined" in closed.lower()
    assert closed.endswith(mark_of(revision.key))
    assert closed.count("[handoff ") == 1


def test_what_a_person_wrote_below_the_mark_is_kept(world: World) -> None:
    story = reach(world, "confirmed")
    [kickoff] = world.tasks()
    world.people.edit_task(kickoff.id, hs_task_body=kickoff.body + "<p>Called them twice.</p>")
    story.do("declined")
    body = body_of(world, kickoff.id)
    assert "Called them twice." in body
    assert body.endswith(mark_of(kickoff.key))


def test_a_note_that_quotes_a_task_does_not_speak_for_it(world: World) -> None:
    """docs/process.md K.3: somebody pasted the whole task into a Note, and the next task quotes it."""
    story = reach(world, "confirmed")
    [kickoff] = world.tasks()
    world.people.note("portfolio", story.portfolio, kickoff.body, by=world.people.owner("account_manager"))
    story.do("arrived")
    created = world.tasks()[-1]
    assert marks_in(created.body) == (created.key,)


# People edit


EDITS: dict[str, Callable[[str], str]] = {
    "moved to the top": lambda body: mark_of(marks_in(body)[0]) + body[: body.index("<p style")],
    "re-wrapped": lambda body: (
        "<div>" + body.replace("<p ", "<div ").replace("</p>", "</div>").replace(":", "<b>:</b>") + "</div>"
    ),
    "wrapped over lines": lambda body: body.replace("/task", "\n&nbsp;/<wbr>task").replace(
        "[handoff ", "[<span>Handoff</span>\n"
    ),
    "upper case": lambda body: body.replace("[handoff", "[HANDOFF"),
    "cut in half": lambda body: body[: body.index("/task:")],
    "replaced": lambda body: "<p>Done by phone, see my note.</p>",
    "emptied": lambda body: "",
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("later", [False, True], ids=["at once", "much later"])
def test_whoever_edits_the_body_gets_no_second_task(world: World, edit: str, *, later: bool) -> None:
    """docs/process.md K.3, K.5 and K.6: the database is lost afterwards.

    `later`: nobody looks at the portfolio before the ledger has settled.
    """
    story = reach(world, "approved")
    world.minutes(30)
    for task in world.tasks():
        world.people.edit_task(task.id, hs_task_body=EDITS[edit](task.body))
    kinds, emails = len(world.tasks()), world.emails()
    world.restart(lose_database=True)
    if later:
        world.prepare()
        world.clock.advance(recovery.SEARCH_LAGS)
        world.prepare()
    world.work()
    world.sweep()
    world.minutes(20)
    world.next_day()
    assert len(world.tasks()) == kinds
    assert world.emails() == emails
    implement = world.tasks()[-1]
    world.people.complete_task(implement.id)
    world.minutes(10)
    assert world.status(story.portfolio) == "", "ticking it closes the cycle"


@pytest.mark.parametrize("edit", EDITS)
def test_a_reply_was_lost_and_somebody_edited_the_body_since(world: World, edit: str) -> None:
    """docs/process.md K.5: the task that stands on the record is taken for the one that was tried."""
    world.work()
    world.minutes(20)
    world.sandbox.faults.add(Fault("lost", CREATE, times=1))
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    [kickoff] = world.tasks()
    world.people.edit_task(kickoff.id, hs_task_body=EDITS[edit](kickoff.body))
    world.minutes(5)
    assert [task.id for task in world.tasks()] == [kickoff.id]
    with world.service.store.read() as connection:
        made = connection.exec_driver_sql("SELECT state, crm_id FROM effect WHERE kind = 'task'").all()
    assert [tuple(row) for row in made] == [("done", kickoff.id)]


def test_two_replies_were_lost_and_both_bodies_replaced(world: World) -> None:
    """Each stands for the task that its subject says."""
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.work()
    world.minutes(20)
    world.sandbox.faults.add(Fault("lost", CREATE, times=1))
    world.people.create_ticket("t", "Autumn", acme)
    world.work()
    for task in world.tasks():
        world.people.edit_task(task.id, hs_task_body="Mine now")
    world.minutes(5)
    assert sorted(task.subject.partition(":")[0] for task in world.tasks()) == ["Design Graphics", "Write Copy"]


# Copies


def test_a_copy_is_nobodys(world: World) -> None:
    """docs/process.md K.4: after a loss the copies of all tasks are not taken back, and a decline leaves them open."""
    story = reach(world, "staffed")
    originals = [task.id for task in world.tasks()]
    copies = [world.people.copy_task(task) for task in originals]
    world.minutes(30)
    world.restart(lose_database=True)
    world.sweep()
    story.do("declined")
    world.minutes(5)
    assert [world.people.task(task).open for task in copies] == [True] * len(copies)
    assert [world.people.task(task).open for task in originals] == [False] * len(originals)


def test_a_copy_does_not_do_for_a_task_that_was_never_made(world: World) -> None:
    """docs/process.md K.4: the create never arrived; somebody's own task has the same text and mark."""
    world.work()
    world.minutes(20)
    world.sandbox.faults.add(Fault("504", CREATE, times=1))
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    key = f"1:{acme}:start:0/task:kickoff"
    subject = "Contact Client About Creative Refresh: Acme"
    world.people.create_task(subject, [("portfolio", acme)], body=mark_of(key))
    world.minutes(5)
    assert world.kinds(("portfolio", acme)) == ["kickoff"]
    assert len(world.tasks(("portfolio", acme))) == 2


# Changing the carrier


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("to_body", [False, True], ids=["to the property", "to the body"])
def test_what_carried_it_before_counts_after_a_change(make_world: MakeWorld, *, to_body: bool, at_once: bool) -> None:
    """docs/process.md K.2: the carrier is changed in mid-cycle, and the database is lost after each step."""
    world = make_world(go_live=PAST, mapping=None if to_body else BODY)
    story = reach(world, "staffed")
    world.minutes(30)
    world.remap(BODY if to_body else BODY.replace("body", "property"))
    for task in world.tasks():
        world.people.edit_task(task.id, hs_task_subject="Mine now")  # nothing but the key tells what it was made for
    for name in STAGES[STAGES.index("staffed") + 1 :]:
        story.do(name)
        found = in_copy(world, lambda copy: lost(copy, at_once=at_once))
        assert found == seen(world), name


def test_a_property_that_is_archived_is_no_longer_needed(make_world: MakeWorld) -> None:
    """The way out of a portal that takes the property away."""
    world = make_world(go_live=PAST)
    story = reach(world, "staffed")
    world.people.archive_property("task", "handoff_key")
    world.remap(BODY)
    story.do("ready")
    story.do("approved")
    story.do("implemented")
