"""Insert a row, or meet the one that is there: statements that are a dialect's own.

SQLite and PostgreSQL both know `INSERT … ON CONFLICT`, but SQLAlchemy gives it by dialect: SQLite's compiler writes
PostgreSQL's construct as well. Whoever needs it builds it here, once, at import.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, case
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.base import ReadOnlyColumnCollection

Columns = ReadOnlyColumnCollection[str, Any]
"""The columns of the row that was to be inserted, as SQL calls it: `excluded`."""


_COUNTED: Final = {"preserve_rowcount": True}
"""SQLAlchemy keeps the driver's `rowcount` of an insert only where it is told to: on PostgreSQL it says -1 otherwise."""


def insert_new(table: Table) -> Insert:
    """Build an insert that leaves the table as it is where the row's key is there already (`rowcount` is then 0)."""
    return insert(table).on_conflict_do_nothing().execution_options(**_COUNTED)


def upsert(table: Table, changes: Callable[[Columns], Mapping[str, Any]] | None = None) -> Insert:
    """Build an insert that changes the row of the same primary key where there is one.

    `changes` is given the row that was to be inserted and returns the new value of each column that changes. Without it
    every column but the key takes the new row's value.
    """
    statement = insert(table)
    new = statement.excluded
    values = _every_column(table, new) if changes is None else changes(new)
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=dict(values))


def least(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    """Build the smaller of two values, neither of them null: SQLite's `min` is PostgreSQL's `least`."""
    return case((other < one, other), else_=one)


def _every_column(table: Table, new: Columns) -> dict[str, Any]:
    return {column.name: new[column.name] for column in table.columns if not column.primary_key}
