"""What is answered, what is stored and which records are enqueued."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier, Event, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from structlog.testing import capture_logs

from sync.storage import service_state
from sync.storage.database import Connection, Store
from sync.storage.raw_deliveries import append
from sync.storage.tables import deliveries, work_items
from tests.unit.receiver.deliveries import (
    APP_ID,
    HandClock,
    change,
    enqueued,
    error_of,
    kept,
    post,
    scraped,
    settings_of,
    signed,
    stored,
)
from webhooks.app import PATH, create_app
from webhooks.keeping import GATHERS


def test_a_delivery_is_stored_and_enqueues_its_records(client: FlaskClient, store: Store) -> None:
    response = post(client, [change(), change(objectId=12), change(objectId=12, propertyName="subject")])
    assert (response.status_code, response.get_json()) == (200, {"received": 3})
    assert stored(store) == (1, 3)
    assert enqueued(store) == {("ticket", "11"), ("ticket", "12")}


def test_the_body_is_kept_as_it_came(client: FlaskClient, store: Store) -> None:
    body = b' [ {"subscriptionType" : "ticket.creation","objectId":5, "note":"\xc3\xbc\\ud800"} ]\n'
    assert post(client, body).status_code == 200
    with store.read() as connection:
        assert connection.scalar(select(deliveries.c.body)) == body


def test_no_events_leave_no_trace(client: FlaskClient, store: Store) -> None:
    """HubSpot sends none; `handoffs check` does, and is no webhook."""
    response = post(client, [])
    assert (response.status_code, response.get_json()) == (200, {"received": 0})
    assert stored(store) == (0, 0)
    with store.read() as connection:
        assert service_state.get(connection, service_state.LAST_WEBHOOK) is None


def test_a_duplicate_is_no_error_and_enqueues_nothing(client: FlaskClient, store: Store) -> None:
    assert post(client, [change()]).status_code == 200
    assert enqueued(store) == {("ticket", "11")}
    with store.write() as connection:
        connection.execute(work_items.delete())
    response = post(client, [change(attemptNumber=1)])
    assert (response.status_code, response.get_json()) == (200, {"received": 1})
    assert stored(store) == (1, 1)
    assert enqueued(store) == set()


def test_one_event_twice_in_a_delivery(client: FlaskClient, store: Store) -> None:
    assert post(client, [change(), change()]).get_json() == {"received": 2}
    assert stored(store) == (1, 1)


def test_a_delivery_that_is_new_in_part(client: FlaskClient, store: Store) -> None:
    post(client, [change()])
    post(client, [change(), change(objectId=12)])
    assert stored(store) == (2, 2)


def test_a_delivery_of_more_events_than_a_statement_takes(store: Store, clock: HandClock) -> None:
    client = create_app(store=store, settings=settings_of(max_body_bytes=2_000_000), clock=clock).test_client()
    delivery = [change(objectId=number) for number in range(1, 1_201)]
    assert [post(client, delivery).get_json() for _ in range(2)] == [{"received": 1_200}] * 2
    assert stored(store) == (1, 1_200)


def test_an_own_change_is_stored_and_enqueues_nothing(client: FlaskClient, store: Store) -> None:
    own = change(changeSource="INTEGRATION", sourceId=APP_ID)
    others = change(changeSource="INTEGRATION", sourceId="999", objectId=12)
    assert post(client, [own, others]).status_code == 200
    assert stored(store) == (1, 2)
    assert enqueued(store) == {("ticket", "12")}


def test_an_unknown_kind_is_stored_and_acknowledged(client: FlaskClient, store: Store) -> None:
    delivery = [change(subscriptionType="ticket.teleported"), {"what": "ever"}, {}]
    assert post(client, delivery).get_json() == {"received": 3}
    assert stored(store) == (1, 3)
    assert enqueued(store) == set()


def test_the_test_button_is_stored_and_enqueues_nothing(client: FlaskClient, store: Store) -> None:
    button = change(subscriptionType="ticket.creation", eventId=100, changeFlag="NEW", objectId=123)
    assert post(client, [button]).get_json() == {"received": 1}
    assert stored(store) == (1, 1)
    assert enqueued(store) == set()


def test_a_portfolio_is_known_by_its_type(client: FlaskClient, store: Store) -> None:
    with store.write() as connection:
        service_state.put(connection, service_state.PORTFOLIO_TYPE_ID, "2-777")
    generic = {"subscriptionType": "object.propertyChange", "propertyName": "refresh_status"}
    delivery = [change(**generic, objectTypeId=kind, objectId=22) for kind in ("2-777", "2-778", "0-1", "0-27")]
    assert post(client, delivery).get_json() == {"received": 4}
    assert enqueued(store) == {("portfolio", "22")}


def test_what_cannot_be_kept_is_not_answered_with_200(client: FlaskClient, store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE delivery RENAME TO elsewhere")
    with capture_logs() as logs:
        response = post(client, [change()])
    assert response.status_code == 503
    assert error_of(response) == "the delivery could not be stored; send it again"
    assert [entry["event"] for entry in logs] == ["delivery.unstorable"]
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO delivery")
    assert stored(store) == (0, 0)
    assert post(client, [change(attemptNumber=1)]).status_code == 200
    assert enqueued(store) == {("ticket", "11")}
    assert scraped(client)["handoffs_store_failures_total"] == 1


def test_an_error_that_nobody_foresaw_tells_nobody_of_a_value(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **named: object) -> None:
        raise RuntimeError(f"a secret value: {args}")

    monkeypatch.setattr("webhooks.keeping.append", broken)
    with capture_logs() as logs:
        response = post(client, [change()])
    assert response.status_code == 503
    assert error_of(response) == "the delivery could not be stored; send it again"
    assert [entry["event"] for entry in logs] == ["delivery.unstorable"]
    assert "secret value" not in str(logs)
    assert stored(store) == (0, 0)


def test_the_same_delivery_many_times_at_once_is_stored_once(app: Flask, store: Store) -> None:
    body = json.dumps([change(objectId=number) for number in range(1, 21)]).encode()
    together = Barrier(8)

    def deliver(_number: int) -> int:
        together.wait()
        return app.test_client().post(PATH, data=body, headers=signed(body)).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(deliver, range(8))) == [200] * 8
    assert len(kept(store)) == 8
    assert stored(store) == (1, 20)
    metrics = scraped(app.test_client())
    assert metrics['handoffs_events_total{kind="propertyChange"}'] == 160
    assert metrics["handoffs_duplicate_events_total"] == 140


def test_those_that_wait_at_a_moment_are_one_commit(app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    began, goes_on = Event(), Event()
    groups: list[int] = []

    def slow(connection: Connection, arrived: Sequence[tuple[bytes, datetime]]) -> None:
        groups.append(len(arrived))
        began.set()
        assert goes_on.wait(30)
        append(connection, arrived)

    monkeypatch.setattr("webhooks.keeping.append", slow)
    pauses: list[float] = []
    paused = Event()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        paused.set()

    monkeypatch.setattr("webhooks.keeping.sleep", pause)

    def deliver(number: int) -> int:
        return post(app.test_client(), [change(objectId=number)]).status_code

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(deliver, 1)
        assert began.wait(30)
        others = [pool.submit(deliver, number) for number in range(2, 9)]
        keeper = app.extensions["keeper"]
        assert any(len(keeper._waiting) == 7 or goes_on.wait(0.01) for _ in range(3_000))
        goes_on.set()
        assert [one.result() for one in (first, *others)] == [200] * 8
    assert groups == [1, 7]
    assert stored(store) == (8, 8)
    assert paused.wait(30)
    assert pauses == [GATHERS]  # after the seven, for those that follow them; the first waited for nobody


def test_a_database_that_hangs_is_answered_for_in_time(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HubSpot would give up after five seconds. What hung is kept twice in the end, and counts once."""
    goes_on, through = Event(), Event()

    def hangs(connection: Connection, arrived: Sequence[tuple[bytes, datetime]]) -> None:
        assert goes_on.wait(30)
        append(connection, arrived)
        through.set()

    monkeypatch.setattr("webhooks.keeping.append", hangs)
    monkeypatch.setattr("webhooks.keeping.WITHIN", 0.05)
    assert post(client, [change()]).status_code == 503
    assert post(client, [change(objectId=12)]).status_code == 503
    monkeypatch.undo()
    goes_on.set()
    assert through.wait(30)
    assert post(client, [change(attemptNumber=1)]).status_code == 200
    assert len(kept(store)) == 2
    assert stored(store) == (1, 1)
    assert enqueued(store) == {("ticket", "11")}


def test_a_writer_that_cannot_begin_is_begun_with_the_next_delivery(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that is short of threads for a moment must not leave a receiver that keeps nothing ever again."""

    def none_left(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("webhooks.keeping.threading.Thread.start", none_left)
    assert post(client, [change()]).status_code == 503
    monkeypatch.undo()
    assert post(client, [change(objectId=12)]).status_code == 200
    assert post(client, [change(attemptNumber=1)]).status_code == 200
    assert stored(store) == (2, 2)
