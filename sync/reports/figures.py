"""Figures of cycles: lengths of time, turns and rounds, summed up one by one. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mappings.schema import Party, ProcessMapping
from mappings.vocabulary import Role
from sync.reports.cycles import HOLDERS, Cycle, Lead, Outcome, Span, Turn
from sync.reports.statistics import Summary, Values

PARTIES = tuple(dict.fromkeys(HOLDERS.values()))
"""Who may have the next step, as far as histories tell: the Account Manager's turn is the client's as well."""


@dataclass(frozen=True, slots=True)
class Told:
    """A cycle with its client's name, and who did the work of each role in it, by name."""

    client: str
    cycle: Cycle
    people: Mapping[Role, str]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that ended: a length of time, a turn, a ticket's rounds, or a whole cycle."""

    told: Told
    ended: datetime
    what: Span | Turn | int | Outcome


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


class Sums:
    """Sums facts up as they come, in memory that does not grow with their number. `allowed`: see `allowed_by`."""

    def __init__(self, allowed: Mapping[Party, float]) -> None:
        self._allowed = allowed
        self._leads: dict[Lead, Values] = defaultdict(Values)
        self._held: dict[Party, Values] = defaultdict(Values)
        self._rounds = Values()
        self._outcomes = dict.fromkeys(Outcome, 0)
        self._turns = self._on_time = 0

    def add(self, fact: Fact) -> None:
        match fact.what:
            case Span(lead) as span:
                self._leads[lead].add(span.days)
            case Turn() as turn:
                self._held[turn.party].add(turn.working_days)
                self._turns += turn.handed_on
                self._on_time += turn.handed_on and turn.days <= self._allowed[turn.party]
            case Outcome() as outcome:
                self._outcomes[outcome] += 1
            case int(number):
                self._rounds.add(number)

    def figures(self) -> Figures:
        """What they come to by now."""
        return Figures(
            live=self._outcomes[Outcome.LIVE],
            declined=self._outcomes[Outcome.DECLINED],
            leads={lead: values.summary() for lead, values in self._leads.items()},
            held={party: values.summary() for party, values in self._held.items()},
            held_in_all={party: values.sum for party, values in self._held.items()},
            rounds=self._rounds.summary(),
            on_time=self._on_time,
            turns=self._turns,
        )


def allowed_by(mapping: ProcessMapping) -> Mapping[Party, float]:
    """Within how many days a turn of each party is on time."""
    days = mapping.rules.stuck_after_days
    return {**days, Party.ACCOUNT_MANAGER: days[Party.ACCOUNT_MANAGER] + days[Party.CLIENT]}


def facts_of(one: Told) -> Iterator[Fact]:
    """Tell all of a cycle that is over, the cycle itself if it is."""
    cycle = one.cycle
    yield from (Fact(one, span.end, span) for span in cycle.spans)
    yield from (Fact(one, turn.end, turn) for turn in cycle.turns)
    if cycle.ended is not None:
        yield Fact(one, cycle.ended, cycle.outcome)
        yield from (Fact(one, cycle.ended, rounds) for rounds in cycle.rounds)
