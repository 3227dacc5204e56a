"""Records by id: what a batch read comes to, with histories, merged and deleted ones."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import responses

from sync.crm import (
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
    BASE,
    OBJECTS,
    TICKETS,
    TOKEN,
    Json,
    Reply,
    answer_all,
    error,
    listing,
    missing,
    raw,
    sent,
    sent_ids,
)


class TestReading:
    def test_by_id_whatever_the_order_and_null_is_empty(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, json=listing(raw("2", subject=None), raw("1", subject="Banner")))
        found = hubspot.read(Kind.TICKET, ["1", "2"], ["subject"])
        assert {id_: record.properties["subject"] for id_, record in found.items()} == {"1": "Banner", "2": ""}
        assert found["1"].created_at == datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
        assert found["1"].updated_at is None
        assert sent(api) == {
            "properties": ["subject", "hs_merged_object_ids"],
            "inputs": [{"id": "1"}, {"id": "2"}],
        }
        assert api.calls[0].request.headers["Authorization"] == f"Bearer {TOKEN}"

    def test_the_crms_own_time_not_later_than_the_call(
        self, api: responses.RequestsMock, hubspot: HubSpot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The answer's time is when it was given, and the record was read before it: the call's own time comes off."""
        ticking = iter(range(0, 100, 3))
        monkeypatch.setattr("sync.hubspot.transport.time", SimpleNamespace(perf_counter=lambda: float(next(ticking))))
        api.post(TICKETS, json=listing(raw("1")), headers={"Date": "Mon, 02 Nov 2026 14:00:00 GMT"})
        read_at = hubspot.read(Kind.TICKET, ["1"], [])["1"].read_at
        assert read_at is not None
        assert datetime(2026, 11, 2, 13, 59, 50, tzinfo=UTC) <= read_at <= datetime(2026, 11, 2, 13, 59, 57, tzinfo=UTC)

    @pytest.mark.parametrize("told", ["", "yesterday", "Mon, 99 Nov 2026 14:00:00 GMT"])
    def test_no_time_told(self, api: responses.RequestsMock, hubspot: HubSpot, told: str) -> None:
        api.post(TICKETS, json=listing(raw("1")), headers={"Date": told} if told else {})
        assert hubspot.read(Kind.TICKET, ["1"], [])["1"].read_at is None

    def test_each_id_once_and_only_what_can_be_one(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, json=listing(raw("1")))
        strange = ["../1", "", "1 ", "٣", "0", "-1", "1?archived=true", "9" * 19]
        assert list(hubspot.read(Kind.TICKET, ["1", "1", *strange, "1"], [])) == ["1"]
        assert sent_ids(api) == [["1"]]

    def test_nothing_asked_is_nothing_sent(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        assert hubspot.read(Kind.TICKET, [], ["subject"]) == {}
        assert hubspot.associated(Kind.TASK, Kind.TICKET, ["x"]) == {}
        assert hubspot.update(Kind.TICKET, []) == []
        assert hubspot.create(Kind.TASK, []) == []
        assert not api.calls

    @pytest.mark.parametrize(("history", "sizes"), [((), [100, 100, 50]), (("status",), [50] * 5)])
    def test_in_batches(
        self, api: responses.RequestsMock, hubspot: HubSpot, history: tuple[str, ...], sizes: list[int]
    ) -> None:
        api.add_callback("POST", TICKETS, answer_all)
        ids = [str(number) for number in range(1, 251)]
        assert list(hubspot.read(Kind.TICKET, ids, ["subject"], history)) == ids
        assert [len(batch) for batch in sent_ids(api)] == sizes

    def test_one_error_may_name_several_that_do_not_exist(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=207, json=listing(raw("1"), errors=[missing("2", "3")]))
        assert list(hubspot.read(Kind.TICKET, ["1", "2", "3"], [])) == ["1"]

    def test_errors_that_name_nobody_but_are_as_many(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=207, json=listing(raw("1"), errors=[missing(), missing()]))
        assert list(hubspot.read(Kind.TICKET, ["1", "2", "3"], [])) == ["1"]

    def test_an_error_that_names_nobody_is_asked_about_one_by_one(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        api.post(TICKETS, status=207, json=listing(raw("1"), errors=[missing()]))
        api.post(TICKETS, status=207, json=listing(errors=[missing()]))
        api.post(TICKETS, json=listing(raw("3")))
        assert list(hubspot.read(Kind.TICKET, ["1", "2", "3"], [])) == ["1", "3"]
        assert sent_ids(api) == [["1", "2", "3"], ["2"], ["3"]]

    @pytest.mark.parametrize(
        "problem",
        [
            error("boom", category="INTERNAL_ERROR", context={"ids": ["2"]}),
            error("no rights", category="FORBIDDEN"),
            error("?", context={"ids": ["2"]}),
            {},
        ],
    )
    def test_any_other_error_is_not_absence(self, api: responses.RequestsMock, hubspot: HubSpot, problem: Json) -> None:
        api.post(TICKETS, status=207, json=listing(raw("1"), errors=[problem]))
        with pytest.raises(CRMUnavailableError, match="batch/read"):
            hubspot.read(Kind.TICKET, ["1", "2"], [])

    @pytest.mark.parametrize(
        ("alone", "found"),
        [
            (Reply(404, missing()), ["1"]),
            (Reply(200, raw("2")), ["1", "2"]),
            (Reply(200, raw("9")), ["1", "2"]),
            (Reply(200, {**raw("2"), "archived": True}), ["1"]),
        ],
        ids=["deleted", "there", "merged into another", "archived"],
    )
    def test_nor_is_silence_only_a_404_of_its_own_is(
        self, api: responses.RequestsMock, hubspot: HubSpot, alone: Reply, found: list[str]
    ) -> None:
        """docs/hubspot.md 4.5: in the batch and asked alone it is left out of a 200."""
        api.post(TICKETS, json=listing(raw("1")))
        api.post(TICKETS, json=listing())
        alone.add(api, f"{OBJECTS}/0-5/2", "GET")
        assert list(hubspot.read(Kind.TICKET, ["1", "2"], [])) == found

    def test_a_refusal_that_is_no_404_says_nothing(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, json=listing(raw("1")))
        api.post(TICKETS, json=listing())
        api.get(f"{OBJECTS}/0-5/2", status=400, json=error("no", category="VALIDATION_ERROR"))
        reading = hubspot.read_each(Kind.TICKET, ["1", "2"], [])
        assert list(reading.found) == ["1"]
        assert [gap.lack for gap in reading.faulty["2"].gaps] == [Lack.RECORD]

    @pytest.mark.parametrize("status", [200, 207])
    def test_errors_count_whatever_the_status(self, api: responses.RequestsMock, hubspot: HubSpot, status: int) -> None:
        boom = error("boom", category="INTERNAL_ERROR", context={"ids": ["3"]})
        api.post(TICKETS, status=status, json=listing(raw("1"), errors=[missing("2"), boom]))
        reading = hubspot.read_each(Kind.TICKET, ["1", "2", "3"], [])
        assert (list(reading.found), list(reading.faulty)) == (["1"], ["3"])

    def test_an_archived_record_is_absent(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, json=listing({**raw("1"), "archived": True}))
        assert hubspot.read(Kind.TICKET, ["1"], []) == {}

    @pytest.mark.parametrize("broken", [{"id": "1"}, {"properties": {}}, {"id": "1", "properties": []}, "1"])
    def test_a_malformed_record_is_an_error(
        self, api: responses.RequestsMock, hubspot: HubSpot, broken: object
    ) -> None:
        api.post(TICKETS, json={"results": [broken]})
        with pytest.raises(CRMUnavailableError):
            hubspot.read(Kind.TICKET, ["1"], [])


class TestMergedRecords:
    def test_the_survivor_names_them(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        survivors = [raw("9", hs_merged_object_ids="1;2"), raw("8", hs_merged_object_ids="3")]
        api.post(TICKETS, json=listing(*survivors))
        found = hubspot.read(Kind.TICKET, ["1", "2", "3"], [])
        assert {id_: record.id for id_, record in found.items()} == {"1": "9", "2": "9", "3": "8"}

    def test_survivor_and_merged_asked_together(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, json=listing(raw("9", hs_merged_object_ids="1")))
        found = hubspot.read(Kind.TICKET, ["9", "1"], [])
        assert {id_: record.id for id_, record in found.items()} == {"9": "9", "1": "9"}

    def test_one_id_and_one_record_left_over(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=207, json=listing(raw("9"), raw("1"), errors=[missing("4")]))
        found = hubspot.read(Kind.TICKET, ["1", "2", "4"], [])
        assert {id_: record.id for id_, record in found.items()} == {"1": "1", "2": "9"}

    def test_the_crms_own_word_that_it_is_gone_counts_more(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=207, json=listing(raw("9", hs_merged_object_ids="1"), errors=[missing("1")]))
        assert list(hubspot.read(Kind.TICKET, ["1", "9"], [])) == ["9"]

    def test_what_cannot_be_told_is_asked_alone(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, json=listing(raw("8"), raw("9")))
        api.post(TICKETS, json=listing(raw("8")))
        api.post(TICKETS, json=listing(raw("9")))
        found = hubspot.read(Kind.TICKET, ["1", "2"], [])
        assert {id_: record.id for id_, record in found.items()} == {"1": "8", "2": "9"}


class TestHistory:
    def test_newest_first_whatever_the_order_and_the_format(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        versions = [
            {
                "value": "b",
                "timestamp": "2026-03-01T10:00:00Z",
                "sourceType": "CRM_UI",
                "sourceId": "userId:1",
                "updatedByUserId": 1,
            },
            {"value": None, "timestamp": "2026-03-01T10:00:00.001Z", "sourceType": "INTEGRATION"},
            {"value": "a", "timestamp": "2026-03-01T09:00:00+00:00", "sourceId": None},
            {"value": "b2", "timestamp": "2026-03-01T10:00:00"},
            {"value": "d", "timestamp": "1772445600000"},
        ]
        answer = {**raw("1", subject=None, status="d"), "propertiesWithHistory": {"status": versions}}
        api.post(TICKETS, json=listing(answer))
        record = hubspot.read(Kind.TICKET, ["1"], ["subject"], ["status"])["1"]
        assert [version.value for version in record.history["status"]] == ["d", "", "b", "b2", "a"]
        assert record.history["status"][1].at == datetime(2026, 3, 1, 10, 0, 0, 1000, tzinfo=UTC)
        assert record.history["status"][2].source_id == "userId:1"
        assert [version.user_id for version in record.history["status"]] == ["", "", "1", "", ""]
        assert record.history["status"][4].source_id == ""
        assert sent(api)["propertiesWithHistory"] == ["status"]
        assert sent(api)["properties"] == ["subject", "status", "hs_merged_object_ids"]

    @pytest.mark.parametrize(
        "wrong",
        [
            [{"value": "a", "timestamp": "soon"}],
            [{"value": "a"}],
            [{"timestamp": "2026-03-01T10:00:00Z"}],
            ["a"],
            {"a": 1},
            None,
        ],
    )
    def test_one_that_cannot_be_read_is_missing(
        self, api: responses.RequestsMock, hubspot: HubSpot, wrong: object
    ) -> None:
        answer = {**raw("1", status="a"), "propertiesWithHistory": {"status": wrong}}
        api.post(TICKETS, json=listing(answer, {**raw("2", status=None), "propertiesWithHistory": {"status": []}}))
        reading = hubspot.read_each(Kind.TICKET, ["1", "2"], [], ["status"])
        assert list(reading.found) == ["2"]
        assert reading.faulty["1"].gaps == (Gap(Lack.HISTORY, "status"),)


A, B, C = "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z"
MIDNIGHT = "1772323200000"  # UTC, of 1 March 2026


def told(*versions: tuple[str | None, str]) -> list[Json]:
    return [{"value": value, "timestamp": at, "sourceType": "CRM_UI"} for value, at in versions]


class TestAbsentIsNotEmpty:
    """docs/hubspot.md 4.7: what was asked for and is missing makes the record faulty; empty is null or ''."""

    @pytest.mark.parametrize("value", [None, "", "x"])
    def test_empty_is_there(self, api: responses.RequestsMock, hubspot: HubSpot, value: str | None) -> None:
        api.post(TICKETS, json=listing(raw("1", folder=value)))
        assert hubspot.read(Kind.TICKET, ["1"], ["folder"])["1"].properties["folder"] == (value or "")

    def test_an_absent_property_stops_whoever_cannot_do_without(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        api.post(TICKETS, json=listing(raw("1", folder="x"), raw("2")))
        with pytest.raises(FaultyRecordError, match="ticket 2: the CRM's answer lacks the property “folder”"):
            hubspot.read(Kind.TICKET, ["1", "2"], ["folder"])

    def test_and_is_told_apart_to_whoever_can(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, json=listing(raw("1", folder="x"), raw("2", subject="Banner")))
        reading = hubspot.read_each(Kind.TICKET, ["1", "2"], ["folder"])
        assert list(reading.found) == ["1"]
        assert reading.faulty["2"].gaps == (Gap(Lack.PROPERTY, "folder"),)
        assert reading.faulty["2"].shown is not None
        assert reading.faulty["2"].shown.properties == {"subject": "Banner"}

    def test_what_was_merged_need_not_be_told(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        """Not every object has that property; nobody but the client asks for it."""
        api.post(TICKETS, json=listing(raw("1")))
        assert list(hubspot.read(Kind.TICKET, ["1"], [])) == ["1"]

    def test_a_record_without_properties_spoils_no_other(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, json=listing(raw("1", folder="x"), {"id": "2"}))
        reading = hubspot.read_each(Kind.TICKET, ["1", "2"], ["folder"])
        assert (list(reading.found), list(reading.faulty)) == (["1"], ["2"])

    @pytest.mark.parametrize(
        ("shape", "gaps"),
        [
            ({}, [Gap(Lack.HISTORY, "status")]),
            ({"propertiesWithHistory": None}, [Gap(Lack.HISTORY, "status")]),
            ({"propertiesWithHistory": {}}, [Gap(Lack.HISTORY, "status")]),
            ({"propertiesWithHistory": {"status": []}}, [Gap(Lack.LATE, "status")]),
            ({"propertiesWithHistory": {"status": told(("b", B), ("a", A))}}, [Gap(Lack.LATE, "status")]),
            ({"propertiesWithHistory": {"status": told(("a", B), ("b", A))}}, []),
            ({"propertiesWithHistory": {"status": told(("b", B), ("a", B))}}, []),
        ],
        ids=["no block", "null", "not in it", "empty", "late", "whole", "two at one time"],
    )
    def test_a_history_of_a_value(
        self, api: responses.RequestsMock, hubspot: HubSpot, shape: Json, gaps: list[Gap]
    ) -> None:
        api.post(TICKETS, json=listing({**raw("1", status="a"), **shape}))
        reading = hubspot.read_each(Kind.TICKET, ["1"], [], ["status"])
        assert [gap for one in reading.faulty.values() for gap in one.gaps] == gaps

    @pytest.mark.parametrize(
        ("shape", "gaps"),
        [
            ({}, [Gap(Lack.HISTORY, "status")]),
            ({"propertiesWithHistory": {}}, []),
            ({"propertiesWithHistory": {"status": []}}, []),
            ({"propertiesWithHistory": {"status": told((None, B), ("a", A))}}, []),
            ({"propertiesWithHistory": {"status": told(("a", A))}}, [Gap(Lack.LATE, "status")]),
        ],
        ids=["no block", "never set: absent", "never set: empty", "cleared", "late"],
    )
    def test_a_history_of_nothing(
        self, api: responses.RequestsMock, hubspot: HubSpot, shape: Json, gaps: list[Gap]
    ) -> None:
        """docs/hubspot.md 4.6: of a property that was never set it may be absent."""
        api.post(TICKETS, json=listing({**raw("1", status=None), **shape}))
        reading = hubspot.read_each(Kind.TICKET, ["1"], [], ["status"])
        assert [gap for one in reading.faulty.values() for gap in one.gaps] == gaps

    def test_where_such_histories_are_shown_an_absent_one_is_missing(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        empty = {**raw("1", status=None), "propertiesWithHistory": {"status": []}}
        api.post(TICKETS, json=listing(empty, {**raw("2", status=None), "propertiesWithHistory": {}}))
        api.post(TICKETS, json=listing({**raw("2", status=None), "propertiesWithHistory": {}}))
        assert list(hubspot.read_each(Kind.TICKET, ["1", "2"], [], ["status"]).faulty) == ["2"]
        assert list(hubspot.read_each(Kind.TICKET, ["2"], [], ["status"]).faulty) == ["2"]

    @pytest.mark.parametrize(("value", "version"), [("2026-03-01", MIDNIGHT), (MIDNIGHT, "2026-03-01"), ("x", " x ")])
    def test_one_value_written_in_two_ways_is_not_late(
        self, api: responses.RequestsMock, hubspot: HubSpot, value: str, version: str
    ) -> None:
        answer = {**raw("1", date=value), "propertiesWithHistory": {"date": told((version, A))}}
        api.post(TICKETS, json=listing(answer))
        assert list(hubspot.read(Kind.TICKET, ["1"], [], ["date"])) == ["1"]

    def test_in_a_merged_record_the_newest_version_may_be_the_other_ones(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        merged = raw("9", status="a", hs_merged_object_ids="1;2")
        api.post(TICKETS, json=listing({**merged, "propertiesWithHistory": {"status": told(("b", B), ("a", A))}}))
        api.post(TICKETS, json=listing({**merged, "propertiesWithHistory": {"status": told(("b", B))}}))
        assert not hubspot.read_each(Kind.TICKET, ["9"], [], ["status"]).faulty
        assert list(hubspot.read_each(Kind.TICKET, ["9"], [], ["status"]).faulty) == ["9"]

    @pytest.mark.parametrize(("newest", "faulty"), [(C, ["9"]), (A, [])], ids=["after the merge", "before it"])
    def test_in_a_merged_record_what_came_after_the_merge_leads_to_the_value(
        self, api: responses.RequestsMock, hubspot: HubSpot, newest: str, faulty: list[str]
    ) -> None:
        by_merge = {"value": "x", "timestamp": B, "sourceType": "MERGE_OBJECTS"}
        merged = raw("9", status="a", folder="x", hs_merged_object_ids="1;2")
        histories = {"status": told(("b", newest), ("a", A)), "folder": [by_merge]}
        api.post(TICKETS, json=listing({**merged, "propertiesWithHistory": histories}))
        assert list(hubspot.read_each(Kind.TICKET, ["9"], [], ["status", "folder"]).faulty) == faulty


class TestDeleted:
    def test_one_without_its_key_is_no_stranger(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        tasks = f"{BASE}/crm/objects/2026-09/0-27"
        api.get(tasks, json={"results": [{"id": "1", "properties": {}, "archived": True}]})
        with pytest.raises(FaultyRecordError, match="task 1: the CRM's answer lacks the property “handoff_key”"):
            list(hubspot.deleted(Kind.TASK, ["handoff_key"]))

    def test_every_page_of_the_recycle_bin(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        tasks = f"{BASE}/crm/objects/2026-09/0-27"
        first = {"results": [{"id": "1", "properties": {"handoff_key": "k"}, "archived": True}]}
        api.get(tasks, json={**first, "paging": {"next": {"after": "7"}}})
        api.get(tasks, json={"results": [{"id": "9", "properties": {"handoff_key": None}, "archived": True}]})
        found = list(hubspot.deleted(Kind.TASK, ["handoff_key"]))
        assert [(record.id, record.properties.get("handoff_key") or "") for record in found] == [("1", "k"), ("9", "")]
        asked = [dict(call.request.params) for call in api.calls]  # type: ignore[attr-defined]  # responses adds it
        assert asked == [
            {"limit": "100", "archived": "true", "properties": "handoff_key"},
            {"limit": "100", "archived": "true", "properties": "handoff_key", "after": "7"},
        ]
