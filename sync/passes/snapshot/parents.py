"""Which portfolio a ticket counts for, where it is on one, on several, or on none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sync.crm import Association, CRMReader, Faulty, Kind


@dataclass(frozen=True)
class Parents:
    """The portfolio that each ticket counts for (ids; None: for none); one that no longer exists has no key."""

    of: Mapping[str, str | None] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)  # of each that is on several
    faulty: Mapping[str, Faulty] = field(default_factory=dict)  # those of which nobody can tell


def find_parents(crm: CRMReader, tickets: Iterable[str]) -> Parents:
    """Read the portfolio of each ticket (ids). Raises the port's errors."""
    ids = sorted(set(tickets), key=int)
    if not ids:
        return Parents()
    reading = crm.associated_each(Kind.TICKET, Kind.PORTFOLIO, ids)
    parents = {ticket: _parent(ends) for ticket, ends in reading.found.items()}
    problems = {}
    for ticket, ends in reading.found.items():
        others = sorted({end.to for end in ends}, key=int)
        if len(others) > 1:
            where = ", ".join(others)
            problems[ticket] = f"ticket {ticket} is on portfolios {where}: it counts for {parents[ticket]} only"
    return Parents(parents, problems, reading.faulty)


def _parent(ends: Sequence[Association]) -> str | None:
    """The portfolio that a ticket counts for: the one labelled primary, else the one with the lowest id."""
    primary = [end.to for end in ends if any(label.casefold() == "primary" for label in end.labels)]
    return min(primary or [end.to for end in ends], key=int, default=None)


def find_existing(crm: CRMReader, tickets: Iterable[str]) -> set[str]:
    """Tell which of these tickets (ids) were neither deleted nor merged into another. Raises the port's errors.

    One of which nobody can tell is not deleted either: whoever looks at it next will see.
    """
    reading = crm.read_each(Kind.TICKET, sorted(tickets, key=int), [])
    return {ticket for ticket, record in reading.found.items() if record.id == ticket} | reading.faulty.keys()
