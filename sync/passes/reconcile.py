"""One pass over work items: rounds until nothing moves, then the work queue is settled. One record never stops the others."""

import os
import traceback
from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import structlog
from structlog.contextvars import bound_contextvars

from mappings.schema import ProcessMapping
from sync.clock import Clock
from sync.crm import Kind, RecordRef
from sync.errors import (
    AuthenticationError,
    CRMUnavailableError,
    FaultyRecordError,
    MappingMisfitError,
    PartialAnswerError,
    StoreError,
    TaskPropertyMissingError,
    last_line,
)
from sync.failpoints import Failpoint
from sync.passes.bookkeeping import SOON, Bookkeeper
from sync.passes.breaker import Breaker
from sync.passes.dump import bounded
from sync.passes.effects import Follower, Resolver
from sync.passes.held_lane import AGAIN, HeldLane
from sync.passes.portal import Portal, PortalCache
from sync.passes.rounds import Rounds
from sync.passes.state import Gate, PassState
from sync.passes.tally import Tally
from sync.storage import faulty_records, looks, work_queue
from sync.storage.database import Store
from sync.storage.work_queue import WorkItem

GROUP = 50
"""Records of one pass, at least where so many are due: what one batch read with history takes (docs/hubspot.md 4.3)."""

LOOKED_AT_LEAST = timedelta(hours=1)
"""How often what came incomplete from the CRM is looked at again at least."""

ROUNDS = 6
"""How often a pass may decide anew because of its own writes; what is then still moving gets another pass soon."""

log = structlog.get_logger()

_numbers = count(1)


class Reconciler:
    """Carries the records of work items through passes: the only place that turns work items into work."""

    def __init__(
        self,
        *,
        store: Store,
        mapping: ProcessMapping,
        portals: PortalCache,
        bookkeeper: Bookkeeper,
        resolver: Resolver,
        rounds: Rounds,
        follower: Follower,
        breaker: Breaker,
        clock: Clock,
        failpoint: Failpoint,
    ) -> None:
        self._store = store
        self._mapping = mapping
        self._portals = portals
        self._bookkeeper = bookkeeper
        self._resolver = resolver
        self._rounds = rounds
        self._follower = follower
        self._breaker = breaker
        self._clock = clock
        self._failpoint = failpoint

    def run(self, lane: HeldLane, items: Sequence[WorkItem], gate: Gate | None = None) -> Tally:
        """Carry these work items through passes, as far as the gate permits. A record that fails alone backs off alone.

        Raises what concerns every record, and the items then stay in the queue: `AuthenticationError`,
        `CRMUnavailableError`, `MappingMisfitError`, `StoreError`.
        """
        lane.require()
        try:
            with bound_contextvars(**_named(lane)):
                tally = self._run(items, gate, lane)
        finally:
            lane.only_own()
        self._follower.follow()
        return tally

    def follow(self, lane: HeldLane) -> None:
        """Find out what became of emails that were handed over, as far as it is time to. Raises `StoreError`."""
        lane.require()
        self._follower.follow()

    def finish(self, lane: HeldLane) -> None:
        """The same at the end of a command, once a slow mail server has been given some time. Raises `StoreError`."""
        lane.require()
        self._follower.finish()

    def _run(self, items: Sequence[WorkItem], gate: Gate | None, lane: HeldLane) -> Tally:
        portal = self._portals.get()
        if not portal.task_keys.ready:
            name = self._mapping.task.key_property
            raise TaskPropertyMissingError(
                f"the task property “{name}” is missing in the portal: run `handoffs setup --apply`, or write "
                "`key_carrier: body` under `task` in the mapping (MAPPING)"
            )
        tally = Tally()
        units = items
        try:
            units = self._find_units(items, tally)
            self._failpoint("homes")
            self._pass(units, portal, PassState({item.record: item for item in units}, tally, lane, gate=gate))
        except Exception as error:  # the boundary: one record must not stop the others
            if _concerns_all(error):
                raise
            if isinstance(error, FaultyRecordError):
                self._portals.doubt()
            if len(units) == 1:
                self._failed(units[0], error, tally)
            else:  # what was done is settled; each of them gets a pass alone
                for item in units:
                    tally += self._run([item], gate, lane)
        return tally

    def _find_units(self, items: Sequence[WorkItem], tally: Tally) -> list[WorkItem]:
        """What is to be passed over for these; a ticket of which nobody can tell where it is backs off alone."""
        homes = self._bookkeeper.find_units(items)
        if homes.faulty:
            self._portals.doubt()
        for item, faulty in homes.faulty.items():
            self._failed(item, FaultyRecordError(str(faulty)), tally)
        return homes.units

    def _pass(self, items: Sequence[WorkItem], portal: Portal, state: PassState) -> None:
        waiting = self._resolver.resolve(state.items, portal.task_keys)
        for record, until in waiting.items():
            state.recheck_at(record, until)
        units = [record for record in state.items if record not in waiting]
        for _ in range(ROUNDS):
            if not units:
                break
            units = self._rounds.play(units, state, portal)
        for record in units:
            state.recheck_at(record, self._clock.now() + SOON)
        self._settle(state)
        state.tally.looked += len(items)

    def _settle(self, state: PassState) -> None:
        self._failpoint("passed")
        now = self._clock.now()
        with self._store.write() as connection:
            since = faulty_records.remember(connection, state.looked_at, state.incomplete, now)
            for record, began in since.items():
                state.recheck_at(record, now + _until_whole(now - began))
            left = state.faulty.keys() | state.held.keys() | state.refused | state.elsewhere
            through = {item: state.again.get(record) for record, item in state.items.items() if record not in left}
            work_queue.ack(connection, through)
            certain = [state.looks[item.record] for item in through if item.record in state.looks]
            looks.remember(connection, certain, now)
            looks.forget(connection, state.items.keys() - {RecordRef(Kind.PORTFOLIO, one.portfolio) for one in certain})
            held = [item for record, item in state.items.items() if record in state.held]
            work_queue.hold(connection, held, state.held)
            work_queue.put_off(connection, state.elsewhere, now + AGAIN)
            self._breaker.end(connection, state.lane)
        for record, text in state.faulty.items():
            state.tally.errors += 1
            self._nack(state.items[record], text)
        for record, faulty in state.incomplete.items():
            late = all(one.is_late for one in faulty)
            state.tally.errors += not late
            say = log.info if late else log.error
            say("record.incomplete", record=str(record), lacks=[str(one) for one in faulty])
        self._failpoint("looked at")

    def _failed(self, item: WorkItem, error: Exception, tally: Tally) -> None:
        self._nack(item, "".join(traceback.format_exception(error)))
        tally.looked += 1
        tally.errors += 1

    def _nack(self, item: WorkItem, text: str) -> None:
        with self._store.write() as connection:
            parked = work_queue.nack(connection, item, self._clock.now(), bounded(text))
            looks.forget(connection, [item.record])
        error = last_line(text)
        log.error("record.failed", record=str(item.record), attempts=item.attempts + 1, parked=parked, error=error)


def _named(lane: HeldLane) -> dict[str, object]:
    """What the log says of a pass where others may run at the same time: its lane, and a name of its own."""
    return {} if lane.is_alone else {"lane": lane.number, "pass": f"{os.getpid()}-{next(_numbers)}"}


def _until_whole(age: timedelta) -> timedelta:
    """How long to wait for a record that came incomplete: ever longer, as long as it has been so; an hour at most."""
    return min(max(SOON, age), LOOKED_AT_LEAST)


def _concerns_all(error: Exception) -> bool:
    """Whether an error stands in the way of every record."""
    everywhere = AuthenticationError | CRMUnavailableError | MappingMisfitError | StoreError
    return isinstance(error, everywhere) and not isinstance(error, PartialAnswerError)
