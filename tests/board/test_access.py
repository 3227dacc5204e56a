"""Who may see the board: nobody without a log-in, and nobody's browser on behalf of somebody else."""

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from sync.board.access import COOKIE, OPEN
from sync.board.throttle import OF_ALL, OF_ONE
from sync.storage import board_users
from tests.board.browser import PASSWORD, Visitor, add_user, visitor
from tests.board.test_acts import acts_of, runs_of
from tests.printed_logs import printed_logs
from tests.world import World
from webhooks.app import create_app as receiver


def paths(app: Flask, method: str) -> list[str]:
    """An address of every page that asks who it is."""
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ()) and rule.endpoint not in OPEN]
    return [re.sub(r"<[^>]+>", "1", str(rule)) for rule in rules]


def test_no_page_is_shown_without_a_log_in(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    add_user(world, may_write=True)
    stranger = Visitor(world, allowed=acts_of(world))
    found = paths(stranger.app, "GET")
    assert len(found) >= 3
    for path in [*found, f"/board/client/{acme}", "/board/nothing"]:
        answer = stranger.get(path)
        assert (answer.status_code, answer.location[:12]) == (303, "/board/login"), path
        assert "Acme" not in answer.text
        stranger.client.set_cookie(COOKIE, "made-up", domain="board.example", secure=True)
        assert stranger.get(path).status_code == 303, path
    posts = paths(stranger.app, "POST")
    assert len(posts) == 4
    for path in posts:
        assert stranger.post(path).status_code == 403, path
        answer = stranger.send("/board/login", path, {"reason": "because"})
        assert answer.status_code == 401, path
    assert runs_of(world) == []


def test_whoever_logs_in_sees_it_and_whoever_logs_out_does_not(world: World) -> None:
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    add_user(world)
    dana = Visitor(world)
    answer = dana.log_in("  dana ", next="/board?q=acme")
    assert (answer.status_code, answer.location) == (303, "/board?q=acme")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(answer.headers["Set-Cookie"].split("; "))
    assert "Acme" in dana.see("/board")
    assert dana.send("/board", "/board/logout").status_code == 303
    assert dana.get("/board").status_code == 303


@pytest.mark.parametrize(
    ("name", "password"), [("Dana", "wrong"), ("Nobody", PASSWORD), ("Dana", ""), ("Dana", "x" * 5000)]
)
def test_a_wrong_log_in_is_refused_and_does_not_say_what_is_wrong(world: World, name: str, password: str) -> None:
    add_user(world)
    guest = Visitor(world)
    answer = guest.log_in(name, password)
    assert answer.status_code == 403
    assert "The name or the password is wrong." in answer.text
    assert guest.get("/board").status_code == 303


def test_who_has_no_password_comes_by_the_proxy_alone(world: World) -> None:
    add_user(world, password=None)
    assert Visitor(world).log_in(password="").status_code == 403


def test_a_log_in_ends_by_itself_and_with_its_user(world: World) -> None:
    dana = visitor(world, board_session_hours=8)
    world.clock.sleep(8 * 3600 - 60)
    assert dana.get("/board").status_code == 200
    world.clock.sleep(60)
    assert dana.get("/board").status_code == 303
    assert dana.log_in().status_code == 303
    add_user(world)  # with a new password
    assert dana.get("/board").status_code == 303
    assert dana.log_in().status_code == 303
    with world.service.store.write() as connection:
        assert board_users.remove(connection, "DANA")
    assert dana.get("/board").status_code == 303
    assert dana.log_in().status_code == 403


def test_nobody_is_logged_in_by_a_cookie_from_before(world: World) -> None:
    add_user(world)
    dana = Visitor(world)
    dana.get("/board/login")
    before = dana.client.get_cookie(COOKIE, domain="board.example")
    dana.log_in()
    after = dana.client.get_cookie(COOKIE, domain="board.example")
    assert before is not None
    assert after is not None
    assert before.value != after.value


def test_the_database_holds_neither_password_nor_cookie(world: World) -> None:
    dana = visitor(world)
    cookie = dana.client.get_cookie(COOKIE, domain="board.example")
    assert cookie is not None
    with world.service.store.read() as connection:
        tables = ("board_user", "board_session")
        rows = [row for table in tables for row in connection.execute(text(f"SELECT * FROM {table}"))]
    assert len(rows) == 2
    assert not any(secret in str(rows) for secret in (PASSWORD, cookie.value))


def test_guessing_is_slowed_down_for_one_name_and_for_all(world: World) -> None:
    add_user(world)
    add_user(world, "Kim")
    guest = Visitor(world)
    for _ in range(OF_ONE):
        assert guest.log_in("Dana", "wrong").status_code == 403
    answer = guest.log_in("dana")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 901
    assert guest.log_in("Kim").status_code == 303
    world.clock.sleep(900)
    assert guest.log_in("Dana").status_code == 303


def test_another_process_and_a_start_forget_no_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add_user(world)
    checked = []
    monkeypatch.setattr("sync.board.access.check_password_hash", lambda *_: checked.append(1))
    for _ in range(OF_ONE):
        assert Visitor(world).log_in("Dana", "wrong").status_code == 403  # each is an app of its own
    assert Visitor(world).log_in("dana").status_code == 429
    assert len(checked) == OF_ONE
    world.clock.sleep(900)
    Visitor(world).log_in("Kim", "wrong")
    with world.service.store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM board_failure")).scalar_one() == 1, "the old ones are gone"


def test_guessing_for_many_names_is_slowed_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.board.access.check_password_hash", lambda *_: False)  # a real one takes its time
    guest = Visitor(world)
    for n in range(OF_ALL):
        assert guest.log_in(f"User {n}", "wrong").status_code == 403
    assert guest.log_in("Another", "wrong").status_code == 429


def test_a_form_of_another_page_does_nothing(world: World) -> None:
    dana = visitor(world)
    for data in ({}, {"csrf": "0" * 64}):
        assert dana.post("/board/logout", data).status_code == 403
    other = Visitor(world, dana.app)
    other.log_in()
    page = other.get("/board").text
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    assert dana.post("/board/logout", {"csrf": found[1]}).status_code == 403
    mine = re.search(r'name="csrf" value="([^"]+)"', dana.get("/board").text)
    assert mine is not None
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert dana.post("/board/logout", {"csrf": mine[1]}, headers=elsewhere).status_code == 403
    assert dana.get("/board").status_code == 200


@pytest.mark.parametrize(
    "place", ["https://evil.example", "//evil.example", "/\\evil.example", "/board\\..", "/boa\r\nrd", ""]
)
def test_a_log_in_leads_nowhere_else(world: World, place: str) -> None:
    add_user(world)
    assert Visitor(world).log_in(next=place).location == "/board"


def test_a_proxy_is_believed_where_it_is_one(world: World) -> None:
    add_user(world, "kim@agency.example", password=None)
    settings: dict[str, Any] = {"board_proxy_header": "X-Forwarded-User", "board_proxies": "127.0.0.1, 10.0.0.0/8"}
    guest = Visitor(world, **settings)
    named = {"X-Forwarded-User": "kim@agency.example"}

    def asks(address: str, headers: dict[str, str]) -> int:
        return guest.get("/board", headers=headers, environ_overrides={"REMOTE_ADDR": address}).status_code

    assert asks("127.0.0.1", named) == asks("10.1.2.3", named) == 200
    assert asks("192.168.0.1", named) == asks("", named) == asks("127.0.0.1", {}) == 403
    assert asks("127.0.0.1", {"X-Forwarded-User": "  "}) == 403
    add_user(world)
    assert guest.log_in().status_code == 403, "the proxy alone says who it is"


def test_a_header_that_no_setting_names_is_nobody(world: World) -> None:
    add_user(world)
    answer = Visitor(world).get("/board", headers={"X-Forwarded-User": "Dana"})
    assert answer.status_code == 303


def test_every_answer_forbids_what_is_not_its_own(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    dana = visitor(world)
    for path in ("/board", f"/board/client/{acme}", "/board/nothing", "/board/login", "/board/static/board.js"):
        answer = dana.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.mimetype == "text/html":
            assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", answer.text), path
            assert not re.search(r"(?:src|href)=\"(?:https?:)?//(?!app\.hubspot\.com)", answer.text), path


def test_nothing_of_it_is_on_the_receivers_address(world: World) -> None:
    add_user(world)
    service = world.service
    app = receiver(store=service.store, settings=service.settings, clock=service.clock)
    for path in ("/board", "/board/login", "/board/static/board.css"):
        assert app.test_client().get(path).status_code == 404


def test_a_database_that_cannot_be_read_is_said_without_its_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sync.errors import StoreError

    dana = visitor(world)

    def fail(*_: object, **__: object) -> None:
        raise StoreError("secret place")

    monkeypatch.setattr("sync.storage.overview.columns", fail)
    answer = dana.get("/board")
    assert answer.status_code == 503
    assert "secret place" not in answer.text


def test_an_error_shows_nothing_of_the_code(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = printed_logs()
    dana = visitor(world)
    monkeypatch.setattr("sync.storage.overview.columns", lambda *_args, **_options: 1 / 0)
    answer = dana.get("/board")
    assert answer.status_code == 500
    assert "division" not in answer.text
    assert [line.split()[0] for line in told if "<lambda>" in line] == ["board.failed"]


def test_only_what_is_meant_to_be_open_is_served(world: World) -> None:
    static = Path(__file__).parents[2] / "sync" / "board" / "static"
    assert {one.suffix for one in static.iterdir()} == {".css", ".js", ".svg"}
    stranger = Visitor(world)
    assert stranger.get("/board/static/board.css").status_code == 200
    assert stranger.get("/board/static/../app.py").status_code in {303, 404}
