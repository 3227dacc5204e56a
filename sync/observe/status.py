"""How the service is doing, read from the database alone: no call to the CRM, so that it answers while that is down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mappings.digest import digest_of
from mappings.load import MappingError, load
from mappings.schema import Party, ProcessMapping
from sync.clock import Clock, SystemClock, iso
from sync.observe import health
from sync.observe.agreement import by_another_clock, of_mapping
from sync.observe.letter import LetterStanding, letter_standing
from sync.observe.running import live
from sync.rules.model import EffectState
from sync.settings import Settings
from sync.storage import (
    alert_log,
    budget,
    faulty_records,
    inbox,
    ledger,
    look_alikes,
    processes,
    service_state,
    waits,
    work_queue,
)
from sync.storage.alert_log import SentAlert
from sync.storage.database import Connection, StoreReader
from sync.storage.faulty_records import Incomplete
from sync.storage.ledger import queries
from sync.storage.ledger.queries import Trouble
from sync.storage.look_alikes import WorthALook
from sync.storage.processes import Part, Process
from sync.storage.waits import Stuck
from sync.storage.work_queue import Backlog, QueuedRecord

ALERTS_SHOWN = timedelta(days=1)
"""How far back `status` shows the alerts that were sent."""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """All errors of one kind: effects by state and kind (`blocked task`), failed passes by the error's class."""

    kind: str
    count: int
    since: datetime | None  # the oldest; None: it is not kept of failed passes that are tried again
    example: str  # the reason of one of them

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind, "count": self.count, "since": iso(self.since), "example": self.example}


@dataclass(frozen=True, slots=True)
class Held:
    """What the breaker holds."""

    records: int
    effects: int


@dataclass(frozen=True, slots=True)
class Status:
    """All of it, at one moment. `reasons`: why it is not `ok`, in words for the admin.

    Whoever is waited for too long (`stuck`), and what people may have mistyped (`worth_a_look`), is people's business: the
    service is well all the same.
    """

    at: datetime
    backlog: Backlog
    effects: dict[EffectState, int]
    held: Held
    last_sweep: datetime | None
    last_poll: datetime | None
    last_webhook: datetime | None
    budget: dict[str, object]
    reasons: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    failed_looks: tuple[QueuedRecord, ...]  # the parked ones first
    incomplete: tuple[Incomplete, ...]  # what came from the CRM without something that was asked for, the longest first
    errors: tuple[ErrorKind, ...]  # the most frequent first
    stuck: tuple[Stuck, ...]  # the longest first
    alerts: tuple[SentAlert, ...]  # within the last day, the newest first
    worth_a_look: tuple[WorthALook, ...]  # by the portfolio's name
    running: tuple[Process, ...]  # the service's processes that give signs of life; of one part the oldest first
    mapping: str | None  # the digest of the mapping that MAPPING names; None: it cannot be read
    letter: LetterStanding | None  # None: nobody gets one, or the mapping cannot be read
    party_labels: Mapping[Party, str]  # what that mapping calls those who are waited for; empty: it cannot be read

    @property
    def ok(self) -> bool:
        return not self.reasons

    def as_json(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "backlog": self.backlog.due,
            "oldest_seconds": self.backlog.oldest_seconds,
            "deliveries": self.backlog.deliveries,
            "waiting": self.backlog.waiting,
            "parked": self.backlog.parked,
            "held": self.backlog.held,
            "planned": self.effects[EffectState.PLANNED],
            "attempting": self.effects[EffectState.ATTEMPTING],
            "unknown": self.effects[EffectState.UNKNOWN],
            "blocked": self.effects[EffectState.BLOCKED],
            "failed": self.effects[EffectState.FAILED],
            "sending": self.effects[EffectState.SENDING],
            "unproven": self.effects[EffectState.UNPROVEN],
            "last_sweep": iso(self.last_sweep),
            "last_poll": iso(self.last_poll),
            "last_webhook": iso(self.last_webhook),
            "budget": self.budget,
            "reasons": list(self.reasons),
            "errors": [kind.as_json() for kind in self.errors],
            "troubles": [one.as_json() for one in self.troubles],
            "failing": [one.as_json() for one in self.failed_looks],
            "incomplete": [one.as_json() for one in self.incomplete],
            "stuck": [one.as_json() for one in self.stuck],
            "worth_a_look": [one.as_json() for one in self.worth_a_look],
            "running": [one.as_json() for one in self.running],
            "mapping": self.mapping,
            "letter": None if self.letter is None else self.letter.as_json(),
            "told": [one.as_json() for one in self.alerts],
            "at": self.at.isoformat(),
        }


def read(store: StoreReader, clock: Clock, settings: Settings) -> Status:
    """Tell how the service is doing now, and whether by the clock and the mapping of whoever asks. Raises `StoreError`."""
    now, on_machine = clock.now(), SystemClock().now()
    found = [one.text for one in health.look(store, now, settings, on_machine=on_machine)]
    with store.read() as connection:
        backlog = work_queue.backlog(connection, now)
        counts = ledger.count(connection)
        holding = held(connection)
        last_sweep = service_state.get(connection, service_state.LAST_SWEEP)
        last_poll = service_state.get(connection, service_state.LAST_POLL)
        last_webhook = inbox.last_webhook(connection)
        listed = tuple(queries.troubles(connection))
        failed_looks = tuple(work_queue.failing(connection))
        incomplete = tuple(one for one in faulty_records.find(connection) if one.is_told(now))
        waiting_long = tuple(waits.find(connection, now))
        alike = tuple(look_alikes.find(connection))
        sent = tuple(alert_log.since(connection, now - ALERTS_SHOWN))
        starts = processes.find(connection)
    elsewhere = by_another_clock(starts, now, on_machine)
    running = tuple(one for part in Part for one in live(starts, part, now) or _of(part, elsewhere))
    mapping, unreadable = _mapping_now(settings)
    digest = None if mapping is None else digest_of(mapping)
    letter = None if mapping is None else letter_standing(store, mapping, now)
    found += [*unreadable, *_letter(letter, settings)]
    if digest is not None:
        found += [one.text for one in of_mapping(starts, now, digest, mapping_name(settings))]
    return Status(
        now,
        backlog,
        counts,
        holding,
        last_sweep,
        last_poll,
        last_webhook,
        budget.state(store, clock),
        tuple(found),
        listed,
        failed_looks,
        incomplete,
        tuple(_by_kind(listed, failed_looks)),
        waiting_long,
        sent,
        alike,
        running,
        digest,
        letter,
        {party: mapping.party_label(party) for party in Party} if mapping is not None else {},
    )


def mapping_name(settings: Settings) -> str:
    """Call the mapping as the admin does: by its file."""
    return "the packaged default" if settings.mapping is None else str(settings.mapping)


def _letter(letter: LetterStanding | None, settings: Settings) -> list[str]:
    """Why the weekly letter does not reach everybody who is to get it."""
    if letter is None:
        return []
    if settings.email_url is None:
        return ["the weekly letter (letter.to of the mapping) goes to nobody: EMAIL_URL is not set"]
    return list(letter.troubles())


def _mapping_now(settings: Settings) -> tuple[ProcessMapping | None, list[str]]:
    """The mapping as it stands in its file now; or None, and why the next start would fail."""
    try:
        return load(settings.mapping), []
    except MappingError as error:
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        return None, [
            f"the mapping {mapping_name(settings)} (MAPPING) cannot be read, so that no start and no command would go well: "
            f"{error.problems[0]}{more}. What runs goes on by the one that it has read"
        ]


def _of(part: Part, found: Iterable[Process]) -> list[Process]:
    return [one for one in found if one.part is part]


def held(connection: Connection) -> Held:
    """Count what the breaker holds now."""
    found = work_queue.held(connection)
    return Held(len(found), sum(count for _, count in found))


def _by_kind(troubles: Iterable[Trouble], failing: Iterable[QueuedRecord]) -> list[ErrorKind]:
    found: dict[str, list[tuple[datetime | None, str]]] = {}
    for trouble in troubles:
        state = "unsent" if trouble.state is EffectState.PLANNED else trouble.state.value
        found.setdefault(f"{state} {trouble.kind}", []).append((trouble.since, trouble.reason))
    for record in failing:
        found.setdefault(record.reason.partition(":")[0], []).append((record.parked_at, record.reason))
    kinds = [
        ErrorKind(kind, len(each), min((at for at, _ in each if at is not None), default=None), each[0][1])
        for kind, each in found.items()
    ]
    return sorted(kinds, key=lambda one: (-one.count, one.kind))
