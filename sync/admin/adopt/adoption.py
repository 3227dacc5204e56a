"""What `adopt` reports: what was, or would be, taken over, and what a person should know."""

from dataclasses import dataclass, field

from mappings.vocabulary import Handoff
from sync.crm import RecordRef


@dataclass(frozen=True, slots=True)
class AdoptionLine:
    """One line of the report. `task`: the task that stands for it, None for none; `key`: None for a task without cause."""

    portfolio: str  # the id
    name: str  # the portfolio's
    handoff: Handoff
    record: RecordRef
    key: str | None  # an effect's where a task is matched or missing, else the occurrence's
    task: str | None  # the id
    reason: str

    def as_json(self) -> dict[str, object]:
        return {
            "portfolio": self.portfolio,
            "name": self.name,
            "handoff": self.handoff.value,
            "record": str(self.record),
            "key": self.key,
            "task": self.task,
            "reason": self.reason,
        }


@dataclass
class Adoption:
    """What was, or would be, taken over.

    `adopted`: recorded as done. `due`: left alone, so that the service does it in its next pass. `unmatched`: what a
    person should know, because a task is missing, or stands there without a cause.
    """

    looked: int = 0  # portfolios
    adopted: list[AdoptionLine] = field(default_factory=list)
    due: list[AdoptionLine] = field(default_factory=list)
    unmatched: list[AdoptionLine] = field(default_factory=list)
    faulty: dict[str, str] = field(default_factory=dict)  # portfolios (ids) that could not be read, and why
    applied: bool = False

    @property
    def tasks(self) -> int:
        """How many tasks were matched."""
        return len({line.task for line in self.adopted if line.task is not None})

    def as_json(self) -> dict[str, object]:
        return {
            "applied": self.applied,
            "looked": self.looked,
            "tasks": self.tasks,
            "adopted": [line.as_json() for line in self.adopted],
            "due": [line.as_json() for line in self.due],
            "unmatched": [line.as_json() for line in self.unmatched],
            "faulty": dict(self.faulty),
        }
