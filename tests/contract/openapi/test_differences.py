"""The check of exchanges against descriptions, on a small description of our own."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.openapi.descriptions import Descriptions
from tests.contract.openapi.differences import Difference, differences
from tests.contract.openapi.exchanges import SERVICE, Exchange
from tests.contract.openapi.meant import Meant, judge, load

BOX = {
    "type": "object",
    "required": ["id", "made"],
    "properties": {
        "id": {"type": "string"},
        "made": {"type": "string", "format": "date-time"},
        "colour": {"type": "string", "enum": ["RED", "BLUE"]},
        "owner": {"type": "string", "nullable": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
    },
}
DESCRIPTION = {
    "openapi": "3.0.1",
    "info": {"title": "Boxes", "version": "1"},
    "paths": {
        "/boxes/{boxId}": {
            "get": {
                "parameters": [
                    {"name": "boxId", "in": "path", "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {"name": "archived", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "names", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Box"}}}},
                    "default": {"$ref": "#/components/responses/Error"},
                },
            },
            "delete": {"responses": {"204": {}}},
        },
        "/boxes/search": {
            "get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array"}}}}}},
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["text"],
                                "properties": {"text": {"type": "string"}},
                            }
                        }
                    }
                },
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "array"}}}}},
            },
        },
    },
    "components": {
        "schemas": {
            "Box": BOX,
            "Part": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}},
            "Error": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}},
        },
        "responses": {"Error": {"content": {"*/*": {"schema": {"$ref": "#/components/schemas/Error"}}}}},
    },
}
GOOD = {"id": "1", "made": "2026-09-01T14:00:00Z"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The description, some levels down, beside files that are none."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "boxes.json").write_text(json.dumps(DESCRIPTION), encoding="utf-8")
    (tmp_path / "collection.json").write_text('{"info": {}, "item": []}', encoding="utf-8")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    return tmp_path


def exchange(
    method: str = "GET", path: str = "/boxes/1", *, status: int = 200, answered: Any = None, **more: Any
) -> Exchange:
    defaults: dict[str, Any] = {"query": {}, "agent": "", "content_type": None, "asked": None, "fault": None}
    return Exchange(method=method, path=path, status=status, answered=answered, **{**defaults, **more})


def told(folder: Path, one: Exchange) -> list[tuple[str, str, str]]:
    return sorted((it.where, it.at, it.what) for it in differences(one, Descriptions(folder)))


def test_what_is_described_does_not_differ(folder: Path) -> None:
    assert Descriptions(folder).files == 1
    whole = {**GOOD, "colour": "RED", "owner": None, "labels": {"any": "text"}, "parts": [{"size": 3}]}
    for one in (
        exchange(answered=GOOD, query={"limit": ["10"], "archived": ["true"], "names": ["a,b", "c"]}),
        exchange(answered=whole),
        exchange("DELETE", status=204),
        exchange(status=404, answered={"message": "none"}),
        exchange(
            "POST", "/boxes/search", asked={"text": "t"}, content_type="application/json;charset=utf-8", answered=[]
        ),
    ):
        assert told(folder, one) == []


@pytest.mark.parametrize(
    ("answered", "where"),
    [
        ({**GOOD, "id": 1}, ("answer", "id", "type")),
        ({"id": "1"}, ("answer", "", "required made")),
        ({**GOOD, "made": "yesterday"}, ("answer", "made", "format")),
        ({**GOOD, "colour": "GREEN"}, ("answer", "colour", "enum")),
        ({**GOOD, "weight": 3}, ("answer", "", "unknown weight")),
        ({**GOOD, "labels": {"any": 3}}, ("answer", "labels.*", "type")),
        ({**GOOD, "parts": [{"size": 3}, {}]}, ("answer", "parts[]", "required size")),
        ({**GOOD, "parts": [{"size": "3"}]}, ("answer", "parts[].size", "type")),
        (None, ("answer", "", "body")),
    ],
)
def test_an_answer_that_differs(folder: Path, answered: Any, where: tuple[str, str, str]) -> None:
    assert told(folder, exchange(answered=answered)) == [where]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"limit": ["ten"]}, ("query", "limit", "type")),
        ({"archived": ["yes"]}, ("query", "archived", "type")),
        ({"colour": ["RED"]}, ("query", "colour", "unknown")),
    ],
)
def test_a_query_that_differs(folder: Path, query: Any, where: tuple[str, str, str]) -> None:
    assert told(folder, exchange(query=query, answered=GOOD)) == [where]


def test_a_request_that_differs(folder: Path) -> None:
    sent: dict[str, Any] = {"content_type": "application/json", "answered": []}
    assert told(folder, exchange("POST", "/boxes/search", asked={}, **sent)) == [("request", "", "required text")]
    assert told(folder, exchange("POST", "/boxes/search", asked={"text": "t"}, answered=[])) == [
        ("request", "", "content type")
    ]
    assert told(folder, exchange(asked={"text": "t"}, answered=GOOD)) == [("request", "", "no body described")]


def test_the_closer_path_is_the_one_that_counts(folder: Path) -> None:
    assert told(folder, exchange(path="/boxes/search", answered=[])) == []
    assert told(folder, exchange(path="/boxes/search", answered=GOOD)) == [("answer", "", "type")]


def test_what_nobody_described(folder: Path) -> None:
    assert told(folder, exchange(path="/crates/1", answered=GOOD)) == [("path", "", "not described")]
    assert told(folder, exchange(status=207, answered=GOOD)) == [("status", "207", "not described")]
    assert told(folder, exchange(status=207, answered={})) == [
        ("answer", "", "required id"), ("answer", "", "required made"), ("status", "207", "not described"),
    ]  # fmt: skip
    assert told(folder, exchange(status=500, answered={"text": "oh"})) == [
        ("error", "", "required message"), ("error", "", "unknown text"),
    ]  # fmt: skip


def test_a_request_that_is_meant_to_be_refused_is_not_judged(folder: Path) -> None:
    refused: dict[str, Any] = {
        "status": 400,
        "answered": {"message": "no"},
        "content_type": "application/json",
        "asked": {},
    }
    for agent in ("", SERVICE):
        assert told(folder, exchange("POST", "/boxes/search", agent=agent, **refused)) == []
    refused["status"] = 403
    assert told(folder, exchange("POST", "/boxes/search", agent=SERVICE, **refused)) == [
        ("request", "", "required text")
    ]
    assert told(folder, exchange(path="/crates/1", status=404, answered={})) == []


def test_a_spoiled_answer_is_not_judged_and_its_request_is(folder: Path) -> None:
    spoiled = exchange(query={"colour": ["RED"]}, fault="truncated", answered=None)
    assert told(folder, spoiled) == [("query", "colour", "unknown")]


def test_the_best_of_several_descriptions_counts(folder: Path) -> None:
    numbered = json.loads(json.dumps(DESCRIPTION))
    numbered["components"]["schemas"]["Box"]["properties"]["id"] = {"type": "integer"}
    (folder / "numbered.json").write_text(json.dumps(numbered), encoding="utf-8")
    assert told(folder, exchange(answered=GOOD)) == []
    assert told(folder, exchange(answered={**GOOD, "id": 1})) == []
    assert told(folder, exchange(answered={**GOOD, "id": None})) == [("answer", "id", "type")]


def test_differences_are_meant_by_an_entry_and_an_entry_must_be_needed(folder: Path) -> None:
    found = differences(exchange(answered={**GOOD, "id": 1, "parts": [{"size": "3"}]}), Descriptions(folder))
    ids = Meant("GET /boxes/*", "answer", "id", "type", "*", "a number in truth")
    sizes = Meant("*", "answer", "parts[].size", "*", "*", "texts in truth")
    other = Meant("*", "status", "*", "*", "*", "never")
    verdict = judge(found, [ids, other])
    assert [one.at for one in verdict.left] == ["parts[].size"]
    assert [one.at for one in verdict.meant] == ["id"]
    assert verdict.unused == [other]
    assert judge(found, [ids, sizes]).left == []
    services = Meant("*", "answer", "*", "*", "service", "its own")
    assert len(judge(found, [services]).left) == 2


@pytest.mark.parametrize(
    "text", ["- {where: answer}", "- {where: answer, reason: ' '}", "- {where: answer, reason: r, why: not}"]
)
def test_an_entry_without_a_reason_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"list\.yaml, entry 1"):
        load(path)


def test_the_list_is_well_formed() -> None:
    entries = load()
    assert entries
    assert len(set(entries)) == len(entries)


def test_an_undescribed_path_is_told_without_ids(folder: Path) -> None:
    (found,) = differences(exchange(path="/crates/v3/status-7f3/2026-09", answered=GOOD), Descriptions(folder))
    assert found.operation == "GET /crates/v3/{}/2026-09"


def test_a_difference_is_the_same_wherever_it_was_met() -> None:
    assert Difference("GET /a", "answer", "id", "type", "1") == Difference("GET /a", "answer", "id", "type", "2")
