"""Handoff 7: the client approves."""

from dataclasses import replace
from datetime import date

from mappings.vocabulary import EmailKind, Stage, TaskKind
from sync.rules.model import EffectState, Email, NewTask, OccurrenceState
from tests.builders import Scene, effects_of
from tests.unit.handoffs.scenes import (
    APPROVED,
    BLOCKED,
    BY_TASK,
    CONFIRM,
    DONE,
    DUE,
    IMPLEMENT,
    IMPLEMENTED,
    IN_REVIEW,
    LEFTOVERS,
    NOTHING,
    SAS,
    SILENT,
    SUPERSEDED,
    WAITING,
    approved,
    in_review,
    quiet,
    reset_to,
)
from tests.unit.handoffs.table import Row, Says, check, rows


def without_answer(scene: Scene, kind: str) -> Scene:
    """What came of the newest occurrence's effects of this kind is not known: the CRM's answers were lost."""
    newest = list(scene.recorded.values())[-1]
    lost = [replace(e, state=EffectState.UNKNOWN, crm_id=None) if e.kind == kind else e for e in newest.effects]
    scene.recorded[newest.key] = replace(newest, state=OccurrenceState.OPEN, effects=tuple(lost))
    return scene


HANDOFF_7 = [
    Row(
        "7.12 C.14",
        "a closing version may still be taken back: nothing is decided that hangs on the status",
        lambda: in_review().status(APPROVED).status(IMPLEMENTED, stands=60),
        Says("7", WAITING, "it counts once it has stood for 2 minutes"),
        NOTHING,
    ),
    Row(
        "7.13 C.15",
        "set again after the task was completed, which may still be taken back: wait",
        lambda: approved().status(IN_REVIEW).look().complete(TaskKind.IMPLEMENT, stands=10).status(APPROVED),
        Says("7", WAITING, "which may be taken back"),
        NOTHING,
    ),
    Row(
        "7.8",
        "approved: an email to the SAS, and the implementation task",
        lambda: in_review().status(APPROVED),
        Says("7", DUE, "the client approved"),
        IMPLEMENT,
    ),
    Row(
        "7.8 7.11",
        "approved while a ticket is behind: the same",
        lambda: in_review().ticket("203").look().status(APPROVED),
        Says("7", DUE, "the client approved"),
        IMPLEMENT,
    ),
    Row(
        "7.5 S.2",
        "once a version",
        approved,
        Says("7", DONE, "the client approved"),
        NOTHING,
    ),
    Row(
        "7.8",
        "approved without anything before it: the same",
        lambda: quiet().status(APPROVED),
        Says("7", DUE, ""),
        IMPLEMENT,
    ),
    Row(
        "7.1 8.3 9.1",
        "moved on to Creatives Implemented before the service looked: overtaken",
        lambda: in_review().status(APPROVED).status(IMPLEMENTED),
        Says("7", SUPERSEDED, "the status had moved on before the service looked"),
        ["7 overtaken", *reset_to(date(2026, 12, 2)), *LEFTOVERS, *CONFIRM],
    ),
    Row(
        "7.1",
        "moved back before the service looked: overtaken",
        lambda: in_review().status(APPROVED).status(IN_REVIEW),
        Says("7", SUPERSEDED, "the status had moved on"),
        ["7 overtaken"],
    ),
    Row(
        "7.8 7.1",
        "overtaken, then approved again: its own task",
        lambda: in_review().status(APPROVED).status(IN_REVIEW).look().status(APPROVED),
        Says("7", DUE, ""),
        IMPLEMENT,
    ),
    Row(
        "7.2",
        "moved back after the task was made: the task stays",
        lambda: approved().status(IN_REVIEW).look(),
        Says("7", DONE, ""),
        NOTHING,
    ),
    Row(
        "7.6",
        "set again while the task is open: no second task, no second email",
        lambda: approved().status(IN_REVIEW).look().status(APPROVED),
        Says("7", SUPERSEDED, "was still open: that task stands"),
        ["7 overtaken"],
    ),
    Row(
        "7.5 7.6",
        "and that is recorded once",
        lambda: approved().status(IN_REVIEW).look().status(APPROVED).look(),
        Says("7", SUPERSEDED, "that task stands"),
        NOTHING,
    ),
    Row(
        "7.6 8.10",
        "set again while the task was open, and completed before anybody looked: it closes the cycle",
        lambda: approved().status(IN_REVIEW).status(APPROVED).complete(TaskKind.IMPLEMENT),
        Says("7", SUPERSEDED, "was still open: that task stands"),
        ["7 overtaken", *BY_TASK],
    ),
    Row(
        "7.7",
        "set again while nobody knows whether the task was made: no second task",
        lambda: without_answer(approved(), "task").status(IN_REVIEW).status(APPROVED),
        Says("7", SUPERSEDED, "set again before the implementation task of the approval before could be made"),
        ["7 overtaken"],
    ),
    Row(
        "8.8 7.9 7.8",
        "completed while the status was back: a new version is a new task, and the old one does not stand in",
        lambda: approved().status(IN_REVIEW).look().complete(TaskKind.IMPLEMENT).look().status(APPROVED),
        Says("8", WAITING, "the newest approval gets a task of its own first"),
        IMPLEMENT,
    ),
    Row(
        "7.5 7.10 W.9",
        "the task was deleted: not made again for the same version",
        lambda: approved().delete_task(TaskKind.IMPLEMENT),
        Says("7", DONE, ""),
        NOTHING,
    ),
    Row(
        "7.8 7.9",
        "the task was deleted: a new version is a new task",
        lambda: approved().delete_task(TaskKind.IMPLEMENT).status(IN_REVIEW).look().status(APPROVED),
        Says("7", DUE, ""),
        IMPLEMENT,
    ),
    Row(
        "7.3 G.2",
        "older than going live",
        lambda: in_review().status(APPROVED).went_live(),
        Says("7", SILENT, "older than going live"),
        NOTHING,
    ),
    Row(
        "7.8 P.2",
        "no SAS: blocked",
        lambda: in_review().nobody(SAS).status(APPROVED),
        Says("7", BLOCKED, "no Social Ad Specialist"),
        ["7 task implement for None (blocked)", "7 email client_approved to None (blocked)"],
    ),
    Row(
        "7.4 P.5",
        "blocked, and meanwhile implemented: no task any more",
        lambda: in_review().nobody(SAS).status(APPROVED).look().status(IMPLEMENTED).look().name(SAS, "sas"),
        Says("7", SILENT, "has not approved in this cycle"),
        NOTHING,
    ),
    Row(
        "7.5 G.7",
        "a lost database: the task carries the key",
        lambda: approved().lose_database(),
        Says("7", DONE, ""),
        NOTHING,
    ),
    Row(
        "7.8",
        "the next cycle's approval: a new task",
        lambda: approved().complete(TaskKind.IMPLEMENT).look().later(days=28).look().status(APPROVED),
        Says("7", DUE, ""),
        IMPLEMENT,
    ),
]


ROWS = {"7": HANDOFF_7}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)


def test_7_lists_what_is_ready_apart_from_what_is_not() -> None:
    """docs/process.md 7.11: whatever stage the others are in; closed ones are not named."""
    scene = in_review().ticket("203", "Autumn").ticket("204", stage=Stage.IN_PROGRESS).ticket("205").close("205")
    told = [e for e in effects_of(scene.status(APPROVED).decide()) if isinstance(e, NewTask | Email)]
    mine = [e for e in told if e.kind in {TaskKind.IMPLEMENT, EmailKind.CLIENT_APPROVED}]
    assert len(mine) == 2
    for effect in mine:
        assert [ticket["id"] for ticket in effect.variables["tickets"]] == ["201", "202"]
        assert [ticket["id"] for ticket in effect.variables["unfinished"]] == ["203", "204"]
