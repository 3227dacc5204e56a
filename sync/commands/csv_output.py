"""Tables as CSV (RFC 4180) on stdout, for spreadsheets."""

import csv
import sys
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet takes for a formula: what people type in the CRM must not become one."""


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Print a line of names and a line a row, as they come; how many rows there were. None is an empty cell."""
    out = csv.writer(sys.stdout, lineterminator="\r\n")
    out.writerow(columns)
    number = 0
    for row in rows:
        out.writerow([_cell(value) for value in row])
        number += 1
    return number


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
