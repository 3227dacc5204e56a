"""CONTRIBUTING.md and the records of decisions cannot rot: their commands are run, what they name exists."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import blocks

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
RECORDS = sorted((ROOT / "docs" / "adr").glob("0*.md"))
TEXT = CONTRIBUTING.read_text(encoding="utf-8")


def test_the_set_up_is_the_one_that_ci_takes_from_the_readme() -> None:
    (set_up,) = (block for block in blocks(TEXT) if "set-up" in block.marks)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (of_readme,) = re.findall(r"<!-- ci: tests -->\n```sh\n(.+?)\n```", readme, re.DOTALL)
    assert of_readme.splitlines() == [*set_up.lines, ".venv/bin/pytest -n auto --dist loadfile"]


@pytest.mark.parametrize(
    "line", [line for block in blocks(TEXT) if "set-up" not in block.marks for line in block.lines]
)
def test_every_command_runs(line: str, tmp_path: Path) -> None:
    here = line.replace(".venv/bin/", f"{BIN}/").replace("story.json", str(tmp_path / "story.json"))
    done = subprocess.run(["bash", "-euc", here], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def sessions() -> set[str]:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list}


def test_every_session_that_the_text_or_ci_names_exists() -> None:
    for text in (TEXT, (ROOT / ".ci" / "run").read_text(encoding="utf-8")):
        named = [name for found in re.findall(r"nox\"? -s ([a-z ]+)", text) for name in found.split()]
        assert named
        assert set(named) <= sessions()


def test_every_hook_runs_a_tool_of_the_locks() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert local["repo"] == "local", "a hook from elsewhere would be fetched"
    for hook in local["hooks"]:
        assert (BIN / hook["entry"].split()[0].removeprefix(".venv/bin/")).is_file(), hook["id"]


@pytest.mark.parametrize(
    "page", [CONTRIBUTING, *sorted((ROOT / "docs" / "adr").glob("*.md"))], ids=lambda page: page.stem
)
def test_what_is_linked_or_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), target
    for name in re.findall(r"`((?:sync|mappings|webhooks|tests|\.ci)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name


def test_the_index_of_decisions_lists_each_by_its_title_and_status() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \| (.+) \|$", index, re.MULTILINE)
    assert [row[1] for row in rows] == [record.name for record in RECORDS]
    for (number, _, title, status), record in zip(rows, RECORDS, strict=True):
        lines = record.read_text(encoding="utf-8").splitlines()
        assert lines[0] == f"# {number} · {title}"
        assert lines[2].split(" · ")[1].split(";")[0] == status
        assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"]
