"""A mapping as one text, and the digest that names it: processes compare theirs by it, an occurrence tells what decided it."""

import hashlib
import json

from mappings.schema import ProcessMapping

DIGITS = 16
"""Hexadecimal digits of a digest: two mappings of one agency never share sixteen."""


def canonical_text(mapping: ProcessMapping) -> str:
    """Write the whole mapping with all its texts as JSON, in one form: equal mappings are equal texts."""
    return json.dumps(mapping.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest_of(mapping: ProcessMapping) -> str:
    """Return the same 16 characters for mappings that are the same in all that they say, texts included.

    Comments, the order of keys and which file a text stands in do not count.
    """
    return hashlib.sha256(canonical_text(mapping).encode()).hexdigest()[:DIGITS]
