"""What people call things in the portal: the words that a text has as `words.…`, so that no text goes on with an old one.

Most are labels of the portal, which tells them (`sync.passes.words`); where it does not, the mapping's own names stand in,
written as a person would.
"""

import re
from collections.abc import Mapping
from typing import Final

from mappings.names import same_to_the_eye
from mappings.schema import ProcessMapping
from mappings.vocabulary import Revision, Role, Status

REVISIONS: Final[Mapping[Revision, str]] = {
    Revision.COPY: "copy_revisions",
    Revision.GRAPHIC: "graphic_revisions",
    Revision.COPY_AND_GRAPHIC: "copy_and_graphic_revisions",
}
"""The word for each value of Needs Revisions."""

OF_PORTFOLIOS: Final = ("status", "refresh_date", "cadence", "ad_lab_link")
OF_TICKETS: Final = ("folder", "needs_revisions", "copy_approval", "graphic_approval")
"""The words for properties, by their keys in the mapping."""

STAGES: Final = ("in_progress", "pending_approval")

KEYS: Final = (
    "portfolio",
    *OF_PORTFOLIOS,
    *(status.value for status in Status if status is not Status.UNMAPPED),
    *OF_TICKETS,
    *REVISIONS.values(),
    *STAGES,
    "approved",
    *(role.value for role in Role),
)
"""Every word that there is."""

_FULL_NAME = re.compile(r"p[0-9]+_(\w+)", re.ASCII)
_TYPE_ID = re.compile(r"[0-9]+-[0-9]+")


def words_of(mapping: ProcessMapping) -> dict[str, str]:
    """Return every word by its key, as far as the mapping alone tells: names of properties as words, values as they are."""
    portfolio, ticket = mapping.portfolio, mapping.ticket
    of_portfolio, of_ticket = portfolio.properties.model_dump(), ticket.properties.model_dump()
    return {
        "portfolio": _object(portfolio.object),
        **{key: spoken(of_portfolio[key]) for key in OF_PORTFOLIOS},
        **{status.value: portfolio.statuses[status] for status in Status if status in portfolio.statuses},
        **{key: spoken(of_ticket[key]) for key in OF_TICKETS},
        **{REVISIONS[one]: ticket.revisions[one] for one in Revision if one in ticket.revisions},
        "in_progress": ticket.in_progress,
        "pending_approval": ticket.pending_approval,
        "approved": ticket.approved,
        **{role.value: mapping.roles[role].label for role in Role},
    }


def spoken(name: str) -> str:
    """An internal name as a label would have it: `copy_approval` → `Copy Approval`."""
    words = name.replace("_", " ").split()
    return " ".join(word if any(map(str.isupper, word)) else word[:1].upper() + word[1:] for word in words)


def revision_word(mapping: ProcessMapping, words: Mapping[str, str], value: object) -> object:
    """What people see for a value of Needs Revisions; of one that the mapping does not name, the value."""
    for one, known in mapping.ticket.revisions.items():
        if same_to_the_eye(known, str(value)):
            return words[REVISIONS[one]]
    return value


def _object(name: str) -> str:
    """One record of the object, by its name, its full name or its label; a type id says nothing."""
    if _TYPE_ID.fullmatch(name):
        return "Creative Portfolio"
    full = _FULL_NAME.fullmatch(name)
    return spoken(full[1] if full else name).removesuffix("s")
