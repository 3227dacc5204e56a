"""A custom mapping: what merges with the default, and what replaces it."""

from importlib import resources
from pathlib import Path

import pytest

from mappings.load import load
from mappings.schema import (
    Condition,
    Interval,
    ProcessMapping,
)
from mappings.vocabulary import EmailKind, Role, Status, TaskKind
from tests.unit.mapping.files import Write


def test_what_is_left_out_stays_as_in_the_default(write: Write, default: ProcessMapping) -> None:
    custom = load(
        write(
            """
            portfolio:
              statuses: {creatives_implemented: status_6}
              owners: {account_manager: am_owner}
            tasks: {implement: {due: {days: 9}}}
            """
        )
    )
    assert custom.portfolio.statuses[Status.CREATIVES_IMPLEMENTED] == "status_6"
    assert custom.portfolio.status("Creatives Implemented") is Status.UNMAPPED
    assert custom.portfolio.statuses[Status.CREATIVES_APPROVED] == "Creatives Completed & Approved"
    assert custom.portfolio.owners[Role.ACCOUNT_MANAGER] == "am_owner"
    assert custom.portfolio.owners[Role.COPYWRITER] == "copywriter"
    implement = custom.tasks[TaskKind.IMPLEMENT]
    assert implement.due.days == 9
    assert implement.due.time == default.tasks[TaskKind.IMPLEMENT].due.time
    assert implement.subject == "Implement New Creatives for Refresh"
    assert custom.ticket == default.ticket


def test_lists_and_cadence_values_are_replaced(write: Write) -> None:
    custom = load(
        write(
            """
            portfolio: {condition: [{property: tier, in: [Gold, 'true']}, {property: live, in: ['']}]}
            cadence: {default: Often, values: {Often: 10 days, '4': 1 quarter}}
            """
        )
    )
    assert custom.portfolio.condition == (
        Condition(property="tier", values=("Gold", "true")),
        Condition(property="live", values=("",)),
    )
    assert custom.cadence.values == {"Often": Interval(days=10), "4": Interval(months=3)}
    assert custom.cadence.weekend == "keep"


def test_an_empty_section_means_none(write: Write) -> None:
    assert load(write("ticket: {owners: {}}")).ticket.owners == {}


def test_a_text_may_stand_in_the_file_or_beside_it(write: Write, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "kickoff.j2").write_text("<p>Hallo {{ role }}</p>\n", encoding="utf-8")
    custom = load(
        write(
            """
            tasks:
              kickoff: {subject: 'Kickoff {{ portfolio.name }}', body: texts/kickoff.j2}
            emails:
              refresh_live: {body: templates/email_kickoff.txt.j2}
            """.replace("refresh_live", "kickoff")
        )
    )
    assert custom.tasks[TaskKind.KICKOFF].body == "<p>Hallo {{ role }}</p>"
    assert custom.emails[EmailKind.KICKOFF] == load().emails[EmailKind.KICKOFF]


@pytest.mark.parametrize("named", [True, False], ids=["named by the own mapping", "named by the packaged one alone"])
def test_an_own_text_of_a_packaged_ones_name(
    write: Write, tmp_path: Path, default: ProcessMapping, named: bool
) -> None:
    """It is looked for beside the mapping that names it: beside the own one where that does, and not otherwise."""
    for name in ("task_kickoff.html.j2", "email_kickoff.txt.j2"):
        (tmp_path / "templates").mkdir(exist_ok=True)
        (tmp_path / "templates" / name).write_text("Our own\n", encoding="utf-8")
    body = """
        tasks: {kickoff: {body: templates/task_kickoff.html.j2}}
        emails: {kickoff: {body: templates/email_kickoff.txt.j2}}
    """
    custom = load(write(body if named else "time_zone: Europe/Berlin"))
    found = (custom.tasks[TaskKind.KICKOFF].body, custom.emails[EmailKind.KICKOFF].body)
    packaged = (default.tasks[TaskKind.KICKOFF].body, default.emails[EmailKind.KICKOFF].body)
    assert found == (("Our own", "Our own") if named else packaged)


def test_the_default_copied_elsewhere_is_the_default(write: Write, default: ProcessMapping) -> None:
    assert load(write((resources.files("mappings") / "creative_refresh.yaml").read_text("utf-8"))) == default


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_bytes(b"\xef\xbb\xbftime_zone: Europe/Berlin\r\nrules:\r\n  window_days: 20\r\n")
    mapping = load(path)
    assert (mapping.zone.key, mapping.rules.window_days) == ("Europe/Berlin", 20)
