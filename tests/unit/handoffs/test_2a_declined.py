"""Handoff 2a: the client declines."""

from datetime import date

import pytest

from mappings.vocabulary import Handoff, Status, TaskKind
from tests.builders import Scene, mapping
from tests.unit.handoffs.scenes import (
    APPROVED,
    BLOCKED,
    CONFIRM,
    COPY,
    DECLINED,
    DESIGNER,
    DONE,
    DUE,
    EMPTY,
    IMPLEMENT,
    IMPLEMENTED,
    KICKOFF,
    LEFTOVER_CLEARED,
    LEFTOVERS,
    MADE,
    NOTHING,
    REQUESTED,
    REVISE_COPY,
    SAS,
    SILENT,
    SUBMITTED,
    SUPERSEDED,
    WAITING,
    approved,
    begun,
    closed,
    declined_again,
    in_review,
    kicked_back,
    moved_to,
    moved_to_february,
    quiet,
    submitted,
    writes_of,
)
from tests.unit.handoffs.table import Row, Says, check, rows


def twice_declined_the_first_move_forgotten() -> Scene:
    """The kickoff between the two tells that the first was carried out."""
    first = quiet().date(10).look().status(DECLINED).look()
    return first.date(9).look().status(DECLINED).look().forget_dates(keep=2)


def declined_long_ago(scene: Scene, *, versions: int = 20) -> Scene:
    """So many versions of the status ago; the CRM keeps twenty."""
    for number in range(versions):
        scene.status(SUBMITTED if number % 2 else None)
    return scene.forget_history(keep=20)


HANDOFF_2A = [
    Row(
        "2a.5 2a.7",
        "declined: the date moves on, the open task is closed, nobody is told",
        lambda: quiet().date(10).look().status(DECLINED),
        Says("2a", DUE, "the client declined"),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff"],
    ),
    Row(
        "2a.12 C.14",
        "declined, and it may still be taken back: nothing yet",
        lambda: quiet().date(10).look().status(DECLINED, stands=119),
        Says("2a", WAITING, "it counts once it has stood for 2 minutes"),
        NOTHING,
    ),
    Row(
        "2a.13 C.2",
        "corrected within the settle time: a slip, and told as one",
        lambda: quiet().date(10).look().status(DECLINED, stands=14).status(EMPTY),
        Says("2a", SUPERSEDED, "changed again after 15 seconds: a slip, which ends nothing"),
        ["2a overtaken"],
    ),
    Row(
        "2a.2 C.2",
        "and once only",
        lambda: quiet().date(10).look().status(DECLINED, stands=14).status(REQUESTED).look(),
        Says("2a", SILENT, "has not declined in this cycle"),
        NOTHING,
    ),
    Row(
        "4.8 C.14",
        "a ticket made before it gets its Creative work meanwhile",
        lambda: begun().ticket("201").status(DECLINED, stands=60),
        Says("4", DUE, "came on", "201"),
        MADE,
    ),
    Row(
        "6.6 C.14",
        "a revision asked for meanwhile is answered",
        lambda: in_review().status(DECLINED, stands=60).revise("201", COPY),
        Says("6", DUE, "was asked for", "201"),
        [kicked_back(), REVISE_COPY],
    ),
    Row(
        "2a.5 C.14 2a.10",
        "a decline that counted is carried out while another closing version waits, which the switch does not empty",
        lambda: (
            Scene(mapping(clear_declined=True))
            .date(10)
            .look()
            .status(DECLINED)
            .status(REQUESTED)
            .status(DECLINED, stands=5)
        ),
        Says("2a", DUE, "the client declined"),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff", "2b recorded"],
    ),
    Row(
        "2a.5 2a.7",
        "a completed task is left alone",
        lambda: quiet().date(10).look().complete(TaskKind.KICKOFF).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2026, 12, 12)),
    ),
    Row(
        "2a.5 2a.7",
        "a deleted task is left alone",
        lambda: quiet().date(10).look().delete_task(TaskKind.KICKOFF).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2026, 12, 12)),
    ),
    Row(
        "2a.1 2a.10",
        "done once; the status stays to be seen",
        lambda: quiet().date(10).look().status(DECLINED).look(),
        Says("2a", DONE, "the client declined"),
        NOTHING,
    ),
    Row(
        "2a.5 D.1",
        "declined before the window: the date moves on from where it was",
        lambda: quiet().status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2027, 1, 12)),
    ),
    Row(
        "2a.5 D.2",
        "declined without a date: counted from today",
        lambda: quiet().date(None).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2026, 12, 2)),
    ),
    Row(
        "2a.5 D.1",
        "declined long after the date: the first that is later than today",
        lambda: quiet().date(-75).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2026, 11, 19)),
    ),
    Row(
        "2a.5 2a.10",
        "the mapping's switch has the status cleared in the same write",
        lambda: Scene(mapping(clear_declined=True)).date(10).look().status(DECLINED),
        Says("2a", DUE, ""),
        ["2a write 101: creative_refresh_date=2026-12-12, creative_refresh_status=", "2a close kickoff"],
    ),
    Row(
        "2a.5 2a.10 2a.11",
        "the switch clears a decline only, not what came after it",
        lambda: Scene(mapping(clear_declined=True)).date(10).look().status(DECLINED).status(REQUESTED),
        Says("2a", DUE, ""),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff", "2b recorded"],
    ),
    Row(
        "2a.5 2a.7",
        "declined in mid-cycle: the open tasks of portfolio and tickets are closed",
        lambda: submitted().status(DECLINED),
        Says("2a", DUE, ""),
        [
            *moved_to(date(2026, 12, 2)),
            *[
                f"2a close {kind}"
                for kind in (
                    "kickoff",
                    "create_tickets",
                    "write_copy",
                    "design_graphics",
                    "write_copy",
                    "design_graphics",
                )
            ],
        ],
    ),
    Row(
        "2a.5 2a.7 M.2",
        "a ticket that came from another portfolio is one of its tickets",
        lambda: begun().ticket("201").look().come_from_elsewhere("201").complete(TaskKind.KICKOFF).status(DECLINED),
        Says("2a", DUE, ""),
        [
            *moved_to(date(2026, 12, 2)),
            *[f"2a close {kind}" for kind in ("create_tickets", "write_copy", "design_graphics")],
        ],
    ),
    Row(
        "5.10 2a.8 S.5",
        "after it the old tickets reach Pending Approval: no SAS or Creative work, no announcement",
        lambda: submitted().status(DECLINED).look().move("201", "202"),
        Says("5", SILENT, "this cycle has no open ticket"),
        NOTHING,
    ),
    Row(
        "5.10 2a.8 S.5",
        "ready and declined before anybody looked: bypassed",
        lambda: submitted().move("201", "202").status(DECLINED),
        Says("5", SILENT, "this cycle has no open ticket"),
        [
            *moved_to(date(2026, 12, 2)),
            *[
                f"2a close {kind}"
                for kind in (
                    "kickoff",
                    "create_tickets",
                    "write_copy",
                    "design_graphics",
                    "write_copy",
                    "design_graphics",
                )
            ],
        ],
    ),
    Row(
        "4.7 2a.8 S.5",
        "a ticket made and the refresh declined before anybody looked: no Creative work",
        lambda: begun().ticket("201").status(DECLINED),
        Says("4", SUPERSEDED, "belongs to a cycle that the client declined", "201"),
        [*moved_to(date(2026, 12, 2)), "2a close kickoff", "2a close create_tickets"],
    ),
    Row(
        "4.15",
        "a lost database, and the decline is no longer among the versions of a full history: no Creative work",
        lambda: declined_long_ago(begun().ticket("201").status(DECLINED)).lose_database(),
        Says("4", SUPERSEDED, "ticket 201 “Ad 201” is older than this database", "201"),
        NOTHING,
    ),
    Row(
        "4.8 4.15",
        "the same with a history that is not full: whatever there was, it shows",
        lambda: declined_long_ago(quiet().ticket("201"), versions=19).lose_database(),
        Says("4", DUE, "ticket 201 “Ad 201” came on", "201"),
        MADE,
    ),
    Row(
        "4.8 4.15",
        "the same with the ledger that was there",
        lambda: declined_long_ago(quiet().ticket("201")),
        Says("4", DUE, "ticket 201 “Ad 201” came on", "201"),
        MADE,
    ),
    Row(
        "4.8 4.15",
        "a ticket that came after the loss",
        lambda: declined_long_ago(quiet()).lose_database().ticket("201"),
        Says("4", DUE, "ticket 201 “Ad 201” came on", "201"),
        MADE,
    ),
    Row(
        "6.22",
        "a revision asked for before the oldest version of a full history, and the database was lost: no Creative work",
        lambda: declined_long_ago(in_review().revise("201", COPY).status(DECLINED)).lose_database(),
        Says("6", SUPERSEDED, "ticket 201 “Ad 201”: its revision of", "201"),
        ["6 overtaken"],
    ),
    Row(
        "6.5 2a.8 S.5",
        "a revision asked for and the refresh declined before anybody looked: no Creative work",
        lambda: in_review().revise("201", COPY).status(DECLINED).complete(TaskKind.KICKOFF),
        Says("6", SUPERSEDED, "asked for before the client declined", "201"),
        [
            *moved_to(date(2026, 12, 2)),
            *[
                f"2a close {kind}"
                for kind in (
                    "create_tickets",
                    "write_copy",
                    "design_graphics",
                    "write_copy",
                    "design_graphics",
                    "share_deliverables",
                )
            ],
            "6 overtaken",
        ],
    ),
    Row(
        "7.1 2a.8 S.5",
        "approved and declined before anybody looked: no SAS work",
        lambda: in_review().status(APPROVED).status(DECLINED).complete(TaskKind.KICKOFF),
        Says("7", SUPERSEDED, "the status had moved on"),
        [
            *moved_to(date(2026, 12, 2)),
            *[
                f"2a close {kind}"
                for kind in (
                    "create_tickets",
                    "write_copy",
                    "design_graphics",
                    "write_copy",
                    "design_graphics",
                    "share_deliverables",
                )
            ],
            "7 overtaken",
        ],
    ),
    Row(
        "8.13 2a.9",
        "the implementation task that 2a closed is not 'implementation complete'",
        lambda: approved().status(DECLINED).look(),
        Says("8", SILENT, "not implemented in this cycle"),
        NOTHING,
    ),
    Row(
        "8.5 2a.9 7.8",
        "nor is it when the status is approved again: that belongs to the next cycle",
        lambda: approved().status(DECLINED).look().status(APPROVED),
        Says("8", WAITING, "must reach"),
        IMPLEMENT,
    ),
    Row(
        "2a.2 2a.11",
        "set to another status afterwards: the next cycle's, and the date stays moved",
        lambda: quiet().date(10).look().status(DECLINED).look().status(REQUESTED),
        Says("2a", SILENT, "has not declined in this cycle"),
        ["2b recorded"],
    ),
    Row(
        "2a.5 2a.11 C.1",
        "declined and moved on before anybody looked: the decline still counts",
        lambda: quiet().date(10).look().status(DECLINED).status(REQUESTED),
        Says("2a", DUE, "the client declined"),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff", "2b recorded"],
    ),
    Row(
        "2a.5 C.4",
        "declined again in the next cycle: again",
        lambda: quiet().date(10).look().status(DECLINED).look().later(days=30).look().status(DECLINED),
        Says("2a", DUE, "the client declined"),
        [*moved_to(date(2027, 1, 12)), "2a close kickoff"],
    ),
    Row(
        "2a.5 2a.7",
        "what stayed open in the cycle before is not this cycle's: it is left alone",
        lambda: closed().later(days=20).look().status(DECLINED),
        Says("2a", DUE, "the client declined"),
        [*moved_to(date(2027, 1, 2)), "2a close kickoff"],
    ),
    Row(
        "2a.3 C.6 8.14",
        "two cycles ended before anybody looked: one after the other",
        lambda: approved().status(IMPLEMENTED).status(EMPTY).status(DECLINED),
        Says("2a", WAITING, "handoff 8 of the cycle before comes first"),
        ["8 write 101: creative_refresh_date=2026-12-02", *LEFTOVERS, "8 close implement", *CONFIRM],
    ),
    Row(
        "2a.6 D.6 S.8",
        "an unmapped cadence: the date is blocked, the tasks are closed all the same",
        lambda: quiet().date(10).look().set_cadence("Whenever").status(DECLINED),
        Says("2a", BLOCKED, "“Whenever” is not in the mapping"),
        ["2a write 101:  (blocked)", "2a close kickoff"],
    ),
    Row(
        "2a.6 2a.11 D.6",
        "blocked, and moved to another status meanwhile: still blocked, and the new status is of the next cycle",
        lambda: quiet().date(10).look().set_cadence("Whenever").status(DECLINED).look().status(REQUESTED),
        Says("2a", BLOCKED, "“Whenever” is not in the mapping"),
        ["2a write 101:  (blocked)", "2b recorded"],
    ),
    Row(
        "2a.5 W.4 W.10",
        "the CRM refused the date: the tasks are closed all the same, and the date is tried again",
        lambda: quiet().date(10).look().refuse("write").status(DECLINED).look().refuse(),
        Says("2a", DUE, ""),
        moved_to(date(2026, 12, 12)),
    ),
    Row(
        "2a.2 S.8",
        "a status that the mapping does not name: nothing",
        lambda: quiet().date(10).look().status(Status.UNMAPPED),
        Says("2a", SILENT, "has not declined"),
        NOTHING,
    ),
    Row(
        "2a.5 D.4 D.6",
        "the cadence is mended: the date moves",
        lambda: quiet().date(10).look().set_cadence("Whenever").status(DECLINED).look().set_cadence("30"),
        Says("2a", DUE, "the client declined"),
        moved_to(date(2026, 12, 12)),
    ),
    Row(
        "1.2 2a.6 C.6",
        "blocked for a month: no kickoff on the old date",
        lambda: quiet().date(10).look().set_cadence("Whenever").status(DECLINED).look().later(days=30),
        Says("1", WAITING, "handoff 2a of the cycle before comes first"),
        ["2a write 101:  (blocked)"],
    ),
    Row(
        "2a.2 G.2 1.8",
        "a decline older than going live does nothing; the kickoff of its next cycle is due",
        lambda: quiet().date(10).status(DECLINED).went_live(),
        Says("2a", SILENT, "has not declined in this cycle"),
        LEFTOVER_CLEARED + KICKOFF,
    ),
    Row(
        "2a.5 2a.7 G.4",
        "adopted tasks are people's own and stay",
        lambda: quiet().adopt("1:101:start:0", Handoff.KICKOFF, TaskKind.KICKOFF).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2027, 1, 12)),
    ),
    Row(
        "3.3 2a.8 P.5",
        "what was blocked in the declined cycle is not done any more",
        lambda: quiet().date(10).look().nobody(SAS).date(0).look().status(DECLINED).look().name(SAS, "sas"),
        Says("3", WAITING, "the Refresh Date is"),
        NOTHING,
    ),
    Row(
        "2a.4 G.8",
        "a lost database: the history shows that the date was moved",
        lambda: quiet().date(10).look().status(DECLINED).look().lose_database(),
        Says("2a", DONE, "before this ledger began"),
        ["2a recorded"],
    ),
    Row(
        "2a.4 G.13",
        "a lost database: the CRM has forgotten the move, and the kickoff of the cycle that it began is there",
        lambda: quiet().date(10).look().status(DECLINED).look().date(9).look().forget_dates().lose_database(),
        Says("2a", DONE, "before this ledger began"),
        ["2a recorded"],
    ),
    Row(
        "2a.4 G.13",
        "a lost database: the CRM has forgotten the move for the decline before, and shows the one for this",
        lambda: twice_declined_the_first_move_forgotten().lose_database().look(),
        Says("2a", DONE, "before this ledger began"),
        ["2a recorded"],
    ),
    Row(
        "2a.5 G.13",
        "a lost database: a kickoff of the cycle that it ended tells nothing of it",
        lambda: quiet().date(10).look().forget_dates().lose_database().status(DECLINED),
        Says("2a", DUE, ""),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff"],
    ),
    Row(
        "2a.4 G.8",
        "a lost database, after the move of the date: what the decline was still to close is closed",
        lambda: quiet().date(10).look().status(DECLINED).date(40, own=True).lose_database(),
        Says("2a", DUE, "the date was moved before this ledger began"),
        ["2a close kickoff"],
    ),
    Row(
        "2a.4 2a.7 G.8",
        "a lost database: what a person has opened again since stays open",
        lambda: quiet().date(10).look().status(DECLINED).look().reopen(TaskKind.KICKOFF).lose_database(),
        Says("2a", DONE, "before this ledger began"),
        ["2a recorded"],
    ),
    Row(
        "2a.6 2a.7",
        "blocked for its cadence: what a person has opened again since stays open",
        lambda: quiet().date(10).look().set_cadence("Never").status(DECLINED).look().reopen(TaskKind.KICKOFF),
        Says("2a", BLOCKED, "is not in the mapping"),
        ["2a write 101:  (blocked)"],
    ),
    Row(
        "2a.3 8.4 P.5 2a.8",
        "a decline that waits behind an ending that is blocked: its cycle's blocked work is not done",
        lambda: (
            begun()
            .set_cadence("Never")
            .status(IMPLEMENTED)
            .status(None)
            .look()
            .nobody(DESIGNER)
            .ticket("201")
            .look()
            .status(DECLINED)
            .look()
            .name(DESIGNER, "design")
        ),
        Says("2a", WAITING, ""),
        ["8 write 101:  (blocked)", "8 close kickoff (blocked)", "8 close create_tickets (blocked)"],
    ),
    Row(
        "2a.5 2a.7 G.7",
        "a lost database: a decline after it closes the tasks made before it",
        lambda: quiet().date(10).look().lose_database().status(DECLINED),
        Says("2a", DUE, ""),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff"],
    ),
    Row(
        "2a.5 D.3 D.9",
        "months keep the day that a person chose: after 28 February comes 31 March",
        lambda: declined_again(moved_to_february(quiet())),
        Says("2a", DUE, ""),
        moved_to(date(2027, 3, 31)),
    ),
    Row(
        "2a.5 D.9",
        "a person sets the 28th by hand after the service: chosen",
        lambda: declined_again(moved_to_february(quiet()).date(38)),
        Says("2a", DUE, ""),
        moved_to(date(2027, 3, 28)),
    ),
    Row(
        "2a.5 D.9 G.8",
        "a lost database: the history shows the day that was chosen",
        lambda: declined_again(moved_to_february(quiet()).lose_database().look()),
        Says("2a", DUE, ""),
        moved_to(date(2027, 3, 31)),
    ),
    Row(
        "2a.5 D.10",
        "the CRM has forgotten the day that was chosen: the ledger remembers it",
        lambda: declined_again(moved_to_february(quiet()).forget_dates()),
        Says("2a", DUE, ""),
        moved_to(date(2027, 3, 31)),
    ),
    Row(
        "2a.5 D.10",
        "the CRM has forgotten it, and another integration has set another date: what the ledger wrote stands no more",
        lambda: declined_again(moved_to_february(quiet()).date(99, own=True).forget_dates()),  # 30 April
        Says("2a", DUE, ""),
        moved_to(date(2027, 5, 30)),
    ),
    Row(
        "2a.5 D.2 D.9 D.10",
        "a date that was cleared has no day: counted from today, today's is kept",
        lambda: declined_again(quiet().later(days=90).date(None).status(DECLINED).look()),
        Says("2a", DUE, ""),
        moved_to(date(2027, 3, 31)),
    ),
    Row(
        "2a.5 D.11",
        "a lost database, and the CRM has forgotten the day too: the date's own",
        lambda: declined_again(moved_to_february(quiet()).forget_dates().lose_database().look()),
        Says("2a", DUE, ""),
        moved_to(date(2027, 3, 28)),
    ),
    Row(
        "2a.5 D.12",
        "moved by weeks since: the day that was chosen is no longer the date's",
        lambda: declined_again(moved_to_february(quiet().set_cadence("Weekly")).set_cadence("Monthly")),
        Says("2a", DUE, ""),
        moved_to(date(2027, 3, 7)),
    ),
    Row(
        "2a.5 D.7 D.12",
        "moved off a weekend, into the next month: no month is skipped, and the day is kept",
        lambda: declined_again(moved_to_february(Scene(mapping(weekend="next")))),
        Says("2a", DUE, ""),
        moved_to(date(2027, 3, 31)),
    ),
    Row(
        "2a.5 D.7 D.12",
        "moved off a weekend under a setting that was changed since: the same",
        lambda: declined_again(with_weekends_kept(moved_to_february(Scene(mapping(weekend="next"))))),
        Says("2a", DUE, ""),
        moved_to(date(2027, 3, 31)),
    ),
]


def with_weekends_kept(scene: Scene) -> Scene:
    scene.mapping = mapping()
    return scene


ROWS = {"2a": HANDOFF_2A}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)


@pytest.mark.parametrize(
    ("cadence", "following"),
    [
        pytest.param(
            "", date(2027, 2, 28), id="empty is monthly; months take the last day where the 31st does not exist"
        ),
        pytest.param("Quarterly", date(2027, 4, 30), id="quarterly"),
        pytest.param("Weekly", date(2027, 2, 7), id="weekly"),
        pytest.param("30", date(2027, 3, 2), id="a number of days"),
    ],
)
def test_next_date_at_the_end_of_a_month(cadence: str, following: date) -> None:
    """docs/process.md D.3."""
    scene = quiet().later(days=89).date(1).later(days=1).set_cadence(cadence)  # 31 January 2027
    assert scene.today == date(2027, 1, 31)
    (write,) = writes_of(scene.status(DECLINED))
    assert write.values["creative_refresh_date"] == following.isoformat()


def test_two_cycles_that_ended_unseen_move_the_date_twice() -> None:
    scene = approved().status(IMPLEMENTED).status(EMPTY).status(DECLINED).look()
    assert [version.value for version in scene.dates[:2]] == [date(2027, 1, 2), date(2026, 12, 2)]


def test_one_move_of_the_date_stands_for_one_decline() -> None:
    """Two declines that nobody had looked at, and the database lost when the date had been moved for the first."""
    scene = quiet().date(-40).status(DECLINED).status(None).status(DECLINED).date(-10, own=True)
    scene.lose_database().look(times=2)
    assert scene.done == moved_to(date(2026, 11, 23))
