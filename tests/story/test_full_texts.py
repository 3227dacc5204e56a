"""Texts as long as HubSpot takes them, 65,536 characters (docs/hubspot.md 4.14): what is added finds room, or that is said."""

import pytest

from sync.crm import TASK_COMPLETED
from sync.sandbox.values import LONGEST
from tests.terminal import Terminal
from tests.world import World


def _filled(world: World, task: str, room: int) -> str:
    """A task's body, written on by people until only so many characters of room are left."""
    body = world.people.task(task).body
    full = body + "<p>" + "x" * (LONGEST - len(body) - len("<p></p>") - room) + "</p>"
    world.people.edit_task(task, hs_task_body=full)
    return full


def test_a_full_task_is_closed_without_its_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: refused at each sweep, the task open for good. Nothing that people wrote is lost, and `explain` says it."""
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    (task,) = world.tasks(("portfolio", portfolio))
    full = _filled(world, task.id, 10)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    (task,) = world.tasks(("portfolio", portfolio))
    assert (task.status, task.body) == (TASK_COMPLETED, full)
    told = " ".join(Terminal(world, monkeypatch).run("explain", portfolio, "--cycle", "previous").stdout.split())
    assert "without the line that says why: its text is full" in told
    assert Terminal(world, monkeypatch).json("status")["failed"] == 0


def test_a_task_with_room_for_the_line_gets_it(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    (task,) = world.tasks(("portfolio", portfolio))
    full = _filled(world, task.id, 400)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    (task,) = world.tasks(("portfolio", portfolio))
    assert task.status == TASK_COMPLETED
    assert task.body.startswith(full)
    assert len(task.body) > len(full)


def test_a_task_whose_text_is_refused_is_closed_without_its_line(world: World) -> None:
    """An admin's validation rule may take less than HubSpot does, and find fault with what people wrote."""
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    (task,) = world.tasks(("portfolio", portfolio))
    pattern = f"(?s).{{0,{len(task.body)}}}"
    world.people.set_rules(
        {"name": "brief", "type": "task", "property": "hs_task_body", "pattern": pattern, "message": "too long"}
    )
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    (closed,) = world.tasks(("portfolio", portfolio))
    assert (closed.status, closed.body) == (TASK_COMPLETED, task.body)


def test_a_late_note_waits_until_there_is_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Note must be read by somebody: the line is not left out, but named until the text is shorter."""
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(40))
    ticket = people.create_ticket("Ad 1", "Winter", portfolio)
    people.request_revisions(ticket, "Copy Revisions Only", note="shorter")
    world.work()
    task = next(one for one in world.tasks(("ticket", ticket)) if "evis" in one.subject)
    full = _filled(world, task.id, 10)
    people.note("ticket", ticket, "and bluer")
    world.minutes(5)
    assert people.task(task.id).body == full
    told = " ".join(Terminal(world, monkeypatch).run("status").stdout.split())
    assert "shorten the text of this task in HubSpot" in told
    people.edit_task(task.id, hs_task_body=task.body)
    world.next_day()
    assert "and bluer" in people.task(task.id).body


def test_names_as_long_as_hubspot_takes_them(world: World) -> None:
    """In subject, body and email they are shortened."""
    people = world.people
    long = "Acme " * (LONGEST // 5)
    portfolio = people.create_portfolio(
        long.strip(), world.day(0), most_recent_ad_lab_link="https://ad.lab/" + "x" * 60_000
    )
    for number in range(3):
        ticket = people.create_ticket(
            f"{number} {long}".strip()[:LONGEST], long.strip(), portfolio, stage="Pending Approval"
        )
    people.set_status(portfolio, "Deliverables Submitted")
    world.minutes(20)
    world.minutes(20)
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]
    assert "share_deliverables" in world.kinds(("portfolio", portfolio))
    assert "account_manager" in world.receivers()


def test_a_set_of_very_many_tickets_is_announced(world: World) -> None:
    """What does not fit of a list is counted."""
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(40))
    subject = (
        "A deliverable with a rather long name, as people give them to tell one from another in lists and in reports "
    )
    for number in range(400):
        people.create_ticket(f"{subject}{number}", "Winter", portfolio, stage="Pending Approval")
    people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    (task,) = [one for one in world.tasks(("portfolio", portfolio)) if "Winter" in one.subject]
    assert len(task.body) <= LONGEST
    assert "and 300 more" in task.body
