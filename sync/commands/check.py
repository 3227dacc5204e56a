"""`handoffs check`: does the mapping fit the live portal?"""

import re
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.options import JSON
from sync.commands.output import console, number, print_json, say

if TYPE_CHECKING:
    from rich.console import Console

    from sync.admin.check import Area, CheckReport, Misfit
    from sync.settings import Settings

_COLOURS = {"error": "bold red", "warning": "yellow", "ok": "green", "?": "dim"}


def _address(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Take an email address. Raises `click.BadParameter` for what is none."""
    if value is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise click.BadParameter(f"{value} is no email address")
    return value


@click.command()
@click.option(
    "--send-test-email",
    metavar="ADDRESS",
    callback=_address,
    help="Send one email there, the way that EMAIL_URL says.",
)
@JSON
def check(as_json: bool, send_test_email: str | None) -> None:
    """Say whether the mapping fits the live portal, and how to mend what does not.

    Looks at everything at once: the object, every property with its type and options, the pipeline and its stages,
    association types, owners, the admin's validation rules, the app's scopes, email (connects and logs in, sends nothing
    unless you ask for a test email), webhooks (whether the running service answers at PUBLIC_URL and tells right
    signatures from wrong ones), the time zone. It also rehearses: on a few of the records that are there it makes every
    kind of reading call that the service lives by. Changes nothing.

    Each finding names the line of the mapping, or the setting. A warning is worth a look and stops nothing: webhooks
    that do not arrive are one, as the poll does their work, and so is a mail server that does not answer, as emails
    wait for it.

    It belongs into a deployment, before the new version starts (the Procfile's `release`): a mapping that does not fit
    then never goes live.

    \b
    Examples:
      handoffs check
      handoffs check --json
      handoffs check --send-test-email you@agency.example

    \b
    Exit codes: 0 all is well, or there are only warnings; 1 the CRM does
      not answer, the mail server refuses the login, or the test email
      was not sent; 2 a setting or the mapping is wrong in itself; 4 the
      token is refused or lacks a scope; 5 the mapping does not fit the
      portal
    """
    with session.service(begin=False) as built:
        from mappings.load import places

        built.require_own_portal()
        from sync.admin import sample_email
        from sync.admin.check import check as check_portal
        from sync.admin.probe import obstacle

        report = check_portal(
            crm=built.crm,
            mapping=built.mapping,
            places=places(built.settings.mapping),
            settings=built.settings,
            mail_server=built.mailer,
            clock=built.clock,
            probe=obstacle,
        )
        if send_test_email is not None:
            report = report.with_area(sample_email.send(built.mailer, send_test_email, built.clock))
        if as_json:
            print_json({"ok": report.ok, "findings": [misfit.as_json() for misfit in report.misfits]})
        else:
            _show_report(report, built.settings)
    click.get_current_context().exit(report.exit_code)


def _show_report(report: "CheckReport", settings: "Settings") -> None:
    out = console()
    out.print(f"{settings.mapping or 'The default mapping'} against the portal:\n")
    width = max(len(area.name) for area in report.areas)
    for area in report.areas:
        word, note = _summary_of(area)
        out.print(f"  {word:<7}", style=_COLOURS[word], end="")
        _print_hanging(out, f"  {area.name:<{width}}  ", note, start=9)
    for misfit in report.misfits:
        out.print()
        _show_misfit(out, misfit)
    out.print()
    warnings = len(report.misfits) - len(report.errors)
    if report.misfits:
        out.print(f"{number(len(report.errors), 'error')}, {number(warnings, 'warning')}.")
    else:
        out.print("All is well.")
    if any(misfit.packaged for misfit in report.misfits):
        say("What stands in creative_refresh.yaml, the packaged default, is changed by")
        say(f"writing the key into {settings.mapping or 'a mapping of your own, and setting MAPPING to it'}.")


def _summary_of(area: "Area") -> tuple[str, str]:
    """Sum an area up: `error`, `warning`, `ok` or `?`, and a note."""
    errors = sum(misfit.severity == "error" for misfit in area.misfits)
    warnings = len(area.misfits) - errors
    if area.misfits:
        counts = [number(count, noun) for count, noun in ((errors, "error"), (warnings, "warning")) if count]
        return ("error" if errors else "warning"), ", ".join(counts)
    return ("ok", area.note) if area.note is not None else ("?", "not looked at: another finding stands before it")


def _show_misfit(out: "Console", misfit: "Misfit") -> None:
    out.print(f"{misfit.severity.value:<7}", style=_COLOURS[misfit.severity.value], end="  ")
    out.print(misfit.where, soft_wrap=True)
    _print_hanging(out, "  ", misfit.problem)
    _print_hanging(out, "  → ", misfit.remedy)


def _print_hanging(out: "Console", lead: str, text: str, *, start: int = 0) -> None:
    """Print `lead` and `text`, further lines under the first word of `text`; `start` columns are taken already."""
    column = start + len(lead)
    lines = wrap(text, out.width - column, break_long_words=False, break_on_hyphens=False)
    for n, line in enumerate(lines or [""]):
        out.print((" " * column if n else lead) + line, soft_wrap=True)
