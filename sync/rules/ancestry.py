"""Which records one was made of, and which of them was the primary of each merge (docs/process.md M.6). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sync.crm import RecordRef
from sync.rules.model import Ancestry, Former, History, LedgerView

Owners = Mapping[tuple[str, int], frozenset[RecordRef]]
"""Whose versions are known to be whose, by property and time (ms)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on a record: its name, and by property its history and value. '' and none: nobody knows it."""

    name: str = ""
    values: Mapping[str, tuple[History[Any], Any]] = field(default_factory=dict)


NOTHING_SHOWN: Final = Shown()


def ancestry_of(record: RecordRef, view: LedgerView, owners: Owners, shown: Shown = NOTHING_SHOWN) -> Ancestry | None:
    """What a record was made of; None: of nothing but itself. `shown`: what stands on it, where that is known."""
    line = [record]
    others: dict[RecordRef, datetime | None] = {}
    newest: list[datetime | None] = []
    step: RecordRef | None = record
    while step is not None:
        merged = [former for former in view.former if former.into == step and former.record not in {*line, *others}]
        left = shown if step == record else Shown(view.names.get(step, ""), shown.values)
        primary = _primary(step, merged, _Evidence(owners, view.names, left))
        newest += [former.at for former in merged]
        for former in merged:
            if former.record != primary:
                others |= dict.fromkeys(all_in(former, view.former), former.at)
        if primary is not None:
            line.append(primary)
        step = primary
    if not newest:
        return None
    known = [at for at in newest if at is not None]
    return Ancestry(record, tuple(line), others, max(known) if len(known) == len(newest) else None)


def all_in(former: Former, known: Iterable[Former]) -> list[RecordRef]:
    """The record and all that had been merged into it before."""
    found = [former.record]
    for one in found:
        found += [each.record for each in known if each.into == one and each.record not in found]
    return found


def concluded(view: LedgerView) -> list[Former]:
    """The merges of a view, with who was the primary of each where nobody has said: to be remembered.

    What people do to the record afterwards tells nothing of its merge any more.
    """
    primaries = {record for ancestry in view.ancestries.values() for record in ancestry.line}
    return [
        replace(one, primary=one.record in primaries)
        for one in view.former
        if one.into in primaries and one.primary is None
    ]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What tells who was the primary: whose versions are whose, what each was called when it was seen, and what was left."""

    owners: Owners
    names: Mapping[RecordRef, str]
    shown: Shown

    def for_(self, record: RecordRef) -> tuple[int, int, int]:
        """How much speaks for a record: first its name, as that is seldom changed; nothing: the older one."""
        called = self.names.get(record, "")
        name = 0 if not called or not self.shown.name else 1 if called == self.shown.name else -1
        return name, self._stands_for(record), -int(record.id)

    def _stands_for(self, record: RecordRef) -> int:
        """How many more properties stand as this record is known to have had them last than otherwise.

        One that the primary had empty is filled with the other's, so that the other is told by what does not stand.
        """
        count = 0
        for name, (history, value) in self.shown.values.items():
            mine = [version for version in history if record in self.owners.get((name, version.ms), ())]
            if mine and mine[0].value:
                count += 1 if mine[0].value == value else -len(self.shown.values)
        return count


def _primary(into: RecordRef, merged: list[Former], evidence: _Evidence) -> RecordRef | None:
    """The primary of a merge, if it had another id: the one that the event names, else the one that most speaks for."""
    told = [former.record for former in merged if former.primary]
    if told or all(former.primary is False for former in merged):
        return next(iter(told), None)
    candidates = [former.record for former in merged if former.primary is None]
    if len(candidates) < 2 or int(into.id) < max(int(record.id) for record in candidates):
        return None  # the primary has kept its id
    return max(candidates, key=evidence.for_)
