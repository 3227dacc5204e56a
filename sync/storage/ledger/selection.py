"""What the statements of this package share: which rows are meant."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from sqlalchemy import and_, bindparam, literal_column, or_

from sync.crm import Kind, RecordRef
from sync.rules.model import NOT_YET, UNRESOLVED, OccurrenceState
from sync.storage.database import in_parts
from sync.storage.lists import is_among
from sync.storage.tables import effects, occurrences

OPEN = tuple(sorted(state.value for state in NOT_YET))


TRIED_AND_UNKNOWN = tuple(sorted(state.value for state in UNRESOLVED))


OF_PORTFOLIOS = is_among(occurrences.c.portfolio, "ids")


OF_TICKETS = and_(occurrences.c.record_kind == Kind.TICKET.value, is_among(occurrences.c.record, "tickets"))


OF_EITHER = or_(OF_PORTFOLIOS, OF_TICKETS)


IS_OPEN = occurrences.c.state == literal_column(f"'{OccurrenceState.OPEN.value}'")
"""The occurrence is open. Written out, so that the database sees that the index of just these serves."""


OF_OCCURRENCE = occurrences.c.key == bindparam("of_occurrence")


OF_EFFECT = effects.c.key == bindparam("of_effect")


OF_THESE = or_(
    and_(occurrences.c.record_kind == Kind.PORTFOLIO.value, is_among(occurrences.c.record, "ids")), OF_TICKETS
)


def portfolios_and_tickets(records: Iterable[RecordRef]) -> Iterable[dict[str, Sequence[str]]]:
    """The ids of both, as `OF_EITHER` and `OF_THESE` take them."""
    ids: dict[Kind, list[str]] = {Kind.PORTFOLIO: [], Kind.TICKET: []}
    for record in sorted(set(records)):
        ids[record.kind].append(record.id)
    return in_parts_of_both(ids[Kind.PORTFOLIO], ids[Kind.TICKET])


def in_parts_of_both(portfolios: Sequence[str], tickets: Sequence[str]) -> Iterable[dict[str, Sequence[str]]]:
    parts = zip_longest(in_parts(portfolios), in_parts(tickets), fillvalue=())
    return ({"ids": some, "tickets": others} for some, others in parts)
