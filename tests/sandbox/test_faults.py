"""Failures on demand, in-process and over a socket: both look the same to a client of `requests`."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sync.sandbox import Fault, Sandbox, SandboxServer
from sync.sandbox.control import Control
from sync.sandbox.faults import FaultKind
from sync.sandbox.portal import PortalError
from sync.sandbox.wire import Request
from tests.sandbox.client import PORTFOLIO, Client, make

CREATE = "/crm/objects/2026-09/tasks/batch/create"
GOOD = {"hs_task_subject": "Good", "hs_timestamp": "2026-09-01T15:00:00Z"}
BODY = {"inputs": [{"properties": GOOD, "objectWriteTraceId": "a"}, {"properties": GOOD, "objectWriteTraceId": "b"}]}


@pytest.fixture(params=["in-process", "socket"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, Client]]:
    sandbox, client = make()
    if request.param == "in-process":
        yield sandbox, client
        return
    with SandboxServer(sandbox, pump=False) as server, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {sandbox.token}"
        yield sandbox, Client(session, server.url, timeout=1.5)


def _outcome(client: Client) -> str:
    """What the caller sees of a create: a status, or the exception's name."""
    try:
        response = client.send("POST", CREATE, BODY)
        response.json()
    except requests.exceptions.JSONDecodeError:
        return f"{response.status_code} no JSON"
    except requests.RequestException as error:
        return type(error).__name__
    return str(response.status_code)


@pytest.mark.parametrize(
    ("kind", "seen", "applied"),
    [
        ("429-ten-secondly", "429", False),
        ("429-daily", "429", False),
        ("429-no-policy", "429", False),
        ("429-bare", "429 no JSON", False),
        ("401", "401", False),
        ("423", "423", False),
        ("477", "477", False),
        ("500", "500", False),
        ("502", "502 no JSON", False),
        ("503", "503", False),
        ("504", "504", False),
        ("521", "521 no JSON", False),
        ("523", "523 no JSON", False),
        ("524", "524 no JSON", False),
        ("reset", "ConnectionError", False),
        ("refused", "ConnectionError", False),
        ("hang", "ReadTimeout", False),
        ("truncated", "201 no JSON", True),
        ("cut", "ChunkedEncodingError", True),
        ("lost", "ConnectionError", True),
        ("lost-504", "504", True),
        ("lost-hang", "ReadTimeout", True),
        ("late", "ConnectionError", False),
        ("late-504", "504", False),
        ("late-hang", "ReadTimeout", False),
        ("partial", "207", True),
    ],
)
def test_each_fault(both: tuple[Sandbox, Client], kind: FaultKind, seen: str, applied: bool) -> None:
    sandbox, client = both
    sandbox.faults.add(Fault(kind, "POST */tasks/batch/create", times=1, delay=3600))
    assert _outcome(client) == seen
    assert bool(sandbox.people.all_tasks()) is applied
    assert _outcome(client) == "201"


def test_a_slow_answer_is_waited_for_or_not(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault("slow", delay=4))
    began = sandbox.clock.now()
    assert _outcome(client) == "201"
    assert (sandbox.clock.now() - began).total_seconds() == 4
    client.timeout = 3.0
    assert _outcome(client) == "ReadTimeout"
    assert (sandbox.clock.now() - began).total_seconds() == 7
    assert len(sandbox.people.all_tasks()) == 4  # applied both times


def test_a_late_write_lands_at_its_time(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault("late", "POST *create", times=1, delay=30))
    assert _outcome(client) == "ConnectionError"
    sandbox.people.advance(seconds=29.9)
    assert sandbox.people.all_tasks() == ()
    assert sandbox.portal.next_due() is not None
    sandbox.people.advance(minutes=5)
    tasks = sandbox.people.all_tasks()
    assert [task.created.isoformat() for task in tasks] == ["2026-09-01T14:00:30+00:00"] * 2
    assert sandbox.portal.next_due() is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("429-ten-secondly", "TEN_SECONDLY_ROLLING"), ("429-secondly", "SECONDLY"), ("429-daily", "DAILY")],
)
def test_policies_and_retry_after(sandbox: Sandbox, client: Client, kind: FaultKind, expected: str) -> None:
    sandbox.faults.add(Fault(kind, times=1, retry_after=2), Fault(kind, times=1))
    first, second = client.send("POST", CREATE, BODY), client.send("POST", CREATE, BODY)
    assert first.headers["Retry-After"] == "2"
    assert "Retry-After" not in second.headers
    assert first.json()["policyName"] == expected


def test_rules_end_by_number_time_and_word(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault("503", "POST */batch/create", times=2, skip=1))
    assert [_outcome(client) for _ in range(4)] == ["201", "503", "503", "201"]
    sandbox.faults.add(Fault("401", lasts=60))
    assert _outcome(client) == "401"
    sandbox.people.advance(seconds=60)
    assert _outcome(client) == "201"
    sandbox.faults.add(Fault("500"))
    assert [fault.kind for fault in sandbox.faults.active()] == ["500"]
    sandbox.faults.clear()
    assert _outcome(client) == "201"
    client.ok("GET", "/crm/objects/2026-09/tickets")


def test_probabilities_are_seeded() -> None:
    def run(seed: int) -> list[str]:
        sandbox, client = make(seed=seed)
        sandbox.faults.add(Fault("503", probability=0.4))
        return [_outcome(client) for _ in range(40)]

    assert run(1) == run(1) != run(2)
    assert 5 < run(1).count("503") < 30


@pytest.mark.parametrize(
    ("operation", "inputs"),
    [
        ("create", [{"properties": GOOD, "objectWriteTraceId": str(n)} for n in range(10)]),
        ("update", [{"id": str(9_990 + n), "properties": GOOD, "objectWriteTraceId": str(n)} for n in range(10)]),
        ("read", [{"id": str(9_990 + n)} for n in range(10)]),
    ],
)
def test_a_partial_batch_names_what_failed(sandbox: Sandbox, client: Client, operation: str, inputs: list[Any]) -> None:
    for n in range(10):
        sandbox.people.create_task(str(n), [])
    sandbox.faults.add(Fault("partial", share=0.3))
    body = client.batch("tasks", operation, inputs, 207)
    assert len(body["results"]) == 7
    assert {error["category"] for error in body["errors"]} == {"INTERNAL_ERROR"}
    named = [
        one
        for error in body["errors"]
        for one in error["context"].get("ids", error["context"].get("objectWriteTraceId"))
    ]
    assert len(named) == 3


def test_a_partial_association_read_is_not_an_empty_one(sandbox: Sandbox, client: Client) -> None:
    portfolio = sandbox.people.create_portfolio()
    sandbox.people.create_ticket("T", "", portfolio)
    sandbox.faults.add(Fault("partial"))
    body = client.associated(PORTFOLIO, "tickets", portfolio, status=207)
    assert body["errors"][0]["category"] == "INTERNAL_ERROR"
    assert "subCategory" not in body["errors"][0]


def test_unknown_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="no fault is called"):
        Fault.from_json({"kind": "earthquake"})
    with pytest.raises(ValueError, match="often"):
        Fault.from_json({"kind": "500", "often": 3})


def _read(sandbox: Sandbox, client: Client, fault: Fault) -> list[Any]:
    """Three tickets, as an answer shows them that this fault befalls."""
    made = [sandbox.people.create_ticket(f"T{n}", "Autumn") for n in range(3)]
    sandbox.people.set("ticket", made[0], {"subject": "Again"})
    sandbox.faults.add(fault)
    names = ["subject", "deliverable_folder_name"]
    body = client.read("tickets", *made, properties=names, propertiesWithHistory=["subject"])
    return sorted(body["results"], key=lambda one: made.index(one["id"]))


@pytest.mark.parametrize(
    ("fault", "lacking"),
    [
        (Fault("no-property", name="subject"), lambda one: "subject" not in one["properties"]),
        (Fault("no-property", share=1.0), lambda one: len(one["properties"]) == 4),
        (Fault("no-history", name="subject"), lambda one: one["propertiesWithHistory"] == {}),
        (Fault("no-histories"), lambda one: "propertiesWithHistory" not in one),
        (Fault("no-version", share=1.0), lambda one: one["propertiesWithHistory"]["subject"] == []),
    ],
    ids=lambda one: one.kind + f"-{one.name}" if isinstance(one, Fault) else "",
)
def test_an_answer_lacks_something_of_a_share(
    sandbox: Sandbox, client: Client, fault: Fault, lacking: Callable[[Any], bool]
) -> None:
    seen = _read(sandbox, client, fault)
    assert len(seen) == 3
    assert sum(map(lacking, seen)) == {0.5: 2, 1.0: 3 - (fault.kind == "no-version")}[fault.share]


def test_a_record_is_left_out_of_a_good_answer(sandbox: Sandbox, client: Client) -> None:
    assert len(_read(sandbox, client, Fault("left-out", share=0.1))) == 2


def test_a_list_of_associations_is_missing(sandbox: Sandbox, client: Client) -> None:
    portfolio = sandbox.people.create_portfolio()
    sandbox.people.create_ticket("T", "", portfolio)
    sandbox.faults.add(Fault("no-list"))
    (result,) = client.associated(PORTFOLIO, "tickets", portfolio)["results"]
    assert result.get("to") is None


def test_what_is_no_answer_of_records_stays_as_it_is(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault("left-out"), Fault("no-list"), Fault("no-histories"))
    assert client.ok("GET", "/account-info/2026-09/details")["portalId"]


def test_an_archived_property_is_in_no_answer_until_it_is_restored(sandbox: Sandbox, client: Client) -> None:
    ticket = sandbox.people.create_ticket("T", "Autumn")
    path, name = "/crm/properties/2026-09/tickets", "deliverable_folder_name"

    def defined(query: str = "") -> bool:
        return name in {one["name"] for one in client.ok("GET", path + query)["results"]}

    def shown() -> Any:
        (one,) = client.read("tickets", ticket, properties=[name])["results"]
        return one["properties"].get(name, "absent")

    assert (defined(), defined("?archived=true"), shown()) == (True, False, "Autumn")
    sandbox.people.archive_property("ticket", name)
    assert (defined(), defined("?archived=true"), shown()) == (False, True, "absent")
    client.batch("tickets", "update", [{"id": ticket, "properties": {name: "Winter"}}], 400)
    sandbox.people.restore_property("ticket", name)
    assert (defined(), defined("?archived=true"), shown()) == (True, False, "Autumn")
    with pytest.raises(PortalError, match="property nothing"):
        sandbox.people.archive_property("ticket", "nothing")


def test_a_record_can_spoil_every_call_that_names_it(sandbox: Sandbox, client: Client) -> None:
    good, bad = sandbox.people.create_ticket("good"), sandbox.people.create_ticket("bad")
    sandbox.faults.add(Fault("500", "*/2026-09/tickets*", holds=bad))
    client.read("tickets", good, bad, status=500)
    client.ok("GET", f"/crm/objects/2026-09/tickets/{bad}", status=500)
    assert client.read("tickets", good)["results"]
    assert client.ok("GET", f"/crm/objects/2026-09/tickets/{good}")["id"] == good
    client.associated("tasks", "tickets", bad, status=207)  # of another kind


@pytest.mark.parametrize(
    "endpoint", ["tickets/batch/read", "POST /tickets/batch/read", "GET */tickets/search", "*/owner/*"]
)
def test_a_fault_that_no_call_would_meet_is_refused(endpoint: str) -> None:
    """Seen: nothing happened, and nothing was said."""
    sandbox = make()[0]
    answer = Control(sandbox).handle(
        Request("POST", "/_sandbox/faults", body=json.dumps({"kind": "503", "endpoint": endpoint}).encode())
    )
    assert answer.status == 400
    assert b"no call is like" in answer.body
    assert sandbox.faults.active() == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "*", "POST */tickets/batch/read", "GET */owners/*", "POST /crm/objects/2026-09/creative_portfolios/search",
        "GET */objects/*/tickets/{id}", "POST */associations/*/creative_portfolios/tickets/batch/read", "*single-email*",
    ],
)  # fmt: skip
def test_a_fault_that_a_call_may_meet_is_taken(endpoint: str) -> None:
    sandbox = make()[0]
    body = json.dumps({"kind": "503", "endpoint": endpoint}).encode()
    assert Control(sandbox).handle(Request("POST", "/_sandbox/faults", body=body)).status == 200
    assert [one.endpoint for one in sandbox.faults.active()] == [endpoint]
