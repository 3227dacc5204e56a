"""Calls that do not depend on each other, side by side: the parts of one read that is too long for one call.

Only what is sent is sent ahead. What an answer means, what is asked next for it, and what is done where one fails goes on
in the order of the parts, one after the other, as if they had been sent so. Writes are never sent ahead.

Each is sent by a daemon thread of its own. Those of `concurrent.futures` are waited for at the end of the process: a CRM that
hangs, or is asked again and again, kept it from ending for a minute.
"""

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Final

from sync.hubspot.ask import Answer, Ask

AT_ONCE: Final = 4
"""Calls of one read at the same time: 190 in 10 s are 19 a second, and an answer takes 0.15 to 0.2 s."""

Send = Callable[[Ask], Answer]
"""Sends one call and gives its answer; raises as `Transport.send`."""


@contextmanager
def sent_ahead(asks: Sequence[Ask], send: Send, at_once: int) -> Iterator[Send]:
    """Give what sends calls, of which those of `asks` are sent ahead, in their order.

    Of these at most `at_once` are on their way or wait to be asked for: whoever asks for one the first time gets what came
    of it, an error too. Any other call is sent when it is asked for. At the end no more is sent, and what is still on its
    way is waited for, except where the process is told to end (`KeyboardInterrupt` and its like).
    """
    if at_once < 2 or len(asks) < 2:
        yield send
        return
    ahead = _Ahead(asks, send, at_once)
    try:
        yield ahead.answer
    except Exception:
        ahead.end()
        raise
    ahead.end()


class _Ahead:
    """What was sent and not yet asked for. For one thread."""

    def __init__(self, asks: Sequence[Ask], send: Send, at_once: int) -> None:
        self._send = send
        self._to_send = deque(asks)
        self._sent: list[tuple[Ask, Future[Answer]]] = []
        for _ in range(min(at_once, len(asks))):
            self._send_next()

    def answer(self, ask: Ask) -> Answer:
        """Give the answer to a call; raises as `Send`."""
        for place, (sent, future) in enumerate(self._sent):
            if sent == ask:
                del self._sent[place]
                try:
                    return future.result()
                finally:
                    self._send_next()
        return self._send(ask)

    def end(self) -> None:
        """Wait for what is still on its way."""
        wait([future for _, future in self._sent])

    def _send_next(self) -> None:
        if self._to_send:
            ask = self._to_send.popleft()
            future: Future[Answer] = Future()
            told = contextvars.copy_context()  # what the log says of the pass is kept by thread
            try:
                threading.Thread(target=told.run, args=(self._fill, future, ask), name="crm", daemon=True).start()
            except RuntimeError:  # no thread is to be had: it is sent when it is asked for
                return
            self._sent.append((ask, future))

    def _fill(self, future: Future[Answer], ask: Ask) -> None:
        try:
            future.set_result(self._send(ask))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for it
            future.set_exception(error)
