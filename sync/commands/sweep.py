"""`handoffs sweep`: look at all that a day can have made due, now."""

from datetime import date

import click

from sync.commands.options import JSON, parse_day
from sync.commands.pass_report import run_and_report


@click.command()
@click.option("--today", type=parse_day, metavar="DATE", help="Decide as if this were today; past or future.")
@JSON
def sweep(today: date | None, as_json: bool) -> None:
    """Look at all that a day can have made due, now.

    The service sweeps by itself once a day; by hand it does no harm at any time, with or without `handoffs serve`
    beside it, and a second time it finds nothing to do. It also tries again what the CRM has refused, and what was
    parked, and looks at clients that the service has not seen yet.

    --today sets the date for every decision of this run, and the tasks' due dates. What is done is really done: the
    CRM's records change.

    \b
    Examples:
      handoffs sweep
      handoffs sweep --today 2026-12-24

    \b
    Exit codes: 0 all was done; 1 something failed, is unknown, or must be
      tried again; 3 the breaker holds work (`handoffs release`);
      4 the token is refused; 5 the mapping does not fit the portal
    """
    from sync.service.drain import run_sweep

    run_and_report(
        "sweep",
        lambda built, stop, progress: run_sweep(built, stop=stop, progress=progress, survey=True),
        today=today,
        as_json=as_json,
    )
