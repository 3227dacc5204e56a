"""This machine's clock is minutes ahead of the CRM's, or behind it: what is done, and what is left, is the same.

docs/process.md G.1, C.11, 5.12, 6.19: moments that the CRM tells are compared with its own clock.
"""

from datetime import timedelta

import pytest

from sync.storage import mappings_in_force, service_state
from tests.conftest import MakeWorld
from tests.world import World

APPROVED = "Creatives Completed & Approved"


@pytest.fixture(params=[-4, 4], ids=["behind", "ahead"])
def apart(request: pytest.FixtureRequest) -> timedelta:
    minutes: int = request.param
    return timedelta(minutes=minutes)


class TestGoingLive:
    def test_what_comes_after_it_counts(self, make_world: MakeWorld, apart: timedelta) -> None:
        world = make_world(ahead=apart)
        acme = world.people.create_portfolio("Acme", world.day(40))
        world.work()
        world.clock.advance(timedelta(seconds=30))
        world.people.set_status(acme, APPROVED)
        world.work()
        assert world.kinds(("portfolio", acme)) == ["implement"]

    def test_what_was_before_it_is_history(self, make_world: MakeWorld, apart: timedelta) -> None:
        world = make_world(ahead=apart, webhooks=False)
        acme = world.people.create_portfolio("Acme", world.day(40), status=APPROVED)
        world.clock.advance(timedelta(seconds=30))
        world.restart(lose_database=True)
        world.work()
        assert world.kinds(("portfolio", acme)) == []
        assert world.emails() == []

    def test_it_is_told_once_and_for_every_process(self, make_world: MakeWorld, apart: timedelta) -> None:
        """A process that had started before it was told goes by it too; another start moves it no more."""
        world = make_world(ahead=apart)
        began, other = world.clock.now(), world._start()
        world.clock.advance(timedelta(minutes=10))
        world.service.poll()
        other.poll()
        other.close()
        world.clock.advance(timedelta(minutes=10))
        world.restart()
        world.service.poll()
        with world.service.store.read() as connection:
            kept = service_state.get(connection, service_state.GO_LIVE)
        assert kept is not None
        assert {kept, world.service.reading.go_live, other.reading.go_live} == {kept}
        assert abs(kept - began) < timedelta(seconds=5)


def test_6_a_note_that_comes_within_three_minutes_is_quoted(make_world: MakeWorld, apart: timedelta) -> None:
    world = make_world(ahead=apart)
    acme = world.people.create_portfolio("Acme", world.day(40), status="Creatives Pending Approval")
    ticket = world.people.create_ticket("t", "Autumn", acme, stage="Pending Approval")
    world.minutes(1)
    world.people.request_revisions(ticket, "Copy Revisions Only")
    world.work()
    world.minutes(1)
    assert "revise_copy" not in world.kinds()  # it waits for a Note
    world.people.note("ticket", ticket, "Shorter, please")
    world.minutes(1)
    world.minutes(1.1)
    assert "Shorter, please" in world.tasks()[-1].body


def test_5_a_set_is_complete_when_its_newest_ticket_is_old_enough(make_world: MakeWorld, apart: timedelta) -> None:
    world = make_world(ahead=apart)
    acme = world.people.create_portfolio("Acme", world.day(40))
    ticket = world.people.create_ticket("t", "Autumn", acme, stage="Pending Approval")
    world.work()
    world.minutes(12)
    world.people.set("ticket", ticket, {"subject": "another"})
    world.work()
    assert "share_deliverables" not in world.kinds()
    world.minutes(3.1)
    assert world.kinds()[-1] == "share_deliverables"


def test_6_after_a_lost_database_what_was_answered_is_not_kicked_back(make_world: MakeWorld, apart: timedelta) -> None:
    """6.15: the version has no task of its own, and is older than the new ledger."""
    world = make_world(ahead=apart, go_live="2026-01-01")
    acme = world.people.create_portfolio("Acme", world.day(40), status="Creatives Pending Approval")
    ticket = world.people.create_ticket("t", "Autumn", acme, stage="Pending Approval")
    world.work()
    world.minutes(10)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Shorter")
    world.minutes(10)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Longer", force=True)
    world.minutes(1)
    world.people.move_ticket(ticket, "New")
    world.clock.advance(timedelta(seconds=30))
    world.people.flush_search()
    world.restart(lose_database=True)
    world.sweep()
    world.minutes(10)
    stage = world.people.ticket(ticket)["hs_pipeline_stage"]
    assert stage == world.sandbox.process.stage("New")


def test_a_delivery_is_taken(make_world: MakeWorld, apart: timedelta) -> None:
    world = make_world(ahead=apart)
    acme = world.people.create_portfolio("Acme", world.day(9))
    world.receive()
    world._work()
    assert world.kinds(("portfolio", acme)) == ["kickoff"]
    assert _deliveries(world) > 0


def _deliveries(world: World) -> int:
    with world.service.store.read() as connection:
        return 0 if service_state.get(connection, service_state.LAST_WEBHOOK) is None else 1


def test_a_mapping_is_in_force_from_its_start_on_by_the_clock_of_the_crm(
    make_world: MakeWorld, apart: timedelta
) -> None:
    """docs/process.md F.2: what is set a minute later is judged by it, and by no other."""
    world = make_world(ahead=apart)
    world.work()
    world.minutes(20)
    world.remap("rules: {window_days: 20}")
    world.work()
    with world.service.store.read() as connection:
        newest = mappings_in_force.newest(connection)
    assert newest is not None
    assert abs(newest.since - world.clock.now()) < timedelta(seconds=5)
