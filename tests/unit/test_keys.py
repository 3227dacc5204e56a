"""The idempotency keys: what is written is read again, and nothing else is read."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.vocabulary import EmailKind, Handoff, TaskKind
from sync.crm import Kind, RecordRef
from sync.rules import keys
from sync.rules.keys import FORMS, EffectKey, EffectKind, Entry, MalformedKeyError, OccurrenceKey, Slot

ids = st.integers(1, 10**17).map(str)
times = st.integers(1, 9_999_999_999_999)
_VALUES = {
    "portfolio": ids,
    "ticket": ids,
    "task": ids,
    "cycle": st.just(keys.START) | times.map(str),
    "anchor": st.just(0) | times,
    "ms": times,
    "day": st.dates(),
    "entries": st.lists(st.builds(Entry, ids, times), min_size=1, max_size=4).map(tuple),
}


def _of(form: type[OccurrenceKey]) -> st.SearchStrategy[OccurrenceKey]:
    return st.builds(form, **{name: _VALUES[name] for name in form.__dataclass_fields__ if name in _VALUES})


occurrences = st.one_of(*map(_of, FORMS.values()))
slots = st.one_of(
    st.just(keys.WRITE),
    st.sampled_from(TaskKind).map(keys.task_slot),
    st.sampled_from(EmailKind).map(keys.email_slot),
    ids.map(keys.close_slot),
    ids.map(keys.line_slot),
)


@given(occurrences)
def test_what_is_written_is_read(key: OccurrenceKey) -> None:
    assert keys.parse(str(key)) == key


@given(st.builds(EffectKey, occurrences, slots))
def test_what_is_written_of_an_effect_is_read(key: EffectKey) -> None:
    text = str(key)
    assert keys.parse_effect(text) == key
    assert (keys.occurrence_of(text), keys.slot_of(text)) == (str(key.occurrence), key.slot)


@given(st.text(alphabet="0123456789:@,/-abcemnst", max_size=30))
def test_what_is_read_is_written_the_same(text: str) -> None:
    try:
        key = keys.parse(text)
    except MalformedKeyError:
        return
    assert str(key) == text


# The stored forms: databases and portals hold them, so they are for good

STORED = {
    "1:101:start:0": (Handoff.KICKOFF, Kind.PORTFOLIO),
    "1:101:1790000000000:1790000000001": (Handoff.KICKOFF, Kind.PORTFOLIO),
    "2a:101:1790000000000": (Handoff.DECLINED, Kind.PORTFOLIO),
    "2b:101:1790000000000": (Handoff.CONFIRMED, Kind.PORTFOLIO),
    "3:101:start:2026-11-17": (Handoff.DATE_ARRIVED, Kind.PORTFOLIO),
    "4:7": (Handoff.TICKETS, Kind.TICKET),
    "5:101:start:7@1790000000000,8@1790000000001": (Handoff.SET_READY, Kind.PORTFOLIO),
    "5m:7:1790000000000": (Handoff.SET_READY, Kind.TICKET),
    "6:7:1790000000000": (Handoff.REVISIONS, Kind.TICKET),
    "6c:7:1790000000000": (Handoff.REVISIONS, Kind.TICKET),
    "6n:7:1790000000000": (Handoff.REVISIONS, Kind.TICKET),
    "7:101:1790000000000": (Handoff.APPROVED, Kind.PORTFOLIO),
    "8:101:1790000000000": (Handoff.CLOSE, Kind.PORTFOLIO),
    "8t:101:55": (Handoff.CLOSE, Kind.PORTFOLIO),
    "9:101:1790000000000": (Handoff.CONFIRMATION, Kind.PORTFOLIO),
}


@pytest.mark.parametrize("text", STORED)
def test_a_stored_key_is_read(text: str) -> None:
    key = keys.parse(text)
    handoff, kind = STORED[text]
    assert (str(key), key.handoff, key.record) == (text, handoff, RecordRef(kind, text.split(":")[1]))


def test_every_handoff_has_a_form() -> None:
    assert {form.handoff for form in FORMS.values()} == set(Handoff)


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "1:101", "1:101:start", "1:101:start:x", "1:x:start:0",
        "99:1", "4:7:8", "4:", "4:٣", "3:101:start:soon", "5:101:start:",
        "5:101:start:7", "5:101:start:7@", "6:7:-1", "1:101:begin:0", "1:101:start:00", "3:101:start:20261117",
        "a note to self",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedKeyError, match="key"):
        keys.parse(text)


@pytest.mark.parametrize("text", ["4:7", "4:7/", "4:7/task", "4:7/task:", "4:7/write:", "4:7/write:x", "4:7/note:x"])
def test_what_is_no_effect_is_refused(text: str) -> None:
    with pytest.raises(MalformedKeyError, match="key"):
        keys.parse_effect(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4:7/task:write_copy", (keys.TicketKey("7"), TaskKind.WRITE_COPY)),
        ("4:7/task:unheard_of", None),
        ("4:7/write", None),
        ("4:7", None),
        ("a/b/c", None),
    ],
)
def test_the_key_of_a_task(text: str, found: object) -> None:
    assert keys.parse_task(text) == found


def test_times_that_are_not_known_yet_are_masked() -> None:
    key = keys.KickoffKey("101", "1790000000000", 0)
    assert key.masked({1790000000000}, "~") == "1:101:~:0"
    assert key.masked(set(), "~") == str(key)
    assert keys.DateArrivedKey("1", "5", date(2026, 11, 2)).masked({1}, "~") == "3:1:5:2026-11-02"


def test_a_query_finds_tasks_of_a_kind_by_the_end_of_their_keys() -> None:
    key = EffectKey(keys.ApprovedKey("101", 5), keys.task_slot(TaskKind.IMPLEMENT))
    assert str(key).endswith(keys.suffix_of(TaskKind.IMPLEMENT))
    assert Slot(EffectKind.TASK, "implement") == key.slot
