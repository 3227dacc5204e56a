"""What holds of a decision as a whole, whichever handoff it is about."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mappings.vocabulary import Handoff, Role, Status, TaskKind
from sync.clock import start_of_day
from sync.crm import Owner
from sync.rules.decide import BLOCKED_AGAIN, decide
from sync.rules.model import OwnTask
from tests.builders import effects_of
from tests.unit.handoffs.scenes import (
    AM,
    COPY,
    DECLINED,
    DESIGNER,
    EMPTY,
    IMPLEMENTED,
    REQUESTED,
    SUBMITTED,
    approved,
    begun,
    closed,
    in_review,
    in_revision,
    quiet,
    submitted,
    writes_of,
)
from tests.unit.handoffs.table import MakeScene


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
    assert first.needed.tasks == {scene.newest_task(TaskKind.REVISE_COPY)}
    assert decide(context).complete


def test_what_waits_for_a_person_is_looked_at_again() -> None:
    scene = quiet().nobody(AM).date(10)
    assert scene.decide().recheck_at == scene.now + BLOCKED_AGAIN
    assert scene.look().decide().recheck_at == scene.now + BLOCKED_AGAIN
    half = begun().nobody(DESIGNER).ticket("201").look()
    assert half.decide().recheck_at == half.now + BLOCKED_AGAIN


def test_what_is_left_blocked_of_a_handoff_that_is_through_is_looked_at_again() -> None:
    """docs/process.md P.2, P.6: at least hourly, though no rule asks for it any more, and though somebody is named."""
    scene = quiet().nobody(Role.GRAPHIC_DESIGNER).ticket().look().name(Role.GRAPHIC_DESIGNER, "design")
    decision = scene.decide()
    assert decision.recheck_at == scene.now + BLOCKED_AGAIN
    assert not any(verdict.occurrence for verdict in decision.verdicts)


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
    for scene, closing in ((quiet(), DECLINED), (approved(), IMPLEMENTED)):
        scene.status(closing, stands=119)
        assert scene.decide().closings == ()  # it may yet turn out to be a slip
        assert [closing.by for closing in scene.later(minutes=1).decide().closings] == [closing]


@pytest.mark.parametrize(("closing", "handoff"), [(DECLINED, "2a"), (IMPLEMENTED, "8")])
def test_it_is_looked_at_again_when_a_closing_version_counts(closing: Status, handoff: str) -> None:
    """docs/process.md C.14: and not a day later; the CRM tells its time in whole seconds."""
    scene = approved().status(closing, stands=30)
    decision = scene.decide()
    assert decision.recheck_at == scene.now + timedelta(seconds=91)
    (verdict,) = (v for v in decision.verdicts if v.handoff == handoff)
    assert verdict.when == decision.recheck_at


def test_it_is_looked_at_again_when_a_completed_task_counts() -> None:
    """docs/process.md C.15."""
    scene = approved().complete(TaskKind.IMPLEMENT, stands=30)
    assert scene.decide().recheck_at == scene.now + timedelta(seconds=91)


def test_our_own_clock_tells_nothing_of_how_long_it_has_stood() -> None:
    """docs/process.md C.11: ours is an hour ahead of the CRM's, or behind it."""
    for ours in (timedelta(hours=-1), timedelta(hours=1)):
        scene = approved().status(IMPLEMENTED, stands=30)
        context = scene.context()
        snapshot = replace(context.snapshot, read_at=scene.now)
        times = replace(context.times, now=scene.now + ours)
        decision = decide(replace(context, snapshot=snapshot, times=times))
        assert decision.closings == ()
        assert decision.recheck_at == times.now + timedelta(seconds=91)


def test_what_was_begun_is_left_as_it_is_while_a_closing_version_waits() -> None:
    """docs/process.md C.14: an announcement whose status the CRM refused goes on once the decline was a slip."""
    scene = submitted().move("201", "202").refuse("write").look().refuse().status(DECLINED, stands=20)
    scene.look()
    assert scene.would_do() == []
    assert scene.status(SUBMITTED).would_do() == [
        "2a overtaken",
        "5 write 101: creative_refresh_status=Creatives Pending Approval",
    ]


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
