"""What is only looked at can be looked at on a disk that nobody can write to."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sync.storage.database import open_store
from tests.conftest import MakeWorld
from tests.databases import ON_POSTGRESQL
from tests.patience import PATIENCE
from tests.world import World

ROOT = Path(__file__).parents[2]
WITHOUT_RIGHTS = ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"]
"""Whoever is root writes everywhere, but for this."""

of_files = pytest.mark.skipif(ON_POSTGRESQL, reason="a server's files are its own: nobody takes a right from them here")

Look = Callable[..., "subprocess.CompletedProcess[str]"]


def as_it_is_run() -> list[str]:
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root can write everywhere, and there is no setpriv")
    return WITHOUT_RIGHTS


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    made = make_world()
    made.people.create_portfolio("Acme Shoes", made.day(5))
    made.sweep()
    return made


@pytest.fixture
def look(world: World) -> Iterator[Look]:
    """Runs a command in the world's directory, to which nobody can write; with `open` while another has it open."""
    directory = world.directory

    def run(*arguments: str, closed: bool = True) -> "subprocess.CompletedProcess[str]":
        if closed:
            world.service.store.close()
        for file in directory.iterdir():
            file.chmod(0o444)
        directory.chmod(0o555)
        return subprocess.run(
            [*as_it_is_run(), sys.executable, "-m", "sync", *arguments],
            cwd=directory,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": world.settings.database_url,
                 "HUBSPOT_ACCESS_TOKEN": "pat-x", "HUBSPOT_BASE_URL": "http://127.0.0.1:1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,  # `serve` ends by itself only where it is refused
        )  # fmt: skip

    yield run
    directory.chmod(0o755)
    for file in directory.iterdir():
        file.chmod(0o644)


@pytest.mark.parametrize("closed", [True, False], ids=["after the service has ended", "while it has it open"])
@pytest.mark.parametrize("command", ["status", "dead"])
def test_what_looks_at_the_database_shows_it(look: Look, command: str, closed: bool) -> None:
    done = look(command, closed=closed)
    assert done.returncode in {0, 1}  # by now the sweep of that day is long ago
    assert (bool(done.stdout), done.stderr) == (True, "")


def test_status_counts_what_was_done(look: Look) -> None:
    assert "2 done" in look("status").stdout


@of_files
def test_nothing_newer_is_passed_over(world: World, look: Look) -> None:
    """What stands in the log beside the database is not to be seen without it: better an error than yesterday's state."""
    store = world.service.store
    log = world.directory / "handoffs.db-wal"
    with closing(open_store(world.settings.database_url)) as other, other.read() as connection:
        connection.exec_driver_sql("SELECT 1 FROM sqlite_master").all()
        world.people.create_portfolio("Bolt Coffee", world.day(5))
        world.sweep()
        kept = log.read_bytes()
    store.close()
    log.write_bytes(kept)
    (world.directory / "handoffs.db-shm").unlink(missing_ok=True)
    done = look("status")
    assert done.returncode == 1
    assert "is read-only" in done.stderr or "cannot be opened" in done.stderr


@of_files
@pytest.mark.parametrize("command", ["plan", "explain", "check", "sweep", "serve"])
def test_what_has_to_write_says_what_is_the_matter(look: Look, command: str) -> None:
    done = look(command, *(["Acme Shoes"] if command == "explain" else []))
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "is read-only: give the service's user the right to write the file and its directory" in line
