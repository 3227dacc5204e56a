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

SIGNALS = (signal.SIGTERM, signal.SIGINT)

ENDED_AS_TOLD: Mapping[signal.Signals, int] = {signal.SIGTERM: 0, signal.SIGINT: 0}
"""For `ending`'s `surely`: what runs until it is told to end has done as it was told, however it ended."""

WITHIN = 9.0
"""Seconds after the signal at which a process is ended as by kill -9 if it has not ended by then, whatever it waits for:
a call to the CRM, a lock, a disk, a database on a server. Ten are the promise, and a loaded machine takes its part."""

_FORCED = b"Ended in the middle of something that did not end: what it had begun is looked for at the next start.\n"


class Ending:
    """Whether the process was told to end. `signal_name`: by what; empty: by nobody yet."""

    def __init__(self, words: str) -> None:
        self._words = words.encode()
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)
        self._told_at: dict[str, float] = {}  # when each signal came first, by the monotonic clock
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

    def close(self) -> None:
        os.close(self._out)
        os.close(self._in)


def _write(words: bytes) -> None:
    """Write to stderr, unless whoever should read it does not: that would hold up whoever writes."""
    with suppress(OSError):
        if words and select.select([], [2], [], 0)[1]:
            os.write(2, words)


class _Keeper:
    """A thread that ends the process `WITHIN` seconds after the first of these signals, with its exit code.

    It hears of every signal from Python's own C handler, by the wakeup descriptor: whatever thread the system gave it to,
    and also while the main thread is in a call that lets no Python handler run. So it wakes whoever waits: a signal that
    comes just before the main thread waits is not handled before something wakes that.
    """

    def __init__(self, codes: Mapping[signal.Signals, int], told: Ending) -> None:
        self._codes = codes
        self._told = told
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)
        self._heard_before = signal.set_wakeup_fd(self._in, warn_on_full_buffer=False)
        threading.Thread(target=self._keep, name="ending", daemon=True).start()

    def _keep(self) -> None:
        while (number := os.read(self._out, 1)[0]) not in self._codes:
            if not number:
                os.close(self._out)
                os.close(self._in)
                self._told.close()
                return
            self._told.wake()
        self._told.wake()
        time.sleep(WITHIN)
        _write(_FORCED)
        os._exit(self._codes[signal.Signals(number)])

    def dismiss(self) -> None:
        """Hear of no signal any more, and let go of what is held for them. One that has come still ends the process."""
        signal.set_wakeup_fd(self._heard_before)
        os.write(self._in, b"\0")


@contextmanager
def ending(words: str = "", *, surely: Mapping[signal.Signals, int] | None = None) -> Iterator[Ending]:
    """Yield what SIGTERM and Ctrl-C set; `words` are then written to stderr. The handlers from before come back at the end.

    `surely`: the signals after which the whole process has ended `WITHIN` seconds later, also if it has left this by then;
    and its exit code where it had to be ended. Once the process was told to end, these signals keep their handlers.
    """
    told = Ending(words)
    codes = surely or {}
    keeper = _Keeper(codes, told)
    before = {number: signal.signal(number, told.on_signal) for number in SIGNALS}
    try:
        yield told
    finally:
        # The system's own way with a signal is not restored for one that is yet to end the process: Python drops
        # what another thread has just taken and the main thread has not handled.
        stays = codes if told.is_set() else {}
        for number, handler in before.items():
            if number not in stays:
                signal.signal(number, handler)
        if not stays:
            keeper.dismiss()
