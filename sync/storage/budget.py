"""The CRM's request budget: never more requests in a window than the CRM allows, over all processes of this database.

HubSpot counts requests in a *rolling* window (190 in 10 s; 5 searches in 1 s). What a bucket holds is reckoned by
`sync.storage.pace`; here it is kept, a row for each bucket, and read and written under its lock. The clock is read
under that lock, so that the takers' times are in the order of their takes: on PostgreSQL the server's, as the hosts' own
differ. It must be a true clock: a shifted one (`--today`) would let everybody begin anew.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select, update

from sync.clock import Clock, to_ms
from sync.storage import service_state
from sync.storage.database import Store, StoreReader
from sync.storage.pace import Held, Limit, full, packed, unpacked
from sync.storage.server_clock import moment_in
from sync.storage.service_state import DailyBudget, RequestLimit
from sync.storage.tables import budgets
from sync.storage.upsert import insert_new
from sync.storage.work_queue import Priority

__all__ = ["LIMITS", "Bucket", "BucketState", "Budget", "Limit", "Observed", "Paced", "Priority", "state"]

_DAILY_EVERY: Final = timedelta(seconds=10)

_NEW_BUCKET: Final = insert_new(budgets)
_OF_BUCKET: Final = budgets.c.name == bindparam("bucket")
_ROW: Final = select(budgets).where(_OF_BUCKET)
_LOCKED: Final = _ROW.with_for_update()  # on a server; who writes to a file has all of it
_KEEP: Final = (
    update(budgets)
    .where(_OF_BUCKET)
    .values({name: bindparam(name) for name in ("tokens", "filled_at", "taken", "used")})
)


class Bucket(StrEnum):
    """What the CRM counts apart. Batch calls of associations are in neither."""

    GENERAL = "general"
    SEARCH = "search"


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
        row = connection.execute(_ROW, {"bucket": bucket}).one_or_none()
        now = to_ms(moment_in(connection, self._clock))
        held, used = (full(limit, now), 0) if row is None else (_held(row), int(row.used))
        return BucketState(limit.requests, limit.seconds, held.at(limit, now).available(limit), used)

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
        self._turns = {(bucket, priority): threading.Lock() for bucket in Bucket for priority in Priority}

    def take(self, bucket: Bucket, priority: Priority = Priority.INTERACTIVE) -> None:
        """Wait, through the clock, until the request may be sent.

        Of those that wait in a process for the same, only the first asks again and again.
        """
        with self._turns[bucket, priority]:
            while (wait := self.try_take(bucket, priority)) > 0:
                self._clock.sleep(wait)

    def try_take(self, bucket: Bucket, priority: Priority = Priority.INTERACTIVE) -> float:
        """Take one request and return 0, or take nothing and return the seconds after which to ask again."""
        # A power cut takes longer than a window: what it makes the database forget of this one does not matter.
        with self._one_at_a_time, self._store.write(lasting=False) as connection:
            held, used, now = self._locked(connection, bucket)
            limit = self._limits[bucket]
            leaves = 0.0 if priority == Priority.INTERACTIVE else self._reserve
            settled = held.at(limit, now)
            wait = settled.wait(limit, leaves, now)
            if wait == 0:
                _keep(connection, bucket, settled.take(), used + 1)
            elif held.is_ahead(limit, now):
                _keep(connection, bucket, settled, used)
            return wait / 1000

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
            held, used, now = self._locked(connection, bucket)
            limit = self._limits[bucket]
            pause = limit.window_ms if seconds is None else min(limit.window_ms, max(0, round(seconds * 1000)))
            _keep(connection, bucket, held.at(limit, now).paused(now + pause), used)

    def limit(self, bucket: Bucket) -> Limit:
        """Return the limit as far as it is known: the portal's own, once an answer has named it."""
        return self._limits[bucket]

    def _locked(self, connection: Connection, bucket: Bucket) -> tuple[Held, int, int]:
        """Read what a bucket holds, how many were ever taken, and what time it is, while nobody else can take from it."""
        if not self._begun:
            self._begin(connection)
        row = connection.execute(_LOCKED, {"bucket": bucket}).one_or_none()
        if row is None:  # the transaction that made it was not committed, or the table was emptied
            self._begin(connection)
            row = connection.execute(_LOCKED, {"bucket": bucket}).one()
        return _held(row), int(row.used), to_ms(moment_in(connection, self._clock))

    def _begin(self, connection: Connection) -> None:
        """Before this process's first take: the limits that another one met, and a full bucket where there is none."""
        self._recall(connection)
        now = to_ms(moment_in(connection, self._clock))
        for bucket, limit in self._limits.items():
            connection.execute(_NEW_BUCKET, {"name": bucket, "used": 0, **_columns(full(limit, now))})
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


def _held(row: Row[Any]) -> Held:
    return Held(int(row.tokens), int(row.filled_at), unpacked(row.taken or ""))


def _columns(held: Held) -> dict[str, object]:
    return {"tokens": held.tokens, "filled_at": held.filled_at, "taken": packed(held.taken)}


def _keep(connection: Connection, bucket: Bucket, held: Held, used: int) -> None:
    connection.execute(_KEEP, {"bucket": bucket, "used": used, **_columns(held)})
