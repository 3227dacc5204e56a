"""When two names are the same: if a person sees the same.

People paste names from a Mac, from a document, from a chat. What comes along cannot be seen: another way to write the
same accent, a space that does not break, a mark that takes no room. Every name that a person or the mapping types is
compared by `as_seen`; what is written to the CRM and searched for there stays as it is spelled.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import lru_cache

_SHORTEST = 4
"""Letters of a word of a name that is compared by itself, where a near name is looked for."""

_INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # control characters, but those that are white space
    "\u00ad"  # the soft hyphen
    "\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # joiners and fillers of single scripts
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f"  # of no width; where the direction of writing changes
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # which variant of a character is meant
    "\ufeff\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"  # byte order, tags, and the like
    "]"
)
"""What takes no room: Unicode's `Default_Ignorable_Code_Point`, and control characters."""

_DASHES = "\u02d7\u2043\u2212"
"""The modifier letter, the bullet and the minus: dashes to the eye, though Unicode does not call them so (`Pd`)."""

_APOSTROPHES = str.maketrans(
    dict.fromkeys(
        "`\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u055a\u05f3\u1fbd\u1fbf\u1fef\u1ffd"
        "\u2018\u2019\u201b\u2032\u2035\ua78b\ua78c\uff07\uff40",
        "'",
    )
)
"""Quotation marks, primes and accents that stand alone: what keyboards and word processors put for an apostrophe."""


@lru_cache(maxsize=8192)  # the same few names of a portal are compared again and again
def as_seen(text: str) -> str:
    """Give a name in the form in which names are compared: equal for two names that a person sees as the same.

    Compatibility forms are one (NFKC: however an accent is composed, full width, ligatures), case does not matter (full
    case folding), what cannot be seen is dropped, all dashes are one, all apostrophes are one, runs of white space of any
    kind are one space, and none is at either end. The result is for comparing, not for showing: `as_seen` of it is itself.
    It is '' for a text in which there is nothing to see.
    """
    seen = _once(text)
    while seen != text:  # what one step removes or folds can bring together what another one composes
        text, seen = seen, _once(seen)
    return seen


def _once(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)  # first, so that it does not matter how the text was composed
    visible = _INVISIBLE.sub("", composed).translate(_APOSTROPHES)  # an accent alone is a space and a mark to NFKC
    folded = unicodedata.normalize("NFKC", visible).casefold()
    return " ".join("".join("-" if _is_dash(c) else c for c in folded).split())


def _is_dash(character: str) -> bool:
    return character in _DASHES or unicodedata.category(character) == "Pd"


def same_to_the_eye(one: str, other: str) -> bool:
    """Say whether a person sees the same name, see `as_seen`."""
    return one == other or as_seen(one) == as_seen(other)


def look_alikes(name: str, candidates: Collection[str]) -> list[str]:
    """Give those that a person sees as `name`, in their order; the one that is spelled so comes first."""
    seen = as_seen(name)
    found = [one for one in dict.fromkeys(candidates) if one == name or as_seen(one) == seen]
    return sorted(found, key=lambda one: one != name)


def meant(name: str, candidates: Collection[str]) -> str | None:
    """Give the one that `name` stands for: the one spelled so, else the first that looks the same; None: there is none."""
    if name in candidates:
        return name
    return next(iter(look_alikes(name, candidates)), None)


def nearly(wanted: str, names: Iterable[str], most: int) -> list[str]:
    """Give the names that may be meant, the nearest first: of each the whole, or a word of it, is nearly the same."""
    by_part: dict[str, str] = {}
    for name in names:
        whole = as_seen(name)
        for part in (whole, *(word for word in whole.split() if len(word) >= _SHORTEST)):
            by_part.setdefault(part, name)
    return list(dict.fromkeys(by_part[part] for part in get_close_matches(as_seen(wanted), by_part, n=most)))
