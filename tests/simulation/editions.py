"""The texts of tasks, emails and lines, which admins write anew in mid-life (docs/process.md F.1 and F.11).

Each new edition says of itself which it is, and else what the packaged text says: so the oracle reads all of them alike.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mappings.load import load

SUBJECT, BODY = "hs_task_subject", "hs_task_body"

_MARK: Final = re.compile(r"<p>Edition (\d)\.</p>|Edition (\d)\.\s")

TASKS: Final = {
    "Contact Client About Creative Refresh: ": "kickoff",
    "Create Deliverable Tickets for Refresh: ": "create_tickets",
    "Write Copy: ": "write_copy",
    "Design Graphics: ": "design_graphics",
    "Share Deliverables With Client: ": "share_deliverables",
    "Revise Copy: ": "revise_copy",
    "Revise Graphics: ": "revise_graphics",
    "Implement New Creatives for Refresh": "implement",
}
"""How the packaged subject of each kind of task begins."""

EMAILS: Final = {
    ("1", "email"): "kickoff",
    ("3", "email"): "date_arrived",
    ("5", "email am"): "set_ready_account_manager",
    ("5", "email sas"): "set_ready_social_ad_specialist",
    ("7", "email"): "client_approved",
    ("8", "email"): "refresh_live",
}
"""Each kind of email, by its handoff and its slot."""

Editions = Mapping[str, int]
"""Which edition each text is, by its place in the mapping, such as `tasks.kickoff.body`; 0, or not named: the packaged one."""

PLACES: Final = (
    *(f"tasks.{kind}.{part}" for kind in TASKS.values() for part in ("subject", "body")),
    *(f"emails.{kind}.{part}" for kind in EMAILS.values() for part in ("subject", "body")),
    "closing_line",
    "notes_line",
)


def plain(text: str) -> str:
    """A text without what tells its edition."""
    return _MARK.sub("", text) if "Edition " in text else text


def told(text: str) -> list[int]:
    """The editions that a text tells of, one after the other."""
    return [int(found[1] or found[2]) for found in _MARK.finditer(text)]


def edition_of(text: str) -> int:
    """The edition of a text that is of one piece."""
    return next(iter(told(text)), 0)


def mapping_of(editions: Editions) -> dict[str, Any]:
    """What a mapping with these texts says, as far as it differs from the packaged one."""
    found: dict[str, Any] = {}
    for place, edition in editions.items():
        if edition:
            *path, last = place.split(".")
            into = found
            for part in path:
                into = into.setdefault(part, {})
            into[last] = _text(place, edition)
    return found


def editions_of(values: Mapping[str, Any]) -> dict[str, int]:
    """Which edition each text of a mapping is that differs so from the packaged one."""
    found = {}
    for place in PLACES:
        value: Any = values
        for part in place.split("."):
            value = value.get(part, {}) if isinstance(value, Mapping) else {}
        if isinstance(value, str):
            found[place] = edition_of(value)
    return found


def _text(place: str, edition: int) -> str:
    mark = f"Edition {edition}. "
    html = place.startswith("tasks.") and place.endswith(".body")
    return f"<p>{mark.strip()}</p>{_packaged(place)}" if html else _marked(_packaged(place), mark)


def _marked(text: str, mark: str) -> str:
    """A line is a paragraph: what is said in it is said within."""
    head = re.match(r"(?:<\w+>)*", text)
    assert head is not None
    return head[0] + mark + text[head.end() :]


@cache
def _packaged(place: str) -> str:
    text: Any = json.loads(load(None).model_dump_json())
    for part in place.split("."):
        text = text[part]
    return (files("mappings") / text).read_text(encoding="utf-8") if text.endswith(".j2") else str(text)
