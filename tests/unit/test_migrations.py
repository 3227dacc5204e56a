"""A database of any version before is taken over with all that is in it: on SQLite and on PostgreSQL."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import select

from sync.storage import tables
from sync.storage.database import Store, migrate, open_store
from sync.storage.ledger import queries
from tests.databases import drop, fresh_postgresql
from tests.filled import NUMBER, Rows, fill, rows, schema

SEARCHED = ("müller & söhne", "acme corp.", "full width")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/handoffs.db" if request.param == "sqlite" else fresh_postgresql(migrated=False)
    with closing(open_store(url)) as opened:
        yield opened
    drop(url)


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", "sync/storage/migrations")
    return made


def lost(before: Mapping[str, Rows], after: Mapping[str, Rows]) -> list[str]:
    """What is not as it was: each value of each row."""
    return [
        f"{table} {key}: {name} was {was!r}"
        for table, kept in before.items()
        for key, row in kept.items()
        for name, was in row.items()
        if key not in after[table] or after[table][key].get(name, was) != was
    ]


def test_each_migration_keeps_all_that_is_there(store: Store) -> None:
    """Every table is filled as soon as there is one, so that each later migration meets it filled."""
    revisions = [one.revision for one in reversed(list(ScriptDirectory.from_config(config()).walk_revisions()))]
    before: dict[str, Rows] = {}
    for revision in revisions:
        alembic = config()
        with store.write() as connection:
            alembic.attributes["connection"] = connection
            command.upgrade(alembic, revision)
            there = schema(connection)
            after = {name: rows(connection, table) for name, table in there.items()}
            assert lost(before, after) == [], revision
            for table in there.values():
                if table.name not in before:
                    fill(connection, table)
            before = {name: rows(connection, table) for name, table in there.items()}
    migrate(store)
    with store.read() as connection:
        assert {name: len(kept) for name, kept in before.items()} == dict.fromkeys(before, NUMBER)
        for table in tables.metadata.sorted_tables:  # as today's code has them
            connection.execute(select(table)).all()
        searched = select(tables.portfolios.c.search_name).order_by(tables.portfolios.c.portfolio)
        assert tuple(connection.scalars(searched)) == SEARCHED
        assert set(connection.scalars(select(tables.portfolios.c.vanished))) == {""}
        assert len(queries.adopted_tasks(connection, 10)) == NUMBER - 1
        tried = select(tables.effects.c.unanswered, tables.effects.c.refusals, tables.effects.c.not_before)
        assert set(connection.execute(tried).all()) == {(0, 0, None)}
        assert connection.execute(select(tables.effect_counts)).all() == [("done", NUMBER)]
