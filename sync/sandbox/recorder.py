"""Keeps what the simulated CRM was asked and what it answered, for the check against HubSpot's descriptions.

`SANDBOX_RECORD=DIRECTORY` in the environment switches it on in every sandbox of the process and of those that it starts;
`python -m tests.contract` reads the directory. Tokens are not kept, only what the body, path and query say.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from sync.sandbox.wire import Request, Response

RECORD = "SANDBOX_RECORD"

_DATES = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?")
_CONSTANT = re.compile(r"[A-Z][A-Z_]*")


class Recorder:
    """Writes one line of JSON for each kind of exchange, into a file of each process' own.

    Exchanges are of one kind if they differ in numbers, dates and free texts only: a suite that makes a million calls
    leaves some thousand lines.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: set[object] = set()

    def add(self, request: Request, response: Response, fault: str | None) -> None:
        """Keep an exchange. Of an answer that a `fault` spoiled, only that: it says nothing about HubSpot's."""
        asked, given = _parsed(request.body), None if fault else _parsed(response.body)
        agent = request.headers.get("user-agent", "")
        names = tuple(sorted(request.parameters()))
        path = re.sub(r"\d+", "0", request.path)
        kind = (request.method, path, names, agent, response.status, fault, _kind(asked), _kind(given))
        if kind in self._known:
            return
        self._known.add(kind)
        line = {
            "method": request.method,
            "path": request.path,
            "query": request.parameters(),
            "agent": agent,
            "contentType": request.headers.get("content-type"),
            "asked": asked,
            "status": response.status,
            "fault": fault,
            "answered": given,
        }
        self._directory.mkdir(parents=True, exist_ok=True)
        file = self._directory / f"exchanges-{os.getpid()}.jsonl"  # a forked process has its own
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")


@lru_cache(maxsize=1)
def _recorder(directory: str) -> Recorder:
    return Recorder(Path(directory))


def from_environment(environment: Mapping[str, str] = os.environ) -> Recorder | None:
    """The recorder that all sandboxes of this process share; None where none was asked for."""
    directory = environment.get(RECORD)
    return _recorder(directory) if directory else None


def _parsed(body: bytes) -> Any:
    """The JSON of a body; None where there is none, or it is something else."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _kind(value: object) -> object:
    """What two values of one kind have in common: keys, types, and which words are constants."""
    match value:
        case dict():
            return frozenset((key if not key.isdigit() else "0", _kind(one)) for key, one in value.items())
        case list():
            return ("list", frozenset(_kind(one) for one in value))
        case str() if _DATES.fullmatch(value):
            return ("date", len(value))
        case str() if value.isdigit():
            return "digits"
        case str() if _CONSTANT.fullmatch(value):
            return value
        case str():
            return "text"
    return type(value).__name__
