"""Conversations with a mail server, each in a thread of its own: a server that answers late keeps nobody waiting.

The standard gives a mail server ten minutes to answer after the message (RFC 5321, 4.5.3.2.6). Nobody waits so long: who
sends waits a little, goes on, and is told the outcome when it comes (`ended`). What the process knows of open conversations
ends with it; the ledger has each as unknown.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sync.errors import EmailError

PATIENCE = 10.0
"""Seconds that one who sends waits for the end of a conversation; with others open, `IMPATIENCE`."""

IMPATIENCE = 1.0

MOST_OPEN = 8
"""Conversations at a time: mail servers take few connections from one client."""


@dataclass(slots=True)
class Conversation:
    """One conversation. `error`: what it failed with; None while it is open, or where it went well."""

    key: str
    hang_up: Callable[[], None] | None = None  # set once there is a connection
    began: float = field(default_factory=time.monotonic)
    over: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


Hold = Callable[[Conversation], None]
"""Holds one conversation to its end, and raises what it fails with."""


class Conversations:
    """Those of one mail server. `answers_within`: seconds after which one that has not ended is hung up on."""

    def __init__(self, answers_within: float) -> None:
        self._answers_within = answers_within
        self._open: dict[str, Conversation] = {}

    def is_full(self) -> bool:
        """Whether so many are open that no other may begin. Those that have been open for too long are hung up on."""
        for one in self._open.values():
            if time.monotonic() - one.began > self._answers_within and one.hang_up is not None:
                one.hang_up()
        return sum(not one.over.is_set() for one in self._open.values()) >= MOST_OPEN

    def hold(self, key: str, hold: Hold) -> bool:
        """Hold one; whether it is over already. Raises what it failed with by then; its end else stands in `ended`.

        An `EmailError` where none can begin: nothing was sent.
        """
        patience = PATIENCE if not self._open else IMPATIENCE
        mine = Conversation(key)
        try:
            threading.Thread(target=_hold, args=(mine, hold), name="mail", daemon=True).start()
        except RuntimeError as error:
            text = f"no conversation with the mail server can begin ({error}): this machine lets no more threads run"
            raise EmailError(text, server_down=True) from error
        if not mine.over.wait(patience):
            self._open[key] = mine
            return False
        if mine.error is not None:
            raise mine.error
        return True

    def ended(self) -> list[tuple[str, Exception | None]]:
        """Those that have ended since the last time, though nobody waited any more: the key, and what it failed with."""
        over = [one for one in self._open.values() if one.over.is_set()]
        for one in over:
            del self._open[one.key]
        return [(one.key, one.error) for one in over]

    def wait(self, seconds: float) -> None:
        """Wait until all are over, at most so long."""
        until = time.monotonic() + seconds
        for one in list(self._open.values()):
            one.over.wait(max(0.0, until - time.monotonic()))


def _hold(mine: Conversation, hold: Hold) -> None:
    try:
        hold(mine)
    except Exception as error:  # noqa: BLE001 - raised again by whoever waits, or told by `ended`
        mine.error = error
    finally:
        mine.over.set()
