"""Handoff 1: the kickoff, fifteen days ahead."""

from datetime import date
from functools import partial

from mappings.vocabulary import Status, TaskKind
from tests.builders import Scene, mapping
from tests.unit.handoffs.scenes import (
    AM,
    ARRIVED,
    BLOCKED,
    DECLINED,
    DONE,
    DUE,
    IMPLEMENTED,
    IN_REVIEW,
    KICKOFF,
    LEFTOVER_CLEARED,
    NOTHING,
    REQUESTED,
    SILENT,
    SUBMITTED,
    SUPERSEDED,
    WAITING,
    closed_in_a_word_to_come,
    moved_to,
    quiet,
)
from tests.unit.handoffs.table import Row, Says, check, rows


def moved_on_to(status: Status) -> Scene:
    return quiet().status(status).date(15).look()


HANDOFF_1 = [
    Row(
        "1.12 C.14",
        "a closing version may still be taken back: nothing is decided that hangs on the status",
        lambda: quiet().date(10).status(DECLINED, stands=60),
        Says("1", WAITING, "it counts once it has stood for 2 minutes"),
        NOTHING,
    ),
    Row(
        "1.3 S.1",
        "a quiet portfolio: nothing at all",
        quiet,
        Says("1", WAITING, "40 days away; the kickoff comes at 15"),
        NOTHING,
    ),
    Row(
        "1.3",
        "the date is 16 days away: not yet",
        lambda: quiet().date(16),
        Says("1", WAITING, "16 days away"),
        NOTHING,
    ),
    Row(
        "1.7",
        "the date is 15 days away: a task and an email for the AM",
        lambda: quiet().date(15),
        Says("1", DUE, "15 days away"),
        KICKOFF,
    ),
    Row(
        "1.7",
        "nobody did anything, a day passed: the date came within 15 days",
        lambda: quiet().date(16).later(days=1),
        Says("1", DUE, "15 days away"),
        KICKOFF,
    ),
    Row(
        "1.7",
        "typed in today as tomorrow",
        lambda: quiet().date(1),
        Says("1", DUE, "1 day away"),
        KICKOFF,
    ),
    Row(
        "1.7 3.8",
        "today counts as 0, and handoff 3 fires as well",
        lambda: quiet().date(0),
        Says("1", DUE, "today"),
        KICKOFF + ARRIVED,
    ),
    Row(
        "1.7 3.8",
        "a date already past counts too",
        lambda: quiet().date(-3),
        Says("1", DUE, "3 days past"),
        KICKOFF + ARRIVED,
    ),
    Row(
        "1.1",
        "no date",
        lambda: quiet().date(None),
        Says("1", SILENT, "has no Refresh Date"),
        NOTHING,
    ),
    Row(
        "1.4 S.2",
        "done: no second task",
        lambda: quiet().date(15).look(),
        Says("1", DONE, "15 days away"),
        NOTHING,
    ),
    Row(
        "1.4 1.10",
        "true for fifteen days running: one task",
        lambda: quiet().date(15).look().later(days=14),
        Says("1", DONE, "15 days away"),
        NOTHING,
    ),
    Row(
        "1.4 1.10",
        "the AM completed the task and left the status: no second task",
        lambda: quiet().date(15).look().later(days=3).complete(TaskKind.KICKOFF),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.4 1.10 W.9",
        "the AM deleted the task: not made again",
        lambda: quiet().date(15).look().delete_task(TaskKind.KICKOFF),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.4 1.9",
        "moved within the window: no new kickoff",
        lambda: quiet().date(15).look().date(9).look().date(14).look().date(2),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.3 1.9",
        "moved out of the window after a kickoff: nothing yet",
        lambda: quiet().date(10).look().date(16),
        Says("1", WAITING, "16 days away"),
        NOTHING,
    ),
    Row(
        "1.7 1.9",
        "moved out, and come back into it by itself: a new kickoff",
        lambda: quiet().date(10).look().date(16).look().later(days=1),
        Says("1", DUE, "15 days away"),
        KICKOFF,
    ),
    Row(
        "1.7 1.9",
        "moved out and back between two looks: the history alone tells, a new kickoff",
        lambda: quiet().date(10).look().date(30).date(10),
        Says("1", DUE, "10 days away"),
        KICKOFF,
    ),
    Row(
        "1.7 1.9",
        "cleared and set again between two looks: out of the window, a new kickoff",
        lambda: quiet().date(10).look().date(None).date(10),
        Says("1", DUE, "10 days away"),
        KICKOFF,
    ),
    Row(
        "1.4 1.9",
        "the new kickoff fires once as well",
        lambda: quiet().date(10).look().date(30).date(10).look(),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.4 1.9",
        "out of the window counts from the day on which a date was set, not from today",
        lambda: quiet().date(20).later(days=10).date(15).later(days=1).look().date(8),
        Says("1", DONE, ""),
        NOTHING,
    ),
    *[
        Row(
            "1.6",
            f"the status has moved on to {status}: no kickoff",
            partial(moved_on_to, status),
            Says("1", SUPERSEDED, "the status has already moved on"),
            NOTHING,
        )
        for status in (REQUESTED, SUBMITTED, IN_REVIEW)
    ],
    Row(
        "1.6 2b.1 3.8",
        "the AM confirmed early: no kickoff on the day itself either",
        lambda: quiet().status(REQUESTED).date(0),
        Says("1", SUPERSEDED, "the status has already moved on"),
        ["2b recorded", *ARRIVED],
    ),
    Row(
        "1.5 S.8",
        "a status that the mapping does not name: nothing",
        lambda: quiet().status(Status.UNMAPPED).date(15),
        Says("1", SILENT, "“Something Else” is not in the mapping"),
        NOTHING,
    ),
    Row(
        "1.7 1.8",
        "No Refresh Requested is left over: it is cleared in the same step",
        lambda: quiet().date(15).status(DECLINED).look().later(days=31),
        Says("1", DUE, "days away"),
        LEFTOVER_CLEARED + KICKOFF,
    ),
    Row(
        "1.4 1.8",
        "the leftover is cleared once, and may be chosen again",
        lambda: quiet().date(15).status(DECLINED).look().later(days=31).look(),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.7 1.8 8.14",
        "a closing was carried out while its status stood in a word to come, since named: it is left over",
        lambda: closed_in_a_word_to_come().named_at_last(IMPLEMENTED).later(days=20),
        Says("1", DUE, "days away"),
        LEFTOVER_CLEARED + KICKOFF,
    ),
    Row(
        "1.5 8.14",
        "that word is not named yet",
        lambda: closed_in_a_word_to_come().later(days=20),
        Says("1", SILENT, "is not in the mapping"),
        NOTHING,
    ),
    Row(
        "1.6 8.11 G.2",
        "implemented before going live: the Account Manager's to empty",
        lambda: quiet().status(IMPLEMENTED).went_live().date(10),
        Says("1", SUPERSEDED, "the status has already moved on"),
        NOTHING,
    ),
    Row(
        "1.2 C.6 2a.5",
        "the decline is not carried out yet: the date still belongs to the cycle before",
        lambda: quiet().date(15).look().status(DECLINED),
        Says("1", WAITING, "handoff 2a of the cycle before comes first"),
        [*moved_to(date(2026, 12, 17)), "2a close kickoff"],
    ),
    Row(
        "1.4 1.10",
        "after 2a with a short cadence the new cycle's kickoff fired at once",
        lambda: quiet().set_cadence("Weekly").date(1).look().status(DECLINED).look(),
        Says("1", DONE, "8 days away"),
        NOTHING,
    ),
    Row(
        "1.4 C.7",
        "the CRM forgot the old dates: still no second kickoff",
        lambda: quiet().date(15).look().forget_history().later(days=1),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.7 P.2",
        "no AM: blocked, with the reason",
        lambda: quiet().nobody(AM).date(15),
        Says("1", BLOCKED, "no Account Manager is named"),
        ["1 task kickoff for None (blocked)", "1 email kickoff to None (blocked)"],
    ),
    Row(
        "1.7 P.2",
        "the AM is named later: done after all",
        lambda: quiet().nobody(AM).date(15).look().name(AM, "am"),
        Says("1", DUE, "15 days away"),
        KICKOFF,
    ),
    Row(
        "1.6 P.5 C.8",
        "blocked, and meanwhile the AM has confirmed: no kickoff any more",
        lambda: quiet().nobody(AM).date(15).look().status(REQUESTED),
        Says("1", SUPERSEDED, "moved on"),
        ["2b recorded"],
    ),
    Row(
        "1.7 P.1",
        "no AM, but a fallback in the mapping",
        lambda: Scene(mapping(fallbacks=True)).nobody(AM).date(15),
        Says("1", DUE, ""),
        ["1 task kickoff for stand-in", "1 email kickoff to stand-in"],
    ),
    Row(
        "1.7 P.1",
        "a deactivated AM falls back as well",
        lambda: Scene(mapping(fallbacks=True)).deactivate("am").date(15),
        Says("1", DUE, ""),
        ["1 task kickoff for stand-in", "1 email kickoff to stand-in"],
    ),
    Row(
        "1.7 P.3",
        "a deactivated fallback is nobody",
        lambda: Scene(mapping(fallbacks=True)).deactivate("am").deactivate("stand-in").date(15),
        Says("1", BLOCKED, "names no active fallback"),
        ["1 task kickoff for None (blocked)", "1 email kickoff to None (blocked)"],
    ),
    Row(
        "1.7 G.3",
        "a date older than going live: what is due is due",
        lambda: quiet().date(10).went_live(),
        Says("1", DUE, "10 days away"),
        KICKOFF,
    ),
    Row(
        "1.4 G.7",
        "a lost database: the task in the CRM carries the key",
        lambda: quiet().date(15).look().lose_database(),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.4 1.9 F.1 F.2",
        "the window was made smaller after a kickoff: done, although its date is out of it now",
        lambda: quiet().date(12).look().remap(mapping(window=10)),
        Says("1", DONE, "12 days away"),
        NOTHING,
    ),
    Row(
        "1.4 1.9 F.1 F.2",
        "the window was made smaller after a kickoff, and the date has come into it",
        lambda: quiet().date(12).look().remap(mapping(window=10)).later(days=4),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.4 1.9 F.2",
        "set out of the old window, come into it, and the window was made smaller",
        lambda: quiet().date(17).later(days=3).look().remap(mapping(window=10)).later(days=5),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.4 1.9 F.2",
        "moved within the old window, then the window was made smaller",
        lambda: quiet().date(5).look().date(12).remap(mapping(window=10)).later(days=4),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.7 1.9 F.2",
        "moved out of the smaller window under it: a new kickoff when it comes in again",
        lambda: quiet().date(5).look().remap(mapping(window=10)).date(12).later(days=4),
        Says("1", DUE, "8 days away"),
        KICKOFF,
    ),
    Row(
        "1.3 F.1",
        "the window was made smaller before a kickoff: it comes with the new one",
        lambda: quiet().date(16).look().remap(mapping(window=10)).later(days=1),
        Says("1", WAITING, "15 days away; the kickoff comes at 10"),
        NOTHING,
    ),
    Row(
        "1.7 F.1",
        "the window was made wider: what is due under it and was never done",
        lambda: quiet().date(25).look().remap(mapping(window=30)),
        Says("1", DUE, "25 days away"),
        KICKOFF,
    ),
    Row(
        "1.4 1.10 F.1",
        "the window was made wider: its kickoff is one, and none follows at the old distance",
        lambda: quiet().date(25).look().remap(mapping(window=30)).look().later(days=10),
        Says("1", DONE, "25 days away"),
        NOTHING,
    ),
    Row(
        "1.4 1.9 F.2",
        "the window was made wider and then smaller again: what was done in between stays done",
        lambda: quiet().date(25).look().remap(mapping(window=30)).look().remap(mapping()).later(days=12),
        Says("1", DONE, "25 days away"),
        NOTHING,
    ),
    Row(
        "1.4 1.9 F.2",
        "another time zone: what was within the window on the day of the old one",
        # 1:00 in New York is 20:00 of the day before in Honolulu, where the date is 16 days away.
        lambda: quiet().later(hours=-8).date(15).look().remap(mapping(zone="Pacific/Honolulu")).later(days=2),
        Says("1", DONE, "15 days away"),
        NOTHING,
    ),
    Row(
        "1.4 1.9 G.7 F.3",
        "a lost database, and the window was made smaller as well",
        lambda: quiet().date(12).look().remap(mapping(window=10)).lose_database().later(days=4),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.7 1.9 G.7 F.3",
        "a lost database: a date moved out of the window after the kickoff asks for another all the same",
        lambda: quiet().date(5).look().date(30).remap(mapping(window=10)).lose_database().date(7),
        Says("1", DUE, "7 days away"),
        KICKOFF,
    ),
]


ROWS = {"1": HANDOFF_1}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)
