"""Is a history that an answer leaves out one that passes have seen? Then it is absent, and not empty (docs/hubspot.md 4.6)."""

from collections.abc import Callable, Collection

from sync.crm import Faulty, Gap, Kind, Lack, Reading, Record, RecordRef

SeenWithStatus = Callable[[Collection[str]], Collection[str]]
"""Of these portfolios (ids), those of whose status the pass before has seen a version."""


def with_seen_histories(reading: Reading[Record], status: str, seen: SeenWithStatus) -> Reading[Record]:
    """Take a portfolio for faulty that came without the history of its `status` (the property's name), empty as that is.

    In a portal that leaves out the history of what was never set, that alone does not tell that anything is missing; that
    versions were seen of it does. Of other properties no rule takes their absence for a beginning.
    """
    suspects = {
        id_
        for id_, record in reading.found.items()
        if record.id == id_ and status not in record.history and not record.properties.get(status)
    }
    lacking = set(seen(suspects)) if suspects else set()
    if not lacking:
        return reading
    faulty = {id_: Faulty(RecordRef(Kind.PORTFOLIO, id_), (Gap(Lack.HISTORY, status),)) for id_ in lacking}
    found = {id_: record for id_, record in reading.found.items() if id_ not in lacking}
    return Reading(found, {**reading.faulty, **faulty})
