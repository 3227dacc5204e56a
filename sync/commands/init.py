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
@click.option(
    "--templates", "templates", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Only write copies of the packaged texts of tasks and emails, to change.",
)  # fmt: skip
@click.option("--systemd", is_flag=True, help="Also write a unit for systemd, with the paths filled in.")
def init(directory: Path, default: Path | None, templates: Path | None, systemd: bool) -> None:
    """Write the files to begin with: settings, and a mapping to fill in.

    `.env` holds every setting with a word on each; `agency.yaml` what your portal may call otherwise than the default.
    Commands read `.env` in the directory that they are run in. What is there already is never replaced.

    \b
    Examples:
      handoffs init
      handoffs init /srv/handoffs --systemd
      handoffs init --default all-there-is.yaml
      handoffs init --templates templates

    \b
    Exit codes: 0 written; 2 a file cannot be written; 3 one is there already
    """
    from sync.admin.init import write_default, write_files, write_templates

    if default is not None and templates is not None:
        raise click.UsageError("--default and --templates are two commands: give one of them")
    if templates is not None:
        for path in write_templates(templates):
            click.echo(f"written   {path}")
        say("")
        say(
            "The service goes on with its own texts: keep those that you change, and name each in the mapping, from where that"
        )
        say(f"stands: tasks: {{kickoff: {{body: {templates.name}/task_kickoff.html.j2}}}}")
        return
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
