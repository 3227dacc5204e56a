"""What a mapping says, as far as the oracle has to know, by what an admin has changed of the packaged one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from tests.simulation.editions import Editions, editions_of

ZONE = ZoneInfo("America/New_York")

Period = tuple[str, int]
"""So many `days`, or so many `months`."""

_UNITS: Mapping[str, Period] = {
    "day": ("days", 1), "week": ("days", 7), "month": ("months", 1), "quarter": ("months", 3), "year": ("months", 12),
}  # fmt: skip

_CADENCES = {
    "Weekly": "1 week", "Every 2 weeks": "2 weeks", "Every 3 weeks": "3 weeks", "Every 4 weeks": "4 weeks",
    "Every 6 weeks": "6 weeks", "Every 8 weeks": "8 weeks", "Monthly": "1 month", "Every 2 months": "2 months",
    "Quarterly": "1 quarter",
}  # fmt: skip

_ROLES = ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")
_ON_TICKETS = ("copywriter", "graphic_designer")


@dataclass(frozen=True, slots=True)
class Terms:
    """The packaged mapping, but for what is given."""

    window: int = 15
    zone: ZoneInfo = ZONE
    condition: tuple[tuple[str, frozenset[str]], ...] = ()
    """Which portfolios the service looks after: each property with the values that it may have."""
    cadences: Mapping[str, Period] = field(
        default_factory=lambda: MappingProxyType({name: _period(text) for name, text in _CADENCES.items()})
    )
    default_cadence: str = "Monthly"
    owners: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({role: role for role in _ROLES}))
    """The property of a portfolio that names who has each role."""
    ticket_owners: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({role: role for role in _ON_TICKETS})
    )
    stand_ins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The owner (id) who stands in for each role."""
    editions: Editions = field(default_factory=lambda: MappingProxyType({}))
    """Of which edition each text is."""

    def period(self, cadence: str) -> Period | None:
        """How long a cadence is; None: it is not mapped."""
        if cadence.isdecimal():
            return "days", int(cadence)
        return self.cadences.get(cadence or self.default_cadence)

    def holds(self, values: Mapping[str, str]) -> bool:
        """Whether a portfolio with these values is one that the service looks after."""
        return all(values.get(name, "") in allowed for name, allowed in self.condition)


def terms_of(values: Mapping[str, Any]) -> Terms:
    """Read what an admin has changed of the packaged mapping."""
    portfolio, ticket = values.get("portfolio", {}), values.get("ticket", {})
    rules, cadence = values.get("rules", {}), values.get("cadence", {})
    packaged = Terms()
    lengths = cadence.get("values")
    on_tickets = ticket.get("owners")
    return Terms(
        window=rules.get("window_days", packaged.window),
        zone=ZoneInfo(values.get("time_zone", packaged.zone.key)),
        condition=tuple((one["property"], frozenset(one["in"])) for one in portfolio.get("condition", ())),
        cadences=packaged.cadences if lengths is None else {name: _period(text) for name, text in lengths.items()},
        default_cadence=cadence.get("default", packaged.default_cadence),
        owners={**packaged.owners, **portfolio.get("owners", {})},
        ticket_owners={} if on_tickets == {} else {**packaged.ticket_owners, **(on_tickets or {})},
        editions=editions_of(values),
        stand_ins={role: one["fallback_owner"] for role, one in values.get("roles", {}).items()},
    )


def _period(text: str) -> Period:
    number, unit = text.split()
    kind, times = _UNITS[unit.removesuffix("s")]
    return kind, int(number) * times
