"""Records that were merged: whose versions count, and what was done for either."""

from datetime import date, timedelta

from mappings.vocabulary import Role, Stage, TaskKind
from sync.rules.model import OwnTask
from tests.builders import Scene, mapping
from tests.unit.handoffs.scenes import (
    ANNOUNCE_AGAIN,
    APPROVED,
    BY_TASK,
    CONFIRM,
    COPY,
    DECLINED,
    DONE,
    DUE,
    EMPTIED,
    GRAPHIC,
    IMPLEMENT,
    IMPLEMENTED,
    KICKOFF,
    MADE,
    NOTHING,
    READY,
    REQUESTED,
    SILENT,
    SUBMITTED,
    SUPERSEDED,
    WAITING,
    approved,
    begun,
    in_review,
    quiet,
    reset_to,
    submitted,
)
from tests.unit.handoffs.table import Row, Says, check, rows


def other() -> Scene:
    """Another portfolio, of the same people, some hours before; nothing of the two falls into one moment."""
    return Scene(now=Scene().now - timedelta(hours=5, milliseconds=-500))


def other_approved() -> Scene:
    return other().date(0).look().status(SUBMITTED).status(APPROVED).look()


def merged_tickets() -> Scene:
    """Both were announced; the second was sent back, and its copywriter has a task."""
    scene = in_review().revise("202", COPY).look()
    return scene.put("201", Stage.IN_PROGRESS).move("201").look().absorb_ticket("201", "202")


def emptied_before() -> Scene:
    """The same, and the first had been sent back for the same before, then for more, and come back."""
    first = in_review().revise("201", COPY).look().revise("201", GRAPHIC).look().move("201").look(times=2)
    scene = first.revise("202", COPY).look()
    return scene.put("201", Stage.IN_PROGRESS).move("201").look().absorb_ticket("201", "202")


def closed_outside() -> Scene:
    """Implemented, and taken back, outside of the condition; then confirmed. Whose condition held when no history tells."""
    scene = quiet().date(10).look().leave().status(IMPLEMENTED).status(None).come_back().status(REQUESTED).look()
    scene.absorb(other())
    scene.outside = ()
    return scene


def revision_taken_over() -> Scene:
    """The other ticket's revision has its task; the primary's was emptied after that, before it was looked at."""
    asked = in_review().revise("202", COPY).look().revise("201", COPY, None).look()
    return asked.absorb_ticket("201", "202")


def approvals_own_task_deleted() -> Scene:
    """The other one's was completed after the merge; the approval that has come since had a task of its own."""
    scene = submitted().absorb(other_approved()).complete(TaskKind.IMPLEMENT, None)
    before = set(scene.task_kinds)
    scene = scene.status(APPROVED).look()
    (own,) = (task for task in scene.task_kinds.keys() - before if scene.task_kinds[task] == TaskKind.IMPLEMENT)
    scene.tasks[own] = OwnTask(own, exists=False, completed=False)
    return scene.later(minutes=3)


def primarys_task_completed() -> Scene:
    scene = approved()
    mine = scene.newest_task(TaskKind.IMPLEMENT)
    return scene.absorb(other_approved()).complete(TaskKind.IMPLEMENT, mine)


def designer_missing(waits: str, has: str) -> Scene:
    """Of two tickets one has both of its tasks, the other one is still to get its designer's."""
    return begun().ticket(has).look().nobody(Role.GRAPHIC_DESIGNER).ticket(waits).look()


MERGED = [
    Row(
        "1.4 M.6 M.7",
        "both were kicked off: no kickoff again",
        lambda: quiet().date(10).look().absorb(other().date(12).look()),
        Says("1", DONE, "10 days away"),
        NOTHING,
    ),
    Row(
        "1.7 1.9 M.7",
        "moved out of the window and back after the merge: a new kickoff",
        lambda: quiet().date(10).look().absorb(other().date(12).look()).date(30).date(9),
        Says("1", DUE, "9 days away"),
        KICKOFF,
    ),
    Row(
        "1.4 M.8",
        "a date of the other one, out of the window, is no date of the primary's",
        lambda: quiet().date(10).look().absorb(other().later(hours=6).date(40).look()),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.7 M.10",
        "the other one was kicked off for another date: the primary's own comes",
        lambda: quiet().absorb(other().date(12).look()).date(8),
        Says("1", DUE, ""),
        KICKOFF,
    ),
    Row(
        "1.4 M.8 M.10",
        "the primary had no date: the other one's was kicked off",
        lambda: quiet().date(None).forget_dates(keep=0).absorb(other().date(12).look()),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "1.4 M.10 M.14",
        "the same after a lost database",
        lambda: quiet().date(None).forget_dates(keep=0).absorb(other().date(12).look(), known=False).lose_database(),
        Says("1", DONE, ""),
        NOTHING,
    ),
    Row(
        "2a.2 M.9",
        "a decline of the other one that was carried out ends nothing",
        lambda: (
            quiet().date(10).look().status(REQUESTED).look().absorb(other().date(12).look().status(DECLINED).look())
        ),
        Says("2a", SILENT, ""),
        NOTHING,
    ),
    Row(
        "2a.2 M.8 M.9",
        "nor does one that a pass had seen and could not carry out, though its value stands now",
        lambda: quiet().date(10).look().absorb(other().set_cadence("Seldom").date(12).look().status(DECLINED).look()),
        Says("2a", SILENT, ""),
        NOTHING,
    ),
    Row(
        "2a.5 M.8",
        "a decline that nobody knows whose it was counts, as it led to the value that stands",
        lambda: quiet().look().absorb(other().look().status(DECLINED), known=False),
        Says("2a", DUE, ""),
        ["2a write 101: creative_refresh_date=2027-01-12"],
    ),
    Row(
        "2a.5 2a.7 M.9",
        "after the merge a decline closes what was open of both",
        lambda: quiet().date(10).look().absorb(other().date(12).look()).status(DECLINED),
        Says("2a", DUE, ""),
        ["2a write 101: creative_refresh_date=2026-12-12", "2a close kickoff", "2a close kickoff"],
    ),
    Row(
        "2a.5 2a.7 M.9",
        "but not what was open of a cycle of the other one that had ended",
        lambda: (
            quiet()
            .date(10)
            .look()
            .absorb(other().date(12).look().status(IMPLEMENTED).look().reopen(TaskKind.KICKOFF))
            .status(DECLINED)
        ),
        Says("2a", DUE, ""),
        ["2a write 101: creative_refresh_date=2026-12-12", "2a close kickoff"],
    ),
    Row(
        "2a.5 2a.7 M.9",
        "one from before the merge, carried out only now, closes what was open of both",
        lambda: quiet().date(10).look().status(DECLINED).absorb(other().date(12).look()),
        Says("2a", DUE, ""),
        ["2a write 101: creative_refresh_date=2026-12-12", "2a close kickoff", "2a close kickoff"],
    ),
    Row(
        "2a.5 2a.7 M.9",
        "but not what the other one got since the client declined",
        lambda: quiet().date(10).look().status(DECLINED).absorb(other().later(hours=6).date(12).look()),
        Says("2a", DUE, ""),
        ["2a write 101: creative_refresh_date=2026-12-12", "2a close kickoff"],
    ),
    Row(
        "8.3 8.16 8.20 M.12",
        "so is a closing, and with leftovers off the implementation tasks of both are completed",
        lambda: (
            in_review(Scene(mapping(close_leftovers=False)))
            .status(APPROVED)
            .look()
            .status(IMPLEMENTED)
            .absorb(other_approved())
        ),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 12, 2)), "8 close implement", "8 close implement", *CONFIRM],
    ),
    Row(
        "3.7 M.10",
        "an open task of the other one does for the primary's date",
        lambda: quiet().date(2).look().absorb(other().date(0).look()).later(days=2),
        Says("3", SUPERSEDED, "still open"),
        ["3 overtaken"],
    ),
    Row(
        "6.7 6.12 M.8",
        "a value that the primary took from the other one is emptied once it was answered, though it had emptied its own since",
        lambda: revision_taken_over().put("201", Stage.IN_PROGRESS).look().move("201"),
        Says("6", DUE, "Needs Revisions is emptied", "201"),
        [*ANNOUNCE_AGAIN, "6 write 201: needs_revisions="],
    ),
    Row(
        "4.2 M.7",
        "tickets that were merged get no tasks again",
        lambda: begun().ticket("201").ticket("202").look().absorb_ticket("201", "202"),
        Says("4", DONE, "", "201"),
        NOTHING,
    ),
    Row(
        "4.8 M.7",
        "a ticket that comes after the merge gets its own",
        lambda: begun().ticket("201").ticket("202").look().absorb_ticket("201", "202").ticket("203", "Other"),
        Says("4", DUE, "", "203"),
        MADE,
    ),
    Row(
        "4.2 4.9 M.7",
        "what waited for a person on one ticket was made on the other: it is not made again",
        lambda: designer_missing("201", "202").absorb_ticket("201", "202").name(Role.GRAPHIC_DESIGNER, "design"),
        Says("4", DONE, "", "201"),
        NOTHING,
    ),
    Row(
        "4.2 4.9 M.7",
        "nor is it where the primary has it, and the other one waits",
        lambda: designer_missing("202", "201").absorb_ticket("201", "202").name(Role.GRAPHIC_DESIGNER, "design"),
        Says("4", DONE, "", "201"),
        NOTHING,
    ),
    Row(
        "4.2 4.9 M.7",
        "it waits on both: it is made once",
        lambda: (
            begun()
            .nobody(Role.GRAPHIC_DESIGNER)
            .ticket("201")
            .ticket("202")
            .look()
            .absorb_ticket("201", "202")
            .name(Role.GRAPHIC_DESIGNER, "design")
        ),
        Says("4", DONE, "", "201"),
        ["4 task:design_graphics → design"],
    ),
    Row(
        "4.2 4.12 M.7 M.14",
        "after a lost database one task is found on each: none is made again",
        lambda: (
            begun()
            .nobody(Role.GRAPHIC_DESIGNER)
            .ticket("201")
            .look()
            .nobody(Role.COPYWRITER)
            .ticket("202", owners={Role.GRAPHIC_DESIGNER: "design"})
            .look()
            .absorb_ticket("201", "202")
            .name(Role.COPYWRITER, "copy")
            .name(Role.GRAPHIC_DESIGNER, "design")
            .lose_database()
        ),
        Says("4", DONE, "", "201"),
        NOTHING,
    ),
    Row(
        "5.6 M.11",
        "an announced set of merged tickets is announced",
        lambda: in_review().absorb_ticket("201", "202"),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.6 M.11",
        "a set that the other one announced in a cycle since ended is announced",
        lambda: quiet().date(40).absorb(in_review(other()).status(APPROVED).look().status(IMPLEMENTED).look()),
        Says("5", DONE, "all 2 tickets of Ad Set"),
        NOTHING,
    ),
    Row(
        "5.9 M.11",
        "a ticket of it that comes back into Pending Approval is new",
        lambda: (
            quiet()
            .date(40)
            .absorb(in_review(other()).status(APPROVED).look().status(IMPLEMENTED).look())
            .put("201", Stage.IN_PROGRESS)
            .move("201")
        ),
        Says("5", DUE, "all 2 tickets of Ad Set"),
        READY,
    ),
    Row(
        "5.9 M.11",
        "a ticket that is merged away holds up its set no more",
        lambda: submitted().move("201").look().absorb_ticket("201", "202"),
        Says("5", DUE, ""),
        READY,
    ),
    Row(
        "6.3 M.8 M.13",
        "a revision that the ticket took from the other one is answered, and not emptied by the merge",
        merged_tickets,
        Says("6", DONE, "", "201"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "7.8 M.9 M.12",
        "an ending of before the merge has closed the other one's task: a new approval gets its own",
        lambda: approved().status(IMPLEMENTED).absorb(other_approved()).look().status(APPROVED),
        Says("7", DUE, "the client approved"),
        IMPLEMENT,
    ),
    Row(
        "8.7 M.9 M.12",
        "nor does that task, which the service has completed, close the next cycle",
        lambda: approved().status(IMPLEMENTED).absorb(other_approved()).status(APPROVED).look().later(hours=1),
        Says("8", WAITING, "is open"),
        NOTHING,
    ),
    Row(
        "8.13 M.8 W.7",
        "what came and went outside of the condition before the merge ends no cycle after it",
        closed_outside,
        Says("8", SILENT, "not implemented in this cycle"),
        NOTHING,
    ),
    Row(
        "6.3 M.6 M.13",
        "the primary had the same value once, answered and emptied: what stands is the other one's",
        emptied_before,
        Says("6", DONE, "", "201"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "6.7 M.13",
        "it is emptied once the ticket has come back",
        lambda: merged_tickets().put("201", Stage.IN_PROGRESS).move("201"),
        Says("6", DUE, "", "201"),
        [*ANNOUNCE_AGAIN, EMPTIED],
    ),
    Row(
        "7.6 M.12",
        "a new approval while the other one's task is open: no second task",
        lambda: submitted().absorb(other_approved()).status(APPROVED),
        Says("7", SUPERSEDED, "still open"),
        ["7 overtaken"],
    ),
    Row(
        "7.5 M.8",
        "the approval that the merge has written again is no new one",
        lambda: approved().absorb(other().later(hours=6).date(12).look().status(SUBMITTED).look()),
        Says("7", DONE, ""),
        NOTHING,
    ),
    Row(
        "8.10 M.12",
        "the primary's is completed after the merge",
        primarys_task_completed,
        Says("8", DUE, "is completed"),
        BY_TASK,
    ),
    Row(
        "8.7 M.12",
        "both implementation tasks are open",
        lambda: approved().absorb(other_approved()),
        Says("8", WAITING, "is open"),
        NOTHING,
    ),
    Row(
        "8.10 M.12",
        "the other one's is completed after the merge",
        lambda: approved().absorb(other_approved()).complete(TaskKind.IMPLEMENT, None),
        Says("8", DUE, "is completed"),
        BY_TASK,
    ),
    Row(
        "8.7 7.6 M.12",
        "the other one's was completed after the merge, and an approval has come since for which the primary's open one does",
        lambda: (
            approved()
            .absorb(other_approved())
            .status(SUBMITTED)
            .complete(TaskKind.IMPLEMENT, None)
            .later(minutes=3)
            .status(APPROVED)
            .look()
        ),
        Says("8", WAITING, "is open"),
        NOTHING,
    ),
    Row(
        "8.7 M.12",
        "the other one's was completed after the merge, and an approval has come since that has a task of its own",
        lambda: (
            submitted()
            .absorb(other_approved())
            .complete(TaskKind.IMPLEMENT, None)
            .status(APPROVED)
            .look()
            .later(minutes=3)
        ),
        Says("8", WAITING, "is open"),
        NOTHING,
    ),
    Row(
        "8.7 M.12",
        "the same, and that task was deleted",
        approvals_own_task_deleted,
        Says("8", WAITING, "was deleted"),
        NOTHING,
    ),
    Row(
        "8.7 M.12",
        "the other one's was completed before the merge, for another status",
        lambda: approved().absorb(other_approved().status(SUBMITTED).complete(TaskKind.IMPLEMENT)),
        Says("8", WAITING, "is open"),
        NOTHING,
    ),
]


ROWS = {"merged": MERGED}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)
