"""Tickets with their histories, in as few calls as what is known of them allows (docs/process.md C.17)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync.crm import CRMReader, Faulty, Gap, Kind, Lack, Reading, Record, RecordRef
from sync.storage.ticket_histories import TicketRead

WITH_HISTORY, WITHOUT = 50, 100
"""How many records one call reads, with their histories and without (docs/hubspot.md 4.3)."""

OLD_AFTER = timedelta(days=30)
"""How long nothing has changed of a ticket that is out of play, such as a closed one, before passes leave it unread."""

_NO_TIME = Gap(Lack.PROPERTY, "createdAt")

Known = Callable[[Sequence[str], Sequence[str]], Mapping[str, Record]]
"""Gives those of some tickets (ids) whose histories, of the properties named, are known for certain as of their last change."""


@dataclass(frozen=True)
class Wanted:
    """What is to be read of tickets: these properties, and the histories of some of them."""

    properties: Sequence[str]
    history: Sequence[str]


@dataclass(frozen=True)
class TicketsRead:
    """What a read of tickets gave. `to_keep`: those that came with their histories, where knowing them saves calls.

    `as_known`: those (ids) of `reading` that were not asked for.
    """

    reading: Reading[Record]
    to_keep: Sequence[TicketRead] = ()
    as_known: frozenset[str] = frozenset()


@dataclass(frozen=True)
class KnownTickets:
    """Tickets (by id) whose histories are known, as of their last change. `unread`: those that are not to be asked for."""

    kept: Mapping[str, Record]
    unread: Mapping[str, Record]


def find_known(ids: Sequence[str], wanted: Wanted, known: Known, is_old: Callable[[Record], bool]) -> KnownTickets:
    """Find what is known of these tickets (ids), where there are so many that it saves calls; the old ones are left unread."""
    kept = known(ids, wanted.history) if len(ids) > WITH_HISTORY else {}
    return KnownTickets(kept, {i: record for i, record in kept.items() if is_old(record)})


def read_tickets(crm: CRMReader, ids: Sequence[str], wanted: Wanted, known: KnownTickets) -> TicketsRead:
    """Give these tickets (ids) with what is wanted of them; those that are left unread as they are known.

    Where that takes fewer calls, those whose histories are known are read without; one that has changed since is then read
    with its own. Raises the port's errors.
    """
    if len(ids) <= WITH_HISTORY:
        return TicketsRead(_read_whole(crm, ids, wanted))
    kept, unread = known.kept, known.unread
    asked = [i for i in ids if i not in unread]
    to_check = [i for i in asked if i in kept]
    unchanged: Mapping[str, Record] = {}
    if _saves_calls(len(asked), len(to_check)):
        unchanged = _unchanged(crm, to_check, wanted, kept)
    whole = _read_whole(crm, [i for i in asked if i not in unchanged], wanted)
    to_keep = [
        TicketRead(record, wanted.history)
        for i, record in whole.found.items()
        if record.id == i and not record.absorbed
    ]
    found = {**unread, **unchanged, **whole.found}
    return TicketsRead(Reading(found, whole.faulty), to_keep, frozenset(unread))


def changed(crm: CRMReader, ids: Sequence[str], wanted: Wanted, known: Known) -> set[str]:
    """Find those of these tickets (ids) that are not, or not certainly, as they are known. Raises the port's errors."""
    kept = known(ids, wanted.history)
    return set(ids) - _unchanged(crm, sorted(kept, key=int), wanted, kept).keys()


def is_old(record: Record, now: datetime) -> bool:
    """Whether nothing has changed of a ticket for so long that passes leave it unread, if it is out of play."""
    return record.updated_at is not None and now - record.updated_at >= OLD_AFTER


def _read_whole(crm: CRMReader, ids: Sequence[str], wanted: Wanted) -> Reading[Record]:
    if not ids:
        return Reading({}, {})
    return _dated(crm.read_each(Kind.TICKET, ids, wanted.properties, wanted.history))


def _unchanged(crm: CRMReader, ids: Sequence[str], wanted: Wanted, kept: Mapping[str, Record]) -> dict[str, Record]:
    """Read these without their histories; those that are as they are known, with the histories that are known."""
    plain = crm.read_each(Kind.TICKET, ids, wanted.properties) if ids else Reading({}, {})
    return {
        i: replace(record, history=kept[i].history)
        for i, record in plain.found.items()
        if record.created_at is not None and _is_unchanged(record, kept[i], wanted.properties)
    }


def _saves_calls(number: int, known: int) -> bool:
    """Whether so many take fewer calls if those that are known are read without their histories first."""
    return calls_for(known, WITHOUT) + calls_for(number - known, WITH_HISTORY) < calls_for(number, WITH_HISTORY)


def calls_for(number: int, size: int) -> int:
    """Count the calls that so many records take, `size` a call."""
    return -(-number // size)


def _is_unchanged(record: Record, kept: Record, properties: Sequence[str]) -> bool:
    """Whether a ticket is still as it was when its histories were read: by its last change and by all that it shows.

    One that was merged never counts as such: what a merge moves is not documented (docs/hubspot.md 4.12).
    """
    return (
        record.id == kept.id
        and not record.absorbed
        and record.updated_at == kept.updated_at
        and all(record.properties[name] == kept.properties.get(name) for name in properties)
    )


def _dated(reading: Reading[Record]) -> Reading[Record]:
    """The same, but one that came without the time of its creation is faulty."""
    undated = {i: record for i, record in reading.found.items() if record.created_at is None}
    faulty = {i: Faulty(RecordRef(Kind.TICKET, one.id), (_NO_TIME,), one) for i, one in undated.items()}
    found = {i: record for i, record in reading.found.items() if i not in faulty}
    return Reading(found, {**reading.faulty, **faulty})
