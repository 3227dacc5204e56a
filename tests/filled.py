"""Rows for every table of a database: no two alike, and each reference to a row that there is."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, select

from sync.storage import tables

NUMBER = 3
"""Rows of each table."""

NAMES = ("Müller & Söhne", "ACME  Corp.", "Ｆｕｌｌ width")
KEPT_BY_TRIGGERS = "effect_count"
OF_ALEMBIC = "alembic_version"

Rows = dict[tuple[object, ...], Mapping[str, Any]]


def schema(connection: Connection) -> dict[str, Table]:
    """The tables that there are in the database, each after those that it refers to."""
    found = MetaData()
    found.reflect(connection)
    return {table.name: table for table in found.sorted_tables if table.name not in {KEPT_BY_TRIGGERS, OF_ALEMBIC}}


def value(column: Column[Any], number: int) -> object:
    """What a row has in this column; of a reference, what the row with the same number has that it refers to."""
    referred = next(iter(column.foreign_keys), None)
    if referred is not None:
        return value(referred.column, number)
    if isinstance(column.type, Integer):
        return number + 1
    if isinstance(column.type, LargeBinary):
        return b"\x1f\x8b" + bytes([number])
    match column.table.name, column.name:
        case "effect", "payload":
            return f'{{"adopted":{"true" if number else "false"},"role":"traffic"}}'
        case "occurrence", "detail":
            return "{}"
        case "portfolio", "name":
            return NAMES[number]
        case "effect", "kind":
            return "task"
        case "effect", "state":
            return "done"
        case (("effect" | "occurrence"), "key"):
            return f"7:{number}:1700000000000{'/task:implement' if column.table.name == 'effect' else ''}"
    return f"{column.name} {number}"


def rows(connection: Connection, table: Table) -> Rows:
    key = table.primary_key or tables.metadata.tables[table.name].primary_key  # PostgreSQL may have none (0024)
    names = [column.name for column in key]
    found = connection.execute(select(table)).mappings()
    return {tuple(row[name] for name in names): dict(row) for row in found}


def fill(connection: Connection, table: Table) -> None:
    made = [{column.name: value(column, number) for column in table.columns} for number in range(NUMBER)]
    connection.execute(table.insert(), made)
