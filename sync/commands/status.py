"""`handoffs status`: how the service is doing, read from its database alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.options import ALL, JSON, list_limit
from sync.commands.output import (
    addresses,
    colour,
    console,
    format_day,
    format_duration,
    format_moment,
    in_zone,
    number,
    print_json,
    print_json_line,
    print_more,
    print_parts,
    print_wrapped,
    say,
    zone_in_use,
)

if TYPE_CHECKING:
    from rich.console import Console

    from sync.clock import Clock
    from sync.observe.letter import LetterStanding
    from sync.observe.status import Status
    from sync.storage.faulty_records import Incomplete
    from sync.storage.ledger.queries import Trouble
    from sync.storage.look_alikes import WorthALook
    from sync.storage.work_queue import QueuedRecord

SHOWN_WHERE_THERE_ARE = ("sending", "unproven")
"""States of effects that are left out of the report where no effect is in them."""

EVERY = 3.0
"""Seconds between two reports of `status --watch`."""


@click.command()
@click.option("--watch", is_flag=True, help=f"Show it anew every {EVERY:g} seconds, until Ctrl-C.")
@click.option(
    "--env",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Show the deployment of this .env file, in short; for several at one look, repeat it.",
)
@ALL
@JSON
def status(watch: bool, files: tuple[Path, ...], everything: bool, as_json: bool) -> None:
    """Show how the service is doing: is anything waiting, blocked, failed, held, stuck?

    Reads the database, and the mapping file to see whether the service still goes by it. It works without a token, and
    while the CRM is down.

    \b
    backlog   records that are due to be looked at, and webhook requests that
              are still to be unpacked
    waiting   records with a later time to look
    held      records that the breaker holds: `handoffs release`
    parked    records that failed again and again; the next change or sweep
              looks at them once more
    planned   effects to be tried at the next look
    blocked   effects that wait for a person; the reason says for what
    unknown   effects without an answer; looked for in the CRM first
    failed    effects that the CRM refused; each sweep tries again
    sending   emails that HubSpot has taken; it is asked what became of them
    unproven  emails of which nobody can tell whether they were sent, after
              several tries: `handoffs dead confirm`, or `dead retry`
    came incomplete from the CRM
              records without a property, a history or a list that was
              asked for: archived, hidden from the app, or the answer is
              partial. Nothing is decided on them; they are looked at
              again and again, at least hourly
    running   worker and receiver, as they say themselves; two of a kind do
              nothing twice. On SQLite one is enough, on PostgreSQL there may
              be any number
    stuck     portfolios that have waited for the same party for longer than
              the mapping allows (rules.stuck_after_days), as their last look
              or the last sweep has found them. This is people's work: it is
              shown, and all may be well with the service
    worth a look  Ad Sets whose names differ by a typing slip, perhaps one set
              that was mistyped. It is shown, and no error

    A database belongs to one portal, so several portals are several deployments. --env names the .env file of one, or
    its directory, and may be given often: each is read by its own file alone, whatever the environment says.

    \b
    Examples:
      handoffs status
      handoffs status --watch
      handoffs status --env /srv/agency-a/.env --env /srv/agency-b/.env
      handoffs status --json | jq '.stuck[] | .portfolio.name'

    \b
    Exit codes: 0 all is well; 1 something needs a person, or the database
      cannot be read; with --watch as of the last report, with --env of any
    """
    if files:
        from sync.commands import deployments

        ok = deployments.show(files, session.clock(), watch=watch, every=EVERY, as_json=as_json)
        click.get_current_context().exit(0 if ok else 1)
    settings = session.read_settings()
    from sync.observe.status import read

    clock = session.clock()
    with session.database(settings, write=False) as store:
        if watch:
            ok = _watch(lambda: read(store, clock, settings), clock, list_limit(everything), as_json=as_json)
        else:
            found = read(store, clock, settings)
            ok = found.ok
            if as_json:
                print_json(found.as_json())
            else:
                _show_status(console(), found, list_limit(everything))
                _say_settings_changed(found)
    click.get_current_context().exit(0 if ok else 1)


def _say_settings_changed(found: "Status") -> None:
    """Say that a running part was started before `.env` was last changed: it goes by what stood there then."""
    from socket import gethostname

    from sync.observe.agreement import begun_before
    from sync.settings import ENV_FILE

    try:
        changed_at = datetime.fromtimestamp(ENV_FILE.stat().st_mtime, UTC)
    except OSError:  # there is none, or it may not be seen: nothing to compare with
        return
    for one in begun_before(found.running, changed_at, gethostname())[-1:]:
        say(
            f"Note: {ENV_FILE.absolute()} was changed at {format_moment(changed_at)}, after the {one} was started. "
            "But for a new token it goes by what stood there then: restart `handoffs serve` to let the rest count."
        )


def _watch(read_status: "Callable[[], Status]", clock: "Clock", limit: int | None, *, as_json: bool) -> bool:
    """Print one report after the other until Ctrl-C; return whether the last one said that all is well.

    A terminal is redrawn, a pipe gets them one below the other; as JSON each is one line.
    """
    out = console()
    ok = True
    with ExitStack() as stack:
        show = _print_below(out, limit)
        if as_json:
            show = _print_line
        elif out.is_terminal:
            show = _redraw(out, stack, limit)
        try:
            while True:
                found = read_status()
                ok = found.ok
                show(found)
                clock.sleep(EVERY)
        except KeyboardInterrupt:
            return ok


def _print_line(found: "Status") -> None:
    print_json_line(found.as_json())


def _print_below(out: "Console", limit: int | None) -> "Callable[[Status], None]":
    def show(found: "Status") -> None:
        _show_report(out, found, limit)
        out.print()

    return show


def _redraw(out: "Console", stack: ExitStack, limit: int | None) -> "Callable[[Status], None]":
    from rich.live import Live
    from rich.text import Text

    live = stack.enter_context(Live(console=out, auto_refresh=False))
    aside = console()  # what is printed on the redrawn one redraws it

    def show(found: "Status") -> None:
        with aside.capture() as report:
            _show_report(aside, found, limit)
        live.update(Text.from_ansi(report.get().rstrip("\n")), refresh=True)

    return show


def _show_report(out: "Console", found: "Status", limit: int | None) -> None:
    from rich.text import Text

    at = found.at.astimezone(zone_in_use() or UTC)
    out.print(Text(f"{format_day(at)} {at:%H:%M:%S} {_zone_name()}, every {EVERY:g} s", "dim"))
    _show_status(out, found, limit)


def _show_status(out: "Console", found: "Status", limit: int | None) -> None:
    from rich.text import Text

    out.print(Text("All is well.", "green") if found.ok else Text("Something needs a person:", "bold red"))
    for reason in found.reasons:
        print_wrapped(out, in_zone(reason), "  - ")
    out.print()
    backlog, effects = found.backlog, found.effects
    oldest = f", the oldest for {format_duration(backlog.oldest_seconds)}" if backlog.due else ""
    held = f" ({number(found.held.effects, 'effect')})" if found.held.records else ""
    unpacked = backlog.due - backlog.deliveries
    came = f" and {number(backlog.deliveries, 'webhook request')} to unpack" if backlog.deliveries else ""
    records = f"{unpacked:,} due{came}{oldest}; {backlog.waiting:,} waiting; {backlog.held:,} held{held}"
    print_wrapped(out, f"{records}; {backlog.parked:,} parked", "Records  ")
    shown = [state for state in effects if effects[state] or state.value not in SHOWN_WHERE_THERE_ARE]
    print_parts(out, [f"{effects[state]:,} {state.value}" for state in shown], "Effects  ")
    if found.errors:
        print_wrapped(out, "; ".join(f"{one.count:,} × {one.kind}" for one in found.errors), "Errors   ")
    print_wrapped(out, f"{len(found.stuck):,} stuck{_by_party(found)}", "People   ")
    print_wrapped(out, _running(found), "Running  ")
    print_wrapped(out, f"sweep {format_moment(found.last_sweep)}", "Last     ")
    print_wrapped(out, f"poll {format_moment(found.last_poll)}", "         ")
    print_wrapped(out, f"webhook {format_moment(found.last_webhook)}", "         ")
    print_wrapped(out, f"(all times: {_zone_name()})", "         ")
    if found.letter is not None:
        print_wrapped(out, letter_line(found.letter), "Letter   ")
    for n, line in enumerate(_budget(found.budget)):
        print_wrapped(out, line, "         " if n else "HubSpot  ")
    if found.alerts:
        kinds = Counter(one.kind.replace("_", " ") for one in found.alerts)
        alerts = ", ".join(f"{kind} {count}×" if count > 1 else kind for kind, count in sorted(kinds.items()))
        print_wrapped(out, f"within a day: {alerts}", "Alerts   ")
    _show_troubles(out, found.troubles, limit)
    _show_failed_looks(out, found.failed_looks, limit)
    _show_incomplete(out, found.incomplete, limit)
    _show_stuck(out, found, limit)
    _show_worth_a_look(out, found.worth_a_look, limit)


def letter_line(letter: "LetterStanding") -> str:
    """Say when the next weekly letter is due, to how many, and what became of the last one."""
    line = f"the next on {format_moment(letter.next_due)} to {addresses(len(letter.to))}"
    if letter.last is None:
        return f"{line}; none was sent yet"
    states = Counter(copy.state.value for copy in letter.copies)
    came = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{line}; that of {format_day(letter.last)}: {came}"


def _running(found: "Status") -> str:
    """Name the processes that live; of one part there should be one."""
    return "; ".join(f"{one} since {format_moment(one.started_at)}" for one in found.running) or "nothing"


def _by_party(found: "Status") -> str:
    counts = Counter(found.party_labels.get(one.party, one.party.value.replace("_", " ")) for one in found.stuck)
    return ": " + ", ".join(f"{count:,} with the {party}" for party, count in counts.most_common()) if counts else ""


def _zone_name() -> str:
    zone = zone_in_use()
    return "UTC" if zone is None else zone.key


def _budget(budget: dict[str, object]) -> list[str]:
    """Say of each of the CRM's request limits how much of it is free now; of what is not known nothing."""
    lines = []
    for name, noun, nouns in (("general", "call", "calls"), ("search", "search", "searches")):
        it = budget.get(name)
        if isinstance(it, dict):
            made = f"{it['used']:,} {noun if it['used'] == 1 else nouns} so far"
            lines.append(f"{made}; room for {it['available']:,} at once, {it['limit']:,} allowed {_per(it['seconds'])}")
    left = budget.get("daily_remaining")
    return [*lines, *([f"{left:,} calls left of the day's"] if isinstance(left, int) else [])]


def _per(seconds: float) -> str:
    return "a second" if seconds == 1 else f"in {seconds:g} seconds"


def _show_troubles(out: "Console", troubles: "Sequence[Trouble]", limit: int | None) -> None:
    from rich.text import Text

    by_state: dict[str, list[Trouble]] = {}
    for trouble in troubles:
        by_state.setdefault(trouble.state.value, []).append(trouble)
    for state, found in by_state.items():
        title = "Not sent, tried again soon" if state == "planned" else state.capitalize()
        out.print(Text(f"\n{title}", colour(state)))
        _show_places(out, found, limit)


def _show_places(out: "Console", troubles: "Sequence[Trouble]", limit: int | None) -> None:
    """Print each reason once, and below it the places where it stops something, with all that it stops there."""
    places: dict[tuple[str, str], list[Trouble]] = {}
    for trouble in sorted(troubles, key=lambda one: one.reason):  # of one reason they stay in their order
        places.setdefault((trouble.reason, trouble.where), []).append(trouble)
    printed = None
    for (reason, where), found in list(places.items())[:limit]:
        if reason != printed:
            print_wrapped(out, reason, "  ")
            printed = reason
        what = ", ".join(trouble.what for trouble in found)
        print_wrapped(out, f"{where}: {what}, since {format_moment(found[0].since)}", "    ")
    print_more(out, len(places), limit)


def _show_failed_looks(out: "Console", looks: "Sequence[QueuedRecord]", limit: int | None) -> None:
    from rich.text import Text

    if not looks:
        return
    out.print(Text("\nCould not be looked at", colour("failed")))
    for failed in looks[:limit]:
        parked = failed.parked_at is not None
        then = (
            f"parked since {format_moment(failed.parked_at)}"
            if parked
            else f"again at {format_moment(failed.not_before)}"
        )
        print_wrapped(out, f"{failed.record}, {number(failed.attempts, 'time')}; {then}", "  ")
        print_wrapped(out, failed.reason, "    ")
    print_more(out, len(looks), limit)


def _show_incomplete(out: "Console", incomplete: "Sequence[Incomplete]", limit: int | None) -> None:
    from rich.text import Text

    if not incomplete:
        return
    out.print(Text("\nCame incomplete from the CRM", colour("failed")))
    for one in incomplete[:limit]:
        print_wrapped(out, str(one.faulty), "  ")
        waits = "" if one.unit == one.faulty.record else f"; {one.unit} waits for it"
        print_wrapped(out, f"since {format_moment(one.since)}, looked at again and again{waits}", "    ")
    print_more(out, len(incomplete), limit)


def _show_stuck(out: "Console", found: "Status", limit: int | None) -> None:
    from rich.text import Text

    if not found.stuck:
        return
    out.print(Text("\nStuck", colour("waiting")))
    for one in found.stuck[:limit]:
        ago = format_duration((found.at - one.since).total_seconds())
        print_wrapped(out, f"portfolio {one.portfolio} “{one.name}” waits for {one.who}", "  ")
        print_wrapped(
            out, f"since {format_moment(one.since)} ({ago}), after handoff {one.after.value}: {one.what}", "    "
        )
    print_more(out, len(found.stuck), limit)


def _show_worth_a_look(out: "Console", found: "Sequence[WorthALook]", limit: int | None) -> None:
    from rich.text import Text

    if not found:
        return
    out.print(Text("\nWorth a look", colour("waiting")))
    for one in found[:limit]:
        print_wrapped(out, f"portfolio {one.portfolio} “{one.name}”: {one.found}: a typing slip?", "  ")
    print_more(out, len(found), limit)
