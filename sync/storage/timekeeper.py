"""Which of several workers polls, sweeps and prunes.

On PostgreSQL it is whoever has an advisory lock, by a session that is kept for as long as the worker lives: its death gives
the lock up, and another worker has it within seconds. That there is one spares calls to the CRM; what holds if there
are two for a moment, or none, is that a poll and a sweep only enqueue, and that the work queue has one row a record.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from sync.errors import StoreError
from sync.log import Seldom
from sync.storage.driver import driver

if TYPE_CHECKING:
    import psycopg

_LOCK: Final = (0x54494D45, 0)
"""The advisory lock: "TIME"."""

_TRIED_EVERY: Final = 5.0
"""Seconds between two tries to get the lock that another worker has."""

_MEANWHILE: Final = "this worker neither polls nor sweeps until it has a session for that, or nobody has for minutes"

log = structlog.get_logger()

_TAKE: Final = "SELECT pg_try_advisory_lock(%s, %s)"
_ALIVE: Final = "SELECT true"


class TimeKeeper(Protocol):
    """One worker's, for one thread."""

    def is_mine(self) -> bool:
        """Whether this worker keeps the time, as far as can be told now. Raises nothing."""
        ...

    def close(self) -> None:
        """Let another one keep it."""
        ...


class Everybody:
    """On one machine's file every worker keeps the time: there is one, and a second one does no harm."""

    def is_mine(self) -> bool:
        """Whether this worker keeps the time."""
        return True

    def close(self) -> None:
        """Nothing is held."""


class SessionTimeKeeper:
    """Whoever has the lock. One who cannot reach the server has it not."""

    def __init__(self, session: "Callable[[], psycopg.Connection[Any]]") -> None:
        self._open = session  # one whose death the server notices; raises `StoreError`
        self._session: psycopg.Connection[Any] | None = None
        self._has_it = False
        self._tried_at: float | None = None  # by the monotonic clock; None: not yet
        self._kept_from_it = Seldom()

    def is_mine(self) -> bool:
        """Whether this worker keeps the time: it is asked of the server each time."""
        now = time.monotonic()
        if not self._has_it and self._tried_at is not None and now - self._tried_at < _TRIED_EVERY:
            return False
        self._tried_at = now
        try:
            self._has_it = self._asked()
        except (driver().Error, StoreError) as error:
            if self._kept_from_it.is_due():
                log.warning("timekeeper.not_asked", error=" ".join(str(error).split()), note=_MEANWHILE)
            self.close()
        else:
            self._kept_from_it.over()
        return self._has_it

    def _asked(self) -> bool:
        if self._session is None:
            self._session = self._open()
        found = self._session.execute(_ALIVE) if self._has_it else self._session.execute(_TAKE, _LOCK)
        row = found.fetchone()
        return row is not None and bool(row[0])

    def close(self) -> None:
        """Let another one keep it."""
        session, self._session, self._has_it = self._session, None, False
        if session is not None:
            session.close()
