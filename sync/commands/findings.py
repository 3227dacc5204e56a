"""How `adopt` and `verify` print what they found, a portfolio a line."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sync.commands.output import print_wrapped

if TYPE_CHECKING:
    from rich.console import Console


def finding_line(name: str, portfolio: str, handoff: str | None, text: str) -> str:
    """Format a finding: `Acme (1001), handoff 4: …`. `name` and `portfolio` are the portfolio's name and id."""
    which = f", handoff {handoff}" if handoff is not None else ""
    return f"{name} ({portfolio}){which}: {text}"


def print_unread(out: "Console", unread: Iterable[tuple[str, str]]) -> None:
    """Print which portfolios could not be read; `unread` has the id of each and why."""
    found = list(unread)
    if found:
        out.print(f"\nNot read ({len(found):,})", style="bold red")
    for portfolio, why in found:
        print_wrapped(out, f"portfolio {portfolio}: {why}", "  ")
