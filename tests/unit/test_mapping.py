"""Loading a mapping: the default's names, what merges, and every way to get it wrong."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import pytest
from pydantic import ValidationError

from mappings.load import MappingError, Problem, load
from mappings.schema import (
    CadenceMapping,
    Condition,
    Interval,
    Party,
    ProcessMapping,
    RulesMapping,
    TaskMapping,
)
from mappings.vocabulary import EmailKind, Revision, Role, Status, TaskKind

Write = Callable[[str], Path]


@pytest.fixture(scope="module")
def default() -> ProcessMapping:
    return load()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a custom mapping and gives its path."""

    def written(text: str) -> Path:
        path = tmp_path / "mapping.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(MappingError) as raised:
        load(path)
    return raised.value.problems


# --- the default -----------------------------------------------------------------------------------------------------


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
    assert {file.read_text("utf-8").rstrip("\n") for file in folder.iterdir()} == used


def test_a_mapping_is_plain_data_that_can_be_read_back(default: ProcessMapping) -> None:
    assert ProcessMapping.model_validate(default.model_dump()) == default


def test_a_mapping_is_frozen(default: ProcessMapping) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(default, "time_zone", "UTC")  # noqa: B010  # mypy, too, refuses the plain assignment


def test_loading_is_quick() -> None:
    load()  # the first one imports and warms up; the templates stay compiled
    started = time.perf_counter()
    load()
    assert time.perf_counter() - started < 0.5  # measured: 0.03 s, cold 0.08 s; the rest is for a busy machine


# --- what the CRM says, understood -----------------------------------------------------------------------------------


def test_statuses_are_understood_and_written(default: ProcessMapping) -> None:
    portfolio = default.portfolio
    assert portfolio.status("") is None
    assert portfolio.status("Paused") is Status.UNMAPPED
    assert portfolio.raw_status(None) == ""
    for status, raw in portfolio.statuses.items():
        assert portfolio.status(raw) is status
        assert portfolio.raw_status(status) == raw


def test_revisions_are_understood(default: ProcessMapping) -> None:
    assert default.ticket.revision("") is None
    assert default.ticket.revision("Everything") is Revision.UNMAPPED
    assert default.ticket.revision("Copy and Graphic Revisions") is Revision.COPY_AND_GRAPHIC


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Weekly", Interval(days=7)),
        ("Every 2 weeks", Interval(days=14)),
        ("Every 3 weeks", Interval(days=21)),
        ("Every 4 weeks", Interval(days=28)),
        ("Every 6 weeks", Interval(days=42)),
        ("Every 8 weeks", Interval(days=56)),
        ("Monthly", Interval(months=1)),
        ("Every 2 months", Interval(months=2)),
        ("Quarterly", Interval(months=3)),
        ("", Interval(months=1)),
        ("  ", Interval(months=1)),
        ("30", Interval(days=30)),
        (" 45 ", Interval(days=45)),
        ("30.0", Interval(days=30)),
        ("007", Interval(days=7)),
        ("0", None),
        ("-7", None),
        ("7.5", None),
        ("1e2", None),
        ("٣٠", None),
        ("4000", None),
        ("9" * 5000, None),
        ("weekly", None),
        ("Fortnightly", None),
    ],
)
def test_a_cadence_is_understood(default: ProcessMapping, raw: str, expected: Interval | None) -> None:
    assert default.cadence.interval(raw) == expected


def test_a_number_that_the_mapping_names_is_not_days() -> None:
    cadence = CadenceMapping(default="1", values={"1": Interval(months=1), "2": Interval(days=14)})
    assert cadence.interval("1") == Interval(months=1)
    assert cadence.interval("") == Interval(months=1)
    assert cadence.interval("3") == Interval(days=3)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 day", "1 day"),
        ("10 days", "10 days"),
        ("2 weeks", "14 days"),
        ("1 month", "1 month"),
        ("1 quarter", "3 months"),
        ("2 years", "24 months"),
    ],
)
def test_an_interval_is_read_and_shown(text: str, shown: str) -> None:
    assert str(Interval.parse(text)) == shown


@pytest.mark.parametrize("text", ["", "week", "0 days", "-1 week", "1.5 weeks", "2 moons", "1 week 2 days", "11 years"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="interval"):
        Interval.parse(text)


@pytest.mark.parametrize(("days", "months"), [(0, 0), (1, 1), (-1, 0), (0, -1), (5, -1)])
def test_an_interval_is_days_or_months(days: int, months: int) -> None:
    with pytest.raises(ValueError, match="either days or months"):
        Interval(days=days, months=months)


# --- due dates -------------------------------------------------------------------------------------------------------


def due_mapping(write: Write, due: str, zone: str = "America/New_York") -> ProcessMapping:
    return load(write(f"time_zone: {zone}\ntasks: {{kickoff: {{due: {due}}}}}\n"))


@pytest.mark.parametrize(
    ("due", "today", "expected"),
    [
        pytest.param("{days: 0, time: '17:00', working_days: false}", "2026-07-01", "2026-07-01T21:00", id="summer"),
        pytest.param("{days: 0, time: '17:00', working_days: false}", "2026-12-01", "2026-12-01T22:00", id="winter"),
        pytest.param(
            "{days: 1, time: '17:00', working_days: false}", "2026-10-31", "2026-11-01T22:00", id="over a change"
        ),
        pytest.param(
            "{days: 1, time: '02:30', working_days: false}", "2026-03-07", "2026-03-08T07:30", id="skipped hour"
        ),
        pytest.param(
            "{days: 0, time: '01:30', working_days: false}", "2026-11-01", "2026-11-01T05:30", id="repeated hour"
        ),
        pytest.param("{days: 1, time: '17:00'}", "2026-11-20", "2026-11-23T22:00", id="Friday and one working day"),
        pytest.param("{days: 3, time: '17:00'}", "2026-11-18", "2026-11-23T22:00", id="a weekend between"),
        pytest.param("{days: 0, time: '17:00'}", "2026-11-21", "2026-11-23T22:00", id="none, on a Saturday"),
        pytest.param("{days: 1, time: '17:00'}", "2026-11-21", "2026-11-23T22:00", id="one, on a Saturday"),
        pytest.param("{days: 10, time: '17:00'}", "2026-11-20", "2026-12-04T22:00", id="two weeks"),
    ],
)
def test_when_a_task_is_due(write: Write, due: str, today: str, expected: str) -> None:
    moment = due_mapping(write, due).due(TaskKind.KICKOFF, date.fromisoformat(today))
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert moment.tzinfo is UTC


# --- a custom mapping ------------------------------------------------------------------------------------------------


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


def test_the_default_copied_elsewhere_is_the_default(write: Write, default: ProcessMapping) -> None:
    assert load(write((resources.files("mappings") / "creative_refresh.yaml").read_text("utf-8"))) == default


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_bytes(b"\xef\xbb\xbftime_zone: Europe/Berlin\r\nrules:\r\n  window_days: 20\r\n")
    mapping = load(path)
    assert (mapping.zone.key, mapping.rules.window_days) == ("Europe/Berlin", 20)


# --- everything that can be wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        # what YAML would make of it
        pytest.param("rules: [", 1, "", "is not YAML", id="no YAML"),
        pytest.param("rules:\n\twindow_days: 3", 2, "", "indent with spaces", id="a tab"),
        pytest.param("closing_line: {{ reason }}: x", 1, "", "put the text in quotes", id="braces without quotes"),
        pytest.param("a: b: c", 1, "", "holds a colon", id="two colons"),
        pytest.param("a: 1\n--- \nb: 2", 2, "", "is not YAML", id="two documents"),
        pytest.param("a: \x07", 1, "", "is not YAML", id="a control character"),
        pytest.param("", 1, "", "the file is empty", id="empty"),
        pytest.param("# nothing\n", 1, "", "the file is empty", id="only a comment"),
        pytest.param("- rules", 1, "", "holds no sections", id="a list"),
        pytest.param("just text", 1, "", "holds no sections", id="a text"),
        pytest.param(
            "rules:\n  window_days: 3\n  window_days: 4",
            3,
            "rules.window_days",
            "a second time, first on line 2",
            id="a key twice",
        ),
        pytest.param(
            "portfolio:\n  statuses:\n    no_refresh_requested: No",
            3,
            "portfolio.statuses.no_refresh_requested",
            "read as yes or no: write it in quotes, 'No'",
            id="an unquoted No",
        ),
        pytest.param("ticket: {approved: true}", 1, "ticket.approved", "in quotes, 'true'", id="an unquoted true"),
        pytest.param("ticket:\n  pipeline: 0123", 2, "ticket.pipeline", "in quotes, '0123'", id="an octal number"),
        pytest.param("ticket: {in_progress: 1}", 1, "ticket.in_progress", "read as a number", id="a number"),
        pytest.param("ticket: {approved: 1.0}", 1, "ticket.approved", "in quotes, '1.0'", id="a fraction"),
        pytest.param("ticket: {approved: 2026-01-01}", 1, "ticket.approved", "read as a date", id="a date"),
        pytest.param("ticket: {approved: }", 1, "ticket.approved", "is empty", id="nothing"),
        pytest.param("ticket: {approved: [a]}", 1, "ticket.approved", "must be a single text", id="a list for a text"),
        pytest.param("cadence: {values: {30: 1 month}}", 1, "cadence.values.30", "in quotes, '30'", id="a numeric key"),
        pytest.param("cadence: {values: {Yes: 1 month}}", 1, "cadence.values.Yes", "in quotes, 'Yes'", id="a yes key"),
        pytest.param("a: &x {b: 1}\nrules: *x", 2, "rules", "write the value out", id="an anchor"),
        pytest.param("a: &x [*x]", 1, "a.0", "write the value out", id="a circle"),
        pytest.param("<<: {rules: {}}", 1, "<<", "merge of sections", id="a merge"),
        pytest.param("rules: !!python/object:os.system {}", 1, "rules", "leave the tag out", id="a tag"),
        pytest.param("? [a]\n: b", 1, "", "plain name before the colon", id="a list for a key"),
        # keys
        pytest.param("rulez: {}", 1, "rulez", "did you mean `rules`?", id="an unknown section"),
        pytest.param("rules:\n  window: 3", 2, "rules.window", "did you mean `window_days`?", id="an unknown key"),
        pytest.param("rules: {zzz: 3}", 1, "rules.zzz", "write one of `window_days`", id="a wholly unknown key"),
        pytest.param(
            "portfolio:\n  statuses: {creative_implemented: x}",
            2,
            "portfolio.statuses.creative_implemented",
            "did you mean `creatives_implemented`?",
            id="an unknown status",
        ),
        pytest.param("portfolio: {statuses: {unmapped: x}}", 1, "portfolio.statuses.unmapped", "remove", id="unmapped"),
        pytest.param("ticket: {revisions: {unmapped: x}}", 1, "ticket.revisions.unmapped", "remove", id="unmapped too"),
        pytest.param("portfolio: {owners: {manager: x}}", 1, "portfolio.owners.manager", "`account_m", id="no role"),
        pytest.param(
            "ticket: {owners: {account_manager: x}}",
            1,
            "ticket.owners.account_manager",
            "write one of `copywriter`, `graphic_designer`",
            id="a role that tickets do not have",
        ),
        pytest.param("tasks: {kickof: {}}", 1, "tasks.kickof", "did you mean `kickoff`?", id="an unknown task"),
        pytest.param(
            "tasks: {kickoff: {bdy: 1}}", 1, "tasks.kickoff.bdy", "did you mean `body`?", id="an unknown entry"
        ),
        pytest.param(
            "portfolio:\n  condition:\n    - property: tier\n      values: [a]\n      on: [b]",
            5,
            "portfolio.condition.0.on",
            "in quotes, 'on'",
            id="a condition's key",
        ),
        # sections and lists
        pytest.param("rules:", 1, "rules", "write its keys below it", id="an empty section"),
        pytest.param("rules: yes", 1, "rules", "must be a section", id="a value for a section"),
        pytest.param(
            "portfolio: {statuses: {}}", 1, "portfolio.statuses", "lacks `creatives_approved`", id="no statuses"
        ),
        pytest.param("roles: {}", 1, "roles", "lacks `copywriter`", id="no roles"),
        pytest.param("portfolio: {properties: {}}", 1, "portfolio.properties.status", "is missing", id="no properties"),
        pytest.param(
            "portfolio: {condition: [{property: a, in: []}]}",
            1,
            "portfolio.condition.0.in",
            "empty list",
            id="no values",
        ),
        pytest.param(
            "portfolio: {condition: [{property: a, in: b}]}",
            1,
            "portfolio.condition.0.in",
            "must be a list",
            id="no list",
        ),
        pytest.param(
            "portfolio:\n  condition:\n  - {property: a, in: [b]}\n  - property: c\n    in: [d, no]",
            5,
            "portfolio.condition.1.in.1",
            "in quotes, 'no'",
            id="a value in a list",
        ),
        # values
        pytest.param("portfolio: {object: ''}", 1, "portfolio.object", "bare name", id="an empty name"),
        pytest.param("ticket: {pipeline: ' a'}", 1, "ticket.pipeline", "bare name", id="a name with spaces around"),
        pytest.param("ticket: {approved: ' '}", 1, "ticket.approved", "is empty", id="a blank value"),
        pytest.param(
            "portfolio: {properties: {status: Creative Refresh Status}}",
            1,
            "portfolio.properties.status",
            "internal name",
            id="a label for a name",
        ),
        pytest.param("time_zone: America/New York", 1, "time_zone", "did you mean `America/New_York`?", id="no zone"),
        pytest.param("time_zone: America", 1, "time_zone", "is no time zone", id="a folder of zones"),
        pytest.param("time_zone: ../zones", 1, "time_zone", "is no time zone", id="a path"),
        pytest.param("rules: {window_days: -1}", 1, "rules.window_days", "write 0 or more", id="a window below zero"),
        pytest.param("rules: {window_days: 999}", 1, "rules.window_days", "365 or less", id="a window too wide"),
        pytest.param("rules: {window_days: '15'}", 1, "rules.window_days", "a whole number", id="a number in quotes"),
        pytest.param("rules: {window_days: true}", 1, "rules.window_days", "a whole number", id="yes for a number"),
        pytest.param("rules: {window_days: 015}", 1, "rules.window_days", "a whole number", id="octal for a number"),
        pytest.param("rules: {effects_per_hour: 0}", 1, "rules.effects_per_hour", "1 or more", id="no effects"),
        pytest.param(
            "rules: {clear_declined_status: 1}", 1, "rules.clear_declined_status", "true or false", id="a switch"
        ),
        pytest.param("cadence: {weekend: skip}", 1, "cadence.weekend", "'keep', 'next' or 'previous'", id="no weekend"),
        pytest.param("cadence: {values: {Monthly: often}}", 1, "cadence.values.Monthly", "`2 weeks`", id="no interval"),
        pytest.param("cadence: {values: {Monthly: 7}}", 1, "cadence.values.Monthly", "`7 days`", id="no unit"),
        pytest.param("cadence: {values: {Monthly: 1.5}}", 1, "cadence.values.Monthly", "no interval", id="half a one"),
        pytest.param(
            "tasks: {kickoff: {due: {time: 17:00}}}", 1, "tasks.kickoff.due.time", "such as '17:00'", id="base sixty"
        ),
        pytest.param("tasks: {kickoff: {due: {time: '5pm'}}}", 1, "tasks.kickoff.due.time", "no time of day", id="5pm"),
        pytest.param("tasks: {kickoff: {priority: high}}", 1, "tasks.kickoff.priority", "'HIGH'", id="a priority"),
        pytest.param(
            "roles: {copywriter: {fallback_owner: 12345}}",
            1,
            "roles.copywriter.fallback_owner",
            "in quotes, '12345'",
            id="an owner's id as a number",
        ),
        # values that do not go together
        pytest.param(
            "portfolio:\n  statuses:\n    creatives_approved: Creatives Implemented",
            2,
            "portfolio.statuses.creatives_implemented",
            "same internal value as `creatives_approved`",
            id="two statuses of one value",
        ),
        pytest.param(
            "ticket: {revisions: {graphic: Copy Revisions Only}}",
            1,
            "ticket.revisions.graphic",
            "same internal value as `copy`",
            id="two revisions of one value",
        ),
        pytest.param(
            "portfolio: {properties: {cadence: creative_refresh_date}}",
            1,
            "portfolio.properties.cadence",
            "same property as `refresh_date`",
            id="two properties of one name",
        ),
        pytest.param(
            "ticket:\n  pending_approval: In Progress",
            2,
            "ticket.pending_approval",
            "two different",
            id="one stage twice",
        ),
        pytest.param(
            "ticket: {approval_reset: Approved}", 1, "ticket.approval_reset", "another one", id="a void reset"
        ),
        pytest.param("cadence: {default: Yearly}", 1, "cadence.default", "not among `values`", id="no such default"),
        pytest.param(
            "cadence:\n  values:\n    Often: 1 week",
            1,
            "cadence.default",
            "`Monthly` is not among",
            id="default gone",
        ),
    ],
)
def test_a_problem_says_where_and_what_to_write(write: Write, text: str, line: int, key: str, message: str) -> None:
    path = write(text)
    matching = [problem for problem in problems_of(path) if problem.key == key and message in problem.message]
    assert len(matching) == 1
    assert (matching[0].file, matching[0].line) == (str(path), line)


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        pytest.param("a{{", 1, "closing_line", "is no template", id="a syntax error"),
        pytest.param("{% if reason %}x", 1, "closing_line", "is no template", id="an open condition"),
        pytest.param("x\n{{ reson }}", 2, "closing_line", "did you mean `reason`?", id="an unknown variable"),
        pytest.param(
            "{% if reason == 'never' %}{{ wy }}{% endif %}x", 1, "closing_line", "`wy`", id="in a dead branch"
        ),
        pytest.param("{{ portfolio.nmae }}", 1, "closing_line", "did you mean `name`?", id="an unknown field"),
        pytest.param("x {{ reason | dya }}", 1, "closing_line", "did you mean `day`?", id="an unknown filter"),
        pytest.param("x\n\n{{ note.body }}", 3, "closing_line", "write {% if … %} around it", id="what may be missing"),
        pytest.param("{% for t in tickets %}{{ t.nme }}{% endfor %}x", 1, "closing_line", "nme", id="in a loop"),
        pytest.param("x{{ days_until + 1 }}", 1, "closing_line", "lacks what it may", id="calculating with nothing"),
        pytest.param("x{{ 1 // 0 }}", 1, "closing_line", "", id="a division by zero"),
        pytest.param("{{ folder }}", 1, "closing_line", "empty text", id="an empty text"),
        pytest.param("{% include 'x' %}", 1, "closing_line", "", id="an include"),
        pytest.param("x{{ reason.__class__.__mro__ }}", 1, "closing_line", "", id="out of the sandbox"),
        pytest.param("x{{ reason | safe }}", 1, "closing_line", "leave out `| safe`", id="unescaped"),
        pytest.param("<a href={{ reason }}>x</a>", 1, "closing_line", "put attributes in quotes", id="no quotes"),
        pytest.param('<a href="{{ ad_lab_link }}">x</a>', 1, "closing_line", "| link", id="a link of any scheme"),
    ],
)
def test_a_text_is_rehearsed(write: Write, text: str, line: int, key: str, message: str) -> None:
    path = write("rules: {}\nclosing_line: |\n" + "".join(f"  {each}\n" for each in text.split("\n")))
    problems = [problem for problem in problems_of(path) if not problem.key.startswith("rules")]
    assert len(problems) == 1
    assert (problems[0].file, problems[0].line, problems[0].key) == (str(path), line + 2, key)
    assert message in problems[0].message


def test_a_problem_in_a_template_file_names_that_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "kickoff.j2").write_text("<p>Hello</p>\n<p>{{ portfolo.name }}</p>\n", encoding="utf-8")
    (problem,) = problems_of(write("tasks: {kickoff: {body: kickoff.j2}}"))
    assert (problem.file, problem.line, problem.key) == (str(tmp_path / "kickoff.j2"), 2, "tasks.kickoff.body")
    assert "did you mean `portfolio`?" in problem.message


def test_a_template_file_that_is_not_utf_8_is_named(write: Write, tmp_path: Path) -> None:
    (tmp_path / "kickoff.j2").write_bytes(b"<p>Hello</p>\n<p>caf\xe9</p>\n")
    (problem,) = problems_of(write("tasks: {kickoff: {body: kickoff.j2}}"))
    assert (problem.file, problem.line, problem.key) == (str(tmp_path / "kickoff.j2"), 2, "tasks.kickoff.body")


@pytest.mark.parametrize("name", ["kickof.j2", "templates/nothing.html.j2"])
def test_a_template_file_that_is_not_there(write: Write, name: str) -> None:
    (problem,) = problems_of(write(f"tasks:\n  kickoff:\n    body: {name}"))
    assert (problem.line, problem.key) == (3, "tasks.kickoff.body")
    assert "there is no template file" in problem.message


@pytest.mark.parametrize("name", ["../secret.j2", "/etc/secret.j2", "a/../../secret.j2"])
def test_a_template_file_stands_beside_the_mapping(write: Write, name: str) -> None:
    (problem,) = problems_of(write(f"tasks: {{kickoff: {{body: {name}}}}}"))
    assert "leads elsewhere" in problem.message


def test_all_problems_are_told_at_once(write: Write) -> None:
    path = write(
        """\
time_zone: Mars/Olympus
portfolio:
  statuses:
    no_refresh_requested: No
    creative_implemented: x
  condition:
    - {property: tier, in: []}
ticket:
  approved: 1
  approved: yes
tasks:
  kickoff:
    subject: '{{ portfolo.name }}'
    due: {time: 9:00}
rules: {window_days: -3}
"""
    )
    problems = problems_of(path)
    assert {problem.key for problem in problems} == {
        "time_zone",
        "portfolio.statuses.no_refresh_requested",
        "portfolio.statuses.creative_implemented",
        "portfolio.condition.0.in",
        "ticket.approved",
        "tasks.kickoff.subject",
        "tasks.kickoff.due.time",
        "rules.window_days",
    }
    assert [problem.line for problem in problems] == sorted(problem.line or 0 for problem in problems)
    with pytest.raises(MappingError) as raised:
        load(path)
    said = str(raised.value).splitlines()
    assert said[0] == f"The mapping (MAPPING) has {len(problems)} problems:"
    assert said[1].startswith(f"  {path}:1: time_zone: 'Mars/Olympus' is no time zone: write ")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.yaml", tmp_path):
        (problem,) = problems_of(path)
        assert (problem.file, problem.line) == (str(path), None)
        assert "cannot be read" in problem.message


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_bytes(b"rules: {}\ntime_zone: caf\xe9\n")
    (problem,) = problems_of(path)
    assert (problem.line, problem.message) == (2, "is not UTF-8 from here on: save the file as UTF-8")
    path.write_bytes("rules: {}".encode("utf-16"))
    assert "UTF-8" in problems_of(path)[0].message
