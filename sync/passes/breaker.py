"""The breaker: no more than a set number of effects an hour without an admin's word.

What a pass has decided is weighed as a whole before the first effect of it. What would pass the limit is *held*: nothing
of it is written down or begun, its records stay enqueued with their number of effects, and no pass takes them until an
admin lets them go. They are then decided anew.

Passes of several lanes run at the same time. So that they do not all use the same room, each *reserves* what it is about to
begin, until it is through. What there would be room for without the others' reservations is not held: it waits for them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from sync.clock import Clock
from sync.crm import RecordRef
from sync.passes.held_lane import HeldLane
from sync.storage import ledger, releases, service_state, work_queue
from sync.storage.database import Connection, Store

WINDOW = timedelta(hours=1)
"""Over which effects are counted, and for which an admin's word holds."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Weighed:
    """What may not begin now. `held`: until an admin's word, with their effects. `waiting`: until other lanes' passes end."""

    held: Mapping[RecordRef, int] = field(default_factory=dict)
    waiting: frozenset[RecordRef] = frozenset()


class Breaker:
    """Weighs what a pass wants to do against what was done in the hour before. `limit`: effects an hour."""

    def __init__(self, store: Store, limit: int, clock: Clock, alert: Callable[[str, str], None]) -> None:
        self._store = store
        self._limit = limit
        self._clock = clock
        self._alert = alert

    def weigh(self, ahead: Mapping[RecordRef, int], lane: HeldLane) -> Weighed:
        """Tell which records must wait: all that would begin something, or none.

        `ahead` is the number of effects that each record would begin. What may begin is reserved, until `end`. Whatever
        is held is alerted. Raises `StoreError`.
        """
        beginning = {record: count for record, count in ahead.items() if count}
        if not beginning:
            return Weighed()
        total = sum(beginning.values())
        room = self._room_now() if lane.number is None or lane.is_alone else self._reserve(total, lane.number)
        if room is None:
            log.info("group.waits_for_room", records=len(beginning), effects=total)
            return Weighed(waiting=frozenset(beginning))
        if total <= room:
            return Weighed()
        log.warning("group.held", records=len(beginning), effects=total, room=room, limit=self._limit)
        self._alert(
            "held",
            f"{total} effects on {len(beginning)} records are held: {max(0, room)} more may be done this hour, by the "
            f"limit of {self._limit} an hour (rules.effects_per_hour) and what was released. See `handoffs status`; "
            "`handoffs release --reason …` lets them go.",
        )
        return Weighed(held=beginning)

    def _room_now(self) -> int:
        with self._store.read() as connection:
            return _room(connection, self._limit, self._clock.now())

    def _reserve(self, total: int, lane: int) -> int | None:
        """The room that there is, in which so many are reserved if they fit; None: only others' reservations are in the way."""
        with self._store.write() as connection:
            room = _room(connection, self._limit, self._clock.now())
            if total > room:
                return room
            taken = service_state.get(connection, service_state.RESERVED) or {}
            if total > room - sum(effects for other, effects in taken.items() if other != lane):
                return None
            service_state.put(connection, service_state.RESERVED, {**taken, lane: total})
        return room

    @staticmethod
    def end(connection: Connection, lane: HeldLane) -> None:
        """Give back what this lane has reserved, or whoever had it before and died: what was begun is counted by now."""
        if lane.count == 1:
            return
        taken = service_state.get(connection, service_state.RESERVED) or {}
        left = {} if lane.number is None else {one: effects for one, effects in taken.items() if one != lane.number}
        if left != taken:
            service_state.put(connection, service_state.RESERVED, left)


@dataclass(frozen=True, slots=True)
class Released:
    """What was let go. `permitted`: effects beyond the limit, for an hour. `…_kept`: what stays held.

    `made_up`: how many of those permitted make up for what was done under an earlier word, whose hour is over.
    """

    permitted: int
    made_up: int
    records: int
    effects: int
    records_kept: int
    effects_kept: int


def release(store: Store, clock: Clock, actor: str, reason: str, *, everything: bool, limit: int) -> Released:
    """Permit `limit` effects more within the hour, or with `everything` all that is held now; who and why is kept.

    As many held records are let go as that has room for, the oldest first; a pass decides them anew. The others stay
    held. Where nothing is held nothing is permitted: a word that lets go nothing must not lift the limit for what comes
    later. Raises `StoreError`: nothing was released.
    """
    now = clock.now()
    with store.write() as connection:
        holding = work_queue.held(connection)
        if not holding:
            return Released(0, 0, 0, 0, 0, 0)
        room = _room(connection, limit, now)
        made_up = max(0, -room)
        # What was done under an earlier word, which has expired since, does not use up this one.
        permitted = (sum(count for _, count in holding) if everything else limit) + made_up
        if permitted:
            releases.permit(connection, permitted, now, actor=actor, reason=reason)
        room += permitted
        free: dict[RecordRef, int] = {}
        for record, count in holding:
            if count <= room:
                free[record] = count
                room -= count
        work_queue.release_held(connection, free, now)
    log.info("breaker.released", actor=actor, permitted=permitted, records=len(free), reason=reason)
    kept = [count for record, count in holding if record not in free]
    return Released(permitted, made_up, len(free), sum(free.values()), len(kept), sum(kept))


def _room(connection: Connection, limit: int, now: datetime) -> int:
    """How many effects more may be begun now; negative where an earlier word has expired meanwhile."""
    since = now - WINDOW
    return limit + releases.permitted_since(connection, since) - ledger.attempted_since(connection, since)
