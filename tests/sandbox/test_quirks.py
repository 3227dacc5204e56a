"""Every uncertain behaviour is a switch, and every switch does something."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sync.sandbox import Quirks, Sandbox
from sync.sandbox.portal import RefusedWriteError
from tests.sandbox.client import NOTE, PORTFOLIO, TASK, TICKET, Client, make
from tests.sandbox.test_delivery import TARGET, Receiver

GOOD = {"hs_task_subject": "Good", "hs_timestamp": "2026-09-01T15:00:00Z"}


def _history_limit(sandbox: Sandbox, _: Client) -> object:
    portfolio = sandbox.people.create_portfolio("0")
    for n in range(1, 30):
        sandbox.people.set("portfolio", portfolio, {"name": str(n)})
    return len(sandbox.people.history("portfolio", portfolio, "name"))


def _unchanged_write(sandbox: Sandbox, _: Client) -> object:
    portfolio = sandbox.people.create_portfolio("Acme")
    before = sandbox.people.advance(minutes=1)
    sandbox.people.set("portfolio", portfolio, {"name": "Acme"})
    versions = len(sandbox.people.history("portfolio", portfolio, "name"))
    return versions, sandbox.people.portfolio(portfolio).modified >= before


def _archived_owner(sandbox: Sandbox, _: Client) -> object:
    try:
        sandbox.people.create_portfolio(copywriter=sandbox.people.owner("deactivated"))
    except RefusedWriteError as error:
        return type(error).__name__
    return "accepted"


def _unknown_property(sandbox: Sandbox, client: Client) -> object:
    portfolio = sandbox.people.create_portfolio("Acme")
    body = {"inputs": [{"id": portfolio}], "properties": ["name", "no_such_property"]}
    return client.send("POST", f"/crm/objects/2026-09/{PORTFOLIO}/batch/read", body).status_code


def _note_owner(sandbox: Sandbox, client: Client) -> object:
    author = sandbox.people.owner("account_manager")
    note = sandbox.people.note("portfolio", sandbox.people.create_portfolio("Acme"), "Blue", by=author)
    asked = ["hubspot_owner_id", "hs_created_by_user_id"]
    read = client.read("notes", note, properties=asked)["results"][0]["properties"]
    return read["hubspot_owner_id"] == author, bool(read["hs_created_by_user_id"])


def _absent(sandbox: Sandbox, client: Client) -> tuple[int, int, int, int]:
    """How reads tell of a record that does not exist, and of one without associations: status and number of errors."""
    ticket = sandbox.people.create_ticket("T")
    of_records = client.send("POST", "/crm/objects/2026-09/tickets/batch/read", {"inputs": [{"id": "1"}]})
    ends = f"/crm/associations/2026-09/tickets/{PORTFOLIO}/batch/read"
    of_ends = client.send("POST", ends, {"inputs": [{"id": ticket}]})
    told = [len(answer.json().get("errors", ())) for answer in (of_records, of_ends)]
    return of_records.status_code, told[0], of_ends.status_code, told[1]


def _none_found(sandbox: Sandbox, client: Client) -> object:
    ticket = sandbox.people.create_ticket("T")
    path = f"/crm/associations/2026-09/tickets/{PORTFOLIO}/batch/read"
    body = client.send("POST", path, {"inputs": [{"id": ticket}]}).json()
    return len(body.get("errors", ())), [row["to"] for row in body["results"]]


def _bad_row(_: Sandbox, client: Client) -> object:
    rows = [{"properties": GOOD, "objectWriteTraceId": "1"}, {"properties": {}, "objectWriteTraceId": "2"}]
    answer = client.send("POST", "/crm/objects/2026-09/tasks/batch/create", {"inputs": rows})
    return answer.status_code, len(answer.json()["results"]), answer.json().get("numErrors", 0)


def _many_inputs(_: Sandbox, client: Client) -> object:
    inputs = [{"id": str(one)} for one in range(1, 102)]
    path = "/crm/associations/2026-09/tickets/tasks/batch/read"
    return client.send("POST", path, {"inputs": inputs}).status_code


def _new_property(_: Sandbox, client: Client) -> object:
    definition = {
        "name": "k", "label": "K", "type": "string", "fieldType": "text", "groupName": "task_information",
    }  # fmt: skip
    return client.send("POST", "/crm/properties/2026-09/tasks", definition).status_code


def _missing_ids(_: Sandbox, client: Client) -> object:
    return client.read("tickets", "1", "2", status=207)["numErrors"]


def _merged_read(sandbox: Sandbox, client: Client) -> object:
    one, two = (sandbox.people.create_portfolio(name) for name in "ab")
    sandbox.people.merge("portfolio", one, two)
    return len(client.read(PORTFOLIO, one, two)["results"])


def _inline_association_to_missing(sandbox: Sandbox, client: Client) -> object:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 230}]
    row = {"properties": GOOD, "associations": [{"to": {"id": "7"}, "types": types}]}
    return client.send("POST", "/crm/objects/2026-09/tasks/batch/create", {"inputs": [row]}).status_code


def _create_whole(_: Sandbox, client: Client) -> object:
    rows = [{"properties": GOOD}, {"properties": {}}]
    return client.send("POST", "/crm/objects/2026-09/tasks/batch/create", {"inputs": rows}).status_code


def _gone_sub_category(sandbox: Sandbox, client: Client) -> object:
    return client.associated("tickets", "tasks", "1", status=207)["errors"][0]["subCategory"]


def _touched(sandbox: Sandbox, _: Client) -> object:
    portfolio, ticket = sandbox.people.create_portfolio(), sandbox.people.create_ticket()
    now = sandbox.people.advance(minutes=1)
    sandbox.people.associate("ticket", ticket, "portfolio", portfolio)
    return sandbox.people.portfolio(portfolio).modified == now


def _repeated_send(_: Sandbox, client: Client) -> object:
    body = {"emailId": 7, "message": {"to": "a@x.example", "sendId": "k"}}
    path = "/marketing/transactional/2026-09/single-email/send"
    return [client.send("POST", path, body).status_code for _ in range(2)]


def _email_end(sandbox: Sandbox, client: Client) -> object:
    """What is told of an email at once and an hour later, and whether it came."""
    body = {"emailId": 7, "message": {"to": "a@x.example", "sendId": "k"}}
    status = client.ok("POST", "/marketing/transactional/2026-09/single-email/send", body)["statusId"]
    told = [client.send("GET", f"/marketing/v3/email/send-statuses/{status}").json() for _ in range(1)]
    sandbox.people.advance(hours=1)
    told.append(client.send("GET", f"/marketing/v3/email/send-statuses/{status}").json())
    return [one.get("sendResult", one["status"]) for one in told], len(sandbox.people.emails())


def _assignment(sandbox: Sandbox, client: Client) -> object:
    owner = sandbox.people.owner("copywriter")
    client.batch("tasks", "create", [{"properties": {**GOOD, "hubspot_owner_id": owner}}], 201)
    return [mail.to for mail in sandbox.people.emails()]


def _told(act: Callable[[Sandbox], object], wanted: Callable[[dict[str, Any]], object]) -> Callable[..., object]:
    """What the events of one act have to say."""

    def scenario(sandbox: Sandbox, _: Client) -> object:
        receiver = Receiver()
        sandbox.delivery.target, sandbox.delivery.sender = TARGET, receiver
        sandbox.delivery.subscribe_all([PORTFOLIO, TICKET, TASK, NOTE])
        act(sandbox)
        sandbox.delivery.pump()
        return sorted({str(wanted(event)) for event in receiver.events})

    return scenario


def _kind(event: dict[str, Any]) -> object:
    return event["subscriptionType"]


def _archive(sandbox: Sandbox) -> None:
    ticket = sandbox.people.create_ticket("T", "", sandbox.people.create_portfolio())
    sandbox.delivery.pump()
    assert isinstance(sandbox.delivery.sender, Receiver)
    sandbox.delivery.sender.requests.clear()
    sandbox.people.archive("ticket", ticket)
    sandbox.people.restore("ticket", ticket)


def _merge(sandbox: Sandbox) -> None:
    one, two = sandbox.people.create_ticket(), sandbox.people.create_ticket()
    sandbox.people.merge("ticket", one, two)


def _associate(sandbox: Sandbox) -> None:
    sandbox.people.create_ticket("T", "", sandbox.people.create_portfolio())


def _many(sandbox: Sandbox) -> None:
    for n in range(200):
        sandbox.people.create_ticket(str(n))


SCENARIOS: list[tuple[dict[str, Any], Callable[..., object], object, object]] = [
    ({"history_limit": None}, _history_limit, 20, 30),
    ({"unchanged_write_makes_version": True}, _unchanged_write, (1, False), (2, True)),
    ({"unchanged_write_touches_modified": True}, _unchanged_write, (1, False), (1, True)),
    ({"reject_archived_owner": True}, _archived_owner, "accepted", "RefusedWriteError"),
    ({"create_partial_failure": "always"}, _create_whole, 400, 207),
    ({"unknown_property_read": "refused"}, _unknown_property, 200, 400),
    ({"batch_read_problems": "200"}, _absent, (207, 1, 207, 1), (200, 1, 200, 1)),
    ({"batch_read_problems": "left out"}, _absent, (207, 1, 207, 1), (200, 0, 200, 0)),
    ({"no_associations": "empty list"}, _none_found, (1, []), (0, [[]])),
    ({"batch_write_problems": "200"}, _bad_row, (207, 1, 1), (201, 1, 1)),
    ({"batch_write_problems": "left out"}, _bad_row, (207, 1, 1), (201, 1, 0)),
    ({"association_inputs": 100}, _many_inputs, 207, 400),
    ({"task_properties": "refused"}, _new_property, 201, 400),
    ({"group_missing_ids": False}, _missing_ids, 1, 2),
    ({"merged_read_duplicates": True}, _merged_read, 1, 2),
    ({"inline_association_to_missing": "ignore"}, _inline_association_to_missing, 400, 201),
    (
        {"missing_association_sub_category": "crm.x"},
        _gone_sub_category,
        "crm.associations.INVALID_OBJECT_IDS",
        "crm.x",
    ),
    ({"association_touches_modified": True}, _touched, False, True),
    ({"single_send_repeat": "error"}, _repeated_send, [200, 200], [200, 400]),
    ({"single_send_end": "EMAIL_DISABLED"}, _email_end, (["SENT", "SENT"], 1), (["EMAIL_DISABLED"] * 2, 0)),
    ({"single_send_seconds": 60.0}, _email_end, (["SENT", "SENT"], 1), (["PENDING", "SENT"], 1)),
    ({"single_send_status": "missing"}, _email_end, (["SENT", "SENT"], 1), (["error", "error"], 1)),
    ({"assignment_email": True}, _assignment, [], ["cody.wright@agency.example"]),
    (
        {"association_event_object_id": True},
        _told(_associate, lambda event: "objectId" in event),
        ["False", "True"],
        ["True"],
    ),
    (
        {"creation_sends_property_changes": False},
        _told(lambda sandbox: sandbox.people.create_ticket(), _kind),
        ["object.creation", "object.propertyChange"],
        ["object.creation"],
    ),
    (
        {"archive_sends_association_events": True},
        _told(_archive, _kind),
        ["object.deletion", "object.restore"],
        ["object.associationChange", "object.deletion", "object.restore"],
    ),
    (
        {"merge_sends_deletion": True},
        _told(_merge, lambda event: _kind(event) == "object.deletion"),
        ["False"],
        ["False", "True"],
    ),
    (
        {"event_ids_collide": False},
        _told(_many, lambda event: event["eventId"] > 10_000),
        ["False"],
        ["True"],
    ),
    ({"notes_have_owners": False}, _note_owner, (True, True), (False, True)),
    (
        {"date_event_values": "iso"},
        _told(
            lambda sandbox: sandbox.people.create_portfolio("A", "2026-09-10"),
            lambda event: event.get("propertyValue") == "2026-09-10",
        ),
        ["False"],
        ["False", "True"],
    ),
]


@pytest.mark.parametrize(
    ("switch", "scenario", "default", "switched"),
    SCENARIOS,
    ids=[" ".join(map(str, next(iter(one[0].items())))) for one in SCENARIOS],
)
def test_a_switch(switch: dict[str, Any], scenario: Callable[..., object], default: object, switched: object) -> None:
    assert scenario(*make()) == default
    assert scenario(*make(quirks=Quirks(**switch))) == switched


def test_every_switch_is_tested() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [one.name for one in fields(Quirks) if one.name not in tests] == []
