"""`handoffs users` and `handoffs board`, as an admin meets them."""

import re
import socket
import threading
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result

from sync.board import server
from sync.board.access import hash_password
from sync.cli import main
from sync.ending import Ending
from sync.errors import ConfigurationError
from sync.settings import Settings
from sync.storage import board_users
from sync.storage.database import migrate, open_store
from tests.board.browser import Visitor
from tests.world import World

LONG = "plenty of time on mondays"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, and nobody at a terminal."""
    url = f"sqlite:///{tmp_path / 'handoffs.db'}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setattr("sync.log.configure", lambda *_args, **_options: None)
    store = open_store(url)
    migrate(store)
    store.close()
    return url


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, list(arguments), input=typed)


def test_users_are_added_listed_replaced_and_removed(place: str) -> None:
    assert run("users", "list").stderr == "Nobody may see the board yet: `handoffs users add NAME`.\n"
    added = run("users", "add", "Dana  Scully", "--may-write", typed=f"{LONG}\n")
    assert (added.exit_code, added.stdout) == (
        0,
        "Dana Scully may see the board, and have something done where BOARD_WRITE is on.\n",
    )
    again = run("users", "add", "DANA SCULLY", typed=f"{LONG}\n")
    assert again.exit_code == 3
    assert "`handoffs users add --replace`" in again.stderr
    assert run("users", "add", "Dana Scully", "--replace", typed=f"{LONG}!\n").exit_code == 0
    assert run("users", "add", "kim@agency.example", "--without-password").exit_code == 0
    lines = run("users", "list").stdout.splitlines()
    assert re.fullmatch(r"Dana Scully: by password, since \w{3} \d+ \w{3} \d{4} \d\d:\d\d UTC", lines[0])
    assert lines[1].startswith("kim@agency.example: by proxy, since ")
    assert LONG.encode() not in Path("handoffs.db").read_bytes()
    assert run("users", "remove", "dana scully").exit_code == 0
    assert len(run("users", "list").stdout.splitlines()) == 1


def test_a_password_that_is_asked_for_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.commands.terminal.at_a_terminal", lambda: True)
    result = run("users", "add", "Dana", typed=f"{LONG}\nanother one\n{LONG}\n{LONG}\n")
    assert result.exit_code == 0
    assert LONG not in result.output


def test_whoever_was_added_by_the_command_can_log_in(world: World) -> None:
    with world.service.store.write() as connection:
        user = board_users.BoardUser("Dana", hash_password(LONG), False, world.service.clock.now())
        board_users.put(connection, user)
    assert Visitor(world).log_in("Dana", LONG).status_code == 303


def test_it_is_served_on_its_own_address_until_told_to_end(world: World) -> None:
    told = Ending("")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    settings = world.service.settings.model_copy(update={"board_port": port})
    thread = threading.Thread(target=server.serve, args=(Visitor(world).app, settings, told))
    thread.start()
    try:
        for _ in range(100):
            try:
                with urlopen(f"http://127.0.0.1:{port}/board/login", timeout=5) as answer:
                    text = answer.read().decode()
                break
            except OSError:
                continue
    finally:
        told.signal_name = "SIGTERM"
        thread.join(10)
        told.close()
    assert not thread.is_alive()
    assert "Log in" in text


def test_an_address_that_is_taken_is_named(world: World) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        settings = world.service.settings.model_copy(update={"board_port": one.getsockname()[1]})
        with pytest.raises(ConfigurationError, match=r"BOARD_HOST 127\.0\.0\.1, BOARD_PORT \d+ cannot"):
            server.serve(Visitor(world).app, settings, Ending(""))


def test_an_address_of_another_machine_is_named(world: World) -> None:
    settings: Settings = world.service.settings.model_copy(update={"board_host": "192.0.2.1"})
    with pytest.raises(ConfigurationError, match=r"BOARD_HOST 192\.0\.2\.1"):
        server.serve(Visitor(world).app, settings, Ending(""))
