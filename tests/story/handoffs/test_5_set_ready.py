"""Handoff 5 as people live it: an Ad Set is ready."""

from collections.abc import Callable

import pytest

from sync.sandbox.people import SeenTask
from tests.story.handoffs.steps import AM, SAS, begun, due, in_review, of, on, ready, the, with_tickets
from tests.world import World


def test_5_the_ad_set_is_ready(world: World) -> None:
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, tickets[0])
    assert world.status(portfolio) == "Deliverables Submitted"
    ready(world, tickets[1])
    assert world.status(portfolio) == "Creatives Pending Approval"
    task = the(world, "share_deliverables")
    assert task.subject == "Share Deliverables With Client: Acme (Winter)"
    assert task.owner == world.people.owner(AM)
    assert task.associations == {"portfolio": (portfolio,)}
    assert due(task) == "2026-11-03 17:00"
    assert "Ad 1" in task.body
    assert "Ad 2" in task.body
    assert "https://lab.example/acme" in task.body
    assert world.emails()[-2:] == [
        (AM, "Ready for client review: Acme (Winter)"),
        (SAS, "In client review: Acme (Winter)"),
    ]


def test_5_the_link_is_given_with_the_day_of_its_last_change(world: World) -> None:
    """docs/process.md 5.18: and the Creative Team is told that it is older than this refresh."""
    portfolio = world.people.create_portfolio("Acme", world.day(20), link="https://lab.example/old")
    world.work()
    world.next_day(5)
    (ticket,) = with_tickets(world, portfolio, 1)
    for kind in ("write_copy", "design_graphics"):
        assert "It was last changed on Mon 2 Nov 2026, before this refresh." in the(world, kind).body
    world.people.set("portfolio", portfolio, {"most_recent_ad_lab_link": "https://lab.example/new"})
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, ticket)
    body = the(world, "share_deliverables").body
    assert "(last changed on Sat 7 Nov 2026)" in body
    assert "https://lab.example/new" in body
    assert "older than this refresh" not in body


def test_5_the_missing_link_is_said_plainly(world: World) -> None:
    """docs/process.md 5.17."""
    portfolio = world.people.create_portfolio("Acme", world.day(0))
    tickets = with_tickets(world, portfolio, 1)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    assert "The Most Recent Ad Lab Link is missing" in the(world, "share_deliverables").body


def test_5_a_young_set_waits_for_more_tickets(world: World) -> None:
    portfolio = begun(world)
    (first,) = with_tickets(world, portfolio, 1)
    ready(world, first)
    world.minutes(5)
    assert of(world, "share_deliverables") == []
    second = world.people.create_ticket("Ad 2", "winter ", portfolio)
    world.work()
    world.minutes(20)
    assert of(world, "share_deliverables") == []
    ready(world, second)
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert "Ad 2" in the(world, "share_deliverables").body


def test_5_and_is_looked_at_when_its_time_is_up(world: World) -> None:
    portfolio = begun(world)
    ready(world, *with_tickets(world, portfolio))
    world.minutes(14)
    assert world.status(portfolio) == ""
    world.minutes(2)
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert len(of(world, "share_deliverables")) == 1


def close_the_last(world: World, ticket: str, _: str) -> None:
    world.people.move_ticket(ticket, "Closed")


def delete_the_last(world: World, ticket: str, _: str) -> None:
    world.people.archive("ticket", ticket)


def rename_its_folder(world: World, ticket: str, _: str) -> None:
    world.people.set("ticket", ticket, {"deliverable_folder_name": "Spring"})


def move_it_to_another_pipeline(world: World, ticket: str, _: str) -> None:
    world.people.move_ticket(ticket, "1")


def take_it_off_the_portfolio(world: World, ticket: str, portfolio: str) -> None:
    world.people.dissociate("ticket", ticket, "portfolio", portfolio)


def put_it_on_another_portfolio(world: World, ticket: str, portfolio: str) -> None:
    other = begun(world)
    world.people.associate("ticket", ticket, "portfolio", other)
    world.people.dissociate("ticket", ticket, "portfolio", portfolio)


@pytest.mark.parametrize(
    "act",
    [
        close_the_last,
        delete_the_last,
        rename_its_folder,
        move_it_to_another_pipeline,
        take_it_off_the_portfolio,
        put_it_on_another_portfolio,
    ],
)
def test_5_what_can_complete_a_set(world: World, act: Callable[[World, str, str], None]) -> None:
    portfolio = begun(world)
    first, last = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, first)
    world.minutes(5)
    act(world, last, portfolio)
    world.work()
    if not world.webhooks:  # a search shows no deletion and no association: the sweep looks
        world.next_day()
    assert world.status(portfolio) == "Creatives Pending Approval"
    body = the(world, "share_deliverables", on(portfolio)).body
    assert "Ad 1" in body
    assert "Ad 2" not in body


def test_5_a_ticket_that_joins_from_another_portfolio_counts_there(world: World) -> None:
    here, there = begun(world), begun(world)
    (mine,) = with_tickets(world, here, 1)
    guest = world.people.create_ticket("Guest", "Winter", there)
    for portfolio in (here, there):
        world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    world.minutes(5)
    world.people.associate("ticket", guest, "portfolio", here)
    world.people.dissociate("ticket", guest, "portfolio", there)
    world.work()
    if not world.webhooks:
        world.next_day()
    ready(world, mine)
    assert of(world, "share_deliverables") == []
    ready(world, guest)
    assert world.status(here) == "Creatives Pending Approval"
    assert world.status(there) == "Deliverables Submitted"
    assert "Guest" in the(world, "share_deliverables", on(here)).body
    assert len(of(world, "write_copy", ("ticket", guest))) == 1


def test_5_a_folder_renamed_as_a_whole_is_not_announced_again(world: World) -> None:
    _portfolio, tickets = in_review(world)
    for ticket in tickets:
        world.people.set("ticket", ticket, {"deliverable_folder_name": "Winter sale"})
        world.work()
    world.next_day()
    assert len(of(world, "share_deliverables")) == 1


def test_5_two_sets_are_two_announcements(world: World) -> None:
    portfolio = begun(world)
    tickets = [*with_tickets(world, portfolio, 1, "Winter"), *with_tickets(world, portfolio, 1, "Spring")]
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    assert sorted(task.subject for task in of(world, "share_deliverables")) == [
        "Share Deliverables With Client: Acme (Spring)",
        "Share Deliverables With Client: Acme (Winter)",
    ]
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert world.receivers()[-4:] == [AM, SAS, AM, SAS]


def back_and_ready(world: World, ticket: str) -> None:
    """A revision round in which nobody ticks a task: the article does not ask for it."""
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.work()
    world.minutes(30)
    world.people.set("ticket", ticket, {"copy_approval": "Approved"})
    ready(world, ticket)


def shared(world: World) -> list[SeenTask]:
    return sorted(of(world, "share_deliverables"), key=lambda task: int(task.id))


def mail(world: World) -> list[str]:
    """The last two emails, as their receivers read them."""
    return [str(one.properties["body"]) for one in world.people.emails()[-2:]]


def test_5_three_announcements_leave_one_open_task(world: World) -> None:
    """docs/process.md 5.23, 5.20."""
    _portfolio, (first, second) = in_review(world)
    back_and_ready(world, second)
    back_and_ready(world, second)
    tasks = shared(world)
    assert [task.subject for task in tasks] == [
        "Share Deliverables With Client: Acme (Winter)",
        "Share Deliverables With Client: Acme (Winter), second announcement",
        "Share Deliverables With Client: Acme (Winter), third announcement",
    ]
    assert [task.status for task in tasks] == ["COMPLETED", "COMPLETED", "NOT_STARTED"]
    for task, which in zip(tasks, ("second", "third"), strict=False):
        assert task.body.endswith(
            f"<p><em>Closed automatically on Mon 2 Nov 2026: the Ad Set “Winter” was announced again ({which} "
            "announcement)</em></p>"
        )
    assert "This is its <strong>third announcement</strong> in this refresh." in tasks[2].body
    new, _, unchanged = tasks[2].body.partition("Announced before, and unchanged:")
    assert f"record/0-5/{second}" in new
    assert f"record/0-5/{first}" in unchanged
    assert world.emails()[-2:] == [
        (AM, "Ready for client review: Acme (Winter), third announcement"),
        (SAS, "In client review: Acme (Winter), third announcement"),
    ]
    for text in mail(world):
        assert "This is its third announcement in this refresh." in text
        new, _, unchanged = text.partition("Announced before, and unchanged:")
        assert "Ad 2" in new
        assert "Ad 1" in unchanged
        assert "Ad 1" not in new


def test_5_a_task_to_share_that_was_ticked_keeps_its_text(world: World) -> None:
    """docs/process.md 5.20, W.3."""
    _portfolio, (_, second) = in_review(world)
    (before,) = shared(world)
    world.people.complete_task(before.id)
    back_and_ready(world, second)
    done, new = shared(world)
    assert done.body == before.body
    assert (done.status, new.status) == ("COMPLETED", "NOT_STARTED")


def test_5_what_people_wrote_in_the_older_task_is_kept(world: World) -> None:
    """docs/process.md 5.20: a line is added, and nothing is lost."""
    _portfolio, (_, second) = in_review(world)
    (before,) = shared(world)
    world.people.set("task", before.id, {"hs_task_body": before.body + "<p>Sent to Ms Ray on Monday</p>"})
    back_and_ready(world, second)
    closed = shared(world)[0]
    assert closed.body.startswith(before.body + "<p>Sent to Ms Ray on Monday</p><p><em>Closed automatically")


def test_5_the_older_task_waits_for_the_new_one(world: World) -> None:
    """docs/process.md 5.20, W.4: nobody is left without a task to share the set."""
    portfolio, (_, second) = in_review(world)
    am = world.people.owner(AM)
    world.people.set("portfolio", portfolio, {"account_manager": ""})
    back_and_ready(world, second)
    assert [task.status for task in shared(world)] == ["NOT_STARTED"]
    world.people.set("portfolio", portfolio, {"account_manager": am})
    world.work()
    if not world.webhooks:
        world.minutes(61)
        world.work()
    assert [task.status for task in shared(world)] == ["COMPLETED", "NOT_STARTED"]


def test_5_who_is_named_at_last_gets_the_newest_task_alone(world: World) -> None:
    """docs/process.md 5.20, P.5."""
    portfolio = world.people.create_portfolio("Acme", world.day(0), link="https://lab.example", account_manager=None)
    world.work()
    tickets = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    back_and_ready(world, tickets[1])
    assert shared(world) == []
    world.people.set("portfolio", portfolio, {"account_manager": world.people.owner(AM)})
    world.work()
    world.minutes(61)
    world.work()
    assert [task.subject for task in shared(world)] == [
        "Share Deliverables With Client: Acme (Winter), second announcement"
    ]
    assert [subject for role, subject in world.emails() if role == AM and "review" in subject] == [
        "Ready for client review: Acme (Winter), second announcement"
    ]


def test_5_a_lost_database_still_counts(world: World) -> None:
    """docs/process.md 5.23, 5.20: by the keys that the tasks carry."""
    _portfolio, (_, second) = in_review(world)
    back_and_ready(world, second)
    world.restart(lose_database=True)
    world.minutes(15)
    world.work()
    back_and_ready(world, second)
    world.minutes(5)
    world.work()
    assert [task.status for task in shared(world)] == ["COMPLETED", "COMPLETED", "NOT_STARTED"]
    assert shared(world)[2].subject.endswith("(Winter), third announcement")


def test_5_a_ticket_without_a_folder_is_named(world: World) -> None:
    """docs/process.md 5.21: the third ticket that nobody gave a folder."""
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio)
    forgotten = world.people.create_ticket("Story", "", portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    body = the(world, "share_deliverables").body
    _, _, left_out = body.partition("Not among them:")
    assert f"record/0-5/{forgotten}" in left_out
    assert "it has no Deliverable Folder Name" in left_out
    for text in mail(world):
        _, _, left_out = text.partition("Not among them:")
        assert "Story" in left_out
        assert "Ad 1" not in left_out


def test_5_a_set_called_almost_the_same_is_pointed_out(world: World) -> None:
    """docs/process.md 5.21, N.6."""
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio, 2, "Autumn 2026")
    world.people.create_ticket("Story", "Autumn-2026", portfolio)
    world.people.create_ticket("Banner", "Autumn 2027", portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    _, _, left_out = the(world, "share_deliverables").body.partition("Not among them:")
    one, other = (line for line in left_out.split("<li>") if "the Ad Set “" in line)
    if "2027" in one:
        one, other = other, one
    assert "“Autumn-2026”, which is not ready (0 of 1 in Pending Approval)" in one
    assert "Its name is almost the same" in one
    assert "“Autumn 2027”, which is not ready (0 of 1 in Pending Approval)" in other
    assert "almost the same" not in other
    for text in mail(world):
        assert '"Autumn-2026", which is not ready (0 of 1 in Pending Approval)\n  ITS NAME IS ALMOST' in text
        assert text.count("ALMOST THE SAME") == 1


def test_5_nothing_is_said_where_nothing_is_left_out(world: World) -> None:
    in_review(world)
    assert "Not among them" not in the(world, "share_deliverables").body
    assert "announcement" not in the(world, "share_deliverables").body
    assert not any("Not among them" in text or "announcement" in text for text in mail(world))
