"""The composition root: settings in, a whole service out. Nothing is built at import."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from mappings.digest import canonical_text, digest_of
from mappings.load import MappingError, load
from mappings.schema import ProcessMapping
from sync.clock import Clock, ShiftedClock, SystemClock, ahead_of, from_ms, to_ms
from sync.crm import CRM, Account, Kind, Record, RecordRef
from sync.errors import ConfigurationError, RefusedError, WrongPortalError
from sync.failpoints import Failpoint, no_failpoint
from sync.observe.alerts import Alerts
from sync.passes import recovery
from sync.passes.bookkeeping import Bookkeeper
from sync.passes.breaker import Breaker
from sync.passes.decider import Decider
from sync.passes.departures import note_people
from sync.passes.effects import Follower, Resolver, make_performer
from sync.passes.email import Mailer, conversations_of, make_mailer, tries_without_answer
from sync.passes.poll import poll
from sync.passes.portal import Portal, PortalCache
from sync.passes.reconcile import Reconciler
from sync.passes.rounds import Rounds
from sync.passes.snapshot import SnapshotReader
from sync.passes.survey import survey
from sync.passes.sweep import Sweep
from sync.rules.context import Times
from sync.rules.identity import STATUS
from sync.rules.in_force import MappingHistory, past_mapping
from sync.service.beginnings import beginnings
from sync.service.holder import OnWait, say
from sync.service.lanes import PreparedLanes
from sync.service.reading import ReadingService
from sync.settings import Settings, read_settings
from sync.storage import (
    copies,
    identities,
    mapping_texts,
    mappings_in_force,
    memberships,
    service_state,
    ticket_histories,
)
from sync.storage.budget import Budget, Paced, Priority
from sync.storage.database import Store, migrate, open_store
from sync.storage.server_clock import clock_for
from webhooks.unpacking import Unpacker

if TYPE_CHECKING:
    import requests

    from sync.hubspot import Call


@dataclass(frozen=True)
class Service:
    """Everything a worker or a command that writes needs, wired together. `reading` is the half that cannot write."""

    reading: ReadingService
    store: Store
    crm: CRM
    mailer: Mailer | None
    alerts: Alerts
    reconciler: Reconciler
    failpoint: Failpoint
    _type_ids_left: set[str] = field(default_factory=set)  # for the receiver
    _mappings_kept: set[str] = field(default_factory=set)  # their digests, by which occurrences tell what decided them

    @property
    def settings(self) -> Settings:
        return self.reading.settings

    @property
    def mapping(self) -> ProcessMapping:
        return self.reading.mapping

    @property
    def clock(self) -> Clock:
        return self.reading.clock

    @property
    def portals(self) -> PortalCache:
        return self.reading.portals

    @property
    def today(self) -> date:
        return self.reading.today

    def lanes(self, on_wait: OnWait = say) -> PreparedLanes:
        """Give the lanes, to run passes on; take one such object for each run of passes, a drain or a command.

        `on_wait` is told for whom one waits; by default it is logged.
        """
        return PreparedLanes(self.store, self._prepare, on_wait)

    def sweep(self, *, resume: bool = False) -> int:
        """Enqueue what this day can have made due; how many records. Raises the port's errors and `StoreError`.

        `resume`: only what an earlier try on this day has not done.
        """
        self._prepare()  # candidates come from the ledger too
        sweep = Sweep(self.store, self.crm, self.mapping, self.clock, self.today, self.portals.get())
        return sweep.mark(resume=resume)

    def survey(self) -> int:
        """Enqueue the portfolios that no pass has found yet, or not since the condition takes them in; how many.

        Raises the port's errors and `StoreError`.
        """
        self._prepare()
        return survey(self.store, self.crm, self.clock, self.mapping.portfolio.condition)

    def unpack(self) -> None:
        """Take up what webhooks have told: unpack every delivery that waits. Raises `StoreError`.

        Whoever looks for due work does so first. It asks the CRM for nothing, and works before any pass may.
        """
        Unpacker(self.store, self.clock, self.settings.hubspot_app_id, self.failpoint).run()

    def poll(self) -> int:
        """Enqueue what has changed since the last poll; how many records. Raises the port's errors and `StoreError`."""
        self._prepare()
        portal = self.portals.get()
        note_people(self.store, self.mapping, self.clock, portal)
        return poll(self.store, self.crm, self.mapping, self.clock, portal)

    def require_own_portal(self) -> None:
        """Make sure that the token is of the database's portal. Raises `WrongPortalError` and the port's errors."""
        self.portals.account()

    def renew_token(self) -> bool:
        """Take up the token that the settings hold by now; whether it is another one, and good.

        So a token that somebody has rotated in `.env` needs no restart; what the environment says is as it was when the
        process began. Raises `ConfigurationError`, `WrongPortalError` for another portal's, and the port's errors: then the
        old one stays in use.
        """
        token = read_settings().hubspot_access_token
        if token is None:
            return False
        return self.crm.take_token(
            token.get_secret_value(), lambda account: require_own(self.store, account, keep=True)
        )

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def _prepare(self) -> None:
        """Make sure that the ledger knows all that the CRM shows as done: no pass may begin before.

        Also leaves the portfolio's type id for the receiver, and writes down which mapping is in force from now on. Does
        nothing once that is so.
        """
        portal = self.portals.get()
        self.reading.beginnings.by_the_crm(self.store, self.crm.time(), self.clock.now())
        self._note_mapping(portal)
        type_id = portal.type_ids[Kind.PORTFOLIO]
        if type_id not in self._type_ids_left:
            with self.store.write() as connection:
                service_state.put(connection, service_state.PORTFOLIO_TYPE_ID, type_id)
            self._type_ids_left.add(type_id)
        # Where no task can carry a key: there is nothing to take back, and no pass begins either.
        if portal.task_keys.ready and not recovery.is_final(self.store):
            recovery.ensure(self.store, self.crm, portal, self.clock.now(), self.failpoint)

    def _note_mapping(self, portal: Portal) -> None:
        """Write down the mapping that the passes from now on go by, where another one was in force before."""
        now = self.clock.now()
        mine = past_mapping(
            self.mapping,
            from_ms(to_ms(now - ahead_of(self.crm.time(), now))),  # versions are compared with it
            pipeline=portal.pipeline.id,
            in_progress=portal.in_progress,
            pending_approval=portal.pending_approval,
        )
        with self.store.read() as connection:
            last = mappings_in_force.history(connection).at(mine.since)
        if last is None or not last.same_but_since(mine):
            with self.store.write() as connection:
                mappings_in_force.note(connection, mine)
        if not self._mappings_kept:
            name = digest_of(self.mapping)
            with self.store.write() as connection:
                mapping_texts.keep(connection, name, canonical_text(self.mapping), self.clock.now())
            self._mappings_kept.add(name)


def read_mapping(settings: Settings) -> ProcessMapping:
    """Read the mapping of `MAPPING`. Raises `ConfigurationError` with every problem in it."""
    try:
        return load(settings.mapping)
    except MappingError as error:
        raise ConfigurationError(str(error)) from None


def open_database(settings: Settings) -> Store:
    """Open the database of `DATABASE_URL` and bring its schema up to date.

    Raises `StoreError`, and `RefusedError` for a copy that somebody has put back.
    """
    store = open_store(settings.database_url)
    with _closed_on_error(store):
        migrate(store)
        refused = copies.why_not(store)
        if refused is not None:
            raise RefusedError(f"{store.place} {refused}")
    return store


def _remember_none_told(store: Store, *, keep: bool) -> None:
    """A process that starts anew must not take for none what an answer leaves out (docs/process.md R.8)."""
    if keep:
        with store.write() as connection:
            service_state.put(connection, service_state.TELLS_OF_NO_ASSOCIATIONS, value=True)


@contextmanager
def _closed_on_error(store: Store) -> Iterator[None]:
    """Close the store if the block fails, and leave it open if it does not."""
    try:
        yield
    except BaseException:
        store.close()
        raise


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    budget_clock: Clock | None = None,
    today: date | None = None,
    session: "requests.Session | None" = None,
    bulk: bool = False,
    share: float | None = None,
    begin: bool = True,
    failpoint: Failpoint = no_failpoint,
    on_call: "Callable[[Call], None] | None" = None,
    mailer: Mailer | None = None,
) -> Service:
    """Wire the service together. Opens the database and brings it up to date; calls nobody.

    `today` shifts every decision to that date. `bulk` marks the calls as work that waits for interactive work, and
    `share` limits them to that share of the CRM's request limits. A `session` that is given stands in for connections; it
    gets one call at a time, and so does the CRM from a process that has a share.
    Without `begin` the service is only to be read or set up: the moment of going live is not fixed by it.
    Raises `ConfigurationError`, `RefusedError` and `StoreError`.
    """
    from sync.hubspot import HubSpot
    from sync.hubspot.ahead import AT_ONCE

    mapping = read_mapping(settings)
    token = settings.require_token()
    store = open_database(settings)
    clock = clock or clock_for(store, SystemClock())
    budget_clock = budget_clock or clock_for(store, SystemClock())
    with _closed_on_error(store):
        begun = beginnings(store, settings, mapping, clock, keep=begin)
        with store.read() as connection:
            tells = service_state.get(connection, service_state.TELLS_OF_NO_ASSOCIATIONS) or False
    calendar = clock if today is None else ShiftedClock(clock, today, mapping.zone)
    budget = Budget(store, budget_clock)
    crm = HubSpot(
        token=token,
        base_url=settings.hubspot_base_url,
        portfolio_object=mapping.portfolio.object,
        budget=budget if share is None else Paced(budget, budget_clock, share),
        clock=budget_clock,
        session=session,
        priority=Priority.BULK if bulk else Priority.INTERACTIVE,
        on_call=on_call,
        tells_of_no_associations=tells,
        on_none_told=lambda: _remember_none_told(store, keep=begin),
        at_once=AT_ONCE if session is None and share is None else 1,
    )
    with _closed_on_error(store):
        mailer = mailer or make_mailer(settings, crm, clock)
    alerts = Alerts(store, mailer, settings.admin_email, clock)
    portals = PortalCache(
        crm.reader, mapping, clock, lambda account: require_own(store, account, keep=begin), settings.hubspot_app_id
    )

    def times() -> Times:
        return begun.times(calendar, mapping.zone)

    def past() -> MappingHistory:
        with store.read() as connection:
            return mappings_in_force.history(connection)

    def known(tickets: Sequence[str], histories: Sequence[str]) -> Mapping[str, Record]:
        with store.read() as connection:
            return ticket_histories.certain(connection, tickets, histories, clock.now())

    def last_seen_on(portfolios: Collection[str]) -> Mapping[str, str]:
        with store.read() as connection:
            return memberships.on(connection, portfolios)

    def seen_with_status(portfolios: Collection[str]) -> Collection[str]:
        with store.read() as connection:
            seen = identities.seen(connection, [RecordRef(Kind.PORTFOLIO, i) for i in portfolios]).versions
        return {record.id for record, times in seen.items() if times.get(STATUS)}

    reader = SnapshotReader(
        crm.reader, mapping, settings.hubspot_app_id, clock, past, portals, known, last_seen_on, seen_with_status
    )
    decider = Decider(store.reader, mapping, portals, reader, times)
    reading = ReadingService(
        settings=settings,
        mapping=mapping,
        store=store.reader,
        clock=clock,
        calendar=calendar,
        crm=crm.reader,
        portals=portals,
        decider=decider,
        beginnings=begun,
        sends_email=mailer is not None,
    )
    breaker = Breaker(store, mapping.rules.effects_per_hour, clock, alerts)
    bookkeeper = Bookkeeper(crm.reader, store, clock)
    rounds = Rounds(
        store=store,
        mapping=mapping,
        decider=decider,
        bookkeeper=bookkeeper,
        performer=make_performer(crm, store, mapping, mailer, clock, calendar, failpoint),
        breaker=breaker,
        clock=clock,
        failpoint=failpoint,
    )
    reconciler = Reconciler(
        store=store,
        mapping=mapping,
        portals=portals,
        bookkeeper=bookkeeper,
        resolver=Resolver(crm.reader, store, mapping, clock, failpoint, tries_without_answer(mailer)),
        rounds=rounds,
        follower=Follower(crm, store, clock, failpoint, conversations_of(mailer)),
        breaker=breaker,
        clock=clock,
        failpoint=failpoint,
    )
    return Service(reading, store, crm, mailer, alerts, reconciler, failpoint)


def require_own(store: Store, account: Account, *, keep: bool) -> None:
    """Make sure that the database is this portal's; with `keep` one that belongs to none yet is from now on.

    Raises `WrongPortalError`: what a rehearsal on a test portal has left is no news of the real one.
    """
    with store.write() if keep else store.read() as connection:
        known = service_state.get(connection, service_state.PORTAL)
        if known is None and keep:
            service_state.put(connection, service_state.PORTAL, account.portal_id)
    if known not in {None, account.portal_id}:
        raise WrongPortalError(
            f"{store.place} belongs to portal {known}, and HUBSPOT_ACCESS_TOKEN is of portal "
            f"{account.portal_id}: nothing is done. Set the token of {known}, or another DATABASE_URL for {account.portal_id}"
        )
