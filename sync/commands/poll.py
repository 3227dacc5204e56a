"""`handoffs poll`: look at all that was changed since the last poll, now."""

import click

from sync.commands.options import JSON
from sync.commands.pass_report import run_and_report


@click.command()
@JSON
def poll(as_json: bool) -> None:
    """Look at all that was changed since the last poll, now.

    The service polls by itself every POLL_SECONDS. By hand it helps where webhooks do not come and nobody wants to
    wait, with or without `handoffs serve` beside it.

    \b
    Example:
      handoffs poll

    \b
    Exit codes: as of `handoffs sweep`
    """
    from sync.service.drain import run_poll

    run_and_report(
        "poll",
        lambda built, stop, progress: run_poll(built, stop=stop, progress=progress),
        today=None,
        as_json=as_json,
    )
