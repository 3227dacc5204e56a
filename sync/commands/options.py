"""Arguments and options that several commands take, and what their values mean."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from mappings.vocabulary import Handoff
from sync.commands.output import say
from sync.storable import storable_text

if TYPE_CHECKING:
    from sync.service.bootstrap import Service

LIST_LIMIT = 20
"""Lines of one list that are shown without `--all`."""

YEARS = range(2000, 2100)
"""The years that a date may name: a typing mistake must not move one into the next century."""

PORTFOLIOS = click.argument("portfolios", nargs=-1, metavar="[PORTFOLIO]...")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
HANDOFF = click.option(
    "--handoff",
    "handoffs",
    multiple=True,
    type=click.Choice([handoff.value for handoff in Handoff]),
    help="Only where this handoff is concerned.",
)
OWNER = click.option(
    "--owner", "owners", multiple=True, metavar="OWNER", help="Only where work is for this person: email or owner id."
)
_REASON = partial(
    click.option, "--reason", metavar="TEXT", type=storable_text, help="Why; it is kept with your name and the time."
)
REASON, REQUIRED_REASON = _REASON(), _REASON(required=True)
ALL = click.option(
    "--all", "everything", is_flag=True, help=f"List everything, not only the first {LIST_LIMIT} of a kind."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead, for scripts.")
CSV = click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead, for spreadsheets.")
JSON_LINES = click.option("--json", "as_json", is_flag=True, help="Print JSON instead: a line a record, then the sum.")


def list_limit(everything: bool) -> int | None:
    """Return how many lines of a list to show: all (None) with `--all`, else `LIST_LIMIT`."""
    return None if everything else LIST_LIMIT


def parse_day(text: str) -> date:
    """Read an option's calendar date, `2026-11-22`. Raises `click.BadParameter`.

    As an option's type a function does with every version of click; `click.ParamType` is generic in some only.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date: write it as 2026-11-22") from None
    if day.year not in YEARS:
        raise click.BadParameter(f"{text} is too far away: from {YEARS[0]} to {YEARS[-1]}")
    return day


def parse_day_or_moment(text: str) -> datetime | date:
    """Read an option's day, `2026-11-22`, or moment, `2026-11-22T09:00`, which may have no offset from UTC.

    `start_of` and `end_of` say what it means. Raises `click.BadParameter`.
    """
    try:
        found = date.fromisoformat(text) if len(text) == len("2026-11-22") else datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date and no time: write 2026-11-22 or 2026-11-22T09:00") from None
    if found.year not in YEARS:
        raise click.BadParameter(f"{text} is too far away: from {YEARS[0]} to {YEARS[-1]}")
    return found


SINCE = click.option("--since", type=parse_day_or_moment, metavar="WHEN", help="From this day or moment on.")
UNTIL = click.option("--until", type=parse_day_or_moment, metavar="WHEN", help="Up to then; of a day, to its end.")


def start_of(value: datetime | date, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, from which a day or moment counts: a day from its midnight in `zone`.

    A moment without an offset is in `zone` too.
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    return datetime.combine(value, time(), zone).astimezone(UTC)


def end_of(value: datetime | date, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, before which a day or moment counts: a day up to the next midnight in `zone`."""
    return start_of(value if isinstance(value, datetime) else value + timedelta(days=1), zone)


def span(
    since: datetime | date | None, until: datetime | date | None, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """Return the moments from which on and before which something counts; None: without a bound.

    Raises `click.BadParameter` where nothing lies between them.
    """
    start, end = None if since is None else start_of(since, zone), None if until is None else end_of(until, zone)
    if start is not None and end is not None and end <= start:
        raise click.BadParameter(f"{until} is before {since}", param_hint="--until")
    return start, end


def one_format(*, as_json: bool, as_csv: bool) -> None:
    """Raises `click.UsageError` where two ways to print are asked for."""
    if as_json and as_csv:
        raise click.UsageError("--json or --csv: it is printed in one way")


def portfolio_ids(built: "Service", wanted: Sequence[str]) -> list[str] | None:
    """Return the ids of these portfolios, each given by id, name or a part of it; None if none is given.

    Which one a part means is said. Asks the CRM. Raises `WrongPortalError`, `NoSuchPortfolioError` and
    `AmbiguousNameError`.
    """
    from sync.admin.portfolios import find
    from sync.storage import portfolios

    if not wanted:
        return None
    built.require_own_portal()  # another's clients are unknown here: that says nothing of the name
    with built.store.read() as connection:
        known = {one.id: one.name for one in portfolios.find(connection)}
    return list(
        dict.fromkeys(
            find(built.crm, built.mapping, one, known=known, on_part=lambda i, name: say(f"{name} (portfolio {i}):"))
            for one in wanted
        )
    )


def owner_ids(built: "Service", wanted: Sequence[str]) -> frozenset[str]:
    """Return the owner ids of these people, each given by email or owner id; deactivated ones are known too.

    Raises `click.BadParameter` for somebody whom the portal does not have.
    """
    owners = built.portals.get().owners if wanted else {}
    known = {owner.email.lower(): owner.id for owner in owners.values()} | {i: i for i in owners}
    for one in wanted:
        if one.lower() not in known:
            raise click.BadParameter(
                f"nobody in the portal is “{one}”: give an email or owner id", param_hint="--owner"
            )
    return frozenset(known[one.lower()] for one in wanted)


def require_reason(reason: str, kept_with: str) -> str:
    """Return the reason without blanks around it. Raises `click.BadParameter` if nothing is left of it."""
    if not reason.strip():
        raise click.BadParameter(f"say why: it is kept with {kept_with}", param_hint="--reason")
    return reason.strip()
