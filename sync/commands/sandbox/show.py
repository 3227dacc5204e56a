"""`handoffs sandbox show`: the records, people, emails and calls of the running sandbox."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from mappings.names import as_seen
from mappings.richtext import plain_text
from sync.commands.options import JSON
from sync.commands.output import console, print_json, say
from sync.commands.sandbox import words
from sync.commands.sandbox.connection import URL, control, people_of
from sync.storable import storable

if TYPE_CHECKING:
    from sync.sandbox.people import RemotePeople, Seen


@click.command()
@URL
@click.argument(
    "what",
    type=click.Choice(["portfolios", "tickets", "tasks", "notes", "emails", "owners", "log"]),
    metavar="WHAT",
)
@click.argument("part", required=False)
@JSON
def show(url: str, what: str, part: str | None, as_json: bool) -> None:
    """Show what is in the running sandbox: records, people, emails, calls.

    People, stages and options are shown by what they are called, texts as people read them, times as the portal's; --json
    has the values as the CRM keeps them. WHAT is portfolios, tickets, tasks, notes, emails, owners or log. With PART only
    those in which it stands: the name of a client, a person, a word of the text.

    \b
    Examples:
      handoffs sandbox show tasks
      handoffs sandbox show tasks acme
      handoffs sandbox show portfolios --json
    """
    if what == "log":
        with control(url) as client:
            calls = client.get("log")["calls"]
        rows = [{name: value for name, value in call.items() if value is not None} for call in calls]
    else:
        with control(url) as client:
            zone = ZoneInfo(client.get("clock")["time_zone"])
        with people_of(url) as people:
            rows = _ROWS[what](people, None if as_json else zone)
            if part is not None:
                # Whoever reads JSON names a client, too: what is sought is sought in the words.
                told = _ROWS[what](people, zone) if as_json else rows
                rows = [row for row, words_of in zip(rows, told, strict=True) if _has(words_of, part)]
    if what == "log" and part is not None:
        rows = [row for row in rows if _has(row, part)]
    fit: Any = storable(rows)  # the CRM keeps half an emoji, which no terminal takes
    if as_json:
        print_json({what: fit})
    else:
        _print_rows(fit)


_HTML = frozenset({"hs_task_body", "hs_note_body"})
_TIMES = frozenset({"hs_timestamp"})


def _has(row: "Mapping[str, Any]", part: str) -> bool:
    return any(as_seen(part) in as_seen(str(value)) for value in row.values())


def _records(kind: str) -> "Callable[[RemotePeople, ZoneInfo | None], list[dict[str, Any]]]":
    def rows(people: "RemotePeople", zone: ZoneInfo | None) -> list[dict[str, Any]]:
        if zone is None:
            return [_row_of(seen) for seen in people.list(kind)]
        called, names = words.shown(people, kind), words.names_of_records(people)
        return [_row_in_words(seen, called, names, zone) for seen in people.list(kind)]

    return rows


def _row_of(seen: "Seen") -> dict[str, Any]:
    """Return what of a record is shown: its id, the properties that the process works with, its associations."""
    hidden = {"hs_object_id", "hs_createdate", "createdate", "hs_lastmodifieddate"}
    values = {name: value for name, value in seen.properties.items() if name not in hidden and value}
    return {"id": seen.id, **values, **{f"on {kind}": ", ".join(ids) for kind, ids in seen.associations.items()}}


def _row_in_words(
    seen: "Seen", called: "Mapping[str, Mapping[str, str]]", names: "Mapping[tuple[str, str], str]", zone: ZoneInfo
) -> dict[str, Any]:
    """Return the same as people read it. `called`: what values are called, by property; `names`: records, by kind and id."""
    row = _row_of(seen)
    for name, value in row.items():
        if name in _TIMES:
            row[name] = _moment(datetime.fromisoformat(value), zone)
        else:
            row[name] = called.get(name, {}).get(value, plain_text(value) if name in _HTML else value)
    for kind, ids in seen.associations.items():
        row[f"on {kind}"] = ", ".join(f"{one} “{names[kind, one]}”" if (kind, one) in names else one for one in ids)
    return row


def _moment(at: datetime, zone: ZoneInfo | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if zone is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


_ROWS: "Mapping[str, Callable[[RemotePeople, ZoneInfo | None], list[dict[str, Any]]]]" = {
    "portfolios": _records("portfolio"),
    "tickets": _records("ticket"),
    "tasks": _records("task"),
    "notes": _records("note"),
    "emails": lambda people, zone: [
        {
            "at": _moment(sent.at, zone),
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
