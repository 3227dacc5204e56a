"""The model of `docs/capacity.md`: what binds is what is used most, and more work never needs less of anything."""

import json
from dataclasses import replace

import pytest

from tests.bench import capacity_page
from tests.bench.capacity_model import Demand, Limits, Line, Measured, forecast, most_of_one_portal

MEASURED = Measured(
    calls=Line(70, 4), uncounted=Line(30, 3), looks=Line(11, 1), events=Line(80, 40), cpu=Line(0.2, 0.1),
    bytes=Line(10_000, 8_000), delivered=Line(20_000, 30_000), writes=Line(150, 20), searches_a_poll=3, searches_a_sweep=2,
)  # fmt: skip
DEMAND = Demand(portfolios=1_000)


def test_a_line_goes_through_both_measurements() -> None:
    line = Line.through((2, 20), (10, 60))
    assert (line.at(2), line.at(10), line.at(4)) == (20, 60, 30)


def test_a_small_agency_needs_one_worker() -> None:
    found = forecast(MEASURED, replace(DEMAND, portfolios=100), Limits())
    assert found.fits
    assert found.workers == 1
    assert found.binding.ratio < 0.05


@pytest.mark.parametrize(
    ("limits", "binds"),
    [
        (Limits(daily=10_000), "requests a day"),
        (Limits(steady=0.1), "requests in ten seconds"),
        (Limits(searches=0.001), "searches"),
        (Limits(commits=0.1), "the database's commits"),
    ],
)
def test_the_scarcest_limit_binds(limits: Limits, binds: str) -> None:
    found = forecast(MEASURED, replace(DEMAND, portfolios=20_000), limits)
    assert found.binding.limit == binds
    assert not found.fits


def test_more_work_needs_more() -> None:
    before = forecast(MEASURED, DEMAND, Limits())
    for more in (
        replace(DEMAND, portfolios=2_000),
        replace(DEMAND, tickets=20),
        replace(DEMAND, cycles=3),
    ):
        after = forecast(MEASURED, more, Limits())
        assert after.calls_a_day > before.calls_a_day
        assert after.bytes_a_year > before.bytes_a_year
        assert all(new.ratio >= old.ratio for new, old in zip(after.uses, before.uses, strict=True))
    slow = forecast(MEASURED, replace(DEMAND, portfolios=50_000, latency=2), Limits())
    assert slow.workers > forecast(MEASURED, replace(DEMAND, portfolios=50_000), Limits()).workers


def test_the_most_of_one_portal_is_the_last_that_fits() -> None:
    most = most_of_one_portal(MEASURED, DEMAND, Limits())
    assert forecast(MEASURED, replace(DEMAND, portfolios=most), Limits()).fits
    assert not forecast(MEASURED, replace(DEMAND, portfolios=most + 1), Limits()).fits


def test_portals_share_the_clients() -> None:
    found = forecast(MEASURED, replace(DEMAND, portfolios=1_000_000, portals=20), Limits())
    assert found.portfolios == 50_000


def test_the_page_shows_what_was_measured() -> None:
    told = json.loads(capacity_page.FIGURES.read_text(encoding="utf-8"))
    page = capacity_page.PAGE.read_text(encoding="utf-8")
    assert capacity_page.drawn(page, capacity_page.from_json(told)) == page
    assert capacity_page.as_json(capacity_page.from_json(told)) == told
