"""How a report's figures are put into words, the same in a terminal, in a page and in a letter. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from mappings.schema import ProcessMapping
from mappings.vocabulary import Role
from sync.reports.figures import Figures
from sync.reports.report import Report

NOTHING = "–"
"""Stands where there is no figure."""


def notes(mapping: ProcessMapping) -> tuple[str, ...]:
    """What whoever reads the figures must know, a sentence or two each."""
    manager = mapping.roles[Role.ACCOUNT_MANAGER].label
    return (
        "A length of time counts where it ended; what goes on counts nowhere yet. Half of all stay within the median, nine of "
        "ten within the other figure.",
        f"Working days are Monday to Friday. The {manager}'s turn is the client's as well: no history tells when a task was "
        "ticked.",
        f"On time is a turn that was handed on within the days of rules.stuck_after_days (the {manager}'s and the client's "
        "together).",
    )


def days(value: float | None) -> str:
    """`2.5`, `0.2`, `12`; nothing is a dash."""
    if value is None:
        return NOTHING
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def share(figures: Figures) -> str:
    """`147 of 168 turns (88 %)`."""
    if not figures.turns:
        return NOTHING
    return f"{figures.on_time:,} of {figures.turns:,} turns ({figures.on_time / figures.turns:.0%})".replace(
        "%)", " %)"
    )


def span(report: Report, zone: ZoneInfo) -> str:
    """`From Sun 1 Nov 2026 until Mon 30 Nov 2026 09:00`."""
    until = _moment(report.until, zone)
    return f"Until {until}" if report.since is None else f"From {_moment(report.since, zone)} until {until}"


def sum_of(report: Report) -> str:
    """`12 cycles went live, 2 were declined, 5 go on.`"""
    live, declined, running = report.total.live, report.total.declined, report.running
    went = f"{live:,} cycle{'' if live == 1 else 's'} went live"
    return (
        f"{went}, {declined:,} {'was' if declined == 1 else 'were'} declined, {running:,} go{'es' * (running == 1)} on."
    )


def month(name: str) -> str:
    """`Nov 2026`, of `2026-11`."""
    return f"{datetime.fromisoformat(f'{name}-01'):%b %Y}"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    day = f"{local:%a} {local.day} {local:%b %Y}"
    return day if (local.hour, local.minute) == (0, 0) else f"{day} {local:%H:%M}"
