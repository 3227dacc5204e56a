"""The texts of tasks and emails, rendered.

A task's body is HTML and escapes every value; subjects and emails are plain text. What people wrote in the CRM (a Note,
a link) reaches a template as text only, so that no template can pass its markup on.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache, lru_cache
from typing import Final, cast
from urllib.parse import urlsplit

from jinja2 import Environment as JinjaEnvironment
from jinja2 import StrictUndefined, Template, TemplateError, pass_environment
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from mappings.names import as_seen
from mappings.problems import MappingError, Problem
from mappings.richtext import plain_text, tidy
from mappings.schema import ProcessMapping
from mappings.vocabulary import EmailKind, Role, TaskKind
from mappings.words import KEYS, revision_word, words_of

Context = Mapping[str, object]
"""What a text may speak of: plain JSON values, the keys of `BLANK`."""

BLANK: dict[str, object] = {
    "portfolio": None,  # {id, name, url}; None for a ticket without one
    "today": "",  # ISO date
    "refresh_date": None,  # ISO date
    "days_until": None,  # from today to the refresh date; negative once it is past
    "unconfirmed": False,  # the date has come, and the client's yes is not noted
    "account_manager": "",  # the name of whoever does the Account Manager's work, where it is known
    "note": None,  # {body, at, url}: in a template the newest of `notes`; else HTML, quoted by version 0.2 or before
    "notes": [],  # of {body, at, url, author, account_manager, files}; body is plain text
    "notes_more": 0,  # how many more there are than are quoted
    "notes_since": None,  # since when they were left, an ISO moment
    "notes_only_older": False,  # there are none since then, but older ones
    "ticket": None,  # {id, subject, folder, url}
    "tickets": [],  # of {id, subject, url}
    "unfinished": [],  # of the same: the cycle's other open tickets, which nobody has approved
    "after_approval": [],  # of the same: those of `tickets` that were ready only after the client had approved
    "announcement": None,  # 2, 3 …: which announcement of the Ad Set in this cycle it is; None: the first
    "fresh": [],  # of the same: those of `tickets` that are new since the Ad Set was announced before
    "no_folder": [],  # of the same: the cycle's open tickets without a folder name, which are in no Ad Set
    "other_sets": [],  # of {folder, ready, of, alike}: other Ad Sets that are not ready, or called almost the same
    "folder": "",
    "ad_lab_link": "",
    "ad_lab_link_since": None,  # when it was last changed, an ISO moment; None: nobody knows
    "ad_lab_link_old": False,  # it was last changed before this refresh
    "next_date": None,  # ISO date
    "round": 0,  # the number of the round of revisions; 0: of none, or decided by version 0.2 or before
    "revision": "",  # what Needs Revisions asks for, in the CRM's words
    "role": "",  # the label of the role that is to read this; the kind of text decides it
    "reason": "",  # why a task is closed
}
"""Every key of a context with the value that stands for nothing."""

WORDS: Final = "words"
"""What a text has besides: what people call things, by the keys of `mappings.words`. No context holds it: labels change."""

_TICKETS = ("tickets", "unfinished", "after_approval", "fresh", "no_folder")

TASK_READER: Mapping[TaskKind, Role] = {
    TaskKind.KICKOFF: Role.ACCOUNT_MANAGER,
    TaskKind.CREATE_TICKETS: Role.SOCIAL_AD_SPECIALIST,
    TaskKind.WRITE_COPY: Role.COPYWRITER,
    TaskKind.DESIGN_GRAPHICS: Role.GRAPHIC_DESIGNER,
    TaskKind.SHARE_DELIVERABLES: Role.ACCOUNT_MANAGER,
    TaskKind.REVISE_COPY: Role.COPYWRITER,
    TaskKind.REVISE_GRAPHICS: Role.GRAPHIC_DESIGNER,
    TaskKind.IMPLEMENT: Role.SOCIAL_AD_SPECIALIST,
}
EMAIL_READER: Mapping[EmailKind, Role] = {
    EmailKind.KICKOFF: Role.ACCOUNT_MANAGER,
    EmailKind.DATE_ARRIVED: Role.SOCIAL_AD_SPECIALIST,
    EmailKind.SET_READY_ACCOUNT_MANAGER: Role.ACCOUNT_MANAGER,
    EmailKind.SET_READY_SOCIAL_AD_SPECIALIST: Role.SOCIAL_AD_SPECIALIST,
    EmailKind.CLIENT_APPROVED: Role.SOCIAL_AD_SPECIALIST,
    EmailKind.REFRESH_LIVE: Role.ACCOUNT_MANAGER,
}
"""Who reads which text. Two tables, because a task's kind and an email's may be equal as strings."""

LONGEST_SUBJECT = 200
LONGEST_QUOTE = 8_000
LONGEST_NAME = 300
LONGEST_LINK = 2_000
LONGEST_BODY = 60_000
"""Characters of a whole text: HubSpot takes 65,536, and lines and a key are added to a task's later."""

_SHORTER = (
    *((longest, LONGEST_NAME) for longest in range(180, 30, -10)),
    *((40, longest) for longest in range(180, 10, -10)),
)
"""How long names may be in a subject that is too long, step by step: the portfolio's, and all others."""

RENDERING_ERRORS = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)
"""What a template can raise: Jinja's own errors and those of the expressions in it."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ORDINALS = (
    "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip
_CUT = "…"
_ANYTHING = "\ue000"  # a private character: stands for any text where a subject's pattern is made


class Texts:
    """Renders the texts of one mapping; a context may leave out keys that have nothing to say."""

    def __init__(self, mapping: ProcessMapping, words: Mapping[str, str] | None = None) -> None:
        self._mapping = mapping
        self._words = words_of(mapping) | dict(words or {})
        self._speaking: tuple[Mapping[str, str], Texts] | None = None  # the words that were last asked for

    def speaking(self, words: Mapping[str, str]) -> "Texts":
        """The same texts in the portal's words, by the keys of `mappings.words`; one that is not among them is the mapping's."""
        if self._speaking is None or self._speaking[0] is not words:  # whoever sends many emails asks for each
            self._speaking = words, Texts(self._mapping, words)
        return self._speaking[1]

    def task(self, kind: TaskKind, variables: Context) -> tuple[str, str]:
        """Subject (one line) and body (HTML) of a task. `MappingError` if the mapping's text cannot be rendered."""
        texts, values = self._mapping.tasks[kind], self._values(variables, TASK_READER[kind])
        subject = _subject(texts.subject, values, key=f"tasks.{kind}.subject")
        return subject, _body(texts.body, values, html=True, key=f"tasks.{kind}.body")

    def email(self, kind: EmailKind, variables: Context) -> tuple[str, str]:
        """Subject (one line) and body (plain text) of an email. `MappingError` as for `task`."""
        texts, values = self._mapping.emails[kind], self._values(variables, EMAIL_READER[kind])
        subject = _subject(texts.subject, values, key=f"emails.{kind}.subject")
        return subject, _body(texts.body, values, html=False, key=f"emails.{kind}.body") + "\n"

    def closing_line(self, variables: Context) -> str:
        """The HTML to append to the body of a task that the service closes. `MappingError` as for `task`."""
        values = values_of(variables, self._mapping.zone, self._words)
        return tidy(_render(self._mapping.closing_line, values, html=True, key="closing_line"))

    def notes_line(self, variables: Context) -> str:
        """The HTML to append to the body of an open task for which Notes came late. `MappingError` as for `task`.

        It is found again by its text: so it is to be asked for in the mapping's own words, which no portal changes.
        """
        values = values_of(variables, self._mapping.zone, self._words)
        return tidy(_render(self._mapping.notes_line, values, html=True, key="notes_line"))

    def task_subjects(self, kind: TaskKind, variables: Context) -> frozenset[str]:
        """The subject of a task, and the one that 0.5 and before gave it, which cut off the end. `MappingError` as for `task`."""
        source, values = self._mapping.tasks[kind].subject, self._values(variables, TASK_READER[kind])
        key = f"tasks.{kind}.subject"
        return frozenset({_subject(source, values, key=key), one_line(_render(source, values, html=False, key=key))})

    def is_subject_of(self, kind: TaskKind, subject: str) -> bool:
        """Whether a task with this subject can be one of this kind, whatever record and date it speaks of.

        They are compared as a person sees them (`as_seen`). False for every subject if the mapping's consists of values
        alone.
        """
        line = one_line(subject)
        was_cut = len(line) == LONGEST_SUBJECT and line.endswith(_CUT)
        seen, begins = as_seen(line), as_seen(line.removesuffix(_CUT))
        return any(
            shape.whole.fullmatch(seen) or (was_cut and shape.begin and begins.startswith(shape.begin))
            for shape in _shapes(self._mapping.tasks[kind].subject)
        )

    def _values(self, variables: Context, reader: Role) -> dict[str, object]:
        values = values_of(variables, self._mapping.zone, self._words)
        revision = revision_word(self._mapping, self._words, values["revision"])
        return values | {"role": values["role"] or self._mapping.roles[reader].label, "revision": revision}


def values_of(variables: Context, zone: tzinfo, words: Mapping[str, str]) -> dict[str, object]:
    """The variables that a template sees: every key of `BLANK`, no record without a name, a Note's body as text, `words`.

    The times of Notes and of the link are shown in `zone`.
    """
    values = BLANK | dict(variables) | {WORDS: words}
    values["portfolio"] = _named(values["portfolio"], "name", "Portfolio") or {"id": "", "name": "", "url": ""}
    ticket = _named(values["ticket"], "subject", "Ticket")
    values["ticket"] = ticket and {"folder": ""} | ticket
    for key in _TICKETS:
        values[key] = [_named(each, "subject", "Ticket") for each in cast("list[object]", values[key])]
    other_sets = cast("list[dict[str, object]]", values["other_sets"])
    values["other_sets"] = [{**each, "folder": _short(each.get("folder"))} for each in other_sets]
    for key in ("account_manager", "folder", "revision", "role", "reason"):
        values[key] = _short(values[key])
    values["ad_lab_link"] = _address(values["ad_lab_link"])
    for key in ("ad_lab_link_since", "notes_since"):
        if values[key] is not None:
            values[key] = _local(values[key], zone)
    return values | _notes(values["note"], cast("Sequence[Mapping[str, object]]", values["notes"]), zone)


def _notes(note: object, notes: Sequence[Mapping[str, object]], zone: tzinfo) -> dict[str, object]:
    """`note` and `notes` as a template sees them; what version 0.2 or before has decided holds only the one."""
    if isinstance(note, Mapping) and not notes:
        body = plain_text(str(note.get("body") or ""))
        if len(body) > LONGEST_QUOTE:
            body = body[:LONGEST_QUOTE].rsplit(None, 1)[0] + " …"
        one = {"body": body, "at": _local(note.get("at"), zone), "url": str(note.get("url") or "")}
        return {"note": one, "notes": [_UNSIGNED | one]}
    quoted = [{**_UNSIGNED, **each, "at": _local(each.get("at"), zone)} for each in notes]
    newest = max(quoted, key=lambda each: str(each["at"]), default=None)
    return {"note": newest, "notes": quoted}


_UNSIGNED: dict[str, object] = {"author": "", "account_manager": False, "files": 0, "url": ""}
"""What is not known of a Note that was quoted by version 0.2 or before."""


def one_line(text: str) -> str:
    """The text on one line, trimmed, with single spaces and without control characters; too long a one ends in `…`."""
    return _cut(_on_one_line(text), LONGEST_SUBJECT)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + _CUT


def _on_one_line(text: str) -> str:
    shown = (
        text  # mostly
        if text.isprintable()
        else "".join(c if c.isprintable() or c == "\u200d" else " " * c.isspace() for c in text)
    )
    return " ".join(shown.split())


def _subject(source: str, values: Mapping[str, object], *, key: str) -> str:
    """A subject whose end tells it from others: where it is too long, names in it are shortened, the portfolio's first."""
    line = _on_one_line(_render(source, values, html=False, key=key))
    for longest_portfolio, longest in _SHORTER:
        if len(line) <= LONGEST_SUBJECT:
            break
        shortened = _with_short_names(values, longest_portfolio, longest)
        line = _on_one_line(_render(source, shortened, html=False, key=key))
    return one_line(line)


def _with_short_names(values: Mapping[str, object], longest_portfolio: int, longest: int) -> dict[str, object]:
    """The same with names of so many characters at most, the portfolio's own apart."""
    portfolio, ticket = (cast("dict[str, object] | None", values[key]) for key in ("portfolio", "ticket"))
    short: dict[str, object] = {
        key: _short(values[key], longest) for key in ("account_manager", "folder", "revision", "role", "reason")
    }
    if portfolio:
        short["portfolio"] = {**portfolio, "name": _short(portfolio["name"], longest_portfolio)}
    if ticket:
        names = {key: _short(ticket[key], longest) for key in ("subject", "folder")}
        short["ticket"] = {**ticket, **names}
    return {**values, **short}


@lru_cache(maxsize=512)
def compiled(source: str, *, html: bool) -> Template:
    """The template of a source. Jinja's `TemplateSyntaxError` if it is none."""
    return environment(html=html).from_string(source)


@cache
def environment(*, html: bool) -> JinjaEnvironment:
    """A sandbox in which an unknown name is an error, templates load nothing, and HTML escapes every value."""
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=html, trim_blocks=True, lstrip_blocks=True, cache_size=0
    )
    made.globals.clear()
    made.filters.update(FILTERS)
    return made


def _render(source: str, values: Mapping[str, object], *, html: bool, key: str) -> str:
    try:
        return compiled(source, html=html).render(values)
    except RENDERING_ERRORS as error:
        raise MappingError([Problem("", None, key, f"cannot be rendered for this record: {error}")]) from error


def _body(source: str, values: Mapping[str, object], *, html: bool, key: str) -> str:
    """The text of a body; of lists that make it longer than HubSpot takes a part is shown, and the rest counted."""
    for most in (None, 100, 50, 20, 5):
        text = tidy(_render(source, values if most is None else _cut_short(values, most), html=html, key=key))
        if len(text) <= LONGEST_BODY:
            return text
    message = f"is longer than HubSpot takes ({LONGEST_BODY:,} characters): shorten the text in the mapping"
    raise MappingError([Problem("", None, key, message)])


def _cut_short(values: Mapping[str, object], most: int) -> dict[str, object]:
    """The same with so many entries of each list at most, and one that counts the others."""
    shown = dict(values)
    for key in (*_TICKETS, "other_sets"):
        entries = cast("list[dict[str, object]]", values[key])
        rest = entries[most:]
        if rest:
            words = f"{_CUT} and {len(rest):,} more"
            summed = {each: sum(cast("int", one.get(each) or 0) for one in rest) for each in ("ready", "of")}
            one = {"folder": words, **summed, "alike": False} if key == "other_sets" else {"subject": words}
            shown[key] = [*entries[:most], {"id": "", "url": "", **one}]
    return shown


def _named(record: object, key: str, kind: str) -> dict[str, object] | None:
    """The record with a name to call it by, and with an address, be it empty; None for none."""
    if not isinstance(record, Mapping):
        return None
    named = {"id": "", "url": ""} | dict(record)
    named[key] = _short(named.get(key)) or (f"{kind} {named['id']}" if named["id"] else "")
    if "folder" in named:
        named["folder"] = _short(named["folder"])
    return named


def _short(value: object, longest: int = LONGEST_NAME) -> str:
    """A name, trimmed; of one that is longer than anybody reads the beginning and the end, which may tell it from others."""
    text = str(value or "").strip()
    if len(text) <= longest:
        return text
    tail = (longest - 1) // 3
    return text[: longest - 1 - tail].rstrip() + _CUT + text[-tail:].lstrip()


def _address(value: object) -> str:
    """An address, trimmed; one that is longer than anybody reads ends in `…`."""
    return _cut(str(value or "").strip(), LONGEST_LINK)


def _local(at: object, zone: tzinfo) -> str:
    try:
        moment = datetime.fromisoformat(str(at))
    except ValueError:
        return str(at or "")
    return (moment.astimezone(zone) if moment.tzinfo else moment).isoformat(timespec="minutes")


# --- filters ---------------------------------------------------------------------------------------------------------


def _day(value: object) -> str:
    """`2026-11-22` or an ISO moment → `Sun 22 Nov 2026`; what is no date stays as it is."""
    try:
        day = date.fromisoformat(str(value)[:10])
    except ValueError:
        return str(value) if value else "no date"
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def _moment(value: object) -> str:
    """`2026-11-22T09:30+…` → `Sun 22 Nov 2026, 09:30`; what has no time of day is shown as a day."""
    text = str(value or "")
    return f"{_day(text)}, {text[11:16]}" if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text) else _day(value)


def ordinal(value: object) -> str:
    """2 → `second`, 11 → `11th`, 23 → `23rd`; what is no number stays as it is."""
    if not isinstance(value, int):
        return str(value) if value else ""
    if 0 < value < len(_ORDINALS):
        return _ORDINALS[value]
    ending = "th" if value % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{ending}"


def _away(value: object) -> str:
    """A number of days from today → `today`, `tomorrow`, `in 12 days`, `3 days ago`."""
    if not isinstance(value, int):
        return str(value) if value else ""
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    return near.get(value) or (f"in {value} days" if value > 0 else f"{-value} days ago")


@pass_environment
def _link(env: JinjaEnvironment, url: object, label: object = "") -> str:
    """A link, if the address is one of the web: `<a>` in HTML, `label: address` in text. Otherwise the words alone."""
    address = str(url or "").strip()
    words = str(label or "").strip()
    if not _is_web(address):
        shown = words if words and not address else ": ".join(part for part in (words, address) if part)
        return escape(shown) if env.autoescape else shown
    if env.autoescape:
        return Markup('<a href="{}">{}</a>').format(address, words or address)
    return f"{words}: {address}" if words else address


@pass_environment
def _quote(env: JinjaEnvironment, value: object) -> str:
    """A passage of other people's text, set apart, its line breaks kept."""
    lines = str(value).split("\n")
    if env.autoescape:
        return Markup("<blockquote>{}</blockquote>").format(Markup("<br>").join(lines))
    return "\n".join(f"> {line}".rstrip() for line in lines)


@pass_environment
def _lines(env: JinjaEnvironment, value: object) -> str:
    """A text whose line breaks show in HTML too."""
    return Markup("<br>").join(str(value).split("\n")) if env.autoescape else str(value)


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not re.search(r"[\s\x00-\x1f<>\"\\]", address)


FILTERS: dict[str, Callable[..., str]] = {
    "day": _day,
    "moment": _moment,
    "away": _away,
    "ordinal": ordinal,
    "link": _link,
    "quote": _quote,
    "lines": _lines,
}
"""The filters that a text has besides Jinja's own."""


# --- subjects, read back ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a rendered subject looks like, by `as_seen`. `begin`: how one begins that was cut; '': that would fit any."""

    whole: re.Pattern[str]
    begin: str


@lru_cache(maxsize=64)
def _shapes(subject: str) -> tuple[_Shape, ...]:
    """What a rendered subject looks like, with and without the values that a record may lack."""
    shapes: set[str] = set()
    for values in (_ANY_VALUES, _ANY_VALUES | {"round": 0}, _ANY_VALUES | _LACKING):
        try:
            rendered = compiled(subject, html=False).render(values)
        except RENDERING_ERRORS:
            continue  # it speaks of a value that this shape lacks
        shapes.add(as_seen(rendered))
    return tuple(
        _shape(seen.split(_ANYTHING)) for seen in sorted(shapes) if re.search(r"\w", seen.replace(_ANYTHING, ""))
    )


def _shape(parts: list[str]) -> _Shape:
    whole = re.compile(".*".join(re.escape(part) for part in parts))
    return _Shape(whole, parts[0] if re.search(r"\w", parts[0]) else "")


_ANY_VALUES: dict[str, object] = {
    **dict.fromkeys(BLANK, _ANYTHING),
    "portfolio": dict.fromkeys(("id", "name", "url"), _ANYTHING),
    "note": dict.fromkeys(("body", "at", "url"), _ANYTHING),
    "notes": [dict.fromkeys(("body", "at", "url", "author", "account_manager", "files"), _ANYTHING)],
    "ticket": dict.fromkeys(("id", "subject", "folder", "url"), _ANYTHING),
    "tickets": [dict.fromkeys(("id", "subject", "url"), _ANYTHING)],
    "unfinished": [dict.fromkeys(("id", "subject", "url"), _ANYTHING)],
    "after_approval": [dict.fromkeys(("id", "subject", "url"), _ANYTHING)],
    "fresh": [dict.fromkeys(("id", "subject", "url"), _ANYTHING)],
    "no_folder": [dict.fromkeys(("id", "subject", "url"), _ANYTHING)],
    "other_sets": [dict.fromkeys(("folder", "ready", "of", "alike"), _ANYTHING)],
    WORDS: dict.fromkeys(KEYS, _ANYTHING),
}
_ALWAYS_GIVEN = frozenset(
    {"portfolio", "today", "refresh_date", "days_until", "folder", "ad_lab_link", "revision", "role", "reason"}
)
_LACKING = {name: blank for name, blank in BLANK.items() if name not in _ALWAYS_GIVEN}
"""What not every text is given, with the value that stands for nothing."""
