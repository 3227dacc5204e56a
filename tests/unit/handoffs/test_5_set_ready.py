"""Handoff 5: every ticket of an Ad Set is ready."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from mappings.schema import ProcessMapping
from mappings.vocabulary import Handoff, Revision, Role, Stage, Status, TaskKind
from sync.rules.handoffs.ad_sets import look_alikes
from sync.rules.model import ANNOUNCEMENT, FOLDER, Email, NewTask
from tests.builders import NOW, PORTFOLIO, STAGE_IDS, Scene, effects_of, mapping
from tests.unit.handoffs.scenes import (
    ADVANCE,
    AM,
    ANNOUNCE,
    ANNOUNCE_AGAIN,
    APPROVED,
    CLOSE_SHARE,
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
    SAS,
    SHARE,
    SILENT,
    SUBMITTED,
    WAITING,
    begun,
    closed,
    in_review,
    quiet,
    reset_to,
    submitted,
    tasks_of,
    young,
)
from tests.unit.handoffs.table import MakeScene, Row, Says, check, rows


def ready_in(status: Status | None) -> Scene:
    return young(status).move("201", "202").later(minutes=15)


def again(scene: Scene | None = None) -> Scene:
    """A ticket of an announced set went back, and is in Pending Approval again."""
    return (scene or in_review()).move("201", to=Stage.IN_PROGRESS).look().move("201")


MOVED = [f"5 write 201: hs_pipeline_stage={STAGE_IDS[Stage.PENDING_APPROVAL]}"]


def one_at_work(mapping_: ProcessMapping | None = None) -> Scene:
    """One of two tickets of an Ad Set is still In Progress; approved tickets are moved, unless it is another mapping."""
    scene = submitted(Scene(mapping_ or mapping(advance=True)))
    return scene.put("201", Stage.IN_PROGRESS).move("202").later(minutes=1)


def moved_on() -> Scene:
    """It was approved, the service has moved it, and the set is announced."""
    return one_at_work().approve("201").look()


def revised() -> Scene:
    """Its copy was to be revised, and is approved again."""
    return moved_on().revise("201", Revision.COPY).look().approve("201", Role.COPYWRITER)


HANDOFF_5 = [
    Row(
        "5.19 C.14",
        "a closing version may still be taken back: nothing is decided that hangs on the status",
        lambda: submitted().move("201", "202").status(DECLINED, stands=60),
        Says("5", WAITING, "it counts once it has stood for 2 minutes"),
        NOTHING,
    ),
    Row(
        "5.4",
        "one of two is ready: wait",
        lambda: submitted().move("201"),
        Says("5", WAITING, "1 of 2 are ready; waiting for ticket 202"),
        NOTHING,
    ),
    Row(
        "5.9 5.13",
        "every ticket is in Pending Approval: status, task and email for the AM, email for the SAS",
        lambda: submitted().move("201", "202"),
        Says("5", DUE, "all 2 tickets of Ad Set “Spring” are ready"),
        READY,
    ),
    Row(
        "5.6 S.2",
        "announced once",
        in_review,
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.9 5.11 N.1",
        "folder names that look the same are one set, however they were pasted",
        lambda: (
            begun()
            .ticket("201", "Été d'hiver - 2026")
            .ticket("202", "E\u0301te\u0301\u00a0d\u2019hiver \u2013 \u200b2026\ufe0f")
            .status(SUBMITTED)
            .look()
            .move("201", "202")
        ),
        Says("5", DUE, "all 2 tickets of Ad Set “Été d'hiver - 2026”"),
        READY,
    ),
    Row(
        "5.4 N.1",
        "folder names that look the same: half of the set is not the set",
        lambda: (
            begun().ticket("201", "Été 2026").ticket("202", "E\u0301te\u0301 2026").status(SUBMITTED).look().move("201")
        ),
        Says("5", WAITING, "1 of 2 are ready; waiting for ticket 202"),
        NOTHING,
    ),
    Row(
        "5.9 5.11 N.1",
        "folder names that differ by a dash and a space are two sets",
        lambda: begun().ticket("201", "Autumn 2026").ticket("202", "Autumn-2026").status(SUBMITTED).look().move("201"),
        Says("5", DUE, "the one ticket of Ad Set “Autumn 2026”"),
        READY,
    ),
    Row(
        "5.3 N.1",
        "a folder name with nothing to see is none",
        lambda: begun().ticket("201", "\u200b\u00a0").status(SUBMITTED).look().move("201"),
        Says("5", SILENT, "has no Deliverable Folder Name", "201"),
        NOTHING,
    ),
    Row(
        "5.9 5.11",
        "folder names are compared trimmed, runs of spaces as one, case ignored",
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
    ),
    Row(
        "5.9 5.11",
        "another folder's ticket does not hold it up",
        lambda: begun().ticket("201", "Spring").ticket("202", "Spring 2").status(SUBMITTED).look().move("201"),
        Says("5", DUE, "the one ticket of Ad Set “Spring”"),
        READY,
    ),
    Row(
        "5.3",
        "no folder name: in no set; reported, not guessed at",
        lambda: begun().ticket("201", " ").status(SUBMITTED).look().move("201"),
        Says("5", SILENT, "has no Deliverable Folder Name", "201"),
        NOTHING,
    ),
    Row(
        "5.9 5.3",
        "tickets without a folder name are not one set, and hold up none",
        lambda: (
            begun().ticket("201", "").ticket("202", "").ticket("203").status(SUBMITTED).look().move("201", "202", "203")
        ),
        Says("5", DUE, "the one ticket of Ad Set “Spring”", PORTFOLIO),
        READY,
    ),
    Row(
        "5.9 5.16 5.11",
        "the last one behind is closed: the set is ready",
        lambda: submitted().move("201").close("202"),
        Says("5", DUE, "the one ticket"),
        READY,
    ),
    Row(
        "5.9 5.16 M.1",
        "the last one behind is deleted: the set is ready",
        lambda: submitted().move("201").delete("202"),
        Says("5", DUE, "the one ticket"),
        READY,
    ),
    Row(
        "5.9 5.16",
        "the last one behind gets another folder: the set is ready",
        lambda: submitted().move("201").rename("Summer", "202"),
        Says("5", DUE, "the one ticket"),
        READY,
    ),
    Row(
        "5.9 5.16 5.11",
        "the last one behind leaves the pipeline: the set is ready",
        lambda: submitted().move("201").leave_pipeline("202"),
        Says("5", DUE, "the one ticket"),
        READY,
    ),
    Row(
        "5.10 5.11",
        "a set without an open ticket is no set",
        lambda: submitted().close("201").close("202"),
        Says("5", SILENT, "this cycle has no open ticket"),
        NOTHING,
    ),
    Row(
        "5.9 5.11 C.5",
        "an earlier cycle's tickets of the same folder do not count",
        lambda: closed().later(days=20).look().ticket("301").status(SUBMITTED).look().move("301"),
        Says("5", DUE, "the one ticket of Ad Set “Spring”"),
        READY,
    ),
    # the barrier
    Row(
        "5.8 5.12",
        "barrier: an early status and a young ticket: wait",
        lambda: young().move("201", "202"),
        Says("5", WAITING, "younger than 15 minutes: more may come"),
        NOTHING,
    ),
    Row(
        "5.8 5.12",
        "barrier: 14 minutes",
        lambda: young().later(minutes=14).move("201", "202"),
        Says("5", WAITING, "more may come"),
        NOTHING,
    ),
    Row(
        "5.9 5.12",
        "barrier: the newest ticket was created 15 minutes ago",
        lambda: young().move("201", "202").later(minutes=15),
        Says("5", DUE, ""),
        READY,
    ),
    Row(
        "5.8 5.12",
        "barrier: the newest ticket decides",
        lambda: begun().ticket("201").later(minutes=20).ticket("202").look().move("201", "202"),
        Says("5", WAITING, "more may come"),
        NOTHING,
    ),
    Row(
        "5.9 5.12",
        "barrier: the newest of the set, not of another set",
        lambda: begun().ticket("201").later(minutes=20).ticket("202", "Summer").look().move("201"),
        Says("5", DUE, ""),
        READY,
    ),
    Row(
        "5.9 5.12",
        "barrier: the newest open ticket; a closed one does not count",
        lambda: begun().ticket("201").later(minutes=20).ticket("202").look().move("201").close("202"),
        Says("5", DUE, ""),
        READY,
    ),
    Row(
        "5.8 5.12",
        "barrier: Refresh Request Submitted is not enough",
        lambda: young(REQUESTED).move("201", "202"),
        Says("5", WAITING, "more may come"),
        NOTHING,
    ),
    Row(
        "5.9 5.12",
        "barrier: Deliverables Submitted says that all tickets are there",
        lambda: young().move("201", "202").look().status(SUBMITTED),
        Says("5", DUE, ""),
        READY,
    ),
    Row(
        "5.9 5.12",
        "barrier: so does Creatives Pending Approval, set by hand: announced, no status to write",
        lambda: young().move("201", "202").look().status(IN_REVIEW),
        Says("5", DUE, ""),
        ANNOUNCE,
    ),
    # the status
    *[
        Row(
            "5.9 5.13",
            f"the status advances from {status or 'empty'}",
            partial(ready_in, status),
            Says("5", DUE, ""),
            READY,
        )
        for status in (EMPTY, REQUESTED)
    ],
    Row(
        "5.9 5.13",
        "a leftover No Refresh Requested counts as an empty status",
        lambda: quiet().status(DECLINED).look().ticket("201").ticket("202").look().move("201", "202").later(minutes=15),
        Says("5", DUE, ""),
        READY,
    ),
    Row(
        "5.1 5.13",
        "never backwards from Creatives Completed & Approved: bypassed",
        lambda: submitted().status(APPROVED).look().move("201", "202"),
        Says("5", SILENT, "the client has seen it"),
        NOTHING,
    ),
    Row(
        "5.1 8.3 9.1",
        "bypassed once the status is Creatives Implemented",
        lambda: submitted().move("201", "202").status(IMPLEMENTED),
        Says("5", SILENT, "the client has seen it"),
        reset_to(date(2026, 12, 2)) + LEFTOVERS[:-1] + CONFIRM,
    ),
    Row(
        "5.10 5.11",
        "bypassed once the cycle has closed",
        lambda: closed().close("202").look().move("201", to=Stage.OTHER).look().move("201"),
        Says("5", SILENT, "this cycle has no open ticket"),
        NOTHING,
    ),
    Row(
        "5.2 S.8",
        "a status that the mapping does not name: nothing",
        lambda: submitted().status(Status.UNMAPPED).move("201", "202"),
        Says("5", SILENT, "is not in the mapping"),
        NOTHING,
    ),
    # what is new is announced, once
    Row(
        "5.9 5.14 5.20",
        "a revision round announces again",
        lambda: in_review().move("201", to=Stage.IN_PROGRESS).look().move("201"),
        Says("5", DUE, "all 2 tickets"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.9 5.14 5.20",
        "even if nobody looked in between: entries decide, not clocks",
        lambda: in_review().move("201", to=Stage.IN_PROGRESS).move("201"),
        Says("5", DUE, "all 2 tickets"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.9 5.14 5.20",
        "a ticket that joins announces again",
        lambda: in_review().ticket("203").look().move("203"),
        Says("5", DUE, "all 3 tickets"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.4 5.14",
        "while it is behind, the set is not ready",
        lambda: in_review().ticket("203").look(),
        Says("5", WAITING, "2 of 3 are ready"),
        NOTHING,
    ),
    Row(
        "5.6 5.14",
        "a ticket that joins from another announced set holds nothing new",
        lambda: in_review().ticket("203", "Summer").look().move("203").look().rename("Spring", "203"),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.6 5.14",
        "a deleted ticket does not",
        lambda: in_review().delete("202"),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.6 5.14",
        "a closed ticket does not",
        lambda: in_review().close("202"),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.6 5.14",
        "a ticket that leaves does not",
        lambda: in_review().rename("Summer", "202"),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.6 5.14",
        "a folder renamed as a whole does not",
        lambda: in_review().rename("Summer", "201", "202"),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.6 5.13 5.14",
        "the status set back by a person: not announced again, and not overruled",
        lambda: in_review().status(SUBMITTED),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.9 5.15",
        "two sets ready in one pass: two announcements, and each sees to the status",
        lambda: begun().ticket("201", "Spring").ticket("202", "Summer").status(SUBMITTED).look().move("201", "202"),
        Says("5", DUE, ""),
        READY + READY,
    ),
    Row(
        "5.9 5.15",
        "the second set, later: announced, no status to write",
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
    ),
    Row(
        "5.9 5.14 5.15",
        "the second set, its entry older than the first one's announcement: entries decide, not clocks",
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
    ),
    Row(
        "5.6 5.14 C.5",
        "a new cycle announces its own set once",
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
    ),
    # a repeat
    Row(
        "5.9 5.23",
        "a repeat says that it is one",
        again,
        Says("5", DUE, "all 2 tickets of Ad Set “Spring” are ready for approval (second announcement)"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.9 5.23 5.20",
        "the third: the second's task is closed, the first's is closed already",
        lambda: again().look().move("202", to=Stage.IN_PROGRESS).look().move("202"),
        Says("5", DUE, "(third announcement)"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.9 5.20 W.3",
        "the task to share it was completed: nothing to close",
        lambda: in_review().complete(SHARE).move("201", to=Stage.IN_PROGRESS).look().move("201"),
        Says("5", DUE, "(second announcement)"),
        ANNOUNCE,
    ),
    Row(
        "5.9 5.20",
        "or deleted",
        lambda: in_review().delete_task(SHARE).move("201", to=Stage.IN_PROGRESS).look().move("201"),
        Says("5", DUE, "(second announcement)"),
        ANNOUNCE,
    ),
    Row(
        "5.9 5.20",
        "opened again by a person, before the set was ready: closed",
        lambda: in_review().complete(SHARE).reopen(SHARE).move("201", to=Stage.IN_PROGRESS).look().move("201"),
        Says("5", DUE, ""),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.9 5.20",
        "opened again after it was ready: somebody's wish",
        lambda: in_review().complete(SHARE).move("201", to=Stage.IN_PROGRESS).look().move("201").reopen(SHARE),
        Says("5", DUE, ""),
        ANNOUNCE,
    ),
    Row(
        "5.9 5.20 G.4",
        "an adopted task is people's own",
        lambda: submitted().move("201").adopt(f"5:{PORTFOLIO}:start:201@1", Handoff.SET_READY, SHARE).move("202"),
        Says("5", DUE, "(second announcement)"),
        READY,
    ),
    Row(
        "5.9 5.23 5.20",
        "all of whose tickets are in this set: the same set by another name",
        lambda: in_review().rename("Summer", "201", "202").ticket("203", "Summer").look().move("203"),
        Says("5", DUE, "all 3 tickets of Ad Set “Summer” are ready for approval (second announcement)"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.9 5.23 5.20",
        "tickets that are open no more count for none",
        lambda: in_review().rename("Summer", "201", "202").close("202").ticket("203", "Summer").look().move("203"),
        Says("5", DUE, "all 2 tickets of Ad Set “Summer” are ready for approval (second announcement)"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.9 5.23 5.20",
        "a part of another set is another set: its task stays",
        lambda: in_review().rename("Summer", "202").ticket("203", "Summer").look().move("203"),
        Says("5", DUE, "all 2 tickets of Ad Set “Summer” are ready for approval"),
        ANNOUNCE,
    ),
    Row(
        "5.9 5.23 5.20",
        "the same name, whatever became of its tickets",
        lambda: in_review().rename("Summer", "201").ticket("203").look().move("203"),
        Says("5", DUE, "all 2 tickets of Ad Set “Spring” are ready for approval (second announcement)"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.9 5.23 5.20",
        "a set all of whose tickets are gone is not this one",
        lambda: in_review().close("201").close("202").ticket("203", "Summer").look().move("203"),
        Says("5", DUE, "the one ticket of Ad Set “Summer” is ready for approval"),
        ANNOUNCE,
    ),
    Row(
        "5.9 5.23 5.20 C.5",
        "the next cycle counts anew, and closes no task of this one",
        lambda: closed().later(days=20).look().ticket("301").status(SUBMITTED).look().move("301"),
        Says("5", DUE, "the one ticket of Ad Set “Spring” is ready for approval"),
        READY,
    ),
    Row(
        "5.9 5.23 5.20 G.7",
        "a lost database: the tickets tell",
        lambda: in_review().lose_database().move("201", to=Stage.IN_PROGRESS).look().move("201"),
        Says("5", DUE, "(second announcement)"),
        ANNOUNCE_AGAIN,
    ),
    Row(
        "5.9 5.23 5.20 G.7",
        "a lost database: a ticket that has left the set since hides that it is the same",
        lambda: in_review().lose_database().rename("Summer", "201").ticket("203").look().move("203"),
        Says("5", DUE, "all 2 tickets of Ad Set “Spring” are ready for approval"),
        ANNOUNCE,
    ),
    Row(
        "5.5 5.20 G.7",
        "a lost database: a task that it had not closed yet",
        lambda: again().look().lose_database().not_closed(SHARE),
        Says("5", DUE, ""),
        [CLOSE_SHARE],
    ),
    Row(
        "5.5 5.20 G.7",
        "a task that the repeat had not closed yet, and the set is not ready any more",
        lambda: again().look().lose_database().not_closed(SHARE).move("201", to=Stage.IN_PROGRESS),
        Says("5", DUE, ""),
        [CLOSE_SHARE],
    ),
    Row(
        "5.6 5.20 G.7",
        "a lost database, long after the repeat: what is open was opened again, or an earlier version left it so",
        lambda: again().look().later(hours=2).lose_database().not_closed(SHARE),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.6 5.20 G.7",
        "a lost database, and nothing left open",
        lambda: again().look().lose_database(),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.9 5.20 P.2",
        "no AM since the first: both wait, and the new task's turn comes first",
        lambda: again(submitted().nobody(AM).move("201", "202").look()).name(AM, "am"),
        Says("5", DUE, "(second announcement)"),
        ["5 task share_deliverables for am", *ANNOUNCE[1:]],
    ),
    Row(
        "5.6 5.20 P.5",
        "no AM since the first: named once the second stands, they get the second alone",
        lambda: again(submitted().nobody(AM).move("201", "202").look()).look().name(AM, "am"),
        Says("5", DONE, ""),
        ["5 task:share_deliverables → am", "5 email:set_ready_account_manager → am"],
    ),
    Row(
        "5.6 5.20 W.10",
        "the first's task was refused: once the second stands it is not made any more",
        lambda: again(submitted().move("201", "202").refuse("task").look()).refuse().look(),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.6 5.20 P.5",
        "nobody is named for the second either, and it comes to nothing: the first waits on",
        lambda: again(submitted().nobody(AM, SAS).move("201", "202").look()).look().close("201").look().name(AM, "am"),
        Says("5", DONE, ""),
        [
            "5 task:share_deliverables → am",
            "5 email:set_ready_account_manager → am",
            "5 email:set_ready_social_ad_specialist → nobody",
        ],
    ),
    Row(
        "5.9 5.14 G.2",
        "going live between two entries: the newer one counts",
        lambda: submitted().move("201").went_live().move("202"),
        Says("5", DUE, "all 2 tickets"),
        READY,
    ),
    Row(
        "5.7 G.2",
        "ready before going live: nothing",
        lambda: submitted().move("201", "202").went_live(),
        Says("5", SILENT, "was ready before going live"),
        NOTHING,
    ),
    Row(
        "5.9 P.2 P.4",
        "no AM: the status advances and the SAS is told",
        lambda: submitted().nobody(AM).move("201", "202"),
        Says("5", DUE, "blocked: no Account Manager is named"),
        [
            *ADVANCE,
            "5 task share_deliverables for None (blocked)",
            "5 email set_ready_account_manager to None (blocked)",
            "5 email set_ready_social_ad_specialist to sas",
        ],
    ),
    Row(
        "5.6 P.2",
        "the AM is named later: told then",
        lambda: submitted().nobody(AM).move("201", "202").look().name(AM, "am").complete(TaskKind.KICKOFF),
        Says("5", DONE, ""),
        ["5 task:share_deliverables → am", "5 email:set_ready_account_manager → am"],
    ),
    Row(
        "5.5 W.10",
        "the CRM refused the status: that write alone is still to be done",
        lambda: submitted().move("201", "202").refuse("write").look().refuse(),
        Says("5", DUE, "all 2 tickets"),
        ADVANCE,
    ),
    Row(
        "5.6 5.5 P.2 W.10",
        "the CRM refused the status while there was no AM: neither is dropped",
        lambda: submitted().nobody(AM).move("201", "202").refuse("write").look().refuse().look().name(AM, "am"),
        Says("5", DONE, ""),
        ["5 task:share_deliverables → am", "5 email:set_ready_account_manager → am"],
    ),
    Row(
        "5.6 G.7",
        "a lost database: the task carries the entries that were announced",
        lambda: in_review().lose_database(),
        Says("5", DONE, ""),
        NOTHING,
    ),
    Row(
        "5.24 5.4",
        "both approvals are Approved, and the ticket is still In Progress: that is said, and nothing done",
        lambda: one_at_work(mapping()).approve("201"),
        Says("5", WAITING, "both approvals are “Approved”: it only has to be moved to “Pending Approval”"),
        NOTHING,
    ),
    Row(
        "5.25",
        "the same with the switch: it is moved, and its set is ready",
        lambda: one_at_work().approve("201"),
        Says("5", DUE, "is still “In Progress”, and both approvals are “Approved”", "201"),
        MOVED,
    ),
    Row(
        "5.25 5.9 5.6",
        "moved by the service, it completes its set",
        moved_on,
        Says("5", DONE, "all 2 tickets of Ad Set “Spring” are ready"),
        NOTHING,
    ),
    Row(
        "5.25",
        "moved, though it has no folder name",
        lambda: one_at_work().rename("", "201").approve("201"),
        Says("5", DUE, "is still “In Progress”, and both approvals are “Approved”", "201"),
        [*MOVED, *READY],
    ),
    Row(
        "5.25 5.4",
        "one approval is not given yet: nobody is overruled",
        lambda: one_at_work().approve("201", Role.COPYWRITER),
        Says("5", WAITING, "waiting for ticket 201"),
        NOTHING,
    ),
    Row(
        "5.25 5.4",
        "an approval was taken back",
        lambda: one_at_work().approve("201").approval("201", Role.GRAPHIC_DESIGNER, ""),
        Says("5", WAITING, "waiting for ticket 201"),
        NOTHING,
    ),
    Row(
        "5.25 N.2",
        "an approval that looks Approved is one",
        lambda: one_at_work().approve("201").approval("201", Role.GRAPHIC_DESIGNER, " approved"),
        Says("5", DUE, "is still “In Progress”, and both approvals are “Approved”", "201"),
        MOVED,
    ),
    Row(
        "5.25 5.4",
        "in another stage than In Progress: it is somebody's",
        lambda: submitted(Scene(mapping(advance=True))).move("202").approve("201"),
        Says("5", WAITING, "waiting for ticket 201"),
        NOTHING,
    ),
    Row(
        "5.25 5.9",
        "a closed ticket stays closed",
        lambda: one_at_work().approve("201").close("201"),
        Says("5", DUE, "the one ticket of Ad Set “Spring”"),
        READY,
    ),
    Row(
        "5.26 5.4",
        "a person moved it back after the service had moved it: it stays",
        lambda: moved_on().put("201", Stage.IN_PROGRESS),
        Says("5", WAITING, "waiting for ticket 201"),
        NOTHING,
    ),
    Row(
        "5.26 5.4",
        "the team had moved it, and a person moved it back: it stays",
        lambda: one_at_work().approve("201").move("201").put("201", Stage.IN_PROGRESS),
        Says("5", WAITING, "waiting for ticket 201"),
        NOTHING,
    ),
    Row(
        "5.26 5.4",
        "approved in Pending Approval, and moved back: it stays",
        lambda: one_at_work().move("201").approve("201").put("201", Stage.IN_PROGRESS),
        Says("5", WAITING, "waiting for ticket 201"),
        NOTHING,
    ),
    Row(
        "5.25 5.26",
        "moved back and approved anew: a new version, moved once more",
        lambda: moved_on().put("201", Stage.IN_PROGRESS).look().approve("201", Role.COPYWRITER),
        Says("5", DUE, "is still “In Progress”, and both approvals are “Approved”", "201"),
        MOVED,
    ),
    Row(
        "5.26 G.7 5.4",
        "moved back, and the database lost: the history tells that it was in Pending Approval",
        lambda: moved_on().put("201", Stage.IN_PROGRESS).look().lose_database(),
        Says("5", WAITING, "waiting for ticket 201"),
        NOTHING,
    ),
    Row(
        "5.26 6.6 5.4",
        "a revision that is not answered yet comes first",
        lambda: one_at_work().revise("201", Revision.COPY).approve("201"),
        Says("5", WAITING, "waiting for ticket 201"),
        ["6 write 201: copy_approval=", "6 task revise_copy for copy"],
    ),
    Row(
        "5.26 6.14 5.6",
        "revised and approved: it is moved; Needs Revisions is emptied, and the set is announced again",
        lambda: revised().look(),
        Says("5", DONE, "(second announcement)"),
        NOTHING,
    ),
    Row(
        "5.26 5.4",
        "a revision that was adopted: the approval of before it says nothing of it",
        lambda: (
            one_at_work()
            .approve("201", Role.GRAPHIC_DESIGNER)
            .revise("201", Revision.GRAPHIC)
            .adopt_revision("201")
            .revise("201", None, note="")
            .approve("201", Role.COPYWRITER)
        ),
        Says("5", WAITING, "waiting for ticket 201"),
        NOTHING,
    ),
    Row(
        "5.26 6.2 5.4",
        "a value of Needs Revisions that the mapping does not name: nobody knows what is asked for",
        lambda: one_at_work().revise("201", Revision.UNMAPPED).approve("201"),
        Says("5", WAITING, "waiting for ticket 201"),
        NOTHING,
    ),
    Row(
        "5.26 G.2 5.4",
        "approvals of before going live: they are left as they are",
        lambda: one_at_work().approve("201").went_live(),
        Says("5", WAITING, "it only has to be moved to “Pending Approval”"),
        NOTHING,
    ),
    Row(
        "5.26 5.1",
        "once the client has approved, nothing is moved",
        lambda: one_at_work().approve("201").status(APPROVED),
        Says("5", SILENT, "the client has seen it"),
        IMPLEMENT,
    ),
    Row(
        "5.26 5.19",
        "a closing version may still be taken back: it waits",
        lambda: one_at_work().approve("201").status(DECLINED, stands=60),
        Says("5", WAITING, "it counts once it has stood for 2 minutes"),
        NOTHING,
    ),
    Row(
        "5.26 5.10 C.5",
        "a ticket of an earlier cycle stays where it is",
        lambda: one_at_work().status(DECLINED).look().approve("201"),
        Says("5", SILENT, "this cycle has no open ticket"),
        NOTHING,
    ),
    Row(
        "5.26 W.6",
        "outside the condition nothing is moved",
        lambda: one_at_work(mapping(advance=True, condition=True)).approve("201").leave(),
        Says("5", SILENT, "outside the mapping's condition"),
        NOTHING,
    ),
    Row(
        "5.25 5.26 W.10",
        "the CRM refuses the move: asked for again",
        lambda: one_at_work().approve("201").refuse("write").look(),
        Says("5", DUE, "is still “In Progress”, and both approvals are “Approved”", "201"),
        MOVED,
    ),
    Row(
        "5.25 5.26 F.1",
        "switched on later: what only has to be moved is moved",
        lambda: one_at_work(mapping()).approve("201").look().remap(mapping(advance=True)),
        Says("5", DUE, "is still “In Progress”, and both approvals are “Approved”", "201"),
        MOVED,
    ),
]


ROWS = {"5": HANDOFF_5}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)


def test_5_names_the_tickets_and_gives_the_link() -> None:
    """docs/process.md 5.17."""
    variables = tasks_of(submitted().move("201", "202"))[TaskKind.SHARE_DELIVERABLES].variables
    assert [ticket["subject"] for ticket in variables["tickets"]] == ["Ad 201", "Ad 202"]
    assert (variables["folder"], variables["ad_lab_link"]) == ("Spring", "https://lab.example/1")


def announced(scene: Scene) -> dict[str, Any]:
    """What the task and both emails of the announcement say: the same, but for who reads it."""
    told = [e for e in effects_of(scene.decide()) if isinstance(e, NewTask | Email)]
    assert len(told) == 3
    assert told[0].variables == told[1].variables == told[2].variables
    return dict(told[0].variables)


def names(tickets: Iterable[Mapping[str, str]]) -> list[str]:
    return [ticket["id"] for ticket in tickets]


def test_5_the_first_announcement_is_not_numbered() -> None:
    """docs/process.md 5.23."""
    said = announced(submitted().move("201", "202"))
    assert (said["announcement"], said["fresh"]) == (None, [])


@pytest.mark.parametrize(
    ("scene", "number", "fresh"),
    [
        pytest.param(again, 2, ["201"], id="a revision round"),
        pytest.param(lambda: in_review().ticket("203").look().move("203"), 2, ["203"], id="a ticket that joins"),
        pytest.param(lambda: again(again().look()), 3, ["201"], id="the third"),
        pytest.param(
            lambda: again().look().ticket("203").look().move("203"),
            3,
            ["203"],
            id="new since the second, not the first",
        ),
        pytest.param(
            lambda: (
                in_review()
                .ticket("203", "Summer")
                .look()
                .move("203")
                .look()
                .rename("Spring", "203")
                .ticket("204")
                .look()
                .move("204")
            ),
            3,
            ["204"],
            id="a set that joins as a whole was announced before, too",
        ),
        pytest.param(
            lambda: (
                in_review()
                .ticket("203", "Summer")
                .ticket("205", "Summer")
                .look()
                .move("203", "205")
                .look()
                .rename("Spring", "203")
                .ticket("204")
                .look()
                .move("204")
            ),
            2,
            ["203", "204"],
            id="a ticket that joins from another set is new in this one",
        ),
        pytest.param(
            lambda: again(in_review().lose_database()), 2, ["201"], id="after a lost database, by the tickets"
        ),
    ],
)
def test_5_a_repeat_says_which_it_is_and_what_is_new(scene: MakeScene, number: int, fresh: list[str]) -> None:
    """docs/process.md 5.23."""
    said = announced(scene())
    assert (said["announcement"], names(said["fresh"])) == (number, fresh)


def test_5_a_refused_status_is_written_with_the_number_of_its_own_announcement() -> None:
    """docs/process.md 5.5, 5.23: deciding it anew finds no repeat of itself."""
    scene = submitted().nobody(AM).move("201", "202").refuse("write").look()
    task = next(e for e in effects_of(scene.decide()) if isinstance(e, NewTask))
    assert task.variables["announcement"] is None


def test_5_what_is_left_out_is_said() -> None:
    """docs/process.md 5.21."""
    scene = submitted().ticket("203", "").ticket("204", "Winter").ticket("205", "Winter").ticket("206", "Sprng")
    scene.ticket("207", "").close("207").ticket("208", "Summer").look().move("201", "202", "204", "206", "208")
    told = [
        e
        for e in effects_of(scene.decide())
        if isinstance(e, NewTask) and e.variables["folder"] in {"Spring", "Summer"}
    ]
    spring, summer = sorted((e.variables for e in told), key=lambda said: str(said["folder"]))
    assert names(spring["no_folder"]) == names(summer["no_folder"]) == ["203"]
    winter = {"folder": "Winter", "ready": 1, "of": 2, "alike": False}
    assert spring["other_sets"] == [{"folder": "Sprng", "ready": 1, "of": 1, "alike": True}, winter]
    assert summer["other_sets"] == [winter]


def test_5_what_came_incomplete_is_left_out_and_said_too() -> None:
    """docs/process.md 5.21: a set of which no ticket was read whole, and a ticket without a folder."""
    scene = submitted().ticket("203", "Winter").ticket("204", "Winter").ticket("205", "").look()
    said = announced(scene.move("201", "202", "203").lacking("203").lacking("204").lacking("205"))
    assert said["other_sets"] == [{"folder": "Winter", "ready": 0, "of": 2, "alike": False}]
    assert names(said["no_folder"]) == ["205"]


def test_5_nothing_is_said_of_what_belongs_to_another_cycle() -> None:
    scene = closed().ticket("201", "").later(days=20).look().ticket("301").status(SUBMITTED).look().move("301")
    said = announced(scene.rename("Sprng", "202"))
    assert (said["other_sets"], names(said["no_folder"])) == ([], ["201"])


def test_5_an_announcement_remembers_its_name_and_number() -> None:
    """docs/process.md 5.23: for the ones after it."""
    (verdict,) = [verdict for verdict in again().verdicts("5") if verdict.occurrence is not None]
    assert verdict.occurrence is not None
    assert verdict.occurrence.detail == {FOLDER: "Spring", ANNOUNCEMENT: 2}


def test_two_sets_called_almost_the_same_are_worth_a_look() -> None:
    """docs/process.md 5.22."""
    scene = (
        begun().ticket("201", "Spring 1").ticket("202", "Sprng 1").ticket("203", "Spring-1").ticket("204", "Spring 2")
    )
    scene.ticket("205", "sprng  1")
    found = look_alikes(scene.context())
    assert [(one.one, one.other) for one in found] == [
        ("Spring 1", "Spring-1"),
        ("Spring 1", "Sprng 1"),
        ("Spring-1", "Sprng 1"),
    ]
    assert found[1].tickets == {"Spring 1": ("201",), "Sprng 1": ("202", "205")}
    assert look_alikes(scene.leave().context()) == []


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


def early_without_kickoff() -> Scene:
    """The date is 40 days ahead, and the SAS has begun all the same."""
    return quiet().status(SUBMITTED).ticket("201").ticket("202").look()


def in_the_next_cycle() -> Scene:
    return closed().later(hours=1).ticket("203").status(SUBMITTED).look()


def with_link_of(scene: Scene, since: datetime | None) -> list[tuple[object, object]]:
    """What the texts of an announcement say of a link that stands since that moment."""
    scene.link_since = since
    told = [e for e in effects_of(scene.move(*scene.tickets).decide()) if isinstance(e, NewTask | Email)]
    assert len(told) == 3
    return list({(e.variables["ad_lab_link_since"], e.variables["ad_lab_link_old"]) for e in told})


@pytest.mark.parametrize(
    ("scene", "day", "hour", "old"),
    [
        pytest.param(submitted, 2, 5, False, id="from the day of the kickoff on"),
        pytest.param(submitted, 2, 4, True, id="from before that day"),
        pytest.param(lambda: submitted().later(days=9), 2, 5, False, id="and so nine days later"),
        pytest.param(early_without_kickoff, 18, 4, False, id="no kickoff: as many days before today as the window has"),
        pytest.param(early_without_kickoff, 18, 3, True, id="no kickoff: before that"),
    ],
)
def test_5_says_how_old_the_link_is(scene: MakeScene, day: int, hour: int, old: bool) -> None:
    """docs/process.md 5.18: in a first cycle. Days are New York's."""
    since = datetime(2026, 11 if day == 2 else 10, day, hour, tzinfo=UTC)
    assert with_link_of(scene(), since) == [(since.isoformat(), old)]


def test_5_a_link_of_the_cycle_before_is_old() -> None:
    """docs/process.md 5.18."""
    closed_at = in_the_next_cycle().context().cycle_started
    assert closed_at is not None
    before = closed_at - timedelta(seconds=1)
    assert with_link_of(in_the_next_cycle(), closed_at) == [(closed_at.isoformat(), False)]
    assert with_link_of(in_the_next_cycle(), before) == [(before.isoformat(), True)]


def test_5_nothing_is_said_of_the_age_of_a_link_that_is_not_there() -> None:
    scene = submitted()
    scene.link = " "
    assert with_link_of(scene, NOW) == [(None, False)]
    assert with_link_of(submitted(), None) == [(None, False)]


def test_the_key_does_not_depend_on_the_order_of_the_tickets() -> None:
    """docs/process.md C.7: what names the same entries is the same cause, however many digits their tickets' ids have."""
    scene = quiet().status(SUBMITTED).ticket("99").ticket("100").move("99", "100")
    (key,) = (one.key for one in scene.decide().occurrences if one.handoff is Handoff.SET_READY)
    entries = key.split(":")[3].split(",")
    assert entries == sorted(entries)
    assert [entry.partition("@")[0] for entry in entries] == ["100", "99"]


def test_the_barrier_is_passed_in_the_moment_in_which_its_time_is_up() -> None:
    """docs/process.md 5.12: at least so long ago."""
    scene = quiet().ticket("201").move("201")
    scene.now = scene.tickets["201"].created_at + scene.context().barrier
    assert [one.handoff for one in scene.decide().occurrences if one.handoff is Handoff.SET_READY] == [
        Handoff.SET_READY
    ]


def test_5_a_ticket_of_an_earlier_cycle_stays_beside_a_new_one() -> None:
    """docs/process.md 5.25."""
    scene = one_at_work().status(DECLINED).look().ticket("301", "Summer").look().approve("201")
    assert scene.would_do() == []


def test_5_approved_before_a_merge_is_not_moved() -> None:
    """docs/process.md 5.26: a merge is no cause; what is approved anew after it is one."""
    scene = one_at_work().ticket("203", stage=Stage.IN_PROGRESS).approve("201").absorb_ticket("201", "203")
    assert scene.would_do() == []
    assert scene.later(minutes=1).approve("201", Role.COPYWRITER).would_do() == MOVED
