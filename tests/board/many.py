"""Very many clients, each as a pass found it, with the cycles behind it: written into a database as it stands."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from mappings.vocabulary import Handoff, Kept, Revision, Stage, Status, Step
from sync.clock import to_ms
from sync.crm import Kind
from sync.rules.cycle import cycle_id
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState, OccurrenceState
from sync.storage import tables
from sync.storage.database import Store, in_parts
from sync.storage.versions import APPROVED, DELIVERABLES

FIRST = 100_000
"""The lowest id of a portfolio."""

A_CYCLE = timedelta(days=28)
TICKETS = 4
"""Of a cycle."""

Row = dict[str, Any]


def plant(store: Store, clients: int, now: datetime, *, cycles: int = 0) -> None:
    """Write so many clients, half of whom are waited for, each with so many cycles that are over: the last one ended just now."""
    with store.write() as connection:
        for numbers in in_parts(range(clients), 1000):
            connection.execute(insert(tables.portfolios), [_portfolio(n, now, cycles) for n in numbers])
            if waits := [_wait(n, now) for n in numbers if n < clients // 2]:
                connection.execute(insert(tables.waits), waits)
            if cycles:
                _plant_pasts(connection, numbers, now, cycles)


def _plant_pasts(connection: Any, numbers: Sequence[int], now: datetime, cycles: int) -> None:
    tables_of: dict[Any, list[Row]] = {}
    for n in numbers:
        for back in range(cycles, 0, -1):
            for table, row in _cycle(n, now, back, cycles):
                tables_of.setdefault(table, []).append(row)
    for table in (tables.versions, tables.memberships, tables.cycles, tables.occurrences, tables.effects):
        connection.execute(insert(table), tables_of[table])


def _portfolio(n: int, now: datetime, cycles: int) -> Row:
    steps = list(Step)
    return {
        "portfolio": str(FIRST + n), "name": f"Client {n}", "search_name": f"client {n}",
        "url": "https://app.hubspot.com/contacts/1/record/2-1/1", "inside": 1, "status": "Requested",
        "refresh_date": f"2026-{n % 12 + 1:02}-15", "step": steps[n % len(steps)].value,
        "people": f'{{"copywriter":"Cody {n % 50}","account_manager":"Amelia {n % 40}"}}',
        "ad_sets": '{"sets":[{"name":"Autumn","of":3,"ready":1}]}', "problems": '{"problems":[]}',
        "history": str(cycles), "changed_at": to_ms(now),
    }  # fmt: skip


def _wait(n: int, now: datetime) -> Row:
    return {
        "portfolio": str(FIRST + n), "name": "", "url": "", "party": "client", "who": "the client", "after": "1",
        "what": "to say yes", "since": to_ms(now) - n * 1000, "stuck_at": to_ms(now) + (n % 50) * 1000 - 1000,
        "seen_at": to_ms(now),
    }  # fmt: skip


def _cycle(n: int, now: datetime, back: int, of: int) -> Iterator[tuple[Any, Row]]:
    """One cycle: kickoff, yes, tickets, a review, a revision of one of them, approval, live. `back` 1: the newest."""
    portfolio, start = str(FIRST + n), now - back * A_CYCLE + timedelta(minutes=n % 600)
    began = None if back == of else start - timedelta(hours=1)
    day = (start + timedelta(days=8)).date()

    def at(days: float) -> datetime:
        return start + timedelta(days=days)

    def version(kind: Kind, record: str, name: Kept, days: float, means: str) -> tuple[Any, Row]:
        return tables.versions, {
            "kind": kind.value, "id": record, "property": name.value, "at": to_ms(at(days)), "value": means,
            "means": means, "source": "CRM_UI", "by": "userId:1",
        }  # fmt: skip

    yield version(Kind.PORTFOLIO, portfolio, Kept.REFRESH_DATE, 0, day.isoformat())
    for days, status in (
        (2, Status.REFRESH_REQUEST_SUBMITTED), (9, Status.DELIVERABLES_SUBMITTED), (12, Status.CREATIVES_PENDING_APPROVAL),
        (20, Status.CREATIVES_APPROVED), (28 - 1 / 24, Status.CREATIVES_IMPLEMENTED),
    ):  # fmt: skip
        yield version(Kind.PORTFOLIO, portfolio, Kept.STATUS, days, status.value)
    yield tables.cycles, {
        "portfolio": portfolio, "started": to_ms(at(28 - 1 / 24)), "by": Status.CREATIVES_IMPLEMENTED.value,
    }  # fmt: skip
    for number in range(TICKETS):
        ticket = str((FIRST + n) * 1000 + back * TICKETS + number)
        yield tables.memberships, {"ticket": ticket, "portfolio": portfolio}
        for name, days, means in (
            (Kept.PIPELINE, 8.5, DELIVERABLES), (Kept.STAGE, 8.5, Stage.IN_PROGRESS.value),
            (Kept.COPY_APPROVAL, 11, APPROVED), (Kept.GRAPHIC_APPROVAL, 11.5, APPROVED),
            (Kept.STAGE, 12, Stage.PENDING_APPROVAL.value),
        ):  # fmt: skip
            yield version(Kind.TICKET, ticket, name, days + number / 50, means)
    for name, days, means in (
        (Kept.NEEDS_REVISIONS, 14, Revision.COPY.value), (Kept.STAGE, 14.01, Stage.IN_PROGRESS.value),
        (Kept.COPY_APPROVAL, 14.01, ""), (Kept.COPY_APPROVAL, 16, APPROVED), (Kept.STAGE, 16, Stage.PENDING_APPROVAL.value),
        (Kept.NEEDS_REVISIONS, 16.01, ""),
    ):  # fmt: skip
        yield version(Kind.TICKET, ticket, name, days, means)
    yield from _kickoff(portfolio, cycle_id(began), at(0.5))


def _kickoff(portfolio: str, cycle: str, at: datetime) -> Iterator[tuple[Any, Row]]:
    key = f"{Handoff.KICKOFF.value}:{portfolio}:{to_ms(at)}"
    yield tables.occurrences, {
        "key": key, "handoff": Handoff.KICKOFF.value, "record_kind": Kind.PORTFOLIO.value, "record": portfolio,
        "portfolio": portfolio, "cycle": cycle, "cause_at": to_ms(at), "decided_at": to_ms(at), "origin": "sweep",
        "state": OccurrenceState.DONE.value, "reason": "the Refresh Date is 7 days away", "detail": "{}", "mapping": None,
    }  # fmt: skip
    yield tables.effects, {
        "key": f"{key}/task:kickoff", "occurrence": key, "position": 0, "kind": EffectKind.TASK.value,
        "role": "account_manager", "payload": json.dumps({"owner": "1"}), "state": EffectState.DONE.value,
        "state_at": to_ms(at), "attempted_at": to_ms(at), "attempts": 1, "crm_id": f"9{portfolio}{to_ms(at)}",
    }  # fmt: skip
