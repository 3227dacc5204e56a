"""The receiver over HTTP: what is answered, what is stored, what is marked. Through Flask's client, and one real socket."""

import base64
import hashlib
import hmac
import http.client
import io
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from structlog.testing import capture_logs
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.errors import ConfigurationError
from sync.settings import Settings, read_settings
from sync.storage import service_state, work_queue
from sync.storage.database import Store, StoreReader, migrate, open_store
from sync.storage.service_state import Entry
from sync.storage.tables import budgets, deliveries, effects, events, occurrences
from sync.storage.tables import work_items as dirty_rows
from webhooks.app import PATH, create_app

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PUBLIC_URL = "https://handoffs.example.com"
SECRET = "3c5f0f52-1111-4222-8333-444455556666"
APP_ID = "54321"
LIMIT = 20_000


class HandClock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        raise AssertionError("the receiver never sleeps")


def settings_of(**others: object) -> Settings:
    base: dict[str, object] = {
        "_env_file": None,
        "public_url": PUBLIC_URL,
        "hubspot_client_secret": SECRET,
        "hubspot_app_id": APP_ID,
        "max_body_bytes": LIMIT,
    }
    return read_settings(**base | others)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/handoffs.db")
    migrate(store)
    yield store
    store.close()


@pytest.fixture(name="clock")
def _clock() -> HandClock:
    return HandClock()


@pytest.fixture(name="app")
def _app(store: Store, clock: HandClock) -> Flask:
    return create_app(store=store, settings=settings_of(), clock=clock)


@pytest.fixture(name="client")
def _client(app: Flask) -> FlaskClient:
    return app.test_client()


def signed(body: bytes, target: str = PATH, secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery that HubSpot sent at `START`."""
    stamp = str(to_ms(START))
    text = f"POST{PUBLIC_URL}{target}".encode() + body + stamp.encode()
    answer = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()
    return {
        "X-HubSpot-Signature-v3": answer,
        "X-HubSpot-Request-Timestamp": stamp,
        "X-HubSpot-Signature": hashlib.sha256(secret.encode() + body).hexdigest(),
        "Content-Type": "application/json",
    }


def post(client: FlaskClient, delivery: object, secret: str = SECRET) -> TestResponse:
    body = delivery if isinstance(delivery, bytes) else json.dumps(delivery).encode()
    return client.post(PATH, data=body, headers=signed(body, secret=secret))


def change(**others: object) -> dict[str, object]:
    return {
        "eventId": 1,
        "subscriptionId": 12345,
        "portalId": 62515,
        "appId": int(APP_ID),
        "occurredAt": to_ms(START),
        "subscriptionType": "ticket.propertyChange",
        "attemptNumber": 0,
        "objectId": 11,
        "propertyName": "hs_pipeline_stage",
        "propertyValue": "3",
        "changeSource": "CRM_UI",
        "sourceId": "userId:7",
        **others,
    }


def stored(store: Store) -> tuple[int, int]:
    """How many deliveries and events there are."""
    with store.read() as connection:
        return (
            connection.scalar(select(func.count()).select_from(deliveries)) or 0,
            connection.scalar(select(func.count()).select_from(events)) or 0,
        )


def marked(store: Store) -> set[tuple[str, str]]:
    with store.read() as connection:
        return {(row.kind, row.id) for row in connection.execute(select(dirty_rows))}


def error_of(response: TestResponse) -> str:
    """The error that an answer names; every one is JSON."""
    assert response.mimetype == "application/json"
    message = response.get_json()["error"]
    assert isinstance(message, str)
    assert "Traceback" not in message
    return message


def scraped(client: FlaskClient) -> dict[str, float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.mimetype == "text/plain"
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


# Receiving


def test_a_delivery_is_stored_and_marks_its_records(client: FlaskClient, store: Store) -> None:
    response = post(client, [change(), change(objectId=12), change(objectId=12, propertyName="subject")])
    assert (response.status_code, response.get_json()) == (200, {"received": 3})
    assert stored(store) == (1, 3)
    assert marked(store) == {("ticket", "11"), ("ticket", "12")}


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


def test_a_duplicate_is_no_error_and_marks_nothing(client: FlaskClient, store: Store) -> None:
    assert post(client, [change()]).status_code == 200
    with store.write() as connection:
        connection.execute(dirty_rows.delete())
    response = post(client, [change(attemptNumber=1)])
    assert (response.status_code, response.get_json()) == (200, {"received": 1})
    assert stored(store) == (1, 1)
    assert marked(store) == set()


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


def test_an_own_change_is_stored_and_marks_nothing(client: FlaskClient, store: Store) -> None:
    own = change(changeSource="INTEGRATION", sourceId=APP_ID)
    others = change(changeSource="INTEGRATION", sourceId="999", objectId=12)
    assert post(client, [own, others]).status_code == 200
    assert stored(store) == (1, 2)
    assert marked(store) == {("ticket", "12")}


def test_an_unknown_kind_is_stored_and_acknowledged(client: FlaskClient, store: Store) -> None:
    delivery = [change(subscriptionType="ticket.teleported"), {"what": "ever"}, {}]
    assert post(client, delivery).get_json() == {"received": 3}
    assert stored(store) == (1, 3)
    assert marked(store) == set()


def test_the_test_button_is_stored_and_marks_nothing(client: FlaskClient, store: Store) -> None:
    button = change(subscriptionType="ticket.creation", eventId=100, changeFlag="NEW", objectId=123)
    assert post(client, [button]).get_json() == {"received": 1}
    assert stored(store) == (1, 1)
    assert marked(store) == set()


def test_a_portfolio_is_known_by_its_type(client: FlaskClient, store: Store) -> None:
    with store.write() as connection:
        service_state.put(connection, service_state.PORTFOLIO_TYPE_ID, "2-777")
    generic = {"subscriptionType": "object.propertyChange", "propertyName": "refresh_status"}
    delivery = [change(**generic, objectTypeId=kind, objectId=22) for kind in ("2-777", "2-778", "0-1", "0-27")]
    assert post(client, delivery).get_json() == {"received": 4}
    assert marked(store) == {("portfolio", "22")}


@pytest.mark.parametrize("fails", ["mark", "table"])
def test_what_cannot_be_stored_whole_is_not_stored_at_all(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    if fails == "mark":

        def broken(*args: object, **named: object) -> None:
            raise RuntimeError(f"a secret value: {args}")

        monkeypatch.setattr(work_queue, "enqueue", broken)
    else:
        with store.write() as connection:
            connection.exec_driver_sql("ALTER TABLE dirty RENAME TO elsewhere")
    with capture_logs() as logs:
        response = post(client, [change()])
    assert response.status_code == 503
    assert error_of(response) == "the delivery could not be stored; send it again"
    assert [entry["event"] for entry in logs] == ["delivery.unstorable"]
    assert "secret value" not in str(logs)
    assert stored(store) == (0, 0)
    monkeypatch.undo()
    if fails == "table":
        with store.write() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO dirty")
    assert post(client, [change(attemptNumber=1)]).status_code == 200
    assert marked(store) == {("ticket", "11")}
    assert scraped(client)["handoffs_store_failures_total"] == 1


def test_the_same_delivery_many_times_at_once_is_stored_once(app: Flask, store: Store) -> None:
    body = json.dumps([change(objectId=number) for number in range(1, 21)]).encode()
    together = Barrier(8)

    def deliver(_number: int) -> int:
        together.wait()
        return app.test_client().post(PATH, data=body, headers=signed(body)).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(deliver, range(8))) == [200] * 8
    assert stored(store) == (1, 20)
    metrics = scraped(app.test_client())
    assert metrics['handoffs_events_total{kind="propertyChange"}'] == 160
    assert metrics["handoffs_duplicate_events_total"] == 140


def test_a_delivery_whose_turn_does_not_come(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    during: list[int] = []

    def slow(*args: object) -> int:
        during.append(post(client, [change(objectId=12)]).status_code)
        return 1

    monkeypatch.setattr("webhooks.app.TURN_SECONDS", 0)
    monkeypatch.setattr("webhooks.app.receive", slow)
    assert post(client, [change()]).status_code == 200
    assert during == [503]
    monkeypatch.undo()
    assert post(client, [change(objectId=12)]).status_code == 200
    assert marked(store) == {("ticket", "12")}


# Refusing


def test_a_wrong_signature(client: FlaskClient, store: Store) -> None:
    with capture_logs() as logs:
        response = post(client, [change()], secret="another")
    assert response.status_code == 401
    assert error_of(response)
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("delivery.refused", "wrong_signature")]
    assert stored(store) == (0, 0)


def test_the_signature_is_checked_before_anything_is_read(client: FlaskClient) -> None:
    assert post(client, b"not json", secret="another").status_code == 401
    assert client.post(PATH, data=b"not json").status_code == 401


@pytest.mark.parametrize(
    ("late", "status"),
    [
        (timedelta(minutes=5), 200),
        (timedelta(minutes=5, milliseconds=1), 401),
        (timedelta(minutes=-1), 200),
        (timedelta(minutes=-1, milliseconds=-1), 401),
    ],
)
def test_the_time_limits(client: FlaskClient, clock: HandClock, late: timedelta, status: int) -> None:
    clock.at = START + late
    assert post(client, [change()]).status_code == status


def test_two_secrets_while_they_rotate(store: Store, clock: HandClock) -> None:
    app = create_app(store=store, settings=settings_of(hubspot_client_secret=f"new, {SECRET}"), clock=clock)
    for secret, status in (("new", 200), (SECRET, 200), ("older", 401)):
        assert post(app.test_client(), [], secret=secret).status_code == status


@pytest.mark.parametrize(("accepted", "status"), [(False, 401), (True, 200)])
def test_v1_only_by_setting(store: Store, clock: HandClock, accepted: bool, status: int) -> None:
    client = create_app(store=store, settings=settings_of(accept_signature_v1=accepted), clock=clock).test_client()
    headers = {"X-HubSpot-Signature": hashlib.sha256(SECRET.encode() + b"[]").hexdigest()}
    assert client.post(PATH, data=b"[]", headers=headers).status_code == status
    wrong = signed(b"[]") | {"X-HubSpot-Signature-v3": signed(b"[ ]")["X-HubSpot-Signature-v3"]}
    assert client.post(PATH, data=b"[]", headers=wrong).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"null", b"[1]", b"[{}, []]", b"[NaN]", b'["\xff"]', b"[" * 9_000])
def test_a_body_that_is_no_delivery(client: FlaskClient, store: Store, body: bytes) -> None:
    with capture_logs() as logs:
        response = post(client, body)
    assert response.status_code == 400
    assert error_of(response)
    assert [entry["event"] for entry in logs] == ["delivery.malformed"]
    assert stored(store) == (0, 0)


class Endless(io.RawIOBase):
    """A body without an end, which counts what was read of it."""

    def __init__(self) -> None:
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # typeshed's Buffer has no length
        self.taken += len(buffer)
        return len(buffer)


def test_the_largest_body(client: FlaskClient) -> None:
    assert post(client, b"[" + b" " * (LIMIT - 2) + b"]").status_code == 200


@pytest.mark.parametrize("more", [1, 2, 100_000])
def test_a_body_that_is_too_large(client: FlaskClient, more: int) -> None:
    response = post(client, b"[" + b" " * (LIMIT - 2 + more) + b"]")
    assert response.status_code == 413
    assert str(LIMIT) in error_of(response)


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1, LIMIT + 2, None])
def test_a_body_of_unknown_length(client: FlaskClient, size: int | None) -> None:
    body = b"[" + b" " * ((size or 2) - 2) + b"]"
    endless = Endless()
    stream = endless if size is None else io.BytesIO(body)
    as_chunked = {"wsgi.input": stream, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    response = client.post(PATH, headers=signed(body), environ_overrides=as_chunked)
    assert response.status_code == (200 if size == LIMIT else 413)
    assert endless.taken <= LIMIT + 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PATH, 405),
        ("PUT", PATH, 405),
        ("DELETE", PATH, 405),
        ("OPTIONS", PATH, 405),
        ("POST", "/healthz", 405),
        ("POST", "/readyz", 405),
        ("POST", "/metrics", 405),
        ("POST", PATH + "/", 404),
        ("POST", "/webhooks//hubspot", 404),
        ("GET", "/", 404),
        ("GET", "/static/app.py", 404),
    ],
)
def test_other_methods_and_paths(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    assert error_of(response)
    assert ("Allow" in response.headers) is (status == 405)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.text("0123456789"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
FIELDS = st.sampled_from(
    [*change(), "objectTypeId", "fromObjectId", "toObjectId", "mergedObjectIds", "associationType"]
)
KINDS = st.sampled_from(["creation", "deletion", "restore", "merge", "associationChange", "propertyChange", "else"])
LIKELY = st.builds(
    lambda fields, family, kind: {**fields, "subscriptionType": f"{family}.{kind}"},
    st.dictionaries(FIELDS, JSON_VALUES, max_size=5),
    st.sampled_from(["ticket", "object", "task", "\ud800"]),
    KINDS,
)
BODIES = (
    st.binary()
    | st.text(st.characters(exclude_categories=["Cs"])).map(str.encode)
    | JSON_VALUES.map(lambda value: json.dumps(value).encode())
    | st.lists(JSON_VALUES | LIKELY, max_size=3).map(lambda value: json.dumps(value).encode())
    | st.lists(LIKELY, max_size=3).map(lambda value: json.dumps(value).encode())
)


@pytest.fixture(name="fuzzed", scope="module")
def _fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('fuzz')}/handoffs.db")
    migrate(store)
    yield create_app(store=store, settings=settings_of(), clock=HandClock()).test_client()
    store.close()


@given(body=BODIES)
@hypothesis_settings(max_examples=1_000, deadline=None)
def test_no_body_breaks_the_receiver(fuzzed: FlaskClient, body: bytes) -> None:
    response = post(fuzzed, body)
    assert response.status_code in {200, 400}
    if response.status_code == 200:
        assert response.get_json() == {"received": len(json.loads(body))}
    else:
        assert error_of(response)


@given(answer=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")), stamp=st.integers().map(str))
def test_no_header_breaks_the_receiver(fuzzed: FlaskClient, answer: str, stamp: str) -> None:
    headers = {"X-HubSpot-Signature-v3": answer, "X-HubSpot-Request-Timestamp": stamp, "X-HubSpot-Signature": answer}
    assert fuzzed.post(PATH, data=b"[]", headers=headers).status_code == 401


# Over a real socket


@pytest.fixture(name="address")
def _address(app: Flask) -> Iterator[tuple[str, int]]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ("127.0.0.1", server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def over(
    address: tuple[str, int], target: str, body: bytes, headers: Mapping[str, str], *, chunked: bool = False
) -> tuple[int, object]:
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request(
            "POST", target, iter([body[:5], body[5:]]) if chunked else body, dict(headers), encode_chunked=chunked
        )
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("called", "signed_as"),
    [
        pytest.param(PATH, PATH, id="plain"),
        pytest.param(f"{PATH}?a=1&b=x%20y+z", f"{PATH}?a=1&b=x%20y+z", id="query as it stands"),
        pytest.param(f"{PATH}?to=https%3A%2f%2Fx%40y", f"{PATH}?to=https://x@y", id="query decoded"),
        pytest.param("/webhooks%2Fhubspot", PATH, id="path decoded"),
        pytest.param("/webhooks/%68ubspot", "/webhooks/%68ubspot", id="path as it stands"),
        pytest.param(f"{PATH}?", f"{PATH}?", id="empty query"),
        pytest.param(f"http://10.0.0.1:8000{PATH}?a=1", f"{PATH}?a=1", id="whole address"),
    ],
)
def test_the_address_is_signed_as_it_was_called(address: tuple[str, int], called: str, signed_as: str) -> None:
    assert over(address, called, b"[]", signed(b"[]", signed_as)) == (200, {"received": 0})
    assert over(address, called, b"[]", signed(b"[]", signed_as + "x"))[0] == 401


def test_a_chunked_delivery(address: tuple[str, int], store: Store) -> None:
    body = json.dumps([change()]).encode()
    assert over(address, PATH, body, signed(body), chunked=True) == (200, {"received": 1})
    assert stored(store) == (1, 1)


def test_a_server_that_hands_on_no_raw_address(client: FlaskClient) -> None:
    target = f"{PATH}?q=%C3%BC&to=https%3A%2F%2Fx"
    headers = signed(b"[]", f"{PATH}?q=%C3%BC&to=https://x")
    response = client.post(target, data=b"[]", headers=headers, environ_overrides={"RAW_URI": "", "REQUEST_URI": ""})
    assert response.status_code == 200


# Settings


def test_without_webhooks_the_rest_works(store: Store, clock: HandClock) -> None:
    settings = settings_of(public_url=None, hubspot_client_secret="")
    client = create_app(store=store, settings=settings, clock=clock).test_client()
    response = post(client, [change()])
    assert response.status_code == 503
    assert "HUBSPOT_CLIENT_SECRET" in error_of(response)
    assert stored(store) == (0, 0)
    assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3


@pytest.mark.parametrize(
    ("missing", "variable"),
    [
        ({"public_url": None}, "PUBLIC_URL is not set"),
        ({"hubspot_client_secret": ""}, "HUBSPOT_CLIENT_SECRET is not set"),
    ],
)
def test_half_a_setting_is_refused_at_the_start(
    store: Store, clock: HandClock, missing: dict[str, object], variable: str
) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        create_app(store=store, settings=settings_of(**missing), clock=clock)


# Health


def reasons(client: FlaskClient) -> list[str]:
    response = client.get("/readyz")
    body = response.get_json()
    assert response.status_code == (503 if body["reasons"] else 200)
    assert body["ready"] is not bool(body["reasons"])
    return [reason.partition(":")[0] for reason in body["reasons"]]


def test_alive(client: FlaskClient) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.get_json()) == (200, {"alive": True})


def test_a_new_service_is_ready(client: FlaskClient) -> None:
    assert reasons(client) == []


def test_readiness_may_be_given(store: Store, clock: HandClock) -> None:
    app = create_app(store=store, settings=settings_of(), clock=clock, readiness=lambda _store, _now: ["no"])
    assert reasons(app.test_client()) == ["no"]


def test_a_database_without_a_schema(tmp_path: Path, clock: HandClock) -> None:
    store = open_store(f"sqlite:///{tmp_path}/new.db")
    client = create_app(store=store, settings=settings_of(), clock=clock).test_client()
    assert reasons(client) == ["database"]
    assert client.get("/healthz").status_code == 200
    assert scraped(client)["handoffs_database_up"] == 0
    assert post(client, [change()]).status_code == 503
    store.close()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (service_state.TOKEN_REFUSED, "token refused"),
        (service_state.TASK_PROPERTY_MISSING, "task property missing"),
        (service_state.MAPPING_MISFIT, "the mapping does not fit the portal"),
    ],
    ids=lambda it: it.name if isinstance(it, Entry) else it,
)
def test_what_the_worker_was_refused(client: FlaskClient, store: Store, entry: Entry[str | None], reason: str) -> None:
    for value, expected in (("its words", [reason]), (None, [])):
        with store.write() as connection:
            service_state.put(connection, entry, value)
        assert reasons(client) == expected


@pytest.mark.parametrize(
    ("started", "swept", "expected"),
    [
        pytest.param(None, None, [], id="never started"),
        pytest.param(26, None, [], id="started 26 hours ago"),
        pytest.param(27, None, ["no sweep for 27 hours"], id="started and never swept"),
        pytest.param(100, 25, [], id="swept yesterday"),
        pytest.param(100, 30, ["no sweep for 30 hours"], id="swept the day before"),
        pytest.param(1, 100, [], id="was off for days"),
    ],
)
def test_a_sweep_in_26_hours(
    client: FlaskClient, store: Store, started: int | None, swept: int | None, expected: list[str]
) -> None:
    with store.write() as connection:
        for entry, hours in ((service_state.STARTED_AT, started), (service_state.LAST_SWEEP, swept)):
            if hours is not None:
                service_state.put(connection, entry, START - timedelta(hours=hours))
    assert reasons(client) == expected


def mark(store: Store, ticket: str, at: datetime, not_before: datetime | None = None, **columns: int) -> None:
    with store.write() as connection:
        work_queue.enqueue(connection, [RecordRef(Kind.TICKET, ticket)], at, "test", not_before=not_before)
        if columns:
            connection.execute(dirty_rows.update().where(dirty_rows.c.id == ticket).values(**columns))


def test_a_backlog_that_is_too_old(client: FlaskClient, store: Store, clock: HandClock) -> None:
    mark(store, "1", START)
    clock.at = START + timedelta(minutes=15)
    assert reasons(client) == []
    clock.at += timedelta(seconds=1)
    assert reasons(client) == ["backlog too old"]


def test_what_is_parked_held_or_waits_is_no_backlog(client: FlaskClient, store: Store, clock: HandClock) -> None:
    old = START - timedelta(days=1)
    mark(store, "1", old, parked_at=to_ms(old))
    mark(store, "2", old, held_effects=3)
    mark(store, "3", old, not_before=START + timedelta(seconds=1))
    mark(store, "4", old, not_before=START - timedelta(minutes=2))  # backed off, and due again
    assert reasons(client) == []
    found = scraped(client)
    counts = {name: found[f"handoffs_{name}"] for name in ("dirty_due", "parked", "held", "waiting")}
    assert counts == {"dirty_due": 1, "parked": 1, "held": 1, "waiting": 1}
    assert found["handoffs_dirty_oldest_seconds"] == 120


# Metrics


def test_what_the_receiver_counts(client: FlaskClient) -> None:
    post(client, [change(), change(objectId=12), change(subscriptionType="x.y")])
    post(client, [change()])
    post(client, b"{")
    post(client, [], secret="another")
    client.post(PATH, data=b"[]")
    post(client, b" " * (LIMIT + 1))
    found = scraped(client)
    expected = {
        'handoffs_deliveries_total{outcome="received"}': 2,
        'handoffs_deliveries_total{outcome="malformed"}': 1,
        'handoffs_deliveries_total{outcome="refused"}': 2,
        'handoffs_deliveries_total{outcome="too_large"}': 1,
        'handoffs_events_total{kind="propertyChange"}': 3,
        'handoffs_events_total{kind="other"}': 1,
        "handoffs_duplicate_events_total": 1,
        'handoffs_refused_signatures_total{reason="wrong_signature"}': 1,
        'handoffs_refused_signatures_total{reason="unsigned"}': 1,
        "handoffs_store_failures_total": 0,
        "handoffs_receive_seconds_count": 6,
        "handoffs_database_up": 1,
        "handoffs_last_webhook_timestamp_seconds": START.timestamp(),
    }
    assert {name: found[name] for name in expected} == expected


def test_what_is_read_from_the_database_at_a_scrape(client: FlaskClient, store: Store) -> None:
    assert "handoffs_last_sweep_timestamp_seconds" not in scraped(client)
    with store.write() as connection:
        service_state.put(connection, service_state.LAST_SWEEP, START)
        service_state.put(connection, service_state.LAST_POLL, START)
        connection.execute(budgets.insert().values(name="requests", tokens=0, filled_at=0, used=42))
        connection.execute(
            occurrences.insert().values(
                key="o", handoff="1", record_kind="portfolio", record="1", cycle="", decided_at=0, origin="", state="open",
                reason="", detail="{}",
            )
        )  # fmt: skip
        for number, state in enumerate(("done", "done", "blocked")):
            connection.execute(
                effects.insert().values(
                    key=str(number), occurrence="o", position=number, kind="task", payload="{}", state=state, state_at=0,
                    attempts=1,
                )
            )  # fmt: skip
    found = scraped(client)
    assert found["handoffs_last_sweep_timestamp_seconds"] == START.timestamp()
    assert found["handoffs_last_poll_timestamp_seconds"] == START.timestamp()
    assert found['handoffs_crm_requests_total{budget="requests"}'] == 42
    states = ("planned", "done", "blocked", "unknown")
    assert [found[f'handoffs_effects{{state="{state}"}}'] for state in states] == [0, 2, 1, 0]


def test_two_apps_count_apart(store: Store, clock: HandClock) -> None:
    first, second = (create_app(store=store, settings=settings_of(), clock=clock).test_client() for _ in range(2))
    post(first, [])
    assert scraped(first)['handoffs_deliveries_total{outcome="received"}'] == 1
    assert 'handoffs_deliveries_total{outcome="received"}' not in scraped(second)


def test_an_error_outside_receiving_is_json_too(store: Store, clock: HandClock) -> None:
    def broken(_store: StoreReader, _now: datetime) -> list[str]:
        raise RuntimeError("a secret value")

    client = create_app(store=store, settings=settings_of(), clock=clock, readiness=broken).test_client()
    with capture_logs() as logs:
        response = client.get("/readyz")
    assert response.status_code == 500
    assert error_of(response) == "internal error"
    assert [entry["event"] for entry in logs] == ["request.failed"]
