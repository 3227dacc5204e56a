"""The request budget: never above the CRM's limit in any window, whoever takes, and nobody waits for ever."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from sync.clock import from_ms, to_ms
from sync.storage import budget as module
from sync.storage import tables as tables
from sync.storage.budget import Bucket, Budget, Limit, Observed, Priority
from sync.storage.database import Store, open_store
from tests.contract.fakes import StandingClock
from tests.databases import url_in

GENERAL, SEARCH = Bucket.GENERAL, Bucket.SEARCH
INTERACTIVE, BULK = Priority.INTERACTIVE, Priority.BULK


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store("sqlite://" if request.param == "memory" else url_in(tmp_path))
    tables.metadata.create_all(opened.engine)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


def most_in_a_window(moments: list[int], window_ms: int) -> int:
    """The largest number of takes in any window, both ends counted."""
    most = start = 0
    for end, moment in enumerate(moments):
        while moment - moments[start] > window_ms:
            start += 1
        most = max(most, end - start + 1)
    return most


def drain(budget: Budget, clock: StandingClock, seconds: float, priority: Priority = INTERACTIVE) -> list[int]:
    """The moments of all takes that one greedy taker gets."""
    end = to_ms(clock.now()) + round(seconds * 1000)
    taken = []
    while to_ms(clock.now()) < end:
        budget.take(GENERAL, priority)
        taken.append(to_ms(clock.now()))
    return taken


class TestTheLimit:
    def test_the_limit_is_kept_and_used_in_every_window(self, store: Store, clock: StandingClock) -> None:
        taken = drain(Budget(store, clock), clock, 25)
        assert most_in_a_window(taken, 10_250) == 190
        assert len([moment for moment in taken if moment == taken[0]]) == 19

    def test_what_waits_on_its_way_does_not_break_it(self, store: Store, clock: StandingClock) -> None:
        """The first calls after a pause open their connections: they come as late as others that were sent later."""
        taken = drain(Budget(store, clock), clock, 25)
        assert most_in_a_window([max(moment, taken[0] + 250) for moment in taken], 10_000) <= 190

    @pytest.mark.parametrize(("priority", "share"), [(INTERACTIVE, 0.97), (BULK, 0.955)])
    def test_in_the_long_run_nearly_all_of_it_is_used(
        self, store: Store, clock: StandingClock, priority: Priority, share: float
    ) -> None:
        budget = Budget(store, clock)
        drain(budget, clock, 11, priority)
        assert share <= len(drain(budget, clock, 102.5, priority)) / 102.5 / 19 <= 0.98

    def test_one_that_comes_while_there_is_a_backlog_waits_for_no_window(
        self, store: Store, clock: StandingClock
    ) -> None:
        """Whatever the moment: a pass for a webhook asks some sixteen things."""
        budget = Budget(store, clock)
        for _ in range(45):
            drain(budget, clock, 0.5, BULK)
            clock.slept.clear()
            for _ in range(16):
                budget.take(GENERAL, INTERACTIVE)
            assert sum(clock.slept) < 1.5

    def test_calls_of_the_last_window_are_known_to_who_comes_new(self, store: Store, clock: StandingClock) -> None:
        taken = drain(Budget(store, clock), clock, 9)
        taken += drain(Budget(store, clock), clock, 9)
        assert most_in_a_window(taken, 10_250) == 190

    def test_searches_are_counted_apart(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        drain(budget, clock, 1)
        taken = []
        for _ in range(30):
            budget.take(SEARCH)
            taken.append(to_ms(clock.now()))
        assert most_in_a_window(taken, 1250) == 5

    def test_two_processes_share_one_limit(self, store: Store, clock: StandingClock) -> None:
        one, other = Budget(store, clock), Budget(store, clock)
        assert [one.try_take(GENERAL) for _ in range(10)] == [0.0] * 10
        assert [other.try_take(GENERAL) for _ in range(9)] == [0.0] * 9
        assert one.try_take(GENERAL) > 0
        assert other.try_take(GENERAL) > 0

    def test_a_row_that_is_gone_comes_back(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        budget.take(GENERAL)
        with store.write() as connection:
            connection.execute(delete(tables.budgets))
        budget.take(GENERAL)
        assert budget.state()[GENERAL].used == 1

    @pytest.mark.parametrize("wrong", [(1, 10, 0), (10, 0, 0), (10, 10, 10), (10, 10, -1)])
    def test_a_limit_that_cannot_be_kept_is_refused(self, wrong: tuple[int, float, int]) -> None:
        with pytest.raises(ValueError):
            Limit(*wrong)

    @pytest.mark.parametrize("share", [-0.1, 1.0])
    def test_a_reserve_is_a_share(self, store: Store, clock: StandingClock, share: float) -> None:
        with pytest.raises(ValueError):
            Budget(store, clock, reserve=share)


@dataclass(frozen=True)
class Taker:
    priority: Priority
    start_ms: int
    idle_ms: tuple[int, ...]  # what it does between two requests, in turn
    eager: bool  # asks again before it was told to


takers = st.lists(
    st.builds(
        Taker,
        priority=st.sampled_from(Priority),
        start_ms=st.integers(0, 5_000),
        idle_ms=st.lists(st.integers(0, 3_000), min_size=1, max_size=4).map(tuple),
        eager=st.booleans(),
    ),
    min_size=1,
    max_size=5,
)
limits = st.builds(
    lambda requests, seconds, share: Limit(requests, seconds, max(1, round(requests * share))),
    requests=st.integers(3, 30),
    seconds=st.sampled_from([1, 2.5, 10]),
    share=st.floats(0.05, 0.6),
)


@pytest.fixture(scope="module")
def memory() -> Iterator[Store]:
    opened = open_store("sqlite://")
    tables.metadata.create_all(opened.engine)
    yield opened
    opened.close()


@settings(max_examples=30, deadline=None)
@given(takers=takers, limit=limits, pauses=st.sets(st.integers(0, 20_000), max_size=2))
def test_no_window_ever_holds_more_than_the_limit(
    memory: Store, takers: list[Taker], limit: Limit, pauses: set[int]
) -> None:
    store, clock = memory, StandingClock(from_ms(0))
    with store.write() as connection:
        connection.execute(delete(tables.budgets))
    budgets = [Budget(store, clock, {GENERAL: limit}) for _ in takers]
    waiting = [(taker.start_ms, index, 0) for index, taker in enumerate(takers)]
    heapq.heapify(waiting)
    taken: list[int] = []
    for _ in range(250):
        now, index, count = heapq.heappop(waiting)
        if now > 30_000:
            break
        clock.moment = from_ms(now)
        if any(pause <= now for pause in pauses):
            pauses = {pause for pause in pauses if pause > now}
            budgets[index].back_off(GENERAL)
            assert budgets[index].try_take(GENERAL) > 0
        taker = takers[index]
        wait = budgets[index].try_take(GENERAL, taker.priority)
        if wait == 0:
            taken.append(now)
            heapq.heappush(waiting, (now + taker.idle_ms[count % len(taker.idle_ms)], index, count + 1))
        else:
            assert wait <= limit.seconds
            heapq.heappush(waiting, (now + max(1, round(wait * 1000 / (3 if taker.eager else 1))), index, count))
    assert most_in_a_window(taken, limit.window_ms) <= limit.requests


class TestPriority:
    def test_bulk_work_leaves_the_reserve(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock, {GENERAL: Limit(100, 10, burst=20)}, reserve=0.3)
        granted = 0
        while budget.try_take(GENERAL, BULK) == 0:
            granted += 1
        assert granted == 14
        assert [budget.try_take(GENERAL, INTERACTIVE) for _ in range(6)] == [0.0] * 6

    def test_bulk_work_leaves_a_part_of_the_window(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock, {GENERAL: Limit(190, 10, burst=150)}, reserve=0.3)
        drain(budget, clock, 3, BULK)
        clock.shift(5)
        while budget.try_take(GENERAL, BULK) == 0:
            pass
        assert [budget.try_take(GENERAL) for _ in range(3)] == [0.0] * 3
        assert budget.try_take(GENERAL) > 0

    def test_while_interactive_work_takes_all_bulk_work_waits(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        drain(budget, clock, 5)
        assert budget.try_take(GENERAL, BULK) > 0
        clock.shift(0.1)
        assert budget.try_take(GENERAL, BULK) > 0
        assert budget.try_take(GENERAL, INTERACTIVE) == 0

    def test_bulk_work_alone_gets_the_whole_rate(self, store: Store, clock: StandingClock) -> None:
        assert len(drain(Budget(store, clock), clock, 30, BULK)) == pytest.approx(13 + 30 * 18.24, rel=0.01)

    def test_a_burst_of_one_has_no_reserve_that_would_starve_bulk_work(
        self, store: Store, clock: StandingClock
    ) -> None:
        budget = Budget(store, clock, {GENERAL: Limit(5, 1, burst=1)})
        budget.take(GENERAL, BULK)
        budget.take(GENERAL, BULK)


class TestTheClock:
    @pytest.mark.parametrize("back", [3, 3600, 86_400 * 365])
    def test_set_back_it_stops_nobody_for_longer_than_a_window(
        self, store: Store, clock: StandingClock, back: float
    ) -> None:
        budget = Budget(store, clock)
        drain(budget, clock, 12)
        clock.shift(-back)
        clock.slept.clear()
        for _ in range(20):
            budget.take(GENERAL)
        assert sum(clock.slept) < 12

    def test_set_back_it_gives_nothing_away(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        while budget.try_take(GENERAL) == 0:
            pass
        clock.shift(-3600)
        assert budget.try_take(GENERAL) > 0
        assert budget.try_take(GENERAL) > 0

    def test_set_ahead_and_back_it_goes_on(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        clock.shift(86_400)
        budget.take(GENERAL)
        clock.shift(-86_400)
        budget.take(GENERAL)
        assert sum(clock.slept) < 1


class TestWhoWaits:
    def test_of_those_that_wait_in_a_process_one_asks(self, store: Store) -> None:
        """Each look takes processor time: sixteen threads that wait are no sixteen looks for each request."""
        looks, waits, goes_on = [], Event(), Event()

        class Held(StandingClock):
            def sleep(self, seconds: float) -> None:
                looks.append(seconds)
                waits.set()
                assert goes_on.wait(30)
                super().sleep(seconds)

        clock = Held()
        budget = Budget(store, clock)
        for _ in range(19):
            budget.take(GENERAL)
        threads = [Thread(target=budget.take, args=(GENERAL,), daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert waits.wait(30)
        assert budget.try_take(SEARCH) == 0  # while they wait
        assert len(looks) == 1
        goes_on.set()
        for thread in threads:
            thread.join(30)
        assert budget.state()[GENERAL].used == 23


class TestThePortal:
    def test_a_smaller_plan_is_learnt_from_the_headers(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        budget.take(GENERAL)
        budget.observe(GENERAL, Observed(requests=100, seconds=10))
        clock.shift(60)
        assert most_in_a_window(drain(budget, clock, 30), 10_250) == 100

    def test_and_known_to_the_next_process(self, store: Store, clock: StandingClock) -> None:
        Budget(store, clock).observe(GENERAL, Observed(requests=100, seconds=10))
        assert Budget(store, clock).state()[GENERAL].limit == 100

    def test_it_never_rises_above_what_was_set_and_returns_to_it(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        for portals, kept in ((250, 190), (100, 100), (190, 190)):
            budget.observe(GENERAL, Observed(requests=portals, seconds=10))
            assert budget.state()[GENERAL].limit == kept
        assert Budget(store, clock).state()[GENERAL].limit == 190

    @pytest.mark.parametrize("nonsense", [Observed(), Observed(requests=0), Observed(requests=-5, seconds=10)])
    def test_nonsense_changes_nothing(self, store: Store, clock: StandingClock, nonsense: Observed) -> None:
        budget = Budget(store, clock)
        budget.observe(GENERAL, nonsense)
        assert budget.state()[GENERAL].limit == 190

    def test_the_rest_of_the_day_is_kept_for_status(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        assert budget.daily_remaining() is None
        budget.observe(GENERAL, Observed(daily_remaining=624_000))
        budget.observe(GENERAL, Observed(daily_remaining=623_999))  # too soon to be worth a write
        assert Budget(store, clock).daily_remaining() == 624_000
        clock.shift(11)
        budget.observe(GENERAL, Observed(daily_remaining=623_000))
        assert budget.daily_remaining() == 623_000


class TestBackingOff:
    def test_nobody_takes_until_the_interval_has_passed(self, store: Store, clock: StandingClock) -> None:
        one, other = Budget(store, clock), Budget(store, clock)
        one.take(GENERAL)
        one.back_off(GENERAL, 10)
        other.take(GENERAL)
        assert 10 < sum(clock.slept) < 10.2

    def test_it_holds_before_anybody_took(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        budget.back_off(GENERAL)
        assert budget.try_take(GENERAL) > 0

    def test_a_shorter_one_does_not_end_a_longer_one(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        budget.back_off(GENERAL, 8)
        budget.back_off(GENERAL, 1)
        budget.take(GENERAL)
        assert sum(clock.slept) > 8

    def test_a_very_long_one_is_one_window(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        budget.back_off(GENERAL, 3600)
        budget.take(GENERAL)
        assert sum(clock.slept) < 10.2

    def test_the_other_bucket_goes_on(self, store: Store, clock: StandingClock) -> None:
        budget = Budget(store, clock)
        budget.back_off(GENERAL)
        assert budget.try_take(SEARCH) == 0


def test_the_state_says_what_is_used_and_left(store: Store, clock: StandingClock) -> None:
    budget = Budget(store, clock)
    assert budget.state()[GENERAL].available == 19
    for _ in range(4):
        budget.take(GENERAL)
    budget.observe(GENERAL, Observed(daily_remaining=1000))
    assert module.state(store, clock) == {
        "general": {"limit": 190, "seconds": 10, "used": 4, "available": 15},
        "search": {"limit": 5, "seconds": 1, "used": 0, "available": 2},
        "daily_remaining": 1000,
    }
