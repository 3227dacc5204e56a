"""Tells the admin when work is held, parked or refused: one email a kind and hour at most."""

import structlog
from sqlalchemy.dialects.sqlite import insert

from sync.clock import Clock, to_ms
from sync.email import Mailer
from sync.errors import HandoffsError
from sync.store import Store, alerts

log = structlog.get_logger()


class Alerts:
    """`alert(kind, message)`; the row of kind and hour is the guarantee that there is one email."""

    def __init__(self, store: Store, mailer: Mailer | None, admin: str | None, clock: Clock) -> None:
        self._store = store
        self._mailer = mailer
        self._admin = admin
        self._clock = clock

    def __call__(self, kind: str, message: str) -> None:
        now = self._clock.now()
        hour = to_ms(now) // 3_600_000
        with self._store.write() as connection:
            row = insert(alerts).values(kind=kind, hour=hour, at=to_ms(now), message=message)
            first = connection.execute(row.on_conflict_do_nothing()).rowcount == 1
        if not first:
            return
        log.warning("admin.alert", kind=kind, message=message)
        if self._mailer is None or self._admin is None:
            return
        try:
            self._mailer.send(f"alert:{kind}:{hour}", self._admin, f"Creative Refresh handoffs: {kind}", message)
        except HandoffsError as error:  # a refused token too: the alert may well be about it
            log.warning("admin.alert_not_sent", kind=kind, error=str(error))
