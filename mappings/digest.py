"""A mapping as one text, and the digest that names it: processes compare theirs by it, an occurrence tells what decided it."""

import hashlib
import json
import weakref
from typing import Final

from mappings.schema import ProcessMapping

DIGITS = 16
"""Hexadecimal digits of a digest: two mappings of one agency never share sixteen."""


_KNOWN: Final[dict[int, str]] = {}
"""The digest of each mapping that is in use, by its `id`: no mapping changes, and every pass asks for that of its own."""


def canonical_text(mapping: ProcessMapping) -> str:
    """Write the whole mapping with all its texts as JSON, in one form: equal mappings are equal texts."""
    return json.dumps(mapping.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest_of(mapping: ProcessMapping) -> str:
    """Return the same 16 characters for mappings that are the same in all that they say, texts included.

    Comments, the order of keys and which file a text stands in do not count.
    """
    name = id(mapping)
    if name not in _KNOWN:
        _KNOWN[name] = hashlib.sha256(canonical_text(mapping).encode()).hexdigest()[:DIGITS]
        # Another mapping may come to have the same `id`.
        weakref.finalize(mapping, _KNOWN.pop, name, None).atexit = False
    return _KNOWN[name]
