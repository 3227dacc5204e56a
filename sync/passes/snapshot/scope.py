"""Whether a portfolio is inside the mapping's condition, and when it was not, whatever the condition was meanwhile. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from mappings.schema import Condition, all_hold
from sync.crm import RawVersion, Record
from sync.rules.in_force import MappingHistory
from sync.rules.model import Stay


def scope(
    record: Record, conditions: tuple[Condition, ...], past: MappingHistory, now: datetime
) -> tuple[bool, tuple[Stay, ...]]:
    """Whether the mapping's conditions hold, and each time that it was outside before, oldest first.

    As long as another condition was in force it was inside where that one held. Whether it did is not known where the record
    was read without its property, and then it was outside; what was before the first mapping that is known is judged by
    that. `now`: when a condition that is only tried comes into force. Of one that is outside now no times are told.
    """
    if not all_hold(conditions, record.properties):
        return False, ()
    periods = [(one.since, one.condition) for one in past.mappings]
    if not periods or periods[-1][1] != conditions:
        periods.append((now, conditions))
    ends = [since for since, _ in periods[1:]]
    found: list[Stay] = []
    for (begun, ended), (_, condition) in zip(pairwise([None, *ends, None]), periods, strict=True):
        for stay in _outside(record, condition, begun, ended):
            goes_on = bool(found) and found[-1].ended == stay.begun
            found.append(Stay(found.pop().begun, stay.ended) if goes_on else stay)
    return True, tuple(found)


def _outside(
    record: Record, conditions: Iterable[Condition], begun: datetime | None, ended: datetime | None
) -> Iterator[Stay]:
    """The times of a period in which its conditions did not hold. It may be without beginning, or without an end."""
    versions = [version for condition in conditions for version in record.history.get(condition.property, ())]
    changes = {one.at for one in versions if (begun is None or one.at > begun) and (ended is None or one.at < ended)}
    for since, until in pairwise([begun, *sorted(changes), ended]):
        if until is not None and not all(_held_at(record, condition, since) for condition in conditions):
            yield Stay(since, until)


def _held_at(record: Record, condition: Condition, moment: datetime | None) -> bool:
    """Whether a condition held from that moment on. None: before any version that the history shows."""
    if condition.property not in record.properties:
        return False
    versions: Sequence[RawVersion] = record.history.get(condition.property, ())
    value = "" if moment is None else next((one.value for one in versions if one.at <= moment), "")
    return condition.holds(value)
