"""A small SMTP server that keeps what it is sent: for the demo, which has no other, and for faults on demand."""

import base64
import contextlib
import socket
import socketserver
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Literal, cast

MailStep = Literal["connect", "helo", "auth", "mail", "rcpt", "data", "end"]
"""Where a fault strikes; `end` is after the final dot of the message."""


@dataclass(frozen=True, slots=True)
class MailFault:
    """At a step, answer with a code (4xx or 5xx), or with 0 drop the connection. `times` None: until cleared.

    A drop at `end` takes the message and loses the answer; `keep=False` loses the message as well. With a code of 250 at
    `end` the message is taken and the answer comes `delay` (real) seconds late.
    """

    step: MailStep
    code: int = 0
    times: int | None = 1
    keep: bool = True
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it came: the envelope, and the parsed message."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    user: str | None = None

    @property
    def message_id(self) -> str:
        return str(self.message.get("Message-ID", ""))

    def as_json(self) -> dict[str, object]:
        body = self.message.get_body(("plain", "html"))
        return {
            "from": self.sender,
            "to": list(self.recipients),
            "subject": str(self.message.get("Subject", "")).strip(),  # a folded one begins with the fold's space
            "messageId": self.message_id,
            "date": str(self.message.get("Date", "")),
            "body": body.get_content() if body is not None else "",
        }


class SmtpSink:
    """Listens on 127.0.0.1; `port` 0 takes a free one. `deduplicate` keeps one message for each Message-ID."""

    def __init__(self, port: int = 0, *, deduplicate: bool = False) -> None:
        self._port = port
        self._deduplicate = deduplicate
        self._lock = threading.Lock()
        self._mails: list[Mail] = []
        self._faults: list[list[int | MailFault]] = []
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.attempts: Counter[str] = Counter()
        """How often each Message-ID came, duplicates included."""
        self.connections = 0
        """How often anybody has connected."""

    @property
    def mails(self) -> list[Mail]:
        """What came, oldest first."""
        with self._lock:
            return list(self._mails)

    @property
    def port(self) -> int:
        assert self._server is not None, "the sink is not running"
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def fail(self, *faults: MailFault) -> None:
        """Add faults; the first that fits a step strikes."""
        with self._lock:
            self._faults += [[0, fault] for fault in faults]

    def clear(self) -> None:
        """Forget mails, attempts and faults."""
        with self._lock:
            self._mails.clear()
            self._faults.clear()
            self.attempts.clear()
            self.connections = 0

    def start(self) -> "SmtpSink":
        self._server = _Server(("127.0.0.1", self._port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="smtp-sink", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            self._thread.join()
            self._server = None

    def __enter__(self) -> "SmtpSink":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def struck(self, step: MailStep) -> MailFault | None:
        """The fault that strikes at this step, if any."""
        with self._lock:
            for entry in self._faults:
                fault = cast("MailFault", entry[1])
                if fault.step == step and (fault.times is None or cast("int", entry[0]) < fault.times):
                    entry[0] = cast("int", entry[0]) + 1
                    return fault
        return None

    def came(self) -> None:
        """Count a connection."""
        with self._lock:
            self.connections += 1

    def take(self, mail: Mail) -> None:
        with self._lock:
            self.attempts[mail.message_id] += 1
            seen = mail.message_id and any(one.message_id == mail.message_id for one in self._mails)
            if not (self._deduplicate and seen):
                self._mails.append(mail)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = True

    def __init__(self, address: tuple[str, int], sink: SmtpSink) -> None:
        self.sink = sink
        self.open: set[socket.socket] = set()
        self.ends = threading.Event()
        super().__init__(address, _Conversation)

    def hang_up(self) -> None:
        """End every conversation, so that its thread ends."""
        self.ends.set()
        for one in list(self.open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _HangUp(Exception):  # noqa: N818  # no error: the conversation is over
    pass


class _Conversation(socketserver.StreamRequestHandler):
    """One SMTP session (RFC 5321), as far as a client library needs it."""

    server: _Server
    timeout = 30

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.request)
        self.server.sink.came()
        self._user: str | None = None
        self._sender: str | None = None
        self._recipients: list[str] = []

    def finish(self) -> None:
        self.server.open.discard(self.request)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(_HangUp, OSError):
            if self._passes("connect"):
                self._say(220, "sandbox.example ESMTP")
                while self._one():
                    pass

    def _one(self) -> bool:
        line = self.rfile.readline(4096)
        if not line:
            return False
        verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "HELO": self._helo,
            "EHLO": self._ehlo,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": lambda _: self._say(250, "OK"),
            "VRFY": lambda _: self._say(252, "cannot verify"),
        }
        if verb.upper() == "QUIT":
            self._say(221, "bye")
            return False
        command = commands.get(verb.upper())
        if command is None:
            self._say(500, "unknown command")
        else:
            command(rest)
        return True

    def _helo(self, _: str) -> None:
        if self._passes("helo"):
            self._say(250, "sandbox.example")

    def _ehlo(self, _: str) -> None:
        if self._passes("helo"):
            self.wfile.write(
                b"250-sandbox.example\r\n250-SIZE 35882577\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
                b"250-AUTH PLAIN LOGIN\r\n250 HELP\r\n"
            )

    def _auth(self, rest: str) -> None:
        """Anyone may come in; the name is kept."""
        if not self._passes("auth"):
            return
        mechanism, _, first = rest.partition(" ")
        try:
            if mechanism.upper() == "PLAIN":
                self._user = _decoded(first or self._ask("")).split("\0")[1]
            else:
                self._user = _decoded(first or self._ask("Username:"))
                self._ask("Password:")
        except (ValueError, IndexError):
            self._say(501, "malformed credentials")
        else:
            self._say(235, "accepted")

    def _mail(self, rest: str) -> None:
        if self._passes("mail"):
            self._sender, self._recipients = _address(rest), []
            self._say(250, "OK")

    def _rcpt(self, rest: str) -> None:
        if self._sender is None:
            self._say(503, "MAIL first")
        elif self._passes("rcpt"):
            self._recipients.append(_address(rest))
            self._say(250, "OK")

    def _data(self, _: str) -> None:
        if not self._recipients or self._sender is None:
            self._say(503, "RCPT first")
            return
        if not self._passes("data"):
            return
        self._say(354, "end with a dot")
        lines = []
        while (line := self.rfile.readline(1 << 20)) not in (b".\r\n", b".\n"):
            if not line:
                raise _HangUp
            lines.append((line[1:] if line.startswith(b"..") else line).rstrip(b"\r\n") + b"\n")
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        mail = Mail(self._sender, tuple(self._recipients), message, self._user)
        fault = self.server.sink.struck("end")
        if fault is None or (fault.code in {0, 250} and fault.keep):
            self.server.sink.take(mail)
        self._rset("", quiet=True)
        if fault is None:
            self._say(250, "taken")
        else:
            self._fail(fault)

    def _rset(self, _: str, *, quiet: bool = False) -> None:
        self._sender, self._recipients = None, []
        if not quiet:
            self._say(250, "OK")

    def _passes(self, step: MailStep) -> bool:
        fault = self.server.sink.struck(step)
        if fault is not None:
            self._fail(fault)
        return fault is None

    def _fail(self, fault: MailFault) -> None:
        if fault.delay and self.server.ends.wait(fault.delay):
            raise _HangUp
        if fault.code == 0:
            self.request.shutdown(socket.SHUT_RDWR)
            raise _HangUp
        self._say(fault.code, "as asked for")
        if fault.code == 421 or fault.step == "connect":
            raise _HangUp

    def _ask(self, prompt: str) -> str:
        self._say(334, base64.b64encode(prompt.encode()).decode())
        return self.rfile.readline(4096).decode("ascii", "replace").strip()

    def _say(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode("utf-8", "replace")


def _address(rest: str) -> str:
    """The address of `FROM:<a@b> SIZE=…` or `TO:<a@b>`."""
    return rest.partition(":")[2].strip().partition(" ")[0].strip("<>")
