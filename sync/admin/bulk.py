"""Carries chosen records through passes, group by group, and tells what came of each: `apply`, `backfill`, `replay`, `dead`.

The ledger is the state: a run that was stopped, or cut off, is taken up by the same command, which finds less to do.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, and_, select

from sync.crm import Kind, RecordRef
from sync.passes.reconcile import GROUP, Gate, Tally
from sync.rules.context import Context
from sync.rules.model import Decision, EffectState
from sync.service.bootstrap import Service
from sync.service.lanes import every_lane_held, never
from sync.storage import work_queue
from sync.storage.tables import effects, occurrences
from sync.storage.tables import work_items as marks
from sync.storage.work_queue import Priority

CHANGED = "it was changed meanwhile: what is due now is not what was planned"


class RecordOutcome(StrEnum):
    """What came of one record."""

    DONE = "done"  # something was done, and nothing failed
    FAILED = "failed"  # refused, or it could not be looked at
    UNKNOWN = "unknown"  # no answer came: it is looked for in the CRM before it is tried again
    SKIPPED = "skipped"  # nothing was done: the reason says why


@dataclass(frozen=True, slots=True)
class Result:
    """One record. `effects`: how many ended up in each state."""

    record: RecordRef
    outcome: RecordOutcome
    effects: Mapping[str, int]
    reason: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "record": {"kind": self.record.kind.value, "id": self.record.id},
            "outcome": self.outcome.value,
            "effects": dict(self.effects),
            "reason": self.reason,
        }


@dataclass
class Summary:
    """What a run came to."""

    records: Counter[RecordOutcome] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    left: int = 0  # chosen, but not looked at: stopped, or beyond a limit
    tally: Tally = field(default_factory=Tally)

    def add(self, result: Result) -> None:
        self.records[result.outcome] += 1
        self.effects.update(result.effects)

    @property
    def exit_code(self) -> int:
        if self.tally.held:
            return 3
        wrong = self.records[RecordOutcome.FAILED] + self.records[RecordOutcome.UNKNOWN] + self.tally.not_sent
        return 1 if wrong else 0

    def as_json(self) -> dict[str, object]:
        return {
            "records": {outcome.value: self.records[outcome] for outcome in RecordOutcome},
            "effects": {state: count for state, count in sorted(self.effects.items()) if count},
            "held": self.tally.held,
            "left": self.left,
        }


Prepare = Callable[[Connection, Sequence[RecordRef]], None]
"""Writes down what must be known before a group is looked at, in the transaction that marks it."""


def no_preparation(_connection: Connection, _group: Sequence[RecordRef]) -> None:
    """Nothing has to be known."""


def carry_out(
    service: Service,
    units: Sequence[RecordRef],
    origin: str,
    summary: Summary,
    *,
    prepare: Prepare = no_preparation,
    gate: Gate | None = None,
    stop: Callable[[], bool] = never,
) -> Iterator[Result]:
    """Look at these records (portfolios and tickets), whatever else is due; what came of each, as it comes.

    What a look at a ticket leads to, its portfolio, is looked at too. Between two groups other work has its turn, and
    `stop` is asked. The breaker ends it. Raises what concerns every record.
    """
    service.prepare()
    queue, seen = list(dict.fromkeys(units)), set(units)
    while queue and not stop() and not summary.tally.held:
        group, queue = queue[:GROUP], queue[GROUP:]
        with every_lane_held(service.store, stop) as mine:
            if not mine:
                queue = [*group, *queue]
                break
            results = _group(service, group, origin, prepare, gate, summary.tally)
            with service.store.read() as connection:
                found = work_queue.due_by_origin(connection, origin, service.clock.now())
        for result in results:
            summary.add(result)
            yield result
        more = [record for record in found if record not in seen]
        queue += more
        seen.update(more)
    summary.left = len(queue)


def _group(
    service: Service,
    group: Sequence[RecordRef],
    origin: str,
    prepare: Prepare,
    gate: Gate | None,
    tally: Tally,
) -> list[Result]:
    with service.store.write() as connection:
        prepare(connection, group)
        before = _standing(connection, group)
        work_queue.enqueue(connection, group, service.clock.now(), origin, priority=Priority.BULK)
        items = work_queue.items_of(connection, group)
    refused: set[RecordRef] = set()

    def watched(context: Context, decision: Decision) -> bool:
        if gate is None or gate(context, decision):
            return True
        refused.add(context.snapshot.ref)
        return False

    tally += service.reconciler.run(items, watched)
    with service.store.read() as connection:
        after, rows = _standing(connection, group), _rows(connection, group)
    return [
        Result(record, RecordOutcome.SKIPPED, {}, CHANGED)
        if record in refused
        else _result(record, before.get(record, {}), after.get(record, {}), rows.get(record))
        for record in group
    ]


@dataclass(frozen=True, slots=True)
class _Stand:
    state: EffectState
    attempts: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Row:
    """What is left of a record's mark."""

    origin: str
    error: str | None
    parked: bool
    held: int | None


def _result(record: RecordRef, before: Mapping[str, _Stand], after: Mapping[str, _Stand], row: _Row | None) -> Result:
    changed = {key: stand for key, stand in after.items() if stand != before.get(key)}
    counts = Counter(stand.state.value for stand in changed.values())
    reasons = dict.fromkeys(
        stand.reason for stand in changed.values() if stand.reason and stand.state is not EffectState.DONE
    )
    why = "; ".join(reason for reason in reasons if reason)
    if row is not None and row.held is not None:
        return Result(
            record, RecordOutcome.SKIPPED, counts, f"the breaker holds {row.held} effects: `handoffs release`"
        )
    if row is not None and row.error is not None:
        return Result(record, RecordOutcome.FAILED, counts, row.error.strip().rsplit("\n", 1)[-1])
    if counts[EffectState.FAILED]:
        return Result(record, RecordOutcome.FAILED, counts, why)
    if counts[EffectState.UNKNOWN] or counts[EffectState.ATTEMPTING]:
        return Result(record, RecordOutcome.UNKNOWN, counts, why)
    if counts[EffectState.PLANNED]:
        return Result(record, RecordOutcome.FAILED, counts, why or "not sent; tried again in two minutes")
    if counts[EffectState.DONE]:
        return Result(record, RecordOutcome.DONE, counts, why)
    return Result(record, RecordOutcome.SKIPPED, counts, why or "nothing to do")


def _standing(connection: Connection, units: Iterable[RecordRef]) -> dict[RecordRef, dict[str, _Stand]]:
    """Every effect of these records by its key."""
    found: dict[RecordRef, dict[str, _Stand]] = {}
    for unit in units:
        if unit.kind is Kind.PORTFOLIO:
            mine = occurrences.c.portfolio == unit.id
        else:
            mine = and_(occurrences.c.record_kind == unit.kind.value, occurrences.c.record == unit.id)
        rows = connection.execute(
            select(effects.c.key, effects.c.state, effects.c.attempts, effects.c.reason)
            .join(occurrences, effects.c.occurrence == occurrences.c.key)
            .where(mine)
        )
        found[unit] = {row.key: _Stand(EffectState(row.state), row.attempts, row.reason) for row in rows}
    return found


def _rows(connection: Connection, units: Iterable[RecordRef]) -> dict[RecordRef, _Row]:
    found: dict[RecordRef, _Row] = {}
    for unit in units:
        row = connection.execute(
            select(marks).where(marks.c.kind == unit.kind.value, marks.c.id == unit.id)
        ).one_or_none()
        if row is not None:
            found[unit] = _Row(row.origin, row.error, row.parked_at is not None, row.held_effects)
    return found
