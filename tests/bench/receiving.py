"""What it costs to receive: processor time of a signed POST against the same app that only checks the signature."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.test import Client, EnvironBuilder

from sync.clock import Clock, SystemClock, to_ms
from sync.sandbox import signing
from sync.settings import Settings, read_settings
from sync.storage.database import migrate, open_store
from tests.bench.figures import Figure
from webhooks.app import PATH, create_app
from webhooks.signature import SignatureCheck, verify

PUBLIC = "https://handoffs.example.com"
SECRET = "a-secret"

ROUNDS = 9
"""The two take turns so often; the ratio of each round is taken, and their median told."""

WANTED = {100: 0.5, 1: 0.7}


def bare(settings: Settings, clock: Clock) -> Flask:
    """The least that a receiver can do: check the signature of a body, and answer."""
    app = Flask("bare", static_folder=None)

    @app.post(PATH)
    def webhook() -> Response:
        verdict = verify(
            method=request.method, uri=PUBLIC + request.path, body=request.get_data(cache=False),
            headers=dict(request.headers.items()), secrets=(SECRET,), now=clock.now(),
        )  # fmt: skip
        response = jsonify(received=1)
        response.status_code = 200 if verdict is SignatureCheck.GENUINE else 401
        return response

    return app


def receiving(events: int, posts: int) -> Figure:
    """The share of the bare app's speed at which deliveries of so many events are received, each new and durable."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as directory:
        values: dict[str, Any] = {
            "_env_file": None, "hubspot_client_secret": SECRET, "public_url": PUBLIC,
            "database_url": f"sqlite:///{Path(directory) / 'handoffs.db'}",
        }  # fmt: skip
        settings = read_settings(**values)
        store = open_store(settings.database_url)
        migrate(store)
        number = count(1)
        apps = {"bare": bare(settings, clock), "ours": create_app(store=store, settings=settings, clock=clock)}
        took: dict[str, list[float]] = {"bare": [], "ours": []}
        for _ in range(ROUNDS):
            for name, app in apps.items():
                took[name].append(_cpu_of(app, [_delivery(number, events, clock) for _ in range(posts)]) / posts)
        store.close()
    ratios = sorted(least / ours for least, ours in zip(took["bare"], took["ours"], strict=True))
    return Figure(
        f"receiver, a signed POST of {events} {'event' if events == 1 else 'events'}, processor time", "of the bare app",
        ours=statistics.median(ratios), wanted=WANTED[events], bound=1, at_least=True,
        details={
            "ratios": [round(one, 3) for one in ratios],
            "milliseconds": {name: round(1000 * statistics.median(one), 3) for name, one in took.items()},
        },
    )  # fmt: skip


def _cpu_of(app: Flask, requests: "list[EnvironBuilder]") -> float:
    environs = [one.get_environ() for one in requests]
    call: Callable[..., Any] = Client(app).run_wsgi_app
    began = time.process_time()
    statuses = {call(one)[1] for one in environs}
    seconds = time.process_time() - began
    if statuses != {"200 OK"}:
        raise AssertionError(f"a delivery was answered with {statuses}")
    return seconds


def _delivery(number: "count[int]", events: int, clock: Clock) -> EnvironBuilder:
    body = json.dumps([_event(next(number), to_ms(clock.now())) for _ in range(events)]).encode()
    headers = signing.headers(SECRET, "POST", PUBLIC + PATH, body, to_ms(clock.now()))
    return EnvironBuilder(path=PATH, method="POST", data=body, headers=list(headers.items()))


def _event(number: int, at: int) -> dict[str, object]:
    return {
        "eventId": number, "subscriptionId": 1, "portalId": 2, "appId": 3, "occurredAt": at + number,
        "subscriptionType": "ticket.propertyChange", "attemptNumber": 0, "objectId": 1 + number % 2000,
        "propertyName": "hs_pipeline_stage", "propertyValue": "1", "changeSource": "CRM_UI", "sourceId": "userId:1",
    }  # fmt: skip
