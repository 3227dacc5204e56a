"""The board in a real browser: what a manager sees and does, on a desk and on a phone, and what a screen reader needs."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import make_server

from sync.board import reckoner
from tests.board.browser import PASSWORD, Visitor, add_user
from tests.board.test_acts import acts_of
from tests.board.test_pages import agency
from tests.world import World, _Quiet

SHOTS = os.environ.get("BOARD_SCREENSHOTS")
"""A directory to keep pictures in, for the docs."""


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("there is no Chromium: install the distribution's (`apt-get install chromium`)")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The board over an agency of 300 clients, and the id of one in mid-cycle."""
    world = World(tmp_path_factory.mktemp("world"))
    for n in range(296):
        world.people.create_portfolio(f"Client {n:03}", world.day(40 + n % 60))
    made = agency(world)
    add_user(world, may_write=True)
    server = make_server(
        "127.0.0.1", 0, Visitor(world, allowed=acts_of(world)).app, threaded=True, request_handler=_Quiet
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.port}", made["Bolt"]
    server.shutdown()
    thread.join()
    server.server_close()
    world.close()


@pytest.fixture(autouse=True)
def _has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report is there at once, however slow the machine: the page does not come again under axe's hands."""
    monkeypatch.setattr(reckoner, "PATIENCE", 60)


class Desk:
    """A browser's window at the board; whatever its console says is kept."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.said: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(message.text)

    def log_in(self, password: str = PASSWORD) -> None:
        self.page.goto(f"{self.base}/board")
        self.page.get_by_label("Name").fill("Dana")
        self.page.get_by_label("Password").fill(password)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Log in").click()

    def serious(self) -> list[str]:
        """What axe finds serious or critical on the page."""
        found: dict[str, Any] = Axe().run(self.page).response
        return [
            f"{one['id']}: {one['nodes'][0]['html']}"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
        ]

    def shoot(self, name: str) -> None:
        """Keep a picture of the light page, where pictures are asked for."""
        if SHOTS is not None and self.page.evaluate("!matchMedia('(prefers-color-scheme: dark)').matches"):
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png")


@pytest.fixture(params=["light", "dark"])
def desk(browser: Browser, place: tuple[str, str], request: pytest.FixtureRequest) -> Iterator[Desk]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=request.param)
    yield Desk(context.new_page(), place[0])
    context.close()


def test_a_manager_logs_in_and_sees_who_is_late_and_every_page_can_be_read_by_all(
    desk: Desk, place: tuple[str, str]
) -> None:
    desk.log_in("wrong")
    assert desk.page.get_by_role("alert").inner_text() == "The name or the password is wrong."
    assert desk.said == ["Failed to load resource: the server responded with a status of 403 (FORBIDDEN)"]
    desk.said.clear()
    assert desk.serious() == []
    desk.log_in()
    first = desk.page.locator(".first")
    assert "2 clients want somebody now" in first.inner_text()
    assert "Acme stuck The Account Manager (Amelia Marsh) · 5 days" in " ".join(first.inner_text().split())
    assert "300 clients." in desk.page.locator(".sum").inner_text()
    assert desk.serious() == []
    desk.shoot("board")
    for path in (
        f"/board/client/{place[1]}",
        "/board/attention",
        "/board/history",
        "/board/runs",
        "/board/reports",
        "/board/health",
    ):
        desk.page.goto(desk.base + path)
        assert desk.serious() == [], path
        desk.shoot(path.split("/")[2])
    assert desk.said == []


def test_a_client_is_found_by_keyboard_alone_and_on_a_phone(browser: Browser, place: tuple[str, str]) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 700})
    desk = Desk(context.new_page(), place[0])
    desk.log_in()
    page = desk.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.get_by_role("searchbox", name="Client").focus()
    page.keyboard.type("bolt")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=bolt**")
    page.locator(".card a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/board/client/*")
    assert page.get_by_role("heading", level=1).inner_text() == "Bolt"
    for path in (
        "/board",
        f"/board/client/{place[1]}",
        "/board/attention",
        "/board/history",
        "/board/reports",
        "/board/health",
    ):
        page.goto(desk.base + path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} pixels wider than the phone"
    desk.shoot("phone")
    assert desk.said == []
    context.close()


def test_the_page_is_loaded_again_by_itself_and_leaves_whoever_types_alone(
    browser: Browser, place: tuple[str, str]
) -> None:
    context = browser.new_context()
    desk = Desk(context.new_page(), place[0])
    desk.page.clock.install()
    desk.log_in()
    page = desk.page
    page.evaluate("document.querySelector('h1').textContent = 'old'")
    page.get_by_role("searchbox", name="Client").fill("b")
    page.clock.fast_forward(61_000)
    assert page.get_by_role("heading", level=1).inner_text() == "old"
    page.get_by_role("searchbox", name="Client").blur()
    with page.expect_response("**/board"):
        page.clock.fast_forward(61_000)
    page.get_by_role("heading", level=1, name="Where every client stands").wait_for()
    assert desk.said == []
    context.close()


def test_what_failed_is_tried_again_with_a_reason(browser: Browser, place: tuple[str, str]) -> None:
    context = browser.new_context()
    desk = Desk(context.new_page(), place[0])
    desk.log_in()
    page = desk.page
    page.get_by_role("link", name="Needs a person").click()
    again = page.get_by_role("button", name="Try all that is parked or failed again")
    again.click()
    assert page.url.endswith("/board/attention"), "the browser asks for a reason first"
    page.get_by_label("Why").fill("the rule in HubSpot is gone")
    again.click()
    page.wait_for_url("**done=retry")
    assert "They are tried again" in page.get_by_role("status").inner_text()
    page.goto(f"{desk.base}/board/runs")
    assert "the rule in HubSpot is gone" in page.get_by_role("row").nth(1).inner_text()
    assert desk.serious() == []
    assert desk.said == []
    context.close()
