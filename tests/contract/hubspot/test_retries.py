"""Which reads are repeated, when and how often, and which refusals are not."""

import json

import pytest
import responses

from sync.crm import (
    Kind,
)
from sync.errors import (
    AuthenticationError,
    CRMRejectedError,
    CRMUnavailableError,
)
from sync.hubspot import HubSpot, Retries
from tests.contract.fakes import StandingClock
from tests.contract.hubspot.answers import (
    CORRELATION,
    HTML,
    NOBODY_KNOWS,
    NOTHING_DONE,
    TICKETS,
    TOKEN,
    FreeBudget,
    Json,
    Reply,
    each,
    error,
    listing,
    make,
    raw,
)


class TestReadsAreRepeated:
    @each(NOBODY_KNOWS | NOTHING_DONE)
    def test_after_what_may_pass(
        self, api: responses.RequestsMock, hubspot: HubSpot, clock: StandingClock, reply: Reply
    ) -> None:
        reply.add(api, TICKETS)
        api.post(TICKETS, json=listing(raw("1")))
        assert list(hubspot.read(Kind.TICKET, ["1"], [])) == ["1"]
        assert len(api.calls) == 2
        assert len(clock.slept) == 1

    @each(NOBODY_KNOWS | NOTHING_DONE)
    def test_for_about_a_minute(
        self, api: responses.RequestsMock, hubspot: HubSpot, clock: StandingClock, reply: Reply
    ) -> None:
        reply.add(api, TICKETS)
        with pytest.raises(CRMUnavailableError, match="POST /crm/objects/2026-09/0-5/batch/read"):
            hubspot.read(Kind.TICKET, ["1"], [])
        assert 40 < sum(clock.slept) <= 60

    def test_the_error_says_all_that_support_asks_for(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=429, json=error("slow down", policyName="TEN_SECONDLY_ROLLING"))
        with pytest.raises(CRMUnavailableError, match=rf"429, slow down .*TEN_SECONDLY_ROLLING.*{CORRELATION}") as info:
            hubspot.read(Kind.TICKET, ["1"], [])
        assert (info.value.status, info.value.correlation_id) == (429, CORRELATION)

    def test_a_correlation_id_in_the_headers_will_do(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=502, body=HTML, headers={"X-HubSpot-Correlation-Id": "cccc"})
        with pytest.raises(CRMUnavailableError) as info:
            hubspot.read(Kind.TICKET, ["1"], [])
        assert info.value.correlation_id == "cccc"

    def test_the_waits_grow_and_are_the_same_for_the_same_dice(
        self, api: responses.RequestsMock, budget: FreeBudget
    ) -> None:
        api.post(TICKETS, status=503, json=error())
        slept = []
        for _ in range(2):
            clock = StandingClock()
            with pytest.raises(CRMUnavailableError):
                make(clock, budget, retries=Retries(total=20, first=1, longest=8)).read(Kind.TICKET, ["1"], [])
            slept.append(clock.slept)
        assert slept[0] == slept[1]
        for wait, full in zip(slept[0], [1, 2, 4, 8, 8], strict=False):
            assert full / 2 <= wait <= full

    @pytest.mark.parametrize(
        ("reply", "least"),
        [
            (Reply(423, error()), 2),
            (Reply(423, error(), (("Retry-After", "5"),)), 5),
            (Reply(477, error(), (("Retry-After", "7"),)), 7),
            (Reply(429, error(policyName="SECONDLY")), 1),
            (Reply(429, error(policyName="TEN_SECONDLY_ROLLING")), 10),
            (
                Reply(
                    429,
                    error(policyName="TEN_SECONDLY_ROLLING"),
                    (("X-HubSpot-RateLimit-Interval-Milliseconds", "4000"),),
                ),
                4,
            ),
            (Reply(429, error(), (("Retry-After", "12.5"),)), 12.5),
            (Reply(503, error()), 0.2),
            (Reply(429, error(), (("Retry-After", "Mon, 02 Nov 2026 09:00:20 GMT"),)), 20),
            (Reply(429, error(), (("Retry-After", "Mon, 02 Nov 2026 08:00:00 GMT"),)), 0.2),
            (Reply(429, error(), (("Retry-After", "tomorrow"),)), 0.2),
        ],
    )
    def test_not_before_the_crm_said(
        self, api: responses.RequestsMock, hubspot: HubSpot, clock: StandingClock, reply: Reply, least: float
    ) -> None:
        reply.add(api, TICKETS)
        api.post(TICKETS, json=listing(raw("1")))
        hubspot.read(Kind.TICKET, ["1"], [])
        assert least <= clock.slept[0] <= least + 0.5

    def test_not_if_that_is_too_long(self, api: responses.RequestsMock, hubspot: HubSpot, clock: StandingClock) -> None:
        api.post(TICKETS, status=477, json=error("migrating"), headers={"Retry-After": "3600"})
        with pytest.raises(CRMUnavailableError, match="migrating"):
            hubspot.read(Kind.TICKET, ["1"], [])
        assert clock.slept == []

    def test_not_if_the_day_is_used_up(
        self, api: responses.RequestsMock, hubspot: HubSpot, clock: StandingClock, budget: FreeBudget
    ) -> None:
        api.post(TICKETS, status=429, json=error(policyName="DAILY"))
        with pytest.raises(CRMUnavailableError, match=r"DAILY.*daily limit"):
            hubspot.read(Kind.TICKET, ["1"], [])
        assert len(api.calls) == 1
        assert budget.pauses == []


class TestRefusals:
    def test_401_names_the_setting(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=401, json=error("expired", category="EXPIRED_AUTHENTICATION"))
        with pytest.raises(AuthenticationError, match=rf"HUBSPOT_ACCESS_TOKEN.*{CORRELATION}") as info:
            hubspot.read(Kind.TICKET, ["1"], [])
        assert TOKEN not in str(info.value)
        assert len(api.calls) == 1

    def test_even_from_a_gateway(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=401, body=HTML)
        with pytest.raises(AuthenticationError):
            hubspot.read(Kind.TICKET, ["1"], [])

    @pytest.mark.parametrize(
        "where",
        [
            {"context": {"missingScopes": ["tickets", "oauth"]}},
            {"errors": [{"message": "One or more scopes", "context": {"requiredScopes": ["tickets", "oauth"]}}]},
            {"errors": [{"context": {"requiredGranularScopes": "tickets, oauth"}}]},
        ],
    )
    def test_403_names_the_scopes(self, api: responses.RequestsMock, hubspot: HubSpot, where: Json) -> None:
        api.post(TICKETS, status=403, json=error("no", category="MISSING_SCOPES", **where))
        with pytest.raises(AuthenticationError, match="lacks the scopes tickets, oauth"):
            hubspot.read(Kind.TICKET, ["1"], [])
        assert len(api.calls) == 1

    @pytest.mark.parametrize("body", ["", "{}"])
    def test_403_without_a_word(self, api: responses.RequestsMock, hubspot: HubSpot, body: str) -> None:
        api.post(TICKETS, status=403, body=body)
        with pytest.raises(AuthenticationError, match="may not"):
            hubspot.read(Kind.TICKET, ["1"], [])

    @pytest.mark.parametrize("status", [400, 404, 405, 409, 414, 415, 422])
    @pytest.mark.parametrize("body", ["{}", "", json.dumps(error("not so", category="VALIDATION_ERROR"))])
    def test_other_4xx_are_not_repeated(
        self, api: responses.RequestsMock, hubspot: HubSpot, status: int, body: str
    ) -> None:
        api.post(TICKETS, status=status, body=body)
        with pytest.raises(CRMRejectedError, match=str(status)) as info:
            hubspot.read(Kind.TICKET, ["1"], [])
        assert info.value.status == status
        assert len(api.calls) == 1

    def test_the_reason_may_stand_in_a_nested_error(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=400, json={"errors": [{"message": "property 'x' does not exist"}]})
        with pytest.raises(CRMRejectedError, match="property 'x' does not exist"):
            hubspot.read(Kind.TICKET, ["1"], [])
