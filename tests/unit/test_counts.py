"""How many effects are in each state: what a scrape asks for must cost the same however long the ledger is."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, select, update

from sync.rules.model import EffectState, OccurrenceState
from sync.storage import ledger, tables
from sync.storage.database import Store, migrate, open_store
from sync.storage.tables import effects, occurrences

STATES = [state.value for state in EffectState]


@pytest.fixture(params=["migrated", "made at once"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'handoffs.db'}")
    if request.param == "migrated":
        migrate(opened)
    else:
        tables.metadata.create_all(opened.engine)
    with opened.write() as connection:
        for number in range(30):
            _add(connection, number)
    yield opened
    opened.close()


def _add(connection: Connection, number: int) -> None:
    occurrence = {
        "key": f"4:{number}", "handoff": "4", "record_kind": "ticket", "record": str(number), "cycle": "start",
        "decided_at": 0, "origin": "webhook", "state": "open", "reason": "", "detail": "{}",
    }  # fmt: skip
    connection.execute(occurrences.insert(), occurrence)
    for position in range(number % 4):
        effect = {
            "key": f"4:{number}/{position}", "occurrence": f"4:{number}", "position": position, "kind": "task",
            "payload": "{}", "state": STATES[(number + position) % len(STATES)], "state_at": 0, "attempts": 0,
        }  # fmt: skip
        connection.execute(effects.insert(), effect)


def _counted(connection: Connection) -> dict[EffectState, int]:
    rows = connection.execute(
        select(effects.c.state).join(occurrences).where(occurrences.c.state != OccurrenceState.GONE.value)
    )
    return dict.fromkeys(EffectState, 0) | Counter(EffectState(state) for state in rows.scalars())


def test_the_counts_follow_every_change(store: Store) -> None:
    with store.write() as connection:
        assert ledger.count(connection) == _counted(connection)
        connection.execute(update(effects).where(effects.c.state == "failed").values(state="done", reason="x"))
        connection.execute(update(effects).where(effects.c.state == "done").values(state="done"))
        assert ledger.count(connection) == _counted(connection)
        connection.execute(update(occurrences).where(occurrences.c.key == "4:7").values(state="gone"))
        assert ledger.count(connection) == _counted(connection)
        connection.execute(delete(occurrences).where(occurrences.c.key.in_(["4:3", "4:7"])))  # its effects go with it
        assert ledger.count(connection) == _counted(connection)
        assert sum(_counted(connection).values()) == 43 - 3 - 3


def test_a_change_that_is_rolled_back_is_not_counted(store: Store) -> None:
    with store.read() as connection:
        before = ledger.count(connection)

    def fail() -> None:
        with store.write() as connection:
            connection.execute(update(effects).values(state="done"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.read() as connection:
        assert ledger.count(connection) == before


def test_no_count_reads_the_whole_ledger(store: Store) -> None:
    """Neither `effect` nor `occurrence` is scanned, but for the index of the few occurrences that are gone."""
    statements: list[str] = []
    with store.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(statements.append)
        ledger.count(connection)
        driver.set_trace_callback(None)
        plans = [row[3] for one in statements for row in driver.execute(f"EXPLAIN QUERY PLAN {one}")]
    scans = {plan for plan in plans if plan.startswith("SCAN")}
    assert scans == {"SCAN effect_count", "SCAN occurrence USING INDEX occurrence_gone"}


def test_what_was_there_before_is_counted(tmp_path: Path) -> None:
    """A ledger of before the counts were kept."""
    from alembic import command
    from alembic.config import Config

    import sync.storage

    store = open_store(f"sqlite:///{tmp_path / 'handoffs.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(sync.storage.__file__).parent / "migrations"))
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        for number in range(12):
            _add(connection, number)
    migrate(store)
    with store.read() as connection:
        assert ledger.count(connection) == _counted(connection)
        assert sum(_counted(connection).values()) == 18
    store.close()
