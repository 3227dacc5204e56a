"""`handoffs runs`: who had what done, why, and what came of it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from sync.commands import session
from sync.commands.csv_output import print_csv
from sync.commands.options import ALL, CSV, JSON, SINCE, UNTIL, list_limit, one_format, span
from sync.commands.output import (
    console,
    format_duration,
    format_moment,
    number,
    print_json,
    print_wrapped,
    say,
    zone_in_use,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from sync.storage.runs import Run

COLUMNS = ("started", "finished", "command", "actor", "reason", "arguments", "counts")
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@click.command()
@click.option("--command", "command", default="", metavar="NAME", help="Only runs of this command: apply, release, …")
@click.option("--actor", default="", metavar="NAME", help="Only runs by whoever is called so on their machine.")
@SINCE
@UNTIL
@ALL
@JSON
@CSV
def runs(
    command: str,
    actor: str,
    since: datetime | date | None,
    until: datetime | date | None,
    everything: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show who had what done by a command, when, why, and what came of it.

    Kept is every run of adopt, apply, backfill, replay, dead retry, dead drop and release. The newest are shown, oldest
    first. It reads the database alone, and nothing is changed.

    \b
    Examples:
      handoffs runs
      handoffs runs --command release --since 2026-11-01
      handoffs runs --all --csv > runs.csv

    \b
    Exit codes: 0 shown, or there is none; 1 the database failed;
      2 an option is not understood
    """
    one_format(as_json=as_json, as_csv=as_csv)
    from sync.storage.runs import find

    with session.database(session.read_settings(), write=False) as store:
        start, end = span(since, until, zone_in_use() or ZoneInfo("UTC"))
        with store.read() as connection:
            every = find(connection, start or _FIRST, end or _LAST)
    found = [one for one in every if command in {"", one.command} and actor in {"", one.actor}]
    if as_json:
        print_json({"runs": [one.as_json() for one in found]})
    elif as_csv:
        print_csv(COLUMNS, map(_row, found))
    else:
        _show(console(), found, list_limit(everything))
    if not found:
        say("Nothing matches." if every else "Nobody has had anything done by a command that is kept.")


def _row(run: "Run") -> tuple[object, ...]:
    from sync.storage.database import to_json

    finished = None if run.finished is None else run.finished.isoformat()
    arguments, counts = to_json(run.arguments), to_json(run.counts)
    return run.started.isoformat(), finished, run.command, run.actor, run.reason, arguments, counts


def _show(out: "Console", found: "Sequence[Run]", limit: int | None) -> None:
    shown = found if limit is None else found[-limit:]
    if len(found) > len(shown):
        out.print(f"… {number(len(found) - len(shown), 'older run')} (--all)\n")
    for run in shown:
        print_wrapped(out, f"{format_moment(run.started)}  {run.command}, by {run.actor}")
        if run.reason:
            print_wrapped(out, f"why: {run.reason}", "  ")
        if told := _words(run.arguments):
            print_wrapped(out, f"told: {told}", "  ")
        print_wrapped(out, _outcome(run), "  ")
        out.print()
    if found:
        print_wrapped(out, f"{number(len(found), 'run')}.")


def _outcome(run: "Run") -> str:
    if run.finished is None:
        return "not finished: it goes on, or was cut off"
    took = format_duration((run.finished - run.started).total_seconds())
    counts = _words(run.counts)
    return f"came to: {counts} (took {took})" if counts else f"done (took {took})"


def _words(values: Mapping[str, object]) -> str:
    """What was said, empty values left out: `since 2026-11-01, portfolios 1001 1002`."""
    said = []
    for name, value in values.items():
        if value in (None, "", False, [], {}, 0):
            continue
        word = name.replace("_", " ")
        if value is True:
            said.append(word)
        elif isinstance(value, list):
            said.append(f"{word} {_some(value)}")
        elif isinstance(value, Mapping):
            said.append(f"{word} ({_words(value)})")
        else:
            said.append(f"{word} {value}")
    return ", ".join(said)


def _some(values: "list[object]", shown: int = 10) -> str:
    more = f" and {len(values) - shown:,} more" if len(values) > shown else ""
    return " ".join(str(_plain(one)) for one in values[:shown]) + more


def _plain(value: object) -> object:
    return f"({_words(value)})" if isinstance(value, Mapping) else value
