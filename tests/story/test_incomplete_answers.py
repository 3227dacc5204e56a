"""Absent is not empty: answers that lack something while the service is up (docs/process.md, “What an answer lacks”)."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from sync.admin.adopt import plan as adoption
from sync.admin.verify import Sort, verify
from sync.crm import CRMReader, Kind, RecordRef
from sync.errors import HandoffsError, MappingMisfitError
from sync.observe import status
from sync.observe.status import Status
from sync.passes.snapshot.parents import Parents, find_parents
from sync.sandbox.faults import Fault, FaultKind
from sync.sandbox.quirks import Quirks
from sync.storage import work_queue
from tests.alive import give_signs
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import begun, in_review, of, on, ready, the, with_tickets
from tests.terminal import Terminal
from tests.world import World

PORTFOLIOS = "POST *_portfolios/batch/read"
TICKETS = "POST */tickets/batch/read"
TASKS = "POST */tasks/batch/read"
NOTES = "POST */notes/batch/read"
PARENTS = "POST */associations/2026-09/tickets/*portfolios/batch/read"
LISTS = "POST */associations/2026-09/*portfolios/tickets/batch/read"


@pytest.fixture
def terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(world, monkeypatch)


def lacks(world: World, kind: FaultKind, calls: str, record: str = "*", name: str = "*") -> None:
    """From now on every answer of these calls lacks something of this record."""
    world.sandbox.faults.add(Fault(kind, calls, record=record, name=name, share=1.0))


def whole_again(world: World) -> None:
    """The CRM answers as it should, and what waited is looked at."""
    world.sandbox.faults.clear()
    world.minutes(61)


def told(world: World) -> Status:
    give_signs(world.service.store, world.clock)
    return status.read(world.service.store, world.clock, world.settings)


def done(world: World) -> tuple[list[str], int]:
    """The kinds of tasks, and how many emails were sent."""
    return world.kinds(), len(world.emails())


def test_a_history_that_was_seen_is_not_taken_for_none(make_world: MakeWorld) -> None:
    """Where a portal leaves out what was never set, an empty status whose history is left out was set all the same, once.

    Seen in the simulation (seed 54161): a decline that waited for its cadence was forgotten, and the next kickoff made.
    """
    weekly = "cadence: {default: Weekly, values: {Weekly: 1 week}}"
    world = make_world(quirks=Quirks(empty_history="absent"), webhooks=False, mapping=weekly)
    portfolio = world.people.create_portfolio("Acme", world.day(3), cadence="Quarterly")
    world.work()
    assert done(world) == (["kickoff"], 1)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(5)
    world.people.set_status(portfolio, "")
    world.people.set_refresh_date(portfolio, world.day(9))
    lacks(world, "no-history", PORTFOLIOS, portfolio, "creative_refresh_status")
    world.minutes(61)
    assert done(world) == (["kickoff"], 1)
    (one,) = told(world).incomplete
    assert "lacks the history of “creative_refresh_status”" in str(one.faulty)
    whole_again(world)
    assert done(world) == (["kickoff"], 1)
    world.people.set("portfolio", portfolio, {"creative_refresh_cadence": "Weekly"})
    world.minutes(61)
    assert world.date(portfolio) == world.day(16).isoformat()


class TestAnArchivedProperty:
    def test_of_the_status_makes_no_kickoff(self, world: World) -> None:
        """docs/process.md R.10. Seen: three portfolios whose cycle was under way got a kickoff with an email each."""
        under_way = [world.people.create_portfolio(f"Client {n}", world.day(40)) for n in range(3)]
        for portfolio in under_way:
            world.people.set_status(portfolio, "Deliverables Submitted")
        world.work()
        world.people.archive_property("portfolio", "creative_refresh_status")
        for portfolio in under_way:
            world.people.set_refresh_date(portfolio, world.day(10))
        with pytest.raises(MappingMisfitError, match="“creative_refresh_status” of the portal's portfolio is archived"):
            world.minutes(5)
        assert done(world) == ([], 0)
        world.people.restore_property("portfolio", "creative_refresh_status")
        world.minutes(5)
        assert done(world) == ([], 0)

    def test_what_is_due_comes_once_it_is_restored(self, world: World) -> None:
        world.work()
        world.clock.advance(timedelta(minutes=2))
        world.people.create_portfolio("Acme", world.day(10))
        world.people.archive_property("portfolio", "creative_refresh_cadence")
        with pytest.raises(MappingMisfitError, match=r"portfolio.properties.cadence: .* archived. Restore it"):
            world.work()
        with pytest.raises(HandoffsError):
            world.minutes(30)
        world.people.restore_property("portfolio", "creative_refresh_cadence")
        world.minutes(1)
        assert done(world) == (["kickoff"], 1)

    def test_that_the_mapping_can_do_without_stops_nothing(self, world: World) -> None:
        """docs/process.md R.10: the ticket's own people are optional: the portfolio's do the work."""
        (ticket,) = with_tickets(world, begun(world), 1)
        world.clock.advance(timedelta(minutes=2))
        world.people.archive_property("ticket", "copywriter")
        world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
        world.work()
        assert world.kinds().count("revise_copy") == 1
        assert told(world).incomplete == ()

    def test_of_keys_makes_no_task_again(self, world: World) -> None:
        world.people.create_portfolio("Acme", world.day(10))
        world.sandbox.faults.add(Fault("lost", "POST */tasks/batch/create", times=1))
        world.work()
        lacks(world, "no-property", TASKS, name="handoff_key")
        world.minutes(10)
        assert world.kinds() == ["kickoff"]
        whole_again(world)
        assert done(world) == (["kickoff"], 1)


class TestAPortfolio:
    """docs/process.md R.1, R.2 and R.9."""

    @pytest.mark.parametrize(
        ("kind", "calls", "name", "lack"),
        [
            ("no-property", PORTFOLIOS, "creative_refresh_status", "the property “creative_refresh_status”"),
            ("no-property", PORTFOLIOS, "account_manager", "the property “account_manager”"),
            ("no-history", PORTFOLIOS, "creative_refresh_date", "the history of “creative_refresh_date”"),
            ("no-histories", PORTFOLIOS, "*", "the history of “creative_refresh_date”"),
            ("no-list", LISTS, "*", "the list of its tickets"),
        ],
    )
    def test_that_is_faulty_waits_alone(self, world: World, kind: FaultKind, calls: str, name: str, lack: str) -> None:
        acme = world.people.create_portfolio("Acme", world.day(10))
        world.people.create_ticket("old", "Autumn", acme, stage="Closed")
        lacks(world, kind, calls, acme, name)
        other = world.people.create_portfolio("Bolt", world.day(10))
        world.work()
        assert world.kinds(on(acme)) == []
        assert world.kinds(on(other)) == ["kickoff"]
        (one,) = told(world).incomplete
        assert one.faulty.record == RecordRef(Kind.PORTFOLIO, acme)
        assert lack in one.faulty.why
        assert not told(world).ok
        whole_again(world)
        assert world.kinds(on(acme)) == ["kickoff"]
        assert (told(world).ok, told(world).incomplete) == (True, ())

    def test_is_looked_at_ever_more_seldom_and_never_parked(self, world: World) -> None:
        acme = world.people.create_portfolio("Acme", world.day(10))
        lacks(world, "no-property", PORTFOLIOS, acme, "name")
        world.work()
        waits = []
        for _ in range(40):
            with world.service.store.read() as connection:
                (queued,) = work_queue.find(connection, [RecordRef(Kind.PORTFOLIO, acme)]).values()
            assert queued.parked_at is None
            waits.append((queued.not_before - world.clock.now()).total_seconds())
            world.clock.set(queued.not_before)
            world.work()
        assert waits[:4] == [15, 15, 30, 60]
        assert waits[-1] == 3600
        world.sandbox.faults.clear()
        world.minutes(61)
        assert done(world) == (["kickoff"], 1)

    def test_status_names_record_and_property(self, world: World, terminal: Terminal) -> None:
        acme = world.people.create_portfolio("Acme", world.day(10))
        lacks(world, "no-property", PORTFOLIOS, acme, "account_manager")
        world.work()
        shown = terminal.run("status")
        assert shown.exit_code == 1
        assert f"portfolio {acme}: the CRM's answer lacks the property “account_manager”" in shown.stdout
        said = " ".join(shown.stdout.split())
        assert "1 record came incomplete from the CRM" in said
        assert "`handoffs check` says whether a property is archived or hidden" in said
        (found,) = terminal.json("status")["incomplete"]
        assert found["record"] == found["waits"] == {"kind": "portfolio", "id": acme}
        assert found["lacks"] == [{"what": "property", "name": "account_manager"}]
        told_by_explain = terminal.run("explain", acme)
        assert told_by_explain.exit_code != 0
        assert "lacks the property “account_manager”" in told_by_explain.stderr

    def test_is_not_well_to_verify_adopt_and_plan(self, world: World, terminal: Terminal) -> None:
        acme = world.people.create_portfolio("Acme", world.day(10))
        world.work()
        world.people.flush_search()
        lacks(world, "no-histories", PORTFOLIOS, acme)
        report = verify(world.service.reading)
        assert [(one.sort, one.portfolio) for one in report.findings] == [(Sort.NOT_READ, acme)]
        assert not report.ok
        assert list(adoption(world.service.reading).faulty) == [acme]
        assert terminal.run("plan").exit_code == 1


NOTE_LISTS = "POST */associations/2026-09/*portfolios/notes/batch/read"


class TestAListThatIsLeftOut:
    def test_of_a_portal_that_tells_of_none_is_missing_after_a_restart_too(self, world: World) -> None:
        """docs/process.md R.8. Seen: a new process took silence for none, and made a task a second time."""
        portfolio = begun(world)
        with_tickets(world, portfolio, 1)
        world.people.note("portfolio", portfolio, "Blue, please")
        world.restart()
        lacks(world, "left-out", NOTE_LISTS, portfolio)
        with_tickets(world, portfolio, 1)
        assert world.kinds().count("write_copy") == 1
        whole_again(world)
        assert world.kinds().count("write_copy") == 2

    def test_of_tickets_keeps_a_decline_waiting(self, world: World) -> None:
        """docs/process.md R.8. Simulation seed 61: the tasks of the tickets stayed open for good."""
        portfolio = begun(world)
        (ticket,) = with_tickets(world, portfolio, 1)
        world.clock.advance(timedelta(minutes=1))
        world.people.set_status(portfolio, "No Refresh Requested")
        world.restart()
        lacks(world, "left-out", LISTS, portfolio)
        world.minutes(5)
        assert not told(world).ok
        whole_again(world)
        assert [task.open for task in world.tasks(("ticket", ticket))] == [False, False]

    def test_of_a_ticket_on_the_portfolio_keeps_its_set_waiting(self, make_world: MakeWorld) -> None:
        """docs/process.md R.8. Simulation seed 2026: the set was announced without it, and once more with it."""
        world = make_world(quirks=Quirks(batch_read_problems="left out"))
        portfolio = begun(world)
        first, second = with_tickets(world, portfolio, 2)
        world.people.set_status(portfolio, "Deliverables Submitted")
        world.minutes(5)
        lacks(world, "left-out", PARENTS, second)
        ready(world, first)
        assert of(world, "share_deliverables") == []
        assert not told(world).ok
        whole_again(world)
        assert of(world, "share_deliverables") == []
        ready(world, second)
        assert len(of(world, "share_deliverables")) == 1

    def test_of_a_ticket_that_was_just_taken_off_holds_up_nothing(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the portfolio's list and its own: the portfolio's, read anew, says so too."""
        portfolio = begun(world)
        first, second = with_tickets(world, portfolio, 2)
        world.people.set_status(portfolio, "Deliverables Submitted")
        world.minutes(5)
        left = False

        def late(crm: CRMReader, tickets: Iterable[str]) -> Parents:
            nonlocal left
            if not left:
                left = True
                world.people.dissociate("ticket", second, "portfolio", portfolio)
            return find_parents(crm, tickets)

        monkeypatch.setattr("sync.passes.snapshot.parents.find_parents", late)
        ready(world, first)
        assert left
        assert len(of(world, "share_deliverables")) == 1
        assert told(world).ok

    def test_of_tasks_does_not_say_that_one_was_not_made(self, world: World) -> None:
        """docs/process.md R.8, W.8. Simulation seed 40051: a task whose creation had no answer was made seven times."""
        portfolio = begun(world)
        world.sandbox.faults.add(Fault("lost", "POST */tasks/batch/create", times=1))
        ticket = world.people.create_ticket("Ad", "Winter", portfolio)
        world.work()
        world.restart()
        lacks(world, "left-out", "POST */associations/2026-09/tickets/tasks/batch/read", ticket)
        world.minutes(10)
        whole_again(world)
        assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics"]


class TestATicket:
    @pytest.mark.parametrize(
        ("kind", "calls", "name"),
        [
            ("no-property", TICKETS, "deliverable_folder_name"),
            ("no-property", TICKETS, "hs_pipeline_stage"),
            ("no-history", TICKETS, "needs_revisions"),
            ("no-histories", TICKETS, "*"),
            ("no-version", TICKETS, "hs_pipeline_stage"),
            ("no-list", PARENTS, "*"),
            ("left-out", TICKETS, "*"),
        ],
    )
    def test_that_is_faulty_holds_up_its_set_alone(self, world: World, kind: FaultKind, calls: str, name: str) -> None:
        """The set is complete without it, and must not be announced; the portfolio's other handoffs go on."""
        portfolio = begun(world)
        winter = with_tickets(world, portfolio, 2)
        world.people.set_status(portfolio, "Deliverables Submitted")
        ready(world, winter[0])
        lacks(world, kind, calls, winter[1], name)
        if kind == "left-out":
            lacks(world, "500", "GET */tickets/{id}")
        summer = with_tickets(world, portfolio, 1, "Summer")
        ready(world, *summer)
        assert world.kinds().count("write_copy") == 3
        unknown_set = name == "deliverable_folder_name" or kind == "left-out"
        assert len(of(world, "share_deliverables")) == (0 if unknown_set else 1)
        if not unknown_set:
            assert "Summer" in the(world, "share_deliverables").subject
        world.people.request_revisions(summer[0], "Copy Revisions Only")
        world.minutes(5)
        assert world.kinds().count("revise_copy") == 1
        whole_again(world)
        ready(world, winter[1], *summer)
        world.minutes(30)
        subjects = sorted(task.subject for task in of(world, "share_deliverables"))
        assert {subject.split("(")[1].split(")")[0] for subject in subjects} == {"Winter", "Summer"}
        assert told(world).ok

    def test_that_the_crm_leaves_out_of_a_good_answer_is_not_deleted(self, world: World) -> None:
        """docs/process.md R.8. Seen: two of three tickets are ready, the third is left out, and the set is announced."""
        portfolio = begun(world)
        tickets = with_tickets(world, portfolio, 3)
        world.people.set_status(portfolio, "Deliverables Submitted")
        lacks(world, "left-out", TICKETS, tickets[2])
        ready(world, *tickets[:2])
        assert of(world, "share_deliverables") == []
        world.people.archive("ticket", tickets[2])
        world.minutes(1)
        assert len(of(world, "share_deliverables")) == 1

    def test_that_is_faulty_gets_no_revision_and_no_creative_work(self, world: World) -> None:
        """Without its stage and its history a ticket looks new, and its revision unanswered."""
        _, (ticket, _) = in_review(world)
        before = done(world)
        lacks(world, "no-history", TICKETS, ticket, "hs_pipeline")
        world.people.request_revisions(ticket, "Graphic Revisions Only")
        world.minutes(5)
        assert done(world) == before
        whole_again(world)
        assert world.kinds().count("revise_graphics") == 1

    def test_its_tasks_are_closed_by_a_decline_all_the_same(self, world: World) -> None:
        portfolio = begun(world)
        (ticket,) = with_tickets(world, portfolio, 1)
        lacks(world, "no-property", TICKETS, ticket, "subject")
        world.clock.advance(timedelta(minutes=1))
        world.people.set_status(portfolio, "No Refresh Requested")
        world.minutes(5)
        assert [task.open for task in world.tasks(("ticket", ticket))] == [False, False]

    def test_what_waits_for_a_person_on_it_is_given_to_nobody_else(self, world: World) -> None:
        portfolio = begun(world, copywriter=None)
        (ticket,) = with_tickets(world, portfolio, 1)
        own = world.people.owner("second_designer")
        lacks(world, "no-property", TICKETS, ticket, "copywriter")
        world.people.set("ticket", ticket, {"copywriter": own})
        world.people.set("portfolio", portfolio, {"copywriter": world.people.owner("copywriter")})
        world.minutes(5)
        assert of(world, "write_copy") == []
        whole_again(world)
        assert the(world, "write_copy").owner == own

    def test_that_is_faulty_has_not_left_its_portfolio(self, world: World) -> None:
        """Nobody can tell which portfolio it counts for: what is to be done for it stays where it is."""
        portfolio = begun(world, copywriter=None)
        (ticket,) = with_tickets(world, portfolio, 1)
        lacks(world, "no-list", PARENTS, ticket)
        world.people.set("portfolio", portfolio, {"copywriter": world.people.owner("copywriter")})
        world.minutes(5)
        whole_again(world)
        assert [task.associations["ticket"] for task in of(world, "write_copy")] == [(ticket,)]

    def test_explain_says_what_is_missing_and_what_waits(self, world: World, terminal: Terminal) -> None:
        portfolio = begun(world)
        tickets = with_tickets(world, portfolio, 2)
        world.people.set_status(portfolio, "Deliverables Submitted")
        lacks(world, "no-property", TICKETS, tickets[1], "needs_revisions")
        ready(world, *tickets)
        shown = terminal.json("explain", portfolio)
        missing = f"ticket {tickets[1]}: the CRM's answer lacks the property “needs_revisions”"
        assert any(missing in problem for problem in shown["problems"])
        reasons = {line["handoff"]: line["reason"] for line in shown["handoffs"]}
        waits = "it cannot be told whether it is ready before this is read whole"
        assert reasons["5"] == f"Ad Set “Winter”: {waits}: ticket {tickets[1]}"
        assert [one.unit.id for one in told(world).incomplete] == [portfolio]
        world.people.flush_search()
        report = verify(world.service.reading)
        assert [one.sort for one in report.findings] == [Sort.NOT_READ]

    def test_the_sas_is_told_of_a_ticket_that_could_not_be_read(self, world: World) -> None:
        portfolio, tickets = in_review(world)
        lacks(world, "no-property", TICKETS, tickets[1], "hs_pipeline_stage")
        world.people.set_status(portfolio, "Creatives Completed & Approved")
        world.minutes(5)
        body = the(world, "implement").body
        assert "Ad 2 (could not be read: please look whether it is ready)" in body


class TestALateHistory:
    """docs/process.md R.6."""

    def test_is_looked_at_again_soon_and_is_no_error(self, world: World) -> None:
        acme = world.people.create_portfolio("Acme", world.day(40))
        world.work()
        world.people.set_refresh_date(acme, world.day(10))
        world.sandbox.faults.add(Fault("no-version", PORTFOLIOS, name="creative_refresh_date", times=1))
        tally = world.work()
        assert (done(world), tally.errors, told(world).ok) == (([], 0), 0, True)
        world.clock.advance(timedelta(seconds=15))
        world.work()
        assert done(world) == (["kickoff"], 1)

    def test_that_stays_so_is_told(self, world: World) -> None:
        acme = world.people.create_portfolio("Acme", world.day(10))
        lacks(world, "no-version", PORTFOLIOS, acme, "creative_refresh_date")
        world.work()
        assert told(world).ok
        world.minutes(11)
        (reason,) = told(world).reasons
        assert f"portfolio {acme}: the history of “creative_refresh_date” does not show the value that stands" in reason
        assert done(world) == ([], 0)
        whole_again(world)
        assert done(world) == (["kickoff"], 1)


class TestWhatIsReadBeforeAWrite:
    """docs/process.md R.7."""

    def test_an_absent_value_is_not_the_empty_one_that_was_expected(self, world: World) -> None:
        """The status is advanced from empty: it must be seen to be empty."""
        portfolio = begun(world)
        tickets = with_tickets(world, portfolio, 1)
        world.clock.advance(timedelta(minutes=16))
        lacking: list[Fault] = []

        def failpoint(step: str) -> None:
            if step == "claimed" and not lacking:  # the next read of it is the one just before the write
                lacking.append(Fault("no-property", PORTFOLIOS, name="creative_refresh_status", times=1))
                world.sandbox.faults.add(lacking[0])
                # Set since it was decided: what the answer does not show is not what was decided on.
                world.people.set_status(portfolio, "Creatives Completed & Approved")

        world.failpoint = failpoint
        ready(world, *tickets)
        assert lacking
        assert world.status(portfolio) == "Creatives Completed & Approved"

    def test_and_is_written_once_it_is_seen(self, world: World) -> None:
        portfolio = begun(world)
        tickets = with_tickets(world, portfolio, 1)
        world.clock.advance(timedelta(minutes=16))
        world.sandbox.faults.add(Fault("no-property", PORTFOLIOS, name="creative_refresh_status", skip=1, times=3))
        ready(world, *tickets)
        whole_again(world)
        assert world.status(portfolio) == "Creatives Pending Approval"

    def test_a_task_without_its_body_is_not_closed(self, world: World) -> None:
        """What people wrote into it would be lost."""
        portfolio = begun(world)
        task = world.tasks()[0]
        lacks(world, "no-property", TASKS, task.id, "hs_task_body")
        world.people.set_status(portfolio, "No Refresh Requested")
        world.minutes(10)
        assert all(one.body == task.body for one in world.tasks() if one.id == task.id)
        whole_again(world)
        closed = next(one for one in world.tasks() if one.id == task.id)
        assert not closed.open
        assert closed.body.startswith(task.body)

    def test_nor_is_anything_decided_by_a_task_without_its_status(self, world: World) -> None:
        portfolio, _ = in_review(world)
        world.people.set_status(portfolio, "Creatives Completed & Approved")
        world.minutes(5)
        task = the(world, "implement")
        lacks(world, "no-property", TASKS, task.id, "hs_task_status")
        world.people.complete_task(task.id)
        world.minutes(10)
        assert world.status(portfolio) == "Creatives Completed & Approved"
        assert any(one.faulty.record == RecordRef(Kind.TASK, task.id) for one in told(world).incomplete)
        whole_again(world)
        assert world.status(portfolio) == ""


def test_a_note_that_is_not_read_whole_is_waited_for(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    note = world.people.note("portfolio", portfolio, "Blue, please")
    lacks(world, "no-property", NOTES, note, "hs_note_body")
    world.people.set_refresh_date(portfolio, world.day(0))
    world.work()
    assert world.kinds() == ["kickoff"]
    whole_again(world)
    assert "Blue, please" in the(world, "create_tickets").body


@pytest.mark.parametrize("problems", ["200", "left out"])
def test_a_portal_that_reports_no_missing_record(make_world: MakeWorld, problems: str) -> None:
    """docs/hubspot.md 4.5, 5.2: what is deleted is found out all the same, and what has no associations."""
    world = make_world(quirks=Quirks(batch_read_problems=problems))  # type: ignore[arg-type]  # one of two literals
    portfolio = begun(world)
    tickets = with_tickets(world, portfolio, 2)
    world.people.set_status(portfolio, "Deliverables Submitted")
    ready(world, tickets[0])
    assert of(world, "share_deliverables") == []
    world.people.archive("ticket", tickets[1])
    world.minutes(1)
    assert len(of(world, "share_deliverables")) == 1
    lone = world.people.create_ticket("Alone", "Winter")
    world.minutes(1)
    assert world.tasks(("ticket", lone)) == []
    world.people.associate("ticket", lone, "portfolio", portfolio)
    world.minutes(5)
    assert len(world.tasks(("ticket", lone))) == 2
    assert told(world).incomplete == ()
