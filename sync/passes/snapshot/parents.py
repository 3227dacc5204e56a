"""Which portfolio a ticket counts for, where it is on one, on several, or on none."""

from collections.abc import Iterable, Sequence

from sync.crm import Association, CRMReader, Kind


def find_parents(crm: CRMReader, tickets: Iterable[str]) -> tuple[dict[str, str | None], dict[str, str]]:
    """Read the portfolio of each ticket (ids; None: of none), and a problem for each that is on several.

    A ticket that no longer exists has no key. Raises the port's errors.
    """
    ids = sorted(set(tickets), key=int)
    parents: dict[str, str | None] = {}
    problems: dict[str, str] = {}
    if not ids:
        return parents, problems
    for ticket, ends in crm.associated(Kind.TICKET, Kind.PORTFOLIO, ids).items():
        parent = parents[ticket] = _parent(ends)
        others = sorted({end.to for end in ends}, key=int)
        if len(others) > 1:
            problems[ticket] = f"ticket {ticket} is on portfolios {', '.join(others)}: it counts for {parent} only"
    return parents, problems


def _parent(ends: Sequence[Association]) -> str | None:
    """The portfolio that a ticket counts for: the one labelled primary, else the one with the lowest id."""
    primary = [end.to for end in ends if any(label.casefold() == "primary" for label in end.labels)]
    return min(primary or [end.to for end in ends], key=int, default=None)


def find_existing(crm: CRMReader, tickets: Iterable[str]) -> set[str]:
    """Tell which of these tickets (ids) were neither deleted nor merged into another. Raises the port's errors."""
    records = crm.read(Kind.TICKET, sorted(tickets, key=int), [])
    return {ticket for ticket, record in records.items() if record.id == ticket}
