"""What the CRM says, understood: statuses, revisions, cadences, intervals and due dates."""

import hashlib
from datetime import UTC, date, datetime

import pytest

from mappings.digest import DIGITS, canonical_text, digest_of
from mappings.load import load
from mappings.schema import (
    CadenceMapping,
    Interval,
    PortfolioMapping,
    ProcessMapping,
)
from mappings.vocabulary import Revision, Status, TaskKind
from tests.unit.mapping.files import Write


def test_statuses_are_understood_and_written(default: ProcessMapping) -> None:
    portfolio = default.portfolio
    assert portfolio.status("") is None
    assert portfolio.status("Paused") is Status.UNMAPPED
    assert portfolio.raw_status(None) == ""
    for status, raw in portfolio.statuses.items():
        assert portfolio.status(raw) is status
        assert portfolio.raw_status(status) == raw


def test_each_mapping_has_its_own_digest(default: ProcessMapping) -> None:
    """It is worked out once a mapping: none that is gone lends its own to another."""
    for days in range(1, 20):
        changed = default.model_copy(update={"rules": default.rules.model_copy(update={"effects_per_hour": days})})
        assert digest_of(changed) == hashlib.sha256(canonical_text(changed).encode()).hexdigest()[:DIGITS]
        assert digest_of(changed) == digest_of(changed) != digest_of(default)


def test_a_value_that_looks_the_same_is_the_same(default: ProcessMapping) -> None:
    """docs/process.md N.2."""
    assert default.portfolio.status("creatives\u00a0completed ＆ approved") is Status.CREATIVES_APPROVED
    assert default.portfolio.status(" \u200b") is None
    assert default.ticket.revision("Copy and  Graphic revisions") is Revision.COPY_AND_GRAPHIC
    assert default.ticket.revision("\ufeff") is None


def test_of_values_that_look_the_same_the_one_spelled_so_is_meant_else_the_first(default: ProcessMapping) -> None:
    """docs/process.md N.3."""
    alike = {Status.REFRESH_REQUEST_SUBMITTED: "Yes", Status.NO_REFRESH_REQUESTED: "yes"}
    values = {**default.portfolio.statuses, **alike}
    portfolio = PortfolioMapping(**dict(default.portfolio) | {"statuses": values})
    assert portfolio.status("yes") is Status.NO_REFRESH_REQUESTED
    assert portfolio.status("Yes") is Status.REFRESH_REQUEST_SUBMITTED
    assert portfolio.status("YES") is Status.REFRESH_REQUEST_SUBMITTED


def test_revisions_are_understood(default: ProcessMapping) -> None:
    assert default.ticket.revision("") is None
    assert default.ticket.revision("Everything") is Revision.UNMAPPED
    assert default.ticket.revision("Copy and Graphic Revisions") is Revision.COPY_AND_GRAPHIC


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Weekly", Interval(days=7)),
        ("Every 2 weeks", Interval(days=14)),
        ("Every 3 weeks", Interval(days=21)),
        ("Every 4 weeks", Interval(days=28)),
        ("Every 6 weeks", Interval(days=42)),
        ("Every 8 weeks", Interval(days=56)),
        ("Monthly", Interval(months=1)),
        ("Every 2 months", Interval(months=2)),
        ("Quarterly", Interval(months=3)),
        ("", Interval(months=1)),
        ("  ", Interval(months=1)),
        ("30", Interval(days=30)),
        (" 45 ", Interval(days=45)),
        ("30.0", Interval(days=30)),
        ("007", Interval(days=7)),
        ("0", None),
        ("-7", None),
        ("7.5", None),
        ("1e2", None),
        ("٣٠", None),
        ("4000", None),
        ("9" * 5000, None),
        ("weekly", Interval(days=7)),
        ("every\u00a02  Weeks\u200b", Interval(days=14)),
        ("\u00a0", Interval(months=1)),
        ("３０", Interval(days=30)),
        ("Fortnightly", None),
    ],
)
def test_a_cadence_is_understood(default: ProcessMapping, raw: str, expected: Interval | None) -> None:
    assert default.cadence.interval(raw) == expected


def test_a_number_that_the_mapping_names_is_not_days() -> None:
    cadence = CadenceMapping(default="1", values={"1": Interval(months=1), "2": Interval(days=14)})
    assert cadence.interval("1") == Interval(months=1)
    assert cadence.interval("") == Interval(months=1)
    assert cadence.interval("3") == Interval(days=3)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 day", "1 day"),
        ("10 days", "10 days"),
        ("2 weeks", "14 days"),
        ("1 month", "1 month"),
        ("1 quarter", "3 months"),
        ("2 years", "24 months"),
    ],
)
def test_an_interval_is_read_and_shown(text: str, shown: str) -> None:
    assert str(Interval.parse(text)) == shown


@pytest.mark.parametrize("text", ["", "week", "0 days", "-1 week", "1.5 weeks", "2 moons", "1 week 2 days", "11 years"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="interval"):
        Interval.parse(text)


@pytest.mark.parametrize(("days", "months"), [(0, 0), (1, 1), (-1, 0), (0, -1), (5, -1)])
def test_an_interval_is_days_or_months(days: int, months: int) -> None:
    with pytest.raises(ValueError, match="either days or months"):
        Interval(days=days, months=months)


def due_mapping(write: Write, due: str, zone: str = "America/New_York") -> ProcessMapping:
    return load(write(f"time_zone: {zone}\ntasks: {{kickoff: {{due: {due}}}}}\n"))


@pytest.mark.parametrize(
    ("due", "today", "expected"),
    [
        pytest.param("{days: 0, time: '17:00', working_days: false}", "2026-07-01", "2026-07-01T21:00", id="summer"),
        pytest.param("{days: 0, time: '17:00', working_days: false}", "2026-12-01", "2026-12-01T22:00", id="winter"),
        pytest.param(
            "{days: 1, time: '17:00', working_days: false}", "2026-10-31", "2026-11-01T22:00", id="over a change"
        ),
        pytest.param(
            "{days: 1, time: '02:30', working_days: false}", "2026-03-07", "2026-03-08T07:30", id="skipped hour"
        ),
        pytest.param(
            "{days: 0, time: '01:30', working_days: false}", "2026-11-01", "2026-11-01T05:30", id="repeated hour"
        ),
        pytest.param("{days: 1, time: '17:00'}", "2026-11-20", "2026-11-23T22:00", id="Friday and one working day"),
        pytest.param("{days: 3, time: '17:00'}", "2026-11-18", "2026-11-23T22:00", id="a weekend between"),
        pytest.param("{days: 0, time: '17:00'}", "2026-11-21", "2026-11-23T22:00", id="none, on a Saturday"),
        pytest.param("{days: 1, time: '17:00'}", "2026-11-21", "2026-11-23T22:00", id="one, on a Saturday"),
        pytest.param("{days: 10, time: '17:00'}", "2026-11-20", "2026-12-04T22:00", id="two weeks"),
    ],
)
def test_when_a_task_is_due(write: Write, due: str, today: str, expected: str) -> None:
    """docs/process.md D.8."""
    moment = due_mapping(write, due).due(TaskKind.KICKOFF, date.fromisoformat(today))
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("due", "today", "latest", "expected"),
    [
        pytest.param("{days: 3}", "2026-11-16", "2026-11-19", "2026-11-19", id="the very day"),
        pytest.param("{days: 3}", "2026-11-16", "2026-11-20", "2026-11-19", id="a day to spare"),
        pytest.param("{days: 3}", "2026-11-16", "2026-11-18", "2026-11-18", id="too near"),
        pytest.param("{days: 3}", "2026-11-16", "2026-11-16", "2026-11-16", id="today"),
        pytest.param("{days: 3}", "2026-11-16", "2026-11-09", "2026-11-16", id="past: never before today"),
        pytest.param("{days: 3}", "2026-11-20", "2026-11-22", "2026-11-20", id="a Sunday: the Friday before it"),
        pytest.param("{days: 3}", "2026-11-21", "2026-11-22", "2026-11-21", id="from a Saturday to a Sunday"),
        pytest.param("{days: 0}", "2026-11-21", "2026-11-21", "2026-11-21", id="none, on a Saturday that is the day"),
        pytest.param("{days: 0}", "2026-11-21", "2026-11-15", "2026-11-21", id="past, on a Saturday"),
        pytest.param(
            "{days: 9, working_days: false}", "2026-11-20", "2026-11-22", "2026-11-22", id="weekends count: the Sunday"
        ),
    ],
)
def test_a_kickoff_is_due_no_later_than_the_refresh_date(
    write: Write, due: str, today: str, latest: str, expected: str
) -> None:
    """docs/process.md 1.11, D.8."""
    mapping = due_mapping(write, due.replace("}", ", time: '17:00'}"))
    moment = mapping.due(TaskKind.KICKOFF, date.fromisoformat(today), date.fromisoformat(latest))
    assert moment == datetime.fromisoformat(f"{expected}T22:00").replace(tzinfo=UTC)
