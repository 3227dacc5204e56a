"""`status` and `explain`: how it stands. They change nothing."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from mappings.vocabulary import Handoff
from sync.commands import session
from sync.commands.output import (
    ALL,
    AT_MOST,
    JSON,
    colour,
    console,
    duration,
    folded,
    moment,
    more,
    number,
    print_json,
    say,
    sentence,
    whole,
)

if TYPE_CHECKING:
    from rich.console import Console

    from mappings.schema import ProcessMapping
    from sync.admin.explain import Explanation, Finding, HandoffLine, LeftOut
    from sync.admin.timeline import Event
    from sync.clock import Clock
    from sync.observe.status import FailedLook, Status, Trouble
    from sync.storage.waits import Stuck

EVERY = 3.0
"""Seconds between two reports of `status --watch`."""


@click.command()
@click.option("--watch", is_flag=True, help=f"Show it anew every {EVERY:g} seconds, until Ctrl-C.")
@ALL
@JSON
def status(watch: bool, everything: bool, as_json: bool) -> None:
    """Show how the service is doing: is anything waiting, blocked, failed, held, stuck?

    Reads the database alone. It works without a token, and while the CRM is down.

    \b
    backlog   records that are due to be looked at
    waiting   records with a later time to look
    held      records that the breaker holds: `handoffs release`
    parked    records that failed again and again; the next change or sweep
              looks at them once more
    planned   effects to be tried at the next look
    blocked   effects that wait for a person; the reason says for what
    unknown   effects without an answer; looked for in the CRM first
    failed    effects that the CRM refused; each sweep tries again
    stuck     portfolios that have waited for the same party for longer than
              the mapping allows (rules.stuck_after_days), as their last look
              or the last sweep has found them. This is people's work: it is
              shown, and all may be well with the service

    \b
    Examples:
      handoffs status
      handoffs status --watch
      handoffs status --json | jq '.stuck[] | .portfolio.name'

    \b
    Exit codes: 0 all is well; 1 something needs a person, or the database
      cannot be read; with --watch as of the last report
    """
    settings = session.read()
    from sync.clock import SystemClock
    from sync.observe.status import read

    clock = SystemClock()
    with session.database(settings, write=False) as store:
        if watch:
            ok = _watched(lambda: read(store, clock), clock, None if everything else AT_MOST, as_json=as_json)
        else:
            found = read(store, clock)
            ok = found.ok
            if as_json:
                print_json(found.as_json())
            else:
                _show_status(console(), found, None if everything else AT_MOST)
    click.get_current_context().exit(0 if ok else 1)


def _watched(look: "Callable[[], Status]", clock: "Clock", limit: int | None, *, as_json: bool) -> bool:
    """Show one report after the other until Ctrl-C; whether the last one said that all is well.

    A terminal is redrawn, a pipe gets them one below the other; as JSON each is one line.
    """
    out = console()
    ok = True
    with ExitStack() as stack:
        show = _each_below(out, limit)
        if as_json:
            show = _each_as_a_line
        elif out.is_terminal:
            show = _redrawn(out, stack, limit)
        try:
            while True:
                found = look()
                ok = found.ok
                show(found)
                clock.sleep(EVERY)
        except KeyboardInterrupt:
            return ok


def _each_as_a_line(found: "Status") -> None:
    click.echo(json.dumps({"version": 1, **found.as_json()}, ensure_ascii=False))


def _each_below(out: "Console", limit: int | None) -> "Callable[[Status], None]":
    def show(found: "Status") -> None:
        _show_report(out, found, limit)
        out.print()

    return show


def _redrawn(out: "Console", stack: ExitStack, limit: int | None) -> "Callable[[Status], None]":
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

    out.print(Text(f"{found.at:%a} {found.at.day} {found.at:%b %Y %H:%M:%S} UTC, every {EVERY:g} s", "dim"))
    _show_status(out, found, limit)


def _show_status(out: "Console", found: "Status", limit: int | None) -> None:
    from rich.text import Text

    out.print(Text("All is well.", "green") if found.ok else Text("Something needs a person:", "bold red"))
    for reason in found.reasons:
        sentence(out, reason, "  - ")
    out.print()
    backlog, effects = found.backlog, found.effects
    oldest = f", the oldest for {duration(backlog.oldest_seconds)}" if backlog.due else ""
    held = f" ({number(found.held.effects, 'effect')})" if found.held.records else ""
    records = f"{backlog.due:,} due{oldest}; {backlog.waiting:,} waiting; {backlog.held:,} held{held}"
    sentence(out, f"{records}; {backlog.parked:,} parked", "Records  ")
    sentence(out, "; ".join(f"{effects[state]:,} {state.value}" for state in effects), "Effects  ")
    if found.errors:
        sentence(out, "; ".join(f"{one.count:,} × {one.kind}" for one in found.errors), "Errors   ")
    sentence(out, f"{len(found.stuck):,} stuck{_by_party(found.stuck)}", "People   ")
    sentence(out, f"sweep {moment(found.last_sweep)}", "Last     ")
    sentence(out, f"poll {moment(found.last_poll)}", "         ")
    sentence(out, f"webhook {moment(found.last_webhook)}", "         ")
    sentence(out, _budget(found.budget), "Budget   ")
    if found.told:
        kinds = Counter(one.kind.replace("_", " ") for one in found.told)
        alerts = ", ".join(f"{kind} {count}×" if count > 1 else kind for kind, count in sorted(kinds.items()))
        sentence(out, f"within a day: {alerts}", "Alerts   ")
    _show_troubles(out, found.troubles, limit)
    _show_failed_looks(out, found.failed_looks, limit)
    _show_stuck(out, found, limit)


def _by_party(stuck: "Sequence[Stuck]") -> str:
    counts = Counter(one.party.value.replace("_", " ") for one in stuck)
    return ": " + ", ".join(f"{count:,} with the {party}" for party, count in counts.most_common()) if counts else ""


def _show_stuck(out: "Console", found: "Status", limit: int | None) -> None:
    from rich.text import Text

    if not found.stuck:
        return
    out.print(Text("\nStuck", colour("waiting")))
    for one in found.stuck[:limit]:
        ago = duration((found.at - one.since).total_seconds())
        sentence(out, f"portfolio {one.portfolio} “{one.name}” waits for {one.who}", "  ")
        sentence(out, f"since {moment(one.since)} ({ago}), after handoff {one.after.value}: {one.what}", "    ")
    more(out, len(found.stuck), limit)


def _budget(budget: dict[str, object]) -> str:
    parts = [
        f"{name} {it['used']:,} used so far, {it['available']} at once of {it['limit']} per {it['seconds']:g} s"
        for name, it in budget.items()
        if isinstance(it, dict)
    ]
    left = budget.get("daily_remaining")
    return "; ".join(parts) + (f"; {left:,} left today" if isinstance(left, int) else "")


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
    """Each reason once, and below it the places at which it stops something; what it stops at one place together."""
    places: dict[tuple[str, str], list[Trouble]] = {}
    for trouble in sorted(troubles, key=lambda one: one.reason):  # of one reason they stay in their order
        places.setdefault((trouble.reason, trouble.where), []).append(trouble)
    told = None
    for (reason, where), found in list(places.items())[:limit]:
        if reason != told:
            sentence(out, reason, "  ")
            told = reason
        what = ", ".join(trouble.what for trouble in found)
        sentence(out, f"{where}: {what}, since {moment(found[0].since)}", "    ")
    more(out, len(places), limit)


def _show_failed_looks(out: "Console", looks: "Sequence[FailedLook]", limit: int | None) -> None:
    from rich.text import Text

    if not looks:
        return
    out.print(Text("\nCould not be looked at", colour("failed")))
    for look in looks[:limit]:
        parked = look.parked_at is not None
        then = f"parked since {moment(look.parked_at)}" if parked else f"again at {moment(look.not_before)}"
        sentence(out, f"{look.record}, {number(look.attempts, 'time')}; {then}", "  ")
        sentence(out, look.error, "    ")
    more(out, len(looks), limit)


@click.command()
@click.argument("portfolio")
@ALL
@JSON
def explain(portfolio: str, everything: bool, as_json: bool) -> None:
    """Show what happened in one portfolio's cycle, and what each handoff has done, or waits for, and why.

    PORTFOLIO is its id or its name. First comes the timeline: who did what, by the CRM's own history, and what the
    service did because of it (→). Then each handoff, as the service would decide it now; the reasons are those of the
    rules themselves. Of an Ad Set each ticket is shown, and what it lacks. Nothing is changed.

    \b
    done            carried out, when and with what
    due             would be done at the next look
    waiting         for a moment or an event
    blocked         waits for a person
    overtaken       what came after made it pointless
    not applicable  and why

    \b
    Examples:
      handoffs explain 4815162342
      handoffs explain "Acme Shoes"
      handoffs explain 4815162342 --json | jq -r '.timeline[] | .at + " " + .text'

    \b
    Exit codes: 0 shown; 1 no such portfolio, or several of that name;
      4 the token is refused; 5 the mapping does not fit the portal
    """
    with session.service(begin=False) as built:
        from sync.admin.explain import explain as explained
        from sync.admin.explain import find
        from sync.passes import recovery

        found = explained(built, find(built.crm, built.mapping, portfolio))
        if recovery.is_needed(built.store):
            say("No pass has run on this database yet: what the CRM shows as done is taken over by the first one.")
        if as_json:
            print_json(found.as_json())
        else:
            _show_explanation(found, built.mapping, None if everything else AT_MOST)


def _show_explanation(found: "Explanation", mapping: "ProcessMapping", limit: int | None) -> None:
    from rich.text import Text

    out, zone = console(), mapping.zone
    out.print(Text.assemble((found.portfolio.name, "bold"), f"  portfolio {found.portfolio.id}"))
    whole(out, found.portfolio.url, "")
    started = found.cycle_started
    out.print(f"Cycle since {moment(started, zone)}" if started else "Cycle: the first one that is known")
    for line in _attention(found, zone):
        sentence(out, line)
    _show_timeline(out, found.timeline, zone, limit)
    for handoff in found.handoffs:
        _show_handoff(out, handoff, mapping, limit)
        if handoff.handoff is Handoff.SET_READY:
            _show_ad_sets(out, found, zone, limit)


def _show_timeline(out: "Console", events: "Sequence[Event]", zone: ZoneInfo, limit: int | None) -> None:
    from rich.text import Text

    from sync.admin.explain import TITLES

    out.print(Text(f"\nTimeline ({zone.key})", "bold"))
    if not events:
        out.print("  Nothing has happened in this cycle.")
    shown = events if limit is None else events[-limit:]
    if len(shown) < len(events):
        out.print(f"  … {len(events) - len(shown):,} earlier ones (--all)")
    day = None
    for event in shown:
        local = event.at.astimezone(zone)
        if local.date() != day:
            day = local.date()
            out.print(Text(f"  {local:%a} {local.day} {local:%b %Y}", "dim"))
        if event.handoff is None:
            text = Text(f"{event.who} {event.text}")
        else:
            head = f"→ {event.handoff.value} {TITLES[event.handoff]}: "
            text = Text.assemble((head, "cyan"), (event.text, colour("blocked") if event.trouble else ""))
        folded(out, text, f"  {local:%H:%M}  ", " " * 11 if event.handoff is not None else " " * 9)


def _show_ad_sets(out: "Console", found: "Explanation", zone: ZoneInfo, limit: int | None) -> None:
    from rich.text import Text

    for one in found.ad_sets:
        out.print(f"      Ad Set “{one.folder}”: {one.ready} of {len(one.tickets)} ready")
        for ticket in one.tickets[:limit]:
            state = Text.assemble(("missing", colour("waiting")) if ticket.lacks else ("ready", colour("done")))
            why = "; ".join(ticket.lacks) if ticket.lacks else f"“{ticket.stage}”"
            text = Text.assemble(
                f"{ticket.record} “{ticket.name}” ", state, f" since {moment(ticket.since, zone)}: {why}"
            )
            folded(out, text, "        ", "          ")
            whole(out, ticket.url, "          ")
        more(out, len(one.tickets), limit)
    for why, tickets in _grouped(found.left_out):
        names = ", ".join(f"{ticket.record.id} “{ticket.name}”" for ticket in tickets[:limit])
        sentence(out, f"Not counted, {why}: {names}", "      ")
        more(out, len(tickets), limit)


def _grouped(left_out: "Iterable[LeftOut]") -> "Iterable[tuple[str, list[LeftOut]]]":
    by_reason: dict[str, list[LeftOut]] = {}
    for one in left_out:
        by_reason.setdefault(one.why, []).append(one)
    return by_reason.items()


def _attention(found: "Explanation", zone: ZoneInfo) -> Iterable[str]:
    from sync.storage.work_queue import WAITED

    if found.wait is not None:
        wait, late = found.wait, ", stuck" if found.is_stuck else ""
        ago = duration((found.at - wait.since).total_seconds())
        yield f"Waits for {wait.who} since {moment(wait.since, zone)} ({ago}{late}): {wait.what}"
    mark = found.mark
    if mark is None:
        yield "Nothing asks for a look at it now."
    elif mark.parked_at is not None:
        yield f"PARKED since {moment(mark.parked_at, zone)} after {mark.attempts} failed looks: {mark.error}"
    elif mark.held_effects is not None:
        yield f"HELD by the breaker with {number(mark.held_effects, 'effect')}: `handoffs release --reason …`"
    elif mark.attempts:
        yield f"Looking at it failed ({mark.attempts}×): {mark.error}. Next look: {moment(mark.not_before, zone)}."
    else:
        by = "" if mark.origin == WAITED else f", asked for by {mark.origin}"
        yield f"Next look: {moment(mark.not_before, zone)}{by}."
    yield from (f"Problem: {problem}" for problem in found.problems)


def _show_handoff(out: "Console", line: "HandoffLine", mapping: "ProcessMapping", limit: int | None) -> None:
    from rich.text import Text

    from sync.admin.explain import TITLES

    leading = line.leading
    label = Text.assemble((f"\n{line.handoff.value:<4}", "bold"), f"{TITLES[line.handoff]:<22}")
    label.append(leading.state.value, colour(leading.state.value))
    if leading.when is not None and len(line.findings) == 1:
        label.append(f"  {_when(leading, mapping.zone)}", "dim")
    out.print(label)
    if len(line.findings) == 1:
        sentence(out, leading.reason, "    ")
        _show_effects(out, leading, mapping, "      ")
        return
    shown = line.findings if limit is None else line.findings[-limit:]  # the newest tickets are the last ones
    for finding in shown:
        when = f" {_when(finding, mapping.zone)}" if finding.when is not None else ""
        head = Text.assemble((finding.state.value, colour(finding.state.value)), (when, "dim"), ": ", finding.reason)
        folded(out, head, "    ", "      ")
        _show_effects(out, finding, mapping, "        ")
    if len(shown) < len(line.findings):
        out.print(f"    … and {len(line.findings) - len(shown):,} earlier ones (--all)")


def _when(finding: "Finding", zone: ZoneInfo) -> str:
    return ("until " if finding.state == "waiting" else "") + moment(finding.when, zone)


def _show_effects(out: "Console", finding: "Finding", mapping: "ProcessMapping", indent: str) -> None:
    from rich.text import Text

    for effect in finding.effects:
        who = f" → {mapping.roles[effect.role].label}" if effect.role is not None else ""
        text = Text.assemble(f"{effect.summary}{who}: ", (effect.state, colour(effect.state)))
        if effect.when is not None:
            text.append(f" {moment(effect.when, mapping.zone)}")
        if effect.id is not None and effect.kind in {"task", "email"}:
            text.append(f" ({effect.id})" if effect.now is None else f" (task {effect.id}, {effect.now})")
        if effect.reason is not None and effect.state != "done" and effect.reason not in finding.reason:
            text.append(f": {effect.reason}")
        folded(out, text, indent, indent + "  ")
        if effect.url is not None:
            whole(out, effect.url, indent + "  ")
