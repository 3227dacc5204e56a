"""A version's migrations only add (docs/deploying.md, "A new version, without standing still").

The version before is at work while they are made, and after: it writes rows without what it does not know, and reads what it
always read. `python -m tests.bench.hosts --part upgrade --before TAG` plays it with a real version before.
"""

import ast
from pathlib import Path

import pytest

import sync.storage

FIRST = "0019"
"""The first after the rule was written down; earlier ones are history."""

ADDS = {"create_table", "create_index", "add_column", "f", "get_bind"}
REMOVES: dict[str, str] = {
    "0024": "Constraints and indexes that others replace at once; no statement of any version names one.",
}
"""Migrations that do more, each with why no version that may be at work beside it needs what goes (*contract*)."""

FILES = [
    file
    for file in sorted((Path(sync.storage.__file__).parent / "migrations" / "versions").glob("[0-9]*.py"))
    if file.name[:4] >= FIRST and file.name[:4] not in REMOVES
]


def beyond_adding(source: str) -> list[str]:
    """What a migration does that the version before may stumble over."""
    found = []
    made = set()
    for call in [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call)]:
        if not (isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in {"op", "batch"}):
            continue
        name, options = call.func.attr, {one.arg: ast.unparse(one.value) for one in call.keywords}
        if name not in ADDS:
            found.append(f"op.{name}")
        elif name == "create_table":
            made.add(ast.unparse(call.args[0]))
        elif name == "add_column" and not _may_be_left_out(call):
            found.append(f"a column that must be given: {ast.unparse(call)}")
        elif name == "create_index" and options.get("unique") == "True" and ast.unparse(call.args[1]) not in made:
            found.append(f"a constraint: {ast.unparse(call)}")
    return found


def _may_be_left_out(call: ast.Call) -> bool:
    """Whether a row without this column can be inserted."""
    column = next(one for one in call.args if isinstance(one, ast.Call))
    options = {one.arg: ast.unparse(one.value) for one in column.keywords}
    return options.get("nullable", "True") == "True" or "server_default" in options


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_version_before_can_go_on(file: Path) -> None:
    assert beyond_adding(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        'op.drop_column("effect", "state")',
        'op.drop_table("effect")',
        'op.execute("DELETE FROM effect")',
        'op.alter_column("effect", "state", nullable=False)',
        'op.add_column("effect", sa.Column("new", sa.Integer(), nullable=False))',
        'op.create_index("ix", "effect", ["state"], unique=True)',
        'batch.drop_column("state")',
    ],
)
def test_what_it_would_stumble_over_is_seen(line: str) -> None:
    assert beyond_adding(f"def upgrade():\n    {line}\n")
