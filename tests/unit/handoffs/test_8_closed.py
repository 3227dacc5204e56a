"""Handoff 8: the cycle closes."""

from dataclasses import replace
from datetime import date

from mappings.vocabulary import EmailKind, Handoff, Role, Status, TaskKind
from sync.rules.model import CloseTask, Email, OwnTask, Write
from tests.builders import Scene, effects_of, mapping
from tests.unit.handoffs.scenes import (
    APPROVED,
    BLOCKED,
    BY_TASK,
    CONFIRM,
    DECLINED,
    DONE,
    DUE,
    EMPTY,
    IMPLEMENT,
    IMPLEMENTED,
    IN_REVIEW,
    LEFTOVERS,
    NOTHING,
    READY,
    REQUESTED,
    SILENT,
    SUBMITTED,
    SUPERSEDED,
    WAITING,
    approved,
    blocked,
    closed,
    closed_in_a_word_to_come,
    in_review,
    moved_to,
    quiet,
    reset_to,
    submitted,
)
from tests.unit.handoffs.table import Row, Says, check, rows


def blocked_and_opened_again() -> Scene:
    scene = approved().set_cadence("Whenever").status(IMPLEMENTED).look()
    return scene.complete(TaskKind.IMPLEMENT).reopen(TaskKind.IMPLEMENT)


HANDOFF_8 = [
    Row(
        "8.7",
        "the task is open: wait, whatever its status is called",
        approved,
        Says("8", WAITING, "is open"),
        NOTHING,
    ),
    Row(
        "8.10",
        "by task: completed, so the status is set",
        lambda: approved().complete(TaskKind.IMPLEMENT),
        Says("8", DUE, "is completed"),
        BY_TASK,
    ),
    Row(
        "8.12 W.5",
        "by task: the service's own Creatives Implemented closes the cycle",
        lambda: approved().complete(TaskKind.IMPLEMENT).look(),
        Says("8", DONE, "was set on"),
        NOTHING,
    ),
    Row(
        "8.3 8.16 9.1",
        "by hand: date and status in one write, the open task completed, the AM told",
        lambda: approved().status(IMPLEMENTED),
        Says("8", DUE, "was set on"),
        [*reset_to(date(2026, 12, 2)), *LEFTOVERS, "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 9.1",
        "both ways before anybody looked: one closing",
        lambda: approved().complete(TaskKind.IMPLEMENT).status(IMPLEMENTED),
        Says("8", DUE, ""),
        reset_to(date(2026, 12, 2)) + LEFTOVERS + CONFIRM,
    ),
    Row(
        "8.12 8.14 F.5",
        "it was closed while its status stood in a word to come, since named: no second closing",
        lambda: closed_in_a_word_to_come().named_at_last(IMPLEMENTED),
        Says("8", DONE, "was set on"),
        NOTHING,
    ),
    Row(
        "8.12 S.2",
        "once a closing version",
        closed,
        Says("8", DONE, "was set on"),
        NOTHING,
    ),
    Row(
        "8.1 C.6 2a.5 2a.11",
        "declined, and implemented before anybody looked: the decline comes first",
        lambda: quiet().date(10).look().status(DECLINED).status(IMPLEMENTED),
        Says("8", WAITING, "handoff 2a of the cycle before comes first"),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff"],
    ),
    Row(
        "8.3 8.15",
        "handoff 7 never seen: the closing happens too",
        lambda: in_review().status(IMPLEMENTED),
        Says("8", DUE, ""),
        reset_to(date(2026, 12, 2)) + LEFTOVERS + CONFIRM,
    ),
    Row(
        "8.3 8.14 C.2",
        "emptied before the service looked: the closing still happens, only the date is written",
        lambda: approved().status(IMPLEMENTED).status(EMPTY),
        Says("8", DUE, ""),
        ["8 write 101: creative_refresh_date=2026-12-02", *LEFTOVERS, "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 8.14 C.2",
        "emptied and moved on before the service looked: the closing still happens, the new status stays",
        lambda: approved().status(IMPLEMENTED).status(EMPTY).status(REQUESTED),
        Says("8", DUE, ""),
        ["2b recorded", "8 write 101: creative_refresh_date=2026-12-02", *LEFTOVERS, "8 close implement", *CONFIRM],
    ),
    Row(
        "8.7 C.2 8.14",
        "moved back to another status within the settle time: a slip, no closing",
        lambda: approved().status(IMPLEMENTED, stands=12).status(APPROVED),
        Says("8", WAITING, "is open"),
        ["7 overtaken", "8 overtaken"],
    ),
    Row(
        "8.19 C.2",
        "a slip is told as one",
        lambda: approved().status(IMPLEMENTED, stands=118).status(APPROVED),
        Says("8", SUPERSEDED, "changed again after 119 seconds: a slip, which ends nothing"),
        ["7 overtaken", "8 overtaken"],
    ),
    Row(
        "8.19 C.2",
        "emptied within the settle time: a slip too",
        lambda: approved().status(IMPLEMENTED, stands=12).status(EMPTY),
        Says("8", SUPERSEDED, "a slip"),
        ["8 overtaken"],
    ),
    Row(
        "8.13 C.2",
        "and once only",
        lambda: approved().status(IMPLEMENTED, stands=12).status(IN_REVIEW).look(),
        Says("8", SILENT, "not implemented in this cycle"),
        NOTHING,
    ),
    Row(
        "8.17 C.14",
        "by hand, and it may still be taken back: nothing yet",
        lambda: approved().status(IMPLEMENTED, stands=118),
        Says("8", WAITING, "it counts once it has stood for 2 minutes"),
        NOTHING,
    ),
    Row(
        "8.3 8.14 C.2",
        "moved back once it had stood for long enough: it closes, and the approval is of the next cycle",
        lambda: approved().status(IMPLEMENTED).status(APPROVED),
        Says("8", DUE, "was set on"),
        [*IMPLEMENT, "8 write 101: creative_refresh_date=2026-12-02", *LEFTOVERS, "8 close implement", *CONFIRM],
    ),
    Row(
        "8.17 C.14",
        "an older closing waits while a second one may be taken back: the reset would empty it",
        lambda: approved().status(IMPLEMENTED).status(APPROVED).status(IMPLEMENTED, stands=5),
        Says("8", WAITING, "it counts once it has stood"),
        NOTHING,
    ),
    Row(
        "8.18 C.15",
        "by task: completed a minute ago, it may still be opened again",
        lambda: approved().complete(TaskKind.IMPLEMENT, stands=60),
        Says("8", WAITING, "it counts once it has been so for 2 minutes"),
        NOTHING,
    ),
    Row(
        "8.7 C.15",
        "by task: completed by a slip, and opened again",
        lambda: approved().complete(TaskKind.IMPLEMENT, stands=60).look().reopen(TaskKind.IMPLEMENT),
        Says("8", WAITING, "is open"),
        NOTHING,
    ),
    Row(
        "8.13 C.2 8.14",
        "moved to an earlier status: a slip, no closing, no new cycle",
        lambda: in_review().status(IMPLEMENTED, stands=12).status(SUBMITTED),
        Says("8", SILENT, "not implemented in this cycle"),
        ["8 overtaken"],
    ),
    Row(
        "5.9 C.2",
        "after a slip the cycle is the same: its tickets still count",
        lambda: submitted().status(IMPLEMENTED, stands=12).status(SUBMITTED).move("201", "202"),
        Says("5", DUE, "all 2 tickets"),
        [*READY, "8 overtaken"],
    ),
    Row(
        "2a.5 C.2",
        "a slip to Creatives Implemented, then declined: one closing version, the decline",
        lambda: submitted().status(IMPLEMENTED, stands=12).status(DECLINED).complete(TaskKind.KICKOFF),
        Says("2a", DUE, ""),
        [
            *moved_to(date(2026, 12, 2)),
            *[
                f"2a close {kind}"
                for kind in ("create_tickets", "write_copy", "design_graphics", "write_copy", "design_graphics")
            ],
            "8 overtaken",
        ],
    ),
    Row(
        "8.3 8.20",
        "the switch is off: the implementation task alone",
        lambda: in_review(Scene(mapping(close_leftovers=False))).status(APPROVED).look().status(IMPLEMENTED),
        Says("8", DUE, "was set on"),
        [*reset_to(date(2026, 12, 2)), "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 8.20",
        "what a person has opened again since it was closed stays",
        lambda: approved().status(IMPLEMENTED).complete(TaskKind.KICKOFF).reopen(TaskKind.KICKOFF),
        Says("8", DUE, "was set on"),
        [*reset_to(date(2026, 12, 2)), *LEFTOVERS[1:], "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 8.20",
        "what stayed open in the cycle before is not this cycle's: it is left alone",
        lambda: (
            quiet()
            .date(0)
            .look()
            .nobody(Role.GRAPHIC_DESIGNER)
            .ticket("201")
            .look()
            .status(IMPLEMENTED)
            .look()
            .name(Role.GRAPHIC_DESIGNER, "design")
            .look()
            .ticket("202")
            .look()
            .status(IMPLEMENTED)
        ),
        Says("8", DUE, "was set on"),
        [*reset_to(date(2027, 1, 2)), "8 close write_copy", "8 close design_graphics", *CONFIRM],
    ),
    Row(
        "8.2 8.20",
        "a lost database: what is open on the portfolio itself is still closed, what is on its tickets stays",
        lambda: closed_and_lost(),
        Says("8", DUE, "reset before this ledger began"),
        ["8 close kickoff"],
    ),
    Row(
        "8.6",
        "the task was deleted: by hand only, and explain says so",
        lambda: approved().delete_task(TaskKind.IMPLEMENT),
        Says("8", WAITING, "was deleted: set “Creatives Implemented” by hand"),
        NOTHING,
    ),
    Row(
        "8.6",
        "the newest task was deleted: an older completed one does not stand in for it",
        lambda: (
            approved()
            .status(IN_REVIEW)
            .look()
            .complete(TaskKind.IMPLEMENT)
            .look()
            .status(APPROVED)
            .look()
            .delete_task(TaskKind.IMPLEMENT)
        ),
        Says("8", WAITING, "was deleted"),
        NOTHING,
    ),
    Row(
        "8.13",
        "completed while the status is another: not yet",
        lambda: approved().status(IN_REVIEW).look().complete(TaskKind.IMPLEMENT),
        Says("8", SILENT, "not implemented in this cycle"),
        NOTHING,
    ),
    Row(
        "8.10 7.6",
        "approved again with the old task open: that task closes the cycle",
        lambda: approved().status(IN_REVIEW).look().status(APPROVED).look().complete(TaskKind.IMPLEMENT),
        Says("8", DUE, "is completed"),
        BY_TASK,
    ),
    Row(
        "8.9 7.6 C.2",
        "a person set the status just before the task did, and has set it back: by hand only",
        lambda: set_by_hand_as_well().reopen(TaskKind.IMPLEMENT).status(APPROVED).look().complete(TaskKind.IMPLEMENT),
        Says("8", WAITING, "has closed a cycle already; set “Creatives Implemented” by hand"),
        NOTHING,
    ),
    Row(
        "8.4 D.6 W.4 S.8",
        "an unmapped cadence: blocked as a whole, the status stays, nobody is told",
        lambda: approved().complete(TaskKind.IMPLEMENT).set_cadence("Whenever").look(),
        Says("8", BLOCKED, "“Whenever” is not in the mapping"),
        ["8 write 101: creative_refresh_status= (blocked)", *blocked(LEFTOVERS)],
    ),
    Row(
        "8.3 D.5 D.6",
        "the cadence is mended: the whole closing",
        lambda: approved().set_cadence("Whenever").status(IMPLEMENTED).look().set_cadence(""),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 12, 2)), *LEFTOVERS, "8 close implement", *CONFIRM],
    ),
    Row(
        "8.4 C.2",
        "blocked, and moved to another status meanwhile: still blocked, and the new status is of the next cycle",
        lambda: approved().set_cadence("Whenever").status(IMPLEMENTED).look().status(APPROVED),
        Says("8", BLOCKED, "“Whenever” is not in the mapping"),
        [*IMPLEMENT, "8 write 101:  (blocked)", *blocked(LEFTOVERS), "8 close implement (blocked)"],
    ),
    Row(
        "1.2 C.6 8.4",
        "blocked, and emptied meanwhile: still blocked, no kickoff on the old date",
        lambda: approved().set_cadence("Whenever").status(IMPLEMENTED).look().status(EMPTY),
        Says("1", WAITING, "handoff 8 of the cycle before comes first"),
        ["8 write 101:  (blocked)", *blocked(LEFTOVERS), "8 close implement (blocked)"],
    ),
    Row(
        "8.3 W.4 W.10",
        "the CRM refused the reset: task and email wait for it",
        lambda: approved().refuse("write").status(IMPLEMENTED).look().refuse(),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 12, 2)), *LEFTOVERS, "8 close implement", *CONFIRM],
    ),
    Row(
        "8.11 G.2",
        "older than going live",
        lambda: in_review().status(APPROVED).status(IMPLEMENTED).went_live(),
        Says("8", SILENT, "closed before going live"),
        NOTHING,
    ),
    Row(
        "8.10 G.4",
        "by an adopted task",
        lambda: (
            quiet()
            .status(APPROVED)
            .went_live()
            .adopt("7:101:0", Handoff.APPROVED, TaskKind.IMPLEMENT)
            .complete(TaskKind.IMPLEMENT)
        ),
        Says("8", DUE, "is completed"),
        BY_TASK,
    ),
    Row(
        "8.3 8.16",
        "by hand: an adopted task is somebody's own and stays",
        lambda: (
            quiet()
            .status(APPROVED)
            .went_live()
            .adopt("7:101:0", Handoff.APPROVED, TaskKind.IMPLEMENT)
            .status(IMPLEMENTED)
        ),
        Says("8", DUE, ""),
        reset_to(date(2027, 1, 12)) + CONFIRM,
    ),
    Row(
        "8.5",
        "no task of handoff 7 in this cycle: by hand only",
        lambda: quiet().status(APPROVED).went_live(),
        Says("8", WAITING, "the status must reach “Creatives Implemented”"),
        NOTHING,
    ),
    Row(
        "8.2 G.8",
        "a lost database: the history shows the reset",
        lambda: closed().lose_database(),
        Says("8", DONE, "reset before this ledger began"),
        ["8 recorded"],
    ),
    Row(
        "8.2 G.13",
        "a lost database: the CRM has forgotten the reset, and the kickoff of the cycle that it began is there",
        lambda: approved().status(IMPLEMENTED).look().date(9).look().forget_dates().lose_database(),
        Says("8", DONE, "reset before this ledger began"),
        ["8 recorded"],
    ),
    Row(
        "8.3 G.13",
        "a lost database: the second closing is still to be carried out",
        lambda: closed_again_unseen().lose_database().look(),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 12, 11)), "8 close kickoff", *CONFIRM],
    ),
    Row(
        "8.10 G.7",
        "a lost database: the task made before it still closes the cycle",
        lambda: approved().lose_database().complete(TaskKind.IMPLEMENT),
        Says("8", DUE, "is completed"),
        BY_TASK,
    ),
    Row(
        "1.4 1.10",
        "a short cadence: the new cycle's kickoff fired at once",
        lambda: approved().set_cadence("Weekly").status(IMPLEMENTED).look(),
        Says("1", DONE, "7 days away"),
        NOTHING,
    ),
    Row(
        "8.13 S.8",
        "a status that the mapping does not name: nothing",
        lambda: approved().status(Status.UNMAPPED).complete(TaskKind.IMPLEMENT),
        Says("8", SILENT, ""),
        NOTHING,
    ),
    Row(
        "8.3 D.3 D.9",
        "months keep the day that a person chose: after 28 February comes 31 March",
        lambda: approved_in_february().status(IMPLEMENTED),
        Says("8", DUE, ""),
        [*reset_to(date(2027, 3, 31)), "8 close kickoff", "8 close create_tickets", "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 D.9",
        "a person sets the 28th by hand after the service: chosen",
        lambda: approved_in_february().date(0).status(IMPLEMENTED),
        Says("8", DUE, ""),
        [*reset_to(date(2027, 3, 28)), "8 close kickoff", "8 close create_tickets", "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 D.10",
        "the CRM has forgotten the day that was chosen: the ledger remembers it",
        lambda: approved_in_february().forget_dates().status(IMPLEMENTED),
        Says("8", DUE, ""),
        [*reset_to(date(2027, 3, 31)), "8 close kickoff", "8 close create_tickets", "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 D.3 D.9 G.7",
        "a lost database: the history shows the day that was chosen",
        lambda: approved_in_february().lose_database().look().status(IMPLEMENTED),
        Says("8", DUE, ""),
        [*reset_to(date(2027, 3, 31)), "8 close kickoff", "8 close create_tickets", "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 D.11 G.7",
        "a lost database, and the CRM has forgotten the day too: the date's own",
        lambda: approved_in_february().forget_dates().lose_database().look().status(IMPLEMENTED),
        Says("8", DUE, ""),
        [*reset_to(date(2027, 3, 28)), "8 close kickoff", "8 close create_tickets", "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 D.2",
        "implemented without a date: counted from today",
        lambda: approved().date(None).status(IMPLEMENTED),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 12, 2)), *LEFTOVERS, "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 D.1",
        "implemented long after the date: the first that is later than today",
        lambda: approved().date(-75).status(IMPLEMENTED),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 11, 19)), *LEFTOVERS, "8 close implement", *CONFIRM],
    ),
    Row(
        "8.3 8.16",
        "by hand, and the implementation task was deleted: it is left alone",
        lambda: approved().delete_task(TaskKind.IMPLEMENT).status(IMPLEMENTED),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 12, 2)), *LEFTOVERS, *CONFIRM],
    ),
    Row(
        "8.3 8.16 D.6",
        "blocked for its cadence: what a person has opened again since stays open",
        lambda: blocked_and_opened_again().set_cadence("Monthly"),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 12, 2)), *LEFTOVERS, *CONFIRM],
    ),
]


def closed_and_lost() -> Scene:
    """Two of the tasks were not closed when the database was lost."""
    scene = closed()
    for task in (scene.newest_task(TaskKind.KICKOFF), scene.newest_task(TaskKind.WRITE_COPY)):
        scene.tasks[task] = OwnTask(task, exists=True, completed=False)
    return scene.lose_database()


def set_by_hand_as_well() -> Scene:
    """The task is completed, and just before the service sets the status a person does: the service's write changes nothing."""
    scene = approved().complete(TaskKind.IMPLEMENT)
    before, by_task = list(scene.statuses), scene.decide()
    scene.look()
    by_hand = replace(next(v for v in scene.statuses if v.value is IMPLEMENTED), own=False)
    scene.statuses = [by_hand, *before]
    scene.closings.clear()
    kept = {occurrence.key for occurrence in by_task.occurrences}
    scene.recorded = {k: one for k, one in scene.recorded.items() if k in kept or one.handoff is not Handoff.CLOSE}
    return scene


def closed_again_unseen() -> Scene:
    """The first cycle was closed, the second one kicked off; the date's moves are forgotten, and it is closed again."""
    return approved().status(IMPLEMENTED).look().date(9).look().forget_dates().status(IMPLEMENTED)


def approved_in_february() -> Scene:
    """Chosen was 31 January 2027; a closing has moved it to 28 February, and on that day the client approves again."""
    scene = quiet().later(days=90).date(0).look().status(APPROVED).look().status(IMPLEMENTED).look()
    return scene.later(days=28).look().status(APPROVED).look()


ROWS = {"8": HANDOFF_8}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)


def test_8_reset_is_one_write_and_9_waits_for_it() -> None:
    decision = approved().status(IMPLEMENTED).decide()
    closing = next(o for o in decision.occurrences if o.handoff is Handoff.CLOSE)
    write, *leftovers, close = closing.effects
    assert isinstance(write, Write)
    assert write.values == {"creative_refresh_date": "2026-12-02", "creative_refresh_status": ""}
    assert isinstance(close, CloseTask)
    (email,) = (e for e in effects_of(decision) if isinstance(e, Email) and e.kind is EmailKind.REFRESH_LIVE)
    assert close.after == email.after == closing.effect_key(write)
    assert close.reason == "“Creatives Implemented” was set on Mon 2 Nov 2026 09:00"
    assert [one.after for one in leftovers if isinstance(one, CloseTask)] == [close.after] * len(LEFTOVERS)
    assert isinstance(leftovers[0], CloseTask)
    assert leftovers[0].reason == f"this refresh is completed, {close.reason}"
    assert email.variables["next_date"] == "2026-12-02"
