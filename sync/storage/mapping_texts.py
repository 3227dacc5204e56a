"""The mappings that have decided anything, each kept whole and once, by its digest."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from sync.clock import to_ms
from sync.storage.tables import mapping_texts
from sync.storage.upsert import insert_new

_NEW = insert_new(mapping_texts)
_TEXT = select(mapping_texts.c.text).where(mapping_texts.c.digest == bindparam("wanted"))

_ALL = select(mapping_texts.c.text).order_by(mapping_texts.c.since.desc(), mapping_texts.c.digest)


def keep(connection: Connection, digest: str, text: str, now: datetime) -> None:
    """Keep a mapping's text under its digest, unless it is kept already."""
    connection.execute(_NEW, {"digest": digest, "text": text, "since": to_ms(now)})


def find(connection: Connection, digest: str) -> str | None:
    """Read the text of this digest; None: no pass has gone by it."""
    found = connection.scalar(_TEXT, {"wanted": digest})
    return None if found is None else str(found)


def every(connection: Connection) -> list[str]:
    """Read the text of each that a pass has gone by, the newest first."""
    return [str(text) for text in connection.scalars(_ALL)]
