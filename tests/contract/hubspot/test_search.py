"""The search: however many there are, by a moving bound."""

import json
from collections.abc import Sequence

import pytest
import requests
import responses

from sync.crm import (
    Filter,
    Kind,
)
from sync.errors import (
    CRMRejectedError,
    CRMUnavailableError,
)
from sync.hubspot import HubSpot
from tests.contract.hubspot.answers import (
    TICKET_SEARCH,
    Json,
    error,
    listing,
    raw,
)


class SearchServer:
    """A search over ids, with HubSpot's pages of 200 and its end at 10,000; it knows `IN` and the moving bound."""

    def __init__(self, api: responses.RequestsMock, ids: Sequence[int]) -> None:
        self.ids = ids
        self.bodies: list[Json] = []
        api.add_callback("POST", TICKET_SEARCH, self.answer)

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = json.loads(request.body or "{}")
        self.bodies.append(body)
        assert len(str(request.body)) <= 3000
        assert len(body["filterGroups"]) <= 5
        assert "after" not in body
        matches = [id_ for id_ in self.ids if any(self.matches(id_, group) for group in body["filterGroups"])]
        page = [raw(str(id_)) for id_ in matches[: body["limit"]]]
        more: Json = {"paging": {"next": {"after": "200"}}} if len(matches) > body["limit"] else {}
        return 200, {}, json.dumps(listing(*page, total=len(matches), **more))

    @staticmethod
    def matches(id_: int, group: Json) -> bool:
        for condition in group["filters"]:
            assert len(condition.get("values", [])) <= 100
            if condition["operator"] == "GT" and id_ <= int(condition["value"]):
                return False
            if condition["operator"] == "IN" and str(id_) not in condition["values"]:
                return False
        return True


class TestSearching:
    def test_however_many_by_a_moving_bound(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        server = SearchServer(api, range(1, 10_402))
        changed = Filter("hs_lastmodifieddate", "GTE", value="1772445600000")
        named = Filter("subject", "HAS_PROPERTY")
        found = [record.id for record in hubspot.search(Kind.TICKET, [[changed], [named]], ["subject"])]
        assert found == [str(number) for number in range(1, 10_402)]
        bound = {"propertyName": "hs_object_id", "operator": "GT", "value": "200"}
        assert server.bodies[1] == {
            "filterGroups": [
                {
                    "filters": [
                        {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1772445600000"},
                        bound,
                    ]
                },
                {"filters": [{"propertyName": "subject", "operator": "HAS_PROPERTY"}, bound]},
            ],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": ["subject"],
            "limit": 200,
        }

    def test_without_a_condition_it_is_all(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        SearchServer(api, [3, 4])
        assert [record.id for record in hubspot.search(Kind.TICKET, [])] == ["3", "4"]

    def test_a_full_page_is_not_the_last(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        server = SearchServer(api, range(1, 201))
        assert len(list(hubspot.search(Kind.TICKET, [[]]))) == 200
        assert len(server.bodies) == 2

    def test_long_lists_are_split_and_the_union_is_in_order(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        server = SearchServer(api, range(1, 5000))
        values = tuple(str(number) for number in range(4000, 3000, -1))
        group = [Filter("hs_object_id", "IN", values=values), Filter("subject", "HAS_PROPERTY")]
        found = [record.id for record in hubspot.search(Kind.TICKET, [group, group], ["subject", "hs_pipeline"])]
        assert found == [str(number) for number in range(3001, 4001)]
        assert len(server.bodies) < 30

    def test_one_long_value_is_left_to_the_crm(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKET_SEARCH, status=400, json=error("too long"))
        with pytest.raises(CRMRejectedError, match="too long"):
            list(hubspot.search(Kind.TICKET, [[Filter("subject", "IN", values=("x" * 4000,))]]))

    def test_more_groups_than_one_search_may_have(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        server = SearchServer(api, range(1, 100))
        groups = [[Filter("hs_object_id", "IN", values=(str(number), "50"))] for number in range(1, 8)]
        assert [record.id for record in hubspot.search(Kind.TICKET, groups)] == [*"1234567", "50"]
        assert len(server.bodies) == 2

    @pytest.mark.parametrize("ids", [["2", "1"], ["1", "2", "1"]])
    def test_matches_out_of_order_are_an_error(
        self, api: responses.RequestsMock, hubspot: HubSpot, ids: list[str]
    ) -> None:
        api.post(TICKET_SEARCH, json=listing(*map(raw, ids)))
        with pytest.raises(CRMUnavailableError, match="rising id"):
            list(hubspot.search(Kind.TICKET, []))

    def test_a_bound_that_does_not_hold_is_an_error(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKET_SEARCH, json=listing(raw("1"), paging={"next": {"after": "1"}}))
        with pytest.raises(CRMUnavailableError, match="rising id"):
            list(hubspot.search(Kind.TICKET, []))

    @pytest.mark.parametrize(
        "spoilt",
        [
            {"id": "2"},
            {"id": "2", "properties": None},
            {"id": "2", "properties": {}, "updatedAt": "at noon"},
            {"properties": {"hs_object_id": "2"}},
        ],
        ids=["no properties", "null", "no time", "its id among them alone"],
    )
    def test_a_match_that_cannot_be_read_is_still_a_candidate(
        self, api: responses.RequestsMock, hubspot: HubSpot, spoilt: Json
    ) -> None:
        """Whoever looks at it reads the record itself."""
        api.post(TICKET_SEARCH, json=listing(raw("1"), spoilt, raw("3")))
        found = list(hubspot.search(Kind.TICKET, []))
        assert [record.id for record in found] == ["1", "2", "3"]
        assert found[1].properties == {}

    @pytest.mark.parametrize("id_", [None, "", "x"])
    def test_a_match_without_an_id_fails_the_search_once_all_others_are_found(
        self, api: responses.RequestsMock, hubspot: HubSpot, id_: str | None
    ) -> None:
        api.post(TICKET_SEARCH, json=listing(raw("1"), {"id": id_, "properties": {}}, raw("3")))
        found: list[str] = []
        with pytest.raises(CRMUnavailableError, match="1 of the matches came without a record's id"):
            found.extend(record.id for record in hubspot.search(Kind.TICKET, []))
        assert found == ["1", "3"]
