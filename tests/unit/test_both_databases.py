"""What SQLite and PostgreSQL do differently, unless they are asked in the right words: the same is true on both."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from mappings.vocabulary import Handoff, Role, TaskKind
from sync.crm import Kind, RecordRef
from sync.errors import StoreError
from sync.rules.keys import START, Entry, SetReadyKey, effect_key, task_slot
from sync.rules.model import LookAlike
from sync.storage import look_alikes, looks, portfolios
from sync.storage.database import Store, migrate, open_store, refuses_values
from sync.storage.ledger.recovery import record_recovered_task
from sync.storage.ledger.views import load
from sync.storage.looks import Look
from sync.storage.moving import move
from sync.storage.tables import effect_counts, effects, occurrences
from tests.bench.queries import fill
from tests.builders import Scene
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


def test_an_ad_set_may_have_any_number_of_tickets(store: Store) -> None:
    """The key of its announcement names each of them; PostgreSQL's B-trees take 2,704 bytes, some 170 tickets."""
    entries = tuple(Entry(str(40_000_000_000 + 977 * n), 1_767_222_000_123 + 7_919 * n * n) for n in range(1_000))
    key = SetReadyKey("1001", START, entries)
    task = effect_key(str(key), task_slot(TaskKind.SHARE_DELIVERABLES))
    for _ in range(2):
        with store.write() as connection:
            record_recovered_task(
                connection, effect_key=task, handoff=Handoff.SET_READY, record=key.record, portfolio="1001",
                cycle=START, task="7", task_kind=TaskKind.SHARE_DELIVERABLES, role=Role.ACCOUNT_MANAGER, made_at=NOW,
                origin="recovery", reason="the task carries its key", adopted=False,
            )  # fmt: skip
    with store.read() as connection:
        [recorded] = load(connection, ["1001"], ())
    assert recorded.key == str(key)
    assert [effect.key for effect in recorded.effects] == [task]


def test_a_key_is_there_once_and_an_effect_has_its_occurrence(store: Store) -> None:
    occurrence = {
        "key": "4:7", "handoff": "4", "record_kind": "ticket", "record": "7", "cycle": START, "decided_at": 1,
        "origin": "poll", "state": "open", "reason": "", "detail": "{}",
    }  # fmt: skip
    effect = {
        "key": "4:7/write", "occurrence": "4:7", "position": 0, "kind": "write", "payload": "{}", "state": "planned",
        "state_at": 1, "attempts": 0,
    }  # fmt: skip
    with store.write() as connection:
        connection.execute(occurrences.insert(), occurrence)
        connection.execute(effects.insert(), effect)
    for table, row in (
        (occurrences, occurrence),
        (effects, effect),
        (effects, {**effect, "key": "4:8/write", "occurrence": "4:8"}),
    ):
        with pytest.raises(StoreError) as refused, store.write() as connection:
            connection.execute(table.insert(), row)
        assert refuses_values(refused.value)
    with store.write() as connection:
        connection.execute(occurrences.delete())
        assert connection.execute(select(effects)).all() == []
        assert connection.execute(select(effect_counts)).all() == [("planned", 0)]


def test_names_that_are_almost_the_same_may_be_long(store: Store) -> None:
    long = "".join(chr(0x4E00 + 7 * n % 20_000) for n in range(3_000))
    found = LookAlike(long, f"{long}s", {long: ("1",), f"{long}s": ("2",)})
    with store.write() as connection:
        look_alikes.remember(connection, [(Scene().context().portfolio, [found])], NOW)
    with store.read() as connection:
        assert [one.found for one in look_alikes.find(connection)] == [found]


def test_a_long_ledger_is_copied_without_counting_it_anew(tmp_path: Path) -> None:
    """PostgreSQL keeps each version of a row until the end, and looks at all of them. Afterwards it counts on."""
    url = fresh_postgresql()
    with closing(open_store(f"sqlite:///{tmp_path}/old.db")) as old, closing(open_store(url)) as new:
        migrate(old)
        fill(old, 30)
        move(old, new, NOW)
        with new.write() as connection:
            states = connection.execute(select(effect_counts.c.state)).all()
            newest = connection.scalar(
                text("SELECT max(substring(ctid::text FROM ',([0-9]+)')::int) FROM effect_count")
            )
            assert newest == len(states)
            connection.execute(effects.update().values(state="done"))
            counted = connection.execute(select(effect_counts).where(effect_counts.c.number > 0)).all()
            assert counted == [("done", connection.scalar(select(func.count()).select_from(effects)))]
    drop(url)
