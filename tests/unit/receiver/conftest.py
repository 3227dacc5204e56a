"""A receiver on an empty database, called through Flask's client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sync.storage.database import Store, migrate, open_store
from tests.unit.receiver.deliveries import HandClock, settings_of
from webhooks.app import create_app


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
