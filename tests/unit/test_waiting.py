"""Whose turn it is: one row a stage of the process, and what keeps it from being anybody's."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mappings.schema import Party
from mappings.vocabulary import Handoff, Revision, Role, Stage, Status, TaskKind
from sync.crm import Owner
from sync.rules.decide import decide
from sync.rules.model import Wait
from sync.rules.waiting import Judgement, judge
from tests.builders import Scene, mapping

AM, SAS, TEAM, CLIENT = (
    Party.ACCOUNT_MANAGER, Party.SOCIAL_AD_SPECIALIST, Party.CREATIVE_TEAM, Party.CLIENT,
)  # fmt: skip


def judged(scene: Scene, *, closely: bool = True) -> Judgement:
    context = scene.context()
    return judge(context, decide(context).verdicts, closely=closely)


def wait(scene: Scene) -> Wait | None:
    found = judged(scene)
    assert found.complete, "a scene holds every task that may be asked for"
    return found.wait


def party(scene: Scene) -> tuple[Party, Handoff] | None:
    found = wait(scene)
    return None if found is None else (found.party, found.after)


def kicked_off() -> Scene:
    return Scene().date(10).look()


def cued() -> Scene:
    return Scene().date(0).look()


def made(*stages: Stage) -> Scene:
    scene = cued()
    for n, stage in enumerate(stages):
        scene.ticket(str(201 + n), stage=stage)
    return scene.look()


def shared() -> Scene:
    """Two tickets are ready, and announced."""
    return made(Stage.OTHER, Stage.OTHER).move("201", "202").status(Status.DELIVERABLES_SUBMITTED).look()


def approved() -> Scene:
    return shared().status(Status.CREATIVES_APPROVED).look()


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        pytest.param(Scene(), None, id="the date is far away"),
        pytest.param(Scene().date(None), None, id="no date"),
        pytest.param(Scene().date(10), None, id="the kickoff is due: the service's turn"),
        pytest.param(kicked_off(), (AM, Handoff.KICKOFF), id="kicked off"),
        pytest.param(kicked_off().complete(TaskKind.KICKOFF), (CLIENT, Handoff.KICKOFF), id="asked"),
        pytest.param(kicked_off().delete_task(TaskKind.KICKOFF), (AM, Handoff.KICKOFF), id="its task was deleted"),
        pytest.param(kicked_off().date(40), None, id="moved out of the window after the kickoff"),
        pytest.param(kicked_off().status(Status.REFRESH_REQUEST_SUBMITTED).look(), None, id="confirmed: the date's turn"),
        pytest.param(
            kicked_off().status(Status.REFRESH_REQUEST_SUBMITTED).date(None).look(),
            (AM, Handoff.CONFIRMED), id="confirmed, and no date",
        ),
        pytest.param(kicked_off().status(Status.NO_REFRESH_REQUESTED), None, id="declined: the service's turn"),
        pytest.param(kicked_off().status(Status.NO_REFRESH_REQUESTED).look(), None, id="declined and done"),
        pytest.param(Scene().date(0), None, id="the date has come: the service's turn"),
        pytest.param(cued(), (SAS, Handoff.DATE_ARRIVED), id="the SAS is cued"),
        pytest.param(cued().date(3).look(), (AM, Handoff.KICKOFF), id="cued, and the date moved on"),
        pytest.param(
            cued().status(Status.DELIVERABLES_SUBMITTED).look(),
            (SAS, Handoff.DATE_ARRIVED), id="submitted without a ticket",
        ),
        pytest.param(made(Stage.OTHER, Stage.OTHER), (TEAM, Handoff.TICKETS), id="tickets made"),
        pytest.param(
            made(Stage.PENDING_APPROVAL, Stage.OTHER), (TEAM, Handoff.TICKETS), id="one of two is ready"
        ),
        pytest.param(made(Stage.PENDING_APPROVAL), None, id="ready, but young: the barrier's turn"),
        pytest.param(
            made(Stage.OTHER).rename("", "201").move("201").look(), (SAS, Handoff.TICKETS), id="ready, of no folder"
        ),
        pytest.param(shared(), (AM, Handoff.SET_READY), id="ready and announced"),
        pytest.param(shared().complete(TaskKind.SHARE_DELIVERABLES), (CLIENT, Handoff.SET_READY), id="shared"),
        pytest.param(
            shared().complete(TaskKind.SHARE_DELIVERABLES).revise("201", Revision.COPY).look(),
            (TEAM, Handoff.REVISIONS), id="revisions",
        ),
        pytest.param(
            shared().complete(TaskKind.SHARE_DELIVERABLES).revise("201", Revision.COPY).look().move("201").look(),
            (AM, Handoff.SET_READY), id="revised, and announced again",
        ),
        pytest.param(approved(), (SAS, Handoff.APPROVED), id="approved"),
        pytest.param(approved().complete(TaskKind.IMPLEMENT), (SAS, Handoff.APPROVED), id="implemented a moment ago"),
        pytest.param(approved().complete(TaskKind.IMPLEMENT).look(), None, id="closed"),
        pytest.param(approved().status(Status.UNMAPPED), None, id="a status that the mapping does not name"),
        pytest.param(Scene(mapping(condition=True)).date(0).look().leave(), None, id="outside the condition"),
    ],
)  # fmt: skip
def test_whose_turn_it_is(scene: Scene, expected: tuple[Party, Handoff] | None) -> None:
    assert party(scene) == expected


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(Scene().nobody(Role.ACCOUNT_MANAGER).date(10).look(), id="kickoff"),
        pytest.param(Scene().nobody(Role.SOCIAL_AD_SPECIALIST).date(0).look(), id="date arrived"),
        pytest.param(
            cued().nobody(Role.COPYWRITER, Role.GRAPHIC_DESIGNER).ticket("201").look(), id="tickets"
        ),
        pytest.param(
            made(Stage.OTHER).nobody(Role.ACCOUNT_MANAGER).move("201")
            .status(Status.DELIVERABLES_SUBMITTED).look(), id="set ready",
        ),
        pytest.param(shared().nobody(Role.SOCIAL_AD_SPECIALIST).status(Status.CREATIVES_APPROVED).look(), id="approved"),
        pytest.param(Scene().refuse("task").date(0).look(), id="the CRM refused the task"),
    ],
)  # fmt: skip
def test_it_is_nobodys_turn_while_their_task_waits_for_an_admin(scene: Scene) -> None:
    assert wait(scene) is None


def _moments() -> list[Any]:
    kickoff = kicked_off()
    asked = kickoff.now
    ready = shared()
    announced = ready.now
    ready.later(days=2).complete(TaskKind.SHARE_DELIVERABLES)
    moved = made(Stage.OTHER, Stage.OTHER).later(days=3).move("201")
    revised = shared().later(days=4).revise("201", Revision.COPY)
    implement = approved()
    approval = implement.statuses[0].at
    return [
        pytest.param(kickoff.later(days=3), asked, id="the kickoff"),
        pytest.param(shared().later(days=1), announced, id="the announcement"),
        pytest.param(ready.later(days=1), announced + timedelta(days=2, seconds=1), id="the task's completion"),
        pytest.param(moved.look().later(days=1), moved.tickets["201"].stage_since, id="the last ticket that moved"),
        pytest.param(
            revised.look().later(days=1), revised.tickets["201"].stage_since, id="the ticket that was kicked back"
        ),
        pytest.param(implement.later(days=5), approval, id="the approval"),
    ]


@pytest.mark.parametrize(("scene", "since"), _moments())
def test_since_the_last_change(scene: Scene, since: datetime) -> None:
    found = wait(scene)
    assert found is not None
    assert found.since == since
    limit = scene.mapping.rules.stuck_after_days[found.party]
    assert found.stuck_at == since + timedelta(days=limit)


@pytest.mark.parametrize(
    ("before_the_limit", "looked"),
    [(timedelta(days=4), False), (timedelta(hours=27), False), (timedelta(hours=25), True)],
)
def test_a_task_is_read_only_where_it_may_matter_before_the_next_look(
    before_the_limit: timedelta, looked: bool
) -> None:
    scene = kicked_off()
    days = min(scene.mapping.rules.stuck_after_days[party] for party in (AM, CLIENT))
    context = scene.later(hours=days * 24).later(hours=-before_the_limit / timedelta(hours=1)).context()
    verdicts = decide(context).verdicts
    bare = replace(context, snapshot=replace(context.snapshot, tasks={}))
    assert judge(bare, verdicts).complete is not looked
    assert judge(bare, verdicts, closely=True).needed.tasks == set(scene.tasks)


def test_people_are_named_by_role_and_name() -> None:
    context = kicked_off().context()
    ada = Owner("am", "ada@agency.example", "Ada", "Quill", archived=False)
    for owners, who in (({}, "the Account Manager"), ({"am": ada}, "the Account Manager (Ada Quill)")):
        named = replace(context, snapshot=replace(context.snapshot, owners=owners))
        found = judge(named, decide(named).verdicts).wait
        assert found is not None
        assert found.who == who


def test_how_many_tickets_are_to_be_finished() -> None:
    told = [wait(made(*stages)) for stages in ([Stage.IN_PROGRESS], [Stage.IN_PROGRESS, Stage.PENDING_APPROVAL])]
    assert [one.what for one in told if one is not None] == [
        "to finish the one ticket: ticket 201 “Ad 201”",
        "to finish 1 of 2 tickets: ticket 201 “Ad 201”",
    ]


def test_what_only_has_to_be_moved() -> None:
    """docs/process.md 5.24: the Creative Team's turn, and what is left to do is said; with the switch it is the service's."""
    scene = made(Stage.IN_PROGRESS, Stage.PENDING_APPROVAL).approve("201")
    found = wait(scene)
    assert found is not None
    assert found.party is Party.CREATIVE_TEAM
    assert found.what == "to move ticket 201 “Ad 201” to “Pending Approval”: both approvals are “Approved”"
    assert found.since == scene.tickets["201"].approved[Role.COPYWRITER][0]
    assert wait(scene.remap(mapping(advance=True))) is None
