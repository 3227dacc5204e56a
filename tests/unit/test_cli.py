"""The commands as a person meets them before any CRM is there: help, usage, settings, and what needs the database only."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner, Result

from sync.cli import SECTIONS, main
from sync.clock import SystemClock, to_ms
from sync.commands.output import in_zone, use_zone
from sync.crm import Kind, RecordRef
from sync.storage import service_state, work_queue
from sync.storage.database import Store, migrate, open_store
from sync.storage.tables import deliveries, events, releases
from tests.alive import alive, give_signs

COMMANDS = [name for section in SECTIONS.values() for name in section]
HEAVY = {"sqlalchemy", "pydantic", "flask", "requests", "rich", "hubspot", "structlog", "jinja2", "alembic"}
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory without settings; logs are left as the tests have them."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("HUBSPOT_", "EMAIL_")) or name in {"PUBLIC_URL", "MAPPING", "GO_LIVE", "PORT"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'handoffs.db'}")
    monkeypatch.setattr("sync.log.configure", lambda *_args, **_options: None)
    return tmp_path


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    """The database that the commands open, up to date."""
    opened = open_store(f"sqlite:///{place / 'handoffs.db'}")
    migrate(opened)
    give_signs(opened, SystemClock())
    yield opened
    opened.close()


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, list(arguments))


def every_command(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if path:
        yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every_command(found, (*path, name))


# -- help


def test_the_help_shows_every_command_in_its_section() -> None:
    text = run("--help").output
    for title, section in SECTIONS.items():
        part = text[text.index(f"{title}:") :]
        assert all(re.search(rf"^  {name} +\w", part, re.MULTILINE) for name in section)


@pytest.mark.parametrize("path", list(every_command(main)), ids=" ".join)
def test_every_command_has_help_that_fits_80_columns(path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    if path in {(name,) for name in COMMANDS}:
        assert "Example" in result.output or path == ("db",)
        assert "Exit codes" in result.output or path == ("db",)


@pytest.mark.parametrize("path", [(), *every_command(main)], ids=" ".join)
def test_no_line_of_a_list_of_commands_is_cut_off(path: tuple[str, ...]) -> None:
    assert not re.search(r"[a-z,]\.\.\.$", run(*path, "--help").output, re.MULTILINE)


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from sync.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


def test_the_version_is_shown() -> None:
    assert run("--version").output.startswith("handoffs, version ")


# -- usage and settings


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["swep"], "Did you mean 'sweep'?"),
        (["sweep", "--jsn"], "--json"),
        (["sweep", "--today", "24.12.2026"], "'24.12.2026' is no date: write it as 2026-11-22"),
        (["sweep", "--today", "9999-01-01"], "too far away"),
        (["explain"], "PORTFOLIO"),
        (["release"], "--reason"),
        (["release", "--reason", "  "], "say why"),
        (["db", "prune", "--days", "1"], "--days"),
        (["sandbox", "clock", "--advance", "soon"], "no length of time"),
        (["sandbox", "--clock", "noon"], "no moment"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_2_and_says_what_is_right(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("command", "environment", "message"),
    [
        ("serve", {}, "HUBSPOT_ACCESS_TOKEN is not set"),
        ("worker", {}, "HUBSPOT_ACCESS_TOKEN is not set"),
        ("sweep", {}, "HUBSPOT_ACCESS_TOKEN is not set"),
        ("setup", {}, "HUBSPOT_ACCESS_TOKEN is not set"),
        ("status", {"EMAIL_URL": "pigeon:"}, "EMAIL_URL: must start with"),
        ("status", {"DATABASE_URL": "postgresql://db"}, "DATABASE_URL: must name the database"),
        ("sweep", {"MAPPING": "nowhere.yaml"}, "nowhere.yaml: cannot be read"),
        ("serve", {"HUBSPOT_ACCESS_TOKEN": "pat", "EMAIL_URL": "smtp://mail"}, "EMAIL_FROM is not set"),
        ("serve", {"HUBSPOT_ACCESS_TOKEN": "pat", "PUBLIC_URL": "https://a.example"}, "HUBSPOT_CLIENT_SECRET is not set"),
        ("serve", {"HUBSPOT_ACCESS_TOKEN": "pat", "HUBSPOT_CLIENT_SECRET": "s"}, "PUBLIC_URL is not set"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_2_and_named(command: str, environment: dict[str, str], message: str) -> None:
    result = run(command, **environment)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    if "MAPPING" not in environment:
        assert f"(read in the environment; there is no {Path('.env').absolute()})" in result.stderr


def test_the_env_file_that_was_read_is_named(place: Path) -> None:
    (place / ".env").write_text("PORT=eighty\n", encoding="utf-8")
    assert f"(read in the environment and {place / '.env'})" in run("status").stderr


def test_two_wrong_settings_are_told_together() -> None:
    result = run("status", PORT="a", POLL_SECONDS="1")
    assert "PORT" in result.stderr
    assert "POLL_SECONDS" in result.stderr


# -- the database, as it is met


@pytest.mark.parametrize("command", [["status"], ["release", "--reason", "x"], ["db", "prune"]])
def test_no_database_is_said_and_none_is_made(place: Path, command: list[str]) -> None:
    result = run(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"there is no database {place / 'handoffs.db'}" in result.stderr
    assert not (place / "handoffs.db").exists()


def test_a_file_that_is_no_database(place: Path) -> None:
    (place / "handoffs.db").write_text("hello " * 500)
    result = run("status")
    assert result.exit_code == 1
    assert "is damaged or is no SQLite file" in result.stderr


def test_an_old_schema_is_not_read_and_upgrade_is_named(place: Path) -> None:
    (place / "handoffs.db").touch()
    result = run("status")
    assert result.exit_code == 1
    assert "handoffs db upgrade" in result.stderr


def test_a_directory_that_does_not_exist(place: Path) -> None:
    result = run("db", "upgrade", DATABASE_URL=f"sqlite:///{place}/none/handoffs.db")
    assert result.exit_code == 1
    assert "does its directory exist" in result.stderr


def test_upgrade_says_from_and_to_and_then_nothing_more() -> None:
    first, second = run("db", "upgrade"), run("db", "upgrade")
    assert re.search(r"from nothing to \w+", first.output)
    assert "up to date" in second.output


def test_prune_removes_old_deliveries_with_their_events_and_keeps_the_young(store: Store) -> None:
    with store.write() as connection:
        for number, age in enumerate((10, 89, 91, 400)):
            at = to_ms(NOW - timedelta(days=age))
            connection.execute(deliveries.insert().values(id=number, received_at=at, body=b"[]"))
            row = {"identity": str(number), "delivery": number, "received_at": at, "subscription": "s"}
            connection.execute(events.insert().values(object_type="0-5", object_id="1", own=0, raw="{}", **row))
    assert run("db", "prune", "--dry-run").output.startswith("Would remove 2 webhook requests with 2 events")
    assert run("db", "prune").output == "Removed 2 webhook requests with 2 events, older than 90 days.\n"
    with store.read() as connection:
        assert connection.scalars(deliveries.select()).all() == [0, 1]
        assert len(connection.execute(events.select()).all()) == 2
    assert run("db", "prune", "--days", "30").output.startswith("Removed 1 webhook request with 1 event,")


def test_a_copy_holds_all_that_was_committed_while_the_service_has_it_open(store: Store, place: Path) -> None:
    with store.write() as connection:
        connection.execute(deliveries.insert().values(id=1, received_at=to_ms(NOW), body=b"[]"))
    assert (place / "handoffs.db-wal").stat().st_size, "it is not in the file itself yet"
    assert run("db", "backup", "copy.db").output.startswith("Copied into copy.db: ")
    for path in place.glob("handoffs.db*"):
        path.unlink()
    assert run("db", "restore", "copy.db", "--yes").output.startswith("Put back: copy.db, of ")
    alive(f"sqlite:///{place / 'handoffs.db'}", SystemClock())  # those that ran when it was copied are forgotten
    assert run("status").exit_code == 0
    restored = open_store(f"sqlite:///{place / 'handoffs.db'}")
    with restored.read() as connection:
        assert connection.scalars(deliveries.select()).all() == [1]
        assert service_state.get(connection, service_state.COPIED_AT) is None
    restored.close()


@pytest.mark.parametrize("words", [("backup", "copy.db"), ("restore", "copy.db", "--yes")], ids=" ".join)
def test_a_database_on_a_server_is_copied_by_the_servers_programs(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://handoffs:secret@db.test/handoffs")
    result = run("db", *words)
    assert result.exit_code == 3
    assert "postgresql://handoffs:***@db.test/handoffs is no file" in result.output
    assert "pg_dump" in result.output or "pg_restore, then `handoffs db restored`" in result.output
    assert not (place / "copy.db").exists()


def test_a_database_put_back_by_other_means_knows_no_more_than_an_empty_one(store: Store) -> None:
    long_ago = datetime(2026, 8, 1, tzinfo=UTC)
    with store.write() as connection:
        service_state.put(connection, service_state.LEDGER_BEGAN, long_ago)
        service_state.put(connection, service_state.RECOVERED, 7)
    assert run("db", "restored").exit_code == 3
    with store.read() as connection:
        assert service_state.get(connection, service_state.LEDGER_BEGAN) == long_ago
    assert run("db", "restored", "--yes").output.startswith("Noted: sqlite:///")
    with store.read() as connection:
        began = service_state.get(connection, service_state.LEDGER_BEGAN)
        assert began is not None
        assert began > long_ago
        assert service_state.get(connection, service_state.RECOVERED) is None


# -- status


KEYS = [
    *("version", "ok", "backlog", "oldest_seconds", "deliveries", "waiting", "parked", "held"),
    *("planned", "attempting", "unknown", "blocked", "failed", "sending", "unproven"),
    *("last_sweep", "last_poll", "last_webhook", "budget"),
    *(
        "reasons",
        "errors",
        "troubles",
        "failing",
        "incomplete",
        "stuck",
        "worth_a_look",
        "running",
        "mapping",
        "letter",
        "told",
        "at",
    ),
]


def test_status_of_a_quiet_database_is_ok_without_token_or_crm(store: Store) -> None:
    result = run("status", "--json")
    assert result.exit_code == 0
    told: dict[str, Any] = json.loads(result.stdout)
    assert list(told) == KEYS
    assert told | {"ok": True, "version": 1, "backlog": 0, "last_sweep": None} == told
    assert run("status").output.startswith("All is well.\n")


def test_status_names_held_parked_and_refused(store: Store) -> None:
    held, parked, due = (RecordRef(Kind.PORTFOLIO, i) for i in ("1", "2", "3"))
    with store.write() as connection:
        work_queue.enqueue(connection, [held, parked, due], NOW - timedelta(minutes=1), "webhook")
        looks = {look.record: look for look in work_queue.lease(connection, 0, NOW, 9)}
        work_queue.hold(connection, [looks[held]], {held: 7})
        for _ in range(len(work_queue.BACKOFF) + 1):
            [look] = [
                each for each in work_queue.lease(connection, 0, NOW + timedelta(days=9), 9) if each.record == parked
            ]
            work_queue.nack(connection, look, NOW, "Traceback …\nValueError: the date is no date")
        misfit = "ticket.pipeline: the portal has no ticket pipeline “x”"
        service_state.put(connection, service_state.MAPPING_MISFIT, misfit)
        service_state.put(connection, service_state.LAST_WEBHOOK, NOW)
    told = json.loads(run("status", "--json").stdout)
    assert told | {"ok": False, "backlog": 1, "held": 1, "parked": 1} == told
    assert told["oldest_seconds"] >= 60
    [kind] = told["errors"]
    assert (kind["kind"], kind["count"], kind["example"]) == ("ValueError", 1, "ValueError: the date is no date")
    assert abs(datetime.fromisoformat(told["last_webhook"]) - NOW) < timedelta(seconds=1)
    result = run("status")
    assert result.exit_code == 1
    assert "7 effects held by the breaker: `handoffs release --reason …`" in result.output
    assert "portfolio 2, 8 times; parked since" in result.output
    assert "ValueError: the date is no date" in result.output
    assert "the portal has no ticket pipeline “x”" in " ".join(result.output.split())
    assert max(map(len, result.output.splitlines())) <= 80


# -- release


def test_release_permits_the_limit_or_all_and_keeps_who_and_why(store: Store) -> None:
    records = [RecordRef(Kind.PORTFOLIO, str(i)) for i in range(3)]
    with store.write() as connection:
        work_queue.enqueue(connection, records, NOW, "sweep")
        looks = work_queue.lease(connection, 0, NOW, 9)
        work_queue.hold(connection, looks, dict.fromkeys(records, 900))
    result = run("release", "--reason", "looked through", LOGNAME="ada")
    assert result.exit_code == 0
    assert "Held: 3 records with 2,700 effects.\nReleased: 2 records with 1,800 effects;" in result.stdout
    assert "Permitted within the next hour: 1,000 effects beyond the limit of 1,000." in result.stdout
    assert "Still held: 1 record with 900 effects." in result.stderr
    assert "Released: 1 record with 900 effects" in run("release", "--reason", "all of it", "--all").stdout
    for arguments in ([], ["--all"]):
        again = run("release", "--reason", "again", *arguments)
        assert (again.exit_code, again.output) == (0, "Nothing is held: nothing was changed.\n")
    with store.read() as connection:
        kept = connection.execute(releases.select()).all()
        assert not work_queue.held(connection)
    assert [(row.actor, row.reason, row.effects) for row in kept] == [
        ("ada", "looked through", 1000),
        (kept[1].actor, "all of it", 900),
    ]


def test_what_only_looks_does_not_fix_the_moment_of_going_live(store: Store) -> None:
    """docs/process.md G.1."""
    nowhere = {"HUBSPOT_ACCESS_TOKEN": "pat", "HUBSPOT_BASE_URL": "http://127.0.0.1:1"}
    from sync.service.bootstrap import build
    from sync.settings import read_settings

    settings = read_settings(_env_file=None, **{name.lower(): value for name, value in nowhere.items()})
    build(settings, begin=False).close()
    with store.read() as connection:
        assert service_state.get(connection, service_state.GO_LIVE) is None
    build(settings).close()
    with store.read() as connection:
        assert service_state.get(connection, service_state.GO_LIVE) is not None


@pytest.mark.parametrize(
    ("zone", "told"),
    [(ZoneInfo("Europe/Vienna"), "Mon 2 Nov 2026 09:00"), (None, "Mon 2 Nov 2026 08:00 UTC")],
)
def test_moments_of_a_reason_are_told_in_the_portals_zone(zone: ZoneInfo | None, told: str) -> None:
    """A reason is one for `status` and for a monitor: what it says in UTC is said to a person as all other times are."""
    with click.Context(click.Command("status")):
        use_zone(zone)
        assert (
            in_zone("it failed 7 times since 2026-11-02 08:00:05 UTC. Again")
            == f"it failed 7 times since {told}. Again"
        )
        assert in_zone("the date 2026-11-02 stands") == "the date 2026-11-02 stands"
