"""What is kept is unpacked once, whole, by whoever comes first; what cannot be is put aside, and keeps nothing else from it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from structlog.testing import capture_logs

from sync.clock import to_ms
from sync.errors import StoreError
from sync.storage import inbox, raw_deliveries, retention, service_state, work_queue
from sync.storage.database import Connection, Store
from sync.storage.inbox import Unpacked
from sync.storage.tables import deliveries, events, work_items
from tests.unit.receiver.deliveries import (
    APP_ID,
    START,
    HandClock,
    change,
    enqueued,
    kept,
    post,
    scraped,
    stored,
    unpack,
)
from webhooks import unpacking
from webhooks.events import parse
from webhooks.unpacking import StandIn, Unpacker


def test_a_receiver_keeps_and_unpacks_nothing(client: FlaskClient, store: Store) -> None:
    """The answer waits for one row of one table."""
    post(client, [change(), change(objectId=12)])
    with store.read() as connection:
        assert len(kept(store)) == 1
        assert connection.execute(select(events)).all() == connection.execute(select(work_items)).all() == []
    assert unpack(store) == Unpacked(deliveries=1, events=2, new=2)
    assert unpack(store) == Unpacked()
    assert enqueued(store) == {("ticket", "11"), ("ticket", "12")}


def test_several_at_a_time(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "AT_A_TIME", 2)
    for number in (1, 2, 2, 3, 4):
        post(client, [change(objectId=number)])
    with capture_logs() as logs:
        assert unpack(store) == Unpacked(deliveries=5, events=5, new=4)
    assert logs == [
        {"event": "deliveries.unpacked", "log_level": "info", "deliveries": 5, "events": 5, "new": 4},
    ]
    assert stored(store) == (4, 4)


def test_many_bytes_are_unpacked_apart(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 4):
        post(client, [change(objectId=number)])
    monkeypatch.setattr(unpacking, "BYTES_AT_A_TIME", 10)
    taken: list[int] = []
    original = inbox.unpack

    def counted(connection: Connection, parsed: dict[object, Sequence[object]], *rest: object) -> Unpacked:
        taken.append(len(parsed))
        return original(connection, parsed, *rest)  # type: ignore[arg-type]  # only counted

    monkeypatch.setattr(inbox, "unpack", counted)
    assert unpack(store).new == 3
    assert taken == [1, 1, 1]


def test_two_take_the_same_one(client: FlaskClient, store: Store, clock: HandClock) -> None:
    """Another worker unpacks it between the read and the write of this one."""
    post(client, [change()])
    second: list[Unpacked] = []

    def meanwhile(step: str) -> None:
        if step == "unpacking" and not second:
            second.append(unpack(store))
            with store.write() as connection:
                connection.execute(work_items.delete())  # and its pass is done

    assert Unpacker(store, clock, APP_ID, meanwhile).run() == Unpacked()
    assert second == [Unpacked(1, 1, 1)]
    assert enqueued(store) == set()


def test_an_id_that_is_used_again(client: FlaskClient, store: Store, clock: HandClock) -> None:
    """SQLite gives the id of a removed row to the next one: what waits under it must not count as unpacked."""
    post(client, [change()])
    unpack(store)
    post(client, [change(attemptNumber=1)])  # nothing new in it: it is removed
    done: list[str] = []

    def meanwhile(step: str) -> None:
        if step == "unpacking" and not done:
            done.append(step)
            unpack(store)
            post(client, [change(objectId=12)])

    Unpacker(store, clock, APP_ID, meanwhile).run()
    assert enqueued(store) == {("ticket", "11"), ("ticket", "12")}


@pytest.mark.parametrize("step", ["unpacking", "unpacked"])
def test_killed_between_two_steps(client: FlaskClient, store: Store, clock: HandClock, step: str) -> None:
    def die(at: str) -> None:
        if at == step:
            raise KeyboardInterrupt

    post(client, [change()])
    with pytest.raises(KeyboardInterrupt):
        Unpacker(store, clock, APP_ID, die).run()
    assert enqueued(store) == {("ticket", "11")}
    assert stored(store) == (1, 1)


def test_killed_in_the_middle_of_it(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events, work and the mark that it is unpacked are one transaction."""
    post(client, [change()])

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(raw_deliveries, "mark_unpacked", die)
        with pytest.raises(KeyboardInterrupt):
            unpack(store)
    with store.read() as connection:
        assert connection.execute(select(events)).all() == connection.execute(select(work_items)).all() == []
    assert enqueued(store) == {("ticket", "11")}


def test_a_database_that_takes_nothing_lets_it_wait(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(client, [change()])
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE event RENAME TO elsewhere")
    with pytest.raises(StoreError, match="no schema"):
        unpack(store)
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO event")
    assert enqueued(store) == {("ticket", "11")}


def test_one_that_cannot_be_unpacked_is_put_aside_alone(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = parse

    def broken(body: bytes) -> list[inbox.Event]:
        if b"poison" in body:
            raise RuntimeError("a secret value")
        return original(body)

    monkeypatch.setattr("webhooks.unpacking.parse", broken)
    for number, value in ((1, "a"), (2, "poison"), (3, "c")):
        post(client, [change(objectId=number, propertyValue=value)])
    with capture_logs() as logs:
        assert unpack(store) == Unpacked(deliveries=2, events=2, new=2)
    assert [entry["event"] for entry in logs] == ["delivery.put_aside", "deliveries.unpacked"]
    assert "secret value" not in str(logs)
    assert enqueued(store) == {("ticket", "1"), ("ticket", "3")}
    with store.read() as connection:
        (aside,) = raw_deliveries.find_put_aside(connection)
        assert (aside.received_at, aside.reason) == (START, "RuntimeError: a secret value")
        assert b"poison" in raw_deliveries.body_of(connection, aside.id)
        assert work_queue.backlog(connection, START).deliveries == 0
    found = scraped(client)
    assert (found["handoffs_deliveries_pending"], found["handoffs_deliveries_put_aside"]) == (0, 1)

    monkeypatch.undo()
    with store.write() as connection:
        raw_deliveries.try_again(connection)
    assert enqueued(store) == {("ticket", "1"), ("ticket", "2"), ("ticket", "3")}
    with store.read() as connection:
        assert raw_deliveries.find_put_aside(connection) == []


def test_values_that_the_database_refuses(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a delivery would be refused for ever, and hold up all behind it."""
    original = inbox._row

    def refused(event: inbox.Event, *rest: object) -> dict[str, object]:
        row = original(event, *rest)  # type: ignore[arg-type]  # handed on
        return row | ({"subscription": None} if event.ends[0].id == "12" else {})

    monkeypatch.setattr(inbox, "_row", refused)
    for number in (11, 12, 13):
        post(client, [change(objectId=number)])
    unpack(store)
    assert enqueued(store) == {("ticket", "11"), ("ticket", "13")}
    with store.read() as connection:
        assert len(raw_deliveries.find_put_aside(connection)) == 1


def test_what_waits_is_backlog_and_is_never_pruned(client: FlaskClient, store: Store, clock: HandClock) -> None:
    post(client, [change()])
    with store.read() as connection:
        found = work_queue.backlog(connection, START + timedelta(days=400))
        assert (found.due, found.deliveries, found.oldest_seconds) == (1, 1, 400 * 86_400)
        assert inbox.last_webhook(connection) == START
        assert service_state.get(connection, service_state.LAST_WEBHOOK) is None
    before = START + timedelta(days=300)
    assert retention.count(store, before) == retention.prune(store, before) == retention.Pruned(0, 0)
    assert enqueued(store) == {("ticket", "11")}
    assert retention.prune(store, before) == retention.Pruned(1, 1)


def test_what_it_enqueues_is_due_by_the_clock_of_whoever_unpacks(client: FlaskClient, store: Store) -> None:
    """The receiver's may be ahead: its deliveries must not wait for that moment."""
    ahead = START + timedelta(hours=3)
    with store.write() as connection:
        raw_deliveries.append(connection, [(b'[{"subscriptionType":"ticket.creation","objectId":11}]', ahead)])
    unpack(store)
    with store.read() as connection:
        assert work_queue.backlog(connection, START).due == 1
        assert connection.scalar(select(events.c.received_at)) == to_ms(ahead)


@pytest.mark.parametrize(
    ("waited", "unpacked"),
    [(timedelta(0), 0), (timedelta(seconds=4.9), 0), (timedelta(seconds=5), 1), (timedelta(-1), 1)],
)
def test_a_receiver_unpacks_what_nobody_else_does(
    client: FlaskClient, store: Store, clock: HandClock, waited: timedelta, unpacked: int
) -> None:
    post(client, [change()])
    clock.at += waited
    StandIn(Unpacker(store, clock, APP_ID)).look()
    with store.read() as connection:
        assert len(connection.execute(select(work_items)).all()) == unpacked


def test_a_receiver_whose_database_takes_nothing_looks_again(
    client: FlaskClient, store: Store, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(client, [change()])
    clock.at += timedelta(minutes=1)
    stand_in = StandIn(Unpacker(store, clock, APP_ID))

    def busy(_connection: Connection) -> datetime | None:
        raise StoreError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(raw_deliveries, "oldest", busy)
        with capture_logs() as logs:
            for _ in range(3):
                stand_in.look()
    assert [entry["event"] for entry in logs] == ["deliveries.not_unpacked"], "once a minute is enough"
    stand_in.look()
    with store.read() as connection:
        assert connection.scalar(select(deliveries.c.pending)) is None
