"""Two at once: processes on one database, marks during a pass, and people who edit while the service works."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync.crm import Kind, RecordRef
from sync.sandbox.clock import VirtualClock
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.server import SandboxServer
from sync.service.bootstrap import build
from sync.service.drain import drain
from sync.service.lanes import Lanes
from sync.settings import Settings, read_settings
from sync.storage import work_queue
from sync.storage.database import Store, migrate, open_store
from tests.conftest import MakeWorld
from tests.patience import PATIENCE
from tests.world import World

# Processes


@dataclass
class Office:
    """A simulated CRM on a port, on real time, and a database that processes share."""

    sandbox: Sandbox
    directory: Path
    settings: Settings
    environment: Mapping[str, str]
    processes: list[subprocess.Popen[bytes]]

    @property
    def log(self) -> Path:
        return self.directory / "steps"

    def start(self, what: str, until: Path | None = None) -> subprocess.Popen[bytes]:
        """One that does `what` once, or again and again until a file is there."""
        command = [sys.executable, "-m", "tests.story.passes", what, str(self.log), *([str(until)] if until else [])]
        process = subprocess.Popen(command, env={**os.environ, **self.environment}, cwd=Path(__file__).parents[2])
        self.processes.append(process)
        return process

    def steps(self) -> list[tuple[int, int, str]]:
        """(moment, process, step), in their order."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        found = [line.split(" ", 2) for line in lines]
        return sorted((int(at), int(process), step) for at, process, step in found)

    def wait_for(self, step: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while all(reached != step for _, _, reached in self.steps()):
            assert time.monotonic() < deadline, f"nobody came to “{step}”"
            time.sleep(0.05)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    sandbox = Sandbox(start=datetime.now(UTC), ticking=True, with_task_property=True)
    with SandboxServer(sandbox, pump=False) as server:
        environment = {
            "HUBSPOT_ACCESS_TOKEN": sandbox.token,
            "HUBSPOT_APP_ID": str(sandbox.app_id),
            "HUBSPOT_BASE_URL": server.url,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'handoffs.db'}",
            "EMAIL_URL": "hubspot:777",
        }
        settings = read_settings(_env_file=None, **{name.lower(): value for name, value in environment.items()})
        running = Office(sandbox, tmp_path, settings, environment, [])
        yield running
        for process in running.processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait(PATIENCE)


def _portfolios(sandbox: Sandbox, count: int) -> list[str]:
    soon = (sandbox.clock.now() + timedelta(days=10)).date()
    return [sandbox.people.create_portfolio(f"Client {n}", soon) for n in range(count)]


def test_no_two_passes_overlap_and_nothing_is_done_twice(office: Office) -> None:
    """One that drains, one that polls, one that sweeps, all on one database, until each had a pass; new work comes."""
    _portfolios(office.sandbox, 24)
    acts = {"drain", "poll", "sweep"}
    for what in acts:
        office.start(what, until=office.directory / f"{what} had a pass")
    ids = {str(process.pid): what for process, what in zip(office.processes, acts, strict=True)}
    made = 24
    store = open_store(office.settings.database_url)
    migrate(store)
    deadline = time.monotonic() + PATIENCE
    while waiting := acts - {ids[str(process)] for _, process, step in office.steps() if step == "snapshot"}:
        assert time.monotonic() < deadline, f"never had a pass: {waiting}"
        for what in acts - waiting:
            (office.directory / f"{what} had a pass").touch()  # the others' turn
        new = _portfolios(office.sandbox, 2)
        office.sandbox.people.flush_search()
        with store.write() as connection:
            work_queue.enqueue(
                connection, [RecordRef(Kind.PORTFOLIO, one) for one in new], datetime.now(UTC), "webhook"
            )
        made += 2
        time.sleep(0.7)
    for what in acts:
        (office.directory / f"{what} had a pass").touch()
    for process in office.processes:
        assert process.wait(PATIENCE) == 0
    office.sandbox.people.flush_search()
    assert office.start("sweep").wait(PATIENCE) == 0
    inside: int | None = None
    for _, process_id, step in office.steps():
        if step == "snapshot":
            assert inside in {None, process_id}, "a pass began while another process was in one"
            inside = process_id
        elif step == "looked at":
            inside = None
    keys = Counter(task.key for task in office.sandbox.people.all_tasks())
    assert len(keys) == made
    assert set(keys.values()) == {1}
    assert len(office.sandbox.people.emails()) == made


def test_a_killed_process_frees_its_lane_and_leaves_nothing_half_done(office: Office) -> None:
    """Killed after its tasks were sent, before it knew of it: they are found, and made once."""
    _portfolios(office.sandbox, 3)
    office.sandbox.people.flush_search()
    process = office.start("hold")
    office.wait_for("holding")
    process.kill()
    process.wait(PATIENCE)
    clock = VirtualClock.running()
    service = build(office.settings, clock=clock)
    tally = drain(service)  # would wait for ever for a lane that is not free
    assert tally.tried == 0, "what was cut off is looked for first, once it must have landed"
    clock.advance(timedelta(minutes=2))
    drain(service)
    service.close()
    keys = Counter(task.key for task in office.sandbox.people.all_tasks())
    assert set(keys.values()) == {1}
    assert len(keys) == len(office.sandbox.people.emails()) == 3


def test_a_lane_is_one_by_whatever_name_the_database_is_reached(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").symlink_to(tmp_path / "here")
    ends = iter([False, True])
    stores: list[Store] = [open_store(f"sqlite:///{tmp_path / name / 'handoffs.db'}") for name in ("here", "there")]
    first, second = (Lanes(store) for store in stores)
    with first.held(0, lambda: False) as mine:
        assert mine
        with second.held(0, lambda: next(ends, True)) as theirs:
            assert not theirs
    with second.held(0, lambda: False) as theirs:
        assert theirs


# Marks during a pass


def _steps_of(world: World, act: Callable[[World], str]) -> tuple[str, list[str]]:
    """What `act` makes due, and the steps of the one pass over it."""
    steps: list[str] = []
    portfolio = act(world)
    world.prepare()
    world.receive()
    world.failpoint = steps.append
    _one_pass(world)
    world.failpoint = lambda _: None
    return portfolio, steps


def _one_pass(world: World) -> None:
    service = world.service
    with service.lanes().one(0) as held:
        assert held is not None
        with service.store.read() as connection:
            items = work_queue.lease(connection, 0, service.clock.now(), 50)
        service.reconciler.run(held, items)


def _kickoff_due(world: World) -> str:
    return world.people.create_portfolio("Acme", world.day(10))


def _do_at(world: World, number: int, act: Callable[[], None]) -> None:
    """Do `act` at the n-th step."""
    seen = iter(range(1_000))

    def failpoint(_step: str) -> None:
        if next(seen) == number:
            act()

    world.failpoint = failpoint


def test_a_mark_at_any_step_of_a_pass_is_not_lost(make_world: MakeWorld) -> None:
    """The row stays, and it is due."""
    _, steps = _steps_of(make_world(), _kickoff_due)
    assert len(steps) > 10
    for number, step in enumerate(steps):
        world = make_world()
        portfolio = _kickoff_due(world)

        def mark(world: World = world, portfolio: str = portfolio) -> None:
            with world.service.store.write() as connection:
                work_queue.enqueue(connection, [RecordRef(Kind.PORTFOLIO, portfolio)], world.clock.now(), "webhook")

        world.prepare()
        world.receive()
        _do_at(world, number, mark)
        _one_pass(world)
        with world.service.store.read() as connection:
            due = work_queue.lease(connection, 0, world.clock.now(), 50)
        assert [look.record.id for look in due] == [portfolio], f"marked at step {number}, “{step}”"


def test_a_change_at_any_step_of_a_pass_is_answered(make_world: MakeWorld) -> None:
    """The client approves at once while the kickoff is being made; the event comes the same moment."""
    _, steps = _steps_of(make_world(), _kickoff_due)
    for number, step in enumerate(steps):
        world = make_world()
        portfolio = _kickoff_due(world)

        def approve(world: World = world, portfolio: str = portfolio) -> None:
            world.people.set_status(portfolio, "Creatives Completed & Approved")
            world.sandbox.delivery.pump()

        world.prepare()
        _do_at(world, number, approve)
        world.work()
        world.minutes(1)
        assert world.kinds().count("implement") == 1, f"changed at step {number}, “{step}”"
        assert world.kinds().count("kickoff") <= 1


# Whose word counts

BEFORE_THE_REREAD = ("snapshot", "read", "planned", "claiming", "claimed")


def _edit_at(world: World, step: str, edit: Callable[[], None]) -> None:
    edits = iter([edit])

    def failpoint(reached: str) -> None:
        if reached == step and (act := next(edits, None)) is not None:
            act()

    world.failpoint = failpoint


@pytest.mark.parametrize("step", BEFORE_THE_REREAD)
def test_a_status_set_meanwhile_is_not_overwritten(world: World, step: str) -> None:
    """The set is ready, and its status is about to advance; a person has gone further already."""
    acme = world.people.create_portfolio("Acme", world.day(40), status="Deliverables Submitted")
    world.people.create_ticket("t", "Autumn", acme, stage="Pending Approval")
    _edit_at(world, step, lambda: world.people.set_status(acme, "Creatives Completed & Approved"))
    world.work()
    world.minutes(3)
    assert world.status(acme) == "Creatives Completed & Approved"
    assert world.kinds() == ["write_copy", "design_graphics", "implement"], "and no announcement of what was approved"
    assert world.receivers() == ["social_ad_specialist"]


@pytest.mark.parametrize("step", BEFORE_THE_REREAD)
def test_a_date_moved_meanwhile_is_counted_from(world: World, step: str) -> None:
    acme = world.people.create_portfolio("Acme", world.day(20), cadence="Monthly")
    world.work()
    world.people.set_status(acme, "No Refresh Requested")
    _edit_at(world, step, lambda: world.people.set_refresh_date(acme, "2026-12-24"))
    world.minutes(1)
    world.minutes(3)
    assert world.date(acme) == "2027-01-24"


@pytest.mark.parametrize("step", ["snapshot", "read", "planned"])
def test_a_slip_taken_back_meanwhile_closes_nothing(world: World, step: str) -> None:
    acme = world.people.create_portfolio("Acme", world.day(20))
    world.work()
    world.people.set_status(acme, "Creatives Implemented")
    _edit_at(world, step, lambda: world.people.set_status(acme, "Deliverables Submitted"))
    world.minutes(1)
    world.minutes(3)
    assert (world.status(acme), world.date(acme)) == ("Deliverables Submitted", world.day(20).isoformat())
    assert world.emails() == []


@pytest.mark.parametrize("step", ["claiming", "claimed"])
def test_a_closing_that_counts_is_carried_out_though_it_is_moved_on_meanwhile(world: World, step: str) -> None:
    """docs/process.md 8.14: it has stood for its two minutes when somebody moves the status on, just before the reset."""
    acme = world.people.create_portfolio("Acme", world.day(20))
    world.work()
    world.people.set_status(acme, "Creatives Implemented")
    _edit_at(world, step, lambda: world.people.set_status(acme, "Deliverables Submitted"))
    world.minutes(1)
    world.minutes(3)
    assert (world.status(acme), world.date(acme)) == ("Deliverables Submitted", "2026-12-22")
    assert world.receivers() == ["account_manager"]


@pytest.mark.parametrize("step", BEFORE_THE_REREAD)
def test_an_approval_given_meanwhile_is_not_reset_by_mistake(world: World, step: str) -> None:
    """The ticket is about to be kicked back; its copy was approved and taken back in between."""
    acme = world.people.create_portfolio("Acme", world.day(40))
    ticket = world.people.create_ticket("t", "Autumn", acme, stage="Pending Approval", copy_approval="Team Lead QA")
    world.work()
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    _edit_at(world, step, lambda: world.people.set("ticket", ticket, {"copy_approval": "Approved"}))
    world.minutes(1)
    world.minutes(3)
    values = [version.value for version in world.people.history("ticket", ticket, "copy_approval")]
    assert values == ["", "Approved", "Team Lead QA"], "what was replaced had been read"
    assert world.kinds(("ticket", ticket)).count("revise_copy") == 1


@pytest.mark.parametrize("step", ["claiming", "claimed"])
def test_a_task_s_body_edited_meanwhile_is_kept(world: World, step: str) -> None:
    acme = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    (task,) = world.tasks()
    world.people.set_status(acme, "No Refresh Requested")
    seen: list[str] = []

    def failpoint(reached: str) -> None:
        seen.append(reached)
        if reached == step and seen.count(step) == 2:  # the date is written first
            world.people.edit_task(task.id, hs_task_body="<p>Called them twice.</p>")

    world.failpoint = failpoint
    world.minutes(1)
    (task,) = world.tasks()
    assert not task.open
    assert task.body.startswith("<p>Called them twice.</p>")
    assert "Closed automatically" in task.body
