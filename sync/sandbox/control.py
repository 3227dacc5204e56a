"""The control API, `/_sandbox/…`: what tests and people do to a running sandbox that HubSpot has no endpoint for.

JSON in, JSON out: `{"result": …}`, or `{"error": …}` with 400 or 404.
"""

import json
import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from sync.sandbox.acts import Acts
from sync.sandbox.delivery import DeliveryMode, HttpSender
from sync.sandbox.faults import Fault
from sync.sandbox.portal import NotFoundError, PortalError, UnknownTypeError
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.situations import populate
from sync.sandbox.wire import Request, Response

PREFIX = "/_sandbox/"

Json = Any


class Control:
    """Endpoints by method and path below `PREFIX`:

    GET health, process, clock, dump, mail, log (`?since=n`), log/counts, faults, delivery
    POST clock `{advance: seconds}`, `{set: ISO}`, `{ticking: bool}`
    POST faults [fault, …]; DELETE faults
    POST delivery: fields of `DeliveryMode`; delivery/target `{url, via?}`; delivery/pump; delivery/drain; delivery/test;
         delivery/raw: any body, signed; delivery/subscribe `{types, family}`; delivery/project: a webhooks-hsmeta.json
    POST app `{token, client_secret, scopes}`; single-send `{enabled}`
    POST populate `{count, seed}`: portfolios at every stage of the cycle
    POST people/{act}: an act of `Acts` with its arguments
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._acts = Acts(sandbox.portal, sandbox.process)
        self._endpoints: dict[tuple[str, str], Callable[[Json], Json]] = {
            ("GET", "health"): lambda _: {"ok": True, "now": sandbox.clock.now().isoformat()},
            ("GET", "process"): self._process,
            ("GET", "dump"): lambda _: sandbox.portal.dump(),
            ("GET", "mail"): self._mail,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._move_clock,
            ("GET", "log"): self._log,
            ("GET", "log/counts"): self._counts,
            ("GET", "faults"): lambda _: [fault.as_json() for fault in sandbox.faults.active()],
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): lambda _: sandbox.faults.clear(),
            ("GET", "delivery"): self._delivery,
            ("POST", "delivery"): self._set_mode,
            ("POST", "delivery/target"): self._set_target,
            ("POST", "delivery/pump"): lambda _: asdict(sandbox.delivery.pump()),
            ("POST", "delivery/drain"): lambda _: asdict(sandbox.delivery.drain()),
            ("POST", "delivery/test"): lambda _: {"status": sandbox.delivery.press_test_button()},
            ("POST", "delivery/raw"): lambda body: {"status": sandbox.delivery.send_raw(body)},
            ("POST", "delivery/subscribe"): self._subscribe,
            ("POST", "delivery/project"): self._subscribe_project,
            ("POST", "populate"): self._populate,
            ("POST", "app"): self._set_app,
            ("POST", "single-send"): self._set_single_send,
        }

    def handle(self, request: Request) -> Response:
        name = request.path.removeprefix(PREFIX)
        try:
            arguments = json.loads(request.body) if request.body else {}
            if request.method == "GET":
                arguments = {key: values[0] for key, values in request.parameters().items()}
            if request.method == "POST" and name.startswith("people/"):
                self._settle_in()
                result = self._acts.do(name.removeprefix("people/"), arguments)
            else:
                result = self._endpoints[request.method, name](arguments)
        except KeyError as error:
            if not self._sandbox.settled:
                return _answer(
                    404, {"error": "the portal is empty: `handoffs setup --sample --apply` builds the process"}
                )
            return _answer(404, {"error": f"{request.method} {name}: nothing there, or {error} is missing"})
        except (NotFoundError, UnknownTypeError) as error:
            return _answer(404, {"error": f"not found: {error}"})
        except (PortalError, ValueError, TypeError) as error:
            return _answer(400, {"error": str(error)})
        return _answer(200, {"result": result})

    def _process(self, _: Json) -> Json:
        self._settle_in()
        return self._sandbox.process.as_json()

    def _settle_in(self) -> None:
        """In an empty portal: people and webhooks know the process from the first time that it is found to be there."""
        sandbox = self._sandbox
        if sandbox.settled:
            return
        try:
            sandbox.settle_in()
        except (NotFoundError, UnknownTypeError):
            return
        self._acts = Acts(sandbox.portal, sandbox.process)
        sandbox.delivery.subscribe_all(["ticket", "task", sandbox.process.names.object_name])

    def _clock(self, _: Json) -> Json:
        clock = self._sandbox.clock
        return {
            "now": clock.now().isoformat(),
            "ticking": clock.ticking,
            "offset": clock.offset.total_seconds(),
            "time_zone": self._sandbox.portal.account.time_zone,
        }

    def _move_clock(self, body: Json) -> Json:
        clock = self._sandbox.clock
        if "ticking" in body:
            (clock.run if body["ticking"] else clock.freeze)()
        if "advance" in body:
            clock.advance(timedelta(seconds=float(body["advance"])))
        if "set" in body:
            clock.set(datetime.fromisoformat(body["set"]))
        return self._clock(body)

    def _mail(self, _: Json) -> Json:
        sink = self._sandbox.mail
        return {
            "single_send": self._acts.emails(),
            "smtp": [] if sink is None else [mail.as_json() for mail in sink.mails],
        }

    def _log(self, query: Json) -> Json:
        log = self._sandbox.log
        return {
            "mark": log.mark(),
            "calls": [call.as_json() for call in log.since(int(query.get("since", 0)))],
        }

    def _counts(self, _: Json) -> Json:
        log = self._sandbox.log
        return {
            "total": log.total,
            "endpoints": log.counts(),
            "statuses": log.statuses(),
            "busiest_ten_seconds": log.busiest_ten_seconds,
        }

    def _add_faults(self, body: Json) -> Json:
        faults = [Fault.from_json(one) for one in (body if isinstance(body, list) else [body])]
        for fault in faults:
            if not any(fnmatchcase(one, fault.endpoint) for one in self._sandbox.api.endpoints()):
                raise ValueError(
                    f"no call is like “{fault.endpoint}”: a call is its method and its path, with * for any part, as in "
                    "“POST */tickets/batch/read” or “GET */owners/*”"
                )
        self._sandbox.faults.add(*faults)

    def _delivery(self, _: Json) -> Json:
        delivery = self._sandbox.delivery
        due = delivery.next_due()
        return {
            **delivery.totals(),
            "target": delivery.target,
            "next_due": None if due is None else due.isoformat(),
            "mode": delivery.mode.as_json(),
            "subscriptions": len(delivery.subscriptions),
        }

    def _set_mode(self, body: Json) -> Json:
        self._sandbox.delivery.mode = DeliveryMode.from_json(body)

    def _set_target(self, body: Json) -> Json:
        """`via` is the origin where the receiver listens, if it is not the public one that is signed."""
        self._sandbox.delivery.target = body["url"]
        if "via" in body:
            self._sandbox.delivery.sender = HttpSender(body["via"])

    def _subscribe(self, body: Json) -> Json:
        self._sandbox.delivery.subscribe_all(body["types"], family=body.get("family", "generic"))

    def _subscribe_project(self, body: Json) -> Json:
        self._sandbox.delivery.subscribe_project(body)

    def _populate(self, body: Json) -> Json:
        sandbox = self._sandbox
        rng = random.Random(int(body.get("seed", 0)))
        return populate(sandbox.portal, sandbox.process, int(body["count"]), rng)

    def _set_app(self, body: Json) -> Json:
        app = self._sandbox.portal.app
        app.token = body.get("token", app.token)
        app.client_secret = body.get("client_secret", app.client_secret)
        app.scopes = set(body.get("scopes", app.scopes))

    def _set_single_send(self, body: Json) -> Json:
        self._sandbox.portal.single_send = bool(body["enabled"])


def _answer(status: int, body: object) -> Response:
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
