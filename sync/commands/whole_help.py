"""The list of commands in a group's help, each with its whole line: click's own cuts them off."""

import click


class WholeHelp(click.Group):
    """A group whose help shows the first sentence of each of its commands, folded where it is long."""

    @staticmethod
    def line_of(command: click.Command) -> str:
        """Return what the list says of a command."""
        return command.get_short_help_str(limit=10_000)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands into the help."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        width = max(map(len, found), default=0)
        with formatter.section("Commands"):
            formatter.write_dl([(name.ljust(width), self.line_of(it)) for name, it in found.items() if it is not None])
