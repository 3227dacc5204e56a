"""The whole decision table at other hours, in other time zones and on other days: it says what it says on a Monday morning.

Dates and times are compared as such, not by their values: which date comes next is another matter (tests/unit/test_cadence.py).
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache

import pytest

from tests.builders import Shift, shifted
from tests.unit.handoffs.table import Row, all_rows

NEW_YORK, AUCKLAND = "America/New_York", "Pacific/Auckland"

SHIFTS = {
    "at 21:30 in New York": Shift(datetime(2026, 11, 3, 2, 30, tzinfo=UTC), NEW_YORK),
    "at 00:10 in Auckland": Shift(datetime(2026, 11, 1, 11, 10, tzinfo=UTC), AUCKLAND),
    "on 29 February": Shift(datetime(2028, 2, 29, 14, 0, tzinfo=UTC), NEW_YORK),
    "in the hour that comes twice": Shift(datetime(2026, 11, 1, 5, 59, 58, tzinfo=UTC), NEW_YORK),
    "before the hour that is left out": Shift(datetime(2027, 3, 14, 6, 59, 58, tzinfo=UTC), NEW_YORK),
}
"""UTC; in New York the clocks go back at 6:00 and forward at 7:00 of it."""

_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{1,2} \w{3} \d{4}|\b\d{2}:\d{2}\b")


_DISTANCE = re.compile(r"\b\d+ days? (?:away|past)|\btoday\b")

ON_ITS_DAY = {
    "3 another time zone, in which the day has come: once",
    "3 another time zone, in which the day had come: not again on the day of the old one",
    "8 months keep the day that a person chose: after 28 February comes 31 March",
    "8 a person sets the 28th by hand after the service: chosen",
    "8 the CRM has forgotten the day that was chosen: the ledger remembers it",
    "8 a lost database: the history shows the day that was chosen",
    "8 a lost database, and the CRM has forgotten the day too: the date's own",
}
"""Rows of a day or an hour of their own: it is tomorrow already elsewhere; the months are those around February."""


def undated(texts: Iterable[str], *, distances: bool) -> list[str]:
    """Texts without the values of dates and times, and without distances in days if those are not to be compared."""
    found = [_WRITTEN.sub("#", text) for text in texts]
    return found if distances else [_DISTANCE.sub("#", text) for text in found]


def told(row: Row) -> tuple[list[str], list[list[str]], list[str]]:
    """What the row's scene would have done, what every rule says of it, and what is left to do after a look."""
    scene = row.scene()
    # Months differ: how far away a date is that the service has moved by a month is not compared.
    distances = not any("creative_refresh_date=" in effect for effect in scene.done)
    verdicts = scene.decide().verdicts
    says = [[v.handoff, v.state, v.record.id, *undated([v.reason], distances=distances)] for v in verdicts]
    effects = undated(scene.would_do(), distances=distances)
    left = [effect for effect in scene.refuse().look().would_do() if not effect.endswith(("(blocked)", "nobody"))]
    return effects, says, left


@cache
def expected() -> dict[str, tuple[list[str], list[list[str]], list[str]]]:
    """What all rows tell on their Monday morning."""
    return {f"{chapter} {row.id}": told(row) for chapter, row in all_rows()}


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
def test_the_table_shifted(shift: Shift) -> None:
    wrong = {}
    for chapter, row in all_rows():
        name = f"{chapter} {row.id}"
        with shifted(shift):
            found = told(row)
        if name not in ON_ITS_DAY and found != expected()[name]:
            wrong[name] = found
    assert wrong == {}
    assert expected().keys() >= ON_ITS_DAY
