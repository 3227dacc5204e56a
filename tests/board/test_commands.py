"""`handoffs users` and `handoffs board`, as an admin meets them."""

import re
import threading
import time
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from sync.board import server
from sync.board.access import hash_password
from sync.cli import main
from sync.commands.demo import show_board
from sync.ending import Ending
from sync.errors import ConfigurationError
from sync.storage import board_users, processes
from sync.storage.database import migrate, open_store
from sync.storage.processes import Part
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


def opened(url: str) -> str:
    """The page at this address, once it is served."""
    for _ in range(200):
        try:
            with urlopen(url, timeout=5) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            time.sleep(0.05)
    raise AssertionError(url)


def test_it_is_served_on_its_own_address_until_told_to_end(world: World) -> None:
    told = Ending("")
    with server.listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.serve, args=(Visitor(world).app, listener, told))
        thread.start()
        try:
            text = opened(f"http://127.0.0.1:{port}/board/login")
        finally:
            told.signal_name = "SIGTERM"
            thread.join(10)
            told.close()
    assert not thread.is_alive()
    assert "Log in" in text


def test_an_address_that_is_taken_is_named() -> None:
    with server.listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=rf"BOARD_HOST 127\.0\.0\.1, BOARD_PORT {port} cannot be listened on \("
        ):
            server.listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_named(host: str) -> None:
    with pytest.raises(ConfigurationError, match=f"BOARD_HOST {re.escape(host)}"):
        server.listen(host, 0)


def test_the_demos_board_is_opened_with_the_password_that_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.people.create_portfolio("Acme", world.day(5))
    world.work()
    said: list[str] = []
    apps: list[Flask] = []
    monkeypatch.setattr("sync.board.server.run", lambda app, _listener: apps.append(app))
    with world.service.store.write() as connection:
        worker = processes.begin(connection, Part.WORKER, 1, "here", world.clock.now() - timedelta(hours=1))
        processes.beat(connection, worker, world.clock.now(), busy_since=None, waits_for=None)
    show_board(world.service.settings.database_url, world.clock, 7_200, tell=said.append)
    password = re.findall(r"as demo, with the password (\S+)\. Ctrl-C", said[1])[0]
    assert re.fullmatch(r"\nThe board: http://localhost:\d+/board", said[0])
    guest = Visitor(world, apps[0])
    assert guest.log_in("demo", password).status_code == 303
    assert "Acme" in guest.see("/board")
    assert "no poll for" not in guest.see("/board/health"), "the demo polls once, and is not late"
