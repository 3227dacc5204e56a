"""How far the service itself has got, so that what is due but not done yet can be told from what is missing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.crm import RawVersion
from sync.observe import health
from sync.service.reading import ReadingService
from sync.storage import service_state
from sync.storage.database import Connection


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """When the service began and when it last looked. None: it never did."""

    now: datetime
    ledger_began: datetime
    last_sweep: datetime | None
    polled_to: datetime | None  # changes until then are found
    poll: timedelta  # from one poll to the next
    recovering: bool  # not everything from before this ledger is recorded again yet
    app: str | None  # by which it tells its own changes in the CRM's history; None: it cannot

    @classmethod
    def read(cls, connection: Connection, service: ReadingService) -> "ServiceTimes":
        """Read them from database and settings."""
        return cls(
            now=service.clock.now(),
            ledger_began=service_state.get(connection, service_state.LEDGER_BEGAN) or service.clock.now(),
            last_sweep=service_state.get(connection, service_state.LAST_SWEEP),
            polled_to=service_state.get(connection, service_state.POLLED_TO),
            poll=timedelta(seconds=service.settings.poll_seconds),
            recovering=service_state.get(connection, service_state.RECOVERED_FOR_GOOD) is None,
            app=service.settings.hubspot_app_id,
        )

    @property
    def knows_itself(self) -> bool:
        """Whether the service can tell its own changes from those of others."""
        return self.app is not None

    def is_own(self, version: RawVersion) -> bool:
        """Whether the service's app has made this version."""
        return version.source_type == "INTEGRATION" and version.source_id == self.app

    @property
    def swept_lately(self) -> bool:
        """Whether sweeps come as they should, so that the next one finds what is open."""
        return self.last_sweep is not None and self.now - self.last_sweep < health.SWEEP_WITHIN

    def still_to_come(self, *, changed: datetime, comes: datetime | None) -> str | None:
        """Say why what is due may not have been looked at yet; None if it should have been.

        `changed`: the newest change that it depends on. `comes`: when the calendar made it due, where that does.
        """
        if comes is not None and (changed <= comes or changed < self.ledger_began):
            since = max(changed, comes)
            looked = self.last_sweep is not None and self.last_sweep >= since
            late = self.now - max(since, self.ledger_began) >= health.SWEEP_WITHIN
            return None if looked or late else "due at the next sweep"
        polling = self.polled_to is not None and self.now - self.polled_to < 2 * self.poll
        return "due at the next poll" if polling and self.now - changed < self.poll else None
