"""Logs: one event per arrow of the pipeline, to stderr, for people (`console`) or machines (`json`)."""

import logging
import sys
from typing import Literal

import structlog

from sync.plain import speaks_unicode


def configure(log_format: Literal["console", "json"], *, level: int = logging.INFO) -> None:
    """Send every log event to stderr; stdout stays free for data."""
    renderer: structlog.typing.Processor
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=not speaks_unicode(sys.stderr))
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
