"""`adopt` and `verify`: what stands in the CRM, taken over into the ledger or compared with it."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.bulk import PORTFOLIOS, YES, ask, portfolio_ids
from sync.commands.output import ALL, AT_MOST, JSON, colour, console, more, number, print_json, say, sentence
from sync.commands.passes import Day

if TYPE_CHECKING:
    from rich.console import Console

    from sync.admin import adopt as adopting
    from sync.admin import verify as verifying


@click.command()
@PORTFOLIOS
@click.option("--silence-due", is_flag=True, help="Also record what is due at the next sweep as done.")
@click.option("--apply", "apply_it", is_flag=True, help="Record it, after asking.")
@YES
@click.option("--reason", metavar="TEXT", help="Why; it is kept with your name and the time.")
@ALL
@JSON
def adopt(
    portfolios: tuple[str, ...],
    silence_due: bool,
    apply_it: bool,
    yes: bool,
    reason: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Take over cycles that are under way, as they stand; fire nothing.

    Once, before the first `handoffs serve` on a portal that is already in use. Every portfolio is looked at (or those
    named, by id or name). The tasks that people or older automation have made are found by their subjects and recorded
    as done, and so is whatever a status, a ready Ad Set or an open revision says has happened. No task is made, no email
    sent, nothing in the CRM changed. From then on the service goes on from there: completing an implementation task that
    was taken over closes its cycle.

    Shows what it would record, and with --apply records it. Repeating it changes nothing.

    \b
    adopted    recorded as done, with its task where there is one
    due        done by the service at its next look: a date in the window
               that nobody has acted on yet. --silence-due records the
               kickoffs and arrived dates among them as done instead
    unmatched  worth a person's look: a task is missing, or an open one
               stands there that nothing asks for

    \b
    Examples:
      handoffs adopt
      handoffs adopt --apply --reason "going live"

    \b
    Exit codes: 0 shown, or recorded; 1 a portfolio could not be read, or the
      CRM failed; 3 not answered with yes; 4 the token is refused;
      5 the mapping does not fit the portal
    """
    from sync.admin.adopt import plan

    with session.service(bulk=True, begin=False) as built:
        chosen = portfolio_ids(built, portfolios)
        found = plan(built, chosen, silence_due=silence_due, progress=_progress("Looked at"))
    if apply_it and found.adopted:
        if not as_json:
            _show_adoption(found, None if everything else AT_MOST)
        what = f"{number(len(found.adopted), 'occurrence')} of {number(found.looked, 'portfolio')}"
        ask(f"Record {what} as done?", yes=yes, otherwise="nothing was recorded")
        found = _recorded(chosen, silence_due=silence_due, reason=reason)
        say(f"Recorded as done: {number(len(found.adopted), 'occurrence')}.")
    elif not as_json:
        _show_adoption(found, None if everything else AT_MOST)
    if as_json:
        print_json(found.as_json())
    click.get_current_context().exit(1 if found.faulty else 0)


def _recorded(chosen: Sequence[str] | None, *, silence_due: bool, reason: str | None) -> "adopting.Adoption":
    from sync.admin.adopt import apply
    from sync.storage import runs

    with session.service(bulk=True) as built:
        arguments = {"portfolios": chosen, "silence_due": silence_due}
        with built.store.write() as connection:
            run = runs.begin(connection, "adopt", built.clock.now(), reason=reason, arguments=arguments)
        done = apply(built, chosen, silence_due=silence_due, progress=_progress("Recorded"))
        counts = {name: len(getattr(done, name)) for name in ("adopted", "due", "unmatched", "faulty")}
        with built.store.write() as connection:
            runs.finish(connection, run, built.clock.now(), counts)
    return done


def _show_adoption(found: "adopting.Adoption", limit: int | None) -> None:
    out = console()
    title = f"{number(found.looked, 'portfolio')} looked at; {len(found.adopted):,} to be recorded as done, "
    out.print(f"{title}{number(found.tasks, 'task')} matched")
    texts = {
        "adopted": "Recorded as done" if found.applied else "To be recorded as done",
        "due": "Due: done by the service at its next look",
        "unmatched": "Unmatched: worth a person's look",
    }
    for name, text in texts.items():
        findings: list[adopting.Finding] = getattr(found, name)
        if findings:
            out.print(f"\n{text} ({len(findings):,})", style=colour("done" if name == "adopted" else "waiting"))
        for finding in findings[:limit]:
            task = f" (task {finding.task})" if finding.task is not None and name == "adopted" else ""
            sentence(out, _line(finding.name, finding.portfolio, finding.handoff, finding.reason + task), "  ")
        more(out, len(findings), limit)
    _unread(out, found.faulty.items())


@click.command()
@PORTFOLIOS
@click.option("--since", type=Day(), metavar="DATE", help="Only what was caused, made or tried from this day on.")
@ALL
@JSON
def verify(portfolios: tuple[str, ...], since: date | None, everything: bool, as_json: bool) -> None:
    """Prove from the CRM's history that nothing is missing or doubled.

    Every portfolio (or those named, by id or name) is read with its tickets and their history and every task on them.
    That is compared with the rules and with the ledger of what was done. Nothing is changed.

    \b
    missing      due and not done, and nobody is about to do it; or done by
                 the ledger's word, and not to be seen in the CRM
    doubled      two tasks, or two changes, for one cause
    unexplained  a task with a key, or a change by the service's app, whose
                 cause the history does not show or the ledger not know
    waiting      due, and on its way
    deleted      tasks that somebody deleted: told, and no fault
    not judged   the visible history does not reach back (the CRM keeps about
                 the last 20 versions of a property)

    Emails leave no trace in the CRM: those are not compared.

    \b
    Examples:
      handoffs verify
      handoffs verify --since 2026-11-01
      handoffs verify "Acme Shoes" --json

    \b
    Exit codes: 0 nothing is missing, doubled or unexplained; 1 something is,
      or could not be read; 4 the token is refused; 5 the mapping does not
      fit the portal
    """
    from sync.admin.verify import verify as compare
    from sync.clock import start_of_day

    with session.service(bulk=True, begin=False) as built:
        if since is not None and since > built.today:
            raise click.BadParameter(f"{since} is still to come: today is {built.today}", param_hint="--since")
        moment = None if since is None else start_of_day(since, built.mapping.zone)
        report = compare(built, portfolio_ids(built, portfolios), since=moment, progress=_progress("Verified"))
    if as_json:
        print_json(report.as_json())
    else:
        _show_report(report, moment, None if everything else AT_MOST)
    click.get_current_context().exit(report.exit_code)


def _show_report(report: "verifying.Report", since: datetime | None, limit: int | None) -> None:
    from sync.admin.verify import FAULTS, Sort

    out = console()
    what = f"{number(report.looked, 'portfolio')}, {number(report.tasks, 'task')}, {number(report.effects, 'change')}"
    sentence(out, f"Compared: {what}" + (f", since {since:%a} {since.day} {since:%b %Y}" if since else ""))
    if not report.of(*FAULTS):
        out.print("Nothing is missing, doubled or unexplained.", style="green")
    for sort in Sort:
        findings = report.of(sort)
        if sort is Sort.NOT_READ or not findings:
            continue
        out.print(f"\n{sort.value.capitalize()} ({len(findings):,})", style="bold red" if sort in FAULTS else "yellow")
        for finding in findings[:limit]:
            tasks = f" (tasks {', '.join(finding.tasks)})" if finding.tasks and sort in FAULTS else ""
            sentence(out, _line(finding.name, finding.portfolio, finding.handoff, finding.cause + tasks), "  ")
        more(out, len(findings), limit)
    _unread(out, [(finding.portfolio, finding.cause) for finding in report.of(Sort.NOT_READ)])


def _line(name: str, portfolio: str, handoff: str | None, text: str) -> str:
    which = f", handoff {handoff}" if handoff is not None else ""
    return f"{name} ({portfolio}){which}: {text}"


def _unread(out: "Console", faulty: Iterable[tuple[str, str]]) -> None:
    found = list(faulty)
    if found:
        out.print(f"\nNot read ({len(found):,})", style="bold red")
    for portfolio, why in found:
        sentence(out, f"portfolio {portfolio}: {why}", "  ")


def _progress(verb: str) -> Callable[["adopting.Adoption | verifying.Report"], None]:
    """Tells after each group how far it is, to a person who looks on."""

    def told(found: "adopting.Adoption | verifying.Report") -> None:
        if sys.stderr.isatty():
            say(f"{verb} {number(found.looked, 'portfolio')}")

    return told
