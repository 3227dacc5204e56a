"""What is refused: signatures, times, bodies, methods. Nothing of it is stored, and no input breaks the receiver."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sync.observe.running import Finding
from sync.settings import Settings
from sync.storage.database import Store, StoreReader, migrate, open_store
from tests.printed_logs import printed_logs
from tests.unit.receiver.deliveries import (
    LIMIT,
    SECRET,
    START,
    HandClock,
    change,
    error_of,
    post,
    settings_of,
    signed,
    stored,
)
from webhooks.app import PATH, create_app
from webhooks.events import Kind, Malformed, MalformedBodyError, kind_of, kinds_of, parse


def test_a_wrong_signature(client: FlaskClient, store: Store) -> None:
    with capture_logs() as logs:
        response = post(client, [change()], secret="another")
    assert response.status_code == 401
    assert error_of(response)
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("delivery.refused", "wrong_signature")]
    assert stored(store) == (0, 0)


def test_what_check_sends_frightens_nobody(client: FlaskClient, store: Store) -> None:
    with capture_logs() as logs:
        response = post(client, b"[]", secret="another")
    assert response.status_code == 401
    (entry,) = logs
    assert (entry["event"], entry["reason"], entry["log_level"]) == ("delivery.refused", "wrong_signature", "info")
    assert "`handoffs check` sends one" in entry["note"]
    assert stored(store) == (0, 0)


def test_the_signature_is_checked_before_anything_is_read(client: FlaskClient) -> None:
    assert post(client, b"not json", secret="another").status_code == 401
    assert client.post(PATH, data=b"not json").status_code == 401


@pytest.mark.parametrize(
    ("late", "status"),
    [
        (timedelta(minutes=5), 200),
        (timedelta(minutes=5, milliseconds=1), 401),
        (timedelta(minutes=-5), 200),
        (timedelta(minutes=-5, milliseconds=-1), 401),
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


def as_parsed(read: Callable[[], list[Kind]]) -> list[Kind] | Malformed:
    try:
        return read()
    except MalformedBodyError as error:
        return error.reason


@given(body=BODIES)
@example(b'[{"a": "\xff"}]')
@example(b'[{"\xff": 1}]')
@example(b'[{"a": 1e999, "subscriptionType": "x.creation"}]')
@example(b'[{"a": 123456789012345678901234567890, "subscriptionType": 7}]')
@example(b'[{"a": NaN}]')
@example(b'[{"subscriptionType": "ticket.creation", "a": "[{"}]')
@example(b'[{"subscriptionType": "ticket.creation", "a": {"b": [1]}}, {"subscriptionType": ["ticket.creation"]}]')
@example(b'[{"subscriptionType": "a", "subscriptionType": "ticket.merge"}]')
@example(b'[{"a": ' + b"[" * 40 + b"]" * 40 + b"}]")
@example(b'[{"subscriptionType": "ticket.\\u0063reation"}]')
@hypothesis_settings(max_examples=500, deadline=None)
def test_the_quick_check_of_a_body_says_what_parsing_says(body: bytes) -> None:
    """What is answered with 200 can be unpacked, and what can be unpacked is answered so."""
    assert as_parsed(lambda: kinds_of(body)) == as_parsed(lambda: [kind_of(one.subscription) for one in parse(body)])


@given(answer=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")), stamp=st.integers().map(str))
def test_no_header_breaks_the_receiver(fuzzed: FlaskClient, answer: str, stamp: str) -> None:
    headers = {"X-HubSpot-Signature-v3": answer, "X-HubSpot-Request-Timestamp": stamp, "X-HubSpot-Signature": answer}
    assert fuzzed.post(PATH, data=b"[]", headers=headers).status_code == 401


def test_an_error_outside_receiving_is_json_too(store: Store, clock: HandClock) -> None:
    def broken(_store: StoreReader, _now: datetime, _settings: Settings) -> list[Finding]:
        raise RuntimeError("a secret value")

    client = create_app(store=store, settings=settings_of(), clock=clock, look=broken).test_client()
    with capture_logs() as logs:
        response = client.get("/readyz")
    assert response.status_code == 500
    assert error_of(response) == "internal error"
    assert [entry["event"] for entry in logs] == ["request.failed"]


def test_the_log_says_where_an_error_came_about_and_nothing_of_its_words(
    store: Store, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_named: object) -> list[Finding]:
        raise RuntimeError("a secret value")

    told = printed_logs()
    monkeypatch.setattr("webhooks.keeping.append", broken)
    client = create_app(store=store, settings=settings_of(), clock=clock, look=broken).test_client()
    assert client.get("/readyz").status_code == 500
    assert post(client, [change()]).status_code == 503
    assert [line.split()[0] for line in told if " broken" in line] == ["request.failed", "delivery.unstorable"]
    assert "secret" not in str(told)
