"""The ten handoffs as people live them: what stands in the CRM at the end, however the news of it travelled.

Every story is told three times: with webhooks, with poll and sweep alone, and with deliveries doubled and shuffled.
At its end an hour passes, the poll and the sweep run again, and nothing may have changed.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sync.sandbox.delivery import DeliveryMode
from sync.sandbox.people import SeenTask
from sync.sandbox.schema import Property
from sync.sandbox.seed import Names
from tests.conftest import MakeWorld
from tests.world import World

ROADS: dict[str, dict[str, Any]] = {
    "webhooks": {},
    "poll and sweep": {"webhooks": False},
    "doubled and shuffled": {"mode": DeliveryMode(doubled=0.5, shuffled=True, rebatched=True)},
}
"""The ways on which the service hears of what people do."""

AM, SAS, COPYWRITER, DESIGNER = "account_manager", "social_ad_specialist", "copywriter", "graphic_designer"
NEW_YORK = ZoneInfo("America/New_York")

Agency = Callable[..., World]


@pytest.fixture(params=list(ROADS.values()), ids=list(ROADS))
def agency(request: pytest.FixtureRequest, make_world: MakeWorld) -> Iterator[Agency]:
    """Worlds on one of the roads; at the end of the story each must be at rest."""
    made: list[World] = []

    def make(**options: Any) -> World:
        made.append(make_world(**request.param, **options))
        return made[-1]

    yield make
    for world in made:
        before = everything(world)
        world.minutes(61)
        world.sweep()
        world.work()
        assert everything(world) == before, "an hour later, looked at again"


@pytest.fixture
def world(agency: Agency) -> World:
    return agency()


def everything(world: World) -> list[object]:
    """All that people can see of the service's work."""
    records = [(one.id, one.properties) for kind in ("portfolio", "ticket") for one in world.people.list(kind)]
    hidden = {"hs_lastmodifieddate"}
    shown = [(i, {name: value for name, value in values.items() if name not in hidden}) for i, values in records]
    return [shown, world.tasks(), world.emails()]


def on(portfolio: str) -> tuple[str, str]:
    return ("portfolio", portfolio)


def of(world: World, kind: str, *records: tuple[str, str]) -> list[SeenTask]:
    """The service's tasks of one kind."""
    return [task for task in world.tasks(*records) if task.key.endswith(f"/task:{kind}")]


def the(world: World, kind: str, *records: tuple[str, str]) -> SeenTask:
    (task,) = of(world, kind, *records)
    return task


def due(task: SeenTask) -> str:
    assert task.due is not None
    return task.due.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M")


def begun(world: World, **options: Any) -> str:
    """A portfolio whose date has come today."""
    portfolio = world.people.create_portfolio("Acme", world.day(0), link="https://lab.example/acme", **options)
    world.work()
    return portfolio


def with_tickets(world: World, portfolio: str, count: int = 2, folder: str = "Winter") -> list[str]:
    tickets = [world.people.create_ticket(f"Ad {n}", folder, portfolio) for n in range(1, count + 1)]
    world.work()
    return tickets


def ready(world: World, *tickets: str) -> None:
    for ticket in tickets:
        world.people.move_ticket(ticket, "Pending Approval")
    world.work()


def in_review(world: World, count: int = 2) -> tuple[str, list[str]]:
    """A portfolio whose Ad Set has been announced."""
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio, count)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    return portfolio, tickets


def approved(world: World) -> str:
    portfolio, _ = in_review(world)
    world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    return portfolio


# 1 · kickoff


def test_1_kickoff_is_a_task_and_an_email_for_the_account_manager(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(15))
    world.work()
    (task,) = world.tasks()
    assert task.subject == "Contact Client About Creative Refresh: Acme"
    assert task.owner == world.people.owner(AM)
    assert task.associations == {"portfolio": (portfolio,)}
    assert task.open
    assert due(task) == "2026-11-05 17:00"
    assert "<strong>Tue 17 Nov 2026</strong> (in 15 days)" in task.body
    assert "Refresh Request Submitted" in task.body
    assert world.emails() == [(AM, "Creative refresh of Acme: please ask the client (Tue 17 Nov 2026)")]
    assert world.status(portfolio) == ""


def test_1_fifteen_daily_sweeps_make_one_kickoff(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(16))
    world.work()
    assert world.tasks() == []
    world.next_day(15)
    assert world.kinds() == ["kickoff"]
    assert world.receivers() == [AM]


def test_1_moved_out_of_the_window_and_back_is_a_new_kickoff(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    for ahead in (9, 14):
        world.minutes(5)
        world.people.set_refresh_date(portfolio, world.day(ahead))
        world.work()
    assert world.kinds() == ["kickoff"]
    world.minutes(5)
    world.people.set_refresh_date(portfolio, world.day(30))
    world.minutes(5)
    world.people.set_refresh_date(portfolio, world.day(12))
    world.work()
    assert world.kinds() == ["kickoff", "kickoff"]
    assert world.receivers() == [AM, AM]


def test_1_the_status_had_moved_on(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(20), status="Refresh Request Submitted")
    world.work()
    world.next_day(10)
    assert world.tasks() == []
    assert world.emails() == []
    assert world.status(portfolio) == "Refresh Request Submitted"


# 2a · the client declines


def test_2a_declined_moves_the_date_and_ends_the_cycle(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2026-12-12"
    assert world.status(portfolio) == "No Refresh Requested"
    task = the(world, "kickoff")
    assert not task.open
    assert "Closed automatically on Mon 2 Nov 2026" in task.body
    assert "the client declined" in task.body
    assert world.receivers() == [AM]  # the kickoff's; nobody is told of the decline
    assert len(world.tasks()) == 1


def test_2a_everything_later_in_that_cycle_is_bypassed(world: World) -> None:
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio)
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    own = world.people.create_task("Call them anyway", [on(portfolio)])
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    before = world.kinds()
    ready(world, *tickets)
    world.minutes(20)
    assert world.kinds() == before
    assert [task.open for task in world.tasks() if task.key] == [False] * 6
    assert world.people.task(own).open
    assert world.receivers() == [AM, SAS]
    assert (world.status(portfolio), world.date(portfolio)) == ("No Refresh Requested", "2026-12-02")


def test_2a_a_ticket_that_came_from_another_portfolio_is_one_of_its_tickets(world: World) -> None:
    here, there = begun(world), begun(world)
    world.people.set_status(here, "No Refresh Requested")
    world.work()
    world.minutes(5)
    (guest,) = with_tickets(world, there, 1)
    world.people.associate("ticket", guest, "portfolio", here)
    world.people.dissociate("ticket", guest, "portfolio", there)
    world.minutes(5)
    world.people.set_status(here, "")
    world.work()
    assert all(task.open for task in world.tasks(("ticket", guest)))
    world.minutes(5)
    world.people.set_status(here, "No Refresh Requested")
    world.work()
    assert [task.open for task in world.tasks(("ticket", guest))] == [False, False]


def test_2a_the_next_kickoff_clears_the_leftover(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    world.next_day(25)  # 27 November: the new date is 12 December
    assert world.status(portfolio) == ""
    assert [task.open for task in of(world, "kickoff")] == [False, True]
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2027-01-12"
    assert world.receivers() == [AM, AM]


def test_2a_with_a_short_cadence_the_next_cycle_begins_at_once(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3), cadence="Weekly")
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2026-11-12"
    assert [task.open for task in of(world, "kickoff")] == [False, True]
    assert world.status(portfolio) == ""


def test_2a_a_decline_set_to_another_status_belongs_to_the_next_cycle(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(1))
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(10)
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("Refresh Request Submitted", "2026-12-03")
    world.next_day()
    assert world.kinds() == ["kickoff"]


# 2b · the client confirms


def test_2b_confirmed_is_notation_only(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    before = everything(world)[1:]
    world.people.note("portfolio", portfolio, "<p>Green this time</p>")
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    world.next_day()
    assert everything(world)[1:] == before
    assert world.status(portfolio) == "Refresh Request Submitted"


# 3 · the date arrives


def test_3_the_date_arrives_with_the_newest_note(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(2))
    world.people.note("portfolio", portfolio, "<p>Old idea</p>")
    world.clock.advance(timedelta(minutes=5))
    world.people.note("portfolio", portfolio, "<p>Green &amp; bold</p>")
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    assert world.tasks() == []
    world.next_day(2)
    (task,) = world.tasks()
    assert task.subject == "Create Deliverable Tickets for Refresh: Acme"
    assert task.owner == world.people.owner(SAS)
    assert task.associations == {"portfolio": (portfolio,)}
    assert due(task) == "2026-11-05 17:00"
    assert "Green &amp; bold" in task.body
    assert "Old idea" not in task.body
    assert "Open the Note" in task.body
    assert world.emails() == [(SAS, "Creative refresh of Acme: time to create the tickets")]
    assert world.status(portfolio) == "Refresh Request Submitted"


def test_3_without_a_note_it_says_so(world: World) -> None:
    portfolio = begun(world)
    assert "No Note was left" in the(world, "create_tickets").body
    assert world.kinds(on(portfolio)) == ["kickoff", "create_tickets"]
    assert sorted(world.receivers()) == [AM, SAS]


def test_3_the_service_was_away_on_the_day(agency: Agency) -> None:
    world = agency()
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


# 4 · tickets are created


def test_4_a_ticket_brings_a_task_for_copywriter_and_designer(world: World) -> None:
    portfolio = begun(world)
    (ticket,) = with_tickets(world, portfolio, 1)
    copy, design = the(world, "write_copy"), the(world, "design_graphics")
    assert (copy.subject, design.subject) == ("Write Copy: Ad 1", "Design Graphics: Ad 1")
    assert (copy.owner, design.owner) == (world.people.owner(COPYWRITER), world.people.owner(DESIGNER))
    for task in (copy, design):
        assert task.associations == {"portfolio": (portfolio,), "ticket": (ticket,)}
        assert due(task) == "2026-11-05 17:00"
        assert "Deliverable folder: Winter" in task.body
    before = everything(world)[1:]
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    assert everything(world)[1:] == before  # notation only
    assert world.status(portfolio) == "Deliverables Submitted"


def test_4_the_association_is_made_later(world: World) -> None:
    portfolio = begun(world)
    ticket = world.people.create_ticket("Ad", "Winter")
    world.work()
    assert of(world, "write_copy") == []
    world.clock.advance(timedelta(minutes=2))
    world.people.associate("ticket", ticket, "portfolio", portfolio)
    world.minutes(5)
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]
    assert the(world, "write_copy").associations["portfolio"] == (portfolio,)


def test_4_a_ticket_moved_into_the_pipeline(world: World) -> None:
    portfolio = begun(world)
    ticket = world.people.create_ticket("Ad", "Winter", portfolio, stage="1", hs_pipeline="0")
    world.work()
    assert of(world, "write_copy") == []
    world.minutes(5)
    world.people.move_ticket(ticket, "New")
    world.work()
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]


def test_4_on_two_portfolios_it_counts_for_the_primary_one(world: World) -> None:
    first, second = begun(world), begun(world)
    ticket = world.people.create_ticket("Ad", "Winter", [first])
    world.people.associate("ticket", ticket, "portfolio", second, label="Primary")
    world.work()
    assert the(world, "write_copy").associations["portfolio"] == (second,)
    both = world.people.create_ticket("Ad 2", "Winter", [second, first])
    world.work()
    assert {task.associations["portfolio"] for task in world.tasks(("ticket", both))} == {(first,)}


def test_4_a_deactivated_designer_blocks_only_that_role(world: World) -> None:
    portfolio = begun(world)
    world.people.deactivate_owner(world.people.owner(DESIGNER))
    world.minutes(11)  # owners are read every ten minutes
    (ticket,) = with_tickets(world, portfolio, 1)
    assert world.kinds(("ticket", ticket)) == ["write_copy"]
    world.next_day(2)
    assert world.kinds(("ticket", ticket)) == ["write_copy"]
    world.people.reactivate_owner(world.people.owner(DESIGNER))
    world.next_day()
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]
    assert the(world, "design_graphics").owner == world.people.owner(DESIGNER)


def test_4_a_fallback_of_the_mapping_stands_in(agency: Agency) -> None:
    mapping = "roles: {copywriter: {fallback_owner: cody.wright@agency.example}}"
    world = agency(mapping=mapping)
    portfolio = begun(world, copywriter=world.people.owner("deactivated"))
    with_tickets(world, portfolio, 1)
    assert the(world, "write_copy").owner == world.people.owner(COPYWRITER)


def test_4_the_tickets_own_people_win(world: World) -> None:
    portfolio = begun(world)
    world.people.create_ticket("Ad", "Winter", portfolio, graphic_designer=world.people.owner("second_designer"))
    world.work()
    assert the(world, "design_graphics").owner == world.people.owner("second_designer")
    assert the(world, "write_copy").owner == world.people.owner(COPYWRITER)


# 5 · the Ad Set is ready


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


def test_5_the_missing_link_is_said_plainly(world: World) -> None:
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


# 6 · revisions


def test_6_a_revision_goes_back_to_the_creative_team(world: World) -> None:
    portfolio, (ticket, _other) = in_review(world)
    approvals = {"copy_approval": "Approved", "graphic_approval": "Approved"}
    world.people.set("ticket", ticket, approvals)
    world.people.note("ticket", ticket, "<p>Warmer colours, please</p>")
    world.people.request_revisions(ticket, "Graphic Revisions Only")
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
    assert of(world, "revise_copy") == []
    assert world.status(portfolio) == "Creatives Pending Approval"


def test_6_the_loop_repeats_until_the_client_signs_off(world: World) -> None:
    portfolio, (ticket, _other) = in_review(world)
    for rounds in (1, 2, 3):
        world.people.request_revisions(ticket, "Copy and Graphic Revisions")
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


def test_6_a_round_that_widens_adds_the_missing_role(world: World) -> None:
    _portfolio, (ticket, _other) = in_review(world)
    world.people.request_revisions(ticket, "Copy Revisions Only")
    world.work()
    world.minutes(5)
    world.people.set("ticket", ticket, {"copy_approval": "Team Lead QA", "graphic_approval": "Approved"})
    world.people.request_revisions(ticket, "Copy and Graphic Revisions")
    world.work()
    assert world.kinds(("ticket", ticket))[-2:] == ["revise_copy", "revise_graphics"]
    seen = world.people.ticket(ticket)
    assert (seen["copy_approval"], seen["graphic_approval"]) == ("Team Lead QA", "")


def test_6_a_value_overwritten_before_it_was_seen_still_counts(world: World) -> None:
    _portfolio, (ticket, _other) = in_review(world)
    world.people.request_revisions(ticket, "Copy Revisions Only")
    world.clock.advance(timedelta(seconds=30))
    world.people.set("ticket", ticket, {"copy_approval": "Approved", "graphic_approval": "Approved"})
    world.people.request_revisions(ticket, "Graphic Revisions Only")
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
    world.people.request_revisions(ticket, "Copy Revisions Only")
    world.work()
    assert world.people.ticket(ticket)["hs_pipeline_stage"] == world.people.process.stage("In Progress")
    assert len(of(world, "revise_copy")) == 1


def test_6_a_ticket_without_a_portfolio_uses_its_own_owners(world: World) -> None:
    designer = world.people.owner("second_designer")
    ticket = world.people.create_ticket("Loose", "Winter", graphic_designer=designer)
    world.work()
    world.minutes(5)
    world.people.request_revisions(ticket, "Graphic Revisions Only")
    world.work()
    task = the(world, "revise_graphics")
    assert (task.owner, task.associations) == (designer, {"ticket": (ticket,)})
    assert world.people.ticket(ticket)["hs_pipeline_stage"] == world.people.process.stage("In Progress")


# 7, 8, 9 · approval, closing, confirmation


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


def test_7_set_again_while_the_task_is_open(world: World) -> None:
    portfolio = approved(world)
    for status in ("Creatives Pending Approval", "Creatives Completed & Approved"):
        world.minutes(5)
        world.people.set_status(portfolio, status)
        world.work()
    assert len(of(world, "implement")) == 1
    assert [s for _, s in world.emails() if s.startswith("Client approved")] == [world.emails()[-1][1]]


def test_8_by_task_and_9_the_account_manager_is_told_once(world: World) -> None:
    portfolio = approved(world)
    world.next_day(2)
    world.people.complete_task(the(world, "implement").id, by=world.people.owner(SAS))
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-02")
    statuses = [version.value for version in world.people.history("portfolio", portfolio, "creative_refresh_status")]
    assert statuses[:2] == ["", "Creatives Implemented"]
    assert [e for e in world.emails() if "live" in e[1]] == [(AM, "The new creatives of Acme are live")]
    assert "The next refresh date is Wed 2 Dec 2026" in world.people.emails()[-1].properties["body"]


def test_8_any_status_but_completed_is_open(world: World) -> None:
    portfolio = approved(world)
    for status in ("IN_PROGRESS", "WAITING", "DEFERRED"):
        world.minutes(5)
        world.people.edit_task(the(world, "implement").id, hs_task_status=status)
        world.work()
        assert world.status(portfolio) == "Creatives Completed & Approved"


def test_8_a_task_that_was_deleted_closes_nothing(world: World) -> None:
    portfolio = approved(world)
    world.people.delete_task(the(world, "implement").id)
    world.minutes(5)
    assert world.status(portfolio) == "Creatives Completed & Approved"


def test_8_by_hand_completes_the_open_task(world: World) -> None:
    portfolio = approved(world)
    world.minutes(5)
    world.people.set_status(portfolio, "Creatives Implemented")
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-02")
    task = the(world, "implement")
    assert not task.open
    assert "Closed automatically" in task.body
    assert world.receivers()[-1] == AM
    reset = {
        name: world.people.history("portfolio", portfolio, name)[0].at
        for name in ("creative_refresh_status", "creative_refresh_date")
    }
    assert len(set(reset.values())) == 1  # one write


def test_8_without_any_handoff_before_it(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(-2), status="Deliverables Submitted")
    world.work()
    world.people.set_status(portfolio, "Creatives Implemented")
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-11-30")
    assert world.emails() == [(AM, "The new creatives of Acme are live")]


def test_8_a_slip_does_not_close_the_cycle(world: World) -> None:
    portfolio = approved(world)
    world.clock.advance(timedelta(seconds=20))
    world.people.set_status(portfolio, "Creatives Implemented")
    world.clock.advance(timedelta(seconds=20))
    world.people.set_status(portfolio, "Creatives Pending Approval")
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("Creatives Pending Approval", "2026-11-02")
    assert the(world, "implement").open
    world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    world.people.complete_task(the(world, "implement").id)
    world.work()
    assert world.date(portfolio) == "2026-12-02"


def test_8_emptied_before_anybody_looked_still_closes(world: World) -> None:
    portfolio = approved(world)
    world.clock.advance(timedelta(seconds=20))
    world.people.set_status(portfolio, "Creatives Implemented")
    world.clock.advance(timedelta(seconds=20))
    world.people.set_status(portfolio, "")
    world.work()
    assert world.date(portfolio) == "2026-12-02"
    assert world.receivers()[-1] == AM


def test_8_an_unmapped_cadence_blocks_the_closing_until_it_is_mended(agency: Agency) -> None:
    world = agency(mapping="cadence: {default: Monthly, values: {Monthly: 1 month}}")
    portfolio = world.people.create_portfolio("Acme", world.day(-1), cadence="Weekly", status="Deliverables Submitted")
    world.work()
    world.people.set_status(portfolio, "Creatives Implemented")
    world.work()
    world.next_day(2)
    assert (world.status(portfolio), world.date(portfolio)) == ("Creatives Implemented", "2026-11-01")
    assert world.emails() == []
    world.people.set("portfolio", portfolio, {"creative_refresh_cadence": "Monthly"})
    world.work()
    if not world.webhooks:
        world.next_day()
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-01")
    assert world.emails() == [(AM, "The new creatives of Acme are live")]


def test_9_a_missing_account_manager_blocks_the_email_not_the_reset(world: World) -> None:
    portfolio = world.people.create_portfolio(
        "Acme", world.day(-1), status="Deliverables Submitted", account_manager=None
    )
    world.work()
    world.people.set_status(portfolio, "Creatives Implemented")
    world.work()
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-01")
    assert world.emails() == []
    world.minutes(5)
    world.people.set("portfolio", portfolio, {"account_manager": world.people.owner("second_account_manager")})
    world.work()
    assert [mail.to for mail in world.people.emails()] == ["arthur.mills@agency.example"]


def test_8_the_crm_refuses_the_reset_until_an_admin_mends_it(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(-1), cadence="Weekly", status="Deliverables Submitted")
    world.work()
    rule = {
        "name": "no November",
        "type": "portfolio",
        "property": "creative_refresh_date",
        "pattern": "2026-12-.*",
        "message": "December only",
    }
    world.people.set_rules(rule)
    world.people.set_status(portfolio, "Creatives Implemented")
    world.work()
    world.next_day(8)  # meanwhile the next date is another one
    assert (world.status(portfolio), world.emails()) == ("Creatives Implemented", [])
    world.people.set_rules()
    world.next_day()
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-11-15")
    assert world.kinds() == ["kickoff"]  # of the next cycle
    (live, _kickoff) = world.people.emails()
    assert "Sun 15 Nov 2026" in live.properties["body"]


# People edit while the service works


def test_a_person_approves_while_the_set_is_being_announced(agency: Agency) -> None:
    """What was decided on is no longer so: nothing is written, and it is decided anew."""
    world = agency()
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


def test_a_person_moves_the_date_while_the_decline_is_being_carried_out(agency: Agency) -> None:
    world = agency()
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    at_the_step(world, "planned", lambda: world.people.set_refresh_date(portfolio, world.day(12)))
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2026-12-14"  # a month from where the person had put it


def test_a_person_takes_creatives_implemented_back_while_the_cycle_is_being_closed(agency: Agency) -> None:
    world = agency()
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


# Going live, and a database that is lost


def test_going_live_on_a_portal_in_use(agency: Agency) -> None:
    """Status, revision and ticket causes older than going live do nothing by themselves; what is due by its date is."""
    world = agency()
    people = world.people
    approved_before = people.create_portfolio("Approved", world.day(40), status="Creatives Completed & Approved")
    declined_before = people.create_portfolio("Declined", world.day(40), status="No Refresh Requested")
    implemented_before = people.create_portfolio("Implemented", world.day(40), status="Creatives Implemented")
    in_window = people.create_portfolio("In the window", world.day(9))
    ticket = people.create_ticket("Ad", "Winter", approved_before, stage="Pending Approval")
    people.request_revisions(ticket, "Copy Revisions Only")
    world.clock.advance(timedelta(minutes=30))
    world.restart(lose_database=True)
    world.sweep()
    world.work()
    assert world.kinds() == world.kinds(on(in_window)) == ["kickoff"]
    assert world.receivers() == [AM]
    assert {world.date(one) for one in (approved_before, declined_before, implemented_before)} == {"2026-12-12"}
    assert people.ticket(ticket)["needs_revisions"] == "Copy Revisions Only"


def test_a_cycle_survives_the_loss_of_its_database_at_every_step(agency: Agency) -> None:
    world = agency()
    portfolio = live_through_a_cycle(world, between_steps=lambda: world.restart(lose_database=True))
    assert world.kinds() == CYCLE_KINDS
    assert world.receivers() == CYCLE_RECEIVERS
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-22")


# The whole of it

CYCLE_KINDS = [
    "kickoff",
    "create_tickets",
    *["write_copy", "design_graphics"] * 2,
    "share_deliverables",
    "revise_copy",
    "share_deliverables",
    "implement",
]
CYCLE_RECEIVERS = [AM, SAS, AM, SAS, AM, SAS, SAS, AM]


def live_through_a_cycle(world: World, between_steps: Callable[[], None] = lambda: None) -> str:
    people = world.people

    def days_pass(days: int) -> None:
        between_steps()
        world.next_day(days)

    portfolio = people.create_portfolio("Acme", world.day(20), link="https://lab.example/acme")
    world.work()
    days_pass(6)  # 1
    people.note("portfolio", portfolio, "<p>Green</p>")
    people.set_status(portfolio, "Refresh Request Submitted")  # 2b
    people.complete_task(the(world, "kickoff").id)
    world.work()
    days_pass(14)  # 3
    tickets = with_tickets(world, portfolio)  # 4
    people.complete_task(the(world, "create_tickets").id)
    people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    days_pass(3)
    ready(world, *tickets)  # 5
    days_pass(1)
    people.request_revisions(tickets[0], "Copy Revisions Only")  # 6
    world.work()
    days_pass(1)
    people.complete_task(the(world, "revise_copy").id)
    ready(world, tickets[0])
    days_pass(1)
    people.set_status(portfolio, "Creatives Completed & Approved")  # 7
    world.work()
    days_pass(1)
    people.complete_task(the(world, "implement").id)  # 8, 9
    world.work()
    return portfolio


def test_the_whole_cycle(world: World) -> None:
    portfolio = live_through_a_cycle(world)
    assert world.kinds() == CYCLE_KINDS
    assert world.receivers() == CYCLE_RECEIVERS
    assert (world.status(portfolio), world.date(portfolio)) == ("", "2026-12-22")
    world.next_day(8)  # 7 December: fifteen days ahead of the next date
    assert world.kinds() == [*CYCLE_KINDS, "kickoff"]


RENAMED = Names(
    object_type_id="2-777",
    object_name="client_kits",
    object_label="Client Kit",
    object_plural="Client Kits",
    name="kit_name",
    status="refresh_state",
    date="refresh_on",
    cadence="every_days",
    link="lab",
    account_manager="am",
    social_ad_specialist="sas",
    copywriter="writer",
    graphic_designer="designer",
    statuses=(
        ("rrs", "Refresh Request Submitted"),
        ("nrr", "No Refresh Requested"),
        ("ds", "Deliverables Submitted"),
        ("cpa", "Creatives Pending Approval"),
        ("cca", "Creatives Completed & Approved"),
        ("ci", "Creatives Implemented"),
    ),
    cadences=(),
    pipeline=("4711", "Assets"),
    stages=(("41", "New"), ("42", "Doing"), ("43", "To approve"), ("44", "Approved"), ("45", "Done")),
    folder="folder",
    needs_revisions="redo",
    copy_approval="copy_ok",
    graphic_approval="graphic_ok",
    ticket_copywriter="t_writer",
    ticket_graphic_designer="t_designer",
    revisions=(("c", "Copy Revisions Only"), ("g", "Graphic Revisions Only"), ("b", "Copy and Graphic Revisions")),
    approvals=(("no", "Not Started"), ("qa", "Team Lead QA"), ("ok", "Approved")),
)
RENAMED_MAPPING = """
portfolio:
  object: client_kits
  properties: {name: kit_name, status: refresh_state, refresh_date: refresh_on, cadence: every_days, ad_lab_link: lab}
  owners: {account_manager: am, social_ad_specialist: sas, copywriter: writer, graphic_designer: designer}
  statuses:
    refresh_request_submitted: rrs
    no_refresh_requested: nrr
    deliverables_submitted: ds
    creatives_pending_approval: cpa
    creatives_approved: cca
    creatives_implemented: ci
ticket:
  pipeline: Assets
  in_progress: Doing
  pending_approval: '43'
  properties: {folder: folder, needs_revisions: redo, copy_approval: copy_ok, graphic_approval: graphic_ok}
  owners: {copywriter: t_writer, graphic_designer: t_designer}
  revisions: {copy: c, graphic: g, copy_and_graphic: b}
  approved: ok
  approval_reset: 'no'
"""


def test_another_portal_with_other_names(agency: Agency) -> None:
    world = agency(names=RENAMED, mapping=RENAMED_MAPPING)
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(0), cadence="45", link="https://lab.example/acme")
    world.work()
    tickets = with_tickets(world, portfolio)
    people.set_status(portfolio, "Deliverables Submitted")
    for ticket in tickets:
        people.move_ticket(ticket, "To approve")
    world.work()
    assert people.portfolio(portfolio)["refresh_state"] == "cpa"
    people.set("ticket", tickets[0], {"copy_ok": "ok"})
    people.request_revisions(tickets[0], "Copy Revisions Only")
    world.work()
    seen = people.ticket(tickets[0])
    assert (seen["hs_pipeline_stage"], seen["copy_ok"]) == ("42", "no")
    assert "(c)" in the(world, "revise_copy").body
    world.minutes(5)
    people.complete_task(the(world, "revise_copy").id)
    people.move_ticket(tickets[0], "To approve")
    world.work()
    assert people.ticket(tickets[0])["redo"] == ""
    people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    people.complete_task(the(world, "implement").id)
    world.work()
    seen = people.portfolio(portfolio)
    assert (seen["refresh_state"], seen["refresh_on"]) == ("", "2026-12-17")
    assert world.kinds() == CYCLE_KINDS
    people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert people.portfolio(portfolio)["refresh_on"] == "2027-01-31"
    assert len(world.kinds()) == len(CYCLE_KINDS)
    assert world.receivers() == CYCLE_RECEIVERS


def gold_only(agency: Agency) -> World:
    world = agency(mapping="portfolio: {condition: [{property: tier, in: [Gold]}]}")
    portal, type_id = world.sandbox.portal, world.people.process.names.object_type_id
    portal.define_property(type_id, Property("tier", "Tier"))
    if world.webhooks:
        world.sandbox.delivery.subscribe("propertyChange", type_id, "tier")
    return world


def test_nothing_at_all_outside_the_condition(agency: Agency) -> None:
    world = gold_only(agency)
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(0), tier="Bronze")
    tickets = with_tickets(world, portfolio)
    people.set_status(portfolio, "Deliverables Submitted")
    ready(world, *tickets)
    people.request_revisions(tickets[0], "Copy Revisions Only")
    world.work()
    for status in ("Creatives Completed & Approved", "Creatives Implemented", "", "No Refresh Requested"):
        world.minutes(5)
        people.set_status(portfolio, status)
        world.next_day()
    assert (world.tasks(), world.emails()) == ([], [])
    assert (world.status(portfolio), world.date(portfolio)) == ("No Refresh Requested", "2026-11-02")
    assert people.ticket(tickets[0])["needs_revisions"] == "Copy Revisions Only"
    changes = [v for name in ("creative_refresh_status", "creative_refresh_date") for v in history(world, name)]
    assert all(version.source_type == "CRM_UI" for version in changes)


def history(world: World, name: str) -> list[Any]:
    return [v for one in world.people.portfolios() for v in world.people.history("portfolio", one.id, name)]


def test_one_that_comes_back_in_is_judged_as_it_then_stands(agency: Agency) -> None:
    world = gold_only(agency)
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(-1), tier="Bronze")
    for status in ("No Refresh Requested", "Creatives Completed & Approved", "Refresh Request Submitted"):
        people.set_status(portfolio, status)
        world.minutes(5)
    people.set("portfolio", portfolio, {"tier": "Gold"})
    world.work()
    assert world.date(portfolio) == "2026-11-01"  # the decline came and went while it was outside
    assert world.kinds() == ["create_tickets"]
    assert world.receivers() == [SAS]


# Silence, calendars


def test_days_of_silence_are_caught_up_with(agency: Agency) -> None:
    """Nothing is heard for five days; one sweep then does what was missed, and nothing that is past."""
    world = agency()
    people = world.people
    kicked_off = people.create_portfolio("Kickoff missed", world.day(17))
    arrived = people.create_portfolio("Day missed", world.day(2))
    declined = people.create_portfolio("Decline missed", world.day(10))
    implemented = people.create_portfolio("Closing missed", world.day(-5), status="Deliverables Submitted")
    reviewed, tickets = in_review(world)
    world.work()
    if world.webhooks:
        world.sandbox.delivery.mode = DeliveryMode(lost=1.0)
    people.set_status(declined, "No Refresh Requested")
    people.set_status(implemented, "Creatives Implemented")
    people.request_revisions(tickets[0], "Copy Revisions Only")
    people.set_status(reviewed, "Creatives Completed & Approved")
    world.clock.advance(timedelta(minutes=1))
    people.set_status(reviewed, "Creatives Pending Approval")
    world.clock.advance(timedelta(days=5))
    world.sweep()
    world.work()
    assert world.kinds(on(kicked_off)) == ["kickoff"]
    assert world.kinds(on(arrived)) == ["kickoff", "create_tickets"]
    assert (world.date(declined), world.kinds(on(declined))) == ("2026-12-12", ["kickoff"])
    assert (world.date(implemented), world.status(implemented)) == ("2026-11-28", "")
    assert world.kinds(on(reviewed)).count("revise_copy") == 1
    assert world.kinds(on(reviewed)).count("implement") == 0  # moved back before anybody looked


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        # Clocks go back on 1 November 2026, forward on 14 March 2027: seventeen o'clock stays seventeen o'clock.
        pytest.param(datetime(2026, 10, 30, 13, 0, tzinfo=UTC), "2026-11-04 17:00", id="clocks go back"),
        pytest.param(datetime(2027, 3, 12, 14, 0, tzinfo=UTC), "2027-03-17 17:00", id="clocks go forward"),
    ],
)
def test_due_dates_over_a_clock_change(agency: Agency, start: datetime, expected: str) -> None:
    world = agency(start=start)
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    assert due(the(world, "kickoff")) == expected


@pytest.mark.parametrize(
    ("start", "day_after"),
    [
        pytest.param(datetime(2026, 11, 1, 3, 30, tzinfo=UTC), date(2026, 11, 1), id="the night the clocks go back"),
        pytest.param(datetime(2027, 3, 14, 3, 30, tzinfo=UTC), date(2027, 3, 14), id="the night they go forward"),
    ],
)
def test_the_date_arrives_at_the_portals_own_midnight(agency: Agency, start: datetime, day_after: date) -> None:
    world = agency(start=start)  # 23:30 the evening before, in New York (or 22:30 in winter)
    portfolio = world.people.create_portfolio("Acme", day_after)
    world.work()
    assert world.today == day_after - timedelta(days=1)
    assert world.kinds(on(portfolio)) == ["kickoff"]
    world.next_day()
    assert world.today == day_after
    assert world.kinds(on(portfolio)) == ["kickoff", "create_tickets"]


def test_the_31st_does_not_drift(agency: Agency) -> None:
    world = agency(start=datetime(2027, 1, 20, 15, 0, tzinfo=UTC))
    portfolio = world.people.create_portfolio("Acme", date(2027, 1, 31))
    world.work()
    for following in ("2027-02-28", "2027-03-28"):
        world.people.set_status(portfolio, "No Refresh Requested")
        world.work()
        assert world.date(portfolio) == following
        world.minutes(5)
        world.people.set_status(portfolio, "")
        world.work()
    world.people.set_refresh_date(portfolio, date(2027, 1, 31))
    world.clock.advance(timedelta(days=60))  # 21 March: counted from the old date at once
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2027-03-31"


def test_a_decline_that_waits_for_its_cadence_closes_nothing_that_came_since(make_world: MakeWorld) -> None:
    world = make_world(names=Names(cadences=()))
    acme = world.people.create_portfolio("Acme", world.day(10), cadence="99999")
    bolt = world.people.create_portfolio("Bolt", world.day(40))
    ticket = world.people.create_ticket("Ad 1", "", bolt)
    world.minutes(5)
    world.people.set_status(acme, "No Refresh Requested")
    world.minutes(5)
    assert [task.status for task in world.tasks(("portfolio", acme))] == ["COMPLETED"]
    world.people.dissociate("ticket", ticket, "portfolio", bolt)
    world.people.associate("ticket", ticket, "portfolio", acme)
    world.minutes(90)
    assert [task.status for task in world.tasks(("ticket", ticket))] == ["NOT_STARTED"] * 2
