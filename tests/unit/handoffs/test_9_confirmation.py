"""Handoff 9: the AM is told that the cycle is closed."""

from datetime import date

from tests.unit.handoffs.scenes import (
    AM,
    APPROVED,
    BLOCKED,
    CONFIRM,
    DECLINED,
    DONE,
    DUE,
    IMPLEMENTED,
    NOTHING,
    SILENT,
    WAITING,
    approved,
    closed,
    in_review,
    quiet,
    reset_to,
)
from tests.unit.handoffs.table import Row, Says, check, rows

HANDOFF_9 = [
    Row(
        "9.5",
        "no cycle closed",
        quiet,
        Says("9", SILENT, "no cycle has been closed"),
        NOTHING,
    ),
    Row(
        "9.2 8.2 G.8",
        "a lost database: the closing was before this ledger began",
        lambda: closed().lose_database(),
        Says("9", SILENT, "the closing was before this ledger began"),
        ["8 recorded"],
    ),
    Row(
        "9.4 S.6",
        "one email: no second AM email",
        closed,
        Says("9", DONE, "the reset is written"),
        NOTHING,
    ),
    Row(
        "9.1 8.3",
        "Creatives Implemented set anew is another closing version",
        lambda: closed().status(IMPLEMENTED),
        Says("9", DUE, ""),
        reset_to(date(2027, 1, 2)) + CONFIRM,
    ),
    Row(
        "9.1 9.6 P.2",
        "no AM: blocks this email, not the reset",
        lambda: approved().nobody(AM).status(IMPLEMENTED),
        Says("9", BLOCKED, "no Account Manager"),
        [*reset_to(date(2026, 12, 2)), "8 close implement", "9 email refresh_live to None (blocked)"],
    ),
    Row(
        "9.1 9.6 P.2",
        "the AM is named later: told then",
        lambda: approved().nobody(AM).status(IMPLEMENTED).look().name(AM, "am"),
        Says("9", DUE, ""),
        CONFIRM,
    ),
    Row(
        "9.1 9.6 P.2",
        "two closings without an AM: both wait, neither is dropped",
        lambda: approved().nobody(AM).status(IMPLEMENTED).look().status(IMPLEMENTED).look(),
        Says("9", BLOCKED, "no Account Manager"),
        ["9 email refresh_live to None (blocked)", "9 email refresh_live to None (blocked)"],
    ),
    Row(
        "9.3 8.4",
        "the reset is blocked: nobody is told that it is done",
        lambda: approved().set_cadence("Whenever").status(IMPLEMENTED),
        Says("9", WAITING, "handoff 8 is blocked"),
        ["8 write 101: creative_refresh_status= (blocked)", "8 close implement (blocked)"],
    ),
    Row(
        "9.5",
        "a decline is not a confirmation",
        lambda: in_review().status(APPROVED).status(DECLINED).look(),
        Says("9", SILENT, "no cycle has been closed"),
        NOTHING,
    ),
]


ROWS = {"9": HANDOFF_9}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)
