"""The page of lead times says what `handoffs report` says, and keeps nobody waiting for it."""

import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from threading import Event, Thread

import pytest
from sqlalchemy import text

from sync.board import reckoner
from sync.board.pages import reports as page
from sync.board.reckoner import Question, Reckoner
from sync.errors import StoreError
from sync.reports.figures import Figures
from sync.reports.report import By, Report, Wanted, read_report
from tests.board.browser import Visitor, visitor
from tests.story.test_report_command import a_cycle
from tests.terminal import Terminal
from tests.world import World

NASTY = "Acme <script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}"


@pytest.fixture(autouse=True)
def _has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reckoner, "PATIENCE", 60)


def rows(answer: str) -> list[list[str]]:
    """The cells of each line of the tables, without pictures."""
    plain = re.sub(r"<svg.*?</svg>", "", answer)
    found = re.findall(r"<tr><th scope=\"row\">.*?</tr>", plain)
    return [[unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in found]


@pytest.mark.parametrize(
    "asked",
    [
        {"by": "client"},
        {"by": "role"},
        {"by": "person"},
        {"by": "month"},
        {"by": "month", "since": "2026-11-11"},
        {"by": "client", "until": "2026-11-11"},
        {"by": "client", "client": "nobody"},
        {"by": "client", "client": "shoes"},
    ],
)
def test_it_says_what_the_command_says(world: World, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]) -> None:
    a_cycle(world)
    dana = visitor(world)
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = dana.get(f"/board/reports?{query}").text
    file, options = world.directory / "report.html", [f"--{name}={asked[name]}" for name in asked if name != "client"]
    terminal = Terminal(world, monkeypatch)
    terminal.run("report", *options, "--html", str(file), *([asked["client"]] if "client" in asked else []))
    mailed = file.read_text()
    assert len(rows(mailed)) >= 10
    assert rows(answer) == rows(mailed)
    assert re.findall("<svg.*?</svg>", answer) == re.findall("<svg.*?</svg>", mailed)
    for line in re.findall(r"<p[^>]*>(.*?)</p>", mailed):
        assert f">{line}</p>" in answer


def test_it_says_what_stands_in_the_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    a_cycle(world)
    said = visitor(world).see("/board/reports")
    told = Terminal(world, monkeypatch).run("report").stdout.splitlines()
    assert told[0] == "Until Wed 18 Nov 2026 09:02: 1 cycle went live, 0 were declined, 0 go on."
    for words in (*told[0].split(": "), told[1], "Kickoff to yes 1 1.0 1.0", "Acme Shoes 1 0 1.0 1.4 2.0 4.0 1.0 1.0"):
        assert words in said


@pytest.mark.parametrize("by", list(By))
def test_whatever_people_type_is_shown_and_never_run(world: World, by: By) -> None:
    a_cycle(world, NASTY)
    with world.service.store.write() as connection:
        connection.execute(text("UPDATE person SET name = :x"), {"x": NASTY})
    dana = visitor(world)
    answer = dana.get(f"/board/reports?by={by}&client={NASTY[:10]}&since=<script>alert").text
    assert "<script>alert" not in answer
    assert "<img" not in answer
    assert "style=" not in answer
    assert "<style" not in answer
    if by in {By.CLIENT, By.PERSON}:
        assert [row for row in rows(answer) if row[0] == NASTY], "it is shown as it was typed"


@pytest.mark.parametrize(
    "query",
    ["since=0001-01-01", "until=9999-12-31", "since=x&until=y", "since=2026-12-01&until=2026-01-01", "by=x", "page=9"],
)
def test_what_nobody_can_mean_is_no_error(world: World, query: str) -> None:
    a_cycle(world)
    dana = visitor(world)
    assert "Where the time goes" in dana.see(f"/board/reports?{query}")
    assert dana.get(f"/board/history?{query}").status_code == 200


def test_groups_are_paged_and_of_very_many_clients_the_newest_months_are_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_cycle(world, "Acme One")
    a_cycle(world, "Acme Two")
    monkeypatch.setattr(page, "ON_PAGE", 1)
    dana = visitor(world)
    first, second = (dana.get(f"/board/reports?page={n}").text for n in (1, 2))
    assert [row[0] for one in (first, second) for row in rows(one) if row[0].startswith("Acme")] == [
        "Acme One",
        "Acme Two",
    ]
    assert "Page 1 of 2" in first
    assert "Until Fri 4 Dec" in dana.see("/board/reports?by=month"), "of all time"
    monkeypatch.setattr(page, "LARGE", 1)
    monkeypatch.setattr(page, "NEWEST", timedelta(days=3))
    said = dana.see("/board/reports?by=month")
    assert "The newest three months of 2 clients." in said
    assert "1 cycle went live" in said
    assert "2 cycles went live" in dana.see("/board/reports?by=month&since=2026-01-01")
    assert "three months" not in dana.see("/board/reports?client=two")


def test_a_browser_comes_again_for_what_takes_longer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    a_cycle(world)
    monkeypatch.setattr(reckoner, "PATIENCE", 0)
    may_go_on, read, done = Event(), read_report, Event()

    def slowly(*given: object) -> Report:
        may_go_on.wait(60)
        try:
            return read(*given)  # type: ignore[arg-type]
        finally:
            done.set()

    monkeypatch.setattr(page, "read_report", slowly)
    dana = visitor(world)
    for path in ("/board/reports", "/board/reports?by=month"):  # one at a time
        answer = dana.get(path)
        assert answer.headers["Refresh"] == "3"
        assert "It is being summed up, out of what is kept of 1 client." in answer.text
    may_go_on.set()
    done.wait(60)
    monkeypatch.setattr(reckoner, "PATIENCE", 60)
    answer = dana.get("/board/reports")
    assert "Refresh" not in answer.headers
    assert "1 cycle went live" in answer.text


def test_a_report_is_kept_for_a_while_and_not_for_ever(world: World) -> None:
    a_cycle(world)
    dana = visitor(world)
    assert "Until Wed 18 Nov 2026 09:02" in dana.see("/board/reports")
    world.clock.sleep(reckoner.FRESH.total_seconds() - 60)
    assert "Until Wed 18 Nov 2026 09:02" in dana.see("/board/reports")
    world.clock.sleep(60)
    assert "Until Wed 18 Nov 2026 09:12" in dana.see("/board/reports")


def test_no_more_reports_are_kept_than_so_many(world: World) -> None:
    now, made = world.clock.now(), []

    def read(question: Question) -> Report:
        made.append(question.wanted.client)
        return Report(None, now, question.by, Figures(), {}, {}, 0, 0)

    kept = Reckoner(read)
    asked = [Question(Wanted(str(n)), By.CLIENT) for n in range(reckoner.KEPT + 1)]
    assert all(kept.ask(one, now) for one in asked)
    assert kept.ask(asked[-1], now)
    assert kept.ask(asked[0], now)
    assert made == [*(one.wanted.client for one in asked), "0"]


def test_reports_of_very_many_groups_are_not_kept_together(monkeypatch: pytest.MonkeyPatch) -> None:
    now, made = datetime(2026, 11, 30, tzinfo=UTC), []
    monkeypatch.setattr(reckoner, "GROUPS", 5)

    def read(question: Question) -> Report:
        made.append(question.by)
        return Report(None, now, question.by, Figures(), {str(n): Figures() for n in range(3)}, {}, 0, 0)

    kept = Reckoner(read)
    for by in (By.CLIENT, By.CLIENT, By.ROLE, By.ROLE, By.CLIENT):
        assert kept.ask(Question(Wanted(), by), now)
    assert made == [By.CLIENT, By.ROLE, By.CLIENT]


def test_what_took_long_stands_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now, made, minutes = datetime(2026, 11, 30, tzinfo=UTC), [], iter([0, 120, 120, 240])
    monkeypatch.setattr(reckoner, "monotonic", lambda: next(minutes))

    def read(question: Question) -> Report:
        made.append(question.by)
        return Report(None, now, question.by, Figures(), {}, {}, 0, 0)

    kept, question = Reckoner(read), Question(Wanted(), By.CLIENT)
    for passed, times in ((0, 1), (39, 1), (41, 2)):
        assert kept.ask(question, now + timedelta(minutes=passed))
        assert len(made) == times


@pytest.mark.parametrize("patience", [60, 0])
def test_what_fails_is_said_once_and_tried_again(patience: float, monkeypatch: pytest.MonkeyPatch) -> None:
    now, outcomes = datetime(2026, 11, 30, tzinfo=UTC), ["fails", "is read"]

    def read(question: Question) -> Report:
        if outcomes.pop(0) == "fails":
            raise StoreError("the database is locked")
        return Report(None, now, question.by, Figures(), {}, {}, 0, 0)

    monkeypatch.setattr(reckoner, "PATIENCE", patience)
    kept, question = Reckoner(read), Question(Wanted(), By.CLIENT)

    def ask() -> Report | None:
        """Come again until there is an answer, as a browser does."""
        found = None
        while (found := kept.ask(question, now)) is None:
            time.sleep(0.001)
        return found

    with pytest.raises(StoreError):
        ask()
    assert ask()
    assert outcomes == []


def test_a_report_whose_making_cannot_begin_is_begun_by_who_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    now, question = datetime(2026, 11, 30, tzinfo=UTC), Question(Wanted(), By.CLIENT)
    kept = Reckoner(lambda asked: Report(None, now, asked.by, Figures(), {}, {}, 0, 0))
    with monkeypatch.context() as short:
        short.setattr("sync.board.reckoner.Thread.start", none_left)
        with pytest.raises(RuntimeError):
            kept.ask(question, now)
    assert kept.ask(question, now)


def test_a_database_that_cannot_be_read_is_no_empty_report(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Report:
        raise StoreError("the database is locked")

    monkeypatch.setattr(page, "read_report", fails)
    assert visitor(world).get("/board/reports").status_code == 503


def test_nobody_sees_it_without_a_log_in(world: World) -> None:
    a_cycle(world)
    visitor(world).see("/board/reports")  # it is kept now
    answer = Visitor(world).get("/board/reports")
    assert (answer.status_code, answer.location) == (303, "/board/login?next=/board/reports")
    assert "Acme" not in answer.text
