"""The board itself: a column a step, a card a client, whoever waits for somebody first."""

from dataclasses import dataclass

from flask import Flask, render_template

from mappings.schema import Party
from mappings.vocabulary import Step
from sync.board.pages.sight import Sight, asked, page_number
from sync.observe.clients import Client
from sync.storage import overview
from sync.storage.overview import Wanted

IN_COLUMN = 12
"""Cards of each column, where all steps are shown; the rest is on the step's own page."""

ON_PAGE = 60
"""Cards of a page, where one step is shown."""

FIRST = 8
"""Clients that are named at the top, those that want a person's attention the most."""

ORDER = (*[step for step in Step if step is not Step.BETWEEN], Step.BETWEEN)
"""The columns from left to right: whoever awaits the next refresh is of the least interest."""


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A step with the clients that are shown of it."""

    step: Step
    count: int
    urgent: int
    clients: list[Client]


def add_to(app: Flask, sight: Sight) -> None:
    """Add the page to this app."""

    @app.get("/board")
    def board() -> str:
        wanted, page = _wanted(), page_number()
        at_most = IN_COLUMN if wanted.step is None else ON_PAGE
        skip = 0 if wanted.step is None else (page - 1) * ON_PAGE
        now = sight.clock.now()
        with sight.store.read() as connection:
            found = {one.step: one for one in overview.columns(connection, wanted, now, at_most=at_most, skip=skip)}
            ordered = [found[step] for step in ORDER if step in found]
            columns = [
                ShownColumn(one.step, one.count, one.urgent, sight.clients(connection, list(one.shown), now))
                for one in ordered
            ]
            number, first = overview.urgent(connection, now, FIRST)
            urgent = sight.clients(connection, first, now)
            months, people = overview.months(connection), overview.people(connection)
        return render_template(
            "board.html",
            columns=columns,
            count=sum(one.count for one in columns),
            urgent=urgent,
            urgent_count=number,
            wanted=wanted,
            filtered=wanted != Wanted(step=wanted.step),
            months=months,
            people=people,
            parties={party: sight.mapping.party_label(party) for party in Party},
            page=page,
            pages=max(1, -(-max(one.count for one in columns) // ON_PAGE)) if wanted.step is not None else 1,
            url_args=_url_args(wanted),
        )


def _wanted() -> Wanted:
    party, step = asked("turn"), asked("step")
    return Wanted(
        name=asked("q"),
        person=asked("person"),
        party=next((one for one in Party if one.value == party), None),
        month=asked("month"),
        step=next((one for one in Step if one.value == step), None),
        urgent=asked("urgent") == "1",
    )


def _url_args(wanted: Wanted) -> dict[str, str]:
    """The filters, but the step, as they stand in an address."""
    found = {
        "q": wanted.name,
        "person": wanted.person,
        "turn": "" if wanted.party is None else wanted.party.value,
        "month": wanted.month,
        "urgent": "1" if wanted.urgent else "",
    }
    return {name: value for name, value in found.items() if value}
