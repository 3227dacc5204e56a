"""What `/metrics` says: the receiver's own counters, and gauges read from the database at each scrape.

Prometheus text, every name beginning with `handoffs_`. The counters live in the receiver's process, so one process must
answer the port: `webhooks.server` is one. Two would each tell half, in turns; and on SQLite they are no
faster than one. Refused requests are not counted in the database: a stranger could make it write.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sync.clock import Clock
from sync.errors import StoreError
from sync.observe import health
from sync.storage import alert_log, budget, inbox, ledger, raw_deliveries, service_state, waits, work_queue
from sync.storage.database import Connection, StoreReader

_LAST = {
    service_state.LAST_SWEEP: "When the last daily sweep was done.",
    service_state.LAST_POLL: "When the CRM was last polled.",
}

_LAST_WEBHOOK = "When the last genuine webhook came."


class Metrics:
    """The metrics of one receiver. Nothing is global: two apps in one process count apart."""

    def __init__(self, store: StoreReader, clock: Clock) -> None:
        registry = CollectorRegistry()
        registry.register(StoreCollector(store, clock))
        self.deliveries = Counter(
            "handoffs_deliveries", "Requests to the webhook address, by outcome.", ["outcome"], registry=registry
        )
        self.events = Counter("handoffs_events", "Events received, by kind.", ["kind"], registry=registry)
        self.refused = Counter(
            "handoffs_refused_signatures",
            "Requests that were not genuine or not recent.",
            ["reason"],
            registry=registry,
        )
        self.store_failures = Counter(
            "handoffs_store_failures", "Deliveries that could not be stored; HubSpot repeats them.", registry=registry
        )
        self.receive_seconds = Histogram(
            "handoffs_receive_seconds",
            "From the first byte of a delivery read to its answer. HubSpot gives up after 5 s.",
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        self._registry = registry

    def text(self) -> bytes:
        """Write all of it in Prometheus' text format."""
        return generate_latest(self._registry)


class StoreCollector(Collector):
    """Gauges of what the database holds at the moment of the scrape, read in one transaction."""

    def __init__(self, store: StoreReader, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Give every gauge; only `handoffs_database_up` 0 where the database cannot be read: absent is not zero."""
        try:
            with self._store.read() as connection:
                found = [
                    *self._backlog(connection),
                    *_effects(connection),
                    *_moments(connection),
                    *_budgets(connection),
                    *self._stuck(connection),
                    *self._sweep(connection),
                    *_refusals(connection),
                    *_alerts(connection),
                ]
        except StoreError:
            found = []
        yield GaugeMetricFamily("handoffs_database_up", "1: the database can be read.", value=1 if found else 0)
        yield from found

    def _backlog(self, connection: Connection) -> Iterator[Metric]:
        found = work_queue.backlog(connection, self._clock.now())
        yield GaugeMetricFamily(
            "handoffs_dirty_due", "Records that are due to be looked at, and deliveries to unpack.", value=found.due
        )
        yield from _deliveries(connection)
        yield GaugeMetricFamily(
            "handoffs_dirty_oldest_seconds", "How long the oldest of them has been due.", value=found.oldest_seconds
        )
        yield GaugeMetricFamily("handoffs_parked", "Records put aside after too many failures.", value=found.parked)
        yield GaugeMetricFamily("handoffs_held", "Records that the breaker holds.", value=found.held)
        yield GaugeMetricFamily("handoffs_waiting", "Records with a later time to look.", value=found.waiting)

    def _stuck(self, connection: Connection) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "handoffs_stuck", "Portfolios that wait for a party longer than the mapping allows.", labels=["party"]
        )
        for party, count in waits.count(connection, self._clock.now()).items():
            family.add_metric([party.value], count)
        yield family

    def _sweep(self, connection: Connection) -> Iterator[Metric]:
        late = health.sweep_overdue(connection, self._clock.now())
        yield GaugeMetricFamily(
            "handoffs_sweep_overdue_seconds", "How late the daily sweep is; 0: it is not.", value=late.total_seconds()
        )


def _deliveries(connection: Connection) -> Iterator[Metric]:
    found = raw_deliveries.pending(connection)
    yield GaugeMetricFamily("handoffs_deliveries_pending", "Deliveries that are to be unpacked.", value=found.waiting)
    yield GaugeMetricFamily(
        "handoffs_deliveries_put_aside", "Deliveries that could not be unpacked.", value=found.put_aside
    )
    again = service_state.get(connection, service_state.DUPLICATE_EVENTS) or 0
    yield CounterMetricFamily(
        "handoffs_duplicate_events", "Events that had been stored before; they mark nothing.", value=again
    )


def _effects(connection: Connection) -> Iterator[Metric]:
    counts = ledger.count(connection)
    family = GaugeMetricFamily("handoffs_effects", "Effects in the ledger, by state.", labels=["state"])
    for state, count in counts.items():
        family.add_metric([state.value], count)
    yield family


def _moments(connection: Connection) -> Iterator[Metric]:
    for entry, text in _LAST.items():
        at = service_state.get(connection, entry)
        if at is not None:
            yield GaugeMetricFamily(f"handoffs_{entry.name}_timestamp_seconds", text, value=at.timestamp())
    came = inbox.last_webhook(connection)
    if came is not None:
        yield GaugeMetricFamily("handoffs_last_webhook_timestamp_seconds", _LAST_WEBHOOK, value=came.timestamp())


def _budgets(connection: Connection) -> Iterator[Metric]:
    family = CounterMetricFamily("handoffs_crm_requests", "Requests taken from the CRM's budget.", labels=["budget"])
    for bucket, used in budget.used(connection).items():
        family.add_metric([bucket], used)
    yield family


def _refusals(connection: Connection) -> Iterator[Metric]:
    family = GaugeMetricFamily("handoffs_refused", "1: no pass can run, and why.", labels=["kind"])
    for refusal, stands in health.refusals(connection).items():
        family.add_metric([refusal.name], int(stands))
    yield family


def _alerts(connection: Connection) -> Iterator[Metric]:
    family = CounterMetricFamily("handoffs_alerts", "Hours in which the admin was told, by kind.", labels=["kind"])
    for kind, count in alert_log.counts(connection).items():
        family.add_metric([kind], count)
    yield family
