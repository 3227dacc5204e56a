"""Taking a database along to another place: from a file to a server, or back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Integer, Table, func, select, text

from sync.errors import RefusedError, StoreError
from sync.storage import service_state
from sync.storage.database import Store
from sync.storage.tables import metadata

_ROWS: Final = 1_000
"""Rows that are read and written at a time."""

_COUNTS: Final = metadata.tables["effect_count"]


def move(source: Store, target: Store, now: datetime) -> Mapping[str, int]:
    """Copy every row into an empty database of the same schema, and mark the source as a copy; how many rows of each table.

    Both are at the newest schema, and nobody else writes to either: whoever calls this holds the lanes of `source`. It is
    done as a whole or not at all. Raises `RefusedError` where the target holds something, and `StoreError`, also where
    the two differ in the end.
    """
    with source.read() as reading, target.write(pauses=True) as writing:
        if filled := [table.name for table in metadata.sorted_tables if _count(writing, table)]:
            raise RefusedError(
                f"{target.place} is not empty ({', '.join(filled)}): nothing was copied. Name one without a table, or an "
                "empty one"
            )
        with _uncounted(writing):
            for table in metadata.sorted_tables:
                if table is not _COUNTS:
                    _copy(reading, writing, table)
        writing.execute(_COUNTS.delete())  # SQLite's triggers have counted
        _copy(reading, writing, _COUNTS)
        counts = {table.name: _count(reading, table) for table in metadata.sorted_tables}
        differing = [
            f"{table.name} ({counts[table.name]:,} and {found:,} rows)"
            for table in metadata.sorted_tables
            if (found := _count(writing, table)) != counts[table.name]
        ]
        if differing:
            raise StoreError(f"{target.place} differs from {source.place}, nothing was kept: {', '.join(differing)}")
    with source.write() as connection:
        service_state.put(connection, service_state.COPIED_AT, now)
        service_state.put(connection, service_state.MOVED_TO, target.place)
    return counts


@contextmanager
def _uncounted(writing: Connection) -> Iterator[None]:
    """Have PostgreSQL count no effect that is copied: the counts are copied as well.

    It keeps every version of a row until the transaction ends, and to count on takes a look at all of them: 30,000 effects
    took 18 s, and ten times as many take a hundred times as long.
    """
    switches = writing.dialect.name == "postgresql"
    if switches:
        writing.execute(text("ALTER TABLE effect DISABLE TRIGGER USER"))
    yield
    if switches:
        writing.execute(text("ALTER TABLE effect ENABLE TRIGGER USER"))


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _copy(reading: Connection, writing: Connection, table: Table) -> None:
    every = (
        select(table).order_by(*table.primary_key).execution_options(yield_per=_ROWS)
    )  # of the statement: the connection is used on
    for part in reading.execute(every).mappings().partitions():
        writing.execute(table.insert(), [dict(row) for row in part])
    if writing.dialect.name == "postgresql":
        _count_on_from_there(writing, table)


def _count_on_from_there(connection: Connection, table: Table) -> None:
    """Let the numbers that the server gives go on after the highest that was copied."""
    column, *others = table.primary_key.columns
    if others or not isinstance(column.type, Integer):
        return
    names = {"table": f'"{table.name}"', "column": column.name}
    sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), names).scalar()
    highest = connection.execute(select(func.max(column))).scalar()
    if sequence is not None and highest is not None:
        connection.execute(text("SELECT setval(:sequence, :highest)"), {"sequence": sequence, "highest": highest})
