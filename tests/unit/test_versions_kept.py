"""Which versions a pass takes for others than before."""

from datetime import UTC, datetime, timedelta

from sync.crm import Kind, RawVersion, Record
from sync.passes.snapshot.versions import mark_of

START = datetime(2026, 11, 2, tzinfo=UTC)


def record(record_id: str, *days: int, created: datetime = START) -> Record:
    """A ticket whose stage was changed on these days, given newest first."""
    history = tuple(RawVersion("stage", created + timedelta(days=day)) for day in days)
    return Record(Kind.TICKET, record_id, {}, {"hs_pipeline_stage": history} if days else {})


def test_the_same_versions_have_the_same_name() -> None:
    assert mark_of([record("1", 2, 1), record("2", 3)]) == mark_of([record("1", 2, 1), record("2", 3)])
    assert mark_of([record("1")]) == mark_of([record("1")])


def test_a_newer_version_is_another_though_the_oldest_was_forgotten() -> None:
    assert mark_of([record("1", 2, 1)]) != mark_of([record("1", 3, 2)])


def test_a_merge_that_changes_neither_number_nor_newest_shows_other_versions() -> None:
    assert mark_of([record("1", 3, 1), record("9", 2)]) != mark_of([record("3", 3, 2, 1), record("9")])
    assert mark_of([record("1", 3, 1)]) != mark_of([record("2", 3, 1)])


def test_a_millisecond_counts() -> None:
    later = START + timedelta(milliseconds=1)
    assert mark_of([record("1", 0)]) != mark_of([record("1", 0, created=later)])


def test_each_property_counts_where_two_have_a_version_of_one_moment() -> None:
    def shown(newest_status: int) -> Record:
        status = tuple(RawVersion("", START + timedelta(days=day)) for day in (newest_status, newest_status - 1))
        return Record(Kind.PORTFOLIO, "1", {}, {"status": status, "date": (RawVersion("", START + timedelta(days=3)),)})

    assert mark_of([shown(2)]) != mark_of([shown(3)])  # the CRM keeps so many of the status: the oldest is gone
