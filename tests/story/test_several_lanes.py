"""Several lanes: passes run at the same time, and what belongs to two of them is done once (docs/process.md C.14, G.9)."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from sync.crm import Kind, RecordRef
from sync.observe import status
from sync.observe.running import WAITS_FOR
from sync.passes import held_lane
from sync.service.bootstrap import Service
from sync.service.drain import Turns
from sync.service.lanes import Lanes, never
from sync.service.worker import Worker
from sync.storage import service_state, work_queue
from sync.storage.lane_locks import Holder
from tests.conftest import MakeWorld
from tests.world import World

LANES = 16
STEPS = ("snapshot", "planned", "claimed")
LIMIT = 10


def lane_of(portfolio: str, kind: Kind = Kind.PORTFOLIO) -> int:
    return work_queue.lane_of(RecordRef(kind, portfolio), LANES)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both workers are this thread: nobody gives up a lane while the other one waits for it."""
    monkeypatch.setattr(held_lane, "PATIENCE", 0.0)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(lanes=LANES)


@pytest.fixture
def other(world: World) -> Iterator[Service]:
    """Another worker's service on the same database."""
    with closing(world._start()) as service:
        yield service


def clients_in_lanes(world: World, *wanted: int, due: int) -> list[list[str]]:
    """Portfolios in so many different lanes, so many in each."""
    found: dict[int, list[str]] = {}
    while sum(len(each) >= count for each, count in zip(_longest(found), wanted, strict=False)) < len(wanted):
        one = world.people.create_portfolio(f"Client {sum(map(len, found.values()))}", world.day(due))
        found.setdefault(lane_of(one), []).append(one)
    return [each[:count] for each, count in zip(_longest(found), wanted, strict=False)]


def _longest(found: dict[int, list[str]]) -> list[list[str]]:
    return sorted(found.values(), key=len, reverse=True)


def in_the_middle(world: World, step: str, happens: Callable[[], None]) -> None:
    """Have this happen once when a pass of the first worker reaches this step."""

    def failpoint(reached: str) -> None:
        if reached == step:
            world.failpoint = lambda _: None
            happens()

    world.failpoint = failpoint


def look_at(service: Service, portfolio: str) -> None:
    """Have this worker look at a portfolio, as far as it may."""
    with service.store.write() as connection:
        work_queue.enqueue(connection, [RecordRef(Kind.PORTFOLIO, portfolio)], service.clock.now(), "test")
    Turns(service).drain()


def settle(world: World) -> None:
    for _ in range(6):
        world.minutes(2)


def once_each(world: World) -> None:
    keys = Counter(task.key for task in world.tasks())
    assert max(keys.values(), default=1) == 1, keys
    emails = Counter(world.emails())
    assert max(emails.values(), default=1) == 1, emails


@pytest.mark.parametrize(("step", "primary"), [*((step, "own") for step in STEPS), ("snapshot", "other")])
def test_a_merge_in_the_middle_of_a_pass(world: World, other: Service, step: str, primary: str) -> None:
    """The pass over the one goes on, and the one over what the merge has made waits until it is through."""
    world.work()
    one, two = world.people.create_portfolio("Acme", world.day(10)), world.people.create_portfolio("Acme Inc", "")
    made: list[str] = []

    def merged() -> None:
        kept, gone = (one, two) if primary == "own" else (two, one)
        made.append(world.people.merge("portfolio", kept, gone))
        world.receive()
        Turns(other).drain()

    in_the_middle(world, step, merged)
    look_at(world.service, one)
    assert made
    assert lane_of(made[0]) != lane_of(one)
    settle(world)
    once_each(world)
    assert len(world.tasks()) == len(world.emails()) == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_ticket_that_moves_in_the_middle_of_a_pass(world: World, other: Service, step: str) -> None:
    """Its new portfolio's pass takes over what the old one's has begun, once that is through."""
    (one,), (two,) = clients_in_lanes(world, 1, 1, due=90)
    ticket = world.people.create_ticket("Video", "Spring", one)
    world.work()
    before = len(world.tasks())
    world.people.request_revisions(ticket, "Copy and Graphic Revisions", note="Shorter")
    moved: list[bool] = []

    def moves() -> None:
        world.people.associate("ticket", ticket, "portfolio", two)
        world.people.dissociate("ticket", ticket, "portfolio", one)
        look_at(other, two)
        moved.append(True)

    in_the_middle(world, step, moves)
    world.work()
    assert moved
    settle(world)
    once_each(world)
    assert len(world.tasks()) - before == 2


@pytest.mark.parametrize("step", STEPS)
def test_a_lone_ticket_that_gets_a_portfolio_in_the_middle_of_its_pass(world: World, other: Service, step: str) -> None:
    """The portfolio's pass takes over what the ticket's own has begun, once that is through."""
    ticket = world.people.create_ticket(
        "Video",
        "Spring",
        copywriter=world.people.owner("copywriter"),
        graphic_designer=world.people.owner("graphic_designer"),
    )
    clients = [each[0] for each in clients_in_lanes(world, 1, 1, due=90)]
    one = next(client for client in clients if lane_of(client) != lane_of(ticket, Kind.TICKET))
    world.work()
    world.people.request_revisions(ticket, "Copy and Graphic Revisions", note="Shorter")
    came: list[bool] = []

    def comes() -> None:
        world.people.associate("ticket", ticket, "portfolio", one)
        look_at(other, one)
        came.append(True)

    in_the_middle(world, step, comes)
    world.work()
    assert came
    settle(world)
    once_each(world)
    assert sorted(world.kinds()) == ["design_graphics", "revise_copy", "revise_graphics", "write_copy"]


def held_effects(world: World) -> int:
    with world.service.store.read() as connection:
        return status.held(connection).effects


class TestTheBreaker:
    @pytest.mark.parametrize("step", ["planned", "claimed", "sent"])
    def test_two_lanes_share_one_limit(self, make_world: MakeWorld, step: str) -> None:
        world = make_world(lanes=LANES, mapping=f"rules: {{effects_per_hour: {LIMIT}}}\n")
        with closing(world._start()) as other:
            first, second = clients_in_lanes(world, 4, 4, due=10)
            with world.service.store.write() as connection:
                for one in work_queue.records(connection):
                    work_queue.ack(connection, dict.fromkeys(work_queue.items_of(connection, [one])))
                refs = [RecordRef(Kind.PORTFOLIO, one) for one in (*first, *second)]
                work_queue.enqueue(connection, refs, world.clock.now(), "test")
            seen: list[int] = []

            def meanwhile() -> None:
                Turns(other).drain()
                seen.append(held_effects(world))

            in_the_middle(world, step, meanwhile)
            Turns(world.service).drain()
            assert seen
            for _ in range(4):
                world.clock.advance(held_lane.AGAIN)
                Turns(world.service).drain()
            done = len(world.tasks()) + len(world.emails())
            assert done == 8
            assert held_effects(world) == 8  # of them nothing was begun: the limit would be passed

    def test_what_another_lane_has_reserved_holds_nothing(self, make_world: MakeWorld) -> None:
        """Whether there is room is not known before the other pass is through: nobody is asked for an admin's word."""
        world = make_world(lanes=LANES, mapping=f"rules: {{effects_per_hour: {LIMIT}}}\n")
        with closing(world._start()) as other:
            first, second = clients_in_lanes(world, 3, 1, due=10)
            seen: list[int] = []

            def meanwhile() -> None:
                with other.store.write() as connection:
                    taken = service_state.get(connection, service_state.RESERVED)
                    assert taken is not None
                    ((lane, effects),) = taken.items()
                    service_state.put(connection, service_state.RESERVED, {lane: effects + 3})  # as if it had more
                Turns(other).drain()
                seen.append(held_effects(world))

            in_the_middle(world, "claimed", meanwhile)
            with world.service.store.write() as connection:
                refs = [RecordRef(Kind.PORTFOLIO, one) for one in (*first, *second)]
                work_queue.enqueue(connection, refs, world.clock.now(), "test")
            Turns(world.service).drain()
            assert seen == [0]
            world.clock.advance(held_lane.AGAIN)
            Turns(world.service).drain()
            assert held_effects(world) == 0
            with world.service.store.read() as connection:
                assert not service_state.get(connection, service_state.RESERVED)
            assert {task.key for task in world.tasks() if any(f":{one}:" in str(task.key) for one in second)}

    def test_what_a_dead_worker_reserved_is_given_back(self, make_world: MakeWorld) -> None:
        world = make_world(lanes=LANES, mapping=f"rules: {{effects_per_hour: {LIMIT}}}\n")
        (one,) = clients_in_lanes(world, 1, due=10)[0]
        with world.service.store.write() as connection:
            service_state.put(connection, service_state.RESERVED, {lane_of(one): LIMIT})
        world.work()
        assert len(world.tasks()) == 1
        with world.service.store.read() as connection:
            assert not service_state.get(connection, service_state.RESERVED)


class TestWhoIsWaitedFor:
    """What `status` tells of a lane that another process keeps: as long as it does, and no longer."""

    @pytest.fixture
    def later(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        """Let so many seconds pass for whoever waits."""
        passed = [0.0]
        monkeypatch.setattr("sync.service.drain.time.monotonic", lambda: passed[0])
        monkeypatch.setattr("sync.service.drain.holder.SAID_AGAIN_AFTER", 1e9)

        def later(seconds: float) -> None:
            passed[0] += seconds

        return later

    @pytest.fixture
    def worker(self, world: World) -> Iterator[Worker]:
        with closing(Worker(world.service)) as one:
            yield one

    @staticmethod
    def enqueue(world: World, lane: int) -> None:
        with world.service.store.write() as connection:
            records = (RecordRef(Kind.PORTFOLIO, str(number)) for number in range(10_000))
            one = next(ref for ref in records if work_queue.lane_of(ref, LANES) == lane)
            work_queue.enqueue(connection, [one], world.clock.now(), "test")

    def test_it_is_told_while_other_lanes_go_on(
        self, world: World, other: Service, worker: Worker, later: Callable[[float], None]
    ) -> None:
        """Seen: each group of another lane took it back, for a minute."""
        world.work()
        with Lanes(other.store).held(3, never):
            self.enqueue(world, 3)
            worker._drain_lane()
            assert not self.told(worker)
            later(WAITS_FOR.total_seconds())
            for _ in range(2):
                self.enqueue(world, 4)
                worker._drain_lane()
                assert f"(pid {os.getpid()} on " in self.told(worker)
                assert 4 not in self.due(world)

    def test_it_is_no_more_once_somebody_else_has_done_the_work(
        self, world: World, other: Service, worker: Worker, later: Callable[[float], None]
    ) -> None:
        world.work()
        with Lanes(other.store).held(3, never):
            self.enqueue(world, 3)
            worker._drain_lane()
            later(WAITS_FOR.total_seconds())
            worker._drain_lane()
            assert self.told(worker)
        Turns(other).drain()
        worker._drain_lane()
        assert not self.told(worker)

    def test_whoever_gives_the_lane_up_after_each_group_is_not_waited_for(
        self,
        world: World,
        other: Service,
        worker: Worker,
        later: Callable[[float], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        world.work()
        self.enqueue(world, 3)
        began = datetime(2026, 11, 2, tzinfo=UTC)
        for group in range(4):
            mine = Holder("handoffs worker", 17, "there", began + timedelta(seconds=30 * group))
            monkeypatch.setattr("sync.storage.lane_locks.this_process", lambda mine=mine: mine)
            monkeypatch.setattr("sync.storage.session_locks.this_process", lambda mine=mine: mine)
            with Lanes(other.store).held(3, never), capture_logs() as logs:
                worker._drain_lane()
            assert not self.told(worker)
            assert not [one for one in logs if one["event"] == "lane.waiting"]
            later(30)

    @staticmethod
    def told(worker: Worker) -> str:
        return worker._heartbeat.waits_for or ""

    @staticmethod
    def due(world: World) -> list[int]:
        with world.service.store.read() as connection:
            urgent, others = work_queue.due_lanes(connection, world.clock.now())
        return [*urgent, *others]
