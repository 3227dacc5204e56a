"""Compare single properties of the portal with what the mapping says of them: that they are there, their type, their values."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from mappings.names import look_alikes, meant, same_to_the_eye
from mappings.schema import CadenceMapping, PortfolioProperties, TicketProperties
from sync.admin.check.deployment import Misfits, Path
from sync.crm import Kind, PropertyDefinition

_Key = TypeVar("_Key", bound=str)

SHOWN = 8
"""So many names are listed before the rest is counted."""

_SEVERAL = "checkbox"
"""The field type of an enumeration that holds several values at once."""

_YES_OR_NO = ("Yes", "No")
"""What people see for `true` and `false`."""


@dataclass(frozen=True, slots=True)
class Named:
    """A property that the mapping names, and where; `definition` None: the portal does not have it."""

    key: Path
    definition: PropertyDefinition | None


def look_up_all(
    misfits: Misfits,
    kind: Kind,
    names: PortfolioProperties | TicketProperties,
    known: Mapping[str, PropertyDefinition],
) -> dict[str, Named]:
    """Look up every property of a section, by its internal name; missing ones are noted."""
    return {
        name: look_up(misfits, kind, (kind.value, "properties", key), name, known)
        for key, name in names.model_dump().items()
    }


def look_up(misfits: Misfits, kind: Kind, key: Path, name: str, known: Mapping[str, PropertyDefinition]) -> Named:
    """Look up one property by its internal name; a missing one is noted."""
    if name not in known:
        labelled = [one.name for one in known.values() if same_to_the_eye(one.label, name)]
        near = labelled or get_close_matches(name, known, n=1)
        if near:
            remedy = f"write {near[0]}" + (", its internal name" if labelled else "?")
        else:
            remedy = (
                "create the property in HubSpot, or write the internal name of another; if it is there and marked as "
                "sensitive, use one that is not, or give the app the scope for sensitive properties "
                "(….sensitive.read.v2)"
            )
        misfits.error(key, f"{kind}s have no property “{name}”", remedy)
    elif known[name].sensitive:
        misfits.warning(
            key,
            f"“{name}” is marked as sensitive: the app may read it, and whoever gets a task or email sees what it holds",
            "nothing, if that is meant; else write a property that is not sensitive",
        )
    return Named(key, known.get(name))


def expect_text(misfits: Misfits, named: Named, *, or_choice: bool = False) -> None:
    """Note a property that cannot hold text; with `or_choice` a choice will do."""
    key, definition = named.key, named.definition
    if definition is None or definition.type == "string" or (or_choice and definition.type == "enumeration"):
        return
    fits = "text or a choice" if or_choice else "text"
    misfits.error(key, f"“{definition.name}” is {_type(definition)}, and {fits} is needed", "write another property")


def expect_date(misfits: Misfits, named: Named) -> None:
    """Note a property that is no date without a time."""
    definition = named.definition
    if definition is not None and definition.type != "date":
        misfits.error(
            named.key,
            f"“{definition.name}” is {_type(definition)}, and a date without a time is needed",
            "make a property of the field type “Date picker” in HubSpot, and write its internal name",
        )


def expect_choice(misfits: Misfits, named: Named) -> bool:
    """Say whether it is a choice of one value at a time, whose options can be compared; else note that."""
    definition = named.definition
    if definition is None or not expect_single(misfits, named):
        return False
    if definition.type in {"enumeration", "string", "bool"}:
        return True
    misfits.error(
        named.key,
        f"“{definition.name}” is {_type(definition)}, and a choice is needed",
        "make a property of the field type “Dropdown select” in HubSpot, and write its internal name",
    )
    return False


def expect_single(misfits: Misfits, named: Named) -> bool:
    """Say whether it holds one value at a time; else note that."""
    definition = named.definition
    if definition is None or definition.type != "enumeration" or definition.field_type != _SEVERAL:
        return True
    misfits.error(
        named.key,
        f"“{definition.name}” is {_type(definition)}, and only one value can hold at a time",
        "make it a dropdown select in HubSpot, or write another property",
    )
    return False


def expect_owner(misfits: Misfits, named: Named) -> None:
    """Note a property that cannot name a person."""
    definition = named.definition
    if definition is not None and definition.owner and definition.field_type == _SEVERAL:
        misfits.warning(
            named.key,
            f"“{definition.name}” can name several people at once: where it does, the work of the role is blocked",
            "make it hold one person (Settings > Properties), or leave one in each record",
        )
    if definition is None or definition.owner:
        return
    remedy = "make a property of the field type “HubSpot user” in HubSpot, and write its internal name"
    what = f"“{definition.name}” is {_type(definition)}"
    if definition.type in {"string", "number", "enumeration"}:
        misfits.warning(named.key, f"{what}, not a user property: it must hold an owner's id or email", remedy)
    else:
        misfits.error(named.key, f"{what}, which can name nobody", remedy)


def expect_writable(misfits: Misfits, named: Named) -> None:
    """Note a property that HubSpot computes: the service has to write it."""
    if named.definition is not None and named.definition.read_only:
        misfits.error(
            named.key,
            f"“{named.definition.name}” is computed by HubSpot, and the service has to write it",
            "write another property",
        )


def compare_cadences(misfits: Misfits, named: Named, cadence: CadenceMapping) -> None:
    """Note what portal and mapping call differently. A number of days needs no values; a choice does, on both sides."""
    definition = named.definition
    if definition is None or definition.type in {"number", "string"} or not expect_choice(misfits, named):
        return
    if definition.external:
        return  # its options are not listed
    key = ("cadence", "values")
    unknown = [option for option in definition.options if cadence.interval(option) is None]
    if unknown:
        misfits.warning(
            key,
            f"“{definition.name}” can also be {_listed(unknown)}: how long is that? A portfolio with it is blocked "
            "when its next date is to be set",
            "write a line for each",
        )
    for value in cadence.values:
        note_look_alikes(misfits, key, value, definition, definition.options)
    never = [value for value in cadence.values if meant(value, definition.options) is None]
    if never:
        misfits.warning(
            key,
            f"nobody can choose {_listed(never)}: “{definition.name}” has no such option",
            f"compare with its options: {_listed(definition.options)}",
        )


def expect_option(misfits: Misfits, key: Path, value: str, named: Named) -> None:
    """Note a value of the mapping that the property cannot have; every one can be ''.

    Of a property whose options stand elsewhere (`externalOptions`) nobody can tell.
    """
    definition = named.definition
    if definition is None or not value or not definition.is_closed:
        return
    options, labels = definition.values, _YES_OR_NO if definition.type == "bool" else definition.labels
    if definition.takes(value):
        note_look_alikes(misfits, key, value, definition, options)
        return
    labelled = [option for option, label in zip(options, labels, strict=False) if same_to_the_eye(label, value)]
    near = labelled or get_close_matches(value, options, n=1)
    if labelled:
        remedy = f"write `{labelled[0]}`, the internal value of what people see as “{value}”"
    elif near:
        remedy = f"write `{near[0]}`?"
    else:
        remedy = f"add the option in HubSpot, or write one of {_listed(options) or 'those that you add: it has none'}"
    misfits.error(key, f"“{definition.name}” has no option with the internal value “{value}”", remedy)


def note_look_alikes(
    misfits: Misfits, key: Path, value: str, definition: PropertyDefinition, options: Collection[str]
) -> None:
    """Note options that a person cannot tell from each other, and which of them a value of the mapping means."""
    first, *others = look_alikes(value, options) or [value]
    if others:
        misfits.warning(
            key,
            f"“{definition.name}” has options that look the same, {_listed([first, *others])} (internal values): "
            f"`{first}` is meant, and is what is written; a record with another is taken to have it too, where the mapping "
            "does not name that one",
            "leave one of them in HubSpot",
        )


def note_same_values(misfits: Misfits, key: Path, values: Mapping[_Key, str]) -> None:
    """Note values of the mapping (by the last part of their key) that a person cannot tell from each other."""
    for name, value in values.items():
        alike = [other for other, its in values.items() if same_to_the_eye(its, value)]
        if alike[0] == name and len(alike) > 1:
            misfits.warning(
                (*key, name),
                f"{_listed(alike)} look the same: a record has the one whose value is spelled just so, else “{name}”",
                "write values that a person can tell from each other",
            )


def report_unnamed(misfits: Misfits, key: Path, named: Named, values: Iterable[str], then: str) -> None:
    """Note the options of the portal that the mapping does not name; `then`: what follows from that."""
    if named.definition is None:
        return
    mapped = list(values)
    others = [option for option in named.definition.options if meant(option, mapped) is None]
    if others:
        misfits.warning(
            key,
            f"“{named.definition.name}” can also be {_listed(others)}, which the mapping does not name: {then}",
            "nothing, if that is meant; else correct the internal values",
        )


def _type(definition: PropertyDefinition) -> str:
    """`of the type enumeration (checkbox)`: as HubSpot's API calls it."""
    return f"of the type {definition.type}" + (f" ({definition.field_type})" if definition.field_type else "")


def _listed(values: Sequence[str]) -> str:
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(f"“{value}”" for value in values[:SHOWN]) + more
