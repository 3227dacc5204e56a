"""Values that the mapping names and the portal does not have stop everything, and are named (docs/process.md R.11)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync.admin.explain import explain
from sync.errors import MappingMisfitError
from sync.observe import health
from sync.passes.portal import STAGES_FOR
from sync.sandbox.process import Names
from sync.sandbox.schema import Stage
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import approved, the
from tests.world import World

IMPLEMENTED = "portfolio: {statuses: {creatives_implemented: Creatives Live}}\n"


def options(kind: str, name: str, *values: str) -> Callable[[World], None]:
    """The property gets other options."""

    def change(world: World) -> None:
        world.people.redefine_property(kind, name, options=tuple((value, value) for value in values))

    return change


def nothing(_: World) -> None:
    """The portal stays as it is."""


MISSING: dict[str, tuple[str, Callable[[World], None], str]] = {
    "a status": (IMPLEMENTED, nothing, "portfolio.statuses.creatives_implemented: .* cannot be “Creatives Live”"),
    "a revision": (
        "ticket: {revisions: {copy: Copy please}}\n",
        nothing,
        "ticket.revisions.copy: .* cannot be “Copy please”. It has: “Copy Revisions Only”",
    ),
    "what approves": (
        "",
        options("ticket", "copy_approval", "Not Started", "Fine"),
        "ticket.approved: the property “copy_approval” of the portal's ticket cannot be “Approved”",
    ),
    "what a reset writes": ("ticket: {approval_reset: Open again}\n", nothing, "ticket.approval_reset"),
    "a condition that nothing can meet": (
        "portfolio: {condition: [{property: creative_refresh_cadence, in: [Yearly]}]}\n",
        nothing,
        r"portfolio.condition\[0\].in: no portfolio can meet it",
    ),
    "a date with a time": (
        "",
        lambda world: world.people.redefine_property("portfolio", "creative_refresh_date", type="datetime"),
        "is of the type datetime, and a date without a time is needed",
    ),
}


@pytest.mark.parametrize(("mapping", "change", "said"), MISSING.values(), ids=list(MISSING))
@pytest.mark.parametrize("run", [World.sweep, World.work], ids=["sweep", "serve"])
def test_what_the_portal_does_not_have_stops_everything(
    make_world: MakeWorld, run: Callable[[World], Any], mapping: str, change: Callable[[World], None], said: str
) -> None:
    world = make_world(mapping=mapping or None)
    change(world)
    world.people.create_portfolio("Acme", world.day(10))
    with pytest.raises(MappingMisfitError, match=said) as raised:
        run(world)
    assert "(MAPPING)" in str(raised.value)
    assert raised.value.exit_code == 5
    assert (world.tasks(), world.emails()) == ([], [])


def test_all_that_is_missing_is_said_at_once(make_world: MakeWorld) -> None:
    world = make_world(mapping=IMPLEMENTED + "ticket: {revisions: {copy: Copy please}}\n")
    with pytest.raises(MappingMisfitError) as raised:
        world.sweep()
    assert [line.split(":")[0] for line in str(raised.value).splitlines()] == [
        "portfolio.statuses.creatives_implemented",
        "ticket.revisions.copy",
    ]


def test_an_option_that_somebody_deletes_while_the_service_runs_is_named(world: World) -> None:
    """Seen: the cycle never closed, and all was well."""
    approved(world)
    names = [label for label, _ in Names().statuses]
    options("portfolio", "creative_refresh_status", *names[:-1])(world)
    world.people.complete_task(the(world, "implement").id)
    world.clock.advance(STAGES_FOR)
    with pytest.raises(MappingMisfitError, match="cannot be “Creatives Implemented”"):
        world.work()
    options("portfolio", "creative_refresh_status", *names)(world)
    world.minutes(61)
    assert world.receivers()[-1] == "account_manager"


@pytest.mark.parametrize("value", ["creatives implemented", "CREATIVES\u00a0IMPLEMENTED"])
def test_another_spelling_is_the_same_name(make_world: MakeWorld, value: str) -> None:
    """Seen, in another case: check 5, sweep 0, and the cycle never closed. A person sees the same (N.1)."""
    world = make_world(mapping=f"portfolio: {{statuses: {{creatives_implemented: '{value}'}}}}\n")
    approved(world)
    world.people.complete_task(the(world, "implement").id)
    world.work()
    assert world.receivers()[-1] == "account_manager"


@pytest.mark.parametrize(
    "changes",
    [{"type": "string", "options": ()}, {"external": True, "options": ()}],
    ids=["text", "options from elsewhere"],
)
def test_a_property_that_tells_no_options_takes_any_value(make_world: MakeWorld, changes: dict[str, Any]) -> None:
    """docs/hubspot.md 7.5."""
    world = make_world()
    known = world.sandbox.portal.types["0-5"].properties
    known["needs_revisions"] = replace(known["needs_revisions"], **changes)
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    assert world.kinds() == ["kickoff"]
    world.clock.advance(timedelta(hours=1))
    world.work()


class TestAValueThatStandsAndCannotBeChosen:
    """docs/process.md R.15. Seen: the client's cycle stood still, and all was well."""

    STATUSES = tuple(label for label, _ in Names().statuses)

    def told(self, world: World) -> list[str]:
        found = health.look(world.service.store, world.clock.now(), world.settings)
        return [one.text for one in found if "has ever run" not in one.text]

    def statuses(self, world: World, *more: str) -> None:
        options("portfolio", "creative_refresh_status", *self.STATUSES, *more)(world)

    def held(self, world: World) -> str:
        """A client whose status was On hold when somebody deleted that option, as the service knows it the next day."""
        self.statuses(world, "On hold")
        portfolio = world.people.create_portfolio("Acme", world.day(30))
        world.people.set("portfolio", portfolio, {"creative_refresh_status": "On hold"})
        world.next_day()
        assert self.told(world) == [], "what the mapping does not name is the agency's own affair"
        self.statuses(world)
        world.next_day()
        return portfolio

    def test_is_told_until_it_is_another(self, world: World) -> None:
        portfolio = self.held(world)
        (told,) = self.told(world)
        problem = (
            "its “creative_refresh_status” is “On hold”, which is none of its options (any more): no handoff goes by it. Choose "
            "another value in HubSpot, or bring this one back there"
        )
        assert told == f"values stand that cannot be chosen in HubSpot: Acme (portfolio {portfolio}): {problem}"
        assert problem in explain(world.service.reading, portfolio).problems
        world.people.set_status(portfolio, "Refresh Request Submitted")
        world.minutes(5)
        assert self.told(world) == []

    def test_is_told_until_an_admin_brings_it_back(self, world: World) -> None:
        self.held(world)
        assert len(self.told(world)) == 1
        self.statuses(world, "On hold")
        world.next_day()
        assert self.told(world) == []

    @pytest.mark.parametrize("name", ["needs_revisions", "copy_approval", "graphic_approval"])
    def test_of_a_ticket_is_told(self, world: World, name: str) -> None:
        before = world.sandbox.portal.types["0-5"].properties[name].options
        world.people.redefine_property("ticket", name, options=(*before, ("Ask Amelia", "Ask Amelia")))
        portfolio = world.people.create_portfolio("Acme", world.day(0))
        ticket = world.people.create_ticket("Ad 1", "Winter", portfolio)
        world.people.set("ticket", ticket, {name: "Ask Amelia"})
        world.work()
        assert self.told(world) == []
        world.people.redefine_property("ticket", name, options=before)
        world.next_day()
        (told,) = self.told(world)
        assert f"of ticket {ticket} “{name}” is “Ask Amelia”, which is none of its options" in told

    def test_of_a_stage_is_told(self, world: World) -> None:
        add_stage(world, Stage("s1", "On hold"))
        portfolio = world.people.create_portfolio("Acme", world.day(0))
        ticket = world.people.create_ticket("Ad 1", "Winter", portfolio)
        world.people.set("ticket", ticket, {"hs_pipeline_stage": "s1"})
        world.work()
        assert self.told(world) == []
        drop_stage(world, "s1")
        world.next_day()
        (told,) = self.told(world)
        assert f"of ticket {ticket} “hs_pipeline_stage” is “s1”, which is none of its pipeline's stages" in told

    def test_that_somebody_has_just_made_is_known(self, world: World) -> None:
        """It is looked for before anything is said; else a new closed stage is taken for an open one for an hour."""
        portfolio = world.people.create_portfolio("Acme", world.day(0))
        first, second = (world.people.create_ticket(name, "Winter", portfolio) for name in ("Ad 1", "Ad 2"))
        world.people.set_status(portfolio, "Deliverables Submitted")
        world.work()
        add_stage(world, Stage("s1", "Cancelled", closed=True))
        before = world.sandbox.portal.types["0-5"].properties["copy_approval"].options
        world.people.redefine_property("ticket", "copy_approval", options=(*before, ("Nearly", "Nearly")))
        world.people.set("ticket", second, {"copy_approval": "Nearly"})
        world.people.set("ticket", first, {"hs_pipeline_stage": "s1"})
        world.people.move_ticket(second, "Pending Approval")
        world.work()
        assert self.told(world) == []
        assert "share_deliverables" in world.kinds()

    def test_is_looked_for_once(self, world: World) -> None:
        """Not at each pass: reading all definitions takes several calls."""
        portfolio = self.held(world)
        mark = world.sandbox.log.mark()
        for n in range(3):
            world.people.set_refresh_date(portfolio, world.day(40 + n))
            world.minutes(1)
        asked = [call.endpoint for call in world.sandbox.log.since(mark)]
        assert any("batch/read" in one for one in asked)
        assert not [one for one in asked if "/properties/" in one]


def add_stage(world: World, stage: Stage) -> None:
    pipeline = world.sandbox.portal.pipelines["0-5"]["880001"]
    world.sandbox.portal.define_pipeline("0-5", replace(pipeline, stages=(*pipeline.stages, stage)))


def drop_stage(world: World, gone: str) -> None:
    pipeline = world.sandbox.portal.pipelines["0-5"]["880001"]
    stages = tuple(stage for stage in pipeline.stages if stage.id != gone)
    world.sandbox.portal.define_pipeline("0-5", replace(pipeline, stages=stages))
