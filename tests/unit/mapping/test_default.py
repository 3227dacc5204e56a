"""The packaged mapping: the names of the article."""

from importlib import resources

import pytest
from jinja2 import Environment
from pydantic import ValidationError

from mappings.load import load
from mappings.schema import (
    Party,
    ProcessMapping,
    RulesMapping,
    TaskMapping,
)
from mappings.vocabulary import EmailKind, Role, TaskKind


def test_the_default_calls_things_as_the_article_does(default: ProcessMapping) -> None:
    portfolio, ticket = default.portfolio, default.ticket
    assert portfolio.properties.model_dump() == {
        "name": "name",
        "status": "creative_refresh_status",
        "refresh_date": "creative_refresh_date",
        "cadence": "creative_refresh_cadence",
        "ad_lab_link": "most_recent_ad_lab_link",
    }
    assert portfolio.owners == {role: role.value for role in Role}
    assert list(portfolio.statuses.values()) == [
        "Refresh Request Submitted",
        "No Refresh Requested",
        "Deliverables Submitted",
        "Creatives Pending Approval",
        "Creatives Completed & Approved",
        "Creatives Implemented",
    ]
    assert portfolio.condition == ()
    assert (ticket.pipeline, ticket.in_progress, ticket.pending_approval) == (
        "Deliverables",
        "In Progress",
        "Pending Approval",
    )
    assert ticket.properties.model_dump() == {
        "subject": "subject",
        "pipeline": "hs_pipeline",
        "stage": "hs_pipeline_stage",
        "folder": "deliverable_folder_name",
        "needs_revisions": "needs_revisions",
        "copy_approval": "copy_approval",
        "graphic_approval": "graphic_approval",
    }
    assert ticket.owners == {Role.COPYWRITER: "copywriter", Role.GRAPHIC_DESIGNER: "graphic_designer"}
    assert list(ticket.revisions.values()) == [
        "Copy Revisions Only",
        "Graphic Revisions Only",
        "Copy and Graphic Revisions",
    ]
    assert (ticket.approved, ticket.approval_reset) == ("Approved", "")
    assert default.time_zone == "America/New_York"
    assert all(role.fallback_owner is None for role in default.roles.values())
    assert set(default.tasks) == set(TaskKind)
    assert set(default.emails) == set(EmailKind)


def test_the_defaults_of_the_schema_and_of_the_file_are_the_same(default: ProcessMapping) -> None:
    assert default.rules == RulesMapping()
    assert default.task == TaskMapping()
    assert set(default.rules.stuck_after_days) == set(Party)


def test_every_packaged_template_is_used(default: ProcessMapping) -> None:
    folder = resources.files("mappings") / "templates"
    used = {entry.body for entry in default.tasks.values()} | {entry.body for entry in default.emails.values()}
    used |= {default.notes_line, default.letter.text, default.letter.html}
    assert {file.read_text("utf-8").rstrip("\n") for file in folder.iterdir()} == used


def test_a_mapping_is_plain_data_that_can_be_read_back(default: ProcessMapping) -> None:
    assert ProcessMapping.model_validate(default.model_dump()) == default


def test_a_mapping_is_frozen(default: ProcessMapping) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(default, "time_zone", "UTC")  # noqa: B010  # mypy, too, refuses the plain assignment


def test_a_text_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the time of loading goes there, and every command loads a mapping."""
    load()
    compiled: list[str] = []
    monkeypatch.setattr(Environment, "compile", lambda _self, source, *_rest: compiled.append(str(source)))
    load()
    assert compiled == []
