"""Tickets as they were last read with their histories: what has not changed since need not be read so again.

A row only saves calls: one too few costs a read, and each is written anew after a month (docs/process.md C.17). Two readings
that show the same make it certain, as one answer may lack a version by chance.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from sync.clock import from_ms, to_ms
from sync.crm import Kind, RawVersion, Record
from sync.marks import mark_of_text
from sync.storage.database import in_parts, to_json
from sync.storage.lists import is_among
from sync.storage.tables import ticket_histories
from sync.storage.upsert import upsert

KEPT_FOR = timedelta(days=35)
"""After so long a ticket is read with its history again, whatever it shows."""

SETTLED_AFTER = timedelta(minutes=1)
"""How long after a change a history may still be behind it, by the CRM's clock."""

_WRITTEN_ANEW = timedelta(days=1)
"""How old what is kept may be before the same is written again, to keep it for longer."""

_FORGOTTEN_AT_ONCE = 1_000

_REMEMBER = upsert(ticket_histories)
_OF = select(ticket_histories).where(is_among(ticket_histories.c.ticket, "ids"))
_FORGET = ticket_histories.delete().where(is_among(ticket_histories.c.ticket, "ids"))
_OLD = (
    select(ticket_histories.c.ticket).where(ticket_histories.c.read_at < bindparam("before")).limit(_FORGOTTEN_AT_ONCE)
)


@dataclass(frozen=True, slots=True)
class TicketRead:
    """A ticket that was read with the histories of these properties."""

    record: Record
    histories: Sequence[str]


def certain(
    connection: Connection, tickets: Sequence[str], histories: Sequence[str], now: datetime
) -> dict[str, Record]:
    """Give those of these tickets (ids) of which the histories of these properties are known for certain.

    Each as of its `updated_at`; whoever asks has to see that it has not changed since.
    """
    asked, since = _mark(histories), to_ms(now - KEPT_FOR)
    return {
        row.ticket: _decoded(row)
        for part in in_parts(tickets)
        for row in connection.execute(_OF, {"ids": part})
        if row.certain and row.asked == asked and row.read_at >= since
    }


def remember(connection: Connection, read: Iterable[TicketRead], now: datetime) -> None:
    """Keep what was read, as far as it says when it was read and last changed. What nobody has read for long is forgotten."""
    new = {one.record.id: one for one in read if one.record.updated_at is not None and one.record.read_at is not None}
    before = {row.ticket: row for part in in_parts(sorted(new)) for row in connection.execute(_OF, {"ids": part})}
    rows = [row for one in new.values() if (row := _row(one, before.get(one.record.id), now)) is not None]
    if rows:
        connection.execute(_REMEMBER, sorted(rows, key=lambda row: str(row["ticket"])))
        forget(connection, connection.scalars(_OLD, {"before": to_ms(now - KEPT_FOR)}).all())


def forget(connection: Connection, tickets: Sequence[str]) -> None:
    """Have these tickets (ids) read with their histories again, until two readings show the same."""
    for part in in_parts(tickets):
        connection.execute(_FORGET, {"ids": part})


def _row(one: TicketRead, before: Any, now: datetime) -> dict[str, object] | None:
    """The row to be written; None: what is kept does."""
    record = one.record
    assert record.updated_at is not None
    assert record.read_at is not None
    modified_at, asked, text = to_ms(record.updated_at), _mark(one.histories), _encoded(record)
    same = before is not None and (before.modified_at, before.asked, before.record) == (modified_at, asked, text)
    certain = same and (before.certain == 1 or record.read_at - record.updated_at >= SETTLED_AFTER)
    if same and before.certain == int(certain) and from_ms(before.read_at) > now - _WRITTEN_ANEW:
        return None
    return {
        "ticket": record.id, "modified_at": modified_at, "read_at": to_ms(now), "asked": asked,
        "certain": int(certain), "record": text,
    }  # fmt: skip


def _mark(histories: Sequence[str]) -> str:
    return mark_of_text("\n".join(histories))


def _encoded(record: Record) -> str:
    return to_json(
        {
            "created": None if record.created_at is None else to_ms(record.created_at),
            "properties": dict(record.properties),
            "history": {
                name: [[one.value, to_ms(one.at), one.source_type, one.source_id, one.user_id] for one in versions]
                for name, versions in record.history.items()
            },
        }
    )


def _decoded(row: Any) -> Record:
    kept: Mapping[str, Any] = json.loads(row.record)
    return Record(
        Kind.TICKET,
        row.ticket,
        kept["properties"],
        {
            name: tuple(RawVersion(value, from_ms(at), *who) for value, at, *who in versions)
            for name, versions in kept["history"].items()
        },
        created_at=None if kept["created"] is None else from_ms(kept["created"]),
        updated_at=from_ms(row.modified_at),
    )
