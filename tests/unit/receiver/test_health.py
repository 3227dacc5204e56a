"""`/healthz` and `/readyz`: alive, ready, and the reasons why not."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.errors import ConfigurationError
from sync.observe.running import Finding
from sync.storage import service_state, work_queue
from sync.storage.database import Store, migrate, open_store
from sync.storage.service_state import Entry
from sync.storage.tables import work_items
from tests.alive import give_signs
from tests.unit.receiver.deliveries import START, HandClock, change, error_of, post, scraped, settings_of, stored
from webhooks.app import create_app


def test_without_webhooks_the_rest_works(store: Store, clock: HandClock) -> None:
    settings = settings_of(public_url=None, hubspot_client_secret="")
    client = create_app(store=store, settings=settings, clock=clock).test_client()
    give_signs(store, clock)
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


@pytest.fixture(autouse=True)
def served(store: Store, clock: HandClock) -> None:
    """Worker and receiver give signs of life."""
    give_signs(store, clock)


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


def test_what_is_wrong_may_be_given(store: Store, clock: HandClock) -> None:
    """What does not stop the service is told, and it is ready all the same: a balancer must not take it away."""
    found = [Finding("a part", stops_work=False)]
    client = create_app(store=store, settings=settings_of(), clock=clock, look=lambda *_: found).test_client()
    assert reasons(client) == []
    assert client.get("/readyz").get_json()["needs_a_person"] == ["a part"]
    found.append(Finding("all of it"))
    assert reasons(client) == ["all of it"]


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
        (service_state.PERMISSION_REFUSED, "a permission is missing"),
        (service_state.TASK_PROPERTY_MISSING, "task property missing"),
        (service_state.MAPPING_MISFIT, "the mapping does not fit the portal"),
        (service_state.WRONG_PORTAL, "another portal's token"),
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
            connection.execute(work_items.update().where(work_items.c.id == ticket).values(**columns))


def test_a_backlog_that_is_too_old(client: FlaskClient, store: Store, clock: HandClock) -> None:
    mark(store, "1", START)
    clock.at = START + timedelta(minutes=15)
    give_signs(store, clock)
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


@pytest.mark.parametrize(
    ("column", "one", "several"),
    [
        pytest.param(
            "attempts",
            "1 record is tried again, as looking at it failed: ticket 1",
            "4 records are tried again, as looking at them failed: ticket 1; ticket 2; ticket 3; and 1 more",
            id="tried again",
        ),
        pytest.param(
            "parked_at",
            "1 record is parked, as looking at it failed again and again: ticket 1",
            "4 records are parked, as looking at them failed again and again: ticket 1; ticket 2; ticket 3; and 1 more",
            id="parked",
        ),
    ],
)
def test_whom_no_pass_could_look_at_is_named(
    client: FlaskClient, store: Store, column: str, one: str, several: str
) -> None:
    mark(store, "1", START, None, **{column: 1})
    assert client.get("/readyz").get_json()["needs_a_person"] == [one]
    for ticket in ("2", "3", "4"):
        mark(store, ticket, START, None, **{column: 1})
    assert client.get("/readyz").get_json()["needs_a_person"] == [several]


def test_a_database_that_was_replaced_takes_no_delivery(client: FlaskClient, store: Store, tmp_path: Path) -> None:
    """Answered 200 it would never come again, and be in a file that is gone."""
    assert post(client, [change()]).status_code == 200
    other = open_store(f"sqlite:///{tmp_path}/other.db")
    migrate(other)
    other.close()
    assert store.path is not None
    (tmp_path / "other.db").replace(store.path)
    assert post(client, [change(objectId=12)]).status_code == 503
    (reason,) = client.get("/readyz").get_json()["reasons"]
    assert "was replaced by another file" in reason
