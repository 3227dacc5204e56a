"""`handoffs sandbox fault`: let calls of the running sandbox fail."""

import click

from sync.commands.sandbox.connection import URL, control


@click.command()
@URL
@click.argument("kind", required=False)
@click.option("--endpoint", default="*", show_default=True, help="Which calls, as `METHOD /path` with *.")
@click.option("--times", type=click.IntRange(1), help="How often; default: until cleared.")
@click.option("--probability", type=click.FloatRange(0, 1), default=1.0, show_default=True)
@click.option("--name", default="*", show_default=True, help="Which properties an answer lacks; `*`: one of them.")
@click.option("--holds", metavar="ID", help="Only calls that name this record, alone or among others.")
@click.option("--record", default="*", show_default=True, help="Of which records an answer lacks something, by id.")
@click.option(
    "--share", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Of how many of its records."
)
@click.option("--clear", is_flag=True, help="Switch all faults off.")
def fault(
    url: str,
    kind: str | None,
    endpoint: str,
    times: int | None,
    probability: float,
    holds: str | None,
    name: str,
    record: str,
    share: float,
    clear: bool,
) -> None:
    """Let calls fail, or show and clear what fails now.

    KIND is an answer (401, 403, 423, 429-daily, 500, 502, 503, 504 …) or what befalls the connection: refused, reset,
    hang, lost (applied, the answer lost), late (applied later), partial (some of a batch fail); or what a good answer
    lacks: no-property, no-history, no-histories, no-version (the newest), no-list (of associations), left-out (a record).

    \b
    Examples:
      handoffs sandbox fault 503 --times 5
      handoffs sandbox fault lost --endpoint "POST */batch/create" --times 1
      handoffs sandbox fault no-property --endpoint "POST */tickets/batch/read" \\
        --name needs_revisions
      handoffs sandbox fault 500 --holds 10001
      handoffs sandbox fault --clear
    """
    with control(url) as client:
        if clear:
            client.delete("faults")
        if kind is not None:
            which = {"kind": kind, "endpoint": endpoint, "times": times, "probability": probability, "holds": holds}
            client.post("faults", **which, name=name, record=record, share=share)
        active = client.get("faults")
    for one in active:
        click.echo(f"{one['kind']} on {one['endpoint']}" + (f", {one['times']} times" if one["times"] else ""))
