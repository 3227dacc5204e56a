"""One record for which calls fail does not starve the rest; a call that fails for all is the CRM's fault, and bounded."""

import json
from collections.abc import Callable, Sequence

import pytest
import requests
import responses

from sync.crm import Kind, Lack
from sync.errors import CRMRejectedError, CRMUnavailableError
from sync.hubspot import HubSpot
from tests.contract.hubspot.answers import OBJECTS, TASK_ENDS, TICKET_SEARCH, TICKETS, error, listing, raw
from tests.contract.hubspot.test_associations import end, ends

IDS = [str(number) for number in range(1001, 1051)]
Answer = tuple[int, dict[str, str], str]


def serve(api: responses.RequestsMock, url: str, fails: Callable[[Sequence[str]], int]) -> list[list[str]]:
    """Answer each batch read with the status that `fails` gives for its ids, 200 with all of them; the batches asked for."""
    asked: list[list[str]] = []

    def answer(request: requests.PreparedRequest) -> Answer:
        ids = [one["id"] for one in json.loads(request.body or "{}")["inputs"]]
        asked.append(ids)
        status = fails(ids)
        if status != 200:
            return status, {}, json.dumps(error("Internal Server Error"))
        of = (lambda id_: ends(id_, end(50))) if url == TASK_ENDS else (lambda id_: raw(id_, subject=""))
        return 200, {}, json.dumps(listing(*map(of, ids)))

    api.add_callback(responses.POST, url, callback=answer)
    return asked


@pytest.mark.parametrize("status", [500, 400, 413])
@pytest.mark.parametrize("bad", [IDS[0], IDS[21], IDS[-1]])
def test_one_record_of_a_batch(api: responses.RequestsMock, hubspot: HubSpot, status: int, bad: str) -> None:
    api.get(f"{OBJECTS}/0-5", json=listing(raw("1")))
    serve(api, TICKETS, lambda ids: status if bad in ids else 200)
    reading = hubspot.read_each(Kind.TICKET, IDS, ["subject"])
    assert sorted(reading.found) == sorted(set(IDS) - {bad})
    assert [gap.lack for gap in reading.faulty[bad].gaps] == [Lack.UNREADABLE]
    assert str(status) in str(reading.faulty[bad])
    assert len(api.calls) < 80, "each call that failed is tried again for two seconds at most"


def test_a_record_that_is_read_alone(api: responses.RequestsMock, hubspot: HubSpot) -> None:
    """The CRM answers others: it is this one."""
    api.get(f"{OBJECTS}/0-5", json=listing(raw("1")))
    serve(api, TICKETS, lambda _ids: 500)
    assert list(hubspot.read_each(Kind.TICKET, ["1001"], ["subject"]).faulty) == ["1001"]


@pytest.mark.parametrize(("status", "kind"), [(500, CRMUnavailableError), (400, CRMRejectedError)])
def test_a_call_that_fails_for_all(
    api: responses.RequestsMock, hubspot: HubSpot, status: int, kind: type[Exception]
) -> None:
    """No record is accused, and it ends soon."""
    api.get(f"{OBJECTS}/0-5", status=status, json=error("no"))
    asked = serve(api, TICKETS, lambda _ids: status)
    with pytest.raises(kind):
        hubspot.read_each(Kind.TICKET, IDS, ["subject"])
    assert len({tuple(ids) for ids in asked}) <= 9


def test_many_that_fail_alone_while_nothing_is_answered(api: responses.RequestsMock, hubspot: HubSpot) -> None:
    api.get(f"{OBJECTS}/0-5", json=listing(raw("1")))
    asked = serve(api, TICKETS, lambda _ids: 500)
    with pytest.raises(CRMUnavailableError):
        hubspot.read_each(Kind.TICKET, IDS, ["subject"])
    assert len({ids[0] for ids in asked if len(ids) == 1}) <= 11


def test_a_size_that_is_refused_is_learned(api: responses.RequestsMock, hubspot: HubSpot) -> None:
    """docs/hubspot.md 5.1: the limit of 1,000 inputs was 100 for a while."""
    asked = serve(api, TASK_ENDS, lambda ids: 400 if len(ids) > 100 else 200)
    ids = [str(number) for number in range(1, 2001)]
    assert len(hubspot.associated(Kind.TASK, Kind.TICKET, ids)) == 2000
    assert len(asked) < 60
    asked.clear()
    hubspot.associated(Kind.TASK, Kind.TICKET, ids)
    assert max(map(len, asked)) <= 100, "it is not asked for too much again"


def paging(api: responses.RequestsMock, following: Callable[[str], str]) -> list[str]:
    """The list of task 1 has page after page; that of task 2 one."""
    asked: list[str] = []

    def answer(request: requests.PreparedRequest) -> Answer:
        inputs = json.loads(request.body or "{}")["inputs"]
        found = []
        for one in inputs:
            if one["id"] == "1":
                asked.append(one.get("after", ""))
                found.append(ends("1", end(50), after=following(asked[-1])))
            else:
                found.append(ends("2", end(60)))
        return 200, {}, json.dumps(listing(*found))

    api.add_callback(responses.POST, TASK_ENDS, callback=answer)
    return asked


@pytest.mark.parametrize(
    ("following", "most"),
    [
        pytest.param(lambda _after: "A", 2, id="the same page"),
        pytest.param(lambda after: "B" if after == "A" else "A", 3, id="in circles"),
        pytest.param(lambda after: f"{after}x", 200, id="ever-new cursors"),
    ],
)
def test_pages_that_do_not_end_are_one_records_fault(
    api: responses.RequestsMock, hubspot: HubSpot, following: Callable[[str], str], most: int
) -> None:
    asked = paging(api, following)
    reading = hubspot.associated_each(Kind.TASK, Kind.TICKET, ["1", "2"])
    assert list(reading.found) == ["2"]
    assert "do not end" in str(reading.faulty["1"])
    assert len(asked) <= most


def test_a_list_that_goes_in_circles_ends(api: responses.RequestsMock, hubspot: HubSpot) -> None:
    """Seen: cursors A, B, A: 619 calls in 54 seconds."""
    pages = iter(["A", "B"] * 20)

    def answer(_request: requests.PreparedRequest) -> Answer:
        return 200, {}, json.dumps(listing(raw("1", subject=""), paging={"next": {"after": next(pages)}}))

    api.add_callback(responses.GET, f"{OBJECTS}/0-5", callback=answer)
    with pytest.raises(CRMUnavailableError, match="do not end"):
        list(hubspot.deleted(Kind.TICKET, ["subject"]))
    assert len(api.calls) == 3


def test_a_row_doubled_in_a_search_is_one_match(api: responses.RequestsMock, hubspot: HubSpot) -> None:
    api.post(TICKET_SEARCH, json=listing(raw("1"), raw("1"), raw("2")))
    assert [record.id for record in hubspot.search(Kind.TICKET, [])] == ["1", "2"]
