"""What the log prints for people: rendered, as `structlog.testing.capture_logs` does not."""

from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.dev import ConsoleRenderer


def printed_logs() -> list[str]:
    """Have every event from now on rendered into this list, a text each, until the test ends (`_quiet_logs`)."""
    printed: list[str] = []
    renderer = ConsoleRenderer(colors=False)

    def keep(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
        printed.append(str(renderer(logger, method, event)))
        return printed[-1]

    structlog.configure(processors=[keep], logger_factory=structlog.ReturnLoggerFactory())
    return printed
