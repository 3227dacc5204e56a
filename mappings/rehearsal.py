"""Every text is rehearsed when a mapping is loaded, so that no record meets a text that cannot be rendered.

A text is tried on a record that has everything, on one that has no more than its kind always has, and on one whose
every value is an attack.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from difflib import get_close_matches
from functools import lru_cache
from html.parser import HTMLParser
from types import TracebackType
from typing import Final, Literal

from jinja2 import Template, TemplateSyntaxError, UndefinedError, nodes

from mappings import letter
from mappings.texts import BLANK, FILTERS, RENDERING_ERRORS, WORDS, compiled, environment, one_line, values_of
from mappings.vocabulary import EmailKind, TaskKind
from mappings.words import KEYS, spoken

_JINJAS_OWN = frozenset({"loop", "self", "caller", "varargs", "kwargs"})
_ATTACK = """"' onx-attack=1 ><x-attack>"""

_PORTFOLIO = {"id": "1", "name": "Acme", "url": "https://app.hubspot.com/p/1"}
_TICKET = {"id": "2", "subject": "Hero video", "folder": "Autumn", "url": "https://app.hubspot.com/t/2"}
_NOTES: list[object] = [
    {
        "body": "New logo, and no red.",
        "at": "2026-11-20T09:30:00+00:00",
        "url": "https://app.hubspot.com/n/3",
        "author": "Amelia Marsh",
        "account_manager": True,
        "files": 0,
    },
    {
        "body": "",
        "at": "2026-11-21T09:30:00+00:00",
        "url": "https://app.hubspot.com/n/6",
        "author": "",
        "account_manager": False,
        "files": 2,
    },
]

FULL: dict[str, object] = {
    "portfolio": _PORTFOLIO,
    "today": "2026-11-22",
    "refresh_date": "2026-12-07",
    "days_until": 15,
    "unconfirmed": True,
    "account_manager": "Amelia Marsh",
    "note": {"body": "<p>New logo</p>", "at": "2026-11-20T09:30:00+00:00", "url": "https://app.hubspot.com/n/3"},
    "notes": _NOTES,
    "notes_more": 3,
    "notes_since": "2026-11-01T05:00:00+00:00",
    "notes_only_older": False,
    "ticket": _TICKET,
    "tickets": [_TICKET, {"id": "4", "subject": "Banner", "url": "https://app.hubspot.com/t/4"}],
    "unfinished": [{"id": "5", "subject": "Story", "url": "https://app.hubspot.com/t/5"}],
    "after_approval": [{"id": "4", "subject": "Banner", "url": "https://app.hubspot.com/t/4"}],
    "announcement": 2,
    "fresh": [{"id": "4", "subject": "Banner", "url": "https://app.hubspot.com/t/4"}],
    "no_folder": [{"id": "6", "subject": "Carousel", "url": "https://app.hubspot.com/t/6"}],
    "other_sets": [{"folder": "Autum", "ready": 0, "of": 1, "alike": True}],
    "folder": "Autumn",
    "ad_lab_link": "https://adlab.example/acme",
    "ad_lab_link_since": "2026-10-01T12:00:00+00:00",
    "ad_lab_link_old": True,
    "next_date": "2027-01-07",
    "round": 2,
    "revision": "Copy and Graphic Revisions",
    "role": "Account Manager",
    "reason": "the client declined",
}
"""A context that has everything."""

_WORDS = {key: spoken(key) for key in KEYS}
LETTER: Final = "letter"

TextKind = TaskKind | EmailKind | Literal["letter"] | None
"""What a text is for; None is the closing line."""

_DATED = ("refresh_date", "days_until")
_SET = ("tickets", "folder")
_TASKS: Mapping[TaskKind, tuple[str, ...]] = {
    TaskKind.KICKOFF: _DATED,
    TaskKind.CREATE_TICKETS: _DATED,
    TaskKind.WRITE_COPY: ("ticket",),
    TaskKind.DESIGN_GRAPHICS: ("ticket",),
    TaskKind.SHARE_DELIVERABLES: _SET,
    TaskKind.REVISE_COPY: ("ticket", "revision"),
    TaskKind.REVISE_GRAPHICS: ("ticket", "revision"),
    TaskKind.IMPLEMENT: (),
}
_EMAILS: Mapping[EmailKind, tuple[str, ...]] = {
    EmailKind.KICKOFF: _DATED,
    EmailKind.DATE_ARRIVED: _DATED,
    EmailKind.SET_READY_ACCOUNT_MANAGER: _SET,
    EmailKind.SET_READY_SOCIAL_AD_SPECIALIST: _SET,
    EmailKind.CLIENT_APPROVED: (),
    EmailKind.REFRESH_LIVE: ("next_date",),
}
"""What a text of each kind can count on beside portfolio, today, role and reason."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a text; `line` counts from 1 within its source."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class _Stage:
    """What a text is rehearsed with: a context that has everything, one that lacks what it may, and how each is shown to it."""

    full: Mapping[str, object]
    sparse: Mapping[str, object]
    shown: Callable[[Mapping[str, object]], Mapping[str, object]]
    whose: tuple[str, str]  # the two contexts, as an admin is told of them

    @property
    def seen(self) -> Mapping[str, object]:
        """Every name that the text can speak of."""
        return {**self.full, WORDS: _WORDS}


def _stage(kind: TextKind) -> _Stage:
    if kind == LETTER:
        whose = ("a week that has everything", "a week in which nothing happens")
        return _Stage(letter.FULL, letter.BLANK, lambda context: {**context, WORDS: _WORDS}, whose)
    assert kind is None or isinstance(kind, TaskKind | EmailKind)
    whose = ("a record that has everything", "a record that lacks what it may")
    return _Stage(FULL, sparse(kind), lambda context: values_of(context, UTC, _WORDS), whose)


def sparse(kind: TaskKind | EmailKind | None) -> dict[str, object]:
    """A context that has no more than a text of this kind can count on; None is the closing line."""
    counted_on = () if kind is None else _TASKS[kind] if isinstance(kind, TaskKind) else _EMAILS[kind]
    return BLANK | {key: FULL[key] for key in ("portfolio", "today", "role", "reason", *counted_on)}


@lru_cache(maxsize=512)  # a mapping that is read again has its old texts, all but a few
def faults(source: str, kind: TextKind, *, html: bool, subject: bool = False) -> tuple[Fault, ...]:
    """Everything that is wrong with one text; nothing if every record of this kind can be served."""
    try:
        template = compiled(source, html=html)
    except TemplateSyntaxError as error:
        return (Fault(error.lineno, _syntax(error)),)
    except RENDERING_ERRORS as error:  # a constant expression is evaluated at once
        return (Fault(1, f"is no usable template: {error}"),)
    stage = _stage(kind)
    unknown = tuple(_unknown_names(source, stage.seen, html=html))
    return unknown or tuple(_rehearsed(template, stage, html=html, subject=subject))


def _rehearsed(template: Template, stage: _Stage, *, html: bool, subject: bool) -> Iterator[Fault]:
    for context, whose in zip((stage.full, stage.sparse), stage.whose, strict=True):
        try:
            rendered = template.render(stage.shown(context))
        except UndefinedError as error:
            name = _guard(error)
            yield Fault(_line_of(error.__traceback__), f"{error}: {name}")
            return
        except RENDERING_ERRORS as error:
            yield Fault(_line_of(error.__traceback__), f"fails for {whose}: {error}")
            return
        if not one_line(rendered):
            what = "subject" if subject else "text"
            yield Fault(1, f"gives an empty {what} for {whose}: write words that always stand")
            return
    if html and _lets_in(template, stage.seen):
        yield Fault(
            1,
            "lets a value of the CRM in as HTML: leave out `| safe`, put attributes in quotes, and write links as "
            '{{ ad_lab_link | link("…") }}',
        )


def _syntax(error: TemplateSyntaxError) -> str:
    message = error.message or "cannot be read"
    if message.startswith("No filter named"):
        name = message.split("'")[1]
        near = get_close_matches(name, environment(html=False).filters, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"besides Jinja's own there are {_listed(FILTERS)}"
        return f"there is no filter `{name}`: {hint}"
    return f"is no template: {message} (values stand in {{{{ … }}}}, conditions in {{% … %}})"


def _unknown_names(source: str, seen: Mapping[str, object], *, html: bool) -> Iterator[Fault]:
    tree = environment(html=html).parse(source)
    names = list(tree.find_all(nodes.Name))
    own = {name.name for name in names if name.ctx != "load"}  # what the text itself sets or loops over
    for name in names:
        if name.name not in seen and name.name not in own | _JINJAS_OWN:
            yield Fault(name.lineno, f"`{name.name}` is not known here: {_hint(name.name, seen)}")
    for attribute in tree.find_all(nodes.Getattr):
        owner = attribute.node
        shape = seen.get(owner.name) if isinstance(owner, nodes.Name) and owner.name not in own else None
        if isinstance(owner, nodes.Name) and isinstance(shape, dict) and attribute.attr not in shape:
            yield Fault(attribute.lineno, f"`{owner.name}` has no `{attribute.attr}`: {_hint(attribute.attr, shape)}")


def _hint(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"write one of {_listed(known)}"


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _guard(error: UndefinedError) -> str:
    if str(error).startswith("'None'"):
        return "not every record has it, so write {% if … %} around it"
    return "write a name that is there"


def _line_of(trace: TracebackType | None) -> int:
    """The template's line in a traceback that Jinja has rewritten."""
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _hostile(value: object) -> object:
    """The same value with every text in it an attack; addresses stay, for the service itself makes them."""
    if isinstance(value, dict):
        return {key: each if key == "url" else _hostile(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_hostile(each) for each in value]
    return f"javascript:{_ATTACK}" if isinstance(value, str) else value


class _Watch(HTMLParser):
    """Looks for what only an attack can have put there."""

    entered = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.entered |= tag == "x-attack" or any(
            name == "onx-attack" or (value or "").startswith("javascript:") for name, value in attrs
        )


def _lets_in(template: Template, seen: Mapping[str, object]) -> bool:
    try:
        rendered = template.render({key: _hostile(value) for key, value in seen.items()})
    except RENDERING_ERRORS:
        return False  # it calculates with a text: nothing came out
    watch = _Watch()
    watch.feed(rendered)
    watch.close()
    return watch.entered
