"""Values that stand on a record although its property, or its pipeline, has no such option: somebody deleted it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mappings.names import meant
from mappings.schema import ProcessMapping
from sync.crm import Kind, RecordRef
from sync.rules.context import Choices
from sync.rules.model import Portfolio, Snapshot, Ticket

BETWEEN_OPTIONS = ";"
"""What stands between the options of a property that may have several."""


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A value of a record that is none of its property's options."""

    record: RecordRef
    name: str  # the property's
    value: str

    @property
    def choice(self) -> tuple[Kind, str, str]:
        """The same without the record."""
        return self.record.kind, self.name, self.value


def unlisted_in(snapshot: Snapshot, mapping: ProcessMapping, options: Choices) -> Iterator[Unlisted]:
    """List those of a portfolio and of all its open tickets; `options`: see `Context.options`."""
    if snapshot.portfolio is not None:
        yield from unlisted_on_portfolio(snapshot.portfolio, mapping, options)
    yield from unlisted_on_tickets((one for one in snapshot.tickets if one.is_open), mapping, options)


def unlisted_on_portfolio(portfolio: Portfolio, mapping: ProcessMapping, options: Choices) -> Iterator[Unlisted]:
    """List its status, if that is no option."""
    return _unlisted(portfolio, (mapping.portfolio.properties.status,), options)


def unlisted_on_tickets(tickets: Iterable[Ticket], mapping: ProcessMapping, options: Choices) -> Iterator[Unlisted]:
    """List the stages, the values of Needs Revisions and the approvals that are no options."""
    names = mapping.ticket.properties
    for ticket in tickets:
        judged_by = (names.stage, names.needs_revisions, names.copy_approval, names.graphic_approval)
        yield from _unlisted(ticket, judged_by, options)


def _unlisted(record: Portfolio | Ticket, properties: Iterable[str], options: Choices) -> Iterator[Unlisted]:
    ref, raw = record.ref, record.raw
    for name in properties:
        if (value := raw.get(name)) and _is_unlisted(value, options.get((ref.kind, name), ())):
            yield Unlisted(ref, name, value)


def _is_unlisted(value: str, known: Sequence[str]) -> bool:
    if not known or value in known:  # so it is nearly always
        return False
    return any(meant(one, known) is None for one in _parts(value))


def _parts(value: str) -> list[str]:
    return [one for one in value.split(BETWEEN_OPTIONS) if one.strip()]
