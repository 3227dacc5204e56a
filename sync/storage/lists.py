"""Conditions on a list of values: bound as one JSON text, so that the statement is the same for a list of any length.

SQLAlchemy writes a list out by the number of its values, at every execution anew; that takes longer than SQLite's answer.
A list in JSON meets no limit of variables either.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, Boolean, ColumnElement, bindparam, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _IsAmong(FunctionElement[bool]):
    """Whether a column (the first clause) is one of the values of a list in JSON (the second)."""

    name = "is_among"
    type = Boolean()
    _is_implicitly_boolean = True  # else SQLite is told "… = 1", for which no index serves
    inherit_cache = True


@compiles(_IsAmong)
def _by_sqlite(element: _IsAmong, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - placeholders


@compiles(_IsAmong, "postgresql")
def _by_postgresql(element: _IsAmong, compiler: SQLCompiler, **options: Any) -> str:
    # An array, not IN: beside an OR, PostgreSQL looks up an array in the column's index, and reads the whole table for IN.
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST({values} AS JSONB))))"


def is_among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Build the condition that a column is one of the values that an execution binds as `name`: a list or a tuple."""
    return _IsAmong(column, bindparam(name, type_=JSON()))


def is_one_of(column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Build the condition that a column is one of these few values, which stand in the statement for good."""
    return or_(*(column == value for value in values))
