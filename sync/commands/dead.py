"""`handoffs dead`: what does not heal by itself: listed, shown, tried again, or dropped."""

import json
from datetime import UTC
from typing import TYPE_CHECKING

import click

from sync.clock import local_date
from sync.commands import session
from sync.commands.bulk_report import replay_records
from sync.commands.options import (
    ALL,
    JSON,
    JSON_LINES,
    REQUIRED_REASON,
    YES,
    list_limit,
    require_reason,
)
from sync.commands.output import (
    console,
    format_moment,
    number,
    print_json,
    print_more,
    print_wrapped,
    say,
    zone_in_use,
)
from sync.commands.terminal import confirm
from sync.commands.whole_help import WholeHelp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rich.console import Console

    from sync.admin import dead_letters as dying
    from sync.service.bootstrap import Service
    from sync.storage.ledger.queries import Trouble
    from sync.storage.raw_deliveries import PutAside


@click.group(cls=WholeHelp, invoke_without_command=True)
@ALL
@JSON
@click.pass_context
def dead(context: click.Context, everything: bool, as_json: bool) -> None:
    """List, show, retry, confirm or drop what does not heal by itself.

    Parked are records at which looking failed again and again: they are looked at no more until they change or a sweep
    finds them. Failed are effects that the CRM or the mail server refused: each sweep tries them again. Unproven are
    emails that were tried several times, and nobody could tell whether they were sent: they wait for your word. So do
    copies of the newest weekly letter. Not unpacked are webhook requests that the service has kept and cannot take apart:
    polls and sweeps find what they tell of, and each start of the service tries again.

    A record is named by its id (`1001`, `ticket:2001`), an effect by its key, a webhook request by its number
    (`delivery:7`), a copy of the letter by its address (`letter:ops@agency.example`), as they are listed.

    \b
    Examples:
      handoffs dead
      handoffs dead show 1001
      handoffs dead retry --all
      handoffs dead confirm "9:1001:17936/email:live" --reason "she has it"
      handoffs dead drop "4:2001/task:write_copy" --reason "done by hand"

    \b
    Exit codes: 0 nothing is dead, or it was shown, retried, confirmed, dropped;
      1 something is dead, or nothing of that name; 3 the breaker holds work
    """
    if context.invoked_subcommand is not None:
        return
    from sync.admin.dead_letters import find_all

    with session.database(session.read_settings(), write=False) as store:
        found = find_all(store, _today())
    if as_json:
        print_json(found.as_json())
    else:
        _show_dead(found, list_limit(everything))
    context.exit(0 if found.is_empty else 1)


@dead.command(name="show")
@click.argument("wanted", metavar="RECORD|EFFECT|DELIVERY|LETTER")
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

    with session.database(session.read_settings(), write=False) as store:
        found = show(store, wanted, _today())
    if as_json:
        print_json(found.as_json())
    else:
        _show_details(found)


@dead.command()
@click.argument("wanted", nargs=-1, metavar="[RECORD|EFFECT|DELIVERY|LETTER]...")
@click.option("--all", "everything", is_flag=True, help="All that is dead.")
@JSON_LINES
def retry(wanted: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Try again: look at the records, and at those of the effects.

    All that failed on a record is tried with it. What is unproven is sent again only if its own key is named, not with
    --all or its record: it may have arrived.

    \b
    Examples:
      handoffs dead retry 1001
      handoffs dead retry "9:1001:17936/email:live"
      handoffs dead retry --all

    \b
    Exit codes: 0 healed; 1 something failed again, or nothing dead is called
      so; 3 the breaker holds work; 4 the token is refused
    """
    from sync.admin.dead_letters import decide, find, find_all, send_again
    from sync.storage.letters import NAMED

    if bool(wanted) == everything:
        raise click.UsageError("name what to try again, or give --all")
    settings = session.read_settings()
    with session.database(settings, write=False) as store:
        found = find_all(store, _today()) if everything else find(store, wanted, _today())
        named = find(store, [one for one in wanted if "/" in one or one.casefold().startswith(NAMED)], _today())
    refused = [one for one in found.letters if one not in found.unproven_letters]
    if refused or named.unproven or named.unproven_letters:
        with session.database(settings, write=True) as store:
            if named.unproven or named.unproven_letters:
                decide(store, session.clock(), named, "dead retry", sent=False)
            if refused:
                send_again(store, session.clock(), refused)
    if again := [one.address for one in (*refused, *named.unproven_letters)]:
        say(f"The running service sends the weekly letter again, until Friday: {', '.join(again)}.")
    left = [one.key for one in found.unproven if one not in named.unproven]
    left += [one.name for one in found.unproven_letters if one not in named.letters]
    if left:
        say(
            f"{number(len(left), 'email')} may have arrived, and is not sent again unless you name its key: {', '.join(left)}"
        )
    if found.is_empty:
        say("Nothing is dead.")
    if not found.units and not found.deliveries:
        return
    with session.service(bulk=True) as built:
        code = _unpack_again(built, found.deliveries)
        if found.units:
            code = replay_records(built, found.units, "dead retry", as_json=as_json) or code
        click.get_current_context().exit(code)


def _unpack_again(built: "Service", deliveries: "Sequence[PutAside]") -> int:
    """Try to unpack these; the exit code. What they name is in the work queue then, for the service or the next sweep."""
    from sync.admin.dead_letters import unpack_again

    if not deliveries:
        return 0
    left = unpack_again(built, deliveries)
    for one in left:
        say(f"delivery:{one.id} cannot be unpacked: {one.reason}")
    if unpacked := len(deliveries) - len(left):
        say(f"Unpacked {number(unpacked, 'webhook request')}: the running service looks at what is named there.")
    return 1 if left else 0


@dead.command(name="confirm")
@click.argument("wanted", nargs=-1, required=True, metavar="RECORD|EFFECT|LETTER...")
@REQUIRED_REASON
def confirm_one(wanted: tuple[str, ...], reason: str) -> None:
    """Say of what is unproven that it was done.

    The service could not tell whether an email was sent. You have asked whoever it was for, and it came: it is recorded as
    done, with your name and the reason, and not sent again. If it did not come: `handoffs dead retry`.

    \b
    Example:
      handoffs dead confirm "9:1001:17936/email:live" --reason "she has it"

    \b
    Exit codes: 0 recorded; 1 nothing dead is called so, or it is not
      unproven; 2 no reason was given
    """
    from sync.admin.dead_letters import NotDeadError, decide, find

    reason = require_reason(reason, "what is confirmed")
    with session.database(session.read_settings(), write=True) as store:
        found = find(store, wanted, _today())
        if not found.unproven and not found.unproven_letters:
            raise NotDeadError(
                "none of these is unproven: what failed is certainly not done, see `handoffs dead retry`"
            )
        decide(store, session.clock(), found, reason, sent=True)
    done = [*(one.key for one in found.unproven), *(one.name for one in found.unproven_letters)]
    click.echo(f"Recorded as done: {', '.join(done)}.")


@dead.command()
@click.argument("wanted", nargs=-1, required=True, metavar="RECORD|EFFECT|DELIVERY|LETTER...")
@REQUIRED_REASON
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
    from sync.admin.dead_letters import drop as drop_for_good
    from sync.admin.dead_letters import find

    reason = require_reason(reason, "what is dropped")

    with session.database(session.read_settings(), write=True) as store:
        found = find(store, wanted, _today())
        what = f"{number(len(found.effects), 'effect')} and {number(len(found.parked), 'parked record')}"
        if found.deliveries:
            what = f"{what} and {number(len(found.deliveries), 'webhook request')}"
        if found.letters:
            what = f"{what} and {number(len(found.letters), 'weekly letter')}"
        confirm(f"Drop {what} for good?", yes=yes, otherwise="nothing was dropped")
        drop_for_good(store, session.clock(), found, reason)
    click.echo(f"Dropped {what}.")


def _today() -> "date":
    return local_date(session.clock().now(), zone_in_use() or UTC)


def _show_dead(found: "dying.DeadLetters", limit: int | None) -> None:
    out = console()
    if found.is_empty:
        out.print("Nothing is dead.", style="green")
    if found.parked:
        out.print(f"Parked ({len(found.parked):,})", style="bold red")
    for parked in found.parked[:limit]:
        print_wrapped(out, f"{parked.record}, since {format_moment(parked.since)}, after {parked.attempts} looks", "  ")
        print_wrapped(out, parked.reason, "    ")
    print_more(out, len(found.parked), limit)
    _show_effects(out, "Failed", found.failed, limit)
    _show_effects(out, "Unproven", found.unproven, limit)
    if found.deliveries:
        out.print(f"Not unpacked ({len(found.deliveries):,})", style="bold red")
    for delivery in found.deliveries[:limit]:
        received = format_moment(delivery.received_at)
        print_wrapped(out, f"delivery:{delivery.id}, received {received}, {delivery.size:,} bytes", "  ")
        print_wrapped(out, delivery.reason, "    ")
    print_more(out, len(found.deliveries), limit)
    if found.letters:
        out.print(f"The weekly letter ({len(found.letters):,})", style="bold red")
    for copy in found.letters[:limit]:
        out.print(f"  {copy.name}", soft_wrap=True)
        print_wrapped(out, f"{copy.state.value}, week of {copy.week}, since {format_moment(copy.state_at)}", "    ")
        print_wrapped(out, copy.reason or "", "    ")
    print_more(out, len(found.letters), limit)


def _show_effects(out: "Console", title: str, effects: "Sequence[Trouble]", limit: int | None) -> None:
    if effects:
        out.print(f"{title} ({len(effects):,})", style="bold red")
    for one in effects[:limit]:
        out.print(f"  {one.key}", soft_wrap=True)  # to be copied as a whole
        print_wrapped(out, f"{one.what} of {one.where}, since {format_moment(one.since)}", "    ")
        print_wrapped(out, one.reason, "    ")
    print_more(out, len(effects), limit)


def _show_details(found: "dying.Details") -> None:
    out = console()
    for parked in found.parked:
        print_wrapped(
            out, f"{parked.record} is parked since {format_moment(parked.since)}, after {parked.attempts} looks"
        )
        out.print(f"\n{parked.error.rstrip()}\n", soft_wrap=True)
    for delivery, body in found.deliveries:
        print_wrapped(out, f"delivery:{delivery.id} was received {format_moment(delivery.received_at)}")
        out.print(f"\n{delivery.error.rstrip()}\n", soft_wrap=True, markup=False)
        out.print(body.decode(errors="backslashreplace"), soft_wrap=True, markup=False)
    for copy, letter in found.letters:
        print_wrapped(out, f"{copy.name}, week of {copy.week}: {copy.state.value} {format_moment(copy.state_at)}")
        print_wrapped(out, f"{copy.reason}, refused {copy.refusals} times", "  ")
        if letter is not None:
            out.print(f"\nSubject: {letter.subject}\n\n{letter.text}", soft_wrap=True, markup=False)
    for failed in found.failed:
        trouble = failed.trouble
        out.print(f"{trouble.key}", style="bold", soft_wrap=True)
        print_wrapped(out, f"{trouble.what} of {trouble.where}", "  ")
        print_wrapped(
            out,
            f"{trouble.state.value} {format_moment(trouble.since)}, tried {failed.attempts} times: {trouble.reason}",
            "  ",
        )
        at = "" if failed.cause_at is None else f" ({format_moment(failed.cause_at)})"
        print_wrapped(out, f"asked for because {failed.cause}{at}", "  ")
        out.print(f"{json.dumps(failed.payload, indent=2, ensure_ascii=False)}\n", soft_wrap=True)
    if found.events:
        out.print("Newest events")
    for event in found.events:
        print_wrapped(out, f"{format_moment(event.received_at)}  {json.dumps(event.raw, ensure_ascii=False)}", "  ")
