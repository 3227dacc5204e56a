"""Handoff 4: tickets are created."""

from dataclasses import replace
from datetime import timedelta

from mappings.vocabulary import Stage, TaskKind
from sync.rules.decide import decide
from tests.builders import Scene
from tests.unit.handoffs.scenes import (
    APPROVED,
    BOTH,
    COPY,
    DECLINED,
    DESIGNER,
    DONE,
    DUE,
    EMPTY,
    IMPLEMENTED,
    MADE,
    NOTHING,
    SILENT,
    SUBMITTED,
    WAITING,
    WRITER,
    associated,
    begun,
    kicked_back,
    lone,
    quiet,
    submitted,
    tasks_of,
)
from tests.unit.handoffs.table import Row, Says, check, rows

HANDOFF_4 = [
    Row(
        "4.8",
        "a ticket: one task for the Copywriter and one for the Graphic Designer",
        lambda: begun().ticket("201"),
        Says("4", DUE, "ticket 201 “Ad 201” came on", "201"),
        MADE,
    ),
    Row(
        "4.2 4.9 S.2",
        "once a ticket and role",
        lambda: begun().ticket("201").look(),
        Says("4", DONE, "", "201"),
        NOTHING,
    ),
    Row(
        "4.8",
        "a second ticket: its own two tasks",
        lambda: begun().ticket("201").look().ticket("202"),
        Says("4", DUE, "", "202"),
        MADE,
    ),
    Row(
        "4.8",
        "without a folder name: tasks all the same",
        lambda: begun().ticket("201", ""),
        Says("4", DUE, "", "201"),
        MADE,
    ),
    Row(
        "4.5",
        "closed before anybody looked",
        lambda: begun().ticket("201").close("201"),
        Says("4", SILENT, "is closed", "201"),
        NOTHING,
    ),
    Row(
        "4.8 4.5",
        "and reopened: now",
        lambda: begun().ticket("201").close("201").look().move("201", to=Stage.IN_PROGRESS),
        Says("4", DUE, "", "201"),
        MADE,
    ),
    Row(
        "4.3",
        "in another pipeline",
        lambda: begun().ticket("201").leave_pipeline("201"),
        Says("4", SILENT, "is not in the deliverables pipeline", "201"),
        NOTHING,
    ),
    Row(
        "4.4 G.2",
        "older than going live",
        lambda: quiet().ticket("201").went_live(),
        Says("4", SILENT, "is older than going live", "201"),
        NOTHING,
    ),
    Row(
        "4.8 C.5",
        "older than going live, but moved into the pipeline after it",
        lambda: quiet().went_live().ticket("201", age=timedelta(days=30), moved_in=timedelta(0)),
        Says("4", DUE, "", "201"),
        MADE,
    ),
    Row(
        "4.2 C.7",
        "moved out of the pipeline and back: not again",
        lambda: begun().ticket("201").look().leave_pipeline("201").look().ticket("201", age=timedelta(hours=1)),
        Says("4", DONE, "", "201"),
        NOTHING,
    ),
    Row(
        "4.8 4.11",
        "made after a decline: on purpose, for the new cycle",
        lambda: quiet().date(10).look().status(DECLINED).look().ticket("201"),
        Says("4", DUE, "", "201"),
        MADE,
    ),
    Row(
        "4.8 4.11",
        "made before any kickoff: the creation itself is the handoff",
        lambda: quiet().ticket("201"),
        Says("4", DUE, "", "201"),
        MADE,
    ),
    Row(
        "4.8 4.9 P.2 P.4",
        "no designer: that role waits, the Copywriter does not",
        lambda: begun().nobody(DESIGNER).ticket("201"),
        Says("4", DUE, "blocked: no Graphic Designer is named", "201"),
        ["4 task write_copy for copy", "4 task design_graphics for None (blocked)"],
    ),
    Row(
        "4.2 4.9 P.2",
        "the designer is named later: that task alone",
        lambda: begun().nobody(DESIGNER).ticket("201").look().name(DESIGNER, "design"),
        Says("4", DONE, "", "201"),
        ["4 task:design_graphics → design"],
    ),
    Row(
        "4.2 4.9 P.2",
        "blocked is kept and tried again at each look",
        lambda: begun().nobody(DESIGNER).ticket("201").look(times=3),
        Says("4", DONE, "", "201"),
        ["4 task:design_graphics → nobody"],
    ),
    Row(
        "4.8 P.1",
        "the ticket's own people win over the portfolio's",
        lambda: begun().ticket("201", owners={WRITER: "own-copy"}),
        Says("4", DUE, "", "201"),
        ["4 task write_copy for own-copy", "4 task design_graphics for design"],
    ),
    Row(
        "4.2 4.13 S.4",
        "Deliverables Submitted is notation only: no task, no email",
        lambda: submitted().status(EMPTY).status(SUBMITTED),
        Says("4", DONE, "", "201"),
        NOTHING,
    ),
    Row(
        "4.8 4.13 S.4",
        "Deliverables Submitted before anybody looked: the tickets' tasks, nothing more",
        lambda: begun().ticket("201").status(SUBMITTED),
        Says("4", DUE, "", "201"),
        MADE,
    ),
    Row(
        "4.1 4.13 S.4",
        "Deliverables Submitted without a ticket: no task, no email",
        lambda: begun().status(SUBMITTED),
        Says("4", SILENT, "the portfolio has no tickets"),
        NOTHING,
    ),
    Row(
        "4.2 G.7",
        "a lost database: the tasks in the CRM carry the keys",
        lambda: submitted().lose_database(),
        Says("4", DONE, "", "201"),
        NOTHING,
    ),
]


LONE = [
    Row(
        "4.6",
        "4: a ticket's creation can be announced before its association exists: wait",
        lambda: lone(),
        Says("4", WAITING, "is not associated to a portfolio yet", "201"),
        NOTHING,
    ),
    Row(
        "4.8 4.6",
        "4: the association comes: now",
        lambda: associated(lone().look()),
        Says("4", DUE, "", "201"),
        MADE,
    ),
    Row(
        "6.6 6.13 P.1",
        "6: a ticket without a portfolio uses its own owners",
        lambda: lone(owners={WRITER: "own-copy", DESIGNER: "own-design"}).revise("201", BOTH),
        Says("6", DUE, "", "201"),
        [kicked_back(), "6 task revise_copy for own-copy", "6 task revise_graphics for own-design"],
    ),
    Row(
        "6.6 6.13 P.2",
        "6: and without owners of its own is kicked back; the task waits",
        lambda: lone().revise("201", COPY),
        Says("6", DUE, "blocked: no Copywriter is named", "201"),
        [kicked_back(), "6 task revise_copy for None (blocked)"],
    ),
    Row(
        "6.3 6.13 P.2 4.8",
        "6: the association comes: the portfolio's Copywriter gets what waited",
        lambda: associated(lone().revise("201", COPY).look()),
        Says("6", DONE, "", "201"),
        [*MADE, "6 task:revise_copy → copy"],
    ),
]


ROWS = {"4": HANDOFF_4, "lone": LONE}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)


def test_4_both_tasks_quote_the_notes_on_the_portfolio() -> None:
    """docs/process.md 4.14."""
    made = tasks_of(begun().note("blue").note("on leave", by="design").ticket("201"))
    for kind in (TaskKind.WRITE_COPY, TaskKind.DESIGN_GRAPHICS):
        assert [note["body"] for note in made[kind].variables["notes"]] == ["blue", "on leave"]


def test_4_a_ticket_of_an_earlier_cycle_quotes_the_notes_since_that_cycle_began() -> None:
    """docs/process.md 4.14: it was made while nobody looked, and the cycle was closed meanwhile."""

    def quoted(scene: Scene) -> list[str]:
        return [note["body"] for note in tasks_of(scene)[TaskKind.WRITE_COPY].variables["notes"]]

    scene = begun().note("blue").ticket("201").status(APPROVED).status(IMPLEMENTED).note("of the second cycle")
    assert quoted(scene) == ["blue", "of the second cycle"]
    assert quoted(scene.look().ticket("202")) == ["of the second cycle"]
    scene.ticket("203").status(IMPLEMENTED).note("of the third")
    assert quoted(scene) == ["of the second cycle", "of the third"]


def test_4_reads_the_notes_only_where_a_task_is_to_be_made() -> None:
    def asks(scene: Scene) -> bool:
        context = scene.context()
        return bool(decide(replace(context, snapshot=replace(context.snapshot, notes={}))).needed.notes)

    scene = begun()
    assert not asks(scene)
    assert asks(scene.ticket("201"))
    assert not asks(scene.look())
