"""Portfolios outside the mapping's condition, and those that come back into it."""

from datetime import date
from functools import partial

from mappings.vocabulary import TaskKind
from tests.builders import Scene
from tests.unit.handoffs.scenes import (
    APPROVED,
    BLOCKED,
    COPY,
    DECLINED,
    DONE,
    DUE,
    EMPTY,
    GRAPHIC,
    IMPLEMENT,
    IMPLEMENTED,
    IN_REVIEW,
    KICKOFF,
    NOTHING,
    READY,
    REQUESTED,
    REVISE_GRAPHICS,
    SILENT,
    SUBMITTED,
    approved,
    begun,
    in_review,
    kicked_back,
    moved_to,
    quiet,
    submitted,
)
from tests.unit.handoffs.table import MakeScene, Row, Says, check, rows


def outside(scene: MakeScene) -> Scene:
    return scene().leave()


def declined_and_begun_anew() -> Scene:
    """The next cycle's kickoff is out as well."""
    return quiet().date(10).look().status(DECLINED).look().status(EMPTY).date(10).look()


def announced_after_a_decline() -> Scene:
    return declined_and_begun_anew().ticket("201").status(SUBMITTED).move("201").look()


CONDITION = [
    *[
        Row(
            "W.6 S.7",
            f"outside: nothing at all, were it for handoff {number}",
            partial(outside, scene),
            Says(number, SILENT, "outside the mapping's condition"),
            NOTHING,
        )
        for number, scene in {
            "1": lambda: quiet().date(10),
            "2a": lambda: quiet().date(10).look().status(DECLINED),
            "2b": lambda: quiet().status(REQUESTED),
            "3": lambda: quiet().date(0),
            "4": lambda: begun().ticket("201"),
            "5": lambda: submitted().move("201", "202"),
            "6": lambda: in_review().revise("201", COPY),
            "7": lambda: in_review().status(APPROVED),
            "8": lambda: approved().complete(TaskKind.IMPLEMENT),
            "9": lambda: approved().status(IMPLEMENTED),
        }.items()
    ],
    Row(
        "1.7 W.7",
        "comes back in: judged as it then stands",
        lambda: quiet().leave().date(10).come_back(),
        Says("1", DUE, "10 days away"),
        KICKOFF,
    ),
    Row(
        "2a.5 W.7",
        "declined while outside, and it stands: counts",
        lambda: quiet().date(10).look().leave().status(DECLINED).come_back(),
        Says("2a", DUE, ""),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff"],
    ),
    Row(
        "2a.2 W.7 C.9",
        "declined while outside, and gone: does not count",
        lambda: quiet().leave().status(DECLINED).status(REQUESTED).come_back(),
        Says("2a", SILENT, ""),
        ["2b recorded"],
    ),
    Row(
        "2a.5 W.7 C.9",
        "declined while inside, and gone while outside: counts, and is carried out once it is inside again",
        lambda: quiet().status(DECLINED).later(minutes=3).leave().status(REQUESTED).come_back(),
        Says("2a", DUE, ""),
        [*moved_to(date(2027, 1, 12)), "2b recorded"],
    ),
    Row(
        "2a.6 C.9",
        "blocked by its cadence, out and in again, with another status: still blocked, never dropped",
        lambda: quiet().set_cadence("Now and then").status(DECLINED).look().leave().status(REQUESTED).come_back(),
        Says("2a", BLOCKED, "Now and then"),
        ["2a write 101:  (blocked)", "2b recorded"],
    ),
    Row(
        "7.4 W.7 C.9",
        "approved while outside, and gone: does not count",
        lambda: in_review().leave().status(APPROVED).status(IN_REVIEW).come_back(),
        Says("7", SILENT, "has not approved"),
        NOTHING,
    ),
    Row(
        "7.8 W.7",
        "approved while outside, and it stands: counts",
        lambda: in_review().leave().status(APPROVED).come_back(),
        Says("7", DUE, ""),
        IMPLEMENT,
    ),
    Row(
        "6.8 6.4 W.7 C.9",
        "a revision that came and went while outside does not count",
        lambda: in_review().leave().revise("201", COPY, None).come_back(),
        Says("6", SILENT, ""),
        NOTHING,
    ),
    Row(
        "6.6 6.4 W.7",
        "a revision that stands counts, the one before it does not",
        lambda: in_review().leave().revise("201", COPY, GRAPHIC).come_back(),
        Says("6", DUE, "Graphic Revisions Only", "201"),
        [kicked_back(), REVISE_GRAPHICS],
    ),
    Row(
        "1.4 1.9 W.7",
        "a date that was moved out of the window and back while outside does not count",
        lambda: quiet().date(10).look().leave().date(30).date(10).come_back(),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.7 1.9 W.7",
        "a date that stood out of the window when it came back in does",
        lambda: quiet().date(10).look().leave().date(30).come_back().date(10),
        Says("1", DUE, ""),
        KICKOFF,
    ),
    Row(
        "1.4 W.7",
        "a decline that came and went while outside has ended no cycle: no second kickoff",
        lambda: quiet().date(10).look().leave().status(DECLINED).later(minutes=3).status(EMPTY).come_back(),
        Says("1", DONE, "10 days away"),
        NOTHING,
    ),
    Row(
        "1.4 C.4 W.7",
        "a decline that was carried out while inside has, whatever came after it",
        lambda: declined_and_begun_anew().leave().come_back(),
        Says("1", DONE, "10 days away"),
        NOTHING,
    ),
    Row(
        "5.6 C.4 W.7 G.7",
        "and so it has where the database is lost: the keys of the next one tell the cycle",
        lambda: announced_after_a_decline().only_came_in().lose_database(),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.9 W.7",
        "a set that became ready while outside is ready",
        lambda: submitted().leave().move("201", "202").come_back(),
        Says("5", DUE, ""),
        READY,
    ),
]


ROWS = {"condition": CONDITION}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)
