"""The receiver behind a real socket: the address as it was called, and chunked bodies."""

import http.client
import json
from collections.abc import Iterator, Mapping
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from sync.storage.database import Store
from tests.unit.receiver.deliveries import change, signed, stored
from webhooks.app import PATH


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
