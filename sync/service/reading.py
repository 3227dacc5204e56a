"""What only reads is given this much of the service, and nothing that could write."""

from dataclasses import dataclass
from datetime import date, datetime

from mappings.schema import ProcessMapping
from sync.clock import Clock, local_date
from sync.crm import CRMReader
from sync.passes.decider import Decider
from sync.passes.portal import PortalCache
from sync.service.beginnings import Beginnings
from sync.settings import Settings
from sync.storage.database import StoreReader


@dataclass(frozen=True)
class ReadingService:
    """Settings, mapping and clocks; the CRM, the database and the rules, to be asked and not changed.

    `plan`, `explain`, `inventory`, `verify` and the like take it: that they write nothing is then a matter of types.
    """

    settings: Settings
    mapping: ProcessMapping
    store: StoreReader
    clock: Clock
    calendar: Clock  # the clock that decisions go by: `--today` shifts it
    crm: CRMReader
    portals: PortalCache
    decider: Decider
    beginnings: Beginnings
    sends_email: bool  # whether there is a way to send one (EMAIL_URL)

    @property
    def go_live(self) -> datetime:
        """When the service went live: causes older than this do nothing by themselves."""
        return self.beginnings.go_live

    @property
    def today(self) -> date:
        """The date that decisions go by, in the mapping's time zone."""
        return local_date(self.calendar.now(), self.mapping.zone)
