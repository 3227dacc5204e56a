"""The simulated CRM on a port of 127.0.0.1: the HubSpot API, and the control API under `/_sandbox/…`.

Connections really break here: a reset is an RST (as is a refused one), a cut body ends before its Content-Length, a
hanging call never answers.
"""

import contextlib
import socket
import socketserver
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from sync.sandbox.control import PREFIX, Control
from sync.sandbox.delivery import HttpSender
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.wire import Request, Response

HANG = 3600.0
"""Seconds that a hanging call stays open, unless the caller or the server ends it."""
PUMP_EVERY = 0.02


class SandboxServer:
    """`SandboxServer(sandbox, port=0).start()`, then `.url`, then `.stop()`; or as a context manager.

    `pump` delivers webhooks from a thread of its own; without it, deliver with `sandbox.delivery.pump()` or over the
    control API.
    """

    def __init__(self, sandbox: Sandbox, port: int = 0, *, pump: bool = True) -> None:
        self.sandbox = sandbox
        self._port = port
        self._pump = pump
        self._stopping = threading.Event()
        self._http: _Http | None = None
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        assert self._http is not None, "the server is not running"
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> "SandboxServer":
        self._stopping.clear()
        self._http = _Http(("127.0.0.1", self._port), self.sandbox, self._stopping)
        self._threads = [
            threading.Thread(target=self._http.serve_forever, args=(0.02,), name="sandbox-http", daemon=True)
        ]
        if self._pump:
            self._threads.append(threading.Thread(target=self._deliver, name="sandbox-webhooks", daemon=True))
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End every connection and thread; what waits for delivery is kept."""
        if self._http is None:
            return
        self._stopping.set()
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        for thread in self._threads:
            thread.join()
        self._http = None
        if isinstance(self.sandbox.delivery.sender, HttpSender):
            self.sandbox.delivery.sender.close()

    def serve(self) -> None:
        """Start, and stay until interrupted."""
        with self, contextlib.suppress(KeyboardInterrupt):
            self._stopping.wait()

    def __enter__(self) -> "SandboxServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _deliver(self) -> None:
        while not self._stopping.wait(PUMP_EVERY):
            self.sandbox.delivery.pump()


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox, stopping: threading.Event) -> None:
        self.sandbox = sandbox
        self.control = Control(sandbox)
        self.stopping = stopping
        self.open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the base class's look-up of the host's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def hang_up(self) -> None:
        """End kept-alive connections, so that their threads end."""
        for one in list(self.open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.request)

    def finish(self) -> None:
        self.server.open.discard(self.request)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name for it
        """Say nothing: the request log knows."""

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            unquote(path),
            query,
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
        )
        if path.startswith(PREFIX):
            self._write(self.server.control.handle(request))
        else:
            self._write(self.server.sandbox.api.handle(request))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815  # the base class's names

    def _write(self, response: Response) -> None:
        if response.broken == "hang":
            self._hang()
            return
        if response.delay and self.server.stopping.wait(response.delay):
            self._reset()
            return
        if response.broken in ("reset", "refused"):
            self._reset()
            return
        self.send_response_only(response.status)  # the answer has a Date of its own, by the sandbox's clock
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if response.broken == "cut":
            self.wfile.write(response.body[: len(response.body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(response.body)
        self.wfile.flush()

    def _hang(self) -> None:
        """Say nothing until the caller has had enough, or the server stops."""
        self.close_connection = True
        self.connection.settimeout(PUMP_EVERY * 5)
        waited = 0.0
        while waited < HANG and not self.server.stopping.is_set():
            try:
                if not self.connection.recv(1, socket.MSG_PEEK):
                    return
                self.server.stopping.wait(PUMP_EVERY * 5)
            except TimeoutError:
                pass
            waited += PUMP_EVERY * 5

    def _reset(self) -> None:
        """Close with an RST."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
