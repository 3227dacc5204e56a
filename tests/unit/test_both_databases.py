"""What SQLite and PostgreSQL do differently, unless they are asked in the right words: the same is true on both."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync.crm import Kind, RecordRef
from sync.storage import looks, portfolios
from sync.storage.database import Store, migrate, open_store
from sync.storage.looks import Look
from tests.databases import drop, fresh_postgresql

NOW = datetime(2026, 11, 2, 14, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store on a database of its own, its schema up to date."""
    url = fresh_postgresql() if request.param == "postgresql" else f"sqlite:///{tmp_path}/handoffs.db"
    with closing(open_store(url)) as opened:
        migrate(opened)
        yield opened
    drop(url)


def test_an_email_is_found_however_it_is_written(store: Store) -> None:
    """Who has left is called by the portal's spelling of the email, a ticket names them by whatever was typed there."""
    with store.write() as connection:
        looks.remember(connection, [Look("1", None, "", "", ("7", "Ann_Lee@Agency.test"), "")], NOW)
        looks.remember(connection, [Look("2", None, "", "", ("AnnXLee@agency.test",), "")], NOW)
    with store.read() as connection:
        assert looks.naming(connection, ["ann_lee@agency.TEST"]) == {RecordRef(Kind.PORTFOLIO, "1")}


@pytest.mark.parametrize("odd", ["a\0b", "a\ud83db"])
def test_nothing_is_called_by_a_text_that_no_database_holds(store: Store, odd: str) -> None:
    """An address that somebody made up (`/board/client/%00`) names nothing; it is no trouble of the database."""
    with store.read() as connection:
        assert portfolios.names(connection, [odd, "1"]) == {}
