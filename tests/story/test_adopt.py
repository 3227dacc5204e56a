"""`adopt` takes a portal over in mid-process: nothing fires but what it listed, and the work goes on from where it was."""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from mappings.vocabulary import Handoff
from sync.admin.adopt import Adoption, AdoptionLine, apply, plan
from sync.admin.verify import verify
from sync.rules import keys
from sync.sandbox.situations import populate
from sync.storage.tables import effects, occurrences
from tests.conftest import MakeWorld
from tests.world import World

IMPLEMENT = "Implement New Creatives for Refresh"


@pytest.fixture
def portal(make_world: MakeWorld) -> World:
    """A portal in which the service is not known yet: nothing in it is told to the service but by poll and sweep."""
    return make_world(webhooks=False)


@contextmanager
def days_ago(world: World, days: float) -> Iterator[None]:
    """What people did before the service was installed."""
    with world.sandbox.portal.as_of(world.clock.now() - timedelta(days=days)):
        yield


def a_portfolio(world: World, ahead: int, name: str = "Acme") -> str:
    with days_ago(world, 60):
        return world.people.create_portfolio(name, world.day(ahead), cadence="Every 4 weeks")


def set_status(world: World, days: float, portfolio: str, status: str) -> None:
    with days_ago(world, days):
        world.people.set_status(portfolio, status)


def a_task(world: World, days: float, subject: str, *on: tuple[str, str], done_ago: float | None = None) -> str:
    with days_ago(world, days):
        task = world.people.create_task(subject, on)
    if done_ago is not None:
        with days_ago(world, done_ago):
            world.people.complete_task(task)
    return task


def a_ticket(
    world: World, days: float, portfolio: str, *, ready_ago: float | None = None, subject: str = "Ad 1"
) -> str:
    with days_ago(world, days):
        ticket = world.people.create_ticket(subject, "Autumn", portfolio, stage="In Progress")
    if ready_ago is not None:
        with days_ago(world, ready_ago):
            world.people.move_ticket(ticket, "Pending Approval")
    return ticket


def adopt(world: World, *, silence_due: bool = False) -> Adoption:
    world.people.flush_search()
    return apply(world.service, silence_due=silence_due)


def fires(world: World) -> tuple[list[str], list[str]]:
    """The kinds of tasks, and the receivers of emails, that a sweep and two days of work make."""
    world.sweep()
    world.work()
    for _ in range(48):
        world.minutes(60)
    return world.kinds(), world.receivers()


def pairs(lines: Iterable[AdoptionLine]) -> list[tuple[Handoff, str | None]]:
    return sorted((line.handoff, line.task) for line in lines)


def counts(world: World) -> tuple[int, int]:
    with world.service.store.read() as connection:
        tables = (occurrences, effects)
        first, second = (connection.scalar(select(func.count()).select_from(table)) for table in tables)
    return first or 0, second or 0


class TestAPopulatedPortal:
    """Portfolios at every stage of the cycle."""

    @pytest.fixture
    def made(self, portal: World) -> dict[str, list[str]]:
        found = populate(portal.sandbox.portal, portal.sandbox.process, 66, random.Random(3))
        return {name: [str(i) for i in ids] for name, ids in found.items()}

    def test_nothing_fires_but_what_is_due(self, portal: World, made: dict[str, list[str]]) -> None:
        report = adopt(portal)
        assert {f.portfolio for f in report.due if f.handoff is Handoff.KICKOFF} == {
            *made["in window"],
            *made["declined before"],
        }
        assert {f.portfolio for f in report.due if f.handoff is Handoff.DATE_ARRIVED} == {*made["date come"]}
        portal.sweep()
        portal.work()
        for _ in range(12):
            portal.minutes(60)
        assert sorted(keys.occurrence_of(task.key) for task in portal.tasks() if task.key) == sorted(
            line.key or "" for line in report.due
        )
        assert len(portal.emails()) == len(report.due)

    def test_with_what_is_due_silenced_nothing_fires_at_all(self, portal: World, made: dict[str, list[str]]) -> None:
        """docs/process.md G.5."""
        before = portal.sandbox.portal.dump()
        report = adopt(portal, silence_due=True)
        assert report.due == []
        portal.sweep()
        portal.work()
        assert portal.kinds() == []
        assert portal.emails() == []
        assert portal.sandbox.portal.dump()["records"] == before["records"]

    def test_the_plan_says_the_same_and_writes_nothing(self, portal: World, made: dict[str, list[str]]) -> None:
        portal.people.flush_search()
        planned = plan(portal.service.reading)
        assert counts(portal) == (0, 0)
        done = adopt(portal)
        assert (planned.adopted, planned.due, planned.unmatched) == (done.adopted, done.due, done.unmatched)
        assert (planned.applied, done.applied) == (False, True)

    def test_a_second_time_changes_nothing(self, portal: World, made: dict[str, list[str]]) -> None:
        first = adopt(portal)
        before = counts(portal)
        second = adopt(portal)
        assert (second.adopted, second.unmatched) == ([], [])
        assert second.due == first.due
        assert counts(portal) == before
        portal.sweep()
        known = counts(portal)
        assert adopt(portal).as_json() | {"looked": 0} == Adoption(applied=True).as_json()
        assert counts(portal) == known

    def test_every_portfolio_is_looked_at(self, portal: World, made: dict[str, list[str]]) -> None:
        assert adopt(portal).looked == 66, "more than one group"

    def test_a_few_calls_a_group(self, portal: World, made: dict[str, list[str]]) -> None:
        portal.people.flush_search()
        portal.prepare()
        mark = portal.sandbox.log.mark()
        plan(portal.service.reading)
        assert len(list(portal.sandbox.log.since(mark))) < 30

    def test_verify_finds_nothing_before_and_after(self, portal: World, made: dict[str, list[str]]) -> None:
        assert verify(portal.service.reading).ok
        adopt(portal)
        assert verify(portal.service.reading).ok
        portal.next_day(2)
        assert verify(portal.service.reading).ok


class TestTheDates:
    def test_a_kickoff_that_somebody_has_made(self, portal: World) -> None:
        portfolio = a_portfolio(portal, 9)
        task = a_task(portal, 3, "CONTACT  client about Creative Refresh: acme", ("portfolio", portfolio))
        report = adopt(portal)
        assert pairs(report.adopted) == [(Handoff.KICKOFF, task)]
        assert fires(portal) == ([], [])

    def test_one_whose_subject_looks_the_same(self, portal: World) -> None:
        """docs/process.md N.2."""
        with days_ago(portal, 60):
            portfolio = portal.people.create_portfolio("Été d'Or", portal.day(9), cadence="Every 4 weeks")
        subject = "Contact\u00a0Client About Creative Refresh: E\u0301te\u0301 d\u2019Or\u200b"
        task = a_task(portal, 3, subject, ("portfolio", portfolio))
        assert pairs(adopt(portal).adopted) == [(Handoff.KICKOFF, task)]
        assert fires(portal) == ([], [])

    def test_one_that_is_done_already(self, portal: World) -> None:
        portfolio = a_portfolio(portal, 9)
        subject = "Contact Client About Creative Refresh: Acme"
        a_task(portal, 3, subject, ("portfolio", portfolio), done_ago=1)
        assert adopt(portal).due == []
        assert fires(portal) == ([], [])

    def test_one_that_came_early(self, portal: World) -> None:
        """By older automation, twenty days ahead: the service does not repeat it at fifteen."""
        portfolio = a_portfolio(portal, 18)
        a_task(portal, 2, "Contact Client About Creative Refresh: Acme", ("portfolio", portfolio))
        adopt(portal)
        portal.next_day(5)
        assert portal.kinds() == []

    def test_one_of_the_cycle_before_does_not_count(self, portal: World) -> None:
        portfolio = a_portfolio(portal, 9)
        a_task(portal, 50, "Contact Client About Creative Refresh: Acme", ("portfolio", portfolio), done_ago=49)
        set_status(portal, 40, portfolio, "No Refresh Requested")
        report = adopt(portal)
        assert pairs(report.due) == [(Handoff.KICKOFF, None)]
        assert fires(portal) == (["kickoff"], ["account_manager"])

    def test_neither_task_nor_status_is_due(self, portal: World) -> None:
        """docs/process.md G.5."""
        a_portfolio(portal, 9)
        report = adopt(portal)
        assert (report.adopted, pairs(report.due)) == ([], [(Handoff.KICKOFF, None)])
        assert fires(portal) == (["kickoff"], ["account_manager"])

    def test_a_status_that_moved_on_says_that_the_kickoff_is_done(self, portal: World) -> None:
        """And so it stays, should somebody empty the status by mistake."""
        portfolio = a_portfolio(portal, 9)
        set_status(portal, 2, portfolio, "Refresh Request Submitted")
        adopt(portal)
        portal.people.set_status(portfolio, "")
        assert fires(portal) == ([], [])

    def test_the_task_for_the_sas(self, portal: World) -> None:
        portfolio = a_portfolio(portal, -1)
        set_status(portal, 5, portfolio, "Refresh Request Submitted")
        task = a_task(portal, 1, "create deliverable tickets for refresh: ACME", ("portfolio", portfolio))
        report = adopt(portal)
        assert (Handoff.DATE_ARRIVED, task) in pairs(report.adopted)
        assert fires(portal) == ([], [])

    def test_a_date_that_has_come_without_a_task_for_the_sas_is_due(self, portal: World) -> None:
        portfolio = a_portfolio(portal, -1)
        set_status(portal, 5, portfolio, "Refresh Request Submitted")
        assert pairs(adopt(portal).due) == [(Handoff.DATE_ARRIVED, None)]
        assert fires(portal) == (["create_tickets"], ["social_ad_specialist"])

    def test_a_status_that_moved_on_says_that_the_sas_has_begun(self, portal: World) -> None:
        portfolio = a_portfolio(portal, -1)
        set_status(portal, 1, portfolio, "Deliverables Submitted")
        adopt(portal)
        portal.people.set_status(portfolio, "")
        assert fires(portal) == ([], [])

    def test_a_task_for_the_sas_that_is_done_stands_for_its_own_date_only(self, portal: World) -> None:
        """The date was moved later afterwards: when that comes it is a new one, as if the service had been there."""
        portfolio = a_portfolio(portal, -10)
        set_status(portal, 12, portfolio, "Refresh Request Submitted")
        a_task(portal, 10, "Create Deliverable Tickets for Refresh: Acme", ("portfolio", portfolio), done_ago=9)
        with days_ago(portal, 8):
            portal.people.set_refresh_date(portfolio, portal.day(2))
        assert adopt(portal).due == []
        portal.next_day(3)
        assert portal.kinds() == ["create_tickets"]

    @pytest.mark.parametrize("stands_by", ["status", "silenced", "task"])
    def test_a_note_left_days_before_is_quoted_all_the_same(self, portal: World, stands_by: str) -> None:
        """docs/process.md 2b.5 and 5.18: the day of `adopt` is no day of a kickoff."""
        portfolio = a_portfolio(portal, 3)
        am = portal.people.owner("account_manager")
        for days, text in ((11, "Autumn colours"), (40, "Summer colours")):
            portal.people.note("portfolio", portfolio, text, by=am, at=portal.clock.now() - timedelta(days=days))
        if stands_by == "status":
            set_status(portal, 5, portfolio, "Refresh Request Submitted")
        elif stands_by == "task":
            a_task(portal, 5, "Contact Client About Creative Refresh: Acme", ("portfolio", portfolio))
        adopt(portal, silence_due=stands_by == "silenced")
        portal.next_day(3)
        (task,) = (task for task in portal.tasks() if task.key)
        assert "Autumn colours" in task.body
        assert "Summer colours" not in task.body


class TestTicketsAndSets:
    def test_tasks_of_tickets(self, portal: World) -> None:
        portfolio = a_portfolio(portal, -3)
        set_status(portal, 5, portfolio, "Deliverables Submitted")
        ticket = a_ticket(portal, 4, portfolio)
        copy = a_task(portal, 4, "Write copy: Ad 1", ("ticket", ticket))
        design = a_task(portal, 4, "Design graphics: ad 1", ("portfolio", portfolio))
        report = adopt(portal)
        assert [found for found in pairs(report.adopted) if found[1]] == [
            (Handoff.TICKETS, copy), (Handoff.TICKETS, design),
        ]  # fmt: skip
        assert report.unmatched == []
        assert fires(portal) == ([], [])

    def test_a_ticket_without_its_tasks_is_told(self, portal: World) -> None:
        portfolio = a_portfolio(portal, -3)
        set_status(portal, 5, portfolio, "Deliverables Submitted")
        a_ticket(portal, 4, portfolio)
        report = adopt(portal)
        assert pairs(report.unmatched) == [(Handoff.TICKETS, None), (Handoff.TICKETS, None)]
        assert fires(portal) == ([], [])

    def test_a_ready_set_is_announced(self, portal: World) -> None:
        portfolio = a_portfolio(portal, -3)
        set_status(portal, 5, portfolio, "Deliverables Submitted")
        a_ticket(portal, 4, portfolio, ready_ago=2)
        set_status(portal, 2, portfolio, "Creatives Pending Approval")
        task = a_task(portal, 2, "Share Deliverables with client: Acme (Autumn)", ("portfolio", portfolio))
        report = adopt(portal)
        assert (Handoff.SET_READY, task) in pairs(report.adopted)
        assert fires(portal) == ([], [])

    def test_the_last_ticket_of_a_set_announces_it(self, portal: World) -> None:
        portfolio = a_portfolio(portal, -3)
        set_status(portal, 5, portfolio, "Deliverables Submitted")
        a_ticket(portal, 4, portfolio, ready_ago=2)
        last = a_ticket(portal, 4, portfolio, subject="Ad 2")
        adopt(portal)
        portal.people.move_ticket(last, "Pending Approval")
        assert fires(portal) == (["share_deliverables"], ["account_manager", "social_ad_specialist"])


class TestRevisions:
    def in_revision(self, world: World) -> tuple[str, str]:
        portfolio = a_portfolio(world, -3)
        set_status(world, 5, portfolio, "Deliverables Submitted")
        ticket = a_ticket(world, 4, portfolio, ready_ago=2)
        set_status(world, 2, portfolio, "Creatives Pending Approval")
        with days_ago(world, 1):
            world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
            world.people.move_ticket(ticket, "In Progress")
        return portfolio, ticket

    def test_the_value_is_emptied_when_the_ticket_is_back(self, portal: World) -> None:
        _, ticket = self.in_revision(portal)
        adopt(portal)
        assert fires(portal) == ([], [])
        portal.people.move_ticket(ticket, "Pending Approval")
        portal.minutes(20)
        assert portal.people.ticket(ticket)["needs_revisions"] == ""
        assert portal.kinds() == ["share_deliverables"]

    def test_without_adopting_it_is_left_as_it_is(self, portal: World) -> None:
        _, ticket = self.in_revision(portal)
        portal.sweep()
        portal.people.move_ticket(ticket, "Pending Approval")
        portal.minutes(20)
        assert portal.people.ticket(ticket)["needs_revisions"] == "Copy Revisions Only"

    def test_a_role_with_an_adopted_task_gets_no_second_one(self, portal: World) -> None:
        _, ticket = self.in_revision(portal)
        task = a_task(portal, 1, "Revise copy: Ad 1", ("ticket", ticket))
        report = adopt(portal)
        assert (Handoff.REVISIONS, task) in pairs(report.adopted)
        assert (Handoff.REVISIONS, None) not in pairs(report.unmatched)
        portal.people.request_revisions(ticket, "Copy and Graphic Revisions", note="Warmer, please")
        assert fires(portal) == (["revise_graphics"], [])

    def test_an_open_task_of_a_value_that_was_emptied_counts_too(self, portal: World) -> None:
        _, ticket = self.in_revision(portal)
        a_task(portal, 1, "Revise copy: Ad 1", ("ticket", ticket))
        with days_ago(portal, 0.5):
            portal.people.request_revisions(ticket, "", note="Warmer, please")
        adopt(portal)
        portal.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
        assert fires(portal) == ([], [])


class TestApproval:
    def approved(self, world: World) -> str:
        portfolio = a_portfolio(world, -3)
        set_status(world, 1, portfolio, "Creatives Completed & Approved")
        return portfolio

    def test_ticking_the_adopted_task_closes_the_cycle(self, portal: World) -> None:
        portfolio = self.approved(portal)
        task = a_task(portal, 1, "  implement new creatives  for refresh", ("portfolio", portfolio))
        report = adopt(portal)
        assert (Handoff.APPROVED, task) in pairs(report.adopted)
        assert fires(portal) == ([], [])
        portal.people.complete_task(task)
        portal.minutes(10)
        assert (portal.status(portfolio), portal.receivers()) == ("", ["account_manager"])
        assert portal.date(portfolio) > str(portal.today)
        assert portal.kinds() == []
        assert verify(portal.service.reading).ok

    def test_with_webhooks_too(self, world: World) -> None:
        portfolio = self.approved(world)
        task = a_task(world, 1, IMPLEMENT, ("portfolio", portfolio))
        adopt(world)
        world.work()
        world.people.complete_task(task)
        world.work()
        assert world.status(portfolio) == ""

    def test_a_decline_leaves_peoples_own_tasks_open(self, portal: World) -> None:
        portfolio = self.approved(portal)
        task = a_task(portal, 1, IMPLEMENT, ("portfolio", portfolio))
        adopt(portal)
        portal.people.set_status(portfolio, "No Refresh Requested")
        portal.minutes(10)
        assert portal.people.task(task).open

    def test_an_approval_without_a_task_is_recorded_and_told(self, portal: World) -> None:
        portfolio = self.approved(portal)
        report = adopt(portal)
        assert pairs(report.unmatched) == [(Handoff.APPROVED, None)]
        assert fires(portal) == ([], [])
        portal.people.set_status(portfolio, "Creatives Implemented")
        portal.minutes(10)
        assert portal.status(portfolio) == "", "closing by hand still works"

    def test_a_task_that_was_completed_before_closes_nothing_by_itself(self, portal: World) -> None:
        portfolio = self.approved(portal)
        a_task(portal, 1, IMPLEMENT, ("portfolio", portfolio), done_ago=0.2)
        report = adopt(portal)
        assert pairs(report.unmatched) == [(Handoff.CLOSE, None)]
        assert fires(portal) == ([], [])
        assert portal.status(portfolio) == "Creatives Completed & Approved"

    def test_a_task_of_an_earlier_approval_does_not_stand_for_this_one(self, portal: World) -> None:
        portfolio = a_portfolio(portal, -3)
        set_status(portal, 5, portfolio, "Creatives Completed & Approved")
        a_task(portal, 5, IMPLEMENT, ("portfolio", portfolio), done_ago=4)
        set_status(portal, 3, portfolio, "Creatives Pending Approval")
        set_status(portal, 1, portfolio, "Creatives Completed & Approved")
        report = adopt(portal)
        assert pairs(report.unmatched) == [(Handoff.APPROVED, None)]
        assert fires(portal) == ([], [])

    def test_an_open_task_of_an_approval_that_was_taken_back_will_do(self, portal: World) -> None:
        portfolio = self.approved(portal)
        task = a_task(portal, 1, IMPLEMENT, ("portfolio", portfolio))
        set_status(portal, 0.5, portfolio, "Creatives Pending Approval")
        adopt(portal)
        portal.people.set_status(portfolio, "Creatives Completed & Approved")
        assert fires(portal) == ([], [])
        portal.people.complete_task(task)
        portal.minutes(10)
        assert portal.status(portfolio) == ""

    def test_a_cycle_that_was_closed_by_hand_and_not_reset_is_told(self, portal: World) -> None:
        portfolio = a_portfolio(portal, -3)
        set_status(portal, 1, portfolio, "Creatives Implemented")
        report = adopt(portal)
        assert pairs(report.unmatched) == [(Handoff.CLOSE, None)]
        assert fires(portal) == ([], [])
        portal.people.set_status(portfolio, "")
        portal.people.set_refresh_date(portfolio, portal.day(7))
        assert fires(portal) == (["kickoff"], ["account_manager"]), "the next cycle is the service's"


class TestWhatIsLeftAlone:
    def test_a_task_that_nothing_asks_for_is_told(self, portal: World) -> None:
        portfolio = a_portfolio(portal, 60)
        task = a_task(portal, 1, IMPLEMENT, ("portfolio", portfolio))
        a_task(portal, 1, "Call the client", ("portfolio", portfolio))
        report = adopt(portal)
        assert (report.adopted, pairs(report.unmatched)) == ([], [(Handoff.APPROVED, task)])

    def test_what_the_service_is_about_to_do(self, world: World) -> None:
        """A service that is live: what has happened since is its own work, not to be adopted."""
        portfolio = world.people.create_portfolio("Acme", world.day(40))
        world.work()
        world.people.set_status(portfolio, "Creatives Completed & Approved")
        report = adopt(world)
        assert report.adopted == []
        assert pairs(report.due) == [(Handoff.APPROVED, None)]
        world.work()
        assert world.kinds() == ["implement"]

    def test_a_decline_that_is_still_to_be_carried_out(self, world: World) -> None:
        portfolio = world.people.create_portfolio("Acme", world.day(5), cadence="Weekly")
        world.people.set_status(portfolio, "No Refresh Requested")
        world.clock.advance(timedelta(minutes=3))
        assert pairs(adopt(world).due) == [(Handoff.DECLINED, None)]
        world.work()
        assert world.kinds() == ["kickoff"], "the next date is in the window already"

    def test_what_may_still_be_taken_back_does_not_keep_the_cycle_from_being_adopted(self, world: World) -> None:
        """docs/process.md C.14: taken back, it was a slip, and nothing is due; else it is carried out."""
        slip, decline = a_portfolio(world, 0), a_portfolio(world, 0, name="Bolt")
        for name, portfolio in (("Acme", slip), ("Bolt", decline)):
            a_task(world, 9, f"Contact Client About Creative Refresh: {name}", ("portfolio", portfolio))
            a_task(world, 0.1, f"Create Deliverable Tickets for Refresh: {name}", ("portfolio", portfolio))
            world.people.set_status(portfolio, "No Refresh Requested")
        assert len(adopt(world).adopted) == 4
        world.people.set_status(slip, "Refresh Request Submitted")
        world.work()
        assert world.kinds() == []
        assert (world.date(slip), world.date(decline) > world.date(slip)) == (str(world.day(0)), True)

    def test_a_portfolio_outside_the_condition(self, make_world: MakeWorld) -> None:
        mapping = "portfolio:\n  condition:\n    - {property: name, in: [Gold]}\n"
        world = make_world(webhooks=False, mapping=mapping)
        portfolio = a_portfolio(world, -3)
        set_status(world, 1, portfolio, "Creatives Completed & Approved")
        a_task(world, 1, IMPLEMENT, ("portfolio", portfolio))
        report = adopt(world)
        assert (report.looked, report.adopted, report.due, report.unmatched) == (1, [], [], [])

    def test_only_those_that_are_named(self, portal: World) -> None:
        first, second = a_portfolio(portal, 9), a_portfolio(portal, 9)
        assert {line.portfolio for line in plan(portal.service.reading, [second]).due} == {second}
        assert plan(portal.service.reading, [first, "999"]).faulty == {"999": "it is no longer in the CRM"}
