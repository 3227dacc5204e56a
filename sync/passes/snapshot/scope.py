"""Whether a portfolio is inside the mapping's condition, and since when, whatever the condition was meanwhile. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from mappings.schema import Condition
from sync.crm import RawVersion, Record
from sync.rules.histories import since
from sync.rules.in_force import MappingHistory


def scope(
    record: Record, conditions: tuple[Condition, ...], past: MappingHistory, now: datetime
) -> tuple[bool, datetime | None]:
    """Whether the mapping's conditions hold, and since when it was inside; None: as far back as the history shows.

    Until another condition was in force, it was inside where that one held; whether it did is not known where the record
    was read without its property, and then it was outside. `now`: when a condition that is only tried comes into force.
    """
    if not all(c.holds(record.properties.get(c.property, "")) for c in conditions):
        return False, None
    spans = [(one.since, one.condition) for one in past.mappings]
    if not spans or spans[-1][1] != conditions:
        spans.append((now, conditions))
    until: datetime | None = None
    for begun, condition in reversed(spans):
        if until is not None and not _held_at(record, condition, until):
            return True, until
        held = _held_since(record, condition, until)
        if begun != spans[0][0] and held is not None and held > begun:
            return True, held
        until = begun
    return True, held  # what was before the first mapping that is known is judged by it


def _held_at(record: Record, conditions: Iterable[Condition], moment: datetime) -> bool:
    """Whether the conditions held just before that moment."""
    for condition in conditions:
        if condition.property not in record.properties:
            return False
        versions = _before(record.history.get(condition.property, ()), moment)
        if not condition.holds(versions[0].value if versions else ""):
            return False
    return True


def _held_since(record: Record, conditions: Iterable[Condition], until: datetime | None) -> datetime | None:
    """Since when the conditions have held, of what was set before `until` (None: of all)."""
    began = []
    for condition in conditions:
        history = record.history.get(condition.property, ())
        moment = since(history if until is None else _before(history, until), condition.holds, None)
        if moment is not None:
            began.append(moment)
    return max(began, default=None)


def _before(history: Sequence[RawVersion], moment: datetime) -> Sequence[RawVersion]:
    return [version for version in history if version.at < moment]
