"""The Notes that people leave, as the service reads them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.crm import Kind, RecordRef
from sync.errors import PartialAnswerError
from sync.passes.snapshot.activities import read_notes
from sync.rules.model import Note
from sync.sandbox.quirks import Quirks
from tests.world import World


@pytest.fixture(params=[True, False], ids=["owned", "without an owner"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(tmp_path, webhooks=False, quirks=Quirks(notes_have_owners=request.param))
    yield world
    world.close()


def notes_on(world: World, portfolio: str) -> tuple[Note, ...]:
    reading = world.service.reading
    record = RecordRef(Kind.PORTFOLIO, portfolio)
    return read_notes(reading.crm, [record]).told(reading.portals.get())[record]


def test_a_note_is_read_with_its_author_files_and_link(world: World) -> None:
    people = world.people
    am, sas = people.owner("account_manager"), people.owner("social_ad_specialist")
    portfolio = people.create_portfolio("Acme", "2027-06-01")
    first = people.note("portfolio", portfolio, "<p>Blue</p>", by=am)
    people.advance(seconds=1)
    second = people.note("portfolio", portfolio, "", by=sas, files=["77", "78"])
    people.advance(seconds=1)
    third = people.note("portfolio", portfolio, "By a machine", by="app:5")
    read = notes_on(world, portfolio)
    assert [(note.id, note.body, note.by, note.files) for note in read] == [
        (third, "By a machine", "", 0),
        (second, "", sas, 2),
        (first, "<p>Blue</p>", am, 0),
    ]
    portal = world.service.reading.portals.get()
    assert read[0].url == f"{portal.url(Kind.PORTFOLIO, portfolio)}?engagement={third}"


def test_the_author_is_known_though_deactivated(world: World) -> None:
    people = world.people
    am = people.owner("account_manager")
    portfolio = people.create_portfolio("Acme", "2027-06-01")
    people.note("portfolio", portfolio, "Blue", by=am)
    people.deactivate_owner(am)
    (note,) = notes_on(world, portfolio)
    owner = world.service.reading.portals.get().owners[note.by]
    assert (note.by, owner.archived) == (am, True)


def test_who_a_note_is_given_to_counts_before_who_made_it(world: World) -> None:
    people = world.people
    am, sas = people.owner("account_manager"), people.owner("social_ad_specialist")
    portfolio = people.create_portfolio("Acme", "2027-06-01")
    note = people.note("portfolio", portfolio, "What she told me on the phone", by=sas)
    people.set("note", note, {"hubspot_owner_id": am})
    assert notes_on(world, portfolio)[0].by == am


def test_of_a_record_that_is_gone_meanwhile_nobody_knows_the_notes(world: World) -> None:
    """None is not what it has: deleted and restored while it was decided, it would say that nobody had left one."""
    people = world.people
    portfolio, other = people.create_portfolio("Acme", "2027-06-01"), people.create_portfolio("Bolt", "2027-06-01")
    people.note("portfolio", portfolio, "Blue")
    assert notes_on(world, other) == ()
    people.archive("portfolio", portfolio)
    with pytest.raises(PartialAnswerError, match="its Notes are not known"):
        notes_on(world, portfolio)
