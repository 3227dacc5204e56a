"""`python -m tests.contract`: what it says, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from sync.sandbox import Fault, Sandbox
from sync.sandbox.recorder import RECORD
from tests.contract.__main__ import SKIPPED, main
from tests.contract.openapi.exchanges import read
from tests.contract.openapi.test_differences import DESCRIPTION
from tests.sandbox.client import NOW, Client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "descriptions"
    made.mkdir()
    (made / "boxes.json").write_text(json.dumps(DESCRIPTION), encoding="utf-8")
    return made


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sandboxes of this test record."""
    directory = tmp_path / "exchanges"
    monkeypatch.setenv(RECORD, str(directory))
    return directory


def test_without_descriptions_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        assert main([str(folder)]) == SKIPPED
        assert "no OpenAPI descriptions there; nothing was checked" in capsys.readouterr().err


def test_nothing_recorded_is_an_error(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--exchanges", str(tmp_path / "none")]) == 1
    assert "no exchanges were recorded" in capsys.readouterr().err


def test_differences_and_unused_entries_fail_it(
    folder: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.mkdir()
    line: dict[str, Any] = {
        "method": "GET", "path": "/boxes/1", "query": {}, "agent": "", "contentType": None, "asked": None,
        "status": 200, "fault": None, "answered": {"id": "1", "made": "2026-09-01T14:00:00Z"},
    }  # fmt: skip
    path = recorded / "exchanges-1.jsonl"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert main([str(folder), "--exchanges", str(recorded), "--partial"]) == 0
    assert "1 kinds of exchanges, 1 operations described: 0 differences" in capsys.readouterr().out
    assert main([str(folder), "--exchanges", str(recorded)]) == 1
    assert "no longer needed: " in capsys.readouterr().out
    line["answered"] = {"id": 1}
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert main([str(folder), "--exchanges", str(recorded), "--partial"]) == 1
    assert "1 × GET /boxes/{boxId}: answer at id: type (1 is not of type 'string')" in capsys.readouterr().out


def test_a_sandbox_records_each_kind_of_exchange_once(recorded: Path) -> None:
    sandbox = Sandbox(start=NOW)
    client = Client(sandbox.session())
    for name in "ab":
        ticket = sandbox.people.create_ticket(name)
        client.read("tickets", ticket, properties=["subject"])
    client.ok("GET", "/nowhere", status=404)
    sandbox.faults.add(Fault("truncated", times=1))
    client.send(
        "POST", "/crm/objects/2026-09/tickets/batch/read", {"inputs": [{"id": ticket}], "properties": ["subject"]}
    )
    first, second, spoiled = read(recorded)
    assert (first.method, first.path, first.status) == ("POST", "/crm/objects/2026-09/tickets/batch/read", 200)
    assert first.asked["properties"] == ["subject"]
    assert first.answered["results"][0]["properties"]["subject"] == "a"
    assert first.content_type == "application/json"
    assert not first.by_the_service
    assert (second.path, second.status) == ("/nowhere", 404)
    assert (spoiled.fault, spoiled.answered) == ("truncated", None)
    assert sandbox.token not in "".join(path.read_text(encoding="utf-8") for path in recorded.iterdir())


def test_no_sandbox_records_unless_it_is_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RECORD, raising=False)
    sandbox = Sandbox(start=NOW)
    Client(sandbox.session()).ok("GET", "/crm/owners/2026-09")
    assert list(tmp_path.iterdir()) == []
