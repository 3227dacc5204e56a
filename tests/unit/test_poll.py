"""What changed since the last poll is looked at: all of it, and as little else as can be."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta

import pytest

from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.errors import HandoffsError, UnnamedMatchError
from sync.observe import health
from sync.passes.poll import OVERLAP, SEARCHED, poll
from sync.sandbox.faults import Fault
from sync.sandbox.quirks import Quirks
from sync.service.drain import run_poll
from sync.storage import service_state
from sync.storage.service_state import Entry
from sync.storage.work_queue import WorkItem, lease
from tests.alive import give_signs
from tests.conftest import MakeWorld
from tests.spoiled import spoil_match
from tests.world import World


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Without webhooks: the poll alone tells."""
    return make_world(webhooks=False)


def _poll(world: World, *, flush: bool = True) -> int:
    if flush:
        world.people.flush_search()
    return world.service.poll()


def _due(world: World) -> list[WorkItem]:
    with world.service.store.read() as connection:
        return lease(connection, 0, world.clock.now(), 1_000)


def _marked(world: World) -> set[RecordRef]:
    return {look.record for look in _due(world)}


def _portfolio(one: str) -> RecordRef:
    return RecordRef(Kind.PORTFOLIO, one)


def _moment(world: World, entry: Entry[datetime]) -> datetime | None:
    with world.service.store.read() as connection:
        return service_state.get(connection, entry)


def test_the_first_poll_reaches_back_to_going_live(make_world: MakeWorld) -> None:
    world = make_world(webhooks=False)
    world.clock.advance(timedelta(days=3))
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.clock.advance(timedelta(days=3))
    assert _poll(world) == 1
    assert _marked(world) == {_portfolio(acme)}


def test_a_poll_reaches_back_over_the_lag_of_the_index(world: World) -> None:
    """What changed just before a poll may not be in the index: the next one sees it."""
    _poll(world)
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.clock.advance(timedelta(seconds=1))
    assert _poll(world, flush=False) == 0
    world.clock.advance(timedelta(minutes=5))
    assert _poll(world, flush=False) == 1
    assert _marked(world) == {_portfolio(acme)}


def test_after_days_of_silence_nothing_is_missed(world: World) -> None:
    _poll(world)
    world.clock.advance(timedelta(minutes=5))
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.clock.advance(timedelta(days=3))
    _poll(world)
    assert _marked(world) == {_portfolio(acme)}


def test_what_was_read_after_its_last_change_is_not_looked_at_again(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(40))
    world.clock.advance(timedelta(minutes=1))
    world.work()
    assert _poll(world) == 0
    assert _marked(world) == set()


@pytest.mark.parametrize("minutes", [-4, 4])
def test_what_was_read_is_known_by_the_clock_of_the_crm(make_world: MakeWorld, minutes: int) -> None:
    """Ours is minutes behind it, or ahead of it."""
    world = make_world(webhooks=False, ahead=timedelta(minutes=minutes))
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.clock.advance(timedelta(milliseconds=10))
    world.work()
    _in_that_moment(world, acme, lambda: world.people.set_status(acme, "Refresh Request Submitted"))
    assert _poll(world) == 1
    world.clock.advance(timedelta(seconds=5))
    world.work()
    assert _poll(world) == 0


def test_a_change_in_the_very_moment_of_a_read_is_seen(world: World) -> None:
    """The clock stands still: the change bears the same time as the one that was read before it."""
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.work()
    world.people.set_status(acme, "Refresh Request Submitted")
    _poll(world)
    assert _marked(world) == {_portfolio(acme)}


def test_a_change_after_the_read_is_seen(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.clock.advance(timedelta(minutes=1))
    world.work()
    world.clock.advance(timedelta(milliseconds=1))
    world.people.set_status(acme, "Refresh Request Submitted")
    _poll(world)
    assert _marked(world) == {_portfolio(acme)}


def test_own_changes_are_not_answered_for_ever(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(40), status="Deliverables Submitted")
    world.people.create_ticket("t", "Autumn", acme, stage="Pending Approval")
    world.work()
    assert world.status(acme) == "Creatives Pending Approval"
    world.minutes(5)
    world.minutes(5)
    world.people.flush_search()
    assert _poll(world) == 0


def _advanced(world: World) -> str:
    """A portfolio whose status the service has just set: it was read in the moment of that change."""
    acme = world.people.create_portfolio("Acme", world.day(40), status="Deliverables Submitted")
    world.people.create_ticket("t", "Autumn", acme, stage="Pending Approval")
    world.clock.advance(timedelta(minutes=1))
    run_poll(world.service)
    assert world.status(acme) == "Creatives Pending Approval"
    return acme


def _in_that_moment(world: World, portfolio: str, act: Callable[[], None]) -> None:
    """Somebody does this in the very moment of the portfolio's last change, and after it was read."""
    portal, changed_at = world.sandbox.portal, world.people.portfolio(portfolio).modified
    portal.schedule((changed_at - world.clock.now()).total_seconds(), act)
    portal.settle()
    assert world.people.portfolio(portfolio).modified == changed_at


def test_an_own_change_is_known_by_what_it_left(world: World) -> None:
    _advanced(world)
    assert _poll(world) == 0
    world.clock.advance(timedelta(minutes=5))
    assert _poll(world) == 0
    assert _marked(world) == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [("creative_refresh_date", "2027-01-01"), ("most_recent_ad_lab_link", "https://x"), ("name", "A")],
)
def test_what_somebody_changes_in_the_moment_of_an_own_change_is_seen(world: World, name: str, value: str) -> None:
    """Both bear the same time: what the record shows tells them apart."""
    acme = _advanced(world)
    _in_that_moment(world, acme, lambda: world.people.set("portfolio", acme, {name: value}))
    world.clock.advance(timedelta(minutes=5))
    assert _poll(world) == 1
    assert _marked(world) == {_portfolio(acme)}


def test_an_own_change_that_the_index_shows_late_is_known(world: World) -> None:
    """And so is not what somebody changed in the same moment, once the index shows that."""
    acme = _advanced(world)
    world.sandbox.portal.index.lag_ms = 420_000
    _in_that_moment(world, acme, lambda: world.people.set_refresh_date(acme, world.day(50)))
    world.clock.advance(timedelta(minutes=5))
    assert _poll(world, flush=False) == 0
    world.clock.advance(timedelta(minutes=5))
    assert _poll(world, flush=False) == 1


def test_what_was_merged_in_the_moment_of_an_own_change_is_seen(make_world: MakeWorld) -> None:
    """Or of which a merge moves no last change: what it moves is not documented (docs/hubspot.md 4.12)."""
    world = make_world(webhooks=False, quirks=Quirks(merge_keeps_primary=True))
    acme = _advanced(world)
    other = world.people.create_portfolio("Other", world.day(40), status="Deliverables Submitted")
    changed_at = world.people.portfolio(acme).modified
    world.people.merge("portfolio", acme, other)
    portal = world.sandbox.portal
    merged = portal.get(world.sandbox.process.names.object_type_id, int(acme))
    merged.modified = to_ms(changed_at)
    merged.changed()
    portal.index.note(merged, portal.now_ms())
    _poll(world)
    assert _portfolio(acme) in _marked(world)


def test_a_ticket_leads_to_its_portfolio(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(40))
    ticket = world.people.create_ticket("t", "Autumn", acme)
    world.work()
    world.minutes(10)
    world.people.move_ticket(ticket, "In Progress")
    _poll(world)
    assert _marked(world) == {_portfolio(acme)}


def test_a_new_ticket_is_looked_at_itself(world: World) -> None:
    world.work()
    world.minutes(10)
    ticket = world.people.create_ticket("t", "Autumn")
    _poll(world)
    assert _marked(world) == {RecordRef(Kind.TICKET, ticket)}


def test_tickets_of_other_pipelines_are_strangers_but_for_one_that_left(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(40))
    known = world.people.create_ticket("left", "Autumn", acme)
    world.work()
    world.minutes(10)
    other = {"hs_pipeline": "0", "hs_pipeline_stage": "1"}
    world.people.set("ticket", known, other)
    world.people.create("ticket", {"subject": "support", **other})
    _poll(world)
    assert _marked(world) == {_portfolio(acme)}


def test_only_the_implementation_task_moves_anything(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    world.people.set_status(acme, "Creatives Completed & Approved")
    world.minutes(5)
    kickoff, implement = world.tasks()
    world.people.create_task("Mine", [("portfolio", acme)], status="COMPLETED")
    world.people.complete_task(kickoff.id)
    world.minutes(10)
    world.people.complete_task(kickoff.id)
    _poll(world)
    assert _marked(world) == set()
    world.people.complete_task(implement.id)
    _poll(world)
    assert _marked(world) == {_portfolio(acme)}


def _with_implementation_task(world: World) -> tuple[str, str]:
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.work()
    world.people.set_status(acme, "Creatives Completed & Approved")
    world.minutes(40)
    (task,) = world.tasks()
    return acme, task.id


def test_a_completed_task_is_found_once(world: World) -> None:
    """For half an hour every poll meets it."""
    acme, task = _with_implementation_task(world)
    world.people.complete_task(task)
    world.clock.advance(timedelta(seconds=10))
    assert _poll(world) == 1
    assert _marked(world) == {_portfolio(acme)}
    world.clock.advance(timedelta(minutes=5))
    assert _poll(world) == 0
    assert _marked(world) == {_portfolio(acme)}, "it is not forgotten"


def test_a_task_completed_again_is_found_again(world: World) -> None:
    _, task = _with_implementation_task(world)
    for _ in range(2):
        world.people.complete_task(task)
        world.clock.advance(timedelta(seconds=10))
        assert _poll(world) == 1
        world.people.reopen_task(task)
        world.clock.advance(timedelta(minutes=1))


def test_an_index_that_is_late_loses_no_change(world: World) -> None:
    """Seven minutes late, for hours: each change is found by the first poll after it shows."""
    world.sandbox.portal.index.lag_ms = 420_000
    acme = world.people.create_portfolio("Acme", world.day(40))
    for _ in range(3):
        world.clock.advance(timedelta(minutes=5))
        _poll(world, flush=False)
    assert _marked(world) == {_portfolio(acme)}


@pytest.mark.parametrize("minutes", [-300, -4, 4, 300])
def test_a_clock_that_is_wrong_loses_no_change(world: World, minutes: int) -> None:
    """Ours is minutes ahead of the CRM's, or behind it."""
    crm = world.clock

    class Wrong:
        sleep = crm.sleep

        def now(self) -> datetime:
            return crm.now() + timedelta(minutes=minutes)

    world.prepare()
    ours = Wrong()
    for n in range(4):
        crm.advance(timedelta(minutes=5))
        acme = world.people.create_portfolio(f"Acme {n}", world.day(40))
        world.people.flush_search()
        crm.advance(timedelta(seconds=30))
        poll(world.service.store, world.service.crm, world.service.mapping, ours, world.service.portals.get())
        with world.service.store.read() as connection:
            waiting = {item.record for item in lease(connection, 0, ours.now() + timedelta(hours=1), 1_000)}
        assert _portfolio(acme) in waiting
        give_signs(world.service.store, world.clock)
        reasons = [one.text for one in health.look(world.service.store, crm.now(), world.settings)]
        which = "ahead of" if minutes > 0 else "behind"
        assert any(f" seconds {which} HubSpot's: set it by NTP" in reason for reason in reasons), reasons


@pytest.mark.parametrize(("fails", "kind"), [("*portfolios", "portfolio"), ("tickets", "ticket"), ("tasks", "task")])
def test_a_search_that_fails_keeps_no_other(world: World, fails: str, kind: str) -> None:
    """docs/process.md R.13: what the others have found is looked at, and it is asked again from where it stood."""
    acme, approved = world.people.create_portfolio("Acme", world.day(40)), world.people.create_portfolio("Bolt", None)
    world.people.set_status(approved, "Creatives Completed & Approved")
    world.work()
    (task,) = world.tasks()
    _poll(world)
    cursors = {one: _moment(world, service_state.polled_to(one)) for one in SEARCHED}
    world.clock.advance(timedelta(minutes=40))
    changed = {"*portfolios": _portfolio(acme), "tasks": _portfolio(approved)}
    world.people.set_status(acme, "Refresh Request Submitted")
    changed["tickets"] = RecordRef(Kind.TICKET, world.people.create_ticket("t", "Autumn"))
    world.people.complete_task(task.id)
    world.clock.advance(timedelta(minutes=1))
    world.people.flush_search()
    world.sandbox.faults.add(Fault("503", f"POST */{fails}/search", lasts=600))
    with pytest.raises(HandoffsError):
        _poll(world)
    assert _marked(world) == set(changed.values()) - {changed[fails]}
    unmoved = {one for one, at in cursors.items() if _moment(world, service_state.polled_to(one)) == at}
    assert unmoved == {Kind(kind)}
    assert _moment(world, service_state.POLLED_TO) == cursors[Kind(kind)], "of some kind not all is known since"
    world.clock.advance(OVERLAP * 5)
    _poll(world)
    assert _marked(world) == set(changed.values())
    assert (_moment(world, service_state.POLLED_TO) or world.clock.now()) > world.clock.now() - OVERLAP


def test_what_a_search_found_before_it_failed_is_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its second page does not come; the first one is known all the same."""
    monkeypatch.setattr("sync.hubspot.search.PAGE", 2)
    found = [world.people.create_portfolio(f"Client {n}", world.day(40)) for n in range(3)]
    world.prepare()
    world.sandbox.faults.add(Fault("503", "POST *portfolios/search", skip=1, lasts=600))
    with pytest.raises(HandoffsError):
        _poll(world)
    assert _marked(world) == {_portfolio(one) for one in found[:2]}
    world.clock.advance(OVERLAP * 5)
    _poll(world)
    assert _marked(world) == {_portfolio(one) for one in found}


def test_a_refused_token_ends_the_poll_at_once(world: World) -> None:
    _poll(world)
    world.sandbox.portal.app.token = "another"
    before = world.sandbox.log.total
    with pytest.raises(HandoffsError):
        _poll(world)
    assert world.sandbox.log.total - before == 1


def test_what_changes_while_the_poll_runs_is_found_by_the_next(world: World) -> None:
    """Searching takes a while; the next poll counts from when this one began."""
    acme = world.people.create_portfolio("Acme", world.day(40))
    world.prepare()
    began = world.clock.now()
    world.sandbox.faults.add(Fault("slow", "POST */search", delay=20))
    _poll(world)
    cursor = _moment(world, service_state.POLLED_TO)
    assert cursor is not None
    assert began - timedelta(seconds=20) <= cursor <= began, "earlier by what the first answer took, and no later"
    assert (_moment(world, service_state.LAST_POLL) or began) >= began + timedelta(minutes=1)
    assert _marked(world) == {_portfolio(acme)}


class TestAMatchWithoutAnId:
    """docs/process.md R.13. Seen: the cursor stood for good, so that each poll asked for more, and `status` told of none."""

    @pytest.fixture
    def nameless(self, world: World, monkeypatch: pytest.MonkeyPatch) -> str:
        """A portfolio whose matches come without its id."""
        _poll(world)
        nameless = world.people.create_portfolio("Nameless", world.day(40))
        spoil_match(monkeypatch, nameless, lambda _: {"properties": {}})
        return nameless

    def test_is_told_and_passed_by_the_poll(self, world: World, nameless: str) -> None:
        acme = world.people.create_portfolio("Acme", world.day(40))
        world.clock.advance(timedelta(seconds=5))
        began = world.clock.now()
        with pytest.raises(UnnamedMatchError):
            _poll(world)
        assert _marked(world) == {_portfolio(acme)}
        polled = _moment(world, service_state.LAST_POLL)
        assert polled is not None
        assert polled >= began
        world.clock.advance(OVERLAP + timedelta(minutes=5))
        with pytest.raises(UnnamedMatchError):
            _poll(world)
        world.clock.advance(timedelta(minutes=1))
        _poll(world)

    def test_is_told_and_passed_by_the_sweep(self, world: World, nameless: str) -> None:
        """So it is by that of the next day, which reaches back a day; the one after that asks for later changes."""
        for days in range(3):
            world.people.set("portfolio", nameless, {"creative_refresh_date": world.day(40 + days).isoformat()})
            world.clock.advance(timedelta(days=1))
            world.people.flush_search()
            began = world.clock.now()
            # The first one asks for the window alone.
            with pytest.raises(UnnamedMatchError) if days else nullcontext():
                world.service.sweep()
            swept = _moment(world, service_state.LAST_SWEEP)
            assert swept is not None
            assert swept >= began
