"""Listens on BOARD_HOST and BOARD_PORT: waitress, as the receiver's server, on an address of its own."""

import socket

import structlog
from flask import Flask

from sync.board.app import LARGEST_FORM
from sync.ending import ENDED_AS_TOLD, Ending, ending
from sync.errors import ConfigurationError
from webhooks import server

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


def listen(host: str, port: int) -> socket.socket:
    """Take the address; port 0: any that is free. Raises `ConfigurationError` where it cannot be had."""
    try:
        return server.listen(host, port)
    except (ConfigurationError, OSError) as error:
        cause = error.__cause__ if isinstance(error, ConfigurationError) else error
        why = getattr(cause, "strerror", None) or "it is no address of this machine"
        raise ConfigurationError(
            f"BOARD_HOST {host}, BOARD_PORT {port} cannot be listened on ({why}): end the program that uses it, or set "
            "another one"
        ) from error


def run(app: Flask, listener: socket.socket) -> None:
    """Serve the board until SIGTERM or Ctrl-C."""
    with ending(surely=ENDED_AS_TOLD) as told:
        serve(app, listener, told)


def serve(app: Flask, listener: socket.socket, told: Ending) -> None:
    """Serve the board until it is told to end."""
    host, port = listener.getsockname()[:2]
    _log.info("board.listening", url=f"http://{host}:{port}/board")
    server.serve(app, listener, told, largest_body=LARGEST_FORM)
