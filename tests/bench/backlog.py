"""How much of the CRM's request limit is used while there is a backlog, and how often the CRM refuses for it.

Played in virtual time, so that it is the same on every machine: callers of two processes, each with the service's own request
budget on one database, send one request after another to the simulated HubSpot's limiter, which answers in 0.15 s. On
its way a request takes up to 0.1 s longer than another one. Meanwhile a webhook's pass of 16 requests comes again and again.
"""

import heapq
import random
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from sync.sandbox.limits import Budget as Allowed
from sync.sandbox.limits import RateLimiter
from sync.storage.budget import LIMITS, Bucket, Budget, Priority
from sync.storage.database import migrate, open_store
from tests.bench.figures import Figure

CALLERS = 16
"""Requests on their way at a time at the most, of both processes together."""

ANSWERED_IN = 0.15
LATER = 0.1
"""By how much a request may be later on its way than another one, in seconds."""

BEGINS, ENDS = 20.0, 120.0
"""Seconds between which it is counted: what was full at the start is used up by then."""

EVERY = 7.3
"""Seconds between two passes for a webhook, of so many requests one after the other."""

PASS = 16


class _Virtual:
    """A clock that is set. Nobody sleeps by it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 30, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"somebody sleeps for {seconds} s")


class _Played:
    """What has come of it."""

    def __init__(self, budgets: list[Budget], clock: _Virtual) -> None:
        self.crm = RateLimiter(Allowed(), lambda: clock.seconds)
        self.clock = clock
        self.let_through = self.refused = self.taken = 0
        self.waits: list[float] = []  # of each pass, for all of its requests, in seconds
        self.processor = 0.0
        self._turns: dict[tuple[int, Priority], float] = {}  # until when whoever is first in a process waits
        self._budgets = budgets
        self._dice = random.Random(8)
        self._order = count()

    def play(self) -> None:
        callers = [self._backlog(number) for number in range(CALLERS)] + [self._webhooks()]
        due = [(0.0, next(self._order), caller) for caller in callers]
        while due and due[0][0] < ENDS:
            self.clock.seconds, _, caller = heapq.heappop(due)
            heapq.heappush(due, (self.clock.seconds + next(caller), next(self._order), caller))

    def _backlog(self, number: int) -> Iterator[float]:
        """Request after request; gives the seconds until it goes on."""
        while True:
            yield from self._call(self._budgets[number % len(self._budgets)], Priority.BULK)

    def _webhooks(self) -> Iterator[float]:
        while True:
            yield EVERY
            waited = 0.0
            for _ in range(PASS):
                waited += yield from self._call(self._budgets[0], Priority.INTERACTIVE)
            self.waits.append(waited)

    def _call(self, budget: Budget, priority: Priority) -> Generator[float, None, float]:
        """Make one request; returns for how many seconds it waited to be sent."""
        waited = 0.0
        turn = (id(budget), priority)
        while True:
            while (
                wait := self._turns.get(turn, 0.0) - self.clock.seconds
            ) > 0:  # behind another one, as in `Budget.take`
                waited += wait
                yield wait
            began = time.process_time()
            wait = budget.try_take(Bucket.GENERAL, priority)
            self.processor += time.process_time() - began
            if wait == 0:
                break
            self._turns[turn] = self.clock.seconds + wait
        self.taken += 1
        way = self._dice.uniform(0, LATER)
        yield way
        if self.clock.seconds >= BEGINS:
            refused = self.crm.take("calls") is not None
            self.refused += refused
            self.let_through += not refused
        else:
            self.crm.take("calls")
        yield ANSWERED_IN - way
        return waited


def share() -> Figure:
    """The share of 19 requests a second that the CRM let through."""
    clock = _Virtual()
    with (
        tempfile.TemporaryDirectory() as directory,
        closing(open_store(f"sqlite:///{Path(directory) / 'handoffs.db'}")) as store,
    ):
        migrate(store)
        played = _Played([Budget(store, clock) for _ in range(2)], clock)
        played.play()
    limit = LIMITS[Bucket.GENERAL]
    return Figure(
        "the request limit with a backlog, the CRM answering in 0.15 s", "share used",
        ours=played.let_through / (ENDS - BEGINS) / (limit.requests / limit.seconds), wanted=0.95, bound=1, at_least=True,
        details={
            "refused": played.refused,
            "longest_wait_of_a_pass_of_16_in_seconds": round(max(played.waits), 2),
            "processor_milliseconds_a_request": round(1000 * played.processor / played.taken, 3),
        },
    )  # fmt: skip
