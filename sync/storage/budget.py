"""The CRM's request budget: never more requests in a window than the CRM allows, over all processes of this database.

HubSpot counts requests in a *rolling* window (190 in 10 s; 5 searches in 1 s). A token bucket lets through at most
`burst + rate × window` in any window of that length, wherever it begins. So the two must share the limit, and some of the
window is left for the way: the first calls after a pause open their connections, and those after them catch up.

    burst + rate × (window + way) = limit        rate = (limit − burst) / (window + way)

A bucket as large as the limit, refilled at limit / window, would let almost twice the limit through (190 at once and
190 more within the next 10 s). Here 190 per 10 s is a burst of 19 and 16.9 a second, 0.89 of the limit in the long run;
5 per second is a burst of 2 and 2.96 a second. A larger burst would cost as much of the rate; a smaller one would have a
command, or a pass for one webhook, wait for what it asks at once.

The bucket is one row, and one `UPDATE … RETURNING` under the database's write lock takes from it. The clock is read inside
that transaction, so that the takers' times are in the order of their takes: on PostgreSQL the server's, as the hosts' own
differ. It must be a true clock: a shifted one (`--today`) would fill the bucket for everybody.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, BindParameter, Connection, and_, bindparam, case, select, update

from sync.clock import Clock, to_ms
from sync.storage import service_state
from sync.storage.database import Store, StoreReader
from sync.storage.server_clock import moment_in
from sync.storage.service_state import DailyBudget, RequestLimit
from sync.storage.tables import budgets
from sync.storage.upsert import insert_new
from sync.storage.work_queue import Priority

__all__ = ["LIMITS", "Bucket", "BucketState", "Budget", "Limit", "Observed", "Paced", "Priority", "state"]

_TOKEN: Final = 1000  # the row counts thousandths
_WAY: Final = 0.012
"""By how much of a window one call may take longer on its way than another one: 0.12 s of ten."""

_DAILY_EVERY: Final = timedelta(seconds=10)

_NEW_BUCKET: Final = insert_new(budgets)


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, type_=BigInteger())


_NOW: Final = _number("now")
_OF_BUCKET: Final = budgets.c.name == bindparam("bucket")

# The row's tokens now. A row ahead of the clock (a pause, a clock set back a little) is not filled.
_ELAPSED: Final = case((budgets.c.filled_at > _NOW, 0), else_=_NOW - budgets.c.filled_at)
_FILLED: Final = budgets.c.tokens + _ELAPSED * _number("refill") // _number("window")
_AVAILABLE: Final = case((_number("full") < _FILLED, _number("full")), else_=_FILLED)

_STATE: Final = select(_AVAILABLE.label("available"), budgets.c.used).where(_OF_BUCKET)
_TAKE: Final = (
    update(budgets)
    .where(_OF_BUCKET, _number("need") <= _AVAILABLE)
    .values(
        tokens=_AVAILABLE - _TOKEN,
        filled_at=case((budgets.c.filled_at > _NOW, budgets.c.filled_at), else_=_NOW),
        used=budgets.c.used + 1,
    )
    .returning(budgets.c.used)
)
_ROW: Final = select(budgets).where(_OF_BUCKET)


class Bucket(StrEnum):
    """What the CRM counts apart. Batch calls of associations are in neither."""

    GENERAL = "general"
    SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in any window of `seconds`, at most `burst` of them at once (0: a tenth, at least one)."""

    requests: int
    seconds: float
    burst: int = 0

    def __post_init__(self) -> None:
        if self.requests < 2 or self.seconds <= 0:
            raise ValueError("a limit needs two requests or more, and a window")
        burst = self.burst or max(1, self.requests // 10)
        if not 1 <= burst < self.requests:
            raise ValueError("the burst must leave some of the limit to be refilled")
        object.__setattr__(self, "burst", burst)

    @property
    def window_ms(self) -> int:
        return round(self.seconds * 1000)

    @property
    def refill(self) -> int:
        """Thousandths of a request that come back over one window."""
        return int((self.requests - self.burst) * _TOKEN / (1 + _WAY))


LIMITS: Final[Mapping[Bucket, Limit]] = {Bucket.GENERAL: Limit(190, 10), Bucket.SEARCH: Limit(5, 1, burst=2)}
"""HubSpot's limits: 190 per 10 s per app on Professional and Enterprise; 5 searches a second for the account."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What an answer's headers say of the limits; None where a header was absent or made no sense."""

    requests: int | None = None
    seconds: float | None = None
    daily_remaining: int | None = None


@dataclass(frozen=True, slots=True)
class BucketState:
    """One bucket, for `status`: `available` may be taken at once, `used` were taken since the database began."""

    limit: int
    seconds: float
    available: int
    used: int


class BudgetReader:
    """What the buckets hold and what is known of the limits. Changes nothing."""

    def __init__(self, store: StoreReader, clock: Clock, limits: Mapping[Bucket, Limit] = LIMITS) -> None:
        self._reader = store
        self._clock = clock
        self._ceilings = dict(limits)
        self._limits = dict(limits)

    def state(self) -> dict[Bucket, BucketState]:
        """Read what each bucket holds now."""
        with self._reader.read() as connection:
            self._recall(connection)
            return {bucket: self._state(connection, bucket, limit) for bucket, limit in self._limits.items()}

    def daily_remaining(self) -> int | None:
        """Read how many requests HubSpot last said are left of the account's day; None if it never said."""
        with self._reader.read() as connection:
            found = service_state.get(connection, service_state.DAILY_BUDGET)
        return None if found is None else found.remaining

    def _state(self, connection: Connection, bucket: Bucket, limit: Limit) -> BucketState:
        now = to_ms(moment_in(connection, self._clock))
        row = connection.execute(_STATE, _at(bucket, limit, now)).one_or_none()
        available, used = (limit.burst, 0) if row is None else (int(row.available) // _TOKEN, int(row.used))
        return BucketState(limit.requests, limit.seconds, max(0, available), used)

    def _recall(self, connection: Connection) -> None:
        for name, known in (service_state.get(connection, service_state.REQUEST_LIMITS) or {}).items():
            ceiling = self._ceilings.get(Bucket(name)) if name in set(Bucket) else None
            if ceiling is not None:
                self._limits[Bucket(name)] = _within(ceiling, known.requests, known.seconds)


class Budget(BudgetReader):
    """Gives leave for each request, first to interactive work.

    `reserve` is the share of the burst that bulk work (sweep, backfill) must leave: it takes only while more is there,
    so that a webhook's pass never queues behind it.
    """

    def __init__(
        self, store: Store, clock: Clock, limits: Mapping[Bucket, Limit] = LIMITS, *, reserve: float = 0.3
    ) -> None:
        if not 0 <= reserve < 1:
            raise ValueError("the reserve is a share of the burst: from 0 to less than 1")
        super().__init__(store.reader, clock, limits)
        self._store = store
        self._reserve = reserve
        self._begun = False
        self._daily_written: datetime | None = None
        # SQLite's own wait for a lock is coarse, and on a server each thread would need a connection.
        self._one_at_a_time = threading.Lock()

    def take(self, bucket: Bucket, priority: Priority = Priority.INTERACTIVE) -> None:
        """Wait, through the clock, until the request may be sent."""
        while (wait := self.try_take(bucket, priority)) > 0:
            self._clock.sleep(wait)

    def try_take(self, bucket: Bucket, priority: Priority = Priority.INTERACTIVE) -> float:
        """Take one request and return 0, or take nothing and return the seconds after which to ask again."""
        # A power cut takes longer than a window: what it makes the database forget of this one does not matter.
        with self._one_at_a_time, self._store.write(lasting=False) as connection:
            now = to_ms(moment_in(connection, self._clock))
            self._begin(connection, now)
            limit = self._limits[bucket]
            need = self._need(limit, priority)
            taken = connection.execute(_TAKE, {**_at(bucket, limit, now), "need": need}).one_or_none()
            return 0.0 if taken is not None else self._wait(connection, bucket, limit, need, now)

    def observe(self, bucket: Bucket, observed: Observed) -> None:
        """Learn the portal's own limit and what is left of the day, for every process. Never above the limit set here.

        Smaller plans have 100 per 10 s; the header says so with each answer.
        """
        if observed.requests is not None and observed.requests >= 2:
            self._adapt(bucket, observed.requests, observed.seconds)
        if observed.daily_remaining is not None:
            self._remember_day(observed.daily_remaining)

    def back_off(self, bucket: Bucket, seconds: float | None = None) -> None:
        """Let nobody take for so long (at most one window, which is the default), then begin from empty.

        For a 429: somebody else spends the same limit, or the CRM counts otherwise than we do.
        """
        with self._store.write() as connection:
            now = to_ms(moment_in(connection, self._clock))
            self._begin(connection, now)
            limit = self._limits[bucket]
            pause = limit.window_ms if seconds is None else min(limit.window_ms, max(0, round(seconds * 1000)))
            later = and_(budgets.c.filled_at > now + pause, budgets.c.filled_at <= now + limit.window_ms)
            connection.execute(
                update(budgets)
                .where(budgets.c.name == bucket)
                .values(tokens=0, filled_at=case((later, budgets.c.filled_at), else_=now + pause))
            )

    def limit(self, bucket: Bucket) -> Limit:
        """Return the limit as far as it is known: the portal's own, once an answer has named it."""
        return self._limits[bucket]

    def _need(self, limit: Limit, priority: Priority) -> int:
        full = limit.burst * _TOKEN
        if priority == Priority.INTERACTIVE:
            return _TOKEN
        return min(full, _TOKEN + round(self._reserve * full))  # a burst of one has nothing to reserve

    def _wait(self, connection: Connection, bucket: Bucket, limit: Limit, need: int, now: int) -> float:
        """Seconds until `need` may be there, always more than 0; heals a row that a clock set back left ahead."""
        row = connection.execute(_ROW, {"bucket": bucket}).one_or_none()
        if row is None:  # the transaction that made it was not committed, or the table was emptied
            self._begun = False
            return 0.001
        filled_at = int(row.filled_at)
        if filled_at > now + limit.window_ms:
            # No pause is that long: the machine's clock was set back. What is there stays, and fills from here.
            connection.execute(update(budgets).where(budgets.c.name == bucket).values(filled_at=now))
            return 0.001
        lacking = need - min(int(row.tokens), limit.burst * _TOKEN)
        ready_at = filled_at + -(-lacking * limit.window_ms // limit.refill)
        return min(limit.window_ms, max(1, ready_at - now)) / 1000

    def _begin(self, connection: Connection, now: int) -> None:
        """Before this process's first take: the limits that another one met, and a full bucket where there is none."""
        if self._begun:
            return
        self._recall(connection)
        for bucket, limit in self._limits.items():
            full = {"name": bucket, "tokens": limit.burst * _TOKEN, "filled_at": now, "used": 0}
            connection.execute(_NEW_BUCKET, full)
        self._begun = True

    def _adapt(self, bucket: Bucket, requests: int, seconds: float | None) -> None:
        ceiling = self._ceilings[bucket]
        window = seconds if seconds is not None and seconds > 0 else ceiling.seconds
        fitting = _within(ceiling, requests, window)
        if fitting == self._limits[bucket]:
            return
        self._limits[bucket] = fitting
        with self._store.write() as connection:
            known = service_state.get(connection, service_state.REQUEST_LIMITS) or {}
            named = {**known, bucket.value: RequestLimit(requests, window)}
            service_state.put(connection, service_state.REQUEST_LIMITS, named)

    def _remember_day(self, remaining: int) -> None:
        """At most one write in ten seconds: `status` needs no more, and the header comes with every answer."""
        now = self._clock.now()
        if self._daily_written is not None and timedelta(0) <= now - self._daily_written < _DAILY_EVERY:
            return
        self._daily_written = now
        with self._store.write() as connection:
            service_state.put(connection, service_state.DAILY_BUDGET, DailyBudget(remaining, now))


class Paced:
    """The same budget for one process that is to take no more than a share of each limit: evenly spaced, no bursts."""

    def __init__(self, budget: Budget, clock: Clock, share: float) -> None:
        if not 0 < share <= 1:
            raise ValueError("the share is more than 0 and at most 1")
        self._budget = budget
        self._clock = clock
        self._share = share
        self._next: dict[Bucket, datetime] = {}

    def take(self, bucket: Bucket, priority: Priority = Priority.INTERACTIVE) -> None:
        """Wait, through the clock, until the request may be sent."""
        now = self._clock.now()
        turn = max(now, self._next.get(bucket, now))
        if turn > now:
            self._clock.sleep((turn - now).total_seconds())
        self._budget.take(bucket, priority)
        limit = self._budget.limit(bucket)
        given = max(turn, self._clock.now())  # it may have waited for the others: what it missed is not made up for
        self._next[bucket] = given + timedelta(seconds=limit.seconds / limit.requests / self._share)

    def observe(self, bucket: Bucket, observed: Observed) -> None:
        self._budget.observe(bucket, observed)

    def back_off(self, bucket: Bucket, seconds: float | None = None) -> None:
        self._budget.back_off(bucket, seconds)


def state(store: StoreReader, clock: Clock) -> dict[str, object]:
    """Read the budget as `status` prints it: by bucket its limit, what was used and what is left, and what of the day."""
    budget = BudgetReader(store, clock)
    buckets = {
        bucket.value: {"limit": it.limit, "seconds": it.seconds, "used": it.used, "available": it.available}
        for bucket, it in budget.state().items()
    }
    return {**buckets, "daily_remaining": budget.daily_remaining()}


def used(connection: Connection) -> dict[str, int]:
    """Count the requests ever taken from each bucket, by its name."""
    return {row.name: int(row.used) for row in connection.execute(select(budgets.c.name, budgets.c.used))}


def _within(ceiling: Limit, requests: int, seconds: float) -> Limit:
    """The portal's limit where it is the lower one."""
    return Limit(requests, seconds) if requests / seconds < ceiling.requests / ceiling.seconds else ceiling


def _at(bucket: Bucket, limit: Limit, now: int) -> dict[str, object]:
    """What the statements bind that ask what a bucket holds."""
    full = limit.burst * _TOKEN
    return {"bucket": bucket, "now": now, "refill": limit.refill, "window": limit.window_ms, "full": full}
