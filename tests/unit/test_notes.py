"""Which Notes a text quotes, how much of them, and in which order."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.richtext import plain_text
from mappings.vocabulary import Role
from sync.crm import Kind, Owner, RecordRef
from sync.rules.model import Note, Version
from sync.rules.notes import LONGEST_QUOTED, MOST_QUOTED, quotation, shortened
from tests.builders import NOW, PORTFOLIO, Scene, mapping

REF = RecordRef(Kind.PORTFOLIO, PORTFOLIO)
SINCE = NOW - timedelta(days=1)


def note(n: int, body: str = "", *, by: str = "am", minutes: float | None = None, files: int = 0) -> Note:
    at = NOW + timedelta(minutes=n if minutes is None else minutes)
    return Note(body or f"<p>Note {n}.</p>", at, f"https://crm.example/{n}", by, files, str(n))


def quoted(*notes: Note) -> dict[str, Any]:
    return quotation(notes, SINCE, lambda each: each.by == "am", lambda owner: owner.upper())


def bodies(found: dict[str, Any]) -> list[str]:
    return [each["body"] for each in found["notes"]]


def test_all_since_the_bound_are_quoted_the_account_managers_first_each_oldest_first() -> None:
    found = quoted(note(1), note(2, by="copy"), note(3), note(4, by="sas"), note(5, minutes=-2000))
    assert bodies(found) == ["Note 1.", "Note 3.", "Note 2.", "Note 4."]
    assert [each["author"] for each in found["notes"]] == ["AM", "AM", "COPY", "SAS"]
    assert [each["account_manager"] for each in found["notes"]] == [True, True, False, False]
    assert found["notes"][0]["at"] == (NOW + timedelta(minutes=1)).isoformat()
    assert found["notes"][0]["url"] == "https://crm.example/1"
    assert (found["notes_more"], found["notes_only_older"]) == (0, False)
    assert found["notes_since"] == SINCE.isoformat()


def test_a_note_of_the_very_moment_of_the_bound_is_quoted() -> None:
    assert bodies(quoted(note(1, minutes=-24 * 60), note(2, minutes=-24 * 60 - 1))) == ["Note 1."]


def test_none_and_only_older_ones() -> None:
    """docs/process.md 2b.9."""
    assert (quoted()["notes"], quoted()["notes_only_older"]) == ([], False)
    old = quoted(note(1, minutes=-2000))
    assert (old["notes"], old["notes_more"], old["notes_only_older"]) == ([], 0, True)


def test_the_newest_ten_and_of_those_the_account_managers_go_before() -> None:
    """docs/process.md 2b.7."""
    found = quoted(*(note(n) for n in range(1, 8)), *(note(n, by="copy") for n in range(20, 220)))
    assert len(found["notes"]) == MOST_QUOTED
    assert bodies(found) == [*(f"Note {n}." for n in range(1, 8)), "Note 217.", "Note 218.", "Note 219."]
    assert found["notes_more"] == 197
    found = quoted(*(note(n) for n in range(1, 13)), note(20, by="copy"))
    assert bodies(found) == [f"Note {n}." for n in range(3, 13)]
    assert found["notes_more"] == 3


def test_of_two_in_the_same_millisecond_the_later_made_is_the_newer() -> None:
    assert bodies(quoted(note(9, minutes=1), note(10, minutes=1))) == ["Note 9.", "Note 10."]


def test_a_leave_note_does_not_hide_the_account_manager() -> None:
    found = quoted(note(1, "x" * 100), note(2, "y. " * 2000, by="copy"))
    assert bodies(found)[0] == "x" * 100
    assert bodies(found)[1].endswith("y. …")
    assert found["notes_more"] == 0


def test_what_does_not_fit_whole_is_cut_after_a_sentence_or_counted() -> None:
    sentence = "The client wants the logo larger. "
    long = quoted(note(1, sentence * 500))
    assert bodies(long)[0].endswith("larger. …")
    assert len(bodies(long)[0]) <= LONGEST_QUOTED
    two = quoted(note(2, "z" * 3_990), note(1, "One sentence that is longer than what is left. " * 3))
    assert (len(two["notes"]), two["notes_more"]) == (1, 1)
    one = quoted(note(1, "word " * 20_000))
    assert bodies(one)[0].endswith("word …")
    assert len(quoted(note(1, "w" * 65_536))["notes"][0]["body"]) == LONGEST_QUOTED


def test_nothing_older_stands_after_one_that_was_cut() -> None:
    found = quoted(note(3, "z" * 3_950), note(2, "A. " + "b" * 100), note(1, "C."))
    assert bodies(found) == ["A. …", "z" * 3_950]
    assert found["notes_more"] == 1


def test_a_note_of_files_alone_counts() -> None:
    """docs/process.md 2b.8."""
    found = quoted(note(1, "<p></p>", files=2))
    assert [(each["body"], each["files"]) for each in found["notes"]] == [("", 2)]


@pytest.mark.parametrize(
    ("text", "room", "at_any_price", "expected"),
    [
        ("One. Two.", 9, False, "One. Two."),
        ("One. Two.", 8, False, "One. …"),
        ("One. Two.", 5, False, ""),
        ("One\nTwo", 6, False, "One …"),
        ("1.5 of it", 8, False, ""),
        ("one two", 6, True, "one …"),
        ("onetwo", 5, True, "one …"),
        ("Really?! Yes indeed", 12, False, "Really?! …"),
    ],
)
def test_shortened(text: str, room: int, at_any_price: bool, expected: str) -> None:
    assert shortened(text, room, at_any_price=at_any_price) == expected


@given(st.lists(st.tuples(st.text(max_size=300), st.sampled_from(["am", "copy", ""]), st.integers(0, 9)), max_size=15))
def test_whatever_people_paste(texts: list[tuple[str, str, int]]) -> None:
    notes = [note(n, text or "x", by=by, minutes=at) for n, (text, by, at) in enumerate(texts, 1)]
    found = quoted(*notes)
    assert len(found["notes"]) + found["notes_more"] == len(notes)
    assert sum(map(len, bodies(found))) <= LONGEST_QUOTED
    assert [each["account_manager"] for each in found["notes"]] == sorted(
        (each["account_manager"] for each in found["notes"]), reverse=True
    )
    shown = {each["url"] for each in found["notes"]}
    if any(each.by != "am" and each.url in shown for each in notes):
        assert all(each.url in shown for each in notes if each.by == "am")
    for each in notes:
        if each.url in shown and (whole := plain_text(each.body)) not in bodies(found):
            assert any(whole.startswith(body.removesuffix(" …")) for body in bodies(found))


def test_whose_word_is_the_account_managers() -> None:
    """docs/process.md 2b.6: whoever is named now, does the work now, or was named when it was left."""
    scene = Scene(mapping(fallbacks=True))
    scene.name(Role.ACCOUNT_MANAGER, "new")  # who has left meanwhile: the stand-in does the work
    scene.managers = [Version("new", NOW), Version("old", NOW - timedelta(hours=10))]
    scene.known = {"old": Owner("old", "o@agency.example", "Olga", "Old", archived=True)}
    for n, by in enumerate(("new", "stand-in", "old", "copy", "")):
        scene.note(f"{by} then", by=by, at=NOW - timedelta(hours=5, minutes=-n))
        scene.note(f"{by} now", by=by, at=NOW + timedelta(minutes=n))
    found = scene.context().quoted(REF, SINCE)
    theirs = {each["body"] for each in found["notes"] if each["account_manager"]}
    assert theirs == {"new then", "new now", "stand-in then", "stand-in now", "old then"}
    assert {each["author"] for each in found["notes"]} == {"", "Olga Old"}


def test_on_a_ticket_without_a_portfolio_nobody_goes_before() -> None:
    scene = Scene().ticket("201").note("from am", on="201").note("from copy", on="201", by="copy")
    scene.lone = True
    found = scene.context().quoted(RecordRef(Kind.TICKET, "201"), SINCE)
    assert [each["account_manager"] for each in found["notes"]] == [False, False]
    assert [each.by for each in scene.context().notes_since(RecordRef(Kind.TICKET, "201"), SINCE)] == ["copy", "am"]
