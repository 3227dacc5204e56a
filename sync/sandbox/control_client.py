"""A client of the control API of a sandbox that runs in another process; `sync.sandbox.control` lists its endpoints."""

from typing import Any, Self

import requests


class ControlClient:
    """Calls the control API of the sandbox at `url`; a context, which closes the connection at its end.

    `timeout` is in seconds, for each call. Every call returns the endpoint's result, and raises `ValueError` with the
    sandbox's reason if it refuses, `requests.RequestException` if it does not answer.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self._url = f"{url.rstrip('/')}/_sandbox"
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str, /, **query: str) -> Any:
        """Read an endpoint, its path below the control API's prefix."""
        return self._call("GET", path, params=query)

    def post(self, path: str, /, **body: Any) -> Any:
        """Write to an endpoint; `body` is sent as a JSON object."""
        return self._call("POST", path, json=body)

    def delete(self, path: str) -> Any:
        """Clear what an endpoint holds."""
        return self._call("DELETE", path)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: str, path: str, **options: Any) -> Any:
        response = self._session.request(method, f"{self._url}/{path}", timeout=self._timeout, **options)
        body = response.json()
        if response.status_code != 200:
            raise ValueError(body.get("error", response.text))
        return body["result"]
