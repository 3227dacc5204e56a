"""`handoffs verify`: what was done, proved from the CRM's own history."""

from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.findings import finding_line, print_unread
from sync.commands.options import ALL, JSON, PORTFOLIOS, list_limit, parse_day, portfolio_ids
from sync.commands.output import console, format_day, number, print_json, print_more, print_wrapped, print_wrapped_text
from sync.commands.terminal import report_progress

if TYPE_CHECKING:
    from sync.admin import verify as verifying


@click.command()
@PORTFOLIOS
@click.option("--since", type=parse_day, metavar="DATE", help="Only what was caused, made or tried from this day on.")
@ALL
@JSON
def verify(portfolios: tuple[str, ...], since: date | None, everything: bool, as_json: bool) -> None:
    """Prove from the CRM's history that nothing is missing or doubled.

    Every portfolio (or those named, by id, name or a part of one) is read with its tickets and their history and every
    task on them. That is compared with the rules and with the ledger of what was done. Nothing is changed.

    \b
    missing      due and not done, and nobody is about to do it (a parked
                 record's work is nobody's); or done by the ledger's word,
                 and not to be seen in the CRM
    doubled      two tasks, or two changes, for one cause
    unexplained  a task with a key, or a change by the service's app, whose
                 cause the history does not show or the ledger not know
    waiting      due, and on its way; or known, and blocked until somebody
                 mends what the finding says: these are counted too
    deleted      tasks that somebody deleted: told, and no fault
    not judged   the visible history does not reach back (the CRM keeps about
                 the last 20 versions of a property)

    Looked for besides: an Ad Set that was announced with a ticket behind, a Refresh Date that is not the next one by the
    cadence, a task for somebody whom nobody had named, an email that was never planned. Emails leave no trace in the
    CRM: that one was sent is the ledger's word.

    \b
    Examples:
      handoffs verify
      handoffs verify --since 2026-11-01
      handoffs verify "Acme Shoes" --json

    \b
    Exit codes: 0 nothing is missing, doubled or unexplained; 1 something is,
      could not be read, or is blocked or held until somebody sees to it;
      4 the token is refused; 5 the mapping does not fit the portal
    """
    from sync.admin.verify import verify as compare
    from sync.clock import start_of_day

    with session.service(bulk=True, begin=False) as built:
        if since is not None and since > built.today:
            raise click.BadParameter(f"{since} is still to come: today is {built.today}", param_hint="--since")
        begin = None if since is None else start_of_day(since, built.mapping.zone)
        report = compare(built.reading, portfolio_ids(built, portfolios), since=begin, progress=_report_verified)
    if as_json:
        print_json(report.as_json())
    else:
        _show_report(report, begin, list_limit(everything))
    click.get_current_context().exit(report.exit_code)


def _headline(report: "verifying.Report") -> tuple[str, str]:
    """Say in a sentence or two how it stands, and in which style: that all is well only where nothing is to be said."""
    from sync.admin.verify import FAULTS, Sort

    parts = []
    if report.unable is not None:
        parts.append(f"{report.unable[:1].upper()}{report.unable[1:]}.")
    faults = [f"{len(found):,} {sort.value}" for sort in FAULTS if (found := report.of(sort))]
    unread = report.of(Sort.NOT_READ)
    if faults:
        parts.append(f"Something is wrong: {', '.join(faults)}.")
    if unread:
        parts.append(f"{number(len(unread), 'portfolio')} could not be read: nothing is known of that.")
    if report.blocked:
        parts.append(f"{number(report.blocked, 'effect')} blocked: not done, until a person mends what is said below.")
    if report.held:
        parts.append(
            f"{number(report.held, 'portfolio')} held by the breaker: `handoffs release --reason …` lets it go."
        )
    told = {
        "on its way": len(report.of(Sort.WAITING)) if not report.blocked and not report.held else 0,
        "deleted by a person": len(report.of(Sort.DELETED)),
        "not judged": len(report.of(Sort.NOT_JUDGED)),
    }
    rest = ", ".join(f"{count:,} {word}" for word, count in told.items() if count)
    if not parts:
        clean = "Nothing is missing, doubled or unexplained"
        return (f"{clean}; but {rest}, see below.", "yellow") if rest else (f"{clean}.", "green")
    return " ".join([*parts, *([f"Besides: {rest}."] if rest else [])]), "bold red"


def _report_verified(report: "verifying.Report") -> None:
    report_progress(f"Verified {number(report.looked, 'portfolio')}")


def _show_report(report: "verifying.Report", since: datetime | None, limit: int | None) -> None:
    from rich.text import Text

    from sync.admin.verify import FAULTS, Sort

    out = console()
    what = f"{number(report.looked, 'portfolio')}, {number(report.tasks, 'task')}, {number(report.effects, 'change')}"
    print_wrapped(out, f"Compared: {what}" + (f", since {format_day(since)}" if since else ""))
    if report.emails:
        sent = f"{number(report.emails, 'email')} sent, by the ledger's word alone: they leave no trace in the CRM"
        print_wrapped(out, sent)
    headline, style = _headline(report)
    print_wrapped_text(out, Text(headline, style), "", "")
    for sort in Sort:
        findings = report.of(sort)
        if sort is Sort.NOT_READ or not findings:
            continue
        out.print(f"\n{sort.value.capitalize()} ({len(findings):,})", style="bold red" if sort in FAULTS else "yellow")
        for finding in findings[:limit]:
            tasks = f" (tasks {', '.join(finding.tasks)})" if finding.tasks and sort in FAULTS else ""
            print_wrapped(
                out, finding_line(finding.name, finding.portfolio, finding.handoff, finding.cause + tasks), "  "
            )
        print_more(out, len(findings), limit)
    print_unread(out, [(finding.portfolio, finding.cause) for finding in report.of(Sort.NOT_READ)])
