"""Since when the service counts: the moments that its first start fixes, and that every process goes by ever after."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from mappings.schema import ProcessMapping
from sync.clock import Clock, ahead_of, from_ms, local_date, start_of_day, to_ms
from sync.errors import ConfigurationError
from sync.rules.context import Times
from sync.settings import Settings
from sync.storage import mappings_in_force, service_state
from sync.storage.database import Connection, Store, StoreReader
from sync.storage.service_state import BY_OUR_CLOCK, GO_LIVE, LEDGER_BEGAN, LEDGER_BEGAN_THERE, SETTLES_SINCE

_THERE: Final = {LEDGER_BEGAN: LEDGER_BEGAN_THERE, GO_LIVE: GO_LIVE, SETTLES_SINCE: SETTLES_SINCE}
"""Where each beginning is kept as the CRM's clock tells it."""


@dataclass(frozen=True)
class _Moments:
    """`ledger_began` by our clock, the others by the CRM's as far as it is known."""

    ledger_began: datetime
    go_live: datetime
    settles_since: datetime
    ledger_began_there: datetime | None


class Beginnings:
    """When the service went live, when this ledger began, and since when it has known a settle time.

    A first start fixes them by our own clock, as it asks nobody. What people do in the CRM bears the CRM's time, so that
    they are moved to its clock (`by_the_crm`) before the first pass.
    """

    def __init__(self, moments: _Moments) -> None:
        self._moments = moments
        self._told = False

    @property
    def go_live(self) -> datetime:
        return self._moments.go_live

    def times(self, calendar: Clock, zone: tzinfo) -> Times:
        """Give the times that rules go by now."""
        now, fixed = calendar.now(), self._moments
        return Times(
            now, local_date(now, zone), fixed.go_live, fixed.ledger_began, fixed.settles_since, fixed.ledger_began_there
        )

    def by_the_crm(self, store: Store, told: datetime | None, now: datetime) -> None:
        """Move what our own clock has fixed to the CRM's, once: `told` is the time that it has told for `now`.

        Every process calls it before its first pass: another one may have moved them since this one began. Raises
        `StoreError`.
        """
        if self._told:
            return
        with store.read() as connection:
            by_ours = service_state.get(connection, BY_OUR_CLOCK)
        if by_ours:
            with store.write() as connection:
                _move(connection, ahead_of(told, now))
        with store.read() as connection:
            self._moments = _kept(connection, self._moments)
        self._told = True


def _move(connection: Connection, ahead: timedelta) -> None:
    by_ours = service_state.get(connection, BY_OUR_CLOCK) or frozenset()  # another process may have done so
    for entry, there in _THERE.items():
        moment = service_state.get(connection, entry)
        if entry.name in by_ours and moment is not None:
            service_state.put(connection, there, moment - ahead)
    service_state.put(connection, BY_OUR_CLOCK, frozenset())


def _kept(connection: Connection, otherwise: _Moments) -> _Moments:
    return _Moments(
        service_state.get(connection, LEDGER_BEGAN) or otherwise.ledger_began,
        service_state.get(connection, GO_LIVE) or otherwise.go_live,
        service_state.get(connection, SETTLES_SINCE) or otherwise.settles_since,
        service_state.get(connection, LEDGER_BEGAN_THERE),
    )


def beginnings(store: Store, settings: Settings, mapping: ProcessMapping, clock: Clock, *, keep: bool) -> Beginnings:
    """Read them; what is not known yet is now. They are fixed at the first start, or the first of a release that knows them.

    Without `keep` nothing is fixed. Raises `ConfigurationError` for another `GO_LIVE` than the one that is kept.
    """
    now = from_ms(to_ms(clock.now()))  # as the database keeps it
    wanted = None if settings.go_live is None else from_ms(to_ms(_moment(settings.go_live, mapping.zone)))
    first = {LEDGER_BEGAN: now, GO_LIVE: wanted or now, SETTLES_SINCE: now}
    with store.write() if keep else store.read() as connection:
        known = {entry: service_state.get(connection, entry) for entry in first}
        if known[LEDGER_BEGAN] is None:
            first[SETTLES_SINCE] = from_ms(0)
        new = [entry for entry in first if known[entry] is None]
        if keep and new:
            for entry in new:
                service_state.put(connection, entry, first[entry])
            before = service_state.get(connection, BY_OUR_CLOCK) or frozenset()
            mine = {entry.name for entry in new if first[entry] == now}
            service_state.put(connection, BY_OUR_CLOCK, before | mine)
        moments = _kept(connection, _Moments(first[LEDGER_BEGAN], first[GO_LIVE], first[SETTLES_SINCE], None))
    _require_the_same(store.reader, settings, wanted, moments.go_live)
    return Beginnings(moments)


def _require_the_same(store: StoreReader, settings: Settings, wanted: datetime | None, kept: datetime) -> None:
    if wanted in {None, kept}:
        return
    assert settings.go_live is not None
    with store.read() as connection:
        zones = {one.zone for one in mappings_in_force.history(connection).mappings}
    # It was read in the time zone of its day: another one in the mapping is no other moment.
    if kept not in {from_ms(to_ms(_moment(settings.go_live, zone))) for zone in zones}:
        raise ConfigurationError(
            f"GO_LIVE is {settings.go_live}, but this service went live at {kept.isoformat()}: remove "
            "GO_LIVE or set it back. To act on older causes use `handoffs backfill --since DATE`."
        )


def _moment(value: str, zone: tzinfo) -> datetime:
    """Read a date, which is midnight in this time zone, or a time, which without an offset is in it too."""
    try:
        return start_of_day(date.fromisoformat(value), zone)
    except ValueError:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
