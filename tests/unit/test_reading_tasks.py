"""The service's own tasks, as rules ask for them: with their past, or without where it tells nothing more."""

from datetime import timedelta

import pytest

from mappings.vocabulary import Status
from sync.rules.context import NeededError
from sync.rules.model import OwnTask
from tests.builders import Scene


def scene_with(task: OwnTask) -> Scene:
    scene = Scene().status(Status.CREATIVES_APPROVED).look()
    scene.tasks = {task.id: task}
    return scene


def test_who_asks_for_the_past_of_a_task_gets_it() -> None:
    now = Scene().now
    state = OwnTask("900", exists=True, completed=True, reopened_at=now, is_whole=False)
    with pytest.raises(NeededError) as needed:
        scene_with(state).context().tasks(["900"])
    assert (set(needed.value.needed.tasks), set(needed.value.needed.states)) == ({"900"}, set())


def test_of_one_that_has_not_changed_since_the_past_is_not_asked_for() -> None:
    now = Scene().now
    state = OwnTask("900", exists=True, completed=False, reopened_at=now - timedelta(minutes=1), is_whole=False)
    context = scene_with(state).context()
    assert context.tasks_open_since(["900"], now) == [state]
    with pytest.raises(NeededError) as needed:
        context.tasks_open_since(["900", "901"], now - timedelta(minutes=1))
    assert (set(needed.value.needed.tasks), set(needed.value.needed.states)) == ({"900"}, {"901"})


def test_one_that_is_done_or_gone_has_no_past_that_matters() -> None:
    now = Scene().now
    for state in (
        OwnTask("900", exists=True, completed=True, reopened_at=now, is_whole=False),
        OwnTask("900", exists=False, completed=False),
    ):
        assert scene_with(state).context().tasks_open_since(["900"], now) == []
