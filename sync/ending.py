"""How a running command is told to end: SIGTERM and Ctrl-C, by handlers that take no lock.

A signal's handler runs in the main thread between any two of its instructions, perhaps while that thread holds the lock
of a log, of a print or of a `threading.Event`: a handler that asks for the same lock hangs for ever. So it only writes a byte.
"""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Ending:
    """Whether the process was told to end. `signal_name`: by what; empty: by nobody yet."""

    def __init__(self, words: str) -> None:
        self._words = words.encode()
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)
        self.signal_name = ""

    def is_set(self) -> bool:
        return bool(self.signal_name)

    def wake(self) -> None:
        """Let `wait` return. For any thread, and for handlers."""
        with suppress(OSError):  # full: it returns anyway; closed: nobody waits
            os.write(self._in, b".")

    def wait(self) -> None:
        """Wait for a signal, or until somebody calls `wake`."""
        select.select([self._out], [], [])

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal. A second Ctrl-C ends at once, by Python's own handler."""
        self.signal_name = signal.Signals(number).name
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.wake()
        if self._words:
            with suppress(OSError):
                os.write(2, self._words)

    def close(self) -> None:
        os.close(self._out)
        os.close(self._in)


@contextmanager
def ending(words: str = "") -> Iterator[Ending]:
    """Yield what SIGTERM and Ctrl-C set; `words` are then written to stderr. The handlers from before come back at the end."""
    told = Ending(words)
    before = {number: signal.signal(number, told.on_signal) for number in SIGNALS}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        told.close()
