"""Property values: what HubSpot accepts on a write, how it stores and shows it (docs/hubspot.md 4.1)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from sync.clock import to_ms
from sync.sandbox.schema import Owner, Property

SEVERAL = "checkbox"
"""The field type of an enumeration, or of a user property, that holds several values at once: `one;other`."""


LONGEST = 65_536
"""Characters that a text holds at most (docs/hubspot.md 4.17)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value was refused, in the words of HubSpot's `Property values were not valid`."""

    property: str
    code: str
    message: str


class InvalidValueError(ValueError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@lru_cache(maxsize=65_536)
def iso(ms: int) -> str:
    """A moment as HubSpot prints it: milliseconds only where there are any."""
    text = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ms % 1000:03d}Z" if ms % 1000 else f"{text}Z"


def date_to_ms(value: str) -> str:
    """`YYYY-MM-DD` as milliseconds at midnight UTC; anything else, and the empty value, unchanged."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return value
    return str(to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC)))


def moment_ms(value: str) -> int:
    """A date or datetime value, ISO or milliseconds, as milliseconds. Raises `ValueError`."""
    if value.lstrip("-").isdigit():
        return int(value)
    parsed = datetime.fromisoformat(value)
    return to_ms(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))


def normalise(definition: Property, raw: object, owners: Mapping[str, Owner], *, archived_owners: bool) -> str:
    """The value as stored. Raises `InvalidValueError` with HubSpot's code for it."""
    value = _text(raw)
    if value == "":
        return value
    if definition.owner:
        several = value.split(";") if definition.field_type == SEVERAL else [value]
        return ";".join(_owner(one, owners, archived_owners) for one in several)
    match definition.type:
        case "enumeration":
            return _option(definition, value)
        case "date":
            return _date(value)
        case "datetime":
            return _datetime(value)
        case "number":
            return _number(value)
        case "bool":
            if value not in ("true", "false"):
                raise InvalidValueError("INVALID_BOOLEAN", f"{value} was not a valid boolean.")
    return value


def _text(raw: object) -> str:
    if raw is None:
        return ""
    if isinstance(raw, str):
        if len(raw) > LONGEST:
            raise InvalidValueError(
                "INVALID_STRING_LENGTH", f"The value has {len(raw)} characters, of {LONGEST} at most."
            )
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float):
        return str(raw)
    raise InvalidValueError("INVALID_VALUE", "Property values must be strings.")


def _owner(value: str, owners: Mapping[str, Owner], archived_owners: bool) -> str:
    owner = owners.get(value)
    if owner is None or (owner.archived and not archived_owners):
        raise InvalidValueError("INVALID_OWNER_ID", f"{value} was not a valid owner id.")
    return value


def _option(definition: Property, value: str) -> str:
    if definition.external:
        return value
    allowed = [option for option, _ in definition.options]
    chosen = value.split(";") if definition.field_type == SEVERAL else [value]
    for one in chosen:
        if one not in allowed:
            raise InvalidValueError("INVALID_OPTION", f"{one} was not one of the allowed options: {allowed}")
    return value


def _date(value: str) -> str:
    try:
        if not value.lstrip("-").isdigit():
            return datetime.strptime(value, "%Y-%m-%d").date().isoformat()  # noqa: DTZ007  # a date has no zone
        moment = datetime.fromtimestamp(int(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidValueError("INVALID_DATE", f"{value} was not a valid date.") from None
    if moment.time().isoformat() != "00:00:00":
        raise InvalidValueError("INVALID_DATE", f"{value} is at {moment.time()} UTC, not at midnight.")
    return moment.date().isoformat()


def _datetime(value: str) -> str:
    try:
        return iso(moment_ms(value))
    except (ValueError, OverflowError, OSError):
        raise InvalidValueError("INVALID_DATE", f"{value} was not a valid long.") from None


def _number(value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or value != value.strip():
        raise InvalidValueError("INVALID_INTEGER", f"{value} was not a valid number.")
    return value
