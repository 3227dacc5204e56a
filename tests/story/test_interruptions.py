"""Work that somebody or something came in the way of: what was done stays done, and the rest follows once it can."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from sync.crm import CRMReader, Kind, Reading, RecordRef
from sync.failpoints import no_failpoint
from sync.passes.snapshot.parents import read_listed
from sync.passes.snapshot.tickets import TicketsRead, read_tickets
from sync.sandbox.faults import Fault, FaultKind
from sync.sandbox.process import Names
from sync.service.drain import drain
from sync.storage.work_queue import enqueue
from tests.conftest import MakeWorld
from tests.world import World

AM, SAS, DESIGNER = "account_manager", "social_ad_specialist", "graphic_designer"
NEVER_ARRIVES: FaultKind = "hang"
"""Nobody answers, and nothing was done: it takes a while until that is sure."""


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(go_live="2026-01-01")


def submitted(world: World, cadence: str = "") -> str:
    """A portfolio whose date has come, with its deliverables submitted."""
    portfolio = world.people.create_portfolio("Acme", world.day(0), cadence=cadence)
    world.work()
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.work()
    return portfolio


def with_ticket(world: World, portfolio: str, **options: str) -> str:
    ticket = world.people.create_ticket("Ad", "Winter", portfolio, **options)
    world.work()
    return ticket


def test_what_waited_for_a_person_goes_on_after_a_restore(world: World) -> None:
    portfolio = submitted(world)
    ticket = with_ticket(world, portfolio)
    world.people.set("portfolio", portfolio, {SAS: ""})
    world.people.move_ticket(ticket, "Pending Approval")
    world.minutes(1)
    assert [to for to, subject in world.emails() if "eview" in subject] == [AM]
    world.people.archive("portfolio", portfolio)
    world.minutes(5)
    world.people.restore("portfolio", portfolio)
    world.people.set("portfolio", portfolio, {SAS: world.people.owner(SAS)})
    world.minutes(5)
    assert [to for to, subject in world.emails() if "eview" in subject] == [
        AM,
        SAS,
    ]
    assert world.kinds().count("share_deliverables") == 1


def test_what_had_begun_goes_on_after_a_restore_though_its_cause_is_gone(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    world.sandbox.faults.add(Fault("503", "POST */single-email/send"))
    world.work()
    assert (world.kinds(), world.emails()) == (["kickoff"], [])
    world.people.archive("portfolio", portfolio)
    world.minutes(5)
    world.people.restore("portfolio", portfolio)
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.sandbox.faults.clear()
    world.minutes(5)
    assert (world.kinds(), len(world.emails())) == (["kickoff"], 1)


def test_what_waited_for_a_person_goes_with_the_ticket_to_another_portfolio(world: World) -> None:
    without, other = submitted(world), submitted(world)
    world.people.set("portfolio", without, {DESIGNER: ""})
    ticket = with_ticket(world, without)
    assert world.kinds(("ticket", ticket)) == ["write_copy"]
    world.people.dissociate("ticket", ticket, "portfolio", without)
    world.people.associate("ticket", ticket, "portfolio", other)
    world.minutes(5)
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]
    assert [task.associations["portfolio"] for task in world.tasks(("ticket", ticket))] == [(without,), (other,)]


@pytest.mark.parametrize("is_gone", [False, True], ids=["taken off", "deleted"])
def test_what_waited_on_a_ticket_that_was_away_when_the_client_declined_is_not_made(
    world: World, is_gone: bool
) -> None:
    portfolio = submitted(world)
    world.people.set("portfolio", portfolio, {DESIGNER: ""})
    ticket = with_ticket(world, portfolio)
    if is_gone:
        world.people.archive("ticket", ticket)
    else:
        world.people.dissociate("ticket", ticket, "portfolio", portfolio)
    world.minutes(5)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(5)
    if is_gone:
        world.people.restore("ticket", ticket)
    else:
        world.people.associate("ticket", ticket, "portfolio", portfolio)
    world.people.set("portfolio", portfolio, {DESIGNER: world.people.owner(DESIGNER)})
    world.minutes(90)
    assert world.kinds(("ticket", ticket)) == ["write_copy"]


def test_a_ticket_made_long_ago_is_of_the_cycle_in_which_it_came_into_the_pipeline(world: World) -> None:
    portfolio = submitted(world)
    ticket = with_ticket(world, portfolio, stage="1", hs_pipeline="0")
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(5)
    world.people.move_ticket(ticket, "New")
    world.minutes(5)
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]


def test_an_earlier_write_of_the_same_value_is_not_the_one_whose_answer_was_lost(world: World) -> None:
    portfolio = submitted(world)
    ticket = with_ticket(world, portfolio)
    for fault in ([], [Fault(NEVER_ARRIVES, "POST */tickets/batch/update", times=1)]):
        world.people.move_ticket(ticket, "Pending Approval")
        world.minutes(30)
        world.sandbox.faults.add(*fault)
        world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
        world.work()
        world.minutes(30)
        for task in world.tasks(("ticket", ticket)):
            world.people.complete_task(task.id)
        world.minutes(1)
    assert world.people.ticket(ticket).properties["hs_pipeline_stage"] == world.sandbox.process.stage("In Progress")
    assert world.kinds(("ticket", ticket)).count("revise_copy") == 2


def test_a_persons_own_change_is_not_the_write_whose_answer_was_lost(world: World) -> None:
    portfolio = submitted(world)
    ticket = with_ticket(world, portfolio)
    world.sandbox.faults.add(Fault(NEVER_ARRIVES, "POST */batch/update", times=1))
    world.people.move_ticket(ticket, "Pending Approval")
    world.work()
    assert world.status(portfolio) == "Deliverables Submitted"
    world.people.set_status(portfolio, "Creatives Pending Approval")
    world.people.advance(seconds=5)
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.minutes(10)
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert world.kinds().count("share_deliverables") == 1


def test_a_date_that_a_person_moved_is_not_the_answer_to_a_decline(world: World) -> None:
    """Nobody looked before the database was lost."""
    portfolio = submitted(world, cadence="Every 4 weeks")
    world.people.set_status(portfolio, "No Refresh Requested")
    world.people.advance(minutes=1)
    world.people.set_refresh_date(portfolio, world.day(20))
    world.people.advance(minutes=30)
    world.restart(lose_database=True)
    world.sweep()
    assert world.people.portfolio(portfolio).properties["creative_refresh_date"] == str(
        world.day(20) + timedelta(days=28)
    )


def test_a_task_that_was_deleted_before_it_was_known_to_be_made_is_not_made_again(world: World) -> None:
    """Simulation seed 1261: a task that a person deletes is not made a second time, and this one had been made."""
    portfolio = submitted(world)
    world.sandbox.faults.add(Fault("lost-hang", "POST */tasks/batch/create", times=1))
    world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    [made] = [task for task in world.tasks() if task.subject.startswith("Implement")]
    world.people.delete_task(made.id)
    world.minutes(10)
    world.sweep()
    assert "implement" not in world.kinds()
    assert [subject for to, subject in world.emails() if to == SAS][1:] == [
        "Client approved: please implement the new creatives of Acme"
    ]


def test_nothing_is_decided_while_a_write_may_still_land(world: World) -> None:
    """The old date, still there, must not bring the kickoff of the next cycle."""
    portfolio = world.people.create_portfolio("Acme", world.day(3), cadence="Every 8 weeks")
    world.work()
    world.sandbox.faults.add(Fault("late", "POST */batch/update", times=1, delay=60))
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.people.portfolio(portfolio).properties["creative_refresh_date"] == str(world.day(3))
    world.people.advance(seconds=10)
    world.people.set("portfolio", portfolio, {SAS: world.people.owner(AM)})
    mark = world.sandbox.log.mark()
    world.work()
    assert [call.endpoint for call in world.sandbox.log.since(mark) if "portfolios" in call.endpoint] == []
    assert world.kinds() == ["kickoff"]
    world.minutes(10)
    assert world.people.portfolio(portfolio).properties["creative_refresh_date"] == str(world.day(3 + 56))
    assert world.kinds() == ["kickoff"]


def test_work_on_a_ticket_that_was_not_read_waits(world: World) -> None:
    portfolio = submitted(world)
    world.sandbox.faults.add(Fault("refused", "POST */tasks/batch/create"))
    ticket = with_ticket(world, portfolio)
    world.sandbox.faults.clear()
    at = RecordRef(Kind.PORTFOLIO, portfolio)
    performer, portal = world.service.reconciler._rounds._performer, world.service.portals.get()
    assert performer.perform([at], {at}, portal).tried == 0
    assert world.kinds(("ticket", ticket)) == []
    performer.perform([at], {at, RecordRef(Kind.TICKET, ticket)}, portal)
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]


def test_what_waited_on_a_deleted_ticket_is_bypassed_by_a_decline(world: World) -> None:
    """Simulation seed 737: the ticket comes back after the decline, and somebody to do the work has been found."""
    portfolio = submitted(world)
    world.people.set("portfolio", portfolio, {DESIGNER: ""})
    ticket = with_ticket(world, portfolio)
    assert world.kinds(("ticket", ticket)) == ["write_copy"]
    world.people.archive("ticket", ticket)
    world.people.set("portfolio", portfolio, {DESIGNER: world.people.owner(DESIGNER)})
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(5)
    world.people.restore("ticket", ticket)
    world.minutes(5)
    world.sweep()
    assert world.kinds(("ticket", ticket)) == ["write_copy"]


def test_an_older_task_does_not_close_the_cycle_while_the_newest_approval_has_none(world: World) -> None:
    """Simulation seed 1847: the task of the newest approval could not be sent at first."""
    portfolio = submitted(world)
    world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    [made] = [task for task in world.tasks() if task.subject.startswith("Implement")]
    world.people.set_status(portfolio, "Creatives Pending Approval")
    world.people.complete_task(made.id)
    world.sandbox.faults.add(Fault("429-daily", "POST */tasks/batch/create", times=1))
    world.clock.advance(timedelta(seconds=1))
    world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    world.people.set("portfolio", portfolio, {AM: world.people.owner(SAS)})
    world.minutes(10)
    assert world.status(portfolio) == "Creatives Completed & Approved"
    assert world.kinds().count("implement") == 2


def test_a_set_advances_the_status_though_another_that_was_ready_with_it_goes_back(world: World) -> None:
    """Simulation seed 901: the status could not be written before the client asked for changes to the other set."""
    portfolio = submitted(world)
    spring, winter = (world.people.create_ticket("Ad", folder, portfolio) for folder in ("Spring", "Winter"))
    world.work()
    world.sandbox.faults.add(Fault("502", "POST */batch/update", times=1))
    world.people.move_ticket(spring, "Pending Approval")
    world.people.move_ticket(winter, "Pending Approval")
    world.work()
    assert world.status(portfolio) == "Deliverables Submitted"
    world.people.request_revisions(spring, "Copy Revisions Only", note="Warmer, please")
    world.people.move_ticket(spring, "In Progress")
    world.minutes(10)
    assert world.status(portfolio) == "Creatives Pending Approval"
    assert [task.subject for task in world.tasks() if task.subject.startswith("Share")] == [
        "Share Deliverables With Client: Acme (Winter)"
    ]


def test_a_ticket_that_moves_before_the_portfolio_of_which_it_was_told_is_read(make_world: MakeWorld) -> None:
    """Simulation seed 2457: no webhook tells, and the portfolio that it is on now gives nobody a reason to look."""
    world = make_world(go_live="2026-01-01", webhooks=False)
    acme, quiet = (world.people.create_portfolio(name, world.day(90)) for name in ("Acme", "Quiet"))
    world.minutes(10)
    ticket = world.people.create_ticket("Ad", "Winter", acme)

    def move(step: str) -> None:
        if step == "homes":
            world.failpoint = no_failpoint
            world.people.associate("ticket", ticket, "portfolio", quiet, label="Primary")

    world.failpoint = move
    world.clock.advance(timedelta(hours=1))
    world.work()
    world.next_day()
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]
    assert world.kinds(("portfolio", quiet)) == ["write_copy", "design_graphics"]


@pytest.mark.parametrize("ahead", [0, 4, -4])
def test_a_set_that_is_ready_only_after_a_decline_while_both_are_read_is_not_announced(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """Simulation seed 3121: declined after the portfolio was read, and ready before its tickets were.

    `ahead`: the minutes that our clock is ahead of the CRM's.
    """
    world = make_world(ahead=timedelta(minutes=ahead))
    portfolio = submitted(world, cadence="Weekly")
    ticket = with_ticket(world, portfolio)
    world.people.set_status(portfolio, "Creatives Pending Approval")
    world.minutes(1)

    def late(crm: CRMReader, ids: Sequence[str], *others: Any) -> TicketsRead:
        if world.status(portfolio) != "No Refresh Requested":
            world.clock.advance(timedelta(seconds=2))
            world.people.set_status(portfolio, "No Refresh Requested")
            world.people.move_ticket(ticket, "Pending Approval")
        return read_tickets(crm, ids, *others)

    monkeypatch.setattr("sync.passes.snapshot.group.read_tickets", late)
    world.people.set("portfolio", portfolio, {"most_recent_ad_lab_link": "https://lab.example"})
    world.work()
    world.minutes(5)
    assert world.status(portfolio) == "No Refresh Requested"
    assert world.kinds().count("share_deliverables") == 0


def test_a_set_is_not_announced_without_a_ticket_that_came_before_it_was_said_to_be_complete(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of tickets was read, a second one came, and only then the status was set."""
    portfolio = world.people.create_portfolio("Acme", world.day(0))
    world.work()
    first = world.people.create_ticket("Ad 1", "Winter", portfolio)
    second = world.people.create_ticket("Ad 2", "Winter")
    world.work()
    world.clock.advance(timedelta(seconds=1))
    world.people.move_ticket(first, "Pending Approval")
    world.people.move_ticket(second, "Pending Approval")
    acted = False

    def late(crm: CRMReader, ids: Sequence[str], *others: Any) -> TicketsRead:
        nonlocal acted
        if not acted and first in ids:
            acted = True
            world.clock.advance(timedelta(seconds=1))
            world.people.associate("ticket", second, "portfolio", portfolio)
            world.people.set_status(portfolio, "Deliverables Submitted")
            world.people.set("ticket", first, {"subject": "Ad one"})
        return read_tickets(crm, ids, *others)

    monkeypatch.setattr("sync.passes.snapshot.group.read_tickets", late)
    world.sweep()
    world.minutes(5)
    assert acted
    assert world.kinds(("portfolio", portfolio)).count("share_deliverables") == 1


def test_work_for_a_ticket_that_came_again_after_a_decline_is_of_the_new_cycle(world: World) -> None:
    """Simulation seed 4409: it was decided on once before, and nobody was there to do it."""
    people, names = world.people, world.sandbox.process.names
    nobody = {"copywriter": "", "graphic_designer": ""}
    portfolio = submitted(world, cadence="Weekly")
    people.set("portfolio", portfolio, nobody)
    ticket = with_ticket(world, portfolio)
    people.set_status(portfolio, "No Refresh Requested")
    world.minutes(5)
    people.set("ticket", ticket, {"hs_pipeline": "0", "hs_pipeline_stage": "1"})
    world.minutes(5)
    people.set("ticket", ticket, {"hs_pipeline": names.pipeline[0], "hs_pipeline_stage": names.stages[0][0]})
    people.set("portfolio", portfolio, {name: people.owner(name) for name in nobody})
    world.minutes(5)
    made = world.tasks(("ticket", ticket))
    assert [task.open for task in made] == [True, True]
    people.set_status(portfolio, "Refresh Request Submitted")
    world.minutes(5)
    people.set_status(portfolio, "No Refresh Requested")
    world.minutes(5)
    assert [people.task(task.id).open for task in made] == [False, False]


def test_a_poll_finds_a_ticket_that_was_read_with_another_portfolio(make_world: MakeWorld) -> None:
    """Simulation seed 4096: it is on two, and the one that it does not count for was looked at after it changed."""
    world = make_world(go_live="2026-01-01", webhooks=False)
    acme, other = (world.people.create_portfolio(name, world.day(0)) for name in ("Acme", "Other"))
    ticket = world.people.create_ticket("Ad", "Winter", [acme, other])
    world.minutes(10)
    for portfolio in (acme, other):
        world.people.set_status(portfolio, "Deliverables Submitted")
    world.minutes(30)
    world.people.move_ticket(ticket, "Pending Approval")
    world.clock.advance(timedelta(minutes=5))
    with world.service.store.write() as connection:
        enqueue(connection, [RecordRef(Kind.PORTFOLIO, other)], world.clock.now(), "test")
    drain(world.service)
    world.minutes(5)
    assert world.kinds(("portfolio", acme)).count("share_deliverables") == 1


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


def test_a_decline_closes_the_tasks_of_tickets_though_its_portfolio_is_merged_while_it_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portfolio was read, then merged, and then its tickets were asked for: they are on the new record by now."""
    portfolio = submitted(world)
    with_ticket(world, portfolio)
    other = world.people.create_portfolio("Acme 2", world.day(40))
    world.work()
    assert [task.subject for task in world.tasks() if task.open] != []
    world.people.set_status(portfolio, "No Refresh Requested")
    world.clock.advance(timedelta(minutes=5))
    acted = False

    def late(crm: CRMReader, portfolios: Sequence[str]) -> Reading[Sequence[str]]:
        nonlocal acted
        if not acted:
            acted = True
            world.people.merge("portfolio", portfolio, other)
        return read_listed(crm, portfolios)

    monkeypatch.setattr("sync.passes.snapshot.group.read_listed", late)
    for _ in range(3):
        world.work()
        world.minutes(5)
    assert [task.subject for task in world.tasks() if task.open] == []
    assert world.kinds() == ["kickoff", "create_tickets", "write_copy", "design_graphics"]
