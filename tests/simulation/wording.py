"""The words by which admins call statuses, revisions and approvals, which they change in mapping and records (F.5).

Pipelines and stages have `stages` of their own.

What people mean is told in the packaged words; what stands in the CRM is the word of the day.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sync.sandbox import Sandbox
from sync.sandbox.process import Names
from tests.simulation import stages

NAMES: Final = Names()

_STATUSES: Final = dict(
    zip(
        (
            "refresh_request_submitted", "no_refresh_requested", "deliverables_submitted", "creatives_pending_approval",
            "creatives_approved", "creatives_implemented",
        ),
        (value for value, _ in NAMES.statuses),
        strict=True,
    )
)  # fmt: skip
_REVISIONS: Final = dict(
    zip(("copy", "graphic", "copy_and_graphic"), (value for value, _ in NAMES.revisions), strict=True)
)
"""The packaged word of each key of the mapping."""

_APPROVED: Final = "Approved"

PROPERTIES: Final = {
    "portfolio": {NAMES.status: tuple(_STATUSES.values())},
    "ticket": {
        NAMES.needs_revisions: tuple(_REVISIONS.values()),
        NAMES.copy_approval: (_APPROVED,),
        NAMES.graphic_approval: (_APPROVED,),
    },
}
"""The properties whose values are replaced, by the kind of record, each with its packaged words."""

Words = Mapping[str, str]
"""The words of the day, each by its packaged word; what is not named is called as the package does."""


def others_of(word: str) -> tuple[str, str]:
    """What admins may call it instead."""
    return f"{word} II", f"{word} (new)"


PACKAGED: Final = {
    one: word
    for of in PROPERTIES.values()
    for words in of.values()
    for word in words
    for one in (word, *others_of(word))
}
"""The packaged word of each word that may stand in the CRM."""

MOVED: Final = "IMPORT"
"""The source of what an admin moves from an old value to the new."""

WATCHED: Final = {name for of in PROPERTIES.values() for name in of} | {stages.PIPELINE, stages.STAGE}

_MEANT: Final = {**PACKAGED, **stages.PACKAGED}


def meant(name: str, value: str) -> str:
    """What people mean by a value that stands in a property, whatever the mapping says."""
    return _MEANT.get(value, value) if name in WATCHED else value


def said(values: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """What people write who mean these values."""
    return {name: words.get(value, value) if name in WATCHED else value for name, value in values.items()}


def mapping_of(words: Words) -> dict[str, Any]:
    """What the mapping says of them, as far as it differs from the packaged one."""
    if not words:
        return {}
    return {
        "portfolio": {"statuses": {key: words.get(word, word) for key, word in _STATUSES.items()}},
        "ticket": {
            "revisions": {key: words.get(word, word) for key, word in _REVISIONS.items()},
            "approved": words.get(_APPROVED, _APPROVED),
        },
    }


def define_words(sandbox: Sandbox) -> None:
    """Let the portal's people choose every word; an admin who takes an option away moves its records first."""
    portal = sandbox.portal
    for kind, properties in PROPERTIES.items():
        type_id = sandbox.process.names.object_type_id if kind == "portfolio" else portal.type(kind).id
        known = portal.types[type_id].properties
        for name, words in properties.items():
            more = tuple((other, other) for word in words for other in others_of(word))
            known[name] = replace(known[name], options=(*known[name].options, *more))


def merged(pieces: Any) -> dict[str, Any]:
    """One mapping of all pieces, key by key."""
    found: dict[str, Any] = {}
    for piece in pieces:
        for key, value in piece.items():
            found[key] = {**found.get(key, {}), **value} if isinstance(value, dict) else value
    return found
