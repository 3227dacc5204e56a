"""Webhooks as HubSpot sends them (docs/hubspot.md 2): unordered, doubled, late, retried, signed.

Every change of the portal is matched against the subscriptions when it happens and waits for its time; `pump` delivers
what is due. A failure is tried again up to ten times over a virtual day.
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from sync.clock import from_ms, to_ms
from sync.sandbox import signing
from sync.sandbox.portal import Change, Event, Portal
from sync.sandbox.schema import ObjectType
from sync.sandbox.values import date_to_ms

BATCH = 100
RETRIES = 10
CONCURRENCY = 10
PATIENCE = timedelta(seconds=5)
_RETRY_AFTER = (60, 180, 300, 600, 1_200, 2_400, 4_800, 9_600, 18_000, 36_000)  # seconds; with jitter under 24 h
_DAY_MS = 86_400_000

Family = Literal["legacy", "generic"]


class Sender(Protocol):
    """Delivers one request; the status it was answered with. Raising anything counts as a failure."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> int: ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """One line of the app's webhook configuration; `property` for propertyChange only."""

    id: int
    family: Family
    event: Event
    type: str
    property: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryMode:
    """What befalls events on their way. Probabilities are per event; seconds are virtual."""

    latency: tuple[float, float] = (0.0, 0.0)
    """Every event waits between these."""
    lost: float = 0.0
    """Never delivered."""
    doubled: float = 0.0
    """Delivered a second time, within `late_seconds`."""
    late: float = 0.0
    """Delayed by `late_seconds`."""
    late_seconds: tuple[float, float] = (60.0, 3600.0)
    shuffled: bool = False
    """The order of what is due is random, within and between requests."""
    batch: int = BATCH
    """The most events in a request."""
    rebatched: bool = False
    """Requests hold a random number of events up to `batch`, and retries are cut anew."""
    paused: bool = False
    """Nothing is sent; everything waits."""

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "DeliveryMode":
        """Raises `ValueError` for a field that does not exist."""
        unknown = set(raw) - {one.name for one in fields(cls)}
        if unknown:
            raise ValueError(f"a delivery mode has no {sorted(unknown)}")
        values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in raw.items()}
        return cls(**values)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


CHAOS = DeliveryMode(
    latency=(0.0, 30.0), lost=0.1, doubled=0.2, late=0.2, late_seconds=(60.0, 172_800.0), shuffled=True, rebatched=True
)
"""Everything that can go wrong, often."""


@dataclass(slots=True)
class _Waiting:
    due: int
    number: int
    event: dict[str, object]
    attempt: int = 0
    first_sent: int | None = None


@dataclass(slots=True)
class Delivered:
    """What one `pump` did. `failed` requests are tried again; `given_up` events never come."""

    requests: int = 0
    events: int = 0
    failed: int = 0
    given_up: int = 0

    def __iadd__(self, other: "Delivered") -> "Delivered":
        self.requests += other.requests
        self.events += other.events
        self.failed += other.failed
        self.given_up += other.given_up
        return self


@dataclass(slots=True)
class _Totals:
    created: int = 0
    lost: int = 0
    delivered: Delivered = field(default_factory=Delivered)
    statuses: Counter[str] = field(default_factory=Counter)


class Delivery:
    """The webhook side of one app. Without `target` and `sender` events wait in vain, as before the first upload."""

    def __init__(
        self,
        portal: Portal,
        *,
        seed: int = 0,
        target: str | None = None,
        sender: Sender | None = None,
        mode: DeliveryMode | None = None,
        concurrency: int = 1,
    ) -> None:
        self.portal = portal
        self.target = target
        self.sender: Sender = sender or HttpSender()
        self.mode = mode or DeliveryMode()
        self.concurrency = concurrency
        self._random = random.Random(f"delivery {seed}")
        self._subscriptions: list[Subscription] = []
        self._by_event: dict[tuple[Event, str, str], list[Subscription]] = {}
        self._waiting: list[_Waiting] = []
        self._count = 0
        self._totals = _Totals()
        self._lock = threading.RLock()
        portal.listeners.append(self._heard)

    # --- subscriptions

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        return tuple(self._subscriptions)

    def subscribe(
        self, event: Event, object_type: str, property_name: str = "", *, family: Family = "generic"
    ) -> Subscription:
        """Add a subscription. Raises `ValueError` for what HubSpot does not accept."""
        kind = self.portal.type(object_type)
        if (event == "propertyChange") is not bool(property_name):
            raise ValueError("propertyChange, and nothing else, names a property")
        if property_name == "hs_lastmodifieddate":
            raise ValueError("hs_lastmodifieddate cannot be subscribed to")
        if property_name and property_name not in kind.properties:
            raise ValueError(f"{kind.name} has no property {property_name}")
        if family == "legacy" and not kind.legacy_webhooks:
            raise ValueError(f"there are no legacy events of {kind.name}")
        with self._lock:
            made = Subscription(len(self._subscriptions) + 3_000_001, family, event, kind.id, property_name)
            self._subscriptions.append(made)
            self._by_event.setdefault((event, kind.id, property_name), []).append(made)
            return made

    def subscribe_all(self, type_names: Iterable[str], *, family: Family = "generic") -> None:
        """Subscribe to every event and every property of these types."""
        events: tuple[Event, ...] = ("creation", "deletion", "restore", "merge", "associationChange")
        for name in type_names:
            for event in events:
                self.subscribe(event, name, family=family)
            for definition in list(self.portal.type(name).properties.values()):
                if not definition.read_only:
                    self.subscribe("propertyChange", name, definition.name, family=family)

    def subscribe_project(self, webhooks: Mapping[str, Any]) -> None:
        """Subscribe as a project's `webhooks-hsmeta.json` says, its target URL included."""
        config = webhooks["config"]
        self.target = config["settings"]["targetUrl"]
        self.concurrency = min(CONCURRENCY, int(config["settings"].get("maxConcurrentRequests", CONCURRENCY)))
        chosen = config["subscriptions"]
        for family, key in (("generic", "crmObjects"), ("legacy", "legacyCrmObjects")):
            for one in chosen.get(key) or ():
                if one.get("active", True):
                    event = one["subscriptionType"].rpartition(".")[2]
                    name = one.get("propertyName") or ""
                    self.subscribe(event, one["objectType"], name, family=family)  # type: ignore[arg-type]

    def clear_subscriptions(self) -> None:
        with self._lock:
            self._subscriptions.clear()
            self._by_event.clear()

    # --- delivering

    def pump(self) -> Delivered:
        """Deliver what is due now. A failure is due again later, so one call always ends."""
        self.portal.settle()
        with self._lock:
            batches = self._due(to_ms(self.portal.clock.now()))
        done = Delivered()
        if len(batches) > 1 and self.concurrency > 1:
            with ThreadPoolExecutor(min(self.concurrency, len(batches))) as pool:
                outcomes = list(pool.map(self._send, batches))
        else:
            outcomes = [self._send(batch) for batch in batches]
        with self._lock:
            for batch, status in zip(batches, outcomes, strict=True):
                done += self._settled(batch, status)
            self._totals.delivered += done
        return done

    def drain(self, within: timedelta = timedelta(days=2)) -> Delivered:
        """Move a manual clock from one due moment to the next and deliver, until nothing waits."""
        clock = self.portal.clock
        end = clock.now() + within
        done = self.pump()
        while (due := self.next_due()) is not None and due <= end:
            if self.mode.paused or self.target is None:
                break
            if due > clock.now():
                clock.set(due)
            done += self.pump()
        return done

    def next_due(self) -> datetime | None:
        """When the next event is due; None: none waits."""
        with self._lock:
            return from_ms(min(w.due for w in self._waiting)) if self._waiting else None

    @property
    def waiting(self) -> int:
        """Events that have not been delivered yet."""
        return len(self._waiting)

    def totals(self) -> dict[str, object]:
        with self._lock:
            return {
                "created": self._totals.created,
                "lost": self._totals.lost,
                "waiting": len(self._waiting),
                "delivered": asdict(self._totals.delivered),
                "statuses": dict(self._totals.statuses),
            }

    def press_test_button(self, event: Event = "propertyChange", object_type: str = "ticket", name: str = "") -> int:
        """HubSpot's "Test" button: one event with eventId 100 and changeFlag NEW, at once. The status answered."""
        kind = self.portal.type(object_type)
        body: dict[str, object] = {
            "eventId": 100,
            "subscriptionId": 11,
            "portalId": self.portal.account.portal_id,
            "appId": self.portal.account.app_id,
            "occurredAt": to_ms(self.portal.clock.now()),
            "subscriptionType": f"object.{event}",
            "attemptNumber": 0,
            "objectId": 123,
            "objectTypeId": kind.id,
            "changeSource": "CRM",
            "changeFlag": "NEW",
        }
        if name:
            body |= {"propertyName": name, "propertyValue": "sample-value"}
        return self._post([body])

    def send_raw(self, events: object) -> int:
        """Deliver a body of one's own, signed; the status answered."""
        return self._post(events)

    # --- inside

    def _heard(self, change: Change) -> None:
        found = self._by_event.get((change.event, change.type.id, change.property))
        if not found or (change.type.custom and not self.portal.quirks.custom_object_webhooks):
            return
        with self._lock:
            for subscription in found:
                self._totals.created += 1
                self._queue(self._told(subscription, change))

    def _queue(self, event: dict[str, object]) -> None:
        mode, now = self.mode, to_ms(self.portal.clock.now())
        if mode.lost and self._random.random() < mode.lost:
            self._totals.lost += 1
            return
        due = now + self._seconds(mode.latency)
        if mode.late and self._random.random() < mode.late:
            due += self._seconds(mode.late_seconds)
        self._wait(event, due)
        if mode.doubled and self._random.random() < mode.doubled:
            self._wait(dict(event), due + self._seconds(mode.late_seconds))

    def _seconds(self, between: tuple[float, float]) -> int:
        low, high = between
        return round(1000 * (low if low == high else self._random.uniform(low, high)))

    def _wait(self, event: dict[str, object], due: int) -> None:
        self._count += 1
        self._waiting.append(_Waiting(due, self._count, event))

    def _due(self, now: int) -> list[list[_Waiting]]:
        if self.mode.paused or self.target is None:
            return []
        ready = [w for w in self._waiting if w.due <= now]
        if not ready:
            return []
        self._waiting = [w for w in self._waiting if w.due > now]
        ready.sort(key=lambda w: (w.attempt, w.due, w.number))
        if self.mode.shuffled:
            self._random.shuffle(ready)
            ready.sort(key=lambda w: w.attempt)
        batches: list[list[_Waiting]] = []
        size = self._size()
        for one in ready:
            if not batches or len(batches[-1]) >= size or batches[-1][0].attempt != one.attempt:
                batches.append([])
                size = self._size()
            batches[-1].append(one)
        if self.mode.shuffled:
            self._random.shuffle(batches)
        return batches

    def _size(self) -> int:
        most = min(BATCH, self.mode.batch)
        return self._random.randint(1, most) if self.mode.rebatched else most

    def _send(self, batch: list[_Waiting]) -> int:
        for one in batch:
            one.event["attemptNumber"] = one.attempt
        return self._post([one.event for one in batch])

    def _post(self, events: object) -> int:
        """The status; 0 where there was none, or where it took longer than HubSpot waits.

        Over HTTP that is real time, which `HttpSender` counts: somebody may move this clock on meanwhile.
        """
        if self.target is None:
            return 0
        clock = self.portal.clock
        body = json.dumps(events, separators=(",", ":")).encode()
        began = clock.now()
        secret = self.portal.app.client_secret
        signed = signing.headers(secret, "POST", self.target, body, to_ms(began))
        try:
            status = self.sender("POST", self.target, signed, body)
        except Exception:  # noqa: BLE001  # whatever the receiver does is a failed delivery, as it is for HubSpot
            status = 0
        too_late = not isinstance(self.sender, HttpSender) and clock.now() - began > PATIENCE
        return 0 if too_late else status

    def _settled(self, batch: list[_Waiting], status: int) -> Delivered:
        self._totals.statuses[str(status)] += 1
        if 200 <= status < 300:
            return Delivered(requests=1, events=len(batch))
        now = to_ms(self.portal.clock.now())
        given_up = 0
        delay = self._retry_delay(batch[0].attempt)
        for one in batch:
            one.first_sent = now if one.first_sent is None else one.first_sent
            one.due = now + (self._retry_delay(one.attempt) if self.mode.rebatched else delay)
            one.attempt += 1
            if one.attempt > RETRIES or one.due > one.first_sent + _DAY_MS:
                given_up += 1
            else:
                self._waiting.append(one)
        return Delivered(requests=1, failed=1, given_up=given_up)

    def _retry_delay(self, attempt: int) -> int:
        return round(1000 * _RETRY_AFTER[min(attempt, RETRIES - 1)] * self._random.uniform(0.7, 1.15))

    def _told(self, subscription: Subscription, change: Change) -> dict[str, object]:
        """The event as HubSpot writes it, in the words of the subscription's family."""
        generic = subscription.family == "generic"
        prefix = "object" if generic else change.type.name
        ids = 10_000 if self.portal.quirks.event_ids_collide else 2**40
        event: dict[str, object] = {
            "eventId": self._random.randrange(101, ids),
            "subscriptionId": subscription.id,
            "portalId": self.portal.account.portal_id,
            "appId": self.portal.account.app_id,
            "occurredAt": change.at,
            "subscriptionType": f"{prefix}.{change.event}",
            "attemptNumber": 0,
            "changeSource": change.actor.source_type,
            "sourceId": change.actor.source_id,
        }
        if change.event != "associationChange" or self.portal.quirks.association_event_object_id:
            event["objectId"] = change.id
        if generic:
            event["objectTypeId"] = change.type.id
        match change.event:
            case "creation":
                event["changeFlag"] = "CREATED"
            case "deletion":
                event["changeFlag"] = "DELETED"
            case "restore":
                event["changeFlag"] = "RESTORED"
            case "merge":
                event["primaryObjectId"] = change.id
                event["mergedObjectIds"] = list(change.merged)
                event["newObjectId"] = change.new_id if change.new_id is not None else change.id
                event["numberOfPropertiesMoved"] = 0
            case "propertyChange":
                event |= self._property(change)
            case "associationChange":
                event |= self._association(change, generic)
        return event

    def _property(self, change: Change) -> dict[str, object]:
        quirks = self.portal.quirks
        told: dict[str, object] = {"propertyName": change.property, "isSensitive": False}
        value = change.value
        if value == "":
            if quirks.cleared_event_value != "absent":
                told["propertyValue"] = "" if quirks.cleared_event_value == "empty" else None
            return told
        definition = change.type.properties.get(change.property)  # None: somebody has archived it since
        if quirks.date_event_values == "ms" and definition is not None and definition.type == "date":
            value = date_to_ms(value)
        told["propertyValue"] = value
        return told

    def _association(self, change: Change, generic: bool) -> dict[str, object]:
        assert change.link is not None
        far: ObjectType = self.portal.types[change.link.to_type]
        told: dict[str, object] = {
            "associationType": f"{change.type.name.upper()}_TO_{far.name.upper()}",
            "fromObjectId": change.id,
            "toObjectId": change.link.to_id,
            "associationRemoved": change.link.removed,
            "isPrimaryAssociation": change.link.association.primary,
        }
        if generic:
            told |= {
                "fromObjectTypeId": change.type.id,
                "toObjectTypeId": far.id,
                "associationTypeId": change.link.association.id,
                "associationCategory": change.link.association.category,
            }
        return told


class HttpSender:
    """Delivers over HTTP, with HubSpot's patience of five seconds.

    `origin` is a reverse proxy in short: what is signed for the public target goes to this origin, path and query kept.
    """

    def __init__(self, origin: str | None = None) -> None:
        self._origin = origin
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_maxsize=CONCURRENCY))

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        if self._origin is not None:
            parts = urlsplit(url)
            url = f"{self._origin.rstrip('/')}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        answered = self._session.request(
            method, url, headers=dict(headers), data=body, timeout=PATIENCE.total_seconds(), allow_redirects=False
        )
        return answered.status_code

    def close(self) -> None:
        self._session.close()
