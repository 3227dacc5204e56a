"""The weekly letter's texts, rendered: one in plain text, and one as a page that a mail client shows.

What people wrote in the CRM reaches them as text, as it does every other text (`texts`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mappings.problems import MappingError, Problem
from mappings.richtext import tidy
from mappings.schema import ProcessMapping
from mappings.texts import RENDERING_ERRORS, WORDS, Context, compiled, one_line
from mappings.words import words_of

LISTED = 40
"""So many entries of each list a letter shows; `more` counts the others."""

_NONE_MORE = {"coming": 0, "stuck": 0, "waiting": 0, "worth_a_look": 0}

BLANK: Mapping[str, object] = {
    "week": "2026-11-23",  # ISO dates: its Monday and its Sunday
    "week_ends": "2026-11-29",
    "as_of": "2026-11-23T08:00-05:00",  # an ISO moment in the mapping's zone
    "clients": 0,
    "under_way": 0,
    "coming": [],  # of {day, what, portfolio: {id, name, url}, who, status}
    "stuck": [],  # of {portfolio, who, what, since, days}
    "waiting": [],  # of {what, where, reason}: what waits for an admin
    "worth_a_look": [],  # of {portfolio, what}
    "reasons": [],  # texts: why not all is well
    "lead_times": [],  # of {name, number, median, before, before_number, change}; days as text
    "live": 0,
    "declined": 0,
    "on_time": "–",
    "weeks_before": 12,
    "more": _NONE_MORE,
}
"""A context of a week in which nothing happens: every key that a letter may speak of."""

_ACME = {"id": "1", "name": "Acme", "url": "https://app.hubspot.com/p/1"}

FULL: Mapping[str, object] = {
    **BLANK,
    "clients": 60,
    "under_way": 12,
    "coming": [
        {"day": "2026-11-24", "what": "kickoff", "portfolio": _ACME, "who": "Amelia Marsh", "status": ""},
        {
            "day": "2026-11-26",
            "what": "Refresh Date",
            "portfolio": _ACME,
            "who": "",
            "status": "Deliverables Submitted",
        },
    ],
    "stuck": [
        {"portfolio": _ACME, "who": "Client", "what": "to answer", "since": "2026-11-02T09:30-05:00", "days": 21},
    ],
    "waiting": [{"what": "task kickoff", "where": "handoff 1, portfolio 1 “Acme”", "reason": "nobody is named"}],
    "worth_a_look": [{"portfolio": _ACME, "what": "“Autumn” and “Autum”: a typing slip?"}],
    "reasons": ["1 blocked: waiting for a person"],
    "lead_times": [
        {"name": "A review", "number": 4, "median": "2.5", "before": "3.1", "before_number": 40, "change": "shorter"},
    ],
    "live": 3,
    "declined": 1,
    "on_time": "7 of 8 turns (88 %)",
    "more": {**_NONE_MORE, "stuck": 2},
}
"""A context of a week that has everything."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it is sent. `html` is a whole page."""

    subject: str
    text: str
    html: str


def render(mapping: ProcessMapping, context: Context) -> Letter:
    """Write the letter of a week. Raises `MappingError` if one of the mapping's texts cannot be rendered."""
    values = {**BLANK, **context, WORDS: words_of(mapping)}
    texts = mapping.letter
    return Letter(
        one_line(_rendered(texts.subject, values, "subject", html=False)),
        tidy(_rendered(texts.text, values, "text", html=False)) + "\n",
        tidy(_rendered(texts.html, values, "html", html=True)) + "\n",
    )


def _rendered(source: str, values: Mapping[str, object], part: str, *, html: bool) -> str:
    try:
        return compiled(source, html=html).render(values)
    except RENDERING_ERRORS as error:
        raise MappingError(
            [Problem("", None, f"letter.{part}", f"cannot be rendered for this week: {error}")]
        ) from error
