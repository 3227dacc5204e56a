"""What was decided and done, and who had what done by a command: the pages over the log and the runs."""

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Flask, render_template

from mappings.vocabulary import Handoff
from sync.board.pages.sight import Sight, asked, asked_day, page_number
from sync.clock import start_of_day
from sync.storage import runs
from sync.storage.ledger.log import STATES, LogFilter, read_log

AT_MOST = 50
"""Decisions of a page."""

RUNS_AT_MOST = 200
"""Runs of a page, the newest."""

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def add_to(app: Flask, sight: Sight) -> None:
    """Add both pages to this app."""

    @app.get("/board/history")
    def history() -> str:
        page = page_number()
        with sight.store.read() as connection:
            found = read_log(connection, _wanted(sight), AT_MOST, skip=(page - 1) * AT_MOST)
        entries = list(reversed(found.entries))
        args = {name: asked(name) for name in ("client", "person", "handoff", "state", "since") if asked(name)}
        return render_template(
            "history.html",
            entries=entries,
            page=page,
            more=found.more,
            args=args,
            asked={name: asked(name) for name in ("client", "person", "handoff", "state", "since")},
            handoffs=list(Handoff),
            states=STATES,
        )

    @app.get("/board/runs")
    def past_runs() -> str:
        with sight.store.read() as connection:
            found = runs.find(connection, _FIRST, _LAST)
        return render_template(
            "runs.html", runs=list(reversed(found[-RUNS_AT_MOST:])), count=len(found), told=told, at_most=RUNS_AT_MOST
        )


def told(values: Mapping[str, object]) -> str:
    """What a run was told, or came to, in words: empty values are left out, long lists cut off."""
    said = []
    for name, value in values.items():
        if value in (None, "", False, [], {}, 0):
            continue
        word = name.replace("_", " ")
        if isinstance(value, list):
            more = f" and {len(value) - 10:,} more" if len(value) > 10 else ""
            said.append(f"{word} {', '.join(str(one) for one in value[:10])}{more}")
        else:
            said.append(word if value is True else f"{word} {value}")
    return "; ".join(said)


def _wanted(sight: Sight) -> LogFilter:
    handoffs = [one for one in Handoff if one.value == asked("handoff")]
    states = [one for one in STATES if one == asked("state")]
    day = asked_day("since")
    since = None if day is None else start_of_day(day, sight.zone)
    return LogFilter(asked("client"), asked("person"), handoffs, states, since)
