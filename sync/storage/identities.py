"""Records that were merged: which one answers for each now, and whose versions were whose.

A merge is told by its event, and by every reading of the record that is left. What is known of one is completed, never
changed: a merge cannot be undone.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Executable, Row, func, select

from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.rules.model import Former, SeenVersions
from sync.storage.database import to_json
from sync.storage.records import is_of_records, parts_of
from sync.storage.tables import identities, seen_versions
from sync.storage.upsert import upsert

_REMEMBER = upsert(
    identities,
    lambda new: {
        "is_primary": func.coalesce(identities.c.is_primary, new.is_primary),
        "at": func.coalesce(identities.c.at, new.at),
    },
)

_TELL = upsert(identities)


def remember(connection: Connection, merged: Iterable[Former]) -> None:
    """Record these merges; of one that is known only what was not known of it."""
    _put(connection, _REMEMBER, merged)


def tell(connection: Connection, merged: Iterable[Former]) -> None:
    """Record these merges as the CRM's event tells them: it knows best."""
    _put(connection, _TELL, merged)


def _put(connection: Connection, statement: Executable, merged: Iterable[Former]) -> None:
    rows = [
        {
            "kind": one.record.kind.value,
            "id": one.record.id,
            "into": one.into.id,
            "is_primary": None if one.primary is None else int(one.primary),
            "at": None if one.at is None else to_ms(one.at),
        }
        for one in merged
        if one.record != one.into
    ]
    if rows:
        connection.execute(statement, rows)


_ALL = select(identities).order_by(identities.c.kind, identities.c.id)


def find(connection: Connection, records: Iterable[RecordRef]) -> tuple[Former, ...]:
    """List what was merged into these records, and into what was merged into them. Merges are few: all are read."""
    every = [_former(row) for row in connection.execute(_ALL)]
    if not every:
        return ()
    wanted, found = set(records), []
    for _ in every:
        more = [one for one in every if one.into in wanted and one.record not in wanted]
        found += more
        wanted |= {one.record for one in more}
    return tuple(found)


def current(connection: Connection, records: Iterable[RecordRef]) -> dict[RecordRef, RecordRef]:
    """Give the record that answers for each of these now; for one that was never merged, itself."""
    into = {one.record: one.into for one in (_former(row) for row in connection.execute(_ALL))}
    return {record: _last(record, into) for record in records}


def last_of(merged: Iterable[Former]) -> dict[RecordRef, RecordRef]:
    """Give the record that answers now for each of those that were merged, however many merges later."""
    into = {one.record: one.into for one in merged}
    return {old: _last(old, into) for old in into}


def _last(record: RecordRef, into: Mapping[RecordRef, RecordRef]) -> RecordRef:
    while record in into:
        record = into[record]
    return record


def _former(row: Row[Any]) -> Former:
    kind = Kind(row.kind)
    primary = None if row.is_primary is None else bool(row.is_primary)
    return Former(
        RecordRef(kind, row.id), RecordRef(kind, row.into), primary, None if row.at is None else from_ms(row.at)
    )


_SEEN = select(seen_versions).where(is_of_records(seen_versions))
_SEE = upsert(seen_versions)


@dataclass(frozen=True)
class Seen:
    """What passes have seen of records as their own: the versions, and what they were called."""

    versions: SeenVersions
    names: Mapping[RecordRef, str]


def seen(connection: Connection, records: Iterable[RecordRef]) -> Seen:
    """Find what passes have seen of these records."""
    rows = _seen_rows(connection, set(records))
    return Seen(
        {
            record: {name: frozenset(times) for name, times in json.loads(row.times).items()}
            for record, row in rows.items()
        },
        {record: row.name for record, row in rows.items() if row.name is not None},
    )


def see(
    connection: Connection, found: Mapping[RecordRef, Mapping[str, list[int]]], names: Mapping[RecordRef, str]
) -> None:
    """Record the versions (times in ms, by property) that a pass sees of these records as their own, and their names."""
    known = {record: (row.times, row.name) for record, row in _seen_rows(connection, set(found)).items()}
    new = {record: (to_json(times), names.get(record)) for record, times in sorted(found.items())}
    rows = [
        {"kind": record.kind.value, "id": record.id, "times": times, "name": name}
        for record, (times, name) in new.items()
        if known.get(record) != (times, name)
    ]
    if rows:
        connection.execute(_SEE, rows)


def _seen_rows(connection: Connection, records: set[RecordRef]) -> dict[RecordRef, Row[Any]]:
    found: dict[RecordRef, Row[Any]] = {}
    for part in parts_of(records):
        found.update({RecordRef(Kind(row.kind), row.id): row for row in connection.execute(_SEEN, part)})
    return found
