"""A wrong pick is not final: what is corrected within two minutes was a slip, whenever and however the service looked.

docs/process.md C.1, C.2, C.11, C.14 and C.15. Each story has a portfolio for each correction: after 5, 60 and 119 seconds, which
is a slip, and after 121 seconds and two hours, which is not.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from sync.sandbox.people import SeenTask
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import of, on
from tests.world import World

SOON, LATE = (5, 60, 119), (121, 7200)

CHANNELS: dict[str, dict[str, Any]] = {
    "webhooks": {},
    "poll": {"webhooks": False},
    "sweep": {"webhooks": False},
    "our clock four minutes ahead": {"ahead": timedelta(minutes=4), "go_live": "2026-11-01"},
    "our clock four minutes behind": {"webhooks": False, "ahead": timedelta(minutes=-4), "go_live": "2026-11-01"},
}

Act = tuple[float, Callable[[], object]]
"""So many seconds after the beginning."""


class Story:
    """Acts of people in their order; the service looks after each of them, or is down until the last was done."""

    def __init__(self, world: World, channel: str, *, down: bool) -> None:
        self.world = world
        self.down = down
        self._look = world.sweep if channel == "sweep" else lambda: world.work(settle=False)

    def look(self) -> None:
        self._look()

    def play(self, acts: Sequence[Act]) -> None:
        world, began = self.world, self.world.clock.now()
        for at in sorted({0.5, 30, 90, 125, 180, 7300, *(at for at, _ in acts)}):
            world.clock.set(max(began + timedelta(seconds=at), world.clock.now()))  # a poll takes five seconds
            for when, act in acts:
                if when == at:
                    act()
            if not self.down:
                self.look()
        for _ in range(3):  # and at the end it is up in any case
            world.clock.advance(timedelta(minutes=5))
            self.look()


@pytest.fixture(params=list(CHANNELS))
def channel(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["up", "down"])
def story(request: pytest.FixtureRequest, make_world: MakeWorld, channel: str) -> Story:
    return Story(make_world(**CHANNELS[channel]), channel, down=request.param)


def test_declined_by_a_slip(story: Story) -> None:
    world, people = story.world, story.world.people
    declined = {after: people.create_portfolio(f"After {after}", world.day(10)) for after in (*SOON, *LATE)}
    story.look()
    story.play([
        *((0, lambda one=one: people.set_status(one, "No Refresh Requested")) for one in declined.values()),
        *((after, lambda one=one: people.set_status(one, "Refresh Request Submitted")) for after, one in declined.items()),
    ])  # fmt: skip
    assert {world.status(one) for one in declined.values()} == {"Refresh Request Submitted"}
    for after, one in declined.items():
        (task,) = of(world, "kickoff", on(one))
        assert (world.date(one), task.open) == (("2026-11-12", True) if after in SOON else ("2026-12-12", False)), after
    assert len(world.emails()) == len(declined)  # one kickoff each


def approved(world: World, afters: Sequence[int]) -> dict[int, str]:
    """Portfolios of which the client has approved the creatives, by when something will be corrected."""
    made = {after: world.people.create_portfolio(f"After {after}", world.day(0)) for after in afters}
    for portfolio in made.values():
        world.people.set_status(portfolio, "Creatives Completed & Approved")
    return made


def implementing(world: World, portfolio: str) -> list[SeenTask]:
    return of(world, "implement", on(portfolio))


def test_implemented_by_a_slip(story: Story) -> None:
    world, people = story.world, story.world.people
    portfolios = approved(world, (*SOON, *LATE))
    story.look()
    world.clock.advance(timedelta(minutes=5))
    story.play([
        *((0, lambda one=one: people.set_status(one, "Creatives Implemented")) for one in portfolios.values()),
        *((at, lambda one=one: people.set_status(one, "Creatives Completed & Approved")) for at, one in portfolios.items()),
    ])  # fmt: skip
    assert {world.status(one) for one in portfolios.values()} == {"Creatives Completed & Approved"}
    for after, one in portfolios.items():
        opened = [task.open for task in implementing(world, one)]
        if after in SOON:
            assert (world.date(one), opened) == ("2026-11-02", [True]), after
        else:  # the cycle is closed, and the approval is the next one's
            assert (world.date(one), opened) == ("2026-12-02", [False, True]), after
    live = [subject for _, subject in world.emails() if subject.endswith("are live")]
    assert sorted(live) == [f"The new creatives of After {after} are live" for after in LATE]


def test_the_implementation_task_ticked_by_a_slip(story: Story) -> None:
    world, people = story.world, story.world.people
    portfolios = approved(world, (*SOON, 300, 7200))
    story.look()
    world.clock.advance(timedelta(minutes=5))
    tasks = {after: implementing(world, one)[0].id for after, one in portfolios.items()}
    story.play([
        *((0, lambda task=task: people.complete_task(task)) for task in tasks.values()),
        *((at, lambda task=task: people.set("task", task, {"hs_task_status": "NOT_STARTED"})) for at, task in tasks.items()),
    ])  # fmt: skip
    for after, one in portfolios.items():
        if after in SOON or story.down:  # one that is open when the service looks is open
            assert (world.status(one), world.date(one)) == ("Creatives Completed & Approved", "2026-11-02"), after
        else:
            assert (world.status(one), world.date(one)) == ("", "2026-12-02"), after


def test_what_stands_counts_two_minutes_later_and_not_before(make_world: MakeWorld) -> None:
    world = make_world()
    declined, implemented, ticked = (world.people.create_portfolio(name, world.day(0)) for name in "ABC")
    world.work()
    for portfolio in (implemented, ticked):
        world.people.set_status(portfolio, "Creatives Completed & Approved")
    world.work()
    world.people.set_status(declined, "No Refresh Requested")
    world.people.set_status(implemented, "Creatives Implemented")
    world.people.complete_task(implementing(world, ticked)[0].id)
    world.work(settle=False)
    world.clock.advance(timedelta(seconds=118))
    world.work(settle=False)
    assert {world.date(one) for one in (declined, implemented, ticked)} == {"2026-11-02"}
    assert world.status(ticked) == "Creatives Completed & Approved"
    world.clock.advance(timedelta(seconds=4))
    world.work(settle=False)  # nobody has told it anything since: it had put off its look
    assert [world.date(one) for one in (declined, implemented, ticked)] == ["2026-12-02"] * 3
    assert [world.status(one) for one in (declined, implemented, ticked)] == ["No Refresh Requested", "", ""]


def test_without_a_settle_time_it_counts_at_once(make_world: MakeWorld) -> None:
    world = make_world(mapping="rules: {settle_seconds: 0}")
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work(settle=False)
    assert world.date(portfolio) == "2026-12-12"


def test_another_settle_time_makes_no_cycle_end_that_did_not(make_world: MakeWorld) -> None:
    """docs/process.md C.13."""
    world = make_world(mapping="rules: {settle_seconds: 600}")
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.work(settle=False)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.clock.advance(timedelta(minutes=5))
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.work(settle=False)
    (world.directory / "mapping.yaml").write_text("rules: {settle_seconds: 0}", encoding="utf-8")
    world.restart()
    world.sweep()
    world.work()
    assert (world.date(portfolio), world.kinds()) == ("2026-11-12", ["kickoff"])
