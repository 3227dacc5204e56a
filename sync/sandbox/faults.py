"""Failures on demand: by endpoint, by probability or for the next n calls (docs/hubspot.md 8).

`Faults` only decides; what a fault does to a call is `api`'s part, how an answer gets lost is the transport's.
"""

import json
import random
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from sync.sandbox.incomplete import MISSING
from sync.sandbox.wire import Broken, Request, Response

FaultKind = Literal[
    # refused: nothing is applied
    "429-ten-secondly", "429-secondly", "429-daily", "429-no-policy", "429-bare", "401", "403", "423", "477",
    "500", "502", "503", "504", "521", "523", "524",
    "refused", "reset", "hang",
    # applied, and the answer comes late, spoilt or never
    "slow", "truncated", "cut", "lost", "lost-504", "lost-hang",
    # applied `delay` virtual seconds later, while the caller gets an error now
    "late", "late-504", "late-hang",
    # a batch of which a share of the inputs fails
    "partial",
    # carried out, and the answer lacks something of a share of its objects: see `incomplete`
    "no-property", "no-history", "no-histories", "no-version", "no-list", "left-out",
]  # fmt: skip

_POLICIES = {
    "429-ten-secondly": "TEN_SECONDLY_ROLLING",
    "429-secondly": "SECONDLY",
    "429-daily": "DAILY",
}
_BREAKS: dict[str, Broken] = {
    "refused": "refused", "reset": "reset", "hang": "hang",
    "cut": "cut", "lost": "reset", "lost-hang": "hang", "late": "reset", "late-hang": "hang",
}  # fmt: skip
_GATEWAY = (
    "<html><head><title>{status} {reason}</title></head><body><h1>{status} {reason}</h1><hr>cloudflare</body></html>"
)
_REASONS = {
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    521: "Web Server Is Down", 523: "Origin Is Unreachable", 524: "A Timeout Occurred",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. It fires for calls whose endpoint matches, and ends after `times` firings or `lasts` seconds."""

    kind: FaultKind
    endpoint: str = "*"
    """A glob over `METHOD /path` as the request log shows it, e.g. `POST */tasks/batch/create`."""
    probability: float = 1.0
    times: int | None = None
    """How often it fires; None: until cleared."""
    skip: int = 0
    """Matching calls to leave alone first."""
    lasts: float | None = None
    """Virtual seconds until the rule ends; None: until cleared."""
    delay: float = 10.0
    """Seconds of `slow`, and until a `late` write lands."""
    retry_after: float | None = None
    """Seconds in `Retry-After`, for the refusals; None: no such header."""
    share: float = 0.5
    """How many inputs of a `partial` batch fail, or objects of an answer lack something; at least one does."""
    name: str = "*"
    """A glob over the properties that an answer lacks; `*`: one of them."""
    record: str = "*"
    """A glob over the ids of the records of which an answer lacks something."""
    holds: str | None = None
    """The id that a call must name, in its path or among its inputs, for the fault to befall it; None: any call."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(get_args(FaultKind))}")

    @property
    def applies(self) -> bool:
        """Whether the call is carried out at once all the same."""
        return self.kind in ("slow", "truncated", "cut", "lost", "lost-504", "lost-hang", "partial", *MISSING)

    @property
    def applies_late(self) -> bool:
        return self.kind.startswith("late")

    @property
    def broken(self) -> Broken | None:
        return _BREAKS.get(self.kind)

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Fault":
        """Raises `ValueError` for a field or a kind that does not exist."""
        unknown = set(raw) - {one.name for one in fields(cls)}
        if unknown or "kind" not in raw:
            raise ValueError(f"a fault has {', '.join(one.name for one in fields(cls))}; not {sorted(unknown)}")
        return cls(**raw)


@dataclass(slots=True)
class _Rule:
    fault: Fault
    ends: float | None
    seen: int = 0
    fired: int = 0


class Faults:
    """The rules in force. The first that fires on a call wins; draws are seeded, and made only for matching calls."""

    def __init__(self, seed: int, seconds: Callable[[], float]) -> None:
        self._random = random.Random(f"faults {seed}")
        self._seconds = seconds
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        with self._lock:
            now = self._seconds()
            self._rules += [_Rule(f, None if f.lasts is None else now + f.lasts) for f in faults]

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def active(self) -> list[Fault]:
        with self._lock:
            now = self._seconds()
            return [rule.fault for rule in self._rules if _alive(rule, now)]

    def pick(self, endpoint: str, request: Request | None = None) -> Fault | None:
        """The fault that befalls this call, if any; without the `request`, none that asks what a call holds."""
        if not self._rules:
            return None
        with self._lock:
            now = self._seconds()
            self._rules = [rule for rule in self._rules if _alive(rule, now)]
            for rule in self._rules:
                if self._fires(rule, endpoint, request):
                    rule.fired += 1
                    return rule.fault
        return None

    def _fires(self, rule: _Rule, endpoint: str, request: Request | None) -> bool:
        if not fnmatchcase(endpoint, rule.fault.endpoint) or not _holds(request, rule.fault.holds):
            return False
        rule.seen += 1
        if rule.seen <= rule.fault.skip:
            return False
        return rule.fault.probability >= 1 or self._random.random() < rule.fault.probability


def _holds(request: Request | None, id_: str | None) -> bool:
    if id_ is None:
        return True
    return request is not None and (id_ in request.path.split("/") or f'"id": "{id_}"'.encode() in request.body)


def _alive(rule: _Rule, now: float) -> bool:
    spent = rule.fault.times is not None and rule.fired >= rule.fault.times
    return not spent and (rule.ends is None or now < rule.ends)


def refusal(fault: Fault, correlation_id: str) -> Response:
    """The answer of a fault that has one of its own; those that only break the connection get an empty one."""
    headers = {"Content-Type": "application/json;charset=utf-8"}
    if fault.retry_after is not None:
        headers["Retry-After"] = f"{fault.retry_after:g}"
    if fault.broken is not None:
        return Response(502, broken=fault.broken)
    kind = fault.kind.removeprefix("lost-").removeprefix("late-")
    if kind == "429-bare":
        return Response(429, b"", headers)
    if kind.startswith("429"):
        return Response(429, rate_limit_body(_POLICIES.get(kind), correlation_id), headers)
    status = int(kind)
    if status in (502, 521, 523, 524):
        html = _GATEWAY.format(status=status, reason=_REASONS[status])
        return Response(status, html.encode(), {**headers, "Content-Type": "text/html"})
    category, message = {
        401: ("INVALID_AUTHENTICATION", "Authentication credentials not found."),
        403: ("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
        423: ("LOCKED", "The resource is currently locked; wait at least 2 seconds and try again."),
        477: ("MIGRATION_IN_PROGRESS", "This account is being migrated between data centres."),
    }.get(status, ("INTERNAL_ERROR", _REASONS.get(status, "error")))
    body = {"status": "error", "message": message, "correlationId": correlation_id, "category": category}
    return Response(status, json.dumps(body).encode(), headers)


def rate_limit_body(policy: str | None, correlation_id: str) -> bytes:
    """The body of a 429; each of its fields but the first two is optional."""
    body = {"status": "error", "message": f"You have reached your {(policy or 'rate').lower()} limit."}
    if policy is not None:
        body |= {"errorType": "RATE_LIMIT", "correlationId": correlation_id, "policyName": policy}
    return json.dumps(body).encode()
