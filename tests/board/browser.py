"""Whoever looks at the board, without a browser: Flask's client, which keeps cookies and fills forms in."""

import re
from html import unescape
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from sync.board.access import hash_password
from sync.board.acts import Acts
from sync.board.app import Process, create_app
from sync.storage import board_users
from sync.storage.board_users import BoardUser
from tests.world import World

PASSWORD = "correct horse battery staple"
HASHED = hash_password(PASSWORD)


class Visitor:
    """One browser at the board of a world."""

    def __init__(self, world: World, app: Flask | None = None, *, allowed: Acts | None = None, **settings: Any) -> None:
        self.world = world
        service = world.service
        self.app = app or create_app(
            store=service.store,
            settings=service.settings.model_copy(update=settings),
            clock=service.clock,
            process=Process(service.mapping),
            allowed=allowed,
        )
        # https, as the cookie wants it.
        self.client = self.app.test_client()
        self.base = "https://board.example"

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, base_url=self.base, buffered=True, **options)

    def see(self, path: str) -> str:
        """Open a page that is there, and return what it says, tags and runs of white space left out."""
        response = self.get(path)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text}"
        return words_of(response.text)

    def post(self, path: str, data: dict[str, str] | None = None, **options: Any) -> TestResponse:
        """Send a form, as it is."""
        return self.client.post(path, data=data or {}, base_url=self.base, buffered=True, **options)

    def send(self, page: str, path: str, data: dict[str, str] | None = None) -> TestResponse:
        """Send a form of a page, with its proof."""
        return self.post(path, {**(data or {}), "csrf": proof_in(self.get(page).text)})

    def log_in(self, name: str = "Dana", password: str = PASSWORD, **more: str) -> TestResponse:
        """Fill in the log-in page."""
        return self.send("/board/login", "/board/login", {"name": name, "password": password, **more})


def add_user(world: World, name: str = "Dana", *, may_write: bool = False, password: str | None = HASHED) -> None:
    """Let somebody see the board."""
    with world.service.store.write() as connection:
        board_users.put(connection, BoardUser(name, password, may_write, world.service.clock.now()))


def visitor(world: World, *, may_write: bool = False, allowed: Acts | None = None, **settings: Any) -> Visitor:
    """Give somebody who has logged in."""
    add_user(world, may_write=may_write)
    made = Visitor(world, allowed=allowed, **settings)
    assert made.log_in().status_code == 303
    return made


def proof_in(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None, page
    return found[1]


def words_of(page: str) -> str:
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())
