"""`verify` finds nothing where all is well, and each thing that was planted: missing, doubled, unexplained."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from mappings.vocabulary import Handoff, TaskKind
from sync.admin.adopt import apply
from sync.admin.verify import FAULTS, Finding, Report, Sort, verify
from sync.rules import keys
from sync.sandbox.delivery import DeliveryMode
from sync.sandbox.faults import Fault
from sync.sandbox.process import Names, same
from sync.sandbox.situations import populate
from sync.storage.tables import budgets, effects, metadata, work_items
from tests.conftest import MakeWorld
from tests.world import World

UNMAPPED = "Fortnightly"
"""A cadence that the portal has and the mapping has not."""

PAUSED = DeliveryMode(paused=True)


def faults(world: World, *portfolios: str) -> list[Finding]:
    return checked(world, *portfolios).of(*FAULTS, Sort.NOT_READ)


def checked(world: World, *portfolios: str) -> Report:
    world.people.flush_search()
    return verify(world.service.reading, portfolios or None)


def sorts(world: World) -> list[tuple[Sort, str | None]]:
    return [(finding.sort, finding.handoff) for finding in faults(world)]


def approved(world: World) -> str:
    """A portfolio whose client has approved, with every handoff up to the seventh behind it."""
    people = world.people
    portfolio = people.create_portfolio("Acme", world.day(3), cadence="Every 4 weeks", link="https://lab.example/1")
    world.work()
    people.set_status(portfolio, "Refresh Request Submitted")
    world.work()
    world.next_day(3)
    tickets = [people.create_ticket(f"Ad {n}", "Autumn", portfolio) for n in (1, 2)]
    world.work()
    people.set_status(portfolio, "Deliverables Submitted")
    world.minutes(5)
    for ticket in tickets:
        people.move_ticket(ticket, "Pending Approval")
    world.minutes(5)
    people.request_revisions(tickets[0], "Copy and Graphic Revisions", note="Warmer, please")
    world.minutes(5)
    for task in world.tasks(("ticket", tickets[0])):
        people.complete_task(task.id)
    people.move_ticket(tickets[0], "Pending Approval")
    world.minutes(5)
    people.set_status(portfolio, "Creatives Completed & Approved")
    world.minutes(5)
    return portfolio


def implement_task(world: World) -> str:
    return next(task.id for task in world.tasks() if task.key.endswith(keys.suffix_of(TaskKind.IMPLEMENT)))


def finish(world: World) -> None:
    world.people.complete_task(implement_task(world))
    world.minutes(5)


def whole_cycle(world: World) -> str:
    portfolio = approved(world)
    finish(world)
    return portfolio


def declined(world: World) -> str:
    portfolio = world.people.create_portfolio("Bolt", world.day(5), cadence="Every 4 weeks")
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(5)
    return portfolio


def state(world: World) -> tuple[object, object]:
    """Everything in the CRM, and everything in the database but the request budget."""
    with world.service.store.read() as connection:
        rows = [list(connection.execute(table.select())) for table in metadata.sorted_tables if table is not budgets]
    return world.sandbox.portal.dump(), rows


class TestAllIsWell:
    def test_after_a_whole_cycle(self, world: World) -> None:
        whole_cycle(world)
        declined(world)
        report = checked(world)
        assert report.findings == []
        assert (report.looked, report.ok, report.exit_code) == (2, True, 0)
        assert report.tasks == len(world.tasks())
        assert report.effects > 0

    def test_when_two_cycles_have_passed_and_days_in_between(self, world: World) -> None:
        whole_cycle(world)
        world.next_day(14)
        whole_cycle(world)
        world.next_day(2)
        assert faults(world) == []

    def test_without_webhooks(self, make_world: MakeWorld) -> None:
        world = make_world(webhooks=False)
        whole_cycle(world)
        assert faults(world) == []

    def test_nothing_is_written(self, world: World) -> None:
        approved(world)
        before = state(world)
        checked(world)
        assert state(world) == before

    def test_after_a_crash_and_a_lost_answer(self, world: World) -> None:
        portfolio = approved(world)
        world.sandbox.faults.add(Fault("lost", "POST */tasks/batch/create", times=1))
        world.people.create_ticket("Ad 3", "Winter", portfolio)
        world.minutes(1)
        assert Sort.WAITING in {finding.sort for finding in checked(world).findings}
        world.restart()
        world.minutes(3)
        assert faults(world) == []

    def test_after_a_lost_database(self, world: World) -> None:
        approved(world)
        world.restart(lose_database=True)
        assert faults(world) == [], "before its first pass"
        world.sweep()
        world.minutes(15)
        assert faults(world) == []
        finish(world)
        assert faults(world) == []

    def test_after_a_lost_database_and_adopting(self, world: World) -> None:
        approved(world)
        made = len(world.tasks())
        world.restart(lose_database=True)
        world.people.flush_search()
        apply(world.service)
        assert faults(world) == []
        world.sweep()
        finish(world)
        assert len(world.tasks()) == made
        assert faults(world) == []

    def test_after_adopting_a_portal_in_mid_process(self, world: World) -> None:
        made = populate(world.sandbox.portal, world.sandbox.process, 33, random.Random(7))
        apply(world.service)
        report = checked(world)
        assert report.of(*FAULTS) == []
        due = {finding.portfolio for finding in report.of(Sort.WAITING)}
        assert due == {str(i) for name in ("in window", "declined before", "date come") for i in made[name]}
        world.next_day(3)
        assert faults(world) == []
        for portfolio in made["approved"]:
            world.people.complete_task(world.people.tasks("portfolio", str(portfolio))[0].id)
        world.minutes(10)
        assert faults(world) == []

    def test_what_a_person_deletes_is_told_and_no_fault(self, world: World) -> None:
        approved(world)
        world.people.delete_task(implement_task(world))
        report = checked(world)
        assert report.ok
        assert [(finding.sort, finding.handoff) for finding in report.findings] == [(Sort.DELETED, Handoff.APPROVED)]

    def test_what_the_history_no_longer_shows_is_not_judged(self, world: World) -> None:
        portfolio = approved(world)
        for _ in range(12):
            world.people.set_status(portfolio, "Creatives Pending Approval")
            world.minutes(5)
            world.people.set_status(portfolio, "Creatives Completed & Approved")
            world.minutes(5)
        report = checked(world)
        assert report.ok
        assert Sort.NOT_JUDGED in {finding.sort for finding in report.findings}

    def test_what_stood_before_the_oldest_visible_version_is_not_judged(self, world: World) -> None:
        """Simulation seed 10065: a person was a second behind the write, and their version is the oldest that is left."""
        portfolio = approved(world)
        world.people.set_status(portfolio, "Creatives Implemented")
        world.minutes(5)  # written: the reset
        for status in ("Creatives Completed & Approved", "Creatives Pending Approval") * 10:
            world.people.set_status(portfolio, status)
            world.people.advance(seconds=0.1)
        world.minutes(5)
        report = checked(world)
        assert report.ok
        assert Sort.NOT_JUDGED in {finding.sort for finding in report.findings}

    def test_a_portfolio_that_is_named(self, world: World) -> None:
        first, second = declined(world), declined(world)
        world.people.delete_task(world.people.tasks("portfolio", second)[0].id)
        assert checked(world, first).findings == []
        assert {finding.portfolio for finding in checked(world, second).findings} == {second}


class TestDoubled:
    def test_a_task_copied_with_its_key(self, world: World) -> None:
        portfolio = approved(world)
        task = world.people.task(implement_task(world))
        copy = world.people.create_task(task.subject, [("portfolio", portfolio)], handoff_key=task.key)
        [found] = faults(world)
        assert (found.sort, found.handoff, found.key) == (Sort.DOUBLED, Handoff.APPROVED, task.key)
        assert found.tasks == (task.id, copy)

    def test_a_copy_on_another_portfolio(self, world: World) -> None:
        approved(world)
        other = world.people.create_portfolio("Bolt", world.day(60))
        task = world.people.task(implement_task(world))
        world.people.create_task(task.subject, [("portfolio", other)], handoff_key=task.key)
        assert sorts(world) == [(Sort.DOUBLED, Handoff.APPROVED)]

    def test_a_second_task_while_the_first_is_open(self, world: World) -> None:
        """As if rule 7 had not seen that its task still stood open."""
        portfolio = approved(world)
        first = world.people.task(implement_task(world))
        world.people.set_status(portfolio, "Creatives Pending Approval")
        world.minutes(5)
        world.people.set_status(portfolio, "Creatives Completed & Approved")
        world.minutes(5)
        again = world.people.history("portfolio", portfolio, "creative_refresh_status")[0]
        key = f"7:{portfolio}:{int(again.at.timestamp() * 1000)}/task:implement"
        second = world.people.create_task(first.subject, [("portfolio", portfolio)], handoff_key=key)
        world.restart(lose_database=True)
        world.sweep()
        [found] = faults(world)
        assert (found.sort, found.handoff) == (Sort.DOUBLED, Handoff.APPROVED)
        assert found.tasks == (first.id, second)

    def test_an_adopted_task_beside_an_own_one(self, world: World) -> None:
        made = populate(world.sandbox.portal, world.sandbox.process, 11, random.Random(7))
        apply(world.service)
        portfolio = str(made["approved"][0])
        adopted = world.people.tasks("portfolio", portfolio)[0]
        with world.service.store.read() as connection:
            [key] = connection.scalars(
                effects.select().with_only_columns(effects.c.key).where(effects.c.crm_id == adopted.id)
            )
        own = world.people.create_task("Implement", [("portfolio", portfolio)], handoff_key=key)
        [found] = faults(world)
        assert (found.sort, found.handoff) == (Sort.DOUBLED, Handoff.APPROVED)
        assert found.tasks == (adopted.id, own)

    def test_a_ticket_kicked_back_twice_by_the_app(self, world: World) -> None:
        """As if one version of Needs Revisions had been answered twice: the team had moved the ticket on in between."""
        portfolio = approved(world)
        ticket = world.people.create_ticket("Ad 9", "Summer", portfolio, stage="Pending Approval")
        world.minutes(5)
        world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
        world.work()
        assert faults(world) == []
        world.people.move_ticket(ticket, "Pending Approval")
        world.people.move_ticket(ticket, "In Progress", by="app")
        assert (Sort.DOUBLED, Handoff.REVISIONS) in sorts(world)


class TestFollowed:
    """What should have come with it, and did not; as if a rule had forgotten it."""

    def test_a_task_left_open_by_a_decline(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        portfolio = world.people.create_portfolio("Bolt", world.day(5), cadence="Every 4 weeks")
        world.work()
        world.minutes(30)
        with monkeypatch.context() as patch:
            patch.setattr("sync.rules.handoffs.declined.tasks_to_end", lambda *_, **__: [])
            world.people.set_status(portfolio, "No Refresh Requested")
            world.minutes(5)
        [found] = faults(world)
        assert (found.sort, found.handoff) == (Sort.MISSING, Handoff.DECLINED)
        assert "is still open" in found.cause

    def test_a_status_that_was_not_advanced(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        portfolio = world.people.create_portfolio("Bolt", world.day(40))
        world.people.set_status(portfolio, "Deliverables Submitted")
        with monkeypatch.context() as patch:
            patch.setattr("sync.rules.handoffs.set_ready.SUBMITTED", frozenset())
            world.people.create_ticket("Ad", "Autumn", portfolio, stage="Pending Approval")
            world.minutes(5)
        [found] = faults(world)
        assert (found.sort, found.handoff) == (Sort.MISSING, Handoff.SET_READY)
        assert "the status was not advanced" in found.cause

    def test_work_for_a_closed_ticket(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        portfolio = world.people.create_portfolio("Bolt", world.day(40))
        with monkeypatch.context() as patch:
            patch.setattr("sync.passes.portal.Portal.is_closed", lambda *_: False)
            world.people.create_ticket("Ad", "Autumn", portfolio, stage="Closed")
            world.minutes(5)
        assert {(found.sort, found.handoff) for found in faults(world)} == {(Sort.UNEXPLAINED, Handoff.TICKETS)}

    def test_a_kickoff_before_its_time(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("sync.rules.context.Context.window", 30)
            world.people.create_portfolio("Bolt", world.day(20))
            world.minutes(30)
        [found] = faults(world)
        assert (found.sort, found.handoff) == (Sort.UNEXPLAINED, Handoff.KICKOFF)
        assert "more than 15 days away" in found.cause


class TestLeftLying:
    """Work that is known, and that nobody does or nobody can."""

    def test_a_blocked_effect_of_an_occurrence_that_has_begun_is_told(self, world: World) -> None:
        portfolio = world.people.create_portfolio("Acme", world.day(10))
        world.people.create_ticket("Ad 1", "Autumn", portfolio, graphic_designer="")
        world.people.set("portfolio", portfolio, {"graphic_designer": ""})
        world.work()
        world.people.set("portfolio", portfolio, {"account_manager": ""})
        world.minutes(5)
        waiting = [finding for finding in checked(world).findings if finding.sort is Sort.WAITING]
        assert [finding.handoff for finding in waiting] == [Handoff.TICKETS]
        assert "task:design_graphics, blocked since" in waiting[0].cause
        assert checked(world).blocked == 1
        assert "no Graphic Designer is named" in waiting[0].cause

    def test_an_email_without_an_address_after_its_cycle_is_over(self, world: World) -> None:
        """No rule asks for it any more, and it waits for ever (docs/process.md P.5): that is told."""
        owner = world.people.owner("account_manager")
        owners = world.sandbox.portal.owners
        owners[owner] = replace(owners[owner], email="")
        portfolio = approved(world)
        finish(world)
        told = [one for one in checked(world, portfolio).findings if one.handoff is Handoff.KICKOFF]
        assert [(one.sort, "email:kickoff, blocked since" in one.cause) for one in told] == [(Sort.WAITING, True)]

    def test_nobody_looks_at_it_any_more(self, world: World) -> None:
        portfolio = world.people.create_portfolio("Acme", world.day(10))
        world.people.create_ticket("Ad 1", "Autumn", portfolio)
        world.people.set("portfolio", portfolio, {"graphic_designer": ""})
        world.work()
        assert faults(world) == []
        now = round(world.clock.now().timestamp() * 1000)
        with world.service.store.write() as connection:
            connection.execute(update(work_items).values(parked_at=now, attempts=9, error="ZeroDivisionError: no"))
        world.people.set("portfolio", portfolio, {"graphic_designer": world.people.owner("graphic_designer")})
        [found] = faults(world)
        assert (found.sort, found.handoff) == (Sort.MISSING, Handoff.TICKETS)
        assert "parked after 9 failed looks: ZeroDivisionError: no" in found.cause

    def test_what_is_due_on_a_parked_record_is_missing(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.people.create_portfolio("Acme", world.day(40))
        with monkeypatch.context() as patch:
            patch.setattr("sync.passes.decider.decide", lambda _: 1 / 0)
            for _ in range(9):
                world.work()
                world.minutes(13 * 60)
        world.clock.advance(timedelta(days=30))
        [found] = faults(world)
        assert (found.sort, found.handoff) == (Sort.MISSING, Handoff.KICKOFF)
        assert "parked after" in found.cause


class TestUnexplained:
    def test_a_key_that_the_ledger_does_not_know(self, world: World) -> None:
        portfolio = approved(world)
        key = f"1:{portfolio}:start:7/task:kickoff"
        task = world.people.create_task("Kickoff", [("portfolio", portfolio)], handoff_key=key)
        [found] = faults(world)
        assert (found.sort, found.key, found.tasks) == (Sort.UNEXPLAINED, key, (task,))

    @pytest.mark.parametrize("key", ["nonsense", "7:1", "2b:5:9/task:implement", "4:x/task:write_copy"])
    def test_a_key_that_no_handoff_makes(self, world: World, key: str) -> None:
        portfolio = declined(world)
        world.people.create_task("Something", [("portfolio", portfolio)], handoff_key=key)
        assert [finding.sort for finding in faults(world)] == [Sort.UNEXPLAINED]

    def test_a_cause_that_the_history_does_not_show(self, world: World) -> None:
        """A lost ledger takes back whatever carries a key; the CRM's history still says that nobody approved."""
        portfolio = declined(world)
        at = int(world.clock.now().timestamp() * 1000) - 1000
        keys = [
            f"1:{portfolio}:{at}:0/task:kickoff",
            f"1:{portfolio}:start:{at}/task:kickoff",
            f"3:{portfolio}:start:2027-01-01/task:create_tickets",
            f"7:{portfolio}:{at}/task:implement",
        ]
        for key in keys:
            world.people.create_task("Planted", [("portfolio", portfolio)], handoff_key=key)
        world.restart(lose_database=True)
        world.sweep()
        found = faults(world)
        assert {finding.sort for finding in found} == {Sort.UNEXPLAINED}
        assert sorted(finding.key or "" for finding in found) == keys

    def test_entries_and_revisions_that_never_were(self, world: World) -> None:
        portfolio = approved(world)
        ticket = world.people.tickets(portfolio)[0].id
        at = int(world.clock.now().timestamp() * 1000) - 1000
        keys = [f"5:{portfolio}:start:{ticket}@{at}/task:share_deliverables", f"6:{ticket}:{at}/task:revise_copy"]
        for key in keys:
            world.people.create_task("Planted", [("portfolio", portfolio), ("ticket", ticket)], handoff_key=key)
        world.restart(lose_database=True)
        world.sweep()
        assert sorted(finding.key or "" for finding in faults(world)) == keys

    def test_work_for_a_declined_cycle(self, world: World) -> None:
        portfolio = declined(world)
        world.minutes(60)
        key = f"3:{portfolio}:start:{world.day(5)}/task:create_tickets"
        world.people.create_task("Create", [("portfolio", portfolio)], handoff_key=key)
        world.restart(lose_database=True)
        world.sweep()
        [found] = faults(world)
        assert (found.sort, found.key) == (Sort.UNEXPLAINED, key)
        assert "declined" in found.cause

    def test_a_change_by_the_services_app_that_the_ledger_does_not_know(self, world: World) -> None:
        portfolio = approved(world)
        world.people.set_refresh_date(portfolio, world.day(9), by="app")
        [found] = faults(world)
        assert (found.sort, found.portfolio) == (Sort.UNEXPLAINED, portfolio)


class TestMissing:
    def test_a_status_set_while_the_service_was_off(self, world: World) -> None:
        portfolio = declined(world)
        world.sandbox.delivery.mode = PAUSED
        world.people.set_status(portfolio, "Creatives Completed & Approved")
        [found] = faults(world)
        assert (found.sort, found.handoff, found.portfolio) == (Sort.MISSING, Handoff.APPROVED, portfolio)
        world.sandbox.delivery.mode = DeliveryMode()
        world.work()
        assert faults(world) == []

    def test_what_is_marked_is_on_its_way(self, world: World) -> None:
        portfolio = declined(world)
        world.people.set_status(portfolio, "Creatives Completed & Approved")
        world.receive()
        report = checked(world)
        assert report.ok
        assert [finding.sort for finding in report.findings] == [Sort.WAITING]
        with world.service.store.write() as connection:
            connection.execute(work_items.delete())
        assert sorts(world) == [(Sort.MISSING, Handoff.APPROVED)]

    def test_a_date_that_no_sweep_has_found(self, world: World) -> None:
        world.people.create_portfolio("Bolt", world.day(17))
        world.work()
        for _ in range(2):
            world.minutes(24 * 60)
        assert [finding.sort for finding in checked(world).findings] == [Sort.WAITING]
        for _ in range(2):
            world.minutes(24 * 60)
        assert sorts(world) == [(Sort.MISSING, Handoff.KICKOFF)]

    def test_a_task_that_the_ledger_says_was_made(self, world: World) -> None:
        approved(world)
        task = world.people.task(implement_task(world))
        with world.service.store.write() as connection:
            connection.execute(update(effects).where(effects.c.key == task.key).values(crm_id=None))
        world.people.delete_task(task.id)
        assert sorts(world) == [(Sort.MISSING, Handoff.APPROVED)]

    def test_a_write_that_the_history_does_not_show(self, world: World) -> None:
        portfolio = declined(world)
        with world.service.store.write() as connection:
            row = connection.execute(effects.select().where(effects.c.kind == "write")).one()
            changed = row.payload.replace(str(world.date(portfolio)), "2031-05-05")
            connection.execute(update(effects).where(effects.c.key == row.key).values(payload=changed))
        found = faults(world)
        assert (Sort.MISSING, Handoff.DECLINED) in [(finding.sort, finding.handoff) for finding in found]

    def test_what_the_crm_refused(self, world: World) -> None:
        rule = {
            "name": "no tasks",
            "type": "task",
            "property": "hs_task_subject",
            "pattern": "^$",
            "message": "refused",
        }
        world.people.set_rules(rule)
        world.people.create_portfolio("Bolt", world.day(5))
        world.work()
        [found] = faults(world)
        assert (found.sort, found.handoff) == (Sort.MISSING, Handoff.KICKOFF)
        assert "refused" in found.cause
        world.people.set_rules()
        world.sweep()
        assert faults(world) == []


def test_since_leaves_out_what_is_older(world: World) -> None:
    portfolio = approved(world)
    task = world.people.task(implement_task(world))
    world.people.create_task(task.subject, [("portfolio", portfolio)], handoff_key=task.key)
    world.minutes(60)
    world.people.flush_search()
    assert verify(world.service.reading, since=world.clock.now()).ok
    assert not verify(world.service.reading).ok


def test_the_report_as_json(world: World) -> None:
    portfolio = approved(world)
    world.people.create_task("Kickoff", [("portfolio", portfolio)], handoff_key="1:1:start:7/task:kickoff")
    found = checked(world).as_json()
    assert found["unexplained"] == 1
    assert not found["ok"]
    assert {"finding", "portfolio", "name", "handoff", "key", "tasks", "cause"} == set(found["findings"][0])  # type: ignore[index]


def test_what_was_done_for_another_portfolio_is_not_of_this_ones_cycle(world: World) -> None:
    """A revision asked for on Bolt and done late, on a ticket that is Acme's now, whose client declined in between."""
    acme = world.people.create_portfolio("Acme", world.day(40))
    bolt = world.people.create_portfolio("Bolt", world.day(40), copywriter=None)
    ticket = world.people.create_ticket("Ad 1", "", bolt)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.minutes(5)
    world.people.set_status(acme, "No Refresh Requested")
    world.minutes(60)
    world.people.set("portfolio", bolt, {"copywriter": world.people.owner("copywriter")})
    world.minutes(60)
    assert sorted(world.kinds()) == ["design_graphics", "revise_copy", "write_copy"]
    world.people.dissociate("ticket", ticket, "portfolio", bolt)
    world.people.associate("ticket", ticket, "portfolio", acme)
    world.minutes(60)
    assert sorts(world) == []


def test_what_a_merge_brought_along_is_of_another_portfolios_cycle(world: World) -> None:
    """The survivor's client had declined before; the work was done for the one that is gone."""
    acme = world.people.create_portfolio("Acme", world.day(40))
    bolt = world.people.create_portfolio("Bolt", world.day(40), copywriter=None)
    world.people.create_ticket("Ad 1", "", bolt)
    world.minutes(5)
    assert world.kinds() == ["design_graphics"]
    world.people.set_status(acme, "No Refresh Requested")
    world.minutes(60)
    world.people.set("portfolio", bolt, {"copywriter": world.people.owner("copywriter")})
    world.minutes(60)
    assert world.kinds() == ["design_graphics", "write_copy"]
    world.people.merge("portfolio", acme, bolt)
    world.minutes(60)
    assert sorts(world) == []


def test_a_date_that_a_merge_has_pushed_out_of_the_visible_history_is_not_judged(world: World) -> None:
    """Simulation seed 411: the other's versions, newer than that of the date which came, fill the history."""
    acme = world.people.create_portfolio("Acme", world.day(2))
    world.minutes(5)
    world.next_day()
    bolt = world.people.create_portfolio("Bolt", world.day(40))
    for ahead in range(41, 65):
        world.people.set("portfolio", bolt, {"creative_refresh_date": world.day(ahead).isoformat()})
    world.minutes(5)
    world.next_day()
    world.people.set("portfolio", acme, {"creative_refresh_date": world.day(30).isoformat()})
    world.minutes(5)
    assert "create_tickets" in world.kinds()
    world.people.merge("portfolio", acme, bolt)
    world.minutes(60)
    assert sorts(world) == []


def test_the_rounds_of_a_ticket_that_was_deleted_since_are_not_judged(world: World) -> None:
    """Simulation seed 129: the task of the round before was open when the new one's was made, as it should be (6.17)."""
    portfolio = world.people.create_portfolio("Acme", world.day(40))
    ticket = world.people.create_ticket("Ad", "Autumn", portfolio)
    world.minutes(5)
    for value in ("Copy Revisions Only", "Copy and Graphic Revisions"):
        world.sandbox.faults.add(Fault("503", "POST */tasks/batch/update", times=1))
        world.people.request_revisions(ticket, value, note="Warmer, please")
        world.minutes(5)
        world.people.set("ticket", ticket, {"copy_approval": "Approved"})
        world.minutes(5)
    assert world.kinds(("ticket", ticket)).count("revise_copy") == 2
    assert faults(world) == []
    world.people.archive("ticket", ticket)
    world.minutes(60)
    assert faults(world) == []


def test_a_task_that_a_blocked_decline_is_still_to_close_stands_for_nothing(make_world: MakeWorld) -> None:
    """Simulation seed 213: a revision asked for after the decline gets a task of its own."""
    world = make_world(names=Names(cadences=(*Names().cadences, *same(UNMAPPED))))
    portfolio = world.people.create_portfolio("Acme", world.day(3))
    ticket = world.people.create_ticket("Ad", "Autumn", portfolio)
    world.minutes(5)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.minutes(5)
    world.people.set("portfolio", portfolio, {"creative_refresh_cadence": UNMAPPED})
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(5)
    world.people.request_revisions(ticket, "Copy and Graphic Revisions", note="Warmer, please")
    world.minutes(5)
    assert world.kinds(("ticket", ticket)).count("revise_copy") == 2
    assert faults(world) == []


def test_two_sets_whose_tickets_were_merged_later_were_two(world: World) -> None:
    """docs/process.md M.7, 5.20: the merge alone closes neither of their tasks."""
    portfolio = world.people.create_portfolio("Acme", world.day(0), link="https://lab.example/1")
    tickets = [world.people.create_ticket(f"Ad {name}", name, portfolio) for name in ("Autumn", "Winter")]
    world.people.set_status(portfolio, "Deliverables Submitted")
    for ticket in tickets:
        world.people.move_ticket(ticket, "Pending Approval")
        world.minutes(5)
    world.minutes(1)
    world.people.merge("ticket", *tickets)
    world.minutes(5)
    shared = [task for task in world.tasks(("portfolio", portfolio)) if "share" in task.key]
    assert [task.status for task in shared] == ["NOT_STARTED", "NOT_STARTED"]
    assert faults(world) == []


def test_two_open_tasks_to_share_one_set_are_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/process.md 5.20: a service that forgets to close the older one."""
    portfolio = world.people.create_portfolio("Acme", world.day(0), link="https://lab.example/1")
    tickets = [world.people.create_ticket(f"Ad {n}", "Autumn", portfolio) for n in (1, 2)]
    world.people.set_status(portfolio, "Deliverables Submitted")
    for ticket in tickets:
        world.people.move_ticket(ticket, "Pending Approval")
    world.minutes(5)
    assert faults(world) == []
    with monkeypatch.context() as forgetful:
        forgetful.setattr("sync.rules.handoffs.set_ready.closings", lambda *_: [])
        world.people.move_ticket(tickets[0], "In Progress")
        world.minutes(5)
        world.people.move_ticket(tickets[0], "Pending Approval")
        world.minutes(5)
    older, newer = sorted(
        (task for task in world.tasks(("portfolio", portfolio)) if "share" in task.key), key=lambda task: int(task.id)
    )
    [found] = faults(world)
    assert (found.sort, found.handoff, found.tasks) == (Sort.DOUBLED, Handoff.SET_READY, (older.id, newer.id))
    world.people.complete_task(older.id)
    assert faults(world) == []
    world.people.set("task", older.id, {"hs_task_status": "NOT_STARTED"})
    assert faults(world) == [], "a person has opened it again"
