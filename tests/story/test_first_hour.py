"""What a new admin sees in the first hour: nothing has to be guessed, and nothing frightens without a cause."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from mappings.digest import digest_of
from sync.cli import main
from sync.commands.sandbox.connection import MARK
from sync.observe.agreement import begun_before
from sync.observe.heartbeat import Heartbeat
from sync.sandbox import Sandbox, SandboxServer
from sync.settings import Settings, read_settings_of
from sync.storage import service_state
from sync.storage.processes import Part, Process
from tests.conftest import MakeWorld
from tests.terminal import Terminal
from tests.world import World


@pytest.fixture
def portal(make_world: MakeWorld) -> World:
    """A portal in use: one client has declined the refresh before this one, whose date is near."""
    world = make_world(with_task_property=False, go_live="2026-11-03")
    declined = world.people.create_portfolio("Acme", world.day(40), status="No Refresh Requested")
    world.people.create_portfolio("Bolt", world.day(40), status="Creatives Completed & Approved")
    world.clock.advance(timedelta(days=1))
    world.people.set("portfolio", declined, {"creative_refresh_date": world.day(9).isoformat()})
    world.clock.advance(timedelta(minutes=10))
    world.people.flush_search()
    return world


def words(result: Result) -> str:
    return " ".join(result.output.split())


class TestAdopt:
    def test_why_a_client_who_declined_is_due(self, portal: World, monkeypatch: pytest.MonkeyPatch) -> None:
        shown = words(Terminal(portal, monkeypatch).run("adopt"))
        assert "handoff 1: the Refresh Date" in shown
        assert "; “No Refresh Requested” in the status is left of the refresh before" in shown

    def test_a_client_who_did_not_is_due_without_more(
        self, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = make_world()
        world.people.create_portfolio("Acme", world.day(9))
        world.people.flush_search()
        shown = words(Terminal(world, monkeypatch).run("adopt"))
        assert "handoff 1: the Refresh Date" in shown
        assert "left of" not in shown

    def test_what_was_shown_is_not_shown_again_with_apply(self, portal: World, monkeypatch: pytest.MonkeyPatch) -> None:
        terminal = Terminal(portal, monkeypatch)
        assert "handoff 7" in terminal.run("adopt").stdout
        applied = terminal.run("adopt", "--apply", "--all", "--yes")
        assert "handoff 7" in applied.stdout, "--all shows all there is"

    def test_but_how_much_there_is(self, portal: World, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = Terminal(portal, monkeypatch).run("adopt", "--apply", typed="n\n")
        assert asked.exit_code == 3
        assert "handoff 7" not in asked.stdout
        sums = r"2 portfolios looked at: \d to be recorded as done, 1 due, 1 unmatched \(`handoffs adopt` lists them\)"
        assert re.search(sums, words(asked))


def test_a_plan_ends_with_what_keeps_it_from_being_done(portal: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Terminal(portal, monkeypatch).run("plan").output.rstrip()
    assert told.endswith("is missing in the portal: nothing is done before `handoffs setup`.")


def test_what_setup_has_made_is_not_called_missing_until_the_service_looks(
    portal: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(portal, monkeypatch)
    with portal.service.store.write() as connection:
        service_state.put(connection, service_state.TASK_PROPERTY_MISSING, "it is missing")
    assert "task property missing" in words(terminal.run("status"))
    assert terminal.run("setup", "--apply", "--yes").exit_code == 0
    assert "task property missing" not in words(terminal.run("status"))


class TestSettingsChanged:
    """`.env` is read at the start of the service."""

    def status(self, world: World, monkeypatch: pytest.MonkeyPatch, later: timedelta) -> str:
        terminal = Terminal(world, monkeypatch, served=False)
        worker = Heartbeat(
            world.service.store, world.clock, Part.WORKER, mapping=digest_of(world.service.mapping), machine=world.clock
        )
        worker.beat_if_due()
        changed = (world.clock.now() + later).timestamp()
        world.clock.advance(timedelta(minutes=1))
        worker.beat_if_due()
        (world.directory / ".env").write_text("# changed\n", encoding="utf-8")
        os.utime(world.directory / ".env", (changed, changed))
        return " ".join(terminal.run("status").stderr.split())

    def test_after_it_is_told(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        told = self.status(world, monkeypatch, timedelta(seconds=5))
        assert ".env was changed at Mon 2 Nov 2026 14:00 UTC, after the worker (pid" in told
        assert "restart `handoffs serve` to let the rest count" in told

    def test_before_it_is_not(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "was changed" not in self.status(world, monkeypatch, -timedelta(seconds=5))

    def test_by_a_clock_that_was_moved_meanwhile_nobody_can_tell(self) -> None:
        """A rehearsal: started 28 days behind the machine, and a day has been let pass since. It was told each time."""
        file, start = datetime(2026, 11, 30, 8, 59, tzinfo=UTC), datetime(2026, 11, 2, 9, 1, tzinfo=UTC)
        running = Process(
            id=1, part=Part.WORKER, host="vm", pid=7, started_at=start, beat_at=start + timedelta(days=1, minutes=5),
            ended_at=None, busy_since=None, waits_for=None, mapping=None, clock_ahead=-timedelta(days=27),
        )  # fmt: skip
        assert begun_before([running], file, "vm") == []
        assert len(begun_before([replace(running, clock_ahead=timedelta())], file, "vm")) == 1


class TestEnvOfTheSandbox:
    """`handoffs sandbox --env FILE`: its settings where every command reads them."""

    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        @contextmanager
        def ending(**_: object) -> Iterator[SimpleNamespace]:
            yield SimpleNamespace(wait=lambda: None)

        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setattr("sync.ending.ending", ending)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["sandbox", "--port", "0", *arguments])

    def test_it_is_written_and_read(self, place: Path) -> None:
        (place / "agency's own.yaml").write_text("time_zone: Europe/Berlin\n", encoding="utf-8")
        result = self.run("--mapping", "agency's own.yaml", "--env", ".env")
        assert result.exit_code == 0, result.output
        assert "written   .env" in result.stdout
        assert "export HUBSPOT" not in result.stdout
        assert "export" not in result.stdout, "the sandbox's own commands find its address there, too"
        settings = read_settings_of(place / ".env")
        assert settings.hubspot_base_url.startswith("http://127.0.0.1:")
        assert settings.mapping is not None
        assert settings.mapping.name == "agency's own.yaml"
        assert settings.public_url == "http://127.0.0.1:8000"
        assert (place / ".env").stat().st_mode & 0o777 == 0o600

    def test_every_command_here_finds_it_by_its_file(self, place: Path) -> None:
        sandbox = Sandbox()
        with SandboxServer(sandbox, pump=False) as server:
            (place / ".env").write_text(f"{MARK}\nHUBSPOT_BASE_URL='{server.url}'\n", encoding="utf-8")
            sandbox.people.create_portfolio("Acme")
            shown = CliRunner().invoke(main, ["sandbox", "show", "portfolios"])
            assert "Acme" in shown.stdout, shown.output
            (place / ".env").write_text(f"HUBSPOT_BASE_URL='{server.url}'\n", encoding="utf-8")
            other = CliRunner(env={"SANDBOX_URL": "http://127.0.0.1:1"}).invoke(main, ["sandbox", "now", "list"])
            assert (other.exit_code, "no sandbox tells the time at http://127.0.0.1:1: start one" in other.stderr) == (
                1,
                True,
            )

    def test_a_second_rehearsal_does_not_go_by_the_ledger_of_the_first(self, place: Path) -> None:
        """Its ids are the same: the service would take everything for done, and do nothing."""
        assert "sandbox.db" not in self.run("--env", ".env").stdout
        (place / "sandbox.db").touch()
        assert "the service uses sandbox-2.db" in " ".join(self.run("--env", ".env").stdout.split())
        assert read_settings_of(place / ".env").database_url.endswith("/sandbox-2.db")

    def test_its_own_is_replaced(self, place: Path) -> None:
        for _ in range(2):
            assert self.run("--env", ".env").exit_code == 0
        assert (place / ".env").read_text(encoding="utf-8").count("HUBSPOT_BASE_URL") == 1

    def test_a_real_portals_is_not(self, place: Path) -> None:
        (place / ".env").write_text("HUBSPOT_ACCESS_TOKEN=pat-real\n", encoding="utf-8")
        result = self.run("--env", ".env")
        assert (result.exit_code, result.stdout) == (3, "")
        assert ".env is there already, and no sandbox has written it: name another file" in result.stderr
        assert (place / ".env").read_text(encoding="utf-8") == "HUBSPOT_ACCESS_TOKEN=pat-real\n"
