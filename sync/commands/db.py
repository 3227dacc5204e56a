"""`handoffs db`: the database's schema, copies and retention."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.options import YES
from sync.commands.output import format_moment, number
from sync.commands.terminal import confirm
from sync.commands.whole_help import WholeHelp

if TYPE_CHECKING:
    from sync.storage.database import Store


@click.group(cls=WholeHelp)
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
    settings = session.read_settings()
    from sync.storage.database import migrate, open_store, revision, shown

    store = open_store(settings.database_url)
    try:
        before = revision(store)
        migrate(store)
        after = revision(store)
    finally:
        store.close()
    if before == after:
        click.echo(f"{shown(settings.database_url)}: up to date at {after}")
    else:
        click.echo(f"{shown(settings.database_url)}: from {before or 'nothing'} to {after}")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the database into FILE, which must not exist yet.

    The copy is whole and consistent, also while the service runs; a plain copy of the file need not be. It has the name
    FILE only once it is whole. No service starts on it by mistake: it does not know what was done since.

    \b
    Example:
      handoffs db backup before-upgrade.db

    \b
    Exit codes: 0 copied; 1 the database failed; 2 FILE cannot be written;
      3 FILE is there already
    """
    from sync.errors import ConfigurationError, RefusedError
    from sync.storage.copies import copy_to

    if file.exists():
        raise RefusedError(f"{file} is there already: nothing was copied. Name another file")
    settings = session.read_settings()
    _require_file(settings.database_url, "pg_dump")
    with session.database(settings, write=False) as store:
        try:
            copy_to(store, file, session.clock().now())
        except OSError as error:
            raise ConfigurationError(
                f"the copy cannot be written to {file}: {error.strerror}; nothing is left"
            ) from None
    click.echo(f"Copied into {file}: {number(file.stat().st_size, 'byte')}")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@YES
def restore(file: Path, yes: bool) -> None:
    """Put back a copy made by `handoffs db backup`.

    The copy does not know what was done since. So it is like an empty database: before the first pass HubSpot is asked
    for all tasks that the service has made, and none comes a second time, nor do its emails. An email that goes with no
    task (that of handoff 9) may come once more, if it was sent after the copy was made.

    \b
    Example:
      handoffs db restore before-upgrade.db

    \b
    Exit codes: 0 put back; 1 the database failed; 2 FILE is no copy, or
      cannot be put there; 3 there is a database already, or it was not
      answered with yes
    """
    from sync.errors import ConfigurationError, RefusedError
    from sync.storage.copies import copied_at, put_back
    from sync.storage.database import open_store

    settings = session.read_settings()
    _require_file(settings.database_url, "pg_restore, then `handoffs db restored`")
    if not file.is_file():
        raise ConfigurationError(f"there is no copy {file}: name a file that `handoffs db backup` has written")
    copy = open_store(f"sqlite:///{file.absolute()}")
    with closing(copy):
        copied = copied_at(copy)
    if copied is None:
        raise ConfigurationError(f"{file} is no copy: name a file that `handoffs db backup` has written")
    with closing(open_store(settings.database_url)) as store:
        place = store.path
    assert place is not None  # `_require_file`
    beside = [place.with_name(place.name + end) for end in ("", "-wal", "-shm")]
    there = [each.name for each in beside if each.exists()]
    if there:
        raise RefusedError(
            f"there is a database {place}: move it away first, with -wal and -shm beside it ({', '.join(there)})"
        )
    confirm(
        f"Put the copy of {format_moment(copied)} in the place of {place}? What was done since is asked of HubSpot before the "
        "first pass.",
        yes=yes,
        otherwise="nothing was put back",
    )
    try:
        put_back(file, place, session.clock().now())
    except FileExistsError:
        raise RefusedError(f"there is a database {place} by now: nothing was put back") from None
    except OSError as error:
        raise ConfigurationError(f"the copy cannot be put back to {place}: {error.strerror}; nothing is left") from None
    click.echo(f"Put back: {file}, of {format_moment(copied)}")


@db.command()
@YES
def restored(yes: bool) -> None:
    """Say that the database is an older state, put back by other means than `restore`: pg_restore, a snapshot.

    It does not know what was done since. So it is like an empty database: before the first pass HubSpot is asked for all
    tasks that the service has made, and none comes a second time, nor do its emails. An email that goes with no task
    (that of handoff 9) may come once more, if it was sent since. Give it before `handoffs serve` is started again.

    \b
    Example:
      handoffs db restored

    \b
    Exit codes: 0 noted; 1 the database failed; 3 it was not answered with yes
    """
    settings = session.read_settings()
    from sync.service.lanes import every_lane_held
    from sync.storage.copies import begin_anew
    from sync.storage.database import shown

    place = shown(settings.database_url)
    confirm(
        f"Is {place} an older state that was put back? What was done since is asked of HubSpot before the first pass.",
        yes=yes,
        otherwise="nothing was changed",
    )
    with session.database(settings, write=True) as store, every_lane_held(store) as held:
        assert held  # nothing stops the waiting
        begin_anew(store, session.clock().now())
    click.echo(f"Noted: {place} was put back. HubSpot is asked before the next pass.")


def _require_file(url: str, instead: str) -> None:
    """Raise `RefusedError` where the database is on a server, whose copies are made by the server's own programs."""
    from sync.errors import RefusedError
    from sync.storage.database import shown

    if not url.startswith("sqlite"):
        raise RefusedError(f"{shown(url)} is no file: nothing was done. Use {instead}")


@db.command()
@click.option("--to", "target", required=True, metavar="DATABASE_URL", help="The empty database to copy into.")
@YES
def copy(target: str, yes: bool) -> None:
    """Take everything along into another database: from SQLite to PostgreSQL, or back.

    What was done, what is to be done, deliveries and cursors are copied, and the rows of each table counted on both sides.
    It is done as a whole or not at all. End the service first: what it wrote meanwhile would be in the old database alone.
    The old one is then marked as a copy, so that no service starts on it by mistake; set DATABASE_URL to the new one.

    \b
    Examples:
      handoffs db copy --to postgresql://handoffs:password@db.example.com/handoffs
      handoffs db copy --to sqlite:///handoffs.db

    \b
    Exit codes: 0 copied; 1 one of the databases failed; 2 --to is no address
      of a database; 3 it is not empty, the service still runs, the old one
      is a copy itself, or it was not answered with yes
    """
    from sync.errors import ConfigurationError, RefusedError
    from sync.service.lanes import every_lane_held
    from sync.settings import read_settings
    from sync.storage.copies import why_not
    from sync.storage.database import migrate, open_store, shown
    from sync.storage.moving import move

    settings = session.read_settings()
    try:
        to = read_settings(database_url=target).database_url
    except ConfigurationError:
        raise ConfigurationError(
            f"--to {shown(target)} is no database: name sqlite:///FILE, or postgresql://user:password@host:port/NAME"
        ) from None
    with session.database(settings, write=True) as source, closing(open_store(to, given_as="--to")) as other:
        refused = why_not(source)
        if refused is not None:
            raise RefusedError(f"nothing was copied: {source.place} {refused}")
        _require_nobody_at_work(source)
        confirm(
            f"Copy {source.place} to {other.place}? No service starts on the old one afterwards.",
            yes=yes,
            otherwise="nothing was copied",
        )
        migrate(other)
        with every_lane_held(source):
            counts = move(source, other, session.clock().now())
    for name, count in counts.items():
        click.echo(f"{count:10,d}  {name}")
    click.echo(
        f"Copied {number(sum(counts.values()), 'row')} to {shown(to)}: set DATABASE_URL to it, and start the service."
    )


def _require_nobody_at_work(store: "Store") -> None:
    """Raise `RefusedError` while somebody gives signs of life on this database."""
    from sync.errors import RefusedError
    from sync.observe.running import live
    from sync.storage import processes
    from sync.storage.processes import Part

    now = session.clock().now()
    with store.read() as connection:
        found = processes.find(connection)
    if alive := [str(one) for part in Part for one in live(found, part, now)]:
        raise RefusedError(
            f"somebody still works on {store.place}: nothing was copied. End the {', the '.join(alive)}; one that was killed "
            "counts as dead after two minutes"
        )


@db.command()
@click.option(
    "--days", type=click.IntRange(min=2), default=None, show_default="RETENTION_DAYS", help="Keep what is younger."
)
@click.option("--dry-run", is_flag=True, help="Only count.")
def prune(days: int | None, dry_run: bool) -> None:
    """Remove webhook deliveries, and their events, that are older than --days.

    A running service does it once a day (RETENTION_DAYS). They are kept to look into, and to know a delivery that comes
    twice (HubSpot repeats within a day). The ledger of what was done is never pruned: it is what makes every effect happen
    once. The file keeps its size and uses the room again.

    \b
    Example:
      handoffs db prune --days 30

    \b
    Exit codes: 0 done; 1 the database failed
    """
    settings = session.read_settings()
    from sync.storage import retention

    kept = settings.retention_days if days is None else days
    before = session.clock().now() - timedelta(days=kept)
    with session.database(settings, write=True) as store:
        done = retention.count(store, before) if dry_run else retention.prune(store, before)
    verb = "Would remove" if dry_run else "Removed"
    found = f"{number(done.deliveries, 'webhook request')} with {number(done.events, 'event')}"
    click.echo(f"{verb} {found}, older than {kept} days.")
