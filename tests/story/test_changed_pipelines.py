"""Pipelines, stages and properties that an admin adds or renames in mid-life: docs/process.md F.12 and F.13."""

from dataclasses import replace

import pytest

from sync.errors import MappingMisfitError
from sync.sandbox.schema import Pipeline
from tests.conftest import MakeWorld
from tests.simulation.stages import relabel
from tests.story.test_changed_mapping import day_passes
from tests.story.test_upgrade import seen
from tests.world import World

PIPELINE, STAGE = "hs_pipeline", "hs_pipeline_stage"
BY_ID = "ticket: {pipeline: '880001', in_progress: '880012', pending_approval: '880013'}"
IN_PROGRESS, IN_REVIEW = "n880012", "n880013"
"""Stages of the second pipeline."""


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A client whose tickets are being made, in a portal with a second pipeline of the same stages."""
    world = make_world(webhooks=False)
    old = world.sandbox.portal.pipelines["0-5"]["880001"]
    stages = tuple(replace(stage, id=f"n{stage.id}") for stage in old.stages)
    world.sandbox.portal.define_pipeline("0-5", Pipeline("next", "Deliverables II", stages))
    portfolio = world.people.create_portfolio("Acme", world.day(20))
    world.people.set_status(portfolio, "Deliverables Submitted")
    world.minutes(61)
    return world


def in_the_second(world: World, name: str, stage: str) -> str:
    """Somebody makes a ticket in the pipeline that the mapping does not name."""
    (portfolio,) = world.people.portfolios()
    ticket = world.people.create_ticket(name, "Winter", portfolio.id)
    world.people.set("ticket", ticket, {STAGE: stage})
    return ticket


def subjects(world: World, ticket: str) -> list[str]:
    return sorted(task.subject.split(":")[0] for task in world.tasks(("ticket", ticket)))


def test_a_pipeline_that_the_mapping_does_not_name_is_left_alone(world: World) -> None:
    ticket = in_the_second(world, "Ad 1", IN_REVIEW)
    world.people.set("ticket", ticket, {"needs_revisions": "Copy Revisions Only"})
    day_passes(world)
    assert not world.tasks()
    assert not world.emails()
    assert world.people.ticket(ticket)[STAGE] == IN_REVIEW


def test_what_stands_in_a_pipeline_that_comes_to_be_named_has_come_when_it_came(world: World) -> None:
    """It gets its tasks once, and its set is announced once; what was asked for there is answered once."""
    ready, asked = in_the_second(world, "Ad 1", IN_REVIEW), in_the_second(world, "Ad 2", "n880011")
    left = world.people.create_ticket("Ad 3", "Spring", world.people.portfolios()[0].id)
    world.people.set("ticket", asked, {"needs_revisions": "Copy Revisions Only"})
    day_passes(world)
    assert subjects(world, left) == ["Design Graphics", "Write Copy"]
    world.remap("ticket: {pipeline: Deliverables II}")
    day_passes(world)
    assert subjects(world, ready) == subjects(world, left) == ["Design Graphics", "Write Copy"]
    assert subjects(world, asked) == ["Design Graphics", "Revise Copy", "Write Copy"]
    assert world.people.ticket(asked)[STAGE] == IN_PROGRESS
    assert [task.subject for task in world.tasks() if task.subject.startswith("Share")] == []
    world.people.set("ticket", asked, {STAGE: IN_REVIEW})
    world.people.set("ticket", left, {STAGE: "880013"})
    day_passes(world)
    day_passes(world)
    assert [one.subject for one in world.tasks() if one.subject.startswith("Share")] == [
        "Share Deliverables With Client: Acme (Winter)"
    ]


def test_a_ticket_that_was_put_into_another_pipeline_and_comes_back_is_the_same(world: World) -> None:
    ticket = world.people.create_ticket("Ad 1", "Winter", world.people.portfolios()[0].id)
    day_passes(world)
    made = subjects(world, ticket)
    for stage in (IN_PROGRESS, "880012"):
        world.people.set("ticket", ticket, {STAGE: stage})
        day_passes(world)
    assert subjects(world, ticket) == made == ["Design Graphics", "Write Copy"]


@pytest.mark.parametrize("one", ["880001", "880012", "880013", "880015"])
def test_another_label_changes_nothing_where_the_mapping_gives_the_id(at_every_step: World, one: str) -> None:
    world = at_every_step
    world.remap(BY_ID)
    before = seen(world)
    relabel(world.sandbox.portal, one, "Renamed")
    world.minutes(61)
    day_passes(world)
    assert seen(world) == before


@pytest.mark.parametrize(
    ("one", "key"), [("880001", "pipeline"), ("880012", "in_progress"), ("880013", "pending_approval")]
)
def test_where_it_gives_the_label_nothing_is_done_until_it_gives_the_new_one(
    at_every_step: World, one: str, key: str
) -> None:
    world = at_every_step
    before = seen(world)
    relabel(world.sandbox.portal, one, "Renamed")
    late = world.people.create_portfolio("Acme", world.day(5))
    with pytest.raises(MappingMisfitError, match=f"ticket.{key}"):
        world.minutes(61)
    world.remap(f"ticket: {{{key}: Renamed}}")
    day_passes(world)
    assert [task.subject for task in world.tasks(("portfolio", late))] == [
        "Contact Client About Creative Refresh: Acme"
    ]
    after = seen(world)["records"]
    assert {ref: after[ref] for ref in before["records"]} == before["records"]


def test_other_labels_of_properties_and_options_change_nothing(at_every_step: World) -> None:
    """Names and values stay; only the next texts have the new labels (F.7)."""
    world = at_every_step
    before = seen(world)
    portal, names = world.sandbox.portal, world.people.process.names
    for type_id in (names.object_type_id, "0-5"):
        known = portal.types[type_id].properties
        for name, one in list(known.items()):
            options = tuple((value, f"{label} (new)") for value, label in one.options)
            known[name] = replace(one, label=f"{one.label} (new)", options=options)
    world.minutes(61)
    day_passes(world)
    assert seen(world) == before
