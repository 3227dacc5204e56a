"""In which step of the process a portfolio is: one row a step, and what keeps it from being the next one."""

from typing import Any

import pytest

from mappings.vocabulary import Revision, Stage, Status, Step
from sync.rules.standing import step_of
from tests.builders import Scene


def cued() -> Scene:
    return Scene().date(0).look()


def made(*stages: Stage) -> Scene:
    scene = cued()
    for n, stage in enumerate(stages):
        scene.ticket(str(201 + n), stage=stage)
    return scene.look()


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        pytest.param(Scene(), Step.BETWEEN, id="the date is far away"),
        pytest.param(Scene().date(None), Step.BETWEEN, id="no date"),
        pytest.param(Scene().date(16), Step.BETWEEN, id="a day before the window"),
        pytest.param(Scene().date(15), Step.KICKOFF, id="the first day of the window"),
        pytest.param(Scene().date(10).look(), Step.KICKOFF, id="kicked off"),
        pytest.param(Scene().date(10).look().date(40), Step.BETWEEN, id="moved out of the window"),
        pytest.param(
            Scene().date(10).look().status(Status.REFRESH_REQUEST_SUBMITTED), Step.CONFIRMED, id="the client wants it"
        ),
        pytest.param(
            Scene().date(10).look().status(Status.NO_REFRESH_REQUESTED), Step.BETWEEN, id="declined, not yet carried out"
        ),
        pytest.param(
            Scene().date(10).look().status(Status.NO_REFRESH_REQUESTED).look(), Step.BETWEEN, id="declined and done"
        ),
        pytest.param(cued(), Step.TICKETS, id="the date has come"),
        pytest.param(cued().status(Status.REFRESH_REQUEST_SUBMITTED), Step.TICKETS, id="and the client wants it"),
        pytest.param(cued().status(Status.DELIVERABLES_SUBMITTED), Step.TICKETS, id="submitted without a ticket"),
        pytest.param(made(Stage.OTHER, Stage.OTHER), Step.PRODUCTION, id="tickets"),
        pytest.param(made(Stage.OTHER, Stage.PENDING_APPROVAL), Step.PRODUCTION, id="one of two is ready"),
        pytest.param(made(Stage.PENDING_APPROVAL, Stage.PENDING_APPROVAL), Step.REVIEW, id="all are ready"),
        pytest.param(cued().status(Status.CREATIVES_PENDING_APPROVAL), Step.REVIEW, id="pending, by the status alone"),
        pytest.param(
            made(Stage.PENDING_APPROVAL, Stage.PENDING_APPROVAL).revise("201", Revision.COPY).look(),
            Step.REVISIONS, id="one is to be revised",
        ),
        pytest.param(made(Stage.OTHER).status(Status.CREATIVES_APPROVED), Step.IMPLEMENTATION, id="approved"),
        pytest.param(made(Stage.OTHER).status(Status.CREATIVES_IMPLEMENTED), Step.BETWEEN, id="implemented"),
        pytest.param(made(Stage.OTHER).status(Status.UNMAPPED), Step.PRODUCTION, id="a status that nobody knows"),
    ],
)  # fmt: skip
def test_step(scene: Scene, expected: Step) -> None:
    assert step_of(scene.context()) is expected


def test_every_step_has_a_name_of_its_own() -> None:
    names: list[Any] = [step.headline for step in Step]
    assert len(set(names)) == len(names)
