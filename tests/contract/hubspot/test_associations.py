"""Associations: what a batch read of them comes to, page by page."""

import json

import pytest
import requests
import responses

from sync.crm import (
    Association,
    Gap,
    Kind,
    Lack,
)
from sync.errors import (
    CRMUnavailableError,
    FaultyRecordError,
)
from sync.hubspot import HubSpot
from tests.contract.hubspot.answers import (
    OBJECTS,
    TASK_ENDS,
    Json,
    error,
    listing,
    missing,
    raw,
    sent,
    sent_ids,
)

TASKS = f"{OBJECTS}/0-27/batch/read"


def end(to: int, type_id: int = 1, label: str | None = None) -> Json:
    return {"toObjectId": to, "associationTypes": [{"category": "X", "typeId": type_id, "label": label}]}


def ends(from_id: str, *to: Json, after: str | None = None) -> Json:
    paging = {"paging": {"next": {"after": after, "link": "?"}}} if after else {}
    return {"from": {"id": from_id}, "to": list(to), **paging}


def no_associations(*ids: str) -> Json:
    context = {"context": {"fromObjectId": list(ids), "fromObjectType": ["task"]}} if ids else {}
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": "No ticket is associated with it.",
        **context,
    }


class TestAssociations:
    def read(self, hubspot: HubSpot, *ids: str) -> dict[str, list[str]]:
        found = hubspot.associated(Kind.TASK, Kind.TICKET, ids)
        return {id_: [association.to for association in associations] for id_, associations in found.items()}

    def test_types_and_labels_are_gathered(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        types = [{"typeId": 230, "label": None}, {"typeId": 7, "label": "Primary"}]
        api.post(TASK_ENDS, json=listing(ends("1", {"toObjectId": 5, "associationTypes": types}, end(5, 9, "Main"))))
        assert hubspot.associated(Kind.TASK, Kind.TICKET, ["1"]) == {
            "1": (Association("5", frozenset({230, 7, 9}), frozenset({"Primary", "Main"})),)
        }

    def test_none_is_empty_and_gone_has_no_key(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        gone = {"category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.FROM_OBJECT", "message": "deleted"}
        problems = [no_associations("2", "3"), {**gone, "context": {"fromObjectId": ["4"]}}, missing("5")]
        api.post(TASK_ENDS, status=207, json=listing(ends("1", end(50)), errors=problems))
        assert self.read(hubspot, "1", "2", "3", "4", "5") == {"1": ["50"], "2": [], "3": []}

    def test_errors_that_name_nobody(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, status=207, json=listing(errors=[no_associations(), no_associations()]))
        assert self.read(hubspot, "1", "2") == {"1": [], "2": []}

    def test_two_kinds_of_them_are_asked_about_one_by_one(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, status=207, json=listing(errors=[no_associations(), missing()]))
        api.post(TASK_ENDS, status=207, json=listing(errors=[missing()]))
        api.post(TASK_ENDS, status=207, json=listing(errors=[no_associations()]))
        assert self.read(hubspot, "1", "2") == {"2": []}

    @pytest.mark.parametrize("problem", [error("boom", context={"fromObjectId": ["2"]}), {"subCategory": "OTHER"}])
    def test_any_other_error_is_not_absence(self, api: responses.RequestsMock, hubspot: HubSpot, problem: Json) -> None:
        api.post(TASK_ENDS, status=207, json=listing(ends("1", end(5)), errors=[problem]))
        with pytest.raises(CRMUnavailableError):
            self.read(hubspot, "1", "2")

    def test_left_out_it_has_none_where_it_exists(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        """docs/hubspot.md 5.2: in the batch and asked alone it is left out of a 200."""
        api.post(TASK_ENDS, json=listing(ends("1", end(50))))
        api.post(TASK_ENDS, json=listing())
        api.post(TASKS, json=listing(raw("2")))
        api.post(TASK_ENDS, json=listing())
        api.post(TASKS, status=207, json=listing(errors=[missing("3")]))
        assert self.read(hubspot, "1", "2", "3") == {"1": ["50"], "2": []}

    @pytest.mark.parametrize(
        "none", [listing(ends("1"), ends("2", end(5))), listing(ends("2", end(5)), errors=[no_associations("1")])]
    )
    def test_where_the_portal_says_so_silence_is_none_of_it(
        self, api: responses.RequestsMock, hubspot: HubSpot, none: Json
    ) -> None:
        api.post(TASK_ENDS, json=none)
        assert self.read(hubspot, "1", "2") == {"1": [], "2": ["5"]}
        api.reset()
        api.post(TASK_ENDS, json=listing())
        with pytest.raises(FaultyRecordError, match="task 2: the CRM's answer lacks the list of its tickets"):
            self.read(hubspot, "2")

    def test_left_out_once_it_is_asked_for_again(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        """One answer may lack it by chance, and nobody knows yet whether this portal says of a record that it has none."""
        api.post(TASK_ENDS, json=listing())
        api.post(TASK_ENDS, json=listing())
        api.post(TASK_ENDS, json=listing(ends("1", end(50))))
        assert self.read(hubspot, "1") == {"1": ["50"]}

    def test_not_for_ever(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        """After three records of which it never said anything the portal is known for that."""
        api.post(TASK_ENDS, json=listing())
        for i in "1234":
            api.post(TASKS, json=listing(raw(i)))
        for i in "1234":
            assert self.read(hubspot, i) == {i: []}
        asked = [call for call in api.calls if "associations" in str(call.request.url)]
        assert len(asked) == 3 * 3 + 1

    def test_unless_an_error_is_counted_that_is_not_shown(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, json={**listing(), "numErrors": 1})
        with pytest.raises(FaultyRecordError, match="task 1: the CRM's answer lacks the list of its tickets"):
            self.read(hubspot, "1")

    @pytest.mark.parametrize(
        "shape",
        [
            {"from": {"id": "1"}},
            {"from": {"id": "1"}, "to": None},
            ends("1", {"toObjectId": 5}),
            ends("1", {"toObjectId": 5, "associationTypes": None}),
        ],
        ids=["absent", "null", "without types", "types null"],
    )
    def test_a_missing_list_is_not_an_empty_one(
        self, api: responses.RequestsMock, hubspot: HubSpot, shape: Json
    ) -> None:
        api.post(TASK_ENDS, json=listing(shape, ends("2", end(5)), ends("3")))
        reading = hubspot.associated_each(Kind.TASK, Kind.TICKET, ["1", "2", "3"])
        assert {i: len(found) for i, found in reading.found.items()} == {"2": 1, "3": 0}
        assert reading.faulty["1"].gaps == (Gap(Lack.ASSOCIATIONS, "ticket"),)

    def test_a_page_without_its_list_spoils_the_pages_before(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        api.post(TASK_ENDS, json=listing(ends("1", end(50), after="A")))
        api.post(TASK_ENDS, json=listing({"from": {"id": "1"}, "to": None}))
        reading = hubspot.associated_each(Kind.TASK, Kind.TICKET, ["1"])
        assert (list(reading.found), list(reading.faulty)) == ([], ["1"])

    def test_nor_does_silence_end_them(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, json=listing(ends("1", end(50), after="A")))
        api.post(TASK_ENDS, json=listing())
        assert list(hubspot.associated_each(Kind.TASK, Kind.TICKET, ["1"]).faulty) == ["1"]

    def test_each_input_has_its_own_pages(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, json=listing(ends("1", end(50), after="A"), ends("2", end(60))))
        api.post(TASK_ENDS, json=listing(ends("1", end(51), after="B")))
        api.post(TASK_ENDS, json=listing(ends("1", end(52))))
        assert self.read(hubspot, "1", "2") == {"1": ["50", "51", "52"], "2": ["60"]}
        assert [sent(api, index)["inputs"] for index in (1, 2)] == [
            [{"id": "1", "after": "A"}],
            [{"id": "1", "after": "B"}],
        ]

    def test_pages_that_do_not_end_are_an_error(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, json=listing(ends("1", end(50), after="A")))
        with pytest.raises(CRMUnavailableError, match="do not end"):
            self.read(hubspot, "1")

    def test_a_record_deleted_between_two_pages_has_no_key(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, json=listing(ends("1", end(50), after="A")))
        api.post(TASK_ENDS, status=207, json=listing(errors=[missing("1")]))
        assert self.read(hubspot, "1") == {}

    def test_a_merged_record_answers_under_the_id_asked(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, json=listing(ends("8", end(50)), ends("9", end(60))))
        api.post(TASK_ENDS, json=listing(ends("8", end(50))))
        api.post(TASK_ENDS, json=listing(ends("9", end(60))))
        assert self.read(hubspot, "1", "2") == {"1": ["50"], "2": ["60"]}

    def test_one_without_any_too(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, status=207, json=listing(ends("2", end(50)), errors=[no_associations("9")]))
        assert self.read(hubspot, "1", "2") == {"1": [], "2": ["50"]}

    def test_in_batches_of_a_thousand(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            ids = [item["id"] for item in json.loads(request.body or "{}")["inputs"]]
            return 207, {}, json.dumps(listing(errors=[no_associations(id_) for id_ in ids]))

        api.add_callback("POST", TASK_ENDS, answer)
        assert len(self.read(hubspot, *map(str, range(1, 2502)), "1")) == 2501
        assert [len(batch) for batch in sent_ids(api)] == [1000, 1000, 501]

    @pytest.mark.parametrize("broken", [{"to": []}, ends("1", {"associationTypes": []})])
    def test_a_malformed_result_is_an_error(self, api: responses.RequestsMock, hubspot: HubSpot, broken: Json) -> None:
        api.post(TASK_ENDS, json=listing(broken))
        with pytest.raises(CRMUnavailableError):
            self.read(hubspot, "1")
