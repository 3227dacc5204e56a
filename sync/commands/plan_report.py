"""A plan in the form of a diff, as `plan` and `backfill` show it."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from sync.commands.output import colour, console, format_day, number, print_wrapped_text, say

if TYPE_CHECKING:
    from rich.console import Console

    from sync.admin import plan as planning

SIGNS = {"task": "+", "write": "~", "line": "=", "close": "-", "email": "@"}
COLOURS = {"+": "green", "~": "yellow", "-": "magenta", "@": "cyan", "!": "bold red", "?": "yellow"}


def show_plan(found: "planning.Plan", limit: int | None) -> None:
    """Print the plan by record and handoff, then the sum. `limit` is how many records are shown; None shows all."""
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
    text = f"Plan for {format_day(found.today)}"
    if found.until is not None and found.until != found.today:
        text += f" to {format_day(found.until)}, if nobody acts"
    return f"{text}: {number(found.looked, 'record')} looked at"


def _show_record(out: "Console", steps: "Sequence[planning.Step]", *, days: bool) -> None:
    from rich.text import Text

    first = steps[0]
    out.print(Text.assemble("\n", (first.name or str(first.unit), "bold"), f"  {first.unit}"))
    for (day, handoff, _), same in groupby(steps, key=lambda step: (step.day, step.handoff, step.reason)):
        one = list(same)
        when = f"{format_day(day)}  " if days else ""
        print_wrapped_text(
            out, Text(f"{when}{handoff.value}  {one[0].reason or handoff.headline}", "dim"), "  ", "     "
        )
        for step in one:
            _show_step(out, step)


def _show_step(out: "Console", step: "planning.Step") -> None:
    from rich.text import Text

    sign = {"due": SIGNS.get(step.kind, ""), "unknown": "?"}.get(step.prospect.value, "!")
    text = Text.assemble((sign, COLOURS.get(sign, "")), f" {step.summary}")
    if step.blocked is not None:
        text.append(f": {step.blocked}", colour("waiting" if sign == "?" else "blocked"))
    print_wrapped_text(out, text, "     ", "       ")


def _show_sum(out: "Console", found: "planning.Plan") -> None:
    from rich.text import Text

    if not found.steps:
        out.print("Nothing to do.")
        return
    words = {"task": "task", "write": "change", "line": "line added", "close": "task closed", "email": "email"}
    parts = [_count_kind(found.count(kind), word) for kind, word in words.items() if found.count(kind)]
    text = f"{number(len(found.due), 'effect')} on {number(len(found.units), 'record')}"
    text += f": {', '.join(parts)}." if parts else "."
    blocked = sum(step.prospect.value == "blocked" for step in found.steps)
    unknown = len(found.waiting) - blocked
    text += f" {blocked:,} blocked." if blocked else ""
    text += f" {unknown:,} without an answer." if unknown else ""
    text += f" About {number(found.calls, 'call')} to the CRM." if found.calls else ""
    print_wrapped_text(out, Text(text), "", "")


def _count_kind(count: int, word: str) -> str:
    noun, _, rest = word.partition(" ")
    return number(count, noun) + (f" {rest}" if rest else "")


def say_undecided(found: "planning.Plan") -> None:
    """Say which records could not be decided, and why."""
    for record, why in found.faulty.items():
        say(f"{record} could not be decided: {why}")
