"""One event of a timeline, and how events that belong together become one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from mappings.vocabulary import Handoff
from sync.crm import RecordRef, moment_of

SERVICE = "the service"

TOGETHER = timedelta(minutes=1)
"""What the same person does to several records within this time is one event."""


@dataclass(frozen=True, slots=True)
class Place:
    """A record that an event is about. `name` may be empty."""

    record: RecordRef
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody did something: `who` `before` the places `after`, such as Ada · moved · ticket 12 · to “In Progress”."""

    at: datetime
    who: str
    before: str
    after: str = ""
    places: tuple[Place, ...] = ()  # empty: the portfolio itself
    handoff: Handoff | None = None  # what the service did; None: what happened in the CRM
    trouble: bool = False  # it has not been done, or nobody knows whether it was

    @property
    def text(self) -> str:
        """What was done, in words."""
        on = "for" if self.handoff is not None and self.places else ""
        return " ".join(part for part in (self.before, on, _listed(self.places), self.after) if part)

    def as_json(self) -> dict[str, object]:
        return {
            "at": self.at.isoformat(),
            "who": self.who,
            "text": self.text,
            "handoff": None if self.handoff is None else self.handoff.value,
            "trouble": self.trouble,
            "records": [{**place.record.as_json(), "name": place.name, "url": place.url} for place in self.places],
        }


def join(events: Sequence[Event]) -> list[Event]:
    """Join events (oldest first) of one kind on several records, and what the service did at once for one handoff."""
    joined: list[Event] = []
    for event in events:
        before = next(
            (
                n
                for n in range(len(joined) - 1, -1, -1)
                if joined[n].at > event.at - TOGETHER and _alike(joined[n], event)
            ),
            None,
        )
        if before is None:
            joined.append(event)
        else:
            places = dict.fromkeys((*joined[before].places, *event.places))
            joined[before] = replace(joined[before], places=tuple(places))
    return _by_handoff(joined)


def _alike(one: Event, other: Event) -> bool:
    return bool(other.places) and replace(one, at=other.at, places=other.places) == other


def _by_handoff(events: Sequence[Event]) -> list[Event]:
    """Join all that the service did at one time for one handoff and the same records."""
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if (
            last is not None
            and event.handoff is not None
            and (last.handoff, last.places, last.trouble) == (event.handoff, event.places, event.trouble)
            and event.at - last.at < TOGETHER
        ):
            joined[-1] = replace(last, before=f"{last.before}, {event.before}")
        else:
            joined.append(event)
    return joined


def _listed(places: Sequence[Place]) -> str:
    """`ticket 12 “Ad 1”`, `3 tickets (“Ad 1”, “Ad 2”, “Ad 3”)`."""
    if not places:
        return ""
    kind = places[0].record.kind
    if len(places) == 1:
        one = places[0]
        return f"{kind} {one.record.id}" + (f" “{one.name}”" if one.name else "")
    names = ", ".join(f"“{place.name}”" if place.name else place.record.id for place in places)
    return f"{len(places)} {kind}s ({names})"


def day_in_words(raw: str) -> str:
    """A date property's value as `Sun 29 Nov 2026`; one that is no date is quoted."""
    moment = moment_of(raw)
    if moment is None:
        return f"“{raw}”"
    day: date = moment.date()
    return f"{day:%a} {day.day} {day:%b %Y}"
