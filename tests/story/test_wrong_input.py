"""Wrong input to every command: one line on stderr that names what to change, the right exit code, nothing on stdout.

The table is tried on one portal that is in use: a client whose kickoff the CRM refuses, two of one name, one whose
kickoff is due, and a plan that was kept. Nothing in it may make a difference to the CRM, or to the ledger.
"""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest
from click.testing import Result

from sync.cli import main
from sync.storage.database import migrate, open_store
from tests.terminal import Terminal, dump
from tests.unit.test_cli import every_command
from tests.world import TODAY, World

PUBLIC = {"PUBLIC_URL": "https://handoffs.example.com", "HUBSPOT_CLIENT_SECRET": "secret"}
PAST, FUTURE = (TODAY - timedelta(days=30)).isoformat(), (TODAY + timedelta(days=30)).isoformat()
BEFORE = f"--since={PAST}"
"""A day before going live, as an option."""
WAITS = "The CRM does not answer as it should"
"""How a person who waits is told so, once, on stderr."""


Command = tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A command, the settings it is run with, how it ends, and what its one line says."""

    command: Command
    code: int
    message: str
    settings: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([*self.command, *(f"{name}={value}" for name, value in self.settings.items())])


ASKS_THE_CRM: tuple[Command, ...] = (
    ("sweep",),
    ("poll",),
    ("setup",),
    ("setup", "--sample"),
    ("check",),
    ("adopt",),
    ("list",),
    ("explain", "Acme"),
    ("verify",),
    ("plan",),
    ("apply", "kept.json"),
    ("replay", "--portfolio", "Acme"),
    ("backfill", BEFORE),
    ("dead", "retry", "--all"),
)
"""Commands that ask the CRM, given rightly."""

STAYS: tuple[Command, ...] = (("serve",), ("worker",))
"""Commands that go on when the CRM fails them, and end with a wrong setting only."""

READS_THE_LEDGER: tuple[Command, ...] = (
    ("users", "list"),
    ("status",),
    ("log",),
    ("letter",),
    ("runs",),
    ("report",),
    ("dead",),
    ("dead", "show", "1"),
    ("dead", "retry", "1"),
    ("replay", "--failed"),
    ("dead", "confirm", "1", "--reason", "x"),
    ("dead", "drop", "1", "--reason", "x", "--yes"),
    ("release", "--reason", "x"),
    ("board",),
    ("users", "add", "Dana"),
    ("users", "remove", "Dana"),
    ("db", "prune"),
    ("db", "restored", "--yes"),
    ("db", "copy", "--to", "sqlite:///another.db", "--yes"),
    ("db", "backup", "another.db"),
)
"""Commands that want a database that is there."""

READS_ONLY: tuple[Command, ...] = READS_THE_LEDGER[:9]
"""… of which these leave its schema as it is."""

MAKES_THE_LEDGER: tuple[Command, ...] = (
    *(command for command in ASKS_THE_CRM if command[0] not in {"replay", "dead"}),
    *STAYS,
    ("db", "upgrade"),
)
"""Commands that make the database where there is none."""

WRITES_THE_LEDGER: tuple[Command, ...] = (*MAKES_THE_LEDGER, *READS_THE_LEDGER[9:-1])


def settings() -> Iterator[Case]:
    """Whatever a command is asked, with a setting that is missing or wrong."""
    subscriptions = ("subscriptions", "--out", "project")
    for command in (*ASKS_THE_CRM, *STAYS):
        yield Case(command, 2, "HUBSPOT_ACCESS_TOKEN is not set", {"HUBSPOT_ACCESS_TOKEN": ""})
    yield Case(subscriptions, 2, "set HUBSPOT_ACCESS_TOKEN", {**PUBLIC, "HUBSPOT_ACCESS_TOKEN": ""})
    for command in ASKS_THE_CRM:
        yield Case(command, 4, "set HUBSPOT_ACCESS_TOKEN to one that is valid", {"HUBSPOT_ACCESS_TOKEN": "pat-old"})
        yield Case(command, 1, "no connection (HUBSPOT_BASE_URL, network)", {"HUBSPOT_BASE_URL": "http://127.0.0.1:1"})
    yield Case(subscriptions, 4, "set HUBSPOT_ACCESS_TOKEN to one", {**PUBLIC, "HUBSPOT_ACCESS_TOKEN": "pat-old"})
    yield Case(subscriptions, 1, "HUBSPOT_BASE_URL", {**PUBLIC, "HUBSPOT_BASE_URL": "http://127.0.0.1:1"})
    yield Case(subscriptions, 5, "portfolio.object", {**PUBLIC, "MAPPING": "misfit.yaml"})
    yield Case(subscriptions, 2, "PUBLIC_URL is not set")
    yield Case(subscriptions, 2, "HubSpot calls https addresses only", {"PUBLIC_URL": "http://handoffs.example.com"})
    for command in (*ASKS_THE_CRM, *STAYS, ("board",), ("report",), ("release", "--reason", "x"), subscriptions):
        yield Case(command, 2, "(MAPPING) has a problem: none.yaml: cannot be read", {**PUBLIC, "MAPPING": "none.yaml"})
        yield Case(command, 2, "bad.yaml:1: portfolio.objekt: is not a key", {**PUBLIC, "MAPPING": "bad.yaml"})
    for command in (*ASKS_THE_CRM, *STAYS, *READS_THE_LEDGER, ("db", "upgrade"), subscriptions):
        yield Case(command, 2, "EMAIL_URL: must start with", {"EMAIL_URL": "pigeon:"})
    for name, value, message in (
        ("HUBSPOT_BASE_URL", "api.hubapi.com", ": must start with http"),
        ("HUBSPOT_BASE_URL", "http://127.0.0.1:99999", ": must be an address with a port"),
        ("PUBLIC_URL", "https://handoffs.example.com/hooks", ": must have no path"),
        ("EMAIL_URL", "smtp://mail:99999", ": must be an address with a port"),
        ("EMAIL_URL", "hubspot:template", ": must name the email's number"),
        ("DATABASE_URL", "postgresql://db:x/handoffs", ": must be postgresql://user:password@host:port/NAME: write #"),
        ("DATABASE_URL", "sqlite:///handoffs.db?mode=ro", ": must be sqlite:///FILE without options"),
        ("PORT", "http", ": Input should be a valid integer"),
        ("POLL_SECONDS", "1", ": Input should be greater than or equal to 5"),
        ("GO_LIVE", "soon", ": must be a date"),
        ("BOARD_PORT", "http", ": Input should be a valid integer"),
        ("BOARD_PROXY_HEADER", "X User", ": String should match pattern"),
        ("BOARD_PROXIES", "proxy.example", ": must be addresses or networks"),
    ):
        yield Case(("explain", "Acme"), 2, name + message, {name: value})
    yield Case(("explain", "Acme"), 4, "HUBSPOT_ACCESS_TOKEN holds characters", {"HUBSPOT_ACCESS_TOKEN": "pat-ä"})
    for command in ASKS_THE_CRM:
        yield Case(command, 2, "GO_LIVE is 2026-01-01, but this service went live at", {"GO_LIVE": "2026-01-01"})
    for command in STAYS:
        yield Case(command, 2, "EMAIL_FROM is not set", {"EMAIL_URL": "smtp://mail"})
    yield Case(("serve",), 2, "HUBSPOT_CLIENT_SECRET is not set", {"PUBLIC_URL": PUBLIC["PUBLIC_URL"]})
    yield Case(("serve",), 2, "PUBLIC_URL is not set", {"HUBSPOT_CLIENT_SECRET": "secret"})
    yield Case(("receiver",), 2, "PUBLIC_URL is not set", {"HUBSPOT_CLIENT_SECRET": "secret"})
    yield Case(("receiver",), 2, "PORT: Input should be a valid integer", {"PORT": "http"})
    yield Case(("receiver",), 1, "does its directory exist", {"DATABASE_URL": "sqlite:///nowhere/handoffs.db"})


def databases() -> Iterator[Case]:
    """A database that is not there, is none, or is of another version."""
    for command in READS_THE_LEDGER:
        yield Case(command, 1, "there is no database", {"DATABASE_URL": "sqlite:///none.db"})
    for command in READS_ONLY:
        yield Case(command, 1, "run `handoffs db upgrade`", {"DATABASE_URL": "sqlite:///empty.db"})
    for command in MAKES_THE_LEDGER:
        yield Case(command, 1, "does its directory exist", {"DATABASE_URL": "sqlite:///nowhere/handoffs.db"})
    for command in WRITES_THE_LEDGER:
        yield Case(command, 1, "was made by a newer version", {"DATABASE_URL": "sqlite:///newer.db"})
    for command in (*ASKS_THE_CRM[:-1], *STAYS):
        yield Case(command, 3, "is a copy of 2026-11-02 14:", {"DATABASE_URL": "sqlite:///copy.db"})
    for command in (*WRITES_THE_LEDGER, *READS_ONLY):
        yield Case(command, 1, "is damaged or is no SQLite file", {"DATABASE_URL": "sqlite:///garbage.db"})


def names() -> Iterator[Case]:
    """Ids and names that nothing has, or several have."""
    for start in (("explain",), ("verify",), ("plan",), ("adopt",), ("backfill", BEFORE), ("replay", "--portfolio")):
        for wanted in ("4711", "Nobody", "", "1; drop table effect"):
            yield Case((*start, wanted), 1, f"there is no portfolio with the id or name “{wanted}”")
    for start in (("backfill", BEFORE), ("replay",)):
        yield Case((*start, "--owner", "nobody@x"), 2, "nobody in the portal is “nobody@x”")
        yield Case((*start, "--handoff", "11"), 2, "'11' is not one of '1', '2a'")
    yield Case(("replay", "--event", "123"), 1, "no event “123” was delivered")
    yield Case(("replay", "--outcome", "odd"), 2, "'odd' is not one of 'failed'")
    for verb in (("show",), ("retry",), ("confirm", "--reason=x"), ("drop", "--reason=x", "--yes")):
        yield Case(("dead", *verb, "4711"), 1, "“4711” is not parked, and nothing of it has failed")
    for file in ("none.json", "bad.yaml", "wrong.json", "folder"):
        yield Case(("apply", file), 2, file)
    for file in ("none.db", "handoffs.db", "folder"):
        yield Case(("db", "restore", file), 2, file)
    for file in ("bad.yaml", "garbage.db"):
        yield Case(("db", "restore", file), 1, f"{file} is damaged or is no SQLite file")
    yield Case(("db", "restore", "empty.db"), 1, "empty.db has an old or no schema")
    for url in ("another.db", "mysql://db.example.com/handoffs"):
        yield Case(("db", "copy", "--to", url), 2, f"--to {url} is no database")


def days() -> Iterator[Case]:
    """Days that are none, and days on the wrong side of today."""
    dated = {"sweep": "--today", "plan": "--at", "verify": "--since", "backfill": "--since", "replay": "--since"}
    dated |= {"log": "--since", "runs": "--since", "report": "--since"}
    ends = [(name, "--until") for name in ("replay", "log", "runs", "report")]
    for name, option in (*dated.items(), *ends):
        for day in ("24.12.2026", "2026-02-30", "tomorrow", ""):
            yield Case((name, option, day), 2, f"'{option}': {day!r} is no date")
        yield Case((name, option, "2999-01-01"), 2, "too far away")
    yield Case(("plan", "--at", PAST), 2, f"{PAST} is past: today is {TODAY}")
    yield Case(("verify", "--since", FUTURE), 2, f"{FUTURE} is still to come")
    yield Case(("replay", "--since", FUTURE), 2, f"{FUTURE} is still to come")
    yield Case(("replay", "--since", "2026-11-01", "--until", PAST), 2, f"{PAST} is before 2026-11-01")
    for name in ("log", "runs", "report"):
        yield Case((name, "--since", "2026-11-01", "--until", PAST), 2, f"{PAST} is before 2026-11-01")
    yield Case(("backfill", "--since", FUTURE), 2, "the service went live on 2026-11-02 09:00")
    yield Case(("sandbox", "--clock", "noon"), 2, "'noon' is no moment")


def places() -> Iterator[Case]:
    """Where nothing can be written."""
    for place in ("nowhere/file", "bad.yaml/file", "folder"):
        yield Case(("plan", "--out", place), 2, place)
        yield Case(("report", "--html", place), 2, place)
        yield Case(("db", "backup", place), 2, place)
        yield Case(("init", "--default", place), 2, place)
    for place in ("bad.yaml", "bad.yaml/agency"):
        yield Case(("init", place), 2, place)
    for place in ("bad.yaml", "bad.yaml/project"):
        yield Case(("subscriptions", "--out", place, "--object-type", "2-1"), 2, place, PUBLIC)


def refusals() -> Iterator[Case]:
    """What wants a person's yes, and nobody is there to be asked."""
    yield Case(("apply", "kept.json"), 3, "add --yes")
    yield Case(("db", "backup", "kept.json"), 3, "kept.json is there already")
    yield Case(("init", "--default", "bad.yaml"), 3, "bad.yaml is there already")
    yield Case(("db", "restore", "copy.db"), 3, "there is a database")
    yield Case(("db", "restore", "copy.db"), 3, "add --yes", {"DATABASE_URL": "sqlite:///none.db"})
    yield Case(("db", "restored"), 3, "add --yes")
    yield Case(("db", "copy", "--to", "sqlite:///another.db"), 3, "add --yes")
    yield Case(("subscriptions", "--out", "project", "--object-type", "2-1"), 3, "--force", PUBLIC)


def usage() -> Iterator[Case]:
    """Options and arguments that are missing, unknown, too many or out of range."""
    yield Case(("swep",), 2, "Did you mean 'sweep'?")
    yield Case(("--qqq",), 2, "No such option")
    for path in every_command(main):
        if path not in {("db",), ("users",), ("sandbox", "do")}:  # groups without a command show their help
            yield Case((*path, "--qqq"), 2, f"See `handoffs {' '.join(path)} --help`.")
    for name in ("sweep", "poll", "setup", "check", "status", "serve", "worker", "demo"):
        yield Case((name, "extra"), 2, "unexpected extra argument (extra)")
    lacking: dict[str, tuple[Command, ...]] = {
        "Missing argument": (
            ("explain",),
            ("apply",),
            ("users", "add"),
            ("users", "remove"),
            ("dead", "show"),
            ("dead", "drop", "--reason", "x"),
            ("dead", "confirm", "--reason", "x"),
        ),
        "Missing option": (
            ("release",),
            ("backfill",),
            ("subscriptions",),
            ("dead", "drop", "1"),
            ("dead", "confirm", "1"),
            ("db", "copy"),
        ),
    }
    for message, commands in lacking.items():
        yield from (Case(command, 2, message) for command in commands)
    yield Case(("release", "--reason", " "), 2, "say why")
    yield Case(("dead", "drop", "1", "--reason", " "), 2, "say why")
    yield Case(("dead", "confirm", "1", "--reason", " "), 2, "say why")
    yield Case(("dead", "retry"), 2, "name what to try again, or give --all")
    yield Case(("log", "--state", "dnoe"), 2, "there is no 'dnoe': it is one of planned")
    for name in ("log", "runs"):
        yield Case((name, "--json", "--csv"), 2, "--json or --csv: it is printed in one way")
    yield Case(("report", "--html", "report.html", "--csv"), 2, "--html, --json or --csv: it is printed in one way")
    yield Case(("report", "--by", "moon"), 2, "'moon' is not one of 'client'")
    yield Case(("dead", "bury"), 2, "No such command 'bury'")
    yield Case(("replay",), 2, "say what to look at again")
    yield Case(("backfill", BEFORE, "--max-effects", "0"), 2, "--max-effects")
    yield Case(("backfill", BEFORE, "--share", "2"), 2, "--share")
    yield Case(("plan", "--at", FUTURE, "--out", "plan.json"), 2, "give --at or --out, not both")
    yield Case(("subscriptions", "--out=x", "--object-type=2-1", "--without-portfolio"), 2, "exclude each other")
    yield Case(("users", "add", " "), 2, "a name has 1 to 200 characters")
    yield Case(("users", "add", "Dana"), 2, "a password has 12 to 1000 characters")
    yield Case(("users", "remove", "Nobody"), 1, "there is no user “Nobody”")
    yield Case(("board",), 2, "nobody may see the board yet: add a user")
    yield Case(("db", "downgrade"), 2, "No such command 'downgrade'")
    yield Case(("db", "prune", "--days", "1"), 2, "--days")


def sandboxes() -> Iterator[Case]:
    """The sandbox's own, without one that runs."""
    yield Case(("sandbox", "--port", "99999"), 2, "--port")
    yield Case(("sandbox", "--seed", "x"), 2, "--seed")
    yield Case(("sandbox", "--populate", "-1"), 2, "--populate")
    yield Case(("sandbox", "--empty", "--populate", "3"), 2, "--empty excludes --populate")
    yield Case(("sandbox", "clock", "--advance", "soon"), 2, "no length of time")
    yield Case(("sandbox", "show", "nothing"), 2, "'nothing' is not one of 'portfolios'")
    nowhere = {"SANDBOX_URL": "http://127.0.0.1:1"}
    for command in (("show", "tasks"), ("clock",), ("fault", "503"), ("do", "set-status", "1", "x")):
        yield Case(("sandbox", *command), 1, "no sandbox answers at http://127.0.0.1:1", nowhere)


CASES = [*settings(), *databases(), *names(), *days(), *places(), *refusals(), *usage(), *sandboxes()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """The one portal of the whole table, on SQLite whatever the suite runs on; at the end nothing has changed in it."""
    directory = tmp_path_factory.mktemp("desk")
    world = World(directory, webhooks=False, database_url=f"sqlite:///{directory / 'handoffs.db'}")
    people = world.people
    people.create_portfolio("Acme", world.day(5))
    refuse = {"name": "no", "type": "task", "property": "hs_task_subject", "pattern": "never", "message": "No."}
    people.set_rules(refuse)
    world.sweep()
    for _ in range(2):
        people.create_portfolio("Twin", world.day(90))
    people.create_portfolio("Bolt", world.day(5))
    people.flush_search()
    with pytest.MonkeyPatch.context() as patch:
        terminal = Terminal(world, patch, served=False)  # a sign of life would be a change
        assert terminal.run("plan", "--out", "kept.json").exit_code == 0
        assert terminal.run("subscriptions", "--out", "project", "--object-type", "2-9", **PUBLIC).exit_code == 0
        assert terminal.run("db", "backup", "copy.db").exit_code == 0
        _leave_files(directory)
        before = dump(world)
        yield terminal
        # Only that somebody had it retried is kept, with how it ended.
        assert {**dump(world), "run": []} == before
        assert not (directory / "none.db").exists()
        assert not (directory / "nowhere").exists()
    world.close()


def _leave_files(directory: Path) -> None:
    """Files of every wrong kind."""
    (directory / "bad.yaml").write_text("portfolio: {objekt: clients}\n", encoding="utf-8")
    (directory / "misfit.yaml").write_text("portfolio: {object: gardens}\n", encoding="utf-8")
    (directory / "wrong.json").write_text('{"version": 1, "effects": [1]}', encoding="utf-8")
    (directory / "folder").mkdir()
    (directory / "garbage.db").write_text("hello " * 500, encoding="utf-8")
    (directory / "empty.db").touch()
    newer = open_store(f"sqlite:///{directory / 'newer.db'}")
    migrate(newer)
    with newer.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    newer.close()


def said(result: Result) -> list[str]:
    """The lines on stderr, but for the one that tells a person why they wait."""
    return [line for line in result.stderr.splitlines() if not line.startswith(WAITS)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_wrong_input_is_told_in_one_line(desk: Terminal, case: Case) -> None:
    result = desk.run(*case.command, **case.settings)
    assert (result.exit_code, result.stdout) == (case.code, ""), result.output
    [line] = said(result)
    assert line.startswith("Error: ")
    assert case.message in line


def test_the_table_has_every_command() -> None:
    """Each is tried with something that is wrong beyond an option that it does not have."""
    tried = {case.command for case in CASES if "--qqq" not in case.command}
    paths = [path for path in every_command(main) if path[0] != "sandbox"]
    leaves = [path for path in paths if not isinstance(_found(path), click.Group) or path == ("dead",)]
    assert not [path for path in leaves if not any(command[: len(path)] == path for command in tried)]


def _found(path: tuple[str, ...]) -> click.Command:
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        child = command.get_command(click.Context(command), name)
        assert child is not None
        command = child
    return command


def test_a_name_that_several_have_lists_them(desk: Terminal) -> None:
    twins = sorted(one.id for one in desk.world.people.list("portfolio") if one["name"] == "Twin")
    for command in (["explain"], ["verify"], ["plan"], ["adopt"], ["backfill", BEFORE], ["replay", "--portfolio"]):
        result = desk.run(*command, "Twin")
        assert (result.exit_code, result.stdout) == (1, "")
        assert [line.split()[0] for line in said(result)[1:]] == twins


def test_several_wrong_settings_are_told_together_one_a_line(desk: Terminal) -> None:
    result = desk.run("sweep", PORT="99999", DATABASE_URL="oracle://x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.removeprefix("Error: ").split(":")[0] for line in said(result)] == ["DATABASE_URL", "PORT"]


def test_dropping_wants_a_yes(desk: Terminal) -> None:
    [failed] = desk.json("dead")["failed"]
    result = desk.run("dead", "drop", failed["key"], "--reason", "x")
    assert (result.exit_code, result.stdout) == (3, "")
    [line] = said(result)
    assert "add --yes" in line


def test_an_env_file_that_is_no_text_is_named(desk: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"EMAIL_FROM=caf\xe9@agency.example\n")
    result = desk.run("sweep")
    assert (result.exit_code, result.stdout) == (2, "")
    [line] = said(result)
    assert ".env is not UTF-8" in line


def test_what_finds_nothing_says_so_and_is_no_failure(desk: Terminal) -> None:
    """An empty result: 0, a word on stderr, and nothing on stdout for a script to trip over."""
    for command in (["replay", "--until", PAST], ["replay", "--outcome", "parked"]):
        result = desk.run(*command)
        assert (result.exit_code, result.stdout, said(result)) == (0, "", ["Nothing matches."])


def test_an_address_at_which_something_else_answers_is_named(desk: Terminal) -> None:
    class Welcome(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<h1>Welcome to nginx!</h1>")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Welcome) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        result = desk.run("check", HUBSPOT_BASE_URL=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert (result.exit_code, result.stdout) == (1, "")
    [line] = said(result)
    assert "an answer that is not HubSpot's JSON (HUBSPOT_BASE_URL, network)" in line


def test_a_sandbox_on_a_port_in_use_names_the_option(desk: Terminal) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = desk.run("sandbox", "--port", str(other.getsockname()[1]))
    assert (result.exit_code, result.stdout) == (2, "")
    [line] = said(result)
    assert "choose another with --port" in line
