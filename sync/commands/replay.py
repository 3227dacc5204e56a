"""`handoffs replay`: look again at what deliveries named, or where something is the matter."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.bulk_report import list_records, replay_records
from sync.commands.options import (
    HANDOFF,
    JSON_LINES,
    OWNER,
    end_of,
    owner_ids,
    parse_day_or_moment,
    portfolio_ids,
    start_of,
)
from sync.commands.output import number, say
from sync.storable import storable_text

if TYPE_CHECKING:
    from sync.admin import replay as replaying
    from sync.service.bootstrap import Service

TROUBLES = ("failed", "blocked", "parked", "unknown")


@click.command()
@click.option("--event", metavar="ID", type=storable_text, help="What this event named: HubSpot's eventId.")
@click.option("--since", type=parse_day_or_moment, metavar="WHEN", help="What deliveries named that came from then on.")
@click.option("--until", type=parse_day_or_moment, metavar="WHEN", help="… and up to then; of a day, to its end.")
@click.option(
    "--portfolio", "portfolios", multiple=True, metavar="PORTFOLIO", help="Only these, by id, name or a part of a name."
)
@click.option("--failed", is_flag=True, help="Where something failed: as --outcome failed --outcome parked.")
@click.option("--outcome", "troubles", multiple=True, type=click.Choice(TROUBLES), help="Where this is the matter.")
@HANDOFF
@OWNER
@click.option("--dry-run", is_flag=True, help="Only say what would be looked at.")
@JSON_LINES
def replay(
    event: str | None,
    since: datetime | date | None,
    until: datetime | date | None,
    portfolios: tuple[str, ...],
    failed: bool,
    troubles: tuple[str, ...],
    handoffs: tuple[str, ...],
    owners: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Look again at what deliveries named, or where something is the matter.

    A look reads the record afresh and does what is due and not yet done; so it is harmless at any time, and a second
    time finds nothing to do. It also tries again what the CRM has refused, and what was parked. With several filters
    all must hold.

    \b
    Examples:
      handoffs replay --since 2026-11-22T09:00 --until 2026-11-22T12:00
      handoffs replay --failed
      handoffs replay --portfolio "Acme Shoes"
      handoffs replay --outcome blocked --owner cody@agency.example

    \b
    Exit codes: 0 looked at, or nothing matches; 1 something failed or is
      unknown, or there is no such event or portfolio; 2 no filter was given;
      3 the breaker holds work; 4 the token is refused; 5 the mapping does not
      fit the portal
    """
    if failed:
        troubles = (*troubles, "failed", "parked")
    if not any((event, since, until, portfolios, troubles, handoffs, owners)):
        raise click.UsageError(
            "say what to look at again: --since, --portfolio, --failed, … (`handoffs sweep` looks at all)"
        )
    settings = session.read_settings()
    with session.database(settings, write=False):
        pass  # without one nothing was ever delivered or done
    with session.service(bulk=True) as built:
        chosen = _choose(built, event, since, until, portfolios, troubles, handoffs, owners)
        if not chosen.records:
            say("Nothing matches.")
            return
        named_by = f" named by {number(chosen.events, 'event')}" if chosen.events else ""
        say(f"Looking again at {number(len(chosen.records), 'record')}{named_by}: {list_records(chosen.records)}")
        if not dry_run:
            click.get_current_context().exit(replay_records(built, chosen.records, "replay", as_json=as_json))


def _choose(
    built: "Service",
    event: str | None,
    since: datetime | date | None,
    until: datetime | date | None,
    portfolios: Sequence[str],
    troubles: Sequence[str],
    handoffs: Sequence[str],
    owners: Sequence[str],
) -> "replaying.Chosen":
    from mappings.vocabulary import Handoff
    from sync.admin.replay import Filters, NoSuchEventError, Unfinished, choose

    zone = built.mapping.zone
    start, end = None if since is None else start_of(since, zone), None if until is None else end_of(until, zone)
    if start is not None and start > built.clock.now():
        raise click.BadParameter(f"{since} is still to come", param_hint="--since")
    if start is not None and end is not None and end <= start:
        raise click.BadParameter(f"{until} is before {since}", param_hint="--until")
    ids = portfolio_ids(built, portfolios)
    filters = Filters(
        event,
        start,
        end,
        None if ids is None else frozenset(ids),
        frozenset(Handoff(one) for one in handoffs),
        owner_ids(built, owners),
        frozenset(Unfinished(one) for one in troubles),
    )
    chosen = choose(built.store, filters)
    if event is not None and not chosen.events:
        raise NoSuchEventError(f"no event “{event}” was delivered" + (" in that time" if start or end else ""))
    return chosen
