"""People go on working while an admin replaces a value by another: between the mapping's change and the records'.

docs/process.md F.5: what is picked by today's name counts as ever, what is picked by the other one waits until today's
mapping names it, or the record is moved, and then counts once.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from sync.admin.verify import FAULTS, verify
from sync.sandbox.schema import Stage
from tests.conftest import MakeWorld
from tests.story.one_cycle import PAST, Story
from tests.story.one_cycle import seen as seen_by_people
from tests.story.test_changed_mapping import add_options, bulk_edit
from tests.world import World

STATUS, REVISIONS, STAGE = "creative_refresh_status", "needs_revisions", "hs_pipeline_stage"
STEPS = ("kicked_off", "confirmed", "arrived", "staffed", "ready", "approved")


@dataclass(frozen=True)
class Pick:
    """What a person picks after so many steps of a cycle, and what must have come of it once all is moved."""

    steps: int
    kind: str
    property: str
    value: str
    comes: tuple[str, ...]
    """The kinds of tasks that come of it."""
    emails: int = 0
    status: str | None = None
    """Where the portfolio's status stands then, by today's name; None: as it was picked."""
    cycle_ends: bool = False


PICKS = {
    "declined": Pick(1, "portfolio", STATUS, "No Refresh Requested", (), cycle_ends=True),
    "ready": Pick(4, "ticket", STAGE, "Pending Approval", ("share_deliverables",), 2, "Creatives Pending Approval"),
    "revised": Pick(5, "ticket", REVISIONS, "Copy Revisions Only", ("revise_copy",), 0, "Creatives Pending Approval"),
    "approved": Pick(5, "portfolio", STATUS, "Creatives Completed & Approved", ("implement",), 1),
    "implemented": Pick(6, "portfolio", STATUS, "Creatives Implemented", (), 1, "", cycle_ends=True),
}


@pytest.fixture
def replaced(make_world: MakeWorld) -> World:
    """A portal that has every value a second time, so that each may be replaced."""
    world = make_world(webhooks=False, go_live=PAST)
    mapping = world.service.mapping
    add_options(world, "creative_portfolios", STATUS, (f"{one} (new)" for one in mapping.portfolio.statuses.values()))
    add_options(world, "ticket", REVISIONS, (f"{one} (new)" for one in mapping.ticket.revisions.values()))
    portal, names = world.sandbox.portal, world.people.process.names
    pipeline = portal.pipelines["0-5"][names.pipeline[0]]
    portal.define_pipeline("0-5", replace(pipeline, stages=(*pipeline.stages, Stage("review", "In Client Review"))))
    return world


def new_of(world: World) -> dict[tuple[str, str], dict[str, str]]:
    """Each property's old values with the new ones."""
    mapping = world.service.mapping
    return {
        ("portfolio", STATUS): {one: f"{one} (new)" for one in mapping.portfolio.statuses.values()},
        ("ticket", REVISIONS): {one: f"{one} (new)" for one in mapping.ticket.revisions.values()},
        ("ticket", STAGE): {world.service.portals.get().pending_approval: "review"},
    }


NEW_MAPPING = json.dumps(
    {
        "portfolio": {
            "statuses": {
                "refresh_request_submitted": "Refresh Request Submitted (new)",
                "no_refresh_requested": "No Refresh Requested (new)",
                "deliverables_submitted": "Deliverables Submitted (new)",
                "creatives_pending_approval": "Creatives Pending Approval (new)",
                "creatives_approved": "Creatives Completed & Approved (new)",
                "creatives_implemented": "Creatives Implemented (new)",
            }
        },
        "ticket": {
            "revisions": {
                "copy": "Copy Revisions Only (new)",
                "graphic": "Graphic Revisions Only (new)",
                "copy_and_graphic": "Copy and Graphic Revisions (new)",
            },
            "pending_approval": "In Client Review",
        },
    }
)


def picked(world: World, story: Story, pick: Pick, new: dict[tuple[str, str], dict[str, str]], *, by_new: bool) -> None:
    of = new[pick.kind, pick.property]
    old = next(one for one in of if pick.value in {one, "Pending Approval"})
    value = of[old] if by_new else old
    records = [story.portfolio] if pick.kind == "portfolio" else story.tickets
    for record in records[:1] if pick.property == REVISIONS else records:
        if pick.property == REVISIONS:
            world.people.note("ticket", record, "Warmer, please")
        world.people.set(pick.kind, record, {pick.property: value})


@pytest.mark.parametrize(
    ("mapping_first", "by_new"), [(True, False), (False, True)], ids=["by a name that is gone", "by a name to come"]
)
@pytest.mark.parametrize("pick", PICKS.values(), ids=PICKS)
def test_what_is_picked_in_between_counts_once(replaced: World, pick: Pick, mapping_first: bool, by_new: bool) -> None:
    world = replaced
    story = Story(world)
    for step in STEPS[: pick.steps]:
        story.do(step)
    new, was = new_of(world), seen_by_people(world)
    kinds, date = Counter(world.kinds()), world.date(story.portfolio)
    world.minutes(5)

    def move() -> None:
        for (kind, name), values in new.items():
            bulk_edit(world, kind, name, values)

    steps: list[Callable[[], object]] = [lambda: world.remap(NEW_MAPPING), move]
    first, second = steps if mapping_first else reversed(steps)
    first()
    world.minutes(10)
    assert seen_by_people(world) == was
    picked(world, story, pick, new, by_new=by_new)
    world.minutes(10)
    second()
    world.minutes(10)
    world.sweep()  # it finds what the new mapping makes due
    move()  # what was picked by the old name since
    for _ in range(3):
        world.minutes(20)
    assert Counter(world.kinds()) - kinds == Counter(pick.comes)
    assert len(world.emails()) - was[1].total() == pick.emails
    assert (world.date(story.portfolio) != date) is pick.cycle_ends
    status = pick.value if pick.status is None and pick.property == STATUS else pick.status or ""
    assert world.status(story.portfolio) == (f"{status} (new)" if status else "")
    assert [found.cause for found in verify(world.service.reading).of(*FAULTS)] == []


@pytest.mark.parametrize("again", [False, True], ids=["new words", "and the old ones again"])
def test_verify_knows_what_was_written_in_words_since_replaced(replaced: World, again: bool) -> None:
    """What the service has written means what it meant then."""
    world = replaced
    story = Story(world)
    for step in STEPS[:5]:
        world.minutes(10)
        story.do(step)
    assert world.status(story.portfolio) == "Creatives Pending Approval"
    new = new_of(world)
    for mapping, back in ((NEW_MAPPING, False), ("{}", True))[: 2 if again else 1]:
        world.minutes(10)
        world.remap(mapping)
        for (kind, name), values in new.items():
            bulk_edit(world, kind, name, {there: one for one, there in values.items()} if back else values)
        world.minutes(10)
    report = verify(world.service.reading)
    assert [found.cause for found in report.of(*FAULTS)] == []
    assert report.ok


def test_a_cycle_that_was_closed_in_a_word_to_come_is_followed_by_a_kickoff(replaced: World) -> None:
    """Its status was moved to a word that the mapping did not name yet, before the closing was carried out.

    docs/process.md 1.8, 8.14: the date is moved, the word stays, and once the mapping names it, it is a leftover.
    """
    world = replaced
    story = Story(world)
    for step in STEPS:
        story.do(step)
    world.minutes(5)
    world.people.set("portfolio", story.portfolio, {STATUS: "Creatives Implemented"})
    world.clock.advance(timedelta(minutes=5))
    for (kind, name), values in new_of(world).items():
        bulk_edit(world, kind, name, values)
    world.minutes(10)
    assert world.status(story.portfolio) == "Creatives Implemented (new)"
    ahead = world.date(story.portfolio)
    world.remap(NEW_MAPPING)
    kinds, mails = Counter(world.kinds()), len(world.emails())
    world.sweep()
    assert world.date(story.portfolio) == ahead
    assert [found.cause for found in verify(world.service.reading).of(*FAULTS)] == []
    for _ in range(40):
        world.next_day()
        if world.kinds().count("kickoff") > kinds["kickoff"]:
            break
    assert Counter(world.kinds()) - kinds == {"kickoff": 1}
    assert len(world.emails()) == mails + 1
    assert world.status(story.portfolio) == ""
    assert [found.cause for found in verify(world.service.reading).of(*FAULTS)] == []
