"""`handoffs sandbox now`: a command of the service, by the sandbox's clock."""

import click

from sync.commands import session
from sync.commands.sandbox.connection import URL
from sync.errors import HandoffsError

NOT_BY_ITSELF = frozenset({"demo", "sandbox"})
"""Commands that have a clock of their own."""


@click.command(context_settings={"allow_interspersed_args": False})
@URL
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGS]…")
@click.pass_context
def now(ctx: click.Context, url: str, command: tuple[str, ...]) -> None:
    """Run a command of the service at the sandbox's time, not the machine's.

    For a rehearsal whose days pass by `handoffs sandbox clock --advance 1d`: the service and every command then see the
    same day as the portal. `serve` follows the clock while it runs: it sweeps when the sandbox's day begins.

    \b
    Examples:
      handoffs sandbox now serve
      handoffs sandbox now sweep
      handoffs sandbox now explain Acme

    \b
    Exit codes: those of the command; 1 no sandbox is running
    """
    from sync.sandbox.service import SandboxClock, main

    if command[0] in NOT_BY_ITSELF:
        raise click.UsageError(f"`{command[0]}` has a clock of its own")
    if command == ("serve",):
        ctx.exit(main(url))
    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    name, found, rest = root.command.resolve_command(root, list(command))
    assert found is not None
    assert name is not None
    try:
        clock = SandboxClock(url)
        clock.now()
    except HandoffsError as error:
        raise click.ClickException(str(error)) from None
    session.use_clock(clock)
    with found.make_context(name, rest, parent=ctx) as inner:
        found.invoke(inner)
