"""The audit of writes: a story in which one write is another than it should be is found out by it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from tests.simulation.author import begin
from tests.simulation.event_log import Checked, Event, Ref, Sent, Updated
from tests.simulation.oracle.audit import BODY, COMPLETED, STATUS
from tests.simulation.player import NAMES, Player
from tests.simulation.run import judge

LINE = "<p>and so on</p>"


@pytest.fixture(scope="module")
def player() -> Player:
    """A month with closings, kick-backs and moved dates, of people who edit their tasks."""
    played = Player(*begin(5, 30, "plain"))
    played.play()
    return played


def found(player: Player, events: Sequence[Event]) -> list[str]:
    kept = list(player.events)
    player.event_log.events[:] = [replace(event, number=number) for number, event in enumerate(events)]
    try:
        return [one.text for one in judge(player)]
    finally:
        player.event_log.events[:] = kept


def of_service(player: Player, kind: str, name: str) -> Updated:
    """The first write of the service to that property of a record of that kind."""
    return next(
        e for e in player.events if isinstance(e, Updated) and e.own and e.ref.kind == kind and name in e.values
    )


def changed(player: Player, event: Updated, **values: str) -> list[Event]:
    """The story in which that write had other values, or more of them."""
    other = replace(event, values={**event.values, **values})
    return [other if one is event else one for one in player.events]


def test_a_story_as_it_was_has_nothing_to_be_found(player: Player) -> None:
    assert found(player, player.events) == []
    assert any(isinstance(e, Updated) and not e.own and BODY in e.values for e in player.events)


Other = Callable[[Updated], Mapping[str, str]]


@pytest.mark.parametrize(
    ("kind", "name", "other", "told"),
    [
        ("task", BODY, lambda _: {BODY: LINE}, "overwrites the body"),
        ("task", BODY, lambda e: {BODY: LINE + e.values[BODY]}, "overwrites the body"),
        ("task", BODY, lambda e: {BODY: e.values[BODY][1:]}, "overwrites the body"),
        ("task", STATUS, lambda _: {"hubspot_owner_id": "51000053"}, "may not write hubspot_owner_id"),
        ("task", STATUS, lambda _: {"hs_task_subject": "Done"}, "may not write hs_task_subject"),
        ("task", STATUS, lambda _: {STATUS: "WAITING"}, "may not write hs_task_status “WAITING”"),
        ("portfolio", NAMES.date, lambda _: {NAMES.cadence: "Weekly"}, "may not write creative_refresh_cadence"),
        ("portfolio", NAMES.date, lambda _: {NAMES.date: ""}, "may not write creative_refresh_date"),
        ("portfolio", NAMES.status, lambda _: {NAMES.status: "Elsewhere"}, "may not write creative_refresh_status"),
        ("ticket", "hs_pipeline_stage", lambda _: {NAMES.folder: "Autumn"}, "may not write deliverable_folder_name"),
        ("ticket", "hs_pipeline_stage", lambda _: {NAMES.copy_approval: "Approved"}, "may not write copy_approval"),
    ],
)  # fmt: skip
def test_a_write_that_is_not_the_services_to_make(
    player: Player, kind: str, name: str, other: Other, told: str
) -> None:
    event = of_service(player, kind, name)

    assert any(told in text for text in found(player, changed(player, event, **other(event))))


def test_a_closing_without_a_line(player: Player) -> None:
    event = of_service(player, "task", BODY)
    story = [replace(one, values={STATUS: COMPLETED}) if one is event else one for one in player.events]

    assert f"the service closes {event.ref} without a line that says why" in found(player, story)


def sent(player: Player) -> tuple[int, Sent]:
    return next(
        (n, e) for n, e in enumerate(player.events) if isinstance(e, Sent) and e.updates[0][0].kind == "portfolio"
    )


def test_a_write_of_what_stands_already(player: Player) -> None:
    place, event = sent(player)
    ref, values = event.updates[0]
    stood = {name: _value(player.events[:place], ref, name) for name in values}
    story = list(player.events)
    story[place] = replace(event, updates=((ref, stood),))

    assert any("where it stood already" in text for text in found(player, story))


def test_a_write_of_what_was_not_read_again(player: Player) -> None:
    place, event = sent(player)
    ref = event.updates[0][0]
    reading = max(n for n, e in enumerate(player.events[:place]) if isinstance(e, Checked) and ref in e.refs)
    story = [one for n, one in enumerate(player.events) if n != reading]

    assert any("which it has not read again" in text for text in found(player, story))


def _value(events: Sequence[Event], ref: Ref, name: str) -> str:
    value = ""
    for event in events:
        if getattr(event, "ref", None) == ref:
            value = getattr(event, "values", {}).get(name, value)
    return value
