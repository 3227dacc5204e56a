"""What of a group may be in the middle of another lane's pass: what was merged, and tickets that have moved.

What was begun for such a record is taken over by the record that answers for it now. That must not happen under a pass that
is still at it: the one would take for cut off what the other is only waiting for. So before anything is taken over its lane
is held too. A record that is neither in the work queue nor has anything in the ledger is in no pass.
"""

from collections import defaultdict
from collections.abc import Mapping

from sync.crm import Kind, RecordRef
from sync.passes.held_lane import HeldLane
from sync.passes.ledger_views import merged_into, recorded_occurrences
from sync.passes.snapshot import Group
from sync.rules.model import Former, unit_of
from sync.storage import memberships, work_queue
from sync.storage.database import Connection


class ElsewhereError(Exception):
    """Other lanes are needed too: `lanes`, by the record of the pass that needs them. Nothing was written down."""

    def __init__(self, lanes: Mapping[RecordRef, set[int]]) -> None:
        super().__init__("another lane's pass may be at work on this")
        self.lanes = lanes


def require_lanes(connection: Connection, group: Group, lane: HeldLane) -> None:
    """Raise `ElsewhereError` if the pass needs other lanes for what it is about to take over."""
    if lane.is_alone:
        return
    lanes: dict[RecordRef, set[int]] = defaultdict(set)
    for unit, former in _taken_over(connection, group).items():
        if lacking := lane.lacking(work_queue.lane_of(one, lane.count) for one in former):
            lanes[unit] |= lacking
    if lanes:
        raise ElsewhereError(lanes)


def _taken_over(connection: Connection, group: Group) -> dict[RecordRef, set[RecordRef]]:
    """By the record that a pass looks at, those whose work it takes over."""
    former = merged_into(connection, group)
    known = recorded_occurrences(connection, group, former)
    now = _Now(group, former)
    found: dict[RecordRef, set[RecordRef]] = defaultdict(set)
    for one in known.recorded:
        found[now.unit(one.record, one.portfolio)].add(unit_of(one.record, one.portfolio))
    maybe: dict[RecordRef, set[RecordRef]] = defaultdict(set)
    for each in former:
        maybe[now.unit(each.record, None)].add(each.record)
    alone = [record.id for record in group.snapshots if record.kind is Kind.TICKET]
    for ticket, before in memberships.parents(connection, [*group.parents, *alone]).items():
        maybe[now.unit(RecordRef(Kind.TICKET, ticket), None)].add(RecordRef(Kind.PORTFOLIO, before))
    queued = work_queue.find(connection, {one for each in maybe.values() for one in each})
    for unit, records in maybe.items():
        found[unit] |= records & queued.keys()
    return {unit: records - {unit} for unit, records in found.items() if unit in group.snapshots and records - {unit}}


class _Now:
    """Which record a pass looks at now for what stood with another."""

    def __init__(self, group: Group, former: tuple[Former, ...]) -> None:
        self._into = {one.record: one.into for one in former}
        self._parents = group.parents
        self._units = group.snapshots.keys()

    def unit(self, record: RecordRef, portfolio: str | None) -> RecordRef:
        """The unit of this record, which stood with that portfolio (None: with none)."""
        current = self._current(record)
        if current.kind is Kind.PORTFOLIO or current in self._units:
            return current
        if current.id in self._parents:
            return RecordRef(Kind.PORTFOLIO, self._parents[current.id])
        return current if portfolio is None else self._current(RecordRef(Kind.PORTFOLIO, portfolio))

    def _current(self, record: RecordRef) -> RecordRef:
        while record in self._into:
            record = self._into[record]
        return record
