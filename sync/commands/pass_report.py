"""What `sweep` and `poll` share: a pass in this process, run to its end, and the report of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.output import console, format_day, number, print_json, say
from sync.commands.terminal import finish_group_on_interrupt, report_progress
from sync.errors import INTERRUPTED

if TYPE_CHECKING:
    from sync.passes.tally import Tally
    from sync.service.bootstrap import Service
    from sync.service.drain import Progress
    from sync.storage.ledger.queries import Trouble

    Pass = Callable[[Service, Callable[[], bool], Progress], tuple[int, Tally]]
    """Runs to its end, asking `stop` between groups and calling `progress` after each; how many records it enqueued."""


@dataclass(frozen=True, slots=True)
class _Report:
    """What a pass came to."""

    command: str
    today: date
    enqueued: int
    tally: "Tally"
    held: int  # effects that the breaker holds now, from earlier runs too
    interrupted: bool
    troubles: "tuple[Trouble, ...]"

    @property
    def counts(self) -> dict[str, int]:
        """The numbers by their JSON keys."""
        tally = self.tally
        return {
            "marked": self.enqueued,
            "looked": tally.looked,
            "done": tally.tried - tally.failed - tally.unknown - tally.not_sent,
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

    def as_json(self) -> dict[str, object]:
        return {
            "command": self.command,
            "today": self.today.isoformat(),
            **self.counts,
            "interrupted": self.interrupted,
        }


def run_and_report(command: str, run: "Pass", *, today: date | None, as_json: bool) -> None:
    """Run a pass on the whole service, print what it came to, and end the command with its exit code.

    `today` is the date of every decision of the run; None is the real one. Raises what concerns every record.
    """
    with session.service(today=today, bulk=True) as built:
        report = _run(built, command, run)
        if as_json:
            print_json(report.as_json())
        else:
            _show_report(report)
        _say_reasons(report)
    click.get_current_context().exit(report.exit_code)


def _run(built: "Service", command: str, run: "Pass") -> _Report:
    from sync.observe.status import held
    from sync.storage.ledger.queries import troubles

    def progress(tally: "Tally") -> None:
        report_progress(f"{command}: {number(tally.looked, 'record')} looked at, {number(tally.tried, 'effect')} tried")

    began = built.clock.now()
    with finish_group_on_interrupt() as stop:
        enqueued, tally = run(built, stop.is_set, progress)
    with built.store.read() as connection:
        found = tuple(troubles(connection, since=began))
        holding = held(connection).effects
    return _Report(command, built.today, enqueued, tally, holding, stop.is_set(), found)


def _show_report(report: _Report) -> None:
    out = console()
    counts = report.counts
    title = f"{report.command.capitalize()} on {format_day(report.today)}"
    enqueued, looked = counts.pop("marked"), counts.pop("looked")
    out.print(f"{title}: {number(enqueued, 'record')} found, {looked:,} looked at")
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


def _say_reasons(report: _Report) -> None:
    """Say why something was not done, each reason once, and what to do about it."""
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
