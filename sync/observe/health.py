"""Is all well, and can the service do its work? One list, read from the database alone, for `status`, `/readyz` and the ping."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sync.errors import StoreError
from sync.observe.agreement import by_another_clock, of_clock
from sync.observe.running import Finding, live, of_receiver, of_worker
from sync.rules.model import EffectState
from sync.settings import Settings
from sync.storage import faulty_records, portfolios, processes, raw_deliveries, service_state, work_queue
from sync.storage.database import Connection, Store, StoreReader
from sync.storage.ledger import queries
from sync.storage.portfolios import KeptPortfolio
from sync.storage.processes import Part, Process
from sync.storage.service_state import Entry

OLDEST_ALLOWED = timedelta(minutes=15)
SWEEP_WITHIN = timedelta(hours=26)  # a day, and two hours for a sweep that is late or long

POLL_LATE_BY = timedelta(minutes=5)
"""How late a poll may be, beyond the second one that is missed."""

FAILING_FOR = timedelta(minutes=1)
"""How long a chore of the worker's may fail before it is said: a CRM that is down for a moment is no news."""

CLOCK_OFF = timedelta(minutes=1)
"""How far the machine's clock may be from the CRM's."""

NAMED = 3
"""So many records are named in one line."""

LITTLE_ROOM = 100_000_000
"""Bytes left on the database's disk below which it is said."""

NO_ROOM = 1_000_000
"""Bytes left below which it counts as full: a transaction takes some pages more than once."""


def look(store: StoreReader, now: datetime, settings: Settings, *, on_machine: datetime | None = None) -> list[Finding]:
    """List what keeps all from being well, what stops the whole service first; empty: all is well. Raises nothing.

    `on_machine` is the time of the asker's machine, where it may be that the service goes by another clock than `now` (a
    rehearsal's): then nothing is said of what is late. None: it is `now`.
    """
    room = list(_room(store))
    is_full = any(one.stops_work for one in room)
    try:
        with store.read() as connection:
            found = processes.find(connection)
            elsewhere = by_another_clock(found, now, on_machine or now)
            findings = [
                *_refused(connection),
                *(
                    [Finding(of_clock(elsewhere[-1], now, on_machine or now, "status"))]
                    if elsewhere
                    else _by_the_clock(connection, now, found, settings, is_full=is_full)
                ),
                *_clock(connection),
                *_records(connection, now),
                *_effects(connection),
                *_vanished(connection),
                *_unlisted(connection),
            ]
    except StoreError as error:
        return [*room, Finding(f"database: {error}")]
    return sorted([*room, *findings], key=lambda one: not one.stops_work)


def readiness(store: StoreReader, now: datetime, settings: Settings) -> list[str]:
    """Tell why the service cannot do its whole work now, a line for its admin each; empty: it can."""
    return [one.text for one in look(store, now, settings) if one.stops_work]


def probe(store: Store, now: datetime) -> Finding | None:
    """Make sure that the database takes what is written, by writing; None: it does."""
    try:
        with store.write() as connection:
            service_state.put(connection, service_state.PROBED_AT, now)
    except StoreError as error:
        return Finding(f"database: {error}")
    return None


def refusals(connection: Connection) -> dict[Entry[str | None], bool]:
    """Tell of each reason why no pass can run at all whether it stands."""
    return {entry: service_state.get(connection, entry) is not None for entry in service_state.REFUSALS}


def sweep_overdue(connection: Connection, now: datetime) -> timedelta:
    """Tell how long the daily sweep is late; nothing while it is not, or before the first start."""
    since = service_state.get(connection, service_state.LAST_SWEEP)
    since = since or service_state.get(connection, service_state.STARTED_AT)
    return timedelta(0) if since is None else max(timedelta(0), now - since - SWEEP_WITHIN)


def _refused(connection: Connection) -> Iterator[Finding]:
    texts = {
        service_state.TOKEN_REFUSED: "token refused: HubSpot does not accept HUBSPOT_ACCESS_TOKEN; webhooks are still stored",
        service_state.PERMISSION_REFUSED: "a permission is missing: {}. `handoffs check` tries each kind of call",
        service_state.TASK_PROPERTY_MISSING: "task property missing: run `handoffs setup --apply`",
        service_state.MAPPING_MISFIT: "the mapping does not fit the portal: {}",
        service_state.WRONG_PORTAL: "another portal's token: {}",
    }
    for entry, text in texts.items():
        reason = service_state.get(connection, entry)
        if reason is not None:
            yield Finding(text.format(reason))


def _by_the_clock(
    connection: Connection, now: datetime, found: list[Process], settings: Settings, *, is_full: bool
) -> Iterator[Finding]:
    """Whoever is silent, and whatever is late. Nobody is said never to have run who could not write it down (`is_full`)."""
    if found or not is_full:
        yield from of_worker(found, now)
        yield from of_receiver(found, now, expected=bool(settings.public_url and settings.hubspot_client_secret))
    yield from _backlog(connection, now)
    yield from _late(connection, now, found, timedelta(seconds=settings.poll_seconds))
    yield from _failing(connection, now, found)


def _backlog(connection: Connection, now: datetime) -> Iterator[Finding]:
    found = work_queue.backlog(connection, now)
    if found.oldest_seconds > OLDEST_ALLOWED.total_seconds():
        minutes = int(found.oldest_seconds // 60)
        records = found.due - found.deliveries
        more = f" and {found.deliveries:,} webhook requests are to be unpacked" if found.deliveries else ""
        yield Finding(
            f"backlog too old: {records:,} records are due{more}, the oldest for {minutes} minutes; is a worker up?"
        )


def _late(connection: Connection, now: datetime, found: list[Process], every: timedelta) -> Iterator[Finding]:
    """Sweep and poll. A service that has just started, or was off for days, is given its time."""
    started = service_state.get(connection, service_state.STARTED_AT)
    swept = service_state.get(connection, service_state.LAST_SWEEP)
    since = max((at for at in (started, swept) if at is not None), default=None)
    if since is not None and now - since > SWEEP_WITHIN:
        hours = (now - since) // timedelta(hours=1)
        yield Finding(f"no sweep for {hours} hours: is a worker up? `handoffs sweep` does one now")
    workers = live(found, Part.WORKER, now)
    if not workers:  # which is said; and nobody polls
        return
    polled = service_state.get(connection, service_state.LAST_POLL)
    since = max(at for at in (workers[-1].started_at, polled) if at is not None)
    if now - since > 2 * every + POLL_LATE_BY:
        minutes = (now - since) // timedelta(minutes=1)
        yield Finding(
            f"no poll for {minutes} minutes (POLL_SECONDS: every {every.total_seconds():g} s): what no webhook tells of "
            "is not found. The worker's log says why; `handoffs poll` does one now"
        )


def _failing(connection: Connection, now: datetime, found: list[Process]) -> Iterator[Finding]:
    """The chores of a worker that lives; those that fail for one kind of reason in one line, as most fail together."""
    if not live(found, Part.WORKER, now):
        return
    entries = {chore: service_state.get(connection, service_state.failing(chore)) for chore in service_state.CHORES}
    told = {name: one for name, one in entries.items() if one is not None and now - one.since >= FAILING_FOR}
    for storage in (True, False):
        alike = {name: one for name, one in told.items() if one.storage is storage}
        if alike:
            since = min(one.since for one in alike.values())
            times = max(one.times for one in alike.values())
            yield Finding(
                f"{' and '.join(alike)} failed {times:,} times since {since:%Y-%m-%d %H:%M:%S} UTC; tried again and "
                f"again. The last error: {list(alike.values())[-1].error}",
                stops_work=storage,
            )


def _clock(connection: Connection) -> Iterator[Finding]:
    ahead = service_state.get(connection, service_state.CLOCK_AHEAD)
    if ahead is not None and abs(ahead) > CLOCK_OFF:
        which = "ahead of" if ahead > timedelta() else "behind"
        yield Finding(
            f"this machine's clock is {abs(ahead) // timedelta(seconds=1):,} seconds {which} HubSpot's: set it by NTP. Due "
            "dates, sweeps and the age of webhooks go by it",
            stops_work=False,
        )


def _records(connection: Connection, now: datetime) -> Iterator[Finding]:
    failing = list(work_queue.failing(connection))
    parked = [one.record for one in failing if one.parked_at is not None]
    tried_again = [one.record for one in failing if one.parked_at is None]
    if parked:
        text = f"{_are(parked)} parked, as looking at {_it(parked)} failed again and again: {_named(parked)}"
        yield Finding(text, stops_work=False)
    if tried_again:
        text = f"{_are(tried_again)} tried again, as looking at {_it(tried_again)} failed: {_named(tried_again)}"
        yield Finding(text, stops_work=False)
    incomplete = [one for one in faulty_records.find(connection) if one.is_told(now)]
    if incomplete:
        text = (
            f"{_records_of(incomplete)} came incomplete from the CRM; nothing is decided on {_it(incomplete)}: "
            f"{_named([one.faulty for one in incomplete])}. `handoffs check` says whether a property is archived or hidden "
            "from the app"
        )
        yield Finding(text, stops_work=False)
    aside = raw_deliveries.pending(connection).put_aside
    if aside:
        text = f"webhook requests that could not be unpacked: {aside:,}. `handoffs dead` says which, and why"
        yield Finding(text, stops_work=False)
    held = [count for _, count in work_queue.held(connection)]
    if held:
        text = f"{sum(held):,} effects held by the breaker: `handoffs release --reason …` lets them go"
        yield Finding(text, stops_work=False)


def _records_of(found: Sequence[object]) -> str:
    return f"{len(found):,} record{'s' * (len(found) > 1)}"


def _are(found: Sequence[object]) -> str:
    return f"{_records_of(found)} {'is' if len(found) == 1 else 'are'}"


def _it(found: Sequence[object]) -> str:
    return "it" if len(found) == 1 else "them"


def _named(found: Sequence[object]) -> str:
    """The first of them by name, and how many more there are."""
    more = f"; and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    return "; ".join(map(str, found[:NAMED])) + more


def _effects(connection: Connection) -> Iterator[Finding]:
    counts = queries.count_troubles(connection)
    for state, text in _WAITS_FOR.items():
        if counts.get(state):
            yield Finding(f"{counts[state]:,} {text}", stops_work=False)


def _vanished(connection: Connection) -> Iterator[Finding]:
    """People who are named and have left: the work goes to others, or waits."""
    for text in service_state.get(connection, service_state.STAND_INS_GONE) or ():
        yield Finding(text, stops_work=False)
    found = portfolios.with_vanished(connection)
    if found:
        named = _first_of([(one, one.vanished) for one in found])
        yield Finding(f"people are named who do not work here: {named}", stops_work=False)


def _unlisted(connection: Connection) -> Iterator[Finding]:
    """Values that stand on records and mean nothing: they were chosen once, and their option is gone."""
    found = portfolios.with_unlisted(connection)
    if found:
        named = _first_of([(one, one.unlisted) for one in found])
        yield Finding(f"values stand that cannot be chosen in HubSpot: {named}", stops_work=False)


def _first_of(problems: Sequence[tuple[KeptPortfolio, Sequence[str]]]) -> str:
    """The first problem of each of the first portfolios, and how many more there are."""
    named = "; ".join(f"{one.name} (portfolio {one.id}): {texts[0]}" for one, texts in problems[:NAMED])
    rest = sum(len(texts) for _, texts in problems) - len(problems[:NAMED])
    return named + (f"; and {rest:,} more, as `problems` of `handoffs list --json`" if rest else "")


_WAITS_FOR = {
    EffectState.FAILED: "failed: refused by the CRM or the mail server; each sweep tries again, `handoffs sweep` at once",
    EffectState.BLOCKED: "blocked: waiting for a person; tried again at each look, at least hourly",
    EffectState.UNPROVEN: "unproven: nobody can tell whether it was sent. `handoffs dead` says what to do",
    EffectState.UNKNOWN: "unknown: without an answer; looked for in the CRM, where that can show it, before it is tried again",
    EffectState.PLANNED: "not sent: neither CRM nor mail server took them; tried again in minutes",
}
"""What keeps all from being well, and what becomes of it."""


def _room(store: StoreReader) -> Iterator[Finding]:
    if store.path is None:
        return
    try:
        left = shutil.disk_usage(store.path.parent).free
    except OSError:
        return
    if left < NO_ROOM:
        yield Finding(
            f"the disk of {store.path} is full: nothing can be stored, not even that worker and receiver run. Free some room"
        )
    elif left < LITTLE_ROOM:
        text = f"the disk of {store.path} has {left / 1e6:,.0f} MB left: free some room before nothing can be stored"
        yield Finding(text, stops_work=False)
