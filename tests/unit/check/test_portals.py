"""Portals that are not as the documentation has them: `check` finds what the service would meet there, by reading only."""

from dataclasses import replace
from typing import Any

import pytest

from sync.admin.check import Misfit
from sync.sandbox import Fault, Quirks
from tests.conftest import MakeWorld
from tests.unit.check.report import ERROR, PORTFOLIO, TASK, WARNING, checked
from tests.world import World


def only(world: World) -> Misfit:
    """The one thing that is found."""
    (misfit,) = checked(world).misfits
    return misfit


def in_use(world: World) -> None:
    """A portfolio with a ticket, a task and a Note on each, one portfolio without a ticket, and a completed task."""
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    ticket = world.people.create_ticket("Ad", "Winter", portfolio)
    world.people.note("portfolio", portfolio, "More autumn")
    world.people.note("ticket", ticket, "Warmer")
    world.people.create_portfolio("Bolt", world.day(10))
    world.work()
    world.people.complete_task(world.tasks()[0].id)
    world.people.flush_search()


class TestTheRehearsal:
    def test_reads_all_that_is_there(self, world: World) -> None:
        in_use(world)
        mark = world.sandbox.log.mark()
        report = checked(world)
        assert (report.misfits, report.ok) == ((), True)
        assert {one.name: one.note for one in report.areas}["rehearsal"] == (
            "2 portfolios, 1 ticket, 2 notes, 1 task read as the service reads them"
        )
        called = {call.endpoint for call in world.sandbox.log.since(mark)}
        links = "POST /crm/associations/2026-09"
        assert {
            f"POST /crm/objects/2026-09/{kind}/search" for kind in ("creative_portfolios", "tickets", "tasks")
        } <= called
        assert {f"{links}/creative_portfolios/{far}/batch/read" for far in ("tickets", "tasks", "notes")} | {
            f"{links}/tickets/{far}/batch/read" for far in ("creative_portfolios", "tasks", "notes")
        } <= called
        assert "GET /crm/objects/2026-09/tasks" in called

    @pytest.mark.parametrize("missed", [True, False], ids=["by the portfolio", "by the ticket"])
    def test_finds_what_is_associated_in_one_direction_only(self, world: World, missed: bool) -> None:
        """Seen: check 0 errors, and nothing was done for the ticket (docs/hubspot.md 5.4)."""
        in_use(world)
        portal, kind = world.sandbox.portal, world.sandbox.process.names.object_type_id
        ((ticket,), acme) = world.people.list("ticket"), world.people.portfolios()[0]
        near, far = (acme.id, ticket.id) if missed else (ticket.id, acme.id)
        portal.unlist(kind if missed else "0-5", int(near), "0-5" if missed else kind, int(far))
        misfit = only(world)
        assert misfit.severity is (WARNING if missed else ERROR)
        names = [f"ticket {ticket.id}", f"portfolio {acme.id}"]
        first, second = names if missed else reversed(names)
        assert misfit.problem.startswith(f"{first} lists {second}, whose own list does not have it")

    def test_needs_no_property_where_bodies_carry_the_keys(self, make_world: MakeWorld) -> None:
        world = make_world(
            mapping="task: {key_carrier: body}\n",
            with_task_property=False,
            quirks=Quirks(unknown_property_read="refused"),
        )
        in_use(world)
        assert checked(world).errors == ()

    def test_changes_nothing(self, world: World) -> None:
        in_use(world)
        before = world.sandbox.portal.dump()
        checked(world)
        assert world.sandbox.portal.dump() | {"now": before["now"]} == before

    @pytest.mark.parametrize("told", ["207", "200", "left out"])
    def test_a_portal_that_leaves_out_what_has_no_associations_is_served(
        self, make_world: MakeWorld, told: str
    ) -> None:
        """Seen: check 0 errors, sweep 0 of 7 records looked at (docs/hubspot.md 5.2)."""
        world = make_world(quirks=Quirks(batch_read_problems=told), webhooks=False)  # type: ignore[arg-type]
        for n in range(7):
            world.people.create_portfolio(f"Client {n}", world.day(10))
        world.people.flush_search()
        assert checked(world).misfits == ()
        assert world.sweep().looked == 7
        assert world.kinds() == ["kickoff"] * 7

    @pytest.mark.parametrize(
        ("fault", "problem"),
        [
            (
                Fault("no-property", "POST */creative_portfolios/batch/read", name="creative_refresh_status"),
                "the property",
            ),
            (Fault("no-histories", "POST */creative_portfolios/batch/read"), "lacks the history of"),
            (Fault("no-list", "POST */creative_portfolios/tickets/batch/read"), "the list of its tickets"),
            (Fault("no-property", "POST */tickets/batch/read", name="subject"), "the property “subject”"),
            (Fault("no-property", "POST */notes/batch/read", name="hs_note_body"), "the property “hs_note_body”"),
        ],
    )
    def test_what_answers_lack_is_an_error(self, world: World, fault: Fault, problem: str) -> None:
        in_use(world)
        world.sandbox.faults.add(replace(fault, share=1.0))
        report = checked(world)
        assert report.misfits
        assert all(misfit.severity is ERROR for misfit in report.misfits)
        assert any(problem in misfit.problem for misfit in report.misfits)

    @pytest.mark.parametrize(
        ("endpoint", "purpose"),
        [
            ("POST */tasks/search", "to search tasks fails"),
            ("GET */objects/2026-09/tasks", "to look into the recycle bin of tasks fails"),
            ("POST */tickets/notes/batch/read", "ticket 9990: the CRM fails each call for it"),
        ],
    )
    def test_a_call_that_fails_is_named(self, world: World, endpoint: str, purpose: str) -> None:
        in_use(world)
        world.sandbox.faults.add(Fault("500", endpoint))
        assert only(world).problem.startswith(purpose)


class TestTheAccount:
    @pytest.mark.parametrize("kind", ["SANDBOX", "DEVELOPER_TEST"])
    def test_that_is_none_of_production_is_told(self, world: World, kind: Any) -> None:
        world.sandbox.portal.account = replace(world.sandbox.portal.account, kind=kind)
        misfit = only(world)
        assert (misfit.severity, misfit.where) == (WARNING, "HUBSPOT_ACCESS_TOKEN")
        assert f"portal 48000001 is no production account, but one of the kind {kind}" in misfit.problem


class TestQueues:
    def test_as_a_fallback(self, make_world: MakeWorld) -> None:
        world = make_world(mapping="roles: {account_manager: {fallback_owner: '51000060'}}\n")
        assert world.people.add_owner("Support", "queue", queue=True) == "51000060"
        misfit = only(world)
        assert misfit.severity is WARNING
        assert "the queue “Support queue” (51000060) has no email address" in misfit.problem

    def test_that_a_portfolio_names(self, world: World) -> None:
        queue = world.people.add_owner("Support", "queue", queue=True)
        portfolio = world.people.create_portfolio("Acme", world.day(20), social_ad_specialist=queue)
        world.people.flush_search()
        misfit = only(world)
        assert misfit.where.endswith("portfolio.owners.social_ad_specialist")
        assert f"whom portfolio {portfolio} (and maybe others) names, has no email address" in misfit.problem


class TestRulesOfAnAdmin:
    def rule(self, world: World, kind: str, name: str, pattern: str) -> None:
        world.people.set_rules({"name": "r", "type": kind, "property": name, "pattern": pattern})

    def test_that_refuses_every_task_is_an_error(self, world: World) -> None:
        """Seen: 36 of 36 tasks were refused after `check` said ok."""
        self.rule(world, "task", "hs_task_subject", "[A-Z ]+")
        report = checked(world)
        (misfit,) = report.misfits
        assert (misfit.severity, report.exit_code) == (ERROR, 5)
        assert "the validation rule REGEX [A-Z ]+ of “hs_task_subject” has HubSpot refuse" in misfit.problem
        world.people.create_portfolio("Acme", world.day(10))
        world.work()
        assert world.tasks() == []

    def test_that_all_texts_keep_is_worth_a_look(self, world: World) -> None:
        self.rule(world, "task", "hs_task_subject", ".+")
        assert only(world).severity is WARNING

    @pytest.mark.parametrize(
        ("kind", "name", "pattern"),
        [
            ("portfolio", "creative_refresh_status", "Done"),
            ("task", "handoff_key", "[a-z]{1,20}"),
            ("task", "hs_task_body", "<p>No more than this</p>"),
        ],
    )
    def test_on_whatever_is_written(self, world: World, kind: str, name: str, pattern: str) -> None:
        self.rule(world, kind, name, pattern)
        assert (only(world).severity, name in only(world).problem) == (ERROR, True)

    def test_on_what_is_not_written_is_none_of_ours(self, world: World) -> None:
        self.rule(world, "ticket", "subject", "x")
        assert checked(world).misfits == ()

    def test_required_properties_of_tasks(self, world: World) -> None:
        tasks = world.sandbox.portal.types[TASK]
        tasks.required = (*tasks.required, "hs_task_reminders")
        misfit = only(world)
        assert "HubSpot requires “hs_task_reminders” of every task" in misfit.problem
        world.people.create_portfolio("Acme", world.day(10))
        world.work()
        assert world.tasks() == []

    @pytest.mark.parametrize("endpoint", ["GET /crm/property-validations/*", "GET */schemas/tasks"])
    def test_that_the_app_may_not_read_are_no_finding(self, world: World, endpoint: str) -> None:
        world.sandbox.faults.add(Fault("403", endpoint))
        assert checked(world).misfits == ()


class TestSensitiveProperties:
    @pytest.fixture
    def sensitive(self, world: World) -> World:
        known = world.sandbox.portal.types[PORTFOLIO].properties
        known["most_recent_ad_lab_link"] = replace(known["most_recent_ad_lab_link"], sensitivity="sensitive")
        return world

    def test_that_the_app_may_not_see_are_missing_with_the_right_remedy(self, sensitive: World) -> None:
        misfit = only(sensitive)
        assert "no property “most_recent_ad_lab_link”" in misfit.problem
        assert "if it is there and marked as sensitive, use one that is not, or give the app the scope" in misfit.remedy

    def test_that_the_app_may_see_are_read(self, sensitive: World) -> None:
        sensitive.sandbox.portal.types[PORTFOLIO].shows_sensitive = True
        assert (only(sensitive).severity, "is marked as sensitive" in only(sensitive).problem) == (WARNING, True)
        sensitive.people.create_portfolio("Acme", sensitive.day(10), link="https://lab.example")
        sensitive.work()
        assert sensitive.kinds() == ["kickoff"]


def test_a_kick_back_into_a_read_only_stage_is_told_of_beforehand(world: World) -> None:
    """docs/hubspot.md 7.4."""
    world.people.restrict_stage("ticket", "880012", "READ_ONLY")
    misfit = only(world)
    assert (misfit.severity, misfit.where.rpartition(" ")[2]) == (ERROR, "ticket.in_progress")
