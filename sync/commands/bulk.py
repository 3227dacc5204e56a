"""What the commands that act on many records share: filters, the question, progress, and what came of each record."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from threading import Event
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from sync.commands.output import console, duration, number, say, sentence
from sync.commands.passes import INTERRUPTED, YEARS

if TYPE_CHECKING:
    from sync.admin.bulk import Result, Summary
    from sync.crm import RecordRef
    from sync.service.bootstrap import Service

HANDOFFS = ("1", "2a", "2b", "3", "4", "5", "6", "7", "8", "9")

PORTFOLIOS = click.argument("portfolios", nargs=-1, metavar="[PORTFOLIO]...")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
HANDOFF = click.option(
    "--handoff", "handoffs", multiple=True, type=click.Choice(HANDOFFS), help="Only where this handoff is concerned."
)
OWNER = click.option(
    "--owner", "owners", multiple=True, metavar="OWNER", help="Only where work is for this person: email or owner id."
)
LINES = click.option("--json", "as_json", is_flag=True, help="Print JSON instead: a line a record, then the sum.")


class When(click.ParamType[datetime | date]):
    """A day, `2026-11-22`, or a moment, `2026-11-22T09:00`; without an offset in the mapping's time zone."""

    name = "when"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime | date:
        if isinstance(value, date):
            return value
        text = str(value)
        try:
            found = date.fromisoformat(text) if len(text) == len("2026-11-22") else datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is no date and no time: write 2026-11-22 or 2026-11-22T09:00", param, ctx)
        if found.year not in YEARS:
            self.fail(f"{text} is too far away: from {YEARS[0]} to {YEARS[-1]}", param, ctx)
        return found


def begins(value: datetime | date, zone: ZoneInfo) -> datetime:
    """The moment from which a `When` counts: a day from its midnight."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    return datetime.combine(value, time(), zone).astimezone(UTC)


def ends(value: datetime | date, zone: ZoneInfo) -> datetime:
    """The moment up to which a `When` counts: a day to its end."""
    return begins(value if isinstance(value, datetime) else value + timedelta(days=1), zone)


def portfolio_ids(built: "Service", wanted: Sequence[str]) -> list[str] | None:
    """The ids of these portfolios, each given by id or name; None for none given."""
    from sync.admin.explain import find

    return list(dict.fromkeys(find(built.crm, built.mapping, one) for one in wanted)) if wanted else None


def owner_ids(built: "Service", wanted: Sequence[str]) -> frozenset[str]:
    """The ids of these people, each given by email or owner id; deactivated ones too."""
    owners = built.portals.get().owners if wanted else {}
    known = {owner.email.lower(): owner.id for owner in owners.values()} | {i: i for i in owners}
    for one in wanted:
        if one.lower() not in known:
            raise click.BadParameter(
                f"nobody in the portal is “{one}”: give an email or owner id", param_hint="--owner"
            )
    return frozenset(known[one.lower()] for one in wanted)


def at_a_terminal() -> bool:
    """Whether there is somebody who can be asked."""
    return sys.stdin.isatty()


def ask(question: str, *, yes: bool, otherwise: str) -> None:
    """Go on only with a person's yes. Raises `RefusedError`; where nobody can be asked it names the flag."""
    from sync.errors import RefusedError

    if yes:
        return
    if not at_a_terminal():
        raise RefusedError("nobody can be asked without a terminal: add --yes")
    if not click.confirm(question, err=True):
        raise RefusedError(otherwise)


@contextmanager
def interruptible() -> Iterator[Event]:
    """An event that Ctrl-C and SIGTERM set: the current group is finished first."""
    from sync.service.serve import stopping

    stop = Event()

    def heard() -> None:
        stop.set()
        say("Finishing the current group; Ctrl-C again ends at once.")

    with stopping(heard):
        yield stop


@contextmanager
def looking(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, for a person at a terminal, that is told how many of how many are done."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
    from rich.progress import Task as Bar
    from rich.text import Text

    class Pace(ProgressColumn):
        """How many a second since the beginning, and the time that is left: results come a group at a time."""

        def render(self, task: Bar) -> Text:
            if not task.completed or not task.elapsed or task.total is None:
                return Text("")
            rate = task.completed / task.elapsed
            return Text(f"{rate:.1f}/s, {duration((task.total - task.completed) / rate)} left")

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), Pace())
    # What is printed meanwhile goes above the bar; where stdout goes elsewhere, it stays there.
    bars = Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty(),
    )  # fmt: skip
    with bars:
        bar = bars.add_task(what, total=None)
        yield lambda done, of: bars.update(bar, completed=done, total=of)


def report(
    results: "Iterable[Result]", summary: "Summary", total: int, *, what: str, as_json: bool, stop: Event
) -> int:
    """Tell each result as it comes, then the sum; the command's exit code."""
    from sync.admin.bulk import Outcome

    out = console()
    done = 0
    with looking(what) as bar:
        bar(0, total)
        for result in results:
            done += 1
            bar(done, max(total, done))
            if as_json:
                sys.stdout.write(json.dumps({"version": 1, **result.as_json()}, ensure_ascii=False) + "\n")
            elif result.outcome is not Outcome.SKIPPED:
                with out.capture() as folded:
                    sentence(out, _line(result), "  ")
                sys.stdout.write(folded.get())  # for which the bar makes way, where both are on one terminal
            elif result.reason and result.reason != "nothing to do":
                say(_line(result))
    if as_json:
        summed = {"version": 1, "summary": True, **summary.as_json(), "interrupted": stop.is_set()}
        click.echo(json.dumps(summed, ensure_ascii=False))
    else:
        parts = [f"{summary.records[outcome]:,} {outcome.value}" for outcome in Outcome]
        out.print(f"{number(done, 'record')}: {', '.join(parts)}; {number(summary.effects['done'], 'effect')} done")
    if summary.tally.held:
        say(f"{number(summary.tally.held, 'effect')} held. `handoffs release --reason …` lets them go.")
    if summary.left:
        say(f"{number(summary.left, 'record')} left: the same command goes on with them.")
    return INTERRUPTED if stop.is_set() else summary.exit_code


def _line(result: "Result") -> str:
    counts = ", ".join(f"{count} {state}" for state, count in sorted(result.effects.items()))
    text = f"{result.record}: {result.outcome}"
    if counts and counts != f"1 {result.outcome}":
        text += f" ({counts})"
    return text + (f": {result.reason}" if result.reason else "")


def names(records: "Sequence[RecordRef]", limit: int = 10) -> str:
    """`portfolio 1001, ticket 2001, and 4 more`."""
    shown = ", ".join(str(record) for record in records[:limit])
    return shown + (f", and {len(records) - limit:,} more" if len(records) > limit else "")
