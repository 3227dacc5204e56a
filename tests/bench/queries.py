"""Whether questions cost the same however long the ledger is: each is asked of a short and of a long one.

Both hold the same last weeks of the same portfolios; the long one holds years before them too.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert

from mappings.vocabulary import Handoff, Kept, TaskKind
from sync.clock import Clock, to_ms
from sync.crm import Kind, RecordRef
from sync.observe import status
from sync.observe.metrics import Metrics
from sync.passes.sweep import TICKETS_LIVE_FOR
from sync.rules.keys import EffectKind, suffix_of
from sync.rules.model import EffectState, OccurrenceState
from sync.settings import Settings, read_settings
from sync.storage import backfills, changes, identities, inbox, ledger, retention, runs, tables, versions, work_queue
from sync.storage.database import Store, migrate, open_store
from sync.storage.ledger import queries
from tests.bench.figures import Figure
from tests.databases import drop, url_in

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
SHORT, LONG = 1_000, 300_000
"""Effects of the two ledgers."""

PORTFOLIOS = 100
AN_OCCURRENCE = timedelta(minutes=90)
"""How far apart two occurrences are: the short ledger then holds two months, the long one fifty years of them."""

TIMES = 60
WANTED = 1.5
"""The long one takes at most so many times what the short one takes, of each question."""

_MAKE_TASKS = (Handoff.KICKOFF, Handoff.TICKETS, Handoff.SET_READY, Handoff.REVISIONS, Handoff.APPROVED)


class _Standing(Clock):
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError(seconds)


def flat(long: int = LONG) -> Figure:
    """The worst ratio, of all questions, of what one takes on the long ledger to what it takes on the short one."""
    with tempfile.TemporaryDirectory() as directory:
        took = {effects: _measured(Path(directory), effects) for effects in (SHORT, long)}
    ratios = {name: took[long][name] / took[SHORT][name] for name in took[SHORT]}
    return Figure(
        f"questions to a ledger of {long:,} effects, against one of {SHORT:,}: the worst of {len(ratios)}", "times",
        ours=max(ratios.values()), wanted=WANTED, bound=1,
        details={
            name: {"ratio": round(ratios[name], 2), **{f"ms_{n}": round(1000 * each[name], 3) for n, each in took.items()}}
            for name in ratios
        },
    )  # fmt: skip


def _measured(directory: Path, effects: int) -> dict[str, float]:
    url = url_in(directory, f"of_{effects}")
    store = open_store(url)
    try:
        migrate(store)
        settings = read_settings(_env_file=None, database_url=url)
        fill(store, effects)
        # What others do on the machine counts not; but of a server's work this process knows only how long it took.
        clock = time.perf_counter if store.is_shared else time.thread_time
        return {name: _least(ask, clock) for name, ask in questions(store, settings).items()}
    finally:
        store.close()
        drop(url)


def _least(ask: Callable[[], object], clock: Callable[[], float]) -> float:
    ask()
    took = []
    for _ in range(TIMES):
        began = clock()
        ask()
        took.append(clock() - began)
    return min(took)  # the one that nothing else on the machine disturbed


def questions(store: Store, settings: Settings) -> dict[str, Callable[[], object]]:
    """Whatever is asked of the whole ledger, by who asks it; and what a pass asks about its own records."""
    clock = _Standing()
    metrics = Metrics(store, clock)
    some = [str(number) for number in range(20)]
    refs = [RecordRef(Kind.PORTFOLIO, i) for i in some]
    tickets = [RecordRef(Kind.TICKET, i) for i in some]
    with store.read() as connection:
        known = [one for of_ticket in versions.of(connection, tickets).values() for one in of_ticket]

    def ask(question: Callable[[Connection], object]) -> Callable[[], object]:
        def asked() -> object:
            with store.read() as connection:
                return question(connection)

        return asked

    return {
        "status": lambda: status.read(store, clock, settings),
        "/metrics": metrics.text,
        "poll, adopted tasks": ask(lambda c: queries.adopted_tasks(c, 400)),
        "poll, units of tasks": ask(lambda c: queries.units_of_tasks(c, [str(n) for n in range(50)])),
        "sweep, live tickets": ask(lambda c: queries.with_tickets_since(c, NOW - TICKETS_LIVE_FOR)),
        "sweep, open effects": ask(queries.with_open_effects),
        "start, blocked effects": ask(queries.with_blocked_effects),
        "breaker, attempted": ask(lambda c: ledger.attempted_since(c, NOW - timedelta(hours=1))),
        "pass, unresolved": ask(lambda c: ledger.unresolved(c, refs)),
        "pass, versions that are kept": ask(lambda c: versions.of(c, tickets)),
        "pass, versions to keep": ask(lambda c: versions.remember(c, known)),
        "pass, what records were": ask(lambda c: identities.seen(c, tickets)),
        "poll, what was read": ask(lambda c: changes.unread(c, dict.fromkeys(tickets, NOW))),
        "pass, to follow": ask(lambda c: ledger.to_follow(c, NOW, 100)),
        "backlog": ask(lambda c: work_queue.backlog(c, NOW)),
        "explain, newest events": ask(lambda c: inbox.newest_of(c, some, 10)),
        "replay, an hour's events": ask(lambda c: list(inbox.find(c, since=NOW - timedelta(hours=1)))),
        "retention": lambda: retention.count(store, NOW - timedelta(days=400)),
        "runs of a day": ask(lambda c: runs.find(c, NOW - timedelta(days=1), NOW)),
        "backfilled": ask(lambda c: backfills.reaching_back(c, some)),
    }


def fill(store: Store, effects: int) -> None:
    """Write so many effects into an empty ledger, of which a few are open; and a run of an admin's for each hundred."""
    numbers = count()
    while number := len(part := list(islice(numbers, min(effects, 10_000)))):
        effects -= number
        rows = list(_rows(part))
        with store.write() as connection:
            connection.execute(insert(tables.occurrences), [occurrence for occurrence, _ in rows])
            connection.execute(insert(tables.effects), [effect for _, effect in rows])
            connection.execute(insert(tables.runs), [_run(n) for n in part if n % 100 == 0])
            for table, row in _TICKETS.items():
                connection.execute(insert(table), [{"kind": Kind.TICKET.value, "id": str(n), **row} for n in part])
    if store.is_shared:  # as PostgreSQL does by itself after a while
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


_TICKETS: dict[Table, dict[str, Any]] = {
    tables.versions: {
        "property": Kept.STAGE.value, "at": to_ms(NOW), "value": "1", "means": "in_progress", "source": "CRM_UI", "by": "",
    },
    tables.seen: {"modified_at": to_ms(NOW)},
    tables.seen_versions: {"times": f'{{"hs_pipeline_stage":[{to_ms(NOW)}]}}', "name": "Banner"},
}  # fmt: skip
"""What is kept of each ticket that ever was."""


def _run(number: int) -> dict[str, Any]:
    at = to_ms(NOW - number * AN_OCCURRENCE)
    return {"command": "apply", "actor": "ops", "arguments": "{}", "started": at, "finished": at, "counts": "{}"}


def _rows(numbers: list[int]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for number in numbers:
        at = to_ms(NOW - number * AN_OCCURRENCE)
        handoff = _MAKE_TASKS[number % len(_MAKE_TASKS)]
        state, why = (
            (EffectState.BLOCKED, "nobody") if number < SHORT and number % 50 == 0 else (EffectState.DONE, None)
        )
        occurrence = f"{handoff.value}:{number}:{at}"
        suffix = suffix_of(TaskKind.IMPLEMENT if handoff is Handoff.APPROVED else TaskKind.KICKOFF)
        yield (
            {
                "key": occurrence, "handoff": handoff.value, "record_kind": "ticket", "record": str(number),
                "portfolio": str(number % PORTFOLIOS), "cycle": "start", "cause_at": at, "decided_at": at,
                "origin": "webhook", "reason": "a reason as rules give one", "detail": "{}", "mapping": None,
                "state": (OccurrenceState.DONE if state is EffectState.DONE else OccurrenceState.OPEN).value,
            },
            {
                "key": f"{occurrence}{suffix}", "occurrence": occurrence, "position": 0, "kind": EffectKind.TASK.value,
                "role": "am", "payload": f'{{"adopted":{"true" if number < 50 else "false"},"context":{{"text":"{"x" * 700}"}}}}',
                "state": state.value, "state_at": at, "attempted_at": at, "attempts": 1, "crm_id": str(number), "reason": why,
                "adopted": int(number < 50),
            },
        )  # fmt: skip
