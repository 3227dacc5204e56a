"""The decision table: a quiet snapshot with one thing changed, in the order of the article.

Each row says what was done to a quiet portfolio (`tests/builders.py`), what the rule in question then says and why, and
*every* effect of all ten handoffs that follows: what a row does not name must not happen. The sentences are those of
docs/process.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from mappings.vocabulary import EmailKind, Handoff, Revision, Role, Stage, Status, TaskKind
from sync.clock import start_of_day
from sync.crm import Kind, Owner, RecordRef
from sync.rules.decide import BLOCKED_AGAIN, decide
from sync.rules.model import CloseTask, Email, NewTask, OwnTask, State, Write
from tests.builders import OWNERS, PORTFOLIO, Scene, effects_of, mapping

EMPTY = None
REQUESTED = Status.REFRESH_REQUEST_SUBMITTED
DECLINED = Status.NO_REFRESH_REQUESTED
SUBMITTED = Status.DELIVERABLES_SUBMITTED
IN_REVIEW = Status.CREATIVES_PENDING_APPROVAL
APPROVED = Status.CREATIVES_APPROVED
IMPLEMENTED = Status.CREATIVES_IMPLEMENTED

PENDING = Stage.PENDING_APPROVAL
COPY, GRAPHIC, BOTH = Revision.COPY, Revision.GRAPHIC, Revision.COPY_AND_GRAPHIC
AM, SAS, WRITER, DESIGNER = OWNERS

DONE, DUE, WAITING, BLOCKED, SUPERSEDED = State.DONE, State.DUE, State.WAITING, State.BLOCKED, State.SUPERSEDED
SILENT = State.NOT_APPLICABLE

NOTHING: list[str] = []
KICKOFF = ["1 task kickoff for am", "1 email kickoff to am"]
LEFTOVER_CLEARED = ["1 write 101: creative_refresh_status="]
ARRIVED = ["3 task create_tickets for sas", "3 email date_arrived to sas"]
MADE = ["4 task write_copy for copy", "4 task design_graphics for design"]
ADVANCE = ["5 write 101: creative_refresh_status=Creatives Pending Approval"]
ANNOUNCE = [
    "5 task share_deliverables for am",
    "5 email set_ready_account_manager to am",
    "5 email set_ready_social_ad_specialist to sas",
]
READY = ADVANCE + ANNOUNCE
REVISE_COPY = "6 task revise_copy for copy"
REVISE_GRAPHICS = "6 task revise_graphics for design"
EMPTIED = "6 write 201: needs_revisions="
IMPLEMENT = ["7 task implement for sas", "7 email client_approved to sas"]
BY_TASK = ["8 write 101: creative_refresh_status=Creatives Implemented"]
CONFIRM = ["9 email refresh_live to am"]


def moved_to(when: date) -> list[str]:
    return [f"2a write 101: creative_refresh_date={when}"]


def reset_to(when: date) -> list[str]:
    return [f"8 write 101: creative_refresh_date={when}, creative_refresh_status="]


def kicked_back(*approvals: str) -> str:
    fields = [*(f"{name}_approval=" for name in approvals), "hs_pipeline_stage=stage-in-progress"]
    return f"6 write 201: {', '.join(fields)}"


# Scenes that later handoffs begin with


def quiet() -> Scene:
    return Scene()


def begun() -> Scene:
    """The date has come; the kickoff and the SAS's task are out."""
    return quiet().date(0).look()


def submitted() -> Scene:
    """Two tickets of one Ad Set are in the works, the status is Deliverables Submitted."""
    return begun().ticket("201").ticket("202").status(SUBMITTED).look()


def in_review() -> Scene:
    """Both tickets are in Pending Approval and announced."""
    return submitted().move("201", "202").look()


def approved() -> Scene:
    """The client has approved; the SAS has the implementation task."""
    return in_review().status(APPROVED).look()


def closed() -> Scene:
    """The creatives are implemented and the cycle is closed; the date is a month ahead."""
    return approved().status(IMPLEMENTED).look()


@dataclass(frozen=True)
class Says:
    """What a rule says of the portfolio, or of one of its tickets."""

    handoff: str
    state: State
    because: str
    record: str | None = None


MakeScene = Callable[[], Scene]

HANDOFF_1 = [
    pytest.param(
        quiet,
        Says("1", WAITING, "40 days away; the kickoff comes at 15"),
        NOTHING,
        id="a quiet portfolio: nothing at all",
    ),
    pytest.param(
        lambda: quiet().date(16), Says("1", WAITING, "16 days away"), NOTHING, id="the date is 16 days away: not yet"
    ),
    pytest.param(
        lambda: quiet().date(15),
        Says("1", DUE, "15 days away"),
        KICKOFF,
        id="the date is 15 days away: a task and an email for the AM",
    ),
    pytest.param(
        lambda: quiet().date(16).later(days=1),
        Says("1", DUE, "15 days away"),
        KICKOFF,
        id="nobody did anything, a day passed: the date came within 15 days",
    ),
    pytest.param(lambda: quiet().date(1), Says("1", DUE, "1 day away"), KICKOFF, id="typed in today as tomorrow"),
    pytest.param(
        lambda: quiet().date(0),
        Says("1", DUE, "today"),
        KICKOFF + ARRIVED,
        id="today counts as 0, and handoff 3 fires as well",
    ),
    pytest.param(
        lambda: quiet().date(-3), Says("1", DUE, "3 days past"), KICKOFF + ARRIVED, id="a date already past counts too"
    ),
    pytest.param(lambda: quiet().date(None), Says("1", SILENT, "has no Refresh Date"), NOTHING, id="no date"),
    pytest.param(lambda: quiet().date(15).look(), Says("1", DONE, "15 days away"), NOTHING, id="done: no second task"),
    pytest.param(
        lambda: quiet().date(15).look().later(days=14),
        Says("1", DONE, "15 days away"),
        NOTHING,
        id="true for fifteen days running: one task",
    ),
    pytest.param(
        lambda: quiet().date(15).look().later(days=3).complete(TaskKind.KICKOFF),
        Says("1", DONE, ""),
        NOTHING,
        id="the AM completed the task and left the status: no second task",
    ),
    pytest.param(
        lambda: quiet().date(15).look().delete_task(TaskKind.KICKOFF),
        Says("1", DONE, ""),
        NOTHING,
        id="the AM deleted the task: not made again",
    ),
    pytest.param(
        lambda: quiet().date(15).look().date(9).look().date(14).look().date(2),
        Says("1", DONE, ""),
        NOTHING,
        id="moved within the window: no new kickoff",
    ),
    pytest.param(
        lambda: quiet().date(10).look().date(16),
        Says("1", WAITING, "16 days away"),
        NOTHING,
        id="moved out of the window after a kickoff: nothing yet",
    ),
    pytest.param(
        lambda: quiet().date(10).look().date(16).look().later(days=1),
        Says("1", DUE, "15 days away"),
        KICKOFF,
        id="moved out, and come back into it by itself: a new kickoff",
    ),
    pytest.param(
        lambda: quiet().date(10).look().date(30).date(10),
        Says("1", DUE, "10 days away"),
        KICKOFF,
        id="moved out and back between two looks: the history alone tells, a new kickoff",
    ),
    pytest.param(
        lambda: quiet().date(10).look().date(None).date(10),
        Says("1", DUE, "10 days away"),
        KICKOFF,
        id="cleared and set again between two looks: out of the window, a new kickoff",
    ),
    pytest.param(
        lambda: quiet().date(10).look().date(30).date(10).look(),
        Says("1", DONE, ""),
        NOTHING,
        id="the new kickoff fires once as well",
    ),
    pytest.param(
        lambda: quiet().date(20).later(days=10).date(15).later(days=1).look().date(8),
        Says("1", DONE, ""),
        NOTHING,
        id="out of the window counts from the day on which a date was set, not from today",
    ),
    *[
        pytest.param(
            lambda status=status: quiet().status(status).date(15).look(),
            Says("1", SUPERSEDED, "the status has already moved on"),
            NOTHING,
            id=f"the status has moved on to {status}: no kickoff",
        )
        for status in (REQUESTED, SUBMITTED, IN_REVIEW)
    ],
    pytest.param(
        lambda: quiet().status(REQUESTED).date(0),
        Says("1", SUPERSEDED, "the status has already moved on"),
        ["2b recorded", *ARRIVED],
        id="the AM confirmed early: no kickoff on the day itself either",
    ),
    pytest.param(
        lambda: quiet().status(Status.UNMAPPED).date(15),
        Says("1", SILENT, "“Something Else” is not in the mapping"),
        NOTHING,
        id="a status that the mapping does not name: nothing",
    ),
    pytest.param(
        lambda: quiet().date(15).status(DECLINED).look().later(days=30),
        Says("1", DUE, "days away"),
        LEFTOVER_CLEARED + KICKOFF,
        id="No Refresh Requested is left over: it is cleared in the same step",
    ),
    pytest.param(
        lambda: quiet().date(15).status(DECLINED).look().later(days=30).look(),
        Says("1", DONE, ""),
        NOTHING,
        id="the leftover is cleared once, and may be chosen again",
    ),
    pytest.param(
        lambda: quiet().date(15).look().status(DECLINED),
        Says("1", WAITING, "handoff 2a of the cycle before comes first"),
        [*moved_to(date(2026, 12, 17)), "2a close kickoff"],
        id="the decline is not carried out yet: the date still belongs to the cycle before",
    ),
    pytest.param(
        lambda: quiet().set_cadence("Weekly").date(1).look().status(DECLINED).look(),
        Says("1", DONE, "8 days away"),
        NOTHING,
        id="after 2a with a short cadence the new cycle's kickoff fired at once",
    ),
    pytest.param(
        lambda: quiet().date(15).look().forget_history().later(days=1),
        Says("1", DONE, ""),
        NOTHING,
        id="the CRM forgot the old dates: still no second kickoff",
    ),
    pytest.param(
        lambda: quiet().nobody(AM).date(15),
        Says("1", BLOCKED, "no Account Manager is named"),
        ["1 task kickoff for None (blocked)", "1 email kickoff to None (blocked)"],
        id="no AM: blocked, with the reason",
    ),
    pytest.param(
        lambda: quiet().nobody(AM).date(15).look().name(AM, "am"),
        Says("1", DUE, "15 days away"),
        KICKOFF,
        id="the AM is named later: done after all",
    ),
    pytest.param(
        lambda: quiet().nobody(AM).date(15).look().status(REQUESTED),
        Says("1", SUPERSEDED, "moved on"),
        ["2b recorded"],
        id="blocked, and meanwhile the AM has confirmed: no kickoff any more",
    ),
    pytest.param(
        lambda: Scene(mapping(fallbacks=True)).nobody(AM).date(15),
        Says("1", DUE, ""),
        ["1 task kickoff for stand-in", "1 email kickoff to stand-in"],
        id="no AM, but a fallback in the mapping",
    ),
    pytest.param(
        lambda: Scene(mapping(fallbacks=True)).deactivate("am").date(15),
        Says("1", DUE, ""),
        ["1 task kickoff for stand-in", "1 email kickoff to stand-in"],
        id="a deactivated AM falls back as well",
    ),
    pytest.param(
        lambda: Scene(mapping(fallbacks=True)).deactivate("am").deactivate("stand-in").date(15),
        Says("1", BLOCKED, "names no active fallback"),
        ["1 task kickoff for None (blocked)", "1 email kickoff to None (blocked)"],
        id="a deactivated fallback is nobody",
    ),
    pytest.param(
        lambda: quiet().date(10).went_live(),
        Says("1", DUE, "10 days away"),
        KICKOFF,
        id="a date older than going live: what is due is due",
    ),
    pytest.param(
        lambda: quiet().date(15).look().lose_database(),
        Says("1", DONE, ""),
        NOTHING,
        id="a lost database: the task in the CRM carries the key",
    ),
]

HANDOFF_2A = [
    pytest.param(
        lambda: quiet().date(10).look().status(DECLINED),
        Says("2a", DUE, "the client declined"),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff"],
        id="declined: the date moves on, the open task is closed, nobody is told",
    ),
    pytest.param(
        lambda: quiet().date(10).look().complete(TaskKind.KICKOFF).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2026, 12, 12)),
        id="a completed task is left alone",
    ),
    pytest.param(
        lambda: quiet().date(10).look().delete_task(TaskKind.KICKOFF).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2026, 12, 12)),
        id="a deleted task is left alone",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(DECLINED).look(),
        Says("2a", DONE, "the client declined"),
        NOTHING,
        id="done once; the status stays to be seen",
    ),
    pytest.param(
        lambda: quiet().status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2027, 1, 12)),
        id="declined before the window: the date moves on from where it was",
    ),
    pytest.param(
        lambda: quiet().date(None).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2026, 12, 2)),
        id="declined without a date: counted from today",
    ),
    pytest.param(
        lambda: quiet().date(-75).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2026, 11, 19)),
        id="declined long after the date: the first that is later than today",
    ),
    pytest.param(
        lambda: Scene(mapping(clear_declined=True)).date(10).look().status(DECLINED),
        Says("2a", DUE, ""),
        ["2a write 101: creative_refresh_date=2026-12-12, creative_refresh_status=", "2a close kickoff"],
        id="the mapping's switch has the status cleared in the same write",
    ),
    pytest.param(
        lambda: Scene(mapping(clear_declined=True)).date(10).look().status(DECLINED).status(REQUESTED),
        Says("2a", DUE, ""),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff", "2b recorded"],
        id="the switch clears a decline only, not what came after it",
    ),
    pytest.param(
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
        id="declined in mid-cycle: the open tasks of portfolio and tickets are closed",
    ),
    pytest.param(
        lambda: begun().ticket("201").look().come_from_elsewhere("201").complete(TaskKind.KICKOFF).status(DECLINED),
        Says("2a", DUE, ""),
        [
            *moved_to(date(2026, 12, 2)),
            *[f"2a close {kind}" for kind in ("create_tickets", "write_copy", "design_graphics")],
        ],
        id="a ticket that came from another portfolio is one of its tickets",
    ),
    pytest.param(
        lambda: submitted().status(DECLINED).look().move("201", "202"),
        Says("5", SILENT, "this cycle has no open ticket"),
        NOTHING,
        id="after it the old tickets reach Pending Approval: no SAS or Creative work, no announcement",
    ),
    pytest.param(
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
        id="ready and declined before anybody looked: bypassed",
    ),
    pytest.param(
        lambda: begun().ticket("201").status(DECLINED),
        Says("4", SUPERSEDED, "belongs to a cycle that the client declined", "201"),
        [*moved_to(date(2026, 12, 2)), "2a close kickoff", "2a close create_tickets"],
        id="a ticket made and the refresh declined before anybody looked: no Creative work",
    ),
    pytest.param(
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
        id="a revision asked for and the refresh declined before anybody looked: no Creative work",
    ),
    pytest.param(
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
        id="approved and declined before anybody looked: no SAS work",
    ),
    pytest.param(
        lambda: approved().status(DECLINED).look(),
        Says("8", SILENT, "not implemented in this cycle"),
        NOTHING,
        id="the implementation task that 2a closed is not 'implementation complete'",
    ),
    pytest.param(
        lambda: approved().status(DECLINED).look().status(APPROVED),
        Says("8", WAITING, "must reach"),
        IMPLEMENT,
        id="nor is it when the status is approved again: that belongs to the next cycle",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(DECLINED).look().status(REQUESTED),
        Says("2a", SILENT, "has not declined in this cycle"),
        ["2b recorded"],
        id="set to another status afterwards: the next cycle's, and the date stays moved",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(DECLINED).status(REQUESTED),
        Says("2a", DUE, "the client declined"),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff", "2b recorded"],
        id="declined and moved on before anybody looked: the decline still counts",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(DECLINED).look().later(days=30).look().status(DECLINED),
        Says("2a", DUE, "the client declined"),
        [*moved_to(date(2027, 1, 12)), "2a close kickoff"],
        id="declined again in the next cycle: again",
    ),
    pytest.param(
        lambda: closed().later(days=20).look().status(DECLINED),
        Says("2a", DUE, "the client declined"),
        [*moved_to(date(2027, 1, 2)), "2a close kickoff"],
        id="what stayed open in the cycle before is not this cycle's: it is left alone",
    ),
    pytest.param(
        lambda: approved().status(IMPLEMENTED).status(EMPTY).status(DECLINED),
        Says("2a", WAITING, "handoff 8 of the cycle before comes first"),
        ["8 write 101: creative_refresh_date=2026-12-02", "8 close implement", *CONFIRM],
        id="two cycles ended before anybody looked: one after the other",
    ),
    pytest.param(
        lambda: quiet().date(10).look().set_cadence("Whenever").status(DECLINED),
        Says("2a", BLOCKED, "“Whenever” is not in the mapping"),
        ["2a write 101:  (blocked)", "2a close kickoff"],
        id="an unmapped cadence: the date is blocked, the tasks are closed all the same",
    ),
    pytest.param(
        lambda: quiet().date(10).look().set_cadence("Whenever").status(DECLINED).look().set_cadence("30"),
        Says("2a", DUE, "the client declined"),
        moved_to(date(2026, 12, 12)),
        id="the cadence is mended: the date moves",
    ),
    pytest.param(
        lambda: quiet().date(10).look().set_cadence("Whenever").status(DECLINED).look().later(days=30),
        Says("1", WAITING, "handoff 2a of the cycle before comes first"),
        ["2a write 101:  (blocked)"],
        id="blocked for a month: no kickoff on the old date",
    ),
    pytest.param(
        lambda: quiet().date(10).status(DECLINED).went_live(),
        Says("2a", SILENT, "has not declined in this cycle"),
        LEFTOVER_CLEARED + KICKOFF,
        id="a decline older than going live does nothing; the kickoff of its next cycle is due",
    ),
    pytest.param(
        lambda: quiet().adopt("1:101:start:0", Handoff.KICKOFF, TaskKind.KICKOFF).status(DECLINED),
        Says("2a", DUE, ""),
        moved_to(date(2027, 1, 12)),
        id="adopted tasks are people's own and stay",
    ),
    pytest.param(
        lambda: quiet().date(10).look().nobody(SAS).date(0).look().status(DECLINED).look().name(SAS, "sas"),
        Says("3", WAITING, "the Refresh Date is"),
        NOTHING,
        id="what was blocked in the declined cycle is not done any more",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(DECLINED).look().lose_database(),
        Says("2a", DONE, "before this ledger began"),
        ["2a recorded"],
        id="a lost database: the history shows that the date was moved",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(DECLINED).date(40, own=True).lose_database(),
        Says("2a", DUE, "the date was moved before this ledger began"),
        ["2a close kickoff"],
        id="a lost database, after the move of the date: what the decline was still to close is closed",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(DECLINED).look().reopen(TaskKind.KICKOFF).lose_database(),
        Says("2a", DONE, "before this ledger began"),
        ["2a recorded"],
        id="a lost database: what a person has opened again since stays open",
    ),
    pytest.param(
        lambda: quiet().date(10).look().set_cadence("Never").status(DECLINED).look().reopen(TaskKind.KICKOFF),
        Says("2a", BLOCKED, "is not in the mapping"),
        ["2a write 101:  (blocked)"],
        id="blocked for its cadence: what a person has opened again since stays open",
    ),
    pytest.param(
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
        ["8 write 101:  (blocked)"],
        id="a decline that waits behind an ending that is blocked: its cycle's blocked work is not done",
    ),
    pytest.param(
        lambda: quiet().date(10).look().lose_database().status(DECLINED),
        Says("2a", DUE, ""),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff"],
        id="a lost database: a decline after it closes the tasks made before it",
    ),
]

HANDOFF_2B = [
    pytest.param(
        lambda: quiet().date(10).look().status(REQUESTED),
        Says("2b", DONE, "notation only"),
        ["2b recorded"],
        id="confirmed: no task, no email, no write; recorded",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(REQUESTED).look(),
        Says("2b", DONE, "notation only"),
        NOTHING,
        id="recorded once",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(REQUESTED).look().status(EMPTY).status(REQUESTED),
        Says("2b", DONE, ""),
        ["2b recorded"],
        id="recorded again for a second version",
    ),
    pytest.param(
        lambda: quiet().date(10).look().note("green"),
        Says("2b", SILENT, "has not been noted"),
        NOTHING,
        id="a Note alone moves nothing",
    ),
    pytest.param(
        lambda: quiet().status(REQUESTED).went_live(),
        Says("2b", SILENT, ""),
        NOTHING,
        id="older than going live: not recorded",
    ),
]

HANDOFF_3 = [
    pytest.param(
        lambda: quiet().date(1).look(), Says("3", WAITING, "the Refresh Date is Tue 3 Nov 2026"), NOTHING, id="tomorrow"
    ),
    pytest.param(
        lambda: quiet().date(1).look().later(days=1),
        Says("3", DUE, "is today"),
        ARRIVED,
        id="the date is today: a task and an email for the SAS",
    ),
    pytest.param(
        lambda: quiet().date(1).look().status(REQUESTED).look().later(days=1),
        Says("3", DUE, "is today"),
        ARRIVED,
        id="the same after the AM confirmed",
    ),
    pytest.param(
        lambda: quiet().date(1).look().later(days=4), Says("3", DUE, "has come"), ARRIVED, id="a missed day still fires"
    ),
    pytest.param(lambda: quiet().date(None), Says("3", SILENT, "has no Refresh Date"), NOTHING, id="no date"),
    *[
        pytest.param(
            lambda status=status: quiet().date(1).look().status(status).look().later(days=1),
            Says("3", SUPERSEDED, "later in the process"),
            NOTHING,
            id=f"{status}: the SAS has already acted",
        )
        for status in (SUBMITTED, IN_REVIEW, APPROVED)
    ],
    pytest.param(
        lambda: quiet().date(1).look().status(Status.UNMAPPED).later(days=1),
        Says("3", SILENT, "is not in the mapping"),
        NOTHING,
        id="a status that the mapping does not name: nothing",
    ),
    pytest.param(
        lambda: quiet().status(DECLINED).look().date(0),
        Says("3", DUE, "is today"),
        LEFTOVER_CLEARED + KICKOFF + ARRIVED,
        id="with the leftover of handoff 1: both fire",
    ),
    pytest.param(lambda: begun(), Says("3", DONE, "is today"), NOTHING, id="done"),
    pytest.param(
        lambda: begun().later(days=20), Says("3", DONE, "is today"), NOTHING, id="once a cycle, however long it takes"
    ),
    pytest.param(
        lambda: begun().complete(TaskKind.CREATE_TICKETS).later(days=1),
        Says("3", DONE, ""),
        NOTHING,
        id="the SAS completed the task and forgot the status: no second task",
    ),
    pytest.param(
        lambda: begun().date(2).look(),
        Says("3", WAITING, "the Refresh Date is"),
        NOTHING,
        id="moved later after it fired: not come yet",
    ),
    pytest.param(
        lambda: begun().date(2).look().complete(TaskKind.CREATE_TICKETS).later(days=2),
        Says("3", DUE, "is today"),
        ARRIVED,
        id="moved later, has come, and the task was completed before: again",
    ),
    pytest.param(
        lambda: begun().date(2).look().delete_task(TaskKind.CREATE_TICKETS).later(days=2),
        Says("3", DUE, "is today"),
        ARRIVED,
        id="moved later, has come, and the task was deleted: again",
    ),
    pytest.param(
        lambda: begun().date(2).look().later(days=2),
        Says("3", SUPERSEDED, "was still open when it came"),
        ["3 overtaken"],
        id="moved later, has come, and the task is still open: not again",
    ),
    pytest.param(
        lambda: begun().date(2).look().later(days=3).complete(TaskKind.CREATE_TICKETS).look(),
        Says("3", SUPERSEDED, "was still open when it came"),
        NOTHING,
        id="the task was open when the date came, though nobody looked until it was completed: not again",
    ),
    pytest.param(
        lambda: begun().later(days=5).complete(TaskKind.CREATE_TICKETS).date(-2),
        Says("3", DUE, "has come"),
        ARRIVED,
        id="moved later to a day that is past already: it came when it was set, and the task was completed then",
    ),
    pytest.param(
        lambda: begun().later(days=5).complete(TaskKind.CREATE_TICKETS).date(0),
        Says("3", DUE, "is today"),
        ARRIVED,
        id="moved later to today, an hour after the task was completed: again",
    ),
    pytest.param(
        lambda: begun().later(days=5).date(0),
        Says("3", SUPERSEDED, "was still open when it came"),
        ["3 overtaken"],
        id="moved later to today while the task is open: not again",
    ),
    pytest.param(
        lambda: begun().complete(TaskKind.CREATE_TICKETS).date(-4),
        Says("3", DONE, "is today"),
        NOTHING,
        id="moved earlier: not again",
    ),
    pytest.param(
        lambda: (
            begun()
            .date(2)
            .look()
            .complete(TaskKind.CREATE_TICKETS)
            .later(days=2)
            .look()
            .complete(TaskKind.CREATE_TICKETS)
            .date(-1)
        ),
        Says("3", DONE, "is today"),
        NOTHING,
        id="moved between the two dates for which it fired: not again",
    ),
    pytest.param(
        lambda: quiet().nobody(SAS).date(0).look(),
        Says("3", BLOCKED, "no Social Ad Specialist is named"),
        ["3 task create_tickets for None (blocked)", "3 email date_arrived to None (blocked)"],
        id="no SAS: blocked; the AM's kickoff went ahead",
    ),
    pytest.param(
        lambda: quiet().nobody(SAS).date(0).look().date(3).look().name(SAS, "sas"),
        Says("3", WAITING, ""),
        NOTHING,
        id="blocked, and meanwhile the date was moved away: not due any more",
    ),
    pytest.param(
        lambda: begun().lose_database(),
        Says("3", DONE, ""),
        NOTHING,
        id="a lost database: the task in the CRM carries the key",
    ),
]

HANDOFF_4 = [
    pytest.param(
        lambda: begun().ticket("201"),
        Says("4", DUE, "ticket 201 “Ad 201” came on", "201"),
        MADE,
        id="a ticket: one task for the Copywriter and one for the Graphic Designer",
    ),
    pytest.param(
        lambda: begun().ticket("201").look(), Says("4", DONE, "", "201"), NOTHING, id="once a ticket and role"
    ),
    pytest.param(
        lambda: begun().ticket("201").look().ticket("202"),
        Says("4", DUE, "", "202"),
        MADE,
        id="a second ticket: its own two tasks",
    ),
    pytest.param(
        lambda: begun().ticket("201", ""),
        Says("4", DUE, "", "201"),
        MADE,
        id="without a folder name: tasks all the same",
    ),
    pytest.param(
        lambda: begun().ticket("201").close("201"),
        Says("4", SILENT, "is closed", "201"),
        NOTHING,
        id="closed before anybody looked",
    ),
    pytest.param(
        lambda: begun().ticket("201").close("201").look().move("201", to=Stage.IN_PROGRESS),
        Says("4", DUE, "", "201"),
        MADE,
        id="and reopened: now",
    ),
    pytest.param(
        lambda: begun().ticket("201").leave_pipeline("201"),
        Says("4", SILENT, "is not in the deliverables pipeline", "201"),
        NOTHING,
        id="in another pipeline",
    ),
    pytest.param(
        lambda: quiet().ticket("201").went_live(),
        Says("4", SILENT, "is older than going live", "201"),
        NOTHING,
        id="older than going live",
    ),
    pytest.param(
        lambda: quiet().went_live().ticket("201", age=timedelta(days=30), moved_in=timedelta(0)),
        Says("4", DUE, "", "201"),
        MADE,
        id="older than going live, but moved into the pipeline after it",
    ),
    pytest.param(
        lambda: begun().ticket("201").look().leave_pipeline("201").look().ticket("201", age=timedelta(hours=1)),
        Says("4", DONE, "", "201"),
        NOTHING,
        id="moved out of the pipeline and back: not again",
    ),
    pytest.param(
        lambda: quiet().date(10).look().status(DECLINED).look().ticket("201"),
        Says("4", DUE, "", "201"),
        MADE,
        id="made after a decline: on purpose, for the new cycle",
    ),
    pytest.param(
        lambda: quiet().ticket("201"),
        Says("4", DUE, "", "201"),
        MADE,
        id="made before any kickoff: the creation itself is the handoff",
    ),
    pytest.param(
        lambda: begun().nobody(DESIGNER).ticket("201"),
        Says("4", DUE, "blocked: no Graphic Designer is named", "201"),
        ["4 task write_copy for copy", "4 task design_graphics for None (blocked)"],
        id="no designer: that role waits, the Copywriter does not",
    ),
    pytest.param(
        lambda: begun().nobody(DESIGNER).ticket("201").look().name(DESIGNER, "design"),
        Says("4", DONE, "", "201"),
        ["4 task:design_graphics → design"],
        id="the designer is named later: that task alone",
    ),
    pytest.param(
        lambda: begun().nobody(DESIGNER).ticket("201").look(times=3),
        Says("4", DONE, "", "201"),
        ["4 task:design_graphics → nobody"],
        id="blocked is kept and tried again at each look",
    ),
    pytest.param(
        lambda: begun().ticket("201", owners={WRITER: "own-copy"}),
        Says("4", DUE, "", "201"),
        ["4 task write_copy for own-copy", "4 task design_graphics for design"],
        id="the ticket's own people win over the portfolio's",
    ),
    pytest.param(
        lambda: submitted().status(EMPTY).status(SUBMITTED),
        Says("4", DONE, "", "201"),
        NOTHING,
        id="Deliverables Submitted is notation only: no task, no email",
    ),
    pytest.param(
        lambda: begun().ticket("201").status(SUBMITTED),
        Says("4", DUE, "", "201"),
        MADE,
        id="Deliverables Submitted before anybody looked: the tickets' tasks, nothing more",
    ),
    pytest.param(
        lambda: begun().status(SUBMITTED),
        Says("4", SILENT, "the portfolio has no tickets"),
        NOTHING,
        id="Deliverables Submitted without a ticket: no task, no email",
    ),
    pytest.param(
        lambda: submitted().lose_database(),
        Says("4", DONE, "", "201"),
        NOTHING,
        id="a lost database: the tasks in the CRM carry the keys",
    ),
]


def young(status: Status | None = None) -> Scene:
    """Two fresh tickets of one folder, at work, in an early status."""
    scene = begun() if status is None else begun().status(status)
    return scene.ticket("201").ticket("202").look()


HANDOFF_5 = [
    pytest.param(
        lambda: submitted().move("201"),
        Says("5", WAITING, "1 of 2 are ready; waiting for ticket 202"),
        NOTHING,
        id="one of two is ready: wait",
    ),
    pytest.param(
        lambda: submitted().move("201", "202"),
        Says("5", DUE, "all 2 tickets of Ad Set “Spring” are ready"),
        READY,
        id="every ticket is in Pending Approval: status, task and email for the AM, email for the SAS",
    ),
    pytest.param(in_review, Says("5", DONE, ""), NOTHING, id="announced once"),
    pytest.param(
        lambda: (
            begun()
            .ticket("201", "  Spring   SALE ")
            .ticket("202", "spring sale")
            .status(SUBMITTED)
            .look()
            .move("201", "202")
        ),
        Says("5", DUE, "all 2 tickets of Ad Set “Spring SALE”"),
        READY,
        id="folder names are compared trimmed, runs of spaces as one, case ignored",
    ),
    pytest.param(
        lambda: begun().ticket("201", "Spring").ticket("202", "Spring 2").status(SUBMITTED).look().move("201"),
        Says("5", DUE, "the one ticket of Ad Set “Spring”"),
        READY,
        id="another folder's ticket does not hold it up",
    ),
    pytest.param(
        lambda: begun().ticket("201", " ").status(SUBMITTED).look().move("201"),
        Says("5", SILENT, "has no Deliverable Folder Name", "201"),
        NOTHING,
        id="no folder name: in no set; reported, not guessed at",
    ),
    pytest.param(
        lambda: (
            begun().ticket("201", "").ticket("202", "").ticket("203").status(SUBMITTED).look().move("201", "202", "203")
        ),
        Says("5", DUE, "the one ticket of Ad Set “Spring”", PORTFOLIO),
        READY,
        id="tickets without a folder name are not one set, and hold up none",
    ),
    pytest.param(
        lambda: submitted().move("201").close("202"),
        Says("5", DUE, "the one ticket"),
        READY,
        id="the last one behind is closed: the set is ready",
    ),
    pytest.param(
        lambda: submitted().move("201").delete("202"),
        Says("5", DUE, "the one ticket"),
        READY,
        id="the last one behind is deleted: the set is ready",
    ),
    pytest.param(
        lambda: submitted().move("201").rename("Summer", "202"),
        Says("5", DUE, "the one ticket"),
        READY,
        id="the last one behind gets another folder: the set is ready",
    ),
    pytest.param(
        lambda: submitted().move("201").leave_pipeline("202"),
        Says("5", DUE, "the one ticket"),
        READY,
        id="the last one behind leaves the pipeline: the set is ready",
    ),
    pytest.param(
        lambda: submitted().close("201").close("202"),
        Says("5", SILENT, "this cycle has no open ticket"),
        NOTHING,
        id="a set without an open ticket is no set",
    ),
    pytest.param(
        lambda: closed().later(days=20).look().ticket("301").status(SUBMITTED).look().move("301"),
        Says("5", DUE, "the one ticket of Ad Set “Spring”"),
        READY,
        id="an earlier cycle's tickets of the same folder do not count",
    ),
    # the barrier
    pytest.param(
        lambda: young().move("201", "202"),
        Says("5", WAITING, "younger than 0:15:00: more may come"),
        NOTHING,
        id="barrier: an early status and a young ticket: wait",
    ),
    pytest.param(
        lambda: young().later(minutes=14).move("201", "202"),
        Says("5", WAITING, "more may come"),
        NOTHING,
        id="barrier: 14 minutes",
    ),
    pytest.param(
        lambda: young().move("201", "202").later(minutes=15),
        Says("5", DUE, ""),
        READY,
        id="barrier: the newest ticket was created 15 minutes ago",
    ),
    pytest.param(
        lambda: begun().ticket("201").later(minutes=20).ticket("202").look().move("201", "202"),
        Says("5", WAITING, "more may come"),
        NOTHING,
        id="barrier: the newest ticket decides",
    ),
    pytest.param(
        lambda: begun().ticket("201").later(minutes=20).ticket("202", "Summer").look().move("201"),
        Says("5", DUE, ""),
        READY,
        id="barrier: the newest of the set, not of another set",
    ),
    pytest.param(
        lambda: begun().ticket("201").later(minutes=20).ticket("202").look().move("201").close("202"),
        Says("5", DUE, ""),
        READY,
        id="barrier: the newest open ticket; a closed one does not count",
    ),
    pytest.param(
        lambda: young(REQUESTED).move("201", "202"),
        Says("5", WAITING, "more may come"),
        NOTHING,
        id="barrier: Refresh Request Submitted is not enough",
    ),
    pytest.param(
        lambda: young().move("201", "202").look().status(SUBMITTED),
        Says("5", DUE, ""),
        READY,
        id="barrier: Deliverables Submitted says that all tickets are there",
    ),
    pytest.param(
        lambda: young().move("201", "202").look().status(IN_REVIEW),
        Says("5", DUE, ""),
        ANNOUNCE,
        id="barrier: so does Creatives Pending Approval, set by hand: announced, no status to write",
    ),
    # the status
    *[
        pytest.param(
            lambda status=status: young(status).move("201", "202").later(minutes=15),
            Says("5", DUE, ""),
            READY,
            id=f"the status advances from {status or 'empty'}",
        )
        for status in (EMPTY, REQUESTED)
    ],
    pytest.param(
        lambda: quiet().status(DECLINED).look().ticket("201").ticket("202").look().move("201", "202").later(minutes=15),
        Says("5", DUE, ""),
        READY,
        id="a leftover No Refresh Requested counts as an empty status",
    ),
    pytest.param(
        lambda: submitted().status(APPROVED).look().move("201", "202"),
        Says("5", SILENT, "the client has seen it"),
        NOTHING,
        id="never backwards from Creatives Completed & Approved: bypassed",
    ),
    pytest.param(
        lambda: submitted().move("201", "202").status(IMPLEMENTED),
        Says("5", SILENT, "the client has seen it"),
        reset_to(date(2026, 12, 2)) + CONFIRM,
        id="bypassed once the status is Creatives Implemented",
    ),
    pytest.param(
        lambda: closed().close("202").look().move("201", to=Stage.OTHER).look().move("201"),
        Says("5", SILENT, "this cycle has no open ticket"),
        NOTHING,
        id="bypassed once the cycle has closed",
    ),
    pytest.param(
        lambda: submitted().status(Status.UNMAPPED).move("201", "202"),
        Says("5", SILENT, "is not in the mapping"),
        NOTHING,
        id="a status that the mapping does not name: nothing",
    ),
    # what is new is announced, once
    pytest.param(
        lambda: in_review().move("201", to=Stage.IN_PROGRESS).look().move("201"),
        Says("5", DUE, "all 2 tickets"),
        ANNOUNCE,
        id="a revision round announces again",
    ),
    pytest.param(
        lambda: in_review().move("201", to=Stage.IN_PROGRESS).move("201"),
        Says("5", DUE, "all 2 tickets"),
        ANNOUNCE,
        id="even if nobody looked in between: entries decide, not clocks",
    ),
    pytest.param(
        lambda: in_review().ticket("203").look().move("203"),
        Says("5", DUE, "all 3 tickets"),
        ANNOUNCE,
        id="a ticket that joins announces again",
    ),
    pytest.param(
        lambda: in_review().ticket("203").look(),
        Says("5", WAITING, "2 of 3 are ready"),
        NOTHING,
        id="while it is behind, the set is not ready",
    ),
    pytest.param(
        lambda: in_review().ticket("203", "Summer").look().move("203").look().rename("Spring", "203"),
        Says("5", DONE, ""),
        NOTHING,
        id="a ticket that joins from another announced set holds nothing new",
    ),
    pytest.param(lambda: in_review().delete("202"), Says("5", DONE, ""), NOTHING, id="a deleted ticket does not"),
    pytest.param(lambda: in_review().close("202"), Says("5", DONE, ""), NOTHING, id="a closed ticket does not"),
    pytest.param(
        lambda: in_review().rename("Summer", "202"), Says("5", DONE, ""), NOTHING, id="a ticket that leaves does not"
    ),
    pytest.param(
        lambda: in_review().rename("Summer", "201", "202"),
        Says("5", DONE, ""),
        NOTHING,
        id="a folder renamed as a whole does not",
    ),
    pytest.param(
        lambda: in_review().status(SUBMITTED),
        Says("5", DONE, ""),
        NOTHING,
        id="the status set back by a person: not announced again, and not overruled",
    ),
    pytest.param(
        lambda: begun().ticket("201", "Spring").ticket("202", "Summer").status(SUBMITTED).look().move("201", "202"),
        Says("5", DUE, ""),
        READY + READY,
        id="two sets ready in one pass: two announcements, and each sees to the status",
    ),
    pytest.param(
        lambda: (
            begun()
            .ticket("201", "Spring")
            .ticket("202", "Summer")
            .status(SUBMITTED)
            .look()
            .move("201")
            .look()
            .move("202")
        ),
        Says("5", DUE, "Ad Set “Summer”"),
        ANNOUNCE,
        id="the second set, later: announced, no status to write",
    ),
    pytest.param(
        lambda: (
            begun()
            .ticket("201", "Spring")
            .ticket("202", "Summer")
            .ticket("203", "Summer")
            .status(SUBMITTED)
            .look()
            .move("202")
            .move("201")
            .look()
            .close("203")
        ),
        Says("5", DUE, "Ad Set “Summer”"),
        ANNOUNCE,
        id="the second set, its entry older than the first one's announcement: entries decide, not clocks",
    ),
    pytest.param(
        lambda: (
            closed()
            .later(days=20)
            .look()
            .ticket("301")
            .ticket("302")
            .status(SUBMITTED)
            .look()
            .move("301", "302")
            .look()
        ),
        Says("5", DONE, ""),
        NOTHING,
        id="a new cycle announces its own set once",
    ),
    pytest.param(
        lambda: submitted().move("201").went_live().move("202"),
        Says("5", DUE, "all 2 tickets"),
        READY,
        id="going live between two entries: the newer one counts",
    ),
    pytest.param(
        lambda: submitted().move("201", "202").went_live(),
        Says("5", SILENT, "was ready before going live"),
        NOTHING,
        id="ready before going live: nothing",
    ),
    pytest.param(
        lambda: submitted().nobody(AM).move("201", "202"),
        Says("5", DUE, "blocked: no Account Manager is named"),
        [
            *ADVANCE,
            "5 task share_deliverables for None (blocked)",
            "5 email set_ready_account_manager to None (blocked)",
            "5 email set_ready_social_ad_specialist to sas",
        ],
        id="no AM: the status advances and the SAS is told",
    ),
    pytest.param(
        lambda: submitted().nobody(AM).move("201", "202").look().name(AM, "am").complete(TaskKind.KICKOFF),
        Says("5", DONE, ""),
        ["5 task:share_deliverables → am", "5 email:set_ready_account_manager → am"],
        id="the AM is named later: told then",
    ),
    pytest.param(
        lambda: submitted().move("201", "202").refuse("write").look().refuse(),
        Says("5", DUE, "all 2 tickets"),
        ADVANCE,
        id="the CRM refused the status: that write alone is still to be done",
    ),
    pytest.param(
        lambda: submitted().nobody(AM).move("201", "202").refuse("write").look().refuse().look().name(AM, "am"),
        Says("5", DONE, ""),
        ["5 task:share_deliverables → am", "5 email:set_ready_account_manager → am"],
        id="the CRM refused the status while there was no AM: neither is dropped",
    ),
    pytest.param(
        lambda: in_review().lose_database(),
        Says("5", DONE, ""),
        NOTHING,
        id="a lost database: the task carries the entries that were announced",
    ),
]


def in_revision(*values: Revision) -> Scene:
    return in_review().approve("201").revise("201", *values).look()


HANDOFF_6 = [
    pytest.param(
        lambda: in_review().approve("201").revise("201", COPY),
        Says("6", DUE, "Copy Revisions Only was asked for", "201"),
        [kicked_back("copy"), REVISE_COPY],
        id="copy: back to In Progress, copy approval reset, a task for the Copywriter, in one write",
    ),
    pytest.param(
        lambda: in_review().approve("201").revise("201", GRAPHIC),
        Says("6", DUE, "", "201"),
        [kicked_back("graphic"), REVISE_GRAPHICS],
        id="graphic: graphic approval reset, a task for the Graphic Designer",
    ),
    pytest.param(
        lambda: in_review().approve("201").revise("201", BOTH),
        Says("6", DUE, "", "201"),
        [kicked_back("copy", "graphic"), REVISE_COPY, REVISE_GRAPHICS],
        id="both: both reset, both tasks",
    ),
    pytest.param(
        lambda: in_review().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
        id="an approval that is empty already is not written",
    ),
    pytest.param(lambda: in_revision(COPY), Says("6", DONE, "", "201"), NOTHING, id="once a version"),
    pytest.param(
        lambda: in_revision(COPY).complete(TaskKind.REVISE_COPY).approve("201").move("201"),
        Says("6", DUE, "Needs Revisions is emptied", "201"),
        [*ANNOUNCE, EMPTIED],
        id="back in Pending Approval: Needs Revisions is emptied, and the set is announced again",
    ),
    pytest.param(
        lambda: in_revision(COPY).complete(TaskKind.REVISE_COPY).move("201").look(),
        Says("6", DONE, "Copy Revisions Only"),
        NOTHING,
        id="emptied once",
    ),
    pytest.param(
        lambda: in_revision(COPY).complete(TaskKind.REVISE_COPY).approve("201").move("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back("copy"), REVISE_COPY],
        id="the same value a second time is a second round",
    ),
    pytest.param(
        lambda: in_revision(COPY).complete(TaskKind.REVISE_COPY).approve("201").revise("201", COPY),
        Says("6", DUE, "", "201"),
        ["6 write 201: copy_approval=", REVISE_COPY],
        id="set again while in progress, the task completed meanwhile: a second round",
    ),
    pytest.param(
        lambda: in_revision(COPY).delete_task(TaskKind.REVISE_COPY).revise("201", COPY),
        Says("6", DUE, "", "201"),
        [REVISE_COPY],
        id="set again after the task was deleted: a new one",
    ),
    pytest.param(
        lambda: in_revision(COPY).delete_task(TaskKind.REVISE_COPY),
        Says("6", DONE, "", "201"),
        NOTHING,
        id="the task was deleted: not made again for the same version",
    ),
    pytest.param(
        lambda: in_revision(COPY).approve("201").revise("201", COPY),
        Says("6", DUE, "", "201"),
        ["6 recorded"],
        id="set again while the task is open: no second one, and its approval is not reset again",
    ),
    pytest.param(
        lambda: in_revision(COPY).approve("201").revise("201", BOTH),
        Says("6", DUE, "", "201"),
        ["6 write 201: graphic_approval=", REVISE_GRAPHICS],
        id="a round that widens adds only the missing role",
    ),
    pytest.param(
        lambda: in_review().approve("201").revise("201", COPY, BOTH),
        Says("6", DUE, "", "201"),
        [kicked_back("copy"), REVISE_COPY, kicked_back("graphic"), REVISE_GRAPHICS],
        id="widened before anybody looked: one task for each role",
    ),
    pytest.param(
        lambda: in_review().approve("201").revise("201", COPY, GRAPHIC),
        Says("6", DUE, "", "201"),
        [kicked_back("copy"), REVISE_COPY, kicked_back("graphic"), REVISE_GRAPHICS],
        id="a version that was overwritten before it was seen still counts",
    ),
    pytest.param(
        lambda: in_review().approve("201").revise("201", COPY, None),
        Says("6", DUE, "Copy Revisions Only", "201"),
        [kicked_back("copy"), REVISE_COPY],
        id="so does one that was emptied before it was seen",
    ),
    pytest.param(
        lambda: in_revision(BOTH).approve("201").complete(TaskKind.REVISE_COPY).revise("201", COPY),
        Says("6", DUE, "", "201"),
        ["6 write 201: copy_approval=", REVISE_COPY],
        id="a round that narrows: only the role whose task was completed",
    ),
    pytest.param(
        lambda: in_revision(COPY).move("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back()],
        id="the open task stands, but the ticket is kicked back all the same",
    ),
    pytest.param(
        lambda: in_review().approve("201").revise("201", COPY).refuse("write").look(),
        Says("6", DUE, "", "201"),
        [kicked_back("copy")],
        id="set while in Pending Approval and not kicked back yet: not emptied",
    ),
    pytest.param(
        lambda: in_review().revise("201", Revision.UNMAPPED),
        Says("6", BLOCKED, "Needs Revisions is “Other Revisions”, which the mapping does not name", "201"),
        NOTHING,
        id="a value outside the three is reported, and nothing is written",
    ),
    pytest.param(
        lambda: begun().ticket("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
        id="whatever the ticket's stage",
    ),
    pytest.param(
        lambda: begun().ticket("201", stage=Stage.IN_PROGRESS).look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [REVISE_COPY],
        id="already in progress: a task, nothing to write",
    ),
    pytest.param(
        lambda: in_review().close("201").look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
        id="a closed ticket is reopened",
    ),
    pytest.param(
        lambda: closed().look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
        id="whatever the ticket's cycle: a person asked for it",
    ),
    pytest.param(
        lambda: submitted().status(DECLINED).look().revise("201", COPY),
        Says("6", DUE, "", "201"),
        [kicked_back(), REVISE_COPY],
        id="even after a decline: a person asked for it",
    ),
    pytest.param(
        lambda: in_review().leave_pipeline("201").revise("201", COPY),
        Says("6", SILENT, "no ticket needs revisions"),
        NOTHING,
        id="outside the deliverables pipeline: nothing",
    ),
    pytest.param(
        lambda: in_review().revise("201", COPY).went_live().move("201", to=PENDING),
        Says("6", SILENT, "no ticket needs revisions"),
        NOTHING,
        id="older than going live: left as it is",
    ),
    pytest.param(
        lambda: in_review().revise("201", COPY).went_live().move("201", to=Stage.IN_PROGRESS).look().move("201"),
        Says("6", SILENT, "no ticket needs revisions"),
        ANNOUNCE,
        id="older than going live: not emptied either",
    ),
    pytest.param(
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
        [*ANNOUNCE, EMPTIED],
        id="unless it was adopted",
    ),
    pytest.param(
        lambda: in_review().revise("201", COPY).went_live().adopt_revision("201"),
        Says("6", DONE, "adopted", "201"),
        NOTHING,
        id="adopted, and the ticket has been in Pending Approval since before: it must first be kicked back",
    ),
    pytest.param(
        lambda: in_review().nobody(WRITER).revise("201", BOTH),
        Says("6", DUE, "blocked: no Copywriter is named", "201"),
        [kicked_back(), "6 task revise_copy for None (blocked)", REVISE_GRAPHICS],
        id="no Copywriter: that role waits, the rest goes ahead",
    ),
    pytest.param(
        lambda: in_review().nobody(WRITER).approve("201").revise("201", COPY).look().revise("201", BOTH),
        Says("6", DUE, "", "201"),
        ["6 write 201: graphic_approval=", REVISE_GRAPHICS, "6 task:revise_copy → nobody"],
        id="widened while the Copywriter is missing: that role is waited for once",
    ),
    pytest.param(
        lambda: in_review().nobody(WRITER).move("201", to=Stage.IN_PROGRESS).revise("201", COPY).look().move("201"),
        Says("6", DUE, "Needs Revisions is emptied", "201"),
        [*ANNOUNCE, EMPTIED, "6 task:revise_copy → nobody"],
        id="no Copywriter, and nothing to write: the ticket that the team moves on is not kicked back after all",
    ),
    pytest.param(
        lambda: in_review().ticket("201", owners={DESIGNER: "own-design"}).look().revise("201", GRAPHIC),
        Says("6", DUE, "", "201"),
        [kicked_back(), "6 task revise_graphics for own-design"],
        id="the ticket's own people win over the portfolio's",
    ),
    pytest.param(
        lambda: in_revision(BOTH).lose_database(),
        Says("6", DONE, "", "201"),
        NOTHING,
        id="a lost database: the tasks in the CRM carry the keys",
    ),
]


HANDOFF_7 = [
    pytest.param(
        lambda: in_review().status(APPROVED),
        Says("7", DUE, "the client approved"),
        IMPLEMENT,
        id="approved: an email to the SAS, and the implementation task",
    ),
    pytest.param(approved, Says("7", DONE, "the client approved"), NOTHING, id="once a version"),
    pytest.param(
        lambda: quiet().status(APPROVED),
        Says("7", DUE, ""),
        IMPLEMENT,
        id="approved without anything before it: the same",
    ),
    pytest.param(
        lambda: in_review().status(APPROVED).status(IMPLEMENTED),
        Says("7", SUPERSEDED, "the status had moved on before the service looked"),
        ["7 overtaken", *reset_to(date(2026, 12, 2)), *CONFIRM],
        id="moved on to Creatives Implemented before the service looked: overtaken",
    ),
    pytest.param(
        lambda: in_review().status(APPROVED).status(IN_REVIEW),
        Says("7", SUPERSEDED, "the status had moved on"),
        ["7 overtaken"],
        id="moved back before the service looked: overtaken",
    ),
    pytest.param(
        lambda: in_review().status(APPROVED).status(IN_REVIEW).look().status(APPROVED),
        Says("7", DUE, ""),
        IMPLEMENT,
        id="overtaken, then approved again: its own task",
    ),
    pytest.param(
        lambda: approved().status(IN_REVIEW).look(),
        Says("7", DONE, ""),
        NOTHING,
        id="moved back after the task was made: the task stays",
    ),
    pytest.param(
        lambda: approved().status(IN_REVIEW).look().status(APPROVED),
        Says("7", SUPERSEDED, "was still open: that task stands"),
        ["7 overtaken"],
        id="set again while the task is open: no second task, no second email",
    ),
    pytest.param(
        lambda: approved().status(IN_REVIEW).look().status(APPROVED).look(),
        Says("7", SUPERSEDED, "that task stands"),
        NOTHING,
        id="and that is recorded once",
    ),
    pytest.param(
        lambda: approved().status(IN_REVIEW).status(APPROVED).complete(TaskKind.IMPLEMENT),
        Says("7", SUPERSEDED, "was still open: that task stands"),
        ["7 overtaken", *BY_TASK],
        id="set again while the task was open, and completed before anybody looked: it closes the cycle",
    ),
    pytest.param(
        lambda: approved().status(IN_REVIEW).look().complete(TaskKind.IMPLEMENT).look().status(APPROVED),
        Says("8", WAITING, "the newest approval gets a task of its own first"),
        IMPLEMENT,
        id="completed while the status was back: a new version is a new task, and the old one does not stand in",
    ),
    pytest.param(
        lambda: approved().delete_task(TaskKind.IMPLEMENT),
        Says("7", DONE, ""),
        NOTHING,
        id="the task was deleted: not made again for the same version",
    ),
    pytest.param(
        lambda: approved().delete_task(TaskKind.IMPLEMENT).status(IN_REVIEW).look().status(APPROVED),
        Says("7", DUE, ""),
        IMPLEMENT,
        id="the task was deleted: a new version is a new task",
    ),
    pytest.param(
        lambda: in_review().status(APPROVED).went_live(),
        Says("7", SILENT, "older than going live"),
        NOTHING,
        id="older than going live",
    ),
    pytest.param(
        lambda: in_review().nobody(SAS).status(APPROVED),
        Says("7", BLOCKED, "no Social Ad Specialist"),
        ["7 task implement for None (blocked)", "7 email client_approved to None (blocked)"],
        id="no SAS: blocked",
    ),
    pytest.param(
        lambda: in_review().nobody(SAS).status(APPROVED).look().status(IMPLEMENTED).look().name(SAS, "sas"),
        Says("7", SILENT, "has not approved in this cycle"),
        NOTHING,
        id="blocked, and meanwhile implemented: no task any more",
    ),
    pytest.param(
        lambda: approved().lose_database(), Says("7", DONE, ""), NOTHING, id="a lost database: the task carries the key"
    ),
    pytest.param(
        lambda: approved().complete(TaskKind.IMPLEMENT).look().later(days=28).look().status(APPROVED),
        Says("7", DUE, ""),
        IMPLEMENT,
        id="the next cycle's approval: a new task",
    ),
]

HANDOFF_8 = [
    pytest.param(
        approved, Says("8", WAITING, "is open"), NOTHING, id="the task is open: wait, whatever its status is called"
    ),
    pytest.param(
        lambda: approved().complete(TaskKind.IMPLEMENT),
        Says("8", DUE, "is completed"),
        BY_TASK,
        id="by task: completed, so the status is set",
    ),
    pytest.param(
        lambda: approved().complete(TaskKind.IMPLEMENT).look(),
        Says("8", DONE, "was set on"),
        NOTHING,
        id="by task: the service's own Creatives Implemented closes the cycle",
    ),
    pytest.param(
        lambda: approved().status(IMPLEMENTED),
        Says("8", DUE, "was set on"),
        [*reset_to(date(2026, 12, 2)), "8 close implement", *CONFIRM],
        id="by hand: date and status in one write, the open task completed, the AM told",
    ),
    pytest.param(
        lambda: approved().complete(TaskKind.IMPLEMENT).status(IMPLEMENTED),
        Says("8", DUE, ""),
        reset_to(date(2026, 12, 2)) + CONFIRM,
        id="both ways before anybody looked: one closing",
    ),
    pytest.param(closed, Says("8", DONE, "was set on"), NOTHING, id="once a closing version"),
    pytest.param(
        lambda: in_review().status(IMPLEMENTED),
        Says("8", DUE, ""),
        reset_to(date(2026, 12, 2)) + CONFIRM,
        id="handoff 7 never seen: the closing happens too",
    ),
    pytest.param(
        lambda: approved().status(IMPLEMENTED).status(EMPTY),
        Says("8", DUE, ""),
        ["8 write 101: creative_refresh_date=2026-12-02", "8 close implement", *CONFIRM],
        id="emptied before the service looked: the closing still happens, only the date is written",
    ),
    pytest.param(
        lambda: approved().status(IMPLEMENTED).status(EMPTY).status(REQUESTED),
        Says("8", DUE, ""),
        ["2b recorded", "8 write 101: creative_refresh_date=2026-12-02", "8 close implement", *CONFIRM],
        id="emptied and moved on before the service looked: the closing still happens, the new status stays",
    ),
    pytest.param(
        lambda: approved().status(IMPLEMENTED).status(APPROVED),
        Says("8", WAITING, "is open"),
        ["7 overtaken"],
        id="moved back to another status: a slip, no closing",
    ),
    pytest.param(
        lambda: in_review().status(IMPLEMENTED).status(SUBMITTED),
        Says("8", SILENT, "not implemented in this cycle"),
        NOTHING,
        id="moved to an earlier status: a slip, no closing, no new cycle",
    ),
    pytest.param(
        lambda: submitted().status(IMPLEMENTED).status(SUBMITTED).move("201", "202"),
        Says("5", DUE, "all 2 tickets"),
        READY,
        id="after a slip the cycle is the same: its tickets still count",
    ),
    pytest.param(
        lambda: submitted().status(IMPLEMENTED).status(DECLINED).complete(TaskKind.KICKOFF),
        Says("2a", DUE, ""),
        [
            *moved_to(date(2026, 12, 2)),
            *[
                f"2a close {kind}"
                for kind in ("create_tickets", "write_copy", "design_graphics", "write_copy", "design_graphics")
            ],
        ],
        id="a slip to Creatives Implemented, then declined: one closing version, the decline",
    ),
    pytest.param(
        lambda: approved().delete_task(TaskKind.IMPLEMENT),
        Says("8", WAITING, "was deleted: set “Creatives Implemented” by hand"),
        NOTHING,
        id="the task was deleted: by hand only, and explain says so",
    ),
    pytest.param(
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
        id="the newest task was deleted: an older completed one does not stand in for it",
    ),
    pytest.param(
        lambda: approved().status(IN_REVIEW).look().complete(TaskKind.IMPLEMENT),
        Says("8", SILENT, "not implemented in this cycle"),
        NOTHING,
        id="completed while the status is another: not yet",
    ),
    pytest.param(
        lambda: approved().status(IN_REVIEW).look().status(APPROVED).look().complete(TaskKind.IMPLEMENT),
        Says("8", DUE, "is completed"),
        BY_TASK,
        id="approved again with the old task open: that task closes the cycle",
    ),
    pytest.param(
        lambda: approved().complete(TaskKind.IMPLEMENT).set_cadence("Whenever").look(),
        Says("8", BLOCKED, "“Whenever” is not in the mapping"),
        ["8 write 101: creative_refresh_status= (blocked)"],
        id="an unmapped cadence: blocked as a whole, the status stays, nobody is told",
    ),
    pytest.param(
        lambda: approved().set_cadence("Whenever").status(IMPLEMENTED).look().set_cadence(""),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 12, 2)), "8 close implement", *CONFIRM],
        id="the cadence is mended: the whole closing",
    ),
    pytest.param(
        lambda: approved().set_cadence("Whenever").status(IMPLEMENTED).look().status(APPROVED),
        Says("8", WAITING, "is open"),
        ["7 overtaken"],
        id="blocked, and moved to another status meanwhile: a slip",
    ),
    pytest.param(
        lambda: approved().set_cadence("Whenever").status(IMPLEMENTED).look().status(EMPTY),
        Says("1", WAITING, "handoff 8 of the cycle before comes first"),
        ["8 write 101:  (blocked)", "8 close implement (blocked)"],
        id="blocked, and emptied meanwhile: still blocked, no kickoff on the old date",
    ),
    pytest.param(
        lambda: approved().refuse("write").status(IMPLEMENTED).look().refuse(),
        Says("8", DUE, ""),
        [*reset_to(date(2026, 12, 2)), "8 close implement", *CONFIRM],
        id="the CRM refused the reset: task and email wait for it",
    ),
    pytest.param(
        lambda: in_review().status(APPROVED).status(IMPLEMENTED).went_live(),
        Says("8", SILENT, "closed before going live"),
        NOTHING,
        id="older than going live",
    ),
    pytest.param(
        lambda: (
            quiet()
            .status(APPROVED)
            .went_live()
            .adopt("7:101:0", Handoff.APPROVED, TaskKind.IMPLEMENT)
            .complete(TaskKind.IMPLEMENT)
        ),
        Says("8", DUE, "is completed"),
        BY_TASK,
        id="by an adopted task",
    ),
    pytest.param(
        lambda: (
            quiet()
            .status(APPROVED)
            .went_live()
            .adopt("7:101:0", Handoff.APPROVED, TaskKind.IMPLEMENT)
            .status(IMPLEMENTED)
        ),
        Says("8", DUE, ""),
        reset_to(date(2027, 1, 12)) + CONFIRM,
        id="by hand: an adopted task is somebody's own and stays",
    ),
    pytest.param(
        lambda: quiet().status(APPROVED).went_live(),
        Says("8", WAITING, "the status must reach “Creatives Implemented”"),
        NOTHING,
        id="no task of handoff 7 in this cycle: by hand only",
    ),
    pytest.param(
        lambda: closed().lose_database(),
        Says("8", DONE, "reset before this ledger began"),
        ["8 recorded"],
        id="a lost database: the history shows the reset",
    ),
    pytest.param(
        lambda: approved().lose_database().complete(TaskKind.IMPLEMENT),
        Says("8", DUE, "is completed"),
        BY_TASK,
        id="a lost database: the task made before it still closes the cycle",
    ),
    pytest.param(
        lambda: approved().set_cadence("Weekly").status(IMPLEMENTED).look(),
        Says("1", DONE, "7 days away"),
        NOTHING,
        id="a short cadence: the new cycle's kickoff fired at once",
    ),
    pytest.param(
        lambda: approved().status(Status.UNMAPPED).complete(TaskKind.IMPLEMENT),
        Says("8", SILENT, ""),
        NOTHING,
        id="a status that the mapping does not name: nothing",
    ),
]

HANDOFF_9 = [
    pytest.param(quiet, Says("9", SILENT, "no cycle has been closed"), NOTHING, id="no cycle closed"),
    pytest.param(closed, Says("9", DONE, "the reset is written"), NOTHING, id="one email: no second AM email"),
    pytest.param(
        lambda: closed().status(IMPLEMENTED),
        Says("9", DUE, ""),
        reset_to(date(2027, 1, 2)) + CONFIRM,
        id="Creatives Implemented set anew is another closing version",
    ),
    pytest.param(
        lambda: approved().nobody(AM).status(IMPLEMENTED),
        Says("9", BLOCKED, "no Account Manager"),
        [*reset_to(date(2026, 12, 2)), "8 close implement", "9 email refresh_live to None (blocked)"],
        id="no AM: blocks this email, not the reset",
    ),
    pytest.param(
        lambda: approved().nobody(AM).status(IMPLEMENTED).look().name(AM, "am"),
        Says("9", DUE, ""),
        CONFIRM,
        id="the AM is named later: told then",
    ),
    pytest.param(
        lambda: approved().nobody(AM).status(IMPLEMENTED).look().status(IMPLEMENTED).look(),
        Says("9", BLOCKED, "no Account Manager"),
        ["9 email refresh_live to None (blocked)", "9 email refresh_live to None (blocked)"],
        id="two closings without an AM: both wait, neither is dropped",
    ),
    pytest.param(
        lambda: approved().set_cadence("Whenever").status(IMPLEMENTED),
        Says("9", WAITING, "handoff 8 is blocked"),
        ["8 write 101: creative_refresh_status= (blocked)", "8 close implement (blocked)"],
        id="the reset is blocked: nobody is told that it is done",
    ),
    pytest.param(
        lambda: in_review().status(APPROVED).status(DECLINED).look(),
        Says("9", SILENT, "no cycle has been closed"),
        NOTHING,
        id="a decline is not a confirmation",
    ),
]

CONDITION = [
    *[
        pytest.param(
            lambda scene=scene: scene().leave(),
            Says(number, SILENT, "outside the mapping's condition"),
            NOTHING,
            id=f"outside: nothing at all, were it for handoff {number}",
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
    pytest.param(
        lambda: quiet().leave().date(10).come_back(),
        Says("1", DUE, "10 days away"),
        KICKOFF,
        id="comes back in: judged as it then stands",
    ),
    pytest.param(
        lambda: quiet().date(10).look().leave().status(DECLINED).come_back(),
        Says("2a", DUE, ""),
        [*moved_to(date(2026, 12, 12)), "2a close kickoff"],
        id="declined while outside, and it stands: counts",
    ),
    pytest.param(
        lambda: quiet().leave().status(DECLINED).status(REQUESTED).come_back(),
        Says("2a", SILENT, ""),
        ["2b recorded"],
        id="declined while outside, and gone: does not count",
    ),
    pytest.param(
        lambda: in_review().leave().status(APPROVED).status(IN_REVIEW).come_back(),
        Says("7", SILENT, "has not approved"),
        NOTHING,
        id="approved while outside, and gone: does not count",
    ),
    pytest.param(
        lambda: in_review().leave().status(APPROVED).come_back(),
        Says("7", DUE, ""),
        IMPLEMENT,
        id="approved while outside, and it stands: counts",
    ),
    pytest.param(
        lambda: in_review().leave().revise("201", COPY, None).come_back(),
        Says("6", SILENT, ""),
        NOTHING,
        id="a revision that came and went while outside does not count",
    ),
    pytest.param(
        lambda: in_review().leave().revise("201", COPY, GRAPHIC).come_back(),
        Says("6", DUE, "Graphic Revisions Only", "201"),
        [kicked_back(), REVISE_GRAPHICS],
        id="a revision that stands counts, the one before it does not",
    ),
    pytest.param(
        lambda: quiet().date(10).look().leave().date(30).date(10).come_back(),
        Says("1", DONE, ""),
        NOTHING,
        id="a date that was moved out of the window and back while outside does not count",
    ),
    pytest.param(
        lambda: quiet().date(10).look().leave().date(30).come_back().date(10),
        Says("1", DUE, ""),
        KICKOFF,
        id="a date that stood out of the window when it came back in does",
    ),
    pytest.param(
        lambda: submitted().leave().move("201", "202").come_back(),
        Says("5", DUE, ""),
        READY,
        id="a set that became ready while outside is ready",
    ),
]

LONE = [
    pytest.param(
        lambda: lone(),
        Says("4", WAITING, "is not associated to a portfolio yet", "201"),
        NOTHING,
        id="4: a ticket's creation can be announced before its association exists: wait",
    ),
    pytest.param(
        lambda: associated(lone().look()), Says("4", DUE, "", "201"), MADE, id="4: the association comes: now"
    ),
    pytest.param(
        lambda: lone(owners={WRITER: "own-copy", DESIGNER: "own-design"}).revise("201", BOTH),
        Says("6", DUE, "", "201"),
        [kicked_back(), "6 task revise_copy for own-copy", "6 task revise_graphics for own-design"],
        id="6: a ticket without a portfolio uses its own owners",
    ),
    pytest.param(
        lambda: lone().revise("201", COPY),
        Says("6", DUE, "blocked: no Copywriter is named", "201"),
        [kicked_back(), "6 task revise_copy for None (blocked)"],
        id="6: and without owners of its own is kicked back; the task waits",
    ),
    pytest.param(
        lambda: associated(lone().revise("201", COPY).look()),
        Says("6", DONE, "", "201"),
        [*MADE, "6 task:revise_copy → copy"],
        id="6: the association comes: the portfolio's Copywriter gets what waited",
    ),
]


def lone(owners: dict[Role, str] | None = None) -> Scene:
    """A ticket without a portfolio."""
    scene = quiet().ticket("201", owners=owners)
    scene.lone = True
    return scene


def associated(scene: Scene) -> Scene:
    scene.lone = False
    return scene


@pytest.mark.parametrize(
    ("scene", "says", "effects"),
    [
        pytest.param(*row.values, id=f"{chapter} {row.id}")
        for chapter, rows in {
            "1": HANDOFF_1,
            "2a": HANDOFF_2A,
            "2b": HANDOFF_2B,
            "3": HANDOFF_3,
            "4": HANDOFF_4,
            "5": HANDOFF_5,
            "6": HANDOFF_6,
            "7": HANDOFF_7,
            "8": HANDOFF_8,
            "9": HANDOFF_9,
            "condition": CONDITION,
            "lone": LONE,
        }.items()
        for row in rows
    ],
)
def test_decision(scene: MakeScene, says: Says, effects: Sequence[str]) -> None:
    played = scene()
    assert played.would_do() == list(effects)
    verdicts = played.verdicts(says.handoff, says.record)
    assert any(verdict.state is says.state and says.because in verdict.reason for verdict in verdicts), verdicts
    played.refuse().look()
    assert [told for told in played.would_do() if not told.endswith(("(blocked)", "nobody"))] == []


# What the effects carry


def tasks_of(scene: Scene) -> dict[TaskKind, NewTask]:
    return {effect.kind: effect for effect in effects_of(scene.decide()) if isinstance(effect, NewTask)}


def writes_of(scene: Scene) -> list[Write]:
    return [effect for effect in effects_of(scene.decide()) if isinstance(effect, Write)]


def test_3_quotes_the_newest_note_of_the_cycle_by_its_own_timestamp() -> None:
    scene = quiet().date(1).look().note("first").note("newest").later(days=1)
    scene.note("written today, dated yesterday", at=scene.now - timedelta(days=2))
    for kind in (NewTask, Email):
        told = next(e for e in effects_of(scene.decide()) if isinstance(e, kind))
        assert told.variables["note"]["body"] == "newest"
        assert told.variables["note"]["url"] == "https://crm.example/note/newest"


def test_3_a_note_of_the_cycle_before_is_not_the_source_of_truth() -> None:
    scene = quiet().date(10).look().note("of the declined cycle").status(DECLINED).look()
    assert tasks_of(scene.date(0))[TaskKind.CREATE_TICKETS].variables["note"] is None


def test_3_says_that_no_note_was_left() -> None:
    assert tasks_of(quiet().date(0))[TaskKind.CREATE_TICKETS].variables["note"] is None


def test_4_is_on_the_ticket_and_its_portfolio() -> None:
    made = tasks_of(begun().ticket("201"))
    assert set(made) == {TaskKind.WRITE_COPY, TaskKind.DESIGN_GRAPHICS}
    for task in made.values():
        assert task.on == (RecordRef(Kind.TICKET, "201"), RecordRef(Kind.PORTFOLIO, PORTFOLIO))


def test_5_names_the_tickets_and_gives_the_link() -> None:
    variables = tasks_of(submitted().move("201", "202"))[TaskKind.SHARE_DELIVERABLES].variables
    assert [ticket["subject"] for ticket in variables["tickets"]] == ["Ad 201", "Ad 202"]
    assert (variables["folder"], variables["ad_lab_link"]) == ("Spring", "https://lab.example/1")


def test_6_quotes_the_newest_note_on_the_ticket() -> None:
    scene = in_review().note("on the portfolio").note("warmer", on="201").note("bolder", on="201").revise("201", BOTH)
    for task in tasks_of(scene).values():
        assert task.variables["note"]["body"] == "bolder"
        assert task.variables["revision"] == "Copy and Graphic Revisions"


def test_6_asked_for_again_right_after_a_decline_gets_new_tasks() -> None:
    """Those that the decline closes, in this very pass, are not open any more."""
    scene = in_revision(BOTH).status(DECLINED).revise("201", None, BOTH)
    assert {TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS} <= set(tasks_of(scene))


def test_6_a_lost_database_and_one_of_two_tasks() -> None:
    """Nobody was there for the copy: the designer's task, taken back, does not stand in for it."""
    scene = in_review().nobody(WRITER).revise("201", BOTH).look().lose_database().name(WRITER, "copy")
    assert set(tasks_of(scene)) == {TaskKind.REVISE_COPY}
    assert [write for write in writes_of(scene) if write.record.id == "201"] == []


def test_6_a_lost_database_and_a_role_that_an_earlier_round_had_asked_already() -> None:
    """The second round was for the designer alone: the copywriter had the first one's task, and has done it since."""
    scene = in_review().revise("201", COPY).look().revise("201", BOTH).look()
    scene.complete(TaskKind.REVISE_COPY).lose_database()
    assert tasks_of(scene) == {}


def test_6_replaces_what_it_has_read() -> None:
    (write,) = writes_of(in_review().approve("201").revise("201", COPY))
    assert write.expects == {"hs_pipeline_stage": "stage-pending", "copy_approval": "Approved"}


@pytest.mark.parametrize(
    ("scene", "status", "has_date"),
    [
        pytest.param(lambda: quiet().status(DECLINED).look().date(5), "No Refresh Requested", False, id="1"),
        pytest.param(lambda: quiet().status(DECLINED), "No Refresh Requested", True, id="2a"),
        pytest.param(lambda: submitted().move("201", "202"), "Deliverables Submitted", False, id="5"),
        pytest.param(
            lambda: approved().complete(TaskKind.IMPLEMENT), "Creatives Completed & Approved", False, id="8 by task"
        ),
        pytest.param(lambda: approved().status(IMPLEMENTED), "Creatives Implemented", True, id="8"),
        pytest.param(lambda: approved().status(IMPLEMENTED).status(EMPTY), "", True, id="8 emptied"),
    ],
)
def test_every_write_to_the_portfolio_expects_the_status_that_was_decided_on(
    scene: MakeScene, status: str, has_date: bool
) -> None:
    (write,) = writes_of(scene())
    assert write.expects["creative_refresh_status"] == status
    assert ("creative_refresh_date" in write.expects) is has_date


def test_8_reset_is_one_write_and_9_waits_for_it() -> None:
    decision = approved().status(IMPLEMENTED).decide()
    closing = next(o for o in decision.occurrences if o.handoff is Handoff.CLOSE)
    write, close = closing.effects
    assert isinstance(write, Write)
    assert write.values == {"creative_refresh_date": "2026-12-02", "creative_refresh_status": ""}
    assert isinstance(close, CloseTask)
    (email,) = (e for e in effects_of(decision) if isinstance(e, Email) and e.kind is EmailKind.REFRESH_LIVE)
    assert close.after == email.after == closing.effect_key(write)
    assert email.variables["next_date"] == "2026-12-02"


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
    scene = quiet().later(days=89).date(1).later(days=1).set_cadence(cadence)  # 31 January 2027
    assert scene.today == date(2027, 1, 31)
    (write,) = writes_of(scene.status(DECLINED))
    assert write.values["creative_refresh_date"] == following.isoformat()


# The decision as a whole


@pytest.mark.parametrize("scene", [quiet, begun, submitted, in_review, approved, closed])
def test_every_handoff_gives_a_reason(scene: MakeScene) -> None:
    verdicts = scene().decide().verdicts
    assert [handoff for handoff in Handoff if not any(v.handoff is handoff and v.reason for v in verdicts)] == []


def test_a_decision_asks_for_what_it_needs_and_counts_only_then() -> None:
    scene = in_revision(COPY).note("again", on="201").revise("201", COPY)
    context = scene.context()
    bare = replace(context, snapshot=replace(context.snapshot, tasks={}, notes={}))
    first = decide(bare)
    assert not first.complete
    assert first.needed_tasks == {scene.newest_task(TaskKind.REVISE_COPY)}
    assert decide(context).complete


def test_a_set_that_waits_for_the_barrier_is_looked_at_when_its_time_is_up() -> None:
    scene = young().move("201", "202")
    assert scene.decide().recheck_at == scene.tickets["202"].created_at + timedelta(minutes=15)
    assert quiet().decide().recheck_at is None


def test_the_barrier_ends_with_its_last_moment() -> None:
    scene = young().move("201", "202")
    scene.now = scene.tickets["202"].created_at + timedelta(minutes=15)
    assert scene.would_do() == READY
    scene.now -= timedelta(milliseconds=1)
    assert scene.would_do() == NOTHING


def test_two_cycles_that_ended_unseen_move_the_date_twice() -> None:
    scene = approved().status(IMPLEMENTED).status(EMPTY).status(DECLINED).look()
    assert [version.value for version in scene.dates[:2]] == [date(2027, 1, 2), date(2026, 12, 2)]


def test_what_waits_for_a_person_is_looked_at_again() -> None:
    scene = quiet().nobody(AM).date(10)
    assert scene.decide().recheck_at == scene.now + BLOCKED_AGAIN
    assert scene.look().decide().recheck_at == scene.now + BLOCKED_AGAIN
    half = begun().nobody(DESIGNER).ticket("201").look()
    assert half.decide().recheck_at == half.now + BLOCKED_AGAIN


def test_waiting_for_a_date_tells_the_day() -> None:
    scene = quiet().date(20)
    (verdict,) = scene.verdicts("1")
    assert verdict.when == start_of_day(scene.day(5), scene.mapping.zone)


def test_a_missing_person_is_named_in_the_reason() -> None:
    scene = quiet().deactivate("am").date(10)
    context = scene.context()
    lee = Owner("am", "lee@agency.example", "Lee", "Vargone", archived=True)
    blocked = next(
        e for e in effects_of(decide(replace(context, snapshot=replace(context.snapshot, owners={"am": lee}))))
    )
    assert blocked.blocked == (
        "Account Manager: Lee Vargone is deactivated, and the mapping names no active fallback "
        "(roles.account_manager.fallback_owner)"
    )


def test_closings_are_remembered_once_they_are_sure() -> None:
    assert quiet().decide().closings == ()
    declined = quiet().status(DECLINED)
    assert [closing.by for closing in declined.decide().closings] == [DECLINED]
    standing = approved().status(IMPLEMENTED)
    assert standing.decide().closings == ()  # it may yet turn out to be a slip
    assert [closing.by for closing in standing.look().decide().closings] == [IMPLEMENTED]


def test_a_forgotten_history_leaves_the_cycle_as_it_was() -> None:
    scene = closed().later(days=20).look().status(REQUESTED).look()
    before = scene.context().cycle
    scene.forget_history()
    assert scene.context().cycle == before != "start"
    assert scene.would_do() == []


def test_a_task_was_open_until_it_was_completed_or_deleted() -> None:
    noon = quiet().now
    assert OwnTask("1", exists=True, completed=False).was_open_at(noon)
    assert OwnTask("1", exists=True, completed=True, completed_at=noon).was_open_at(noon)
    assert not OwnTask("1", exists=True, completed=True, completed_at=noon - timedelta(seconds=1)).was_open_at(noon)
    assert not OwnTask("1", exists=False, completed=False).was_open_at(noon)


def test_one_move_of_the_date_stands_for_one_decline() -> None:
    """Two declines that nobody had looked at, and the database lost when the date had been moved for the first."""
    scene = quiet().date(-40).status(DECLINED).status(None).status(DECLINED).date(-10, own=True)
    scene.lose_database().look(times=2)
    assert scene.done == moved_to(date(2026, 11, 23))
