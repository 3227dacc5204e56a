"""The README cannot rot: its settings, commands and links are compared with what is there."""

import re
import subprocess
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from sync.settings import Settings

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
