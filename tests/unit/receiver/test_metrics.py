"""`/metrics`: what the receiver counts, and what it reads from the database at a scrape."""

from flask.testing import FlaskClient

from sync.storage import service_state
from sync.storage.database import Store
from sync.storage.tables import budgets, effects, occurrences
from tests.unit.receiver.deliveries import LIMIT, START, HandClock, change, post, scraped, settings_of, unpack
from webhooks.app import PATH, create_app


def test_what_the_receiver_counts(client: FlaskClient, store: Store) -> None:
    post(client, [change(), change(objectId=12), change(subscriptionType="x.y")])
    post(client, [change()])
    post(client, b"{")
    post(client, [], secret="another")
    client.post(PATH, data=b"[]")
    post(client, b" " * (LIMIT + 1))
    assert scraped(client)["handoffs_deliveries_pending"] == scraped(client)["handoffs_dirty_due"] == 2
    unpack(store)
    found = scraped(client)
    expected = {
        "handoffs_deliveries_pending": 0,
        "handoffs_deliveries_put_aside": 0,
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
