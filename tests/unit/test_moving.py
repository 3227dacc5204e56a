"""`handoffs db copy` keeps every row of every table that the migrations have made, in each direction."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Connection, Integer, Table, Text, insert, select

from sync.storage import tables
from sync.storage.database import Store, migrate, open_store
from sync.storage.moving import move
from tests.databases import drop, fresh_postgresql
from tests.filled import NUMBER, Rows, fill, rows, schema

NOW = datetime(2026, 11, 2, 14, tzinfo=UTC)
EXTREME = 2**62
ODD = "'\"%s;\\ \n\t💡 ﬃ é " + "x" * 100_000

Open = Callable[[str], Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """A new database of this kind, its schema up to date."""
    with ExitStack() as stack:

        def open_one(kind: str) -> Store:
            if kind == "postgresql":
                url = fresh_postgresql()
                stack.callback(drop, url)
            else:
                url = f"sqlite:///{tmp_path}/{len(list(tmp_path.iterdir()))}.db"
            store = stack.enter_context(closing(open_store(url)))
            migrate(store)
            return store

        yield open_one


def all_rows(connection: Connection) -> dict[str, Rows]:
    """Of the tables of the database, not of those that the code knows."""
    return {name: rows(connection, table) for name, table in schema(connection).items()}


def filled() -> list[Table]:
    """The tables to be filled, each after those that it refers to; a trigger fills the one that counts."""
    return [table for table in tables.metadata.sorted_tables if table is not tables.effect_counts]


def fill_with_extremes(connection: Connection, table: Table) -> None:
    """Three rows: as usual, empty where they may be, and with numbers and texts as large as they get."""
    fill(connection, table)
    free = [column for column in table.columns if not column.primary_key and not column.foreign_keys]
    key = next(iter(table.primary_key))
    _, second, third = connection.scalars(select(key).order_by(key))
    nothing = {column.name: None for column in free if column.nullable}
    large = {
        column.name: EXTREME if isinstance(column.type, BigInteger) else ODD
        for column in free
        if isinstance(column.type, BigInteger | Text) and table is not tables.effects  # whose payload has to be JSON
    }
    for row, values in ((second, nothing), (third, large)):
        if values:
            connection.execute(table.update().where(key == row).values(values))


@pytest.mark.parametrize(
    ("there", "back"), [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("postgresql", "postgresql"), ("sqlite", "sqlite")]
)  # fmt: skip
def test_every_value_of_every_table_is_kept(opened: Open, there: str, back: str) -> None:
    source, target = opened(there), opened(back)
    with source.write() as connection:
        for table in filled():
            fill_with_extremes(connection, table)
    with source.read() as connection:
        before = all_rows(connection)
    assert {name: len(kept) for name, kept in before.items()} == dict.fromkeys(before, NUMBER)

    counts = move(source, target, NOW)

    with target.read() as connection:
        assert all_rows(connection) == before
        assert connection.execute(select(tables.effect_counts)).all() == [("done", NUMBER)]
    assert {name: number for name, number in counts.items() if number != NUMBER} == {tables.effect_counts.name: 1}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_numbers_go_on_where_they_were(opened: Open, kind: str) -> None:
    """Of each table whose rows the database numbers."""
    source, target = opened("sqlite" if kind == "postgresql" else "postgresql"), opened(kind)
    with source.write() as connection:
        for table in filled():
            fill(connection, table)
    move(source, target, NOW)
    numbered = [table for table in filled() if "id" in table.primary_key and isinstance(table.c.id.type, Integer)]
    assert tables.deliveries in numbered
    with target.write() as connection:
        for table in numbered:
            row = {
                column.name: "" if column.type.python_type is str else b"" if column.type.python_type is bytes else 0
                for column in table.columns
                if not column.nullable and not column.primary_key
            }
            new = connection.execute(insert(table).values(row).returning(table.c.id)).scalar_one()
            assert new == NUMBER + 1, table.name
