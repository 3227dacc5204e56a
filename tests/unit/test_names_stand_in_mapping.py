"""The CRM's names, values and texts stand in mappings/ and nowhere else: a portal that renames one needs no code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import mappings.vocabulary
from mappings.load import load
from mappings.schema import ProcessMapping

ROOT = Path(__file__).resolve().parents[2]
OWN_WORDS = {
    member.value for kind in vars(mappings.vocabulary).values() if hasattr(kind, "__members__") for member in kind
}
"""The service's own words, which some of the default names happen to equal (`account_manager`)."""


def written(value: object) -> Iterator[str]:
    """Every text below a value of the mapping; of a mapping's keys, none."""
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from written(each)
    elif isinstance(value, str):
        yield value


def names(mapping: ProcessMapping) -> set[str]:
    """What the CRM calls things, its values, and how the texts begin."""
    found = {mapping.closing_line, mapping.time_zone, *mapping.cadence.values, *written(mapping.task)}
    found |= {*written(mapping.portfolio), *written(mapping.ticket), *(role.label for role in mapping.roles.values())}
    sources = [source for task in mapping.tasks.values() for source in (task.subject, task.body)]
    sources += [source for email in mapping.emails.values() for source in (email.subject, email.body)]
    for source in sources:
        parts = re.split(r"\{[{%].*?[%}]\}|<[^>]*>|\n", source)
        found |= {part for each in parts if len(part := each.strip(" :(),.-")) >= 20}
    return {name for name in found if name}


def distinctive(name: str) -> bool:
    """Whether a name can be looked for inside a longer text: no plain English word, and not a word of the service."""
    return bool(re.search(r"[\s_]", name)) and name not in OWN_WORDS


NAMES = names(load())
INSIDE = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(NAMES) if distinctive(name)))
WHOLE = {name for name in NAMES if not distinctive(name) and not name.islower() and name not in OWN_WORDS}


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """The texts that a file's code works with, by line: string literals, but neither docstrings nor comments."""
    tree = ast.parse(path.read_text("utf-8"))
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.JoinedStr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def misplaced(path: Path) -> list[str]:
    found = []
    for line, text in texts_of(path):
        if match := INSIDE.search(text):
            found.append(f"{path.relative_to(ROOT)}:{line}: {match[0]!r}")
        elif text in WHOLE:
            found.append(f"{path.relative_to(ROOT)}:{line}: {text!r}")
    return found


def code() -> list[Path]:
    files = [*(ROOT / "sync").rglob("*.py"), *(ROOT / "webhooks").rglob("*.py")]
    return sorted(path for path in files if "sandbox" not in path.relative_to(ROOT).parts)


def test_the_search_knows_what_to_look_for() -> None:
    for name in (
        "creative_refresh_status",
        "most_recent_ad_lab_link",
        "hs_pipeline_stage",
        "handoff_key",
        "Creatives Completed & Approved",
        "In Progress",
        "Every 2 weeks",
        "Implement New Creatives for Refresh",
        "Account Manager",
        "America/New_York",
    ):
        assert INSIDE.fullmatch(name), name
    assert {"Approved", "Deliverables", "Monthly"} <= WHOLE
    assert not INSIDE.search("account_manager, name and subject are words of our own, and so is in progress")


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('x = "creative_refresh_status"', 1),
        ('x = f"set to Pending Approval: {y}"', 1),
        ('x = "Approved"', 1),
        ('x = "Approved by nobody"', 0),
        ('x = "my_creative_refresh_status_2"', 0),
        ('"""In Progress is a stage."""', 0),
        ("x = 1  # In Progress", 0),
    ],
)
def test_the_search_finds_literals_and_leaves_prose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, count: int
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "some.py"
    path.write_text(source, encoding="utf-8")
    assert len(misplaced(path)) == count


def test_names_stand_in_the_mapping_and_nowhere_else() -> None:
    files = code()
    assert files
    found = [place for path in files for place in misplaced(path)]
    assert not found, "write these names in mappings/ and ask the mapping for them:\n" + "\n".join(found)
