"""When each record was last read, by the CRM's own clock: a poll that finds it again without a change enqueues nothing.

A change has its moment in milliseconds, and an answer tells its own in whole seconds. What was read in the moment of its
change, as the service's own writes are, may have been changed again in that moment: it is known by what it showed, too.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, select

from sync.clock import to_ms
from sync.crm import RecordRef
from sync.storage.records import is_of_records, parts_of
from sync.storage.tables import seen
from sync.storage.upsert import upsert

READ_TOO_SOON = timedelta(seconds=2)
"""What was changed so shortly before it was read may have been changed again in the same moment, where the CRM tells no time."""

_NOTHING: Final[Mapping[RecordRef, str]] = MappingProxyType({})

_REMEMBER = upsert(seen)
_READ = select(seen).where(is_of_records(seen))


def remember(
    connection: Connection, modified: Mapping[RecordRef, datetime], shown: Mapping[RecordRef, str] = _NOTHING
) -> None:
    """Record that these were read, each as of its last change.

    `shown`: a mark of the values of each that was read in the moment of that change; of any other a later change must have
    another time.
    """
    rows = [
        {"kind": record.kind.value, "id": record.id, "modified_at": to_ms(at), "shown": shown.get(record)}
        for record, at in sorted(modified.items())
    ]
    if rows:
        connection.execute(_REMEMBER, rows)


def unread(
    connection: Connection, modified: Mapping[RecordRef, datetime], shows: Mapping[RecordRef, str] = _NOTHING
) -> set[RecordRef]:
    """Find the records that were not read since their last change, which is given.

    `shows`: marks of the values that they show now; one that was read in the moment of its last change counts as read if
    they are the same.
    """
    known = {}
    for part in parts_of(modified.keys()):
        known.update({(row.kind, row.id): row for row in connection.execute(_READ, part)})
    found = set()
    for record, at in modified.items():
        row = known.get((record.kind.value, record.id))
        if row is None or row.modified_at < to_ms(at) or row.shown not in {None, shows.get(record)}:
            found.add(record)
    return found
