"""What a person at the terminal meets while a command runs: its question, Ctrl-C, its progress."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from sync.commands.output import format_duration, say

if TYPE_CHECKING:
    from sync.ending import Ending


def at_a_terminal() -> bool:
    """Tell whether somebody sits at the terminal who can be asked."""
    return sys.stdin.isatty()


def confirm(question: str, *, yes: bool, otherwise: str) -> None:
    """Ask a person, and return only if they say yes; with `yes` (the flag) nobody is asked.

    Raises `RefusedError`: with the message `otherwise` after a no, and naming the flag where nobody can be asked.
    """
    from sync.errors import RefusedError

    if yes:
        return
    if not at_a_terminal():
        raise RefusedError("nobody can be asked without a terminal: add --yes")
    if not click.confirm(question, err=True):
        raise RefusedError(otherwise)


@contextmanager
def finish_group_on_interrupt() -> "Iterator[Ending]":
    """Yield what Ctrl-C and SIGTERM set, so that a run ends after its current group; a second Ctrl-C ends at once.

    After SIGTERM it ends in time whatever the CRM does: whoever sends that (a platform, `timeout`) kills soon.
    """
    import signal

    from sync.ending import ending
    from sync.errors import INTERRUPTED

    words = "Finishing the current group; Ctrl-C again ends at once.\n"
    with ending(words, surely={signal.SIGTERM: INTERRUPTED}) as told:
        yield told


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr, if that is a terminal, and yield its progress callback: how many of how many are done.

    `what` stands before the bar.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
    from rich.progress import Task as Bar
    from rich.text import Text

    class RateSinceStart(ProgressColumn):
        """How many a second since the start, and the time left. rich's own rate is of the last seconds: groups make it jump."""

        def render(self, task: Bar) -> Text:
            if not task.completed or not task.elapsed or task.total is None:
                return Text("")
            rate = task.completed / task.elapsed
            return Text(f"{rate:.1f}/s, {format_duration((task.total - task.completed) / rate)} left")

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), RateSinceStart())
    # What is printed meanwhile goes above the bar; where stdout goes elsewhere, it stays there.
    bars = Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty(),
    )  # fmt: skip
    with bars:
        bar = bars.add_task(what, total=None)
        yield lambda done, of: bars.update(bar, completed=done, total=of)


def report_progress(text: str) -> None:
    """Print how far a run is to stderr, if somebody looks on there."""
    if sys.stderr.isatty():
        say(text)
