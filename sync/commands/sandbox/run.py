"""`handoffs sandbox`: the simulated HubSpot, run on this machine until Ctrl-C."""

import itertools
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from sync.commands.options import JSON
from sync.commands.output import print_json, say
from sync.commands.sandbox.clock import parse_moment
from sync.commands.sandbox.connection import MARK, PORT
from sync.commands.whole_help import WholeHelp

if TYPE_CHECKING:
    from mappings.schema import ProcessMapping
    from sync.sandbox.sandbox import Sandbox

SERVICE = "http://127.0.0.1:8000"
"""Where `handoffs serve` listens unless PORT says otherwise."""

_OWN_SETTING = "SANDBOX_URL"
"""What the commands of the sandbox read, and the service does not."""


def _parse_clock_start(text: str) -> datetime | None:
    """Read the moment at which the clock begins; None for `real`."""
    try:
        return None if text == "real" else parse_moment(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group(cls=WholeHelp, invoke_without_command=True)
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: any that is free.")
@click.option(
    "--clock", type=_parse_clock_start, default="real", show_default=True, metavar="ISO|real", help="When it begins."
)
@click.option(
    "--still",
    is_flag=True,
    help="The clock moves only when it is told to. Until then `serve` waits, too, once HubSpot's limit is used up.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is random: ids, faults, orders.")
@click.option(
    "--populate", type=click.IntRange(0), default=0, metavar="N", help="N portfolios, at every stage of the cycle."
)
@click.option(
    "--mapping",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Build the process as this mapping calls it. Unset: the packaged default.",
)
@click.option("--webhooks", default=SERVICE, show_default=True, metavar="URL|none", help="The service's address.")
@click.option("--task-property", is_flag=True, help="Have the hidden task property already (`handoffs setup`).")
@click.option(
    "--env", "env_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Also write the settings into this file, such as .env.",
)  # fmt: skip
@click.option("--empty", is_flag=True, help="Nothing of the process yet, for `handoffs setup --sample`.")
@JSON
@click.pass_context
def sandbox(
    ctx: click.Context,
    port: int,
    clock: datetime | None,
    still: bool,
    seed: int,
    populate: int,
    mapping: Path | None,
    webhooks: str,
    task_property: bool,
    env_file: Path | None,
    empty: bool,
    as_json: bool,
) -> None:
    """Run the simulated HubSpot on this machine, until Ctrl-C.

    Without a command it runs: a portal with the process installed, its API, its webhooks, and people. It prints what
    `handoffs serve` in another terminal needs to work with it. Everything is kept in memory.

    With one of the commands below, people act in a running one, time passes, faults are switched.

    With --mapping the portal calls everything as that file does: object, properties, values, pipeline, stages, stand-ins,
    time zone. So you rehearse with your own words, before the real portal is touched.

    The settings that it prints are for each terminal that is to speak to it; --env .env keeps them where every command that
    is run in that directory reads them. A file of another origin is not replaced: rehearse in a directory of its own.

    Its clock may begin elsewhere (--clock) and be moved on (`clock --advance 1d`). `handoffs sandbox now COMMAND` runs a
    command of the service by it, `handoffs sandbox now serve` the service itself; a plain `handoffs serve` goes by the
    machine's clock, and refuses webhooks of another day.

    \b
    Examples:
      handoffs sandbox --populate 20
      handoffs sandbox --mapping agency.yaml --populate 20
      handoffs sandbox --mapping agency.yaml --env .env
      handoffs sandbox --empty
      handoffs sandbox do create-portfolio "Acme" --date 2026-12-01
      handoffs sandbox do set-status Acme "Deliverables Submitted"
      handoffs sandbox now serve
      handoffs sandbox fault 503 --times 5

    \b
    Exit codes: 0 ended as told, or done; 1 refused, or not running;
      2 the port is in use, or a file cannot be written; 3 the file of
      --env is not the sandbox's
    """
    if ctx.invoked_subcommand is not None:
        return
    if empty and (populate or task_property):
        raise click.UsageError("--empty excludes --populate and --task-property")
    if env_file is not None:
        _require_own(env_file)
    from sync.ending import ENDED_AS_TOLD, ending
    from sync.sandbox.sandbox import Sandbox
    from sync.sandbox.server import SandboxServer

    made = Sandbox(
        seed=seed,
        start=clock,
        ticking=not still,
        with_task_property=task_property,
        empty=empty,
        mapping=None if mapping is None else _read_mapping(mapping),
    )
    if populate:
        _populate(made, populate, seed)
    target = None if webhooks == "none" else webhooks.rstrip("/")
    if target is not None:
        if not empty:
            made.delivery.subscribe_all(["ticket", "task", made.process.names.object_name])
        made.delivery.target = f"{target}/webhooks/hubspot"
    server = SandboxServer(made, port)
    try:
        server.start()
    except OSError as error:
        raise click.UsageError(
            f"port {port} cannot be listened on ({error.strerror}): choose another with --port"
        ) from error
    with ending(surely=ENDED_AS_TOLD) as told:
        _print_access(
            made,
            _settings(made, server.url, target, mapping, _ledger(Path() if env_file is None else env_file.parent)),
            env_file,
            as_json=as_json,
        )
        told.wait()
    server.stop()
    say("Stopped.")


def _read_mapping(path: Path) -> "ProcessMapping":
    from mappings.load import MappingError, load
    from sync.errors import ConfigurationError

    try:
        return load(path)
    except MappingError as error:
        raise ConfigurationError(str(error)) from None


def _populate(made: "Sandbox", count: int, seed: int) -> None:
    import random

    from sync.sandbox.situations import populate

    populate(made.portal, made.process, count, random.Random(seed))  # noqa: S311 - guards nothing


def _ledger(directory: Path) -> str:
    """A name for the service's database that no rehearsal before has used: its ledger would take this portal's work for done."""
    names = itertools.chain(["sandbox.db"], (f"sandbox-{n}.db" for n in itertools.count(2)))
    return next(name for name in names if not (directory / name).exists())


def _settings(made: "Sandbox", url: str, target: str | None, mapping: Path | None, ledger: str) -> dict[str, str]:
    """What the service and the commands of the sandbox need to speak to it, by name."""
    return {
        "HUBSPOT_BASE_URL": url,
        "HUBSPOT_ACCESS_TOKEN": made.token,
        "HUBSPOT_APP_ID": str(made.app_id),
        **({"HUBSPOT_CLIENT_SECRET": made.client_secret, "PUBLIC_URL": target} if target is not None else {}),
        "EMAIL_URL": "hubspot:777",
        "DATABASE_URL": f"sqlite:///{ledger}",
        "PORT": str((None if target is None else urlsplit(target).port) or 8000),
        **({} if mapping is None else {"MAPPING": str(mapping.absolute())}),
        _OWN_SETTING: url,
    }


def _require_own(file: Path) -> None:
    """Raise `RefusedError` for a file that is there and was not written by a sandbox: it may hold a real portal's token."""
    from sync.errors import ConfigurationError, RefusedError

    try:
        first = file.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None
    if first != MARK:
        raise RefusedError(
            f"{file} is there already, and no sandbox has written it: name another file, or rehearse in another directory"
        )


def _write(file: Path, environment: Mapping[str, str]) -> None:
    """Write the settings; what only `handoffs sandbox` reads has to be in the environment. Raises `ConfigurationError`."""
    from sync.errors import ConfigurationError

    escaped = {name: value.replace("'", r"\'") for name, value in environment.items() if name != _OWN_SETTING}
    lines = [f"{name}='{value}'" for name, value in escaped.items()]  # as python-dotenv reads it, not as a shell does
    try:
        file.touch(mode=0o600)
        file.write_text("\n".join([MARK, *lines, ""]), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None


def _print_access(made: "Sandbox", environment: Mapping[str, str], env_file: Path | None, *, as_json: bool) -> None:
    url = environment[_OWN_SETTING]
    if env_file is not None:
        _write(env_file, environment)
    if as_json:
        print_json(
            {"url": url, "token": made.token, "client_secret": made.client_secret, "app_id": made.app_id,
             "environment": environment}
        )  # fmt: skip
        return
    click.echo(f"A simulated HubSpot listens on {url}\n")
    click.echo(f"  token          {made.token}")
    click.echo(f"  client secret  {made.client_secret}")
    click.echo(f"  app id         {made.app_id}")
    setup = "handoffs setup --apply --yes" if made.settled else "handoffs setup --sample --apply --yes"
    if env_file is None:
        click.echo("\nIn another terminal, for every command there:\n")
        for name, value in environment.items():
            click.echo(f"export {name}={shlex.quote(value)}")
    else:
        click.echo(
            f"\nwritten   {env_file}\n\nCommands that are run in its directory read it, in any terminal, if it is called .env."
        )
    ledger = environment["DATABASE_URL"].removeprefix("sqlite:///")
    if ledger != "sandbox.db":
        click.echo(
            f"\nsandbox.db is of an earlier rehearsal, which the portal of this one knows nothing of: the service uses {ledger}."
        )
    click.echo("\nThen:\n")
    for line, what in (
        (setup, "prepares the portal"),
        ("handoffs sandbox now serve", "the service at work, by this clock"),
        ("handoffs sandbox show portfolios", "what is in it; also tickets, tasks, emails …"),
        ("handoffs sandbox do --help", "how people act in it"),
        ("handoffs sandbox clock --advance 1d", "a day passes"),
    ):
        click.echo(f"  {line:<37} {what}" if len(line) < 37 else f"  {line}\n{'':40}{what}")
    say("\nCtrl-C ends it; nothing of it is kept.")
