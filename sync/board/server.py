"""Listens on BOARD_HOST and BOARD_PORT: waitress, as the receiver's server, on an address of its own."""

import structlog
from flask import Flask

from sync.board.app import LARGEST_FORM
from sync.ending import Ending, ending
from sync.errors import ConfigurationError
from sync.settings import Settings
from webhooks import server

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


def run(app: Flask, settings: Settings) -> None:
    """Serve the board until SIGTERM or Ctrl-C. Raises `ConfigurationError` where the address cannot be had."""
    with ending() as told:
        serve(app, settings, told)


def serve(app: Flask, settings: Settings, told: Ending) -> None:
    """Serve the board until it is told to end. Raises `ConfigurationError` where the address cannot be had."""
    try:
        listener = server.listen(settings.board_host, settings.board_port)
    except (ConfigurationError, OSError) as error:
        cause = error.__cause__ if isinstance(error, ConfigurationError) else error
        why = getattr(cause, "strerror", None) or "it is no address of this machine"
        raise ConfigurationError(
            f"BOARD_HOST {settings.board_host}, BOARD_PORT {settings.board_port} cannot be listened on ({why}): end the "
            "program that uses it, or set another one"
        ) from error
    with listener:
        host, port = listener.getsockname()[:2]
        _log.info("board.listening", url=f"http://{host}:{port}/board")
        server.serve(app, listener, told, largest_body=LARGEST_FORM)
