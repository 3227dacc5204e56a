"""When two names are nearly the same: one of them may be a slip of the hand.

Nothing is done because of it: whoever reads the two names is asked to look.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from mappings.names import as_seen

MISTYPED = 2
"""So many letters may be other, missing or too many, in all."""

LONG = 5
"""In words of at least so many letters; in a shorter one another letter makes another word."""


def differ_by_a_slip(one: str, other: str) -> bool:
    """Say whether two names differ by no more than a typing slip (docs/process.md N.6); not if they are the same.

    They do if they differ in punctuation and spaces alone ("Autumn-2026", "Autumn 2026"), or word for word in one or two
    letters, each in a word that has five or more in both names ("Sumer sale", "Summer sale"). Numbers must be the same.
    """
    first, second = as_seen(one), as_seen(other)
    if first == second or not (words := _words(first)) or not (others := _words(second)):
        return False
    return _joined(words) == _joined(others) or _is_mistyped(words, others)


def slips(names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give each two of these names that differ by a typing slip, in their order."""
    return ((one, other) for one, other in combinations(names, 2) if differ_by_a_slip(one, other))


def _words(seen: str) -> list[str]:
    """The words, numbers and pictures of a name; an apostrophe parts no word."""
    marked = "".join(f"\0{c}\0" if _is_picture(c) else c for c in seen.replace("'", ""))
    return re.findall(r"\d+|(?:[^\W\d_]|[\u0300-\u036f])+|\0.\0", marked)


def _is_picture(character: str) -> bool:
    """Whether it is a sign that says something, as an emoji does; those of a keyboard are punctuation."""
    return not character.isascii() and unicodedata.category(character).startswith("S")


def _joined(words: Sequence[str]) -> list[str]:
    """The same with nothing between letters: "Spring sale" and "Springsale" are written with the same letters."""
    joined: list[str] = []
    for word in words:
        if joined and word[0].isalpha() and joined[-1][0].isalpha():
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _is_mistyped(words: Sequence[str], others: Sequence[str]) -> bool:
    if len(words) != len(others):
        return False
    different = [(one, other) for one, other in zip(words, others, strict=True) if one != other]
    if not all(_is_long(one) and _is_long(other) for one, other in different):
        return False
    return sum(_distance(one, other) for one, other in different) <= MISTYPED


def _is_long(word: str) -> bool:
    return word[0].isalpha() and len(word) >= LONG


def _distance(one: str, other: str) -> int:
    """How many letters are other, missing or too many (Levenshtein); beyond `MISTYPED` it is only told that it is more."""
    if abs(len(one) - len(other)) > MISTYPED:
        return MISTYPED + 1
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for j, another in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != another)))
    return row[-1]
