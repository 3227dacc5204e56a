"""`handoffs status --env FILE …`: many portals are many deployments, shown at one look."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.alive import alive
from tests.conftest import MakeWorld
from tests.terminal import Terminal
from tests.world import World

SECRET = "s3cr3t"


def deployment(directory: Path, text: str) -> Path:
    directory.mkdir()
    file = directory / ".env"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def world(make_world: MakeWorld) -> Iterator[World]:
    """A service that is well; its database, as its own `.env` names it, lies beside that file."""
    made = make_world()
    made.work()
    (made.directory / ".env").write_text("DATABASE_URL=sqlite:///handoffs.db\n", encoding="utf-8")
    alive(made.settings.database_url, made.clock)
    yield made
    made.service.close()


class Desk:
    """A person who looks at several deployments, from a directory of none of them."""

    def __init__(self, world: World, patch: pytest.MonkeyPatch, elsewhere: Path) -> None:
        self._terminal = Terminal(world, patch, served=False)
        elsewhere.mkdir()
        patch.chdir(elsewhere)
        self.well = world.directory / ".env"

    def look(self, *arguments: str | Path) -> Result:
        # What the environment says is of this desk, and of no deployment.
        return self._terminal.run(
            "status", *map(str, arguments), DATABASE_URL="sqlite:///nowhere.db", POLL_SECONDS="nonsense"
        )

    def json(self, *arguments: str | Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.look("--json", *arguments).stdout)
        return found


@pytest.fixture
def desk(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    return Desk(world, monkeypatch, tmp_path / "desk")


def test_all_are_well(desk: Desk) -> None:
    done = desk.look("--env", desk.well)
    assert done.exit_code == 0, done.output
    assert "The one deployment is well." in done.stdout
    assert str(desk.well) in done.stdout.replace("\n", "")


def test_one_that_cannot_be_read_hides_no_other(desk: Desk, tmp_path: Path) -> None:
    """Each by its own file alone; what is wrong with one is said under its name, and decides the exit code."""
    empty = deployment(tmp_path / "empty", "DATABASE_URL=sqlite:///none.db\n")
    wrong = deployment(tmp_path / "wrong", f"EMAIL_URL={SECRET}:x\nDATABASE_URL=sqlite:///handoffs.db\n")
    gone = tmp_path / "gone" / ".env"
    done = desk.look("--env", empty, "--env", wrong, "--env", gone, "--env", desk.well)
    text = "".join(done.stdout.split())  # long names are folded
    assert done.exit_code == 1
    assert "3of4deploymentsneedaperson." in text
    assert "none.db" in text
    assert "EMAIL_URL:muststartwith" in text
    assert f"(readin{wrong}alone)" in text
    assert "thereisnosuchfile" in text
    assert SECRET not in done.output
    found = desk.json("--env", empty, "--env", wrong, "--env", gone, "--env", desk.well)
    assert found["version"] == 1
    assert not found["ok"]
    by_file = {one["env"]: one for one in found["deployments"]}
    assert [by_file[str(file)]["ok"] for file in (empty, wrong, gone, desk.well)] == [False, False, False, True]
    assert by_file[str(desk.well)]["status"]["backlog"] == 0
    assert by_file[str(desk.well)]["error"] is None
    assert by_file[str(empty)]["status"] is None
    assert "none.db" in by_file[str(empty)]["error"]
    assert not (tmp_path / "empty" / "none.db").exists()


def test_the_file_may_be_named_by_its_directory(desk: Desk) -> None:
    assert desk.json("--env", desk.well.parent)["deployments"][0]["env"] == str(desk.well)


def test_two_files_of_one_database_are_said(desk: Desk, tmp_path: Path) -> None:
    """A copied `.env` whose DATABASE_URL nobody changed: two portals would share a database."""
    twin = deployment(tmp_path / "twin", f"DATABASE_URL=sqlite:///{desk.well.parent / 'handoffs.db'}\n")
    done = desk.look("--env", desk.well, "--env", twin)
    assert done.exit_code == 1
    assert "names the same database as" in " ".join(done.stdout.split())
