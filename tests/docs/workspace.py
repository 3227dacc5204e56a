"""What the pages of `docs/` are run in: a portal over HTTP, a directory, and a shell for their commands.

`handoffs …` runs in this process, on the portal's clock; all else that a page says is run by bash.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from flask import Flask

from sync.cli import main
from sync.sandbox import Sandbox, SandboxServer
from sync.service import bootstrap
from tests.alive import alive
from tests.patience import PATIENCE

ROOT = Path(__file__).parent.parent.parent
MORNING = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)  # a Monday, 9:00 in New York
PUBLIC = "https://handoffs.example.com"
HS = """
# HubSpot's CLI, as far as a page uses it: it takes the project of the directory that it is called in.
test "$*" = "project upload" && test -f hsproject.json && test -f src/app/webhooks/webhooks-hsmeta.json
"""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended, and all that it printed."""

    code: int
    text: str


class Workspace:
    """One page's portal and directory. `given` are the situations that a page may ask for, by name."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.sandbox = Sandbox(start=MORNING - timedelta(days=10), ticking=True)
        self.people = self.sandbox.people
        self._server = SandboxServer(self.sandbox).start()
        self._serving: subprocess.Popen[str] | None = None
        self._at_work = False  # whether a page takes it that the service runs somewhere
        self._receiver = "http://127.0.0.1:1"  # nobody listens there
        self._patch = patch
        self.environment = {
            "HUBSPOT_ACCESS_TOKEN": self.sandbox.token,
            "HUBSPOT_APP_ID": str(self.sandbox.app_id),
            "HUBSPOT_CLIENT_SECRET": self.sandbox.client_secret,
            "HUBSPOT_BASE_URL": self._server.url,
            "PUBLIC_URL": PUBLIC,
            "DATABASE_URL": "sqlite:///handoffs.db",
            "EMAIL_URL": "hubspot:777",
        }
        self._tools = directory.parent / f"{directory.name}-tools"
        self._tools.mkdir()
        self._beside: list[subprocess.Popen[str]] = []
        self.add_tool("hs", HS)
        self._on_one_clock()

    def add_tool(self, name: str, script: str) -> None:
        """Put a program on the path: what a machine has besides, as far as a page uses it. A path is one from the root."""
        file = self._tools / name.lstrip("/").replace("/", "_")
        file.write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    def _on_one_clock(self) -> None:
        """Commands go by the portal's clock, and reach PUBLIC_URL where the service listens."""
        workspace = self

        class Session(requests.Session):
            def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
                return super().request(method, str(url).replace(PUBLIC, workspace._receiver), *args, **options)

        clock = self.sandbox.clock
        self._patch.setattr(bootstrap, "build", partial(bootstrap.build, clock=clock))
        self._patch.setattr("sync.clock.SystemClock", lambda: clock)
        self._patch.setattr("sync.admin.probe.requests.Session", Session)
        self._patch.setattr("sync.log.configure", lambda *_args, **_options: None)
        self._patch.chdir(self.directory)

    def close(self) -> None:
        """End what runs, in order."""
        try:
            if self._serving is not None:
                self.stop()
            for process in reversed(self._beside):
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=PATIENCE)
        finally:
            self._server.stop()

    # -- the shell

    def run(self, line: str, *, answer: str | None = None) -> CommandResult:
        """One command line; `answer` is what a person types, twice if they are asked twice, who then sits at a terminal."""
        self.people.flush_search()
        words = shlex.split(line)
        settings = dict(self.environment)
        while words and "=" in words[0] and words[0].split("=")[0].isupper():
            name, _, value = words.pop(0).partition("=")
            settings[name] = value
        if words[0] == "handoffs":
            pretend = words[1] == "status" and self._at_work and self._serving is None
            if pretend and (self.directory / "handoffs.db").exists():  # the page may just have lost it
                alive(self.environment["DATABASE_URL"], self.sandbox.clock)
            assert not {"|", "&&", ">", ";", "&"} & set(words), f"a page's command must stand alone: {line}"
            return self._command(words[1:], settings, answer)
        path = f"{self._tools}:{os.environ['PATH']}"
        if words[0].startswith("/"):
            line = line.replace(words[0], str(self._tools / words[0].lstrip("/").replace("/", "_")), 1)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=self.directory,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return CommandResult(done.returncode, done.stdout + done.stderr)

    def start_beside(self, line: str) -> None:
        """Start what runs in a terminal of its own: the simulated HubSpot, whose lines are taken over, or the service."""
        words = [sys.executable, "-m", "sync", *shlex.split(line)[1:]]
        if "serve" not in words:  # else another page's portal may be in its way
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                self._receiver = f"http://127.0.0.1:{one.getsockname()[1]}"
            words += ["--port", "0", "--webhooks", self._receiver]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUBSPOT_")}
        process = subprocess.Popen(
            words, cwd=self.directory, env={**inherited, "PYTHONPATH": str(ROOT), **self.environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._beside.append(process)
        assert process.stdout is not None
        while "serve" not in words and "SANDBOX_URL" not in self.environment:
            name, equals, value = process.stdout.readline().removeprefix("export ").partition("=")
            assert process.poll() is None
            if equals:
                self.environment[name] = shlex.split(value)[0]

    def _rest(self) -> None:
        """Wait until the service beside the simulated HubSpot has done what its clock has made due."""
        end = time.monotonic() + PATIENCE
        while len(self._beside) == 2 and time.monotonic() < end:
            result = CliRunner(env=self.environment).invoke(main, ["sandbox", "now", "status", "--json"])
            told = json.loads(result.stdout) if result.stdout else {}
            if told.get("backlog") == 0 and str(told["last_sweep"])[:10] == told["at"][:10]:
                return
            time.sleep(0.2)

    def _command(self, words: list[str], settings: Mapping[str, str], answer: str | None) -> CommandResult:
        self._rest()
        self._patch.setattr("sync.commands.terminal.at_a_terminal", lambda: answer is not None)
        result = CliRunner(env=settings).invoke(main, words, input=None if answer is None else f"{answer}\n" * 2)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return CommandResult(result.exit_code, result.output)

    def open_board(self) -> None:
        """Run `handoffs board` as far as its address: that it can be had, and serves, other tests see."""
        made: list[Flask] = []
        self._patch.setattr("sync.board.server.run", lambda app, _listener: made.append(app))
        assert self._command(["board"], self.environment, None).code == 0
        assert made[0].test_client().get("/board/login").status_code == 200

    # -- the service

    def serve(self, arguments: Mapping[str, str] | None = None) -> None:
        """Start the service, on the portal's clock, and wait until it has done what it found."""
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
        self._receiver = f"http://127.0.0.1:{port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUBSPOT_")}
        self._serving = subprocess.Popen(
            [sys.executable, "-m", "sync.sandbox.service"],
            cwd=self.directory,
            env={**inherited, "PYTHONPATH": str(ROOT), **self.environment, **(arguments or {}), "PORT": str(port)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._wait(lambda: self._at_rest)

    @property
    def _at_rest(self) -> bool:
        """Ready, the day's sweep done, and nothing left to look at."""
        try:
            ready = requests.get(f"{self._receiver}/readyz", timeout=5).ok
        except requests.RequestException:
            return False
        from sync.clock import SystemClock
        from sync.observe.status import read
        from sync.settings import read_settings
        from sync.storage.database import open_store

        store = open_store(self.environment["DATABASE_URL"])
        try:
            status = read(store, SystemClock(), read_settings(_env_file=None))
        finally:
            store.close()
        return ready and status.last_sweep is not None and not status.backlog.due

    def _wait(self, what: Callable[[], bool]) -> None:
        assert self._serving is not None
        end = time.monotonic() + PATIENCE
        while not what():
            if self._serving.poll() is not None or time.monotonic() > end:
                self._serving.kill()
                pytest.fail(str(self._serving.communicate()[1]))
            time.sleep(0.1)

    def stop(self) -> None:
        """End the service as an admin does; it must end in order."""
        assert self._serving is not None
        self._at_work = False
        self._serving.send_signal(signal.SIGTERM)
        _, printed = self._serving.communicate(timeout=PATIENCE)
        assert self._serving.returncode == 0, printed
        self._serving, self._receiver = None, "http://127.0.0.1:1"

    # -- what has happened before

    def morning(self) -> None:
        """It is the morning of the day on which the pages are read."""
        self.sandbox.clock.set(MORNING)
        self.people.flush_search()

    def portal(self) -> None:
        """A portal in use, without the service: five clients, each at another stage, and one task made by hand."""
        people = self.people
        people.create_portfolio("Brightside Dental", "2026-11-12")
        people.create_portfolio("Harbor Bakery", "2026-11-05", status="Refresh Request Submitted")
        acme = people.create_portfolio("Acme Shoes", "2026-10-28", status="Creatives Completed & Approved")
        people.create_task("Implement new creatives for refresh", [("portfolio", acme)])
        cedar = people.create_portfolio("Cedar Law", "2026-10-30", status="Deliverables Submitted")
        people.create_ticket("Video for the office", "October", cedar, stage="In Progress")
        people.create_portfolio("Nova Yoga", "2026-12-20")
        self.morning()

    def live(self) -> None:
        """The same portal, since this morning with the service, which has done what was due."""
        self.portal()
        self.environment["GO_LIVE"] = "2026-11-02"
        for line in (
            "handoffs setup --apply --yes",
            "handoffs adopt --apply --yes",
            "handoffs sweep",
            "handoffs poll",
        ):
            result = self.run(line)
            assert result.code == 0, result.text
        self.sandbox.clock.advance(timedelta(hours=1))
        self._at_work = True

    def find(self, name: str) -> str:
        """A portfolio's id."""
        return next(one.id for one in self.people.portfolios() if one["name"] == name)
