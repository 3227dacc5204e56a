"""`handoffs sandbox show`: the records, people, emails and calls of the running sandbox."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from mappings.richtext import plain_text
from sync.commands.options import JSON
from sync.commands.output import console, print_json, say
from sync.commands.sandbox import words
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

    People, stages and options are shown by what they are called, texts as people read them; --json has the values as the
    CRM keeps them. WHAT is portfolios, tickets, tasks, notes, emails, owners or log.

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
            rows = _ROWS[what](people, not as_json)
    if as_json:
        print_json({what: rows})
    else:
        _print_rows(rows)


_HTML = frozenset({"hs_task_body", "hs_note_body"})


def _records(kind: str) -> "Callable[[RemotePeople, bool], list[dict[str, Any]]]":
    def rows(people: "RemotePeople", in_words: bool) -> list[dict[str, Any]]:
        called = words.shown(people, kind) if in_words else {}
        return [_row_of(seen, called, in_words=in_words) for seen in people.list(kind)]

    return rows


def _row_of(seen: "Seen", called: "Mapping[str, Mapping[str, str]]", *, in_words: bool) -> dict[str, Any]:
    """Return what of a record is shown: its id, the properties that the process works with, its associations.

    `called`: what values are called, by property. For people (`in_words`) texts are shown as they read them.
    """
    hidden = {"hs_object_id", "hs_createdate", "createdate", "hs_lastmodifieddate"}
    values = {}
    for name, value in seen.properties.items():
        if name not in hidden and value:
            text = plain_text(value) if in_words and name in _HTML else value
            values[name] = called.get(name, {}).get(value, text)
    return {"id": seen.id, **values, **{f"on {kind}": ", ".join(ids) for kind, ids in seen.associations.items()}}


_ROWS: "Mapping[str, Callable[[RemotePeople, bool], list[dict[str, Any]]]]" = {
    "portfolios": _records("portfolio"),
    "tickets": _records("ticket"),
    "tasks": _records("task"),
    "notes": _records("note"),
    "emails": lambda people, _: [
        {
            "at": f"{sent.at:%Y-%m-%d %H:%M}",
            "to": sent.to,
            "subject": sent.properties.get("subject", ""),
            "text": sent.properties.get("body", ""),
        }
        for sent in people.emails()
    ],
    "owners": lambda people, _: [
        {
            "id": one["id"],
            "name": one["name"],
            "email": one["email"],
            "role": ", ".join(role for role, owner in people.process.owners.items() if owner == one["id"]),
        }
        for one in people.persons()
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
            lines = text.splitlines() or [""]
            out.print(f"  {name:<28} {lines[0]}", soft_wrap=True)
            for line in lines[1:]:
                out.print(f"  {'':<28} {line}".rstrip(), soft_wrap=True)
