"""`plan` and `apply`: what would be done, in the form of a diff, and doing exactly that."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.bulk import LINES, PORTFOLIOS, YES, ask, interruptible, looking, portfolio_ids, report
from sync.commands.output import ALL, AT_MOST, JSON, colour, console, folded, number, print_json, say
from sync.commands.passes import Day

if TYPE_CHECKING:
    from rich.console import Console

    from sync.admin import plan as planning
    from sync.crm import RecordRef
    from sync.service.bootstrap import Service

SIGNS = {"task": "+", "write": "~", "close": "-", "email": "@"}
COLOURS = {"+": "green", "~": "yellow", "-": "magenta", "@": "cyan", "!": "bold red", "?": "yellow"}


@click.command()
@PORTFOLIOS
@click.option("--at", type=Day(), metavar="DATE", help="Look ahead to the end of that day, if nobody acts.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Keep it for `apply`.")
@ALL
@JSON
def plan(portfolios: tuple[str, ...], at: date | None, out: Path | None, everything: bool, as_json: bool) -> None:
    """Show what would be done now, or by a date; change nothing.

    Every portfolio is read (or those named, by id or name) and decided as a sweep would decide it, and so is what the
    service's own writes lead to.

    \b
    + a task is made           @ an email is sent
    ~ properties change        ! blocked: it waits for a person
    - a task is closed         ? no answer came; looked for in the CRM first

    With --at, the days between are gone through one by one: what each day's sweep would do if people did nothing.

    --out keeps the plan in a file; `handoffs apply FILE` carries out that and nothing else.

    \b
    Examples:
      handoffs plan
      handoffs plan --at 2026-12-07 "Acme Shoes"
      handoffs plan --out monday.json && handoffs apply monday.json

    \b
    Exit codes: 0 shown; 1 a portfolio is unknown or could not be decided, or
      the CRM failed; 4 the token is refused; 5 the mapping does not fit the
      portal
    """
    from sync.admin.plan import make, write_file

    with session.service(bulk=True, begin=False) as built:
        if at is not None and at < built.today:
            raise click.BadParameter(f"{at} is past: today is {built.today}", param_hint="--at")
        if at is not None and out is not None:
            raise click.UsageError("a plan that looks ahead cannot be applied: give --at or --out, not both")
        units = _portfolios(built, portfolios)
        with looking("Looking") as told:
            found = make(built, units, until=at, progress=told)
        if out is not None:
            write_file(found, out)
        _warn(built, found)
        if as_json:
            print_json(found.as_json())
        else:
            show(found, None if everything else AT_MOST)
    _say_faulty(found)
    if out is not None:
        say(f"Kept in {out}: `handoffs apply {out}` carries it out.")
    click.get_current_context().exit(1 if found.faulty else 0)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@YES
@LINES
def apply(file: Path, yes: bool, as_json: bool) -> None:
    """Carry out a plan that `handoffs plan --out FILE` has kept: that, and nothing else.

    Each portfolio is decided anew first. Where something else is due by now the plan is stale: those portfolios are
    named and left alone, the others carried out. Texts tell dates, so that a plan is good for its day. A second time
    there is nothing left to do.

    \b
    Example:
      handoffs plan --out monday.json
      handoffs apply monday.json --yes

    \b
    Exit codes: 0 carried out; 1 something failed or is unknown; 2 the file is
      no plan; 3 some of it is stale, it was not answered with yes, or the
      breaker holds work; 4 the token is refused; 5 the mapping does not fit
      the portal
    """
    from sync.admin.plan import read_file
    from sync.errors import RefusedError

    kept = read_file(file)
    if kept.until is not None:
        raise RefusedError(f"{file} looks ahead to {kept.until}: a plan made without --at can be applied")
    with session.service(bulk=True) as built:
        from sync.admin import bulk
        from sync.admin.plan import make, only, stale
        from sync.storage import runs

        with looking("Deciding anew") as told:
            fresh = make(built, kept.units, progress=told)
        old = stale(kept, fresh)
        good = [unit for unit in kept.units if unit not in old]
        for unit, why in old.items():
            say(f"Stale: {unit}: {why}")
        if not good:
            if old:
                raise RefusedError("nothing was done: plan anew")
            say("The plan is empty: there is nothing to do.")
            return
        part = kept.narrowed(good)
        question = f"Do {number(len(part.due), 'effect')} on {number(len(good), 'record')}?"
        ask(question, yes=yes, otherwise="nothing was done")
        summary = bulk.Summary()
        arguments = {"file": str(file), "records": len(good), "stale": [str(unit) for unit in old]}
        with (
            interruptible() as stop,
            runs.kept(built.store, built.clock, "apply", None, arguments, summary.as_json),
        ):
            results = bulk.carry_out(built, good, "apply", summary, gate=only(kept, built), stop=stop.is_set)
            code = report(results, summary, len(good), what="Applying", as_json=as_json, stop=stop)
    if old:
        say(f"{number(len(old), 'record')} left alone: stale. Plan anew.")
    click.get_current_context().exit(code or (3 if old else 0))


def _portfolios(built: "Service", wanted: Sequence[str]) -> "list[RecordRef] | None":
    from sync.crm import Kind, RecordRef

    ids = portfolio_ids(built, wanted)
    return None if ids is None else [RecordRef(Kind.PORTFOLIO, i) for i in ids]


def _warn(built: "Service", found: "planning.Plan") -> None:
    if not built.portals.get().has_task_property:
        name = built.mapping.task.key_property
        say(f"The task property “{name}” is missing in the portal: nothing is done before `handoffs setup --apply`.")
    limit = built.mapping.rules.effects_per_hour
    if found.until is None and len(found.due) > limit:
        say(f"More than {limit:,} effects: the breaker will hold some of them until `handoffs release`.")


def _say_faulty(found: "planning.Plan") -> None:
    for record, why in found.faulty.items():
        say(f"{record} could not be decided: {why}")


# -- as text


def show(found: "planning.Plan", limit: int | None) -> None:
    """The plan as people read it: by portfolio and handoff, then the sum. `limit`: of how many records."""
    out = console()
    out.print(_title(found))
    by_record = [list(steps) for _, steps in groupby(found.steps, key=lambda step: step.unit)]
    for steps in by_record[:limit]:
        _show_record(out, steps, days=found.until is not None)
    if limit is not None and len(by_record) > limit:
        out.print(f"\n… and {number(len(by_record) - limit, 'more record')} (--all)")
    out.print()
    _show_sum(out, found)


def _title(found: "planning.Plan") -> str:
    text = f"Plan for {_day(found.today)}"
    if found.until is not None and found.until != found.today:
        text += f" to {_day(found.until)}, if nobody acts"
    return f"{text}: {number(found.looked, 'record')} looked at"


def _show_record(out: "Console", steps: "Sequence[planning.Step]", *, days: bool) -> None:
    from rich.text import Text

    from sync.admin.explain import TITLES

    first = steps[0]
    out.print(Text.assemble("\n", (first.name or str(first.unit), "bold"), f"  {first.unit}"))
    for (day, handoff, _), same in groupby(steps, key=lambda step: (step.day, step.handoff, step.reason)):
        one = list(same)
        when = f"{_day(day)}  " if days else ""
        folded(out, Text(f"{when}{handoff.value}  {one[0].reason or TITLES[handoff]}", "dim"), "  ", "     ")
        for step in one:
            _show_step(out, step)


def _show_step(out: "Console", step: "planning.Step") -> None:
    from rich.text import Text

    sign = {"due": SIGNS.get(step.kind, ""), "unknown": "?"}.get(step.prospect.value, "!")
    text = Text.assemble((sign, COLOURS.get(sign, "")), f" {step.summary}")
    if step.blocked is not None:
        text.append(f": {step.blocked}", colour("waiting" if sign == "?" else "blocked"))
    folded(out, text, "     ", "       ")


def _show_sum(out: "Console", found: "planning.Plan") -> None:
    from rich.text import Text

    if not found.steps:
        out.print("Nothing to do.")
        return
    words = {"task": "task", "write": "change", "close": "task closed", "email": "email"}
    parts = [_count(found.count(kind), word) for kind, word in words.items() if found.count(kind)]
    text = f"{number(len(found.due), 'effect')} on {number(len(found.units), 'record')}"
    text += f": {', '.join(parts)}." if parts else "."
    blocked = sum(step.prospect.value == "blocked" for step in found.steps)
    unknown = len(found.waiting) - blocked
    text += f" {blocked:,} blocked." if blocked else ""
    text += f" {unknown:,} without an answer." if unknown else ""
    text += f" About {number(found.calls, 'call')} to the CRM." if found.calls else ""
    folded(out, Text(text), "", "")


def _count(count: int, word: str) -> str:
    noun, _, rest = word.partition(" ")
    return number(count, noun) + (f" {rest}" if rest else "")


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"
