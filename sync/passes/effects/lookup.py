"""Looking in the CRM for what a try without an answer may have done. Reads only; every function raises the port's errors."""

import re
from collections.abc import Callable, Sequence

from sync.clock import CLOCKS_APART, from_ms
from sync.crm import TASK_COMPLETED, TASK_STATUS, CRMReader, Kind, RawVersion, Record, RecordRef
from sync.passes.effects.payloads import addressed_task, first_place, written
from sync.rules.keys import EffectKind
from sync.storage.ledger import LedgerEffect

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def find_writes(crm: CRMReader, effects: Sequence[LedgerEffect]) -> dict[str, str]:
    """Find the writes that have landed: their values stand, or stood since they were tried. Records' ids by keys."""
    found: dict[str, str] = {}
    for kind, mine in _by_kind(effects, written):
        names = sorted({name for e in mine for name in e.payload["values"]})
        records = crm.read(kind, _ids(mine, written), names, names)
        for effect in mine:
            record = records.get(written(effect).id)
            if record is not None and _has_landed(effect, record):
                found[effect.key] = record.id
    return found


def _has_landed(effect: LedgerEffect, record: Record) -> bool:
    since = (effect.tried_at or effect.state_at) - CLOCKS_APART

    def stood(version: RawVersion, value: str) -> bool:
        return _reads_as(version.value, value) and version.source_type == "INTEGRATION" and version.at >= since

    return all(
        _reads_as(record.properties.get(name, ""), value)
        or any(stood(version, value) for version in record.history.get(name, ()))
        for name, value in effect.payload["values"].items()
    )


def _reads_as(read: str, wrote: str) -> bool:
    """Whether this is what was written: a date may come back as milliseconds at midnight UTC (docs/hubspot.md 4.2)."""
    if read == wrote or not (read.isdecimal() and _DATE.fullmatch(wrote)):
        return read == wrote
    return from_ms(int(read)).date().isoformat() == wrote


def find_closings(crm: CRMReader, effects: Sequence[LedgerEffect]) -> dict[str, str]:
    """Find the closings whose task is completed, or gone. Tasks' ids by keys."""
    ids = sorted({addressed_task(e) for e in effects}, key=int)
    tasks = crm.read(Kind.TASK, ids, [TASK_STATUS]) if ids else {}
    return {
        e.key: addressed_task(e)
        for e in effects
        if (task := tasks.get(addressed_task(e))) is None or task.properties.get(TASK_STATUS, "") == TASK_COMPLETED
    }


def find_gone(crm: CRMReader, effects: Sequence[LedgerEffect]) -> set[str]:
    """Find the writes and tasks whose record is deleted: what the CRM does not show now it may show after a restore."""
    place = {e.key: written(e) if e.kind is EffectKind.WRITE else first_place(e) for e in effects}
    existing: set[RecordRef] = set()
    for kind in (Kind.PORTFOLIO, Kind.TICKET):
        ids = sorted({record.id for record in place.values() if record.kind is kind}, key=int)
        existing |= {RecordRef(kind, i) for i in (crm.read(kind, ids, []) if ids else {})}
    return {key for key, record in place.items() if record not in existing}


def _by_kind(
    effects: Sequence[LedgerEffect], record_of: Callable[[LedgerEffect], RecordRef]
) -> list[tuple[Kind, list[LedgerEffect]]]:
    """The effects on portfolios, then those on tickets, as far as there are any."""
    parts = [(kind, [e for e in effects if record_of(e).kind is kind]) for kind in (Kind.PORTFOLIO, Kind.TICKET)]
    return [(kind, mine) for kind, mine in parts if mine]


def _ids(effects: Sequence[LedgerEffect], record_of: Callable[[LedgerEffect], RecordRef]) -> list[str]:
    return sorted({record_of(e).id for e in effects}, key=int)
