"""A mapping in a few characters, to tell whether two processes go by the same one."""

import hashlib

from mappings.schema import ProcessMapping


def digest_of(mapping: ProcessMapping) -> str:
    """Return the same 16 characters for mappings that are the same in all that they say, texts included.

    Comments, the order of keys and which file a text stands in do not count.
    """
    return hashlib.sha256(mapping.model_dump_json().encode()).hexdigest()[:16]
