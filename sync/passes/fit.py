"""What the mapping names and the portal has not: a sentence for each, which says what there is and what to change. Pure.

What stands here keeps every pass from beginning, as long as it lasts: `handoffs check` finds the same, and more that is no
reason to stop.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence

from mappings.schema import ProcessMapping
from sync.crm import Kind, PropertyDefinition

Definitions = Mapping[Kind, Mapping[str, PropertyDefinition]]
"""By object, the portal's properties by name."""

_SHOWN = 8
"""So many options are listed before the rest is counted."""


def missing_properties(
    mapping: ProcessMapping,
    known: Definitions,
    archived: Callable[[Kind], Container[str]] = lambda _: (),
) -> list[str]:
    """Write a sentence for each property that the mapping names and the portal has not; `known` are those it has.

    Objects that `known` does not have are left out. `archived`: properties that somebody has archived. It is asked only
    where one is missing.
    """
    found = []
    for kind, names in _named(mapping).items():
        missing = {key: name for key, name in names.items() if kind in known and name not in known[kind]}
        restorable: Container[str] = archived(kind) if missing else ()
        found += [
            f"{key}: the property “{name}” of the portal's {kind} is archived. Restore it, or change the mapping (MAPPING)."
            if name in restorable
            else f"{key}: the portal's {kind} has no property “{name}”. Change the mapping (MAPPING)."
            for key, name in missing.items()
        ]
    return found


def missing_values(mapping: ProcessMapping, known: Definitions) -> list[str]:
    """Write a sentence for each value of the mapping that its property cannot have, and for a date that is none.

    `known` has every property that the mapping names. A status that nobody can choose would keep a cycle from ever closing,
    and a condition that nothing can meet all portfolios from being served, without a word. A cadence that is not named is
    said where it is needed.
    """
    return [*_without_option(mapping, known), *_never_met(mapping, known), *_date_of_another_type(mapping, known)]


def named_values(mapping: ProcessMapping) -> Iterator[tuple[Kind, str, str, str]]:
    """List each value that the mapping names of a property: the object, the property, the mapping's key, the value."""
    portfolio, ticket = mapping.portfolio, mapping.ticket
    for status, value in portfolio.statuses.items():
        yield Kind.PORTFOLIO, portfolio.properties.status, f"portfolio.statuses.{status}", value
    for revision, value in ticket.revisions.items():
        yield Kind.TICKET, ticket.properties.needs_revisions, f"ticket.revisions.{revision}", value
    for name in (ticket.properties.copy_approval, ticket.properties.graphic_approval):
        yield Kind.TICKET, name, "ticket.approved", ticket.approved
        yield Kind.TICKET, name, "ticket.approval_reset", ticket.approval_reset


def _named(mapping: ProcessMapping) -> dict[Kind, dict[str, str]]:
    """Every property that the service cannot do without, by the mapping's key for it."""
    portfolio, ticket = mapping.portfolio, mapping.ticket
    return {
        Kind.PORTFOLIO: {
            **{f"portfolio.properties.{key}": name for key, name in portfolio.properties.model_dump().items()},
            **{f"portfolio.owners.{role}": name for role, name in portfolio.owners.items()},
            **{f"portfolio.condition[{n}].property": c.property for n, c in enumerate(portfolio.condition)},
        },
        Kind.TICKET: {
            # Its owners are optional: where they are not, the portfolio's do the work.
            f"ticket.properties.{key}": name
            for key, name in ticket.properties.model_dump().items()
        },
    }


def _without_option(mapping: ProcessMapping, known: Definitions) -> Iterator[str]:
    for kind, name, key, value in named_values(mapping):
        definition = known[kind][name]
        if not definition.takes(value):
            yield (
                f"{key}: the property “{name}” of the portal's {kind} cannot be “{value}”. It has: "
                f"{_listed(definition.values)}. Write one of these into the mapping (MAPPING), or add the option in HubSpot."
            )


def _never_met(mapping: ProcessMapping, known: Definitions) -> Iterator[str]:
    for n, condition in enumerate(mapping.portfolio.condition):
        definition = known[Kind.PORTFOLIO][condition.property]
        if not any(definition.takes(value) for value in condition.values):
            yield (
                f"portfolio.condition[{n}].in: no portfolio can meet it: the property “{condition.property}” cannot be "
                f"{_listed(condition.values)}. It has: {_listed(definition.values)}. Write one of these into the mapping "
                "(MAPPING), or leave the condition out."
            )


def _date_of_another_type(mapping: ProcessMapping, known: Definitions) -> Iterator[str]:
    name = mapping.portfolio.properties.refresh_date
    definition = known[Kind.PORTFOLIO][name]
    if definition.type != "date":
        yield (
            f"portfolio.properties.refresh_date: the property “{name}” of the portal's portfolio is of the type "
            f"{definition.type}, and a date without a time is needed. Change the mapping (MAPPING)."
        )


def _listed(values: Sequence[str]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return (", ".join(f"“{value}”" for value in values[:_SHOWN]) or "no option at all") + more
