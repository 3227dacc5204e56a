"""Rows that are found by the record that they are of: its kind and its id."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam

from sync.crm import Kind, RecordRef
from sync.storage.database import in_parts
from sync.storage.lists import is_among


def is_of_records(table: Table) -> ColumnElement[bool]:
    """Build the condition that a row is of one of the records that `parts_of` gives.

    With the kind, by which the index begins: by the id alone the whole table would be gone through.
    """
    return and_(table.c.kind == bindparam("of_kind"), is_among(table.c.id, "ids"))


def parts_of(records: Collection[RecordRef]) -> Iterator[dict[str, Any]]:
    """Cut these records into parts of one kind each, as `is_of_records` wants them bound."""
    for kind in Kind:
        for part in in_parts(sorted({record.id for record in records if record.kind is kind})):
            yield {"of_kind": kind.value, "ids": part}
