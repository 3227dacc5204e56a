"""What is asked of a ledger costs the same however long it is: no question reads all of it. `tests.bench` measures it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text

from sync.settings import read_settings
from sync.storage import tables
from sync.storage.database import Store, migrate, open_store
from sync.storage.ledger import queries
from tests.bench.queries import fill, questions

GROWING = ("effect", "occurrence", "event", "delivery", "run", "version", "seen", "seen_versions")
EFFECTS = 300

SERVES = {
    "SCAN occurrence USING INDEX occurrence_gone",
    "SCAN occurrence USING INDEX occurrence_open",
    "SCAN effect USING INDEX effect_adopted",
}
"""Whole indexes that are read: of the occurrences that are gone, or open, and of the tasks that were adopted; all few."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'handoffs.db'}")
    migrate(opened)
    fill(opened, EFFECTS)
    yield opened
    opened.close()


def test_no_question_reads_the_whole_ledger(store: Store) -> None:
    settings: dict[str, Any] = {"_env_file": None, "database_url": f"sqlite:///{store.path}"}
    asked: dict[str, list[tuple[str, Any]]] = {}
    for name, ask in questions(store, read_settings(**settings)).items():
        statements = asked.setdefault(name, [])

        def listen(_c: Any, _cursor: Any, sql: str, values: Any, *_: Any, into: Any = statements) -> None:
            into.append((sql, values))

        event.listen(store.engine, "before_cursor_execute", listen)
        try:
            ask()
        finally:
            event.remove(store.engine, "before_cursor_execute", listen)
    with store.read() as connection:
        scans = {
            f"{name}: {row[3]}"
            for name, statements in asked.items()
            for sql, values in statements
            if sql.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
            if row[3].split()[:2] in [["SCAN", table] for table in GROWING] and row[3] not in SERVES
        }
    assert scans == set()
    assert all(asked.values())


def test_tasks_that_were_adopted_before_are_found_as_ever(tmp_path: Path) -> None:
    """A ledger of before they were marked, taken over."""
    from alembic import command
    from alembic.config import Config

    import sync.storage

    store = open_store(f"sqlite:///{tmp_path / 'handoffs.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(sync.storage.__file__).parent / "migrations"))
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0014")
        for number, adopted in enumerate(("true", "false", "true")):
            key = f"7:{number}:1700000000000"
            connection.execute(
                text(
                    "INSERT INTO occurrence (key, handoff, record_kind, record, cycle, decided_at, origin, state, reason, "
                    "detail) VALUES (:key, '7', 'portfolio', '1', 'start', 0, 'adopt', 'done', '', '{}')"
                ),
                {"key": key},
            )
            connection.execute(
                text(
                    "INSERT INTO effect (key, occurrence, position, kind, payload, state, state_at, attempts, crm_id) "
                    "VALUES (:effect, :key, 0, 'task', :payload, 'done', :at, 1, :task)"
                ),
                {
                    "effect": f"{key}/task:implement", "key": key, "at": number, "task": str(number),
                    "payload": f'{{"adopted":{adopted},"role":"traffic"}}',
                },
            )  # fmt: skip
    migrate(store)
    with store.read() as connection:
        assert queries.adopted_tasks(connection, 10) == ["2", "0"]
        assert list(connection.scalars(select(tables.effects.c.adopted).order_by(tables.effects.c.key))) == [1, 0, 1]
    store.close()
