"""Where the time goes: what `handoffs report` says, by client, role, person or month."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from flask import Flask, Response, render_template

from sync.board.pages.sight import Sight, asked, asked_day, page_number
from sync.board.reckoner import Question, Reckoner
from sync.clock import start_of_day
from sync.reports import words
from sync.reports.page import report_tables
from sync.reports.report import By, Report, Wanted, read_report
from sync.storage import portfolios

LARGE = 2_000
"""Of more clients than these only the newest months are summed up, unless a day is asked for: a year of each client takes some
ten milliseconds."""

NEWEST = timedelta(days=92)
"""These months."""

ON_PAGE = 50
"""Groups of a page: clients or people."""

AGAIN = 3
"""Seconds after which a browser asks again for what is not summed up yet."""


def add_to(app: Flask, sight: Sight) -> None:
    """Add the page to this app."""
    reckoner = Reckoner(lambda question: _read(sight, question))

    @app.get("/board/reports")
    def reports() -> Response:
        question = _question(sight)
        with sight.store.read() as connection:
            count = portfolios.count(connection, question.wanted.client)
        is_cut = count > LARGE and question.wanted.since is None
        if is_cut:
            since = start_of_day(sight.today() - NEWEST, sight.zone)
            question = replace(question, wanted=replace(question.wanted, since=since))
        found = reckoner.ask(question, sight.clock.now())
        page = page_number()
        response = Response(
            render_template(
                "reports.html",
                found=found,
                told=_told(sight, found, page) if found is not None else {},
                count=count,
                is_large=count > LARGE,
                is_cut=is_cut,
                choices=list(By),
                by=question.by,
                page=page,
                pages=max(1, -(-len(found.groups) // ON_PAGE)) if found is not None else 1,
                asked={name: asked(name) for name in _ARGS},
                args={name: asked(name) for name in _ARGS if asked(name)},
            )
        )
        if found is None:
            response.headers["Refresh"] = str(AGAIN)
        return response


_ARGS: Sequence[str] = ("client", "by", "since", "until")


def _question(sight: Sight) -> Question:
    since, until = asked_day("since"), asked_day("until")
    wanted = Wanted(
        asked("client"),
        None if since is None else start_of_day(since, sight.zone),
        None if until is None else start_of_day(until + timedelta(days=1), sight.zone),
    )
    return Question(wanted, next((one for one in By if one.value == asked("by")), By.CLIENT))


def _read(sight: Sight, question: Question) -> Report:
    with sight.store.read() as connection:
        return read_report(connection, sight.mapping, question.wanted, question.by, sight.clock.now())


def _told(sight: Sight, found: Report, page: int) -> dict[str, object]:
    """The words of `handoffs report`, with the groups of this page."""
    groups = dict(islice(found.groups.items(), (page - 1) * ON_PAGE, page * ON_PAGE))
    return {
        "span": words.span(found, sight.zone),
        "sum": words.sum_of(found),
        "on_time": words.share(found.total),
        "tables": report_tables(replace(found, groups=groups), sight.mapping),
    }
