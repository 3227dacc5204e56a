"""`handoffs adopt`: cycles that are under way, taken over into the ledger as they stand."""

from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.findings import finding_line, print_unread
from sync.commands.options import ALL, JSON, PORTFOLIOS, REASON, YES, list_limit, portfolio_ids
from sync.commands.output import colour, console, number, print_json, print_more, print_wrapped, say
from sync.commands.terminal import confirm, report_progress

if TYPE_CHECKING:
    from sync.admin import adopt as adopting


@click.command()
@PORTFOLIOS
@click.option("--silence-due", is_flag=True, help="Also record what is due at the next sweep as done.")
@click.option("--apply", "apply_it", is_flag=True, help="Record it, after asking.")
@YES
@REASON
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
    named, by id, name or a part of one). The tasks that people or older automation have made are found by their subjects
    and recorded as done, and so is whatever a status, a ready Ad Set or an open revision says has happened. No task is
    made, no email sent, nothing in the CRM changed. From then on the service goes on from there: completing an
    implementation task that was taken over closes its cycle.

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
    from sync.admin.adopt import apply, plan

    with session.service(bulk=True, begin=False) as built:
        chosen = portfolio_ids(built, portfolios)
        found = plan(built.reading, chosen, silence_due=silence_due, progress=_report_looked)
    if apply_it and found.adopted:
        if not as_json:
            if everything:
                _show_adoption(found, None)
            else:
                _show_sums(found)
        what = f"{number(len(found.adopted), 'occurrence')} of {number(found.looked, 'portfolio')}"
        confirm(f"Record {what} as done?", yes=yes, otherwise="nothing was recorded")
        with session.service(bulk=True) as built:
            found = apply(built, chosen, silence_due=silence_due, reason=reason, progress=_report_recorded)
        say(f"Recorded as done: {number(len(found.adopted), 'occurrence')}.")
    elif not as_json:
        _show_adoption(found, list_limit(everything))
    if as_json:
        print_json(found.as_json())
    click.get_current_context().exit(1 if found.faulty else 0)


def _show_sums(found: "adopting.Adoption") -> None:
    """Say how much there is of each sort: what they are, `handoffs adopt` has shown."""
    parts = [
        f"{len(found.adopted):,} to be recorded as done",
        f"{len(found.due):,} due",
        f"{len(found.unmatched):,} unmatched",
    ]
    text = f"{number(found.looked, 'portfolio')} looked at: {', '.join(parts)} (`handoffs adopt` lists them)"
    print_wrapped(console(), text, "")
    print_unread(console(), found.faulty.items())


def _report_looked(found: "adopting.Adoption") -> None:
    report_progress(f"Looked at {number(found.looked, 'portfolio')}")


def _report_recorded(found: "adopting.Adoption") -> None:
    report_progress(f"Recorded {number(found.looked, 'portfolio')}")


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
        lines: list[adopting.AdoptionLine] = getattr(found, name)
        if lines:
            out.print(f"\n{text} ({len(lines):,})", style=colour("done" if name == "adopted" else "waiting"))
        for line in lines[:limit]:
            task = f" (task {line.task})" if line.task is not None and name == "adopted" else ""
            print_wrapped(out, finding_line(line.name, line.portfolio, line.handoff, line.reason + task), "  ")
        print_more(out, len(lines), limit)
    print_unread(out, found.faulty.items())
