"""Calls that do not depend on each other, side by side: the parts of one read that is too long for one call.

Only what is sent is sent ahead. What an answer means, what is asked next for it, and what is done where one fails goes on
in the order of the parts, one after the other, as if they had been sent so. Writes are never sent ahead.
"""

import contextvars
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    way is waited for.
    """
    if at_once < 2 or len(asks) < 2:
        yield send
        return
    with ThreadPoolExecutor(min(at_once, len(asks)), thread_name_prefix="crm") as threads:
        ahead = _Ahead(asks, send, threads, at_once)
        try:
            yield ahead.answer
        finally:
            threads.shutdown(wait=False, cancel_futures=True)  # leaving the block waits


class _Ahead:
    """What was sent and not yet asked for. For one thread."""

    def __init__(self, asks: Sequence[Ask], send: Send, threads: ThreadPoolExecutor, at_once: int) -> None:
        self._send = send
        self._threads = threads
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

    def _send_next(self) -> None:
        if self._to_send:
            ask = self._to_send.popleft()
            told = contextvars.copy_context()  # what the log says of the pass is kept by thread
            self._sent.append((ask, self._threads.submit(told.run, self._send, ask)))
