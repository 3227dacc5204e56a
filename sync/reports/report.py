"""Lead times of many clients: every cycle that is known, summed up by client, party, person or month.

A length of time counts in the span in which it ended; a cycle where it ended. What goes on counts nowhere yet.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from mappings.names import as_seen
from mappings.schema import Party, ProcessMapping
from mappings.vocabulary import Role
from sync.reports.cycles import HOLDERS, PARTY_OF, ROLES_OF, Cycle, Lead, Outcome, Span, Terms, Turn, cycles_of
from sync.reports.statistics import Summary, summary
from sync.storage import people, portfolios
from sync.storage.database import Connection, in_parts
from sync.storage.ledger.past import read_past

PARTIES = tuple(dict.fromkeys(HOLDERS.values()))
"""Who may have the next step, as far as histories tell: the Account Manager's turn is the client's as well."""


class By(StrEnum):
    """What a report is grouped by."""

    CLIENT = "client"
    ROLE = "role"
    PERSON = "person"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which clients and which time: a part of a name or an id; what ended from `since` on and before `until`."""

    client: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, ended: datetime | None) -> bool:
        return (
            ended is not None
            and (self.since is None or ended >= self.since)
            and (self.until is None or ended < self.until)
        )


@dataclass(frozen=True, slots=True)
class Told:
    """A cycle with its client's name, and who did the work of each role in it, by name."""

    client: str
    cycle: Cycle
    people: Mapping[Role, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told of some cycles: leads in days, times held in working days of a turn, rounds of a ticket.

    `on_time`: of how many turns that are over so many were handed on within `rules.stuck_after_days`.
    """

    live: int = 0
    declined: int = 0
    leads: Mapping[Lead, Summary] = field(default_factory=dict)
    held: Mapping[Party, Summary] = field(default_factory=dict)
    held_in_all: Mapping[Party, float] = field(default_factory=dict)
    rounds: Summary = field(default_factory=Summary)
    on_time: int = 0
    turns: int = 0

    def as_json(self) -> dict[str, object]:
        return {
            "cycles": {"live": self.live, "declined": self.declined},
            "days": {lead.value: self.leads.get(lead, Summary()).as_json() for lead in Lead},
            "held_working_days": {
                party.value: {
                    **self.held.get(party, Summary()).as_json(),
                    "sum": round(self.held_in_all.get(party, 0), 2),
                }
                for party in PARTIES
            },
            "rounds_per_ticket": self.rounds.as_json(),
            "on_time": {"turns": self.on_time, "of": self.turns, "share": self.share},
        }

    @property
    def share(self) -> float | None:
        """Of the turns, the share that was on time, of 1; None: there was none."""
        return round(self.on_time / self.turns, 3) if self.turns else None


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of all, by group in the groups' order, and by month (`2026-11`), oldest first; `cycles` behind them.

    `running`: how many cycles go on in which a kickoff, a date or a ticket has come.
    """

    since: datetime | None
    until: datetime
    by: By
    total: Figures
    groups: Mapping[str, Figures]
    months: Mapping[str, Figures]
    cycles: Sequence[Told]
    running: int

    def as_json(self) -> dict[str, object]:
        return {
            "since": None if self.since is None else self.since.isoformat(),
            "until": self.until.isoformat(),
            "by": self.by.value,
            "running": self.running,
            "total": self.total.as_json(),
            "groups": [{"name": name, **figures.as_json()} for name, figures in self.groups.items()],
            "months": [{"name": name, **figures.as_json()} for name, figures in self.months.items()],
        }


@dataclass(frozen=True, slots=True)
class _Fact:
    """Something that ended: a length of time, a turn, a ticket's rounds, or a whole cycle."""

    told: Told
    ended: datetime
    what: Span | Turn | int | Outcome


def read_report(connection: Connection, mapping: ProcessMapping, wanted: Wanted, by: By, now: datetime) -> Report:
    """Read what is kept and sum it up, by the mapping's zone and limits of this moment.

    Clients that were deleted are not among them, those outside of the mapping's condition neither.
    """
    terms = _terms(mapping, now)
    told = list(_read(connection, wanted, terms, owners=by is By.PERSON))
    facts = [fact for one in told for fact in _facts(one) if wanted.takes(fact.ended)]
    allowed = _allowed(mapping)
    months = _grouped(facts, lambda fact: [_month(fact, mapping)])
    groups = months if by is By.MONTH else _grouped(facts, lambda fact: _groups(fact, by, mapping))
    running = [one for one in told if one.cycle.outcome is Outcome.RUNNING and one.cycle.has_begun]
    return Report(
        since=wanted.since,
        until=min(wanted.until or now, now),
        by=by,
        total=_figures(facts, allowed),
        groups={name: _figures(of, allowed) for name, of in sorted(groups.items(), key=_order(by, mapping))},
        months={name: _figures(of, allowed) for name, of in sorted(months.items())},
        cycles=[*(one for one in told if wanted.takes(one.cycle.ended)), *running],
        running=len(running),
    )


def read_figures(
    connection: Connection, mapping: ProcessMapping, spans: Sequence[Wanted], now: datetime
) -> list[Figures]:
    """Sum up each of these spans of time, which may overlap, in one reading of all clients: their cycles are not kept."""
    terms = _terms(mapping, now)
    facts: list[list[_Fact]] = [[] for _ in spans]
    for told in _read(connection, Wanted(), terms, owners=False):
        for fact in _facts(told):
            for span, of_span in zip(spans, facts, strict=True):
                if span.takes(fact.ended):
                    of_span.append(fact)
    allowed = _allowed(mapping)
    return [_figures(of_span, allowed) for of_span in facts]


def _terms(mapping: ProcessMapping, now: datetime) -> Terms:
    rules = mapping.rules
    return Terms(mapping.zone, rules.window_days, timedelta(minutes=rules.barrier_minutes), now)


def _read(connection: Connection, wanted: Wanted, terms: Terms, *, owners: bool) -> Iterator[Told]:
    """Every cycle of the clients that are wanted, by the client's name."""
    part = as_seen(wanted.client)
    chosen = sorted(
        (one for one in portfolios.find(connection) if wanted.client == one.id or part in as_seen(one.name)),
        key=lambda one: (one.name.casefold(), int(one.id)),
    )
    everybody = people.find(connection) if owners else {}
    for some in in_parts(chosen):
        pasts = read_past(connection, [one.id for one in some], owners=owners)
        for one in some:
            past = pasts[one.id]
            for cycle in cycles_of(past, terms):
                had = {role: owner for (its, role), owner in past.owners.items() if its == cycle.id}
                names = {role: everybody[owner].name for role, owner in had.items() if owner in everybody}
                yield Told(one.name, cycle, {**one.people, **names})


def _facts(one: Told) -> Iterator[_Fact]:
    cycle = one.cycle
    yield from (_Fact(one, span.end, span) for span in cycle.spans)
    yield from (_Fact(one, turn.end, turn) for turn in cycle.turns)
    if cycle.ended is not None:
        yield _Fact(one, cycle.ended, cycle.outcome)
        yield from (_Fact(one, cycle.ended, rounds) for rounds in cycle.rounds)


def _grouped(facts: Iterable[_Fact], names: Callable[[_Fact], Iterable[str]]) -> dict[str, list[_Fact]]:
    found: dict[str, list[_Fact]] = {}
    for fact in facts:
        for name in names(fact):
            found.setdefault(name, []).append(fact)
    return found


def _groups(fact: _Fact, by: By, mapping: ProcessMapping) -> Iterable[str]:
    if by is By.CLIENT:
        return [fact.told.client]
    parties = _parties(fact)
    if by is By.ROLE:
        return [label_of(party, mapping) for party in parties]
    roles = {role for party in parties for role in ROLES_OF[party]}
    return {name for role, name in fact.told.people.items() if role in roles}


def _parties(fact: _Fact) -> Sequence[Party]:
    """Whose work it was."""
    match fact.what:
        case Span(lead):
            return [PARTY_OF[lead]]
        case Turn(party=party):
            return [party]
        case Outcome():
            return PARTIES
        case _:
            return [Party.CREATIVE_TEAM]


def _order(by: By, mapping: ProcessMapping) -> Callable[[tuple[str, object]], tuple[int, str]]:
    labels = [label_of(party, mapping) for party in PARTIES] if by is By.ROLE else []
    return lambda group: (labels.index(group[0]) if labels else 0, group[0].casefold())


def label_of(party: Party, mapping: ProcessMapping) -> str:
    """What people call a party of the report."""
    label = mapping.party_label(party)
    return f"{label} and client" if party is Party.ACCOUNT_MANAGER else label


def _month(fact: _Fact, mapping: ProcessMapping) -> str:
    return f"{fact.ended.astimezone(mapping.zone):%Y-%m}"


def _allowed(mapping: ProcessMapping) -> Mapping[Party, float]:
    """Within how many days a turn is on time."""
    days = mapping.rules.stuck_after_days
    return {**days, Party.ACCOUNT_MANAGER: days[Party.ACCOUNT_MANAGER] + days[Party.CLIENT]}


def _figures(facts: Iterable[_Fact], allowed: Mapping[Party, float]) -> Figures:
    leads: dict[Lead, list[float]] = {}
    held: dict[Party, list[float]] = {}
    rounds: list[float] = []
    outcomes: list[Outcome] = []
    over = on_time = 0
    for fact in facts:
        match fact.what:
            case Span(lead) as span:
                leads.setdefault(lead, []).append(span.days)
            case Turn() as turn:
                held.setdefault(turn.party, []).append(turn.working_days)
                over += turn.handed_on
                on_time += turn.handed_on and turn.days <= allowed[turn.party]
            case Outcome() as outcome:
                outcomes.append(outcome)
            case int(number):
                rounds.append(number)
    return Figures(
        live=outcomes.count(Outcome.LIVE),
        declined=outcomes.count(Outcome.DECLINED),
        leads={lead: summary(values) for lead, values in leads.items()},
        held={party: summary(values) for party, values in held.items()},
        held_in_all={party: sum(values) for party, values in held.items()},
        rounds=summary(rounds),
        on_time=on_time,
        turns=over,
    )
