"""How far back causes count: for a portfolio, and for one that was made of several (docs/process.md G.6, M.16)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from sync.crm import Kind, RecordRef
from sync.rules.model import Former
from sync.storage import backfills, identities, runs
from tests.machines import emptied, memory

STORE = memory()
NOW = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
SEPTEMBER, OCTOBER = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[Connection]:
    emptied(STORE)
    with STORE.write() as connection:
        yield connection


def backfill(connection: Connection, since: datetime, *portfolios: str, hours: int = 0) -> None:
    run = runs.begin(connection, "backfill", NOW + timedelta(hours=hours), reason=None, arguments={})
    backfills.reach_back(connection, portfolios, since, run)


def merge(connection: Connection, into: str, primary: str, other: str, *, hours: int) -> None:
    """`into` is the primary itself, in older portals."""
    at = NOW + timedelta(hours=hours)
    target = RecordRef(Kind.PORTFOLIO, into)
    formers = [Former(RecordRef(Kind.PORTFOLIO, i), target, i == primary, at) for i in (primary, other)]
    identities.remember(connection, formers)


def test_a_younger_day_takes_nothing_back(connection: Connection) -> None:
    backfill(connection, SEPTEMBER, "1")
    backfill(connection, OCTOBER, "1", "2")
    assert backfills.reaching_back(connection, ["1", "2", "3"]) == {"1": SEPTEMBER, "2": OCTOBER}


@pytest.mark.parametrize("into", ["1", "9"], ids=["the primary stays", "a new record"])
@pytest.mark.parametrize(
    ("first", "second", "together"),
    [(SEPTEMBER, None, None), (None, SEPTEMBER, None), (SEPTEMBER, OCTOBER, OCTOBER), (OCTOBER, SEPTEMBER, OCTOBER)],
)
def test_a_merged_one_reaches_as_far_as_both(
    connection: Connection, into: str, first: datetime | None, second: datetime | None, together: datetime | None
) -> None:
    for portfolio, since in (("1", first), ("2", second)):
        if since is not None:
            backfill(connection, since, portfolio)
    merge(connection, into, "1", "2", hours=1)
    assert backfills.reaching_back(connection, [into]).get(into) == together
    backfill(connection, SEPTEMBER, into, hours=2)
    assert backfills.reaching_back(connection, [into]) == {into: SEPTEMBER}


@pytest.mark.parametrize("into", ["1", "9"], ids=["the primary stays", "a new record"])
def test_what_is_said_since_the_merge_holds_for_all_of_it(connection: Connection, into: str) -> None:
    """It says how far, though one of the two had reached further; and one more merge ends that."""
    backfill(connection, SEPTEMBER, "1")
    merge(connection, into, "1", "2", hours=1)
    backfill(connection, OCTOBER, into, hours=2)
    assert backfills.reaching_back(connection, [into]) == {into: OCTOBER}
    merge(connection, "10", into, "3", hours=3)
    assert backfills.reaching_back(connection, ["10"]) == {}


def test_a_merge_that_only_the_crm_shows_yet(connection: Connection) -> None:
    backfill(connection, SEPTEMBER, "1", "9")
    shown = [Former(RecordRef(Kind.PORTFOLIO, i), RecordRef(Kind.PORTFOLIO, "9")) for i in ("1", "2")]
    assert backfills.reaching_back(connection, ["9"], shown) == {}
    assert backfills.reaching_back(connection, ["9"]) == {"9": SEPTEMBER}
