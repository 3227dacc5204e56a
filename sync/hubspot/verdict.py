"""What HubSpot's response to a call means, by its status and its body. Pure; limits are `transport`'s matter.

Which statuses may be tried again, and what they say about a write, is HubSpot's "Error handling" page (docs/hubspot.md 8.4).
"""

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from sync.errors import AuthenticationError
from sync.hubspot.answers import Json, Problem
from sync.hubspot.ask import Answer, Ask, NoAnswerError, RefusalError
from sync.storable import storable

_UNFIT_SIGNS: Final = (b"\\ud", b"\\uD", b"\\u0000", b"\xed")
"""Without one of these a body has no text that `storable` changes: looking for them costs next to nothing."""


def json_object(response: requests.Response) -> Json | None:
    """The body, its texts fit to be kept; {} for an error without one, None for what is no JSON object (HTML, or cut off)."""
    content = response.content
    if not content.strip() and response.status_code >= 400:
        return {}
    try:
        body = json.loads(content)
        if isinstance(body, dict) and any(sign in content for sign in _UNFIT_SIGNS):
            body = storable(body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def judged(ask: Ask, response: requests.Response, body: Json | None, reason: Problem) -> Answer:
    """Tell what a response means, other than one that tells to wait; the order of the rungs is the order of trust.

    Raises `AuthenticationError`, `RefusalError` or `NoAnswerError`.
    """
    status = response.status_code
    if status == 401:
        raise _token_refused(ask, reason)
    if body is None or status >= 500 or status == 408 or not _is_shaped(ask, status, body):
        what = str(reason) if body is not None else "an answer that is not HubSpot's JSON (HUBSPOT_BASE_URL, network)"
        raise NoAnswerError(
            f"{ask}: {status}, {what}", status=status, correlation_id=reason.correlation_id, again=not ask.write
        )
    if 200 <= status < 300:
        return Answer(body, reason.correlation_id)
    if status < 400:
        raise _redirected(ask, response, reason)
    if status == 403:
        raise _forbidden(ask, reason)
    raise RefusalError(f"{ask}: {status}, {reason}", status=status, problem=reason)


def _is_shaped(ask: Ask, status: int, body: Json) -> bool:
    return not ask.listing or not 200 <= status < 300 or isinstance(body.get("results"), list)


def _token_refused(ask: Ask, reason: Problem) -> AuthenticationError:
    return AuthenticationError(
        f"{ask}: the CRM refuses the token: set HUBSPOT_ACCESS_TOKEN to one that is valid. {reason}",
        status=401,
        correlation_id=reason.correlation_id,
    )


def _forbidden(ask: Ask, reason: Problem) -> AuthenticationError:
    lacking = f" lacks the scopes {', '.join(reason.scopes)}" if reason.scopes else " may not do this"
    return AuthenticationError(
        f"{ask}: the app of HUBSPOT_ACCESS_TOKEN{lacking}: change the app and install it again. {reason}",
        status=403,
        correlation_id=reason.correlation_id,
        scopes=reason.scopes,
    )


def _redirected(ask: Ask, response: requests.Response, reason: Problem) -> NoAnswerError:
    elsewhere = urlsplit(response.headers.get("Location", "")).netloc or "elsewhere"
    return NoAnswerError(
        f"{ask}: {response.status_code}, redirected to {elsewhere}, which is not followed: see HUBSPOT_BASE_URL",
        status=response.status_code,
        correlation_id=reason.correlation_id,
        again=False,
    )


def lost(ask: Ask, error: Exception) -> NoAnswerError:
    """A call that has no answer: only before a connection stood is it sure that nothing was done."""
    unsent = isinstance(error, requests.ConnectTimeout) or any(
        isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in _causes(error)
    )
    return NoAnswerError(
        f"{ask}: {'no connection (HUBSPOT_BASE_URL, network)' if unsent else 'no answer'} ({type(error).__name__})",
        applied=False if unsent else None,
        again=unsent or not ask.write,
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What the error itself wraps: requests keeps it in its arguments, urllib3 in `reason`.

    Not `__context__`: that may be any failure which the caller was just handling, and would make a lost write look unsent.
    """
    waiting: list[object] = [error]
    while waiting:
        item = waiting.pop()
        if isinstance(item, BaseException):
            yield item
            waiting += [*item.args, getattr(item, "reason", None)]
