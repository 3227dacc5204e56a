"""Tickets with their histories, in as few calls as what is known of them allows (docs/process.md C.17)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sync.crm import CRMReader, Faulty, Gap, Kind, Lack, Reading, Record, RecordRef
from sync.storage.ticket_histories import TicketRead

WITH_HISTORY, WITHOUT = 50, 100
"""How many records one call reads, with their histories and without (docs/hubspot.md 4.3)."""

_NO_TIME = Gap(Lack.PROPERTY, "createdAt")

Known = Callable[[Sequence[str], Sequence[str]], Mapping[str, Record]]
"""Gives those of some tickets (ids) whose histories, of the properties named, are known for certain as of their last change."""


@dataclass(frozen=True)
class TicketsRead:
    """What a read of tickets gave. `to_keep`: those that came with their histories, where knowing them saves calls."""

    reading: Reading[Record]
    to_keep: Sequence[TicketRead] = ()


def read_tickets(
    crm: CRMReader, ids: Sequence[str], properties: Sequence[str], history: Sequence[str], known: Known
) -> TicketsRead:
    """Read these tickets (ids) as they are now, with these properties and the histories of some.

    Where that takes fewer calls, those whose histories are known are read without; one that has changed since is then read
    with its own. Raises the port's errors.
    """
    if not ids:
        return TicketsRead(Reading({}, {}))
    if len(ids) <= WITH_HISTORY:
        return TicketsRead(_dated(crm.read_each(Kind.TICKET, ids, properties, history)))
    kept = known(ids, history)
    unchanged: Mapping[str, Record] = {}
    if _saves_calls(len(ids), len(kept)):
        plain = crm.read_each(Kind.TICKET, [i for i in ids if i in kept], properties)
        unchanged = {
            i: replace(record, history=kept[i].history)
            for i, record in plain.found.items()
            if _is_unchanged(record, kept[i], properties)
        }
    whole = crm.read_each(Kind.TICKET, [i for i in ids if i not in unchanged], properties, history)
    to_keep = [
        TicketRead(record, history) for i, record in whole.found.items() if record.id == i and not record.absorbed
    ]
    return TicketsRead(_dated(Reading({**unchanged, **whole.found}, whole.faulty)), to_keep)


def _saves_calls(number: int, known: int) -> bool:
    """Whether so many take fewer calls if those that are known are read without their histories first."""
    return _calls(known, WITHOUT) + _calls(number - known, WITH_HISTORY) < _calls(number, WITH_HISTORY)


def _calls(number: int, size: int) -> int:
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
