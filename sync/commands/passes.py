"""`sweep` and `poll`: work done now, to its end, in this process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from threading import Event
from typing import TYPE_CHECKING

import click

from sync.commands.output import JSON, console, number, print_json, say
from sync.commands.session import service

if TYPE_CHECKING:
    from sync.observe.status import Trouble
    from sync.passes.reconcile import Tally
    from sync.service.bootstrap import Service

INTERRUPTED = 130
YEARS = range(2000, 2100)
"""The years that `--today` may name: a typing mistake must not move a date into the next century."""

Work = Callable[["Service", Callable[[], bool], Callable[["Tally"], None]], tuple[int, "Tally"]]


class Day(click.ParamType[date]):
    """A calendar date, `2026-11-22`."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no date: write it as 2026-11-22", param, ctx)
        if day.year not in YEARS:
            self.fail(f"{value} is too far away: from {YEARS[0]} to {YEARS[-1]}", param, ctx)
        return day


@click.command()
@click.option("--today", type=Day(), metavar="DATE", help="Decide as if this were today; past or future.")
@JSON
def sweep(today: date | None, as_json: bool) -> None:
    """Look at all that a day can have made due, now.

    The service sweeps by itself once a day; by hand it does no harm at any time, with or without `handoffs serve`
    beside it, and a second time it finds nothing to do. It also tries again what the CRM has refused, and what was
    parked.

    --today sets the date for every decision of this run, and the tasks' due dates. What is done is really done: the
    CRM's records change.

    \b
    Examples:
      handoffs sweep
      handoffs sweep --today 2026-12-24

    \b
    Exit codes: 0 all was done; 1 something failed, is unknown, or must be
      tried again; 3 the breaker holds work (`handoffs release`);
      4 the token is refused; 5 the mapping does not fit the portal
    """
    from sync.service.drain import run_sweep

    _run("sweep", lambda built, stop, told: run_sweep(built, stop=stop, progress=told), today, as_json)


@click.command()
@JSON
def poll(as_json: bool) -> None:
    """Look at all that was changed since the last poll, now.

    The service polls by itself every POLL_SECONDS. By hand it helps where webhooks do not come and nobody wants to
    wait, with or without `handoffs serve` beside it.

    \b
    Example:
      handoffs poll

    \b
    Exit codes: as of `handoffs sweep`
    """
    from sync.service.drain import run_poll

    _run("poll", lambda built, stop, told: run_poll(built, stop=stop, progress=told), None, as_json)


@dataclass(frozen=True, slots=True)
class _Report:
    """What a run came to."""

    command: str
    today: date
    marked: int
    tally: "Tally"
    held: int  # effects that the breaker holds now, from earlier runs too
    interrupted: bool
    troubles: "tuple[Trouble, ...]"

    @property
    def done(self) -> int:
        return self.tally.tried - self.tally.failed - self.tally.unknown - self.tally.not_sent

    @property
    def counts(self) -> dict[str, int]:
        tally = self.tally
        return {
            "marked": self.marked,
            "looked": tally.looked,
            "done": self.done,
            "failed": tally.failed,
            "unknown": tally.unknown,
            "not_sent": tally.not_sent,
            "held": self.held,
            "errors": tally.errors,
        }

    @property
    def exit_code(self) -> int:
        tally = self.tally
        if self.interrupted:
            return INTERRUPTED
        if self.held:
            return 3
        return 1 if tally.failed or tally.unknown or tally.not_sent or tally.errors else 0


def _run(command: str, work: Work, today: date | None, as_json: bool) -> None:
    with service(today=today, bulk=True) as built:
        report = _carried_out(built, command, work)
        if as_json:
            print_json(
                {
                    "command": report.command,
                    "today": report.today.isoformat(),
                    **report.counts,
                    "interrupted": report.interrupted,
                }
            )
        else:
            _show(report)
        _say_why(report)
    click.get_current_context().exit(report.exit_code)


def _carried_out(built: "Service", command: str, work: Work) -> _Report:
    from sync.observe.status import held, troubles
    from sync.service.serve import stopping

    stop = Event()

    def heard() -> None:
        stop.set()
        say("Finishing the current group; Ctrl-C again ends at once.")

    began = built.clock.now()
    with stopping(heard):
        marked, tally = work(built, stop.is_set, _progress(command))
    with built.store.read() as connection:
        found = tuple(troubles(connection, since=began))
        holding = held(connection).effects
    return _Report(command, built.today, marked, tally, holding, stop.is_set(), found)


def _progress(command: str) -> Callable[["Tally"], None]:
    """Tells after each group how far it is, to a person who looks on."""

    def told(tally: "Tally") -> None:
        if sys.stderr.isatty():
            say(f"{command}: {number(tally.looked, 'record')} looked at, {number(tally.tried, 'effect')} tried")

    return told


def _show(report: _Report) -> None:
    out = console()
    counts = report.counts
    title = f"{report.command.capitalize()} on {report.today:%a} {report.today.day} {report.today:%b %Y}"
    marked, looked = counts.pop("marked"), counts.pop("looked")
    out.print(f"{title}: {number(marked, 'record')} found, {looked:,} looked at")
    words = {
        "done": "effects done",
        "failed": "effects that the CRM or the mail server refused",
        "unknown": "effects without an answer; looked for in the CRM in 90 s",
        "not_sent": "effects not sent; tried again in 2 minutes",
        "held": "effects that the breaker holds",
        "errors": "records that could not be looked at; tried again later",
    }
    for name, text in words.items():
        if counts[name] or name == "done":
            out.print(f"  {counts[name]:>6,}  {text}")


def _say_why(report: _Report) -> None:
    """Why something was not done, each reason once, and what to do about it."""
    reasons: dict[str, list[Trouble]] = {}
    for trouble in report.troubles:
        reasons.setdefault(f"{trouble.state}: {trouble.reason}", []).append(trouble)
    for reason, found in reasons.items():
        first, others = found[0], len(found) - 1
        say(f"{first.what} of {first.where}" + (f", and {others:,} more" if others else ""))
        say(f"  {reason}")
    if report.held:
        say(f"{number(report.held, 'effect')} held. `handoffs release --reason …` lets them go.")
    if report.interrupted:
        say("Interrupted: what was not looked at stays marked; the service or the next command goes on.")
