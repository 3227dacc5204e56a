"""Webhooks: what is sent, how it is signed, and all that may befall it (docs/hubspot.md 2)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from sync.sandbox import CHAOS, DeliveryMode, Quirks, Sandbox, signing
from tests.sandbox.client import PORTFOLIO, Client, make

TARGET = "https://hooks.example/webhooks/hubspot?a=%2Fb%20c"
STATUS, DATE = "creative_refresh_status", "creative_refresh_date"


@dataclass(slots=True)
class Receiver:
    """Takes deliveries in-process; answers with `status`, or with each of `answers` first."""

    status: int = 200
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.requests.append((method, url, headers, body))
        return self.answers.pop(0) if self.answers else self.status

    @property
    def batches(self) -> list[list[dict[str, Any]]]:
        return [json.loads(body) for *_, body in self.requests]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for batch in self.batches for event in batch]


def wired(**more: Any) -> tuple[Sandbox, Client, Receiver]:
    receiver = Receiver()
    sandbox, client = make(target=TARGET, sender=receiver, **more)
    sandbox.delivery.subscribe_all([PORTFOLIO, "ticket", "task", "note"])
    return sandbox, client, receiver


def kinds(receiver: Receiver) -> list[str]:
    return [event["subscriptionType"].partition(".")[2] for event in receiver.events]


def test_a_property_change_in_the_generic_family() -> None:
    sandbox, _, receiver = wired()
    portfolio = sandbox.people.create_portfolio("Acme")
    sandbox.delivery.pump()
    receiver.requests.clear()
    sandbox.people.set_status(portfolio, "Deliverables Submitted", by=sandbox.people.owner("account_manager"))
    assert sandbox.delivery.pump().events == 1
    event = receiver.events[0]
    assert event.pop("eventId") > 100
    assert event.pop("subscriptionId") > 3_000_000
    assert event == {
        "portalId": 48_000_001,
        "appId": 9_000_001,
        "occurredAt": 1_788_271_200_000,
        "subscriptionType": "object.propertyChange",
        "attemptNumber": 0,
        "objectId": int(portfolio),
        "objectTypeId": PORTFOLIO,
        "changeSource": "CRM_UI",
        "sourceId": "userId:60000001",
        "propertyName": STATUS,
        "propertyValue": "Deliverables Submitted",
        "isSensitive": False,
    }


def test_the_apps_own_changes_are_marked() -> None:
    sandbox, client, receiver = wired()
    portfolio = sandbox.people.create_portfolio()
    client.batch(PORTFOLIO, "update", [{"id": portfolio, "properties": {"name": "New"}}])
    sandbox.delivery.pump()
    event = receiver.events[-1]
    assert (event["changeSource"], event["sourceId"]) == ("INTEGRATION", str(sandbox.app_id))


def test_the_legacy_family_has_its_own_words() -> None:
    receiver = Receiver()
    sandbox, _ = make(target=TARGET, sender=receiver)
    sandbox.delivery.subscribe("propertyChange", "ticket", "subject", family="legacy")
    sandbox.delivery.subscribe("creation", "ticket", family="legacy")
    with pytest.raises(ValueError, match="legacy"):
        sandbox.delivery.subscribe("creation", "task", family="legacy")
    sandbox.people.create_ticket("One")
    sandbox.delivery.pump()
    assert [event["subscriptionType"] for event in receiver.events] == ["ticket.creation", "ticket.propertyChange"]
    assert receiver.events[0]["changeFlag"] == "CREATED"
    assert "objectTypeId" not in receiver.events[0]


def test_only_what_is_subscribed_is_sent_and_some_cannot_be() -> None:
    receiver = Receiver()
    sandbox, _ = make(target=TARGET, sender=receiver)
    sandbox.delivery.subscribe("propertyChange", PORTFOLIO, STATUS)
    for event, name in (
        ("propertyChange", "hs_lastmodifieddate"),
        ("propertyChange", ""),
        ("creation", "name"),
        ("propertyChange", "no_such"),
    ):
        with pytest.raises(ValueError):
            sandbox.delivery.subscribe(event, PORTFOLIO, name)  # type: ignore[arg-type]
    sandbox.people.create_portfolio("Acme", "2026-09-10")
    assert sandbox.delivery.pump().events == 0
    sandbox.delivery.clear_subscriptions()
    assert sandbox.delivery.subscriptions == ()


def test_lifecycle_events() -> None:
    sandbox, _, receiver = wired()
    people = sandbox.people
    one, two = people.create_ticket("One"), people.create_ticket("Two")
    people.archive("ticket", one)
    people.restore("ticket", one)
    new = people.merge("ticket", one, two)
    sandbox.delivery.pump()
    by_kind = {event["subscriptionType"]: event for event in receiver.events}
    assert by_kind["object.deletion"]["changeFlag"] == "DELETED"
    assert by_kind["object.restore"]["objectId"] == int(one)
    merge = by_kind["object.merge"]
    assert (merge["primaryObjectId"], merge["mergedObjectIds"], merge["newObjectId"]) == (
        int(one),
        [int(two)],
        int(new),
    )


def test_an_association_is_told_from_both_sides() -> None:
    sandbox, _, receiver = wired()
    people = sandbox.people
    portfolio, ticket = people.create_portfolio(), people.create_ticket()
    sandbox.delivery.pump()
    receiver.requests.clear()
    people.associate("ticket", ticket, "portfolio", portfolio)
    people.dissociate("ticket", ticket, "portfolio", portfolio)
    sandbox.delivery.pump()
    told = [
        (e["associationType"], e["fromObjectId"], e["toObjectId"], e["associationTypeId"], e["associationRemoved"])
        for e in receiver.events
    ]
    there = ("TICKET_TO_CREATIVE_PORTFOLIOS", int(ticket), int(portfolio), 71)
    back = ("CREATIVE_PORTFOLIOS_TO_TICKET", int(portfolio), int(ticket), 72)
    assert told == [(*there, False), (*back, False), (*there, True), (*back, True)]
    assert {(e["fromObjectTypeId"], e["toObjectTypeId"]) for e in receiver.events} == {
        ("0-5", PORTFOLIO),
        (PORTFOLIO, "0-5"),
    }
    assert all("objectId" not in e for e in receiver.events)


@pytest.mark.parametrize(
    ("form", "expected"), [("empty", {"propertyValue": ""}), ("null", {"propertyValue": None}), ("absent", {})]
)
def test_a_cleared_value_in_three_forms(form: Any, expected: dict[str, Any]) -> None:
    sandbox, _, receiver = wired(quirks=Quirks(cleared_event_value=form))
    portfolio = sandbox.people.create_portfolio("Acme", status="Deliverables Submitted")
    sandbox.delivery.pump()
    receiver.requests.clear()
    sandbox.people.set_status(portfolio, "")
    sandbox.delivery.pump()
    assert {k: v for k, v in receiver.events[0].items() if k == "propertyValue"} == expected


def test_dates_come_as_milliseconds() -> None:
    sandbox, _, receiver = wired()
    sandbox.people.create_portfolio("Acme", "2026-09-10")
    sandbox.delivery.pump()
    values = {e.get("propertyName"): e.get("propertyValue") for e in receiver.events}
    assert values[DATE] == "1788998400000"


def test_custom_objects_may_not_be_told_at_all() -> None:
    sandbox, _, receiver = wired(quirks=Quirks(custom_object_webhooks=False))
    sandbox.people.create_portfolio()
    sandbox.people.create_ticket()
    sandbox.delivery.pump()
    assert {event["objectTypeId"] for event in receiver.events} == {"0-5"}


def test_the_signatures() -> None:
    sandbox, _, receiver = wired()
    sandbox.people.create_ticket()
    sandbox.delivery.pump()
    method, url, headers, body = receiver.requests[0]
    timestamp = headers["X-HubSpot-Request-Timestamp"]
    assert (method, url, timestamp) == ("POST", TARGET, "1788271200000")
    decoded = "https://hooks.example/webhooks/hubspot?a=/b%20c"  # a slash is decoded, a space is not
    mac = hmac.new(b"sandbox-client-secret", b"POST" + decoded.encode() + body + timestamp.encode(), hashlib.sha256)
    assert headers["X-HubSpot-Signature-v3"] == base64.b64encode(mac.digest()).decode()
    assert headers["X-HubSpot-Signature"] == hashlib.sha256(b"sandbox-client-secret" + body).hexdigest()
    assert len(headers["X-HubSpot-Signature-v2"]) == 64


def test_the_known_v1_answer() -> None:
    body = (
        b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
        b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
        b'"changeFlag":"NEW","appId":54321}]'
    )
    expected = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
    assert signing.v1("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", body) == expected


def test_batches_of_at_most_a_hundred() -> None:
    receiver = Receiver()
    sandbox, _ = make(target=TARGET, sender=receiver)
    sandbox.delivery.subscribe("creation", "ticket")
    for n in range(250):
        sandbox.people.create_ticket(str(n))
    done = sandbox.delivery.pump()
    assert (done.requests, done.events) == (3, 250)
    assert [len(batch) for batch in receiver.batches] == [100, 100, 50]
    assert sandbox.delivery.pump().requests == 0


def test_a_failure_is_tried_ten_times_within_a_day() -> None:
    receiver = Receiver(status=500)
    sandbox, _ = make(target=TARGET, sender=receiver)
    sandbox.delivery.subscribe("creation", "ticket")
    began = sandbox.clock.now()
    sandbox.people.create_ticket()
    done = sandbox.delivery.drain()
    assert [event["attemptNumber"] for event in receiver.events] == list(range(11))
    assert (done.failed, done.given_up) == (11, 1)
    assert timedelta(hours=12) < sandbox.clock.now() - began <= timedelta(hours=24)
    assert len({(event["eventId"], event["occurredAt"]) for event in receiver.events}) == 1


@pytest.mark.parametrize("answer", [400, 401, 404, 413, 503, 302])
def test_whatever_is_not_2xx_comes_again_and_2xx_never(answer: int) -> None:
    receiver = Receiver(answers=[answer])
    sandbox, _ = make(target=TARGET, sender=receiver)
    sandbox.delivery.subscribe("creation", "ticket")
    sandbox.people.create_ticket()
    sandbox.delivery.drain()
    assert [event["attemptNumber"] for event in receiver.events] == [0, 1]
    assert sandbox.delivery.waiting == 0


def test_slower_than_five_seconds_or_raising_is_a_failure() -> None:
    sandbox, _ = make(target=TARGET)
    seen: list[bytes] = []

    def receive(method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        seen.append(body)
        if len(seen) == 1:
            sandbox.clock.sleep(5.1)
        if len(seen) == 2:
            raise ConnectionError
        return 200

    sandbox.delivery.sender = receive
    sandbox.delivery.subscribe("creation", "ticket")
    sandbox.people.create_ticket()
    assert sandbox.delivery.pump().failed == 1
    sandbox.delivery.drain()
    assert len(seen) == 3


def test_loss_doubling_and_delay() -> None:
    def told(mode: DeliveryMode, hours: float = 0) -> list[str]:
        receiver = Receiver()
        sandbox, _ = make(target=TARGET, sender=receiver, mode=mode)
        sandbox.delivery.subscribe("creation", "ticket")
        sandbox.people.create_ticket()
        sandbox.delivery.pump()
        sandbox.people.advance(hours=hours)
        sandbox.delivery.pump()
        return kinds(receiver)

    assert told(DeliveryMode(lost=1)) == []
    assert told(DeliveryMode(doubled=1)) == ["creation"]
    assert told(DeliveryMode(doubled=1), hours=1) == ["creation", "creation"]
    assert told(DeliveryMode(late=1)) == []
    assert told(DeliveryMode(late=1), hours=1) == ["creation"]
    assert told(DeliveryMode(latency=(3, 9))) == []
    assert told(DeliveryMode(paused=True), hours=100) == []


def test_the_mode_can_be_changed_at_any_time() -> None:
    receiver = Receiver()
    sandbox, _ = make(target=TARGET, sender=receiver, mode=DeliveryMode(paused=True))
    sandbox.delivery.subscribe("creation", "ticket")
    sandbox.people.create_ticket()
    assert sandbox.delivery.pump().events == 0
    sandbox.delivery.mode = DeliveryMode(batch=1)
    assert sandbox.delivery.pump().events == 1


def test_chaos_is_seeded_and_keeps_every_event_genuine() -> None:
    def run(seed: int) -> list[bytes]:
        receiver = Receiver()
        sandbox, _ = make(seed=seed, target=TARGET, sender=receiver, mode=CHAOS)
        sandbox.delivery.subscribe_all(["ticket"])
        for n in range(40):
            sandbox.people.create_ticket(str(n))
            sandbox.people.advance(minutes=3)
            receiver.answers = [500] if n % 5 == 0 else []
            sandbox.delivery.pump()
        sandbox.delivery.drain(timedelta(days=4))
        assert sandbox.delivery.waiting == 0
        return [body for *_, body in receiver.requests]

    first = run(3)
    assert first == run(3) != run(4)
    events = [event for body in first for event in json.loads(body)]
    assert [e["occurredAt"] for e in events] != sorted(e["occurredAt"] for e in events)
    seen = [(e["subscriptionId"], e["objectId"], e["occurredAt"]) for e in events]
    assert len(set(seen)) < len(seen)


def test_event_ids_repeat() -> None:
    sandbox, _, receiver = wired()
    for n in range(150):
        sandbox.people.create_ticket(str(n))
    sandbox.delivery.pump()
    seen = [event["eventId"] for event in receiver.events]
    assert len(set(seen)) < len(seen)


def test_the_test_button() -> None:
    sandbox, _, receiver = wired()
    assert sandbox.delivery.press_test_button(name="subject") == 200
    event = receiver.events[0]
    assert (event["eventId"], event["changeFlag"], event["propertyName"]) == (100, "NEW", "subject")


def test_subscribing_as_a_project_says() -> None:
    sandbox, _ = make()
    sandbox.delivery.subscribe_project(
        {
            "uid": "hooks",
            "type": "webhooks",
            "config": {
                "settings": {"targetUrl": TARGET, "maxConcurrentRequests": 10},
                "subscriptions": {
                    "crmObjects": [
                        {"subscriptionType": "object.creation", "objectType": "task", "active": True},
                        {
                            "subscriptionType": "object.propertyChange",
                            "objectType": "ticket",
                            "propertyName": "subject",
                            "active": True,
                        },
                        {"subscriptionType": "object.deletion", "objectType": "ticket", "active": False},
                    ],
                    "legacyCrmObjects": [
                        {"subscriptionType": "ticket.deletion", "objectType": "ticket", "active": True}
                    ],
                },
            },
        }
    )
    assert sandbox.delivery.target == TARGET
    assert [(s.family, s.event, s.type, s.property) for s in sandbox.delivery.subscriptions] == [
        ("generic", "creation", "0-27", ""),
        ("generic", "propertyChange", "0-5", "subject"),
        ("legacy", "deletion", "0-5", ""),
    ]
