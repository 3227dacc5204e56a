"""The request budget against an ideal bucket: never above the CRM's limit in any window, and nobody is told to wait in vain.

The ideal bucket knows neither rows nor thousandths: it fills evenly, in exact fractions. The real one may give a little
less, by its rounding, and never more.
"""

import heapq
from bisect import bisect_left, bisect_right
from fractions import Fraction
from itertools import count, pairwise
from math import ceil

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sync.clock import to_ms
from sync.storage.budget import Bucket, Budget, Limit, Observed, Paced, Priority
from tests.contract.fakes import StandingClock
from tests.machines import MACHINE, emptied, memory

STORE = memory()
GENERAL = Bucket.GENERAL
INTERACTIVE, BULK = Priority.INTERACTIVE, Priority.BULK

WINDOW = 10_000  # ms
SPAN = 10_250  # for which a request counts: by so much it may be later on its way than another
HIGHEST = 20  # requests in a window: few, so that the limit is met often
RESERVE = Fraction(3, 10)
SHARE = 0.4
ROUNDING = Fraction(1, 1000)
"""Of a request; what the real bucket may lose with each take."""

priorities = st.sampled_from(Priority)
processes = st.integers(0, 2)


class Ideal:
    """A bucket of a part of the limit, into which the limit flows evenly over a window and some more; and that limit itself.

    What has flown in since the last take is counted by the limit that is known now.
    """

    def __init__(self, now: int) -> None:
        self.limit = HIGHEST
        self.left = Fraction(self.burst)  # after the last take
        self.lost = Fraction(0)  # by which the real one may be behind
        self.since = now
        self.paused_until = now
        self.taken: list[int] = []

    @property
    def burst(self) -> int:
        return max(1, self.limit // 10)

    @property
    def flow(self) -> Fraction:
        """Requests a millisecond."""
        return Fraction(self.limit) / SPAN

    def need(self, priority: Priority) -> Fraction:
        if priority == INTERACTIVE:
            return Fraction(1)
        return min(Fraction(self.burst), 1 + RESERVE * self.burst)

    def levels(self, now: int) -> tuple[Fraction, Fraction]:
        """What may be there at most, and what must be there."""
        most = self.left + self.flow * max(0, now - self.since)
        return min(most, Fraction(self.burst)), min(most - self.lost, Fraction(self.burst))

    def take(self, now: int) -> None:
        most, least = self.levels(now)
        self.left, self.lost, self.since = most - 1, most - least + ROUNDING, now
        self.taken.append(now)

    def is_full(self, now: int) -> bool:
        """Whether the window holds all that it may. Of so small a limit bulk work leaves no part of the window."""
        return len(self.taken) >= self.limit and self.taken[-self.limit] >= now - SPAN

    def pause(self, now: int, pause: int) -> None:
        self.paused_until = self.since = max(self.paused_until, now + pause)
        self.left = self.lost = Fraction(0)


class Impatient(StandingClock):
    """Gives up on a process that waits for ever."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        assert len(self.slept) < 2_000, "it waits for ever"


class Requests(RuleBasedStateMachine):
    """Three processes on one database; HubSpot's answers change the limit and stop everybody."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Impatient()
        self.ideal = Ideal(self.ms)
        self.taken: list[int] = []  # when each request was let through
        self.checked = 0  # so many of them
        self.paced: list[int] = []
        self.limits: list[tuple[int, int]] = []  # since when which limit is in force

    @initialize()
    def begin(self) -> None:
        emptied(STORE)
        self.budgets = [self._process() for _ in range(3)]
        self.pacer = Paced(self._process(), self.clock, SHARE)
        self.limits = [(self.ms, HIGHEST)]

    def _process(self) -> Budget:
        return Budget(STORE, self.clock, {GENERAL: Limit(HIGHEST, 10)}, reserve=float(RESERVE))

    @property
    def ms(self) -> int:
        return to_ms(self.clock.now())

    def _granted(self, priority: Priority) -> None:
        assert self.ms >= self.ideal.paused_until, "it was given during a pause"
        assert self.ideal.levels(self.ms)[0] >= self.ideal.need(priority), "it was given more than there is"
        assert not self.ideal.is_full(self.ms), "it was given more than the window holds"
        self.ideal.take(self.ms)
        self.taken.append(self.ms)

    def _try(self, process: int, priority: Priority) -> float:
        wait = self.budgets[process].try_take(GENERAL, priority)
        if wait == 0:
            self._granted(priority)
            return 0
        lacks = self.ideal.levels(self.ms)[1] < self.ideal.need(priority)
        assert lacks or self.ideal.is_full(self.ms) or self.ms < self.ideal.paused_until, "it was refused what is there"
        assert 0 < wait <= WINDOW / 1000
        return wait

    # -- what processes do

    @rule(process=processes, priority=priorities, times=st.integers(1, 8))
    def takes(self, process: int, priority: Priority, times: int) -> None:
        for _ in range(times):
            self._try(process, priority)

    @rule(process=processes, priority=priorities)
    def takes_and_waits_as_told(self, process: int, priority: Priority) -> None:
        """Who waits for as long as it was told, and meets nobody else, waits no second time but after a pause."""
        paused = self.ms < self.ideal.paused_until
        for _ in range(2 if paused else 1):
            wait = self._try(process, priority)
            if wait == 0:
                return
            self.clock.shift(wait)
        assert self._try(process, priority) == 0

    @rule(
        crowd=st.lists(st.tuples(processes, priorities, st.integers(1, 4)), min_size=2, max_size=4),
    )
    def all_want_at_once(self, crowd: list[tuple[int, Priority, int]]) -> None:
        """A crowd, each of whom asks again when told to: the last one has its last request when flow and window allow it."""
        free_at = max(self.ms, self.ideal.paused_until)
        total = sum(wanted for _, _, wanted in crowd)
        lacking = total + RESERVE * self.ideal.burst + self.ideal.lost + total * ROUNDING
        latest = free_at + SPAN + lacking / self.ideal.flow + total  # a millisecond of rounding for each
        turns = count()
        waiting = [(self.ms, next(turns), one) for one in crowd]
        heapq.heapify(waiting)
        while waiting:
            at, _, (process, priority, wanted) = heapq.heappop(waiting)
            self.clock.shift((at - self.ms) / 1000)
            assert at <= latest, "somebody starves"
            wait = self._try(process, priority)
            left = wanted if wait else wanted - 1
            if left:
                heapq.heappush(waiting, (at + round(wait * 1000), next(turns), (process, priority, left)))

    @rule(times=st.integers(1, 6))
    def one_with_a_share_takes(self, times: int) -> None:
        """What `backfill` does: its requests are evenly spaced, however long it had to wait for one of them."""
        for _ in range(times):
            self.pacer.take(GENERAL, BULK)
            self._granted(BULK)
            self.paced.append(self.ms)

    @rule(process=processes)
    def ends_and_another_begins(self, process: int) -> None:
        self.budgets[process] = self._process()

    @rule(wait=st.sampled_from([1, 400, 625, 1000, 5000, 10_000, 60_000]))
    def time_passes(self, wait: int) -> None:
        self.clock.shift(wait / 1000)

    # -- what HubSpot says

    @rule(requests=st.integers(5, 30))
    def the_limit_is_another(self, requests: int) -> None:
        """Every process reads it from its own answers."""
        observed = Observed(requests=requests, seconds=10)
        for budget in self.budgets:
            budget.observe(GENERAL, observed)
        self.pacer.observe(GENERAL, observed)
        self.ideal.limit = min(HIGHEST, requests)
        self.limits.append((self.ms, self.ideal.limit))

    @rule(process=processes, seconds=st.sampled_from([None, 0.5, 3.0, 10.0, 3600.0]))
    def back_off(self, process: int, seconds: float | None) -> None:
        """After a 429: at most one window, and a shorter pause does not end a longer one."""
        self.budgets[process].back_off(GENERAL, seconds)
        self.ideal.pause(self.ms, WINDOW if seconds is None else min(WINDOW, round(seconds * 1000)))

    # -- what is always true

    @invariant()
    def no_window_holds_more_than_the_limit(self) -> None:
        """Both ends counted. A window in which the limit changed may hold as many as the higher one allows."""
        for end in dict.fromkeys(self.taken[self.checked :]):
            first = bisect_left(self.taken, end - WINDOW)
            assert bisect_right(self.taken, end) - first <= self._highest(end)
        self.checked = len(self.taken)

    def _highest(self, end: int) -> int:
        """The highest limit in force in the window that ends there, at its first millisecond too."""
        begun = [limit for since, limit in self.limits if since < end - WINDOW]
        return max([limit for since, limit in self.limits if end - WINDOW <= since <= end] + begun[-1:])

    @invariant()
    def a_share_comes_evenly(self) -> None:
        """Never two at a time, also after a wait: a share is what is left to the others at every moment."""
        apart = [later - earlier for earlier, later in pairwise(self.paced)]
        assert min(apart, default=WINDOW) >= WINDOW / HIGHEST / SHARE

    def teardown(self) -> None:
        """Whatever happened: after a quiet window the bucket is full, and bulk work leaves the reserve."""
        if not self.limits:
            return
        self.clock.shift(2 * WINDOW / 1000)
        bulk = 0
        while self._try(0, BULK) == 0:
            bulk += 1
        rest = 0
        while self._try(1, INTERACTIVE) == 0:
            rest += 1
        assert bulk + rest == self.ideal.burst
        assert rest == (ceil(RESERVE * self.ideal.burst) if self.ideal.burst > 1 else 0)
        self.no_window_holds_more_than_the_limit()


TestBudget = Requests.TestCase
TestBudget.settings = settings(MACHINE, max_examples=25, stateful_step_count=30)
