"""What every page reads by: the database, a moment, and what of the settings and the mapping it needs."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import request

from mappings.schema import ProcessMapping
from sync.board.words import Words
from sync.clock import Clock, local_date
from sync.observe import clients
from sync.observe.clients import Client
from sync.settings import Settings
from sync.storage.database import Connection, StoreReader

_YEARS = range(2000, 2100)
"""The years that a date may name, as in the commands: another one is a typing mistake."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The database, to be read, and what the pages go by."""

    store: StoreReader
    settings: Settings
    clock: Clock
    mapping: ProcessMapping

    @property
    def zone(self) -> ZoneInfo:
        """The portal's time zone, as the mapping has it."""
        return self.mapping.zone

    def words(self) -> Words:
        """Write times as of now."""
        return Words(self.clock.now(), self.zone)

    def today(self) -> date:
        """The date in the portal's time zone."""
        return local_date(self.clock.now(), self.zone)

    def clients(self, connection: Connection, ids: list[str], now: datetime) -> list[Client]:
        """Read these clients, in this order; one that is gone meanwhile is left out."""
        found = {
            one.id: one for one in clients.some(connection, ids, now, self.today(), self.mapping.rules.window_days)
        }
        return [found[one] for one in ids if one in found]


def page_number() -> int:
    """The page that is asked for, from 1 on; whatever is none is the first."""
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 7 else 1


def asked(name: str, longest: int = 200) -> str:
    """What is asked for by this name in the address, without what surrounds it; '' where nothing is."""
    return request.args.get(name, "").strip()[:longest]


def asked_day(name: str) -> date | None:
    """The date that is asked for by this name, as 2026-11-22; None where there is none, or one that is far away."""
    try:
        day = date.fromisoformat(asked(name))
    except ValueError:
        return None
    return day if day.year in _YEARS else None
