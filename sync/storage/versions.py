"""Every version that a pass has seen of the properties that the process goes by: the CRM forgets, this does not.

A version is written once and never changed: what it means is what it meant when it was first seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mappings.vocabulary import Kept
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.storage.database import in_parts
from sync.storage.lists import is_among
from sync.storage.tables import versions
from sync.storage.upsert import insert_new

DELIVERABLES = "deliverables"
"""What the pipeline of the deliverables means."""

CLOSED = "closed"
"""What a stage means in which a ticket is closed: it counts for nothing any more."""

APPROVED = "approved"
"""What an approval means that was given."""


@dataclass(frozen=True, slots=True)
class KeptVersion:
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
    .where(is_among(versions.c.id, "ids"))
    .order_by(versions.c.kind, versions.c.id, versions.c.property, versions.c.at)
)
_TIMES = select(versions.c.kind, versions.c.id, versions.c.property, versions.c.at).where(
    is_among(versions.c.id, "ids")
)


def remember(connection: Connection, found: Iterable[KeptVersion]) -> None:
    """Keep the versions that are not kept yet."""
    rows = {(one.record.kind.value, one.record.id, one.property.value, to_ms(one.at)): one for one in found}
    known: set[tuple[str, str, str, int]] = set()
    for part in in_parts(sorted({key[1] for key in rows})):
        known.update((row.kind, row.id, row.property, row.at) for row in connection.execute(_TIMES, {"ids": part}))
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


def of(connection: Connection, records: Iterable[RecordRef]) -> dict[RecordRef, list[KeptVersion]]:
    """Read what is kept of these records, each oldest first by property; one of which nothing is kept is left out."""
    wanted = set(records)
    found: dict[RecordRef, list[KeptVersion]] = {}
    for part in in_parts(sorted({record.id for record in wanted})):
        for row in connection.execute(_OF, {"ids": part}):
            record = RecordRef(Kind(row.kind), row.id)
            if record in wanted:
                found.setdefault(record, []).append(
                    KeptVersion(record, Kept(row.property), from_ms(row.at), row.value, row.means, row.source, row.by)
                )
    return found
