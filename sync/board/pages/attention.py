"""What needs a person: whatever does not heal by itself, each with its remedy and the command."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from flask import Flask, render_template

from mappings.words import words_of
from sync.board.pages.sight import Sight
from sync.crm import Kind, RecordRef
from sync.storage import faulty_records, letters, look_alikes, portfolios, work_queue
from sync.storage.database import Connection
from sync.storage.ledger import queries
from sync.storage.ledger.queries import Trouble
from sync.storage.letters import Copy

AT_MOST = 100
"""Lines of each kind: the commands list all of them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is the matter. `portfolio` '': it is of a ticket whose client nobody knows."""

    portfolio: str
    name: str  # the client's, or the record's where there is none
    what: str
    why: str
    since: datetime | None
    command: str


@dataclass(frozen=True, slots=True)
class Kinds:
    """All that is the matter in one way: what it means, and what to do about it."""

    state: str
    title: str
    remedy: str
    lines: list[Line]
    count: int


REMEDIES = {
    "parked": (
        "Looking at them failed again and again",
        "No pass takes them up any more. Read why, have it mended, and have them looked at again.",
    ),
    "failed": (
        "Refused by HubSpot or the mail server",
        "Mend what the reason names. Each sweep tries again; or have it tried at once.",
    ),
    "unproven": (
        "Nobody can tell whether it was done",
        "Look in HubSpot, or ask whoever should have the email. Then confirm that it was done, or have it tried again.",
    ),
    "blocked": (
        "Waiting for somebody to be named, or for a setting",
        "Name the person in HubSpot, or change what the reason names: it goes on by itself, at the latest within the hour.",
    ),
    "held": (
        "Held by the limit of effects an hour",
        "If all this is meant, let it go; if not, mend what has changed so many records at once.",
    ),
    "unknown": (
        "Without an answer",
        "They are looked for in HubSpot before they are tried again: nothing is to be done.",
    ),
    "planned": ("Not sent yet", "Neither HubSpot nor the mail server took them; they are tried again in minutes."),
    "incomplete": (
        "Came incomplete from HubSpot",
        "They are looked at again and again. If it lasts for hours, look at the record in HubSpot.",
    ),
    "worth a look": (
        "Perhaps a typing slip",
        "Two Ad Sets of one client are called almost the same: give their tickets one {folder}.",
    ),
}
"""What each kind is called, and what to do about it, with the mapping's words; in this order."""


def add_to(app: Flask, sight: Sight) -> None:
    """Add the page to this app."""

    @app.get("/board/attention")
    def attention() -> str:
        with sight.store.read() as connection:
            found = _found(connection, sight.clock.now(), sight.today())
            ids = {one.portfolio for lines in found.values() for one in lines[:AT_MOST] if one.portfolio}
            names = portfolios.names(connection, ids)
        words = words_of(sight.mapping)
        kinds = [
            Kinds(state, title, remedy.format_map(words), found[state][:AT_MOST], len(found[state]))
            for state, (title, remedy) in REMEDIES.items()
            if found.get(state)
        ]
        return render_template("attention.html", kinds=kinds, names=names)


def _found(connection: Connection, now: datetime, today: date) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for one in work_queue.failing(connection):
        if one.parked_at is not None:
            command = f"handoffs dead show {one.record.id}"
            line = _of(one.record, "looking at it", one.reason, one.parked_at, command)
            found.setdefault("parked", []).append(line)
    for trouble in queries.troubles(connection):
        found.setdefault(trouble.state.value, []).append(_trouble(trouble))
    for copy in letters.dead(connection, today):
        found.setdefault(copy.state.value, []).append(_letter(copy))
    for record, count in work_queue.held(connection):
        line = _of(record, f"{count:,} effects", "more than rules.effects_per_hour of the mapping", None, _RELEASE)
        found.setdefault("held", []).append(line)
    for incomplete in faulty_records.find(connection):
        if incomplete.is_told(now):
            line = _of(incomplete.unit, str(incomplete.faulty), "", incomplete.since, _explain(incomplete.unit.id))
            found.setdefault("incomplete", []).append(line)
    found["worth a look"] = list(_slips(connection))
    return found


_RELEASE = "handoffs release --reason …"


def _slips(connection: Connection) -> Iterable[Line]:
    for one in look_alikes.find(connection):
        yield Line(one.portfolio, one.name, str(one.found), "", None, _explain(one.portfolio))


def _of(record: RecordRef, what: str, why: str, since: datetime | None, command: str) -> Line:
    portfolio = record.id if record.kind is Kind.PORTFOLIO else ""
    return Line(portfolio, str(record), what, why, since, command)


def _letter(copy: Copy) -> Line:
    what = f"the copy of the week of {copy.week} to {copy.address}"
    command = f"handoffs dead show {copy.name}"
    return Line("", "The weekly letter", what, copy.reason or "", copy.state_at, command)


def _trouble(one: Trouble) -> Line:
    portfolio = one.portfolio or ""
    dead = one.state.value in {"failed", "unproven"}
    command = f"handoffs dead show {one.unit.id}" if dead else _explain(portfolio) if portfolio else ""
    what = f"handoff {one.handoff.value}: {one.what}"
    return Line(portfolio, one.name or str(one.record), what, one.reason, one.since, command)


def _explain(portfolio: str) -> str:
    return f"handoffs explain {portfolio}"
