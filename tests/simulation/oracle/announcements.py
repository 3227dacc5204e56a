"""What the task and the emails of handoff 5 say of their Ad Set: what they must say, and what is read in them."""

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from tests.simulation.oracle.record import folder_of

Other = tuple[str, tuple[int, int] | None, bool]
"""Another set: its folder, how many of how many tickets are ready (None: all), and whether it is called almost the same."""

_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


class Said(NamedTuple):
    """docs/process.md 5.17, 5.23, 5.21. Tickets by their ids."""

    number: str
    """Which announcement it is: `second`…; empty for the first."""
    tickets: frozenset[str]
    fresh: frozenset[str]
    no_folder: frozenset[str]
    others: frozenset[Other]


def ordinal(number: int) -> str:
    """How the texts write it; empty for the first."""
    if number == 1:
        return ""
    return _ORDINALS[number] if number < len(_ORDINALS) else f"{number}th"


def read(text: str) -> Said:
    """Read the body of a task (HTML) or of an email."""
    number, part = "", "tickets"
    tickets: dict[str, set[str]] = {"tickets": set(), "fresh": set(), "before": set(), "left out": set()}
    others: set[Other] = set()
    for line in _lines(text):
        if "Most Recent Ad Lab Link" in line or "What to do" in line:
            break
        if (found := re.search(r"This is its (\S+) announcement in this refresh", line)) is not None:
            number = found[1]
        part = _heading(line) or part
        if part == "left out" and (other := _other(line)) is not None:
            others.add(other)
        elif (made := re.search(r"/record/0-5/(\d+)", line)) is not None:
            tickets[part].add(made[1])
    shown = tickets["tickets"] | tickets["fresh"] | tickets["before"]
    return Said(
        number, frozenset(shown), frozenset(tickets["fresh"]), frozenset(tickets["left out"]), frozenset(others)
    )


def _heading(line: str) -> str | None:
    headings = {"New since the last announcement": "fresh", "Announced before": "before", "Not among them": "left out"}
    return next((part for words, part in headings.items() if words in line), None)


def _lines(text: str) -> Iterator[str]:
    """A line an item, whatever it is broken into."""
    joined = re.sub(r"\n  (?=\S)", " ", text) if "<p>" not in text else re.sub(r"</(p|li)>", "\n", text)
    addressed = re.sub(r'<a href="([^"]*)">', r"\1 ", joined)
    yield from html.unescape(re.sub(r"<[^>]*>", "", addressed)).splitlines()


def _other(line: str) -> Other | None:
    found = re.search(r'the Ad Set [“"](.*?)[”"](?:, which is not ready \((\d+) of (\d+) in [^)]*\))?', line)
    if found is None:
        return None
    behind = None if found[2] is None else (int(found[2]), int(found[3]))
    return folder_of(found[1]), behind, "name is almost the same" in line.lower()


def called_almost_the_same(one: str, other: str) -> bool:
    """docs/process.md N.6, of two folders as `folder_of` gives them."""
    if one == other:
        return False
    first, second = _parts(one), _parts(other)
    if _run_together(first) == _run_together(second):
        return bool(first)
    if len(first) != len(second):
        return False
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    if any(min(len(a), len(b)) < 5 or not (a + b).isalpha() for a, b in pairs):
        return False
    return sum(_letters_apart(a, b) for a, b in pairs) <= 2


def _parts(folder: str) -> list[str]:
    """Words and numbers: whatever else people write between them is punctuation."""
    kinds = "".join(unicodedata.category(letter)[0] for letter in folder.replace("'", ""))
    letters = folder.replace("'", "")
    return [letters[m.start() : m.end()] for m in re.finditer(r"[LM]+|N+", kinds)]


def _run_together(parts: list[str]) -> str:
    return re.sub(r"(?<=\D) (?=\D)", "", " ".join(parts))


def _letters_apart(one: str, other: str) -> int:
    """The fewest letters to change, leave out or put in."""
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return _letters_apart(one[1:], other[1:])
    if abs(len(one) - len(other)) > 4:
        return 5
    return 1 + min(_letters_apart(one[1:], other[1:]), _letters_apart(one[1:], other), _letters_apart(one, other[1:]))
