"""Probe PUBLIC_URL: does the service's receiver answer there, and does it tell HubSpot's signature from a wrong one?

It asks as HubSpot would: over the public address, with a delivery of no events, which leaves no trace.
"""

import base64
import hmac
from dataclasses import dataclass
from http import HTTPStatus

import requests

from sync.clock import Clock, to_ms
from webhooks.app import NOTHING, PATH
from webhooks.signature import SIGNATURE_V3, TIMESTAMP, signed_bytes

TIMEOUT = 10.0
"""Seconds; HubSpot itself waits five."""

_ANOTHER_APPS = "not the client secret of this app"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why HubSpot's webhooks would not arrive. `dangerous`: what answers believes anybody."""

    problem: str
    remedy: str
    dangerous: bool = False


def target(public_url: str) -> str:
    """The address that HubSpot calls."""
    return f"{public_url}{PATH}"


def obstacle(public_url: str, secret: str, clock: Clock) -> Obstacle | None:
    """Find what keeps a webhook, signed with this secret, from arriving; None: nothing does. Failed calls are obstacles too."""
    with requests.Session() as session:
        try:
            return _wrong_service(session, public_url) or _wrong_signatures(session, public_url, secret, clock)
        except requests.RequestException as error:
            return Obstacle(
                f"nothing answers at {public_url} ({type(error).__name__})",
                "start the service (before its first start this is as it should be), and see that the address leads to "
                "it over https",
            )


def _wrong_service(session: requests.Session, public_url: str) -> Obstacle | None:
    """Find out whether something else answers there."""
    answer = session.get(f"{public_url}/healthz", timeout=TIMEOUT, allow_redirects=False)
    if answer.is_redirect:
        return Obstacle(
            f"{public_url} redirects to {answer.headers['Location']}",
            "set PUBLIC_URL to the address that answers itself: HubSpot follows no redirect, and signs what it calls",
        )
    try:
        alive = answer.status_code == HTTPStatus.OK and answer.json() == {"alive": True}
    except requests.JSONDecodeError:
        alive = False
    if alive:
        return None
    return Obstacle(
        f"what answers at {public_url}/healthz is not this service ({answer.status_code})",
        "start the service (before its first start this is as it should be), and have the proxy pass every path to it",
    )


def _wrong_signatures(session: requests.Session, public_url: str, secret: str, clock: Clock) -> Obstacle | None:
    """Find out whether the receiver accepts what HubSpot signs, and nothing else."""
    url = target(public_url)

    def post(key: str) -> requests.Response:
        timestamp = str(to_ms(clock.now()))
        digest = hmac.digest(key.encode(), signed_bytes("POST", url, NOTHING, timestamp), "sha256")
        headers = {
            SIGNATURE_V3: base64.b64encode(digest).decode(),
            TIMESTAMP: timestamp,
            "Content-Type": "application/json",
        }
        return session.post(url, data=NOTHING, headers=headers, timeout=TIMEOUT, allow_redirects=False)

    status = post(secret).status_code
    if status == HTTPStatus.UNAUTHORIZED:
        return Obstacle(
            f"the receiver at {url} refuses what HubSpot would sign",
            "give the running service this very PUBLIC_URL and HUBSPOT_CLIENT_SECRET, start it again, compare its clock "
            "with the time, and have the proxy pass path and query unchanged",
        )
    if status != HTTPStatus.OK:
        return Obstacle(f"the receiver at {url} answers {status}", "look into the log of the running service")
    if post(_ANOTHER_APPS).status_code == HTTPStatus.OK:
        return Obstacle(
            f"what answers at {url} accepts a wrong signature: anybody could send it events",
            "have PUBLIC_URL lead to this service itself",
            dangerous=True,
        )
    return None
