"""A plan: each effect that would be tried, in words and exactly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from mappings.vocabulary import Handoff
from sync.admin import cost
from sync.crm import RecordRef
from sync.passes.reconcile import GROUP
from sync.rules.dry_run import DryRun, Prospect
from sync.rules.keys import EffectKind
from sync.rules.model import unit_of
from sync.storage.database import to_json

KINDS = (EffectKind.TASK, EffectKind.WRITE, EffectKind.LINE, EffectKind.CLOSE, EffectKind.EMAIL)
"""The kinds of effects, in the order in which they are counted."""


_LEFT_OUT = frozenset({"expects", "on"})
"""What makes no other effect of one: the values that a write replaces, and what a plan of before 0.4 says of a task's place."""


@dataclass(frozen=True, slots=True)
class Step:
    """One effect that would be tried on `day`, or that cannot be. In words (`summary`) and exactly (`payload`)."""

    day: date
    portfolio: str | None  # the id; None: a ticket without one
    name: str  # the portfolio's, or the ticket's
    handoff: Handoff
    record: RecordRef
    reason: str  # why it is due, in the rule's words
    key: str  # '' where the rule cannot say what is to be done; `LATER` in it stands for a time that is not known yet
    kind: str  # write, task, close, email; '' as above
    prospect: Prospect
    summary: str
    blocked: str | None
    payload: Mapping[str, Any]

    @property
    def unit(self) -> RecordRef:
        """The record that a pass looks at for it."""
        return unit_of(self.record, self.portfolio)

    @property
    def what(self) -> str:
        """What two plans must agree on, as text. A write itself checks the values that it expects to replace."""
        held = {name: value for name, value in self.payload.items() if name not in _LEFT_OUT}
        return to_json({"key": self.key, **held})

    def as_json(self) -> dict[str, object]:
        return {
            "portfolio": self.portfolio,
            "name": self.name,
            "handoff": self.handoff.value,
            "record": self.record.as_json(),
            "kind": self.kind,
            "key": self.key,
            "summary": self.summary,
            "reason": self.reason,
            "state": self.prospect.value,
            "blocked": self.blocked,
            "day": self.day.isoformat(),
        }


@dataclass(frozen=True)
class Plan:
    """Every step, in the order of the records' ids. `until`: the last day that was decided, None: only the moment itself."""

    made_at: datetime
    today: date
    until: date | None
    steps: tuple[Step, ...]
    looked: int  # portfolios, and tickets without one
    calls: int  # to the CRM, that carrying it out costs
    faulty: Mapping[RecordRef, str]  # what could not be decided, and why
    dry_runs: Mapping[RecordRef, DryRun] = field(default_factory=dict)  # empty in one that was kept
    email_calls: int = 0  # for each email
    group: int = GROUP  # records that whoever carries it out takes together

    @property
    def due(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.prospect is Prospect.DUE)

    @property
    def waiting(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.prospect is not Prospect.DUE)

    def narrowed(self, units: Iterable[RecordRef]) -> "Plan":
        """Return the same plan for these records alone, with what they cost."""
        wanted = set(units)
        steps = tuple(step for step in self.steps if step.unit in wanted)
        dry_runs = {unit: one for unit, one in self.dry_runs.items() if unit in wanted}
        calls = cost.calls(dry_runs.values(), email_calls=self.email_calls, group=self.group)
        return replace(self, steps=steps, dry_runs=dry_runs, calls=calls)

    @cached_property
    def by_unit(self) -> Mapping[RecordRef, Sequence[Step]]:
        """What is due, by record."""
        found: dict[RecordRef, list[Step]] = {}
        for step in self.due:
            found.setdefault(step.unit, []).append(step)
        return found

    @property
    def units(self) -> list[RecordRef]:
        """The records with something to do, in the order of their ids."""
        return sorted(self.by_unit, key=lambda unit: (unit.kind, int(unit.id)))

    def count(self, kind: str) -> int:
        return sum(step.kind == kind for step in self.due)

    def as_json(self) -> dict[str, object]:
        return {
            "today": self.today.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "looked": self.looked,
            "effects": [step.as_json() for step in self.steps],
            "counts": {**{kind.value: self.count(kind) for kind in KINDS}, "waiting": len(self.waiting)},
            "calls": self.calls,
            "faulty": {str(record): text for record, text in self.faulty.items()},
        }
