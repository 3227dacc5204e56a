"""A task that was made is found by its key, wherever it is by now (docs/process.md W.8, W.15)."""

import pytest

from sync.admin import setup
from sync.sandbox.faults import Fault
from sync.sandbox.quirks import Quirks
from tests.conftest import MakeWorld
from tests.story.one_cycle import PAST, Story
from tests.world import World

CREATE, SEARCH = "POST */tasks/batch/create", "POST */tasks/search"


def states(world: World) -> list[tuple[str, str]]:
    with world.service.store.read() as connection:
        rows = connection.exec_driver_sql("SELECT state, coalesce(crm_id, '') FROM effect WHERE kind = 'task'")
        return [(row[0], row[1]) for row in rows]


@pytest.fixture(params=["400", "409"])
def unique(make_world: MakeWorld, request: pytest.FixtureRequest) -> World:
    """A portal whose task property is unique, as `setup` makes it where it can."""
    world = make_world(with_task_property=False, quirks=Quirks(unique_refused_as=request.param), go_live=PAST)
    setup.create(world.service.crm, world.service.mapping)
    return world


def lost_and_taken_off(world: World) -> Story:
    """The implementation task is made, its reply is lost, and somebody takes it off its portfolio."""
    story = Story(world)
    for name in ("confirmed", "arrived", "staffed", "ready"):
        story.do(name)
    world.minutes(15)
    world.sandbox.faults.add(Fault("lost", CREATE, times=1))
    world.people.set_status(story.portfolio, "Creatives Completed & Approved")
    world.work()
    task = world.tasks()[-1].id
    world.people.dissociate("task", task, "portfolio", story.portfolio)
    return story


def test_a_task_that_is_on_no_record_is_found_by_search(world: World) -> None:
    story = lost_and_taken_off(world)
    world.minutes(5)
    assert world.kinds().count("implement") == 1
    [implement] = [task.id for task in world.tasks() if task.key.endswith("implement")]
    assert ("done", implement) in states(world)
    world.people.complete_task(implement)
    world.minutes(5)
    assert world.status(story.portfolio) == ""


def test_a_refusal_that_names_our_own_task_is_success(unique: World) -> None:
    """The search does not show it: it is made again, and refused because its unique key is taken."""
    story = lost_and_taken_off(unique)
    portal = unique.sandbox.portal
    [implement] = [task.id for task in unique.tasks() if task.key.endswith("implement")]
    portal.index.drop(portal.get(portal.type("task").id, int(implement)))
    unique.minutes(5)
    assert ("done", implement) in states(unique)
    assert unique.kinds().count("implement") == 1
    unique.people.complete_task(implement)
    unique.minutes(5)
    assert unique.status(story.portfolio) == "", "ticking it closes the cycle"


def test_a_refusal_whose_holder_is_deleted_is_success_too(unique: World) -> None:
    """The key is taken by a task in the recycle bin."""
    lost_and_taken_off(unique)
    [implement] = [task.id for task in unique.tasks() if task.key.endswith("implement")]
    unique.people.delete_task(implement)
    unique.minutes(5)
    assert ("done", implement) in states(unique)
    assert unique.kinds().count("implement") == 0


def test_while_the_search_does_not_answer_nothing_is_made_that_may_be_there(world: World) -> None:
    """An unknown outcome stays unknown; the other portfolios go on."""
    story = lost_and_taken_off(world)
    world.sandbox.faults.add(Fault("503", SEARCH))
    world.people.create_portfolio("Bolt", world.day(10))
    world.minutes(3)
    world.minutes(3)
    assert [state for state, _ in states(world)].count("unknown") == 1
    assert world.kinds().count("implement") == 1
    assert world.kinds().count("kickoff") == 2, "another portfolio does not wait for it"
    world.sandbox.faults.clear()
    world.minutes(5)
    assert world.kinds().count("implement") == 1
    assert [state for state, _ in states(world)].count("unknown") == 0
    assert world.status(story.portfolio) != ""


def test_after_a_loss_a_task_on_no_record_is_not_made_again(make_world: MakeWorld) -> None:
    """The first search after the loss did not show it; a later one does, before it would be made again."""
    world = make_world(go_live=PAST)
    world.people.create_portfolio("Bolt", world.day(10))
    world.work()
    world.minutes(20)
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    [task] = [task for task in world.tasks() if ("portfolio", (acme,)) in task.associations.items()]
    world.people.dissociate("task", task.id, "portfolio", acme)
    world.restart(lose_database=True)
    world.work()  # the search lags by five seconds
    world.minutes(2)
    world.sweep()
    world.minutes(3)
    assert world.kinds() == ["kickoff", "kickoff"]
    assert len(world.emails()) == 2
