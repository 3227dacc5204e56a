"""`handoffs sandbox clock`: show or move the sandbox's clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click

from sync.commands.sandbox.connection import URL, control


@click.command()
@URL
@click.option("--advance", metavar="LENGTH", help="Let time pass: 90s, 15m, 3h, 1d.")
@click.option("--set", "to", metavar="ISO", help="Go forward to a moment.")
def clock(url: str, advance: str | None, to: str | None) -> None:
    """Show or move the sandbox's clock, in the portal's time zone; it goes forward only.

    \b
    Examples:
      handoffs sandbox clock
      handoffs sandbox clock --advance 1d
    """
    body: dict[str, object] = {}
    if advance is not None:
        body["advance"] = _length(advance).total_seconds()
    if to is not None:
        try:
            body["set"] = parse_moment(to).isoformat()
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    with control(url) as client:
        found = client.post("clock", **body) if body else client.get("clock")
    there = datetime.fromisoformat(found["now"]).astimezone(ZoneInfo(found["time_zone"]))
    click.echo(there.isoformat(timespec="seconds") + ("" if found["ticking"] else " (still)"))


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _length(text: str) -> timedelta:
    amount, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not amount.replace(".", "", 1).isdigit():
        raise click.BadParameter(f"{text!r} is no length of time: write 90s, 15m, 3h or 1d", param_hint="--advance")
    return timedelta(**{_UNITS[unit]: float(amount)})


def parse_moment(text: str) -> datetime:
    """Read a moment in ISO format; without an offset it is in UTC. Raises `ValueError`, which says how to write one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no moment: write it as 2026-11-02T09:00-05:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
