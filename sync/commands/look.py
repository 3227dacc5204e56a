"""`status` and `explain`: how it stands. They change nothing."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

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
    from sync.explain import Explanation, Finding, HandoffLine
    from sync.status import FailedLook, Status, Trouble


@click.command()
@ALL
@JSON
def status(everything: bool, as_json: bool) -> None:
    """Show how the service is doing: is anything waiting, blocked, failed, held?

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

    \b
    Examples:
      handoffs status
      handoffs status --json | jq .backlog

    \b
    Exit codes: 0 all is well; 1 something needs a person, or the database
      cannot be read
    """
    settings = session.read()
    from sync.clock import SystemClock
    from sync.status import read

    with session.database(settings, write=False) as store:
        found = read(store, SystemClock())
    if as_json:
        print_json(found.as_json())
    else:
        _show_status(found, None if everything else AT_MOST)
    click.get_current_context().exit(0 if found.ok else 1)


def _show_status(found: "Status", limit: int | None) -> None:
    from rich.text import Text

    out = console()
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
    sentence(out, f"sweep {moment(found.last_sweep)}", "Last     ")
    sentence(out, f"poll {moment(found.last_poll)}", "         ")
    sentence(out, f"webhook {moment(found.last_webhook)}", "         ")
    sentence(out, _budget(found.budget), "Budget   ")
    _show_troubles(out, found.troubles, limit)
    _show_failed_looks(out, found.failed_looks, limit)


def _budget(budget: dict[str, object]) -> str:
    parts = [
        f"{name} {it['available']} at once of {it['limit']} per {it['seconds']:g} s"
        for name, it in budget.items()
        if isinstance(it, dict)
    ]
    left = budget.get("daily_remaining")
    return "; ".join(parts) + (f"; {left:,} left today" if isinstance(left, int) else "")


def _show_troubles(out: "Console", troubles: "Sequence[Trouble]", limit: int | None) -> None:
    from rich.text import Text

    by_state: dict[str, dict[tuple[str, str], list[Trouble]]] = {}
    for trouble in troubles:  # what one reason stops at one place is told together
        places = by_state.setdefault(trouble.state.value, {})
        places.setdefault((trouble.where, trouble.reason), []).append(trouble)
    for state, places in by_state.items():
        title = "Not sent, tried again soon" if state == "planned" else state.capitalize()
        out.print(Text(f"\n{title}", colour(state)))
        for (where, reason), found in list(places.items())[:limit]:
            sentence(out, f"{where}: {', '.join(trouble.what for trouble in found)}", "  ")
            sentence(out, f"since {moment(found[0].since)}: {reason}", "    ")
        more(out, len(places), limit)


def _show_failed_looks(out: "Console", looks: "Sequence[FailedLook]", limit: int | None) -> None:
    from rich.text import Text

    if not looks:
        return
    out.print(Text("\nCould not be looked at", colour("failed")))
    for look in looks[:limit]:
        parked = look.parked_at is not None
        then = f"parked since {moment(look.parked_at)}" if parked else f"again at {moment(look.look_at)}"
        sentence(out, f"{look.record}, {number(look.attempts, 'time')}; {then}", "  ")
        sentence(out, look.error, "    ")
    more(out, len(looks), limit)


@click.command()
@click.argument("portfolio")
@ALL
@JSON
def explain(portfolio: str, everything: bool, as_json: bool) -> None:
    """Show for one portfolio what each handoff has done, or waits for, and why.

    PORTFOLIO is its id or its name. The portfolio is read afresh from the CRM and decided as the service would decide it
    now; nothing is changed. The reasons are those of the rules themselves.

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
      handoffs explain 4815162342 --json | jq '.handoffs[] | .state'

    \b
    Exit codes: 0 shown; 1 no such portfolio, or several of that name;
      4 the token is refused; 5 the mapping does not fit the portal
    """
    with session.service(begin=False) as built:
        from sync import recovery
        from sync.explain import explain as explained
        from sync.explain import find

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
    for handoff in found.handoffs:
        _show_handoff(out, handoff, mapping, limit)


def _attention(found: "Explanation", zone: ZoneInfo) -> Iterable[str]:
    from sync.dirty import WAITED

    mark = found.mark
    if mark is None:
        yield "Nothing asks for a look at it now."
    elif mark.parked_at is not None:
        yield f"PARKED since {moment(mark.parked_at, zone)} after {mark.attempts} failed looks: {mark.error}"
    elif mark.held_effects is not None:
        yield f"HELD by the breaker with {number(mark.held_effects, 'effect')}: `handoffs release --reason …`"
    elif mark.attempts:
        yield f"Looking at it failed ({mark.attempts}×): {mark.error}. Next look: {moment(mark.look_at, zone)}."
    else:
        by = "" if mark.origin == WAITED else f", asked for by {mark.origin}"
        yield f"Next look: {moment(mark.look_at, zone)}{by}."
    yield from (f"Problem: {problem}" for problem in found.problems)


def _show_handoff(out: "Console", line: "HandoffLine", mapping: "ProcessMapping", limit: int | None) -> None:
    from rich.text import Text

    from sync.explain import TITLES

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
            text.append(f" ({effect.id})")
        if effect.reason is not None and effect.state != "done" and effect.reason not in finding.reason:
            text.append(f": {effect.reason}")
        folded(out, text, indent, indent + "  ")
        if effect.url is not None:
            whole(out, effect.url, indent + "  ")
