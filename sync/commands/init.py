"""`handoffs init`: the files that an installation begins with."""

from pathlib import Path

import click

from sync.commands.output import say


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--default", "default", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Only write a copy of the packaged mapping, to read.",
)  # fmt: skip
@click.option("--systemd", is_flag=True, help="Also write a unit for systemd, with the paths filled in.")
def init(directory: Path, default: Path | None, systemd: bool) -> None:
    """Write the files to begin with: settings, and a mapping to fill in.

    `.env` holds every setting with a word on each; `agency.yaml` what your portal may call otherwise than the default.
    Commands read `.env` in the directory that they are run in. What is there already is never replaced.

    \b
    Examples:
      handoffs init
      handoffs init /srv/handoffs --systemd
      handoffs init --default all-there-is.yaml

    \b
    Exit codes: 0 written; 2 a file cannot be written; 3 one is there already
    """
    from sync.admin.init import write_default, write_files

    if default is not None:
        write_default(default)
        click.echo(f"written   {default}")
        return
    for path in write_files(directory, systemd=systemd):
        click.echo(f"written   {path}")
    say("")
    if directory != Path():
        say(f"Next, in {directory}:")
    else:
        say("Next:")
    say("  1. Fill in agency.yaml where your portal differs, and rehearse with it:")
    say("     handoffs sandbox --mapping agency.yaml --populate 20")
    say("  2. Fill in .env, with the values of your HubSpot app:")
    say("     handoffs subscriptions --help")
    say("  3. handoffs check")
