"""`handoffs list`: every client in a line."""

import sys
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.options import JSON
from sync.commands.output import colour, console, format_duration, number, print_json, print_wrapped, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from sync.admin.clients import Client


@click.command()
@click.argument("part", default="", metavar="[PART]")
@JSON
def list(part: str, as_json: bool) -> None:  # noqa: A001 - a command's name is its function's
    """Show every client: where it stands, whose turn it is, since when, and which date comes next.

    What needs an admin comes first, then who is late (stuck), then everybody else by name. PART shows only clients with
    this in their name. Nothing is changed.

    It costs few calls, however many clients there are: some ten, and one more for every two hundred. Names, statuses and
    dates are the CRM's of this moment; whose turn it is, is what the service has seen at its last look at each client.

    \b
    parked, failed, blocked, held   an admin's turn: see `handoffs status`
    stuck                           a person's turn for longer than the
                                    mapping allows
    waiting                         a person's turn
    due                             the service's: it looks at it next
    quiet                           nobody's: the next date is awaited

    \b
    Examples:
      handoffs list
      handoffs list acme
      handoffs list --json | jq -r '.clients[] | .portfolio.name + ": " + .turn'

    \b
    Exit codes: 0 shown; 1 no client of that name, or the CRM failed;
      4 the token is refused; 5 the mapping does not fit the portal
    """
    with session.service(begin=False) as built:
        from mappings.names import as_seen
        from sync.admin.clients import clients
        from sync.passes import recovery

        built.require_own_portal()
        found = [one for one in clients(built.reading) if as_seen(part) in as_seen(one.name)]
        if recovery.is_needed(built.store):
            say("No pass has run on this database yet: whose turn it is, is told once the service has looked.")
        now = built.clock.now()
    if as_json:
        print_json({"clients": [one.as_json() for one in found]})
    else:
        _show_clients(console(), found, now)
    if part and not found:
        say(f"No client has “{part}” in its name.")
        click.get_current_context().exit(1)


def _show_clients(out: "Console", found: "Sequence[Client]", now: datetime) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    for title, ratio in (("Client", 5), ("Stands at", 4), ("Whose turn", 5), ("Since", None), ("Next date", 3)):
        table.add_column(title, ratio=ratio, overflow="fold", header_style="bold", no_wrap=ratio is None)
    table.expand = True
    for one in found:
        state = Text(one.standing.value, colour(one.standing.value)) if one.standing.value in SHOWN else Text("")
        turn = Text.assemble(state, ": " if state.plain else "", one.turn.removeprefix("the "))
        since = "" if one.since is None else format_duration((now - one.since).total_seconds())
        day = one.next_date
        coming = (
            "–" if day is None else f"{day:%a} {day.day} {day:%b}" + (", kickoff" if one.next_is == "kickoff" else "")
        )
        table.add_row(one.name, one.status or "–", turn, since, coming)
    if found:
        with out.capture() as printed:
            out.print(table)
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))
        out.print()
    print_wrapped(out, _sum(found))


SHOWN = frozenset({"parked", "failed", "blocked", "held", "stuck"})
"""Standings that are named: of the others it says enough whose turn it is."""


def _sum(found: "Sequence[Client]") -> str:
    counts = Counter(one.standing.value for one in found)
    return (
        f"{number(len(found), 'client')}"
        + (": " + ", ".join(f"{count:,} {standing}" for standing, count in counts.items()) if counts else "")
        + "."
    )
