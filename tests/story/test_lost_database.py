"""The database is lost, at any stage of a cycle: what was done is not done again (docs/process.md G.7)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from mappings.vocabulary import TaskKind
from sync.passes import recovery
from sync.rules import keys
from sync.sandbox.faults import Fault
from sync.sandbox.mail import SmtpSink
from sync.sandbox.quirks import Quirks
from sync.service.drain import run_poll
from sync.storage import service_state
from tests.conftest import MakeWorld
from tests.story.copies import in_copy
from tests.story.one_cycle import PAST, STAGES, Story, lost, reach, seen


def test_a_portal_that_does_not_search_by_source_is_taken_back_by_the_property(make_world: MakeWorld) -> None:
    """docs/hubspot.md 4.19: the search for marks is refused, and that for the property is not."""
    world = make_world(go_live=PAST, quirks=Quirks(search_by_source=False))
    story = reach(world, "staffed")
    world.minutes(30)
    before = seen(world)
    world.restart(lose_database=True)
    world.sweep()
    assert seen(world) == before
    story.do("declined")
    assert [task.open for task in world.tasks()] == [False] * len(world.tasks())


@pytest.mark.parametrize("go_live", [None, PAST])
def test_an_empty_database_repeats_nothing(make_world: MakeWorld, go_live: str | None) -> None:
    """Lost after each step of the cycle, in a copy of its own: at once, and when all is quiet."""
    world = make_world(go_live=go_live)
    story = Story(world)
    for name in STAGES:
        story.do(name)
        for at_once in (False, True):
            found = in_copy(world, lambda copy, at_once=at_once: lost(copy, at_once=at_once))  # type: ignore[misc]
            assert found == seen(world), f"{name}, {'at once' if at_once else 'later'}"


@pytest.mark.parametrize("go_live", [None, PAST])
@pytest.mark.parametrize("at_once", [False, True])
def test_a_decline_is_not_carried_out_again(make_world: MakeWorld, at_once: bool, go_live: str | None) -> None:
    world = make_world(go_live=go_live)
    story = Story(world)
    story.do("declined")
    moved, before = world.date(story.portfolio), seen(world)
    assert lost(world, at_once=at_once) == before
    assert world.date(story.portfolio) == moved


@pytest.mark.parametrize("go_live", [None, PAST])
def test_a_task_taken_back_still_closes_the_cycle(make_world: MakeWorld, go_live: str | None) -> None:
    world = make_world(go_live=go_live)
    story = reach(world, "approved")
    world.minutes(30)
    world.restart(lose_database=True)
    world.work()
    story.do("implemented")
    assert world.receivers().count("account_manager") == world.receivers()[:-1].count("account_manager") + 1


def test_the_cycle_goes_on_where_it_was(make_world: MakeWorld) -> None:
    """The database is lost before every single step, with GO_LIVE set: the whole cycle ends as ever."""
    undisturbed = make_world(go_live=PAST)
    reach(undisturbed, STAGES[-1])
    world = make_world(go_live=PAST)
    story = Story(world)
    for name in STAGES:
        world.minutes(12)
        world.restart(lose_database=True)
        world.minutes(2)
        story.do(name)
    assert world.kinds() == undisturbed.kinds()
    assert world.emails() == undisturbed.emails()


def test_one_task_of_a_ticket_was_made_the_other_was_not(make_world: MakeWorld) -> None:
    """Nobody designed graphics when the database was lost: the copywriter's task does not stand in for that one.

    docs/process.md 4.12.
    """
    world = make_world(go_live=PAST)
    acme = world.people.create_portfolio("Acme", world.day(40), graphic_designer=None)
    world.people.create_ticket("t", "Autumn", acme)
    world.work()
    assert world.kinds() == ["write_copy"]
    world.minutes(30)
    world.restart(lose_database=True)
    world.work()
    designer = world.people.owner("graphic_designer")
    world.people.set("portfolio", acme, {"graphic_designer": designer})
    world.minutes(2)
    assert sorted(world.kinds()) == ["design_graphics", "write_copy"]


@pytest.mark.parametrize("done", [False, True], ids=["still in work", "done and back"])
@pytest.mark.parametrize("before", ["Pending Approval", "In Progress"])
def test_a_revision_that_an_open_task_stood_for_is_not_answered_again(
    make_world: MakeWorld, before: str, done: bool
) -> None:
    """A value set, emptied and set again asked for one task, and nothing carries the key of the second.

    docs/process.md 6.15.
    """
    world = make_world(go_live=PAST)
    acme = world.people.create_portfolio("Acme", world.day(40))
    ticket = world.people.create_ticket("t", "", acme)
    world.people.move_ticket(ticket, before)
    world.minutes(1)
    for value in ("Copy Revisions Only", "", "Copy Revisions Only"):
        world.people.request_revisions(ticket, value, note="Warmer, please")
        world.clock.advance(timedelta(seconds=5))
    world.minutes(5)
    revision = world.tasks()[-1]
    assert world.kinds().count("revise_copy") == 1
    world.minutes(30)
    if done:
        world.people.complete_task(revision.id)
        world.people.move_ticket(ticket, "Pending Approval")
    world.restart(lose_database=True)
    world.sweep()
    world.minutes(30)
    assert world.kinds().count("revise_copy") == 1
    stage = world.people.ticket(ticket)["hs_pipeline_stage"]
    assert stage == world.people.process.stage("Pending Approval" if done else "In Progress")


@pytest.mark.parametrize("ending", ["No Refresh Requested", "Creatives Implemented"])
def test_the_date_was_moved_at_the_very_moment_of_the_loss(make_world: MakeWorld, ending: str) -> None:
    """The new ledger begins in the same millisecond, or by a clock that is behind the CRM's: the date moves once."""
    world = make_world(go_live=PAST)
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.work()
    world.people.set_status(acme, ending)
    world.work()
    moved = world.date(acme)
    assert moved != world.day(40).isoformat()
    world.restart(lose_database=True)
    world.work()
    world.sweep()
    world.minutes(30)
    assert world.date(acme) == moved


def test_a_task_that_a_person_had_deleted_is_not_made_again(make_world: MakeWorld) -> None:
    world = make_world(go_live=PAST)
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.people.create_portfolio("Bolt", world.day(10))
    world.people.create_ticket("t", "Autumn", acme)
    world.work()
    emails = world.emails()
    for task in world.tasks(("portfolio", acme)):
        world.people.delete_task(task.id)
    left = world.kinds()
    world.minutes(30)
    world.restart(lose_database=True)
    world.sweep()
    world.minutes(30)
    assert world.kinds() == left
    assert world.emails() == emails


# How it is taken back


def test_the_search_lags_and_nothing_is_made_twice(make_world: MakeWorld) -> None:
    """The newest task is not in the index when the ledger is filled: it is found at its record."""
    world = make_world()
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    world.restart(lose_database=True)
    world.prepare()
    assert recovery.is_needed(world.service.store) is False
    assert recovery.is_final(world.service.store) is False
    with world.service.store.read() as connection:
        assert service_state.get(connection, service_state.RECOVERED) == 0
    world.sweep()
    assert world.kinds() == ["kickoff"]
    assert len(world.emails()) == 1


def test_what_the_search_did_not_show_is_taken_back_later(make_world: MakeWorld) -> None:
    """Nobody looks at the portfolio until days have passed: its task is known by then all the same."""
    world = make_world(webhooks=False)
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    world.restart(lose_database=True)
    world.prepare()
    world.clock.advance(recovery.SEARCH_LAGS)
    world.prepare()
    assert recovery.is_final(world.service.store)
    with world.service.store.read() as connection:
        assert service_state.get(connection, service_state.RECOVERED) == 1
    world.next_day(2)
    assert world.kinds(("portfolio", acme)) == ["kickoff"]
    assert len(world.emails()) == 1


def test_what_waited_for_an_ending_that_only_had_a_task_to_close(make_world: MakeWorld) -> None:
    """Simulation seed 11182: the reset was written, the task not closed; the next cycle's kickoff waited for that."""
    world = make_world(go_live=PAST)
    story = reach(world, "approved")
    world.people.set("portfolio", story.portfolio, {world.sandbox.process.names.cadence: "Weekly"})
    world.minutes(5)
    world.sandbox.faults.add(Fault("500", "POST */tasks/batch/update"))
    world.people.set_status(story.portfolio, "Creatives Implemented")
    world.minutes(1)
    assert world.sandbox.process.names.status not in world.people.portfolio(story.portfolio).properties
    world.sandbox.faults.clear()
    world.clock.advance(timedelta(minutes=30))
    [implement] = [task.id for task in world.tasks() if task.key.endswith(keys.suffix_of(TaskKind.IMPLEMENT))]
    assert world.people.task(implement).open
    world.restart(lose_database=True)
    world.sweep()
    assert not world.people.task(implement).open
    world.minutes(2)
    assert world.kinds().count("kickoff") == 2


@pytest.mark.parametrize("step", ["searched", "taken back"])
def test_taking_back_that_is_interrupted_begins_again(make_world: MakeWorld, step: str) -> None:
    class Crash(BaseException):
        pass

    def failpoint(reached: str) -> None:
        if reached == step:
            world.failpoint = lambda _: None
            raise Crash

    world = make_world()
    reach(world, "approved")
    before = seen(world)
    world.minutes(30)
    world.failpoint = failpoint
    world.restart(lose_database=True)
    with pytest.raises(Crash):
        world.work()
    world.restart()
    world.next_day()
    assert seen(world) == before


def test_two_processes_take_back_at_the_same_time(make_world: MakeWorld) -> None:
    """One searched before the other had begun its first pass, and writes down what it found after it."""
    world = make_world()
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    world.minutes(30)
    world.restart(lose_database=True)
    service = world.service

    def second(step: str) -> None:
        if step == "searched":
            world.failpoint = lambda _: None
            world.work()
            world.sweep()

    recovery.recover_tasks(service.store, service.crm, service.portals.get(), second)
    world.next_day()
    assert world.kinds() == ["kickoff"]
    assert len(world.emails()) == 1


def test_a_key_that_cannot_be_read_is_left_alone(make_world: MakeWorld) -> None:
    world = make_world()
    acme = world.people.create_portfolio("Acme", world.day(40))
    for key in ("a note to self", "1:x/task:kickoff", "99:1/task:kickoff", "1:1/task:unheard_of", "1"):
        world.people.create_task("Mine", [("portfolio", acme)], handoff_key=key)
    world.minutes(5)
    world.restart(lose_database=True)
    world.clock.advance(timedelta(minutes=1))
    assert world.sweep().errors == 0
    with world.service.store.read() as connection:
        assert service_state.get(connection, service_state.RECOVERED) == 0


def test_a_decline_closes_what_was_made_on_a_ticket_that_is_deleted_since(make_world: MakeWorld) -> None:
    """Simulation seed 173: the task itself tells which portfolio it was made on."""
    world = make_world(go_live=PAST)
    story = Story(world)
    story.staffed()
    world.minutes(30)
    world.restart(lose_database=True)
    world.people.archive("ticket", story.tickets[0])
    world.people.set_status(story.portfolio, "No Refresh Requested")
    world.minutes(5)
    assert [task.status for task in world.tasks()] == ["COMPLETED"] * 5


def test_a_closing_leaves_what_was_made_on_a_ticket_after_it_had_left(make_world: MakeWorld) -> None:
    """Simulation seed 17: its newest task was made when it was on no portfolio, whatever its older ones are on."""
    world = make_world(go_live=PAST)
    story = Story(world)
    story.staffed()
    ticket = story.tickets[0]
    world.people.dissociate("ticket", ticket, "portfolio", story.portfolio)
    world.people.set("ticket", ticket, {"copywriter": world.people.owner("copywriter")})
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.minutes(30)
    world.restart(lose_database=True)
    world.people.set_status(story.portfolio, "Creatives Implemented")
    world.minutes(5)
    left = [task.subject.partition(":")[0] for task in world.tasks() if task.open]
    assert left == ["Write Copy", "Design Graphics", "Revise Copy"]


def test_what_nobody_had_looked_at_before_the_loss_is_found_after_it(make_world: MakeWorld) -> None:
    """Simulation seed 1453: a ticket that no webhook told of, on a portfolio without a status or a date near."""
    world = make_world(go_live=PAST, webhooks=False)
    ticket = world.people.create_ticket("Ad", "Autumn", world.people.create_portfolio("Acme", world.day(90)))
    world.clock.advance(timedelta(hours=12))
    world.restart(lose_database=True)
    world.clock.advance(timedelta(minutes=3))
    run_poll(world.service)
    world.work()
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A mail server: unlike single-send it takes the same email twice."""
    with SmtpSink() as sink:
        yield sink


def by_smtp(sink: SmtpSink) -> dict[str, str]:
    return {"go_live": PAST, "email_url": sink.url, "email_from": "handoffs@agency.example"}


def subjects(sink: SmtpSink) -> list[str]:
    return sorted(str(mail.as_json()["subject"]).partition(":")[0] for mail in sink.mails)


def test_a_task_that_lands_after_the_loss_is_not_made_twice(make_world: MakeWorld, sink: SmtpSink) -> None:
    """Simulation seed 1897: it was on its way when the process died, and nobody knows of it any more.

    Nor is its email sent once more, while the task may still land (docs/process.md G.11).
    """
    world = make_world(**by_smtp(sink))
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    world.minutes(20)  # the ledger is no longer young: an email does not wait for the outcome of a task
    world.sandbox.faults.add(Fault("late-504", "POST */tasks/batch/create", times=1, delay=45.0))
    harbor = world.people.create_portfolio("Harbor", world.day(10))
    world.work()
    sent = ["Creative refresh of Acme", "Creative refresh of Harbor"]
    assert subjects(sink) == sent
    world.restart(lose_database=True)
    world.sweep()
    world.minutes(5)
    assert world.kinds(("portfolio", harbor)) == ["kickoff"]
    assert subjects(sink) == sent


def test_a_task_that_never_landed_is_made_and_its_email_goes_with_it(make_world: MakeWorld) -> None:
    """docs/process.md G.11: it waits no longer than the task does."""
    world = make_world(go_live=PAST)
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    harbor = world.people.create_portfolio("Harbor", world.day(10))
    world.restart(lose_database=True)
    world.sweep()
    assert world.kinds(("portfolio", harbor)) == []
    assert len(world.emails()) == 1
    world.minutes(5)
    assert world.kinds(("portfolio", harbor)) == ["kickoff"]
    assert len(world.emails()) == 2


def test_a_task_for_whom_nobody_is_named_any_more_was_made_all_the_same(make_world: MakeWorld, sink: SmtpSink) -> None:
    """docs/process.md G.11: the Account Manager has left, the search does not show the task yet, and the SAS was told."""
    world = make_world(**by_smtp(sink))
    story = reach(world, "staffed")
    world.minutes(20)
    for ticket in story.tickets:
        world.people.move_ticket(ticket, "Pending Approval")
    world.work()
    sent = subjects(sink)
    assert "In client review" in sent
    portal = world.sandbox.portal
    portal.index.drop(portal.get(portal.type("task").id, int(world.tasks()[-1].id)))
    world.people.set("portfolio", story.portfolio, {"account_manager": ""})
    world.people.set_status(story.portfolio, "Deliverables Submitted")
    world.restart(lose_database=True)
    world.sweep()
    world.minutes(5)
    world.minutes(30)
    assert subjects(sink) == sent


def test_late_notes_that_were_added_one_by_one_are_not_added_again_together(make_world: MakeWorld) -> None:
    """docs/process.md 6.21: the body shows what it quotes, though the ledger that knew it is lost."""
    world = make_world(go_live=PAST)
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(40))
    ticket = people.create_ticket("Ad 1", "Winter", portfolio)
    people.request_revisions(ticket, "Copy Revisions Only", note="shorter")
    world.work()
    for said in ("and bluer", "and rounder"):
        people.note("ticket", ticket, said)
        people.set("ticket", ticket, {"needs_revisions": ""})
        people.set("ticket", ticket, {"needs_revisions": "Copy Revisions Only"})
        world.minutes(4)
    (task,) = (one for one in world.tasks(("ticket", ticket)) if "evis" in one.subject)
    assert [task.body.count(said) for said in ("shorter", "and bluer", "and rounder", "Added:")] == [1, 1, 1, 2]
    world.restart(lose_database=True)
    world.clock.advance(timedelta(hours=2))
    world.sweep()
    for _ in range(4):
        world.minutes(5)
    (task,) = (one for one in world.tasks(("ticket", ticket)) if "evis" in one.subject)
    assert [task.body.count(said) for said in ("shorter", "and bluer", "and rounder")] == [1, 1, 1]
