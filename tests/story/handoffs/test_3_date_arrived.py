"""Handoff 3 as people live it: the date arrives."""

from datetime import timedelta

from mappings.richtext import plain_text
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import AM, COPYWRITER, SAS, begun, due, of, on, the
from tests.world import World


def test_3_the_date_arrives_with_all_that_was_noted(world: World) -> None:
    """The Account Manager's word first, whatever others have left since."""
    am, writer = world.people.owner(AM), world.people.owner(COPYWRITER)
    portfolio = world.people.create_portfolio("Acme", world.day(2))
    two_years_ago = world.clock.now() - timedelta(days=700)
    world.people.note("portfolio", portfolio, "<p>Purple, as always</p>", by=am, at=two_years_ago)
    first = world.people.note("portfolio", portfolio, "<p>The client wants <b>less</b> text</p>", by=am)
    world.clock.advance(timedelta(minutes=5))
    second = world.people.note("portfolio", portfolio, "<ul><li>Green &amp; bold</li><li>No faces</li></ul>", by=am)
    world.clock.advance(timedelta(minutes=5))
    world.people.note("portfolio", portfolio, "I am on leave until Friday", by=writer)
    brief = world.people.note("portfolio", portfolio, "", by=am, files=["71", "72"], at=world.clock.now())
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    assert world.tasks() == []
    world.next_day(2)
    (task,) = world.tasks()
    assert task.subject == "Create Deliverable Tickets for Refresh: Acme"
    assert task.owner == world.people.owner(SAS)
    assert task.associations == {"portfolio": (portfolio,)}
    assert due(task) == "2026-11-05 17:00"
    lines = plain_text(task.body).split("\n")
    quoted = lines[lines.index("From the Notes on the Creative Portfolio:") + 1 : lines.index("What to do:")]
    link = f"https://app.hubspot.com/contacts/48000001/record/{world.sandbox.process.names.object_type_id}/{portfolio}?engagement="
    when = f"{world.clock.now() - timedelta(days=2):%a} 2 Nov 2026"
    assert quoted == [
        f"Amelia Marsh (Account Manager), {when}, 09:00:",
        "The client wants less text",
        f"Open the Note ({link}{first})",
        f"Amelia Marsh (Account Manager), {when}, 09:05:",
        "- Green & bold",
        "- No faces",
        f"Open the Note ({link}{second})",
        f"Amelia Marsh (Account Manager), {when}, 09:10:",
        "(No text, only files.)",
        f"Open the Note ({link}{brief}): 2 files are attached",
        f"Cody Wright, {when}, 09:10:",
        "I am on leave until Friday",
        f"Open the Note ({link}{int(brief) - 1})",
    ]
    assert "not noted" not in task.body
    (email,) = (mail for mail in world.sandbox.portal.emails if "time to create" in str(mail.properties["subject"]))
    assert f"Cody Wright, {when}, 09:10:\n\n> I am on leave until Friday\n" in str(email.properties["body"])
    assert world.emails() == [(SAS, "Creative refresh of Acme: time to create the tickets")]
    assert world.status(portfolio) == "Refresh Request Submitted"


def test_3_what_people_paste_is_quoted_and_does_nothing(world: World) -> None:
    """docs/process.md 2b.7 and 2b.8: two hundred of them, the longest that HubSpot takes, and half an emoji."""
    am = world.people.owner(AM)
    portfolio = world.people.create_portfolio("Acme", world.day(1))
    world.work()
    for n in range(200):
        world.people.note("portfolio", portfolio, f"<p>Idea {n}.</p>", by=world.people.owner(SAS))
    mess = (
        "<table><td>Cafe\u0301 \ud83d</td><script>alert(1)</script><a href='javascript:x'>click</a><p>"
        + "Long. " * 9_000
    )
    assert len(mess) < 65_536
    world.people.note("portfolio", portfolio, mess, by=am)
    world.next_day()
    body = the(world, "create_tickets").body
    assert "<script" not in body
    assert "javascript" not in body
    told = plain_text(body)
    assert "Cafe\u0301 \ufffdclick\nLong. Long." in told
    assert "Long. …\nOpen the Note" in told
    assert "Idea" not in told
    assert "200 more Notes are not quoted here: open the Creative Portfolio" in told


def test_3_where_only_older_notes_exist_it_says_so(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(0))
    world.people.note("portfolio", portfolio, "Purple", at=world.clock.now() - timedelta(days=700))
    world.work()
    told = plain_text(the(world, "create_tickets").body)
    assert "No Note was left on the Creative Portfolio since Sun 18 Oct 2026: there are only older ones." in told
    assert "Purple" not in told


def test_3_a_note_of_somebody_who_has_left_keeps_its_name(world: World) -> None:
    """And is the Account Manager's word as long as that person was named when it was left."""
    am, second = world.people.owner(AM), world.people.owner("second_account_manager")
    portfolio = world.people.create_portfolio("Acme", world.day(1))
    world.people.note("portfolio", portfolio, "Blue", by=am)
    world.minutes(5)
    world.people.set("portfolio", portfolio, {"account_manager": second})
    world.people.deactivate_owner(am)
    world.people.note("portfolio", portfolio, "And green", by=second)
    world.next_day()
    told = plain_text(the(world, "create_tickets").body)
    assert [line.partition(",")[0] for line in told.split("\n") if "2 Nov 2026, 09:" in line] == [
        "Amelia Marsh (Account Manager)",
        "Arthur Mills (Account Manager)",
    ]


def test_3_without_a_note_it_says_so(world: World) -> None:
    portfolio = begun(world)
    body = the(world, "create_tickets").body
    assert "No Note was left" in body
    assert "yes is not noted" in body
    assert body.count("ask the Account Manager (Amelia Marsh)") == 2
    assert world.kinds(on(portfolio)) == ["kickoff", "create_tickets"]
    assert sorted(world.receivers()) == [AM, SAS]


def test_3_the_service_was_away_on_the_day(make_world: MakeWorld) -> None:
    world = make_world()
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    world.work()
    world.clock.advance(timedelta(days=6))  # silence: nothing ran for six days
    world.sweep()
    assert world.kinds(on(portfolio)) == ["kickoff", "create_tickets"]
    world.next_day(3)
    assert world.kinds(on(portfolio)) == ["kickoff", "create_tickets"]


def test_3_again_only_if_the_date_moved_later_and_the_task_is_done(world: World) -> None:
    portfolio = begun(world)
    world.minutes(5)
    world.people.set_refresh_date(portfolio, world.day(1))
    world.work()
    world.next_day()
    assert len(of(world, "create_tickets")) == 1  # the first was still open when the date came
    world.people.complete_task(the(world, "create_tickets").id)
    world.people.set_refresh_date(portfolio, world.day(2))
    world.work()
    world.next_day(2)
    assert [task.open for task in of(world, "create_tickets")] == [False, True]
    assert world.receivers().count(SAS) == 2
