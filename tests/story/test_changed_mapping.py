"""An admin changes the mapping in mid-life: what was done stays done, and what the new one makes due comes once.

docs/process.md F.1 to F.3.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from sync.admin.plan import make
from sync.admin.verify import FAULTS, verify
from sync.errors import ConfigurationError
from sync.storage import mappings_in_force
from tests.conftest import MakeWorld
from tests.story.before.bring_back import bring_back
from tests.story.test_upgrade import seen
from tests.world import World

NEW_MAPPINGS = {
    "a smaller window": "rules: {window_days: 3}",
    "no window": "rules: {window_days: 0}",
    "days that begin later": "time_zone: Pacific/Honolulu",
    "other cadences": "cadence: {default: Weekly, values: {Weekly: 10 days, Monthly: 1 week}, weekend: next}",
    "other texts": "{tasks: {kickoff: {subject: 'Ask {{ portfolio.name }}'}}, emails: {kickoff: {subject: Ask}}}",
    "other due dates": "tasks: {kickoff: {due: {days: 9, time: '08:00'}}}",
    "stand-ins": "roles: {copywriter: {fallback_owner: sam.ortiz@agency.example}}",
    "declines are cleared": "rules: {clear_declined_status: true}",
    "no barrier": "rules: {barrier_minutes: 0}",
}
"""Each differs so from the packaged mapping that what it makes due is nothing new."""


def day_passes(world: World) -> None:
    world.work()
    world.sweep()
    world.work()
    for _ in range(4):
        world.minutes(61)


@pytest.fixture
def at_every_step(make_world: MakeWorld) -> World:
    """Clients at every step of a cycle, on a service that has looked at each."""
    world = make_world(webhooks=False)
    bring_back(world, "0.2")
    world.work()
    return world


@pytest.mark.parametrize("mapping", NEW_MAPPINGS.values(), ids=NEW_MAPPINGS)
def test_what_was_done_is_not_done_again(at_every_step: World, mapping: str) -> None:
    world = at_every_step
    before = seen(world)
    world.minutes(5)
    world.remap(mapping)
    day_passes(world)
    assert seen(world) == before
    world.remap("{}")
    day_passes(world)
    assert seen(world) == before


@pytest.mark.parametrize("mapping", ["rules: {window_days: 3}", "time_zone: Pacific/Honolulu"])
@pytest.mark.parametrize("lost", [True, False], ids=["lost", "of 0.2"])
def test_nor_where_nobody_knows_which_mapping_was_in_force(make_world: MakeWorld, mapping: str, lost: bool) -> None:
    """docs/process.md F.3: a database from before, or none, and a new mapping at the same start."""
    world = make_world(webhooks=False)
    bring_back(world, "0.2")
    before = seen(world)
    world.remap(mapping, lose_database=lost)
    day_passes(world)
    assert seen(world) == before


# -- the window


@pytest.fixture
def kicked_off(world: World) -> Iterator[World]:
    """A client whose date was set out of the window, has come into it, and is 12 days ahead."""
    world.people.create_portfolio("Acme", world.day(17))
    world.work()
    world.next_day(5)
    assert world.kinds() == ["kickoff"]
    yield world
    assert world.receivers() == ["account_manager"] * len(world.tasks())


def test_a_smaller_window_makes_no_second_kickoff(kicked_off: World) -> None:
    kicked_off.remap("rules: {window_days: 10}")
    kicked_off.next_day(11)
    assert kicked_off.kinds() == ["kickoff"]


def test_a_smaller_window_and_a_lost_database_make_no_second_kickoff(kicked_off: World) -> None:
    kicked_off.people.flush_search()
    kicked_off.remap("rules: {window_days: 10}", lose_database=True)
    kicked_off.next_day(11)
    assert kicked_off.kinds() == ["kickoff"]


def test_a_smaller_window_is_the_one_that_a_date_is_moved_out_of(kicked_off: World) -> None:
    (acme,) = kicked_off.people.portfolios()
    kicked_off.remap("rules: {window_days: 10}")
    kicked_off.minutes(1)
    kicked_off.people.set_refresh_date(acme.id, kicked_off.day(13))
    kicked_off.next_day(1)
    assert kicked_off.kinds() == ["kickoff"]
    kicked_off.next_day(4)
    assert kicked_off.kinds() == ["kickoff", "kickoff"]


def test_a_wider_window_makes_what_is_due_under_it_once(world: World) -> None:
    world.people.create_portfolio("Near", world.day(10))
    world.people.create_portfolio("Far", world.day(25))
    world.people.create_portfolio("Very far", world.day(45))
    world.work()
    assert world.kinds() == ["kickoff"]
    world.remap("rules: {window_days: 30}")
    world.next_day(1)
    assert Counter(task.subject for task in world.tasks()) == Counter(
        ["Contact Client About Creative Refresh: Near", "Contact Client About Creative Refresh: Far"]
    )
    world.remap("{}")
    world.next_day(12)
    assert world.kinds() == ["kickoff"] * 2 + ["create_tickets"]


def test_verify_accuses_no_kickoff_of_a_mapping_that_nobody_knows(kicked_off: World) -> None:
    """Its date was out of the old window, which was lost with the database, and would not be out of the new one."""
    kicked_off.people.flush_search()
    kicked_off.remap("rules: {window_days: 30}", lose_database=True)
    kicked_off.next_day(1)
    report = verify(kicked_off.service.reading)
    assert [found.cause for found in report.of(*FAULTS)] == []
    assert kicked_off.kinds() == ["kickoff"]


# -- tried before it counts


def test_a_plan_on_another_mapping_shows_what_it_would_change(world: World) -> None:
    """`MAPPING=new.yaml handoffs plan` beside the running service, which goes on by its own."""
    world.people.create_portfolio("Near", world.day(10))
    world.people.create_portfolio("Far", world.day(25))
    world.work()
    world.people.flush_search()
    running, settings = world.service, world.settings
    path = world.directory / "new.yaml"
    for window, expected in ((30, ["Far"]), (5, [])):
        path.write_text(f"rules: {{window_days: {window}}}", encoding="utf-8")
        world.settings = settings.model_copy(update={"mapping": path})
        world.service = world._start()
        assert [step.name for step in make(world.service.reading).due if "task" in step.key] == expected
        world.service.close()
    world.service, world.settings = running, settings
    (far,) = [one for one in world.people.portfolios() if one["name"] == "Far"]
    world.minutes(1)
    world.people.set_refresh_date(far.id, world.day(20))
    world.next_day(6)
    assert world.kinds() == ["kickoff", "kickoff"]
    with world.service.store.read() as connection:
        assert [one.window_days for one in mappings_in_force.history(connection).mappings] == [15]


# -- the time zone


def test_a_date_that_has_come_in_one_zone_comes_once_in_all(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(1), status="Refresh Request Submitted")
    world.work()
    assert world.kinds() == []
    world.remap("time_zone: Pacific/Auckland")  # where it is tomorrow
    world.sweep()
    assert world.kinds() == ["create_tickets"]
    world.remap("time_zone: Pacific/Honolulu")
    world.next_day(3)
    assert world.kinds() == ["create_tickets"]


@pytest.mark.parametrize("go_live", ["2026-10-01", "2026-10-01T08:00"])
def test_going_live_stays_what_it_was_in_the_zone_of_its_day(make_world: MakeWorld, go_live: str) -> None:
    """docs/process.md G.1: GO_LIVE names a day of the time zone in which it was first read."""
    world = make_world(go_live=go_live)
    world.work()
    before = world.service.reading.go_live
    world.remap("time_zone: Pacific/Auckland")
    assert world.service.reading.go_live == before
    world.settings = world.settings.model_copy(update={"go_live": "2026-10-02"})
    with pytest.raises(ConfigurationError, match="GO_LIVE"):
        world.restart()
