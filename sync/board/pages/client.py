"""One client: whose turn it is, the ten handoffs, the Ad Sets ticket by ticket, what happened, and what comes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from flask import Flask, abort, render_template, request

from mappings.vocabulary import Handoff, Kept
from mappings.words import words_of
from sync.board.pages.calendar import WEEKDAYS, months
from sync.board.pages.sight import Sight
from sync.board.pages.tasks_due import tasks_due
from sync.clock import from_ms, local_date, to_ms
from sync.crm import Kind, RecordRef
from sync.observe.clients import Client
from sync.storage import memberships, people, portfolio_details, versions, waits
from sync.storage.database import Connection
from sync.storage.ledger import log
from sync.storage.ledger.log import LogEntry, LoggedEffect
from sync.storage.portfolio_details import HandoffNow, PortfolioDetail, TicketNow
from sync.storage.versions import KeptVersion

AT_MOST = 500
"""Lines of a timeline: the newest ones."""

PROPERTIES = {
    Kept.STATUS: "status",
    Kept.REFRESH_DATE: "Refresh Date",
    Kept.PIPELINE: "pipeline",
    Kept.STAGE: "stage",
    Kept.NEEDS_REVISIONS: "{needs_revisions}",
    Kept.COPY_APPROVAL: "copy approval",
    Kept.GRAPHIC_APPROVAL: "graphic approval",
}
"""What each property is called, with the mapping's words."""

_TASK = "0-27"
"""HubSpot's type id of a task, as it stands in the address of one."""

_BETTER = ("failed", "unproven", "blocked", "unknown", "attempting", "planned", "sending")
"""States of an effect that keep its handoff from being done, the worst first."""


@dataclass(frozen=True, slots=True)
class HandoffLine:
    """What is said of one handoff of one record: by the ledger where it knows it, else by the rule at the last look."""

    record: str  # the ticket's name; '' for the client itself
    state: str
    reason: str
    at: datetime | None
    until: datetime | None
    effects: tuple[LoggedEffect, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline. `handoff` None: somebody changed something in the CRM."""

    at: datetime
    text: str
    handoff: Handoff | None
    state: str
    url: str
    effects: tuple[LoggedEffect, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """One cycle: from when to when; None: from the first that is known, or to now."""

    began: datetime | None
    ended: datetime | None

    @property
    def name(self) -> str:
        """What it is called in an address."""
        return "first" if self.began is None else str(to_ms(self.began))


def add_to(app: Flask, sight: Sight) -> None:
    """Add the page to this app."""

    @app.get("/board/client/<portfolio>")
    def client(portfolio: str) -> str:
        now = sight.clock.now()
        with sight.store.read() as connection:
            found = sight.clients(connection, [portfolio], now)
            if not found:
                abort(404, f"no pass has found a portfolio {portfolio[:40]}, or the mapping's condition leaves it out")
            [one] = found
            detail = portfolio_details.get(connection, portfolio)
            spans = _spans(log.ends_of_cycles(connection, portfolio))
            span = next((each for each in spans if each.name == request.args.get("cycle")), spans[-1])
            events = _timeline(connection, one, detail, span, sight)
            handoffs = _handoffs(connection, detail) if span is spans[-1] else {}
            turn = waits.turns(connection, [portfolio]).get(portfolio)
            entries = log.of_portfolio(connection, portfolio, spans[-1].began, None, AT_MOST) if turn else ()
        ready = {ticket.id for ticket in detail.tickets if not ticket.lacks}
        due = [day for day in tasks_due(entries, turn, ready, sight.mapping) if day[0] >= sight.today()]
        coming = sorted([*_coming(one, sight), *due])
        return render_template(
            "client.html",
            client=one,
            handoffs=handoffs,
            all_handoffs=list(Handoff),
            sets=_sets(detail.tickets),
            left_out=[ticket for ticket in detail.tickets if ticket.left_out],
            events=events,
            at_most=AT_MOST,
            spans=list(reversed(spans)),
            span=span,
            coming=coming,
            months=months(coming, sight.today()),
            weekdays=WEEKDAYS,
            task_url=lambda effect: task_url(one.url, effect),
        )


def task_url(portfolio_url: str, effect: LoggedEffect) -> str:
    """Where a person opens the task of this effect; '' where it has none."""
    if not effect.what.startswith("task ") or not effect.crm_id:
        return ""
    base = portfolio_url.rsplit("/", 2)[0]
    return f"{base}/{_TASK}/{effect.crm_id}" if base.startswith("https://") else ""


def _spans(ends: Sequence[datetime]) -> list[Span]:
    edges: list[datetime | None] = [None, *ends, None]
    return [Span(began, ended) for began, ended in pairwise(edges)]


def _handoffs(connection: Connection, detail: PortfolioDetail) -> dict[Handoff, list[HandoffLine]]:
    recorded = log.by_key(connection, [one.key for one in detail.handoffs if one.key is not None])
    found: dict[Handoff, list[HandoffLine]] = {}
    for one in detail.handoffs:
        found.setdefault(one.handoff, []).append(_line(one, recorded.get(one.key or "")))
    return found


def _line(one: HandoffNow, known: LogEntry | None) -> HandoffLine:
    if known is None:
        return HandoffLine(one.name, one.state or "due", one.reason, None, one.until, ())
    states = {effect.state for effect in known.effects}
    open_ = next((state for state in _BETTER if state in states), None) if known.state in {"open", "done"} else None
    state = open_ or ("done" if known.state == "open" else known.state)
    return HandoffLine(one.name, state, known.reason, known.decided_at, None, known.effects)


def _sets(tickets: Iterable[TicketNow]) -> dict[str, list[TicketNow]]:
    found: dict[str, list[TicketNow]] = {}
    for ticket in tickets:
        if not ticket.left_out:
            found.setdefault(ticket.ad_set, []).append(ticket)
    return dict(sorted(found.items()))


def _timeline(connection: Connection, one: Client, detail: PortfolioDetail, span: Span, sight: Sight) -> list[Event]:
    """What happened in this cycle, the newest first."""
    tickets = {ticket.id: ticket for ticket in detail.tickets}
    decided = log.of_portfolio(connection, one.id, span.began, span.ended, AT_MOST)
    found = [_decided(each, tickets) for each in decided]
    ids = tickets.keys() | memberships.tickets_of(connection, [one.id])
    refs = [RecordRef(Kind.PORTFOLIO, one.id), *(RecordRef(Kind.TICKET, i) for i in sorted(ids))]
    names = {person.user_id: person.name for person in people.find(connection).values() if person.user_id}
    if sight.settings.hubspot_app_id:
        names[sight.settings.hubspot_app_id] = "the service"
    words = words_of(sight.mapping)
    for ref, kept in versions.of(connection, refs).items():
        found += changed(ref, kept, tickets, one.url, span, names, words)
    return sorted(found, key=lambda event: event.at, reverse=True)[:AT_MOST]


def _decided(one: LogEntry, tickets: dict[str, TicketNow]) -> Event:
    about = "" if one.record.kind is Kind.PORTFOLIO else f"{_name(one.record, tickets)}: "
    return Event(one.decided_at, f"{about}{one.reason}", one.handoff, one.state, "", one.effects)


def changed(
    ref: RecordRef,
    kept: Sequence[KeptVersion],
    tickets: dict[str, TicketNow],
    url: str,
    span: Span,
    names: Mapping[str, str],
    words: Mapping[str, str],
) -> Iterator[Event]:
    """What people and programs changed in a record; that a ticket came is said once, not property by property."""
    place = "" if ref.kind is Kind.PORTFOLIO else f" of {_name(ref, tickets)}"
    where = url if ref.kind is Kind.PORTFOLIO else tickets[ref.id].url if ref.id in tickets else ""
    came = next((one.at for one in kept if one.property is Kept.PIPELINE and one.means), None)
    for one in kept:
        if (span.began is not None and one.at < span.began) or (span.ended is not None and one.at >= span.ended):
            continue
        if one.at == came:
            if one.property is Kept.PIPELINE:
                yield Event(one.at, f"{_name(ref, tickets)} came{_by(one, names)}", None, "", where)
            continue
        value = f"set to “{_value(one, words)}”" if one.value else "emptied"
        name = PROPERTIES[one.property].format_map(words)
        yield Event(one.at, f"{name}{place} {value}{_by(one, names)}", None, "", where)


def _by(one: KeptVersion, names: Mapping[str, str]) -> str:
    """Who changed it, as far as it is known."""
    name = names.get(one.by.rpartition(":")[2])
    if name is not None:
        return f" by {name}"
    return " by an integration" if one.source in {"INTEGRATION", "API"} else ""


def _value(one: KeptVersion, words: Mapping[str, str]) -> str:
    if one.property is Kept.REFRESH_DATE and one.value.isdecimal():
        return from_ms(int(one.value)).date().isoformat()
    if one.property not in {Kept.STATUS, Kept.STAGE} or one.means in {"", "other"}:
        return one.value
    name = words.get(one.means, "")
    # A mapping may name a value by an id, which tells nobody anything.
    return name if any(map(str.isalpha, name)) else one.means.replace("_", " ").capitalize()


def _name(record: RecordRef, tickets: dict[str, TicketNow]) -> str:
    known = tickets.get(record.id)
    return f"ticket “{known.name}”" if known is not None and known.name else str(record)


def _coming(one: Client, sight: Sight) -> list[tuple[date, str]]:
    """The days that come, each with what is due on it."""
    found: list[tuple[date, str]] = []
    today = sight.today()
    if one.due is not None:
        late = one.due <= sight.clock.now()
        day = local_date(one.due, sight.zone)
        found.append((day, f"{one.turn} {'has been late since' if late else 'is late from then on'}"))
    if one.next_date is not None and one.next_is != "Refresh Date":
        found.append((one.next_date, one.next_is))
    if one.refresh_date is not None and one.refresh_date >= today:
        found.append((one.refresh_date, "Refresh Date"))
    return found
