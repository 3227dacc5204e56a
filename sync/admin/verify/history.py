"""Read from the CRM's visible histories what stood when. HubSpot keeps about 20 versions: what is older is not judged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sync.admin.inventory import Inventory
from sync.crm import CRMReader, Kind, RawVersion, moment_of
from sync.rules.model import T, Version


class NotJudgedError(Exception):
    """The visible history does not reach back to what would have to be seen."""


class _Histories:
    """The histories of some properties of records of one kind, read once and only when the first is asked for."""

    def __init__(self, crm: CRMReader, kind: Kind, ids: Iterable[str], names: Sequence[str]) -> None:
        self._crm = crm
        self._kind = kind
        self._ids = sorted(set(ids), key=int)
        self._names = list(dict.fromkeys(names))
        self._read: dict[str, Mapping[str, Sequence[RawVersion]]] | None = None

    def of(self, record: str, name: str) -> tuple[RawVersion, ...]:
        """The versions of one of the properties of one record (its id), newest first; raises the port's errors."""
        if self._read is None:
            records = self._crm.read(self._kind, self._ids, self._names, self._names)
            self._read = {i: record.history for i, record in records.items()}
        return tuple(self._read.get(record, {}).get(name, ()))


class TicketHistories(_Histories):
    """The histories of the stage, and of what else decides of a group's tickets."""

    def __init__(self, crm: CRMReader, names: Sequence[str], inventory: Inventory) -> None:
        """`names`: the properties, as the CRM calls them; the stage's first."""
        tickets = (ticket for context in inventory.contexts.values() for ticket in context.snapshot.tickets)
        super().__init__(crm, Kind.TICKET, (ticket.id for ticket in tickets), names)
        self.pending_approval = inventory.pending_approval  # the stage's id
        self.closed = inventory.closed  # of the stages that are, the ids

    def stage_of(self, ticket: str) -> tuple[RawVersion, ...]:
        """The versions of one ticket's stage (its id), newest first; raises the port's errors."""
        return self.of(ticket, self._names[0])


class PortfolioHistories(_Histories):
    """The histories of what rules read of a group's portfolios without a history: cadence and people."""

    def __init__(self, crm: CRMReader, names: Sequence[str], inventory: Inventory) -> None:
        super().__init__(crm, Kind.PORTFOLIO, (record.id for record in inventory.contexts), names)


def reaches(history: Sequence[Version[Any] | RawVersion], moment: datetime, what: str) -> None:
    """Raise `NotJudgedError` where the history (newest first) of `what` does not reach back to that moment."""
    if not history or history[-1].at > moment:
        raise NotJudgedError(too_short(what))


def too_short(what: str) -> str:
    """Say that the history of `what` begins too late."""
    return f"the visible history of {what} does not reach back that far"


def stood(history: Sequence[Version[Any]], value: object, since: datetime, until: datetime) -> bool | None:
    """Say whether the value stood at some time between two moments; None: the history (newest first) begins later."""
    for version in history:
        if version.at <= until:
            if version.value == value:
                return True
            if version.at <= since:
                return False
    return None


def standing(history: Sequence[Version[T]], since: datetime, until: datetime) -> Iterator[T]:
    """The values that stood at some time between two moments, by a history (newest first) as far as it reaches."""
    for version in history:
        if version.at <= until:
            yield version.value
            if version.at <= since:
                return


def day(text: str) -> date:
    """The day that a date property's value names, a day (ISO) or milliseconds."""
    moment = moment_of(text)
    assert moment is not None, "the service writes no other"
    return moment.date()
