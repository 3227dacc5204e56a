"""How a running command is told to end: SIGTERM and Ctrl-C, by handlers that take no lock.

A signal's handler runs in the main thread between any two of its instructions, perhaps while that thread holds the lock
of a log, of a print or of a `threading.Event`: a handler that asks for the same lock hangs for ever. So it only writes a byte.

All that an end takes has one deadline, counted from the signal: parts that each have a time of their own add up.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)

ENDED_AS_TOLD: Mapping[signal.Signals, int] = {signal.SIGTERM: 0, signal.SIGINT: 0}
"""For `ending`'s `surely`: what runs until it is told to end has done as it was told, however it ended."""

WITHIN = 9.0
"""Seconds after the signal at which a process is ended as by kill -9 if it has not ended by then, whatever it waits for:
a call to the CRM, a lock, a disk, a database on a server. Ten are the promise, and a loaded machine takes its part."""

_LOOKS = 0.2
"""Seconds between two looks whether, after a Ctrl-C, a signal came that is to end the process surely."""

_FORCED = b"Ended in the middle of something that did not end: what it had begun is looked for at the next start.\n"


class Ending:
    """Whether the process was told to end. `signal_name`: by what; empty: by nobody yet."""

    def __init__(self, words: str) -> None:
        self._words = words.encode()
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)
        self._told_at: dict[str, float] = {}  # when each signal came first, by the monotonic clock
        self._is_over = False
        self.signal_name = ""

    def is_set(self) -> bool:
        return bool(self.signal_name)

    def left(self, seconds: float) -> float:
        """Seconds that are left of the first so many after the first signal; all of them before one came."""
        first = min(self._told_at.values(), default=None)
        return seconds if first is None else max(0.0, first + seconds - time.monotonic())

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
        self._told_at.setdefault(self.signal_name, time.monotonic())
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.wake()
        _write(self._words)

    def end_surely(self, codes: Mapping[str, int]) -> None:
        """Wait for one of these signals, and end the process with its exit code `WITHIN` seconds later.

        For a thread of its own; it returns once what it belongs to has ended without such a signal.
        """
        self.wait()
        while self.is_set():
            told = [(at, codes[name]) for name, at in list(self._told_at.items()) if name in codes]
            if told:
                at, code = min(told)
                time.sleep(max(0.0, at + WITHIN - time.monotonic()))
                _write(_FORCED)
                os._exit(code)
            if self._is_over:
                return
            time.sleep(_LOOKS)

    def over(self) -> None:
        """Let go of what is held for signals: none is waited for any more."""
        self._is_over = True
        self.wake()

    def close(self) -> None:
        os.close(self._out)
        os.close(self._in)


def _write(words: bytes) -> None:
    """Write to stderr, unless whoever should read it does not: that would hold up whoever writes."""
    with suppress(OSError):
        if words and select.select([], [2], [], 0)[1]:
            os.write(2, words)


def _hand_back(handlers: Mapping[signal.Signals, Any]) -> None:
    """Give signals to other handlers. One that comes just then is not lost: Python drops what was not handled before.

    Held back, what has come is handled by the old one, and what comes is handled by the new one.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)


@contextmanager
def ending(words: str = "", *, surely: Mapping[signal.Signals, int] | None = None) -> Iterator[Ending]:
    """Yield what SIGTERM and Ctrl-C set; `words` are then written to stderr. The handlers from before come back at the end.

    `surely`: the signals after which the whole process has ended `WITHIN` seconds later, also if it has left this by then;
    and its exit code where it had to be ended.
    """
    told = Ending(words)
    before = {number: signal.signal(number, told.on_signal) for number in SIGNALS}
    codes = {number.name: code for number, code in (surely or {}).items()}
    keeper = threading.Thread(target=told.end_surely, args=[codes], name="ending", daemon=True)
    if codes:
        keeper.start()
    try:
        yield told
    finally:
        _hand_back(before)
        told.over()
        if codes and not told.is_set():
            keeper.join()
        if not (codes and told.is_set()):  # else the keeper may be about to wait for it
            told.close()
