"""`backfill`, `replay` and `dead`: going back to what was not done, by an admin's word."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.bulk import (
    HANDOFF,
    LINES,
    OWNER,
    PORTFOLIOS,
    YES,
    When,
    ask,
    begins,
    ends,
    interruptible,
    looking,
    names,
    owner_ids,
    portfolio_ids,
    report,
)
from sync.commands.output import ALL, AT_MOST, JSON, console, moment, more, number, print_json, say, sentence

if TYPE_CHECKING:
    from sync.admin import backfill as backfilling
    from sync.admin import dead_letters as dying
    from sync.admin import replay as replaying
    from sync.crm import RecordRef
    from sync.service.bootstrap import Service

TROUBLES = ("failed", "blocked", "parked", "unknown")


# -- backfill


@click.command()
@PORTFOLIOS
@click.option("--since", type=When(), required=True, metavar="DATE", help="Let causes count from then on.")
@HANDOFF
@OWNER
@click.option("--apply", "apply_it", is_flag=True, help="Do it, after asking.")
@YES
@click.option("--max-effects", type=click.IntRange(min=1), metavar="N", help="Do no more than this in one run.")
@click.option(
    "--share", type=click.FloatRange(0, 1, min_open=True), metavar="0..1",
    help="Take no more than this share of the CRM's request limits.",
)  # fmt: skip
@click.option("--reason", metavar="TEXT", help="Why; it is kept with your name and the time.")
@ALL
@LINES
def backfill(
    portfolios: tuple[str, ...],
    since: datetime | date,
    handoffs: tuple[str, ...],
    owners: tuple[str, ...],
    apply_it: bool,
    yes: bool,
    max_effects: int | None,
    share: float | None,
    reason: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Act on causes that are older than going live, for chosen portfolios.

    Status changes, revisions and tickets from before going live do nothing by themselves. Here they are acted on from
    --since on: for the portfolios named (by id or name), for those that a filter finds, or for all. All that is due for
    a portfolio is done together, and from then on its causes count since that day.

    Shows what it would do, as `handoffs plan` does. --apply does it, in groups of 50, leaving way to the running
    service. The same command goes on where it was stopped, and does nothing once all is done.

    \b
    Examples:
      handoffs backfill --since 2026-10-01 --handoff 4
      handoffs backfill --since 2026-10-01 "Acme Shoes" --apply
      handoffs backfill --since 2026-10-01 --apply --yes --max-effects 200 \\
          --share 0.2 --reason "tickets from before"

    \b
    Exit codes: 0 shown, or done; 1 something failed or is unknown; 2 --since
      is not before going live; 3 not answered with yes, the breaker holds
      work, or --max-effects leaves some; 4 the token is refused; 5 the
      mapping does not fit the portal
    """
    from mappings.vocabulary import Handoff
    from sync.admin.backfill import propose

    with session.service(bulk=True, share=share, begin=apply_it) as built:
        with looking("Looking") as told:
            proposal = propose(
                built,
                begins(since, built.mapping.zone),
                portfolios=portfolio_ids(built, portfolios),
                handoffs=[Handoff(one) for one in handoffs],
                owners=owner_ids(built, owners),
                max_effects=max_effects,
                progress=told,
            )
        if not apply_it or not as_json:
            _show_proposal(proposal, None if everything else AT_MOST, as_json=as_json)
        code = 1 if proposal.plan.faulty else 0
        if apply_it and proposal.chosen:
            code = _backfilled(built, proposal, reason, yes=yes, as_json=as_json) or code
        elif not apply_it and proposal.chosen:
            say("`handoffs backfill … --apply` does it.")
        if proposal.beyond:
            say(f"{number(proposal.beyond, 'portfolio')} beyond --max-effects: run it again.")
            code = code or (3 if apply_it else 0)
    click.get_current_context().exit(code)


def _show_proposal(proposal: "backfilling.Proposal", limit: int | None, *, as_json: bool) -> None:
    from sync.commands.plan import show

    if as_json:
        print_json({"since": proposal.since.isoformat(), "beyond": proposal.beyond, **proposal.plan.as_json()})
    else:
        show(proposal.plan, limit)
    for record, why in proposal.plan.faulty.items():
        say(f"{record} could not be decided: {why}")


def _backfilled(
    built: "Service", proposal: "backfilling.Proposal", reason: str | None, *, yes: bool, as_json: bool
) -> int:
    from sync.admin import bulk
    from sync.admin.backfill import carry_out

    what = f"{number(len(proposal.plan.due), 'effect')} on {number(len(proposal.chosen), 'portfolio')}"
    ask(
        f"Do {what}, with about {number(proposal.plan.calls, 'call')} to the CRM?",
        yes=yes,
        otherwise="nothing was done",
    )
    summary = bulk.Summary()
    with interruptible() as stop:
        results = carry_out(built, proposal, summary, reason=reason, stop=stop.is_set)
        return report(results, summary, len(proposal.chosen), what="Backfilling", as_json=as_json, stop=stop)


# -- replay


@click.command()
@click.option("--event", metavar="ID", help="What this event named: HubSpot's eventId.")
@click.option("--since", type=When(), metavar="WHEN", help="What deliveries named that came from then on.")
@click.option("--until", type=When(), metavar="WHEN", help="… and up to then; of a day, to its end.")
@click.option("--portfolio", "portfolios", multiple=True, metavar="PORTFOLIO", help="Only these, by id or name.")
@click.option("--failed", is_flag=True, help="Where something failed: as --outcome failed --outcome parked.")
@click.option("--outcome", "troubles", multiple=True, type=click.Choice(TROUBLES), help="Where this is the matter.")
@HANDOFF
@OWNER
@click.option("--dry-run", is_flag=True, help="Only say what would be looked at.")
@LINES
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
    settings = session.read()
    with session.database(settings, write=False):
        pass  # without one nothing was ever delivered or done
    with session.service(bulk=True) as built:
        chosen = _chosen(built, event, since, until, portfolios, troubles, handoffs, owners)
        if not chosen.records:
            say("Nothing matches.")
            return
        told = f" named by {number(chosen.events, 'event')}" if chosen.events else ""
        say(f"Looking again at {number(len(chosen.records), 'record')}{told}: {names(chosen.records)}")
        if not dry_run:
            click.get_current_context().exit(_looked_again(built, chosen.records, "replay", as_json=as_json))


def _chosen(
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
    from sync.admin.replay import Filters, NoSuchEventError, Trouble, choose

    zone = built.mapping.zone
    start, end = None if since is None else begins(since, zone), None if until is None else ends(until, zone)
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
        frozenset(Trouble(one) for one in troubles),
    )
    chosen = choose(built.store, filters)
    if event is not None and not chosen.events:
        raise NoSuchEventError(f"no event “{event}” was delivered" + (" in that time" if start or end else ""))
    return chosen


def _looked_again(built: "Service", records: "Sequence[RecordRef]", command: str, *, as_json: bool) -> int:
    from sync.admin import bulk
    from sync.admin.replay import ORIGIN
    from sync.storage import runs

    summary = bulk.Summary()
    arguments = {"records": [str(record) for record in records]}
    with interruptible() as stop, runs.kept(built.store, built.clock, command, None, arguments, summary.as_json):
        results = bulk.carry_out(built, records, ORIGIN, summary, stop=stop.is_set)
        return report(results, summary, len(records), what="Looking", as_json=as_json, stop=stop)


# -- dead


@click.group(invoke_without_command=True)
@ALL
@JSON
@click.pass_context
def dead(context: click.Context, everything: bool, as_json: bool) -> None:
    """List, show, retry or drop what does not heal by itself.

    Parked are records at which looking failed again and again: they are looked at no more until they change or a sweep
    finds them. Failed are effects that the CRM or the mail server refused: each sweep tries them again.

    A record is named by its id (`1001`, `ticket:2001`), an effect by its key, as they are listed.

    \b
    Examples:
      handoffs dead
      handoffs dead show 1001
      handoffs dead retry --all
      handoffs dead drop "4:2001/task:write_copy" --reason "done by hand"

    \b
    Exit codes: 0 nothing is dead, or it was shown, retried or dropped;
      1 something is dead, or nothing of that name; 3 the breaker holds work
    """
    if context.invoked_subcommand is not None:
        return
    from sync.admin.dead_letters import listed

    with session.database(session.read(), write=False) as store:
        found = listed(store)
    if as_json:
        print_json(found.as_json())
    else:
        _show_dead(found, None if everything else AT_MOST)
    context.exit(1 if found.parked or found.failed else 0)


@dead.command(name="show")
@click.argument("wanted", metavar="RECORD|EFFECT")
@JSON
def show_one(wanted: str, as_json: bool) -> None:
    """Show all that is known of one: traceback, inputs, events.

    \b
    Example:
      handoffs dead show 1001

    \b
    Exit codes: 0 shown; 1 nothing dead is called so
    """
    from sync.admin.dead_letters import show

    with session.database(session.read(), write=False) as store:
        found = show(store, wanted)
    if as_json:
        print_json(found.as_json())
    else:
        _show_inputs(found)


@dead.command()
@click.argument("wanted", nargs=-1, metavar="[RECORD|EFFECT]...")
@click.option("--all", "everything", is_flag=True, help="All that is dead.")
@LINES
def retry(wanted: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Try again: look at the records, and at those of the effects.

    All that failed on a record is tried with it.

    \b
    Examples:
      handoffs dead retry 1001
      handoffs dead retry --all

    \b
    Exit codes: 0 healed; 1 something failed again, or nothing dead is called
      so; 3 the breaker holds work; 4 the token is refused
    """
    from sync.admin.dead_letters import find, listed

    if bool(wanted) == everything:
        raise click.UsageError("name what to try again, or give --all")
    with session.database(session.read(), write=False) as store:
        found = listed(store) if everything else find(store, wanted)
    if not found.units:
        say("Nothing is dead.")
        return
    with session.service(bulk=True) as built:
        click.get_current_context().exit(_looked_again(built, found.units, "dead retry", as_json=as_json))


@dead.command()
@click.argument("wanted", nargs=-1, required=True, metavar="RECORD|EFFECT...")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with your name and the time.")
@YES
def drop(wanted: tuple[str, ...], reason: str, yes: bool) -> None:
    """Give up on it for good, after asking.

    A dropped effect is never tried again: the ledger keeps it as overtaken, with your name and the reason. A dropped
    record is looked at again when it changes, or by the next sweep.

    \b
    Example:
      handoffs dead drop 1001 --reason "the client has left"

    \b
    Exit codes: 0 dropped; 1 nothing dead is called so; 2 no reason was given;
      3 not answered with yes
    """
    from sync.admin.dead_letters import drop as give_up
    from sync.admin.dead_letters import find

    if not reason.strip():
        raise click.BadParameter("say why: it is kept with what is dropped", param_hint="--reason")
    from sync.clock import SystemClock

    with session.database(session.read(), write=True) as store:
        found = find(store, wanted)
        what = f"{number(len(found.failed), 'effect')} and {number(len(found.parked), 'parked record')}"
        ask(f"Drop {what} for good?", yes=yes, otherwise="nothing was dropped")
        give_up(store, SystemClock(), found, reason.strip())
    click.echo(f"Dropped {what}.")


def _show_dead(found: "dying.Dead", limit: int | None) -> None:
    out = console()
    if not found.parked and not found.failed:
        out.print("Nothing is dead.", style="green")
    if found.parked:
        out.print(f"Parked ({len(found.parked):,})", style="bold red")
    for parked in found.parked[:limit]:
        sentence(out, f"{parked.record}, since {moment(parked.since)}, after {parked.attempts} looks", "  ")
        sentence(out, parked.reason, "    ")
    more(out, len(found.parked), limit)
    if found.failed:
        out.print(f"Failed ({len(found.failed):,})", style="bold red")
    for failed in found.failed[:limit]:
        out.print(f"  {failed.key}", soft_wrap=True)  # to be copied as a whole
        sentence(out, f"{failed.what} of {failed.where}, since {moment(failed.since)}", "    ")
        sentence(out, failed.reason, "    ")
    more(out, len(found.failed), limit)


def _show_inputs(found: "dying.Shown") -> None:
    out = console()
    for parked in found.parked:
        sentence(out, f"{parked.record} is parked since {moment(parked.since)}, after {parked.attempts} looks")
        out.print(f"\n{parked.error.rstrip()}\n", soft_wrap=True)
    for failed in found.failed:
        trouble = failed.trouble
        out.print(f"{trouble.key}", style="bold", soft_wrap=True)
        sentence(out, f"{trouble.what} of {trouble.where}", "  ")
        sentence(out, f"failed {moment(trouble.since)}, tried {failed.attempts} times: {trouble.reason}", "  ")
        at = "" if failed.cause_at is None else f" ({moment(failed.cause_at)})"
        sentence(out, f"asked for because {failed.cause}{at}", "  ")
        out.print(f"{_pretty(failed.payload)}\n", soft_wrap=True)
    if found.events:
        out.print("Newest events")
    for seen in found.events:
        sentence(out, f"{moment(seen.received_at)}  {json.dumps(seen.raw, ensure_ascii=False)}", "  ")


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
