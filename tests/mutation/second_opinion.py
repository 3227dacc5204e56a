"""What the sound service's `verify` says of what a faulty one has left behind.

A fault in a rule is a fault in the `verify` beside it too, which asks the same rule; so it is the tree without the fault
that is asked. `ask` (in the faulty tree) puts the simulated CRM on a port and copies the database;
`python -m tests.mutation.second_opinion URL TOKEN APP DATABASE NOW`, in the sound one, compares them, and prints one line of
JSON: its faults, as texts.
"""

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from sync.admin.verify import FAULTS, Sort, verify
from sync.sandbox.clock import VirtualClock
from sync.sandbox.server import SandboxServer
from sync.service.bootstrap import build
from sync.settings import read_settings
from tests.simulation.player import Player

PATIENCE = 120.0
"""Seconds that it may take."""


def ask(player: Player, tree: Path) -> list[str]:
    """The faults that `verify` of that tree finds at the end of a run; before its world is given up."""
    world = player.world
    server = SandboxServer(world.sandbox, pump=False).start()
    try:
        with TemporaryDirectory(prefix="handoffs-opinion-") as directory:
            world.service.store.close()
            for path in world.directory.glob("handoffs.db*"):
                shutil.copy(path, directory)
            portal = world.sandbox.portal
            given = [
                server.url, portal.app.token, str(portal.account.app_id), f"{directory}/handoffs.db",
                world.clock.now().isoformat(),
            ]  # fmt: skip
            done = subprocess.run(
                [sys.executable, "-m", "tests.mutation.second_opinion", *given],
                cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, timeout=PATIENCE, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
    finally:
        server.stop()
    if done.returncode != 0:
        return [f"verify breaks: {(done.stderr.strip().splitlines() or ['?'])[-1]}"]
    faults: list[str] = json.loads(done.stdout.strip().splitlines()[-1])
    return faults


def main(url: str, token: str, app: str, database: str, now: str) -> None:
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    settings = read_settings(
        _env_file=None,
        hubspot_access_token=token,
        hubspot_client_secret="unused",
        hubspot_app_id=app,
        hubspot_base_url=url,
        public_url="https://handoffs.example.com",
        database_url=f"sqlite:///{database}",
        email_url="hubspot:777",
    )
    clock = VirtualClock(datetime.fromisoformat(now))
    service = build(settings, clock=clock, budget_clock=clock)
    try:
        report = verify(service.reading)
    finally:
        service.close()
    print(json.dumps([f"{one.sort.value}: {one.cause}" for one in report.of(*FAULTS, Sort.NOT_READ)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
