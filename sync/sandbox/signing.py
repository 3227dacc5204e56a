"""The signatures that HubSpot puts on a webhook (docs/hubspot.md 3): written here, independently of ours."""

import base64
import hashlib
import hmac

_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


def v3(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 over method, URL (a few characters decoded), body and timestamp."""
    for encoded, plain in _DECODED.items():
        url = url.replace(encoded, plain).replace(encoded.lower(), plain)
    message = method.encode() + url.encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def v2(secret: str, method: str, url: str, body: bytes) -> str:
    """Hex SHA-256 of secret, method, URL and body."""
    return hashlib.sha256(secret.encode() + method.encode() + url.encode() + body).hexdigest()


def v1(secret: str, body: bytes) -> str:
    """Hex SHA-256 of secret and body."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def headers(secret: str, method: str, url: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers of a delivery; `timestamp` in milliseconds."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)",
        "X-HubSpot-Signature": v1(secret, body),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v2": v2(secret, method, url, body),
        "X-HubSpot-Signature-v3": v3(secret, method, url, body, str(timestamp)),
        "X-HubSpot-Request-Timestamp": str(timestamp),
    }
