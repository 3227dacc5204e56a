"""The client and the request budget: what it takes from, what it learns from headers, what a 429 comes to."""

from contextlib import closing

import pytest
import responses

from sync.crm import (
    Applied,
    Kind,
    NotSent,
    Update,
)
from sync.errors import (
    CRMUnavailableError,
)
from sync.hubspot import HubSpot
from sync.storage.budget import Bucket, Observed, Priority
from tests.contract.fakes import StandingClock
from tests.contract.hubspot.answers import (
    TASK_ENDS,
    TICKET_SEARCH,
    TICKET_UPDATES,
    TICKETS,
    FreeBudget,
    Json,
    error,
    listing,
    make,
    raw,
)


class TestTheBudget:
    def test_each_kind_of_call_takes_from_its_bucket(
        self, api: responses.RequestsMock, hubspot: HubSpot, clock: StandingClock, budget: FreeBudget
    ) -> None:
        api.post(TICKETS, status=503, json=error())
        api.post(TICKETS, json=listing(raw("1")))
        api.post(TICKET_SEARCH, json=listing())
        api.post(TASK_ENDS, json=listing({"from": {"id": "1"}, "to": []}))
        api.post(TICKET_UPDATES, json=listing(raw("1")))
        with closing(make(clock, budget, priority=Priority.BULK)) as bulk:
            bulk.read(Kind.TICKET, ["1"], [])
        list(hubspot.search(Kind.TICKET, []))
        hubspot.associated(Kind.TASK, Kind.TICKET, ["1"])
        hubspot.update(Kind.TICKET, [Update("1", {"subject": "x"})])
        assert budget.taken == [
            (Bucket.GENERAL, Priority.BULK),
            (Bucket.GENERAL, Priority.BULK),
            (Bucket.SEARCH, Priority.INTERACTIVE),
            (Bucket.GENERAL, Priority.INTERACTIVE),
        ]

    def test_it_learns_from_the_headers(
        self, api: responses.RequestsMock, hubspot: HubSpot, budget: FreeBudget
    ) -> None:
        headers = {
            "X-HubSpot-RateLimit-Max": "100",
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily-Remaining": "4711",
        }
        api.post(TICKETS, json=listing(raw("1")), headers=headers)
        api.post(TICKET_SEARCH, json=listing(), headers=headers)
        hubspot.read(Kind.TICKET, ["1"], [])
        list(hubspot.search(Kind.TICKET, []))
        assert budget.seen == [Observed(100, 10.0, 4711)]

    def test_and_not_from_nonsense(self, api: responses.RequestsMock, hubspot: HubSpot, budget: FreeBudget) -> None:
        api.post(TICKETS, json=listing(raw("1")), headers={"X-HubSpot-RateLimit-Max": "many"})
        hubspot.read(Kind.TICKET, ["1"], [])
        assert budget.seen == []

    @pytest.mark.parametrize(
        ("url", "body", "pauses"),
        [
            (TICKETS, error(policyName="TEN_SECONDLY_ROLLING"), [(Bucket.GENERAL, 10.0)]),
            (TICKETS, error(policyName="SECONDLY"), [(Bucket.GENERAL, 1.0)]),
            (TICKETS, error(), []),
            (TICKET_SEARCH, error(policyName="SECONDLY"), [(Bucket.SEARCH, 1.0)]),
            (TICKET_SEARCH, {}, [(Bucket.SEARCH, 1.0)]),
            (TASK_ENDS, error(policyName="TEN_SECONDLY_ROLLING"), []),
        ],
    )
    def test_a_429_stops_everybody(
        self,
        api: responses.RequestsMock,
        hubspot: HubSpot,
        budget: FreeBudget,
        url: str,
        body: Json,
        pauses: list[tuple[Bucket, float]],
    ) -> None:
        api.post(url, status=429, json=body)
        api.post(url, json=listing())
        if url == TICKETS:
            with pytest.raises(CRMUnavailableError):
                hubspot.read(Kind.TICKET, ["1"], [])
        elif url == TASK_ENDS:
            with pytest.raises(CRMUnavailableError):
                hubspot.associated(Kind.TASK, Kind.TICKET, ["1"])
        else:
            list(hubspot.search(Kind.TICKET, []))
        assert budget.pauses == pauses

    @pytest.mark.parametrize(
        ("status", "pauses"),
        [
            pytest.param(429, [(Bucket.GENERAL, 3.0)], id="all, where the limit is everybody's"),
            *[pytest.param(status, [], id=f"{status}: that call alone") for status in (423, 477, 503)],
        ],
    )
    def test_who_waits_when_the_crm_says_for_how_long(
        self,
        api: responses.RequestsMock,
        hubspot: HubSpot,
        budget: FreeBudget,
        status: int,
        pauses: list[tuple[Bucket, float]],
    ) -> None:
        api.post(TICKETS, status=status, json=error(), headers={"Retry-After": "3"})
        api.post(TICKETS, json=listing(raw("1")))
        assert list(hubspot.read(Kind.TICKET, ["1"], [])) == ["1"]
        assert budget.pauses == pauses

    def test_a_database_that_fails_afterwards_loses_no_answer(
        self, api: responses.RequestsMock, hubspot: HubSpot, budget: FreeBudget
    ) -> None:
        budget.broken = {"observe", "back_off"}
        api.post(TICKET_UPDATES, status=429, json=error(policyName="TEN_SECONDLY"))
        api.post(TICKET_UPDATES, json=listing(raw("1")), headers={"X-HubSpot-RateLimit-Max": "100"})
        assert hubspot.update(Kind.TICKET, [Update("1", {})]) == [Applied("1")]

    def test_one_that_fails_before_sends_nothing(
        self, api: responses.RequestsMock, hubspot: HubSpot, budget: FreeBudget
    ) -> None:
        budget.broken = {"take"}
        assert hubspot.update(Kind.TICKET, [Update("1", {})]) == [NotSent("the database is locked")]
        assert not api.calls
