"""When each record was last read, by the CRM's own clock: a poll that finds it again without a change enqueues nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from sync.clock import to_ms
from sync.crm import RecordRef
from sync.storage.records import is_of_records, parts_of
from sync.storage.tables import seen
from sync.storage.upsert import upsert

READ_TOO_SOON = timedelta(seconds=2)
"""What was changed so shortly before it was read may have been changed again in the same moment: a poll reads it again."""

_REMEMBER = upsert(seen)
_READ = select(seen).where(is_of_records(seen))


def remember(connection: Connection, modified: Mapping[RecordRef, datetime]) -> None:
    """Record that these were read, each as of its last change; a later change must have another time (`READ_TOO_SOON`)."""
    rows = [
        {"kind": record.kind.value, "id": record.id, "modified_at": to_ms(at)}
        for record, at in sorted(modified.items())
    ]
    if rows:
        connection.execute(_REMEMBER, rows)


def unread(connection: Connection, modified: Mapping[RecordRef, datetime]) -> set[RecordRef]:
    """Find the records that were not read since their last change, which is given."""
    known: dict[tuple[str, str], int] = {}
    for part in parts_of(modified.keys()):
        known.update({(row.kind, row.id): row.modified_at for row in connection.execute(_READ, part)})
    return {record for record, at in modified.items() if known.get((record.kind.value, record.id), -1) < to_ms(at)}
