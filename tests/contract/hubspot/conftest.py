"""A client that speaks to made-up answers, with a budget that grants everything and a clock that stands."""

from collections.abc import Iterator

import pytest
import responses

from sync.hubspot import HubSpot
from tests.contract.fakes import StandingClock
from tests.contract.hubspot.answers import FreeBudget, make


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def budget() -> FreeBudget:
    return FreeBudget()


@pytest.fixture
def hubspot(clock: StandingClock, budget: FreeBudget) -> Iterator[HubSpot]:
    client = make(clock, budget)
    yield client
    client.close()
