"""`verify` never says that all is well where it is not: each end state is planted, and told."""

import json
import sys
from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from mappings.vocabulary import EmailKind
from sync.admin.verify import FAULTS, Finding, Report, Sort, verify
from sync.rules.context import Context, NextRefresh
from sync.rules.handoffs.ad_sets import ad_sets
from sync.rules.model import Ticket
from sync.storage.tables import effects, work_items
from tests.conftest import MakeWorld
from tests.terminal import Terminal
from tests.world import World

CLEAN = "Nothing is missing, doubled or unexplained."


def checked(world: World) -> Report:
    world.people.flush_search()
    return verify(world.service.reading)


def faults(world: World) -> list[Finding]:
    return checked(world).of(*FAULTS, Sort.NOT_READ)


def said(world: World, patch: pytest.MonkeyPatch) -> tuple[int, str]:
    world.people.flush_search()
    result = Terminal(world, patch).run("verify")
    return result.exit_code, " ".join(result.stdout.split())


def kicked_off(world: World) -> str:
    client = world.people.create_portfolio("Acme", world.day(3), cadence="Every 4 weeks")
    world.work()
    return client


def with_a_set(world: World) -> tuple[str, list[str]]:
    """Two tickets of one folder, one of them ready."""
    client = kicked_off(world)
    world.people.set_status(client, "Deliverables Submitted")
    tickets = [world.people.create_ticket(f"Ad {n}", "Autumn", client) for n in (1, 2)]
    world.minutes(20)
    world.people.move_ticket(tickets[0], "Pending Approval")
    world.minutes(5)
    return client, tickets


class TestTheSummaryIsTrue:
    def test_where_all_is_well(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        kicked_off(world)
        code, text = said(world, monkeypatch)
        assert code == 0
        assert CLEAN in text
        assert "1 email sent, by the ledger's word alone" in text

    def test_above_what_is_blocked(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        client = world.people.create_portfolio("Acme", world.day(3))
        world.people.set("portfolio", client, {"account_manager": ""})
        world.work()
        code, text = said(world, monkeypatch)
        assert code == 1
        assert CLEAN not in text
        assert "2 effects blocked: not done, until a person mends what is said below." in text

    def test_with_a_deleted_task(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        kicked_off(world)
        world.people.delete_task(world.tasks()[0].id)
        code, text = said(world, monkeypatch)
        assert code == 0, "what a person deletes is that person's business"
        assert "Nothing is missing, doubled or unexplained; but 1 deleted by a person, see below." in text

    def test_with_the_task_property_missing(self, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        world = make_world(with_task_property=False)
        world.people.create_portfolio("Acme", world.day(40))
        code, text = said(world, monkeypatch)
        assert code == 1
        assert CLEAN not in text
        assert "Task property missing" in text
        assert "handoffs setup --apply" in text
        assert not checked(world).as_json()["ok"]

    def test_with_something_held(self, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        world = make_world(mapping="rules: {effects_per_hour: 1}\n")
        kicked_off(world)
        code, text = said(world, monkeypatch)
        assert code == 1
        assert CLEAN not in text
        assert "1 portfolio held by the breaker: `handoffs release" in text

    def test_what_nobody_takes_from_the_queue_is_missing(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        client = world.people.create_portfolio("Acme", world.day(40))
        world.work()
        world.people.set("portfolio", client, {"creative_refresh_date": world.day(3).isoformat()})
        world.receive()
        told = " ".join(one.cause for one in checked(world).of(Sort.WAITING))
        assert "to be looked at from Mon 2 Nov 2026 09:00 on" in told, "in the portal's time, in words"
        world.clock.advance(timedelta(minutes=20))
        (found,) = faults(world)
        assert "and no worker has: is one up?" in found.cause
        assert said(world, monkeypatch)[0] == 1


class TestAnnouncedWithOneBehind:
    def test_the_ticket_is_named(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        _client, tickets = with_a_set(world)
        assert faults(world) == []
        module = sys.modules["sync.rules.handoffs.set_ready"]
        monkeypatch.setattr(module, "ad_sets", lambda context: _without(ad_sets(context), tickets[1]))
        world.people.set("ticket", tickets[0], {"subject": "Ad 1, new"})
        world.minutes(5)
        monkeypatch.undo()
        assert "share_deliverables" in world.kinds()
        (found,) = faults(world)
        assert found.sort is Sort.UNEXPLAINED
        assert f"ticket {tickets[1]} “Ad 2” of it was not ready" in found.cause

    def test_a_ticket_that_came_or_left_its_stage_afterwards_is_no_fault(self, world: World) -> None:
        client, tickets = with_a_set(world)
        world.people.move_ticket(tickets[1], "Pending Approval")
        world.minutes(10)
        assert "share_deliverables" in world.kinds()
        world.people.create_ticket("Ad 3", "Autumn", client)
        world.people.move_ticket(tickets[0], "In Progress")
        world.minutes(30)
        assert faults(world) == []

    def test_a_set_whose_ticket_was_merged_into_one_of_another_set(self, world: World) -> None:
        """M.8: whose version a folder was nobody tells, and the newest at that time was the other one's (seed 50252)."""
        client = kicked_off(world)
        alone = world.people.create_ticket("Ad 1", "Winter", client)
        world.minutes(5)
        tickets = [world.people.create_ticket(f"Ad {n}", "Autumn", client) for n in (2, 3)]
        world.minutes(5)
        world.minutes(20)
        world.people.move_ticket(alone, "Pending Approval")
        world.minutes(5)
        assert "share_deliverables" in world.kinds()
        world.minutes(10)
        world.people.set("ticket", tickets[0], {"deliverable_folder_name": "Spring"})
        world.people.merge("ticket", tickets[0], alone)
        world.minutes(30)
        assert faults(world) == []


def _without(sets: Mapping[str, list[Ticket]], ticket: str) -> dict[str, list[Ticket]]:
    """The fault: the rule overlooks one of them."""
    return {folder: [one for one in members if one.id != ticket] for folder, members in sets.items()}


class TestWhoseTask:
    def test_somebody_whom_nobody_named(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        other = world.people.owner("copywriter")
        monkeypatch.setattr(Context, "owner", lambda *_: (other, None))
        kicked_off(world)
        monkeypatch.undo()
        (found,) = faults(world)
        assert found.sort is Sort.UNEXPLAINED
        assert "was given to Cody Wright" in found.cause
        assert "as Account Manager" in found.cause

    def test_who_has_given_it_away_since_is_nobodys_fault(self, world: World) -> None:
        client = kicked_off(world)
        task = world.tasks()[0].id
        world.people.set("task", task, {"hubspot_owner_id": world.people.owner("copywriter")})
        world.people.set("portfolio", client, {"account_manager": world.people.owner("graphic_designer")})
        world.minutes(90)
        assert faults(world) == []

    def test_a_mapping_that_names_another_property_since_is_no_fault(self, world: World) -> None:
        """docs/process.md F.9: a task stays whose it is. Read by today's mapping nobody was named then."""
        portfolio = world.service.mapping.portfolio
        kicked_off(world)
        world.minutes(5)
        owners = {
            **{role.value: name for role, name in portfolio.owners.items()},
            "account_manager": "graphic_designer",
        }
        world.remap(json.dumps({"portfolio": {"owners": owners}}))
        world.minutes(90)
        assert faults(world) == []


class TestTheNextDate:
    @pytest.mark.parametrize("cadence", ["Every 4 weeks", "Monthly"])
    def test_a_date_that_is_not_the_next_one(self, world: World, monkeypatch: pytest.MonkeyPatch, cadence: str) -> None:
        client = world.people.create_portfolio("Acme", world.day(3), cadence=cadence)
        world.work()
        right = {"Every 4 weeks": "Thu 3 Dec 2026", "Monthly": "Sat 5 Dec 2026"}[cadence]
        monkeypatch.setattr(Context, "next_refresh", lambda _: NextRefresh(date(2026, 12, 24), None))
        world.people.set_status(client, "No Refresh Requested")
        world.work()
        monkeypatch.undo()
        assert world.date(client) == "2026-12-24"
        (found,) = faults(world)
        assert found.sort is Sort.UNEXPLAINED
        assert f"moved to Thu 24 Dec 2026; by the cadence of that day it would be {right}" in found.cause

    @pytest.mark.parametrize("cadence", ["Every 4 weeks", "Monthly", ""])
    def test_a_cadence_changed_since_is_no_fault(self, world: World, cadence: str) -> None:
        client = world.people.create_portfolio("Acme", world.day(3), cadence=cadence)
        world.work()
        world.people.set_status(client, "No Refresh Requested")
        world.work()
        world.minutes(20)
        world.people.set("portfolio", client, {"creative_refresh_cadence": "Quarterly"})
        world.minutes(20)
        assert faults(world) == []


class TestEmails:
    def test_one_that_was_never_planned(self, world: World) -> None:
        kicked_off(world)
        with world.service.store.write() as connection:
            connection.execute(effects.delete().where(effects.c.key.like(f"%email:{EmailKind.KICKOFF}%")))
        (found,) = faults(world)
        assert found.sort is Sort.MISSING
        assert "the email kickoff that belongs to it was never planned" in found.cause


class TestNobodyLooksAgain:
    """What counts once it has stood is looked at then. Where that look was lost, `verify` tells of it before any sweep."""

    @pytest.mark.parametrize("how", ["declined", "implemented", "by the task"])
    def test_when_it_counts(self, world: World, how: str) -> None:
        client = kicked_off(world)
        if how != "declined":
            world.people.set_status(client, "Creatives Completed & Approved")
            world.minutes(5)
        match how:
            case "declined":
                world.people.set_status(client, "No Refresh Requested")
            case "implemented":
                world.people.set_status(client, "Creatives Implemented")
            case _:
                world.people.complete_task(next(t.id for t in world.tasks() if t.subject.startswith("Implement")))
        world.work(settle=False)
        assert faults(world) == []
        with world.service.store.write() as connection:
            connection.execute(work_items.delete())
        world.clock.advance(timedelta(minutes=10))
        told = faults(world)
        assert told[0].handoff == ("2a" if how == "declined" else "8")
        assert all(one.sort is Sort.MISSING and "nobody is about to" in one.cause for one in told)
