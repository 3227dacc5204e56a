"""Handoff 8 as people live it: the cycle closes."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from sync.crm import Kind
from sync.hubspot.records import RecordReads
from sync.passes.snapshot import activities
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import AM, SAS, approved, the
from tests.world import World


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


def test_8_leftovers_are_told_from_what_was_opened_again_since(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/process.md 8.20. The past is read of those alone that have changed since the cycle was closed."""
    portfolio = approved(world)
    for n in range(2):
        world.people.create_ticket(f"More {n}", "Winter", portfolio)
    world.minutes(5)
    world.clock.advance(timedelta(minutes=1))
    first, second, third, *_ = (task for task in world.tasks() if "Write Copy" in task.subject)
    world.people.set_status(portfolio, "Creatives Implemented")
    world.clock.advance(timedelta(seconds=30))
    for task in (first, second):
        world.people.complete_task(task.id)
    world.clock.advance(timedelta(seconds=30))
    world.people.reopen_task(first.id)
    world.people.edit_task(third.id, hs_task_priority="HIGH")
    monkeypatch.setattr(activities, "WITH_HISTORY", 1)  # few tasks are many
    with_past: set[str] = set()
    read_each = RecordReads.read_each

    def noted(
        reads: RecordReads, kind: Kind, ids: Sequence[str], names: Sequence[str], history: Sequence[str] = ()
    ) -> Any:
        with_past.update(ids if kind is Kind.TASK and history else ())
        return read_each(reads, kind, ids, names, history)

    monkeypatch.setattr(RecordReads, "read_each", noted)
    world.work()
    assert [task.id for task in world.tasks() if task.open] == [first.id]
    closed = {task.id for task in world.tasks() if "Closed automatically" in task.body}
    assert closed == {task.id for task in world.tasks()} - {first.id, second.id}
    assert with_past == {first.id, third.id}


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
    world.clock.advance(timedelta(seconds=130))
    world.people.set_status(portfolio, "")
    world.work()
    assert world.date(portfolio) == "2026-12-02"
    assert world.receivers()[-1] == AM


def test_8_an_unmapped_cadence_blocks_the_closing_until_it_is_mended(make_world: MakeWorld) -> None:
    world = make_world(mapping="cadence: {default: Monthly, values: {Monthly: 1 month}}")
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
