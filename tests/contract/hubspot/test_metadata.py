"""Owners, pipelines, properties, the account, and the portfolio's object type."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from sync.crm import (
    Account,
    Kind,
    Owner,
    Pipeline,
    PipelineStage,
    PropertyDefinition,
)
from sync.errors import (
    AuthenticationError,
    CRMRejectedError,
    CRMUnavailableError,
    MappingMisfitError,
)
from sync.hubspot import HubSpot
from tests.contract.fakes import StandingClock
from tests.contract.hubspot.answers import (
    BASE,
    HTML,
    OWNERS,
    PORTFOLIO_SCHEMA,
    SCHEMAS,
    TICKET_UPDATES,
    FreeBudget,
    Json,
    Reply,
    error,
    listing,
    make,
    reset,
    sent,
)


class TestThePortal:
    def test_owners_active_and_deactivated_on_all_pages(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            query = {name: values[0] for name, values in parse_qs(urlsplit(request.url or "").query).items()}
            page = {
                ("true", None): listing({"id": "3", "email": "c@x.test"}, {"id": "1", "email": "old@x.test"}),
                ("false", None): listing(
                    {"id": "1", "email": "a@x.test", "firstName": "Ada", "lastName": None, "userId": 9},
                    paging={"next": {"after": "p2"}},
                ),
                ("false", "p2"): listing({"id": 2, "email": None, "firstName": "Bo", "lastName": "Li"}),
            }[query["archived"], query.get("after")]
            return 200, {}, json.dumps(page)

        api.add_callback("GET", OWNERS, answer)
        assert hubspot.owners() == {
            "3": Owner("3", "c@x.test", "", "", archived=True),
            "1": Owner("1", "a@x.test", "Ada", "", archived=False, user_id="9"),
            "2": Owner("2", "", "Bo", "Li", archived=False),
        }

    def test_who_has_left_is_read_again_only_where_somebody_has(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        here = [{"id": "1", "email": "a@x.test"}, {"id": "2", "email": "b@x.test"}]
        left = [{"id": "3", "email": "c@x.test"}]
        asked = []

        def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            asked.append("archived=true" in (request.url or ""))
            return 200, {}, json.dumps(listing(*(left if asked[-1] else here)))

        api.add_callback("GET", OWNERS, answer)
        known = hubspot.owners()
        assert sorted(known) == ["1", "2", "3"]
        assert hubspot.owners(known) == known
        assert asked == [False, True, False], "the ones who had left are known"

        here.append(left.pop())  # one comes back, and one is new
        here.append({"id": "4", "email": "d@x.test"})
        known = hubspot.owners(known)
        assert {i: owner.archived for i, owner in known.items()} == dict.fromkeys("1234", False)
        assert len(asked) == 4

        left.append(here.pop(0))
        known = hubspot.owners(known)
        assert asked[4:] == [False, True]
        assert [i for i, owner in sorted(known.items()) if owner.archived] == ["1"]

    def test_pages_that_do_not_end_are_an_error(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.get(OWNERS, json=listing(paging={"next": {"after": "p2"}}))
        with pytest.raises(CRMUnavailableError, match="do not end"):
            hubspot.owners()

    @pytest.mark.parametrize(
        ("metadata", "closed"),
        [
            ({"ticketState": "CLOSED", "isClosed": "true"}, True),
            ({"ticketState": "OPEN", "isClosed": "false"}, False),
            ({"isClosed": "true"}, True),
            ({"isClosed": True}, True),
            ({}, False),
            (None, False),
        ],
    )
    def test_a_stage_says_whether_it_is_closed(
        self, api: responses.RequestsMock, hubspot: HubSpot, metadata: object, closed: bool
    ) -> None:
        stage = {"id": "11", "label": "Approved", "metadata": metadata}
        pipeline = {"id": "1", "label": "Deliverables", "stages": [stage]}
        api.get(f"{BASE}/crm/pipelines/2026-09/tickets", json=listing(pipeline))
        stages = (PipelineStage("11", "Approved", closed),)
        assert hubspot.pipelines() == (Pipeline("1", "Deliverables", stages),)

    def test_properties(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        definition = {
            "name": "needs_revisions",
            "label": "Needs revisions",
            "type": "enumeration",
            "fieldType": "select",
            "options": [{"label": "Copy", "value": "copy_only"}],
        }
        api.get(f"{BASE}/crm/properties/2026-09/0-5", json=listing(definition))
        known = PropertyDefinition(
            "needs_revisions", "Needs revisions", "enumeration", "select", ("copy_only",), ("Copy",)
        )
        assert hubspot.properties(Kind.TICKET) == {"needs_revisions": known}

    def test_what_is_known_of_a_property_beside_its_values(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        definitions: list[Json] = [
            {"name": "am", "type": "enumeration", "referencedObjectType": "OWNER", "groupName": "people"},
            {"name": "sum", "type": "number", "calculated": True},
            {"name": "id", "type": "number", "modificationMetadata": {"readOnlyValue": True}},
            {"name": "plain", "type": "string", "modificationMetadata": {"readOnlyValue": False}},
        ]
        api.get(f"{BASE}/crm/properties/2026-09/0-5", json=listing(*definitions))
        found = hubspot.properties(Kind.TICKET)
        assert (found["am"].owner, found["am"].group, found["plain"].owner) == (True, "people", False)
        assert [one.read_only for one in found.values()] == [False, True, True, False]

    @pytest.mark.parametrize("reply", [Reply(200, listing()), Reply(400, error("inputs must not be empty"))])
    def test_an_update_of_nothing_tells_that_writing_is_permitted(
        self, api: responses.RequestsMock, hubspot: HubSpot, reply: Reply
    ) -> None:
        reply.add(api, TICKET_UPDATES)
        hubspot.check_write_access(Kind.TICKET)
        assert sent(api) == {"inputs": []}

    def test_an_update_of_nothing_names_the_scopes_that_are_missing(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        body = {"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["tickets"]}}
        api.post(TICKET_UPDATES, status=403, json=body)
        with pytest.raises(AuthenticationError) as refused:
            hubspot.check_write_access(Kind.TICKET)
        assert refused.value.scopes == ("tickets",)

    def test_creating_what_a_process_needs(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(SCHEMAS, status=201, json={"objectTypeId": "2-77"})
        hubspot.create_object({"name": "creative_portfolio"})
        assert sent(api) == {"name": "creative_portfolio"}
        api.post(f"{BASE}/crm/pipelines/2026-09/tickets", status=201, json={"id": "1"})
        hubspot.create_pipeline({"label": "Deliverables"})
        assert sent(api) == {"label": "Deliverables"}
        api.get(SCHEMAS, json=listing(PORTFOLIO_SCHEMA))
        api.post(f"{SCHEMAS}/2-77/associations", status=201, json={"id": "1"})
        hubspot.create_association(Kind.PORTFOLIO, Kind.TICKET, "to_ticket")
        assert sent(api) == {"fromObjectTypeId": "2-77", "toObjectTypeId": "0-5", "name": "to_ticket"}

    def test_creating_a_property(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(f"{BASE}/crm/properties/2026-09/0-27", status=201, json={"name": "handoff_key"})
        hubspot.create_property(Kind.TASK, {"name": "handoff_key", "type": "string"})
        assert sent(api) == {"name": "handoff_key", "type": "string"}

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (Reply(409, error("exists")), CRMRejectedError),
            (Reply(502, HTML), CRMUnavailableError),
            (Reply(failure=reset), CRMUnavailableError),
            (Reply(403, error()), AuthenticationError),
        ],
    )
    def test_or_not(
        self, api: responses.RequestsMock, hubspot: HubSpot, reply: Reply, expected: type[Exception]
    ) -> None:
        reply.add(api, f"{BASE}/crm/properties/2026-09/0-27")
        with pytest.raises(expected):
            hubspot.create_property(Kind.TASK, {"name": "handoff_key"})
        assert len(api.calls) == 1

    def test_the_account(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        body = {"portalId": 62515, "timeZone": "Europe/Berlin", "uiDomain": "app-eu1.hubspot.com"}
        api.get(f"{BASE}/account-info/2026-09/details", json=body)
        assert hubspot.account() == Account("62515", "Europe/Berlin", "app-eu1.hubspot.com")

    def test_an_account_without_an_id_is_an_error(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.get(f"{BASE}/account-info/2026-09/details", json={})
        with pytest.raises(CRMUnavailableError):
            hubspot.account()


class TestThePortfoliosType:
    @pytest.mark.parametrize(
        "name",
        ["creative_portfolio", "p62515_creative_portfolio", "Creative Portfolio", "creative portfolios", "2-77"],
    )
    def test_is_found_by_any_of_its_names_and_looked_up_once(
        self, api: responses.RequestsMock, clock: StandingClock, budget: FreeBudget, name: str
    ) -> None:
        other = {"objectTypeId": "2-78", "name": "portfolio", "labels": {"singular": "Portfolio"}}
        api.get(SCHEMAS, json=listing(other, PORTFOLIO_SCHEMA))
        client = make(clock, budget, portfolio_object=name)
        assert [client.type_id(Kind.PORTFOLIO), client.reader.type_id(Kind.PORTFOLIO)] == ["2-77", "2-77"]
        assert client.type_id(Kind.TICKET) == "0-5"
        assert len(api.calls) == 1

    def test_a_name_goes_before_another_objects_label(
        self, api: responses.RequestsMock, clock: StandingClock, budget: FreeBudget
    ) -> None:
        other = {"objectTypeId": "2-78", "name": "x", "labels": {"singular": "creative_portfolio"}}
        api.get(SCHEMAS, json=listing(other, PORTFOLIO_SCHEMA))
        assert make(clock, budget).type_id(Kind.PORTFOLIO) == "2-77"

    def test_one_that_is_not_there_names_those_that_are(
        self, api: responses.RequestsMock, clock: StandingClock, budget: FreeBudget
    ) -> None:
        api.get(SCHEMAS, json=listing(PORTFOLIO_SCHEMA))
        with pytest.raises(MappingMisfitError, match=r"'pets'.*creative_portfolio"):
            make(clock, budget, portfolio_object="pets").read(Kind.PORTFOLIO, ["1"], [])

    def test_nor_is_a_label_that_two_objects_have(
        self, api: responses.RequestsMock, clock: StandingClock, budget: FreeBudget
    ) -> None:
        labels = {"singular": "Portfolio"}
        schemas = [{"objectTypeId": f"2-{n}", "name": f"p{n}", "labels": labels} for n in (1, 2)]
        api.get(SCHEMAS, json=listing(*schemas))
        with pytest.raises(MappingMisfitError, match="2-1, 2-2"):
            make(clock, budget, portfolio_object="Portfolio").type_id(Kind.PORTFOLIO)

    def test_a_type_id_that_is_none_reaches_no_path(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.get(SCHEMAS, json=listing({**PORTFOLIO_SCHEMA, "objectTypeId": "../../x"}))
        with pytest.raises(CRMUnavailableError, match="no object type id"):
            hubspot.type_id(Kind.PORTFOLIO)
