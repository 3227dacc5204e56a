"""Associations: 207s for what has none, pages, labels, the primary one (docs/hubspot.md 5)."""

from typing import Any

import pytest

from sync.sandbox import Quirks, Sandbox
from tests.sandbox.client import PORTFOLIO, Client, make

NO_ASSOCIATIONS = "crm.associations.NO_ASSOCIATIONS_FOUND"


def _labels(row: Any) -> list[str | None]:
    return sorted((kind["label"] for kind in row["associationTypes"]), key=str)


def test_none_found_and_not_there_are_errors_of_different_kinds(sandbox: Sandbox, client: Client) -> None:
    people = sandbox.people
    full, empty, gone = (people.create_portfolio(name) for name in ("full", "empty", "gone"))
    ticket = people.create_ticket("One", "Set", full)
    people.archive("portfolio", gone)
    body = client.associated(PORTFOLIO, "tickets", full, empty, gone, status=207)
    assert [(row["from"]["id"], [to["toObjectId"] for to in row["to"]]) for row in body["results"]] == [
        (full, [int(ticket)])
    ]
    errors = {error["context"]["fromObjectId"][0]: error for error in body["errors"]}
    assert body["numErrors"] == 2
    assert errors[empty]["subCategory"] == NO_ASSOCIATIONS
    assert errors[empty]["category"] == errors[gone]["category"] == "OBJECT_NOT_FOUND"
    assert errors[gone]["subCategory"] != NO_ASSOCIATIONS


def test_errors_may_name_several_ids_at_once() -> None:
    sandbox, client = make(quirks=Quirks(group_no_associations=True, association_ids="string"))
    made = [sandbox.people.create_portfolio(str(n)) for n in range(3)]
    ticket = sandbox.people.create_ticket("One", "", made[2])
    body = client.associated(PORTFOLIO, "0-5", *made, status=207)
    assert [error["context"]["fromObjectId"] for error in body["errors"]] == [made[:2]]
    assert body["results"][0]["to"][0]["toObjectId"] == ticket


def test_pages_for_each_input() -> None:
    sandbox, client = make(association_page=4)
    portfolio, small = sandbox.people.create_portfolio(), sandbox.people.create_portfolio()
    tickets = {sandbox.people.create_ticket(str(n), "", portfolio) for n in range(10)}
    sandbox.people.create_ticket("x", "", small)
    seen: set[str] = set()
    inputs: list[dict[str, str]] = [{"id": portfolio}, {"id": small}]
    for expected in (4, 4, 2):
        body = client.associated(PORTFOLIO, "tickets", inputs=inputs)
        row = next(row for row in body["results"] if row["from"]["id"] == portfolio)
        assert len(row["to"]) == expected
        seen |= {str(to["toObjectId"]) for to in row["to"]}
        if "paging" in row:
            inputs = [{"id": portfolio, "after": row["paging"]["next"]["after"]}]
    assert "paging" not in row
    assert seen == tickets


def test_input_limits(client: Client) -> None:
    many = [{"id": str(n)} for n in range(1001)]
    client.associated("tickets", PORTFOLIO, inputs=many, status=400)
    assert client.associated("tickets", PORTFOLIO, inputs=many[:1000], status=207)["numErrors"] == 1000


def test_labels_name_the_types_of_both_directions(client: Client) -> None:
    body = client.ok("GET", f"/crm/associations/2026-09/tickets/{PORTFOLIO}/labels")
    labels = {row["label"]: row["typeId"] for row in body["results"]}
    assert set(labels) == {None, "Primary", "Reference material"}
    back = client.ok("GET", f"/crm/associations/2026-09/{PORTFOLIO}/tickets/labels")
    assert {row["label"] for row in back["results"]} == set(labels)
    assert client.ok("GET", "/crm/associations/2026-09/tasks/tickets/labels")["results"] == [
        {"category": "HUBSPOT_DEFINED", "typeId": 230, "label": None}
    ]


def test_one_portfolio_of_a_ticket_is_primary(sandbox: Sandbox, client: Client) -> None:
    people = sandbox.people
    one, two = people.create_portfolio("One"), people.create_portfolio("Two")
    ticket = people.create_ticket("T", "", [one, two])
    people.associate("ticket", ticket, "portfolio", one, label="Primary")
    people.associate("portfolio", two, "ticket", ticket, label="Primary")  # from the other side
    row = client.associated("tickets", PORTFOLIO, ticket)["results"][0]
    assert {to["toObjectId"]: _labels(to) for to in row["to"]} == {
        int(one): [None],
        int(two): [None, "Primary"],
    }
    people.dissociate("ticket", ticket, "portfolio", two, label="Primary")
    row = client.associated("tickets", PORTFOLIO, ticket)["results"][0]
    assert [_labels(to) for to in row["to"]] == [[None], [None]]


def test_a_portal_without_primary_associations() -> None:
    _, client = make(quirks=Quirks(primary_label=None))
    body = client.ok("GET", f"/crm/associations/2026-09/tickets/{PORTFOLIO}/labels")
    assert {row["label"] for row in body["results"]} == {None, "Reference material"}


def test_create_and_archive_over_the_api(sandbox: Sandbox, client: Client) -> None:
    people = sandbox.people
    portfolio, ticket = people.create_portfolio(), people.create_ticket()
    pair = {"from": {"id": ticket}, "to": {"id": portfolio}}
    path = f"/crm/associations/2026-09/tickets/{PORTFOLIO}/batch"
    types = [{"associationCategory": "USER_DEFINED", "associationTypeId": 71}]
    body = client.ok(
        "POST", f"{path}/create",
        {"inputs": [{**pair, "types": types}, {"from": {"id": "5"}, "to": {"id": portfolio}, "types": types}]}, 207,
    )  # fmt: skip
    assert len(body["results"]) == body["numErrors"] == 1
    assert [seen.id for seen in people.tickets(portfolio)] == [ticket]
    client.ok("POST", f"{path}/archive", {"inputs": [{"from": {"id": ticket}, "to": [{"id": portfolio}]}]})
    assert people.tickets(portfolio) == ()
    default = client.ok("POST", f"{path}/associate/default", {"inputs": [pair]})["results"][0]
    assert default["associationSpec"] == types[0]
    assert [seen.id for seen in people.tickets(portfolio)] == [ticket]
    wrong = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 71}]
    client.ok("POST", f"{path}/create", {"inputs": [{**pair, "types": wrong}]}, 400)


@pytest.mark.parametrize("shown", ["survivor", "asked"])
def test_a_merged_record_is_read_by_its_old_id(shown: Any) -> None:
    sandbox, client = make(quirks=Quirks(merged_association_from=shown))
    people = sandbox.people
    one, two = people.create_portfolio("One"), people.create_portfolio("Two")
    people.create_ticket("T", "", two)
    new = people.merge("portfolio", one, two)
    body = client.associated(PORTFOLIO, "tickets", two)
    assert [row["from"]["id"] for row in body["results"]] == [new if shown == "survivor" else two]
