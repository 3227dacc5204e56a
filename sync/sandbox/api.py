"""The simulated HubSpot API, without a socket: `Api.handle` takes a request and gives an answer.

A call goes through: token, rate limits, faults, scopes, endpoint, log. One call at a time holds the portal's lock, so a
call is atomic, as a batch is in HubSpot as far as anyone can tell.
"""

import json
import random
from collections.abc import Iterator, Mapping
from email.utils import format_datetime
from itertools import product

from sync.sandbox.call import Call
from sync.sandbox.faults import Fault, Faults, rate_limit_body, refusal
from sync.sandbox.incomplete import MISSING, Lacks, leave_out
from sync.sandbox.limits import Budget, RateLimiter
from sync.sandbox.portal import Portal, UnknownTypeError
from sync.sandbox.recorder import from_environment
from sync.sandbox.request_log import RequestLog
from sync.sandbox.routes import ROUTES, Route, match
from sync.sandbox.schema import CONTACT, NOTE, TASK, TICKET, Actor
from sync.sandbox.wire import ApiError, Request, Response


class _Named(dict[str, str]):
    """What a path names: a field of its template that is not among it stands as it is."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


class Api:
    """`association_page` is how many associations of one input fit a page of an association read."""

    def __init__(
        self,
        portal: Portal,
        *,
        seed: int = 0,
        budget: Budget | None = None,
        association_page: int = 500,
        faults: Faults | None = None,
        log: RequestLog | None = None,
    ) -> None:
        self.portal = portal
        self.faults = faults or Faults(seed, portal.clock.now_seconds)
        self.log = log or RequestLog()
        self.limiter = RateLimiter(budget or Budget(), portal.clock.seconds)
        self.association_page = association_page
        self._random = random.Random(f"api {seed}")
        self._seed = seed
        self._calls = 0
        self._recorder = from_environment()
        self._actor = Actor.app(portal.account.app_id)

    def handle(self, request: Request) -> Response:
        """Answer one request. What a fault does to the connection is left to the transport, in the response.

        Each answer tells the portal's own time, as a web server does.
        """
        with self.portal.lock:
            response = self._handle(request)
            response.headers["Date"] = format_datetime(self.portal.clock.now(), usegmt=True)
            return response

    def _handle(self, request: Request) -> Response:
        self.portal.settle()
        self._calls += 1
        correlation_id = f"{self._calls:08x}-0000-4000-8000-{self._seed % 2**48:012x}"
        matched = match(request.method, request.path)
        if matched is None:
            error = ApiError(404, "NOT_FOUND", f"No resource at {request.method} {request.path}")
            response = _failure(error, correlation_id)
            self._note(f"{request.method} {request.path}", response, 1, None, metered=False)
            self._record(request, response, None)
            return response
        route, parameters = matched
        call = Call(
            self.portal,
            request,
            parameters,
            self._actor,
            self._random,
            self.association_page,
            correlation_id,
            dated=route.dated,
        )
        endpoint = self._endpoint(route, parameters)
        response, fault = self._answered(call, route, endpoint)
        self._note(endpoint, response, call.counted, fault, metered=route.meter == "calls")
        self._record(request, response, fault)
        return response

    def _answered(self, call: Call, route: Route, endpoint: str) -> tuple[Response, Fault | None]:
        if call.request.headers.get("authorization") != f"Bearer {self.portal.app.token}":
            return refusal(Fault("401"), call.correlation_id), None
        policy = self.limiter.take(route.meter)
        if policy is not None:
            body = rate_limit_body(policy, call.correlation_id)
            return Response(429, body, {**_JSON, **self.limiter.headers(route.meter)}), None
        fault = self.faults.pick(endpoint, call.request)
        response = self._run(call, route) if fault is None else self._befallen(fault, call, route)
        response.headers.update(self.limiter.headers(route.meter))
        return response, fault

    def _befallen(self, fault: Fault, call: Call, route: Route) -> Response:
        if fault.applies_late:
            self.portal.schedule(fault.delay, lambda: self._land(call, route))
            return refusal(fault, call.correlation_id)
        if not fault.applies:
            return refusal(fault, call.correlation_id)
        call.spoil = fault.share if fault.kind == "partial" else 0.0
        response = self._run(call, route)
        match fault.kind:
            case "slow":
                response.delay = fault.delay
            case "truncated":
                response.body = response.body[: len(response.body) * 2 // 3]
            case "lost-504":
                return refusal(fault, call.correlation_id)
            case kind if kind in MISSING:
                lacks = Lacks(kind, fault.share, fault.name, fault.record)
                response.body = leave_out(response.body, lacks, self._random)
            case _:
                response.broken = fault.broken
        return response

    def _run(self, call: Call, route: Route) -> Response:
        try:
            self._authorize(route, call.parameters)
            return route.endpoint(call)
        except ApiError as error:
            return _failure(error, call.correlation_id)

    def _land(self, call: Call, route: Route) -> None:
        self._run(call, route)

    def _authorize(self, route: Route, parameters: Mapping[str, str]) -> None:
        needed = {
            scope
            for name in (("from", "to") if "from" in parameters else ("type",))
            for scope in self._scopes(route.scope, parameters.get(name, ""))
        }
        missing = sorted(needed - self.portal.app.scopes)
        if missing:
            context = {"requiredGranularScopes": missing}
            raise ApiError(
                403,
                "MISSING_SCOPES",
                "This app hasn't been granted all required scopes to make this call.",
                context=context,
                errors=[{"message": "One or more of the following scopes are required.", "context": context}],
            )

    def _scopes(self, scope: str, type_name: str) -> set[str]:
        if scope not in ("read", "write", "define"):
            return {scope}
        try:
            object_type = self.portal.type(type_name)
        except UnknownTypeError:
            return set()
        if object_type.id == TICKET:
            return {"tickets"}
        if object_type.id in (TASK, NOTE, CONTACT):
            if scope == "define":
                return {self.portal.quirks.task_property_scope} - {None}  # type: ignore[return-value]
            return {f"crm.objects.contacts.{scope}"}
        return {"crm.schemas.custom.write"} if scope == "define" else {f"crm.objects.custom.{scope}"}

    def endpoints(self) -> Iterator[str]:
        """Name every endpoint that there is, as the log and the faults do."""
        types = [one.plural for one in self.portal.types.values()]
        for route in ROUTES:
            for near, far in product(types, types):
                yield f"{route.method} {route.template.format_map(_Named({'type': near, 'from': near, 'to': far}))}"

    def _endpoint(self, route: Route, parameters: Mapping[str, str]) -> str:
        names = {}
        for name, value in parameters.items():
            names[name] = f"{{{name}}}"
            if name in ("type", "from", "to"):
                try:
                    names[name] = self.portal.type(value).plural
                except UnknownTypeError:
                    names[name] = value
        return f"{route.method} {route.template.format(**names)}"

    def _record(self, request: Request, response: Response, fault: Fault | None) -> None:
        if self._recorder is not None:
            self._recorder.add(request, response, fault.kind if fault else None)

    def _note(self, endpoint: str, response: Response, inputs: int, fault: Fault | None, *, metered: bool) -> None:
        clock = self.portal.clock
        self.log.add(
            clock.now(),
            clock.seconds(),
            endpoint,
            response.status,
            inputs,
            fault.kind if fault else None,
            metered=metered,
        )


_JSON = {"Content-Type": "application/json;charset=utf-8"}


def _failure(error: ApiError, correlation_id: str) -> Response:
    return Response(error.status, json.dumps(error.as_json(correlation_id)).encode(), dict(_JSON))
