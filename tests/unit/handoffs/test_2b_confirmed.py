"""Handoff 2b: the client confirms the refresh."""

from tests.unit.handoffs.scenes import (
    DONE,
    EMPTY,
    NOTHING,
    REQUESTED,
    SILENT,
    quiet,
)
from tests.unit.handoffs.table import Row, Says, check, rows

HANDOFF_2B = [
    Row(
        "2b.1 S.3",
        "confirmed: no task, no email, no write; recorded",
        lambda: quiet().date(10).look().status(REQUESTED),
        Says("2b", DONE, "notation only"),
        ["2b recorded"],
    ),
    Row(
        "2b.2",
        "recorded once",
        lambda: quiet().date(10).look().status(REQUESTED).look(),
        Says("2b", DONE, "notation only"),
        NOTHING,
    ),
    Row(
        "2b.1 C.7",
        "recorded again for a second version",
        lambda: quiet().date(10).look().status(REQUESTED).look().status(EMPTY).status(REQUESTED),
        Says("2b", DONE, ""),
        ["2b recorded"],
    ),
    Row(
        "2b.3 2b.4",
        "a Note alone moves nothing",
        lambda: quiet().date(10).look().note("green"),
        Says("2b", SILENT, "has not been noted"),
        NOTHING,
    ),
    Row(
        "2b.3 G.2",
        "older than going live: not recorded",
        lambda: quiet().status(REQUESTED).went_live(),
        Says("2b", SILENT, ""),
        NOTHING,
    ),
]


ROWS = {"2b": HANDOFF_2B}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)
