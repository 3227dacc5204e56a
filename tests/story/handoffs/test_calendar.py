"""The portal's calendar: clock changes, midnight, the last day of a month."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.conftest import MakeWorld
from tests.story.handoffs.steps import due, on, the


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        # Clocks go back on 1 November 2026, forward on 14 March 2027: seventeen o'clock stays seventeen o'clock.
        pytest.param(datetime(2026, 10, 30, 13, 0, tzinfo=UTC), "2026-11-04 17:00", id="clocks go back"),
        pytest.param(datetime(2027, 3, 12, 14, 0, tzinfo=UTC), "2027-03-17 17:00", id="clocks go forward"),
    ],
)
def test_due_dates_over_a_clock_change(make_world: MakeWorld, start: datetime, expected: str) -> None:
    world = make_world(start=start)
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    assert due(the(world, "kickoff")) == expected


@pytest.mark.parametrize(
    ("start", "day_after"),
    [
        pytest.param(datetime(2026, 11, 1, 3, 30, tzinfo=UTC), date(2026, 11, 1), id="the night the clocks go back"),
        pytest.param(datetime(2027, 3, 14, 3, 30, tzinfo=UTC), date(2027, 3, 14), id="the night they go forward"),
    ],
)
def test_the_date_arrives_at_the_portals_own_midnight(make_world: MakeWorld, start: datetime, day_after: date) -> None:
    world = make_world(start=start)  # 23:30 the evening before, in New York (or 22:30 in winter)
    portfolio = world.people.create_portfolio("Acme", day_after)
    world.work()
    assert world.today == day_after - timedelta(days=1)
    assert world.kinds(on(portfolio)) == ["kickoff"]
    world.next_day()
    assert world.today == day_after
    assert world.kinds(on(portfolio)) == ["kickoff", "create_tickets"]


def test_the_31st_does_not_drift(make_world: MakeWorld) -> None:
    world = make_world(start=datetime(2027, 1, 20, 15, 0, tzinfo=UTC))
    portfolio = world.people.create_portfolio("Acme", date(2027, 1, 31))
    world.work()
    for following in ("2027-02-28", "2027-03-31"):
        world.people.set_status(portfolio, "No Refresh Requested")
        world.work()
        assert world.date(portfolio) == following
        world.minutes(5)
        world.people.set_status(portfolio, "")
        world.work()
    world.people.set_refresh_date(portfolio, date(2027, 1, 31))
    world.clock.advance(timedelta(days=60))  # 21 March: counted from the old date at once
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    assert world.date(portfolio) == "2027-03-31"
