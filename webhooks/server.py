"""The receiver's server: waitress, which gives a request to a thread only once all of it is there.

So whoever opens a connection and says nothing, or half of something, holds a descriptor and no thread; and not for long:
head and body must have come within `WHOLE_WITHIN`. A server that gives a thread to a connection was stopped by eight such
callers (`python -m tests.bench.attacks` shows what genuine deliveries suffer under each attack).
"""

import logging
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from sync.ending import ENDED_AS_TOLD, Ending, ending
from sync.errors import ConfigurationError, HandoffsError

if TYPE_CHECKING:
    from flask import Flask

LISTENER = "HANDOFFS_LISTENER"
"""The variable by which `serve` hands over the descriptor of a socket that listens already."""

LIFELINE = "HANDOFFS_LIFELINE"
"""The variable by which it hands over a descriptor that ends when it does, however it does."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - HubSpot, or a proxy on another host, calls it
"""The address that the receiver listens on: every interface."""

THREADS = 16
"""Threads that answer; `webhooks.app` leaves some of them to health, whatever deliveries wait for."""

WHOLE_WITHIN = 5.0
"""Seconds in which a request must have come whole, from its first byte on; HubSpot gives up then as well."""

IDLE_FOR = 60
"""Seconds for which a connection may stand idle between two requests: HubSpot keeps some open."""

CONNECTIONS = 2000
"""How many connections may be open at a time, where the machine allows so many descriptors."""

SPARE_DESCRIPTORS = 64
"""Descriptors that are left for all that is no connection: database, logs."""

BACKLOG = 2048
"""Connections that may wait to be accepted."""

LONGEST_HEAD = 65_536
IN_MEMORY = 65_536
"""Bytes of a request's head at most, and of a body that are kept in memory; more of it waits in a file."""

ENDS_WITHIN = 4.5
"""Seconds for what is being answered, from the signal by which the receiver was told to end. HubSpot gives up after five."""

THREADS_END_WITHIN = 0.5
"""Seconds for the threads after that."""

CANNOT_SERVE = 4
"""The exit code by which a receiver says that a person must mend something: to start it again is of no use."""


class _Channel(HTTPChannel):  # type: ignore[misc]  # untyped
    """A connection that knows when the request that it is in the middle of began."""

    began: float | None = None  # None: nothing was ever said

    def received(self, data: bytes) -> bool:
        """Take what has come; a request that begins in it begins now."""
        before = self.request
        taken: bool = super().received(data)
        if self.began is None or (self.request is not None and self.request is not before):
            self.began = time.time()
        return taken

    def is_late(self, now: float) -> bool:
        """Whether what has come, be it nothing at all, should have been a whole request by now."""
        if self.began is not None and self.request is None:
            return False  # idle, after a request that was whole
        return now - (self.began or self.creation_time) > WHOLE_WITHIN


class _Server(TcpWSGIServer):  # type: ignore[misc]  # untyped
    channel_class = _Channel

    def maintenance(self, now: float) -> None:
        """Close what stands idle too long, as waitress does, and what does not come to its end."""
        super().maintenance(now)
        for channel in self.active_channels.values():
            if not channel.requests and channel.is_late(now):
                channel.will_close = True


def serve(app: "Flask", listener: socket.socket, told: Ending, *, largest_body: int) -> None:
    """Answer requests until told to end, and then what is being answered. `largest_body`: bytes; larger ones get a 413."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that all threads are at work is no news
    sockets: dict[int, wasyncore.dispatcher] = {}
    server = _Server(
        app,
        map=sockets,
        _sock=listener,
        bind_socket=False,
        sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
        adj=Adjustments(
            sockets=[listener],
            threads=THREADS,
            backlog=BACKLOG,
            connection_limit=_connections(),
            channel_timeout=IDLE_FOR,
            cleanup_interval=1,
            max_request_header_size=LONGEST_HEAD,
            max_request_body_size=largest_body + 1,
            inbuf_overflow=IN_MEMORY,
            ident=None,
        ),
    )
    while not told.is_set():
        wasyncore.loop(timeout=0.5, use_poll=True, map=sockets, count=1)
    server.accepting = False
    end = time.monotonic() + told.left(ENDS_WITHIN)
    while _is_answering(server) and time.monotonic() < end:
        wasyncore.loop(timeout=0.05, use_poll=True, map=sockets, count=1)
    server.task_dispatcher.shutdown(cancel_pending=True, timeout=THREADS_END_WITHIN)
    wasyncore.close_all(sockets)


def run(make: "Callable[[], Flask] | None" = None) -> None:
    """Run the receiver until SIGTERM or Ctrl-C, on the descriptor of `LISTENER`, else on PORT.

    `make` gives the app; by default that of `webhooks.wsgi`. Raises `ConfigurationError` and `StoreError`.
    """
    from sync.settings import read_settings
    from webhooks.wsgi import make_app

    with ending(surely=ENDED_AS_TOLD) as told:
        _end_with_parent()
        settings = read_settings()
        app = (make or make_app)()
        with _listening(settings.port) as listener:
            serve(app, listener, told, largest_body=settings.max_body_bytes)


def main(make: "Callable[[], Flask] | None" = None) -> int:
    """Run it as a process of `serve`; the exit code. What a person must mend ends it with one line."""
    try:
        run(make)
    except HandoffsError as error:
        sys.stderr.write(f"Error: {error}\n")
        return CANNOT_SERVE
    return 0


def listen(host: str, port: int) -> socket.socket:
    """Take a port; 0: any that is free. Raises `ConfigurationError`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"PORT {port} cannot be listened on ({error.strerror}): end the program that uses it, or set another PORT"
        ) from error
    return listener


def _listening(port: int) -> socket.socket:
    descriptor = os.environ.get(LISTENER, "")
    return socket.socket(fileno=int(descriptor)) if descriptor.isdecimal() else listen(EVERYWHERE, port)


def _connections() -> int:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if allowed == resource.RLIM_INFINITY else min(CONNECTIONS, max(1, allowed - SPARE_DESCRIPTORS))


def _is_answering(server: _Server) -> bool:
    return any(channel.requests or channel.total_outbufs_len for channel in list(server.active_channels.values()))


def _end_with_parent() -> None:
    """End with `serve`, even if that is killed: else its port would stay taken, and it could not start again.

    Does nothing in a receiver that runs by itself, as the Procfile's does.
    """
    descriptor = os.environ.get(LIFELINE, "")
    if not descriptor.isdecimal():
        return

    def wait() -> None:
        os.read(int(descriptor), 1)  # nothing is ever written: it returns when the other end closes
        os._exit(0)  # a delivery that is cut off comes again

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
