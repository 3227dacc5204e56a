"""An admin changes texts while it is not known yet what came of a try: docs/process.md F.1 and F.11."""

import json

import pytest

from sync.sandbox.faults import Fault
from tests.conftest import MakeWorld
from tests.world import World

OTHER_TEXTS = json.dumps(
    {
        "tasks": {
            "revise_copy": {"subject": "Copy, once more: {{ ticket.subject }}", "body": "Please."},
            "kickoff": {"subject": "Ring {{ portfolio.name }}", "body": "Please."},
        },
        "emails": {"kickoff": {"subject": "Ring {{ portfolio.name }}", "body": "Please."}},
        "notes_line": "<p>They say, too: {% for each in notes %}{{ each.body }}{% endfor %}</p>",
        "closing_line": "<p>Over: {{ reason }}</p>",
    }
)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(webhooks=False)


def unanswered(world: World, endpoint: str) -> None:
    """The next such call is carried out, and its answer is lost."""
    world.sandbox.faults.add(Fault.from_json({"kind": "lost", "endpoint": endpoint, "times": 1}))


def looked_for(world: World, mapping: str) -> None:
    """The service starts with other texts, and finds out what came of the try."""
    world.remap(mapping)
    for _ in range(4):
        world.minutes(3)
    world.sweep()


def test_a_late_note_that_was_added_in_other_words_is_not_added_again(world: World) -> None:
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(40))
    ticket = people.create_ticket("Ad 1", "Winter", portfolio)
    people.request_revisions(ticket, "Copy Revisions Only", note="shorter")
    world.work()
    unanswered(world, "POST *tasks/batch/update")
    people.note("ticket", ticket, "and bluer")
    world.minutes(4)
    looked_for(world, OTHER_TEXTS)
    task = next(one for one in world.tasks(("ticket", ticket)) if "evis" in one.subject)
    assert task.body.count("and bluer") == 1
    assert "They say" not in task.body


def test_a_task_that_has_lost_its_mark_is_known_by_the_subject_that_it_was_given(make_world: MakeWorld) -> None:
    """docs/process.md K.5: somebody has written another text over it before anybody knew that it was made."""
    world = make_world(webhooks=False, mapping='{"task": {"key_carrier": "body"}}')
    world.people.create_portfolio("Acme", world.day(5))
    unanswered(world, "POST *tasks/batch/create")
    world.work()
    (task,) = world.tasks()
    world.people.set("task", task.id, {"hs_task_body": "I have rung them."})
    looked_for(world, json.dumps({**json.loads(OTHER_TEXTS), "task": {"key_carrier": "body"}}))
    assert len(world.tasks()) == len(world.emails()) == 1


def test_a_task_and_its_email_in_other_words_are_made_once(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(5))
    unanswered(world, "POST *tasks/batch/create")
    world.work()
    looked_for(world, OTHER_TEXTS)
    assert len(world.tasks()) == len(world.emails()) == 1


def test_a_task_is_closed_with_one_line(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    unanswered(world, "POST *tasks/batch/update")
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    looked_for(world, OTHER_TEXTS)
    (task,) = world.tasks(("portfolio", portfolio))
    assert task.body.count("Closed automatically") == 1
    assert "Over:" not in task.body


def test_what_is_there_keeps_its_text_and_what_comes_has_the_new_one(world: World) -> None:
    """What waited for somebody under the old texts was never tried: it has the new one, too (C.8)."""
    there = world.people.create_portfolio("Acme", world.day(5))
    waits = world.people.create_portfolio("Bolt", world.day(5), account_manager="")
    world.work()
    (before,) = world.tasks(("portfolio", there))
    world.remap(OTHER_TEXTS)
    world.people.set("portfolio", waits, {"account_manager": world.people.process.owners["account_manager"]})
    world.work()
    world.sweep()
    assert [one.subject for one in world.tasks(("portfolio", waits))] == ["Ring Bolt"]
    assert world.tasks(("portfolio", there)) == [before]
    assert ("account_manager", "Ring Bolt") in world.emails()
    world.people.set_status(there, "No Refresh Requested")
    world.work()
    (closed,) = world.tasks(("portfolio", there))
    assert closed.subject == before.subject
    assert closed.body.startswith(before.body)
    assert closed.body.count("Over:") == 1
