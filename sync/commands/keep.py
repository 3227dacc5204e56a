"""`release` and `db`: an admin's word to the breaker, and the database's schema and retention."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import click

from sync.commands import session
from sync.commands.bulk import YES, ask
from sync.commands.output import moment, number, say


@click.command()
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with your name and the time.")
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
    Exit codes: 0 released; 1 the database failed; 2 no reason was given
    """
    if not reason.strip():
        raise click.BadParameter("say why: it is kept with the release", param_hint="--reason")
    settings = session.read()
    from sync.clock import SystemClock
    from sync.passes import breaker
    from sync.service.bootstrap import read_mapping
    from sync.storage.runs import actor

    limit = read_mapping(settings).rules.effects_per_hour
    with session.database(settings, write=True) as store:
        done = breaker.release(store, SystemClock(), actor(), reason.strip(), everything=everything, limit=limit)
    if done.records:
        click.echo(
            f"Released {number(done.records, 'record')} with {number(done.effects, 'effect')}; "
            "the service, or the next sweep or poll, does the work."
        )
    elif not done.records_kept:
        click.echo("Nothing is held.")
    if done.permitted:
        click.echo(f"Permitted within the next hour: {number(done.permitted, 'effect')} beyond the limit of {limit:,}.")
    if done.records_kept:
        still = f"{number(done.records_kept, 'record')} with {number(done.effects_kept, 'effect')}"
        say(f"Still held: {still}. Release again, or with --all.")


@click.group()
def db() -> None:
    """Bring the database up to date, copy it, or make it smaller."""


@db.command()
def upgrade() -> None:
    """Bring the database's schema up to date, making the database if there is none.

    Every command that writes does this by itself. By hand it belongs into a deployment, before the new version starts
    (the Procfile's `release`). Repeating it changes nothing.

    \b
    Example:
      handoffs db upgrade

    \b
    Exit codes: 0 it is up to date; 1 the database failed
    """
    settings = session.read()
    from sync.storage.database import migrate, open_store, revision

    store = open_store(settings.database_url)
    try:
        before = revision(store)
        migrate(store)
        after = revision(store)
    finally:
        store.close()
    if before == after:
        click.echo(f"{settings.database_url}: up to date at {after}")
    else:
        click.echo(f"{settings.database_url}: from {before or 'nothing'} to {after}")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the database into FILE, which must not exist yet.

    The copy is whole and consistent, also while the service runs; a plain copy of the file need not be. No service
    starts on it by mistake: it does not know what was done since, and would do it again.

    \b
    Example:
      handoffs db backup before-upgrade.db

    \b
    Exit codes: 0 copied; 1 the database failed; 2 FILE cannot be written;
      3 FILE is there already
    """
    from sync.clock import SystemClock
    from sync.errors import ConfigurationError, RefusedError
    from sync.storage.copies import copy_to

    if file.exists():
        raise RefusedError(f"{file} is there already: nothing was copied. Name another file")
    with session.database(session.read(), write=False) as store:
        try:
            copy_to(store, file, SystemClock().now())
        except OSError as error:
            raise ConfigurationError(f"the copy cannot be written to {file}: {error.strerror}") from None
    click.echo(f"Copied into {file}: {number(file.stat().st_size, 'byte')}")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@YES
def restore(file: Path, yes: bool) -> None:
    """Put back a copy made by `handoffs db backup`.

    Only if the service has stood still since, as after an upgrade that failed: what was done after the copy it does not
    know, and would do again. In every other case an empty database is better: it asks HubSpot for all that was done.

    \b
    Example:
      handoffs db restore before-upgrade.db

    \b
    Exit codes: 0 put back; 1 the database failed; 2 FILE is no copy;
      3 there is a database already, or it was not answered with yes
    """
    import shutil

    from sync.errors import ConfigurationError, RefusedError
    from sync.storage.copies import accept, copied_at
    from sync.storage.database import open_store

    settings = session.read()
    if not file.is_file():
        raise ConfigurationError(f"there is no copy {file}: name a file that `handoffs db backup` has written")
    copy = open_store(f"sqlite:///{file.absolute()}")
    with closing(copy):
        copied = copied_at(copy)
    if copied is None:
        raise ConfigurationError(f"{file} is no copy: name a file that `handoffs db backup` has written")
    store = open_store(settings.database_url)
    with closing(store):
        if store.path is None or store.path.exists():
            raise RefusedError(f"there is a database {store.path}: move it away first, with -wal and -shm beside it")
        ask(
            f"Has the service stood still since {moment(copied)}? What was done since would be done again.",
            yes=yes,
            otherwise="nothing was put back",
        )
        shutil.copyfile(file, store.path)
        accept(store)
    click.echo(f"Put back: {file}, of {moment(copied)}")


@db.command()
@click.option("--days", type=click.IntRange(min=2), default=90, show_default=True, help="Keep what is younger.")
@click.option("--dry-run", is_flag=True, help="Only count.")
def prune(days: int, dry_run: bool) -> None:
    """Remove webhook deliveries, and their events, that are older than --days.

    They are kept to look into, and to know a delivery that comes twice (HubSpot repeats within a day). The ledger of what
    was done is never pruned: it is what makes every effect happen once. The file keeps its size and uses the room again.

    \b
    Example:
      handoffs db prune --days 30

    \b
    Exit codes: 0 done; 1 the database failed
    """
    settings = session.read()
    from sync.clock import SystemClock
    from sync.storage.retention import prune as remove

    with session.database(settings, write=True) as store:
        done = remove(store, SystemClock().now() - timedelta(days=days), really=not dry_run)
    verb = "Would remove" if dry_run else "Removed"
    found = f"{number(done.deliveries, 'webhook request')} with {number(done.events, 'event')}"
    click.echo(f"{verb} {found}, older than {days} days.")
