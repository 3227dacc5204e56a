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

WIDTH = 80
"""Columns of what is printed through a pipe; a terminal may be wider, up to `WIDEST`."""
WIDEST = 110

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
