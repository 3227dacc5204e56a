"""Monthly from the 31st, over the ends of months: the day that a person last chose (docs/process.md, rungs D.3 and D.9)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sync.admin.verify import FAULTS, verify
from sync.sandbox.quirks import Quirks
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import SAS
from tests.world import World

START = datetime(2027, 1, 20, 15, 0, tzinfo=UTC)
CHOSEN = date(2027, 1, 31)  # a Sunday, as is 28 February
MONTH_ENDS = ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]
WEEKEND = "cadence: {weekend: %s}\n"


def decline(world: World, portfolio: str) -> None:
    world.people.set_status(portfolio, "No Refresh Requested")


def close_by_hand(world: World, portfolio: str) -> None:
    world.people.set_status(portfolio, "Creatives Implemented", by=world.people.owner(SAS))


def in_turn(world: World, portfolio: str) -> None:
    """A month is declined, the next one closed by hand."""
    end = decline if world.date(portfolio)[5:7] in {"01", "03"} else close_by_hand
    end(world, portfolio)


End = Callable[[World, str], None]
ENDS = pytest.mark.parametrize("end", [decline, close_by_hand, in_turn])


def begun(make_world: MakeWorld, **options: Any) -> tuple[World, str]:
    world = make_world(start=START, **options)
    portfolio = world.people.create_portfolio("Acme", CHOSEN)
    world.work()
    return world, portfolio


def dates(world: World, portfolio: str, end: End, months: int) -> list[str]:
    """The dates that the service writes, where each cycle ends on its day."""
    found = []
    for _ in range(months):
        world.clock.advance(date.fromisoformat(world.date(portfolio)) - world.today - timedelta(days=1))
        world.next_day()
        end(world, portfolio)
        world.minutes(5)
        found.append(world.date(portfolio))
    return found


def is_proved(world: World) -> bool:
    """Whether `verify` finds nothing amiss."""
    world.people.flush_search()
    return verify(world.service.reading).of(*FAULTS) == []


@ENDS
def test_after_a_february_comes_the_31st_again(make_world: MakeWorld, end: End) -> None:
    world, portfolio = begun(make_world)
    assert dates(world, portfolio, end, 4) == MONTH_ENDS
    assert is_proved(world)


@ENDS
def test_the_ledger_remembers_the_day_that_the_crm_has_forgotten(make_world: MakeWorld, end: End) -> None:
    """docs/process.md D.10."""
    world, portfolio = begun(make_world, quirks=Quirks(history_limit=2))
    assert dates(world, portfolio, end, 4) == MONTH_ENDS
    shown = world.people.history("portfolio", portfolio, "creative_refresh_date")
    assert CHOSEN.isoformat() not in [version.value for version in shown]


@pytest.mark.parametrize(
    ("weekend", "february"),
    [
        pytest.param("next", "2027-03-01", id="next"),
        pytest.param("previous", "2027-02-26", id="previous"),
    ],
)
def test_a_weekend_moves_a_date_and_not_the_day(make_world: MakeWorld, weekend: str, february: str) -> None:
    """docs/process.md D.12."""
    world, portfolio = begun(make_world, mapping=WEEKEND % weekend)
    assert dates(world, portfolio, in_turn, 4) == [february, *MONTH_ENDS[1:]]


def test_what_a_person_sets_by_hand_is_chosen(make_world: MakeWorld) -> None:
    world, portfolio = begun(make_world)
    assert dates(world, portfolio, in_turn, 1) == MONTH_ENDS[:1]
    world.people.set_refresh_date(portfolio, date(2027, 3, 1))
    world.people.set_refresh_date(portfolio, date(2027, 2, 28))
    world.work()
    assert dates(world, portfolio, in_turn, 2) == ["2027-03-28", "2027-04-28"]


def test_after_a_lost_database_the_history_tells_the_day(make_world: MakeWorld) -> None:
    world, portfolio = begun(make_world)
    assert dates(world, portfolio, in_turn, 1) == MONTH_ENDS[:1]
    world.restart(lose_database=True)
    world.minutes(15)
    assert dates(world, portfolio, in_turn, 3) == MONTH_ENDS[1:]


def test_where_neither_history_nor_ledger_knows_the_date_keeps_its_own_day(make_world: MakeWorld) -> None:
    """docs/process.md D.11."""
    world, portfolio = begun(make_world, quirks=Quirks(history_limit=2))
    assert dates(world, portfolio, in_turn, 3) == MONTH_ENDS[:3]
    world.restart(lose_database=True)
    world.minutes(15)
    assert dates(world, portfolio, in_turn, 1) == ["2027-05-30"]
