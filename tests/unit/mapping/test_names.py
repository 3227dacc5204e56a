"""When two names are the same (docs/process.md N.1): a table of what people paste, and what holds of any text."""

import unicodedata
from string import ascii_letters, digits

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mappings.names import as_seen, look_alikes, meant, same_to_the_eye

SAME = {
    "an accent composed in another way": ("Été 2026", "E\u0301te\u0301 2026"),
    "full width": ("Set 2026", "Ｓｅｔ　２０２６"),
    "a ligature": ("Office", "O\ufb03ce"),
    "case": ("Spring SALE", "spring sale"),
    "case of a letter that has two forms": ("Straße", "STRASSE"),
    "a final sigma": ("ΛΌΓΟΣ", "λόγος"),
    "spaces around it, runs of them": ("Spring Sale", "  Spring   Sale "),
    "a space that does not break": ("Spring Sale", "Spring\u00a0Sale"),
    "a thin one, a tab, a line break": ("Spring Sale now", "Spring\u2009\tSale\r\nnow"),
    "a space of no width": ("Spring Sale", "Spring\u200b Sale"),
    "a byte order mark": ("Spring", "\ufeffSpring"),
    "a soft hyphen": ("Advertisement", "Adver\u00adtise\u00adment"),
    "a joiner, and a mark that splits an accent": ("Été", "E\u034f\u0301t\u200de\u0301"),
    "marks for the direction of writing": ("Spring", "\u202aSpring\u202c\u200e"),
    "a variation selector": ("Sale ❤", "Sale ❤\ufe0f"),
    "a control character": ("Spring", "Spr\x00ing\x7f"),
    "an en dash, an em dash": ("Autumn - 2026", "Autumn – 2026"),
    "a minus, a hyphen that does not break": ("A-B-C", "A\u2212B\u2011C"),
    "a curly apostrophe": ("Client's", "Client\u2019s"),
    "an accent for an apostrophe": ("Client's", "Client\u00b4s"),
    "a prime, a backquote": ("Client's", "Client\u2032s"),
    "a letter that carries its apostrophe": ("'n Set", "\u0149 Set"),
    "nothing to see": ("", " \u200b\u00a0\ufeff"),
}

OTHERS = {
    "another number": ("Set 1", "Set 2"),
    "a dash, and a space": ("Autumn-2026", "Autumn 2026"),
    "a word joined, and not": ("Spring Sale", "SpringSale"),
    "an accent, and none": ("Été", "Ete"),
    "an apostrophe, and none": ("Client's", "Clients"),
    "a quotation mark": ("“Spring”", "Spring"),
    "an underscore": ("Spring_Sale", "Spring Sale"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_a_person_sees_the_same(one: str, other: str) -> None:
    assert one != other
    assert same_to_the_eye(one, other)
    assert as_seen(one) == as_seen(other)


@pytest.mark.parametrize(("one", "other"), OTHERS.values(), ids=OTHERS)
def test_a_person_sees_another(one: str, other: str) -> None:
    assert not same_to_the_eye(one, other)


def test_every_dash_is_one_and_every_apostrophe() -> None:
    dashes = "-\u02d7\u058a\u05be\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u301c\ufe31\ufe58\ufe63\uff0d"
    assert {as_seen(f"a{dash}b") for dash in dashes} == {"a-b"}
    apostrophes = "'`\u00b4\u02b9\u02bb\u02bc\u2018\u2019\u201b\u2032\u2035\uff07\uff40"
    assert {as_seen(f"a{apostrophe}b") for apostrophe in apostrophes} == {"a'b"}


ACCENTS, SPACES, MARKS = "aEéÉe\u0301\u0308\u0327ßſİıŉΣς", " \u00a0\u2009\t", "-–\u2212'’´\u1ffd"
INVISIBLE, WIDE = "\u200b\u200d\u034f\ufe0f\ufeff\u00ad\uffa0", "ﬁ１ｱﾞ가\u1100\u1161"
TEXTS = st.text(max_size=30) | st.text(alphabet=ACCENTS + SPACES + MARKS + INVISIBLE + WIDE, max_size=12)


@given(TEXTS)
@example("\uffa0")
@example("e\u200b\u0301")
def test_what_is_compared_is_seen_as_itself(text: str) -> None:
    assert as_seen(as_seen(text)) == as_seen(text)


@given(TEXTS)
@example("\u1ffd")
@example("\u1fcd")  # of its parts one is an apostrophe
def test_it_does_not_matter_how_a_text_is_composed(text: str) -> None:
    forms = {as_seen(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    assert forms == {as_seen(text)}


@given(TEXTS, st.integers(0, 30), st.sampled_from("\u200b\ufeff\u00ad\u200e\ufe0f\u2060"))
def test_what_cannot_be_seen_does_not_matter_wherever_it_stands(text: str, place: int, invisible: str) -> None:
    assert as_seen(text[:place] + invisible + text[place:]) == as_seen(text)


@given(TEXTS)
def test_space_around_a_text_does_not_matter(text: str) -> None:
    assert as_seen(f"\u00a0{text}\n ") == as_seen(text) == as_seen(text).strip()


@given(st.text(alphabet=ascii_letters + digits + "_.,()/&%", max_size=20))
def test_plain_words_differ_by_more_than_their_case(text: str) -> None:
    assert as_seen(text) == text.lower()


def test_the_one_spelled_so_is_meant_else_the_first_that_looks_the_same() -> None:
    assert meant("Done", ["DONE", "Done", "done"]) == "Done"
    assert meant("Done ", ["Open", "DONE", "done"]) == "DONE"
    assert meant("Done", ["Open"]) is None
    assert look_alikes("done", ["DONE", "Open", "done", "Done", "done"]) == ["done", "DONE", "Done"]
