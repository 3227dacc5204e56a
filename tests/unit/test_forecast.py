"""Looking ahead tells what is then done: the same rules over the same days, one on paper and one on a portal in miniature."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.vocabulary import Handoff, Revision, Role, Status, TaskKind
from sync.rules.dry_run import LATER, ExpectedEffect, Prospect, dry_run
from sync.rules.model import Email
from tests.builders import Scene, told
from tests.unit.test_deciding_twice import LOOKS, SETTINGS, WORK, Act, played

ACTS = st.lists(st.one_of(*WORK), max_size=25)
DAYS = 25


def dry_runn(scene: Scene, days: int | None = None) -> list[ExpectedEffect]:
    """What would be done now, and in so many days."""
    forecast = dry_run(scene.context(), None if days is None else scene.day(days))
    assert forecast.complete, "a scene holds every task and note"
    return list(forecast.effects)


def due(scene: Scene, days: int | None = None) -> list[tuple[int, str]]:
    """What would be done, with the number of days until then, in words."""
    return [
        ((one.day - scene.today).days, in_words(scene, one))
        for one in dry_runn(scene, days)
        if one.prospect is Prospect.DUE
    ]


def in_words(scene: Scene, one: ExpectedEffect) -> str:
    if one.effect is not None:
        return f"{one.handoff} {told(one.effect, scene.task_kinds)}"
    who = "" if one.owner is None else f"{' for' if one.kind == 'task' else ' to'} {one.owner}"
    return f"{one.handoff} {one.slot.replace(':', ' ')}{who}"


def test_a_quiet_portfolio_has_nothing_ahead() -> None:
    assert due(Scene(), days=20) == []


def test_the_day_of_the_window_and_the_day_of_the_date() -> None:
    scene = Scene().date(18)
    assert due(scene, days=2) == []
    assert [day for day, _ in due(scene, days=20)] == [3, 3, 18, 18]
    assert due(scene, days=20) == [
        (3, "1 task kickoff for am"),
        (3, "1 email kickoff to am"),
        (18, "3 task create_tickets for sas"),
        (18, "3 email date_arrived to sas"),
    ]


def test_its_own_writes_lead_further() -> None:
    """A task ticked: the cycle closes, the date moves, and the next cycle's kickoff comes with it."""
    scene = Scene().set_cadence("Weekly").date(0).status(Status.CREATIVES_APPROVED).look()
    scene.complete(TaskKind.IMPLEMENT)
    assert due(scene) == [
        (0, "8 write 101: creative_refresh_status=Creatives Implemented"),
        (0, "8 write 101: creative_refresh_date=2026-11-09, creative_refresh_status="),
        (0, "9 email refresh_live to am"),
        (0, "1 task kickoff for am"),
        (0, "1 email kickoff to am"),
    ]
    keys = [one.key for one in dry_runn(scene)]
    assert keys[1] == f"8:101:{LATER}/write", "the time of a write to come is in no key"
    email = dry_runn(scene)[2].effect
    assert isinstance(email, Email)
    assert email.after == keys[1]


def test_months_keep_the_day_that_was_chosen() -> None:
    """Two declines that nobody has looked at, and then the same looked at: docs/process.md D.3."""
    scene = Scene().later(days=80).date(10).status(Status.NO_REFRESH_REQUESTED)  # 31 January 2027
    scene.status(None).status(Status.NO_REFRESH_REQUESTED)
    expected = [f"2a write 101: creative_refresh_date={month_end}" for month_end in ("2027-02-28", "2027-03-31")]
    assert [what for _, what in due(scene)] == expected
    assert scene.look().done == expected


def test_a_barrier_that_ends_within_the_day() -> None:
    scene = Scene().ticket("201").look().move("201")
    assert due(scene) == []
    assert due(scene, days=0) == [
        (0, "5 write 101: creative_refresh_status=Creatives Pending Approval"),
        (0, "5 task share_deliverables for am"),
        (0, "5 email set_ready_account_manager to am"),
        (0, "5 email set_ready_social_ad_specialist to sas"),
    ]


def test_what_waits_for_a_person_is_told_once() -> None:
    scene = Scene().nobody(Role.ACCOUNT_MANAGER).date(5)
    waits = dry_runn(scene, days=10)
    assert [(one.prospect, one.kind) for one in waits if one.handoff is Handoff.KICKOFF] == [
        (Prospect.BLOCKED, "task"),
        (Prospect.BLOCKED, "email"),
    ]
    assert all("no Account Manager is named" in (one.blocked or "") for one in waits[:2])


def test_one_who_is_named_at_last_does_what_waited() -> None:
    scene = Scene().nobody(Role.COPYWRITER).ticket().look().name(Role.COPYWRITER, "own-copy")
    found = dry_runn(scene)
    assert [(one.kind, one.slot, one.owner, one.effect) for one in found] == [
        ("task", "task:write_copy", "own-copy", None)
    ]


def test_an_unmapped_cadence_blocks_the_closing_as_a_whole() -> None:
    scene = Scene().set_cadence("Whenever").date(0).status(Status.CREATIVES_APPROVED).look()
    scene.status(Status.CREATIVES_IMPLEMENTED)
    found = dry_runn(scene)
    assert {one.prospect for one in found} == {Prospect.BLOCKED}
    assert [one.kind for one in found] == ["write", "close"]


@pytest.mark.parametrize("kind", ["write", "task", "email"])
def test_what_was_refused_is_tried_again(kind: str) -> None:
    scene = Scene().date(0).status(Status.DELIVERABLES_SUBMITTED).ticket().move("201").refuse(kind).look().refuse()
    assert kind in {one.kind for one in dry_runn(scene) if one.prospect is Prospect.DUE}


def test_nothing_is_changed_by_looking() -> None:
    scene = Scene().date(5).ticket().revise("201", Revision.COPY)
    before = (scene.snapshot(), dict(scene.recorded))
    dry_run(scene.context(), scene.day(30))
    assert (scene.snapshot(), dict(scene.recorded)) == before


@SETTINGS
@given(ACTS, LOOKS)
def test_a_forecast_of_now_is_what_a_look_does(acts: list[Act], looks: set[int]) -> None:
    scene = played(acts, looks.__contains__)
    expected = due(scene)
    begin = len(scene.done)
    scene.look()
    assert sorted(text for _, text in expected) == sorted(scene.done[begin:])


@SETTINGS
@given(ACTS, LOOKS, st.integers(1, DAYS))
def test_a_forecast_of_days_is_what_they_bring(acts: list[Act], looks: set[int], days: int) -> None:
    scene = played(acts, looks.__contains__).look()
    expected = due(scene, days)
    done: list[tuple[int, str]] = []
    for day in range(1, days + 1):
        begin = len(scene.done)
        scene.later(1).look()
        done += [(day, text) for text in scene.done[begin:]]
    assert _days_of(expected) == _days_of(done)


def _days_of(found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """A barrier ends within the day; a scene that is looked at once a day sees it on the next."""
    return sorted((-1 if text.startswith("5 ") else day, text) for day, text in found)
