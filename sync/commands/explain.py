"""`handoffs explain`: one portfolio's cycle, and what each handoff has done or waits for."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import click

from mappings.vocabulary import Handoff
from sync.commands import session
from sync.commands.options import ALL, JSON, list_limit, parse_day, portfolio_ids
from sync.commands.output import (
    colour,
    console,
    format_day,
    format_duration,
    format_moment,
    number,
    print_json,
    print_more,
    print_unwrapped,
    print_wrapped,
    print_wrapped_text,
    say,
)

if TYPE_CHECKING:
    from rich.console import Console

    from mappings.schema import ProcessMapping
    from sync.admin.explain import AdSet, EffectLine, Explanation, HandoffLine, LeftOut, MadeOf, RuleResult
    from sync.admin.timeline import Event


def _parse_cycle(text: str) -> "date | Literal['previous']":
    return "previous" if text == "previous" else parse_day(text)


@click.command()
@click.argument("portfolio")
@click.option(
    "--cycle", type=_parse_cycle, metavar="previous|DATE", help="An earlier cycle: the last one, or that of a day."
)
@ALL
@JSON
def explain(portfolio: str, cycle: "date | Literal['previous'] | None", everything: bool, as_json: bool) -> None:
    """Show what happened in one portfolio's cycle, and what each handoff has done, or waits for, and why.

    PORTFOLIO is its id, also one of before a merge, its name, or a part of its name. First comes the timeline: who did
    what, by the CRM's own history, and what the service did because of it (→). Then each handoff, as the service would
    decide it now; the reasons are those of the rules themselves. Of an Ad Set each ticket is shown, and what it lacks.
    Nothing is changed.

    A cycle that is over is shown with --cycle: what happened in it, and what the service has recorded of each handoff.

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
      handoffs explain acme --cycle previous
      handoffs explain 4815162342 --json | jq -r '.timeline[] | .at + " " + .text'

    \b
    Exit codes: 0 shown; 1 no such portfolio, or several of that name;
      4 the token is refused; 5 the mapping does not fit the portal
    """
    with session.service(begin=False) as built:
        from sync.admin.explain import explain as explained
        from sync.passes import recovery

        meant = portfolio_ids(built, [portfolio]) or []
        found = explained(built.reading, meant[0], cycle)
        if recovery.is_needed(built.store):
            say("No pass has run on this database yet: what the CRM shows as done is taken over by the first one.")
        if as_json:
            print_json(found.as_json())
        else:
            _show_explanation(found, built.mapping, list_limit(everything))


def _show_explanation(found: "Explanation", mapping: "ProcessMapping", limit: int | None) -> None:
    from rich.text import Text

    out, zone = console(), mapping.zone
    out.print(Text.assemble((found.portfolio.name, "bold"), f"  portfolio {found.portfolio.id}"))
    print_unwrapped(out, found.portfolio.url, "")
    print_wrapped(out, _cycle_line(found, zone))
    for one in found.made_of:
        print_wrapped(out, _made_of_line(one, zone))
    for line in _standing_lines(found, zone) if found.cycle_ended is None else ():
        print_wrapped(out, line)
    if found.before:
        _show_timeline(out, "The cycle that has just ended", found.before, zone, limit)
    _show_timeline(out, "Timeline", found.timeline, zone, limit)
    for handoff in found.handoffs:
        _show_handoff(out, handoff, mapping, limit)
        if handoff.handoff is Handoff.SET_READY:
            _show_ad_sets(out, found, zone, limit)


def _cycle_line(found: "Explanation", zone: ZoneInfo) -> str:
    started, ended = found.cycle_started, found.cycle_ended
    if ended is not None:
        begin = f"from {format_moment(started, zone)}" if started else "the first one that is known,"
        return f"Cycle: {begin} to {format_moment(ended, zone)}. It is over."
    return f"Cycle since {format_moment(started, zone)}" if started else "Cycle: the first one that is known"


def _made_of_line(one: "MadeOf", zone: ZoneInfo) -> str:
    when = "" if one.at is None else f" on {format_moment(one.at, zone)}"
    role = ", as the primary" if one.primary else ""
    return f"{str(one.record).capitalize()} was merged into {one.into}{when}{role}."


def _standing_lines(found: "Explanation", zone: ZoneInfo) -> Iterable[str]:
    from sync.storage.work_queue import WAITED

    if found.wait is not None:
        wait, late = found.wait, ", stuck" if found.is_stuck else ""
        ago = format_duration((found.at - wait.since).total_seconds())
        yield f"Waits for {wait.who} since {format_moment(wait.since, zone)} ({ago}{late}): {wait.what}"
    item = found.queued
    if item is None:
        yield "Nothing asks for a look at it now."
    elif item.parked_at is not None:
        yield f"PARKED since {format_moment(item.parked_at, zone)} after {item.attempts} failed looks: {item.reason}"
    elif item.held_effects is not None:
        yield f"HELD by the breaker with {number(item.held_effects, 'effect')}: `handoffs release --reason …`"
    elif item.attempts:
        yield f"Looking at it failed ({item.attempts}×): {item.reason}. Next look: {format_moment(item.not_before, zone)}."
    else:
        by = "" if item.origin == WAITED else f", asked for by {item.origin}"
        yield f"Next look: {format_moment(item.not_before, zone)}{by}."
    yield from (f"Problem: {problem}" for problem in found.problems)


def _show_timeline(out: "Console", title: str, events: "Sequence[Event]", zone: ZoneInfo, limit: int | None) -> None:
    from rich.text import Text

    out.print(Text(f"\n{title} ({zone.key})", "bold"))
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
            out.print(Text(f"  {format_day(local)}", "dim"))
        if event.handoff is None:
            text = Text(f"{event.who} {event.text}")
        else:
            head = f"→ {event.handoff.value} {event.handoff.headline}: "
            text = Text.assemble((head, "cyan"), (event.text, colour("blocked") if event.trouble else ""))
        print_wrapped_text(out, text, f"  {local:%H:%M}  ", " " * 11 if event.handoff is not None else " " * 9)


def _show_handoff(out: "Console", line: "HandoffLine", mapping: "ProcessMapping", limit: int | None) -> None:
    from rich.text import Text

    leading = line.leading
    label = Text.assemble((f"\n{line.handoff.value:<4}", "bold"), f"{line.handoff.headline:<22}")
    label.append(leading.state.value, colour(leading.state.value))
    if leading.when is not None and len(line.results) == 1:
        label.append(f"  {_when(leading, mapping.zone)}", "dim")
    out.print(label)
    if len(line.results) == 1:
        print_wrapped(out, leading.reason, "    ")
        _show_effects(out, leading, mapping, "      ")
        return
    shown = line.results if limit is None else line.results[-limit:]  # the newest tickets are the last ones
    for result in shown:
        when = f" {_when(result, mapping.zone)}" if result.when is not None else ""
        head = Text.assemble((result.state.value, colour(result.state.value)), (when, "dim"), ": ", result.reason)
        print_wrapped_text(out, head, "    ", "      ")
        _show_effects(out, result, mapping, "        ")
    if len(shown) < len(line.results):
        out.print(f"    … and {len(line.results) - len(shown):,} earlier ones (--all)")


def _when(result: "RuleResult", zone: ZoneInfo) -> str:
    return ("until " if result.state == "waiting" else "") + format_moment(result.when, zone)


def _show_effects(out: "Console", result: "RuleResult", mapping: "ProcessMapping", indent: str) -> None:
    from rich.text import Text

    for effect in result.effects:
        who = f" → {_person(effect, mapping)}" if effect.role is not None else ""
        text = Text.assemble(f"{effect.summary}{who}: ", (effect.state, colour(effect.state)))
        if effect.when is not None:
            text.append(f" {format_moment(effect.when, mapping.zone)}")
        if effect.id is not None and effect.kind in {"task", "email"}:
            text.append(f" ({effect.id})" if effect.now is None else f" (task {effect.id}, {effect.now})")
        if effect.reason is not None and effect.reason not in result.reason:
            text.append(f": {effect.reason}")
        print_wrapped_text(out, text, indent, indent + "  ")
        if effect.url is not None:
            print_unwrapped(out, effect.url, indent + "  ")


def _person(effect: "EffectLine", mapping: "ProcessMapping") -> str:
    """`Amelia Marsh (Account Manager)`; and with whom the task is now, where somebody has given it away."""
    assert effect.role is not None
    label = mapping.roles[effect.role].label
    if effect.who is None:
        return label
    now = "" if effect.now_with is None else f", now with {effect.now_with}"
    return f"{effect.who} ({label}){now}"


def _show_ad_sets(out: "Console", found: "Explanation", zone: ZoneInfo, limit: int | None) -> None:
    from rich.text import Text

    for one in found.ad_sets:
        print_wrapped(
            out, f"Ad Set “{one.folder}”: {one.ready} of {len(one.tickets)} ready{_announced(one, zone)}", "      "
        )
        for ticket in one.tickets[:limit]:
            state = Text.assemble(("missing", colour("waiting")) if ticket.lacks else ("ready", colour("done")))
            why = "; ".join(ticket.lacks) if ticket.lacks else f"“{ticket.stage}”"
            text = Text.assemble(
                f"{ticket.record} “{ticket.name}” ", state, f" since {format_moment(ticket.since, zone)}: {why}"
            )
            print_wrapped_text(out, text, "        ", "          ")
            print_unwrapped(out, ticket.url, "          ")
        print_more(out, len(one.tickets), limit)
    for why, tickets in _grouped(found.left_out):
        names = ", ".join(f"{ticket.record.id} “{ticket.name}”" for ticket in tickets[:limit])
        print_wrapped(out, f"Not counted, {why}: {names}", "      ")
        print_more(out, len(tickets), limit)
    for pair in found.worth_a_look[:limit]:
        print_wrapped(out, f"Worth a look: {pair}: a typing slip?", "      ")
    print_more(out, len(found.worth_a_look), limit)


def _announced(one: "AdSet", zone: ZoneInfo) -> str:
    if not one.announced:
        return ""
    times = len(one.announced)
    count = "" if times == 1 else " twice, last" if times == 2 else f" {times} times, last"
    return f"; announced{count} on {format_moment(one.announced[-1], zone)}"


def _grouped(left_out: "Iterable[LeftOut]") -> "Iterable[tuple[str, list[LeftOut]]]":
    by_reason: dict[str, list[LeftOut]] = {}
    for one in left_out:
        by_reason.setdefault(one.why, []).append(one)
    return by_reason.items()
