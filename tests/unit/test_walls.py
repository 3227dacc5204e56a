"""The walls between packages stand: each kind of forbidden import is planted in a copy of the tree and refused.

`lint-imports` reads the contracts of `pyproject.toml`. A contract that no longer sees what it forbids is worse than none.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest
from sqlalchemy import Table

from sync.storage import tables

ROOT = Path(__file__).parents[2]

LAYERS = "The packages of sync are layers, every one of them"
PLACES = "The receiver and the mapping have their place among the layers"
PURE = "The pure packages know no I/O, no clock and no randomness"
HTTP = "Only sync.hubspot speaks HTTP to the CRM"
CLIENT = "Only sync.hubspot's own modules, and whoever puts a service together, know the CRM client"
SANDBOX = "Production code does not know the sandbox"
TABLES = "Only sync.storage knows tables and SQL dialects"
SQL = "SQL is written in sync.storage alone"
RECEIVER = "The receiver cannot reach the CRM client, and decides nothing"
BOARD = "The board reads the database alone: it cannot reach the CRM client"
BOARD_RULES = "The board decides nothing"
REPORTS = "Reports read the database alone"
CONTRACTS = {LAYERS, PLACES, PURE, HTTP, CLIENT, SANDBOX, TABLES, SQL, RECEIVER, BOARD, BOARD_RULES, REPORTS}

BENIGN = frozenset(
    {
        "collections",
        "copy",
        "dataclasses",
        "datetime",
        "dateutil",
        "enum",
        "functools",
        "hashlib",
        "html",
        "itertools",
        "re",
    }
    | {"typing"}
)
"""All that the rules may import from outside this project: nothing of it reads, writes, waits or draws lots."""


class Copy:
    """A copy of the tree, in which imports are planted and pulled out again."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def broken(self) -> tuple[set[str], str]:
        """Return which contracts are broken, and the report."""
        linted = subprocess.run(
            [
                sys.executable,
                "-c",
                "from importlinter.cli import lint_imports_command; lint_imports_command()",
                "--cache-dir",
                str(self.root / ".cache"),
            ],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        judged = re.findall(r"^(.+) (KEPT|BROKEN)", linted.stdout, re.MULTILINE)
        assert {name for name, _ in judged} == CONTRACTS, linted.stdout + linted.stderr
        found = {name for name, verdict in judged if verdict == "BROKEN"}
        assert linted.returncode == int(bool(found))
        return found, linted.stdout

    def broken_by(self, file: str, line: str) -> tuple[set[str], str]:
        """Return what a line at the end of a file breaks; the file is made if there is none, and is then as before."""
        path = self.root / file
        before = path.read_bytes() if path.exists() else None
        path.write_text(f"{'' if before is None else before.decode()}\n{line}\n", encoding="utf-8")
        try:
            return self.broken()
        finally:
            path.unlink()
            if before is not None:
                path.write_bytes(before)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    root = tmp_path_factory.mktemp("tree")
    for package in ("sync", "webhooks", "mappings"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    yield Copy(root)
    shutil.rmtree(root)


def test_nothing_is_broken_as_it_is(copy: Copy) -> None:
    assert copy.broken()[0] == set()


@pytest.mark.parametrize(
    ("file", "line", "contracts"),
    [
        # in files that are there
        ("sync/passes/poll.py", "import sync.service.worker", {LAYERS, PLACES}),
        ("sync/storage/waits.py", "import sync.passes.poll", {LAYERS, PLACES}),
        ("sync/admin/explain/__init__.py", "import sync.sandbox.portal", {LAYERS, PLACES, SANDBOX}),
        ("sync/sandbox/portal.py", "import sync.admin.explain", {LAYERS, PLACES}),
        ("sync/observe/health.py", "import webhooks.events", {PLACES}),
        ("webhooks/app.py", "import sync.service.worker", {PLACES, RECEIVER, BOARD}),
        ("webhooks/app.py", "import sync.hubspot.client", {CLIENT, RECEIVER, BOARD}),
        ("sync/reports/report.py", "import sync.passes.poll", {REPORTS}),
        ("sync/observe/health.py", "import sync.reports.report", {LAYERS, PLACES}),
        ("mappings/load.py", "import sync.clock", {PLACES}),
        ("sync/rules/decide.py", "import os", {PURE}),
        ("sync/rules/decide.py", "import sync.storage.database", {LAYERS, PLACES}),
        ("sync/rules/handoffs/kickoff.py", "import random", {PURE}),
        ("sync/admin/verify/due.py", "import requests", {HTTP}),
        ("sync/passes/effects/attempts.py", "import sync.hubspot.client", {LAYERS, PLACES, CLIENT}),
        ("sync/observe/health.py", "import sync.storage.tables", {TABLES}),
        ("sync/passes/sweep.py", "import sqlalchemy", {SQL}),
        ("sync/clock.py", "import sqlite3", {SQL}),
        # in new ones
        ("sync/planted.py", "import json", {LAYERS}),
        ("sync/planted.py", "import requests, sqlalchemy", {LAYERS, HTTP, SQL}),
        ("sync/rules/planted.py", "import os", {PURE}),
        ("sync/rules/planted.py", "import sqlalchemy", {PURE, SQL}),
        ("sync/rules/planted.py", "def now() -> None:\n    import time", {PURE}),
        ("sync/admin/planted.py", "from sync.sandbox import portal", {LAYERS, PLACES, SANDBOX}),
        ("sync/admin/verify/planted.py", "import http.client", {HTTP}),
        ("sync/observe/planted.py", "from sync.storage.tables import effects", {TABLES}),
        ("sync/commands/planted.py", "import sync.sandbox.sandbox", {SANDBOX}),
        ("webhooks/planted.py", "import sync.passes.effects", {RECEIVER}),
        ("sync/board/app.py", "import sync.service.worker", {BOARD}),
        ("sync/board/app.py", "import sync.rules.decide", {BOARD_RULES}),
        ("sync/board/pages/planted.py", "import sync.hubspot.client", {CLIENT, BOARD}),
        ("sync/board/pages/planted.py", "import sync.passes.effects", {BOARD, BOARD_RULES}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_forbidden_import_is_refused(copy: Copy, file: str, line: str, contracts: set[str]) -> None:
    broken, report = copy.broken_by(file, line)

    assert broken == contracts
    assert (ROOT / file).exists() != file.endswith("planted.py"), "it has moved: name another file"
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert module in report.partition("Broken contracts")[2]


def test_the_rules_import_nothing_that_acts() -> None:
    """The contract names what is forbidden; whatever else there is in the world must not come in either."""
    graph = grimp.build_graph("sync", "webhooks", "mappings", include_external_packages=True, cache_dir=None)
    rules = graph.find_descendants("sync.rules")

    imported = {module for rule in rules for module in graph.find_modules_directly_imported_by(rule)}

    assert {one for one in imported if one.partition(".")[0] not in {"sync", "mappings"}} <= BENIGN


def _storage() -> dict[str, str]:
    """The source of each module of sync.storage."""
    found = sorted((ROOT / "sync" / "storage").rglob("*.py"))
    return {path.relative_to(ROOT / "sync" / "storage").as_posix(): path.read_text(encoding="utf-8") for path in found}


def test_the_dialect_of_the_database_is_known_in_one_place() -> None:
    knowing = {path for path, text in _storage().items() if "sqlalchemy.dialects" in text}

    assert knowing == {"upsert.py"}


ONE_DATABASE = re.compile(
    r"PRAGMA|sqlite_master|json_each|\bpg_[a-z_]+\(|dialect\.name|dialect=\"|@compiles\(.*\"|\b(sqlite|postgresql)_[a-z]+="
)
"""What one of the two databases alone understands, or asks which of them it is."""


def test_what_one_database_alone_understands_stands_where_it_is_expected() -> None:
    """Everything else is SQLAlchemy Core, which says it to both. A module that joins them should be about that difference."""
    knowing = {
        path
        for path, text in _storage().items()
        if ONE_DATABASE.search(text) and not path.startswith("migrations/versions/")
    }

    assert knowing == {
        "sqlite.py", "copies.py",  # a file
        "postgres.py", "session_locks.py", "timekeeper.py",  # a server
        "wakeups.py",  # a tick, or NOTIFY
        "lists.py",  # a list as a parameter: each has a function of its own for it
        "tables.py",  # the triggers that count effects
        "moving.py",  # sequences, which a copy must set
        "database.py",  # a file that cannot be written to
        "migrations/env.py",  # how texts sort
    }  # fmt: skip


def test_the_clock_of_a_command_is_chosen_in_one_place() -> None:
    """A command that takes the machine's clock by itself tells a rehearsal's database the wrong day."""
    commands = ROOT / "sync" / "commands"
    known = {file.name for file in commands.rglob("*.py") if "SystemClock" in file.read_text(encoding="utf-8")}
    assert known == {"session.py"}


def test_each_table_has_one_owner() -> None:
    """The ledger is one owner, in however many modules. `overview.py` only asks, of many tables at once."""
    assert not re.search(r"\.(insert|update|delete|upsert)\(|upsert", _storage()["overview.py"])
    names = {name for name, value in vars(tables).items() if isinstance(value, Table)}
    owners: dict[str, set[str]] = {name: set() for name in names}
    for path, text in _storage().items():
        if path == "overview.py":
            continue
        owner = re.sub(r"(_queries)?(\.py|/.+)$", "", path)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == "sync.storage.tables":
                for imported in node.names:
                    owners.get(imported.name, set()).add(owner)

    assert {table: each for table, each in owners.items() if len(each) != 1} == {}
