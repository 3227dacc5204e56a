"""What the sweep passes over, and each reason that there is to look at a portfolio all the same (docs/process.md C.16).

No webhook arrives and nobody polls: the sweep alone finds it.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from structlog.testing import capture_logs

from mappings.schema import Party
from sync.sandbox.faults import Fault
from sync.sandbox.quirks import Quirks
from sync.sandbox.transport import mount
from sync.service.bootstrap import build
from sync.service.drain import run_sweep
from sync.storage import looks, service_state, waits
from sync.storage.database import Store
from tests.conftest import MakeWorld
from tests.world import World


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(webhooks=False, quirks=Quirks(association_touches_modified=False))


def swept(world: World, days: float = 1) -> dict[str, int]:
    """Some days later a sweep, and all that it leads to; how many it marked, by its reason."""
    world.clock.advance(timedelta(days=days))
    world.people.flush_search()
    with capture_logs() as logs:
        run_sweep(world.service)
    (marked,) = (each for each in logs if each["event"] == "sweep.marked")
    reasons: dict[str, int] = marked["reasons"]
    return reasons


def _once(reason: str) -> dict[str, int]:
    return {reason: 1}


def _swept_until(world: World, tasks: int) -> dict[str, int]:
    """Sweep daily until there are so many tasks; the reasons of the last sweep."""
    for _ in range(40):
        reasons = swept(world)
        if len(world.tasks()) >= tasks:
            return reasons
    raise AssertionError("they are never made")


def settled(world: World) -> None:
    """Sweep until nothing is left to look at."""
    for _ in range(8):
        if not swept(world):
            return
    raise AssertionError("the sweep finds something each day")


def test_what_nobody_has_changed_is_not_read(world: World) -> None:
    for n in range(3):
        world.people.create_portfolio(f"Client {n}", world.day(14))
    settled(world)
    mark = world.sandbox.log.mark()
    assert swept(world) == {}
    calls = [call.endpoint for call in world.sandbox.log.since(mark)]
    assert not [one for one in calls if one.endswith("portfolios/batch/read") and "objects" in one]
    assert len(world.tasks()) == 3


def test_a_change_of_the_portfolio(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(14))
    settled(world)
    world.people.set_refresh_date(acme, world.today)
    assert swept(world, 0.1) == _once("changed")
    assert world.kinds() == ["kickoff", "create_tickets"]


@pytest.mark.parametrize("stage", ["In Progress", "Closed"])
def test_a_change_of_a_ticket(world: World, stage: str) -> None:
    """Of a closed one too: whoever asks for revisions of it has it opened again."""
    acme = world.people.create_portfolio("Acme", world.day(14))
    ticket = world.people.create_ticket("Ad", "Autumn", acme)
    world.people.move_ticket(ticket, stage)
    settled(world)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    swept(world, 0.1)
    assert "revise_copy" in world.kinds()


def test_a_day_that_comes(world: World) -> None:
    """The kickoff on its day, though nothing has changed since the pass that found the date too far away."""
    world.people.create_portfolio("Acme", world.day(19))
    world.clock.advance(timedelta(minutes=5))
    world.work()
    settled(world)
    world.people.set("portfolio", world.people.portfolios()[0].id, {"name": "Acme & Sons"})
    world.clock.advance(timedelta(minutes=5))
    world.work()
    assert world.tasks() == []
    reasons = _swept_until(world, tasks=1)
    assert reasons == _once("due")
    assert world.day(15).isoformat() in world.people.portfolios()[0]["creative_refresh_date"]
    reasons = _swept_until(world, tasks=2)
    assert reasons.keys() <= {"due"}
    assert world.people.portfolios()[0]["creative_refresh_date"].startswith(world.today.isoformat())


def test_a_ticket_that_was_linked(world: World) -> None:
    """A link need not move anybody's last change (docs/hubspot.md 5.8)."""
    acme = world.people.create_portfolio("Acme", world.day(14))
    ticket = world.people.create_ticket("Ad", "Autumn")
    world.work()
    world.clock.advance(timedelta(days=3))
    world.work()
    settled(world)
    assert "write_copy" not in world.kinds()
    world.people.associate("ticket", ticket, "portfolio", acme)
    assert swept(world) == _once("other tickets")
    assert {"write_copy", "design_graphics"} <= set(world.kinds())


def test_a_ticket_that_was_deleted(world: World) -> None:
    """It shows in no search, and completes the Ad Set of the others."""
    acme = world.people.create_portfolio("Acme", world.day(14))
    ready, behind = (world.people.create_ticket(f"Ad {n}", "Autumn", acme) for n in (1, 2))
    world.people.move_ticket(ready, "Pending Approval")
    settled(world)
    assert "share_deliverables" not in world.kinds()
    world.people.archive("ticket", behind)
    assert swept(world) == _once("other tickets")
    assert "share_deliverables" in world.kinds()


def test_a_portfolio_that_was_deleted(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(14))
    settled(world)
    world.people.archive("portfolio", acme)
    assert swept(world) == _once("other tickets")
    with world.service.store.read() as connection:
        assert looks.find(connection, [acme]) == {}


def test_a_portfolio_that_was_deleted_and_is_there_again(world: World) -> None:
    """Should coming out of the recycle bin move nothing of it: the whole window is asked for once a week."""
    acme = world.people.create_portfolio("Acme", world.day(14))
    settled(world)
    world.people.archive("portfolio", acme)
    swept(world)
    portal = world.sandbox.portal
    record = portal.get(world.sandbox.process.names.object_type_id, int(acme), archived=True)
    record.archived_at = None
    record.changed()
    portal.index.note(record, portal.now_ms())
    reasons = [swept(world) for _ in range(8)]
    assert reasons.count(_once("not known")) == 1
    assert _known(world.service.store, acme)


def test_a_ticket_on_two_portfolios_is_looked_at_each_day(world: World) -> None:
    """For which of them it counts its own list says, which nobody has compared."""
    one, other = (world.people.create_portfolio(name, world.day(14)) for name in ("One", "Other"))
    ticket = world.people.create_ticket("Ad", "Autumn", one)
    world.people.associate("ticket", ticket, "portfolio", other)
    for _ in range(3):
        reasons = swept(world)
    assert reasons == {"not known": 2}


def test_people_who_come_and_go(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(14))
    world.people.create_portfolio("Another", world.day(14), copywriter=None)
    settled(world)
    owner = world.people.portfolio(acme)["copywriter"]
    world.people.deactivate_owner(owner)
    assert swept(world) == _once("other people")
    world.people.reactivate_owner(owner)
    assert swept(world) == _once("other people")


def test_a_stage_that_is_closed_from_now_on(world: World) -> None:
    """It changes no ticket, and yet the set of those that are open."""
    acme = world.people.create_portfolio("Acme", world.day(14))
    ready, behind = (world.people.create_ticket(f"Ad {n}", "Autumn", acme) for n in (1, 2))
    world.people.move_ticket(ready, "Pending Approval")
    world.people.move_ticket(behind, "New")
    settled(world)
    assert "share_deliverables" not in world.kinds()
    stage = world.people.ticket(behind)["hs_pipeline_stage"]
    portal = world.sandbox.portal
    (pipeline,) = [one for one in portal.pipelines["0-5"].values() if any(each.id == stage for each in one.stages)]
    stages = tuple(replace(each, closed=True) if each.id == stage else each for each in pipeline.stages)
    portal.define_pipeline("0-5", replace(pipeline, stages=stages))
    assert swept(world) == _once("other rules")
    assert "share_deliverables" in world.kinds()


def test_another_mapping(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(14))
    settled(world)
    world.remap("rules:\n  barrier_minutes: 20\n")
    assert swept(world) == _once("other rules")


@pytest.mark.parametrize("changed", ["the task", "the status, taken back", "a closed ticket"])
def test_another_mapping_hides_no_change(world: World, changed: str) -> None:
    """A pass has looked by the new mapping before, so that only the change itself speaks for the portfolio."""
    acme = world.people.create_portfolio("Acme", world.day(40), cadence="Quarterly")
    ticket = world.people.create_ticket("Ad", "Autumn", acme)
    world.people.set_status(acme, "Creatives Completed & Approved")
    if changed == "a closed ticket":
        world.people.move_ticket(ticket, "Closed")
    world.minutes(10)
    settled(world)
    world.remap("rules:\n  barrier_minutes: 20\n")
    world.people.set("portfolio", acme, {"name": "Acme & Sons"})
    world.minutes(10)
    match changed:
        case "the task":
            world.people.complete_task(world.tasks()[-1].id)
        case "a closed ticket":
            world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
        case _:
            world.people.set_status(acme, "Creatives Implemented")
            world.clock.advance(timedelta(minutes=5))
            world.people.set_status(acme, "")
    swept(world, 0.5)
    if changed == "a closed ticket":
        assert "revise_copy" in world.kinds()
    else:
        assert world.status(acme) == ""
        assert world.date(acme) > world.day(100).isoformat()


def test_a_task_that_is_completed_before_the_first_sweep(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(40), cadence="Quarterly")
    world.people.set_status(acme, "Creatives Completed & Approved")
    world.minutes(10)
    world.people.complete_task(world.tasks()[-1].id)
    swept(world, 0.5)
    assert world.date(acme) > world.day(100).isoformat()


def test_an_older_state_of_the_database(world: World) -> None:
    """docs/process.md G.12: its ledger has begun anew."""
    world.people.create_portfolio("Acme", world.day(14))
    settled(world)
    with world.service.store.write() as connection:
        service_state.put(connection, service_state.LEDGER_BEGAN, world.clock.now())
    assert swept(world) == _once("other rules")


def test_each_is_looked_at_within_ten_days(world: World) -> None:
    for n in range(12):
        world.people.create_portfolio(f"Client {n}", world.day(14))
    settled(world)
    world.clock.advance(timedelta(days=1))
    days = [swept(world).get("its day of the week", 0) for _ in range(10)]
    assert sum(days) >= 12
    assert max(days) < 12


def test_what_cannot_be_decided_is_looked_at_each_day(world: World) -> None:
    """A pass that fails leaves nothing certain behind, and nor does one that the breaker holds."""
    acme = world.people.create_portfolio("Acme", world.day(14))
    settled(world)
    assert _known(world.service.store, acme)
    world.people.set("portfolio", acme, {"name": "Acme & Sons"})
    world.sandbox.faults.add(Fault("no-history", "POST */batch/read", holds=acme, times=1))
    swept(world, 0.1)
    assert not _known(world.service.store, acme)


def test_what_the_breaker_holds_is_not_certain(make_world: MakeWorld) -> None:
    world = make_world(webhooks=False, mapping="rules:\n  effects_per_hour: 1\n")
    acme = world.people.create_portfolio("Acme", world.day(14))
    swept(world)
    assert world.tasks() == []
    assert not _known(world.service.store, acme)


def _known(store: Store, portfolio: str) -> bool:
    with store.read() as connection:
        return portfolio in looks.find(connection, [portfolio])


def test_a_sweep_as_of_another_day_leaves_the_days_before_it(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.clock.advance(timedelta(minutes=5))
    world.work()
    assert _known(world.service.store, acme)
    _as_of(world, 27)
    assert world.kinds() == ["kickoff"]
    assert not _known(world.service.store, acme)
    with world.service.store.read() as connection:
        assert service_state.get(connection, service_state.SWEPT) is None


def _as_of(world: World, ahead: int) -> None:
    service = build(
        world.settings,
        clock=world.clock,
        budget_clock=world.clock,
        today=world.day(ahead),
        session=mount(requests.Session(), world.sandbox.api),
    )
    world.people.flush_search()
    run_sweep(service)
    service.close()


def test_a_manager_who_is_late_and_then_done(world: World) -> None:
    """Whether the Account Manager has done the task tells their turn from the client's; ticking it changes nothing else."""
    acme = world.people.create_portfolio("Acme", world.day(14))
    settled(world)
    for _ in range(6):
        swept(world)
    world.people.complete_task(world.tasks()[0].id)
    assert swept(world) == _once("task done")
    with world.service.store.read() as connection:
        assert waits.turns(connection)[acme].party is Party.CLIENT


def test_a_manager_who_was_done_long_before(world: World) -> None:
    """Until they may be late nobody reads whether their task is done; on that day somebody does."""
    acme = world.people.create_portfolio("Acme", world.day(14))
    settled(world)
    world.people.complete_task(world.tasks()[0].id)
    days = world.service.mapping.rules.stuck_after_days[Party.ACCOUNT_MANAGER]
    for _ in range(days + 1):
        swept(world)
    with world.service.store.read() as connection:
        assert waits.turns(connection)[acme].party is Party.CLIENT


def test_a_date_of_long_ago_comes_into_the_window(world: World) -> None:
    """No pass has ever looked at it, and nobody touches it."""
    world.people.create_portfolio("Acme", world.day(22))
    world.clock.advance(timedelta(days=4))
    assert swept(world, 0) == {}
    _swept_until(world, tasks=1)
    assert world.people.portfolios()[0]["creative_refresh_date"].startswith(world.day(15).isoformat())
