"""The README cannot rot: its settings, commands and links are compared with what is there."""

import re
import subprocess
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from mappings.load import load
from mappings.richtext import plain_text
from mappings.texts import BLANK, Texts
from mappings.vocabulary import EmailKind, TaskKind
from sync.settings import Settings
from tests.docs.pages import mentioned
from tests.docs.situations import SITUATIONS
from tests.docs.test_pages import exists
from tests.docs.workspace import Workspace

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def settings_table() -> str:
    """The README's table of settings, from the class that reads them."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in {None, (), PydanticUndefined} else f"`{field.default}`"
        rows.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def test_the_table_of_settings_is_the_class_that_reads_them() -> None:
    assert settings_table() in README


def test_the_example_environment_names_every_setting_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE)
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize(
    "command",
    ["status", "explain", "sweep", "poll", "release", "setup", "subscriptions", "check", "serve", "worker", "sandbox"],
)
def test_every_command_of_the_readme_has_help(command: str) -> None:
    from click.testing import CliRunner

    from sync.cli import main

    assert f"handoffs {command}" in README
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0, result.output


# -- what people see


PORTFOLIO = {"id": "1", "name": "Brightside Dental", "url": ""}
NOTE = {
    "body": "<p>Warm autumn colours, and please feature the whitening offer.</p>",
    "at": "2026-10-20T14:05:00+00:00", "url": "", "author": "Amelia Marsh", "account_manager": True, "files": 0,
}  # fmt: skip


def quoted(mark: str) -> list[str]:
    """The words of the quotation that follows a mark, without what Markdown needs."""
    block = README[README.index(f"<!-- text: {mark} -->") :].split("\n\n")[0]
    text = "\n".join(line.lstrip("> ") for line in block.splitlines()[1:])
    return re.sub(r"\*\*|^(?:-|\d\.) ", "", text, flags=re.MULTILINE).split()


def said(text: str) -> list[str]:
    return re.sub(r"^- ", "", plain_text(text), flags=re.MULTILINE).split()


def test_the_task_that_the_readme_shows_is_the_one_that_is_made() -> None:
    mapping = load()
    variables = {**BLANK, "portfolio": PORTFOLIO, "today": "2026-10-21", "refresh_date": "2026-10-21", "days_until": 0}
    note = {**NOTE, "body": plain_text(str(NOTE["body"]))}
    subject, body = Texts(mapping).task(TaskKind.CREATE_TICKETS, {**variables, "notes": [note]})
    due = mapping.tasks[TaskKind.CREATE_TICKETS].due
    when = ["·", "due", "tomorrow,", f"{due.time:%H:%M}"]
    assert due.days == 1
    assert quoted("the task of handoff 3") == [*subject.split(), *when, *said(body)]


def test_the_email_that_the_readme_shows_is_the_one_that_is_sent() -> None:
    variables = {**BLANK, "portfolio": PORTFOLIO, "today": "2026-10-06", "refresh_date": "2026-10-21", "days_until": 15}
    subject, body = Texts(load()).email(EmailKind.KICKOFF, variables)
    assert quoted("the email of handoff 1") == [*subject.split(), *said(body)]


def test_the_mapping_that_the_readme_shows_is_one(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "agency.yaml").write_text(block, encoding="utf-8")
    assert load(tmp_path / "agency.yaml").time_zone == "Europe/London"


# -- what people type


def test_every_command_of_the_readme_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI runs those with its mark word for word; here the others, in an empty directory beside the clone."""
    blocks = re.findall(r"(<!-- ci: \w+ -->\n)?```sh\n(.*?)```", README, re.DOTALL)
    assert [bool(mark) for mark, _ in blocks].count(True) == 2
    workspace = Workspace(tmp_path, monkeypatch)
    try:
        for situation in ("an empty directory", "the project beside it"):
            SITUATIONS[situation](workspace)
        for mark, lines in blocks:
            for line in [] if mark else lines.splitlines():
                result = workspace.run(line)
                assert result.code == 0, f"{line}\n{result.text}"
    finally:
        workspace.close()


@pytest.mark.parametrize("command", mentioned(README))
def test_every_command_that_the_readme_names_exists_with_its_options(command: str) -> None:
    for one in command.replace("`handoffs ", "").split(", "):
        exists(one)


def test_the_commands_come_from_what_the_reader_wants_to_what_is_behind_it() -> None:
    order = re.findall(r"^## (.+)$", README, re.MULTILINE)
    assert order == ["Watch it work", "Install", "Go live", "Operate", "Develop"]


def test_every_file_that_the_readme_names_exists() -> None:
    for name in re.findall(r"`((?:sync|mappings|webhooks|tests|\.ci)/[\w./-]+)`", README):
        assert (ROOT / name).exists(), name


def test_the_procfile_starts_what_exists() -> None:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    assert [line.split(":")[0] for line in lines] == ["release", "web", "worker"]
    assert lines[0] == "release: handoffs db upgrade && handoffs check", "a mapping that does not fit never goes live"


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    needles = ("pypi" + ".org", "files.pythonhosted" + ".org", "/work" + "/", "/root" + "/")
    for name in tracked:
        text = (ROOT / name).read_text(encoding="utf-8", errors="ignore")
        assert not [needle for needle in needles if needle in text], name
