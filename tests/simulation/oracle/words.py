"""What happened, in the packaged words: an admin may call a status, a revision or a stage otherwise (docs/process.md F.5).

A version is read by the mapping that was in force when it was set, what stands by today's. A value that the mapping does not
name is told with a mark before it, as none of the process's own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.simulation import stages
from tests.simulation.editions import BODY, SUBJECT, edition_of, plain, told
from tests.simulation.event_log import Created, Event, Mailed, Merged, Ref, Remapped, Sent, Updated
from tests.simulation.wording import MOVED, PACKAGED, PROPERTIES, WATCHED, meant

STRANGE: Final = "?"
"""Before a value that the mapping in force does not name."""

_PACKAGED: Final = {word: word for of in PROPERTIES.values() for words in of.values() for word in words}

_PLACES: Final = {stages.PIPELINE, stages.STAGE}


@dataclass(frozen=True, slots=True)
class Reread(Event):
    """From now on these values stand on a record, and nobody has set them. `moved`: an admin has moved the record."""

    ref: Ref
    values: Mapping[str, str]
    moved: bool


def in_packaged_words(events: Iterable[Event]) -> list[Event]:
    """Tell it all in the packaged words, with what is read otherwise since the mapping, or a record, was moved on."""
    return list(_Reader().read(events))


class _Reader:
    def __init__(self) -> None:
        self._named: Mapping[str, str] = _named_by({})
        self._stands: dict[tuple[Ref, str], str] = {}  # as the CRM has it
        self._told: dict[tuple[Ref, str], str] = {}
        self._bodies: dict[Ref, list[int]] = {}  # the editions that a task's body tells of

    def read(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            match event:
                case Created(ref=ref, values=values):
                    self._note(ref, values)
                    texts = tuple(edition_of(values[name]) for name in (SUBJECT, BODY) if name in values)
                    self._bodies[ref] = told(values.get(BODY, ""))
                    yield replace(event, values=self._as_set(ref, values, own=event.own), editions=texts)
                case Updated(ref=ref, values=values) if event.source == MOVED:
                    self._note(ref, values)
                    yield from self._reread(event, ((ref, name) for name in values))
                case Updated(ref=ref, values=values):
                    self._note(ref, values)
                    line = self._last_line(ref, values.get(BODY, ""))
                    yield replace(event, values=self._as_set(ref, values, own=event.own), edition=line)
                    yield from self._reread(event, ((ref, name) for name in values))
                case Sent(updates=updates):
                    asked = tuple((ref, {n: self._name(n, v) for n, v in values.items()}) for ref, values in updates)
                    yield replace(event, updates=asked)
                case Mailed(subject=subject, text=text):
                    texts = (edition_of(subject), edition_of(text))
                    yield replace(event, subject=plain(subject), text=plain(text), editions=texts)
                case Merged():
                    self._merge(event)
                    yield event
                case Remapped(values=values):
                    self._named = _named_by(values)
                    yield event
                    yield from self._reread(event, list(self._stands))
                case _:
                    yield event

    def _note(self, ref: Ref, values: Mapping[str, str]) -> None:
        self._stands.update({(ref, name): value for name, value in values.items() if name in WATCHED})

    def _as_set(self, ref: Ref, values: Mapping[str, str], *, own: bool) -> dict[str, str]:
        """The service means what it writes, though another mapping is in force when it lands."""
        found = {
            name: meant(name, value) if own and name in WATCHED else self._name(name, value)
            for name, value in values.items()
        }
        self._told.update({(ref, name): value for name, value in found.items() if name in WATCHED})
        return found

    def _last_line(self, ref: Ref, body: str) -> int:
        """Of which edition a line is that was added to a task's body."""
        before, found = self._bodies.get(ref, []), told(body)
        self._bodies[ref] = found if body else before
        added = found[len(before) :] if found[: len(before)] == before else found
        return added[-1] if added else 0

    def _name(self, name: str, value: str) -> str:
        if name in {SUBJECT, BODY}:
            return plain(value)
        if name not in WATCHED or not value:
            return value
        if name in _PLACES and value not in stages.PACKAGED:
            return value  # of a pipeline that is for something else
        return self._named.get(value, f"{STRANGE}{value}")

    def _reread(self, event: Event, which: Iterable[tuple[Ref, str]]) -> Iterator[Event]:
        for ref, name in which:
            value = self._name(name, self._stands.get((ref, name), ""))
            if name in WATCHED and self._told.get((ref, name)) != value:
                self._told[ref, name] = value
                yield Reread(
                    event.number, event.at, ref, {name: value}, isinstance(event, Updated) and event.source == MOVED
                )

    def _merge(self, event: Merged) -> None:
        for of in (self._stands, self._told):
            for name in WATCHED:
                values = [of.pop((one, name), "") for one in (event.primary, event.other)]
                of[event.new, name] = next((value for value in values if value), "")


def _named_by(values: Mapping[str, Any]) -> dict[str, str]:
    """The packaged word of each word that a mapping names."""
    portfolio, ticket = values.get("portfolio", {}), values.get("ticket", {})
    places = stages.named_by(ticket)
    if "statuses" not in portfolio:
        return {**_PACKAGED, **places}
    named = (*portfolio["statuses"].values(), *ticket["revisions"].values(), ticket["approved"])
    return {**{word: PACKAGED[word] for word in named}, **places}
