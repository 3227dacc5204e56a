"""Tokens, scopes, limits and what a portal is made of (docs/hubspot.md 1, 7 and 8)."""

from datetime import timedelta
from typing import Any

import pytest

from sync.sandbox import Budget, Quirks, Sandbox
from sync.sandbox.schema import Account, Owner
from tests.sandbox.client import PORTFOLIO, Client, make

READ = "/crm/objects/2026-09/tickets?limit=1"


def test_a_wrong_token_is_401(sandbox: Sandbox, client: Client) -> None:
    sandbox.portal.app.token = "pat-rotated"
    body = client.ok("GET", READ, status=401)
    assert body["category"] == "INVALID_AUTHENTICATION"
    client.session.headers["Authorization"] = "Bearer pat-rotated"
    client.ok("GET", READ)


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("tickets", "GET", READ),
        ("tickets", "GET", "/crm/pipelines/2026-09/tickets"),
        ("crm.objects.custom.read", "GET", f"/crm/objects/2026-09/{PORTFOLIO}"),
        ("crm.objects.custom.write", "POST", f"/crm/objects/2026-09/{PORTFOLIO}"),
        ("crm.objects.contacts.read", "POST", "/crm/objects/2026-09/tasks/batch/read"),
        ("crm.objects.contacts.write", "POST", "/crm/objects/2026-09/notes/batch/create"),
        ("crm.objects.contacts.read", "POST", "/crm/associations/2026-09/tickets/tasks/batch/read"),
        ("crm.objects.owners.read", "GET", "/crm/owners/2026-09"),
        ("crm.schemas.custom.read", "GET", "/crm-object-schemas/2026-09/schemas"),
        ("crm.schemas.contacts.write", "POST", "/crm/properties/2026-09/tasks"),
        ("transactional-email", "POST", "/marketing/transactional/2026-09/single-email/send"),
    ],
)
def test_a_missing_scope_is_403_and_named(sandbox: Sandbox, client: Client, scope: str, method: str, path: str) -> None:
    sandbox.portal.app.scopes.discard(scope)
    body = client.ok(method, path, {} if method == "POST" else None, 403)
    assert body["category"] == "MISSING_SCOPES"
    assert body["context"] == {"requiredGranularScopes": [scope]}


def test_what_is_not_there_is_404(client: Client) -> None:
    for path in ("/crm/v1/objects/tickets", "/crm/objects/2026-03/tickets", "/crm/objects/2026-09/tickets/1", "/"):
        assert client.ok("GET", path, status=404)["correlationId"]


def test_what_is_no_json_is_400(client: Client) -> None:
    path = f"{client.url}/crm/objects/2026-09/tickets/batch/read"
    for body in (b"{", b"[]", b'{"inputs": 5}', b'{"inputs": [1]}', b""):
        assert client.session.post(path, data=body).status_code == 400


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("/crm/objects/2026-09/tasks/batch/create", {"associations": [{"types": [{}]}]}),
        ("/crm/objects/2026-09/tasks/batch/create", {"associations": [{"to": "5"}]}),
        ("/crm/objects/2026-09/tasks/batch/create", {"properties": [1]}),
        ("/crm/associations/2026-09/tickets/tasks/batch/create", {"from": "5", "types": [{}]}),
    ],
)
def test_what_makes_no_sense_is_400(client: Client, path: str, row: Any) -> None:
    client.ok("POST", path, {"inputs": [row]}, 400)


def test_190_calls_in_ten_seconds(sandbox: Sandbox, client: Client) -> None:
    for left in range(189, -1, -1):
        response = client.send("GET", READ)
        assert response.status_code == 200
        assert response.headers["X-HubSpot-RateLimit-Remaining"] == str(left)
    assert response.headers["X-HubSpot-RateLimit-Max"] == "190"
    assert response.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    refused = client.send("GET", READ)
    assert refused.status_code == 429
    assert (refused.json()["errorType"], refused.json()["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    client.associated("tickets", "tasks", "1", status=207)  # not counted
    client.search("tickets")  # not counted
    sandbox.clock.advance(timedelta(seconds=9.9))
    assert client.send("GET", READ).status_code == 429
    sandbox.clock.advance(timedelta(seconds=0.1))
    assert client.send("GET", READ).status_code == 200
    assert sandbox.log.busiest_ten_seconds == 192  # 190, and two that were refused


def test_five_searches_a_second_without_headers(sandbox: Sandbox, client: Client) -> None:
    for _ in range(5):
        response = client.send("POST", "/crm/objects/2026-09/tickets/search", {})
        assert not [name for name in response.headers if "ratelimit" in name.lower()]
    body = client.search(PORTFOLIO, status=429)
    assert body["policyName"] == "SECONDLY"
    sandbox.clock.advance(timedelta(seconds=1))
    client.search("tickets")


def test_the_day_has_an_end() -> None:
    sandbox, client = make(budget=Budget(per_day=3))
    for left in ("2", "1", "0"):
        assert client.send("GET", READ).headers["X-HubSpot-RateLimit-Daily-Remaining"] == left
    assert client.ok("GET", READ, status=429)["policyName"] == "DAILY"
    sandbox.clock.advance(timedelta(days=1))
    client.ok("GET", READ)


def test_starting_the_clock_leaves_the_limits_whole(sandbox: Sandbox, client: Client) -> None:
    for _ in range(190):
        client.ok("GET", READ)
    sandbox.clock.run()
    client.ok("GET", READ)
    sandbox.clock.freeze()
    client.ok("GET", READ)


def test_limits_can_be_switched_off() -> None:
    _, client = make(budget=Budget(enabled=False))
    for _ in range(300):
        client.search("tickets")
        client.ok("GET", READ)


def test_the_log_knows_endpoints_statuses_and_sizes(sandbox: Sandbox, client: Client) -> None:
    client.read("tickets", "1", "2", "3", status=207)
    mark = sandbox.log.mark()
    client.ok("GET", "/crm/objects/2026-09/0-5/77", status=404)
    client.associated("tickets", PORTFOLIO, "1", status=207)
    assert [(call.endpoint, call.status, call.inputs) for call in sandbox.log.since(mark)] == [
        ("GET /crm/objects/2026-09/tickets/{id}", 404, 1),
        ("POST /crm/associations/2026-09/tickets/creative_portfolios/batch/read", 207, 1),
    ]
    assert sandbox.log.since()[0].inputs == 3
    assert sandbox.log.counts()["POST /crm/objects/2026-09/tickets/batch/read"] == 1
    assert sandbox.log.statuses() == {207: 2, 404: 1}
    assert sandbox.log.total == 3


def test_owners_are_paged_and_deactivated_ones_apart(sandbox: Sandbox, client: Client) -> None:
    for n in range(5):
        sandbox.portal.define_owner(Owner(f"9{n}", f"{n}@x.example", "N", str(n), n))
    sandbox.people.deactivate_owner(sandbox.people.owner("copywriter"))
    seen: list[str] = []
    after = ""
    while True:
        body = client.ok("GET", f"/crm/owners/2026-09?limit=4{after}")
        seen += [row["id"] for row in body["results"]]
        if "paging" not in body:
            break
        after = f"&after={body['paging']['next']['after']}"
    gone = client.ok("GET", "/crm/owners/2026-09?archived=true")["results"]
    assert {row["id"] for row in gone} == {sandbox.people.owner("copywriter"), sandbox.people.owner("deactivated")}
    assert all(row["archived"] for row in gone)
    assert len(seen) == len(set(seen)) == len(sandbox.portal.owners) - 2
    am = sandbox.people.owner("account_manager")
    row = client.ok("GET", f"/crm/owners/2026-09/{am}")
    assert row["email"] == "amelia.marsh@agency.example"
    assert str(row["userId"]) != row["id"] == am
    assert client.ok("GET", f"/crm/owners/2026-09/{row['userId']}?idProperty=userId")["id"] == am
    client.ok("GET", f"/crm/owners/2026-09/{am}?idProperty=userId", status=404)
    client.ok("GET", f"/crm/owners/2026-09/{am}?idProperty=name", status=400)
    lee = sandbox.process.users[sandbox.people.owner("deactivated")]
    client.ok("GET", f"/crm/owners/2026-09/{lee}?idProperty=userId", status=404)
    body = client.ok("GET", f"/crm/owners/2026-09/{lee}?idProperty=userId&archived=true")
    assert (body["userId"], body["userIdIncludingInactive"], body["archived"]) == (None, lee, True)


def test_one_pipeline_and_its_stages(sandbox: Sandbox, client: Client) -> None:
    path = "/crm/pipelines/2026-09/tickets"
    sandbox.people.restrict_stage("ticket", sandbox.process.stage("Closed"), "READ_ONLY")
    pipelines = client.ok("GET", path)["results"]
    deliverables = next(one for one in pipelines if one["label"] == "Deliverables")
    assert deliverables["createdAt"] <= deliverables["updatedAt"]
    one = client.ok("GET", f"{path}/{deliverables['id']}")
    assert {**one, "stages": None} == {**deliverables, "stages": None}
    stages = client.ok("GET", f"{path}/{deliverables['id']}/stages")["results"]
    assert {stage["label"]: stage["writePermissions"] for stage in stages} == {
        label: "READ_ONLY" if label == "Closed" else "CRM_PERMISSIONS_ENFORCEMENT"
        for _, label in sandbox.process.names.stages
    }
    assert client.ok("GET", f"{path}/{deliverables['id']}/stages/{stages[0]['id']}") == stages[0]
    client.ok("GET", f"{path}/4711", status=404)
    client.ok("GET", f"{path}/{deliverables['id']}/stages/4711", status=404)


@pytest.mark.parametrize(
    ("zone", "offset", "milliseconds"),
    [("America/New_York", "-04:00", -14_400_000), ("Asia/Kolkata", "+05:30", 19_800_000), ("UTC", "+00:00", 0)],
)
def test_the_account_tells_its_offset(zone: str, offset: str, milliseconds: int) -> None:
    _, client = make(account=Account(time_zone=zone))
    account = client.ok("GET", "/account-info/2026-09/details")
    assert (account["utcOffset"], account["utcOffsetMilliseconds"]) == (offset, milliseconds)


def test_archived_properties_are_apart(sandbox: Sandbox, client: Client) -> None:
    sandbox.people.archive_property("ticket", "needs_revisions")
    path = "/crm/properties/2026-09/tickets"
    assert [one["name"] for one in client.ok("GET", f"{path}?archived=true")["results"]] == ["needs_revisions"]
    client.ok("GET", f"{path}/needs_revisions", status=404)
    assert client.ok("GET", f"{path}/needs_revisions?archived=true")["archived"] is True


def test_pipelines_say_what_is_closed(client: Client) -> None:
    pipelines = {row["label"]: row for row in client.ok("GET", "/crm/pipelines/2026-09/tickets")["results"]}
    stages = {stage["label"]: stage["metadata"] for stage in pipelines["Deliverables"]["stages"]}
    assert stages["Closed"] == {"ticketState": "CLOSED", "isClosed": "true"}
    assert stages["Pending Approval"] == {"ticketState": "OPEN", "isClosed": "false"}
    assert "Support Pipeline" in pipelines


@pytest.mark.parametrize("fact", ["ticketState", "isClosed"])
def test_pipelines_may_say_it_in_one_way_only(fact: Any) -> None:
    _, client = make(quirks=Quirks(stage_metadata=fact))
    for pipeline in client.ok("GET", "/crm/pipelines/2026-09/tickets")["results"]:
        assert all(set(stage["metadata"]) == {fact} for stage in pipeline["stages"])


def test_properties_and_making_one(client: Client) -> None:
    path = "/crm/properties/2026-09/tasks"
    definition = {
        "name": "handoff_key", "label": "Handoff key", "type": "string", "fieldType": "text",
        "groupName": "task_information", "hidden": True,
    }  # fmt: skip
    names = [row["name"] for row in client.ok("GET", path)["results"]]
    assert "hs_task_subject" in names
    assert "handoff_key" not in names
    client.ok("POST", path, {**definition, "groupName": "no_such_group"}, 400)
    client.ok("POST", path, {"name": "handoff_key"}, 400)
    assert client.ok("POST", path, definition, 201)["hidden"] is True
    assert client.ok("POST", path, definition, 409)["category"] == "OBJECT_ALREADY_EXISTS"
    assert client.ok("GET", f"{path}/handoff_key")["type"] == "string"
    statuses = client.ok("GET", f"/crm/properties/2026-09/{PORTFOLIO}/creative_refresh_status")
    assert statuses["options"][0]["value"] == "Refresh Request Submitted"
    owner = client.ok("GET", f"/crm/properties/2026-09/{PORTFOLIO}/account_manager")
    assert owner["referencedObjectType"] == "OWNER"


def test_validation_rules_can_be_read(sandbox: Sandbox, client: Client) -> None:
    rule = {"name": "short", "type": "portfolio", "property": "name", "pattern": ".{1,9}", "message": "Too long"}
    sandbox.people.set_rules(rule)
    path = "/crm/property-validations/2026-09"
    told = client.ok("GET", f"{path}/{PORTFOLIO}")["results"]
    assert [one["propertyName"] for one in told] == ["name"]
    assert told[0]["propertyValidationRules"] == client.ok("GET", f"{path}/{PORTFOLIO}/name")["results"]
    assert told[0]["propertyValidationRules"][0]["ruleArguments"] == [".{1,9}"]
    assert client.ok("GET", f"{path}/0-5")["results"] == []


def test_unique_task_properties_may_be_refused() -> None:
    _, client = make(quirks=Quirks(unique_task_property=False, task_property_scope=None))
    definition = {
        "name": "k", "label": "K", "type": "string", "fieldType": "text", "groupName": "task_information",
    }  # fmt: skip
    client.ok("POST", "/crm/properties/2026-09/tasks", {**definition, "hasUniqueValue": True}, 400)
    client.ok("POST", "/crm/properties/2026-09/tasks", definition, 201)


@pytest.mark.parametrize(
    ("rule", "hidden", "visible"), [("accepted", 201, 409), ("visible", 400, 201), ("refused", 400, 400)]
)
def test_a_portal_may_take_no_task_properties(rule: Any, hidden: int, visible: int) -> None:
    _, client = make(quirks=Quirks(task_properties=rule, task_property_scope=None))
    definition = {
        "name": "k", "label": "K", "type": "string", "fieldType": "text", "groupName": "task_information",
    }  # fmt: skip
    client.ok("POST", "/crm/properties/2026-09/tasks", {**definition, "hidden": True}, hidden)
    client.ok("POST", "/crm/properties/2026-09/tasks", definition, visible)


@pytest.mark.parametrize(("how", "said"), [("400", "already has that value"), ("409", "Existing ID: ")])
def test_a_unique_value_is_refused_with_the_id_of_whoever_has_it(how: Any, said: str) -> None:
    _, client = make(quirks=Quirks(unique_refused_as=how, task_property_scope=None))
    definition = {
        "name": "k", "label": "K", "type": "string", "fieldType": "text", "groupName": "task_information",
        "hasUniqueValue": True,
    }  # fmt: skip
    client.ok("POST", "/crm/properties/2026-09/tasks", definition, 201)
    task = {"properties": {"hs_task_subject": "Look", "hs_timestamp": "2026-09-01T15:00:00Z", "k": "1"}}
    first = client.ok("POST", "/crm/objects/2026-09/tasks", task, 201)["id"]
    refusal = client.ok("POST", "/crm/objects/2026-09/tasks", task, int(how))["message"]
    assert said in refusal
    assert first in refusal


@pytest.mark.parametrize(("searched", "status"), [(True, 200), (False, 400)])
def test_a_record_tells_what_it_was_made_by(searched: bool, status: int) -> None:
    """`search_by_source`: whether a search may ask for it."""
    sandbox, client = make(quirks=Quirks(search_by_source=searched))
    person = sandbox.people.create_task("Mine", [])
    app = sandbox.people.create_task("The app's", [], by="app")
    names = ["hs_object_source", "hs_object_source_id"]
    read = {one["id"]: one["properties"] for one in client.read("tasks", person, app, properties=names)["results"]}
    assert read[person]["hs_object_source"] == "CRM_UI"
    assert [read[app][name] for name in names] == ["INTEGRATION", str(sandbox.portal.account.app_id)]
    sandbox.people.flush_search()
    filters = [{"propertyName": "hs_object_source", "operator": "EQ", "value": "INTEGRATION"}]
    found = client.send("POST", "/crm/objects/2026-09/tasks/search", {"filterGroups": [{"filters": filters}]})
    assert found.status_code == status
    assert [one["id"] for one in found.json().get("results", [])] == ([app] if searched else [])


def test_schemas_and_account(client: Client) -> None:
    schemas = client.ok("GET", "/crm-object-schemas/2026-09/schemas")["results"]
    assert [(one["objectTypeId"], one["name"], one["labels"]["singular"]) for one in schemas] == [
        (PORTFOLIO, "creative_portfolios", "Creative Portfolio")
    ]
    fully = schemas[0]["fullyQualifiedName"]
    assert client.ok("GET", f"/crm-object-schemas/2026-09/schemas/{fully}")["objectTypeId"] == PORTFOLIO
    client.ok("GET", "/crm-object-schemas/2026-09/schemas/nothing", status=404)
    account = client.ok("GET", "/account-info/2026-09/details")
    assert (account["portalId"], account["timeZone"]) == (48_000_001, "America/New_York")


def test_one_email_per_send_id(sandbox: Sandbox, client: Client) -> None:
    path = "/marketing/transactional/2026-09/single-email/send"
    body = {"emailId": 7, "message": {"to": "a@x.example", "sendId": "k1"}, "customProperties": {"subject": "S"}}
    assert client.ok("POST", path, body)["status"] == "PENDING"
    assert client.ok("POST", path, body)["sendResult"] == "IDEMPOTENT_IGNORE"
    client.ok("POST", path, {**body, "message": {"to": "a@x.example", "sendId": "k2"}})
    client.ok("POST", path, {"emailId": 7, "message": {}}, 400)
    assert [(mail.send_id, mail.to, mail.properties) for mail in sandbox.people.emails()] == [
        ("k1", "a@x.example", {"subject": "S"}),
        ("k2", "a@x.example", {"subject": "S"}),
    ]
    sandbox.portal.single_send = False
    client.ok("POST", path, body, 403)
