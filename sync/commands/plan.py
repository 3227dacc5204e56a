"""`handoffs plan`: what would be done, now or by a date."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.options import ALL, JSON, PORTFOLIOS, list_limit, parse_day, portfolio_ids
from sync.commands.output import addresses, format_moment, print_json, say
from sync.commands.plan_report import say_undecided, show_plan
from sync.commands.terminal import progress_bar

if TYPE_CHECKING:
    from sync.admin import plan as planning
    from sync.crm import RecordRef
    from sync.service.bootstrap import Service


@click.command()
@PORTFOLIOS
@click.option("--at", type=parse_day, metavar="DATE", help="Look ahead to the end of that day, if nobody acts.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Keep it for `apply`.")
@ALL
@JSON
def plan(portfolios: tuple[str, ...], at: date | None, out: Path | None, everything: bool, as_json: bool) -> None:
    """Show what would be done now, or by a date; change nothing.

    Every portfolio is read (or those named, by id, name or a part of one) and decided as a sweep would decide it, and so
    is what the service's own writes lead to.

    \b
    + a task is made           @ an email is sent
    ~ properties change        ! blocked: it waits for a person
    - a task is closed         ? no answer came; looked for in the CRM first
    = a line is added to one

    With --at, the days between are gone through one by one: what each day's sweep would do if people did nothing.

    --out keeps the plan in a file; `handoffs apply FILE` carries out that and nothing else.

    \b
    Examples:
      handoffs plan
      handoffs plan --at 2026-12-07 "Acme Shoes"
      handoffs plan --out monday.json && handoffs apply monday.json

    \b
    Exit codes: 0 shown; 1 a portfolio is unknown or could not be decided, or
      the CRM failed; 4 the token is refused; 5 the mapping does not fit the
      portal
    """
    from sync.admin.plan import make, write_file

    with session.service(bulk=True, begin=False) as built:
        if at is not None and at < built.today:
            raise click.BadParameter(f"{at} is past: today is {built.today}", param_hint="--at")
        if at is not None and out is not None:
            raise click.UsageError("a plan that looks ahead cannot be applied: give --at or --out, not both")
        units = _named_records(built, portfolios)
        with progress_bar("Looking") as progress:
            found = make(built.reading, units, until=at, progress=progress, by_itself=out is None)
        if out is not None:
            write_file(found, out)
        due = _letter_due(built, at)
        if as_json:
            letter = None if due is None else {"due": due.isoformat(), "to": list(built.mapping.letter.to)}
            print_json({**found.as_json(), "letter": letter})
        else:
            show_plan(found, list_limit(everything))
            if due is not None:
                to = addresses(len(built.mapping.letter.to))
                click.echo(f"@ The weekly letter, due {format_moment(due)}, to {to}: `handoffs letter` shows it.")
        _say_warnings(built, found)  # last: a long plan would hide it
    say_undecided(found)
    if out is not None:
        say(f"Kept in {out}: `handoffs apply {out}` carries it out.")
    click.get_current_context().exit(1 if found.faulty else 0)


def _letter_due(built: "Service", at: date | None) -> datetime | None:
    """When the weekly letter is due that goes out by the end of that day, or now; None: there is none."""
    from sync.clock import start_of_day
    from sync.service.letters import letter_by

    until = None if at is None else start_of_day(at + timedelta(days=1), built.mapping.zone) - timedelta(seconds=1)
    return letter_by(built.store.reader, built.mapping, built.clock.now(), until)


def _named_records(built: "Service", wanted: Sequence[str]) -> "list[RecordRef] | None":
    from sync.crm import Kind, RecordRef

    ids = portfolio_ids(built, wanted)
    return None if ids is None else [RecordRef(Kind.PORTFOLIO, i) for i in ids]


def _say_warnings(built: "Service", found: "planning.Plan") -> None:
    if not built.portals.get().task_keys.ready:
        name = built.mapping.task.key_property
        say(f"The task property “{name}” is missing in the portal: nothing is done before `handoffs setup`.")
    limit = built.mapping.rules.effects_per_hour
    if found.until is None and len(found.due) > limit:
        say(f"More than {limit:,} effects: the breaker will hold some of them until `handoffs release`.")
