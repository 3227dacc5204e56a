"""Every way to get a mapping wrong: where the problem is, and what to write instead."""

from pathlib import Path

import pytest

from mappings.load import MappingError, load
from tests.unit.mapping.files import Write, problems_of


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
        pytest.param(r'ticket: {approved: "yes \0"}', 1, "ticket.approved", "no database takes", id="NUL"),
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
