"""One record as the CRM shows it, with all of its versions; a task of the service's; what people read in a folder's name."""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from tests.simulation.event_log import Ref

MARKED = "[handoff "
"""How the mark begins in the body of a task that carries its key there (K.1)."""

NOBODY = Ref("portfolio", "?")
"""No portfolio has the name that an email names: it was merged away, or never was."""

AM, SAS, CW, GD = "account_manager", "social_ad_specialist", "copywriter", "graphic_designer"

TASKS = {
    "Contact Client About Creative Refresh: ": ("1", AM),
    "Create Deliverable Tickets for Refresh: ": ("3", SAS),
    "Write Copy: ": ("4", CW),
    "Design Graphics: ": ("4", GD),
    "Share Deliverables With Client: ": ("5", AM),
    "Revise Copy: ": ("6", CW),
    "Revise Graphics: ": ("6", GD),
    "Implement New Creatives for Refresh": ("7", SAS),
}
"""How the subject of each task begins: its handoff and its role (mappings/creative_refresh.yaml, `tasks`)."""


class Version(NamedTuple):
    number: int
    at: int
    value: str
    own: bool


@dataclass(slots=True)
class Rec:
    """One record, with every version of its properties."""

    ref: Ref
    number: int
    at: int
    values: dict[str, str]
    archived: bool = False
    history: dict[str, list[Version]] = field(default_factory=lambda: defaultdict(list))
    links: dict[Ref, set[str]] = field(default_factory=lambda: defaultdict(set))
    lives: list[tuple[int, bool]] = field(default_factory=list)
    """When it was archived (False) and restored (True)."""
    readings: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    """What stands, as another mapping reads it, each with the number from which on it does (F.5)."""
    given: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Values that a merge has left without a version that counts (M.8, M.9), each with the number of that merge."""

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def as_of(self, name: str, number: int) -> str:
        value, since = "", -1
        for version in self.history.get(name, ()):
            if version.number > number:
                break
            value, since = version.value, version.number
        read = [one for one in self.readings.get(name, ()) if since < one[0] <= number]
        since, value = read[-1] if read else (since, value)
        merge, left = self.given.get(name, (-1, ""))
        return left if since < merge <= number else value

    def lived_at(self, number: int) -> bool:
        alive = True
        for when, lives in self.lives:
            if when <= number:
                alive = lives
        return alive

    def lived_since(self, number: int) -> bool:
        """Whether it was there then, and was never deleted since."""
        return self.lived_at(number) and all(lives for when, lives in self.lives if when > number)


@dataclass(slots=True)
class Task:
    """A task that the service made."""

    rec: Rec
    kind: str
    parent: Ref | None
    """The portfolio that it is on; None: made on a ticket that has none."""
    ticket: Ref | None
    number: int
    cause: int = 0
    """What it was made for, where that is older: a version of Needs Revisions, or the beginning of its cycle."""
    joined: int = 0
    """The merge that brought it here, of the running cycle of the other record: it is of the running one since (M.9)."""
    ended: bool = False
    """Its cycle was another record's, and had ended when that one was merged into this."""

    brought: bool = False
    """It was made for a ticket that was merged into the one that it is for now."""

    @property
    def began(self) -> int:
        """What it was made for, or else when it was: the cycle of that moment is its own."""
        return self.joined or self.cause or self.number

    @property
    def since(self) -> int:
        """When it came to be one of this record's."""
        return self.joined or self.number

    @property
    def open(self) -> bool:
        return not self.rec.archived and self.rec["hs_task_status"] != "COMPLETED"

    @property
    def has_lost_its_mark(self) -> bool:
        """Whether its key stood in its body, and a person has replaced that (K.5)."""
        bodies = self.rec.history.get("hs_task_body", [])
        return bool(bodies) and MARKED in bodies[0].value and MARKED not in self.rec["hs_task_body"]

    def completed_since(self, number: int) -> bool:
        versions = self.rec.history.get("hs_task_status", ())
        return any(version.value == "COMPLETED" and version.number > number for version in versions)

    def open_at(self, number: int) -> bool:
        return self.rec.lived_at(number) and self.rec.as_of("hs_task_status", number) != "COMPLETED"


class Closing(NamedTuple):
    number: int
    at: int
    declined: bool
    unsure: bool = False
    """It counts only just, so that the service may not know it yet."""


_FORMS_OF_DASH = "-‐‑‒–—―−"
_FORMS_OF_APOSTROPHE = "'‘’‛`´ʼ′"


@lru_cache(maxsize=4096)  # asked for every ticket of a set, after every event
def folder_of(raw: str) -> str:
    """The folder that a person reads there (docs/process.md N.1), as far as the people of a story write one."""
    letters = []
    for letter in unicodedata.normalize("NFC", raw):
        if letter in _FORMS_OF_DASH:
            letters.append("-")
        elif letter in _FORMS_OF_APOSTROPHE:
            letters.append("'")
        elif letter.isspace():
            letters.append(" ")
        elif unicodedata.category(letter) not in {"Cc", "Cf"} and not "\ufe00" <= letter <= "\ufe0f":
            letters.append(letter)
    plain = unicodedata.normalize("NFKC", "".join(letters)).casefold()
    return re.sub(" +", " ", unicodedata.normalize("NFKC", plain)).strip(" ")
