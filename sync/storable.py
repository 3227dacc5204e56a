"""Text that every database, encoding and mail takes: half an emoji, as of a text cut short, is none (docs/hubspot.md 4.17)."""

import re
from typing import Final

_UNFIT: Final = re.compile("[\ud800-\udfff\0]")
_REPLACEMENT: Final = "\ufffd"


def storable_text(text: str) -> str:
    """Give the text with U+FFFD, the replacement character, for each lone surrogate and each NUL.

    UTF-8 has no lone surrogates, so that SQLite, a log, an email and a terminal refuse a text with one; PostgreSQL refuses NUL.
    """
    return _UNFIT.sub(_REPLACEMENT, text)


def storable(value: object) -> object:
    """Give the same decoded JSON with every text in it, names of fields too, as `storable_text` gives it."""
    match value:
        case str():
            return storable_text(value)
        case dict():
            return {storable_text(name): storable(inner) for name, inner in value.items()}
        case list():
            return [storable(inner) for inner in value]
        case _:
            return value
