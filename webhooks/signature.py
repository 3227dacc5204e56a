"""Is a delivery genuine and recent? Pure: bytes, headers, secrets and `now` in, what the check came to out. Never raises.

The rules are HubSpot's signature v3: base64(HMAC-SHA256(client secret, METHOD + URI + body + timestamp)), over the URI
as HubSpot called it with a few escapes decoded, at most five minutes old. The SDK's own check is not used: it accepts
timestamps of the future, decodes nothing, and fails on bytes.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sync.clock import CLOCKS_APART, to_ms

SIGNATURE_V3 = "X-HubSpot-Signature-v3"
SIGNATURE_V1 = "X-HubSpot-Signature"
TIMESTAMP = "X-HubSpot-Request-Timestamp"

MAX_AGE = timedelta(minutes=5)
MAX_AHEAD = CLOCKS_APART
"""HubSpot names no limit for the future; ours may be that far behind, and a delivery refused is a look too late."""

# The only escapes that HubSpot decodes before it signs; every other one is signed as it stands.
_DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
_ESCAPE = re.compile("|".join(_DECODED), re.IGNORECASE)

_V3_SHAPE = re.compile(r"[A-Za-z0-9+/]{43}=")
_V1_SHAPE = re.compile(r"[0-9a-f]{64}")
_TIMESTAMP_SHAPE = re.compile(r"[0-9]{1,16}")


class SignatureCheck(StrEnum):
    """What the check of a signature came to; the value is the reason that log and metrics show."""

    GENUINE = "genuine"
    UNSIGNED = "unsigned"  # no signature that is accepted here
    MALFORMED_SIGNATURE = "malformed_signature"
    WRONG_SIGNATURE = "wrong_signature"  # another secret, another PUBLIC_URL, or a forgery
    NO_TIMESTAMP = "no_timestamp"
    MALFORMED_TIMESTAMP = "malformed_timestamp"
    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"


def verify(
    *,
    method: str,
    uri: str,
    body: bytes,
    headers: Mapping[str, str],
    secrets: Sequence[str],
    now: datetime,
    accept_v1: bool = False,
) -> SignatureCheck:
    """Check that one of the `secrets` signed exactly this request, recently: then, and only then, `GENUINE`.

    `uri` is what HubSpot called: the public URL, path and query as received. Names of `headers` are compared without
    case. The old v1 signature has no timestamp: it counts only with `accept_v1`, and never beside a v3 header.
    """
    given = {name.lower(): value for name, value in headers.items()}
    v3 = given.get(SIGNATURE_V3.lower())
    if v3 is None:
        v1 = given.get(SIGNATURE_V1.lower())
        return SignatureCheck.UNSIGNED if v1 is None or not accept_v1 else _verify_v1(v1, body, secrets)
    timestamp = given.get(TIMESTAMP.lower())
    if timestamp is None:
        return SignatureCheck.NO_TIMESTAMP
    untimely = _untimely(timestamp, now)
    if untimely is not None:
        return untimely
    if _V3_SHAPE.fullmatch(v3) is None:
        return SignatureCheck.MALFORMED_SIGNATURE
    signed = signed_bytes(method, uri, body, timestamp)
    answers = [base64.b64encode(hmac.digest(key, signed, "sha256")) for key in _keys(secrets)]
    return _compared(v3, answers)


def signed_bytes(method: str, uri: str, body: bytes, timestamp: str) -> bytes:
    """Put together what a v3 signature covers. A character that no URI may hold cannot match, and does not raise."""
    return f"{method}{decoded(uri)}".encode(errors="replace") + body + timestamp.encode(errors="replace")


def decoded(uri: str) -> str:
    """Decode the few escapes of a URI that HubSpot decodes, once, whatever the case of their digits."""
    return _ESCAPE.sub(lambda escape: _DECODED[escape.group().upper()], uri)


def _verify_v1(given: str, body: bytes, secrets: Sequence[str]) -> SignatureCheck:
    if _V1_SHAPE.fullmatch(given) is None:
        return SignatureCheck.MALFORMED_SIGNATURE
    answers = [hashlib.sha256(key + body).hexdigest().encode() for key in _keys(secrets)]
    return _compared(given, answers)


def _keys(secrets: Sequence[str]) -> list[bytes]:
    # An empty secret is one that everybody knows.
    return [secret.encode(errors="surrogatepass") for secret in secrets if secret]


def _compared(given: str, answers: Sequence[bytes]) -> SignatureCheck:
    # A list, not a generator: every secret is compared, so that the time taken does not tell which one matched.
    matches = [hmac.compare_digest(answer, given.encode()) for answer in answers]
    return SignatureCheck.GENUINE if any(matches) else SignatureCheck.WRONG_SIGNATURE


def _untimely(timestamp: str, now: datetime) -> SignatureCheck | None:
    """What is wrong with the timestamp; None if it is recent."""
    if _TIMESTAMP_SHAPE.fullmatch(timestamp) is None:
        return SignatureCheck.MALFORMED_TIMESTAMP
    age = timedelta(milliseconds=to_ms(now) - int(timestamp))
    if age > MAX_AGE:
        return SignatureCheck.TOO_OLD
    if age < -MAX_AHEAD:
        return SignatureCheck.FROM_THE_FUTURE
    return None
