"""`handoffs …`: the table of commands, and the one place where an error becomes a message and an exit code.

A command is imported when it is asked for, and imports what is heavy when it runs: `--help` and a mistyped option
answer at once.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from sync.commands.session import VERBOSE
from sync.commands.whole_help import WholeHelp
from sync.errors import INTERRUPTED, HandoffsError
from sync.plain import make_output_plain

SECTIONS: Mapping[str, Sequence[str]] = {
    "Try it": ("demo", "sandbox"),
    "Set it up": ("init", "setup", "subscriptions", "check", "adopt"),
    "Run it": ("serve", "receiver", "worker", "board", "sweep", "poll"),
    "Look at it": ("status", "list", "explain", "log", "runs", "report", "letter", "verify", "plan"),
    "Look after it": ("apply", "replay", "backfill", "dead", "release", "users", "db"),
}
"""Every command by the help's sections, in the help's order. `NAME` is `NAME` in the module `sync.commands.NAME`."""


class WrongUsageError(click.ClickException):
    """A command was called wrongly. Its message is one line, as of every other error: click's own repeats the usage first."""

    exit_code = 2

    def __init__(self, error: click.UsageError) -> None:
        text = " ".join(error.format_message().split())
        command = _as_typed(error.ctx) if error.ctx is not None else "handoffs"
        super().__init__(f"{text}{'' if text.endswith(('.', '?')) else '.'} See `{command} --help`.")


def _as_typed(ctx: click.Context) -> str:
    """Name a command as one types it: click's own path has the arguments of what it stands below, too (`sandbox now`)."""
    above = "" if ctx.parent is None else f"{_as_typed(ctx.parent)} "
    return f"{above}{ctx.info_name}"


@contextmanager
def _usage_errors_in_one_line() -> Iterator[None]:
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise WrongUsageError(error) from None


class Commands(WholeHelp):
    """The commands of `SECTIONS`, each imported when it is first asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return every command's name, in the help's order."""
        return [name for section in SECTIONS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, and let it understand `--verbose`; None if there is none of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(importlib.import_module(f"sync.commands.{cmd_name}"), cmd_name)
        if VERBOSE not in command.params:
            command.params.append(VERBOSE)
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the program, on a terminal of whatever encoding."""
        make_output_plain()
        return super().main(*args, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command's name. Raises `WrongUsageError`."""
        with _usage_errors_in_one_line():
            return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called. The `click.UsageError` for an unknown one names the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean '{near[0]}'?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands into the help, section by section."""
        width = max(len(name) for name in self.list_commands(ctx))
        for title, section in SECTIONS.items():
            found = {name: self.get_command(ctx, name) for name in section}
            rows = [(name.ljust(width), self.line_of(it)) for name, it in found.items() if it is not None]
            with formatter.section(title):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error that is raised on purpose becomes a line on stderr and its exit code."""
        try:
            with _usage_errors_in_one_line():
                return super().invoke(ctx)
        except HandoffsError as error:
            click.ClickException(str(error)).show()
            ctx.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


@click.group(
    name="handoffs",
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="`handoffs COMMAND --help` says when to use it, with an example and its exit codes. "
    "Settings come from the environment or a .env file.",
    params=[VERBOSE],
)
@click.version_option(package_name="creative-refresh-handoffs", prog_name="handoffs")
def main() -> None:
    """Carry the Creative Refresh handoffs in HubSpot: every effect once, nothing due missed.

    \b
    Exit codes, of every command:
      0 done                    3 refused by a limit or an unanswered question
      1 something failed        4 the CRM refuses the token
        or is unknown           5 the mapping does not fit the portal, or
      2 wrong usage or setting    the database belongs to another one
    """
