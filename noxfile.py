"""The project's chores: `nox -l` lists them, `nox -s lint types` runs two of them, `nox` alone what is quick.

A session runs in the environment that nox itself is installed in; the README's command for the tests makes it from the
locks. Only `tests` and `lowest` make environments of their own. What follows `--` goes to the tool: `nox -s unit -- -k poll`.
"""

import sys
from pathlib import Path

import nox

BIN = Path(sys.executable).parent
PARALLEL = ("-n", "auto", "--dist", "loadfile")
UNIT = ("tests/unit", "tests/contract", "tests/sandbox", "tests/machines", "tests/board")
STORIES = ("tests/story",)
ON_POSTGRESQL = (
    "tests/unit/test_ledger.py",
    "tests/unit/test_work_queue.py",
    "tests/contract/test_budget.py",
    "tests/story/test_alerts.py",
    "tests/story/test_kept_clients.py",
    "tests/story/test_letter_by_many_workers.py",
)
"""What touches the database most, run on PostgreSQL a second time."""

BOUNDED = (
    "tests/unit",
    "tests/contract",
    "tests/story/handoffs/test_whole_cycle.py",
    "tests/story/test_serve_killed.py",
)
"""What another environment must pass: every rule, every answer of the CRM, a cycle with every handoff, and `handoffs serve`."""

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "unit"]


def run(session: nox.Session, tool: str, *arguments: str) -> None:
    session.run(str(BIN / tool), *arguments, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format, who may import whom, and that the locks satisfy pyproject.toml."""
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")
    run(session, "lint-imports", "--no-logo")
    run(session, "python", "-m", "tests.locks")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict."""
    run(session, "mypy", *session.posargs)


@nox.session
def unit(session: nox.Session) -> None:
    """Rules, storage, CRM client, simulated CRM and state machines: minutes."""
    run(session, "pytest", *PARALLEL, *UNIT, *session.posargs)


@nox.session
def e2e(session: nox.Session) -> None:
    """Stories of the whole service, with real processes where it matters: minutes."""
    run(session, "pytest", *PARALLEL, *STORIES, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Every command and link of README, CONTRIBUTING and docs/."""
    run(session, "pytest", *PARALLEL, "tests/docs", *session.posargs)


@nox.session
def simulation(session: nox.Session) -> None:
    """Weeks of simulated agencies, judged by the oracle; 150 seeds unless told otherwise."""
    run(session, "python", "-m", "tests.simulation", *(session.posargs or ("--seeds", "0:150")))


@nox.session
def postgresql(session: nox.Session) -> None:
    """A part of the tests and of the simulation on a PostgreSQL server that they start; all of them: `postgresql_all`."""
    session.env["TEST_DATABASE"] = "postgresql"
    run(session, "pytest", *PARALLEL, *(session.posargs or ON_POSTGRESQL))
    if not session.posargs:
        run(session, "python", "-m", "tests.simulation", "--seeds", "0:20")


@nox.session
def postgresql_all(session: nox.Session) -> None:
    """All tests that open a database, and 100 seeds, on a PostgreSQL server that they start: an hour, before a release."""
    session.env["TEST_DATABASE"] = "postgresql"
    run(session, "pytest", *PARALLEL, *UNIT, "tests/reports", *STORIES, *session.posargs)
    run(session, "python", "-m", "tests.simulation", "--seeds", "0:100")


@nox.session
def mutation(session: nox.Session) -> None:
    """Plant every known fault, one at a time, and say who notices: the better part of an hour."""
    run(session, "python", "-m", "tests.mutation", *session.posargs)


@nox.session
def contract(session: nox.Session) -> None:
    """What service and sandbox say, against HubSpot's API descriptions: `nox -s contract -- FOLDER`."""
    if not session.posargs:
        session.skip("give the folder of HubSpot's descriptions: nox -s contract -- FOLDER")
    run(session, "python", "-m", "tests.contract", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Count the calls to the CRM against one call a record, play a week of trouble, and kill the service under load."""
    run(session, "python", "-m", "tests.bench")
    run(session, "python", "-m", "tests.bench.calls", "300")
    run(session, "python", "-m", "tests.bench.trouble", "300")
    run(session, "python", "-m", "tests.bench.kills", "--kills", "60")


@nox.session(venv_backend="venv")
def lowest(session: nox.Session) -> None:
    """A part of the tests with the lowest versions that pyproject.toml allows."""
    place = session.virtualenv.location
    run(session, "uv", "pip", "install", "--quiet", "--python", place, "--resolution", "lowest-direct", "-e", ".[dev]")
    session.run("handoffs", "--help", silent=True)
    session.run("pytest", *PARALLEL, *(session.posargs or BOUNDED))


@nox.session(venv_backend="venv", python=nox.project.python_versions(nox.project.load_toml("pyproject.toml")))
def tests(session: nox.Session) -> None:
    """A part of the tests on each Python that pyproject.toml declares and this machine has."""
    session.install("--quiet", "--requirement", "requirements-dev.txt")
    session.install("--quiet", "--no-deps", "--editable", ".")
    session.run("pytest", *PARALLEL, *(session.posargs or BOUNDED))
