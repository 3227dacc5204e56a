"""Handoff 9: the AM is told that the cycle is closed."""

from datetime import date, timedelta

import pytest

from mappings.vocabulary import Stage
from sync.rules.model import Email
from tests.builders import Scene
from tests.unit.handoffs.scenes import (
    AM,
    APPROVED,
    BLOCKED,
    CONFIRM,
    DECLINED,
    DONE,
    DUE,
    IMPLEMENTED,
    LEFTOVERS,
    NOTHING,
    SILENT,
    WAITING,
    approved,
    blocked,
    closed,
    in_review,
    quiet,
    reset_to,
)
from tests.unit.handoffs.table import MakeScene, Row, Says, check, rows

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
        "9.1 9.7 8.3",
        "a ticket is behind: the same",
        lambda: approved().ticket("203").look().status(IMPLEMENTED),
        Says("9", DUE, ""),
        [
            *reset_to(date(2026, 12, 2)),
            *LEFTOVERS,
            "8 close implement",
            "8 close write_copy",
            "8 close design_graphics",
            *CONFIRM,
        ],
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
        [*reset_to(date(2026, 12, 2)), *LEFTOVERS, "8 close implement", "9 email refresh_live to None (blocked)"],
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
        ["8 write 101: creative_refresh_status= (blocked)", *blocked(LEFTOVERS), "8 close implement (blocked)"],
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


def nobody_to_tell() -> Scene:
    """Approved, with a third ticket behind; the confirmation will wait for an Account Manager."""
    return approved().ticket("203").look().nobody(AM)


@pytest.mark.parametrize(
    ("scene", "live", "unfinished"),
    [
        pytest.param(lambda: approved().status(IMPLEMENTED), ["201", "202"], [], id="all of them"),
        pytest.param(
            lambda: approved().ticket("203").look().status(IMPLEMENTED), ["201", "202"], ["203"], id="one is behind"
        ),
        pytest.param(
            lambda: approved().ticket("203").look().close("203").status(IMPLEMENTED),
            ["201", "202"], [], id="the one behind is closed: not named at all",
        ),
        pytest.param(
            lambda: approved().close("201").put("202", Stage.OTHER).status(IMPLEMENTED),
            ["201", "202"], [], id="closed or moved on since the approval",
        ),
        pytest.param(
            lambda: in_review().close("201").status(APPROVED).look().status(IMPLEMENTED),
            ["202"], [], id="closed before the approval",
        ),
        pytest.param(
            lambda: in_review().close("201").put("202", Stage.OTHER).status(IMPLEMENTED),
            ["201", "202"], [], id="never approved: closed or moved on",
        ),
        pytest.param(
            lambda: approved().put("202", Stage.IN_PROGRESS).status(IMPLEMENTED),
            ["201"], ["202"], id="kicked back since the approval",
        ),
        pytest.param(
            lambda: nobody_to_tell().status(IMPLEMENTED).look().put("202", Stage.IN_PROGRESS).move("203"),
            ["201", "202"], ["203"], id="what happens after the closing changes nothing",
        ),
        pytest.param(
            lambda: nobody_to_tell().status(IMPLEMENTED).look().ticket("204", stage=Stage.PENDING_APPROVAL),
            ["201", "202"], ["203"], id="a ticket of the next cycle is not of this one",
        ),
        pytest.param(
            lambda: closed().ticket("203").look().move("203").look().status(APPROVED).look().status(IMPLEMENTED),
            ["203"], [], id="the next cycle's closing names that cycle's",
        ),
        pytest.param(
            lambda: closed().ticket("203", stage=Stage.PENDING_APPROVAL).close("203").status(IMPLEMENTED),
            ["203"], [], id="the approval of the cycle before does not count",
        ),
    ],
)  # fmt: skip
def test_9_names_what_is_live(scene: MakeScene, live: list[str], unfinished: list[str]) -> None:
    """docs/process.md 9.7."""
    (email,) = [e for o in scene().decide().occurrences if o.handoff == "9" for e in o.effects if isinstance(e, Email)]
    assert [ticket["id"] for ticket in email.variables["tickets"]] == live
    assert [ticket["id"] for ticket in email.variables["unfinished"]] == unfinished
    assert email.variables["ad_lab_link"] == "https://lab.example/1"


@pytest.mark.parametrize(
    ("scene", "late"),
    [
        pytest.param(lambda: approved().status(IMPLEMENTED), [], id="all were ready when the client approved"),
        pytest.param(lambda: approved().ticket("203").look().move("203").look().status(IMPLEMENTED), ["203"], id="one was not"),
        pytest.param(
            lambda: approved().put("202", Stage.IN_PROGRESS).look().move("202").look().status(IMPLEMENTED),
            ["202"], id="one was revised since",
        ),
        pytest.param(
            lambda: approved().ticket("203").look().move("203").look().status(None).look().status(APPROVED).status(IMPLEMENTED),
            [], id="the client approved once more",
        ),
        pytest.param(
            lambda: closed().ticket("203").look().move("203").look().status(IMPLEMENTED),
            [], id="an approval of the cycle before says nothing",
        ),
        pytest.param(
            lambda: nobody_to_tell().status(IMPLEMENTED).look().move("203"), [], id="it came after the closing",
        ),
    ],
)  # fmt: skip
def test_9_tells_apart_what_was_ready_only_after_the_approval(scene: MakeScene, late: list[str]) -> None:
    """docs/process.md 9.8."""
    (email,) = [e for o in scene().decide().occurrences if o.handoff == "9" for e in o.effects if isinstance(e, Email)]
    assert [ticket["id"] for ticket in email.variables["after_approval"]] == late
    assert {ticket["id"] for ticket in email.variables["tickets"]} >= set(late)


@pytest.mark.parametrize(
    ("scene", "ago", "old"),
    [
        pytest.param(approved, timedelta(minutes=1), False, id="of the cycle that ended, though the next has begun"),
        pytest.param(approved, timedelta(days=20), True, id="from before the first cycle's kickoff"),
        pytest.param(lambda: twice_closed(hours=2), timedelta(hours=1), False, id="of the second cycle"),
        pytest.param(lambda: twice_closed(hours=2), timedelta(hours=3), True, id="from before the second cycle"),
    ],
)
def test_9_says_that_the_link_is_older_than_the_cycle_that_ended(scene: MakeScene, ago: timedelta, old: bool) -> None:
    """docs/process.md 5.18 and 9.7."""
    made = scene().status(IMPLEMENTED).later(minutes=5)
    made.link_since = made.now - ago
    (email,) = [e for o in made.decide().occurrences if o.handoff == "9" for e in o.effects if isinstance(e, Email)]
    assert email.variables["ad_lab_link_since"] is not None
    assert email.variables["ad_lab_link_old"] is old


def twice_closed(*, hours: float) -> Scene:
    """Approved in the cycle after the first, which began so long ago."""
    return closed().later(hours=hours).status(APPROVED).look()
