"""`handoffs release`: an admin lets go what the breaker holds."""

import click

from sync.commands import session
from sync.commands.options import REQUIRED_REASON, require_reason
from sync.commands.output import number, say


@click.command()
@REQUIRED_REASON
@click.option("--all", "everything", is_flag=True, help="Permit all that is held now, however much it is.")
def release(reason: str, everything: bool) -> None:
    """Let go what the breaker holds.

    No more than `rules.effects_per_hour` of the mapping are done in an hour: a group of portfolios that would pass it
    is held as a whole. If what is held is meant (`handoffs status` counts it, `handoffs explain` shows a portfolio's),
    release it: as many effects again are permitted for an hour or, with --all, as many as are held now.

    What was held is then due: the running service does it, or the next `handoffs sweep` or `poll`.

    \b
    Examples:
      handoffs release --reason "first sweep after going live, looked through"
      handoffs release --reason "the client moved all dates" --all

    \b
    Exit codes: 0 released, or nothing is held; 1 the database failed;
      2 no reason was given
    """
    reason = require_reason(reason, "the release")
    settings = session.read_settings()
    from sync.passes import breaker
    from sync.service.bootstrap import read_mapping
    from sync.storage.runs import actor

    limit = read_mapping(settings).rules.effects_per_hour
    with session.database(settings, write=True) as store:
        done = breaker.release(store, session.clock(), actor(), reason, everything=everything, limit=limit)
    records, effects = done.records + done.records_kept, done.effects + done.effects_kept
    if not records:
        click.echo("Nothing is held: nothing was changed.")
        return
    click.echo(f"Held: {_amount(records, effects)}.")
    if done.records:
        click.echo(
            f"Released: {_amount(done.records, done.effects)}; the service, or the next sweep or poll, does the work."
        )
    text = f"Permitted within the next hour: {number(done.permitted, 'effect')} beyond the limit of {limit:,}"
    if done.made_up:
        text += f", {done.made_up:,} of them for what was done under an earlier word"
    click.echo(f"{text}.")
    if done.records_kept:
        say(f"Still held: {_amount(done.records_kept, done.effects_kept)}. Release again, or with --all.")


def _amount(records: int, effects: int) -> str:
    return f"{number(records, 'record')} with {number(effects, 'effect')}"
