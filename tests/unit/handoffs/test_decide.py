"""What holds of a decision as a whole, whichever handoff it is about."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mappings.vocabulary import Handoff, TaskKind
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
    assert first.needed_tasks == {scene.newest_task(TaskKind.REVISE_COPY)}
    assert decide(context).complete


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
