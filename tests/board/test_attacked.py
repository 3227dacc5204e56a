"""The board as an attacker would try it: every way in without a log-in, and every way to have a browser do something."""

from typing import Any

import pytest

from sync.board import access
from sync.board.access import COOKIE
from tests.board.browser import PASSWORD, Visitor, add_user, proof_in, visitor
from tests.board.test_access import paths
from tests.board.test_acts import acts_of, runs_of
from tests.world import World

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")

ODD_PATHS = (
    "//board", "///board", "/board/", "/board//", "/BOARD", "/./board", "/x/../board", "/board/..%2f", "/board/%2e%2e/board",
    "/board%2f", "/board/%00", "/board;x=1", "/board/static/", "/board/static/..%2f..%2fapp.py",
    "/board/static/%2e%2e/%2e%2e/app.py", "/board/static/....//app.py", "/board/static//etc/passwd",
    "/board/static/..%5c..%5capp.py", "/board/login/../attention", "/board/login/", "/board/login%2f..%2fattention",
    "/board/client/..%2f..%2fattention", "//evil.example/board", "/board/reports%3fby=client", "/static/board.css",
)  # fmt: skip


@pytest.fixture
def acme(world: World) -> str:
    found = world.people.create_portfolio("Acme", world.day(10))
    world.work()
    return found


def test_no_method_of_any_page_shows_or_does_anything_without_a_log_in(world: World, acme: str) -> None:
    add_user(world, may_write=True)
    stranger = Visitor(world, allowed=acts_of(world))
    for path in {*paths(stranger.app, "GET"), *paths(stranger.app, "POST"), f"/board/client/{acme}", *ODD_PATHS}:
        for method in METHODS:
            answer = stranger.client.open(path, method=method, base_url=stranger.base, buffered=True)
            if method != "OPTIONS" or answer.text:  # which methods a stylesheet has, anybody may ask
                assert answer.status_code in {303, 401, 403, 404, 405}, (method, path)
            assert "Acme" not in answer.text
            assert "import " not in answer.text
            if answer.status_code == 303:
                assert answer.location.startswith("/board/login"), (method, path)
    assert runs_of(world) == []


def test_no_method_but_a_form_does_anything_with_one(world: World, acme: str) -> None:
    dana = visitor(world, may_write=True, allowed=acts_of(world))
    for path in paths(dana.app, "POST"):
        for method in METHODS:
            data = {"reason": "because"}
            answer = dana.client.open(
                path, method=method, base_url=dana.base, data=data, query_string=data, buffered=True
            )
            assert answer.status_code in {200, 403, 404, 405}, (method, path)
            if method == "OPTIONS":
                assert answer.text == ""
            elif answer.status_code == 200:
                pytest.fail(f"{method} {path}")
    assert runs_of(world) == []
    assert dana.get("/board").status_code == 200, "nobody was logged out"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_a_form_that_is_sent_from_elsewhere_does_nothing(world: World, acme: str, site: str) -> None:
    dana = visitor(world, may_write=True, allowed=acts_of(world))
    form = {"reason": "because", "csrf": proof_in(dana.get("/board").text)}
    path = f"/board/client/{acme}/look-again"
    assert dana.post(path, form, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert runs_of(world) == []
    assert dana.post(path, form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    assert len(runs_of(world)) == 1


def test_nobody_is_logged_in_by_a_form_that_is_not_the_boards(world: World) -> None:
    add_user(world)
    guest = Visitor(world)
    form = {"name": "Dana", "password": PASSWORD}
    guest.get("/board/login")
    for proof in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": proof_in(Visitor(world).get("/board/login").text)}):
        assert guest.post("/board/login", {**form, **proof}).status_code == 403
    assert guest.get("/board").status_code == 303


def test_what_was_known_before_the_log_in_is_worth_nothing_after_it(world: World) -> None:
    """Whoever has planted a cookie, or has seen the log-in page's proof, has nothing of it."""
    add_user(world)
    dana = Visitor(world)
    dana.client.set_cookie(COOKIE, "planted", domain="board.example", secure=True)
    before = proof_in(dana.get("/board/login").text)
    assert dana.log_in().status_code == 303
    assert dana.post("/board/logout", {"csrf": before}).status_code == 403
    other = Visitor(world, dana.app)
    other.client.set_cookie(COOKIE, "planted", domain="board.example", secure=True)
    assert other.get("/board").status_code == 303


def test_the_address_that_a_browser_names_leads_nobody_elsewhere(world: World) -> None:
    dana = visitor(world)
    stranger = Visitor(world, dana.app)
    for one in (stranger, dana):
        for path in ("/board", "/board/attention", "//board", "/board//client/1"):
            answer = one.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
            assert "evil.example" not in f"{answer.text} {answer.location}", path
            if one is stranger:
                assert answer.location.startswith("/board/login"), path


def test_it_takes_as_long_for_a_name_that_nobody_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add_user(world)
    add_user(world, "Kim", password=None)
    hashed: list[str] = []

    def checked(kept: str, _: str) -> bool:
        hashed.append(kept.partition("$")[0])
        return False

    monkeypatch.setattr(access, "check_password_hash", checked)
    for name in ("Dana", "Nobody", "Kim"):
        assert Visitor(world).log_in(name, "wrong").status_code == 403
    assert hashed == [access.METHOD] * 3


def test_a_log_out_ends_it_on_the_server_too(world: World) -> None:
    dana = visitor(world)
    cookie: Any = dana.client.get_cookie(COOKIE, domain="board.example")
    dana.send("/board", "/board/logout")
    dana.client.set_cookie(COOKIE, cookie.value, domain="board.example", secure=True)
    assert dana.get("/board").status_code == 303
