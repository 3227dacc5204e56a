"""Which records one was made of, and which of them was the primary of each merge (docs/process.md M.6). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sync.clock import to_ms
from sync.crm import RecordRef
from sync.rules import keys
from sync.rules.keys import START
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
        primary = _primary(step, merged, _Evidence(view, owners, left, step, _until(merged)))
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


def _until(merged: Iterable[Former]) -> datetime | None:
    known = [former.at for former in merged]
    return max((at for at in known if at is not None), default=None) if None not in known else None


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
    """What tells who was the primary of the merge into one record: what the ledger knows, whose versions are whose, and
    what stands."""

    view: LedgerView
    owners: Owners
    shown: Shown
    into: RecordRef
    until: datetime | None  # when the merge was; None: nobody knows

    def for_(self, record: RecordRef) -> tuple[int, int, int, int]:
        """How much speaks for a record: what was done since in its cycle, then its name, as that is seldom changed.

        Where nothing tells, it is the older one.
        """
        called = self.view.names.get(record, "")
        name = 0 if not called or not self.shown.name else 1 if called == self.shown.name else -1
        return self._goes_on(record), name, self._stands_for(record), -int(record.id)

    def _goes_on(self, record: RecordRef) -> int:
        """Whether keys tell that the new record is, or was, in the cycle of this one: it is the primary's (M.6)."""
        since, mine = self._cycles_of(self.into), self._cycles_of(record)
        brought = {cycle for cycle in since if cycle == START or self.until is None or int(cycle) <= to_ms(self.until)}
        if not brought or not mine:
            return 0
        return 1 if brought & mine else -1

    def _cycles_of(self, record: RecordRef) -> set[str]:
        told = (keys.parse(text) for text in self.view.recorded)
        return {key.cycle_told for key in told if key.record == record} - {""}

    def _stands_for(self, record: RecordRef) -> int:
        """How many more properties the merge has left as this record is known to have had them last than otherwise.

        One that the primary had empty is filled with the other's, so that the other is told by what does not stand.
        """
        count = 0
        for name, (history, value) in self.shown.values.items():
            mine = [version for version in history if record in self.owners.get((name, version.ms), ())]
            if mine and mine[0].value:
                count += 1 if mine[0].value == self._left(history, value) else -len(self.shown.values)
        return count

    def _left(self, history: History[Any], value: Any) -> Any:
        """The value that the merge has left, where that is known: people may have changed it since."""
        if self.until is None:
            return value
        before = [version for version in history if version.at <= self.until or version.by_merge]
        return before[0].value if before and len(before) < len(history) else value


def _primary(into: RecordRef, merged: list[Former], evidence: _Evidence) -> RecordRef | None:
    """The primary of a merge, if it had another id: the one that the event names, else the one that most speaks for."""
    told = [former.record for former in merged if former.primary]
    if told or all(former.primary is False for former in merged):
        return next(iter(told), None)
    candidates = [former.record for former in merged if former.primary is None]
    if len(candidates) < 2 or int(into.id) < max(int(record.id) for record in candidates):
        return None  # the primary has kept its id
    return max(candidates, key=evidence.for_)
