"""How commands speak: data on stdout, messages on stderr; for people in colour on a terminal, plain through a pipe."""

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDTH = 80
"""Columns of what is printed through a pipe; a terminal may be wider, up to `WIDEST`."""
WIDEST = 110

AT_MOST = 20
"""Lines of one list that are shown without `--all`."""

ALL = click.option(
    "--all", "everything", is_flag=True, help=f"List everything, not only the first {AT_MOST} of a kind."
)

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead, for scripts.")

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
    "parked": "bold red",
}
"""How a state stands out; all others are dim."""


def say(message: str) -> None:
    """A message to the person at the command, on stderr."""
    click.echo(message, err=True)


def print_json(value: Mapping[str, object]) -> None:
    """One JSON object, with the version of its shape."""
    click.echo(json.dumps({"version": 1, **value}, indent=2, ensure_ascii=False))


def console() -> "Console":
    """Where people's text goes: nothing in it is markup, and a line is never cut."""
    from rich.console import Console

    made = Console(markup=False, highlight=False, emoji=False, soft_wrap=False)
    made.width = min(made.width, WIDEST) if sys.stdout.isatty() else WIDTH
    return made


def colour(state: str) -> str:
    return COLOURS.get(state, "dim")


def moment(at: datetime | None, zone: ZoneInfo | None = None) -> str:
    """`Mon 2 Nov 2026 09:00` in the zone; UTC where none is given, and said so."""
    if at is None:
        return "never"
    local = at.astimezone(zone) if zone is not None else at
    return f"{local:%a} {local.day} {local:%b %Y %H:%M}" + ("" if zone is not None else " UTC")


def duration(seconds: float) -> str:
    """A length of time in its largest unit: `45 s`, `12 min`, `3 h`, `2 days`."""
    if seconds < 90:
        return f"{round(seconds)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def number(count: int, noun: str) -> str:
    """`1 record`, `1,200 records`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def folded(out: "Console", text: "Text", first: str, rest: str) -> None:
    """Text folded to the width: its first line after `first`, the others after `rest`."""
    from rich.text import Text

    for n, line in enumerate(text.wrap(out, out.width - max(len(first), len(rest)))):
        line.rstrip()
        out.print(Text(first if n == 0 else rest) + line)


def sentence(out: "Console", text: str, first: str = "") -> None:
    """Plain text folded to the width, its further lines under its first."""
    from rich.text import Text

    folded(out, Text(text), first, " " * len(first))


def whole(out: "Console", text: str, indent: str) -> None:
    """An address is never broken: people and terminals take it up as a whole."""
    out.print(f"{indent}{text}", soft_wrap=True)


def more(out: "Console", count: int, limit: int | None) -> None:
    if limit is not None and count > limit:
        out.print(f"  … and {count - limit:,} more (--all)")
