"""`handoffs report`: where the time goes in the clients' cycles."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.csv_output import print_csv
from sync.commands.options import CSV, JSON, SINCE, UNTIL, span
from sync.commands.output import console, print_json, print_wrapped, say, use_zone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from mappings.schema import ProcessMapping
    from sync.reports.figures import Told
    from sync.reports.report import Report

GROUPS = ("client", "role", "person", "month")


@click.command()
@click.argument("client", default="", metavar="[CLIENT]")
@SINCE
@UNTIL
@click.option("--by", type=click.Choice(GROUPS), default="client", show_default=True, help="What it is summed up by.")
@click.option(
    "--html", "html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a page to be mailed."
)
@JSON
@CSV
def report(
    client: str,
    since: datetime | date | None,
    until: datetime | date | None,
    by: str,
    html: Path | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show how long each part of the clients' cycles took, and who held it for how long.

    CLIENT is a portfolio's id, or a part of its name. It reads what the service has kept: what it has seen of the
    histories in HubSpot, before it was installed as well as they reach. Nobody asks the CRM, and nothing is changed.

    \b
    Lengths of time are in days:
    Kickoff to yes     from the kickoff to the client's yes
    Date to tickets    from the Refresh Date to the first ticket
    Tickets to ready   until all are in review for the first time
    A review           until the client approves or wants changes
    A revision         from then until all are in review again
    Approval to live   until the creatives are implemented

    --csv prints a line a cycle, with all of these, for spreadsheets; --html FILE writes one page that needs nothing
    beside it.

    \b
    Examples:
      handoffs report --since 2026-11-01
      handoffs report --by person --since 2026-10-01 --until 2026-12-31
      handoffs report --by month --html lead-times.html
      handoffs report acme --csv > acme.csv

    \b
    Exit codes: 0 shown; 1 the database failed; 2 an option is not
      understood, or FILE cannot be written
    """
    if (html is not None) + as_json + as_csv > 1:
        raise click.UsageError("--html, --json or --csv: it is printed in one way")
    settings = session.read_settings()
    from sync.reports.report import By, Wanted, read_cycles, read_report
    from sync.service.bootstrap import read_mapping

    mapping = read_mapping(settings)
    with session.database(settings, write=False) as store:
        use_zone(mapping.zone)
        wanted, now = Wanted(client, *span(since, until, mapping.zone)), session.clock().now()
        with store.read() as connection:
            if as_csv:
                told = read_cycles(connection, mapping, wanted, now, owners=by == By.PERSON)
                number = print_csv(_COLUMNS, (_row(one) for one in told if wanted.takes_cycle(one.cycle)))
            else:
                found = read_report(connection, mapping, wanted, By(by), now)
                number = found.cycles + found.running
    if as_json:
        print_json(found.as_json())
    elif html is not None:
        _write(found, mapping, html)
    elif not as_csv:
        _show(console(), found, mapping)
    if not number:
        say("No client has had a cycle in that time, as far as is known.")


def _write(found: "Report", mapping: "ProcessMapping", file: Path) -> None:
    from sync.reports.page import report_page

    try:
        file.write_text(report_page(found, mapping), encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{file} cannot be written: {error.strerror or error}", param_hint="--html") from error
    say(f"Written to {file}.")


# -- a line a cycle

_COLUMNS = (
    "client", "portfolio", "cycle", "began", "ended", "outcome", "kickoff_to_yes", "date_to_tickets", "tickets_to_ready",
    "reviews", "review", "revisions", "revision", "approval_to_live", "tickets", "rounds", "held_account_manager",
    "held_social_ad_specialist", "held_creative_team", "account_manager", "social_ad_specialist", "copywriter",
    "graphic_designer",
)  # fmt: skip


def _row(told: "Told") -> tuple[object, ...]:
    """The lengths of time in days, those of reviews and revisions summed; times held in working days."""
    from mappings.vocabulary import Role
    from sync.reports.cycles import Lead
    from sync.reports.figures import PARTIES

    cycle = told.cycle
    lengths = {lead: [one.days for one in cycle.spans if one.lead is lead] for lead in Lead}
    summed = {lead: round(sum(of), 2) if of else None for lead, of in lengths.items()}
    return (
        told.client, cycle.portfolio, cycle.id, _iso(cycle.began), _iso(cycle.ended), cycle.outcome.value,
        summed[Lead.KICKOFF_TO_YES], summed[Lead.DATE_TO_TICKETS], summed[Lead.TICKETS_TO_READY],
        len(lengths[Lead.REVIEW]), summed[Lead.REVIEW], len(lengths[Lead.REVISION]), summed[Lead.REVISION],
        summed[Lead.APPROVAL_TO_LIVE], len(cycle.rounds), sum(cycle.rounds),
        *(round(cycle.held(party), 2) for party in PARTIES), *(told.people.get(role, "") for role in Role),
    )  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


# -- in a terminal


def _show(out: "Console", found: "Report", mapping: "ProcessMapping") -> None:
    from sync.reports import words
    from sync.reports.cycles import Lead
    from sync.reports.figures import PARTIES
    from sync.reports.report import label_of
    from sync.reports.statistics import Summary

    total = found.total
    print_wrapped(out, f"{words.span(found, mapping.zone)}: {words.sum_of(found)}")
    print_wrapped(out, f"On time: {words.share(total)}.")
    out.print()
    named = [(lead.headline, total.leads.get(lead, Summary()), "") for lead in Lead]
    rounds = ("Rounds of a ticket (a number)", total.rounds, "")
    _print(out, _summed(("Takes, in days", "number", "median", "9 of 10", ""), [*named, rounds]))
    held = [
        (label_of(party, mapping), total.held.get(party, Summary()), words.days(total.held_in_all.get(party)))
        for party in PARTIES
    ]
    _print(out, _summed(("Held, in working days", "turns", "median", "9 of 10", "in all"), held))
    if found.groups:
        _print(out, _by_party(found, mapping) if found.by in {"role", "person"} else _by_lead(found))
    for note in words.notes(mapping):
        print_wrapped(out, note)


def _table(titles: "Iterable[str]") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0), expand=True)
    for n, title in enumerate(titles):
        table.add_column(title, justify="right" if n else "left", ratio=None if n else 1, header_style="bold")
    return table


def _summed(titles: "Iterable[str]", lines: "Iterable[tuple[str, object, str]]") -> "Table":
    from sync.reports import words
    from sync.reports.statistics import Summary

    table = _table(titles)
    for name, of, in_all in lines:
        assert isinstance(of, Summary)
        table.add_row(name, f"{of.count:,}", words.days(of.median), words.days(of.ninth), in_all)
    return table


def _by_lead(found: "Report") -> "Table":
    from sync.reports import words
    from sync.reports.cycles import Lead
    from sync.reports.statistics import Summary

    table = _table(
        (f"Days by {found.by}", "live", "no", "yes", "tickets", "ready", "review", "revise", "to live", "on time")
    )
    for name, of in found.groups.items():
        shown = words.month(name) if found.by == "month" else name
        medians = (words.days(of.leads.get(lead, Summary()).median) for lead in Lead)
        share = words.NOTHING if of.share is None else f"{of.share:.0%}"
        table.add_row(shown, f"{of.live:,}", f"{of.declined:,}", *medians, share)
    return table


def _by_party(found: "Report", mapping: "ProcessMapping") -> "Table":
    from sync.reports import words
    from sync.reports.figures import PARTIES
    from sync.reports.report import label_of

    table = _table((f"Held, by {found.by}", "turns", "median", "9 of 10", "in all", "on time"))
    for name, of in found.groups.items():
        for party in PARTIES:
            if party not in of.held:
                continue
            held, label = of.held[party], label_of(party, mapping)
            shown = name if found.by == "role" else f"{name} ({label})"
            share = words.NOTHING if of.share is None else f"{of.share:.0%}"
            in_all = words.days(of.held_in_all[party])
            table.add_row(shown, f"{held.count:,}", words.days(held.median), words.days(held.ninth), in_all, share)
    return table


def _print(out: "Console", table: "Table") -> None:
    with out.capture() as printed:
        out.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())
    out.print()
