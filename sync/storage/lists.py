"""Conditions on a list of values: bound as one JSON text, so that the statement is the same for a list of any length.

SQLAlchemy writes a list out by the number of its values, at every execution anew; that takes longer than SQLite's answer.
A list in JSON meets no limit of variables either.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, ColumnElement, bindparam, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Unfolded(FunctionElement[Any]):
    """The values of a list in JSON, as rows."""

    name = "unfolded"
    inherit_cache = True


@compiles(_Unfolded)
def _by_sqlite(element: _Unfolded, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"  # noqa: S608 - a placeholder


@compiles(_Unfolded, "postgresql")
def _by_postgresql(element: _Unfolded, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT jsonb_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSONB)))"


def is_among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Build the condition that a column is one of the values that an execution binds as `name`: a list or a tuple."""
    return column.bool_op("IN")(_Unfolded(bindparam(name, type_=JSON())))


def is_one_of(column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Build the condition that a column is one of these few values, which stand in the statement for good."""
    return or_(*(column == value for value in values))
