"""Which mapping was in force at a moment (docs/process.md F.2), and what the database keeps of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mappings.load import load
from sync.rules.in_force import MappingHistory, PastMapping, past_mapping
from sync.storage import mappings_in_force
from sync.storage.database import migrate, open_store
from tests.builders import mapping

BEGAN = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)


def in_force(since: datetime, window: int) -> PastMapping:
    ids = {"pipeline": "0", "in_progress": "2", "pending_approval": "3"}
    return past_mapping(mapping(window=window), since, **ids)


HISTORY = MappingHistory((in_force(BEGAN, 15), in_force(BEGAN + timedelta(days=3), 10)))


@pytest.mark.parametrize(
    ("days", "window"),
    [
        pytest.param(-400, 15, id="before the first"),
        pytest.param(0, 15, id="from its first moment on"),
        pytest.param(2.99, 15, id="until the next one's"),
        pytest.param(3, 10, id="the next one"),
        pytest.param(300, 10, id="ever since"),
    ],
)
def test_the_mapping_in_force(days: float, window: int) -> None:
    found = HISTORY.at(BEGAN + timedelta(days=days))
    assert found is not None
    assert found.window_days == window


def test_it_is_known_since_the_first_was_kept() -> None:
    assert HISTORY.is_known(BEGAN)
    assert not HISTORY.is_known(BEGAN - timedelta(milliseconds=1))
    assert not MappingHistory().is_known(BEGAN)
    assert MappingHistory().at(BEGAN) is None


def test_the_database_gives_back_what_it_was_given(tmp_path: Path) -> None:
    custom = tmp_path / "custom.yaml"
    custom.write_text(
        "portfolio: {statuses: {creatives_approved: 'Überprüft'}, condition: [{property: tier, in: [Gold, '']}]}\n",
        encoding="utf-8",
    )
    kept = past_mapping(load(custom), BEGAN, pipeline="7", in_progress="8", pending_approval="9")
    store = open_store(f"sqlite:///{tmp_path / 'handoffs.db'}")
    migrate(store)
    with store.write() as connection:
        mappings_in_force.note(connection, kept)
        mappings_in_force.note(connection, in_force(BEGAN + timedelta(days=1), 10))
        found = mappings_in_force.history(connection)
    store.close()
    assert found == MappingHistory((kept, in_force(BEGAN + timedelta(days=1), 10)))
    assert not found.mappings[1].same_but_since(found.mappings[0])
