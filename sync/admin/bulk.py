"""Carry chosen records through passes, group by group, and say what came of each: `apply`, `backfill`, `replay`, `dead`.

The ledger is the state: a run that was stopped, or cut off, is completed by the same command, which finds less to do.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sync.crm import RecordRef
from sync.passes.held_lane import HeldLane
from sync.passes.reconcile import GROUP
from sync.passes.state import Gate
from sync.passes.tally import Tally
from sync.rules.context import Context
from sync.rules.model import Decision, EffectState
from sync.service.bootstrap import Service
from sync.service.lanes import never
from sync.storage import work_queue
from sync.storage.database import Connection
from sync.storage.ledger import queries
from sync.storage.ledger.queries import EffectStanding
from sync.storage.work_queue import Priority, QueuedRecord

CHANGED = "it was changed meanwhile: what is due now is not what was planned"


class RecordOutcome(StrEnum):
    """What came of one record."""

    DONE = "done"  # something was done, and nothing failed
    FAILED = "failed"  # refused, or the record could not be decided
    UNKNOWN = "unknown"  # no answer came: it is looked for in the CRM before it is tried again
    SKIPPED = "skipped"  # nothing was done: the reason says why


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one record. `effects`: how many of its effects ended up in each state."""

    record: RecordRef
    outcome: RecordOutcome
    effects: Mapping[str, int]
    reason: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "record": self.record.as_json(),
            "outcome": self.outcome.value,
            "effects": dict(self.effects),
            "reason": self.reason,
        }


@dataclass
class Summary:
    """What a run came to."""

    records: Counter[RecordOutcome] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    left: int = 0  # chosen, but not decided: stopped, or beyond a limit
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
"""Records what must be known before a group is decided, in the transaction that enqueues it."""


def no_preparation(_connection: Connection, _group: Sequence[RecordRef]) -> None:
    """Record nothing."""


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
    """Carry these records (portfolios and tickets) through passes, whatever else is due; yield what came of each.

    A ticket leads to its portfolio, which is carried through too. `origin` names the command in the work queue.
    `prepare` runs before each group; `gate` may refuse a decision, which is then not carried out; `stop` is asked between
    two groups, when other work has its turn. `summary` fills meanwhile. The breaker ends the run. Raises what concerns
    every record, as `Reconciler.run` does.
    """
    lanes = service.lanes()
    queue, seen = list(dict.fromkeys(units)), set(units)
    while queue and not stop() and not summary.tally.held:
        group, queue = queue[:GROUP], queue[GROUP:]
        with lanes.every(stop) as held:
            if held is None:
                queue = [*group, *queue]
                break
            results = _group(service, held, group, origin, prepare, gate, summary.tally)
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
    held: HeldLane,
    group: Sequence[RecordRef],
    origin: str,
    prepare: Prepare,
    gate: Gate | None,
    tally: Tally,
) -> list[Result]:
    with service.store.write() as connection:
        prepare(connection, group)
        before = queries.standings(connection, group)
        work_queue.enqueue(connection, group, service.clock.now(), origin, priority=Priority.BULK)
        items = work_queue.items_of(connection, group)
    refused: set[RecordRef] = set()

    def gated(context: Context, decision: Decision) -> bool:
        if gate is None or gate(context, decision):
            return True
        refused.add(context.snapshot.ref)
        return False

    tally += service.reconciler.run(held, items, gated)
    service.reconciler.finish(held)
    with service.store.read() as connection:
        after, queued = queries.standings(connection, group), work_queue.find(connection, group)
    return [
        Result(record, RecordOutcome.SKIPPED, {}, CHANGED)
        if record in refused
        else _result(record, before.get(record, {}), after.get(record, {}), queued.get(record))
        for record in group
    ]


def _result(
    record: RecordRef,
    before: Mapping[str, EffectStanding],
    after: Mapping[str, EffectStanding],
    queued: QueuedRecord | None,
) -> Result:
    """What came of one record: how its effects have changed, and what is left of it in the queue (None: nothing)."""
    changed = {key: standing for key, standing in after.items() if standing != before.get(key)}
    counts = Counter(standing.state.value for standing in changed.values())
    reasons = dict.fromkeys(
        standing.reason for standing in changed.values() if standing.reason and standing.state is not EffectState.DONE
    )
    why = "; ".join(reason for reason in reasons if reason)
    if queued is not None and queued.held_effects is not None:
        held = f"the breaker holds {queued.held_effects} effects: `handoffs release`"
        return Result(record, RecordOutcome.SKIPPED, counts, held)
    if queued is not None and queued.error is not None:
        return Result(record, RecordOutcome.FAILED, counts, queued.reason)
    if counts[EffectState.FAILED]:
        return Result(record, RecordOutcome.FAILED, counts, why)
    if any(counts[state] for state in (EffectState.UNKNOWN, EffectState.ATTEMPTING, EffectState.UNPROVEN)):
        return Result(record, RecordOutcome.UNKNOWN, counts, why)
    if counts[EffectState.PLANNED]:
        return Result(record, RecordOutcome.FAILED, counts, why or "not sent; tried again in two minutes")
    if counts[EffectState.DONE] or counts[EffectState.SENDING]:
        return Result(record, RecordOutcome.DONE, counts, why)
    return Result(record, RecordOutcome.SKIPPED, counts, why or "nothing to do")
