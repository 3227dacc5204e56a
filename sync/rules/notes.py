"""The Notes that a text quotes: which of them, in which order, and how much of each. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from mappings.richtext import plain_text
from sync.rules.model import Note

MOST_QUOTED = 10
LONGEST_QUOTED = 4_000
"""How many Notes are quoted at most, and how many characters of them in all."""

_CUT = " …"
_SENTENCE_ENDS = re.compile(r"(?<=[.!?…])(?=\s)|(?=\n)")


def since(notes: Iterable[Note], bound: datetime) -> list[Note]:
    """Give the Notes that are not older than `bound`, newest first."""
    return sorted((note for note in notes if note.at >= bound), key=_age, reverse=True)


def quotation(
    notes: Sequence[Note], bound: datetime, by_manager: Callable[[Note], bool], name_of: Callable[[str], str]
) -> dict[str, Any]:
    """Give what a text may say of the Notes since `bound`: plain values, for `Context.variables`.

    `by_manager`: whether a Note is the Account Manager's word; those are quoted before any other. `name_of`: the name of
    an owner (an id), or ''.
    """
    found = since(notes, bound)
    of_manager = {note.id for note in found if by_manager(note)}
    quoted = _chosen(sorted(found, key=lambda note: note.id not in of_manager))
    return {
        "notes": [
            {
                "body": text,
                "at": note.at.isoformat(),
                "url": note.url,
                "author": name_of(note.by),
                "account_manager": note.id in of_manager,
                "files": note.files,
            }
            for note, text in sorted(quoted, key=lambda each: (each[0].id not in of_manager, _age(each[0])))
        ],
        "notes_more": len(found) - len(quoted),
        "notes_since": bound.isoformat(),
        "notes_only_older": bool(notes) and not found,
    }


def _age(note: Note) -> tuple[datetime, int]:
    return note.at, int(note.id)


def _chosen(notes: Iterable[Note]) -> list[tuple[Note, str]]:
    """As many of these, with their texts, as may be quoted; what goes before goes before."""
    chosen: list[tuple[Note, str]] = []
    room = LONGEST_QUOTED
    for note in notes:
        if len(chosen) == MOST_QUOTED:
            break
        text = plain_text(note.body)
        shown = shortened(text, room, at_any_price=not chosen)
        if text and not shown:
            break
        chosen.append((note, shown))
        room -= len(shown)
        if shown != text:
            break
    return chosen


def shortened(text: str, room: int, *, at_any_price: bool) -> str:
    """Give as many whole sentences as fit; '' where none does, unless `at_any_price`: then it is cut where a word ends."""
    if len(text) <= room:
        return text
    head = text[: max(room - len(_CUT), 0) + 1]
    ends = [match.start() for match in _SENTENCE_ENDS.finditer(head)]
    if ends and ends[-1] > 0:
        return text[: ends[-1]].rstrip() + _CUT
    if not at_any_price:
        return ""
    return (head[:-1].rsplit(None, 1) or [""])[0] + _CUT
