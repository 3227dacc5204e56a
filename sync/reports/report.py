"""Lead times of many clients: every cycle that is known, summed up by client, party, person or month.

A length of time counts in the span in which it ended; a cycle where it ended. What goes on counts nowhere yet.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mappings.names import as_seen
from mappings.schema import Party, ProcessMapping
from sync.reports.cycles import PARTY_OF, ROLES_OF, Cycle, Outcome, Span, Terms, Turn, cycles_of
from sync.reports.figures import PARTIES, Fact, Figures, Sums, Told, allowed_by, facts_of
from sync.storage import people, portfolios
from sync.storage.database import Connection, in_parts
from sync.storage.ledger.past import read_past

AT_ONCE = 100
"""Clients whose pasts are in memory together: some thousand versions each after a few years."""


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

    def takes_cycle(self, cycle: Cycle) -> bool:
        """Whether a cycle has ended in that time, or has begun and goes on."""
        return self.takes(cycle.ended) or (cycle.outcome is Outcome.RUNNING and cycle.has_begun)


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of all, by group in the groups' order, and by month (`2026-11`), oldest first.

    `cycles`: how many ended in that time; `running`: how many go on in which a kickoff, a date or a ticket has come.
    """

    since: datetime | None
    until: datetime
    by: By
    total: Figures
    groups: Mapping[str, Figures]
    months: Mapping[str, Figures]
    cycles: int
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


def read_report(connection: Connection, mapping: ProcessMapping, wanted: Wanted, by: By, now: datetime) -> Report:
    """Read what is kept and sum it up, by the mapping's zone and limits of this moment.

    Clients that were deleted are not among them, those outside of the mapping's condition neither. However many clients there
    are, the memory that it takes grows with the groups alone.
    """
    allowed = allowed_by(mapping)
    total, months, groups = Sums(allowed), _Groups(allowed), _Groups(allowed)
    cycles = running = 0
    client = ""
    for told in read_cycles(connection, mapping, wanted, now, owners=by is By.PERSON):
        if by is By.CLIENT and told.client.casefold() != client:
            groups.close()  # they come by name
            client = told.client.casefold()
        cycles += wanted.takes(told.cycle.ended)
        running += told.cycle.outcome is Outcome.RUNNING and told.cycle.has_begun
        for fact in facts_of(told):
            if wanted.takes(fact.ended):
                total.add(fact)
                months.add(fact, [_month(fact, mapping)])
                if by is not By.MONTH:
                    groups.add(fact, _groups(fact, by, mapping))
    by_month = dict(sorted(months.figures().items()))
    return Report(
        since=wanted.since,
        until=min(wanted.until or now, now),
        by=by,
        total=total.figures(),
        groups=by_month if by is By.MONTH else dict(sorted(groups.figures().items(), key=_order(by, mapping))),
        months=by_month,
        cycles=cycles,
        running=running,
    )


class _Groups:
    """The sums of each group, by name. One that is complete can be closed: it takes little memory then."""

    def __init__(self, allowed: Mapping[Party, float]) -> None:
        self._allowed = allowed
        self._open: dict[str, Sums] = {}
        self._closed: dict[str, Figures] = {}

    def add(self, fact: Fact, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._open:
                self._open[name] = Sums(self._allowed)
            self._open[name].add(fact)

    def close(self) -> None:
        """No more comes of any group that is there."""
        self._closed |= {name: sums.figures() for name, sums in self._open.items()}
        self._open.clear()

    def figures(self) -> dict[str, Figures]:
        self.close()
        return self._closed


def read_figures(
    connection: Connection, mapping: ProcessMapping, spans: Sequence[Wanted], now: datetime
) -> list[Figures]:
    """Sum up each of these spans of time, which may overlap, in one reading of all clients."""
    allowed = allowed_by(mapping)
    sums = [Sums(allowed) for _ in spans]
    earliest = None if any(one.since is None for one in spans) else min(one.since for one in spans if one.since)
    for told in read_cycles(connection, mapping, Wanted(since=earliest), now):
        for fact in facts_of(told):
            for span, of_span in zip(spans, sums, strict=True):
                if span.takes(fact.ended):
                    of_span.add(fact)
    return [of_span.figures() for of_span in sums]


def read_cycles(
    connection: Connection, mapping: ProcessMapping, wanted: Wanted, now: datetime, *, owners: bool = False
) -> Iterator[Told]:
    """Tell the cycles of the clients that are wanted, by the client's name, the oldest first; whoever ended before
    `wanted.since` is left out.

    `owners`: by whoever had its tasks; else by whoever does the work of a role now.
    """
    rules = mapping.rules
    terms = Terms(mapping.zone, rules.window_days, timedelta(minutes=rules.barrier_minutes), now)
    part = as_seen(wanted.client)
    chosen = sorted(
        (one for one in portfolios.find(connection) if wanted.client == one.id or part in as_seen(one.name)),
        key=lambda one: (one.name.casefold(), int(one.id)),
    )
    everybody = people.find(connection) if owners else {}
    for some in in_parts(chosen, AT_ONCE):
        pasts = read_past(connection, [one.id for one in some], since=wanted.since, owners=owners)
        for one in some:
            past = pasts.pop(one.id)
            for cycle in cycles_of(past, terms, wanted.since):
                had = {role: owner for (its, role), owner in past.owners.items() if its == cycle.id}
                names = {role: everybody[owner].name for role, owner in had.items() if owner in everybody}
                yield Told(one.name, cycle, {**one.people, **names})


def _groups(fact: Fact, by: By, mapping: ProcessMapping) -> Iterable[str]:
    if by is By.CLIENT:
        return [fact.told.client]
    parties = _parties(fact)
    if by is By.ROLE:
        return [label_of(party, mapping) for party in parties]
    roles = {role for party in parties for role in ROLES_OF[party]}
    return {name for role, name in fact.told.people.items() if role in roles}


def _parties(fact: Fact) -> Sequence[Party]:
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


def _month(fact: Fact, mapping: ProcessMapping) -> str:
    return f"{fact.ended.astimezone(mapping.zone):%Y-%m}"
