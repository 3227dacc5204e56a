"""Deliveries as HubSpot signs and sends them, and what a test asks of the receiver and its database."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from sync.clock import to_ms
from sync.settings import Settings, read_settings
from sync.storage import raw_deliveries
from sync.storage.database import Store
from sync.storage.inbox import Unpacked
from sync.storage.tables import deliveries, events, work_items
from webhooks.app import PATH
from webhooks.unpacking import Unpacker

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


def unpack(store: Store) -> Unpacked:
    """Do what a worker does before it looks for work."""
    return Unpacker(store, HandClock(), APP_ID).run()


def kept(store: Store) -> list[bytes]:
    """The bodies that wait to be unpacked, in their order."""
    with store.read() as connection:
        return [one.body for one in raw_deliveries.waiting(connection, 1000, 10_000_000)]


def stored(store: Store) -> tuple[int, int]:
    """How many deliveries and events there are, once all that came is unpacked."""
    unpack(store)
    with store.read() as connection:
        return (
            connection.scalar(select(func.count()).select_from(deliveries)) or 0,
            connection.scalar(select(func.count()).select_from(events)) or 0,
        )


def enqueued(store: Store) -> set[tuple[str, str]]:
    """What is in the work queue, once all that came is unpacked."""
    unpack(store)
    with store.read() as connection:
        return {(row.kind, row.id) for row in connection.execute(select(work_items))}


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
