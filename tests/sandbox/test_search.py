"""Search: filters, pages, limits, and an index that lags (docs/hubspot.md 6)."""

from typing import Any

import pytest

from sync.sandbox import Quirks, Sandbox
from tests.sandbox.client import PORTFOLIO, Client, ids, make, where

STATUS, DATE = "creative_refresh_status", "creative_refresh_date"


@pytest.fixture
def portfolios(sandbox: Sandbox) -> dict[str, str]:
    people = sandbox.people
    made = {
        "early": people.create_portfolio("Early Bird", "2026-09-05", status="Refresh Request Submitted"),
        "late": people.create_portfolio("Late Bird", "2026-10-05"),
        "none": people.create_portfolio("No Date", status="Creatives Implemented"),
    }
    people.flush_search()
    return made


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (where(DATE, "EQ", "2026-09-05"), {"early"}),
        (where(DATE, "EQ", "1788566400000"), {"early"}),
        (where(DATE, "NEQ", "2026-09-05"), {"late"}),
        (where(DATE, "LT", "2026-10-05"), {"early"}),
        (where(DATE, "LTE", "2026-10-05"), {"early", "late"}),
        (where(DATE, "GT", "2026-09-05"), {"late"}),
        (where(DATE, "GTE", "2026-09-05"), {"early", "late"}),
        (where(DATE, "BETWEEN", "2026-09-04", highValue="2026-09-06"), {"early"}),
        (where(STATUS, "IN", values=["Creatives Implemented", "Deliverables Submitted"]), {"none"}),
        (where(STATUS, "NOT_IN", values=["Creatives Implemented"]), {"early"}),
        (where(DATE, "HAS_PROPERTY"), {"early", "late"}),
        (where(DATE, "NOT_HAS_PROPERTY"), {"none"}),
        (where("name", "CONTAINS_TOKEN", "bird"), {"early", "late"}),
        (where("name", "CONTAINS_TOKEN", "ear*"), {"early"}),
        (where("name", "EQ", "early bird"), {"early"}),
        (where("name", "IN", values=["early bird"]), {"early"}),
        (where("name", "IN", values=["Early Bird"]), set()),
        (where("hs_lastmodifieddate", "GTE", "2026-09-01T14:00:00Z"), {"early", "late", "none"}),
        (where("hs_lastmodifieddate", "GT", "1788271200000"), set()),
    ],
    ids=lambda value: f"{value['propertyName']} {value['operator']}" if isinstance(value, dict) else "",
)
def test_filters(client: Client, portfolios: dict[str, str], condition: Any, expected: set[str]) -> None:
    assert set(ids(client.search(PORTFOLIO, condition))) == {portfolios[name] for name in expected}


def test_groups_are_alternatives_and_filters_conditions(client: Client, portfolios: dict[str, str]) -> None:
    groups = [
        {"filters": [where(DATE, "HAS_PROPERTY"), where(STATUS, "HAS_PROPERTY")]},
        {"filters": [where("hs_object_id", "EQ", portfolios["none"])]},
    ]
    body = client.ok("POST", f"/crm/objects/2026-09/{PORTFOLIO}/search", {"filterGroups": groups})
    assert set(ids(body)) == {portfolios["early"], portfolios["none"]}
    assert body["total"] == 2


def test_pages_by_a_moving_bound(sandbox: Sandbox, client: Client) -> None:
    made = [sandbox.people.create_ticket(str(n)) for n in range(450)]
    sandbox.people.flush_search()
    seen: list[str] = []
    while True:
        body = client.search(
            "tickets", where("hs_object_id", "GT", seen[-1] if seen else "0"), limit=200, sorts=["hs_object_id"]
        )
        seen += ids(body)
        if body["total"] <= 200:
            break
        assert body["paging"]["next"]["after"] == "200"
    assert seen == made
    assert ids(client.search("tickets", sorts=[{"propertyName": "hs_object_id", "direction": "DESCENDING"}])) == [
        str(one) for one in sorted(map(int, made), reverse=True)[:10]
    ]


def test_unsorted_pages_are_stable_and_in_no_order(sandbox: Sandbox, client: Client) -> None:
    made = [sandbox.people.create_ticket(str(n)) for n in range(30)]
    sandbox.people.flush_search()
    first, second = client.search("tickets", limit=15), client.search("tickets", limit=15, after="15")
    assert sorted([*ids(first), *ids(second)], key=int) == made
    assert ids(first) != made[:15]
    assert "paging" not in second


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": "9801"},
        {"filterGroups": [{"filters": [where("name", "EQ", "x" * 3000)]}]},
        {"filterGroups": [{"filters": [where("name", "EQ", "x")] * 7}]},
        {"filterGroups": [{"filters": [where("no_such", "EQ", "x")]}]},
        {"filterGroups": [{"filters": [where("name", "IN")]}]},
        {"filterGroups": [{"filters": [where("name", "RESEMBLES", "x")]}]},
        {"filterGroups": [{"filters": [where(DATE, "EQ", "soon")]}]},
        {"sorts": ["name", "hs_object_id"]},
    ],
)
def test_what_the_search_refuses(client: Client, body: Any) -> None:
    answer = client.ok("POST", f"/crm/objects/2026-09/{PORTFOLIO}/search", body, 400)
    assert answer["category"] == "VALIDATION_ERROR"


def test_the_index_lags(sandbox: Sandbox, client: Client) -> None:
    people = sandbox.people
    portfolio = people.create_portfolio("Before")
    assert client.search(PORTFOLIO)["total"] == 0
    people.advance(seconds=5)
    people.set("portfolio", portfolio, {"name": "After"})
    stale = client.search(PORTFOLIO, where("name", "EQ", "before"), properties=["name"])
    assert stale["results"][0]["properties"]["name"] == "Before"
    people.archive("portfolio", portfolio)
    assert ids(client.search(PORTFOLIO)) == [portfolio]
    people.advance(seconds=5)
    assert client.search(PORTFOLIO)["total"] == 0


def test_an_index_without_lag() -> None:
    sandbox, client = make(quirks=Quirks(search_lag_seconds=0, search_in_wants_lower_case=False))
    portfolio = sandbox.people.create_portfolio("Acme")
    assert ids(client.search(PORTFOLIO, where("name", "IN", values=["Acme"]))) == [portfolio]
    gone = sandbox.people.create_portfolio("Gone")
    new = sandbox.people.merge("portfolio", portfolio, gone)
    assert ids(client.search(PORTFOLIO)) == [new]
