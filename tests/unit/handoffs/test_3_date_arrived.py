"""Handoff 3: the date arrives."""

from datetime import date, timedelta
from functools import partial

import pytest

from mappings.vocabulary import Handoff, Status, TaskKind
from sync.crm import Owner
from sync.rules.model import Email, NewTask
from tests.builders import STAND_IN, Scene, mapping
from tests.unit.handoffs.scenes import (
    AM,
    APPROVED,
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
    SAS,
    SILENT,
    SUBMITTED,
    SUPERSEDED,
    WAITING,
    begun,
    closed_in_a_word_to_come,
    moved_to,
    quiet,
    tasks_of,
)
from tests.unit.handoffs.table import MakeScene, Row, Says, check, rows


def arrived_in(status: Status) -> Scene:
    return quiet().date(1).look().status(status).look().later(days=1)


HANDOFF_3 = [
    Row(
        "3.14 C.14",
        "a closing version may still be taken back: nothing is decided that hangs on the status",
        lambda: quiet().date(0).status(DECLINED, stands=60),
        Says("3", WAITING, "it counts once it has stood for 2 minutes"),
        NOTHING,
    ),
    Row(
        "3.3",
        "tomorrow",
        lambda: quiet().date(1).look(),
        Says("3", WAITING, "the Refresh Date is Tue 3 Nov 2026"),
        NOTHING,
    ),
    Row(
        "3.2 C.6 2a.5",
        "the decline is not carried out yet: the date still belongs to the cycle before",
        lambda: quiet().date(1).look().later(days=1).status(DECLINED),
        Says("3", WAITING, "handoff 2a of the cycle before comes first"),
        [*moved_to(date(2026, 12, 3)), "2a close kickoff"],
    ),
    Row(
        "3.8 3.12",
        "the date is today: a task and an email for the SAS",
        lambda: quiet().date(1).look().later(days=1),
        Says("3", DUE, "is today"),
        ARRIVED,
    ),
    Row(
        "3.8",
        "the same after the AM confirmed",
        lambda: quiet().date(1).look().status(REQUESTED).look().later(days=1),
        Says("3", DUE, "is today"),
        ARRIVED,
    ),
    Row(
        "3.8 C.10",
        "a missed day still fires",
        lambda: quiet().date(1).look().later(days=4),
        Says("3", DUE, "has come"),
        ARRIVED,
    ),
    Row(
        "3.1",
        "no date",
        lambda: quiet().date(None),
        Says("3", SILENT, "has no Refresh Date"),
        NOTHING,
    ),
    *[
        Row(
            "3.6 3.11",
            f"{status}: the SAS has already acted",
            partial(arrived_in, status),
            Says("3", SUPERSEDED, "later in the process"),
            NOTHING,
        )
        for status in (SUBMITTED, IN_REVIEW, APPROVED)
    ],
    Row(
        "3.5 S.8",
        "a status that the mapping does not name: nothing",
        lambda: quiet().date(1).look().status(Status.UNMAPPED).later(days=1),
        Says("3", SILENT, "is not in the mapping"),
        NOTHING,
    ),
    Row(
        "3.8 1.7 1.8",
        "with the leftover of handoff 1: both fire",
        lambda: quiet().status(DECLINED).look().date(0),
        Says("3", DUE, "is today"),
        LEFTOVER_CLEARED + KICKOFF + ARRIVED,
    ),
    Row(
        "3.8 1.7 1.8 8.14",
        "with a closing's leftover: both fire",
        lambda: closed_in_a_word_to_come().named_at_last(IMPLEMENTED).date(0),
        Says("3", DUE, "is today"),
        LEFTOVER_CLEARED + KICKOFF + ARRIVED,
    ),
    Row(
        "3.4 S.2",
        "done",
        lambda: begun(),
        Says("3", DONE, "is today"),
        NOTHING,
    ),
    Row(
        "3.4 S.2",
        "once a cycle, however long it takes",
        lambda: begun().later(days=20),
        Says("3", DONE, "is today"),
        NOTHING,
    ),
    Row(
        "3.4 S.2 3.11",
        "the SAS completed the task and forgot the status: no second task",
        lambda: begun().complete(TaskKind.CREATE_TICKETS).later(days=1),
        Says("3", DONE, ""),
        NOTHING,
    ),
    Row(
        "3.3",
        "moved later after it fired: not come yet",
        lambda: begun().date(2).look(),
        Says("3", WAITING, "the Refresh Date is"),
        NOTHING,
    ),
    Row(
        "3.8 3.10",
        "moved later, has come, and the task was completed before: again",
        lambda: begun().date(2).look().complete(TaskKind.CREATE_TICKETS).later(days=2),
        Says("3", DUE, "is today"),
        ARRIVED,
    ),
    Row(
        "3.8 3.10",
        "moved later, has come, and the task was deleted: again",
        lambda: begun().date(2).look().delete_task(TaskKind.CREATE_TICKETS).later(days=2),
        Says("3", DUE, "is today"),
        ARRIVED,
    ),
    Row(
        "3.7",
        "moved later, has come, and the task is still open: not again",
        lambda: begun().date(2).look().later(days=2),
        Says("3", SUPERSEDED, "was still open when it came"),
        ["3 overtaken"],
    ),
    Row(
        "3.4 3.7 3.10",
        "the task was open when the date came, though nobody looked until it was completed: not again",
        lambda: begun().date(2).look().later(days=3).complete(TaskKind.CREATE_TICKETS).look(),
        Says("3", SUPERSEDED, "was still open when it came"),
        NOTHING,
    ),
    Row(
        "3.8 3.10",
        "moved later to a day that is past already: it came when it was set, and the task was completed then",
        lambda: begun().later(days=5).complete(TaskKind.CREATE_TICKETS).date(-2),
        Says("3", DUE, "has come"),
        ARRIVED,
    ),
    Row(
        "3.8 3.10",
        "moved later to today, an hour after the task was completed: again",
        lambda: begun().later(days=5).complete(TaskKind.CREATE_TICKETS).date(0),
        Says("3", DUE, "is today"),
        ARRIVED,
    ),
    Row(
        "3.7 3.10",
        "moved later to today while the task is open: not again",
        lambda: begun().later(days=5).date(0),
        Says("3", SUPERSEDED, "was still open when it came"),
        ["3 overtaken"],
    ),
    Row(
        "3.4",
        "moved earlier: not again",
        lambda: begun().complete(TaskKind.CREATE_TICKETS).date(-4),
        Says("3", DONE, "is today"),
        NOTHING,
    ),
    Row(
        "3.4",
        "moved between the two dates for which it fired: not again",
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
    ),
    Row(
        "3.8 P.2",
        "no SAS: blocked; the AM's kickoff went ahead",
        lambda: quiet().nobody(SAS).date(0).look(),
        Says("3", BLOCKED, "no Social Ad Specialist is named"),
        ["3 task create_tickets for None (blocked)", "3 email date_arrived to None (blocked)"],
    ),
    Row(
        "3.3 P.5 C.8",
        "blocked, and meanwhile the date was moved away: not due any more",
        lambda: quiet().nobody(SAS).date(0).look().date(3).look().name(SAS, "sas"),
        Says("3", WAITING, ""),
        NOTHING,
    ),
    Row(
        "3.4 G.7",
        "a lost database: the task in the CRM carries the key",
        lambda: begun().lose_database(),
        Says("3", DONE, ""),
        NOTHING,
    ),
    Row(
        "3.4 F.1",
        "another time zone: it fired when the day began in the old one, and has not begun in the new one",
        lambda: quiet().later(hours=-8).date(0).look().remap(mapping(zone="Pacific/Honolulu")),
        Says("3", DONE, "is today"),
        NOTHING,
    ),
    Row(
        "3.8 F.1",
        "another time zone, in which the day has come: once",
        lambda: quiet().date(1).look().remap(mapping(zone="Pacific/Auckland")),
        Says("3", DUE, "is today"),
        ARRIVED,
    ),
    Row(
        "3.4 F.1",
        "another time zone, in which the day had come: not again on the day of the old one",
        lambda: quiet().date(1).look().remap(mapping(zone="Pacific/Auckland")).look().remap(mapping()).later(days=1),
        Says("3", DONE, "is today"),
        NOTHING,
    ),
]


ROWS = {"3": HANDOFF_3}


@rows(ROWS)
def test_decision(row: Row) -> None:
    check(row)


def quoted_in_3(scene: Scene) -> list[str]:
    """What task and email quote, which is the same."""
    mine = [e for o in scene.decide().occurrences if o.handoff == "3" for e in o.effects]
    task, email = [e.variables for e in mine if isinstance(e, NewTask | Email)]
    assert task == email
    return [note["body"] for note in task["notes"]]


def test_3_quotes_every_note_of_the_cycle_by_its_own_time() -> None:
    """docs/process.md 2b.5 and 3.13."""
    scene = quiet().date(1).look().note("first").note("newest").later(days=1)
    scene.note("written today, dated yesterday", at=scene.now - timedelta(hours=24))
    assert quoted_in_3(scene) == ["first", "newest", "written today, dated yesterday"]
    told = tasks_of(scene)[TaskKind.CREATE_TICKETS].variables
    assert told["notes"][0]["url"] == "https://crm.example/note/first"
    assert (told["notes_more"], told["notes_only_older"]) == (0, False)


def test_3_the_account_managers_word_goes_before_that_of_others() -> None:
    """docs/process.md 2b.6 and 2b.7: a copywriter's leave hides nothing."""
    scene = quiet().date(1).look().note("blue").note("and a new logo").note("I am on leave", by="copy").later(days=1)
    assert quoted_in_3(scene) == ["blue", "and a new logo", "I am on leave"]
    told = tasks_of(scene)[TaskKind.CREATE_TICKETS].variables["notes"]
    assert [note["account_manager"] for note in told] == [True, True, False]


def test_3_a_note_of_the_cycle_before_is_not_the_source_of_truth() -> None:
    """docs/process.md 2b.5 and 2b.9."""
    scene = quiet().date(10).look().note("of the declined cycle").status(DECLINED).look().date(0)
    assert quoted_in_3(scene) == []
    assert tasks_of(scene)[TaskKind.CREATE_TICKETS].variables["notes_only_older"]


def test_3_in_the_first_cycle_a_note_counts_from_the_day_of_the_kickoff() -> None:
    """docs/process.md 2b.5."""
    scene = quiet().note("of years ago").later(days=9).note("of last week").later(days=6)
    scene.note("of this morning", at=scene.now - timedelta(hours=5)).date(3).look().note("of the kickoff")
    assert quoted_in_3(scene.later(days=3)) == ["of this morning", "of the kickoff"]


def adopted(ahead: int) -> Scene:
    """With a date so many days ahead, and a Note every five days of the last thirty."""
    scene = quiet()
    for days in range(30, 0, -5):
        scene.note(f"{days} days ago", at=scene.now - timedelta(days=days))
    return scene.date(ahead).adopt("1:101:start:0", Handoff.KICKOFF, TaskKind.KICKOFF).status(REQUESTED)


def test_3_an_adopted_kickoff_cuts_no_note_off_that_the_window_holds() -> None:
    """docs/process.md 5.18: it was recorded a day before the date, when the window had been open for long."""
    assert quoted_in_3(adopted(1).later(days=1)) == ["10 days ago", "5 days ago"]


def test_3_an_adopted_kickoff_before_the_window_counts() -> None:
    """docs/process.md 5.18: its task was there twenty days before the date."""
    scene = adopted(20).later(days=1).note("of the day after").later(days=19)
    assert quoted_in_3(scene) == ["of the day after"]


def test_3_without_a_kickoff_it_counts_from_the_opening_of_the_window() -> None:
    """docs/process.md 2b.5: fifteen days before the date, or before today."""
    scene = quiet().note("16 days before the date").later(days=1).note("15 days before the date").later(days=16)
    scene.note("the day before")
    assert quoted_in_3(scene.date(-1).status(REQUESTED)) == ["15 days before the date", "the day before"]


def test_3_says_that_no_note_was_left() -> None:
    """docs/process.md 2b.9 and 3.13."""
    scene = quiet().date(0)
    assert quoted_in_3(scene) == []
    told = tasks_of(scene)[TaskKind.CREATE_TICKETS].variables
    assert (told["notes_only_older"], told["notes_since"][:10]) == (False, "2026-10-18")


def person(owner: str, first: str, last: str) -> Owner:
    return Owner(owner, f"{owner}@agency.example", first, last, archived=False)


@pytest.mark.parametrize(
    ("scene", "unconfirmed"),
    [
        pytest.param(lambda: quiet().date(0), True, id="the status is empty"),
        pytest.param(lambda: quiet().status(DECLINED).look().date(0), True, id="a leftover of the cycle before"),
        pytest.param(lambda: quiet().date(1).look().status(REQUESTED).later(days=1), False, id="noted"),
    ],
)
def test_3_says_whether_the_clients_yes_is_missing_and_whom_to_ask(scene: MakeScene, unconfirmed: bool) -> None:
    """docs/process.md 3.12: task and email alike, by the name of whoever does the Account Manager's work."""
    made = scene()
    made.known = {"am": person("am", "Amelia", "Marsh")}
    mine = [e for o in made.decide().occurrences if o.handoff == "3" for e in o.effects]
    told = [e.variables for e in mine if isinstance(e, NewTask | Email)]
    assert [(v["unconfirmed"], v["account_manager"]) for v in told] == [(unconfirmed, "Amelia Marsh")] * 2


def test_3_whom_to_ask_is_who_does_the_work_now() -> None:
    """docs/process.md 3.12: a stand-in for one who has left; nobody's name where there is nobody."""
    scene = Scene(mapping(fallbacks=True)).nobody(AM).date(0)
    scene.known = {STAND_IN: person(STAND_IN, "Sam", "Stone"), "am": person("am", "Amelia", "Marsh")}
    assert tasks_of(scene)[TaskKind.CREATE_TICKETS].variables["account_manager"] == "Sam Stone"
    assert tasks_of(quiet().nobody(AM).date(0))[TaskKind.CREATE_TICKETS].variables["account_manager"] == ""
