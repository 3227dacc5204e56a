"""When the weekly letter is due: by the wall clocks of the mapping's zone (docs/process.md L.1, L.3)."""

from datetime import UTC, date, datetime, time

import pytest

from mappings.load import load
from mappings.schema import ProcessMapping
from sync.rules.keys import is_letter_copy, letter_copy
from sync.rules.letter import next_due, week_of


def mapping(zone: str = "America/New_York", at: time = time(8)) -> ProcessMapping:
    made = load()
    return made.model_copy(update={"time_zone": zone, "letter": made.letter.model_copy(update={"at": at})})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "monday", "due"),
    [
        ("2026-10-26 12:00", date(2026, 10, 26), "2026-10-26 12:00"),  # summer time
        ("2026-11-02 12:59", date(2026, 11, 2), "2026-11-02 13:00"),  # the clocks went back the day before
        ("2026-11-09 04:59", date(2026, 11, 2), "2026-11-02 13:00"),  # it is Sunday in New York
        ("2027-03-15 12:00", date(2027, 3, 15), "2027-03-15 12:00"),  # they went forward the day before
    ],
)
def test_the_week_of_a_moment(moment: str, monday: date, due: str) -> None:
    week = week_of(utc(moment), mapping())
    assert (week.monday, week.due) == (monday, utc(due))
    assert week.is_on(utc(moment)) is (utc(moment) == utc(due))


def test_it_is_sent_until_friday_is_over() -> None:
    week = week_of(utc("2026-11-09 13:00"), mapping())
    assert week.is_on(utc("2026-11-14 04:59"))
    assert not week.is_on(utc("2026-11-14 05:00"))


def test_the_next_one() -> None:
    assert next_due(utc("2026-11-09 12:59"), mapping()) == utc("2026-11-09 13:00")
    assert next_due(utc("2026-11-09 13:00"), mapping()) == utc("2026-11-16 13:00")
    assert next_due(utc("2026-10-26 12:00"), mapping()) == utc("2026-11-02 13:00")  # the clocks change between them


def test_one_key_a_week_and_address() -> None:
    key = letter_copy(date(2026, 11, 9), "Ops@Agency.example")
    assert key == letter_copy(date(2026, 11, 9), "ops@agency.example") == "w:2026-11-09/email:ops@agency.example"
    assert is_letter_copy(key)
    assert not is_letter_copy("1:1001:start:0/email:kickoff")
