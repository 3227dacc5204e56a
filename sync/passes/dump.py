"""What is kept of a pass that failed: enough to find the fault, and no more. Pure."""

import pprint
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

TEXT_AT_MOST = 500
"""Characters of one text (a Note's body, a property's value) in a dump: what it says is seldom the fault."""

KEPT_AT_MOST = 60_000
"""Characters of all that is kept of one failed pass."""

_HEAD = 40_000


def dump(seen: object) -> str:
    """Write out what a decision was made on, long texts cut."""
    return pprint.pformat(_shortened(seen), width=100, compact=True)


def bounded(failure: str) -> str:
    """Leave out the middle of what is too long: it begins with what was seen, and ends with what went wrong."""
    over = len(failure) - KEPT_AT_MOST
    if over <= 0:
        return failure
    return f"{failure[:_HEAD]}\n… ({over:,} characters are left out)\n{failure[_HEAD + over :]}"


def _shortened(value: Any) -> Any:
    match value:
        case str():
            over = len(value) - TEXT_AT_MOST
            return value if over <= 0 else f"{value[:TEXT_AT_MOST]}… ({over:,} more characters)"
        case Mapping():
            return {key: _shortened(one) for key, one in value.items()}
        case tuple() if hasattr(value, "_fields"):
            return type(value)(*map(_shortened, value))
        case tuple():
            return tuple(map(_shortened, value))
        case _ if is_dataclass(value) and not isinstance(value, type):
            told = {field.name: _shortened(getattr(value, field.name)) for field in fields(value) if field.init}
            return replace(value, **told)
    return value
