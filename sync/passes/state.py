"""What one pass knows of its work items, from round to round."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sync.crm import Faulty, RecordRef
from sync.passes.held_lane import HeldLane
from sync.passes.tally import Tally
from sync.rules.context import Context
from sync.rules.model import Decision
from sync.storage.looks import Look
from sync.storage.work_queue import MENDED_BY_TIME, WorkItem

Gate = Callable[[Context, Decision], bool]
"""Whether a pass may do what it has decided for a record; what it may not is left undone, and in the work queue."""


@dataclass
class PassState:
    """The state of one pass over its units (portfolios, and tickets that have none)."""

    items: Mapping[RecordRef, WorkItem]
    tally: Tally
    lane: HeldLane
    again: dict[RecordRef, datetime] = field(default_factory=dict)
    faulty: dict[RecordRef, str] = field(default_factory=dict)
    looked_at: set[RecordRef] = field(default_factory=set)
    incomplete: dict[RecordRef, tuple[Faulty, ...]] = field(default_factory=dict)  # as the last round saw it
    held: dict[RecordRef, int] = field(default_factory=dict)
    gate: Gate | None = None  # None: whatever is decided may be done
    refused: set[RecordRef] = field(default_factory=set)
    elsewhere: set[RecordRef] = field(default_factory=set)  # another lane's pass is at work on what these need
    looks: dict[RecordRef, Look] = field(default_factory=dict)  # what the last round's look at each rests on
    rounds: int = 0

    def mends(self, record: RecordRef) -> bool:
        """Whether what the CRM has refused is tried again: once a pass, or it would be asked in every round."""
        return self.rounds == 1 and self.items[record].origin in MENDED_BY_TIME

    def rest_on(self, units: Sequence[RecordRef], found: Mapping[RecordRef, Look]) -> None:
        """Keep what a round found of these, in the place of what the round before did."""
        self.looks = {record: look for record, look in self.looks.items() if record not in units} | dict(found)

    def recheck_at(self, record: RecordRef, moment: datetime) -> None:
        self.again[record] = min(moment, self.again.get(record, moment))

    def permitted(
        self, decisions: Mapping[RecordRef, Decision], contexts: Mapping[RecordRef, Context]
    ) -> dict[RecordRef, Decision]:
        """Those that the gate lets pass."""
        if self.gate is not None:
            self.refused |= {record for record in decisions if not self.gate(contexts[record], decisions[record])}
        return {record: decision for record, decision in decisions.items() if record not in self.refused}
