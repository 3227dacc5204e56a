"""Where the processor time of a delivery goes in the receiver: its signature, its parsing, and keeping it."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sync.clock import SystemClock, to_ms
from sync.sandbox import signing
from sync.storage import raw_deliveries, service_state
from sync.storage.database import migrate, open_store
from webhooks.events import parse
from webhooks.signature import verify
from webhooks.unpacking import Unpacker

T = TypeVar("T")


def parts(deliveries: list[bytes], secret: str, uri: str) -> dict[str, float]:
    """Milliseconds of processor time of each part in the median, by itself, over these new deliveries.

    `a commit`: of one small value, as the least that anything durable costs.
    """
    clock = SystemClock()
    now = clock.now()
    signed = [(body, signing.headers(secret, "POST", uri, body, to_ms(now))) for body in deliveries]
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(f"sqlite:///{Path(directory) / 'handoffs.db'}")
        migrate(store)

        def commit(_body: bytes) -> None:
            with store.write() as connection:
                service_state.put(connection, service_state.PROBED_AT, now)

        def keep(body: bytes) -> None:
            with store.write() as connection:
                raw_deliveries.append(connection, [(body, now)])

        found = {
            "signature": _median(
                lambda one: verify(method="POST", uri=uri, body=one[0], headers=one[1], secrets=(secret,), now=now),
                signed,
            ),
            "parsing": _median(parse, deliveries),
            "keeping": _median(keep, deliveries),
            "a commit": _median(commit, deliveries),
        }
        began = time.process_time()
        unpacked = Unpacker(store, clock, None).run()
        found["unpacking, after the answer"] = round(1000 * (time.process_time() - began) / unpacked.deliveries, 3)
        store.close()
    return found


def _median(call: Callable[[T], object], values: list[T]) -> float:
    took = []
    for value in values:
        began = time.process_time()
        call(value)
        took.append(time.process_time() - began)
    return round(1000 * statistics.median(took[1:]), 3)
