"""`handoffs log`: what was decided, when and why, and what came of it."""

from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from mappings.vocabulary import Handoff
from sync.commands import session
from sync.commands.csv_output import print_csv
from sync.commands.options import CSV, HANDOFF, JSON, LIST_LIMIT, SINCE, UNTIL, one_format, span
from sync.commands.output import (
    colour,
    console,
    format_moment,
    number,
    print_json,
    print_wrapped,
    print_wrapped_text,
    say,
    zone_in_use,
)
from sync.storable import storable_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from sync.storage.ledger.log import Log, LogEntry, LoggedEffect
    from sync.storage.letters import Copy

COLUMNS = (
    "decided_at", "handoff", "client", "portfolio", "record", "state", "reason", "origin", "mapping", "effect", "role",
    "person", "effect_state", "effect_at", "attempts", "crm_id", "effect_reason", "key",
)  # fmt: skip


@click.command()
@click.argument("client", default="", metavar="[CLIENT]", type=storable_text)
@click.option(
    "--person", default="", metavar="WHO", help="Only work for this person: email, owner id, part of the name."
)
@HANDOFF
@click.option("--state", "states", multiple=True, metavar="STATE", help="Only what has come to this: done, blocked, …")
@SINCE
@UNTIL
@click.option("--limit", type=click.IntRange(1), default=LIST_LIMIT, show_default=True, help="The newest so many.")
@click.option("--all", "everything", is_flag=True, help="All of them, however many.")
@JSON
@CSV
def log(
    client: str,
    person: str,
    handoffs: tuple[str, ...],
    states: tuple[str, ...],
    since: datetime | date | None,
    until: datetime | date | None,
    limit: int,
    everything: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show what the service has decided, when and why, and what came of each task, email and change.

    CLIENT is a portfolio's id, or a part of its name. The newest decisions are shown, oldest first; with several
    filters all must hold. It reads the database alone: nobody asks the CRM, and nothing is changed.

    A decision tells which mapping it went by (`mapping` in JSON and CSV). In CSV there is a line an effect. Who got the
    weekly letter stands at the end, unless a client, a person or a handoff is asked for; not in CSV.

    \b
    Examples:
      handoffs log acme
      handoffs log --person cody@agency.example --since 2026-11-01
      handoffs log --state failed --state blocked --all
      handoffs log --handoff 5 --since 2026-11-01 --csv > november.csv

    \b
    Exit codes: 0 shown, or there is nothing; 1 the database failed;
      2 a filter is not understood
    """
    one_format(as_json=as_json, as_csv=as_csv)
    from sync.storage.ledger.log import STATES, LogFilter, read_log
    from sync.storage.letters import between

    for state in states:
        if state not in STATES:
            raise click.BadParameter(f"there is no {state!r}: it is one of {', '.join(STATES)}", param_hint="--state")
    with session.database(session.read_settings(), write=False) as store:
        start, end = span(since, until, zone_in_use() or ZoneInfo("UTC"))
        chosen = LogFilter(client, person, tuple(map(Handoff, handoffs)), states, start, end)
        with store.read() as connection:
            found = read_log(connection, chosen, None if everything else limit)
            # A copy of the weekly letter is of no client, person or handoff.
            of_all = (
                [] if client or person or handoffs else between(connection, start, end, None if everything else limit)
            )
        copies = [one for one in of_all if not states or one.state.value in states]
    if as_json:
        print_json(
            {
                "entries": [one.as_json() for one in found.entries],
                "more": found.more,
                "letters": [one.as_json() for one in copies],
            }
        )
    elif as_csv:
        print_csv(COLUMNS, (row for entry in found.entries for row in _rows(entry)))
    else:
        _show(console(), found)
        _show_letters(console(), copies)
    if person and not any(one.is_called(person) for one in found.people.values()):
        say(f"The service has met nobody who is called “{person}”.")
    elif not found.entries and not copies:
        say("Nothing matches.")
    elif found.more and not as_json:
        say(f"There is more before that: --limit, --all, or --until {found.entries[0].decided_at:%Y-%m-%dT%H:%M}Z.")


def _rows(entry: "LogEntry") -> "list[tuple[object, ...]]":
    about = (
        entry.decided_at.isoformat(), entry.handoff.value, entry.client, entry.portfolio, str(entry.record), entry.state.value,
        entry.reason, entry.origin, entry.mapping,
    )  # fmt: skip
    of_effects: list[tuple[object, ...]] = [
        (
            one.what, one.role and one.role.value, one.person, one.state.value, one.at.isoformat(), one.attempts, one.crm_id,
            one.reason, one.key,
        )
        for one in entry.effects
    ]  # fmt: skip
    return [(*about, *each) for each in of_effects or [(*[None] * 8, entry.key)]]


def _show(out: "Console", found: "Log") -> None:
    from sync.storage.work_queue import WAITED

    for entry in found.entries:
        where = entry.client or ("" if entry.portfolio is None else f"portfolio {entry.portfolio}")
        ticket = f", {entry.record}" if str(entry.record) != f"portfolio {entry.portfolio}" else ""
        title = f"{format_moment(entry.decided_at)}  {entry.handoff.value} {entry.handoff.headline}"
        print_wrapped(out, f"{title}: {where}{ticket}" if where else f"{title}{ticket}")
        by = "" if entry.origin == WAITED else f" (by {entry.origin})"
        print_wrapped(out, f"{entry.state.value}: {entry.reason}{by}", "  ")
        for effect in entry.effects:
            _show_effect(out, effect)
        out.print()
    if found.entries:
        print_wrapped(out, f"{number(len(found.entries), 'decision')}.")


def _show_letters(out: "Console", copies: "Sequence[Copy]") -> None:
    for copy in reversed(copies):
        because = f": {copy.reason}" if copy.reason else ""
        told = f"{format_moment(copy.state_at)}  The weekly letter of {copy.week} to {copy.address}"
        print_wrapped(out, f"{told}: {copy.state.value}{because}")


def _show_effect(out: "Console", effect: "LoggedEffect") -> None:
    from rich.text import Text

    whose = f" for {effect.person}" if effect.person else ""
    made = f" ({effect.crm_id})" if effect.crm_id else ""
    because = f": {effect.reason}" if effect.reason else ""
    tries = f", tried {effect.attempts} times" if effect.attempts > 1 else ""
    state = Text(effect.state.value, colour(effect.state.value))
    line = Text.assemble(state, f" {effect.what}{whose}{made}{tries}{because}")
    print_wrapped_text(out, line, "    ", "      ")
