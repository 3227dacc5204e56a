"""Tickets, tasks and Notes that came incomplete from the CRM: absent is not empty."""

from datetime import date

from mappings.vocabulary import Role, Stage, TaskKind
from sync.rules.model import EffectState
from tests.builders import LACKS
from tests.unit.handoffs.scenes import (
    APPROVED,
    ARRIVED,
    BY_TASK,
    COPY,
    DECLINED,
    DONE,
    DUE,
    GRAPHIC,
    IMPLEMENT,
    KICKOFF,
    MADE,
    NOTHING,
    PENDING,
    READY,
    REVISE_COPY,
    REVISE_GRAPHICS,
    WAITING,
    approved,
    begun,
    in_review,
    in_revision,
    kicked_back,
    moved_to,
    quiet,
    submitted,
)
from tests.unit.handoffs.table import Row, Says, check, rows

UNREAD = f"ticket 201 could not be read whole: {LACKS}"
SET_UNREAD = "it cannot be told whether it is ready before this is read whole: ticket 201"

INCOMPLETE = [
    Row(
        "R.3",
        "a new ticket: no Creative work for it, but for the other one",
        lambda: begun().ticket("201").ticket("202").lacking("201"),
        Says("4", WAITING, UNREAD, "201"),
        MADE,
    ),
    Row(
        "R.3 4.8",
        "read whole again, it gets its tasks",
        lambda: begun().ticket("201").lacking("201").look().whole("201"),
        Says("4", DUE, "", "201"),
        MADE,
    ),
    Row(
        "R.3",
        "a revision: nothing is answered, but another ticket's",
        lambda: in_review().lacking("201").revise("201", GRAPHIC).revise("202", COPY),
        Says("6", WAITING, UNREAD, "201"),
        [kicked_back().replace("201", "202"), REVISE_COPY],
    ),
    Row(
        "R.3",
        "the set is ready but for it: not announced",
        lambda: submitted().move("202").lacking("201"),
        Says("5", WAITING, SET_UNREAD),
        NOTHING,
    ),
    Row(
        "R.3",
        "another set of the portfolio is",
        lambda: submitted().move("202").lacking("201").ticket("203", "Summer", PENDING).look(),
        Says("5", WAITING, SET_UNREAD),
        NOTHING,
    ),
    Row(
        "R.3 5.9",
        "the other set is announced, and only that",
        lambda: submitted().ticket("203", "Summer").look().move("202", "203").lacking("201"),
        Says("5", DUE, "Summer"),
        READY,
    ),
    Row(
        "R.3",
        "its folder is not shown: no set is announced",
        lambda: submitted().ticket("203", "Summer").look().move("203").lacking("201", folder=False),
        Says("5", WAITING, SET_UNREAD),
        NOTHING,
    ),
    Row(
        "R.3 5.9",
        "the answer shows that it is closed: it holds up none",
        lambda: submitted().move("202").close("201").lacking("201", closed=True),
        Says("5", DUE, ""),
        READY,
    ),
    Row(
        "R.3 5.9",
        "read whole again, and ready: announced",
        lambda: submitted().move("202").lacking("201").look().whole("201").move("201"),
        Says("5", DUE, ""),
        READY,
    ),
    Row(
        "R.3 7.8",
        "the client's approval goes on",
        lambda: in_review().lacking("201").status(APPROVED),
        Says("7", DUE, ""),
        IMPLEMENT,
    ),
    Row(
        "R.4 2a.5 2a.7",
        "its tasks are closed by a decline all the same",
        lambda: begun().ticket("201").look().lacking("201").status(DECLINED),
        Says("2a", DUE, ""),
        [
            *moved_to(date(2026, 12, 2)),
            *(f"2a close {kind}" for kind in ("kickoff", "create_tickets", "write_copy", "design_graphics")),
        ],
    ),
    Row(
        "R.3 R.4 P.2",
        "what waits for a person on it is given to nobody meanwhile",
        lambda: begun().nobody(Role.COPYWRITER).ticket("201").look().lacking("201").name(Role.COPYWRITER, "copy"),
        Says("4", WAITING, UNREAD, "201"),
        NOTHING,
    ),
    Row(
        "R.4 4.2 P.4",
        "read whole again, it is given to whoever does the work",
        lambda: (
            begun()
            .nobody(Role.COPYWRITER)
            .ticket("201")
            .look()
            .lacking("201")
            .name(Role.COPYWRITER, "copy")
            .look()
            .whole("201")
        ),
        Says("4", DONE, "", "201"),
        ["4 task:write_copy → copy"],
    ),
    Row(
        "R.5",
        "the implementation task: whether it is completed nobody can tell",
        lambda: approved().complete(TaskKind.IMPLEMENT).lacking_task(TaskKind.IMPLEMENT),
        Says("8", WAITING, "it cannot be decided before this is read whole: task"),
        NOTHING,
    ),
    Row(
        "R.5 8.10",
        "it is read whole again",
        lambda: approved().complete(TaskKind.IMPLEMENT).lacking_task(TaskKind.IMPLEMENT).look().all_whole(),
        Says("8", DUE, ""),
        BY_TASK,
    ),
    Row(
        "R.5",
        "a task of the cycle that is declined: the date waits with it",
        lambda: begun().lacking_task(TaskKind.CREATE_TICKETS).status(DECLINED),
        Says("2a", WAITING, "it cannot be decided before this is read whole: task"),
        NOTHING,
    ),
    Row(
        "R.5 6.6",
        "a revision's task: its ticket waits",
        lambda: in_revision(COPY).lacking_task(TaskKind.REVISE_COPY).revise("201", COPY),
        Says("6", WAITING, "it cannot be decided before this is read whole: task", "201"),
        NOTHING,
    ),
    Row(
        "R.5 6.6",
        "a revision's task: the other tickets' revisions go on",
        lambda: in_revision(COPY).lacking_task(TaskKind.REVISE_COPY).revise("201", COPY).revise("202", GRAPHIC),
        Says("6", DUE, "", "202"),
        [kicked_back().replace("201", "202"), REVISE_GRAPHICS],
    ),
    Row(
        "R.5",
        "a Note without its text: the SAS is not told yet, the AM is",
        lambda: quiet().lacking_note().date(0),
        Says("3", WAITING, "the Notes on portfolio 101: note 9: the CRM's answer lacks the property “hs_note_body”"),
        KICKOFF,
    ),
    Row(
        "R.5 3.8",
        "the Note is read whole again",
        lambda: quiet().lacking_note().date(0).look().all_whole(),
        Says("3", DUE, ""),
        ARRIVED,
    ),
]


ROWS = {"incomplete": INCOMPLETE}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)


def test_what_was_begun_stays_as_it_is() -> None:
    """Rung R.5: a write that the CRM refused is tried again once the task that it hangs on is read whole."""
    scene = approved().complete(TaskKind.IMPLEMENT).refuse("write").look()
    scene.lacking_task(TaskKind.IMPLEMENT).look().all_whole().refuse()
    assert scene.would_do() == BY_TASK


def test_what_was_begun_on_another_ticket_is_given_up_where_nothing_asks_for_it() -> None:
    """Rung R.5: a write that the CRM refused, of a ticket that is In Progress again, while another one's task is unread."""
    scene = in_revision(COPY).revise("202", GRAPHIC).look().move("202").refuse("write").look()
    scene.lacking_task(TaskKind.REVISE_COPY).revise("201", COPY).put("202", Stage.IN_PROGRESS).look()
    (emptied,) = (recorded for key, recorded in scene.recorded.items() if key.startswith("6c:202:"))
    assert [effect.state for effect in emptied.effects] == [EffectState.SUPERSEDED]


def test_the_ledger_keeps_what_was_planned_on_it() -> None:
    """Rung R.4: what was planned on it and not begun is neither done nor withdrawn."""
    scene = begun().nobody(Role.COPYWRITER, Role.GRAPHIC_DESIGNER).ticket("201").look()
    before = {key: recorded.state for key, recorded in scene.recorded.items()}
    scene.lacking("201").look()
    assert {key: recorded.state for key, recorded in scene.recorded.items()} == before
