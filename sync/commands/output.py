"""How commands print: data on stdout, messages on stderr; in colour on a terminal, plain through a pipe."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from sync.plain import speaks_unicode

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDTH = 80
"""Columns of what is printed through a pipe; a terminal may be wider, up to `WIDEST`."""
WIDEST = 110

COLOURS: Mapping[str, str] = {
    "done": "green",
    "due": "cyan",
    "planned": "cyan",
    "attempting": "cyan",
    "waiting": "yellow",
    "unknown": "yellow",
    "held": "yellow",
    "blocked": "bold red",
    "failed": "bold red",
    "unproven": "bold red",
    "sending": "cyan",
    "parked": "bold red",
}
"""The style of each state that stands out; all others are dim."""


def say(message: str) -> None:
    """Print a message to stderr, for the person who gave the command."""
    click.echo(message, err=True)


def print_json(value: Mapping[str, object]) -> None:
    """Print one JSON object to stdout, with the version of its shape in front."""
    click.echo(json.dumps({"version": 1, **value}, indent=2, ensure_ascii=_escapes()))


def print_json_line(value: Mapping[str, object]) -> None:
    """Print one JSON object to stdout, in a single line, with the version of its shape in front."""
    # Not by click.echo: it goes past the progress bar, which makes way only for what is written to sys.stdout.
    sys.stdout.write(json.dumps({"version": 1, **value}, ensure_ascii=_escapes()) + "\n")
    sys.stdout.flush()


def _escapes() -> bool:
    """Whether JSON is written in ASCII: a stream that prints plain quotes for “these” would break it."""
    return not speaks_unicode(sys.stdout)


def console() -> "Console":
    """Make the console for text on stdout. It reads nothing as markup and folds lines instead of cutting them."""
    from rich.console import Console

    made = Console(markup=False, highlight=False, emoji=False, soft_wrap=False)
    made.width = min(made.width, WIDEST) if sys.stdout.isatty() else WIDTH
    return made


def colour(state: str) -> str:
    """Return the rich style for a state's name, as the ledger, the rules or `status` use it."""
    return COLOURS.get(state, "dim")


_ZONE = "sync.zone"
_UTC = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) UTC\b")


def use_zone(zone: ZoneInfo | None) -> None:
    """Let this command tell times in the portal's time zone, as people see them in HubSpot; None: it is not known."""
    click.get_current_context().meta[_ZONE] = zone


def zone_in_use() -> ZoneInfo | None:
    """Return the time zone that this command tells times in; None: UTC, with a word that it is."""
    context = click.get_current_context(silent=True)
    found: ZoneInfo | None = None if context is None else context.meta.get(_ZONE)
    return found


def format_moment(at: datetime | None, zone: ZoneInfo | None = None) -> str:
    """Format a moment: `Mon 2 Nov 2026 09:00`; None is `never`.

    It is told in `zone`, else in the command's (`use_zone`), else in UTC, which is then said.
    """
    if at is None:
        return "never"
    zone = zone or zone_in_use()
    local = at.astimezone(zone or UTC)
    return f"{format_day(local)} {local:%H:%M}" + ("" if zone is not None else " UTC")


def in_zone(text: str) -> str:
    """Tell the moments of a text that a log or a monitor reads as well (`2026-11-02 08:00:00 UTC`) as `format_moment` does."""
    return _UTC.sub(lambda found: format_moment(datetime.fromisoformat(found[1]).replace(tzinfo=UTC)), text)


def format_day(day: date) -> str:
    """Format a day, or the day of a moment: `Mon 2 Nov 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def format_duration(seconds: float) -> str:
    """Format a length of time in its largest unit: `45 s`, `12 min`, `3 h`, `2 days`."""
    if seconds < 90:
        return f"{round(seconds)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def number(count: int, noun: str) -> str:
    """Format a count with its noun: `1 record`, `1,200 records`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def addresses(count: int) -> str:
    """Format how many addresses: `1 address`, `2 addresses`."""
    return f"{count:,} address{'' if count == 1 else 'es'}"


def print_wrapped_text(out: "Console", text: "Text", first: str, rest: str) -> None:
    """Print styled text wrapped to the console's width, its first line after `first`, the others after `rest`."""
    from rich.text import Text

    for n, line in enumerate(text.wrap(out, out.width - max(len(first), len(rest)))):
        line.rstrip()
        out.print(Text(first if n == 0 else rest) + line)


def print_wrapped(out: "Console", text: str, first: str = "") -> None:
    """Print plain text wrapped to the console's width: after `first`, further lines indented as far."""
    from rich.text import Text

    print_wrapped_text(out, Text(text), first, " " * len(first))


def print_parts(out: "Console", parts: "Sequence[str]", first: str) -> None:
    """Print parts, divided by semicolons, as `print_wrapped` does; a part stays on one line."""
    width, lines = out.width - len(first), [""]
    for part in parts:
        longer = f"{lines[-1]}; {part}" if lines[-1] else part
        if lines[-1] and len(longer) + 1 > width:  # a semicolon may follow
            lines[-1] += ";"
            lines.append(part)
        else:
            lines[-1] = longer
    for n, line in enumerate(lines):
        print_wrapped(out, line, " " * len(first) if n else first)


def print_unwrapped(out: "Console", text: str, indent: str = "") -> None:
    """Print text on one line, however long: an address is copied, or clicked, as a whole."""
    out.print(f"{indent}{text}", soft_wrap=True)


def print_more(out: "Console", count: int, limit: int | None) -> None:
    """Print how many of `count` items a list left out that showed `limit` at most; None left out none."""
    if limit is not None and count > limit:
        out.print(f"  … and {count - limit:,} more (--all)")
