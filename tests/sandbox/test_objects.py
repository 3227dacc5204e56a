"""Reading and writing records: values, history, batches and their 207s (docs/hubspot.md 4)."""

from datetime import timedelta
from typing import Any

import pytest

from sync.sandbox import Quirks, Sandbox
from sync.sandbox.portal import NotFoundError
from sync.sandbox.schema import TASK, TICKET, Property
from tests.sandbox.client import NOW, PORTFOLIO, Client, ids, make

STATUS, DATE = "creative_refresh_status", "creative_refresh_date"


def test_values_are_strings_empty_is_null_unasked_is_absent(sandbox: Sandbox, client: Client) -> None:
    portfolio = sandbox.people.create_portfolio("Acme", "2026-09-10")
    row = client.read(PORTFOLIO, portfolio, properties=["name", STATUS, "no_such_property"])["results"][0]
    assert row["properties"]["name"] == "Acme"
    assert row["properties"][STATUS] is None
    assert DATE not in row["properties"]
    assert "no_such_property" not in row["properties"]
    assert row["properties"]["hs_object_id"] == row["id"] == portfolio
    assert row["createdAt"] == "2026-09-01T14:00:00Z"
    assert row["archived"] is False


def test_types_are_named_by_id_or_in_full(sandbox: Sandbox, client: Client) -> None:
    portfolio, ticket = sandbox.people.create_portfolio(), sandbox.people.create_ticket()
    for name in (PORTFOLIO, "p48000001_creative_portfolios", "P48000001_Creative_Portfolios"):
        assert ids(client.read(name, portfolio)) == [portfolio]
    for name in ("0-5", "ticket", "tickets", "TICKETS"):
        assert ids(client.read(name, ticket)) == [ticket]
    for name in ("creative_portfolios", "nonsense"):  # a custom object's bare name is no longer taken
        assert "Unable to infer" in client.ok("GET", f"/crm/objects/2026-09/{name}/1", status=400)["message"]


def test_archived_records_are_read_where_they_are_asked_for(sandbox: Sandbox, client: Client) -> None:
    kept, gone = sandbox.people.create_ticket("kept"), sandbox.people.create_ticket("gone")
    sandbox.people.archive("ticket", gone)
    path = "/crm/objects/2026-09/tickets"
    inputs = {"inputs": [{"id": kept}, {"id": gone}], "properties": ["subject"], "propertiesWithHistory": []}
    assert ids(client.ok("POST", f"{path}/batch/read", inputs, 207)) == [kept]
    body = client.ok("POST", f"{path}/batch/read?archived=true", inputs, 207)
    assert ids(body) == [gone]
    assert body["results"][0]["archived"] is True
    assert body["results"][0]["archivedAt"]
    assert client.ok("GET", f"{path}/{gone}?archived=true")["id"] == gone
    client.ok("GET", f"{path}/{gone}", status=404)
    assert ids(client.ok("GET", f"{path}?archived=true")) == [gone]


def test_a_record_is_found_by_a_unique_property(sandbox: Sandbox, client: Client) -> None:
    sandbox.portal.define_property(TASK, Property("code", "Code", unique=True))
    path = "/crm/objects/2026-09/tasks"
    rows = [
        {"id": "a", "idProperty": "code", "properties": {"hs_task_subject": subject, "hs_timestamp": NOW.isoformat()}}
        for subject in ("Made", "Changed")
    ]
    made, changed = (client.ok("POST", f"{path}/batch/upsert", {"inputs": [row]})["results"][0] for row in rows)
    assert (made["new"], changed["new"]) == (True, False)
    assert made["id"] == changed["id"]
    found = client.ok("GET", f"{path}/a?idProperty=code&properties=hs_task_subject,code")
    assert found["properties"]["hs_task_subject"] == "Changed"
    client.ok("PATCH", f"{path}/a?idProperty=code", {"properties": {"hs_task_subject": "Again"}})
    assert sandbox.people.task(made["id"]).subject == "Again"
    client.ok("PATCH", f"{path}/b?idProperty=code", {"properties": {}}, 404)
    client.ok("GET", f"{path}/a?idProperty=hs_task_subject", status=400)


def test_a_record_is_shown_with_its_associations(sandbox: Sandbox, client: Client) -> None:
    portfolio = sandbox.people.create_portfolio()
    ticket = sandbox.people.create_ticket("T", "", portfolio)
    shown = client.ok("GET", f"/crm/objects/2026-09/tickets/{ticket}?associations={PORTFOLIO},tasks")["associations"]
    assert [one["id"] for one in shown["p48000001_creative_portfolios"]["results"]] == [portfolio]
    assert "tasks" not in shown


def test_a_merge_over_the_api(sandbox: Sandbox, client: Client) -> None:
    one, two = sandbox.people.create_ticket("One"), sandbox.people.create_ticket("Two")
    body = {"primaryObjectId": one, "objectIdToMerge": two}
    made = client.ok("POST", "/crm/objects/2026-09/tickets/merge", body)
    assert made["id"] not in (one, two)
    assert sandbox.people.read("ticket", two)["subject"] == "One"
    client.ok("POST", "/crm/objects/2026-09/tickets/merge", {**body, "primaryObjectId": "4"}, 404)


def test_a_stage_that_is_read_only_cannot_be_moved_to(sandbox: Sandbox, client: Client) -> None:
    stage = sandbox.process.stage("In Progress")
    inside, outside = (sandbox.people.create_ticket(name) for name in ("in", "out"))
    sandbox.people.move_ticket(inside, "In Progress")
    sandbox.people.restrict_stage("ticket", stage, "READ_ONLY")
    with pytest.raises(NotFoundError):
        sandbox.people.restrict_stage("ticket", "0000", "READ_ONLY")
    path = "/crm/objects/2026-09/tickets"
    body = {"properties": {"hs_pipeline_stage": stage, "hs_pipeline": sandbox.process.names.pipeline[0]}}
    assert "read only" in client.ok("PATCH", f"{path}/{outside}", body, 400)["message"]
    client.ok("PATCH", f"{path}/{inside}", body)  # it is there already


def test_one_request_gives_all_its_properties_one_timestamp(sandbox: Sandbox, client: Client) -> None:
    portfolio = sandbox.people.create_portfolio("Acme", "2026-09-10", status="Deliverables Submitted")
    sandbox.people.set_status(portfolio, "Creatives Implemented")  # in the very same millisecond
    client.ok(
        "PATCH", f"/crm/objects/2026-09/{PORTFOLIO}/{portfolio}", {"properties": {STATUS: "", DATE: "2026-10-10"}}
    )
    row = client.read(PORTFOLIO, portfolio, properties=[STATUS], propertiesWithHistory=[STATUS, DATE])["results"][0]
    status, date = (row["propertiesWithHistory"][name] for name in (STATUS, DATE))
    assert row["properties"][STATUS] is None
    assert [version["value"] for version in status] == ["", "Creatives Implemented", "Deliverables Submitted"]
    assert [version["timestamp"] for version in status] == [
        "2026-09-01T14:00:00.002Z",
        "2026-09-01T14:00:00.001Z",
        "2026-09-01T14:00:00Z",
    ]
    assert date[0]["timestamp"] == status[0]["timestamp"]
    assert (status[0]["sourceType"], status[0]["sourceId"]) == ("INTEGRATION", str(sandbox.app_id))
    assert "updatedByUserId" not in status[0]
    assert (status[1]["sourceType"], status[1]["updatedByUserId"]) == ("CRM_UI", 60_000_000)


def test_history_keeps_the_newest_twenty(sandbox: Sandbox, client: Client) -> None:
    portfolio = sandbox.people.create_portfolio("v0")
    for n in range(1, 30):
        sandbox.people.set("portfolio", portfolio, {"name": f"v{n}"})
    row = client.read(PORTFOLIO, portfolio, propertiesWithHistory=["name"])["results"][0]
    assert [version["value"] for version in row["propertiesWithHistory"]["name"]] == [f"v{n}" for n in range(29, 9, -1)]
    assert row["properties"]["name"] == "v29"


def test_an_unchanged_value_makes_no_version_unless_forced(sandbox: Sandbox) -> None:
    people = sandbox.people
    portfolio = people.create_portfolio("Acme")
    before = people.portfolio(portfolio).modified
    people.advance(minutes=1)
    people.set("portfolio", portfolio, {"name": "Acme"})
    assert len(people.history("portfolio", portfolio, "name")) == 1
    assert people.portfolio(portfolio).modified == before
    people.set("portfolio", portfolio, {"name": "Acme"}, force=True)
    assert [v.value for v in people.history("portfolio", portfolio, "name")] == ["Acme", "Acme"]


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"no_such": "x"}, "PROPERTY_DOESNT_EXIST"),
        ({STATUS: "Nonsense"}, "INVALID_OPTION"),
        ({STATUS: "Deliverables Submitted "}, "INVALID_OPTION"),  # white space: in texts alone
        ({DATE: " 2026-09-10"}, "INVALID_DATE"),
        ({DATE: "10/09/2026"}, "INVALID_DATE"),
        ({DATE: "2026-02-30"}, "INVALID_DATE"),
        ({DATE: "1788264000001"}, "INVALID_DATE"),
        ({"account_manager": "12"}, "INVALID_OWNER_ID"),
        ({"hs_object_id": "5"}, "READ_ONLY_VALUE"),
        ({"name": {"a": 1}}, "INVALID_VALUE"),
        ({"name": "x" * 65_537}, "INVALID_STRING_LENGTH"),
    ],
)
def test_a_bad_value_is_a_validation_error(
    sandbox: Sandbox, client: Client, properties: dict[str, Any], code: str
) -> None:
    portfolio = sandbox.people.create_portfolio("Acme")
    path = f"/crm/objects/2026-09/{PORTFOLIO}/{portfolio}"
    body = client.ok("PATCH", path, {"properties": {"name": "Changed", **properties}}, 400)
    assert body["category"] == "VALIDATION_ERROR"
    assert body["correlationId"]
    assert body["message"].startswith("Property values were not valid: [")
    assert body["errors"][0]["code"] == code
    assert sandbox.people.portfolio(portfolio)["name"] == "Acme"


@pytest.mark.parametrize("given", ["2026-09-10", 1788998400000, "1788998400000"])
def test_dates_are_taken_in_both_forms(client: Client, given: str | int) -> None:
    properties = {"name": "Acme", DATE: given}
    made = client.ok("POST", f"/crm/objects/2026-09/{PORTFOLIO}", {"properties": properties}, 201)
    assert made["properties"][DATE] == "2026-09-10"


def test_a_stage_has_to_be_of_the_pipeline(sandbox: Sandbox, client: Client) -> None:
    ticket = sandbox.people.create_ticket("One")
    path = f"/crm/objects/2026-09/tickets/{ticket}"
    client.ok("PATCH", path, {"properties": {"hs_pipeline_stage": "2"}}, 400)
    client.ok("PATCH", path, {"properties": {"hs_pipeline_stage": "2", "hs_pipeline": "0"}})
    sandbox.people.move_ticket(ticket, "In Progress")
    assert sandbox.people.ticket(ticket)["hs_pipeline"] == "880001"


def test_required_properties(client: Client) -> None:
    body = client.ok("POST", "/crm/objects/2026-09/tasks", {"properties": {"hs_task_subject": "x"}}, 400)
    assert body["context"] == {"properties": ["hs_timestamp"]}


def test_admins_rules_bind_the_api_and_not_people(sandbox: Sandbox, client: Client) -> None:
    rule = {"name": "no past", "type": "portfolio", "property": "name", "pattern": "[A-Z].*", "message": "Capital!"}
    sandbox.people.set_rules(rule)
    portfolio = sandbox.people.create_portfolio("acme")
    path = f"/crm/objects/2026-09/{PORTFOLIO}/{portfolio}"
    assert "Capital!" in client.ok("PATCH", path, {"properties": {"name": "other"}}, 400)["message"]
    client.ok("PATCH", path, {"properties": {"name": "Other"}})


def test_batch_read_reports_missing_ids_in_one_error(sandbox: Sandbox, client: Client) -> None:
    known = [sandbox.people.create_portfolio(str(n)) for n in range(20)]
    sandbox.people.archive("portfolio", known[3])
    body = client.read(PORTFOLIO, *known, "424242", "x", status=207)
    assert sorted(ids(body)) == sorted(set(known) - {known[3]})
    assert body["numErrors"] == 1
    error = body["errors"][0]
    assert (error["status"], error["category"]) == ("error", "OBJECT_NOT_FOUND")
    assert error["context"] == {"ids": [known[3], "424242", "x"]}
    assert ids(body) != sorted(ids(body))  # the order is no promise


def test_batch_limits(client: Client) -> None:
    many = [{"id": str(n)} for n in range(101)]
    assert "100" in client.batch("tickets", "read", many, 400)["message"]
    assert "50" in client.batch("tickets", "read", many[:51], 400, propertiesWithHistory=["subject"])["message"]
    client.batch("tickets", "read", many[:100], 207)
    client.batch("tickets", "read", many[:50], 207, propertiesWithHistory=["subject"])
    for operation in ("create", "update", "archive"):
        client.batch("tickets", operation, many, 400)


def _tasks(*rows: tuple[str | None, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"properties": properties, **({} if trace is None else {"objectWriteTraceId": trace})}
        for trace, properties in rows
    ]


GOOD = {"hs_task_subject": "Good", "hs_timestamp": "2026-09-01T15:00:00Z"}
BAD = {"hs_task_subject": "Bad", "hs_timestamp": "2026-09-01T15:00:00Z", "hubspot_owner_id": "1"}


def test_batch_create_with_distinct_traces_fails_row_by_row(sandbox: Sandbox, client: Client) -> None:
    body = client.batch("tasks", "create", _tasks(("a", GOOD), ("b", BAD), ("c", GOOD)), 207)
    assert sorted(row["objectWriteTraceId"] for row in body["results"]) == ["a", "c"]
    assert body["numErrors"] == 1
    assert body["errors"][0]["category"] == "VALIDATION_ERROR"
    assert body["errors"][0]["context"] == {"objectWriteTraceId": ["b"]}
    assert len(sandbox.people.all_tasks()) == 2


@pytest.mark.parametrize("traces", [(None, None), ("a", None), ("a", "a")])
def test_batch_create_without_distinct_traces_fails_as_a_whole(
    sandbox: Sandbox, client: Client, traces: tuple[str | None, str | None]
) -> None:
    body = client.batch("tasks", "create", _tasks((traces[0], GOOD), (traces[1], BAD)), 400)
    assert body["category"] == "VALIDATION_ERROR"
    assert sandbox.people.all_tasks() == ()


def test_a_trace_is_no_idempotency_key(sandbox: Sandbox, client: Client) -> None:
    for _ in range(2):
        client.batch("tasks", "create", _tasks(("a", GOOD)), 201)
    assert len(sandbox.people.all_tasks()) == 2


def test_batch_create_with_inline_associations(sandbox: Sandbox, client: Client) -> None:
    people = sandbox.people
    portfolio = people.create_portfolio()
    ticket = people.create_ticket("One", "Set", portfolio)
    links = [
        {"to": {"id": ticket}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 230}]},
        {"to": {"id": portfolio}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 81}]},
    ]
    client.batch("tasks", "create", [{"properties": GOOD, "associations": links}], 201)
    assert [task.subject for task in people.tasks("ticket", ticket)] == ["Good"]
    assert people.tasks("portfolio", portfolio)[0].associations == {"ticket": (ticket,), "portfolio": (portfolio,)}
    links[0]["to"] = {"id": "77"}
    client.batch("tasks", "create", [{"properties": GOOD, "associations": links}], 400)
    wrong = [{"to": {"id": ticket}, "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": 230}]}]
    client.batch("tasks", "create", [{"properties": GOOD, "associations": wrong}], 400)
    assert len(people.all_tasks()) == 1


def test_batch_update_reports_missing_ids_and_applies_the_rest(sandbox: Sandbox, client: Client) -> None:
    one = sandbox.people.create_portfolio("One")
    inputs = [{"id": i, "properties": {"name": "New"}} for i in (one, "1", "2")]
    body = client.batch(PORTFOLIO, "update", inputs, 207)
    assert ids(body) == [one]
    assert body["errors"][0]["context"] == {"ids": ["1", "2"]}
    assert sandbox.people.portfolio(one)["name"] == "New"


@pytest.mark.parametrize(("rule", "traced"), [("trace", True), ("always", False)])
def test_batch_update_may_fail_row_by_row(rule: Any, traced: bool) -> None:
    sandbox, client = make(quirks=Quirks(update_partial_failure=rule))
    one, two = (sandbox.people.create_portfolio(name) for name in "ab")
    inputs = [
        {"id": one, "properties": {"name": "New"}} | ({"objectWriteTraceId": "x"} if traced else {}),
        {"id": two, "properties": {STATUS: "Nonsense"}} | ({"objectWriteTraceId": "y"} if traced else {}),
    ]
    body = client.batch(PORTFOLIO, "update", inputs, 207)
    assert ids(body) == [one]
    assert body["errors"][0]["context"]["ids"] == [two]
    assert body["errors"][0]["context"].get("objectWriteTraceId") == (["y"] if traced else None)


def test_batch_update_without_traces_fails_as_a_whole(sandbox: Sandbox, client: Client) -> None:
    one, two = (sandbox.people.create_portfolio(name) for name in "ab")
    inputs = [{"id": one, "properties": {"name": "New"}}, {"id": two, "properties": {STATUS: "Nonsense"}}]
    client.batch(PORTFOLIO, "update", inputs, 400)
    client.batch(PORTFOLIO, "update", [inputs[0], inputs[0]], 400)  # the same id twice
    assert sandbox.people.portfolio(one)["name"] == "a"


def test_an_archived_record_is_gone_until_restored(sandbox: Sandbox, client: Client) -> None:
    people = sandbox.people
    portfolio = people.create_portfolio()
    ticket = people.create_ticket("One", "Set", portfolio)
    path = f"/crm/objects/2026-09/tickets/{ticket}"
    client.ok("DELETE", path, status=204)
    client.ok("DELETE", path, status=204)
    assert client.ok("GET", path, status=404)["category"] == "OBJECT_NOT_FOUND"
    assert client.ok("GET", f"{path}?archived=true")["archivedAt"] == "2026-09-01T14:00:00Z"
    client.ok("PATCH", path, {"properties": {"subject": "x"}}, 404)
    assert people.tickets(portfolio) == ()
    people.restore("ticket", ticket)
    assert [one.id for one in people.tickets(portfolio)] == [ticket]


def test_restoring_ends_after_ninety_days(sandbox: Sandbox) -> None:
    ticket = sandbox.people.create_ticket()
    sandbox.people.archive("ticket", ticket)
    sandbox.clock.advance(timedelta(days=91))
    with pytest.raises(Exception, match="90 days"):
        sandbox.people.restore("ticket", ticket)


def test_a_merge_makes_a_new_record_that_carries_both(sandbox: Sandbox, client: Client) -> None:
    """docs/hubspot.md 4.12."""
    people = sandbox.people
    one = people.create_portfolio("One")
    two = people.create_portfolio("Two", "2026-09-20")
    ticket = people.create_ticket("Of two", "Set", two)
    task = people.create_task("Look at one", [("portfolio", one)])
    new = people.merge("portfolio", one, two)
    assert new not in (one, two)
    body = client.read(PORTFOLIO, two, properties=["name", DATE, "hs_merged_object_ids"])
    row = body["results"][0]
    assert row["id"] == new
    assert row["properties"]["name"] == "One"
    assert row["properties"][DATE] == "2026-09-20"
    assert row["properties"]["hs_merged_object_ids"] == f"{one};{two}"
    assert ids(client.read(PORTFOLIO, one, two)) == [new]
    assert client.ok("GET", f"/crm/objects/2026-09/{PORTFOLIO}/{two}")["id"] == new
    assert [seen.id for seen in people.tickets(new)] == [ticket]
    assert [seen.id for seen in people.tasks("portfolio", new)] == [task]


def test_a_merge_may_leave_the_primary_its_id() -> None:
    sandbox, client = make(quirks=Quirks(merge_keeps_primary=True))
    one, two = (sandbox.people.create_portfolio(name) for name in "ab")
    assert sandbox.people.merge("portfolio", one, two) == one
    assert ids(client.read(PORTFOLIO, one, two)) == [one]


@pytest.mark.parametrize("written", [True, False])
def test_a_merge_brings_the_histories_together_by_time(written: bool) -> None:
    """It may add a version of its own where the newest is not the value that the record is to have."""
    sandbox, _ = make(quirks=Quirks(merge_writes_version=written))
    people = sandbox.people
    one, two = (people.create_portfolio(name, "2026-09-20") for name in "ab")
    for portfolio, status in ((one, "Deliverables Submitted"), (two, "Creatives Completed & Approved")):
        sandbox.clock.advance(timedelta(minutes=1))
        people.set_status(portfolio, status)
    sandbox.clock.advance(timedelta(minutes=1))
    new = people.merge("portfolio", one, two)
    history = [(version.value, version.source_type) for version in people.history("portfolio", new, STATUS)]
    assert people.portfolio(new)[STATUS] == "Deliverables Submitted"
    assert history == [
        *([("Deliverables Submitted", "MERGE_OBJECTS")] if written else []),
        ("Creatives Completed & Approved", "CRM_UI"),
        ("Deliverables Submitted", "CRM_UI"),
    ]  # fmt: skip
    assert {version.source_type for version in people.history("portfolio", new, DATE)} == {"CRM_UI"}


def test_unique_values(sandbox: Sandbox, client: Client) -> None:
    sandbox.portal.define_property(TASK, Property("key", group="task_information", unique=True))
    rows = _tasks(("a", {**GOOD, "key": "k"}), ("b", {**GOOD, "key": "k"}))
    body = client.batch("tasks", "create", rows, 207)
    assert body["errors"][0]["context"] == {"objectWriteTraceId": ["b"]}
    assert len(client.batch("tasks", "read", [{"id": "k"}], idProperty="key")["results"]) == 1


def test_a_completed_task_says_when(sandbox: Sandbox, client: Client) -> None:
    people = sandbox.people
    task = people.create_task("Do", [])
    people.complete_task(task)
    path = f"/crm/objects/2026-09/tasks/{task}?properties=hs_task_completion_date,hs_task_status"
    assert client.ok("GET", path)["properties"]["hs_task_completion_date"] == "2026-09-01T14:00:00.001Z"
    people.reopen_task(task)
    assert client.ok("GET", path)["properties"]["hs_task_completion_date"] is None


def test_the_list_of_records_is_paged(sandbox: Sandbox, client: Client) -> None:
    made = [sandbox.people.create_ticket(str(n)) for n in range(25)]
    seen: list[str] = []
    after = ""
    while True:
        body = client.ok("GET", f"/crm/objects/2026-09/tickets?limit=10{after}")
        seen += ids(body)
        if "paging" not in body:
            break
        after = f"&after={body['paging']['next']['after']}"
    assert seen == made


def test_the_quirks_of_values() -> None:
    quirks = Quirks(cleared_reads_as="empty", date_values="ms", history_date_values="ms", empty_history="absent")
    sandbox, client = make(quirks=quirks)
    portfolio = sandbox.people.create_portfolio("Acme", "2026-09-10", status="Deliverables Submitted")
    sandbox.people.set_status(portfolio, "")
    row = client.read(
        PORTFOLIO, portfolio, properties=[DATE, STATUS, "most_recent_ad_lab_link"],
        propertiesWithHistory=[DATE, "most_recent_ad_lab_link"],
    )["results"][0]  # fmt: skip
    assert row["properties"][DATE] == "1788998400000"
    assert row["properties"][STATUS] == ""
    assert row["properties"]["most_recent_ad_lab_link"] is None
    assert row["propertiesWithHistory"][DATE][0]["value"] == "1788998400000"
    assert "most_recent_ad_lab_link" not in row["propertiesWithHistory"]


def test_ids_of_different_types_collide_and_grow_in_length(sandbox: Sandbox) -> None:
    tickets = [sandbox.people.create_ticket() for _ in range(12)]
    assert sandbox.people.create_portfolio() == tickets[0]
    assert sorted(tickets) != tickets  # as text; as numbers they rise
    assert sandbox.portal.get(TICKET, int(tickets[-1])).id == 10_001
