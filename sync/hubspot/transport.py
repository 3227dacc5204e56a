"""One call to HubSpot: built by the SDK, sent through one session, judged, repeated where that is safe, and counted.

The SDK's request builder makes URL, headers and body; its own way to send has no timeout, no pool and no retries (see
`hubspot-api-client` 12, `utils/requests`). Which statuses may be tried again, and what they say about a write, is
HubSpot's "Error handling" page: on 429, 423 and 477 nothing was done; after a lost answer or a 5xx nobody knows.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import requests
import structlog
import urllib3.exceptions
from tenacity import RetryCallState, Retrying, retry_if_exception

from sync.clock import Clock
from sync.errors import AuthenticationError, StoreError
from sync.hubspot import answers
from sync.hubspot.answers import Problem
from sync.hubspot.ask import BRIEFLY, Answer, Ask, Call, NoAnswerError, RequestBudget, Retries
from sync.hubspot.session import Sender, pooled_session
from sync.hubspot.verdict import json_object, judged, lost
from sync.storage.budget import Bucket, Observed, Priority

_RATE_LIMITED: Final = 429
_LOCKED: Final = 423
_MIGRATING: Final = 477
_NOTHING_DONE: Final = {_RATE_LIMITED, _LOCKED, _MIGRATING}
_LOCKED_SECONDS: Final = 2.0
_TEN_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Spent:
    """What a call has cost so far."""

    tries: int = 0
    seconds: float = 0.0  # in tries; waits between them are tenacity's to know
    failed: NoAnswerError | None = None  # how its first try ended, until what follows from it is decided


class Transport:
    """Sends; safe for several threads. Nothing of it logs or keeps a token or a body."""

    def __init__(
        self,
        *,
        token: str,
        base_url: str,
        budget: RequestBudget,
        clock: Clock,
        session: requests.Session | None,
        timeout: tuple[float, float],
        answer_seconds: float,
        retries: Retries,
        jitter: random.Random,
        on_call: Callable[[Call], None] | None,
        pool_size: int,
    ) -> None:
        # Imported here: commands that never speak to the CRM do not pay for it.
        from hubspot.utils.requests.http_request_builder import Request

        self._base_url = base_url.rstrip("/")
        self._config = self._configured(token)
        self._build = Request
        self._sender = Sender(session if session is not None else pooled_session(pool_size, answer_seconds))
        self._budget = budget
        self._clock = clock
        self._timeout = timeout
        self._retries = retries
        self._jitter = jitter
        self._on_call = on_call
        self._told: tuple[datetime, float] | None = (
            None  # the CRM's time when a call was sent, and ours, of a clock that is never set
        )
        self._retrying = Retrying(
            sleep=clock.sleep,
            wait=self._pause,
            stop=self._out_of_time,
            retry=retry_if_exception(lambda error: isinstance(error, NoAnswerError) and error.again),
            reraise=True,
        )

    def close(self) -> None:
        """Close the connections; they open again when needed."""
        self._sender.close()

    def uses(self, token: str) -> bool:
        """Whether calls go with this token."""
        return bool(self._config == self._configured(token))

    def use(self, token: str) -> None:
        """Send every call with this token from now on. Raises `AuthenticationError` for what can be none."""
        self._config = self._configured(token)

    def _configured(self, token: str) -> dict[str, Any]:
        from hubspot import Client

        token = token.strip()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise AuthenticationError("HUBSPOT_ACCESS_TOKEN holds characters that no token has: copy it again")
        config: dict[str, Any] = Client.create(
            access_token=token, base_url=self._base_url, user_agent="creative-refresh-handoffs"
        ).config
        return config

    def send(self, ask: Ask, priority: Priority) -> Answer:
        """Send a call and give its answer; try again while that is safe and there is time.

        Raises `AuthenticationError`, `RefusalError` or `NoAnswerError`. A write is repeated only where the CRM
        certainly did nothing.
        """
        spent = _Spent()
        try:
            return self._try(
                ask, priority, spent
            )  # mostly that is all, and to get tenacity ready costs more than to look
        except NoAnswerError as error:
            spent.failed = error
        return self._retrying(self._again, ask, priority, spent)

    def _again(self, ask: Ask, priority: Priority, spent: "_Spent") -> Answer:
        """Fail as the first try did, and after that try it."""
        failed, spent.failed = spent.failed, None
        if failed is not None:
            raise failed
        return self._try(ask, priority, spent)

    def _try(self, ask: Ask, priority: Priority, spent: "_Spent") -> Answer:
        if ask.bucket is not None:
            self._budget.take(ask.bucket, priority)
        spent.tries += 1
        started = time.perf_counter()
        try:
            return self._once(ask, spent.tries)
        finally:
            spent.seconds += time.perf_counter() - started

    def _out_of_time(self, state: RetryCallState) -> bool:
        spent: _Spent = state.args[-1]
        ask: Ask = state.args[0]
        total = min(BRIEFLY, self._retries.total) if ask.brief else self._retries.total
        return spent.seconds + state.idle_for + state.upcoming_sleep > total

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        least = error.pause if isinstance(error, NoAnswerError) else 0.0
        backoff = min(self._retries.longest, self._retries.first * 2.0 ** (state.attempt_number - 1))
        return least + backoff * self._jitter.uniform(0.5, 1.0)

    def _once(self, ask: Ask, attempt: int) -> Answer:
        started = time.perf_counter()
        try:
            response = self._transmit(ask)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            # The class says enough; the text of some of requests' errors repeats headers.
            self._report(ask, attempt, started, None, None, type(error).__name__)
            raise lost(ask, error) from error
        correlation_id = response.headers.get("X-HubSpot-Correlation-Id")
        body = json_object(response)
        reason = answers.problem(body or {}, correlation_id)
        self._report(ask, attempt, started, response.status_code, reason.correlation_id, None)
        self._observe(ask, response.headers)
        asked_at = _asked_at(response.headers, time.perf_counter() - started)
        if asked_at is not None:
            self._told = (asked_at, started)
        if response.status_code in _NOTHING_DONE:
            raise self._told_to_wait(ask, response, reason)
        answer = judged(ask, response, body, reason)
        return replace(answer, asked_at=asked_at)

    def time(self) -> datetime | None:
        """The CRM's own time now, not later than it is: as its last answer told it, and what has passed since."""
        if self._told is None:
            return None
        at, then = self._told
        return at + timedelta(seconds=time.perf_counter() - then)

    def _transmit(self, ask: Ask) -> requests.Response:
        options: dict[str, Any] = {"method": ask.method, "path": ask.path}
        if ask.query:
            options["qs"] = dict(ask.query)
        if ask.body is not None:
            options["body"] = ask.body
        config = self._config if ask.token is None else self._configured(ask.token)
        built = self._build(config, options)
        parts = built.get_options_for_sending()
        return self._sender.send(
            built.get_method(), built.get_url(), parts["headers"], parts.get("data"), self._timeout
        )

    def _told_to_wait(self, ask: Ask, response: requests.Response, reason: Problem) -> NoAnswerError:
        status = response.status_code
        retry_after = self._retry_after(response.headers)
        policy = reason.policy.upper()
        daily = status == _RATE_LIMITED and "DAILY" in policy
        pause = retry_after or 0.0
        if status == _LOCKED:
            pause = max(pause, _LOCKED_SECONDS)
        elif status == _RATE_LIMITED and not daily:
            pause = self._rate_limited(ask, policy, retry_after, _number(response.headers, "Interval-Milliseconds"))
        hint = "; the account's daily limit is used up, it begins anew at midnight" if daily else ""
        return NoAnswerError(
            f"{ask}: {status}, {reason}{hint}",
            status=status,
            correlation_id=reason.correlation_id,
            applied=False,
            again=not daily,
            pause=pause,
        )

    def _rate_limited(self, ask: Ask, policy: str, retry_after: float | None, interval_ms: int | None) -> float:
        """Stop everybody, and give the seconds to wait. Without a policy's name the limit met is not known."""
        if retry_after is not None:
            pause = retry_after
        elif "TEN_SECONDLY" in policy:
            pause = interval_ms / 1000 if interval_ms else _TEN_SECONDS
        elif "SECONDLY" in policy or ask.bucket is Bucket.SEARCH:
            pause = 1.0
        else:
            pause = 0.0
        if ask.bucket is not None and pause > 0:
            with _unless_the_store_fails():
                self._budget.back_off(ask.bucket, pause)
        return pause

    def _retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Seconds, from seconds or a date; None where it is absent or makes no sense."""
        value = headers.get("Retry-After", "").strip()
        if value.replace(".", "", 1).isdecimal():
            return float(value)
        try:
            return max(0.0, (parsedate_to_datetime(value) - self._clock.now()).total_seconds())
        except (ValueError, TypeError):
            return None

    def _observe(self, ask: Ask, headers: Mapping[str, str]) -> None:
        if ask.bucket is not Bucket.GENERAL:
            return
        interval_ms = _number(headers, "Interval-Milliseconds")
        observed = Observed(
            requests=_number(headers, "Max"),
            seconds=interval_ms / 1000 if interval_ms else None,
            daily_remaining=_number(headers, "Daily-Remaining"),
        )
        if observed != Observed():
            with _unless_the_store_fails():
                self._budget.observe(ask.bucket, observed)

    def _report(
        self,
        ask: Ask,
        attempt: int,
        started: float,
        status: int | None,
        correlation_id: str | None,
        error: str | None,
    ) -> None:
        seconds = time.perf_counter() - started
        log.debug(
            "crm.call",
            method=ask.method,
            path=ask.path,
            status=status,
            ms=round(seconds * 1000, 1),
            attempt=attempt,
            correlation_id=correlation_id,
            error=error,
        )
        if self._on_call is not None:
            self._on_call(Call(ask.method, ask.endpoint, status, error, seconds, attempt))


@contextmanager
def _unless_the_store_fails() -> Iterator[None]:
    """What is noted about limits must not lose an answer that came: a write may have been applied by it."""
    try:
        yield
    except StoreError as error:
        log.warning("crm.limit_not_noted", error=str(error))


def _asked_at(headers: Mapping[str, str], seconds: float) -> datetime | None:
    """When a call was sent that took so many seconds, by the time that its answer tells: whole seconds, rounded down."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).astimezone(UTC) - timedelta(seconds=seconds)
    except (ValueError, TypeError, OverflowError):
        return None


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(f"X-HubSpot-RateLimit-{name}", "").strip()
    return int(value) if value.isdecimal() else None
