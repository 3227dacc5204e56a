"""What the kept versions tell of a cycle, one case at a time; `tests/reports` holds whole months against what was planted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mappings.schema import Party
from mappings.vocabulary import Kept, Revision, Stage, Status, Step
from sync.crm import Kind, RecordRef
from sync.reports.cycles import Cycle, Lead, Outcome, Terms, cycles_of
from sync.reports.pictures import sparkline
from sync.reports.statistics import MANY, Values, summary
from sync.reports.workdays import working_days
from sync.rules.model import Closing
from sync.storage.ledger.past import ClientPast
from sync.storage.versions import APPROVED, CLOSED, DELIVERABLES, KeptVersion

NEW_YORK = ZoneInfo("America/New_York")


def day(number: float, month: int = 11) -> datetime:
    """Noon of a day in UTC, and so much later; 2 November 2026 is a Monday."""
    return datetime(2026, month, int(number), 12, tzinfo=UTC) + timedelta(days=number % 1)


TERMS = Terms(NEW_YORK, 15, timedelta(minutes=15), now=day(31, 12))


class Scene:
    """A client whose Refresh Date is 10 November, told on 1 October, kicked off on 1 November."""

    def __init__(self) -> None:
        self.past = ClientPast("1001")
        self.date(day(1, 10), "2026-11-10")
        self.past.kickoffs.append(("start", day(1)))

    def status(self, at: datetime, status: Status | None) -> None:
        self.past.versions.append(_version("1001", Kept.STATUS, at, status or ""))

    def date(self, at: datetime, iso: str) -> None:
        self.past.versions.append(_version("1001", Kept.REFRESH_DATE, at, iso))

    def ticket(self, at: datetime, ticket: str = "1") -> None:
        self.past.tickets[ticket] = [_version(ticket, Kept.PIPELINE, at, DELIVERABLES, Kind.TICKET)]
        self.set(at, Kept.STAGE, Stage.OTHER, ticket)

    def set(self, at: datetime, kept: Kept, means: str, ticket: str = "1") -> None:
        self.past.tickets[ticket].append(_version(ticket, kept, at, means, Kind.TICKET))

    def ready(self, at: datetime, ticket: str = "1") -> None:
        self.set(at, Kept.STAGE, Stage.PENDING_APPROVAL, ticket)

    def close(self, at: datetime, by: Status = Status.CREATIVES_IMPLEMENTED) -> None:
        self.status(at, by)
        self.past.closings.append(Closing(at, by))

    def only(self, now: datetime = TERMS.now) -> Cycle:
        return cycles_of(self.past, replace(TERMS, now=now))[0]

    def turns(self) -> list[tuple[Step, bool]]:
        return [(turn.step, turn.handed_on) for turn in self.only().turns]

    def lengths(self) -> dict[Lead, list[float]]:
        found: dict[Lead, list[float]] = {}
        for one in self.only().spans:
            found.setdefault(one.lead, []).append(round(one.days, 2))
        return found


def _version(record: str, kept: Kept, at: datetime, means: str, kind: Kind = Kind.PORTFOLIO) -> KeptVersion:
    return KeptVersion(RecordRef(kind, record), kept, at, str(means), str(means), "CRM_UI", "")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def whole(scene: Scene) -> Scene:
    """A cycle from the yes to the end, with a round of revisions."""
    scene.status(day(4), Status.REFRESH_REQUEST_SUBMITTED)
    scene.ticket(day(11))
    scene.status(day(11.01), Status.DELIVERABLES_SUBMITTED)
    scene.ready(day(13))
    scene.set(day(16), Kept.NEEDS_REVISIONS, Revision.COPY)
    scene.set(day(16.1), Kept.STAGE, Stage.IN_PROGRESS)
    scene.ready(day(17))
    scene.status(day(19), Status.CREATIVES_APPROVED)
    scene.close(day(20))
    return scene


def test_a_whole_cycle(scene: Scene) -> None:
    cycle = whole(scene).only()
    assert cycle.outcome is Outcome.LIVE
    assert cycle.rounds == (1,)
    assert scene.lengths() == {
        Lead.KICKOFF_TO_YES: [3.0],
        Lead.DATE_TO_TICKETS: [1.29],  # from midnight in New York
        Lead.TICKETS_TO_READY: [2.0],
        Lead.REVIEW: [3.0, 2.0],
        Lead.REVISION: [1.0],
        Lead.APPROVAL_TO_LIVE: [1.0],
    }
    assert [turn.step for turn in cycle.turns] == [
        Step.KICKOFF, Step.TICKETS, Step.PRODUCTION, Step.REVIEW, Step.REVISIONS, Step.REVIEW, Step.IMPLEMENTATION,
    ]  # fmt: skip
    assert all(turn.handed_on for turn in cycle.turns)
    assert round(cycle.held(Party.CREATIVE_TEAM), 2) == 3.0
    assert cycles_of(scene.past, TERMS)[1].outcome is Outcome.RUNNING


def test_what_goes_on_is_told_as_far_as_it_is_over(scene: Scene) -> None:
    scene.status(day(4), Status.REFRESH_REQUEST_SUBMITTED)
    scene.ticket(day(11))
    assert scene.turns() == [(Step.KICKOFF, True), (Step.TICKETS, True)]
    assert scene.only().ended is None


def test_a_no_is_an_answer_and_no_yes(scene: Scene) -> None:
    scene.close(day(5), Status.NO_REFRESH_REQUESTED)
    assert scene.turns() == [(Step.KICKOFF, True)]
    assert scene.lengths() == {}
    assert scene.only().outcome is Outcome.DECLINED


def test_a_date_that_comes_before_the_answer_takes_the_turn(scene: Scene) -> None:
    scene.status(day(12), Status.REFRESH_REQUEST_SUBMITTED)
    scene.ticket(day(13))
    assert scene.turns() == [(Step.KICKOFF, False), (Step.TICKETS, True)]
    assert scene.lengths() == {Lead.KICKOFF_TO_YES: [11.0], Lead.DATE_TO_TICKETS: [3.29]}


def test_a_turn_lasts_until_the_date_has_really_come(scene: Scene) -> None:
    assert not scene.only(now=day(5)).turns
    assert [turn.step for turn in scene.only(now=day(11)).turns] == [Step.KICKOFF]


def test_a_date_moved_out_of_the_window_is_nobodys_turn_until_the_next_kickoff(scene: Scene) -> None:
    scene.date(day(5), "2026-12-20")
    scene.past.kickoffs.append(("start", day(6, 12)))
    scene.status(day(8, 12), Status.REFRESH_REQUEST_SUBMITTED)
    [first, second] = scene.only().turns
    assert (first.end, first.handed_on) == (day(5), False)
    assert second.end == day(8, 12)
    assert scene.lengths() == {Lead.KICKOFF_TO_YES: [2.0]}, "from the newest kickoff"


def test_tickets_before_their_date_took_no_time(scene: Scene) -> None:
    scene.ticket(day(3))
    assert scene.lengths() == {Lead.DATE_TO_TICKETS: [0.0]}


def test_the_date_of_the_cycle_before_is_not_this_ones(scene: Scene) -> None:
    """The service moves it within seconds of the closing: in these nobody has a turn."""
    whole(scene)
    scene.date(day(20.001), "2026-12-08")
    scene.ticket(day(10, 12), "2")
    following = cycles_of(scene.past, TERMS)[1]
    assert [(turn.step, turn.handed_on) for turn in following.turns] == [(Step.TICKETS, True)]
    assert following.turns[0].start == datetime(2026, 12, 8, 5, tzinfo=UTC)


def test_a_wrong_pick_that_was_taken_back_parts_no_turn(scene: Scene) -> None:
    scene.status(day(2), Status.NO_REFRESH_REQUESTED)
    scene.status(day(2.001), None)
    scene.status(day(4), Status.REFRESH_REQUEST_SUBMITTED)
    assert scene.lengths() == {Lead.KICKOFF_TO_YES: [3.0]}
    assert scene.turns() == [(Step.KICKOFF, True)]


def test_a_first_ticket_that_is_ready_at_once_is_no_set(scene: Scene) -> None:
    scene.ticket(day(11))
    scene.ready(day(11.001))
    scene.ticket(day(11.005), "2")
    scene.ready(day(12), "2")
    scene.status(day(13), Status.CREATIVES_APPROVED)
    assert scene.lengths()[Lead.TICKETS_TO_READY] == [1.0]


def test_closed_tickets_hold_up_nothing(scene: Scene) -> None:
    scene.ticket(day(11))
    scene.ticket(day(11), "2")
    scene.ready(day(12))
    scene.set(day(13), Kept.STAGE, CLOSED, "2")
    scene.status(day(15), Status.CREATIVES_APPROVED)
    assert scene.lengths()[Lead.TICKETS_TO_READY] == [2.0]
    assert scene.only().rounds == (0,), "the closed one was never ready"


def test_a_ticket_that_joins_a_review_cuts_it_short(scene: Scene) -> None:
    scene.ticket(day(11))
    scene.status(day(11.01), Status.DELIVERABLES_SUBMITTED)
    scene.ready(day(12))
    scene.ticket(day(13), "2")
    scene.ready(day(14), "2")
    scene.status(day(16), Status.CREATIVES_APPROVED)
    assert scene.lengths()[Lead.REVIEW] == [2.0]
    assert (Step.REVIEW, False) in scene.turns()


@pytest.mark.parametrize(
    ("between", "rounds"),
    [
        ([], 1),
        ([(Kept.GRAPHIC_APPROVAL, APPROVED)], 1),
        ([(Kept.COPY_APPROVAL, APPROVED)], 2),
        ([(Kept.STAGE, Stage.PENDING_APPROVAL)], 2),
    ],
    ids=["nothing delivered", "another's approval", "the approval that was asked for", "ready again"],
)
def test_a_round_begins_where_the_one_before_was_delivered(
    scene: Scene, between: list[tuple[Kept, str]], rounds: int
) -> None:
    scene.ticket(day(11))
    scene.ready(day(12))
    scene.set(day(13), Kept.NEEDS_REVISIONS, Revision.COPY)
    scene.set(day(13.01), Kept.STAGE, Stage.IN_PROGRESS)
    for kept, means in between:
        scene.set(day(14), kept, means)
    scene.set(day(15), Kept.NEEDS_REVISIONS, Revision.COPY)
    assert scene.only().rounds == (rounds,)


def test_an_approval_that_was_taken_back_is_no_end(scene: Scene) -> None:
    scene.ticket(day(11))
    scene.ready(day(12))
    scene.status(day(14), Status.CREATIVES_APPROVED)
    scene.status(day(15), Status.CREATIVES_PENDING_APPROVAL)
    scene.status(day(17), Status.CREATIVES_APPROVED)
    scene.close(day(20))
    assert scene.lengths()[Lead.APPROVAL_TO_LIVE] == [3.0]
    assert scene.turns().count((Step.IMPLEMENTATION, False)) == 1


def test_histories_that_reach_back_not_far_enough_tell_what_they_show(scene: Scene) -> None:
    scene.past.kickoffs.clear()
    scene.past.versions.clear()
    scene.status(day(19), Status.CREATIVES_APPROVED)
    scene.close(day(20))
    assert scene.lengths() == {Lead.APPROVAL_TO_LIVE: [1.0]}
    assert scene.turns() == [(Step.IMPLEMENTATION, True)]


def test_working_days_are_counted_where_the_portal_is() -> None:
    friday_evening = datetime(2026, 10, 31, 3, tzinfo=UTC)  # 23:00 in New York
    assert working_days(friday_evening, datetime(2026, 11, 2, 5, tzinfo=UTC), NEW_YORK) == pytest.approx(1 / 24)
    assert working_days(friday_evening, datetime(2026, 11, 3, 5, tzinfo=UTC), NEW_YORK) == pytest.approx(1 + 1 / 24)
    assert working_days(friday_evening, friday_evening, NEW_YORK) == 0


def test_what_stands_for_many() -> None:
    assert (summary([]).count, summary([]).median) == (0, None)
    assert (summary([4.0]).median, summary([4.0]).ninth) == (4.0, 4.0)
    assert (summary(range(11)).median, summary(range(11)).ninth) == (5, 9)


@pytest.mark.parametrize("number", [3, MANY - 1, MANY, 3 * MANY + 7])
def test_very_many_are_summed_up_as_few_are(number: int) -> None:
    values, collected = [n * 37 % 10_007 / 777 for n in range(number)], Values()
    for value in values:
        collected.add(value)
    exact, found = summary(values), collected.summary()
    assert found.count == number
    assert collected.sum == pytest.approx(sum(values))
    assert [found.median, found.ninth] == pytest.approx([exact.median, exact.ninth], abs=0.001)
    assert len(collected._newest) < MANY


def test_pictures_say_what_they_show_and_escape_it() -> None:
    drawn = sparkline([1.0, None, 2.0, 3.0], "<b>")
    assert "<title>&lt;b&gt;</title>" in drawn
    assert (drawn.count("<polyline"), drawn.count("<circle")) == (1, 2)
    assert sparkline([1.0], "one") == ""
