"""Every version that a pass has seen of the properties that the process goes by: the CRM forgets, this does not.

A version is written once and never changed: what it means is what it meant when it was first seen.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, or_, select

from mappings.vocabulary import Kept
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.storage.records import is_of_records, parts_of
from sync.storage.tables import versions
from sync.storage.upsert import insert_new

DELIVERABLES = "deliverables"
"""What the pipeline of the deliverables means."""

CLOSED = "closed"
"""What a stage means in which a ticket is closed: it counts for nothing any more."""

APPROVED = "approved"
"""What an approval means that was given."""


class KeptVersion(NamedTuple):
    """One version. `value` is the CRM's own; `means` what it is to the process, '' for nothing.

    A status means a `Status`, a date itself as ISO, a stage a `Stage` or `closed`, a pipeline `deliverables`, Needs Revisions
    a `Revision`, an approval `approved`. `source` and `by` are what the CRM says of who changed it.
    """

    record: RecordRef
    property: Kept
    at: datetime
    value: str
    means: str
    source: str
    by: str


_NEW = insert_new(versions)
_OF = (
    select(versions)
    .where(is_of_records(versions))
    .order_by(versions.c.kind, versions.c.id, versions.c.property, versions.c.at)
)
_OF_LATE = _OF.where(or_(versions.c.at >= bindparam("since"), versions.c.property == Kept.PIPELINE.value))
_KEPT = {kept.value: kept for kept in Kept}
_TIMES = select(versions.c.kind, versions.c.id, versions.c.property, versions.c.at).where(is_of_records(versions))


def remember(connection: Connection, found: Iterable[KeptVersion]) -> None:
    """Keep the versions that are not kept yet."""
    rows = {(one.record.kind.value, one.record.id, one.property.value, to_ms(one.at)): one for one in found}
    known: set[tuple[str, str, str, int]] = set()
    for wanted in parts_of({one.record for one in rows.values()}):
        known.update((row.kind, row.id, row.property, row.at) for row in connection.execute(_TIMES, wanted))
    new = [
        {
            "kind": kind,
            "id": record,
            "property": name,
            "at": at,
            "value": one.value,
            "means": one.means,
            "source": one.source,
            "by": one.by,
        }
        for (kind, record, name, at), one in sorted(rows.items(), key=lambda row: row[0])
        if (kind, record, name, at) not in known
    ]
    if new:
        connection.execute(_NEW, new)


def of(
    connection: Connection, records: Iterable[RecordRef], *, since: datetime | None = None
) -> dict[RecordRef, list[KeptVersion]]:
    """Read what is kept of these records, each oldest first by property; one of which nothing is kept is left out.

    `since`: only what is from then on, but for every version of the pipeline; None: all.
    """
    statement, bound = (_OF, {}) if since is None else (_OF_LATE, {"since": to_ms(since)})
    found: dict[RecordRef, list[KeptVersion]] = {}
    mine: list[KeptVersion] = []
    for wanted in parts_of(set(records)):
        kind, before = Kind(wanted["of_kind"]), None
        for _, id_, name, at, value, means, source, by in connection.execute(statement, {**wanted, **bound}):
            if id_ != before:
                record, before = RecordRef(kind, id_), id_
                mine = found.setdefault(record, [])
            mine.append(KeptVersion(record, _KEPT[name], from_ms(at), value, means, source, by))
    return found
