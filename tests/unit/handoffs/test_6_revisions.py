"""Handoff 6: the client wants revisions."""

from dataclasses import replace
from datetime import timedelta

from mappings.vocabulary import Revision, Stage, TaskKind
from sync.rules.model import NewTask, Write
from tests.builders import Scene, effects_of, mapping
from tests.unit.handoffs.scenes import (
    ANNOUNCE_AGAIN,
    BLOCKED,
    BOTH,
    CLOSE_COPY,
    COPY,
    DECLINED,
    DESIGNER,
    DONE,
    DUE,
    EMPTIED,
    GRAPHIC,
    IMPLEMENTED,
    NOTHING,
    PENDING,
    REVISE_COPY,
    REVISE_GRAPHICS,
    SILENT,
    WAITING,
    WRITER,
    again,
    begun,
    closed,
    in_review,
    in_revision,
    kicked_back,
    submitted,
    tasks_of,
    writes_of,
)
from tests.unit.handoffs.table import Row, Says, check, rows

HANDOFF_6 = [
    Row(
        "6.6 6.9 6.10",
        "copy: back to In Progress, copy approval reset, a task for the Copywriter, in one write",
        lambda: in_review().approve("201").revise("201", COPY),
        Says("6", DUE, "“Copy Revisions Only” was asked for", "201"),
        [kicked_back("copy"), REVISE_COPY],
    ),
    Row(
        "6.6 6.9 6.10",
        "graphic: graphic approval reset, a task for the Graphic Designer",
        lambda: in_review().approve("201").revise("201", GRAPHIC),
        Says("6", DUE, "", "201"),
        [kicked_back("graphic"), REVISE_GRAPHICS],
    ),
    Row(
        "6.6 6.9 6.10",
        "both: both reset, both tasks",
        lambda: in_review().approve("201").revise("201", BOTH),
        Says("6", DUE, "", "201"),
        [kicked_back("copy", "graphic"), REVISE_COPY, REVISE_GRAPHICS],
    ),
    Row(
        "6.6 6.10",
        "an approval that is empty already is not written",
        lambda: in_review().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
    ),
    Row(
        "6.3 S.2",
        "once a version",
        lambda: in_revision(COPY),
        Says("6", DONE, "", "201"),
        NOTHING,
    ),
    Row(
        "6.7 6.12 5.14 6.14",
        "back in Pending Approval: Needs Revisions is emptied, and the set is announced again",
        lambda: in_revision(COPY).complete(TaskKind.REVISE_COPY).approve("201").move("201"),
        Says("6", DUE, "Needs Revisions is emptied", "201"),
        [*ANNOUNCE_AGAIN, EMPTIED],
    ),
    Row(
        "6.3 6.12",
        "emptied once",
        lambda: in_revision(COPY).complete(TaskKind.REVISE_COPY).move("201").look(),
        Says("6", DONE, "Copy Revisions Only"),
        NOTHING,
    ),
    Row(
        "6.6 6.9",
        "the same value a second time is a second round",
        lambda: in_revision(COPY).complete(TaskKind.REVISE_COPY).approve("201").move("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back("copy"), REVISE_COPY],
    ),
    Row(
        "6.6 6.9",
        "set again while in progress, the task completed meanwhile: a second round",
        lambda: in_revision(COPY).complete(TaskKind.REVISE_COPY).approve("201").revise("201", COPY),
        Says("6", DUE, "", "201"),
        ["6 write 201: copy_approval=", REVISE_COPY],
    ),
    Row(
        "6.6 6.9",
        "set again after the task was deleted: made again, for the same round, and nothing is reset",
        lambda: in_revision(COPY).delete_task(TaskKind.REVISE_COPY).approval("201", WRITER, "QA").revise("201", COPY),
        Says("6", DUE, "", "201"),
        [REVISE_COPY],
    ),
    Row(
        "6.3 W.9",
        "the task was deleted: not made again for the same version",
        lambda: in_revision(COPY).delete_task(TaskKind.REVISE_COPY),
        Says("6", DONE, "", "201"),
        NOTHING,
    ),
    Row(
        "6.6 6.9 6.16",
        "set again before it was delivered: the same round, no second task, and nothing is reset again",
        lambda: in_revision(COPY).revise("201", COPY, note=""),
        Says("6", DUE, "", "201"),
        ["6 recorded"],
    ),
    Row(
        "6.6 6.9 6.16",
        "set again, and then delivered before anybody looked: the round that it belongs to is done",
        lambda: in_revision(COPY).revise("201", COPY).complete(TaskKind.REVISE_COPY),
        Says("6", DUE, "", "201"),
        ["6 recorded"],
    ),
    Row(
        "6.6 6.16",
        "the task ticked, and nothing else: a second round",
        lambda: in_revision(COPY).complete(TaskKind.REVISE_COPY).revise("201", COPY),
        Says("6", DUE, "", "201"),
        [REVISE_COPY],
    ),
    Row(
        "6.6 6.16",
        "approved after it was set again: one round",
        lambda: in_revision(COPY).revise("201", COPY, note="").approve("201"),
        Says("6", DUE, "", "201"),
        ["6 recorded"],
    ),
    Row(
        "6.6 6.16 6.17",
        "approved and moved, no task ticked: a second round, and the task of the first is closed",
        lambda: in_revision(COPY).approve("201").move("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back("copy"), REVISE_COPY, CLOSE_COPY],
    ),
    Row(
        "6.6 6.16 6.17",
        "approved without a move: a second round",
        lambda: in_revision(COPY).approve("201", WRITER).revise("201", COPY),
        Says("6", DUE, "", "201"),
        ["6 write 201: copy_approval=", REVISE_COPY, CLOSE_COPY],
    ),
    Row(
        "6.6 6.16 6.17 6.10",
        "moved without an approval: a second round",
        lambda: in_revision(COPY).move("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY, CLOSE_COPY],
    ),
    Row(
        "6.6 6.16 6.17",
        "a third round and a fourth: each closes the task before it, and no other",
        lambda: again(again(in_revision(COPY))).approve("201").move("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back("copy"), REVISE_COPY, CLOSE_COPY],
    ),
    Row(
        "6.6 6.16",
        "copy, delivered, then graphic: the designer's first round, and the copywriter's task is let be",
        lambda: in_revision(COPY).approve("201").move("201").look().revise("201", GRAPHIC),
        Says("6", DUE, "", "201"),
        [kicked_back("graphic"), REVISE_GRAPHICS],
    ),
    Row(
        "6.6 6.16 6.17",
        "both, and one of them has delivered: a new round for that one alone",
        lambda: in_revision(BOTH).approve("201", WRITER).revise("201", BOTH),
        Says("6", DUE, "", "201"),
        ["6 write 201: copy_approval=", REVISE_COPY, "6 line revise_graphics", CLOSE_COPY],
    ),
    Row(
        "6.6 6.16 6.17",
        "both, delivered, and both again",
        lambda: in_revision(BOTH).approve("201").move("201").look().revise("201", BOTH),
        Says("6", DUE, "", "201"),
        [kicked_back("copy", "graphic"), REVISE_COPY, REVISE_GRAPHICS, CLOSE_COPY, "6 close revise_graphics"],
    ),
    Row(
        "6.6 6.16",
        "the other role's approval delivers nothing",
        lambda: in_revision(COPY).approve("201", DESIGNER).revise("201", COPY),
        Says("6", DUE, "", "201"),
        ["6 line revise_copy"],
    ),
    Row(
        "6.6 6.16 6.17",
        "the task of the round before was opened again since: it stays",
        lambda: (
            in_revision(COPY)
            .approve("201")
            .complete(TaskKind.REVISE_COPY)
            .revise("201", COPY)
            .reopen(TaskKind.REVISE_COPY)
        ),
        Says("6", DUE, "", "201"),
        ["6 write 201: copy_approval=", REVISE_COPY],
    ),
    Row(
        "6.6 6.16",
        "two rounds that nobody had looked at: the first is over, and gets no task any more",
        lambda: in_review().revise("201", COPY).approve("201").move("201").revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), kicked_back("copy"), REVISE_COPY],
    ),
    Row(
        "6.6 6.17 P.2",
        "the next round while the Copywriter is missing: that of the round before is waited for no longer",
        lambda: (
            in_review()
            .nobody(WRITER)
            .revise("201", COPY)
            .look()
            .move("201")
            .look()
            .revise("201", COPY)
            .name(WRITER, "copy")
        ),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
    ),
    Row(
        "6.6 6.9",
        "a round that widens adds only the missing role",
        lambda: in_revision(COPY).approve("201", DESIGNER).revise("201", BOTH, note=""),
        Says("6", DUE, "", "201"),
        ["6 write 201: graphic_approval=", REVISE_GRAPHICS],
    ),
    Row(
        "6.6 6.9",
        "widened before anybody looked: one task for each role",
        lambda: in_review().approve("201").revise("201", COPY, BOTH),
        Says("6", DUE, "", "201"),
        [kicked_back("copy"), REVISE_COPY, kicked_back("graphic"), REVISE_GRAPHICS],
    ),
    Row(
        "6.6",
        "a version that was overwritten before it was seen still counts",
        lambda: in_review().approve("201").revise("201", COPY, GRAPHIC),
        Says("6", DUE, "", "201"),
        [kicked_back("copy"), REVISE_COPY, kicked_back("graphic"), REVISE_GRAPHICS],
    ),
    Row(
        "6.6",
        "so does one that was emptied before it was seen",
        lambda: in_review().approve("201").revise("201", COPY, None),
        Says("6", DUE, "Copy Revisions Only", "201"),
        [kicked_back("copy"), REVISE_COPY],
    ),
    Row(
        "6.6 6.9",
        "a round that narrows: only the role whose task was completed",
        lambda: in_revision(BOTH).approve("201").complete(TaskKind.REVISE_COPY).revise("201", COPY),
        Says("6", DUE, "", "201"),
        ["6 write 201: copy_approval=", REVISE_COPY],
    ),
    Row(
        "6.6 6.10",
        "the open task stands, but the ticket is kicked back all the same",
        lambda: in_revision(COPY).move("201", to=Stage.OTHER).look().revise("201", COPY, note=""),
        Says("6", DUE, "", "201"),
        [kicked_back()],
    ),
    Row(
        "6.6 6.12 W.10",
        "set while in Pending Approval and not kicked back yet: not emptied",
        lambda: in_review().approve("201").revise("201", COPY).refuse("write").look(),
        Says("6", DUE, "", "201"),
        [kicked_back("copy")],
    ),
    Row(
        "6.2 S.8",
        "a value outside the three is reported, and nothing is written",
        lambda: in_review().revise("201", Revision.UNMAPPED),
        Says("6", BLOCKED, "Needs Revisions is “Other Revisions”, which the mapping does not name", "201"),
        NOTHING,
    ),
    Row(
        "6.6",
        "whatever the ticket's stage",
        lambda: begun().ticket("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
    ),
    Row(
        "6.6 6.10",
        "already in progress: a task, nothing to write",
        lambda: begun().ticket("201", stage=Stage.IN_PROGRESS).look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [REVISE_COPY],
    ),
    Row(
        "6.6 6.10",
        "a closed ticket is reopened",
        lambda: in_review().close("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
    ),
    Row(
        "6.6",
        "whatever the ticket's cycle: a person asked for it",
        lambda: closed().look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
    ),
    Row(
        "6.6",
        "even after a decline: a person asked for it",
        lambda: submitted().status(DECLINED).look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
    ),
    Row(
        "6.6 6.9 6.16",
        "after a decline, nothing delivered and the task deleted: a new round, and the approval is reset",
        lambda: (
            in_revision(COPY)
            .delete_task(TaskKind.REVISE_COPY)
            .approval("201", WRITER, "QA")
            .status(DECLINED)
            .look()
            .revise("201", COPY)
        ),
        Says("6", DUE, "", "201"),
        ["6 write 201: copy_approval=", REVISE_COPY],
    ),
    Row(
        "6.8 6.1",
        "outside the deliverables pipeline: nothing",
        lambda: in_review().leave_pipeline("201").revise("201", COPY),
        Says("6", SILENT, "no ticket needs revisions"),
        NOTHING,
    ),
    Row(
        "6.8 6.4 G.2",
        "older than going live: left as it is",
        lambda: in_review().revise("201", COPY).went_live().move("201", to=PENDING),
        Says("6", SILENT, "no ticket needs revisions"),
        NOTHING,
    ),
    Row(
        "6.8 6.4 6.12",
        "older than going live: not emptied either",
        lambda: in_review().revise("201", COPY).went_live().move("201", to=Stage.IN_PROGRESS).look().move("201"),
        Says("6", SILENT, "no ticket needs revisions"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "6.7 6.12 G.4",
        "unless it was adopted",
        lambda: (
            in_review()
            .revise("201", COPY)
            .went_live()
            .adopt_revision("201")
            .move("201", to=Stage.IN_PROGRESS)
            .look()
            .move("201")
        ),
        Says("6", DUE, "Needs Revisions is emptied", "201"),
        [*ANNOUNCE_AGAIN, EMPTIED],
    ),
    Row(
        "6.3 6.12 G.4",
        "adopted, and the ticket has been in Pending Approval since before: it must first be kicked back",
        lambda: in_review().revise("201", COPY).went_live().adopt_revision("201"),
        Says("6", DONE, "adopted", "201"),
        NOTHING,
    ),
    Row(
        "6.6 6.13 P.2 P.4",
        "no Copywriter: that role waits, the rest goes ahead",
        lambda: in_review().nobody(WRITER).revise("201", BOTH),
        Says("6", DUE, "blocked: no Copywriter is named", "201"),
        [kicked_back(), "6 task revise_copy for None (blocked)", REVISE_GRAPHICS],
    ),
    Row(
        "6.6 6.9 P.2",
        "widened while the Copywriter is missing: that role is waited for once",
        lambda: in_review().nobody(WRITER).approve("201").revise("201", COPY).look().revise("201", BOTH),
        Says("6", DUE, "", "201"),
        ["6 write 201: graphic_approval=", REVISE_GRAPHICS, "6 task:revise_copy → nobody"],
    ),
    Row(
        "6.7 6.13 6.12",
        "no Copywriter, and nothing to write: the ticket that the team moves on is not kicked back after all",
        lambda: in_review().nobody(WRITER).move("201", to=Stage.IN_PROGRESS).revise("201", COPY).look().move("201"),
        Says("6", DUE, "Needs Revisions is emptied", "201"),
        [*ANNOUNCE_AGAIN, EMPTIED, "6 task:revise_copy → nobody"],
    ),
    Row(
        "6.6 6.13 P.1",
        "the ticket's own people win over the portfolio's",
        lambda: in_review().ticket("201", owners={DESIGNER: "own-design"}).look().revise("201", GRAPHIC),
        Says("6", DUE, "", "201"),
        [kicked_back(), "6 task revise_graphics for own-design"],
    ),
    Row(
        "6.19 6.10",
        "no Note since the last delivery: the ticket is kicked back at once, and the task waits for three minutes",
        lambda: in_review().approve("201").revise("201", COPY, note=""),
        Says("6", WAITING, "without a Note since the last delivery the task waits for one until", "201"),
        [kicked_back("copy")],
    ),
    Row(
        "6.19 6.6",
        "the three minutes are up, and there is none: the task says so",
        lambda: in_review().revise("201", COPY, note="").look().later(minutes=3),
        Says("6", DUE, "", "201"),
        [REVISE_COPY, "6 recorded"],
    ),
    Row(
        "6.20 6.6",
        "set again before delivery, with a Note: the open task gets it as a line",
        lambda: in_revision(COPY).later(minutes=30).look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        ["6 line revise_copy"],
    ),
    Row(
        "6.21 6.20",
        "a Note that came within the three minutes is added when they are up",
        lambda: in_revision(COPY).note("bolder", on="201").later(minutes=3),
        Says("6", DUE, "late Notes to be added to 1 task", "201"),
        ["6 line revise_copy"],
    ),
    Row(
        "6.21",
        "until then it waits",
        lambda: in_revision(COPY).note("bolder", on="201"),
        Says("6", WAITING, "a Note left until Mon 2 Nov 2026 09:", "201"),
        NOTHING,
    ),
    Row(
        "6.3 G.7",
        "a lost database: the tasks in the CRM carry the keys",
        lambda: in_revision(BOTH).lose_database(),
        Says("6", DONE, "", "201"),
        NOTHING,
    ),
]


ROWS = {"6": HANDOFF_6}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)


def test_6_quotes_the_notes_on_the_ticket_since_it_first_came_to_review() -> None:
    """docs/process.md 6.11, before the role's first delivery."""
    scene = submitted().note("of the work", on="201").move("201", "202").look()
    scene.note("on the portfolio").note("bolder", on="201").revise("201", BOTH)
    for task in tasks_of(scene).values():
        assert quoted(task) == ["bolder", "warmer"]
        assert task.variables["revision"] == "Copy and Graphic Revisions"
        assert task.variables["round"] == 1


def test_6_quotes_the_notes_since_the_creation_of_a_ticket_that_was_never_in_review() -> None:
    scene = begun().ticket("201").note("of the work", on="201").look().revise("201", COPY)
    assert quoted(tasks_of(scene)[TaskKind.REVISE_COPY]) == ["of the work", "warmer"]


def test_6_quotes_the_notes_since_that_roles_last_delivery() -> None:
    """docs/process.md 6.11 6.18: the copywriter has delivered once, the designer not yet."""
    scene = in_review().revise("201", COPY, note="first").look().approve("201", WRITER).note("between", on="201")
    scene.move("201").look().revise("201", BOTH, note="second")
    copy, graphics = (tasks_of(scene)[kind] for kind in (TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS))
    assert (quoted(copy), copy.variables["round"]) == (["between", "second"], 2)
    assert (quoted(graphics), graphics.variables["round"]) == (["first", "between", "second"], 1)


def test_6_the_number_of_a_round_is_kept_when_the_crm_forgets_the_versions() -> None:
    """docs/process.md 6.18."""
    scene = again(again(in_revision(COPY))).approve("201").move("201").look()
    ticket = scene.tickets["201"]
    scene.tickets["201"] = replace(ticket, revision_history=ticket.revision_history[:1], approved={}, came_to_review=())
    scene.move("201", to=Stage.OTHER).move("201").revise("201", COPY)
    assert tasks_of(scene)[TaskKind.REVISE_COPY].variables["round"] == 4


def test_6_without_a_note_the_task_waits_three_minutes_by_the_crms_time() -> None:
    """docs/process.md 6.19: a Note that comes is quoted at the next look; none, and the task says so."""
    scene = in_review().approve("201").revise("201", COPY, note="").look()
    asked_at = scene.tickets["201"].revision_history[0].at
    assert kicked_back("copy") in scene.done
    assert tasks_of(scene) == {}
    assert scene.decide().recheck_at == asked_at + timedelta(minutes=3)
    (waits,) = [verdict for verdict in scene.verdicts("6", "201") if verdict.state is WAITING]
    assert "waits for one until Mon 2 Nov 2026 09:" in waits.reason
    scene.note("late", on="201")
    assert quoted(tasks_of(scene)[TaskKind.REVISE_COPY]) == ["late"]
    scene.notes.clear()
    scene.now = asked_at + timedelta(minutes=3)
    assert quoted(tasks_of(scene)[TaskKind.REVISE_COPY]) == []


def test_6_a_ticket_that_moves_on_while_its_task_waits_is_not_kicked_back_again() -> None:
    scene = begun().ticket("201", stage=Stage.IN_PROGRESS).look().revise("201", COPY, note="").look().move("201").look()
    assert tasks_of(scene.later(minutes=3)).keys() == {TaskKind.REVISE_COPY}
    assert [write for write in writes_of(scene) if "hs_pipeline_stage" in write.values] == []


def test_6_set_again_while_the_task_waits_for_a_note_it_waits_for_one_task() -> None:
    scene = in_review().revise("201", COPY, note="").look().revise("201", COPY, note="").look().later(minutes=5).look()
    assert scene.done.count(REVISE_COPY) == 1
    assert scene.lines == []


def test_6_the_next_round_comes_while_the_task_of_the_last_one_waits_for_a_note() -> None:
    scene = in_review().revise("201", COPY, note="").look().approve("201").revise("201", COPY).look()
    scene.later(minutes=5).look()
    assert scene.done.count(REVISE_COPY) == 1


def test_6_a_task_that_waits_for_a_note_when_the_client_declines_is_not_made() -> None:
    scene = in_review().revise("201", COPY, note="").look().status(DECLINED).look().later(minutes=5).look()
    assert REVISE_COPY not in scene.done


def test_6_a_note_that_comes_late_is_added_once() -> None:
    """docs/process.md 6.20 6.21: within three minutes of the value; what comes later, or is quoted already, is not."""
    scene = in_review().revise("201", BOTH, note="first").look().note("late", on="201").look()
    assert scene.lines == []
    scene.later(minutes=4).note("too late", on="201").look().look()
    tasks = [scene.newest_task(kind) for kind in (TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS)]
    assert scene.lines == [(task, ["late"]) for task in tasks]


def test_6_a_late_note_reaches_no_task_that_is_done() -> None:
    scene = in_review().revise("201", COPY).look().note("late", on="201").complete(TaskKind.REVISE_COPY)
    assert scene.later(minutes=4).look().lines == []


def test_6_set_again_before_delivery_the_open_task_gets_the_notes_that_came_since() -> None:
    """docs/process.md 6.20."""
    scene = in_review().revise("201", COPY, note="first").look().later(minutes=30).look()
    scene.revise("201", COPY, note="second").look().note("third", on="201").later(minutes=5).look()
    task = scene.newest_task(TaskKind.REVISE_COPY)
    assert scene.lines == [(task, ["second"]), (task, ["third"])]
    assert scene.done.count(REVISE_COPY) == 1


def test_6_a_lost_database_adds_what_came_after_the_task_and_no_more() -> None:
    """docs/process.md 6.15 6.20: what a task quotes that was taken back, its time tells."""
    scene = in_review().revise("201", COPY, note="first").look().note("late", on="201").lose_database()
    scene.later(minutes=4).look()
    assert scene.lines == [(scene.newest_task(TaskKind.REVISE_COPY), ["late"])]
    scene = in_review().revise("201", COPY, note="first").look().later(minutes=9).look().lose_database()
    assert scene.note("late", on="201").later(minutes=4).look().lines == []


def quoted(task: NewTask) -> list[str]:
    return [note["body"] for note in task.variables["notes"]]


def test_6_asked_for_again_right_after_a_decline_gets_new_tasks() -> None:
    """Those that the decline closes, in this very pass, are not open any more."""
    scene = in_revision(BOTH).status(DECLINED).revise("201", None, BOTH)
    assert {TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS} <= set(tasks_of(scene))


def test_6_asked_for_again_right_after_a_closing_gets_new_tasks() -> None:
    """The same of those that a closing completes (docs/process.md 6.9, 8.20)."""
    scene = in_revision(BOTH).status(IMPLEMENTED).revise("201", None, BOTH)
    assert {TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS} <= set(tasks_of(scene))


def test_6_a_lost_database_and_one_of_two_tasks() -> None:
    """Nobody was there for the copy: the designer's task, taken back, does not stand in for it (docs/process.md 6.15)."""
    scene = in_review().nobody(WRITER).revise("201", BOTH).look().lose_database().name(WRITER, "copy")
    assert set(tasks_of(scene)) == {TaskKind.REVISE_COPY}
    assert [write for write in writes_of(scene) if write.record.id == "201"] == []


def test_6_a_lost_database_and_a_role_that_an_earlier_round_had_asked_already() -> None:
    """The second round was for the designer alone: the copywriter had the first one's task, and has done it since.

    docs/process.md 6.15.
    """
    scene = in_review().revise("201", COPY).look().revise("201", BOTH).look()
    scene.complete(TaskKind.REVISE_COPY).lose_database()
    assert tasks_of(scene) == {}


def test_6_a_lost_database_and_a_role_that_has_delivered_since() -> None:
    """Its task waited for a Copywriter, so that nothing in the CRM tells of it (docs/process.md 6.15)."""
    scene = in_review().nobody(WRITER).revise("201", COPY).look().lose_database().name(WRITER, "copy")
    assert set(tasks_of(scene)) == {TaskKind.REVISE_COPY}
    assert tasks_of(scene.approve("201", WRITER)) == {}


def test_6_a_lost_database_and_a_task_that_was_still_to_be_closed() -> None:
    """The new round's task was made, and then the process and its database were gone (docs/process.md 6.15 6.17)."""
    scene = in_revision(COPY).approve("201").move("201").look().revise("201", COPY).refuse("close").look()
    scene.refuse().lose_database()
    assert scene.would_do() == [CLOSE_COPY]
    assert scene.look().would_do() == []


def test_6_the_task_of_a_round_that_is_over_is_never_made() -> None:
    """docs/process.md 6.17: it waited for a Copywriter, and so does the next round's."""
    scene = in_review().nobody(WRITER).revise("201", COPY).look().move("201").look().revise("201", COPY).look()
    scene.name(WRITER, "copy").look()
    assert [done for done in scene.done if "revise_copy" in done] == [REVISE_COPY]


def test_6_the_new_task_comes_before_the_old_one_is_closed() -> None:
    """Refused, it leaves the copywriter the task of the round before (docs/process.md 6.17)."""
    scene = in_revision(COPY).approve("201").move("201").look().revise("201", COPY).refuse("task").look()
    assert CLOSE_COPY not in scene.done


def test_6_replaces_what_it_has_read() -> None:
    (write,) = writes_of(in_review().approve("201").revise("201", COPY))
    assert write.expects == {"hs_pipeline_stage": "stage-pending", "copy_approval": "Approved"}


def test_6_needs_revisions_is_emptied_only_while_the_ticket_is_back() -> None:
    """docs/process.md W.2: for Needs Revisions the stage is read again too."""
    scene = Scene().ticket(stage=Stage.PENDING_APPROVAL).look().revise("201", COPY).look().move("201")
    (write,) = (e for e in effects_of(scene.decide()) if isinstance(e, Write) and "needs_revisions" in e.values)
    assert set(write.expects) == {"needs_revisions", "hs_pipeline_stage"}


def test_6_an_approval_that_looks_reset_is_not_written_again() -> None:
    """docs/process.md N.4: of a property that takes any text, which the portal spells in no way."""
    reset = mapping().ticket.model_copy(update={"approval_reset": "Not Started"})
    scene = in_review()
    scene.mapping = mapping().model_copy(update={"ticket": reset})
    scene.approval("201", WRITER, "not\u00a0started").approval("201", DESIGNER, "Started")
    (write,) = writes_of(scene.revise("201", BOTH))
    assert write.values == {"hs_pipeline_stage": "stage-in-progress", "graphic_approval": "Not Started"}
