"""Values that the mapping names and the portal does not have stop everything, and are named (docs/process.md R.11)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync.errors import MappingMisfitError
from sync.passes.portal import STAGES_FOR
from sync.sandbox.process import Names
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
