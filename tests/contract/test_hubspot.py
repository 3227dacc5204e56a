"""HubSpot's answers, shape by shape (docs/hubspot.md): what each comes to at the port; no write is sent twice."""

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
import urllib3
from requests.adapters import HTTPAdapter
from structlog.testing import capture_logs
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from sync.crm import (
    CRM,
    Account,
    Applied,
    Association,
    AssociationType,
    Create,
    Filter,
    Kind,
    NotSent,
    Outcome,
    Owner,
    Pipeline,
    PipelineStage,
    PropertyDefinition,
    RecordRef,
    Rejected,
    Unknown,
    Update,
)
from sync.errors import (
    AuthenticationError,
    CRMRejectedError,
    CRMUnavailableError,
    MappingMisfitError,
    StoreError,
)
from sync.hubspot import Call, HubSpot, Retries
from sync.sandbox import Quirks, Sandbox
from sync.storage.budget import Bucket, Observed, Priority
from tests.contract.fakes import StandingClock

BASE = "https://crm.test"
TOKEN = "pat-eu1-not-a-real-token"
OBJECTS = f"{BASE}/crm/objects/2026-09"
TICKETS = f"{OBJECTS}/0-5/batch/read"
TICKET_UPDATES = f"{OBJECTS}/0-5/batch/update"
TASK_CREATES = f"{OBJECTS}/0-27/batch/create"
TICKET_SEARCH = f"{OBJECTS}/0-5/search"
TASK_ENDS = f"{BASE}/crm/associations/2026-09/0-27/0-5/batch/read"
LABELS = f"{BASE}/crm/associations/2026-09/0-27/2-77/labels"
SCHEMAS = f"{BASE}/crm-object-schemas/2026-09/schemas"
OWNERS = f"{BASE}/crm/owners/2026-09"
EMAIL = f"{BASE}/marketing/transactional/2026-09/single-email/send"

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
CORRELATION = "aaaa-bbbb"
PORTFOLIO_SCHEMA = {
    "objectTypeId": "2-77",
    "name": "creative_portfolio",
    "fullyQualifiedName": "p62515_creative_portfolio",
    "labels": {"singular": "Creative Portfolio", "plural": "Creative Portfolios"},
}

Json = dict[str, Any]


@dataclass
class FreeBudget:
    """Grants everything and remembers what it was told."""

    taken: list[tuple[Bucket, Priority]] = field(default_factory=list)
    seen: list[Observed] = field(default_factory=list)
    pauses: list[tuple[Bucket, float | None]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def take(self, bucket: Bucket, priority: Priority) -> None:
        self._check("take")
        self.taken.append((bucket, priority))

    def observe(self, bucket: Bucket, observed: Observed) -> None:
        self._check("observe")
        self.seen.append(observed)

    def back_off(self, bucket: Bucket, seconds: float | None) -> None:
        self._check("back_off")
        self.pauses.append((bucket, seconds))

    def _check(self, what: str) -> None:
        if what in self.broken:
            raise StoreError("the database is locked")


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


def make(clock: StandingClock, budget: FreeBudget, **more: Any) -> HubSpot:
    settings: Json = {"token": TOKEN, "base_url": BASE, "portfolio_object": "creative_portfolio"}
    return HubSpot(**{**settings, "budget": budget, "clock": clock, "jitter": random.Random(7), **more})


def _is_the_port(client: HubSpot) -> CRM:
    return client  # mypy compares every signature


def raw(id_: str, **properties: str | None) -> Json:
    return {"id": id_, "properties": properties, "createdAt": "2026-01-02T03:04:05.678Z", "archived": False}


def listing(*results: Json, errors: Sequence[Json] = (), **more: Any) -> Json:
    body: Json = {"status": "COMPLETE", "results": list(results), **more}
    return {**body, "numErrors": len(errors), "errors": list(errors)} if errors else body


def missing(*ids: str) -> Json:
    context = {"context": {"ids": list(ids)}} if ids else {}
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some TICKET objects, they may be deleted or not exist.",
        **context,
    }


def error(message: str = "went wrong", **more: object) -> Json:
    return {"status": "error", "message": message, "correlationId": CORRELATION, **more}


def sent(api: responses.RequestsMock, index: int = -1) -> Json:
    body = api.calls[index].request.body
    assert body is not None
    return dict(json.loads(body))


def sent_ids(api: responses.RequestsMock) -> list[list[str]]:
    return [[item["id"] for item in sent(api, index)["inputs"]] for index in range(len(api.calls))]


def connection_failure(cause: Callable[[HTTPSConnection], Exception]) -> requests.ConnectionError:
    pool = urllib3.HTTPSConnectionPool("crm.test")
    connection = HTTPSConnection("crm.test")
    return requests.ConnectionError(MaxRetryError(pool, "/", cause(connection)))


def refused() -> Exception:
    return connection_failure(lambda connection: NewConnectionError(connection, "Connection refused"))


def unresolved() -> Exception:
    return connection_failure(
        lambda connection: NameResolutionError("crm.test", connection, socket.gaierror("no such"))
    )


def reset() -> Exception:
    cause = ConnectionResetError(104, "Connection reset by peer")
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", cause))


@dataclass(frozen=True)
class Reply:
    """One answer, or one failure, that the network gives."""

    status: int = 200
    body: str | bytes | Json = ""
    headers: tuple[tuple[str, str], ...] = ()
    failure: Callable[[], Exception] | None = None

    def add(self, api: responses.RequestsMock, url: str, method: str = "POST") -> None:
        if self.failure is not None:
            api.add(method, url, body=self.failure())
        else:
            text = json.dumps(self.body) if isinstance(self.body, dict) else self.body
            api.add(method, url, body=text, status=self.status, headers=dict(self.headers))


NOBODY_KNOWS = {
    "500": Reply(500, error(category="INTERNAL_ERROR")),
    "502 from a gateway": Reply(502, HTML),
    "503": Reply(503, error()),
    "504": Reply(504, HTML),
    "521": Reply(521, HTML),
    "523": Reply(523, HTML),
    "524": Reply(524, ""),
    "408": Reply(408, error()),
    "HTML with 200": Reply(200, HTML),
    "cut off": Reply(200, '{"status": "COMPLETE", "results": [{"id": "1", "prop'),
    "a list": Reply(200, "[]"),
    "nothing with 200": Reply(200, ""),
    "no results": Reply(200, {"status": "COMPLETE"}),
    "not UTF-8": Reply(200, b'{"results": ["\xff"]}'),
    "HTML with 400": Reply(400, HTML),
    "HTML with 403": Reply(403, HTML),
    "HTML with 404": Reply(404, HTML),
    "read timeout": Reply(failure=lambda: requests.ReadTimeout("read timed out")),
    "reset": Reply(failure=reset),
    "cut off on the way": Reply(failure=lambda: requests.exceptions.ChunkedEncodingError("IncompleteRead")),
    "broken compression": Reply(failure=lambda: requests.exceptions.ContentDecodingError("gzip")),
}
NOTHING_DONE = {
    "429 of ten seconds": Reply(429, error(errorType="RATE_LIMIT", policyName="TEN_SECONDLY_ROLLING")),
    "429 of a second": Reply(429, error(policyName="SECONDLY")),
    "429 without fields": Reply(429, "{}"),
    "429 without a body": Reply(429, ""),
    "429 from a gateway": Reply(429, HTML),
    "423": Reply(423, error()),
    "477": Reply(477, error(), (("Retry-After", "3"),)),
    "refused": Reply(failure=refused),
    "no such host": Reply(failure=unresolved),
    "connect timeout": Reply(failure=lambda: requests.ConnectTimeout("connect timed out")),
}


def each(replies: dict[str, Reply]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("reply", replies.values(), ids=replies.keys())


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

    def test_nor_is_silence(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, json=listing(raw("1")))
        api.post(TICKETS, json=listing())
        with pytest.raises(CRMUnavailableError, match="says nothing of 2"):
            hubspot.read(Kind.TICKET, ["1", "2"], [])

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
        api.post(TICKETS, json=listing({**raw("1", status="d"), "propertiesWithHistory": {"status": versions}}))
        record = hubspot.read(Kind.TICKET, ["1"], ["subject"], ["status"])["1"]
        assert [version.value for version in record.history["status"]] == ["d", "", "b", "b2", "a"]
        assert record.history["status"][1].at == datetime(2026, 3, 1, 10, 0, 0, 1000, tzinfo=UTC)
        assert record.history["status"][2].source_id == "userId:1"
        assert [version.user_id for version in record.history["status"]] == ["", "", "1", "", ""]
        assert record.history["status"][4].source_id == ""
        assert sent(api)["propertiesWithHistory"] == ["status"]
        assert sent(api)["properties"] == ["subject", "status", "hs_merged_object_ids"]

    @pytest.mark.parametrize("wrong", [[{"value": "a", "timestamp": "soon"}], [{"value": "a"}], ["a"], {"a": 1}])
    def test_one_that_cannot_be_read_is_an_error(
        self, api: responses.RequestsMock, hubspot: HubSpot, wrong: object
    ) -> None:
        api.post(TICKETS, json=listing({**raw("1"), "propertiesWithHistory": {"status": wrong}}))
        with pytest.raises(CRMUnavailableError):
            hubspot.read(Kind.TICKET, ["1"], [], ["status"])


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


class TestOnTheWire:
    def test_a_redirect_is_not_followed(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=302, headers={"Location": "https://elsewhere.test/x"}, body="{}")
        api.get("https://elsewhere.test/x", json=listing(raw("1")))
        with pytest.raises(CRMUnavailableError, match=r"elsewhere\.test"):
            hubspot.read(Kind.TICKET, ["1"], [])
        assert [urlsplit(call.request.url or "").netloc for call in api.calls] == ["crm.test"]

    def test_netrc_does_not_replace_the_token(
        self, api: responses.RequestsMock, hubspot: HubSpot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine crm.test login somebody password secret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        api.post(TICKETS, json=listing(raw("1")))
        hubspot.read(Kind.TICKET, ["1"], [])
        assert api.calls[0].request.headers["Authorization"] == f"Bearer {TOKEN}"

    def test_every_call_has_a_timeout_and_the_given_session(self, clock: StandingClock, budget: FreeBudget) -> None:
        class Recorder(HTTPAdapter):
            timeouts: list[object] = []  # noqa: RUF012

            def send(self, request: requests.PreparedRequest, *_: object, **given: Any) -> requests.Response:
                self.timeouts.append(given["timeout"])
                response = requests.Response()
                response.status_code, response.url, response.request = 200, request.url or "", request
                response._content = json.dumps(listing(raw("1"))).encode()
                return response

        with requests.Session() as session:
            session.mount(BASE, Recorder())
            make(clock, budget, session=session, connect_timeout=2, read_timeout=9).read(Kind.TICKET, ["1"], [])
        assert Recorder.timeouts == [(2, 9)]

    @pytest.mark.parametrize("token", ["pat\nx", "pat x", "pät"])
    def test_a_token_that_cannot_be_one(self, clock: StandingClock, budget: FreeBudget, token: str) -> None:
        with pytest.raises(AuthenticationError, match="HUBSPOT_ACCESS_TOKEN") as info:
            make(clock, budget, token=token)
        assert token not in str(info.value)

    def test_one_event_a_call_without_token_or_bodies(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKETS, status=503, json=error("a secret text"))
        api.post(TICKETS, json=listing(raw("1", subject="a secret text")))
        with capture_logs() as logs:
            hubspot.read(Kind.TICKET, ["1"], [])
        assert [(line["event"], line["status"], line["attempt"], line["correlation_id"]) for line in logs] == [
            ("crm.call", 503, 1, CORRELATION),
            ("crm.call", 200, 2, None),
        ]
        assert logs[0]["path"] == "/crm/objects/2026-09/0-5/batch/read"
        assert TOKEN not in str(logs)
        assert "secret" not in str(logs)

    def test_calls_are_counted_and_told(
        self, api: responses.RequestsMock, clock: StandingClock, budget: FreeBudget
    ) -> None:
        told: list[Call] = []
        client = make(clock, budget, on_call=told.append)
        Reply(failure=reset).add(api, TICKETS)
        api.post(TICKETS, json=listing(raw("1")))
        client.at(Priority.BULK).read(Kind.TICKET, ["1"], [])
        assert client.calls == 2
        assert [(call.method, call.endpoint, call.status, call.error, call.attempt) for call in told] == [
            ("POST", "ticket/read", None, "ConnectionError", 1),
            ("POST", "ticket/read", 200, None, 2),
        ]


class TestTheBudget:
    def test_each_kind_of_call_takes_from_its_bucket(
        self, api: responses.RequestsMock, hubspot: HubSpot, budget: FreeBudget
    ) -> None:
        api.post(TICKETS, status=503, json=error())
        api.post(TICKETS, json=listing(raw("1")))
        api.post(TICKET_SEARCH, json=listing())
        api.post(TASK_ENDS, json=listing({"from": {"id": "1"}, "to": []}))
        api.post(TICKET_UPDATES, json=listing(raw("1")))
        bulk = hubspot.at(Priority.BULK)
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


def answer_all(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
    """Confirms every input of a batch, backwards."""
    inputs = json.loads(request.body or "{}")["inputs"]
    made = [
        {**raw(item.get("id", f"{7000 + place}")), "objectWriteTraceId": item.get("objectWriteTraceId")}
        for place, item in enumerate(inputs)
    ]
    return 200, {}, json.dumps(listing(*reversed(made)))


def refuse(
    *bad: str, status: int = 400, body: Json | None = None
) -> Callable[[requests.PreparedRequest], tuple[int, dict[str, str], str]]:
    """Fails a batch as a whole if one of these is in it."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        marks = {item["objectWriteTraceId"] for item in json.loads(request.body or "{}")["inputs"]}
        if marks & set(bad):
            return status, {}, json.dumps(body if body is not None else error("bad row", category="VALIDATION_ERROR"))
        return answer_all(request)

    return answer


def updates(*ids: str) -> list[Update]:
    return [Update(id_, {"subject": f"new {place}"}) for place, id_ in enumerate(ids)]


def creates(*traces: str) -> list[Create]:
    return [Create(trace, {"handoff_key": trace, "hs_task_priority": "HIGH"}) for trace in traces]


def kinds(outcomes: Sequence[Outcome]) -> list[type[Outcome]]:
    return [type(outcome) for outcome in outcomes]


Write = Callable[[HubSpot], list[Outcome]]
WRITES = pytest.mark.parametrize(
    ("url", "write"),
    [
        pytest.param(TICKET_UPDATES, lambda crm: crm.update(Kind.TICKET, updates("1", "2")), id="update"),
        pytest.param(TASK_CREATES, lambda crm: crm.create(Kind.TASK, creates("1", "2")), id="create"),
    ],
)


@WRITES
class TestWrites:
    @each(NOBODY_KNOWS)
    def test_without_a_trustworthy_answer_are_unknown_and_never_repeated(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write, reply: Reply
    ) -> None:
        reply.add(api, url)
        assert kinds(write(hubspot)) == [Unknown, Unknown]
        assert len(api.calls) == 1

    @each(NOTHING_DONE)
    def test_that_certainly_did_nothing_are_repeated(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write, reply: Reply
    ) -> None:
        reply.add(api, url)
        api.add_callback("POST", url, answer_all)
        assert kinds(write(hubspot)) == [Applied, Applied]
        assert len(api.calls) == 2

    @each(NOTHING_DONE)
    def test_and_in_the_end_not_sent(
        self, api: responses.RequestsMock, hubspot: HubSpot, clock: StandingClock, url: str, write: Write, reply: Reply
    ) -> None:
        reply.add(api, url)
        assert kinds(write(hubspot)) == [NotSent, NotSent]
        assert 40 < sum(clock.slept) <= 60

    def test_repeated_once_and_then_lost_are_unknown(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=429, json=error())
        Reply(failure=reset).add(api, url)
        assert kinds(write(hubspot)) == [Unknown, Unknown]
        assert len(api.calls) == 2

    def test_of_a_day_used_up_are_not_sent(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=429, json=error(policyName="DAILY"))
        assert kinds(write(hubspot)) == [NotSent, NotSent]
        assert len(api.calls) == 1

    def test_a_redirect_is_unknown_and_not_followed(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=307, headers={"Location": "https://elsewhere.test/x"}, body="{}")
        assert kinds(write(hubspot)) == [Unknown, Unknown]
        assert len(api.calls) == 1

    @pytest.mark.parametrize("status", [400, 404, 409])
    def test_one_bad_row_fails_only_itself(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write, status: int
    ) -> None:
        api.add_callback("POST", url, refuse("2", status=status))
        first, second = write(hubspot)
        assert isinstance(first, Applied)
        assert isinstance(second, Rejected)
        assert (second.category, second.correlation_id) == ("VALIDATION_ERROR", CORRELATION)
        assert not second.missing
        assert len(api.calls) == 3

    def test_other_refusals_are_for_all_of_them(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=422, json=error())
        assert kinds(write(hubspot)) == [Rejected, Rejected]
        assert len(api.calls) == 1

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_token_is_raised(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write, status: int
    ) -> None:
        api.post(url, status=status, json=error())
        with pytest.raises(AuthenticationError):
            write(hubspot)

    def test_but_not_over_what_was_applied(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=400, json=error())  # both
        api.add_callback("POST", url, answer_all)  # the first half
        api.post(url, status=401, json=error())
        assert kinds(write(hubspot)) == [Applied, NotSent]

    def test_without_results_and_errors_are_unknown(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, json=listing())
        assert kinds(write(hubspot)) == [Unknown, Unknown]

    def test_errors_that_name_nobody_leave_the_rest_unknown(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=207, json=listing({**raw("1"), "objectWriteTraceId": "1"}, errors=[error("which?")]))
        outcomes = write(hubspot)
        assert kinds(outcomes) == [Applied, Unknown]
        assert "which?" in str(outcomes[1])

    @pytest.mark.parametrize(
        ("category", "outcome"),
        [
            ("VALIDATION_ERROR", Rejected),
            ("", Rejected),
            ("OBJECT_NOT_FOUND", Rejected),
            ("RATE_LIMITS", NotSent),
            ("INTERNAL_ERROR", Unknown),
        ],
    )
    def test_what_an_error_of_one_row_comes_to(
        self,
        api: responses.RequestsMock,
        hubspot: HubSpot,
        url: str,
        write: Write,
        category: str,
        outcome: type[Outcome],
    ) -> None:
        problem = {"message": "no", "category": category, "context": {"objectWriteTraceId": ["2"]}}
        done = {**raw("1"), "objectWriteTraceId": "1"}
        api.post(url, status=207, json=listing(done, errors=[problem], correlationId=CORRELATION))
        outcomes = write(hubspot)
        assert kinds(outcomes) == [Applied, outcome]
        if isinstance(outcomes[1], Rejected):
            assert outcomes[1].missing is (category == "OBJECT_NOT_FOUND")
            assert outcomes[1].correlation_id == CORRELATION

    def test_a_row_both_confirmed_and_refused_is_unknown(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        done = [{**raw(mark), "objectWriteTraceId": mark} for mark in ("1", "2")]
        api.post(url, status=207, json=listing(*done, errors=[error(context={"objectWriteTraceId": ["2"]})]))
        assert kinds(write(hubspot)) == [Applied, Unknown]


class TestUpdating:
    def test_one_outcome_each_in_the_order_given(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        ids = [str(number) for number in range(250, 0, -1)]
        assert hubspot.update(Kind.TICKET, updates(*ids)) == [Applied(id_) for id_ in ids]
        assert [len(batch) for batch in sent_ids(api)] == [100, 100, 50]

    def test_one_error_may_name_several(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKET_UPDATES, status=207, json=listing(raw("2"), errors=[missing("1", "3")]))
        outcomes = hubspot.update(Kind.TICKET, updates("1", "2", "3"))
        assert kinds(outcomes) == [Rejected, Applied, Rejected]
        assert [outcome.missing for outcome in outcomes if isinstance(outcome, Rejected)] == [True, True]

    def test_an_error_that_names_nobody_is_about_the_only_one(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        api.post(TICKET_UPDATES, status=207, json=listing(errors=[missing()]))
        assert kinds(hubspot.update(Kind.TICKET, updates("1"))) == [Rejected]

    @pytest.mark.parametrize(("body", "gone"), [(missing(), True), (error("resource not found"), False), ({}, False)])
    def test_gone_only_by_the_crms_word_not_by_a_wrong_path(
        self, api: responses.RequestsMock, hubspot: HubSpot, body: Json, gone: bool
    ) -> None:
        api.post(TICKET_UPDATES, status=404, json=body)
        (outcome,) = hubspot.update(Kind.TICKET, updates("1"))
        assert isinstance(outcome, Rejected)
        assert outcome.missing is gone

    def test_bad_rows_are_found_by_halves(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TICKET_UPDATES, refuse("3", "90"))
        outcomes = hubspot.update(Kind.TICKET, updates(*map(str, range(1, 101))))
        assert [place for place, one in enumerate(outcomes, 1) if isinstance(one, Rejected)] == [3, 90]
        assert kinds(outcomes).count(Applied) == 98
        assert len(api.calls) < 30

    def test_a_half_that_is_lost_is_unknown(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKET_UPDATES, status=400, json=error())
        Reply(failure=reset).add(api, TICKET_UPDATES)
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        assert kinds(hubspot.update(Kind.TICKET, updates("1", "2", "3", "4"))) == [Unknown, Unknown, Applied, Applied]

    def test_one_record_twice_goes_in_two_calls_in_order(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        assert hubspot.update(Kind.TICKET, updates("1", "2", "1")) == [Applied("1"), Applied("2"), Applied("1")]
        assert sent_ids(api) == [["1", "2"], ["1"]]
        assert sent(api)["inputs"][0]["properties"] == {"subject": "new 2"}

    def test_and_the_second_waits_while_the_first_may_still_land(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        Reply(failure=reset).add(api, TICKET_UPDATES)
        assert kinds(hubspot.update(Kind.TICKET, updates("1", "1"))) == [Unknown, NotSent]
        assert len(api.calls) == 1

    def test_a_merged_record_is_applied_to_its_survivor(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKET_UPDATES, json=listing(raw("9"), raw("2")))
        assert hubspot.update(Kind.TICKET, updates("1", "2")) == [Applied("9"), Applied("2")]

    def test_what_is_no_id_is_never_sent(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        assert kinds(hubspot.update(Kind.TICKET, updates("../1", "2"))) == [Rejected, Applied]
        assert sent_ids(api) == [["2"]]

    def test_a_portfolio_whose_type_cannot_be_found_now_is_not_sent(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        api.get(SCHEMAS, status=503, json=error())
        assert kinds(hubspot.update(Kind.PORTFOLIO, updates("1"))) == [NotSent]

    def test_a_token_refused_in_a_later_batch_keeps_the_earlier_outcomes(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        api.post(TICKET_UPDATES, status=401, json=error())
        outcomes = hubspot.update(Kind.TICKET, updates(*map(str, range(1, 151))))
        assert kinds(outcomes) == [Applied] * 100 + [NotSent] * 50


class TestCreating:
    def test_with_associations_from_the_first_moment(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_CREATES, status=201, json=listing({**raw("70"), "objectWriteTraceId": "t"}))
        task = Create("t", {"hs_task_subject": "Look"}, (RecordRef(Kind.TICKET, "5"),))
        assert hubspot.create(Kind.TASK, [task]) == [Applied("70")]
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 230}]
        assert sent(api) == {
            "inputs": [
                {
                    "objectWriteTraceId": "t",
                    "properties": {"hs_task_subject": "Look"},
                    "associations": [{"to": {"id": "5"}, "types": types}],
                }
            ]
        }

    def test_results_are_matched_by_trace(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        made = [{**raw(id_), "objectWriteTraceId": trace} for id_, trace in (("72", "c"), ("70", "a"))]
        problem = {"message": "no owner", "category": "VALIDATION_ERROR", "context": {"objectWriteTraceId": ["b"]}}
        api.post(TASK_CREATES, status=207, json=listing(*made, errors=[problem]))
        outcomes = hubspot.create(Kind.TASK, creates("a", "b", "c"))
        assert outcomes[::2] == [Applied("70"), Applied("72")]
        assert isinstance(outcomes[1], Rejected)

    def test_or_by_a_value_of_their_own_should_the_trace_be_left_out(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        made = [raw(id_, handoff_key=key, hs_task_priority="HIGH") for id_, key in (("71", "b"), ("70", "a"))]
        api.post(TASK_CREATES, status=201, json=listing(*made))
        assert hubspot.create(Kind.TASK, creates("a", "b")) == [Applied("70"), Applied("71")]

    def test_and_by_nothing_less(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_CREATES, status=201, json=listing(*(raw(id_, hs_task_priority="HIGH") for id_ in ("70", "71"))))
        assert kinds(hubspot.create(Kind.TASK, creates("a", "b"))) == [Unknown, Unknown]

    def test_one_trace_twice_goes_in_two_calls(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TASK_CREATES, answer_all)
        assert kinds(hubspot.create(Kind.TASK, creates("a", "a"))) == [Applied, Applied]
        assert len(api.calls) == 2

    def test_in_batches(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TASK_CREATES, answer_all)
        assert kinds(hubspot.create(Kind.TASK, creates(*map(str, range(250))))) == [Applied] * 250
        assert len(api.calls) == 3

    def test_on_a_portfolio_by_the_portals_own_type(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.get(SCHEMAS, json=listing(PORTFOLIO_SCHEMA))
        rows = [
            {"category": "USER_DEFINED", "typeId": 41, "label": "Owner task"},
            {"category": "HUBSPOT_DEFINED", "typeId": 43, "label": "Primary"},
            {"category": "USER_DEFINED", "typeId": 42, "label": None},
        ]
        api.get(LABELS, json=listing(*rows))
        api.add_callback("POST", TASK_CREATES, answer_all)
        for trace in ("a", "b"):
            hubspot.create(Kind.TASK, [Create(trace, {}, (RecordRef(Kind.PORTFOLIO, "5"),))])
        (association,) = sent(api)["inputs"][0]["associations"]
        assert association["types"] == [{"associationCategory": "USER_DEFINED", "associationTypeId": 42}]
        assert len(api.calls) == 4  # schema and labels once
        assert hubspot.association_type(Kind.NOTE, Kind.TICKET) == AssociationType("HUBSPOT_DEFINED", 228)

    @pytest.mark.parametrize(
        "labels",
        [
            Reply(503, error()),
            Reply(200, listing({"category": "USER_DEFINED", "typeId": 41, "label": "x"})),
            Reply(404, error()),
        ],
    )
    def test_without_that_type_it_is_not_sent_and_the_others_are(
        self, api: responses.RequestsMock, hubspot: HubSpot, labels: Reply
    ) -> None:
        api.get(SCHEMAS, json=listing(PORTFOLIO_SCHEMA))
        labels.add(api, LABELS, "GET")
        api.add_callback("POST", TASK_CREATES, answer_all)
        tasks = [Create("a", {}, (RecordRef(Kind.PORTFOLIO, "5"),)), Create("b", {}, (RecordRef(Kind.TICKET, "6"),))]
        assert kinds(hubspot.create(Kind.TASK, tasks)) == [NotSent, Applied]

    def test_a_refused_token_on_the_way_is_raised(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.get(SCHEMAS, status=401, json=error())
        with pytest.raises(AuthenticationError):
            hubspot.create(Kind.TASK, [Create("a", {}, (RecordRef(Kind.PORTFOLIO, "5"),))])

    def test_on_what_is_no_record_it_is_refused(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        assert kinds(hubspot.create(Kind.TASK, [Create("a", {}, (RecordRef(Kind.TICKET, "x"),))])) == [Rejected]
        assert not api.calls


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

    def test_nor_is_silence(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_ENDS, json=listing())
        with pytest.raises(CRMUnavailableError, match="says nothing of 1"):
            self.read(hubspot, "1", "2")

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

    @pytest.mark.parametrize("ids", [["2", "1"], ["1", "1"], ["x"]])
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
        hubspot.try_write(Kind.TICKET)
        assert sent(api) == {"inputs": []}

    def test_an_update_of_nothing_names_the_scopes_that_are_missing(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        body = {"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["tickets"]}}
        api.post(TICKET_UPDATES, status=403, json=body)
        with pytest.raises(AuthenticationError) as refused:
            hubspot.try_write(Kind.TICKET)
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
        assert [client.type_id(Kind.PORTFOLIO), client.at(Priority.BULK).type_id(Kind.PORTFOLIO)] == ["2-77", "2-77"]
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


class TestDeleted:
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


class TestSingleEmail:
    def send(self, hubspot: HubSpot) -> None:
        hubspot.send_single_email("4711", "key-1", "am@x.test", {"subject": "Kickoff"})

    def test_a_repeat_that_is_refused_was_sent(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(EMAIL, status=400, json={"category": "VALIDATION_ERROR", "message": "sendId key-1 was already used"})
        self.send(hubspot)

    def test_a_send_id_found_fault_with_was_not(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(EMAIL, status=400, json={"category": "VALIDATION_ERROR", "message": "sendId is too long"})
        with pytest.raises(CRMRejectedError, match="too long"):
            self.send(hubspot)

    @pytest.mark.parametrize(
        "body",
        [
            {"status": "COMPLETE", "sendResult": "SENT"},
            {"status": "PENDING", "statusId": "x"},
            {"sendResult": "QUEUED"},
            {"sendResult": "IDEMPOTENT_IGNORE"},
        ],
    )
    def test_is_sent(self, api: responses.RequestsMock, hubspot: HubSpot, body: Json) -> None:
        api.post(EMAIL, json=body)
        self.send(hubspot)
        assert sent(api) == {
            "emailId": 4711,
            "message": {"to": "am@x.test", "sendId": "key-1"},
            "customProperties": {"subject": "Kickoff"},
        }

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (Reply(200, {"sendResult": "PREVIOUSLY_BOUNCED"}), CRMRejectedError),
            (Reply(200, {"sendResult": "EMAIL_DISABLED"}), CRMRejectedError),
            (Reply(200, {"status": "CANCELED"}), CRMRejectedError),
            (Reply(400, error()), CRMRejectedError),
            (Reply(200, {"sendResult": "THROTTLED"}), CRMUnavailableError),
            (Reply(200, {"sendResult": "IDEMPOTENT_FAIL"}), CRMUnavailableError),
            (Reply(200, HTML), CRMUnavailableError),
            (Reply(500, error()), CRMUnavailableError),
            (Reply(failure=reset), CRMUnavailableError),
            (Reply(401, error()), AuthenticationError),
        ],
    )
    def test_or_not(
        self, api: responses.RequestsMock, hubspot: HubSpot, reply: Reply, expected: type[Exception]
    ) -> None:
        reply.add(api, EMAIL)
        with pytest.raises(expected):
            self.send(hubspot)
        assert len(api.calls) == 1

    def test_an_id_that_is_no_number(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        with pytest.raises(CRMRejectedError, match="EMAIL_URL"):
            hubspot.send_single_email("abc", "key", "am@x.test", {})
        assert not api.calls


class Server:
    """A socket on loopback that gives every request the same answer, byte for byte (None: none at all), and closes."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.requests = 0
        self.done = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://{}:{}".format(*self.listener.getsockname())
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            with connection:
                if self.done.is_set():
                    return
                head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += connection.recv(65_536)
                self.requests += 1
                if self.answer is None:
                    self.done.wait(5)
                else:
                    connection.sendall(self.answer)

    def __enter__(self) -> "Server":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        socket.create_connection(self.listener.getsockname()).close()
        self.thread.join(5)
        self.listener.close()


def http(body: bytes, length: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (length or len(body), body)


class TestOverASocket:
    """What `requests` makes of real failures, on which it hangs whether a write may be sent again."""

    def update(self, url: str, budget: FreeBudget) -> list[Outcome]:
        client = make(StandingClock(), budget, base_url=url, read_timeout=0.1)
        try:
            return client.update(Kind.TICKET, updates("1"))
        finally:
            client.close()

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(b"", id="closed without a word"),
            pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="cut off in the headers"),
            pytest.param(http(json.dumps(listing(raw("1"))).encode(), 5_000), id="cut off in the body"),
            pytest.param(b"\x00\x01 not HTTP\r\n\r\n", id="not HTTP"),
            pytest.param(None, id="no answer in time"),
        ],
    )
    def test_a_lost_answer_is_unknown_and_sent_once(self, budget: FreeBudget, answer: bytes | None) -> None:
        with Server(answer) as server:
            assert kinds(self.update(server.url, budget)) == [Unknown]
            assert server.requests == 1

    def test_an_answer_is_an_answer(self, budget: FreeBudget) -> None:
        with Server(http(json.dumps(listing(raw("1"))).encode())) as server:
            assert self.update(server.url, budget) == [Applied("1")]

    def test_no_connection_is_not_sent(self, budget: FreeBudget) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closing:
            port = closing.getsockname()[1]
        assert kinds(self.update(f"http://127.0.0.1:{port}", budget)) == [NotSent]

    def test_what_the_caller_was_handling_does_not_count(self, budget: FreeBudget) -> None:
        with Server(b"") as server:
            try:
                raise refused()
            except requests.ConnectionError:
                assert kinds(self.update(server.url, budget)) == [Unknown]


EITHER_WAY = {
    "as expected": Quirks(),
    "errors named apart": Quirks(group_missing_ids=False, group_no_associations=True),
    "partial failures always": Quirks(create_partial_failure="always", update_partial_failure="always"),
    "partial failures never": Quirks(create_partial_failure="never", update_partial_failure="never"),
    "survivors twice": Quirks(merged_read_duplicates=True, merged_association_from="asked"),
    "a third record": Quirks(merge_makes_new_record=True, association_ids="string", primary_label=None),
    "other values": Quirks(cleared_reads_as="empty", empty_history="absent", history_limit=None),
}


@pytest.mark.parametrize("quirks", EITHER_WAY.values(), ids=EITHER_WAY.keys())
class TestAgainstTheSandbox:
    """What could not be confirmed of HubSpot comes to the same at the port, whichever way it is."""

    @pytest.fixture
    def sandbox(self, quirks: Quirks) -> Sandbox:
        return Sandbox(quirks=quirks, with_task_property=True, association_page=2)

    @pytest.fixture
    def crm(self, sandbox: Sandbox, budget: FreeBudget) -> Iterator[HubSpot]:
        with sandbox.mount(requests.Session()) as session:
            yield HubSpot(
                token=sandbox.token,
                base_url="https://api.hubapi.test",
                portfolio_object=sandbox.process.names.object_name,
                budget=budget,
                clock=sandbox.clock,
                session=session,
            )

    def test_reading(self, sandbox: Sandbox, crm: HubSpot) -> None:
        people, names = sandbox.people, sandbox.process.names
        kept, merged, gone, bare = (people.create_portfolio(name) for name in ("Kept", "Merged", "Gone", "Bare"))
        tickets = [people.create_ticket(f"Ticket {number}", portfolios=kept) for number in range(5)]
        survivor = people.merge("portfolio", kept, merged)
        people.archive("portfolio", gone)
        people.set_status(bare, "Creatives Implemented")
        people.set_status(bare, "")
        asked = [kept, merged, gone, bare, "4711"]
        found = crm.read(Kind.PORTFOLIO, asked, [names.name], [names.status, names.date])
        assert {id_: record.id for id_, record in found.items()} == {kept: survivor, merged: survivor, bare: bare}
        assert [version.value for version in found[bare].history[names.status]][:2] == ["", "Creatives Implemented"]
        assert found[bare].properties[names.status] == ""
        ends = crm.associated(Kind.PORTFOLIO, Kind.TICKET, asked)
        assert {id_: sorted(end.to for end in far) for id_, far in ends.items()} == {
            kept: sorted(tickets),
            merged: sorted(tickets),
            bare: [],
        }

    def test_writing(self, sandbox: Sandbox, crm: HubSpot) -> None:
        portfolio = sandbox.people.create_portfolio("Acme")
        ticket = sandbox.people.create_ticket("Banner", portfolios=portfolio)
        refs = (RecordRef(Kind.PORTFOLIO, portfolio), RecordRef(Kind.TICKET, ticket))
        due = {"hs_timestamp": "2026-11-02T09:00:00Z"}
        good = [Create(f"k{n}", {"hs_task_subject": f"Look {n}", "handoff_key": f"k{n}", **due}, refs) for n in (1, 2)]
        bad = Create("k3", {"hs_task_subject": "No time"}, refs)
        outcomes = crm.create(Kind.TASK, [good[0], bad, good[1]])
        assert kinds(outcomes) == [Applied, Rejected, Applied]
        made = [outcome.id for outcome in outcomes if isinstance(outcome, Applied)]
        assert [sandbox.people.task(id_).key for id_ in made] == ["k1", "k2"]
        for kind, record in (("portfolio", portfolio), ("ticket", ticket)):
            assert [task.id for task in sandbox.people.tasks(kind, record)] == made
        changes = [
            Update(made[0], {"hs_task_status": "COMPLETED"}),
            Update("4711", {"hs_task_status": "COMPLETED"}),
            Update(made[1], {"hs_task_status": "NO_SUCH_STATUS"}),
            Update(made[0], {"hs_task_status": "WAITING"}),
        ]
        outcomes = crm.update(Kind.TASK, changes)
        assert kinds(outcomes) == [Applied, Rejected, Rejected, Applied]
        assert [one.missing for one in outcomes if isinstance(one, Rejected)] == [True, False]
        assert sandbox.people.task(made[0]).status == "WAITING"

    def test_the_portal(self, sandbox: Sandbox, crm: HubSpot) -> None:
        assert crm.account().portal_id == str(sandbox.portal.account.portal_id)
        assert {owner.id for owner in crm.owners().values()} >= set(sandbox.process.owners.values())
        assert any(stage.closed for pipeline in crm.pipelines() for stage in pipeline.stages)
        assert sandbox.process.names.status in crm.properties(Kind.PORTFOLIO)
        crm.send_single_email("7", "key", "am@x.test", {"subject": "Hello"})
        crm.send_single_email("7", "key", "am@x.test", {"subject": "Hello"})
        assert len(sandbox.people.emails()) == 1

    def test_searching(self, sandbox: Sandbox, crm: HubSpot) -> None:
        ids = [sandbox.people.create_portfolio(f"Client {number}") for number in range(450)]
        sandbox.people.flush_search()
        assert [record.id for record in crm.search(Kind.PORTFOLIO, [])] == sorted(ids, key=int)
