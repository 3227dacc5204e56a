"""Which portfolio a ticket counts for, where it is on one, on several, or on none; and which tickets are on a portfolio.

An association may show in one direction only, and an answer may leave one out (docs/hubspot.md 5.4, process.md R.8): both
lists are read, and where they differ nothing is decided as if a ticket were not there.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sync.crm import Association, CRMReader, Faulty, Gap, Kind, Lack, Reading, RecordRef

LastSeenOn = Callable[[Collection[str]], Mapping[str, str]]
"""Gives the tickets that were last seen on some portfolios (ids): the portfolio's id by the ticket's."""


@dataclass(frozen=True)
class Parents:
    """The portfolio that each ticket counts for (ids; None: for none); one that no longer exists has no key."""

    of: Mapping[str, str | None] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)  # of each that is on several
    faulty: Mapping[str, Faulty] = field(default_factory=dict)  # those of which nobody can tell


@dataclass(frozen=True)
class TicketLists:
    """The tickets of some portfolios (ids). `listed`: as each portfolio's own list has them, rising.

    `on`: those and the ones that say so themselves, rising: they count for it as `parents` says.
    """

    listed: Reading[Sequence[str]]
    on: Mapping[str, Sequence[str]]
    parents: Parents


def read_parents(
    crm: CRMReader, listed: Reading[Sequence[str]], last_seen_on: LastSeenOn, unread: Collection[str]
) -> TicketLists:
    """Read for which of these portfolios, whose own lists are given, their tickets count. Raises the port's errors.

    A ticket that was seen on one, and is not in its list by now, is asked itself: it may have left, or be left out. One that
    is left unread (docs/process.md C.18) is not asked where the one portfolio on which it was seen lists it.
    """
    near = {ticket for tickets in listed.found.values() for ticket in tickets}
    seen = last_seen_on(listed.found.keys())
    missed = {ticket: i for ticket, i in seen.items() if ticket not in near}
    settled = _settled(listed, seen, unread)
    asked = find_parents(crm, (near | missed.keys()) - settled.keys())
    parents = _uncontradicted(crm, _without_gone(crm, asked, missed.keys()), listed)
    parents = replace(parents, of={**parents.of, **settled})
    on = {i: set(tickets) for i, tickets in listed.found.items()}
    for ticket, before in missed.items():
        home = before if ticket in parents.faulty else parents.of.get(ticket)
        if home in on:
            on[home].add(ticket)
    return TicketLists(listed, {i: sorted(tickets, key=int) for i, tickets in on.items()}, parents)


def _settled(listed: Reading[Sequence[str]], seen: Mapping[str, str], unread: Collection[str]) -> dict[str, str]:
    """The portfolio of each ticket of `unread` that is listed by that one alone of these, and was seen there last."""
    by = Counter(ticket for tickets in listed.found.values() for ticket in tickets)
    return {
        ticket: i
        for i, tickets in listed.found.items()
        for ticket in tickets
        if ticket in unread and seen.get(ticket) == i and by[ticket] == 1
    }


def _without_gone(crm: CRMReader, parents: Parents, missed: Collection[str]) -> Parents:
    """Take those that no list of a portfolio has, and that do not exist any more, for gone: their own list does not come."""
    doubtful = parents.faulty.keys() & set(missed)
    gone = doubtful - find_existing(crm, doubtful) if doubtful else set()
    return replace(parents, faulty={t: one for t, one in parents.faulty.items() if t not in gone}) if gone else parents


def read_listed(crm: CRMReader, portfolios: Sequence[str]) -> Reading[Sequence[str]]:
    """Read the list of tickets of each of these portfolios (ids). Raises the port's errors."""
    if not portfolios:
        return Reading({}, {})
    reading = crm.associated_each(Kind.PORTFOLIO, Kind.TICKET, portfolios)
    whole = (i for i in portfolios if i not in reading.faulty)
    ends = {i: sorted({end.to for end in reading.found.get(i, ())}, key=int) for i in whole}
    return Reading(ends, reading.faulty)


def _uncontradicted(crm: CRMReader, parents: Parents, on: Reading[Sequence[str]]) -> Parents:
    """Take a ticket that is on none by its own list, and on one by that one's (`on`), for one of which nobody can tell.

    An answer may have left its own list out, which is taken for none where a portal tells of none in no other way.
    Where it has just been taken off, the portfolio's list, read anew, says so too.
    """
    homeless = {ticket for ticket, parent in parents.of.items() if parent is None}
    told = {i: homeless.intersection(tickets) for i, tickets in on.found.items() if homeless.intersection(tickets)}
    if not told:
        return parents
    now = read_listed(crm, sorted(told, key=int))
    doubtful = {t for i, tickets in told.items() for t in tickets if t in now.found.get(i, tickets)}
    lacks = (Gap(Lack.ASSOCIATIONS, Kind.PORTFOLIO),)
    return replace(
        parents,
        of={ticket: parent for ticket, parent in parents.of.items() if ticket not in doubtful},
        faulty={**parents.faulty, **{t: Faulty(RecordRef(Kind.TICKET, t), lacks) for t in doubtful}},
    )


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
