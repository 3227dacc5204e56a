"""`handoffs sandbox show`: the records, people, emails and calls of the running sandbox."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from sync.commands.options import JSON
from sync.commands.output import console, print_json, say
from sync.commands.sandbox.connection import URL, control, people_of

if TYPE_CHECKING:
    from sync.sandbox.people import RemotePeople, Seen


@click.command()
@URL
@click.argument(
    "what",
    type=click.Choice(["portfolios", "tickets", "tasks", "notes", "emails", "owners", "log"]),
    metavar="WHAT",
)
@JSON
def show(url: str, what: str, as_json: bool) -> None:
    """Show what is in the running sandbox: records, people, emails, calls.

    WHAT is portfolios, tickets, tasks, notes, emails, owners or log.

    \b
    Examples:
      handoffs sandbox show tasks
      handoffs sandbox show portfolios --json
    """
    if what == "log":
        with control(url) as client:
            calls = client.get("log")["calls"]
        rows = [{name: value for name, value in call.items() if value is not None} for call in calls]
    else:
        with people_of(url) as people:
            rows = _ROWS[what](people)
    if as_json:
        print_json({what: rows})
    else:
        _print_rows(rows)


def _records(kind: str) -> "Callable[[RemotePeople], list[dict[str, Any]]]":
    return lambda people: [_row_of(seen) for seen in people.list(kind)]


def _row_of(seen: "Seen") -> dict[str, Any]:
    """Return what of a record is shown: its id, the properties that the process works with, its associations."""
    hidden = {"hs_object_id", "hs_createdate", "createdate", "hs_lastmodifieddate", "hs_task_body"}
    values = {name: value for name, value in seen.properties.items() if name not in hidden and value}
    return {"id": seen.id, **values, **{f"on {kind}": ", ".join(ids) for kind, ids in seen.associations.items()}}


_ROWS: "Mapping[str, Callable[[RemotePeople], list[dict[str, Any]]]]" = {
    "portfolios": _records("portfolio"),
    "tickets": _records("ticket"),
    "tasks": _records("task"),
    "notes": _records("note"),
    "emails": lambda people: [
        {"at": f"{sent.at:%Y-%m-%d %H:%M}", "to": sent.to, "subject": sent.properties.get("subject", "")}
        for sent in people.emails()
    ],
    "owners": lambda people: [
        {"id": owner, "role": role} for role, owner in sorted(people.process.owners.items(), key=lambda pair: pair[1])
    ],
}


def _print_rows(rows: list[dict[str, Any]]) -> None:
    """Print each record as a paragraph: names and values below each other read well at any width."""
    from rich.text import Text

    out = console()
    if not rows:
        say("None.")
    for row in rows:
        first, *rest = row.items()
        out.print(Text(f"{first[1]}", "bold"))
        for name, value in rest:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            out.print(f"  {name:<28} {text}", soft_wrap=True)
