"""Network namespaces: a host of its own for a process, on lines that can be cut. Linux, and root, are needed."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from itertools import count

_numbers = count()


@cache
def are_allowed() -> bool:
    """Whether this machine lets us make them: not without `ip`, nor without root, nor in most containers."""
    if shutil.which("ip") is None:
        return False
    try:
        with namespace(["try"]):
            return True
    except subprocess.CalledProcessError:
        return False


class Line:
    """A cable between this machine and a namespace, with a network of its own."""

    def __init__(self, device: str, network: str) -> None:
        self._device = device
        self.here = f"{network}.1"
        """The address of this machine on it."""
        self.there = f"{network}.2"

    def cut(self) -> None:
        """What is sent is lost without a word, as where a host has lost its power or a switch its mind."""
        _ip("link", "set", self._device, "down")

    def mend(self) -> None:
        _ip("link", "set", self._device, "up")


class Namespace:
    """One host: what runs in it, and the lines to it by name."""

    def __init__(self, name: str, lines: dict[str, Line]) -> None:
        self._name = name
        self.lines = lines

    @property
    def enter(self) -> tuple[str, ...]:
        """What to put before a command to have it run there, under the very process id that it is started with."""
        return ("ip", "netns", "exec", self._name)


@contextmanager
def namespace(lines: list[str]) -> Iterator[Namespace]:
    """A namespace with so many lines. Raises `CalledProcessError` where it is not allowed."""
    number = next(_numbers)
    name = f"handoffs-{os.getpid()}-{number}"
    with ExitStack() as stack:
        _ip("netns", "add", name)
        stack.callback(_ip, "netns", "delete", name)  # the lines go with it
        made = {}
        for place, line in enumerate(lines):
            device = f"h{os.getpid()}n{number}l{place}"
            cable = made[line] = Line(device, f"198.18.{_free_net()}")  # RFC 2544: networks that nobody has
            _ip("link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", name)
            stack.callback(_quietly, "link", "delete", device)
            _ip("address", "add", f"{cable.here}/24", "dev", device)
            _ip("link", "set", device, "up")
            _ip("-netns", name, "link", "set", "eth0", "name", f"line{place}")
            _ip("-netns", name, "address", "add", f"{cable.there}/24", "dev", f"line{place}")
            _ip("-netns", name, "link", "set", f"line{place}", "up")
        _ip("-netns", name, "link", "set", "lo", "up")
        yield Namespace(name, made)


class Forwarder:
    """Passes on what comes to this address to a port of this machine, and notes each write that it has seen begin."""

    def __init__(self, address: str, port: int) -> None:
        self._port = port
        self._listener = socket.create_server((address, 0))
        self.url = f"http://{address}:{self._listener.getsockname()[1]}"
        self.writes: list[tuple[float, str]] = []
        """When each began (`time.monotonic`), with its method and path."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                crm = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._pass_on, args=(caller, crm, True), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(crm, caller, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_asking: bool) -> None:
        with source, suppress(OSError):
            while data := source.recv(65_536):
                if is_asking:
                    self._note(data)
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)  # which ends the other direction too

    def _note(self, data: bytes) -> None:
        verb, _, rest = data[:200].partition(b" /")
        path = rest.partition(b" ")[0]
        if verb in {b"POST", b"PUT", b"PATCH", b"DELETE"} and not path.endswith((b"/read", b"/search")):
            self.writes.append((time.monotonic(), f"{verb.decode()} /{path.decode()}"))


def _free_net() -> int:
    """A third byte that no device of this machine has in 198.18: several runs may go on at the same time."""
    taken = _ip("-oneline", "address", "show")
    return next(byte for byte in range(256) if f" 198.18.{byte}." not in taken)


def _ip(*arguments: str) -> str:
    return subprocess.run(
        ["ip", *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    ).stdout


def _quietly(*arguments: str) -> None:
    with suppress(subprocess.CalledProcessError):  # it went with the namespace
        _ip(*arguments)
