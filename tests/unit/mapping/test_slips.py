"""Names that differ by a typing slip (docs/process.md N.6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.names import same_to_the_eye
from mappings.slips import differ_by_a_slip, slips

SLIPS = [
    ("Autumn 2026", "Autumn-2026", "a dash for a space"),
    ("Autumn 2026", "Autumn2026", "the space is missing"),
    ("Autumn 2026", "Autumn, 2026.", "a comma, a full stop"),
    ("Autumn 2026", "(Autumn) 2026", "brackets"),
    ("Autumn_2026", "Autumn/2026", "a stroke"),
    ("Autumn | Sale", "Autumn + Sale", "signs of the keyboard"),
    ("Spring sale", "Springsale", "one word of two"),
    ("Set 1", "Set-1", "punctuation counts in short names too"),
    ("Plan A", "Plan-A", "and beside a single letter"),
    ("Q4", "Q 4", "and beside a number"),
    ("Summer sale", "Sumer sale", "a letter is missing"),
    ("Summer sale", "Summmer sale", "a letter is twice there"),
    ("Summer sale", "Sommer sale", "another letter"),
    ("Summer sale", "Smumer sale", "two letters changed places"),
    ("Summer sale", "Sumer-sale", "a letter, and a dash"),
    ("SUMMER SALE", "sumer sale", "whatever the case"),
    ("Summer’s sale", "Sumer's sale", "an apostrophe parts no word"),
    ("Winter launch", "Wintr lauch", "one letter each in two words"),
    ("Autumn 2026", "Autum 2026", "beside a number that is the same"),
    ("Été d'hiver", "Été d'hivr", "in any alphabet with letters"),
    ("Осенние скидки", "Осение скидки", "in another alphabet"),
    ("Sale 🔥 Autumn", "Sale 🔥 Autum", "beside a picture that is the same"),
]

TWO_NAMES = [
    ("Autumn 2026", "Autumn 2026", "the same"),
    ("Autumn 2026", "autumn  2026", "the same to the eye"),
    ("Set 1", "Set 2", "only digits differ"),
    ("Autumn 2026", "Autumn 2027", "only digits differ"),
    ("Autumn 2026", "Autumn 2062", "only digits, though they changed places"),
    ("Autumn 2026", "Autumn", "a number more"),
    ("Version 1.1", "Version 11", "two numbers and one"),
    ("Sumer 2026", "Summer 2027", "a letter, but digits too"),
    ("Plan A", "Plan B", "only a single-letter word differs"),
    ("Autumn A", "Autumn B", "only a single-letter word differs"),
    ("Autumn A", "Autumn", "a single-letter word more"),
    ("Sumer A", "Summer B", "a letter, but a single-letter word too"),
    ("Hero", "Zero", "a word of four letters"),
    ("Launch UK", "Launch US", "a word of two letters"),
    ("Video EN", "Video DE", "a word of two letters"),
    ("Women ads", "Men ads", "a word of three letters in one of them"),
    ("Summer sale", "Smmr sole", "four letters"),
    ("Summer", "Smmeer ads", "a word more"),
    ("Autumn", "Atm", "three letters"),
    ("Halloween", "Hollawean", "three other letters"),
    ("Winter launch", "Wintr lunches", "three letters in two words"),
    ("Spring", "Summer", "other words"),
    ("Spring", "", "no name"),
    ("", "", "none at all"),
    ("🔥", "❄", "pictures say something"),
    ("Sale 🔥", "Sale ❄", "pictures say something"),
    ("---", "...", "nothing but punctuation"),
]


@pytest.mark.parametrize(("one", "other"), [pytest.param(*case[:2], id=case[2]) for case in SLIPS])
def test_a_typing_slip(one: str, other: str) -> None:
    assert differ_by_a_slip(one, other)
    assert differ_by_a_slip(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [pytest.param(*case[:2], id=f"{case[0]} / {case[1]}: {case[2]}") for case in TWO_NAMES]
)
def test_two_names(one: str, other: str) -> None:
    assert not differ_by_a_slip(one, other)
    assert not differ_by_a_slip(other, one)


def test_each_pair_of_several_names_once_and_in_their_order() -> None:
    names = ["Autumn 2026", "Autumn-2026", "Spring", "Autum 2026"]
    assert list(slips(names)) == [
        ("Autumn 2026", "Autumn-2026"),
        ("Autumn 2026", "Autum 2026"),
        ("Autumn-2026", "Autum 2026"),
    ]


NAMES = st.text(st.sampled_from("abcdeSé1 2-.'’🔥\u0301\u200b"), max_size=12)


@given(NAMES, NAMES)
def test_it_does_not_matter_which_comes_first_and_the_same_is_no_slip(one: str, other: str) -> None:
    assert differ_by_a_slip(one, other) == differ_by_a_slip(other, one)
    if same_to_the_eye(one, other):
        assert not differ_by_a_slip(one, other)
