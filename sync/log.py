"""Logs: one event per arrow of the pipeline, to stderr, for people (`console`) or machines (`json`)."""

import logging
import sys
import time
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TextIO, cast

import structlog

from sync.plain import speaks_unicode


class _Enduring:
    """A stream that loses what cannot be written: a full disk below the log must end neither a pass nor a delivery."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Forbearing:
    """A renderer that renders every event: where a value is refused (odd keys, an object whose own text fails, a circle) each
    is told as far as it tells itself. What is logged must end neither a pass nor a delivery, least of all an error's account.
    """

    def __init__(self, renderer: structlog.typing.Processor) -> None:
        self._renderer = renderer

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        told = dict(event)  # renderers take out what they have rendered
        try:
            return self._renderer(logger, method, event)
        except Exception:  # noqa: BLE001 - it is of the value's own making
            return self._renderer(logger, method, {str(name): _plain(value) for name, value in told.items()})


def _plain(value: object) -> str:
    """A value's text, within reason; of one that gives none, what it is."""
    try:
        return (value if isinstance(value, str) else repr(value))[:_LONGEST]
    except Exception:  # noqa: BLE001 - as above
        return f"({type(value).__name__} without a text)"


_LONGEST = 2_000
"""Characters of a value that could not be rendered as it is."""

_CLIENTS: ContextVar[Mapping[str, str]] = ContextVar("clients", default=MappingProxyType({}))


def name_clients(names: Mapping[str, str]) -> None:
    """Let events of this thread that tell of a `record` name its client, too: by the record as events write it."""
    _CLIENTS.set(names)


def _name_client(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    name = _CLIENTS.get().get(str(event.get("record", "")))
    if name:
        event["client"] = name
    return event


def configure(log_format: Literal["console", "json"], *, level: int = logging.INFO) -> None:
    """Send every log event to stderr; stdout stays free for data. What stderr does not take is lost, and raises nothing."""
    renderer: structlog.typing.Processor
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=not speaks_unicode(sys.stderr))
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _name_client,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _Forbearing(renderer),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Enduring(sys.stderr))),
        cache_logger_on_first_use=True,
    )


def text_of(error: BaseException) -> str:
    """An error's own text, or the name of its class: an error whose text fails must not be another error."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - it is of the error's own making
        return type(error).__name__


def where(error: BaseException) -> str:
    """Tell where it happened, as an event's `stack`: a line a frame, the last five. Its message, which may quote what
    somebody has typed or sent, is left out.
    """
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return "\n".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


class Seldom:
    """Says whether to log again what fails again and again: at once, and then once in so many seconds until it is `over`."""

    def __init__(self, every: float = 60.0) -> None:
        self._every = every
        self._said_at: float | None = None  # by the monotonic clock; None: not yet, or it was over since

    def is_due(self) -> bool:
        """Whether it is to be logged now; then not again for a while."""
        now = time.monotonic()
        due = self._said_at is None or now - self._said_at >= self._every
        if due:
            self._said_at = now
        return due

    def over(self) -> None:
        """It works: its next failure is news."""
        self._said_at = None
